"""The editor in a real browser: nothing typed is lost, a second writer is told, the keyboard is enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from portal.accounts.models import Role
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.library import limits
from portal.library.models import Draft
from portal.library.queries.drafting import list_open_asides
from portal.library.queries.drafts import get_draft
from portal.library.service import drafts
from portal.library.service.drafts import values_of
from tests.accessibility import faults_of
from tests.builders import Cast, make_grant
from tests.library.builders import make_published

pytestmark = [pytest.mark.browser, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _nothing_saved_yet() -> None:
    limits.saves.clear()
    limits.previews.clear()


@pytest.fixture
def draft(cast: Cast) -> Draft:
    version = make_published(cast.author)
    with own_transaction():
        return drafts.begin_draft(document=version.document, by=cast.author)


def opened(context: BrowserContext, draft: Draft, query: str = "?lang=en&text=en") -> Page:
    page = context.new_page()
    page.goto(f"/drafts/{draft.code}/edit{query}")
    page.wait_for_load_state("networkidle")
    return page


def state(page: Page, tag: str = "en") -> Any:
    return page.locator(f"#text-{tag} .save-state")


def stored(draft: Draft, tag: str = "en") -> str:
    session.rollback()
    return values_of(get_draft(draft.code).text_in(tag)).source


def at_end(page: Page, text: str, tag: str = "en") -> None:
    page.locator(f"#source-{tag}").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def ends(page: Page, text: str, tag: str = "en") -> None:
    """Wait until the text on the page ends so."""
    page.wait_for_function(
        "([id, text]) => document.getElementById(id).value.endsWith(text)", arg=[f"source-{tag}", text], timeout=10_000
    )


def test_what_is_typed_is_saved_shown_and_there_after_a_reload(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft)
    at_end(page, "\n## Who may report")
    expect(state(page)).to_have_text("Saving…")
    expect(state(page)).to_contain_text("Saved", timeout=10_000)
    # The id waits for the whole heading, and comes when the caret leaves it; typing goes on where it was.
    assert stored(draft).endswith("## Who may report")
    page.keyboard.type("\n\nAny")
    ends(page, "\n## Who may report {#who-may-report}\n\nAny")
    page.keyboard.type("body.")
    page.keyboard.press("Control+s")
    expect(state(page)).to_contain_text("Saved")
    assert stored(draft).endswith("{#who-may-report}\n\nAnybody.")
    expect(page.locator(".editor__clauses")).to_contain_text("Who may report")
    # Live preview, by the same renderer.
    page.locator("#text-en [data-view=both]").click()
    at_end(page, " **All** of us.")
    expect(page.locator("#read-en strong", has_text="All")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(state(page)).to_contain_text("Saved")
    assert page.evaluate("Object.keys(sessionStorage)") == []
    page.reload()
    ends(page, "Anybody. **All** of us.")


def test_what_is_typed_before_the_script_has_come_is_saved_too(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = open_as(cast.author).new_page()
    held: list[Route] = []
    page.route("**/draft-editor.js*", lambda route: held.append(route))  # noqa: PLW0108 - a built-in method is not taken as a handler
    page.goto(f"/drafts/{draft.code}/edit?lang=en&text=en", wait_until="commit")
    at_end(page, "\nWritten early.")
    # The keys may be quicker than the browser's request for the script: it is let go once it is here.
    for _ in range(1000):
        if held:
            break
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(state(page)).to_have_text("Saving…")
    expect(state(page)).to_contain_text("Saved", timeout=10_000)
    assert stored(draft).endswith("Written early.")


def test_a_lost_connection_loses_nothing(cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]) -> None:
    context = open_as(cast.author)
    page = opened(context, draft)
    context.set_offline(True)
    at_end(page, "\nWritten on a train.")
    page.keyboard.press("Control+s")
    expect(state(page)).to_have_text("Not saved, retrying")
    page.keyboard.type(" And more.")
    context.set_offline(False)
    expect(state(page)).to_contain_text("Saved", timeout=15_000)
    page.keyboard.press("Control+s")
    expect(state(page)).to_contain_text("Saved")
    assert stored(draft).endswith("Written on a train. And more.")
    # A save that arrived and whose answer was lost is not taken for another person's.
    lost = {"times": 0}

    def lose(route: Any) -> None:
        lost["times"] += 1
        if lost["times"] == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/texts/en", lose)
    at_end(page, " Twice.")
    page.keyboard.press("Control+s")
    expect(state(page)).to_have_text("Not saved, retrying")
    expect(state(page)).to_contain_text("Saved", timeout=15_000)
    assert stored(draft).endswith("And more. Twice.")
    session.rollback()
    assert list_open_asides(draft, cast.author) == []


def test_what_two_people_write_in_different_clauses_comes_together_on_the_page(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    make_grant(cast.colleague, Role.AUTHOR)
    first, second = opened(open_as(cast.author), draft), opened(open_as(cast.colleague), draft)
    at_end(first, " Hers.")
    first.keyboard.press("Control+s")
    expect(state(first)).to_contain_text("Saved")
    # Her caret stands in the first paragraph, before the clause that the other one has changed.
    second.evaluate("document.getElementById('source-en').focus()")
    second.evaluate("document.getElementById('source-en').setSelectionRange(6, 6)")
    second.keyboard.type(", too,")
    second.keyboard.press("Control+s")
    expect(second.locator("#text-en [data-slot=notice]")).to_contain_text(
        "changed #exceptions meanwhile; both are kept"
    )
    expect(state(second)).to_contain_text("Saved")
    ends(second, " Hers.\n")
    assert second.evaluate("document.getElementById('source-en').selectionStart") == 12
    # What is typed while a save is on its way is not lost, either, and the caret stays.
    first.keyboard.type(" Again.")
    first.keyboard.press("Control+s")
    expect(state(first)).to_contain_text("Saved")
    answers: list[Any] = []

    def slow(route: Any) -> None:
        answers.append((route, route.fetch()))

    second.route("**/texts/en", slow, times=1)
    second.keyboard.type(" and")
    second.keyboard.press("Control+s")
    second.keyboard.type(" so on")
    while not answers:
        second.wait_for_timeout(50)
    for route, answer in answers:
        route.fulfill(response=answer)
    ends(second, " Again.\n")
    second.keyboard.press("Control+s")
    expect(state(second)).to_contain_text("Saved")
    assert second.evaluate("document.getElementById('source-en').value").startswith("Before, too, and so on the first")
    kept = stored(draft)
    assert kept.startswith("Before, too, and so on the first")
    assert kept.endswith("Hers. Again.\n")
    session.rollback()
    assert list_open_asides(draft, cast.colleague) == []


def test_a_second_writer_is_told_and_decides(cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]) -> None:
    make_grant(cast.colleague, Role.AUTHOR)
    first, second = opened(open_as(cast.author), draft), opened(open_as(cast.colleague), draft)
    expect(second.locator("[data-slot=others]")).to_contain_text("is editing this too")
    at_end(first, "\nMine.")
    first.keyboard.press("Control+s")
    expect(state(first)).to_contain_text("Saved")
    at_end(second, "\nHers.")
    second.keyboard.press("Control+s")
    expect(second.locator("#text-en [data-slot=notice]")).to_contain_text("saved this text at")
    expect(state(second)).to_have_text("Read-only")
    asked: list[str] = []
    second.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    second.get_by_role("link", name="Compare and decide").click()
    expect(second.locator(".pair")).to_contain_text("Hers.")
    expect(second.locator(".pair")).to_contain_text("Mine.")
    # The text is kept: nobody is asked whether she means to leave it.
    assert asked == []
    both = second.get_by_label("Written anew")
    both.fill(both.input_value().replace("Hers.", "Mine.\nHers."))
    second.get_by_label("As written below").check()
    second.get_by_role("button", name="Save as decided").click()
    expect(second.get_by_text("Both texts are one now.")).to_be_visible()
    assert stored(draft).endswith("Mine.\nHers.\n")


def test_a_clause_link_is_completed_by_keyboard(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft)
    at_end(page, "\nSee [[")
    options = page.locator(".completion").first.get_by_role("option")
    expect(options).to_have_count(3)
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    active = page.locator("#source-en").get_attribute("aria-activedescendant")
    assert active == options.nth(1).get_attribute("id")
    page.keyboard.type("exc")
    expect(options).to_have_count(1)
    page.keyboard.press("Enter")
    ends(page, "See [[#exceptions]]")
    expect(options).to_have_count(0)
    # Undo takes it back as the browser does everywhere.
    page.keyboard.press("Control+z")
    ends(page, "See [[exc")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "source-en", "the Tab key is no trap"


def test_the_toolbar_is_used_by_keyboard_alone(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft)
    at_end(page, "\n")
    page.keyboard.press("Alt+F10")
    expect(page.locator("#text-en .editor__tool", has_text="Heading")).to_be_focused()
    for _step in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#text-en .editor__tool", has_text="Example").first).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("A label.")
    page.keyboard.press("Control+b")
    page.keyboard.type("bold")
    ends(page, "**Example:** A label.**bold**")
    page.keyboard.press("Alt+F10")
    page.keyboard.press("Escape")
    expect(page.locator("#source-en")).to_be_focused()
    # The label of the clause, round and round.
    sensitivity = page.locator("#text-en .editor__tool", has_text="Sensitivity")
    sensitivity.click()
    assert "### Exceptions {#exceptions sensitivity=S1}" in page.locator("#source-en").input_value()
    for _time in range(4):
        sensitivity.click()
    assert "### Exceptions {#exceptions}" in page.locator("#source-en").input_value()


def test_nothing_happens_while_an_input_method_is_composing(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author), draft, "?lang=en&text=ja")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    source = page.locator("#source-ja")
    source.focus()
    page.keyboard.press("Control+End")
    compose = page.context.new_cdp_session(page)
    compose.send("Input.imeSetComposition", {"text": "[[けん", "selectionStart": 4, "selectionEnd": 4})
    page.wait_for_timeout(2_600)
    assert sent == []
    expect(page.locator(".completion [role=option]")).to_have_count(0)
    compose.send("Input.insertText", {"text": "文です。"})
    expect(state(page, "ja")).to_contain_text("Saved", timeout=10_000)
    assert stored(draft, "ja").endswith("文です。")


def test_a_click_on_a_clause_leads_both_texts_there(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author, viewport={"width": 1400, "height": 900}), draft)
    page.locator(".editor__clauses a", has_text="Exceptions").click()
    for tag in ("en", "ja"):
        caret, text = page.evaluate(
            "(id) => { const at = document.getElementById(id); return [at.selectionStart, at.value]; }", f"source-{tag}"
        )
        assert text[caret:].startswith("### ")
    expect(page.locator("#source-en")).to_be_focused()
    expect(page.locator(".editor__clause[data-current]")).to_contain_text("Exceptions")
    at_end(page, " More.")
    page.keyboard.press("Control+s")
    expect(page.locator(".editor__clauses")).to_contain_text("Behind")
    page.get_by_role("button", name="It follows Exceptions").click()
    expect(page.locator(".editor__clauses")).not_to_contain_text("Behind")


@pytest.mark.parametrize(("language", "width", "theme"), [("en", 1400, "dark"), ("ja", 360, "light")])
def test_the_editor_is_accessible_and_fits_a_telephone(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext], language: str, width: int, theme: str
) -> None:
    context = open_as(cast.author, viewport={"width": width, "height": 800}, color_scheme=theme)
    page = opened(context, draft, f"?lang={language}&text={language}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    visible = [tag for tag in ("en", "ja") if page.locator(f"#source-{tag}").is_visible()]
    assert visible == ([language] if width == 360 else ["en", "ja"])
    page.locator(f"#text-{language} [data-view=both]").click()
    at_end(page, "\n[[", language)
    expect(page.locator(".completion [role=option]").first).to_be_visible()
    assert faults_of(page) == []
    page.keyboard.press("Control+s")
    expect(state(page, language)).to_contain_text("Saved" if language == "en" else "保存済み")


def test_without_a_script_one_text_is_written_at_a_time(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext]
) -> None:
    page = opened(open_as(cast.author, java_script_enabled=False, viewport={"width": 1400, "height": 900}), draft)
    assert not page.locator("#source-ja").is_visible()
    assert not page.get_by_role("toolbar").first.is_visible()
    page.locator("#source-en").fill("## Only {#only}\n\nWords.")
    page.get_by_role("button", name="Save English").click()
    expect(page.locator("#source-en")).to_have_value("## Only {#only}\n\nWords.")
    page.locator(".editor__languages").get_by_role("link", name="日本語").click()
    assert page.locator("#source-ja").is_visible()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_key_that_undoes_says_so_where_nothing_is_left_and_everything_stays_saved(
    cast: Cast, draft: Draft, open_as: Callable[..., BrowserContext], language: str
) -> None:
    page = opened(open_as(cast.author), draft, f"?lang={language}&text=en")
    said = page.locator('#text-en [data-slot="undoing"]')
    undone = {"en": "There is nothing left to undo.", "ja": "元に戻せる変更はありません。"}[language]
    redone = {"en": "There is nothing left to redo.", "ja": "やり直せる変更はありません。"}[language]
    before = page.input_value("#source-en")
    page.locator("#source-en").focus()
    page.keyboard.press("Control+z")
    expect(said).to_have_text(undone)
    expect(state(page)).to_have_attribute("data-state", "saved")
    page.keyboard.press("Control+Shift+z")
    expect(said).to_have_text(redone)
    # As long as something is left it says nothing.
    at_end(page, "X")
    expect(said).to_be_empty()
    page.keyboard.press("Control+z")
    ends(page, before[-20:])
    expect(said).to_be_empty()
    page.keyboard.press("Control+z")
    expect(said).to_have_text(undone)
    page.keyboard.press("Control+Shift+z")
    ends(page, "X")
    expect(said).to_be_empty()
    page.keyboard.press("Control+z")
    expect(state(page)).to_have_attribute("data-state", "saved", timeout=10_000)
    assert stored(draft) == before
