"""Tables of documents, versions, texts, clauses, audiences, pictures, the glossary, places kept in reading, drafts."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.clock import local_date
from portal.core.db import Base, BigKey, enum_type
from portal.core.i18n import Words
from portal.core.markdown import TrustedHtml, TrustedHtmlText
from portal.core.seals import Sealed


class DocumentKind(StrEnum):
    """What a document is for."""

    POLICY = "policy"
    SOP = "sop"
    LESSON = "lesson"
    HANDOVER = "handover"


class ChangeClass(StrEnum):
    """How much a version changes; it decides who must do what again."""

    EDITORIAL = "editorial"
    MINOR = "minor"
    MATERIAL = "material"
    EMERGENCY = "emergency"


class Origin(StrEnum):
    """Where a version was written: in files, in the product with its rule of two people, or by the product itself."""

    IMPORT = "import"
    PRODUCT = "product"
    # An overlay that follows a new version of its base, which nobody has overlaid where it changed.
    FOLLOWED = "followed"
    # Put together from what people have written and checked elsewhere in the product; nothing is written in it itself.
    COMPILED = "compiled"


class AudienceKind(StrEnum):
    """By what an audience is told apart."""

    MARKET = "market"
    TEAM = "team"
    ROLE = "role"
    # Only of documents that are addressed by name.
    PERSON = "person"


# By what everybody but single people is addressed.
GROUPS = (AudienceKind.MARKET, AudienceKind.TEAM, AudienceKind.ROLE)


class Document(Base):
    """A text with a stable address; what it says is in its versions."""

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint("authoritative in ('en', 'ja')", name="authoritative"),
        CheckConstraint("sensitivity in ('S0', 'S1', 'S2', 'S3', 'S4')", name="sensitivity"),
        CheckConstraint("(base_id is null) = (market is null)", name="overlay"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # 60 characters of a slug; of an overlay then "@" and its market's code.
    slug: Mapped[str] = mapped_column(String(90), unique=True)
    # An overlay says what a market does otherwise than its base; a base is no overlay itself.
    base_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"), index=True)
    market: Mapped[str | None] = mapped_column(String(20))
    kind: Mapped[DocumentKind] = mapped_column(enum_type(DocumentKind))
    # The language that decides where the two differ.
    authoritative: Mapped[str] = mapped_column(String(2))
    review_every_months: Mapped[int | None]
    # The highest that a reader meets in it.
    sensitivity: Mapped[str] = mapped_column(String(2))
    # Addressed to single people and to nobody else, whatever their markets, teams and roles; with nobody named, to
    # nobody. Said once, when it is made.
    is_by_name: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    # Owner and deputy as the imported file names them, and who became owner for that; a file whose owner
    # is unknown here is written out again as it came, until the ownership changes.
    stated_owner: Mapped[str] = mapped_column(String(254), default="")
    stated_deputy: Mapped[str] = mapped_column(String(254), default="")
    stated_owner_became: Mapped[str] = mapped_column(String(40), default="")

    versions: Mapped[list[DocumentVersion]] = relationship(
        back_populates="document", order_by="DocumentVersion.sequence"
    )
    audiences: Mapped[list[DocumentAudience]] = relationship(
        back_populates="document", order_by="DocumentAudience.kind, DocumentAudience.code, DocumentAudience.id"
    )
    base: Mapped[Document | None] = relationship(remote_side="Document.id", back_populates="overlays")
    overlays: Mapped[list[Document]] = relationship(back_populates="base", order_by="Document.slug")

    @property
    def markets_apart(self) -> list[str]:
        """The markets that have a text of their own, or will have one that is issued; the others follow this one."""
        return [
            overlay.market
            for overlay in self.overlays
            if overlay.market is not None
            and (last := _last_that_counts(overlay.versions)) is not None
            and last.withdrawn_at is None
        ]

    def audience(self, kind: AudienceKind) -> list[str]:
        """Return the present codes of a kind in order; an empty list means everybody, of people nobody."""
        return [row.code for row in self.audiences if row.kind is kind and row.ended_at is None]


def _last_that_counts(versions: list[DocumentVersion]) -> DocumentVersion | None:
    """Return the version published last, but for those that were withdrawn before anybody had to follow them."""
    return next(
        (each for each in reversed(versions) if each.withdrawn_at is None or each.withdrawn_at > each.effective_at),
        None,
    )


class DocumentAudience(Base):
    """One market, team, role or person that a document is addressed to; ended, never deleted."""

    __tablename__ = "document_audiences"
    __sealed__ = Sealed(later=("ended_at",))
    __table_args__ = (
        Index(
            "uq_document_audiences_open",
            "document_id",
            "kind",
            "code",
            unique=True,
            sqlite_where=Column("ended_at").is_(None),
            postgresql_where=Column("ended_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    kind: Mapped[AudienceKind] = mapped_column(enum_type(AudienceKind))
    code: Mapped[str] = mapped_column(String(60))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    document: Mapped[Document] = relationship(back_populates="audiences")


class DocumentVersion(Base):
    """An immutable text in all its languages; only its withdrawal is added later."""

    __tablename__ = "document_versions"
    __sealed__ = Sealed(later=("withdrawn_at", "withdrawn_by", "withdrawal_reason"))
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        UniqueConstraint("document_id", "sequence"),
        CheckConstraint("(withdrawn_at is null) = (withdrawn_by is null)", name="withdrawn"),
        CheckConstraint("(approved_at is null) = (approved_by is null)", name="approved"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(20))
    # 1 for the first version, counted without gaps.
    sequence: Mapped[int]
    change_class: Mapped[ChangeClass] = mapped_column(enum_type(ChangeClass))
    based_on_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"), index=True)
    # The version that its author says it was written from; not always known here.
    stated_based_on: Mapped[str] = mapped_column(String(20), default="")
    # Of an overlay: the version of the base against which it was resolved.
    over_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"), index=True)
    issued_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(String(40))
    effective_at: Mapped[datetime]
    # The IANA zone in which people are told when it takes effect.
    zone: Mapped[str] = mapped_column(String(60))
    origin: Mapped[Origin] = mapped_column(enum_type(Origin))
    # Who wrote it: the code of a person here, or the name of somebody elsewhere as text.
    author_code: Mapped[str | None] = mapped_column(String(40))
    author_name: Mapped[str] = mapped_column(String(300), default="")
    # Where it comes from, when it was taken out of the history that git keeps: the commit, the path of the deciding
    # text in its repository, and what the author wrote about the change.
    origin_commit: Mapped[str | None] = mapped_column(String(64))
    origin_path: Mapped[str | None] = mapped_column(Text)
    origin_note: Mapped[str | None] = mapped_column(Text)
    approved_by: Mapped[str | None] = mapped_column(String(40))
    approved_at: Mapped[datetime | None]
    # Issued although the second language is missing or behind.
    is_provisional: Mapped[bool] = mapped_column(default=False)
    # Why that was done, where somebody was asked; readers see it.
    provisional_reason: Mapped[str | None] = mapped_column(Text)
    # SHA-256 over the hashes of its texts; what people cite.
    hash: Mapped[str] = mapped_column(String(64))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(40))
    withdrawal_reason: Mapped[str | None] = mapped_column(Text)

    document: Mapped[Document] = relationship(back_populates="versions")
    based_on: Mapped[DocumentVersion | None] = relationship(
        remote_side="DocumentVersion.id", foreign_keys=[based_on_id]
    )
    over: Mapped[DocumentVersion | None] = relationship(remote_side="DocumentVersion.id", foreign_keys=[over_id])
    texts: Mapped[list[VersionText]] = relationship(back_populates="version", order_by="VersionText.language")
    clauses: Mapped[list[Clause]] = relationship(back_populates="version", order_by="Clause.position")

    @property
    def issued_on(self) -> date:
        """The date on which it was published, in its own zone."""
        return local_date(self.issued_at, self.zone)

    @property
    def effective_on(self) -> date:
        """The date from which it holds, in its own zone."""
        return local_date(self.effective_at, self.zone)

    @property
    def origin_subject(self) -> str:
        """The first line of what the author wrote about the change, where it was written elsewhere."""
        return (self.origin_note or "").partition("\n")[0]

    @property
    def origin_details(self) -> str:
        """What the author wrote below the first line."""
        return (self.origin_note or "").partition("\n")[2].strip()

    def text_in(self, language: str) -> VersionText | None:
        """Return the text in the language, or None where there is none."""
        return next((text for text in self.texts if text.language == language), None)


class VersionText(Base):
    """A version in one language: the author's bytes, their hash, and what was computed from them once."""

    __tablename__ = "version_texts"
    __sealed__ = Sealed(later=("footnotes_html",), taken_out=("source", "taken_out_at"), besides=("shown_at",))
    __table_args__ = (
        UniqueConstraint("version_id", "language"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    language: Mapped[str] = mapped_column(String(2))
    title: Mapped[str] = mapped_column(String(300))
    summary: Mapped[str] = mapped_column(Text, default="")
    what_to_do_differently: Mapped[str] = mapped_column(Text, default="")
    attestation: Mapped[str] = mapped_column(Text, default="")
    # The Markdown exactly as it was written, line ends included; of an overlay the whole text that results.
    source: Mapped[str] = mapped_column(Text)
    # Of an overlay: what its author wrote (`service.overlays.Written`).
    overlay: Mapped[dict[str, Any] | None]
    # SHA-256 over language, title, summary, what to do differently, attestation and source.
    hash: Mapped[str] = mapped_column(String(64))
    # The version whose authoritative text this one says; lower than the version's own where it is behind.
    says_number: Mapped[str] = mapped_column(String(20))
    # The ids of the clauses whose authoritative text has changed since, or which are missing here.
    behind: Mapped[list[str]]
    # The same as the text itself states it ("appeals, fees"); None where it states nothing and its number tells.
    stated_behind: Mapped[str | None] = mapped_column(Text)
    reading_minutes: Mapped[int]
    footnotes_html: Mapped[TrustedHtml] = mapped_column(TrustedHtmlText())
    # When it was last rendered: at its publication, and when a document it links to was published.
    shown_at: Mapped[datetime]
    # When some of it was taken out: the text is then another than that of its hash, which is what was published.
    taken_out_at: Mapped[datetime | None]

    version: Mapped[DocumentVersion] = relationship(back_populates="texts")
    clause_texts: Mapped[list[ClauseText]] = relationship(back_populates="version_text", order_by="ClauseText.id")


class Clause(Base):
    """One clause of one version: its id, its place, its label; addressed `slug#anchor`."""

    __tablename__ = "clauses"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("version_id", "anchor"),
        UniqueConstraint("version_id", "position"),
        CheckConstraint("sensitivity in ('S0', 'S1', 'S2', 'S3', 'S4')", name="sensitivity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    anchor: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    # The level of its heading, 2 to 6; 0 for the text before the first one.
    level: Mapped[int]
    # S0 where no warning is due.
    sensitivity: Mapped[str] = mapped_column(String(2), default="S0")

    version: Mapped[DocumentVersion] = relationship(back_populates="clauses")
    texts: Mapped[list[ClauseText]] = relationship(back_populates="clause", order_by="ClauseText.language")


class ClauseText(Base):
    """A clause in one language, with its hash; a translation keeps the hash of the text it was made from."""

    __tablename__ = "clause_texts"
    __sealed__ = Sealed(later=("heading_html", "html"), taken_out=("source", "taken_out_at"))
    __table_args__ = (UniqueConstraint("clause_id", "language"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    clause_id: Mapped[int] = mapped_column(ForeignKey("clauses.id", ondelete="RESTRICT"))
    version_text_id: Mapped[int] = mapped_column(ForeignKey("version_texts.id", ondelete="RESTRICT"), index=True)
    language: Mapped[str] = mapped_column(String(2))
    heading: Mapped[str] = mapped_column(String(600))
    # The normalised source over which the hash is taken.
    source: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64), index=True)
    # None in the authoritative language, and where the text it was made from is not known here.
    source_hash: Mapped[str | None] = mapped_column(String(64))
    heading_html: Mapped[TrustedHtml] = mapped_column(TrustedHtmlText())
    html: Mapped[TrustedHtml] = mapped_column(TrustedHtmlText())
    # When a note took the place of what it said.
    taken_out_at: Mapped[datetime | None]

    clause: Mapped[Clause] = relationship(back_populates="texts")
    version_text: Mapped[VersionText] = relationship(back_populates="clause_texts")


class DocumentImage(Base):
    """A picture of a document as it was made anew from what was uploaded; texts name it `images/<name>`."""

    __tablename__ = "document_images"
    # The bytes are those of the hash; the invariants compute it again.
    __sealed__ = Sealed(besides=("data",))
    __table_args__ = (UniqueConstraint("document_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(80))
    # SHA-256 of the bytes, in hexadecimal.
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str] = mapped_column(String(40))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class ClauseLink(Base):
    """A link that a text makes to a clause of another document, so that its words can follow that one."""

    __tablename__ = "clause_links"
    __table_args__ = (UniqueConstraint("version_text_id", "slug", "anchor"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    version_text_id: Mapped[int] = mapped_column(ForeignKey("version_texts.id", ondelete="RESTRICT"))
    slug: Mapped[str] = mapped_column(String(90), index=True)
    anchor: Mapped[str] = mapped_column(String(60))


class GlossaryTerm(Base):
    """A term in both languages, with the renderings that are not to be used."""

    __tablename__ = "glossary_terms"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    position: Mapped[int]
    term: Mapped[Words]
    definition: Mapped[Words]
    forbidden_en: Mapped[list[str]]
    forbidden_ja: Mapped[list[str]]
    changed_at: Mapped[datetime]


class Reading(Base):
    """That a person has opened a version, when, and where she stopped."""

    __tablename__ = "readings"
    __table_args__ = (UniqueConstraint("person_id", "version_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"), index=True)
    opened_at: Mapped[datetime]
    last_opened_at: Mapped[datetime]
    # The clause she was at; empty before the first one.
    anchor: Mapped[str] = mapped_column(String(60), default="")
    kept_at: Mapped[datetime | None]


# --- drafts and their approval ------------------------------------------------------------------


class DraftState(StrEnum):
    """The life of a draft: written, looked at, waiting for its day, and how it ended."""

    WRITING = "writing"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class ReviewAct(StrEnum):
    """What was done about a draft; `rules.drafts` says which act may follow which."""

    SUBMITTED = "submitted"
    TAKEN_BACK = "taken_back"
    SENT_BACK = "sent_back"
    APPROVED = "approved"
    # By the product itself, where another version came first.
    OUTDATED = "outdated"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class Draft(Base):
    """A version to be: texts that people still write, and what is proposed about them.

    A document may have several; each names the version that it was begun from, and one that another overtook takes
    over what changed in between before it is published.
    """

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint("(ended_at is null) = (state in ('writing', 'in_review', 'approved'))", name="ended"),
        CheckConstraint("(published_version_id is null) = (state <> 'published')", name="published"),
        Index("ix_drafts_document_state", "document_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    # The version that its texts follow; None before there is one.
    based_on_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    # Of an overlay: the version of the base on which it is written.
    over_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))
    state: Mapped[DraftState] = mapped_column(enum_type(DraftState))
    begun_at: Mapped[datetime]
    begun_by: Mapped[str] = mapped_column(String(40))
    # What is proposed; `revision` counts its changes, so that nobody overwrites another's unseen.
    revision: Mapped[int] = mapped_column(default=1)
    number: Mapped[str] = mapped_column(String(20))
    change_class: Mapped[ChangeClass | None] = mapped_column(enum_type(ChangeClass))
    # None: at its publication.
    effective_at: Mapped[datetime | None]
    zone: Mapped[str] = mapped_column(String(60))
    # When it is to be published; None: as soon as it is approved.
    issue_at: Mapped[datetime | None]
    # Published although the second language is missing or behind, and why.
    provisional_reason: Mapped[str] = mapped_column(Text, default="")
    # To whom the document is to be addressed from the publication on, kind → codes; None: as before.
    audience: Mapped[dict[str, Any] | None]
    # What the author tells those who look at it.
    note: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None]
    published_version_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"))

    document: Mapped[Document] = relationship()
    based_on: Mapped[DocumentVersion | None] = relationship(foreign_keys=[based_on_id])
    published_version: Mapped[DocumentVersion | None] = relationship(foreign_keys=[published_version_id])
    over: Mapped[DocumentVersion | None] = relationship(foreign_keys=[over_id])
    texts: Mapped[list[DraftText]] = relationship(back_populates="draft", order_by="DraftText.language")
    reviews: Mapped[list[DraftReview]] = relationship(back_populates="draft", order_by="DraftReview.number")
    comments: Mapped[list[DraftComment]] = relationship(back_populates="draft", order_by="DraftComment.id")

    def text_in(self, language: str) -> DraftText | None:
        """Return the text in the language, or None where none has been begun."""
        return next((text for text in self.texts if text.language == language), None)


class DraftText(Base):
    """A draft in one language, as it was saved last."""

    __tablename__ = "draft_texts"
    __table_args__ = (
        UniqueConstraint("draft_id", "language"),
        CheckConstraint("language in ('en', 'ja')", name="language"),
        CheckConstraint("revision >= 1", name="revision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(2))
    # Counts the saves; a save names the one it was written on.
    revision: Mapped[int]
    title: Mapped[str] = mapped_column(String(300), default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    what_to_do_differently: Mapped[str] = mapped_column(Text, default="")
    attestation: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text, default="")
    # In a translation: clause id → hash of the deciding clause that it says; a clause that is missing here is behind.
    made_from: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(String(40))

    draft: Mapped[Draft] = relationship(back_populates="texts")


class DraftAside(Base):
    """A text that could not be saved because somebody else had saved in between; kept until its author settles it."""

    __tablename__ = "draft_asides"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(String(2))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    # The save that it was written on, and the texts as a `DraftText` has them.
    revision: Mapped[int]
    values: Mapped[dict[str, Any]]
    # What the save said, piece by piece as `rules.merging.Digests` keeps it; None where the page did not know.
    base: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class KeptBecause(StrEnum):
    """Why a text of a draft is kept besides the one that is saved."""

    # Somebody else changed other clauses at the same time; both texts as they were before they became one.
    JOINED = "joined"
    # Both changed the same clause, and somebody decided which text stands.
    DECIDED = "decided"
    # What a market said about a clause was taken out, so that the clause follows the base again.
    FOLLOWS_BASE = "follows_base"


class DraftKept(Base):
    """A text of a draft as it was before another took its place, so that nothing that was written is lost."""

    __tablename__ = "draft_kept"
    __table_args__ = (CheckConstraint("language in ('en', 'ja')", name="language"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(String(2))
    because: Mapped[KeptBecause] = mapped_column(enum_type(KeptBecause))
    # The save that it was, or on which it was written; who wrote it.
    revision: Mapped[int]
    written_by: Mapped[str] = mapped_column(String(40))
    # The texts as a `DraftText` has them.
    values: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class DraftAuthor(Base):
    """Who has written in a draft: she cannot approve it."""

    __tablename__ = "draft_authors"

    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]
    # When her page was last heard of, so that others are told that she is at it.
    seen_at: Mapped[datetime]

    person: Mapped[Person] = relationship()


class DraftReview(Base):
    """One act of the approval: who did what, when, about which texts, with which words; only added to."""

    __tablename__ = "draft_reviews"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("draft_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="RESTRICT"))
    number: Mapped[int]
    act: Mapped[ReviewAct] = mapped_column(enum_type(ReviewAct))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    # Of what came back because its base has moved: the number of that version of the base.
    reason: Mapped[str] = mapped_column(Text, default="")
    # SHA-256 over all that is proposed: an approval is of exactly that.
    hash: Mapped[str] = mapped_column(String(64))
    # What was submitted: language → clause id → hash, so that whoever looks again sees what is new.
    clauses: Mapped[dict[str, Any] | None]
    # The class that was confirmed with an approval, or is proposed instead with what was sent back.
    change_class: Mapped[ChangeClass | None] = mapped_column(enum_type(ChangeClass))
    # The step of the chain that was approved (1, 2 …), and for whom, where a deputy stood in.
    step: Mapped[int | None]
    instead_of: Mapped[str | None] = mapped_column(String(40))

    draft: Mapped[Draft] = relationship(back_populates="reviews")


class DraftComment(Base):
    """A remark on a clause of a draft; settled, never deleted."""

    __tablename__ = "draft_comments"
    __sealed__ = Sealed(later=("settled_at", "settled_by"))

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="RESTRICT"), index=True)
    # Empty: about the draft as a whole.
    anchor: Mapped[str] = mapped_column(String(60), default="")
    language: Mapped[str] = mapped_column(String(2))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(40))

    draft: Mapped[Draft] = relationship(back_populates="comments")
    person: Mapped[Person] = relationship()


class ApprovalStep(Base):
    """One approver of a document's chain with her deputy; steps are taken in their order, ended, never deleted."""

    __tablename__ = "approval_steps"
    __sealed__ = Sealed(later=("ended_at",))
    __table_args__ = (
        Index(
            "uq_approval_steps_open",
            "document_id",
            "position",
            unique=True,
            sqlite_where=Column("ended_at").is_(None),
            postgresql_where=Column("ended_at").is_(None),
        ),
        CheckConstraint("position >= 1", name="position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="RESTRICT"))
    position: Mapped[int]
    approver_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    since: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]

    approver: Mapped[Person] = relationship(foreign_keys=[approver_id])
    deputy: Mapped[Person | None] = relationship(foreign_keys=[deputy_id])
