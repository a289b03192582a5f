"""A lead's two minutes: who needs her comes first, more time is two presses away, and the learner reads why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from portal.operations import demo
from portal.operations.demo.people import password_of
from tests.accessibility import faults_of
from tests.e2e.conftest import Portal, Visitor
from tests.e2e.test_journey import say

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
# Of the demo's intake: who stands far behind, by the language in which it is looked at.
LATE = {"en": ("nakagawa.rin", "Nakagawa"), "ja": ("watanabe.sota", "渡邉")}
REASON = {"en": "The case circle was full.", "ja": "事例検討会が満席だったため。"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_more_time_given_from_the_red_list_reaches_the_learner_with_its_reason(
    visit: Callable[..., Visitor], portal: Portal, language: str
) -> None:
    name, family = LATE[language]
    lead = visit(language)
    lead.sign_in("lead")
    lead.open(f"/cohorts?switch={language}")
    page = lead.page
    # The intake that is half through comes last.
    page.locator("tbody th a").last.click()
    page.wait_for_url("**/cohorts/*")
    # Who needs her stands first, with the reason and what to do now.
    table = page.get_by_role("main").get_by_role("table").first
    row = table.locator("tbody tr", has_text=family).first
    expect(row.locator(".risk-reasons li").first).to_be_visible()
    assert faults_of(page) == []
    row.get_by_role("link", name=say(language, "Give more time")).click()
    page.get_by_label(say(language, "Working days more")).fill("1")
    page.get_by_label(say(language, "Reason")).fill(REASON[language])
    page.get_by_role("button", name=say(language, "Show what moves")).click()
    # Every date that would move stands there before anything is saved.
    moved = page.get_by_role("main").locator("tbody tr").first
    expect(moved.locator("time, td").nth(1)).to_be_visible()
    page.locator("main button[value=confirm]").click()
    page.wait_for_url("**/training/*")
    lead.assert_quiet()

    learner = visit(language, width=360)
    learner.open(f"/sign-in?lang={language}")
    learner.page.locator("input[name=name]").fill(f"{name}@{demo.DOMAIN}")
    learner.page.locator("input[name=password]").fill(password_of(name))
    learner.page.locator("form:has(input[name=password]) button[type=submit]").click()
    learner.page.wait_for_url("**/today*")
    why = learner.page.locator("details", has_text=REASON[language]).first
    expect(why).not_to_have_attribute("open", "")
    why.locator("summary").click()
    expect(why).to_contain_text(REASON[language])
    learner.assert_quiet()
