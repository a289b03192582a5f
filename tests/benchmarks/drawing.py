"""Papers drawn from a bank of 10,000 questions, in one process without a server.

    python -m tests.benchmarks.drawing [--database sqlite|postgresql|both] [--questions 10000] [--rounds 20]

Prints Markdown: for each blueprint the CPU milliseconds of this process that drawing takes, by the rules alone and as
an attempt draws it (what the bank holds read from the database, the drawn wordings too), the median and the most of the
rounds. The first paper of a process reads every wording once and is told apart. The collector is set as in `wsgi.py`.
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import flask_migrate

from portal import create_app
from portal.core.db import attach_migrations
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.quizzes import rules
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.queries import pool
from portal.quizzes.rules import Draw, Strata
from portal.quizzes.service.banks import take_bank
from portal.quizzes.service.drawing import draw_paper
from tests.benchmarks.pages import database, settings
from tests.builders import make_person
from tests.quizzes.builders import KINDS, Facts, make_content

BLUEPRINTS: dict[str, list[Draw]] = {
    "40 of the whole bank": [Draw(bank="large", count=40)],
    "8 draws of 5, each of a difficulty": [Draw(bank="large", count=5, difficulty=(1 + n % 5,)) for n in range(8)],
    "40, equally many of each of 50 clauses": [Draw(bank="large", count=40, strata=Strata.CLAUSE)],
    "30 by difficulty and 10 cases": [
        Draw(bank="large", count=30, strata=Strata.DIFFICULTY),
        Draw(bank="large", count=10, types=("case",)),
    ],
}


def _make_bank(questions: int) -> None:
    bank = Bank(
        title=Words("Large", "大きな問題バンク"),
        document="impersonation",
        version="1.0",
        questions=tuple(
            BankQuestion(
                f"q-{number:05d}",
                make_content(
                    number, KINDS[number % 4], tags=(f"t-{number % 20}",), clauses=(f"impersonation#c-{number % 50}",)
                ),
            )
            for number in range(questions)
        ),
    )
    with own_transaction():
        take_bank(slug="large", bank=bank, facts=Facts(), by=make_person("author"))


def _measured(work: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Return the median and the most of the CPU milliseconds."""
    taken = []
    for number in range(rounds):
        begun = time.process_time()
        work(number)
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken), max(taken)


def _measure(questions: int, rounds: int) -> None:
    _make_bank(questions)
    begun = time.process_time()
    candidates = [each.candidate for each in pool.list_drawable(["large"])]
    first = (time.process_time() - begun) * 1000
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
    print(f"Reading {len(candidates):,} wordings for the first time takes {first:.0f} ms of CPU.\n")
    print("| blueprint | rules alone, CPU ms (most) | as an attempt, CPU ms (most) |\n|---|---|---|")
    for name, lines in BLUEPRINTS.items():
        last: dict[str, Sequence[str]] = {"": []}

        def by_rules(number: int, lines: list[Draw] = lines, last: dict[str, Sequence[str]] = last) -> None:
            drawn = rules.draw(lines, candidates, seed=str(number), avoid=frozenset(last[""]))
            assert drawn is not None
            last[""] = drawn

        def by_service(number: int, lines: list[Draw] = lines, last: dict[str, Sequence[str]] = last) -> None:
            draw_paper(
                lines, sections=[], pilots=0, shuffles=True, seed=str(number), language="ja", avoid=frozenset(last[""])
            )

        alone, whole = _measured(by_rules, rounds), _measured(by_service, rounds)
        print(f"| {name} | {alone[0]:.0f} ({alone[1]:.0f}) | {whole[0]:.0f} ({whole[1]:.0f}) |")


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}\n")
    for name in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        with tempfile.TemporaryDirectory() as folder, database(name, Path(folder)) as (url, _anchor, _processes):
            print(f"## {name}\n")
            app = create_app(settings(Path(folder), url))
            attach_migrations(app)
            with app.app_context():
                flask_migrate.upgrade()
                _measure(asked.questions, asked.rounds)


if __name__ == "__main__":
    main()
