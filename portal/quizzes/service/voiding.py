"""Making an attempt void whose result is out: one person asks, a second one confirms, the learner is told why.

Whoever else looks after the learner is told that a second person is needed; appeals that wait end with the attempt.
"""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.mail import send_later
from portal.journal.service import record
from portal.quizzes import errors, queries
from portal.quizzes.models import Attempt, AttemptState, VoidRequest
from portal.quizzes.queries import supervision
from portal.quizzes.service.appeals import end_appeals
from portal.quizzes.service.attempts.staff import make_void
from portal.quizzes.service.history import moment_of
from portal.quizzes.service.supervision import whom_to_tell


def ask_void(*, attempt: Attempt, reason: str, by: Person) -> VoidRequest:
    """Ask that an attempt count for nothing although its result is out; nothing changes before somebody confirms it.

    Raises `OwnResult`, `ResultNotOut` where one person can do it alone, `VoidAsked` where it waits already.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if attempt.person_id == by.id:
        raise errors.OwnResult()
    if attempt.state is not AttemptState.RELEASED:
        raise errors.ResultNotOut()
    if supervision.find_open_void(attempt) is not None:
        raise errors.VoidAsked()
    request = VoidRequest(
        code=new_code(), attempt_id=attempt.id, reason=reason.strip(), asked_at=moment_of(attempt), asked_by=by.code
    )
    session.add(request)
    session.flush()
    record("quizzes.void_asked", by=by, subject=("attempt", attempt.code), reason=request.reason)
    for person in whom_to_tell(attempt.person, besides=by):
        send_later(
            "quizzes.void_waiting",
            {"code": request.code, "to": person.code},
            effect_key=f"quizzes.void_waiting:{request.code}:{person.code}",
        )
    return request


def confirm_void(*, attempt: Attempt, by: Person) -> Attempt:
    """Agree as the second person: the attempt counts neither as a try nor as a result from now on.

    What was given because of it stays until somebody takes it back, which is told too. Appeals that wait for an answer
    end without one, and their learner is told. Raises `OwnResult`, `VoidNeedsSecondPerson`, `VoidDecided`.
    """
    attempt, request = _open(attempt, by)
    if request.asked_by == by.code:
        raise errors.VoidNeedsSecondPerson()
    if attempt.state is not AttemptState.RELEASED:
        raise errors.VoidDecided()
    request.decided_at, request.decided_by, request.is_confirmed = moment_of(attempt), by.code, True
    session.flush()
    attempt = make_void(attempt=attempt, reason=request.reason, by=by, asked_by=request.asked_by)
    end_appeals(attempt=attempt, by=by)
    return attempt


def decline_void(*, attempt: Attempt, note: str, by: Person) -> VoidRequest:
    """Close a request without its taking effect; who asked takes it back so, with or without a note.

    Raises `OwnResult`, `VoidDecided`.
    """
    attempt, request = _open(attempt, by)
    request.decided_at, request.decided_by, request.is_confirmed = moment_of(attempt), by.code, False
    request.note = note.strip() or None
    session.flush()
    record("quizzes.void_declined", by=by, subject=("attempt", attempt.code), reason=request.note)
    return request


def _open(attempt: Attempt, by: Person) -> tuple[Attempt, VoidRequest]:
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if attempt.person_id == by.id:
        raise errors.OwnResult()
    request = supervision.find_open_void(attempt)
    if request is None:
        raise errors.VoidDecided()
    return attempt, request
