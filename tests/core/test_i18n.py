"""Texts in two languages: escaped where something is filled in, and never in another thread's language."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from babel.messages.pofile import read_po
from flask import Flask, render_template_string
from markupsafe import Markup, escape

from portal.core.i18n import choose_language, force_locale, gettext, language, lazy_gettext, ngettext, pgettext

pytestmark = pytest.mark.any_database

EVIL = "<script>alert(1)</script>"


def test_what_is_filled_into_a_late_text_is_escaped_on_a_page(app: Flask) -> None:
    said = lazy_gettext("Read “%(title)s”", title=EVIL)
    assert EVIL in str(said)
    assert EVIL not in escape(said)
    with app.test_request_context():
        assert EVIL not in render_template_string("{{ said }}", said=said)


@pytest.mark.parametrize("code", ["en", "ja"])
def test_what_is_filled_into_a_text_of_a_page_is_escaped_and_its_own_markup_stays(app: Flask, code: str) -> None:
    with app.test_request_context(f"/?lang={code}"):
        page = render_template_string(
            "{{ _('<b>%(name)s</b>', name=name) }}{{ ngettext('%(num)d %(name)s', '%(num)d %(name)s', 2, name=name) }}",
            name=EVIL,
        )
    assert page.startswith("<b>&lt;script")
    assert EVIL not in page


def test_a_text_is_a_format_on_pages_and_plain_without_values_in_code(app: Flask) -> None:
    with app.test_request_context():
        assert render_template_string("{{ _('100%% sure') }}") == "100% sure"
    assert gettext("100% sure") == "100% sure"


def test_a_mail_keeps_its_characters(app: Flask) -> None:
    template = app.jinja_env.overlay(autoescape=False).from_string("{{ _('%(name)s', name=name) }}{{ _('A & B') }}")
    with app.test_request_context():
        assert template.render(name="Q & A, ") == "Q & A, A & B"
    with app.test_request_context():
        assert app.jinja_env.from_string("{{ _('A & B') }}").render() == Markup("A & B")


def test_a_text_of_a_loop_is_in_the_language_of_the_page(app: Flask) -> None:
    for code, word in (("ja", "保存"), ("en", "Save"), ("ja", "保存")):
        with app.test_request_context(f"/?lang={code}"):
            shown = render_template_string("{% for each in 'ab' %}{{ _('Save') }}{% endfor %}")
        assert shown == word * 2


def test_a_forced_language_ends_with_its_block_and_stays_in_its_thread(app: Flask) -> None:
    seen: list[str] = []

    def look() -> None:
        with app.test_request_context("/?lang=en"):
            seen.append(language())

    with app.test_request_context("/?lang=en"):
        with force_locale("ja"):
            assert (language(), gettext("Save")) == ("ja", "保存")
            with force_locale("en"):
                assert gettext("Save") == "Save"
            assert gettext("Save") == "保存"
            thread = Thread(target=look)
            thread.start()
            thread.join()
        assert language() == "en"
    assert seen == ["en"]


def test_numbers_and_senses_choose_the_text() -> None:
    with force_locale("en"):
        assert ngettext("%(num)d overdue", "%(num)d overdue", 3) == "3 overdue"
        assert pgettext("state", "Done") == "Done"
    with force_locale("ja"):
        assert "3" in ngettext("%(num)d overdue", "%(num)d overdue", 3)
        assert pgettext("state", "Overdue") != "Overdue"


@pytest.mark.parametrize(
    ("request_of", "language"),
    [
        ({"method": "POST"}, "ja"),
        ({"headers": {"Accept": "application/json"}}, "ja"),
        ({}, "en"),
        ({"method": "POST", "base_url": "http://elsewhere.example"}, "en"),
    ],
)
def test_what_a_page_posts_or_fetches_is_answered_in_the_language_of_its_address(
    app: Flask, request_of: dict[str, Any], language: str
) -> None:
    headers = {"Referer": "http://localhost/drafts?lang=ja", **request_of.get("headers", {})}
    with app.test_request_context("/x", **{**request_of, "headers": headers}):
        assert choose_language() == language


ROOT = Path(__file__).resolve().parents[2]
# Words that hold a rendering that the glossary forbids, and mean another thing than its term.
_ANOTHER_THING = {
    "テンプレート": "of certificates; the short form is forbidden for texts that reviewers send",
    "記載の削除依頼": "about a text on a card; forbidden is the word for a request of somebody outside",
}


@pytest.mark.any_database
def test_the_interface_says_nothing_that_the_shipped_glossary_forbids() -> None:
    terms = tomllib.loads((ROOT / "content/glossary.toml").read_text(encoding="utf-8"))["term"]
    forbidden = {word: term["ja"] for term in terms for word in term["forbidden"]["ja"]}
    anything = re.compile("|".join(re.escape(word) for word in sorted(forbidden, key=len, reverse=True)))
    found = []
    for path in sorted(ROOT.glob("portal/**/ja/LC_MESSAGES/messages.po")):
        with path.open("rb") as source:
            texts = [each.string for each in read_po(source, locale="ja") if each.id]
        for text in texts:
            said = " ".join(text) if isinstance(text, list | tuple) else text
            for thing in _ANOTHER_THING:
                said = said.replace(thing, "")
            found += [f"{path.relative_to(ROOT)}: {hit} ({forbidden[hit]})" for hit in anything.findall(said)]
    assert found == []
