"""What must always be true of the library."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.core.db import session
from portal.core.i18n import Words
from portal.core.markdown import clause_links, hash_of, split_clauses
from portal.journal.models import JournalEntry
from portal.library import queries, rules
from portal.library.models import (
    AudienceKind,
    ClauseLink,
    ClauseText,
    Document,
    DocumentAudience,
    DocumentImage,
    DocumentVersion,
    Draft,
    DraftState,
    Origin,
    ReviewAct,
    VersionText,
)
from portal.library.queries import drafts
from portal.library.rules.overlays import base_slug, overlay_slug
from portal.library.service import overlays
from portal.library.service.documents import OWNED_KIND, facts_of
from portal.library.service.texts import text_hash, version_hash


def published_texts_are_unchanged() -> list[str]:
    """I9: every text has the hash under which it was published, and every version that of its texts."""
    broken = []
    for version in session.scalars(
        select(DocumentVersion)
        .options(selectinload(DocumentVersion.texts), selectinload(DocumentVersion.document))
        .order_by(DocumentVersion.id)
        .execution_options(yield_per=100)
    ):
        address = f"{version.document.slug} {version.number}"
        for text in version.texts:
            computed = text_hash(
                language=text.language,
                title=text.title,
                summary=text.summary,
                what_to_do_differently=text.what_to_do_differently,
                attestation=text.attestation,
                source=text.source,
            )
            # Of what was taken out the hash says what was published; the seal says what is left.
            if text.taken_out_at is None and computed != text.hash:
                broken.append(f"{address} ({text.language}) is not what was published")
        hashes = {text.language: text.hash for text in version.texts}
        if version_hash(version.document.slug, version.number, hashes) != version.hash:
            broken.append(f"{address} has other texts than when it was published")
    return broken


def clauses_are_those_of_their_text() -> list[str]:
    """Clause ids, sources and hashes come out of the text again; a translation is behind by what it says."""
    broken = []
    for text in session.scalars(
        select(VersionText)
        .options(
            selectinload(VersionText.clause_texts).selectinload(ClauseText.clause),
            selectinload(VersionText.version).selectinload(DocumentVersion.document),
        )
        .order_by(VersionText.id)
        .execution_options(yield_per=100)
    ):
        address = f"{text.version.document.slug} {text.version.number} ({text.language})"
        sources = {source.anchor: source for source in split_clauses(text.source)}
        kept = {row.clause.anchor: row for row in text.clause_texts}
        decides = text.language == text.version.document.authoritative
        if (set(sources) != set(kept)) if decides else (set(kept) - set(sources)):
            broken.append(f"{address}: its clauses are not those of its text")
        for anchor, row in kept.items():
            source = sources.get(anchor)
            if source is not None and source.source != row.source:
                broken.append(f"{address}: the clause {anchor} is not that of its text")
            if row.taken_out_at is None and hash_of(row.source) != row.hash:
                broken.append(f"{address}: the hash of the clause {anchor} is not that of its source")
        if not decides:
            deciding = queries.clause_hashes(text.version)
            made_from = {anchor: row.source_hash for anchor, row in kept.items()}
            if list(rules.clauses_behind(deciding, made_from)) != text.behind:
                broken.append(f"{address}: it is behind in other clauses than it says")
    return broken


def numbers_stand_once() -> list[str]:
    """A version number stands once in a document, and versions are counted without gaps."""
    twice = session.execute(
        select(Document.slug, DocumentVersion.number)
        .join(Document, Document.id == DocumentVersion.document_id)
        .group_by(Document.slug, DocumentVersion.number)
        .having(func.count() > 1)
        .order_by(Document.slug)
    )
    gaps = session.execute(
        select(Document.slug)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .group_by(Document.slug)
        .having(func.max(DocumentVersion.sequence) != func.count())
        .order_by(Document.slug)
    ).scalars()
    return [f"{slug} has version {number} more than once" for slug, number in twice] + [
        f"{slug}: its versions are not counted without gaps" for slug in gaps
    ]


def approvers_are_not_authors() -> list[str]:
    """I10: a version written in the product was approved by another person than its author."""
    return [
        f"{version.document.slug} {version.number} was written in the product and approved by its author or by nobody"
        for version in session.scalars(
            select(DocumentVersion)
            .where(
                DocumentVersion.origin == Origin.PRODUCT,
                (DocumentVersion.approved_by.is_(None))
                | (DocumentVersion.author_code.is_(None))
                | (DocumentVersion.approved_by == DocumentVersion.author_code),
            )
            .options(selectinload(DocumentVersion.document))
            .order_by(DocumentVersion.id)
        )
    ]


# What a draft's state can be after its last act; an approval may be one of several.
_STATES_AFTER = {
    ReviewAct.SUBMITTED: {DraftState.IN_REVIEW},
    ReviewAct.TAKEN_BACK: {DraftState.WRITING},
    ReviewAct.SENT_BACK: {DraftState.WRITING},
    ReviewAct.OUTDATED: {DraftState.WRITING},
    ReviewAct.APPROVED: {DraftState.IN_REVIEW, DraftState.APPROVED},
    ReviewAct.PUBLISHED: {DraftState.PUBLISHED},
}


def drafts_are_where_their_acts_left_them() -> list[str]:
    """A draft that was not discarded is in the state that its last act leads to; its acts are counted without gaps."""
    broken = []
    for draft in session.scalars(
        select(Draft)
        .where(Draft.state != DraftState.DISCARDED)
        .options(selectinload(Draft.reviews))
        .order_by(Draft.id)
        .execution_options(yield_per=100)
    ):
        if [review.number for review in draft.reviews] != list(range(1, len(draft.reviews) + 1)):
            broken.append(f"draft {draft.code}: its acts are not counted without gaps")
        last = draft.reviews[-1].act if draft.reviews else None
        expected = {DraftState.WRITING} if last is None else _STATES_AFTER.get(last, set())
        if draft.state not in expected:
            broken.append(f"draft {draft.code} is {draft.state}, but its last act was {last or 'none'}")
    return broken


def published_drafts_say_what_was_approved() -> list[str]:
    """What is or will be published of a draft is what its approvers approved, and none of them had written in it."""
    broken = []
    for draft in session.scalars(
        select(Draft)
        .where(Draft.state.in_((DraftState.APPROVED, DraftState.PUBLISHED)))
        .options(
            selectinload(Draft.reviews),
            selectinload(Draft.texts),
            joinedload(Draft.document),
            joinedload(Draft.published_version).selectinload(DocumentVersion.texts),
        )
        .order_by(Draft.id)
        .execution_options(yield_per=100)
    ):
        approvals, version = drafts.approvals_of(draft), draft.published_version
        authors = {person.code for person in drafts.list_authors(draft)} | {draft.begun_by}
        is_published = draft.state is DraftState.PUBLISHED
        if not approvals or (is_published and (version is None or approvals[-1].by != version.approved_by)):
            broken.append(f"draft {draft.code} was published without the approval that its version names")
            continue
        if any(approval.by in authors for approval in approvals):
            broken.append(f"draft {draft.code} was approved by somebody who has written in it")
        if {approval.hash for approval in approvals} != {drafts.hash_of_draft(draft)}:
            broken.append(f"draft {draft.code} is not what was approved")
        said = {text.language: text.source for text in draft.texts if text.source.strip()}
        kept = {each.language: overlays.written(each).source for each in version.texts} if version else {}
        # A market's text may leave the whole of a language to its base.
        if version is not None and said != {tag: source for tag, source in kept.items() if source.strip()}:
            broken.append(f"draft {draft.code}: its version says something else")
    return broken


def pictures_are_unchanged() -> list[str]:
    """The bytes of every picture have the hash under which they were kept."""
    rows = session.execute(
        select(Document.slug, DocumentImage.name, DocumentImage.sha256, DocumentImage.data)
        .join(Document, Document.id == DocumentImage.document_id)
        .order_by(DocumentImage.id)
        .execution_options(yield_per=10)
    )
    return [
        f"{slug}: the picture {name} is not what was uploaded"
        for slug, name, hash_, data in rows
        if sha256(data).hexdigest() != hash_
    ]


def overlays_say_what_results_over_their_base() -> list[str]:
    """A market's text stands under its base, and what it says comes out of both again."""
    broken = [
        f"{document.slug} does not stand under its base"
        for document in session.scalars(
            select(Document).where(Document.base_id.is_not(None)).options(joinedload(Document.base))
        )
        if document.base is None
        or document.base.base_id is not None
        or document.slug != overlay_slug(document.base.slug, document.market or "")
        or document.audience(AudienceKind.MARKET) != [document.market]
    ]
    misplaced = session.scalars(
        select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .outerjoin(over := aliased(DocumentVersion), over.id == DocumentVersion.over_id)
        .where(over.document_id.is_distinct_from(Document.base_id))
        .order_by(DocumentVersion.id)
    )
    broken += [
        f"{version.document.slug} {version.number} is not laid over a version of its base" for version in misplaced
    ]
    for version in session.scalars(
        select(DocumentVersion).where(DocumentVersion.over_id.is_not(None)).order_by(DocumentVersion.id)
    ):
        texts = {text.language: text for text in version.texts}
        address = f"{version.document.slug} {version.number}"
        if version.over is None or any(text.overlay is None for text in texts.values()):
            broken.append(f"{address} does not say what its author wrote")
            continue
        names = {tag: (text.overlay or {})["market"] for tag, text in texts.items()}
        some = next(iter(names.values()), "")
        ways = overlays.ways_of_reading(
            version.over,
            Words(names.get("en", some), names.get("ja", some)),
            [overlays.written(text) for text in version.texts],
        )
        published = {tag: text.source for tag, text in texts.items()}
        if all(again != published for again in ways):
            broken.append(f"{address} is not what results over {version.over.number} of its base")
    return broken


