"""Runs migrations inside the application, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

from portal.core.db import Base, db, writing


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
    """Leave alone what SQLite's full-text search makes for itself."""
    return not (kind == "table" and reflected and compare_to is None and "_fts" in (name or ""))


def run_migrations() -> None:
    """Run what is asked on the application's own database, in one transaction."""
    with current_app.app_context():
        token = writing.set(True)
        try:
            with db.engine.connect() as connection:
                sqlite = connection.dialect.name == "sqlite"
                if sqlite:
                    # Batch migrations rebuild tables; rows must not cascade away meanwhile.
                    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                    connection.commit()
                context.configure(
                    connection=connection,
                    target_metadata=Base.metadata,
                    render_as_batch=True,
                    render_item=render_item,
                    compare_type=compare_type,
                    include_object=include_object,
                )
                with context.begin_transaction():
                    context.run_migrations()
                connection.commit()
                if sqlite:
                    connection.exec_driver_sql("PRAGMA foreign_keys=ON")
                    connection.commit()
        finally:
            writing.reset(token)


run_migrations()
