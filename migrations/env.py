"""Runs migrations inside the application, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

from portal.core.db import Base, db, stamp_file, writing


def render_item(kind: str, item: SchemaItem | Any, autogen_context: Any) -> str | Literal[False]:
    """Write our column types as what they are in the database, so that migrations import nothing of ours."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def compare_type(
    ctx: Any, inspected: Any, metadata_column: Any, inspected_type: Any, metadata_type: Any
) -> bool | None:
    """Let our own types be compared as what they are in the database."""
    return False if isinstance(metadata_type, TypeDecorator) else None


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave alone what belongs to the full-text search of a database: its tables, columns and their indexes."""
    return not (reflected and compare_to is None and "_fts" in (name or ""))


@contextmanager
def foreign_keys_at_rest(connection: Connection) -> Iterator[None]:
    """Let tables be rebuilt without their rows' children cascading away; nothing may point to nothing afterwards.

    Said on the driver's own connection: inside a transaction SQLite takes no notice of it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if lost:
            raise RuntimeError(f"after the migration {len(lost)} rows point to nothing; nothing was changed")
        connection.commit()
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")


def run_migrations() -> None:
    """Run what is asked on the application's own database, in one transaction."""
    with current_app.app_context():
        token = writing.set(True)
        try:
            with db.engine.connect() as connection, foreign_keys_at_rest(connection):
                context.configure(
                    connection=connection,
                    target_metadata=Base.metadata,
                    render_as_batch=True,
                    render_item=render_item,
                    compare_type=compare_type,
                    include_object=include_object,
                    # SQLite can; all migrations are done or none is.
                    transactional_ddl=True,
                )
                with context.begin_transaction():
                    if connection.dialect.name == "postgresql":
                        # Whoever still has a transaction open would else hold this back for ever.
                        connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
                    context.run_migrations()
                    stamp_file(connection, context.get_context().get_current_revision())
        finally:
            writing.reset(token)


run_migrations()
