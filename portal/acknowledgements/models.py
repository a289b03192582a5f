"""Tables of acknowledgements and of the weaker "I have read this", and of campaigns that ask for the former."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, enum_type
from portal.core.seals import Sealed
from portal.library.models import ChangeClass, DocumentVersion
from portal.quizzes.models import QuestionVersion


class Acknowledgement(Base):
    """A person's dated statement about one version: what was shown to her, and the sentence she agreed to."""

    __tablename__ = "acknowledgements"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("person_id", "version_id"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
        Index("ix_acknowledgements_version_id", "version_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    # The market and team in which she was in the audience.
    market: Mapped[str] = mapped_column(String(20))
    team: Mapped[str] = mapped_column(String(60), default="")
    language: Mapped[str] = mapped_column(String(2))
    # The hash of the text that was shown.
    text_hash: Mapped[str] = mapped_column(String(64))
    attestation: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    # The network she was in (/24 or /48); the address itself is not kept.
    address_class: Mapped[str] = mapped_column(String(60), default="")

    person: Mapped[Person] = relationship()
    version: Mapped[DocumentVersion] = relationship()


class ReadingConfirmation(Base):
    """The words "I have read this": weaker than an acknowledgement, without an attestation."""

    __tablename__ = "reading_confirmations"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("person_id", "version_id"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
        Index("ix_reading_confirmations_version_id", "version_id"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    language: Mapped[str] = mapped_column(String(2))
    text_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]

    person: Mapped[Person] = relationship()
    version: Mapped[DocumentVersion] = relationship()


# --- campaigns ----------------------------------------------------------------------------------


class CampaignEnd(StrEnum):
    """Why a campaign asks nobody any more."""

    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    BY_HAND = "by_hand"


class AskedAs(StrEnum):
    """As whom a person is asked; each has a time of its own to confirm."""

    CURRENT = "current"
    NEWCOMER = "newcomer"
    RETURNING = "returning"


class RequestEnd(StrEnum):
    """How a request came to its end."""

    CONFIRMED = "confirmed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXEMPT = "exempt"
    # The account was deactivated, or the document is not addressed to her any more.
    LEFT = "left"
    # The campaign was closed by hand.
    STOPPED = "stopped"


class Campaign(Base):
    """A version that its audience is asked to confirm, and the time that each has for it; ended, never deleted."""

    __tablename__ = "campaigns"
    __sealed__ = Sealed(later=("closed_at", "closed_because", "closed_by", "close_reason", "superseded_by"))
    __table_args__ = (
        CheckConstraint("(closed_at is null) = (closed_because is null)", name="closed"),
        CheckConstraint(
            "(superseded_by is not null) = (closed_because is not null and closed_because = 'superseded')",
            name="superseded",
        ),
        CheckConstraint("days_current >= 1 and days_newcomers >= 1 and days_returning >= 1", name="days"),
        CheckConstraint("hours is null or hours >= 1", name="hours"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"), unique=True)
    change_class: Mapped[ChangeClass] = mapped_column(enum_type(ChangeClass))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(40))
    # Working days that current staff, newcomers and those back from leave have.
    days_current: Mapped[int]
    days_newcomers: Mapped[int]
    days_returning: Mapped[int]
    # Where it is urgent: hours instead of days, or until it takes effect where that is sooner.
    hours: Mapped[int | None]
    closed_at: Mapped[datetime | None]
    closed_because: Mapped[CampaignEnd | None] = mapped_column(enum_type(CampaignEnd))
    closed_by: Mapped[str | None] = mapped_column(String(40))
    close_reason: Mapped[str] = mapped_column(Text, default="")
    # The code of the campaign that took its place.
    superseded_by: Mapped[str | None] = mapped_column(String(20))

    version: Mapped[DocumentVersion] = relationship()


class AcknowledgementRequest(Base):
    """What one person is asked to confirm, until when, and how it ended; kept whatever becomes of the campaign."""

    __tablename__ = "acknowledgement_requests"
    __sealed__ = Sealed(
        later=("started_at", "due_on", "due_at", "days", "closed_at", "closed_as", "exempt_by", "exempt_reason"),
        besides=("delta_opened_at", "minutes", "dated_at", "next_mail", "next_mail_at", "escalate_at"),
    )
    __table_args__ = (
        UniqueConstraint("campaign_id", "person_id"),
        CheckConstraint("(closed_at is null) = (closed_as is null)", name="closed"),
        CheckConstraint("(exempt_by is not null) = (closed_as is not null and closed_as = 'exempt')", name="exempt"),
        CheckConstraint("next_mail_at is null or closed_at is null", name="mails"),
        CheckConstraint("escalate_at is null or closed_at is null", name="escalation"),
        Index(
            "uq_acknowledgement_requests_open",
            "person_id",
            "document_id",
            unique=True,
            sqlite_where=Column("closed_at").is_(None),
            postgresql_where=Column("closed_at").is_(None),
        ),
        Index("ix_acknowledgement_requests_next_mail_at", "next_mail_at"),
        Index("ix_acknowledgement_requests_escalate_at", "escalate_at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="RESTRICT"))
    # That of the campaign's version: she has one open request for each document.
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    asked_at: Mapped[datetime]
    asked_as: Mapped[AskedAs] = mapped_column(enum_type(AskedAs))
    # What she had confirmed last when she was asked.
    from_version_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    # From when her days are counted: later than the asking where she came back to the audience.
    started_at: Mapped[datetime]
    # The date in her market's zone, and the instant at which it is over; `days` working days were counted.
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    days: Mapped[int]
    closed_at: Mapped[datetime | None]
    closed_as: Mapped[RequestEnd | None] = mapped_column(enum_type(RequestEnd))
    exempt_by: Mapped[str | None] = mapped_column(String(40))
    exempt_reason: Mapped[str] = mapped_column(Text, default="")
    # A note of the page itself, as readings are.
    delta_opened_at: Mapped[datetime | None]
    # What reading the changes and the questions about them took when she was asked.
    minutes: Mapped[int] = mapped_column(default=1)
    # When her dates were counted last: leave recorded since moves them.
    dated_at: Mapped[datetime]
    # The next mail (see `rules.Mail`; 0: that she is asked) and when it is to go; None: nothing more is sent.
    next_mail: Mapped[int] = mapped_column(default=0)
    next_mail_at: Mapped[datetime | None]
    # From when those who look after her are told that it is over; None: they have been, or nothing is to be told.
    escalate_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship()
    person: Mapped[Person] = relationship()
    from_version: Mapped[DocumentVersion | None] = relationship()


class DeltaAnswer(Base):
    """One try at a question about what changed; what was answered wrongly is answered again in a new row."""

    __tablename__ = "delta_answers"
    __sealed__ = Sealed()
    __table_args__ = (Index("ix_delta_answers_request_id", "request_id", "at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("acknowledgement_requests.id", ondelete="RESTRICT"))
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id", ondelete="RESTRICT"))
    # Part → the ids of the chosen choices.
    answer: Mapped[dict[str, Any]]
    right: Mapped[bool]
    at: Mapped[datetime]

    question_version: Mapped[QuestionVersion] = relationship()


class ClauseQuestion(Base):
    """The words "I have a question": kept with the clause, answered by whoever answers for the document."""

    __tablename__ = "clause_questions"
    __sealed__ = Sealed(later=("answered_at", "answered_by", "answer"))
    __table_args__ = (
        CheckConstraint("language in ('en', 'ja')", name="language"),
        CheckConstraint("(answered_at is null) = (answered_by is null)", name="answered"),
        Index("ix_clause_questions_version_id", "version_id", "person_id"),
        Index("ix_clause_questions_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    # Empty: about the document as a whole.
    anchor: Mapped[str] = mapped_column(String(60), default="")
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    language: Mapped[str] = mapped_column(String(2))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(Text, default="")

    version: Mapped[DocumentVersion] = relationship()
    person: Mapped[Person] = relationship()


class ExposureDecline(Base):
    """That a person declines the statement of what the work can bring, until she takes that back; never why.

    It is known to her and to the wellbeing contact alone. Therefore it stands in no journal, nor is it sealed by one:
    the journal would say each time that something was sealed.
    """

    __tablename__ = "exposure_declines"
    __table_args__ = (
        Index(
            "uq_exposure_declines_open",
            "person_id",
            unique=True,
            sqlite_where=text("taken_back_at is null"),
            postgresql_where=text("taken_back_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    declined_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    # That a wellbeing contact has spoken with her about it, and which.
    spoken_at: Mapped[datetime | None]
    spoken_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    version: Mapped[DocumentVersion] = relationship()
    spoken_by: Mapped[Person | None] = relationship(foreign_keys=[spoken_by_id])


class MaterialAside(Base):
    """That material of a level and above is set aside for a person, until a day or until it is ended; never why.

    A wellbeing contact says so after they have spoken. It is known to the two alone, and stands in no journal, nor is
    it sealed by one: see `ExposureDecline`. Rows are added; only their end is noted later.
    """

    __tablename__ = "material_aside"
    __table_args__ = (
        CheckConstraint("level in ('S1', 'S2', 'S3', 'S4')", name="level"),
        CheckConstraint("(until_on is null) = (ends_at is null)", name="until"),
        CheckConstraint("(ended_at is null) = (ended_by_id is null)", name="ended"),
        Index(
            "uq_material_aside_open",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    level: Mapped[str] = mapped_column(String(2))
    # The last day in her market, and the instant at which that day ends there.
    until_on: Mapped[date | None]
    ends_at: Mapped[datetime | None]
    set_at: Mapped[datetime]
    set_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    set_by: Mapped[Person] = relationship(foreign_keys=[set_by_id])
