"""Whose plan with a cohort ended before it was completed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased, lazyload

from portal.accounts.models import Person
from portal.cohorts.models import Cohort, CohortMember
from portal.core.db import session
from portal.core.i18n import Words
from portal.training.models import Enrollment, PlanVersion


@dataclass(frozen=True, slots=True)
class Ended:
    """Somebody's plan that ended, by its enrollment's code; who only left the cohort had no plan with it."""

    person: Person
    at: datetime
    code: str | None = None
    plan: Words | None = None
    reason: str = ""


def list_ended(cohort: Cohort) -> list[Ended]:
    """Return the plans that ended with the cohort, by the learner's name, the latest last.

    One that goes on in another version of the plan has not ended.
    """
    after = aliased(Enrollment)
    rows = session.execute(
        select(Person, Enrollment.ended_at, Enrollment.code, PlanVersion.title, Enrollment.ended_reason)
        .join(Enrollment, Enrollment.person_id == Person.id)
        .join(PlanVersion, PlanVersion.id == Enrollment.plan_version_id)
        .where(
            Enrollment.cohort_id == cohort.id,
            Enrollment.ended_at.is_not(None),
            ~select(after.id).where(after.replaces_id == Enrollment.id).exists(),
        )
        # For their names.
        .options(lazyload(Person.home_market), lazyload(Person.team))
        .order_by(Person.sort_key, Person.id, Enrollment.id)
    )
    return [Ended(person, at, code, plan, reason or "") for person, at, code, plan, reason in rows if at]


def list_left_at_the_end(cohort: Cohort) -> list[Ended]:
    """Return who was in a cohort until it was withdrawn, by name."""
    rows = session.execute(
        select(Person, CohortMember.left_at)
        .join(CohortMember, CohortMember.person_id == Person.id)
        .where(CohortMember.cohort_id == cohort.id, CohortMember.left_at >= cohort.withdrawn_at)
        .options(lazyload(Person.home_market), lazyload(Person.team))
        .order_by(Person.sort_key, Person.id)
    )
    return [Ended(person, at) for person, at in rows if at]
