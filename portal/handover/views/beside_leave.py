"""What becomes of somebody's leave with a handover or a stand-in, and which dates move with that: shown first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import url_for

from portal.accounts.models import Person
from portal.calendars.permissions import SEE_LEAVE
from portal.calendars.service import kept
from portal.calendars.service.kept import Period, Wanted
from portal.calendars.service.moves import ToldMoves, moved_by
from portal.core.access import actor, can
from portal.core.i18n import format_date, language, pgettext
from portal.core.i18n import gettext as _
from portal.handover.models import Handover, StandIn
from portal.handover.rules import Reason
from portal.handover.service import leave, stand_ins


@dataclass(frozen=True, slots=True)
class LeaveMoves:
    """What is said of the leave before something is done, the dates that move with it, and the key of those."""

    said: str = ""
    moved: ToldMoves | None = None
    # Where leave is entered, for whoever sees it.
    href: str | None = None

    @property
    def key(self) -> str:
        """What stands for the dates that move and what stays; empty where there is none of either."""
        return self.moved.key if self.moved is not None and self.moves_dates else ""

    @property
    def moves_dates(self) -> bool:
        """Whether any date moves, or a session stays on a day off, which is looked at before it is done."""
        return self.moved is not None and bool(self.moved.rows or self.moved.stays)


NOTHING = LeaveMoves()


def of_start(person: Person, reason: Reason, last_on: date, back_on: date | None) -> LeaveMoves:
    """Return what beginning a handover would enter. Raises `HolidayYearUnknown`."""
    period = leave.days_of_leave(reason, last_on, back_on)
    return _entered(person, period, [(leave.NEW, period)]) if period is not None else NOTHING


def of_days(found: Handover, last_on: date, back_on: date | None) -> LeaveMoves:
    """Return what other days of a handover would do to the leave. Raises `HolidayYearUnknown`."""
    period = leave.days_of_leave(found.reason, last_on, back_on)
    return _entered(found.person, period, [(leave.source_of(found), period)]) if period is not None else NOTHING


def of_stand_in(person: Person, first_on: date, last_on: date) -> LeaveMoves:
    """Return what a stand-in on these days would enter. Raises `HolidayYearUnknown`."""
    return _entered(person, (first_on, last_on), stand_ins.leave_with(person, first_on, last_on))


def _entered(person: Person, period: Period, wanted: Sequence[Wanted]) -> LeaveMoves:
    days = _days(period)
    href = _href(person)
    change = leave.would_move(person, wanted, actor())
    if change is None:
        said = _(
            "The leave (%(days)s) is not entered by this: nobody enters her own leave. Whoever leads enters it; due "
            "dates move only then.",
            days=days,
        )
        return LeaveMoves(str(said), None, href)
    if not kept.not_entered(person, period):
        said = _("The leave (%(days)s) is entered already; nothing is entered twice.", days=days)
    else:
        said = _("The leave (%(days)s) is entered with it, everywhere where leave counts.", days=days)
    return LeaveMoves(str(said), moved_by(change, names=False), href)


def of_end(row: Handover | StandIn) -> LeaveMoves:
    """Return what calling it off, or ending it, would do to the leave that was entered with it."""
    told = leave.told(row)
    if told is None or not told.has_own:
        return NOTHING
    change = leave.would_move(row.person, [leave.ended_now(row)], actor())
    href = _href(row.person)
    if change is None:
        said = _(
            "The leave that was entered with it stays entered. Whoever leads can withdraw it, or let it end earlier."
        )
        return LeaveMoves(str(said), None, href)
    said = _("The leave that was entered with it is withdrawn from today on.")
    return LeaveMoves(str(said), moved_by(change, names=False), href)


def standing_of(row: Handover | StandIn) -> dict[str, Any] | None:
    """Return what whoever sees the leave is told of how it stands in the calendars; None where there is nothing."""
    person = row.person
    found = leave.told(row) if can(SEE_LEAVE, person) else None
    if found is None:
        return None
    may = leave.may_enter(person, actor())
    return {
        "href": _href(person),
        "is_entered": not found.missing and not found.beyond,
        "missing": pgettext("list", ", ").join(map(_days, found.missing)),
        "beyond": pgettext("list", ", ").join(map(_days, found.beyond)),
        "enter_href": f"{url_for('calendars.leave', code=person.code)}?{urlencode({'with': found.key})}"
        if found.missing and may
        else None,
        "name": person.name_in(language()),
        "is_own": person.id == actor().id,
    }


def _href(person: Person) -> str | None:
    return url_for("calendars.leave", code=person.code) if can(SEE_LEAVE, person) else None


def _days(period: Period) -> str:
    if period[0] == period[1]:
        return format_date(period[0])
    return str(_("%(first)s – %(last)s", first=format_date(period[0]), last=format_date(period[1])))
