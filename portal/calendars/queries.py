"""What the calendars know, and the working calendars made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import zip_longest
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    union_all,
)

from portal.accounts.models import Person
from portal.calendars.models import CompanyDay, Holiday, HolidayTable, Leave, ShiftPattern
from portal.calendars.rules import ONE_DAY, Roster, WorkingCalendar, days_of_cycle, read_cycle
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
# Every page with a date on it asks for these two. A market without company days has one row, a country without a table
# no table in it.
_OF_MARKETS = (
    select(Market.id, HolidayTable, CompanyDay.first_on, CompanyDay.last_on, CompanyDay.name, CompanyDay.is_worked)
    .select_from(Market)
    .outerjoin(_newest, _newest.c.country == Market.holiday_country)
    .outerjoin(HolidayTable, (HolidayTable.country == _newest.c.country) & (HolidayTable.version == _newest.c.version))
    .outerjoin(CompanyDay, and_(CompanyDay.market_id == Market.id, CompanyDay.withdrawn_at.is_(None)))
    .where(Market.id.in_(bindparam("ids", expanding=True)))
    .order_by(Market.id, CompanyDay.id)
)
# What of a calendar is a person's own, in one statement: her leave, and the shifts by which she works from a day on.
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_own_rows = union_all(
    select(
        Leave.person_id,
        Leave.id,
        Leave.first_on,
        Leave.last_on,
        cast(null(), String).label("cycle"),
        cast(null(), Boolean).label("works_holidays"),
    ).where(Leave.person_id.in_(_ids), Leave.withdrawn_at.is_(None)),
    select(
        ShiftPattern.person_id,
        ShiftPattern.id,
        ShiftPattern.first_on,
        cast(null(), Date),
        ShiftPattern.cycle,
        ShiftPattern.works_holidays,
    ).where(ShiftPattern.person_id.in_(_ids), ShiftPattern.withdrawn_at.is_(None)),
).subquery()
_OWN = select(_own_rows).order_by(_own_rows.c.first_on, _own_rows.c.id)


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


def list_withdrawn_company_days(market: Market) -> list[CompanyDay]:
    """Return the market's company days that were withdrawn, the last one first."""
    return list(
        session.scalars(
            select(CompanyDay)
            .where(CompanyDay.market_id == market.id, CompanyDay.withdrawn_at.is_not(None))
            .order_by(CompanyDay.withdrawn_at.desc(), CompanyDay.id.desc())
        )
    )


def find_company_days(market: Market, number: str) -> CompanyDay | None:
    """Return the market's company days of this number, where they hold."""
    return next((each for each in list_company_days(market) if str(each.id) == number), None)


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


def leave_days(person_id: int, *, more: Iterable[date] = (), without: Leave | None = None) -> frozenset[date]:
    """Return every day on which the person would be away with `more` days, or without one of her leaves."""
    rows = [each for each in list_leave(person_id) if each is not without]
    return frozenset(more).union(*(_days(each.first_on, each.last_on) for each in rows))


def days_of(first_on: date, last_on: date) -> list[date]:
    """Return the days of a period."""
    return _days(first_on, last_on)


def list_shifts(person_id: int) -> list[ShiftPattern]:
    """Return by which shifts the person works, in the order of their first days."""
    return list(
        session.scalars(
            select(ShiftPattern)
            .where(ShiftPattern.person_id == person_id, ShiftPattern.withdrawn_at.is_(None))
            .order_by(ShiftPattern.first_on, ShiftPattern.id)
        )
    )


def rosters_with(
    person_ids: Collection[int], *, first_on: date, cycle: str | None, works_holidays: bool
) -> dict[int, tuple[Roster, ...]]:
    """Return by which shifts each of these people would work with one more pattern, by her row."""
    more = SimpleNamespace(first_on=first_on, cycle=cycle, works_holidays=works_holidays)
    rows = _shifts_of(person_ids)
    # Sorting is stable: of those that begin on a day the last counts.
    return {
        person_id: _rosters(sorted([*rows.get(person_id, ()), more], key=lambda each: each.first_on))
        for person_id in person_ids
    }


