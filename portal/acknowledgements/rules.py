"""Who is asked to confirm, until when, how far she is, what that makes together, and what she has to answer first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
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
# An emergency that applies at once is confirmed within so many hours (product.md, J8).
EMERGENCY_HOURS = 24
# Of those on duty so many should have confirmed when the version takes effect; below the second it should not.
TARGET, GO = Fraction(1), Fraction(95, 100)
# How many questions about what changed are asked, where there are as many.
FEWEST_QUESTIONS, MOST_QUESTIONS = 2, 5
# Within these hours of her own zone a person gets mail.
DAY_BEGINS, DAY_ENDS = time(9), time(18)
# Working days after the asking on which she is reminded.
REMINDED_AFTER = (1, 3)


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
    exempt_at: datetime | None = None
    is_on_leave: bool = False


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

    `people` are those who are active; leave is that of the instant's day. Source: product.md, "the numbers".
    """
    confirmed = on_duty = 0
    for facts in people:
        if facts.is_on_leave or facts.asked_at is None or facts.asked_at > at:
            continue
        found = status(facts, at)
        if found is Status.EXEMPT:
            continue
        on_duty += 1
        confirmed += found is Status.CONFIRMED
    return Coverage(confirmed, on_duty)


def count(statuses: Iterable[Status]) -> dict[Status, int]:
    """Return how many people have each status, in the order of the statuses; none is left out."""
    counted = Counter(statuses)
    return {each: counted[each] for each in Status}


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
    # None where hours were counted.
    counted: DueDate | None
    # The national holidays of the time were not known, so that only week-ends and company days were left out.
    is_guess: bool = False


def due_in_days(*, asked_at: datetime, days: int, calendar: WorkingCalendar, zone: tzinfo) -> Due:
    """Return the date so many working days after the asking; it is over when that day is, in the zone of her market."""
    asked_on = asked_at.astimezone(zone).date()
    counted, is_guess = _counted(asked_on, days, calendar)
    return Due(counted.on, _end_of(counted.on, zone), days, counted, is_guess)


def due_in_hours(
    *, asked_at: datetime, hours: int, effective_at: datetime, calendar: WorkingCalendar, zone: tzinfo
) -> Due:
    """Return when it takes effect, or where it has already so many hours after the asking; never within her leave."""
    at = effective_at if effective_at > asked_at else asked_at + timedelta(hours=hours)
    on = at.astimezone(zone).date()
    if on not in calendar.leave:
        return Due(on, at, 0, None)
    while on in calendar.leave:
        on += ONE_DAY
    counted, is_guess = _counted(on, 0, calendar)
    return Due(counted.on, _end_of(counted.on, zone), 0, None, is_guess)


def _counted(start: date, days: int, calendar: WorkingCalendar) -> tuple[DueDate, bool]:
    try:
        return add_working_days(start, days, calendar), False
    except YearNotInTable:
        return add_working_days(start, days, without_holidays(calendar)), True


def without_holidays(calendar: WorkingCalendar) -> WorkingCalendar:
    """Return the calendar as far as it is known where the national holidays are not."""
    return WorkingCalendar(company_days=calendar.company_days, leave=calendar.leave, weekend=calendar.weekend)


def _end_of(on: date, zone: tzinfo) -> datetime:
    return datetime.combine(on + ONE_DAY, time(0), zone)


# --- mails --------------------------------------------------------------------------------------


def mail_times(*, asked_at: datetime, due: Due, calendar: WorkingCalendar, zone: tzinfo) -> list[datetime]:
    """Return when a person gets the mails of a request: that she is asked, after one and three working days, and
    a day before it is due; in business hours of her zone, never two on a day.

    The number of a mail is its place. An emergency (counted in hours) does not wait for a working day.
    """
    # None: the request is urgent.
    worked = None if due.counted is None else calendar
    times = [in_business_hours(asked_at, zone, worked)]
    told_on = times[0].astimezone(zone).date()
    due_on = due.at.astimezone(zone).date() - (ONE_DAY if due.counted is not None else timedelta(0))
    wanted = [] if worked is None else [_counted(told_on, days, worked)[0].on for days in REMINDED_AFTER]
    last = _day_before(due, zone, told_on, worked)
    if last is not None:
        wanted.append(last)
    for on in sorted(set(wanted)):
        if told_on < on <= due_on:
            times.append(datetime.combine(on, DAY_BEGINS, zone))
    return times


def _day_before(due: Due, zone: tzinfo, told_on: date, calendar: WorkingCalendar | None) -> date | None:
    """Return the last day on which a mail still comes 24 hours before it is due, a working one where there is one."""
    latest = due.at - timedelta(days=1)
    on = latest.astimezone(zone).date()
    if datetime.combine(on, DAY_BEGINS, zone) > latest:
        on -= ONE_DAY
    if on <= told_on:
        return None
    if calendar is None:
        return on
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
