"""Reports that are sent each week: set up, changed, sent once to each person, and ended, by hand or by themselves."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds, set_owner
from portal.calendars import queries as calendars
from portal.calendars.rules import ONE_DAY, DueDate, WorkingCalendar, YearNotInTable
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS
from portal.core import clock, jobs
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import insert, session
from portal.core.i18n import force_locale
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Outside, Progress
from portal.core.mail import send_later
from portal.journal.service import record
from portal.reports import rules
from portal.reports.errors import (
    AlreadyScheduled,
    CohortRefused,
    NobodyChosen,
    NotSent,
    RecipientRefused,
    ScheduleChangedMeanwhile,
)
from portal.reports.formats import cohort_sheet
from portal.reports.models import ReportFile, ReportRecipient, ReportSchedule, ReportSending
from portal.reports.permissions import OWNED_KIND, SEND_REPORT
from portal.reports.queries import follow
from portal.reports.queries import schedules as queries
from portal.reports.rules import FileFormat, RecipientEnd, ScheduleEnd, Week
from portal.reports.service import cohort_reports, files
from portal.training.queries.cohort_drafts import lock_cohort

JOB = "reports.send"


# --- Setting up and ending ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to be sent: of which cohort and plan, when, in which form, to whom.

    `weekday` is 0 on Mondays, `hour` the full hour in the market's zone; `language` None: that of each recipient.
    """

    cohort: Cohort
    plan_slug: str
    weekday: int
    hour: int
    with_pdf: bool
    with_xlsx: bool
    recipients: Collection[Person]
    language: str | None = None


def set_up(*, wanted: Wanted, by: Person) -> ReportSchedule:
    """Let the report of a cohort be sent each week from the next such weekday on; whoever sets it up owns it.

    Raises `NobodyChosen`, `RecipientRefused`, `AlreadyScheduled`.
    """
    _check(wanted, by.code)
    found = ReportSchedule(
        code=new_code(),
        cohort=wanted.cohort,
        plan_slug=wanted.plan_slug,
        weekday=wanted.weekday,
        hour=wanted.hour,
        with_pdf=wanted.with_pdf,
        with_xlsx=wanted.with_xlsx,
        language=wanted.language,
        begins_on=_begins_on(wanted),
        created_at=clock.now(),
        created_by=by.code,
        revision=0,
        recipients=[ReportRecipient(person=person) for person in wanted.recipients],
    )
    session.add(found)
    session.flush()
    set_owner(kind=OWNED_KIND, code=found.code, owner=by, by=by)
    record(
        "reports.schedule_set_up",
        by=by,
        subject=("report_schedule", found.code),
        after={
            "cohort": wanted.cohort.code,
            "weekday": wanted.weekday,
            "hour": wanted.hour,
            "recipients": sorted(person.code for person in wanted.recipients),
        },
    )
    return found


def change(*, schedule: ReportSchedule, wanted: Wanted, seen: int, by: Person) -> bool:
    """Let the report be sent otherwise from now on; say whether that is another thing than before.

    `seen` is the revision that the person had before her. Where its day or hour changes, the next report is that of the
    next such hour, never one of a day that is over; it tells of the days since the last one. Raises `NotSent`,
    `ScheduleChangedMeanwhile`, `CohortRefused`, `NobodyChosen`, `RecipientRefused`, `AlreadyScheduled`.
    """
    found = queries.lock_schedule(schedule.id)
    if found.ended_at is not None:
        raise NotSent()
    if found.revision != seen:
        raise ScheduleChangedMeanwhile()
    if wanted.cohort.id != found.cohort_id and not allows(by, SEND_REPORT, wanted.cohort):
        raise CohortRefused()
    _check(wanted, found.created_by, found)
    before, moves = _facts(_present(found)), _moves(found, wanted)
    found.cohort, found.plan_slug = wanted.cohort, wanted.plan_slug
    found.weekday, found.hour, found.language = wanted.weekday, wanted.hour, wanted.language
    found.with_pdf, found.with_xlsx = wanted.with_pdf, wanted.with_xlsx
    if moves:
        found.begins_on = _begins_on(wanted)
    _change_recipients(found, wanted.recipients)
    after = _facts(wanted)
    changed = {name for name, value in after.items() if value != before[name]}
    if not changed:
        return False
    found.revision += 1
    session.flush()
    record(
        "reports.schedule_changed",
        by=by,
        subject=("report_schedule", found.code),
        before={name: before[name] for name in before if name in changed},
        after={name: after[name] for name in after if name in changed},
    )
    return True


def _check(wanted: Wanted, created_by: str, present: ReportSchedule | None = None) -> None:
    if not wanted.recipients:
        raise NobodyChosen()
    if not all(person.is_active and allows(person, SEE_COHORT, wanted.cohort) for person in wanted.recipients):
        raise RecipientRefused()
    # Two that are sent off at once come one after the other.
    lock_cohort(wanted.cohort)
    same = queries.find_same(
        wanted.cohort,
        wanted.plan_slug,
        wanted.weekday,
        wanted.hour,
        by=created_by,
        besides=present.id if present is not None else None,
    )
    if same is not None:
        raise AlreadyScheduled(same.code)


def _begins_on(wanted: Wanted) -> date:
    """Return the first weekday from now on; today's only where its hour is still to come."""
    now = clock.now().astimezone(clock.zone_info(wanted.cohort.market.time_zone))
    return rules.next_weekday(now.date() if now.hour < wanted.hour else now.date() + ONE_DAY, wanted.weekday)


