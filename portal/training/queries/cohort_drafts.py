"""Reading what a cohort is put together from."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, lazyload, selectinload

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.core.errors import NotFound
from portal.quizzes.models import Attempt, Quiz
from portal.training.models import CohortDraft, Enrollment, Plan, PlanStep, PlanVersion, SignOff, StepCompletion
from portal.training.queries import WITH_STEPS


def find_draft(code: str) -> CohortDraft | None:
    """Return the draft of a cohort by its code."""
    wanted = normalise(code)
    if not is_well_formed(wanted, 12):
        return None
    return session.scalar(select(CohortDraft).where(CohortDraft.code == wanted))


def get_draft(code: str) -> CohortDraft:
    """Return the draft of a cohort by its code. Raises `NotFound`."""
    found = find_draft(code)
    if found is None:
        raise NotFound()
    return found


def lock_draft(draft: CohortDraft) -> CohortDraft:
    """Let two who carry out one draft come one after the other; returns it as it is then."""
    return session.scalars(
        select(CohortDraft)
        .where(CohortDraft.id == draft.id)
        .with_for_update(of=CohortDraft)
        .execution_options(populate_existing=True)
    ).one()


def list_drafts_of(codes: Collection[str]) -> list[CohortDraft]:
    """Return the drafts that have one of these codes."""
    return list(session.scalars(select(CohortDraft).where(CohortDraft.code.in_(codes)).order_by(CohortDraft.id)))


def lock_cohort(cohort: Cohort) -> Cohort:
    """Let whoever takes people in and whoever withdraws the cohort come one after the other."""
    return session.scalars(
        select(Cohort)
        .where(Cohort.id == cohort.id)
        .with_for_update(of=Cohort)
        .execution_options(populate_existing=True)
    ).one()


def list_open_drafts(person: Person) -> list[CohortDraft]:
    """Return the cohorts that the person has begun to put together and not created, the latest first."""
    return list(
        session.scalars(
            select(CohortDraft)
            .where(
                CohortDraft.created_by_id == person.id,
                CohortDraft.done_at.is_(None),
                CohortDraft.begun_at.is_(None),
                CohortDraft.joins.is_(False),
            )
            .order_by(CohortDraft.changed_at.desc(), CohortDraft.id.desc())
            .limit(5)
        )
    )


def list_invited(cohort: Cohort) -> set[str]:
    """Return the codes of the people whose accounts were opened for this cohort."""
    rows = session.scalars(
        select(CohortDraft.invited).where(
            CohortDraft.cohort_id == cohort.id,
            or_(CohortDraft.done_at.is_not(None), CohortDraft.begun_at.is_not(None)),
        )
    )
    return {code for row in rows for code in row}


def list_versions() -> list[PlanVersion]:
    """Return every version of every plan with its events, by slug, the latest first."""
    return list(
        session.scalars(
            select(PlanVersion)
            .join(Plan)
            .options(selectinload(PlanVersion.events))
            .order_by(Plan.slug, PlanVersion.id.desc())
        )
    )


def find_plan_version(slug: str, number: str) -> PlanVersion | None:
    """Return one version of a plan with its steps."""
    return session.scalar(
        select(PlanVersion)
        .join(Plan)
        .where(Plan.slug == slug, PlanVersion.number == number)
        .options(selectinload(PlanVersion.steps), selectinload(PlanVersion.phases), selectinload(PlanVersion.events))
    )


def find_version_of_cohort(cohort: Cohort) -> PlanVersion | None:
    """Return the plan version that most people of the cohort follow, or None where nobody follows any."""
    found = session.execute(
        select(Enrollment.plan_version_id, func.count())
        .where(Enrollment.cohort_id == cohort.id, Enrollment.ended_at.is_(None))
        .group_by(Enrollment.plan_version_id)
        .order_by(func.count().desc(), Enrollment.plan_version_id.desc())
        .limit(1)
    ).first()
    return None if found is None else session.get(PlanVersion, found[0])


def list_enrollments_in(plan_id: int, person_ids: Collection[int]) -> dict[int, Enrollment]:
    """Return the enrollment of each of these people in a plan that was not ended: the open one, else the latest."""
    found: dict[int, Enrollment] = {}
    rows = session.scalars(
        select(Enrollment)
        .where(Enrollment.plan_id == plan_id, Enrollment.person_id.in_(list(person_ids)), Enrollment.ended_at.is_(None))
        .options(lazyload(Enrollment.market), joinedload(Enrollment.cohort))
        .order_by(Enrollment.completed_at.is_(None), Enrollment.id)
    )
    for row in rows:
        found[row.person_id] = row
    return found


def list_open_enrollments(cohort: Cohort) -> list[Enrollment]:
    """Return the enrollments of a cohort in which there is still something to do."""
    return list(
        session.scalars(
            select(Enrollment)
            .where(Enrollment.cohort_id == cohort.id, Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
            .options(*WITH_STEPS)
            .order_by(Enrollment.id)
        )
    )


def list_people_led(reach: Reach, limit: int) -> list[Person]:
    """Return active people of the teams and markets within reach, by name, at most so many."""
    within = cohorts.people_of_markets_and_teams(reach)
    statement = select(Person).where(Person.deactivated_at.is_(None), within)
    return list(session.scalars(statement.order_by(Person.sort_key, Person.id).limit(limit)))


def list_possible_mentors(reach: Reach) -> list[Person]:
    """Return who mentors in the teams and markets within reach, or everywhere, by name."""
    grants = select(RoleGrant.person_id).where(RoleGrant.role == Role.MENTOR, RoleGrant.ended_at.is_(None))
    if not reach.everywhere:
        own = or_(
            RoleGrant.scope == Scope.ORGANISATION,
            and_(RoleGrant.scope == Scope.MARKET, RoleGrant.scope_code.in_(reach.markets)),
            and_(RoleGrant.scope == Scope.TEAM, RoleGrant.scope_code.in_(reach.teams)),
            and_(
                RoleGrant.scope == Scope.COHORT,
                RoleGrant.scope_code.in_(select(Cohort.code).where(cohorts.within(reach))),
            ),
        )
        grants = grants.where(own)
    return list(
        session.scalars(
            select(Person)
            .where(Person.deactivated_at.is_(None), Person.id.in_(grants))
            .order_by(Person.sort_key, Person.id)
            .limit(MOST_MENTORS)
        )
    )


# More than a cohort has mentors by far; the page lists them all.
MOST_MENTORS = 60


def has_activity(cohort: Cohort, invited: Collection[str]) -> bool:
    """Say whether anybody has begun: completed or was told something, sat a quiz, or used the invitation.

    What counted at once because it was known before is no activity.
    """
    mine = Enrollment.cohort_id == cohort.id
    conditions = (
        exists().where(
            mine,
            StepCompletion.enrollment_id == Enrollment.id,
            StepCompletion.completed_at > Enrollment.enrolled_at,
        ),
        exists().where(mine, SignOff.enrollment_id == Enrollment.id),
        exists().where(
            mine,
            Attempt.person_id == Enrollment.person_id,
            Attempt.started_at > Enrollment.enrolled_at,
            Attempt.quiz_id == Quiz.id,
            PlanStep.quiz_slug == Quiz.slug,
            PlanStep.version_id == Enrollment.plan_version_id,
        ),
        exists().where(Person.code.in_(list(invited)), Person.password_hash.is_not(None)),
    )
    return bool(session.scalar(select(or_(*conditions))))
