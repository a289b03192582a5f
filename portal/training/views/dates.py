"""What a lead does about a learner's dates: more time, another first day, a pause, leave; shown before it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.calendars import service as calendars
from portal.calendars.permissions import SEE_LEAVE
from portal.calendars.queries import list_leave
from portal.calendars.service.told import unannounced_told
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.i18n import format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.training import queries
from portal.training.forms import EndForm, ExemptionForm, ExtensionForm, LeaveForm, NewStartForm, PauseForm, ResumeForm
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    NewStart,
    PlanExtension,
    PlanStep,
    StepExemption,
    StepExtension,
)
from portal.training.permissions import CHANGE_DATES, SEE_ENROLLMENT, StepOfEnrollment
from portal.training.queries import Change, Standing, catalogue, swaps
from portal.training.rules import SETTLED, STATEMENT_LIMIT, ExemptionAct
from portal.training.service import dates, exemptions
from portal.training.service.enrollments import end_plan
from portal.training.service.odd_days import about_first_day
from portal.training.views import blueprint
from portal.training.views.explaining import disorder_told, exempt_told, feasibility_told
from portal.training.views.learner import Telling

# What the button says that does it for good.
CONFIRM = "confirm"


@blueprint.get("/training/<code>/dates")
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def change_dates(enrollment: Enrollment) -> str:
    """Show what moved the learner's dates, and offer what can move them."""
    standing = queries.standing_of(enrollment)
    changes = queries.list_changes(enrollment)
    tasks = catalogue.tasks_of(enrollment.version.steps)
    versions = swaps.list_versions(enrollment.plan_id)
    return render_template(
        "training/dates.html",
        starts_on=format_date(standing.starts_on),
        ends_on=format_date(max(due.on for due in standing.dues.values())),
        paused=_paused(standing),
        can_change=enrollment.is_open,
        events=[
            {
                "title": str(event.title),
                "on": format_date(standing.basis.event(event.slug).on),
                "href": url_for("training.event_date", code=enrollment.code, slug=event.slug),
            }
            for event in enrollment.version.events
        ],
        feasibility=feasibility_told(standing.feasibility(), enrollment.version) if enrollment.is_open else [],
        exemptions=[
            {
                "step": str(tasks[step.id]),
                "said": exempt_told(held, standing),
                "href": url_for("training.exemption", code=enrollment.code, slug=step.slug),
            }
            for step in enrollment.version.steps
            if (held := standing.exemption(step.slug)) is not None
        ],
        is_paused=any(pause.resumes_on is None for pause in standing.basis.pauses),
        changes=[
            {
                "what": _what(
                    each,
                    {step.id: str(tasks[step.id]) for step in enrollment.version.steps},
                    {event.slug: str(event.title) for event in enrollment.version.events},
                ),
                "reason": each.reason,
                "by": each.by.name_in(language()),
                "at": format_instant(each.at, enrollment.market.time_zone, show_zone=False),
            }
            for each in changes
        ],
        leave=calendars.leave_in_words(enrollment.person_id),
        shifts_href=url_for("calendars.shifts", code=enrollment.person.code)
        if can(SEE_LEAVE, enrollment.person)
        else None,
        version_href=url_for("training.version", code=enrollment.code) if len(versions) > 1 else None,
        newer=versions[0].number if versions[0].id != enrollment.plan_version_id else None,
        **_whose(enrollment),
    )


def _paused(standing: Standing) -> str:
    """Say in which pause today lies, and when the plan goes on where that is known; "" where it is not paused."""
    pause = standing.pause
    if pause is None or not standing.enrollment.is_open:
        return ""
    first = format_date(pause.first_on)
    if pause.resumes_on is None:
        return str(_("The plan is paused from %(date)s. No day counts until it is resumed.", date=first))
    resumes_on = format_date(pause.resumes_on)
    return str(_("The plan is paused from %(first)s and resumes on %(date)s.", first=first, date=resumes_on))


