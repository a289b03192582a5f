"""The lead's page of a cohort of 500 people in a plan of 60 steps: CPU, statements, 20 leads who look again at once.

    python -m tests.benchmarks.lead_page [--database sqlite|postgresql|both] [--people 500] [--steps 60] [--leads 20]

Prints Markdown. Ten of the steps are quizzes that most people have sat once or twice; some people have leave, so that
schedules are not all one. CPU is that of this process (on PostgreSQL the server's comes on top), the best of several
looks; the aim is 150 ms for the page's first paint. The anchor is a page without any of it, read in the same run.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Person, Role
from portal.calendars.models import Leave
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import Words
from portal.quizzes.models import Attempt, AttemptState, Marking
from portal.training.models import Enrollment, PlanVersion, StepCompletion
from portal.training.rules import Doer, PhaseSpec, StepKind, StepSpec
from tests.benchmarks.campaigns import application
from tests.builders import make_grant, make_market, make_person, make_team
from tests.page_client import PageClient
from tests.queries import counted_queries
from tests.training.builders import load_holidays, make_cohort, make_plan, make_quiz

START = date(2026, 4, 1)
MORNING = datetime(2026, 4, 1, 0, 0, tzinfo=UTC)
TODAY = datetime(2026, 5, 15, 0, 30, tzinfo=UTC)
LOOKS = 7


def fill(people: int, steps: int, leads: int) -> tuple[str, list[Person]]:
    """Make the cohort half-way through its plan; return its code and its leads."""
    chance = random.Random(1)
    load_holidays()
    admin = make_person("admin@portal.example", language="en")
    make_grant(admin, Role.ADMIN)
    team = make_team("safety", make_market())
    found = [make_person(f"lead{number}@portal.example", language="en") for number in range(leads)]
    for lead in found:
        make_grant(lead, Role.LEAD)
    slugs = [f"check-{number}" for number in range(steps // 6)]
    quizzes = {slug: make_quiz(slug) for slug in slugs}
    shapes = tuple(
        StepSpec(f"step-{number}", StepKind.QUIZ, number, phase="first", quiz=slugs[number // 6], minutes=15)
        if number % 6 == 5 and number // 6 < len(slugs)
        else StepSpec(
            f"step-{number}", StepKind.SIGN_OFF, number, phase="first", title=Words(f"Step {number}", f"項目{number}"),
            minutes=15, by=Doer.MENTOR,
        )
        for number in range(steps)
    )  # fmt: skip
    version = make_plan("long", admin, *shapes, phases=(PhaseSpec("first", Words("First", "最初")),))
    cohort = make_cohort(admin, starts_on=START)
    learners = [
        Person(
            code=f"B{number:05d}", sign_in_name=f"b{number}@portal.example", family_name="田中",
            given_name=f"花子{number}", family_kana="タナカ", given_kana="ハナコ", language="ja",
            time_zone="Asia/Tokyo", created_at=MORNING, password_hash="set", home_market_id=team.market_id,
            team_id=team.id,
        )
        for number in range(people)
    ]  # fmt: skip
    session.add_all(learners)
    session.flush()
    for number, person in enumerate(learners):
        _put(person, number, cohort, version, admin, chance)
    session.flush()
    for person in learners:
        for quiz in quizzes.values():
            for try_no in range(1, chance.choice([1, 2, 2, 3])):
                _sit(person, quiz, try_no, chance)
    session.commit()
    return cohort.code, found


def _put(
    person: Person, number: int, cohort: Cohort, version: PlanVersion, admin: Person, chance: random.Random
) -> None:
    enrollment = Enrollment(
        code=f"E{person.id:08d}", person=person, plan_id=version.plan_id, version=version, market=cohort.market,
        cohort=cohort, starts_on=START + timedelta(days=chance.choice([0, 0, 0, 1, 5])), enrolled_at=MORNING,
        enrolled_by="test",
    )  # fmt: skip
    session.add(enrollment)
    reached = chance.randint(10, 40)
    for step in version.steps[:reached]:
        at = MORNING + timedelta(hours=24 * step.position + chance.randint(0, 12))
        session.add(StepCompletion(enrollment=enrollment, step=step, completed_at=at, recorded_at=at, due_on=at.date()))
    if number % 10 == 0:
        first = START + timedelta(days=number % 40)
        session.add(
            Leave(
                person_id=person.id, first_on=first, last_on=first + timedelta(days=2), recorded_at=MORNING,
                recorded_by=admin.code,
            )
        )  # fmt: skip


def _sit(person: Person, quiz: Any, number: int, chance: random.Random) -> None:
    at = MORNING + timedelta(days=chance.randint(0, 44), hours=number)
    attempt = Attempt(
        code=new_code(), quiz_id=quiz.quiz_id, quiz_version_id=quiz.id, person_id=person.id, attempt_no=number,
        state=AttemptState.RELEASED, seed="0" * 64, language="ja", limit_seconds=900, multiplier=Fraction(1),
        started_at=at, deadline_at=at, finished_at=at, released_at=at,
    )  # fmt: skip
    attempt.markings = [
        Marking(
            marking_no=1, points=Fraction(8), max_points=Fraction(10), score=Fraction(4, 5),
            passed=chance.random() < 0.7, marked_at=at, marked_by="system",
        )
    ]  # fmt: skip
    session.add(attempt)


def best(work: Callable[[], Any]) -> tuple[float, int, int]:
    """Return the least CPU milliseconds of several looks, the statements of the last, and the bytes it gave."""
    spent, statements, size = [], 0, 0
    for _look in range(LOOKS):
        with counted_queries() as counted:
            begun = time.process_time()
            size = len(work().data)
            spent.append((time.process_time() - begun) * 1000)
        statements = len(counted)
    return min(spent), statements, size


def run(database: str, people: int, steps: int, leads: int) -> list[str]:
    """Measure on one kind of database and return the lines of its report."""
    with application(database) as app, clock.frozen(TODAY):
        code, found = fill(people, steps, leads)
        browsers = [signed_in(app, each) for each in found]
        # As the web server does (`wsgi.py`): else the collector goes through all that the cohort was made of again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 20, 20)
        first = browsers[0]
        lines = ["| page | CPU ms | statements | KB |", "|---|---|---|---|"]
        for name, look in (
            ("anchor: the rule", lambda: first.fetch("reports.at_risk_rule")),
            ("first paint", lambda: first.fetch("reports.cohort", code=code)),
            ("further rows", lambda: first.fetch("reports.cohort", code=code, page=3)),
            ("one phase, those at risk", lambda: first.fetch("reports.cohort", code=code, people="at-risk")),
            ("clauses", lambda: first.fetch("reports.cohort_clauses", code=code)),
        ):
            cpu, statements, size = best(look)
            lines.append(f"| {name} | {cpu:.0f} | {statements} | {size / 1024:.0f} |")
        address = first.url("reports.cohort", code=code)
        cpu = time.process_time()
        for browser in browsers:
            _timed(browser, address)
        alone = (time.process_time() - cpu) * 1000 / leads
        cpu, begun = time.process_time(), time.perf_counter()
        with ThreadPoolExecutor(leads) as pool:
            # Each in a context of its own: in that of the run they would share one session.
            looks = [pool.submit(Context().run, _timed, browser, address) for browser in browsers]
            seconds = sorted(each.result() for each in looks)
        spent = (time.process_time() - cpu) * 1000 / leads
        lines.append("")
        lines.append(
            f"{leads} leads one after the other: {alone:.0f} ms CPU each; at once: {spent:.0f} ms CPU each, "
            f"the slowest waited {seconds[-1]:.2f} s, "
            f"all in {time.perf_counter() - begun:.2f} s."
        )
        return lines


def signed_in(app: Flask, person: Person) -> PageClient:
    """Return a client that has signed in as the person."""
    again = session.scalars(select(Person).where(Person.id == person.id)).one()
    return PageClient(app, person=again, language="en")


def _timed(browser: PageClient, address: str) -> float:
    begun = time.perf_counter()
    with clock.frozen(TODAY):
        answer = browser.client.get(address)
    assert answer.status_code == 200, answer.status_code
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="sqlite")
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--leads", type=int, default=20)
    asked = parser.parse_args()
    for database in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        print(f"### {database}, {asked.people} × {asked.steps}\n")
        print("\n".join(run(database, asked.people, asked.steps, asked.leads)))


if __name__ == "__main__":
    main()
