"""In which order a lead reads a cohort, its numbers, who is at risk, when it will be through, and when that is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from portal.calendars.rules import ONE_DAY, Count, Derivation, DueDate, WorkingCalendar, YearNotInTable
from portal.training.rules import Progress


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one person is: her progress, since when she is late (None: she is not), whether she is through."""

    progress: Progress
    late_since: date | None
    is_complete: bool


def reading_order(standing: Standing) -> tuple[int, date]:
    """Return the key by which rows are sorted: most overdue required steps first, then the oldest of them.

    Rows with equal keys keep the order they had, which is by name: nobody is ranked.
    """
    return -standing.progress.overdue, standing.late_since or date.max


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a cohort; each is counted over everybody in the plan."""

    people: int
    complete: int
    overdue_people: int
    overdue_steps: int
    expected: int
    done_of_expected: int

    @property
    def on_track(self) -> Fraction | None:
        """The share of the required steps due before today that are done; None while nothing was due."""
        return Fraction(self.done_of_expected, self.expected) if self.expected else None


def summarise(standings: Iterable[Standing]) -> Summary:
    """Count a cohort."""
    rows = list(standings)
    return Summary(
        people=len(rows),
        complete=sum(row.is_complete for row in rows),
        overdue_people=sum(row.progress.overdue > 0 for row in rows),
        overdue_steps=sum(row.progress.overdue for row in rows),
        expected=sum(row.progress.expected for row in rows),
        done_of_expected=sum(row.progress.done_of_expected for row in rows),
    )


# --- Who is at risk ----------------------------------------------------------------------------


class Risk(StrEnum):
    """Why somebody is at risk of not completing in time."""

    OVERDUE = "overdue"
    FAILED_TRIES = "failed_tries"
    IDLE = "idle"
    SIGN_OFF = "sign_off"
    # Said instead of the others: nothing of them is hers to mend before she has an account.
    INVITED = "invited"


@dataclass(frozen=True, slots=True)
class RiskRule:
    """From which number on each reason counts; None: it does not. The defaults are those of product.md, J7."""

    overdue_steps: int | None = 2
    failed_tries: int | None = 2
    idle_days: int | None = 2

    @property
    def has_reason(self) -> bool:
        """Whether any reason counts: by a rule without one nobody could be at risk."""
        return (self.overdue_steps, self.failed_tries, self.idle_days) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries of one person at one check that she has not passed: how many failed, and when the last of them did."""

    quiz: str
    failed: int
    last_on: date


@dataclass(frozen=True, slots=True)
class Waits:
    """A step that waits for a sign-off: since which day, and for how many working days of the learner's calendar."""

    step: str
    since: date
    days: int


