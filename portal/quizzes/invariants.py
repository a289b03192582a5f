"""What must always be true of attempts, re-computed from what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.core import clock
from portal.core.db import session
from portal.library.models import ChangeClass, Document, DocumentVersion
from portal.library.rules.changes import ASKS_AGAIN
from portal.quizzes import queries, rules
from portal.quizzes.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    EventKind,
    Item,
    ItemMark,
    Marking,
    Question,
    QuestionBank,
    QuestionStaleness,
    QuestionState,
    QuestionVersion,
    Response,
    SubmittedBy,
)
from portal.quizzes.service.attempts import hash_of
from portal.quizzes.service.banks import hash_of_version
from portal.quizzes.service.history import BEGINNING, chained
from portal.quizzes.service.marking import points_of

_STEPS = {
    EventKind.STARTED: "in_progress",
    EventKind.SUBMITTED: "submitted",
    EventKind.MARKED: "marked",
    EventKind.RELEASED: "released",
    EventKind.VOIDED: "voided",
}
_CHUNK = 500


def attempts_are_single_and_numbered() -> list[str]:
    """I1: at most one attempt in progress for each person and quiz; attempt numbers without gaps."""
    running = session.execute(
        select(Attempt.person_id, Attempt.quiz_id)
        .where(Attempt.state == AttemptState.IN_PROGRESS)
        .group_by(Attempt.person_id, Attempt.quiz_id)
        .having(func.count() > 1)
    )
    broken = [f"person {person} has several attempts of quiz {quiz} in progress" for person, quiz in running]
    gaps = session.execute(
        select(Attempt.person_id, Attempt.quiz_id)
        .group_by(Attempt.person_id, Attempt.quiz_id)
        .having(or_(func.count() != func.max(Attempt.attempt_no), func.min(Attempt.attempt_no) != 1))
    )
    return broken + [
        f"the attempts of person {person} at quiz {quiz} are not numbered 1, 2, 3 …" for person, quiz in gaps
    ]


def histories_are_legal() -> list[str]:
    """I2: every state was reached by legal steps, each with exactly one line of a history that nobody has edited."""
    broken = []
    events = _Rows(select(*AttemptEvent.__table__.c).order_by(AttemptEvent.attempt_id, AttemptEvent.number))
    attempts = session.execute(
        select(Attempt.id, Attempt.code, Attempt.state, Attempt.history_length, Attempt.history_hash)
        .order_by(Attempt.id)
        .execution_options(yield_per=_CHUNK)
    )
    for attempt in attempts:
        lines = events.of(attempt.id)
        history = [_STEPS[line.kind] for line in lines if line.kind in _STEPS]
        # A correction marks again without taking the release back.
        reached = "released" if "released" in history and history[-1] == "marked" else (history or [""])[-1]
        if not rules.is_legal_history(history) or attempt.state.value not in (reached, (history or [""])[-1]):
            said = ", ".join(history) or "nothing"
            broken.append(f"attempt {attempt.code} is {attempt.state.value}, but its history says: {said}")
        end = BEGINNING
        for number, line in enumerate(lines, start=1):
            if line.number != number:
                broken.append(f"attempt {attempt.code}: line {number} of its history is missing")
                break
            if line.chain != chained(end.chain, line._mapping):
                broken.append(f"attempt {attempt.code}: line {number} of its history has been changed")
            end = queries.LastEvent(number, line.chain)
        said_end = (attempt.history_length, attempt.history_hash)
        if attempt.state is not AttemptState.IN_PROGRESS and said_end != (end.number, end.chain):
            broken.append(
                f"attempt {attempt.code}: its history ended with line {attempt.history_length}, now with {end.number}"
            )
    return broken


def answers_are_those_that_were_saved() -> list[str]:
    """I3: what is stored for a question is its newest saved answer in the attempt's history, and nothing else."""
    broken = []
    saved = _Rows(
        select(AttemptEvent.attempt_id, AttemptEvent.position, AttemptEvent.seq, AttemptEvent.hash, AttemptEvent.at)
        .where(AttemptEvent.kind == EventKind.SAVED)
        .order_by(AttemptEvent.attempt_id, AttemptEvent.position, AttemptEvent.seq)
    )
    stored = _Rows(
        select(Item.attempt_id, Item.position, Response.seq, Response.hash, Response.received_at, Response.answer)
        .join(Response, Response.item_id == Item.id)
        .order_by(Item.attempt_id, Item.position)
    )
    attempts = session.execute(
        select(Attempt.id, Attempt.code).order_by(Attempt.id).execution_options(yield_per=_CHUNK)
    )
    for attempt_id, code in attempts:
        newest = {line.position: (line.seq, line.hash, line.at) for line in saved.of(attempt_id)}
        answers = {row.position: row for row in stored.of(attempt_id)}
        for position in sorted(newest.keys() | answers.keys()):
            row, name = answers.get(position), f"attempt {code}, question {position}"
            if row is None:
                broken.append(f"{name}: an answer was saved, but is not stored")
            elif position not in newest:
                broken.append(f"{name}: an answer is stored that nobody has saved")
            elif (row.seq, row.hash, row.received_at) != newest[position]:
                broken.append(f"{name}: what is stored is not what was saved last")
            elif hash_of(row.answer) != row.hash:
                broken.append(f"{name}: the stored answer has been changed")
    return broken


