"""What moves a learner's dates: more time, another first day, a pause; and what each changes before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import Roster, WorkingCalendar
from portal.calendars.service import check_leave
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.training import queries, rules
from portal.training.errors import (
    AlreadyPaused,
    DateIsPast,
    EventOutOfBounds,
    EventUnchanged,
    ExtensionOutOfBounds,
    NotPaused,
    PauseOutOfBounds,
    ResumesOutOfBounds,
    StartOutOfBounds,
    StartUnchanged,
)
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    NewStart,
    PlanEvent,
    PlanExtension,
    PlanStep,
    StepExtension,
)
from portal.training.queries import Standing
from portal.training.rules import MOST_DAYS_AT_ONCE, SETTLED, Basis, EventDay, Extension, Feasibility, Pause
from portal.training.service.enrollments import FARTHEST_EVENT, checked_reason, lock

# Farther away it is another training: it is ended, and begun anew.
FARTHEST_START = 366
# A pause is noted afterwards (somebody fell ill), and agreed beforehand.
LONGEST_BACK = timedelta(days=366)
LONGEST_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Moved:
    """A step whose date would be another one."""

    step: PlanStep
    before: date
    after: date


@dataclass(frozen=True, slots=True)
class Moves:
    """Every date of one learner that would be another one, and whether what is left could be done in time then.

    `disorder` are the steps that would be due before one that comes first, each with that one; `unannounced` the
    years of the new dates whose holidays are not announced yet.
    """

    dates: Sequence[Moved]
    feasibility: Sequence[Feasibility]
    disorder: Sequence[tuple[PlanStep, PlanStep]] = ()
    unannounced: Sequence[int] = ()

    def __iter__(self) -> Iterator[Moved]:
        return iter(self.dates)

    def __len__(self) -> int:
        return len(self.dates)


def moved_by_extension(*, standing: Standing, step: PlanStep | None, working_days: int) -> Moves:
    """Return which dates more time would move: for a step its own and those counted from it, for the plan (None) all.

    Raises `DateIsPast`, `ExtensionOutOfBounds`, `HolidayYearUnknown`.
    """
    _check_can_move(standing, step)
    if not 1 <= working_days <= MOST_DAYS_AT_ONCE:
        raise ExtensionOutOfBounds(most=MOST_DAYS_AT_ONCE)
    given = step.slug if step else None, Extension(working_days, is_of_plan=step is None)
    return _moved(standing, replace(standing.basis, extensions=(*standing.basis.extensions, given)))


def moved_by_leave(*, standing: Standing, first_on: date, last_on: date) -> Moves:
    """Return which dates a leave would move. Raises `PeriodBackwards`, `PeriodTooLong`, `HolidayYearUnknown`."""
    check_leave(first_on, last_on)
    days = frozenset(first_on + timedelta(days=number) for number in range((last_on - first_on).days + 1))
    return _moved(standing, standing.basis, days)


def moved_by_start(*, standing: Standing, starts_on: date) -> Moves:
    """Return which dates another first day would move.

    Raises `DateIsPast`, `StartOutOfBounds`, `StartUnchanged`, `HolidayYearUnknown`.
    """
    _check_can_move(standing)
    if starts_on == standing.starts_on:
        raise StartUnchanged()
    if abs((starts_on - standing.today).days) > FARTHEST_START:
        raise StartOutOfBounds()
    return _moved(standing, replace(standing.basis, starts_on=starts_on))


def moved_by_pause(*, standing: Standing, first_on: date) -> Moves:
    """Return which dates a pause from a day on has moved by today; it goes on moving them until the learner resumes.

    Raises `AlreadyPaused`, `DateIsPast`, `PauseOutOfBounds`, `HolidayYearUnknown`.
    """
    _check_can_move(standing)
    pauses = standing.basis.pauses
    if any(pause.resumes_on is None for pause in pauses):
        raise AlreadyPaused()
    earliest = max([standing.today - LONGEST_BACK, *(pause.resumes_on for pause in pauses if pause.resumes_on)])
    if not earliest <= first_on <= standing.today + LONGEST_AHEAD:
        raise PauseOutOfBounds(first=earliest, last=standing.today + LONGEST_AHEAD)
    return _moved(standing, replace(standing.basis, pauses=(*pauses, Pause(first_on))))


def moved_by_resuming(*, standing: Standing, resumes_on: date) -> Moves:
    """Return which dates are other ones, compared with those of today, when the learner resumes on a day.

    Raises `DateIsPast`, `NotPaused`, `ResumesOutOfBounds`, `HolidayYearUnknown`.
    """
    _check_can_move(standing)
    pauses = standing.basis.pauses
    current = next((pause for pause in pauses if pause.resumes_on is None), None)
    if current is None:
        raise NotPaused()
    last = max(standing.today, current.first_on) + LONGEST_AHEAD
    if not current.first_on <= resumes_on <= last:
        raise ResumesOutOfBounds(first=current.first_on, last=last)
    over = tuple(replace(pause, resumes_on=resumes_on) if pause is current else pause for pause in pauses)
    return _moved(standing, replace(standing.basis, pauses=over))


def moved_by_event(*, standing: Standing, event: PlanEvent, on: date, is_of_cohort: bool = False) -> Moves:
    """Return which dates another day of an event would move.

    Raises `DateIsPast`, `EventOutOfBounds`, `EventUnchanged`, `HolidayYearUnknown`.
    """
    _check_can_move(standing)
    check_event_day(event, on, was=standing.basis.event(event.slug).on, today=standing.today)
    return _moved(standing, standing.basis.with_event(event.slug, EventDay(on, is_of_cohort=is_of_cohort)))


def moved_in_cohort(*, cohort: Cohort, event: PlanEvent, on: date) -> list[tuple[Standing, Moves]]:
    """Return which dates another day of an event would move for a cohort: each learner who follows it, by name.

    Raises `EventOutOfBounds`, `EventUnchanged`, `HolidayYearUnknown`.
    """
    now = queries.list_event_days(cohort, event.version.plan_id).get(event.slug)
    check_event_day(event, on, was=now.on if now else None, today=clock.today(cohort.market.time_zone))
    found = []
    for standing in queries.standings(queries.list_moved_with(cohort, event)):
        # Who has been enrolled with this very day has had it as her own; nothing moves for her.
        if standing.basis.event(event.slug).on != on:
            found.append((standing, moved_by_event(standing=standing, event=event, on=on, is_of_cohort=True)))
    return found


def check_event_day(event: PlanEvent, on: date, *, was: date | None, today: date) -> None:
    """Refuse a day on which an event cannot take place. Raises `EventOutOfBounds`, `EventUnchanged`."""
    if on == was:
        raise EventUnchanged(event=event.title)
    if abs(on - today) > FARTHEST_EVENT:
        raise EventOutOfBounds(event=event.title)


def extend_step(*, enrollment: Enrollment, step: PlanStep, working_days: int, reason: str, by: Person) -> StepExtension:
    """Give the learner so many working days more for a step; the dates counted from it move along.

    Raises `DateIsPast`, `ExtensionOutOfBounds`, `ReasonMissing`, `StatementTooLong`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    moved_by_extension(standing=queries.standing_of(enrollment), step=step, working_days=working_days)
    extension = StepExtension(
        enrollment_id=enrollment.id, step_id=step.id, working_days=working_days, reason=said, by=by, at=clock.now()
    )
    session.add(extension)
    session.flush()
    record("training.step_extended", **_about(enrollment, by, step=step.slug, working_days=working_days))
    return extension


