"""The picture of a case in a real browser: nothing of it is fetched before somebody opens it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from portal.core.db import session
from tests.builders import Cast
from tests.quizzes.builders import begin
from tests.quizzes.test_pictures import ALT, make_case, make_case_quiz

# What a script does is the same on every database; what it sends is sent to both in the tests of pages and services.
pytestmark = [pytest.mark.browser, pytest.mark.any_database]


def opened(chromium: Browser, address: str, as_: Any, person: Any, **options: Any) -> tuple[BrowserContext, list[str]]:
    """Return a browser signed in as the person, and the addresses of all pictures of questions that it asks for."""
    context = chromium.new_context(base_url=address, **options)
    cookie = as_(person).client.get_cookie("session")
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
    asked: list[str] = []
    context.on("request", lambda each: asked.append(each.url) if "picture" in each.url.split("/static/")[0] else None)
    return context, asked


def english(cast: Cast) -> str:
    cast.learner.language = "en"
    session.commit()
    return begin(cast.learner, make_case_quiz(cast, make_case(cast))).code


def test_a_picture_is_fetched_when_it_is_opened_and_not_before(
    cast: Cast, chromium: Browser, address: str, as_: Any
) -> None:
    code = english(cast)
    context, asked = opened(chromium, address, as_, cast.learner)
    page = context.new_page()
    page.goto(f"/attempts/{code}?lang=en", wait_until="networkidle")
    box = page.locator("details[data-module=quiz-picture]")
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    assert asked == []
    # By keyboard alone.
    box.locator("summary").focus()
    page.keyboard.press("Enter")
    picture = page.get_by_role("img", name=ALT.en)
    expect(picture).to_be_visible()
    page.wait_for_function("document.querySelector('.quiz-picture__image').naturalWidth > 0")
    assert len(asked) == 1
    page.keyboard.press("Enter")
    expect(picture).to_be_hidden()
    page.keyboard.press("Enter")
    expect(picture).to_be_visible()
    assert len(asked) == 1
    context.close()


def test_a_picture_that_cannot_be_loaded_says_so_and_can_be_tried_again(
    cast: Cast, chromium: Browser, address: str, as_: Any
) -> None:
    code = english(cast)
    context, asked = opened(chromium, address, as_, cast.learner)
    page = context.new_page()
    page.goto(f"/attempts/{code}?lang=en", wait_until="networkidle")
    page.route("**/picture", lambda route: route.abort())
    summary = page.locator("details[data-module=quiz-picture] summary")
    summary.click()
    expect(page.get_by_text("could not be loaded")).to_be_visible()
    page.unroute("**/picture")
    summary.click()
    summary.click()
    expect(page.get_by_role("img", name=ALT.en)).to_be_visible()
    assert len(asked) == 2
    context.close()


def test_without_scripts_a_picture_is_a_link_and_still_not_fetched(
    cast: Cast, chromium: Browser, address: str, as_: Any
) -> None:
    code = english(cast)
    context, asked = opened(chromium, address, as_, cast.learner, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/attempts/{code}?lang=en", wait_until="networkidle")
    page.locator("details[data-module=quiz-picture] summary").click()
    link = page.get_by_role("link", name="Open the picture in a new tab")
    expect(link).to_be_visible()
    assert asked == []
    with context.expect_page() as other:
        link.click()
    other.value.wait_for_load_state()
    assert other.value.locator("img").count() == 1
    assert len(asked) >= 1
    context.close()
