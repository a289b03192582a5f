"""The morning's sweep over 50,000 enrollments: seconds, CPU, statements and memory.

    python -m tests.benchmarks.reminders [--database sqlite|postgresql|both] [--people 50000]

Prints Markdown. Everybody follows a plan of twenty steps in teams of 25, each with a lead; a third is overdue. Measured
are the sweep that owes the mails, the same sweep once more, and writing a hundred of the mails. CPU is that of this
process (on PostgreSQL the server's comes on top).
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, insert, select

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.core import clock, i18n, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.mail import _builders
from portal.reminders.models import Digest
from portal.training.models import Enrollment, StepCompletion
from portal.training.rules import StepKind, StepSpec
from tests.benchmarks.campaigns import application, measured
from tests.builders import make_grant, make_market, make_person, make_team
from tests.training.builders import load_holidays, make_plan, make_version

TEAM = 25
STEPS = 20
START = date(2026, 6, 1)
# A Wednesday, on which six steps should be done.
NOW = datetime(2026, 6, 10, 0, 30, tzinfo=UTC)


def fill(people: int) -> None:
    """Make the people in their teams, their leads, the plan, and what two of three have done of it."""
    admin = make_person("admin@portal.example")
    make_grant(admin, Role.ADMIN)
    load_holidays()
    documents = [f"text-{number}" for number in range(STEPS)]
    for slug in documents:
        make_version(slug)
    steps = [
        StepSpec(f"step-{number}", StepKind.ACKNOWLEDGE, number, document=slug, title=Words(slug, slug), minutes=10)
        for number, slug in enumerate(documents)
    ]
    version, market = make_plan("plan", admin, *steps, phases=(), credential=None), make_market()
    teams = [make_team(f"team-{number}", market) for number in range(-(-people // TEAM))]
    common = {
        "family_name": "田中", "family_kana": "タナカ", "given_kana": "ハナコ", "time_zone": "Asia/Tokyo",
        "created_at": NOW, "password_hash": "set", "home_market_id": market.id,
    }  # fmt: skip
    number = 0
    for team in teams:
        session.execute(
            insert(Person),
            [
                {
                    **common, "code": f"B{number + place:06d}", "sign_in_name": f"b{number + place}@portal.example",
                    "given_name": f"花子{number + place}", "language": ("ja", "en")[place % 2], "team_id": team.id,
                }
                for place in range(TEAM)
            ],
        )  # fmt: skip
        number += TEAM
    session.commit()
    ids = session.execute(select(Person.id, Person.team_id).where(Person.code.like("B%")).order_by(Person.id)).all()
    codes = {team.id: team.code for team in teams}
    leads = {team_id: person_id for person_id, team_id in reversed(ids)}
    session.execute(
        insert(RoleGrant),
        [
            {
                "person_id": person_id, "role": Role.LEAD, "scope": Scope.TEAM, "scope_code": codes[team_id],
                "granted_at": NOW, "granted_by": "test",
            }
            for team_id, person_id in leads.items()
        ],
    )  # fmt: skip
    session.execute(
        insert(Enrollment),
        [
            {
                "code": f"E{person_id:011d}", "person_id": person_id, "plan_id": version.plan_id,
                "plan_version_id": version.id, "market_id": market.id, "starts_on": START,
                "enrolled_at": NOW - timedelta(days=12), "enrolled_by": "test",
            }
            for person_id, _team in ids
        ],
    )  # fmt: skip
    session.commit()
    first = [step.id for step in version.steps[:7]]
    enrollments = session.scalars(select(Enrollment.id).order_by(Enrollment.id)).all()
    for start in range(0, len(enrollments), 5000):
        session.execute(
            insert(StepCompletion),
            [
                {
                    "enrollment_id": each, "step_id": step, "completed_at": NOW, "recorded_at": NOW,
                    "due_on": START,
                }
                for each in enrollments[start : start + 5000]
                for step in (first if each % 3 else first[:3])
            ],
        )  # fmt: skip
    session.commit()
    session.expunge_all()


def run(database: str, people: int) -> list[str]:
    """Measure on one kind of database and return the rows of its table."""
    with application(database), clock.frozen(NOW):
        begun = time.perf_counter()
        fill(people)
        print(f"<!-- {people:,} people made in {time.perf_counter() - begun:.0f} s, "
              f"{_memory():.0f} MB -->", flush=True)  # fmt: skip
        before = _memory()
        sweep = measured(lambda: jobs.run_periodic("reminders.digests"))
        grown = _memory() - before
        again = measured(lambda: jobs.run_periodic("reminders.digests"))
        owed = session.scalar(select(func.count()).select_from(Digest)) or 0
        codes = session.scalars(select(Person.code).join(Digest).order_by(Digest.id).limit(100)).all()
        on = clock.today("Asia/Tokyo").isoformat()
        build = measured(lambda: [_builders["reminders.digest"](to=code, on=on) for code in codes])
    return [
        sweep.line(f"owe {owed:,} digests over {people:,} enrollments"),
        again.line("look again ten minutes later"),
        build.line("write 100 of the mails"),
        f"\nThe sweep added {grown:.0f} MB to the peak.",
    ]


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--people", type=int, default=50_000)
    chosen = parser.parse_args()
    i18n.compile_all()
    for database in ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]:
        print(f"### {database}, load {os.getloadavg()[0]:.1f}\n\n| | seconds | CPU s | statements |\n|---|---|---|---|")
        print("\n".join(run(database, chosen.people)))
        print(f"\nPeak memory {_memory():.0f} MB.\n")


if __name__ == "__main__":
    main()
