"""A cohort of 2,000 people founded from a pasted list: how long the worker holds the database, and who waits for it.

    python -m tests.benchmarks.founding [--database sqlite|postgresql|both] [--people 2000]

Prints Markdown. The list is put together and confirmed in the browser's way, then the worker's job takes it in while
somebody else saves something ten times a second over a connection of her own. Measured are the write transactions of
confirming and of the job, the longest of them, and how long the other one waited. CPU is that of the thread at work
(on PostgreSQL the server's comes on top).
"""

from __future__ import annotations

import argparse
import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event, func, select, update

from portal.accounts.models import Person, Role
from portal.core import clock, i18n, jobs
from portal.core.db import db, session, writing
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.training.models import Enrollment, PlanVersion
from portal.training.queries import cohort_drafts
from portal.training.rules import Doer, PhaseSpec, StepKind, StepSpec
from portal.training.service import founding, taking_in
from tests.benchmarks.campaigns import application
from tests.benchmarks.lead_page import signed_in
from tests.builders import make_grant, make_market, make_person, make_team
from tests.training.builders import load_holidays, make_documents, make_plan, make_quiz

# Two weeks before the first day.
NOW = datetime(2026, 4, 14, 1, 0, tzinfo=UTC)
PLACE = "account-safety"


@dataclass
class Held:
    """How long the write transactions of a thread took: seconds from their beginning to their end, and CPU seconds."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """Return its row of the table."""
        return (
            f"| {name} | {len(self.cpu)} | {sum(self.cpu):.2f} | {max(self.cpu, default=0) * 1000:.0f} "
            f"| {max(self.seconds, default=0) * 1000:.0f} |"
        )


@contextmanager
def watched(engine: Engine) -> Iterator[Held]:
    """Note how long each write transaction of this thread holds the database."""
    held, thread, begun = Held(), threading.get_ident(), []

    def begins(_connection: Any) -> None:
        if writing.get() and threading.get_ident() == thread:
            begun[:] = [(time.perf_counter(), time.thread_time())]

    def ends(_connection: Any) -> None:
        if threading.get_ident() == thread and begun:
            at, cpu = begun.pop()
            held.seconds.append(time.perf_counter() - at)
            held.cpu.append(time.thread_time() - cpu)

    event.listen(engine, "begin", begins)
    event.listen(engine, "commit", ends)
    yield held
    event.remove(engine, "begin", begins)
    event.remove(engine, "commit", ends)


class Other(threading.Thread):
    """Somebody who saves something ten times a second while the worker works."""

    def __init__(self, app: Flask) -> None:
        super().__init__(daemon=True)
        self.app, self.waits, self.refused, self.is_over = app, [], 0, threading.Event()

    def run(self) -> None:
        """Save, and note how long it took."""
        Context().run(self._save)

    def _save(self) -> None:
        with self.app.app_context():
            while not self.is_over.wait(0.1):
                begun = time.perf_counter()
                try:
                    with own_transaction():
                        who = Person.sign_in_name == "other@portal.example"
                        session.execute(update(Person).where(who).values(given_name=f"{begun:.3f}"))
                except Exception:
                    self.refused += 1
                self.waits.append(time.perf_counter() - begun)
            session.remove()


def fill(people: int) -> tuple[Person, PlanVersion, str]:
    """Make the lead, a plan of 30 steps, and the list; return them."""
    lead = make_person("lead@portal.example", language="en")
    make_person("other@portal.example")
    make_grant(lead, Role.LEAD)
    load_holidays()
    make_team(PLACE, make_market())
    lines = (f"新人 花子{each}\tnew{each}@portal.example" for each in range(people))
    return lead, make_long_plan(lead), "氏名\tメール\n" + "\n".join(lines)


def make_long_plan(by: Person) -> PlanVersion:
    """Make a plan of 30 steps, each after the one before it."""
    make_documents()
    make_quiz()
    kinds = [
        {"kind": StepKind.ACKNOWLEDGE, "document": "exposure"},
        {"kind": StepKind.READ, "document": "impersonation"},
        {"kind": StepKind.QUIZ, "quiz": "impersonation"},
        {"kind": StepKind.SIGN_OFF, "title": Words("Look on", "同席"), "by": Doer.MENTOR},
        {"kind": StepKind.SIGN_OFF, "title": Words("Talk", "面談"), "by": Doer.LEAD},
    ]
    steps: list[StepSpec] = []
    for number in range(30):
        before = (steps[number - 1].slug,) if number else ()
        values = {"phase": "first", "minutes": 15, "prerequisites": before, **kinds[number % 5]}
        steps.append(StepSpec(f"step-{number}", due_days=number, **values))  # type: ignore[arg-type]
    return make_plan("long", by, *steps, phases=(PhaseSpec("first", Words("First", "最初")),))


def run(database: str, people: int) -> list[str]:
    """Measure on one kind of database and return the rows of its table."""
    with application(database) as app, clock.frozen(NOW):
        lead, version, text = fill(people)
        browser = signed_in(app, lead)
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 20, 20)
        lead = session.get_one(Person, lead.id)
        with own_transaction():
            wishes = founding.Wishes(
                plan="long", version=version.number, market="JP", team=PLACE, starts_on="2026-04-28", text=text
            )
            code = founding.keep_draft(wishes=wishes, by=session.get_one(Person, lead.id)).code
        draft = cohort_drafts.get_draft(code)
        seen = founding.key_of(founding.judge(draft, lead))
        rows = []
        with watched(db.engine) as held:
            sent = {"act": "create", "seen": seen}
            answer = browser.post("training.cohort_draft", sent, code=code)
            assert answer.status_code == 303, answer.status_code
        rows.append(held.line(f"confirm a list of {people:,}"))
        number = jobs.find_job(taking_in.job_key(cohort_drafts.get_draft(code))).id  # type: ignore[union-attr]
        session.rollback()
        session.remove()
        other = Other(app)
        other.start()
        begun = time.perf_counter()
        with watched(db.engine) as held:
            assert jobs.run_job(number)
        seconds = time.perf_counter() - begun
        other.is_over.set()
        other.join()
        assert session.scalar(select(func.count()).select_from(Enrollment)) == people
        rows.append(held.line(f"the worker takes them in ({seconds:.0f} s)"))
        rows.append("")
        waits = sorted(other.waits)
        rows.append(
            f"Somebody else saved {len(waits)} times meanwhile: half of them within "
            f"{waits[len(waits) // 2] * 1000:.0f} ms, the slowest {waits[-1] * 1000:.0f} ms, {other.refused} refused."
        )
        return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--people", type=int, default=2_000)
    chosen = parser.parse_args()
    i18n.compile_all()
    heading = "| | write transactions | CPU s | longest, CPU ms | longest, ms |\n|---|---|---|---|---|"
    for database in ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]:
        print(f"### {database}, load {os.getloadavg()[0]:.1f}\n\n{heading}")
        print("\n".join(run(database, chosen.people)), flush=True)


if __name__ == "__main__":
    main()
