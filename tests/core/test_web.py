"""What every response carries, behind a proxy and in front of none, and what no request can talk us into."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal import create_app
from portal.accounts.errors import SignInTooOften
from portal.accounts.models import Person
from portal.core.db import db, is_own_file_in_place, session
from portal.core.errors import TooMany
from portal.core.i18n import force_locale, other
from tests.builders import Cast
from tests.conftest import DATABASE, settings
from tests.page_client import PageClient

HSTS = "max-age=31536000; includeSubDomains"


def an_app(folder: Path, **more: Any) -> Flask:
    return create_app(settings(folder, f"sqlite:///{folder / 'web.sqlite3'}", **more))


@pytest.mark.parametrize(
    ("options", "headers", "promised"),
    [
        ({"SHIRUBE_TRUSTED_PROXIES": "1"}, {"X-Forwarded-Proto": "https"}, True),
        ({"SHIRUBE_TRUSTED_PROXIES": "1"}, {}, False),
        # Nobody is believed where no proxy is announced.
        ({}, {"X-Forwarded-Proto": "https"}, False),
        # In production the public address tells, whatever the proxy sends.
        ({"SHIRUBE_ENV": "production"}, {}, True),
    ],
)
def test_browsers_are_told_to_stay_with_https(
    tmp_path: Path, options: dict[str, str], headers: dict[str, str], promised: bool
) -> None:
    answer = an_app(tmp_path, **options).test_client().get("/healthz", headers=headers)
    assert answer.headers.get("Strict-Transport-Security") == (HSTS if promised else None)


@pytest.mark.parametrize("address", ["/static//x", "//static//x", "/library//impersonation", "/static/..//x"])
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "evil.example", "X-Forwarded-Host": "worse.example"}]
)
def test_no_redirect_repeats_the_host_of_the_request(app: Flask, address: str, headers: dict[str, str]) -> None:
    answer = app.test_client().get(address, headers=headers)
    location = answer.headers.get("Location", "/")
    assert location.startswith("/")
    assert not location.startswith("//")
    assert "example" not in location


def test_the_page_of_a_missing_token_has_the_number_of_its_request(app: Flask) -> None:
    answer = app.test_client().post("/sign-in", data={"name": "x", "password": "y"})
    assert answer.status_code == 400
    number = answer.headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{16}", number)
    assert number in answer.get_data(as_text=True)


ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
]


def test_nothing_is_changed_by_a_page_of_another_site_whatever_the_route(app: Flask) -> None:
    browser = app.test_client()
    unsafe = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    ]
    assert len(unsafe) > 100
    open_to_others = []
    for rule, method in unsafe:
        path = rule.build(dict.fromkeys(rule.arguments, "1"), append_unknown=False)
        assert path is not None, rule
        for headers in ELSEWHERE:
            answer = browser.open(path[1], method=method, headers=headers)
            if answer.status_code != 403 or "another site" not in answer.get_data(as_text=True):
                open_to_others.append((rule.endpoint, headers, answer.status_code))
    assert open_to_others == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}],
)
def test_what_a_page_of_ours_sends_is_left_to_the_token(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().post("/sign-in", data={}, headers=headers).status_code == 400


def test_who_was_signed_out_meanwhile_is_led_to_sign_in_and_back(app: Flask) -> None:
    headers = {"Referer": "http://localhost/attempts/ABC?question=2"}
    answer = app.test_client().post("/attempts/ABC", data={"action": "save"}, headers=headers)
    assert answer.status_code == 401
    assert 'href="/sign-in?next=/attempts/ABC?question%3D2"' in answer.get_data(as_text=True)
    answer = app.test_client().post("/attempts/ABC", data={}, headers={"Referer": "http://evil.example/attempts/ABC"})
    assert 'href="/sign-in"' in answer.get_data(as_text=True)
    answer = app.test_client().post("/attempts/ABC/responses", json={}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.is_json) == (401, True)


@pytest.mark.parametrize("refusal", [TooMany, SignInTooOften])
def test_one_second_is_one_second(app: Flask, refusal: type[TooMany]) -> None:
    with app.test_request_context(), force_locale("en"):
        assert "1 second" in str(refusal(seconds=1))
        assert "1 seconds" not in str(refusal(seconds=1))
        assert "2 seconds" in str(refusal(seconds=2))
    with app.test_request_context(), force_locale("ja"):
        assert "1秒" in str(refusal(seconds=1))


@pytest.mark.skipif(DATABASE != "sqlite", reason="PostgreSQL keeps its own files")
def test_a_database_file_that_was_deleted_or_replaced_is_not_ready(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    client, file = app.test_client(), tmp_path / "web.sqlite3"
    assert client.get("/readyz").get_json()["checks"]["database"]
    file.rename(tmp_path / "elsewhere.sqlite3")
    assert not client.get("/readyz").get_json()["checks"]["database"]
    file.write_bytes((tmp_path / "elsewhere.sqlite3").read_bytes())
    assert not client.get("/readyz").get_json()["checks"]["database"]
    with app.app_context():
        session.remove()
        db.engine.dispose()
        assert is_own_file_in_place(session.connection())
        session.remove()
        db.engine.dispose()


def test_a_team_of_blanks_is_no_team(cast: Cast, as_: Any) -> None:
    form = {
        "sign_in_name": cast.learner.sign_in_name, "family_name": "髙橋", "language": "ja", "time_zone": "Asia/Tokyo",
        "market": "JP", "team": "   ",
    }  # fmt: skip
    as_(cast.admin).post("accounts.change_person", form, code=cast.learner.code)
    session.refresh(cast.learner)
    assert cast.learner.team is None


class Unread(io.RawIOBase):
    """A body that nobody may read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("address", ["/sign-in", "/healthz", "/nowhere"])
