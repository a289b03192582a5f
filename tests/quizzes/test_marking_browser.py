"""Marking by keyboard alone, in a real browser: digits, the comment, and on to the next answer."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from portal.core.db import session
from portal.quizzes.models import MarkRound
from portal.quizzes.queries import marking as waiting
from tests.builders import Cast
from tests.quizzes.marking import item_of, make_marked_quiz, make_markers, sit, take
from tests.serving import served

# What a script does is the same on every database; what it sends is sent to both in the tests of pages and services.
pytestmark = [pytest.mark.browser, pytest.mark.any_database]


def test_digits_and_ctrl_enter_mark_one_answer_after_the_other(
    cast: Cast, app: Flask, chromium: Browser, as_: Any
) -> None:
    version = make_marked_quiz(cast.author)
    attempts = [sit(cast.learner, version), sit(cast.colleague, version)]
    marker = make_markers()[0]
    row = take(marker, version, MarkRound.FIRST)
    assert row is not None
    code, items = row.code, [item_of(attempt).id for attempt in attempts]
    cookie = as_(marker, language="en").client.get_cookie("session")
    session.remove()
    with served(app) as address:
        context = chromium.new_context(base_url=address)
        context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
        page = context.new_page()
        troubles: list[str] = []
        page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        page.goto(f"/marking/{code}")
        first = page.get_by_label("names the clause")
        expect(first).to_be_focused()
        # More than it is worth does not go on.
        page.keyboard.type("9")
        expect(first).to_be_focused()
        page.keyboard.press("Backspace")
        page.keyboard.type("21")
        expect(page.get_by_label("Comment to the learner")).to_be_focused()
        page.keyboard.type("Well said.")
        # What is written is kept without a button.
        expect(page.locator(".save-state")).to_have_attribute("data-state", "saved")
        page.reload()
        expect(page.get_by_label("Comment to the learner")).to_have_value("Well said.")
        page.keyboard.press("Control+Enter")
        page.wait_for_url(lambda url: code not in url)
        page.locator("html.modules-attached").wait_for(state="attached")
        expect(page.get_by_text("Marked. This is the next answer.")).to_be_visible()
        expect(page.get_by_label("names the clause")).to_be_focused()
        assert troubles == []
        context.close()
    (mark,) = [mark for marks in waiting.list_hand_marks(items).values() for mark in marks]
    assert (mark.points, mark.comment) == (3, "Well said.")
