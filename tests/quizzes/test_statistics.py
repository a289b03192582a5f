"""What the marks of a quiz say: published figures are reproduced, nothing is clamped, what is not defined is null."""

from __future__ import annotations

import csv
import json
import math
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
    difference_between,
    figures_of,
    figures_of_choices,
    histogram,
    interval_of_alpha,
    interval_of_correlation,
    interval_of_facility,
    quantile,
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
    assert thirds[totals.index(min(totals))] is Third.LOWER


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


@pytest.mark.parametrize("key", ["Q1,Q2\nA,B|C\n", "item,key\nQ1,A\nQ2,B|C\n", "Q1,A\nQ2,B|C\n"])
def test_the_command_marks_choices_by_a_key_in_either_layout(app: Flask, tmp_path: Path, key: str) -> None:
    (tmp_path / "choices.csv").write_text("Q1,Q2\nA,B\nA,C\nB,A\nD,NA\n", encoding="utf-8")
    (tmp_path / "key.csv").write_text(key, encoding="utf-8")
    first, second = _print(app, "--responses", str(tmp_path / "choices.csv"), "--key", str(tmp_path / "key.csv"))[
        "items"
    ]
    assert (first["facility"], second["facility"]) == (0.5, pytest.approx(2 / 3))
    assert {each["choice"]: each["count"] for each in first["choices"]} == {"A": 2, "B": 1, "D": 1}
    assert set(first["choices"][0]["thirds"]) == {"lower", "middle", "upper"}


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("a,b\n1,yes\n", None, "Line 2, column “b”: “yes” is no number of marks"),
        ("a,b\n1,1e400\n", None, "“1e400”"),
        ("a,b\n1,2,3\n", None, "Line 2 has 3 cells"),
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
    "args", [[], ["policy-1", "--responses", "FILE"], ["policy-1", "--max", "2"], ["--responses", "FILE", "--max", "0"]]
)
def test_options_that_contradict_each_other_are_refused(app: Flask, tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n", encoding="utf-8")
    given_args = [str(tmp_path / "table.csv") if each == "FILE" else each for each in args]
    assert app.test_cli_runner().invoke(args=["quizzes", "statistics", *given_args]).exit_code == 2


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
    assert "there is no quiz nowhere" in refused.output
