"""Which successors are away, or have gone, when they are to take something over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta

from portal.calendars import queries as calendars
from portal.calendars.service.absences import Absence
from portal.handover.models import Handover
from portal.handover.queries.absences import list_absences
from portal.handover.service.standing import today_of

# Who takes over is asked about it in the days after the last one, too.
_DAYS_AFTER = timedelta(days=14)


def list_away(
    handover: Handover, person_ids: Collection[int], *, known: Sequence[Absence] | None = None
) -> dict[int, list[Absence]]:
    """Return when these people are away until the handover is over and somewhat later, the first absence first.

    By row number; who is there all the time is left out. Who has gone, or goes at any time, is away for good.
    `known` is what is known already of stand-ins and handovers (see `Standing`).
    """
    if not person_ids:
        return {}
    today = today_of(handover)
    until = max(today, handover.last_on) + _DAYS_AFTER
    found: dict[int, list[Absence]] = defaultdict(list)
    recorded = [Absence(*each) for each in calendars.list_leave_between(today, until)]
    for each in sorted([*recorded, *(known if known is not None else list_absences(today, date.max))]):
        if each.person_id in person_ids and (each.for_good or each.first_on <= until) and each.last_on >= today:
            found[each.person_id].append(each)
    return {person_id: _told_once(rows) for person_id, rows in found.items()}


def _told_once(rows: Sequence[Absence]) -> list[Absence]:
    """Leave out what lies within another: the leave of a stand-in is entered in the calendars as well."""
    kept: list[Absence] = []
    for each in sorted(rows, key=lambda row: (row.first_on, -row.last_on.toordinal(), row.for_good)):
        if not any(other.last_on >= each.last_on and other.for_good == each.for_good for other in kept):
            kept.append(each)
    return kept
