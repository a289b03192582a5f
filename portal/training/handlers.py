"""What training does when something happens in the domains below it."""

from __future__ import annotations

from portal.acknowledgements.events import Acknowledged, ReadingConfirmed
from portal.core.events import subscribe
from portal.gradebook.events import ResultDecided
from portal.quizzes.events import AttemptReleased, ResultCorrected
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


def on_result(event: AttemptReleased | ResultCorrected) -> None:
    """Complete the steps that ask for the quiz, where the attempt that counts was passed; what is complete stays so."""
    enrollments.note_result(person_id=event.person_id, quiz_slug=event.quiz_slug, at=event.at)


def on_result_decided(event: ResultDecided) -> None:
    """Complete the steps that ask for a quiz whose score was set by hand, or from which somebody is exempt."""
    enrollments.note_result(person_id=event.person_id, quiz_slug=event.quiz_slug, at=event.at)


def init() -> None:
    """Listen to what happens below."""
    subscribe(Acknowledged, on_acknowledged)
    subscribe(ReadingConfirmed, on_reading_confirmed)
    subscribe(AttemptReleased, on_result)
    subscribe(ResultCorrected, on_result)
    subscribe(ResultDecided, on_result_decided)
