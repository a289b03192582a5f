"""Tables of reminders: what people prefer, the digests that were sent, what was escalated in them, hours looked at."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, enum_type
from portal.reminders.rules import DAY_BEGINS, DAY_ENDS, Rhythm


class ReminderPreference(Base):
    """When a person wants her digest; whoever has chosen nothing has no row."""

    __tablename__ = "reminder_preferences"
    __table_args__ = (CheckConstraint(f"hour >= {DAY_BEGINS} and hour < {DAY_ENDS}", name="hour"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    # The full hour in her zone from which it may be sent.
    hour: Mapped[int]
    rhythm: Mapped[Rhythm] = mapped_column(enum_type(Rhythm))
    changed_at: Mapped[datetime]


class Digest(Base):
    """That a person was owed the digest of one of her days; added once, never changed."""

    __tablename__ = "digests"
    __table_args__ = (UniqueConstraint("person_id", "on"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    # The day in her zone, as it was then.
    on: Mapped[date]
    zone: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]

    person: Mapped[Person] = relationship()
    escalations: Mapped[list[DigestEscalation]] = relationship(back_populates="digest", order_by="DigestEscalation.id")


class DigestEscalation(Base):
    """That a digest told a lead of something overdue; never changed."""

    __tablename__ = "digest_escalations"
    __table_args__ = (
        UniqueConstraint("digest_id", "key"),
        Index("ix_digest_escalations_key", "key"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    digest_id: Mapped[int] = mapped_column(BigKey, ForeignKey("digests.id", ondelete="RESTRICT"))
    # What is overdue, and since which date: overdue anew, it is told anew.
    key: Mapped[str] = mapped_column(String(200))

    digest: Mapped[Digest] = relationship(back_populates="escalations")


class SweptHour(Base):
    """That everybody of a zone who wants her digest at an hour of a day has been looked at; spares doing it again."""

    __tablename__ = "swept_hours"

    zone: Mapped[str] = mapped_column(String(60), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
