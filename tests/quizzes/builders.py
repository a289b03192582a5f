"""Banks, quizzes and attempts for tests, made through the services and committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from portal.accounts.models import Accommodation, Person
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.formats.quiz_toml import QuizTerms
from portal.quizzes.models import Attempt, QuizVersion, Release
from portal.quizzes.queries import ClauseFact
from portal.quizzes.service.attempts import save_response, start_attempt
from portal.quizzes.service.banks import take_bank, take_quiz
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ANSWER, Choice, Content, Part, read
from portal.quizzes.types.case import HEADINGS
from tests.builders import MORNING, save

# Stands in every text that a learner must not see before release.
SECRET = "鍵canary"


class Facts:
    """Knows every clause that anybody cites."""

    def __call__(self, slug: str, version: str) -> Mapping[str, ClauseFact]:
        return _Every(version or "1.0")


class _Every(dict[str, ClauseFact]):
    def __init__(self, version: str) -> None:
        super().__init__()
        self.version = version

    def get(self, anchor: str, default: Any = None) -> ClauseFact:  # type: ignore[override]
        return ClauseFact(self.version, "0" * 64, Words(f"Clause {anchor}", f"条項 {anchor}"))


def make_content(number: int, kind: str = "single_choice", **values: Any) -> Content:
    """Return a question with a secret in every place that is one."""

    def secret(what: str) -> Words:
        return Words(f"{SECRET} {what}", f"{SECRET} {what}")

    def part(name: str, texts: list[str], right: set[int], points: int = 1) -> Part:
        return Part(
            name,
            HEADINGS.get(name),
            points,
            tuple(
                Choice(
                    "abcdef"[place],
                    Words(text, text if text[0] in "S[" else f"選択肢{text}"),
                    place in right,
                    secret(text),
                )
                for place, text in enumerate(texts)
            ),
            secret("part") if name != ANSWER else None,
        )

    parts: dict[str, tuple[Part, ...]] = {
        "single_choice": (part(ANSWER, [f"A{number}", f"B{number}", f"C{number}"], {1}),),
        "multiple_choice": (part(ANSWER, [f"A{number}", f"B{number}", f"C{number}", f"D{number}"], {0, 2}),),
        "true_false": (part(ANSWER, ["True", "False"], {0}),),
        "case": (
            part("decision", [f"Remove{number}", f"Notice{number}"], {1}, points=2),
            part("clause", ["[[#fan-accounts]]", "[[#parody]]"], {0}),
            part("severity", ["S0", "S1", "S2"], {1}),
        ),
    }
    content = Content(
        type=kind,
        title=secret(f"title {number}"),
        stem=Words(f"Question number {number}: what now?", f"設問{number}：どうしますか。"),
        parts=parts[kind],
        clauses=("impersonation#fan-accounts",),
        rationale=secret("rationale") if kind != "case" else None,
        difficulty=1 + number % 5,
        severity="S1",
        document="impersonation",
        tags=("labels",) if number % 2 else ("fans",),
    )
    return replace(content, **values)


KINDS = ("single_choice", "multiple_choice", "true_false", "case")
# A blueprint that draws a question of each kind.
ONE_OF_EACH = [{"questions": [f"impersonation/imp-{number:03d}" for number in range(4)]}]


def make_bank(by: Person, slug: str = "impersonation", size: int = 8, **values: Any) -> Bank:
    """Take in a bank of questions of all types."""
    bank = Bank(
        title=Words("Impersonation", "なりすまし"),
        document="impersonation",
        version="1.0",
        questions=tuple(
            BankQuestion(f"imp-{number:03d}", make_content(number, KINDS[number % 4])) for number in range(size)
        ),
    )
    bank = replace(bank, **values)
    with own_transaction():
        take_bank(slug=slug, bank=bank, facts=Facts(), by=by)
    return bank


def make_terms(**values: Any) -> QuizTerms:
    """Return the terms of a quiz of four questions in 15 minutes."""
    terms = QuizTerms(
        number="1.0",
        title=Words("Knowledge check", "確認テスト なりすまし"),
        blueprint=[{"bank": "impersonation", "count": 4}],
        time_limit_minutes=15,
        attempts_allowed=3,
        wait_hours=12,
        wait_after_fails=2,
        pass_mark=Fraction(4, 5),
        release=Release.AT_ONCE,
        show=("score", "correctness", "key", "rationale"),
        shuffle_questions=True,
        shuffle_choices=True,
        opens_at=None,
        closes_at=None,
    )
    return replace(terms, **values)


def make_quiz(by: Person, slug: str = "impersonation", *, bank: bool = True, **values: Any) -> QuizVersion:
    """Take in a quiz, with its bank where it is not there yet."""
    if bank and queries.find_bank("impersonation") is None:
        make_bank(by)
    with own_transaction():
        take_quiz(slug=slug, terms=make_terms(**values), by=by)
    return queries.get_quiz(slug)


def make_accommodation(person: Person, multiplier: Fraction = Fraction(3, 2), **values: Any) -> Accommodation:
    """Give the person more time."""
    defaults: dict[str, Any] = {
        "hide_countdown": False,
        "valid_from": MORNING.date(),
        "valid_until": None,
        "approved_by": "test",
        "approved_at": MORNING,
    }
    row = Accommodation(person_id=person.id, multiplier=multiplier, **(defaults | values))
    save(row)
    return row


def begin(person: Person, version: QuizVersion, **values: Any) -> Attempt:
    """Start an attempt."""
    with own_transaction():
        attempt = start_attempt(version=version, person=person, language=person.language, **values)
    return queries.get_attempt(attempt.code)


def right_answer(attempt: Attempt, position: int) -> dict[str, list[str]]:
    """Return the places of the right choices of an item as they stand on this attempt's page."""
    item = queries.list_items(attempt)[position - 1]
    content = read(item.question_version.content)
    key = {part.id: sorted(part.key) for part in content.parts}
    return type_of(content.type).places(content, item.choice_order, key)


def wrong_answer(attempt: Attempt, position: int) -> dict[str, list[str]]:
    """Return the places of choices that earn nothing."""
    item = queries.list_items(attempt)[position - 1]
    content = read(item.question_version.content)
    wrong = {part.id: [next(c.id for c in part.choices if not c.right)] for part in content.parts}
    return type_of(content.type).places(content, item.choice_order, wrong)


def answer(attempt: Attempt, position: int, given: Mapping[str, list[str]], seq: int = 1, **values: Any) -> Any:
    """Save an answer as its taker does."""
    defaults: dict[str, Any] = {"idem_key": f"key-{position}-{seq}"}
    with own_transaction():
        return save_response(
            attempt=attempt, person=attempt.person, position=position, seq=seq, given=given, **(defaults | values)
        )


def answer_all(attempt: Attempt, right: int | None = None) -> None:
    """Answer every item: the first `right` ones rightly (default: all), the others wrongly."""
    total = queries.count_items(attempt)
    for position in range(1, total + 1):
        is_right = right is None or position <= right
        answer(attempt, position, (right_answer if is_right else wrong_answer)(attempt, position))


def at(minutes: float = 0, seconds: float = 0, start: datetime = MORNING) -> datetime:
    """Return an instant so long after the morning."""
    from datetime import timedelta

    return start + timedelta(minutes=minutes, seconds=seconds)
