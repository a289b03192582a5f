"""A lead asks what falls short if two are out, opens what a level rests on, states one, and the person reads it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.accessibility import faults_of
from tests.e2e.conftest import Visitor
from tests.e2e.test_journey import say

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
LEAD = {"en": "Ken Sato", "ja": "佐藤 健"}
MENTOR = {"en": "Mei Kobayashi", "ja": "小林 芽衣"}
LEARNER = {"en": "Yui Takahashi", "ja": "髙橋 結衣"}
TASK = {"en": "Weekly calibration", "ja": "週次の判断すり合わせ"}
ANSWER = {"en": "have 0 on some day:", "ja": "代行できる人が0人になる日があるのは次のものです"}
SEEN = {"en": "Watched the whole meeting and named the clauses.", "ja": "会議を最後まで見学し、条項を挙げました。"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_asks_what_if_and_states_a_level_that_the_person_reads(
    visit: Callable[..., Visitor], language: str
) -> None:
    lead = visit(language)
    lead.sign_in("lead")
    lead.open(f"/backfill?switch={language}")
    page = lead.page
    assert faults_of(page) == []
    page.get_by_label(LEAD[language], exact=True).check()
    page.get_by_label(MENTOR[language], exact=True).check()
    page.get_by_role("main").get_by_role("button", name=say(language, "Show"), exact=True).click()
    answer = page.get_by_role("status")
    expect(answer).to_contain_text(ANSWER[language])
    named = page.get_by_text(TASK[language], exact=True)
    expect(answer.locator("tbody tr").filter(has=named).get_by_role("cell").first).to_have_text("0")
    assert faults_of(page) == []
    # Who is critical and red stands in numbers, the level of each in the row.
    row = page.locator(".matrix tbody tr").filter(has=named)
    expect(row).to_contain_text("2 / 2")
    # Each cell of somebody opens what it rests on.
    row.locator("td a").first.click()
    page.wait_for_url("**/levels/recurring_task/*")
    assert faults_of(page) == []
    lead.assert_quiet()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_a_lead_saw_is_read_by_the_person_among_her_own_levels(
    visit: Callable[..., Visitor], language: str
) -> None:
    learner = visit(language, width=360)
    learner.sign_in("learner")
    learner.open(f"/backfill/own?switch={language}")
    page = learner.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert faults_of(page) == []
    page.get_by_role("main").get_by_role("link", name=TASK[language], exact=True).click()
    page.wait_for_url("**/levels/recurring_task/*")
    address = page.url.split("?")[0]
    learner.assert_quiet()

    lead = visit(language)
    lead.sign_in("lead")
    lead.open(f"{address[address.index('/backfill') :]}?switch={language}")
    lead.page.get_by_role("link", name=say(language, "State a level")).click()
    lead.page.locator("input[name=level][value='1']").check()
    lead.page.get_by_label(say(language, "What was seen")).fill(SEEN[language])
    assert faults_of(lead.page) == []
    lead.page.get_by_role("button", name=say(language, "State the level")).click()
    lead.page.wait_for_url("**/levels/recurring_task/*")
    expect(lead.page.get_by_role("main")).to_contain_text(SEEN[language])
    lead.assert_quiet()

    learner.page.reload()
    expect(learner.page.get_by_role("main")).to_contain_text(SEEN[language])


def test_the_matrix_is_a_list_on_a_telephone_and_walked_by_keys_on_a_laptop(visit: Callable[..., Visitor]) -> None:
    narrow = visit("en", width=360)
    narrow.sign_in("lead")
    narrow.open("/backfill?switch=en")
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 360
    cells = narrow.page.locator(".matrix tbody td[data-state=level-0]")
    assert not any(cell.is_visible() for cell in cells.all()[:10])
    narrow.page.locator(".matrix-every input").check()
    assert all(cell.is_visible() for cell in cells.all()[:10])

    wide = visit("en", width=1280, javascript=True)
    wide.sign_in("lead")
    wide.open("/backfill?switch=en")
    grid = wide.page.get_by_role("grid")
    grid.wait_for()
    assert grid.locator('tbody [tabindex="0"]').count() == 1
    grid.locator("tbody tr").first.locator("td a").first.focus()
    wide.page.keyboard.press("ArrowRight")
    wide.page.keyboard.press("Enter")
    wide.page.wait_for_url("**/levels/**")
    wide.assert_quiet()
