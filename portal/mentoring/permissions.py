"""Who writes and reads notes on a learner: exactly those who supervise her, and she what is meant for her."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds_for
from portal.core.access import AnyOf, Permission
from portal.mentoring.models import LearnerNote, OneToOne
from portal.training.permissions import is_own_training, is_somebody_elses, scopes_of_enrollment

SUPERVISE = Permission(
    "mentoring.supervise", "write notes on a learner, read all of them, and record one-to-ones with her"
)
READ_NOTES = Permission("mentoring.read_notes", "open the notes on a training: all of them, or those meant for oneself")
CHANGE_NOTE = Permission("mentoring.change_note", "correct a note, show it to the learner, or take it back")
TAKE_BACK_TALK = Permission("mentoring.take_back_talk", "take back a one-to-one that was recorded on a wrong day")


def scopes_of_note(thing: LearnerNote | OneToOne) -> dict[Scope, set[str]]:
    """Return the markets, teams and cohort through which the training can be seen that a note or talk is about."""
    return scopes_of_enrollment(thing.enrollment)


def is_not_about_oneself(person: Person, thing: Any) -> bool:
    """Say whether the note or talk is about somebody else's training."""
    return isinstance(thing, LearnerNote | OneToOne) and thing.enrollment.person_id != person.id


def is_own_note(person: Person, thing: Any) -> bool:
    """Say whether the person has written the note, or recorded the talk."""
    return isinstance(thing, LearnerNote | OneToOne) and thing.by_id == person.id


TABLE: dict[Permission, AnyOf] = {
    SUPERVISE: [[is_somebody_elses, holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_enrollment)]],
    READ_NOTES: [
        [is_own_training],
        [is_somebody_elses, holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_enrollment)],
    ],
    CHANGE_NOTE: [
        [is_not_about_oneself, is_own_note, holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_note)],
    ],
    TAKE_BACK_TALK: [
        [is_not_about_oneself, is_own_note, holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_note)],
    ],
}
