"""When a certificate can be renewed, until when the new one is valid, and of what its holder is reminded when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from portal.certificates.rules import CAN_BE_RENEWED, State, expiry, months_later

MAX_WINDOW, MAX_GRACE = 365, 365
# So many days before its last day its holder is reminded, and who leads her.
REMINDED = (60, 30, 7)


@dataclass(frozen=True, slots=True)
class Former:
    """The issue that a new one follows: its last day, what it is worth on the day, and its terms."""

    expires_on: date | None
    state: State
    window_days: int | None = None

    @property
    def can_be_renewed(self) -> bool:
        """Whether it has lost nothing but its time, and that not too long ago."""
        return self.state in CAN_BE_RENEWED


def valid_until(issued_on: date, validity_months: int | None, former: Former | None, completed_on: date) -> date | None:
    """Return the last day of a certificate; None: it does not expire.

    What is completed within the renewal window of the former one is counted from that one's last day, so that nobody
    loses days by being early. What is completed before the window is counted from the issue, but lasts no shorter than
    the former one. After the last day, and after a certificate that was suspended or revoked, it is counted from the
    issue. What was completed in time loses nothing where it is issued later.
    """
    counted = expiry(issued_on, validity_months)
    if counted is None or validity_months is None or former is None or former.expires_on is None:
        return counted
    if not former.can_be_renewed or completed_on > former.expires_on:
        return counted
    if former.window_days is not None and opens_on(former.expires_on, former.window_days) <= completed_on:
        return max(counted, months_later(former.expires_on, validity_months))
    return max(counted, former.expires_on)


def opens_on(expires_on: date, window_days: int) -> date:
    """Return the first day of the renewal window."""
    return expires_on - timedelta(days=window_days)


def last_day_of_grace(expires_on: date, grace_days: int | None) -> date:
    """Return the last day on which a certificate can be renewed."""
    return expires_on + timedelta(days=grace_days or 0)


def reminded_on(expires_on: date) -> tuple[date, ...]:
    """Return the days from which on somebody is reminded that a certificate expires, in their order."""
    return tuple(expires_on - timedelta(days=days) for days in REMINDED)


def reminder_day(expires_on: date, issued_on: date, today: date) -> date | None:
    """Return the latest day of reminding that has come; None: there is none.

    Of several that nobody was told of the latest counts, what came before the issue does not, and after the last day
    nothing is told.
    """
    if today > expires_on:
        return None
    return max((day for day in reminded_on(expires_on) if issued_on < day <= today), default=None)


def window_fits(validity_months: int, window_days: int) -> bool:
    """Say whether a renewal window begins only after the issue, in the shortest months too."""
    return window_days < validity_months * 28


def leads_back(slug: str, superseded_by: str, others: dict[str, str]) -> bool:
    """Say whether a credential would supersede itself, by way of others (slug → what supersedes it)."""
    seen, here = {slug}, superseded_by
    while here:
        if here in seen:
            return True
        seen.add(here)
        here = others.get(here, "")
    return False
