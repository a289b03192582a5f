"""Reading which part people have, and which levels leads stated."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.backfill.models import LevelStatement, Responsibility
from portal.backfill.rules import Part
from portal.core.db import session

# Person's row number, kind, code.
Place = tuple[int, str, str]


def latest_statements(person_ids: Collection[int]) -> dict[Place, LevelStatement]:
    """Return what was stated last of these people, by person, kind and code."""
    newest = (
        select(func.max(LevelStatement.id))
        .where(LevelStatement.person_id.in_(person_ids))
        .group_by(LevelStatement.person_id, LevelStatement.kind, LevelStatement.thing_code)
    )
    rows = session.scalars(
        select(LevelStatement).where(LevelStatement.id.in_(newest)).options(joinedload(LevelStatement.stated_by))
    )
    return {(row.person_id, row.kind, row.thing_code): row for row in rows}


def list_statements(person: Person, kind: str, code: str) -> list[LevelStatement]:
    """Return everything that leads stated of a person and a row, the latest first."""
    return list(
        session.scalars(
            select(LevelStatement)
            .where(
                LevelStatement.person_id == person.id,
                LevelStatement.kind == kind,
                LevelStatement.thing_code == code,
            )
            .order_by(LevelStatement.id.desc())
        )
    )


def latest_parts(person_ids: Collection[int]) -> dict[Place, Part]:
    """Return which part each of these people has in what, by person, kind and code; those with none are left out."""
    newest = (
        select(func.max(Responsibility.id))
        .where(Responsibility.person_id.in_(person_ids))
        .group_by(Responsibility.person_id, Responsibility.kind, Responsibility.thing_code)
    )
    rows = session.execute(
        select(Responsibility.person_id, Responsibility.kind, Responsibility.thing_code, Responsibility.part).where(
            Responsibility.id.in_(newest)
        )
    )
    return {(row.person_id, row.kind, row.thing_code): row.part for row in rows if row.part is not Part.NONE}


def list_every_statement() -> list[LevelStatement]:
    """Return everything that leads stated, the oldest first."""
    return list(session.scalars(select(LevelStatement).order_by(LevelStatement.id)))


def list_every_part() -> list[Responsibility]:
    """Return every part that was set, the oldest first."""
    return list(session.scalars(select(Responsibility).order_by(Responsibility.id)))
