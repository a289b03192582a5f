"""Nobody sees what is not hers: every route of the product, asked by each kind of person for what is a learner's.

Z11: canaries stand in every secret, and everything that is answered is searched for them. Z12: what one learner may
read and write is asked for by others, who get the answer that they would get if it did not exist.
"""

from __future__ import annotations

import itertools
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import quote

import pypdfium2
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.accounts.models import OneTimeLink, Person, SignInSession
from portal.core import access, clock, web
from portal.core.db import Base, session
from portal.core.transaction import own_transaction
from portal.quizzes import queries as quizzes
from portal.quizzes.permissions import TAKE_ATTEMPT
from portal.quizzes.service.marking import release_by_hand
from portal.training.models import CalendarFeed
from tests.architecture.secrets_world import AWAY, NOW, SOUGHT, World, canary
from tests.architecture.who_may_see import BY_SECRET_ADDRESS, MEMBERS, WHO_MAY_SEE
from tests.conftest import empty
from tests.page_client import PageClient

# Who may see what is decided above the database; what a query finds is tried on both beside each query.
pytestmark = pytest.mark.any_database

# Those who have nothing to do with the learner, or no more than anybody in her group.
OTHERS = ("colleague", "outsider", "foreign_lead", "mentor", "stranger")
# A route that is not asked, with the reason.
NOT_ASKED = {
    "GET operations.readyz": "asks the machine itself, whose answer is no page, and fails where no worker runs",
}
_AWAY = (
    rf"{AWAY[0]:%Y-%m-%d}|{AWAY[0].day} {AWAY[0]:%b}|{AWAY[0]:%b}[a-z]* {AWAY[0].day}"
    rf"|{AWAY[0].month}月{AWAY[0].day}日|{AWAY[0].year}/0?{AWAY[0].month}/{AWAY[0].day}"
)


class Asked(NamedTuple):
    """A route as it is asked: its endpoint, its address, and the values in it."""

    endpoint: str
    method: str
    address: str
    values: dict[str, str]


@pytest.fixture(scope="module")
def world(application: Flask) -> Iterator[World]:
    """What belongs to whom; whatever changes it is asked last."""
    with application.app_context():
        empty()
        session.remove()
        yield World()
        session.rollback()
        session.remove()


@pytest.fixture
def plain_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a refusal be the words that its page is given: two of three are refused, and drawing them takes longest."""
    monkeypatch.setattr(web, "render_template", lambda name, **given: f"{name} {given}")


def _routes(app: Flask, world: World, method: str) -> list[Asked]:
    """Return every route with each of the things that it can be asked for; one that nobody knows how to ask fails."""
    values, asked = world.values(), []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method not in (rule.methods or ()) or f"{method} {rule.endpoint}" in NOT_ASKED:
                continue
            known = values[""] | values.get(rule.endpoint.partition(".")[0], {}) | values.get(rule.endpoint, {})
            names = sorted(rule.arguments)
            missing = [name for name in names if name not in known]
            assert not missing, f"{rule.endpoint}: say in World.values what {missing} may be"
            for each in itertools.product(*(known[name] for name in names)):
                chosen = dict(zip(names, each, strict=True))
                asked.append(Asked(rule.endpoint, method, _built(rule, chosen), chosen))
    return asked


def _built(rule: Any, values: dict[str, Any]) -> str:
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule
    return str(built[1])


def _searches(world: World) -> list[Asked]:
    """Return what finds things by words, asked for the word beside every canary and for the learner's names."""
    learner = world.people["learner"]
    words = [SOUGHT, learner.family_name, "learner"]
    places = {
        "library.search": "/search?q=", "library.complete_clause": "/search/clauses.json?q=",
        "library.index": "/library?q=", "accounts.list_people": "/people?q=", "journal.list_entries": "/journal?q=",
        "quizzes.bank": "/banks/running?q=", "acknowledgements.campaign": f"/campaigns/{world.codes['campaign']}?q=",
        "gradebook.table": "/gradebook?q=", "reports.cohort": "/cohorts/jp-2026-04?q=",
    }  # fmt: skip
    return [Asked(at, "GET", address + quote(word), {}) for at, address in places.items() for word in words]


def _text(content: bytes) -> str:
    """Return what can be read in a page, a PDF, a workbook or an archive."""
    if content.startswith(b"%PDF"):
        return " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return " ".join(_text(archive.read(name)) for name in archive.namelist())
    return content.decode("utf-8", "replace")


def _everything(response: TestResponse) -> str:
    return f"{_text(response.get_data())}\n{json.dumps(dict(response.headers))}"


