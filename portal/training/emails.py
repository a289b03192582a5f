"""The mails of training: plans that begin or end, steps that wait or come back, sessions, drafts of plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.recipients import describe_mail
from portal.calendars.service.told import period_told
from portal.core import clock
from portal.core.i18n import LazyText, force_locale, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.training import queries
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    ExtensionTakenBack,
    LiveSession,
    PlanDraft,
    PlanDraftAct,
    PlanExtension,
    PlanStep,
    SignOff,
    StepExtension,
)
from portal.training.permissions import ExtensionOfEnrollment, expected_at
from portal.training.queries import Standing, catalogue, live_sessions, plan_drafts
from portal.training.rules import NOT_ASKED, Fate, PlanSpec, StepKind, StepState
from portal.training.rules.changes import Became, What, changes
from portal.training.rules.drafting import DraftState
from portal.training.service import dates, invitations, swaps
from portal.training.service.plan_drafts import list_approvers
from portal.training.service.swaps import StepFate


def _describe_starts(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a training plan begins"), arguments)


def _describe_ends(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a training plan was ended"), arguments)


def _describe_swapped(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a training plan goes on in another version"), arguments)


def _describe(said: LazyText, arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.code: each for each in queries.list_enrollments_by_code([each["code"] for each in arguments])}
    return [
        describe_mail(said, enrollment.person, str(enrollment.version.title))
        if (enrollment := found.get(each["code"])) is not None
        else Description(said)
        for each in arguments
    ]


# So many dates and steps are named in a mail, and how many more there are; the path has them all.
_MOST_NAMED = 10


def _first_of(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the steps that a mail names, how many more there are, and the last day of those (None where none has)."""
    more = steps[_MOST_NAMED:]
    days = [each["after"] for each in more if each["after"] is not None]
    return {"steps": steps[:_MOST_NAMED], "more": len(more), "last_on": max(days, default=None)}


@email("training.version_swapped", describe=_describe_swapped)
def version_swapped(code: str, told: list[list[str | None]] | None = None) -> Email | None:
    """Tell the learner in which version her plan goes on, who decided that and why, and what is another thing now.

    `told` is what the swap did to each step, kept then: what moved a date since is no doing of it. Nothing where she
    has gone on in yet another one, or her account was closed.
    """
    enrollment = queries.find_enrollment(code)
    before = queries.find_predecessor(enrollment) if enrollment is not None else None
    if enrollment is None or before is None or enrollment.ended_at is not None or not enrollment.person.is_active:
        return None
    person, by = enrollment.person, accounts.find_person(before.ended_by or "")
    fates = swaps.told_then(before, enrollment, told) if told is not None else swaps.told_of(before, enrollment)
    tasks = catalogue.tasks_of([each.step for each in fates])

    def named(found: Sequence[StepFate]) -> dict[str, Any]:
        steps = [{"title": tasks[each.step.id], "before": each.before, "after": each.after} for each in found]
        return _first_of(steps)

    return Email(
        template="training/emails/version_swapped",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "number": enrollment.version.number,
            "was": before.version.number,
            "by": by.name_in(person.language) if by is not None else before.ended_by,
            "reason": before.ended_reason or "",
            "again": named([each for each in fates if each.fate is Fate.CHANGED]),
            "new": named([each for each in fates if each.fate is Fate.NEW]),
            "dropped": named([each for each in fates if each.fate is Fate.DROPPED]),
            "moved": named([each for each in fates if each.fate is Fate.KEPT and each.moves]),
            "unannounced": queries.standing_of(enrollment).calendar.provisional_years(
                each.after for each in fates if each.after is not None
            ),
            "is_complete": enrollment.completed_at is not None,
            "href": public_url("training.path", code=code),
        },
    )


def _describe_waiting(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.code: each for each in queries.list_enrollments_by_code([each["code"] for each in arguments])}
    signers = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    tasks = catalogue.tasks_of([step for each in found.values() for step in each.version.steps])
    said = []
    for each in arguments:
        enrollment, about = found.get(each["code"]), ""
        if enrollment is not None:
            step = next((step for step in enrollment.version.steps if step.slug == each["step"]), None)
            parts = [enrollment.person.name_in(language()), str(tasks[step.id]) if step else ""]
            about = " · ".join(part for part in parts if part)
        said.append(describe_mail(_l("Mail: a step waits for a sign-off"), signers.get(each["to"]), about))
    return said


