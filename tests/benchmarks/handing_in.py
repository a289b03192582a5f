"""An attempt of 40 answered questions is handed in, in one process without a server.

    python -m tests.benchmarks.handing_in [--database sqlite|postgresql|both] [--takers 60]

Prints Markdown: the CPU milliseconds of this process for the request that hands in, as the page of the attempt sends it
(all answers with it, all of them saved before), the median and the most of all takers, and how many SQL statements
it takes. The first takers are left out: they compile templates and statements. The collector is set as in `wsgi.py`.
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from sqlalchemy import Engine

from portal import create_app
from portal.core import i18n
from portal.core.db import attach_migrations, db, session
from portal.quizzes import queries
from portal.quizzes.models import AttemptState
from tests.benchmarks.pages import _cookie, database, in_production, quiet
from tests.builders import make_person
from tests.queries import counted_queries
from tests.quizzes.builders import answer_all, begin, filled_in, make_bank, make_quiz

QUESTIONS, WARM_UP = 40, 5


def _prepare(app: Flask, takers: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Let so many people answer everything, saved answer by answer; return code, cookie and form of each."""
    author = make_person("author")
    make_bank(author, size=2 * QUESTIONS)
    version = make_quiz(author, blueprint=[{"bank": "impersonation", "count": QUESTIONS}], time_limit_minutes=60)
    sent = []
    for number in range(takers):
        person = make_person(f"taker{number}")
        attempt = begin(person, version)
        answer_all(attempt, right=QUESTIONS * 3 // 4)
        cookie, token = _cookie(app, person)
        sent.append(
            (
                attempt.code,
                cookie,
                {**filled_in(attempt), "action": "submit", "form_key": "0123456789abcdef", "csrf_token": token},
            )
        )
    session.remove()
    return sent


def _measure(app: Flask, engine: Engine, takers: int) -> None:
    with app.app_context():
        sent = _prepare(app, takers + WARM_UP)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
    taken, counts = [], []
    for code, cookie, form in sent:
        client = app.test_client(use_cookies=False)
        with counted_queries(engine) as statements:
            begun = time.process_time()
            reply = client.post(
                f"/attempts/{code}", data=form, headers={"Cookie": cookie}, base_url="https://portal.example"
            )
            taken.append((time.process_time() - begun) * 1000)
        assert reply.status_code == 303, reply.status_code
        counts.append(len(statements))
    with app.app_context():
        assert all(queries.get_attempt(code).state is AttemptState.RELEASED for code, _cookie, _form in sent)
    taken, counts = taken[WARM_UP:], counts[WARM_UP:]
    print(f"| {statistics.median(taken):.1f} ({max(taken):.1f}) | {max(counts)} |")


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--takers", type=int, default=60)
    asked = parser.parse_args()
    quiet()
    i18n.compile_all()
    print(f"Python {platform.python_version()}\n\n| database | CPU ms (most) | statements |\n|---|---|---|")
    for name in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        with tempfile.TemporaryDirectory() as folder, database(name, Path(folder)) as (url, _anchor, _processes):
            print(f"| {name} ", end="")
            app = create_app(in_production(Path(folder), url))
            attach_migrations(app)
            with app.app_context():
                flask_migrate.upgrade()
                engine = db.engine
            _measure(app, engine, asked.takers)


if __name__ == "__main__":
    main()
