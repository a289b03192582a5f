"""What recurs for 5,000 people in ten obligations: the worker's look, a day on which cycles open, the pages that tell.

    python -m tests.benchmarks.obligations [--database sqlite|postgresql|both] [--people 5000] [--obligations 10]

Prints Markdown. Everybody is addressed by every obligation; all come on a fixed day, of which one is near. Measured are
the first look, which notes whom they address, a look on a day like any other, the day on which one of them comes to
everybody, and the pages that say whether the next cycle will really come. CPU is that of this process (on PostgreSQL
the server's comes on top).
"""

from __future__ import annotations

import argparse
import gc
import os
from datetime import UTC, date, datetime
from functools import partial

from flask import Flask
from sqlalchemy import func, insert, select

from portal.accounts.models import Person, Role
from portal.core import clock, i18n, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.obligations.models import ObligationCycle
from portal.obligations.rules import Rhythm
from portal.obligations.service import obligations
from portal.obligations.service.obligations import Wanted
from tests.benchmarks.campaigns import application, measured
from tests.benchmarks.lead_page import signed_in
from tests.builders import make_grant, make_market, make_person
from tests.obligations.builders import PLAN, make_refresher
from tests.training.builders import load_holidays

# A Wednesday, the Thursday after it, and the Friday on which one of the obligations comes.
MADE = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)
QUIET = datetime(2026, 4, 2, 1, 0, tzinfo=UTC)
COMES = datetime(2026, 4, 3, 1, 0, tzinfo=UTC)


def fill(people: int, number: int) -> tuple[Person, list[str]]:
    """Make the people, the plan and the obligations; return an administrator and the codes, that which comes first."""
    admin = make_person("admin@portal.example")
    make_grant(admin, Role.ADMIN)
    load_holidays()
    make_refresher(admin)
    market = make_market()
    session.execute(
        insert(Person),
        [
            {
                "family_name": "田中", "family_kana": "タナカ", "given_kana": "ハナコ", "time_zone": "Asia/Tokyo",
                "created_at": MADE, "password_hash": "set", "home_market_id": market.id, "code": f"B{each:06d}",
                "sign_in_name": f"b{each}@portal.example", "given_name": f"花子{each}",
                "language": ("ja", "en")[each % 2],
            }
            for each in range(people)
        ],
    )  # fmt: skip
    session.commit()
    codes = []
    for each in range(number):
        wanted = Wanted(
            title=Words(f"Refresher {each}", f"年次研修{each}"), plan_slug=PLAN, rhythm=Rhythm.YEARLY,
            begins_on=date(2026, 4, 1), days=20, month=4 if each == 0 else 10, day=3, markets=(market.code,),
        )  # fmt: skip
        with own_transaction():
            codes.append(obligations.create(wanted=wanted, owner=admin, deputy=None, by=admin).code)
    session.expire_all()
    return admin, codes


def run(database: str, people: int, number: int) -> list[str]:
    """Measure on one kind of database and return the rows of its table."""
    with application(database) as app:
        with clock.frozen(MADE):
            admin, codes = fill(people, number)
            # As the web server does (`wsgi.py`): else the collector goes through all that was made here again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(5_000, 20, 20)
            first = measured(_look)
        with clock.frozen(QUIET):
            quiet = measured(_look)
            pages = _pages(app, admin, codes[0])
        with clock.frozen(COMES):
            comes = measured(_look)
            opened = session.scalar(select(func.count()).select_from(ObligationCycle)) or 0
            again = measured(_look)
            pages += _pages(app, admin, codes[0], " once its cycles are open")
    pairs = f"{people:,} people × {number}"
    return [
        first.line(f"first look at {pairs}: whom they address is noted"),
        quiet.line(f"look at {pairs} on a day on which nothing comes"),
        comes.line(f"look on the day of one of them: {opened:,} cycles opened"),
        again.line("look again an hour later"),
        *pages,
    ]


def _look() -> None:
    session.expire_all()
    jobs.run_periodic("obligations.cycles")


def _pages(app: Flask, admin: Person, code: str, when: str = "") -> list[str]:
    browser = signed_in(app, admin)
    found = []
    for name, address in (("the list of obligations", "/obligations"), ("the page of one", f"/obligations/{code}")):
        assert browser.client.get(address).status_code == 200
        found.append(measured(partial(browser.client.get, address)).line(f"{name}{when}"))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--obligations", type=int, default=10)
    chosen = parser.parse_args()
    i18n.compile_all()
    for database in ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]:
        print(f"### {database}, load {os.getloadavg()[0]:.1f}\n\n| | seconds | CPU s | statements |\n|---|---|---|---|")
        print("\n".join(run(database, chosen.people, chosen.obligations)), flush=True)


if __name__ == "__main__":
    main()
