"""Redlines: what differs between two versions of a document, or between two texts of a draft, clause by clause."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select

from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.core.markdown import NOTHING, Picture, Resolver, TrustedHtml, render_clauses, split_clauses
from portal.core.redline import Marked, longest_rising, mark, mark_words
from portal.library import rules
from portal.library.models import Clause, ClauseText, DocumentVersion, VersionText
from portal.library.queries import hashes_by_language


class ClauseChange(StrEnum):
    """What became of a clause; it has moved when its id or its place among the others is another one."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    MOVED_AND_CHANGED = "moved_and_changed"


@dataclass(frozen=True, slots=True)
class ClauseRedline:
    """One clause, old and new: as words in one (`inline`) and side by side (`before`, `after`).

    `anchor` is its id in the new text, of a removed clause that in the old one, and empty where a draft's heading has
    none yet; `was_anchor` is the id in the old text where that was another. `heading` is plain, `heading_marked` shows
    what changed in it. `language` is the one it is shown in, `level` that of its heading (0: before the first one).
    `deciding_changed`: this text says what it said, but the authoritative one has changed and it has not followed.
    `elsewhere`: this text says what it said; those in these languages have changed.
    `moved_within`: how many of its paragraphs, items and rows stand at another place; where the words are the same but
    for that, it is not `reworded`.
    """

    kind: ClauseChange
    anchor: str
    was_anchor: str | None
    heading: str
    heading_marked: Marked
    language: str
    level: int
    sensitivity: str
    inline: TrustedHtml
    before: TrustedHtml
    after: TrustedHtml
    is_visible: bool
    deciding_changed: bool = False
    moved_within: int = 0
    reworded: bool = True
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldRedline:
    """What changed in a text beside its clauses: `title`, `summary` or `attestation`."""

    name: str
    language: str
    marked: Marked


@dataclass(frozen=True, slots=True)
class Redline:
    """What differs between two texts.

    `clauses` are all that were asked for, in the order of the new text, removed ones at their old place; `changed`
    those that are not the same. `fields` are those that changed; `footnotes` is None where the notes at the foot say
    the same.
    """

    clauses: tuple[ClauseRedline, ...]
    changed: tuple[ClauseRedline, ...]
    fields: tuple[FieldRedline, ...] = ()
    footnotes: Marked | None = None

    @property
    def listed(self) -> tuple[ClauseRedline, ...]:
        """The clauses of which a list of changes tells: those that changed here or in another language."""
        return tuple(each for each in self.clauses if each.kind is not ClauseChange.SAME or each.elsewhere)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all differs in this language."""
        return not (self.changed or self.fields or self.footnotes)


@dataclass(frozen=True, slots=True)
class _Text:
    """A clause in one language."""

    heading: str
    heading_html: TrustedHtml
    html: TrustedHtml
    hash: str


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause in the languages that there are; `key` is what it is known by, `anchor` may be empty in a draft."""

    key: str
    anchor: str
    level: int
    sensitivity: str
    texts: dict[str, _Text]


