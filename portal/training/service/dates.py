"""What moves a learner's dates: more time, another first day, a pause; and what each changes before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import DayOff, OffReason, WorkingCalendar, YearNotInTable
from portal.calendars.service import check_leave
from portal.calendars.service.moves import CalendarChange, check_shown
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.core.mail import send_all_later, send_later
from portal.journal.service import record
from portal.training import queries, rules
from portal.training.errors import (
    AlreadyPaused,
    DateIsPast,
    EventOutOfBounds,
    EventUnchanged,
    ExtensionIsTakenBack,
    ExtensionOutOfBounds,
    NotPaused,
    PauseOutOfBounds,
    PlanIsOver,
    ResumesOutOfBounds,
    StartOutOfBounds,
    StartUnchanged,
    TakingBackChanged,
)
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    ExtensionTakenBack,
    NewStart,
    PlanEvent,
    PlanExtension,
    PlanStep,
    StepExtension,
)
from portal.training.permissions import ExtensionOfEnrollment
from portal.training.queries import Standing
from portal.training.queries.step_results import Seat
from portal.training.rules import (
    MOST_DAYS_AT_ONCE,
    SETTLED,
    Basis,
    EventDay,
    Extension,
    Feasibility,
    Pause,
    Schedule,
    TakenBack,
)
from portal.training.service.enrollments import FARTHEST_EVENT, checked_reason, lock
from portal.training.service.invitations import follow_first_day

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
class Stays:
    """A step whose session is booked and stays on its day: when the step itself is due, and would be due then.

    `off` is why nobody works on the day of the session then, where now somebody does; or that the learner is away then.
    """

    step: PlanStep
    seat: Seat
    before: date
    after: date
    off: DayOff | None = None


@dataclass(frozen=True, slots=True)
class Moves:
    """Every date of one learner that would be another one, and whether what is left could be done in time then.

    A step with a session is done on the day of the session, and no date moves that; `sessions` are those around which
    dates move, or that would lie on a day off. `disorder` are the steps that would be due before one that comes first,
    each with that one; `unannounced` the years of the new dates whose holidays are not announced yet.
    """

    dates: Sequence[Moved]
    feasibility: Sequence[Feasibility]
    disorder: Sequence[tuple[PlanStep, PlanStep]] = ()
    unannounced: Sequence[int] = ()
    sessions: Sequence[Stays] = ()

    def __iter__(self) -> Iterator[Moved]:
        return iter(self.dates)

    def __len__(self) -> int:
        return len(self.dates)

    def days_of(self, standing: Standing) -> dict[str, date]:
        """Return when each step of the learner would be due."""
        return {slug: due.on for slug, due in standing.dues.items()} | {each.step.slug: each.after for each in self}


def moved_by_extension(*, standing: Standing, step: PlanStep | None, working_days: int) -> Moves:
    """Return which dates more time would move: for a step its own and those counted from it, for the plan (None) all.

    Raises `DateIsPast`, `ExtensionOutOfBounds`, `HolidayYearUnknown`.
    """
    _check_can_move(standing, step)
    if not 1 <= working_days <= MOST_DAYS_AT_ONCE:
        raise ExtensionOutOfBounds(most=MOST_DAYS_AT_ONCE)
    given = step.slug if step else None, Extension(working_days, is_of_plan=step is None)
    return _moved(standing, replace(standing.basis, extensions=(*standing.basis.extensions, given)))


def moved_by_taking_back(*, standing: Standing, thing: ExtensionOfEnrollment) -> Moves:
    """Return which dates would move if an extension were taken back: none that is done.

    Raises `PlanIsOver`, `ExtensionIsTakenBack`, `HolidayYearUnknown`.
    """
    if not standing.enrollment.is_open:
        raise PlanIsOver()
    slug = thing.step.slug if thing.step else None
    given = _extension_of(standing, thing)
    if given.taken_back is not None:
        raise ExtensionIsTakenBack()
    return _moved(standing, standing.basis.with_extension(slug, thing.number, _taken_back(given)))


def moved_since_taken_back(*, standing: Standing, thing: ExtensionOfEnrollment) -> Moves:
    """Return which dates are other ones because an extension was taken back, from what they would be with it.

    Raises `HolidayYearUnknown`.
    """
    return _moved_since(standing, thing, replace(_extension_of(standing, thing), taken_back=None))


def moved_since_given(*, standing: Standing, thing: ExtensionOfEnrollment) -> Moves:
    """Return which dates are other ones because of an extension, from what they would be without it.

    Raises `HolidayYearUnknown`.
    """
    return _moved_since(standing, thing, _taken_back(_extension_of(standing, thing)))


def _extension_of(standing: Standing, thing: ExtensionOfEnrollment) -> Extension:
    return standing.basis.of(thing.step.slug if thing.step else None)[thing.number - 1]


def _taken_back(given: Extension) -> Extension:
    return replace(given, taken_back=TakenBack(None, clock.now(), ""))


def _moved_since(standing: Standing, thing: ExtensionOfEnrollment, otherwise: Extension) -> Moves:
    """Return the dates that would be others if the extension were otherwise: from those to what they are."""
    slug = thing.step.slug if thing.step else None
    return _since(standing, standing.basis.with_extension(slug, thing.number, otherwise))


def moved_since_paused(*, standing: Standing, row: EnrollmentPause) -> Moves:
    """Return which dates are other ones because of a pause, from what they would be without it.

    Raises `HolidayYearUnknown`.
    """
    return _since(standing, replace(standing.basis, pauses=_pauses_besides(standing, row)))


def moved_since_resumed(*, standing: Standing, row: EnrollmentPause) -> Moves:
    """Return which dates are other ones because a pause ends, from what they would be if it went on.

    Raises `HolidayYearUnknown`.
    """
    lasting = (*_pauses_besides(standing, row), Pause(row.first_on))
    return _since(standing, replace(standing.basis, pauses=lasting))


def _pauses_besides(standing: Standing, row: EnrollmentPause) -> tuple[Pause, ...]:
    return tuple(each for each in standing.basis.pauses if each != Pause(row.first_on, row.resumes_on))


def _since(standing: Standing, otherwise: Basis) -> Moves:
    """Return the dates that would be others on another basis: from those to what they are."""
    found = _moved(standing, otherwise)
    return Moves(
        [Moved(each.step, each.after, each.before) for each in found],
        found.feasibility,
        unannounced=standing.calendar.provisional_years(each.before for each in found),
    )


def kept(moves: Moves) -> dict[str, Any]:
    """Return what is kept with a mail of dates that move: what moves them later is no part of what it tells."""
    return {
        "moved": [[each.step.slug, each.before.isoformat(), each.after.isoformat()] for each in moves],
        "unannounced": list(moves.unannounced),
    }


def moves_kept(
    enrollment: Enrollment, moved: Sequence[Sequence[str]] | None, unannounced: Sequence[int]
) -> Moves | None:
    """Return the dates that were `kept` with a mail; None for one that was owed before they were."""
    if moved is None:
        return None
    steps = {step.slug: step for step in enrollment.version.steps}
    found = [Moved(steps[slug], date.fromisoformat(before), date.fromisoformat(after)) for slug, before, after in moved]
    return Moves(found, (), unannounced=unannounced)


def key_of(moves: Moves) -> str:
    """Return what a page that has shown these dates says of them, so that others are shown first."""
    told = "/".join(f"{each.step.slug}:{each.before}:{each.after}" for each in (*moves, *moves.sessions))
    return sha256(told.encode()).hexdigest()


def key_of_all(found: Sequence[tuple[Standing, Moves]]) -> str:
    """Return what stands for the dates of all of these learners."""
    told = "/".join(f"{standing.enrollment.code}={key_of(moves)}" for standing, moves in found)
    return sha256(told.encode()).hexdigest()


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


def due_before_events(standing: Standing) -> str:
    """Return whether "some" or "all" of what is left, or nothing (""), is due before an event.

    A pause moves such a date at most to its own end.
    """
    origins = rules.origins_of([step.shape for step in standing.steps])
    left = [
        origins[step.slug] is not None and step.due_days < 0
        for step in standing.steps
        if step.slug not in standing.settled
    ]
    return "all" if left and all(left) else "some" if any(left) else ""


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
    for standing in queries.countable(queries.list_moved_with(cohort, event))[0]:
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


def extend_step(
    *, enrollment: Enrollment, step: PlanStep, working_days: int, reason: str, by: Person, seen: str | None = None
) -> StepExtension:
    """Give the learner so many working days more for a step; the dates counted from it move along.

    She is told by mail. `seen` is the `key_of` the dates that were shown. Raises `DateIsPast`, `ExtensionOutOfBounds`,
    `ReasonMissing`, `StatementTooLong`, `MovesChanged`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    moves = moved_by_extension(standing=queries.standing_of(enrollment), step=step, working_days=working_days)
    check_shown(key_of(moves), seen)
    extension = StepExtension(
        enrollment_id=enrollment.id, step_id=step.id, working_days=working_days, reason=said, by=by, at=clock.now()
    )
    session.add(extension)
    session.flush()
    record("training.step_extended", **_about(enrollment, by, step=step.slug, working_days=working_days))
    _tell_of(enrollment, f"step:{extension.id}", moves, step_extension=extension.id)
    return extension


