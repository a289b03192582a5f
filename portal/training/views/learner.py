"""A learner's plans and path, the queue of those who sign off, and how steps are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import NamesKept, Person, Role
from portal.accounts.permissions import DECIDE_NAMES
from portal.calendars.rules import ONE_DAY
from portal.calendars.service.told import day_told, period_told, uncountable_told
from portal.core import clock
from portal.core.access import actor, allows, can, requires, signed_in
from portal.core.clock import local_date
from portal.core.errors import DomainError
from portal.core.i18n import (
    LazyText,
    format_date,
    format_instant,
    format_minutes,
    format_percent,
    language,
    ngettext,
    pgettext,
)
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.paging import paging
from portal.quizzes import queries as quizzes
from portal.quizzes.models import AttemptState
from portal.quizzes.rules.passing import Counts
from portal.quizzes.service import attempts
from portal.training import queries
from portal.training.forms import SignOffForm
from portal.training.models import Enrollment, PlanStep, SignOff
from portal.training.permissions import (
    ASK_AGAIN,
    CHANGE_DATES,
    SEE_ENROLLMENT,
    SEE_EVIDENCE,
    SEE_SIGN_OFFS,
    SIGN_OFF,
    StepOfEnrollment,
)
from portal.training.queries import Standing, Uncountable, catalogue, signing, step_results
from portal.training.queries.many import Waiting
from portal.training.queries.step_results import Seat
from portal.training.rules import (
    NOT_ASKED,
    SETTLED,
    STATEMENT_LIMIT,
    Doer,
    Presence,
    SignOffAct,
    StepKind,
    StepState,
)
from portal.training.service import invitations, sign_offs
from portal.training.service.beside import hindrance_to, links_for
from portal.training.service.enrollments import recognition_of
from portal.training.service.exemptions import costs_credential
from portal.training.views import blueprint
from portal.training.views.explaining import (
    Explanation,
    Told,
    disorder_now_told,
    evidence_told,
    exempt_told,
    explain,
    feasibility_told,
    gate_told,
    not_counted_told,
)

# Of what waits for a sign-off.
ROWS_AT_ONCE = 50
# What the buttons of a sign-off say.
_ACTS = {"sign_off": sign_offs.sign_off, "send_back": sign_offs.send_back}


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as its post on the path shows it."""

    slug: str
    title: str
    kind: str
    state: str
    # None: the step is done, or not asked for any more.
    due: Explanation | None
    # Who exempted the learner from it, when and why; empty where she is not exempt.
    exempt: Told | None
    # The day on which it was done, and its machine form; empty until then.
    done_on: str
    done_iso: str
    minutes: str
    href: str | None
    verb: str
    locked_by: list[str]
    optional: bool
    instructions: str
    done: str
    said: list[dict[str, str]]
    ask_again: str | None
    more_time: str | None
    # Where whoever may exempts her from it, or takes that back.
    exempting: str | None
    waits_for: str
    # How the last try of its quiz ended, and how many are left; empty where there was none.
    tried: str
    is_open: bool
    # The one document or quiz to open now.
    is_next: bool
    # When and where its session is, with a link if there is one.
    session: dict[str, str] | None = None
    # What is known of a session that she missed, of what was handed in, and of how a gate stands.
    notes: Sequence[str] = ()
    # Where whoever completes it looks at it.
    judged_at: str | None = None
    # Why it stands where it stands in the day's list.
    why: str = ""
    # Which plan it is of, where several stand together.
    plan: str = ""


@blueprint.get("/training")
@signed_in
def index() -> str:
    """List one's own plans: those going on, those completed, and those that have ended."""
    enrollments = queries.list_enrollments_of(actor().id)
    rows = []
    standings, unknown = queries.countable(enrollments, own=True)
    for standing in standings:
        enrollment = standing.enrollment
        rows.append(
            {
                "title": str(enrollment.version.title),
                "href": url_for("training.path", code=enrollment.code),
                "starts_on": format_date(standing.starts_on, "short"),
                "state": "overdue" if standing.progress.overdue and enrollment.is_open else None,
                "status": status_of(standing),
                "exempt": _exempt_from(standing),
                "done": standing.progress.done,
                "total": standing.progress.total,
            }
        )
    return render_template(
        "training/index.html",
        rows=rows,
        uncountable=uncountable_rows(unknown, by_plan=True),
        ended=[ended_row(*each) for each in queries.list_ended_of(actor().id)],
    )


def ended_row(enrollment: Enrollment, moved_to: Enrollment | None) -> dict[str, Any]:
    """Return a training of one's own that has ended: when, why, and in which other plan it goes on."""
    assert enrollment.ended_at is not None
    return {
        "title": str(enrollment.version.title),
        "href": url_for("training.path", code=enrollment.code),
        "on": format_date(local_date(enrollment.ended_at, enrollment.market.time_zone), "short"),
        "reason": enrollment.ended_reason or "",
        "moved_to": _other_plan(moved_to),
    }


