"""The clock of a running attempt: agreed time that begins to hold meanwhile, and breaks that stop it."""

from __future__ import annotations

from datetime import datetime

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.quizzes import errors, queries, rules
from portal.quizzes.models import Attempt, AttemptState, EventKind
from portal.quizzes.rules import taking
from portal.quizzes.service.history import note_event

LEARNER = "learner"
SYSTEM = "system"


def set_deadline(attempt: Attempt) -> None:
    """Compute the deadline anew from the facts of the attempt."""
    attempt.deadline_at = rules.deadline(
        started_at=attempt.started_at,
        limit_seconds=attempt.limit_seconds,
        multiplier=attempt.multiplier,
        granted_seconds=attempt.added_seconds,
        closes_at=attempt.quiz_version.closes_at,
    )


def accepts(attempt: Attempt, at: datetime) -> bool:
    """Say whether a running attempt takes what arrives at this instant; the caller holds its lock.

    Before it says no, it looks whether more time holds for the person since the attempt began.
    """
    return _is_in_time(attempt, at) or (
        attempt.state is AttemptState.IN_PROGRESS and accommodate(attempt) and _is_in_time(attempt, at)
    )


def _is_in_time(attempt: Attempt, at: datetime) -> bool:
    return rules.accepts(
        state=attempt.state, deadline_at=attempt.deadline_at, received_at=at, tolerance=attempt.tolerance
    )


# --- agreed time -------------------------------------------------------------------------------


def accommodate(attempt: Attempt) -> bool:
    """Give a running attempt what holds for its person by now and did not when it began; say whether that is anything.

    Nothing is ever taken away: the multiplier and the breaks only grow, and so the deadline only moves later. What
    held until the deadline counts, also where the server is asked a moment after it.
    """
    found = queries.find_accommodation(attempt.person, min(clock.now(), attempt.deadline_at))
    if found is None:
        return False
    multiplier = max(attempt.multiplier, found.multiplier)
    allowance = max(attempt.break_allowance_seconds or 0, (found.break_minutes or 0) * 60)
    hides = attempt.hide_countdown or found.hide_countdown
    given = (multiplier, allowance, hides)
    if given == (attempt.multiplier, attempt.break_allowance_seconds or 0, attempt.hide_countdown):
        return False
    before = attempt.deadline_at
    attempt.multiplier, attempt.hide_countdown = multiplier, hides
    if allowance:
        attempt.break_allowance_seconds = allowance
        attempt.break_seconds = attempt.break_seconds or 0
    set_deadline(attempt)
    note_event(attempt, EventKind.ACCOMMODATED, by=SYSTEM, at=clock.now())
    record(
        "quizzes.attempt_accommodated",
        by=None,
        subject=("attempt", attempt.code),
        before={"deadline_at": before.isoformat()},
        after={"deadline_at": attempt.deadline_at.isoformat()},
    )
    session.flush()
    return True


def accommodate_attempt(attempt_id: int) -> None:
    """Give one attempt what holds for its person by now (the sweep, or when it was decided)."""
    attempt = queries.lock_attempt(attempt_id)
    if _is_in_time(attempt, clock.now()):
        accommodate(attempt)


# --- breaks ------------------------------------------------------------------------------------


def begin_break(*, attempt: Attempt, person: Person) -> Attempt:
    """Stop the clock: the deadline moves by all that is left of the agreed breaks, and back by what is not used.

    A break that nobody ends is over when nothing is left. Raises `NoBreaks`, `NotRunning`.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    now = clock.now()
    if not accepts(attempt, now):
        raise errors.NotRunning()
    if attempt.is_on_break(now):
        return attempt
    left = taking.seconds_left(attempt.break_allowance_seconds, attempt.break_seconds)
    if not left:
        raise errors.NoBreaks()
    before = attempt.deadline_at
    attempt.break_began_at, attempt.break_until = now, rules.after(now, left)
    attempt.break_seconds = attempt.break_allowance_seconds
    set_deadline(attempt)
    note_event(attempt, EventKind.BREAK_BEGUN, by=LEARNER, at=now, details={"seconds": left})
    _record_break("begun", attempt, before, person)
    return attempt


def end_break(*, attempt: Attempt, person: Person) -> Attempt:
    """Let the clock run again; without a break nothing changes."""
    attempt = queries.lock_attempt(queries.key_of(attempt))
    now = clock.now()
    if attempt.break_until is None or attempt.break_began_at is None or attempt.state is not AttemptState.IN_PROGRESS:
        return attempt
    before = attempt.deadline_at
    unused = taking.unused_seconds(attempt.break_until, now)
    taken = int((attempt.break_until - attempt.break_began_at).total_seconds()) - unused
    attempt.break_seconds = (attempt.break_seconds or 0) - unused
    attempt.break_began_at = attempt.break_until = None
    set_deadline(attempt)
    note_event(attempt, EventKind.BREAK_ENDED, by=LEARNER, at=now, details={"seconds": taken})
    _record_break("ended", attempt, before, person)
    return attempt


def _record_break(what: str, attempt: Attempt, before: datetime, person: Person) -> None:
    record(
        f"quizzes.break_{what}",
        by=person,
        subject=("attempt", attempt.code),
        before={"deadline_at": before.isoformat()},
        after={"deadline_at": attempt.deadline_at.isoformat()},
    )
    session.flush()
