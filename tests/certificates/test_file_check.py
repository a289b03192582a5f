"""The public page compares a file with what was issued, in the browser: nothing of it is sent anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect

from portal.certificates import queries
from tests.accessibility import faults_of
from tests.builders import Cast
from tests.certificates.builders import issue, issue_with_files
from tests.serving import served


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_gives_the_hashes_and_says_how_to_compare_them_without_a_script(
    cast: Cast, client: Any, language: str
) -> None:
    certificate = issue_with_files(cast.learner)
    page = client.get("certificates.verify", code=certificate.code, lang=language)
    for file in certificate.files:
        assert page.body.count(file.sha256) == 2
    assert "sha256sum FILE.pdf" in page.text
    assert {"en": "Nothing is uploaded", "ja": "アップロードしません"}[language] in page.text
    # What needs the script is away until the script is there.
    assert re.search(r'<div class="file-check stack"[^>]* hidden', page.body)


def test_while_there_is_no_file_nothing_is_offered_for_comparison(cast: Cast, client: Any) -> None:
    certificate = issue(cast.learner)
    assert "file-check" not in client.get("certificates.verify", code=certificate.code).body


@pytest.fixture
def context(app: Flask, chromium: Browser) -> Iterator[BrowserContext]:
    told: list[str] = []
    with served(app) as address:
        opened = chromium.new_context(base_url=address, viewport={"width": 360, "height": 800}, locale="ja-JP")
        opened.on("console", lambda line: told.append(line.text))
        yield opened
        opened.close()
    assert told == []


@pytest.mark.browser
@pytest.mark.any_database
def test_a_file_is_compared_in_the_browser_and_goes_nowhere(cast: Cast, context: BrowserContext) -> None:
    certificate = issue_with_files(cast.learner)
    content = queries.get_file(certificate, "ja").content
    page = context.new_page()
    page.goto(f"/verify/{certificate.code}", wait_until="networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    field = page.get_by_label("この修了証のPDF")
    said = page.locator(".file-check [role=status]")

    def bring(content: bytes) -> None:
        field.set_input_files([{"name": "certificate.pdf", "mimeType": "application/pdf", "buffer": content}])

    bring(content)
    expect(said).to_have_text("発行されたファイルと完全に一致します（日本語）。")
    assert faults_of(page) == []
    bring(content[:-1] + b" ")
    expect(said).to_have_text("この修了証のファイルではないか、改変されています。")
    # Dropped instead of chosen.
    page.evaluate(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "c.pdf"));
            const dropped = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
            document.querySelector(".file-check").dispatchEvent(dropped);
        }""",
        list(content),
    )
    expect(said).to_have_text("発行されたファイルと完全に一致します（日本語）。")
    assert asked == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    field.focus()
    expect(field).to_be_focused()
