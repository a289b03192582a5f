"""Tables of national holidays by version, company days of markets, personal leave and shifts."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.organisation.models import Market


class HolidayTable(Base):
    """The national holidays of a country as known at a moment; the highest version counts, none is changed."""

    __tablename__ = "holiday_tables"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("country", "version"),
        CheckConstraint("first_year <= last_year", name="years"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # ISO 3166.
    country: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    source: Mapped[str] = mapped_column(String(200))
    loaded_at: Mapped[datetime]
    # The table knows every year from the first to the last.
    first_year: Mapped[int]
    last_year: Mapped[int]
    # From this year on the days are computed and not yet announced; None: fixed by statute.
    provisional_from: Mapped[int | None]
    # SHA-256 of what the table says: equal tables are one version.
    digest: Mapped[str] = mapped_column(String(64))

    holidays: Mapped[list[Holiday]] = relationship(back_populates="table", order_by="Holiday.on")

    @property
    def known_years(self) -> range:
        """The years whose holidays the table holds."""
        return range(self.first_year, self.last_year + 1)


class Holiday(Base):
    """One national holiday, with its name in both languages."""

    __tablename__ = "holidays"
    __sealed__ = Sealed(per="table_id")
    __table_args__ = (UniqueConstraint("table_id", "on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    table_id: Mapped[int] = mapped_column(ForeignKey("holiday_tables.id", ondelete="CASCADE"))
    on: Mapped[date]
    name: Mapped[Words]

    table: Mapped[HolidayTable] = relationship(back_populates="holidays")


class CompanyDay(Base):
    """Days on which a market's people do not work, or work instead; withdrawn by a date, never deleted."""

    __tablename__ = "company_days"
    __sealed__ = Sealed(later=("withdrawn_at", "withdrawn_by"))
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="period"),
        Index("ix_company_days_market", "market_id", "withdrawn_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"))
    first_on: Mapped[date]
    last_on: Mapped[date]
    name: Mapped[Words]
    # Whether they are worked although they would be days off; None: they are days off.
    is_worked: Mapped[bool | None]
    # Whether an administrator added them here; None: they come from the content files.
    by_hand: Mapped[bool | None]
    declared_at: Mapped[datetime]
    declared_by: Mapped[str] = mapped_column(String(40))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(40))

    market: Mapped[Market] = relationship()


class Leave(Base):
    """Days on which a person is away; says nothing about why."""

    __tablename__ = "leaves"
    __sealed__ = Sealed(later=("withdrawn_at", "withdrawn_by"))
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="period"),
        CheckConstraint("(with_kind is null) = (with_code is null)", name="entered_with"),
        Index("ix_leaves_person", "person_id", "withdrawn_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    first_on: Mapped[date]
    last_on: Mapped[date]
    # With what it was entered, by kind and code; None: on a page of leave.
    with_kind: Mapped[str | None] = mapped_column(String(40))
    with_code: Mapped[str | None] = mapped_column(String(20))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(40))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(40))

    person: Mapped[Person] = relationship()


class ShiftPattern(Base):
    """By which shifts a person works from a day on, until the next of her rows; taken back by a date, never deleted."""

    __tablename__ = "shift_patterns"
    __sealed__ = Sealed(later=("withdrawn_at", "withdrawn_by"))
    __table_args__ = (Index("ix_shift_patterns_person", "person_id", "withdrawn_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    # The first working day of the cycle.
    first_on: Mapped[date]
    # Days worked and days off in turn, like "4-2"; None: she works by the week again.
    cycle: Mapped[str | None] = mapped_column(String(60))
    # Whether she works on holidays and company days when her shift says so.
    works_holidays: Mapped[bool]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(40))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(40))

    person: Mapped[Person] = relationship()
