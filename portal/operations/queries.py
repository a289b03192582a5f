"""Whether the product is ready to serve."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from portal.core import clock, jobs
from portal.core.db import is_own_file_in_place, session

# A worker says that it lives each minute.
WORKER_SILENT_AFTER = timedelta(minutes=3)


def readiness(migrations_dir: str) -> dict[str, bool]:
    """Say of database, migrations and worker whether each is ready."""
    # Imported here: the web server starts faster without Alembic.
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    checks = {"database": False, "migrations": False, "worker": False}
    try:
        context = MigrationContext.configure(session.connection())
        checks["database"] = is_own_file_in_place(session.connection())
        script = ScriptDirectory(migrations_dir)
        checks["migrations"] = set(context.get_current_heads()) == set(script.get_heads())
        beat = jobs.last_heartbeat()
        checks["worker"] = beat is not None and clock.now() - beat < WORKER_SILENT_AFTER
    except SQLAlchemyError:
        session.rollback()
    return checks
