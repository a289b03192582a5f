"""Reports that are sent each week: which, to whom, and what was sent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from portal.accounts.models import Person, Role, RoleGrant
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, Reach
from portal.cohorts.queries import within
from portal.core.access import allows
from portal.core.db import session
from portal.core.errors import NotFound
from portal.reports.models import ReportRecipient, ReportSchedule, ReportSending


def find_schedule(code: str) -> ReportSchedule | None:
    """Return the schedule of the code."""
    return session.scalar(select(ReportSchedule).where(ReportSchedule.code == code))


def get_schedule(code: str) -> ReportSchedule:
    """Return the schedule of the code. Raises `NotFound`."""
    found = find_schedule(code) if 0 < len(code) <= 20 and code.isascii() else None
    if found is None:
        raise NotFound()
    return found


def find_same(
    cohort: Cohort, plan_slug: str, weekday: int, hour: int, *, by: str, besides: int | None = None
) -> ReportSchedule | None:
    """Return what somebody (by code) has set up already for the same plan and hour, while it goes on.

    `besides` is the row number of the one that is changed.
    """
    return session.scalar(
        select(ReportSchedule)
        .where(
            ReportSchedule.cohort_id == cohort.id,
            ReportSchedule.plan_slug == plan_slug,
            ReportSchedule.weekday == weekday,
            ReportSchedule.hour == hour,
            ReportSchedule.created_by == by,
            ReportSchedule.ended_at.is_(None),
            *([ReportSchedule.id != besides] if besides is not None else []),
        )
        .order_by(ReportSchedule.id)
        .limit(1)
    )


def lock_schedule(schedule_id: int) -> ReportSchedule:
    """Return the schedule for this transaction alone; others wait."""
    return session.scalars(
        select(ReportSchedule)
        .where(ReportSchedule.id == schedule_id)
        .with_for_update(of=ReportSchedule)
        .execution_options(populate_existing=True)
    ).one()


def list_open_ids() -> list[int]:
    """Return the row numbers of the schedules that have not ended."""
    return list(
        session.scalars(select(ReportSchedule.id).where(ReportSchedule.ended_at.is_(None)).order_by(ReportSchedule.id))
    )


def list_schedules_of(codes: Collection[str]) -> list[ReportSchedule]:
    """Return the schedules of some codes."""
    return list(
        session.scalars(select(ReportSchedule).where(ReportSchedule.code.in_(codes)).order_by(ReportSchedule.id))
    )


def list_open_codes() -> list[str]:
    """Return the codes of the schedules that have not ended."""
    return list(session.scalars(select(ReportSchedule.code).where(ReportSchedule.ended_at.is_(None))))


def list_schedules(reach: Reach, cohort: Cohort | None = None) -> list[ReportSchedule]:
    """Return the schedules of the cohorts within reach (or of one cohort), those that go on first, the newest first."""
    statement = select(ReportSchedule).join(Cohort, Cohort.id == ReportSchedule.cohort_id).where(within(reach))
    if cohort is not None:
        statement = statement.where(ReportSchedule.cohort_id == cohort.id)
    return list(
        session.scalars(
            statement.options(selectinload(ReportSchedule.recipients)).order_by(
                ReportSchedule.ended_at.is_not(None), ReportSchedule.id.desc()
            )
        )
    )


def last_sent(schedule_ids: Collection[int]) -> dict[int, tuple[date, datetime]]:
    """Return schedule → the weekday and the instant of what was sent last; those of which nothing was are left out."""
    rows = session.execute(
        select(ReportSending.schedule_id, func.max(ReportSending.week_of), func.max(ReportSending.at))
        .where(ReportSending.schedule_id.in_(schedule_ids))
        .group_by(ReportSending.schedule_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def list_sendings(schedule: ReportSchedule, week_of: date) -> list[tuple[ReportSending, Person]]:
    """Return what was owed to whom for a week."""
    rows = session.execute(
        select(ReportSending, Person)
        .join(Person, Person.id == ReportSending.person_id)
        .where(ReportSending.schedule_id == schedule.id, ReportSending.week_of == week_of)
        .order_by(ReportSending.id)
    )
    return [(row[0], row[1]) for row in rows]


def find_recipient(schedule: ReportSchedule, person: Person) -> ReportRecipient | None:
    """Return the person among those who get the report."""
    return session.scalar(
        select(ReportRecipient).where(
            ReportRecipient.schedule_id == schedule.id, ReportRecipient.person_id == person.id
        )
    )


def list_possible_recipients(cohort: Cohort) -> list[Person]:
    """Return the people who may see the cohort, by name."""
    people = session.scalars(
        select(Person)
        .where(
            Person.deactivated_at.is_(None),
            Person.id.in_(
                select(RoleGrant.person_id).where(
                    RoleGrant.ended_at.is_(None), RoleGrant.role.in_((Role.LEAD, Role.ADMIN, Role.AUDITOR))
                )
            ),
        )
        .options(selectinload(Person.grants))
        .order_by(Person.sort_key, Person.id)
    )
    return [person for person in people if allows(person, SEE_COHORT, cohort)]
