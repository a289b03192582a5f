"""Signing in tells nobody who has an account, slows guessing, and locks nobody out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from portal.accounts.models import Person, SignInBackoff, SignInSession
from portal.accounts.service import passwords, sessions, signing_in
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from tests.builders import MORNING, Cast, make_person, save
from tests.page_client import PageClient

PASSWORD = "a quiet river in autumn"
_HASH = passwords.hashed(PASSWORD)


def with_password(person: Person) -> Person:
    person.password_hash, person.password_changed_at = _HASH, MORNING
    save(person)
    return person


def try_sign_in(client: PageClient, name: str, password: str, expect: int = 401, **more: str) -> Any:
    return client.post("accounts.do_sign_in", {"name": name, "password": password, **more}, expect=expect)


@pytest.fixture
def learner(cast: Cast) -> Person:
    return with_password(cast.learner)


def test_the_right_password_opens_the_account_and_leads_to_where_she_was_going(
    client: PageClient, learner: Person
) -> None:
    page = client.get("accounts.own_account", expect=302)
    assert page.response.headers["Location"] == "/sign-in?next=/account"
    response = try_sign_in(client, "LEARNER＠portal.example ", PASSWORD, expect=303, next="/account")
    assert response.headers["Location"] == "/account"
    assert client.get("accounts.own_account").heading in ("アカウント",)


def test_every_failure_looks_the_same_and_costs_one_hash(
    app: Flask, client: PageClient, cast: Cast, learner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = with_password(cast.colleague)
    gone.deactivated_at, gone.deactivated_by = MORNING, "P"
    save(gone)
    verified: list[str] = []
    real = passwords._hasher

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            return real.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    bodies = set()
    for name in (learner.sign_in_name, "nobody@portal.example", gone.sign_in_name, cast.lead.sign_in_name):
        fresh = PageClient(app, language="en")
        before = len(verified)
        # A closed account does not open with its right password either; one only invited has none.
        page = try_sign_in(fresh, name, "wrong" if name == learner.sign_in_name else PASSWORD)
        assert len(verified) - before == 1
        text = page.body.replace(name, "NAME")
        for token in page.all("input", name="csrf_token"):
            text = text.replace(token.get("value", "-"), "TOKEN")
        bodies.add(text)
    assert len(bodies) == 1


def test_the_dummy_hash_costs_as_much_as_a_real_one() -> None:
    assert not passwords.needs_rehash(passwords.DUMMY_HASH)
    assert passwords.verify(None, PASSWORD) is False


def test_the_session_is_a_new_one_at_sign_in(client: PageClient, learner: Person) -> None:
    client.get("accounts.sign_in")
    planted = client.token()
    with client.client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
    with client.client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie.get("csrf_token") is None
    assert client.token() != planted
    first = _cookie(client)
    client.client.delete_cookie("session")
    try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
    assert _cookie(client) != first


def _cookie(client: PageClient) -> str:
    kept = client.client.get_cookie("session")
    assert kept is not None
    return kept.value


def _replay(app: Flask, cookie: str) -> int:
    other = app.test_client()
    other.set_cookie("session", cookie)
    with app.app_context():
        return other.get("/account", headers={"Accept": "text/html"}).status_code


def test_an_old_cookie_opens_nothing_after_sign_out(app: Flask, client: PageClient, learner: Person) -> None:
    try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
    cookie = _cookie(client)
    assert _replay(app, cookie) == 200
    response = client.post("accounts.sign_out")
    assert "storage" in response.headers["Clear-Site-Data"]
    assert _replay(app, cookie) == 302


def test_an_old_cookie_opens_nothing_after_deactivation_or_password_change(app: Flask, learner: Person) -> None:
    for change in ("deactivate", "password"):
        client = PageClient(app)
        try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
        cookie = _cookie(client)
        assert _replay(app, cookie) == 200
        if change == "password":
            client.post("accounts.change_password", {"present": PASSWORD, "password": "another quiet river"})
            # This browser goes on, in a new session.
            client.get("accounts.own_account")
        else:
            learner.deactivated_at, learner.deactivated_by = MORNING, "P"
            save(learner)
        assert _replay(app, cookie) == 302
        if change == "deactivate":
            learner.deactivated_at = None
            learner.deactivated_by = None
            save(learner)
            with own_transaction():
                sessions.end_all_sessions(person=learner)


def test_a_deactivated_person_cannot_sign_in(client: PageClient, learner: Person) -> None:
    learner.deactivated_at, learner.deactivated_by = MORNING, "P"
    save(learner)
    try_sign_in(client, learner.sign_in_name, PASSWORD)


def test_a_weaker_hash_is_renewed_at_sign_in(client: PageClient, learner: Person) -> None:
    from argon2 import PasswordHasher

    learner.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    save(learner)
    try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
    session.expire_all()
    assert learner.password_hash is not None
    assert not passwords.needs_rehash(learner.password_hash)


# --- Back-off ----------------------------------------------------------------------------------


def test_failures_make_the_next_try_wait_and_the_count_survives_the_refusal(
    app: Flask, client: PageClient, learner: Person
) -> None:
    with clock.frozen(MORNING):
        for _ in range(5):
            try_sign_in(client, learner.sign_in_name, "wrong")
        page = try_sign_in(client, learner.sign_in_name, PASSWORD, expect=429)
        assert page.response.headers["Retry-After"] == "1"
        rows = {row.key.split(":")[0]: row.failures for row in session.query(SignInBackoff)}
        assert rows == {"here": 5, "account": 5, "address": 5}
    with clock.frozen(MORNING + timedelta(seconds=1)):
        try_sign_in(client, learner.sign_in_name, "wrong")
        assert try_sign_in(client, learner.sign_in_name, "wrong", expect=429).response.headers["Retry-After"] == "2"
    with clock.frozen(MORNING + timedelta(seconds=3)):
        try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
    session.expire_all()
    # She is back to four free slips from here.
    rows = {row.key.split(":")[0]: row.failures for row in session.query(SignInBackoff)}
    assert rows == {"account": 6, "address": 6}


def test_unknown_accounts_wait_like_known_ones(app: Flask, learner: Person) -> None:
    waits = []
    for name in (learner.sign_in_name, "nobody@portal.example"):
        client = PageClient(app)
        client.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{len(waits) + 1}"
        with clock.frozen(MORNING):
            statuses = [
                client.client.post(
                    "/sign-in", data={"name": name, "password": "wrong", "csrf_token": client.token()}
                ).status_code
                for _ in range(7)
            ]
        waits.append(statuses)
    assert waits[0] == waits[1] == [401] * 5 + [429] * 2


def test_a_stranger_cannot_lock_the_owner_out(app: Flask, learner: Person) -> None:
    with clock.frozen(MORNING):
        for number in range(30):
            attacker = PageClient(app)
            attacker.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
            try_sign_in(attacker, learner.sign_in_name, "guess")
        # An address that has guessed waits half a minute now; the owner, elsewhere, has her try.
        attacker = PageClient(app)
        attacker.client.environ_base["REMOTE_ADDR"] = "198.51.100.29"
        assert try_sign_in(attacker, learner.sign_in_name, "x", expect=429).response.headers["Retry-After"] == "30"
        owner = PageClient(app)
        owner.client.environ_base["REMOTE_ADDR"] = "203.0.113.5"
        try_sign_in(owner, learner.sign_in_name, PASSWORD, expect=303)


def test_one_address_guessing_at_many_accounts_is_slowed_but_never_for_long(app: Flask, cast: Cast) -> None:
    with clock.frozen(MORNING):
        client = PageClient(app)
        statuses = [
            client.client.post(
                "/sign-in", data={"name": f"n{n}@portal.example", "password": "x", "csrf_token": client.token()}
            ).status_code
            for n in range(25)
        ]
    assert statuses == [401] * 21 + [429] * 4
    from portal.accounts import rules

    assert max(rules.delay_of_address(n) for n in range(500)) == 30
    assert max(rules.delay_of_account(n, 500) for n in range(500)) == 900


def test_failures_are_forgotten_after_an_hour(client: PageClient, learner: Person) -> None:
    with clock.frozen(MORNING):
        for _ in range(5):
            try_sign_in(client, learner.sign_in_name, "wrong")
    with clock.frozen(MORNING + timedelta(hours=1, seconds=1)):
        for _ in range(5):
            try_sign_in(client, learner.sign_in_name, "wrong")
        with own_transaction():
            assert signing_in.tidy_backoffs() == 0
    with clock.frozen(MORNING + timedelta(hours=3)), own_transaction():
        assert signing_in.tidy_backoffs() == 3


# --- Where it leads ----------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "http:/evil.example", "evil.example",
    "@evil.example", "/..//evil.example/%2f..", " //evil.example", "/\\/evil.example", "%2f%2fevil.example",
    "https:evil.example", "data:text/html,x", "/%5cevil.example\\", "\x00//evil.example", "..//evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_never_leads_elsewhere(app: Flask, learner: Person, target: str) -> None:
    from urllib.parse import urljoin, urlsplit

    client = PageClient(app)
    response = try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303, next=target)
    assert urlsplit(urljoin("http://localhost/sign-in", response.headers["Location"])).netloc == "localhost"
    again = client.fetch("accounts.sign_in", next=target)
    assert urlsplit(urljoin("http://localhost/sign-in", again.headers["Location"])).netloc == "localhost"


def test_next_survives_a_failed_try(client: PageClient, learner: Person) -> None:
    page = try_sign_in(client, learner.sign_in_name, "wrong", next="/account?x=1")
    assert page.one("input", name="next").get("value") == "/account?x=1"
    page = try_sign_in(client, learner.sign_in_name, "wrong", next="//evil.example")
    assert not page.all("input", name="next")


# --- Sessions ----------------------------------------------------------------------------------


def test_a_session_ends_after_an_hour_unused_and_after_twelve_hours_at_any_rate(app: Flask, cast: Cast) -> None:
    with clock.frozen(MORNING):
        client = PageClient(app, person=cast.learner)
    step, at = timedelta(minutes=59), MORNING
    for _ in range(12):
        at += step
        with clock.frozen(at):
            assert client.fetch("accounts.own_account").status_code == 200
    with clock.frozen(MORNING + timedelta(hours=12, seconds=1)):
        assert client.fetch("accounts.own_account").status_code == 302
    with clock.frozen(MORNING):
        idle = PageClient(app, person=cast.learner)
    with clock.frozen(MORNING + timedelta(minutes=61)):
        assert idle.fetch("accounts.own_account").status_code == 302


def test_she_sees_where_she_is_signed_in_and_ends_what_is_not_hers(app: Flask, as_: Any, cast: Cast) -> None:
    here, there, colleagues = as_(cast.learner), as_(cast.learner), as_(cast.colleague)
    page = here.get("accounts.own_account")
    handles = [each.get("value") for each in page.all("input", name="session")]
    assert len(handles) == 1
    # A stranger's handle ends nothing of mine.
    foreign = [each.handle for each in session.query(SignInSession).filter_by(person_id=cast.colleague.id)]
    here.post("accounts.end_session", {"session": foreign[0]})
    assert colleagues.fetch("accounts.own_account").status_code == 200
    here.post("accounts.end_session", {"session": handles[0]})
    assert there.fetch("accounts.own_account").status_code == 302
    assert here.fetch("accounts.own_account").status_code == 200
    third = as_(cast.learner)
    here.post("accounts.end_other_sessions")
    assert third.fetch("accounts.own_account").status_code == 302
    assert here.fetch("accounts.own_account").status_code == 200


def test_only_hashes_of_session_tokens_are_stored(client: PageClient, learner: Person) -> None:
    try_sign_in(client, learner.sign_in_name, PASSWORD, expect=303)
    with client.client.session_transaction() as cookie:
        token = cookie["_user_id"]
    stored = session.query(SignInSession).one()
    assert token not in (stored.token_hash, stored.handle)
    assert stored.token_hash == sessions.hash_of(token)


def test_a_post_without_its_token_is_refused(app: Flask, client: PageClient) -> None:
    for path in ("/sign-in", "/sign-out", "/forgotten", "/link/x"):
        assert client.client.post(path, data={"name": "x"}).status_code == 400, path
    # Where one has to be signed in, that is what is missing first.
    for path in ("/account/card", "/account/password", "/welcome"):
        assert client.client.post(path, data={"name": "x"}).status_code == 401, path


def test_the_change_of_a_password_asks_for_the_present_one(app: Flask, learner: Person) -> None:
    client = PageClient(app, person=learner)
    for password, problem in (("short", 400), ("password1234567", 400), (f"{learner.sign_in_name}", 400)):
        page = client.post("accounts.change_password", {"present": PASSWORD, "password": password}, expect=problem)
        assert page.all("div", class_="error-summary")
    client.post("accounts.change_password", {"present": "wrong", "password": "another quiet river"}, expect=400)
    session.expire_all()
    assert learner.password_hash == _HASH


def test_names_are_kept_as_typed(app: Flask) -> None:
    person = make_person(language="ja")
    client = PageClient(app, person=person)
    card = {
        "family_name": "葛󠄀城", "given_name": "", "family_kana": "かつらぎ", "given_kana": "ｼﾞｮｰ",
        "family_romaji": "KATSURAGI", "shown_as": "", "language": "ja", "time_zone": "Asia/Tokyo",
    }  # fmt: skip
    client.post("accounts.change_card", card)
    session.expire_all()
    assert (person.family_name, person.given_name, person.family_kana) == ("葛󠄀城", "", "かつらぎ")
    assert person.given_kana == "ｼﾞｮｰ"
    assert client.get("accounts.own_account").one("input", name="family_name").get("value") == "葛󠄀城"
    page = client.post("accounts.change_card", {**card, "time_zone": "Asia/Atlantis"}, expect=400)
    assert "「Asia/Atlantis」というタイムゾーンはありません" in page.text
    page = client.post("accounts.change_card", {**card, "family_name": "a\x00b"}, expect=400)
    assert "制御文字" in page.text
    # Nothing that was typed is lost.
    assert page.one("input", name="family_romaji").get("value") == "KATSURAGI"


def test_the_other_language_of_a_refused_form_is_a_page_that_can_be_read(app: Flask, cast: Cast) -> None:
    client = PageClient(app, person=cast.learner)
    for came_from, leads_to in (("http://localhost/account", "/account"), ("http://evil.example//x", "/"), ("", "/")):
        with app.app_context():
            page = client.client.post(
                "/account/card",
                data={"csrf_token": client.token()},
                headers={"Referer": came_from, "Accept": "text/html"},
            )
        assert page.status_code == 400
        assert f'href="{leads_to}?switch=en"' in page.get_data(as_text=True)
