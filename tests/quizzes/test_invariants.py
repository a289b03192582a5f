"""Each promise about attempts that the doctor re-computes is red when it is broken, and green otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from portal.core import clock, jobs
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import invariants, queries
from portal.quizzes.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    EventKind,
    ItemMark,
    Marking,
    QuestionVersion,
    Response,
)
from portal.quizzes.service.attempts import extend_attempt, submit_attempt, void_attempt
from tests.beginnings import beginning
from tests.builders import MORNING, Cast
from tests.quizzes.builders import answer, answer_all, at, begin, make_quiz, right_answer


def _broken() -> dict[str, list[str]]:
    session.rollback()
    session.expire_all()
    with clock.frozen(at(minutes=20)):
        return {name[:2]: found for name, check in invariants.INVARIANTS.items() if (found := check())}


@pytest.fixture
@beginning
def life(cast: Cast) -> dict[str, Attempt]:
    """Attempts in every state, as people leave them."""
    version = make_quiz(cast.author, wait_hours=0)
    with clock.frozen(MORNING):
        done = begin(cast.learner, version)
        answer_all(done, right=1)
        with own_transaction():
            submit_attempt(attempt=done, person=cast.learner)
        void = begin(cast.lead, version)
        with own_transaction():
            void_attempt(attempt=void, reason="fire alarm", by=cast.admin)
        swept = begin(cast.outsider, version)
        answer(swept, 1, right_answer(swept, 1))
        longer = begin(cast.colleague, version)
        with own_transaction():
            extend_attempt(attempt=longer, minutes=10, reason="power cut", by=cast.lead)
    with clock.frozen(at(minutes=15, seconds=3)):
        answer(swept, 2, right_answer(swept, 2))
    with clock.frozen(at(minutes=16)):
        jobs.run_periodic("quizzes.sweep")
        running = begin(cast.approver, version)
    return {"done": done, "void": void, "swept": swept, "longer": longer, "running": running}


def test_after_all_that_people_do_nothing_is_broken(life: dict[str, Attempt]) -> None:
    assert _broken() == {}


def _set(model: Any, where: Any, **values: Any) -> Callable[[dict[str, int]], Any]:
    return lambda ids: update(model).where(where(ids)).values(**values)


@pytest.mark.parametrize(
    ("invariant", "breakage"),
    [
        ("I1", _set(Attempt, lambda ids: Attempt.id == ids["done"], attempt_no=3)),
        ("I2", lambda ids: delete(AttemptEvent).where(
            AttemptEvent.attempt_id == ids["done"], AttemptEvent.kind == EventKind.MARKED
        )),
        ("I2", _set(Attempt, lambda ids: Attempt.id == ids["void"], state=AttemptState.RELEASED)),
        ("I3", _set(Response, lambda ids: Response.item_id == ids["item"], received_at=at(minutes=15, seconds=5.1))),
        ("I3", _set(Response, lambda ids: Response.item_id == ids["item"], received_at=at(minutes=1))),
        ("I4", _set(Attempt, lambda ids: Attempt.id == ids["swept"], finished_at=at(minutes=15, seconds=1))),
        ("I4", _set(Attempt, lambda ids: Attempt.id == ids["longer"], deadline_at=at(minutes=90))),
        ("I4", _set(Attempt, lambda ids: Attempt.id == ids["running"], deadline_at=at(minutes=1),
                    started_at=at(minutes=-14))),
        ("I5", _set(Marking, lambda ids: Marking.attempt_id == ids["done"], score=Fraction(1))),
        ("I5", _set(Marking, lambda ids: Marking.attempt_id == ids["done"], passed=True)),
        ("I5", _set(Response, lambda ids: Response.item_id == ids["item"], answer={})),
        ("I5", _set(ItemMark, lambda ids: ItemMark.item_id == ids["item"], points=Fraction(0))),
        ("I6", _set(Marking, lambda ids: Marking.attempt_id == ids["done"], marking_no=2)),
        ("I6", lambda ids: delete(ItemMark).where(ItemMark.item_id == ids["item"])),
        ("I6", lambda ids: update(Marking).where(Marking.attempt_id == ids["swept"]).values(attempt_id=ids["running"])),
        ("I9", _set(QuestionVersion, lambda ids: QuestionVersion.id == ids["version"], content={"stem": "other"})),
    ],
)  # fmt: skip
def test_a_broken_promise_is_red(
    life: dict[str, Attempt], invariant: str, breakage: Callable[[dict[str, int]], Any]
) -> None:
    item = queries.list_items(life["done"])[0]
    ids = {name: attempt.id for name, attempt in life.items()}
    statement = breakage(ids | {"item": item.id, "version": item.question_version_id})
    if invariant == "I9":
        statement = statement.values(content=item.question_version.content | {"severity": "S4"})
    session.rollback()
    session.execute(statement)
    session.commit()
    assert invariant in _broken()


def test_two_attempts_in_progress_are_red_once_the_index_is_gone(life: dict[str, Attempt]) -> None:
    session.rollback()
    session.execute(text("DROP INDEX uq_attempts_in_progress"))
    session.commit()
    try:
        session.execute(
            update(Attempt)
            .where(Attempt.id == life["longer"].id)
            .values(person_id=life["running"].person_id, attempt_no=2)
        )
        session.commit()
        assert "several attempts" in _broken()["I1"][0]
    finally:
        session.rollback()
        session.execute(
            update(Attempt).where(Attempt.id == life["longer"].id).values(state="voided", finished_at=MORNING)
        )
        index = next(index for index in Attempt.__table__.indexes if index.name == "uq_attempts_in_progress")
        index.create(session.connection())
        session.commit()


def test_an_attempt_that_nobody_closes_is_reported(life: dict[str, Attempt]) -> None:
    session.rollback()
    with clock.frozen(at(minutes=31) + timedelta(minutes=16)):
        assert any("is the worker running" in line for line in invariants.deadlines_are_kept())
