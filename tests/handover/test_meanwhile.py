"""What changes while a page is open is said in words; what was typed stays, and nothing is left without an owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import people
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.handover import errors
from portal.handover.models import HandoverItem
from portal.handover.queries import handovers as queries
from portal.handover.rules import ItemState, Stage
from portal.handover.service import orphans
from tests.builders import Cast
from tests.handover.builders import (
    KIND,
    LAST_ON,
    TODAY,
    Things,
    accept,
    assign,
    begin,
    close,
    give,
    item_of,
    owner_of,
    show,
    state,
)

pytestmark = pytest.mark.usefixtures("today")
LANGUAGES = pytest.mark.parametrize("language", ["en", "ja"])
KEY = "thing:{}"


def withdraw(things: Things, code: str) -> None:
    things.live[code] = False


def delete(things: Things, code: str) -> None:
    del things.live[code]


def deactivate(person: Person, by: Person) -> None:
    with own_transaction():
        people.deactivate(person=person, by=by, knowing=True)


@LANGUAGES
@pytest.mark.parametrize("goes", [withdraw, delete])
def test_what_is_withdrawn_or_deleted_meanwhile_takes_no_answer_and_says_so(
    cast: Cast, things: Things, as_: Any, goes: Callable[[Things, str], None], language: str
) -> None:
    give(things, cast.author, "a", "b")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    show(found, cast.colleague, "a")
    item = item_of(found, "a").code
    goes(things, "a")
    lead, successor = as_(cast.lead, language=language), as_(cast.colleague, language=language)
    words = {"stage": "alone", "done_on": TODAY.isoformat(), "words": "一人で実施", "link": ""}
    said = {"en": "does not need to be handed over any more", "ja": "引継ぎが不要になりました"}[language]
    for browser, endpoint, data in (
        (successor, "handover.accept", {}),
        (successor, "handover.refuse", {"reason": "時間がない"}),
        (successor, "handover.give_evidence", words),
        (lead, "handover.name_successor", {"successor": cast.approver.code}),
        (lead, "handover.waive", {"stage": "shadow", "reason": "既知"}),
    ):
        page = browser.post(endpoint, item=item, data=data, expect=errors.ItemGone.status)
        assert said in page.text, endpoint
        assert all(data[name] in page.text for name in ("words", "reason") if name in data), "what was typed is lost"
    data = {"things": KEY.format("a"), "successor": cast.approver.code}
    assert said in lead.post("handover.assign", code=found.code, data=data, expect=errors.ItemGone.status).text
    assert state(found, "a") is ItemState.GONE
    # The rest of it goes its way, and what is gone moves to nobody.
    assign(found, cast.colleague, "b")
    accept(found, cast.colleague, "b")
    lead.post("handover.close", code=found.code)
    assert owner_of("a") == cast.author
    assert owner_of("b") == cast.colleague


@LANGUAGES
def test_a_successor_whose_account_is_closed_keeps_it_open_until_there_is_another(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    accept(found, cast.colleague, "a")
    deactivate(cast.colleague, cast.admin)
    lead = as_(cast.lead, language=language)
    page = lead.post("handover.close", code=found.code, expect=errors.NotAllAccepted.status)
    assert page.text.count("Thing a") >= 2, "the message names it as the list does"
    assert {"en": "Successor has left", "ja": "後任者が不在"}[language] in page.text
    assert owner_of("a") == cast.author
    item = item_of(found, "a").code
    lead.post(
        "handover.name_successor",
        item=item,
        data={"successor": cast.colleague.code},
        expect=400,
    )
    lead.post("handover.name_successor", item=item, data={"successor": cast.approver.code, "seen": "1"})
    accept(found, cast.approver, "a")
    lead.post("handover.close", code=found.code)
    assert owner_of("a") == cast.approver


@LANGUAGES
def test_an_owner_who_leaves_in_the_middle_is_kept_or_leaves_what_is_passed_on_all_the_same(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    admin, lead = as_(cast.admin, language=language), as_(cast.lead, language=language)
    page = admin.post("accounts.deactivate", code=cast.author.code, data={"knowing": "y"}, expect=409)
    assert "Thing a" in page.text
    for by in (cast.lead, cast.admin):
        with own_transaction():
            orphans.accept(person=cast.author, things=[(KIND, "a")], reason="She goes today", by=by)
    admin.post("accounts.deactivate", code=cast.author.code, data={"knowing": "y"})
    text = lead.get("handover.handover", code=found.code).text
    assert {"en": "No successor", "ja": "後任者なし"}[language] in text
    lead.post("handover.close", code=found.code, expect=errors.NotAllAccepted.status)
    lead.post("handover.assign", code=found.code, data={"things": KEY.format("a"), "successor": cast.colleague.code})
    accept(found, cast.colleague, "a")
    lead.post("handover.close", code=found.code)
    assert owner_of("a") == cast.colleague


@LANGUAGES
def test_an_item_is_of_one_handover_at_a_time_and_goes_on_with_whoever_got_it(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    first, second = begin(cast.author, cast.lead), begin(cast.colleague, cast.lead)
    assign(first, cast.colleague, "a")
    accept(first, cast.colleague, "a")
    # Whoever takes it over is going too: it is no item of hers before it is hers.
    assert session.query(HandoverItem).filter_by(thing_code="a").count() == 1
    close(first, cast.lead)
    assert state(second, "a") is ItemState.UNASSIGNED
    admin = as_(cast.admin, language=language)
    page = admin.post("accounts.deactivate", code=cast.colleague.code, data={"knowing": "y"}, expect=409)
    assert "Thing a" in page.text
    page = admin.post(
        "duties.name_owners",
        kind=KIND,
        code="a",
        data={"owner": cast.approver.code, "deputy": "", "team": "", "seen": str(_seen("a"))},
        expect=409,
    )
    assert cast.colleague.name_in(language) in page.text
    assign(second, cast.approver, "a")
    accept(second, cast.approver, "a")
    close(second, cast.lead)
    assert owner_of("a") == cast.approver


def _seen(code: str) -> int:
    found = accounts.find_owner(KIND, code)
    assert found is not None
    return found.id


@LANGUAGES
def test_a_last_day_in_the_past_is_refused_beside_its_field_and_changes_nothing(
    cast: Cast, as_: Any, language: str
) -> None:
    found = begin(cast.author, cast.lead)
    form = {
        "last_on": (TODAY - timedelta(days=1)).isoformat(),
        "back_on": "",
        "reason": "早期退職",
        "days": "1",
        "act": "confirm",
        "seen": "",
    }
    page = as_(cast.lead, language=language).post("handover.move_last_day", code=found.code, data=form, expect=400)
    assert {"en": "lies in the past", "ja": "過去"}[language] in page.text
    assert "早期退職" in {each.text for each in page.all("textarea")}
    session.expire_all()
    assert queries.get_handover(found.code).last_on == LAST_ON


@LANGUAGES
def test_a_text_of_a_megabyte_is_refused_in_words_wherever_it_is_typed(
    cast: Cast, things: Things, as_: Any, language: str
) -> None:
    give(things, cast.author, "a")
    found = begin(cast.author, cast.lead)
    assign(found, cast.colleague, "a")
    item, long = item_of(found, "a").code, "あ" * 350_000
    lead, successor = as_(cast.lead, language=language), as_(cast.colleague, language=language)
    for browser, endpoint, values, data in (
        (successor, "handover.refuse", {"item": item}, {"reason": long}),
        (lead, "handover.waive", {"item": item}, {"stage": Stage.SHADOW.value, "reason": long}),
        (lead, "handover.call_off", {"code": found.code}, {"reason": long}),
        (lead, "handover.accept_orphans", {"code": cast.author.code}, {"things": KEY.format("a"), "reason": long}),
    ):
        page = browser.post(endpoint, data=data, expect=400, **values)
        assert {"en": "At most 500 characters.", "ja": "500文字以内"}[language] in page.text, endpoint
        assert long in {each.text for each in page.all("textarea")}, "what was typed is lost"
    assert queries.get_handover(found.code).is_open
    assert owner_of("a") == cast.author


@LANGUAGES
def test_a_reason_for_what_was_done_meanwhile_is_not_lost(cast: Cast, as_: Any, language: str) -> None:
    found = begin(cast.author, cast.lead)
    lead = as_(cast.lead, language=language)
    lead.post("handover.call_off", code=found.code, data={"reason": "異動なし"})
    page = lead.post("handover.call_off", code=found.code, data={"reason": "本人が残る"}, expect=409)
    assert {"en": "Nothing can be changed in it", "ja": "変更できません"}[language] in page.text
    assert "本人が残る" in page.text
