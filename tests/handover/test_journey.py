"""A handover from the notice to its close in a real browser, in both languages, and once without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal.core import clock
from portal.core.db import session
from portal.handover.queries import handovers as queries
from portal.handover.rules import Stage
from tests.accessibility import faults_of
from tests.builders import Cast
from tests.handover.builders import Things, give, owner_of
from tests.training.builders import load_holidays

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

WORDS = {
    "en": {
        "begin": "Begin the handover",
        "preview": "Show the preview",
        "who": "Who hands over",
        "resignation": "Resignation",
        "last": "Last day",
        "successor": "Successor of what is chosen",
        "name": "Name the successor",
        "what": "What was done",
        "keep": "Keep as done",
        "refuse_it": "Refuse it",
        "reason": "Reason",
        "refuse": "Refuse",
        "with_lead": "Waits for the lead",
        "accept": "Accept",
        "close": "Close the handover",
        "closed": "2 things have other owners now",
        "cannot": "Not accepted yet",
    },
    "ja": {
        "begin": "この内容で始める",
        "preview": "プレビューへ進む",
        "who": "前任者",
        "resignation": "退職",
        "last": "最終日",
        "successor": "選んだ項目の後任者",
        "name": "後任者を決める",
        "what": "実施した内容",
        "keep": "実施済みとして記録する",
        "refuse_it": "辞退する",
        "reason": "理由",
        "refuse": "辞退する",
        "with_lead": "リードの対応待ち",
        "accept": "引き受ける",
        "close": "引継ぎを完了する",
        "closed": "2件の責任者が変わりました",
        "cannot": "まだ引き受けられていない項目",
    },
}


def goto(page: Page, path: str, language: str) -> None:
    page.goto(f"{path}?switch={language}")


def clean(page: Page) -> None:
    faults = faults_of(page)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("language", "script"), [("en", True), ("ja", True), ("ja", False)])
def test_from_the_notice_to_the_close(
    cast: Cast, things: Things, open_as: Callable[..., BrowserContext], language: str, script: bool
) -> None:
    load_holidays()
    today = clock.today("Asia/Tokyo")
    give(things, cast.author, "a", "b")
    words = WORDS[language]
    lead: Any = open_as(cast.lead, java_script_enabled=script).new_page()
    successor = open_as(cast.colleague, java_script_enabled=script).new_page()

    def button(page: Page, name: str) -> Any:
        return page.get_by_role("button", name=words[name], exact=True)

    # The notice, with a preview first.
    goto(lead, "/handovers/new", language)
    lead.get_by_label(words["who"]).select_option(cast.author.code)
    lead.get_by_label(words["resignation"]).check()
    lead.locator("#last_on").fill((today + timedelta(days=30)).isoformat())
    button(lead, "preview").click()
    expect(lead.get_by_role("rowheader", name="Thing a")).to_be_visible()
    if script:
        clean(lead)
    button(lead, "begin").click()
    expect(lead.get_by_role("checkbox").first).to_be_visible()
    session.rollback()
    found = queries.find_open(cast.author.id)
    assert found is not None

    # Both items get a successor at once.
    for box in lead.get_by_role("checkbox").all():
        box.check()
    lead.get_by_label(words["successor"]).select_option(cast.colleague.code)
    button(lead, "name").last.click()
    expect(lead.get_by_role("heading", name=words["with_lead"])).to_have_count(0)
    if script:
        clean(lead)

    def show(page: Page, thing: str) -> None:
        goto(page, "/today", language)
        page.get_by_role("link", name=f"Thing {thing}", exact=True).click()
        for stage in Stage:
            expect(page.locator('input[name="stage"]').first).to_have_value(stage.value)
            page.locator("#done_on").fill(today.isoformat())
            page.get_by_label(words["what"]).fill("Gone through from the beginning to the end.")
            button(page, "keep").click()
        expect(button(page, "accept")).to_be_visible()

    # One is taken over, the other refused.
    show(successor, "a")
    if script:
        clean(successor)
    button(successor, "accept").click()
    expect(button(successor, "accept")).to_have_count(0)
    goto(successor, "/today", language)
    successor.get_by_role("link", name="Thing b", exact=True).click()
    successor.locator("summary").filter(has_text=words["refuse_it"]).click()
    successor.locator("#refusal-reason").fill("No time in December")
    button(successor, "refuse").click()
    expect(successor.locator("#refusal-reason")).to_have_count(0)

    # The lead cannot close it, and finds somebody else.
    goto(lead, f"/handovers/{found.code}/close", language)
    expect(lead.get_by_role("heading", name=words["cannot"])).to_be_visible()
    assert button(lead, "close").count() == 0
    goto(lead, f"/handovers/{found.code}", language)
    expect(lead.get_by_role("heading", name=words["with_lead"])).to_be_visible()
    lead.get_by_role("table").last.get_by_role("rowheader").get_by_role("link", name="Thing b").click()
    lead.get_by_role("combobox").last.select_option(cast.approver.code)
    button(lead, "name").click()
    expect(button(lead, "name")).to_be_visible()
    expect(lead.get_by_role("complementary").get_by_text(cast.approver.name_in(language)).first).to_be_visible()
    other = open_as(cast.approver, java_script_enabled=script).new_page()
    show(other, "b")
    button(other, "accept").click()
    expect(button(other, "accept")).to_have_count(0)

    # Now everything moves at once.
    goto(lead, f"/handovers/{found.code}/close", language)
    if script:
        clean(lead)
    button(lead, "close").click()
    expect(lead.get_by_text(words["closed"])).to_be_visible()
    session.rollback()
    assert [owner_of(code).code for code in "ab"] == [cast.colleague.code, cast.approver.code]
