# Thin: every recipe is a command that README.md also gives without make.
.DEFAULT_GOAL := help
BIN := .venv/bin
UV_VERSION := 0.13.9
# Each worker begins with a third that lies together, so that what a module shares is made once.
PYTEST := $(BIN)/pytest -q -n 3 --dist worksteal

.PHONY: help run test lint format demo-accounts nightly bench worker

help:
	@echo "make run            install what is missing, migrate, load the demo once, start web and worker"
	@echo "make test           install what the tests need and run everything"
	@echo "make demo-accounts  print the demo accounts as JSON"
	@echo "make lint           linters, types, import contracts, translations"
	@echo "make bench          the measurements behind docs/performance.md"
	@echo "make nightly        the tests in their larger volumes"

run: .venv/ready
	@.ci/packages run
	@# Without bytecode every start would compile everything again where PYTHONDONTWRITEBYTECODE is set.
	@$(BIN)/python -m compileall -q -j 0 portal config.py wsgi.py || true
	@$(BIN)/python -m portal.operations.development

demo-accounts: .venv/ready
	@$(BIN)/flask --app wsgi demo accounts

.venv/ready: requirements.lock
	@.ci/packages python
	@test -x $(BIN)/python || python3 -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@touch $@

.venv/ready-for-tests: .venv/ready requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements-dev.lock
	@touch $@

lint: .venv/ready-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m portal.core.i18n check

format: .venv/ready-for-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Without bytecode each of the many processes that tests start would compile everything again.
test nightly: export PYTHONDONTWRITEBYTECODE =

test: .venv/ready-for-tests
	@.ci/packages test
	@$(MAKE) --no-print-directory lint
	$(BIN)/flask --app wsgi content check content
	SHIRUBE_TEST_STATEMENTS=record SHIRUBE_TEST_DATABASE=sqlite $(PYTEST)
	SHIRUBE_TEST_STATEMENTS=cover SHIRUBE_TEST_DATABASE=postgresql $(PYTEST) -m "not any_database"

nightly: .venv/ready-for-tests
	@.ci/packages test
	SHIRUBE_TEST_VOLUME=nightly SHIRUBE_TEST_DATABASE=sqlite $(PYTEST)
	SHIRUBE_TEST_VOLUME=nightly SHIRUBE_TEST_DATABASE=postgresql $(PYTEST)

bench: .venv/ready-for-tests
	$(BIN)/python -m tests.benchmarks.pages
	$(BIN)/python -m tests.benchmarks.history
	$(BIN)/python -m tests.benchmarks.takers
