"""What is with a stand-in is lent: it counts as the absent person's, whoever of the two goes meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.errors import StillNeeded
from portal.accounts.models import Person
from portal.accounts.service import ownership, people
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.handover.queries import stand_ins as queries
from portal.handover.queries.lending import find_lenders
from portal.handover.rules import Reason
from portal.handover.service import orphans
from portal.handover.service.inventory import held_things, live_things
from tests.builders import Cast
from tests.handover.builders import KIND, TODAY, Things, begin, give, owed, owner_of, plan, stand, written

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
NEXT_WEEK = TODAY + timedelta(days=7)


def deactivate(person: Person, by: Person) -> None:
    with own_transaction():
        people.deactivate(person=person, by=by, knowing=True)


def accept_orphan(person: Person, code: str, *by: Person) -> None:
    for each in by:
        with own_transaction():
            orphans.accept(person=person, things=[(KIND, code)], reason="It ends with her", by=each)


def test_whoever_has_lent_what_she_answers_for_is_not_deactivated_on_the_side(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    assert owner_of("a") == cast.colleague
    with pytest.raises(StillNeeded, match="Thing a"):
        deactivate(cast.author, cast.admin)
    assert owner_of("a") == cast.colleague


@LANGUAGES
def test_what_is_lent_stands_among_what_would_have_no_owner(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    assert "Thing a" in as_(cast.lead, language=language).get("handover.accept_orphans", code=cast.author.code).text


def test_what_two_accept_has_no_owner_once_the_absent_person_goes_and_the_stand_in_is_told(
    cast: Cast, things: Things
) -> None:
    give(things, cast.author, "a")
    found = plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    accept_orphan(cast.author, "a", cast.lead, cast.admin)
    deactivate(cast.author, cast.admin)
    assert not owner_of("a").is_active
    assert owner_of("a") == cast.author
    assert queries.find_stand_ins([found.code])[found.code].ended_at is not None
    mails = [written("handover.stand_in_ended", **each) for each in owed("handover.stand_in_ended")]
    (mail,) = [each for each in mails if each.startswith(cast.colleague.sign_in_name)]
    assert "Nobody answers for 1 thing from now on" in mail


def test_a_stand_in_who_goes_gives_back_first_and_the_absent_person_is_told(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    deactivate(cast.colleague, cast.admin)
    assert owner_of("a") == cast.author
    mails = [written("handover.stand_in_ended", **each) for each in owed("handover.stand_in_ended")]
    assert any(each.startswith(cast.author.sign_in_name) for each in mails)
    assert any("is closed. Plan another stand-in" in each and cast.lead.sign_in_name in each for each in mails)


def test_what_is_only_planned_ends_with_either_account(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = plan(cast.author, cast.colleague, TODAY + timedelta(days=2), NEXT_WEEK)
    deactivate(cast.colleague, cast.admin)
    assert owner_of("a") == cast.author
    assert queries.find_stand_ins([found.code])[found.code].begun_at is None
    (mail,) = [
        each
        for each in (written("handover.stand_in_ended", **each) for each in owed("handover.stand_in_ended"))
        if each.startswith(cast.author.sign_in_name)
    ]
    assert "まだ何も移っていません" in mail


def test_what_is_lent_to_whoever_hands_over_is_no_item_of_hers(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    give(things, cast.colleague, "b")
    plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    found = begin(cast.colleague, cast.lead, reason=Reason.TRANSFER)
    assert [each.thing[1] for each in stand(found).items] == ["b"]


def test_what_is_lent_on_belongs_to_its_first_owner_alone(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    give(things, cast.colleague, "b")
    plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    plan(cast.colleague, cast.approver, TODAY, NEXT_WEEK)
    session.expire_all()
    assert owner_of("a") == owner_of("b") == cast.approver
    assert {each[1] for each in live_things(cast.author)} == {"a"}
    assert {each[1] for each in live_things(cast.colleague)} == {"b"}
    assert live_things(cast.approver) == {}
    assert {each[1] for each in held_things(cast.approver)} == {"a", "b"}
    assert find_lenders([(KIND, "a"), (KIND, "b")]) == {(KIND, "a"): cast.author, (KIND, "b"): cast.colleague}


def test_passing_everything_on_takes_what_was_lent_and_leaves_what_was_borrowed(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    give(things, cast.colleague, "b")
    plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    with own_transaction():
        assert ownership.pass_on(person=cast.colleague, to=cast.approver, by=cast.admin) == 1
    assert owner_of("a") == cast.colleague
    with own_transaction():
        assert ownership.pass_on(person=cast.author, to=cast.approver, by=cast.admin) == 1
    assert owner_of("a") == cast.approver


@LANGUAGES
def test_calling_off_says_what_has_become_of_the_things(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    author = as_(cast.author, language=language)
    ahead = plan(cast.author, cast.colleague, TODAY + timedelta(days=2), NEXT_WEEK)
    page = author.follow(author.post("handover.end_stand_in", code=ahead.code))
    assert {"en": "Nothing had gone over", "ja": "何も移っていませんでした"}[language] in page.text
    at_work = plan(cast.author, cast.colleague, TODAY, NEXT_WEEK)
    page = author.follow(author.post("handover.end_stand_in", code=at_work.code))
    assert {"en": "1 thing came back", "ja": "1件が戻りました"}[language] in page.text
