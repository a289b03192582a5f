"""An attempt in a real browser: answers survive a lost connection, a second tab, a reload, and the end of the time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlalchemy import select

from portal.accounts.service.accommodations import approve_accommodation
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes import queries
from portal.quizzes.models import Attempt, AttemptState, EventKind, Layout, Navigation, Response
from portal.quizzes.service.attempts import submit_attempt, void_attempt
from tests.builders import Cast
from tests.quizzes.builders import ONE_OF_EACH, begin, make_quiz, make_written_quiz, right_answer

pytestmark = pytest.mark.browser


def _choose(page: Page, attempt: Attempt, position: int) -> None:
    for part, values in right_answer(attempt, position).items():
        for value in values:
            page.locator(f"#q{position}-{part}-{value}").check()


def _word(page: Page, position: int) -> Any:
    return page.locator(f"[data-position='{position}'] .save-state")


def _wait_until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing came of it in ten seconds")


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
    page.get_by_role("button", name="Hand in now").click()
    expect(page).to_have_title("Result: Knowledge check · Shirube", timeout=15_000)
    expect(page.get_by_text("Passed. The pass mark is 80 %.")).to_be_visible()
    session.rollback()
    closed = queries.get_attempt(attempt.code)
    assert closed.markings[0].score == 1
    kinds = [event.kind for event in queries.list_events(closed)]
    assert EventKind.OFFLINE in kinds
    assert EventKind.ONLINE in kinds


def _is_in_its_end_state(page: Page, said: str) -> None:
    """Say that nothing of a running attempt is left on a page, and that one message stands in sight with one way on."""
    over = page.locator("[data-notice=over]")
    expect(over).to_contain_text(said)
    expect(over).to_be_focused()
    expect(over).to_be_in_viewport()
    for gone in (page.locator(".countdown"), page.get_by_text("Go to the end and hand in"), page.locator(".hand-in")):
        expect(gone).to_be_hidden()
    expect(page.get_by_text("you can come back and continue")).to_have_count(2)
    for hint in page.get_by_text("you can come back and continue").all():
        expect(hint).to_be_hidden()
    assert page.locator("#attempt [data-position] input:enabled").count() == 0
    notices = page.locator(".attempt__notices > :visible")
    expect(notices).to_have_count(1)
    expect(page.locator("#attempt").get_by_role("button")).to_have_text(["Open the result page"])


@pytest.mark.parametrize("is_writing", [False, True])
def test_a_page_whose_attempt_is_made_void_says_so_in_sight_and_leads_on(
    cast: Cast, open_as: Callable[..., BrowserContext], is_writing: bool
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}", wait_until="networkidle")
    page.locator("#hand-in").scroll_into_view_if_needed()
    with own_transaction():
        void_attempt(attempt=queries.get_attempt(attempt.code), reason="Another sat it", by=cast.lead)
    if is_writing:
        _choose(page, attempt, 4)
    else:
        page.evaluate("dispatchEvent(new Event('blur'))")
        page.evaluate("dispatchEvent(new Event('focus'))")
    _is_in_its_end_state(page, "This attempt was made void.")
    page.get_by_role("button", name="Open the result page").click()
    page.wait_for_url("**/result")
    expect(page.get_by_text("Another sat it").first).to_be_visible()


def test_a_page_whose_attempt_ends_without_a_connection_says_so_in_sight_and_leads_on_when_it_is_back(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    context = open_as(cast.colleague)
    page = context.new_page()
    page.clock.install()
    page.goto(f"/attempts/{attempt.code}", wait_until="networkidle")
    page.locator("#hand-in").scroll_into_view_if_needed()
    context.set_offline(True)
    page.clock.fast_forward(16 * 60_000)
    _is_in_its_end_state(page, "Time is up.")
    # Pressed too early it stays.
    page.get_by_role("button", name="Open the result page").click()
    expect(page.locator("[data-notice=over]")).to_contain_text("as soon as the connection is back")
    with own_transaction():
        submit_attempt(attempt=queries.get_attempt(attempt.code), person=cast.colleague)
    context.set_offline(False)
    page.wait_for_url("**/result", timeout=15_000)


def test_handing_in_without_a_connection_stays_on_the_page_and_says_so(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    context = open_as(cast.colleague)
    page = context.new_page()
    page.goto(f"/attempts/{attempt.code}", wait_until="networkidle")
    context.set_offline(True)
    _choose(page, attempt, 1)
    page.locator("summary", has_text="Hand in").click()
    page.get_by_role("button", name="Hand in now").click()
    expect(page.get_by_text("Not handed in: there is no connection.")).to_be_visible(timeout=10_000)
    assert page.url.endswith(f"/attempts/{attempt.code}")
    _choose(page, attempt, 2)
    context.set_offline(False)
    expect(_word(page, 2)).to_contain_text("Saved", timeout=15_000)
    expect(page.get_by_text("Not handed in: there is no connection.")).to_be_hidden()
    page.locator("summary", has_text="Hand in").click()
    page.get_by_role("button", name="Hand in now").click()
    expect(page).to_have_title("Result: Knowledge check · Shirube")
    assert len(_stored()) == 2


@pytest.mark.parametrize("by", ["save", "sign of life"])
def test_what_is_agreed_while_the_page_is_open_holds_and_is_told_there_without_loading_it_again(
    cast: Cast, by: str, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}", wait_until="networkidle")
    until = page.locator(".countdown [data-slot=until]").inner_text()
    expect(page.get_by_role("button", name="Take a break")).to_be_hidden()
    # Gone if the page were loaded again.
    page.evaluate("window.isSame = true")
    with own_transaction():
        approve_accommodation(
            person=cast.colleague, multiplier=Fraction(3, 2), hide_countdown=True, break_minutes=5,
            valid_from=clock.local_date(clock.now(), cast.colleague.time_zone), valid_until=None, by=cast.admin,
        )  # fmt: skip
    if by == "save":
        _choose(page, attempt, 1)
    else:
        page.evaluate("window.dispatchEvent(new Event('blur'))")
        page.evaluate("window.dispatchEvent(new Event('focus'))")
    told = page.locator(".attempt__notices [data-slot=terms]")
    for words in ("There is more time now.", "The countdown is hidden from now on.", "for 5 min in all"):
        expect(told).to_contain_text(words)
    assert page.locator(".attempt__notices").get_attribute("aria-live") == "polite"
    expect(page.locator(".countdown")).to_be_hidden()
    page.locator("summary", has_text="Show when it ends").click()
    end = page.locator("[data-slot=end]")
    expect(end).to_be_visible()
    assert end.inner_text() not in until
    expect(page.get_by_text("The time cannot be paused.")).to_be_hidden()
    assert page.evaluate("window.isSame")
    # The break that is offered now can be taken.
    page.get_by_role("button", name="Take a break").click()
    expect(page.get_by_role("heading", name="The clock stands still")).to_be_visible()


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
    # The first tab may be further than what is saved.
    expect(second.get_by_text("Saved answers: 1 of 4")).to_be_visible()
    expect(second.locator("[data-position='1'] input").first).to_be_disabled()
    # Nothing is left that would do nothing.
    for name in ("Hand in…", "Hand in now", "Save"):
        expect(second.get_by_text(name, exact=True)).to_be_hidden()
    assert [each.inner_text() for each in second.locator("form#attempt button:visible").all()] == ["Continue here"]
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


@pytest.mark.any_database
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


@pytest.mark.any_database
def test_what_is_chosen_before_the_script_has_come_is_saved(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/modules/attempt.js*", hold)
    page.goto(f"/attempts/{attempt.code}", wait_until="commit")
    _choose(page, attempt, 1)
    assert _stored() == []
    # What loads the script may itself come later than the choice.
    _wait_until(page, lambda: bool(held))
    held[0].continue_()
    expect(_word(page, 1)).to_contain_text("Saved")
    assert len(_stored()) == 1


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
        "en": ("Start the quiz", "Save", "Hand in", "Hand in now", "Passed."),
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


@pytest.mark.any_database
def test_enter_in_a_choice_never_sends_the_page(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    # Before the script has come, Enter sends the page, as in any form; that saves, too.
    expect(page.locator('#hand-in button[value="save"]')).to_be_hidden()
    page.locator("[data-position='1'] input").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    expect(_word(page, 1)).to_contain_text("Saved")
    assert page.url.endswith(attempt.code)


@pytest.mark.any_database
@pytest.mark.parametrize("navigation", [Navigation.FREE, Navigation.FORWARD_ONLY])
def test_enter_in_a_field_without_a_script_saves_and_stays(
    cast: Cast, open_as: Callable[..., BrowserContext], navigation: Navigation
) -> None:
    terms = {"navigation": navigation, "layout": Layout.ONE_PER_PAGE}
    attempt = begin(cast.colleague, make_written_quiz(cast.author, ("short_answer", "numeric"), **terms))
    page = open_as(cast.colleague, java_script_enabled=False).new_page()
    page.goto(f"/attempts/{attempt.code}")
    if navigation is Navigation.FREE:
        page.locator(".attempt__top button[name=go][value='2']").click()
    here = page.locator("section.quiz-item").get_attribute("id")
    page.locator("section.quiz-item input").first.fill("7")
    page.locator("section.quiz-item input").first.press("Enter")
    expect(page.get_by_text("Saved").first).to_be_visible()
    assert page.locator("section.quiz-item").get_attribute("id") == here
    assert len(_stored()) == 1


@pytest.mark.any_database
def test_one_press_hands_in_when_everything_is_saved(cast: Cast, open_as: Callable[..., BrowserContext]) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    _choose(page, attempt, 1)
    expect(_word(page, 1)).to_contain_text("Saved")
    page.wait_for_load_state("networkidle")
    page.locator("summary", has_text="Hand in").click()
    page.get_by_role("button", name="Hand in now").click()
    page.wait_for_url("**/result*", timeout=5_000)


def _case(attempt: Attempt) -> int:
    """Return the place of the question that has parts."""
    return next(
        item.position for item in queries.list_items(attempt) if item.question_version.content["type"] == "case"
    )


@pytest.mark.any_database
def test_a_case_with_a_part_missing_counts_as_partly_answered_and_is_named_before_handing_in(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, blueprint=ONE_OF_EACH))
    case = _case(attempt)
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    for position in range(1, 5):
        if position != case:
            _choose(page, attempt, position)
    decision, clause, severity = (f"#q{case}-{part}-1" for part in ("decision", "clause", "severity"))
    place = page.locator(".attempt__top .quiz-map__item").nth(case - 1)
    expect(place).to_have_attribute("data-state", "open")
    page.locator(decision).check()
    expect(place).to_have_attribute("data-state", "partly")
    expect(place).to_contain_text("partly answered")
    expect(page.locator(".quiz-bar")).to_contain_text("3 of 4 answered")
    expect(page.locator(".quiz-bar")).to_contain_text("1 partly")
    expect(page.get_by_text("1 of 3 parts answered")).to_be_visible()
    page.locator("summary", has_text="Hand in").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Only partly answered")
    expect(dialog.get_by_text("Not answered")).to_be_hidden()
    dialog.get_by_role("link").click()
    # The number leads to the question, in sight and with the focus in it.
    expect(dialog).to_be_hidden()
    expect(page.locator(decision)).to_be_focused()
    page.locator(clause).check()
    expect(place).to_have_attribute("data-state", "partly")
    page.locator(severity).check()
    expect(place).to_have_attribute("data-state", "answered")
    expect(page.locator(".quiz-bar")).to_contain_text("4 of 4 answered")
    page.locator("summary", has_text="Hand in").click()
    expect(dialog).to_contain_text("All 4 questions are answered.")


@pytest.mark.any_database
@pytest.mark.parametrize("language", ["en", "ja"])
def test_without_a_script_nothing_is_handed_in_before_the_open_questions_were_named(
    cast: Cast, open_as: Callable[..., BrowserContext], language: str
) -> None:
    attempt = begin(cast.learner if language == "ja" else cast.colleague, make_quiz(cast.author, blueprint=ONE_OF_EACH))
    case = _case(attempt)
    others = [position for position in range(1, 5) if position != case]
    words = {"en": ("Hand in", "Hand in now"), "ja": ("提出", "提出する")}[language]
    page = open_as(attempt.person, java_script_enabled=False).new_page()
    page.goto(f"/attempts/{attempt.code}")
    page.locator(f"#q{case}-decision-1").check()
    _choose(page, attempt, others[0])
    page.locator("summary", has_text=words[0]).click()
    page.get_by_role("button", name=words[1]).click()
    session.rollback()
    assert queries.get_attempt(attempt.code).state is AttemptState.IN_PROGRESS
    assert len(_stored()) == 2
    # The page has come when both lists are drawn.
    expect(page.locator("[data-left='partly'] a:visible")).to_have_count(1)
    expect(page.locator("[data-left='open'] a:visible")).to_have_count(2)
    named = {
        kind: [link.get_attribute("href") for link in page.locator(f"[data-left='{kind}'] a:visible").all()]
        for kind in ("partly", "open")
    }
    assert named == {"partly": [f"#question-{case}"], "open": [f"#question-{number}" for number in others[1:]]}
    page.get_by_role("button", name=words[1]).click()
    assert page.url.endswith("/result")


@pytest.mark.any_database
def test_the_time_and_the_saved_state_stay_in_sight_and_cover_no_focus(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    for width, height in ((1280, 800), (640, 400), (360, 740), (320, 480), (320, 256)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"/attempts/{attempt.code}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        for part in (".countdown__time", ".quiz-bar__saved"):
            box = page.locator(f".quiz-bar {part}").bounding_box()
            assert box is not None
            assert 0 <= box["y"] < height, (width, part)
        # By keyboard from the end to the beginning: whatever has the focus is not below the bar.
        page.locator("summary", has_text="Hand in").focus()
        for _step in range(12):
            page.keyboard.press("Shift+Tab")
            covered = page.evaluate(
                """() => {
                  const at = document.activeElement.closest("label") ?? document.activeElement;
                  if (at.closest(".attempt__panel") || at === document.body) return "";
                  const box = at.getBoundingClientRect();
                  const bar = document.querySelector(".quiz-bar").getBoundingClientRect();
                  const top = document.elementFromPoint(box.left + 8, Math.max(box.bottom - 6, 0));
                  return at.contains(top) ? "" : `${at.outerHTML.slice(0, 80)} ${box.top} ${bar.bottom}`;
                }"""
            )
            assert covered == "", (width, height)


@pytest.mark.any_database
@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_is_refused_for_good_is_said_once_and_stays_on_the_page(
    cast: Cast, open_as: Callable[..., BrowserContext], status: int
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    page.wait_for_load_state("networkidle")
    sent: list[str] = []

    def refuse(route: Any) -> None:
        sent.append(route.request.post_data)
        route.fulfill(status=status, json={"message": "This is not an answer to question 1."})

    page.route("**/responses", refuse)
    _choose(page, attempt, 1)
    expect(_word(page, 1)).to_have_text("Not saved")
    expect(page.locator(".quiz-bar .save-state")).to_have_text("Not saved")
    expect(page.get_by_text("This is not an answer to question 1.")).to_be_visible()
    page.wait_for_timeout(2_500)
    first = len(sent)
    page.wait_for_timeout(2_500)
    assert len(sent) == first <= 3
    assert page.locator("[data-position='1'] input:checked").count() > 0
    # Loading the page again keeps the answer and sends it.
    page.unroute("**/responses")
    page.get_by_role("button", name="Load the page again").click()
    expect(_word(page, 1)).to_contain_text("Saved")
    assert len(_stored()) == 1


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("status", "headers", "least"), [(503, {}, 0.4), (500, {}, 0.4), (429, {"Retry-After": "3"}, 3)]
)
def test_what_may_pass_is_tried_again_with_growing_pauses(
    cast: Cast, open_as: Callable[..., BrowserContext], status: int, headers: dict[str, str], least: float
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author, blueprint=ONE_OF_EACH))
    page = open_as(cast.colleague).new_page()
    page.goto(f"/attempts/{attempt.code}")
    page.wait_for_load_state("networkidle")
    times: list[float] = []

    def refuse(route: Any) -> None:
        times.append(time.monotonic())
        if len(times) > 2:
            route.continue_()
        else:
            route.fulfill(status=status, headers=headers, json={"message": "Too fast."})

    page.route("**/responses", refuse)
    position = next(number for number in range(1, 5) if number != _case(attempt))
    page.locator(f"[data-position='{position}'] input").first.check()
    expect(_word(page, position)).to_have_text("Not saved, retrying")
    expect(_word(page, position)).to_contain_text("Saved", timeout=15_000)
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert len(pauses) == 2
    assert all(pause >= least for pause in pauses), pauses
    assert pauses[1] >= least + 0.4
