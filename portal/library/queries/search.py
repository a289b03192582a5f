"""Reading what is found of documents and of the glossary, and which documents were in force when."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, true, tuple_
from sqlalchemy.orm import selectinload

from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import allows
from portal.core.db import session
from portal.core.folding import NO_QUERY, Query, finds, might_find, told
from portal.core.markdown import words_of
from portal.core.search import Entry, EntryText, things_saying
from portal.library import rules
from portal.library.models import (
    AudienceKind,
    Clause,
    ClauseText,
    Document,
    DocumentAudience,
    DocumentVersion,
    GlossaryTerm,
    VersionText,
)
from portal.library.permissions import (
    READ_ALL_BY_NAME,
    READ_EVERYTHING,
    codes_of,
    documents_read_besides,
    markets_worked_for,
)
from portal.library.rules import Standing
from portal.organisation import queries as organisation

# The kinds of what is found here.
DOCUMENT, CLAUSE, TERM = "document", "clause", "term"
# Texts are looked into so many at a time.
_AT_ONCE = 500
# Ids of headings, clauses that links name, and where links lead; and the marks that stand within words.
_LEADS = re.compile(r"\{#[^{}\n]*\}|\[\[[^\[\]\n]*\]\]|(?<=\])\([^()\n]*\)")
_MARKS = str.maketrans(dict.fromkeys("*_~`\\[]", ""))
# Columns of tables, made once: conditions on them are made several times as fast, and every search makes some.
_version, _later = DocumentVersion.__table__.alias("version"), DocumentVersion.__table__.alias("later")
_overlay, _audience = Document.__table__.alias("overlay"), DocumentAudience.__table__.c
_document = Document.__table__.c
_STATES = {Standing.IN_FORCE: 0, Standing.ISSUED: 1, Standing.SUPERSEDED: 2, Standing.WITHDRAWN: 2}


# --- who reads what -----------------------------------------------------------------------------


def is_readable(person: Person, document_id: Any) -> ColumnElement[bool]:
    """Return the condition that the document of this row number is one that the person finds.

    What another market does otherwise than a document of hers can be read at its address; it is not found.
    What she may not read is looked up as a whole, once for a statement: there is less of it than there are documents.
    """
    if allows(person, READ_ALL_BY_NAME):
        return true()
    named = select(_document.id).where(_document.is_by_name)
    mine = [
        select(_audience.document_id).where(
            _audience.ended_at.is_(None), _audience.kind == AudienceKind.PERSON, _audience.code == person.code
        ),
        *documents_read_besides(person),
    ]
    to_groups: ColumnElement[bool] = document_id.not_in(named)
    return or_(and_(to_groups, _is_within_reach(person, document_id)), *(document_id.in_(each) for each in mine))


def _is_within_reach(person: Person, document_id: Any) -> ColumnElement[bool]:
    """Return the condition that a document which is not addressed by name is one that the person finds."""
    if allows(person, READ_EVERYTHING):
        return true()
    within: ColumnElement[bool] = document_id.not_in(_addressed_to_others(codes_of(person)))
    markets = markets_worked_for(person)
    if not markets:
        return within
    teams = {team.code for team in organisation.list_teams() if team.market.code in markets}
    elsewhere = _addressed_to_others({AudienceKind.MARKET: markets, AudienceKind.TEAM: teams})
    reach: ColumnElement[bool] = or_(within, document_id.not_in(elsewhere))
    return reach


def is_replaced(market: str, document_id: Any, at: datetime) -> ColumnElement[bool]:
    """Return the condition that a market follows an overlay in the place of this document, as `rules.in_force` says."""

    def begun(version: Any) -> ColumnElement[bool]:
        return and_(
            version.issued_at <= at,
            version.effective_at <= at,
            or_(version.withdrawn_at.is_(None), version.withdrawn_at > version.effective_at),
        )

    version, later, overlay = _version.c, _later.c, _overlay.c
    overtaken = exists().where(
        later.document_id == version.document_id,
        begun(later),
        tuple_(later.effective_at, later.sequence) > tuple_(version.effective_at, version.sequence),
    )
    is_followed = exists().where(
        version.document_id == overlay.id,
        begun(version),
        or_(version.withdrawn_at.is_(None), version.withdrawn_at > at),
        ~overtaken,
    )
    # There are few texts of a market: from them to their versions, not from all versions to them.
    replaced: ColumnElement[bool] = document_id.in_(
        select(overlay.base_id).where(overlay.base_id.is_not(None), overlay.market == market, is_followed)
    )
    return replaced


def _addressed_to_others(codes: dict[AudienceKind, set[str]]) -> Any:
    """Return the documents that name an audience of one of these kinds in which none of the codes is."""
    has_one = or_(*(and_(_audience.kind == kind, _audience.code.in_(held)) for kind, held in codes.items()))
    return (
        select(_audience.document_id)
        .where(_audience.ended_at.is_(None), _audience.kind.in_(codes))
        .group_by(_audience.document_id, _audience.kind)
        .having(func.max(case((has_one, 1), else_=0)) == 0)
    )


# --- what is found ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """What a version says under one address: its texts, and the place of the clause."""

    kind: str
    position: int
    sensitivity: str
    texts: dict[str, EntryText]


def list_document_ids() -> list[int]:
    """Return the row numbers of all documents that have a version."""
    return list(session.scalars(select(DocumentVersion.document_id).distinct().order_by(DocumentVersion.document_id)))


def list_term_ids() -> list[int]:
    """Return the row numbers of all terms."""
    return list(session.scalars(select(GlossaryTerm.id).order_by(GlossaryTerm.id)))


def entries_of_documents(ids: Collection[int], at: datetime) -> Iterator[Entry]:
    """Return what is found of documents from an instant on: titles and clauses of the version that an address shows.

    Of a version that is issued and not in force yet, what it says differently is found too. Each entry holds for the
    time in which that is so, as far as it is known now.
    """
    documents = list(
        session.scalars(
            select(Document)
            .where(Document.id.in_(ids))
            .order_by(Document.id)
            .options(selectinload(Document.versions))
            .execution_options(populate_existing=True)
        )
    )
    spans = {document.id: list(_spans(document.versions, at)) for document in documents}
    said = _said_by({version for each in spans.values() for span in each for version in span.versions()})
    for document in documents:
        yield from _entries_of(document, spans[document.id], said)


@dataclass(frozen=True, slots=True)
class _Span:
    """A time in which an address shows one version, and which ones are still to come."""

    since: datetime | None
    until: datetime | None
    shown: DocumentVersion
    standing: Standing
    coming: tuple[DocumentVersion, ...]

    def versions(self) -> Iterator[int]:
        yield self.shown.id
        yield from (version.id for version in self.coming)


def _spans(versions: Sequence[DocumentVersion], at: datetime) -> Iterator[_Span]:
    days = sorted({each.effective_at for each in versions if each.effective_at > at and each.withdrawn_at is None})
    for since, until in pairwise([None, *days, None]):
        moment = since or at
        shown = rules.to_read(versions, moment)
        if shown is not None:
            coming = tuple(
                each
                for each in versions
                if each is not shown and rules.standing(each, versions, moment) is Standing.ISSUED
            )
            yield _Span(since, until, shown, rules.standing(shown, versions, moment), coming)


def _said_by(version_ids: Collection[int]) -> dict[int, dict[str, _Said]]:
    """Return version → address after the document's ("" for the whole) → what it says there."""
    said: dict[int, dict[str, _Said]] = {}
    titles: dict[tuple[int, str], str] = {}
    for text in session.execute(
        select(
            VersionText.version_id,
            VersionText.language,
            VersionText.title,
            VersionText.summary,
            VersionText.footnotes_html,
        ).where(VersionText.version_id.in_(version_ids))
    ):
        whole = said.setdefault(text.version_id, {}).setdefault("", _Said(DOCUMENT, 0, "S0", {}))
        words = "\n".join(filter(None, (text.summary, words_of(text.footnotes_html))))
        whole.texts[text.language] = EntryText("", text.title, words)
        titles[text.version_id, text.language] = text.title
    for row in session.execute(
        select(
            Clause.version_id,
            Clause.anchor,
            Clause.position,
            Clause.sensitivity,
            ClauseText.language,
            ClauseText.heading,
            ClauseText.html,
        )
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id.in_(version_ids))
        .order_by(Clause.version_id, Clause.position)
    ):
        clause = said[row.version_id].setdefault(f"#{row.anchor}", _Said(CLAUSE, row.position, row.sensitivity, {}))
        title = titles[row.version_id, row.language]
        clause.texts[row.language] = EntryText(title, row.heading, words_of(row.html))
    return said