@email("training.plan_started", describe=_describe_starts)
def plan_started(code: str) -> Email | None:
    """Tell the learner what is due first.

    Nothing where the plan is over, or she is in the middle of it, by the time the mail is written: what is
    left then is not what is due first, and she has found it without the mail.
    """
    enrollment = queries.find_enrollment(code)
    before = queries.find_moved_from(enrollment) if enrollment is not None else None
    if enrollment is None or enrollment.ended_at is not None:
        return None
    # Whoever goes on from another plan is told of it in any case: nothing else says that it has ended, and why.
    if before is None and (not enrollment.is_open or queries.has_begun(enrollment)):
        return None
    person, standing = enrollment.person, queries.standing_of(enrollment, own=True)
    ended_by = accounts.find_person(before.ended_by or "") if before is not None else None
    return Email(
        template="training/emails/plan_started",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "length": standing.length,
            "before": before.version.title if before is not None else None,
            "reason": before.ended_reason if before is not None else None,
            "by": ended_by.name_in(person.language) if ended_by is not None else None,
            "sessions": _left(before) if before is not None else [],
            **_what_comes_first(standing),
            "href": public_url("training.today"),
        },
    )


def _what_comes_first(standing: Standing) -> dict[str, Any]:
    """Return the first day of a plan, what is due first, and which years' holidays it rests on are not announced."""
    titles = catalogue.tasks_of(standing.steps)
    first = sorted(
        (step for step in standing.steps if standing.statuses[step.slug].state not in NOT_ASKED),
        key=lambda step: (standing.day_for(step.slug), step.position),
    )[:3]
    return {
        "starts_on": standing.starts_on,
        "steps": [
            {"title": titles[step.id], "due_on": standing.day_for(step.slug), "minutes": step.minutes} for step in first
        ],
        "unannounced": standing.calendar.provisional_years(standing.day_for(step.slug) for step in first),
    }


def _describe_first_days(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a training plan begins on another day"), arguments)


@email("training.first_day_moved", describe=_describe_first_days)
def first_day_moved(code: str, number: int) -> Email | None:
    """Tell the learner on which day her plan begins now, who decided that and why.

    `number` is the row of the new first day; nothing where it has been moved again, or the plan is over.
    """
    enrollment = queries.find_enrollment(code)
    if enrollment is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    starts = queries.list_new_starts(enrollment)
    if not starts or starts[-1].id != number:
        return None
    person, start = enrollment.person, starts[-1]
    return Email(
        template="training/emails/first_day_moved",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "before": starts[-2].starts_on if len(starts) > 1 else enrollment.starts_on,
            "by": start.by.name_in(person.language),
            "reason": start.reason,
            **_what_comes_first(queries.standing_of(enrollment, own=True)),
            "href": public_url("training.today"),
            # Who has not used her invitation yet cannot sign in.
            "link_href": public_url("accounts.forgotten") if person.is_invited else "",
        },
    )


