"""What the calendars know, and the working calendars made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select

from portal.calendars.models import CompanyDay, Holiday, HolidayTable, Leave
from portal.calendars.rules import WorkingCalendar
from portal.core.db import session
from portal.core.i18n import Words
from portal.organisation.models import Market

_newest = (
    select(HolidayTable.country, func.max(HolidayTable.version).label("version"))
    .group_by(HolidayTable.country)
    .subquery()
)
_NEWEST_TABLES = (
    select(HolidayTable)
    .join(_newest, (HolidayTable.country == _newest.c.country) & (HolidayTable.version == _newest.c.version))
    .order_by(HolidayTable.country)
)
# Every page with a date on it asks for these two.
_COMPANY_DAYS = (
    select(CompanyDay.market_id, CompanyDay.first_on, CompanyDay.last_on, CompanyDay.name)
    .where(CompanyDay.market_id.in_(bindparam("ids", expanding=True)), CompanyDay.withdrawn_at.is_(None))
    .order_by(CompanyDay.id)
)
_LEAVE = select(Leave.person_id, Leave.first_on, Leave.last_on).where(
    Leave.person_id.in_(bindparam("ids", expanding=True)), Leave.withdrawn_at.is_(None)
)


def find_table(country: str) -> HolidayTable | None:
    """Return the country's newest holiday table."""
    return session.scalar(
        select(HolidayTable).where(HolidayTable.country == country).order_by(HolidayTable.version.desc()).limit(1)
    )


def list_tables() -> list[HolidayTable]:
    """Return the newest holiday table of each country, by country."""
    return list(session.scalars(_NEWEST_TABLES))


def list_company_days(market: Market) -> list[CompanyDay]:
    """Return the market's company days that hold, in the order of their dates."""
    return list(
        session.scalars(
            select(CompanyDay)
            .where(CompanyDay.market_id == market.id, CompanyDay.withdrawn_at.is_(None))
            .order_by(CompanyDay.first_on, CompanyDay.last_on, CompanyDay.id)
        )
    )


def list_markets() -> list[Market]:
    """Return every market, by code."""
    return list(session.scalars(select(Market).order_by(Market.code)))


def list_countries() -> list[str]:
    """Return the countries whose national holidays some market keeps."""
    found = session.scalars(select(Market.holiday_country).distinct().order_by(Market.holiday_country))
    return [country for country in found if country is not None]


def find_market(code: str) -> Market | None:
    """Return the market of the code."""
    return session.scalar(select(Market).where(Market.code == code))


def list_leave(person_id: int) -> list[Leave]:
    """Return the person's leave that holds, in the order of its dates."""
    return list(
        session.scalars(
            select(Leave)
            .where(Leave.person_id == person_id, Leave.withdrawn_at.is_(None))
            .order_by(Leave.first_on, Leave.last_on, Leave.id)
        )
    )


def list_leave_between(first_on: date, last_on: date) -> list[tuple[int, date, date]]:
    """Return whose leave that holds touches these days: person's row number, first day, last day."""
    rows = session.execute(
        select(Leave.person_id, Leave.first_on, Leave.last_on)
        .where(Leave.withdrawn_at.is_(None), Leave.first_on <= last_on, Leave.last_on >= first_on)
        .order_by(Leave.id)
    )
    return [(row.person_id, row.first_on, row.last_on) for row in rows]


def leave_changed_since(person_id: Any, since: Any) -> ColumnElement[bool]:
    """Return the condition that leave of the person was recorded, or taken back, later than an instant."""
    return exists().where(
        Leave.person_id == person_id,
        or_(Leave.recorded_at > since, and_(Leave.withdrawn_at.is_not(None), Leave.withdrawn_at > since)),
    )


class Calendars:
    """The working calendars of some markets and people, read together.

    People of one market with the same leave get the very same calendar, so that what is computed
    for one serves all.
    """

    def __init__(self, bases: Mapping[int, WorkingCalendar], leave: Mapping[int, frozenset[date]]) -> None:
        self._bases, self._leave = bases, leave
        self._made: dict[tuple[int, frozenset[date]], WorkingCalendar] = {}

    def of(self, market_id: int, person_id: int | None = None) -> WorkingCalendar:
        """Return the calendar of the market, less the person's leave."""
        leave = self._leave.get(person_id, frozenset()) if person_id is not None else frozenset()
        key = (market_id, leave)
        if key not in self._made:
            base = self._bases[market_id]
            self._made[key] = (
                WorkingCalendar(
                    country=base.country,
                    known_years=base.known_years,
                    provisional_from=base.provisional_from,
                    holidays=base.holidays,
                    company_days=base.company_days,
                    leave=leave,
                )
                if leave
                else base
            )
        return self._made[key]


def read_calendars(markets: Iterable[Market], person_ids: Iterable[int] = ()) -> Calendars:
    """Read the calendars of these markets and the leave of these people, in a fixed number of statements."""
    wanted = {market.id: market for market in markets}
    tables = {table.country: table for table in list_tables()}
    company_days: dict[int, dict[date, Words]] = defaultdict(dict)
    for row in session.execute(_COMPANY_DAYS, {"ids": list(wanted)}):
        for day in _days(row.first_on, row.last_on):
            company_days[row.market_id].setdefault(day, row.name)
    bases = {
        market.id: _base(market, tables.get(market.holiday_country or ""), company_days[market.id])
        for market in wanted.values()
    }
    return Calendars(bases, _leave_of(set(person_ids)))


def working_calendar(market: Market, person_id: int | None = None) -> WorkingCalendar:
    """Return the calendar of one market, less the leave of one person."""
    people = [] if person_id is None else [person_id]
    return read_calendars([market], people).of(market.id, person_id)


def _base(market: Market, table: HolidayTable | None, company_days: Mapping[date, Words]) -> WorkingCalendar:
    if market.holiday_country is None:
        return WorkingCalendar(company_days=company_days)
    if table is None:
        # Nothing is known, so that every year is refused rather than taken to be without holidays.
        return WorkingCalendar(country=market.holiday_country, known_years=range(0), company_days=company_days)
    return WorkingCalendar(
        country=table.country,
        known_years=table.known_years,
        provisional_from=table.provisional_from,
        holidays=_holidays(table.digest, table.id),
        company_days=company_days,
    )


@lru_cache(maxsize=64)
def _holidays(digest: str, table_id: int) -> Mapping[date, Words]:
    # The digest is the key that counts: a table's rows never change, and equal ones are equal.
    rows = session.execute(select(Holiday.on, Holiday.name).where(Holiday.table_id == table_id).order_by(Holiday.on))
    return {row.on: row.name for row in rows}


def _leave_of(person_ids: set[int]) -> dict[int, frozenset[date]]:
    if not person_ids:
        return {}
    days: dict[int, set[date]] = defaultdict(set)
    for row in session.execute(_LEAVE, {"ids": list(person_ids)}):
        days[row.person_id].update(_days(row.first_on, row.last_on))
    return {person_id: frozenset(taken) for person_id, taken in days.items()}


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
