"""A lead takes the certificates of her cohort: reads the list, watches the bar, saves the archive."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.accessibility import faults_of
from tests.e2e.conftest import Visitor
from tests.e2e.test_journey import say

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
FILES = {"en": "en", "ja": "ja"}


@pytest.mark.parametrize(("language", "javascript"), [("en", True), ("ja", False)])
def test_the_certificates_of_a_cohort_are_taken_as_one_archive(
    visit: Callable[..., Visitor], language: str, javascript: bool
) -> None:
    lead = visit(language, javascript=javascript)
    lead.sign_in("lead")
    lead.open(f"/cohorts?switch={language}")
    page = lead.page
    # The intake that is half through comes last.
    page.locator("tbody th a").last.click()
    page.wait_for_url("**/cohorts/*")
    page.get_by_role("main").get_by_role("link", name=say(language, "Certificates"), exact=True).click()
    page.wait_for_url("**/certificates/batches/new?cohort=*")
    # What was earned was issued at once: the list says so of each, and nothing can be pressed.
    page.locator("input[name=kind][value=issue]").check()
    page.get_by_role("button", name=say(language, "Show the list")).click()
    expect(page.get_by_role("main").get_by_text(say(language, "It was issued already.")).first).to_be_visible()
    expect(page.get_by_role("button", name=say(language, "Issue them"))).to_have_count(0)
    page.locator("input[name=kind][value=zip]").check()
    page.locator("select[name=languages]").select_option(FILES[language])
    page.get_by_role("button", name=say(language, "Show the list")).click()
    if javascript:
        assert faults_of(page) == []
    page.get_by_role("button", name=say(language, "Make the archive")).click()
    page.wait_for_url(re.compile(r"/certificates/batches/[0-9A-Z]{12}$"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    download = page.get_by_role("button", name=say(language, "Download the archive"))
    if javascript:
        # Nobody loads the page again: the bar does when the work has ended. What is done already can be taken before
        # that, so the page that stays is known by there being nothing to follow any more.
        expect(page.locator("[data-module=follow-work]")).to_have_count(0, timeout=60_000)
        expect(download).to_be_visible()
        page.wait_for_load_state("load")
        assert faults_of(page) == []
    else:
        _load_until(page, language)
    with page.expect_download() as saved:
        download.click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        assert {"SHA256SUMS", "jwks.json"} < set(names)
        files = [name for name in names if name.endswith(".pdf")]
        assert files
        assert all(name.endswith(f"-{FILES[language]}.pdf") for name in files)
        assert all(archive.read(name).startswith(b"%PDF-") for name in files)
    lead.assert_quiet()


def _load_until(page: Page, language: str) -> None:
    """Press the button that loads the page again until the work has ended."""
    again = page.get_by_role("link", name=say(language, "Load again"))
    for _time in range(120):
        if not again.count():
            return
        again.click()
        page.wait_for_timeout(500)
    raise AssertionError("the work has not ended")
