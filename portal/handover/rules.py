"""How a handover is planned over the days left, and where each of its items stands."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from random import Random

from portal.calendars.rules import (
    ONE_DAY,
    Count,
    Derivation,
    DueDate,
    WorkingCalendar,
    add_working_days,
    working_days_between,
)
from portal.duties.rules import WEIGHT_OF, Criticality


class Reason(StrEnum):
    """Why somebody hands over."""

    RESIGNATION = "resignation"
    TRANSFER = "transfer"
    # More than ten working days; up to ten a stand-in is enough.
    LEAVE = "leave"
    # Nothing moves at the end; it is found out what could.
    REHEARSAL = "rehearsal"


class Stage(StrEnum):
    """What a successor has done with an item, in this order."""

    SHADOW = "shadow"
    REVERSE_SHADOW = "reverse_shadow"
    ALONE = "alone"


class Decision(StrEnum):
    """What a successor says to an item."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class GoneAs(StrEnum):
    """Why an item does not need to be handed over any more."""

    NOT_LIVE = "not_live"
    OWNED_BY_ANOTHER = "owned_by_another"


class ItemState(StrEnum):
    """Where an item stands; computed, never stored."""

    # Nobody is to take it over.
    UNASSIGNED = "unassigned"
    # Whoever was to take it over has no account any more.
    SUCCESSOR_GONE = "successor_gone"
    # There is a successor who has done nothing with it yet, and no card; or there is one.
    CARD_MISSING = "card_missing"
    READY = "ready"
    SHADOWED = "shadowed"
    REVERSE_SHADOWED = "reverse_shadowed"
    # She has done it alone, and has not said whether she takes it.
    TO_DECIDE = "to_decide"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    GONE = "gone"


class Milestone(StrEnum):
    """What is due on the way, in the order of a long notice."""

    PLAN = "plan"
    INVENTORY = "inventory"
    CARDS = "cards"
    SIGN_OFF = "sign_off"


# What somebody says is done; the other two follow from cards and answers.
SAID = frozenset({Milestone.PLAN, Milestone.INVENTORY})
# Leave of more working days needs a handover; product.md, journey of handovers.
LIGHT_UP_TO_DAYS = 10
# Shares of the notice, in percent of its working days, by which things are done.
CARDS_BY_PERCENT = 40
SIGN_OFF_BY_PERCENT = 80
# Working days from the notice.
PLAN_WITHIN_DAYS = 2
INVENTORY_WITHIN_DAYS = 3
# How many working days a rehearsal takes that is begun with one click.
REHEARSAL_DAYS = 10
# Working days that a successor has to confirm a dossier that was issued, as everybody has for a document.
CONFIRM_WITHIN_DAYS = 5
# Nobody gives notice for longer than this.
LONGEST_NOTICE_DAYS = 2 * 366
# What waits with the lead until she does something.
WITH_THE_LEAD = frozenset({ItemState.UNASSIGNED, ItemState.SUCCESSOR_GONE, ItemState.REFUSED})
# What keeps a handover open no longer.
SETTLED = frozenset({ItemState.ACCEPTED, ItemState.GONE})
# What a successor works at.
WITH_THE_SUCCESSOR = frozenset(
    {
        ItemState.CARD_MISSING,
        ItemState.READY,
        ItemState.SHADOWED,
        ItemState.REVERSE_SHADOWED,
        ItemState.TO_DECIDE,
    }
)


def busy_until(reason: Reason, last_on: date, back_on: date | None) -> date:
    """Return the last day on which a stand-in would take away what is handed over: of leave, the last day of that."""
    return back_on - ONE_DAY if reason is Reason.LEAVE and back_on is not None else last_on


def stand_in_fits(reason: Reason, last_on: date, back_on: date | None, first_on: date) -> bool:
    """Say whether a stand-in can be planned from a day on beside an open handover: after it, of whoever stays."""
    return reason is not Reason.RESIGNATION and first_on > busy_until(reason, last_on, back_on)