def _moves(schedule: ReportSchedule, wanted: Wanted) -> bool:
    """Say whether the day or hour changes; another cohort may have its holidays in another country."""
    return (schedule.weekday, schedule.hour, schedule.cohort_id) != (wanted.weekday, wanted.hour, wanted.cohort.id)


def _present(schedule: ReportSchedule) -> Wanted:
    return Wanted(
        cohort=schedule.cohort,
        plan_slug=schedule.plan_slug,
        weekday=schedule.weekday,
        hour=schedule.hour,
        with_pdf=schedule.with_pdf,
        with_xlsx=schedule.with_xlsx,
        recipients=[each.person for each in schedule.recipients if each.ended_at is None],
        language=schedule.language,
    )


def _facts(wanted: Wanted) -> dict[str, Any]:
    files_wanted = ((FileFormat.PDF, wanted.with_pdf), (FileFormat.XLSX, wanted.with_xlsx))
    return {
        "cohort": wanted.cohort.code,
        "plan": wanted.plan_slug,
        "weekday": wanted.weekday,
        "hour": wanted.hour,
        "attached": [kind.value for kind, is_wanted in files_wanted if is_wanted],
        "language": wanted.language or "account",
        "recipients": sorted(person.code for person in wanted.recipients),
    }


def _change_recipients(schedule: ReportSchedule, wanted: Collection[Person]) -> None:
    rows = {each.person_id: each for each in schedule.recipients}
    ids = {person.id for person in wanted}
    for each in rows.values():
        if each.ended_at is None and each.person_id not in ids:
            each.ended_at, each.end_reason = clock.now(), RecipientEnd.REMOVED
        elif each.ended_at is not None and each.person_id in ids:
            each.ended_at = each.end_reason = None
    schedule.recipients.extend(ReportRecipient(person=person) for person in wanted if person.id not in rows)


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
    owner_needs = OwnerNeeds((Role.LEAD, Role.AUTHOR, Role.ADMIN))

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the schedules that exist."""
        found = queries.list_schedules_of(codes)
        sent = queries.last_sent([each.id for each in found])
        books = calendars.read_calendars([each.cohort.market for each in found])
        return {
            each.code: OwnedThing(
                str(each.cohort.name),
                f"/cohorts/{each.cohort.code}",
                is_live=each.ended_at is None,
                needs=SEE_COHORTS,
                due_on=_sending_on(each, sent, books) if each.ended_at is None else None,
                due_what=_l("Next sending"),
                market_codes=frozenset([each.cohort.market.code]),
                team_code=each.cohort.team.code if each.cohort.team else None,
                cohort_code=each.cohort.code,
            )
            for each in found
        }

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of those that have not ended."""
        return queries.list_open_codes()


def _sending_on(
    schedule: ReportSchedule, sent: Mapping[int, tuple[date, Any]], books: calendars.Calendars
) -> date | None:
    last = sent.get(schedule.id)
    calendar = books.of(schedule.cohort.market_id)
    try:
        found = _next(schedule.cohort, schedule.weekday, schedule.begins_on, last[0] if last else None, calendar)
    except YearNotInTable:
        return None
    return found.sent_on.on


# --- When ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Next:
    """The next report of a schedule: the weekday that it belongs to, and the day on which it is sent, explained."""

    nominal: date
    sent_on: DueDate


def next_of(schedule: ReportSchedule, sent: date | None) -> Next:
    """Return when the next report goes out; `sent` is the weekday of the last one."""
    return _next(schedule.cohort, schedule.weekday, schedule.begins_on, sent)


def next_if(schedule: ReportSchedule, wanted: Wanted, sent: date | None) -> Next:
    """Return when the next report would go out if the schedule were changed now."""
    begins_on = _begins_on(wanted) if _moves(schedule, wanted) else schedule.begins_on
    return _next(wanted.cohort, wanted.weekday, begins_on, sent)


def _next(
    cohort: Cohort, weekday: int, begins_on: date, sent: date | None, calendar: WorkingCalendar | None = None
) -> Next:
    today = clock.today(cohort.market.time_zone)
    after = sent + ONE_DAY if sent is not None else begins_on
    # One that is due already, and not sent yet, is the next one.
    nominal = rules.next_weekday(max(begins_on, after), weekday)
    calendar = calendar or calendars.working_calendar(cohort.market)
    while rules.sending_day(nominal, calendar).on < today:
        nominal = rules.next_weekday(nominal + ONE_DAY, weekday)
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
    # Of whom another worker was faster comes no row back.
    added = session.execute(
        insert(ReportSending.__table__)
        .values(
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
    return (
        bool(following.people)
        and not following.uncountable
        and all(
            each.completed_at is not None
            and each.path is not None
            and clock.local_date(each.completed_at, each.path.zone) < week.first
            for each in following.people
        )
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
        missing = [each.person.code for each in read.following.left_out] if read is not None else []
        left_out = {"left_out": list(dict.fromkeys(missing))} if missing else {}
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
                {"to": person, "schedule": schedule, "week_of": week_of, "attached": codes} | left_out,
                effect_key=f"report:{schedule}:{week_of}:{person}",
            )
        yield Progress(place, len(groups))


def _groups(schedule: ReportSchedule, people: Sequence[Person]) -> list[_Group]:
    following = follow(schedule.cohort, schedule.plan_slug or None)
    learning = {each.person_id for each in following.everybody}
    groups: dict[tuple[str, int], list[str]] = {}
    for person in people:
        groups.setdefault((schedule.language or person.language, person.id if person.id in learning else 0), []).append(
            person.code
        )
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
