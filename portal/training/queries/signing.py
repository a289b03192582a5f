"""Reading who signs what off, who waits for it, and whom to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, or_, select, true
from sqlalchemy.orm import lazyload

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import scopes_of_person
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach, reach_of
from portal.core.access import allows
from portal.core.db import session
from portal.organisation.models import Market, Team
from portal.training.models import Enrollment, PlanStep
from portal.training.permissions import SIGN_OFF, StepOfEnrollment, scopes_of_enrollment
from portal.training.queries import WITH_STEPS, Standing, is_settled, standings
from portal.training.rules import Doer, StepState


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that waits for somebody's sign-off."""

    standing: Standing
    step: PlanStep
    since: datetime


def list_waiting_for(person: Person) -> list[Waiting]:
    """Return the steps that wait for this person's sign-off, those due first first."""
    reach = reach_of(person, Role.LEAD, Role.MENTOR)
    if not reach:
        return []
    needs_sign_off = exists().where(
        PlanStep.version_id == Enrollment.plan_version_id, PlanStep.by != Doer.LEARNER, ~is_settled
    )
    enrollments = session.scalars(
        select(Enrollment)
        .where(
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            Enrollment.person_id != person.id,
            within(reach),
            needs_sign_off,
        )
        .options(*WITH_STEPS)
        .order_by(Enrollment.id)
    ).all()
    found = [
        Waiting(standing, step, standing.waiting_since(step))
        for standing in standings(enrollments)
        for step in standing.steps
        if standing.statuses[step.slug].state is StepState.WAITING
        and allows(person, SIGN_OFF, StepOfEnrollment(standing.enrollment, step))
    ]
    return sorted(found, key=lambda each: (each.standing.due_on(each.step.slug), each.since, each.step.id))


def list_learners_for(person: Person) -> list[Standing]:
    """Return how those stand who follow a plan within this person's reach, most overdue first, else by name.

    Somebody's own training is left out, and so is what is completed.
    """
    reach = reach_of(person, Role.LEAD, Role.MENTOR)
    if not reach:
        return []
    enrollments = session.scalars(
        select(Enrollment)
        .join(Person, Person.id == Enrollment.person_id)
        .where(
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            Enrollment.person_id != person.id,
            within(reach),
        )
        .options(*WITH_STEPS)
        .order_by(Person.sort_key, Person.id, Enrollment.id)
    ).all()
    return sorted(standings(enrollments), key=lambda each: -each.progress.overdue)


def within(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that an enrollment lies within somebody's reach."""
    if reach.everywhere:
        return true()
    conditions = [Enrollment.cohort_id.in_(select(Cohort.id).where(cohorts.within(reach)))]
    if reach.markets:
        conditions.append(Enrollment.market_id.in_(select(Market.id).where(Market.code.in_(reach.markets))))
    if reach.teams:
        teams = select(Team.id).where(Team.code.in_(reach.teams))
        conditions.append(Enrollment.person_id.in_(select(Person.id).where(Person.team_id.in_(teams))))
    return or_(*conditions) if reach else false()


_HOLDERS = (
    select(RoleGrant.role, RoleGrant.scope, Person)
    .join(Person, Person.id == RoleGrant.person_id)
    .where(
        RoleGrant.role.in_(bindparam("roles", expanding=True, type_=RoleGrant.role.type)),
        RoleGrant.ended_at.is_(None),
        Person.deactivated_at.is_(None),
        Person.id != bindparam("besides"),
        or_(
            RoleGrant.scope == Scope.ORGANISATION,
            and_(RoleGrant.scope == Scope.COHORT, RoleGrant.scope_code.in_(bindparam("cohorts", expanding=True))),
            and_(RoleGrant.scope == Scope.TEAM, RoleGrant.scope_code.in_(bindparam("teams", expanding=True))),
            and_(RoleGrant.scope == Scope.MARKET, RoleGrant.scope_code.in_(bindparam("markets", expanding=True))),
        ),
    )
    .order_by(Person.family_kana, Person.given_kana, Person.family_name, Person.given_name, Person.id)
    # For their names.
    .options(lazyload(Person.home_market), lazyload(Person.team))
)


def list_people_for(scopes: Mapping[Scope, set[str]], role: Role, besides: int) -> list[Person]:
    """Return who holds the role nearest to a learner: for her cohort, else team, market, organisation.

    The person `besides` (the learner herself) is left out, and so are deactivated accounts.
    """
    return _nearest(scopes, [role], besides)[role]


def _nearest(scopes: Mapping[Scope, set[str]], roles: Sequence[Role], besides: int) -> dict[Role, list[Person]]:
    """Return for each of the roles who holds it nearest, in one statement."""
    rows = session.execute(
        _HOLDERS,
        {
            "roles": list(roles),
            "besides": besides,
            "cohorts": list(scopes.get(Scope.COHORT, ())),
            "teams": list(scopes.get(Scope.TEAM, ())),
            "markets": list(scopes.get(Scope.MARKET, ())),
        },
    ).all()
    found: dict[Role, list[Person]] = {role: [] for role in roles}
    for role in roles:
        for scope in (Scope.COHORT, Scope.TEAM, Scope.MARKET, Scope.ORGANISATION):
            near = [row[2] for row in rows if row[0] is role and row[1] is scope]
            if near:
                found[role] = list(dict.fromkeys(near))
                break
    return found


def list_leads(enrollment: Enrollment) -> list[Person]:
    """Return the leads nearest to the learner: whom she asks."""
    return list_people_for(scopes_of_enrollment(enrollment), Role.LEAD, besides=enrollment.person_id)


def list_signers(enrollment: Enrollment, step: PlanStep) -> list[Person]:
    """Return the mentors or leads nearest to the learner who can sign the step off."""
    if step.by is Doer.MENTOR:
        mentors = list_people_for(scopes_of_enrollment(enrollment), Role.MENTOR, besides=enrollment.person_id)
        if mentors:
            return _own_mentor(enrollment, mentors)
    return list_leads(enrollment)


def _own_mentor(enrollment: Enrollment, mentors: list[Person]) -> list[Person]:
    """Return the mentor whom the learner was given, while she is one of these; else all of them."""
    return [each for each in mentors if each.id == enrollment.mentor_id] or mentors


def list_contacts(enrollment: Enrollment | None, person: Person) -> dict[Role, list[Person]]:
    """Return the mentors and the leads nearest to a learner in her plan, or to somebody who follows none."""
    scopes = scopes_of_person(person) if enrollment is None else scopes_of_enrollment(enrollment)
    found = _nearest(scopes, [Role.MENTOR, Role.LEAD], besides=person.id)
    if enrollment is not None:
        found[Role.MENTOR] = _own_mentor(enrollment, found[Role.MENTOR])
    return found