def extend_plan(*, enrollment: Enrollment, working_days: int, reason: str, by: Person) -> PlanExtension:
    """Give the learner so many working days more for the whole plan: what is not done moves later.

    Raises `DateIsPast`, `ExtensionOutOfBounds`, `ReasonMissing`, `StatementTooLong`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    moved_by_extension(standing=queries.standing_of(enrollment), step=None, working_days=working_days)
    extension = PlanExtension(
        enrollment_id=enrollment.id, working_days=working_days, reason=said, by=by, at=clock.now()
    )
    session.add(extension)
    session.flush()
    record("training.plan_extended", **_about(enrollment, by, working_days=working_days))
    return extension


def move_start(*, enrollment: Enrollment, starts_on: date, reason: str, by: Person) -> NewStart:
    """Let the plan begin on another day for the learner; what is done keeps the date that it had.

    Raises `DateIsPast`, `StartOutOfBounds`, `StartUnchanged`, `ReasonMissing`, `StatementTooLong`,
    `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    standing = queries.standing_of(enrollment)
    moved_by_start(standing=standing, starts_on=starts_on)
    start = NewStart(enrollment_id=enrollment.id, starts_on=starts_on, reason=said, by=by, at=clock.now())
    session.add(start)
    session.flush()
    moved = _about(enrollment, by, starts_on=starts_on.isoformat(), was=standing.starts_on.isoformat())
    record("training.start_moved", **moved)
    return start


def pause(*, enrollment: Enrollment, first_on: date, reason: str, by: Person) -> EnrollmentPause:
    """Stop the days of a plan for the learner from a day on, until she resumes.

    Raises `AlreadyPaused`, `DateIsPast`, `PauseOutOfBounds`, `ReasonMissing`, `StatementTooLong`,
    `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    moved_by_pause(standing=queries.standing_of(enrollment), first_on=first_on)
    begun = EnrollmentPause(enrollment_id=enrollment.id, first_on=first_on, reason=said, by=by, at=clock.now())
    session.add(begun)
    session.flush()
    record("training.paused", **_about(enrollment, by, first_on=first_on.isoformat()))
    return begun


