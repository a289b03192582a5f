"""What training does when something happens in the domains below it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.acknowledgements.events import Acknowledged, ReadingConfirmed
from portal.cohorts.permissions import SEE_COHORT
from portal.core.access import can
from portal.core.events import subscribe
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description, Outside, Progress, job
from portal.gradebook.events import ResultDecided
from portal.quizzes.events import AttemptReleased, ResultCorrected
from portal.training.queries import cohort_drafts
from portal.training.service import enrollments, taking_in


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


def _describe_taking_in(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    drafts = {each.code: each for each in cohort_drafts.list_drafts_of([each["draft"] for each in arguments])}
    said = []
    for each in arguments:
        draft = drafts.get(each["draft"])
        cohort = draft.cohort if draft is not None else None
        if cohort is None or not can(SEE_COHORT, cohort):
            said.append(Description(_l("Take many people into a cohort")))
        else:
            address = url_for("reports.cohort", code=cohort.code)
            said.append(Description(_l("Take many people into a cohort"), str(cohort.name), address))
    return said


@job(taking_in.JOB, describe=_describe_taking_in)
def take_people_in(draft: str) -> Generator[Progress | Outside, Any, None]:
    """Take in the people of a long list, some at a time; begun anew it goes on where it was."""
    yield from taking_in.take_in_portions(draft)


def init() -> None:
    """Listen to what happens below."""
    subscribe(Acknowledged, on_acknowledged)
    subscribe(ReadingConfirmed, on_reading_confirmed)
    subscribe(AttemptReleased, on_result)
    subscribe(ResultCorrected, on_result)
    subscribe(ResultDecided, on_result_decided)
