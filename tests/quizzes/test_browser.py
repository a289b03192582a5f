"""An attempt in a real browser: answers survive a lost connection, a second tab, a reload, and the end of the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from portal.core import clock
from portal.core.db import session
from portal.quizzes import queries
from portal.quizzes.models import Attempt, AttemptState, EventKind, Response
from tests.builders import Cast
from tests.page_client import PageClient
from tests.quizzes.builders import begin, make_quiz, right_answer

pytestmark = pytest.mark.browser


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def open_as(
    app: Flask, address: str, chromium: Browser, as_: Callable[..., PageClient]
) -> Iterator[Callable[..., BrowserContext]]:
    troubles: list[str] = []
    opened: list[BrowserContext] = []

    def sign_in(person: Any, **options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=address, **options)
        cookie = as_(person).client.get_cookie("session")
        assert cookie is not None
        context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        context.on(
            "console",
            lambda line: (
                troubles.append(line.text)
                if line.type == "error" and "Failed to load resource" not in line.text
                else None
            ),
        )
        opened.append(context)
        return context

    yield sign_in
    for context in opened:
        context.close()
    assert troubles == []


def _choose(page: Page, attempt: Attempt, position: int) -> None:
    for part, values in right_answer(attempt, position).items():
        for value in values:
            page.locator(f"#q{position}-{part}-{value}").check()


def _word(page: Page, position: int) -> Any:
    return page.locator(f"[data-position='{position}'] .save-state")


def _stored() -> list[int]:
    session.rollback()
    return sorted(session.scalars(select(Response.seq)))


def test_answers_are_saved_through_a_lost_connection_and_handed_in(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    context = open_as(cast.colleague)
    page = context.new_page()
    page.goto(f"/attempts/{attempt.code}")
    _choose(page, attempt, 1)
    expect(_word(page, 1)).to_contain_text("Saved")
    expect(page.locator("[data-slot=answered]").first).to_have_text("1 of 4 answered")
    context.set_offline(True)
    expect(page.get_by_text("There is no connection.")).to_be_visible(timeout=3000)
    _choose(page, attempt, 2)
    _choose(page, attempt, 3)
    expect(_word(page, 2)).to_have_text("Not saved, retrying")
    expect(_word(page, 3)).to_have_text("Not saved, retrying")
    assert len(_stored()) == 1
    # Only what is not saved yet is kept in the tab.
    kept = page.evaluate("(code) => JSON.parse(sessionStorage.getItem(`attempt:${code}`))", attempt.code)
    assert list(kept) == ["2", "3"]
    context.set_offline(False)
    expect(_word(page, 2)).to_contain_text("Saved", timeout=15_000)
    expect(_word(page, 3)).to_contain_text("Saved")
    expect(page.get_by_text("There is no connection.")).to_be_hidden()
    assert page.evaluate("(code) => sessionStorage.getItem(`attempt:${code}`)", attempt.code) is None
    assert len(_stored()) == 3
    _choose(page, attempt, 4)
    page.locator("summary", has_text="Hand in").click()
    page.get_by_role("button", name="Hand in for good").click()
    expect(page).to_have_title("Result: Knowledge check · Shirube")
    expect(page.get_by_text("Passed. The pass mark is 80 %.")).to_be_visible()
    session.rollback()
    closed = queries.get_attempt(attempt.code)
    assert closed.markings[0].score == 1
    kinds = [event.kind for event in queries.list_events(closed)]
    assert EventKind.OFFLINE in kinds
    assert EventKind.ONLINE in kinds


def test_a_second_tab_only_reads_until_it_takes_over(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    context = open_as(cast.colleague)
    first, second = context.new_page(), context.new_page()
    first.goto(f"/attempts/{attempt.code}")
    _choose(first, attempt, 1)
    expect(_word(first, 1)).to_contain_text("Saved")
    second.goto(f"/attempts/{attempt.code}")
    expect(second.get_by_text("This attempt is open elsewhere")).to_be_visible()
    expect(_word(second, 1)).to_have_text("Read-only")
    expect(second.locator("[data-position='1']")).to_have_attribute("inert", "")
    second.get_by_role("button", name="Continue here").click()
    expect(second.get_by_text("This attempt is open elsewhere")).to_be_hidden()
    expect(first.get_by_text("This attempt is open elsewhere")).to_be_visible()
    _choose(second, attempt, 2)
    expect(_word(second, 2)).to_contain_text("Saved")
    assert len(_stored()) == 2
    # When the second goes, the first shows what was saved there and goes on.
    second.close()
    first.bring_to_front()
    expect(first.get_by_text("This attempt is open elsewhere")).to_be_hidden(timeout=20_000)
    expect(first.locator("[data-position='2'] input:checked").first).to_be_visible()


def test_a_reload_goes_on_at_once_and_sends_what_was_not_saved(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    context = open_as(cast.colleague)
    page = context.new_page()
    page.goto(f"/attempts/{attempt.code}")
    _choose(page, attempt, 1)
    expect(_word(page, 1)).to_contain_text("Saved")
    page.on("dialog", lambda dialog: dialog.accept())
    page.route("**/responses", lambda route: route.abort())
    _choose(page, attempt, 2)
    expect(_word(page, 2)).to_have_text("Not saved, retrying")
    page.unroute("**/responses")
    page.reload()
    expect(page.get_by_text("This attempt is open elsewhere")).to_be_hidden()
    expect(_word(page, 2)).to_contain_text("Saved")
    assert len(_stored()) == 2


def test_what_is_given_at_the_last_moment_is_handed_in_when_the_time_is_over(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    version = make_quiz(cast.author, time_limit_minutes=1)
    with clock.frozen(clock.now() - timedelta(seconds=53)):
        attempt = begin(cast.learner, version)
    page = open_as(cast.learner).new_page()
    page.goto(f"/attempts/{attempt.code}")
    expect(page.locator(".countdown")).to_have_attribute("data-state", "last")
    _choose(page, attempt, 1)
    page.wait_for_url("**/result", timeout=15_000)
    session.rollback()
    closed = queries.get_attempt(attempt.code)
    assert closed.state is AttemptState.RELEASED
    assert closed.finished_at is not None
    assert closed.finished_at <= closed.deadline_at
    assert closed.markings[0].points == queries.list_items(closed)[0].max_points


@pytest.mark.parametrize("language", ["en", "ja"])
def test_without_a_script_the_whole_attempt_can_be_taken(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str
) -> None:
    make_quiz(cast.author)
    person = cast.learner if language == "ja" else cast.colleague
    words = {
        "en": ("Start the quiz", "Save", "Hand in", "Hand in for good", "Passed."),
        "ja": ("確認テストを開始", "保存", "提出", "提出する", "合格です"),
    }[language]
    page = open_as(person, java_script_enabled=False).new_page()
    page.goto("/quizzes/impersonation")
    page.get_by_role("button", name=words[0]).click()
    attempt = session.scalars(select(Attempt)).one()
    _choose(page, attempt, 1)
    _choose(page, attempt, 2)
    page.get_by_role("button", name=words[1], exact=True).click()
    assert len(_stored()) == 2
    _choose(page, attempt, 3)
    _choose(page, attempt, 4)
    page.locator("summary", has_text=words[2]).click()
    page.get_by_role("button", name=words[3]).click()
    expect(page.get_by_text(words[4]).first).to_be_visible()


def test_enter_in_a_choice_never_sends_the_page(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    page.locator("[data-position='1'] input").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    expect(_word(page, 1)).to_contain_text("Saved")
    assert page.url.endswith(attempt.code)


def test_one_press_hands_in_when_everything_is_saved(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    _choose(page, attempt, 1)
    expect(_word(page, 1)).to_contain_text("Saved")
    page.wait_for_load_state("networkidle")
    page.locator("summary", has_text="Hand in").click()
    page.get_by_role("button", name="Hand in for good").click()
    page.wait_for_url("**/result*", timeout=5_000)
