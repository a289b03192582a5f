"""Going on to the next question, where none that was left can be gone back to."""

from __future__ import annotations

from portal.core import clock
from portal.core.db import session
from portal.quizzes import errors, queries
from portal.quizzes.models import Attempt, EventKind
from portal.quizzes.service.attempts.handing_in import close_if_over
from portal.quizzes.service.attempts.timing import LEARNER, accepts
from portal.quizzes.service.history import note_event


def move_on(*, attempt: Attempt, position: int) -> Attempt:
    """Leave the question at this place for good and go to the next.

    Sent again, or for a question that was left before, it changes nothing; the last question cannot be left but by
    handing in. Raises `OnBreak` while the clock stands still.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    now = clock.now()
    if attempt.reached is None or position != attempt.reached:
        return attempt
    if not accepts(attempt, now):
        return close_if_over(attempt, now)
    if attempt.is_on_break(now):
        raise errors.OnBreak()
    if position < queries.count_items(attempt):
        attempt.reached = position + 1
        note_event(attempt, EventKind.MOVED_ON, by=LEARNER, at=now, position=position + 1)
        session.flush()
    return attempt
