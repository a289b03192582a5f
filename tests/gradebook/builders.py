"""Results and decisions for tests, made through the services and committed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from portal.accounts.models import Person
from portal.core.transaction import own_transaction
from portal.gradebook import queries
from portal.gradebook.models import GradeDecision, ScoreEntry
from portal.gradebook.service import decisions
from portal.quizzes.models import Attempt, QuizVersion
from portal.quizzes.service.attempts import submit_attempt
from tests.quizzes.builders import answer_all, begin

REASON = "She took it on paper; the page was down."


def take(person: Person, version: QuizVersion, right: int | None) -> Attempt:
    """Let the person take the quiz with that many right answers; None: all."""
    attempt = begin(person, version)
    answer_all(attempt, right=right)
    with own_transaction():
        submit_attempt(attempt=attempt, person=person)
    return attempt


def ask(
    person: Person, version: QuizVersion, by: Person, score: Fraction | None = None, **values: Any
) -> GradeDecision:
    """Ask for a score by hand, or for an exemption where there is none."""
    reason = values.get("reason", REASON)
    with own_transaction():
        if score is not None:
            made = decisions.ask_override(person=person, version=version, score=score, reason=reason, by=by)
        else:
            made = decisions.ask_exemption(person=person, version=version, reason=reason, by=by)
        return queries.get_decision(made.code)


def decide(
    person: Person, version: QuizVersion, by: tuple[Person, Person], score: Fraction | None = None, **values: Any
) -> ScoreEntry:
    """Let two people decide."""
    asked = ask(person, version, by[0], score, **values)
    return confirm(asked, by[1])


def confirm(decision: GradeDecision, by: Person) -> ScoreEntry:
    """Let the second person agree."""
    with own_transaction():
        return decisions.confirm(decision=queries.get_decision(decision.code), by=by)


def withdraw(person: Person, version: QuizVersion, number: int, by: tuple[Person, Person]) -> ScoreEntry:
    """Let two people take a decision back."""
    with own_transaction():
        asked = decisions.ask_withdrawal(
            person=person, version=version, number=number, reason="It was somebody else's paper.", by=by[0]
        )
        code = asked.code
    return confirm(queries.get_decision(code), by[1])
