"""A market's text in a real browser: begun, written and submitted with the keyboard alone; its pages are accessible."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal.core.transaction import own_transaction
from portal.library import queries
from portal.library.models import DraftState
from portal.library.queries import drafts
from portal.library.service.drafts import begin_draft
from tests.accessibility import WCAG, faults_of
from tests.builders import Cast, make_market
from tests.library.builders import english, japanese, make_published, make_version
from tests.library.test_overlays import BASE_EN, BASE_JA, make_overlay, publish_overlay

pytestmark = [pytest.mark.browser, pytest.mark.any_database]


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Go with the Tab key to what is called so, and press a key there."""
    wanted = (
        page.locator("button, a, textarea")
        .filter(visible=True)
        .and_(page.get_by_label(name, exact=True))
        .or_(page.get_by_role("button", name=name, exact=True))
        .or_(page.get_by_role("link", name=name, exact=True))
    )
    handle = wanted.first.element_handle()
    for _ in range(200):
        if page.evaluate("(each) => each === document.activeElement", handle):
            page.keyboard.press(key)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {name}")


def type_at_end(page: Page, tag: str, text: str) -> None:
    """Go with the Tab key to the text in a language, and type at its end."""
    for _ in range(200):
        if page.evaluate("document.activeElement.id") == f"source-{tag}":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Control+End")
    page.keyboard.type(text)
    page.keyboard.press("Control+s")
    expect(page.locator(f"#text-{tag} .save-state")).to_contain_text("Saved", timeout=10_000)


def faults(page: Page) -> list[str]:
    return [f"{page.url}: {each}" for each in faults_of(page, WCAG)]


def test_a_market_text_is_begun_written_and_submitted_by_keyboard(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    make_market("JP")
    make_published(cast.admin, texts=[english(BASE_EN, summary="Who."), japanese(BASE_JA, summary="誰が。")])
    page = open_as(cast.author).new_page()
    page.goto("/library/impersonation/markets?switch=en")
    press(page, "Write its text Japan")
    expect(page.get_by_role("heading", level=1)).to_have_text("“Impersonation (Japan)” over its base text")
    press(page, "Replace § appeals")
    expect(page.locator("#source-en")).to_have_value(
        "## Appeals {#appeals overlay=replace sensitivity=S1}\n\nWithin 30 days. See [[impersonation#scope]].\n"
    )
    type_at_end(page, "en", "\nIn writing.\n")
    type_at_end(page, "ja", "\n書面による。\n")
    press(page, "All follow")
    expect(page.locator("#clauses .status--done")).to_have_count(1)
    found = faults(page)
    press(page, "Overview and review")
    expect(page.get_by_role("button", name="Submit for approval")).to_be_visible()
    found += faults(page)
    press(page, "Submit for approval")
    expect(page.get_by_text("The draft has been submitted.")).to_be_visible()
    (draft,) = drafts.list_open_drafts(queries.get_document("impersonation@JP"))
    assert draft.state is DraftState.IN_REVIEW
    assert found == []


def test_the_desk_at_which_clauses_are_decided_is_accessible_and_fits_a_telephone(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    base = make_published(cast.admin, texts=[english(BASE_EN), japanese(BASE_JA)])
    publish_overlay(make_overlay(base.document, cast.admin), cast.admin)
    moved = BASE_EN.replace("30 days", "60 days").replace("Everywhere", "Nowhere")
    make_version(base.document, cast.admin, "2.0", texts=[english(moved), japanese(BASE_JA)])
    with own_transaction():
        code = begin_draft(document=queries.get_document("impersonation@JP"), by=cast.author).code
    page = open_as(cast.author, viewport={"width": 320, "height": 640}, color_scheme="dark").new_page()
    for path in (f"/drafts/{code}/base", "/drafts", "/library/impersonation/markets", "/drafts/new?base=x"):
        page.goto(f"{path}{'&' if '?' in path else '?'}lang=ja")
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
