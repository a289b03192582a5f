"""What a person hands over: everything live that she answers for, found by itself and kept up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import OwnedRow, list_belongings, list_own
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.duties.queries import find_criticalities
from portal.duties.rules import DEFAULT_CRITICALITY
from portal.handover.models import Handover, HandoverItem, ItemSuccessor
from portal.handover.queries import handovers as queries
from portal.handover.queries.handovers import Course
from portal.handover.rules import GoneAs
from portal.journal.service import record

# Kind and code.
Thing = tuple[str, str]


def live_things(person: Person) -> dict[Thing, OwnedRow]:
    """Return everything live that is the person's in the long run, by kind and code: also what is with a stand-in."""
    return {(row.ownership.kind, row.ownership.thing_code): row for row in list_own(person) if row.thing.is_live}


def held_things(person: Person) -> dict[Thing, OwnedRow]:
    """Return everything live that the person answers for at the moment, by kind and code: also for somebody else."""
    return {(row.ownership.kind, row.ownership.thing_code): row for row in list_belongings(person) if row.thing.is_live}


def is_single_point(row: OwnedRow) -> bool:
    """Say whether nobody else stands behind a thing: it has no deputy with an active account."""
    return row.ownership.deputy is None or not row.ownership.deputy.is_active


@dataclass(frozen=True, slots=True)
class Difference:
    """How the items of a handover differ from what the person answers for now."""

    gained: Sequence[Thing]
    gone: Mapping[Thing, GoneAs]
    # What was gone and is hers and live again.
    back: Sequence[Thing]


def compare(courses: Sequence[Course], live: Mapping[Thing, OwnedRow], person: Person) -> Difference:
    """Return what has changed since the items were noted."""
    known = {(each.item.kind, each.item.thing_code): each.item for each in courses}
    missing = [thing for thing, item in known.items() if item.gone_at is None and thing not in live]
    owned = {(row.kind, row.thing_code) for row in accounts.list_owned(person)} if missing else set()
    return Difference(
        gained=[thing for thing in live if thing not in known],
        gone={thing: GoneAs.NOT_LIVE if thing in owned else GoneAs.OWNED_BY_ANOTHER for thing in missing},
        back=[thing for thing, item in known.items() if item.gone_at is not None and thing in live],
    )


def synchronise(handover: Handover, live: Mapping[Thing, OwnedRow] | None = None) -> list[Course]:
    """Bring the items of a locked, open handover up to date; return them with what was done with them.

    What is back is with the lead: nobody takes over unasked what was gone meanwhile. `live` is what is hers, where it
    was read already.
    """
    courses = queries.list_courses([handover.id])
    live = live_things(handover.person) if live is None else live
    found = compare(courses, live, handover.person)
    if not (found.gained or found.gone or found.back):
        return courses
    now, subject = clock.now(), ("handover", handover.code)
    criticalities = find_criticalities(found.gained)
    by_thing = {(each.item.kind, each.item.thing_code): each for each in courses}
    for thing in found.gained:
        session.add(
            HandoverItem(
                code=new_code(),
                handover_id=handover.id,
                kind=thing[0],
                thing_code=thing[1],
                title=live[thing].thing.title[:400],
                criticality=criticalities.get(thing, DEFAULT_CRITICALITY),
                is_single_point=is_single_point(live[thing]),
                found_at=now,
            )
        )
    for thing, why in found.gone.items():
        by_thing[thing].item.gone_at, by_thing[thing].item.gone_as = now, why
    for thing in found.back:
        by_thing[thing].item.gone_at = by_thing[thing].item.gone_as = None
        if by_thing[thing].assignment is not None:
            session.add(ItemSuccessor(item=by_thing[thing].item, successor=None, set_at=now, set_by="system"))
    session.flush()
    if found.gained or found.back:
        record(
            "handover.items_found",
            by=None,
            subject=subject,
            after={"items": len(found.gained) + len(found.back)},
        )
    if found.gone:
        record("handover.items_gone", by=None, subject=subject, after={"items": len(found.gone)})
    return queries.list_courses([handover.id])
