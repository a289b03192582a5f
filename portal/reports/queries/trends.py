"""How cohorts fared in a plan, one after the other: how long people took, first tries, who was through in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from portal.accounts.models import Person
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import working_day_number
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach
from portal.core import clock
from portal.core.clock import local_date
from portal.core.db import session
from portal.core.i18n import Words
from portal.reports.queries import ENTRY, Follower, LeftOut, Uncountable, follow_paths, left_out_of, versions_of
from portal.reports.queries.lead import Attempted, attempts_of
from portal.reports.rules.survival import Course, Survival, survival
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion, StepCompletion
from portal.training.rules import Interval, wilson


class Fate(StrEnum):
    """How far somebody's plan has come."""

    COMPLETED = "completed"
    UNDER_WAY = "under_way"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Passage:
    """One person's way through a plan whose first day has come."""

    enrollment: str
    person_id: int
    starts_on: date
    fate: Fate
    # The working day of her own calendar, from 1, on which the last required step was done; else that of today, or of
    # the day on which she left. 0: before her first day.
    days: int
    ended_on: date | None
    # The last of the due dates of her required steps, and whether all were done by it; None while it is ahead, and
    # where she left before it.
    last_due_on: date | None
    is_on_time: bool | None
    # Quizzes of the plan with a released first attempt, and those of them passed by it.
    tried: int
    passed: int
    # The other plan in which she went on where she left this one for it.
    moved_to: Words | None = None

    @property
    def course(self) -> Course:
        """What the estimate of the median looks at."""
        return Course(self.days, self.fate is Fate.COMPLETED)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval by Wilson; None where there is nothing to count."""

    right: int
    of: int

    @property
    def interval(self) -> Interval | None:
        """The interval."""
        return wilson(self.right, self.of)


@dataclass(frozen=True, slots=True)
class CohortTrend:
    """A cohort in a plan."""

    cohort: Cohort
    passages: Sequence[Passage]
    # People whose first day is ahead: nothing is counted of them.
    not_begun: int
    survival: Survival
    first_tries: Rate
    on_time: Rate
    # People of whom nothing is counted, since their dates cannot be computed, by name.
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True, slots=True)
class PlanOfCohorts:
    """A plan that people of some of the cohorts followed."""

    slug: str
    title: Words
    cohorts: int


@dataclass(frozen=True, slots=True)
class Trends:
    """The cohorts of a plan by their start, the earliest first, as of a moment."""

    plans: Sequence[PlanOfCohorts]
    plan: PlanOfCohorts | None
    cohorts: Sequence[CohortTrend]
    as_of: datetime


def trends(reach: Reach, plan_slug: str | None = None, *, viewer_id: int) -> Trends:
    """Return how the cohorts within reach fared in a plan (default: that of most cohorts).

    Withdrawn cohorts are left out, and what quizzes keep from the viewer of her own results. In a number of statements
    that does not grow with cohorts or people.
    """
    as_of = clock.now()
    found = [each for each in cohorts.list_cohorts(reach) if each.withdrawn_at is None]
    plans = _plans_of([each.id for each in found])
    plan = next((each for each in plans if each.slug == plan_slug), plans[0] if plans else None)
    if plan is None:
        return Trends(plans, None, [], as_of)
    passages, not_begun, left_out = _passages([each.id for each in found], plan.slug, viewer_id)
    shown = [each for each in found if each.id in passages or each.id in not_begun or each.id in left_out]
    return Trends(
        plans,
        plan,
        [
            trend_of(each, passages.get(each.id, ()), not_begun.get(each.id, 0), left_out.get(each.id, ()))
            for each in sorted(shown, key=lambda each: (each.starts_on, each.code))
        ],
        as_of,
    )


def trend_of(
    cohort: Cohort, passages: Sequence[Passage], not_begun: int = 0, left_out: Sequence[LeftOut] = ()
) -> CohortTrend:
    """Return the figures of a cohort from its people."""
    told = [each.is_on_time for each in passages if each.is_on_time is not None]
    return CohortTrend(
        cohort,
        passages,
        not_begun,
        survival(each.course for each in passages),
        first_tries=Rate(sum(each.passed for each in passages), sum(each.tried for each in passages)),
        on_time=Rate(sum(told), len(told)),
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class CohortPassages:
    """The people of a cohort in a plan, by name, with the figures that are made of them."""

    plan: PlanOfCohorts | None
    trend: CohortTrend | None
    people: Mapping[int, Person] = field(default_factory=dict)
    as_of: datetime = field(default_factory=clock.now)


def passages_of(cohort: Cohort, plan_slug: str | None = None, *, viewer_id: int) -> CohortPassages:
    """Return everybody of a cohort who followed a plan with it (default: the one most did); as `trends` counts them."""
    as_of = clock.now()
    plans = _plans_of([cohort.id])
    plan = next((each for each in plans if each.slug == plan_slug), plans[0] if plans else None)
    if plan is None:
        return CohortPassages(None, None, as_of=as_of)
    passages, not_begun, left_out = _passages([cohort.id], plan.slug, viewer_id)
    mine = passages.get(cohort.id, [])
    rows = session.scalars(select(Person).where(Person.id.in_({each.person_id for each in mine})))
    people = {each.id: each for each in rows}
    mine.sort(key=lambda each: (people[each.person_id].sort_key, each.person_id, each.enrollment))
    trend = trend_of(cohort, mine, not_begun.get(cohort.id, 0), left_out.get(cohort.id, ()))
    return CohortPassages(plan, trend, people, as_of)


def _plans_of(cohort_ids: Collection[int]) -> list[PlanOfCohorts]:
    """Return the plans that people of these cohorts follow or followed, that of most cohorts first."""
    used = (
        select(
            Enrollment.plan_id,
            func.count(Enrollment.cohort_id.distinct()).label("cohorts"),
            func.max(Enrollment.plan_version_id).label("newest"),
        )
        .where(Enrollment.cohort_id.in_(cohort_ids))
        .group_by(Enrollment.plan_id)
        .subquery()
    )
    rows = session.execute(
        select(Plan.slug, PlanVersion.title, used.c.cohorts)
        .join(used, used.c.plan_id == Plan.id)
        .join(PlanVersion, PlanVersion.id == used.c.newest)
        .order_by(used.c.cohorts.desc(), Plan.slug)
    )
    return [PlanOfCohorts(*row) for row in rows]


def _passages(
    cohort_ids: Collection[int], plan: str, viewer_id: int
) -> tuple[dict[int, list[Passage]], dict[int, int], dict[int, list[LeftOut]]]:
    """Return by cohort the ways of its people through the plan, and how many have not begun.

    Besides, of whom nothing can be counted, for want of a holiday table.
    """
    later, moved = aliased(Enrollment), aliased(Enrollment)
    went_on_in = (
        select(PlanVersion.title)
        .join(moved, moved.plan_version_id == PlanVersion.id)
        .where(moved.moved_from_id == Enrollment.id)
        .scalar_subquery()
    )
    rows: Sequence[Any] = session.execute(
        select(*ENTRY, Enrollment.ended_at, went_on_in)
        .join(Plan, Plan.id == Enrollment.plan_id)
        .where(Enrollment.cohort_id.in_(cohort_ids), Plan.slug == plan)
        # Who went on in another version of the plan has not left: she is counted once, where she went on.
        .where(~exists(select(later.id).where(later.replaces_id == Enrollment.id)))
        .order_by(Enrollment.id)
    ).all()
    entries = [Follower(*row[:-2]) for row in rows]
    ended_at, moved_to = {row[0]: row[-2] for row in rows}, {row[0]: row[-1] for row in rows}
    versions = versions_of({each.version_id for each in entries})
    entries, uncountable = follow_paths(entries, versions)
    ids = [each.id for each in entries]
    last_done, tried = _last_done(ids), attempts_of(ids, viewer_id)
    asked = {
        version.id: {step.quiz_slug for step in version.steps if step.quiz_slug is not None}
        for version in versions.values()
    }
    found: dict[int, list[Passage]] = defaultdict(list)
    not_begun: dict[int, int] = defaultdict(int)
    for each in entries:
        assert each.path is not None
        assert each.cohort_id is not None
        if each.starts_on > each.path.today and each.completed_at is None:
            if ended_at[each.id] is None:
                not_begun[each.cohort_id] += 1
            continue
        first = _first_tries(tried.get(each.id, ()), asked[each.version_id], ended_at[each.id])
        passage = _passage(each, ended_at[each.id], last_done.get(each.id, (None, None)), first)
        found[each.cohort_id].append(replace(passage, moved_to=moved_to[each.id]))
    return found, not_begun, _left_out(uncountable)


def _left_out(uncountable: Sequence[Uncountable]) -> dict[int, list[LeftOut]]:
    if not uncountable:
        return {}
    rows = session.scalars(select(Person).where(Person.id.in_({each.follower.person_id for each in uncountable})))
    persons = {each.id: each for each in rows}
    found: dict[int, list[Uncountable]] = defaultdict(list)
    for each in uncountable:
        assert each.follower.cohort_id is not None
        found[each.follower.cohort_id].append(each)
    return {cohort_id: left_out_of(mine, persons) for cohort_id, mine in found.items()}


def _passage(
    each: Follower, left_at: datetime | None, last: tuple[datetime | None, date | None], first: Mapping[str, bool]
) -> Passage:
    path, (done_at, done_due_on) = each.path, last
    assert path is not None
    is_complete = each.completed_at is not None
    until, fate = path.today, Fate.UNDER_WAY
    if is_complete:
        # A plan without required steps is completed with nothing done.
        until, fate = local_date(done_at or each.completed_at, path.zone), Fate.COMPLETED  # type: ignore[arg-type]
    elif left_at is not None:
        until, fate = local_date(left_at, path.zone), Fate.LEFT
    # What is done keeps the date that counted then; the rest is due as the person's own page says.
    # Either is asked for by the day of its session where that is a later one.
    asked = path.asked_now(each.done)
    ahead = [each.asked_by(slug) for slug in asked if slug not in each.done or slug in each.booked]
    last_due_on = max([*ahead, *([done_due_on] if done_due_on is not None else [])], default=None)
    is_on_time = None
    if last_due_on is not None and last_due_on < path.today and (fate is not Fate.LEFT or last_due_on < until):
        is_on_time = is_complete and until <= last_due_on
    with unknown_years_refused():
        days = working_day_number(each.starts_on, until, path.calendar) if until >= each.starts_on else 0
    return Passage(
        enrollment=each.code,
        person_id=each.person_id,
        starts_on=each.starts_on,
        fate=fate,
        days=days,
        ended_on=None if fate is Fate.UNDER_WAY else until,
        last_due_on=last_due_on,
        is_on_time=is_on_time,
        tried=len(first),
        passed=sum(first.values()),
    )


def _last_done(enrollment_ids: Sequence[int]) -> dict[int, tuple[datetime | None, date | None]]:
    """Return of each enrollment when the last required step was done, and the last due date of those that are done."""
    rows: Any = session.execute(
        select(StepCompletion.enrollment_id, func.max(StepCompletion.completed_at), func.max(StepCompletion.due_on))
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .where(StepCompletion.enrollment_id.in_(enrollment_ids), PlanStep.required.is_(True))
        .group_by(StepCompletion.enrollment_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _first_tries(attempts: Sequence[Attempted], asked: Collection[str], left_at: datetime | None) -> dict[str, bool]:
    """Return by quiz of the plan whether the first attempt passed, where its result is released and may be told."""
    seen: set[str] = set()
    found = {}
    for attempt in attempts:
        if not attempt.counts or attempt.quiz not in asked or attempt.is_kept or attempt.quiz in seen:
            continue
        if left_at is not None and attempt.began >= left_at.timestamp():
            continue
        seen.add(attempt.quiz)
        if attempt.told is not None:
            found[attempt.quiz] = attempt.told
    return found
