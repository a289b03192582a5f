"""Whose plan with a cohort ended before it was completed, and who went on in another one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased, lazyload

from portal.accounts.models import Person
from portal.cohorts.models import Cohort, CohortMember
from portal.core.db import session
from portal.core.i18n import Words
from portal.training.models import Enrollment, Plan, PlanVersion


@dataclass(frozen=True, slots=True)
class MovedTo:
    """The other plan in which somebody went on: her enrollment in it by its code, and the slugs of both plans."""

    code: str
    plan: Words
    slugs: frozenset[str]
    # Who let her go on in it; None: nobody who is known any more.
    by: Person | None


@dataclass(frozen=True, slots=True)
class Ended:
    """Somebody's plan that ended, by its enrollment's code; who only left the cohort had no plan with it."""

    person: Person
    at: datetime
    code: str | None = None
    plan: Words | None = None
    reason: str = ""
    moved_to: MovedTo | None = None


def list_ended(cohort: Cohort) -> list[Ended]:
    """Return the plans that ended with the cohort, by the learner's name, the latest last.

    One that goes on in another version of the plan has not ended; one after which she went on in another plan says so.
    """
    after, moved, of_moved, by = aliased(Enrollment), aliased(Enrollment), aliased(PlanVersion), aliased(Person)
    here, there = aliased(Plan), aliased(Plan)
    rows = session.execute(
        select(Person, Enrollment.ended_at, Enrollment.code, PlanVersion.title, Enrollment.ended_reason)
        .add_columns(moved.code, of_moved.title, here.slug, there.slug, by)
        .join(Enrollment, Enrollment.person_id == Person.id)
        .join(PlanVersion, PlanVersion.id == Enrollment.plan_version_id)
        .join(here, here.id == Enrollment.plan_id)
        .outerjoin(moved, moved.moved_from_id == Enrollment.id)
        .outerjoin(of_moved, of_moved.id == moved.plan_version_id)
        .outerjoin(there, there.id == moved.plan_id)
        .outerjoin(by, and_(by.code == Enrollment.ended_by, moved.id.is_not(None)))
        .where(
            Enrollment.cohort_id == cohort.id,
            Enrollment.ended_at.is_not(None),
            ~select(after.id).where(after.replaces_id == Enrollment.id).exists(),
        )
        # For their names.
        .options(lazyload(Person.home_market), lazyload(Person.team), lazyload(by.home_market), lazyload(by.team))
        .order_by(Person.sort_key, Person.id, Enrollment.id)
    )
    return [
        Ended(person, at, code, plan, reason or "", MovedTo(to, title, frozenset(slugs), who) if to else None)
        for person, at, code, plan, reason, to, title, *slugs, who in rows
        if at
    ]


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