def _describe_extended(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: more time was given"), arguments)


@email("training.extended", describe=_describe_extended)
def extended(
    code: str,
    step_extension: int | None = None,
    plan_extension: int | None = None,
    moved: Sequence[Sequence[str]] | None = None,
    unannounced: Sequence[int] = (),
) -> Email | None:
    """Tell the learner how much more time she has, who decided that and why, and which dates became others by that.

    One of the two rows says so; `moved` and `unannounced` are what was `kept` of the dates then. Nothing where it was
    taken back meanwhile, the plan is over, or her account was closed.
    """
    enrollment = queries.find_enrollment(code)
    if enrollment is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    thing = queries.find_extension(enrollment, step_extension=step_extension, plan_extension=plan_extension)
    if thing is None:
        return None
    moves = dates.moves_kept(enrollment, moved, unannounced)
    if moves is None:
        moves = dates.moved_since_given(standing=queries.standing_of(enrollment, own=True), thing=thing)
    return _about_time("training/emails/extended", thing, thing.row, moves)


def _about_time(
    template: str,
    thing: ExtensionOfEnrollment,
    said: StepExtension | PlanExtension | ExtensionTakenBack,
    moves: dates.Moves,
) -> Email:
    """Write the mail about more time; `said` is the row that tells who decided so and why."""
    return _about_dates(
        template,
        thing.enrollment,
        by=said.by,
        reason=said.reason,
        moves=moves,
        step=thing.step,
        days=thing.row.working_days,
    )


def _about_dates(
    template: str,
    enrollment: Enrollment,
    *,
    by: Person,
    reason: str,
    moves: dates.Moves,
    step: PlanStep | None = None,
    **values: Any,
) -> Email:
    """Write a mail to the learner about what moves dates of hers: who decided it, why, and which are others now."""
    person, tasks = enrollment.person, catalogue.tasks_of(enrollment.version.steps)
    return Email(
        template=template,
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "step": tasks[step.id] if step is not None else "",
            "by": by.name_in(person.language),
            "reason": reason,
            "moved": _first_of(
                [{"title": tasks[each.step.id], "before": each.before, "after": each.after} for each in moves]
            ),
            "unannounced": moves.unannounced,
            "href": public_url("training.path", code=enrollment.code),
            **values,
        },
    )


