"""Background work: an outbox row in the business transaction, carried out by Huey after it.

The row is the truth: its effect key is unique, it keeps attempts and the last error. Huey only
carries its number. At-least-once delivery and an idempotent effect is what is promised.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
import traceback
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, current_app
from sqlalchemy import ColumnElement, Index, Select, String, Text, case, func, select, update
from sqlalchemy import insert as sqlalchemy_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import Base, BigKey, db, enum_type, insert, session
from portal.core.errors import Conflict, NotFound
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.transaction import after_commit, after_rollback, own_transaction

__all__ = [
    "Description",
    "Job",
    "JobState",
    "Outside",
    "Progress",
    "enqueue",
    "job",
    "periodic",
    "run_due",
    "run_job",
]

# While a job is carried out its process says so this often, and looks for jobs that were lost.
BEAT_SECONDS = 2.0
# A running job that has said nothing for this long was lost with its worker and is taken up again.
LEASE = timedelta(seconds=10)
# Effects wait this long between tries: at first seconds, then as the relay comes by.
_BACKOFF = (timedelta(seconds=10), timedelta(seconds=60), timedelta(minutes=5))

# Whoever waits for SQLite looks again after 100 ms at the latest: in this time everybody does.
_TURN = 0.12


class JobState(StrEnum):
    """The life of a job."""

    CREATED = "created"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Base):
    """A piece of work owed since its transaction was committed."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_run_after", "state", "run_after"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # What stands for it in addresses.
    code: Mapped[str] = mapped_column(String(20), unique=True, default=new_code)
    name: Mapped[str] = mapped_column(String(80))
    arguments: Mapped[dict[str, Any]]
    effect_key: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[JobState] = mapped_column(enum_type(JobState), default=JobState.CREATED)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    run_after: Mapped[datetime]
    started_at: Mapped[datetime | None]
    touched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    requested_by: Mapped[str | None] = mapped_column(String(40))

    @property
    def is_between_tries(self) -> bool:
        """Whether a try failed and another one will follow."""
        return self.state is JobState.CREATED and self.attempts > 0


class Heartbeat(Base):
    """When a worker last said that it lives."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]


class PeriodicRun(Base):
    """When a periodic task last ran, and what went wrong if it did."""

    __tablename__ = "periodic_runs"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Outside:
    """Yielded by a job: run this outside any transaction (mail, PDF) and send back its result."""

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """Yielded by a job: what was done so far is kept; `done` of `total` is shown to who waits."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Description:
    """A piece of work in words: what it is, for whom (or which thing) and where that is, and more about it."""

    what: LazyText
    whom: str = ""
    href: str | None = None
    about: str = ""


