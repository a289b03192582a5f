"""Versions that were written elsewhere, one after the other: many of a document at once, as if published one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert, select

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.events import publish
from portal.core.markdown import (
    ClauseSource,
    RenderedText,
    clause_links,
    reading_minutes,
    render_clauses,
    split_clauses,
)
from portal.journal.service import record, seal_all
from portal.library import queries, rules
from portal.library.errors import EditedMeanwhile, NumberTooLow, TextMissing
from portal.library.events import VersionPublished
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
from portal.library.service.documents import OWNED_KIND
from portal.library.service.texts import Headings, TextDraft, problems_of, refuse_broken, resolver, version_hash
from portal.library.service.versions import check_order, heading_elsewhere, show_links_to

_CLAUSES = cast("Table", Clause.__table__)
_CLAUSE_TEXTS = cast("Table", ClauseText.__table__)
_CLAUSE_LINKS = cast("Table", ClauseLink.__table__)
# Row numbers asked for with one statement; both databases take many more.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version as its history tells it: which commit of which file it was, by whom, and why."""

    number: str
    change_class: ChangeClass
    effective_at: datetime
    zone: str
    texts: tuple[TextDraft, ...]
    author_name: str
    commit_hash: str
    path: str
    note: str


def import_past_versions(
    *, document: Document, past: Sequence[PastVersion], after: str | None, by: Person
) -> list[DocumentVersion]:
    """Publish versions of one document in their order, in the name of whoever imports them.

    What is stored, sealed, announced and recorded is what `versions.import_version` does for each of them; the rows are
    only written together. `after` is the number of the version that the first one follows, None for a new document.
    Raises `EditedMeanwhile` where another one is the latest, and what `versions.import_version`
    raises.
    """
    # Two who publish at once come one after the other.
    session.execute(select(Document.id).where(Document.id == document.id).with_for_update())
    session.expire(document, ["versions"])
    latest = queries.latest_version(document)
    if (latest.number if latest else None) != after:
        raise EditedMeanwhile(slug=document.slug, number=latest.number if latest else "–")
    first, earlier = latest, list(document.versions)
    written = [_Written(document, each) for each in past]
    hashes = _Hashes(document)
    # What is asked meanwhile needs none of what is being made.
    with session.no_autoflush:
        for each in written:
            if latest is not None and rules.number_key(each.past.number) <= rules.number_key(latest.number):
                raise NumberTooLow(number=each.past.number, latest=latest.number)
            check_order(earlier, each.past.effective_at)
            latest = each.make(latest, by)
            earlier = [latest]
            hashes.note(each)
            each.make_texts(hashes)
    session.flush()
    _write_clauses(written)
    links = [
        {"version_text_id": text.id, "slug": slug, "anchor": anchor}
        for each in written
        for text in each.texts.values()
        for slug, anchor in sorted({(slug, anchor) for slug, anchor, _line in clause_links(text.source)})
        if slug not in ("", document.slug)
    ]
    if links:
        session.execute(insert(_CLAUSE_LINKS), links)
    versions = [each.version for each in written]
    show_links_to([document.slug], besides=versions)
    before = first
    for each in written:
        _announce(each.version, before, by)
        before = each.version
    return versions


def prepare_past_version(*, slug: str, past: PastVersion) -> None:
    """Do all of publishing it that needs no lock on the database, so that `markdown.remembering` keeps it."""
    for draft in past.texts:
        if not problems_of(draft.source):
            own = {clause.anchor: clause.heading for clause in split_clauses(draft.source)}
            reading_minutes(draft.source, draft.language)
            clause_links(draft.source)
            _rendered(slug, draft, own, heading_elsewhere)


def _rendered(slug: str, draft: TextDraft, own: Mapping[str, str], headings: Headings) -> RenderedText:
    return render_clauses(draft.source, resolve=resolver(slug, own, headings, draft.language), language=draft.language)


