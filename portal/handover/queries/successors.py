"""Who is to take a thing over in a handover that is open."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from portal.accounts.models import Person
from portal.core.db import session
from portal.handover.models import Handover, HandoverItem, ItemSuccessor


def is_successor(person: Person, kind: str, code: str) -> bool:
    """Say whether the person is to take the thing over now."""
    newer = aliased(ItemSuccessor)
    return bool(
        session.scalar(
            select(
                exists().where(
                    HandoverItem.kind == kind,
                    HandoverItem.thing_code == code,
                    HandoverItem.gone_at.is_(None),
                    Handover.id == HandoverItem.handover_id,
                    Handover.closed_at.is_(None),
                    Handover.called_off_at.is_(None),
                    ItemSuccessor.item_id == HandoverItem.id,
                    ItemSuccessor.successor_id == person.id,
                    ~exists().where(newer.item_id == ItemSuccessor.item_id, newer.id > ItemSuccessor.id),
                )
            )
        )
    )


def list_items_with(person: Person) -> list[HandoverItem]:
    """Return what the person is to take over now in open handovers, accepted or not, in the order of its items."""
    newer = aliased(ItemSuccessor)
    return list(
        session.scalars(
            select(HandoverItem)
            .join(Handover, Handover.id == HandoverItem.handover_id)
            .join(ItemSuccessor, ItemSuccessor.item_id == HandoverItem.id)
            .where(
                HandoverItem.gone_at.is_(None),
                Handover.closed_at.is_(None),
                Handover.called_off_at.is_(None),
                ItemSuccessor.successor_id == person.id,
                ~exists().where(newer.item_id == ItemSuccessor.item_id, newer.id > ItemSuccessor.id),
            )
            .order_by(HandoverItem.handover_id, HandoverItem.id)
        )
    )
