"""Rehearsals of handovers: of whom, and who could be next."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import exists, or_, select

from portal.accounts.models import Person, Role, RoleGrant
from portal.core.db import session
from portal.handover.models import Handover
from portal.handover.queries.handovers import WITH_DAYS
from portal.handover.rules import Reason


def list_possible(market_ids: Collection[int]) -> list[Person]:
    """Return the active people of these markets who can answer for something, by name."""
    holds_role = exists().where(
        RoleGrant.person_id == Person.id, RoleGrant.ended_at.is_(None), RoleGrant.role != Role.LEARNER
    )
    return list(
        session.scalars(
            select(Person)
            .where(Person.deactivated_at.is_(None), Person.home_market_id.in_(market_ids), holds_role)
            .order_by(Person.sort_key, Person.id)
        )
    )


def list_standing(person_ids: Collection[int]) -> list[Handover]:
    """Return the open handovers of these people and their rehearsals that were closed, the oldest first."""
    return list(
        session.scalars(
            select(Handover)
            .where(
                Handover.person_id.in_(person_ids),
                Handover.called_off_at.is_(None),
                or_(Handover.closed_at.is_(None), Handover.reason == Reason.REHEARSAL),
            )
            .order_by(Handover.id)
            .options(*WITH_DAYS)
        )
    )
