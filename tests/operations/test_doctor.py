"""The doctor is clean on a sound organisation and names each planted breach."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from portal import wiring
from portal.core import clock, jobs
from portal.core.db import db, session
from portal.core.jobs import Job, JobState
from portal.core.transaction import own_transaction
from portal.journal.service import record
from portal.operations import doctor
from tests.builders import save


def _breaches() -> dict[str, list[str]]:
    session.rollback()
    return {name.split()[0]: found for name, found in doctor.examine(wiring.INVARIANTS).items() if found}


def _plant(*statements: str) -> None:
    """Change rows behind the product's back."""
    connection = db.engine.raw_connection()
    cursor = connection.cursor()
    sqlite = db.engine.dialect.name == "sqlite"
    if sqlite:
        cursor.execute("PRAGMA foreign_keys=OFF")
    for statement in statements:
        cursor.execute(statement)
    connection.commit()
    if sqlite:
        cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
    connection.close()


def test_a_new_organisation_is_sound(app: Flask) -> None:
    assert _breaches() == {}


@pytest.mark.parametrize(
    "plant",
    [
        "UPDATE journal_entries SET reason = 'rewritten' WHERE id = 2",
        "DELETE FROM journal_entries WHERE id = 2",
        "UPDATE journal_entries SET actor_code = 'somebody-else' WHERE id = 3",
    ],
)
def test_a_changed_journal_is_noticed(app: Flask, plant: str) -> None:
    for name in "abc":
        with own_transaction():
            record("test.done", by=None, subject=("test", name))
    assert _breaches() == {}
    _plant(plant)
    assert "I13" in _breaches()


def test_a_job_that_went_silent_is_noticed(app: Flask) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    save(
        Job(
            name="x", arguments={}, effect_key="x", state=JobState.RUNNING, created_at=long_ago, run_after=long_ago,
            touched_at=long_ago,
        )
    )  # fmt: skip
    assert list(_breaches()) == ["I11"]


def test_a_job_that_nobody_carries_out_is_noticed(app: Flask) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    save(Job(name="x", arguments={}, effect_key="x", created_at=long_ago, run_after=long_ago))
    assert list(_breaches()) == ["I12"]
    assert jobs.count_by_state()[JobState.CREATED] == 1


def test_a_row_that_points_to_nothing_is_noticed(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL does not let foreign keys be broken")
    _plant("INSERT INTO person_markets (person_id, market_id) VALUES (12345, 67890)")
    assert list(_breaches()) == ["I14"]
