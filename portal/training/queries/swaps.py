"""Reading what goes along when people go on in another version of their plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from portal.accounts.models import Person
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.core.db import session
from portal.training.errors import NoSuchVersion
from portal.training.models import (
    Attendance,
    Enrollment,
    EnrollmentPause,
    EventDate,
    ExtensionTakenBack,
    NewStart,
    PlanExtension,
    PlanVersion,
    SessionSeat,
    SignOff,
    StepCompletion,
    StepExemption,
    StepExtension,
    TaskEvidence,
)
from portal.training.permissions import PlanOfCohort
from portal.training.queries import WITH_STEPS, catalogue

_WHOLE = (selectinload(PlanVersion.steps), selectinload(PlanVersion.events), selectinload(PlanVersion.phases))


def list_versions(plan_id: int) -> list[PlanVersion]:
    """Return every version of a plan with its steps, the latest first."""
    return list(
        session.scalars(
            select(PlanVersion).where(PlanVersion.plan_id == plan_id).options(*_WHOLE).order_by(PlanVersion.id.desc())
        )
    )


def get_version(plan_id: int, number: str) -> PlanVersion:
    """Return the version of a plan that has this number. Raises `NoSuchVersion`."""
    found = session.scalar(
        select(PlanVersion).where(PlanVersion.plan_id == plan_id, PlanVersion.number == number).options(*_WHOLE)
    )
    if found is None:
        raise NoSuchVersion()
    return found


def latest_version_id(plan_id: int) -> int:
    """Return the row of the latest version of a plan."""
    return session.scalar(select(func.max(PlanVersion.id)).where(PlanVersion.plan_id == plan_id)) or 0


def list_series(enrollments: Collection[Enrollment]) -> dict[int, list[Enrollment]]:
    """Return of each enrollment (by its row) itself and those before whose place it took, the latest first."""
    codes = {each.lasting_code for each in enrollments}
    rows: dict[str, list[Enrollment]] = defaultdict(list)
    for row in session.scalars(
        select(Enrollment)
        .where(or_(Enrollment.code.in_(codes), Enrollment.first_code.in_(codes)))
        .options(*WITH_STEPS)
        .order_by(Enrollment.id.desc())
    ):
        rows[row.lasting_code].append(row)
    return {each.id: [row for row in rows[each.lasting_code] if row.id <= each.id] for each in enrollments}


def list_in_cohort(cohort: Cohort, plan_id: int) -> list[Enrollment]:
    """Return who follows a plan with a cohort, or has completed it with it, by name."""
    return list(
        session.scalars(
            select(Enrollment)
            .join(Person, Person.id == Enrollment.person_id)
            .where(Enrollment.cohort_id == cohort.id, Enrollment.plan_id == plan_id, Enrollment.ended_at.is_(None))
            .options(*WITH_STEPS, joinedload(Enrollment.version, innerjoin=True).selectinload(PlanVersion.events))
            .order_by(Person.sort_key, Person.id, Enrollment.id)
        )
    )


def get_plan_of_cohort(code: str, plan: str) -> PlanOfCohort:
    """Return a plan for a cohort. Raises `NoSuchCohort`, `NoSuchPlan`."""
    return PlanOfCohort(cohorts.get_cohort(code), catalogue.get_plan(plan))


def completions_by_step(enrollment_ids: Collection[int]) -> dict[tuple[int, int], StepCompletion]:
    """Return (enrollment, step) → what completed it."""
    rows = session.scalars(select(StepCompletion).where(StepCompletion.enrollment_id.in_(enrollment_ids)))
    return {(row.enrollment_id, row.step_id): row for row in rows}


def list_of_enrollment(
    enrollment: Enrollment,
) -> tuple[list[PlanExtension], list[NewStart], list[EnrollmentPause], list[EventDate]]:
    """Return what an enrollment's dates rest on whatever its steps are, each in its order."""
    found: list[list[Any]] = [
        list(session.scalars(select(model).where(model.enrollment_id == enrollment.id).order_by(model.id)))
        for model in (PlanExtension, NewStart, EnrollmentPause, EventDate)
    ]
    return found[0], found[1], found[2], found[3]


def list_by_step(
    model: type[StepExtension] | type[StepExemption] | type[SignOff] | type[TaskEvidence], ids: Sequence[int]
) -> Mapping[tuple[int, int], list[Any]]:
    """Return (enrollment, step) → the rows of one kind in their order; of what was handed in with its bytes."""
    statement: Select[Any] = select(model).where(model.enrollment_id.in_(ids)).order_by(model.id)
    if model is TaskEvidence:
        statement = statement.options(undefer(TaskEvidence.data))
    found: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in session.scalars(statement):
        found[row.enrollment_id, row.step_id].append(row)
    return found


def taken_back_of(ids: Sequence[int]) -> dict[StepExtension | PlanExtension, ExtensionTakenBack]:
    """Return each extension of these enrollments that was taken back → by what."""
    rows = session.scalars(select(ExtensionTakenBack).where(ExtensionTakenBack.enrollment_id.in_(ids)))
    return {given: row for row in rows for given in (row.step_extension, row.plan_extension) if given is not None}


def list_seats(ids: Sequence[int]) -> Mapping[tuple[int, str], list[tuple[SessionSeat, list[Attendance]]]]:
    """Return (enrollment, step's slug) → the seats in sessions of the step, with what was recorded of each."""
    attended: dict[tuple[int, int], list[Attendance]] = defaultdict(list)
    for row in session.scalars(select(Attendance).where(Attendance.enrollment_id.in_(ids)).order_by(Attendance.id)):
        attended[row.session_id, row.enrollment_id].append(row)
    found: dict[tuple[int, str], list[tuple[SessionSeat, list[Attendance]]]] = defaultdict(list)
    seats = session.scalars(
        select(SessionSeat)
        .where(SessionSeat.enrollment_id.in_(ids))
        .options(joinedload(SessionSeat.session))
        .order_by(SessionSeat.id)
    )
    for seat in seats:
        found[seat.enrollment_id, seat.session.step.slug].append((seat, attended[seat.session_id, seat.enrollment_id]))
    return found
