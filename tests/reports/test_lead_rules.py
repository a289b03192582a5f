"""Who is at risk, the curve, the forecast and the clauses: pure rules against a plain recount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from portal.reports import rules
from portal.reports.rules import Conduct, Missed, Risk, RiskRule, Tries
from tests.volume import examples

DAY = date(2026, 4, 28)
days = st.integers(0, 60).map(lambda number: DAY + timedelta(days=number))
limits = st.none() | st.integers(1, 6)
risk_rules = st.builds(RiskRule, limits, limits, limits)
tries = st.lists(st.builds(Tries, st.sampled_from(["a", "b", "c"]), st.integers(0, 5), days), max_size=3)
conducts = st.builds(
    Conduct,
    overdue_steps=st.integers(0, 8),
    late_since=st.none() | days,
    tries=tries,
    idle_days=st.integers(0, 8),
    last_active_on=st.none() | days,
    is_complete=st.booleans(),
)


def recounted(conduct: Conduct, rule: RiskRule) -> set[tuple[str, str | None, int]]:
    """Say who is at risk as slowly and plainly as it can be said."""
    found: set[tuple[str, str | None, int]] = set()
    if conduct.is_complete:
        return found
    for limit in range(1, 10):
        if rule.overdue_steps == limit and conduct.overdue_steps in range(limit, 100):
            found.add(("overdue", None, conduct.overdue_steps))
        if rule.idle_days == limit and conduct.idle_days in range(limit, 100):
            found.add(("idle", None, conduct.idle_days))
        for each in conduct.tries:
            if rule.failed_tries == limit and each.failed in range(limit, 100):
                found.add(("failed_tries", each.quiz, each.failed))
    return found


@settings(max_examples=examples(300), deadline=None)
@given(conducts, risk_rules)
@example(Conduct(overdue_steps=2), RiskRule())
@example(Conduct(tries=[Tries("a", 2, DAY)]), RiskRule())
@example(Conduct(idle_days=2), RiskRule())
def test_who_is_at_risk_equals_a_plain_recount_with_its_numbers(conduct: Conduct, rule: RiskRule) -> None:
    found = rules.at_risk(conduct, rule)
    assert {(each.risk.value, each.quiz, each.number) for each in found} == recounted(conduct, rule)


def test_the_rule_begins_at_two_and_not_at_one() -> None:
    one = Conduct(overdue_steps=1, tries=[Tries("a", 1, DAY), Tries("b", 1, DAY)], idle_days=1)
    assert rules.at_risk(one, RiskRule()) == ()
    two = Conduct(overdue_steps=2, tries=[Tries("a", 2, DAY)], idle_days=2)
    assert [each.risk for each in rules.at_risk(two, RiskRule())] == [Risk.OVERDUE, Risk.FAILED_TRIES, Risk.IDLE]


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(days), st.lists(days), days, days, days)
def test_the_curve_counts_what_was_due_and_done_by_the_end_of_each_day(
    due: Sequence[date], done: Sequence[date], first: date, last: date, today: date
) -> None:
    assume(first <= last)
    points = rules.curve(Counter(due), Counter(done), first, last, today)
    assert [each.on for each in points] == [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for each in points:
        assert each.expected == sum(day <= each.on for day in due)
        assert each.done == (sum(day <= each.on for day in done) if each.on <= today else None)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30).map(sorted), st.integers(0, 30), st.integers(0, 120))
def test_who_keeps_her_pace_needs_so_many_days_more(positions: list[int], done: int, worked: int) -> None:
    needed = rules.days_to_go(positions, done, worked)
    if done >= len(positions):
        assert needed == 0
    elif done == 0 or worked == 0:
        assert needed is None
    else:
        length, stands = positions[-1], positions[done - 1]
        pace = min(Fraction(stands, worked), Fraction(1))
        rest = max(length - stands, 1)
        # The least whole number of days in which the rest is done at that pace.
        enough = next(number for number in range(1, 60 * 121) if number * pace >= rest)
        assert needed == (enough if enough <= 4 * length else None)


def test_who_is_on_schedule_ends_with_the_plan_and_nobody_before_it() -> None:
    positions = [1, 2, 3, 5, 8, 10]
    assert rules.days_to_go(positions, 3, 3) == 7
    # Ahead of the plan she still has its days before her.
    assert rules.days_to_go(positions, 3, 1) == 7
    # Twice as slow: twice as long.
    assert rules.days_to_go(positions, 3, 6) == 14


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.none() | days, max_size=30))
def test_a_forecast_says_by_when_that_share_of_all_people_is_through(ends: list[date | None]) -> None:
    told = rules.forecast(ends)
    if len(ends) < 5:
        assert told is None
        return
    assert told is not None
    for share, day in ((Fraction(1, 10), told.early), (Fraction(1, 2), told.middle), (Fraction(9, 10), told.late)):

        def through(by: date) -> Fraction:
            return Fraction(sum(end is not None and end <= by for end in ends), len(ends))

        if day is None:
            assert through(date.max) < share
        else:
            assert through(day) >= share > through(day - timedelta(days=1))


def test_a_clause_is_shown_from_ten_people_on_and_points_at_the_policy_from_forty_percent_on() -> None:
    assert Missed(9, 9).share is None
    assert not Missed(9, 9).points_at_policy
    assert Missed(10, 4).points_at_policy
    assert not Missed(10, 3).points_at_policy
    assert not Missed(1000, 399).points_at_policy