def _describe_taken_back(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: more time was taken back"), arguments)


@email("training.extension_taken_back", describe=_describe_taken_back)
def extension_taken_back(
    code: str, number: int, moved: Sequence[Sequence[str]] | None = None, unannounced: Sequence[int] = ()
) -> Email | None:
    """Tell the learner which more time is not given any more, who decided that and why, and which dates moved.

    `number` is the row that says so; `moved` and `unannounced` are what was `kept` of the dates then. Nothing where the
    plan is over, or her account was closed.
    """
    enrollment, row = queries.find_enrollment(code), queries.find_taken_back(number)
    if enrollment is None or row is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    thing = queries.extension_taken_back(enrollment, row)
    moves = dates.moves_kept(enrollment, moved, unannounced)
    if moves is None:
        moves = dates.moved_since_taken_back(standing=queries.standing_of(enrollment, own=True), thing=thing)
    return _about_time("training/emails/extension_taken_back", thing, row, moves)


def _describe_paused(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a training plan was paused"), arguments)


@email("training.paused", describe=_describe_paused)
def paused(
    code: str, number: int, moved: Sequence[Sequence[str]] | None = None, unannounced: Sequence[int] = ()
) -> Email | None:
    """Tell the learner from when on her plan is paused, who decided that and why, and which dates that moved.

    `number` is the row of the pause; `moved` and `unannounced` are what was `kept` of the dates then. Nothing where it
    was ended meanwhile (a mail of its own tells that), the plan is over, or her account was closed.
    """
    enrollment, row = queries.find_enrollment(code), queries.find_pause(number)
    if enrollment is None or row is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    if row.resumes_on is not None:
        return None
    moves = dates.moves_kept(enrollment, moved, unannounced)
    if moves is None:
        moves = dates.moved_since_paused(standing=queries.standing_of(enrollment, own=True), row=row)
    standing = queries.standing_of(enrollment, own=True)
    all_before = dates.due_before_events(standing) == "all"
    return _about_pause("training/emails/paused", enrollment, row, row.by, moves, all_before_events=all_before)


def _describe_resumed(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: the pause of a training plan ends"), arguments)


@email("training.resumed", describe=_describe_resumed)
def resumed(
    code: str, number: int, moved: Sequence[Sequence[str]] | None = None, unannounced: Sequence[int] = ()
) -> Email | None:
    """Tell the learner when her plan goes on, or that its pause was taken back, by whom, and which dates changed.

    `number` is the row of the pause; `moved` and `unannounced` are what was `kept` of the dates then. Nothing where the
    plan is over, or her account was closed.
    """
    enrollment, row = queries.find_enrollment(code), queries.find_pause(number)
    if enrollment is None or row is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    if row.resumes_on is None or row.resumed_by is None:
        return None
    moves = dates.moves_kept(enrollment, moved, unannounced)
    if moves is None:
        moves = dates.moved_since_resumed(standing=queries.standing_of(enrollment, own=True), row=row)
    return _about_pause("training/emails/resumed", enrollment, row, row.resumed_by, moves)


def _about_pause(
    template: str, enrollment: Enrollment, row: EnrollmentPause, by: Person, moves: dates.Moves, **values: Any
) -> Email:
    return _about_dates(
        template,
        enrollment,
        by=by,
        reason=row.reason,
        moves=moves,
        first_on=row.first_on,
        resumes_on=row.resumes_on,
        is_taken_back=row.is_taken_back,
        **values,
    )


@email("training.plan_ended", describe=_describe_ends)
def plan_ended(code: str) -> Email | None:
    """Tell the learner that her plan was ended, by whom and why; nobody whose account was closed with it."""
    enrollment = queries.find_enrollment(code)
    if enrollment is None or enrollment.ended_by is None or not enrollment.person.is_active:
        return None
    person, by = enrollment.person, accounts.find_person(enrollment.ended_by)
    return Email(
        template="training/emails/plan_ended",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "by": by.name_in(person.language) if by is not None else enrollment.ended_by,
            "reason": enrollment.ended_reason or "",
            "sessions": _left(enrollment),
            "href": public_url("training.path", code=code),
        },
    )


def _left(enrollment: Enrollment) -> list[dict[str, str]]:
    """Return at which sessions the learner is expected no more since her training ended, in her language."""
    if enrollment.ended_at is None:
        return []
    found = live_sessions.list_left(enrollment, enrollment.ended_at)
    titles = catalogue.tasks_of([each.step for each in found])
    with force_locale(enrollment.person.language):
        return [{"title": str(titles[each.step_id]), "period": _period(each)} for each in found]


def _period(session: LiveSession) -> str:
    return period_told(session.time.starts_at, session.time.ends_at, session.market.time_zone)


def _describe_events(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: an event is on another day"), arguments)


@email("training.event_moved", describe=_describe_events)
def event_moved(
    code: str,
    number: int,
    *,
    before: str,
    moved: Sequence[tuple[str, str, str]],
    sessions: Sequence[str],
    unannounced: Sequence[int],
) -> Email | None:
    """Tell the learner on which day an event is now, who decided that and why, and which dates are others now.

    `number` is the row that says so; `before` the day it was on, `moved` her dates from when to when and `sessions` the
    steps whose session stays, as they were decided. Nothing where her invitation still waits, the plan is over, or her
    account was closed.
    """
    enrollment, row = queries.find_enrollment(code), queries.find_event_date(number)
    if enrollment is None or row is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    if invitations.waits_until(enrollment) is not None:
        return None
    person, steps = enrollment.person, {step.slug: step for step in enrollment.version.steps}
    tasks, seats = catalogue.tasks_of(steps.values()), queries.standing_of(enrollment, own=True).seats
    event = next((each.title for each in enrollment.version.events if each.slug == row.event_slug), row.event_slug)
    with force_locale(person.language):
        stay = [
            {"title": str(tasks[steps[slug].id]), "period": period_told(seat.starts_at, seat.ends_at, seat.zone)}
            for slug in sessions
            if slug in steps
            for seat in [next((each for each in seats.get(slug, ()) if each.is_awaited), None)]
            if seat is not None
        ]
    return Email(
        template="training/emails/event_moved",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "event": event,
            "before": date.fromisoformat(before),
            "on": row.takes_place_on,
            "by": row.by.name_in(person.language),
            "reason": row.reason or "",
            "moved": [
                {
                    "title": tasks[steps[slug].id],
                    "before": date.fromisoformat(was),
                    "after": date.fromisoformat(becomes),
                }
                for slug, was, becomes in moved
                if slug in steps
            ],
            "sessions": stay,
            "unannounced": unannounced,
            # Who has not used her invitation yet cannot sign in.
            "link_href": public_url("accounts.forgotten") if person.is_invited else "",
            "href": public_url("training.path", code=code),
        },
    )


@email("training.sign_off_waiting", describe=_describe_waiting)
def sign_off_waiting(code: str, step: str, to: str) -> Email | None:
    """Tell who can sign a step off that it waits; nothing where that has been done meanwhile."""
    enrollment = queries.find_enrollment(code)
    signer = accounts.find_person(to)
    if enrollment is None or signer is None or not signer.is_active or not enrollment.is_open:
        return None
    waiting = queries.get_step(enrollment, step)
    if queries.state_of(enrollment, waiting) is not StepState.WAITING:
        return None
    standing = queries.standing_of(enrollment)
    if not standing.is_waiting(waiting):
        return None
    return Email(
        template="training/emails/sign_off_waiting",
        to_address=signer.sign_in_name,
        to_name=signer.name_in(signer.language),
        salutation=signer.addressed_in(signer.language),
        language=signer.language,
        values={
            "learner": enrollment.person.name_in(signer.language),
            "plan": enrollment.version.title,
            "step": catalogue.tasks_of([waiting])[waiting.id],
            "due_on": standing.asked_by(step),
            "has_done_before": standing.has_done_before(waiting),
            "asks_statement": waiting.asks_statement,
            "kind": waiting.kind.value,
            "cohort": enrollment.cohort.name if enrollment.cohort else None,
            "href": public_url("training.list_sessions")
            if waiting.kind is StepKind.SESSION
            else public_url("training.sign_off", code=code, slug=step),
        },
    )


def _describe_sent_back(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a step was sent back"), arguments)


@email("training.sent_back", describe=_describe_sent_back)
def sent_back(code: str, step: str, said: int) -> Email | None:
    """Tell the learner what is still missing; nothing where she has handed it in meanwhile, or the plan is over."""
    enrollment = queries.find_enrollment(code)
    if enrollment is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    about = queries.get_step(enrollment, step)
    rows: list[SignOff] = queries.list_sign_offs(enrollment, about)
    if not rows or rows[-1].id != said:
        return None
    person = enrollment.person
    return Email(
        template="training/emails/sent_back",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "by": rows[-1].by.name_in(person.language),
            "plan": enrollment.version.title,
            "step": catalogue.tasks_of([about])[about.id],
            "statement": rows[-1].statement,
            "is_task": about.kind is StepKind.TASK,
            "href": public_url("training.evidence", code=code, slug=step)
            if about.kind is StepKind.TASK
            else public_url("training.path", code=code),
        },
    )


def _describe_session(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe(_l("Mail: a training session"), arguments)


@email("training.session_planned", describe=_describe_session)
def session_planned(session: str, code: str) -> Email | None:
    """Tell a learner when and where her session is."""
    return _of_session("session_planned", session, code)


@email("training.session_moved", describe=_describe_session)
def session_moved(session: str, code: str) -> Email | None:
    """Tell a learner where to and why her session was moved."""
    return _of_session("session_moved", session, code)


@email("training.session_cancelled", describe=_describe_session)
def session_cancelled(session: str, code: str) -> Email | None:
    """Tell a learner that her session does not take place, and why."""
    return _of_session("session_cancelled", session, code)


@email("training.session_left", describe=_describe_session)
def session_left(session: str, code: str) -> Email | None:
    """Tell whoever planned a session that a learner is expected there no more, and why; nothing once it is over."""
    planned, enrollment = live_sessions.find_session(session), queries.find_enrollment(code)
    if planned is None or enrollment is None or planned.cancelled_at is not None:
        return None
    planner, by = planned.created_by, accounts.find_person(enrollment.ended_by or "")
    if not planner.is_active or planned.time.ends_at <= clock.now():
        return None
    with force_locale(planner.language):
        period = _period(planned)
    return Email(
        template="training/emails/session_left",
        to_address=planner.sign_in_name,
        to_name=planner.name_in(planner.language),
        salutation=planner.addressed_in(planner.language),
        language=planner.language,
        values={
            "learner": enrollment.person.name_in(planner.language),
            "plan": enrollment.version.title,
            "step": catalogue.tasks_of([planned.step])[planned.step_id],
            "starts_at": planned.time.starts_at,
            "period": period,
            "zone": planned.market.time_zone,
            "by": by.name_in(planner.language) if by is not None else enrollment.ended_by,
            "left": len(expected_at(planned)),
            "href": public_url("training.list_sessions"),
        },
    )


def _of_session(template: str, code_of_session: str, code: str) -> Email | None:
    """Return what is told of a session as it is now; nothing where that is not true any more."""
    session = live_sessions.find_session(code_of_session)
    enrollment = queries.find_enrollment(code)
    if session is None or enrollment is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    if enrollment.person.is_invited:
        # She cannot look at it yet; with her account she finds it on her path.
        return None
    step = next((each.step for each in expected_at(session) if each.enrollment.id == enrollment.id), None)
    if step is None or (session.cancelled_at is not None) != (template == "session_cancelled"):
        return None
    person, last = enrollment.person, session.time
    with force_locale(person.language):
        period = _period(session)
    return Email(
        template=f"training/emails/{template}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "step": catalogue.tasks_of([step])[step.id],
            "starts_at": last.starts_at,
            "period": period,
            "before": session.times[-2].starts_at if len(session.times) > 1 else None,
            "zone": session.market.time_zone,
            "place": last.place,
            "link": last.link,
            "reason": session.cancelled_reason or last.reason,
            "href": public_url("training.today"),
        },
    )


def _describe_approvals(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_drafts(_l("Mail: a draft of a plan waits for an approval"), arguments)


def _describe_draft_news(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_drafts(_l("Mail: what became of a draft of a plan"), arguments)


def _describe_drafts(said: LazyText, arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.code: each for each in plan_drafts.list_drafts_of([each["code"] for each in arguments])}
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [
        describe_mail(
            said,
            people.get(each["to"]),
            plan_drafts.title_of_draft(found[each["code"]], language()) if each["code"] in found else "",
        )
        for each in arguments
    ]


@email("training.plan_approval_waits", describe=_describe_approvals)
def plan_approval_waits(code: str, number: int, to: str) -> Email | None:
    """Tell an approver that the draft of a plan waits for her; nothing where it does not wait for her any more.

    `number` is that of the act by which it was submitted.
    """
    draft, person = plan_drafts.find_plan_draft(code), accounts.find_person(to)
    if draft is None or person is None or draft.state is not DraftState.IN_REVIEW or draft.acts[-1].number != number:
        return None
    if person not in list_approvers(draft):
        return None
    act = draft.acts[-1]
    spec, spoken = plan_drafts.spec_of_draft(draft), person.language
    return _of_draft(
        "plan_approval_waits",
        draft,
        person,
        act,
        against=draft.based_on.number if draft.based_on is not None else "",
        changes=_changed_steps(catalogue.spec_of(draft.based_on), spec, spoken) if draft.based_on is not None else [],
        steps=len(spec.steps),
        href=public_url("training.plan_draft", code=code),
    )


def _changed_steps(before: PlanSpec, after: PlanSpec, spoken: str) -> list[tuple[str, list[str], int]]:
    """Return what became of steps, which ones, and how many more there are than can be named."""
    known, titles = plan_drafts.read_known(), {each.slug: each for each in (*before.steps, *after.steps)}
    found: dict[Became, list[str]] = {}
    for change in changes(before, after):
        if change.what is What.STEP:
            title = plan_drafts.title_of(titles[change.slug], known).in_(spoken)
            found.setdefault(change.became, []).append(title)
    return [
        (became.value, found[became][:_MOST_NAMED], len(found[became][_MOST_NAMED:]))
        for became in Became
        if became in found
    ]


@email("training.plan_draft_news", describe=_describe_draft_news)
def plan_draft_news(code: str, number: int, to: str) -> Email | None:
    """Tell an author that the draft of a plan was sent back, and why, or approved and published.

    Nothing where it has gone on since it was sent back: she has seen it then.
    """
    draft, person = plan_drafts.find_plan_draft(code), accounts.find_person(to)
    if draft is None or person is None or not person.is_active or draft.acts[-1].number != number:
        return None
    version = draft.published_version
    return _of_draft(
        "plan_draft_news",
        draft,
        person,
        draft.acts[-1],
        is_published=version is not None,
        href=public_url("training.plan", slug=draft.plan_slug)
        if version is not None
        else public_url("training.plan_draft", code=code),
    )


def _of_draft(template: str, draft: PlanDraft, person: Person, act: PlanDraftAct, **values: Any) -> Email:
    by = accounts.find_person(act.by)
    return Email(
        template=f"training/emails/{template}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "title": plan_drafts.title_of_draft(draft, person.language),
            "number": plan_drafts.spec_of_draft(draft).number,
            "by": by.name_in(person.language) if by is not None else act.by,
            "said": act.said,
            **values,
        },
    )
