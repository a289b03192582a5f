"""Reading the library."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, bindparam, exists, select
from sqlalchemy.orm import aliased, joinedload, lazyload, load_only, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.accounts.models import Ownership, Person
from portal.core import clock
from portal.core.access import allows
from portal.core.db import session
from portal.core.markdown import Picture, TrustedHtml
from portal.library import rules
from portal.library.errors import DocumentNotFound, VersionNotFound
from portal.library.models import (
    ChangeClass,
    Clause,
    ClauseLink,
    ClauseText,
    Document,
    DocumentImage,
    DocumentKind,
    DocumentVersion,
    GlossaryTerm,
    Reading,
    VersionText,
)
from portal.library.permissions import READ_EVERYTHING
from portal.library.queries.search import is_readable
from portal.library.rules import Standing
from portal.library.rules.overlays import base_slug, title_in_market
from portal.organisation import queries as organisation

# The statements of the reading page are made once; what they look for is given when they run.
_DOCUMENT = (
    select(Document)
    .where(Document.slug == bindparam("slug"))
    .options(joinedload(Document.audiences), joinedload(Document.overlays).selectinload(Document.versions))
)
_VERSIONS = (
    select(DocumentVersion)
    .where(DocumentVersion.document_id == bindparam("document_id"))
    .order_by(DocumentVersion.sequence)
)
_TEXT_HEADS = (
    select(VersionText)
    .where(VersionText.version_id == bindparam("version_id"))
    .options(
        load_only(
            VersionText.language,
            VersionText.title,
            VersionText.summary,
            VersionText.what_to_do_differently,
            VersionText.attestation,
            VersionText.hash,
            VersionText.says_number,
            VersionText.behind,
            VersionText.reading_minutes,
            VersionText.shown_at,
        ),
    )
)
_OWNER = (
    select(Person)
    .join(Ownership, Ownership.owner_id == Person.id)
    .where(Ownership.kind == "document", Ownership.thing_code == bindparam("slug"))
    .order_by(Ownership.id.desc())
    .limit(1)
    .options(
        load_only(
            Person.family_name,
            Person.given_name,
            Person.middle_name,
            Person.family_romaji,
            Person.given_romaji,
            Person.shown_as,
        ),
        lazyload(Person.home_market),
        lazyload(Person.team),
    )
)
_READING = select(Reading).where(
    Reading.person_id == bindparam("person_id"), Reading.version_id == bindparam("version_id")
)


def find_document(slug: str) -> Document | None:
    """Return the document of the address with its versions and audience, or None."""
    found = session.scalars(_DOCUMENT, {"slug": slug}).unique().one_or_none()
    if found is not None:
        set_committed_value(found, "versions", list(session.scalars(_VERSIONS, {"document_id": found.id})))
    return found


def get_document(slug: str) -> Document:
    """Return the document of the address. Raises `DocumentNotFound`."""
    found = find_document(slug)
    if found is None:
        raise DocumentNotFound()
    return found


def list_documents() -> list[Document]:
    """Return every document that is not addressed by name with its versions and audience, by address."""
    return list(
        session.scalars(
            select(Document)
            .where(~Document.is_by_name)
            .order_by(Document.slug)
            .options(selectinload(Document.versions), selectinload(Document.audiences))
        )
    )


def list_documents_of(slugs: Collection[str]) -> dict[str, Document]:
    """Return those of the addresses that are documents, with versions and audience."""
    found = session.scalars(
        select(Document)
        .where(Document.slug.in_(slugs))
        .options(selectinload(Document.versions), selectinload(Document.audiences))
    )
    return {each.slug: each for each in found}


def find_version(document: Document, number: str) -> DocumentVersion | None:
    """Return the document's version of the number, or None."""
    return next((version for version in document.versions if version.number == number), None)


def get_version(document: Document, number: str) -> DocumentVersion:
    """Return the document's version of the number. Raises `VersionNotFound`."""
    found = find_version(document, number)
    if found is None:
        raise VersionNotFound()
    return found


