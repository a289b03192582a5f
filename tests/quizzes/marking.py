"""Quizzes with a question that people mark, its attempts, and those who mark them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portal.accounts.models import Person, Role
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import AnswerToMark, Attempt, HandMark, Marking, MarkRound, QuestionVersion, QuizVersion
from portal.quizzes.queries import marking as waiting
from portal.quizzes.service import hand_marking
from portal.quizzes.service.attempts import submit_attempt
from portal.quizzes.types.base import ANSWER, Content, Criterion, Part
from tests.builders import make_grant, make_person
from tests.quizzes.builders import SECRET, answer, begin, make_bank, make_content, make_quiz, right_answer, wrong_answer

# The question that people mark is the last of three; its three points are half of all six.
ESSAY = "essay"
POSITION = 3


def essay(**values: Any) -> Content:
    """Return a question whose answer a person marks by two criteria, of two points and one."""
    criteria = (
        Criterion("a", Words(f"{SECRET} names the clause", f"{SECRET} 条項"), 2),
        Criterion("b", Words(f"{SECRET} says why", f"{SECRET} 理由"), 1),
    )
    defaults: dict[str, Any] = {
        "parts": (Part(ANSWER, None, 3, kind="essay", criteria=criteria),),
    }
    return make_content(9, **defaults | values, type="free_text")


def make_marked_quiz(by: Person, slug: str = "impersonation", **values: Any) -> QuizVersion:
    """Take in a quiz of a choice, three points for one choice, and a text that people mark: 1, 2 and 3 points."""
    choice = make_content(0)
    worth_two = make_content(1, parts=(_points(make_content(1).parts[0], 2),))
    make_bank(
        by,
        slug,
        questions=(
            BankQuestion("one", choice),
            BankQuestion("two", worth_two),
            BankQuestion(ESSAY, essay()),
        ),
    )
    defaults: dict[str, Any] = {
        "blueprint": [{"questions": [f"{slug}/one", f"{slug}/two", f"{slug}/{ESSAY}"]}],
        "shuffle_questions": False,
        "shuffle_choices": False,
        "wait_hours": 0,
    }
    return make_quiz(by, slug, bank=False, **defaults | values)


def _points(part: Part, points: int) -> Part:
    return replace(part, points=points)


def sit(person: Person, version: QuizVersion, *, right: int = 2, text: str = "Because the clause says so.") -> Attempt:
    """Answer the first `right` choices rightly, the others wrongly, write the text, and hand in."""
    attempt = begin(person, version)
    for position in range(1, queries.count_items(attempt) + 1):
        if position == POSITION:
            if text:
                answer(attempt, position, {ANSWER: [text]})
        else:
            answer(attempt, position, (right_answer if position <= right else wrong_answer)(attempt, position))
    with own_transaction():
        submit_attempt(attempt=attempt, person=person)
    return queries.get_attempt(attempt.code)


def make_markers() -> list[Person]:
    """Return three authors who may mark."""
    markers = [make_person(f"marker{number}@portal.example") for number in range(3)]
    for person in markers:
        make_grant(person, Role.AUTHOR)
    return markers


def item_of(attempt: Attempt, position: int = POSITION) -> Any:
    """Return an item of an attempt."""
    return queries.list_items(attempt)[position - 1]


def version_of(slug: str = ESSAY, bank: str = "impersonation") -> QuestionVersion:
    """Return the newest wording of a question."""
    found = queries.find_latest(queries.get_bank(bank), slug)
    assert found is not None
    return found[1]


def find_answer(attempt: Attempt) -> AnswerToMark:
    """Return the answer of an attempt that people mark."""
    (found,) = waiting.list_answers_of(attempt.id)
    return found


def take(person: Person, version: QuizVersion, round_: MarkRound = MarkRound.FIRST) -> AnswerToMark | None:
    """Give the person the next answer of the essay."""
    with own_transaction():
        return hand_marking.take_next(person=person, quiz_id=version.quiz_id, version_id=version_of().id, round_=round_)


def points(a: object, b: object, comment: str = "") -> Mapping[str, str]:
    """Return what a form says for the two criteria."""
    return {f"{ANSWER}-a": str(a), f"{ANSWER}-b": str(b), "comment": comment}


def give(
    person: Person, attempt: Attempt, a: object, b: object, *, round_: MarkRound | None = None, comment: str = ""
) -> tuple[HandMark, Marking | None]:
    """Let the person take the answer of an attempt and mark it."""
    row = find_answer(attempt)
    with own_transaction():
        taken = hand_marking.take(answer=waiting.get_answer_to_mark(row.code), person=person)
        assert taken.round is not None
        return hand_marking.give_mark(
            answer=taken, round_=round_ or taken.round, given=points(a, b, comment), by=person
        )
