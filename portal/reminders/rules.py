"""When a digest is sent, what stands in it, and what is told to who leads."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.calendars.rules import ONE_DAY, WorkingCalendar, YearNotInTable

# Full hours of the person's zone: the first at which a digest may be sent, and the one at which it may no more.
DAY_BEGINS, DAY_ENDS = 9, 18
DEFAULT_HOUR = DAY_BEGINS
# How many working days of hers ahead a digest looks; one for the whole week looks over the week.
AHEAD_DAILY, AHEAD_WEEKLY = 3, 5
# So many are named in a section; of the rest the number is told.
MOST_NAMED = 15


class Rhythm(StrEnum):
    """How often somebody wants to be reminded."""

    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"


class Section(StrEnum):
    """The parts of a digest, in their order."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    NEWS = "news"
    EXPIRES = "expires"
    SIGN_OFFS = "sign_offs"
    # What of handovers is late with people whom one leads: colleagues, and apart from what learners owe.
    HANDOVERS = "handovers"
    ESCALATED = "escalated"
    ALONE = "alone"


def is_worked(calendar: WorkingCalendar, day: date) -> bool:
    """Say whether the person works on a day; where the year's holidays are not known, as if there were none."""
    try:
        return calendar.is_working_day(day)
    except YearNotInTable:
        return day.weekday() not in calendar.weekend and day not in calendar.leave


def is_first_of_week(calendar: WorkingCalendar, day: date) -> bool:
    """Say whether it is the first day on which the person works in its week, which begins on Monday."""
    monday = day - timedelta(days=day.weekday())
    earlier = (monday + timedelta(days=number) for number in range(day.weekday()))
    return is_worked(calendar, day) and not any(is_worked(calendar, each) for each in earlier)


def day_ahead(calendar: WorkingCalendar, day: date, working_days: int) -> date:
    """Return the day so many working days later; the farthest one looked at is a month away."""
    found = day
    for _number in range(31):
        if working_days == 0:
            break
        found += ONE_DAY
        working_days -= is_worked(calendar, found)
    return found


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person gets on a day: her reminders, up to `until`, and of those whom she leads what is overdue."""

    reminds: bool
    until: date
    # What was told to her before is told again.
    repeats: bool


def turn_of(rhythm: Rhythm, calendar: WorkingCalendar, day: date) -> Turn | None:
    """Return what somebody gets on a day; None where she does not work, so that she gets nothing.

    What is overdue of those whom she leads comes in every rhythm: it is her duty to know.
    """
    if not is_worked(calendar, day):
        return None
    first = is_first_of_week(calendar, day)
    reminds = rhythm is Rhythm.DAILY or (rhythm is Rhythm.WEEKLY and first)
    ahead = AHEAD_WEEKLY if rhythm is Rhythm.WEEKLY else AHEAD_DAILY
    return Turn(reminds, day_ahead(calendar, day, ahead), first)


def section_of(due_on: date, today: date, until: date) -> Section | None:
    """Return under which heading something of her own stands; None: it is too far ahead."""
    if due_on < today:
        return Section.OVERDUE
    if due_on == today:
        return Section.TODAY
    return Section.SOON if due_on <= until else None


def is_told(key: str, told_before: Collection[str], *, repeats: bool) -> bool:
    """Say whether something overdue is told to who leads: when it begins, and then on the first day of each week."""
    return repeats or key not in told_before


def hours_to_sweep(hour: int, swept: Collection[int]) -> list[int]:
    """Return for which preferred hours people are to be looked at when it is `hour` o'clock with them."""
    if not DAY_BEGINS <= hour < DAY_ENDS:
        return []
    return [each for each in range(DAY_BEGINS, hour + 1) if each not in swept]
