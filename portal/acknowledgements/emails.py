"""The mails of campaigns and questions: what is asked, reminders, what is overdue, questions and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.recipients import describe_mail
from portal.acknowledgements.models import AcknowledgementRequest, ClauseQuestion, MaterialAside
from portal.acknowledgements.permissions import SEE_CAMPAIGN, SEE_DECLINED
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.queries import deltas as questions
from portal.acknowledgements.queries import exposure
from portal.acknowledgements.service.overdue import ToldAs, still_overdue
from portal.acknowledgements.service.requests import is_due_at_effect
from portal.core import clock, jobs
from portal.core.access import allows
from portal.core.i18n import LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email
from portal.core.web import public_url
from portal.library import queries as library

_ASKED, _REMINDER = _l("Mail: a version is to be confirmed"), _l("Mail: a confirmation is still missing")
_LAST_REMINDER, _LATE = _l("Mail: last reminder of a confirmation"), _l("Mail: a confirmation is overdue")
_OVERDUE = _l("Mail: people who have not confirmed in time")
_QUESTION, _ANSWER = _l("Mail: a question about a clause"), _l("Mail: the answer to a question")

# Neither what it is nor whom it is about is told to those who look at the work that is done in the background.
_DECLINED = _l("Mail")


def _describe_requests(what: LazyText, arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = queries.list_requests_by_id([each["request"] for each in arguments])
    titles = library.list_titles({each.campaign.version_id for each in found.values()}, language())
    return [
        describe_mail(what, request.person, titles.get(request.campaign.version_id, ""))
        if (request := found.get(each["request"])) is not None
        else Description(what)
        for each in arguments
    ]


def _describe_asked(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_requests(_ASKED, arguments)


def _describe_reminders(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_requests(_REMINDER, arguments)


def _describe_last_reminders(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_requests(_LAST_REMINDER, arguments)


def _describe_late(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return _describe_requests(_LATE, arguments)


def _describe_overdue(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    leads = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    found = queries.find_campaigns([each["campaign"] for each in arguments])
    titles = library.list_titles({each.version_id for each in found.values()}, language())
    return [
        describe_mail(
            _OVERDUE,
            leads.get(each["to"]),
            titles.get(found[each["campaign"]].version_id, "") if each["campaign"] in found else "",
        )
        for each in arguments
    ]


def _describe_questions(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [describe_mail(_QUESTION, people.get(each["to"])) for each in arguments]


def _describe_answers(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = questions.find_questions([each["code"] for each in arguments])
    return [describe_mail(_ANSWER, found[each["code"]].person if each["code"] in found else None) for each in arguments]


@email("acknowledgements.asked", describe=_describe_asked)
def asked(request: int) -> Email | None:
    """Tell a person what she is asked to confirm, until when, and where."""
    return _about(queries.find_request_by_id(request), "asked")


@email("acknowledgements.reminder", describe=_describe_reminders)
def reminder(request: int) -> Email | None:
    """Remind a person of what she is still asked to confirm."""
    return _about(queries.find_request_by_id(request), "reminder")


@email("acknowledgements.last_reminder", describe=_describe_last_reminders)
def last_reminder(request: int) -> Email | None:
    """Remind a person a last time before it is due."""
    return _about(queries.find_request_by_id(request), "last_reminder")


@email("acknowledgements.late", describe=_describe_late)
def late(request: int) -> Email | None:
    """Tell a person that her time is over, and when those who look after her are told."""
    return _about(queries.find_request_by_id(request), "late")


def _describe_declined(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return [Description(_DECLINED) for _each in arguments]


@email("acknowledgements.declined", describe=_describe_declined)
def declined(decline: int, to: str) -> Email | None:
    """Tell a wellbeing contact that somebody declines the statement; nothing where it was taken back meanwhile."""
    return _about_decline(decline, to, "declined", is_over=False)


@email("acknowledgements.decline_over", describe=_describe_declined)
def decline_over(decline: int, to: str) -> Email | None:
    """Tell a wellbeing contact that somebody declines no more."""
    return _about_decline(decline, to, "decline_over", is_over=True)


def _about_decline(decline: int, to: str, template: str, *, is_over: bool) -> Email | None:
    row, contact = exposure.find_by_id(decline), accounts.find_person(to)
    if row is None or (row.taken_back_at is not None) is not is_over or contact is None or not contact.is_active:
        return None
    if not allows(contact, SEE_DECLINED):
        return None
    if row.taken_back_at is not None and not _was_told(f"acknowledgements.declined:{decline}:{to}", row.taken_back_at):
        return None
    return Email(
        template=f"acknowledgements/emails/{template}",
        to_address=contact.sign_in_name,
        to_name=contact.name_in(contact.language),
        salutation=contact.addressed_in(contact.language),
        language=contact.language,
        values={
            "name": row.person.name_in(contact.language),
            "number": row.version.number,
            "address": row.person.sign_in_name,
            "href": public_url("acknowledgements.list_declined"),
        },
    )


def _was_told(effect_key: str, until: datetime) -> bool:
    """Say whether the mail that something began was written before it was over; else that it is over says nothing."""
    owed = jobs.find_job(f"mail:{effect_key}")
    # One of long ago is not kept.
    if owed is None:
        return True
    is_written = owed.state in (jobs.JobState.RUNNING, jobs.JobState.DONE)
    return is_written and owed.started_at is not None and owed.started_at <= until


def _was_told_of_aside(row: MaterialAside | None) -> bool:
    """Say whether the person was told of this, or of what it took the place of without a mail that that is over."""
    while row is not None and row.ended_at is not None:
        if _was_told(f"acknowledgements.material_aside:{row.id}", row.ended_at):
            return True
        before = exposure.find_aside_before(row)
        is_over = before is not None and jobs.find_job(f"mail:acknowledgements.material_again:{before.id}") is not None
        row = before if not is_over else None
    return False


@email("acknowledgements.material_aside", describe=_describe_declined)
def material_aside(aside: int) -> Email | None:
    """Tell a person what is set aside for her; nothing where that has ended meanwhile."""
    return _about_aside(aside, "material_aside", is_over=False)


@email("acknowledgements.material_again", describe=_describe_declined)
def material_again(aside: int) -> Email | None:
    """Tell a person that what was set aside for her is assigned again."""
    return _about_aside(aside, "material_again", is_over=True)


def _about_aside(aside: int, template: str, *, is_over: bool) -> Email | None:
    row = exposure.find_aside(aside)
    if row is None or (row.ended_at is not None) is not is_over or not row.person.is_active:
        return None
    if is_over and not _was_told_of_aside(row):
        return None
    person = row.person
    return Email(
        template=f"acknowledgements/emails/{template}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "level": row.level,
            "until": row.until_on,
            "by": row.set_by.name_in(person.language),
            "href": public_url("organisation.wellbeing"),
        },
    )


def _about(request: AcknowledgementRequest | None, template: str) -> Email | None:
    """Nothing to somebody who has confirmed meanwhile, is not asked any more, has left, or is away."""
    if request is None or request.closed_at is not None or request.campaign.closed_at is not None:
        return None
    person = request.person
    if not person.is_active or queries.is_on_leave(person, clock.now()):
        return None
    if exposure.list_spared([request.id]):
        return None
    version = request.campaign.version
    titles = library.list_titles([version.id], person.language)
    return Email(
        template=f"acknowledgements/emails/{template}",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "document": titles[version.id],
            "number": version.number,
            "due": _due(request, person),
            "minutes": request.minutes,
            "effective_at": version.effective_at,
            "zone": version.zone,
            "is_ahead": version.effective_at > clock.now(),
            "is_overdue": request.due_at <= clock.now(),
            "is_emergency": request.campaign.hours is not None,
            # Empty once those who look after her have been told.
            "told_on": clock.local_date(request.escalate_at, person.time_zone) if request.escalate_at else None,
            "is_first": request.from_version_id is None,
            "href": public_url("acknowledgements.delta", slug=version.document.slug),
        },
    )


def _due(request: AcknowledgementRequest, person: Person) -> dict[str, Any]:
    """Return the date, or where it is an instant that counts that one in her zone."""
    by_the_hour = request.days == 0 or is_due_at_effect(request, request.campaign)
    return {"on": request.due_on, "at": request.due_at if by_the_hour else None, "zone": person.time_zone}


@email("acknowledgements.overdue", describe=_describe_overdue)
def overdue(campaign: str, to: str, told: Mapping[str, Sequence[int]]) -> Email | None:
    """Tell somebody who of those that she looks after has not confirmed in time; nothing where all have by now.

    `told`: as what she is told → the requests.
    """
    found = queries.find_campaigns([campaign]).get(campaign)
    person = accounts.find_person(to)
    if found is None or found.closed_at is not None or person is None or not person.is_active:
        return None
    groups = [(as_, still_overdue(told.get(as_.value, ()))) for as_ in ToldAs]
    groups = [(as_, requests) for as_, requests in groups if requests]
    if not groups:
        return None
    version = found.version
    return Email(
        template="acknowledgements/emails/overdue",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "document": library.list_titles([version.id], person.language)[version.id],
            "number": version.number,
            "told_as": groups[0][0].value,
            "count": sum(len(requests) for _as, requests in groups),
            "groups": [
                (as_.value, [each.person.name_in(person.language) for each in requests]) for as_, requests in groups
            ],
            "effective_at": version.effective_at,
            "zone": version.zone,
            "is_ahead": version.effective_at > clock.now(),
            # Mentors do not see campaigns.
            "href": public_url("acknowledgements.campaign", code=found.code)
            if allows(person, SEE_CAMPAIGN, found)
            else None,
        },
    )


@email("acknowledgements.question_asked", describe=_describe_questions)
def question_asked(code: str, to: str) -> Email | None:
    """Tell who answers for a document that somebody has a question; nothing once it is answered."""
    question = questions.find_questions([code]).get(code)
    person = accounts.find_person(to)
    if question is None or question.answered_at is not None or person is None or not person.is_active:
        return None
    return Email(
        template="acknowledgements/emails/question_asked",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "document": library.list_titles([question.version_id], person.language)[question.version_id],
            "clause": library.clause_headings(question.version, person.language).get(question.anchor, ""),
            "name": question.person.name_in(person.language),
            "body": question.body,
            "href": public_url("acknowledgements.question", code=code),
            "clause_href": _clause_address(question),
        },
    )


@email("acknowledgements.question_answered", describe=_describe_answers)
def question_answered(code: str) -> Email | None:
    """Give the answer to who asked."""
    question = questions.find_questions([code]).get(code)
    if question is None or question.answered_at is None or not question.person.is_active:
        return None
    person = question.person
    return Email(
        template="acknowledgements/emails/question_answered",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "document": library.list_titles([question.version_id], person.language)[question.version_id],
            "clause": library.clause_headings(question.version, person.language).get(question.anchor, ""),
            "body": question.body,
            "answer": question.answer,
            # What she was asked to confirm may have been confirmed or closed since.
            "waits": queries.find_open_request(person, question.version.document) is not None,
            "href": public_url("acknowledgements.delta", slug=question.version.document.slug),
            "clause_href": _clause_address(question),
        },
    )


def _clause_address(question: ClauseQuestion) -> str:
    """Return where the clause that is asked about is read; the question and its answer stand beside it."""
    version = question.version
    address = public_url("library.read_version", slug=version.document.slug, number=version.number)
    return f"{address}#{question.anchor}" if question.anchor else address