def item_state(
    *,
    is_gone: bool,
    has_successor: bool,
    is_successor_active: bool,
    decision: Decision | None,
    stages: Collection[Stage],
    has_card: bool,
) -> ItemState:
    """Return where an item stands.

    `decision` is the latest of the present assignment, `stages` are those that its successor has behind her, by
    evidence or waived. An acceptance counts only with evidence of having done it alone.
    """
    if is_gone:
        return ItemState.GONE
    if not has_successor:
        return ItemState.UNASSIGNED
    if not is_successor_active:
        return ItemState.SUCCESSOR_GONE
    if decision is Decision.REFUSED:
        return ItemState.REFUSED
    if Stage.ALONE in stages:
        return ItemState.ACCEPTED if decision is Decision.ACCEPTED else ItemState.TO_DECIDE
    if Stage.REVERSE_SHADOW in stages:
        return ItemState.REVERSE_SHADOWED
    if Stage.SHADOW in stages:
        return ItemState.SHADOWED
    return ItemState.READY if has_card else ItemState.CARD_MISSING


def next_stage(stages: Collection[Stage]) -> Stage | None:
    """Return the stage that comes after those that are done, or None when all are."""
    return next((stage for stage in Stage if stage not in stages), None)


def score(criticality: Criticality, *, is_single_point: bool) -> int:
    """Return how urgent an item is, from 1 to 8: the weight of its criticality, doubled where nobody else knows it."""
    return WEIGHT_OF[criticality] * (2 if is_single_point else 1)


# --- The days left -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """The dates of a handover, each with how it came about."""

    # Working days after the notice, up to and with the last day.
    working_days: int
    dates: dict[Milestone, DueDate]


def first_working_day(notice_on: date, last_on: date, calendar: WorkingCalendar) -> date | None:
    """Return the first working day of the notice, or None where nobody works until the last day.

    Raises `YearNotInTable`.
    """
    day = notice_on
    while day <= last_on:
        if calendar.is_working_day(day):
            return day
        day += ONE_DAY
    return None


