"""Tables of the at-risk rules, of report files that were asked for, and of reports that are sent each week."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core.db import Base, BigKey, enum_type
from portal.core.seals import Sealed
from portal.reports.rules import FileFormat, RecipientEnd, ReportKind, RiskRule, ScheduleEnd


class AtRiskRule(Base):
    """From when on a learner is at risk, for the whole organisation; the newest row holds, none is changed.

    A number that is None: that reason does not count.
    """

    __tablename__ = "at_risk_rules"
    __sealed__ = Sealed()
    __table_args__ = (
        CheckConstraint(
            "coalesce(overdue_steps, 1) >= 1 and coalesce(failed_tries, 1) >= 1 and coalesce(idle_days, 1) >= 1",
            name="from_one",
        ),
        CheckConstraint("coalesce(overdue_steps, failed_tries, idle_days) is not null", name="any_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Overdue required steps, failed tries at one check, working days without activity.
    overdue_steps: Mapped[int | None]
    failed_tries: Mapped[int | None]
    idle_days: Mapped[int | None]
    # None: it was set before reasons were asked for.
    reason: Mapped[str | None] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)

    @property
    def rule(self) -> RiskRule:
        """The rule as the rules see it."""
        return RiskRule(self.overdue_steps, self.failed_tries, self.idle_days)


class CohortRiskRule(Base):
    """From when on the people of one cohort are at risk; its newest row holds, none is changed.

    Without any number: the rule of the organisation holds again.
    """

    __tablename__ = "cohort_risk_rules"
    __sealed__ = Sealed()
    __table_args__ = (
        CheckConstraint(
            "coalesce(overdue_steps, 1) >= 1 and coalesce(failed_tries, 1) >= 1 and coalesce(idle_days, 1) >= 1",
            name="from_one",
        ),
        CheckConstraint("(coalesce(overdue_steps, failed_tries, idle_days) is null) = (reason is null)", name="reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    overdue_steps: Mapped[int | None]
    failed_tries: Mapped[int | None]
    idle_days: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)

    @property
    def rule(self) -> RiskRule | None:
        """The rule as the rules see it; None: that of the organisation."""
        found = RiskRule(self.overdue_steps, self.failed_tries, self.idle_days)
        return found if found.has_reason else None


class ReportFile(Base):
    """A report as a file that somebody asked for: the bytes are kept for days, what they were for good."""

    __tablename__ = "report_files"
    __table_args__ = (
        CheckConstraint("language in ('en', 'ja')", name="language"),
        CheckConstraint("(kind = 'cohort') = (cohort_id is not null)", name="cohort"),
        CheckConstraint("(made_at is null) = (sha256 is null)", name="made"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[ReportKind] = mapped_column(enum_type(ReportKind))
    format: Mapped[FileFormat] = mapped_column(enum_type(FileFormat))
    # Of the CSV files in it: utf-8-sig or cp932.
    encoding: Mapped[str] = mapped_column(String(10), default="utf-8-sig")
    language: Mapped[str] = mapped_column(String(2))
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    # What else was asked for: of a cohort the plan and the week, of evidence the period and its scope.
    asked: Mapped[dict[str, Any]]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    asked_at: Mapped[datetime] = mapped_column(index=True)
    made_at: Mapped[datetime | None]
    # Of the bytes that were made; it stays when they are forgotten.
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    size: Mapped[int | None]
    # Characters that the encoding does not have: [[file, line, row, column, character, written as], …].
    losses: Mapped[list[Any]]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    cohort: Mapped[Cohort | None] = relationship(lazy="joined")
    asked_by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class ReportSchedule(Base):
    """That the report of a cohort is sent each week, until it ends."""

    __tablename__ = "report_schedules"
    __table_args__ = (
        CheckConstraint("weekday between 0 and 6", name="weekday"),
        CheckConstraint("hour between 0 and 23", name="hour"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
        CheckConstraint("(ended_at is null) = (end_reason is null)", name="end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    # The plan by its slug; empty: the one that most people of the cohort follow.
    plan_slug: Mapped[str] = mapped_column(String(90), default="")
    # 0 is Monday; the full hour in the market's zone from which it is sent.
    weekday: Mapped[int]
    hour: Mapped[int]
    with_pdf: Mapped[bool]
    with_xlsx: Mapped[bool]
    # Of its files; None: that of each recipient's account.
    language: Mapped[str | None] = mapped_column(String(2))
    # The first such weekday on which it is due.
    begins_on: Mapped[date]
    # How often it was changed: whoever changes it says which one she saw.
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[ScheduleEnd | None] = mapped_column(enum_type(ScheduleEnd))

    cohort: Mapped[Cohort] = relationship(lazy="joined", innerjoin=True)
    recipients: Mapped[list[ReportRecipient]] = relationship(back_populates="schedule", order_by="ReportRecipient.id")


class ReportRecipient(Base):
    """Somebody who gets the report of a schedule, until she takes herself off or may no longer see the cohort."""

    __tablename__ = "report_recipients"
    __table_args__ = (
        UniqueConstraint("schedule_id", "person_id"),
        CheckConstraint("(ended_at is null) = (end_reason is null)", name="end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedules.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[RecipientEnd | None] = mapped_column(enum_type(RecipientEnd))

    schedule: Mapped[ReportSchedule] = relationship(back_populates="recipients")
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class ReportSending(Base):
    """That somebody was owed the report of one week; added once, never changed."""

    __tablename__ = "report_sendings"
    __table_args__ = (UniqueConstraint("schedule_id", "person_id", "week_of"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedules.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    # The weekday of the schedule that it belongs to, whichever day it was sent on.
    week_of: Mapped[date]
    at: Mapped[datetime]
    # The days that it tells of.
    first_on: Mapped[date]
    last_on: Mapped[date]
