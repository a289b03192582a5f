"""Adding the results of attempts to the gradebook."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from portal.core.db import session
from portal.gradebook import queries
from portal.gradebook.models import ScoreEntry
from portal.gradebook.rules import EntryKind


def add_result(
    *,
    person_id: int,
    quiz_id: int,
    attempt_id: int,
    score: Fraction,
    passed: bool,
    at: datetime,
    reason: str | None = None,
) -> ScoreEntry:
    """Enter the result of an attempt, or its correction with the reason; the same result again adds nothing."""
    present = queries.find_last_of_attempt(attempt_id)
    if present is not None and (present.score, present.passed) == (score, passed):
        return present
    entry = ScoreEntry(
        person_id=person_id,
        quiz_id=quiz_id,
        attempt_id=attempt_id,
        entry_no=present.entry_no + 1 if present else 1,
        kind=EntryKind.CORRECTION if present else EntryKind.RESULT,
        score=score,
        passed=passed,
        at=at,
        reason=reason,
    )
    session.add(entry)
    session.flush()
    return entry
