"""The dossier says what the cards say, in either language, to whom it is for, and is read without the product."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Role
from portal.core.access import allows
from portal.core.db import session
from portal.core.markdown import scan, split_clauses
from portal.core.transaction import own_transaction
from portal.duties.rules.cards import Question
from portal.duties.service import cards
from portal.handover.formats.dossier import markdown_of
from portal.handover.models import Handover
from portal.handover.queries import dossiers
from portal.handover.service import issuing, items
from portal.handover.service.dossier import dossier_of
from portal.library.permissions import READ_DOCUMENT
from tests.builders import Cast, make_grant, make_person
from tests.handover.builders import KIND, Things, begin, give, item_of
from tests.page_client import PageClient

PARTS = {
    "purpose": {"ja": "判断をそろえる", "en": "Decide alike"},
    "steps": {"ja": "1. 開く\n2. # 見出しではない\n詳しくは [[appeals#second-look]] と <b>太字</b>"},
    "open_items": {"en": "The list of words"},
}


def write(code: str, cast: Cast, parts: Any = None) -> None:
    with own_transaction():
        cards.write_card(
            subject=cards.get_subject(KIND, code),
            parts=parts or PARTS,
            questions=[Question("誰が決めますか。", "リード", ("本人",))],
            seen=0,
            by=cast.colleague,
        )


@pytest.fixture
def handover(cast: Cast, things: Things, today: None) -> Handover:
    """The colleague hands over three things, of which one has a card; the learner is to take that one over."""
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.colleague, "one", "two", "three")
    write("one", cast)
    begun = begin(cast.colleague, cast.lead)
    with own_transaction():
        items.assign(handover=begun, things=[(KIND, "one")], successor=cast.learner, by=cast.lead)
    return begun


@pytest.mark.parametrize(
    ("tag", "heading", "other"), [("en", "Purpose", "Only in Japanese"), ("ja", "目的", "英語のみ")]
)
def test_every_part_stands_under_its_heading_and_says_where_it_is_of_the_other_language(
    handover: Handover, tag: str, heading: str, other: str
) -> None:
    written = markdown_of(dossier_of(handover, tag=tag))
    assert scan(written) == []
    headings = {each.anchor: each.heading for each in split_clauses(written)}
    one = f"item-{item_of(handover, 'one').code.lower()}"
    assert headings[f"{one}-purpose"] == heading
    assert f"*{other}*" in written
    assert PARTS["purpose"][tag] in written
    # Signs that were typed stay signs.
    assert "\\# 見出しではない" in written or "# 見出しではない" in written
    # What has no card stands in one table.
    assert len([each for each in headings if each.startswith("item-") and each.count("-") == 1]) == 1
    without = next(each for each in split_clauses(written) if each.anchor == "without-card")
    assert [title in without.body for title in ("Thing one", "Thing two", "Thing three")] == [False, True, True]


@pytest.mark.parametrize("tag", ["en", "ja"])
def test_the_plan_stands_before_the_cards_and_says_how_everything_is(cast: Cast, handover: Handover, tag: str) -> None:
    written = markdown_of(dossier_of(handover, tag=tag))
    clauses = {each.anchor: each for each in split_clauses(written)}
    before, _heads, _parts = ",".join(clauses).partition(",item-")
    assert before.endswith("overview,items,decisions,dates")
    assert {"en": "Resignation", "ja": "退職"}[tag] in written
    assert {"en": "Plan agreed", "ja": "計画の合意"}[tag] in clauses["overview"].body
    assert {"en": "No successor", "ja": "後任者なし"}[tag] in clauses["items"].body
    assert clauses["decisions"].body.count("\n- ") + clauses["decisions"].body.startswith("- ") == 2
    part = markdown_of(dossier_of(handover, tag=tag, successor=cast.learner))
    assert {"en": "Resignation", "ja": "退職"}[tag] not in part
    assert "{#decisions}" not in part


@pytest.mark.parametrize("tag", ["en", "ja"])
def test_whoever_refused_an_item_is_nowhere_its_successor(app: Flask, cast: Cast, handover: Handover, tag: str) -> None:
    with own_transaction():
        issuing.issue(handover=handover, by=cast.lead)
    mine = next(each for each in dossiers.list_dossiers(handover) if each.successor_id == cast.learner.id)
    assert allows(cast.learner, READ_DOCUMENT, mine.document)
    with own_transaction():
        items.refuse(item=item_of(handover, "one"), reason="I leave, too", by=cast.learner)
    name = cast.learner.name_in(tag)
    said = {"en": f"– ({name} refused)", "ja": f"–（{name}さんは辞退）"}[tag]
    whole = markdown_of(dossier_of(handover, tag=tag)).replace("\\", "")
    assert said in whole
    assert f"| {name} |" not in whole
    assert dossier_of(handover, tag=tag, successor=cast.learner).entries == []
    session.expire_all()
    assert not allows(cast.learner, READ_DOCUMENT, mine.document)
    for endpoint in ("handover.handover", "handover.close"):
        assert said in PageClient(app, cast.lead, tag).get(endpoint, code=handover.code).text


def test_an_item_keeps_its_address_in_later_dossiers(cast: Cast, things: Things, handover: Handover) -> None:
    before = {each.anchor for each in dossier_of(handover, tag="en").entries}
    give(things, cast.colleague, "four")
    write("two", cast)
    things.live["three"] = False
    after = {each.anchor for each in dossier_of(handover, tag="ja").entries}
    gone = f"item-{item_of(handover, 'three').code.lower()}"
    assert before - after == {gone}
    assert len(after) == 3


def test_a_successor_is_given_only_what_she_takes_over(app: Flask, cast: Cast, handover: Handover) -> None:
    page = PageClient(app, cast.learner, "en").get("handover.dossier", code=handover.code)
    assert "Only what the reader takes over is in this paper." in page.text
    assert "Thing one" in page.text
    assert "Thing two" not in page.text
    answer = PageClient(app, cast.learner, "en").fetch("handover.dossier_markdown", code=handover.code, language="en")
    assert "Thing two" not in answer.text


def test_who_does_not_read_the_cards_is_not_given_the_dossier(app: Flask, cast: Cast, handover: Handover) -> None:
    auditor = make_person()
    make_grant(auditor, Role.AUDITOR)
    for person, expect in ((cast.colleague, 200), (cast.lead, 200), (auditor, 200), (cast.outsider, 404)):
        for endpoint in ("handover.dossier_markdown", "handover.dossier"):
            values = {"language": "ja"} if endpoint.endswith("markdown") else {}
            answer = PageClient(app, person, "en").fetch(endpoint, code=handover.code, **values)
            assert answer.status_code == expect, (person.code, endpoint)
    administrator = make_person()
    make_grant(administrator, Role.ADMIN)
    assert PageClient(app, administrator, "en").fetch("handover.dossier", code=handover.code).status_code == 403


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_of_a_handover_leads_to_its_dossier(app: Flask, cast: Cast, handover: Handover, language: str) -> None:
    browser = PageClient(app, cast.lead, language)
    assert any("/dossier" in each for each in browser.get("handover.handover", code=handover.code).links())
    page = browser.get("handover.dossier", code=handover.code)
    assert {"en": "2 items have no card", "ja": "カードのない項目が2件"}[language] in page.text
    assert {"en": "no evaluation of anybody's performance", "ja": "人事評価"}[language] in page.text
