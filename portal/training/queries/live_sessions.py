"""Reading live sessions and who attended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import Person, Role
from portal.cohorts.permissions import reach_of
from portal.core import clock
from portal.core.access import allows
from portal.core.db import session
from portal.training.errors import NoSuchSession
from portal.training.models import Attendance, Enrollment, LiveSession, PlanStep, PlanVersion, SessionSeat, SessionTime
from portal.training.permissions import RUN_SESSION, SIGN_OFF, StepOfEnrollment, expected_at
from portal.training.queries import WITH_STEPS, bases_of, completions_of, exempt_of, is_settled
from portal.training.queries.signing import within
from portal.training.queries.step_results import Follower, Seat, doings_of, last_time
from portal.training.rules import Presence, StepKind

_WITH_SEATS = (
    selectinload(LiveSession.times),
    selectinload(LiveSession.seats)
    .joinedload(SessionSeat.enrollment)
    .options(
        joinedload(Enrollment.person),
        joinedload(Enrollment.cohort),
        joinedload(Enrollment.version, innerjoin=True).selectinload(PlanVersion.steps),
    ),
)


def find_session(code: str) -> LiveSession | None:
    """Return the session of the code, with its learners."""
    return session.scalar(select(LiveSession).where(LiveSession.code == code).options(*_WITH_SEATS))


def get_session(code: str) -> LiveSession:
    """Return the session of the code, with its learners. Raises `NoSuchSession`."""
    found = find_session(code)
    if found is None:
        raise NoSuchSession()
    return found


def lock_session(thing: LiveSession) -> LiveSession:
    """Let two people who change one session come one after the other; returns it as it is then."""
    return session.scalars(
        select(LiveSession)
        .where(LiveSession.id == thing.id)
        .with_for_update(of=LiveSession)
        .options(*_WITH_SEATS)
        .execution_options(populate_existing=True)
    ).one()


def list_sessions_by_code(codes: Collection[str]) -> list[LiveSession]:
    """Return the sessions that have one of these codes."""
    return list(
        session.scalars(
            select(LiveSession).where(LiveSession.code.in_(codes)).options(*_WITH_SEATS).order_by(LiveSession.id)
        )
    )


def list_sessions_for(person: Person, since: datetime) -> list[LiveSession]:
    """Return the sessions that this person runs and that ended after an instant, in the order of their beginning."""
    return [each for each in list_sessions_in_reach(person, since) if allows(person, RUN_SESSION, each)]


def list_sessions_in_reach(person: Person, since: datetime) -> list[LiveSession]:
    """Return the sessions that ended after an instant and at which some learner of this person is expected.

    Also those that she planned. Whether she runs them is not asked: a mentor sees what a lead has planned.
    """
    reach = reach_of(person, Role.LEAD, Role.MENTOR)
    if not reach:
        return []
    in_reach = select(SessionSeat.session_id).join(Enrollment, Enrollment.id == SessionSeat.enrollment_id)
    in_reach = in_reach.where(Enrollment.person_id != person.id, within(reach))
    found = session.scalars(
        select(LiveSession)
        .join(SessionTime, and_(SessionTime.session_id == LiveSession.id, SessionTime.number == last_time))
        .where(
            SessionTime.ends_at > since,
            or_(LiveSession.id.in_(in_reach), LiveSession.created_by_id == person.id),
        )
        .options(*_WITH_SEATS, joinedload(LiveSession.created_by))
        .order_by(SessionTime.starts_at, LiveSession.id)
    )
    return list(found)


def list_sessions_ahead(after: datetime) -> list[LiveSession]:
    """Return the sessions that begin after an instant and are not cancelled, in the order of their beginning."""
    found = session.scalars(
        select(LiveSession)
        .join(SessionTime, and_(SessionTime.session_id == LiveSession.id, SessionTime.number == last_time))
        .where(LiveSession.cancelled_at.is_(None), SessionTime.starts_at > after)
        .options(*_WITH_SEATS)
        .order_by(SessionTime.starts_at, LiveSession.id)
    )
    return list(found)


def list_left(enrollment: Enrollment, ended_at: datetime) -> list[LiveSession]:
    """Return the sessions at which a learner was expected and that had not begun when her training ended, in order.

    Not one that was cancelled, nor one at which she is expected in the version in which she goes on.
    """
    seats = select(SessionSeat.session_id)
    goes_on = seats.join(Enrollment, Enrollment.id == SessionSeat.enrollment_id).where(
        Enrollment.first_code == enrollment.lasting_code, Enrollment.id != enrollment.id
    )
    found = session.scalars(
        select(LiveSession)
        .join(SessionTime, and_(SessionTime.session_id == LiveSession.id, SessionTime.number == last_time))
        .where(
            LiveSession.id.in_(seats.where(SessionSeat.enrollment_id == enrollment.id)),
            LiveSession.id.not_in(goes_on.where(Enrollment.ended_at.is_(None))),
            LiveSession.cancelled_at.is_(None),
            SessionTime.starts_at >= ended_at,
        )
        .options(*_WITH_SEATS, joinedload(LiveSession.created_by))
        .order_by(SessionTime.starts_at, LiveSession.id)
    )
    return list(found)


def list_attendances(thing: LiveSession) -> dict[int, list[Attendance]]:
    """Return enrollment's row → what was recorded of her presence at a session, in order."""
    found: dict[int, list[Attendance]] = defaultdict(list)
    for row in session.scalars(
        select(Attendance).where(Attendance.session_id == thing.id).order_by(Attendance.number, Attendance.id)
    ):
        found[row.enrollment_id].append(row)
    return dict(found)


