"""What training does when something happens in the domains below it."""

from __future__ import annotations

from portal.acknowledgements.events import Acknowledged, ReadingConfirmed
from portal.core.events import subscribe
from portal.quizzes.events import AttemptReleased
from portal.training.service import enrollments


def on_acknowledged(event: Acknowledged) -> None:
    """Complete the steps that the acknowledgement answers."""
    enrollments.note_document(
        person_id=event.person_id,
        document_slug=event.document_slug,
        version_id=event.version_id,
        acknowledgement_id=event.acknowledgement_id,
    )


def on_reading_confirmed(event: ReadingConfirmed) -> None:
    """Complete the steps that only ask to read."""
    enrollments.note_document(person_id=event.person_id, document_slug=event.document_slug, version_id=event.version_id)


def on_attempt_released(event: AttemptReleased) -> None:
    """Complete the steps that ask for the quiz, where it was passed."""
    enrollments.note_result(
        person_id=event.person_id,
        quiz_slug=event.quiz_slug,
        attempt_code=event.attempt_code,
        score=event.score,
        passed=event.passed,
        at=event.at,
    )


def init() -> None:
    """Listen to what happens below."""
    subscribe(Acknowledged, on_acknowledged)
    subscribe(ReadingConfirmed, on_reading_confirmed)
    subscribe(AttemptReleased, on_attempt_released)
