"""Reading the texts of markets beside their bases, for many at once."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.core.db import session
from portal.library.models import Clause, ClauseText, Document, DocumentVersion, Draft, DraftText, VersionText
from portal.library.queries.drafts import OPEN_STATES


def list_market_texts(base: Document | None = None) -> list[Document]:
    """Return the texts of markets that are laid over a document, or all there are, with the versions of both."""
    statement = (
        select(Document)
        .where(Document.base_id.is_not(None) if base is None else Document.base_id == base.id)
        .options(
            joinedload(Document.base).selectinload(Document.versions),
            selectinload(Document.versions),
            selectinload(Document.audiences),
        )
        .order_by(Document.slug)
    )
    return list(session.scalars(statement))


def list_bases() -> list[Document]:
    """Return the documents over which a market's text can be laid, with their audiences, by address."""
    published = select(DocumentVersion.document_id).where(DocumentVersion.withdrawn_at.is_(None))
    return list(
        session.scalars(
            select(Document)
            .where(Document.base_id.is_(None), ~Document.is_by_name, Document.id.in_(published))
            .options(selectinload(Document.audiences))
            .order_by(Document.slug)
        )
    )


def list_open_drafts_of(document_ids: Collection[int]) -> dict[int, list[Draft]]:
    """Return document's row number → its drafts that have not ended, the first begun first."""
    found: dict[int, list[Draft]] = {}
    for draft in session.scalars(
        select(Draft).where(Draft.document_id.in_(document_ids), Draft.state.in_(OPEN_STATES)).order_by(Draft.id)
    ):
        found.setdefault(draft.document_id, []).append(draft)
    return found


def list_deciding_hashes(version_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Return version's row number → clause id → hash in the deciding language, in the order of the clauses."""
    found: dict[int, dict[str, str]] = {version_id: {} for version_id in version_ids}
    for version_id, anchor, hash_ in session.execute(
        select(Clause.version_id, Clause.anchor, ClauseText.hash)
        .join(DocumentVersion, DocumentVersion.id == Clause.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .join(ClauseText, and_(ClauseText.clause_id == Clause.id, ClauseText.language == Document.authoritative))
        .where(Clause.version_id.in_(version_ids))
        .order_by(Clause.version_id, Clause.position)
    ):
        found[version_id][anchor] = hash_
    return found


def list_written_sources(version_ids: Collection[int]) -> dict[int, str]:
    """Return version's row number → what the authors of a market's text wrote in the deciding language."""
    rows = session.execute(
        select(VersionText.version_id, VersionText.overlay)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(VersionText.version_id.in_(version_ids), VersionText.language == Document.authoritative)
    )
    return {version_id: kept["source"] for version_id, kept in rows if kept is not None}


def list_draft_sources(draft_ids: Collection[int]) -> dict[int, str]:
    """Return draft's row number → its text in the deciding language."""
    rows = session.execute(
        select(DraftText.draft_id, DraftText.source)
        .join(Draft, Draft.id == DraftText.draft_id)
        .join(Document, Document.id == Draft.document_id)
        .where(DraftText.draft_id.in_(draft_ids), DraftText.language == Document.authoritative)
    )
    return {row.draft_id: row.source for row in rows}
