"""Beginnings of tests: what many of them start from is made once in a run, and laid down again as it was stored.

    @pytest.fixture
    @beginning
    def base(cast: Cast) -> DocumentVersion:
        return make_published(cast.admin)

The first time the fixture is made, and all rows are kept. When it is asked for again of a database that stands as it
did then, the rows are laid down and what the fixture gives is read from them: about three milliseconds, where a cast
takes thirty and the documents of a plan take a hundred. Where anything else was written in between, it is made as if
nothing were kept. A beginning writes into the database alone, and always the same: no mail, no file, no module's
variable, nothing that depends on a clock which differs from test to test.

What takes many seconds and begins with the empty database is made once for all workers of a run: `@beginning_of_all`.
"""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import cache, partial, wraps
from pathlib import Path
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


@cache
def tables() -> tuple[str, ...]:
    """Return the names of all tables, those that others point to last."""
    return (search.WORDS, *(table.name for table in reversed(Base.metadata.sorted_tables)))


def having_rows(names: Iterable[str]) -> str:
    """Return the statement that gives the names of those tables that hold something."""
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)


class _SQLite:
    """The rows where they are few, else the whole file: a copy of it makes every connection read its schema again."""

    FEW = 2_000
    # The index of words holds what it knows in these.
    TABLES = tuple(f"{search.WORDS}_{part}" for part in ("data", "idx", "docsize", "config"))

    def __init__(self, engine: Engine) -> None:
        self._raw = engine.raw_connection()
        self._connection = cast("Any", self._raw.driver_connection)
        self._raw.detach()
        # What is laid down was whole when it was kept.
        self._connection.execute("PRAGMA foreign_keys=OFF")
        self._no_words = {name: self._rows(name) for name in self.TABLES}

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return cast("list[tuple[Any, ...]]", self._connection.execute(f"SELECT * FROM {name}").fetchall())

    def version(self) -> object:
        """Return what differs as soon as any other connection has written."""
        return self._connection.execute("PRAGMA data_version").fetchone()

    def keep(self, number: int) -> Any:
        rows = {
            name: self._rows(name)
            for name in (*self.TABLES, *tables()[1:])
            if name in self.TABLES or self._connection.execute(f"SELECT 1 FROM {name}").fetchone()
        }
        if sum(map(len, rows.values())) <= self.FEW:
            return rows
        copy = pysqlite3.connect(":memory:")
        self._connection.backup(copy)
        return copy

    def save(self, folder: Path) -> None:
        """Leave everything where other workers find it."""
        copy = pysqlite3.connect(folder / "all.sqlite3")
        self._connection.backup(copy)
        copy.close()

    def load(self, folder: Path) -> None:
        """Lay down what another worker has left."""
        copy = pysqlite3.connect(folder / "all.sqlite3")
        copy.backup(self._connection)
        copy.close()

    def lay(self, kept: Any) -> None:
        if not isinstance(kept, dict):
            kept.backup(self._connection)
            return
        self._connection.execute("BEGIN IMMEDIATE")
        for name, rows in kept.items():
            self._connection.execute(f"DELETE FROM {name}")
            if rows:
                self._connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        self._connection.execute("COMMIT")

    def empty(self, only: Sequence[str]) -> None:
        names = [name for name in only or tables() if name != search.WORDS]
        filled: dict[str, list[tuple[Any, ...]]] = {
            name: [] for (name,) in self._connection.execute(having_rows(names)).fetchall()
        }
        # The index of words cannot tell whether it holds something.
        self.lay(filled if only and search.WORDS not in only else self._no_words | filled)

    def close(self) -> None:
        self._raw.close()


