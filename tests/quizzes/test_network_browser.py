"""A page whose clock is wrong or whose line is cut: the server's time holds, and no answer is lost on the way."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlalchemy import select

from portal.core import clock
from portal.core.db import session
from portal.quizzes import queries
from portal.quizzes.models import Attempt, AttemptState, EventKind, Item, Response
from portal.quizzes.queries import supervision
from tests.builders import Cast
from tests.quizzes.builders import begin, make_quiz, right_answer
from tests.volume import NIGHTLY, volume

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
SCRIPT = Path(__file__).resolve().parents[2] / "portal" / "ui" / "static" / "js" / "modules" / "attempt.js"


def _variant(page: Page, *changes: tuple[str, str]) -> None:
    """Let the page's script be another one: what stands there, and what comes instead."""
    source = SCRIPT.read_text(encoding="utf-8")
    for old, new in changes:
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the script"
        source = source.replace(old, new)

    def give(route: Route) -> None:
        route.fulfill(body=source, content_type="text/javascript")

    page.route("**/modules/attempt*.js*", give)


# --- F13: a wrong clock ------------------------------------------------------------------------

# What a browser's clocks may do: the wall clock is off by some hours, the steady one stood still for a while.
CLOCKS = """
(() => {
  const [RealDate, steady] = [Date, performance.now.bind(performance)];
  window.asleep = 0;
  performance.now = () => steady() - window.asleep;
  window.Date = class extends RealDate {
    constructor(...given) { super(...(given.length ? given : [RealDate.now() + OFFSET])); }
    static now() { return RealDate.now() + OFFSET; }
  };
})();
"""


def _left(page: Page) -> float:
    """Return the seconds that the page shows."""
    text = page.locator(".countdown__time").inner_text()
    minutes, seconds = re.fullmatch(r"(\d+):(\d\d)", text).groups()  # type: ignore[union-attr]
    return int(minutes) * 60 + int(seconds)


def _really_left(attempt: Attempt) -> int:
    """Return the seconds that are left, rounded up as the page does."""
    return ceil((attempt.deadline_at - clock.now()).total_seconds())


def _heard(page: Page, what: Callable[[], Any]) -> None:
    """Do something, and wait for the next reply to a sign of life."""
    with page.expect_response("**/events"):
        what()
    # The page shows the time four times a second.
    page.wait_for_function("new Promise((done) => setTimeout(() => done(true), 300))")


def _nothing(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('blur'))")
    _heard(page, lambda: page.evaluate("dispatchEvent(new Event('focus'))"))


