"""The rail: places in groups, the reader's own always in sight, and each told apart from the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, url_for
from playwright.sync_api import BrowserContext, Page

from portal import wiring
from portal.accounts.models import Person, Role
from portal.core.i18n import force_locale
from portal.ui import assets
from tests.accessibility import faults_of
from tests.builders import Cast, make_grant
from tests.page_client import Page as Read

pytestmark = pytest.mark.any_database
# What most people with a laptop see of a page at once, and the narrowest telephone.
LAPTOP = {"width": 1280, "height": 640}
TELEPHONE = {"width": 360, "height": 740}


@pytest.fixture
def everywhere(cast: Cast) -> Person:
    """Somebody who finds every place but those that another one leads to."""
    for role in set(Role) - {Role.ADMIN}:
        make_grant(cast.admin, role)
    return cast.admin


def _groups(page: Read) -> dict[str, bool]:
    rail = page.one("div", class_="rail")
    return {each.get("data-group", ""): each.get("open") is not None for each in rail.iter("details")}


def _current(page: Read) -> list[str]:
    rail = page.one("div", class_="rail")
    return [each.get("href", "") for each in rail.iter("a") if each.get("aria-current") == "page"]


def test_every_place_has_a_drawing_of_its_own(app: Flask) -> None:
    sprite = (assets.STATIC / "images" / "icons.svg").read_text(encoding="utf-8")
    drawn = dict(re.findall(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', sprite))
    icons = [place.icon for place in wiring.NAVIGATION]
    assert len(icons) > 30
    assert set(icons) <= drawn.keys()
    assert len({drawn[icon] for icon in icons}) == len(icons), "two places look the same"


@pytest.mark.parametrize(("language", "longest"), [("en", 24), ("ja", 12)])
def test_the_names_of_places_and_groups_are_short_and_no_two_are_the_same(
    app: Flask, language: str, longest: int
) -> None:
    with force_locale(language):
        names = [str(place.label) for place in wiring.NAVIGATION]
        groups = [str(label) for label in wiring.GROUPS.values() if label]
    assert not [name for name in names + groups if len(name) > longest]
    assert len(set(names)) == len(names)
    assert len(set(groups)) == len(groups)


def test_who_has_few_places_sees_all_of_them_open(as_: Any, cast: Cast) -> None:
    assert _groups(as_(cast.learner).get("training.today")) == {"learn": True}


def test_of_many_places_only_the_group_stands_open_that_the_reader_is_in(
    as_: Any, app: Flask, everywhere: Person
) -> None:
    reader = as_(everywhere)
    for place in wiring.NAVIGATION:
        if place.unless:
            continue
        page = reader.get(place.endpoint)
        assert _current(page) == [reader.url(place.endpoint)]
        inside = place.group if wiring.GROUPS[place.group] else "learn"
        assert {group for group, is_open in _groups(page).items() if is_open} == {inside}, place.endpoint


def test_a_page_of_no_place_lights_none_and_opens_what_everybody_has(as_: Any, everywhere: Person) -> None:
    page = as_(everywhere).get("accounts.own_account")
    assert _current(page) == []
    assert _groups(page)["learn"]


def test_a_folded_group_says_how_much_waits_in_it(
    as_: Any, everywhere: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [
        wiring.Place(place.endpoint, place.label, place.icon, place.group, place.permission, count=lambda: 4)
        if place.group == "author"
        else place
        for place in wiring.NAVIGATION
    ]
    monkeypatch.setattr(wiring, "NAVIGATION", places)
    rail = as_(everywhere, language="en").get("organisation.settings").one("div", class_="rail")
    (authoring,) = [each for each in rail.iter("details") if each.get("data-group") == "author"]
    said = "".join(authoring.find("summary").itertext())  # type: ignore[union-attr]
    here = len([place for place in places if place.group == "author"])
    assert "".join(said.split()) == f"AuthoringWaiting:{4 * here}"


def _seen(page: Page, box: str) -> bool:
    here = page.locator(f"{box} [aria-current=page]").bounding_box()
    size = page.viewport_size
    return bool(here and size and here["y"] >= 0 and here["y"] + here["height"] <= size["height"])


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_place_of_the_reader_is_in_sight_on_a_laptop_without_scripts(
    app: Flask, everywhere: Person, open_as: Callable[..., BrowserContext], language: str
) -> None:
    page = open_as(everywhere, viewport=LAPTOP, java_script_enabled=False).new_page()
    # The last of each group is the one that is farthest down.
    farthest = {place.group: place.endpoint for place in wiring.NAVIGATION if not place.unless}
    for endpoint in farthest.values():
        with app.test_request_context():
            page.goto(url_for(endpoint, lang=language))
        assert _seen(page, ".rail"), endpoint
        rail = page.locator(".rail__inner")
        assert rail.evaluate("(e) => e.scrollHeight <= e.clientHeight"), f"{endpoint}: the rail is cut off"


@pytest.mark.browser
def test_groups_stay_as_the_reader_leaves_them_and_the_rail_follows(
    everywhere: Person, open_as: Callable[..., BrowserContext]
) -> None:
    page = open_as(everywhere, viewport=LAPTOP).new_page()
    page.goto("/settings?lang=en")
    rail = page.locator(".rail")
    for name in ("Authoring", "Supporting learners", "Campaigns and records"):
        # The keyboard opens it as the mouse does.
        rail.locator("summary", has_text=name).press("Enter")
    page.goto("/journal?lang=en")
    assert rail.get_by_role("link", name="Drafts").is_visible()
    assert rail.locator(".rail__inner").evaluate("(e) => e.scrollHeight > e.clientHeight"), "nothing has to be scrolled"
    assert _seen(page, ".rail")
    rail.locator("summary", has_text="Authoring").click()
    page.goto("/journal?lang=en")
    assert not rail.get_by_role("link", name="Drafts").is_visible()
    assert rail.get_by_role("link", name="Cohorts").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sheet_of_a_telephone_shows_the_place_too(
    everywhere: Person, open_as: Callable[..., BrowserContext], language: str, scheme: str
) -> None:
    page = open_as(everywhere, viewport=TELEPHONE, color_scheme=scheme).new_page()
    page.goto(f"/handovers?lang={language}")
    page.locator(".sheet > summary").click()
    assert _seen(page, ".sheet")
    assert page.locator(".sheet__panel").evaluate("(e) => e.scrollHeight <= e.clientHeight"), "the sheet is cut off"
    assert faults_of(page) == []
