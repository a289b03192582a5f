"""How the journal's page reads what was done to calendars."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary


def _find_tables(codes: Collection[str]) -> Mapping[str, Thing]:
    found = {}
    for code in codes:
        country, _slash, number = code.partition("/")
        found[code] = Thing(_("%(country)s, table %(number)s", country=country, number=number))
    return found


VOCABULARY = Vocabulary(
    actions={
        "calendars.holidays_loaded": _l("National holidays loaded"),
        "calendars.company_days_declared": _l("Company days declared"),
        "calendars.company_days_added": _l("Company days added"),
        "calendars.company_days_withdrawn": _l("Company days withdrawn"),
        "calendars.leave_recorded": _l("Leave recorded"),
        "calendars.leave_withdrawn": _l("Leave withdrawn"),
        "calendars.shifts_recorded": _l("Shifts recorded"),
        "calendars.shifts_withdrawn": _l("Shifts withdrawn"),
    },
    kinds={"holiday_table": Kind(_l("National holidays"), _find_tables)},
    facts={
        "first_year": Fact(_l("First known year")),
        "last_year": Fact(_l("Last known year")),
        "source": Fact(_l("Source")),
        "holidays": Fact(_l("Number of holidays")),
        "declared": Fact(_l("Declared")),
        "withdrawn": Fact(_l("Withdrawn")),
        "days": Fact(_l("Days")),
        "worked": Fact(_l("Worked instead")),
        "name": Fact(_l("Name of the days")),
        "first_on": Fact(_l("First working day of the cycle")),
        "cycle": Fact(_l("Days worked and days off in turn")),
        "works_holidays": Fact(_l("Works on holidays")),
    },
)