# Describes pieces of work of one kind by their arguments, in the same order, in a fixed number of statements.
Describer = Callable[[Sequence[Mapping[str, Any]]], Sequence[Description]]
# Says in words why work of a kind failed, from the name of the failure (as ConnectionRefusedError); None: cannot tell.
Explainer = Callable[[str], LazyText | None]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One try at a job: whoever has taken the job up since has another one."""

    job_id: int
    attempts: int
    started_at: datetime


class _TakenOver(Exception):
    """The job was silent for too long and somebody else is at it: what this try did last is undone."""


class JobNotRetryable(Conflict):
    """Only a failed job, or one that waits for its next try, can be tried again."""

    message = _l("This job cannot be retried in its current state.")


F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Kind:
    function: Callable[..., Any]
    tries: int
    hopeless: tuple[type[Exception], ...]
    describe: Describer | None
    explain: Explainer | None


_running: ContextVar[tuple[int, str] | None] = ContextVar("job_running", default=None)
_kinds: dict[str, _Kind] = {}
_periodic: dict[str, tuple[Callable[[], Any], int]] = {}
_periodic_names: dict[str, LazyText] = {}


def job(
    name: str,
    *,
    tries: int = 6,
    hopeless: tuple[type[Exception], ...] = (),
    describe: Describer | None = None,
    explain: Explainer | None = None,
) -> Callable[[F], F]:
    """Register a function as the work behind a name; the page of jobs says what it is in the words of `describe`.

    Its arguments are ids and plain values. A plain function runs inside one transaction together
    with the note that it is done. A generator runs in steps: each stretch up to a `yield` is a
    transaction of its own; `yield Outside(...)` runs work outside of it. What fails as one of `hopeless` would fail
    the same way each time: it counts as failed at once, and the log has one line of it.
    """

    def register(function: F) -> F:
        _kinds[name] = _Kind(function, tries, hopeless, describe, explain)
        return function

    return register


def periodic(name: str, *, minutes: int = 1, what: LazyText | None = None) -> Callable[[F], F]:
    """Register a function (or generator, as for `job`) that runs every so many minutes (1 to 59); `what` in words."""

    def register(function: F) -> F:
        _periodic[name] = (function, minutes)
        _periodic_names[name] = what or name
        return function

    return register


def registered() -> dict[str, Callable[..., Any]]:
    """Return the work behind each name."""
    return {name: kind.function for name, kind in _kinds.items()}


def undescribed() -> list[str]:
    """Return the kinds of work that nobody has put in words."""
    kinds = [name for name, kind in _kinds.items() if kind.describe is None]
    return sorted([*kinds, *(name for name, what in _periodic_names.items() if what == name)])


def tries_of(row: Job) -> int | None:
    """Return how often the job is tried before it counts as failed; None for work of an older version."""
    kind = _kinds.get(row.name)
    return kind.tries if kind else None


@dataclass(frozen=True, slots=True)
class Regular:
    """What is done every so many minutes, and how it went the last time; None where it has not run yet."""

    what: LazyText
    minutes: int
    run: PeriodicRun | None


def list_regular() -> list[Regular]:
    """Return what is done regularly, in the order in which it was registered."""
    runs = {run.name: run for run in session.scalars(select(PeriodicRun))}
    return [Regular(_periodic_names[name], minutes, runs.get(name)) for name, (_, minutes) in _periodic.items()]


def enqueue(
    name: str,
    arguments: dict[str, Any],
    *,
    effect_key: str,
    run_after: datetime | None = None,
    requested_by: str | None = None,
) -> Job:
    """Owe a piece of work from this transaction on; the same effect key is owed only once.

    Returns the new row, or the one that stands already under the key.
    """
    if name not in _kinds:
        raise LookupError(f"no work is registered as {name}")
    known = session.scalar(select(Job).where(Job.effect_key == effect_key))
    if known is not None:
        return known
    now = clock.now()
    row = Job(
        name=name,
        arguments=arguments,
        effect_key=effect_key,
        created_at=now,
        run_after=run_after or now,
        requested_by=requested_by,
    )
    session.add(row)
    session.flush()
    session.info.setdefault("jobs_to_hand_over", []).append(row.id)
    return row


def enqueue_all(
    name: str,
    owed: Mapping[str, dict[str, Any]],
    *,
    run_after: datetime | None = None,
    requested_by: str | None = None,
) -> None:
    """Owe much work of one kind from this transaction on: its arguments by the effect key of each piece.

    As `enqueue`, in a number of statements that does not grow with it.
    """
    if name not in _kinds:
        raise LookupError(f"no work is registered as {name}")
    known = set(session.scalars(select(Job.effect_key).where(Job.effect_key.in_(owed))))
    now = clock.now()
    rows = [
        {
            "name": name,
            "arguments": arguments,
            "effect_key": key,
            "created_at": now,
            "run_after": run_after or now,
            "requested_by": requested_by,
        }
        for key, arguments in owed.items()
        if key not in known
    ]
    if not rows:
        return
    session.execute(sqlalchemy_insert(Job), rows)
    added = session.scalars(select(Job.id).where(Job.effect_key.in_([row["effect_key"] for row in rows])))
    session.info.setdefault("jobs_to_hand_over", []).extend(sorted(added))


def retry(row: Job) -> None:
    """Give a failed job a new set of tries; let one that waits for its next try have it now."""
    if row.state is JobState.FAILED:
        row.state, row.attempts, row.finished_at = JobState.CREATED, 0, None
    elif not row.is_between_tries:
        raise JobNotRetryable()
    row.run_after = clock.now()
    session.info.setdefault("jobs_to_hand_over", []).append(row.id)


def cancel(row: Job) -> None:
    """Stop a job before its next step; what its earlier steps did stays."""
    if row.state in (JobState.DONE, JobState.CANCELLED):
        raise JobNotRetryable()
    row.state, row.finished_at = JobState.CANCELLED, clock.now()


def reschedule(*, name: str, key_begins: str, run_after: datetime) -> int:
    """Let work that nobody has begun run at another instant; return how much of it there is.

    It is that of the name whose effect key begins so. Work that a worker takes up at the same moment stays as it is.
    """
    rows = session.scalars(_waiting(name, key_begins).with_for_update()).all()
    for row in rows:
        row.run_after = run_after
    session.flush()
    session.info.setdefault("jobs_to_hand_over", []).extend(row.id for row in rows)
    return len(rows)


def waits_until(*, name: str, key_begins: str) -> datetime | None:
    """Return when the first piece of such work, which nobody has begun, will run; None where there is none."""
    return min((row.run_after for row in session.scalars(_waiting(name, key_begins))), default=None)


def _waiting(name: str, key_begins: str) -> Select[Job]:
    return select(Job).where(
        Job.name == name,
        Job.effect_key.startswith(key_begins, autoescape=True),
        Job.state == JobState.CREATED,
        Job.attempts == 0,
    )


def get_job(job_id: int) -> Job | None:
    """Return the job's row."""
    return session.get(Job, job_id)


