"""What only its owner knows: refused with a secret, written without it, found true again, and taken away on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.accessibility import faults_of
from tests.e2e.conftest import Visitor
from tests.e2e.test_journey import say

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
TITLE = {"en": "Daily check of the queue", "ja": "審査待ち件数の確認"}
SECRET = {"en": "Ask the desk.\nPassword: hibiki2026", "ja": "窓口に依頼する。\nパスワード：hibiki2026"}
WITHOUT = {"en": "Ask the desk.", "ja": "窓口に依頼する。"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_card_is_written_without_its_secret_and_keeps_what_was_typed(
    visit: Callable[..., Visitor], language: str
) -> None:
    lead = visit(language, width=1280 if language == "en" else 360)
    lead.sign_in("lead")
    lead.open(f"/cards?switch={language}")
    page = lead.page
    assert faults_of(page) == []
    card = page.get_by_role("link", name=TITLE[language], exact=True)
    while not card.count():
        turned = page.locator(".pager [rel=next]").get_attribute("href")
        assert turned is not None
        lead.open(turned)
    card.click()
    page.wait_for_url("**/cards/of/**")
    assert faults_of(page) == []
    page.get_by_role("main").get_by_role("link", name=say(language, "Change the card")).click()
    page.wait_for_url("**/cards/write/**")
    assert faults_of(page) == []
    field = page.locator(f"#access_{language}")
    field.fill(SECRET[language])
    page.get_by_role("button", name=say(language, "Save the card")).click()
    # The reason and the place are said, and nothing that was typed is lost.
    summary = page.locator(".error-summary")
    summary.wait_for()
    assert "hibiki2026" not in summary.inner_text()
    assert field.input_value() == SECRET[language]
    assert faults_of(page) == []
    # The browser notes that the form came back; nothing else.
    assert all("400" in each for each in lead.complaints)
    lead.complaints.clear()
    field.fill(WITHOUT[language])
    page.get_by_role("button", name=say(language, "Save the card")).click()
    page.wait_for_url("**/cards/of/**")
    assert WITHOUT[language] in page.get_by_role("main").inner_text()
    lead.assert_quiet()
