"""Marking from stored answers, and showing the result when the quiz says."""

from __future__ import annotations

from fractions import Fraction

from sqlalchemy import update

from portal.accounts.models import Person
from portal.core.db import session
from portal.core.events import publish
from portal.journal.service import record
from portal.quizzes import queries, rules
from portal.quizzes.events import AttemptReleased
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    EventKind,
    Item,
    ItemMark,
    Marking,
    Quiz,
    Release,
)
from portal.quizzes.service.history import moment_of, note_event
from portal.quizzes.types import type_of
from portal.quizzes.types.base import read

SYSTEM = "system"


def points_of(item: Item) -> Fraction:
    """Return the points of the stored answer to an item, from the question version that was drawn."""
    content = read(item.question_version.content)
    answer = item.response.answer if item.response else {}
    return sum(type_of(content.type).mark(content, answer).values(), Fraction(0))


def mark_attempt(*, attempt: Attempt, by: Person | None) -> Marking:
    """Mark an attempt that was handed in from what is stored; the marking is added, earlier ones stay."""
    items = queries.list_items(attempt)
    marks = [(item, points_of(item)) for item in items]
    points = sum((earned for _item, earned in marks), Fraction(0))
    max_points = sum((item.max_points for item in items), Fraction(0))
    achieved = rules.score(points, max_points)
    before = queries.find_current_marking(attempt)
    now = moment_of(attempt)
    marking = Marking(
        attempt_id=attempt.id,
        marking_no=before.marking_no + 1 if before else 1,
        points=points,
        max_points=max_points,
        score=achieved,
        passed=rules.has_passed(achieved, attempt.quiz_version.pass_mark),
        marked_at=now,
        marked_by=by.code if by else SYSTEM,
        item_marks=[ItemMark(item_id=item.id, points=earned, max_points=item.max_points) for item, earned in marks],
    )
    session.add(marking)
    attempt.state = AttemptState.MARKED
    session.flush()
    note_event(attempt, EventKind.MARKED, by=marking.marked_by, at=now)
    session.flush()
    return marking


def releases_at_once(attempt: Attempt) -> bool:
    """Say whether the terms of the attempt show the result as soon as it is marked."""
    return attempt.quiz_version.release is Release.AT_ONCE


def release_attempt(*, attempt: Attempt, by: Person | None) -> bool:
    """Show a marked result to whom it belongs and tell everybody who waits for it; say whether it was done now."""
    session.flush()
    now = moment_of(attempt)
    done = session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.state == AttemptState.MARKED)
        .values(state=AttemptState.RELEASED, released_at=now)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    attempt = queries.lock_attempt(attempt.id)
    marking = queries.find_current_marking(attempt)
    assert marking is not None
    note_event(attempt, EventKind.RELEASED, by=by.code if by else SYSTEM, at=now)
    session.flush()
    publish(
        AttemptReleased(
            attempt_id=attempt.id,
            attempt_code=attempt.code,
            person_id=attempt.person_id,
            quiz_id=attempt.quiz_id,
            quiz_slug=attempt.quiz_version.quiz.slug,
            score=marking.score,
            passed=marking.passed,
            at=now,
        )
    )
    return True


def release_after_window(attempt_id: int) -> None:
    """Release one result whose window is over (a periodic task)."""
    attempt = queries.lock_attempt(attempt_id)
    if release_attempt(attempt=attempt, by=None):
        record("quizzes.result_released", by=None, subject=("attempt", attempt.code))


def release_by_hand(*, quiz: Quiz, by: Person) -> int:
    """Release every marked result of a quiz; return how many there were."""
    waiting = queries.list_unreleased(quiz.id)
    released = sum(release_attempt(attempt=attempt, by=by) for attempt in waiting)
    if released:
        record("quizzes.results_released", by=by, subject=("quiz", quiz.slug), after={"attempts": released})
    return released