def uncountable_rows(unknown: Sequence[Uncountable], *, by_plan: bool = False) -> list[dict[str, str]]:
    """Return the rows of those whose dates cannot be computed, with why: by their names, or (one's own) by plan."""
    here = language()
    return [
        {
            "name": str(each.enrollment.version.title) if by_plan else each.enrollment.person.name_in(here),
            "href": url_for("training.path", code=each.enrollment.code),
            "plan": "" if by_plan else str(each.enrollment.version.title),
            "why": uncountable_told(each.country, each.year),
        }
        for each in unknown
    ]


@blueprint.get("/training/<code>")
@requires(SEE_ENROLLMENT, on=queries.get_enrollment)
def path(enrollment: Enrollment) -> str:
    """Show the whole path of one learner: every step with its date, and why."""
    standing = queries.standing_of(enrollment, own=enrollment.person_id == actor().id)
    telling = Telling([standing], actor())
    views = telling.in_turn([(standing, step) for step in standing.steps])
    phases: list[dict[str, Any]] = [
        {
            "title": str(phase.title),
            "steps": [view for view, step in zip(views, standing.steps, strict=True) if step.phase_slug == phase.slug],
        }
        for phase in enrollment.version.phases
    ]
    loose = [view for view, step in zip(views, standing.steps, strict=True) if step.phase_slug is None]
    if loose:
        phases.insert(0, {"title": None, "steps": loose})
    is_own = enrollment.person_id == actor().id
    return render_template(
        "training/path.html",
        plan=plan_facts(standing),
        phases=[phase for phase in phases if phase["steps"]],
        is_own=is_own,
        invitation=invitation_told(enrollment) if enrollment.is_open and enrollment.person.is_invited else None,
        learner=enrollment.person.name_in(language()),
        contacts=contacts_of(enrollment, enrollment.person),
        not_counted=_not_counted(enrollment, standing) if enrollment.is_open else [],
        feasibility=feasibility_told(standing.feasibility(), enrollment.version) if enrollment.is_open else [],
        # Only who can move a date or a session is told that they do not fit.
        disorder=disorder_now_told(standing) if enrollment.is_open and can(CHANGE_DATES, enrollment) else [],
        events=[
            (str(event.title), format_date(standing.basis.event(event.slug).on)) for event in enrollment.version.events
        ],
        ended_because=_("Reason: %(reason)s", reason=enrollment.ended_reason) if enrollment.ended_reason else None,
        later=_other_version(queries.find_successor(enrollment)) if enrollment.ended_at is not None else None,
        moved_to=_other_plan(queries.find_moved_to(enrollment)) if enrollment.ended_at is not None else None,
        moved_from=_moved_from(enrollment),
        earlier=_other_version(queries.find_predecessor(enrollment)),
        dates_href=url_for("training.change_dates", code=enrollment.code) if can(CHANGE_DATES, enrollment) else None,
        links=links_for(actor(), enrollment),
        hindrance=hindrance_to(enrollment),
        is_completed=enrollment.completed_at is not None,
    )


def invitation_told(enrollment: Enrollment) -> dict[str, str | None]:
    """Say that a learner has not accepted her invitation, when it was sent or will be, and where it is sent again."""
    zone, waits = enrollment.market.time_zone, invitations.waits_until(enrollment)
    sent_at = accounts.find_invited_at([enrollment.person_id]).get(enrollment.person_id)
    name = enrollment.person.name_in(language())
    if waits is not None:
        said = _("%(name)s is invited on %(date)s.", name=name, date=format_date(local_date(waits, zone)))
    elif sent_at is not None:
        on = format_date(local_date(sent_at, zone))
        said = _("%(name)s has not accepted the invitation (sent on %(date)s).", name=name, date=on)
    else:
        said = _("%(name)s has not accepted the invitation, and none is open.", name=name)
    href = url_for("training.invitation", code=enrollment.code)
    return {"said": said, "href": href if can(CHANGE_DATES, enrollment) else None}


def _other_version(other: Enrollment | None) -> dict[str, str] | None:
    """Say in which other version of the plan the learner was before or went on, and where that stands."""
    if other is None:
        return None
    return {"number": other.version.number, "href": url_for("training.path", code=other.code)}


def _other_plan(other: Enrollment | None) -> dict[str, str] | None:
    """Say in which other plan the learner was before or went on, and where that stands."""
    if other is None:
        return None
    return {"plan": str(other.version.title), "href": url_for("training.path", code=other.code)}


def _moved_from(enrollment: Enrollment) -> dict[str, str] | None:
    """Say after which other plan the learner goes on in this one, since when, by whom and why."""
    before = queries.find_moved_from(enrollment)
    told = _other_plan(before)
    if before is None or told is None or before.ended_at is None:
        return told
    by = accounts.find_person(before.ended_by) if before.ended_by else None
    return told | {
        "when": format_instant(before.ended_at, enrollment.market.time_zone, show_zone=False),
        "by": by.name_in(language()) if by is not None else "",
        "reason": before.ended_reason or "",
    }