class _Hashes:
    """Which hashes the clauses of a version have in the deciding language, stored or about to be."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._known: dict[str, dict[str, str]] = {}

    def note(self, written: _Written) -> None:
        self._known[written.past.number] = {
            source.anchor: source.hash for source in written.sources[self._document.authoritative]
        }

    def of(self, number: str) -> dict[str, str]:
        if number not in self._known:
            earlier = queries.find_version(self._document, number)
            self._known[number] = queries.clause_hashes(earlier) if earlier else {}
        return self._known[number]


class _Written:
    """One version on its way: the rows that are made of it, first those that others refer to."""

    def __init__(self, document: Document, past: PastVersion) -> None:
        self.document, self.past = document, past
        self.drafts = {draft.language: draft for draft in past.texts}
        if document.authoritative not in self.drafts:
            raise TextMissing()
        for draft in past.texts:
            refuse_broken(draft)
        self.sources: dict[str, Sequence[ClauseSource]] = {
            language: split_clauses(draft.source) for language, draft in self.drafts.items()
        }
        self.shown: dict[str, RenderedText] = {}
        self.made_from: dict[str, dict[str, str | None]] = {}
        self.texts: dict[str, VersionText] = {}
        self.version = DocumentVersion()

    def make(self, latest: DocumentVersion | None, by: Person) -> DocumentVersion:
        past, version = self.past, self.version
        version.number, version.sequence = past.number, (latest.sequence if latest else 0) + 1
        version.change_class, version.effective_at, version.zone = past.change_class, past.effective_at, past.zone
        version.based_on, version.stated_based_on = latest, latest.number if latest else ""
        version.issued_at, version.issued_by = min(clock.now(), past.effective_at), by.code
        version.origin, version.author_code, version.author_name = Origin.IMPORT, None, past.author_name
        version.origin_commit, version.origin_path, version.origin_note = past.commit_hash, past.path, past.note
        version.hash = version_hash(
            self.document.slug, past.number, {draft.language: draft.hash for draft in past.texts}
        )
        self.document.versions.append(version)
        return version

    def make_texts(self, hashes: _Hashes) -> None:
        """Make the rows of its texts. `hashes` knows this version and those before it."""
        number = self.past.number
        deciding = hashes.of(number)
        for language in sorted(self.drafts):
            draft, sources = self.drafts[language], self.sources[language]
            says = draft.says_number or number
            decides = language == self.document.authoritative
            known = {} if decides else hashes.of(says)
            made_from: dict[str, str | None] = {}
            if not decides:
                made_from = {each.anchor: known.get(each.anchor) for each in sources}
            own = {source.anchor: source.heading for source in sources}
            self.made_from[language] = made_from
            self.shown[language] = _rendered(self.document.slug, draft, own, heading_elsewhere)
            self.texts[language] = VersionText(
                version=self.version,
                language=language,
                title=draft.title,
                summary=draft.summary,
                what_to_do_differently=draft.what_to_do_differently,
                attestation=draft.attestation,
                source=draft.source,
                hash=draft.hash,
                says_number=says,
                behind=[] if decides else list(rules.clauses_behind(deciding, made_from)),
                reading_minutes=reading_minutes(draft.source, language),
                footnotes_html=self.shown[language].footnotes,
                shown_at=clock.now(),
            )
        session.add_all(self.texts.values())
        self.version.is_provisional = any(text.behind for text in self.texts.values()) or len(self.drafts) < 2

    def clauses(self) -> list[dict[str, Any]]:
        """Return the rows of its clauses."""
        return [
            {
                "version_id": self.version.id,
                "anchor": source.anchor,
                "position": position,
                "level": source.level,
                "sensitivity": source.sensitivity or "S0",
            }
            for position, source in enumerate(self.sources[self.document.authoritative], start=1)
        ]

    def clause_texts(self, numbers: Mapping[tuple[int, str], int]) -> list[dict[str, Any]]:
        """Return the rows of their texts; `numbers` are the row numbers of clauses by version and id."""
        rows = []
        for language, text in self.texts.items():
            shown = {part.anchor: part for part in self.shown[language].clauses}
            for source in self.sources[language]:
                clause_id = numbers.get((self.version.id, source.anchor))
                # What only a translation that is behind still has is no clause of this version any more.
                if clause_id is not None:
                    rows.append(
                        {
                            "clause_id": clause_id,
                            "version_text_id": text.id,
                            "language": language,
                            "heading": source.heading,
                            "source": source.source,
                            "hash": source.hash,
                            "source_hash": self.made_from[language].get(source.anchor),
                            "heading_html": shown[source.anchor].heading,
                            "html": shown[source.anchor].body,
                        }
                    )
        return rows


def _write_clauses(written: Sequence[_Written]) -> None:
    """Write clauses and their texts with a statement each, and seal them as the session would have."""
    rows = [row for each in written for row in each.clauses()]
    if not rows:
        return
    session.execute(insert(_CLAUSES), rows)
    numbers: dict[tuple[int, str], int] = {}
    ids = [each.version.id for each in written]
    for begin in range(0, len(ids), _AT_ONCE):
        for number, version_id, anchor in session.execute(
            select(_CLAUSES.c.id, _CLAUSES.c.version_id, _CLAUSES.c.anchor).where(
                _CLAUSES.c.version_id.in_(ids[begin : begin + _AT_ONCE])
            )
        ):
            numbers[version_id, anchor] = number
    seal_all(Clause, ({"id": numbers[row["version_id"], row["anchor"]], **row} for row in rows))
    texts = [row for each in written for row in each.clause_texts(numbers)]
    session.execute(insert(_CLAUSE_TEXTS), texts)
    keys: dict[tuple[int, str], int] = {}
    text_ids = [text.id for each in written for text in each.texts.values()]
    for begin in range(0, len(text_ids), _AT_ONCE):
        for number, clause_id, language in session.execute(
            select(_CLAUSE_TEXTS.c.id, _CLAUSE_TEXTS.c.clause_id, _CLAUSE_TEXTS.c.language).where(
                _CLAUSE_TEXTS.c.version_text_id.in_(text_ids[begin : begin + _AT_ONCE])
            )
        ):
            keys[clause_id, language] = number
    seal_all(ClauseText, ({"id": keys[row["clause_id"], row["language"]], **row} for row in texts))


def _announce(version: DocumentVersion, before: DocumentVersion | None, by: Person) -> None:
    document = version.document
    publish(
        VersionPublished(
            document_id=document.id,
            document_slug=document.slug,
            version_id=version.id,
            version_number=version.number,
            change_class=version.change_class.value,
            effective_at=version.effective_at,
        )
    )
    record(
        "library.version_published",
        by=by,
        subject=(OWNED_KIND, document.slug),
        before={"version": before.number} if before else None,
        after={
            "version": version.number,
            "hash": version.hash,
            "change_class": version.change_class.value,
            "effective_at": version.effective_at.isoformat(),
            "origin": version.origin.value,
            "provisional": version.is_provisional,
            "commit": version.origin_commit,
        },
    )