def find_version_by_id(version_id: int) -> DocumentVersion | None:
    """Return the version of the row number, or None; for what refers to versions."""
    return session.get(DocumentVersion, version_id)


def latest_version(document: Document) -> DocumentVersion | None:
    """Return the version published last, in force or not, or None."""
    return document.versions[-1] if document.versions else None


def version_in_force(
    document: Document, market: str | None = None, at: datetime | None = None
) -> DocumentVersion | None:
    """Return the version to be followed in a market at an instant (default: now), or None.

    A market whose overlay was in force then followed that one, every other market the base text.
    """
    moment = at or clock.now()
    overlay = find_overlay(document, market)
    own = rules.in_force(overlay.versions, moment) if overlay is not None else None
    return own or rules.in_force(document.versions, moment)


def find_overlay(document: Document, market: str | None) -> Document | None:
    """Return what a market does otherwise than a document says, published or not, or None."""
    return next((each for each in document.overlays if each.market == market), None) if market else None


def follows_only(person: Person, market: str | None) -> bool:
    """Say whether the person works for this market and no other: what applies elsewhere is nothing to her."""
    return market is not None and person.home_market.code == market and not person.further_markets


def version_to_read(document: Document, at: datetime | None = None) -> DocumentVersion | None:
    """Return the version that the document's address shows, or None where nothing has been published."""
    return rules.to_read(document.versions, at or clock.now())


def standing_of(version: DocumentVersion, at: datetime | None = None) -> Standing:
    """Return where a version is in its life at an instant (default: now)."""
    return rules.standing(version, version.document.versions, at or clock.now())


def find_clause(version: DocumentVersion, anchor: str) -> Clause | None:
    """Return the version's clause of the id with its texts, or None."""
    return session.scalar(
        select(Clause)
        .where(Clause.version_id == version.id, Clause.anchor == anchor)
        .options(selectinload(Clause.texts))
    )


def clause_anchors(version: DocumentVersion) -> list[str]:
    """Return the ids of the version's clauses in their order."""
    return list(session.scalars(select(Clause.anchor).where(Clause.version_id == version.id).order_by(Clause.position)))


def clause_hashes(version: DocumentVersion, language: str | None = None) -> dict[str, str]:
    """Return clause id → hash in a language (default: the one that decides), in the order of the clauses."""
    wanted = language or version.document.authoritative
    rows = session.execute(
        select(Clause.anchor, ClauseText.hash)
        .join(ClauseText, and_(ClauseText.clause_id == Clause.id, ClauseText.language == wanted))
        .where(Clause.version_id == version.id)
        .order_by(Clause.position)
    )
    return {row.anchor: row.hash for row in rows}


def list_clause_hashes(document: Document) -> dict[int, dict[str, str]]:
    """Return version's row number → clause id → hash in the deciding language, for all versions of a document."""
    rows = session.execute(
        select(Clause.version_id, Clause.anchor, ClauseText.hash)
        .join(ClauseText, and_(ClauseText.clause_id == Clause.id, ClauseText.language == document.authoritative))
        .join(DocumentVersion, DocumentVersion.id == Clause.version_id)
        .where(DocumentVersion.document_id == document.id)
        .order_by(Clause.version_id, Clause.position)
    )
    hashes: dict[int, dict[str, str]] = {}
    for version_id, anchor, hash_ in rows:
        hashes.setdefault(version_id, {})[anchor] = hash_
    return hashes


def hashes_by_language(versions: Sequence[DocumentVersion]) -> dict[int, dict[str, dict[str, str]]]:
    """Return version's row number → language → clause id → hash, in the order of the clauses."""
    rows = session.execute(
        select(Clause.version_id, ClauseText.language, Clause.anchor, ClauseText.hash)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id.in_([version.id for version in versions]))
        .order_by(Clause.version_id, Clause.position)
    )
    hashes: dict[int, dict[str, dict[str, str]]] = {}
    for version_id, language, anchor, hash_ in rows:
        hashes.setdefault(version_id, {}).setdefault(language, {})[anchor] = hash_
    return hashes


