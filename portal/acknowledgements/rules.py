"""Who is asked to confirm, until when, how far she is, what that makes together, and what she has to answer first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import IntEnum, StrEnum
from fractions import Fraction
from hashlib import sha256
from statistics import median
from typing import Protocol

from portal.calendars.rules import (
    ONE_DAY,
    DueDate,
    WorkingCalendar,
    YearNotInTable,
    add_working_days,
    last_working_day_before,
)

# Classes of change after which people say again that they have understood; the others ask nobody.
MATERIAL, EMERGENCY = "material", "emergency"
ASKING = frozenset({MATERIAL, EMERGENCY})
# An emergency is confirmed within so many hours (product.md, J8), and before it takes effect where that is sooner; so
# many hours are left in any case.
EMERGENCY_HOURS, EMERGENCY_LEAST_HOURS = 24, 2
# Who is asked at the last minute has at least until the end of so many further working days.
LEAST_DAYS = 1
# Whose first day is at most so many working days before the asking is a newcomer.
NEWCOMER_DAYS = 10
# Of those on duty so many should have confirmed when the version takes effect; below the second it should not.
TARGET, GO = Fraction(1), Fraction(95, 100)
# How many questions about what changed are asked, where there are as many.
FEWEST_QUESTIONS, MOST_QUESTIONS = 2, 5
# Within these hours of her own zone a person gets mail.
DAY_BEGINS, DAY_ENDS = time(9), time(18)
# On which working days after the asking she is reminded, how long before it is due; in an emergency the latter only.
REMINDED_AFTER = (1, 3)
REMINDED_BEFORE, REMINDED_BEFORE_EMERGENCY = timedelta(hours=24), timedelta(hours=2)
# Working days after the date on which she is told that it is over, and on which those who look after her are told.
OVERDUE_AFTER, ESCALATED_AFTER = 1, 3

# Of this level of sensitivity and above nothing is assigned to who declines the statement of what the work can bring.
SET_ASIDE_FROM = "S2"
# The levels from which on a wellbeing contact can set material aside for one person.
LEVELS = ("S1", "S2", "S3", "S4")


@dataclass(frozen=True, slots=True)
class Days:
    """How many working days each has to confirm."""

    current: int = 5
    newcomers: int = 10
    returning: int = 3


def asks(*, change_class: str, kind: str, is_first: bool, is_imported: bool) -> bool:
    """Say whether a version asks its audience to confirm it.

    What comes out of files for the first time is the state of things and asks nobody: newcomers meet it in their plan.
    So is a new lesson; a new rule that was written here asks.
    """
    if change_class not in ASKING:
        return False
    return not is_first or (not is_imported and kind != "lesson")


class Published(Protocol):
    """A version as far as it matters here whether it asks anybody."""

    @property
    def sequence(self) -> int:
        """Its place among the versions of its document."""

    @property
    def change_class(self) -> str:
        """Its class of change."""


def covered_by(versions: Iterable[Published], confirmed: Collection[int], until: int) -> int | None:
    """Return the sequence of the confirmed version that covers the one at `until`, or None where none does.

    It is the last one before it that was confirmed, if nothing that asks for a confirmation came since: what is
    editorial or minor asks nobody again.
    """
    last = max((sequence for sequence in confirmed if sequence < until), default=None)
    if last is None or any(each.change_class in ASKING for each in versions if last < each.sequence <= until):
        return None
    return last


# --- how far somebody is ------------------------------------------------------------------------


class Status(StrEnum):
    """How far a person of the audience is with a version."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    OPENED = "opened"
    CONFIRMED = "confirmed"
    CONFIRMED_OLDER = "confirmed_older"
    DECLINED = "declined"
    ANSWERED = "answered"
    EXEMPT = "exempt"
    ON_LEAVE = "on_leave"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a person and a version; an instant that is None has not come."""

    asked_at: datetime | None = None
    opened_at: datetime | None = None
    confirmed_at: datetime | None = None
    # When she last confirmed an older version.
    older_confirmed_at: datetime | None = None
    # Since when a question of hers waits for its answer.
    question_at: datetime | None = None
    # When her last question was answered.
    answered_at: datetime | None = None
    exempt_at: datetime | None = None
    is_on_leave: bool = False
    # Until when she is not counted as missing: she has a term of her own, beyond the instant at which it takes effect.
    own_term_until: datetime | None = None


def status(facts: Facts, at: datetime) -> Status:
    """Return how far a person is at an instant: what is settled first, then what keeps her, then how far she came.

    An older version counts as confirmed instead where she did that after she had been asked for this one.
    """

    def has(moment: datetime | None) -> bool:
        return moment is not None and moment <= at

    if has(facts.confirmed_at):
        return Status.CONFIRMED
    if has(facts.exempt_at):
        return Status.EXEMPT
    if facts.is_on_leave:
        return Status.ON_LEAVE
    if not has(facts.asked_at):
        return Status.NOT_ASKED
    if has(facts.question_at):
        return Status.DECLINED
    if has(facts.answered_at):
        return Status.ANSWERED
    if has(facts.older_confirmed_at) and facts.older_confirmed_at >= facts.asked_at:  # type: ignore[operator]
        return Status.CONFIRMED_OLDER
    return Status.OPENED if has(facts.opened_at) else Status.ASKED


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of those asked and on duty have confirmed; the share is None where nobody is."""

    confirmed: int
    on_duty: int

    @property
    def share(self) -> Fraction | None:
        """Confirmed ÷ asked and on duty, exactly."""
        return Fraction(self.confirmed, self.on_duty) if self.on_duty else None

    @property
    def is_go(self) -> bool:
        """Whether enough have confirmed for the version to take effect."""
        return self.share is not None and self.share >= GO