@blueprint.post("/training/<code>/steps/<slug>/ask-again")
@requires(ASK_AGAIN, on=queries.get_sign_off_step, see=SEE_ENROLLMENT)
def ask_again(thing: StepOfEnrollment) -> Response:
    """Say that what was missing can be shown now."""

    def work() -> Done:
        sign_offs.ask_again(enrollment=thing.enrollment, step=thing.step, by=actor())
        return Done(_("The step waits for its sign-off again."), url_for("training.today"))

    return carry_out(work)


@blueprint.get("/sign-offs")
@requires(SEE_SIGN_OFFS)
def list_sign_offs() -> str:
    """List the steps that wait for one's sign-off, those due first first."""
    waiting = signing.looked_after(actor()).queue_of(actor())
    page = paging(waiting.total, ROWS_AT_ONCE)
    shown = waiting.read(offset=page.offset, limit=page.size)
    tasks = catalogue.tasks_of([each.step for each in shown.rows])
    return render_template(
        "training/sign_offs.html",
        rows=[_queue_row(each, tasks) for each in shown.rows],
        uncountable=uncountable_rows(shown.unknown) if page.number == 1 else [],
        pager=page.links(lambda number: url_for("training.list_sign_offs", page=number if number > 1 else None))
        if page.last > 1
        else None,
    )


@blueprint.route("/sign-offs/<code>/<slug>", methods=["GET", "POST"])
@requires(SIGN_OFF, on=queries.get_sign_off_step)
def sign_off(thing: StepOfEnrollment) -> Response | tuple[str, int]:
    """Show what is to be signed off; sign it off, or send it back with what is missing."""
    form, status = SignOffForm(), 200
    is_task, is_gate = thing.step.kind is StepKind.TASK, thing.step.kind is StepKind.GATE
    form.statement.flags.required = thing.step.asks_statement and not is_task
    evidence = step_results.list_evidence(thing.enrollment, thing.step) if is_task else []
    act = _ACTS.get(request.form.get("act", ""))
    if request.method == "POST":
        status = 400
        if form.validate() and act is None:
            form.form_errors.append(
                _("Press “Accept” or “Send back”. Nothing has been stored yet.")
                if is_task
                else _("Press “Sign off” or “Send back”. Nothing has been stored yet.")
                if thing.step.asks_statement
                else _("Press the button of the step. Nothing has been stored yet.")
            )
    if request.method == "POST" and act is not None and not form.errors:

        def work() -> Done:
            act(
                enrollment=thing.enrollment,
                step=thing.step,
                statement=form.statement.data or "",
                by=actor(),
                seen=request.form.get("seen", type=int),
            )
            learner = thing.enrollment.person.name_in(language())
            done = (
                _("Sent back to %(name)s.", name=learner)
                if act is sign_offs.send_back
                else _("It has been recorded for %(name)s that it took place.", name=learner)
                if not thing.step.asks_statement
                else _("Accepted for %(name)s.", name=learner)
                if is_task
                else _("Signed off for %(name)s.", name=learner)
            )
            return Done(done, url_for("training.list_sign_offs"))

        try:
            return carry_out(work)
        except DomainError as refused:
            status = refused.status
            if thing.step.asks_statement:
                form.statement.errors = [str(refused)]
            else:
                form.form_errors.append(str(refused))
    standing = queries.standing_of(thing.enrollment)
    view = Telling([standing], actor()).of(standing, thing.step)
    page = render_template(
        "training/sign_off.html",
        form=form,
        step=view,
        plan=plan_facts(standing),
        learner=thing.enrollment.person.name_in(language()),
        changed_name=_changed_name(thing.enrollment.person, evidence[0].at if evidence else None),
        is_gate=is_gate,
        name_href=url_for("accounts.name_change", code=thing.enrollment.person.code)
        if can(DECIDE_NAMES, thing.enrollment.person)
        else None,
        path_href=url_for("training.path", code=thing.enrollment.code),
        is_waiting=thing.enrollment.is_open and queries.can_be_judged(thing.enrollment, thing.step),
        limit=STATEMENT_LIMIT,
        asks_statement=thing.step.asks_statement,
        is_task=is_task,
        evidence=[evidence_told(each, thing) for each in reversed(evidence)],
        seen=evidence[-1].number if evidence else None,
        hindrance=hindrance_to(thing.enrollment) if thing.enrollment.is_open else "",
        gate=gate_told(standing.gates[thing.step.slug]) if is_gate else None,
        is_gate_open=is_gate
        and thing.enrollment.is_open
        and standing.statuses[thing.step.slug].state is StepState.OPEN,
    )
    return page, status