def _patterns(world: World) -> dict[str, re.Pattern[str]]:
    """Return how each secret that is no word of its own looks."""
    codes = world.codes
    hashes = [
        *session.scalars(select(SignInSession.token_hash)),
        *session.scalars(select(OneTimeLink.token_hash)),
        *session.scalars(select(CalendarFeed.token_hash)),
    ]
    return {
        name: re.compile(pattern, re.IGNORECASE)
        for name, pattern in {
            "key_number": r"\b8675309\b",
            "score_unreleased": r"(?<!\d)\d+\.37(?!\d)",
            "leave": _AWAY,
            "address_of_mail": r"\blearner@portal\.example",
            "code_of_attempt": "|".join(codes[each] for each in ("running", "waiting", "scored")),
            "code_of_certificate": world.values()["certificates"]["code"][0],
            "code_of_practice": codes["practised"],
            "token": "|".join(
                [r"\$argon2", re.escape(codes["token"]), re.escape(codes["address"]), *map(re.escape, hashes)]
            ),
        }.items()
    }


def _client(app: Flask, world: World, name: str) -> PageClient:
    return PageClient(app, person=world.people.get(name))


def _seen(app: Flask, world: World, name: str, asked: Iterable[Asked]) -> dict[str, set[str]]:
    """Return secret → the endpoints at which the person finds it."""
    client, patterns, found = _client(app, world, name), _patterns(world), defaultdict(set)
    for each in asked:
        response = client.send("GET", each.address)
        assert response.status_code < 500, f"{each.address}: {response.status_code}"
        text = _everything(response)
        for word in set(re.findall(r"canary[a-z]+zz", text.lower())):
            found[word].add(each.endpoint)
        # What she has typed herself is said back to her.
        for value in (each.address, quote(each.address, safe=""), *each.values.values()):
            text = text.replace(value, "")
        for secret, pattern in patterns.items():
            if pattern.search(text):
                found[secret].add(each.endpoint)
    return found


