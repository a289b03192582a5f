"""The statistics of a quiz that 2,000 people have sat, 40 questions each, in one process without a server.

    python -m tests.benchmarks.statistics [--database sqlite|postgresql|both] [--people 2000] [--rounds 5]

Prints Markdown: the CPU milliseconds of this process for the page and for its parts (what is read of marks and answers,
the figures, the times at questions), the median and the most of the rounds, and how many SQL statements the page takes.
One attempt is made through the services; the others are rows like its own with marks, answers and times by a die, so
that the page has something to tell. Nothing of them is sealed: what is measured here only reads.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from sqlalchemy import Engine, func, insert, inspect, select

from portal import create_app
from portal.accounts.models import Person, Role
from portal.core import i18n
from portal.core.db import attach_migrations, db, session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import Attempt, AttemptEvent, EventKind, Item, ItemMark, Marking, Response
from portal.quizzes.queries.statistics import seconds_by_version, sittings_of
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.service.statistics import figures_of_sittings
from tests.benchmarks.pages import _cookie, database, in_production, quiet
from tests.builders import make_grant, make_person
from tests.queries import counted_queries
from tests.quizzes.builders import answer_all, begin, make_bank, make_quiz

QUESTIONS, BANK = 40, 60
_AT_ONCE = 20_000


def _like(row: Any, **values: Any) -> dict[str, Any]:
    """Return the columns of a row with other values in some of them, without its own number."""
    columns = [each.key for each in inspect(type(row)).column_attrs if each.key != "id"]
    return {key: getattr(row, key) for key in columns} | values


def _add(model: type[Any], rows: Iterator[dict[str, Any]]) -> None:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == _AT_ONCE:
            session.execute(insert(model), part)
            part = []
    if part:
        session.execute(insert(model), part)


def _make_crowd(quiz: str, by: Person, people: int) -> None:
    first = make_person("taker")
    attempt = begin(first, queries.get_quiz(quiz))
    answer_all(attempt)
    with own_transaction():
        submit_attempt(attempt=attempt, person=first)
    attempt = queries.get_attempt(attempt.code)
    items, marking = queries.list_items(attempt), attempt.markings[0]
    version_ids = [each.question_version_id for each in items]
    crowd = [_like(first, code=f"C{n:05d}", sign_in_name=f"crowd{n}@portal.example") for n in range(people - 1)]
    dice, began_at = random.Random(1), attempt.started_at
    with own_transaction():
        _add(Person, iter(crowd))
        ids = list(session.scalars(select(Person.id).where(Person.code.startswith("C0")).order_by(Person.id)))
        _add(Attempt, (_like(attempt, code=f"X{n:06d}", person_id=person_id) for n, person_id in enumerate(ids)))
        attempts = list(session.scalars(select(Attempt.id).where(Attempt.code.startswith("X0")).order_by(Attempt.id)))
        top = session.scalar(select(func.max(Item.id))) or 0
        marks = session.scalar(select(func.max(Marking.id))) or 0
        numbered = {number: top + 1 + place * QUESTIONS for place, number in enumerate(attempts)}
        _add(
            Item,
            (
                _like(item, id=numbered[number] + place, attempt_id=number, question_version_id=version_id)
                for number in attempts
                for place, (item, version_id) in enumerate(zip(items, dice.sample(version_ids, QUESTIONS), strict=True))
            ),
        )
        right = {number: dice.betavariate(4, 2) for number in attempts}
        _add(
            Marking,
            (
                _like(marking, id=marks + 1 + n, attempt_id=number, score=Fraction(round(right[number] * 100), 100))
                for n, number in enumerate(attempts)
            ),
        )
        _add(
            ItemMark,
            (
                {
                    "marking_id": marks + 1 + n,
                    "item_id": numbered[number] + place,
                    "points": item.max_points if dice.random() < right[number] else Fraction(0),
                    "max_points": item.max_points,
                }
                for n, number in enumerate(attempts)
                for place, item in enumerate(items)
            ),
        )
        _add(
            Response,
            (
                _like(item.response, item_id=numbered[number] + place, answer={"answer": [dice.choice("abc")]})
                for number in attempts
                for place, item in enumerate(items)
            ),
        )
        _add(AttemptEvent, _saves(attempts, items, began_at, dice))


def _saves(attempts: list[int], items: list[Item], began_at: datetime, dice: random.Random) -> Iterator[dict[str, Any]]:
    for number in attempts:
        at = began_at
        for line, item in enumerate(items, start=1):
            at += timedelta(seconds=dice.expovariate(1 / 40))
            yield {
                "attempt_id": number, "number": line, "chain": "0" * 64, "kind": EventKind.SAVED, "at": at,
                "by": "learner", "position": item.position, "seq": 1, "hash": "0" * 64, "idem_key": f"k{line}",
            }  # fmt: skip


def _measured(work: Callable[[], object], rounds: int) -> str:
    taken = []
    for _round in range(rounds):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return f"{statistics.median(taken):.0f} ({max(taken):.0f})"


def _measure(app: Flask, engine: Engine, people: int, rounds: int) -> None:
    with app.app_context():
        author = make_person("author")
        make_grant(author, Role.AUTHOR)
        make_bank(author, size=BANK)
        version = make_quiz(author, blueprint=[{"bank": "impersonation", "count": QUESTIONS}], time_limit_minutes=60)
        _make_crowd(version.quiz.slug, author, people)
        quiz_id = version.quiz_id
        cookie, _token = _cookie(app, author)
        session.remove()
    client = app.test_client(use_cookies=False)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)

    def page() -> None:
        reply = client.get(
            "/quizzes/impersonation/statistics", headers={"Cookie": cookie}, base_url="https://portal.example"
        )
        assert reply.status_code == 200, reply.status_code

    page()
    with counted_queries(engine) as statements:
        page()
    whole = _measured(page, rounds)
    with app.app_context():
        sittings = sittings_of(quiz_id)
        assert len(sittings.rows) == people
        read = _measured(lambda: sittings_of(quiz_id), rounds)
        figures = _measured(lambda: figures_of_sittings(sittings), rounds)
        times = _measured(lambda: seconds_by_version(sittings), rounds)
    print(f"| {whole} | {read} | {figures} | {times} | {len(statements)} |")


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    quiet()
    i18n.compile_all()
    print(f"Python {platform.python_version()}\n")
    print("| database | page, CPU ms (most) | marks and answers | figures | times at questions | statements |")
    print("|---|---|---|---|---|---|")
    for name in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        with tempfile.TemporaryDirectory() as folder, database(name, Path(folder)) as (url, _anchor, _processes):
            print(f"| {name} ", end="", flush=True)
            app = create_app(in_production(Path(folder), url))
            attach_migrations(app)
            with app.app_context():
                flask_migrate.upgrade()
                engine = db.engine
            _measure(app, engine, asked.people, asked.rounds)


if __name__ == "__main__":
    main()
