"""How a date came about, in the words of `ui/components/date_explained.html`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from portal.calendars.rules import (
    ONE_DAY,
    DayOff,
    Derivation,
    OffReason,
    WorkingCalendar,
    YearNotInTable,
    read_cycle,
)
from portal.core import clock
from portal.core.i18n import force_locale, format_instant, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.ui.filters import day_and_month

# A longer way is told by the days that were not counted only.
DAYS_TOLD_ONE_BY_ONE = 28
# How far the weeks to come are shown.
FEWEST_WEEKS, MOST_WEEKS = 4, 8
_REASONS = {
    OffReason.WEEKEND: _l("Weekend"),
    OffReason.HOLIDAY: _l("Holiday"),
    OffReason.COMPANY_DAY: _l("Company day"),
    OffReason.REST: _l("Rest day by shift"),
    OffReason.LEAVE: _l("Leave"),
    OffReason.PAUSE: _l("Pause"),
}


def days_told(derivation: Derivation) -> list[dict[str, Any]]:
    """Return the days from the start to the date, each with its number or why it was not counted.

    A date counted back is told from the date to the start.
    """
    skipped = {off.on: off for off in derivation.skipped}
    if not skipped and derivation.working_days == 0:
        return []
    on = derivation.recount()
    first, last = min(derivation.start, on), max(derivation.start, on)
    span = (last - first).days
    told, count = [], -1 if on >= derivation.start else derivation.working_days - 1
    for number in range(span + 1):
        day = first + timedelta(days=number)
        off = skipped.get(day)
        count += off is None
        if off is None and count != 0 and day != on and span > DAYS_TOLD_ONE_BY_ONE:
            continue
        label = why_off(off) if off else (_("Start") if count == 0 and day != on else "")
        told.append({"date": day_told(day), "label": label, "count": None if off else count})
    return told


def why_off(off: DayOff) -> str:
    """Return why a day is not counted: its name where it has one."""
    return off.name.in_(language()) if off.name is not None else str(_REASONS[off.reason])


def cycle_told(cycle: str | None) -> str:
    """Return a cycle as it is said: "4 on, 2 off"."""
    if cycle is None:
        return str(_("By the week, Monday to Friday"))
    numbers = read_cycle(cycle)
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return str(_(", ")).join(str(_("%(worked)s on, %(off)s off", worked=worked, off=off)) for worked, off in pairs)


def weeks_told(calendar: WorkingCalendar, today: date, *, until: date) -> list[list[dict[str, Any]]]:
    """Return this week and the next ones, each day with whether it is worked, or why not.

    They are `FEWEST_WEEKS`, or as many as it takes to reach a day, but no more than `MOST_WEEKS`. They end before a
    year whose holidays are not known.
    """
    monday, found = today - timedelta(days=today.weekday()), []
    weeks = (until - monday).days // 7 + 1
    try:
        for week in range(min(max(weeks, FEWEST_WEEKS), MOST_WEEKS)):
            days = [monday + timedelta(days=7 * week + number) for number in range(7)]
            found.append([_day_of_week(calendar, day, today) for day in days])
    except YearNotInTable:
        pass
    return found


def pattern_told(calendar: WorkingCalendar, cycle: str | None, first_on: date) -> dict[str, Any]:
    """Return shifts as they would be: in words, and the first two weeks, each day with whether it is worked.

    `calendar` is one in which they hold already; the days end before a year whose holidays are not known. `besides`
    are the days that are off for another reason than the rhythm.
    """
    days: list[dict[str, Any]] = []
    besides = []
    with suppress(YearNotInTable):
        for number in range(14):
            day = first_on + timedelta(days=number)
            days.append(_day_of_week(calendar, day, first_on))
            off = calendar.day_off(day)
            if off is not None and off.reason not in (OffReason.REST, OffReason.WEEKEND):
                besides.append({"date": days[-1]["date"], "why": why_off(off)})
    return {"works": cycle_told(cycle), "weeks": [week for week in (days[:7], days[7:]) if week], "besides": besides}


def _day_of_week(calendar: WorkingCalendar, day: date, today: date) -> dict[str, Any]:
    off = calendar.day_off(day)
    return {
        "date": day_told(day),
        "iso": day.isoformat(),
        "why": why_off(off) if off else "",
        "is_off": off is not None,
        "is_today": day == today,
    }


def uncountable_told(country: str, year: int) -> str:
    """Say why dates cannot be told, for a line about one of many people."""
    return str(
        _(
            "The dates cannot be computed: the holiday table of %(country)s does not know %(year)s.",
            country=country,
            year=str(year),
        )
    )


def unannounced_told(years: Sequence[int]) -> str:
    """Say of dates that are shown beforehand in which years the holidays may still change; "" where in none."""
    if not years:
        return ""
    listed = str(_(", ")).join(str(year) for year in years)
    return str(_("The holidays of %(years)s are not announced yet; these dates may still change.", years=listed))


def may_change_told(calendar: WorkingCalendar, days: Collection[date]) -> list[str]:
    """Say of dates that are shown beforehand why they may still change: holidays, or company days, of a coming year."""
    found = [unannounced_told(calendar.provisional_years(days))]
    years = calendar.without_company_days(days)
    if years:
        listed = str(_(", ")).join(str(year) for year in years)
        found.append(
            str(
                _(
                    "Company days of %(years)s, such as a closure at the end of the year, are not entered yet; these "
                    "dates may still change.",
                    years=listed,
                )
            )
        )
    return [each for each in found if each]


def spans_told(days: Iterable[date]) -> list[str]:
    """Return days as they are said together: each run of days in a row as its first and last."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + ONE_DAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [_span(run) for run in runs]


def _span(run: Sequence[date]) -> str:
    if len(run) == 1:
        return day_told(run[0])
    return str(_("%(first)s – %(last)s", first=day_told(run[0]), last=day_told(run[-1])))


def period_told(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """Write when a session is, with the name of its zone: it begins and ends on one day."""
    end = ends_at.astimezone(clock.zone_info(zone))
    return str(
        _(
            "%(start)s–%(end)s",
            start=format_instant(starts_at, zone, show_zone=False),
            end=f"{end:%H:%M} {end.tzname()}",
        )
    )


def day_told(day: date) -> str:
    """Return a day without its year, in the language of the reader."""
    return _day(day, language())


@lru_cache(maxsize=4096)
def _day(day: date, language_code: str) -> str:
    # A page of derivations holds the same few days over and over.
    with force_locale(language_code):
        return day_and_month(day)
