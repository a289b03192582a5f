"""The mails of training: plans that begin or end, steps that wait for somebody or come back, sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.service.recipients import describe_mail
from portal.core.i18n import LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.training import queries
from portal.training.models import SignOff
from portal.training.permissions import expected_at
from portal.training.queries import catalogue, live_sessions
from portal.training.rules import SETTLED, Fate, StepKind, StepState
from portal.training.service import swaps
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


# So many dates and steps are named in a mail; the path has them all.
_MOST_NAMED = 10


@email("training.version_swapped", describe=_describe_swapped)
def version_swapped(code: str) -> Email | None:
    """Tell the learner in which version her plan goes on, who decided that and why, and what is another thing now.

    Nothing where she has gone on in yet another one, or her account was closed.
    """
    enrollment = queries.find_enrollment(code)
    before = queries.find_predecessor(enrollment) if enrollment is not None else None
    if enrollment is None or before is None or enrollment.ended_at is not None or not enrollment.person.is_active:
        return None
    person, by = enrollment.person, accounts.find_person(before.ended_by or "")
    told = swaps.told_of(before, enrollment)
    tasks = catalogue.tasks_of([each.step for each in told])

    def named(found: Sequence[StepFate]) -> list[dict[str, Any]]:
        return [
            {"title": tasks[each.step.id], "before": each.before, "after": each.after} for each in found[:_MOST_NAMED]
        ]

    return Email(
        template="training/emails/version_swapped",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "number": enrollment.version.number,
            "was": before.version.number,
            "by": by.name_in(person.language) if by is not None else before.ended_by,
            "reason": before.ended_reason or "",
            "again": named([each for each in told if each.fate is Fate.CHANGED]),
            "new": named([each for each in told if each.fate is Fate.NEW]),
            "dropped": named([each for each in told if each.fate is Fate.DROPPED]),
            "moved": named([each for each in told if each.fate is Fate.KEPT and each.moves]),
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
    if enrollment is None or not enrollment.is_open or queries.has_begun(enrollment):
        return None
    standing = queries.standing_of(enrollment)
    titles = catalogue.tasks_of(standing.steps)
    first = sorted(
        (step for step in standing.steps if standing.statuses[step.slug].state not in SETTLED),
        key=lambda step: (standing.due_on(step.slug), step.position),
    )[:3]
    person = enrollment.person
    return Email(
        template="training/emails/plan_started",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "plan": enrollment.version.title,
            "starts_on": enrollment.starts_on,
            "length": standing.length,
            "steps": [
                {"title": titles[step.id], "due_on": standing.due_on(step.slug), "minutes": step.minutes}
                for step in first
            ],
            "href": public_url("training.today"),
        },
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
            "due_on": queries.standing_of(enrollment).due_on(step),
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


def _of_session(template: str, code_of_session: str, code: str) -> Email | None:
    """Return what is told of a session as it is now; nothing where that is not true any more."""
    session = live_sessions.find_session(code_of_session)
    enrollment = queries.find_enrollment(code)
    if session is None or enrollment is None or not enrollment.is_open or not enrollment.person.is_active:
        return None
    step = next((each.step for each in expected_at(session) if each.enrollment.id == enrollment.id), None)
    if step is None or (session.cancelled_at is not None) != (template == "session_cancelled"):
        return None
    person, last = enrollment.person, session.time
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
            "ends_at": last.ends_at,
            "before": session.times[-2].starts_at if len(session.times) > 1 else None,
            "zone": session.market.time_zone,
            "place": last.place,
            "link": last.link,
            "reason": session.cancelled_reason or last.reason,
            "href": public_url("training.today"),
        },
    )
