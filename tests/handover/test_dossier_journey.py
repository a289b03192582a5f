"""A dossier in a real browser: issued, confirmed, changed, issued again, the change read, and the handover closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from portal.accounts.models import Role
from portal.core import clock, jobs
from portal.core.db import session
from portal.handover.queries import dossiers
from tests.builders import Cast, make_grant
from tests.handover.builders import Things, accept, assign, begin, give
from tests.handover.test_issuing import CARDS, dossier_for, write
from tests.handover.test_journey import clean, goto
from tests.training.builders import load_holidays

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

WORDS = {
    "en": {
        "issue": "Issue the dossier",
        "again": "Issue what the cards say now",
        "do": "Issue",
        "confirm": "Confirm version {}",
        "confirmed": "Confirmed",
        "missing": "Not confirmed yet",
        "to": "To the confirmation",
        "handover": "Handover of {}",
        "close": "Close the handover",
    },
    "ja": {
        "issue": "引継書を発行する",
        "again": "現在のカードの内容を発行する",
        "do": "発行する",
        "confirm": "第{}版を確認する",
        "confirmed": "確認済み",
        "missing": "未確認",
        "to": "確認に進む",
        "handover": "{}さんの引継ぎ",
        "close": "引継ぎを完了する",
    },
}


@pytest.mark.parametrize(("language", "script"), [("en", True), ("ja", True), ("ja", False)])
def test_a_dossier_from_the_first_issue_to_the_close(
    cast: Cast, things: Things, open_as: Callable[..., BrowserContext], language: str, script: bool
) -> None:
    load_holidays()
    today = clock.today("Asia/Tokyo")
    make_grant(cast.lead, Role.LEAD)
    give(things, cast.author, "one")
    write("one", cast.author, CARDS["one"])
    found = begin(cast.author, cast.lead, notice_on=today, last_on=today.replace(year=today.year + 1))
    assign(found, cast.colleague, "one")
    words = WORDS[language]
    lead: Any = open_as(cast.lead, java_script_enabled=script).new_page()
    successor: Any = open_as(cast.colleague, java_script_enabled=script).new_page()
    name = cast.author.name_in(language)

    def issue(first: str) -> None:
        goto(lead, f"/handovers/{found.code}/dossier", language)
        lead.get_by_role("link", name=words[first]).click()
        if script:
            clean(lead)
        lead.get_by_role("button", name=words["do"], exact=True).click()
        expect(lead.get_by_role("cell", name=words["missing"]).first).to_be_visible()

    def confirm(number: str) -> None:
        if script:
            clean(successor)
        successor.get_by_role("checkbox").check()
        successor.get_by_role("button", name=words["confirm"].format(number)).click()
        expect(successor.get_by_role("button", name=words["confirm"].format(number))).to_have_count(0)

    # Issued, found on Today, read and confirmed.
    issue("issue")
    goto(successor, "/today", language)
    successor.get_by_role("link", name=words["handover"].format(name)).first.click()
    expect(successor.get_by_text("判断をそろえる" if language == "ja" else "Decide alike")).to_be_visible()
    confirm("1.0")
    goto(lead, f"/handovers/{found.code}/dossier", language)
    expect(lead.get_by_text(words["confirmed"], exact=True)).to_be_visible()
    jobs.run_due()
    goto(lead, f"/handovers/{found.code}/dossier", language)
    if script:
        clean(lead)
    with lead.expect_download() as download:
        lead.get_by_role("link", name="PDF").first.click()
    assert download.value.suggested_filename.endswith(".pdf")

    # A card changes: only that is read, and confirmed again.
    write("one", cast.author, CARDS["one"] | {"trouble": {"en": "Ask the lead", "ja": "リードに聞く"}})
    issue("again")
    goto(successor, "/today", language)
    successor.get_by_role("link", name=words["handover"].format(name)).first.click()
    expect(successor.get_by_text("リードに聞く" if language == "ja" else "Ask the lead").first).to_be_visible()
    assert successor.url.split("?")[0].endswith("/delta")
    if script:
        clean(successor)
    successor.get_by_role("link", name=words["to"]).click()
    confirm("2.0")

    # What changed last is issued with the close.
    accept(found, cast.colleague, "one", on=today)
    write("one", cast.author, CARDS["one"] | {"open_items": {"en": "Nothing", "ja": "なし"}})
    goto(lead, f"/handovers/{found.code}/close", language)
    if script:
        clean(lead)
    lead.get_by_role("button", name=words["close"], exact=True).click()
    expect(lead.get_by_role("button", name=words["close"], exact=True)).to_have_count(0)
    session.rollback()
    assert [each.number for each in dossier_for(found, cast.colleague).document.versions] == ["1.0", "2.0", "3.0"]
    assert len(dossiers.list_to_confirm([cast.colleague.id])) == 1
    goto(successor, f"/handovers/{found.code}/dossier", language)
    expect(successor.get_by_role("cell", name=words["missing"]).first).to_be_visible()
