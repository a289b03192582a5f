"""Which tests the pass on PostgreSQL needs: every statement of the pass on SQLite is made there by two of them.

`SHIRUBE_TEST_STATEMENTS=record` writes down what each test asks of the database and how long it takes, `cover` leaves
out what makes no statement that others which stay do not make. What no statement tells stays always: tests that were
not recorded, races, tests of an installation of its own, of the core, and of the search for words, which is another one
in each database. `make nightly` leaves nothing out.
"""

from __future__ import annotations

import heapq
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

MODE = os.environ.get("SHIRUBE_TEST_STATEMENTS", "")
TWICE = 2


def covering(made: Mapping[str, frozenset[str]], seconds: Mapping[str, float], stays: frozenset[str]) -> set[str]:
    """Return tests that together make each statement as often as all do, or twice; those that stay among them."""
    left = Counter({each: min(TWICE, times) for each, times in Counter(s for of in made.values() for s in of).items()})
    chosen = set(stays)
    for test in stays:
        left.subtract(made.get(test, ()))

    def worth(test: str) -> float:
        return sum(left[each] > 0 for each in made[test]) / (seconds[test] + 0.05)

    waiting = [(-worth(test), test) for test in sorted(made.keys() - stays)]
    heapq.heapify(waiting)
    while waiting:
        said, test = heapq.heappop(waiting)
        now = worth(test)
        if now == 0:
            continue
        if now < -said:
            # Others have made some of its statements since.
            heapq.heappush(waiting, (-now, test))
            continue
        chosen.add(test)
        left.subtract(made[test])
    return chosen


def always(item: pytest.Item) -> bool:
    """Say whether the test says something about the database that its statements do not."""
    assert isinstance(item, pytest.Function)
    return (
        item.get_closest_marker("races") is not None
        or hasattr(item.module, "DATABASE")
        or bool({"postgresql", "portal"}.intersection(item.fixturenames))
        or item.nodeid.startswith("tests/core/")
        or "search" in item.nodeid
    )


class Recording:
    """Writes down what each test asks of the database; each worker into a file of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._numbers: dict[str, int] = {}
        self._made: set[int] = set()
        self._tests: dict[str, tuple[float, list[int]]] = {}
        event.listen(Engine, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: bool) -> None:
        compiled = getattr(context, "compiled", None)
        # Not what was sent: there a list of three is another statement than a list of four.
        self._made.add(self._numbers.setdefault(compiled.string if compiled else statement, len(self._numbers)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._made.clear()
        began = time.perf_counter()
        done = yield
        self._tests[item.nodeid] = (round(time.perf_counter() - began, 3), sorted(self._made))
        return done

    def pytest_sessionfinish(self) -> None:
        self._file.write_text(json.dumps({"statements": list(self._numbers), "tests": self._tests}))


class Covering:
    """Leaves out what makes no statement of its own."""

    def __init__(self, folder: Path) -> None:
        self._made: dict[str, frozenset[str]] = {}
        self._seconds: dict[str, float] = {}
        for file in sorted(folder.glob("*.json")):
            recorded = json.loads(file.read_text())
            for test, (seconds, numbers) in recorded["tests"].items():
                self._made[test] = frozenset(recorded["statements"][number] for number in numbers)
                self._seconds[test] = seconds

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        known = {item.nodeid: self._made[item.nodeid] for item in items if item.nodeid in self._made}
        stays = frozenset(item.nodeid for item in items if item.nodeid not in known or always(item))
        chosen = covering(known, self._seconds, stays)
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in chosen])
        items[:] = [item for item in items if item.nodeid in chosen]


def register(config: pytest.Config) -> None:
    """Record, or leave out, as the environment says."""
    folder = config.cache.mkdir("statements") if MODE and config.cache else None
    if folder is None:
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if MODE == "cover":
        config.pluginmanager.register(Covering(folder))
        return
    if worker is None:
        for file in folder.glob("*.json"):
            file.unlink()
    config.pluginmanager.register(Recording(folder / f"{worker or 'main'}.json"))
