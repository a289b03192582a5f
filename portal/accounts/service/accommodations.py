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
from portal.organisation import queries as organisation

MOST = Fraction(3)
MOST_BREAK_MINUTES = 240
MOST_FORMAT = 200


def approve_accommodation(
    *,
    person: Person,
    multiplier: Fraction,
    hide_countdown: bool,
    valid_from: date,
    valid_until: date | None,
    by: Person,
    break_minutes: int = 0,
    alternative_format: str = "",
) -> Accommodation:
    """Approve extra time (a factor on every time limit), breaks, a hidden countdown or another format.

    It replaces what held before; where the organisation asks for two people, from when another one has confirmed it.
    The journal says that there is one and for how long, not what it is. Raises `AccommodationInvalid`.
    """
    if not 1 <= multiplier <= MOST or (valid_until is not None and valid_until < valid_from):
        raise errors.AccommodationInvalid()
    if not 0 <= break_minutes <= MOST_BREAK_MINUTES or len(alternative_format) > MOST_FORMAT:
        raise errors.AccommodationInvalid()
    needs_second = organisation.accommodation_needs_two()
    accommodation = Accommodation(
        person_id=person.id,
        multiplier=multiplier,
        hide_countdown=hide_countdown,
        break_minutes=break_minutes or None,
        alternative_format=alternative_format.strip() or None,
        needs_second=needs_second or None,
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


def confirm_accommodation(*, accommodation: Accommodation, person: Person, by: Person) -> None:
    """Confirm what another person has approved, so that it holds. Raises `NeedsAnotherPerson`."""
    if not accommodation.is_waiting:
        return
    if accommodation.approved_by == by.code or by.id == person.id:
        raise errors.NeedsAnotherPerson()
    accommodation.confirmed_at, accommodation.confirmed_by = clock.now(), by.code
    session.flush()
    record("accounts.accommodation_confirmed", by=by, subject=("person", person.code))
    publish(AccommodationChanged(person_id=person.id))


def end_accommodation(*, accommodation: Accommodation, person: Person, by: Person) -> None:
    """End an accommodation before its last day."""
    if accommodation.ended_at is not None:
        return
    accommodation.ended_at = clock.now()
    record("accounts.accommodation_ended", by=by, subject=("person", person.code))
    publish(AccommodationChanged(person_id=person.id))
