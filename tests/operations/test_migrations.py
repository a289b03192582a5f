"""Migrations make the very tables that the models describe, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import DateTime, Integer, LargeBinary, String, create_engine, inspect, text
from sqlalchemy.types import TypeDecorator

from portal import create_app
from portal.accounts.models import Role
from portal.accounts.service import grants, sessions
from portal.core import search
from portal.core.db import APPLICATION_ID, Base, attach_migrations, db, header_for, session
from portal.core.transaction import own_transaction
from portal.operations import doctor
from tests.builders import make_grant, make_person
from tests.conftest import DATABASE, settings


@pytest.fixture
def empty_app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An application on a database without tables."""
    if DATABASE == "postgresql":
        server = str(request.getfixturevalue("postgresql"))
        name = "migrations_" + tmp_path.name.replace("-", "_").lower()[:40]
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        url = engine.url.set(database=name).render_as_string(hide_password=False)
    else:
        url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    app = create_app(settings(tmp_path, url))
    attach_migrations(app)
    yield app
    # Its connections would else be found open long after, in the middle of another test.
    with app.app_context():
        session.remove()
        db.engine.dispose()


def _tables() -> set[str]:
    session.remove()
    # The words of the search are no table of the models.
    names = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    return {name for name in names if not name.startswith(search.WORDS)}


def test_migrations_go_up_and_down_and_up_and_agree_with_the_models(empty_app: Flask) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        assert _tables() == set(Base.metadata.tables)
        assert inspect(db.engine).has_table(search.WORDS)
        with db.engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": _compare_type, "include_object": _include}
            )
            differences = compare_metadata(context, Base.metadata)
        assert differences == []
        assert _of_another_kind() == []
        flask_migrate.downgrade(revision="base")
        assert _tables() == set()
        assert not inspect(db.engine).has_table(search.WORDS)
        flask_migrate.upgrade()
        assert _tables() == set(Base.metadata.tables)
        db.engine.dispose()


def _of_another_kind() -> list[str]:
    """Return the columns of our own types that migrations made of another kind; SQLite takes any value anywhere."""
    if db.engine.dialect.name == "sqlite":
        return []
    wrong = []
    for table in Base.metadata.tables.values():
        made = {each["name"]: each["type"] for each in inspect(db.engine).get_columns(table.name)}
        for column in table.columns:
            if isinstance(column.type, TypeDecorator):
                kinds = [
                    kind
                    for kind in (String, DateTime, Integer, LargeBinary)
                    if isinstance(column.type.impl_instance, kind)
                ]
                assert kinds, column
                if not isinstance(made[column.name], kinds[0]):
                    wrong.append(f"{column} is {made[column.name]}")
    return wrong


def _include(item: object, name: str | None, *rest: object) -> bool:
    return not (name or "").startswith(search.WORDS)


def _compare_type(*found: object) -> bool | None:
    return False if isinstance(found[4], TypeDecorator) else None


def test_a_table_is_rebuilt_without_losing_what_hangs_on_its_rows_and_demo_accounts_are_found(empty_app: Flask) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        person = make_person("yui.takahashi@hibiki.example")
        make_person("yui.takahashi@portal.example")
        make_grant(person, Role.LEARNER)
        with own_transaction():
            sessions.begin_session(person=person, browser="", address="")
        before = {name: _count(name) for name in ("people", "role_grants", "sign_in_sessions", "markets")}
        flask_migrate.downgrade(revision="0002")
        assert {name: _count(name) for name in before} == before
        flask_migrate.upgrade()
        assert {name: _count(name) for name in before} == before
        marked = session.execute(text("SELECT sign_in_name, demo_since = created_at FROM people ORDER BY id")).all()
        assert [tuple(row) for row in marked] == [
            ("yui.takahashi@hibiki.example", True), ("yui.takahashi@portal.example", None),
        ]  # fmt: skip
        if db.engine.dialect.name == "sqlite":
            assert session.scalar(text("PRAGMA foreign_keys")) == 1
        session.remove()
        db.engine.dispose()


def _count(table: str) -> int:
    session.remove()
    found = int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
    # A transaction that stays open would hold back the migration that comes next.
    session.remove()
    return found


def test_an_instance_without_its_migrations_is_not_ready(empty_app: Flask) -> None:
    answer = empty_app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"] == {"database": True, "migrations": False, "worker": False}


def test_a_migrated_instance_with_a_worker_is_ready(empty_app: Flask) -> None:
    from portal.core import jobs

    with empty_app.app_context():
        flask_migrate.upgrade()
        jobs.beat()
    answer = empty_app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ready")
    assert empty_app.test_client().get("/healthz").status_code == 200


@pytest.mark.skipif(DATABASE != "sqlite", reason="only SQLite's files have such a header")
def test_migrating_writes_into_the_file_whose_it_is_and_at_which_revision(empty_app: Flask) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        with db.engine.connect() as connection:
            head = MigrationContext.configure(connection).get_current_revision()
            assert head is not None
            assert {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in header_for(head)} == {
                "application_id": APPLICATION_ID,
                "user_version": int(head),
            }
            connection.exec_driver_sql("PRAGMA user_version=3")
            connection.commit()
        assert any("user_version is 3" in breach for breach in doctor.database_is_sound())
        session.remove()
        flask_migrate.upgrade()
        assert doctor.database_is_sound() == []


def test_seals_are_not_taken_away_unless_that_is_asked_for(empty_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        person = make_person("admin@portal.example")
        with own_transaction():
            grants.grant_role(person=person, role=Role.ADMIN, by=None)
        before = _count("seals")
        assert before
        session.remove()
        with pytest.raises(SystemExit):
            flask_migrate.downgrade(revision="0005")
        assert "restore a backup" in caplog.text
        assert _count("seals") == before
        # PostgreSQL waits for whoever has read a table before it is dropped.
        session.remove()
        flask_migrate.downgrade(revision="0005", x_arg=["forget-seals=yes"])
        assert "seals" not in _tables()
