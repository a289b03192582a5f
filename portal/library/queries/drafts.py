"""Reading drafts: what is being written, what of a translation follows, and what exactly was proposed."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.core.codes import is_well_formed, normalise
from portal.core.db import canonical_json, session
from portal.core.markdown import split_clauses
from portal.library import rules
from portal.library.errors import DraftNotFound
from portal.library.models import Document, Draft, DraftState, DraftText

OPEN_STATES = (DraftState.WRITING, DraftState.IN_REVIEW, DraftState.APPROVED)
_CODE_LENGTH = 12


def find_draft(code: str) -> Draft | None:
    """Return the draft of the code with its document and texts, or None."""
    if not is_well_formed(normalise(code), _CODE_LENGTH):
        return None
    return session.scalar(
        select(Draft)
        .where(Draft.code == normalise(code))
        .options(joinedload(Draft.document).selectinload(Document.audiences), selectinload(Draft.texts))
    )


def get_draft(code: str) -> Draft:
    """Return the draft of the code. Raises `DraftNotFound`."""
    found = find_draft(code)
    if found is None:
        raise DraftNotFound()
    return found


def list_open_drafts(document: Document) -> list[Draft]:
    """Return the drafts of a document that have not ended, the first begun first."""
    return list(
        session.scalars(
            select(Draft).where(Draft.document_id == document.id, Draft.state.in_(OPEN_STATES)).order_by(Draft.id)
        )
    )


def lock_draft(draft: Draft) -> Draft:
    """Read the draft again and let nobody else change it until this transaction ends."""
    return session.scalars(
        select(Draft).where(Draft.id == draft.id).with_for_update().execution_options(populate_existing=True)
    ).one()


def clauses_of_draft(text: DraftText) -> dict[str, str]:
    """Return clause id → hash of a text of a draft, in order; headings without an id are left out."""
    return {clause.anchor: clause.hash for clause in split_clauses(text.source) if clause.anchor}


def behind_of_draft(draft: Draft, language: str) -> tuple[str, ...]:
    """Return the clauses in which a draft's text does not follow the deciding one; that one itself always does."""
    deciding = draft.text_in(draft.document.authoritative)
    if language == draft.document.authoritative or deciding is None:
        return ()
    text = draft.text_in(language)
    # A clause that was taken out is missing, whatever it was made from.
    made_from = {} if text is None else {anchor: text.made_from.get(anchor) for anchor in clauses_of_draft(text)}
    return rules.clauses_behind(clauses_of_draft(deciding), made_from)


def hash_of_draft(draft: Draft) -> str:
    """Return the SHA-256 over all that a draft proposes; an approval is of exactly this."""
    texts = {
        text.language: {
            "title": text.title,
            "summary": text.summary,
            "what_to_do_differently": text.what_to_do_differently,
            "attestation": text.attestation,
            "source": text.source,
            "made_from": text.made_from,
        }
        for text in draft.texts
    }
    proposed = {
        "document": draft.document.slug,
        "based_on": draft.based_on_id,
        "number": draft.number,
        "change_class": draft.change_class,
        "effective_at": draft.effective_at.isoformat() if draft.effective_at else None,
        "zone": draft.zone,
        "issue_at": draft.issue_at.isoformat() if draft.issue_at else None,
        "provisional_reason": draft.provisional_reason,
        "texts": texts,
    }
    return sha256(canonical_json(proposed).encode()).hexdigest()
