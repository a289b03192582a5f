"""Which marks and answers of which attempts the statistics of a quiz are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from portal.core.db import session
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Item,
    ItemMark,
    Marking,
    Question,
    QuestionBank,
    QuestionVersion,
    Response,
)
from portal.quizzes.rules.statistics import Mark


@dataclass(frozen=True, slots=True)
class Asked:
    """A version of a question that was drawn, and the most points that it is worth."""

    version_id: int
    bank: str
    slug: str
    number: int
    max: float

    @property
    def name(self) -> str:
        """Its address with its version."""
        return f"{self.bank}/{self.slug} v{self.number}"


@dataclass(frozen=True, slots=True)
class Sitting:
    """One marked attempt: by the version of a question the points, and what was answered."""

    language: str
    # From 0 to 1.
    score: float
    points: Mapping[int, float]
    # Part → ids of the chosen choices; empty where nothing was answered.
    answers: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Sittings:
    """The marked attempts at a quiz, and all that was asked in them."""

    asked: tuple[Asked, ...]
    rows: tuple[Sitting, ...]

    def marks(self) -> list[list[Mark]]:
        """Return one row an attempt, one column a version of a question; None where it was not drawn."""
        return [[row.points.get(each.version_id) for each in self.asked] for row in self.rows]

    @property
    def maxima(self) -> list[float]:
        """The most points of each column."""
        return [each.max for each in self.asked]


def sittings_of(quiz_id: int, *, first_only: bool = True) -> Sittings:
    """Return the newest markings of everybody's first attempt at a quiz, or of all attempts.

    Voided attempts count for nothing: the first one that was not voided is somebody's first.
    """
    marked = (
        select(Attempt.id, Attempt.language, func.max(Marking.marking_no).label("newest"))
        .join(Marking, Marking.attempt_id == Attempt.id)
        .where(Attempt.quiz_id == quiz_id, Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)))
        .group_by(Attempt.id, Attempt.language)
    )
    if first_only:
        firsts = (
            select(func.min(Attempt.attempt_no).label("attempt_no"), Attempt.person_id)
            .where(Attempt.quiz_id == quiz_id, Attempt.state != AttemptState.VOIDED)
            .group_by(Attempt.person_id)
            .subquery()
        )
        marked = marked.join(
            firsts, (firsts.c.person_id == Attempt.person_id) & (firsts.c.attempt_no == Attempt.attempt_no)
        )
    newest = marked.subquery()
    found = session.execute(
        select(
            newest.c.id,
            newest.c.language,
            Marking.score,
            QuestionVersion.id.label("version_id"),
            QuestionBank.slug.label("bank"),
            Question.slug,
            QuestionVersion.number,
            ItemMark.points,
            ItemMark.max_points,
            Response.answer,
        )
        .join(Marking, (Marking.attempt_id == newest.c.id) & (Marking.marking_no == newest.c.newest))
        .join(ItemMark, ItemMark.marking_id == Marking.id)
        .join(Item, Item.id == ItemMark.item_id)
        .join(QuestionVersion, QuestionVersion.id == Item.question_version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .outerjoin(Response, Response.item_id == Item.id)
        .order_by(newest.c.id)
    )
    asked: dict[int, Asked] = {}
    heads: dict[int, tuple[str, float]] = {}
    points: dict[int, dict[int, float]] = {}
    answers: dict[int, dict[int, Mapping[str, Any]]] = {}
    for row in found:
        asked[row.version_id] = Asked(row.version_id, row.bank, row.slug, row.number, float(row.max_points))
        heads[row.id] = (row.language, float(row.score))
        points.setdefault(row.id, {})[row.version_id] = float(row.points)
        answers.setdefault(row.id, {})[row.version_id] = row.answer or {}
    return Sittings(
        tuple(sorted(asked.values(), key=lambda each: each.name)),
        tuple(Sitting(*head, points[number], answers[number]) for number, head in heads.items()),
    )


def list_versions(version_ids: list[int]) -> dict[int, QuestionVersion]:
    """Return row number → version of a question."""
    found = session.scalars(select(QuestionVersion).where(QuestionVersion.id.in_(version_ids)))
    return {version.id: version for version in found}
