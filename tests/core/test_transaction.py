"""The promises of a transaction, of the outbox and of the journal's chain."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import create_app
from portal.core import clock, jobs
from portal.core.db import db, journal_mode, session, sqlite_wal_is_safe
from portal.core.jobs import Job, JobState
from portal.core.transaction import own_transaction, transaction
from portal.journal.models import GENESIS, JournalEntry
from portal.journal.service import record
from tests.builders import make_market
from tests.conftest import settings


@pytest.fixture(autouse=True)
def _work(app: Flask) -> None:
    @jobs.job("test.note", tries=2)
    def note(text: str) -> None:
        record("test.noted", by=None, subject=("test", text))

    @jobs.job("test.fail", tries=2)
    def fail() -> None:
        record("test.never", by=None, subject=("test", "x"))
        raise RuntimeError("on purpose")

    @jobs.job("test.steps")
    def steps(texts: list[str]):  # type: ignore[no-untyped-def]
        for number, text in enumerate(texts, start=1):
            answer = yield jobs.Outside(lambda text=text: text.upper())
            record("test.step", by=None, subject=("test", answer))
            yield jobs.Progress(number, len(texts))


def test_what_fails_inside_a_transaction_leaves_nothing(app: Flask) -> None:
    def half_done() -> None:
        with transaction():
            record("test.one", by=None, subject=("test", "1"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert session.scalars(select(JournalEntry)).all() == []


def test_a_get_request_cannot_open_a_transaction(app: Flask) -> None:
    with app.test_request_context("/"), pytest.raises(RuntimeError, match="GET"), transaction():
        pass


def test_transactions_do_not_nest(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="open already"), transaction(), transaction():
        pass


def test_the_journal_is_a_chain_from_its_beginning(app: Flask) -> None:
    for name in ("a", "b"):
        with transaction():
            record("test.one", by=None, subject=("test", name), after={"größe": 1})
            record("test.two", by=None, subject=("test", name))
    session.expire_all()
    entries = session.scalars(select(JournalEntry).order_by(JournalEntry.id)).all()
    assert [entry.id for entry in entries] == [1, 2, 3, 4]
    previous = GENESIS
    for entry in entries:
        assert entry.previous_hash == previous
        assert entry.hash == entry.computed_hash()
        previous = entry.hash


def test_the_same_effect_is_owed_and_done_once(app: Flask) -> None:
    for _ in range(2):
        with transaction():
            jobs.enqueue("test.note", {"text": "x"}, effect_key="note:x")
    assert jobs.run_due() == 1
    assert jobs.run_due() == 0
    assert len(session.scalars(select(JournalEntry)).all()) == 1


def test_a_failing_job_keeps_its_error_and_leaves_no_effect(app: Flask) -> None:
    with transaction():
        job_id = jobs.enqueue("test.fail", {}, effect_key="fail").id
    assert not jobs.run_job(job_id)
    row = session.get_one(Job, job_id)
    assert row.state is JobState.CREATED
    assert "on purpose" in (row.last_error or "")
    with own_transaction():
        session.get_one(Job, job_id).run_after = row.created_at
    assert not jobs.run_job(job_id)
    assert session.get_one(Job, job_id).state is JobState.FAILED
    assert session.scalars(select(JournalEntry)).all() == []
    with transaction():
        jobs.retry(session.get_one(Job, job_id))
    assert session.get_one(Job, job_id).state is JobState.CREATED


def test_a_job_in_steps_keeps_each_step_and_its_progress(app: Flask) -> None:
    with transaction():
        job_id = jobs.enqueue("test.steps", {"texts": ["a", "b"]}, effect_key="steps").id
    assert jobs.run_job(job_id)
    row = session.get_one(Job, job_id)
    assert (row.done, row.total, row.state) == (2, 2, JobState.DONE)
    assert [entry.subject_code for entry in session.scalars(select(JournalEntry).order_by(JournalEntry.id))] == [
        "A",
        "B",
    ]


def test_a_job_whose_worker_is_gone_is_taken_up_within_seconds(app: Flask) -> None:
    assert timedelta(seconds=10) >= jobs.LEASE
    with transaction():
        job_id = jobs.enqueue("test.note", {"text": "lost"}, effect_key="lost").id
    with own_transaction():
        row = session.get_one(Job, job_id)
        row.state, row.attempts, row.started_at = JobState.RUNNING, 1, clock.now()
        row.touched_at = clock.now()
    assert jobs.due_ids() == []
    assert not jobs.is_interrupted(session.get_one(Job, job_id))
    with clock.frozen(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        assert jobs.is_interrupted(session.get_one(Job, job_id))
        assert jobs.due_ids() == [job_id]
        assert jobs.run_job(job_id)


def test_a_job_that_takes_long_says_that_somebody_is_at_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.05)
    seen: list[bool] = []

    @jobs.job("test.wait")
    def work():  # type: ignore[no-untyped-def]
        yield jobs.Outside(wait)

    def wait() -> None:
        before = session.scalar(select(Job.touched_at))
        session.rollback()
        for _ in range(100):
            time.sleep(0.05)
            seen.append(session.scalar(select(Job.touched_at)) != before)
            session.rollback()
            if seen[-1]:
                return

    with transaction():
        job_id = jobs.enqueue("test.wait", {}, effect_key="wait").id
    assert jobs.run_job(job_id)
    assert seen[-1]


def test_that_somebody_is_at_a_job_is_said_in_the_time_of_whoever_is(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.02)
    moment = clock.now() - timedelta(days=100)

    @jobs.job("test.wait")
    def work():  # type: ignore[no-untyped-def]
        yield jobs.Outside(lambda: time.sleep(0.5))

    with clock.frozen(moment):
        with transaction():
            job_id = jobs.enqueue("test.wait", {}, effect_key="wait").id
        assert jobs.run_job(job_id)
    assert session.scalar(select(Job.touched_at)) == moment


def test_what_is_being_said_of_a_job_arrives_before_whoever_was_at_it_goes_on(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, may_arrive = threading.Event(), threading.Event()
    arrived: list[bool] = []

    @contextmanager
    def begin() -> Iterator[Any]:
        under_way.set()
        may_arrive.wait(10)
        yield SimpleNamespace(execute=lambda statement: arrived.append(True))

    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(jobs, "db", SimpleNamespace(engine=SimpleNamespace(begin=begin)))
    beats = jobs._Beats()
    with beats.of(jobs._Turn(1, 1, clock.now())):
        assert under_way.wait(10)
        threading.Timer(0.2, may_arrive.set).start()
    said = len(arrived)
    assert said == 1
    time.sleep(0.1)
    assert len(arrived) == said


@pytest.mark.parametrize("name", ["test.note", "test.steps"])
def test_who_was_silent_and_wakes_up_undoes_what_another_does_now(
    app: Flask, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process stood still for longer than it may; meanwhile somebody else has begun anew."""
    arguments = {"text": "a"} if name == "test.note" else {"texts": ["a", "b"]}
    with transaction():
        job_id = jobs.enqueue(name, arguments, effect_key="twice").id
    known = jobs._note

    def late(turn: jobs._Turn, **values: Any) -> None:
        # Whoever has taken it over has a turn of its own.
        known(replace(turn, attempts=turn.attempts - 1), **values)

    monkeypatch.setattr(jobs, "_note", late)
    assert not jobs.run_job(job_id)
    assert session.scalars(select(JournalEntry)).all() == []
    row = session.get_one(Job, job_id)
    assert (row.state, row.last_error) == (JobState.RUNNING, None)


