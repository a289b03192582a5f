"""Two hundred people sit a quiz of forty questions on the real server: how long a save takes, and that none is lost.

    python -m tests.benchmarks.takers [--database sqlite|postgresql|both] [--takers 200] [--pace 20] [--seconds 60]

All start within ten seconds, save at a stated pace (saves come when they come, whatever became of the one before),
send a sign of life every 15 s, and hand in within five seconds. Then the pace is raised until saves take too long: the
knee. In the same run the database alone commits one row after the other as durably as it does for the portal.

What was acknowledged is written down here and compared with what is stored: every question's newest acknowledged
answer, one line of history for each acknowledged save, one marking for each attempt; then everything that `flask
doctor` asks of quizzes. Server and takers share the machine. Prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import random
import secrets
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import flask_migrate
from flask import Flask
from sqlalchemy import create_engine, func, select, text

from portal import create_app
from portal.accounts.models import Role
from portal.core import clock, i18n
from portal.core.db import attach_migrations, db, prepare_engine, session, writing
from portal.quizzes import invariants
from portal.quizzes.formats.markdown import BankQuestion
from portal.quizzes.models import Attempt, AttemptEvent, EventKind, Item, Marking, Response
from portal.quizzes.service.attempts import hash_of
from tests.benchmarks.pages import _cookie, database, in_production, quiet, settings
from tests.benchmarks.server import cpu_seconds, portal, running
from tests.builders import make_grant, make_market, make_person
from tests.library.builders import make_published
from tests.quizzes.builders import make_bank, make_content, make_quiz

QUESTIONS, CHOICES = 40, 3
STARTS_WITHIN, HANDS_IN_WITHIN, PULSE_EVERY = 10.0, 5.0, 15.0
# What a save may take, in milliseconds.
AIM_P95, AIM_P99 = 150.0, 500.0
PACES = (40, 80, 120, 160, 240, 320, 480)


@dataclass
class Wire:
    """One browser's connection, kept open; a request waits for the one before."""

    host: str
    port: int
    headers: str
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(
        self, method: str, path: str, body: str = "", kind: str = "application/json"
    ) -> tuple[int, bytes, float]:
        """Send a request; return status, body and the milliseconds it took, waiting for the connection included."""
        begun = time.perf_counter()
        async with self.lock:
            if self.writer is None or self.writer.is_closing():
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
            assert self.reader is not None
            sent = body.encode()
            self.writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{self.headers}Accept: application/json\r\n"
                f"Content-Type: {kind}\r\nContent-Length: {len(sent)}\r\n\r\n".encode()
                + sent
            )
            await self.writer.drain()
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ", 2)[1])
            lines = (line.partition(": ") for line in head.split("\r\n")[1:])
            fields = {name.lower(): value for name, _colon, value in lines}
            given = await self._body(fields)
        location = fields.get("location", "").encode()
        return status, location or given, (time.perf_counter() - begun) * 1000

    async def _body(self, fields: dict[str, str]) -> bytes:
        assert self.reader is not None
        if "chunked" not in fields.get("transfer-encoding", ""):
            return await self.reader.readexactly(int(fields.get("content-length", 0)))
        given = b""
        while size := int((await self.reader.readline()).strip() or b"0", 16):
            given += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return given


@dataclass
class Taker:
    """Somebody who sits the quiz, and what the server has acknowledged to her."""

    wire: Wire
    csrf: str
    code: str = ""
    seqs: dict[int, int] = field(default_factory=dict)
    # Position → number and answer of the newest acknowledged save.
    acked: dict[int, tuple[int, list[str]]] = field(default_factory=dict)
    saves: int = 0


@dataclass
class Readings:
    """Milliseconds of each kind of request, and what was not answered as it should be."""

    took: dict[str, list[float]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, milliseconds: float, *, is_well: bool, why: str = "") -> None:
        """Note one request."""
        self.took.setdefault(kind, []).append(milliseconds)
        if not is_well:
            self.failed[f"{kind}: {why}"] += 1


