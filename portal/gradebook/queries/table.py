"""Whom somebody sees in the gradebook, and the table of learners × quizzes, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload, lazyload

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, RoleGrant
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort, CohortMember
from portal.cohorts.permissions import Reach, reach_of
from portal.core.db import session
from portal.gradebook.models import GradeDecision, ScoreEntry
from portal.gradebook.permissions import quizzes_owned
from portal.gradebook.queries import NOTHING_YET, Standing, list_open_decisions, standings
from portal.gradebook.rules import State
from portal.organisation.models import Market, Team
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, Quiz, QuizVersion


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees: every quiz of the people in reach, and everybody's results in the quizzes she answers for."""

    reach: Reach
    owned: frozenset[str]

    def sees(self, quiz_slug: str) -> bool:
        """Say whether she may see something of this quiz."""
        return bool(self.reach) or quiz_slug in self.owned


@dataclass(frozen=True, slots=True)
class Asked:
    """What the table is narrowed to; everything empty means everybody and every quiz."""

    text: str = ""
    market: str = ""
    team: str = ""
    cohort: str = ""
    quiz: str = ""
    state: State | None = None
    # None: those with an account that is active; True: those who have left.
    has_left: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One person, and how she stands in each quiz in the order of the columns; None where that may not be seen."""

    person: Person
    cells: Sequence[Standing | None]
    # Every result of hers may be seen, not only those in quizzes that the viewer answers for.
    is_in_reach: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A stretch of the gradebook: the columns are the newest versions of the quizzes."""

    columns: Sequence[QuizVersion]
    rows: Sequence[Row]
    total: int


def _reach_of(viewer: Person) -> Reach:
    return reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))


def people_seen_by(viewer: Person, ids: Collection[int]) -> set[int]:
    """Return who of these people lies within the viewer's reach, so that every result of hers may be seen."""
    return _seen(Sight(_reach_of(viewer), frozenset()), ids)


def sight_of(viewer: Person) -> Sight:
    """Return what a person sees in the gradebook."""
    reach = _reach_of(viewer)
    return Sight(reach, frozenset() if reach.everywhere else frozenset(quizzes_owned(viewer)))


def list_to_confirm(viewer: Person) -> list[GradeDecision]:
    """Return what waits for a second person whom the viewer may be: neither learner herself nor who asked for it."""
    leads = cohorts.people_within(reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN,)))
    return [each for each in list_open_decisions(leads) if viewer.id not in (each.person_id, each.asked_by_id)]


def gradebook(sight: Sight, asked: Asked, *, offset: int = 0, limit: int | None = None) -> Table:
    """Return the table of those whom the viewer sees, in the order of their names; a limit of None means all."""
    columns = [
        version
        for version in quizzes.list_quizzes()
        if sight.sees(version.quiz.slug) and asked.quiz in ("", version.quiz.slug)
    ]
    people = select_learners(sight, asked, columns)
    if asked.state is not None:
        # What counts is computed, not stored: all are looked at, then the stretch is cut.
        wanted = _in_state(people, columns, sight, asked.state)
        people = people.where(Person.id.in_(wanted))
    total = session.scalar(select(func.count()).select_from(_ids(people).subquery())) or 0
    page = people.offset(offset).limit(limit) if limit is not None else people
    found = list(
        session.scalars(page.options(lazyload(Person.grants), joinedload(Person.home_market), joinedload(Person.team)))
    )
    ids = [person.id for person in found]
    known = standings(ids, columns)
    seen = _seen(sight, ids)
    rows = [
        Row(
            person,
            [
                known.get((person.id, version.quiz_id), NOTHING_YET)
                if person.id in seen or version.quiz.slug in sight.owned
                else None
                for version in columns
            ],
            is_in_reach=person.id in seen,
        )
        for person in found
    ]
    return Table(columns, rows, total)


def select_learners(sight: Sight, asked: Asked, columns: Collection[QuizVersion]) -> Select[Person]:
    """Return the statement of the people of the table: learners in reach, and whoever has sat a quiz of these."""
    wanted = accounts.PeopleFilter(text=asked.text, market=asked.market, team=asked.team)
    statement = accounts.select_people(wanted)
    if asked.has_left:
        statement = statement.where(Person.deactivated_at.is_not(None))
    elif asked.has_left is None:
        statement = statement.where(Person.deactivated_at.is_(None))
    if asked.cohort:
        statement = statement.where(cohorts.is_member([asked.cohort]))
    ids = [version.quiz_id for version in columns]
    is_learner = Person.grants.any((RoleGrant.role == Role.LEARNER) & RoleGrant.ended_at.is_(None))
    visible: list[ColumnElement[bool]] = [cohorts.people_within(sight.reach) & (is_learner | _has_something(ids))]
    owned = [version.quiz_id for version in columns if version.quiz.slug in sight.owned]
    if owned:
        visible.append(_has_something(owned))
    return statement.where(or_(*visible))


def list_choices(sight: Sight) -> tuple[list[Market], list[Team], list[Cohort]]:
    """Return the markets, teams and cohorts of the people whom the viewer sees, for filters."""
    everybody = select_learners(sight, Asked(has_left=False), quizzes.list_quizzes())
    everybody = everybody.where(Person.deactivated_at.is_(None))
    ids = _ids(everybody)
    markets = session.scalars(
        select(Market)
        .where(Market.id.in_(select(Person.home_market_id).where(Person.id.in_(ids))))
        .order_by(Market.code)
    )
    teams = session.scalars(
        select(Team).where(Team.id.in_(select(Person.team_id).where(Person.id.in_(ids)))).order_by(Team.code)
    )
    found = session.scalars(
        select(Cohort)
        .where(
            Cohort.id.in_(
                select(CohortMember.cohort_id).where(CohortMember.person_id.in_(ids), CohortMember.left_at.is_(None))
            )
        )
        .order_by(Cohort.starts_on.desc(), Cohort.code)
    )
    return list(markets), list(teams), list(found)


def _ids(people: Select[Person]) -> Select[Any]:
    return people.order_by(None).with_only_columns(Person.id)


def _has_something(quiz_ids: Collection[int]) -> ColumnElement[bool]:
    return or_(
        Person.id.in_(select(Attempt.person_id).where(Attempt.quiz_id.in_(quiz_ids))),
        Person.id.in_(select(ScoreEntry.person_id).where(ScoreEntry.quiz_id.in_(quiz_ids))),
    )


def _seen(sight: Sight, ids: Collection[int]) -> set[int]:
    """Return who of these people lies within reach, so that every result of hers may be seen."""
    if sight.reach.everywhere:
        return set(ids)
    return set(session.scalars(select(Person.id).where(Person.id.in_(ids), cohorts.people_within(sight.reach))))


def _in_state(people: Select[Person], columns: Sequence[QuizVersion], sight: Sight, state: State) -> list[int]:
    ids = list(session.scalars(_ids(people)))
    known: Mapping[tuple[int, int], Standing] = standings(_ids(people), columns)
    seen = _seen(sight, ids)
    return [
        person_id
        for person_id in ids
        if any(
            known.get((person_id, version.quiz_id), NOTHING_YET).state is state
            for version in columns
            if person_id in seen or version.quiz.slug in sight.owned
        )
    ]


def only_quiz(asked: Asked, quiz: Quiz) -> Asked:
    """Return what is asked for, of one quiz alone."""
    return replace(asked, quiz=quiz.slug)