def find_job(effect_key: str) -> Job | None:
    """Return the job that stands under the effect key, or None."""
    return session.scalar(select(Job).where(Job.effect_key == effect_key))


def find_jobs(effect_keys: Collection[str]) -> dict[str, Job]:
    """Return the jobs that stand under some effect keys, by their keys."""
    if not effect_keys:
        return {}
    return {row.effect_key: row for row in session.scalars(select(Job).where(Job.effect_key.in_(effect_keys)))}


def get_job_by_code(code: str) -> Job:
    """Return the job of the code. Raises `NotFound`."""
    found = session.scalar(select(Job).where(Job.code == code)) if 0 < len(code) <= 20 and code.isascii() else None
    if found is None:
        raise NotFound()
    return found


def list_jobs(state: JobState | None = None, limit: int = 200, *, between_tries: bool | None = None) -> list[Job]:
    """Return the newest jobs, newest first; those between two tries only, or all but those."""
    statement = select(Job).order_by(Job.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(Job.state == state)
    if between_tries is not None:
        statement = statement.where(_is_between_tries() if between_tries else ~_is_between_tries())
    return list(session.scalars(statement))


def _is_between_tries() -> ColumnElement[bool]:
    return (Job.state == JobState.CREATED) & (Job.attempts > 0)


def describe(rows: Iterable[Job]) -> dict[int, Description]:
    """Return each job in words, by its row, with statements that grow with the kinds of work, not with the jobs."""
    of_kind: dict[str, list[Job]] = {}
    for row in rows:
        of_kind.setdefault(row.name, []).append(row)
    found: dict[int, Description] = {}
    for name, same in of_kind.items():
        kind = _kinds.get(name)
        said = kind.describe([row.arguments for row in same]) if kind and kind.describe else None
        # Work of a version of the product that had other names is shown by its own.
        found.update(zip((row.id for row in same), said or [Description(name)] * len(same), strict=True))
    return found


def explain(row: Job) -> LazyText | None:
    """Say in words why the last try failed; None where none has."""
    if not row.last_error:
        return None
    failure = row.last_error.partition(":")[0].strip().rpartition(".")[2]
    kind = _kinds.get(row.name)
    return (kind.explain(failure) if kind and kind.explain else None) or _GENERAL.get(failure, _UNEXPECTED)


_UNEXPECTED = _l("Something unexpected went wrong. The technical detail helps those who run the portal.")
_GENERAL = {
    "OperationalError": _l("The database could not be reached, or was busy for too long."),
    "LookupError": _l("This kind of job is no longer supported."),
    "MemoryError": _l("The worker ran out of memory."),
}


def count_between_tries() -> int:
    """Return how many jobs failed and wait for their next try."""
    return session.scalar(select(func.count()).select_from(Job).where(_is_between_tries())) or 0


def count_by_state() -> dict[JobState, int]:
    """Return how many jobs are in each state; states without a job are 0."""
    rows = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in JobState}


def last_heartbeat() -> datetime | None:
    """Return when a worker last said that it lives."""
    beat = session.get(Heartbeat, "worker")
    return beat.at if beat else None


def running() -> tuple[int, str] | None:
    """Return number and effect key of the job that is being carried out here, None outside of one."""
    return _running.get()


