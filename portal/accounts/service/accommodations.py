"""What a person needs to be tested fairly: approved, dated, ended; never why."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from portal.accounts import errors
from portal.accounts.events import AccommodationChanged
from portal.accounts.models import Accommodation, Person
from portal.core import clock
from portal.core.db import session
from portal.core.events import publish
from portal.journal.service import record

MOST = Fraction(3)


def approve_accommodation(
    *,
    person: Person,
    multiplier: Fraction,
    hide_countdown: bool,
    valid_from: date,
    valid_until: date | None,
    by: Person,
) -> Accommodation:
    """Approve extra time (a factor on every time limit) or a hidden countdown; it replaces what held before.

    The journal says that there is one and for how long, not what it is. Raises `AccommodationInvalid`.
    """
    if not 1 <= multiplier <= MOST or (valid_until is not None and valid_until < valid_from):
        raise errors.AccommodationInvalid()
    accommodation = Accommodation(
        person_id=person.id,
        multiplier=multiplier,
        hide_countdown=hide_countdown,
        valid_from=valid_from,
        valid_until=valid_until,
        approved_by=by.code,
        approved_at=clock.now(),
    )
    session.add(accommodation)
    session.flush()
    record(
        "accounts.accommodation_approved",
        by=by,
        subject=("person", person.code),
        after={"valid_from": valid_from.isoformat(), "valid_until": valid_until.isoformat() if valid_until else None},
    )
    publish(AccommodationChanged(person_id=person.id))
    return accommodation


def end_accommodation(*, accommodation: Accommodation, person: Person, by: Person) -> None:
    """End an accommodation before its last day."""
    if accommodation.ended_at is not None:
        return
    accommodation.ended_at = clock.now()
    record("accounts.accommodation_ended", by=by, subject=("person", person.code))
    publish(AccommodationChanged(person_id=person.id))