def _in_the_background(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    page.evaluate("dispatchEvent(new Event('blur'))")
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    _heard(page, lambda: page.evaluate("dispatchEvent(new Event('focus'))"))


def _asleep(page: Page) -> None:
    page.evaluate("dispatchEvent(new Event('blur'))")
    page.evaluate("asleep = 120_000")
    _heard(page, lambda: page.evaluate("dispatchEvent(new Event('focus'))"))


def _gone_and_back(page: Page) -> None:
    page.goto("/quizzes")
    _heard(page, page.go_back)


def _enlarged(page: Page) -> None:
    page.set_viewport_size({"width": 640, "height": 450})
    page.evaluate("document.documentElement.style.zoom = '200%'")
    _nothing(page)


DISTURBANCES = {
    "nothing": _nothing,
    "the background": _in_the_background,
    "sleep": _asleep,
    "going and coming back": _gone_and_back,
    "enlarged to 200 %": _enlarged,
}


def _off_by(attempt: Attempt, page: Page, disturb: Callable[[Page], None]) -> float:
    """Return by how many seconds the page is wrong about the time after the next reply."""
    page.goto(f"/attempts/{attempt.code}")
    expect(page.locator(".countdown__time")).to_have_text(re.compile(r"^\d+:\d\d$"))
    disturb(page)
    # Time passes while the page is asked.
    before, shown, after = _really_left(attempt), _left(page), _really_left(attempt)
    return max(shown - before, after - shown, 0)


@pytest.mark.parametrize("hours", [-3, 3])
def test_whatever_the_clock_of_a_browser_says_the_page_keeps_the_servers_time(
    cast: Cast, open_as: Callable[..., BrowserContext], hours: int
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    deadline = attempt.deadline_at
    context = open_as(cast.colleague)
    context.add_init_script(CLOCKS.replace("OFFSET", str(hours * 3_600_000)))
    page = context.new_page()
    for _round in range(volume(1, 3)):
        wrong = {name: off for name, do in DISTURBANCES.items() if (off := _off_by(attempt, page, do)) > 1}
        assert wrong == {}
    session.rollback()
    session.expire_all()
    assert queries.get_attempt(attempt.code).deadline_at == deadline


def test_a_page_that_does_not_set_its_clock_by_the_replies_is_found(
    cast: Cast, open_as: Callable[..., BrowserContext]
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    context = open_as(cast.colleague)
    context.add_init_script(CLOCKS.replace("OFFSET", "0"))
    page = context.new_page()
    _variant(page, ("endsAt = performance.now() + reply.remaining_ms;", "void 0;"))
    assert _off_by(attempt, page, _asleep) > 100


# --- F14: no connection ------------------------------------------------------------------------


class ServerClock:
    """The server's clock, which the tests put forward; a page's clock is put forward beside it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta(0)
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + self.ahead)

    def forward(self, page: Page, seconds: int) -> None:
        """Let time pass on both sides."""
        self.ahead += timedelta(seconds=seconds)
        page.clock.fast_forward(seconds * 1000)


@pytest.fixture
def server_clock(monkeypatch: pytest.MonkeyPatch) -> ServerClock:
    return ServerClock(monkeypatch)


def _choose(page: Page, attempt: Attempt, position: int) -> None:
    for part, values in right_answer(attempt, position).items():
        for value in values:
            page.locator(f"#q{position}-{part}-{value}").check()


def _stored(attempt: Attempt) -> list[int]:
    session.rollback()
    return sorted(
        session.scalars(
            select(Item.position).join(Response, Response.item_id == Item.id).where(Item.attempt_id == attempt.id)
        )
    )


def _cut_off(page: Page, attempt: Attempt, server_clock: ServerClock, seconds: int, positions: list[int]) -> None:
    """Answer the first question, then the others without a connection, and have it back after a while."""
    page.clock.install()
    page.goto(f"/attempts/{attempt.code}")
    _choose(page, attempt, 1)
    expect(page.locator("[data-position='1'] .save-state")).to_contain_text("Saved")
    page.context.set_offline(True)
    expect(page.get_by_text("There is no connection.")).to_be_visible(timeout=3000)
    for position in positions:
        _choose(page, attempt, position)
    for position in positions:
        expect(page.locator(f"[data-position='{position}'] .save-state")).to_have_text("Not saved, retrying")
    server_clock.forward(page, seconds)
    assert _stored(attempt) == [1]
    page.context.set_offline(False)


OUTAGES = [5, 60, 240, 600]
if NIGHTLY:
    dice = random.Random(14)
    OUTAGES += [dice.randrange(5, 600) for _number in range(14)]


@pytest.mark.parametrize("seconds", OUTAGES)
def test_what_was_answered_without_a_connection_is_stored_when_it_is_back(
    cast: Cast, open_as: Callable[..., BrowserContext], server_clock: ServerClock, seconds: int
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    _cut_off(page, attempt, server_clock, seconds, [2, 3, 4])
    for position in (2, 3, 4):
        expect(page.locator(f"[data-position='{position}'] .save-state")).to_contain_text("Saved", timeout=10_000)
    expect(page.get_by_text("There is no connection.")).to_be_hidden()
    assert _stored(attempt) == [1, 2, 3, 4]


@pytest.mark.parametrize("seconds", [901, 960] if NIGHTLY else [960])
def test_after_the_end_what_was_acknowledged_counts_and_the_rest_is_said_not_to_have_come(
    cast: Cast, open_as: Callable[..., BrowserContext], server_clock: ServerClock, seconds: int
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    _cut_off(page, attempt, server_clock, seconds, [2, 3])
    page.wait_for_url("**/result", timeout=15_000)
    answers = page.locator("#receipts tbody tr, table:has-text('Last answer received at') tbody tr")
    said = [row.inner_text().split("\t")[1] for row in answers.all()]
    assert [each.split(":")[0] for each in said[1:]] == ["not received in time", "not received in time", "no answer"]
    expect(page.get_by_text("The last answers to questions 2, 3 were not received in time")).to_be_visible()
    session.rollback()
    session.expire_all()
    closed = queries.get_attempt(attempt.code)
    assert (closed.state, closed.finished_at) == (AttemptState.RELEASED, closed.deadline_at)
    assert closed.markings[0].points == queries.list_items(closed)[0].max_points
    assert _stored(attempt) == [1]
    # Why it came late is told although the attempt is over.
    kinds = [each.kind for each in queries.list_events(closed)]
    assert {EventKind.OFFLINE, EventKind.ONLINE} <= set(kinds)
    # What was on its way is kept as it came, so that somebody can still let it count.
    assert [each.item.position for each in supervision.list_refused(closed)] == [2, 3]
    assert page.evaluate("(code) => sessionStorage.getItem(`attempt:${code}`)", attempt.code) is None


def test_a_page_that_does_not_try_again_is_found(
    cast: Cast, open_as: Callable[..., BrowserContext], server_clock: ServerClock
) -> None:
    attempt = begin(cast.colleague, make_quiz(cast.author))
    page = open_as(cast.colleague).new_page()
    _variant(
        page,
        ('note("online"); failures = 0; pump(); });', 'note("online"); });'),
        ("if (failures && waiting().length) pump();", ""),
        ("retryTimer = setTimeout(pump, atLeast", "retryTimer = setTimeout(() => {}, atLeast"),
    )
    _cut_off(page, attempt, server_clock, 60, [2])
    server_clock.forward(page, 60)
    page.wait_for_function("new Promise((done) => setTimeout(() => done(true), 300))")
    assert _stored(attempt) == [1]
