"""Tables of handovers, their items with evidence and quizzes, of stand-ins, and of accepted orphans."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, Json, enum_type
from portal.core.seals import Sealed
from portal.duties.models import CardVersion
from portal.duties.rules import Criticality
from portal.handover.rules import Decision, GoneAs, Milestone, Reason, Stage
from portal.library.models import ClauseText, Document, DocumentVersion
from portal.organisation.models import Market


class Removable:
    """Texts that two people can take out for good: one asks, another confirms; that something stood there stays.

    While it waits nobody reads them but those two; withdrawn or declined, they stand where they stood.
    """

    removal_asked_at: Mapped[datetime | None]
    removal_asked_by: Mapped[str | None] = mapped_column(String(40))
    removal_reason: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(String(40))

    @property
    def is_held(self) -> bool:
        """Whether it is asked that its texts be taken out, and nobody has decided."""
        return self.removal_asked_at is not None and self.removed_at is None

    def told(self, name: str) -> str:
        """Return one of its texts as everybody reads it: nothing while it is held, or where there is none."""
        return "" if self.is_held else (getattr(self, name) or "")


_REMOVAL = ("removal_asked_at", "removal_asked_by", "removal_reason", "removed_at", "removed_by")
_BY_TWO = "removed_by is null or removed_by <> removal_asked_by"


class Handover(Base):
    """What one person hands over for one reason; open until it is closed or called off."""

    __tablename__ = "handovers"
    __sealed__ = Sealed(
        later=(
            "closed_at",
            "closed_by_id",
            "called_off_at",
            "called_off_by_id",
            "call_off_reason",
            "handed_back_at",
            "handed_back_by",
        )
    )
    __table_args__ = (
        Index(
            "uq_handovers_open",
            "person_id",
            unique=True,
            sqlite_where=Column("closed_at").is_(None) & Column("called_off_at").is_(None),
            postgresql_where=Column("closed_at").is_(None) & Column("called_off_at").is_(None),
        ),
        CheckConstraint("closed_at is null or called_off_at is null", name="one_end"),
        CheckConstraint("(closed_at is null) = (closed_by_id is null)", name="closed_by"),
        CheckConstraint("(called_off_at is null) = (called_off_by_id is null)", name="called_off_by"),
        CheckConstraint("(called_off_at is null) = (call_off_reason is null)", name="call_off_reason"),
        CheckConstraint("(handed_back_at is null) = (handed_back_by is null)", name="handed_back_by"),
        CheckConstraint("handed_back_at is null or closed_at is not null", name="handed_back_after_close"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[Reason] = mapped_column(enum_type(Reason))
    # Whose working days count.
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"))
    # The day from which the notice runs.
    notice_on: Mapped[date]
    begun_at: Mapped[datetime]
    begun_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    called_off_at: Mapped[datetime | None]
    called_off_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    call_off_reason: Mapped[str | None] = mapped_column(Text)
    # When what moved for leave came back, and the code of whoever saw to it.
    handed_back_at: Mapped[datetime | None]
    handed_back_by: Mapped[str | None] = mapped_column(String(40))

    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined")
    begun_by: Mapped[Person] = relationship(foreign_keys=[begun_by_id])
    closed_by: Mapped[Person | None] = relationship(foreign_keys=[closed_by_id])
    called_off_by: Mapped[Person | None] = relationship(foreign_keys=[called_off_by_id])
    market: Mapped[Market] = relationship(lazy="joined")
    days: Mapped[list[HandoverDays]] = relationship(back_populates="handover", order_by="HandoverDays.id")

    @property
    def last_on(self) -> date:
        """The last day of whoever hands over, as it was set last."""
        return self.days[-1].last_on

    @property
    def back_on(self) -> date | None:
        """The first day back of somebody on leave, as it was set last."""
        return self.days[-1].back_on

    @property
    def is_open(self) -> bool:
        """Whether it is neither closed nor called off."""
        return self.closed_at is None and self.called_off_at is None


class HandoverDays(Base):
    """Last day, and first day back, as they were set; the latest of a handover count, none is changed."""

    __tablename__ = "handover_days"
    # Why they were moved is forgotten when the handover is closed.
    __sealed__ = Sealed(later=("reason",))
    __table_args__ = (CheckConstraint("back_on is null or back_on > last_on", name="back_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="RESTRICT"), index=True)
    last_on: Mapped[date]
    back_on: Mapped[date | None]
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))
    # Why they were moved; empty for the first, and once the handover is closed.
    reason: Mapped[str] = mapped_column(Text, default="")

    handover: Mapped[Handover] = relationship(back_populates="days")


class MilestoneMet(Base):
    """That somebody said that the plan is agreed, or the items are looked through; the rest follows from the items."""

    __tablename__ = "handover_milestones"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("handover_id", "milestone"),
        CheckConstraint("milestone in ('plan', 'inventory')", name="said"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="RESTRICT"))
    milestone: Mapped[Milestone] = mapped_column(enum_type(Milestone))
    met_at: Mapped[datetime]
    met_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    handover: Mapped[Handover] = relationship()
    met_by: Mapped[Person] = relationship(lazy="joined")


class HandoverItem(Base):
    """One thing to hand over, as it was found; gone once it is not live or another's."""

    __tablename__ = "handover_items"
    __sealed__ = Sealed(later=("gone_at", "gone_as"))
    __table_args__ = (
        UniqueConstraint("handover_id", "kind", "thing_code"),
        CheckConstraint("(gone_at is null) = (gone_as is null)", name="gone_as"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    # As it was called when it was found, for when it cannot be found any more.
    title: Mapped[str] = mapped_column(String(400))
    # How much it mattered, and whether nobody else stood behind it, when it was found.
    criticality: Mapped[Criticality] = mapped_column(enum_type(Criticality))
    is_single_point: Mapped[bool]
    found_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    gone_as: Mapped[GoneAs | None] = mapped_column(enum_type(GoneAs))

    handover: Mapped[Handover] = relationship()


class ItemSuccessor(Base):
    """Who is to take an item over, as it was set; the latest counts, none is changed."""

    __tablename__ = "handover_successors"
    __sealed__ = Sealed()

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("handover_items.id", ondelete="RESTRICT"), index=True)
    # None: nobody at the moment, the lead has it.
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))

    item: Mapped[HandoverItem] = relationship()
    successor: Mapped[Person | None] = relationship(lazy="joined")


