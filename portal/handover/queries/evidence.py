"""What people have shown that they can do with items of handovers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from portal.core.db import session
from portal.handover.models import HandoverItem, ItemDecision, ItemEvidence
from portal.handover.rules import Decision, Stage


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One stage that somebody has shown with a thing; `accepted`: she has taken the item over with that."""

    person_id: int
    kind: str
    thing_code: str
    stage: Stage
    done_on: date
    accepted: bool
    # The code of the item.
    item: str


def list_evidence_of_people(person_ids: Collection[int]) -> list[EvidenceRow]:
    """Return what these people have shown, by person, thing, stage and day; what was waived shows nothing.

    Evidence of a rehearsal, or of a handover that was called off, is as true as any.
    """
    if not person_ids:
        return []
    later = aliased(ItemDecision)
    latest = (
        select(ItemDecision.item_id, ItemDecision.successor_id, ItemDecision.decision)
        .outerjoin(
            later,
            and_(
                later.item_id == ItemDecision.item_id,
                later.successor_id == ItemDecision.successor_id,
                later.id > ItemDecision.id,
            ),
        )
        .where(later.id.is_(None), ItemDecision.successor_id.in_(person_ids))
        .subquery()
    )
    rows = session.execute(
        select(
            ItemEvidence.successor_id,
            HandoverItem.kind,
            HandoverItem.thing_code,
            ItemEvidence.stage,
            ItemEvidence.done_on,
            HandoverItem.code,
            latest.c.decision,
        )
        .join(HandoverItem, HandoverItem.id == ItemEvidence.item_id)
        .outerjoin(
            latest, and_(latest.c.item_id == ItemEvidence.item_id, latest.c.successor_id == ItemEvidence.successor_id)
        )
        .where(
            ItemEvidence.successor_id.in_(person_ids),
            ItemEvidence.waived_by.is_(None),
            ItemEvidence.taken_back_at.is_(None),
        )
        .order_by(
            ItemEvidence.successor_id, HandoverItem.kind, HandoverItem.thing_code, ItemEvidence.done_on, ItemEvidence.id
        )
    )
    return [
        EvidenceRow(
            row.successor_id,
            row.kind,
            row.thing_code,
            row.stage,
            row.done_on,
            row.decision is Decision.ACCEPTED,
            row.code,
        )
        for row in rows
    ]