def _entries_of(document: Document, spans: Sequence[_Span], said: dict[int, dict[str, _Said]]) -> Iterator[Entry]:
    # What stays the same from one span to the next is one entry.
    open_entries: dict[tuple[str, str], Entry] = {}
    for span in spans:
        wanted = {(each.address, each.version): each for each in _entries_in(document, span, said)}
        for key, before in list(open_entries.items()):
            now = wanted.get(key)
            if now is None or replace(now, since=before.since) != before:
                yield replace(open_entries.pop(key), until=span.since)
        for key, now in wanted.items():
            open_entries.setdefault(key, now)
    yield from open_entries.values()


def _entries_in(document: Document, span: _Span, said: dict[int, dict[str, _Said]]) -> Iterator[Entry]:
    shown = said.get(span.shown.id, {})
    for suffix, words in shown.items():
        yield _entry(f"{document.slug}{suffix}", document.id, words, span.standing, since=span.since)
    for version in span.coming:
        for suffix, words in said.get(version.id, {}).items():
            there = shown.get(suffix)
            if there is None or _words_alone(there) != _words_alone(words):
                entry = _entry(f"{document.slug}{suffix}", document.id, words, Standing.ISSUED, since=span.since)
                yield replace(entry, version=version.number)


def _words_alone(said: _Said) -> dict[str, tuple[str, str]]:
    return {tag: (text.head, text.body) for tag, text in said.texts.items()}


