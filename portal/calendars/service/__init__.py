"""Loading holidays, declaring company days, recording leave and shifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from portal.accounts.models import Person
from portal.calendars import queries, rules
from portal.calendars.errors import (
    CompanyDaysOfFile,
    CompanyDaysRecorded,
    CompanyPeriodTooLong,
    CycleUnreadable,
    LeaveGone,
    LeaveRecorded,
    NoHolidaysFor,
    NotEarlier,
    PeriodBackwards,
    PeriodTooLong,
    ShiftsUnchanged,
    unknown_years_refused,
)
from portal.calendars.models import CompanyDay, Holiday, HolidayTable, Leave, ShiftPattern
from portal.calendars.service import moves
from portal.calendars.service.kept import LONGEST_LEAVE_DAYS, Source, find_sources, source_of
from portal.core import clock
from portal.core.db import canonical_json, session
from portal.core.i18n import Words, format_date
from portal.core.i18n import gettext as _
from portal.journal.service import record
from portal.organisation.models import Market
from portal.organisation.service import KnownHolidays

# Enough for plans that began some years ago and for those that reach into the next ones.
YEARS_BACK, YEARS_AHEAD = 3, 5

# Names that the library has in English only.
_JAPANESE = {
    "New Year's Day": "元日",
    "Martin Luther King Jr. Day": "キング牧師記念日",
    "Washington's Birthday": "ワシントン誕生日",
    "Memorial Day": "戦没将兵追悼記念日",
    "Juneteenth National Independence Day": "ジューンティーンス独立記念日",
    "Independence Day": "独立記念日",
    "Labor Day": "労働者の日",
    "Columbus Day": "コロンブス記念日",
    "Veterans Day": "退役軍人の日",
    "Thanksgiving Day": "感謝祭",
    "Christmas Day": "クリスマス",
}


@dataclass(frozen=True, slots=True)
class CompanyPeriod:
    """Consecutive company days under one name: days off, or days that are worked instead."""

    first_on: date
    last_on: date
    name: Words
    is_worked: bool = False


def known_holidays() -> list[KnownHolidays]:
    """Return what each country's newest table knows (the organisation asks)."""
    return [
        KnownHolidays(table.country, table.version, table.first_year, table.last_year, table.provisional_from)
        for table in queries.list_tables()
    ]


def default_years() -> range:
    """Return the years that a table should know today."""
    this_year = clock.now().year
    return range(this_year - YEARS_BACK, this_year + YEARS_AHEAD + 1)


def load_national_holidays(
    *, country: str, years: Iterable[int] | None = None, by: Person | None = None
) -> tuple[HolidayTable, bool]:
    """Bring the country's holiday table up to the source and these years.

    Returns the newest table and whether it is new; a table that would say the same is not made
    again, and years known before stay known. Raises `NoHolidaysFor`.
    """
    asked = sorted(set(default_years() if years is None else years))
    before = queries.find_table(country)
    if not asked:
        raise NoHolidaysFor(country=country, years="–")
    first = min(asked[0], before.first_year) if before else asked[0]
    last = max(asked[-1], before.last_year) if before else asked[-1]
    days, source = _from_library(country, range(first, last + 1))
    now = clock.now()
    provisional = rules.provisional_from(country, now.year)
    digest = digest_of(country, range(first, last + 1), provisional, days)
    if before is not None and before.digest == digest:
        return before, False
    table = HolidayTable(
        country=country,
        version=before.version + 1 if before else 1,
        source=source,
        loaded_at=now,
        first_year=first,
        last_year=last,
        provisional_from=provisional,
        digest=digest,
        holidays=[Holiday(on=day, name=name) for day, name in days.items()],
    )
    session.add(table)
    session.flush()
    record(
        "calendars.holidays_loaded",
        by=by,
        subject=("holiday_table", f"{country}/{table.version}"),
        after={"first_year": first, "last_year": last, "source": source, "holidays": len(days)},
    )
    return table, True


