"""Reading who reads a document in a plan."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import joinedload

from portal.core.db import session
from portal.library.rules.overlays import base_slug
from portal.organisation.models import Market
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion
from portal.training.queries import is_settled


def list_steps_reading(document_slug: str) -> list[tuple[PlanVersion, PlanStep]]:
    """Return the steps of every plan's latest version that read or confirm a document, by plan and place."""
    latest = select(func.max(PlanVersion.id)).group_by(PlanVersion.plan_id)
    rows = session.execute(
        select(PlanVersion, PlanStep)
        .join(PlanStep, PlanStep.version_id == PlanVersion.id)
        .join(Plan, Plan.id == PlanVersion.plan_id)
        .where(PlanVersion.id.in_(latest), PlanStep.document_slug == base_slug(document_slug))
        .order_by(Plan.slug, PlanStep.position)
    )
    return [(version, step) for version, step in rows]


def _before_document(document_slug: str, apart: Collection[str]) -> ColumnElement[bool]:
    """Say of an enrollment that it is open and has a step with the document that is to be done.

    What a market does otherwise concerns those enrolled there; its base those in all markets but the ones `apart`.
    """
    waiting = select(PlanStep.id).where(
        PlanStep.version_id == Enrollment.plan_version_id,
        PlanStep.document_slug == base_slug(document_slug),
        ~is_settled,
    )
    _base, _sign, own = document_slug.partition("@")
    within = Market.code == own if own else Market.code.not_in(apart)
    there = Enrollment.market_id.in_(select(Market.id).where(within))
    return and_(Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None), waiting.exists(), there)


def count_enrollments_before(document_slug: str, apart: Collection[str] = ()) -> int:
    """Return how many open enrollments have a document still before them; see `_before_document`."""
    statement = select(func.count()).select_from(Enrollment).where(_before_document(document_slug, apart))
    return session.scalar(statement) or 0


def list_enrollments_before(
    document_slug: str, apart: Collection[str] = (), *, offset: int = 0, limit: int | None = None
) -> list[Enrollment]:
    """Return open enrollments that have a document still before them, the earliest start first, with their people."""
    return list(
        session.scalars(
            select(Enrollment)
            .where(_before_document(document_slug, apart))
            .order_by(Enrollment.starts_on, Enrollment.id)
            .offset(offset or None)
            .limit(limit)
            .options(
                joinedload(Enrollment.person),
                joinedload(Enrollment.version),
                joinedload(Enrollment.cohort),
            )
        )
    )