@pytest.mark.races
def test_concurrent_writers_lose_nothing(app: Flask) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for _ in range(10):
                with app.app_context(), own_transaction():
                    record("test.race", by=None, subject=("test", name))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    entries = session.scalars(select(JournalEntry).order_by(JournalEntry.id)).all()
    assert [entry.id for entry in entries] == list(range(1, 41))
    assert all(later.previous_hash == earlier.hash for earlier, later in itertools.pairwise(entries))


def test_an_instant_comes_back_aware_and_a_text_in_both_languages(app: Flask) -> None:
    market = make_market()
    session.expire_all()
    assert market.created_at.utcoffset() is not None
    assert market.name.in_("ja") == "日本"


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "TRUNCATE"),
        ((3, 51, 1), "TRUNCATE"),
        ((3, 51, 2), "TRUNCATE"),
        ((3, 51, 3), "WAL"),
        ((3, 53, 4), "WAL"),
        ((3, 50, 7), "WAL"),
        ((3, 50, 6), "TRUNCATE"),
        ((3, 44, 6), "WAL"),
        ((3, 6, 23), "TRUNCATE"),
    ],
)
def test_wal_is_used_only_where_it_is_safe(version: tuple[int, int, int], mode: str) -> None:
    assert journal_mode(version) == mode
    assert sqlite_wal_is_safe(version) == (mode == "WAL")


@pytest.mark.any_database
def test_sqlite_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    # The application of the other tests does not wait for the disk.
    own = create_app(settings(tmp_path, f"sqlite:///{tmp_path / 'own.sqlite3'}"))
    with own.app_context():
        with db.engine.connect() as connection:
            asked = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("synchronous", "foreign_keys", "journal_mode", "trusted_schema", "busy_timeout")
            }
        db.engine.dispose()
    assert asked == {
        "synchronous": 2,
        "foreign_keys": 1,
        "journal_mode": "wal",
        "trusted_schema": 0,
        "busy_timeout": 5000,
    }
