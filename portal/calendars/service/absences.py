"""Who is away when: recorded leave, and what other domains know of absences."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple, Protocol

from portal.calendars import queries


class Absence(NamedTuple):
    """That somebody is away from one day to another, both included; `for_good`: she does not come back after it."""

    person_id: int
    first_on: date
    last_on: date
    for_good: bool = False


class KnowsAbsences(Protocol):
    """Somebody who knows of absences that are no recorded leave."""

    def __call__(self, first_on: date, last_on: date) -> Iterable[Absence]:
        """Return the absences that touch these days, in a number of statements that does not grow with them."""


_known: list[KnowsAbsences] = []


def register_absences(knows: KnowsAbsences) -> None:
    """Add somebody who knows of absences."""
    if knows not in _known:
        _known.append(knows)


def list_absences(
    first_on: date, last_on: date, *, of: Collection[int] | None = None, for_good: bool = False
) -> list[Absence]:
    """Return who is away on any of these days, on whichever page that was entered; of all people, or of some.

    `for_good` adds those whose last day has come by then.
    """
    found = [Absence(*each) for each in queries.list_leave_between(first_on, last_on)]
    for knows in _known:
        found += [each for each in knows(first_on, last_on) if for_good or not each.for_good]
    if of is not None:
        wanted = frozenset(of)
        found = [each for each in found if each.person_id in wanted]
    return found


def is_away(person_id: int, day: date) -> bool:
    """Say whether somebody is away on a day."""
    return bool(list_absences(day, day, of=(person_id,)))
