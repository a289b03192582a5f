"""The mails of reports: the report of a week, and what became of one that ends by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.service.recipients import describe_mail
from portal.cohorts.permissions import SEE_COHORT
from portal.core.access import allows
from portal.core.i18n import force_locale, format_date
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Attachment, Email, email
from portal.core.tables import XLSX_TYPE
from portal.core.web import public_url
from portal.reports.models import ReportSchedule
from portal.reports.queries import files, schedules
from portal.reports.rules import FileFormat
from portal.reports.service.files import filename_of
from portal.reports.service.schedules import owner_of

_TYPES = {FileFormat.PDF: "application/pdf", FileFormat.XLSX: XLSX_TYPE}


def _describe_weekly(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    people = {each.code: each for each in accounts.list_people_of([each["to"] for each in arguments])}
    return [
        describe_mail(_l("Mail: weekly report of a cohort"), people.get(each["to"]), each["week_of"])
        for each in arguments
    ]


def _describe_change(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return [Description(_l("Mail: a weekly report has changed")) for _each in arguments]


@email("reports.weekly", describe=_describe_weekly)
def weekly(to: str, schedule: str, week_of: str, attached: list[str], left_out: Sequence[str] = ()) -> Email | None:
    """Bring the report of a week; nothing where the person may no longer see the cohort, or takes it no longer.

    `left_out` are the codes of those who are in no number of it, since their dates cannot be computed.
    """
    person, found = accounts.find_person(to), schedules.find_schedule(schedule)
    if person is None or found is None or accounts.is_shut_out(person) or not person.is_active:
        return None
    recipient = schedules.find_recipient(found, person)
    if recipient is None or recipient.ended_at is not None or not allows(person, SEE_COHORT, found.cohort):
        return None
    sending = next(
        (each for each, one in schedules.list_sendings(found, date.fromisoformat(week_of)) if one.id == person.id), None
    )
    if sending is None:
        return None
    plan = found.plan_slug or None
    with force_locale(person.language):
        week = (format_date(sending.first_on), format_date(sending.last_on))
        name = str(found.cohort.name)
    attachments = _attachments(attached, found)
    missing = sorted(accounts.list_people_of(left_out), key=lambda each: (each.sort_key, each.id)) if left_out else []
    return Email(
        template="reports/emails/weekly",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "cohort": name,
            "first": week[0],
            "last": week[1],
            "has_files": bool(attachments),
            "left_out": [each.name_in(person.language) for each in missing],
            "report_href": public_url("reports.cohort_report", code=found.cohort.code, plan=plan),
            "schedules_href": public_url("reports.list_schedules"),
        },
        attachments=attachments,
    )


def _attachments(codes: Sequence[str], schedule: ReportSchedule) -> list[Attachment]:
    """Return what was made for the mail; not what tells of a cohort that the schedule was of before."""
    found = []
    for file in files.list_files_of(codes):
        content = files.read_content(file) if file.cohort_id == schedule.cohort_id else None
        if content is not None:
            found.append(Attachment(filename_of(file), content, _TYPES[file.format]))
    return found


@email("reports.schedule_changed", describe=_describe_change)
def schedule_changed(schedule: str, recipient: str) -> Email | None:
    """Tell the owner that a report ended by itself, or that somebody gets it no longer."""
    found = schedules.find_schedule(schedule)
    owner = owner_of(found) if found is not None else None
    if found is None or owner is None or not owner.is_active or accounts.is_shut_out(owner):
        return None
    person = accounts.find_person(recipient) if recipient else None
    with force_locale(owner.language):
        name = str(found.cohort.name)
    return Email(
        template="reports/emails/schedule_changed",
        to_address=owner.sign_in_name,
        to_name=owner.name_in(owner.language),
        salutation=owner.addressed_in(owner.language),
        language=owner.language,
        values={
            "cohort": name,
            "recipient": person.name_in(owner.language) if person is not None else "",
            "why": found.end_reason.value if found.end_reason is not None else "",
            "schedules_href": public_url("reports.list_schedules"),
        },
    )
