"""What the matrix of who can stand in costs: a team of many people, many policies, tasks and confirmations.

`.venv/bin/python -m tests.benchmarks.backfill` makes 200 people and 60 rows in a new SQLite database.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from functools import partial

from portal.acknowledgements.models import Acknowledgement
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from tests.benchmarks.campaigns import application, measured
from tests.benchmarks.lead_page import signed_in
from tests.builders import Cast, make_cast, make_person, make_team
from tests.duties.builders import BEGINS, at, make_task, record
from tests.library.builders import make_published
from tests.training.builders import load_holidays

TODAY = date(2026, 4, 16)


def fill(people: int, tasks: int, policies: int) -> Cast:
    """Make a team whose members have done tasks and confirmed policies."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        cast = make_cast()
        team = make_team()
        found = [make_person(f"somebody.{number}@portal.example", team=team) for number in range(people - 5)]
        made = [make_task(cast.lead, team=team) for _number in range(tasks)]
        versions = [make_published(cast.author, f"policy-{number}") for number in range(policies)]
        ids = [version.id for version in versions]
    for number, task in enumerate(made):
        for week in range(2):
            doer, helper = found[(number * 7 + week) % len(found)], found[(number * 7 + 3) % len(found)]
            record(task, date(2026, 4, 1) + timedelta(days=7 * week), doer, helper=helper, by=cast.lead)
        with own_transaction():
            set_criticality(
                kind="recurring_task", code=task.code, criticality=Criticality.CRITICAL, reason="x", by=cast.lead
            )
    with clock.frozen(at(TODAY)), own_transaction():
        for place, person in enumerate(found):
            for number, version_id in enumerate(ids):
                if (place + number) % 3:
                    session.add(
                        Acknowledgement(
                            person_id=person.id, version_id=version_id, market="JP", team=team.code, language="ja",
                            text_hash="0" * 64, attestation="x", at=clock.now(),
                        )
                    )  # fmt: skip
    return cast


def main() -> None:
    """Fill a database and look at the pages, each a second time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=30)
    parser.add_argument("--policies", type=int, default=30)
    parser.add_argument("--database", default="sqlite")
    asked = parser.parse_args()
    with application(asked.database) as app:
        cast = fill(asked.people, asked.tasks, asked.policies)
        with clock.frozen(at(TODAY)):
            lead = signed_in(app, cast.lead)
            place = {"scope": "team", "code": "account-safety"}
            out = [each.code for each in (cast.learner, cast.colleague)]
            for name, endpoint, values in (
                ("matrix", "backfill.matrix", place),
                ("what if two are out", "backfill.matrix", place | {"out": out, "on": "2026-04-20"}),
                ("CSV", "backfill.matrix_csv", place),
                ("levels of one person", "backfill.of_person", {"code": cast.learner.code}),
            ):
                look = partial(lead.client.get, lead.url(endpoint, **values))
                look()
                session.expire_all()
                print(measured(look).line(name))


if __name__ == "__main__":
    main()