def digest_of(country: str, years: range, provisional_from: int | None, days: Mapping[date, Words]) -> str:
    """Return the SHA-256 of what a holiday table says; equal tables have equal digests."""
    said = [[day.isoformat(), name.en, name.ja] for day, name in sorted(days.items())]
    return sha256(canonical_json([country, years[0], years[-1], provisional_from, said]).encode()).hexdigest()


def _from_library(country: str, years: range) -> tuple[Mapping[date, Words], str]:
    import holidays  # heavy, and needed only here

    refused = NoHolidaysFor(country=country, years=f"{years[0]}–{years[-1]}")
    try:
        known = holidays.country_holidays(country)
    except (NotImplementedError, KeyError) as unknown:
        raise refused from unknown
    if years[0] < known.start_year or years[-1] > known.end_year:
        raise refused
    by_language = {}
    for tag, code in (("en", "en_US"), ("ja", "ja")):
        language = code if code in known.supported_languages else None
        by_language[tag] = holidays.country_holidays(country, years=years, language=language, expand=False)
    japanese = "ja" in known.supported_languages
    days = {
        day: Words(en=name, ja=by_language["ja"][day] if japanese else _in_japanese(name))
        for day, name in sorted(by_language["en"].items())
        if day.year in years
    }
    return days, f"holidays {version('holidays')}"


def _in_japanese(english: str) -> str:
    observed = english.removesuffix(" (observed)")
    name = _JAPANESE.get(observed, observed)
    return f"{name}（振替休日）" if observed != english else name


def declare_company_days(*, market: Market, periods: Sequence[CompanyPeriod], by: Person) -> bool:
    """Make these the market's company days that come from files; those no longer named are withdrawn.

    What an administrator added stays, and is not declared a second time. Say whether anything changed. Raises
    `PeriodBackwards`, `HolidayYearUnknown` where a date would fall into a year without a holiday table.
    """
    for period in periods:
        if period.last_on < period.first_on:
            raise PeriodBackwards()
    rows = queries.list_company_days(market)
    wanted = set(periods)
    standing = {_period_of(row) for row in rows}
    if wanted != {_period_of(row) for row in rows if not row.by_hand}:
        by_hand = [_period_of(row) for row in rows if row.by_hand]
        base = queries.calendar_with(market, market.holiday_country, [*periods, *by_hand])
        moves.check(moves.other_market_days(market.id, base))
    now = clock.now()
    gone = [row for row in rows if not row.by_hand and _period_of(row) not in wanted]
    new = sorted(wanted - standing, key=lambda each: (each.first_on, each.last_on, each.name.en))
    for row in gone:
        row.withdrawn_at, row.withdrawn_by = now, by.code
    for period in new:
        session.add(_declared(market, period, by))
    if not gone and not new:
        return False
    session.flush()
    record(
        "calendars.company_days_declared",
        by=by,
        subject=("market", market.code),
        before={"withdrawn": [f"{row.first_on}/{row.last_on}" for row in gone]},
        after={"declared": [f"{each.first_on}/{each.last_on}" for each in new]},
    )
    return True


def _period_of(row: CompanyDay) -> CompanyPeriod:
    return CompanyPeriod(row.first_on, row.last_on, row.name, bool(row.is_worked))


def _declared(market: Market, period: CompanyPeriod, by: Person, *, by_hand: bool | None = None) -> CompanyDay:
    return CompanyDay(
        market_id=market.id,
        first_on=period.first_on,
        last_on=period.last_on,
        name=period.name,
        is_worked=period.is_worked or None,
        by_hand=by_hand,
        declared_at=clock.now(),
        declared_by=by.code,
    )


def add_company_days(*, markets: Sequence[Market], period: CompanyPeriod, by: Person) -> list[CompanyDay]:
    """Let these markets not work on these days, or work on them instead; their dates are counted so at once.

    A market that has all of them already stays as it is. Raises `PeriodBackwards`, `PeriodTooLong`, and
    `CompanyDaysRecorded` where every market has them.
    """
    check_company_days(period)
    found = []
    for market in markets:
        if any(_holds(row, period) for row in queries.list_company_days(market)):
            continue
        row = _declared(market, period, by, by_hand=True)
        session.add(row)
        session.flush()
        record(
            "calendars.company_days_added",
            by=by,
            subject=("market", market.code),
            after={"days": f"{period.first_on}/{period.last_on}", "worked": period.is_worked, "name": period.name.en},
        )
        found.append(row)
    if not found:
        raise CompanyDaysRecorded()
    return found


