"""The history of an attempt: lines that are added, each with the hash of the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, insert, select

from portal.core import clock
from portal.core.db import canonical_json, session
from portal.quizzes.models import Attempt, AttemptEvent, AttemptState, EventKind
from portal.quizzes.queries import LastEvent

# What the first line of an attempt names as the one before.
BEGINNING = LastEvent(0, "0" * 64)
# With these the attempt's own row says where its history ends, and the journal seals the row.
_MILESTONES = frozenset({EventKind.SUBMITTED, EventKind.MARKED, EventKind.RELEASED, EventKind.VOIDED})
# A page may tell of these when it is on line again, with the time at which they were.
_TOLD_LATER = frozenset({EventKind.FOCUS_LOST, EventKind.FOCUS_REGAINED, EventKind.OFFLINE, EventKind.ONLINE})
# Stands in the details of a line at which the server's clock said less than the line before.
CLOCK_WENT_BACK = "clock_went_back"
_NEWEST = select(func.max(AttemptEvent.at)).where(AttemptEvent.attempt_id == bindparam("attempt_id"))
# Made once. The table and not the class: one line at a time goes through fewer hands.
_ADD = insert(cast("Table", AttemptEvent.__table__))
_LAST = (
    select(AttemptEvent.number, AttemptEvent.chain, AttemptEvent.at)
    .where(AttemptEvent.attempt_id == bindparam("attempt_id"))
    .order_by(AttemptEvent.number.desc())
    .limit(1)
)


def note_event(
    attempt: Attempt, kind: EventKind, *, by: str, at: datetime, after: LastEvent | None = None, **facts: Any
) -> None:
    """Add a line to the attempt's history; the caller holds its lock.

    `after` is the last line, where it has been read since the lock was taken.
    """
    last = after or find_last(attempt.id) or BEGINNING
    if last.at is not None and at < last.at and kind not in _TOLD_LATER:
        at, facts = last.at, {**facts, "details": {**(facts.get("details") or {}), CLOCK_WENT_BACK: True}}
    values = {"attempt_id": attempt.id, "number": last.number + 1, "kind": kind, "at": at, "by": by, **facts}
    chain = chained(last.chain, values)
    session.execute(_ADD, {"chain": chain, **values})
    if kind in _MILESTONES or attempt.state is not AttemptState.IN_PROGRESS:
        attempt.history_length, attempt.history_hash = last.number + 1, chain


def find_last(attempt_id: int) -> LastEvent | None:
    """Return the last line of an attempt's history, or None before the first."""
    row = session.execute(_LAST, {"attempt_id": attempt_id}).one_or_none()
    return LastEvent(row.number, row.chain, row.at) if row else None


def moment_of(attempt: Attempt) -> datetime:
    """Return the time for what happens to an attempt now: never before anything that has happened to it.

    The server's clock can be set back meanwhile; an attempt's times go on only.
    """
    newest = session.scalar(_NEWEST, {"attempt_id": attempt.id})
    return max(clock.now(), attempt.started_at, newest or attempt.started_at)


def chained(previous: str, values: Any) -> str:
    """Return the SHA-256 over the facts of a line and the hash of the one before; what is not known is left out."""
    facts = {name: values[name] for name in _FACTS if values.get(name) is not None}
    facts["at"] = values["at"].astimezone(UTC).isoformat()
    return sha256(canonical_json([previous, facts]).encode()).hexdigest()


_FACTS = ("attempt_id", "number", "kind", "by", "position", "seq", "hash", "idem_key", "reason", "details")
