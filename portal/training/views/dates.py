"""What a lead does about a learner's dates: more time, another first day, a pause, leave; shown before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.service import links
from portal.calendars import service as calendars
from portal.calendars.errors import LeaveGone, MovesChanged
from portal.calendars.models import Leave
from portal.calendars.permissions import SEE_LEAVE
from portal.calendars.queries import list_leave
from portal.calendars.service.moves import CalendarChange, ToldMoves, key_shown, moved_as_shown, moved_by, shown
from portal.calendars.service.told import period_told, unannounced_told
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.i18n import LazyText, format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.training import queries
from portal.training.errors import ExtensionIsTakenBack, PlanIsOver
from portal.training.forms import (
    EndForm,
    ExemptionForm,
    ExtensionForm,
    LeaveForm,
    NewStartForm,
    PauseForm,
    ResumeForm,
    TakingBackForm,
)
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    ExtensionTakenBack,
    NewStart,
    PlanExtension,
    PlanStep,
    StepExemption,
    StepExtension,
)
from portal.training.permissions import CHANGE_DATES, SEE_ENROLLMENT, ExtensionOfEnrollment, StepOfEnrollment
from portal.training.queries import Change, Standing, catalogue, live_sessions, swaps
from portal.training.rules import SETTLED, STATEMENT_LIMIT, ExemptionAct
from portal.training.service import dates, exemptions, invitations
from portal.training.service.beside import interrupted_with
from portal.training.service.enrollments import end_plan
from portal.training.service.odd_days import about_due_before, about_first_day
from portal.training.views import blueprint
from portal.training.views.explaining import (
    disorder_now_told,
    disorder_told,
    exempt_told,
    feasibility_told,
    sessions_told,
)
from portal.training.views.learner import Telling, day_of, invitation_told, session_day

# What the button says that does it for good.
CONFIRM = "confirm"


@blueprint.get("/training/<code>/dates")
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def change_dates(enrollment: Enrollment) -> str:
    """Show what moved the learner's dates, and offer what can move them."""
    standing = queries.standing_of(enrollment)
    tasks = catalogue.tasks_of(enrollment.version.steps)
    versions = swaps.list_versions(enrollment.plan_id)
    return render_template(
        "training/dates.html",
        starts_on=format_date(standing.starts_on),
        ends_on=format_date(max(standing.day_for(slug) for slug in standing.dues)),
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
        disorder=disorder_now_told(standing) if enrollment.is_open else [],
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
        changes=_history(enrollment, tasks),
        leave=calendars.leave_in_words(enrollment.person_id),
        shifts_href=url_for("calendars.shifts", code=enrollment.person.code)
        if can(SEE_LEAVE, enrollment.person)
        else None,
        other_plan_href=url_for("training.other_plan", code=enrollment.code) if enrollment.is_open else None,
        version_href=url_for("training.version", code=enrollment.code) if len(versions) > 1 else None,
        newer=versions[0].number if versions[0].id != enrollment.plan_version_id else None,
        **_whose(enrollment),
    )


def _history(enrollment: Enrollment, tasks: Mapping[int, LazyText]) -> list[dict[str, str]]:
    """Return what moved the dates, the latest first, and when she went on in another version or another plan.

    What can be taken back has the address where that is done, another plan that of her training in it.
    """
    steps = {step.id: str(tasks[step.id]) for step in enrollment.version.steps}
    events = {event.slug: str(event.title) for event in enrollment.version.events}
    # When, what, why, by whom, and where the row leads to.
    rows: list[tuple[datetime, str, str, str, dict[str, str]]] = []
    changes = queries.list_changes(enrollment)
    hrefs = _taking_back(enrollment, [each.row for each in changes])
    for each in changes:
        row, by = each.row, each.by.name_in(language())
        if not isinstance(row, EnrollmentPause):
            back = {"href": hrefs[row], "act": _("Take the extension back")} if row in hrefs else {}
            rows.append((each.at, _what(each, steps, events), each.reason, by, back))
            continue
        if row.resumed_at is not None:
            ended_by = row.resumed_by.name_in(language()) if row.resumed_by is not None else ""
            rows.append((row.resumed_at, _what(each, steps, events), "", ended_by, {}))
        rows.append((each.at, _("Paused from %(date)s", date=format_date(row.first_on)), each.reason, by, {}))
    series = sorted(swaps.list_series([enrollment])[enrollment.id], key=lambda each: each.id)
    rows += [(*each, {}) for each in _swapped(series)]
    rows += _moved(series)
    zone = enrollment.market.time_zone
    return [
        {
            "what": what,
            "reason": reason,
            "by": by,
            "at": format_instant(at, zone, show_zone=False),
            "href": "",
            "act": "",
        }
        | leads_to
        for at, what, reason, by, leads_to in sorted(rows, key=lambda each: each[0], reverse=True)
    ]


