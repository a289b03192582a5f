"""The lead's table in a real browser: every step fits a small laptop, and nothing is cut off on a telephone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
STEPS_OF_THE_DEMO = 11


def open_the_fullest_cohort(visit: Callable[..., Visitor], language: str, width: int) -> Visitor:
    lead = visit(language, width=width, javascript=False)
    lead.sign_in("lead")
    lead.open("/cohorts")
    # The latest comes first; the intake that is half through comes last.
    with lead.page.expect_navigation():
        lead.page.locator("tbody th a").last.click()
    return lead


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_step_of_the_cohort_is_in_sight_on_a_small_laptop(visit: Callable[..., Visitor], language: str) -> None:
    lead = open_the_fullest_cohort(visit, language, 1280)
    region = lead.page.locator(".table-region:has(.matrix)")
    assert region.evaluate("it => it.scrollWidth <= it.clientWidth")
    edge = region.evaluate("it => it.getBoundingClientRect().right")
    headings = lead.page.locator(".matrix thead .matrix__step")
    assert headings.count() == STEPS_OF_THE_DEMO
    assert headings.last.evaluate("it => it.getBoundingClientRect().right") <= edge + 1
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
    assert sum(shown) == 2
    lead.page.locator(".matrix-every input").check()
    assert all(cell.is_visible() for cell in done.all())