def _holds(row: CompanyDay, period: CompanyPeriod) -> bool:
    return row.first_on <= period.first_on and period.last_on <= row.last_on and bool(row.is_worked) == period.is_worked


def check_company_days(period: CompanyPeriod) -> None:
    """Raise `PeriodBackwards` or `PeriodTooLong` for days that no company is closed for, or works, in one go."""
    if period.last_on < period.first_on:
        raise PeriodBackwards()
    if (period.last_on - period.first_on).days >= LONGEST_LEAVE_DAYS:
        raise CompanyPeriodTooLong(days=LONGEST_LEAVE_DAYS)


def withdraw_company_days(*, days: CompanyDay, by: Person) -> None:
    """Take back company days that an administrator added; the market's dates are counted without them again.

    Raises `CompanyDaysOfFile` for those that come from a file, which would bring them back.
    """
    if not days.by_hand:
        raise CompanyDaysOfFile()
    if days.withdrawn_at is not None:
        return
    days.withdrawn_at, days.withdrawn_by = clock.now(), by.code
    session.flush()
    record(
        "calendars.company_days_withdrawn",
        by=by,
        subject=("market", days.market.code),
        before={"days": f"{days.first_on}/{days.last_on}", "worked": bool(days.is_worked), "name": days.name.en},
    )


def record_leave(*, person: Person, first_on: date, last_on: date, by: Person, source: Source | None = None) -> Leave:
    """Note that the person is away on these days; her dates are counted without them.

    `source` is what they were entered with, where that is not a page of leave (see `kept`).

    Raises `PeriodBackwards`, `PeriodTooLong`, `LeaveRecorded` where all of them lie within a leave of hers, and
    `HolidayYearUnknown` where a date of hers would fall into a year without a holiday table.
    """
    moves.lock([person.id])
    moves.check(more_leave(person, first_on, last_on))
    leave = Leave(
        person_id=person.id,
        first_on=first_on,
        last_on=last_on,
        with_kind=source.kind if source is not None else None,
        with_code=source.code if source is not None else None,
        recorded_at=clock.now(),
        recorded_by=by.code,
    )
    session.add(leave)
    session.flush()
    record("calendars.leave_recorded", by=by, subject=("person", person.code), after={"days": f"{first_on}/{last_on}"})
    return leave


def more_leave(person: Person, first_on: date, last_on: date) -> moves.CalendarChange:
    """Return what it would be if the person were away on these days too.

    Raises `PeriodBackwards`, `PeriodTooLong`, `LeaveRecorded`.
    """
    check_leave(first_on, last_on)
    known = next(
        (each for each in queries.list_leave(person.id) if each.first_on <= first_on and last_on <= each.last_on), None
    )
    if known is not None:
        raise LeaveRecorded(first_on=format_date(known.first_on), last_on=format_date(known.last_on))
    return moves.other_leave(person.id, queries.leave_days(person.id, more=queries.days_of(first_on, last_on)))


def less_leave(leave: Leave, last_on: date | None = None) -> moves.CalendarChange:
    """Return what it would be if a leave were withdrawn, or ended on an earlier day. Raises `NotEarlier`."""
    kept: list[date] = []
    if last_on is not None:
        if not leave.first_on <= last_on < leave.last_on:
            raise NotEarlier()
        kept = queries.days_of(leave.first_on, last_on)
    return moves.other_leave(leave.person_id, queries.leave_days(leave.person_id, more=kept, without=leave))


def check_leave(first_on: date, last_on: date) -> None:
    """Raise `PeriodBackwards` or `PeriodTooLong` for days that cannot be a leave."""
    if last_on < first_on:
        raise PeriodBackwards()
    if (last_on - first_on).days >= LONGEST_LEAVE_DAYS:
        raise PeriodTooLong(days=LONGEST_LEAVE_DAYS)