def answers_came_in_time() -> list[str]:
    """I3: no answer was taken after the deadline and its tolerance, nor after handing in."""
    rows = session.execute(
        select(Attempt.code, Item.position, Response.received_at, Attempt.deadline_at, Attempt.tolerance_seconds)
        .join(Item, Item.attempt_id == Attempt.id)
        .join(Response, Response.item_id == Item.id)
        .where(Response.received_at > Attempt.deadline_at)
        .order_by(Attempt.id, Item.position)
    )
    late = [
        f"attempt {code}, question {position}: an answer of {received:%H:%M:%S} was taken; the deadline: {end:%H:%M:%S}"
        for code, position, received, end, tolerance in rows
        if received > end + timedelta(seconds=tolerance)
    ]
    after = session.execute(
        select(Attempt.code, Item.position)
        .join(Item, Item.attempt_id == Attempt.id)
        .join(Response, Response.item_id == Item.id)
        .where(
            Attempt.submitted_by == SubmittedBy.LEARNER,
            Attempt.finished_at < Attempt.deadline_at,
            Response.received_at > Attempt.finished_at,
        )
        .order_by(Attempt.id, Item.position)
    )
    return late + [
        f"attempt {code}, question {position}: an answer was taken after handing in" for code, position in after
    ]


def deadlines_are_kept() -> list[str]:
    """I4: nothing finished after its deadline, each deadline follows from its facts, and nothing stays open."""
    broken = [
        f"attempt {code} finished after its deadline"
        for code in session.scalars(
            select(Attempt.code).where(Attempt.finished_at > Attempt.deadline_at).order_by(Attempt.id)
        )
    ]
    broken += [
        f"attempt {code} finished before it began"
        for code in session.scalars(
            select(Attempt.code).where(Attempt.finished_at < Attempt.started_at).order_by(Attempt.id)
        )
    ]
    for attempt in _chunks(select(Attempt).options(joinedload(Attempt.quiz_version, innerjoin=True))):
        expected = rules.deadline(
            started_at=attempt.started_at,
            limit_seconds=attempt.limit_seconds,
            multiplier=attempt.multiplier,
            granted_seconds=attempt.granted_seconds,
            closes_at=attempt.quiz_version.closes_at,
        )
        if attempt.deadline_at != expected:
            broken.append(f"attempt {attempt.code}: its deadline does not follow from its start, limit and grants")
    # No tolerance is longer than a minute.
    forgotten = clock.now() - timedelta(minutes=16)
    broken += [
        f"attempt {code} has been over for more than 15 minutes and is still open; is the worker running?"
        for code in session.scalars(
            select(Attempt.code)
            .where(Attempt.state == AttemptState.IN_PROGRESS, Attempt.deadline_at < forgotten)
            .order_by(Attempt.id)
        )
    ]
    return broken


def scores_follow_from_answers() -> list[str]:
    """I5: every stored score equals the score computed anew from stored answers and question versions."""
    broken = []
    statement = select(Attempt).options(
        joinedload(Attempt.quiz_version, innerjoin=True),
        selectinload(Attempt.markings).selectinload(Marking.item_marks),
        selectinload(Attempt.items).joinedload(Item.question_version, innerjoin=True),
        selectinload(Attempt.items).joinedload(Item.response),
    )
    for attempt in _chunks(statement):
        if not attempt.markings:
            continue
        marking = attempt.markings[-1]
        points = {item.id: points_of(item) for item in attempt.items}
        total = sum(points.values(), Fraction(0))
        most = sum((item.max_points for item in attempt.items), Fraction(0))
        achieved = rules.score(total, most)
        stored = {mark.item_id: mark.points for mark in marking.item_marks}
        if (
            stored != points
            or (marking.points, marking.max_points, marking.score) != (total, most, achieved)
            or marking.passed != rules.has_passed(achieved, attempt.quiz_version.pass_mark)
        ):
            broken.append(f"attempt {attempt.code}: the stored score is not that of the stored answers")
    return broken


