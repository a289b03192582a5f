"""What the gradebook does when a result is released."""

from __future__ import annotations

from portal.gradebook import service
from portal.quizzes.events import AttemptReleased


def enter_result(event: AttemptReleased) -> None:
    """Enter the result as a line of its own."""
    service.add_result(
        person_id=event.person_id,
        quiz_id=event.quiz_id,
        attempt_id=event.attempt_id,
        score=event.score,
        passed=event.passed,
        at=event.at,
    )
