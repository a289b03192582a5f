"""What the organisation's pages refuse, in words."""

from __future__ import annotations

from portal.core.errors import Conflict, Invalid
from portal.core.i18n import lazy_gettext as _l


class UnknownTimeZone(Invalid):
    """The time zone database does not know the name."""

    message = _l("“%(zone)s” is not a known time zone. Write one like Asia/Tokyo or Europe/London.")


class UnknownHolidayCountry(Invalid):
    """The code is no country code."""

    message = _l("“%(code)s” is no country code. Write two letters like JP, or leave it empty.")


class HolidaysMoveOthers(Conflict):
    """Other dates would move than those that were shown."""

    message = _l("Something has changed meanwhile. Look at what would change now, then decide.")


class CodeTaken(Conflict):
    """A market or team has this code already."""

    message = _l("The code “%(code)s” is already in use.")


class CodeInvalid(Invalid):
    """A code has to fit into addresses and tables."""

    message = _l(
        "A code has letters a to z, digits and hyphens, starts with a letter, and has at most %(most)s characters."
    )
