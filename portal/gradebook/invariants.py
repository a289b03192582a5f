"""What must always be true of the gradebook."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from portal.core.db import session
from portal.gradebook.models import ScoreEntry
from portal.quizzes.models import Attempt, AttemptState, Marking


def entries_are_those_of_their_markings() -> list[str]:
    """I5: the last entry of a released attempt has the score of the marking that counts, and names its person."""
    entry, marking = aliased(ScoreEntry), aliased(Marking)
    last_entry = (
        select(func.max(ScoreEntry.entry_no)).where(ScoreEntry.attempt_id == Attempt.id).correlate(Attempt)
    ).scalar_subquery()
    last_marking = (
        select(func.max(Marking.marking_no)).where(Marking.attempt_id == Attempt.id).correlate(Attempt)
    ).scalar_subquery()
    rows = session.execute(
        select(Attempt.code, Attempt.state, Attempt.person_id, Attempt.quiz_id, entry, marking.score, marking.passed)
        .select_from(Attempt)
        .outerjoin(entry, (entry.attempt_id == Attempt.id) & (entry.entry_no == last_entry))
        .outerjoin(marking, (marking.attempt_id == Attempt.id) & (marking.marking_no == last_marking))
        .where((Attempt.state == AttemptState.RELEASED) | entry.id.is_not(None))
        .order_by(Attempt.id)
        .execution_options(yield_per=500)
    )
    broken = []
    for code, state, person_id, quiz_id, found, score, passed in rows:
        name = f"score entry {found.id} of attempt {code}" if found else f"attempt {code}"
        if not found:
            broken.append(f"{name} is released, but has no entry in the gradebook")
        elif (found.person_id, found.quiz_id) != (person_id, quiz_id):
            broken.append(f"{name} names another person or quiz than the attempt")
        elif state is AttemptState.RELEASED and (found.score, found.passed) != (score, passed):
            broken.append(f"{name} is not what its marking says")
        # Marked: a correction that is not released yet.
        elif state not in (AttemptState.RELEASED, AttemptState.MARKED):
            broken.append(f"{name} stands for a result that is not released")
    return broken


def entries_are_numbered() -> list[str]:
    """I6: the entries of an attempt are numbered 1, 2, 3 …, so none was taken out."""
    gaps = session.execute(
        select(Attempt.code)
        .join(ScoreEntry, ScoreEntry.attempt_id == Attempt.id)
        .group_by(Attempt.id, Attempt.code)
        .having(func.count() != func.max(ScoreEntry.entry_no))
        .order_by(Attempt.id)
    ).scalars()
    return [f"the score entries of attempt {code} are not numbered 1, 2, 3 …" for code in gaps]


INVARIANTS = {
    "I5 score entries are those of their markings": entries_are_those_of_their_markings,
    "I6 score entries are numbered": entries_are_numbered,
}
