"""To whom a document is addressed, as people."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Select, or_, select

from portal.accounts.models import Person, RoleGrant
from portal.library.models import AudienceKind
from portal.organisation.models import Market, Team


def select_addressed(audience: Mapping[AudienceKind, Collection[str]]) -> Select[int]:
    """Return the statement for the row numbers of the active people of an audience.

    In each kind that the audience names a person has one of its codes, as `permissions.is_addressed` says it of one.
    """
    statement = select(Person.id).where(Person.deactivated_at.is_(None))
    markets, teams, roles = (list(audience.get(kind, ())) for kind in AudienceKind)
    if markets:
        at_home = Person.home_market_id.in_(select(Market.id).where(Market.code.in_(markets)))
        statement = statement.where(or_(at_home, Person.further_markets.any(Market.code.in_(markets))))
    if teams:
        statement = statement.where(Person.team_id.in_(select(Team.id).where(Team.code.in_(teams))))
    if roles:
        holders = select(RoleGrant.person_id).where(RoleGrant.role.in_(roles), RoleGrant.ended_at.is_(None))
        statement = statement.where(Person.id.in_(holders))
    return statement
