"""Questions of other formats as plain data: `from_data` is the inverse of `as_data`, and refuses bad data in words."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.quizzes.formats.interchange import (
    BadData,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    ForeignPart,
    ForeignQuestion,
    Kind,
    TextFormat,
    as_data,
    exact,
    from_data,
    number,
)

pytestmark = pytest.mark.any_database

texts = st.text(max_size=12)
fractions = st.sampled_from(
    [Fraction(0), Fraction(100), Fraction(50), Fraction(100, 3), Fraction(-100), Fraction(100, 7)]
)
choices = st.lists(st.builds(ForeignChoice, texts, fractions, texts), max_size=3).map(tuple)
answers = st.lists(
    st.one_of(
        st.builds(ForeignAnswer, text=texts, fraction=fractions, feedback=texts),
        st.builds(ForeignAnswer, value=st.sampled_from(["1822", "0.5", "*"]), tolerance=texts, fraction=fractions),
    ),
    max_size=3,
).map(tuple)
questions = st.builds(
    ForeignQuestion,
    type=st.sampled_from(sorted(set(Kind) - {Kind.TRUE_FALSE})),
    title=texts,
    stem=texts,
    text_format=st.sampled_from(list(TextFormat)),
    choices=choices,
    answers=answers,
    pairs=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    gaps=st.lists(
        st.builds(ForeignGap, choices, answers, is_numeric=st.booleans(), several=st.booleans()), max_size=2
    ).map(tuple),
    parts=st.lists(st.builds(ForeignPart, texts, texts, choices, fractions, texts), max_size=2).map(tuple),
    general_feedback=texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    id=texts,
    category=texts,
    points=st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(2, 3)]),
    shuffle=st.booleans(),
    case_sensitive=st.booleans(),
    units=st.lists(st.tuples(texts, st.just("1000")), max_size=2).map(tuple),
    template=texts,
    marking_notes=texts,
    clauses=st.lists(texts, max_size=2).map(tuple),
    document=texts,
    document_version=texts,
    severity=texts,
    difficulty=st.sampled_from([None, 1, 5]),
    state=texts,
    all_or_nothing=st.booleans(),
)


@given(questions)
def test_a_question_comes_back_from_its_data_as_it_was(question: ForeignQuestion) -> None:
    assert from_data(json.loads(json.dumps(as_data(question)))) == question


def test_a_statement_keeps_what_is_right_and_what_is_said_of_either_answer() -> None:
    statement = ForeignQuestion(Kind.TRUE_FALSE, "t", "s", correct=False, feedback_true="no", feedback_false="yes")
    data = as_data(statement)
    assert (data["correct"], data["feedback_true"], data["feedback_false"]) == (False, "no", "yes")
    assert from_data(data) == statement


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "essay"}, "'essay'"),
        ({"text_format": "rtf"}, "'rtf'"),
        ({"choices": "A"}, "choices is a list of objects"),
        ({"choices": [{"text": 3}]}, "text is a text"),
        ({"choices": [{"text": "A", "fraction": "half"}]}, "no number: half"),
        ({"answers": [{"text": "A", "fraction": True}]}, "no number: True"),
        ({"pairs": [["a"]]}, "pairs is a list of pairs"),
        ({"tags": [1]}, "tags is a list of texts"),
        ({"shuffle": "yes"}, "shuffle is true or false"),
        ({"difficulty": 6}, "difficulty is a whole number"),
        ({"difficulty": True}, "difficulty is a whole number"),
        ({"clauses": "a#b"}, "clauses is a list of texts"),
        ({"points": "1e999999999"}, "no number"),
        ({"points": 10**10}, "too large"),
        ({"points": float("nan")}, "no number: nan"),
        ({"stems": "x"}, "unknown fields: stems"),
        ({"type": "true_false"}, "correct is true or false"),
    ],
)
def test_data_that_is_no_question_is_refused_by_its_field(changes: dict[str, Any], words: str) -> None:
    data = {"type": "single_choice", "title": "t", "stem": "s"} | changes
    with pytest.raises(BadData) as refused:
        from_data(data)
    assert words in str(refused.value)


def test_what_is_no_object_at_all_is_refused() -> None:
    with pytest.raises(BadData):
        from_data([])


def test_decimals_of_a_third_mean_a_third_and_others_what_they_say() -> None:
    assert exact("33.33333") == exact(number(Fraction(100, 3))) == Fraction(100, 3)
    assert exact("14.28571") == Fraction(100, 7)
    assert exact("33.33") == Fraction(3333, 100)
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1e-05) == Fraction(1, 100_000)
    assert exact("0.0167") == Fraction(167, 10_000)