def extend_plan(
    *, enrollment: Enrollment, working_days: int, reason: str, by: Person, seen: str | None = None
) -> PlanExtension:
    """Give the learner so many working days more for the whole plan: what is not done moves later.

    She is told by mail. `seen` is the `key_of` the dates that were shown. Raises `DateIsPast`, `ExtensionOutOfBounds`,
    `ReasonMissing`, `StatementTooLong`, `MovesChanged`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    moves = moved_by_extension(standing=queries.standing_of(enrollment), step=None, working_days=working_days)
    check_shown(key_of(moves), seen)
    extension = PlanExtension(
        enrollment_id=enrollment.id, working_days=working_days, reason=said, by=by, at=clock.now()
    )
    session.add(extension)
    session.flush()
    record("training.plan_extended", **_about(enrollment, by, working_days=working_days))
    _tell_of(enrollment, f"plan:{extension.id}", moves, plan_extension=extension.id)
    return extension


def _tell_of(enrollment: Enrollment, key: str, moves: Moves, **row: int) -> None:
    send_later("training.extended", {"code": enrollment.code, **row, **kept(moves)}, effect_key=f"extended:{key}")


def take_back_extension(
    *, thing: ExtensionOfEnrollment, reason: str, by: Person, seen: str | None = None
) -> ExtensionTakenBack:
    """Take more time back that had been given: dates are counted without it from now on, and tell of it.

    The learner is told by mail. `seen` is the `key_of` the dates that were shown. Raises what `moved_by_taking_back`
    raises, `ReasonMissing`, `StatementTooLong`, `TakingBackChanged`.
    """
    enrollment, step = thing.enrollment, thing.step
    lock(enrollment)
    said = checked_reason(reason)
    moves = moved_by_taking_back(standing=queries.standing_of(enrollment), thing=thing)
    if seen is not None and seen != key_of(moves):
        raise TakingBackChanged()
    row = ExtensionTakenBack(
        enrollment_id=enrollment.id,
        step_extension_id=thing.row.id if step is not None else None,
        plan_extension_id=thing.row.id if step is None else None,
        reason=said,
        by=by,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    days = thing.row.working_days
    if step is not None:
        record("training.step_extension_taken_back", **_about(enrollment, by, step=step.slug, working_days=days))
    else:
        record("training.plan_extension_taken_back", **_about(enrollment, by, working_days=days))
    send_later(
        "training.extension_taken_back",
        {"code": enrollment.code, "number": row.id, **kept(moves)},
        effect_key=f"extension_taken_back:{row.id}",
    )
    return row


def move_start(
    *, enrollment: Enrollment, starts_on: date, reason: str, by: Person, seen: str | None = None
) -> NewStart:
    """Let the plan begin on another day for the learner; what is done keeps the date that it had.

    Her invitation follows, or she is told of the new day. Raises `DateIsPast`, `StartOutOfBounds`, `StartUnchanged`,
    `ReasonMissing`, `StatementTooLong`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    standing = queries.standing_of(enrollment)
    moves = moved_by_start(standing=standing, starts_on=starts_on)
    check_shown(key_of(moves), seen)
    start = NewStart(enrollment_id=enrollment.id, starts_on=starts_on, reason=said, by=by, at=clock.now())
    session.add(start)
    session.flush()
    moved = _about(enrollment, by, starts_on=starts_on.isoformat(), was=standing.starts_on.isoformat())
    record("training.start_moved", **moved)
    follow_first_day(enrollment, start)
    return start


