"""Recording that a one-to-one talk took place, with what was noted of it."""

from __future__ import annotations

from datetime import date

from portal.accounts.models import Person
from portal.core import clock
from portal.core.clock import local_date
from portal.core.db import session
from portal.core.texts import is_blank
from portal.journal.service import record
from portal.mentoring.errors import HeldAlready, HeldOutOfBounds
from portal.mentoring.models import OneToOne
from portal.mentoring.queries import notes
from portal.mentoring.rules import HELD_BACK
from portal.mentoring.service.notes import checked, write_note
from portal.training.models import Enrollment


def days_to_record(enrollment: Enrollment) -> tuple[date, date]:
    """Return the first and the last day on which a talk can have been held: since the enrollment, up to today."""
    zone = enrollment.market.time_zone
    today = clock.today(zone)
    return max(local_date(enrollment.enrolled_at, zone), today - HELD_BACK), today


def hold(*, enrollment: Enrollment, held_on: date, text: str, is_shown: bool, by: Person) -> OneToOne:
    """Record that somebody talked with a learner alone on a day; with a note of it where the text says something.

    Raises `HeldOutOfBounds`, `HeldAlready`, `NoteTooLong`.
    """
    first, last = days_to_record(enrollment)
    if not first <= held_on <= last:
        raise HeldOutOfBounds(first=first, last=last)
    if notes.has_talked_on(enrollment.id, by, held_on):
        raise HeldAlready()
    if not is_blank(text):
        checked(text)
    row = OneToOne(enrollment_id=enrollment.id, held_on=held_on, by=by, at=clock.now())
    session.add(row)
    session.flush()
    record(
        "mentoring.one_to_one_held",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"person": enrollment.person.code, "held_on": held_on.isoformat()},
    )
    if not is_blank(text):
        write_note(enrollment=enrollment, text=text, is_shown=is_shown, by=by, talk=row)
    return row
