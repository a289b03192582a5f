"""Fifty who press the same button at once: one attempt begins, one is handed in, and all are told the same."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Index, func, select

from portal.accounts.models import Person
from portal.core.db import db, session
from portal.core.transaction import own_transaction
from portal.quizzes import queries, rules
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import Attempt, AttemptEvent, AttemptState, Marking, QuizVersion
from portal.quizzes.service.attempts import handing_in, starting
from tests.builders import Cast
from tests.conftest import empty
from tests.mutants import broken
from tests.page_client import PageClient
from tests.quizzes.builders import answer, begin, make_quiz, right_answer
from tests.quizzes.crowd import at_once
from tests.volume import volume

pytestmark = pytest.mark.races
CROWD, ROUNDS = 50, volume(5, 200)


def _press(app: Flask, person: Person, address: str, form: dict[str, str]) -> list[tuple[int, str]]:
    """Post the form fifty times at once, each over a connection of its own; return status and where each leads."""
    browser = PageClient(app, person=person)
    token = browser.token()
    cookie = browser.client.get_cookie("session")
    assert cookie is not None

    def work(number: int) -> tuple[int, str]:
        client = app.test_client()
        client.set_cookie("session", cookie.value)
        reply = client.post(address, data={"csrf_token": token, "form_key": secrets.token_hex(6)} | form)
        return reply.status_code, reply.headers.get("Location", "")

    return at_once(app, work, CROWD)


def _wrong() -> list[str]:
    session.rollback()
    session.expire_all()
    return [line for check in INVARIANTS.values() for line in check()]


# --- F15: handing in ---------------------------------------------------------------------------


def _begun(cast: Cast, version: QuizVersion) -> Attempt:
    attempt = begin(cast.learner, version)
    answer(attempt, 1, right_answer(attempt, 1))
    return attempt


def _hand_in(app: Flask, cast: Cast, attempt: Attempt) -> list[str]:
    """Hand the attempt in fifty times at once; return what is wrong with what came of it."""
    code, person = attempt.code, cast.learner
    replies = _press(app, person, f"/attempts/{code}", {"action": "submit", "leaves": "1 2 3 4"})
    wrong = _marked_otherwise_than_once(code)
    if len(replies) != CROWD or set(replies) != {(303, f"/attempts/{code}/result")}:
        wrong.append(f"other replies: {set(replies)}")
    return wrong


def _marked_otherwise_than_once(code: str) -> list[str]:
    session.rollback()
    session.expire_all()
    wrong = []
    attempt = queries.get_attempt(code)
    markings = session.scalars(select(Marking).where(Marking.attempt_id == attempt.id)).all()
    if [each.points for each in markings] != [queries.list_items(attempt)[0].max_points]:
        wrong.append(f"{len(markings)} markings")
    steps = [
        kind.value
        for kind in session.scalars(
            select(AttemptEvent.kind).where(AttemptEvent.attempt_id == attempt.id).order_by(AttemptEvent.number)
        )
        if kind.value in rules.LEGAL_STEPS
    ]
    if steps != ["submitted", "marked", "released"]:
        wrong.append(f"its history: {steps}")
    return wrong


def test_fifty_who_hand_in_at_once_are_one_marking_and_fifty_equal_replies(app: Flask, cast: Cast) -> None:
    version = make_quiz(cast.author, attempts_allowed=ROUNDS, wait_hours=0)
    for _round in range(ROUNDS):
        assert _hand_in(app, cast, _begun(cast, version)) == []
    assert _wrong() == []


def test_handing_in_that_does_not_look_whether_it_was_done_is_found(app: Flask, cast: Cast) -> None:
    code = _begun(cast, make_quiz(cast.author)).code

    def work(_number: int) -> None:
        with own_transaction():
            attempt = queries.get_attempt(code)
            handing_in.submit_attempt(attempt=attempt, person=attempt.person)

    with (
        broken(
            handing_in.submit_attempt,
            "attempt.state is not AttemptState.IN_PROGRESS",
            "False",
            "not accepts(attempt, now)",
            "False",
        ),  # fmt: skip
        broken(handing_in._hand_in, ", Attempt.state == AttemptState.IN_PROGRESS", ""),
    ):
        at_once(app, work, 3)
    assert _marked_otherwise_than_once(code) != []
    assert any("its history says" in line for line in _wrong())


# --- F16: beginning ----------------------------------------------------------------------------


def _start(app: Flask, cast: Cast) -> list[str]:
    """Press "Start" fifty times at once; return what is wrong with what came of it."""
    before = session.scalar(select(func.count()).select_from(Attempt)) or 0
    replies = _press(app, cast.learner, "/quizzes/impersonation/attempts", {})
    session.rollback()
    session.expire_all()
    running = session.scalars(select(Attempt).where(Attempt.state == AttemptState.IN_PROGRESS)).all()
    wrong = []
    if [each.attempt_no for each in running] != [before + 1] or len(queries.list_items(running[0])) != 4:
        wrong.append(f"{len(running)} attempts")
    if len(replies) != CROWD or set(replies) != {(303, f"/attempts/{running[0].code}")}:
        wrong.append(f"other replies: {set(replies)}")
    return wrong


def test_fifty_who_start_at_once_are_one_attempt_and_fifty_equal_replies(app: Flask, cast: Cast) -> None:
    make_quiz(cast.author, attempts_allowed=ROUNDS, wait_hours=0)
    for _round in range(ROUNDS):
        assert _start(app, cast) == []
        (running,) = session.scalars(select(Attempt).where(Attempt.state == AttemptState.IN_PROGRESS))
        assert _hand_in_once(app, cast, running.code) == 303
    assert _wrong() == []


def _hand_in_once(app: Flask, cast: Cast, code: str) -> int:
    form = {"action": "submit", "leaves": "1 2 3 4"}
    return PageClient(app, person=cast.learner).post(f"/attempts/{code}", form).status_code  # type: ignore[union-attr]


@contextmanager
def _without(*indexes: Index) -> Iterator[None]:
    """Let the database not know these rules until the block ends."""
    session.rollback()
    for index in indexes:
        with db.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP INDEX {index.name}")
    try:
        yield
    finally:
        session.rollback()
        session.remove()
        empty()
        for index in indexes:
            index.create(db.engine)


def _index(name: str) -> Index:
    return next(each for each in Attempt.__table__.indexes if each.name == name)  # type: ignore[attr-defined]


# As somebody sees it who looked before the other one had begun.
_TOO_EARLY: tuple[Any, str, str] = (
    starting.start_attempt,
    "running = queries.find_in_progress(person, version.quiz_id)\n    if running is not None:",
    "running = None\n    if running is not None:",
)


def test_who_looks_too_early_begins_no_second_attempt_but_without_the_rule_of_the_database(
    app: Flask, cast: Cast
) -> None:
    make_quiz(cast.author, attempts_allowed=100, wait_hours=0)
    with broken(*_TOO_EARLY):
        assert _start(app, cast) == []
        assert _wrong() == []
        with _without(_index("uq_attempts_in_progress")):
            PageClient(app, person=cast.learner).post("quizzes.start", slug="impersonation")
            assert any("in progress" in line for line in _wrong())