@dataclass(frozen=True, slots=True)
class Conduct:
    """What the rule looks at in one person.

    `idle_days` are the working days of her own calendar, leave and pauses left out, from the day after her last
    activity (from her first day, where there was none) to yesterday. Activity is what she does herself, for whatever
    plan: that somebody signs a step off, or notes that she was there, is none of hers. Where everything that is left
    waits for others, `waits_for_others`, and `sign_off` is the sign-off that has waited longest, where one does.
    """

    overdue_steps: int = 0
    late_since: date | None = None
    tries: Sequence[Tries] = ()
    idle_days: int = 0
    last_active_on: date | None = None
    is_complete: bool = False
    waits_for_others: bool = False
    sign_off: Waits | None = None
    # Whether she has not accepted her invitation, and when it was sent last, where that is known.
    is_invited: bool = False
    invited_on: date | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why somebody is at risk, its number, and since when it is so; None: since her first day."""

    risk: Risk
    number: int
    since: date | None
    # The check, where it is about one.
    quiz: str | None = None
    # The step that waits, where it is about one.
    step: str | None = None


def at_risk(conduct: Conduct, rule: RiskRule) -> tuple[Reason, ...]:
    """Return every reason why a person is at risk by the rule; nobody is who has completed the plan.

    Nobody is idle who has nothing to do: then a sign-off that has waited for as many days is the reason. Of somebody
    who has not accepted her invitation that is the one reason, whichever others there would be.
    """
    if conduct.is_complete:
        return ()
    found = []
    if rule.overdue_steps is not None and conduct.overdue_steps >= rule.overdue_steps:
        found.append(Reason(Risk.OVERDUE, conduct.overdue_steps, conduct.late_since))
    if rule.failed_tries is not None:
        found += [
            Reason(Risk.FAILED_TRIES, each.failed, each.last_on, each.quiz)
            for each in conduct.tries
            if each.failed >= rule.failed_tries
        ]
    if rule.idle_days is not None and conduct.waits_for_others:
        waits = conduct.sign_off
        if waits is not None and waits.days >= rule.idle_days:
            found.append(Reason(Risk.SIGN_OFF, waits.days, waits.since, step=waits.step))
    elif rule.idle_days is not None and conduct.idle_days >= rule.idle_days:
        found.append(Reason(Risk.IDLE, conduct.idle_days, conduct.last_active_on))
    if found and conduct.is_invited:
        return (Reason(Risk.INVITED, conduct.idle_days, conduct.invited_on),)
    return tuple(found)


# --- Expected and actual, and when it will be done ---------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """How many required steps of everybody were due, and how many done, by the end of a day; None: not yet known."""

    on: date
    expected: int
    done: int | None


def curve(expected: Mapping[date, int], done: Mapping[date, int], first: date, last: date, today: date) -> list[Point]:
    """Return the points from `first` to `last`, one a day; of what is done nothing after today.

    What falls before `first` is counted on it.
    """
    due = sum(count for day, count in expected.items() if day < first)
    made = sum(count for day, count in done.items() if day < first)
    points = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        due += expected.get(day, 0)
        made += done.get(day, 0)
        points.append(Point(day, due, made if day <= today else None))
    return points


# Below so many people a forecast is a guess about persons, and none is made.
LEAST_FOR_FORECAST = 5
# Who is slower than this many times the plan's length is not foreseen at all.
SLOWEST = 4


def days_to_go(positions: Sequence[int], done: int, worked: int) -> int | None:
    """Return how many working days somebody still needs who keeps her pace so far; None: it cannot be said.

    `positions` are the plan's working days (from 1) by which its required steps are due, in ascending order. With k
    steps done she stands at the k-th of them; having needed `worked` working days to get there, she needs as many for
    each day of the plan that remains. Nobody is foreseen faster than the plan.
    """
    if done >= len(positions):
        return 0
    if done == 0 or worked <= 0:
        return None
    length, stands_at = positions[-1], positions[done - 1]
    # At least one day for what is left where it is due on the day at which she stands.
    remaining = max(length - stands_at, 1)
    needed = -(-remaining * max(worked, stands_at) // stands_at)
    return needed if needed <= SLOWEST * length else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """By when a tenth, half and nine tenths of the people will have completed; None: that cannot be foreseen."""

    people: int
    foreseen: int
    early: date | None
    middle: date | None
    late: date | None


def forecast(ends: Sequence[date | None]) -> Forecast | None:
    """Return the forecast from the day on which each person completes, None where hers cannot be foreseen.

    A quantile is the day by which at least that share of all people is through, so that those who cannot be foreseen
    count as last. None below `LEAST_FOR_FORECAST`.
    """
    if len(ends) < LEAST_FOR_FORECAST:
        return None
    known = sorted(end for end in ends if end is not None)

    def by(tenths: int) -> date | None:
        needed = -(-len(ends) * tenths // 10)
        return known[needed - 1] if needed <= len(known) else None

    return Forecast(len(ends), len(known), by(1), by(5), by(9))


# --- Clauses -----------------------------------------------------------------------------------

# A clause that so many people were asked about, and that this share of them or more missed at their first try, points
# at the policy and not at the people (product.md, J3 and J7). Below that number nothing is shown.
LEAST_FOR_CLAUSE, MISSED_BY_MANY = 10, Fraction(40, 100)


@dataclass(frozen=True, slots=True)
class Missed:
    """How many people were asked about a clause at their first tries, and how many of them missed it."""

    asked: int
    missed: int

    @property
    def share(self) -> Fraction | None:
        """Missed ÷ asked; None below `LEAST_FOR_CLAUSE`."""
        return Fraction(self.missed, self.asked) if self.asked >= LEAST_FOR_CLAUSE else None

    @property
    def points_at_policy(self) -> bool:
        """Whether so many missed it that the text is to be looked at."""
        return self.share is not None and self.share >= MISSED_BY_MANY


# --- The week that a report tells of -----------------------------------------------------------

A_WEEK = 7
# A report that follows a pause of the worker, or a week of holidays, goes back to the one before it, at most so far.
LONGEST_TOLD_DAYS = 28


@dataclass(frozen=True, slots=True)
class Week:
    """The days that a report tells of, both included: whole days that are over."""

    first: date
    last: date

    def __contains__(self, on: date) -> bool:
        """Say whether the day is one of them."""
        return self.first <= on <= self.last


def week_before(on: date, told_before: date | None = None) -> Week:
    """Return the days before `on` that a report tells of: seven, or those since the report before it.

    `told_before` is the day on which that report was due, so that no day falls between two reports.
    """
    first = on - timedelta(days=A_WEEK)
    if told_before is not None and on - timedelta(days=LONGEST_TOLD_DAYS) <= told_before < on:
        first = told_before
    return Week(first, on - ONE_DAY)


# --- When a report is sent ---------------------------------------------------------------------


def next_weekday(on: date, weekday: int) -> date:
    """Return the first such weekday (0 is Monday) on the day or after it."""
    return on + timedelta(days=(weekday - on.weekday()) % A_WEEK)


def sending_day(nominal: date, calendar: WorkingCalendar) -> DueDate:
    """Return the day on which the report of a nominal day is sent: itself, or the next working day.

    Where the calendar does not know the year the day stays as it is: a report is better early than never.
    """
    try:
        return Count(nominal, calendar).after(0)
    except YearNotInTable:
        return DueDate(nominal, Derivation(nominal, 0, ()))


def due_report(weekday: int, hour: int, begins_on: date, calendar: WorkingCalendar, now: datetime) -> date | None:
    """Return the nominal day of the report that is due by the local time `now`, the latest one; None: none is yet.

    Of two whose sending days fell together, after a week of holidays, the later one tells of both weeks.
    """
    today = now.date()
    nominal = next_weekday(today - timedelta(days=A_WEEK - 1), weekday)
    for _week in range(LONGEST_TOLD_DAYS // A_WEEK):
        if nominal < begins_on:
            return None
        on = sending_day(nominal, calendar).on
        if on < today or (on == today and now.hour >= hour):
            return nominal
        nominal -= timedelta(days=A_WEEK)
    return None


# --- Evidence for a period ---------------------------------------------------------------------


class ReportKind(StrEnum):
    """What a file tells of."""

    COHORT = "cohort"
    EVIDENCE = "evidence"


# Whoever reports on more years than these asks twice.
LONGEST_YEARS = 5


def is_too_long(first: date, last: date) -> bool:
    """Say whether a period has more than `LONGEST_YEARS` years; the same day so many years later is still in it."""
    return (last.year - LONGEST_YEARS, last.month, last.day) > (first.year, first.month, first.day)


class FileFormat(StrEnum):
    """How a file is written; CSV: an archive of one file for each table."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


