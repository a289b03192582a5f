"""Versions: published once, never changed, withdrawn with a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select

from portal.accounts.models import Person
from portal.core import clock, search
from portal.core.access import allows
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import format_instant
from portal.core.markdown import (
    NOTHING,
    ClauseSource,
    clause_links,
    reading_minutes,
    render_clauses,
    shown_link,
    split_clauses,
)
from portal.journal.service import record
from portal.library import queries, rules
from portal.library.errors import (
    AlreadyWithdrawn,
    ApproverIsAuthor,
    BaseMoved,
    EffectiveBeforeBase,
    EffectiveBeforeEarlier,
    EffectiveBeforeInForce,
    NumberTooLow,
    ReasonMissing,
    TextMissing,
    TranslationBehind,
    VersionExists,
    VersionOutdated,
)
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.library.models import (
    ChangeClass,
    Clause,
    ClauseLink,
    ClauseText,
    Document,
    DocumentVersion,
    Origin,
    VersionText,
)
from portal.library.permissions import READ_DOCUMENT
from portal.library.rules.changes import takes_effect_last
from portal.library.rules.merging import next_numbers
from portal.library.rules.overlays import base_slug
from portal.library.service import absorbed, overlays
from portal.library.service.documents import OWNED_KIND
from portal.library.service.findable import DOCUMENTS
from portal.library.service.texts import (
    Headings,
    TextDraft,
    anchors_of,
    problems_of,
    refuse_broken,
    resolver,
    version_hash,
)


def publish_version(
    *,
    document: Document,
    number: str,
    change_class: ChangeClass,
    effective_at: datetime | None,
    zone: str,
    texts: Sequence[TextDraft],
    based_on: str | None = None,
    over: DocumentVersion | None = None,
    author: Person,
    approver: Person,
    approved_at: datetime | None = None,
    provisional_reason: str = "",
    draft_code: str = "",
    on_schedule: bool = False,
) -> DocumentVersion:
    """Publish a version written in the product; nothing about it changes any more.

    A material or emergency change whose second language is missing or behind needs a reason for which it is issued
    provisionally; readers see it. Without an effective date it takes effect as it is published, an overlay's not
    before the version of the base that it is laid `over`. The texts of an overlay are those that result.
    On schedule, the journal names nobody but the product as who publishes.
    Raises `ApproverIsAuthor`, `TranslationBehind`, and what `import_version` raises.
    """
    if approver.code == author.code:
        raise ApproverIsAuthor()
    reason, now = provisional_reason.strip(), clock.now()
    earliest = now if over is None else max(now, over.effective_at)
    version = DocumentVersion(
        origin=Origin.PRODUCT,
        issued_at=now,
        issued_by=approver.code,
        author_code=author.code,
        author_name=author.full_name,
        approved_by=approver.code,
        approved_at=approved_at or now,
    )
    added = _add(
        version=version,
        document=document,
        number=number,
        change_class=change_class,
        effective_at=effective_at or earliest,
        zone=zone,
        texts=texts,
        based_on=based_on,
        over=over,
        by=None if on_schedule else approver,
        reason=reason,
        draft_code=draft_code,
    )
    if added.is_provisional and not reason and rules.waits_for_translation(change_class.value):
        raise TranslationBehind()
    return added


def import_version(
    *,
    document: Document,
    number: str,
    change_class: ChangeClass,
    effective_at: datetime,
    zone: str,
    texts: Sequence[TextDraft],
    based_on: str | None = None,
    over: DocumentVersion | None = None,
    author_name: str = "",
    headings: Headings | None = None,
    brought: Collection[str] = (),
    by: Person,
) -> DocumentVersion:
    """Publish a version written in files, in the name of whoever imports it; a foreign author stays as text.

    The texts of an overlay are those that result over the version of the base; those overlays of this document whose
    new versions are `brought` as well do not follow by themselves.

    With `headings`, what links lead to is told by the caller, who calls `show_links_to` when all of it is published.
    It counts as issued when it took effect, if that is past. Raises `VersionExists` for a number that is
    published, `NumberTooLow` and `VersionOutdated` for a text that does not follow the latest version,
    `EffectiveBeforeEarlier` and `EffectiveBeforeInForce` for one that an older version would follow,
    `TextMissing`, `LineBroken` and `TextBroken`.
    """
    now = clock.now()
    version = DocumentVersion(
        origin=Origin.IMPORT,
        issued_at=min(now, effective_at),
        issued_by=by.code,
        author_code=None,
        author_name=author_name,
    )
    return _add(
        version=version,
        document=document,
        number=number,
        change_class=change_class,
        effective_at=effective_at,
        zone=zone,
        texts=texts,
        based_on=based_on,
        over=over,
        headings=headings,
        brought=brought,
        by=by,
    )


def follow_base(
    *,
    document: Document,
    over: DocumentVersion,
    texts: Sequence[TextDraft],
    said_by: DocumentVersion,
    draft_code: str = "",
) -> DocumentVersion:
    """Publish what a version of an overlay says over a new version of its base where nothing clashes; nobody decides.

    It takes effect with the base, in the heaviest class of the base's changes that its readers meet with it; where no
    clause reads differently, it is editorial. What the market itself has issued for a later time it holds already, so
    it does not take effect before that. `draft_code` names the draft of the market that is being published just now,
    where the base was ahead of it.
    """
    latest = queries.latest_version(document)
    assert latest is not None
    assert said_by.over is not None
    deciding = next(text for text in texts if text.language == document.authoritative)
    now_reads = {clause.anchor: clause.hash for clause in split_clauses(deciding.source)}
    otherwise = absorbed.differing(queries.clause_hashes(said_by), now_reads)
    reaching = absorbed.heaviest(absorbed.absorbed_between(said_by.over, over), otherwise)
    change_class = (reaching or over.change_class) if otherwise else ChangeClass.EDITORIAL
    minor, major = next_numbers(latest.number)
    version = DocumentVersion(
        origin=Origin.FOLLOWED,
        issued_at=max(over.issued_at, latest.issued_at),
        issued_by=over.issued_by,
        author_code=None,
        author_name="",
    )
    return _add(
        version=version,
        document=document,
        number=major if change_class.value in rules.MATERIAL else minor,
        change_class=change_class,
        effective_at=max(over.effective_at, said_by.effective_at),
        zone=over.zone,
        texts=texts,
        based_on=latest.number,
        over=over,
        reason=over.provisional_reason or "",
        draft_code=draft_code,
        by=None,
    )


def compile_version(
    *,
    document: Document,
    change_class: ChangeClass,
    zone: str,
    texts: Sequence[TextDraft],
    by: Person,
) -> DocumentVersion:
    """Publish what the product has put together from what others have written and checked, in effect at once.

    Nothing is written in it itself, so that there is no author and nobody to approve: `by` is who had it put together.
    Only documents that are addressed by name are made so. It follows the latest version, under the next number. Raises
    what `import_version` raises.
    """
    assert document.is_by_name
    latest, now = queries.latest_version(document), clock.now()
    minor, major = next_numbers(latest.number) if latest is not None else ("1.0", "1.0")
    version = DocumentVersion(
        origin=Origin.COMPILED,
        issued_at=now,
        issued_by=by.code,
        author_code=None,
        author_name="",
    )
    return _add(
        version=version,
        document=document,
        number=major if change_class.value in rules.MATERIAL else minor,
        change_class=change_class,
        effective_at=now,
        zone=zone,
        texts=texts,
        based_on=latest.number if latest is not None else None,
        by=by,
    )


def withdraw_version(*, version: DocumentVersion, reason: str, by: Person, at: datetime | None = None) -> None:
    """Take a version back from now on; its text and all that rests on it stay as they are.

    `at` is when it was taken back elsewhere, for what happened before it came here. Raises `AlreadyWithdrawn` or
    `ReasonMissing`.
    """
    if version.withdrawn_at is not None:
        raise AlreadyWithdrawn()
    if not reason.strip():
        raise ReasonMissing()
    version.withdrawn_at, version.withdrawn_by, version.withdrawal_reason = at or clock.now(), by.code, reason.strip()
    session.flush()
    publish(
        VersionWithdrawn(
            document_id=version.document_id,
            document_slug=version.document.slug,
            version_id=version.id,
            version_number=version.number,
        )
    )
    record(
        "library.version_withdrawn",
        by=by,
        subject=(OWNED_KIND, version.document.slug),
        after={"version": version.number},
        reason=version.withdrawal_reason,
    )


def _add(
    *,
    version: DocumentVersion,
    document: Document,
    number: str,
    change_class: ChangeClass,
    effective_at: datetime,
    zone: str,
    texts: Sequence[TextDraft],
    based_on: str | None,
    by: Person | None,
    over: DocumentVersion | None = None,
    headings: Headings | None = None,
    brought: Collection[str] = (),
    reason: str = "",
    draft_code: str = "",
) -> DocumentVersion:
    # Two who publish at once come one after the other; whoever holds an overlay has held its base before.
    for held in filter(None, (document.base, document)):
        session.execute(select(Document.id).where(Document.id == held.id).with_for_update())
        session.expire(held, ["versions"])
    latest = queries.latest_version(document)
    _check_number(document, latest, number, based_on)
    _check_base(document, over, effective_at)
    check_order(document.versions, effective_at)
    drafts = {draft.language: draft for draft in texts}
    if document.authoritative not in drafts:
        raise TextMissing()
    pictures = frozenset(queries.pictures_of(document.slug)) if version.origin is Origin.PRODUCT else None
    for draft in texts:
        refuse_broken(draft, pictures=pictures)

    version.number, version.sequence = number, (latest.sequence if latest else 0) + 1
    version.change_class, version.effective_at, version.zone = change_class, effective_at, zone
    version.based_on, version.stated_based_on, version.over = latest, based_on or "", over
    version.hash = version_hash(document.slug, number, {draft.language: draft.hash for draft in texts})
    document.versions.append(version)
    sources = {language: split_clauses(draft.source) for language, draft in drafts.items()}
    clauses = _add_clauses(version, sources[document.authoritative])
    texts_by_language = {
        language: _add_text(version, drafts[language], sources=sources, clauses=clauses, headings=headings)
        for language in sorted(drafts)
    }
    version.is_provisional = any(text.behind for text in texts_by_language.values()) or len(drafts) < 2
    version.provisional_reason = (reason or None) if version.is_provisional else None
    session.flush()
    for language, text in texts_by_language.items():
        links = {(slug, anchor) for slug, anchor, _line in clause_links(drafts[language].source)}
        session.add_all(
            ClauseLink(version_text_id=text.id, slug=slug, anchor=anchor)
            for slug, anchor in sorted(links)
            if slug not in ("", document.slug, base_slug(document.slug))
        )
    session.flush()
    if headings is None:
        show_links_to([document.slug], besides=[version])
    publish(
        VersionPublished(
            document_id=document.id,
            document_slug=document.slug,
            version_id=version.id,
            version_number=number,
            change_class=change_class.value,
            effective_at=effective_at,
            draft_code=draft_code,
            brought=frozenset(brought),
        )
    )
    record(
        "library.version_published",
        by=by,
        subject=(OWNED_KIND, document.slug),
        before={"version": latest.number} if latest else None,
        after={
            "version": number,
            "hash": version.hash,
            "change_class": change_class.value,
            "effective_at": effective_at.isoformat(),
            "origin": version.origin.value,
            "provisional": version.is_provisional,
            **({"over": over.number} if over is not None else {}),
        },
        reason=version.provisional_reason,
    )
    return version


def _check_number(document: Document, latest: DocumentVersion | None, number: str, based_on: str | None) -> None:
    if queries.find_version(document, number) is not None:
        raise VersionExists(number=number)
    if latest is None:
        return
    if rules.number_key(number) <= rules.number_key(latest.number):
        raise NumberTooLow(number=number, latest=latest.number)
    if based_on != latest.number:
        raise VersionOutdated(based_on=based_on or "–", latest=latest.number)


def _check_base(document: Document, over: DocumentVersion | None, effective_at: datetime) -> None:
    """See to it that an overlay lies over the version that its base has now, and does not take effect before it.

    What is urgent may lie over the one in force, and take effect before the newest does.
    """
    if document.base is None:
        return
    followed = overlays.followed_version(document.base)
    if (
        over is None
        or followed is None
        or (followed.id != over.id and not overlays.may_come_before(document, over, effective_at))
    ):
        raise BaseMoved(
            over=over.number if over is not None else "–", latest=followed.number if followed is not None else "–"
        )
    if effective_at < over.effective_at:
        raise EffectiveBeforeBase(number=over.number, when=format_instant(over.effective_at, over.zone))


def check_order(earlier: Iterable[DocumentVersion], effective_at: datetime) -> None:
    """See to it that none of the earlier versions comes into force after one that takes effect at this instant.

    Raises `EffectiveBeforeEarlier`, or `EffectiveBeforeInForce` where withdrawing the other one would not help.
    """
    last = takes_effect_last(earlier)
    if last is not None and effective_at < last.effective_at:
        refusal = EffectiveBeforeEarlier if last.effective_at > clock.now() else EffectiveBeforeInForce
        raise refusal(number=last.number, when=format_instant(last.effective_at, last.zone))


def _add_clauses(version: DocumentVersion, sources: Sequence[ClauseSource]) -> dict[str, Clause]:
    clauses = {
        source.anchor: Clause(
            version=version,
            anchor=source.anchor,
            position=position,
            level=source.level,
            sensitivity=source.sensitivity or "S0",
        )
        for position, source in enumerate(sources, start=1)
    }
    session.add_all(clauses.values())
    return clauses


def _add_text(
    version: DocumentVersion,
    draft: TextDraft,
    *,
    sources: Mapping[str, Sequence[ClauseSource]],
    clauses: Mapping[str, Clause],
    headings: Headings | None,
) -> VersionText:
    document = version.document
    own = {source.anchor: source for source in sources[draft.language]}
    deciding = {source.anchor: source.hash for source in sources[document.authoritative]}
    is_deciding = draft.language == document.authoritative
    says, stated = draft.says_number or version.number, draft.stated_behind or None
    made_from = {} if is_deciding else _made_from(version, draft, list(own), deciding)
    behind = [] if is_deciding else list(rules.clauses_behind(deciding, made_from))
    if draft.made_from is not None and behind:
        # It says no version as a whole: the one that it was written from, and by name where it does not follow.
        says = draft.says_number or (version.based_on.number if version.based_on else version.number)
        stated = ", ".join(behind)
    text = VersionText(
        version=version,
        language=draft.language,
        title=draft.title,
        summary=draft.summary,
        what_to_do_differently=draft.what_to_do_differently,
        attestation=draft.attestation,
        source=draft.source,
        overlay=dict(draft.overlay) if draft.overlay is not None else None,
        hash=draft.hash,
        says_number=says,
        behind=behind,
        stated_behind=stated,
        reading_minutes=reading_minutes(draft.source, draft.language),
        footnotes_html=NOTHING,
        shown_at=clock.now(),
    )
    session.add(text)
    rows = {
        anchor: ClauseText(
            clause=clauses[anchor],
            version_text=text,
            language=draft.language,
            heading=source.heading,
            source=source.source,
            hash=source.hash,
            source_hash=made_from.get(anchor),
            heading_html=NOTHING,
            html=NOTHING,
        )
        # What only a translation that is behind still has is no clause of this version any more.
        for anchor, source in own.items()
        if anchor in clauses
    }
    session.add_all(rows.values())
    _show(
        text,
        document.slug,
        rows,
        {anchor: source.heading for anchor, source in own.items()},
        headings or heading_elsewhere,
    )
    return text


def _made_from(
    version: DocumentVersion, draft: TextDraft, own: Sequence[str], deciding: Mapping[str, str]
) -> dict[str, str | None]:
    """Return for each clause of a translation the hash of the text that it says, where that is known here."""
    if draft.made_from is not None:
        return {anchor: draft.made_from.get(anchor) for anchor in own}
    says = draft.says_number or version.number
    earlier = queries.find_version(version.document, says)
    known: Mapping[str, str] = deciding if says == version.number else queries.clause_hashes(earlier) if earlier else {}
    if not draft.stated_behind:
        return {anchor: known.get(anchor) for anchor in own}
    stated = anchors_of(draft.stated_behind)
    return {
        anchor: deciding.get(anchor)
        if anchor not in stated
        # What the file says outweighs that the clause reads as it did.
        else (None if known.get(anchor) == deciding.get(anchor) else known.get(anchor))
        for anchor in own
    }


def _show(
    text: VersionText, slug: str, rows: Mapping[str, ClauseText], own: Mapping[str, str], headings: Headings
) -> None:
    """Render a text into its rows; done when it is published, and again when what it links to is."""
    shown = render_clauses(
        text.source,
        resolve=resolver(slug, own, headings, text.language),
        language=text.language,
        pictures=queries.pictures_of(slug) if "images/" in text.source else None,
    )
    for part in shown.clauses:
        if part.anchor in rows:
            rows[part.anchor].heading_html, rows[part.anchor].html = part.heading, part.body
    text.footnotes_html, text.shown_at = shown.footnotes, clock.now()


def prepare_text(*, slug: str, draft: TextDraft, headings: Headings) -> None:
    """Do all of publishing a text that needs no database, so that `markdown.remembering` keeps it."""
    if problems_of(draft.source):
        return
    own = {clause.anchor: clause.heading for clause in split_clauses(draft.source)}
    reading_minutes(draft.source, draft.language)
    clause_links(draft.source)
    render_clauses(draft.source, resolve=resolver(slug, own, headings, draft.language), language=draft.language)


def show_links_to(slugs: Collection[str], besides: Collection[DocumentVersion]) -> None:
    """Bring the words of links in other documents up to the headings of these ones' new versions, `besides`."""
    new = {version.id for version in besides}
    headings = cache(heading_elsewhere)
    texts = [text for text in queries.list_texts_that_cite(slugs) if text.version_id not in new]
    links = queries.list_clause_links([text.id for text in texts], slugs)
    for text in texts:
        # Most headings stay as they are, and rendering the texts of all who cite them takes seconds.
        if not _says_all(text, links[text.id], headings):
            show_again(text, headings)
            # The words of its links are found, too.
            search.changed(DOCUMENTS, [text.version.document_id])


