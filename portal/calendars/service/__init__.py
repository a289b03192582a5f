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
    CycleUnreadable,
    LeaveGone,
    NoHolidaysFor,
    NotEarlier,
    PeriodBackwards,
    PeriodTooLong,
    ShiftsUnchanged,
)
from portal.calendars.models import CompanyDay, Holiday, HolidayTable, Leave, ShiftPattern
from portal.core import clock
from portal.core.db import canonical_json, session
from portal.core.i18n import Words, format_date
from portal.journal.service import record
from portal.organisation.models import Market
from portal.organisation.service import KnownHolidays

# Enough for plans that began some years ago and for those that reach into the next ones.
YEARS_BACK, YEARS_AHEAD = 3, 5

# Names that the library has in English only.
# Longer absences are recorded in parts: each is looked at again.
LONGEST_LEAVE_DAYS = 366
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
    """Consecutive company days under one name."""

    first_on: date
    last_on: date
    name: Words


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
    """Make these the market's company days; those no longer named are withdrawn. Say whether anything changed.

    Raises `PeriodBackwards`.
    """
    for period in periods:
        if period.last_on < period.first_on:
            raise PeriodBackwards()
    wanted = {(period.first_on, period.last_on, period.name) for period in periods}
    standing = {(row.first_on, row.last_on, row.name): row for row in queries.list_company_days(market)}
    now = clock.now()
    gone = [row for key, row in standing.items() if key not in wanted]
    new = sorted(wanted - set(standing), key=lambda key: (key[0], key[1], key[2].en))
    for row in gone:
        row.withdrawn_at, row.withdrawn_by = now, by.code
    for first_on, last_on, name in new:
        session.add(
            CompanyDay(
                market_id=market.id,
                first_on=first_on,
                last_on=last_on,
                name=name,
                declared_at=now,
                declared_by=by.code,
            )
        )
    if not gone and not new:
        return False
    session.flush()
    record(
        "calendars.company_days_declared",
        by=by,
        subject=("market", market.code),
        before={"withdrawn": [f"{row.first_on}/{row.last_on}" for row in gone]},
        after={"declared": [f"{first_on}/{last_on}" for first_on, last_on, _ in new]},
    )
    return True


def record_leave(*, person: Person, first_on: date, last_on: date, by: Person) -> Leave:
    """Note that the person is away on these days; her dates are counted without them.

    Raises `PeriodBackwards`, `PeriodTooLong`.
    """
    check_leave(first_on, last_on)
    leave = Leave(person_id=person.id, first_on=first_on, last_on=last_on, recorded_at=clock.now(), recorded_by=by.code)
    session.add(leave)
    session.flush()
    record("calendars.leave_recorded", by=by, subject=("person", person.code), after={"days": f"{first_on}/{last_on}"})
    return leave


def check_leave(first_on: date, last_on: date) -> None:
    """Raise `PeriodBackwards` or `PeriodTooLong` for days that cannot be a leave."""
    if last_on < first_on:
        raise PeriodBackwards()
    if (last_on - first_on).days >= LONGEST_LEAVE_DAYS:
        raise PeriodTooLong(days=LONGEST_LEAVE_DAYS)


def withdraw_leave(*, leave: Leave, by: Person) -> None:
    """Take back a leave that was recorded by mistake; her dates are counted with these days again."""
    if leave.withdrawn_at is not None:
        return
    leave.withdrawn_at, leave.withdrawn_by = clock.now(), by.code
    session.flush()
    days = f"{leave.first_on}/{leave.last_on}"
    record("calendars.leave_withdrawn", by=by, subject=("person", leave.person.code), before={"days": days})


def end_leave_early(*, leave: Leave, last_on: date, by: Person) -> Leave:
    """Let a leave end on an earlier day: it is withdrawn, and the shorter one recorded in its place.

    Raises `LeaveGone` or `NotEarlier`.
    """
    if leave.withdrawn_at is not None:
        raise LeaveGone()
    if not leave.first_on <= last_on < leave.last_on:
        raise NotEarlier()
    withdraw_leave(leave=leave, by=by)
    return record_leave(person=leave.person, first_on=leave.first_on, last_on=last_on, by=by)


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

    `cycle` None: from this day on she works by the week again. Raises `CycleUnreadable`, `ShiftsUnchanged`.
    """
    said = checked_cycle(cycle)
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

    Who works by the week already stays as she is. Raises `CycleUnreadable`, and `ShiftsUnchanged` where that is
    everybody.
    """
    found = []
    for person in people:
        try:
            found.append(
                record_shifts(person=person, first_on=first_on, cycle=cycle, works_holidays=works_holidays, by=by)
            )
        except ShiftsUnchanged:
            continue
    if not found:
        raise ShiftsUnchanged()
    return found


def withdraw_shifts(*, pattern: ShiftPattern, by: Person) -> None:
    """Take back shifts that were recorded by mistake: what was recorded before them counts on."""
    if pattern.withdrawn_at is not None:
        return
    pattern.withdrawn_at, pattern.withdrawn_by = clock.now(), by.code
    session.flush()
    record(
        "calendars.shifts_withdrawn",
        by=by,
        subject=("person", pattern.person.code),
        before={"first_on": pattern.first_on.isoformat(), "cycle": pattern.cycle},
    )


def leave_in_words(person_id: int, today: date | None = None) -> list[dict[str, Any]]:
    """Return a person's leave as its table shows it; with `today`, which of it can still end earlier."""
    return [
        {
            "first": format_date(each.first_on),
            "last": format_date(each.last_on),
            "first_iso": each.first_on.isoformat(),
            "last_iso": each.last_on.isoformat(),
            "days": (each.last_on - each.first_on).days + 1,
            "can_end": today is not None and each.first_on < each.last_on and each.last_on >= today,
        }
        for each in queries.list_leave(person_id)
    ]