def markings_are_complete() -> list[str]:
    """I6: every attempt that was handed in is marked, the markings numbered without gaps, none before it was over."""
    counts = (
        select(
            Marking.attempt_id,
            func.count().label("number"),
            func.max(Marking.marking_no).label("last"),
            func.min(Marking.marking_no).label("first"),
        )
        .group_by(Marking.attempt_id)
        .subquery()
    )
    rows = session.execute(
        select(Attempt.code, Attempt.state, counts.c.number, counts.c.last, counts.c.first)
        .outerjoin(counts, counts.c.attempt_id == Attempt.id)
        .where(
            or_(
                and_(
                    Attempt.state.in_([AttemptState.MARKED, AttemptState.RELEASED, AttemptState.SUBMITTED]),
                    counts.c.number.is_(None),
                ),
                and_(Attempt.state == AttemptState.IN_PROGRESS, counts.c.number.is_not(None)),
                counts.c.number != counts.c.last,
                counts.c.first != 1,
            )
        )
        .order_by(Attempt.id)
    )
    broken = [f"attempt {code} is {state.value} and has {number or 0} markings" for code, state, number, _, _ in rows]
    unmarked = session.execute(
        select(Attempt.code, func.count())
        .join(Marking, Marking.attempt_id == Attempt.id)
        .join(Item, Item.attempt_id == Attempt.id)
        .outerjoin(ItemMark, and_(ItemMark.marking_id == Marking.id, ItemMark.item_id == Item.id))
        .where(ItemMark.item_id.is_(None))
        .group_by(Attempt.id, Attempt.code)
        .order_by(Attempt.id)
    )
    return broken + [f"attempt {code}: {number} questions are not marked" for code, number in unmarked]


def question_versions_say_what_they_said() -> list[str]:
    """I9, for questions: every version still has the hash under which it was stored."""
    broken = []
    statement = select(QuestionVersion).options(
        selectinload(QuestionVersion.citations), joinedload(QuestionVersion.question, innerjoin=True)
    )
    for version in _chunks(statement):
        if version.hash != hash_of_version(version.content, version.citations):
            broken.append(
                f"question {version.question.slug}, version {version.number}, has been changed since it was stored"
            )
    return broken


def stale_questions_wait_for_something() -> list[str]:
    """A question is stale exactly as long as a version that changed its clauses is not settled."""
    address = (QuestionBank.slug, Question.slug)
    open_rows = select(QuestionStaleness.id).where(
        QuestionStaleness.question_id == Question.id, QuestionStaleness.settled_at.is_(None)
    )
    bank = select(*address).join(QuestionBank, QuestionBank.id == Question.bank_id).order_by(*address)
    drawn = session.execute(bank.where(Question.state == QuestionState.LIVE, open_rows.exists()))
    waiting = session.execute(bank.where(Question.state == QuestionState.STALE, ~open_rows.exists()))
    causes = session.execute(
        bank.add_columns(DocumentVersion.number)
        .join(QuestionStaleness, QuestionStaleness.question_id == Question.id)
        .join(DocumentVersion, DocumentVersion.id == QuestionStaleness.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            DocumentVersion.change_class.not_in([ChangeClass(name) for name in sorted(ASKS_AGAIN)])
            | (Document.slug != QuestionStaleness.document_slug)
            | (DocumentVersion.number != QuestionStaleness.version_number)
        )
    )
    return (
        [f"question {bank}/{slug} is drawn although it waits for a re-check" for bank, slug in drawn]
        + [f"question {bank}/{slug} is stale, but nothing says because of what" for bank, slug in waiting]
        + [f"question {bank}/{slug} waits because of a version that asks for nothing" for bank, slug, _number in causes]
    )


class _Rows:
    """Rows that name their attempt and are ordered by it, given out attempt by attempt."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        rows = session.execute(statement.execution_options(yield_per=_CHUNK))
        self._groups = groupby(rows, lambda row: row.attempt_id)
        self._next = next(self._groups, None)

    def of(self, attempt_id: int) -> list[Any]:
        """Return the rows of an attempt; attempts are asked for in their order."""
        while self._next is not None and self._next[0] < attempt_id:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != attempt_id:
            return []
        rows = list(self._next[1])
        self._next = next(self._groups, None)
        return rows


def _chunks(statement: Select[Any]) -> Iterator[Any]:
    """Yield the rows of a statement over one table piece by piece, so that memory does not grow with them."""
    entity = statement.column_descriptions[0]["entity"]
    last = 0
    while True:
        rows = session.scalars(statement.where(entity.id > last).order_by(entity.id).limit(_CHUNK)).unique().all()
        yield from rows
        if len(rows) < _CHUNK:
            return
        last = rows[-1].id
        session.expire_all()


INVARIANTS = {
    "I1 attempts are single and numbered": attempts_are_single_and_numbered,
    "I2 histories of attempts are legal": histories_are_legal,
    "I3 answers came in time": answers_came_in_time,
    "I3 answers are those that were saved": answers_are_those_that_were_saved,
    "I4 deadlines are kept": deadlines_are_kept,
    "I5 scores follow from answers": scores_follow_from_answers,
    "I6 markings are complete": markings_are_complete,
    "I9 question versions are unchanged": question_versions_say_what_they_said,
    "stale questions wait for something": stale_questions_wait_for_something,
}