def documents_are_as_the_journal_left_them() -> list[str]:
    """Kind, deciding language, review interval, sensitivity, base and market are those of the last entry about them."""
    recorded: dict[str, dict[str, Any]] = {}
    for slug, after in session.execute(
        select(JournalEntry.subject_code, JournalEntry.after)
        .where(
            JournalEntry.subject_kind == OWNED_KIND,
            JournalEntry.action.in_(("library.document_created", "library.document_changed")),
        )
        .order_by(JournalEntry.id)
    ):
        recorded[slug] = after or {}
    broken = []
    for document in session.scalars(
        select(Document).options(joinedload(Document.base)).order_by(Document.slug).execution_options(yield_per=500)
    ):
        facts, kept = facts_of(document), recorded.pop(document.slug, None)
        if kept is None:
            broken.append(f"{document.slug}: the journal does not know who made it")
            continue
        broken += [
            f"{document.slug}: {name} is {facts.get(name)}, but the journal says {kept.get(name)}"
            for name in sorted(facts.keys() | kept.keys())
            if facts.get(name) != kept.get(name)
        ]
    return broken + [f"{slug}: the journal knows this document, but it is gone" for slug in sorted(recorded)]


def links_are_those_of_their_text() -> list[str]:
    """Which clauses of other documents a text links to comes out of the text again."""
    kept: dict[int, set[tuple[str, str]]] = {}
    for link in session.scalars(select(ClauseLink).execution_options(yield_per=1_000)):
        kept.setdefault(link.version_text_id, set()).add((link.slug, link.anchor))
    broken = []
    for text_id, source, language, number, slug in session.execute(
        select(VersionText.id, VersionText.source, VersionText.language, DocumentVersion.number, Document.slug)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .order_by(VersionText.id)
        .execution_options(yield_per=100)
    ):
        # Most texts link to nothing, and need not be read for that.
        links = {(to, anchor) for to, anchor, _line in clause_links(source)} if "[[" in source else set()
        if {each for each in links if each[0] not in ("", slug, base_slug(slug))} != kept.pop(text_id, set()):
            broken.append(f"{slug} {number} ({language}): its links to other documents are not those of its text")
    return broken + [f"links of text {text_id}, which does not exist" for text_id in sorted(kept)]


