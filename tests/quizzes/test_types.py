"""What marking promises for every type of question, and that no type tells a secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.db import canonical_json
from portal.quizzes.service.banks import hash_of_version
from portal.quizzes.types import type_names, type_of
from portal.quizzes.types.base import (
    ANSWER,
    ESSAY,
    ORDER,
    BadValue,
    Content,
    ItemForm,
    LeakError,
    QuestionType,
    read,
    register,
)
from portal.quizzes.types.choice import MultipleChoice, SingleChoice
from tests.quizzes.strategies import answered, contents
from tests.volume import examples

pytestmark = [pytest.mark.usefixtures("app"), pytest.mark.any_database]


def _total(content: Content, answer: Mapping[str, Sequence[str]]) -> Fraction:
    return sum((mark for mark in type_of(content.type).mark(content, answer).values() if mark is not None), Fraction(0))


@settings(max_examples=examples(60), deadline=None)
@given(contents())
def test_the_key_earns_all_points_and_nothing_earns_none(content: Content) -> None:
    kind = type_of(content.type)
    key = kind.solution(content)
    assert {part.id for part in content.parts if part.kind != ESSAY} == set(key)
    assert _total(content, key) == sum(part.points for part in content.parts if part.kind != ESSAY)
    assert kind.mark(content, {}) == {part.id: 0 for part in content.parts}


@settings(max_examples=examples(60), deadline=None)
@given(answered())
def test_points_lie_between_nothing_and_all_and_are_exact(case: tuple[Content, dict[str, list[str]]]) -> None:
    content, answer = case
    marks = type_of(content.type).mark(content, answer)
    least = -1 if content.marking == "penalty" else 0
    for part in content.parts:
        points = marks[part.id]
        if part.kind == ESSAY and part.id in answer:
            assert points is None, "a person marks it"
            continue
        assert type(points) is Fraction
        assert least * part.points <= points <= part.points
        if points == part.points and part.kind in ("choices", ORDER):
            assert answer.get(part.id) == type_of(content.type).solution(content)[part.id]


@settings(max_examples=examples(60), deadline=None)
@given(answered(), st.randoms(use_true_random=False))
def test_the_order_of_the_choices_never_changes_the_points(
    case: tuple[Content, dict[str, list[str]]], random: object
) -> None:
    content, answer = case
    kind = type_of(content.type)
    order = {}
    for part in content.parts:
        ids = [choice.id for choice in part.choices]
        random.shuffle(ids)  # type: ignore[attr-defined]
        order[part.id] = ids
    shown = kind.places(content, order, answer)
    assert kind.normalise(content, order, shown) == answer
    mirrored = {
        part: [c.id for c in reversed(next(p for p in content.parts if p.id == part).choices)] for part in order
    }
    assert kind.normalise(content, mirrored, kind.places(content, mirrored, answer)) == answer
    # Without an order there is one, too.
    assert kind.normalise(content, {}, kind.places(content, {}, answer)) == answer


@settings(max_examples=examples(50), deadline=None)
@given(contents(("multiple_choice",)), st.data())
def test_partial_marking_rewards_each_right_and_charges_each_wrong_choice(
    content: Content, data: st.DataObject
) -> None:
    content = replace(content, marking="partial")
    part = content.parts[0]
    right = data.draw(st.sets(st.sampled_from(sorted(part.key))))
    wrong_ids = sorted({choice.id for choice in part.choices} - part.key)
    wrong = data.draw(st.sets(st.sampled_from(wrong_ids))) if wrong_ids else set()
    expected = max(Fraction(len(right) - len(wrong), len(part.key)), Fraction(0)) * part.points
    assert _total(content, {ANSWER: sorted(right | wrong)}) == expected
    if wrong:
        fewer = right | set(sorted(wrong)[1:])
        assert _total(content, {ANSWER: sorted(fewer)}) >= expected


@settings(max_examples=examples(60), deadline=None)
@given(contents())
def test_plain_data_gives_the_same_question_back(content: Content) -> None:
    assert read(type_of(content.type).export(content)) == content


@settings(max_examples=examples(60), deadline=None)
@given(contents())
def test_what_a_learner_receives_is_the_same_whatever_the_key_is(content: Content) -> None:
    kind = type_of(content.type)
    order = {part.id: [choice.id for choice in part.choices] for part in content.parts}
    secretive = replace(
        content,
        rationale=None,
        parts=tuple(
            replace(
                part,
                choices=tuple(
                    replace(c, right=not c.right, rationale=None)
                    for c in (reversed(part.choices) if part.kind == ORDER else part.choices)
                ),
                keys=(),
                criteria=(),
                rationale=None,
            )
            for part in content.parts
        ),
    )
    for shown in (order, {}):
        assert kind.form(content, shown, "ja") == kind.form(secretive, shown, "ja")


@settings(max_examples=examples(60), deadline=None)
@given(contents())
def test_a_valid_question_has_no_faults(content: Content) -> None:
    assert type_of(content.type).check(content) == []


@pytest.mark.parametrize(
    "given",
    [
        {"answer": ["0"]},
        {"answer": ["4"]},
        {"answer": ["-1"]},
        {"answer": ["1", "2"]},
        {"answer": ["a"]},
        {"answer": ["１"]},
        {"answer": [1]},
        {"answer": "12"},
        {"decision": ["1"]},
        {"answer": ["9" * 5000]},
    ],
)
def test_a_value_that_was_not_offered_is_refused(given: dict[str, list[str]]) -> None:
    content = SingleChoice().samples()[0]
    with pytest.raises(BadValue):
        SingleChoice().normalise(content, {}, given)


def test_an_answer_can_be_taken_back() -> None:
    content = SingleChoice().samples()[0]
    assert SingleChoice().normalise(content, {}, {"answer": [""]}) == {}
    assert SingleChoice().normalise(content, {}, {"answer": []}) == {}


def test_a_type_whose_form_tells_the_key_cannot_be_registered() -> None:
    class Leaky(SingleChoice):
        name = "leaky"

        def form(self, content: Content, order: Mapping[str, Sequence[str]], language: str) -> ItemForm:
            shown = super().form(content, order, language)
            return replace(shown, points=len(content.parts[0].key))

    class Talkative(MultipleChoice):
        name = "talkative"

        def form(self, content: Content, order: Mapping[str, Sequence[str]], language: str) -> ItemForm:
            shown = super().form(content, order, language)
            return replace(shown, stem=f"{shown.stem} {content.parts[0].choices[0].rationale}")

    class Hinting(MultipleChoice):
        name = "hinting"

        def kind_of(self, part: object) -> str:
            return "multiple" if len(part.key) > 1 else "single"  # type: ignore[attr-defined]

    class Untested(QuestionType):
        name = "untested"

        def samples(self) -> Sequence[Content]:
            return []

    for leaking in (Leaky(), Talkative(), Hinting(), Untested()):
        with pytest.raises(LeakError):
            register(leaking)
        assert leaking.name not in type_names()


# As versions were stored before questions could be written answers, orders and texts: they keep their hash.
_STORED = {
    "type": "multiple_choice",
    "title": {"en": "A title", "ja": "題"},
    "stem": {"en": "What applies?", "ja": "どれですか。"},
    "parts": [
        {
            "id": "answer",
            "heading": None,
            "points": 2,
            "rationale": None,
            "choices": [
                {"id": "a", "text": {"en": "One", "ja": "一"}, "right": True, "rationale": {"en": "Yes", "ja": "はい"}},
                {"id": "b", "text": {"en": "Two", "ja": "二"}, "right": False, "rationale": None},
            ],
        }
    ],
    "clauses": ["policy#scope"],
    "rationale": None,
    "difficulty": 2,
    "severity": "S1",
    "tags": ["one"],
    "marking": "partial",
    "shuffle": True,
    "document": "policy",
}


def test_a_version_that_was_stored_keeps_its_hash() -> None:
    again = type_of("multiple_choice").export(read(_STORED))
    assert canonical_json(again) == canonical_json(_STORED)
    assert hash_of_version(again, []) == "5882bcc84df1a0fce29ff3abd2b70facefde04c0636ea02e8814ad2e464e45e4"