def coverage(people: Iterable[Facts], at: datetime) -> Coverage:
    """Return the coverage at an instant: confirmed ÷ asked and on duty (active, not on leave, not exempt).

    `people` are those who are active; leave is that of the instant's day. Newcomers and those back from leave have a
    term of their own: as long as it runs, they count only once they have confirmed. Source: product.md, J9.
    """
    confirmed = on_duty = 0
    for facts in people:
        if facts.is_on_leave or facts.asked_at is None or facts.asked_at > at:
            continue
        found = status(facts, at)
        if found is Status.EXEMPT:
            continue
        if found is not Status.CONFIRMED and facts.own_term_until is not None and at < facts.own_term_until:
            continue
        on_duty += 1
        confirmed += found is Status.CONFIRMED
    return Coverage(confirmed, on_duty)


def count(statuses: Iterable[Status]) -> dict[Status, int]:
    """Return how many people have each status, in the order of the statuses; none is left out."""
    counted = Counter(statuses)
    return {each: counted[each] for each in Status}


# --- how it goes --------------------------------------------------------------------------------

# A question that so many have answered, and fewer than so many of them rightly at the first try, says that the policy
# is unclear (product.md, J9).
UNCLEAR_FROM, UNCLEAR_BELOW = 20, Fraction(70, 100)


@dataclass(frozen=True, slots=True)
class FirstTries:
    """How many answered a question about what changed, and how many of them rightly at the first try."""

    right: int = 0
    answered: int = 0

    @property
    def share(self) -> Fraction | None:
        """Right at the first try ÷ answered, exactly."""
        return Fraction(self.right, self.answered) if self.answered else None

    @property
    def is_unclear(self) -> bool:
        """Whether the clause may not be understood."""
        return self.answered >= UNCLEAR_FROM and self.share is not None and self.share < UNCLEAR_BELOW


def first_tries(tries: Iterable[tuple[int, int, bool]]) -> dict[int, FirstTries]:
    """Return question → how its first tries went; `tries`: person, question, whether it was right, in their order."""
    seen: set[tuple[int, int]] = set()
    found: dict[int, FirstTries] = {}
    for person, question, right in tries:
        if (person, question) not in seen:
            seen.add((person, question))
            before = found.get(question, FirstTries())
            found[question] = FirstTries(before.right + right, before.answered + 1)
    return found


def median_time(people: Iterable[Facts], at: datetime) -> timedelta | None:
    """Return the median time from the asking to the confirmation of those who have confirmed; None where nobody has."""
    times = [
        max((each.confirmed_at - each.asked_at).total_seconds(), 0)
        for each in people
        if each.confirmed_at is not None and each.confirmed_at <= at and each.asked_at is not None
    ]
    return timedelta(seconds=median(times)) if times else None


# --- what is covered ----------------------------------------------------------------------------


