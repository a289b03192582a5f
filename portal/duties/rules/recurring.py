"""When a recurring task falls due: pure rules that explain each of their days, and what became of the days so far."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.calendars.rules import (
    ONE_DAY,
    ONE_WEEK,
    Count,
    DayOff,
    Derivation,
    WorkingCalendar,
    YearNotInTable,
    add_working_days,
)
from portal.duties.rules import Rhythm, WhenOff

# Beyond these a rhythm is not one that anybody remembers; a month has rarely more working days.
MOST_WORKING_DAYS, MOST_WEEKS, MOST_MONTHS, MOST_DAY_OF_MONTH = 60, 26, 24, 20
MOST_OF = {Rhythm.EVERY: MOST_WORKING_DAYS, Rhythm.WEEKLY: MOST_WEEKS, Rhythm.MONTHLY: MOST_MONTHS}


@dataclass(frozen=True, slots=True)
class Terms:
    """In what rhythm a task falls due from a day on, which is the first on which it can; `ends_on` is no day of it."""

    rhythm: Rhythm
    every: int
    starts_on: date
    weekday: int | None = None
    when_off: WhenOff | None = None
    working_day: int | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class DueDay:
    """A day on which a task falls due, and how it came about.

    `wished` is the day that the rhythm alone names, where it names one: the weekday, else the first day of the month
    or its last. `off` says why that is not worked. `is_shorter` says that the month has fewer working days than wanted.
    """

    on: date
    derivation: Derivation
    wished: date | None = None
    off: DayOff | None = None
    is_shorter: bool = False


def due_days(terms: Terms, calendar: WorkingCalendar) -> Iterator[DueDay]:
    """Yield the days on which a task falls due, one after the other, every one a working day; none comes twice.

    Raises `YearNotInTable` as soon as one would lie in a year that the calendar does not know.
    """
    match terms.rhythm:
        case Rhythm.EVERY:
            found = _every(terms, calendar)
        case Rhythm.WEEKLY:
            found = _weekly(terms, calendar)
        case Rhythm.MONTHLY:
            found = _monthly(terms, calendar)
    last: date | None = None
    for each in found:
        if terms.ends_on is not None and each.on >= terms.ends_on:
            return
        # Two weeks without a working day between them end on the same one.
        if each.on >= terms.starts_on and (last is None or each.on > last):
            yield each
            last = each.on


def _every(terms: Terms, calendar: WorkingCalendar) -> Iterator[DueDay]:
    found = add_working_days(terms.starts_on, 0, calendar)
    while True:
        yield DueDay(found.on, found.derivation)
        found = add_working_days(found.on, terms.every, calendar)


def _weekly(terms: Terms, calendar: WorkingCalendar) -> Iterator[DueDay]:
    assert terms.weekday is not None
    wished = terms.starts_on + timedelta(days=(terms.weekday - terms.starts_on.weekday()) % 7)
    while True:
        off = calendar.day_off(wished)
        number = -1 if off is not None and terms.when_off is WhenOff.BEFORE else 0
        found = add_working_days(wished, number, calendar)
        yield DueDay(found.on, found.derivation, wished, off)
        wished += terms.every * ONE_WEEK


def _monthly(terms: Terms, calendar: WorkingCalendar) -> Iterator[DueDay]:
    month = terms.starts_on.replace(day=1)
    is_first = True
    while True:
        found = _of_month(month, terms.working_day or 1, calendar)
        # The months are counted from the first in which the day lies in the time of the terms.
        if is_first and (found is None or found.on < terms.starts_on):
            month = _months_on(month, 1)
            continue
        is_first = False
        if found is not None:
            yield found
        month = _months_on(month, terms.every)


def _of_month(first: date, number: int, calendar: WorkingCalendar) -> DueDay | None:
    """Return the so-manieth working day of a month, from its end where negative; None where nobody works in it.

    Where the month has fewer working days it is the last, or from the end the first, of them.
    """
    following = _months_on(first, 1)
    start, wished = (first, first) if number > 0 else (following, following - ONE_DAY)
    count = Count(start, calendar)
    wanted = number - 1 if number > 0 else number
    for tried in range(wanted, -1, -1) if number > 0 else range(wanted, 0):
        try:
            found = count.after(tried)
        except YearNotInTable:
            # The month is known, what lies behind its end need not be.
            if tried == (0 if number > 0 else -1) or not _is_known(first, calendar):
                raise
            continue
        if first <= found.on < following:
            return DueDay(found.on, found.derivation, wished, calendar.day_off(wished), tried != wanted)
    return None


def _is_known(day: date, calendar: WorkingCalendar) -> bool:
    return calendar.known_years is None or day.year in calendar.known_years


def _months_on(first: date, months: int) -> date:
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def next_days(
    terms: Terms, calendar: WorkingCalendar, after: date, number: int
) -> tuple[list[DueDay], YearNotInTable | None]:
    """Return the next so many days later than `after`; fewer where a year is not known, and which one that is."""
    found: list[DueDay] = []
    try:
        for each in due_days(terms, calendar):
            if each.on > after:
                found.append(each)
            if len(found) == number:
                break
    except YearNotInTable as unknown:
        return found, unknown
    return found, None


def settled(days: Sequence[date], runs: Collection[date]) -> dict[date, date]:
    """Return which of the days a task fell due on are settled, each with the day that its run names.

    A run is that of its own day. Where that is none any more, since the market's working days changed meanwhile, it
    is that of the day nearest to it that no other run settles, the earlier of two, as long as no further day of the
    rhythm lies between them. `days` are in their order.
    """
    known = set(days)
    found = {day: day for day in runs if day in known}
    for run in sorted(set(runs) - known):
        # The day before it and the day after it.
        before = max((day for day in days if day < run), default=None)
        behind = min((day for day in days if day > run), default=None)
        near = [day for day in (before, behind) if day is not None and day not in found]
        if near:
            found[min(near, key=lambda day: (abs(day - run), day))] = run
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """How a task stands on a day: the days that are overdue, the one of today, and the next one later than today."""

    overdue: tuple[DueDay, ...]
    today: DueDay | None
    next: DueDay | None
    # The day after today's, where it is not done yet: it can be done before it comes.
    ahead: DueDay | None = None
    # The year that the calendar does not know, where the next day cannot be told for that.
    unknown: YearNotInTable | None = None

    @property
    def open(self) -> tuple[DueDay, ...]:
        """What waits to be done: the overdue days and that of today."""
        return (*self.overdue, self.today) if self.today else self.overdue

    @property
    def due_on(self) -> date | None:
        """The first day that waits, else the next one."""
        first = next(iter(self.open), self.next)
        return first.on if first is not None else None


@dataclass(frozen=True, slots=True)
class Period:
    """Terms with the calendar by which their days are counted."""

    terms: Terms
    calendar: WorkingCalendar


def all_days(periods: Sequence[Period], today: date) -> tuple[list[DueDay], DueDay | None, YearNotInTable | None]:
    """Return the days up to today, the next one, and the year that is not known where there is no next one for that.

    `periods` follow upon one another, each ending where the next begins.
    """
    found: list[DueDay] = []
    for each in periods:
        if each.terms.ends_on is not None and each.terms.ends_on <= each.terms.starts_on:
            continue
        try:
            for day in due_days(each.terms, each.calendar):
                if day.on > today:
                    return found, day, None
                found.append(day)
        except YearNotInTable as unknown:
            return found, None, unknown
    return found, None, None


def standing(periods: Sequence[Period], runs: Collection[date], today: date) -> Standing:
    """Return how a task stands on a day, with what was done of it."""
    past, following, unknown = all_days(periods, today)
    days = [each.on for each in past] + ([following.on] if following else [])
    done = settled(days, runs)
    waiting = [each for each in past if each.on not in done]
    ahead = following if following is not None and following.on not in done else None
    while following is not None and (following.on in done or following.on in runs):
        _past, following, unknown = all_days(periods, following.on)
    return Standing(
        overdue=tuple(each for each in waiting if each.on < today),
        today=next((each for each in waiting if each.on == today), None),
        next=following,
        ahead=ahead,
        unknown=unknown,
    )
