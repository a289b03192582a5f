"""What keeps the product from starting is said in one line, whichever way it is started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pysqlite3
import pytest

from portal import create_app
from portal.core.db import db, session
from portal.operations.development import web_command
from portal.operations.start import StartRefused, try_database, try_folder
from tests.accounts.test_demo_accounts import production
from tests.benchmarks.server import free_port
from tests.conftest import DATABASE, make_tables, settings

# Programs of their own, each on a place of its own.
pytestmark = pytest.mark.any_database
ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(sys.executable).parent
SECRET = "a-secret-for-tests-that-is-long-enough-0123456789"


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a program with these settings and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIRUBE_")}
    return subprocess.run(
        command, cwd=ROOT, env=environment | settings, capture_output=True, text=True, check=False, timeout=60
    )


def said(answer: subprocess.CompletedProcess[str]) -> str:
    """Return what was printed; never a traceback."""
    printed = answer.stdout + answer.stderr
    assert "Traceback" not in printed
    return printed


FLASK = (str(BINARIES / "flask"), "--app", "wsgi", "doctor")
DEVELOPMENT = (sys.executable, "-m", "portal.operations.development")


@pytest.mark.parametrize("command", [FLASK, DEVELOPMENT], ids=["flask", "development"])
def test_wrong_settings_are_named_with_exit_status_2(tmp_path: Path, command: tuple[str, ...]) -> None:
    answer = run(*command, SHIRUBE_DATA_DIR=str(tmp_path), SHIRUBE_ENV="production", SHIRUBE_PORT="x")
    printed = said(answer)
    assert answer.returncode == 2
    for name in ("SHIRUBE_PORT", "SHIRUBE_SECRET_KEY", "SHIRUBE_PUBLIC_URL"):
        assert [line for line in printed.splitlines() if line.startswith(name)], printed


def test_the_web_server_ends_with_the_reason(tmp_path: Path) -> None:
    answer = run(*web_command("127.0.0.1", free_port()), SHIRUBE_DATA_DIR=str(tmp_path), SHIRUBE_ENV="production")
    assert "SHIRUBE_SECRET_KEY is missing" in said(answer)
    assert answer.returncode == 2


def children(process: int) -> set[int]:
    """Return the numbers of the processes that this one has started."""
    return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def until(what: Callable[[], bool]) -> bool:
    """Wait for something for at most half a minute; say whether it came."""
    return any(what() or time.sleep(0.1) for _ in range(300))


def test_a_web_process_that_is_killed_comes_back(tmp_path: Path) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIRUBE_")}
    server = subprocess.Popen(
        web_command("127.0.0.1", port), cwd=ROOT, env=environment | {"SHIRUBE_DATA_DIR": str(tmp_path)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def is_worker(process: int) -> bool:
        try:
            return b"serve" in Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            # It has ended in between.
            return False

    def workers() -> set[int]:
        return set(filter(is_worker, children(server.pid)))

    try:
        assert until(answers)
        before = workers()
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        assert until(lambda: len(workers() - {killed}) == len(before) == 2)
        assert until(answers)
    finally:
        # A process that is still starting would keep the others waiting.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=30)


def test_production_is_told_to_start_the_same_server() -> None:
    told = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert "-m portal.operations.serve" in told


def test_development_refuses_production(tmp_path: Path) -> None:
    answer = run(
        *DEVELOPMENT, SHIRUBE_DATA_DIR=str(tmp_path), SHIRUBE_ENV="production", SHIRUBE_SECRET_KEY=SECRET,
        SHIRUBE_PUBLIC_URL="https://training.example.com",
    )  # fmt: skip
    assert answer.returncode == 2
    assert "refuses SHIRUBE_ENV=production" in said(answer)
    assert list(tmp_path.glob("*.sqlite3")) == [], "nothing may have been loaded"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SHIRUBE_DATABASE_URL", "postgresql://user:quiet-river@127.0.0.1:1/name", "cannot be used"),
        ("SHIRUBE_DATABASE_URL", "sqlite:////no/such/folder/file.sqlite3", "which is no folder"),
        ("SHIRUBE_DATA_DIR", "/proc/nowhere", "cannot be made"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, name: str, value: str, reason: str) -> None:
    answer = run(*FLASK, **{"SHIRUBE_DATA_DIR": str(tmp_path), name: value})
    printed = said(answer)
    assert answer.returncode == 1
    assert reason in printed
    assert len(printed.splitlines()) == 1
    assert "quiet-river" not in printed


def test_a_file_that_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "shirube.sqlite3").write_text("This is a letter, no database. " * 100)
    answer = run(*FLASK, SHIRUBE_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "not a database" in said(answer)


def test_a_command_on_an_empty_database_says_what_to_run_first(tmp_path: Path) -> None:
    answer = run(*FLASK, SHIRUBE_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "flask --app wsgi db upgrade" in said(answer)


def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with production(tmp_path) as app:
        try_folder(app)
        try_database(app)
        # Nothing keeps root from writing, so the system's answer is given here.
        monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
        with pytest.raises(StartRefused, match="SHIRUBE_DATA_DIR"):
            try_folder(app)
        with pytest.raises(StartRefused, match="cannot be written to"):
            try_database(app)


@pytest.mark.parametrize("header", [0, 0x47504B47], ids=["nobody's", "another program's"])
def test_a_file_of_another_program_is_refused_and_left_as_it_was(tmp_path: Path, header: int) -> None:
    path = tmp_path / "shirube.sqlite3"
    with closing(pysqlite3.connect(path)) as foreign:
        foreign.execute(f"PRAGMA application_id={header}")
        foreign.execute("CREATE TABLE songs (title TEXT)")
        foreign.commit()
    before = path.read_bytes()
    for command in (FLASK, (*FLASK[:-1], "db", "upgrade")):
        answer = run(*command, SHIRUBE_DATA_DIR=str(tmp_path))
        assert answer.returncode == 1
        assert "made by another program" in said(answer)
        assert len(said(answer).splitlines()) == 1
    assert path.read_bytes() == before


@pytest.mark.skipif(DATABASE != "sqlite", reason="only SQLite has one writer at a time")
def test_whoever_reads_does_not_wait_for_whoever_writes(tmp_path: Path) -> None:
    path = tmp_path / "shirube.sqlite3"
    app = create_app(settings(tmp_path, f"sqlite:///{path}"))
    with app.app_context():
        make_tables(app)
        db.engine.dispose()
    with closing(pysqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        try_database(app)
        assert app.test_client().get("/sign-in").status_code == 200
        assert app.test_client().get("/readyz").get_json()["checks"]["database"] is True
        assert time.monotonic() - begun < 3
        writer.execute("ROLLBACK")
    with app.app_context():
        session.remove()
        db.engine.dispose()


@pytest.mark.skipif(DATABASE != "sqlite", reason="only SQLite can be locked as a whole")
def test_a_busy_database_is_not_called_broken(tmp_path: Path) -> None:
    path = tmp_path / "shirube.sqlite3"
    with closing(pysqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE journal_entries (id INTEGER)")
        writer.execute("BEGIN EXCLUSIVE")
        answer = run(*FLASK, SHIRUBE_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "wait a moment" in said(answer)
    assert "backup" not in said(answer)
