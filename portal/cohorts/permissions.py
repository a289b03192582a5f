"""Who sees which cohorts: those who lead them, and those who answer for the whole organisation."""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, open_grants
from portal.cohorts.models import Cohort
from portal.core.access import AnyOf, Permission

SEE_COHORTS = Permission("cohorts.see_cohorts", "see the list of cohorts that one leads")
SEE_COHORT = Permission("cohorts.see_cohort", "see a cohort, its people and how far they are")


def scopes_of_cohort(cohort: Cohort) -> dict[Scope, set[str]]:
    """Return the market, the team and the cohort itself."""
    return {
        Scope.MARKET: {cohort.market.code},
        Scope.TEAM: {cohort.team.code} if cohort.team else set(),
        Scope.COHORT: {cohort.code},
    }


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a person's roles reach, for lists that are filtered in the query."""

    everywhere: bool
    markets: frozenset[str]
    teams: frozenset[str]
    cohorts: frozenset[str]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.markets or self.teams or self.cohorts)


def reach_of(person: Person, *roles: Role, everywhere: tuple[Role, ...] = ()) -> Reach:
    """Return how far these roles of the person reach; a role in `everywhere` counts organisation-wide only."""
    grants = open_grants(person, *roles)
    wide = any(grant.scope is Scope.ORGANISATION for grant in (*grants, *open_grants(person, *everywhere)))
    of = {scope: frozenset(grant.scope_code for grant in grants if grant.scope is scope) for scope in Scope}
    return Reach(wide, of[Scope.MARKET], of[Scope.TEAM], of[Scope.COHORT])


def reach_over_cohorts(person: Person) -> Reach:
    """Return which cohorts the person sees."""
    return reach_of(person, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))


TABLE: dict[Permission, AnyOf] = {
    SEE_COHORTS: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_COHORT: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
}