def run_job(job_id: int) -> bool:
    """Carry out the job if it is owed and nobody else is at it; say whether it was done now."""
    turn = _claim(job_id)
    if turn is None:
        return False
    with _beats.of(turn):
        return _carry_out(turn)


def _carry_out(turn: _Turn) -> bool:
    job_id = turn.job_id
    row = session.get_one(Job, job_id)
    kind, arguments = _kinds.get(row.name), dict(row.arguments)
    token = _running.set((row.id, row.effect_key))
    session.rollback()
    try:
        if kind is None:
            raise LookupError(f"no work is registered under the name of job {job_id}")
        if inspect.isgeneratorfunction(kind.function):
            return _run_steps(kind.function(**arguments), turn)
        with own_transaction():
            kind.function(**arguments)
            _finish(turn)
        return True
    except _TakenOver:
        current_app.logger.warning("job %s was taken over; what it did last here is undone", job_id)
        return False
    except Exception as failure:
        if kind is not None and isinstance(failure, kind.hopeless):
            current_app.logger.warning("job %s cannot be done: %s", job_id, _describe(failure))
            _note_failure(turn, failure, 1)
        else:
            current_app.logger.exception("job %s failed", job_id)
            _note_failure(turn, failure, kind.tries if kind else 1)
        return False
    finally:
        _running.reset(token)


def run_due(limit: int = 1000) -> int:
    """Carry out what is due now, in the order it was owed; return how many were done."""
    done = 0
    for _ in range(limit):
        job_id = next(iter(due_ids(1)), None)
        if job_id is None:
            break
        done += run_job(job_id)
    return done


def due_ids(limit: int = 500) -> list[int]:
    """Return the jobs that should run now: owed and due, or lost by a worker that went silent."""
    found = list(session.scalars(select(Job.id).where(_is_owed() | _is_lost()).order_by(Job.id).limit(limit)))
    session.rollback()
    return found


def is_interrupted(row: Job) -> bool:
    """Say whether a job was lost with its worker and nobody has taken it up again yet."""
    return row.state is JobState.RUNNING and row.touched_at is not None and row.touched_at < clock.now() - LEASE


def _is_owed() -> ColumnElement[bool]:
    return (Job.state == JobState.CREATED) & (Job.run_after <= clock.now())


def _is_lost() -> ColumnElement[bool]:
    return (Job.state == JobState.RUNNING) & (Job.touched_at < clock.now() - LEASE)


def _lost_ids() -> list[int]:
    found = list(session.scalars(select(Job.id).where(_is_lost()).order_by(Job.id).limit(500)))
    session.rollback()
    return found


def run_periodic(name: str) -> None:
    """Run one periodic task now and note how it went."""
    function, _ = _periodic[name]
    with own_transaction():
        # Two workers may begin the very first run at once.
        begun = {"started_at": clock.now(), "finished_at": None}
        session.execute(
            insert(PeriodicRun).values(name=name, **begun).on_conflict_do_update(index_elements=["name"], set_=begun)
        )
    error: str | None = None
    try:
        if inspect.isgeneratorfunction(function):
            _run_steps(function(), None)
        else:
            with own_transaction():
                function()
    except Exception as failure:
        current_app.logger.exception("periodic task %s failed", name)
        error = _describe(failure)
    with own_transaction():
        run = session.get_one(PeriodicRun, name, populate_existing=True)
        run.finished_at, run.last_error = clock.now(), error


def _claim(job_id: int) -> _Turn | None:
    now = clock.now()
    with own_transaction():
        attempts = session.scalar(
            update(Job)
            .where(Job.id == job_id, _is_owed() | _is_lost())
            .values(state=JobState.RUNNING, attempts=Job.attempts + 1, started_at=now, touched_at=now)
            .returning(Job.attempts)
            .execution_options(synchronize_session=False)
        )
    return _Turn(job_id, attempts, now) if attempts is not None else None


def _is_of(turn: _Turn) -> ColumnElement[bool]:
    return (Job.id == turn.job_id) & (Job.attempts == turn.attempts) & (Job.started_at == turn.started_at)


