"""Tables of markets, teams and settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.db import Base
from portal.core.i18n import Words


class Market(Base):
    """Where the rules and the working days differ: a country's market with its zone and holidays."""

    __tablename__ = "markets"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Upper case, as people say it: JP, US.
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[Words]
    time_zone: Mapped[str] = mapped_column(String(60))
    # ISO 3166 code of the national holidays; None: week-ends and company days only.
    holiday_country: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime]


class Team(Base):
    """People who work together in one market."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[Words]
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"), index=True)
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    market: Mapped[Market] = relationship(lazy="joined")


class Setting(Base):
    """One setting of the organisation by its key; what is not here has its default."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
