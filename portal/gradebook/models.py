"""The gradebook's table."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, enum_type
from portal.core.seals import Sealed
from portal.quizzes.models import Attempt, Quiz


class EntryKind(StrEnum):
    """Where a score comes from."""

    RESULT = "result"


class ScoreEntry(Base):
    """One score of one person in one quiz, from the moment it was released; a correction is a further line."""

    __tablename__ = "score_entries"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("attempt_id", "entry_no", name="uq_score_entries_attempt_id_entry_no"),
        Index("ix_score_entries_person_id_quiz_id", "person_id", "quiz_id", "id"),
        CheckConstraint("entry_no >= 1", name="entry_no"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"), index=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    # Counts the entries of one attempt: the first is its result, later ones correct it.
    entry_no: Mapped[int]
    kind: Mapped[EntryKind] = mapped_column(enum_type(EntryKind))
    score: Mapped[Fraction]
    passed: Mapped[bool]
    at: Mapped[datetime]

    person: Mapped[Person] = relationship()
    quiz: Mapped[Quiz] = relationship()
    attempt: Mapped[Attempt] = relationship()
