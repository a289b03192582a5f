"""Typing, matching and ordering in a browser: saved when the typing pauses, never while an input method composes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from portal.core.db import session
from portal.quizzes import queries
from portal.quizzes.models import EventKind, Item, Response
from portal.quizzes.types.base import ANSWER
from tests.builders import Cast
from tests.quizzes.builders import begin, make_written_quiz

# What a script does is the same on every database; what it sends is sent to both in the tests of pages and services.
pytestmark = [pytest.mark.browser, pytest.mark.any_database]


def _stored(position: int) -> dict[str, Any] | None:
    session.rollback()
    return session.scalars(select(Response.answer).join(Item).where(Item.position == position)).one_or_none()


def _word(page: Page, position: int) -> Any:
    return page.locator(f"[data-position='{position}'] .save-state")


def test_what_is_typed_is_saved_when_the_typing_pauses_and_never_while_it_is_composed(
    app: Flask, cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_written_quiz(cast.author, ("short_answer", "numeric", "free_text")))
    context = open_as(cast.colleague)
    page = context.new_page()
    saves: list[dict[str, Any]] = []
    page.on("request", lambda each: saves.append(each.post_data_json) if each.url.endswith("/responses") else None)
    page.goto(f"/attempts/{attempt.code}", wait_until="networkidle")
    typing = context.new_cdp_session(page)
    page.locator("#q1-answer").focus()
    # An input method composes for longer than the typing would have to pause, then the word is chosen.
    for text in ("つ", "つう", "つうち"):
        typing.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
        page.wait_for_timeout(500)
    page.wait_for_timeout(1500)
    assert saves == []
    expect(page.locator("#q1-answer")).to_have_value("つうち")
    typing.send("Input.insertText", {"text": "通知"})
    expect(_word(page, 1)).to_contain_text("Saved")
    assert [each["answer"] for each in saves] == [{ANSWER: ["通知"]}]
    # Leaving the field saves at once, and says how a number is read.
    page.locator("#q2-answer").fill("2 d")
    page.locator("#q2-answer").blur()
    expect(page.locator("[data-note='q2-answer']")).to_have_text("Read as 48 h", timeout=1000)
    page.locator("#q2-answer").fill("two")
    page.locator("#q2-answer").blur()
    expect(page.locator("[data-note='q2-answer']")).to_contain_text("cannot be read as a number")
    # A text counts its characters; Enter begins a line and hands nothing in.
    essay = page.locator("#q3-answer")
    essay.press_sequentially("One")
    essay.press("Enter")
    essay.press_sequentially("two")
    expect(page.locator("[data-count='q3-answer']")).to_have_text("7 characters · 3 more needed")
    expect(_word(page, 3)).to_contain_text("Saved")
    assert (_stored(1), _stored(2), _stored(3)) == (
        {ANSWER: ["通知"]},
        {ANSWER: ["two"]},
        {ANSWER: ["One\ntwo"]},
    )
    # Not a save for each sign.
    kinds = [event.kind for event in queries.list_events(queries.get_attempt(attempt.code))]
    assert kinds.count(EventKind.SAVED) <= 5
    # What is typed last goes with the handing in.
    essay.press_sequentially(" three")
    page.locator("summary", has_text="Hand in").click()
    page.get_by_role("button", name="Hand in now").click()
    expect(page).to_have_title("Result: Knowledge check · Shirube")
    assert _stored(3) == {ANSWER: ["One\ntwo three"]}


def test_what_cannot_be_read_is_no_answer_yet_for_the_field_the_map_and_the_question_before_handing_in(
    app: Flask, cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_written_quiz(cast.author, ("short_answer", "numeric")))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    for typed, is_read in (("two", False), ("3 d", True), ("3 weeks", False)):
        page.locator("#q2-answer").fill(typed)
        page.locator("#q2-answer").blur()
        if is_read:
            expect(page.locator("[data-left='unread']")).to_be_hidden()
            expect(page.locator("#q2-answer")).not_to_have_attribute("aria-invalid", "true")
        else:
            expect(page.locator("#q2-answer")).to_have_attribute("aria-invalid", "true")
            expect(page.locator(".attempt__top [data-number='2']")).to_contain_text("cannot be read")
            expect(page.locator("[data-left='unread'] li")).to_contain_text("Question 2")
    page.locator("summary", has_text="Hand in").click()
    # Named on the page, it is handed in without being asked about again.
    expect(page.locator("[data-left='unread']")).to_be_visible()
    page.get_by_role("button", name="Hand in now").click()
    expect(page).to_have_title("Result: Knowledge check · Shirube")
    assert _stored(2) == {ANSWER: ["3 weeks"]}


def test_things_are_put_in_order_and_matched_by_the_keyboard(
    app: Flask, cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_written_quiz(cast.author, ("ordering", "matching", "gap")))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    rows = page.locator("[data-position='1'] .order__row")
    expect(rows).to_have_count(3)
    expect(page.locator("[data-slot=answered]").first).to_have_text("0 of 3 answered")
    for number in (0, 1):
        # Each goes to its place from wherever it stands.
        row = rows.filter(has_text=f"Step {number}")
        while (at := [each.inner_text().split("Step ")[1][0] for each in rows.all()].index(str(number))) > number:
            row.locator("[data-move='-1']").focus()
            page.keyboard.press("Enter")
            expect(rows.nth(at - 1)).to_contain_text(f"Step {number}")
    if rows.first.locator("select").input_value() == "":
        # They stood in the right order already: one list says so for all.
        rows.first.locator("select").select_option(label="1")
    expect(page.locator("[data-slot=answered]").first).to_have_text("1 of 3 answered")
    expect(_word(page, 1)).to_contain_text("Saved")
    assert _stored(1) == {ANSWER: ["a", "b", "c"]}
    # A list moves its row and takes the others along.
    rows.filter(has_text="Step 2").locator("select").select_option(label="1")
    expect(rows.first).to_contain_text("Step 2")
    page.locator("[data-position='2'] select").first.focus()
    page.keyboard.press("N")
    page.keyboard.press("Tab")
    expect(page.locator("[data-slot=partly]").first).to_have_text("1 partly")
    page.locator("#q3-1").fill("３ d")
    page.locator("#q3-2").select_option(index=1)
    page.locator("#q3-3").fill("label notice")
    page.locator("#q3-3").blur()
    expect(page.locator("[data-note='q3-1']")).to_have_text("Read as 72 h")
    expect(_word(page, 3)).to_contain_text("Saved")
    # Loaded again, everything stands where it was put.
    page.reload()
    expect(rows.first).to_contain_text("Step 2")
    expect(page.locator("#q3-1")).to_have_value("３ d")
    assert _stored(1) == {ANSWER: ["c", "a", "b"]}
