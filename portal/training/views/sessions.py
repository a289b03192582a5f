"""Live sessions: what is to be planned, planning, moving and cancelling them, and recording who attended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, time
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet

from portal.accounts.models import Role
from portal.accounts.permissions import open_grants
from portal.calendars.queries import working_calendar
from portal.calendars.service.told import period_told
from portal.core import clock
from portal.core.access import actor, allows, requires
from portal.core.errors import DomainError
from portal.core.forms import Form
from portal.core.i18n import format_date, format_instant, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.organisation.models import Market
from portal.training import errors, queries
from portal.training.forms import (
    AttendanceForm,
    CancelSessionForm,
    MoveSessionForm,
    SessionForm,
    SessionLearnersForm,
    SessionTimeForm,
)
from portal.training.models import Enrollment, LiveSession, PlanStep
from portal.training.permissions import (
    RUN_SESSION,
    SEE_ENROLLMENT,
    SEE_SIGN_OFFS,
    StepOfEnrollment,
    expected_at,
    gone_from,
)
from portal.training.queries import catalogue, live_sessions, step_results
from portal.training.rules import PLACE_LIMIT, SESSION_BACK, STATEMENT_LIMIT, Presence
from portal.training.service import sessions
from portal.training.service.odd_days import about_session
from portal.training.service.sessions import PRESENCES, When
from portal.training.views import blueprint
from portal.training.views.explaining import disorder_told

# What a button says that marks everybody at once.
EVERYBODY = "everybody"
_NOT_YET = ""
# How a presence looks.
_LOOKS = {Presence.PRESENT: "done", Presence.ABSENT: "failed", Presence.EXCUSED: "exempt"}
_FIELDS: dict[type[DomainError], str] = {
    errors.NobodyChosen: "learners",
    errors.CannotAttend: "learners",
    errors.TimeDoesNotExist: "starts",
    errors.SessionBackwards: "ends",
    errors.SessionOutOfBounds: "on",
    errors.PlaceMissing: "place",
    errors.PlaceTooLong: "place",
    errors.LinkRefused: "link",
    errors.CorrectionNeedsReason: "reason",
    errors.ReasonMissing: "reason",
    errors.StatementTooLong: "reason",
}


@blueprint.get("/sessions")
@requires(SEE_SIGN_OFFS)
def list_sessions() -> str:
    """Show which sessions are to be planned, which are ahead, and which are over."""
    now = clock.now()
    found = [
        each
        for each in live_sessions.list_sessions_in_reach(actor(), now - SESSION_BACK)
        if allows(actor(), RUN_SESSION, each) or _own_learners(each)
    ]
    unattended = live_sessions.list_unattended(actor())
    steps = {each.step_id: each.step for each in found} | {each.step.id: each.step for each in unattended}
    titles = catalogue.tasks_of(steps.values())
    marked = live_sessions.count_attendances([each.id for each in found])
    rows = [_session_row(each, str(titles[each.step_id]), marked.get(each.id, 0)) for each in found]
    return render_template(
        "training/sessions.html",
        to_plan=_to_plan(unattended, {id_: str(title) for id_, title in titles.items()}),
        ahead=[row for row, each in zip(rows, found, strict=True) if each.time.ends_at > now],
        over=[row for row, each in zip(rows, found, strict=True) if each.time.ends_at <= now][::-1],
        leads=bool(open_grants(actor(), Role.LEAD)),
    )


def _own_learners(planned: LiveSession) -> list[Enrollment]:
    """Return whose training at a session the viewer may see: hers only, of whoever else is there she learns nothing."""
    return [
        each.enrollment
        for each in expected_at(planned)
        if each.enrollment.person_id != actor().id and allows(actor(), SEE_ENROLLMENT, each.enrollment)
    ]


def _to_plan(unattended: Sequence[StepOfEnrollment], titles: Mapping[int, str]) -> list[dict[str, Any]]:
    """Gather who is expected at no session by step and cohort, in the order of plans."""
    seats = live_sessions.seats_of(unattended)
    groups: dict[tuple[str, str, str | None], list[StepOfEnrollment]] = {}
    for each in unattended:
        if any(seat.is_open for seat in seats.get((each.enrollment.id, each.step.slug), ())):
            continue
        cohort = each.enrollment.cohort
        key = (each.enrollment.version.plan.slug, each.step.slug, cohort.code if cohort else None)
        groups.setdefault(key, []).append(each)
    return [
        {
            "title": titles[things[0].step.id],
            "plan": str(things[0].enrollment.version.title),
            "cohort": str(things[0].enrollment.cohort.name) if things[0].enrollment.cohort else "",
            "people": len(things),
            "href": url_for("training.plan_session", plan=plan, slug=slug, cohort=cohort),
        }
        for (plan, slug, cohort), things in sorted(groups.items(), key=lambda each: [part or "" for part in each[0]])
    ]


def _session_row(each: LiveSession, title: str, marked: int) -> dict[str, Any]:
    is_over, runs = each.time.ends_at <= clock.now(), allows(actor(), RUN_SESSION, each)
    people = len(expected_at(each))
    own = [] if runs else _own_learners(each)
    state = None
    if each.cancelled_at is not None:
        state = ("withdrawn", pgettext("session", "Cancelled"))
    elif is_over and marked < people:
        state = ("overdue" if runs else "waiting", _("Attendance to be recorded"))
    elif is_over and people:
        state = ("done", _("Attendance recorded"))
    return {
        "title": title,
        "href": url_for("training.session", code=each.code) if runs else None,
        "when": period_told(each.time.starts_at, each.time.ends_at, each.market.time_zone),
        "place": each.time.place or each.time.link,
        "cohort": str(each.cohort.name) if each.cohort and runs else "",
        # Of a session that somebody else runs: who planned it, and the viewer's own learners at it.
        "planner": "" if runs else each.created_by.name_in(language()),
        "learners": [
            {"name": one.person.name_in(language()), "href": url_for("training.path", code=one.code)} for one in own
        ],
        "people": people if runs else len(own),
        "state": state[0] if state else None,
        "said": str(state[1]) if state else "",
    }


@blueprint.route("/sessions/new/<plan>/<slug>", methods=["GET", "POST"])
@requires(SEE_SIGN_OFFS)
def plan_session(plan: str, slug: str) -> Response | tuple[str, int] | str:
    """Plan a session for a step of a plan: when, where, and for whom."""
    cohort_code = request.args.get("cohort")
    after = request.args.get("after")
    possible = live_sessions.list_unattended(actor(), catalogue.get_plan(plan).id, slug)
    if cohort_code:
        possible = [each for each in possible if each.enrollment.cohort and each.enrollment.cohort.code == cohort_code]
    if not possible:
        raise errors.NoSuchStep()
    seats = live_sessions.seats_of(possible)
    free = [
        each
        for each in possible
        if not any(seat.is_open for seat in seats.get((each.enrollment.id, each.step.slug), ()))
    ]
    first = (free or possible)[0]
    step, enrollment = first.step, first.enrollment
    cohort = enrollment.cohort if cohort_code else None
    market = cohort.market if cohort else enrollment.market
    form = SessionForm()
    paused = live_sessions.paused_of(free)
    form.learners.choices = [_choice(each, seats, paused) for each in free]
    if request.method == "GET":
        missed = _missed_at(after)
        form.learners.data = [
            each.enrollment.code
            for each in free
            if each.enrollment.id not in paused and (missed is None or each.enrollment.code in missed)
        ]
    status = 200
    chosen: list[StepOfEnrollment] = []
    if request.method == "POST":
        chosen = [each for each in free if each.enrollment.code in (form.learners.data or ())]

        def work() -> Done:
            planned = sessions.plan_session(
                step=step, market=market, when=_when(form), learners=chosen, by=actor(), cohort=cohort
            )
            said = ngettext(
                "The session is planned. %(num)d learner is told by mail.",
                "The session is planned. %(num)d learners are told by mail.",
                len(chosen),
            )
            if planned.time.ends_at <= clock.now():
                said = str(_("The session is entered. Record now who attended."))
            return Done(said, url_for("training.session", code=planned.code))

        done = _carry_out(form, work, market, chosen)
        if not isinstance(done, int):
            return done
        status = done
    page = render_template(
        "training/session_plan.html",
        form=form,
        cautions=_cautions(form, market, chosen) if status == 200 else [],
        title=str(catalogue.tasks_of([step])[step.id]),
        plan=str(enrollment.version.title),
        cohort=str(cohort.name) if cohort else None,
        zone=_zone_told(market.time_zone),
        instructions=str(step.instructions) if step.instructions else "",
        is_anybody_free=bool(free),
        limit=PLACE_LIMIT,
    )
    return page, status


def _missed_at(code: str | None) -> set[str] | None:
    """Return the codes of those who missed a session and need another; None where there is no such session."""
    found = live_sessions.find_session(code) if code else None
    return None if found is None else {each.enrollment.code for each in live_sessions.list_missed(found)}


def _choice(
    each: StepOfEnrollment, seats: Mapping[tuple[int, str], Sequence[step_results.Seat]], paused: Collection[int]
) -> SelectChoice:
    """Return a learner to choose; who missed a session before, or pauses, is told so."""
    name = each.enrollment.person.name_in(language())
    missed = [seat for seat in seats.get((each.enrollment.id, each.step.slug), ()) if seat.presence is not None]
    if missed and missed[-1].presence is not None:
        on = format_date(clock.local_date(missed[-1].starts_at, missed[-1].zone), "short")
        name = _("%(name)s (%(presence)s on %(date)s)", name=name, presence=PRESENCES[missed[-1].presence], date=on)
    if each.enrollment.id in paused:
        name = _("%(name)s (paused)", name=name)
    return SelectChoice(each.enrollment.code, str(name))


@blueprint.route("/sessions/<code>", methods=["GET", "POST"])
@requires(RUN_SESSION, on=live_sessions.get_session)
def session(planned: LiveSession) -> Response | tuple[str, int]:
    """Show a session and its learners; record who attended."""
    form, status = AttendanceForm(), 200
    people = expected_at(planned)
    said = {each.enrollment.code: _presence(request.form.get(f"presence-{each.enrollment.code}")) for each in people}
    if request.method == "POST":
        if request.form.get("act") == EVERYBODY:
            known = live_sessions.list_attendances(planned)
            said = {each.enrollment.code: None if each.enrollment.id in known else Presence.PRESENT for each in people}

        def work() -> Done:
            count = sessions.record_attendance(
                planned=planned,
                said={code: presence for code, presence in said.items() if presence is not None},
                reason=form.reason.data or "",
                seen=request.form.get("seen", default=-1, type=int),
                by=actor(),
            )
            return Done(
                ngettext("Recorded for %(num)d learner.", "Recorded for %(num)d learners.", count),
                url_for("training.session", code=planned.code),
            )

        done = _carry_out(form, work)
        if not isinstance(done, int):
            return done
        status = done
    return _session_page(planned, form, said), status


def _presence(value: str | None) -> Presence | None:
    return next((each for each in Presence if each == value), None)


def _session_page(planned: LiveSession, form: AttendanceForm, said: Mapping[str, Presence | None]) -> str:
    zone, here = planned.market.time_zone, language()
    known = live_sessions.list_attendances(planned)
    people = expected_at(planned)
    rows = []
    for each in people:
        marks = known.get(each.enrollment.id, [])
        last = marks[-1].presence if marks else None
        rows.append(
            {
                "code": each.enrollment.code,
                "name": each.enrollment.person.name_in(here),
                "kana": each.enrollment.person.full_kana if here == "ja" else "",
                "href": url_for("training.path", code=each.enrollment.code),
                "state": _LOOKS[last] if last else None,
                "word": str(PRESENCES[last]) if last else "",
                "chosen": (said.get(each.enrollment.code) or last or _NOT_YET),
                "marks": [
                    _(
                        "%(presence)s: %(name)s, %(when)s",
                        presence=PRESENCES[mark.presence],
                        name=mark.by.name_in(here),
                        when=format_instant(mark.at, zone, show_zone=False),
                    )
                    + (f" ({mark.reason})" if mark.reason else "")
                    for mark in marks
                ],
            }
        )
    paused = live_sessions.paused_of(people)
    missed = live_sessions.list_missed(planned)
    is_over, has_begun = planned.time.ends_at <= clock.now(), planned.time.starts_at <= clock.now()
    is_cancelled = planned.cancelled_at is not None
    return render_template(
        "training/session.html",
        form=form,
        title=str(catalogue.tasks_of([planned.step])[planned.step_id]),
        plan=str(planned.step.version.title),
        cohort=str(planned.cohort.name) if planned.cohort else None,
        when=period_told(planned.time.starts_at, planned.time.ends_at, zone),
        place=planned.time.place,
        link=planned.time.link,
        moves=[
            {
                "when": period_told(each.starts_at, each.ends_at, zone),
                "reason": following.reason,
            }
            for each, following in zip(planned.times, planned.times[1:], strict=False)
        ],
        rows=[row | {"is_paused": each.enrollment.id in paused} for row, each in zip(rows, people, strict=True)],
        gone=[
            {
                "name": each.enrollment.person.name_in(here),
                "href": url_for("training.path", code=each.enrollment.code)
                if allows(actor(), SEE_ENROLLMENT, each.enrollment)
                else "",
                "on": format_instant(each.enrollment.ended_at, zone, show_zone=False),
            }
            for each in gone_from(planned)
            if each.enrollment.ended_at is not None
        ],
        presences=[(str(each), str(word)) for each, word in PRESENCES.items()],
        seen=sessions.newest(known),
        has_begun=has_begun,
        is_cancelled=is_cancelled,
        cancelled_reason=planned.cancelled_reason,
        is_recorded=bool(known),
        is_complete=len(known) == len(people),
        can_change=not is_cancelled and not known,
        can_add=not is_cancelled and not is_over,
        missed=len(missed),
        others=_others(planned) if missed else [],
        move_href=url_for("training.move_session", code=planned.code),
        cancel_href=url_for("training.cancel_session", code=planned.code),
        add_href=url_for("training.add_to_session", code=planned.code),
        new_href=url_for(
            "training.plan_session",
            plan=planned.step.version.plan.slug,
            slug=planned.step.slug,
            cohort=planned.cohort.code if planned.cohort else None,
            after=planned.code,
        ),
        limit=STATEMENT_LIMIT,
    )


def _others(planned: LiveSession) -> list[dict[str, str]]:
    """Return the sessions for the same step that are ahead, into which those who missed this one can be put."""
    return [
        {
            "when": period_told(each.time.starts_at, each.time.ends_at, each.market.time_zone),
            "href": url_for("training.add_to_session", code=each.code, after=planned.code),
        }
        for each in live_sessions.list_sessions_for(actor(), clock.now())
        if each.cancelled_at is None
        and each.id != planned.id
        and (each.plan_id, each.step.slug) == (planned.plan_id, planned.step.slug)
    ]


@blueprint.route("/sessions/<code>/move", methods=["GET", "POST"])
@requires(RUN_SESSION, on=live_sessions.get_session)
def move_session(planned: LiveSession) -> Response | tuple[str, int]:
    """Give a session another time or place."""
    there = clock.zone_info(planned.market.time_zone)
    last = planned.time
    starts, ends = last.starts_at.astimezone(there), last.ends_at.astimezone(there)
    form = MoveSessionForm(
        data={
            "on": starts.date(),
            "starts": starts.time(),
            "ends": ends.time(),
            "place": last.place,
            "link": last.link,
        }
    )

    def work() -> Done:
        sessions.move_session(planned=planned, when=_when(form), reason=form.reason.data or "", by=actor())
        return Done(
            _("The session has been changed, and its learners are told by mail."),
            url_for("training.session", code=planned.code),
        )

    return _show_or_do("training/session_move.html", form, planned, work)


@blueprint.route("/sessions/<code>/cancel", methods=["GET", "POST"])
@requires(RUN_SESSION, on=live_sessions.get_session)
def cancel_session(planned: LiveSession) -> Response | tuple[str, int]:
    """Cancel a session."""
    form = CancelSessionForm()

    def work() -> Done:
        sessions.cancel_session(planned=planned, reason=form.reason.data or "", by=actor())
        return Done(
            _("The session is cancelled, and its learners are told by mail."),
            url_for("training.session", code=planned.code),
        )

    return _show_or_do("training/session_cancel.html", form, planned, work)


@blueprint.route("/sessions/<code>/learners", methods=["GET", "POST"])
@requires(RUN_SESSION, on=live_sessions.get_session)
def add_to_session(planned: LiveSession) -> Response | tuple[str, int]:
    """Add learners to a session, such as those who missed another one."""
    possible = live_sessions.list_unattended(actor(), planned.plan_id, planned.step.slug)
    seats = live_sessions.seats_of(possible)
    here = {seat.enrollment_id for seat in planned.seats}
    free = [
        each
        for each in possible
        if each.enrollment.id not in here
        and not any(seat.is_open for seat in seats.get((each.enrollment.id, each.step.slug), ()))
    ]
    missed = _missed_at(request.args.get("after"))
    if missed is not None:
        free = [each for each in free if each.enrollment.code in missed]
    form = SessionLearnersForm()
    form.learners.choices = [_choice(each, seats, live_sessions.paused_of(free)) for each in free]
    if request.method == "GET" and missed is not None:
        form.learners.data = sorted(missed)

    def work() -> Done:
        chosen = [each for each in free if each.enrollment.code in (form.learners.data or ())]
        sessions.add_learners(planned=planned, learners=chosen, by=actor())
        return Done(
            ngettext(
                "%(num)d learner has been added and is told by mail.",
                "%(num)d learners have been added and are told by mail.",
                len(chosen),
            ),
            url_for("training.session", code=planned.code),
        )

    return _show_or_do("training/session_learners.html", form, planned, work, is_anybody_free=bool(free))


def _show_or_do(
    template: str, form: Form, planned: LiveSession, work: Callable[[], Done], **values: Any
) -> Response | tuple[str, int]:
    status = 200
    if request.method == "POST":
        done = _carry_out(form, work, planned.market, expected_at(planned))
        if not isinstance(done, int):
            return done
        status = done
    is_over = planned.time.ends_at <= clock.now()
    page = render_template(
        template,
        form=form,
        cautions=_cautions(form, planned.market, expected_at(planned))
        if request.method == "POST" and status == 200
        else [],
        title=str(catalogue.tasks_of([planned.step])[planned.step_id]),
        when=period_told(planned.time.starts_at, planned.time.ends_at, planned.market.time_zone),
        people=len(expected_at(planned)),
        zone=_zone_told(planned.market.time_zone),
        session_href=url_for("training.session", code=planned.code),
        can_change=planned.cancelled_at is None and not live_sessions.list_attendances(planned),
        can_add=planned.cancelled_at is None and not is_over,
        limit=STATEMENT_LIMIT,
        **values,
    )
    return page, status


def _zone_told(zone: str) -> str:
    return f"{zone}, {clock.now().astimezone(clock.zone_info(zone)).tzname()}"


def _when(form: SessionTimeForm) -> When:
    on, starts, ends = form.on.data, form.starts.data, form.ends.data
    assert on is not None
    assert isinstance(starts, time)
    assert isinstance(ends, time)
    return When(on, starts, ends, form.place.data or "", form.link.data or "")


def _cautions(form: Form, market: Market, learners: Sequence[StepOfEnrollment]) -> list[str]:
    """Say of the chosen day what is worth a second look; it keeps nothing from being done."""
    if not isinstance(form, SessionTimeForm) or form.on.data is None:
        return []
    on = form.on.data
    return [*about_session(on, working_calendar(market)), *_misplaced(on, learners)]


def _misplaced(on: date, learners: Sequence[StepOfEnrollment]) -> list[str]:
    """Say which steps would have to wait for a session on this day beyond their own, or come before it only later.

    Each once with how many of the learners it concerns. A session of the past is what it was.
    """
    if on < min((clock.today(each.enrollment.market.time_zone) for each in learners), default=on):
        return []
    steps = {each.enrollment.id: each.step for each in learners}
    running = [each.enrollment for each in learners if each.enrollment.is_open]
    concerns: dict[tuple[str, str], int] = {}
    words: dict[tuple[str, str], tuple[PlanStep, PlanStep]] = {}
    for standing in queries.countable(running)[0]:
        slug = steps[standing.enrollment.id].slug
        for pair in standing.disorder({slug: on}):
            key = pair[0].slug, pair[1].slug
            if slug in key:
                concerns[key] = concerns.get(key, 0) + 1
                words.setdefault(key, pair)
    said = disorder_told(list(words.values()), catalogue.tasks_of([step for pair in words.values() for step in pair]))
    return [
        ngettext("%(said)s (%(num)d learner)", "%(said)s (%(num)d learners)", concerns[key], said=each)
        for key, each in zip(words, said, strict=True)
    ]


def _carry_out(
    form: Form, work: Callable[[], Done], market: Market | None = None, learners: Sequence[StepOfEnrollment] = ()
) -> Response | int:
    """Carry out a form; return the status of the page where it cannot be, its faults noted at the fields.

    200 where there is something to be said of the chosen day, and nobody has said yet that it is meant.
    """
    if not form.validate():
        return 400
    is_meant = request.form.get("seen") == str(form.data.get("on"))
    if market is not None and not is_meant and _cautions(form, market, learners):
        return 200
    try:
        return carry_out(work)
    except DomainError as refused:
        name = _FIELDS.get(type(refused), "")
        if name in form:
            form[name].errors = [str(refused)]
        else:
            form.form_errors.append(str(refused))
        return refused.status