def people_are_named_by_name() -> list[str]:
    """A document by name is addressed to people and to no group, every other one to no single person."""
    rows = session.execute(
        select(Document.slug, Document.is_by_name, DocumentAudience.kind)
        .join(Document, Document.id == DocumentAudience.document_id)
        .where(Document.is_by_name != (DocumentAudience.kind == AudienceKind.PERSON))
        .order_by(Document.slug, DocumentAudience.id)
    )
    return [
        f"{slug} is {'' if is_by_name else 'not '}addressed by name, but to a {kind.value}"
        for slug, is_by_name, kind in rows
    ]


INVARIANTS = {
    "I9 published texts are unchanged": published_texts_are_unchanged,
    "clauses are those of their text": clauses_are_those_of_their_text,
    "documents are as the journal left them": documents_are_as_the_journal_left_them,
    "links are those of their text": links_are_those_of_their_text,
    "version numbers stand once": numbers_stand_once,
    "pictures are unchanged": pictures_are_unchanged,
    "I10 approvers are not authors": approvers_are_not_authors,
    "people are named where documents are addressed by name": people_are_named_by_name,
    "drafts are where their acts left them": drafts_are_where_their_acts_left_them,
    "published drafts say what was approved": published_drafts_say_what_was_approved,
    "texts of markets are what results over their base": overlays_say_what_results_over_their_base,
}