def _says_all(text: VersionText, links: Iterable[ClauseLink], headings: Headings) -> bool:
    """Say whether each of these links of a text stands in it as it would be shown now."""
    shown = "".join([*(f"{row.heading_html}{row.html}" for row in text.clause_texts), text.footnotes_html])
    resolve = resolver(text.version.document.slug, {}, headings, text.language)
    return all(shown_link(link.slug, link.anchor, resolve(link.slug, link.anchor)) in shown for link in links)


def show_again(text: VersionText, headings: Headings | None = None) -> None:
    """Render a text into its rows anew."""
    rows = {row.clause.anchor: row for row in text.clause_texts}
    own = {clause.anchor: clause.heading for clause in split_clauses(text.source)}
    _show(text, text.version.document.slug, rows, own, headings or heading_elsewhere)


def heading_elsewhere(slug: str, anchor: str, language: str) -> str | None:
    """Return the heading of a clause of another document as its address shows it, or None."""
    document = queries.find_document(slug)
    # What is addressed by name says nothing to readers of others.
    version = queries.version_to_read(document) if document and not document.is_by_name else None
    if version is None:
        return None
    return queries.clause_headings(version, language).get(anchor)


def headings_for(reader: Person) -> Headings:
    """Return what knows the headings of clauses of other documents: of those that this person may read."""

    def heading(slug: str, anchor: str, language: str) -> str | None:
        document = queries.find_document(slug)
        if document is None or not allows(reader, READ_DOCUMENT, document):
            return None
        return heading_elsewhere(slug, anchor, language)

    return heading
