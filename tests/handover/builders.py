"""Things that somebody answers for, and handovers of them, for tests; everything is committed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import ownership
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.core import jobs
from portal.core.db import session
from portal.core.mail import SEND, _builders, render
from portal.core.transaction import own_transaction
from portal.handover.models import Handover, HandoverItem, StandIn
from portal.handover.queries import handovers as queries
from portal.handover.rules import ItemState, Reason, Stage
from portal.handover.service import handovers, items, stand_ins
from portal.handover.service.standing import Item, Standing, standing_of

KIND = "thing"
# A Monday in Tokyo, and the last day of a notice of twenty working days from it.
TODAY = date(2026, 11, 2)
LAST_ON = date(2026, 12, 2)


def at(day: date, hour: int = 9) -> datetime:
    """Return a time of a day in Tokyo."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=9)


class Things:
    """A kind of thing that lives in memory: live, withdrawn, or never heard of."""

    kind = KIND
    name: str = "Thing"

    def __init__(self) -> None:
        self.live: dict[str, bool] = {}
        # What an owner needs, and of which team the things are; None: anybody can answer for them.
        self.owner_needs: OwnerNeeds | None = None
        self.team_code: str | None = None

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the codes that exist."""
        return {
            code: OwnedThing(f"Thing {code}", None, is_live=self.live[code], team_code=self.team_code)
            for code in codes
            if code in self.live
        }

    def list_live_codes(self) -> Collection[str]:
        """Return what needs an owner."""
        return [code for code, is_live in self.live.items() if is_live]


def give(things: Things, owner: Person, *codes: str, deputy: Person | None = None) -> None:
    """Let somebody answer for new things."""
    with own_transaction():
        for code in codes:
            things.live[code] = True
            ownership.set_owner(kind=KIND, code=code, owner=owner, deputy=deputy, by=owner)


def owner_of(code: str) -> Person:
    """Return who answers for a thing."""
    session.expire_all()
    found = accounts.find_owner(KIND, code)
    assert found is not None
    return found.owner


def deputy_of(code: str) -> Person | None:
    """Return who stands behind whoever answers for a thing."""
    session.expire_all()
    found = accounts.find_owner(KIND, code)
    assert found is not None
    return found.deputy


def begin(
    person: Person,
    by: Person,
    *,
    reason: Reason = Reason.RESIGNATION,
    notice_on: date = TODAY,
    last_on: date = LAST_ON,
    back_on: date | None = None,
) -> Handover:
    """Return a new handover."""
    with own_transaction():
        return handovers.start(
            person=person, reason=reason, notice_on=notice_on, last_on=last_on, back_on=back_on, by=by
        )


def item_of(handover: Handover, code: str) -> HandoverItem:
    """Return the item of a thing."""
    session.expire_all()
    found = [each.item for each in queries.list_courses([handover.id]) if each.item.thing_code == code]
    assert len(found) == 1
    return queries.get_item(found[0].code)


def stand(handover: Handover) -> Standing:
    """Return how a handover stands now."""
    session.expire_all()
    return standing_of(queries.get_handover(handover.code))


def shown(handover: Handover, code: str) -> Item:
    """Return how one item stands now."""
    (found,) = [each for each in stand(handover).items if each.thing == (KIND, code)]
    return found


def state(handover: Handover, code: str) -> ItemState:
    """Return the state of one item."""
    return shown(handover, code).state


def assign(handover: Handover, successor: Person | None, *codes: str, by: Person | None = None) -> int:
    """Say who is to take things over."""
    with own_transaction():
        return items.assign(
            handover=handover, things=[(KIND, code) for code in codes], successor=successor, by=by or handover.begun_by
        )


def show(handover: Handover, successor: Person, code: str, *stages: Stage, on: date = TODAY) -> None:
    """Let a successor give evidence of stages."""
    for stage in stages or tuple(Stage):
        with own_transaction():
            items.record_evidence(
                item=item_of(handover, code), stage=stage, done_on=on, words=f"{stage} of {code}", by=successor
            )


def accept(handover: Handover, successor: Person, *codes: str, on: date = TODAY) -> None:
    """Let a successor show all stages of things that are hers, and accept them."""
    for code in codes:
        show(handover, successor, code, on=on)
        with own_transaction():
            items.accept(item=item_of(handover, code), by=successor)


def close(handover: Handover, by: Person) -> handovers.Closed:
    """Close a handover."""
    with own_transaction():
        return handovers.close(handover=handover, by=by)


def owed(name: str) -> list[dict[str, Any]]:
    """Return the arguments of the mails of a kind that are owed, the first to be owed first."""
    session.expire_all()
    rows = session.scalars(select(jobs.Job).where(jobs.Job.name == SEND).order_by(jobs.Job.id))
    return [each.arguments["arguments"] for each in rows if each.arguments["mail"] == name]


def written(name: str, **arguments: Any) -> str:
    """Return a mail as it is written: its address, its subject and its text; empty where nothing is sent."""
    built = _builders[name](**arguments)
    if built is None:
        return ""
    message = render(built)
    body = message.get_body(("plain",))
    assert body is not None
    return f"{built.to_address}\n{message['Subject']}\n{body.get_content()}"


def plan(person: Person, stand_in: Person, first_on: date, last_on: date, *, by: Person | None = None) -> StandIn:
    """Return a new stand-in."""
    with own_transaction():
        return stand_ins.plan_stand_in(
            person=person,
            stand_in=stand_in,
            first_on=first_on,
            last_on=last_on,
            ongoing="The weekly review",
            places="The shared folder",
            trouble="Ask the lead",
            by=by or person,
        )