def plan(notice_on: date, last_on: date, calendar: WorkingCalendar) -> Plan:
    """Plan the days from the notice to the last day.

    Shares are rounded down to whole working days, so that nothing is due later than its share says, and to one day at
    least where there is one. What has a fixed number of days is due no later than what comes after it: first a plan,
    then items, cards, and acceptance. Raises `YearNotInTable`.
    """
    first = first_working_day(notice_on, last_on, calendar)
    if first is None:
        # Nobody works any more: everything is due on the last day itself.
        at_once = DueDate(last_on, Derivation(last_on, 0, ()))
        return Plan(0, dict.fromkeys(Milestone, at_once))
    days = working_days_between(first, last_on, calendar)
    count = Count(notice_on, calendar)
    least = min(1, days)
    cards = max(days * CARDS_BY_PERCENT // 100, least)
    numbers = {
        Milestone.PLAN: min(PLAN_WITHIN_DAYS, cards),
        Milestone.INVENTORY: min(INVENTORY_WITHIN_DAYS, cards),
        Milestone.CARDS: cards,
        Milestone.SIGN_OFF: max(days * SIGN_OFF_BY_PERCENT // 100, least),
    }
    return Plan(days, {each: count.after(number) for each, number in numbers.items()})


def days_of_leave(last_on: date, back_on: date, calendar: WorkingCalendar) -> int:
    """Count the working days that leave takes, from the day after the last one to the day before the first one back.

    Raises `YearNotInTable`.
    """
    return working_days_between(last_on, back_on - ONE_DAY, calendar)


def is_light(last_on: date, back_on: date, calendar: WorkingCalendar) -> bool:
    """Say whether leave is so short that a stand-in is enough. Raises `YearNotInTable`."""
    return days_of_leave(last_on, back_on, calendar) <= LIGHT_UP_TO_DAYS


def longest_stand_in(first_on: date, calendar: WorkingCalendar) -> date:
    """Return the last day on which a stand-in that begins on `first_on` can end. Raises `YearNotInTable`."""
    beyond = add_working_days(first_on, LIGHT_UP_TO_DAYS, calendar).on
    return beyond - ONE_DAY


# --- Work left against days left ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trace:
    """When an item came, when it was accepted or was not any more, and when it was gone, by days of the market."""

    found_on: date
    gone_on: date | None = None
    # In their order: from this day on it is settled, or is not any more.
    turns: tuple[tuple[date, bool], ...] = ()

    def is_left(self, on: date) -> bool:
        """Say whether it was still to be done at the end of the day."""
        if self.found_on > on or (self.gone_on is not None and self.gone_on <= on):
            return False
        settled = [is_settled for day, is_settled in self.turns if day <= on]
        return not (settled and settled[-1])


@dataclass(frozen=True, slots=True)
class DayLeft:
    """What is left at the end of a working day; None where it has not come yet."""

    on: date
    expected: Fraction
    left: int | None


def burn_down(
    traces: Sequence[Trace], *, notice_on: date, last_on: date, today: date, calendar: WorkingCalendar
) -> list[DayLeft]:
    """Return for each working day from the notice to the last day how much was left, and how much could be.

    The line of what is expected falls evenly from everything that was ever to be done to nothing on the last day.
    Raises `YearNotInTable`.
    """
    days = [day for day in _days(notice_on, last_on) if calendar.is_working_day(day)]
    asked = [each for each in traces if each.gone_on is None]
    most = len(asked)
    steps = max(len(days) - 1, 1)
    return [
        DayLeft(
            day,
            Fraction(most * (steps - number), steps) if len(days) > 1 else Fraction(0),
            sum(each.is_left(day) for each in traces) if day <= today else None,
        )
        for number, day in enumerate(days)
    ]


def _days(first: date, last: date) -> Iterable[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


# --- A short quiz from the cards ---------------------------------------------------------------

# So few questions say nothing, and more than so many are not short any more.
QUIZ_LEAST, QUIZ_MOST, QUIZ_OF_ONE_ITEM = 3, 10, 5


@dataclass(frozen=True, slots=True)
class Askable:
    """A question that can be drawn: of which item, which version of its card and which question of that."""

    item: int
    version: int
    number: int
    # How many answers it has, the right one among them.
    answers: int


@dataclass(frozen=True, slots=True)
class DrawnQuestion:
    """A question that was drawn, and its answers in the order in which they are shown; 0 is the right one."""

    question: Askable
    order: tuple[int, ...]


def draw_quiz(
    questions: Sequence[Askable], number: int, *, asked_last: Collection[tuple[int, int]], chance: Random
) -> list[DrawnQuestion]:
    """Draw up to `number` questions, item by item in turn, so that none is passed over while another has several.

    What was asked last, by version and number, comes only where nothing else is left of its item.
    """
    by_item: dict[int, list[Askable]] = defaultdict(list)
    for each in questions:
        by_item[each.item].append(each)
    heaps = []
    for found in by_item.values():
        chance.shuffle(found)
        found.sort(key=lambda each: (each.version, each.number) in asked_last)
        heaps.append(deque(found))
    chance.shuffle(heaps)
    drawn: list[Askable] = []
    while len(drawn) < number and any(heaps):
        for heap in heaps:
            if heap and len(drawn) < number:
                drawn.append(heap.popleft())
    return [DrawnQuestion(each, tuple(chance.sample(range(each.answers), each.answers))) for each in drawn]


def is_right(order: Sequence[int], chosen: int | None) -> bool:
    """Say whether the answer that was chosen of those shown is the right one."""
    return chosen is not None and 0 <= chosen < len(order) and order[chosen] == 0
