"""Tables of who has what part in a task, policy or credential, and of levels that a lead states with evidence."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.backfill.rules import Part
from portal.core.db import Base, BigKey, enum_type
from portal.core.seals import Sealed


class Responsibility(Base):
    """What part somebody has in a row of the matrix; the latest of a row and person counts, none is changed."""

    __tablename__ = "responsibilities"
    __sealed__ = Sealed()
    __table_args__ = (Index("ix_responsibilities_thing", "kind", "thing_code", "person_id", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    part: Mapped[Part] = mapped_column(enum_type(Part))
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))

    person: Mapped[Person] = relationship()


class LevelStatement(Base):
    """A level that a lead states for somebody, with the day and what was seen; the latest counts, none is changed."""

    __tablename__ = "level_statements"
    __sealed__ = Sealed()
    __table_args__ = (
        Index("ix_level_statements_thing", "kind", "thing_code", "person_id", "id"),
        CheckConstraint("level between 0 and 4", name="level"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    level: Mapped[int]
    # The day on which it was seen, in the lead's market.
    seen_on: Mapped[date]
    # What was seen.
    words: Mapped[str] = mapped_column(Text)
    stated_at: Mapped[datetime]
    stated_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    stated_by: Mapped[Person] = relationship(foreign_keys=[stated_by_id], lazy="joined")
