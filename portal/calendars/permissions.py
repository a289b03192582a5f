"""Who sees and records when somebody is away."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds_everywhere, holds_for, is_self, scopes_of_person
from portal.core.access import AnyOf, Permission
from portal.organisation.models import Team

SEE_LEAVE = Permission(
    "calendars.see_leave", "see on which days a person is away (never why), and by which shifts she works"
)
RECORD_LEAVE = Permission(
    "calendars.record_leave", "record, end and withdraw a person's leave and shifts; never one's own"
)


RECORD_TEAM_SHIFTS = Permission("calendars.record_team_shifts", "record by which shifts a whole team works")


def scopes_of_team(thing: Any) -> dict[Scope, set[str]]:
    """Return the team itself and its market."""
    assert isinstance(thing, Team)
    return {Scope.TEAM: {thing.code}, Scope.MARKET: {thing.market.code}}


def is_somebody_else(person: Person, thing: Any) -> bool:
    """Say whether it is another person."""
    return isinstance(thing, Person) and thing.id != person.id


TABLE: dict[Permission, AnyOf] = {
    RECORD_TEAM_SHIFTS: [[holds_for(Role.LEAD, scopes=scopes_of_team)], [holds_everywhere(Role.ADMIN)]],
    SEE_LEAVE: [
        [is_self],
        [holds_for(Role.LEAD, scopes=scopes_of_person)],
        [holds_everywhere(Role.ADMIN)],
    ],
    RECORD_LEAVE: [
        [is_somebody_else, holds_for(Role.LEAD, scopes=scopes_of_person)],
        [is_somebody_else, holds_everywhere(Role.ADMIN)],
    ],
}