def withdraw_leave(*, leave: Leave, by: Person) -> None:
    """Take back a leave that was recorded by mistake; her dates are counted with these days again.

    Raises `HolidayYearUnknown` where one of them would fall into a year without a holiday table.
    """
    _lock(leave)
    if leave.withdrawn_at is not None:
        return
    moves.check(less_leave(leave))
    leave.withdrawn_at, leave.withdrawn_by = clock.now(), by.code
    session.flush()
    days = f"{leave.first_on}/{leave.last_on}"
    record("calendars.leave_withdrawn", by=by, subject=("person", leave.person.code), before={"days": days})


def end_leave_early(*, leave: Leave, last_on: date, by: Person) -> Leave:
    """Let a leave end on an earlier day: it is withdrawn, and the shorter one recorded in its place.

    Raises `LeaveGone` or `NotEarlier`.
    """
    _lock(leave)
    if leave.withdrawn_at is not None:
        raise LeaveGone()
    if not leave.first_on <= last_on < leave.last_on:
        raise NotEarlier()
    withdraw_leave(leave=leave, by=by)
    return record_leave(person=leave.person, first_on=leave.first_on, last_on=last_on, by=by, source=source_of(leave))


def _lock(row: Leave | ShiftPattern) -> None:
    """Read a row as it is now, and let nobody else change the days of its person."""
    moves.lock([row.person_id])
    session.refresh(row)


def checked_cycle(cycle: str | None) -> str | None:
    """Return a cycle as it is kept; None, by the week, stays so. Raises `CycleUnreadable`."""
    try:
        return "-".join(str(number) for number in rules.read_cycle(cycle)) if cycle is not None else None
    except ValueError as unreadable:
        raise CycleUnreadable(days=rules.LONGEST_CYCLE_DAYS) from unreadable


def record_shifts(
    *, person: Person, first_on: date, cycle: str | None, works_holidays: bool, by: Person
) -> ShiftPattern:
    """Note that the person works by shifts from a day on, the first of the cycle's working days.

    `cycle` None: from this day on she works by the week again. Raises `CycleUnreadable`, `ShiftsUnchanged`, and
    `HolidayYearUnknown` where the day, or a date of hers then, lies in a year without a holiday table.
    """
    said = checked_cycle(cycle)
    moves.lock([person.id])
    check_shifts([person], first_on=first_on, cycle=said, works_holidays=works_holidays)
    return _record_shifts(person=person, first_on=first_on, said=said, works_holidays=works_holidays, by=by)


def check_shifts(people: Sequence[Person], *, first_on: date, cycle: str | None, works_holidays: bool) -> None:
    """Refuse shifts from a day, or with dates, in a year without a holiday table. Raises `HolidayYearUnknown`."""
    check_first_day(people, first_on)
    rosters = queries.rosters_with(
        [each.id for each in people], first_on=first_on, cycle=cycle, works_holidays=works_holidays
    )
    moves.check(moves.other_shifts(rosters))


def check_first_day(people: Sequence[Person], first_on: date) -> None:
    """Refuse a first day of shifts in a year that the people's calendars do not know. Raises `HolidayYearUnknown`."""
    read = queries.read_calendars([each.home_market for each in people])
    with unknown_years_refused():
        for each in people:
            read.of(each.home_market_id).day_off(first_on)


def _record_shifts(
    *, person: Person, first_on: date, said: str | None, works_holidays: bool, by: Person
) -> ShiftPattern:
    before = [each for each in queries.list_shifts(person.id) if each.first_on <= first_on]
    if said is None and (not before or before[-1].cycle is None):
        raise ShiftsUnchanged()
    pattern = ShiftPattern(
        person_id=person.id,
        first_on=first_on,
        cycle=said,
        works_holidays=works_holidays and said is not None,
        recorded_at=clock.now(),
        recorded_by=by.code,
    )
    session.add(pattern)
    session.flush()
    record(
        "calendars.shifts_recorded",
        by=by,
        subject=("person", person.code),
        after={"first_on": first_on.isoformat(), "cycle": said, "works_holidays": pattern.works_holidays},
    )
    return pattern


