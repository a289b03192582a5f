"""Reading notes on a learner; what is not meant for her is left out in the statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import Person
from portal.core.db import session
from portal.core.i18n import Words
from portal.mentoring.errors import NoSuchNote, NoSuchTalk
from portal.mentoring.models import LearnerNote, NoteReading, NoteStep, OneToOne, TalkTakenBack
from portal.mentoring.rules import NoteAct
from portal.training.models import Enrollment, PlanVersion
from portal.training.queries import WITH_STEPS, whole_training


@dataclass(frozen=True, slots=True)
class Note:
    """A note with its earlier wordings, the first one first, as far as the reader may know of them."""

    latest: LearnerNote
    earlier: Sequence[LearnerNote] = ()

    @property
    def is_shown(self) -> bool:
        """Whether the learner can read what it says now."""
        return is_shown(self.latest)

    @property
    def shown_later(self) -> NoteStep | None:
        """That it was shown after it had been written, if it was."""
        return step_of(self.latest, NoteAct.SHOWN)

    @property
    def taken_back(self) -> NoteStep | None:
        """That it was taken back, if it was."""
        return step_of(self.latest, NoteAct.TAKEN_BACK)


def step_of(note: LearnerNote, act: NoteAct) -> NoteStep | None:
    """Return what became of a wording, if it did."""
    return next((each for each in note.steps if each.act is act), None)


def is_shown(note: LearnerNote) -> bool:
    """Say whether the learner can read a wording."""
    return note.is_shown or step_of(note, NoteAct.SHOWN) is not None


def _has_been(act: NoteAct) -> ColumnElement[bool]:
    return exists().where(NoteStep.note_id == LearnerNote.id, NoteStep.act == act)


def get_note(code: str) -> LearnerNote:
    """Return the wording of the code, with its training. Raises `NoSuchNote`."""
    found = session.scalar(
        select(LearnerNote)
        .where(LearnerNote.code == code)
        .options(selectinload(LearnerNote.steps), joinedload(LearnerNote.enrollment).options(*WITH_STEPS))
    )
    if found is None:
        raise NoSuchNote()
    return found


def has_correction(note: LearnerNote) -> bool:
    """Say whether another wording stands in the place of this one."""
    return session.scalar(select(LearnerNote.id).where(LearnerNote.corrects_id == note.id)) is not None


def list_notes(
    enrollment_id: int, *, shown_only: bool, since: datetime | None = None, until: datetime | None = None
) -> list[Note]:
    """Return the notes on a training, in whichever version of its plan, the newest first, in two statements.

    For the learner (`shown_only`) those wordings alone that she may read. With bounds those whose latest wording was
    written from the first instant on and before the second.
    """
    statement = select(LearnerNote).where(LearnerNote.enrollment_id.in_(whole_training(enrollment_id)))
    if shown_only:
        statement = statement.where(or_(LearnerNote.is_shown, _has_been(NoteAct.SHOWN)))
    rows = session.scalars(
        statement.options(selectinload(LearnerNote.steps), joinedload(LearnerNote.one_to_one)).order_by(LearnerNote.id)
    ).all()
    found: dict[int, Note] = {}
    for row in rows:
        before = found.pop(row.corrects_id, None) if row.corrects_id is not None else None
        found[row.id] = Note(row, (*before.earlier, before.latest) if before else ())
    return [
        note
        for note in sorted(found.values(), key=lambda each: each.latest.id, reverse=True)
        if (since is None or note.latest.at >= since) and (until is None or note.latest.at < until)
    ]


def wording_in_force(note: LearnerNote) -> Note:
    """Return the note of which this is a wording, with the latest one, in two statements."""
    found = list_notes(note.enrollment_id, shown_only=False)
    return next(each for each in found if note.id in {each.latest.id, *(one.id for one in each.earlier)})


def list_one_to_ones(enrollment_id: int) -> list[OneToOne]:
    """Return the talks that were recorded with a learner in a training, the latest first; taken back ones, too."""
    return list(
        session.scalars(
            select(OneToOne)
            .where(OneToOne.enrollment_id.in_(whole_training(enrollment_id)))
            .order_by(OneToOne.held_on.desc(), OneToOne.id.desc())
        )
    )


def has_talked_on(enrollment_id: int, by: Person, held_on: date) -> bool:
    """Say whether a talk of somebody with the learner on a day is recorded, and was not taken back."""
    return session.scalar(_held_by(enrollment_id, by, held_on).with_only_columns(OneToOne.id)) is not None


def get_talk(enrollment: Enrollment, by: Person, held_on: date) -> OneToOne:
    """Return the talk that somebody has recorded on a day and that was not taken back. Raises `NoSuchTalk`."""
    found = session.scalar(
        _held_by(enrollment.id, by, held_on).options(joinedload(OneToOne.enrollment).options(*WITH_STEPS))
    )
    if found is None:
        raise NoSuchTalk()
    return found


def _held_by(enrollment_id: int, by: Person, held_on: date) -> Select[OneToOne]:
    return select(OneToOne).where(
        OneToOne.enrollment_id.in_(whole_training(enrollment_id)),
        OneToOne.by_id == by.id,
        OneToOne.held_on == held_on,
        ~exists().where(TalkTakenBack.talk_id == OneToOne.id),
    )


@dataclass(frozen=True, slots=True)
class Unread:
    """A note that its learner can read and has not opened yet; since when she can."""

    person_id: int
    enrollment_code: str
    plan: Words
    text: str
    by: Person
    since: datetime


# When a wording could first be read by its learner.
_shown = aliased(NoteStep)
_since = func.coalesce(_shown.at, LearnerNote.at)
_correction = aliased(LearnerNote)
_UNREAD = (
    select(Enrollment.person_id, Enrollment.code, PlanVersion.title, LearnerNote.text, Person, _since.label("since"))
    .join(Enrollment, Enrollment.id == LearnerNote.enrollment_id)
    .join(PlanVersion, PlanVersion.id == Enrollment.plan_version_id)
    .join(Person, Person.id == LearnerNote.by_id)
    .outerjoin(_shown, and_(_shown.note_id == LearnerNote.id, _shown.act == NoteAct.SHOWN))
    .outerjoin(NoteReading, NoteReading.enrollment_id == LearnerNote.enrollment_id)
    .where(
        or_(LearnerNote.is_shown, _shown.id.is_not(None)),
        or_(NoteReading.read_at.is_(None), NoteReading.read_at <= _since),
        ~_has_been(NoteAct.TAKEN_BACK),
        ~exists().where(_correction.corrects_id == LearnerNote.id),
    )
    .order_by(LearnerNote.id)
)
_UNREAD_OF_ENROLLMENTS = _UNREAD.where(LearnerNote.enrollment_id.in_(bindparam("ids", expanding=True)))
_UNREAD_OF_PEOPLE = _UNREAD.where(Enrollment.person_id.in_(bindparam("ids", expanding=True)))


def list_unread(*, enrollments: Collection[int] = (), people: Collection[int] = ()) -> list[Unread]:
    """Return what the learners of these enrollments, or these people, can read and have not opened, in order."""
    statement, ids = (_UNREAD_OF_ENROLLMENTS, enrollments) if enrollments else (_UNREAD_OF_PEOPLE, people)
    if not ids:
        return []
    return [Unread(*row) for row in session.execute(statement, {"ids": list(ids)})]


def list_readings(enrollment_id: int) -> dict[int, NoteReading | None]:
    """Return enrollment's row number → when the learner last opened its notes, over all versions of the plan."""
    rows = session.execute(
        select(Enrollment.id, NoteReading)
        .outerjoin(NoteReading, NoteReading.enrollment_id == Enrollment.id)
        .where(Enrollment.id.in_(whole_training(enrollment_id)))
    )
    return {row[0]: row[1] for row in rows}
