"""What a lead reads who leads many people: Today, her learners, what waits for a sign-off. CPU and statements.

    python -m tests.benchmarks.leads_lists [--database sqlite|postgresql|both] [--people 50 500 2000]

Prints Markdown. The plan has 30 steps, each after the one before it, every fifth of them signed off by the lead and
every fifth by a mentor; people stand anywhere in it, one in ten had leave. CPU is that of this process (on PostgreSQL
the server's comes on top), the least of several looks.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
from datetime import timedelta

from portal.accounts.models import Person, Role
from portal.calendars.models import Leave
from portal.core import clock, i18n
from portal.core.db import session
from portal.training.models import Enrollment, StepCompletion
from tests.benchmarks.campaigns import application
from tests.benchmarks.founding import PLACE, make_long_plan
from tests.benchmarks.lead_page import MORNING, START, TODAY, best, signed_in
from tests.builders import make_grant, make_market, make_person, make_team
from tests.training.builders import load_holidays, make_cohort


def fill(people: int) -> Person:
    """Make the people half-way through their plan; return their lead, who mentors them as well."""
    chance = random.Random(1)
    load_holidays()
    lead = make_person("lead@portal.example", language="en")
    for role in (Role.LEAD, Role.MENTOR):
        make_grant(lead, role)
    team = make_team(PLACE, make_market())
    version = make_long_plan(lead)
    cohort = make_cohort(lead, starts_on=START)
    learners = [
        Person(
            code=f"B{number:05d}", sign_in_name=f"b{number}@portal.example", family_name="田中",
            given_name=f"花子{number}", family_kana="タナカ", given_kana="ハナコ", language="ja",
            time_zone="Asia/Tokyo", created_at=MORNING, password_hash="set", home_market_id=team.market_id,
            team_id=team.id,
        )
        for number in range(people)
    ]  # fmt: skip
    session.add_all(learners)
    session.flush()
    for number, person in enumerate(learners):
        enrollment = Enrollment(
            code=f"E{person.id:08d}", person=person, plan_id=version.plan_id, version=version, market=cohort.market,
            cohort=cohort, starts_on=START + timedelta(days=chance.choice([0, 0, 0, 1, 5])), enrolled_at=MORNING,
            enrolled_by="test",
        )  # fmt: skip
        session.add(enrollment)
        for step in version.steps[: chance.randint(5, 28)]:
            at = MORNING + timedelta(hours=24 * step.position + chance.randint(0, 12))
            session.add(
                StepCompletion(enrollment=enrollment, step=step, completed_at=at, recorded_at=at, due_on=at.date())
            )
        if number % 10 == 0:
            first = START + timedelta(days=number % 40)
            session.add(
                Leave(
                    person_id=person.id, first_on=first, last_on=first + timedelta(days=2), recorded_at=MORNING,
                    recorded_by=lead.code,
                )
            )  # fmt: skip
    session.commit()
    return lead


def run(database: str, people: int) -> list[str]:
    """Measure on one kind of database and return the rows of its table."""
    with application(database) as app, clock.frozen(TODAY):
        browser = signed_in(app, fill(people))
        # As the web server does (`wsgi.py`): else the collector goes through all that was made here again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 20, 20)
        lines = []
        for name, endpoint in (
            ("Today", "training.today"),
            ("learners", "training.list_learners"),
            ("sign-offs", "training.list_sign_offs"),
        ):
            browser.fetch(endpoint)
            cpu, statements, size = best(lambda endpoint=endpoint: browser.fetch(endpoint))  # type: ignore[misc]
            lines.append(f"| {people:,} | {name} | {cpu:.0f} | {statements} | {size / 1024:.0f} |")
        return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="sqlite")
    parser.add_argument("--people", type=int, nargs="+", default=[50, 500, 2_000])
    asked = parser.parse_args()
    i18n.compile_all()
    for database in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        print(f"### {database}, load {os.getloadavg()[0]:.1f}\n\n| people | page | CPU ms | statements | KB |")
        print("|---|---|---|---|---|")
        for people in asked.people:
            print("\n".join(run(database, people)), flush=True)


if __name__ == "__main__":
    main()