def list_changes_since(slug: str, number: str) -> dict[str, str]:
    """Return clause id → the later version that last changed it or took it out, for the clauses of a version.

    What only editorial versions have changed says the same as before and is not among them, nor is what
    reads again as it did. Empty where there is no such document or version.
    """
    document = find_document(slug)
    base = find_version(document, number) if document else None
    if document is None or base is None:
        return {}
    hashes = list_clause_hashes(document)
    first = before = hashes.get(base.id, {})
    changed: dict[str, str] = {}
    for version in document.versions:
        if version.sequence <= base.sequence:
            continue
        now = hashes.get(version.id, {})
        for anchor, hash_ in before.items():
            if anchor not in now or (now[anchor] != hash_ and version.change_class is not ChangeClass.EDITORIAL):
                changed[anchor] = version.number
        before = now
    return {
        anchor: number for anchor, number in changed.items() if anchor in first and before.get(anchor) != first[anchor]
    }


def clause_headings(version: DocumentVersion, language: str) -> dict[str, str]:
    """Return clause id → heading in a language, or in the deciding one where it is missing there."""
    rows = session.execute(
        select(Clause.anchor, ClauseText.language, ClauseText.heading)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id == version.id)
        .order_by(Clause.position)
    ).all()
    headings: dict[str, str] = {}
    for anchor, text_language, heading in rows:
        if text_language == language or anchor not in headings:
            headings[anchor] = heading
    return headings


def list_clause_headings(wanted: Collection[tuple[int, str]], language: str) -> dict[tuple[int, str], str]:
    """Return (version's row number, clause id) → heading for many clauses with one query."""
    versions = {version_id for version_id, _anchor in wanted}
    rows = session.execute(
        select(Clause.version_id, Clause.anchor, ClauseText.language, ClauseText.heading)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id.in_(versions), Clause.anchor.in_({anchor for _version, anchor in wanted}))
        .order_by(Clause.id)
    ).all()
    headings: dict[tuple[int, str], str] = {}
    for version_id, anchor, text_language, heading in rows:
        if text_language == language or (version_id, anchor) not in headings:
            headings[version_id, anchor] = heading
    return headings


# --- the reading page ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownClause:
    """A clause as a reader meets it; `language` is the one it is shown in."""

    anchor: str
    level: int
    sensitivity: str
    language: str
    heading: str
    heading_html: TrustedHtml
    html: TrustedHtml


def list_headings(version: DocumentVersion) -> dict[str, dict[str, str]]:
    """Return clause id → language → heading, in the order of the clauses."""
    rows = session.execute(
        select(Clause.anchor, ClauseText.language, ClauseText.heading)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id == version.id)
        .order_by(Clause.position, ClauseText.language)
    )
    found: dict[str, dict[str, str]] = {}
    for anchor, tag, heading in rows:
        found.setdefault(anchor, {})[tag] = heading
    return found


def list_shown_clauses(version: DocumentVersion, language: str) -> list[ShownClause]:
    """Return the clauses of a version in a language; one that is missing there in the deciding language."""
    deciding = version.document.authoritative
    rows = session.execute(
        select(
            Clause.anchor,
            Clause.level,
            Clause.sensitivity,
            ClauseText.language,
            ClauseText.heading,
            ClauseText.heading_html,
            ClauseText.html,
        )
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id == version.id, ClauseText.language.in_({language, deciding}))
        .order_by(Clause.position)
    ).all()
    shown: dict[str, ShownClause] = {}
    for row in rows:
        if row.language == language or row.anchor not in shown:
            shown[row.anchor] = ShownClause(*row)
    return list(shown.values())


def list_linking_texts(version: DocumentVersion) -> list[VersionText]:
    """Return the texts of a version that link to clauses of other documents."""
    return list(
        session.scalars(
            select(VersionText)
            .where(
                VersionText.version_id == version.id,
                VersionText.id.in_(select(ClauseLink.version_text_id)),
            )
            .order_by(VersionText.language)
        )
    )


