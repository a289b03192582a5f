"""Leave that is entered with something else, such as a handover: kept to the days of that, and told with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from portal.accounts.models import Person
from portal.calendars import queries
from portal.calendars.models import Leave
from portal.calendars.rules import ONE_DAY, WorkingCalendar, YearNotInTable
from portal.calendars.service import moves
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record

# First and last day.
Period = tuple[date, date]
# Longer absences are recorded in parts: each is looked at again.
LONGEST_LEAVE_DAYS = 366


class Source(NamedTuple):
    """With what leave is entered, by kind and code."""

    kind: str
    code: str


# The days that the leave of a source is to have; None: none.
Wanted = tuple[Source, Period | None]


@dataclass(frozen=True, slots=True)
class SourceTold:
    """What leave was entered with, in words; whose, and which days it stands for now (None: for none)."""

    title: str
    href: str
    person_id: int
    period: Period | None


class KnowsSources(Protocol):
    """Somebody with whose things leave is entered."""

    def __call__(self, codes: Collection[str]) -> Mapping[str, SourceTold]:
        """Return those of the codes that exist, in one statement."""


_known: dict[str, KnowsSources] = {}


def register_source(kind: str, knows: KnowsSources) -> None:
    """Ask this one about what leave was entered with."""
    _known[kind] = knows


def find_sources(sources: Iterable[Source]) -> dict[Source, SourceTold]:
    """Return those of the sources that exist, one statement a kind."""
    by_kind: dict[str, set[str]] = {}
    for each in sources:
        by_kind.setdefault(each.kind, set()).add(each.code)
    return {
        Source(kind, code): told
        for kind, codes in by_kind.items()
        if kind in _known
        for code, told in _known[kind](codes).items()
    }


def source_of(leave: Leave) -> Source | None:
    """Return with what a leave was entered; None: on a page of leave."""
    return Source(leave.with_kind, leave.with_code) if leave.with_kind and leave.with_code else None


def other_days(person: Person, wanted: Sequence[Wanted]) -> moves.CalendarChange:
    """Return what it would be if the leave of these sources were kept to these days, one after the other."""
    rows = _after(person, queries.list_leave(person.id), wanted)
    return moves.other_leave(
        person.id, frozenset(day for first, last, _of in rows for day in queries.days_of(first, last))
    )


def keep(*, person: Person, source: Source, period: Period | None, by: Person) -> bool:
    """Let the leave that is entered with a source cover these days and no others; say whether anything changed.

    Days that are leave already, however that was entered, are not recorded twice, and spans in which she never works
    not at all. Raises `HolidayYearUnknown` where a date of hers would fall into a year without a holiday table.
    """
    moves.lock([person.id])
    standing = queries.list_leave(person.id)
    wanted = {(first, last) for first, last, of in _after(person, standing, [(source, period)]) if of == source}
    own = [each for each in standing if source_of(each) == source]
    gone = [each for each in own if (each.first_on, each.last_on) not in wanted]
    new = sorted(wanted - {(each.first_on, each.last_on) for each in own})
    if not gone and not new:
        return False
    moves.check(other_days(person, [(source, period)]))
    now, subject = clock.now(), ("person", person.code)
    for row in gone:
        row.withdrawn_at, row.withdrawn_by = now, by.code
        session.flush()
        days = f"{row.first_on}/{row.last_on}"
        record("calendars.leave_withdrawn", by=by, subject=subject, before={"days": days})
    for first, last in new:
        session.add(
            Leave(
                person_id=person.id,
                first_on=first,
                last_on=last,
                with_kind=source.kind,
                with_code=source.code,
                recorded_at=now,
                recorded_by=by.code,
            )
        )
        session.flush()
        record("calendars.leave_recorded", by=by, subject=subject, after={"days": f"{first}/{last}"})
    return True


def not_entered(person: Person, period: Period) -> list[Period]:
    """Return the spans of these days that are no leave of hers, but for those in which she never works."""
    covered = queries.leave_days(person.id)
    return _gaps(period, covered, _without_leave(person))


def _after(
    person: Person, standing: Iterable[Leave], wanted: Sequence[Wanted]
) -> list[tuple[date, date, Source | None]]:
    rows = [(each.first_on, each.last_on, source_of(each)) for each in standing]
    calendar = _without_leave(person)
    for source, period in wanted:
        rows = [each for each in rows if each[2] != source]
        if period is not None:
            covered = {day for first, last, _of in rows for day in queries.days_of(first, last)}
            rows += [(first, last, source) for first, last in _gaps(period, covered, calendar)]
    return rows


def _without_leave(person: Person) -> WorkingCalendar:
    return replace(queries.working_calendar(person.home_market, person.id), leave=frozenset())


def _gaps(period: Period, covered: Collection[date], calendar: WorkingCalendar) -> list[Period]:
    """Return the runs of days that are not covered and not free throughout, none longer than a leave can be."""
    runs: list[list[date]] = []
    for day in queries.days_of(*period):
        if day in covered:
            continue
        if runs and runs[-1][-1] == day - ONE_DAY and len(runs[-1]) < LONGEST_LEAVE_DAYS:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [(run[0], run[-1]) for run in runs if any(_may_work(calendar, day) for day in run)]


def _may_work(calendar: WorkingCalendar, day: date) -> bool:
    try:
        return calendar.is_working_day(day)
    except YearNotInTable:
        return True


def until_before(period: Period | None, day: date) -> Period | None:
    """Return what of these days lies before a day."""
    if period is None or period[0] >= day:
        return None
    return period[0], min(period[1], day - timedelta(days=1))
