"""Help speaks of the portal's pages by the names that they have, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, url_for

from portal import wiring
from portal.accounts.models import Role
from portal.core.i18n import force_locale
from portal.operations.views import HELP, HELP_PAGES
from tests.builders import Cast

CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
# Pages that help links to without being places of the rail; their names are free.
BESIDES = {"/cohorts/trends", "/credentials/coverage", "/wellbeing", "/verify", "/library/exposure-and-wellbeing"}


def test_there_is_a_page_for_every_role_in_both_languages() -> None:
    assert set(HELP_PAGES.values()) == set(Role)
    assert {path.name for path in HELP.iterdir()} == {f"{name}.{tag}.md" for name in HELP_PAGES for tag in ("en", "ja")}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_help_calls_every_page_by_the_name_that_the_rail_gives_it(app: Flask, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        places = {url_for(place.endpoint): str(place.label) for place in wiring.NAVIGATION}
    named = set()
    for path in sorted(HELP.glob(f"*.{language}.md")):
        for text, href in LINK.findall(CODE.sub("", path.read_text(encoding="utf-8"))):
            assert href in places or href in BESIDES, f"{path.name}: {href}"
            if href in places:
                assert text == places[href], f"{path.name}: {href} is called {places[href]}, not {text}"
                named.add(href)
    assert {"/today", "/people", "/jobs", "/journal", "/cohorts", "/sign-offs", "/banks", "/library"} <= named


def test_both_languages_of_a_page_have_the_same_parts() -> None:
    for name in HELP_PAGES:
        parts = [_parts(HELP / f"{name}.{tag}.md") for tag in ("en", "ja")]
        assert parts[0] == parts[1], name


def _parts(path: Path) -> tuple[int, list[str]]:
    text = path.read_text(encoding="utf-8")
    return text.count("\n## "), sorted(href for _text, href in LINK.findall(text))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_of_help_can_be_read_and_own_roles_come_first(as_: Any, cast: Cast, language: str) -> None:
    lead = as_(cast.lead)
    index = lead.get("operations.help_index", lang=language)
    order = [link.partition("?")[0] for link in index.links() if "/help/" in link]
    assert order[:2] == ["/help/learner", "/help/lead"]
    assert len(order) == len(HELP_PAGES)
    for name in HELP_PAGES:
        lead.get("operations.help_page", name=name, lang=language)


def test_the_own_account_and_the_wellbeing_page_light_no_place_of_the_rail(as_: Any, cast: Cast) -> None:
    admin = as_(cast.admin)
    for endpoint in ("accounts.own_account", "organisation.wellbeing"):
        assert not [each for each in admin.get(endpoint).all("a") if each.get("aria-current") == "page"], endpoint
    assert [each for each in admin.get("accounts.list_people").all("a") if each.get("aria-current") == "page"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_help_for_another_role_names_its_pages_and_links_only_those_that_the_reader_has(
    as_: Any, cast: Cast, language: str
) -> None:
    def offered(reader: Any) -> set[str]:
        page = reader.get("operations.help_page", name="mentor", lang=language)
        return {link.get("href") or "" for prose in page.all("div", class_="prose") for link in prose.iter("a")}

    assert "/sessions" in offered(as_(cast.lead))
    assert not {"/learners", "/sign-offs", "/sessions"} & offered(as_(cast.learner))
    named = {"en": "Sessions", "ja": "セッション"}[language]
    assert named in as_(cast.learner).get("operations.help_page", name="mentor", lang=language).text
