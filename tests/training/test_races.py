"""Two leads at the same moment: what was shown is what is done, and leave is recorded and withdrawn once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person
from portal.calendars import service as calendars
from portal.calendars.errors import LeaveGone, LeaveRecorded, MovesChanged
from portal.calendars.models import Leave
from portal.calendars.queries import list_leave
from portal.calendars.service.moves import moved_as_shown, moved_by
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.training import queries
from portal.training.models import Enrollment
from portal.training.service import dates
from tests.builders import Cast
from tests.quizzes.crowd import at_once
from tests.training.builders import load_holidays, make_documents, make_enrollment, make_plan

pytestmark = pytest.mark.races
MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
# One meeting at the gate may go by without the two touching each other.
ROUNDS = range(4)
WEEKS = ((date(2026, 5, 7), date(2026, 5, 8)), (date(2026, 5, 11), date(2026, 5, 12)))


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
def enrollment(cast: Cast) -> Enrollment:
    load_holidays()
    make_documents()
    return make_enrollment(cast.learner, make_plan(), cast.admin)


def person_of(person_id: int) -> Person:
    found = session.get(Person, person_id)
    assert found is not None
    return found


def together(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """Do these things at the same time, each in a transaction of its own."""

    def work(number: int) -> Any:
        with clock.frozen(MORNING), own_transaction():
            return works[number]() or "done"

    return at_once(app, work, threads=len(works))


def refused(outcomes: list[Any]) -> list[type]:
    return [type(each) for each in outcomes if isinstance(each, Exception)]


def shown_leave(person_id: int, lead_id: int, first_on: date, last_on: date) -> Callable[[], None]:
    """Return what records leave as it was shown now."""

    def change() -> Any:
        return calendars.more_leave(person_of(person_id), first_on, last_on)

    seen = moved_by(change(), names=False).key

    def work() -> None:
        moved_as_shown([person_id], change, seen)
        calendars.record_leave(person=person_of(person_id), first_on=first_on, last_on=last_on, by=person_of(lead_id))

    return work


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_two_leaves_shown_at_the_same_time_the_second_is_shown_first(
    app: Flask, cast: Cast, enrollment: Enrollment, _round: int
) -> None:
    learner, lead = cast.learner.id, cast.lead.id
    works = [shown_leave(learner, lead, *week) for week in WEEKS]
    assert refused(together(app, *works)) == [MovesChanged]
    assert len(list_leave(learner)) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_the_same_leave_is_recorded_once(app: Flask, cast: Cast, enrollment: Enrollment, _round: int) -> None:
    learner, lead = cast.learner.id, cast.lead.id

    def work() -> None:
        calendars.record_leave(person=person_of(learner), first_on=WEEKS[0][0], last_on=WEEKS[0][1], by=person_of(lead))

    assert refused(together(app, work, work, work)) == [LeaveRecorded] * 2
    assert len(list_leave(learner)) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_leave_and_more_time_for_the_plan_do_not_both_move_what_was_shown(
    app: Flask, cast: Cast, enrollment: Enrollment, _round: int
) -> None:
    learner, lead, code = cast.learner.id, cast.lead.id, enrollment.code
    seen = dates.key_of(dates.moved_by_extension(standing=queries.standing_of(enrollment), step=None, working_days=2))

    def extend() -> None:
        dates.extend_plan(
            enrollment=queries.get_enrollment(code), working_days=2, reason="x", seen=seen, by=person_of(lead)
        )

    outcomes = together(app, shown_leave(learner, lead, *WEEKS[0]), extend)
    assert refused(outcomes) == [MovesChanged]


@pytest.mark.parametrize("_round", ROUNDS)
def test_leave_that_is_withdrawn_does_not_come_back_by_ending_it_earlier(
    app: Flask, cast: Cast, enrollment: Enrollment, _round: int
) -> None:
    learner, lead = cast.learner.id, cast.lead.id
    with own_transaction():
        row = calendars.record_leave(person=cast.learner, first_on=WEEKS[0][0], last_on=WEEKS[0][1], by=cast.lead).id

    def chosen() -> Leave:
        return session.get_one(Leave, row)

    def withdraw() -> None:
        calendars.withdraw_leave(leave=chosen(), by=person_of(lead))

    def end() -> None:
        calendars.end_leave_early(leave=chosen(), last_on=WEEKS[0][0], by=person_of(lead))

    outcomes = together(app, withdraw, end)
    left = [(each.first_on, each.last_on) for each in list_leave(learner)]
    # Withdrawn first, there is nothing to end; ended first, the whole leave that was withdrawn is gone already.
    assert (refused(outcomes), left) in (([LeaveGone], []), ([], [(WEEKS[0][0], WEEKS[0][0])]))
