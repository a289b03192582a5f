"""A quiz taken one question at a time in a real browser: by keyboard alone, heard, enlarged, on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal.accounts.models import Role
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import Attempt, Confidence, EventKind, Layout, Navigation
from portal.quizzes.service import attempts as service
from tests.builders import Cast, make_grant
from tests.quizzes.builders import answer, begin, make_accommodation, make_quiz, right_answer

# What a script does is the same on every database; what it sends is sent to both in the tests of pages and services.
pytestmark = [pytest.mark.browser, pytest.mark.any_database]
FORWARD: dict[str, Any] = {"navigation": Navigation.FORWARD_ONLY, "layout": Layout.ONE_PER_PAGE}


def _press(page: Page, name: str) -> None:
    """Go to a control with the keys alone, and press it."""
    for _step in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText?.trim()") == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no key leads to {name}")


def _choose_by_keys(page: Page, attempt: Attempt, position: int) -> None:
    for part, values in right_answer(attempt, position).items():
        for value in values:
            control = page.locator(f"#q{position}-{part}-{value}")
            control.focus()
            page.keyboard.press("Space")
            expect(control).to_be_checked()


def test_an_attempt_is_taken_forward_only_by_keyboard_alone(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, **FORWARD, confidence=True))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    for position in range(1, 5):
        expect(page.get_by_role("heading", name=f"Question {position} of 4")).to_be_visible()
        _choose_by_keys(page, attempt, position)
        page.locator(f"#c{position}-sure").focus()
        page.keyboard.press("Space")
        if position < 4:
            _press(page, "Next question")
    expect(page.locator("[data-slot=answered]").first).to_have_text("4 of 4 answered")
    page.locator("summary", has_text="Hand in").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("All 4 questions are answered.")).to_be_visible()
    _press(page, "Hand in now")
    expect(page).to_have_title("Result: Knowledge check · Shirube")
    session.rollback()
    done = queries.get_attempt(attempt.code)
    assert done.markings[0].score == 1
    assert {item.response.confidence for item in queries.list_items(done) if item.response} == {Confidence.SURE}


@pytest.mark.parametrize("terms", [FORWARD, {"layout": Layout.ONE_PER_PAGE}])
def test_the_first_key_on_the_next_question_leads_into_it(
    cast: Cast, open_as: Callable[..., BrowserContext], terms: dict[str, Any]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, **terms))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    _choose_by_keys(page, attempt, 1)
    _press(page, "Next question")
    expect(page.locator("#question-2")).to_be_in_viewport()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#question-2') !== null")


def test_a_question_left_open_is_asked_about_and_an_answer_on_its_way_goes_along(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, **FORWARD))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_text("Question 1 is not answered")).to_be_visible()
    for part, values in right_answer(attempt, 1).items():
        for value in values:
            page.locator(f"#q1-{part}-{value}").check()
    # At once: what is not saved yet is sent with the page.
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("heading", name="Question 2 of 4")).to_be_visible()
    session.rollback()
    assert queries.list_items(attempt)[0].response is not None


def test_a_page_that_only_reads_looks_at_other_questions_and_clears_no_answer(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, layout=Layout.ONE_PER_PAGE))
    context = open_as(cast.colleague)
    first, second = context.new_page(), context.new_page()
    first.goto(f"/attempts/{attempt.code}")
    for part, values in right_answer(attempt, 1).items():
        for value in values:
            first.locator(f"#q1-{part}-{value}").check()
    expect(first.locator("[data-position='1'] .save-state")).to_contain_text("Saved")
    second.goto(f"/attempts/{attempt.code}?question=1")
    expect(second.get_by_text("This attempt is open elsewhere")).to_be_visible()
    session.rollback()
    (before,) = [(item.response.seq, item.response.answer) for item in queries.list_items(attempt) if item.response]
    second.locator(".attempt__top button[name=go][value='3']").click()
    expect(second.get_by_role("heading", name="Question 3 of 4")).to_be_visible()
    session.rollback()
    (stored,) = [item.response for item in queries.list_items(attempt) if item.response]
    assert (stored.seq, stored.answer) == before
    assert stored.answer


def test_ten_five_and_one_minute_are_announced_and_again_where_minutes_are_granted(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    # The server's clock goes on as ever: without its replies the page goes by its own.
    replies: list[int] = []

    def reply(route: Any) -> None:
        body = {"writer": True, "state": "in_progress", "server_now": "", "on_break": False}
        route.fulfill(json=body | ({"remaining_ms": replies.pop()} if replies else {}))

    page.route("**/events", reply)
    page.clock.install()
    page.goto(f"/attempts/{attempt.code}", wait_until="networkidle")
    announced = page.locator("[data-slot=announce]")
    expect(announced).to_have_attribute("aria-live", "polite")
    expect(announced).to_have_text("")
    page.clock.fast_forward("05:01")
    expect(announced).to_have_text("10 minutes left")
    page.clock.fast_forward("05:00")
    expect(announced).to_have_text("5 minutes left")
    page.clock.fast_forward("04:00")
    expect(announced).to_have_text("1 minute left")
    replies.append(6 * 60_000)
    page.clock.fast_forward("00:16")
    expect(page.locator(".countdown__time")).to_contain_text("5:5")
    page.clock.fast_forward("01:00")
    expect(announced).to_have_text("5 minutes left")


def test_enter_that_ends_a_word_of_an_input_method_sends_nothing(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, layout=Layout.ONE_PER_PAGE))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_hidden()
    stopped = page.evaluate(
        """() => {
          const words = document.createElement("input");
          document.querySelector("[data-position]").append(words);
          words.focus();
          return ["keydown"].map((kind) => {
            const event = new KeyboardEvent(kind, { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
            words.dispatchEvent(event);
            return event.defaultPrevented;
          });
        }"""
    )
    assert stopped == [True]
    expect(page.get_by_role("heading", name="Question 1 of 4")).to_be_visible()


def test_a_break_counts_down_and_leads_back_by_itself(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    make_accommodation(cast.colleague, Fraction(1), break_minutes=2)
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    page.get_by_role("button", name="Take a break").click()
    expect(page.get_by_role("heading", name="The clock stands still")).to_be_visible()
    page.clock.install()
    page.reload(wait_until="networkidle")
    page.clock.fast_forward("01:01")
    expect(page.locator("[data-slot=announce]")).to_have_text("1 minute of the break is left")
    session.rollback()
    with own_transaction():
        service.end_break(attempt=attempt, person=cast.colleague)
    page.clock.fast_forward("01:30")
    expect(page.get_by_role("heading", name="Question 1 of 4")).to_be_visible()


def test_the_live_list_brings_itself_up_to_date_and_keeps_the_focus(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
) -> None:
    make_grant(cast.lead, Role.LEAD)
    version = make_quiz(cast.author)
    attempt = begin(cast.colleague, version)
    page = open_as(cast.lead).new_page()
    page.clock.install()
    page.goto("/quizzes/impersonation/live")
    link = page.get_by_role("link", name=cast.colleague.name_in("en"))
    link.focus()
    answer(attempt, 1, right_answer(attempt, 1))
    begin(cast.learner, version)
    page.clock.fast_forward("00:16")
    expect(page.get_by_role("link", name=cast.learner.name_in("en"))).to_be_visible()
    expect(link).to_be_focused()


# The second is what a screen of 1280 by 720 shows at 200 %.
@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2)])
def test_nothing_is_cut_off_on_a_narrow_or_enlarged_page(
    cast: Cast,
    open_as: Callable[..., BrowserContext],
    width: int,
    scale: int,
) -> None:
    make_grant(cast.lead, Role.LEAD)
    make_accommodation(cast.colleague, Fraction(1), break_minutes=2)
    version = make_quiz(cast.author, **FORWARD, confidence=True)
    attempt = begin(cast.colleague, version)
    answer(attempt, 1, right_answer(attempt, 1))
    pages = [
        (cast.colleague, "/quizzes/impersonation"),
        (cast.colleague, f"/attempts/{attempt.code}"),
        (cast.lead, "/quizzes/impersonation/live"),
        (cast.lead, f"/attempts/{attempt.code}/supervision"),
    ]
    for person, place in pages:
        screen = {"width": width, "height": 360 if scale > 1 else 700}
        page = open_as(person, viewport=screen, device_scale_factor=scale).new_page()
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
    assert EventKind.SAVED in [event.kind for event in queries.list_events(attempt)]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_nothing_in_the_bar_of_a_page_touches_the_next_thing_on_the_narrowest_screen(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str
) -> None:
    page = open_as(cast.colleague, viewport={"width": 320, "height": 600}).new_page()
    page.goto(f"/quizzes?lang={language}")
    items = page.locator(".topbar :is(.topbar__item, .topbar__organisation):visible").all()
    assert ("Wellbeing" if language == "en" else "相談窓口") in " ".join(each.inner_text() for each in items)
    cut = [each.inner_text() for each in items if each.evaluate("each => each.scrollWidth > each.clientWidth")]
    assert cut == []
