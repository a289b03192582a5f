"""A stand-in begins and comes back by itself, and loses nothing of anybody's."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from portal.accounts.models import Person
from portal.accounts.service import ownership, people
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import StandIn
from portal.handover.service import stand_ins
from tests.builders import Cast
from tests.handover.builders import KIND, TODAY, Things, at, begin, deputy_of, give, owner_of, plan

pytestmark = pytest.mark.usefixtures("today")
# The working week after the Monday on which these tests begin.
FIRST_ON, LAST_ON = date(2026, 11, 9), date(2026, 11, 13)


def work(day: date, hour: int = 9) -> None:
    """Let the worker do what has come on a day, twice: the second time nothing is left to do."""
    for _time in range(2):
        session.expire_all()
        with clock.frozen(at(day, hour)):
            jobs.run_periodic("handover.stand_ins")
    session.expire_all()


def test_things_go_over_on_the_first_day_and_come_back_after_the_last(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", deputy=cast.approver)
    give(things, cast.author, "b", deputy=cast.colleague)
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    work(FIRST_ON - timedelta(days=1), 23)
    assert owner_of("a") == cast.author
    work(FIRST_ON, 0)
    assert (owner_of("a"), deputy_of("a")) == (cast.colleague, cast.approver)
    assert (owner_of("b"), deputy_of("b")) == (cast.colleague, None)
    work(LAST_ON, 23)
    assert owner_of("a") == cast.colleague
    work(LAST_ON + timedelta(days=1), 0)
    assert (owner_of("a"), deputy_of("a")) == (cast.author, cast.approver)
    assert (owner_of("b"), deputy_of("b")) == (cast.author, cast.colleague)
    assert row.ended_by == "system"


def test_what_begins_today_goes_over_at_once_and_is_called_off_at_once(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, TODAY, TODAY)
    assert owner_of("a") == cast.colleague
    with own_transaction():
        stand_ins.call_off(stand_in=row, by=cast.author)
    assert owner_of("a") == cast.author
    with pytest.raises(errors.StandInOver), own_transaction():
        stand_ins.call_off(stand_in=row, by=cast.author)


def test_what_changed_hands_meanwhile_stays_and_what_was_gained_was_never_gone(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    plan(cast.author, cast.colleague, TODAY, TODAY)
    with own_transaction():
        ownership.set_owner(kind=KIND, code="a", owner=cast.approver, by=cast.lead)
    give(things, cast.author, "new")
    work(TODAY + timedelta(days=1))
    assert [owner_of(code) for code in ("a", "b", "new")] == [cast.approver, cast.author, cast.author]


def test_what_went_on_to_a_stand_in_of_the_stand_in_comes_back_too(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    give(things, cast.colleague, "own")
    plan(cast.author, cast.colleague, TODAY, TODAY + timedelta(days=1))
    plan(cast.colleague, cast.approver, TODAY, LAST_ON)
    assert (owner_of("a"), owner_of("own")) == (cast.approver, cast.approver)
    work(TODAY + timedelta(days=2))
    assert (owner_of("a"), owner_of("own")) == (cast.author, cast.approver)
    work(LAST_ON + timedelta(days=1))
    assert (owner_of("a"), owner_of("own")) == (cast.author, cast.colleague)


def test_a_stand_in_who_left_gets_nothing(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    row = plan(cast.author, cast.colleague, FIRST_ON, LAST_ON)
    with own_transaction():
        people.deactivate(person=cast.colleague, by=cast.admin, knowing=True)
    work(FIRST_ON)
    assert (owner_of("a"), row.begun_at) == (cast.author, None)
    work(LAST_ON + timedelta(days=1))
    # It ended with the account, by whoever closed that.
    assert (owner_of("a"), row.ended_by) == (cast.author, cast.admin.code)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"first_on": TODAY - timedelta(days=1)}, errors.FirstDayPast),
        ({"last_on": FIRST_ON - timedelta(days=1)}, errors.DaysInverted),
        ({"last_on": FIRST_ON + timedelta(days=3 * 366)}, errors.TooFarAhead),
        # From 9 November on the tenth working day is the 20th.
        ({"last_on": date(2026, 11, 24)}, errors.StandInTooLong),
        ({"ongoing": " "}, errors.FieldMissing),
        ({"trouble": "a" * 1_000_000}, errors.TextTooLong),
    ],
)
def test_a_stand_in_that_cannot_be_is_refused_in_words(
    cast: Cast, values: dict[str, object], expected: type[DomainError]
) -> None:
    usual: dict[str, object] = {
        "person": cast.author,
        "stand_in": cast.colleague,
        "first_on": FIRST_ON,
        "last_on": LAST_ON,
        "ongoing": "The review",
        "places": "The folder",
        "trouble": "Ask",
        "by": cast.author,
    }
    with pytest.raises(expected) as refused, own_transaction():
        stand_ins.plan_stand_in(**(usual | values))  # type: ignore[arg-type]
    assert str(refused.value)


def test_one_stand_in_at_a_time_and_none_beside_a_handover(cast: Cast, things: Things) -> None:
    def planned(first_on: date, last_on: date) -> StandIn:
        return plan(cast.author, cast.colleague, first_on, last_on)

    planned(FIRST_ON, LAST_ON)
    with pytest.raises(errors.StandInOverlaps):
        planned(LAST_ON, LAST_ON)
    with pytest.raises(errors.StandInUnderWay):
        begin(cast.author, cast.lead)
    begin(cast.approver, cast.lead)
    with pytest.raises(errors.HandoverUnderWay):
        plan(cast.approver, cast.colleague, FIRST_ON, LAST_ON)


@pytest.mark.parametrize("who", ["author", "gone"])
def test_nobody_stands_in_for_herself_and_nobody_who_left(cast: Cast, who: str) -> None:
    unfit: Person = cast.author
    if who == "gone":
        unfit = cast.outsider
        with own_transaction():
            people.deactivate(person=unfit, by=cast.admin, knowing=True)
    with pytest.raises(errors.SuccessorUnfit):
        plan(cast.author, unfit, FIRST_ON, LAST_ON)
