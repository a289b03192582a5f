"""The database: one declarative base, engines that keep their promises on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar, cast

import pysqlite3
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Connection, DateTime, Engine, Enum, Integer, MetaData, String, Text, event, types
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, registry, scoped_session
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.pool import ConnectionPoolEntry

from portal.core.i18n import Words

# 'SHRB' as a number, in the header of every SQLite file of ours.
APPLICATION_ID = 0x53485242
FOREIGN_FILE = "the file was made by another program"

# Releases with the data-loss race of several WAL connections are those from 3.7.0 to 3.51.2,
# except the two maintenance lines that carry the fix (sqlite.org, wal.html).
_FIXED_LINES = {(3, 50): 7, (3, 44): 6}

writing: ContextVar[bool] = ContextVar("database_writing", default=False)


class UtcDateTime(types.TypeDecorator[datetime]):
    """An aware instant; stored in UTC, given back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(types.TypeDecorator[Any]):
    """Plain data as canonical JSON text: sorted keys, no blanks, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class WordsType(types.TypeDecorator[Words]):
    """A text in both languages, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Words | None, dialect: Dialect) -> str | None:
        return None if value is None else canonical_json({"en": value.en, "ja": value.ja})

    def process_result_value(self, value: str | None, dialect: Dialect) -> Words | None:
        if value is None:
            return None
        data = json.loads(value)
        return Words(en=data["en"], ja=data["ja"])


class ExactFraction(types.TypeDecorator[Fraction]):
    """An exact rational, stored as "numerator/denominator"; points and pass marks are never floats."""

    impl = String(60)
    cache_ok = True

    def process_bind_param(self, value: Fraction | int | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        exact = Fraction(value)
        return f"{exact.numerator}/{exact.denominator}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> Fraction | None:
        return None if value is None else Fraction(value)


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no blanks, so that equal data has equal text and hash."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


class Base(DeclarativeBase):
    """The base of every table; models subclass it directly."""

    # Both belong into the registry: Flask-SQLAlchemy copies the base and would lose them elsewhere.
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UtcDateTime(),
            Words: WordsType(),
            Fraction: ExactFraction(),
            dict[str, Any]: Json(),
            list[Any]: Json(),
            list[str]: Json(),
        },
    )


EnumT = TypeVar("EnumT", bound=StrEnum)
ReadT = TypeVar("ReadT")


def enum_type(enum: type[EnumT], length: int = 30) -> Enum:
    """Return the column type of a string enum: its values as text, with a check constraint."""
    return Enum(
        enum,
        native_enum=False,
        length=length,
        create_constraint=True,
        validate_strings=True,
        values_callable=lambda members: [member.value for member in members],
        name=enum.__name__.lower(),
    )


# Row numbers: 64 bits on PostgreSQL; SQLite wants exactly INTEGER for an alias of its row id.
BigKey = BigInteger().with_variant(Integer(), "sqlite")

db = SQLAlchemy(model_class=Base)

session = cast("scoped_session[OrmSession]", db.session)


