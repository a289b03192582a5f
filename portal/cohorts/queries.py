"""Every look at cohorts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, false, func, or_, select, true

from portal.accounts.models import Person
from portal.cohorts.errors import NoSuchCohort
from portal.cohorts.models import Cohort, CohortMember
from portal.cohorts.permissions import Reach
from portal.core.db import session
from portal.organisation.models import Market, Team


def find_cohort(code: str) -> Cohort | None:
    """Return the cohort of the code."""
    return session.scalar(select(Cohort).where(Cohort.code == code))


def get_cohort(code: str) -> Cohort:
    """Return the cohort of the code. Raises `NoSuchCohort`."""
    found = find_cohort(code)
    if found is None:
        raise NoSuchCohort()
    return found


def list_codes_like(beginning: str) -> set[str]:
    """Return the codes of cohorts that begin so."""
    return set(session.scalars(select(Cohort.code).where(Cohort.code.startswith(beginning, autoescape=True))))


def find_team(code: str) -> Team | None:
    """Return the team of the code."""
    return session.scalar(select(Team).where(Team.code == code))


def within(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that a cohort lies within somebody's reach."""
    if reach.everywhere:
        return true()
    conditions = []
    if reach.markets:
        conditions.append(Cohort.market_id.in_(select(Market.id).where(Market.code.in_(reach.markets))))
    if reach.teams:
        conditions.append(Cohort.team_id.in_(select(Team.id).where(Team.code.in_(reach.teams))))
    if reach.cohorts:
        conditions.append(Cohort.code.in_(reach.cohorts))
    return or_(*conditions) if conditions else false()


def people_of_markets_and_teams(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that a person is within somebody's reach by her market or team; a cohort is not enough."""
    if reach.everywhere:
        return true()
    conditions: list[ColumnElement[bool]] = []
    if reach.markets:
        conditions.append(Person.home_market_id.in_(select(Market.id).where(Market.code.in_(reach.markets))))
    if reach.teams:
        conditions.append(Person.team_id.in_(select(Team.id).where(Team.code.in_(reach.teams))))
    return or_(*conditions) if conditions else false()


def people_within(reach: Reach) -> ColumnElement[bool]:
    """Return the condition that a person is within somebody's reach: of a market, a team or a cohort of it."""
    found = people_of_markets_and_teams(reach)
    return or_(found, is_member(reach.cohorts)) if reach.cohorts and not reach.everywhere else found


def list_cohorts(reach: Reach) -> list[Cohort]:
    """Return the cohorts within reach, the latest start first."""
    return list(session.scalars(select(Cohort).where(within(reach)).order_by(Cohort.starts_on.desc(), Cohort.code)))


def list_open_cohorts(reach: Reach) -> list[Cohort]:
    """Return the cohorts within reach that were not withdrawn, the latest start first."""
    return [each for each in list_cohorts(reach) if each.withdrawn_at is None]


def list_every_cohort() -> list[Cohort]:
    """Return all cohorts, by code."""
    return list(session.scalars(select(Cohort).order_by(Cohort.code)))


def list_cohorts_of(codes: Collection[str]) -> list[Cohort]:
    """Return the cohorts that have one of these codes, by code."""
    return list(session.scalars(select(Cohort).where(Cohort.code.in_(codes)).order_by(Cohort.code)))


def list_codes_meant(text: str) -> list[str]:
    """Return the codes of the cohorts in whose name, of either language, the text stands."""
    rows = session.execute(select(Cohort.code, Cohort.name).order_by(Cohort.code))
    return [row.code for row in rows if text.casefold() in f"{row.name.en} {row.name.ja}".casefold()]


def count_members(cohort_ids: Iterable[int]) -> dict[int, int]:
    """Return how many people are in each of the cohorts; cohorts without anybody are left out."""
    rows = session.execute(
        select(CohortMember.cohort_id, func.count())
        .where(CohortMember.cohort_id.in_(list(cohort_ids)), CohortMember.left_at.is_(None))
        .group_by(CohortMember.cohort_id)
    )
    return {row[0]: row[1] for row in rows}


def find_member(cohort: Cohort, person: Person) -> CohortMember | None:
    """Return the person's present membership of the cohort."""
    return session.scalar(
        select(CohortMember).where(
            CohortMember.cohort_id == cohort.id, CohortMember.person_id == person.id, CohortMember.left_at.is_(None)
        )
    )


def list_members_among(cohort: Cohort, person_ids: Collection[int]) -> set[int]:
    """Return which of these people are in the cohort."""
    return set(
        session.scalars(
            select(CohortMember.person_id).where(
                CohortMember.cohort_id == cohort.id,
                CohortMember.person_id.in_(person_ids),
                CohortMember.left_at.is_(None),
            )
        )
    )


def list_members(cohort: Cohort) -> list[Person]:
    """Return the people in the cohort, by name."""
    return list(
        session.scalars(
            select(Person)
            .join(CohortMember, CohortMember.person_id == Person.id)
            .where(CohortMember.cohort_id == cohort.id, CohortMember.left_at.is_(None))
            .order_by(Person.family_kana, Person.given_kana, Person.family_name, Person.given_name, Person.id)
        )
    )


def list_codes_of_person(person: Person) -> set[str]:
    """Return the codes of the cohorts that the person is in."""
    return set(
        session.scalars(
            select(Cohort.code)
            .join(CohortMember, CohortMember.cohort_id == Cohort.id)
            .where(CohortMember.person_id == person.id, CohortMember.left_at.is_(None))
        )
    )


def is_member(codes: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a person (of `Person`) is in one of the cohorts of these codes."""
    return Person.id.in_(
        select(CohortMember.person_id)
        .join(Cohort, Cohort.id == CohortMember.cohort_id)
        .where(Cohort.code.in_(codes), CohortMember.left_at.is_(None))
    )
