"""The search in a real browser: by the keyboard from any page, accessible, and within the narrowest window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.accessibility import faults_of
from tests.builders import Cast
from tests.library.builders import make_published

pytestmark = [pytest.mark.browser, pytest.mark.any_database]


def test_the_key_leads_to_the_field_but_not_while_something_is_typed(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    make_published(cast.author)
    page = open_as(cast.colleague).new_page()
    page.goto("/library", wait_until="networkidle")
    field = page.get_by_role("searchbox", name="Search documents and clauses")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    page.keyboard.type("fan/acc")
    expect(field).to_have_value("fan/acc")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=fan%2Facc")
    expect(page.get_by_role("heading", level=2)).to_have_text("Fan accounts")
    own = page.get_by_role("searchbox", name="Words to look for")
    page.locator("body").dispatch_event("keydown", {"key": "/", "isComposing": True, "bubbles": True})
    expect(own).not_to_be_focused()
    page.keyboard.press("/")
    expect(own).to_be_focused()


@pytest.mark.parametrize(("who", "scheme"), [("learner", "dark"), ("colleague", "light")])
def test_the_pages_are_accessible_and_fit_into_a_narrow_window(
    cast: Cast, open_as: Callable[..., BrowserContext], who: str, scheme: str
) -> None:
    make_published(cast.author)
    page = open_as(getattr(cast, who), viewport={"width": 320, "height": 800}, color_scheme=scheme).new_page()
    for path in (
        "/search?q=account", "/search?q=ファン", "/search?q=zebra", "/in-force?at=2026-05-03T10:00", "/in-force?at=x",
        "/library/impersonation?at=2026-05-03T10:00", "/library/impersonation?at=2020-05-03",
    ):  # fmt: skip
        page.goto(path, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert faults_of(page) == [], path
