"""What counts of an order that can be partly right is said before the answer and in the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portal.core import clock
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, read
from tests.builders import MORNING, Cast
from tests.quizzes.builders import answer, begin, make_bank, make_quiz, make_written

BEFORE = {"en": "each two that directly follow one another", "ja": "隣り合う2つの組ごとに"}


@pytest.mark.parametrize(("language", "marking"), [("en", "partial"), ("ja", "partial"), ("en", "all_or_nothing")])
def test_an_order_that_can_be_partly_right_says_what_counts(cast: Cast, as_: Any, language: str, marking: str) -> None:
    content = replace(make_written("ordering"), marking=marking)
    make_bank(cast.author, questions=(BankQuestion("one", content),))
    version = make_quiz(cast.author, bank=False, blueprint=[{"questions": ["impersonation/one"]}])
    with clock.frozen(MORNING):
        attempt, browser = begin(cast.learner, version), as_(cast.learner)
        page = browser.get("quizzes.attempt", code=attempt.code, lang=language)
        assert (BEFORE[language] in page.text) is (marking == "partial")
        (item,) = queries.list_items(attempt)
        ids = [choice.id for choice in content.parts[0].choices]
        # The first goes to the end: no thing is at its place, all but one pair are right.
        moved = {ANSWER: [*ids[1:], ids[0]]}
        answer(attempt, 1, type_of("ordering").places(read(item.question_version.content), item.choice_order, moved))
        with own_transaction():
            submit_attempt(attempt=attempt, person=cast.learner)
        text = browser.get("quizzes.result", code=attempt.code, lang=language).text
    right, every = len(ids) - 2, len(ids) - 1
    said = {"en": f"{right} of {every} pairs are right.", "ja": f"{every}組のうち{right}組が正しい並びです。"}[language]
    assert (said in text) is (marking == "partial")
