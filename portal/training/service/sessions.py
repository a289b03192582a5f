"""Planning live sessions, moving and cancelling them, and recording who attended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import LazyText, format_instant, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.mail import send_later
from portal.journal.service import record
from portal.organisation.models import Market
from portal.training import queries
from portal.training.errors import (
    AttendanceChanged,
    CannotAttend,
    CorrectionNeedsReason,
    NobodyChosen,
    NothingRecorded,
    PlaceMissing,
    PlaceTooLong,
    SessionBackwards,
    SessionCancelled,
    SessionNotBegun,
    SessionOutOfBounds,
    SessionTaken,
    SessionUnchanged,
    StatementTooLong,
    TimeDoesNotExist,
)
from portal.training.models import Attendance, LiveSession, PlanStep, SessionSeat, SessionTime
from portal.training.permissions import SIGN_OFF, StepOfEnrollment, expected_at
from portal.training.queries import live_sessions
from portal.training.rules import (
    MAX_SESSION_HOURS,
    PLACE_LIMIT,
    SESSION_AHEAD,
    SESSION_BACK,
    STATEMENT_LIMIT,
    Presence,
)
from portal.training.service.enrollments import Evidence, checked_reason, complete_step
from portal.training.service.tasks import checked_link

PRESENCES: Mapping[str, LazyText] = {
    Presence.PRESENT: _l("Present"),
    Presence.ABSENT: _l("Absent"),
    Presence.EXCUSED: _l("Excused"),
}


@dataclass(frozen=True, slots=True)
class When:
    """When and where a session is, as a form says it: times of day are of the market's zone."""

    on: date
    starts: time
    ends: time
    place: str = ""
    link: str = ""


