"""The lead's page of one attempt: what arrived when, never an answer; minutes granted, an attempt made void."""

from __future__ import annotations

from flask import render_template, url_for
from werkzeug.wrappers import Response

from portal.core import clock
from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, format_percent, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.quizzes import queries, rules
from portal.quizzes.forms import GrantForm, VoidForm
from portal.quizzes.models import Attempt, AttemptState
from portal.quizzes.permissions import SUPERVISE_ATTEMPT
from portal.quizzes.service import attempts as service
from portal.quizzes.types.base import Answered, read
from portal.quizzes.views import blueprint
from portal.quizzes.views.learner import clock_words, event_words


@blueprint.get("/attempts/<code>/supervision")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def supervision(attempt: Attempt) -> str:
    """Show the history of a person's attempt."""
    return _page(attempt, GrantForm(prefix="grant"), VoidForm(prefix="void"))


def _page(attempt: Attempt, grant: GrantForm, void: VoidForm, refusal: str | None = None) -> str:
    now, zone = clock.now(), actor().time_zone
    state = rules.effective_state(
        state=attempt.state.value, deadline_at=attempt.deadline_at, now=now, tolerance=attempt.tolerance
    )
    marking = queries.find_current_marking(attempt) if attempt.state is AttemptState.RELEASED else None
    items = queries.list_items(attempt)
    last = max((item.response.received_at for item in items if item.response), default=None)
    chip = {
        "in_progress": "in_progress",
        "released": "passed" if marking and marking.passed else "failed",
        "voided": "withdrawn",
    }.get(state, "not_released")
    return render_template(
        "quizzes/supervision.html",
        name=attempt.person.name_in(language()),
        quiz=str(attempt.quiz_version.title),
        code=attempt.code,
        chip=chip,
        chip_label=_("Void") if state == "voided" else None,
        is_running=state == "in_progress",
        can_void=state not in ("released", "voided"),
        refusal=refusal,
        grant=grant,
        void=void,
        facts=[
            (_("Attempt"), str(attempt.attempt_no)),
            (_("Started"), format_instant(attempt.started_at, zone, seconds=True)),
            (_("Deadline"), format_instant(attempt.deadline_at, zone, seconds=True)),
            (
                _("Finished"),
                format_instant(attempt.finished_at, zone, seconds=True) if attempt.finished_at else None,
            ),
            (
                _("Questions answered"),
                _(
                    "%(answered)s of %(all)s",
                    answered=sum(
                        item.response is not None
                        and read(item.question_version.content).how_far(item.response.answer) is Answered.ANSWERED
                        for item in items
                    ),
                    all=len(items),
                ),
            ),
            (_("Last answer saved"), format_instant(last, zone, seconds=True) if last else None),
            (_("Score"), format_percent(marking.score) if marking else None),
        ],
        history=[
            {"at": clock_words(event.at, zone), "text": event_words(event, zone)}
            for event in queries.list_events(attempt)
        ],
    )


@blueprint.post("/attempts/<code>/grants")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def extend(attempt: Attempt) -> Response | tuple[str, int]:
    """Grant minutes to a running attempt."""
    form = GrantForm(prefix="grant")
    if not form.validate():
        return _page(attempt, form, VoidForm(prefix="void", formdata=None)), 400

    def work() -> Done:
        minutes = int(form.minutes.data or 0)
        service.extend_attempt(attempt=attempt, minutes=minutes, reason=form.reason.data or "", by=actor())
        return Done(_("The deadline has been moved."), url_for("quizzes.supervision", code=attempt.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(attempt, form, VoidForm(prefix="void", formdata=None), str(refused)), refused.status


@blueprint.post("/attempts/<code>/void")
@requires(SUPERVISE_ATTEMPT, on=queries.get_attempt)
def void(attempt: Attempt) -> Response | tuple[str, int]:
    """Make an attempt count for nothing."""
    form = VoidForm(prefix="void")
    if not form.validate():
        return _page(attempt, GrantForm(prefix="grant", formdata=None), form), 400

    def work() -> Done:
        service.void_attempt(attempt=attempt, reason=form.reason.data or "", by=actor())
        return Done(_("The attempt is now void."), url_for("quizzes.supervision", code=attempt.code))

    try:
        return carry_out(work)
    except DomainError as refused:
        return _page(attempt, GrantForm(prefix="grant", formdata=None), form, str(refused)), refused.status
