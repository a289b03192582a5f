"""Who sees obligations and the cycles of people, and who makes and changes them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, is_self, open_grants, scopes_of_person
from portal.cohorts.permissions import Reach, reach_of
from portal.core.access import AnyOf, Permission
from portal.obligations import queries
from portal.obligations.models import Obligation
from portal.organisation import queries as organisation

SEE_OBLIGATIONS = Permission("obligations.see_obligations", "see the list of what recurs for people within reach")
SEE_OBLIGATION = Permission(
    "obligations.see_obligation", "see an obligation, and how those within one's reach stand with it"
)
CREATE_OBLIGATIONS = Permission("obligations.create_obligations", "make an obligation for those within one's scope")
CHANGE_OBLIGATION = Permission(
    "obligations.change_obligation", "change the terms of an obligation, pause, resume or end it"
)
OPEN_CYCLE = Permission("obligations.open_cycle", "open a person's next cycle by hand; never one's own")
SEE_CYCLES = Permission("obligations.see_cycles", "see what recurs for a person, and every cycle of hers")

# Those who make obligations.
MAKERS = (Role.POLICY_OWNER, Role.AUTHOR)


@dataclass(frozen=True, slots=True)
class PersonOfObligation:
    """One person whom an obligation addresses."""

    obligation: Obligation
    person: Person


def reach_over_people(person: Person) -> Reach:
    """Return of whom the person sees the cycles."""
    return reach_of(person, Role.LEAD, *MAKERS, everywhere=(Role.ADMIN, Role.AUDITOR))


def may_address(person: Person, markets: Collection[str], markets_of_teams: Collection[str]) -> bool:
    """Say whether the person may make an obligation for these markets, or for teams of these markets."""
    if any(grant.scope is Scope.ORGANISATION for grant in open_grants(person, *MAKERS, Role.ADMIN)):
        return True
    own = {grant.scope_code for grant in open_grants(person, *MAKERS) if grant.scope is Scope.MARKET}
    # People have every list that is named: one that lies within is enough.
    return any(bool(named) and set(named) <= own for named in (markets, markets_of_teams))


def _obligation_of(thing: Any) -> Obligation:
    found = thing.obligation if isinstance(thing, PersonOfObligation) else thing
    assert isinstance(found, Obligation)
    return found


def reaches_its_people(person: Person, thing: Any) -> bool:
    """Say whether the obligation addresses somebody within the person's reach."""
    return queries.has_people_within(_obligation_of(thing), reach_over_people(person))


def answers_for_it(person: Person, thing: Any) -> bool:
    """Say whether the person is owner or deputy of the obligation."""
    owned = queries.find_owner_of(_obligation_of(thing))
    return owned is not None and person.id in (owned.owner_id, owned.deputy_id)


def reaches_all_of_it(person: Person, thing: Any) -> bool:
    """Say whether the obligation addresses no market but those for which the person makes obligations."""
    terms = _obligation_of(thing).latest
    teams = [each for each in organisation.list_teams() if each.code in terms.teams] if terms.teams else []
    return may_address(person, terms.markets, {each.market.code for each in teams})


def is_somebody_else(person: Person, thing: Any) -> bool:
    """Say whether it is another person's cycle."""
    return isinstance(thing, PersonOfObligation) and thing.person.id != person.id


def scopes_of_cycle(thing: PersonOfObligation) -> dict[Scope, set[str]]:
    """Return market and team of the person whose cycle it is."""
    return scopes_of_person(thing.person)


TABLE: dict[Permission, AnyOf] = {
    SEE_OBLIGATIONS: [[holds(Role.LEAD, *MAKERS)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_OBLIGATION: [
        [holds_everywhere(*MAKERS, Role.ADMIN, Role.AUDITOR)],
        [holds(Role.LEAD, *MAKERS), reaches_its_people],
        [answers_for_it],
    ],
    CREATE_OBLIGATIONS: [[holds(*MAKERS)], [holds_everywhere(Role.ADMIN)]],
    CHANGE_OBLIGATION: [[holds(*MAKERS), reaches_all_of_it], [holds_everywhere(Role.ADMIN)]],
    SEE_CYCLES: [
        [is_self],
        [holds_for(Role.LEAD, *MAKERS, scopes=scopes_of_person)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    OPEN_CYCLE: [
        [is_somebody_else, holds_for(Role.LEAD, scopes=scopes_of_cycle)],
        [is_somebody_else, holds(*MAKERS), reaches_all_of_it],
        [is_somebody_else, holds_everywhere(Role.ADMIN)],
    ],
}