def _note(turn: _Turn, **values: Any) -> None:
    """Write on the row of a job at the end of a transaction. Raises `_TakenOver`, which undoes the transaction.

    Of this and somebody who takes the job over at the same moment the second sees what the first has written.
    """
    session.flush()
    noted = session.execute(update(Job).where(_is_of(turn)).values(values).execution_options(synchronize_session=False))
    if not noted.rowcount:  # type: ignore[attr-defined]
        raise _TakenOver()
    session.get_one(Job, turn.job_id, populate_existing=True)


def _run_steps(steps: Generator[Any, Any, None], turn: _Turn | None) -> bool:
    answer: Any = None
    while True:
        asked: Any = None
        finished, begun = False, clock.monotonic()
        with own_transaction():
            if turn is not None and not _is_going(turn):
                steps.close()
                return False
            try:
                asked = steps.send(answer)
            except StopIteration:
                finished = True
            if turn is not None:
                if finished:
                    _finish(turn)
                elif isinstance(asked, Progress):
                    _note(turn, touched_at=clock.now(), done=asked.done, total=asked.total)
                else:
                    _note(turn, touched_at=clock.now())
        if finished:
            return True
        answer = None
        if isinstance(asked, Outside):
            answer = asked.work()
        else:
            _let_others_in(clock.monotonic() - begun)


def _let_others_in(seconds: float) -> None:
    """Wait after a step that held the database for so many seconds, where others look for their turn now and then."""
    if session.get_bind().dialect.name == "sqlite":
        time.sleep(min(seconds, _TURN))


def _is_going(turn: _Turn) -> bool:
    """Say whether the next step is still to be done, and here: it was not cancelled, and nobody has taken it over."""
    return session.scalar(select(Job.state).where(_is_of(turn))) not in (None, JobState.CANCELLED)


def _finish(turn: _Turn) -> None:
    done = case((Job.total > 0, Job.total), else_=Job.done)
    _note(turn, state=JobState.DONE, finished_at=clock.now(), last_error=None, done=done)


def _describe(failure: BaseException) -> str:
    return "".join(traceback.format_exception_only(failure)).strip()[:2000]


def _note_failure(turn: _Turn, failure: Exception, tries: int) -> None:
    with own_transaction():
        row = session.scalar(select(Job).where(_is_of(turn)).with_for_update())
        if row is None:
            # Somebody else is at it, or has been.
            return
        row.last_error = _describe(failure)
        if row.attempts >= tries:
            row.state, row.finished_at = JobState.FAILED, clock.now()
        else:
            row.state = JobState.CREATED
            row.run_after = clock.now() + _BACKOFF[min(row.attempts, len(_BACKOFF)) - 1]