@pytest.mark.usefixtures("plain_refusals")
def test_everybody_finds_exactly_the_secrets_that_are_hers_to_see(
    application: Flask, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Z11: pages, files, JSON, redirects, headers and the log, before a release and after it."""
    asked = [*_routes(application, world, "GET"), *_searches(world)]
    names = {canary(name): name for name in WHO_MAY_SEE}
    seen: dict[str, dict[str, set[str]]] = defaultdict(dict)
    with clock.frozen(NOW):
        for member in MEMBERS:
            for secret, where in _seen(application, world, member, asked).items():
                seen[names.get(secret, secret)][member] = where
    assert seen.keys() - WHO_MAY_SEE.keys() == set(), "secrets without a row"
    leaks = {
        f"{secret} to {member}": sorted(where)
        for secret, members in seen.items()
        for member, where in members.items()
        if member not in WHO_MAY_SEE[secret] and where - BY_SECRET_ADDRESS.get(secret, set())
    }
    assert leaks == {}
    # A secret that nobody finds any more is none that was looked for.
    assert {secret: who - seen[secret].keys() for secret, who in WHO_MAY_SEE.items() if who - seen[secret].keys()} == {}
    assert "canary" not in caplog.text


# Headers that are new in each answer, or follow from its body.
_OF_ANSWERS = {"Content-Length", "Date", "Location", "Set-Cookie", "X-Request-Id"}


def _plain(response: TestResponse, *values: str) -> tuple[int, str, list[tuple[str, str]], str]:
    """Return status, place, headers and body of an answer without what is new in each, and without what was asked."""
    text, place = _text(response.get_data()), response.headers.get("Location", "")
    headers = sorted((name, value) for name, value in response.headers if name not in _OF_ANSWERS)
    said = {each for value in values for each in (value, quote(value, safe=""))}
    for value in sorted(said, key=len, reverse=True):
        text, place = text.replace(value, "…"), place.replace(value, "…")
    text = re.sub(
        r'(name="csrf_token"[^>]*value=|name="form_key"[^>]*value=|csrf-token"[^>]*content=)"[^"]*"', "", text
    )
    # The number by which the answer is found in the log.
    text = re.sub(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])", "", text)
    return response.status_code, place, headers, text


def _is_hidden(response: TestResponse, values: Iterable[str], known: set[str]) -> bool:
    """Say whether the answer must be that of what does not exist: *not permitted* is said of what she knows alone."""
    status = response.status_code
    is_refused = status in (401, 404) or "/sign-in?" in response.headers.get("Location", "")
    return is_refused or (status == 403 and not known.issuperset(values))


def _known(app: Flask, world: World, member: str) -> set[str]:
    """Return the values of addresses that the person knows: her own code, and what she may open.

    That is documents, trainings and credentials.
    """
    client = _client(app, world, member)
    own = {world.people[member].code} if member in world.people else set()
    slugs = [
        slug
        for name, of in world.values().items()
        for slug in of.get("slug", ())
        if name in ("library", "acknowledgements")
    ]
    training = world.values()["training"]
    places = [
        *((slug, f"/library/{slug}") for slug in slugs),
        *((code, f"/training/{code}") for code in training["code"]),
        *((slug, f"/credentials/{slug}") for slug in world.values()["certificates"]["slug"]),
    ]
    opened = {value for value, address in places if client.send("GET", address).status_code == 200}
    # Steps are named by the plan; numbers are those of documents.
    return own | opened | {"1", "1.0", "2.0", *training["slug"], "notes", "circle", "practice"}


def _absent(value: str) -> str:
    """Return a value of the same shape that nothing has."""
    return (
        "9" * len(value)
        if value.isdigit()
        else re.sub(r"[0-9A-Za-z]", lambda each: "q" if each[0].islower() else "Q", value)
    )


def _swapped(app: Flask, asked: Asked, known: set[str]) -> list[str]:
    """Return the addresses with one value each that nothing has, instead of one that she does not know."""
    with app.test_request_context():
        rule = next(rule for rule in app.url_map.iter_rules(asked.endpoint) if rule.arguments == asked.values.keys())
        swapped = []
        for name, value in asked.values.items():
            if value in known:
                continue
            try:
                swapped.append(_built(rule, asked.values | {name: _absent(value)}))
            except (AssertionError, ValueError):
                # A word of a fixed list: en, ja.
                continue
        return swapped


def _one_of_each_kind(app: Flask, world: World) -> list[Asked]:
    """Return every route that reads, for the first thing that it can be asked for; for an attempt in every state."""
    found = [each for each in _routes(app, world, "GET") if each.values]
    first = {each.endpoint: each for each in reversed(found)}
    attempts = {world.codes[each] for each in ("waiting", "unmarked", "released", "scored", "late", "void")}
    in_other_states = {
        (each.endpoint, each.values["code"]): each for each in reversed(found) if each.values.get("code") in attempts
    }
    return [*first.values(), *in_other_states.values()]


def test_what_is_not_hers_is_answered_like_what_does_not_exist(application: Flask, world: World) -> None:
    """Z12: no status, no size and no word tells whether there is such an attempt, person, draft or file."""
    told = []
    asked = _one_of_each_kind(application, world)
    with clock.frozen(NOW):
        for member in OTHERS:
            client, known = _client(application, world, member), _known(application, world, member)
            for each in asked:
                response = client.send("GET", each.address)
                if not _is_hidden(response, each.values.values(), known):
                    continue
                for address in _swapped(application, each, known):
                    absent = client.send("GET", address)
                    if _plain(response, each.address) != _plain(absent, address):
                        told.append(f"{member}: {each.address} {response.status_code}, {address} {absent.status_code}")
    assert told == []


# --- writing -----------------------------------------------------------------------------------

# What the learner's own pages send; every other route is sent an empty form.
_HERS: dict[str, dict[str, Any]] = {
    "quizzes.save_response": {"position": 1, "seq": 99, "idem_key": "stolen", "answer": {"answer": ["1"]}, "page": "p"},
    "quizzes.note_page": {"page": "p", "take_over": True},
    "quizzes.send_page": {"action": "submit"},
    "quizzes.make_appeal": {"words": "Both are right."},
    "quizzes.answer_practice": {"q1-answer": "1"},
    "quizzes.end_break": {},
    "training.ask_again": {},
    "training.hand_in": {"said": "Stolen."},
    "gradebook.print_transcript": {"language": "en"},
}
_JSON = ("quizzes.save_response", "quizzes.note_page")
# Rows that every request may touch: the sender's own sitting, what was carried out, how often.
_OF_REQUESTS = {"sign_in_sessions", "forms_carried_out", "sign_in_backoffs", "journal_heads", "people"}


def _send(client: PageClient, asked: Asked, address: str) -> TestResponse:
    body = _HERS.get(asked.endpoint, {})
    if asked.endpoint in _JSON:
        return client.post_json(address, body)
    form = {**body, "csrf_token": client.token(), "form_key": "0123456789abcdef"}
    return client.send("POST", address, data=form, headers={"Accept": "text/html"})


def _rows() -> dict[tuple[str, Any], tuple[Any, ...]]:
    """Return every row of every table by its key."""
    session.rollback()
    rows = {}
    for table in Base.metadata.sorted_tables:
        keys = [column.name for column in table.primary_key]
        for row in session.execute(select(table)):
            rows[table.name, tuple(getattr(row, name) for name in keys)] = tuple(map(repr, row))
    return rows


def _changes(
    before: dict[tuple[str, Any], tuple[Any, ...]], after: dict[tuple[str, Any], tuple[Any, ...]], learner: Person
) -> list[str]:
    """Return what became of rows that were there, and new rows that speak of the learner."""
    changed = [key for key, row in before.items() if after.get(key) != row and key[0] not in _OF_REQUESTS]
    changed += [key for key, row in before.items() if key == ("people", (learner.id,)) and after.get(key) != row]
    tables = Base.metadata.tables
    for key in after.keys() - before.keys():
        named = dict(zip(tables[key[0]].columns.keys(), after[key], strict=True))
        if named.get("person_id") == repr(learner.id) or any(learner.code in value for value in after[key]):
            changed.append(key)
    return [f"{name} {number}" for name, number in changed]


def _replayed(app: Flask, world: World, member: str, asked: Iterable[Asked]) -> tuple[list[str], list[str]]:
    """Send as the member what the learner may send, and that for what is not there; return what tells, what changed."""
    client, told, before, known = _client(app, world, member), [], _rows(), _known(app, world, member)
    for each in asked:
        response = _send(client, each, each.address)
        if member in world.people and response.status_code == 401:
            # A request before this one ended her session.
            client.renew(world.people[member])
            response = _send(client, each, each.address)
        assert response.status_code < 500, f"{each.address}: {response.status_code}"
        if response.status_code == 303:
            # What is said on the next page belongs to this request.
            client.send("GET", "/wellbeing")
        if _is_hidden(response, each.values.values(), known):
            for address in _swapped(app, each, known):
                absent = _send(client, each, address)
                if _plain(response, each.address) != _plain(absent, address):
                    told.append(f"{member}: {each.address} {response.status_code}, {address} {absent.status_code}")
    return told, _changes(before, _rows(), world.people["learner"])


def _writes(app: Flask, world: World) -> list[Asked]:
    """Return every route that writes, for the first thing that it can be asked for; the learner's own for all."""
    asked = _routes(app, world, "POST")
    first = {each.endpoint: each for each in reversed(asked)}
    return [each for each in asked if each.endpoint in _HERS or first[each.endpoint] == each]


@pytest.mark.usefixtures("plain_refusals")
def test_what_one_learner_may_write_changes_nothing_when_others_send_it(
    application: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Z12: every write of every route, for the learner's things, sent by others."""
    asked = _writes(application, world)
    assert {each.endpoint for each in asked} >= _HERS.keys()
    with clock.frozen(NOW):
        for member in OTHERS:
            told, changed = _replayed(application, world, member, asked)
            assert told == [], member
            assert changed == [], member
        # The control: whoever may take anybody's attempt changes it.
        hers = [each for each in asked if each.endpoint in ("quizzes.note_page", "quizzes.save_response")]
        with monkeypatch.context() as patch:
            patch.setitem(access._table, TAKE_ATTEMPT, [[lambda person, thing: True]])
            assert _replayed(application, world, "colleague", hers)[1] != []


# --- controls ----------------------------------------------------------------------------------


def test_a_planted_leak_is_found(application: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [each for each in _routes(application, world, "GET") if each.endpoint == "quizzes.attempt"]
    view = application.view_functions["quizzes.attempt"]
    secret = canary("key_running")

    def leaking(**values: Any) -> Any:
        made = application.make_response(view(**values))
        made.headers["X-Question"] = f"1; key={secret}"
        return made

    leaking.__access__ = view.__access__  # type: ignore[attr-defined]
    with clock.frozen(NOW):
        assert secret not in _seen(application, world, "learner", asked)
        monkeypatch.setitem(application.view_functions, "quizzes.attempt", leaking)
        assert _seen(application, world, "learner", asked)[secret] == {"quizzes.attempt"}


def test_what_is_released_is_found(application: Flask, world: World) -> None:
    """The control of what nobody finds before: the same result, once it is released."""
    asked = [each for each in _routes(application, world, "GET") if each.endpoint == "quizzes.result"]
    hidden = {canary("key_waiting"), canary("comment_unreleased"), canary("answer_waiting"), "score_unreleased"}
    with clock.frozen(NOW):
        assert hidden & _seen(application, world, "learner", asked).keys() == set()
        with own_transaction():
            release_by_hand(quiz=quizzes.get_quiz("waiting").quiz, by=world.people["author"])
        assert hidden - _seen(application, world, "learner", asked).keys() == set()
        assert hidden & _seen(application, world, "colleague", asked).keys() == set()


def test_every_exception_names_a_route(application: Flask) -> None:
    routes = {f"{method} {rule.endpoint}" for rule in application.url_map.iter_rules() for method in rule.methods or ()}
    assert NOT_ASKED.keys() <= routes
