"""A server that is killed while answers are on their way: what was acknowledged is stored, sent again it is once."""

from __future__ import annotations

import http.client
import json
import os
import random
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.core.db import db, session
from portal.quizzes import queries
from portal.quizzes.invariants import INVARIANTS
from portal.quizzes.models import Attempt, AttemptState, Marking
from tests.benchmarks.server import free_port, running
from tests.builders import Cast, make_person
from tests.conftest import SECRET
from tests.ledger import Ledger, Line, reconcile
from tests.page_client import PageClient
from tests.quizzes.builders import make_quiz
from tests.quizzes.dying_server import AFTER, BEFORE, CARELESS, DIES, FORGETFUL, VARIANT
from tests.volume import volume

pytestmark = pytest.mark.races
SERVE = [sys.executable, "-m", "portal.operations.serve", "--host", "127.0.0.1", "--workers", "3", "--port"]
DYING = [sys.executable, "-m", "tests.quizzes.dying_server"]
WORKERS, TAKERS, SAVES = 3, 4, 12
# What an ended connection looks like to whoever waits for a reply.
GONE = (OSError, http.client.HTTPException)


@contextmanager
def _serving(app: Flask, command: list[str]) -> Iterator[tuple[str, int]]:
    """Run a server of its own on the database of the tests; give its address and process id."""
    port = free_port()
    environment = {
        "SHIRUBE_ENV": "development",
        "SHIRUBE_DATA_DIR": str(app.config["DATA_DIR"]),
        "SHIRUBE_DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "SHIRUBE_SECRET_KEY": SECRET,
        "SHIRUBE_PUBLIC_URL": "http://127.0.0.1",
    }
    with running(([*command, str(port)], port), environment, "/healthz") as found:
        yield found


@pytest.fixture(scope="module")
def dying(application: Flask) -> Iterator[str]:
    """The address of a server that dies when it is told to."""
    with application.app_context(), _serving(application, DYING) as (address, _server):
        session.remove()
        yield address


@dataclass
class Taker:
    """Somebody with a browser: sends, and sends the same again until there is a reply, as the page does."""

    address: str
    cookie: str
    token: str
    ledger: Ledger
    gives_up_at: float = field(default_factory=lambda: time.monotonic() + 600)
    broken: int = 0
    # What the server is to be instead of a sound one.
    variant: str = ""
    handed_in: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, app: Flask, person: Person, address: str, ledger: Ledger) -> Taker:
        """Sign the person in."""
        browser = PageClient(app, person=person)
        token = browser.token()
        cookie = browser.client.get_cookie("session")
        assert cookie is not None
        return cls(address, cookie.value, token, ledger)

    def send(self, path: str, body: str, kind: str, dies: str = "") -> tuple[int, str, bytes]:
        """Send once; return status, where it leads, and the reply. Raises one of `GONE` without a reply."""
        where = urlsplit(self.address)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
        headers = {
            "Content-Type": kind, "Accept": "application/json", "Cookie": f"session={self.cookie}",
            "X-CSRFToken": self.token, DIES: dies, VARIANT: self.variant,
        }  # fmt: skip
        try:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            return reply.status, urlsplit(reply.headers.get("Location", "")).path, reply.read()
        finally:
            connection.close()

    def send_until_answered(self, path: str, body: str, kind: str) -> tuple[int, str, bytes]:
        """Send the same again and again until there is a reply that is none of a server in trouble."""
        while time.monotonic() < self.gives_up_at:
            try:
                reply = self.send(path, body, kind)
            except GONE:
                self.broken += 1
                continue
            if reply[0] < 500:
                return reply
        raise AssertionError(f"{path} was never answered")

    # Each gives address, body and content type of a request.

    def start(self) -> tuple[str, str, str]:
        """Begin an attempt."""
        return "/quizzes/impersonation/attempts", "", "application/x-www-form-urlencoded"

    def save(self, line: Line) -> tuple[str, str, str]:
        """Save an answer."""
        body = {"position": line.position, "seq": line.seq, "idem_key": line.key, "answer": line.answer}
        return f"/attempts/{line.attempt}/responses", json.dumps(body), "application/json"

    def hand_in(self, code: str) -> tuple[str, str, str]:
        """Hand in."""
        form = {"action": "submit", "form_key": secrets.token_hex(6), "leaves": "1 2 3 4"}
        return f"/attempts/{code}", urlencode(form), "application/x-www-form-urlencoded"

    def sit(self, dice: random.Random) -> None:
        """Begin an attempt, save some answers, hand in."""
        status, location, _ = self.send_until_answered(*self.start())
        assert status == 303, status
        code = location.rsplit("/", 1)[-1]
        self.started.append(code)
        seqs: dict[int, int] = {}
        for _number in range(SAVES):
            line = next_line(code, dice, seqs)
            self.ledger.sent(line)
            status, _, reply = self.send_until_answered(*self.save(line))
            assert (status, json.loads(reply)["outcome"]) == (200, "saved"), reply
            self.ledger.acknowledged(line)
        status, location, _ = self.send_until_answered(*self.hand_in(code))
        assert (status, location) == (303, f"/attempts/{code}/result")
        self.handed_in.append(code)


