"""The doctor: re-computes what must always be true, and names what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import func, select, text

from portal.core import clock, jobs
from portal.core.db import db, session, sqlite_wal_is_safe

# Each returns one sentence for every breach, none when all is well.
Invariant = Callable[[], list[str]]
STUCK_AFTER = timedelta(minutes=10)
WAITING_TOO_LONG = timedelta(minutes=15)


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
    """I12: nothing that could run has waited for more than 15 minutes."""
    waiting = session.scalars(
        select(jobs.Job.id).where(
            jobs.Job.state == jobs.JobState.CREATED,
            jobs.Job.attempts == 0,
            jobs.Job.run_after < clock.now() - WAITING_TOO_LONG,
        )
    )
    return [f"job {number} has waited for more than 15 minutes; is the worker running?" for number in waiting]


def database_is_sound() -> list[str]:
    """I14: the file is whole, foreign keys hold, and the SQLite release is a safe one."""
    if db.engine.dialect.name != "sqlite":
        return []
    import pysqlite3

    broken = []
    if not sqlite_wal_is_safe(pysqlite3.sqlite_version_info):
        broken.append(f"SQLite {pysqlite3.sqlite_version} can lose data in WAL mode")
    whole = session.execute(text("PRAGMA integrity_check")).scalars().all()
    if whole != ["ok"]:
        broken += [f"integrity check: {line}" for line in whole]
    broken += [
        f"foreign key: {row[0]} row {row[1]} points to nothing in {row[2]}"
        for row in session.execute(text("PRAGMA foreign_key_check"))
    ]
    return broken


OWN: dict[str, Invariant] = {
    "I11 one effect per job": jobs_have_one_effect,
    "I12 no job waits": jobs_do_not_wait,
    "I14 the database is sound": database_is_sound,
}


def examine(invariants: Mapping[str, Invariant]) -> dict[str, list[str]]:
    """Run every invariant; return its breaches by name, empty lists where it holds."""
    return {name: check() for name, check in invariants.items()}
