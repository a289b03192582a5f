"""What results point out about questions, and how far the results of each quiz were looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from portal.core import clock
from portal.core.codes import normalise
from portal.core.db import session
from portal.quizzes.errors import NoSuchFlag
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    FlagKind,
    Item,
    ItemMark,
    Marking,
    Question,
    QuestionBank,
    QuestionFlag,
    QuestionState,
    QuestionVersion,
    ResultsWatch,
)
from portal.quizzes.types.wording import digest_of_wording

_WITH_QUESTION = (
    joinedload(QuestionFlag.question, innerjoin=True).joinedload(Question.bank, innerjoin=True),
    joinedload(QuestionFlag.question_version, innerjoin=True),
)


# --- looking at results ------------------------------------------------------------------------


def list_unlooked_ids() -> list[int]:
    """Return the quizzes with a marking that is newer than what was looked at last."""
    return list(
        session.scalars(
            select(Attempt.quiz_id)
            .join(Marking, Marking.attempt_id == Attempt.id)
            .outerjoin(ResultsWatch, ResultsWatch.quiz_id == Attempt.quiz_id)
            .where(or_(ResultsWatch.marking_id.is_(None), Marking.id > ResultsWatch.marking_id))
            .distinct()
            .order_by(Attempt.quiz_id)
        )
    )


def lock_watch(quiz_id: int) -> ResultsWatch:
    """Return how far the results of a quiz were looked at, nobody else looking until this transaction ends."""
    if session.get(ResultsWatch, quiz_id) is None:
        try:
            with session.begin_nested():
                session.add(ResultsWatch(quiz_id=quiz_id, marking_id=0, looked_at=clock.now()))
        except IntegrityError:
            # Somebody else has begun at the same moment.
            session.expire_all()
    return session.scalars(
        select(ResultsWatch)
        .where(ResultsWatch.quiz_id == quiz_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def looked_up_to(quiz_id: int) -> int:
    """Return the row number of the newest marking of a quiz that was looked at; 0 where none was."""
    return session.scalar(select(ResultsWatch.marking_id).where(ResultsWatch.quiz_id == quiz_id)) or 0


def newest_marking(quiz_id: int) -> int:
    """Return the row number of the newest marking of a quiz; 0 where there is none."""
    return (
        session.scalar(
            select(func.max(Marking.id))
            .join(Attempt, Attempt.id == Marking.attempt_id)
            .where(Attempt.quiz_id == quiz_id)
        )
        or 0
    )


def has_results(quiz_id: int, least: int) -> bool:
    """Say whether at least so many attempts at a quiz were released."""
    some = select(Attempt.id).where(Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.RELEASED).limit(least)
    return (session.scalar(select(func.count()).select_from(some.subquery())) or 0) >= least


@dataclass(frozen=True, slots=True)
class Counted:
    """A version that counts, of a question that may be drawn, and where it stands."""

    question_id: int
    bank_id: int
    state: QuestionState


def list_counted(version_ids: Collection[int]) -> dict[int, Counted]:
    """Return of these versions those that count, of questions that are live or on trial, by row number."""
    rows = session.execute(
        select(QuestionVersion.id, Question.id, Question.bank_id, Question.state)
        .join(Question, (Question.id == QuestionVersion.question_id) & (Question.latest == QuestionVersion.number))
        .where(
            QuestionVersion.id.in_(version_ids),
            Question.state.in_((QuestionState.LIVE, QuestionState.PILOT)),
            Question.position.is_not(None),
        )
    )
    return {version_id: Counted(question, bank, state) for version_id, question, bank, state in rows}


def count_exposures(question_ids: Collection[int], least: int) -> dict[int, tuple[str, int]]:
    """Return question → (its wording that counts, in how many attempts that was shown in whatever version).

    Of those whose versions together were shown more than `least` times.
    """
    rows = session.execute(
        select(QuestionVersion.question_id, QuestionVersion.id, func.count())
        .join(Item, Item.question_version_id == QuestionVersion.id)
        .where(QuestionVersion.question_id.in_(question_ids))
        .group_by(QuestionVersion.question_id, QuestionVersion.id)
    )
    by_question: dict[int, dict[int, int]] = {}
    for question_id, version_id, shown in rows:
        by_question.setdefault(question_id, {})[version_id] = shown
    often = {question_id: shown for question_id, shown in by_question.items() if sum(shown.values()) > least}
    wordings: dict[int, dict[int, str]] = {}
    counting: dict[int, int] = {}
    for question_id, version_id, number, latest, content in session.execute(
        select(
            QuestionVersion.question_id, QuestionVersion.id, QuestionVersion.number, Question.latest,
            QuestionVersion.content,
        )
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(QuestionVersion.question_id.in_(often))
    ):  # fmt: skip
        wordings.setdefault(question_id, {})[version_id] = digest_of_wording(content)
        if number == latest:
            counting[question_id] = version_id
    found = {}
    for question_id, of_versions in often.items():
        wording = wordings[question_id][counting[question_id]]
        same = sum(many for version_id, many in of_versions.items() if wordings[question_id][version_id] == wording)
        found[question_id] = (wording, same)
    return found


# --- what was pointed out ----------------------------------------------------------------------


def get_flag(code: str) -> QuestionFlag:
    """Return what was pointed out under this code, with its question. Raises `NoSuchFlag`."""
    found = session.scalar(select(QuestionFlag).where(QuestionFlag.code == normalise(code)).options(*_WITH_QUESTION))
    if found is None:
        raise NoSuchFlag()
    return found


def lock_flag(flag_id: int) -> QuestionFlag:
    """Return it as it stands now, nobody else closing it until this transaction ends."""
    return session.scalars(
        select(QuestionFlag)
        .where(QuestionFlag.id == flag_id)
        .with_for_update(of=QuestionFlag)
        .execution_options(populate_existing=True)
    ).one()


def list_flags_of(question_ids: Collection[int]) -> dict[int, list[QuestionFlag]]:
    """Return question → all that was ever pointed out about it, oldest first."""
    found: dict[int, list[QuestionFlag]] = {}
    for row in session.scalars(
        select(QuestionFlag)
        .where(QuestionFlag.question_id.in_(question_ids))
        .order_by(QuestionFlag.id)
        .options(joinedload(QuestionFlag.question_version, innerjoin=True))
    ):
        found.setdefault(row.question_id, []).append(row)
    return found


def list_flags_of_versions(version_ids: Collection[int]) -> dict[int, list[QuestionFlag]]:
    """Return version → what was pointed out about it, oldest first."""
    found: dict[int, list[QuestionFlag]] = {}
    rows = session.scalars(
        select(QuestionFlag).where(QuestionFlag.question_version_id.in_(version_ids)).order_by(QuestionFlag.id)
    )
    for row in rows:
        found.setdefault(row.question_version_id, []).append(row)
    return found


def list_by_codes(codes: Collection[str]) -> list[QuestionFlag]:
    """Return what was pointed out under these codes, with the questions, in the order of their addresses."""
    rows = session.scalars(select(QuestionFlag).where(QuestionFlag.code.in_(codes)).options(*_WITH_QUESTION))
    return sorted(rows, key=lambda each: (each.question.bank.slug, each.question.slug, each.id))


def _shown(statement: Select[Any], bank: QuestionBank | None, *, is_open: bool) -> Select[Any]:
    statement = statement.join_from(QuestionFlag, Question, Question.id == QuestionFlag.question_id).where(
        QuestionFlag.closed_at.is_(None) if is_open else QuestionFlag.closed_at.is_not(None)
    )
    if is_open:
        # What files have retired waits for nobody.
        statement = statement.where(Question.state != QuestionState.RETIRED, Question.position.is_not(None))
    return statement if bank is None else statement.where(Question.bank_id == bank.id)


def list_flags(
    bank: QuestionBank | None = None, *, is_open: bool = True, offset: int = 0, limit: int = 50
) -> list[QuestionFlag]:
    """Return what waits for somebody's word, or what was closed, in one bank or in all: the newest first."""
    statement = _shown(select(QuestionFlag), bank, is_open=is_open)
    return list(
        session.scalars(
            statement.order_by(QuestionFlag.raised_at.desc(), QuestionFlag.id.desc())
            .options(*_WITH_QUESTION)
            .offset(offset)
            .limit(limit)
        )
    )


