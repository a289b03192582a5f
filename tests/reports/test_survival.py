"""Time to proficiency: the product-limit estimate against worked examples, another way of counting, and its laws."""

from __future__ import annotations

from fractions import Fraction
from math import log, sqrt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.reports.rules.survival import (
    HALF,
    LEAST_FOR_MEDIAN,
    Course,
    medians_apart,
    shares_apart,
    survival,
)
from portal.training.rules import wilson
from tests.volume import examples


def courses_of(told: str) -> list[Course]:
    """Read times as textbooks write them: "6 7 9+", with a plus where nothing happened until then."""
    return [Course(int(each.rstrip("+")), not each.endswith("+")) for each in told.split()]


# E. J. Freireich and others, Blood 21 (1963): weeks of remission of 21 pairs of children with acute leukemia.
MERCAPTOPURINE = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def test_the_estimate_is_that_of_the_textbooks_for_the_trial_of_mercaptopurine() -> None:
    # Estimates and standard errors as D. G. Kleinbaum and M. Klein, "Survival Analysis", tabulate them.
    told = survival(courses_of(MERCAPTOPURINE))
    assert (told.people, told.completed, told.censored) == (21, 9, 12)
    tabulated = {
        6: ("0.857", "0.0764"), 7: ("0.807", "0.0869"), 10: ("0.753", "0.0963"), 13: ("0.690", "0.1068"),
        16: ("0.627", "0.1141"), 22: ("0.538", "0.1282"), 23: ("0.448", "0.1346"),
    }  # fmt: skip
    found = {
        fall.day: (f"{float(fall.remaining):.3f}", f"{float(fall.remaining) * sqrt(fall.spread or 0):.4f}")
        for fall in told.falls
        if fall.completed
    }
    assert found == tabulated


@pytest.mark.parametrize(
    ("told", "expected"), [(MERCAPTOPURINE, (23, 13, None)), (PLACEBO, (8, 4, 11))], ids=["mercaptopurine", "placebo"]
)
def test_the_median_and_its_interval_are_those_that_statistics_programs_print(
    told: str, expected: tuple[int, int, int | None]
) -> None:
    found = survival(courses_of(told))
    assert (found.median, found.low, found.high) == expected


courses = st.lists(st.builds(Course, st.integers(0, 12), st.booleans()), max_size=40)


def redistributed(people: list[Course]) -> dict[int, Fraction]:
    """Estimate in another way: the weight of each who is not known of further goes to those after her (Efron 1967)."""
    order = sorted(people, key=lambda each: (each.days, not each.is_complete))
    weights = [Fraction(1, len(order) or 1)] * len(order)
    remaining, found = Fraction(1), {}
    for place, each in enumerate(order):
        if each.is_complete:
            remaining -= weights[place]
        elif place + 1 < len(order):
            share = weights[place] / (len(order) - place - 1)
            weights = [*weights[: place + 1], *(weight + share for weight in weights[place + 1 :])]
        found[each.days] = remaining
    return found


@settings(max_examples=examples(200), deadline=None)
@given(courses)
@example([Course(3, True), Course(3, False)])
@example([Course(0, True)])
def test_the_estimate_equals_that_by_handing_weights_on(people: list[Course]) -> None:
    found = survival(people)
    assert {fall.day: fall.remaining for fall in found.falls} == redistributed(people)


@settings(max_examples=examples(200), deadline=None)
@given(courses)
def test_the_interval_holds_exactly_the_days_on_which_a_half_cannot_be_ruled_out(people: list[Course]) -> None:
    found = survival(people)

    def ruled_out(day: int) -> int:
        """Return 1 where significantly more than half remain after the day, -1 where less, 0 where neither."""
        before = [fall for fall in found.falls if fall.day <= day]
        if not before or before[-1].remaining == 1:
            return 1
        fall = before[-1]
        if not fall.remaining or not fall.spread:
            return 0
        distance = log(-log(fall.remaining)) - log(-log(HALF))
        error = sqrt(fall.spread) / -log(fall.remaining)
        return -1 if distance > 1.959963984540054 * error else 1 if -distance > 1.959963984540054 * error else 0

    last = max((each.days for each in people), default=0)
    days = [day for day in range(last + 1) if ruled_out(day) == 0]
    below = [day for day in range(last + 1) if ruled_out(day) == -1]
    assert found.low == min([*days, *below], default=None)
    assert found.high == min(below, default=None)


@settings(max_examples=examples(200), deadline=None)
@given(courses)
def test_nobody_is_lost_the_stair_only_falls_and_the_median_lies_in_its_interval(people: list[Course]) -> None:
    found = survival(people)
    assert found.people == len(people)
    assert sum(fall.completed + fall.censored for fall in found.falls) == found.people
    shares = [Fraction(1), *(fall.remaining for fall in found.falls)]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share <= 1 for share in shares)
    assert (found.median is not None) == (shares[-1] <= HALF)
    if found.median is not None:
        assert found.low is not None
        assert found.low <= found.median <= (found.high if found.high is not None else 12)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30))
def test_where_everybody_completed_it_is_the_plain_share_and_the_plain_median(days: list[int]) -> None:
    found = survival([Course(each, True) for each in days])
    for fall in found.falls:
        assert fall.remaining == Fraction(sum(each > fall.day for each in days), len(days))
    assert found.median == sorted(days)[(len(days) + 1) // 2 - 1]


def test_too_few_people_have_no_estimate_and_are_not_set_apart_from_others() -> None:
    few = survival([Course(3, True)] * (LEAST_FOR_MEDIAN - 1))
    enough = survival([Course(3, True)] * LEAST_FOR_MEDIAN)
    assert (few.is_told, enough.is_told) == (False, True)
    slow = survival([*(Course(30 + each, True) for each in range(20)), *([Course(60, False)] * 2)])
    quick = survival([Course(3 + each % 5, True) for each in range(20)])
    assert medians_apart(slow, quick)
    assert medians_apart(quick, slow)
    assert not medians_apart(few, slow)
    assert not medians_apart(quick, quick)
    # Of one that never comes down to a half nothing is said.
    assert not medians_apart(quick, survival([Course(60, False)] * 20))


def test_shares_are_set_apart_only_where_their_intervals_have_nothing_in_common() -> None:
    assert shares_apart(wilson(1, 40), wilson(39, 40))
    assert not shares_apart(wilson(10, 20), wilson(12, 20))
    assert not shares_apart(None, wilson(12, 20))
