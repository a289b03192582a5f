"""Who leads whoever hands over or is away."""

from __future__ import annotations

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role


def leads_of_person(person: Person) -> list[Person]:
    """Return who leads her, herself never: leads of her team, else her market, else everybody, else administrators."""
    found = [each for each in accounts.list_leads_for(person.team) if each.id != person.id]
    if not found and person.team is None:
        found = [each for each in accounts.list_holders(Role.LEAD) if each.id != person.id]
    return found or [each for each in accounts.list_administrators() if each.id != person.id]
