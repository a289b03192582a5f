"""The clauses of many documents over all their versions, and what became of one that was cited."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased, lazyload, selectinload

from portal.core.db import session
from portal.library.models import Clause, ClauseLink, ClauseText, Document, DocumentVersion, VersionText
from portal.library.rules.changes import last_that_counts, names_today, was_called_off


@dataclass(frozen=True, slots=True)
class ClauseToday:
    """Where a clause that was cited stands in the newest version: its id, and its hash in the deciding language."""

    number: str
    anchor: str
    hash: str


@dataclass(frozen=True, slots=True)
class ClauseHistory:
    """The clauses of a document from version to version; versions that were called off are not among them."""

    # The newest version.
    number: str
    # Number → clause id there → clause id in the newest version.
    names: dict[str, dict[str, str]]
    hashes: dict[str, str]

    def find(self, number: str, anchor: str) -> ClauseToday | None:
        """Return what a clause that was cited in a version is today, or None where it is gone.

        What was cited in a version that does not count, or is not known here, is looked for under its own id.
        """
        name = self.names[number].get(anchor) if number in self.names else anchor
        return ClauseToday(self.number, name, self.hashes[name]) if name in self.hashes else None


def list_histories(slugs: Collection[str]) -> dict[str, ClauseHistory]:
    """Return address → history of the clauses, for documents with a version that counts, in three statements."""
    documents = list(
        session.scalars(
            select(Document)
            .where(Document.slug.in_(slugs))
            .order_by(Document.id)
            .options(selectinload(Document.versions), lazyload(Document.audiences))
        )
    )
    rows = session.execute(
        select(Clause.version_id, Clause.anchor, ClauseText.hash)
        .join(DocumentVersion, DocumentVersion.id == Clause.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .join(ClauseText, and_(ClauseText.clause_id == Clause.id, ClauseText.language == Document.authoritative))
        .where(Document.slug.in_(slugs))
        .order_by(Clause.version_id, Clause.position)
    )
    hashes: dict[int, dict[str, str]] = {}
    for version_id, anchor, digest in rows:
        hashes.setdefault(version_id, {})[anchor] = digest
    found = {}
    for document in documents:
        newest = last_that_counts(document.versions)
        if newest is None:
            continue
        counting = [version for version in document.versions if not was_called_off(version)]
        names = names_today([hashes.get(version.id, {}) for version in counting])
        found[document.slug] = ClauseHistory(
            number=newest.number,
            names={version.number: each for version, each in zip(counting, names, strict=True)},
            hashes=hashes.get(newest.id, {}),
        )
    return found


def list_links_to(document_slug: str, anchors: Collection[str]) -> list[tuple[str, str, list[str]]]:
    """Return (address, version number, clause ids) of the other documents whose newest version links to some clauses.

    By address; each document once, whatever the language of the text with the link.
    """
    later = aliased(DocumentVersion)
    rows = session.execute(
        select(Document.slug, DocumentVersion.number, ClauseLink.anchor)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .join(VersionText, VersionText.version_id == DocumentVersion.id)
        .join(ClauseLink, ClauseLink.version_text_id == VersionText.id)
        .where(
            ClauseLink.slug == document_slug,
            ClauseLink.anchor.in_(anchors),
            Document.slug != document_slug,
            ~select(later.id)
            .where(later.document_id == Document.id, later.sequence > DocumentVersion.sequence)
            .exists(),
        )
        .distinct()
        .order_by(Document.slug, ClauseLink.anchor)
    )
    found: dict[str, tuple[str, str, list[str]]] = {}
    for slug, number, anchor in rows:
        found.setdefault(slug, (slug, number, []))[2].append(anchor)
    return list(found.values())
