"""Reports that are sent each week: set up, sent once to each person, and ended, by hand or by themselves."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.ownership import OwnedThing, set_owner
from portal.calendars import queries as calendars
from portal.calendars.rules import ONE_DAY, DueDate
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT
from portal.core import clock, jobs
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Outside, Progress
from portal.core.mail import send_later
from portal.journal.service import record
from portal.reports import rules
from portal.reports.errors import AlreadyScheduled, NobodyChosen, NotSent, RecipientRefused
from portal.reports.formats import cohort_sheet
from portal.reports.models import ReportFile, ReportRecipient, ReportSchedule, ReportSending
from portal.reports.queries import follow
from portal.reports.queries import schedules as queries
from portal.reports.rules import FileFormat, RecipientEnd, ScheduleEnd, Week
from portal.reports.service import cohort_reports, files
from portal.training.queries.cohort_drafts import lock_cohort

OWNED_KIND = "report_schedule"
JOB = "reports.send"


# --- Setting up and ending ---------------------------------------------------------------------


def set_up(
    *,
    cohort: Cohort,
    plan_slug: str,
    weekday: int,
    hour: int,
    with_pdf: bool,
    with_xlsx: bool,
    recipients: Collection[Person],
    by: Person,
) -> ReportSchedule:
    """Let the report of a cohort be sent each week from the next such weekday on; whoever sets it up owns it.

    Raises `NobodyChosen`, `RecipientRefused`, `AlreadyScheduled`.
    """
    if not recipients:
        raise NobodyChosen()
    if not all(person.is_active and allows(person, SEE_COHORT, cohort) for person in recipients):
        raise RecipientRefused()
    # Two that are sent off at once come one after the other.
    lock_cohort(cohort)
    if (same := queries.find_same(cohort, plan_slug, weekday, hour, by)) is not None:
        raise AlreadyScheduled(same.code)
    now = clock.now().astimezone(clock.zone_info(cohort.market.time_zone))
    tomorrow = now.date() + ONE_DAY
    found = ReportSchedule(
        code=new_code(),
        cohort=cohort,
        plan_slug=plan_slug,
        weekday=weekday,
        hour=hour,
        with_pdf=with_pdf,
        with_xlsx=with_xlsx,
        # Today's only where its hour is still to come.
        begins_on=rules.next_weekday(now.date() if now.hour < hour else tomorrow, weekday),
        created_at=clock.now(),
        created_by=by.code,
        recipients=[ReportRecipient(person=person) for person in recipients],
    )
    session.add(found)
    session.flush()
    set_owner(kind=OWNED_KIND, code=found.code, owner=by, by=by)
    record(
        "reports.schedule_set_up",
        by=by,
        subject=("report_schedule", found.code),
        after={
            "cohort": cohort.code,
            "weekday": weekday,
            "hour": hour,
            "recipients": sorted(person.code for person in recipients),
        },
    )
    return found


def end(*, schedule: ReportSchedule, by: Person) -> None:
    """Send the report no longer. Raises `NotSent`."""
    if schedule.ended_at is not None:
        raise NotSent()
    _end(schedule, ScheduleEnd.BY_HAND, by)


def unsubscribe(*, schedule: ReportSchedule, person: Person) -> None:
    """Let a person get the report no longer. Raises `NotSent` where she does not."""
    found = queries.find_recipient(schedule, person)
    if found is None or found.ended_at is not None or schedule.ended_at is not None:
        raise NotSent()
    _leave(schedule, found, RecipientEnd.UNSUBSCRIBED, person)


def _end(schedule: ReportSchedule, why: ScheduleEnd, by: Person | None) -> None:
    schedule.ended_at, schedule.end_reason = clock.now(), why
    session.flush()
    record(
        "reports.schedule_ended",
        by=by,
        subject=("report_schedule", schedule.code),
        after={"cohort": schedule.cohort.code, "why": why.value},
    )
    if by is None:
        _tell_owner(schedule)


def _leave(schedule: ReportSchedule, found: ReportRecipient, why: RecipientEnd, by: Person | None) -> None:
    found.ended_at, found.end_reason = clock.now(), why
    session.flush()
    record(
        "reports.recipient_left",
        by=by,
        subject=("report_schedule", schedule.code),
        after={"cohort": schedule.cohort.code, "recipient": found.person.code, "why": why.value},
    )
    if by is None:
        _tell_owner(schedule, found)


def owner_of(schedule: ReportSchedule) -> Person | None:
    """Return who answers for the schedule."""
    found = accounts.find_owner(OWNED_KIND, schedule.code)
    return found.owner if found is not None else None


def _tell_owner(schedule: ReportSchedule, recipient: ReportRecipient | None = None) -> None:
    about = recipient.person.code if recipient is not None else ""
    send_later(
        "reports.schedule_changed",
        {"schedule": schedule.code, "recipient": about},
        effect_key=f"report-schedule:{schedule.code}:{about or 'end'}",
    )


class OwnedSchedules:
    """Reports that are sent each week, as things that somebody answers for."""

    kind = OWNED_KIND
    name = _l("Weekly report")

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the schedules that exist."""
        return {
            each.code: OwnedThing(str(each.cohort.name), None, is_live=each.ended_at is None)
            for each in queries.list_schedules_of(codes)
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of those that have not ended."""
        return queries.list_open_codes()


# --- When ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Next:
    """The next report of a schedule: the weekday that it belongs to, and the day on which it is sent, explained."""

    nominal: date
    sent_on: DueDate


def next_of(schedule: ReportSchedule, sent: date | None) -> Next:
    """Return when the next report goes out; `sent` is the weekday of the last one."""
    market = schedule.cohort.market
    today = clock.today(market.time_zone)
    after = sent + ONE_DAY if sent is not None else schedule.begins_on
    # One that is due already, and not sent yet, is the next one.
    nominal = rules.next_weekday(max(schedule.begins_on, after), schedule.weekday)
    calendar = calendars.working_calendar(market)
    while rules.sending_day(nominal, calendar).on < today:
        nominal = rules.next_weekday(nominal + ONE_DAY, schedule.weekday)
    return Next(nominal, rules.sending_day(nominal, calendar))


# --- Sending -----------------------------------------------------------------------------------


def sweep() -> Iterator[Progress]:
    """Owe the reports that are due, schedule by schedule, each in its own transaction."""
    numbers = queries.list_open_ids()
    yield Progress(0, len(numbers))
    for place, number in enumerate(numbers, start=1):
        owe(queries.lock_schedule(number))
        yield Progress(place, len(numbers))


def owe(schedule: ReportSchedule) -> bool:
    """Owe the report of a schedule where it is due; say whether it was owed now.

    Whoever may no longer see the cohort gets it no longer, and where the cohort is through it ends; the owner is told.
    """
    if schedule.ended_at is not None:
        return False
    cohort = schedule.cohort
    now = clock.now().astimezone(clock.zone_info(cohort.market.time_zone))
    nominal = rules.due_report(
        schedule.weekday, schedule.hour, schedule.begins_on, calendars.working_calendar(cohort.market), now
    )
    before = queries.last_sent([schedule.id]).get(schedule.id)
    if nominal is None or (before is not None and before[0] >= nominal):
        return False
    week = rules.week_before(nominal, before[0] if before is not None else None)
    if _is_through(schedule, week):
        _end(schedule, ScheduleEnd.FINISHED, None)
        return False
    staying = []
    for each in schedule.recipients:
        if each.ended_at is not None:
            continue
        if each.person.is_active and allows(each.person, SEE_COHORT, cohort):
            staying.append(each.person)
        else:
            _leave(schedule, each, RecipientEnd.NOT_ALLOWED, None)
    if not staying:
        _end(schedule, ScheduleEnd.NOBODY_LEFT, None)
        return False
    insert = (postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert)(
        ReportSending.__table__  # type: ignore[arg-type]
    )
    # Of whom another worker was faster comes no row back.
    added = session.execute(
        insert.values(
            [
                {
                    "schedule_id": schedule.id,
                    "person_id": person.id,
                    "week_of": nominal,
                    "at": clock.now(),
                    "first_on": week.first,
                    "last_on": week.last,
                }
                for person in staying
            ]
        )
        .on_conflict_do_nothing()
        .returning(ReportSending.id)
    ).all()
    if not added:
        return False
    jobs.enqueue(
        JOB,
        {"schedule": schedule.code, "week_of": nominal.isoformat()},
        effect_key=f"{JOB}:{schedule.code}:{nominal.isoformat()}",
    )
    return True


def _is_through(schedule: ReportSchedule, week: Week) -> bool:
    """Say whether there is nothing to report any more: withdrawn, or everybody had completed before the week."""
    if schedule.cohort.withdrawn_at is not None:
        return True
    following = follow(schedule.cohort, schedule.plan_slug or None)
    return bool(following.people) and all(
        each.completed_at is not None
        and each.path is not None
        and clock.local_date(each.completed_at, each.path.zone) < week.first
        for each in following.people
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """People who get the same files: in one language, and with nothing kept from one of them alone."""

    language: str
    viewer_id: int
    people: Sequence[str]


def send(schedule: str, week_of: str) -> Generator[Any, Any, None]:
    """Make the files of a week and owe the mails; the steps of a job. What was owed before is not owed again."""
    found = queries.find_schedule(schedule)
    if found is None:
        return
    sendings = queries.list_sendings(found, date.fromisoformat(week_of))
    if not sendings:
        return
    week = Week(sendings[0][0].first_on, sendings[0][0].last_on)
    groups = _groups(found, [person for _sending, person in sendings])
    yield Progress(0, len(groups))
    for place, group in enumerate(groups, start=1):
        found = queries.get_schedule(schedule)
        codes: list[str] = []
        read = cohort_reports.read(found.cohort, found.plan_slug or None, week, viewer_id=group.viewer_id)
        if read is not None and (found.with_pdf or found.with_xlsx):
            with force_locale(group.language):
                report = cohort_reports.told(read)
            wanted = [
                kind
                for kind, is_wanted in ((FileFormat.PDF, found.with_pdf), (FileFormat.XLSX, found.with_xlsx))
                if is_wanted
            ]
            made: list[bytes] = yield Outside(
                lambda wanted=wanted, report=report: [_made(kind, report) for kind in wanted]  # type: ignore[misc]
            )
            found = queries.get_schedule(schedule)
            codes = [each.code for each in _keep(found, week, group, list(zip(wanted, made, strict=True)))]
        for person in group.people:
            send_later(
                "reports.weekly",
                {"to": person, "schedule": schedule, "week_of": week_of, "attached": codes},
                effect_key=f"report:{schedule}:{week_of}:{person}",
            )
        yield Progress(place, len(groups))


def _groups(schedule: ReportSchedule, people: Sequence[Person]) -> list[_Group]:
    following = follow(schedule.cohort, schedule.plan_slug or None)
    learning = {each.person_id for each in following.people}
    groups: dict[tuple[str, int], list[str]] = {}
    for person in people:
        groups.setdefault((person.language, person.id if person.id in learning else 0), []).append(person.code)
    return [_Group(tag, viewer_id, codes) for (tag, viewer_id), codes in sorted(groups.items())]


def _made(kind: FileFormat, report: cohort_sheet.CohortSheet) -> bytes:
    return files.print_cohort(report) if kind is FileFormat.PDF else cohort_sheet.workbook_of(report)


def _keep(
    schedule: ReportSchedule, week: Week, group: _Group, made: Sequence[tuple[FileFormat, bytes]]
) -> list[ReportFile]:
    by = owner_of(schedule) or accounts.get_person(group.people[0])
    return [
        files.keep_for_mail(
            cohort=schedule.cohort,
            schedule=schedule.code,
            week=week,
            kind=kind,
            language=group.language,
            content=content,
            by=by,
        )
        for kind, content in made
    ]
