"""Dates in working days: right, and able to say why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calendars.rules import (
    Count,
    OffReason,
    Roster,
    WorkingCalendar,
    YearNotInTable,
    add_working_days,
    last_working_day_before,
    provisional_from,
    working_day_number,
    working_days_between,
)
from portal.core.i18n import Words
from tests.volume import examples

pytestmark = pytest.mark.any_database

EPOCH = date(2026, 1, 1)
days = st.integers(0, 700).map(lambda number: EPOCH + timedelta(days=number))
day_sets = st.sets(days, max_size=80)


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    return WorkingCalendar(
        holidays={day: Words("Holiday", "祝日") for day in draw(day_sets)},
        company_days={day: Words("Closure", "休業日") for day in draw(day_sets)},
        leave=frozenset(draw(day_sets)),
        weekend=frozenset(draw(st.sets(st.integers(0, 6), max_size=6))),
    )


def brute_force(start: date, working_days: int, calendar: WorkingCalendar) -> date:
    """Return the date by looking at a list of all days."""
    worked = [
        day
        for day in (start + timedelta(days=number) for number in range(3000))
        if day.weekday() not in calendar.weekend
        and day not in calendar.holidays
        and day not in calendar.company_days
        and day not in calendar.leave
    ]
    return worked[working_days]


@settings(max_examples=examples(50), deadline=None)
@given(days, st.integers(0, 60), calendars())
def test_a_date_is_the_one_found_by_looking_at_every_day(start: date, number: int, calendar: WorkingCalendar) -> None:
    assert add_working_days(start, number, calendar).on == brute_force(start, number, calendar)


@settings(max_examples=examples(50), deadline=None)
@given(days, st.integers(0, 60), calendars())
def test_an_explanation_recomputes_to_the_date_it_explains(start: date, number: int, calendar: WorkingCalendar) -> None:
    due = add_working_days(start, number, calendar)
    assert due.derivation.recount() == due.on
    skipped = {off.on for off in due.derivation.skipped}
    passed = {start + timedelta(days=each) for each in range((due.on - start).days + 1)}
    assert skipped == {day for day in passed if not calendar.is_working_day(day)}


@settings(max_examples=examples(50), deadline=None)
@given(days, st.integers(0, 60), calendars())
def test_counting_between_undoes_adding(start: date, number: int, calendar: WorkingCalendar) -> None:
    first = add_working_days(start, 0, calendar).on
    due = add_working_days(start, number, calendar).on
    assert working_days_between(first, due, calendar) == number
    assert working_day_number(start, due, calendar) == number + 1


@settings(max_examples=examples(50), deadline=None)
@given(days, st.lists(st.integers(0, 40), min_size=1, max_size=8), calendars())
def test_dates_counted_together_are_those_counted_alone(
    start: date, numbers: list[int], calendar: WorkingCalendar
) -> None:
    together = Count(start, calendar)
    assert [together.after(number) for number in numbers] == [
        add_working_days(start, number, calendar) for number in numbers
    ]


@settings(max_examples=examples(50), deadline=None)
@given(days, calendars())
def test_the_last_working_day_before_a_day_is_the_nearest_one(on: date, calendar: WorkingCalendar) -> None:
    start = on - timedelta(days=40)
    worked = [day for day in (start + timedelta(days=number) for number in range(40)) if calendar.is_working_day(day)]
    assert last_working_day_before(on, calendar, start) == (worked[-1] if worked else None)


def test_a_plan_that_begins_on_a_day_off_begins_on_the_next_working_day() -> None:
    saturday = date(2026, 4, 25)
    due = add_working_days(saturday, 0, WorkingCalendar())
    assert due.on == date(2026, 4, 27)
    assert [off.reason for off in due.derivation.skipped] == [OffReason.WEEKEND] * 2
    assert add_working_days(saturday, 1, WorkingCalendar()).on == date(2026, 4, 28)


def test_a_holiday_on_a_sunday_is_named_because_it_explains_its_substitute() -> None:
    sunday = date(2026, 5, 3)
    off = WorkingCalendar(holidays={sunday: Words("Constitution Day", "憲法記念日")}).day_off(sunday)
    assert off is not None
    assert off.reason is OffReason.HOLIDAY


def test_a_year_outside_the_table_is_refused_by_its_number() -> None:
    calendar = WorkingCalendar(country="JP", known_years=range(2026, 2027))
    with pytest.raises(YearNotInTable) as refused:
        add_working_days(date(2026, 12, 28), 10, calendar)
    assert (refused.value.year, refused.value.country) == (2027, "JP")


def test_a_table_that_knows_nothing_refuses_every_day() -> None:
    with pytest.raises(YearNotInTable):
        add_working_days(date(2026, 4, 1), 0, WorkingCalendar(country="JP", known_years=range(0)))


def test_a_date_in_a_provisional_year_says_so() -> None:
    calendar = WorkingCalendar(provisional_from=2028)
    assert not add_working_days(date(2027, 12, 31), 0, calendar).derivation.provisional
    assert add_working_days(date(2027, 12, 31), 1, calendar).derivation.provisional


def test_japan_is_provisional_after_the_next_year_and_statutes_never() -> None:
    assert provisional_from("JP", 2026) == 2028
    assert provisional_from("US", 2026) is None


@settings(max_examples=examples(50), deadline=None)
@given(days, st.integers(1, 60), calendars())
def test_counting_back_mirrors_counting_on(start: date, number: int, calendar: WorkingCalendar) -> None:
    due = add_working_days(start, -number, calendar)
    assert due.derivation.recount() == due.on
    assert {off.on for off in due.derivation.skipped} == {
        day
        for day in (due.on + timedelta(days=each) for each in range((start - due.on).days))
        if not calendar.is_working_day(day)
    }
    # From the first working day on, counted on again, it is where it began.
    assert add_working_days(due.on, number, calendar).on == add_working_days(start, 0, calendar).on


def test_the_days_before_a_plan_are_counted_back_from_its_first_day() -> None:
    monday = date(2026, 5, 11)
    golden_week = {date(2026, 5, day): Words("Holiday", "祝日") for day in (4, 5, 6)}
    calendar = WorkingCalendar(holidays=golden_week)
    assert add_working_days(monday, -1, calendar).on == date(2026, 5, 8)
    assert add_working_days(monday, -3, calendar).on == date(2026, 5, 1)
    # The first day of the plan falls on a Sunday: its day 1 is the Monday, and the day before that the Friday.
    assert add_working_days(date(2026, 5, 10), -1, calendar).on == date(2026, 5, 8)


@settings(max_examples=examples(50), deadline=None)
@given(
    days,
    st.integers(0, 40),
    calendars(),
    st.lists(st.booleans(), min_size=1, max_size=9).filter(any),
    st.booleans(),
    st.integers(0, 300),
)
def test_by_shifts_the_cycle_decides_instead_of_the_week(
    start: date, number: int, calendar: WorkingCalendar, cycle: list[bool], works_holidays: bool, length: int
) -> None:
    roster = Roster(EPOCH, tuple(cycle), EPOCH + timedelta(days=length), works_holidays)
    worked = []
    for each in range(4000):
        day = start + timedelta(days=each)
        closed = day in calendar.holidays or day in calendar.company_days
        if EPOCH <= day <= EPOCH + timedelta(days=length):
            works = cycle[(day - EPOCH).days % len(cycle)] and (works_holidays or not closed)
        else:
            works = day.weekday() not in calendar.weekend and not closed
        if works and day not in calendar.leave:
            worked.append(day)
    due = add_working_days(start, number, replace(calendar, rosters=(roster,)))
    assert due.on == worked[number]
    assert due.derivation.recount() == due.on


def test_a_rest_day_and_a_holiday_are_told_apart() -> None:
    saturday, sunday = date(2026, 5, 2), date(2026, 5, 3)
    roster = Roster(saturday, (True, False), works_holidays=False)
    calendar = WorkingCalendar(holidays={sunday: Words("Constitution Day", "憲法記念日")}, rosters=(roster,))
    assert calendar.is_working_day(saturday)
    reasons = [calendar.day_off(saturday + timedelta(days=each)) for each in range(4)]
    assert [off and off.reason for off in reasons] == [None, OffReason.HOLIDAY, None, OffReason.REST]


def test_a_cycle_without_a_working_day_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        Roster(EPOCH, (False, False))


def test_a_week_without_a_working_day_is_refused() -> None:
    with pytest.raises(ValueError, match="week"):
        WorkingCalendar(weekend=frozenset(range(7)))


def test_a_year_is_known_by_its_own_company_days_and_not_by_a_closure_that_began_before() -> None:
    closed = {date(2026, 12, 29) + timedelta(days=each): Words("Closed", "休業") for each in range(6)}
    calendar = WorkingCalendar(company_days=closed)
    days = [date(2026, 12, 28), date(2027, 1, 12), date(2027, 12, 30), date(2028, 1, 5)]
    assert calendar.without_company_days(days) == (2027, 2028)
    known = replace(calendar, company_days=closed | {date(2027, 12, 29): Words("Closed", "休業")})
    assert known.without_company_days(days) == (2028,)
    # Who declares none has none to wait for.
    assert WorkingCalendar().without_company_days(days) == ()