def resume(*, enrollment: Enrollment, resumes_on: date, by: Person) -> EnrollmentPause:
    """Let the days of a plan count again from a day on; the first day of the pause takes the pause back.

    Raises `DateIsPast`, `NotPaused`, `ResumesOutOfBounds`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    moved_by_resuming(standing=queries.standing_of(enrollment), resumes_on=resumes_on)
    current = queries.get_open_pause(enrollment)
    current.resumes_on, current.resumed_at, current.resumed_by = resumes_on, clock.now(), by
    session.flush()
    record("training.resumed", **_about(enrollment, by, resumes_on=resumes_on.isoformat()))
    return current


def move_event(*, enrollment: Enrollment, event: PlanEvent, on: date, reason: str, by: Person) -> EventDate:
    """Let an event take place on another day for one learner, whatever her cohort's is from now on.

    Raises `DateIsPast`, `EventOutOfBounds`, `EventUnchanged`, `ReasonMissing`, `StatementTooLong`,
    `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    standing = queries.standing_of(enrollment)
    moved_by_event(standing=standing, event=event, on=on)
    row = EventDate(
        plan_id=enrollment.plan_id,
        event_slug=event.slug,
        enrollment_id=enrollment.id,
        takes_place_on=on,
        reason=said,
        by=by,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    was = standing.basis.event(event.slug).on.isoformat()
    record("training.event_moved", **_about(enrollment, by, event=event.slug, takes_place_on=on.isoformat(), was=was))
    return row


def set_event_of_cohort(*, cohort: Cohort, event: PlanEvent, on: date, reason: str, by: Person) -> EventDate:
    """Say when an event of a plan takes place for a cohort, or that it is on another day: then with a reason.

    It holds in all versions of the plan, for everybody without a day of her own. Raises `EventOutOfBounds`,
    `EventUnchanged`, `ReasonMissing`, `StatementTooLong`, `HolidayYearUnknown`.
    """
    plan = event.version.plan
    # Two leads who move it at once do so one after the other.
    session.execute(select(Cohort).where(Cohort.id == cohort.id).with_for_update(of=Cohort))
    was = queries.list_event_days(cohort, plan.id).get(event.slug)
    said = checked_reason(reason) if was is not None else None
    moved_in_cohort(cohort=cohort, event=event, on=on)
    row = EventDate(
        plan_id=plan.id,
        event_slug=event.slug,
        cohort_id=cohort.id,
        takes_place_on=on,
        reason=said,
        by=by,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    record(
        "training.event_of_cohort_set",
        by=by,
        subject=("cohort", cohort.code),
        before={"takes_place_on": was.on.isoformat()} if was else None,
        after={"plan": plan.slug, "event": event.slug, "takes_place_on": on.isoformat()},
    )
    return row


def _about(enrollment: Enrollment, by: Person, **facts: str | int) -> dict[str, Any]:
    """Return whom an entry in the journal is about. The reason stays with the training: it is about a person."""
    return {
        "by": by,
        "subject": ("enrollment", enrollment.code),
        "after": {"person": enrollment.person.code, **facts},
    }


def _check_can_move(standing: Standing, step: PlanStep | None = None) -> None:
    is_settled = step is not None and standing.statuses[step.slug].state in SETTLED
    if is_settled or not standing.enrollment.is_open:
        raise DateIsPast()


def moved_by_rosters(*, rosters: Mapping[int, Sequence[Roster]]) -> list[tuple[Standing, Moves]]:
    """Return which dates other shifts would move, by the row of each person: each of her running plans, by name.

    In a number of statements that does not grow with the people. Raises `HolidayYearUnknown`.
    """
    return [
        (standing, _compared(standing, standing.basis, replace(standing.calendar, rosters=tuple(own))))
        for standing in queries.standings(queries.list_running_of(rosters))
        for own in [rosters[standing.enrollment.person_id]]
    ]


def _moved(standing: Standing, basis: Basis, away: frozenset[date] = frozenset()) -> Moves:
    """Compare the dates as they are with those that would be; what is done does not move, what is exempt has none."""
    enrollment = standing.enrollment
    calendar = calendars.working_calendar(enrollment.market, enrollment.person_id)
    return _compared(standing, basis, basis.calendar(replace(calendar, leave=calendar.leave | away), standing.today))


def _compared(standing: Standing, basis: Basis, calendar: WorkingCalendar) -> Moves:
    shapes = [step.shape for step in standing.steps]
    with unknown_years_refused():
        dues = rules.schedule(shapes, basis, calendar)
        left = rules.feasibility(shapes, dues, standing.settled, basis=basis, calendar=calendar, today=standing.today)
    moved = [
        Moved(step, standing.due_on(step.slug), dues[step.slug].on)
        for step in standing.steps
        if standing.statuses[step.slug].state not in SETTLED and dues[step.slug].on != standing.due_on(step.slug)
    ]
    by_slug = {step.slug: step for step in standing.steps}
    disorder = [(by_slug[slug], by_slug[first]) for slug, first in rules.out_of_order(shapes, dues, standing.settled)]
    return Moves(moved, left, disorder, calendar.provisional_years(each.after for each in moved))