class Numbered(Protocol):
    """What of a version decides whether confirming a later one says it, too."""

    @property
    def sequence(self) -> int:
        """1 for the first version."""

    @property
    def change_class(self) -> str:
        """How much it changes."""

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was taken back."""


def covered(
    versions: Iterable[Numbered], *, after: int, until: int, asked: Collection[int], has_base: bool
) -> list[int]:
    """Return the sequences that one confirmation of version `until` covers, the newest first.

    Itself, and every version after the one she confirmed last that asked (or, where she has confirmed none, for which
    she herself was `asked`): their changes are in the delta. One that was withdrawn is not confirmed any more.
    """
    found = [
        each.sequence
        for each in versions
        if after < each.sequence <= until
        and each.withdrawn_at is None
        and (
            each.sequence == until
            or each.sequence in asked
            or (has_base and each.sequence > 1 and str(each.change_class) in ASKING)
        )
    ]
    return sorted(found, reverse=True)


# --- dates --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """Until when somebody is to confirm: the date, the instant at which it is over, and how it came about."""

    on: date
    at: datetime
    days: int
    # None where hours were counted, or the version takes effect before the days are over.
    counted: DueDate | None
    # The national holidays of the time were not known, so that only week-ends and company days were left out.
    is_guess: bool = False
    # It does not wait for working days or business hours.
    is_urgent: bool = False


def due_in_days(*, asked_at: datetime, days: int, calendar: WorkingCalendar, zone: tzinfo) -> Due:
    """Return the date so many working days after the asking; it is over when that day is, in the zone of her market."""
    asked_on = asked_at.astimezone(zone).date()
    counted, is_guess = _counted(asked_on, days, calendar)
    return Due(counted.on, _end_of(counted.on, zone), days, counted, is_guess)


def due_before(
    *, asked_at: datetime, days: int, effective_at: datetime, calendar: WorkingCalendar, zone: tzinfo
) -> Due:
    """Return the date so many working days after the asking, or when it takes effect where that is sooner.

    Whoever is in time is then not missing when it takes effect. She has at least until the end of the next working day;
    who is on leave at that instant is not missing, so that her days are counted as they are.
    """
    due = due_in_days(asked_at=asked_at, days=days, calendar=calendar, zone=zone)
    on = _day_of(effective_at, zone)
    if not asked_at < effective_at < due.at or on in calendar.leave:
        return due
    least = due_in_days(asked_at=asked_at, days=min(days, LEAST_DAYS), calendar=calendar, zone=zone)
    return least if effective_at <= least.at else Due(on, effective_at, days, None)


def due_in_hours(
    *, asked_at: datetime, hours: int, effective_at: datetime, calendar: WorkingCalendar, zone: tzinfo
) -> Due:
    """Return the instant so many hours after the asking, or when it takes effect where that is sooner; never in leave.

    `EMERGENCY_LEAST_HOURS` are left in any case.
    """
    at = asked_at + timedelta(hours=hours)
    if asked_at < effective_at < at:
        at = max(effective_at, asked_at + timedelta(hours=min(hours, EMERGENCY_LEAST_HOURS)))
    on = at.astimezone(zone).date()
    if on not in calendar.leave:
        return Due(on, at, 0, None, is_urgent=True)
    while on in calendar.leave:
        on += ONE_DAY
    counted, is_guess = _counted(on, 0, calendar)
    return Due(counted.on, _end_of(counted.on, zone), 0, None, is_guess, is_urgent=True)


def is_newcomer(*, first_on: date, asked_on: date, calendar: WorkingCalendar) -> bool:
    """Say whether a first day makes somebody a newcomer: at most ten working days before the asking, or after it."""
    return first_on >= asked_on or asked_on <= _counted(first_on, NEWCOMER_DAYS, calendar)[0].on


def _day_of(at: datetime, zone: tzinfo) -> date:
    """Return the last day of which there is something before the instant: that before, where it is midnight."""
    return (at - timedelta(microseconds=1)).astimezone(zone).date()


def _counted(start: date, days: int, calendar: WorkingCalendar) -> tuple[DueDate, bool]:
    try:
        return add_working_days(start, days, calendar), False
    except YearNotInTable:
        return add_working_days(start, days, without_holidays(calendar)), True


def without_holidays(calendar: WorkingCalendar) -> WorkingCalendar:
    """Return the calendar as far as it is known where the national holidays are not."""
    return replace(calendar, country="", known_years=None, provisional_from=None, holidays={})


def _end_of(on: date, zone: tzinfo) -> datetime:
    return datetime.combine(on + ONE_DAY, time(0), zone)


# --- mails --------------------------------------------------------------------------------------


class Mail(IntEnum):
    """The mails to a person about one request, in their order."""

    ASKED = 0
    FIRST_REMINDER = 1
    SECOND_REMINDER = 2
    # 24 hours before it is due; 2 in an emergency.
    LAST_REMINDER = 3
    # It is over, and those who look after her are told soon.
    OVERDUE = 4


def mail_times(*, asked_at: datetime, due: Due, calendar: WorkingCalendar, zone: tzinfo) -> dict[Mail, datetime]:
    """Return when a person gets the mails of a request, in business hours of her zone, never two on a day.

    She is asked, reminded after one and three working days and a day before it is due, and told when it is over. The
    second reminder is left out where the last one comes on the next working day or on the same. An emergency is told
    at once, reminded of two hours before the end and told to be over when it is, at any hour.
    """
    if due.is_urgent:
        last = due.at - REMINDED_BEFORE_EMERGENCY
        return {
            Mail.ASKED: asked_at,
            **({Mail.LAST_REMINDER: last} if last > asked_at else {}),
            Mail.OVERDUE: due.at,
        }
    asked = in_business_hours(asked_at, zone, calendar)
    told_on = asked.astimezone(zone).date()
    first, second = (_counted(told_on, days, calendar)[0].on for days in REMINDED_AFTER)
    last_on = _day_before(due, zone, told_on, calendar)
    wanted = {Mail.FIRST_REMINDER: first}
    if last_on is None or _counted(second, 1, calendar)[0].on < last_on:
        wanted[Mail.SECOND_REMINDER] = second
    if last_on is not None:
        wanted[Mail.LAST_REMINDER] = last_on
        if first >= last_on:
            del wanted[Mail.FIRST_REMINDER]
    times = {mail: datetime.combine(on, DAY_BEGINS, zone) for mail, on in wanted.items()}
    over = max(_counted(due.on, OVERDUE_AFTER, calendar)[0].on, told_on + ONE_DAY)
    return {
        Mail.ASKED: asked,
        **{mail: at for mail, at in sorted(times.items()) if told_on < at.astimezone(zone).date() and at < due.at},
        Mail.OVERDUE: in_business_hours(datetime.combine(over, DAY_BEGINS, zone), zone, calendar),
    }


def escalated_at(*, due: Due, calendar: WorkingCalendar, zone: tzinfo) -> datetime:
    """Return from when those who look after a person are told: after three working days, in an emergency at once."""
    if due.is_urgent:
        return due.at
    return datetime.combine(_counted(due.on, ESCALATED_AFTER, calendar)[0].on, DAY_BEGINS, zone)


def _day_before(due: Due, zone: tzinfo, told_on: date, calendar: WorkingCalendar) -> date | None:
    """Return the last working day on which a mail still comes 24 hours before it is due."""
    latest = due.at - REMINDED_BEFORE
    on = latest.astimezone(zone).date()
    if datetime.combine(on, DAY_BEGINS, zone) > latest:
        on -= ONE_DAY
    if on <= told_on:
        return None
    try:
        return last_working_day_before(on + ONE_DAY, calendar, not_before=told_on + ONE_DAY)
    except YearNotInTable:
        return last_working_day_before(on + ONE_DAY, without_holidays(calendar), not_before=told_on + ONE_DAY)


def in_business_hours(at: datetime, zone: tzinfo, calendar: WorkingCalendar | None) -> datetime:
    """Return the instant, or the next one at which it is between 9 and 18 o'clock there, on a working day.

    Without a calendar every day will do.
    """
    local = at.astimezone(zone)
    on, begins = local.date(), local.time() < DAY_BEGINS
    if local.time() >= DAY_ENDS:
        on, begins = on + ONE_DAY, True
    if calendar is not None:
        worked = _counted(on, 0, calendar)[0].on
        if worked != on:
            on, begins = worked, True
    return datetime.combine(on, DAY_BEGINS, zone) if begins else at


# --- the questions about what changed -----------------------------------------------------------


def draw_questions(candidates: Mapping[str, Collection[str]], changed: Sequence[str], seed: str) -> list[str]:
    """Return which questions (address → the clauses that it tests) a person answers about the changed clauses.

    One for each clause as far as there are, at least two and at most five; the same for ever under one seed, and
    another choice for other people.
    """
    wanted = set(changed)
    fitting = {address: set(clauses) & wanted for address, clauses in candidates.items() if set(clauses) & wanted}
    order = sorted(fitting, key=lambda address: sha256(f"{seed}\x1f{address}".encode()).digest())
    drawn: list[str] = []
    asked_about: set[str] = set()
    for address in order:
        if len(drawn) < MOST_QUESTIONS and not fitting[address] <= asked_about:
            drawn.append(address)
            asked_about |= fitting[address]
    for address in order:
        if len(drawn) < FEWEST_QUESTIONS and address not in drawn:
            drawn.append(address)
    return sorted(drawn, key=order.index)
