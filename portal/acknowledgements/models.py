"""Tables of acknowledgements and of the weaker "I have read this"; both are only ever added to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey
from portal.core.seals import Sealed
from portal.library.models import DocumentVersion


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
