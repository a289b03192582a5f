"""A lead takes in twenty people from a pasted list: few presses, every date before her eyes, in either language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.accessibility import faults_of
from tests.e2e.conftest import Visitor
from tests.e2e.test_journey import say

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
PEOPLE = 20
# The journey may take so many (J1), counted from the list of cohorts.
MOST_CLICKS = 25
COUNTING = """
(() => {
  const key = "clicks-of-the-journey";
  addEventListener("click", event => {
    if (event.isTrusted) sessionStorage.setItem(key, Number(sessionStorage.getItem(key) || 0) + 1);
  }, true);
})();
"""


def clicks(visitor: Visitor) -> int:
    return int(visitor.page.evaluate("Number(sessionStorage.getItem('clicks-of-the-journey') || 0)"))


def pasted(language: str) -> str:
    """Return what a spreadsheet puts on the clipboard: headings, twenty people, one of them twice."""
    heading = "氏名\tメールアドレス" if language == "ja" else "Mail\tName"
    rows = []
    for number in range(PEOPLE):
        mail = f"intake-{language}-{number}@hibiki.example"
        rows.append(f"新入 {number:02}\t{mail}" if language == "ja" else f"{mail}\tNew Hire{number:02}")
    return "\n".join([heading, *rows, rows[3]])


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without"])
def test_a_cohort_of_twenty_is_created_from_a_pasted_list_with_few_clicks(
    visit: Callable[..., Visitor], language: str, javascript: bool
) -> None:
    lead = visit(language, javascript=javascript)
    if javascript:
        lead.page.add_init_script(COUNTING)
    lead.sign_in("lead")
    lead.open(f"/cohorts?switch={language}")
    before = clicks(lead) if javascript else 0
    page = lead.page
    page.get_by_role("link", name=say(language, "New cohort"), exact=True).click()
    # The team is chosen already where there is one.
    page.get_by_role("combobox", name=say(language, "Training plan")).select_option("account-safety-start@1.1")
    starts_on = date.today() + timedelta(days=28)
    page.get_by_label(say(language, "First day of the plan")).click()
    page.get_by_label(say(language, "First day of the plan")).fill(starts_on.isoformat())
    page.get_by_label(say(language, "Paste a list")).click()
    text = pasted(language) if javascript else pasted(language).replace("intake-", "plain-intake-")
    page.get_by_label(say(language, "Paste a list")).fill(text)
    page.get_by_role("group", name=say(language, "Mentors")).get_by_role("checkbox").first.click()
    page.get_by_role("button", name=say(language, "Show the preview")).click()
    page.wait_for_url("**/cohort-drafts/*")
    main = page.get_by_role("main")
    expect(main).to_contain_text(say(language, "Line %(line)s has the same email address.", line="5"))
    expect(main.locator(".planner__items li")).to_have_count(14)
    expect(main.get_by_role("checkbox")).to_have_count(PEOPLE)
    if javascript:
        assert faults_of(page) == []
    # What was typed is there when she goes back to it, and so is the preview afterwards.
    page.get_by_role("link", name=say(language, "Change the entries")).click()
    expect(page.get_by_label(say(language, "Paste a list"))).to_have_value(text)
    page.get_by_role("button", name=say(language, "Show the preview")).click()
    page.locator("button[value=create]").click()
    page.wait_for_url("**/cohorts/*")
    expect(page.locator("table.matrix tbody tr")).to_have_count(PEOPLE)
    if javascript:
        assert clicks(lead) - before <= MOST_CLICKS
    lead.assert_quiet()
    # Nobody has begun: it is taken back as a whole.
    page.get_by_role("link", name=say(language, "Withdraw"), exact=True).click()
    page.get_by_label(say(language, "Reason")).fill("A rehearsal.")
    page.get_by_role("button", name=say(language, "Withdraw the cohort")).click()
    page.wait_for_url("**/cohorts/*")
    expect(page.locator(".callout--info")).to_be_visible()
