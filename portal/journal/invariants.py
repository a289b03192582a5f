"""What must always be true of the journal."""

from __future__ import annotations

from sqlalchemy import select

from portal.core.db import session
from portal.journal.models import GENESIS, JournalEntry

_AT_ONCE = 1000


def chain_is_unbroken() -> list[str]:
    """I13: numbers without gaps from 1, each entry naming the one before, every hash right."""
    breaches: list[str] = []
    number, previous = 0, GENESIS
    entries = session.scalars(select(JournalEntry).order_by(JournalEntry.id).execution_options(yield_per=_AT_ONCE))
    for entry in entries:
        if entry.id != number + 1:
            breaches.append(f"journal: entry {number + 1} is missing before entry {entry.id}")
        if entry.previous_hash != previous:
            breaches.append(f"journal: entry {entry.id} does not follow entry {number}")
        if entry.hash != entry.computed_hash():
            breaches.append(f"journal: entry {entry.id} has been changed")
        number, previous = entry.id, entry.hash
        session.expunge(entry)
    return breaches


INVARIANTS = {"I13 the journal's chain is unbroken": chain_is_unbroken}
