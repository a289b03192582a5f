"""What the marks of a quiz say: published figures are reproduced, nothing is clamped, what is not defined is null."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from portal.accounts.models import Person
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import Attempt, QuizVersion, Release
from portal.quizzes.rules.statistics import (
    Interval,
    Mark,
    Third,
    Warned,
    consistency_of_papers,
    decision_of,
    difference_between,
    figures_of,
    figures_of_choices,
    histogram,
    interval_of_alpha,
    interval_of_correlation,
    interval_of_facility,
    interval_of_gap,
    interval_of_mean,
    interval_of_median,
    interval_of_share,
    probability_of_chance,
    quantile,
    seconds_by_question,
    share_by_thirds,
    thirds_of,
)
from portal.quizzes.service import attempts as service
from portal.quizzes.service.statistics import guess_score_of
from tests.builders import Cast
from tests.material import material
from tests.quizzes.builders import answer_all, begin, make_content, make_quiz

# Five items of the Law School Admission Test, section 6, by pattern of right answers: R. D. Bock & M. Lieberman,
# "Fitting a response model for n dichotomously scored items", Psychometrika 35 (1970), 1,000 people.
LSAT = {
    "00000": 3, "00001": 6, "00010": 2, "00011": 11, "00100": 1, "00101": 1, "00110": 3, "00111": 4,
    "01000": 1, "01001": 8, "01011": 16, "01101": 3, "01110": 2, "01111": 15,
    "10000": 10, "10001": 29, "10010": 14, "10011": 81, "10100": 3, "10101": 28, "10110": 15, "10111": 80,
    "11000": 16, "11001": 56, "11010": 21, "11011": 173, "11100": 11, "11101": 61, "11110": 28, "11111": 298,
}  # fmt: skip
# The figures that `descript` of the R package ltm prints for them (D. Rizopoulos, Journal of Statistical Software 17).
LSAT_FACILITY = [0.924, 0.709, 0.553, 0.763, 0.870]
LSAT_ITEM_TOTAL = [0.3620, 0.5668, 0.6184, 0.5344, 0.4354]
LSAT_ALPHA, LSAT_ALPHA_WITHOUT = 0.2950, [0.2754, 0.2376, 0.2168, 0.2459, 0.2663]

marks = st.integers(2, 6).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 4).map(lambda mark: mark / 4), min_size=width, max_size=width), min_size=3, max_size=12
    )
)


def _names(rows: list[list[float]]) -> list[str]:
    return [f"q{place}" for place in range(1, len(rows[0]) + 1)]


def test_the_figures_published_for_a_thousand_people_are_reproduced() -> None:
    rows = [[float(mark) for mark in pattern] for pattern, times in LSAT.items() for _time in range(times)]
    assert len(rows) == 1000
    figures = figures_of(_names(rows), rows)
    assert [item.facility for item in figures.items] == pytest.approx(LSAT_FACILITY, abs=1e-9)
    assert [item.point_biserial for item in figures.items] == pytest.approx(LSAT_ITEM_TOTAL, abs=5e-5)
    assert [item.alpha_if_deleted for item in figures.items] == pytest.approx(LSAT_ALPHA_WITHOUT, abs=5e-5)
    assert figures.quiz.internal_consistency == pytest.approx(LSAT_ALPHA, abs=5e-5)
    assert [item.warnings for item in figures.items] == [()] * 5


# Answers of 30 departments to seven questions: S. Chatterjee & B. Price, Regression Analysis by Example (Wiley, 1977),
# in R as `attitude`. Below what `alpha` of the R package psych (W. Revelle) prints of them.
ATTITUDE = {
    "rating": "43 63 71 61 81 43 58 71 72 67 64 67 69 68 77 81 74 65 65 50 50 64 53 40 63 66 78 48 85 82",
    "complaints": "51 64 70 63 78 55 67 75 82 61 53 60 62 83 77 90 85 60 70 58 40 61 66 37 54 77 75 57 85 82",
    "privileges": "30 51 68 45 56 49 42 50 72 45 53 47 57 83 54 50 64 65 46 68 33 52 52 42 42 66 58 44 71 39",
    "learning": "39 54 69 47 66 44 56 55 67 47 58 39 42 45 72 72 69 75 57 54 34 62 50 58 48 63 74 45 71 59",
    "raises": "61 63 76 54 71 54 66 70 71 62 58 59 55 59 79 60 79 55 75 64 43 66 63 50 66 88 80 51 77 64",
    "critical": "92 73 86 84 83 49 68 66 83 80 67 74 63 77 77 54 79 80 85 78 64 80 80 57 75 76 78 83 74 78",
    "advance": "45 47 48 35 47 34 35 41 31 41 34 41 25 35 46 36 63 60 46 52 33 41 37 49 33 72 49 38 55 39",
}
ATTITUDE_ALPHA, ATTITUDE_WITHOUT = 0.84, [0.81, 0.80, 0.83, 0.80, 0.80, 0.86, 0.84]
ATTITUDE_ITEM_TOTAL = [0.78, 0.84, 0.70, 0.81, 0.85, 0.42, 0.60]
ATTITUDE_ITEM_REST = [0.67, 0.74, 0.56, 0.71, 0.79, 0.27, 0.46]


def test_the_figures_published_for_answers_on_a_scale_are_reproduced() -> None:
    columns = [[float(mark) for mark in column.split()] for column in ATTITUDE.values()]
    figures = figures_of(list(ATTITUDE), [list(row) for row in zip(*columns, strict=True)])
    assert figures.quiz.n == 30
    assert figures.quiz.internal_consistency == pytest.approx(ATTITUDE_ALPHA, abs=5e-3)
    assert [item.alpha_if_deleted for item in figures.items] == pytest.approx(ATTITUDE_WITHOUT, abs=5e-3)
    assert [item.point_biserial for item in figures.items] == pytest.approx(ATTITUDE_ITEM_TOTAL, abs=5e-3)
    assert [item.discrimination for item in figures.items] == pytest.approx(ATTITUDE_ITEM_REST, abs=5e-3)


# Six people judged by four others: P. E. Shrout & J. L. Fleiss, "Intraclass correlations", Psychological Bulletin 86
# (1979), table 2. Judged by the same four their mean has ICC(3,4) = .91, which is alpha; by four of their own ICC(1,4).
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_papers_that_were_drawn_are_as_consistent_as_published_for_ratings_by_different_judges() -> None:
    rows: list[list[Mark]] = [[float(mark) for mark in row] for row in SHROUT_FLEISS]
    assert figures_of(list("abcd"), rows).quiz.internal_consistency == pytest.approx(0.91, abs=5e-3)
    assert consistency_of_papers(SHROUT_FLEISS) == pytest.approx(0.44, abs=5e-3)
    # Each drew four items that nobody else had: pairs of items tell nothing, papers do.
    apart: list[list[Mark]] = [
        [*[None] * (4 * place), *row, *[None] * (4 * (5 - place))] for place, row in enumerate(rows)
    ]
    names = [f"q{place}" for place in range(24)]
    drawn = figures_of(names, apart, drawn=True)
    assert figures_of(names, apart).quiz.internal_consistency is None
    assert drawn.quiz.internal_consistency == pytest.approx(0.44, abs=5e-3)
    assert drawn.quiz.standard_error is not None
    assert {item.alpha_if_deleted for item in drawn.items} == {None}
    # Where everybody had everything it is alpha, drawn or not.
    assert figures_of(list("abcd"), rows, drawn=True) == figures_of(list("abcd"), rows)


def test_papers_of_one_item_or_of_the_same_marks_have_no_consistency() -> None:
    assert consistency_of_papers([[1.0], [0.0], [1.0]]) is None
    assert consistency_of_papers([[1.0, 0.0]]) is None
    assert consistency_of_papers([[1.0, 1.0], [1.0, 1.0], [1.0]]) is None
    # Nothing but chance: below nothing, and told so.
    found = consistency_of_papers([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0, 1.0]])
    assert found is None or found < 0


@given(marks)
def test_papers_are_no_more_consistent_than_alpha_says(rows: list[list[float]]) -> None:
    alpha, papers = figures_of(_names(rows), rows).quiz.internal_consistency, consistency_of_papers(rows)
    if alpha is not None and papers is not None:
        # Equally hard items leave of alpha's error what divides by n instead of n − 1; others add to it.
        assert papers <= 1 - (1 - alpha) * (len(rows) - 1) / len(rows) + 1e-9


# Who was admitted in 1973 to the six largest departments of Berkeley: P. J. Bickel, E. A. Hammel & J. W. O'Connell,
# Science 187 (1975), in R as `UCBAdmissions`: (men admitted, men rejected, women admitted, women rejected).
BERKELEY = [
    (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391), (138, 279, 131, 244), (53, 138, 94, 299),
    (22, 351, 24, 317),
]  # fmt: skip


def test_the_test_for_a_difference_of_languages_is_the_one_published() -> None:
    strata = [
        [(True, True)] * one + [(False, True)] * two + [(True, False)] * three + [(False, False)] * four
        for one, two, three, four in BERKELEY
    ]
    # As `mantelhaen.test(UCBAdmissions)` of R prints it: X² = 1.4269 (1.5246 without the correction), p = 0.2323.
    assert probability_of_chance(strata) == pytest.approx(0.2323, abs=5e-5)


def test_every_figure_of_the_reference_implementation_is_reproduced() -> None:
    folder = material("itemstats/moodle")
    with (folder / "results00.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    rows = [[float(row[f"slots.{slot}.mark"]) for slot in range(1, 8)] for row in listed]
    figures = figures_of(_names(rows), rows, [1.0] * 7)
    with (folder / "qstats00.csv").open(encoding="utf-8") as file:
        expected = [row for row in csv.DictReader(file) if not row["subqname"] and not row["variant"]]
    assert len(expected) == 7
    for item, published in zip(figures.items, expected, strict=True):
        assert item.n == int(published["s"])
        assert item.facility == pytest.approx(float(published["facility"]), abs=1e-9)
        assert item.sd == pytest.approx(float(published["sd"]), abs=1e-9)
        for figure, column in (
            (item.effective_weight, "effectiveweight"),
            (item.discrimination, "discriminationindex"),
            (item.discriminative_efficiency, "discriminativeefficiency"),
        ):
            assert figure is not None
            assert figure * 100 == pytest.approx(float(published[column]), rel=1e-8), column
    quiz = json.loads((folder / "expected_setA_quiz.json").read_text(encoding="utf-8"))
    found = figures.quiz
    assert (found.n, found.median) == (quiz["attempts"], quiz["median"])
    for figure, name, scale in (
        (found.mean, "mean", 1),
        (found.sd, "standarddeviation", 1),
        (found.skewness, "skewness", 1),
        (found.kurtosis, "kurtosis", 1),
        (found.internal_consistency, "cic", 100),
        (found.error_ratio, "errorratio", 100),
        (found.standard_error, "standarderror", 1),
    ):
        assert figure is not None
        assert figure * scale == pytest.approx(quiz[name], rel=quiz["rel_tolerance"]), name


def test_a_negative_alpha_is_told_as_it_is() -> None:
    figures = figures_of(["a", "b"], [[0, 1], [1, 0], [0, 1], [1, 0.5]])
    assert figures.quiz.internal_consistency is not None
    assert figures.quiz.internal_consistency < -1
    assert figures.quiz.error_ratio is not None
    assert figures.quiz.error_ratio > 1


@pytest.mark.parametrize("rows", [[], [[1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]])
def test_what_is_not_defined_is_none_and_never_zero(rows: list[list[float]]) -> None:
    figures = figures_of(["a", "b"], rows)
    quiz = figures.quiz
    assert quiz.n == len(rows)
    assert (quiz.skewness, quiz.kurtosis, quiz.internal_consistency, quiz.standard_error) == (None,) * 4
    for item in figures.items:
        assert (item.discrimination, item.point_biserial, item.discriminative_efficiency) == (None, None, None)
        assert item.alpha_if_deleted is None
    if len(rows) > 1:
        assert quiz.sd == 0
        assert all(Warned.NO_VARIANCE in item.warnings for item in figures.items)


def test_an_item_that_pulls_the_total_down_has_no_weight_and_says_so() -> None:
    rows: list[list[Mark]] = [[3, 0.0], [2, 0.5], [1, 0.5], [0, 1.0]]
    good, bad = figures_of(["good", "bad"], rows).items
    assert good.effective_weight == 1
    assert bad.effective_weight is None
    assert {Warned.NEGATIVE_COVARIANCE, Warned.NEGATIVE_DISCRIMINATION} <= set(bad.warnings)
    assert (good.max, good.facility) == (3, 0.5)
    assert Warned.MAX_ASSUMED in good.warnings
    assert Warned.MAX_ASSUMED not in bad.warnings


def test_an_item_counts_those_who_were_shown_it() -> None:
    rows: list[list[Mark]] = [[1, 1, None], [1, 0, 1], [0, 0, 0], [0, None, 0], [1, 1, 1]]
    first, second, third = figures_of(["a", "b", "c"], rows).items
    assert [first.n, second.n, third.n] == [5, 4, 4]
    assert [first.facility, second.facility, third.facility] == [0.6, 0.5, 0.5]
    assert Warned.NOT_SHOWN_TO_ALL in second.warnings
    assert Warned.NOT_SHOWN_TO_ALL not in first.warnings


@example([[0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.5, 0.5]])
@given(marks)
def test_alpha_of_a_matrix_without_gaps_is_the_sum_of_its_covariances(rows: list[list[float]]) -> None:
    """The way that is taken where there are gaps agrees with the formula where there are none."""
    names = _names(rows)
    complete = figures_of(names, rows).quiz.internal_consistency
    assert complete is None or complete <= 1 + 1e-9
    # One more person, shown nothing at all, changes no covariance but takes the other way.
    with_gap = figures_of(names, [*rows, [None] * len(names)]).quiz.internal_consistency
    if complete is None or math.isclose(figures_of(names, rows).quiz.sd or 0, 0, abs_tol=1e-9):
        return
    assert with_gap == pytest.approx(complete, rel=1e-9, abs=1e-9)


@given(marks, st.integers(2, 9), st.randoms(use_true_random=False))
def test_figures_depend_neither_on_the_order_of_people_nor_on_the_scale_of_marks(
    rows: list[list[float]], factor: int, chance: Any
) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)
    names = _names(rows)
    one = figures_of(names, rows, [1.0] * len(names))
    other = figures_of(names, [[mark * factor for mark in row] for row in mixed], [float(factor)] * len(names))
    for item, twin in zip(one.items, other.items, strict=True):
        assert twin.facility == pytest.approx(item.facility)
        assert (twin.discrimination is None) == (item.discrimination is None)
        if item.discrimination is not None:
            assert twin.discrimination == pytest.approx(item.discrimination, abs=1e-9)
            assert -1 - 1e-12 <= item.discrimination <= 1 + 1e-12
    weights = [item.effective_weight for item in one.items if item.effective_weight is not None]
    if weights and math.fsum(weights):
        assert math.fsum(weights) == pytest.approx(1)


@given(st.lists(st.integers(0, 20).map(float), min_size=1, max_size=40))
def test_people_of_the_same_total_are_in_the_same_third(totals: list[float]) -> None:
    thirds = thirds_of(totals)
    of_total: dict[float, set[Third]] = {}
    for total, third in zip(totals, thirds, strict=True):
        of_total.setdefault(total, set()).add(third)
    assert all(len(found) == 1 for found in of_total.values())
    rank = list(Third)
    pairs = sorted(zip(totals, (rank.index(third) for third in thirds), strict=True))
    assert [place for _total, place in pairs] == sorted(place for _total, place in pairs)
    if len(of_total) > 1:
        assert of_total[min(totals)] == {Third.LOWER}
        assert of_total[max(totals)] == {Third.UPPER}
    else:
        assert set(thirds) == {Third.MIDDLE}, "nobody is above anybody"


def test_those_who_share_the_best_total_are_the_upper_third() -> None:
    thirds = thirds_of([0, 0, 1, 1, 1, 2, 2, 2, 2])
    assert [thirds.count(third) for third in Third] == [2, 3, 4]
    # However many they are.
    assert thirds_of([1, 1, 1, 1, 0]) == [Third.UPPER] * 4 + [Third.LOWER]
    # The sum of three times 0.1 is not quite 0.3.
    assert thirds_of([0.1 + 0.1 + 0.1, 0.3, 0.0])[:2] == [Third.UPPER] * 2


@pytest.mark.parametrize("row", [[0.1, 0.3], [1.0, 1.0], [0.7, 0.1], [0.0, 0.0]])
def test_items_without_variance_weigh_nothing_and_pull_nothing_down(row: list[Mark]) -> None:
    # Of a share of nothing there is none.
    for item in figures_of(["a", "b"], [row] * 3).items:
        assert item.effective_weight is None
        assert item.discrimination is None
        assert Warned.NO_VARIANCE in item.warnings
        assert Warned.NEGATIVE_COVARIANCE not in item.warnings
    constant, *_others = figures_of(["a", "b", "c"], [[0.1, 0, 1], [0.1, 1, 1], [0.1, 1, 0]]).items
    # √cov(x, T) is 0; no weight have only those whose covariance is negative.
    assert constant.effective_weight == 0
    assert Warned.NEGATIVE_COVARIANCE not in constant.warnings


def test_quantiles_are_those_of_definition_seven() -> None:
    assert quantile([1, 2, 3, 4], 1 / 3) == pytest.approx(2)
    assert quantile([10, 20, 30, 40, 50], 0.3) == pytest.approx(22)
    assert quantile([7], 0.5) == 7


def test_every_choice_is_counted_in_all_and_in_each_third() -> None:
    taken = [["A", "B"], ["A", "B"], ["B", "A"], ["", None], ["B", "B"], ["A", "B"]]
    figures = figures_of_choices(["x", "y"], taken, [["A"], ["B", "C"]])
    first, second = figures.items
    assert [(each.choice, each.right, each.count) for each in first.choices] == [
        ("", False, 1),
        ("A", True, 3),
        ("B", False, 2),
    ]
    assert first.facility == 0.5
    assert second.n == 5
    assert [(each.choice, each.count, each.rate) for each in second.choices] == [
        ("A", 1, 0.2),
        ("B", 4, 0.8),
        ("C", 0, 0),
    ]
    for item in figures.items:
        for third in Third:
            rates = [each.rates[third] for each in item.choices]
            assert rates[0] is None or math.fsum(rate or 0 for rate in rates) == pytest.approx(1)


# --- how sure a figure is ----------------------------------------------------------------------


def _between(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


def test_the_interval_of_a_share_is_wilsons() -> None:
    rows: list[list[Mark]] = [[1.0]] * 8 + [[0.0]] * 2
    (item,) = figures_of(["a"], rows).items
    # By hand: (0.8 + z²/20 ± z·√(0.8·0.2/10 + z²/400)) / (1 + z²/10) with z = 1.96.
    assert _between(interval_of_facility(item)) == pytest.approx((0.4902, 0.9433), abs=5e-5)


def test_the_interval_of_partial_marks_comes_from_their_spread() -> None:
    (item,) = figures_of(["a"], [[0.5]] * 20 + [[1.0]] * 5).items
    low, high = _between(interval_of_facility(item))
    assert item.sd is not None
    assert (high - low) / 2 == pytest.approx(1.959964 * item.sd / 5, abs=1e-6)
    assert (high + low) / 2 == pytest.approx(0.6)


def test_the_interval_of_a_correlation_is_fishers() -> None:
    # atanh 0.5 = 0.5493, ± 1.96 / √27 = 0.3772.
    assert _between(interval_of_correlation(0.5, 30)) == pytest.approx((0.1704, 0.7290), abs=5e-5)
    assert interval_of_correlation(None, 30) is None
    assert interval_of_correlation(1.0, 30) is None
    assert interval_of_correlation(0.5, 3) is None


def test_the_interval_of_alpha_is_bonetts() -> None:
    # ln(1 − 0.8) = −1.6094, ± 1.96 · √(2·10 / (9·98)) = 0.2951.
    assert _between(interval_of_alpha(0.8, 10, 100)) == pytest.approx((0.7313, 0.8511), abs=5e-5)
    low, high = _between(interval_of_alpha(-0.5, 10, 100))
    assert low < -0.5 < high
    assert interval_of_alpha(None, 10, 100) is None


def test_the_intervals_of_a_mean_and_of_a_median_are_the_known_ones() -> None:
    # The sd of 1 … 9 is 2.7386: ± 1.96 · 2.7386 / 3.
    assert _between(interval_of_mean([float(each) for each in range(1, 10)])) == pytest.approx(
        (3.2108, 6.7892), abs=5e-5
    )
    assert interval_of_mean([1.0]) is None
    # The ranks 10 / 2 ± 1.96 · √10 / 2 = 1.9 and 8.1, rounded up: the second and the ninth.
    assert _between(interval_of_median([float(each) for each in range(10)])) == (1, 8)
    assert interval_of_median([1.0, 2.0, 3.0]) is None


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # R. G. Newcombe (1998), table II, contrast (a): 56/70 and 48/80, by his method 10 from 0.0524 to 0.3339.
    right = [True] * 56 + [False] * 14 + [True] * 48 + [False] * 32
    found = difference_between(right, [1.0] * 150, [True] * 70 + [False] * 80)
    assert found is not None
    assert _between(interval_of_gap(found)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert _between(interval_of_share(0.0, 10)) == pytest.approx((0, 0.2775), abs=5e-5)
    assert interval_of_share(None, 10) is None


def test_what_is_true_of_people_is_counted_in_all_and_in_each_third() -> None:
    low, middle, high = Third
    found = share_by_thirds([True, False, True, True], [low, low, middle, middle])
    assert (found.count, found.rate) == (3, 0.75)
    assert found.counts == {low: 1, middle: 2, high: 0}
    assert found.rates == {low: 0.5, middle: 1.0, high: None}
    assert share_by_thirds([], []).rate is None


def test_a_difference_of_groups_of_the_same_ability_is_told_from_one_of_ability() -> None:
    # All of one ability; 40 of 50 and 20 of 50 right. By hand: A = 40, E = 30, V = 50·50·60·40 / (100²·99) = 6.0606.
    right = [True] * 40 + [False] * 10 + [True] * 20 + [False] * 30
    is_first = [True] * 50 + [False] * 50
    found = difference_between(right, [1.0] * 100, is_first)
    assert found is not None
    assert found.facilities == (0.8, 0.4)
    assert found.gap == pytest.approx(0.4)
    assert found.sizes == (50, 50)
    # χ² = (10 − 0.5)² / 6.0606 = 14.891.
    assert found.p == pytest.approx(math.erfc(math.sqrt(14.891 / 2)), rel=1e-3)
    # Where each group has an ability of its own, nothing can be compared.
    apart = difference_between(right, [float(each) for each in is_first], is_first)
    assert apart is not None
    assert apart.p is None
    assert difference_between(right, [1.0] * 100, [True] * 100) is None


def test_the_reliability_of_passing_is_livingstons_and_counts_who_is_near_the_mark() -> None:
    scores = [0.5, 0.6, 0.7, 0.8, 0.9]
    # Mean 0.7, variance 0.025; k² = (0.8·0.025 + 0.1²) / (0.025 + 0.1²) = 0.03 / 0.035; error √(0.025·0.2) = 0.0707.
    found = decision_of(scores, 0.8, 0.8)
    assert found is not None
    assert found.reliability == pytest.approx(0.03 / 0.035)
    assert found.standard_error == pytest.approx(0.07071, abs=5e-6)
    assert found.near == 1
    at_the_mean = decision_of(scores, 0.7, 0.8)
    assert at_the_mean is not None
    assert at_the_mean.reliability == pytest.approx(0.8), "where the mark is the mean, it is alpha"
    assert decision_of(scores, 0.8, None) is None
    assert decision_of([0.7], 0.8, 0.9) is None
    alike = decision_of([0.8, 0.8, 0.8], 0.8, 0.0)
    assert alike is not None
    assert alike.reliability is None


def test_the_time_at_a_question_is_that_until_its_answer_was_saved() -> None:
    start = datetime(2026, 11, 2, 9, tzinfo=UTC)
    saves = [(1, 20), (2, 50), (1, 65), (3, 65)]
    found = seconds_by_question(start, [(position, start + timedelta(seconds=at)) for position, at in saves])
    assert found == {1: 35, 2: 30, 3: 0}
    assert seconds_by_question(start, []) == {}


def test_scores_fall_into_equal_parts_and_the_full_score_into_the_last() -> None:
    assert histogram([0, 0.05, 0.1, 0.95, 1]) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    # 0.3 and 0.7 are a little less in floats.
    assert histogram([0.1 * 3, 7 / 10]) == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]


def test_guessing_earns_the_share_of_right_choices_and_nothing_that_is_known_of_several() -> None:
    assert guess_score_of(make_content(0, "single_choice")) == pytest.approx(1 / 3)
    assert guess_score_of(make_content(0, "true_false")) == 0.5
    assert guess_score_of(make_content(0, "multiple_choice")) is None


# --- the command -------------------------------------------------------------------------------


def _print(app: Flask, *args: str) -> dict[str, Any]:
    answer = app.test_cli_runner().invoke(args=["quizzes", "statistics", *args, "--json"])
    assert answer.exit_code == 0, answer.output
    printed: dict[str, Any] = json.loads(answer.output)
    return printed


def test_the_command_prints_every_figure_of_a_table_of_marks(app: Flask, tmp_path: Path) -> None:
    table = tmp_path / "marks.csv"
    table.write_text("﻿Q1;Q2;Q3\n1;0,5;1\n0;0;\n1;1;NA\n０;1;1\n", encoding="utf-8")
    printed = _print(app, "--responses", str(table))
    assert [item["name"] for item in printed["items"]] == ["Q1", "Q2", "Q3"]
    assert [item["n"] for item in printed["items"]] == [4, 4, 3]
    assert printed["items"][0]["facility"] == 0.5
    assert printed["items"][1]["facility"] == 0.625
    assert set(printed["items"][0]) == {
        *("name", "n", "facility", "sd", "discrimination", "point_biserial", "discriminative_efficiency"),
        *("effective_weight", "alpha_if_deleted", "warnings"),
    }
    assert set(printed["quiz"]) == {
        *("n", "mean", "median", "sd", "skewness", "kurtosis", "internal_consistency", "error_ratio"),
        "standard_error",
    }
    told = app.test_cli_runner().invoke(args=["quizzes", "statistics", "--responses", str(table)]).output
    assert "standard error: " in told
    assert "not shown to all" in told


@pytest.mark.parametrize(
    "key", ["Q1,Q2\nA,B|C\n", 'Q1,Q2\nA,"B,C"\n', "Q1,Q2\na,b|c\n", "item,key\nQ1,A\nQ2,B|C\n", "Q1,A\nQ2,B|C\n"]
)
def test_the_command_marks_choices_by_a_key_in_either_layout(app: Flask, tmp_path: Path, key: str) -> None:
    (tmp_path / "choices.csv").write_text("Q1,Q2\nA,B\nA,C\nB,A\nD,NA\n", encoding="utf-8")
    (tmp_path / "key.csv").write_text(key, encoding="utf-8")
    first, second = _print(app, "--responses", str(tmp_path / "choices.csv"), "--key", str(tmp_path / "key.csv"))[
        "items"
    ]
    assert (first["facility"], second["facility"]) == (0.5, pytest.approx(2 / 3))
    assert {each["choice"].upper(): each["count"] for each in first["choices"]} == {"A": 2, "B": 1, "D": 1}
    assert set(first["choices"][0]["thirds"]) == {"lower", "middle", "upper"}


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("a,b\n1,yes\n", None, "Line 2, column “b”: “yes” is no number of marks"),
        ("a,b\n1,1e400\n", None, "“1e400”"),
        ("a,b\n1,2,3\n", None, "Line 2 has more cells (3) than the first line (2)"),
        ("a,b,c\n1,0,1\n1,0\n", None, "Line 3 has fewer cells (2) than the first line (3)"),
        ("a,b\nA,B\n", "a,b,z\nA,B,C\n", "The key names items that the responses do not have: z."),
        ("a,b\nA,B\n", "a,A\nb,B\nz,C\n", "The key names items that the responses do not have: z."),
        ("a,b\nA,B\n", "a,b\nA,B\nB,C\n", "The key has 2 rows of 2 columns"),
        ("", None, "The table is empty"),
        ("a,b\nA,B\n", "a,c\nA,B\n", "The key says nothing about these items: b."),
        ("a,b,c\nA,B,C\n", "a,b,c\nA,B,C\nA,B,C\n", "The key has 2 rows of 3 columns"),
    ],
)
def test_a_table_that_cannot_be_taken_is_refused_with_its_place(
    app: Flask, tmp_path: Path, text: str, key: str | None, words: str
) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    args = ["quizzes", "statistics", "--json", "--responses", str(tmp_path / "table.csv")]
    if key is not None:
        (tmp_path / "key.csv").write_text(key, encoding="utf-8")
        args += ["--key", str(tmp_path / "key.csv")]
    answer = app.test_cli_runner().invoke(args=args)
    assert answer.exit_code == 1
    assert words in answer.output


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["policy-1", "--responses", "FILE"],
        ["policy-1", "--max", "2"],
        ["--responses", "FILE", "--max", "0"],
        ["--responses", "FILE", "--max", "nan"],
        ["--responses", "FILE", "--max", "inf"],
        ["--responses", "FILE", "--all-attempts"],
    ],
)
def test_options_that_contradict_each_other_are_refused(app: Flask, tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n", encoding="utf-8")
    given_args = [str(tmp_path / "table.csv") if each == "FILE" else each for each in args]
    for language in ("en", "ja"):
        answer = app.test_cli_runner().invoke(args=["quizzes", "statistics", *given_args, "--language", language])
        assert answer.exit_code == 2
        said = answer.output.rpartition("Error: ")[2]
        assert said.isascii() == (language == "en")


# --- a quiz ------------------------------------------------------------------------------------


def _points(attempt: Attempt) -> float:
    marking = queries.find_current_marking(attempt)
    assert marking is not None
    return float(marking.points)


def _sit(person: Person, version: QuizVersion, right: int) -> Attempt:
    attempt = begin(person, version)
    answer_all(attempt, right)
    with own_transaction():
        service.submit_attempt(attempt=attempt, person=person)
    return attempt


def test_the_statistics_of_a_quiz_are_of_everybodys_first_attempt_that_counts(app: Flask, cast: Cast) -> None:
    version = make_quiz(cast.author, attempts_allowed=3, wait_hours=0, release=Release.BY_HAND)
    once = _sit(cast.learner, version, 1)
    again = _sit(cast.learner, version, 2)
    voided = _sit(cast.colleague, version, 0)
    with own_transaction():
        service.void_attempt(attempt=voided, reason="fire alarm", by=cast.lead)
    other = _sit(cast.colleague, version, 3)
    total = queries.count_items(voided)
    first = _print(app, version.quiz.slug)
    assert first["quiz"]["n"] == 2
    assert first["quiz"]["mean"] == pytest.approx((_points(once) + _points(other)) / 2)
    everything = _print(app, version.quiz.slug, "--all-attempts")
    assert everything["quiz"]["n"] == 3
    assert everything["quiz"]["mean"] == pytest.approx((_points(once) + _points(again) + _points(other)) / 3)
    assert sum(item["n"] for item in everything["items"]) == 3 * total
    assert all(item["name"].startswith("impersonation/") and item["name"].endswith(" v1") for item in first["items"])
    # Nobody was shown the whole bank.
    assert any("not_shown_to_all" in item["warnings"] for item in first["items"])


def test_a_quiz_that_is_not_there_or_that_nobody_took_is_no_error_of_ours(app: Flask, cast: Cast) -> None:
    version = make_quiz(cast.author)
    printed = _print(app, version.quiz.slug)
    assert printed["items"] == []
    assert printed["quiz"]["n"] == 0
    assert printed["quiz"]["mean"] is None
    refused = app.test_cli_runner().invoke(args=["quizzes", "statistics", "nowhere"])
    assert refused.exit_code == 1
    assert "There is no quiz “nowhere”" in refused.output