def redline_of_versions(
    old: DocumentVersion | None, new: DocumentVersion, language: str, *, only: Collection[str] | None = None
) -> Redline:
    """Return what differs between two versions of a document in a language; without an old one everything is new.

    What one of the two does not have in the language is compared in the deciding one. With `only`, the clauses of these
    ids, in the old or the new text, and nothing else.
    """
    deciding = new.document.authoritative
    versions = [version.id for version in (old, new) if version is not None]
    clauses: dict[int, list[_Clause]] = {version_id: [] for version_id in versions}
    for row in session.execute(
        select(
            Clause.version_id,
            Clause.anchor,
            Clause.level,
            Clause.sensitivity,
            ClauseText.language,
            ClauseText.heading,
            ClauseText.heading_html,
            ClauseText.html,
            ClauseText.hash,
        )
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(Clause.version_id.in_(versions), ClauseText.language.in_({language, deciding}))
        .order_by(Clause.version_id, Clause.position, ClauseText.language)
    ):
        of = clauses[row.version_id]
        if not of or of[-1].key != row.anchor:
            of.append(_Clause(row.anchor, row.anchor, row.level, row.sensitivity, {}))
        of[-1].texts[row.language] = _Text(row.heading, row.heading_html, row.html, row.hash)
    redline = _redline(clauses[old.id] if old else [], clauses[new.id], language, deciding, only)
    if old is not None:
        redline = _with_other_languages(redline, old, new)
    if only is not None:
        return redline
    texts = {
        (text.version_id, text.language): text
        for text in session.scalars(
            select(VersionText).where(
                VersionText.version_id.in_(versions), VersionText.language.in_({language, deciding})
            )
        )
    }
    shown = language if all((version_id, language) in texts for version_id in versions) else deciding
    before, after = (texts[old.id, shown] if old else None), texts[new.id, shown]
    fields = []
    for name in ("title", "summary", "attestation"):
        marked = mark_words(getattr(before, name) if before else "", getattr(after, name), shown)
        if marked.changed:
            fields.append(FieldRedline(name, shown, marked))
    notes = mark(before.footnotes_html if before else NOTHING, after.footnotes_html, shown)
    return Redline(redline.clauses, redline.changed, tuple(fields), notes if notes.changed else None)


def _with_other_languages(redline: Redline, old: DocumentVersion, new: DocumentVersion) -> Redline:
    """Add where a clause changed in a language that is not shown, while the one that is shown stayed."""
    hashes = hashes_by_language([old, new])
    before, after = hashes.get(old.id, {}), hashes.get(new.id, {})

    def elsewhere(each: ClauseRedline) -> tuple[str, ...]:
        if each.kind not in (ClauseChange.SAME, ClauseChange.MOVED):
            return ()
        return tuple(
            tag
            for tag in LANGUAGES
            # A language that one of them lacks as a whole is no change of its clauses.
            if tag != each.language
            and tag in before
            and tag in after
            and before[tag].get(each.was_anchor or each.anchor) != after[tag].get(each.anchor)
        )

    clauses = tuple(replace(each, elsewhere=elsewhere(each)) for each in redline.clauses)
    return replace(
        redline, clauses=clauses, changed=tuple(each for each in clauses if each.kind is not ClauseChange.SAME)
    )


def redline_of_sources(
    old: str,
    new: str,
    language: str,
    *,
    resolve: Resolver | None = None,
    pictures: Mapping[str, Picture] | None = None,
    only: Collection[str] | None = None,
) -> Redline:
    """Return what differs between two texts as they are written, such as a draft and the version that it follows.

    `resolve` shows the links to clauses (`service.texts.resolver`), `pictures` those of the document; without them
    links lead nowhere and pictures are their alternative texts. Headings without an id
    are told apart by their words. Raises `TextRefused` for a text beyond the limits.
    """
    sides, notes = [], []
    for source in (old, new):
        shown = render_clauses(source, resolve=resolve, language=language, pictures=pictures)
        clauses: list[_Clause] = []
        taken: set[str] = set()
        for written, part in zip(split_clauses(source), shown.clauses, strict=True):
            stem = key = written.anchor or f"~{written.heading}"
            number = 1
            while key in taken:
                number += 1
                key = f"{stem}~{number}"
            taken.add(key)
            text = _Text(written.heading, part.heading, part.body, written.hash)
            # Of an id that stands twice only the first is one that could be cited.
            anchor = written.anchor if key == written.anchor else ""
            clauses.append(_Clause(key, anchor, written.level, written.sensitivity or "S0", {language: text}))
        sides.append(clauses)
        notes.append(shown.footnotes)
    redline = _redline(sides[0], sides[1], language, language, only)
    footnotes = mark(notes[0], notes[1], language) if only is None else None
    return Redline(
        redline.clauses, redline.changed, footnotes=footnotes if footnotes is not None and footnotes.changed else None
    )


