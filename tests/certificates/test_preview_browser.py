"""The picture beside a template's form speaks to those who do not see it, and never takes the focus from the form."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.certificates import limits
from tests.builders import Cast
from tests.certificates.builders import make_template
from tests.certificates.test_template_browser import picture_of

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

SAID = {
    "en": {
        "drawing": "Drawing…",
        "drawn": "Drawn",
        "failed": "Not drawn: the server did not answer. It is tried again with the next change.",
        "no": "{grade} is no placeholder",
    },
    "ja": {
        "drawing": "作成しています…",
        "drawn": "プレビューを更新しました",
        "failed": "サーバーから応答がなく、プレビューを更新できませんでした。次に変更したときに、もう一度試します。",
        "no": "{grade}という差し込み項目はありません",
    },
}
BOTH = pytest.mark.parametrize("language", ["en", "ja"])
# Every text that comes to stand in what screen readers are told about, in its order.
NOTE = """
() => {
  window.told = [];
  for (const each of document.querySelectorAll('[data-slot="state"], [data-slot="faults"]')) {
    const note = () => window.told.push(each.textContent);
    new MutationObserver(note).observe(each, { childList: true, characterData: true, subtree: true });
  }
}
"""


@pytest.fixture(autouse=True)
def _fresh_drawings() -> Any:
    limits.drawings.clear()
    yield
    limits.drawings.clear()


def editor(cast: Cast, open_as: Any, language: str) -> Page:
    """Return the form of a template once its first picture has come, what is told from then on being noted."""
    make_template(by=cast.author)
    page: Page = open_as(cast.author).new_page()
    page.goto(f"/certificate-templates/framed/edit?switch={language}")
    picture_of(page)
    page.evaluate(NOTE)
    return page


def told(page: Page) -> list[str]:
    """Return what has been told so far."""
    return [str(each) for each in page.evaluate("() => window.told")]


def has_focus(page: Page, field: str) -> bool:
    """Say whether the focus is in the field, and the caret after the last character."""
    return bool(
        page.evaluate(
            "(id) => document.activeElement.id === id"
            " && document.activeElement.selectionEnd === document.activeElement.value.length",
            field,
        )
    )


@BOTH
def test_the_picture_is_announced_while_one_types_and_the_caret_stays(cast: Cast, open_as: Any, language: str) -> None:
    page, said = editor(cast, open_as, language), SAID[language]
    state, faults = page.locator('[data-slot="state"]'), page.locator('[data-slot="faults"]')
    # Both stand on the page before anything is said in them, or it would not be read out.
    expect(state).to_have_attribute("role", "status")
    assert faults.evaluate("(each) => each.closest('[aria-live]').getAttribute('aria-live')") == "polite"
    page.locator("#heading_en").press("End")
    page.keyboard.type(" of today")
    expect(state).to_have_text(said["drawn"], timeout=20_000)
    assert told(page) == [said["drawing"], said["drawn"]], "once each, whatever number of keys was pressed"
    assert has_focus(page, "heading_en")

    # What is wrong is told, its field is marked, and one goes on typing where one was.
    page.locator("#closing_en").press("End")
    page.keyboard.type("{grade}")
    expect(faults).to_contain_text(said["no"], timeout=20_000)
    expect(page.locator("#closing_en")).to_have_attribute("aria-invalid", "true")
    assert has_focus(page, "closing_en")
    assert said["no"] in told(page)[-2] + told(page)[-1]
    for _ in "{grade}":
        page.keyboard.press("Backspace")
    expect(faults).to_be_empty(timeout=20_000)
    expect(page.locator("#closing_en")).not_to_have_attribute("aria-invalid", "true")
    assert has_focus(page, "closing_en")


@BOTH
def test_a_request_that_fails_is_told_and_the_next_change_draws_again(cast: Cast, open_as: Any, language: str) -> None:
    page, said = editor(cast, open_as, language), SAID[language]
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    state = page.locator('[data-slot="state"]')
    former = picture_of(page)
    for how in ("abort", "500"):
        page.route(
            "**/framed/preview",
            lambda route, how=how: route.abort() if how == "abort" else route.fulfill(status=500, body="no"),  # type: ignore[misc]
        )
        page.locator("#heading_en").press("End")
        page.keyboard.type("!")
        expect(state).to_have_text(said["failed"], timeout=20_000)
        # The last picture stays: it is what was drawn last, and it is said that this one was not.
        assert picture_of(page) == former
        assert has_focus(page, "heading_en")
        page.unroute("**/framed/preview")
        page.keyboard.type("?")
        expect(state).to_have_text(said["drawn"], timeout=20_000)
        assert has_focus(page, "heading_en")
        former = picture_of(page)
    assert str(page.locator("#heading_en").input_value()).endswith("!?!?")
    assert errors == []