def count_flags(bank: QuestionBank | None = None, *, is_open: bool = True) -> int:
    """Return how much waits for somebody's word, or was closed, in one bank or in all."""
    return session.scalar(_shown(select(func.count(QuestionFlag.id)), bank, is_open=is_open)) or 0


def count_open() -> Mapping[int, int]:
    """Return bank's row number → how much waits there for somebody's word."""
    statement: Any = select(Question.bank_id, func.count(QuestionFlag.id))
    rows = session.execute(_shown(statement, None, is_open=True).group_by(Question.bank_id))
    return {row[0]: row[1] for row in rows}


def has_open(question: Question, kind: FlagKind) -> bool:
    """Say whether something of this kind about a question waits for somebody's word."""
    return bool(
        session.scalar(
            select(QuestionFlag.id).where(
                QuestionFlag.question_id == question.id,
                QuestionFlag.kind == kind,
                QuestionFlag.closed_at.is_(None),
            )
        )
    )


# --- who was affected --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Affected:
    """In how many attempts, of how many people, a version was scored."""

    attempts: int
    people: int


def count_affected(version_id: int) -> Affected:
    """Count the marked attempts in which a version counted for points; voided attempts and trials do not count."""
    row = session.execute(
        select(func.count(func.distinct(Attempt.id)), func.count(func.distinct(Attempt.person_id)))
        .join(Item, Item.attempt_id == Attempt.id)
        .where(
            Item.question_version_id == version_id,
            Item.on_trial.is_(None),
            Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)),
            select(ItemMark.item_id).where(ItemMark.item_id == Item.id).exists(),
        )
    ).one()
    return Affected(*row)