class _Beats:
    """What is carried out in this process now, and the thread that says so every so often."""

    # After so many times with nothing to say the thread ends.
    IDLE = 5

    def __init__(self) -> None:
        # Each with the context of whoever is at it: what the time is there is what is said.
        self._turns: dict[_Turn, Context] = {}
        self._lock = threading.Condition()
        # Of which it is being said just now.
        self._telling: _Turn | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def of(self, turn: _Turn) -> Iterator[None]:
        """Say that somebody is at a job, until nobody is."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        with self._lock:
            self._turns[turn] = copy_context()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._go_on, args=(app,), name="job-beats", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._turns.pop(turn, None)
                # What is on its way to the database arrives before whoever was at the job goes on to something else.
                self._lock.wait_for(lambda: self._telling != turn)

    def _go_on(self, app: Flask) -> None:
        idle = 0
        while True:
            time.sleep(BEAT_SECONDS)
            with self._lock:
                turns = list(self._turns.items())
                idle = 0 if turns else idle + 1
                if idle > self.IDLE:
                    self._thread = None
                    return
            for turn, context in turns:
                with self._lock:
                    if turn not in self._turns:
                        continue
                    self._telling = turn
                try:
                    # On a connection of its own, for nothing else is read or written here. Whoever holds the row for
                    # longer holds it against others too.
                    with app.app_context(), contextlib.suppress(SQLAlchemyError), db.engine.begin() as connection:
                        now = context.run(clock.now)
                        connection.execute(
                            update(Job).where(_is_of(turn), Job.state == JobState.RUNNING).values(touched_at=now)
                        )
                finally:
                    with self._lock:
                        self._telling = None
                        self._lock.notify_all()


_beats = _Beats()


class Queue:
    """The one door to Huey: hands over job numbers and runs them in the worker."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._huey: Any = None
        self._run: Callable[[int], Any] = self._run_in_app
        self._making = threading.Lock()

    @property
    def huey(self) -> Any:
        """Huey on the storage of the settings, made at its first use: its import is slow, and many never need it."""
        with self._making:
            if self._huey is None:
                self._huey = self._make()
        return self._huey

    def _make(self) -> Any:
        from huey import crontab

        huey = _make_huey(self.app.config["JOBS_URL"], self.app.config["SECRET_KEY"])
        # Registered as tasks under fixed names: web and worker must agree on them.
        self._run = huey.task(name="run_job")(self._run_in_app)
        huey.periodic_task(crontab(minute="*"), name="relay")(self._relay)
        for name, (_, minutes) in _periodic.items():
            every = "*" if minutes == 1 else f"*/{minutes}"
            huey.periodic_task(crontab(minute=every), name=name)(self._periodic_runner(name))
        return huey

    def hand_over(self, job_ids: list[int]) -> None:
        """Tell the worker about new work; if the queue cannot be reached the relay will."""
        try:
            if self.huey is not None:
                for job_id in job_ids:
                    self._run(job_id)
        except Exception:
            self.app.logger.warning("the job queue cannot be reached; the relay will hand over jobs %s", job_ids)

    def _run_in_app(self, job_id: int) -> None:
        with self.app.app_context():
            run_job(job_id)

    def _relay(self) -> None:
        with self.app.app_context():
            beat()
            for job_id in due_ids():
                run_job(job_id)

    def _periodic_runner(self, name: str) -> Callable[[], None]:
        def run() -> None:
            with self.app.app_context():
                run_periodic(name)

        return run

    def work(self, workers: int = 1, on_start: Callable[[], None] | None = None) -> None:
        """Run the worker until it is told to stop."""
        consumer = self.huey.create_consumer(workers=workers, worker_type="thread", max_delay=1.0, periodic=True)
        with self.app.app_context():
            beat()
        if on_start:
            on_start()
        threading.Thread(target=self._look_for_lost, name="lost-jobs", daemon=True).start()
        consumer.run()

    def _look_for_lost(self) -> None:
        """Take up what another worker has left lying, as soon as that is certain; live as long as the worker."""
        handed: dict[int, float] = {}
        while True:
            with self.app.app_context(), contextlib.suppress(SQLAlchemyError):
                now = time.monotonic()
                # Those that wait in the queue meanwhile are not put there again and again.
                handed = {each: at for each, at in handed.items() if now - at < LEASE.total_seconds()}
                found = [each for each in _lost_ids() if each not in handed]
                self.hand_over(found)
                handed |= dict.fromkeys(found, now)
            time.sleep(BEAT_SECONDS)


def beat() -> None:
    """Note that a worker lives."""
    with own_transaction():
        row = session.get(Heartbeat, "worker") or Heartbeat(name="worker", at=clock.now())
        row.at = clock.now()
        session.add(row)


def _make_huey(url: str, secret: str) -> Any:
    from huey import PostgresHuey, RedisHuey, SqliteHuey
    from huey.serializer import SignedSerializer

    serializer = SignedSerializer(secret=secret, salt="shirube-jobs")
    if url.startswith(("redis://", "rediss://", "unix://")):
        return RedisHuey("shirube", url=url, serializer=serializer, results=False)
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresHuey("shirube", dsn=url, serializer=serializer, results=False)
    filename = url.removeprefix("sqlite:///")
    # Only hints live in this file, so it needs no fsync; TRUNCATE because the standard library's
    # SQLite may have the WAL race.
    return SqliteHuey(
        "shirube", filename=filename, journal_mode="truncate", serializer=serializer, results=False, fsync=False
    )


def _hand_over_after_commit() -> None:
    ids = session.info.pop("jobs_to_hand_over", [])
    queue: Queue | None = current_app.extensions.get("jobs")
    if ids and queue is not None and current_app.config.get("JOBS_HAND_OVER", True):
        queue.hand_over(ids)


def _forget_after_rollback() -> None:
    session.info.pop("jobs_to_hand_over", None)


def init_app(app: Flask) -> None:
    """Attach the queue; work must have been registered before."""
    after_commit(_hand_over_after_commit)
    after_rollback(_forget_after_rollback)
    app.extensions["jobs"] = Queue(app)
