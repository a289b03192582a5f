"""Tables of credentials, certificates, their files, what happened to them, and look-ups."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, exists, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from portal.accounts.models import Person
from portal.certificates.rules import FactKind, State, state_on
from portal.certificates.rules.batches import Act, BatchKind, FileLanguages, Outcome
from portal.certificates.rules.templates import Design, Honorific, ImageKind
from portal.cohorts.models import Cohort
from portal.core.db import Base, BigKey, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.library.models import DocumentVersion
from portal.training.models import Enrollment


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
        CheckConstraint("renewal_window_days is null or renewal_window_days > 0", name="renewal_window_days"),
        CheckConstraint("grace_days is null or grace_days > 0", name="grace_days"),
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
    # What its certificates are drawn from; None: from `design`, `honorific` and `seal`, as before there were templates.
    template_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("certificate_template_versions.id", ondelete="RESTRICT")
    )
    # SHA-256 over all of the above.
    # So many days before its last day a certificate may be renewed without losing a day, and after it still.
    renewal_window_days: Mapped[int | None]
    grace_days: Mapped[int | None]
    # The plan that renews and nothing else: a refresher. None: the plan that earns it, done anew.
    renewal_plan_slug: Mapped[str | None] = mapped_column(String(60))
    # The credential that is issued in its place.
    superseded_by_slug: Mapped[str | None] = mapped_column(String(60))
    # SHA-256 over all of the above; of the last four over those that are set.
    hash: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    credential: Mapped[Credential] = relationship(back_populates="versions", lazy="joined", innerjoin=True)
    template_version: Mapped[TemplateVersion | None] = relationship()


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
        CheckConstraint("cycle_no is null or cycle_no >= 1", name="cycle_no"),
        CheckConstraint("renews_id is null or cycle_no >= 2", name="renews"),
        # One issue renews another, and what takes its place for the same completion renews the same.
        UniqueConstraint("credential_id", "person_id", "cycle_no", "issue_no", name="uq_certificates_cycle"),
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
    # The how manieth completion of the person it certifies, and the issue that it renews. None: issued before this was
    # kept.
    cycle_no: Mapped[int | None]
    renews_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), index=True
    )

    person: Mapped[Person] = relationship()
    enrollment: Mapped[Enrollment] = relationship()
    credential_version: Mapped[CredentialVersion] = relationship()
    renews: Mapped[Certificate | None] = relationship(remote_side="Certificate.id", foreign_keys=[renews_id])
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
            [fact.kind for fact in self.facts if fact.at <= at],
            is_older_policy=superseded is not None and superseded.effective_at <= at,
            is_renewal=any(fact.is_renewal for fact in self.facts),
            # As the terms said when it was issued: later ones take nothing from it.
            window_days=self.credential_version.renewal_window_days,
            grace_days=self.credential_version.grace_days,
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
        CheckConstraint(
            "(unsigned_sha256 is null) = (kid is null) and (kid is null) = (document_kid is null)"
            " and (kid is null) = (signed_at is null)",
            name="signed",
        ),
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
    # SHA-256 before the signature was added: the same input gives the same again. None of these: not signed, since it
    # was made before certificates were.
    unsigned_sha256: Mapped[str | None] = mapped_column(String(64))
    # The keys that signed the data within it, and the file.
    kid: Mapped[str | None] = mapped_column(String(43))
    document_kid: Mapped[str | None] = mapped_column(String(43))
    signed_at: Mapped[datetime | None]

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

    if TYPE_CHECKING:
        is_renewal: Mapped[bool]


_former, _fresh = Certificate.__table__.alias("former"), Certificate.__table__.alias("fresh")
_facts = CertificateFact.__table__
# Whether what took its place certifies another completion.
CertificateFact.is_renewal = column_property(
    exists().where(
        _former.c.id == _facts.c.certificate_id,
        _fresh.c.id == _facts.c.replaced_by_id,
        _fresh.c.enrollment_code != _former.c.enrollment_code,
    )
)


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


class CertificateTemplate(Base):
    """How certificates look and what they say around the facts; what exactly is in its versions."""

    __tablename__ = "certificate_templates"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    versions: Mapped[list[TemplateVersion]] = relationship(back_populates="template", order_by="TemplateVersion.number")
    draft: Mapped[TemplateDraft] = relationship(back_populates="template")

    @property
    def latest(self) -> TemplateVersion | None:
        """Its newest version, or None where none has been published yet."""
        return self.versions[-1] if self.versions else None


class TemplateVersion(Base):
    """A version of a template as it was published; certificates that were drawn from it stay as they are."""

    __tablename__ = "certificate_template_versions"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("template_id", "number", name="uq_certificate_template_versions_number"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("certificate_templates.id", ondelete="RESTRICT"))
    number: Mapped[int]
    # Plain data of `rules.templates.TemplateSpec`, and the SHA-256 of its canonical JSON.
    spec: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(40))

    template: Mapped[CertificateTemplate] = relationship(back_populates="versions", lazy="joined", innerjoin=True)


class TemplateDraft(Base):
    """What is being written for a template's next version; `revision` tells whether somebody else has saved since."""

    __tablename__ = "certificate_template_drafts"
    __table_args__ = (CheckConstraint("revision >= 1", name="revision"),)

    template_id: Mapped[int] = mapped_column(
        ForeignKey("certificate_templates.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int]
    spec: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(String(40))

    template: Mapped[CertificateTemplate] = relationship(back_populates="draft")


class CertificateImage(Base):
    """A logo, signature or seal as it was made anew from what was uploaded: pixels, and nothing beside them."""

    __tablename__ = "certificate_images"
    # The bytes are those of the hash; the invariants compute it again.
    __sealed__ = Sealed(besides=("data",))
    __table_args__ = (UniqueConstraint("kind", "sha256", name="uq_certificate_images_kind_sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ImageKind] = mapped_column(enum_type(ImageKind))
    # SHA-256 of the bytes, in hexadecimal; they are a PNG.
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    # What the uploaded file was called, for those who choose from several.
    name: Mapped[str] = mapped_column(String(80))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str] = mapped_column(String(40))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class KeyPurpose(StrEnum):
    """What a key signs: the data of issues and badges, or the files."""

    ISSUE = "issue"
    DOCUMENT = "document"


class SigningKey(Base):
    """The public half of a key that signs or has signed; the private half is a file, never in the database."""

    __tablename__ = "signing_keys"
    __sealed__ = Sealed(later=("retired_at",))
    __table_args__ = (
        Index(
            "uq_signing_keys_active",
            "purpose",
            unique=True,
            sqlite_where=text("retired_at is null"),
            postgresql_where=text("retired_at is null"),
        ),
        CheckConstraint("(purpose = 'document') = (certificate is not null)", name="certificate"),
        CheckConstraint("retired_at is null or retired_at >= created_at", name="retired_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # Thumbprint of the key (RFC 7638), or SHA-256 of its certificate; the name of its file as well.
    kid: Mapped[str] = mapped_column(String(43), unique=True)
    purpose: Mapped[KeyPurpose] = mapped_column(enum_type(KeyPurpose))
    # As JOSE calls it: EdDSA, RS256.
    algorithm: Mapped[str] = mapped_column(String(10))
    # JSON Web Key.
    public: Mapped[dict[str, Any]]
    # PEM: its own certificate, then who issued that.
    certificate: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    # Since when it signs nothing more; what it signed before holds.
    retired_at: Mapped[datetime | None]


class StatusEntry(Base):
    """Where a certificate's badge stands in the published lists of what was revoked or suspended."""

    __tablename__ = "status_entries"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("list_no", "position"),
        CheckConstraint("list_no >= 1", name="list_no"),
        CheckConstraint("position >= 0 and position < 131072", name="position"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), unique=True)
    list_no: Mapped[int]
    # Drawn at random, so that it says nothing about who was certified before whom.
    position: Mapped[int]


class CertificateShare(Base):
    """A secret address under which a certificate can be shown: hashed at rest, withdrawn at its holder's wish."""

    __tablename__ = "certificate_shares"
    __sealed__ = Sealed(later=("withdrawn_at",))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), index=True)
    # For whom the holder made it, in her own words.
    label: Mapped[str] = mapped_column(String(120))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    certificate: Mapped[Certificate] = relationship()


class ReissueRequest(Base):
    """The holder's wish for the certificate to be issued anew, for her name has changed; an administrator decides."""

    __tablename__ = "reissue_requests"
    __sealed__ = Sealed(later=("closed_at", "closed_by"))
    __table_args__ = (
        Index(
            "uq_reissue_requests_open",
            "certificate_id",
            unique=True,
            sqlite_where=text("closed_at is null"),
            postgresql_where=text("closed_at is null"),
        ),
        CheckConstraint("(closed_at is null) = (closed_by is null)", name="closed"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), index=True)
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    reason: Mapped[str] = mapped_column(Text)
    # Issued anew or declined.
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(40))

    requested_by: Mapped[Person] = relationship()


class CertificateBatch(Base):
    """What was asked to be done with the certificates of a cohort; what became of it is noted beside it."""

    __tablename__ = "certificate_batches"
    __sealed__ = Sealed()
    __table_args__ = (
        CheckConstraint("(kind = 'revoke') = (reason is not null)", name="reason"),
        CheckConstraint("(kind in ('zip', 'print')) = (languages is not null)", name="languages"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[BatchKind] = mapped_column(enum_type(BatchKind))
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    # None: every credential.
    credential_id: Mapped[int | None] = mapped_column(ForeignKey("credentials.id", ondelete="RESTRICT"), index=True)
    # Of files.
    languages: Mapped[FileLanguages | None] = mapped_column(enum_type(FileLanguages))
    # Of files: also of certificates that are worth nothing any more.
    takes_all: Mapped[bool]
    # Of a revocation.
    reason: Mapped[str | None] = mapped_column(Text)
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    requested_at: Mapped[datetime]

    cohort: Mapped[Cohort] = relationship(lazy="joined", innerjoin=True)
    credential: Mapped[Credential | None] = relationship()
    requested_by: Mapped[Person] = relationship()
    acts: Mapped[list[CertificateBatchAct]] = relationship(
        back_populates="batch", order_by="CertificateBatchAct.id", lazy="selectin"
    )


class CertificateBatchAct(Base):
    """That a batch was confirmed, declined, cancelled, taken up again or finished: by whom, and when."""

    __tablename__ = "certificate_batch_acts"
    __sealed__ = Sealed()

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificate_batches.id", ondelete="RESTRICT"), index=True)
    act: Mapped[Act] = mapped_column(enum_type(Act))
    at: Mapped[datetime]
    # None: the portal itself.
    by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    # Of what is finished: the public keys that were published then, so that its archive stays the same.
    keys: Mapped[dict[str, Any] | None]

    batch: Mapped[CertificateBatch] = relationship(back_populates="acts")
    by: Mapped[Person | None] = relationship()


class CertificateBatchItem(Base):
    """One line of a batch, in the order in which it is carried out; the list is fixed when the batch is asked for."""

    __tablename__ = "certificate_batch_items"
    __sealed__ = Sealed(per="batch_id")
    __table_args__ = (
        UniqueConstraint("batch_id", "position", name="uq_certificate_batch_items_position"),
        CheckConstraint(
            "left_out is not null or certificate_id is not null"
            " or (enrollment_code is not null and credential_id is not null)",
            name="does_something",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificate_batches.id", ondelete="RESTRICT"))
    position: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    # What is issued: the credential for the completed training.
    enrollment_code: Mapped[str | None] = mapped_column(String(20), ForeignKey("enrollments.code", ondelete="RESTRICT"))
    credential_id: Mapped[int | None] = mapped_column(ForeignKey("credentials.id", ondelete="RESTRICT"))
    # What is revoked, or whose files are taken; of what is left out the certificate that it is about.
    certificate_id: Mapped[int | None] = mapped_column(
        BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"), index=True
    )
    # Of files: in which languages, one or both; that of the holder as it was then, so that the file stays the same.
    languages: Mapped[str | None] = mapped_column(String(5))
    # Why nothing is done; None: it is carried out.
    left_out: Mapped[Words | None]

    person: Mapped[Person] = relationship()
    certificate: Mapped[Certificate | None] = relationship()
    credential: Mapped[Credential | None] = relationship()
    outcome: Mapped[CertificateBatchOutcome | None] = relationship(back_populates="item")


class CertificateBatchOutcome(Base):
    """What became of one line of a batch; there is at most one, so that nothing is carried out twice."""

    __tablename__ = "certificate_batch_outcomes"
    __sealed__ = Sealed()
    __table_args__ = (
        CheckConstraint("(outcome = 'done') = (certificate_id is not null)", name="certificate"),
        CheckConstraint("(outcome = 'done') = (reason is null)", name="reason"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    item_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("certificate_batch_items.id", ondelete="RESTRICT"), unique=True
    )
    outcome: Mapped[Outcome] = mapped_column(enum_type(Outcome))
    # Of what was not done.
    reason: Mapped[Words | None]
    # What was issued or revoked, or whose files were taken.
    certificate_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("certificates.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    item: Mapped[CertificateBatchItem] = relationship(back_populates="outcome")
    certificate: Mapped[Certificate | None] = relationship()


class CertificateBatchPrint(Base):
    """A print file as it was made: its bytes are kept for days, what they were for good."""

    __tablename__ = "certificate_batch_prints"
    __sealed__ = Sealed(later=("removed_at",))
    __table_args__ = (
        Index(
            "uq_certificate_batch_prints_kept",
            "batch_id",
            unique=True,
            sqlite_where=text("removed_at is null"),
            postgresql_where=text("removed_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificate_batches.id", ondelete="RESTRICT"))
    # Under which its parts lie.
    making: Mapped[str] = mapped_column(String(20), unique=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
    pages: Mapped[int]
    # More than four bytes can hold, for thousands of pages.
    size: Mapped[int] = mapped_column(BigKey)
    sha256: Mapped[str] = mapped_column(String(64))
    removed_at: Mapped[datetime | None]


class CertificateBatchPart(Base):
    """A piece of a print file, so that no transaction and no process holds all of it."""

    __tablename__ = "certificate_batch_parts"
    __table_args__ = (UniqueConstraint("making", "position", name="uq_certificate_batch_parts_position"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigKey, ForeignKey("certificate_batches.id", ondelete="RESTRICT"), index=True)
    making: Mapped[str] = mapped_column(String(20))
    position: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
