"""What practice asks the database."""

from __future__ import annotations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.core.codes import normalise
from portal.core.db import session
from portal.quizzes.errors import NoSuchPractice
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Item,
    PracticeAnswer,
    Question,
    QuestionBank,
    QuestionVersion,
)

_ADDRESS = (
    select(QuestionBank.slug, Question.slug)
    .join(Question, Question.bank_id == QuestionBank.id)
    .join(QuestionVersion, QuestionVersion.question_id == Question.id)
)


def get_practice(code: str) -> PracticeAnswer:
    """Return the question that was shown for practice under this code. Raises `NoSuchPractice`."""
    found = session.scalars(
        select(PracticeAnswer)
        .where(PracticeAnswer.code == normalise(code))
        .options(joinedload(PracticeAnswer.question_version), joinedload(PracticeAnswer.quiz))
    ).one_or_none()
    if found is None:
        raise NoSuchPractice()
    return found


def find_last(person: Person, quiz_id: int) -> PracticeAnswer | None:
    """Return the newest question of a quiz that a person was shown, or None."""
    return session.scalar(_shown(person.id, quiz_id).order_by(PracticeAnswer.id.desc()).limit(1))


def find_unanswered(person: Person, quiz_id: int) -> PracticeAnswer | None:
    """Return the newest question of a quiz that a person was shown and has not answered, or None."""
    unanswered = _shown(person.id, quiz_id).where(PracticeAnswer.answered_at.is_(None))
    return session.scalar(unanswered.order_by(PracticeAnswer.id.desc()).limit(1))


def number_of(row: PracticeAnswer) -> int:
    """Return which question of the person's practice of a quiz this is, counted from 1."""
    before = _shown(row.person_id, row.quiz_id).where(PracticeAnswer.id <= row.id)
    return session.scalar(select(func.count()).select_from(before.subquery())) or 0


def _shown(person_id: int, quiz_id: int) -> Select[PracticeAnswer]:
    return select(PracticeAnswer).where(PracticeAnswer.person_id == person_id, PracticeAnswer.quiz_id == quiz_id)


def address_of(row: PracticeAnswer) -> str:
    """Return the address of the question that was shown."""
    bank, slug = session.execute(_ADDRESS.where(QuestionVersion.id == row.question_version_id)).one()
    return f"{bank}/{slug}"


def count_shown(person: Person, quiz_id: int) -> dict[str, int]:
    """Return address → how often a person was shown the question for practice."""
    rows = session.execute(
        _ADDRESS.add_columns(func.count())
        .join(PracticeAnswer, PracticeAnswer.question_version_id == QuestionVersion.id)
        .where(PracticeAnswer.person_id == person.id, PracticeAnswer.quiz_id == quiz_id)
        .group_by(QuestionBank.slug, Question.slug)
    )
    return {f"{bank}/{slug}": number for bank, slug, number in rows}


def addresses_in_attempts(person: Person) -> frozenset[str]:
    """Return the addresses of the questions in the person's attempts whose results nobody has shown her yet.

    That is what she is sitting, at any quiz, and what waits for its release.
    """
    rows = session.execute(
        _ADDRESS.join(Item, Item.question_version_id == QuestionVersion.id)
        .join(Attempt, Attempt.id == Item.attempt_id)
        .where(
            Attempt.person_id == person.id,
            Attempt.state.in_((AttemptState.IN_PROGRESS, AttemptState.SUBMITTED, AttemptState.MARKED)),
        )
    )
    return frozenset(f"{bank}/{slug}" for bank, slug in rows)