def _entry(address: str, document_id: int, said: _Said, standing: Standing, *, since: datetime | None) -> Entry:
    return Entry(
        kind=said.kind,
        thing_id=document_id,
        address=address,
        texts=said.texts,
        state=standing.value,
        sensitivity=said.sensitivity,
        rank=_STATES[standing],
        position=said.position,
        since=since,
    )


def entries_of_terms(ids: Collection[int]) -> Iterator[Entry]:
    """Return what is found of terms of the glossary: each word with its meaning, and what not to say instead."""
    for term in session.scalars(select(GlossaryTerm).where(GlossaryTerm.id.in_(ids)).order_by(GlossaryTerm.position)):
        yield Entry(
            kind=TERM,
            thing_id=term.id,
            address=term.slug,
            position=term.position,
            texts={
                tag: EntryText(
                    "",
                    term.term.in_(tag),
                    "\n".join([term.definition.in_(tag), *([label + separator.join(words)] if words else [])]),
                )
                for tag, words, label, separator in (
                    ("en", term.forbidden_en, "Not to be used: ", ", "),
                    ("ja", term.forbidden_ja, "使わない表記：", "、"),
                )
            },
        )


# --- in force when ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InForce:
    """A document with what was to be followed at an instant: the version, since and until when (if known)."""

    document: Document
    # None: nothing was in force, because what was in force had been withdrawn.
    version: DocumentVersion | None
    title: str
    title_language: str
    since: datetime | None
    until: datetime | None


def _begun(at: datetime) -> ColumnElement[bool]:
    return and_(
        DocumentVersion.issued_at <= at,
        DocumentVersion.effective_at <= at,
        or_(DocumentVersion.withdrawn_at.is_(None), DocumentVersion.withdrawn_at > DocumentVersion.effective_at),
    )


@dataclass(frozen=True, slots=True)
class _Begun:
    """The version that took effect last by an instant, of a base or of the overlay of a market."""

    document_id: int
    base_id: int | None
    version_id: int
    withdrawn_at: datetime | None

    def was_in_force(self, at: datetime) -> bool:
        return self.withdrawn_at is None or self.withdrawn_at > at


def _begun_last(market: str, at: datetime, which: ColumnElement[bool]) -> list[_Begun]:
    """Return what took effect last by an instant, as `rules.in_force` says it, by the address of its document."""
    place = func.row_number().over(
        partition_by=DocumentVersion.document_id,
        order_by=(DocumentVersion.effective_at.desc(), DocumentVersion.sequence.desc()),
    )
    ranked = (
        select(DocumentVersion.id, DocumentVersion.document_id, DocumentVersion.withdrawn_at, place.label("place"))
        .where(_begun(at))
        .subquery()
    )
    rows = session.execute(
        select(Document.id, Document.base_id, ranked.c.id, ranked.c.withdrawn_at)
        .join(ranked, and_(ranked.c.document_id == Document.id, ranked.c.place == 1))
        .where(or_(and_(Document.base_id.is_(None), which), Document.market == market))
        .order_by(Document.slug)
    )
    return [_Begun(*row) for row in rows]


