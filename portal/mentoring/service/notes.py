"""Writing a note on a learner, and what can become of it: corrected, shown to her, taken back; always by its author."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from portal.accounts.models import Person
from portal.core import clock, touch
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import lazy_gettext as _l
from portal.core.texts import trimmed
from portal.journal.service import record
from portal.mentoring.errors import AlreadyShown, NoteClosed, NoteMissing, NoteTooLong, NoteUnchanged
from portal.mentoring.models import LearnerNote, NoteReading, NoteStep, OneToOne
from portal.mentoring.queries import notes
from portal.mentoring.rules import NOTE_LIMIT, NoteAct
from portal.training.models import Enrollment

# Who can read a note, as the journal says it.
READERS = {"learner": _l("The learner, too"), "supervisors": _l("Only those who supervise")}


def write_note(
    *, enrollment: Enrollment, text: str, is_shown: bool, by: Person, talk: OneToOne | None = None
) -> LearnerNote:
    """Keep a note on a learner's training, which she can read or not. Raises `NoteMissing`, `NoteTooLong`."""
    note = _added(enrollment, checked(text), by, is_shown=is_shown, talk=talk)
    record("mentoring.note_written", **_about(enrollment, by, readers=_readers(note)))
    return note


def correct_note(*, note: LearnerNote, text: str, by: Person) -> LearnerNote:
    """Put another wording in the place of a note; the earlier one stays, and who could read the note still can.

    Raises `NoteMissing`, `NoteTooLong`, `NoteUnchanged`, `NoteClosed`.
    """
    said = checked(text)
    _lock(note)
    if said == note.text:
        raise NoteUnchanged()
    row = _added(note.enrollment, said, by, is_shown=notes.is_shown(note), talk=note.one_to_one, corrects=note)
    record("mentoring.note_corrected", **_about(note.enrollment, by, readers=_readers(row)))
    return row


def show_note(*, note: LearnerNote, by: Person) -> None:
    """Let the learner read a note, for good. Raises `AlreadyShown`, `NoteClosed`."""
    _lock(note)
    if notes.is_shown(note):
        raise AlreadyShown()
    _note_step(note, NoteAct.SHOWN, by)
    record("mentoring.note_shown", **_about(note.enrollment, by))


def take_back_note(*, note: LearnerNote, by: Person) -> None:
    """Say that a note does not hold any more; whoever could read it still can, and sees so. Raises `NoteClosed`."""
    _lock(note)
    _note_step(note, NoteAct.TAKEN_BACK, by)
    record("mentoring.note_taken_back", **_about(note.enrollment, by))


def note_opened(enrollment: Enrollment) -> None:
    """Note that the learner has opened the notes on her training, so that they are no news any more."""
    enrollment_id = enrollment.id

    def change() -> None:
        for each, found in notes.list_readings(enrollment_id).items():
            if found is None:
                session.add(NoteReading(enrollment_id=each, read_at=clock.now()))
            else:
                found.read_at = clock.now()

    touch.note(change)


def checked(text: str) -> str:
    """Return what is kept of a note's text. Raises `NoteMissing`, `NoteTooLong`."""
    said = trimmed(text)
    if not said:
        raise NoteMissing()
    if len(said) > NOTE_LIMIT:
        raise NoteTooLong(length=len(said), most=NOTE_LIMIT)
    return said


def _added(
    enrollment: Enrollment,
    text: str,
    by: Person,
    *,
    is_shown: bool,
    talk: OneToOne | None,
    corrects: LearnerNote | None = None,
) -> LearnerNote:
    row = LearnerNote(
        code=new_code(),
        enrollment=enrollment,
        text=text,
        is_shown=is_shown,
        corrects_id=corrects.id if corrects is not None else None,
        one_to_one=talk,
        by=by,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _lock(note: LearnerNote) -> None:
    """Let two who change one note come one after the other; one that is closed is refused. Raises `NoteClosed`."""
    session.execute(select(LearnerNote.id).where(LearnerNote.id == note.id).with_for_update())
    session.refresh(note, ["steps"])
    if notes.has_correction(note) or notes.step_of(note, NoteAct.TAKEN_BACK) is not None:
        raise NoteClosed()


def _note_step(note: LearnerNote, act: NoteAct, by: Person) -> None:
    note.steps.append(NoteStep(note_id=note.id, act=act, by=by, at=clock.now()))
    session.flush()


def _readers(note: LearnerNote) -> str:
    return "learner" if note.is_shown else "supervisors"


def _about(enrollment: Enrollment, by: Person, **facts: str) -> dict[str, Any]:
    """Return whom an entry in the journal is about; what was noted stays with the note, for others read the journal."""
    return {"by": by, "subject": ("enrollment", enrollment.code), "after": {"person": enrollment.person.code, **facts}}