def _changed_name(person: Person, handed_in_at: datetime | None) -> str:
    """Say that the learner's name is one that she has set herself and nobody has confirmed; nothing where it is not.

    Once it is confirmed the former one is nobody's business any more; what she handed in before may still have it.
    """
    changed, zone = accounts.find_open_name_change(person.id), actor().time_zone
    if changed is not None:
        return _(
            "The learner changed the name in the account on %(day)s, and nobody has confirmed it. "
            "Former name: %(name)s.",
            day=format_date(clock.local_date(changed.changed_at, zone)),
            name=NamesKept(changed.before).name_in(language()),
        )
    since = accounts.find_first_name_change_after(person.id, handed_in_at) if handed_in_at is not None else None
    if since is None or NamesKept(since.before).name_in(language()) == person.name_in(language()):
        return ""
    on = format_date(clock.local_date(since.changed_at, zone))
    return _("The learner's name has changed since this was handed in, on %(day)s. It may have the former one.", day=on)


# --- Telling -----------------------------------------------------------------------------------


class Telling:
    """Puts steps into words, with their titles looked up together."""

    def __init__(self, standings: Sequence[Standing], viewer: Person) -> None:
        self._viewer = viewer
        self._tasks = catalogue.tasks_of([step for standing in standings for step in standing.steps])
        self._movable: dict[int, bool] = {}
        self._signers: dict[tuple[int, Doer], str] = {}
        self._named = len(standings) > 1
        own = [standing for standing in standings if standing.enrollment.person_id == viewer.id]
        has_score = any(row.score is not None for standing in own for row in standing.completions.values())
        self._untold = queries.list_untold([standing.enrollment.id for standing in own]) if has_score else set()

    def task(self, step: PlanStep) -> str:
        """Return what a step asks for."""
        return str(self._tasks[step.id])

    def in_turn(self, steps: Sequence[tuple[Standing, PlanStep]]) -> list[StepView]:
        """Return these steps in words; the first that can be done is the one for now."""
        views, has_now = [], False
        for standing, step in steps:
            view = self.of(standing, step, is_next=not has_now)
            has_now = has_now or view.is_next
            views.append(view)
        return views

    def of(self, standing: Standing, step: PlanStep, *, is_next: bool = False) -> StepView:
        """Return one step in words."""
        status = standing.statuses[step.slug]
        by_slug = {each.slug: each for each in standing.steps}
        is_own = standing.enrollment.person_id == self._viewer.id
        is_ended = standing.enrollment.ended_at is not None
        is_open = status.state is StepState.OPEN and not is_ended
        exemption = standing.exemption(step.slug)
        may_change = self._may_move(standing) and standing.enrollment.is_open and status.state is not StepState.DONE
        done_on = _done_on(standing, step)
        said = [_said(row, standing) for row in standing.sign_offs.get(step.slug, ()) if _tells(row)]
        # Of a gate that is not reached nobody needs to be asked.
        is_back = step.slug in queries.sent_back({step.slug: standing.sign_offs.get(step.slug, ())})
        is_ready = step.slug not in standing.gates or standing.gates[step.slug].is_reached
        can_ask = is_open and step.kind is not StepKind.TASK and is_own and is_back and is_ready
        return StepView(
            slug=step.slug,
            title=str(self._tasks[step.id]),
            kind=kind_of(step),
            state=_post_state(standing, step, is_next=is_next and href_of(standing, step) is not None),
            due=None if status.state in NOT_ASKED or is_ended else self._due(standing, step),
            exempt=exempt_told(exemption, standing) if exemption is not None else None,
            done_on=day_of(done_on, standing) if done_on else "",
            done_iso=done_on.isoformat() if done_on else "",
            minutes=format_minutes(step.minutes) if step.minutes else "",
            href=href_of(standing, step) if is_own else self._judged_at(standing, step) if _is_task(step) else None,
            verb=str(_VERBS[step.kind]()),
            locked_by=[str(self._tasks[by_slug[slug].id]) for slug in status.missing if not is_ended],
            optional=not step.required,
            instructions=str(step.instructions) if step.instructions else "",
            done=_done(standing, step, tells=(standing.enrollment.id, step.id) not in self._untold),
            said=said,
            more_time=url_for("training.extension", code=standing.enrollment.code, slug=step.slug)
            if may_change and exemption is None
            else None,
            exempting=url_for("training.exemption", code=standing.enrollment.code, slug=step.slug)
            if may_change
            else None,
            ask_again=url_for("training.ask_again", code=standing.enrollment.code, slug=step.slug)
            if can_ask and standing.enrollment.is_open
            else None,
            waits_for=self._waits_for(standing, step) if status.state is StepState.WAITING and not is_ended else "",
            tried=self._tried(step) if is_own and is_open and step.quiz_slug is not None else "",
            is_open=is_open,
            is_next=is_open and is_next and href_of(standing, step) is not None,
            session=_session_told(standing, step),
            notes=self._notes(standing, step, is_own=is_own),
            judged_at=self._judged_at(standing, step),
        )

    def _due(self, standing: Standing, step: PlanStep) -> Explanation:
        """Explain the date of a step: that of the session at which the learner is expected, else its due date."""
        due = self.due_itself(standing, step)
        on = session_day(standing, step)
        if on is None:
            return due
        first = _("The day of the session. The step is due on %(date)s.", date=due.date)
        return replace(due, date=day_of(on, standing), iso=on.isoformat(), first=first)

    def due_itself(self, standing: Standing, step: PlanStep) -> Explanation:
        """Explain the due date of a step, whenever its session is."""
        return explain(standing.dues[step.slug], standing, self._tasks)

    def _judged_at(self, standing: Standing, step: PlanStep) -> str | None:
        """Return where the viewer accepts what was handed in or sees how a gate stands, if that is hers to do."""
        enrollment = standing.enrollment
        if step.kind not in (StepKind.TASK, StepKind.GATE) or enrollment.person_id == self._viewer.id:
            return None
        if step.by is Doer.LEARNER:
            may_see = allows(self._viewer, SEE_EVIDENCE, enrollment)
            return url_for("training.evidence", code=enrollment.code, slug=step.slug) if may_see else None
        if not allows(self._viewer, SIGN_OFF, StepOfEnrollment(enrollment, step)):
            return None
        return url_for("training.sign_off", code=enrollment.code, slug=step.slug)

    def _notes(self, standing: Standing, step: PlanStep, *, is_own: bool) -> list[str]:
        """Say what happened at a step besides its state."""
        notes = []
        zone = standing.enrollment.market.time_zone
        state = standing.statuses[step.slug].state
        handed_in = standing.handed_in.get(step.slug, ())
        if handed_in:
            when = format_instant(handed_in[-1].at, zone, show_zone=False)
            notes.append(_("Handed in on %(when)s.", when=when))
        seats = standing.seats.get(step.slug, ())
        # Of one that waits for another session it is said with what it waits for.
        is_told = state is StepState.WAITING and standing.enrollment.ended_at is None
        if seats and state is not StepState.DONE and standing.seat(step.slug) is None and not is_told:
            notes.append(_missed(seats[-1]))
        figures = standing.gates.get(step.slug)
        if figures is not None and state not in (StepState.LOCKED, StepState.DONE):
            if is_own and step_results.hides_scores(figures):
                if not figures.is_reached:
                    notes.append(_("The gate is not reached yet. Ask the lead what is missing."))
            else:
                told = gate_told(figures)
                notes += [told["figures"], *told["missing"]]
        return [str(each) for each in notes]

    def _may_move(self, standing: Standing) -> bool:
        key = standing.enrollment.id
        if key not in self._movable:
            self._movable[key] = standing.enrollment.person_id != self._viewer.id and allows(
                self._viewer, CHANGE_DATES, standing.enrollment
            )
        return self._movable[key]

    def _tried(self, step: PlanStep) -> str:
        """Say that the last try was not passed, and how many are left; only of a quiz that is to be passed now."""
        quiz = quizzes.find_quiz(str(step.quiz_slug))
        tries = quizzes.list_attempts(self._viewer, quiz.quiz_id) if quiz is not None else []
        last = next((each for each in reversed(tries) if each.state is not AttemptState.VOIDED), None)
        if quiz is None or last is None or last.state is not AttemptState.RELEASED or not last.markings:
            return ""
        counted = quizzes.counted_attempt(quiz, tries)
        if counted is not None and quiz.counts is Counts.FIRST and not counted.markings[-1].passed:
            return str(_("Only the first attempt counts, and it was not passed. Ask the lead."))
        if last.markings[-1].passed:
            return ""
        left = attempts.standing_of(quiz, self._viewer, tries, clock.now()).attempts_left
        if not left:
            return str(_("The last attempt was not passed, and no attempts are left. Ask the lead."))
        return ngettext(
            "The last attempt was not passed. %(num)d attempt is left.",
            "The last attempt was not passed. %(num)d attempts are left.",
            left,
        )

    def _waits_for(self, standing: Standing, step: PlanStep) -> str:
        if step.kind is StepKind.SESSION and standing.seat(step.slug) is None:
            seats = standing.seats.get(step.slug, ())
            if not seats:
                return str(_("No session has been planned yet. The date follows by mail."))
            return str(
                _("%(missed)s Another session is to be planned; its date follows by mail.", missed=_missed(seats[-1]))
            )
        if step.kind is StepKind.SESSION:
            return str(_("The session is over; who attended has not been recorded yet."))
        key = (standing.enrollment.id, step.by)
        if key not in self._signers:
            people = signing.list_signers(standing.enrollment, step)
            self._signers[key] = (", " if language() == "en" else "、").join(
                person.name_in(language()) for person in people
            )
        since = format_instant(standing.waiting_since(step), standing.enrollment.market.time_zone, show_zone=False)
        if not self._signers[key]:
            return str(
                _("Waiting since %(since)s. Nobody is named who can sign it off; ask an administrator.", since=since)
            )
        values = {"name": self._signers[key], "since": since}
        match step.kind:
            case StepKind.TASK:
                return pgettext("task", "Waiting for %(name)s since %(since)s.", **values)
            case StepKind.GATE:
                return pgettext("gate", "Waiting for %(name)s since %(since)s.", **values)
            case _:
                return str(_("Waiting for %(name)s since %(since)s.", **values))


