"""The table of the rule by which people are at risk."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base
from portal.core.seals import Sealed
from portal.reports.rules import RiskRule


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
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)

    @property
    def rule(self) -> RiskRule:
        """The rule as the rules see it."""
        return RiskRule(self.overdue_steps, self.failed_tries, self.idle_days)
