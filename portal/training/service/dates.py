"""Giving a learner more time for a step, and what that or a leave changes before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import unknown_years_refused
from portal.calendars.service import check_leave
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.training import queries, rules
from portal.training.errors import DateIsPast, ExtensionOutOfBounds, ReasonMissing, StatementTooLong
from portal.training.models import Enrollment, PlanStep, StepExtension
from portal.training.queries import Standing
from portal.training.rules import MOST_DAYS_AT_ONCE, Extension, StepState
from portal.training.service.enrollments import lock
from portal.training.service.sign_offs import STATEMENT_LIMIT


@dataclass(frozen=True, slots=True)
class Moved:
    """A step whose date would be another one."""

    step: PlanStep
    before: date
    after: date


def moved_by_extension(*, standing: Standing, step: PlanStep, working_days: int) -> list[Moved]:
    """Return which dates more time for a step would move: its own, and those counted from it.

    Raises `DateIsPast`, `ExtensionOutOfBounds`, `HolidayYearUnknown`.
    """
    _check(standing, step, working_days)
    given = {slug: list(each) for slug, each in queries.extensions_of([standing.enrollment.id]).get(
        standing.enrollment.id, {}
    ).items()}  # fmt: skip
    given.setdefault(step.slug, []).append(Extension(working_days, "", ""))
    return _moved(standing, given)


def moved_by_leave(*, standing: Standing, first_on: date, last_on: date) -> list[Moved]:
    """Return which dates a leave would move. Raises `PeriodBackwards`, `PeriodTooLong`, `HolidayYearUnknown`."""
    check_leave(first_on, last_on)
    days = frozenset(first_on + timedelta(days=number) for number in range((last_on - first_on).days + 1))
    given = queries.extensions_of([standing.enrollment.id]).get(standing.enrollment.id, {})
    return _moved(standing, given, days)


def extend_step(*, enrollment: Enrollment, step: PlanStep, working_days: int, reason: str, by: Person) -> StepExtension:
    """Give the learner so many working days more for a step; the dates counted from it move along.

    Raises `DateIsPast`, `ExtensionOutOfBounds`, `ReasonMissing`, `StatementTooLong`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = reason.strip()
    if not said:
        raise ReasonMissing()
    if len(said) > STATEMENT_LIMIT:
        raise StatementTooLong(length=len(said), limit=STATEMENT_LIMIT)
    moved_by_extension(standing=queries.standing_of(enrollment), step=step, working_days=working_days)
    extension = StepExtension(
        enrollment_id=enrollment.id, step_id=step.id, working_days=working_days, reason=said, by=by, at=clock.now()
    )
    session.add(extension)
    session.flush()
    # The reason stays with the training: it is about a person, the journal about acts.
    record(
        "training.step_extended",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"step": step.slug, "person": enrollment.person.code, "working_days": working_days},
    )
    return extension


def _check(standing: Standing, step: PlanStep, working_days: int) -> None:
    if not standing.enrollment.is_open or standing.statuses[step.slug].state is StepState.DONE:
        raise DateIsPast()
    if not 1 <= working_days <= MOST_DAYS_AT_ONCE:
        raise ExtensionOutOfBounds(most=MOST_DAYS_AT_ONCE)


def _moved(
    standing: Standing, given: Mapping[str, Sequence[Extension]], away: frozenset[date] = frozenset()
) -> list[Moved]:
    """Compare the dates as they are with those that would be; what is done does not move."""
    enrollment = standing.enrollment
    calendar = calendars.working_calendar(enrollment.market, enrollment.person_id)
    with unknown_years_refused():
        dues = rules.schedule(
            [step.shape for step in standing.steps],
            enrollment.starts_on,
            replace(calendar, leave=calendar.leave | away),
            given,
        )
    return [
        Moved(step, standing.due_on(step.slug), dues[step.slug].on)
        for step in standing.steps
        if standing.statuses[step.slug].state is not StepState.DONE and dues[step.slug].on != standing.due_on(step.slug)
    ]