def _redline(
    old: Sequence[_Clause], new: Sequence[_Clause], language: str, deciding: str, only: Collection[str] | None
) -> Redline:
    old_by_key = {clause.key: clause for clause in old}
    hashes = [{clause.key: _text(clause, language, deciding).hash for clause in side} for side in (old, new)]
    renamed = {new_key: old_key for old_key, new_key in rules.changes_between(*hashes).moved}
    place = {clause.key: number for number, clause in enumerate(old)}
    # New key → old clause, for those that both have.
    origin = {
        clause.key: old_by_key[renamed.get(clause.key, clause.key)]
        for clause in new
        if clause.key in old_by_key or clause.key in renamed
    }
    elsewhere = moved_places(
        [clause.key for clause in old], [origin[clause.key].key if clause.key in origin else None for clause in new]
    )
    steady = {key for key, before in origin.items() if before.key not in elsewhere}
    kept = {clause.key for clause in origin.values()}

    def wanted(*clauses: _Clause | None) -> bool:
        return only is None or any(clause is not None and clause.anchor in only for clause in clauses)

    rows: list[ClauseRedline] = []

    def removed_from(number: int) -> None:
        """Add what was removed behind a clause that has kept its place, up to the next one that has."""
        for clause in old[number:]:
            if clause.key in kept:
                if clause.key in steady_old:
                    return
            elif wanted(clause):
                rows.append(_one(clause, None, language, deciding, moved=False))

    steady_old = {origin[key].key for key in steady}
    removed_from(0)
    for clause in new:
        before = origin.get(clause.key)
        if wanted(before, clause):
            rows.append(_one(before, clause, language, deciding, moved=before is not None and clause.key not in steady))
        if clause.key in steady and before is not None:
            removed_from(place[before.key] + 1)
    return Redline(tuple(rows), tuple(row for row in rows if row.kind is not ClauseChange.SAME))


def moved_places(old: Sequence[str], new: Sequence[str | None]) -> set[str]:
    """Return what stands at another place among the others: as few as can be, by their names in the old order.

    `new` are the same names in the new order, None for what was not there.
    """
    place = {name: number for number, name in enumerate(old)}
    both = [name for name in new if name is not None]
    return set(both) - {both[number] for number in longest_rising([place[name] for name in both])}


def _text(clause: _Clause, language: str, deciding: str) -> _Text:
    return clause.texts.get(language) or clause.texts[deciding]


def _one(old: _Clause | None, new: _Clause | None, language: str, deciding: str, *, moved: bool) -> ClauseRedline:
    sides = [side for side in (old, new) if side is not None]
    shown = language if all(language in side.texts for side in sides) else deciding
    texts = [side.texts[shown] for side in sides]
    differs = texts[0].hash != texts[-1].hash
    # What a link is called follows its target; of a clause that says the same the newer rendering is shown.
    first, last = (texts[0] if differs else texts[-1]), texts[-1]
    heading = mark(first.heading_html if old else NOTHING, last.heading_html if new else NOTHING, shown)
    body = mark(first.html if old else NOTHING, last.html if new else NOTHING, shown)
    was_anchor = old.anchor if old and new and old.anchor != new.anchor else None
    if old is None:
        kind = ClauseChange.ADDED
    elif new is None:
        kind = ClauseChange.REMOVED
    elif moved or was_anchor is not None:
        kind = ClauseChange.MOVED_AND_CHANGED if differs else ClauseChange.MOVED
    else:
        kind = ClauseChange.CHANGED if differs else ClauseChange.SAME
    return ClauseRedline(
        kind=kind,
        anchor=sides[-1].anchor,
        was_anchor=was_anchor,
        heading=last.heading,
        heading_marked=heading,
        language=shown,
        level=sides[-1].level,
        # The label of what is shown: a reader is warned of what went as well.
        sensitivity=max(side.sensitivity for side in sides),
        inline=body.inline,
        before=body.before,
        after=body.after,
        is_visible=heading.changed or body.changed,
        moved_within=body.moved,
        reworded=heading.changed or body.reworded,
        deciding_changed=bool(
            old and new and not differs and shown != deciding and old.texts[deciding].hash != new.texts[deciding].hash
        ),
    )
