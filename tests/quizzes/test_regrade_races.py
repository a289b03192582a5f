"""A rule is approved at the very moment in which somebody hands in or marks: over two connections, in either order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.accounts import queries as people
from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.gradebook import invariants as gradebook
from portal.quizzes import errors, invariants, queries
from portal.quizzes.models import Attempt, AttemptState, MarkRound
from portal.quizzes.queries import marking as waiting
from portal.quizzes.queries import regrades
from portal.quizzes.service import hand_marking, marking
from portal.quizzes.service import regrades as service
from portal.quizzes.service.attempts import submit_attempt
from tests.beginnings import beginning
from tests.builders import MORNING, Cast
from tests.quizzes.builders import answer, begin, right_answer
from tests.quizzes.marking import find_answer, make_marked_quiz, make_markers, points, sit
from tests.quizzes.test_regrades import approve, propose

pytestmark = pytest.mark.races
# So long the second one is let wait before it is said that she waits.
_A_WHILE = 0.7


@pytest.fixture
@beginning
def markers(cast: Cast) -> list[Person]:
    """Three who mark."""
    return make_markers()


def _in_between(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[Any, str],
    first: Callable[[], Any],
    second: Callable[[], Any],
) -> dict[str, Any]:
    """Let the second begin while the first stands right after `place` (module, name) in its transaction.

    Returns what came of both, refusals among it, and whether the second had to wait for the end of the first.
    """
    module, name = place
    original, inside, begun, ended = getattr(module, name), threading.Event(), threading.Event(), threading.Event()
    came: dict[str, Any] = {}

    def stopping(*args: Any, **values: Any) -> Any:
        found = original(*args, **values)
        if threading.current_thread().name == "first" and not inside.is_set():
            inside.set()
            assert begun.wait(10)
            time.sleep(_A_WHILE)
            came["waited"] = not ended.is_set()
        return found

    monkeypatch.setattr(module, name, stopping)

    def run(work: Callable[[], Any], who: str) -> None:
        with app.app_context(), clock.frozen(MORNING):
            if who == "second":
                assert inside.wait(10)
                begun.set()
            try:
                with own_transaction():
                    work()
                came[who] = "done"
            except DomainError as refused:
                came[who] = refused
            except BaseException as failure:
                came[who] = failure
            if who == "second":
                ended.set()
            session.remove()

    session.rollback()
    threads = [threading.Thread(target=run, args=each, name=each[1]) for each in ((first, "first"), (second, "second"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert not any(thread.is_alive() for thread in threads)
    monkeypatch.setattr(module, name, original)
    session.rollback()
    session.expire_all()
    return came


def _sound() -> None:
    session.rollback()
    session.expire_all()
    checks = {**invariants.INVARIANTS, **gradebook.INVARIANTS}
    assert [found for check in checks.values() for found in check()] == []


def _now(code: str) -> Attempt:
    session.rollback()
    session.expire_all()
    return queries.get_attempt(code)


class _World:
    """A result that a rule changes, and an attempt that is handed in, or whose text is marked, meanwhile."""

    def __init__(self, cast: Cast, markers: list[Person], act: str) -> None:
        version = make_marked_quiz(cast.author)
        sit(cast.learner, version, right=2, text="")
        if act == "hand in":
            attempt = begin(cast.colleague, version)
            for position in (1, 2):
                answer(attempt, position, right_answer(attempt, position))
        else:
            attempt = sit(cast.colleague, version, right=2)
        self.attempt, self.admin = attempt.code, cast.admin.code
        self.code = propose(cast.author)
        self.shown = service.seen(service.preview(regrades.get_regrade(self.code)))
        self._person, self._marker = cast.colleague.code, markers[0].code
        if act == "mark":
            self._answer = find_answer(attempt).code
            with own_transaction():
                hand_marking.take(
                    answer=waiting.get_answer_to_mark(self._answer), person=people.get_person(self._marker)
                )
        self.act = self._hand_in if act == "hand in" else self._mark
        session.rollback()
        session.remove()

    def _hand_in(self) -> None:
        submit_attempt(attempt=queries.get_attempt(self.attempt), person=people.get_person(self._person))

    def _mark(self) -> None:
        hand_marking.give_mark(
            answer=waiting.get_answer_to_mark(self._answer),
            round_=MarkRound.FIRST,
            given=points(2, 1),
            by=people.get_person(self._marker),
        )

    def approve(self) -> None:
        service.approve_regrade(
            regrade=regrades.get_regrade(self.code),
            looked_at=self.shown,
            falls={},
            by=people.get_person(self.admin),
        )


@pytest.mark.parametrize("act", ["hand in", "mark"])
def test_who_comes_while_a_rule_is_being_approved_is_marked_by_it_at_once(
    app: Flask, cast: Cast, markers: list[Person], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    with clock.frozen(MORNING):
        world = _World(cast, markers, act)
        came = _in_between(app, monkeypatch, (service, "preview"), world.approve, world.act)
        assert came == {"first": "done", "second": "done", "waited": True}
        jobs.run_due()
        attempt = _now(world.attempt)
        assert attempt.state is AttemptState.RELEASED
        # Without the first question five points are to be had, and nothing had to be corrected afterwards.
        assert [each.max_points for each in attempt.markings] == [5]
        assert regrades.get_regrade(world.code).finished_at is not None
    _sound()


@pytest.mark.parametrize("act", ["hand in", "mark"])
def test_who_approves_while_a_result_comes_about_is_shown_that_one_first(
    app: Flask, cast: Cast, markers: list[Person], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    with clock.frozen(MORNING):
        world = _World(cast, markers, act)
        came = _in_between(app, monkeypatch, (marking, "compute_attempt"), world.act, world.approve)
        assert came["first"] == "done"
        assert isinstance(came["second"], errors.PreviewOutdated)
        assert came["waited"]
        attempt = _now(world.attempt)
        assert [each.max_points for each in attempt.markings] == [6]
        approve(people.get_person(world.admin), world.code)
        jobs.run_due()
        assert [each.max_points for each in _now(world.attempt).markings] == [6, 5]
    _sound()
