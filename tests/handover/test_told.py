"""Who is concerned is told: each event by one mail to each, in her language, and never of what she did herself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.transaction import own_transaction
from portal.handover.queries import handovers as queries
from portal.handover.rules import Reason
from portal.handover.service import handovers, stand_ins
from tests.builders import Cast
from tests.handover.builders import LAST_ON, TODAY, Things, accept, assign, begin, close, give, owed, plan, written

pytestmark = pytest.mark.usefixtures("today")


def mails() -> list[str]:
    """Return all mails about handovers that are owed and still true, as they are written."""
    return [text for each in owed("handover.told") if (text := written("handover.told", **each))]


def to(person: object) -> list[str]:
    address = getattr(person, "sign_in_name", "")
    return [each for each in mails() if each.startswith(f"{address}\n")]


def test_whoever_hands_over_is_told_when_somebody_else_begins_it(cast: Cast, things: Things) -> None:
    give(things, cast.colleague, "a")
    begin(cast.colleague, cast.lead)
    (mail,) = to(cast.colleague)
    assert "has begun a handover" in mail
    assert len(mails()) == 1


def test_nobody_is_told_of_what_she_began_herself(cast: Cast, things: Things) -> None:
    give(things, cast.colleague, "a")
    begin(cast.colleague, cast.colleague)
    assert to(cast.colleague) == []


def test_giver_and_successors_are_told_once_that_the_last_day_moves(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.author)
    assign(found, cast.colleague, "a", "b")
    for number in (1, 2):
        with own_transaction():
            handovers.move_last_day(
                handover=found,
                last_on=LAST_ON + timedelta(days=number),
                back_on=None,
                reason="Longer",
                seen=number,
                by=cast.lead,
            )
    # Of two moves the latest is told: the first is not true any more when it is written.
    (mail,) = to(cast.colleague)
    assert "4 Dec 2026" in mail.replace("December", "Dec")
    assert len(to(cast.author)) == 1
    assert "Longer" not in mail


def test_new_owners_are_told_what_is_theirs_and_the_giver_what_has_gone(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b", "c")
    found = begin(cast.author, cast.author)
    assign(found, cast.colleague, "a", "b")
    assign(found, cast.approver, "c")
    accept(found, cast.colleague, "a", "b")
    accept(found, cast.approver, "c")
    close(found, cast.lead)
    (mail,) = to(cast.colleague)
    assert "answers for: Thing a, Thing b." in mail
    assert "Thing c" not in mail
    (given,) = to(cast.author)
    assert all(f"Thing {each}" in given for each in "abc")
    assert "ほかの人が責任者" in given


def test_giver_and_successors_are_told_that_it_was_called_off(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.author)
    assign(found, cast.colleague, "a")
    with own_transaction():
        handovers.call_off(handover=found, reason="She stays", by=cast.lead)
    assert "called this handover off" in to(cast.colleague)[-1]
    assert len(to(cast.author)) == 1


def test_after_leave_both_are_told_where_things_are(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.author, reason=Reason.LEAVE, back_on=LAST_ON + timedelta(days=40))
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    close(found, cast.lead)
    with own_transaction():
        handovers.hand_back(handover=queries.get_handover(found.code), by=cast.lead)
    assert "gone back to" in to(cast.colleague)[-1]
    assert "Thing a" in to(cast.author)[-1]


def test_a_stand_in_is_told_that_it_was_called_off_or_is_over(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    ahead = plan(cast.author, cast.colleague, TODAY + timedelta(days=3), TODAY + timedelta(days=4))
    at_work = plan(cast.author, cast.colleague, TODAY, TODAY)
    for each in (ahead, at_work):
        with own_transaction():
            stand_ins.call_off(stand_in=each, by=cast.author)
    told = [written("handover.stand_in_ended", **each) for each in owed("handover.stand_in_ended")]
    assert [each.split("\n")[0] for each in told] == [cast.colleague.sign_in_name] * 2
    assert "called off before it began" in told[0]
    assert "1 thing is with" in told[1]
