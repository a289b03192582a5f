"""A case written in a real browser: its clauses are looked up, in both languages, by the words of their headings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from portal.accounts import queries as people
from portal.core.transaction import own_transaction
from tests.accessibility import WCAG, faults_of
from tests.builders import Cast
from tests.library.builders import make_published
from tests.quizzes.builders import make_bank

# What a script does is the same on every database; what it sends is sent to both in the tests of pages and services.
pytestmark = [pytest.mark.browser, pytest.mark.any_database]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_clause_of_a_case_is_looked_up_without_any_sign_and_taken_with_enter(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str
) -> None:
    with own_transaction():
        people.get_person(cast.author.code).language = language
    make_published(cast.author, "impersonation")
    make_bank(cast.author, questions=())
    page = open_as(cast.author).new_page()
    page.goto("/banks/impersonation/questions/new?type=case")
    page.locator("button[name=do][value='add:clause']").click()
    clause = page.locator("#clause__0__text")
    clause.wait_for()
    # Without its script a field looks nothing up.
    page.locator("html.modules-attached").wait_for(state="attached")
    clause.press_sequentially("impersonation#fan")
    options = page.locator("#clause__0__text-clauses").get_by_role("option")
    expect(options.first).to_contain_text("impersonation#fan-accounts")
    # The list begins below the line that is being typed.
    top, line = page.locator("#clause__0__text-clauses").bounding_box(), clause.bounding_box()
    assert top is not None
    assert line is not None
    assert top["y"] >= line["y"] + line["height"] - 1
    clause.press("Enter")
    expect(clause).to_have_value("[[impersonation#fan-accounts]]")
    expect(options).to_have_count(0)
    page.locator("button[name=do][value='add:severity']").click()
    level = page.locator("#severity__0__text")
    expect(level.locator("option")).to_have_count(6)
    level.select_option("S2")
    expect(page.locator("#clause__0__text")).to_have_value("[[impersonation#fan-accounts]]")
    assert faults_of(page, WCAG) == []