def pause(
    *, enrollment: Enrollment, first_on: date, reason: str, by: Person, seen: str | None = None
) -> EnrollmentPause:
    """Stop the days of a plan for the learner from a day on, until she resumes. She is told by mail.

    Raises `AlreadyPaused`, `DateIsPast`, `PauseOutOfBounds`, `ReasonMissing`, `StatementTooLong`,
    `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    moves = moved_by_pause(standing=queries.standing_of(enrollment), first_on=first_on)
    check_shown(key_of(moves), seen)
    begun = EnrollmentPause(enrollment_id=enrollment.id, first_on=first_on, reason=said, by=by, at=clock.now())
    session.add(begun)
    session.flush()
    record("training.paused", **_about(enrollment, by, first_on=first_on.isoformat()))
    send_later(
        "training.paused",
        {"code": enrollment.code, "number": begun.id, **kept(moves)},
        effect_key=f"paused:{begun.id}",
    )
    return begun


def resume(*, enrollment: Enrollment, resumes_on: date, by: Person, seen: str | None = None) -> EnrollmentPause:
    """Let the days of a plan count again from a day on; the first day of the pause takes the pause back.

    The learner is told by mail. Raises `DateIsPast`, `NotPaused`, `ResumesOutOfBounds`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    moves = moved_by_resuming(standing=queries.standing_of(enrollment), resumes_on=resumes_on)
    check_shown(key_of(moves), seen)
    current = queries.get_open_pause(enrollment)
    current.resumes_on, current.resumed_at, current.resumed_by = resumes_on, clock.now(), by
    session.flush()
    record("training.resumed", **_about(enrollment, by, resumes_on=resumes_on.isoformat()))
    send_later(
        "training.resumed",
        {"code": enrollment.code, "number": current.id, **kept(moves)},
        effect_key=f"resumed:{current.id}",
    )
    return current