def next_line(code: str, dice: random.Random, seqs: dict[int, int]) -> Line:
    """Return an answer to some question: one of the first two choices of each of its parts."""
    position = dice.randrange(4) + 1
    seqs[position] = seqs.get(position, 0) + 1
    answer: Mapping[str, list[str]] = {"answer": [str(dice.randrange(2) + 1)]}
    return Line(code, position, seqs[position], secrets.token_hex(8), answer)


def _wrong(ledger: Ledger, takers: list[Taker]) -> list[str]:
    """Return what was acknowledged and is not stored, and whatever else is wrong with what is."""
    session.rollback()
    session.expire_all()
    wrong = reconcile(ledger)
    for taker in takers:
        stored = dict(session.execute(select(Attempt.code, Attempt.state).where(Attempt.code.in_(taker.started))).all())
        wrong += [f"{code} was begun and is not there" for code in taker.started if code not in stored]
        wrong += [
            f"{code} was handed in, and is {stored.get(code)}"
            for code in taker.handed_in
            if stored.get(code) is not AttemptState.RELEASED
        ]
    twice = select(Marking.attempt_id).group_by(Marking.attempt_id).having(func.count() > 1)
    wrong += [f"attempt {number} is marked twice" for number in session.scalars(twice)]
    return wrong + [line for check in INVARIANTS.values() for line in check()]


@pytest.fixture
def exam(app: Flask, cast: Cast) -> None:
    make_quiz(cast.author, attempts_allowed=100_000, wait_hours=0, blueprint=PLAIN)


# Questions with one part each, so that every answer has the same form.
PLAIN = [{"bank": "impersonation", "count": 4, "types": ["single_choice", "true_false"]}]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger(tmp_path / "ledger.jsonl")
    yield found
    found.close()


# Where the stat of a process says when it began, counted from what follows its name (proc(5): field 22).
_BEGAN = 19


# --- F1: killed while saving -------------------------------------------------------------------


def _workers(server: int) -> list[int]:
    """Return the processes that answer requests, the oldest first: by when they began, since numbers begin anew."""
    found = []
    for process in map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split()):
        try:
            if b"serve" in Path(f"/proc/{process}/cmdline").read_bytes():
                after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                found.append((int(after_name[_BEGAN]), process))
        except OSError:
            # It has ended in between.
            continue
    return [process for _began, process in sorted(found)]


def _until(what: Callable[[], bool], within: float = 300) -> None:
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


@pytest.mark.usefixtures("exam")
def test_nothing_that_was_acknowledged_is_lost_when_web_processes_are_killed(app: Flask, ledger: Ledger) -> None:
    kills, dice = volume(20, 1000), random.Random(1)
    people = [make_person(f"taker{number}@portal.example") for number in range(TAKERS)]
    is_over = threading.Event()
    failures: list[BaseException] = []

    def sit_again_and_again(taker: Taker, number: int) -> None:
        dice = random.Random(number)
        try:
            while not is_over.is_set():
                taker.sit(dice)
        except BaseException as failure:
            failures.append(failure)

    with _serving(app, SERVE) as (address, server):
        takers = [Taker.of(app, person, address, ledger) for person in people]
        for taker in takers:
            taker.gives_up_at = time.monotonic() + 600 + kills
        crowd = [
            threading.Thread(target=sit_again_and_again, args=(taker, number)) for number, taker in enumerate(takers)
        ]
        for thread in crowd:
            thread.start()
        try:
            for _kill in range(kills):
                _until(lambda: len(_workers(server)) == WORKERS)
                time.sleep(dice.uniform(0.005, 0.08))
                # Never the one that has just come: the server takes that for an application that cannot start.
                os.kill(_workers(server)[0], signal.SIGKILL)
        finally:
            is_over.set()
            for thread in crowd:
                thread.join()
        assert failures == []
    assert sum(taker.broken for taker in takers) > 0
    assert sum(len(taker.handed_in) for taker in takers) > 0
    assert _wrong(ledger, takers) == []


