"""The page of components in a real browser: accessible, quiet, narrow, and usable without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accessibility import BEST, faults_of

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
SHEETS = ("components", "document", "plain", "error", "print")


def _open(
    browser: Browser,
    url: str,
    width: int = 1280,
    *,
    scripts: bool = True,
    until: Any = "networkidle",
) -> tuple[Page, list[str]]:
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(url, wait_until=until)
    return page, told


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("sheet", SHEETS)
def test_axe_finds_nothing(browser: Browser, address: str, sheet: str, language: str, theme: str) -> None:
    page, told = _open(browser, f"{address}/_ui/{sheet}?lang={language}&theme={theme}")
    page.evaluate("document.querySelectorAll('details:not(.menu, .sheet)').forEach((each) => { each.open = true; })")
    # The themes differ in their colours and in nothing else.
    faults = faults_of(page, ["color-contrast"] if theme == "dark" else BEST)
    page.context.close()
    assert faults == []
    assert told == []


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("sheet", SHEETS)
def test_no_page_scrolls_sideways(browser: Browser, address: str, sheet: str, width: int, language: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/{sheet}?lang={language}", width, until="load")
    needed = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert needed <= width


def test_without_scripts_everything_can_still_be_opened(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui?lang=en", 360, scripts=False)
    page.locator("summary", has_text="Places").click()
    assert page.get_by_role("link", name="Library").is_visible()
    page.locator("summary", has_text="Places").click()
    page.locator("summary", has_text="End the enrollment").click()
    assert page.get_by_role("heading", name="End this enrollment?").is_visible()
    page.locator("summary", has_text="Mon 11 May").click()
    assert page.get_by_text("Shōwa Day").is_visible()
    assert not page.get_by_role("button", name="Copy link").first.is_visible()
    page.context.close()


def test_a_dialog_opens_takes_the_focus_and_gives_it_back(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui?lang=en")
    opener = page.locator("summary", has_text="End the enrollment")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="End this enrollment?")
    assert dialog.is_visible()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert opener.evaluate("(element) => element === document.activeElement")
    page.context.close()


def test_a_password_can_be_shown_and_hidden(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/plain?lang=en")
    field = page.locator("input[name=password]")
    page.get_by_role("button", name="Show the password").click()
    assert field.get_attribute("type") == "text"
    page.get_by_role("button", name="Hide the password").click()
    assert field.get_attribute("type") == "password"
    page.context.close()


def test_a_link_in_the_list_of_errors_leads_into_its_field(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui?lang=en")
    page.get_by_role("link", name="Email address: Write the address in full").click()
    assert page.locator("#bad-mail").evaluate("(element) => element === document.activeElement")
    page.context.close()


def test_a_module_that_fails_stops_no_other(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route(
        "**/modules/toc.js*",
        lambda route: route.fulfill(body="throw new Error('planted')", content_type="text/javascript"),
    )
    page.goto(f"{address}/_ui/document?lang=en", wait_until="networkidle")
    page.locator("#scope").hover()
    page.get_by_role("button", name="Copy link What this policy covers").click()
    expect(page.locator("#scope .copy__note")).to_have_text(re.compile("Copied|Could not copy"))
    context.close()


def test_the_contents_follow_the_reader(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/document?lang=en")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".toc [aria-current]")).to_have_attribute("href", "#appeals")
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator(".toc [aria-current]")).to_have_attribute("href", "#scope")
    page.context.close()


@pytest.mark.parametrize("anchor", ["label", "threats"])
def test_a_clause_that_was_asked_for_is_marked_however_short_it_is(browser: Browser, address: str, anchor: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/document?lang=ja#{anchor}")
    marked = page.locator(".toc [aria-current]")
    expect(marked).to_have_attribute("href", f"#{anchor}")
    page.evaluate("scrollTo(0, 0)")
    expect(marked).to_have_attribute("href", "#scope")
    page.locator(f".toc a[href='#{anchor}']").click()
    expect(marked).to_have_attribute("href", f"#{anchor}")
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_contents_are_folded_where_they_would_push_the_text_away(
    browser: Browser, address: str, scripts: bool
) -> None:
    page, _ = _open(browser, f"{address}/_ui/document?lang=ja", 360, scripts=scripts)
    link = page.locator(".toc__link").first
    assert not link.is_visible()
    first = page.locator(".clause").first.bounding_box()
    assert first is not None
    assert first["y"] < 900, "the text begins on the first screen"
    page.locator(".toc summary").click()
    assert link.is_visible()
    page.context.close()
    page, _ = _open(browser, f"{address}/_ui/document?lang=ja", 1280, scripts=scripts)
    assert page.locator(".toc__link").first.is_visible()
    page.context.close()


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_the_copy_button_stays_in_its_margin(browser: Browser, address: str, width: int, language: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/document?lang={language}", width)
    page.locator("#fan-accounts").hover()
    button = page.locator("#fan-accounts .copy .button").bounding_box()
    text = page.locator("#fan-accounts .clause__text").bounding_box()
    page.context.close()
    assert button is not None
    assert text is not None
    assert button["x"] + button["width"] <= text["x"]


def test_the_theme_follows_the_system_unless_told_otherwise(browser: Browser, address: str) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    page.goto(f"{address}/_ui")
    dark = page.evaluate(paper)
    page.goto(f"{address}/_ui?theme=light")
    assert page.evaluate(paper) != dark
    context.close()


def test_paper_is_white_and_carries_no_menus(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/document?lang=en&theme=dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".topbar").is_visible()
    assert not page.locator(".rail").is_visible()
    assert page.get_by_text("The quoted text would stand here.").is_visible(), "nobody can open it on paper"
    page.context.close()


def test_the_place_of_reading_is_posted_with_its_token(browser: Browser, address: str) -> None:
    page, _ = _open(browser, f"{address}/_ui/document?lang=en")
    page.route("**/kept", lambda route: route.fulfill(status=204))
    page.evaluate(
        """async () => {
          const text = document.querySelector(".reading__text");
          Object.assign(text.dataset, { url: "/kept", csrf: "the-token" });
          (await import("/static/js/modules/keep-place.js")).default(text);
          scrollTo(0, document.body.scrollHeight);
        }"""
    )
    with page.expect_request("**/kept", timeout=9000) as posted:
        pass
    assert posted.value.post_data == "clause=appeals&csrf_token=the-token"
    assert posted.value.headers["x-csrftoken"] == "the-token"
    page.context.close()


@pytest.mark.parametrize("width", [320, 1280])
def test_a_wide_table_keeps_its_names_in_sight(browser: Browser, address: str, width: int) -> None:
    page, _ = _open(browser, f"{address}/_ui?lang=ja", width)
    region = page.get_by_role("group", name="2026年4月入社グループ")
    region.focus()
    before = region.evaluate("(element) => element.querySelector('tbody th').getBoundingClientRect().left")
    region.evaluate("(element) => { element.scrollLeft = element.scrollWidth; }")
    assert region.evaluate("(element) => element.scrollLeft") > 0
    after = region.evaluate("(element) => element.querySelector('tbody th').getBoundingClientRect().left")
    assert after == before
    page.context.close()


def test_a_table_that_stacks_shows_every_cell_with_its_label_where_there_is_little_width(
    browser: Browser, address: str
) -> None:
    page, _ = _open(browser, f"{address}/_ui?lang=en", 320)
    row = page.get_by_role("table", name="Quizzes, in a narrow place").get_by_role("row").nth(1)
    assert [cell.get_attribute("data-label") for cell in row.get_by_role("cell").all()] == [
        "Questions",
        "Time",
        "State",
    ]
    for cell in row.get_by_role("cell").all():
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 320
        assert cell.evaluate("(each) => getComputedStyle(each, '::before').display") == "block"
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_short_table_is_seen_whole_and_its_heading_stays_below_the_bar(
    browser: Browser, address: str, scripts: bool
) -> None:
    page, _ = _open(browser, f"{address}/_ui?lang=ja", scripts=scripts)
    page.set_viewport_size({"width": 1280, "height": 240})
    regions = page.locator(".table-region")
    cut = [each for each in regions.all() if each.evaluate("each => each.scrollHeight > each.clientHeight + 1")]
    assert cut == []
    if scripts:
        fitting = page.locator(".table-region[data-fits]").first
        fitting.locator("tbody tr").last.scroll_into_view_if_needed()
        fitting.evaluate("each => scrollTo(0, scrollY + each.getBoundingClientRect().top + 10)")
        top = fitting.locator("th").first.evaluate("each => each.getBoundingClientRect().top")
        assert top == page.locator(".topbar").evaluate("each => each.getBoundingClientRect().bottom")
    page.context.close()
