"""Which marks and answers of which attempts the statistics of a quiz are computed from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import DateTime, String, Subquery, exists, func, or_, select, type_coerce

from portal.accounts.models import Role, RoleGrant, Scope
from portal.core.db import session
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
    QuestionVersion,
    Response,
)
from portal.quizzes.rules.statistics import Mark, seconds_by_question

# Attempts are asked for so many at a time.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A version of a question that was drawn, and the most points that it is worth."""

    version_id: int
    bank: str
    slug: str
    number: int
    max: float

    @property
    def name(self) -> str:
        """Its address with its version."""
        return f"{self.bank}/{self.slug} v{self.number}"


@dataclass(frozen=True, slots=True)
class Sitting:
    """One marked attempt: by the version of a question the points, and what was answered."""

    attempt_id: int
    language: str
    # From 0 to 1.
    score: float
    points: Mapping[int, float]
    # Part → ids of the chosen choices; empty where nothing was answered.
    answers: Mapping[int, Mapping[str, Any]]
    # By the version of a question the points of what was on trial and counts for nothing.
    on_trial: Mapping[int, float] = field(default_factory=dict)
    # Section → share of its points, and whether its mark was reached.
    sections: Mapping[str, tuple[float, bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sittings:
    """The marked attempts at a quiz, and all that was asked in them; what was on trial stands apart."""

    asked: tuple[Asked, ...]
    rows: tuple[Sitting, ...]
    on_trial: tuple[Asked, ...] = ()

    def marks(self) -> list[list[Mark]]:
        """Return one row an attempt, one column a version of a question; None where it was not drawn."""
        return [[row.points.get(each.version_id) for each in self.asked] for row in self.rows]

    @property
    def maxima(self) -> list[float]:
        """The most points of each column."""
        return [each.max for each in self.asked]


def sittings_of(quiz_id: int, *, first_only: bool = True) -> Sittings:
    """Return the newest markings of everybody's first attempt at a quiz, or of all attempts.

    Voided attempts count for nothing: the first one that was not voided is somebody's first.
    """
    newest = _newest_markings(quiz_id, first_only=first_only)
    heads = {
        row.id: (row.language, float(row.score), _shares(row.sections or {}))
        for row in session.execute(
            select(newest.c.id, newest.c.language, Marking.score, Marking.sections)
            .join(Marking, (Marking.attempt_id == newest.c.id) & (Marking.marking_no == newest.c.newest))
            .order_by(newest.c.id)
        )
    }
    # Some ten thousand rows say the same few things: each is read once, as it stands in the database.
    rows = (
        session.connection()
        .execute(
            select(
                newest.c.id,
                Item.question_version_id,
                Item.on_trial,
                type_coerce(ItemMark.points, String),
                type_coerce(ItemMark.max_points, String),
                type_coerce(Response.answer, String),
            )
            .join(Marking, (Marking.attempt_id == newest.c.id) & (Marking.marking_no == newest.c.newest))
            .join(ItemMark, ItemMark.marking_id == Marking.id)
            .join(Item, Item.id == ItemMark.item_id)
            .outerjoin(Response, Response.item_id == Item.id)
        )
        .all()
    )
    number, answer = cache(lambda text: float(Fraction(text))), cache(json.loads)
    most: dict[bool, dict[int, float]] = {True: {}, False: {}}
    points: dict[int, dict[int, float]] = {attempt_id: {} for attempt_id in heads}
    trials: dict[int, dict[int, float]] = {attempt_id: {} for attempt_id in heads}
    answers: dict[int, dict[int, Mapping[str, Any]]] = {attempt_id: {} for attempt_id in heads}
    for attempt_id, version_id, on_trial, earned, greatest, given in rows:
        if not (max_points := number(greatest)):
            # A question that was taken out of the marking says nothing any more.
            continue
        most[bool(on_trial)][version_id] = max_points
        (trials if on_trial else points)[attempt_id][version_id] = number(earned)
        if not on_trial:
            answers[attempt_id][version_id] = answer(given) if given else {}
    return Sittings(
        _asked(most[False]),
        tuple(
            Sitting(attempt_id, language, score, points[attempt_id], answers[attempt_id], trials[attempt_id], sections)
            for attempt_id, (language, score, sections) in heads.items()
            # Where everything was taken out there is nothing to be told.
            if points[attempt_id] or trials[attempt_id]
        ),
        _asked(most[True]),
    )


def _asked(most: Mapping[int, float]) -> tuple[Asked, ...]:
    """Return what is known of these versions, whose most points are given, in the order of their names."""
    rows = session.execute(
        select(QuestionVersion.id, QuestionBank.slug, Question.slug, QuestionVersion.number)
        .join(Question, Question.id == QuestionVersion.question_id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(QuestionVersion.id.in_(most))
    )
    found = [Asked(version_id, bank, slug, number, most[version_id]) for version_id, bank, slug, number in rows]
    return tuple(sorted(found, key=lambda each: each.name))


def _shares(kept: Mapping[str, Any]) -> dict[str, tuple[float, bool]]:
    """Return section → share of its points and whether its mark was reached, from what a marking keeps."""
    return {
        name: (float(Fraction(each["points"]) / Fraction(each["max_points"])), each["passed"])
        for name, each in kept.items()
        if Fraction(each["max_points"])
    }


def seconds_by_version(sittings: Sittings) -> dict[int, list[float]]:
    """Return by the version of a question how long each of those who answered it was at it, in seconds."""
    # Many plain rows, with their instants as the database gives them: only what lies between two of them is told.
    connection = session.connection()
    found: dict[int, list[float]] = {}
    for part in _parts([row.attempt_id for row in sittings.rows]):
        begun = connection.execute(
            select(Attempt.id, type_coerce(Attempt.started_at, DateTime())).where(Attempt.id.in_(part))
        )
        started_at = {row[0]: row[1] for row in begun}
        saves = connection.execute(
            select(AttemptEvent.attempt_id, Item.question_version_id, type_coerce(AttemptEvent.at, DateTime()))
            .join(Item, (Item.attempt_id == AttemptEvent.attempt_id) & (Item.position == AttemptEvent.position))
            .where(AttemptEvent.attempt_id.in_(part), AttemptEvent.kind == EventKind.SAVED)
            .order_by(AttemptEvent.attempt_id, AttemptEvent.number)
        ).all()
        for attempt_id, of_attempt in groupby(saves, key=itemgetter(0)):
            by_version = seconds_by_question(
                started_at[attempt_id], [(version_id, at) for _attempt_id, version_id, at in of_attempt]
            )
            for version_id, seconds in by_version.items():
                found.setdefault(version_id, []).append(seconds)
    return found


@dataclass(frozen=True, slots=True)
class InQuiz:
    """How a version of a question went in a quiz: who was asked, her points for it and for the whole paper."""

    version_id: int
    quiz_id: int
    max: float
    points: tuple[float, ...]
    totals: tuple[float, ...]


def list_in_quizzes(version_ids: Collection[int]) -> list[InQuiz]:
    """Return how versions of questions went in the first attempts at each quiz, those with the most people first.

    The same marks as `sittings_of` takes, of the same people; what was on trial or taken out of the marking says
    nothing. One statement.
    """
    asked = (
        select(Item.attempt_id, Item.id, Item.question_version_id)
        .where(Item.question_version_id.in_(version_ids), Item.on_trial.is_not(True))
        .subquery()
    )
    newest = (
        select(Marking.attempt_id, func.max(Marking.marking_no).label("marking_no"))
        .where(Marking.attempt_id.in_(select(asked.c.attempt_id)))
        .group_by(Marking.attempt_id)
        .subquery()
    )
    first = (
        select(Attempt.quiz_id, Attempt.person_id, func.min(Attempt.attempt_no).label("attempt_no"))
        .where(Attempt.state != AttemptState.VOIDED)
        .group_by(Attempt.quiz_id, Attempt.person_id)
        .subquery()
    )
    rows = session.connection().execute(
        select(
            asked.c.question_version_id,
            Attempt.quiz_id,
            type_coerce(ItemMark.points, String),
            type_coerce(ItemMark.max_points, String),
            type_coerce(Marking.points, String),
        )
        .join(Attempt, Attempt.id == asked.c.attempt_id)
        .join(
            first,
            (first.c.quiz_id == Attempt.quiz_id)
            & (first.c.person_id == Attempt.person_id)
            & (first.c.attempt_no == Attempt.attempt_no),
        )
        .join(newest, newest.c.attempt_id == Attempt.id)
        .join(Marking, (Marking.attempt_id == Attempt.id) & (Marking.marking_no == newest.c.marking_no))
        .join(ItemMark, (ItemMark.marking_id == Marking.id) & (ItemMark.item_id == asked.c.id))
        .where(Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)), ~_could_read)
        .order_by(Attempt.id)
    )
    number = cache(lambda text: float(Fraction(text)))
    most: dict[tuple[int, int], float] = {}
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for version_id, quiz_id, earned, greatest, total in rows:
        if max_points := number(greatest):
            most[version_id, quiz_id] = max_points
            found.setdefault((version_id, quiz_id), []).append((number(earned), number(total)))
    listed = [
        InQuiz(*place, most[place], tuple(one for one, _total in marks), tuple(total for _one, total in marks))
        for place, marks in found.items()
    ]
    return sorted(listed, key=lambda each: (-len(each.points), each.quiz_id))


def count_shown(version_ids: Collection[int]) -> dict[int, int]:
    """Return in how many attempts at whatever quiz each version of a question was shown; voided ones count as well."""
    rows = session.execute(
        select(Item.question_version_id, func.count())
        .where(Item.question_version_id.in_(version_ids))
        .group_by(Item.question_version_id)
    )
    found = dict.fromkeys(version_ids, 0)
    found.update((version_id, many) for version_id, many in rows)
    return found


def _parts(numbers: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(numbers), _AT_ONCE):
        yield numbers[begin : begin + _AT_ONCE]


# Whoever held one of these when an attempt began could have read its questions with their key.
_READS_KEYS = (Role.AUTHOR, Role.APPROVER, Role.ADMIN)
_could_read = exists().where(
    RoleGrant.person_id == Attempt.person_id,
    RoleGrant.role.in_(_READS_KEYS),
    RoleGrant.scope == Scope.ORGANISATION,
    RoleGrant.granted_at <= Attempt.started_at,
    or_(RoleGrant.ended_at.is_(None), RoleGrant.ended_at > Attempt.started_at),
)


def count_left_out(quiz_id: int) -> int:
    """Return how many people's attempts the statistics leave out because they could have read the questions before."""
    statement = select(func.count(Attempt.person_id.distinct())).where(
        Attempt.quiz_id == quiz_id,
        Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)),
        _could_read,
    )
    return session.scalar(statement) or 0