def _what(change: Change, tasks: dict[int, str], events: dict[str, str]) -> str:
    row = change.row
    match row:
        case EventDate():
            said = {"event": events.get(row.event_slug, row.event_slug), "date": format_date(row.takes_place_on)}
            return str(
                _("“%(event)s” on %(date)s", **said)
                if row.cohort_id is None
                else _("“%(event)s” on %(date)s, for the whole cohort", **said)
            )
        case StepExtension():
            return ngettext(
                "%(num)d more working day for “%(step)s”",
                "%(num)d more working days for “%(step)s”",
                row.working_days,
                step=tasks[row.step_id],
            )
        case StepExemption(act=ExemptionAct.EXEMPTED):
            return str(_("Exempt from “%(step)s”", step=tasks[row.step_id]))
        case StepExemption():
            return str(_("Exemption from “%(step)s” taken back", step=tasks[row.step_id]))
        case PlanExtension():
            return ngettext(
                "%(num)d more working day for the whole plan",
                "%(num)d more working days for the whole plan",
                row.working_days,
            )
        case NewStart():
            return str(_("New first day: %(date)s", date=format_date(row.starts_on)))
        case EnrollmentPause():
            if row.resumes_on is None:
                return str(_("Paused from %(date)s", date=format_date(row.first_on)))
            if row.resumes_on == row.first_on:
                return str(_("Pause from %(date)s, taken back", date=format_date(row.first_on)))
            return str(
                _(
                    "Paused from %(first)s, resumed on %(date)s",
                    first=format_date(row.first_on),
                    date=format_date(row.resumes_on),
                )
            )


@blueprint.route("/training/<code>/steps/<slug>/extension", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_step_of_enrollment, see=SEE_ENROLLMENT)
def extension(thing: StepOfEnrollment) -> Response | tuple[str, int]:
    """Give more time for a step: first what it would move, then for good."""
    form, enrollment, step = ExtensionForm(), thing.enrollment, thing.step
    standing = queries.standing_of(enrollment)

    def work() -> Done:
        working_days, reason = int(form.working_days.data or 0), form.reason.data or ""
        dates.extend_step(enrollment=enrollment, step=step, working_days=working_days, reason=reason, by=actor())
        return Done(_("The date has been moved."), url_for("training.path", code=enrollment.code))

    telling = Telling([standing], actor())
    return show_then_do(
        "training/extension.html",
        form,
        standing,
        moved=lambda: dates.moved_by_extension(
            standing=standing, step=step, working_days=int(form.working_days.data or 0)
        ),
        asked=lambda: str(form.working_days.data or ""),
        work=work,
        step=telling.of(standing, step),
        can_move=can_move(standing, step),
    )


@blueprint.route("/training/<code>/steps/<slug>/exemption", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_step_of_enrollment, see=SEE_ENROLLMENT)
def exemption(thing: StepOfEnrollment) -> Response | tuple[str, int]:
    """Exempt a learner from a step, or take that back: what it changes is shown first."""
    form, enrollment, step, status = ExemptionForm(), thing.enrollment, thing.step, 200
    standing = queries.standing_of(enrollment)
    held = standing.exemption(step.slug)

    def work() -> Done:
        reason, seen = form.reason.data or "", request.form.get("seen", "")
        if held is not None:
            exemptions.take_back_exemption(enrollment=enrollment, step=step, reason=reason, seen=seen, by=actor())
            said = _("The exemption has been taken back.")
        else:
            exemptions.exempt_step(enrollment=enrollment, step=step, reason=reason, seen=seen, by=actor())
            said = _("The learner is exempt from this step.")
        return Done(said, url_for("training.path", code=enrollment.code))

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(work)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
                standing = queries.standing_of(queries.get_enrollment(enrollment.code))
                held = standing.exemption(step.slug)
    effect, cannot = None, ""
    try:
        effect = (
            exemptions.effect_of_taking_back(standing=standing, step=step)
            if held is not None
            else exemptions.effect_of_exempting(standing=standing, step=step)
        )
    except DomainError as refused:
        cannot = str(refused)
    tasks = catalogue.tasks_of(standing.steps)
    page = render_template(
        "training/exemption.html",
        form=form,
        step=str(tasks[step.id]),
        held=exempt_told(held, standing) if held is not None else "",
        cannot=cannot,
        effect={
            "key": effect.key,
            "opens": [str(tasks[each.id]) for each in effect.opens],
            "closes": [str(tasks[each.id]) for each in effect.closes],
            "completes": effect.completes,
            "costs_credential": effect.costs_credential,
            "due": format_date(effect.due_on) if effect.due_on else "",
            "is_late": effect.due_on is not None and effect.due_on < standing.today,
        }
        if effect is not None
        else None,
        decide_href=url_for("gradebook.result", slug=step.quiz_slug, code=enrollment.person.code)
        if effect is not None and effect.costs_credential
        else None,
        limit=STATEMENT_LIMIT,
        **_whose(enrollment),
    )
    return page, status


