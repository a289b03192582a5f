"""Answers that people mark: what waits for whom, what was given so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from portal.accounts.models import Person
from portal.core.codes import normalise
from portal.core.db import session
from portal.quizzes.errors import NoSuchAnswer
from portal.quizzes.models import (
    AnswerToMark,
    Appeal,
    Attempt,
    AttemptState,
    HandMark,
    Item,
    MarkDraft,
    MarkRound,
    Question,
    QuestionBank,
    QuestionVersion,
    QuizVersion,
    Remedy,
)

# An attempt that was made void, or whose minutes still run, has nothing that waits.
_WAITING_STATES = (AttemptState.SUBMITTED, AttemptState.MARKED, AttemptState.RELEASED)


@dataclass(frozen=True, slots=True)
class Pile:
    """Answers to one question in one quiz that wait for the same mark; `taken`: somebody else has them before her."""

    quiz_id: int
    version_id: int
    round: MarkRound
    count: int
    taken: int
    since: datetime


def _waits_for(person: Person) -> ColumnElement[bool]:
    """Return the condition that an answer waits for a mark of this person: nobody marks herself, or an answer twice."""
    before = aliased(HandMark)
    return and_(
        AnswerToMark.round.is_not(None),
        Attempt.state.in_(_WAITING_STATES),
        Attempt.person_id != person.id,
        ~select(before.id).where(before.item_id == AnswerToMark.item_id, before.marked_by == person.code).exists(),
    )


def _is_free(person: Person, now: datetime) -> ColumnElement[bool]:
    return or_(
        AnswerToMark.taken_until.is_(None), AnswerToMark.taken_until <= now, AnswerToMark.taken_by == person.code
    )


def _waiting(person: Person, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(AnswerToMark)
        .join(Item, Item.id == AnswerToMark.item_id)
        .join(Attempt, Attempt.id == Item.attempt_id)
        .where(_waits_for(person))
    )


def list_piles(person: Person, now: datetime) -> list[Pile]:
    """Return what waits for marks that this person may give, by quiz, question and round, the oldest first."""
    free = func.sum(func.coalesce(_as_number(_is_free(person, now)), 0))
    oldest = func.min(AnswerToMark.since)
    rows = session.execute(
        _waiting(person, Attempt.quiz_id, Item.question_version_id, AnswerToMark.round, func.count(), free, oldest)
        .group_by(Attempt.quiz_id, Item.question_version_id, AnswerToMark.round)
        .order_by(oldest, Attempt.quiz_id, Item.question_version_id, AnswerToMark.round)
    )
    return [
        Pile(quiz_id, version_id, round_, count, count - int(is_free or 0), since)
        for quiz_id, version_id, round_, count, is_free, since in rows
    ]


def _as_number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def count_waiting(person: Person) -> int:
    """Return how many answers wait for a mark that this person may give."""
    return session.scalar(_waiting(person, func.count())) or 0


def list_free(
    person: Person, now: datetime, *, quiz_id: int, version_id: int, round_: MarkRound, limit: int = 5
) -> list[AnswerToMark]:
    """Return answers of a pile that nobody else has before her: this person's own first, then by lot."""
    statement = _waiting(person, AnswerToMark).where(
        Attempt.quiz_id == quiz_id,
        Item.question_version_id == version_id,
        AnswerToMark.round == round_,
        _is_free(person, now),
    )
    mine = _as_number(and_(AnswerToMark.taken_by == person.code, AnswerToMark.taken_until > now))
    return list(session.scalars(statement.order_by(mine.desc(), AnswerToMark.code).limit(limit)))


def count_free(person: Person, now: datetime, *, quiz_id: int, version_id: int, round_: MarkRound) -> int:
    """Return how many answers of a pile this person could take now."""
    return (
        session.scalar(
            _waiting(person, func.count()).where(
                Attempt.quiz_id == quiz_id,
                Item.question_version_id == version_id,
                AnswerToMark.round == round_,
                _is_free(person, now),
            )
        )
        or 0
    )


def get_answer_to_mark(code: str) -> AnswerToMark:
    """Return the answer of this code with its attempt and question. Raises `NoSuchAnswer`."""
    found = session.scalar(
        select(AnswerToMark)
        .join(AnswerToMark.item)
        .where(AnswerToMark.code == normalise(code))
        .options(
            contains_eager(AnswerToMark.item).joinedload(Item.attempt, innerjoin=True),
            contains_eager(AnswerToMark.item).joinedload(Item.question_version, innerjoin=True),
            contains_eager(AnswerToMark.item).joinedload(Item.response),
        )
    )
    if found is None:
        raise NoSuchAnswer()
    return found


def lock_answer(item_id: int) -> AnswerToMark:
    """Return the answer as it stands now, nobody else taking or marking it until this transaction ends."""
    return session.scalars(
        select(AnswerToMark)
        .where(AnswerToMark.item_id == item_id)
        .with_for_update(of=AnswerToMark)
        .execution_options(populate_existing=True)
    ).one()


def list_answers_of(attempt_id: int) -> list[AnswerToMark]:
    """Return the answers of an attempt that people mark."""
    return list(
        session.scalars(
            select(AnswerToMark)
            .join(Item, Item.id == AnswerToMark.item_id)
            .where(Item.attempt_id == attempt_id)
            .order_by(Item.position)
        )
    )


