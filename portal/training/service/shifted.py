"""Dates of plans as what other shifts would move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portal.calendars.rules import Roster
from portal.calendars.service.moves import MovedDate
from portal.core.i18n import language
from portal.training.queries import catalogue
from portal.training.service.dates import moved_by_rosters


def dates_of_plans(rosters: Mapping[int, Sequence[Roster]]) -> list[MovedDate]:
    """Return the dates of running plans that would move, by the learners' names and in the order of each plan."""
    found = moved_by_rosters(rosters=rosters)
    tasks = catalogue.tasks_of({each.step.id: each.step for _standing, moves in found for each in moves}.values())
    here = language()
    return [
        MovedDate(
            str(tasks[each.step.id]),
            standing.enrollment.person.name_in(here),
            each.before,
            each.after,
            each.after < standing.today,
        )
        for standing, moves in found
        for each in moves
    ]
