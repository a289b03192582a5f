"""What became of a recurring task's days: recorded, taken back; and ending the task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.core.access import actor, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out, submit
from portal.duties import errors
from portal.duties.forms import OF_OUTCOME, ReasonForm, RunForm
from portal.duties.models import RecurringTask
from portal.duties.permissions import CHANGE_TASK, RECORD_RUN, SEE_TASK
from portal.duties.queries import tasks as queries
from portal.duties.rules import RunHow, RunOutcome
from portal.duties.service import tasks
from portal.duties.service.telling import outcome_words
from portal.duties.service.wording import TEXT_LIMIT
from portal.duties.views import blueprint, shown

_FIELD_OF: dict[type[DomainError], str] = {
    errors.DoerMissing: "person",
    errors.HelperMissing: "helper",
    errors.HelperUnasked: "helper",
    errors.DoneInFuture: "done_on",
    errors.DoneLongBefore: "done_on",
    errors.ReasonMissing: "reason",
}


def _field_of(refused: DomainError, outcome: object) -> str | None:
    if isinstance(refused, errors.NoteLooksSecret):
        return "note" if outcome == RunOutcome.DONE.value else "reason"
    return _FIELD_OF.get(type(refused))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as unreadable:
        raise errors.NoSuchRun() from unreadable


@blueprint.route("/recurring-tasks/<code>/days/<day>", methods=["GET", "POST"])
@requires(RECORD_RUN, on=queries.get_task, see=SEE_TASK, absent=errors.NoSuchTask)
def record_run(found: RecurringTask, day: str) -> Response | tuple[str, int]:
    """Record what became of a day on which a task fell due."""
    due_on = _day(day)
    people = {each.code: each for each in queries.list_doers(found)}
    form, status = RunForm(), 200
    _offer(form, {code: each.name_in(language()) for code, each in people.items()})
    standing = queries.standings_of([found]).get(found.id)
    open_days = {each.on: each for each in tasks.days_to_record(standing)} if standing else {}
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(lambda: _keep(form, found, due_on, people))
            except DomainError as refused:
                status = refused.status
                form.refuse(refused, _field_of(refused, form.outcome.data))
    else:
        several, is_by_hand = request.args.get("earlier") == "1", found.fulfilled_by is None
        form.outcome.data = (RunOutcome.SKIPPED if several or not is_by_hand else RunOutcome.DONE).value
        form.earlier.data, form.how.data = several, RunHow.ALONE.value
        form.person.data = actor().code if actor().code in people else ""
        form.done_on.data = queries.today_of(found)
    known = open_days.get(due_on)
    earlier = sum(each < due_on for each in open_days)
    page = render_template(
        "duties/run.html",
        form=form,
        of_outcome={
            each.value: [form[name] for name in names if name != "earlier" or earlier]
            for each, names in OF_OUTCOME.items()
        },
        earlier=earlier,
        task=str(found.title),
        due=shown.day_row(known, shown.terms_on(found, due_on)) if known else {"date": format_date(due_on)},
        is_open=known is not None,
        is_by_hand=found.fulfilled_by is None,
        is_overdue=due_on < queries.today_of(found),
        back=_page_of(found),
        limit=TEXT_LIMIT,
    )
    return page, status


def _offer(form: RunForm, names: dict[str, str]) -> None:
    listed = [SelectChoice(code, name) for code, name in names.items()]
    form.person.choices = [SelectChoice("", _("Choose")), *listed]
    form.helper.choices = [SelectChoice("", _("Nobody")), *listed]


def _keep(form: RunForm, found: RecurringTask, due_on: date, people: dict[str, Any]) -> Done:
    if form.outcome.data == RunOutcome.SKIPPED.value:
        if form.earlier.data:
            number = tasks.skip_until(task=found, until=due_on, reason=form.reason.data or "", by=actor())
            return Done(
                ngettext(
                    "It is recorded that the task was left out on %(num)d day.",
                    "It is recorded that the task was left out on %(num)d days.",
                    number,
                ),
                _page_of(found),
            )
        tasks.skip_run(task=found, due_on=due_on, reason=form.reason.data or "", by=actor())
        return Done(_("It is recorded that the task was left out."), _page_of(found))
    assert form.done_on.data is not None
    tasks.record_run(
        task=found,
        due_on=due_on,
        done=tasks.Done(
            person=people.get(form.person.data or ""),
            done_on=form.done_on.data,
            how=RunHow(form.how.data),
            helper=people.get(form.helper.data or ""),
        ),
        note=form.note.data or "",
        by=actor(),
    )
    return Done(_("It is recorded that the task was done."), _page_of(found))


@blueprint.route("/recurring-tasks/<code>/runs/<run>/back", methods=["GET", "POST"])
@requires(RECORD_RUN, on=queries.get_task, see=SEE_TASK, absent=errors.NoSuchTask)
def take_back_run(found: RecurringTask, run: str) -> Response | tuple[str, int]:
    """Take back what was recorded by mistake."""
    row = queries.get_run(found, run)

    def work(reason: str) -> Done:
        tasks.take_back_run(task=found, run=row, reason=reason, by=actor())
        return Done(_("The record has been taken back; the day waits again."), _page_of(found))

    return _with_reason(
        work,
        found,
        title=_("Take the record back"),
        about=_(
            "Recorded for %(date)s: %(what)s. The day waits again; what was recorded stays in the history.",
            date=format_date(row.due_on),
            what=outcome_words(row),
        ),
        is_possible=row.taken_back_at is None,
    )


@blueprint.route("/recurring-tasks/<code>/end", methods=["GET", "POST"])
@requires(CHANGE_TASK, on=queries.get_task, see=SEE_TASK, absent=errors.NoSuchTask)
def end_task(found: RecurringTask) -> Response | tuple[str, int]:
    """End a recurring task for good."""

    def work(reason: str) -> Done:
        tasks.end(task=found, reason=reason, by=actor())
        return Done(_("The recurring task has ended."), _page_of(found))

    return _with_reason(
        work,
        found,
        title=_("End the recurring task"),
        about=_(
            "It does not fall due any more, and nobody answers for it. Its history stays. It cannot be taken up again."
        ),
        is_possible=found.ended_at is None,
        is_grave=True,
    )


def _page_of(found: RecurringTask) -> str:
    return url_for("duties.task", code=found.code)


def _with_reason(
    work: Callable[[str], Done],
    found: RecurringTask,
    *,
    title: str,
    about: str,
    is_possible: bool,
    is_grave: bool = False,
) -> Response | tuple[str, int]:
    form = ReasonForm()
    answer = submit(form, lambda: work(form.reason.data or ""))
    if isinstance(answer, Response):
        return answer
    page = render_template(
        "duties/reason.html",
        form=form,
        title=title,
        about=about,
        is_possible=is_possible,
        is_grave=is_grave,
        task=str(found.title),
        back=_page_of(found),
        limit=TEXT_LIMIT,
    )
    return page, answer