def rosters_without(pattern: ShiftPattern) -> dict[int, tuple[Roster, ...]]:
    """Return by which shifts a person would work without one of her patterns, by her row."""
    rows = _shifts_of([pattern.person_id]).get(pattern.person_id, ())
    return {pattern.person_id: _rosters([each for each in rows if each.id != pattern.id])}


def _shifts_of(person_ids: Collection[int]) -> dict[int, list[ShiftPattern]]:
    found: dict[int, list[ShiftPattern]] = defaultdict(list)
    for row in session.scalars(
        select(ShiftPattern)
        .where(ShiftPattern.person_id.in_(person_ids), ShiftPattern.withdrawn_at.is_(None))
        .order_by(ShiftPattern.first_on, ShiftPattern.id)
    ):
        found[row.person_id].append(row)
    return found


def list_cycles() -> list[str]:
    """Return the cycles by which people work, those of most first."""
    return [
        cycle
        for cycle in session.scalars(
            select(ShiftPattern.cycle)
            .where(ShiftPattern.withdrawn_at.is_(None), ShiftPattern.cycle.is_not(None))
            .group_by(ShiftPattern.cycle)
            .order_by(func.count().desc(), ShiftPattern.cycle)
            .limit(10)
        )
        if cycle is not None
    ]


def list_leave_between(first_on: date, last_on: date) -> list[tuple[int, date, date]]:
    """Return whose leave that holds touches these days: person's row number, first day, last day."""
    rows = session.execute(
        select(Leave.person_id, Leave.first_on, Leave.last_on)
        .where(Leave.withdrawn_at.is_(None), Leave.first_on <= last_on, Leave.last_on >= first_on)
        .order_by(Leave.id)
    )
    return [(row.person_id, row.first_on, row.last_on) for row in rows]


