"""The doctor: re-computes what must always be true, and names what is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import CheckConstraint, Table, UniqueConstraint, func, inspect, or_, select, text
from sqlalchemy.engine import Dialect, Inspector
from sqlalchemy.exc import SQLAlchemyError

from portal.core import clock, jobs, search
from portal.core.db import Base, db, header_for, session, sqlite_wal_is_safe
from portal.core.web import local_address
from portal.journal import queries as journal
from portal.organisation.models import Setting
from portal.organisation.rules import ATTEMPT_TOLERANCE, MAX_ATTEMPT_TOLERANCE

# Each returns one sentence for every breach, none when all is well.
Invariant = Callable[[], list[str]]
STUCK_AFTER = timedelta(minutes=10)
WAITING_TOO_LONG = timedelta(minutes=15)
# A mail is tried for four hours.
OWED_TOO_LONG = timedelta(hours=4, minutes=30)


def notes() -> list[str]:
    """Return what is no breach and yet to be known."""
    address = local_address()
    if address is None:
        return []
    return [
        f"certificates and mails carry {address}, which works on this machine only; set SHIRUBE_PUBLIC_URL before a "
        "certificate is issued that counts"
    ]


def jobs_have_one_effect() -> list[str]:
    """I11: an effect key stands once; nothing runs for long without a sign of life."""
    twice = session.execute(
        select(jobs.Job.effect_key).group_by(jobs.Job.effect_key).having(func.count() > 1)
    ).scalars()
    silent = session.scalars(
        select(jobs.Job.id).where(
            jobs.Job.state == jobs.JobState.RUNNING, jobs.Job.touched_at < clock.now() - STUCK_AFTER
        )
    )
    return [f"effect key {key} stands more than once" for key in twice] + [
        f"job {number} runs without progress for more than 10 minutes" for number in silent
    ]


def jobs_do_not_wait() -> list[str]:
    """I12: nothing that is due has waited for more than 15 minutes, and nothing is tried for ever."""
    owed = jobs.Job.state == jobs.JobState.CREATED
    waiting = session.scalars(
        select(jobs.Job.id).where(owed, jobs.Job.run_after < clock.now() - WAITING_TOO_LONG).order_by(jobs.Job.id)
    )
    endless = session.execute(
        select(jobs.Job.id, jobs.Job.attempts, jobs.Job.last_error)
        .where(owed, jobs.Job.attempts > 0, jobs.Job.created_at < clock.now() - OWED_TOO_LONG)
        .order_by(jobs.Job.id)
    )
    return [f"job {number} has waited for more than 15 minutes; is the worker running?" for number in waiting] + [
        f"job {number} has been owed for more than four hours after {attempts} tries: {error or 'no reason is known'}"
        for number, attempts, error in endless
    ]


def failed_jobs_say_why() -> list[str]:
    """I12: whoever looks at a failed job finds its reason, and when it was given up."""
    silent = session.scalars(
        select(jobs.Job.id)
        .where(
            jobs.Job.state == jobs.JobState.FAILED,
            or_(func.coalesce(func.trim(jobs.Job.last_error), "") == "", jobs.Job.finished_at.is_(None)),
        )
        .order_by(jobs.Job.id)
    )
    return [f"job {number} has failed, but nothing says why or when" for number in silent]


def done_jobs_say_when() -> list[str]:
    """I12: what counts as done was begun and finished."""
    timeless = session.scalars(
        select(jobs.Job.id)
        .where(jobs.Job.state == jobs.JobState.DONE, or_(jobs.Job.started_at.is_(None), jobs.Job.finished_at.is_(None)))
        .order_by(jobs.Job.id)
    )
    return [f"job {number} counts as done, but nothing says when" for number in timeless]


def settings_are_within_bounds() -> list[str]:
    """I14: every setting is one that the settings page would take."""
    tolerance = session.scalar(select(Setting.value).where(Setting.key == ATTEMPT_TOLERANCE))
    if tolerance is None:
        return []
    value = tolerance.get("value") if isinstance(tolerance, dict) else tolerance
    if type(value) is int and 0 <= value <= MAX_ATTEMPT_TOLERANCE:
        return []
    return [f"the setting {ATTEMPT_TOLERANCE} is {value!r}, not a number from 0 to {MAX_ATTEMPT_TOLERANCE}"]


def database_is_sound() -> list[str]:
    """I14: the file is whole, foreign keys hold, and the SQLite release is a safe one."""
    if db.engine.dialect.name != "sqlite":
        return []
    import pysqlite3
    from alembic.migration import MigrationContext

    broken = []
    if not sqlite_wal_is_safe(pysqlite3.sqlite_version_info):
        broken.append(f"SQLite {pysqlite3.sqlite_version} can lose data in WAL mode")
    whole = session.execute(text("PRAGMA integrity_check")).scalars().all()
    if whole != ["ok"]:
        broken += [f"integrity check: {line}" for line in whole]
    context = MigrationContext.configure(session.connection())
    for name, wanted in header_for(context.get_current_revision()).items():
        said = session.execute(text(f"PRAGMA {name}")).scalar()
        if said != wanted:
            broken.append(
                f"the file's {name} is {said}, not {wanted}; "
                "if the file is Shirube's own, mend it with: flask --app wsgi db upgrade"
            )
    broken += [
        f"foreign key: {row[0]} row {row[1]} points to nothing in {row[2]}"
        for row in session.execute(text("PRAGMA foreign_key_check"))
    ]
    return broken


def tables_are_those_of_this_release() -> list[str]:
    """I14: every table, column, key, index and check that the product relies on is in the database, at its revision."""
    # Imported here: the web server starts faster without Alembic.
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    connection = session.connection()
    present = sorted(MigrationContext.configure(connection).get_current_heads())
    wanted = sorted(ScriptDirectory(current_app.config["MIGRATIONS_DIR"]).get_heads())
    broken = []
    if present != wanted:
        said = ", ".join(present) or "nothing"
        broken.append(
            f"alembic_version says {said}, this release is {', '.join(wanted)}; run: flask --app wsgi db upgrade"
        )
    inspector = inspect(connection)
    names = set(inspector.get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name in names:
            broken += _differences(table, inspector, connection.dialect)
        else:
            broken.append(f"table {table.name} is missing")
    triggers = session.execute(text(_TRIGGERS[connection.dialect.name])).scalars()
    return broken + [f"the trigger {name} is none of the product's" for name in triggers]


# What would change rows while the product writes them.
_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = current_schema()",
}


def _differences(table: Table, inspector: Inspector, dialect: Dialect) -> Iterator[str]:
    columns = {column["name"]: column for column in inspector.get_columns(table.name)}
    for column in table.columns:
        if column.name not in columns:
            yield f"{table.name}: the column {column.name} is missing"
        elif columns[column.name]["nullable"] != column.nullable:
            said = "may not be" if column.nullable else "may be"
            yield f"{table.name}: the column {column.name} {said} empty in the database"
    indexes = {index["name"]: index for index in inspector.get_indexes(table.name)}
    for wanted in sorted(table.indexes, key=lambda index: str(index.name)):
        found: Any = indexes.get(str(wanted.name))
        if found is None:
            yield f"{table.name}: the index {wanted.name} is missing"
            continue
        same = found["column_names"] == [column.name for column in wanted.columns] and bool(found["unique"]) == bool(
            wanted.unique
        )
        where = wanted.dialect_options[dialect.name]["where"]
        there = found.get("dialect_options", {}).get(f"{dialect.name}_where")
        if not same or (where is None) != (there is None):
            yield f"{table.name}: the index {wanted.name} is another one"
        # PostgreSQL writes conditions in its own words.
        elif where is not None and dialect.name == "sqlite" and _words(str(there)) != _words(_sql(where, dialect)):
            yield f"{table.name}: the index {wanted.name} is for other rows"
    unique = {tuple(each["column_names"]) for each in inspector.get_unique_constraints(table.name)}
    checks = {str(each["name"]): each["sqltext"] for each in inspector.get_check_constraints(table.name)}
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, UniqueConstraint):
            together = tuple(column.name for column in constraint.columns)
            if together not in unique:
                yield f"{table.name}: {', '.join(together)} are not kept unique"
        elif isinstance(constraint, CheckConstraint):
            name = dialect.identifier_preparer.format_constraint(constraint) or ""
            if name not in checks:
                yield f"{table.name}: the check {name} is missing"
            elif dialect.name == "sqlite" and _words(checks[name]) != _words(_sql(constraint.sqltext, dialect)):
                yield f"{table.name}: the check {name} is another one"
    references = {
        (tuple(key["constrained_columns"]), key["referred_table"]): key["options"].get("ondelete", "NO ACTION")
        for key in inspector.get_foreign_keys(table.name)
    }
    for reference in table.foreign_key_constraints:
        there = reference.referred_table.name
        if (tuple(reference.column_keys), there) not in references:
            yield f"{table.name}: {', '.join(reference.column_keys)} no longer refers to {there}"
        elif references[tuple(reference.column_keys), there] != (reference.ondelete or "NO ACTION"):
            yield f"{table.name}: {', '.join(reference.column_keys)} does something else when its {there} row goes"


def _sql(clause: Any, dialect: Dialect) -> str:
    return str(clause.compile(dialect=dialect, compile_kwargs={"literal_binds": True, "include_table": False}))


def _words(condition: str) -> list[str]:
    """Return a condition as its words, so that blanks, quotes and brackets do not matter."""
    return re.findall(r"[\w.]+|'[^']*'|[<>=!]+", condition.lower().replace('"', ""))


OWN: dict[str, Invariant] = {
    "I11 one effect per job": jobs_have_one_effect,
    "I12 no job waits": jobs_do_not_wait,
    "I12 failed jobs say why": failed_jobs_say_why,
    "I12 done jobs say when": done_jobs_say_when,
    "I14 settings are within bounds": settings_are_within_bounds,
    "I14 the database is sound": database_is_sound,
    "I14 the tables are those of this release": tables_are_those_of_this_release,
    "I14 what is found is what the texts say": search.disagreements,
}


def examine(invariants: Mapping[str, Invariant]) -> dict[str, list[str]]:
    """Run every invariant; return its breaches by name, empty lists where it holds.

    One that cannot be checked counts as broken, and does not keep the others from being checked.
    """
    found = {}
    for name, check in invariants.items():
        try:
            # What one leaves broken in the transaction must not keep the next from reading.
            with session.begin_nested():
                found[name] = check()
        except Exception as failure:
            found[name] = [f"could not be checked: {type(failure).__name__}: {str(failure).partition(chr(10))[0]}"]
    return found


def end_of_journal() -> str:
    """Return the number and hash of the journal's last entry, as `--noted` takes them."""
    try:
        with session.begin_nested():
            number, digest = journal.find_end()
    except SQLAlchemyError:
        return "nothing that can be read"
    return f"{number}:{digest}"


def of_noted_end(noted: str | None) -> dict[str, Invariant]:
    """Return the check that the journal still has this entry with this hash; none where nothing was noted."""
    if noted is None:
        return {}
    number, _colon, digest = noted.partition(":")

    def is_still_there() -> list[str]:
        known = journal.find_hash(int(number))
        return [] if known == digest else [f"journal: entry {number} is not the one that was noted"]

    return {"I13 the noted entry is still there": is_still_there}