async def _start(taker: Taker, after: float, readings: Readings) -> None:
    await asyncio.sleep(after)
    form = urlencode({"csrf_token": taker.csrf})
    status, location, took = await taker.wire.ask(
        "POST", "/quizzes/exam/attempts", form, "application/x-www-form-urlencoded"
    )
    readings.note("start", took, is_well=status == 303, why=str(status))
    taker.code = urlsplit(location.decode()).path.rsplit("/", 1)[-1]
    status, _page, took = await taker.wire.ask("GET", f"/attempts/{taker.code}")
    readings.note("page", took, is_well=status == 200, why=str(status))


async def _save(taker: Taker, dice: random.Random, readings: Readings) -> None:
    position, answer = dice.randrange(QUESTIONS) + 1, [str(dice.randrange(CHOICES) + 1)]
    seq = taker.seqs[position] = taker.seqs.get(position, 0) + 1
    body = json.dumps(
        {"position": position, "seq": seq, "idem_key": secrets.token_hex(8), "answer": {"answer": answer}}
    )
    status, given, took = await taker.wire.ask("POST", f"/attempts/{taker.code}/responses", body)
    readings.note("save", took, is_well=status == 200, why=str(status))
    if status == 200 and json.loads(given)["outcome"] == "saved":
        taker.saves += 1
        taker.acked[position] = max(taker.acked.get(position, (0, [])), (seq, answer))


async def _pulse(taker: Taker, readings: Readings, until: float) -> None:
    await asyncio.sleep(random.random() * PULSE_EVERY)
    page = secrets.token_hex(8)
    while time.perf_counter() < until:
        body = json.dumps({"page": page, "events": []})
        status, _given, took = await taker.wire.ask("POST", f"/attempts/{taker.code}/events", body)
        readings.note("sign of life", took, is_well=status == 200, why=str(status))
        await asyncio.sleep(PULSE_EVERY)


async def _hold(takers: Sequence[Taker], pace: float, seconds: float, readings: Readings) -> None:
    """Let saves come at a pace (a Poisson process), whether those before are answered or not."""
    dice, under_way = random.Random(4), set[asyncio.Task[None]]()
    begun = time.perf_counter()
    pulses = [asyncio.create_task(_pulse(taker, readings, begun + seconds)) for taker in takers]
    next_at = begun
    while (next_at := next_at + dice.expovariate(pace)) < begun + seconds:
        await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
        task = asyncio.create_task(_save(dice.choice(takers), dice, readings))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    for pulse in pulses:
        pulse.cancel()
    await asyncio.gather(*pulses, return_exceptions=True)


async def _hand_in(taker: Taker, after: float, readings: Readings) -> None:
    await asyncio.sleep(after)
    open_ones = " ".join(map(str, range(1, QUESTIONS + 1)))
    form = urlencode(
        {"csrf_token": taker.csrf, "action": "submit", "form_key": secrets.token_hex(6), "leaves": open_ones}
    )
    status, location, took = await taker.wire.ask(
        "POST", f"/attempts/{taker.code}", form, "application/x-www-form-urlencoded"
    )
    is_well = status == 303 and b"/result" in location
    readings.note("hand in", took, is_well=is_well, why=f"{status} {location.decode()[-20:]}")


async def _sit(takers: Sequence[Taker], pace: float, seconds: float, step: float) -> Iterator[str]:
    lines: list[str] = []
    dice, readings = random.Random(7), Readings()
    await asyncio.gather(*(_start(taker, dice.random() * STARTS_WITHIN, readings) for taker in takers))
    await _hold(takers, pace, seconds, readings)
    for kind in ("start", "page", "save", "sign of life"):
        lines.append(
            _row(f"{kind}, {pace:g} saves/s" if kind == "save" else kind, readings.took.get(kind, []), readings)
        )
    knee = pace
    for faster in (each for each in PACES if each > pace):
        at_pace = Readings()
        await _hold(takers, faster, step, at_pace)
        lines.append(_row(f"save, {faster:g} saves/s", at_pace.took["save"], at_pace))
        if not _is_met(at_pace):
            break
        knee = faster
    ends = Readings()
    await asyncio.gather(*(_hand_in(taker, dice.random() * HANDS_IN_WITHIN, ends) for taker in takers))
    lines.append(_row("hand in", ends.took["hand in"], ends))
    lines.append(f"\nThe knee: saves are in time up to {knee:g} a second.")
    return iter(lines)


