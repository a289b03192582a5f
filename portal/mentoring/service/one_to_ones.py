"""Recording that a one-to-one talk took place, with what was noted of it, and taking back what was recorded wrongly."""

from __future__ import annotations

from datetime import date

from portal.accounts.models import Person
from portal.core import clock
from portal.core.clock import local_date
from portal.core.db import session
from portal.core.texts import is_blank
from portal.journal.service import record
from portal.mentoring.errors import HeldAlready, HeldOutOfBounds, HeldUnchanged, TalkGone
from portal.mentoring.models import OneToOne, TalkTakenBack
from portal.mentoring.queries import notes
from portal.mentoring.rules import HELD_BACK
from portal.mentoring.service.notes import checked, write_note
from portal.training.models import Enrollment
from portal.training.service.enrollments import checked_reason, lock


def days_to_record(enrollment: Enrollment) -> tuple[date, date]:
    """Return the first and the last day on which a talk can have been held: since the enrollment, up to today."""
    zone = enrollment.market.time_zone
    today = clock.today(zone)
    return max(local_date(enrollment.enrolled_at, zone), today - HELD_BACK), today


def hold(*, enrollment: Enrollment, held_on: date, text: str, is_shown: bool, by: Person) -> OneToOne:
    """Record that somebody talked with a learner alone on a day; with a note of it where the text says something.

    Raises `HeldOutOfBounds`, `HeldAlready`, `NoteTooLong`.
    """
    if not is_blank(text):
        checked(text)
    row = _hold(enrollment, held_on, by)
    if not is_blank(text):
        write_note(enrollment=enrollment, text=text, is_shown=is_shown, by=by, talk=row)
    return row


def take_back(*, talk: OneToOne, held_on: date | None, reason: str, by: Person) -> OneToOne | None:
    """Say that a talk was not held on the day that was recorded, and why; with the right day it is recorded anew.

    What was noted of it stays, and goes with the talk of the right day. Raises `TalkGone`, `HeldUnchanged`,
    `HeldOutOfBounds`, `HeldAlready`, `ReasonMissing`, `StatementTooLong`.
    """
    said, enrollment = checked_reason(reason), talk.enrollment
    if held_on == talk.held_on:
        raise HeldUnchanged()
    lock(enrollment)
    session.refresh(talk, ["taken_back"])
    if talk.taken_back is not None:
        raise TalkGone()
    talk.taken_back = TalkTakenBack(reason=said, by=by, at=clock.now())
    session.flush()
    # The reason stays with the training: it is about a person, the journal about acts.
    record(
        "mentoring.one_to_one_taken_back",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"person": enrollment.person.code, "held_on": talk.held_on.isoformat()},
    )
    return _hold(enrollment, held_on, by, replaces=talk) if held_on is not None else None


def _hold(enrollment: Enrollment, held_on: date, by: Person, *, replaces: OneToOne | None = None) -> OneToOne:
    first, last = days_to_record(enrollment)
    if not first <= held_on <= last:
        raise HeldOutOfBounds(first=first, last=last)
    # Two forms that arrive at once come one after the other, so that the second is told.
    lock(enrollment)
    if notes.has_talked_on(enrollment.id, by, held_on):
        raise HeldAlready()
    row = OneToOne(
        enrollment_id=enrollment.id,
        held_on=held_on,
        by=by,
        at=clock.now(),
        replaces_id=replaces.id if replaces is not None else None,
    )
    session.add(row)
    session.flush()
    record(
        "mentoring.one_to_one_held",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"person": enrollment.person.code, "held_on": held_on.isoformat()},
    )
    return row
