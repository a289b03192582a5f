"""The transcript: one's own, and that of a person one is responsible for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for

from portal.accounts.models import Person
from portal.accounts.queries import get_person
from portal.core import clock
from portal.core.access import actor, can, requires, signed_in
from portal.core.i18n import format_date, format_instant, format_percent, language
from portal.core.i18n import gettext as _
from portal.gradebook import queries
from portal.gradebook.permissions import SEE_TRANSCRIPT
from portal.quizzes.models import AttemptState
from portal.quizzes.permissions import SUPERVISE_ATTEMPT
from portal.quizzes.queries import list_attempts, quiz_titles

blueprint = Blueprint("gradebook", __name__, template_folder="templates")


@blueprint.get("/transcript")
@signed_in
def transcript() -> str:
    """Show one's own results."""
    return _page(actor(), is_own=True)


@blueprint.get("/people/<code>/transcript")
@requires(SEE_TRANSCRIPT, on=get_person)
def transcript_of(person: Person) -> str:
    """Show the results of a person one is responsible for."""
    return _page(person, is_own=person.id == actor().id)


def _page(person: Person, *, is_own: bool) -> str:
    entries = queries.list_entries(person)
    quizzes = quiz_titles({entry.quiz_id for entry in entries})
    zone = actor().time_zone
    rows: list[dict[str, Any]] = [
        {
            "title": str(quizzes[entry.quiz_id].title),
            "href": url_for("quizzes.show", slug=entry.quiz.slug),
            "attempt_no": entry.attempt.attempt_no,
            "result_href": url_for("quizzes.result", code=entry.attempt.code) if is_own else None,
            "score": format_percent(entry.score),
            "state": "passed" if entry.passed else "failed",
            "on": format_date(clock.local_date(entry.at, zone), "short"),
            "is_correction": entry.entry_no > 1,
        }
        for entry in entries
    ]
    taken = {entry.quiz_id for entry in entries}
    passed = {entry.quiz_id for entry in entries if entry.passed}
    return render_template(
        "gradebook/transcript.html",
        rows=rows,
        open_attempts=[] if is_own else _open_attempts(person, zone),
        is_own=is_own,
        name=person.name_in(language()),
        summary=_("%(passed)s of %(taken)s quizzes passed", passed=len(passed), taken=len(taken)) if taken else "",
    )


def _open_attempts(person: Person, zone: str) -> list[dict[str, Any]]:
    """Return the attempts without a released result whose history the viewer may see."""
    return [
        {
            "title": str(attempt.quiz_version.title),
            "href": url_for("quizzes.supervision", code=attempt.code),
            "number": attempt.attempt_no,
            "started": format_instant(attempt.started_at, zone),
            "state": "in_progress" if attempt.state is AttemptState.IN_PROGRESS else "not_released",
        }
        for attempt in list_attempts(person)
        if attempt.state not in (AttemptState.RELEASED, AttemptState.VOIDED) and can(SUPERVISE_ATTEMPT, attempt)
    ]
