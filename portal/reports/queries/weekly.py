"""What changed in a cohort in a week, and what falls due in the next one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import lazyload

from portal.accounts.models import Person
from portal.calendars.rules import ONE_DAY
from portal.cohorts.models import Cohort, CohortMember
from portal.core.clock import local_date, zone_info
from portal.core.db import session
from portal.reports.queries import Follower, Following
from portal.reports.queries.lead import attempts_of, instant_of
from portal.reports.rules import A_WEEK, Week


@dataclass(frozen=True, slots=True)
class Due:
    """A required step that falls due within the next seven days: for whom (row numbers of persons), from when on."""

    step: str
    first: date
    last: date
    people: frozenset[int]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a week; people are row numbers of persons.

    Days are those of each person's own zone, of joining and leaving those of the cohort's market.
    """

    week: Week
    # Person → the required steps that she did, and on which day.
    done: dict[int, Sequence[tuple[str, date]]]
    completed: frozenset[int]
    # Person → her required steps whose due date passed in the week and that are not done yet, the first one first.
    became_overdue: dict[int, Sequence[str]]
    # Person → the quizzes of the plan that she passed for the first time since she was enrolled.
    passed: dict[int, Sequence[str]]
    joined: frozenset[int]
    left: frozenset[int]
    due_next: Sequence[Due]

    @property
    def steps_done(self) -> int:
        """Required steps that were done, by everybody."""
        return sum(len(steps) for steps in self.done.values())


def changes_of(cohort: Cohort, following: Following, week: Week, *, viewer_id: int) -> Changes:
    """Return what changed among those who follow the plan in two statements.

    What the viewer's own quizzes keep from her is left out of what is said of herself.
    """
    joined, left = _comings_and_goings(cohort, week)
    overdue: dict[int, Sequence[str]] = {}
    completed = set()
    made: dict[int, Sequence[tuple[str, date]]] = {}
    for each in following.people:
        path = each.path
        assert path is not None
        days = ((slug, local_date(instant_of(moment), path.zone)) for slug, moment in each.moments.items())
        if done := [(slug, on) for slug, on in days if on in week and slug in path.required]:
            made[each.person_id] = sorted(done, key=lambda step: (step[1], step[0]))
        if each.completed_at is not None and local_date(each.completed_at, path.zone) in week:
            completed.add(each.person_id)
        # Overdue is a step from the day after its date on.
        late = [slug for on, slug in each.late if on + ONE_DAY in week]
        if late:
            overdue[each.person_id] = late
    return Changes(
        week=week,
        done=made,
        completed=frozenset(completed),
        became_overdue=overdue,
        passed=_passed(following, week, viewer_id),
        joined=joined,
        left=left,
        due_next=_due_next(following.people),
    )


def _comings_and_goings(cohort: Cohort, week: Week) -> tuple[frozenset[int], frozenset[int]]:
    zone = zone_info(cohort.market.time_zone)
    begins = datetime.combine(week.first, time(), zone).astimezone(UTC)
    ends = datetime.combine(week.last + ONE_DAY, time(), zone).astimezone(UTC)
    rows = session.execute(
        select(CohortMember.person_id, CohortMember.joined_at, CohortMember.left_at).where(
            CohortMember.cohort_id == cohort.id,
            or_(CohortMember.joined_at.between(begins, ends), CohortMember.left_at.between(begins, ends)),
        )
    ).all()
    joined = frozenset(row.person_id for row in rows if begins <= row.joined_at < ends)
    left = frozenset(row.person_id for row in rows if row.left_at is not None and begins <= row.left_at < ends)
    return joined, left


def _passed(following: Following, week: Week, viewer_id: int) -> dict[int, Sequence[str]]:
    tried = attempts_of([each.id for each in following.people], viewer_id)
    quizzes = {
        version_id: {step.quiz_slug for step in version.steps if step.quiz_slug is not None}
        for version_id, version in following.versions.items()
    }
    found: dict[int, Sequence[str]] = {}
    for each in following.people:
        assert each.path is not None
        first: dict[str, date] = {}
        for attempt in tried.get(each.id, ()):
            if not attempt.counts or attempt.quiz not in quizzes[each.version_id]:
                continue
            if attempt.told and attempt.quiz not in first:
                first[attempt.quiz] = local_date(instant_of(attempt.ended), each.path.zone)
        if names := [quiz for quiz, on in first.items() if on in week]:
            found[each.person_id] = names
    return found


def _due_next(people: Sequence[Follower]) -> list[Due]:
    """Return the required steps that are not done and due from today on within seven days, by their dates."""
    days: dict[str, list[date]] = defaultdict(list)
    whose: dict[str, set[int]] = defaultdict(set)
    for each in people:
        path = each.path
        assert path is not None
        if each.completed_at is not None:
            continue
        for slug in path.asked_now(each.done) - each.done:
            on = each.asked_by(slug)
            if path.today <= on < path.today + timedelta(days=A_WEEK):
                days[slug].append(on)
                whose[slug].add(each.person_id)
    found = [Due(slug, min(on), max(on), frozenset(whose[slug])) for slug, on in days.items()]
    return sorted(found, key=lambda each: (each.first, each.last, each.step))


def people_of(ids: Collection[int]) -> dict[int, Person]:
    """Return row number → person, as far as there is one, for their names; also of those who have left."""
    rows = session.scalars(
        select(Person).where(Person.id.in_(ids)).options(lazyload(Person.home_market), lazyload(Person.team))
    )
    return {person.id: person for person in rows}
