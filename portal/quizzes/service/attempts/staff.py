"""What staff may do to an attempt: grant minutes, make it void."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.errors import Invalid
from portal.core.i18n import lazy_gettext as _l
from portal.core.mail import send_later
from portal.journal.service import record
from portal.quizzes import errors, queries
from portal.quizzes.models import Attempt, AttemptState, EventKind
from portal.quizzes.service.attempts.handing_in import close_if_over
from portal.quizzes.service.attempts.timing import set_deadline
from portal.quizzes.service.history import moment_of, note_event
from portal.quizzes.service.marking import tell_what_counts


class GrantTooSmall(Invalid):
    """A grant gives at least one minute."""

    message = _l("Give at least one minute and at most %(most)s.")


def extend_attempt(
    *, attempt: Attempt, minutes: int, reason: str, by: Person, granted_before: int | None = None
) -> Attempt:
    """Grant minutes to a running attempt; the deadline is computed anew from its frozen facts.

    `granted_before`: how many seconds the person knew to be granted. Raises `GrantTooSmall` outside 1 to 240 minutes,
    `GrantTooLate` for an attempt that is over, `GrantedInBetween` where others are granted by now.
    """
    most = 240
    if not 1 <= minutes <= most:
        raise GrantTooSmall(most=most)
    now = clock.now()
    attempt = close_if_over(queries.lock_attempt(attempt.id), now)
    if attempt.state is not AttemptState.IN_PROGRESS:
        raise errors.GrantTooLate()
    if granted_before is not None and granted_before != attempt.granted_seconds:
        raise errors.GrantedInBetween()
    before = attempt.deadline_at
    attempt.granted_seconds += minutes * 60
    set_deadline(attempt)
    note_event(attempt, EventKind.EXTENDED, by=by.code, at=now, reason=reason, details={"minutes": minutes})
    record(
        "quizzes.attempt_extended",
        by=by,
        subject=("attempt", attempt.code),
        before={"deadline_at": before.isoformat()},
        after={"deadline_at": attempt.deadline_at.isoformat(), "minutes": minutes},
        reason=reason,
    )
    session.flush()
    return attempt


def void_attempt(*, attempt: Attempt, reason: str, by: Person) -> Attempt:
    """Make an attempt count for nothing: neither as a try nor as a result that is still to be released.

    Raises `AlreadyReleased` where the result is out: that takes a second person (`service.voiding`); `AlreadyVoid`.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if attempt.state is AttemptState.VOIDED:
        raise errors.AlreadyVoid()
    if attempt.state is AttemptState.RELEASED:
        raise errors.AlreadyReleased()
    return make_void(attempt=attempt, reason=reason, by=by)


def make_void(*, attempt: Attempt, reason: str, by: Person, asked_by: str | None = None) -> Attempt:
    """Change the state, and tell the learner and whoever waits for what counts; the caller holds the attempt's lock.

    `asked_by` is the code of who asked for it, where two people decide.
    """
    now = moment_of(attempt)
    before = attempt.state
    attempt.state = AttemptState.VOIDED
    attempt.finished_at = attempt.finished_at or min(now, attempt.deadline_at)
    note_event(attempt, EventKind.VOIDED, by=by.code, at=now, reason=reason)
    record(
        "quizzes.attempt_voided",
        by=by,
        subject=("attempt", attempt.code),
        before={"state": before.value},
        after={"state": attempt.state.value} | ({"asked_by": asked_by} if asked_by else {}),
        reason=reason,
    )
    session.flush()
    send_later(
        "quizzes.attempt_voided",
        {"code": attempt.code, "reason": reason},
        effect_key=f"quizzes.attempt_voided:{attempt.code}",
    )
    tell_what_counts(attempt)
    return attempt
