"""Declining the statement of what the work can bring, and what a wellbeing contact sets aside for somebody.

Neither is recorded in the journal, which many read: it is known to the person and to the wellbeing contact.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.acknowledgements.errors import DeclinesNoMore, LevelUnknown, NotAddressed, NotDeclinable, UntilIsPast
from portal.acknowledgements.models import ExposureDecline, MaterialAside
from portal.acknowledgements.queries import exposure as queries
from portal.acknowledgements.rules import LEVELS
from portal.core import clock
from portal.core.db import session
from portal.core.mail import send_later
from portal.library import queries as library
from portal.library.models import DocumentVersion
from portal.library.permissions import applies_to

# What is set aside for longer is set aside without an end.
FARTHEST_END = timedelta(days=366 * 2)


def decline(*, version: DocumentVersion, by: Person) -> ExposureDecline:
    """Note that a person declines the statement, and tell the wellbeing contacts; a second time changes nothing.

    Raises `NotDeclinable` for any other document, and `NotAddressed`.
    """
    if not queries.is_statement(version.document):
        raise NotDeclinable()
    if not applies_to(by, version.document):
        raise NotAddressed()
    # Two clicks come one after the other.
    library.hold_reading(by, version)
    known = queries.find_open(by)
    if known is not None:
        return known
    row = ExposureDecline(person_id=by.id, version_id=version.id, declined_at=clock.now())
    session.add(row)
    session.flush()
    _tell("acknowledgements.declined", row, by)
    return row


def take_back(*, by: Person) -> None:
    """Let what was set aside be assigned again, and tell the contacts; without a decline nothing changes."""
    known = queries.find_open(by)
    if known is not None:
        known.taken_back_at = clock.now()
        session.flush()
        _tell("acknowledgements.decline_over", known, by)


def _tell(what: str, row: ExposureDecline, person: Person) -> None:
    for contact in contacts(person):
        send_later(what, {"decline": row.id, "to": contact.code}, effect_key=f"{what}:{row.id}:{contact.code}")


def contacts(person: Person) -> list[Person]:
    """Return who is told that the person declines: the wellbeing contacts but herself."""
    return [each for each in accounts.list_holders(Role.WELLBEING_CONTACT) if each.id != person.id]


def note_spoken(*, person: Person, by: Person) -> None:
    """Note that a wellbeing contact has spoken with somebody who declines; a second time changes nothing.

    Raises `DeclinesNoMore`.
    """
    known = queries.find_open(person)
    if known is None:
        raise DeclinesNoMore()
    if known.spoken_at is None:
        known.spoken_at, known.spoken_by = clock.now(), by
        session.flush()


def set_aside(*, person: Person, level: str, until_on: date | None, by: Person) -> MaterialAside:
    """Set material of a level and above aside for a person, up to and with a day or until it is ended.

    What was set aside for her before ends with it. She is told by mail, nobody else is. Raises `LevelUnknown`,
    `UntilIsPast`.
    """
    if level not in LEVELS:
        raise LevelUnknown()
    zone = person.home_market.time_zone
    if until_on is not None and not clock.today(zone) <= until_on <= clock.today(zone) + FARTHEST_END:
        raise UntilIsPast()
    # Two contacts who do so at once come one after the other.
    queries.hold_person(person)
    known = queries.find_open_aside(person)
    if known is not None and (known.level, known.until_on) == (level, until_on):
        return known
    if known is not None:
        known.ended_at, known.ended_by_id = clock.now(), by.id
        session.flush()
    ends_at = (
        datetime.combine(until_on + timedelta(days=1), time(0), clock.zone_info(zone)) if until_on is not None else None
    )
    row = MaterialAside(
        person_id=person.id, level=level, until_on=until_on, ends_at=ends_at, set_at=clock.now(), set_by=by
    )
    session.add(row)
    session.flush()
    _tell_aside(row)
    return row


def end_aside(*, person: Person, by: Person) -> None:
    """Let what was set aside for a person be assigned again; she is told. Without any of it nothing changes."""
    queries.hold_person(person)
    known = queries.find_open_aside(person)
    if known is not None:
        known.ended_at, known.ended_by_id = clock.now(), by.id
        session.flush()
        _tell_aside(known)


def _tell_aside(row: MaterialAside) -> None:
    what = "acknowledgements.material_aside" if row.ended_at is None else "acknowledgements.material_again"
    send_later(what, {"aside": row.id}, effect_key=f"{what}:{row.id}")
