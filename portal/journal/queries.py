"""Reading the journal."""

from __future__ import annotations

from sqlalchemy import select

from portal.core.db import session
from portal.journal.models import JournalEntry


def list_entries(
    *,
    before: int | None = None,
    actor: str | None = None,
    subject_kind: str | None = None,
    action: str | None = None,
    limit: int = 100,
) -> list[JournalEntry]:
    """Return the newest entries (those below number `before`), newest first."""
    statement = select(JournalEntry).order_by(JournalEntry.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(JournalEntry.id < before)
    if actor:
        statement = statement.where(JournalEntry.actor_code == actor)
    if subject_kind:
        statement = statement.where(JournalEntry.subject_kind == subject_kind)
    if action:
        statement = statement.where(JournalEntry.action.startswith(action, autoescape=True))
    return list(session.scalars(statement))


def list_entries_about(kind: str, code: str) -> list[JournalEntry]:
    """Return the entries about one subject, oldest first."""
    return list(
        session.scalars(
            select(JournalEntry)
            .where(JournalEntry.subject_kind == kind, JournalEntry.subject_code == code)
            .order_by(JournalEntry.id)
        )
    )