def find_in_force(person: Person, market: str, at: datetime, words: Query = NO_QUERY) -> list[int]:
    """Return the documents, by address, of which a version had taken effect and that were addressed to the market.

    They are those that the person may read today. What a market does otherwise stands in the place of its base. With
    words: those whose text says all of them, in the version that was in force then.
    """
    begun = _begun_last(market, at, is_readable(person, Document.id))
    elsewhere = _not_addressed(market, at)
    bases = {each.document_id: each for each in begun if each.base_id is None and each.document_id not in elsewhere}
    chosen = dict(bases)
    for each in begun:
        if each.base_id in bases and each.was_in_force(at):
            chosen[each.base_id] = each
    if words:
        said = _saying(words, market, chosen.values())
        return [document_id for document_id, each in chosen.items() if each.version_id in said]
    return list(chosen)


def _not_addressed(market: str, at: datetime) -> set[int]:
    """Return the documents that were addressed to other markets at an instant."""
    rows = session.execute(
        select(
            DocumentAudience.document_id,
            DocumentAudience.code,
            DocumentAudience.since,
            DocumentAudience.ended_at,
            Document.created_at,
        )
        .join(Document, Document.id == DocumentAudience.document_id)
        .where(DocumentAudience.kind == AudienceKind.MARKET)
    ).all()
    named: dict[int, set[str]] = {}
    for document_id, code, since, ended_at, created_at in rows:
        if rules.was_addressed(since, ended_at, created_at, at):
            named.setdefault(document_id, set()).add(code)
    return {document_id for document_id, codes in named.items() if market not in codes}


def _saying(words: Query, market: str, chosen: Collection[_Begun]) -> set[int]:
    """Return those of these versions whose texts say all the words.

    The index knows what an address shows today; into the texts of other versions one has to look.
    """
    now = clock.now()
    today = {each.version_id for each in _begun_last(market, now, true()) if each.was_in_force(now)}
    shown = {each.document_id: each.version_id for each in chosen if each.version_id in today}
    found = {shown[thing] for thing in things_saying(words, (DOCUMENT, CLAUSE)) if thing in shown}
    return found | _looked_up(words, [each.version_id for each in chosen if each.version_id not in today])


def _looked_up(words: Query, version_ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for begin in range(0, len(version_ids), _AT_ONCE):
        rows = session.execute(
            select(VersionText.version_id, VersionText.title, VersionText.summary, VersionText.source).where(
                VersionText.version_id.in_(version_ids[begin : begin + _AT_ONCE])
            )
        )
        for version_id, title, summary, source in rows:
            if version_id not in found and says(words, title, summary, source):
                found.add(version_id)
    return found


def says(words: Query, title: str, summary: str, source: str) -> bool:
    """Say whether a text says all the words, in any of its clauses."""
    whole = _without_marks(f"{title}\n{summary}\n{source}")
    return might_find(words, whole) and finds(words, told(whole))


def _without_marks(source: str) -> str:
    """Return what a reader sees of Markdown: neither ids nor where links lead nor the marks within words."""
    return _LEADS.sub(" ", source).translate(_MARKS)


def list_in_force(document_ids: Sequence[int], market: str, at: datetime, language: str) -> list[InForce]:
    """Return what was in force in a market at an instant of each of these documents, in their order."""
    by_id = {
        document.id: document
        for document in session.scalars(
            select(Document).where(Document.id.in_(document_ids)).options(selectinload(Document.versions))
        )
    }
    documents = [by_id[document_id] for document_id in document_ids]
    overlays = {
        overlay.base_id: rules.in_force(overlay.versions, at)
        for overlay in session.scalars(
            select(Document)
            .where(Document.market == market, Document.base_id.in_([document.id for document in documents]))
            .options(selectinload(Document.versions))
        )
    }
    found = {document.id: overlays.get(document.id) or rules.in_force(document.versions, at) for document in documents}
    shown = {
        document.id: found[document.id] or rules.to_read(document.versions, at) or document.versions[-1]
        for document in documents
    }
    titles: dict[tuple[int, str], str] = {
        (version_id, tag): title
        for version_id, tag, title in session.execute(
            select(VersionText.version_id, VersionText.language, VersionText.title).where(
                VersionText.version_id.in_([version.id for version in shown.values()])
            )
        )
    }
    rows = []
    for document in documents:
        version = found[document.id]
        tag = language if (shown[document.id].id, language) in titles else document.authoritative
        rows.append(
            InForce(
                document=document,
                version=version,
                title=titles[shown[document.id].id, tag],
                title_language=tag,
                since=None if version is None else rules.begins(version),
                until=None if version is None else rules.ends(version, version.document.versions),
            )
        )
    return rows
