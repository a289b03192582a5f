"""Quoted texts in a real browser: what a document quotes is taken along with one press."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.accessibility import faults_of
from tests.builders import Cast
from tests.library.builders import english, japanese, make_published

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

EN = """\
## Notices {#notices}

Send this:

> **Subject:** Your account
>
> Thank you for writing.
> We look at it within *two days*.

Or, later:

> Your account is open again.
"""
JA = "## 通知 {#notices}\n\n次の文を送る。\n\n> 件名：アカウントについて\n"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_quoted_text_is_copied_line_by_line_with_its_own_button(
    cast: Cast, open_as: Callable[..., BrowserContext], scheme: str
) -> None:
    make_published(cast.author, texts=[english(EN, summary="Texts."), japanese(JA, summary="文。")])
    context = open_as(cast.learner, viewport={"width": 320, "height": 800}, color_scheme=scheme)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/library/impersonation?switch=en", wait_until="networkidle")
    first = page.get_by_role("button", name="Copy Subject: Your account Thank you for writ…")
    page.locator(".quote-copy").nth(0).scroll_into_view_if_needed()
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".quote-copy [role=status]").nth(0)).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == (
        "Subject: Your account\n\nThank you for writing. We look at it within two days."
    )
    page.get_by_role("button", name="Copy Your account is open again.", exact=True).click()
    expect(page.locator(".quote-copy [role=status]").nth(1)).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "Your account is open again."
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert faults_of(page) == []
    page.goto("/library/impersonation?switch=ja", wait_until="networkidle")
    expect(page.get_by_role("button", name="コピー 件名：アカウントについて")).to_be_visible()
    context.close()