@pytest.mark.any_database
@pytest.mark.usefixtures("exam")
def test_a_server_that_replies_before_it_has_stored_is_found_out_by_a_kill(
    app: Flask, cast: Cast, ledger: Ledger
) -> None:
    with _serving(app, DYING) as (address, server):
        taker = Taker.of(app, cast.learner, address, ledger)
        _, location, _ = taker.send(*taker.start())
        line = next_line(location.rsplit("/", 1)[-1], random.Random(1), {})
        taker.variant = CARELESS
        ledger.sent(line)
        assert taker.send(*taker.save(line))[0] == 200
        ledger.acknowledged(line)
        os.killpg(server, signal.SIGKILL)
    assert any("was acknowledged, but nothing is stored" in each for each in _wrong(ledger, [taker]))


# --- F2: killed between commit and reply -------------------------------------------------------


def _same(reply: bytes) -> dict[str, Any]:
    """Return a reply without what the time makes of it; a redirect says all by where it leads."""
    return {
        name: value
        for name, value in (json.loads(reply) if reply.startswith(b"{") else {}).items()
        if name not in ("remaining_ms", "server_now", "saved_at")
    }


def _die_and_send_again(taker: Taker, request: tuple[str, str, str], dies: str, wrong: list[str]) -> str:
    """Send what dies without a reply, and the same twice more; return where it leads."""
    try:
        reply = taker.send(*request, dies)
        wrong.append(f"{request[0]} did not die: {reply[0]}")
    except GONE:
        taker.broken += 1
    first, second = taker.send(*request), taker.send(*request)
    if first[0] >= 400 or (*first[:2], _same(first[2])) != (*second[:2], _same(second[2])):
        wrong.append(f"{request[0]}, sent again: {first}, {second}")
    return first[1]


def _sit_dying(taker: Taker, dice: random.Random, dies: str) -> list[str]:
    """Sit an attempt of which every request dies once; return what was answered otherwise than it should be."""
    wrong: list[str] = []
    session.rollback()
    before = session.scalar(select(func.count()).select_from(Attempt))
    code = _die_and_send_again(taker, taker.start(), dies, wrong).rsplit("/", 1)[-1]
    taker.started.append(code)
    seqs: dict[int, int] = {}
    for _save in range(3):
        line = next_line(code, dice, seqs)
        taker.ledger.sent(line)
        _die_and_send_again(taker, taker.save(line), dies, wrong)
        taker.ledger.acknowledged(line)
    leads_to = _die_and_send_again(taker, taker.hand_in(code), dies, wrong)
    taker.handed_in.append(code)
    session.rollback()
    if session.scalar(select(func.count()).select_from(Attempt)) != (before or 0) + 1:
        wrong.append("another number of attempts than one more")
    if leads_to != f"/attempts/{code}/result":
        wrong.append(f"handing in leads to {leads_to}")
    return wrong


@pytest.mark.usefixtures("exam")
@pytest.mark.parametrize(("dies", "attempts"), [(AFTER, volume(10, 100)), (BEFORE, volume(2, 20))])
def test_who_had_no_reply_sends_the_same_again_and_it_is_done_once(
    app: Flask, cast: Cast, ledger: Ledger, dying: str, dies: str, attempts: int
) -> None:
    dice = random.Random(2)
    taker = Taker.of(app, cast.learner, dying, ledger)
    wrong = [line for _attempt in range(attempts) for line in _sit_dying(taker, dice, dies)]
    # Five requests of each attempt: begin, three answers, hand in.
    assert taker.broken == 5 * attempts
    assert wrong + _wrong(ledger, [taker]) == []


@pytest.mark.usefixtures("exam")
def test_what_died_after_its_commit_is_stored_and_what_died_before_it_is_not(
    app: Flask, cast: Cast, ledger: Ledger, dying: str
) -> None:
    taker = Taker.of(app, cast.learner, dying, ledger)
    _, location, _ = taker.send(*taker.start())
    code, dice, seqs = location.rsplit("/", 1)[-1], random.Random(3), dict[int, int]()
    for dies, is_stored in ((AFTER, True), (BEFORE, False)):
        line = next_line(code, dice, seqs)
        with pytest.raises(GONE):
            taker.send(*taker.save(line), dies)
        session.rollback()
        events = queries.list_events(queries.get_attempt(code))
        assert any(event.idem_key == line.key for event in events) is is_stored


@pytest.mark.any_database
@pytest.mark.usefixtures("exam")
def test_a_server_that_does_not_know_what_it_has_done_is_found(
    app: Flask, cast: Cast, ledger: Ledger, dying: str
) -> None:
    taker = Taker.of(app, cast.learner, dying, ledger)
    taker.variant = FORGETFUL
    assert any("sent again" in line for line in _sit_dying(taker, random.Random(2), AFTER))
