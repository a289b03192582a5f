"""Beginnings of tests: what many of them start from is made once in a run, and laid down again as it was stored.

    @pytest.fixture
    @beginning
    def base(cast: Cast) -> DocumentVersion:
        return make_published(cast.admin)

The first time the fixture is made, and all rows are kept. When it is asked for again of a database that stands as it
did then, the rows are laid down and what the fixture gives is read from them: about four milliseconds, where a cast
takes thirty and the documents of a plan take a hundred. Where anything else was written in between, it is made as if
nothing were kept. A beginning writes into the database alone, and always the same: no mail, no file, no module's
variable, nothing that depends on a clock which differs from test to test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import pysqlite3
from flask import Flask, current_app
from sqlalchemy import Engine, inspect, select, tuple_
from sqlalchemy.orm import DeclarativeBase

from portal.core import search
from portal.core.db import Base, db, session

P = ParamSpec("P")
T = TypeVar("T")
_PLACE = "tests.beginnings"


def tables() -> list[str]:
    """Return the names of all tables, those that others point to last."""
    return [search.WORDS, *(table.name for table in reversed(Base.metadata.sorted_tables))]


def having_rows(names: Iterable[str]) -> str:
    """Return the statement that gives the names of those tables that hold something."""
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)


class _SQLite:
    """Whole files: a copy in memory for each beginning."""

    def __init__(self, engine: Engine) -> None:
        self._raw = engine.raw_connection()
        self._connection = cast("Any", self._raw.driver_connection)
        self._raw.detach()

    def version(self) -> object:
        """Return what differs as soon as any other connection has written."""
        return self._connection.execute("PRAGMA data_version").fetchone()

    def keep(self, number: int) -> Any:
        copy = pysqlite3.connect(":memory:")
        self._connection.backup(copy)
        return copy

    def lay(self, kept: Any) -> None:
        kept.backup(self._connection)

    def close(self) -> None:
        self._raw.close()


class _PostgreSQL:
    """Tables of this connection alone, one for each table that holds something."""

    def __init__(self, engine: Engine) -> None:
        self._raw = engine.raw_connection()
        self._connection = cast("Any", self._raw.driver_connection)
        self._raw.detach()

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchall()
        self._connection.commit()
        return cast("list[tuple[Any, ...]]", found)

    def version(self) -> object:
        """Return what differs as soon as anybody has written."""
        return self._ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")

    def keep(self, number: int) -> str:
        filled = self._ask(having_rows(tables()))
        counted = self._ask(
            "SELECT seqrelid::regclass::text, pg_sequence_last_value(seqrelid) FROM pg_sequence"
            " WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
        )
        with self._connection.cursor() as cursor:
            for (name,) in filled:
                cursor.execute(f"CREATE TEMPORARY TABLE kept_{number}_{name} AS TABLE {name}")
        self._connection.commit()
        return ";".join(
            [
                "SET session_replication_role = replica",
                *(f"DELETE FROM {name}; INSERT INTO {name} TABLE kept_{number}_{name}" for (name,) in filled),
                *(f"SELECT setval('{name}', {last})" for name, last in counted),
                "SET session_replication_role = DEFAULT",
            ]
        )

    def lay(self, kept: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(kept)
        self._connection.commit()

    def close(self) -> None:
        self._raw.close()


@dataclass(frozen=True)
class _Row:
    """A row that a beginning has given, by its key."""

    model: type[DeclarativeBase]
    key: tuple[Any, ...]


def _by_key(given: Any) -> Any:
    """Return what was given with the key of each row in the row's place."""
    if isinstance(given, DeclarativeBase):
        return _Row(type(given), tuple(inspect(given).identity))
    if is_dataclass(given) and not isinstance(given, type):
        return type(given)(**{each.name: _by_key(getattr(given, each.name)) for each in fields(given)})
    if isinstance(given, dict):
        return {name: _by_key(value) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return type(given)(_by_key(each) for each in given)
    assert given is None or isinstance(given, str | int | date | Flask), f"a {type(given).__name__} cannot be kept"
    return given


def _rows_in(kept: Any) -> Iterator[_Row]:
    if isinstance(kept, _Row):
        yield kept
    elif is_dataclass(kept):
        for each in fields(kept):
            yield from _rows_in(getattr(kept, each.name))
    elif isinstance(kept, dict | list | tuple):
        for value in kept.values() if isinstance(kept, dict) else kept:
            yield from _rows_in(value)


def _with_rows(kept: Any, found: dict[_Row, Any]) -> Any:
    if isinstance(kept, _Row):
        return found[kept]
    if is_dataclass(kept) and not isinstance(kept, type):
        return type(kept)(**{each.name: _with_rows(getattr(kept, each.name), found) for each in fields(kept)})
    if isinstance(kept, dict):
        return {name: _with_rows(value, found) for name, value in kept.items()}
    if isinstance(kept, list | tuple):
        return type(kept)(_with_rows(each, found) for each in kept)
    return kept


def _read(kept: Any) -> Any:
    """Return what was given, its rows read at one go for each table."""
    wanted: dict[type[DeclarativeBase], set[tuple[Any, ...]]] = {}
    for row in _rows_in(kept):
        wanted.setdefault(row.model, set()).add(row.key)
    found: dict[_Row, Any] = {}
    for model, keys in wanted.items():
        key = inspect(model).primary_key
        for each in session.scalars(select(model).where(tuple_(*key).in_(sorted(keys)))):
            found[_Row(model, tuple(inspect(each).identity))] = each
    return _with_rows(kept, found)


class Beginnings:
    """The beginnings that a run has made so far, and which of them the database holds."""

    def __init__(self, app: Flask) -> None:
        self._store = (_PostgreSQL if db.engine.dialect.name == "postgresql" else _SQLite)(db.engine)
        self._kept: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._stands: tuple[Any, ...] | None = None
        self._version: object = None
        self._mail = app.config["DATA_DIR"] / "mail"
        app.extensions[_PLACE] = self

    def close(self) -> None:
        """Close the connection that knows what was kept."""
        self._store.close()

    @property
    def stands(self) -> tuple[Any, ...] | None:
        """What the database holds, made from the empty one by these; None where anything else was written."""
        return self._stands if self._version == self._store.version() else None

    @stands.setter
    def stands(self, made: tuple[Any, ...]) -> None:
        self._stands, self._version = made, self._store.version()

    def begin_with(self, make: Callable[..., T], given: dict[str, Any]) -> T:
        """Return what `make(**given)` gives, and leave in the database what it leaves."""
        session.rollback()
        before = self.stands
        if before is None:
            return make(**given)
        made_by = (*before, (make, *((name, _by_key(value)) for name, value in given.items())))
        if made_by in self._kept:
            rows, kept = self._kept[made_by]
            self._store.lay(rows)
            session.expire_all()
            made = cast("T", _read(kept))
        else:
            made = make(**given)
            session.rollback()
            assert not self._mail.exists(), f"{make.__qualname__} has sent mail, which would not be sent again"
            self._kept[made_by] = self._store.keep(len(self._kept)), _by_key(made)
        session.rollback()
        self.stands = made_by
        return made


def beginning(make: Callable[P, T]) -> Callable[P, T]:
    """Let what a fixture makes be made once in a run.

    It is given rows of beginnings before it, and gives rows; or dataclasses, lists, tuples and dicts of rows, texts,
    numbers and dates.
    """

    @wraps(make)
    def begin(*arguments: P.args, **given: P.kwargs) -> T:
        assert not arguments, "pytest names what it gives"
        return beginnings_of(current_app).begin_with(make, given)

    return begin


def beginnings_of(app: Flask) -> Beginnings:
    """Return what is kept for the application."""
    return cast("Beginnings", app.extensions[_PLACE])
