"""The pages of handovers, in both languages: from the notice to the close, and what is refused on the way."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from portal.accounts.models import Role
from portal.accounts.service import people
from portal.core import clock
from portal.core.db import session
from portal.core.mail import _builders
from portal.core.transaction import own_transaction
from portal.handover.models import Handover, StandIn
from portal.handover.queries import handovers as queries
from portal.handover.rules import ItemState, Reason, Stage
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
    owner_of,
    plan,
    show,
    stand,
    state,
)

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
KEY = "thing:{}"


def source(page: Any) -> str:
    """Return a page as it was sent."""
    return str(page.response.get_data(as_text=True))


def start_form(giver: Any, **changed: str) -> dict[str, Any]:
    return {
        "person": giver.code,
        "reason": "resignation",
        "notice_on": TODAY.isoformat(),
        "last_on": LAST_ON.isoformat(),
        "back_on": "",
        "act": "preview",
    } | changed


# --- Beginning -----------------------------------------------------------------------------------


@LANGUAGES
def test_a_handover_begins_after_a_preview_of_things_and_dates(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a", "b")
    lead = as_(cast.lead, language=language)
    form = start_form(cast.author)
    preview = lead.post("handover.start", data=form, expect=200)
    assert "Thing a" in preview.text
    assert {"en": "Thu 26 Nov", "ja": "11月26日（木）"}[language] in preview.text
    assert queries.find_open(cast.author.id) is None
    seen = preview.one("input", name="seen").get("value", "")
    lead.post("handover.start", data=form | {"act": "confirm", "seen": seen})
    found = queries.find_open(cast.author.id)
    assert found is not None
    page = lead.get("handover.handover", code=found.code)
    assert {"en": "No successor", "ja": "後任者なし"}[language] in page.text
    assert {"en": "no evaluation", "ja": "人事評価ではなく"}[language] in page.text


@LANGUAGES
def test_a_short_leave_is_led_to_the_form_of_a_stand_in(cast: Cast, as_: Any, language: str) -> None:
    form = start_form(cast.author, reason="leave", back_on=(LAST_ON + timedelta(days=6)).isoformat())
    page = as_(cast.author, language=language).post("handover.start", data=form, expect=400)
    assert "/stand-ins/new?person=" in source(page)
    assert {"en": "a stand-in is enough", "ja": "代行者で足ります"}[language] in page.text


@LANGUAGES
@pytest.mark.parametrize(
    "changed",
    [
        {"last_on": "2026-10-30"},
        {"last_on": "2036-10-30"},
        {"last_on": "soon"},
        {"last_on": ""},
        {"notice_on": "2026-12-24"},
        {"reason": "whatever"},
        {"reason": "leave"},
        {"person": "NOBODY"},
    ],
    ids=["past", "far", "no date", "empty", "after", "reason", "no way back", "nobody"],
)
def test_what_cannot_begin_is_said_beside_the_form_and_loses_nothing(
    cast: Cast, as_: Any, changed: dict[str, str], language: str
) -> None:
    page = as_(cast.lead, language=language).post("handover.start", data=start_form(cast.author, **changed), expect=400)
    assert page.one("input", name="notice_on").get("value")
    assert queries.find_open(cast.author.id) is None


def test_nobody_begins_a_handover_of_somebody_she_does_not_lead(cast: Cast, as_: Any) -> None:
    as_(cast.colleague).post("handover.start", data=start_form(cast.author), expect=400)
    assert queries.find_open(cast.author.id) is None


# --- The way of an item --------------------------------------------------------------------------


@LANGUAGES
def test_the_way_of_an_item_from_its_successor_to_its_new_owner(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    lead, successor = as_(cast.lead, language=language), as_(cast.colleague, language=language)
    lead.post("handover.assign", code=found.code, data={"things": KEY.format("a"), "successor": cast.colleague.code})
    item = item_of(found, "a").code
    assert "Thing a" in successor.get("training.today").text
    for stage in Stage:
        data = {"stage": stage.value, "done_on": TODAY.isoformat(), "words": "Did it.", "link": ""}
        successor.post("handover.give_evidence", item=item, data=data)
    successor.post("handover.refuse", item=item, data={"reason": "No time"})
    told = lead.get("handover.item", item=item).text
    assert "No time" in told
    assert {"en": "Refused, with the lead", "ja": "辞退（リード対応待ち）"}[language] in told
    assert {"en": "1 item waits for the lead", "ja": "リードの対応待ち1件"}[language] in lead.get("training.today").text
    lead.post("handover.name_successor", item=item, data={"successor": cast.colleague.code})
    successor.post("handover.accept", item=item)
    assert state(found, "a") is ItemState.ACCEPTED
    lead.post("handover.close", code=found.code)
    assert owner_of("a") == cast.colleague
    assert {"en": "Closed by", "ja": "が完了しました"}[language] in lead.get("handover.handover", code=found.code).text


@LANGUAGES
def test_what_is_wrong_with_evidence_stands_beside_it_and_keeps_the_words(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    item, browser = item_of(found, "a").code, as_(cast.colleague, language=language)
    usual = {"stage": "shadow", "done_on": TODAY.isoformat(), "words": "Watched closely", "link": ""}
    for changed in (
        {"done_on": "2026-11-20"},
        {"done_on": "2024-11-20"},
        {"words": ""},
        {"words": "a" * 1_000_000},
        {"link": "javascript:alert(1)"},
    ):
        page = browser.post("handover.give_evidence", item=item, data=usual | changed, expect=400)
        assert changed.get("words", "Watched closely")[:100] in page.text
    browser.post("handover.give_evidence", item=item, data=usual | {"stage": "alone"}, expect=409)
    browser.post("handover.give_evidence", item=item, data=usual | {"stage": "nonsense"}, expect=409)


def test_only_the_successor_shows_and_only_the_lead_waives(cast: Cast, things: Things, as_: Any) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    item = item_of(found, "a").code
    data = {"stage": "shadow", "done_on": TODAY.isoformat(), "words": "Watched"}
    for other in (cast.author, cast.lead, cast.admin):
        as_(other).post("handover.give_evidence", item=item, data=data, expect=403)
        as_(other).post("handover.accept", item=item, expect=403)
    as_(cast.author).post("handover.waive", item=item, data={"stage": "shadow", "reason": "Why not"}, expect=403)
    as_(cast.author).post("handover.close", code=found.code, expect=403)
    as_(cast.approver).get("handover.item", item=item, expect=404)
    as_(cast.lead).post("handover.waive", item=item, data={"stage": "shadow", "reason": "She made it"})
    assert state(found, "a") is ItemState.SHADOWED


def test_a_lead_does_not_close_her_own_handover(cast: Cast, as_: Any) -> None:
    found = begin(cast.lead, cast.admin)
    as_(cast.lead).post("handover.close", code=found.code, expect=403)
    as_(cast.admin).post("handover.close", code=found.code)


@LANGUAGES
def test_what_is_left_is_named_where_it_cannot_be_closed(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    page = as_(cast.lead, language=language).post("handover.close", code=found.code, expect=409)
    assert "Thing a" in page.text
    assert {"en": "cannot be closed yet", "ja": "まだ完了できません"}[language] in page.text


def test_what_is_gained_while_the_page_is_open_can_be_given_a_successor_from_it(
    cast: Cast, things: Things, as_: Any
) -> None:
    found = begin(cast.author, cast.lead)
    give(things, cast.author, "late")
    lead = as_(cast.lead)
    assert KEY.format("late") in source(lead.get("handover.handover", code=found.code))
    data = {"things": KEY.format("late"), "successor": cast.colleague.code}
    lead.post("handover.assign", code=found.code, data=data)
    assert state(found, "late") is ItemState.CARD_MISSING
    things.live["late"] = False
    lead.post("handover.assign", code=found.code, data=data, expect=409)
    lead.post("handover.assign", code=found.code, data={"successor": cast.colleague.code}, expect=400)
    lead.post("handover.assign", code=found.code, data={"things": "nonsense", "successor": ""}, expect=409)


# --- Who is told what ----------------------------------------------------------------------------


def test_a_successor_is_not_told_why_somebody_goes_nor_of_what_others_take_over(
    cast: Cast, things: Things, as_: Any
) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    assign(found, cast.approver, "b")
    page = as_(cast.colleague, language="en").get("handover.handover", code=found.code)
    assert "Thing a" in page.text
    assert "Thing b" not in page.text
    assert "Resignation" not in page.text
    assert "Resignation" in as_(cast.lead, language="en").get("handover.handover", code=found.code).text
    assert "Resignation" not in as_(cast.colleague, language="en").get("handover.list_handovers").text
    as_(cast.outsider).get("handover.handover", code=found.code, expect=404)


def test_the_mails_of_a_handover_are_written_in_the_language_of_whoever_gets_them(cast: Cast, things: Things) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    assigned = queries.get_course(item_of(found, "a")).assignments[-1]
    mail = _builders["handover.assigned"](assignment=assigned.id, things=1)
    assert mail is not None
    assert (mail.to_address, mail.values["things"]) == ("colleague@portal.example", 1)
    with own_transaction():
        items.refuse(item=item_of(found, "a"), reason="No time", by=cast.colleague)
    decision = queries.get_course(item_of(found, "a")).decisions[-1]
    mail = _builders["handover.refused"](decision=decision.id, to=cast.lead.code)
    assert mail is not None
    assert mail.values["reason"] == "No time"
    # Once somebody else is asked, nobody needs to hear of it.
    assign(found, cast.approver, "a")
    assert _builders["handover.refused"](decision=decision.id, to=cast.lead.code) is None
    assert _builders["handover.assigned"](assignment=assigned.id, things=1) is None


# --- The last day, calling off, handing back -----------------------------------------------------


@LANGUAGES
def test_the_last_day_moves_after_a_look_at_what_moves_with_it(cast: Cast, as_: Any, language: str) -> None:
    found = begin(cast.author, cast.lead)
    lead = as_(cast.lead, language=language)
    form = {"last_on": "2026-12-16", "back_on": "", "reason": "A longer notice", "days": "1", "act": "preview"}
    page = lead.post("handover.move_last_day", code=found.code, data=form, expect=200)
    assert {"en": "Tue 8 Dec", "ja": "12月8日（火）"}[language] in page.text
    seen = page.one("input", name="seen").get("value", "")
    lead.post("handover.move_last_day", code=found.code, data=form | {"act": "confirm", "seen": seen})
    session.expire_all()
    assert found.last_on == date(2026, 12, 16)
    again = form | {"days": "2", "act": "confirm"}
    again["seen"] = (
        lead.post("handover.move_last_day", code=found.code, data=again | {"act": "preview"}, expect=200)
        .one("input", name="seen")
        .get("value", "")
    )
    lead.post("handover.move_last_day", code=found.code, data=again, expect=409)
    lead.post("handover.move_last_day", code=found.code, data=form | {"last_on": "2020-12-16"}, expect=400)


@LANGUAGES
def test_it_is_called_off_with_a_reason(cast: Cast, as_: Any, language: str) -> None:
    found = begin(cast.author, cast.lead)
    lead = as_(cast.lead, language=language)
    lead.post("handover.call_off", code=found.code, data={"reason": " "}, expect=400)
    lead.post("handover.call_off", code=found.code, data={"reason": "She stays"})
    assert "She stays" in lead.get("handover.handover", code=found.code).text
    lead.post("handover.call_off", code=found.code, data={"reason": "Again"}, expect=409)


def test_after_leave_everything_comes_back_with_one_press(cast: Cast, things: Things, as_: Any) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead, reason=Reason.LEAVE, back_on=date(2027, 2, 1))
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    close(found, cast.lead)
    author = as_(cast.author, language="en")
    assert "Hand everything back" in author.get("handover.handover", code=found.code).text
    author.post("handover.hand_back", code=found.code)
    assert owner_of("a") == cast.author
    author.post("handover.hand_back", code=found.code, expect=409)


# --- No way around -------------------------------------------------------------------------------


@LANGUAGES
def test_passing_everything_on_leads_to_the_handover(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    admin = as_(cast.admin, language=language)
    page = admin.post("accounts.pass_on", code=cast.author.code, data={"to": "colleague@portal.example"}, expect=409)
    assert f"/handovers/{found.code}" in source(page)
    assert owner_of("a") == cast.author


@LANGUAGES
def test_an_owner_is_deactivated_after_two_have_accepted_by_name(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    admin, lead = as_(cast.admin, language=language), as_(cast.lead, language=language)
    page = admin.post("accounts.deactivate", code=cast.author.code, data={"knowing": "y"}, expect=409)
    assert f"/people/{cast.author.code}/orphans" in source(page)
    data = {"things": KEY.format("a"), "reason": "Nobody needs it"}
    for browser in (admin, lead):
        browser.post("handover.accept_orphans", code=cast.author.code, data=data)
    as_(cast.author).post("handover.accept_orphans", code=cast.author.code, data=data, expect=403)
    assert {"en": "May have no owner", "ja": "責任者不在を承認済み"}[language] in admin.get(
        "handover.accept_orphans", code=cast.author.code
    ).text
    lead.post("handover.accept_orphans", code=cast.author.code, data=data, expect=400)
    lead.post("handover.take_back_orphan", code=cast.author.code, data={"thing": KEY.format("a")})
    admin.post("accounts.deactivate", code=cast.author.code, data={"knowing": "y"}, expect=409)
    lead.post("handover.accept_orphans", code=cast.author.code, data=data)
    admin.post("accounts.deactivate", code=cast.author.code, data={"knowing": "y"})
    session.expire_all()
    assert not cast.author.is_active
    said = {"en": "Accepted by ", "ja": "責任者なしを承認："}[language]
    names = [each.name_in(language) for each in (cast.admin, cast.lead)]
    for page in (
        admin.get("duties.list_responsibilities", show="no_owner"),
        admin.get("duties.of_person", code=cast.author.code),
        admin.get("duties.name_owners", kind=KIND, code="a"),
    ):
        assert said + {"en": ", ", "ja": "、"}[language].join(names) in page.text


# --- Stand-ins -----------------------------------------------------------------------------------


@LANGUAGES
def test_a_stand_in_is_planned_in_three_fields_and_seen_by_both(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    make_grant(cast.colleague, Role.MENTOR)
    author = as_(cast.author, language=language)
    form = {
        "person": cast.author.code,
        "stand_in": cast.colleague.code,
        "first_on": "2026-11-09",
        "last_on": "2026-11-13",
        "ongoing": "Review",
        "places": "Folder-7",
        "trouble": "Ask",
    }
    author.post("handover.new_stand_in", data=form | {"trouble": ""}, expect=400)
    page = author.post("handover.new_stand_in", data=form | {"last_on": "2026-12-24"}, expect=400)
    assert "Folder-7" in page.text
    author.post("handover.new_stand_in", data=form)
    row = session.query(StandIn).one()
    for person in (cast.author, cast.colleague):
        browser = as_(person, language=language)
        assert row.code in source(browser.get("training.today"))
        assert "Folder-7" in browser.get("handover.stand_in", code=row.code).text
    as_(cast.approver).get("handover.stand_in", code=row.code, expect=404)
    as_(cast.colleague).post("handover.end_stand_in", code=row.code, expect=403)
    author.post("handover.end_stand_in", code=row.code)
    author.post("handover.end_stand_in", code=row.code, expect=409)


@LANGUAGES
def test_where_there_is_no_handover_one_button_begins_the_first(cast: Cast, as_: Any, language: str) -> None:
    page = as_(cast.lead, language=language).get("handover.list_handovers")
    assert len([each for each in page.links() if each.partition("?")[0].endswith("/handovers/new")]) == 1


# --- What is left of it --------------------------------------------------------------------------


@LANGUAGES
def test_pages_open_whatever_became_of_those_who_took_part(cast: Cast, things: Things, as_: Any, language: str) -> None:
    give(things, cast.author, "a", "b", "c", deputy=cast.approver)
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a", "b")
    show(found, cast.colleague, "a", Stage.SHADOW)
    plan(cast.approver, cast.colleague, date(2026, 11, 9), date(2026, 11, 13))
    with own_transaction():
        people.deactivate(person=cast.colleague, by=cast.admin, knowing=True)
    del things.live["c"]
    item = item_of(found, "a").code
    with clock.frozen(at(LAST_ON + timedelta(days=3))):
        lead = as_(cast.lead, language=language)
        for endpoint, values in (
            ("handover.list_handovers", {}),
            ("handover.handover", {"code": found.code}),
            ("handover.item", {"item": item}),
            ("handover.close", {"code": found.code}),
            ("handover.move_last_day", {"code": found.code}),
            ("handover.call_off", {"code": found.code}),
            ("handover.stand_in", {"code": session.query(StandIn).one().code}),
            ("training.today", {}),
        ):
            lead.get(endpoint, **values)
        text = lead.get("handover.handover", code=found.code).text
    assert {"en": "Past the last day", "ja": "最終日超過"}[language] in text
    assert {"en": "Successor has left", "ja": "後任者が不在"}[language] in text
    assert session.query(Handover).count() == 1


# --- Long lists ----------------------------------------------------------------------------------


def test_a_long_handover_is_narrowed_and_all_that_is_listed_gets_one_successor(
    cast: Cast, things: Things, as_: Any
) -> None:
    give(things, cast.author, *(f"t{number:02}" for number in range(60)))
    handover = begin(cast.author, cast.lead)
    assign(handover, cast.colleague, "t00", "t01", by=cast.lead)
    lead = as_(cast.lead)
    page = lead.get("handover.handover", code=handover.code)
    assert "1–25 of 60" in page.text
    hers = lead.get("handover.handover", code=handover.code, by=cast.colleague.code)
    assert "2 items fit." in hers.text
    assert "Thing t02" not in hers.text.partition("2 items fit.")[2]
    free = lead.get("handover.handover", code=handover.code, state="unassigned", q="t0")
    form = {"successor": cast.learner.code, "all": "yes", "mark": free.one("input", name="mark").get("value")}
    form["seen"] = free.one("input", name="seen").get("value")
    lead.post("handover.assign", code=handover.code, state="unassigned", q="t0", data=form)
    takers = {each.thing[1]: each.taker for each in stand(handover).items if each.taker is not None}
    assert takers == {f"t0{each}": cast.colleague if each < 2 else cast.learner for each in range(10)}
    # Of a list that is another by now nothing is changed.
    refused = lead.post("handover.assign", code=handover.code, data=form, expect=409)
    assert "has changed since it was shown" in refused.text