def _newest_markings(quiz_id: int, *, first_only: bool) -> Subquery:
    """Return the attempts that count with the number of their newest marking, and the language of each.

    Attempts of those who could have read the questions with their key tell nothing about the questions.
    """
    marked = (
        select(Attempt.id, Attempt.language, func.max(Marking.marking_no).label("newest"))
        .join(Marking, Marking.attempt_id == Attempt.id)
        .where(
            Attempt.quiz_id == quiz_id,
            Attempt.state.in_((AttemptState.MARKED, AttemptState.RELEASED)),
            ~_could_read,
        )
        .group_by(Attempt.id, Attempt.language)
    )
    if first_only:
        firsts = (
            select(func.min(Attempt.attempt_no).label("attempt_no"), Attempt.person_id)
            .where(Attempt.quiz_id == quiz_id, Attempt.state != AttemptState.VOIDED)
            .group_by(Attempt.person_id)
            .subquery()
        )
        marked = marked.join(
            firsts, (firsts.c.person_id == Attempt.person_id) & (firsts.c.attempt_no == Attempt.attempt_no)
        )
    return marked.subquery()


def list_rated(quiz_id: int, *, first_only: bool = True) -> list[tuple[str | None, Fraction, Fraction]]:
    """Return (rating, points, most points) of each answer that was rated, in the attempts that `sittings_of` takes."""
    newest = _newest_markings(quiz_id, first_only=first_only)
    rows = session.execute(
        select(Response.confidence, ItemMark.points, ItemMark.max_points)
        .join(Item, Item.id == Response.item_id)
        .join(newest, newest.c.id == Item.attempt_id)
        .join(Marking, (Marking.attempt_id == newest.c.id) & (Marking.marking_no == newest.c.newest))
        .join(ItemMark, (ItemMark.marking_id == Marking.id) & (ItemMark.item_id == Item.id))
        .where(Response.confidence.is_not(None))
    )
    return [(rating, points, most) for rating, points, most in rows]


def list_versions(version_ids: list[int]) -> dict[int, QuestionVersion]:
    """Return row number → version of a question."""
    found = session.scalars(select(QuestionVersion).where(QuestionVersion.id.in_(version_ids)))
    return {version.id: version for version in found}
