"""Reading drafts: what is being written, what of a translation follows, and what exactly was proposed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import Person
from portal.core.codes import is_well_formed, normalise
from portal.core.db import canonical_json, session
from portal.core.markdown import TextRefused, split_clauses, visible
from portal.library import rules
from portal.library.errors import CommentNotFound, DraftNotFound
from portal.library.models import (
    ApprovalStep,
    Document,
    DocumentVersion,
    Draft,
    DraftAuthor,
    DraftComment,
    DraftReview,
    DraftState,
    DraftText,
    Origin,
    ReviewAct,
    VersionText,
)
from portal.library.rules.overlays import Mode, title_in_market
from portal.organisation import queries as organisation
from portal.organisation.models import Market

OPEN_STATES = (DraftState.WRITING, DraftState.IN_REVIEW, DraftState.APPROVED)
_CODE_LENGTH = 12
# A market's text without a title of its own is called as its base.
_TITLES_OF_BASES = (
    joinedload(Draft.over).selectinload(DocumentVersion.texts).load_only(VersionText.language, VersionText.title),
)


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
    """Return clause id → hash of a text of a draft, in order.

    Headings without an id are left out; a text beyond the limits of what can be read has no clauses.
    """
    return clauses_in(text.source)


def clauses_in(source: str) -> dict[str, str]:
    """Return clause id → hash of a text, as `clauses_of_draft` does."""
    try:
        return {clause.anchor: clause.hash for clause in split_clauses(source) if clause.anchor}
    except TextRefused:
        return {}


def behind_of_draft(draft: Draft, language: str) -> tuple[str, ...]:
    """Return the clauses in which a draft's text does not follow the deciding one; that one itself always does."""
    deciding = draft.text_in(draft.document.authoritative)
    if language == draft.document.authoritative or deciding is None:
        return ()
    text = draft.text_in(language)
    own = {} if text is None else clauses_of_draft(text)
    # A clause that was taken out of the translation follows nothing any more.
    made_from = {} if text is None else {anchor: text.made_from.get(anchor) for anchor in own}
    silent = silent_clauses(deciding.source) - set(own) if draft.over_id is not None else set()
    hashes = {anchor: hash_ for anchor, hash_ in clauses_of_draft(deciding).items() if anchor not in silent}
    return rules.clauses_behind(hashes, made_from)


def silent_clauses(source: str) -> set[str]:
    """Return the clauses of an overlay that only say that a clause does not apply: there is nothing to translate."""
    try:
        clauses = split_clauses(source)
    except TextRefused:
        return set()
    return {each.anchor for each in clauses if each.attributes.get("overlay") == Mode.NOT_APPLICABLE and not each.body}


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
        # What was approved before there were overlays keeps its hash.
        **({"over": draft.over_id} if draft.over_id is not None else {}),
        "number": draft.number,
        "change_class": draft.change_class,
        "effective_at": draft.effective_at.isoformat() if draft.effective_at else None,
        "zone": draft.zone,
        "issue_at": draft.issue_at.isoformat() if draft.issue_at else None,
        "provisional_reason": draft.provisional_reason,
        **({"audience": draft.audience} if draft.audience is not None else {}),
        "texts": texts,
    }
    return sha256(canonical_json(proposed).encode()).hexdigest()


def hold_draft(draft: Draft) -> Draft:
    """Do what `lock_draft` does, its texts and what was done about it read again too."""
    held = lock_draft(draft)
    session.scalars(
        select(DraftText).where(DraftText.draft_id == held.id).execution_options(populate_existing=True)
    ).all()
    session.expire(held, ["texts", "reviews", "comments"])
    return held


def hold_document(document: Document) -> Document:
    """Let nobody else publish a version of the document until this transaction ends; its versions are read again.

    Whoever needs both takes the document before its drafts.
    """
    # An overlay is held after its base, whose new versions it follows.
    ids = [document.id] if document.base_id is None else [document.base_id, document.id]
    for each in ids:
        held = session.scalars(
            select(Document).where(Document.id == each).with_for_update().execution_options(populate_existing=True)
        ).one()
        session.expire(held, ["versions"])
    return held


