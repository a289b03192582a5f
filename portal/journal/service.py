"""Writing the journal: noted by services as they go, written as the transaction's last statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import select, text

from portal.core import clock
from portal.core.db import session
from portal.core.i18n import LazyText
from portal.core.transaction import after_rollback, before_commit
from portal.journal.models import GENESIS, JournalEntry

# "journal" as a number: the advisory lock that orders the chain's writers on PostgreSQL.
_CHAIN_LOCK = 0x6A6F7572
_names: dict[str, LazyText] = {}


class Actor(Protocol):
    """Whoever acts: a person with a public code and a name."""

    code: str

    @property
    def full_name(self) -> str:
        """The name under which the journal knows her."""


def record(
    action: str,
    *,
    by: Actor | None,
    subject: tuple[str, str],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Note what was done to `subject` (kind, code); `by` None is the system itself.

    Values are plain data and hold no secrets, answers or health facts.
    """
    session.info.setdefault("journal", []).append(
        JournalEntry(
            at=clock.now(),
            actor_code=by.code if by else "system",
            actor_name=by.full_name[:300] if by else "system",
            action=action,
            subject_kind=subject[0],
            subject_code=subject[1],
            before=before,
            after=after,
            reason=reason,
        )
    )


def name_actions(names: Mapping[str, LazyText]) -> None:
    """Say in words what a domain's actions are called; the journal's page shows them."""
    _names.update(names)


def action_names() -> dict[str, LazyText]:
    """Return the actions that have a name."""
    return dict(_names)


def name_of(action: str) -> LazyText | None:
    """Return what the action is called, or None where nobody has named it."""
    return _names.get(action)


def _write() -> None:
    entries: list[JournalEntry] = session.info.pop("journal", [])
    if not entries:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
    last = session.execute(
        select(JournalEntry.id, JournalEntry.hash).order_by(JournalEntry.id.desc()).limit(1)
    ).one_or_none()
    number, previous = (last.id, last.hash) if last else (0, GENESIS)
    for entry in entries:
        number += 1
        entry.id, entry.previous_hash = number, previous
        entry.hash = previous = entry.computed_hash()
        session.add(entry)
    session.flush()


def _forget() -> None:
    session.info.pop("journal", None)


def init() -> None:
    """Write the entries at the end of every transaction."""
    before_commit(_write)
    after_rollback(_forget)
