"""Who accepted by name that something will have no owner."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from portal.core.db import session
from portal.handover.models import OrphanAcceptance


def list_standing(person_id: int) -> list[OrphanAcceptance]:
    """Return the acceptances of things of a person that stand, in the order in which they were given."""
    return list(
        session.scalars(
            select(OrphanAcceptance)
            .where(OrphanAcceptance.person_id == person_id, OrphanAcceptance.taken_back_at.is_(None))
            .order_by(OrphanAcceptance.id)
        )
    )


def list_standing_of_thing(kind: str, code: str) -> list[OrphanAcceptance]:
    """Return the acceptances of a thing that stand, whosever it is."""
    return list(
        session.scalars(
            select(OrphanAcceptance)
            .where(
                OrphanAcceptance.kind == kind,
                OrphanAcceptance.thing_code == code,
                OrphanAcceptance.taken_back_at.is_(None),
            )
            .order_by(OrphanAcceptance.id)
        )
    )


def list_of_people(person_ids: Collection[int]) -> list[OrphanAcceptance]:
    """Return the acceptances of things of these people that stand: why something of theirs has no owner."""
    return list(
        session.scalars(
            select(OrphanAcceptance)
            .where(OrphanAcceptance.person_id.in_(person_ids), OrphanAcceptance.taken_back_at.is_(None))
            .order_by(OrphanAcceptance.kind, OrphanAcceptance.thing_code, OrphanAcceptance.id)
        )
    )


def list_by(person_id: int, accepter_id: int) -> list[OrphanAcceptance]:
    """Return every acceptance of things of a person that somebody gave, the first one first."""
    return list(
        session.scalars(
            select(OrphanAcceptance)
            .where(OrphanAcceptance.person_id == person_id, OrphanAcceptance.accepted_by_id == accepter_id)
            .order_by(OrphanAcceptance.id)
        )
    )


def lock_by(person_id: int, accepter_id: int) -> list[OrphanAcceptance]:
    """Return the same as they are now, and let others who change them wait until this transaction ends."""
    return list(
        session.scalars(
            select(OrphanAcceptance)
            .where(OrphanAcceptance.person_id == person_id, OrphanAcceptance.accepted_by_id == accepter_id)
            .order_by(OrphanAcceptance.id)
            .with_for_update(of=OrphanAcceptance)
            .execution_options(populate_existing=True)
        )
    )


def list_all() -> list[OrphanAcceptance]:
    """Return every acceptance there was."""
    return list(session.scalars(select(OrphanAcceptance).order_by(OrphanAcceptance.id)))
