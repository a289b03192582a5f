"""Counting the statements of a piece of work, for query budgets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from portal.core.db import db


@contextmanager
def counted_queries(engine: Engine | None = None) -> Iterator[list[str]]:
    """Collect the SQL statements that run inside, of the application's own engine.

    Left out is what controls a transaction or is set for it.
    """
    engine = engine or db.engine
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SET LOCAL", "SELECT set_config")):
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
