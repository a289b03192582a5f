"""A rule changes: written, sent back, approved, published; read as a delta and confirmed; coverage moves."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Portal, Visitor
from tests.e2e.test_journey import say

pytestmark = pytest.mark.browser

SENTENCES = {"en": " Whoever is in doubt asks a colleague.", "ja": "迷ったときは同僚に確かめます。"}


def _speak(visitor: Visitor) -> None:
    """Go on in the visitor's language, whatever the account's own is."""
    if visitor.page.locator("html").get_attribute("lang") != visitor.language:
        name = {"en": "English", "ja": "日本語"}[visitor.language]
        visitor.page.locator(".topbar").get_by_text(name, exact=True).first.click()
        expect(visitor.page.locator("html")).to_have_attribute("lang", visitor.language)


def _press(page: Page, visitor: Visitor, text: str, **values: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=say(visitor.language, text, **values), exact=True).click()
    visitor.wait_for_modules()


def _confirm_what_holds(reader: Visitor, slug: str) -> None:
    reader.open(f"/library/{slug}")
    reader.page.locator("#confirmation").get_by_role("checkbox").check()
    _press(reader.page, reader, "Confirm version %(number)s", number="1.0")


def _write(author: Visitor, slug: str) -> str:
    """Change the first clause in both languages, and propose it as a material change; return the draft's code."""
    page = author.page
    author.open(f"/library/{slug}")
    _press(page, author, "Edit")
    code = page.url.split("/drafts/")[1].split("/")[0]
    for tag, sentence in SENTENCES.items():
        box = page.locator(f"#source-{tag}")
        parts = box.input_value().split("\n\n")
        first = next(place for place, part in enumerate(parts) if not part.lstrip().startswith("#"))
        parts[first] += sentence
        box.fill("\n\n".join(parts))
        page.locator(f".editor__side--{tag} summary").first.click()
        page.locator(f"#what_to_do_differently-{tag}").fill(sentence.strip())
        with page.expect_response(re.compile(f"/texts/{tag}$")) as answer:
            box.press("Control+s")
        assert answer.value.ok
    page.locator("select[name=change_class]").select_option("material")
    _press(page, author, "Save what is proposed")
    with page.expect_response(re.compile("/in-step$")) as noted:
        page.locator("form[action$='/in-step'] button").last.click()
    assert noted.value.ok
    return code


def _draft(visitor: Visitor, code: str) -> Page:
    visitor.open(f"/drafts/{code}")
    return visitor.page


def _covered(lead: Visitor, address: str) -> str:
    lead.open(address)
    return " ".join(lead.page.get_by_role("main").inner_text().split())


@pytest.mark.parametrize(
    ("language", "slug"),
    [
        pytest.param("ja", "root-cause-analysis", id="japanese"),
        pytest.param("en", "policy-update", id="english", marks=pytest.mark.any_database),
    ],
)
def test_a_changed_rule_goes_from_its_author_to_those_who_follow_it(
    visit: Callable[..., Visitor], portal: Portal, language: str, slug: str
) -> None:
    author, approver, reader, lead = (visit(language, width=1400) for _number in range(4))
    for visitor, role in ((author, "author"), (approver, "approver"), (reader, "mentor"), (lead, "lead")):
        visitor.sign_in(role)
        _speak(visitor)
    _confirm_what_holds(reader, slug)

    code = _write(author, slug)
    page = _draft(author, code)
    expect(page.locator(".redline ins").first).to_contain_text(SENTENCES[language].strip())
    _press(page, author, "Submit for approval")

    page = _draft(approver, code)
    page.locator("summary", has_text=say(language, "Send back")).click()
    page.locator("textarea[name=send_back_reason]").fill("Who asks whom?")
    _press(page, approver, "Send back")
    page = _draft(author, code)
    expect(page.get_by_role("main")).to_contain_text("Who asks whom?")
    _press(page, author, "Submit for approval")
    page = _draft(approver, code)
    page.locator("#approve_is_confirmed").check()
    _press(page, approver, "Approve and publish")

    page = reader.page
    for _try in range(60):
        reader.open("/today")
        if page.locator(f"a[href*='/library/{slug}/delta']").count():
            break
        page.wait_for_timeout(500)
    lead.open("/campaigns")
    address = str(lead.page.locator("main a[href*='/campaigns/']").first.get_attribute("href"))
    before = _covered(lead, address)
    reader.open(f"/library/{slug}/delta")
    expect(page.locator(".redline ins").first).to_contain_text(SENTENCES[language].strip())
    page.locator("#confirmation").get_by_role("checkbox").check()
    _press(page, reader, "Understood")
    expect(page.get_by_role("main")).to_contain_text("2.0")
    assert _covered(lead, address) != before
    for visitor in (author, approver, reader, lead):
        visitor.assert_quiet()
    done = portal.command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