def _taking_back(enrollment: Enrollment, rows: Sequence[Any]) -> dict[Any, str]:
    """Return where each extension that holds can be taken back: its number is its place among those of its step."""
    if not enrollment.is_open:
        return {}
    gone = {each for row in rows if isinstance(row, ExtensionTakenBack) for each in _meant(row)}
    slugs = {step.id: step.slug for step in enrollment.version.steps}
    numbers: Counter[int | None] = Counter()
    found: dict[Any, str] = {}
    for row in sorted((each for each in rows if isinstance(each, StepExtension | PlanExtension)), key=lambda e: e.id):
        step_id = row.step_id if isinstance(row, StepExtension) else None
        numbers[step_id] += 1
        if row in gone:
            continue
        number = numbers[step_id]
        found[row] = (
            url_for("training.take_back_extension", code=enrollment.code, slug=slugs[step_id], number=number)
            if step_id is not None
            else url_for("training.take_back_plan_extension", code=enrollment.code, number=number)
        )
    return found


def _meant(row: ExtensionTakenBack) -> list[StepExtension | PlanExtension]:
    return [each for each in (row.step_extension, row.plan_extension) if each is not None]


def _swapped(series: Sequence[Enrollment]) -> list[tuple[datetime, str, str, str]]:
    """Return when, from which version into which, why and by whom she went on in another one."""
    people = _enders(series)
    return [
        (
            before.ended_at,
            _(
                "Version %(old)s of the plan became version %(new)s",
                old=before.version.number,
                new=after.version.number,
            ),
            before.ended_reason or "",
            people.get(before.ended_by or "", before.ended_by or ""),
        )
        for before, after in pairwise(series)
        if before.ended_at is not None
    ]


def _moved(series: Sequence[Enrollment]) -> list[tuple[datetime, str, str, str, dict[str, str]]]:
    """Return when, from which plan into which, why and by whom she came into this plan, or went on in another one."""
    came_from, went_to = queries.find_moved_from(series[0]), queries.find_moved_to(series[-1])
    moves = [(came_from, series[0], came_from)] if came_from is not None else []
    moves += [(series[-1], went_to, went_to)] if went_to is not None else []
    people = _enders([before for before, _after, _other in moves])
    return [
        (
            before.ended_at,
            _("From “%(old)s” to “%(new)s”", old=str(before.version.title), new=str(after.version.title)),
            before.ended_reason or "",
            people.get(before.ended_by or "", before.ended_by or ""),
            {
                "href": url_for("training.path", code=other.code),
                "act": _("Go to “%(plan)s”", plan=str(other.version.title)),
            },
        )
        for before, after, other in moves
        if before.ended_at is not None
    ]