def list_authors(draft: Draft) -> list[Person]:
    """Return everybody who has written in the draft, whoever began it first."""
    found = session.scalars(
        select(Person)
        .where(
            (Person.code == draft.begun_by)
            | Person.id.in_(select(DraftAuthor.person_id).where(DraftAuthor.draft_id == draft.id))
        )
        .order_by(Person.sort_key, Person.id)
    ).all()
    return sorted(found, key=lambda person: person.code != draft.begun_by)


def list_authors_of(version: DocumentVersion) -> list[Person]:
    """Return everybody who has written a version here, whoever began it first; of one that followed its base, those
    of the version that it carries on."""
    written = version
    while written.origin is Origin.FOLLOWED and written.based_on is not None:
        written = written.based_on
    draft = session.scalar(select(Draft).where(Draft.published_version_id == written.id))
    if draft is not None:
        return list_authors(draft)
    return list(session.scalars(select(Person).where(Person.code == written.author_code)))


def list_chain(document: Document) -> list[ApprovalStep]:
    """Return the chain of approvers of a document as it is now, in its order; empty where there is none."""
    return list(
        session.scalars(
            select(ApprovalStep)
            .where(ApprovalStep.document_id == document.id, ApprovalStep.ended_at.is_(None))
            .options(joinedload(ApprovalStep.approver), joinedload(ApprovalStep.deputy))
            .order_by(ApprovalStep.position)
        )
    )


def list_waiting_drafts() -> list[Draft]:
    """Return the drafts that wait for an approval, the one submitted first coming first."""
    submitted = (
        select(DraftReview.draft_id, func.max(DraftReview.at).label("at"))
        .where(DraftReview.act == ReviewAct.SUBMITTED)
        .group_by(DraftReview.draft_id)
        .subquery()
    )
    return list(
        session.scalars(
            select(Draft)
            .join(submitted, submitted.c.draft_id == Draft.id)
            .where(Draft.state == DraftState.IN_REVIEW)
            .options(
                joinedload(Draft.document).selectinload(Document.audiences),
                # Of the texts only what a list shows.
                selectinload(Draft.texts).load_only(DraftText.language, DraftText.title),
                *_TITLES_OF_BASES,
                selectinload(Draft.reviews),
            )
            .order_by(submitted.c.at, Draft.id)
        )
    )


def list_returned_drafts(person: Person) -> list[Draft]:
    """Return the drafts that the person writes and that came back from review, the last one first.

    Sent back, or overtaken by another version; not those about which something was done since.
    """
    last = (
        select(func.max(DraftReview.number)).where(DraftReview.draft_id == Draft.id).correlate(Draft).scalar_subquery()
    )
    return list(
        session.scalars(
            select(Draft)
            .join(DraftReview, and_(DraftReview.draft_id == Draft.id, DraftReview.number == last))
            .where(
                Draft.state == DraftState.WRITING,
                DraftReview.act.in_((ReviewAct.SENT_BACK, ReviewAct.OUTDATED)),
                or_(
                    Draft.begun_by == person.code,
                    Draft.id.in_(select(DraftAuthor.draft_id).where(DraftAuthor.person_id == person.id)),
                ),
            )
            .options(
                joinedload(Draft.document),
                selectinload(Draft.texts).load_only(DraftText.language, DraftText.title),
                selectinload(Draft.reviews),
            )
            .order_by(DraftReview.at.desc(), Draft.id.desc())
        )
    )


def list_chains(document_ids: Collection[int]) -> dict[int, list[ApprovalStep]]:
    """Return document's row number → chain, for many documents."""
    found: dict[int, list[ApprovalStep]] = {}
    for step in session.scalars(
        select(ApprovalStep)
        .where(ApprovalStep.document_id.in_(document_ids), ApprovalStep.ended_at.is_(None))
        .options(joinedload(ApprovalStep.approver), joinedload(ApprovalStep.deputy))
        .order_by(ApprovalStep.position)
    ):
        found.setdefault(step.document_id, []).append(step)
    return found


