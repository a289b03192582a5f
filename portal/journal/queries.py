"""Reading the journal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, or_, select

from portal.core.db import session
from portal.journal.models import GENESIS, JournalEntry


def list_entries(
    *,
    before: int | None = None,
    actor: str | None = None,
    actors: Collection[str] = (),
    subject_kind: str | None = None,
    subject_code: str | None = None,
    subjects: Collection[tuple[str, str]] = (),
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> list[JournalEntry]:
    """Return the newest entries (those below number `before`), newest first.

    `actor` is a code or part of a name, `actors` are codes that it may mean as well; so are `subjects`
    (kind, code) for `subject_code`. `action` is the beginning of one, `until` is not included.
    """
    statement = select(JournalEntry).order_by(JournalEntry.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(JournalEntry.id < before)
    if actor:
        named = JournalEntry.actor_name.contains(actor, autoescape=True)
        statement = statement.where(or_(JournalEntry.actor_code.in_([actor, *actors]), named))
    if subject_kind:
        statement = statement.where(JournalEntry.subject_kind == subject_kind)
    if subject_code:
        meant: dict[str, list[str]] = {}
        for kind, code in subjects:
            meant.setdefault(kind, []).append(code)
        statement = statement.where(
            or_(
                JournalEntry.subject_code == subject_code,
                *(
                    and_(JournalEntry.subject_kind == kind, JournalEntry.subject_code.in_(codes))
                    for kind, codes in meant.items()
                ),
            )
        )
    if since is not None:
        statement = statement.where(JournalEntry.at >= since)
    if until is not None:
        statement = statement.where(JournalEntry.at < until)
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


def list_subject_kinds() -> list[str]:
    """Return the kinds of things that entries are about."""
    return list(session.scalars(select(JournalEntry.subject_kind).distinct().order_by(JournalEntry.subject_kind)))


def find_end() -> tuple[int, str]:
    """Return the number and hash of the last entry; 0 and zeros before the first."""
    last = session.execute(
        select(JournalEntry.id, JournalEntry.hash).order_by(JournalEntry.id.desc()).limit(1)
    ).one_or_none()
    return (last.id, last.hash) if last else (0, GENESIS)


def find_hash(number: int) -> str | None:
    """Return the hash of the entry of this number, or None."""
    return session.scalar(select(JournalEntry.hash).where(JournalEntry.id == number))