def list_reopened(attempt_id: int) -> list[int]:
    """Return the items of an attempt that are to be marked again because an appeal was upheld."""
    return list(session.scalars(select(Item.id).join(Appeal, _is_reopening()).where(Item.attempt_id == attempt_id)))


def find_reopening(item_id: int) -> Appeal | None:
    """Return the appeal because of which an item waits for another mark, or None."""
    return session.scalar(
        select(Appeal).join(Item, _is_reopening()).where(Item.id == item_id).order_by(Appeal.id).limit(1)
    )


def _is_reopening() -> ColumnElement[bool]:
    return and_(
        Appeal.item_id == Item.id,
        Appeal.remedy == Remedy.REMARK,
        ~select(HandMark.id).where(HandMark.appeal_id == Appeal.id).exists(),
    )


def is_waiting(attempt: Attempt) -> bool:
    """Say whether an attempt that was handed in waits for marks of people."""
    return attempt.state is AttemptState.SUBMITTED and bool(
        session.scalar(
            select(AnswerToMark.item_id)
            .join(Item, Item.id == AnswerToMark.item_id)
            .where(Item.attempt_id == attempt.id)
            .limit(1)
        )
    )


def list_hand_marks(item_ids: Collection[int]) -> dict[int, list[HandMark]]:
    """Return item → the marks that people gave for it, in the order in which they were given."""
    found: dict[int, list[HandMark]] = {}
    if item_ids:
        for mark in session.scalars(select(HandMark).where(HandMark.item_id.in_(item_ids)).order_by(HandMark.id)):
            found.setdefault(mark.item_id, []).append(mark)
    return found


def has_hand_marks(attempt_id: int) -> bool:
    """Say whether a person has marked an answer of an attempt."""
    marked = select(HandMark.id).join(Item, Item.id == HandMark.item_id).where(Item.attempt_id == attempt_id)
    return session.scalar(marked.limit(1)) is not None


def find_draft(item_id: int, person: Person) -> MarkDraft | None:
    """Return what the person has written about an answer and not given, or None."""
    return session.get(MarkDraft, (item_id, person.id))


def list_recently_marked(person: Person, limit: int = 10) -> Sequence[tuple[HandMark, AnswerToMark, QuestionVersion]]:
    """Return what the person marked last in attempts that wait for further marks: that can still be changed."""
    newer = aliased(HandMark)
    rows = session.execute(
        select(HandMark, AnswerToMark, QuestionVersion)
        .join(Item, Item.id == HandMark.item_id)
        .join(AnswerToMark, AnswerToMark.item_id == Item.id)
        .join(Attempt, Attempt.id == Item.attempt_id)
        .join(QuestionVersion, QuestionVersion.id == Item.question_version_id)
        .where(
            HandMark.marked_by == person.code,
            Attempt.state == AttemptState.SUBMITTED,
            ~select(newer.id).where(newer.item_id == HandMark.item_id, newer.id > HandMark.id).exists(),
        )
        .order_by(HandMark.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def list_versions_with_questions(version_ids: Collection[int]) -> dict[int, QuestionVersion]:
    """Return question versions by their row numbers, each with its question and bank."""
    return {
        version.id: version
        for version in session.scalars(
            select(QuestionVersion)
            .where(QuestionVersion.id.in_(version_ids))
            .options(joinedload(QuestionVersion.question, innerjoin=True).joinedload(Question.bank, innerjoin=True))
        )
    }


@dataclass(frozen=True, slots=True)
class Marked:
    """The marks of one answer with what its quiz says about them, for figures."""

    version_id: int
    quiz_version: QuizVersion
    item: Item
    marks: Sequence[HandMark]


def list_marked_twice(quiz_id: int) -> list[Marked]:
    """Return the answers in a quiz that a first and a second person have marked."""
    first, second = aliased(HandMark), aliased(HandMark)
    items = list(
        session.scalars(
            select(Item)
            .join(Attempt, Attempt.id == Item.attempt_id)
            .where(
                Attempt.quiz_id == quiz_id,
                Attempt.state != AttemptState.VOIDED,
                select(first.id).where(first.item_id == Item.id, first.round == MarkRound.FIRST).exists(),
                select(second.id).where(second.item_id == Item.id, second.round == MarkRound.SECOND).exists(),
            )
            .order_by(Item.id)
            .options(
                joinedload(Item.attempt, innerjoin=True).joinedload(Attempt.quiz_version, innerjoin=True),
                joinedload(Item.question_version, innerjoin=True),
            )
        )
    )
    marks = list_hand_marks([item.id for item in items])
    return [Marked(item.question_version_id, item.attempt.quiz_version, item, marks[item.id]) for item in items]


def find_version(bank: QuestionBank, slug: str, number: int) -> QuestionVersion | None:
    """Return a wording of a question of the bank with its citations, or None."""
    return session.scalar(
        select(QuestionVersion)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(Question.bank_id == bank.id, Question.slug == slug, QuestionVersion.number == number)
        .options(joinedload(QuestionVersion.question, innerjoin=True))
    )