def move_event(
    *, enrollment: Enrollment, event: PlanEvent, on: date, reason: str, by: Person, seen: str | None = None
) -> EventDate:
    """Let an event take place on another day for one learner, whatever her cohort's is from now on.

    She is told by mail. Raises `DateIsPast`, `EventOutOfBounds`, `EventUnchanged`, `ReasonMissing`, `StatementTooLong`,
    `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    standing = queries.standing_of(enrollment)
    moves = moved_by_event(standing=standing, event=event, on=on)
    check_shown(key_of(moves), seen)
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
    _tell_of_event(row, [(standing, moves)])
    return row


def _tell_of_event(row: EventDate, found: Sequence[tuple[Standing, Moves]]) -> None:
    """Owe each of these learners the mail that an event is on another day, with what was decided of her dates."""
    send_all_later(
        "training.event_moved",
        {
            f"event_moved:{row.id}:{standing.enrollment.code}": {
                "code": standing.enrollment.code,
                "number": row.id,
                "before": standing.basis.event(row.event_slug).on.isoformat(),
                "moved": [[each.step.slug, each.before.isoformat(), each.after.isoformat()] for each in moves],
                "sessions": [each.step.slug for each in moves.sessions],
                "unannounced": list(moves.unannounced),
            }
            for standing, moves in found
        },
    )


def set_event_of_cohort(
    *, cohort: Cohort, event: PlanEvent, on: date, reason: str, by: Person, seen: str | None = None
) -> EventDate:
    """Say when an event of a plan takes place for a cohort, or that it is on another day: then with a reason.

    It holds in all versions of the plan, for everybody without a day of her own, who is told by mail where it was
    another one. Raises `EventOutOfBounds`, `EventUnchanged`, `ReasonMissing`, `StatementTooLong`,
    `HolidayYearUnknown`.
    """
    plan = event.version.plan
    # Two leads who move it at once do so one after the other.
    session.execute(select(Cohort).where(Cohort.id == cohort.id).with_for_update(of=Cohort))
    was = queries.list_event_days(cohort, plan.id).get(event.slug)
    said = checked_reason(reason) if was is not None else None
    found = moved_in_cohort(cohort=cohort, event=event, on=on)
    check_shown(key_of_all(found), seen)
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
    if was is not None:
        _tell_of_event(row, found)
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


def moved_by_calendar(*, change: CalendarChange) -> list[tuple[Standing, Moves]]:
    """Return which dates other working days would move: each running plan of those whose days they are, by name.

    In a number of statements that does not grow with the people. Whose dates cannot be computed as it is is left out.
    Raises `HolidayYearUnknown`.
    """
    running = queries.list_running_of(change.people, market_id=change.market_id)
    return [
        (
            standing,
            _compared(standing, standing.basis, change.of(standing.enrollment.person_id, standing.calendar)),
        )
        for standing in queries.countable(running)[0]
    ]


def moved_by_company_days(*, markets: Mapping[int, WorkingCalendar]) -> list[tuple[Standing, Moves, date]]:
    """Return which dates of running plans other company days of markets would move, by name, and each new last day.

    `markets` are the calendars by the row of each market, of which only the company days are taken. In a number of
    statements that does not grow with the people. Whose dates cannot be computed as it is is left out. Raises
    `HolidayYearUnknown`.
    """
    found = []
    for standing in queries.countable(queries.list_running_in(markets))[0]:
        days = markets[standing.enrollment.market_id]
        calendar = replace(standing.calendar, company_days=days.company_days, worked=days.worked)
        moves = _compared(standing, standing.basis, calendar)
        if moves:
            then = {each.step.slug: each.after for each in moves}
            ends = max(then.get(slug, standing.day_for(slug)) for slug in standing.dues)
            found.append((standing, moves, ends))
    return found


def _moved(standing: Standing, basis: Basis, away: frozenset[date] = frozenset()) -> Moves:
    """Compare the dates as they are with those that would be; what is done does not move, what is exempt has none."""
    enrollment = standing.enrollment
    calendar = calendars.working_calendar(enrollment.market, enrollment.person_id)
    return _compared(standing, basis, basis.calendar(replace(calendar, leave=calendar.leave | away), standing.today))


def _compared(standing: Standing, basis: Basis, calendar: WorkingCalendar) -> Moves:
    shapes = [step.shape for step in standing.steps]
    with unknown_years_refused():
        dues = rules.schedule(shapes, basis, calendar)
        left = rules.feasibility(
            shapes,
            dues,
            standing.settled,
            basis=basis,
            calendar=calendar,
            today=standing.today,
            booked=standing.booked,
        )
    days = rules.days_of(dues, standing.booked)
    moved = [
        Moved(step, standing.day_for(step.slug), days[step.slug])
        for step in standing.steps
        if standing.statuses[step.slug].state not in SETTLED and days[step.slug] != standing.day_for(step.slug)
    ]
    by_slug = {step.slug: step for step in standing.steps}
    order = rules.out_of_order(shapes, dues, standing.settled, booked=standing.booked)
    return Moves(
        moved,
        left,
        [(by_slug[slug], by_slug[first]) for slug, first in order],
        calendar.provisional_years(each.after for each in moved),
        _staying(standing, dues, calendar),
    )


def _staying(standing: Standing, dues: Schedule, calendar: WorkingCalendar) -> list[Stays]:
    """Return the sessions ahead around which dates move, or on whose day nobody would work."""
    found = []
    for step in standing.steps:
        seat = standing.seat(step.slug)
        if seat is None or not seat.is_awaited or step.slug in standing.settled:
            continue
        off = None
        with suppress(YearNotInTable):
            off = calendar.day_off(seat.on) if standing.calendar.day_off(seat.on) is None else None
        if off is None and seat.on in calendar.leave - standing.calendar.leave:
            # Nobody works then as it is, but she would have come.
            off = DayOff(seat.on, OffReason.LEAVE)
        before, after = standing.due_on(step.slug), dues[step.slug].on
        if before != after or off is not None:
            found.append(Stays(step, seat, before, after, off))
    return found
