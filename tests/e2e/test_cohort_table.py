"""The lead's table in a real browser: eleven steps fit a small laptop, and nothing is cut off on a telephone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
STEPS_OF_THE_DEMO, QUIZZES_OF_THE_DEMO = 14, 3
# So many fit beside names and progress with every word legible; a longer plan goes on to the right, its names in sight.
STEPS_IN_SIGHT = 11


def open_the_fullest_cohort(
    visit: Callable[..., Visitor], language: str, width: int, *, javascript: bool = False
) -> Visitor:
    lead = visit(language, width=width, javascript=javascript)
    lead.sign_in("lead")
    lead.open("/cohorts")
    # The latest comes first; the intake that is half through comes last.
    with lead.page.expect_navigation():
        lead.page.locator("tbody th a").last.click()
    return lead


@pytest.mark.parametrize("language", ["en", "ja"])
def test_eleven_steps_of_the_cohort_are_in_sight_on_a_small_laptop(
    visit: Callable[..., Visitor], language: str
) -> None:
    lead = open_the_fullest_cohort(visit, language, 1280)
    region = lead.page.locator(".table-region:has(.matrix)")
    edge = region.evaluate("it => it.getBoundingClientRect().right")
    headings = lead.page.locator(".matrix thead .matrix__step")
    assert headings.count() == STEPS_OF_THE_DEMO
    assert headings.nth(STEPS_IN_SIGHT - 1).evaluate("it => it.getBoundingClientRect().right") <= edge + 1
    # No word runs into the next column.
    assert lead.page.locator(".matrix tbody td").evaluate_all(
        "them => them.every(it => it.scrollWidth <= it.clientWidth + 1)"
    )
    assert headings.evaluate_all("them => them.every(it => it.scrollWidth <= it.clientWidth + 1)")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_on_a_telephone_each_person_is_a_list_with_states_dates_and_scores(
    visit: Callable[..., Visitor], language: str
) -> None:
    lead = open_the_fullest_cohort(visit, language, 360)
    assert lead.page.evaluate("document.documentElement.scrollWidth") <= 360
    late = lead.page.locator(".matrix tbody tr").first.locator("td[data-state=overdue]")
    assert late.count() == STEPS_OF_THE_DEMO
    assert late.last.is_visible()
    # What is done is counted; a score is shown; the rest comes on demand, without JavaScript.
    done = lead.page.locator(".matrix tbody tr").last.locator("td[data-state=done]")
    shown = [cell.is_visible() for cell in done.all()]
    assert sum(shown) == QUIZZES_OF_THE_DEMO
    lead.page.locator(".matrix-every input").check()
    assert all(cell.is_visible() for cell in done.all())


FOCUSED = """() => {
  const cell = document.activeElement.closest("th, td");
  return [cell.parentElement.rowIndex - 1, cell.cellIndex];
}"""
# Whether the cell that has the focus lies below the heading and beside the names, within what is seen.
IN_SIGHT = """() => {
  const cell = document.activeElement.closest("th, td"), box = cell.getBoundingClientRect();
  const head = document.querySelector(".matrix thead th").getBoundingClientRect();
  const name = cell.parentElement.cells[0].getBoundingClientRect();
  return box.top >= head.bottom - 1 && (cell.cellIndex === 0 || box.left >= name.right - 1)
    && box.bottom <= innerHeight + 1 && box.right <= innerWidth + 1;
}"""


def walk(lead: Visitor, *keys: str) -> list[int]:
    for key in keys:
        lead.page.keyboard.press(key)
        assert lead.page.evaluate(IN_SIGHT), key
    found: list[int] = lead.page.evaluate(FOCUSED)
    return found


@pytest.mark.parametrize("width", [1280, 700])
def test_the_table_is_walked_by_keys_with_one_stop_and_every_cell_in_sight(
    visit: Callable[..., Visitor], width: int
) -> None:
    lead = open_the_fullest_cohort(visit, "en", width, javascript=True)
    table = lead.page.get_by_role("grid")
    table.wait_for()
    rows = table.locator("tbody tr").count()
    last = STEPS_OF_THE_DEMO + 1
    assert table.locator('[tabindex="0"]').count() == 1
    # The key that leads into the table comes to its first name, and the next one out of it again.
    table.locator("tbody th a").first.focus()
    assert walk(lead, "ArrowRight", "ArrowRight", "ArrowDown") == [1, 2]
    assert walk(lead, "End") == [1, last]
    assert walk(lead, "ArrowRight", "ArrowDown", "ArrowLeft") == [2, last - 1]
    assert walk(lead, "Home") == [2, 0]
    assert walk(lead, "Control+End") == [rows - 1, last]
    assert walk(lead, "ArrowDown", "PageDown") == [rows - 1, last]
    up = walk(lead, "PageUp")
    assert 0 <= up[0] < rows - 1
    assert walk(lead, "PageDown") == [rows - 1, last]
    assert walk(lead, "Control+Home", "ArrowUp") == [0, 0]
    assert table.locator('[tabindex="0"]').count() == 1
    assert walk(lead, "ArrowRight", "ArrowRight") == [0, 2]
    lead.page.keyboard.press("Tab")
    assert lead.page.evaluate("document.activeElement.closest('.matrix')") is None
    lead.page.keyboard.press("Shift+Tab")
    assert lead.page.evaluate(FOCUSED) == [0, 2]


def test_enter_opens_the_step_of_the_person(visit: Callable[..., Visitor]) -> None:
    lead = open_the_fullest_cohort(visit, "en", 1280, javascript=True)
    lead.page.get_by_role("grid").wait_for()
    row = lead.page.locator(".matrix tbody tr").nth(1)
    person = row.locator("th a").get_attribute("href")
    step = lead.page.locator(".matrix thead th").nth(3).get_attribute("data-slug")
    lead.page.locator(".matrix tbody th a").first.focus()
    walk(lead, "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight")
    with lead.page.expect_navigation():
        lead.page.keyboard.press("Enter")
    assert lead.page.url.endswith(f"{person}#step-{step}")
    post = lead.page.locator(f"#step-{step}")
    assert post.is_visible()
    # What is explained there is the date.
    assert post.locator("details summary, time").count() >= 1


def test_on_a_telephone_the_keys_pass_over_what_is_not_shown(visit: Callable[..., Visitor]) -> None:
    lead = open_the_fullest_cohort(visit, "en", 360, javascript=True)
    lead.page.get_by_role("grid").wait_for()
    lead.page.locator(".matrix tbody th a").last.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "End", "Home"):
        lead.page.keyboard.press(key)
        assert lead.page.evaluate("document.activeElement.closest('th, td').checkVisibility()"), key