@blueprint.route("/training/<code>/dates/extension", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def plan_extension(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Give more time for a whole plan: first what it would move, then for good."""
    form, standing = ExtensionForm(), queries.standing_of(enrollment)

    def work() -> Done:
        working_days, reason = int(form.working_days.data or 0), form.reason.data or ""
        dates.extend_plan(enrollment=enrollment, working_days=working_days, reason=reason, by=actor())
        return Done(_("The dates have been moved."), url_for("training.change_dates", code=enrollment.code))

    return show_then_do(
        "training/dates_extension.html",
        form,
        standing,
        moved=lambda: dates.moved_by_extension(
            standing=standing, step=None, working_days=int(form.working_days.data or 0)
        ),
        asked=lambda: str(form.working_days.data or ""),
        work=work,
        can_move=can_move(standing),
    )


@blueprint.route("/training/<code>/dates/first-day", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def first_day(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Let the plan begin on another day: first what it would move, then for good."""
    form, standing = NewStartForm(), queries.standing_of(enrollment)

    def work() -> Done:
        assert form.starts_on.data is not None
        dates.move_start(
            enrollment=enrollment, starts_on=form.starts_on.data, reason=form.reason.data or "", by=actor()
        )
        return Done(_("The dates have been moved."), url_for("training.change_dates", code=enrollment.code))

    return show_then_do(
        "training/dates_first_day.html",
        form,
        standing,
        moved=lambda: dates.moved_by_start(standing=standing, starts_on=form.starts_on.data or standing.starts_on),
        asked=lambda: str(form.starts_on.data),
        work=work,
        can_move=can_move(standing),
        cautions=lambda: about_first_day(form.starts_on.data or standing.starts_on, standing.calendar),
        starts_on=format_date(standing.starts_on),
    )


@blueprint.route("/training/<code>/dates/pause", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def pause(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Pause a plan from a day on: first what it has moved by today, then for good."""
    form, standing = PauseForm(), queries.standing_of(enrollment)

    def work() -> Done:
        assert form.first_on.data is not None
        dates.pause(enrollment=enrollment, first_on=form.first_on.data, reason=form.reason.data or "", by=actor())
        return Done(_("The plan is paused."), url_for("training.change_dates", code=enrollment.code))

    return show_then_do(
        "training/dates_pause.html",
        form,
        standing,
        moved=lambda: dates.moved_by_pause(standing=standing, first_on=form.first_on.data or standing.today),
        asked=lambda: str(form.first_on.data),
        work=work,
        can_move=can_move(standing),
        begins_on=format_date(first_on) if (first_on := form.first_on.data) and first_on > standing.today else None,
    )


@blueprint.route("/training/<code>/dates/resumption", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def resumption(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Let the days of a paused plan count again: first what that moves, then for good."""
    form, standing = ResumeForm(), queries.standing_of(enrollment)

    def work() -> Done:
        assert form.resumes_on.data is not None
        dates.resume(enrollment=enrollment, resumes_on=form.resumes_on.data, by=actor())
        return Done(_("The plan goes on."), url_for("training.change_dates", code=enrollment.code))

    current = next((each for each in standing.basis.pauses if each.resumes_on is None), None)
    return show_then_do(
        "training/dates_resumption.html",
        form,
        standing,
        moved=lambda: dates.moved_by_resuming(standing=standing, resumes_on=form.resumes_on.data or standing.today),
        asked=lambda: str(form.resumes_on.data),
        work=work,
        can_move=can_move(standing),
        paused_since=format_date(current.first_on) if current else None,
    )


@blueprint.route("/training/<code>/leave", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def leave(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Record days on which the learner is away: first what they would move, then for good."""
    form, standing = LeaveForm(), queries.standing_of(enrollment)

    def work() -> Done:
        assert form.first_on.data is not None
        assert form.last_on.data is not None
        first_on, last_on = form.first_on.data, form.last_on.data
        # Dates that nobody can count are refused here too.
        dates.moved_by_leave(standing=standing, first_on=first_on, last_on=last_on)
        calendars.record_leave(person=enrollment.person, first_on=first_on, last_on=last_on, by=actor())
        return Done(_("The leave has been recorded."), url_for("training.leave", code=enrollment.code))

    return show_then_do(
        "training/leave.html",
        form,
        standing,
        moved=lambda: dates.moved_by_leave(
            standing=standing,
            first_on=form.first_on.data or standing.today,
            last_on=form.last_on.data or standing.today,
        ),
        asked=lambda: f"{form.first_on.data}/{form.last_on.data}",
        work=work,
        recorded=calendars.leave_in_words(enrollment.person_id),
        all_href=url_for("calendars.leave", code=enrollment.person.code) if can(SEE_LEAVE, enrollment.person) else None,
        withdraw_href=url_for("training.withdraw_leave", code=enrollment.code),
    )


@blueprint.post("/training/<code>/leave/withdrawal")
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def withdraw_leave(enrollment: Enrollment) -> Response:
    """Take back a leave that was recorded by mistake."""
    form = LeaveForm()
    chosen = (form.first_on.data, form.last_on.data) if form.validate() else None

    def work() -> Done:
        here = url_for("training.leave", code=enrollment.code)
        for each in list_leave(enrollment.person_id):
            if (each.first_on, each.last_on) == chosen:
                calendars.withdraw_leave(leave=each, by=actor())
                return Done(_("The leave has been withdrawn."), here)
        return Done(_("This leave is not recorded any more. Nothing was changed."), here)

    return carry_out(work)


@blueprint.route("/training/<code>/end", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def end(enrollment: Enrollment) -> Response | tuple[str, int]:
    """End a plan before it is completed: what is done and what is left is shown first."""
    form, standing, status = EndForm(), queries.standing_of(enrollment), 200

    def work() -> Done:
        end_plan(enrollment=enrollment, reason=form.reason.data or "", by=actor())
        return Done(_("The plan has been ended."), url_for("training.path", code=enrollment.code))

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(work)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    page = render_template(
        "training/end.html",
        form=form,
        can_end=enrollment.is_open,
        done=standing.progress.done,
        total=standing.progress.total,
        limit=STATEMENT_LIMIT,
        **_whose(enrollment),
    )
    return page, status


def show_then_do(
    template: str,
    form: Form,
    standing: Standing,
    *,
    moved: Callable[[], dates.Moves],
    asked: Callable[[], str],
    work: Callable[[], Done],
    cautions: Callable[[], list[str]] = list,
    **values: Any,
) -> Response | tuple[str, int]:
    """Answer with what would move; do it where that is confirmed as shown: a value changed since is shown first.

    `cautions` says of the chosen day what is worth a second look; it keeps nothing from being done.
    """
    found: dates.Moves | None = None
    status = 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                if request.form.get("act") == CONFIRM and request.form.get("seen") == asked():
                    return carry_out(work)
                found, status = moved(), 200
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    page = render_template(
        template,
        form=form,
        moved=effect_told(found, standing) if found is not None else None,
        feasibility=feasibility_told(found.feasibility, standing.enrollment.version) if found is not None else [],
        disorder=disorder_told(found.disorder, catalogue.tasks_of(standing.steps)) if found is not None else [],
        cautions=cautions() if found is not None else [],
        unannounced=unannounced_told(found.unannounced) if found is not None else "",
        seen=asked(),
        limit=STATEMENT_LIMIT,
        **_whose(standing.enrollment),
        **values,
    )
    return page, status


def can_move(standing: Standing, step: PlanStep | None = None) -> bool:
    is_settled = step is not None and standing.statuses[step.slug].state in SETTLED
    return standing.enrollment.is_open and not is_settled


def _whose(enrollment: Enrollment) -> dict[str, str]:
    return {
        "learner": enrollment.person.name_in(language()),
        "plan": str(enrollment.version.title),
        "path_href": url_for("training.path", code=enrollment.code),
        "dates_href": url_for("training.change_dates", code=enrollment.code),
        "code": enrollment.code,
    }


def effect_told(moved: dates.Moves, standing: Standing) -> list[dict[str, Any]]:
    """Return which dates would move from when to when."""
    tasks = catalogue.tasks_of([each.step for each in moved])
    return [
        {
            "step": str(tasks[each.step.id]),
            "before": format_date(each.before),
            "after": format_date(each.after),
            "state": "overdue" if each.after < standing.today else "",
        }
        for each in moved
    ]
