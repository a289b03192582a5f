"""Who may administer people, and the predicates about roles that every domain's table is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.queries import NameReach
from portal.core.access import AnyOf, Permission, Predicate, described
from portal.core.i18n import lazy_gettext as _l
from portal.journal.permissions import READ_JOURNAL
from portal.organisation import queries as organisation
from portal.organisation.permissions import CHANGE_SETTINGS, SEE_JOBS

# What the roles are called, in the order of how much they are entrusted with.
ROLE_NAMES = {
    Role.LEARNER: _l("Learner"),
    Role.MENTOR: _l("Mentor"),
    Role.AUTHOR: _l("Author"),
    Role.POLICY_OWNER: _l("Policy owner"),
    Role.APPROVER: _l("Approver"),
    Role.LEAD: _l("Team lead"),
    Role.WELLBEING_CONTACT: _l("Wellbeing contact"),
    Role.AUDITOR: _l("Auditor"),
    Role.ADMIN: _l("Administrator"),
}

ADMINISTER_PEOPLE = Permission("accounts.administer_people", "see, invite, change and deactivate people")
SEE_PEOPLE = Permission("accounts.see_people", "see and export the list of all people")
SEE_ACCOMMODATION = Permission(
    "accounts.see_accommodation", "see what is agreed for a person in quizzes: time, breaks, format (never why)"
)
DECIDE_ACCOMMODATION = Permission(
    "accounts.decide_accommodation", "approve, confirm and end what is agreed for a person in quizzes; never oneself"
)
SEE_ACCOMMODATIONS = Permission("accounts.see_accommodations", "see the list of what is agreed for people in quizzes")
SEE_PERSON = Permission("accounts.see_person", "see a person's page")
SEE_NAME_CHANGES = Permission("accounts.see_name_changes", "see which names people have changed themselves")
DECIDE_NAMES = Permission(
    "accounts.decide_names", "confirm or refuse names that a person has changed herself; never one's own"
)


# How far each role can reach: a scope that no permission asks for would promise what nobody gets.
SCOPES_OF: dict[Role, frozenset[Scope]] = {
    **{role: frozenset({Scope.ORGANISATION}) for role in Role},
    **{role: frozenset(Scope) for role in (Role.LEAD, Role.MENTOR)},
    **{role: frozenset({Scope.ORGANISATION, Scope.MARKET}) for role in (Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER)},
}


def open_grants(person: Person, *roles: Role) -> list[RoleGrant]:
    """Return the person's grants of these roles that have not ended."""
    return [grant for grant in person.grants if grant.ended_at is None and grant.role in roles]


def is_more_than_learner(person: Person) -> bool:
    """Say whether the person has any role besides that of a learner, whatever its scope."""
    return bool(open_grants(person, *(role for role in Role if role is not Role.LEARNER)))


def holds(*roles: Role) -> Predicate:
    """Build the predicate: holds one of the roles, whatever its scope."""

    def holds_role(person: Person, thing: Any) -> bool:
        return bool(open_grants(person, *roles))

    return described(f"{_or(roles)} of any scope", holds_role)


def holds_everywhere(*roles: Role) -> Predicate:
    """Build the predicate: holds one of the roles for the whole organisation."""

    def holds_role_everywhere(person: Person, thing: Any) -> bool:
        return any(grant.scope is Scope.ORGANISATION for grant in open_grants(person, *roles))

    return described(f"{_or(roles)} of the organisation", holds_role_everywhere)


def holds_for(*roles: Role, scopes: Callable[[Any], dict[Scope, set[str]]]) -> Predicate:
    """Build the predicate: holds one of the roles for the organisation or for a scope the thing is in.

    `scopes` tells for a thing in which markets, teams and cohorts (by code) it is.
    """

    def holds_role_for(person: Person, thing: Any) -> bool:
        within = scopes(thing)
        return any(
            grant.scope is Scope.ORGANISATION or grant.scope_code in within.get(grant.scope, set())
            for grant in open_grants(person, *roles)
        )

    return described(f"{_or(roles)} of the organisation, or of a scope that it is in", holds_role_for)


def _or(roles: tuple[Role, ...]) -> str:
    return " or ".join(role.value for role in roles)


def scopes_of_person(person: Person) -> dict[Scope, set[str]]:
    """Return the markets and the team that a person is in; cohorts are added by upper domains."""
    return {
        Scope.MARKET: {person.home_market.code},
        Scope.TEAM: {person.team.code} if person.team else set(),
    }


def is_somebody_else(person: Person, thing: Any) -> bool:
    """Say whether the thing is another person: nobody agrees anything with herself."""
    return isinstance(thing, Person) and thing.id != person.id


def house_lets_leads_see(person: Person, thing: Any) -> bool:
    """Say whether the organisation has set that leads see what is agreed for their people."""
    return organisation.leads_see_accommodations()


def reach_over_names(person: Person) -> NameReach:
    """Return whose own changes of names the person decides, for lists that are filtered in the query."""
    grants = open_grants(person, Role.LEAD)
    wide = any(each.scope is Scope.ORGANISATION for each in (*grants, *open_grants(person, Role.ADMIN)))
    of = {scope: frozenset(each.scope_code for each in grants if each.scope is scope) for scope in Scope}
    return NameReach(wide, of[Scope.MARKET], of[Scope.TEAM])


def is_self(person: Person, thing: Any) -> bool:
    """Say whether the thing is the person herself."""
    return isinstance(thing, Person) and thing.id == person.id


def leads_people(person: Person, thing: Any) -> bool:
    """Say whether the person leads a team, a market or everybody; who leads a cohort only leads its training."""
    return any(grant.scope is not Scope.COHORT for grant in open_grants(person, Role.LEAD))


# Whether a person is the lead of another's team, market or everybody.
leads = holds_for(Role.LEAD, scopes=scopes_of_person)

TABLE: dict[Permission, AnyOf] = {
    ADMINISTER_PEOPLE: [[holds_everywhere(Role.ADMIN)]],
    SEE_PEOPLE: [[holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_ACCOMMODATION: [
        [is_self],
        [holds_everywhere(Role.ADMIN)],
        # Nothing about an attempt is shown by which a lead could tell, unless the organisation wants leads to know.
        [house_lets_leads_see, holds_for(Role.LEAD, scopes=scopes_of_person)],
    ],
    DECIDE_ACCOMMODATION: [[is_somebody_else, holds_everywhere(Role.ADMIN)]],
    SEE_ACCOMMODATIONS: [[holds_everywhere(Role.ADMIN)]],
    SEE_NAME_CHANGES: [[holds_everywhere(Role.ADMIN)], [leads_people]],
    DECIDE_NAMES: [
        [is_somebody_else, holds_everywhere(Role.ADMIN)],
        [is_somebody_else, holds_for(Role.LEAD, scopes=scopes_of_person)],
    ],
    # Lower domains know no roles; who may use their pages is said here.
    CHANGE_SETTINGS: [[holds_everywhere(Role.ADMIN)]],
    SEE_JOBS: [[holds_everywhere(Role.ADMIN)]],
    READ_JOURNAL: [[holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_PERSON: [
        [is_self],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
        [holds_for(Role.LEAD, scopes=scopes_of_person)],
    ],
}
