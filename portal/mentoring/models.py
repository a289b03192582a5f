"""Tables of notes on learners, what became of them, when their learner last read them, and of one-to-ones."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, enum_type
from portal.core.seals import Sealed
from portal.mentoring.rules import NoteAct
from portal.training.models import Enrollment


class OneToOne(Base):
    """That a mentor or lead talked with a learner alone on a day. Never changed; taken back by a `TalkTakenBack`."""

    __tablename__ = "one_to_ones"
    __sealed__ = Sealed()
    # Two who supervise her may talk with her on the same day, each alone. That one of them has a day once is kept by a
    # lock and looked after by the doctor: what was taken back stays, and its day may be recorded anew.
    __table_args__ = (
        Index("ix_one_to_ones_enrollment", "enrollment_id", "held_on", "by_id"),
        CheckConstraint("replaces_id is null or replaces_id < id", name="replaces"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"))
    held_on: Mapped[date]
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]
    # The talk of a wrong day that was taken back, and in whose place this one stands.
    replaces_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("one_to_ones.id", ondelete="RESTRICT"), unique=True
    )

    enrollment: Mapped[Enrollment] = relationship()
    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    taken_back: Mapped[TalkTakenBack | None] = relationship(back_populates="talk", lazy="joined")


class TalkTakenBack(Base):
    """That a talk was not held on the day that was recorded, and why it stood there; once. Never changed."""

    __tablename__ = "talks_taken_back"
    __sealed__ = Sealed()
    __table_args__ = (CheckConstraint("reason <> ''", name="reason"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    talk_id: Mapped[int] = mapped_column(BigKey, ForeignKey("one_to_ones.id", ondelete="RESTRICT"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    talk: Mapped[OneToOne] = relationship(back_populates="taken_back")
    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class LearnerNote(Base):
    """What somebody who supervises a learner noted about her training. A correction is a new row; none is changed."""

    __tablename__ = "learner_notes"
    __sealed__ = Sealed()
    __table_args__ = (
        Index("ix_learner_notes_enrollment", "enrollment_id", "id"),
        CheckConstraint("text <> ''", name="text"),
        CheckConstraint("corrects_id is null or corrects_id < id", name="corrects"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"))
    text: Mapped[str] = mapped_column(Text)
    # Whether the learner could read this wording from the beginning; later a `NoteStep` can show it to her.
    is_shown: Mapped[bool]
    # The note in whose place this wording stands; there is one at most.
    corrects_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("learner_notes.id", ondelete="RESTRICT"), unique=True
    )
    # The talk of which it was noted.
    one_to_one_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("one_to_ones.id", ondelete="RESTRICT"), index=True
    )
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    enrollment: Mapped[Enrollment] = relationship()
    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    one_to_one: Mapped[OneToOne | None] = relationship()
    steps: Mapped[list[NoteStep]] = relationship(order_by="NoteStep.id")


class NoteStep(Base):
    """What became of a note: shown to the learner, or taken back; each once. Never changed."""

    __tablename__ = "note_steps"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("note_id", "act"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    note_id: Mapped[int] = mapped_column(BigKey, ForeignKey("learner_notes.id", ondelete="RESTRICT"))
    act: Mapped[NoteAct] = mapped_column(enum_type(NoteAct))
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class NoteReading(Base):
    """When a learner last opened the notes on her training: a note of the page itself."""

    __tablename__ = "note_readings"

    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), primary_key=True)
    read_at: Mapped[datetime]
