"""Tables of credentials, certificates, their files, what happened to them, and look-ups."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.certificates.rules import FactKind, State, state_on
from portal.core.db import Base, BigKey, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.library.models import DocumentVersion
from portal.training.models import Enrollment


class Design(StrEnum):
    """How a certificate looks."""

    CLASSIC = "classic"
    MODERN = "modern"
    PLAIN = "plain"


class Honorific(StrEnum):
    """What follows the holder's Japanese name: 殿, 様 or nothing."""

    DONO = "dono"
    SAMA = "sama"
    NONE = "none"


class Credential(Base):
    """Something that people can be certified for; what exactly is in its versions."""

    __tablename__ = "credentials"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    created_at: Mapped[datetime]
    # Owner and deputy as the imported file names them, and who became owner for that: somebody unknown
    # here is written out again as the file named her, until the ownership changes.
    stated_owner: Mapped[str] = mapped_column(String(254), default="")
    stated_deputy: Mapped[str] = mapped_column(String(254), default="")
    stated_owner_became: Mapped[str] = mapped_column(String(40), default="")

    versions: Mapped[list[CredentialVersion]] = relationship(
        back_populates="credential", order_by="CredentialVersion.id"
    )


class CredentialVersion(Base):
    """The immutable terms of a credential: what it certifies, for how long, how the certificate looks."""

    __tablename__ = "credential_versions"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("credential_id", "number", name="uq_credential_versions_credential_id_number"),
        CheckConstraint("validity_months is null or validity_months > 0", name="validity_months"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    credential_id: Mapped[int] = mapped_column(ForeignKey("credentials.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(20))
    title: Mapped[Words]
    statement: Mapped[Words]
    # None: it does not expire.
    validity_months: Mapped[int | None]
    design: Mapped[Design] = mapped_column(enum_type(Design))
    honorific: Mapped[Honorific] = mapped_column(enum_type(Honorific))
    # One to nine characters of the seal; empty: none.
    seal: Mapped[str] = mapped_column(String(9))
    number_format: Mapped[str] = mapped_column(String(60))
    signatory_name: Mapped[Words]
    signatory_title: Mapped[Words]
    # SHA-256 over all of the above.
    hash: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    credential: Mapped[Credential] = relationship(back_populates="versions", lazy="joined", innerjoin=True)


class NumberSeries(Base):
    """The last number given out in a series; its row is the lock under which certificates are issued."""

    __tablename__ = "certificate_series"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    last_number: Mapped[int]


class Certificate(Base):
    """One issue of a credential for a completed plan; never changed, what happens to it is noted beside it."""

    __tablename__ = "certificates"
    __sealed__ = Sealed(later=("replaced_at",))
    __table_args__ = (
        UniqueConstraint("series", "series_no", name="uq_certificates_series_series_no"),
        UniqueConstraint("credential_id", "enrollment_code", "issue_no", name="uq_certificates_issue"),
        Index(
            "uq_certificates_current",
            "credential_id",
            "enrollment_code",
            unique=True,
            sqlite_where=text("replaced_at is null"),
            postgresql_where=text("replaced_at is null"),
        ),
        CheckConstraint("issue_no >= 1", name="issue_no"),
        CheckConstraint("series_no >= 1", name="series_no"),
        CheckConstraint("expires_on is null or expires_on >= issued_on", name="expires_on"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    credential_id: Mapped[int] = mapped_column(ForeignKey("credentials.id", ondelete="RESTRICT"))
    credential_version_id: Mapped[int] = mapped_column(ForeignKey("credential_versions.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    # The completed enrollment that it rests on, by its public code.
    enrollment_code: Mapped[str] = mapped_column(String(20), ForeignKey("enrollments.code", ondelete="RESTRICT"))
    issue_no: Mapped[int]
    series: Mapped[str] = mapped_column(String(80))
    series_no: Mapped[int]
    number: Mapped[str] = mapped_column(String(60), unique=True)
    # 130 random bits; who has it may verify the certificate.
    code: Mapped[str] = mapped_column(String(26), unique=True)
    issued_at: Mapped[datetime]
    issued_on: Mapped[date]
    zone: Mapped[str] = mapped_column(String(60))
    # The last day on which it is valid; None: it does not expire.
    expires_on: Mapped[date | None]
    # Everything that is printed, and the basis: plain data, and the SHA-256 of its canonical JSON.
    snapshot: Mapped[dict[str, Any]]
    snapshot_sha256: Mapped[str] = mapped_column(String(64))
    # When a later issue took its place.
    replaced_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
    enrollment: Mapped[Enrollment] = relationship()
    credential_version: Mapped[CredentialVersion] = relationship()
    files: Mapped[list[CertificateFile]] = relationship(
        back_populates="certificate", order_by="CertificateFile.language"
    )
    facts: Mapped[list[CertificateFact]] = relationship(
        back_populates="certificate", order_by="CertificateFact.id", foreign_keys="CertificateFact.certificate_id"
    )

    policy_supersessions: Mapped[list[PolicySupersession]] = relationship(
        back_populates="certificate", order_by="PolicySupersession.id"
    )

    def state(self, today: date, at: datetime) -> State:
        """Return what it is worth at an instant, which is a day in its own zone."""
        superseded = self.superseded_by_policy
        return state_on(
            today,
            self.expires_on,
            [fact.kind for fact in self.facts],
            is_older_policy=superseded is not None and superseded.effective_at <= at,
        )

    @property
    def superseded_by_policy(self) -> DocumentVersion | None:
        """The version that first makes it one of an older policy, in force already or not, or None."""
        standing = [each.version for each in self.policy_supersessions if each.taken_back_at is None]
        return min(standing, key=lambda version: (version.effective_at, version.id), default=None)

    def words(self, *path: str) -> Words:
        """Return a text of the snapshot that stands in both languages."""
        value: Any = self.snapshot
        for key in path:
            value = value[key]
        return Words(en=value["en"], ja=value["ja"])

    @property
    def title(self) -> Words:
        """What it certifies, as printed."""
        return self.words("credential", "title")


class CertificateFile(Base):
    """The PDF of a certificate in one language, bytes and all; never made again."""

    __tablename__ = "certificate_files"
    # The bytes are known by their hash.
    __sealed__ = Sealed(besides=("content",))
    __table_args__ = (
        UniqueConstraint("certificate_id", "language", name="uq_certificate_files_certificate_id_language"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"))
    language: Mapped[str] = mapped_column(String(2))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    renderer: Mapped[str] = mapped_column(String(60))
    fonts: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime]

    certificate: Mapped[Certificate] = relationship(back_populates="files")


class CertificateFact(Base):
    """Something that happened to a certificate after it was issued: who, when, why."""

    __tablename__ = "certificate_facts"
    __sealed__ = Sealed()
    __table_args__ = (
        # A revocation needs two people.
        CheckConstraint("kind <> 'revoked' or (confirmed_by is not null and confirmed_by <> by)", name="two_people"),
        CheckConstraint("(kind = 'superseded') = (replaced_by_id is not null)", name="replaced_by"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[FactKind] = mapped_column(enum_type(FactKind))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    confirmed_by: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    replaced_by_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"))

    certificate: Mapped[Certificate] = relationship(back_populates="facts", foreign_keys=[certificate_id])


class PolicySupersession(Base):
    """That a version of a document changes a clause on which a certificate rests: from its day the policy is newer.

    Until the version takes effect the certificate is valid. Where the version is withdrawn before, this is taken back.
    """

    __tablename__ = "policy_supersessions"
    __sealed__ = Sealed(later=("taken_back_at", "taken_back_by"))
    __table_args__ = (
        UniqueConstraint("certificate_id", "version_id"),
        CheckConstraint("(taken_back_at is null) = (taken_back_by is null)", name="taken_back"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"))
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"), index=True)
    # The clauses of the certificate's basis that it changes.
    anchors: Mapped[list[str]]
    noted_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    taken_back_by: Mapped[str | None] = mapped_column(String(40))

    certificate: Mapped[Certificate] = relationship(back_populates="policy_supersessions")
    version: Mapped[DocumentVersion] = relationship(lazy="joined", innerjoin=True)


class RevocationRequest(Base):
    """One person's wish to revoke a certificate; takes effect when a second one agrees."""

    __tablename__ = "revocation_requests"
    __sealed__ = Sealed(later=("closed_at", "closed_by"))
    __table_args__ = (
        Index(
            "uq_revocation_requests_open",
            "certificate_id",
            unique=True,
            sqlite_where=text("closed_at is null"),
            postgresql_where=text("closed_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), index=True)
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    reason: Mapped[str] = mapped_column(Text)
    # Confirmed or declined.
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(40))

    requested_by: Mapped[Person] = relationship()


class LookupLevel(Base):
    """How many look-ups a network has left, counted over all processes; the network itself is not kept."""

    __tablename__ = "certificate_lookup_levels"

    # Made with the secret key.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Thousandths of a look-up, and when that was so.
    left: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)


class CertificateLookup(Base):
    """A note that somebody looked a code up on the public page; who or from where is not kept."""

    __tablename__ = "certificate_lookups"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    # None: there was no certificate of that code.
    certificate_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("certificates.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(String(20))
