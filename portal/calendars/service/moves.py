"""Which dates other shifts would move: upper domains know them, and are registered in `wiring.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from portal.calendars.rules import Roster
from portal.core.i18n import format_date


@dataclass(frozen=True, slots=True)
class MovedDate:
    """A date of somebody that would be another one: what is due then, in the reader's language, and for whom."""

    what: str
    whose: str
    before: date
    after: date
    is_late: bool


class RestsOnShifts(Protocol):
    """Somebody who counts dates in the working days of people."""

    def __call__(self, rosters: Mapping[int, Sequence[Roster]]) -> Sequence[MovedDate]:
        """Return what would move if these people (by their rows) worked by these shifts, by name and date.

        In a number of statements that does not grow with them. Raises `HolidayYearUnknown`.
        """


_asked: list[RestsOnShifts] = []


def register_rests_on_shifts(rests: RestsOnShifts) -> None:
    """Add somebody who knows dates."""
    if rests not in _asked:
        _asked.append(rests)


def moved_by(rosters: Mapping[int, Sequence[Roster]], *, names: bool) -> list[dict[str, Any]]:
    """Return in words which dates would move, as `moved_dates` shows them; with whose they are where that is asked.

    Raises `HolidayYearUnknown`.
    """
    return [
        {
            "step": each.what,
            "before": format_date(each.before),
            "after": format_date(each.after),
            "state": "overdue" if each.is_late else "",
        }
        | ({"learner": each.whose, "short": []} if names else {})
        for rests in _asked
        for each in rests(rosters)
    ]
