"""Who sees and changes the matrix of who can stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds_everywhere, holds_for, leads_people
from portal.backfill.queries.matrix import Place
from portal.cohorts.permissions import Reach, reach_of
from portal.core.access import AnyOf, Permission

SEE_PLACES = Permission("backfill.see_places", "find the matrices of who can stand in, of teams and markets one leads")
SEE_MATRIX = Permission("backfill.see_matrix", "see who of a team or market can stand in for whom, and what if")
SEE_LEVELS = Permission("backfill.see_levels", "see how far a person is with what, and why; everybody sees her own")
STATE_LEVEL = Permission("backfill.state_level", "state how far a person is, with what was seen; never of oneself")
SET_PART = Permission("backfill.set_part", "say what part a person has in a task, policy or credential")


@dataclass(frozen=True, slots=True)
class Cell:
    """One person and one row of the matrix."""

    person: Person
    kind: str
    code: str


def _person_of(thing: Any) -> Person:
    found = thing.person if isinstance(thing, Cell) else thing
    assert isinstance(found, Person)
    return found


def scopes_of_place(place: Place) -> dict[Scope, set[str]]:
    """Return the market of a matrix, and its team."""
    return {Scope.MARKET: {place.market.code}, Scope.TEAM: {place.team.code} if place.team else set()}


def scopes_of_work(thing: Any) -> dict[Scope, set[str]]:
    """Return the markets that a person works for, from home and besides, and her team."""
    person = _person_of(thing)
    return {
        Scope.MARKET: {person.home_market.code, *(each.code for each in person.further_markets)},
        Scope.TEAM: {person.team.code} if person.team else set(),
    }


def is_own(person: Person, thing: Any) -> bool:
    """Say whether it is about the person herself."""
    return _person_of(thing).id == person.id


def is_of_another(person: Person, thing: Any) -> bool:
    """Say whether it is about somebody else: nobody states how far she is herself."""
    return not is_own(person, thing)


def reach_over_places(person: Person) -> Reach:
    """Return of which markets and teams the person sees the matrix."""
    return reach_of(person, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))


_LEADS = holds_for(Role.LEAD, scopes=scopes_of_work)

TABLE: dict[Permission, AnyOf] = {
    SEE_PLACES: [[leads_people], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_MATRIX: [[holds_for(Role.LEAD, scopes=scopes_of_place)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_LEVELS: [[is_own], [holds_everywhere(Role.ADMIN, Role.AUDITOR)], [_LEADS]],
    STATE_LEVEL: [[is_of_another, _LEADS]],
    SET_PART: [[_LEADS], [holds_everywhere(Role.ADMIN)]],
}
