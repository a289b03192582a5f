"""Letting somebody go on in another plan: what counts, when all of it is due and what ends first, then all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import WorkingCalendar, working_day_number
from portal.core import clock
from portal.core.db import canonical_json, session
from portal.journal.service import record
from portal.training import queries, rules
from portal.training.errors import (
    AlreadyEnrolled,
    MoveChanged,
    OverBeforeItBegins,
    PersonInactive,
    PlanIsOver,
    SamePlan,
    StartOutOfBounds,
)
from portal.training.models import Enrollment, PlanStep, PlanVersion
from portal.training.queries import Standing
from portal.training.rules import Basis, Feasibility
from portal.training.service.beside import Interruption, interrupted_with
from portal.training.service.dates import FARTHEST_START
from portal.training.service.enrollments import (
    Recognition,
    days_of_events,
    end_plan,
    enroll,
    lock,
    recognition_of,
    what_counts,
)
from portal.training.service.odd_days import about_due_before, about_event, about_first_day, last_before


@dataclass(frozen=True, slots=True)
class DatedStep:
    """A step of the other plan: when it is due, on which working day of the plan; whether it counts as done."""

    step: PlanStep
    on: date
    day: int
    counts: bool


@dataclass(frozen=True, slots=True)
class PlanMove:
    """What would come of it if one learner went on in another plan.

    `steps` are those of the other plan, `not_counted` what of before does not count in it and why, `left` the steps of
    the present one that are open and end, `interrupted` what else breaks off with it. `completes`: all that the other
    plan requires counts as done. `cautions` say in words what of the chosen days is worth a second look. `key` stands
    for all of it, so that a page can tell whether it has shown this.
    """

    standing: Standing
    version: PlanVersion
    starts_on: date
    steps: Sequence[DatedStep]
    not_counted: Sequence[Recognition]
    left: Sequence[PlanStep]
    feasibility: Sequence[Feasibility]
    calendar: WorkingCalendar
    completes: bool
    cautions: Sequence[str]
    interrupted: Sequence[Interruption]
    key: str


def judge_move(
    *, standing: Standing, version: PlanVersion, starts_on: date, events: Mapping[str, date] | None = None
) -> PlanMove:
    """Return what would come of it if a learner went on in another plan from a day on.

    Raises `PlanIsOver`, `SamePlan`, `PersonInactive`, `AlreadyEnrolled`, `StartOutOfBounds`, `NoSuchEvent`,
    `EventDatesMissing`, `EventOutOfBounds`, `OverBeforeItBegins`, `HolidayYearUnknown`.
    """
    enrollment, today = standing.enrollment, standing.today
    person, market = enrollment.person, enrollment.market
    if not enrollment.is_open:
        raise PlanIsOver()
    if enrollment.plan_id == version.plan_id:
        raise SamePlan()
    if not person.is_active:
        raise PersonInactive(name=person.names)
    if queries.find_open_enrollment(person.id, version.plan_id) is not None:
        raise AlreadyEnrolled(name=person.names)
    if abs((starts_on - today).days) > FARTHEST_START:
        raise StartOutOfBounds()
    days = days_of_events(version, starts_on=starts_on, cohort=enrollment.cohort, given=events or {})
    now, shapes = clock.now(), [step.shape for step in version.steps]
    counts = what_counts(person=person, version=version, market=market, at=now)
    basis = Basis(starts_on, events=tuple(days.items()))
    with unknown_years_refused():
        calendar = calendars.working_calendar(market, person.id)
        dues = rules.schedule(shapes, basis, calendar)
        left = rules.feasibility(shapes, dues, frozenset(counts), basis=basis, calendar=calendar, today=today)
        steps = [
            DatedStep(
                step,
                dues[step.slug].on,
                working_day_number(starts_on, dues[step.slug].on, calendar),
                step.slug in counts,
            )
            for step in version.steps
        ]
    days_due = {slug: due.on for slug, due in dues.items()}
    last = last_before(starts_on, days_due, counts)
    if last is not None:
        raise OverBeforeItBegins(first=starts_on, last=last)
    cautions = about_first_day(starts_on, calendar) + about_due_before(version, starts_on, days_due, counts)
    for event in version.events:
        cautions += about_event(event, days[event.slug].on, calendar, today)
    interrupted = interrupted_with(enrollment)
    open_ = [step for step in standing.steps if step.slug not in standing.settled]
    said: list[Any] = [enrollment.code, version.digest, starts_on.isoformat(), [step.slug for step in open_]]
    said += [each.code for each in interrupted]
    said += [[each.step.slug, each.on.isoformat(), each.counts] for each in steps]
    return PlanMove(
        standing=standing,
        version=version,
        starts_on=starts_on,
        steps=steps,
        not_counted=[
            each
            for each in recognition_of(person=person, version=version, market=market, at=now, besides=counts)
            if each.why_not is not None
        ],
        left=open_,
        feasibility=left,
        calendar=calendar,
        cautions=cautions,
        interrupted=interrupted,
        completes=rules.is_complete(shapes, frozenset(counts), frozenset()),
        key=sha256(canonical_json(said).encode()).hexdigest(),
    )


def move_to_plan(
    *,
    enrollment: Enrollment,
    version: PlanVersion,
    starts_on: date,
    reason: str,
    by: Person,
    events: Mapping[str, date] | None = None,
    seen: str | None = None,
) -> Enrollment:
    """Let a learner go on in another plan from a day on, and return her training in it.

    The one that she had ends and stays as it is; cohort, market and mentor stay hers. What she did before counts as far
    as the other plan recognises it. She is told once, by the mail about her new plan. `seen` is the `key` of what was
    shown. Raises what `judge_move` and `end_plan` raise, and `MoveChanged`.
    """
    lock(enrollment)
    found = judge_move(standing=queries.standing_of(enrollment), version=version, starts_on=starts_on, events=events)
    if seen is not None and seen != found.key:
        raise MoveChanged()
    end_plan(enrollment=enrollment, reason=reason, by=by, is_told=False)
    mentor = session.get(Person, enrollment.mentor_id) if enrollment.mentor_id is not None else None
    new = enroll(
        person=enrollment.person,
        version=version,
        starts_on=starts_on,
        by=by,
        market=enrollment.market,
        cohort=enrollment.cohort,
        mentor=mentor,
        events=events,
        moved_from=enrollment,
    )
    record(
        "training.moved_to_plan",
        by=by,
        subject=("enrollment", new.code),
        before={"enrollment": enrollment.code, "plan": enrollment.version.plan.slug},
        after={"person": new.person.code, "plan": version.plan.slug, "version": version.number},
    )
    return new
