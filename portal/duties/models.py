"""Tables of recurring tasks and what was done of them, of how much things matter, and of cards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, Json, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.duties.rules import Criticality, Fulfilment, Rhythm, RunHow, RunOutcome, WhenOff
from portal.organisation.models import Market, Team


class RecurringTask(Base):
    """Work that recurs, such as a weekly calibration; what it says is in its terms, of which the latest count."""

    __tablename__ = "recurring_tasks"
    __sealed__ = Sealed(
        later=("ended_at", "ended_by", "end_reason"),
        besides=("stated_owner", "stated_deputy", "stated_owner_became"),
    )
    __table_args__ = (
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_by"),
        CheckConstraint("(ended_at is null) = (end_reason is null)", name="end_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(40))
    end_reason: Mapped[str | None] = mapped_column(Text)
    # What fulfils it by itself; None: somebody records that it was done.
    fulfilled_by: Mapped[Fulfilment | None] = mapped_column(enum_type(Fulfilment))
    # The name of its file in a content folder, None where it was made in the browser; whom that names, who may be
    # unknown here, and the codes of those who became owner and deputy for that.
    slug: Mapped[str | None] = mapped_column(String(60), unique=True)
    stated_owner: Mapped[str | None] = mapped_column(String(254))
    stated_deputy: Mapped[str | None] = mapped_column(String(254))
    stated_owner_became: Mapped[str | None] = mapped_column(String(60))

    terms: Mapped[list[RecurringTaskTerms]] = relationship(back_populates="task", order_by="RecurringTaskTerms.number")

    @property
    def latest(self) -> RecurringTaskTerms:
        """Its terms as they were set last."""
        return self.terms[-1]

    @property
    def title(self) -> Words:
        """Its title as it was set last."""
        return self.latest.title

    @property
    def content_name(self) -> str:
        """The name of its file: the one that it came with, or one made from its code."""
        return self.slug or f"t-{self.code.lower()}"

    @property
    def version(self) -> str:
        """The version of its terms as a file names them: after terms that were set here, the next whole number."""
        named = "0.0"
        for each in self.terms:
            named = each.version or f"{int(named.split('.', maxsplit=1)[0]) + 1}.0"
        return named


class RecurringTaskTerms(Base):
    """What a recurring task says from a day on: what is done, in what rhythm, by which procedure. Never changed."""

    __tablename__ = "recurring_task_terms"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("task_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("every >= 1", name="every"),
        CheckConstraint("minutes is null or minutes >= 1", name="minutes"),
        CheckConstraint("(rhythm = 'weekly') = (weekday is not null)", name="weekday"),
        CheckConstraint("(rhythm = 'weekly') = (when_off is not null)", name="when_off"),
        CheckConstraint("(rhythm = 'monthly') = (working_day is not null)", name="working_day"),
        CheckConstraint("weekday is null or (weekday between 0 and 6)", name="weekdays"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("recurring_tasks.id", ondelete="RESTRICT"))
    number: Mapped[int]
    title: Mapped[Words]
    # Whose working days count.
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"), index=True)
    # Whose task it is; None: the market's.
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"), index=True)
    rhythm: Mapped[Rhythm] = mapped_column(enum_type(Rhythm))
    # Every so many working days, weeks or months.
    every: Mapped[int]
    # 0 is Monday.
    weekday: Mapped[int | None]
    when_off: Mapped[WhenOff | None] = mapped_column(enum_type(WhenOff))
    # 1 is the first working day of the month, -1 its last.
    working_day: Mapped[int | None]
    # The first day on which these terms can fall due.
    starts_on: Mapped[date]
    # What it takes.
    minutes: Mapped[int | None]
    # The procedure: a document, and a clause of it.
    procedure_slug: Mapped[str | None] = mapped_column(String(90))
    procedure_clause: Mapped[str | None] = mapped_column(String(80))
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))
    # Why they were changed; empty for the first.
    reason: Mapped[str] = mapped_column(Text, default="")
    # The version that their file names; None: set in the browser.
    version: Mapped[str | None] = mapped_column(String(20))
    # The first day that their file names, where that lay before the day on which it was taken in.
    stated_on: Mapped[date | None]

    task: Mapped[RecurringTask] = relationship(back_populates="terms")
    market: Mapped[Market] = relationship(lazy="joined")
    team: Mapped[Team | None] = relationship(lazy="joined")


class RecurringTaskRun(Base):
    """What became of one day on which a task fell due: who did it and how, or why it was left out."""

    __tablename__ = "recurring_task_runs"
    __sealed__ = Sealed(later=("taken_back_at", "taken_back_by", "taken_back_reason"))
    __table_args__ = (
        # One that stands; a correction takes the other back.
        Index(
            "uq_recurring_task_runs_standing",
            "task_id",
            "due_on",
            unique=True,
            sqlite_where=Column("taken_back_at").is_(None),
            postgresql_where=Column("taken_back_at").is_(None),
        ),
        CheckConstraint("(outcome = 'done') = (how is not null)", name="how"),
        CheckConstraint("(outcome = 'done') = (done_on is not null)", name="done_on"),
        CheckConstraint("(outcome = 'done') = (person_id is not null)", name="person"),
        CheckConstraint("outcome = 'done' or note <> ''", name="why_skipped"),
        CheckConstraint("outcome = 'done' or fulfilled_with is null", name="fulfilled"),
        CheckConstraint("(taken_back_at is null) = (taken_back_by is null)", name="taken_back_by"),
        CheckConstraint("(taken_back_at is null) = (taken_back_reason is null)", name="taken_back_reason"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("recurring_tasks.id", ondelete="RESTRICT"))
    due_on: Mapped[date]
    outcome: Mapped[RunOutcome] = mapped_column(enum_type(RunOutcome))
    how: Mapped[RunHow | None] = mapped_column(enum_type(RunHow))
    done_on: Mapped[date | None]
    # Who did it, and who helped.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    helper_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    # The code of what fulfilled it by itself, such as of a handover.
    fulfilled_with: Mapped[str | None] = mapped_column(String(20))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(40))
    taken_back_at: Mapped[datetime | None]
    taken_back_by: Mapped[str | None] = mapped_column(String(40))
    taken_back_reason: Mapped[str | None] = mapped_column(Text)

    task: Mapped[RecurringTask] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    helper: Mapped[Person | None] = relationship(foreign_keys=[helper_id])


class ThingCriticality(Base):
    """How much somebody judged, or proposed, that a thing matters; the latest judgement counts, none is changed."""

    __tablename__ = "thing_criticalities"
    __sealed__ = Sealed()
    __table_args__ = (Index("ix_thing_criticalities_thing", "kind", "thing_code", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    criticality: Mapped[Criticality] = mapped_column(enum_type(Criticality))
    reason: Mapped[str] = mapped_column(Text, default="")
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))
    # True: whoever answers for the thing proposed it, and it counts for nothing until it is judged.
    is_proposal: Mapped[bool | None]


class Card(Base):
    """What only its owner knows about a thing; what it says is in its versions.

    Knowledge that belongs to no other thing is a card of kind "card" with its own code, and is itself owned.
    """

    __tablename__ = "cards"
    __sealed__ = Sealed(later=("ended_at", "ended_by"))
    __table_args__ = (
        UniqueConstraint("kind", "thing_code"),
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_by"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    # What nobody needs to know any more; only of kind "card".
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(40))

    versions: Mapped[list[CardVersion]] = relationship(back_populates="card", order_by="CardVersion.number")
    # Every request that a text of it be taken out, the oldest first.
    removals: Mapped[list[CardRemoval]] = relationship(viewonly=True, order_by="CardRemoval.id")

    @property
    def latest(self) -> CardVersion:
        """What it says now."""
        return self.versions[-1]

    @property
    def last_check(self) -> CardCheck:
        """Who found last that it is true, and when."""
        return self.latest.checks[-1]


class CardVersion(Base):
    """What a card says from a moment on. Never changed, but for texts that two people take out."""

    __tablename__ = "card_versions"
    __sealed__ = Sealed(taken_out=("parts", "questions"))
    __table_args__ = (UniqueConstraint("card_id", "number"), CheckConstraint("number >= 1", name="number"))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id", ondelete="RESTRICT"))
    number: Mapped[int]
    # Only of kind "card"; other cards are called as their thing.
    title: Mapped[Words | None]
    # {part: {"en": text, "ja": text}}: a part, or a language of it, that is empty is left out.
    parts: Mapped[dict[str, Any]] = mapped_column(Json())
    # [{"stem": text, "right": text, "wrong": [text, …]}, …]: what a successor should be able to answer.
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json())
    written_at: Mapped[datetime]
    written_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)

    card: Mapped[Card] = relationship(back_populates="versions")
    written_by: Mapped[Person] = relationship(lazy="joined")
    checks: Mapped[list[CardCheck]] = relationship(back_populates="version", order_by="CardCheck.id")


class CardRemoval(Base):
    """That somebody asked that a text of a card be taken out for good, and what another person said to that.

    As long as nobody has said anything, the text stands here and nowhere else.
    """

    __tablename__ = "card_removals"
    __sealed__ = Sealed(later=("held", "confirmed_at", "confirmed_by_id", "dropped_at", "dropped_by_id"))
    __table_args__ = (
        # One that waits.
        Index(
            "uq_card_removals_open",
            "card_id",
            "part",
            unique=True,
            sqlite_where=Column("confirmed_at").is_(None) & Column("dropped_at").is_(None),
            postgresql_where=Column("confirmed_at").is_(None) & Column("dropped_at").is_(None),
        ),
        CheckConstraint("(confirmed_at is null) = (confirmed_by_id is null)", name="confirmed_by"),
        CheckConstraint("(dropped_at is null) = (dropped_by_id is null)", name="dropped_by"),
        CheckConstraint("confirmed_at is null or dropped_at is null", name="one_end"),
        CheckConstraint("confirmed_by_id is null or confirmed_by_id <> asked_by_id", name="by_two"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id", ondelete="RESTRICT"))
    # A part of the card, or "questions".
    part: Mapped[str] = mapped_column(String(20))
    # The versions that said it.
    numbers: Mapped[list[int]] = mapped_column(Json())
    # What they said, by their numbers; None once it is decided.
    held: Mapped[dict[str, Any] | None] = mapped_column(Json())
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    # Withdrawn by whoever asked, or declined by another.
    dropped_at: Mapped[datetime | None]
    dropped_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    card: Mapped[Card] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id], lazy="joined")
    confirmed_by: Mapped[Person | None] = relationship(foreign_keys=[confirmed_by_id], lazy="joined")
    dropped_by: Mapped[Person | None] = relationship(foreign_keys=[dropped_by_id], lazy="joined")

    @property
    def is_open(self) -> bool:
        """Whether it waits for another person."""
        return self.confirmed_at is None and self.dropped_at is None


class CardCheck(Base):
    """That somebody went through a version of a card and found it still true. Who writes one checks it with that."""

    __tablename__ = "card_checks"
    __sealed__ = Sealed()

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("card_versions.id", ondelete="RESTRICT"), index=True)
    # The day in the checker's market.
    checked_on: Mapped[date]
    checked_at: Mapped[datetime]
    checked_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)

    version: Mapped[CardVersion] = relationship(back_populates="checks")
    checked_by: Mapped[Person] = relationship(lazy="joined")
