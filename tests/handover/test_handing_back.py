"""After leave things are as they were before: who stood behind them, too; what went elsewhere is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import Person
from portal.accounts.service import ownership, people
from portal.core.transaction import own_transaction
from portal.handover.models import Handover
from portal.handover.rules import Reason
from portal.handover.service import handovers
from tests.builders import Cast
from tests.handover.builders import KIND, LAST_ON, Things, accept, assign, begin, close, deputy_of, give, owner_of

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])


def on_leave(giver: Person, taker: Person, cast: Cast, *codes: str) -> Handover:
    """Return a leave that is closed, with everything at who took it over."""
    found = begin(giver, cast.lead, reason=Reason.LEAVE, back_on=LAST_ON + timedelta(days=40))
    assign(found, taker, *codes)
    accept(found, taker, *codes)
    close(found, cast.lead)
    return found


def hand_back(found: Handover, by: Person) -> None:
    with own_transaction():
        handovers.hand_back(handover=found, by=by)


def test_the_deputy_of_before_stands_behind_it_again_also_who_took_it_over(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", deputy=cast.approver)
    give(things, cast.author, "b", deputy=cast.colleague)
    give(things, cast.author, "c")
    found = on_leave(cast.author, cast.colleague, cast, "a", "b", "c")
    hand_back(found, cast.lead)
    assert [owner_of(each) for each in "abc"] == [cast.author] * 3
    assert [deputy_of(each) for each in "abc"] == [cast.approver, cast.colleague, cast.colleague]


def test_where_the_deputy_of_before_has_gone_whoever_took_it_over_stands_in(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", deputy=cast.approver)
    found = on_leave(cast.author, cast.colleague, cast, "a")
    with own_transaction():
        people.deactivate(person=cast.approver, by=cast.admin, knowing=True)
    hand_back(found, cast.lead)
    assert deputy_of("a") == cast.colleague


@LANGUAGES
def test_what_a_third_person_has_by_now_is_said_not_to_come_back(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = on_leave(cast.author, cast.colleague, cast, "a")
    with own_transaction():
        ownership.set_owner(kind=KIND, code="a", owner=cast.approver, by=cast.lead)
    page = as_(cast.lead, language=language).get("handover.handover", code=found.code)
    assert {"en": "Does not come back", "ja": "戻らないもの"}[language] in page.text
    assert cast.approver.name_in(language) in page.text
