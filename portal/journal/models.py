"""The journal: entries chained by their hashes, the end of the chain, and the seals of what was written with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base, BigKey, canonical_json

# What the first entry names as its predecessor.
GENESIS = "0" * 64


class JournalEntry(Base):
    """One dated statement; the actor stands by code and name as they were, without a foreign key."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        Index("ix_journal_entries_subject", "subject_kind", "subject_code"),
        Index("ix_journal_entries_actor_code", "actor_code"),
    )

    # Given out in the chain's order under the writer's lock, without gaps.
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_code: Mapped[str] = mapped_column(String(40))
    actor_name: Mapped[str] = mapped_column(String(300))
    action: Mapped[str] = mapped_column(String(80))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_code: Mapped[str] = mapped_column(String(200))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    # Over the seals that were set with this entry; None where there are none.
    sealed: Mapped[str | None] = mapped_column(String(64))

    def computed_hash(self) -> str:
        """Return the SHA-256 over all facts of this row and the hash of the one before."""
        facts = {
            "id": self.id,
            "at": self.at.isoformat(),
            "actor": [self.actor_code, self.actor_name],
            "action": self.action,
            "subject": [self.subject_kind, self.subject_code],
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "previous": self.previous_hash,
        }
        # Left out where there is none, as in entries from before there were seals.
        if self.sealed is not None:
            facts["sealed"] = self.sealed
        return sha256(canonical_json(facts).encode()).hexdigest()


class JournalHead(Base):
    """Where the chain ends: one row, rewritten in the transaction of every entry."""

    __tablename__ = "journal_heads"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entries: Mapped[int] = mapped_column(BigKey)
    hash: Mapped[str] = mapped_column(String(64))


class Seal(Base):
    """The digest of a row of history as it was when the entry was written; the latest of a row counts."""

    __tablename__ = "seals"
    __table_args__ = (Index("ix_seals_entry_id", "entry_id"),)

    # The table, and the row's number in it.
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    row_key: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("journal_entries.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    digest: Mapped[str] = mapped_column(String(64))


def digest_of_seals(seals: Iterable[tuple[str, int, str]]) -> str:
    """Return the SHA-256 over the seals of one entry, given as (kind, row number, digest) in that order."""
    return sha256(canonical_json([list(seal) for seal in seals]).encode()).hexdigest()