def list_text_heads(version: DocumentVersion) -> dict[str, VersionText]:
    """Return the texts of a version by language, without their sources."""
    rows = session.scalars(_TEXT_HEADS, {"version_id": version.id})
    return {text.language: text for text in rows}


def footnotes_of(text: VersionText) -> TrustedHtml:
    """Return the footnotes of a text, as they are shown."""
    return session.execute(select(VersionText.footnotes_html).where(VersionText.id == text.id)).scalar_one()


def find_owner_name(document: Document, language: str) -> str | None:
    """Return the name of who answers for the document, for readers of the language, or None."""
    person = session.scalar(_OWNER, {"slug": document.slug})
    return None if person is None else person.name_in(language)


def find_reading(person: Person, version: DocumentVersion) -> Reading | None:
    """Return what is noted of a person's reading of a version, or None when she has never opened it."""
    return session.scalar(_READING, {"person_id": person.id, "version_id": version.id})


def hold_reading(person: Person, version: DocumentVersion) -> Reading | None:
    """Return what `find_reading` does and let nobody else hold it until this transaction ends."""
    return session.scalar(
        select(Reading).where(Reading.person_id == person.id, Reading.version_id == version.id).with_for_update()
    )


def has_opened(person: Person, version: DocumentVersion) -> bool:
    """Say whether the person has opened the version."""
    return find_reading(person, version) is not None


# --- the list -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document in the library's list, with the version that its address shows."""

    slug: str
    kind: DocumentKind
    sensitivity: str
    number: str
    standing: Standing
    effective_at: datetime
    zone: str
    # The code of the market whose own text it is.
    market: str | None
    text: VersionText
    # None: there is no text in the reader's language; else the clauses in which it is behind.
    behind: tuple[str, ...] | None
    anchor: str
    is_opened: bool

    @property
    def effective_on(self) -> date:
        """The date from which the version holds, in its own zone."""
        return clock.local_date(self.effective_at, self.zone)


def list_library(person: Person, language: str, at: datetime | None = None) -> list[ListedDocument]:
    """Return what the person may read, with texts in her language where there are some, by kind and title.

    Withdrawn documents, and those in whose place her market follows a text of its own, are listed only for those who
    read everything.
    """
    moment = at or clock.now()
    everything = allows(person, READ_EVERYTHING)
    statement = (
        select(Document)
        .where(is_readable(person, Document.id))
        .options(selectinload(Document.versions))
        .order_by(Document.slug)
    )
    shown: list[tuple[Document, DocumentVersion, Standing]] = []
    documents = list(session.scalars(statement))
    replaced = {
        document.base_id
        for document in documents
        if not everything and follows_only(person, document.market) and rules.in_force(document.versions, moment)
    }
    for document in documents:
        version = rules.to_read(document.versions, moment)
        if version is None or document.id in replaced:
            continue
        standing = rules.standing(version, document.versions, moment)
        if standing is not Standing.WITHDRAWN or everything:
            shown.append((document, version, standing))
    ids = [version.id for _document, version, _standing in shown]
    texts: dict[tuple[int, str], VersionText] = {
        (text.version_id, text.language): text
        for text in session.scalars(
            select(VersionText)
            .where(VersionText.version_id.in_(ids))
            .options(
                load_only(
                    VersionText.version_id,
                    VersionText.language,
                    VersionText.title,
                    VersionText.summary,
                    VersionText.behind,
                    VersionText.reading_minutes,
                )
            )
        )
    }
    readings = {
        reading.version_id: reading
        for reading in session.scalars(
            select(Reading).where(Reading.person_id == person.id, Reading.version_id.in_(ids))
        )
    }
    rows = []
    for document, version, standing in shown:
        own = texts.get((version.id, language))
        reading = readings.get(version.id)
        rows.append(
            ListedDocument(
                slug=document.slug,
                kind=document.kind,
                sensitivity=document.sensitivity,
                number=version.number,
                standing=standing,
                effective_at=version.effective_at,
                zone=version.zone,
                market=document.market,
                text=own or texts[version.id, document.authoritative],
                behind=None if own is None else tuple(own.behind),
                anchor=reading.anchor if reading else "",
                is_opened=reading is not None,
            )
        )
    order = list(DocumentKind)
    return sorted(rows, key=lambda row: (order.index(row.kind), row.text.title, row.slug))


