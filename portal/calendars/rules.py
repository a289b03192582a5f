"""Counting in working days, so that every date can say how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

ONE_DAY = timedelta(days=1)
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
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class DayOff:
    """A day that is not counted, why, and its name where it has one."""

    on: date
    reason: OffReason
    name: Named | None = None


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are worked: what a market and a person's leave make of the year.

    `known_years` None: there is no national table for this market, so every year will do.
    """

    country: str = ""
    known_years: range | None = None
    provisional_from: int | None = None
    holidays: Mapping[date, Named] = field(default_factory=dict)
    company_days: Mapping[date, Named] = field(default_factory=dict)
    leave: frozenset[date] = frozenset()
    weekend: frozenset[int] = SATURDAY_AND_SUNDAY

    def __post_init__(self) -> None:
        if len(self.weekend) > 6:
            raise ValueError("a week without a working day cannot be counted")

    def day_off(self, on: date) -> DayOff | None:
        """Return why the day is not worked, or None for a working day.

        A national holiday on a Sunday is named as the holiday, because it explains the substitute
        after it. Raises `YearNotInTable`.
        """
        if self.known_years is not None and on.year not in self.known_years:
            raise YearNotInTable(on.year, self.country)
        name = self.holidays.get(on)
        if name is not None:
            return DayOff(on, OffReason.HOLIDAY, name)
        if on.weekday() in self.weekend:
            return DayOff(on, OffReason.WEEKEND)
        name = self.company_days.get(on)
        if name is not None:
            return DayOff(on, OffReason.COMPANY_DAY, name)
        return DayOff(on, OffReason.LEAVE) if on in self.leave else None

    def is_working_day(self, on: date) -> bool:
        """Say whether the day is worked. Raises `YearNotInTable`."""
        return self.day_off(on) is None

    def is_provisional(self, on: date) -> bool:
        """Say whether the year's holidays are computed and not yet announced."""
        return self.provisional_from is not None and on.year >= self.provisional_from


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a date came about: from a start, so many working days on, these days not counted."""

    start: date
    working_days: int
    skipped: tuple[DayOff, ...]
    provisional: bool = False

    def recount(self) -> date:
        """Return the date from the explanation alone; it is the date explained."""
        return self.start + timedelta(days=self.working_days + len(self.skipped))


@dataclass(frozen=True, slots=True)
class DueDate:
    """A date with its derivation."""

    on: date
    derivation: Derivation


class Count:
    """Working days counted from one start; further dates continue where the last one stopped."""

    __slots__ = ("_calendar", "_days", "_next", "_skipped", "_start")

    def __init__(self, start: date, calendar: WorkingCalendar) -> None:
        self._start, self._calendar, self._next = start, calendar, start
        # The working days found so far, each with how many days had been skipped before it.
        self._days: list[tuple[date, int]] = []
        self._skipped: list[DayOff] = []

    def after(self, working_days: int) -> DueDate:
        """Return the date so many working days after the start.

        0 is the start itself, or the first working day after it where it is none: day 1 of a
        plan is a day on which somebody works. Raises `ValueError` for a negative number and
        `YearNotInTable`.
        """
        if working_days < 0:
            raise ValueError("working days are counted forwards")
        while len(self._days) <= working_days:
            off = self._calendar.day_off(self._next)
            if off is None:
                self._days.append((self._next, len(self._skipped)))
            else:
                self._skipped.append(off)
            self._next += ONE_DAY
        on, skipped = self._days[working_days]
        return DueDate(
            on,
            Derivation(self._start, working_days, tuple(self._skipped[:skipped]), self._calendar.is_provisional(on)),
        )


def add_working_days(start: date, working_days: int, calendar: WorkingCalendar) -> DueDate:
    """Return the date so many working days after `start`, with every skipped day; see `Count.after`."""
    return Count(start, calendar).after(working_days)


def working_days_between(after: date, until: date, calendar: WorkingCalendar) -> int:
    """Count the working days later than `after` up to and with `until`; 0 where `until` is not later.

    From a working day it undoes `add_working_days`. Raises `YearNotInTable`.
    """
    days = (until - after).days
    return sum(calendar.is_working_day(after + timedelta(days=number)) for number in range(1, days + 1))


def working_day_number(start: date, on: date, calendar: WorkingCalendar) -> int:
    """Return which working day `on` is when the first one from `start` on is day 1; 0 before it.

    A day off has the number of the working day before it.
    """
    return working_days_between(start - ONE_DAY, on, calendar)


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
