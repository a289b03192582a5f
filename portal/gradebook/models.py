"""The tables of the gradebook: its lines, what two people decide by hand, and printed transcripts."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, enum_type
from portal.core.seals import Sealed
from portal.gradebook.rules import EntryKind, Wish
from portal.quizzes.models import Attempt, Quiz, QuizVersion

_OF_ATTEMPT = "kind in ('result', 'correction')"


class ScoreEntry(Base):
    """One line of a person's results in a quiz; whatever changes a result later is a further line.

    A result or a correction is of an attempt and counts from the moment it was released. An override, an exemption or
    the withdrawal of one of these is decided by two people, and is of no attempt.
    """

    __tablename__ = "score_entries"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("attempt_id", "entry_no", name="uq_score_entries_attempt_id_entry_no"),
        Index("ix_score_entries_person_id_quiz_id", "person_id", "quiz_id", "id"),
        Index(
            "uq_score_entries_by_hand",
            "person_id",
            "quiz_id",
            "entry_no",
            unique=True,
            sqlite_where=text("attempt_id is null"),
            postgresql_where=text("attempt_id is null"),
        ),
        CheckConstraint("entry_no >= 1", name="entry_no"),
        CheckConstraint(f"({_OF_ATTEMPT}) = (attempt_id is not null)", name="attempt"),
        CheckConstraint(f"({_OF_ATTEMPT} or kind = 'override') = (score is not null)", name="score"),
        CheckConstraint("(score is null) = (passed is null)", name="passed"),
        CheckConstraint(f"({_OF_ATTEMPT}) = (decision_id is null)", name="decision"),
        CheckConstraint("(kind = 'withdrawal') = (withdraws_no is not null)", name="withdraws"),
        CheckConstraint("withdraws_no is null or withdraws_no < entry_no", name="withdraws_earlier"),
        # A decision is taken back once.
        UniqueConstraint("person_id", "quiz_id", "withdraws_no", name="uq_score_entries_withdraws"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"), index=True)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    # Counts the entries of one attempt: the first is its result, later ones correct it. What is of no attempt is
    # counted for the person and the quiz.
    entry_no: Mapped[int]
    kind: Mapped[EntryKind] = mapped_column(enum_type(EntryKind))
    # None: an exemption and a withdrawal have no score.
    score: Mapped[Fraction | None]
    passed: Mapped[bool | None]
    at: Mapped[datetime]
    # Why, as the learner reads it; a correction says it where it is known.
    reason: Mapped[str | None] = mapped_column(Text)
    # What two people decided, and the number of the line that a withdrawal takes back.
    decision_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("grade_decisions.id", ondelete="RESTRICT"), unique=True
    )
    withdraws_no: Mapped[int | None]

    person: Mapped[Person] = relationship()
    quiz: Mapped[Quiz] = relationship()
    attempt: Mapped[Attempt | None] = relationship()
    decision: Mapped[GradeDecision | None] = relationship(back_populates="entry")

    @property
    def quiz_version(self) -> QuizVersion:
        """The terms of the quiz by which it came about."""
        if self.attempt is not None:
            return self.attempt.quiz_version
        assert self.decision is not None
        return self.decision.quiz_version


class GradeDecision(Base):
    """What one person asks to be decided by hand of another's result; it holds once a second one has confirmed it."""

    __tablename__ = "grade_decisions"
    __sealed__ = Sealed(later=("closed_at", "closed_by_id", "is_confirmed", "note"))
    __table_args__ = (
        Index("ix_grade_decisions_person_id_quiz_id", "person_id", "quiz_id", "id"),
        Index(
            "uq_grade_decisions_open",
            "person_id",
            "quiz_id",
            unique=True,
            sqlite_where=text("closed_at is null"),
            postgresql_where=text("closed_at is null"),
        ),
        CheckConstraint("(wish = 'override') = (score is not null)", name="score"),
        CheckConstraint("(wish = 'withdrawal') = (withdraws_no is not null)", name="withdraws"),
        CheckConstraint("(closed_at is null) = (closed_by_id is null)", name="closed"),
        CheckConstraint("(closed_at is null) = (is_confirmed is null)", name="confirmed"),
        # The rule of two people, neither of whom is the learner.
        CheckConstraint("asked_by_id <> person_id", name="not_own"),
        CheckConstraint(
            "is_confirmed is null or not is_confirmed or (closed_by_id <> asked_by_id and closed_by_id <> person_id)",
            name="two_people",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"), index=True)
    # Whose pass mark a score is held against: the newest version at that time.
    quiz_version_id: Mapped[int] = mapped_column(ForeignKey("quiz_versions.id", ondelete="RESTRICT"))
    wish: Mapped[Wish] = mapped_column(enum_type(Wish))
    score: Mapped[Fraction | None]
    # The number of the line by hand that is to be taken back.
    withdraws_no: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    # Confirmed, or not: then the note says why.
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    is_confirmed: Mapped[bool | None]
    note: Mapped[str | None] = mapped_column(Text)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    quiz: Mapped[Quiz] = relationship()
    quiz_version: Mapped[QuizVersion] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    closed_by: Mapped[Person | None] = relationship(foreign_keys=[closed_by_id])
    # The line that it became.
    entry: Mapped[ScoreEntry | None] = relationship(back_populates="decision", uselist=False)


class TranscriptFile(Base):
    """A transcript as a PDF, as it stood when it was asked for; kept for a few days, and made anew at any time."""

    __tablename__ = "transcript_files"
    __table_args__ = (CheckConstraint("language in ('en', 'ja')", name="language"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(String(2))
    asked_at: Mapped[datetime] = mapped_column(index=True)
    asked_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime | None]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    person: Mapped[Person] = relationship()
