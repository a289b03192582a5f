"""A new hire's first day: from the link of her invitation to the first thing done, also on a telephone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import expect

from portal import create_app
from portal.accounts import queries as accounts
from portal.accounts.service import people
from portal.accounts.service.people import Names
from portal.core import clock
from portal.core.db import db, session
from portal.core.transaction import own_transaction
from portal.operations import demo
from portal.organisation import queries as organisation
from portal.training.queries import catalogue
from portal.training.service.enrollments import enroll
from tests.accessibility import faults_of
from tests.e2e.conftest import Portal, Visitor
from tests.e2e.test_journey import say

pytestmark = pytest.mark.browser


@pytest.fixture
def database(portal: Portal) -> Iterator[Flask]:
    """The running product's own data, to invite somebody."""
    app = create_app(
        {
            "SHIRUBE_DATA_DIR": portal.data_dir,
            "SHIRUBE_DATABASE_URL": portal.environment["SHIRUBE_DATABASE_URL"],
            "SHIRUBE_PUBLIC_URL": portal.address,
            "TESTING": True,
            "JOBS_HAND_OVER": False,
        }
    )
    yield app
    with app.app_context():
        db.engine.dispose()


def _invited(app: Flask, name: str, language: str) -> None:
    """Invite somebody who begins today."""
    with app.app_context():
        with own_transaction():
            _invite_and_enroll(name, language)
        session.remove()


def _invite_and_enroll(name: str, language: str) -> None:
    market, team = organisation.get_market("JP"), organisation.get_team(demo.TEAM)
    admin = accounts.find_person_by_sign_in_name(f"grace.muller@{demo.DOMAIN}")
    assert admin is not None
    person = people.invite(
        sign_in_name=name, names=Names("𠮷田", "葵", "", "ヨシダ", "アオイ", "Yoshida", "Aoi"), language=language,
        time_zone=demo.ZONE, market=market, team=team, by=admin, send=False,
    )  # fmt: skip
    version = catalogue.get_latest_version("account-safety-start")
    enroll(person=person, version=version, starts_on=clock.today(demo.ZONE), by=admin)


@pytest.mark.parametrize(
    ("language", "width", "javascript"),
    [
        pytest.param("ja", 360, True, id="japanese-telephone"),
        pytest.param("en", 1280, True, id="english", marks=pytest.mark.any_database),
        pytest.param("en", 360, False, id="no-javascript", marks=pytest.mark.any_database),
    ],
)
def test_from_the_invitation_to_the_first_thing_done(
    visit: Callable[..., Visitor], portal: Portal, database: Flask, language: str, width: int, javascript: bool
) -> None:
    name = f"first-day-{language}-{width}@hibiki.example"
    _invited(database, name, language)
    link = next(word for word in portal.command("people", "link", name).stdout.split() if "://" in word)
    visitor = visit(language, javascript=javascript, width=width)
    page = visitor.page
    visitor.open(urlsplit(link).path)
    page.locator("input[name=password]").fill("lantern quiet meadow 4417")
    page.get_by_role("button", name=say(language, "Open the account")).click()
    page.get_by_role("button", name=say(language, "Save and continue")).click()
    page.wait_for_url("**/today*")

    expect(page.get_by_role("heading", level=1)).to_have_text(say(language, "Today"))
    main = page.get_by_role("main")
    expect(main).to_contain_text({"en": "Welcome. Begin with the first step", "ja": "ようこそ"}[language])
    first = main.get_by_role("link", name=say(language, "Read and confirm")).first
    # On any screen what is to be done now is seen without scrolling.
    expect(first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    if javascript:
        assert faults_of(page) == []
    first.click()
    page.locator("#confirmation").get_by_role("checkbox").check()
    page.get_by_role("button", name=say(language, "Confirm version %(number)s", number="1.0")).click()
    expect(page.locator("#confirmation")).to_contain_text({"en": "Confirmed", "ja": "確認"}[language])

    visitor.open("/today")
    # It is done, the next one has its turn, and the welcome is over.
    expect(main).not_to_contain_text({"en": "Welcome.", "ja": "ようこそ"}[language])
    expect(page.locator(".post[aria-current=step]")).to_have_count(1)
    visitor.assert_quiet()
