"""Who sees and records when somebody is away."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role
from portal.accounts.permissions import holds_everywhere, holds_for, is_self, scopes_of_person
from portal.core.access import AnyOf, Permission

SEE_LEAVE = Permission(
    "calendars.see_leave", "see on which days a person is away (never why), and by which shifts she works"
)
RECORD_LEAVE = Permission(
    "calendars.record_leave", "record, end and withdraw a person's leave and shifts; never one's own"
)


def is_somebody_else(person: Person, thing: Any) -> bool:
    """Say whether it is another person."""
    return isinstance(thing, Person) and thing.id != person.id


TABLE: dict[Permission, AnyOf] = {
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
