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
        "An administrator can load more years; the help for administrators says how."
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


class LeaveRecorded(Conflict):
    """All days of a leave are those of one that is recorded."""

    message = _l("These days are recorded already: leave from %(first_on)s to %(last_on)s. Nothing was changed.")


class NotEarlier(Invalid):
    """A leave can be made shorter; a longer one is recorded besides."""

    message = _l("The new last day lies within the leave, before its last day. Check it, or record further days.")


class MovesChanged(Conflict):
    """Other dates would move than those that were shown."""

    message = _l("Something has changed meanwhile. Look at what would change now, then decide.")


class PeriodTooLong(Invalid):
    """A leave lasts longer than anything that a plan could wait for."""

    message = _l("Leave can last at most %(days)s days. Record a longer one in parts.")


class CompanyPeriodTooLong(Invalid):
    """Nobody is closed for so long, or works so long without a day off."""

    message = _l("A period can last at most %(days)s days. Add a longer one in parts.")


class CompanyDaysRecorded(Conflict):
    """Every market has all of these days already."""

    message = _l("These days are there already. Nothing was changed.")


class CompanyDaysGone(Conflict):
    """What was chosen has been withdrawn in the meantime."""

    message = _l("These company days are not there any more. Nothing was changed.")


class CompanyDaysOfFile(Conflict):
    """Days from a file are withdrawn in the file: the next import would bring them back."""

    message = _l(
        "These days come from a content file, and the next import would bring them back. Take them out of the file, "
        "or add them here as working days."
    )


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
