"""Tables of obligations, their terms and states, whom they address since when, and the cycles of each person."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, Json, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.obligations import rules
from portal.obligations.rules import Closing, CountsFrom, Rhythm, State
from portal.training.models import Enrollment


class Obligation(Base):
    """Something that recurs; what it says is in its terms, of which the latest count for cycles to come."""

    __tablename__ = "obligations"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    # The name of its file in a content folder, None where it was made in the browser; whom that names, who may be
    # unknown here, and the codes of those who became owner and deputy for that.
    slug: Mapped[str | None] = mapped_column(String(60), unique=True)
    stated_owner: Mapped[str | None] = mapped_column(String(254))
    stated_deputy: Mapped[str | None] = mapped_column(String(254))
    stated_owner_became: Mapped[str | None] = mapped_column(String(60))

    terms: Mapped[list[ObligationTerms]] = relationship(back_populates="obligation", order_by="ObligationTerms.number")
    states: Mapped[list[ObligationState]] = relationship(back_populates="obligation", order_by="ObligationState.id")

    @property
    def latest(self) -> ObligationTerms:
        """Its terms as they were set last."""
        return self.terms[-1]

    @property
    def state(self) -> State:
        """Where it stands now."""
        return self.states[-1].state

    @property
    def title(self) -> Words:
        """Its title as it was set last."""
        return self.latest.title

    @property
    def content_name(self) -> str:
        """The name of its file: the one that it came with, or one made from its code."""
        return self.slug or f"o-{self.code.lower()}"

    @property
    def version(self) -> str:
        """The version of its terms as a file names them: after terms that were set here, the next whole number."""
        named = "0.0"
        for each in self.terms:
            named = each.version or f"{int(named.split('.', maxsplit=1)[0]) + 1}.0"
        return named


class ObligationTerms(Base):
    """What an obligation says from a moment on: what recurs, for whom, when. Never changed; cycles keep theirs."""

    __tablename__ = "obligation_terms"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("obligation_id", "number"),
        CheckConstraint("days >= 1", name="days"),
        CheckConstraint("(rhythm = 'after_completion') = (months is not null)", name="months"),
        CheckConstraint("(rhythm = 'before_expiry') = (lead_days is not null)", name="lead_days"),
        CheckConstraint("(rhythm = 'before_expiry') = (credential_slug is not null)", name="credential"),
        CheckConstraint("(rhythm = 'yearly') = (month is not null and day is not null)", name="yearly"),
        CheckConstraint("recognise_days is null or rhythm = 'yearly'", name="recognise_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligations.id", ondelete="RESTRICT"))
    number: Mapped[int]
    title: Mapped[Words]
    # The plan whose latest version people are enrolled in anew.
    plan_slug: Mapped[str] = mapped_column(String(60))
    # Codes of those whom it addresses; of an empty list all. A person is addressed whom every list has.
    markets: Mapped[list[str]] = mapped_column(Json())
    teams: Mapped[list[str]] = mapped_column(Json())
    roles: Mapped[list[str]] = mapped_column(Json())
    # Only who holds a certificate of this credential; None: everybody.
    holders_of: Mapped[str | None] = mapped_column(String(60))
    rhythm: Mapped[Rhythm] = mapped_column(enum_type(Rhythm))
    begins_on: Mapped[date]
    # Working days from the opening of a cycle to its date.
    days: Mapped[int]
    months: Mapped[int | None]
    lead_days: Mapped[int | None]
    # The credential whose expiry counts.
    credential_slug: Mapped[str | None] = mapped_column(String(60))
    month: Mapped[int | None]
    day: Mapped[int | None]
    recognise_days: Mapped[int | None]
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))
    # Why they were changed; empty for the first.
    reason: Mapped[str] = mapped_column(Text, default="")
    # The version that their file names; None: set in the browser.
    version: Mapped[str | None] = mapped_column(String(20))

    obligation: Mapped[Obligation] = relationship(back_populates="terms")

    @property
    def shape(self) -> rules.Terms:
        """The terms as the rules see them."""
        return rules.Terms(
            rhythm=self.rhythm,
            begins_on=self.begins_on,
            days=self.days,
            months=self.months,
            lead_days=self.lead_days,
            month=self.month,
            day=self.day,
            recognise_days=self.recognise_days,
        )


class ObligationState(Base):
    """Where an obligation stands from a moment on, by whom and why; the latest counts, none is changed."""

    __tablename__ = "obligation_states"
    __sealed__ = Sealed()

    id: Mapped[int] = mapped_column(primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligations.id", ondelete="RESTRICT"), index=True)
    state: Mapped[State] = mapped_column(enum_type(State))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    # Empty for the first.
    reason: Mapped[str] = mapped_column(Text, default="")

    obligation: Mapped[Obligation] = relationship(back_populates="states")


class ObligationPerson(Base):
    """That somebody is addressed by an obligation from one day to another."""

    __tablename__ = "obligation_people"
    __sealed__ = Sealed(later=("left_at",))
    __table_args__ = (
        Index(
            "uq_obligation_people_present",
            "obligation_id",
            "person_id",
            unique=True,
            sqlite_where=Column("left_at").is_(None),
            postgresql_where=Column("left_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligations.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    # The day in her market on which it was noted.
    entered_on: Mapped[date]
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class ObligationCycle(Base):
    """One time that an obligation came to a person, with the training that it opened. Never reset, never deleted."""

    __tablename__ = "obligation_cycles"
    __sealed__ = Sealed(later=("enrollment_id", "closed_at", "closed_as", "closed_by"))
    __table_args__ = (
        UniqueConstraint("obligation_id", "person_id", "number"),
        Index(
            "uq_obligation_cycles_open",
            "obligation_id",
            "person_id",
            unique=True,
            sqlite_where=Column("closed_at").is_(None),
            postgresql_where=Column("closed_at").is_(None),
        ),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("opens_on <= opened_on", name="opened_on"),
        CheckConstraint("(closed_at is null) = (closed_as is null)", name="closed_as"),
        CheckConstraint("(closed_at is null) = (closed_by is null)", name="closed_by"),
        CheckConstraint("(counts_from = 'by_hand') = (open_reason is not null)", name="open_reason"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligations.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    number: Mapped[int]
    terms_id: Mapped[int] = mapped_column(ForeignKey("obligation_terms.id", ondelete="RESTRICT"))
    # The day that the rhythm gave, and the day and moment at which it was really opened, in her market.
    opens_on: Mapped[date]
    opened_on: Mapped[date]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(40))
    open_reason: Mapped[str | None] = mapped_column(Text)
    # Its date as it was counted when it was opened; leave, pauses and more time move the effective one.
    due_on: Mapped[date]
    # What it was counted from: what, the day of that, and the enrollment of the completion or certificate.
    counts_from: Mapped[CountsFrom] = mapped_column(enum_type(CountsFrom))
    counted_on: Mapped[date | None]
    counted_code: Mapped[str] = mapped_column(String(20), default="")
    # The one in another version of the plan where the learner goes on in that.
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    # Whether the training was there before, so that the cycle took it up.
    taken_up: Mapped[bool]
    closed_at: Mapped[datetime | None]
    closed_as: Mapped[Closing | None] = mapped_column(enum_type(Closing))
    closed_by: Mapped[str | None] = mapped_column(String(40))

    obligation: Mapped[Obligation] = relationship()
    person: Mapped[Person] = relationship()
    terms: Mapped[ObligationTerms] = relationship()
    enrollment: Mapped[Enrollment] = relationship()

    @property
    def effective_closing(self) -> Closing | None:
        """How it ended, as far as its training tells already what nobody has noted yet."""
        return effective_closing(
            self.closed_as, ended_at=self.enrollment.ended_at, completed_at=self.enrollment.completed_at
        )


def effective_closing(
    closed_as: Closing | None, *, ended_at: datetime | None, completed_at: datetime | None
) -> Closing | None:
    """Return how a cycle ended by what was noted, else by when its training was ended or completed."""
    if closed_as is None and ended_at is not None:
        return Closing.STOPPED
    if closed_as is None and completed_at is not None:
        return Closing.COMPLETED
    return closed_as
