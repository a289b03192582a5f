"""The journal's one table, each row chained to the one before by its hash."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Index, String, Text
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

    def computed_hash(self) -> str:
        """Return the SHA-256 over all facts of this row and the hash of the one before."""
        return sha256(
            canonical_json(
                {
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
            ).encode()
        ).hexdigest()
