"""Handing in: by the learner, or for her when the time is over; marked from what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.quizzes import queries
from portal.quizzes.models import Attempt, AttemptState, EventKind, Item, SubmittedBy
from portal.quizzes.service.attempts.timing import LEARNER, SYSTEM, accepts
from portal.quizzes.service.history import moment_of, note_event
from portal.quizzes.service.marking import mark_when_complete


def submit_attempt(*, attempt: Attempt, person: Person, items: Sequence[Item] | None = None) -> Attempt:
    """Hand in, mark from what is stored, and release where the quiz says at once.

    A second submission changes nothing. One that comes after the time is over finds the attempt closed
    at its deadline; within the tolerance it is the page that sends itself, and never called the learner's act.
    `items` are those of the attempt, where they have been read since its lock was taken.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if attempt.state is not AttemptState.IN_PROGRESS:
        return attempt
    now = moment_of(attempt)
    if not accepts(attempt, now):
        return close_if_over(attempt, now)
    if now > attempt.deadline_at:
        return _hand_in(attempt, SubmittedBy.SWEEP, attempt.deadline_at, None, items)
    return _hand_in(attempt, SubmittedBy.LEARNER, now, person, items)


def close_if_over(attempt: Attempt, now: datetime) -> Attempt:
    """Hand in for the learner an attempt whose time is over beyond the tolerance; else leave it as it is."""
    if attempt.state is not AttemptState.IN_PROGRESS or now <= attempt.deadline_at:
        return attempt
    if accepts(attempt, now):
        return attempt
    return _hand_in(attempt, SubmittedBy.SWEEP, attempt.deadline_at, None)


def close_overdue(attempt_id: int) -> None:
    """Close one attempt whose time is over (the sweep)."""
    close_if_over(queries.lock_attempt(attempt_id), clock.now())


def _hand_in(
    attempt: Attempt,
    by: SubmittedBy,
    finished_at: datetime,
    person: Person | None,
    items: Sequence[Item] | None = None,
) -> Attempt:
    taken = session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.state == AttemptState.IN_PROGRESS)
        .values(state=AttemptState.SUBMITTED, finished_at=finished_at, submitted_by=by)
        .execution_options(synchronize_session=False)
    )
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if not taken.rowcount:  # type: ignore[attr-defined]
        return attempt
    actor = LEARNER if by is SubmittedBy.LEARNER else SYSTEM
    note_event(attempt, EventKind.SUBMITTED, by=actor, at=clock.now())
    mark_when_complete(attempt=attempt, items=items)
    record(
        "quizzes.attempt_submitted",
        by=person,
        subject=("attempt", attempt.code),
        after={"by": by.value, "finished_at": finished_at.isoformat()},
    )
    session.flush()
    return attempt