class _PostgreSQL:
    """Tables of this connection alone, one for each table that holds something."""

    def __init__(self, engine: Engine) -> None:
        self._raw = engine.raw_connection()
        self._connection = cast("Any", self._raw.driver_connection)
        self._raw.detach()
        # Several statements in one string are one transaction all the same.
        self._connection.autocommit = True

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        # Planned once: that takes longer than looking into tables most of which are empty.
        return cast("list[tuple[Any, ...]]", self._connection.execute(statement, prepare=True).fetchall())

    def version(self) -> object:
        """Return what differs as soon as anybody has written."""
        return self._ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")

    def _counted(self) -> list[tuple[Any, ...]]:
        return self._ask(
            "SELECT seqrelid::regclass::text, pg_sequence_last_value(seqrelid) FROM pg_sequence"
            " WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
        )

    def save(self, folder: Path) -> None:
        """Leave everything where other workers find it; each has a server of its own."""
        for (name,) in self._ask(having_rows(tables())):
            with (
                (folder / f"{name}.rows").open("wb") as file,
                self._connection.cursor().copy(f"COPY {name} TO STDOUT (FORMAT BINARY)") as rows,
            ):
                for block in rows:
                    file.write(block)
        (folder / "counted").write_bytes(pickle.dumps(self._counted()))

    def load(self, folder: Path) -> None:
        """Lay down what another worker has left."""
        self._connection.execute("SET session_replication_role = replica")
        for path in folder.glob("*.rows"):
            with self._connection.cursor().copy(f"COPY {path.stem} FROM STDIN (FORMAT BINARY)") as rows:
                rows.write(path.read_bytes())
        for name, last in pickle.loads((folder / "counted").read_bytes()):
            self._connection.execute(f"SELECT setval('{name}', {last})")
        self._connection.execute("SET session_replication_role = DEFAULT")

    def keep(self, number: int) -> str:
        filled = self._ask(having_rows(tables()))
        counted = self._counted()
        for (name,) in filled:
            self._connection.execute(f"CREATE TEMPORARY TABLE kept_{number}_{name} AS TABLE {name}")
        return ";".join(
            [
                "SET session_replication_role = replica",
                *(f"DELETE FROM {name}; INSERT INTO {name} TABLE kept_{number}_{name}" for (name,) in filled),
                *(f"SELECT setval('{name}', {last})" for name, last in counted),
                "SET session_replication_role = DEFAULT",
            ]
        )

    def lay(self, kept: str) -> None:
        self._connection.execute(kept)

    def empty(self, only: Sequence[str]) -> None:
        filled = self._ask(having_rows(only or tables()))
        counted = (
            "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
            " WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"
        )
        # TRUNCATE would make new files for every table and index:
        # a tenth of a second each time, and a minute of clearing up at the end.
        self._connection.execute(
            ";".join(
                [
                    "SET session_replication_role = replica",
                    *(f"DELETE FROM {name}" for (name,) in filled),
                    *([] if only else [counted]),
                    "SET session_replication_role = DEFAULT",
                ]
            )
        )

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

    def __init__(self, app: Flask, shared: Path) -> None:
        self._shared = shared
        self._store = (_PostgreSQL if db.engine.dialect.name == "postgresql" else _SQLite)(db.engine)
        self._kept: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._stands: tuple[Any, ...] | None = None
        self._version: object = None
        self._mail = app.config["DATA_DIR"] / "mail"
        app.extensions[_PLACE] = self

    def empty(self, only: Sequence[str] = ()) -> None:
        """Delete all rows, or those of some tables; quick because most tables are empty."""
        self._stands = None
        self._store.empty(only)
        if not only:
            self.stands = ()

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

    def begin_with(self, make: Callable[..., T], given: dict[str, Any], *, of_all: bool = False) -> T:
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
            made = self._made_for_all(make, given) if of_all and not before else make(**given)
            session.rollback()
            assert not self._mail.exists(), f"{make.__qualname__} has sent mail, which would not be sent again"
            self._kept[made_by] = self._store.keep(len(self._kept)), _by_key(made)
        session.rollback()
        self.stands = made_by
        return made

    def _made_for_all(self, make: Callable[..., T], given: dict[str, Any]) -> T:
        names = [make.__module__, make.__qualname__, *(str(_by_key(value)) for value in given.values())]
        folder = self._shared / "-".join(names)
        with one_at_a_time(folder):
            if (folder / "given").exists():
                self._store.load(folder)
                session.expire_all()
                return cast("T", _read(pickle.loads((folder / "given").read_bytes())))
            made = make(**given)
            session.rollback()
            self._store.save(folder)
            (folder / "given").write_bytes(pickle.dumps(_by_key(made)))
            return made


def beginning(make: Callable[P, T], *, of_all: bool = False) -> Callable[P, T]:
    """Let what a fixture makes be made once in a run by each worker.

    It is given rows of beginnings before it, and gives rows; or dataclasses, lists, tuples and dicts of rows, texts,
    numbers and dates.
    """

    @wraps(make)
    def begin(*arguments: P.args, **given: P.kwargs) -> T:
        assert not arguments, "pytest names what it gives"
        return beginnings_of(current_app).begin_with(make, given, of_all=of_all)

    return begin


# Made by the worker that asks first; the others wait for it, and lay down what it has left.
beginning_of_all = partial(beginning, of_all=True)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one worker of a run after the other do what follows."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def beginnings_of(app: Flask) -> Beginnings:
    """Return what is kept for the application."""
    return cast("Beginnings", app.extensions[_PLACE])
