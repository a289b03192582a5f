"""Obligations and days of the worker for tests; everything is committed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.accounts.models import Person
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.obligations import queries
from portal.obligations.models import Obligation, ObligationCycle
from portal.obligations.queries import Standing
from portal.obligations.rules import Rhythm
from portal.obligations.service import obligations
from portal.obligations.service.obligations import Wanted
from portal.training.models import Enrollment, PlanVersion
from portal.training.rules import Doer, StepKind, StepSpec
from portal.training.service.enrollments import Evidence, complete_step
from tests.training.builders import make_plan

# A Wednesday in April 2026.
BEGINS = date(2026, 4, 1)
PLAN = "refresher"
TALK = StepSpec("talk", StepKind.SIGN_OFF, 5, title=Words("Talk about the year", "年次面談"), minutes=30, by=Doer.LEAD)


def at(day: date, hour: int = 9) -> datetime:
    """Return a time of a day in Tokyo."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=9)


def make_refresher(by: Person, slug: str = PLAN, **values: Any) -> PlanVersion:
    """Return a new version of a plan of one talk on its sixth working day."""
    return make_plan(slug, by, TALK, **({"phases": (), "credential": None} | values))


def wanted(**values: Any) -> Wanted:
    """Return terms: every twelve months after the last completion, for the learner's team."""
    defaults: dict[str, Any] = {
        "title": Words("Yearly refresher", "年次研修"),
        "plan_slug": PLAN,
        "rhythm": Rhythm.AFTER_COMPLETION,
        "begins_on": BEGINS,
        "days": 10,
        "months": 12,
        "teams": ("account-safety",),
    }
    if values.get("rhythm", Rhythm.AFTER_COMPLETION) is not Rhythm.AFTER_COMPLETION:
        defaults["months"] = None
    return Wanted(**(defaults | values))


def make_obligation(
    by: Person, *, owner: Person | None = None, deputy: Person | None = None, **values: Any
) -> Obligation:
    """Return a new obligation that somebody answers for."""
    with own_transaction():
        return obligations.create(wanted=wanted(**values), owner=owner or by, deputy=deputy, by=by)


def work(day: date, hour: int = 9) -> None:
    """Let the worker do what has come on a day."""
    session.expire_all()
    with clock.frozen(at(day, hour)):
        jobs.run_periodic("obligations.cycles")
    session.expire_all()


def stand(obligation: Obligation, person: Person, day: date, hour: int = 9) -> Standing:
    """Return how somebody stands on a day."""
    session.expire_all()
    with clock.frozen(at(day, hour)):
        found = queries.standing_of(obligation, person.id)
    assert found is not None
    return found


def cycles_of(person: Person, obligation: Obligation | None = None) -> list[ObligationCycle]:
    """Return the cycles of a person, the first first."""
    session.expire_all()
    found = sorted(queries.list_cycles_of(person.id), key=lambda each: (each.obligation_id, each.number))
    return [each for each in found if obligation is None or each.obligation_id == obligation.id]


def complete(enrollment: Enrollment, day: date, hour: int = 12) -> None:
    """Complete every step of a training on a day."""
    with clock.frozen(at(day, hour)), own_transaction():
        for step in enrollment.version.steps:
            complete_step(enrollment=enrollment, step=step, at=clock.now(), evidence=Evidence())


def days(first: date, number: int) -> Iterable[date]:
    """Yield so many days from the first on."""
    return (first + timedelta(days=each) for each in range(number))
