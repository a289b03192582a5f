"""A browser for tests: names the endpoint and checks every page that any test fetches."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from typing import Any
from xml.etree import ElementTree

from flask import Flask, url_for
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from portal.accounts.models import Person
from portal.core.db import session
from portal.core.i18n import SWITCHED
from tests.markup import read

_LATIN_SENTENCE = re.compile(r"\b[A-Za-z][a-z]+(?: [a-z]+){2,}\b")
# What may stand in Latin letters on a Japanese page: names, codes, addresses, marked foreign text.
_CODE_LIKE = re.compile(r"^[\W\dA-Z_a-z@.\-:/#+%&;()]*$")


class Page:
    """A fetched page with what tests ask of it."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.body = response.get_data(as_text=True)
        # The errors say where it is not valid, and how.
        self.tree, self.errors = read(self.body)

    @property
    def text(self) -> str:
        """All text of the page's body, white space folded."""
        body = self.tree.find("body")
        return " ".join("".join(body.itertext()).split()) if body is not None else ""

    def all(self, tag: str, **attributes: str) -> list[ElementTree.Element]:
        """Return the elements of the tag whose attributes have these values (class_ for class: contains)."""
        found = []
        for element in self.tree.iter(tag):
            if all(
                value in element.get("class", "").split() if name == "class_" else element.get(name) == value
                for name, value in attributes.items()
            ):
                found.append(element)
        return found

    def one(self, tag: str, **attributes: str) -> ElementTree.Element:
        """Return the only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements {tag} {attributes}"
        return found[0]

    @property
    def heading(self) -> str:
        """The text of the page's only h1."""
        return " ".join("".join(self.one("h1").itertext()).split())

    def links(self) -> list[str]:
        """Return every address that the page links to."""
        return [element.get("href", "") for element in self.tree.iter("a")]


class PageClient:
    """Fetches pages by endpoint; follows redirects only when asked."""

    def __init__(self, app: Flask, person: Person | None = None, language: str | None = None) -> None:
        self.app = app
        self.client = app.test_client()
        self.language = language
        if person is not None:
            self.renew(person)

    def renew(self, person: Person) -> None:
        """Sign in as the person, whatever became of the session before."""
        from portal.accounts.service import sessions
        from portal.core.transaction import own_transaction

        with own_transaction():
            token = sessions.begin_session(person=person, browser="tests", address="127.0.0.1")
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
            if self.language is not None:
                cookie[SWITCHED] = self.language

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of an endpoint."""
        if endpoint.startswith("/"):
            return endpoint
        with self.app.test_request_context():
            return url_for(endpoint, **values)

    def fetch(self, endpoint: str, *, accept: str = "text/html", **values: Any) -> TestResponse:
        """Return the response as it is, unchecked; for files and JSON."""
        return self.send("GET", self.url(endpoint, **self._with_language(values)), headers={"Accept": accept})

    def get(self, endpoint: str, *, expect: int = 200, **values: Any) -> Page:
        """Fetch a page, check its status and that it keeps what every page promises."""
        response = self.fetch(endpoint, **values)
        assert response.status_code == expect, self._told(response, expect)
        page = Page(response)
        check_page(page)
        return page

    def post(
        self,
        endpoint: str,
        data: dict[str, Any] | None = None,
        *,
        expect: int = 303,
        page: str | None = None,
        **values: Any,
    ) -> TestResponse | Page:
        """Send a form with its token; `expect` 303 gives the response, anything else the checked page.

        The token is fetched from `page` (an address), by default from the address itself where it can be read.
        """
        form = dict(data or {})
        form.setdefault("csrf_token", self.token())
        form.setdefault("form_key", secrets.token_hex(8))
        response = self.send(
            "POST", self.url(endpoint, **self._with_language(values)), data=form, headers={"Accept": "text/html"}
        )
        assert response.status_code == expect, self._told(response, expect)
        if 300 <= expect < 400:
            return response
        shown = Page(response)
        check_page(shown)
        return shown

    def post_json(self, endpoint: str, body: dict[str, Any], **values: Any) -> TestResponse:
        """Send JSON as our modules do, with the token in its header."""
        return self.send(
            "POST",
            self.url(endpoint, **values),
            json=body,
            headers={"X-CSRFToken": self.token(), "Accept": "application/json"},
        )

    def send(self, method: str, address: str, **options: Any) -> TestResponse:
        """Send a request as a server would see it: in an application context of its own.

        Within the test's context it would share `g` (so the person signed in) and the database session with
        every other request. What the test has loaded is read again afterwards.
        """
        with self.app.app_context():
            response = self.client.open(address, method=method, **options)
        session.rollback()
        return response

    def follow(self, response: TestResponse | Page) -> Page:
        """Fetch where a redirect leads."""
        assert isinstance(response, TestResponse)
        return self.get(response.headers["Location"])

    def token(self) -> str:
        """Return a CSRF token that belongs to this browser's session, signed as Flask-WTF signs it."""
        with self.client.session_transaction() as cookie:
            raw = cookie.setdefault("csrf_token", secrets.token_hex(20))
        return str(URLSafeTimedSerializer(self.app.secret_key or "", salt="wtf-csrf-token").dumps(raw))

    def _with_language(self, values: dict[str, Any]) -> dict[str, Any]:
        return values if self.language is None else {"lang": self.language, **values}

    @staticmethod
    def _told(response: TestResponse, expect: int) -> str:
        text = re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))
        return f"{response.request.path}: {response.status_code} instead of {expect}: {' '.join(text.split())[:600]}"


