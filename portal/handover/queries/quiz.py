"""Tries of successors at quizzes from the cards."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload, selectinload

from portal.core.db import session
from portal.duties.models import CardVersion
from portal.handover.errors import NoSuchHandover
from portal.handover.models import HandoverItem, QuizQuestion, QuizTry

_WITH_QUESTIONS = (
    selectinload(QuizTry.questions).options(
        joinedload(QuizQuestion.item),
        joinedload(QuizQuestion.card_version, innerjoin=True).joinedload(CardVersion.card, innerjoin=True),
    ),
)


def get_try(code: str) -> QuizTry:
    """Return the try with its questions. Raises `NoSuchHandover`."""
    found = session.scalar(select(QuizTry).where(QuizTry.code == code).options(*_WITH_QUESTIONS))
    if found is None:
        raise NoSuchHandover()
    return found


def list_about(item: HandoverItem, successor_id: int | None) -> list[QuizTry]:
    """Return the tries of a successor in which she was asked about an item, the latest first."""
    if successor_id is None:
        return []
    asked = exists().where(QuizQuestion.try_id == QuizTry.id, QuizQuestion.item_id == item.id)
    return list(
        session.scalars(
            select(QuizTry)
            .where(QuizTry.handover_id == item.handover_id, QuizTry.successor_id == successor_id, asked)
            .order_by(QuizTry.id.desc())
            .options(*_WITH_QUESTIONS)
        )
    )


def list_of(handover_id: int, successor_id: int) -> list[QuizTry]:
    """Return the tries of a successor in a handover, the latest first."""
    return list(
        session.scalars(
            select(QuizTry)
            .where(QuizTry.handover_id == handover_id, QuizTry.successor_id == successor_id)
            .order_by(QuizTry.id.desc())
            .options(*_WITH_QUESTIONS)
        )
    )


def list_all() -> list[QuizTry]:
    """Return every try, the first one first."""
    return list(session.scalars(select(QuizTry).order_by(QuizTry.id).options(*_WITH_QUESTIONS)))


def find_tries(codes: Collection[str]) -> Mapping[str, QuizTry]:
    """Return those of the tries that exist, by code."""
    return {each.code: each for each in session.scalars(select(QuizTry).where(QuizTry.code.in_(codes)))}
