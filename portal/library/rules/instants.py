"""Which instant somebody means who writes a date, a time and perhaps a distance from UTC."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

_INSTANT = re.compile(
    r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?"
    r"(?:(?:T| *)(?P<hour>\d{1,2})[:時](?P<minute>\d{2})分?(?::(?P<second>\d{2})(?:\.\d{1,6})?)?"
    # The "+" of an address that nobody has encoded arrives as a blank.
    r"(?: ?(?P<utc>Z)|(?P<sign>[-+ ])(?P<ahead>\d{2}):?(?P<beyond>\d{2}))?)?",
    re.IGNORECASE | re.ASCII,
)
_YEARS = range(1900, 2201)


@dataclass(frozen=True, slots=True)
class MeantInstant:
    """An instant in UTC, and whether its zone was taken for granted."""

    at: datetime
    is_zone_assumed: bool


def read_instant(text: str, zone: ZoneInfo) -> MeantInstant:
    """Read "2026-07-03T10:00+09:00"; without a distance from UTC in the zone, without a time at the day's beginning.

    Full-width digits, slashes and 2026年7月3日 are read too. Raises `ValueError` for what is no instant.
    """
    found = _INSTANT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        raise ValueError(f"no instant: {text!r}")
    given = found.groupdict()
    where: timezone | ZoneInfo = zone
    if given["utc"]:
        where = UTC
    elif given["ahead"]:
        distance = timedelta(hours=int(given["ahead"]), minutes=int(given["beyond"]))
        where = timezone(-distance if given["sign"] == "-" else distance)
    local = datetime(
        *(int(given[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")),  # type: ignore[arg-type, misc]
        tzinfo=where,
    )
    if local.year not in _YEARS:
        # Whoever shows it, or counts from it, would leave the calendar in some zone.
        raise ValueError(f"no instant of any calendar here: {text!r}")
    try:
        return MeantInstant(local.astimezone(UTC), where is zone)
    except OverflowError as beyond:
        raise ValueError(f"no instant of any calendar here: {text!r}") from beyond