# Reading and acknowledging are said by the step's title.
_KINDS: Mapping[StepKind, Callable[[], str]] = {
    StepKind.QUIZ: lambda: _("Knowledge check"),
    StepKind.SIGN_OFF: lambda: _("Sign-off"),
    StepKind.TASK: lambda: _("Task"),
    StepKind.SESSION: lambda: _("Session"),
    StepKind.GATE: lambda: _("Gate"),
}
_VERBS: Mapping[StepKind, Callable[[], str]] = {
    StepKind.READ: lambda: pgettext("step", "Read"),
    StepKind.ACKNOWLEDGE: lambda: _("Read and confirm"),
    StepKind.QUIZ: lambda: _("Go to the knowledge check"),
    StepKind.SIGN_OFF: lambda: _("Ask for the sign-off again"),
    StepKind.TASK: lambda: pgettext("step", "Hand in"),
    StepKind.SESSION: lambda: _("Session"),
    StepKind.GATE: lambda: _("Ask for the sign-off again"),
}


def kind_of(step: PlanStep) -> str:
    """Say in a word what a step is where its title does not."""
    return str(_KINDS[step.kind]()) if step.kind in _KINDS else ""


def _is_task(step: PlanStep) -> bool:
    return step.kind is StepKind.TASK


def href_of(standing: Standing, step: PlanStep) -> str | None:
    """Return the page on which the learner does a step, where it has one."""
    if step.document_slug is not None:
        return url_for("library.read", slug=step.document_slug)
    if step.quiz_slug is not None:
        return url_for("quizzes.show", slug=step.quiz_slug)
    if _is_task(step) and standing.statuses[step.slug].state is not StepState.LOCKED:
        return url_for("training.evidence", code=standing.enrollment.code, slug=step.slug)
    return None


