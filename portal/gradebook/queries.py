"""Reading the gradebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.core.db import session
from portal.gradebook.models import ScoreEntry


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands in a quiz: the result of the last attempt and of the best."""

    latest: ScoreEntry
    best: ScoreEntry

    @property
    def has_passed(self) -> bool:
        """Whether any attempt was passed."""
        return self.best.passed or self.latest.passed


def find_last_of_attempt(attempt_id: int) -> ScoreEntry | None:
    """Return the entry that counts for an attempt, or None."""
    return session.scalar(
        select(ScoreEntry).where(ScoreEntry.attempt_id == attempt_id).order_by(ScoreEntry.entry_no.desc()).limit(1)
    )


def list_entries(person: Person) -> list[ScoreEntry]:
    """Return the person's entries with attempt and quiz, newest first."""
    return list(
        session.scalars(
            select(ScoreEntry)
            .where(ScoreEntry.person_id == person.id)
            .order_by(ScoreEntry.at.desc(), ScoreEntry.id.desc())
            .options(joinedload(ScoreEntry.attempt, innerjoin=True), joinedload(ScoreEntry.quiz, innerjoin=True))
        )
    )


def standings(person_ids: Collection[int], quiz_ids: Collection[int]) -> dict[tuple[int, int], Standing]:
    """Return (person id, quiz id) → standing, for pairs with a result, with one query."""
    rows = session.scalars(
        select(ScoreEntry)
        .where(ScoreEntry.person_id.in_(person_ids), ScoreEntry.quiz_id.in_(quiz_ids))
        .order_by(ScoreEntry.id)
    )
    grouped: dict[tuple[int, int], list[ScoreEntry]] = {}
    for entry in rows:
        grouped.setdefault((entry.person_id, entry.quiz_id), []).append(entry)
    return {pair: _standing(entries) for pair, entries in grouped.items()}


def find_standing(person: Person, quiz_id: int) -> Standing | None:
    """Return where the person stands in the quiz, or None before the first result."""
    return standings([person.id], [quiz_id]).get((person.id, quiz_id))


def _standing(entries: Iterable[ScoreEntry]) -> Standing:
    """Find latest and best among entries in the order of entering; of an attempt only its last entry counts."""
    counting = {entry.attempt_id: entry for entry in entries}
    latest = max(counting.values(), key=lambda entry: entry.attempt_id)
    # Of equal scores the earlier one: that is when it was reached.
    best = max(counting.values(), key=lambda entry: (entry.passed, entry.score, -entry.attempt_id))
    return Standing(latest, best)
