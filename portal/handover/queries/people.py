"""Who can hand over, take over and stand in."""

from __future__ import annotations

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import Person, Role, RoleGrant
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core.db import session


def list_possible_owners(of: Person) -> list[Person]:
    """Return who can answer for something in somebody's place: the active people of her team, and who has a role.

    By name, without herself; whoever only learns, or audits, in another team is left out.
    """
    holds_role = exists().where(
        RoleGrant.person_id == Person.id,
        RoleGrant.ended_at.is_(None),
        RoleGrant.role.not_in((Role.LEARNER, Role.AUDITOR)),
    )
    is_near = holds_role if of.team_id is None else or_(holds_role, Person.team_id == of.team_id)
    return list(
        session.scalars(
            select(Person)
            .where(Person.deactivated_at.is_(None), is_near, Person.id != of.id)
            .order_by(Person.sort_key, Person.id)
            # What each can answer for is told beside her name.
            .options(selectinload(Person.grants), joinedload(Person.team))
        )
    )


def list_handing_over(person: Person, reach: Reach) -> list[Person]:
    """Return for whom somebody may begin a handover: herself, and the active people within reach, by name."""
    if not reach:
        return [person]
    rows = session.scalars(
        select(Person)
        .where(Person.deactivated_at.is_(None), people_within(reach) | (Person.id == person.id))
        .order_by(Person.sort_key, Person.id)
    )
    return list(rows)
