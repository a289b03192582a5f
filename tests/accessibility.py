"""What axe finds on a page in a real browser."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
BEST = (*WCAG, "best-practice")


def faults_of(page: Page, rules: Sequence[str] = BEST) -> list[str]:
    """Return each rule that the page breaks, with up to three places, by axe's names of rules or of groups of them."""
    # A page on its way from one document to the next has nothing yet in which axe could look.
    page.wait_for_load_state()
    # Told of everything that is right as well, axe takes twice as long: two megabytes for a large page.
    found = Axe().run(page, options={"runOnly": list(rules), "resultTypes": ["violations"]})
    return [f"{each['id']}: {[node['html'] for node in each['nodes']][:3]}" for each in found.response["violations"]]