def insert(table: Any, dialect_name: str | None = None) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT into a table or a model that can say what happens where the row is already there.

    It is written for the session's database, or for the one that is named, where a statement is made once and kept.
    """
    name = dialect_name or session.get_bind().dialect.name
    return postgresql.insert(table) if name == "postgresql" else sqlite.insert(table)


def read_alone(look: Callable[[], ReadT]) -> ReadT:
    """Return what a look finds, and let go of the database: for what is read piece by piece, with long waits between.

    Raises `RuntimeError` within a transaction, which would be lost.
    """
    if writing.get():
        raise RuntimeError("what is read alone is read outside of any transaction")
    try:
        return look()
    finally:
        session.rollback()


def sqlite_wal_is_safe(version: tuple[int, ...]) -> bool:
    """Say whether this SQLite release is free of the data-loss race in WAL mode."""
    if version < (3, 7, 0):
        return False
    if version >= (3, 51, 3):
        return True
    fixed_from = _FIXED_LINES.get((version[0], version[1]))
    return fixed_from is not None and version[2] >= fixed_from


def journal_mode(version: tuple[int, ...]) -> str:
    """Return the journal mode for this SQLite release: WAL where it is safe, else TRUNCATE."""
    return "WAL" if sqlite_wal_is_safe(version) else "TRUNCATE"


def init_app(app: Flask) -> None:
    """Bind the database of the settings to the application."""
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        options = {"module": pysqlite3, "connect_args": {"timeout": 5, "check_same_thread": False}}
        version = pysqlite3.sqlite_version_info
        if not sqlite_wal_is_safe(version):
            app.logger.warning(
                "SQLite %s can lose data in WAL mode; using journal_mode=TRUNCATE, which is slower. "
                "Install the pinned pysqlite3 to mend this.",
                pysqlite3.sqlite_version,
            )
    else:
        # A server that does not answer is told after ten seconds instead of minutes.
        options = {
            "pool_size": 8,
            "max_overflow": 8,
            "pool_pre_ping": True,
            "connect_args": {} if "connect_timeout" in url.query else {"connect_timeout": 10},
        }
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", options)
    db.init_app(app)
    if "FLASK_RUN_FROM_CLI" in os.environ:
        attach_migrations(app)
    with app.app_context():
        refuse_foreign_files(db.engine)
        prepare_engine(db.engine)


def attach_migrations(app: Flask) -> None:
    """Make `flask db` and its functions work on the application.

    Only commands need it; importing Alembic would cost the web server half a second at its start.
    """
    from flask_migrate import Migrate

    Migrate(app, db, directory=app.config["MIGRATIONS_DIR"], render_as_batch=True, compare_type=True)


def is_own_file_in_place(connection: Connection) -> bool:
    """Say whether a SQLite connection writes into the file that its address names.

    A file that was deleted or replaced is still written to by whoever had it open, and all of that is lost.
    """
    if connection.dialect.name != "sqlite":
        return True
    opened = connection.connection.info["file"]
    return opened is not None and opened == _file_id(str(connection.engine.url.database))


def _file_id(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def refuse_foreign_files(engine: Engine) -> None:
    """Let no SQLite file be opened that another program has made; it stays as it is."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def look(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        # Reading needs no more than a moment without an exclusive lock; whoever writes is not waited for.
        cursor.execute("PRAGMA busy_timeout=5000")
        (found,) = cursor.execute("PRAGMA application_id").fetchone()
        names = set() if found else {row[0] for row in cursor.execute("SELECT name FROM sqlite_master")}
        cursor.close()
        # A new file has no tables; one that is not stamped yet has ours.
        if found not in (0, APPLICATION_ID) or (names and "journal_entries" not in names):
            raise pysqlite3.DatabaseError(FOREIGN_FILE)


def stamp_file(connection: Connection, revision: str | None) -> None:
    """Write into a SQLite file's header whose it is and which revision its tables have, where that is not said yet.

    Only whoever makes or migrates the file does so: it needs the right to write, which no reader should wait for.
    """
    if connection.dialect.name != "sqlite":
        return
    for name, wanted in header_for(revision).items():
        if connection.exec_driver_sql(f"PRAGMA {name}").scalar() != wanted:
            connection.exec_driver_sql(f"PRAGMA {name}={wanted}")


def header_for(revision: str | None) -> dict[str, int]:
    """Return what a SQLite file's header says of tables at a revision, by the names of SQLite."""
    number = int(revision) if revision is not None and revision.isdigit() else 0
    return {"application_id": APPLICATION_ID, "user_version": number}


def prepare_engine(engine: Engine) -> None:
    """Attach what makes a SQLite connection durable and its transactions explicit."""
    if engine.dialect.name != "sqlite":
        return
    mode = journal_mode(pysqlite3.sqlite_version_info)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _file_id(str(engine.url.database))
        # The driver's own transaction handling begins too late; we emit BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout=5000",
            "synchronous=FULL",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        # The file keeps its mode; to set it needs a lock that somebody else may hold.
        if cursor.execute("PRAGMA journal_mode").fetchone()[0].upper() != mode:
            cursor.execute(f"PRAGMA journal_mode={mode}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing.get() else "BEGIN")