def record_shifts_of_team(
    *, people: Sequence[Person], first_on: date, cycle: str | None, works_holidays: bool, by: Person
) -> list[ShiftPattern]:
    """Note by which shifts several people work from a day on, all or nothing; see `record_shifts`.

    Who works by the week already stays as she is. Raises `CycleUnreadable`, `ShiftsUnchanged` where that is
    everybody, and `HolidayYearUnknown` as for one person.
    """
    said = checked_cycle(cycle)
    moves.lock([each.id for each in people])
    check_shifts(people, first_on=first_on, cycle=said, works_holidays=works_holidays)
    found = []
    for person in people:
        try:
            found.append(
                _record_shifts(person=person, first_on=first_on, said=said, works_holidays=works_holidays, by=by)
            )
        except ShiftsUnchanged:
            continue
    if not found:
        raise ShiftsUnchanged()
    return found


def withdraw_shifts(*, pattern: ShiftPattern, by: Person) -> None:
    """Take back shifts that were recorded by mistake: what was recorded before them counts on.

    Raises `HolidayYearUnknown` where a date of hers would fall into a year without a holiday table.
    """
    _lock(pattern)
    if pattern.withdrawn_at is not None:
        return
    moves.check(moves.other_shifts(queries.rosters_without(pattern)))
    pattern.withdrawn_at, pattern.withdrawn_by = clock.now(), by.code
    session.flush()
    record(
        "calendars.shifts_withdrawn",
        by=by,
        subject=("person", pattern.person.code),
        before={"first_on": pattern.first_on.isoformat(), "cycle": pattern.cycle},
    )


def leave_in_words(person_id: int, today: date | None = None) -> list[dict[str, Any]]:
    """Return a person's leave as its table shows it; with `today`, which of it can still end earlier.

    With what it was entered is told by title and address, for whoever sees the person's page of leave.
    """
    rows = queries.list_leave(person_id)
    told = find_sources(source for each in rows if (source := source_of(each)) is not None)
    return [
        {
            "source": told.get(source) if (source := source_of(each)) is not None else None,
            "first": format_date(each.first_on),
            "last": format_date(each.last_on),
            "first_iso": each.first_on.isoformat(),
            "last_iso": each.last_on.isoformat(),
            "days": (each.last_on - each.first_on).days + 1,
            "can_end": today is not None and each.first_on < each.last_on and each.last_on >= today,
        }
        for each in rows
    ]


@dataclass(frozen=True, slots=True)
class Undone:
    """A recorded leave that is withdrawn or ends earlier, in words; what its form sends where to confirm it."""

    title: str
    button: str
    action: str
    fields: Mapping[str, str]


def withdrawal_in_words(first_on: date, last_on: date, *, action: str, key: str) -> Undone:
    """Say that a leave is withdrawn; `key` stands for what that moves."""
    return Undone(
        _("Withdraw the leave from %(first)s to %(last)s", first=format_date(first_on), last=format_date(last_on)),
        _("Withdraw"),
        action,
        {
            "first_on": first_on.isoformat(),
            "last_on": last_on.isoformat(),
            "seen": moves.shown(f"{first_on}/{last_on}", key),
        },
    )


def end_in_words(first_on: date, last_on: date, ends_on: date, *, action: str, key: str) -> Undone:
    """Say that a leave ends on an earlier day; `key` stands for what that moves."""
    return Undone(
        _(
            "End the leave from %(first)s to %(last)s on %(date)s",
            first=format_date(first_on),
            last=format_date(last_on),
            date=format_date(ends_on),
        ),
        _("End earlier"),
        action,
        {
            "first_on": first_on.isoformat(),
            "last_on": last_on.isoformat(),
            "ends_on": ends_on.isoformat(),
            "seen": moves.shown(f"{first_on}/{last_on}/{ends_on}", key),
        },
    )
