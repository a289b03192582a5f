"""Templates in a real browser: from a design to a credential, drawn while they are written, with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.certificates import limits, queries
from portal.certificates.queries import templates
from portal.certificates.rules.templates import Design, ImageKind, starting_spec
from portal.certificates.service import templates as service
from portal.core import pictures
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.accessibility import WCAG, faults_of
from tests.builders import Cast
from tests.certificates.builders import issue_with_files, make_credential, make_picture
from tests.library.test_market_browser import press
from tests.volume import at_night

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "new": "New template",
        "begin": "Begin the template",
        "save": "Save",
        "back": "Back to the template",
        "publish": "Publish as version 1",
        "no placeholder": "is no placeholder",
    },
    "ja": {
        "new": "新しいテンプレート",
        "begin": "作成を始める",
        "save": "保存",
        "back": "テンプレートに戻る",
        "publish": "第1版として公開",
        "no placeholder": "という差し込み項目はありません",
    },
}
BOTH = pytest.mark.parametrize("language", ["en", "ja"])


@pytest.fixture(autouse=True)
def _fresh_drawings() -> Iterator[None]:
    limits.drawings.clear()
    yield
    limits.drawings.clear()


def picture_of(page: Page) -> str:
    """Return the address of the picture beside the form, once one is drawn; it changes with what is drawn."""
    picture = page.locator("[data-slot='picture']")
    expect(picture).to_be_visible(timeout=20_000)
    page.wait_for_function("() => document.querySelector(\"[data-slot='picture']\").naturalWidth > 300", timeout=20_000)
    return str(picture.get_attribute("src"))


def drawn_anew(page: Page, before: str) -> str:
    """Wait until another picture stands beside the form, and return its address."""
    expect(page.locator("[data-slot='picture']")).not_to_have_attribute("src", before, timeout=20_000)
    return picture_of(page)


@pytest.mark.parametrize(
    ("design", "language"),
    at_night(
        [("classic", "ja"), ("modern", "en"), ("plain", "ja")], [("classic", "en"), ("modern", "ja"), ("plain", "en")]
    ),
)
def test_a_template_goes_from_a_design_by_way_of_its_form_to_a_credential(
    cast: Cast,
    open_as: Any,
    tmp_path: Path,
    design: str,
    language: str,
) -> None:
    make_credential()
    page = open_as(cast.admin).new_page()
    page.goto(f"/certificate-templates/new?switch={language}")
    page.locator("#name_en").fill("Reviewers")
    page.locator("#name_ja").fill("審査担当者用")
    page.locator("#slug").fill("reviewers")
    page.locator(f"input[name=design][value={design}]").check()
    found = faults_of(page, WCAG)
    page.locator("main form button[type=submit], main form button:not([type])").first.click()
    expect(page).to_have_url(re.compile("/certificate-templates/reviewers/edit"))
    first = picture_of(page)

    # Words and layout: each is drawn without being saved.
    page.locator("#heading_ja").fill("認定証")
    page.locator("#heading_en").fill("Certificate of Competence")
    second = drawn_anew(page, first)
    page.locator("#orientation").select_option("portrait" if design != "plain" else "landscape")
    third = drawn_anew(page, second)
    page.locator("#shown").select_option("both" if design != "modern" else "one")
    fourth = drawn_anew(page, third)

    # A placeholder that is none is refused with its name, beside the picture at once and beside the field when saved;
    # what was typed stays.
    page.locator("#statement_ja").fill("{holder} は {grade} で修了しました。")
    expect(page.locator("[data-slot='faults'] li").first).to_contain_text("{grade}", timeout=20_000)
    page.locator("form#template button[type=submit]:visible, form#template button:not([type]):visible").first.click()
    summary = page.locator(".error-summary")
    expect(summary).to_contain_text("{grade}")
    expect(summary).to_contain_text(WORDS[language]["no placeholder"])
    expect(page.locator("#statement_ja")).to_have_value("{holder} は {grade} で修了しました。")
    expect(page.locator("#heading_ja")).to_have_value("認定証")
    found += faults_of(page, WCAG)
    assert templates.get_template("reviewers").draft.revision == 1
    page.locator("#statement_ja").fill("{statement}")
    fifth = picture_of(page)

    # The picture of a seal is sent once, kept, and stands half over the last character of the signatory's name.
    seal = tmp_path / "印.png"
    seal.write_bytes(make_picture())
    page.locator("#seal_image_file").set_input_files(seal)
    expect(page.locator("#seal_image option:checked")).to_have_text("印.png", timeout=20_000)
    page.locator("#seal_place").select_option("signatory")
    drawn_anew(page, fifth)
    page.get_by_role("button", name=WORDS[language]["save"], exact=True).click()
    expect(page.locator("#heading_ja")).to_have_value("認定証")
    session.rollback()
    spec = templates.get_template("reviewers").draft.spec
    assert templates.find_image(spec["seal_image"], ImageKind.SEAL) is not None
    assert (spec["seal_place"], spec["heading"]["en"]) == ("signatory", "Certificate of Competence")
    assert fourth

    # Published and used: what is issued from now on is drawn so.
    page.get_by_role("link", name=WORDS[language]["back"]).click()
    expect(page.locator("form[action$='/publish'] button")).to_be_visible()
    found += faults_of(page, WCAG)
    page.locator("form[action$='/publish'] button").click()
    expect(page.locator("#version-1")).to_be_visible(timeout=30_000)
    page.locator("#credential").select_option("impersonation-reviewer")
    page.locator("form[action$='/1/use'] button").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    session.rollback()
    latest = queries.find_latest_version(queries.get_credential("impersonation-reviewer"))
    assert latest is not None
    assert latest.number == "1.1"
    certificate = issue_with_files(cast.learner)
    assert certificate.snapshot["template"]["spec"] == spec
    assert len(certificate.files) == 2
    assert found == []


@BOTH
def test_a_template_is_begun_written_and_published_by_keyboard(
    cast: Cast,
    open_as: Any,
    language: str,
) -> None:
    words = WORDS[language]
    page = open_as(cast.author).new_page()
    page.goto(f"/certificate-templates?switch={language}")
    press(page, words["new"])
    expect(page).to_have_url(re.compile("/certificate-templates/new"))
    for field, text in (("name_en", "By keyboard"), ("name_ja", "キーボード"), ("slug", "by-keyboard")):
        reach(page, field)
        page.keyboard.type(text)
    reach(page, "design-0")
    page.keyboard.press("ArrowDown")
    press(page, words["begin"])
    expect(page).to_have_url(re.compile("/certificate-templates/by-keyboard/edit"))
    before = picture_of(page)
    reach(page, "heading_en")
    page.keyboard.press("Control+a")
    page.keyboard.type("Well done")
    drawn_anew(page, before)
    press(page, words["save"])
    expect(page.locator("#heading_en")).to_have_value("Well done")
    press(page, words["back"])
    press(page, words["publish"])
    expect(page.locator("#version-1")).to_be_visible(timeout=30_000)
    session.rollback()
    version = templates.get_version("by-keyboard", 1)
    assert (version.spec["design"], version.spec["heading"]["en"]) == ("modern", "Well done")


def reach(page: Page, field: str) -> None:
    """Go with the Tab key to a field."""
    for _ in range(200):
        if page.evaluate("document.activeElement.id") == field:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {field}")


@BOTH
def test_whoever_comes_second_keeps_what_was_typed_and_reads_what_differs(
    cast: Cast,
    open_as: Any,
    language: str,
) -> None:
    first, second = (open_as(person).new_page() for person in (cast.author, cast.admin))
    first.goto(f"/certificate-templates/new?switch={language}")
    for field, text in (("name_en", "Shared"), ("name_ja", "共用"), ("slug", "shared")):
        first.locator(f"#{field}").fill(text)
    first.locator("main form button").first.click()
    expect(first).to_have_url(re.compile("/shared/edit"))
    second.goto(f"/certificate-templates/shared/edit?switch={language}")
    save = WORDS[language]["save"]
    first.locator("#heading_en").fill("Of the first")
    first.get_by_role("button", name=save, exact=True).click()
    expect(first.locator("#heading_en")).to_have_value("Of the first")
    second.locator("#closing_en").fill("Of the second")
    second.get_by_role("button", name=save, exact=True).click()
    note = second.locator(".template-editor__notes")
    expect(note).to_contain_text("Of the first")
    expect(second.locator("#closing_en")).to_have_value("Of the second")
    assert faults_of(second, WCAG) == []
    second.get_by_role("button", name=save, exact=True).click()
    expect(second.locator(".template-editor__notes")).to_have_count(0)
    session.rollback()
    assert templates.get_template("shared").draft.spec["closing"]["en"] == "Of the second"


@BOTH
def test_a_picture_that_is_too_large_is_told_in_the_form_and_nothing_typed_is_left_behind(
    cast: Cast, open_as: Any, tmp_path: Path, language: str
) -> None:
    with own_transaction():
        service.begin_template(slug="framed", spec=starting_spec(Design.CLASSIC), by=cast.author)
    page = open_as(cast.admin).new_page()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/certificate-templates/framed/edit?switch={language}")
    picture_of(page)
    huge = tmp_path / "huge.png"
    with huge.open("wb") as target:
        target.truncate(pictures.MAX_BYTES + 1)
    page.locator("#heading_en").fill("Typed before")
    page.locator("#logo_file").set_input_files(huge)
    said = page.locator("[data-slot='faults'] li")
    expect(said).to_contain_text({"en": "This picture is too large.", "ja": "この画像は大きすぎます。"}[language])
    page.get_by_role("button", name=WORDS[language]["save"], exact=True).click()
    expect(said).to_be_visible()
    expect(page.locator("#logo_file")).to_be_focused()
    expect(page.locator("#heading_en")).to_have_value("Typed before")
    expect(page.locator("#logo_file")).to_have_attribute("aria-invalid", "true")

    # On a narrow window the preview is one step away from each part of the form.
    ways = page.get_by_role("link", name={"en": "Go to the preview", "ja": "プレビューを見る"}[language])
    expect(ways).to_have_count(page.locator("fieldset.template-editor__part").count())
    ways.first.click()
    expect(page.locator("[data-slot='picture']")).to_be_in_viewport()
    assert faults_of(page, WCAG) == []
