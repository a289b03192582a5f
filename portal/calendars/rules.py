"""Counting in working days, so that every date can say how it came about."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

ONE_DAY = timedelta(days=1)
ONE_WEEK = timedelta(days=7)
SATURDAY_AND_SUNDAY = frozenset({5, 6})
# Holidays that a government fixes by a yearly notice are certain for so many years after the
# present one. Japan announces the equinox days of the next year each February.
ANNOUNCED_AHEAD = {"JP": 1}


class Named(Protocol):
    """A text in both languages."""

    def in_(self, wanted: str) -> str:
        """Return the text in the language."""


class YearNotInTable(LookupError):
    """A day lies in a year that the holiday table does not know; nothing is guessed."""

    def __init__(self, year: int, country: str) -> None:
        self.year, self.country = year, country
        super().__init__(f"{country} {year}")


class OffReason(StrEnum):
    """Why nobody works on a day."""

    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    COMPANY_DAY = "company_day"
    REST = "rest"
    LEAVE = "leave"
    PAUSE = "pause"


# What lies with one person; everything else holds for all who share her calendar.
ABSENCES = frozenset({OffReason.LEAVE, OffReason.PAUSE})


@dataclass(frozen=True, slots=True)
class DayOff:
    """A day that is not counted, why, and its name where it has one."""

    on: date
    reason: OffReason
    name: Named | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """A shift pattern as somebody works it from one day to another, `last_on` None: until further notice.

    `cycle` says of each of its days, of which the first falls on `first_on`, whether it is worked. Whoever
    works by shifts works at weekends, and with `works_holidays` on holidays and company days too.
    """

    first_on: date
    cycle: tuple[bool, ...]
    last_on: date | None = None
    works_holidays: bool = True

    def __post_init__(self) -> None:
        if not any(self.cycle):
            raise ValueError("a cycle without a working day cannot be counted")

    def covers(self, on: date) -> bool:
        """Say whether the pattern decides about the day."""
        return self.first_on <= on and (self.last_on is None or on <= self.last_on)

    def works(self, on: date) -> bool:
        """Say whether the pattern has the day as a working day."""
        return self.cycle[(on - self.first_on).days % len(self.cycle)]


# Beyond this nobody repeats a pattern.
LONGEST_CYCLE_DAYS = 84
# What a Japanese keyboard or a word processor writes where a hyphen is meant: a long vowel, dashes, a minus.
_AS_HYPHEN = dict.fromkeys(map(ord, "\u30fc\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")


def read_cycle(text: str) -> tuple[int, ...]:
    """Return the days worked and the days off in turn that a text like "4-2" or "2-1-3-1" names.

    Raises `ValueError` for anything else, and for a cycle longer than `LONGEST_CYCLE_DAYS`.
    """
    folded = unicodedata.normalize("NFKC", text).translate(_AS_HYPHEN)
    numbers = [part.strip() for part in folded.strip().split("-")]
    if len(numbers) % 2 or not all(part.isascii() and part.isdigit() and len(part) <= 2 for part in numbers):
        raise ValueError(f"{text!r} is no cycle")
    found = tuple(int(part) for part in numbers)
    if 0 in found or sum(found) > LONGEST_CYCLE_DAYS:
        raise ValueError(f"{text!r} is no cycle")
    return found


# A closure over the turn of the year is over by then.
_NEW_YEAR_ENDS = (1, 10)


def days_of_cycle(numbers: Sequence[int]) -> tuple[bool, ...]:
    """Return of each day of a cycle whether it is worked, from days worked and days off in turn."""
    return tuple(place % 2 == 0 for place, number in enumerate(numbers) for _day in range(number))


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked: what a market, a person's shifts, leave and pauses make of the year.

    `known_years` None: there is no national table for this market, so every year will do. Of rosters that
    overlap the first counts.
    """

    country: str = ""
    known_years: range | None = None
    provisional_from: int | None = None
    holidays: Mapping[date, Named] = field(default_factory=dict)
    company_days: Mapping[date, Named] = field(default_factory=dict)
    leave: frozenset[date] = frozenset()
    weekend: frozenset[int] = SATURDAY_AND_SUNDAY
    rosters: tuple[Roster, ...] = ()
    paused: frozenset[date] = frozenset()
    # Days that the market works instead: no weekend, holiday or company day for who works by the week.
    worked: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if len(self.weekend) > 6:
            raise ValueError("a week without a working day cannot be counted")

    def day_off(self, on: date) -> DayOff | None:
        """Return why the day is not worked, or None for a working day.

        A national holiday on a Sunday is named as the holiday, because it explains the substitute
        after it. On a day that the market works instead, whoever keeps its holidays works: by the week always, by
        shifts where her shift says so. Raises `YearNotInTable`.
        """
        if self.known_years is not None and on.year not in self.known_years:
            raise YearNotInTable(on.year, self.country)
        roster = next((each for each in self.rosters if each.covers(on)), None) if self.rosters else None
        is_worked = on in self.worked
        keeps_holidays = not is_worked and (roster is None or not roster.works_holidays)
        name = self.holidays.get(on) if keeps_holidays else None
        if name is not None:
            return DayOff(on, OffReason.HOLIDAY, name)
        if roster is None:
            if on.weekday() in self.weekend and not is_worked:
                return DayOff(on, OffReason.WEEKEND)
        elif not roster.works(on):
            return DayOff(on, OffReason.REST)
        name = self.company_days.get(on) if keeps_holidays else None
        if name is not None:
            return DayOff(on, OffReason.COMPANY_DAY, name)
        if on in self.leave:
            return DayOff(on, OffReason.LEAVE)
        return DayOff(on, OffReason.PAUSE) if on in self.paused else None

    @property
    def undisturbed(self) -> WorkingCalendar:
        """The calendar without what lies with one person: her leave and pauses."""
        return replace(self, leave=frozenset(), paused=frozenset()) if self.leave or self.paused else self

    @property
    def unpaused(self) -> WorkingCalendar:
        """The calendar as if nothing had been paused."""
        return replace(self, paused=frozenset()) if self.paused else self

    def is_working_day(self, on: date) -> bool:
        """Say whether the day is worked. Raises `YearNotInTable`."""
        return self.day_off(on) is None

    def is_provisional(self, on: date) -> bool:
        """Say whether the year's holidays are computed and not yet announced."""
        return self.provisional_from is not None and on.year >= self.provisional_from

    def without_company_days(self, days: Iterable[date]) -> tuple[int, ...]:
        """Return the years of those of these days for which no company days are declared, as they are for one before.

        Its first days may be off by a closure that began in the year before; they say nothing of the year.
        """
        known = {each.year for each in self.company_days if (each.month, each.day) > _NEW_YEAR_ENDS}
        return tuple(sorted({each.year for each in days if known and each.year > max(known)}))

    def provisional_years(self, days: Iterable[date]) -> list[int]:
        """Return the years of those of these days that rest on holidays not yet announced, in their order."""
        return sorted({day.year for day in days if self.is_provisional(day)})


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a date came about: from a start, so many working days on, or back where negative; these days not counted.

    `skipped` is in the order in which the days were passed.
    """

    start: date
    working_days: int
    skipped: tuple[DayOff, ...]
    provisional: bool = False

    def recount(self) -> date:
        """Return the date from the explanation alone; it is the date explained."""
        days = abs(self.working_days) + len(self.skipped)
        return self.start + timedelta(days=days if self.working_days >= 0 else -days)


@dataclass(frozen=True, slots=True)
class DueDate:
    """A date with its derivation."""

    on: date
    derivation: Derivation


class Count:
    """Working days counted from one start, on and back; further dates continue where the last one stopped."""

    __slots__ = ("_ahead", "_back", "_calendar", "_start")

    def __init__(self, start: date, calendar: WorkingCalendar) -> None:
        self._start, self._calendar = start, calendar
        self._ahead = _Walk(start, ONE_DAY, calendar)
        self._back = _Walk(start - ONE_DAY, -ONE_DAY, calendar)

    def after(self, working_days: int) -> DueDate:
        """Return the date so many working days after the start, or before it where negative.

        0 is the start itself, or the first working day after it where it is none: day 1 of a
        plan is a day on which somebody works. -1 is the last working day before the start.
        Raises `YearNotInTable`.
        """
        if working_days >= 0:
            on, skipped = self._ahead.nth(working_days)
        else:
            on, skipped = self._back.nth(-working_days - 1)
        return DueDate(on, Derivation(self._start, working_days, skipped, self._calendar.is_provisional(on)))


class _Walk:
    """The working days in one direction, found as far as they were asked for."""

    __slots__ = ("_calendar", "_days", "_next", "_skipped", "_step")

    def __init__(self, first: date, step: timedelta, calendar: WorkingCalendar) -> None:
        self._next, self._step, self._calendar = first, step, calendar
        # The working days found so far, each with how many days had been skipped before it.
        self._days: list[tuple[date, int]] = []
        self._skipped: list[DayOff] = []

    def nth(self, number: int) -> tuple[date, tuple[DayOff, ...]]:
        """Return the working day of this number, from 0, and the days skipped on the way."""
        while len(self._days) <= number:
            off = self._calendar.day_off(self._next)
            if off is None:
                self._days.append((self._next, len(self._skipped)))
            else:
                self._skipped.append(off)
            self._next += self._step
        on, skipped = self._days[number]
        return on, tuple(self._skipped[:skipped])


def add_working_days(start: date, working_days: int, calendar: WorkingCalendar) -> DueDate:
    """Return the date so many working days from `start`, with every skipped day; see `Count.after`."""
    return Count(start, calendar).after(working_days)


def working_days_between(after: date, until: date, calendar: WorkingCalendar) -> int:
    """Count the working days later than `after` up to and with `until`; 0 where `until` is not later.

    From a working day it undoes `add_working_days`. Raises `YearNotInTable`.
    """
    days = (until - after).days
    return sum(calendar.is_working_day(after + timedelta(days=number)) for number in range(1, days + 1))


def months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - date.resolution).day
    return date(year, month + 1, min(day.day, last))


def working_day_number(start: date, on: date, calendar: WorkingCalendar) -> int:
    """Return which working day `on` is when the first one from `start` on is day 1; 0 before it.

    A day off has the number of the working day before it.
    """
    return working_days_between(start - ONE_DAY, on, calendar)


# A look ahead ends after so many days, however few of them are worked.
FARTHEST_AHEAD = 31


def days_ahead(today: date, calendar: WorkingCalendar, working_days: int) -> list[tuple[date, DayOff | None]]:
    """Return the days from today up to the last of so many working days, each with why it is off; None: it is worked.

    They end before a year whose holidays are not known, and no later than `FARTHEST_AHEAD` days from today; days off
    after the last working day are left out.
    """
    found: list[tuple[date, DayOff | None]] = []
    worked = 0
    try:
        for number in range(FARTHEST_AHEAD):
            if worked == working_days:
                break
            day = today + timedelta(days=number)
            off = calendar.day_off(day)
            worked += off is None
            found.append((day, off))
    except YearNotInTable:
        pass
    while found and found[-1][1] is not None:
        found.pop()
    return found


def last_working_day_before(on: date, calendar: WorkingCalendar, not_before: date) -> date | None:
    """Return the last working day earlier than `on`, or None where there is none from `not_before` on."""
    day = on - ONE_DAY
    while day >= not_before:
        if calendar.is_working_day(day):
            return day
        day -= ONE_DAY
    return None


def provisional_from(country: str, loaded_in: int) -> int | None:
    """Return the first year whose holidays are only computed when a table is loaded in the year `loaded_in`.

    None: they are fixed by statute alone. Source for Japan: the Cabinet Office's notice of February.
    """
    ahead = ANNOUNCED_AHEAD.get(country)
    return None if ahead is None else loaded_in + ahead + 1
