"""Accepting by name, thing by thing, that something will have no owner when somebody goes."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.errors import NotAllowed
from portal.handover.errors import AcceptedAlready, NoOrphanChosen, NotAnOrphan
from portal.handover.models import OrphanAcceptance
from portal.handover.queries import handovers
from portal.handover.queries import orphans as queries
from portal.handover.service.inventory import Thing, live_things
from portal.handover.service.wording import checked_reason
from portal.journal.service import record


def accept(*, person: Person, things: list[Thing], reason: str, by: Person) -> int:
    """Accept that these things of a person will have no owner; return for how many. It takes two different people.

    Raises `ReasonMissing`, `NotAllowed` for the person herself, `NoOrphanChosen`, `NotAnOrphan`, `AcceptedAlready`.
    """
    said = checked_reason(reason)
    if by.id == person.id:
        raise NotAllowed()
    if not things:
        raise NoOrphanChosen()
    person = handovers.lock_person(person.id)
    live = live_things(person)
    standing = {
        (each.kind, each.thing_code) for each in queries.list_standing(person.id) if each.accepted_by_id == by.id
    }
    now = clock.now()
    for thing in sorted(set(things)):
        if thing not in live:
            raise NotAnOrphan()
        if thing in standing:
            raise AcceptedAlready()
        session.add(
            OrphanAcceptance(
                person=person, kind=thing[0], thing_code=thing[1], accepted_by=by, reason=said, accepted_at=now
            )
        )
        session.flush()
        record(
            "handover.orphan_accepted",
            by=by,
            subject=("person", person.code),
            # Why stands in the row, from which it can be taken out; the journal would keep it.
            after={"kind": thing[0], "thing": thing[1]},
        )
    return len(set(things))


def take_back(*, person: Person, thing: Thing, by: Person) -> None:
    """Take back one's own acceptance. Raises `NotAnOrphan`."""
    own = [
        each
        for each in queries.list_standing(person.id)
        if each.accepted_by_id == by.id and (each.kind, each.thing_code) == thing
    ]
    if not own or not person.is_active:
        raise NotAnOrphan()
    _take_back(own, by)


def _take_back(rows: list[OrphanAcceptance], by: Person | None) -> None:
    for each in rows:
        each.taken_back_at = clock.now()
        session.flush()
        record(
            "handover.orphan_taken_back",
            by=by,
            subject=("person", each.person.code),
            after={"kind": each.kind, "thing": each.thing_code},
        )


def forget_of_thing(kind: str, code: str, owner_id: int) -> None:
    """Let acceptances lapse of a thing that is another's now: who gets it again may not leave it unasked."""
    _take_back([each for each in queries.list_standing_of_thing(kind, code) if each.person_id != owner_id], None)


def forget_of_person(person_id: int) -> None:
    """Let acceptances lapse of somebody who has come back: they were for that time."""
    _take_back(queries.list_standing(person_id), None)
