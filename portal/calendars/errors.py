"""What the calendars refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from portal.calendars.rules import YearNotInTable
from portal.core.errors import Conflict, DomainError, Invalid
from portal.core.i18n import lazy_gettext as _l


class HolidayYearUnknown(DomainError):
    """A date would fall into a year whose holidays are not known, so it is not computed at all."""

    message = _l(
        "The holiday table of %(country)s does not know the year %(year)s, so no date in it can be computed. "
        "An administrator can load it: flask calendars load %(country)s --years %(year)s"
    )


class NoHolidaysFor(Invalid):
    """The source of holidays has none for this country or these years."""

    message = _l(
        "There are no national holidays to load for %(country)s in %(years)s. Check the country code and years."
    )


class PeriodBackwards(Invalid):
    """A period ends before it begins."""

    message = _l("The period ends before it begins. Check its two dates.")


class LeaveGone(Conflict):
    """What was chosen has been withdrawn or ended in the meantime."""

    message = _l("This leave is not recorded any more. Nothing was changed.")


class NotEarlier(Invalid):
    """A leave can be made shorter; a longer one is recorded besides."""

    message = _l("The new last day lies within the leave, before its last day. Check it, or record further days.")


class PeriodTooLong(Invalid):
    """A leave lasts longer than anything that a plan could wait for."""

    message = _l("Leave can last at most %(days)s days. Record a longer one in parts.")


class CycleUnreadable(Invalid):
    """A cycle is days worked and days off in turn."""

    message = _l(
        "Write the days worked and the days off in turn, like 4-2 or 2-1-3-1; at most %(days)s days altogether."
    )


class ShiftsUnchanged(Conflict):
    """Who works by the week cannot return to it."""

    message = _l("This person works by the week on that day already. Nothing was changed.")


class ShiftsGone(Conflict):
    """What was chosen has been withdrawn in the meantime."""

    message = _l("These shifts are not recorded any more. Nothing was changed.")


@contextmanager
def unknown_years_refused() -> Iterator[None]:
    """Turn the rules' bare fact about a missing year into words for a person."""
    try:
        yield
    except YearNotInTable as unknown:
        raise HolidayYearUnknown(country=unknown.country, year=unknown.year) from unknown
