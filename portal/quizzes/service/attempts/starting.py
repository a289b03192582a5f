"""Starting an attempt: who may, when, and how long she has; everything it depends on is fixed here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol, cast

from sqlalchemy import Table

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import new_code, new_seed
from portal.core.db import insert, session
from portal.core.i18n import format_instant
from portal.journal.service import record, seal
from portal.quizzes import errors, queries, rules
from portal.quizzes.models import Attempt, AttemptState, EventKind, QuizVersion
from portal.quizzes.rules import Hindrance, Past, Standing, Terms
from portal.quizzes.service.assigned import closed_to_others
from portal.quizzes.service.attempts.handing_in import close_if_over
from portal.quizzes.service.attempts.timing import LEARNER
from portal.quizzes.service.drawing import applying_to, draw_questions, items_of
from portal.quizzes.service.history import BEGINNING, note_event


def terms_of(version: QuizVersion) -> Terms:
    """Return what the version says about starting."""
    return Terms(
        attempts_allowed=version.attempts_allowed,
        wait_hours=version.wait_hours,
        wait_after_fails=version.wait_after_fails,
        limit_seconds=version.time_limit_minutes * 60,
        opens_at=version.opens_at,
        closes_at=version.closes_at,
    )


def past_of(attempts: Sequence[Attempt], now: datetime) -> list[Past]:
    """Return the earlier attempts as the rules see them; one whose time is over counts as handed in."""
    return [
        Past(
            finished_at=attempt.finished_at or min(attempt.deadline_at, now),
            known_passed=attempt.state is AttemptState.RELEASED and attempt.markings[-1].passed,
        )
        for attempt in attempts
        if attempt.state is not AttemptState.VOIDED
    ]


def standing_of(version: QuizVersion, person: Person, attempts: Sequence[Attempt], now: datetime) -> Standing:
    """Say where the person stands before a further attempt, with the time that she really has."""
    return rules.standing(
        terms=terms_of(version),
        past=past_of(attempts, now),
        multiplier=queries.multiplier_of(queries.find_accommodation(person, now)),
        now=now,
    )


class StartGuard(Protocol):
    """An upper domain's say before a quiz is started; registered in `wiring.py`."""

    def __call__(self, person: Person, quiz_slug: str) -> str | None:
        """Return in words what the person has to do first, or None."""


_start_guards: list[StartGuard] = []


def register_start_guard(guard: StartGuard) -> None:
    """Ask this guard before an attempt is started; registering twice changes nothing."""
    if guard not in _start_guards:
        _start_guards.append(guard)


def what_comes_first(person: Person, quiz_slug: str) -> str | None:
    """Return in words what the person has to do before this quiz, or None where nothing is in the way."""
    return next((first for guard in _start_guards if (first := guard(person, quiz_slug))), None)


def start_attempt(*, version: QuizVersion, person: Person, language: str, accepts_cut: bool = False) -> Attempt:
    """Start an attempt, or return the one in progress: pressing twice starts one.

    Raises `CannotStart` (closed, waiting, not assigned, another step comes first, about what does not apply to the
    person, no attempts left, too few questions) and `CutMustBeConfirmed` where the window ends before the promised
    time and the person has not said that she knows.
    """
    now = clock.now()
    running = queries.find_in_progress(person, version.quiz_id)
    if running is not None:
        running = close_if_over(queries.lock_attempt(running.id), now)
        if running.state is AttemptState.IN_PROGRESS:
            return running
    if closed_to_others(person, [version]):
        raise errors.OnlyAssigned()
    first = what_comes_first(person, version.quiz.slug)
    if first is not None:
        raise errors.SomethingComesFirst(first=first)
    if version.quiz_id not in applying_to(person, [version]):
        raise errors.NotForThisPerson()
    accommodation = queries.find_accommodation(person, now)
    multiplier = queries.multiplier_of(accommodation)
    attempts = queries.list_attempts(person, version.quiz_id)
    standing = rules.standing(terms=terms_of(version), past=past_of(attempts, now), multiplier=multiplier, now=now)
    if standing.hindrance is not None:
        # The same person in another tab may have been faster since this was looked for: that one is no attempt used up.
        running = queries.find_in_progress(person, version.quiz_id)
        if running is not None:
            return running
    _refuse(standing, person)
    if standing.is_cut and not accepts_cut:
        raise errors.CutMustBeConfirmed()
    seed = new_seed()
    avoid = queries.addresses_of(attempts[-1]) if attempts else frozenset()
    drawn = draw_questions(version, seed, avoid, person, language)
    limit_seconds = version.time_limit_minutes * 60
    allowance = accommodation.break_minutes * 60 if accommodation and accommodation.break_minutes else None
    attempt_id = insert_attempt(
        code=new_code(),
        quiz_id=version.quiz_id,
        quiz_version_id=version.id,
        person_id=person.id,
        attempt_no=attempts[-1].attempt_no + 1 if attempts else 1,
        state=AttemptState.IN_PROGRESS,
        seed=seed,
        language=language,
        limit_seconds=limit_seconds,
        multiplier=multiplier,
        granted_seconds=0,
        hide_countdown=bool(accommodation and accommodation.hide_countdown),
        break_allowance_seconds=allowance,
        break_seconds=0 if allowance else None,
        reached=1 if version.is_forward_only else None,
        tolerance_seconds=int(queries.tolerance(version).total_seconds()),
        started_at=now,
        deadline_at=rules.deadline(
            started_at=now, limit_seconds=limit_seconds, multiplier=multiplier, closes_at=version.closes_at
        ),
    )
    if attempt_id is None:
        # Somebody was faster: the same person in another tab.
        running = queries.find_in_progress(person, version.quiz_id)
        if running is None:
            raise errors.CannotStart()
        return running
    attempt = queries.lock_attempt(attempt_id)
    session.add_all(items_of(attempt, version, drawn))
    note_event(attempt, EventKind.STARTED, by=LEARNER, at=now, after=BEGINNING)
    record(
        "quizzes.attempt_started",
        by=person,
        subject=("attempt", attempt.code),
        after={"quiz": version.quiz.slug, "version": version.number, "attempt_no": attempt.attempt_no},
    )
    session.flush()
    seal(attempt)
    return attempt


def _refuse(standing: Standing, person: Person) -> None:
    when = format_instant(standing.possible_at, person.time_zone) if standing.possible_at else ""
    match standing.hindrance:
        case Hindrance.NOT_OPEN_YET:
            raise errors.NotOpenYet(when=when)
        case Hindrance.CLOSED:
            raise errors.Closed()
        case Hindrance.NO_ATTEMPTS_LEFT:
            raise errors.NoAttemptsLeft()
        case Hindrance.WAITING:
            raise errors.MustWait(when=when)


def insert_attempt(**values: Any) -> int | None:
    """Insert the attempt unless one is in progress or has this number; return its id, or None."""
    return session.execute(_inserts(session.get_bind().dialect.name), values).scalar_one_or_none()


@cache
def _inserts(dialect_name: str) -> Any:
    table = cast("Table", Attempt.__table__)
    return insert(table, dialect_name).on_conflict_do_nothing().returning(table.c.id)
