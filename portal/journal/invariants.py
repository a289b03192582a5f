"""What must always be true of the journal and of all that it has sealed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import select

from portal.core.db import session
from portal.core.seals import SealedTable, digest_of, sealed_tables
from portal.journal.models import GENESIS, JournalEntry, JournalHead, Seal, digest_of_seals

_AT_ONCE = 1000


def chain_is_unbroken() -> list[str]:
    """I13: numbers without gaps from 1, each entry naming the one before, every hash right, the last one the head's."""
    breaches: list[str] = []
    number, previous = 0, GENESIS
    entries = session.scalars(select(JournalEntry).order_by(JournalEntry.id).execution_options(yield_per=_AT_ONCE))
    for entry in entries:
        if entry.id != number + 1:
            missing = (
                f"entry {number + 1} is" if entry.id == number + 2 else f"entries {number + 1} to {entry.id - 1} are"
            )
            breaches.append(f"journal: {missing} missing before entry {entry.id}")
        if entry.previous_hash != previous:
            breaches.append(f"journal: entry {entry.id} does not follow entry {number}")
        if entry.hash != entry.computed_hash():
            breaches.append(f"journal: entry {entry.id} has been changed")
        number, previous = entry.id, entry.hash
        session.expunge(entry)
    head = session.execute(select(JournalHead.entries, JournalHead.hash)).one_or_none()
    if head is None and number:
        breaches.append("journal: nothing says where it ends (journal_heads is empty)")
    elif head is not None and head.entries > number:
        breaches.append(f"journal: it had {head.entries} entries, those from {number + 1} on are missing")
    elif head is not None and (head.entries, head.hash) != (number, previous):
        breaches.append(f"journal: it ends with entry {number}, but had ended with entry {head.entries}")
    return breaches


def seals_are_those_of_their_entries() -> list[str]:
    """I13: every entry has the seals that it was written with, and no seal stands without its entry."""
    breaches: list[str] = []
    sealing = iter(
        session.execute(
            select(JournalEntry.id, JournalEntry.sealed)
            .where(JournalEntry.sealed.is_not(None))
            .order_by(JournalEntry.id)
            .execution_options(yield_per=_AT_ONCE)
        )
    )
    seals = session.execute(
        select(Seal.entry_id, Seal.kind, Seal.row_key, Seal.digest)
        .order_by(Seal.entry_id, Seal.kind, Seal.row_key)
        .execution_options(yield_per=_AT_ONCE)
    )
    sets = ((number, [tuple(row[1:]) for row in rows]) for number, rows in groupby(seals, lambda row: row[0]))
    for number, (said, found) in _side_by_side(((row[0], row[1]) for row in sealing), sets):
        if found is None:
            breaches.append(f"journal: the seals of entry {number} are missing")
        elif said is None:
            kind, key, _digest = found[0]
            breaches.append(f"journal: {kind} {key} was sealed by entry {number}, which is missing or sealed nothing")
        elif digest_of_seals(found) != said:
            breaches.append(f"journal: the seals of entry {number} have been changed")
    return breaches


def history_is_as_it_was_sealed() -> list[str]:
    """I13: every row of history has a seal, every seal its row, and the facts are those that were sealed."""
    tables = sealed_tables()
    breaches = []
    for spec in tables:
        for key, (facts, seal) in _side_by_side(_digests(spec), _latest_seals(spec.name)):
            if seal is None:
                breaches.append(f"{spec} {key}: no entry of the journal has sealed it")
            elif facts is None:
                breaches.append(f"{spec} {key}: is gone; entry {seal[1]} of the journal had sealed it")
            elif facts != seal[0]:
                breaches.append(f"{spec} {key}: is not what entry {seal[1]} of the journal has sealed")
    known = [spec.name for spec in tables]
    strays = session.execute(select(Seal.kind).where(Seal.kind.not_in(known)).distinct().order_by(Seal.kind))
    return breaches + [f"journal: there are seals of {kind}, which is no table of history" for (kind,) in strays]


def _digests(spec: SealedTable) -> Iterator[tuple[int, str]]:
    """Yield the number and digest of all that is sealed in a table, without keeping rows in memory."""
    keys = dict.fromkeys([spec.key, *spec.table.primary_key.columns])
    rows = session.execute(
        select(*spec.facts.values()).order_by(*keys).execution_options(yield_per=_AT_ONCE)
    ).mappings()
    for key, together in groupby(rows, lambda row: row[spec.key]):
        yield key, digest_of(spec.facts_of({name: row[name] for name in spec.facts}) for row in together)


def _latest_seals(kind: str) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield the number of each sealed row of a kind with the digest that counts and its entry."""
    rows = session.execute(
        select(Seal.row_key, Seal.digest, Seal.entry_id)
        .where(Seal.kind == kind)
        .order_by(Seal.row_key, Seal.entry_id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for key, seals in groupby(rows, lambda row: row[0]):
        *_, last = seals
        yield key, (last[1], last[2])


def _side_by_side(
    left: Iterator[tuple[int, Any]], right: Iterator[tuple[int, Any]]
) -> Iterator[tuple[int, tuple[Any, Any]]]:
    """Yield each number that either side has, in their order, with what both say; None where one has nothing."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[0], (one[1], None)
            one = next(left, None)
        elif one is None or other[0] < one[0]:
            yield other[0], (None, other[1])
            other = next(right, None)
        else:
            yield one[0], (one[1], other[1])
            one, other = next(left, None), next(right, None)


INVARIANTS = {
    "I13 the journal's chain is unbroken": chain_is_unbroken,
    "I13 seals are those of their entries": seals_are_those_of_their_entries,
    "I13 history is as it was sealed": history_is_as_it_was_sealed,
}
