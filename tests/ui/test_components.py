"""The page of components shows them all, plainly, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask, render_template_string

from portal import create_app
from portal.ui import states, views
from tests.page_client import Page, PageClient

pytestmark = pytest.mark.any_database

TEMPLATES = Path(views.__file__).parent / "templates" / "ui"
COMPONENTS = sorted(path.stem for path in (TEMPLATES / "components").glob("*.html"))
# The frame of every page brings these; no page calls them itself.
OF_THE_SHELL = {"emergency", "navigation", "wordmark", "language_switch", "wellbeing_contact", "phrased"}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("sheet", views.SHEETS)
def test_every_sheet_keeps_what_pages_promise(client: PageClient, sheet: str, language: str) -> None:
    page = client.get("ui.components", sheet=sheet, lang=language)
    assert page.tree.get("lang") == language


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_is_shown(component: str) -> None:
    where = "page.html" if component in OF_THE_SHELL else "sheets/components.html"
    source = (TEMPLATES / where).read_text(encoding="utf-8")
    imported = re.search(rf'"ui/components/{component}\.html" import {component}(?: as (\w+))?', source)
    assert imported, f"{component} is not shown on the page of components"
    called = imported.group(1) or component
    assert re.search(rf"\b{called}\(", source[imported.end() :]), f"{component} is imported and not called"


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_file_defines_its_macro_and_says_how_to_call_it(component: str) -> None:
    source = (TEMPLATES / "components" / f"{component}.html").read_text(encoding="utf-8")
    assert re.search(rf"macro {component}\(", source)
    assert source.startswith("{#"), f"{component} does not say what it is"
    assert component in (TEMPLATES.parents[3] / "docs" / "components.md").read_text(encoding="utf-8")


def test_every_state_of_the_status_chip_is_shown(client: PageClient) -> None:
    text = client.get("ui.components", lang="en").text
    with client.app.test_request_context("/?lang=en"):
        words = [look.word for look in states.LOOKS.values()]
    assert [word for word in words if word not in text] == []


def test_a_page_that_is_not_there_explains_itself(client: PageClient) -> None:
    page = client.get("/_ui/nothing", expect=404, lang="ja")
    assert page.heading
    assert "404" in page.text


def test_the_sheets_are_for_development_only(application: Flask, tmp_path: Path) -> None:
    settings = {
        "SHIRUBE_ENV": "production",
        "SHIRUBE_SECRET_KEY": "a-secret-of-one's-own-0123456789-0123456789",
        "SHIRUBE_PUBLIC_URL": "https://portal.example",
        "SHIRUBE_DATA_DIR": tmp_path,
        "TESTING": True,
    }
    assert create_app(settings).test_client().get("/_ui").status_code == 404


def test_the_theme_follows_the_address(client: PageClient) -> None:
    assert client.get("ui.components", theme="dark").tree.get("data-theme") == "dark"
    assert client.get("ui.components", theme="<script>").tree.get("data-theme") is None


def _render(app: Flask, source: str, **values: object) -> ElementTree.Element:
    with app.test_request_context():
        text = render_template_string(source, **values)
    return ElementTree.fromstring(f"<div>{text}</div>")


def test_text_given_to_a_component_is_never_markup(app: Flask) -> None:
    with app.test_request_context():
        text = render_template_string(
            '{% from "ui/components/callout.html" import callout %}{{ callout(text, title=text) }}', text="<b>&"
        )
    assert "<b>" not in text
    assert text.count("&lt;b&gt;&amp;") == 2


def test_a_table_without_rows_says_so_and_offers_no_download(app: Flask) -> None:
    with app.test_request_context():
        text = render_template_string(
            '{% from "ui/components/data_table.html" import data_table %}'
            '{{ data_table("People", [{"label": "Name"}], rows=[], empty="No people yet", exports=[exported]) }}',
            exported={"label": "CSV", "href": "/x"},
        )
    assert "No people yet" in text
    assert "/x" not in text
    assert "<table" not in text


def test_a_table_names_its_rows_and_columns(client: PageClient) -> None:
    page = client.get("ui.components", lang="en")
    for table in page.all("table", class_="table"):
        assert all(cell.get("scope") == "col" for cell in table.find("thead").iter("th"))  # type: ignore[union-attr]
    regions = page.all("div", class_="table-region")
    assert regions
    assert all(region.get("tabindex") == "0" and region.get("aria-labelledby") for region in regions)


def test_an_error_stands_in_words_beside_its_field_and_in_the_summary(client: PageClient) -> None:
    page = client.get("ui.components", lang="en")
    field = page.one("input", id="bad-mail")
    assert field.get("aria-invalid") == "true"
    assert field.get("aria-describedby") == "bad-mail-error"
    assert field.get("value") == "misaki.sato@"
    told = "".join(page.one("div", id="bad-mail-error").itertext())
    assert "Write the address in full" in told
    assert "#bad-mail" in page.links()


def test_a_date_explains_itself_without_scripts(client: PageClient) -> None:
    page = client.get("ui.components", lang="en")
    days = page.all("li", class_="date__day")
    assert [" ".join("".join(day.itertext()).split()) for day in days][-1] == "5Mon 11 MayDue"
    assert len([day for day in days if "date__day--skipped" in day.get("class", "")]) == 2


def test_what_was_chosen_and_what_is_right_is_said_in_words(client: PageClient) -> None:
    text = client.get("ui.components", lang="en").text
    assert "Your choice, wrong" in text
    assert "Right, not chosen" in text
    assert "Your choice, right" in text


def test_a_japanese_heading_may_break_between_phrases(client: PageClient) -> None:
    page: Page = client.get("ui.components", lang="ja")
    assert list(page.one("h1").iter("wbr"))


def test_the_wellbeing_contact_is_on_every_page(client: PageClient) -> None:
    for sheet in ("components", "document", "plain", "error"):
        page = client.get("ui.components", sheet=sheet, lang="en")
        assert any("Wellbeing" in "".join(link.itertext()) for link in page.tree.iter("a")), sheet


def test_a_number_may_be_typed_with_full_width_digits(client: PageClient) -> None:
    field = client.get("ui.components", lang="ja").one("input", name="tries")
    assert field.get("type") == "text"
    assert field.get("inputmode") == "numeric"
