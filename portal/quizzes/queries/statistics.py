"""Which marks of which attempts the statistics of a quiz are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

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
)
from portal.quizzes.rules.statistics import Mark


@dataclass(frozen=True, slots=True)
class MarksOfQuiz:
    """One row an attempt, one column a version of a question as `bank/id v2`; None where it was not drawn."""

    names: tuple[str, ...]
    maxima: tuple[float, ...]
    rows: tuple[tuple[Mark, ...], ...]


def marks_of_quiz(quiz_id: int, *, first_only: bool = True) -> MarksOfQuiz:
    """Return the newest markings of everybody's first attempt at a quiz, or of all attempts.

    Voided attempts count for nothing: the first one that was not voided is somebody's first.
    """
    marked = (
        select(Attempt.id, func.max(Marking.marking_no).label("newest"))
        .join(Marking, Marking.attempt_id == Attempt.id)
        .where(Attempt.quiz_id == quiz_id, Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)))
        .group_by(Attempt.id)
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
            newest.c.id, QuestionBank.slug, Question.slug, QuestionVersion.number, ItemMark.points, ItemMark.max_points
        )
        .join(Marking, (Marking.attempt_id == newest.c.id) & (Marking.marking_no == newest.c.newest))
        .join(ItemMark, ItemMark.marking_id == Marking.id)
        .join(Item, Item.id == ItemMark.item_id)
        .join(QuestionVersion, QuestionVersion.id == Item.question_version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .order_by(newest.c.id, QuestionBank.slug, Question.position, Question.slug, QuestionVersion.number)
    )
    maxima: dict[str, Fraction] = {}
    rows: dict[int, dict[str, float]] = {}
    for attempt_id, bank, slug, number, points, max_points in found:
        name = f"{bank}/{slug} v{number}"
        maxima[name] = max_points
        rows.setdefault(attempt_id, {})[name] = float(points)
    names = tuple(sorted(maxima))
    return MarksOfQuiz(
        names,
        tuple(float(maxima[name]) for name in names),
        tuple(tuple(row.get(name) for name in names) for row in rows.values()),
    )
