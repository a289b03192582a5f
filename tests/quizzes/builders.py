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
from portal.quizzes.models import Attempt, QuestionVersion, QuizVersion, Release
from portal.quizzes.queries import ClauseFact, pool
from portal.quizzes.service.attempts import save_response, start_attempt
from portal.quizzes.service.banks import take_bank, take_quiz
from portal.quizzes.types import type_of
from portal.quizzes.types.base import (
    ANSWER,
    ESSAY,
    NUMBER,
    ORDER,
    TEXT,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    TextKey,
    Unit,
    read,
)
from portal.quizzes.types.case import HEADINGS
from portal.quizzes.types.matching import parts_of
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


# A number that stands nowhere but in a key.
SECRET_NUMBER = "8675309"


def make_written(kind: str, **values: Any) -> Content:
    """Return a question of a type in which something is written, matched or put in order, its secrets as above."""

    def secret(what: str) -> Words:
        return Words(f"{SECRET} {what}", f"{SECRET} {what}")

    def both(text: str) -> Words:
        return Words(text, f"日本語{text[0]}{text[-1]}")

    text = Part(
        ANSWER,
        None,
        2,
        kind=TEXT,
        keys=(
            TextKey(secret("key"), feedback=secret("feedback")),
            TextKey(Words("label notice", "ラベルの通知"), feedback=both("Well done")),
            TextKey(Words("*notice*", "*通知*"), Fraction(1, 2), both("Which one?")),
        ),
    )
    number = Part(
        ANSWER,
        None,
        2,
        kind=NUMBER,
        keys=(NumberKey("72", "12"), NumberKey(SECRET_NUMBER, SECRET_NUMBER, Fraction(1, 2), secret("feedback"))),
        units=(Unit("h"), Unit("d", Fraction(24))),
    )
    steps = tuple(Choice("abc"[place], both(f"Step {place}"), True, secret("step")) for place in range(3))
    choices = (Choice("a", both("deleted"), False, secret("a")), Choice("b", both("suspended"), True, secret("b")))
    criteria = (Criterion("a", secret("names it"), 3), Criterion("b", secret("says why"), 2))
    pairs = [
        (both("Parody"), both("No action"), secret("pair")),
        (both("**Fan** page"), both("Notice"), None),
        (both("Copy of a bank"), both("Removal"), None),
    ]
    parts: dict[str, tuple[Part, ...]] = {
        "short_answer": (text,),
        "numeric": (number,),
        "matching": parts_of(pairs, [both("Hand it on")]),
        "ordering": (Part(ANSWER, None, 2, steps, kind=ORDER),),
        "gap": (
            replace(number, id="1"),
            Part("2", None, 1, choices),
            replace(text, id="3", rationale=secret("gap")),
        ),
        "free_text": (Part(ANSWER, None, 5, kind=ESSAY, criteria=criteria, least=10, most=50),),
    }
    stem = both(f"A question of {kind}?")
    if kind == "gap":
        stem = Words("Within [[1]] it is [[2]], and **[[3]]** is sent.", "[[1]]以内に[[2]]し、[[3]]を送ります。")
    content = Content(
        type=kind,
        title=secret("title"),
        stem=stem,
        parts=parts[kind],
        clauses=("impersonation#fan-accounts",),
        rationale=secret("rationale") if kind != "gap" else None,
        document="impersonation",
    )
    return replace(content, **values)


WRITTEN = ("short_answer", "numeric", "matching", "ordering", "gap")


def make_written_quiz(by: Person, kinds: tuple[str, ...] = WRITTEN, **values: Any) -> QuizVersion:
    """Take in a bank with a question of each of these types, and a quiz that asks them all in this order."""
    bank = Bank(
        title=Words("In writing", "記述の問題"),
        document="impersonation",
        version="1.0",
        questions=tuple(BankQuestion(kind.replace("_", "-"), make_written(kind)) for kind in kinds),
    )
    with own_transaction():
        take_bank(slug="written", bank=bank, facts=Facts(), by=by)
    questions = [f"written/{kind.replace('_', '-')}" for kind in kinds]
    terms: dict[str, Any] = {"blueprint": [{"questions": questions}], "shuffle_questions": False}
    return make_quiz(by, "written", bank=False, **(terms | values))


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
    kind = type_of(content.type)
    return kind.places(content, item.choice_order, kind.solution(content))


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


def drawable(bank: str, *languages: str) -> dict[str, QuestionVersion]:
    """Return what can be drawn from a bank now, in these languages: address → version of the question."""
    found = {each.candidate.address: each.version_id for each in pool.list_drawable([bank], languages=languages)}
    versions = pool.get_versions(found.values())
    return {address: versions[version_id] for address, version_id in found.items()}


def filled_in(attempt: Attempt) -> dict[str, list[str]]:
    """Return what the page of an attempt sends of its questions as they are saved."""
    form: dict[str, list[str]] = {}
    for item in queries.list_items(attempt):
        content = item.question_version.read()
        saved = item.response.answer if item.response else {}
        form[f"seq-{item.position}"] = [str(item.response.seq if item.response else 0)]
        for part, places in type_of(content.type).places(content, item.choice_order, saved).items():
            form[f"q{item.position}-{part}"] = list(places)
    return form


def at(minutes: float = 0, seconds: float = 0, start: datetime = MORNING) -> datetime:
    """Return an instant so long after the morning."""
    from datetime import timedelta

    return start + timedelta(minutes=minutes, seconds=seconds)