def _session_told(standing: Standing, step: PlanStep) -> dict[str, str] | None:
    """Say when and where the session is at which the learner is expected."""
    seat = standing.seat(step.slug)
    if seat is None or not seat.is_awaited:
        return None
    return {"when": period_told(seat.starts_at, seat.ends_at, seat.zone), "place": seat.place, "link": seat.link}


def session_day(standing: Standing, step: PlanStep) -> date | None:
    """Return the day of the session at which the learner is expected for a step; None where there is none."""
    seat = standing.seat(step.slug)
    return seat.on if seat is not None and seat.is_awaited else None


def _missed(seat: Seat) -> str:
    """Say what became of the last session of a step that is not done."""
    when = period_told(seat.starts_at, seat.ends_at, seat.zone)
    if seat.is_cancelled:
        return str(_("The session of %(when)s was cancelled.", when=when))
    if seat.is_left:
        return str(_("No longer expected at the session of %(when)s.", when=when))
    if seat.presence is Presence.EXCUSED:
        return str(_("Excused from the session of %(when)s.", when=when))
    return str(_("Absent from the session of %(when)s.", when=when))


def _post_state(standing: Standing, step: PlanStep, *, is_next: bool) -> str:
    status = standing.statuses[step.slug]
    if standing.enrollment.ended_at is not None and status.state not in SETTLED:
        return "not_done"
    if status.state in (*NOT_ASKED, StepState.WAITING):
        return status.state.value
    if status.is_late:
        return "overdue"
    if status.state is StepState.LOCKED:
        return "locked"
    # What is due before day 1 has its turn from its day on.
    if is_next and (standing.day > 0 or standing.day_for(step.slug) <= standing.today):
        return "today"
    return "soon" if standing.day_for(step.slug) <= standing.today else "ahead"


def _done(standing: Standing, step: PlanStep, *, tells: bool) -> str:
    """Say when and how a step was done; its score where that is told."""
    row = standing.completions.get(step.slug)
    if row is None:
        return ""
    when = format_instant(row.completed_at, standing.enrollment.market.time_zone, show_zone=False)
    if row.score_entry_id is not None and row.score is None:
        said = _("Done on %(when)s: exempt from the quiz.", when=when)
    elif row.score_entry_id is not None and not tells:
        said = _("Done on %(when)s: the result was set by hand.", when=when)
    elif row.score is not None and not tells:
        said = _("Passed on %(when)s.", when=when)
    elif row.score_entry_id is not None:
        score = format_percent(row.score or 0)
        said = _("Done on %(when)s: a score of %(score)s was set by hand.", when=when, score=score)
    elif row.score is not None:
        said = _("Passed on %(when)s with %(score)s.", when=when, score=format_percent(row.score))
    elif row.document_version is not None:
        said = _("Done on %(when)s, version %(version)s.", when=when, version=row.document_version)
    else:
        said = _("Done on %(when)s.", when=when)
    if row.completed_at < standing.enrollment.enrolled_at:
        known = _("It was done before this plan and counts here.")
        return f"{said}{known}" if language() == "ja" else f"{said} {known}"
    if row.due_on is None:
        return str(said)
    due = _("It was due on %(date)s.", date=day_of(row.due_on, standing))
    return f"{said}{due}" if language() == "ja" else f"{said} {due}"


