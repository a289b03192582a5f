"""What a handover promises about its dates, and where an item stands."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calendars.rules import WorkingCalendar, YearNotInTable, working_days_between
from portal.core.i18n import Words
from portal.duties.rules import Criticality
from portal.handover import rules
from portal.handover.rules import Decision, ItemState, Milestone, Stage, Trace
from tests.volume import examples

KNOWN = range(2025, 2030)
PLAIN = WorkingCalendar(country="JP", known_years=KNOWN)
MONDAY = date(2026, 11, 2)
DAYS = st.dates(date(2025, 6, 1), date(2028, 6, 1))
CALENDARS = st.frozensets(st.dates(date(2025, 6, 1), date(2028, 12, 31)), max_size=30).map(
    lambda days: WorkingCalendar(
        country="JP", known_years=KNOWN, holidays={day: Words("A holiday", "祝日") for day in days}
    )
)


def state(**values: object) -> ItemState:
    usual = {
        "is_gone": False,
        "has_successor": True,
        "is_successor_active": True,
        "decision": None,
        "stages": (),
        "has_card": True,
    }
    return rules.item_state(**(usual | values))  # type: ignore[arg-type]


# --- Where an item stands ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"has_successor": False}, ItemState.UNASSIGNED),
        ({"has_card": False}, ItemState.CARD_MISSING),
        ({}, ItemState.READY),
        ({"stages": [Stage.SHADOW]}, ItemState.SHADOWED),
        ({"stages": [Stage.SHADOW], "has_card": False}, ItemState.SHADOWED),
        ({"stages": [Stage.SHADOW, Stage.REVERSE_SHADOW]}, ItemState.REVERSE_SHADOWED),
        ({"stages": list(Stage)}, ItemState.TO_DECIDE),
        ({"stages": list(Stage), "decision": Decision.ACCEPTED}, ItemState.ACCEPTED),
        ({"stages": list(Stage), "decision": Decision.REFUSED}, ItemState.REFUSED),
        ({"decision": Decision.REFUSED}, ItemState.REFUSED),
        (
            {"is_successor_active": False, "stages": list(Stage), "decision": Decision.ACCEPTED},
            ItemState.SUCCESSOR_GONE,
        ),
        ({"is_gone": True, "has_successor": False}, ItemState.GONE),
    ],
)
def test_an_item_stands_where_its_facts_put_it(values: dict[str, object], expected: ItemState) -> None:
    assert state(**values) is expected


def test_nothing_is_accepted_without_a_successor_who_is_there_and_has_done_it_alone() -> None:
    stage_sets = [[], [Stage.SHADOW], [Stage.SHADOW, Stage.REVERSE_SHADOW], list(Stage)]
    for gone, has, active, decision, stages, card in product(
        (True, False), (True, False), (True, False), (None, *Decision), stage_sets, (True, False)
    ):
        found = state(
            is_gone=gone, has_successor=has, is_successor_active=active, decision=decision, stages=stages, has_card=card
        )
        accepted = not gone and has and active and decision is Decision.ACCEPTED and Stage.ALONE in stages
        assert (found is ItemState.ACCEPTED) == accepted
        # Every state is somebody's: the lead's, the successor's, or settled.
        assert (found in rules.SETTLED) + (found in rules.WITH_THE_LEAD) + (found in rules.WITH_THE_SUCCESSOR) == 1


def test_stages_come_in_their_order() -> None:
    done: list[Stage] = []
    while (stage := rules.next_stage(done)) is not None:
        done.append(stage)
    assert done == [Stage.SHADOW, Stage.REVERSE_SHADOW, Stage.ALONE]


@pytest.mark.parametrize(
    ("criticality", "single", "expected"),
    [(Criticality.LOW, False, 1), (Criticality.NORMAL, True, 4), (Criticality.HIGH, False, 3),
     (Criticality.CRITICAL, True, 8)],
)  # fmt: skip
def test_what_matters_and_stands_on_one_person_comes_first(
    criticality: Criticality, single: bool, expected: int
) -> None:
    assert rules.score(criticality, is_single_point=single) == expected


# --- The days left -------------------------------------------------------------------------------


def test_a_notice_of_twenty_working_days_is_planned_by_its_shares() -> None:
    found = rules.plan(MONDAY, date(2026, 11, 30), PLAIN)
    assert found.working_days == 20
    assert {each: due.on for each, due in found.dates.items()} == {
        Milestone.PLAN: date(2026, 11, 4),
        Milestone.INVENTORY: date(2026, 11, 5),
        Milestone.CARDS: date(2026, 11, 12),
        Milestone.SIGN_OFF: date(2026, 11, 24),
    }


def test_shares_are_rounded_down_to_whole_days() -> None:
    # 40 % of 7 days are 2.8, 80 % are 5.6.
    found = rules.plan(MONDAY, date(2026, 11, 11), PLAIN)
    assert found.working_days == 7
    assert found.dates[Milestone.CARDS].derivation.working_days == 2
    assert found.dates[Milestone.SIGN_OFF].derivation.working_days == 5


def test_a_notice_of_one_weekend_has_everything_due_on_its_last_day() -> None:
    found = rules.plan(date(2026, 11, 7), date(2026, 11, 8), PLAIN)
    assert found.working_days == 0
    assert {due.on for due in found.dates.values()} == {date(2026, 11, 8)}


def test_a_plan_into_a_year_that_no_table_knows_is_not_guessed() -> None:
    with pytest.raises(YearNotInTable):
        rules.plan(date(2029, 12, 1), date(2030, 1, 20), PLAIN)


@settings(max_examples=examples(150), deadline=None)
@given(DAYS, st.integers(0, 150), CALENDARS)
def test_every_date_of_a_plan_explains_itself_and_lies_within_the_notice(
    notice_on: date, length: int, calendar: WorkingCalendar
) -> None:
    last_on = notice_on + timedelta(days=length)
    found = rules.plan(notice_on, last_on, calendar)
    worked = [
        day
        for day in (notice_on + timedelta(days=number) for number in range(length + 1))
        if calendar.is_working_day(day)
    ]
    for milestone, due in found.dates.items():
        assert due.derivation.recount() == due.on
        assert notice_on <= due.on <= last_on, milestone
        if worked:
            assert due.on in worked
    if worked:
        assert found.working_days == len(worked) - 1
        # No more than the share of the days has passed when it is due, but for the first where there is one.
        for milestone, percent in ((Milestone.CARDS, 40), (Milestone.SIGN_OFF, 80)):
            passed = worked.index(found.dates[milestone].on)
            share = percent * found.working_days
            assert passed * 100 <= share < (passed + 1) * 100 or (passed == 1 and share < 100)
            assert passed >= min(1, found.working_days)
    # Nothing is due before what it rests on.
    dues = [found.dates[each].on for each in Milestone]
    assert dues == sorted(dues)


@pytest.mark.parametrize(
    ("last_on", "numbers"),
    [
        (date(2026, 11, 2), [0, 0, 0, 0]),
        (date(2026, 11, 3), [1, 1, 1, 1]),
        (date(2026, 11, 5), [1, 1, 1, 2]),
        (date(2026, 11, 9), [2, 2, 2, 4]),
        (date(2026, 11, 12), [2, 3, 3, 6]),
    ],
)
def test_a_short_notice_keeps_the_order_of_a_long_one(last_on: date, numbers: list[int]) -> None:
    found = rules.plan(MONDAY, last_on, PLAIN)
    assert [found.dates[each].derivation.working_days for each in Milestone] == numbers


@settings(max_examples=examples(150), deadline=None)
@given(DAYS, CALENDARS)
def test_the_longest_stand_in_takes_ten_working_days_and_a_day_more_takes_eleven(
    first_on: date, calendar: WorkingCalendar
) -> None:
    last_on = rules.longest_stand_in(first_on, calendar)
    before, back_on = first_on - timedelta(days=1), last_on + timedelta(days=1)
    assert working_days_between(before, last_on, calendar) == 10
    assert rules.is_light(before, back_on, calendar)
    assert not rules.is_light(before, back_on + timedelta(days=1), calendar)


# --- Work left against days left -----------------------------------------------------------------


def test_a_burn_down_shows_what_was_left_each_day_and_nothing_of_days_to_come() -> None:
    traces = [
        Trace(MONDAY, turns=((date(2026, 11, 4), True),)),
        Trace(MONDAY, turns=((date(2026, 11, 3), True), (date(2026, 11, 4), False), (date(2026, 11, 6), True))),
        Trace(date(2026, 11, 5)),
        Trace(MONDAY, gone_on=date(2026, 11, 3)),
    ]
    found = rules.burn_down(
        traces, notice_on=MONDAY, last_on=date(2026, 11, 9), today=date(2026, 11, 5), calendar=PLAIN
    )
    assert [(day.on.day, day.left) for day in found] == [(2, 3), (3, 1), (4, 1), (5, 2), (6, None), (9, None)]
    assert [day.expected for day in found] == [Fraction(3 * left, 5) for left in (5, 4, 3, 2, 1, 0)]


@settings(max_examples=examples(100), deadline=None)
@given(DAYS, st.integers(0, 60), st.integers(0, 90), st.lists(st.integers(0, 60), max_size=8), CALENDARS)
def test_a_burn_down_never_counts_more_than_there_was_and_ends_at_nothing_expected(
    notice_on: date, length: int, today: int, settled: list[int], calendar: WorkingCalendar
) -> None:
    traces = [Trace(notice_on, turns=((notice_on + timedelta(days=number), True),)) for number in settled]
    last_on, now = notice_on + timedelta(days=length), notice_on + timedelta(days=today)
    found = rules.burn_down(traces, notice_on=notice_on, last_on=last_on, today=now, calendar=calendar)
    for day in found:
        assert (day.left is None) == (day.on > now)
        assert day.left is None or day.left == sum(notice_on + timedelta(days=number) > day.on for number in settled)
    expected = [day.expected for day in found]
    assert expected == sorted(expected, reverse=True)
    assert not expected or expected[-1] == 0
