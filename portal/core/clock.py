"""The only reader of the time: instants in UTC, calendar dates in a named zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Days that somebody means; what lies far outside is a slip, and cannot be reckoned with in every zone.
YEARS = range(2000, 2200)
_shift: ContextVar[timedelta | None] = ContextVar("clock_shift", default=None)
_frozen: ContextVar[datetime | None] = ContextVar("clock_frozen", default=None)


def now() -> datetime:
    """Return the present instant, aware, in UTC, to the microsecond."""
    frozen = _frozen.get()
    if frozen is not None:
        return frozen
    shift = _shift.get()
    present = datetime.now(UTC)
    return present if shift is None else present + shift


def today(zone: str) -> date:
    """Return the calendar date that it is now in the IANA zone.

    Raises `ValueError` for a zone that does not exist.
    """
    return local_date(now(), zone)


def local_date(instant: datetime, zone: str) -> date:
    """Return the calendar date of an aware instant in the IANA zone."""
    return instant.astimezone(zone_info(zone)).date()


def day_begins(day: date, zone: str) -> datetime:
    """Return the instant at which a calendar date begins in the IANA zone."""
    return datetime.combine(day, datetime.min.time(), zone_info(zone)).astimezone(UTC)


def is_usable_day(day: date) -> bool:
    """Say whether a day that was entered lies within the years that anything here is about."""
    return day.year in YEARS


def zone_info(zone: str) -> ZoneInfo:
    """Return the zone, or raise `ValueError` for a name the time zone database does not know."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ValueError(f"unknown time zone {zone!r}") from unknown


def is_zone(zone: str) -> bool:
    """Say whether the time zone database knows this name."""
    try:
        zone_info(zone)
    except ValueError:
        return False
    return True


def zone_or_utc(zone: str) -> str:
    """Return the zone, or UTC where the time zone database does not know it: days are counted all the same."""
    return zone if is_zone(zone) else "UTC"


@cache
def zone_names() -> tuple[str, ...]:
    """Return the names of zones that people live in, to choose from."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(sorted({"UTC", *(name for name in available_timezones() if name.startswith(areas))}))


def monotonic() -> float:
    """Return seconds on a clock that never goes back; for durations only."""
    return time.monotonic()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stand still at an aware instant, for tests and for work done *as of* another day."""
    if at.tzinfo is None:
        raise ValueError("the instant must carry its zone")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