def _is_met(readings: Readings) -> bool:
    took = readings.took["save"]
    return _percentile(took, 95) <= AIM_P95 and _percentile(took, 99) <= AIM_P99 and not readings.failed


def _percentile(values: Sequence[float], which: int) -> float:
    return statistics.quantiles(values, n=100)[which - 1] if len(values) > 1 else float("nan")


def _row(name: str, took: Sequence[float], readings: Readings) -> str:
    failed = sum(many for what, many in readings.failed.items() if what.partition(":")[0] == name.partition(",")[0])
    said = ", ".join(f"{what} × {many}" for what, many in readings.failed.items()) if failed else ""
    middle = statistics.median(took) if took else float("nan")
    return (
        f"| {name} | {len(took):,} | {middle:.0f} | {_percentile(took, 95):.0f} | {_percentile(took, 99):.0f} |"
        f" {max(took, default=0):.0f} | {failed}{f' ({said})' if said else ''} |"
    )


def raw_commits(url: str, seconds: float = 3.0) -> float:
    """Return how many rows of 200 bytes the database alone commits in a second, one after the other."""
    options = {}
    if url.startswith("sqlite"):
        import pysqlite3

        options = {"module": pysqlite3, "connect_args": {"timeout": 5, "check_same_thread": False}}
    engine = create_engine(url, **options)  # type: ignore[arg-type]
    prepare_engine(engine)
    token = writing.set(True)
    try:
        with engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE IF NOT EXISTS raw_commits (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
            )
        done, until = 0, time.perf_counter() + seconds
        with engine.connect() as connection:
            while time.perf_counter() < until:
                connection.execute(
                    text(
                        "INSERT INTO raw_commits (id, body) VALUES (:id, :body)"
                        " ON CONFLICT (id) DO UPDATE SET body = excluded.body"
                    ),
                    {"id": done % 500, "body": "x" * 200},
                )
                connection.commit()
                done += 1
    finally:
        writing.reset(token)
        engine.dispose()
    return done / seconds


def make_exam(app: Flask, takers: int) -> list[tuple[str, str]]:
    """Make the quiz and its takers; return cookie and CSRF token of each."""
    with app.app_context():
        attach_migrations(app)
        flask_migrate.upgrade()
        market = make_market("JP")
        author = make_person("author@portal.example", market=market)
        make_grant(author, Role.AUTHOR)
        make_published(author)
        make_bank(
            author,
            questions=tuple(
                BankQuestion(f"imp-{number:03d}", make_content(number)) for number in range(QUESTIONS + 20)
            ),
        )
        make_quiz(author, "exam", blueprint=[{"bank": "impersonation", "count": QUESTIONS}], time_limit_minutes=60)
        people = [make_person(f"taker{number}@portal.example", market=market) for number in range(takers)]
        cookies = [_cookie(app, person) for person in people]
        session.remove()
        db.engine.dispose()
    return cookies


