"""Documents: made once, their audience and facts changed with a trace, their owner set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from portal.accounts.models import Person
from portal.accounts.service.ownership import OwnedThing, OwnerNeeds
from portal.calendars.rules import months_later
from portal.core import clock
from portal.core.content import SLUG
from portal.core.db import session
from portal.core.i18n import LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import record
from portal.library import queries
from portal.library.errors import SlugInvalid, SlugTaken
from portal.library.models import GROUPS, AudienceKind, Document, DocumentAudience, DocumentKind
from portal.library.permissions import READ_DOCUMENT, WRITERS
from portal.library.rules.overlays import overlay_slug

# Under which accounts knows who answers for a document.
OWNED_KIND = "document"


class OwnedDocuments:
    """Documents as things that people answer for."""

    kind = OWNED_KIND
    name: LazyText = _l("Document")
    owner_needs = OwnerNeeds(WRITERS)

    def find_things(self, codes: Collection[str]) -> dict[str, OwnedThing]:
        """Return the documents of these addresses with their titles."""
        titles = queries.list_document_titles(codes, language())
        live = queries.list_live_slugs(codes)
        names = queries.list_document_names(live | titles.keys(), language())
        documents = queries.list_documents_of(codes)
        # What has no version yet has no page, and but for the text of a market no title.
        return {
            slug: OwnedThing(
                names.get(slug, slug),
                f"/library/{slug}" if slug in titles else None,
                slug in live,
                needs=READ_DOCUMENT,
                needs_on=documents[slug],
                due_on=_review_on(documents[slug]) if slug in live else None,
                due_what=_l("Review"),
                market_codes=_markets_of(documents[slug]),
            )
            for slug in sorted(live | titles.keys())
        }

    def list_live_codes(self) -> set[str]:
        """Return the addresses of all documents that have not been withdrawn."""
        return queries.list_live_slugs()


def _review_on(document: Document) -> date | None:
    """Return the day on which the text in force is to be looked through again, or None where nothing says so."""
    version = queries.version_to_read(document)
    if version is None or document.review_every_months is None:
        return None
    return months_later(clock.local_date(version.effective_at, "UTC"), document.review_every_months)


def _markets_of(document: Document) -> frozenset[str]:
    return frozenset([document.market] if document.market else document.audience(AudienceKind.MARKET))


def statement_choices() -> list[tuple[str, str]]:
    """Return address and title of every document that applies to everybody: one can be the exposure statement."""
    slugs = [slug for slug in sorted(queries.list_live_slugs()) if "@" not in slug]
    titles = queries.list_document_titles(slugs, language())
    return sorted(((slug, titles[slug]) for slug in slugs if slug in titles), key=lambda each: each[1])


def create_document(
    *,
    slug: str,
    kind: DocumentKind,
    authoritative: str = "en",
    review_every_months: int | None = None,
    sensitivity: str = "S0",
    audience: Mapping[AudienceKind, Collection[str]] | None = None,
    base: Document | None = None,
    market: str | None = None,
    is_by_name: bool = False,
    by: Person,
) -> Document:
    """Make a document without a version yet; with `base`, the overlay of a market, whose address follows from both.

    One that `is_by_name` is addressed to single people only, to nobody before they are named.

    Raises `SlugInvalid` or `SlugTaken`.
    """
    if not SLUG.fullmatch(slug) and (base is None or slug != overlay_slug(base.slug, market or "")):
        raise SlugInvalid(slug=slug)
    if queries.find_document(slug) is not None:
        raise SlugTaken(slug=slug)
    document = Document(
        slug=slug,
        kind=kind,
        authoritative=authoritative,
        review_every_months=review_every_months,
        sensitivity=sensitivity,
        is_by_name=is_by_name,
        created_at=clock.now(),
        created_by=by.code,
        base=base,
        market=market,
        versions=[],
        audiences=[],
        overlays=[],
    )
    session.add(document)
    session.flush()
    record("library.document_created", by=by, subject=(OWNED_KIND, slug), after=facts_of(document))
    if audience or base is not None:
        set_audience(document=document, audience=audience or {}, by=by)
    return document


def change_document(
    *,
    document: Document,
    kind: DocumentKind,
    review_every_months: int | None,
    sensitivity: str,
    by: Person,
) -> bool:
    """Set the facts that stay the same over all versions; return whether one changed.

    The overlays of a document are of its kind, and labelled at least as it is.
    """
    before = facts_of(document)
    document.kind = kind
    document.review_every_months = review_every_months
    document.sensitivity = sensitivity
    after = facts_of(document)
    if after == before:
        return False
    record("library.document_changed", by=by, subject=(OWNED_KIND, document.slug), before=before, after=after)
    for overlay in document.overlays:
        change_document(
            document=overlay,
            kind=kind,
            review_every_months=overlay.review_every_months,
            sensitivity=max(overlay.sensitivity, sensitivity),
            by=by,
        )
    return True


def set_audience(
    *,
    document: Document,
    audience: Mapping[AudienceKind, Collection[str]],
    by: Person | None,
    reason: str = "",
    draft_code: str = "",
) -> bool:
    """Address the document to these markets, teams and roles from now on; return whether that is new.

    What is addressed by name is addressed to people, of whom an empty list means nobody; other documents never are.

    An empty or missing list means everybody. Rows are ended, never deleted, so that it stays known to whom
    the document was addressed at any time. An overlay is addressed to its market, and there to the teams and roles of
    its base, whatever is said: it goes with its base. `reason` says why, where it is not part of a draft that was
    approved; `draft_code` names that one. By nobody: on a draft's day, by the product itself.
    """
    if document.base is not None:
        audience = {kind: document.base.audience(kind) for kind in GROUPS}
        audience[AudienceKind.MARKET] = [document.market or ""]
    now = clock.now()
    kinds = (AudienceKind.PERSON,) if document.is_by_name else GROUPS
    before = {kind.value: document.audience(kind) for kind in kinds}
    for kind in kinds:
        wanted = set(audience.get(kind, ()))
        for row in document.audiences:
            if row.kind is kind and row.ended_at is None and row.code not in wanted:
                row.ended_at = now
        for code in sorted(wanted - set(document.audience(kind))):
            document.audiences.append(DocumentAudience(kind=kind, code=code, since=now))
    after = {kind.value: sorted(document.audience(kind)) for kind in kinds}
    if after == {kind: sorted(codes) for kind, codes in before.items()}:
        return False
    session.flush()
    record(
        "library.audience_changed",
        by=by,
        subject=(OWNED_KIND, document.slug),
        before=before,
        after={**after, **({"draft": draft_code} if draft_code else {})},
        reason=reason.strip() or None,
    )
    for overlay in document.overlays:
        set_audience(document=overlay, audience={}, by=by, reason=reason, draft_code=draft_code)
    return True


def facts_of(document: Document) -> dict[str, Any]:
    """Return the facts of a document as the journal keeps them."""
    return {
        "kind": document.kind.value,
        "authoritative": document.authoritative,
        "review_every_months": document.review_every_months,
        "sensitivity": document.sensitivity,
        **({"base": document.base.slug, "market": document.market} if document.base is not None else {}),
    }