def check_page(page: Page) -> None:
    """Assert what every page promises."""
    where = page.response.request.path
    assert page.response.mimetype == "text/html", where
    headers = page.response.headers
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not page.errors, f"{where}: not valid HTML: {page.errors[:5]}"
    html = page.tree
    language = html.get("lang")
    assert language in ("en", "ja"), f"{where}: lang is {language}"
    title = (html.findtext("head/title") or "").strip()
    assert title.startswith(page.heading), f"{where}: title {title!r} does not start with {page.heading!r}"
    ids = Counter(element.get("id") for element in html.iter() if element.get("id"))
    twice = {each for each, times in ids.items() if times > 1}
    assert not twice, f"{where}: ids used twice: {twice}"
    for element in html.iter():
        assert element.get("style") is None, f"{where}: inline style on {element.tag}"
        on = [name for name in element.keys() if name.startswith("on")]  # noqa: SIM118
        assert not on, f"{where}: inline handlers {on} on {element.tag}"
    for script in html.iter("script"):
        assert script.get("src") or script.get("type") == "application/json", f"{where}: inline script"
    assert not list(html.iter("style")), f"{where}: inline style element"
    for form in html.iter("form"):
        if form.get("method", "get").lower() == "post":
            tokens = [field for field in form.iter("input") if field.get("name") == "csrf_token"]
            assert tokens, f"{where}: a form without its token: {form.get('action')}"
    _check_labels(page, where)
    if language == "ja":
        _check_translated(page, where)


def _check_labels(page: Page, where: str) -> None:
    labelled = {label.get("for") for label in page.tree.iter("label")}
    wrapped = {id(field) for label in page.tree.iter("label") for field in label.iter()}
    for tag in ("input", "select", "textarea"):
        for field in page.tree.iter(tag):
            if field.get("type") in ("hidden", "submit", "button"):
                continue
            named = (
                field.get("id") in labelled
                or id(field) in wrapped
                or field.get("aria-label")
                or field.get("aria-labelledby")
            )
            assert named, f"{where}: a field without a label: {field.get('name')}"
    for button in page.tree.iter("button"):
        name = "".join(button.itertext()).strip() or button.get("aria-label")
        assert name, f"{where}: a button without a name"


def _check_translated(page: Page, where: str) -> None:
    """Find runs of English words outside of elements that are marked as English or not to translate."""

    def walk(element: ElementTree.Element) -> list[str]:
        if element.tag in ("script", "code", "pre", "kbd", "samp"):
            return []
        if element.get("lang", "ja") != "ja" or element.get("translate") == "no":
            return []
        texts = [element.text or ""]
        for name in ("alt", "title", "aria-label", "placeholder"):
            texts.append(element.get(name) or "")
        for child in element:
            texts += walk(child)
            texts.append(child.tail or "")
        return texts

    body = page.tree.find("body")
    assert body is not None
    for piece in walk(body):
        english = _LATIN_SENTENCE.search(piece)
        assert english is None, f"{where}: English on a Japanese page: {english.group() if english else ''!r}"