def list_titles(version_ids: Collection[int], language: str) -> dict[int, str]:
    """Return version's row number → title in a language, or in the deciding one, for many versions."""
    rows = session.execute(
        select(VersionText.version_id, VersionText.language, VersionText.title, Document.authoritative)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(VersionText.version_id.in_(version_ids))
    ).all()
    titles: dict[int, str] = {}
    for version_id, text_language, title, authoritative in rows:
        if text_language == language or (text_language == authoritative and version_id not in titles):
            titles[version_id] = title
    return titles


def list_reading_minutes(version_ids: Collection[int]) -> dict[int, int]:
    """Return version's row number → minutes that reading it takes in the deciding language, for many versions."""
    rows = session.execute(
        select(VersionText.version_id, VersionText.reading_minutes)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(VersionText.version_id.in_(version_ids), VersionText.language == Document.authoritative)
    )
    return {row.version_id: row.reading_minutes for row in rows}


def list_document_titles(slugs: Collection[str], language: str) -> dict[str, str]:
    """Return address → title of the version that it shows, for many documents; unknown ones are left out."""
    documents = list(
        session.scalars(select(Document).where(Document.slug.in_(slugs)).options(selectinload(Document.versions)))
    )
    versions = {
        version.id: document.slug
        for document in documents
        if (version := rules.to_read(document.versions, clock.now())) is not None
    }
    return {versions[version_id]: title for version_id, title in list_titles(versions, language).items()}


def list_document_names(slugs: Collection[str], language: str) -> dict[str, str]:
    """Return what `list_document_titles` does, and what market texts that are not published yet are called."""
    titles = list_document_titles(slugs, language)
    missing = [slug for slug in slugs if slug not in titles and slug != base_slug(slug)]
    unpublished = list(session.scalars(select(Document).where(Document.slug.in_(missing)))) if missing else []
    if unpublished:
        bases = list_document_titles({base_slug(each.slug) for each in unpublished}, language)
        markets = {each.code: each.name.in_(language) for each in organisation.list_markets()}
        for each in unpublished:
            title, name = bases.get(base_slug(each.slug), base_slug(each.slug)), markets.get(each.market or "", "")
            titles[each.slug] = title_in_market(title, name or each.market or "", language)
    return titles


def list_live_slugs(slugs: Collection[str] | None = None) -> set[str]:
    """Return the addresses (of those given) of documents that are not withdrawn, but for those addressed by name."""
    statement = select(Document).where(~Document.is_by_name).options(selectinload(Document.versions))
    if slugs is not None:
        statement = statement.where(Document.slug.in_(slugs))
    moment = clock.now()
    return {
        document.slug
        for document in session.scalars(statement)
        if (version := rules.to_read(document.versions, moment)) is None or version.withdrawn_at is None
    }


# --- pictures -----------------------------------------------------------------------------------


def pictures_of(slug: str) -> dict[str, Picture]:
    """Return name → picture for the pictures of a document; an overlay has those of its base, too."""
    rows = session.execute(
        select(Document.slug, DocumentImage.name, DocumentImage.width, DocumentImage.height)
        .join(Document, Document.id == DocumentImage.document_id)
        .where(Document.slug.in_({slug, base_slug(slug)}))
        # Those of the overlay come last: they are the ones that count.
        .order_by(Document.slug, DocumentImage.id)
    )
    return {name: Picture(f"/library/{of}/images/{name}", width, height) for of, name, width, height in rows}