def losses(takers: Sequence[Taker]) -> list[str]:
    """Return what was acknowledged and is not stored, in words; everything else that is wrong besides."""
    wrong = []
    stored = {
        (code, position): (seq, digest)
        for code, position, seq, digest in session.execute(
            select(Attempt.code, Item.position, Response.seq, Response.hash)
            .join(Item, Item.attempt_id == Attempt.id)
            .join(Response, Response.item_id == Item.id)
        )
    }
    answers = {
        (code, position): (order, seq)
        for code, position, order, seq in session.execute(
            select(Attempt.code, Item.position, Item.choice_order, Response.seq)
            .join(Item, Item.attempt_id == Attempt.id)
            .join(Response, Response.item_id == Item.id)
        )
    }
    for taker in takers:
        for position, (seq, places) in taker.acked.items():
            kept = stored.get((taker.code, position))
            if kept is None or kept[0] < seq:
                wrong.append(f"{taker.code}/{position}: save {seq} was acknowledged, {kept and kept[0]} is stored")
            elif kept[0] == seq:
                order = answers[taker.code, position][0]["answer"]
                if kept[1] != hash_of({"answer": [order[int(places[0]) - 1]]}):
                    wrong.append(f"{taker.code}/{position}: another answer is stored than was acknowledged")
    saved: dict[str, int] = dict(
        session.execute(
            select(Attempt.code, func.count())
            .join(AttemptEvent, AttemptEvent.attempt_id == Attempt.id)
            .where(AttemptEvent.kind == EventKind.SAVED)
            .group_by(Attempt.code)
        ).all()
    )
    wrong += [
        f"{taker.code}: {taker.saves} saves were acknowledged, {saved.get(taker.code, 0)} are in its history"
        for taker in takers
        if saved.get(taker.code, 0) < taker.saves
    ]
    marked = session.scalar(select(func.count()).select_from(Marking))
    if marked != len(takers):
        wrong.append(f"{len(takers)} attempts, {marked} markings")
    return wrong


def run(kind: str, takers: int, pace: float, seconds: float, step: float) -> Iterator[str]:
    """Measure on one database; yields the lines of its table."""
    folder = Path(tempfile.mkdtemp(prefix="shirube-takers-"))
    with database(kind, folder) as (url, anchor_url, extra):
        app = create_app({**settings(folder, url), "JOBS_HAND_OVER": False})
        quiet()
        cookies = make_exam(app, takers)
        raw = raw_commits(anchor_url)
        environment = {name: str(value) for name, value in in_production(folder, url).items()}
        with running(portal(), environment, "/healthz") as (address, pid):
            where = urlsplit(address)
            assert where.hostname is not None
            assert where.port is not None
            sitting = [
                Taker(Wire(where.hostname, where.port, f"Cookie: {cookie}\r\nX-CSRFToken: {csrf}\r\n"), csrf)
                for cookie, csrf in cookies
            ]
            before, begun = cpu_seconds([pid, *extra]), clock.monotonic()
            lines = list(asyncio.run(_sit(sitting, pace, seconds, step)))
            cores = (cpu_seconds([pid, *extra]) - before) / (clock.monotonic() - begun)
        yield f"### {'PostgreSQL' if kind == 'postgresql' else 'SQLite'}\n"
        yield (
            f"{takers} takers, {QUESTIONS} questions, {seconds:g} s at {pace:g} saves a second, {step:g} s at each"
            f" faster pace. The database alone: {raw:.0f} durable commits a second. The server used {cores:.1f} cores."
            f" Load average {os.getloadavg()[0]:.1f}.\n"
        )
        yield "| | requests | p50 ms | p95 ms | p99 ms | max ms | failed |"
        yield "|---|---|---|---|---|---|---|"
        yield from lines
        knee = float(lines[-1].split("up to ")[1].split(" ")[0])
        yield f"That is {knee / raw:.2f} of what the database alone commits."
        with app.app_context():
            wrong = losses(sitting)
            wrong += [breach for check in invariants.INVARIANTS.values() for breach in check()]
            session.remove()
            db.engine.dispose()
        saves = sum(taker.saves for taker in sitting)
        yield f"\n{saves:,} saves were acknowledged; lost or wrong: {len(wrong)}."
        yield from (f"* {each}" for each in wrong[:20])
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Print the tables of `docs/performance.md` about people who sit a quiz."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--takers", type=int, default=200)
    parser.add_argument("--pace", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--step", type=float, default=15.0)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    i18n.compile_all()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores.\n")
    for kind in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        for line in run(kind, asked.takers, asked.pace, asked.seconds, asked.step):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