class ItemEvidence(Removable, Base):
    """What a successor has done with an item: when, and what, in her words. A lead may waive a stage and says why."""

    __tablename__ = "handover_evidence"
    __sealed__ = Sealed(later=("taken_back_at", "taken_back_by", "words", "link", *_REMOVAL))
    __table_args__ = (
        CheckConstraint("(waived_by is null) = (done_on is not null)", name="done_on"),
        CheckConstraint("stage <> 'alone' or waived_by is null", name="alone_is_never_waived"),
        CheckConstraint("(taken_back_at is null) = (taken_back_by is null)", name="taken_back_by"),
        CheckConstraint(_BY_TWO, name="removed_by_two"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("handover_items.id", ondelete="RESTRICT"), index=True)
    # Whose evidence it is; another successor begins anew.
    successor_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    stage: Mapped[Stage] = mapped_column(enum_type(Stage))
    done_on: Mapped[date | None]
    # What was done, or why the stage is not needed.
    words: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(String(500), default="")
    recorded_at: Mapped[datetime]
    # The code of whoever waived it; of evidence None: only the successor writes that.
    waived_by: Mapped[str | None] = mapped_column(String(40))
    taken_back_at: Mapped[datetime | None]
    taken_back_by: Mapped[str | None] = mapped_column(String(40))

    item: Mapped[HandoverItem] = relationship()
    successor: Mapped[Person] = relationship(lazy="joined")


class ItemDecision(Removable, Base):
    """That a successor accepted or refused an item; the latest of the present assignment counts, none is changed."""

    __tablename__ = "handover_decisions"
    __sealed__ = Sealed(later=("reason", *_REMOVAL))
    __table_args__ = (
        CheckConstraint("decision = 'accepted' or reason <> '' or removed_at is not null", name="reason"),
        CheckConstraint(_BY_TWO, name="removed_by_two"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("handover_items.id", ondelete="RESTRICT"), index=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    # To which assignment it answers: who is asked again, answers again.
    assignment_id: Mapped[int] = mapped_column(ForeignKey("handover_successors.id", ondelete="RESTRICT"), index=True)
    decision: Mapped[Decision] = mapped_column(enum_type(Decision))
    reason: Mapped[str] = mapped_column(Text, default="")
    # What the card said that she relied on.
    card_version_id: Mapped[int | None] = mapped_column(ForeignKey("card_versions.id", ondelete="RESTRICT"), index=True)
    decided_at: Mapped[datetime]

    item: Mapped[HandoverItem] = relationship()
    assignment: Mapped[ItemSuccessor] = relationship()
    successor: Mapped[Person] = relationship(lazy="joined")
    card_version: Mapped[CardVersion | None] = relationship()


class QuizTry(Base):
    """One try of a successor at a short quiz from the cards; none is ever removed, and it certifies nothing."""

    __tablename__ = "handover_quiz_tries"
    __sealed__ = Sealed(later=("handed_in_at",))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="RESTRICT"), index=True)
    # About which item; None: about everything that she takes over.
    item_id: Mapped[int | None] = mapped_column(ForeignKey("handover_items.id", ondelete="RESTRICT"), index=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    begun_at: Mapped[datetime]
    handed_in_at: Mapped[datetime | None]

    handover: Mapped[Handover] = relationship(lazy="joined")
    item: Mapped[HandoverItem | None] = relationship()
    successor: Mapped[Person] = relationship(lazy="joined")
    questions: Mapped[list[QuizQuestion]] = relationship(back_populates="of", order_by="QuizQuestion.place")


class QuizQuestion(Base):
    """One question of a try, as it was drawn: from which version of which card, its answers in which order."""

    __tablename__ = "handover_quiz_questions"
    __sealed__ = Sealed(later=("chosen",))
    __table_args__ = (
        UniqueConstraint("try_id", "place"),
        CheckConstraint("place >= 1", name="place"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("chosen is null or chosen >= 0", name="chosen"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    try_id: Mapped[int] = mapped_column(ForeignKey("handover_quiz_tries.id", ondelete="RESTRICT"))
    # 1 is the first.
    place: Mapped[int]
    item_id: Mapped[int] = mapped_column(ForeignKey("handover_items.id", ondelete="RESTRICT"), index=True)
    card_version_id: Mapped[int] = mapped_column(ForeignKey("card_versions.id", ondelete="RESTRICT"), index=True)
    # Which question of the version, 1 is the first.
    number: Mapped[int]
    # The answers as they are shown: 0 stands for the right one, the others for the wrong ones in their order.
    order: Mapped[list[Any]] = mapped_column(Json())
    # Which of the answers shown was chosen, 0 is the first; None until it is handed in.
    chosen: Mapped[int | None]

    of: Mapped[QuizTry] = relationship(back_populates="questions")
    item: Mapped[HandoverItem] = relationship()
    card_version: Mapped[CardVersion] = relationship()


class StandIn(Removable, Base):
    """Who answers for somebody's things while she is on leave for up to ten working days; it comes back by itself."""

    __tablename__ = "stand_ins"
    __sealed__ = Sealed(
        later=(
            "begun_at",
            "ended_at",
            "ended_by",
            "declined_at",
            "decline_reason",
            "ongoing",
            "places",
            "trouble",
            *_REMOVAL,
        )
    )
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="days"),
        CheckConstraint("(declined_at is null) = (decline_reason is null)", name="declined"),
        CheckConstraint("(ended_at is null) = (ended_by is null)", name="ended_by"),
        CheckConstraint(_BY_TWO, name="removed_by_two"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    stand_in_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    # The three fields: what goes on meanwhile, where everything lies, what to do on trouble.
    ongoing: Mapped[str] = mapped_column(Text)
    places: Mapped[str] = mapped_column(Text)
    trouble: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    # When her things went to the stand-in, and when they came back or it was called off.
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(40))
    # When the stand-in said that she cannot, and why; the reason is empty once it was taken out.
    declined_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None] = mapped_column(Text)

    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined")
    stand_in: Mapped[Person] = relationship(foreign_keys=[stand_in_id], lazy="joined")


class StandInThing(Base):
    """One thing that went to a stand-in, and who was its deputy before."""

    __tablename__ = "stand_in_things"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("stand_in_id", "kind", "thing_code"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    stand_in_id: Mapped[int] = mapped_column(ForeignKey("stand_ins.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    stand_in: Mapped[StandIn] = relationship()


class OrphanAcceptance(Removable, Base):
    """That somebody accepts by name that a thing will have no owner when a person goes; it takes two people."""

    __tablename__ = "orphan_acceptances"
    __sealed__ = Sealed(later=("taken_back_at", "reason", *_REMOVAL))
    __table_args__ = (
        CheckConstraint(_BY_TWO, name="removed_by_two"),
        Index(
            "uq_orphan_acceptances_standing",
            "person_id",
            "kind",
            "thing_code",
            "accepted_by_id",
            unique=True,
            sqlite_where=Column("taken_back_at").is_(None),
            postgresql_where=Column("taken_back_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(40))
    thing_code: Mapped[str] = mapped_column(String(200))
    accepted_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    accepted_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    accepted_by: Mapped[Person] = relationship(foreign_keys=[accepted_by_id], lazy="joined")


class HandoverDossier(Base):
    """A document of the library that says what the cards of a handover say: all of it, or what one successor gets."""

    __tablename__ = "handover_dossiers"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("handover_id", "successor_id"),
        Index(
            "uq_handover_dossiers_whole",
            "handover_id",
            unique=True,
            sqlite_where=Column("successor_id").is_(None),
            postgresql_where=Column("successor_id").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="RESTRICT"))
    # None: all of it, for whoever hands over and those who lead her.
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"), unique=True)
    begun_at: Mapped[datetime]

    handover: Mapped[Handover] = relationship()
    successor: Mapped[Person | None] = relationship(lazy="joined")
    document: Mapped[Document] = relationship()


class DossierTextHeld(Base):
    """What a clause of a dossier said that was put together from a text of a card which is to be taken out."""

    __tablename__ = "handover_dossier_texts_held"
    __sealed__ = Sealed(later=("held",))
    __table_args__ = (UniqueConstraint("removal_id", "clause_text_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    removal_id: Mapped[int] = mapped_column(ForeignKey("card_removals.id", ondelete="RESTRICT"))
    clause_text_id: Mapped[int] = mapped_column(ForeignKey("clause_texts.id", ondelete="RESTRICT"), index=True)
    # The clause as it was written; None once it is decided.
    held: Mapped[str | None] = mapped_column(Text)

    clause_text: Mapped[ClauseText] = relationship()


class DossierFile(Base):
    """A version of a dossier as a PDF in one language, as it was printed once; again where a text was taken out."""

    __tablename__ = "handover_dossier_files"
    # The bytes are those of the hash; the invariants compute it again.
    __sealed__ = Sealed(taken_out=("made_at", "sha256", "size"), besides=("content",))
    __table_args__ = (
        UniqueConstraint("version_id", "language"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    language: Mapped[str] = mapped_column(String(2))
    made_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    # 0 while it is printed again.
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

    version: Mapped[DocumentVersion] = relationship()