def list_missed(thing: LiveSession) -> list[StepOfEnrollment]:
    """Return who was not at a session and is to be at another one, as far as it is not planned yet.

    Not who has done the step since, is expected elsewhere, pauses, or follows the plan no more.
    """
    known = list_attendances(thing)
    absent = [
        each
        for each in expected_at(thing)
        if each.enrollment.is_open
        and each.enrollment.id in known
        and known[each.enrollment.id][-1].presence is not Presence.PRESENT
    ]
    if not absent:
        return []
    ids = [each.enrollment.id for each in absent]
    finished = {(id_, row.step_id) for id_, rows in completions_of(ids).items() for row in rows} | exempt_of(ids)
    seats, paused = seats_of(absent), paused_of(absent)
    return [
        each
        for each in absent
        if (each.enrollment.id, each.step.id) not in finished
        and each.enrollment.id not in paused
        and not any(seat.is_open for seat in seats.get((each.enrollment.id, each.step.slug), ()))
    ]


def paused_of(things: Sequence[StepOfEnrollment]) -> set[int]:
    """Return which of these enrollments (their rows) are paused today, each in its market's zone."""
    bases = bases_of({each.enrollment.id: each.enrollment.starts_on for each in things}, named=False)
    return {
        each.enrollment.id
        for each in things
        if bases[each.enrollment.id].pause_on(clock.today(each.enrollment.market.time_zone))
    }


def count_attendances(session_ids: Collection[int]) -> dict[int, int]:
    """Return session's row → of how many learners it is recorded whether they came."""
    rows = session.execute(
        select(Attendance.session_id, func.count(func.distinct(Attendance.enrollment_id)))
        .where(Attendance.session_id.in_(session_ids))
        .group_by(Attendance.session_id)
    )
    return {row[0]: row[1] for row in rows}


def list_unattended(person: Person, plan_id: int | None = None, slug: str | None = None) -> list[StepOfEnrollment]:
    """Return the session steps that are to be done and that this person completes, by the learners' names.

    Of everybody within reach, or of one step (its slug) of one plan.
    """
    reach = reach_of(person, Role.LEAD, Role.MENTOR)
    if not reach:
        return []
    asked = [PlanStep.version_id == Enrollment.plan_version_id, PlanStep.kind == StepKind.SESSION, ~is_settled]
    statement = select(Enrollment).join(Person, Person.id == Enrollment.person_id)
    if plan_id is not None:
        statement = statement.where(Enrollment.plan_id == plan_id)
    enrollments = session.scalars(
        statement.where(
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            Enrollment.person_id != person.id,
            within(reach),
            exists().where(*asked),
        )
        .options(*WITH_STEPS)
        .order_by(Person.sort_key, Person.id, Enrollment.id)
    ).all()
    ids = [each.id for each in enrollments]
    finished = {(id_, row.step_id) for id_, rows in completions_of(ids).items() for row in rows} | exempt_of(ids)
    found = [
        StepOfEnrollment(each, step)
        for each in enrollments
        for step in each.version.steps
        if step.kind is StepKind.SESSION and slug in (None, step.slug) and (each.id, step.id) not in finished
    ]
    return [each for each in found if allows(person, SIGN_OFF, each)]


def seats_of(things: Sequence[StepOfEnrollment]) -> Mapping[tuple[int, str], Sequence[Seat]]:
    """Return the sessions at which these learners are or were expected, by enrollment and the step's slug."""
    return doings_of(
        [
            Follower(each.enrollment.id, each.enrollment.person_id, each.enrollment.enrolled_at, [each.step])
            for each in things
        ]
    ).seats
