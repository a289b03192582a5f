"""What pictures of questions ask the database."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import undefer

from portal.core.db import session
from portal.quizzes.errors import NoSuchPicture
from portal.quizzes.models import QuestionPicture


def find_picture(sha256: str) -> QuestionPicture | None:
    """Return the picture with this hash, without its bytes, or None."""
    return session.scalar(select(QuestionPicture).where(QuestionPicture.sha256 == sha256))


def get_picture(sha256: str) -> QuestionPicture:
    """Return the picture with this hash and its bytes. Raises `NoSuchPicture`."""
    found = session.scalar(
        select(QuestionPicture).where(QuestionPicture.sha256 == sha256).options(undefer(QuestionPicture.data))
    )
    if found is None:
        raise NoSuchPicture()
    return found


def list_pictures(hashes: Collection[str]) -> list[QuestionPicture]:
    """Return the pictures with these hashes and their bytes, in the order of the hashes."""
    return list(
        session.scalars(
            select(QuestionPicture)
            .where(QuestionPicture.sha256.in_(hashes))
            .options(undefer(QuestionPicture.data))
            .order_by(QuestionPicture.sha256)
        )
    )