def list_author_codes(drafts: Collection[Draft]) -> dict[int, set[str]]:
    """Return draft's row number → the codes of everybody who has written in it, for many drafts."""
    found = {draft.id: {draft.begun_by} for draft in drafts}
    for draft_id, code in session.execute(
        select(DraftAuthor.draft_id, Person.code)
        .join(Person, Person.id == DraftAuthor.person_id)
        .where(DraftAuthor.draft_id.in_(found))
    ):
        found[draft_id].add(code)
    return found


def list_comments(draft: Draft) -> list[DraftComment]:
    """Return the remarks on a draft with their authors, in the order in which they were made."""
    return list(
        session.scalars(
            select(DraftComment)
            .where(DraftComment.draft_id == draft.id)
            .options(joinedload(DraftComment.person))
            .order_by(DraftComment.id)
        )
    )


def get_comment(draft: Draft, code: str) -> DraftComment:
    """Return the remark of the code on this very draft. Raises `CommentNotFound`."""
    wanted = normalise(code)
    found = None
    if is_well_formed(wanted, _CODE_LENGTH):
        found = session.scalar(
            select(DraftComment).where(DraftComment.draft_id == draft.id, DraftComment.code == wanted)
        )
    if found is None:
        raise CommentNotFound()
    return found


def list_drafts_of(codes: Collection[str]) -> list[Draft]:
    """Return the drafts of these codes with their documents and texts; unknown codes are left out."""
    return list(
        session.scalars(
            select(Draft)
            .where(Draft.code.in_(codes))
            .options(
                joinedload(Draft.document).selectinload(Document.audiences),
                selectinload(Draft.texts).load_only(DraftText.language, DraftText.title),
                *_TITLES_OF_BASES,
            )
            .order_by(Draft.id)
        )
    )


def list_overtaken(document_id: int, version_id: int, besides: str) -> list[Draft]:
    """Return the drafts in review or approved that a version of their document has overtaken, but for one."""
    return list(
        session.scalars(
            select(Draft)
            .where(
                Draft.document_id == document_id,
                Draft.state.in_((DraftState.IN_REVIEW, DraftState.APPROVED)),
                or_(Draft.based_on_id.is_(None), Draft.based_on_id != version_id),
                Draft.code != besides,
            )
            .order_by(Draft.id)
        )
    )


def title_of_draft(draft: Draft, language: str) -> str:
    """Return the title of a draft in a language, or in the other one, or the address of its document.

    A market's text that has no title of its own is called as its base, with the market.
    """
    texts = [draft.text_in(language), draft.text_in(draft.document.authoritative), *draft.texts]
    title = next((text.title for text in texts if text is not None and text.title.strip()), "")
    if title or draft.over is None:
        return visible(title or draft.document.slug)
    theirs = {text.language: text.title for text in draft.over.texts}
    return name_in_market(theirs.get(language) or next(iter(theirs.values())), draft.document, language)


def name_in_market(title: str, document: Document, language: str, markets: Mapping[str, Market] | None = None) -> str:
    """Return what `title_in_market` does of a document; `markets` are those that are known already, by code."""
    code = document.market or ""
    market = organisation.find_market(code) if markets is None else markets.get(code)
    return title_in_market(title, market.name.in_(language) if market is not None else code, language)


def submissions_of(draft: Draft) -> list[DraftReview]:
    """Return the submissions of a draft in their order."""
    return [review for review in draft.reviews if review.act is ReviewAct.SUBMITTED]


def approvals_of(draft: Draft) -> list[DraftReview]:
    """Return the approvals since the draft was last submitted."""
    submitted = submissions_of(draft)
    since = submitted[-1].number if submitted else 0
    return [review for review in draft.reviews if review.act is ReviewAct.APPROVED and review.number > since]