def _enders(ended: Sequence[Enrollment]) -> dict[str, str]:
    """Return the names of those who ended these, by their codes."""
    codes = {each.ended_by for each in ended if each.ended_by}
    return {each.code: each.name_in(language()) for each in accounts.list_people_of(codes)}


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
        case ExtensionTakenBack(step_extension=StepExtension() as given):
            return ngettext(
                "%(num)d more working day for “%(step)s”, taken back",
                "%(num)d more working days for “%(step)s”, taken back",
                given.working_days,
                step=tasks[given.step_id],
            )
        case ExtensionTakenBack():
            assert row.plan_extension is not None
            return ngettext(
                "%(num)d more working day for the whole plan, taken back",
                "%(num)d more working days for the whole plan, taken back",
                row.plan_extension.working_days,
            )
        case NewStart():
            return str(_("New first day: %(date)s", date=format_date(row.starts_on)))
        case EnrollmentPause():
            assert row.resumes_on is not None
            if row.is_taken_back:
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

    def work(seen: str) -> Done:
        working_days, reason = int(form.working_days.data or 0), form.reason.data or ""
        dates.extend_step(
            enrollment=enrollment, step=step, working_days=working_days, reason=reason, seen=seen, by=actor()
        )
        return Done(_("The date has been moved."), url_for("training.path", code=enrollment.code))

    def page(standing: Standing) -> dict[str, Any]:
        telling = Telling([standing], actor())
        told, on = telling.of(standing, step), session_day(standing, step)
        return {
            "step": told,
            # More time moves the due date, wherever the session is.
            "due": telling.due_itself(standing, step) if told.due is not None else None,
            "session_on": day_of(on, standing) if on is not None and told.due is not None else None,
            "can_move": can_move(standing, step),
        }

    return show_then_do(
        "training/extension.html",
        form,
        standing,
        moved=lambda now: dates.moved_by_extension(
            standing=now, step=step, working_days=int(form.working_days.data or 0)
        ),
        asked=lambda: str(form.working_days.data or ""),
        work=work,
        page=page,
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
        held=exempt_told(held, standing) if held is not None else None,
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

    def work(seen: str) -> Done:
        working_days, reason = int(form.working_days.data or 0), form.reason.data or ""
        dates.extend_plan(enrollment=enrollment, working_days=working_days, reason=reason, seen=seen, by=actor())
        return Done(_("The dates have been moved."), url_for("training.change_dates", code=enrollment.code))

    return show_then_do(
        "training/dates_extension.html",
        form,
        standing,
        moved=lambda now: dates.moved_by_extension(
            standing=now, step=None, working_days=int(form.working_days.data or 0)
        ),
        asked=lambda: str(form.working_days.data or ""),
        work=work,
        page=lambda now: {"can_move": can_move(now)},
    )


@blueprint.route("/training/<code>/steps/<slug>/extension/<int:number>/taken-back", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_extension_of_step, see=SEE_ENROLLMENT)
def take_back_extension(thing: ExtensionOfEnrollment) -> Response | tuple[str, int]:
    """Take back more time for a step: which dates that moves is shown first."""
    return _take_back(thing)


@blueprint.route("/training/<code>/dates/extension/<int:number>/taken-back", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_extension_of_plan, see=SEE_ENROLLMENT)
def take_back_plan_extension(thing: ExtensionOfEnrollment) -> Response | tuple[str, int]:
    """Take back more time for a whole plan: which dates that moves is shown first."""
    return _take_back(thing)


def _take_back(thing: ExtensionOfEnrollment) -> Response | tuple[str, int]:
    form, enrollment, step, status = TakingBackForm(), thing.enrollment, thing.step, 200

    def work() -> Done:
        reason, seen = form.reason.data or "", request.form.get("seen", "")
        dates.take_back_extension(thing=thing, reason=reason, seen=seen, by=actor())
        return Done(
            _("The extension has been taken back, and the learner is told by mail."),
            url_for("training.change_dates", code=enrollment.code),
        )

    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return carry_out(work)
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    standing = queries.standing_of(queries.get_enrollment(enrollment.code))
    moves, cannot = None, ""
    try:
        moves = dates.moved_by_taking_back(standing=standing, thing=thing)
    except ExtensionIsTakenBack:
        cannot = _("This extension has been taken back.")
    except PlanIsOver:
        cannot = _("This training is completed, or has been ended already.")
    except DomainError as refused:
        cannot = str(refused)
    row, zone = thing.row, enrollment.market.time_zone
    page = render_template(
        "training/extension_taken_back.html",
        form=form,
        step=str(catalogue.tasks_of([step])[step.id]) if step is not None else "",
        given={
            "days": row.working_days,
            "by": row.by.name_in(language()),
            "at": format_instant(row.at, zone, show_zone=False),
            "reason": row.reason,
        },
        cannot=cannot,
        moved=effect_told(moves, standing) if moves is not None else [],
        feasibility=feasibility_told(moves.feasibility, enrollment.version) if moves is not None else [],
        disorder=disorder_told(moves.disorder, catalogue.tasks_of(standing.steps)) if moves is not None else [],
        sessions=sessions_told(moves.sessions) if moves is not None else [],
        unannounced=unannounced_told(moves.unannounced) if moves is not None else "",
        seen=dates.key_of(moves) if moves is not None else "",
        limit=STATEMENT_LIMIT,
        **_whose(enrollment),
    )
    return page, status


@blueprint.route("/training/<code>/dates/first-day", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def first_day(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Let the plan begin on another day: first what it would move, then for good."""
    form, standing = NewStartForm(), queries.standing_of(enrollment)

    def work(seen: str) -> Done:
        assert form.starts_on.data is not None
        dates.move_start(
            enrollment=enrollment, starts_on=form.starts_on.data, reason=form.reason.data or "", seen=seen, by=actor()
        )
        invited = invitations.waits_until(enrollment)
        if invited is None:
            said = _("The dates have been moved, and the learner is told by mail.")
        elif invited <= clock.now():
            said = _("The dates have been moved; the invitation goes out now.")
        else:
            on = format_date(clock.local_date(invited, enrollment.market.time_zone))
            said = _("The dates have been moved; the invitation goes out on %(date)s.", date=on)
        return Done(said, url_for("training.change_dates", code=enrollment.code))

    def cautions(moves: dates.Moves) -> list[str]:
        on = form.starts_on.data or standing.starts_on
        return about_first_day(on, standing.calendar) + about_due_before(
            enrollment.version, on, moves.days_of(standing), standing.settled
        )

    return show_then_do(
        "training/dates_first_day.html",
        form,
        standing,
        moved=lambda now: dates.moved_by_start(standing=now, starts_on=form.starts_on.data or now.starts_on),
        asked=lambda: str(form.starts_on.data),
        work=work,
        cautions=cautions,
        page=lambda now: {"can_move": can_move(now), "starts_on": format_date(now.starts_on)},
    )


@blueprint.route("/training/<code>/dates/pause", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def pause(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Pause a plan from a day on: first what it has moved by today, then for good."""
    form, standing = PauseForm(), queries.standing_of(enrollment)

    def work(seen: str) -> Done:
        assert form.first_on.data is not None
        dates.pause(
            enrollment=enrollment, first_on=form.first_on.data, reason=form.reason.data or "", seen=seen, by=actor()
        )
        return Done(
            _("The plan is paused, and the learner is told by mail."),
            url_for("training.change_dates", code=enrollment.code),
        )

    return show_then_do(
        "training/dates_pause.html",
        form,
        standing,
        moved=lambda now: dates.moved_by_pause(standing=now, first_on=form.first_on.data or now.today),
        asked=lambda: str(form.first_on.data),
        work=work,
        page=lambda now: {
            "can_move": can_move(now),
            "begins_on": format_date(first_on) if (first_on := form.first_on.data) and first_on > now.today else None,
            "before_events": dates.due_before_events(now),
        },
    )


@blueprint.route("/training/<code>/dates/resumption", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def resumption(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Let the days of a paused plan count again: first what that moves, then for good."""
    form, standing = ResumeForm(), queries.standing_of(enrollment)

    def work(seen: str) -> Done:
        assert form.resumes_on.data is not None
        dates.resume(enrollment=enrollment, resumes_on=form.resumes_on.data, seen=seen, by=actor())
        return Done(
            _("The plan goes on, and the learner is told by mail."),
            url_for("training.change_dates", code=enrollment.code),
        )

    def page(standing: Standing) -> dict[str, Any]:
        current = next((each for each in standing.basis.pauses if each.resumes_on is None), None)
        return {
            "can_move": can_move(standing),
            "paused_since": format_date(current.first_on) if current else None,
        }

    return show_then_do(
        "training/dates_resumption.html",
        form,
        standing,
        moved=lambda now: dates.moved_by_resuming(standing=now, resumes_on=form.resumes_on.data or now.today),
        asked=lambda: str(form.resumes_on.data),
        work=work,
        page=page,
    )


@blueprint.route("/training/<code>/leave", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def leave(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Record days on which the learner is away: first what they would move, then for good."""
    form, standing = LeaveForm(), queries.standing_of(enrollment)

    def days() -> tuple[date, date]:
        return form.first_on.data or standing.today, form.last_on.data or standing.today

    def change() -> CalendarChange:
        return calendars.more_leave(enrollment.person, *days())

    def work(seen: str) -> Done:
        (first_on, last_on), found = days(), moved_as_shown([enrollment.person_id], change, seen)
        calendars.record_leave(person=enrollment.person, first_on=first_on, last_on=last_on, by=actor())
        said = found.when_done(_("The leave has been recorded."))
        return Done(said, url_for("training.leave", code=enrollment.code))

    def moved(standing: Standing) -> dates.Moves:
        first_on, last_on = days()
        calendars.more_leave(enrollment.person, first_on, last_on)
        return dates.moved_by_leave(standing=standing, first_on=first_on, last_on=last_on)

    return show_then_do(
        "training/leave.html",
        form,
        standing,
        moved=moved,
        asked=lambda: f"{form.first_on.data}/{form.last_on.data}",
        work=work,
        # Leave counts in every plan of hers.
        told=lambda: moved_by(change(), names=False),
        page=lambda _now: _leave_page(enrollment),
    )


def _leave_page(enrollment: Enrollment) -> dict[str, Any]:
    return {
        "undone": None,
        "here": url_for("training.leave", code=enrollment.code),
        "recorded": calendars.leave_in_words(enrollment.person_id),
        "all_href": url_for("calendars.leave", code=enrollment.person.code)
        if can(SEE_LEAVE, enrollment.person)
        else None,
        "withdraw_href": url_for("training.withdraw_leave", code=enrollment.code),
    }


@blueprint.post("/training/<code>/leave/withdrawal")
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def withdraw_leave(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Take back a leave that was recorded by mistake: first what that moves, then for good."""
    form, status, here = LeaveForm(), 400, url_for("training.leave", code=enrollment.code)
    told: ToldMoves | None = None
    undone: calendars.Undone | None = None
    if form.validate():
        first_on, last_on = form.first_on.data, form.last_on.data
        assert first_on is not None
        assert last_on is not None

        def chosen() -> Leave:
            for each in list_leave(enrollment.person_id):
                if (each.first_on, each.last_on) == (first_on, last_on):
                    return each
            raise LeaveGone()

        def work(seen: str) -> Done:
            found = moved_as_shown([enrollment.person_id], lambda: calendars.less_leave(chosen()), seen)
            calendars.withdraw_leave(leave=chosen(), by=actor())
            return Done(found.when_done(_("The leave has been withdrawn.")), here)

        try:
            seen, status = key_shown(request.form.get("seen", ""), f"{first_on}/{last_on}"), 200
            if request.form.get("act") == CONFIRM and seen is not None:
                try:
                    return carry_out(lambda: work(seen))
                except MovesChanged as changed:
                    form.form_errors.append(str(changed))
                    status = changed.status
            told = moved_by(calendars.less_leave(chosen()), names=False)
            action = url_for("training.withdraw_leave", code=enrollment.code)
            undone = calendars.withdrawal_in_words(first_on, last_on, action=action, key=told.key)
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    page = render_template(
        "training/leave.html",
        **_leave_page(enrollment) | {"undone": undone},
        form=form,
        moved=told.rows if told is not None else None,
        unannounced=told.unannounced if told is not None else "",
        feasibility=[],
        sessions=told.stays if told is not None else [],
        seen="",
        **_whose(enrollment),
    )
    return page, status


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
        sessions=sessions_left_told(enrollment) if enrollment.is_open else [],
        interrupted=[each.said for each in interrupted_with(enrollment)] if enrollment.is_open else [],
        limit=STATEMENT_LIMIT,
        **_whose(enrollment),
    )
    return page, status


@blueprint.route("/training/<code>/invitation", methods=["GET", "POST"])
@requires(CHANGE_DATES, on=queries.get_enrollment, see=SEE_ENROLLMENT)
def invitation(enrollment: Enrollment) -> Response | tuple[str, int]:
    """Show how it stands with a learner's invitation, and send it again."""
    person, problem, status = enrollment.person, "", 200

    def work() -> Done:
        if person.is_invited:
            links.send_invitation(person=person, by=actor())
        done = _("The invitation is being sent to %(name)s again.", name=person.name_in(language()))
        return Done(done, url_for("training.path", code=enrollment.code))

    if request.method == "POST":
        try:
            return carry_out(work)
        except DomainError as refused:
            problem, status = str(refused), refused.status
    page = render_template(
        "training/invitation.html",
        problem=problem,
        told=invitation_told(enrollment)["said"] if person.is_invited else None,
        can_send=person.is_invited and person.is_active and enrollment.is_open,
        **_whose(enrollment),
    )
    return page, status


def show_then_do(
    template: str,
    form: Form,
    standing: Standing,
    *,
    moved: Callable[[Standing], dates.Moves],
    asked: Callable[[], str],
    work: Callable[[str], Done],
    page: Callable[[Standing], dict[str, Any]],
    cautions: Callable[[dates.Moves], list[str]] = lambda _moves: [],
    told: Callable[[], ToldMoves] | None = None,
) -> Response | tuple[str, int]:
    """Answer with what would move; do it where that is confirmed as shown.

    Another choice than the one that was shown is shown first, and so is what would move other dates by now: `work` is
    given what stands for those that were shown. `page` are the values of the page as things stand. `cautions` says of
    the chosen day what is worth a second look; it keeps nothing from being done. `told` is what is shown
    where more than the dates of this plan move.
    """
    found: dates.Moves | None = None
    status = 200
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                seen = key_shown(request.form.get("seen", ""), asked())
                if request.form.get("act") == CONFIRM and seen is not None:
                    try:
                        return carry_out(lambda: work(seen))
                    except MovesChanged as changed:
                        form.form_errors.append(str(changed))
                        standing = queries.standing_of(queries.get_enrollment(standing.enrollment.code))
                        found, status = moved(standing), changed.status
                else:
                    found, status = moved(standing), 200
            except DomainError as refused:
                form.form_errors.append(str(refused))
                status = refused.status
    all_told = told() if found is not None and told is not None else None
    key = all_told.key if all_told is not None else dates.key_of(found) if found is not None else ""
    text = render_template(
        template,
        form=form,
        moved=all_told.rows if all_told is not None else effect_told(found, standing) if found is not None else None,
        feasibility=feasibility_told(found.feasibility, standing.enrollment.version) if found is not None else [],
        disorder=disorder_told(found.disorder, catalogue.tasks_of(standing.steps)) if found is not None else [],
        sessions=all_told.stays if all_told is not None else sessions_told(found.sessions) if found is not None else [],
        cautions=cautions(found) if found is not None else [],
        unannounced=all_told.unannounced
        if all_told is not None
        else unannounced_told(found.unannounced)
        if found is not None
        else "",
        seen=shown(asked(), key),
        limit=STATEMENT_LIMIT,
        **_whose(standing.enrollment),
        **page(standing),
    )
    return text, status


def sessions_left_told(enrollment: Enrollment) -> list[str]:
    """Say at which sessions the learner would be expected no more if her training ended now."""
    found = live_sessions.list_left(enrollment, clock.now())
    titles = catalogue.tasks_of([each.step for each in found])
    return [
        str(
            _(
                "%(step)s, %(when)s",
                step=str(titles[each.step_id]),
                when=period_told(each.time.starts_at, each.time.ends_at, each.market.time_zone),
            )
        )
        for each in found
    ]


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