def list_images(document: Document) -> list[DocumentImage]:
    """Return the pictures of a document without their bytes, the first uploaded first."""
    return list(
        session.scalars(
            select(DocumentImage).where(DocumentImage.document_id == document.id).order_by(DocumentImage.id)
        )
    )


def find_image(document: Document, name: str) -> DocumentImage | None:
    """Return the document's picture of the name, or None."""
    return session.scalar(
        select(DocumentImage).where(DocumentImage.document_id == document.id, DocumentImage.name == name)
    )


def is_published_image(document: Document, name: str) -> bool:
    """Say whether a published text of the document shows the picture."""
    return (
        session.scalar(
            select(
                exists().where(
                    VersionText.version_id == DocumentVersion.id,
                    DocumentVersion.document_id == document.id,
                    VersionText.source.contains(f"images/{name}", autoescape=True),
                )
            )
        )
        is True
    )


# --- links, glossary ----------------------------------------------------------------------------


def list_texts_that_cite(slugs: Collection[str]) -> list[VersionText]:
    """Return the texts of the latest version of each document that link to a clause of one of these."""
    # Asked of the few versions with such a link, not of all that there are.
    later = aliased(DocumentVersion)
    return list(
        session.scalars(
            select(VersionText)
            .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
            .where(
                ~exists().where(
                    later.document_id == DocumentVersion.document_id, later.sequence > DocumentVersion.sequence
                )
            )
            .where(VersionText.id.in_(select(ClauseLink.version_text_id).where(ClauseLink.slug.in_(slugs))))
            .order_by(VersionText.id)
        )
    )


def list_clause_links(text_ids: Collection[int], slugs: Collection[str]) -> dict[int, list[ClauseLink]]:
    """Return text's row number → its links to clauses of these documents."""
    found: dict[int, list[ClauseLink]] = {each: [] for each in text_ids}
    rows = session.scalars(select(ClauseLink).where(ClauseLink.version_text_id.in_(found), ClauseLink.slug.in_(slugs)))
    for link in rows:
        found[link.version_text_id].append(link)
    return found


@dataclass(frozen=True, slots=True)
class PastCommit:
    """A version that was taken out of the history of a folder: which commit of which file it is."""

    slug: str
    commit_hash: str
    path: str


def list_past_commits() -> list[PastCommit]:
    """Return every version that was taken out of the history of a folder, by document."""
    rows = session.execute(
        select(Document.slug, DocumentVersion.origin_commit, DocumentVersion.origin_path)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(DocumentVersion.origin_commit.is_not(None))
        .order_by(Document.slug, DocumentVersion.sequence)
    )
    return [PastCommit(slug, commit or "", path or "") for slug, commit, path in rows]


def list_slugs() -> set[str]:
    """Return the addresses of all documents."""
    return set(session.scalars(select(Document.slug)))


def clause_names(document: Document) -> dict[str, str]:
    """Return id → heading of every clause that the document ever had, by the last version with it; oldest first."""
    rows = session.execute(
        select(Clause.anchor, ClauseText.heading)
        .join(ClauseText, and_(ClauseText.clause_id == Clause.id, ClauseText.language == document.authoritative))
        .join(DocumentVersion, DocumentVersion.id == Clause.version_id)
        .where(DocumentVersion.document_id == document.id)
        .order_by(DocumentVersion.sequence, Clause.position)
    )
    names: dict[str, str] = {}
    for anchor, heading in rows:
        names.pop(anchor, None)
        names[anchor] = heading
    return names


def list_terms() -> list[GlossaryTerm]:
    """Return the glossary in the order of its file."""
    return list(session.scalars(select(GlossaryTerm).order_by(GlossaryTerm.position, GlossaryTerm.id)))


def standings(versions: Sequence[DocumentVersion], at: datetime | None = None) -> Mapping[int, Standing]:
    """Return sequence → standing for the versions of one document."""
    moment = at or clock.now()
    return {version.sequence: rules.standing(version, versions, moment) for version in versions}
