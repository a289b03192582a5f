"""When a recurring task falls due: its days are those that a plain count gives, and each explains itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from portal.calendars.rules import ONE_DAY, OffReason, WorkingCalendar, YearNotInTable
from portal.core.i18n import Words
from portal.duties.rules import Rhythm, WhenOff
from portal.duties.rules.recurring import DueDay, Period, Terms, due_days, next_days, settled, standing
from tests.volume import examples

KNOWN = range(2024, 2029)
START = date(2026, 4, 1)
NAME = Words("A holiday", "祝日")
GOLDEN_WEEK = {date(2026, 4, 29), date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)}


def calendar(holidays: Iterable[date] = (), company: Iterable[date] = (), **values: object) -> WorkingCalendar:
    facts: dict[str, object] = {
        "country": "JP",
        "known_years": KNOWN,
        "holidays": dict.fromkeys(holidays, NAME),
        "company_days": dict.fromkeys(company, NAME),
    }
    return WorkingCalendar(**(facts | values))  # type: ignore[arg-type]


def _days(first: date, number: int) -> set[date]:
    return {first + timedelta(days=each) for each in range(number)}


# Twelve markets: by the week and otherwise, with long closures, days worked instead, and hardly any days at all.
CALENDARS = [
    calendar(),
    calendar(GOLDEN_WEEK),
    calendar(GOLDEN_WEEK, {date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 7), date(2026, 5, 8)}),
    calendar(company=_days(date(2026, 12, 26), 10)),
    calendar(company=_days(date(2026, 8, 1), 31)),
    calendar(company=_days(date(2026, 6, 10), 50)),
    calendar({date(2026, 4, 3), date(2026, 12, 31), date(2027, 1, 1)}),
    calendar(worked=frozenset({date(2026, 4, 4), date(2026, 5, 2), date(2026, 5, 5)})),
    calendar(GOLDEN_WEEK, weekend=frozenset({4, 5})),
    calendar(weekend=frozenset({6})),
    calendar(weekend=frozenset({0, 1, 3, 4, 5, 6})),
    WorkingCalendar(),
]

terms = st.one_of(
    st.builds(
        Terms,
        rhythm=st.just(Rhythm.EVERY),
        every=st.integers(1, 25),
        starts_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    ),
    st.builds(
        Terms,
        rhythm=st.just(Rhythm.WEEKLY),
        every=st.integers(1, 5),
        starts_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        weekday=st.integers(0, 6),
        when_off=st.sampled_from(WhenOff),
    ),
    st.builds(
        Terms,
        rhythm=st.just(Rhythm.MONTHLY),
        every=st.integers(1, 4),
        starts_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        working_day=st.integers(1, 20) | st.integers(-20, -1),
    ),
)


def counted_plainly(wanted: Terms, book: WorkingCalendar, until: date) -> list[date]:
    """Return the days up to a day as somebody finds them who crosses out days in a wall calendar."""
    worked = [
        day
        for number in range(-70, (until - wanted.starts_on).days + 70)
        if book.is_working_day(day := wanted.starts_on + timedelta(days=number))
    ]
    match wanted.rhythm:
        case Rhythm.EVERY:
            found = [day for day in worked if day >= wanted.starts_on][:: wanted.every]
        case Rhythm.WEEKLY:
            day = wanted.starts_on
            while day.weekday() != wanted.weekday:
                day += ONE_DAY
            found = []
            while day <= until + timedelta(days=60):
                before = [each for each in worked if each <= day]
                after = [each for each in worked if each >= day]
                chosen = before[-1:] if wanted.when_off is WhenOff.BEFORE else after[:1]
                found += chosen
                day += timedelta(weeks=wanted.every)
        case Rhythm.MONTHLY:
            months = sorted({(day.year, day.month) for day in worked if day >= wanted.starts_on.replace(day=1)})
            by_month = [[day for day in worked if (day.year, day.month) == each] for each in months]
            number = wanted.working_day or 0
            picked = {
                each: days[min(number, len(days)) - 1] if number > 0 else days[max(number, -len(days))]
                for each, days in zip(months, by_month, strict=True)
            }
            first = next(each for each in months if picked[each] >= wanted.starts_on)
            index = first[0] * 12 + first[1]
            found = [day for each, day in picked.items() if (each[0] * 12 + each[1] - index) % wanted.every == 0]
            found = [day for day in found if day >= picked[first]]
    return sorted({day for day in found if wanted.starts_on <= day <= until})


def up_to(wanted: Terms, book: WorkingCalendar, until: date) -> list[DueDay]:
    found = []
    for each in due_days(wanted, book):
        if each.on > until:
            break
        found.append(each)
    return found


@settings(max_examples=examples(300), deadline=None)
@given(terms, st.sampled_from(CALENDARS))
def test_the_days_are_those_that_a_plain_count_gives(wanted: Terms, book: WorkingCalendar) -> None:
    until = wanted.starts_on + timedelta(days=200)
    found = up_to(wanted, book, until)
    event(wanted.rhythm.value)
    assert [each.on for each in found] == counted_plainly(wanted, book, until)


@settings(max_examples=examples(200), deadline=None)
@given(terms, st.sampled_from(CALENDARS))
def test_every_day_is_worked_comes_once_and_explains_itself(wanted: Terms, book: WorkingCalendar) -> None:
    found = up_to(wanted, book, wanted.starts_on + timedelta(days=300))
    assert [each.on for each in found] == sorted({each.on for each in found})
    for each in found:
        assert book.is_working_day(each.on)
        assert each.on >= wanted.starts_on
        assert each.derivation.recount() == each.on
        assert all(not book.is_working_day(off.on) for off in each.derivation.skipped)


def test_a_weekday_that_is_off_goes_to_the_working_day_before_or_after() -> None:
    book = calendar(GOLDEN_WEEK)
    asked = {
        when: [each.on for each in up_to(Terms(Rhythm.WEEKLY, 1, START, 2, when), book, date(2026, 5, 8))]
        for when in WhenOff
    }
    # 29 April and 6 May are holidays on Wednesdays; 4 and 5 May are, too.
    assert asked[WhenOff.BEFORE][-2:] == [date(2026, 4, 28), date(2026, 5, 1)]
    assert asked[WhenOff.AFTER][-2:] == [date(2026, 4, 30), date(2026, 5, 7)]


def test_a_moved_day_names_the_holiday_that_moved_it() -> None:
    found = up_to(Terms(Rhythm.WEEKLY, 1, START, 2, WhenOff.AFTER), calendar(GOLDEN_WEEK), date(2026, 5, 1))[-1]
    assert found.wished == date(2026, 4, 29)
    assert found.off is not None
    assert (found.off.reason, found.off.name) == (OffReason.HOLIDAY, NAME)


def test_the_last_working_day_of_a_month_is_before_a_closure_at_its_end() -> None:
    book = calendar(company=_days(date(2026, 12, 28), 4))
    found = up_to(Terms(Rhythm.MONTHLY, 1, START, working_day=-1), book, date(2026, 12, 31))
    assert found[-1].on == date(2026, 12, 25)


def test_a_month_with_fewer_working_days_takes_the_nearest_one_and_says_so() -> None:
    book = calendar(company=_days(date(2026, 5, 1), 20))
    found = {
        each.on.month: each for each in up_to(Terms(Rhythm.MONTHLY, 1, START, working_day=15), book, date(2026, 6, 30))
    }
    assert (found[5].on, found[5].is_shorter) == (date(2026, 5, 29), True)
    assert not found[6].is_shorter


def test_a_year_without_a_table_is_refused_by_its_name() -> None:
    found = due_days(Terms(Rhythm.EVERY, 60, date(2028, 11, 1)), calendar())
    next(found)
    with pytest.raises(YearNotInTable) as refused:
        list(islice(found, 3))
    assert (refused.value.year, refused.value.country) == (2029, "JP")


def test_the_last_working_day_of_the_last_known_year_is_told_although_the_next_year_is_not() -> None:
    found, unknown = next_days(
        Terms(Rhythm.MONTHLY, 1, date(2028, 12, 1), working_day=-1), calendar(), date(2028, 12, 1), 3
    )
    assert [each.on for each in found] == [date(2028, 12, 29)]
    assert unknown is not None
    assert unknown.year == 2029


# --- What became of the days -----------------------------------------------------------------------


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.dates(START, date(2026, 7, 1)), unique=True, max_size=8).map(sorted),
    st.sets(st.dates(START, date(2026, 7, 1)), max_size=8),
)
def test_a_run_settles_one_day_and_a_day_is_settled_by_one_run(days: list[date], runs: set[date]) -> None:
    found = settled(days, runs)
    assert set(found) <= set(days)
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= runs
    # A run of a day of its own is that day's, whatever else there is.
    assert all(found[day] == day for day in runs & set(days))


def test_a_run_keeps_its_day_settled_when_the_calendar_moves_the_day() -> None:
    every_week = Terms(Rhythm.WEEKLY, 1, START, 2, WhenOff.AFTER)
    before = standing([Period(every_week, calendar())], {date(2026, 4, 1), date(2026, 4, 8)}, date(2026, 4, 10))
    moved = calendar(company={date(2026, 4, 8)})
    after = standing([Period(every_week, moved)], {date(2026, 4, 1), date(2026, 4, 8)}, date(2026, 4, 10))
    assert before.overdue == after.overdue == ()


def test_what_was_not_done_is_overdue_and_todays_is_due() -> None:
    daily = [Period(Terms(Rhythm.EVERY, 1, START), calendar())]
    found = standing(daily, {date(2026, 4, 2)}, date(2026, 4, 3))
    assert [each.on for each in found.overdue] == [date(2026, 4, 1)]
    assert found.today is not None
    assert found.today.on == date(2026, 4, 3)
    assert found.next is not None
    assert found.next.on == date(2026, 4, 6)


def test_what_was_done_ahead_is_not_asked_for_again() -> None:
    daily = [Period(Terms(Rhythm.EVERY, 1, START), calendar())]
    found = standing(daily, {date(2026, 4, 1), date(2026, 4, 2)}, date(2026, 4, 1))
    assert found.open == ()
    assert found.ahead is None
    assert found.next is not None
    assert found.next.on == date(2026, 4, 3)


@settings(max_examples=examples(100), deadline=None)
@given(terms, terms, st.integers(1, 90), st.sampled_from(CALENDARS))
def test_other_terms_take_over_on_their_first_day(
    former: Terms, latter: Terms, days: int, book: WorkingCalendar
) -> None:
    change = former.starts_on + timedelta(days=days)
    first, second = replace(former, ends_on=change), replace(latter, starts_on=change)
    today = change + timedelta(days=120)
    found = standing([Period(first, book), Period(second, book)], (), today)
    expected = counted_plainly(former, book, change - ONE_DAY)
    expected += counted_plainly(second, book, today)
    assert [each.on for each in found.open] == expected