def _not_counted(enrollment: Enrollment, standing: Standing) -> list[dict[str, str]]:
    """Say what was done about open steps before the enrollment, and why it does not count."""
    tasks = catalogue.tasks_of(standing.steps)
    zone = enrollment.market.time_zone
    found = recognition_of(
        person=enrollment.person,
        version=enrollment.version,
        market=enrollment.market,
        at=enrollment.enrolled_at,
        besides=standing.settled,
    )
    return [
        {
            "step": str(tasks[each.step.id]),
            "said": not_counted_told(each, format_date(local_date(each.earlier.at, zone))),
        }
        for each in found
        if each.why_not is not None
    ]


def _done_on(standing: Standing, step: PlanStep) -> date | None:
    row = standing.completions.get(step.slug)
    return local_date(row.completed_at, standing.enrollment.market.time_zone) if row else None


def day_of(day: date, standing: Standing) -> str:
    """Write a day, its year only where it is another one than today's."""
    return day_told(day) if day.year == standing.today.year else format_date(day)


def _tells(row: SignOff) -> bool:
    """Say whether there is something to read: that somebody signed it off is told without a statement, too."""
    return bool(row.statement) or row.act is SignOffAct.SIGNED


def _said(row: SignOff, standing: Standing) -> dict[str, str]:
    when = format_instant(row.at, standing.enrollment.market.time_zone, show_zone=False)
    name = row.by.name_in(language())
    if row.evidence_no is not None and row.act is SignOffAct.SIGNED:
        return {"head": _("Accepted by %(name)s, %(when)s", name=name, when=when), "text": row.statement}
    if not row.statement:
        return {"head": _("Recorded by %(name)s, %(when)s", name=name, when=when), "text": ""}
    return {
        "head": _("Signed off by %(name)s, %(when)s", name=name, when=when)
        if row.act is SignOffAct.SIGNED
        else _("Sent back by %(name)s, %(when)s", name=name, when=when),
        "text": row.statement,
    }


def contacts_of(enrollment: Enrollment | None, person: Person) -> list[dict[str, str]]:
    """Return whom a learner asks, those who are nearest: the mentors of her plan first, then the leads."""
    found = signing.list_contacts(enrollment, person)
    return [
        {
            "role": role,
            "name": each.name_in(language()),
            "kana": each.full_kana if language() == "ja" else "",
            "address": each.sign_in_name,
        }
        for role, people in ((_("Mentor"), found[Role.MENTOR] if enrollment else []), (_("Lead"), found[Role.LEAD]))
        for each in people
    ]


def counts_of(standing: Standing) -> dict[str, int]:
    """Return how the steps of a plan divide: done, exempt, set aside, one's own, for others; how many are optional."""
    counts = {"done": 0, "exempt": 0, "set_aside": 0, "own": 0, "others": 0, "optional": 0}
    for step in standing.steps:
        counts[side_of(standing, step)] += 1
        counts["optional"] += not step.required
    return counts


def side_of(standing: Standing, step: PlanStep) -> str:
    """Say on whose side a step is: done, exempt, set aside, one's own (open, or locked until then), or for others."""
    state = standing.statuses[step.slug].state
    if state in NOT_ASKED:
        return state.value
    is_hers = step.by is Doer.LEARNER or _is_task(step)
    return "own" if state is StepState.OPEN or (state is StepState.LOCKED and is_hers) else "others"


def plan_facts(standing: Standing) -> dict[str, Any]:
    """Return what is told of a whole plan and how far its learner is."""
    enrollment, progress = standing.enrollment, standing.progress
    return {
        "title": str(enrollment.version.title),
        "summary": str(enrollment.version.summary),
        "version": enrollment.version.number,
        "href": url_for("training.path", code=enrollment.code),
        "starts_on": format_date(standing.starts_on),
        "market": str(enrollment.market.name),
        "cohort": str(enrollment.cohort.name) if enrollment.cohort else None,
        "day": number_of_day(standing),
        "pause_ahead": _pause_ahead(standing),
        "is_ended": enrollment.ended_at is not None,
        "is_ahead": enrollment.is_open and standing.day == 0,
        "done": progress.done,
        "total": progress.total,
        "expected": progress.expected,
        "as_of": format_date(standing.today),
        "overdue": progress.overdue,
        "status": status_of(standing),
        "exempt": _exempt_from(standing),
    }