def calendar_changed_since(person_id: Any, since: Any) -> ColumnElement[bool]:
    """Return the condition that the working days of a person may be other ones than at an instant.

    Later than it leave or shifts of hers, or company days of her home market, were recorded or taken back, or a table
    of its national holidays was loaded.
    """

    def said(at: Any, withdrawn_at: Any) -> ColumnElement[bool]:
        return or_(at > since, and_(withdrawn_at.is_not(None), withdrawn_at > since))

    return or_(
        *(
            exists().where(table.person_id == person_id, said(table.recorded_at, table.withdrawn_at))
            for table in (Leave, ShiftPattern)
        ),
        exists().where(
            Person.id == person_id,
            CompanyDay.market_id == Person.home_market_id,
            said(CompanyDay.declared_at, CompanyDay.withdrawn_at),
        ),
        exists().where(
            Person.id == person_id,
            Market.id == Person.home_market_id,
            HolidayTable.country == Market.holiday_country,
            HolidayTable.loaded_at > since,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Own:
    """What of a calendar is a person's own."""

    leave: frozenset[date] = frozenset()
    rosters: tuple[Roster, ...] = ()


_NOTHING_OWN = _Own()


class Calendars:
    """The working calendars of some markets and people, read together.

    People of one market with the same leave and shifts get the very same calendar, so that what is computed
    for one serves all.
    """

    def __init__(self, bases: Mapping[int, WorkingCalendar], own: Mapping[int, _Own]) -> None:
        self._bases, self._own = bases, own
        self._made: dict[tuple[int, _Own], WorkingCalendar] = {}

    def of(self, market_id: int, person_id: int | None = None) -> WorkingCalendar:
        """Return the calendar of the market as the person works in it."""
        own = self._own.get(person_id, _NOTHING_OWN) if person_id is not None else _NOTHING_OWN
        key = (market_id, own)
        if key not in self._made:
            base = self._bases[market_id]
            self._made[key] = base if own == _NOTHING_OWN else replace(base, leave=own.leave, rosters=own.rosters)
        return self._made[key]


def read_calendars(markets: Iterable[Market], person_ids: Iterable[int] = ()) -> Calendars:
    """Read the calendars of these markets, leave and shifts of these people, in a fixed number of statements."""
    wanted = {market.id: market for market in markets}
    tables: dict[int, HolidayTable | None] = {}
    declared: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_OF_MARKETS, {"ids": list(wanted)}):
        tables[row[0]] = row[1]
        if row.first_on is not None:
            declared[row[0]].append(row)
    bases = {
        market.id: with_company_days(_base(market.holiday_country, tables.get(market.id)), declared[market.id])
        for market in wanted.values()
    }
    return Calendars(bases, _own_of(set(person_ids)))


def with_company_days(calendar: WorkingCalendar, rows: Iterable[Any]) -> WorkingCalendar:
    """Return the calendar with these periods as its market's days off and worked; of two names the first counts."""
    off: dict[date, Words] = {}
    worked: set[date] = set()
    for row in rows:
        if row.is_worked:
            worked.update(_days(row.first_on, row.last_on))
        else:
            for day in _days(row.first_on, row.last_on):
                off.setdefault(day, row.name)
    return replace(calendar, company_days=off, worked=frozenset(worked))


def working_calendar(market: Market, person_id: int | None = None) -> WorkingCalendar:
    """Return the calendar of one market, as one person works in it."""
    people = [] if person_id is None else [person_id]
    return read_calendars([market], people).of(market.id, person_id)


def calendar_with(
    market: Market, holiday_country: str | None, company_days: Iterable[Any] | None = None
) -> WorkingCalendar:
    """Return a market's calendar as it would be with another country's holidays, or with other company days.

    `company_days` are periods as `with_company_days` takes them; None: those that the market has.
    """
    table = find_table(holiday_country) if holiday_country is not None else None
    rows = list_company_days(market) if company_days is None else company_days
    return with_company_days(_base(holiday_country, table), rows)


def _base(country: str | None, table: HolidayTable | None) -> WorkingCalendar:
    if country is None:
        return WorkingCalendar()
    if table is None:
        # Nothing is known, so that every year is refused rather than taken to be without holidays.
        return WorkingCalendar(country=country, known_years=range(0))
    return WorkingCalendar(
        country=table.country,
        known_years=table.known_years,
        provisional_from=table.provisional_from,
        holidays=_holidays(table.digest, table.id),
    )


@lru_cache(maxsize=64)
def _holidays(digest: str, table_id: int) -> Mapping[date, Words]:
    # The digest is the key that counts: a table's rows never change, and equal ones are equal.
    rows = session.execute(select(Holiday.on, Holiday.name).where(Holiday.table_id == table_id).order_by(Holiday.on))
    return {row.on: row.name for row in rows}


def _own_of(person_ids: set[int]) -> dict[int, _Own]:
    if not person_ids:
        return {}
    leave: dict[int, set[date]] = defaultdict(set)
    shifts: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_OWN, {"ids": list(person_ids)}):
        if row.works_holidays is None:
            leave[row.person_id].update(_days(row.first_on, row.last_on))
        else:
            shifts[row.person_id].append(row)
    return {
        person_id: _Own(frozenset(leave.get(person_id, ())), _rosters(shifts.get(person_id, ())))
        for person_id in leave.keys() | shifts.keys()
    }


def _rosters(rows: Sequence[Any]) -> tuple[Roster, ...]:
    """Return what these rows say, each until the day before the next: of those that begin on a day the last counts."""
    found = []
    for row, following in zip_longest(rows, rows[1:]):
        last_on = following.first_on - ONE_DAY if following is not None else None
        if row.cycle is not None and (last_on is None or row.first_on <= last_on):
            found.append(Roster(row.first_on, days_of_cycle(read_cycle(row.cycle)), last_on, row.works_holidays))
    return tuple(found)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def lock_people(person_ids: Collection[int]) -> None:
    """Let those who change the days of these people come one after the other; rows that point to them go on."""
    session.execute(
        select(Person.id).where(Person.id.in_(person_ids)).order_by(Person.id).with_for_update(key_share=True)
    )
