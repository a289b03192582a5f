"""What must always be true of attempts, re-computed from what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.library.models import ChangeClass, Document, DocumentVersion
from portal.library.rules.changes import ASKS_AGAIN
from portal.quizzes import queries, rules
from portal.quizzes.models import (
    AnswerToMark,
    Attempt,
    AttemptEvent,
    AttemptState,
    EventKind,
    FlagKind,
    HandMark,
    Item,
    ItemMark,
    Marking,
    MarkRound,
    Navigation,
    Question,
    QuestionBank,
    QuestionFlag,
    QuestionPicture,
    QuestionStaleness,
    QuestionState,
    QuestionStep,
    QuestionVersion,
    Quiz,
    QuizVersion,
    RefusedAnswer,
    Response,
    ResultsWatch,
    SubmittedBy,
    VoidRequest,
)
from portal.quizzes.queries import marking as by_hand
from portal.quizzes.queries import regrades
from portal.quizzes.queries.regrades import newest_of
from portal.quizzes.rules import taking
from portal.quizzes.rules.lifecycle import COUNTING
from portal.quizzes.rules.triggers import SIGNIFICANT
from portal.quizzes.service.attempts import hash_of
from portal.quizzes.service.banks import hash_of_version
from portal.quizzes.service.history import BEGINNING, chained
from portal.quizzes.service.marking import (
    Computed,
    compute,
    is_changed,
    most_by_hand,
    policy_of,
    rounds_of,
    section_data,
)
from portal.quizzes.types.base import read
from portal.quizzes.types.wording import digest_of_wording

_STEPS = {
    EventKind.STARTED: "in_progress",
    EventKind.SUBMITTED: "submitted",
    EventKind.MARKED: "marked",
    EventKind.RELEASED: "released",
    EventKind.VOIDED: "voided",
}
_CHUNK = 500
# Figures of flags are kept to six decimals.
_ROUNDED = 5e-6


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
        select(
            AttemptEvent.attempt_id,
            AttemptEvent.kind,
            AttemptEvent.position,
            AttemptEvent.seq,
            AttemptEvent.hash,
            AttemptEvent.at,
            AttemptEvent.details,
        )
        .where(AttemptEvent.kind.in_((EventKind.SAVED, EventKind.ACCEPTED)))
        .order_by(AttemptEvent.attempt_id, AttemptEvent.position, AttemptEvent.seq)
    )
    stored = _Rows(
        select(
            Item.attempt_id,
            Item.position,
            Response.seq,
            Response.hash,
            Response.received_at,
            Response.answer,
            Response.confidence,
        )
        .join(Response, Response.item_id == Item.id)
        .order_by(Item.attempt_id, Item.position)
    )
    # Few, if any: what came late and was accepted counts as of the time at which it came.
    accepted = {
        (row.attempt_id, row.position, row.seq, row.hash): (row.received_at, row.confidence)
        for row in session.execute(
            select(
                RefusedAnswer.attempt_id,
                Item.position,
                RefusedAnswer.seq,
                RefusedAnswer.hash,
                RefusedAnswer.received_at,
                RefusedAnswer.confidence,
            )
            .join(Item, Item.id == RefusedAnswer.item_id)
            .where(RefusedAnswer.accepted_at.is_not(None))
        )
    }

    def said(attempt_id: int, line: Any) -> tuple[Any, ...]:
        if line.kind is EventKind.ACCEPTED:
            return (line.seq, line.hash, *accepted.get((attempt_id, line.position, line.seq, line.hash), (None, None)))
        return (line.seq, line.hash, line.at, (line.details or {}).get("confidence"))

    attempts = session.execute(
        select(Attempt.id, Attempt.code).order_by(Attempt.id).execution_options(yield_per=_CHUNK)
    )
    for attempt_id, code in attempts:
        newest = {line.position: said(attempt_id, line) for line in saved.of(attempt_id)}
        answers = {row.position: row for row in stored.of(attempt_id)}
        for position in sorted(newest.keys() | answers.keys()):
            row, name = answers.get(position), f"attempt {code}, question {position}"
            if row is None:
                broken.append(f"{name}: an answer was saved, but is not stored")
            elif position not in newest:
                broken.append(f"{name}: an answer is stored that nobody has saved")
            elif (row.seq, row.hash, row.received_at, row.confidence) != newest[position]:
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
        .where(Response.received_at > Attempt.deadline_at, ~_was_accepted())
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


def _was_accepted() -> ColumnElement[bool]:
    return (
        select(RefusedAnswer.id)
        .where(
            RefusedAnswer.item_id == Item.id,
            RefusedAnswer.seq == Response.seq,
            RefusedAnswer.accepted_at.is_not(None),
        )
        .exists()
    )


def late_answers_are_kept_as_they_came() -> list[str]:
    """I3: a late answer has its line in the history, is what came then, as late as it was, and is what was decided."""
    broken = []
    lines = {
        (line.attempt_id, line.position, line.seq, line.hash, line.kind)
        for line in session.execute(
            select(
                AttemptEvent.attempt_id,
                AttemptEvent.position,
                AttemptEvent.seq,
                AttemptEvent.hash,
                AttemptEvent.kind,
            ).where(
                AttemptEvent.kind.in_((EventKind.REFUSED, EventKind.ACCEPTED, EventKind.DECLINED)),
                AttemptEvent.attempt_id.in_(select(RefusedAnswer.attempt_id)),
            )
        )
    }
    rows = session.execute(
        select(RefusedAnswer, Attempt.code, Attempt.deadline_at, Item.position, Item.attempt_id, Response.seq)
        .join(Item, Item.id == RefusedAnswer.item_id)
        .join(Attempt, Attempt.id == RefusedAnswer.attempt_id)
        .outerjoin(Response, Response.item_id == Item.id)
        .order_by(RefusedAnswer.id)
        .execution_options(yield_per=_CHUNK)
    )
    for row, code, deadline_at, position, attempt_id, stored_seq in rows:
        name = f"attempt {code}, question {position}"
        key = (attempt_id, position, row.seq, row.hash)
        if attempt_id != row.attempt_id or hash_of(row.answer) != row.hash:
            broken.append(f"{name}: the late answer that was kept has been changed")
        elif (*key, EventKind.REFUSED) not in lines:
            broken.append(f"{name}: a late answer is kept that nobody has sent")
        elif taking.late_seconds(deadline_at, row.received_at) != row.late_seconds:
            broken.append(f"{name}: a late answer was not as late as it says")
        decided = ((*key, EventKind.ACCEPTED) in lines, (*key, EventKind.DECLINED) in lines)
        if decided != (row.accepted_at is not None, row.declined_at is not None):
            broken.append(f"{name}: its history does not say what became of the late answer")
        elif row.accepted_at is not None and (stored_seq or 0) < row.seq:
            broken.append(f"{name}: the late answer was accepted, but does not count")
    return broken


def courses_are_kept() -> list[str]:
    """I4: who goes forward only is at the question that her history says, and no break was longer than agreed."""
    moved = (
        select(AttemptEvent.attempt_id, func.max(AttemptEvent.position).label("position"))
        .where(AttemptEvent.kind == EventKind.MOVED_ON)
        .group_by(AttemptEvent.attempt_id)
        .subquery()
    )
    places = session.execute(
        select(Attempt.code, Attempt.reached, func.coalesce(moved.c.position, 1), QuizVersion.navigation)
        .join(QuizVersion, QuizVersion.id == Attempt.quiz_version_id)
        .outerjoin(moved, moved.c.attempt_id == Attempt.id)
        .where(or_(Attempt.reached.is_not(None), QuizVersion.navigation == Navigation.FORWARD_ONLY))
        .order_by(Attempt.id)
    )
    broken = [
        f"attempt {code} is at question {reached}, but its history says {said}"
        for code, reached, said, navigation in places
        if reached != (said if navigation is Navigation.FORWARD_ONLY else None)
    ]
    breaks = _Rows(
        select(AttemptEvent.attempt_id, AttemptEvent.kind, AttemptEvent.details)
        .where(AttemptEvent.kind.in_((EventKind.BREAK_BEGUN, EventKind.BREAK_ENDED)))
        .order_by(AttemptEvent.attempt_id, AttemptEvent.number)
    )
    attempts = session.execute(
        select(Attempt.id, Attempt.code, Attempt.break_seconds)
        .where(Attempt.break_allowance_seconds.is_not(None))
        .order_by(Attempt.id)
        .execution_options(yield_per=_CHUNK)
    )
    for attempt_id, code, taken in attempts:
        total = last = 0
        for line in breaks.of(attempt_id):
            # What was set aside at the beginning is replaced by what was used, once that is known.
            seconds = (line.details or {}).get("seconds", 0)
            total, last = (
                (total + seconds, seconds) if line.kind is EventKind.BREAK_BEGUN else (total - last + seconds, 0)
            )
        if total != taken:
            broken.append(f"attempt {code}: its breaks are said to be {taken} s, its history says {total} s")
    return broken


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
            granted_seconds=attempt.added_seconds,
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
    """I5: every stored score equals the score computed anew from answers, question versions, people's marks and rules.

    While a regrade is being carried out a result may still be the one by the rules that stood before.
    """
    broken = []
    statement = select(Attempt).options(
        joinedload(Attempt.quiz_version, innerjoin=True),
        selectinload(Attempt.markings).selectinload(Marking.item_marks),
        selectinload(Attempt.items).joinedload(Item.question_version, innerjoin=True),
        selectinload(Attempt.items).joinedload(Item.response),
    )
    approved = regrades.list_approved()
    standing = [newest_of(approved), newest_of([rule for rule in approved if rule.finished_at is not None])]
    for attempt in _chunks(statement):
        if not attempt.markings:
            continue
        theirs = [item.id for item in attempt.items if most_by_hand(item)]
        marks = by_hand.list_hand_marks(theirs)
        if not any(_says(attempt, compute(attempt.items, attempt.quiz_version, rules_, marks)) for rules_ in standing):
            broken.append(f"attempt {attempt.code}: the stored score is not that of the stored answers")
    return broken


def _says(attempt: Attempt, computed: Computed) -> bool:
    marking, reckoned = attempt.markings[-1], computed.reckoned
    # What was passed once may stay passed; nothing else is.
    keeps = bool(marking.keeps_pass) and any(each.passed for each in attempt.markings[:-1])
    return (
        not is_changed(marking, computed)
        and (marking.points, marking.max_points) == (reckoned.points, reckoned.max_points)
        and (marking.score, marking.sections) == (reckoned.score, section_data(reckoned))
        and marking.passed == (reckoned.passed or keeps)
        and not (marking.keeps_pass and reckoned.passed)
    )


def marks_by_hand_are_sound() -> list[str]:
    """I5: nobody marks herself, or an answer twice; the points are those of the criteria and within them."""
    marker = aliased(HandMark)
    rows = session.execute(
        select(Attempt.code, Item.position)
        .join(Item, Item.attempt_id == Attempt.id)
        .join(HandMark, HandMark.item_id == Item.id)
        .join(Person, Person.id == Attempt.person_id)
        .where(Person.code == HandMark.marked_by)
        .order_by(Attempt.id, Item.position)
    )
    broken = [f"attempt {code}, question {position}: somebody marked herself" for code, position in rows]
    rows = session.execute(
        select(Attempt.code, Item.position)
        .join(Item, Item.attempt_id == Attempt.id)
        .join(HandMark, HandMark.item_id == Item.id)
        .join(
            marker,
            (marker.item_id == Item.id)
            & (marker.marked_by == HandMark.marked_by)
            & (marker.round != HandMark.round)
            & (marker.id > HandMark.id),
        )
        .order_by(Attempt.id, Item.position)
    )
    broken += [f"attempt {code}, question {position}: one person marked it twice" for code, position in rows]
    statement = select(HandMark).options(
        joinedload(HandMark.item, innerjoin=True).joinedload(Item.attempt, innerjoin=True),
        joinedload(HandMark.item, innerjoin=True).joinedload(Item.question_version, innerjoin=True),
    )
    for mark in _chunks(statement):
        most = {
            (part.id, criterion.id): criterion.points
            for part in read(mark.item.question_version.content).parts
            for criterion in part.criteria
        }
        given = {
            (part, criterion): Fraction(points)
            for part, criteria in mark.criteria.items()
            for criterion, points in criteria.items()
        }
        is_within = all(name in most and 0 <= points <= most[name] for name, points in given.items())
        if not is_within or sum(given.values(), Fraction(0)) != mark.points:
            name = f"attempt {mark.item.attempt.code}, question {mark.item.position}"
            broken.append(f"{name}: the points given by a person are not those of her criteria")
    return broken


def answers_wait_for_whom_they_need() -> list[str]:
    """I6: an attempt waits for people exactly as long as some answer of it waits for a mark, and for the right one."""
    broken = []
    has_answer = (
        select(AnswerToMark.item_id)
        .join(Item, Item.id == AnswerToMark.item_id)
        .where(Item.attempt_id == Attempt.id)
        .exists()
    )
    statement = (
        select(Attempt)
        .where(or_(has_answer, Attempt.state == AttemptState.SUBMITTED), Attempt.state != AttemptState.VOIDED)
        .options(
            joinedload(Attempt.quiz_version, innerjoin=True),
            selectinload(Attempt.items).joinedload(Item.question_version, innerjoin=True),
            selectinload(Attempt.items).joinedload(Item.response),
        )
    )
    # An attempt goes on once the regrade is finished.
    approved = regrades.list_approved()
    standing = [newest_of(approved), newest_of([rule for rule in approved if rule.finished_at is not None])]
    for attempt in _chunks(statement):
        marks = by_hand.list_hand_marks([item.id for item in attempt.items])
        stored = {row.item_id: row.round for row in by_hand.list_answers_of(attempt.id) if row.round is not None}
        expected = []
        for rules_ in standing:
            computed = compute(attempt.items, attempt.quiz_version, rules_, marks)
            rounds = rounds_of(attempt, computed)
            if attempt.state is not AttemptState.SUBMITTED:
                # Marks that lie far apart were decided on before it was marked, wherever the border lies by now.
                needed = computed.rounds(policy_of(attempt.quiz_version))
                rounds |= {item_id: due for item_id, due in needed.items() if due is MarkRound.MODERATION}
            expected.append({item_id: due for item_id, due in rounds.items() if due is not None})
        if stored not in expected:
            broken.append(f"attempt {attempt.code}: its answers wait for other marks than they need")
        elif attempt.state is AttemptState.SUBMITTED and not stored:
            broken.append(f"attempt {attempt.code} is submitted and waits for nobody")
    return broken


def markings_are_complete() -> list[str]:
    """I6: what waits for nobody is marked, the markings numbered without gaps, none before the attempt was over."""
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
                    Attempt.state.in_([AttemptState.MARKED, AttemptState.RELEASED]),
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


def results_fall_by_two_people() -> list[str]:
    """I6: an attempt whose result was out is void exactly where two people decided it, neither of them the learner.

    That they are two the database itself sees to.
    """
    confirmed = (
        select(VoidRequest.id).where(VoidRequest.attempt_id == Attempt.id, VoidRequest.is_confirmed.is_(True)).exists()
    )
    is_void = Attempt.state == AttemptState.VOIDED
    rows = session.scalars(
        select(Attempt.code)
        .where(or_(is_void & Attempt.released_at.is_not(None) & ~confirmed, confirmed & ~is_void))
        .order_by(Attempt.id)
    )
    broken = [f"attempt {code}: its result was out, and no two people decided that it is void" for code in rows]
    own = session.scalars(
        select(Attempt.code)
        .join(VoidRequest, VoidRequest.attempt_id == Attempt.id)
        .join(Person, Person.id == Attempt.person_id)
        .where(or_(VoidRequest.asked_by == Person.code, VoidRequest.decided_by == Person.code))
        .order_by(Attempt.id)
    )
    return broken + [f"attempt {code}: the learner decided about a result of her own" for code in own]


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


def pictures_of_questions_are_unchanged() -> list[str]:
    """Every picture that a wording shows is kept, and its bytes have the hash under which they are."""
    rows = session.execute(
        select(QuestionPicture.sha256, QuestionPicture.data)
        .order_by(QuestionPicture.id)
        .execution_options(yield_per=10)
    )
    known, broken = set(), []
    for hash_, data in rows:
        known.add(hash_)
        if sha256(data).hexdigest() != hash_:
            broken.append(f"the picture {hash_[:10]} of questions is not what was uploaded")
    for version in _chunks(
        select(QuestionVersion)
        .where(QuestionVersion.type == "case")
        .options(joinedload(QuestionVersion.question, innerjoin=True))
    ):
        picture = version.content.get("picture")
        if picture is not None and picture["sha256"] not in known:
            broken.append(f"question {version.question.slug}, version {version.number}, shows a picture that is gone")
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


def states_of_questions_follow_their_steps() -> list[str]:
    """A question is in the state into which its last step brought it, and each step begins where the last one ended.

    Rules that change, and re-checks, lead from live to stale and back without a step.
    """
    broken = []
    rows = session.execute(
        select(QuestionBank.slug, Question.slug, Question.state, QuestionStep.before, QuestionStep.after)
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(QuestionStep, QuestionStep.question_id == Question.id)
        .where(QuestionStep.of_proposal.is_(False))
        .order_by(Question.id, QuestionStep.id)
        .execution_options(yield_per=_CHUNK)
    )
    for (bank, slug, state), steps in groupby(rows, lambda row: (row[0], row[1], row[2])):
        last = ""
        for _bank, _slug, _state, before, after in steps:
            if last and _written(last) != _written(before):
                broken.append(f"question {bank}/{slug} takes a step from {before}, but was {last}")
            last = after.value
        if _written(last) != _written(state.value):
            broken.append(f"question {bank}/{slug} is {state.value}, but its last step made it {last}")
    return broken


def _written(state: str) -> str:
    return QuestionState.LIVE.value if state == QuestionState.STALE.value else state


def proposed_wordings_wait_beside_what_counts() -> list[str]:
    """A wording waits only beside another one that counts, and both are there."""
    number = select(QuestionVersion.number).where(QuestionVersion.question_id == Question.id)
    rows = session.execute(
        select(QuestionBank.slug, Question.slug)
        .join(Question, Question.bank_id == QuestionBank.id)
        .where(
            Question.latest.not_in(number)
            | (
                Question.proposed.is_not(None)
                & (
                    Question.proposed.not_in(number)
                    | (Question.proposed == Question.latest)
                    | Question.state.not_in([QuestionState(name) for name in sorted(COUNTING)])
                )
            )
        )
        .order_by(QuestionBank.slug, Question.slug)
    )
    return [f"question {bank}/{slug} has no wording that counts, or a proposed one that is none" for bank, slug in rows]


def flags_rest_on_results() -> list[str]:
    """What was pointed out is about a wording that people had, with the figures of its kind; one of a kind is open."""
    broken = []
    for flag in _chunks(
        select(QuestionFlag).options(
            joinedload(QuestionFlag.question_version, innerjoin=True),
            joinedload(QuestionFlag.question, innerjoin=True).joinedload(Question.bank, innerjoin=True),
        )
    ):
        name = f"flag {flag.code} of question {flag.question.bank.slug}/{flag.question.slug}"
        if flag.question_version.question_id != flag.question_id:
            broken.append(f"{name} is about a wording of another question")
        elif flag.wording != digest_of_wording(flag.question_version.content):
            broken.append(f"{name} is about another wording than it says")
        if not _are_of_kind(flag):
            broken.append(f"{name}: its figures do not say what it points out")
        elif flag.n > _had(flag):
            broken.append(f"{name} rests on {flag.n} results, more than there were")
        if flag.closed_at is not None and flag.closed_at < flag.raised_at:
            broken.append(f"{name} was closed before it was raised")
    several = session.execute(
        select(QuestionBank.slug, Question.slug, QuestionFlag.kind)
        .join(Question, Question.id == QuestionFlag.question_id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(QuestionFlag.closed_at.is_(None))
        .group_by(QuestionBank.slug, Question.slug, QuestionFlag.kind)
        .having(func.count() > 1)
        .order_by(QuestionBank.slug, Question.slug, QuestionFlag.kind)
    )
    return broken + [f"question {bank}/{slug} has several open flags: {kind.value}" for bank, slug, kind in several]


def _are_of_kind(flag: QuestionFlag) -> bool:
    """Say whether the figures of a flag are those of its kind, and agree with each other as far as they are rounded."""
    figures = flag.figures
    try:
        match flag.kind:
            case FlagKind.NEGATIVE_DISCRIMINATION:
                low, high = figures.get("low", -1), figures.get("high", 1)
                return bool(-1 <= low <= figures["discrimination"] <= high <= 1 and figures["discrimination"] <= 0)
            case FlagKind.LANGUAGE_GAP:
                difference = figures["ja"] - figures["en"]
                is_sum = figures["n_ja"] + figures["n_en"] == flag.n
                is_gap = abs(difference - figures["gap"]) < _ROUNDED
                return bool(is_sum and is_gap and 0 <= figures["p"] < SIGNIFICANT)
            case FlagKind.OVEREXPOSED:
                return bool(figures["shown"] == flag.n)
    except (KeyError, TypeError):
        return False


def _had(flag: QuestionFlag) -> int:
    """Return how many people had the wording in the quiz of a flag; of what was shown too often, how many attempts."""
    many = func.count() if flag.quiz_id is None else func.count(func.distinct(Attempt.person_id))
    statement = select(many).select_from(Item).join(Attempt, Attempt.id == Item.attempt_id)
    if flag.quiz_id is None:
        versions = select(QuestionVersion.id).where(QuestionVersion.question_id == flag.question_id)
        return session.scalar(statement.where(Item.question_version_id.in_(versions))) or 0
    had = statement.where(Attempt.quiz_id == flag.quiz_id, Item.question_version_id == flag.question_version_id)
    return session.scalar(had) or 0


def quarantines_by_results_have_their_figures() -> list[str]:
    """What the product has quarantined itself has a flag with the figures, and what they took out is not drawn."""
    key = (QuestionStep.question_id, QuestionStep.question_version_id)
    steps = session.execute(
        select(*key, func.count())
        .where(QuestionStep.by.is_(None), QuestionStep.after == QuestionState.QUARANTINED)
        .group_by(*key)
    )
    raised = session.execute(
        select(QuestionFlag.question_id, QuestionFlag.question_version_id, func.count())
        .where(QuestionFlag.kind == FlagKind.NEGATIVE_DISCRIMINATION)
        .group_by(QuestionFlag.question_id, QuestionFlag.question_version_id)
    )
    stepped, flagged = ({(row[0], row[1]): row[2] for row in rows} for rows in (steps, raised))
    apart = sorted(pair for pair in stepped.keys() | flagged.keys() if stepped.get(pair) != flagged.get(pair))
    address = select(QuestionBank.slug, Question.slug).join(QuestionBank, QuestionBank.id == Question.bank_id)
    names = {row[2]: f"{row[0]}/{row[1]}" for row in session.execute(address.add_columns(Question.id))}
    broken = [f"question {names[question]} was quarantined otherwise than its flags say" for question, _v in apart]
    drawn = session.execute(
        address.join(QuestionFlag, QuestionFlag.question_id == Question.id)
        .join(
            QuestionVersion,
            (QuestionVersion.question_id == Question.id) & (QuestionVersion.number == Question.latest),
        )
        .where(
            QuestionFlag.kind == FlagKind.NEGATIVE_DISCRIMINATION,
            QuestionFlag.closed_at.is_(None),
            Question.state.in_((QuestionState.LIVE, QuestionState.PILOT)),
            QuestionFlag.question_version_id == QuestionVersion.id,
        )
        .order_by(QuestionBank.slug, Question.slug)
    )
    return broken + [f"question {bank}/{slug} is drawn although results have taken it out" for bank, slug in drawn]


def results_are_looked_at_as_far_as_they_go() -> list[str]:
    """The results of a quiz are looked at up to one of its own markings, never further than there are any."""
    newest = (
        select(func.max(Marking.id))
        .join(Attempt, Attempt.id == Marking.attempt_id)
        .where(Attempt.quiz_id == ResultsWatch.quiz_id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Quiz.slug)
        .join(ResultsWatch, ResultsWatch.quiz_id == Quiz.id)
        .where(ResultsWatch.marking_id > func.coalesce(newest, 0))
        .order_by(Quiz.slug)
    )
    return [f"the results of quiz {slug} are said to be looked at further than there are any" for (slug,) in rows]


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
    "I3 late answers are kept as they came": late_answers_are_kept_as_they_came,
    "I4 courses and breaks are kept": courses_are_kept,
    "I4 deadlines are kept": deadlines_are_kept,
    "I5 scores follow from answers": scores_follow_from_answers,
    "I5 marks by hand are sound": marks_by_hand_are_sound,
    "I6 markings are complete": markings_are_complete,
    "I6 results fall by two people": results_fall_by_two_people,
    "I6 answers wait for whom they need": answers_wait_for_whom_they_need,
    "I9 question versions are unchanged": question_versions_say_what_they_said,
    "pictures of questions are unchanged": pictures_of_questions_are_unchanged,
    "stale questions wait for something": stale_questions_wait_for_something,
    "states of questions follow their steps": states_of_questions_follow_their_steps,
    "proposed wordings wait beside what counts": proposed_wordings_wait_beside_what_counts,
    "flags rest on results": flags_rest_on_results,
    "quarantines by results have their figures": quarantines_by_results_have_their_figures,
    "results are looked at as far as they go": results_are_looked_at_as_far_as_they_go,
}