def test_what_says_that_it_is_too_large_is_refused_unread(app: Flask, address: str) -> None:
    answer = app.test_client().post(
        address,
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": "50000000"},
    )
    assert answer.status_code == 413


def too_large(app: Flask, person: Person | None, **headers: str) -> TestResponse:
    return PageClient(app, person=person, language="en").client.post(
        "/library",
        content_type="application/x-www-form-urlencoded",
        headers=headers,
        environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": "50000000"},
    )


def test_a_stranger_who_sent_too_much_sees_no_places(app: Flask) -> None:
    assert 'href="/today"' not in too_large(app, None).get_data(as_text=True)


def test_who_sent_too_much_reads_the_limit_and_is_led_back(app: Flask, cast: Cast) -> None:
    page = too_large(app, cast.learner, Referer="http://localhost/library?q=a").get_data(as_text=True)
    assert "here it is 5 MB" in page
    assert 'href="/library?q=a"' in page
    assert cast.learner.name_in("en") in page
    assert 'href="/today"' in page
    elsewhere = too_large(app, cast.learner, Referer="https://example.com/library").get_data(as_text=True)
    assert "example.com" not in elsewhere
    assert "Back to the page before" not in elsewhere
    told = too_large(app, cast.learner, Accept="application/json")
    assert told.status_code == 413
    assert told.get_json()["message"] == "What was sent is larger than the limit. Make it smaller or split it."


def test_a_language_in_an_address_holds_for_that_page_and_a_switch_for_all(app: Flask, cast: Cast) -> None:
    client = PageClient(app, person=cast.learner)
    own, second = cast.learner.language, other(cast.learner.language)
    assert client.get("library.index").tree.get("lang") == own
    assert client.get("library.index", lang=second).tree.get("lang") == second
    assert client.get("library.index").tree.get("lang") == own, "the permalink of a colleague switches nothing"
    switch = next(each for each in client.get("library.in_force", q="x y").links() if "switch=" in each)
    answer = client.send("GET", switch)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/in-force?q=x+y"), "it is not passed on either"
    assert client.get("library.index").tree.get("lang") == second
    assert client.get("library.index", lang=own).tree.get("lang") == own


@pytest.mark.parametrize("asked", ["fr", "EN", "日本語", "\u202efr", "x" * 500])
def test_a_language_that_there_is_not_is_said_in_words(app: Flask, cast: Cast, asked: str) -> None:
    client = PageClient(app, person=cast.colleague)
    page = client.get("library.index", lang=asked, expect=400)
    assert "Pages are in English (en) and in Japanese (ja)." in page.text
    assert "\u202e" not in page.text
    assert PageClient(app).get("accounts.sign_in", lang=asked, expect=400)
