"""Tables of cohorts and their members."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Column, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.organisation.models import Market, Team


class Cohort(Base):
    """People who are taken in together."""

    __tablename__ = "cohorts"

    id: Mapped[int] = mapped_column(primary_key=True)
    # As people say it: jp-2026-04.
    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[Words]
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"), index=True)
    # None: people of several teams.
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"), index=True)
    starts_on: Mapped[date]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    # Founded by mistake and taken back before anybody began.
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(40))

    market: Mapped[Market] = relationship(lazy="joined")
    team: Mapped[Team | None] = relationship(lazy="joined")


class CohortMember(Base):
    """A person in a cohort from one moment to another."""

    __tablename__ = "cohort_members"
    __sealed__ = Sealed(later=("left_at", "left_by"))
    __table_args__ = (
        Index(
            "uq_cohort_members_present",
            "cohort_id",
            "person_id",
            unique=True,
            sqlite_where=Column("left_at").is_(None),
            postgresql_where=Column("left_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    joined_at: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(40))
    left_at: Mapped[datetime | None]
    left_by: Mapped[str | None] = mapped_column(String(40))

    cohort: Mapped[Cohort] = relationship()
    person: Mapped[Person] = relationship()
