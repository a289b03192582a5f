"""What must always be true of notes on learners, and of talks with them."""

from __future__ import annotations

from sqlalchemy import exists, func, select
from sqlalchemy.orm import selectinload

from portal.core.db import session
from portal.mentoring.models import LearnerNote, OneToOne, TalkTakenBack
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


def a_day_is_held_once() -> list[str]:
    """Return a sentence for each person who has two talks with a learner on one day, and each place taken twice."""
    taken_back = exists().where(TalkTakenBack.talk_id == OneToOne.id)
    held = (OneToOne.enrollment_id, OneToOne.held_on, OneToOne.by_id)
    breaches = [
        f"one_to_ones row {row_id}: held twice on one day"
        for row_id in session.scalars(
            select(func.max(OneToOne.id)).where(~taken_back).group_by(*held).having(func.count() > 1)
        )
    ]
    replaced = select(OneToOne.id, OneToOne.replaces_id).where(OneToOne.replaces_id.is_not(None))
    gone = set(session.scalars(select(TalkTakenBack.talk_id)))
    return breaches + [
        f"one_to_ones row {row_id}: stands in the place of a talk that was not taken back"
        for row_id, replaces_id in session.execute(replaced.order_by(OneToOne.id))
        if replaces_id not in gone
    ]


INVARIANTS = {
    "notes that were shown stay so": what_was_shown_stays_shown,
    "one-to-ones are held once a day": a_day_is_held_once,
}
