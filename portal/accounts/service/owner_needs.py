"""What somebody has to be to answer for a thing: which role, and how far it has to reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from portal.accounts import errors
from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import ROLE_NAMES, SCOPES_OF, open_grants
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds, find_things, kinds
from portal.core.i18n import gettext as _
from portal.core.i18n import pgettext
from portal.organisation import queries as organisation

# Kind and code.
Thing = tuple[str, str]
# A refusal names so many things and says that there are more.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Lacking:
    """A thing that somebody cannot answer for yet, and the role that she would need, in the reader's words."""

    thing: Thing
    title: str
    role: str


def needs_of(kind: str) -> OwnerNeeds | None:
    """Return what an owner of this kind of thing needs; None where anybody can answer for it."""
    return getattr(kinds().get(kind), "owner_needs", None)


def may_own(person: Person, kind: str, thing: OwnedThing) -> bool:
    """Say whether the person could do with the thing what its owner does."""
    needs = needs_of(kind)
    if needs is None:
        return True
    grants = open_grants(person, *needs.roles)
    return bool(grants) if needs.of_any_scope else any(_reaches(grant, thing) for grant in grants)


def _reaches(grant: RoleGrant, thing: OwnedThing) -> bool:
    code = grant.scope_code
    if grant.scope is Scope.MARKET:
        return code in thing.market_codes
    if grant.scope is Scope.TEAM:
        return code == thing.team_code
    return grant.scope is Scope.ORGANISATION or code == thing.cohort_code


def list_lacking(person: Person, things: Mapping[Thing, OwnedThing]) -> list[Lacking]:
    """Return those of the things that the person cannot answer for, each with the role that she lacks, by title."""
    found = [
        Lacking((kind, code), thing.title, told(kind, thing))
        for (kind, code), thing in things.items()
        if not may_own(person, kind, thing)
    ]
    return sorted(found, key=lambda each: (each.title, each.thing))


def find_lacking(person: Person, things: Collection[Thing]) -> list[Lacking]:
    """Return the same for things by kind and code."""
    return list_lacking(person, find_things(things))


def told(kind: str, thing: OwnedThing) -> str:
    """Say which role an owner of the thing needs, and for what: any of those that reach so far."""
    needs = needs_of(kind)
    if needs is None:
        return ""
    # Whoever administers could, too; nobody is made an administrator for it.
    roles: Sequence[Role] = [each for each in needs.roles if each is not Role.ADMIN] or needs.roles
    named = pgettext("any of these roles", " or ").join(str(ROLE_NAMES[each]) for each in roles)
    if needs.of_any_scope:
        is_any = not set(Role) - {*needs.roles, Role.LEARNER, Role.AUDITOR}
        return str(_("any role besides those of learners and auditors")) if is_any else named
    return str(_("%(role)s (%(scope)s)", role=named, scope=_where(roles, thing)))


def _where(roles: Collection[Role], thing: OwnedThing) -> str:
    """Return how far the role has to reach at least."""
    scopes = frozenset[Scope]().union(*(SCOPES_OF[each] for each in roles))
    if thing.team_code is not None and Scope.TEAM in scopes:
        team = organisation.find_team(thing.team_code)
        if team is not None:
            return str(team.name)
    if thing.market_codes and Scope.MARKET in scopes:
        markets = [organisation.find_market(code) for code in sorted(thing.market_codes)]
        return str(pgettext("list", ", ")).join(str(each.name) for each in markets if each is not None)
    return str(_("The whole organisation"))


def refuse_lacking(person: Person, things: Collection[Thing]) -> None:
    """Raise `OwnerUnfit` where the person cannot answer for one of the things."""
    found = find_lacking(person, things)
    if found:
        raise errors.OwnerUnfit(name=person.names, titles=titles_of(found), roles=roles_of(found))


def titles_of(found: Collection[Lacking]) -> str:
    """Name what is lacking by title, the first few."""
    named = pgettext("list", ", ").join(each.title for each in list(found)[:MOST_NAMED])
    return f"{named} …" if len(found) > MOST_NAMED else str(named)


def roles_of(found: Collection[Lacking]) -> str:
    """Name the roles that are lacking, each once."""
    return str(pgettext("list", ", ")).join(dict.fromkeys(each.role for each in found))