# So long the bytes of a file are kept; whoever needs them longer has saved them.
KEPT = timedelta(days=30)


class RecipientEnd(StrEnum):
    """Why somebody gets a report no longer."""

    UNSUBSCRIBED = "unsubscribed"
    # Whoever may change the report has taken her off.
    REMOVED = "removed"
    NOT_ALLOWED = "not_allowed"


class ScheduleEnd(StrEnum):
    """Why a report is sent no longer."""

    BY_HAND = "by_hand"
    FINISHED = "finished"
    NOBODY_LEFT = "nobody_left"


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """One person's row of the evidence: where she belongs, and what is counted of her in the period."""

    market: str
    language: str
    planned_minutes: int = 0
    measured_minutes: int = 0
    steps: int = 0
    first_passed: int = 0
    first_failed: int = 0
    acknowledged: int = 0
    certificates: int = 0

    @property
    def is_trained(self) -> bool:
        """Whether anything of her training falls into the period."""
        return bool(self.steps or self.measured_minutes or self.acknowledged or self.certificates)


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over some people."""

    people: int = 0
    trained: int = 0
    planned_minutes: int = 0
    measured_minutes: int = 0
    steps: int = 0
    first_passed: int = 0
    first_failed: int = 0
    acknowledged: int = 0
    certificates: int = 0

    def __add__(self, other: Totals) -> Totals:
        """Return the sums over both."""
        return Totals(*(getattr(self, name) + getattr(other, name) for name in Totals.__dataclass_fields__))


def total(rows: Iterable[PersonFacts]) -> Totals:
    """Add up people."""
    found = list(rows)
    return Totals(
        people=len(found),
        trained=sum(row.is_trained for row in found),
        planned_minutes=sum(row.planned_minutes for row in found),
        measured_minutes=sum(row.measured_minutes for row in found),
        steps=sum(row.steps for row in found),
        first_passed=sum(row.first_passed for row in found),
        first_failed=sum(row.first_failed for row in found),
        acknowledged=sum(row.acknowledged for row in found),
        certificates=sum(row.certificates for row in found),
    )


def totals_by(rows: Iterable[PersonFacts]) -> dict[tuple[str, str], Totals]:
    """Return the totals of each market and language, in their order."""
    groups: dict[tuple[str, str], list[PersonFacts]] = {}
    for row in rows:
        groups.setdefault((row.market, row.language), []).append(row)
    return {key: total(groups[key]) for key in sorted(groups)}


def whole_minutes(seconds: int) -> int:
    """Return the minutes of one sitting, half a minute rounded up: so sums of rows are sums of what is shown."""
    return (seconds + 30) // 60
