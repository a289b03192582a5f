"""Whom documents are addressed to, as conditions that the database answers for many people at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select

from portal.accounts.models import Person, Role, RoleGrant, further_markets
from portal.core.db import session
from portal.library.models import GROUPS, AudienceKind, Document
from portal.library.rules import was_addressed
from portal.library.rules.changes import was_called_off
from portal.organisation.models import Market, Team


def people_in(
    audience: Mapping[AudienceKind, Collection[str]], besides: Collection[str] = (), *, invited: bool = False
) -> ColumnElement[bool]:
    """Return the condition that a person is in an audience, `besides` those of markets that have their own.

    She is active and has accepted her invitation: whoever cannot sign in yet is asked nothing. In each kind that the
    audience names she has one of its codes, as `permissions.applies_to` says it of one. `invited` are those who would
    be in it, had they accepted their invitation.
    """
    has_accepted = Person.password_hash.is_(None) if invited else Person.password_hash.is_not(None)
    conditions: list[ColumnElement[bool]] = [Person.deactivated_at.is_(None), has_accepted]
    markets, teams, roles = (audience.get(kind, ()) for kind in GROUPS)
    if markets or besides:
        wanted = select(Market.id).where(Market.code.not_in(besides))
        if markets:
            wanted = wanted.where(Market.code.in_(markets))
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


def people_addressed(document: Document) -> ColumnElement[bool]:
    """Return the condition that a person is there and that the document is the one which she is to follow.

    Those whose markets have a text of their own follow that one.
    """
    if document.is_by_name:
        return and_(people_in({}), Person.code.in_(document.audience(AudienceKind.PERSON)))
    return people_in({kind: document.audience(kind) for kind in GROUPS}, document.markets_apart)


def count_addressed(document: Document) -> int:
    """Return how many people there are to whom the document is addressed, and who are to follow it."""
    return session.scalar(select(func.count(Person.id)).where(people_addressed(document))) or 0


def count_difference(
    document: Document, audience: Mapping[AudienceKind, Collection[str]]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return home market → people whom an audience would add to those of today, and whom it would lose."""
    now = people_addressed(document)
    then = people_in(audience, document.markets_apart)
    return _by_market(and_(then, not_(now))), _by_market(and_(now, not_(then)))


def _by_market(condition: ColumnElement[bool]) -> dict[str, int]:
    rows = session.execute(
        select(Market.code, func.count(Person.id))
        .join(Market, Market.id == Person.home_market_id)
        .where(condition)
        .group_by(Market.code)
        .order_by(Market.code)
    )
    return {code: number for code, number in rows}  # noqa: C416


def markets_then(document: Document, at: datetime) -> list[str]:
    """Return the markets that a document was addressed to at an instant, in order; an empty list means all."""
    return sorted(
        row.code
        for row in document.audiences
        if row.kind is AudienceKind.MARKET and was_addressed(row.since, row.ended_at, document.created_at, at)
    )


def markets_returned(document: Document) -> list[str]:
    """Return the markets that follow a document again, since a text of their own that they followed was withdrawn."""
    apart = set(document.markets_apart)
    return [
        overlay.market
        for overlay in document.overlays
        if overlay.market is not None
        and overlay.market not in apart
        and any(each.withdrawn_at is not None and not was_called_off(each) for each in overlay.versions)
    ]


def select_addressed(audience: Mapping[AudienceKind, Collection[str]], besides: Collection[str] = ()) -> Select[int]:
    """Return the statement for the row numbers of the people of an audience; see `people_in`."""
    return select(Person.id).where(people_in(audience, besides))
