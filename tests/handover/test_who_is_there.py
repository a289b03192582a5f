"""Who is to take something over is there: who is away, leaves or was replaced meanwhile is said before and after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.accounts.service import grants, people
from portal.accounts.service.ownership import OwnerNeeds
from portal.core import clock
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties.service import cards
from portal.handover import errors
from portal.handover.models import Handover
from portal.handover.rules import ItemState, Reason
from portal.handover.service import items
from tests.builders import Cast, make_grant
from tests.handover.builders import (
    KIND,
    LAST_ON,
    TODAY,
    Things,
    accept,
    assign,
    at,
    begin,
    close,
    give,
    item_of,
    owed,
    plan,
    stand,
    state,
    written,
)

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
A_WEEK = timedelta(days=7)


@LANGUAGES
def test_whoever_names_a_successor_is_told_when_she_is_away(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    plan(cast.colleague, cast.approver, TODAY + A_WEEK, TODAY + A_WEEK + timedelta(days=3))
    lead = as_(cast.lead, language=language)
    said = {"en": "away from", "ja": "不在"}[language]
    page = lead.get("handover.handover", code=found.code)
    offered = ["".join(each.itertext()) for each in page.all("option")]
    assert {cast.colleague.name_in(language) in each for each in offered if said in each} == {True}
    answer = lead.post(
        "handover.name_successor", {"successor": cast.colleague.code, "seen": "0"}, item=item_of(found, "a").code
    )
    assert said in lead.follow(answer).text


def test_what_a_successor_has_who_is_gone_waits_for_the_lead_and_cannot_be_closed(cast: Cast, things: Things) -> None:
    give(things, cast.author, "accepted", "open")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "accepted", "open")
    accept(found, cast.colleague, "accepted")
    begin(cast.colleague, cast.colleague, last_on=TODAY + A_WEEK)
    with clock.frozen(at(TODAY + A_WEEK)):
        assert stand(found).with_lead == []
    with clock.frozen(at(TODAY + A_WEEK + timedelta(days=1))):
        assert {each.title for each in stand(found).with_lead} == {"Thing accepted", "Thing open"}
        assert state(found, "accepted") is ItemState.SUCCESSOR_GONE
        assign(found, cast.approver, "open")
        with pytest.raises(errors.NotAllAccepted, match="Thing accepted"):
            close(found, cast.lead)


def test_what_is_with_a_successor_on_leave_beyond_the_last_day_waits_for_the_lead(cast: Cast, things: Things) -> None:
    give(things, cast.author, "short", "long")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "short")
    assign(found, cast.approver, "long")
    begin(cast.approver, cast.lead, reason=Reason.LEAVE, last_on=TODAY + A_WEEK, back_on=LAST_ON + timedelta(days=1))
    begin(cast.colleague, cast.lead, reason=Reason.LEAVE, last_on=TODAY + A_WEEK, back_on=LAST_ON - timedelta(days=3))
    with clock.frozen(at(TODAY + A_WEEK + timedelta(days=1))):
        assert [each.title for each in stand(found).with_lead] == ["Thing long"]


# --- Naming another ------------------------------------------------------------------------------


def name(found: Handover, things: Things, code: str, successor: Any, cast: Cast, **said: Any) -> int:
    with own_transaction():
        return items.assign(handover=found, things=[(KIND, code)], successor=successor, by=cast.lead, **said)


def test_nobody_replaces_a_successor_whom_she_has_not_seen(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    with pytest.raises(errors.NamedMeanwhile, match="Thing a"):
        name(found, things, "a", cast.approver, cast, seen=0)
    # What was named of other items meanwhile is nothing to her; the same successor neither.
    assert name(found, things, "b", cast.approver, cast, seen=0) == 1
    assert name(found, things, "a", cast.colleague, cast, seen=0) == 0
    assert name(found, things, "a", cast.approver, cast, seen=1) == 1


@LANGUAGES
@pytest.mark.parametrize("of_all", [True, False])
def test_what_was_accepted_goes_to_another_only_when_it_is_meant_so(
    cast: Cast, things: Things, as_: Any, language: str, of_all: bool
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    lead = as_(cast.lead, language=language)
    sent = {"successor": cast.approver.code, "seen": "1"} | ({"things": f"{KIND}:a"} if of_all else {})

    def post(expect: int, **more: str) -> Any:
        if of_all:
            return lead.post("handover.assign", sent | more, code=found.code, expect=expect)
        return lead.post("handover.name_successor", sent | more, item=item_of(found, "a").code, expect=expect)

    page = post(409)
    assert cast.colleague.name_in(language) in page.text
    assert page.all("input", name="over_accepted")
    assert state(found, "a") is ItemState.ACCEPTED
    post(303, over_accepted="yes")
    assert state(found, "a") is not ItemState.ACCEPTED


def test_who_is_dropped_is_told_once_of_all_of_it_and_nothing_once_it_is_hers_again(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a", "b")
    assign(found, cast.approver, "a", "b", by=cast.lead)
    (each,) = owed("handover.dropped")
    mail = written("handover.dropped", **each)
    assert mail.startswith(cast.colleague.sign_in_name)
    assert "Thing a, Thing b" in mail
    assign(found, cast.colleague, "a", "b", by=cast.lead)
    assert written("handover.dropped", **owed("handover.dropped")[0]) == ""
    # In Japanese to her who reads it so.
    assert "引き継ぐ必要" in written("handover.dropped", **owed("handover.dropped")[1])


# --- Beginning -----------------------------------------------------------------------------------


def begun(person: Any) -> list[str]:
    mails = [written("handover.told", **each) for each in owed("handover.told")]
    return [each for each in mails if each.startswith(f"{person.sign_in_name}\n")]


def test_what_the_giver_begins_is_told_to_her_lead(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    begin(cast.author, cast.author)
    (mail,) = begun(cast.lead)
    assert "2 Dec 2026" in mail
    assert cast.author.name_in("en") in mail
    assert begun(cast.author) == begun(cast.admin) == []


def test_what_a_lead_begins_for_herself_is_told_to_the_administrators(cast: Cast, things: Things) -> None:
    give(things, cast.lead, "a")
    begin(cast.lead, cast.lead)
    (mail,) = begun(cast.admin)
    assert f"Handover of {cast.lead.name_in('en')}" in mail


def test_a_rehearsal_is_called_so_in_every_mail(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    assign(found, cast.colleague, "a")
    close(found, cast.lead)
    told = [written("handover.told", **each) for each in owed("handover.told")]
    told = [each for each in told if each]
    assert told
    assert all("Rehearsal" in each.split("\n")[1] or "予行" in each.split("\n")[1] for each in told)


def test_what_is_to_be_learned_in_a_rehearsal_is_mailed_as_one(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    assign(begin(cast.author, cast.lead, reason=Reason.REHEARSAL), cast.colleague, "a")
    mail = written("handover.assigned", **owed("handover.assigned")[0])
    assert mail.split("\n")[1].startswith("Rehearsal of a handover: 1 thing")
    assert "Nothing moves" in mail


# --- Going meanwhile -----------------------------------------------------------------------------


@LANGUAGES
def test_deactivating_a_successor_says_what_needs_another_one_and_tells_the_lead(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a", "b")
    accept(found, cast.colleague, "a")
    page = as_(cast.admin, language=language).get("accounts.show_person", code=cast.colleague.code)
    (warned,) = page.all("a", href=f"/handovers/{found.code}")
    assert {"en": "2 things that", "ja": "2件"}[language] in "".join(warned.itertext())
    with own_transaction():
        people.deactivate(person=cast.colleague, by=cast.admin, knowing=True)
    (each,) = owed("handover.successor_gone")
    mail = written("handover.successor_gone", **each)
    assert mail.startswith(cast.lead.sign_in_name)
    assert "Thing a, Thing b" in mail
    assign(found, cast.approver, "a", "b", by=cast.lead)
    assert written("handover.successor_gone", **each) == ""


def test_a_role_that_ends_and_is_needed_for_what_was_accepted_is_told_to_the_lead(cast: Cast, things: Things) -> None:
    grant = make_grant(cast.colleague, Role.MENTOR)
    things.owner_needs = OwnerNeeds((Role.MENTOR,), of_any_scope=True)
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    with own_transaction():
        grants.end_grant(grant=grant, by=cast.admin)
    (each,) = owed("handover.successor_gone")
    assert "Thing a" in written("handover.successor_gone", **each)
    make_grant(cast.colleague, Role.MENTOR)
    assert written("handover.successor_gone", **each) == ""


# --- Standing in ---------------------------------------------------------------------------------


@LANGUAGES
def test_a_stand_in_is_told_what_goes_over_and_what_stays_by_kind(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    things.owner_needs = OwnerNeeds((Role.AUTHOR,), of_any_scope=True)
    give(things, cast.author, "a", "b")
    make_free_card(cast.author)
    row = plan(cast.author, cast.lead, TODAY + A_WEEK, TODAY + A_WEEK, by=cast.admin)
    mail = written("handover.stand_in", **owed("handover.stand_in")[0])
    assert "1 thing of those" in mail
    assert "(1)" in mail
    assert "2 things stay with" in mail
    (told,) = owed("handover.stand_in_planned")
    assert written("handover.stand_in_planned", **told).startswith(cast.author.sign_in_name)
    page = as_(cast.lead, language=language).get("handover.stand_in", code=row.code)
    assert {"en": "Vendor desk", "ja": "委託先の窓口"}[language] in page.text
    assert page.text.count("Thing") >= 4


def make_free_card(owner: Any) -> None:
    """Write a card that belongs to no other thing, which whoever has a role can answer for."""
    title = Words("Vendor desk", "委託先の窓口")
    with own_transaction():
        cards.create_card(title=title, parts={"steps": {"en": "Look"}}, questions=(), by=owner)


# --- Today ---------------------------------------------------------------------------------------


@LANGUAGES
def test_an_administrators_day_has_the_handovers_that_nobody_else_leads(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.lead, "a")
    give(things, cast.author, "b")
    own, led = begin(cast.lead, cast.lead), begin(cast.author, cast.lead, reason=Reason.REHEARSAL)
    page = as_(cast.admin, language=language).get("training.today")
    assert page.all("a", href=f"/handovers/{own.code}")
    assert not page.all("a", href=f"/handovers/{led.code}")
    assert {"en": "1 item waits for the lead", "ja": "リードの対応待ち1件"}[language] in page.text
    of_lead = as_(cast.lead, language=language).get("training.today")
    (link,) = of_lead.all("a", href=f"/handovers/{led.code}")
    assert {"en": "Rehearsal", "ja": "予行"}[language] in "".join(link.itertext())


@LANGUAGES
def test_a_handover_of_nothing_critical_does_not_say_that_its_cards_are_done(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    page = as_(cast.lead, language=language).get("handover.handover", code=found.code)
    assert {"en": "Nothing is critical.", "ja": "最重要のものはありません"}[language] in page.text


@LANGUAGES
def test_who_stands_behind_a_thing_is_shown_with_its_owner(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a", deputy=cast.colleague)
    page = as_(cast.admin, language=language).get("accounts.show_person", code=cast.colleague.code)
    (row,) = [each for each in page.all("tr") if "Thing a" in "".join(each.itertext())]
    assert cast.author.name_in(language) in "".join(row.itertext())
