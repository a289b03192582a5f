"""What the pages of a large handover cost, and of somebody who answers for very much.

`.venv/bin/python -m tests.benchmarks.handover` makes 300 recurring tasks of one person, of which she hands over 200
with cards, evidence and answers, in a new SQLite database.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from functools import partial

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties.service import cards
from portal.handover.models import Handover
from portal.handover.rules import Stage
from portal.handover.service import items
from tests.benchmarks.campaigns import application, measured
from tests.benchmarks.lead_page import signed_in
from tests.builders import Cast, make_cast, make_grant, make_person, make_team
from tests.duties.builders import make_task
from tests.handover.builders import TODAY, at, begin, item_of
from tests.training.builders import load_holidays

TASK = "recurring_task"


def fill(size: int, more: int) -> tuple[Cast, Handover]:
    """Make a handover of so many things, which somebody is halfway through, and let her get so many more after it."""
    load_holidays()
    cast, team = make_cast(), make_team()
    make_grant(cast.lead, Role.LEAD)
    successors = [make_person(f"successor.{number}@portal.example", team=team) for number in range(10)]

    def make(number: int) -> str:
        title = Words(f"Weekly report {number}", f"週次報告{number}")
        task = make_task(cast.lead, owner=cast.author, team=team, starts_on=TODAY - timedelta(days=90), title=title)
        return task.code

    with clock.frozen(at(TODAY - timedelta(days=90))):
        codes = [make(number) for number in range(size)]
    for code in codes[::2]:
        with own_transaction():
            subject = cards.get_subject(TASK, code)
            cards.write_card(subject=subject, parts={"steps": {"en": "Open it"}}, questions=(), seen=0, by=cast.author)
    found = begin(cast.author, cast.lead)
    for number, successor in enumerate(successors):
        with own_transaction():
            things = [(TASK, each) for each in codes[number :: len(successors)]]
            items.assign(handover=found, things=things, successor=successor, by=cast.lead)
    for number, code in list(enumerate(codes))[::2]:
        successor = successors[number % len(successors)]
        for stage in tuple(Stage)[: number // 2 % 4]:
            with own_transaction():
                item = item_of(found, code)
                items.record_evidence(item=item, stage=stage, done_on=TODAY, words="Seen and done", by=successor)
    with clock.frozen(at(TODAY - timedelta(days=90))):
        for number in range(more):
            make(size + number)
    return cast, found


def main() -> None:
    """Fill a database and look at the pages, each a second time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--more", type=int, default=100)
    parser.add_argument("--database", default="sqlite")
    asked = parser.parse_args()
    with application(asked.database) as app, clock.frozen(at(TODAY)):
        cast, found = fill(asked.items, asked.more)
        lead = signed_in(app, cast.lead)
        for name, endpoint, values in (
            ("list of handovers", "handover.list_handovers", {}),
            ("handover", "handover.handover", {"code": found.code}),
            ("before closing", "handover.close", {"code": found.code}),
            ("dossier", "handover.dossier", {"code": found.code}),
            ("who answers for what", "duties.list_responsibilities", {}),
            ("what one person answers for", "duties.of_person", {"code": cast.author.code}),
            ("what a team answers for", "duties.of_team", {"code": "account-safety"}),
            ("recurring tasks", "duties.list_tasks", {}),
            ("cards", "duties.list_cards", {}),
            ("orphans", "handover.accept_orphans", {"code": cast.author.code}),
        ):
            look = partial(lead.client.get, lead.url(endpoint, **values))
            look()
            session.expire_all()
            print(measured(look).line(name))


if __name__ == "__main__":
    main()
