"""Notes and talks for tests; everything is committed."""

from __future__ import annotations

from datetime import date

from portal.accounts.models import Person
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.mentoring.models import LearnerNote, OneToOne
from portal.mentoring.service import notes, one_to_ones
from portal.training.models import Enrollment


def make_note(enrollment: Enrollment, by: Person, text: str = "Reads every clause.", *, shown: bool) -> LearnerNote:
    """Return a new note on a learner's training."""
    with own_transaction():
        return notes.write_note(enrollment=session.merge(enrollment), text=text, is_shown=shown, by=session.merge(by))


def make_talk(enrollment: Enrollment, by: Person, held_on: date, text: str = "", *, shown: bool = False) -> OneToOne:
    """Return a talk that was held."""
    with own_transaction():
        return one_to_ones.hold(
            enrollment=session.merge(enrollment), held_on=held_on, text=text, is_shown=shown, by=session.merge(by)
        )
