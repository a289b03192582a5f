"""Whom documents are addressed to, as conditions that the database answers for many people or documents at once."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from portal.accounts.models import Person, Role, RoleGrant, further_markets
from portal.library.models import AudienceKind, Document
from portal.organisation.models import Market, Team


def people_addressed(document: Document) -> ColumnElement[bool]:
    """Return the condition that a person is active and in the document's audience, as `is_addressed` says it."""
    conditions: list[ColumnElement[bool]] = [Person.deactivated_at.is_(None)]
    markets, teams, roles = (
        document.audience(kind) for kind in (AudienceKind.MARKET, AudienceKind.TEAM, AudienceKind.ROLE)
    )
    if markets:
        wanted = select(Market.id).where(Market.code.in_(markets))
        conditions.append(
            or_(
                Person.home_market_id.in_(wanted),
                Person.id.in_(select(further_markets.c.person_id).where(further_markets.c.market_id.in_(wanted))),
            )
        )
    if teams:
        conditions.append(Person.team_id.in_(select(Team.id).where(Team.code.in_(teams))))
    if roles:
        known = [role for role in Role if role.value in roles]
        conditions.append(
            Person.id.in_(select(RoleGrant.person_id).where(RoleGrant.ended_at.is_(None), RoleGrant.role.in_(known)))
        )
    return and_(*conditions)
