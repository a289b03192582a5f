"""What must always be true of the calendars."""

from __future__ import annotations

from sqlalchemy import select

from portal.calendars.models import HolidayTable
from portal.calendars.service import digest_of
from portal.core.db import session


def holiday_tables_say_what_they_said() -> list[str]:
    """Return a sentence for each holiday table whose rows no longer match its digest."""
    return [
        f"holiday table {table.country}/{table.version} has been changed since it was loaded"
        for table in session.scalars(select(HolidayTable).order_by(HolidayTable.country, HolidayTable.version))
        if table.digest
        != digest_of(
            table.country,
            table.known_years,
            table.provisional_from,
            {holiday.on: holiday.name for holiday in table.holidays},
        )
    ]


INVARIANTS = {"holiday tables are unchanged": holiday_tables_say_what_they_said}
