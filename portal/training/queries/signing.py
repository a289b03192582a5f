"""Reading who signs what off, who waits for it, and whom to ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select, true
from sqlalchemy.orm import lazyload

from portal.accounts.models import Person, Role, RoleGrant, Scope
from portal.accounts.permissions import scopes_of_person
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach, reach_of
from portal.core.db import session
from portal.organisation.models import Market, Team
from portal.training.models import Enrollment, PlanStep
from portal.training.permissions import scopes_of_enrollment
from portal.training.queries.many import LookedAfter, look_after
from portal.training.rules import Doer

# No person has this row.
_NOBODY = 0


def looked_after(person: Person) -> LookedAfter:
    """Return everybody who follows a plan within this person's reach as a lead or mentor, but herself."""
    reach = reach_of(person, Role.LEAD, Role.MENTOR)
    return look_after(person, within(reach)) if reach else LookedAfter(())


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
    select(RoleGrant.role, RoleGrant.scope, Person, RoleGrant.scope_code)
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
    rows = [row[:3] for row in _read_holders(scopes, roles, besides)]
    return {role: _nearest_of(rows, role) for role in roles}


def _read_holders(scopes: Mapping[Scope, set[str]], roles: Sequence[Role], besides: int) -> Sequence[Any]:
    return session.execute(
        _HOLDERS,
        {
            "roles": list(roles),
            "besides": besides,
            "cohorts": list(scopes.get(Scope.COHORT, ())),
            "teams": list(scopes.get(Scope.TEAM, ())),
            "markets": list(scopes.get(Scope.MARKET, ())),
        },
    ).all()


def _nearest_of(rows: Iterable[tuple[Role, Scope, Person]], role: Role) -> list[Person]:
    """Return who of these holds the role nearest."""
    of_role = [(scope, person) for held, scope, person in rows if held is role]
    for nearest in (Scope.COHORT, Scope.TEAM, Scope.MARKET, Scope.ORGANISATION):
        near = [person for scope, person in of_role if scope is nearest]
        if near:
            return list(dict.fromkeys(near))
    return []


class Signers:
    """Who can sign off the steps of some learners, read together."""

    def __init__(self, holders: Sequence[Any]) -> None:
        self._holders = holders

    def of(self, enrollment: Enrollment, step: PlanStep) -> list[Person]:
        """Return whom `list_signers` returns."""
        scopes = scopes_of_enrollment(enrollment)
        if step.by is Doer.MENTOR and (mentors := self._nearest(scopes, Role.MENTOR, enrollment.person_id)):
            return _own_mentor(enrollment, mentors)
        return self._nearest(scopes, Role.LEAD, enrollment.person_id)

    def _nearest(self, scopes: Mapping[Scope, set[str]], role: Role, besides: int) -> list[Person]:
        rows = [
            (held, scope, person)
            for held, scope, person, code in self._holders
            if person.id != besides and (scope is Scope.ORGANISATION or code in scopes.get(scope, ()))
        ]
        return _nearest_of(rows, role)


def read_signers(enrollments: Iterable[Enrollment]) -> Signers:
    """Return who can sign off the steps of these learners, in one statement."""
    within: dict[Scope, set[str]] = defaultdict(set)
    for enrollment in enrollments:
        for scope, codes in scopes_of_enrollment(enrollment).items():
            within[scope] |= codes
    return Signers(_read_holders(within, [Role.MENTOR, Role.LEAD], _NOBODY))


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
