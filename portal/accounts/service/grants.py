"""Roles are given and ended, never deleted."""

from __future__ import annotations

from collections.abc import Sequence

from portal.accounts import errors, queries
from portal.accounts.events import RoleEnded
from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import SCOPES_OF, open_grants
from portal.core import clock
from portal.core.db import session
from portal.core.events import publish
from portal.journal.service import record
from portal.organisation import queries as organisation


def grant_role(
    *, person: Person, role: Role, scope: Scope = Scope.ORGANISATION, scope_code: str = "", by: Person | None
) -> RoleGrant:
    """Give a person a role for the organisation, or for the market, team or cohort of the code.

    Raises `RoleHeldAlready`, `ScopeUnknown`, `Deactivated`, or a `ScopeTooNarrow` where the role means nothing for
    this scope. That a cohort exists is for its domain to know.
    """
    if not person.is_active:
        raise errors.Deactivated()
    if scope not in SCOPES_OF[role]:
        if SCOPES_OF[role] == {Scope.ORGANISATION}:
            raise errors.OnlyForOrganisation()
        raise errors.NotForTeam()
    match scope:
        case Scope.ORGANISATION:
            known = scope_code == ""
        case Scope.MARKET:
            known = organisation.find_market(scope_code) is not None
        case Scope.TEAM:
            known = organisation.find_team(scope_code) is not None
        case Scope.COHORT:
            known = bool(scope_code)
    if not known:
        raise errors.ScopeUnknown()
    for grant in person.grants:
        if grant.ended_at is None and (grant.role, grant.scope, grant.scope_code) == (role, scope, scope_code):
            raise errors.RoleHeldAlready()
    grant = RoleGrant(
        person=person,
        role=role,
        scope=scope,
        scope_code=scope_code,
        granted_at=clock.now(),
        granted_by=by.code if by else "system",
    )
    session.add(grant)
    session.flush()
    record("accounts.role_granted", by=by, subject=("person", person.code), after=_facts(grant))
    return grant


def grant_to_all(*, people: Sequence[Person], role: Role, by: Person) -> None:
    """Give people whose accounts were just opened a role for the organisation, as `grant_role` one after the other."""
    now = clock.now()
    granted = [
        RoleGrant(person=person, role=role, scope=Scope.ORGANISATION, scope_code="", granted_at=now, granted_by=by.code)
        for person in people
    ]
    session.add_all(granted)
    session.flush()
    for grant in granted:
        record("accounts.role_granted", by=by, subject=("person", grant.person.code), after=_facts(grant))


def end_grant(*, grant: RoleGrant, by: Person) -> None:
    """End a grant; effective with the person's next request. Raises `LastAdministrator`."""
    if grant.ended_at is not None:
        return
    if grant.role is Role.ADMIN and grant.scope is Scope.ORGANISATION:
        refuse_last_administrator(grant.person)
    grant.ended_at, grant.ended_by = clock.now(), by.code
    publish(RoleEnded(grant.person_id, by.id))
    record("accounts.role_ended", by=by, subject=("person", grant.person.code), before=_facts(grant))


def refuse_last_administrator(person: Person) -> None:
    """Raise `LastAdministrator` where the person administers the organisation and nobody else could."""
    administers = any(grant.scope is Scope.ORGANISATION for grant in open_grants(person, Role.ADMIN))
    if administers and not queries.has_other_administrator(person):
        raise errors.LastAdministrator()


def _facts(grant: RoleGrant) -> dict[str, str]:
    return {"role": grant.role.value, "scope": grant.scope.value, "scope_code": grant.scope_code}
