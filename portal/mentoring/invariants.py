"""What must always be true of notes on learners."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.core.db import session
from portal.mentoring.models import LearnerNote
from portal.mentoring.queries.notes import is_shown


def what_was_shown_stays_shown() -> list[str]:
    """Return a sentence for each note whose correction hides it from who could read it, or is another person's."""
    before: dict[int, tuple[bool, int, int]] = {}
    breaches = []
    for row in session.scalars(
        select(LearnerNote)
        .options(selectinload(LearnerNote.steps))
        .order_by(LearnerNote.id)
        .execution_options(yield_per=500)
    ):
        earlier = before.pop(row.corrects_id, None) if row.corrects_id is not None else None
        if earlier is not None:
            shown, enrollment_id, by_id = earlier
            if shown and not is_shown(row):
                breaches.append(f"learner_notes row {row.id}: hides what its learner could read")
            if (enrollment_id, by_id) != (row.enrollment_id, row.by_id):
                breaches.append(f"learner_notes row {row.id}: corrects another's note")
        before[row.id] = (is_shown(row), row.enrollment_id, row.by_id)
    return breaches


INVARIANTS = {"notes that were shown stay so": what_was_shown_stays_shown}