def plan_session(
    *,
    step: PlanStep,
    market: Market,
    when: When,
    learners: Sequence[StepOfEnrollment],
    by: Person,
    cohort: Cohort | None = None,
) -> LiveSession:
    """Plan a session for a step of a plan; its learners are told by mail unless it is over already.

    Raises `NobodyChosen`, `CannotAttend`, `TimeDoesNotExist`, `SessionBackwards`, `SessionOutOfBounds`,
    `PlaceMissing`, `PlaceTooLong`, `LinkRefused`.
    """
    if not learners:
        raise NobodyChosen()
    starts_at, ends_at = _period(when, market.time_zone)
    place, link = _place(when)
    now = clock.now()
    planned = LiveSession(
        code=new_code(),
        step=step,
        market=market,
        cohort=cohort,
        created_at=now,
        created_by=by,
        times=[
            SessionTime(
                number=1, starts_at=starts_at, ends_at=ends_at, place=place, link=link, reason="", at=now, by_id=by.id
            )
        ],
    )
    session.add(planned)
    session.flush()
    record(
        "training.session_planned",
        by=by,
        subject=("training_session", planned.code),
        after={"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(), "learners": len(learners)},
    )
    add_learners(planned=planned, learners=learners, by=by)
    return planned


def add_learners(*, planned: LiveSession, learners: Sequence[StepOfEnrollment], by: Person) -> None:
    """Expect learners at a session; they are told by mail unless it is over already.

    Raises `NobodyChosen`, `CannotAttend`, `SessionCancelled`.
    """
    if not learners:
        raise NobodyChosen()
    planned = live_sessions.lock_session(planned)
    if planned.cancelled_at is not None:
        raise SessionCancelled()
    seats = live_sessions.seats_of(learners)
    ways = {each.enrollment.id: queries.way_of(each.enrollment) for each in learners}
    here = {seat.enrollment_id for seat in planned.seats}
    lost = [
        each.enrollment.person.name_in(language())
        for each in learners
        if not each.enrollment.is_open
        or each.enrollment.plan_id != planned.plan_id
        or each.step.slug != planned.step.slug
        or each.step.slug in ways[each.enrollment.id].settled
        or each.enrollment.id in here
        or any(seat.is_open for seat in seats.get((each.enrollment.id, each.step.slug), ()))
        or not allows(by, SIGN_OFF, each)
    ]
    if lost:
        raise CannotAttend(names=", ".join(lost))
    now = clock.now()
    for each in learners:
        planned.seats.append(SessionSeat(enrollment=each.enrollment, at=now, by_id=by.id))
        session.flush()
        record(
            "training.session_joined",
            by=by,
            subject=("training_session", planned.code),
            after={"person": each.enrollment.person.code},
        )
        _tell(planned, each, "planned")


def move_session(*, planned: LiveSession, when: When, reason: str, by: Person) -> SessionTime:
    """Give a session another time or place; its learners are told, with the reason.

    Raises `SessionCancelled`, `SessionTaken`, `SessionUnchanged`, `ReasonMissing`, `StatementTooLong`, and what
    `plan_session` raises of time and place.
    """
    said = checked_reason(reason)
    starts_at, ends_at = _period(when, planned.market.time_zone)
    place, link = _place(when)
    planned = _changeable(planned)
    last = planned.time
    if (last.starts_at, last.ends_at, last.place, last.link) == (starts_at, ends_at, place, link):
        raise SessionUnchanged()
    moved = SessionTime(
        number=last.number + 1,
        starts_at=starts_at,
        ends_at=ends_at,
        place=place,
        link=link,
        reason=said,
        at=clock.now(),
        by_id=by.id,
    )
    planned.times.append(moved)
    session.flush()
    record(
        "training.session_moved",
        by=by,
        subject=("training_session", planned.code),
        before={"starts_at": last.starts_at.isoformat(), "ends_at": last.ends_at.isoformat()},
        after={"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()},
    )
    for each in expected_at(planned):
        _tell(planned, each, "moved")
    return moved


def cancel_session(*, planned: LiveSession, reason: str, by: Person) -> None:
    """Cancel a session; its learners are told, with the reason, and wait for another one.

    Raises `SessionCancelled`, `SessionTaken`, `ReasonMissing`, `StatementTooLong`.
    """
    said = checked_reason(reason)
    planned = _changeable(planned)
    planned.cancelled_at, planned.cancelled_by_id, planned.cancelled_reason = clock.now(), by.id, said
    session.flush()
    record("training.session_cancelled", by=by, subject=("training_session", planned.code))
    for each in expected_at(planned):
        _tell(planned, each, "cancelled")


def record_attendance(*, planned: LiveSession, said: Mapping[str, Presence], reason: str, seen: int, by: Person) -> int:
    """Record who was at a session, by the codes of their enrollments; the step of those present is done with it.

    What was recorded before and is said otherwise now is corrected by a new row, with a reason. A step that is done
    stays done. `seen` is the number of the newest row (0: none) that the page showed. Returns how many rows were
    added. Raises `SessionCancelled`, `SessionNotBegun`, `AttendanceChanged`, `CorrectionNeedsReason`,
    `StatementTooLong`, `NothingRecorded`.
    """
    planned = live_sessions.lock_session(planned)
    if planned.cancelled_at is not None:
        raise SessionCancelled()
    starts_at, ends_at, now = planned.time.starts_at, planned.time.ends_at, clock.now()
    if now < starts_at:
        raise SessionNotBegun(start=format_instant(starts_at, planned.market.time_zone))
    known = live_sessions.list_attendances(planned)
    if newest(known) != seen:
        raise AttendanceChanged()
    why = reason.strip()
    if len(why) > STATEMENT_LIMIT:
        raise StatementTooLong(length=len(why), limit=STATEMENT_LIMIT)
    changes = []
    for each in expected_at(planned):
        presence, before = said.get(each.enrollment.code), known.get(each.enrollment.id, [])
        if presence is None or (before and before[-1].presence is presence):
            continue
        if before and not why:
            raise CorrectionNeedsReason()
        changes.append((each, presence, before))
    if not changes:
        raise NothingRecorded()
    for each, presence, before in changes:
        session.add(
            Attendance(
                session_id=planned.id,
                enrollment_id=each.enrollment.id,
                number=len(before) + 1,
                presence=presence,
                reason=why if before else "",
                at=now,
                by_id=by.id,
            )
        )
        session.flush()
        record(
            "training.attendance_recorded",
            by=by,
            subject=("training_session", planned.code),
            before={"presence": before[-1].presence.value} if before else None,
            after={"person": each.enrollment.person.code, "presence": presence.value},
        )
        if presence is Presence.PRESENT and each.enrollment.ended_at is None:
            complete_step(enrollment=each.enrollment, step=each.step, at=min(ends_at, now), evidence=Evidence())
    return len(changes)


def newest(known: Mapping[int, Collection[Attendance]]) -> int:
    """Return the number of the newest row about a session; 0 where there is none."""
    return max((row.id for rows in known.values() for row in rows), default=0)


def _changeable(planned: LiveSession) -> LiveSession:
    planned = live_sessions.lock_session(planned)
    if planned.cancelled_at is not None:
        raise SessionCancelled()
    if live_sessions.list_attendances(planned):
        raise SessionTaken()
    return planned


def _period(when: When, zone: str) -> tuple[datetime, datetime]:
    starts_at, ends_at = _instant(when.on, when.starts, zone), _instant(when.on, when.ends, zone)
    if not timedelta() < ends_at - starts_at <= timedelta(hours=MAX_SESSION_HOURS):
        raise SessionBackwards(most=MAX_SESSION_HOURS)
    now = clock.now()
    if not now - SESSION_BACK <= starts_at <= now + SESSION_AHEAD:
        raise SessionOutOfBounds()
    return starts_at, ends_at


def _instant(day: date, at: time, zone: str) -> datetime:
    """Return the instant of a time of day; of a time that comes twice the first. Raises `TimeDoesNotExist`."""
    there = clock.zone_info(zone)
    local = datetime.combine(day, at.replace(second=0, microsecond=0), tzinfo=there)
    instant = local.astimezone(UTC)
    if instant.astimezone(there).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise TimeDoesNotExist(time=f"{at:%H:%M}", zone=zone)
    return instant


def _place(when: When) -> tuple[str, str]:
    place, link = when.place.strip(), when.link.strip()
    if not place and not link:
        raise PlaceMissing()
    if len(place) > PLACE_LIMIT:
        raise PlaceTooLong(length=len(place), limit=PLACE_LIMIT)
    return place, checked_link(link) if link else ""


def _tell(planned: LiveSession, each: StepOfEnrollment, what: str) -> None:
    """Owe the learner a mail; of what is over or ended there is nothing to tell."""
    if planned.time.ends_at <= clock.now() or not each.enrollment.is_open:
        return
    send_later(
        f"training.session_{what}",
        {"session": planned.code, "code": each.enrollment.code},
        effect_key=f"session_{what}:{planned.code}:{planned.time.number}:{each.enrollment.code}",
    )
