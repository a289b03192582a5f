"""Every question about reviews: what waits for one, what came back from one, what came of those of some time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.core.db import session
from portal.quizzes.models import Question, QuestionBank, QuestionState, QuestionStep, QuestionVersion


@dataclass(frozen=True, slots=True)
class InReview:
    """A wording that waits for somebody's approval, without its texts."""

    bank: str
    question_id: int
    slug: str
    version_id: int
    number: int
    # Whether it would take the place of a wording that counts.
    is_proposal: bool


@dataclass(frozen=True, slots=True)
class Hand:
    """A version by what decides who may approve it."""

    id: int
    number: int
    by: str
    origin: str


def list_in_review(bank: str = "") -> list[InReview]:
    """Return the wordings that wait for an approval, of one bank or of all, in the order of banks and questions."""
    looked_at = case((Question.submitted_at.is_not(None), Question.proposed), else_=Question.latest)
    rows = session.execute(
        select(
            QuestionBank.slug,
            Question.id,
            Question.slug,
            QuestionVersion.id,
            QuestionVersion.number,
            Question.submitted_at.is_not(None),
        )
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(
            QuestionVersion,
            and_(QuestionVersion.question_id == Question.id, QuestionVersion.number == looked_at),
        )
        .where(
            Question.position.is_not(None),
            or_(Question.state == QuestionState.IN_REVIEW, Question.submitted_at.is_not(None)),
            *([QuestionBank.slug == bank] if bank else []),
        )
        .order_by(QuestionBank.slug, Question.position, Question.id)
    )
    return [InReview(*row[:5], is_proposal=bool(row[5])) for row in rows]


def list_hands(question_ids: Collection[int]) -> dict[int, list[Hand]]:
    """Return question id → its versions by who wrote them, the oldest first."""
    found: dict[int, list[Hand]] = {}
    rows = session.execute(
        select(
            QuestionVersion.question_id,
            QuestionVersion.id,
            QuestionVersion.number,
            QuestionVersion.created_by,
            QuestionVersion.origin,
        )
        .where(QuestionVersion.question_id.in_(question_ids))
        .order_by(QuestionVersion.question_id, QuestionVersion.number)
    )
    for question_id, version_id, number, by, origin in rows:
        found.setdefault(question_id, []).append(Hand(version_id, number, by, origin))
    return found


def list_steps_of(question_ids: Collection[int]) -> dict[int, list[QuestionStep]]:
    """Return question id → its steps in their order."""
    found: dict[int, list[QuestionStep]] = {}
    for step in session.scalars(
        select(QuestionStep).where(QuestionStep.question_id.in_(question_ids)).order_by(QuestionStep.id)
    ):
        found.setdefault(step.question_id, []).append(step)
    return found


@dataclass(frozen=True, slots=True)
class CameBack:
    """A question that somebody sent back from its review, and the step that says why."""

    question: Question
    step: QuestionStep
    # Who wrote the version that was looked at.
    author: str


def list_came_back(question_id: int | None = None) -> list[CameBack]:
    """Return the questions, or the one, that somebody else than its author sent back and that are drafts since."""
    newest = select(func.max(QuestionStep.id)).group_by(QuestionStep.question_id, QuestionStep.of_proposal)
    if question_id is not None:
        newest = newest.where(QuestionStep.question_id == question_id)
    rows = session.execute(
        select(Question, QuestionStep, QuestionVersion.created_by)
        .join(QuestionStep, QuestionStep.question_id == Question.id)
        .join(QuestionVersion, QuestionVersion.id == QuestionStep.question_version_id)
        .where(
            QuestionStep.id.in_(newest),
            QuestionStep.before == QuestionState.IN_REVIEW.value,
            QuestionStep.after == QuestionState.DRAFT,
            QuestionStep.by.is_not(None),
            QuestionStep.by != QuestionVersion.created_by,
            Question.position.is_not(None),
            or_(
                and_(QuestionStep.of_proposal.is_(True), Question.proposed.is_not(None)),
                and_(QuestionStep.of_proposal.is_(False), Question.state == QuestionState.DRAFT),
            ),
        )
        .order_by(QuestionStep.id.desc())
        .options(joinedload(Question.bank))
    )
    return [CameBack(question, step, author) for question, step, author in rows]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A step that ended a review: the question, the version that was looked at, and what came of it."""

    question: Question
    step: QuestionStep
    version: QuestionVersion


def list_reviewed(bank: str, since: datetime, until: datetime) -> list[Reviewed]:
    """Return what people decided about the wordings of a bank that were in review, of a stretch of time, in order."""
    wording = aliased(QuestionVersion)
    rows = session.execute(
        select(Question, QuestionStep, wording)
        .join(QuestionStep, QuestionStep.question_id == Question.id)
        .join(wording, wording.id == QuestionStep.question_version_id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(
            QuestionBank.slug == bank,
            QuestionStep.before == QuestionState.IN_REVIEW.value,
            QuestionStep.by.is_not(None),
            QuestionStep.at >= since,
            QuestionStep.at < until,
        )
        .order_by(QuestionStep.id)
    )
    return [Reviewed(*row) for row in rows]