def _pause_ahead(standing: Standing) -> str:
    """Say from when to when the plan will be paused; "" where no pause is ahead."""
    ahead = sorted(
        (each for each in standing.basis.pauses if each.first_on > standing.today), key=lambda each: each.first_on
    )
    if not ahead or not standing.enrollment.is_open:
        return ""
    first, resumes_on = format_date(ahead[0].first_on), ahead[0].resumes_on
    if resumes_on is None:
        return _("From %(date)s on the plan is paused.", date=first)
    return _("From %(first)s to %(last)s the plan is paused.", first=first, last=format_date(resumes_on - ONE_DAY))


def _exempt_from(standing: Standing) -> str:
    """Say of a plan that is complete what was not done for it, and what that costs; "" where there is nothing."""
    left_out = [step for step in standing.steps if standing.statuses[step.slug].state is StepState.EXEMPT]
    if standing.enrollment.completed_at is None or not left_out:
        return ""
    tasks = catalogue.tasks_of(left_out)
    separator = "、" if language() == "ja" else ", "
    said = str(_("Exempt from: %(steps)s.", steps=separator.join(str(tasks[step.id]) for step in left_out)))
    if not any(costs_credential(standing.enrollment, step) for step in left_out):
        return said
    why = str(
        _(
            "No certificate comes of it as long as a quiz has not been passed, or two people have not decided on it in "
            "the gradebook."
        )
    )
    return f"{said}{why}" if language() == "ja" else f"{said} {why}"


def number_of_day(standing: Standing) -> str:
    """Say which working day of the plan it is."""
    if standing.enrollment.completed_at is not None:
        when = format_instant(standing.enrollment.completed_at, standing.enrollment.market.time_zone, show_zone=False)
        return str(_("Completed on %(when)s", when=when))
    if standing.enrollment.ended_at is not None:
        when = format_instant(standing.enrollment.ended_at, standing.enrollment.market.time_zone, show_zone=False)
        return str(_("Ended on %(when)s, before it was completed", when=when))
    if standing.enrollment.is_open and standing.pause is not None:
        first, resumes_on = format_date(standing.pause.first_on), standing.pause.resumes_on
        if resumes_on is None:
            return str(_("Paused from %(date)s", date=first))
        return str(_("Paused from %(first)s, resumes on %(date)s", first=first, date=format_date(resumes_on)))
    if standing.day == 0:
        # Before the start it is told when that is; afterwards somebody has ended it.
        return str(_("Day 1 is %(date)s", date=day_of(standing.starts_on, standing)))
    if standing.day > standing.length:
        return str(_("Working day %(day)s; the plan was made for %(length)s", day=standing.day, length=standing.length))
    return str(_("Working day %(day)s of %(length)s", day=standing.day, length=standing.length))


def status_of(standing: Standing) -> str:
    """Return the state of a whole plan: completed or ended before overdue, overdue before begun."""
    if standing.enrollment.completed_at is not None:
        return "done"
    if standing.enrollment.ended_at is not None:
        return "ended"
    if standing.progress.overdue:
        return "overdue"
    return "in_progress" if standing.progress.done else "not_started"


def _queue_row(each: Waiting, tasks: Mapping[int, LazyText]) -> dict[str, Any]:
    enrollment, zone = each.standing.enrollment, each.standing.enrollment.market.time_zone
    person = enrollment.person
    return {
        "name": person.name_in(language()),
        "kana": person.full_kana if language() == "ja" else "",
        "step": str(tasks[each.step.id]),
        "kind": what_to_do(each),
        "plan": str(enrollment.version.title),
        "since": format_instant(each.since, zone, show_zone=False),
        "due": format_date(each.standing.asked_by(each.step.slug), "short"),
        "late": each.standing.statuses[each.step.slug].is_late,
        "href": where_to_do(each),
    }


def what_to_do(each: Waiting) -> str:
    """Say in a word what a step waits for."""
    match each.step.kind:
        case StepKind.TASK:
            return str(_("Work handed in"))
        case StepKind.GATE:
            return str(_("Gate reached"))
        case StepKind.SESSION if each.standing.seat(each.step.slug) is not None:
            return str(_("Attendance to be recorded"))
        case StepKind.SESSION:
            return str(_("Session to be planned"))
        case _:
            return str(_("Sign-off"))


def where_to_do(each: Waiting) -> str:
    """Return the page on which that is done."""
    enrollment = each.standing.enrollment
    if each.step.kind is not StepKind.SESSION:
        return url_for("training.sign_off", code=enrollment.code, slug=each.step.slug)
    seat = each.standing.seat(each.step.slug)
    if seat is not None:
        return url_for("training.session", code=seat.code)
    cohort = enrollment.cohort.code if enrollment.cohort else None
    return url_for("training.plan_session", plan=enrollment.version.plan.slug, slug=each.step.slug, cohort=cohort)
