"""A draft that another version overtook takes over what changed in between, clause by clause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.journal.service import record
from portal.library.errors import MergeOutdated, MergeUndecided, NothingToTakeOver
from portal.library.models import DocumentVersion, Draft, DraftText
from portal.library.queries.drafting import latest_of
from portal.library.rules import number_key
from portal.library.rules.merging import Piece, Side, merge, merged_value
from portal.library.service.anchors import with_ids
from portal.library.service.drafts import hold, note_author, proposed_number
from portal.library.service.overlays import written_origins, written_texts
from portal.library.service.texts import TextDraft, pieces_of

# What stands beside a text and goes over from version to version; what to do differently is each version's own.
_LINES = ("title", "summary", "attestation")


@dataclass(frozen=True, slots=True)
class MergedText:
    """What becomes of a text: its lines (None where both changed one) and its clauses."""

    language: str
    lines: dict[str, Piece]
    pieces: list[Piece]

    @property
    def open(self) -> list[tuple[str, Piece]]:
        """What somebody has to choose, as (name of the choice, both texts)."""
        found = [(f"{self.language}-{name}", piece) for name, piece in self.lines.items() if piece.side is None]
        return found + [(f"{self.language}-clause-{each.key}", each) for each in self.pieces if each.side is None]

    @property
    def taken(self) -> list[Piece]:
        """The clauses that are taken over without asking."""
        return [each for each in self.pieces if each.side is Side.THEIRS and each.mine != each.theirs]


@dataclass(frozen=True, slots=True)
class Merge:
    """What a draft takes over of the latest version; `seen` names the texts that were compared."""

    latest: DocumentVersion
    texts: dict[str, MergedText]
    seen: str

    @property
    def open(self) -> list[tuple[str, Piece]]:
        """What somebody has to choose in any language."""
        return [each for text in self.texts.values() for each in text.open]


def is_overtaken(draft: Draft) -> bool:
    """Say whether another version was published since the draft's texts follow one."""
    latest = latest_of(draft.document)
    return latest is not None and latest.id != draft.based_on_id


def compare(draft: Draft) -> Merge:
    """Compare a draft with the version that overtook it. Raises `NothingToTakeOver`."""
    latest = latest_of(draft.document)
    if latest is None or latest.id == draft.based_on_id:
        raise NothingToTakeOver()
    base = written_texts(draft.based_on) if draft.based_on else {}
    theirs = written_texts(latest)
    texts = {}
    for language in LANGUAGES:
        mine = draft.text_in(language)
        if mine is None and language not in theirs:
            continue
        texts[language] = _merged(language, base.get(language), mine, theirs.get(language))
    revisions = "-".join(str(text.revision) if (text := draft.text_in(tag)) else "0" for tag in LANGUAGES)
    return Merge(latest, texts, f"{latest.number}-{revisions}")


def _merged(language: str, base: TextDraft | None, mine: DraftText | None, theirs: TextDraft | None) -> MergedText:
    lines = {}
    for name in _LINES:
        was, own, their = (getattr(text, name) if text is not None else "" for text in (base, mine, theirs))
        value = merged_value(was, own, their)
        side = None if value is None else Side.THEIRS if value == their else Side.MINE
        lines[name] = Piece(name, own, their, side)
    pieces = merge(*(pieces_of(text.source) if text is not None else {} for text in (base, mine, theirs)))
    return MergedText(language, lines, pieces)


def take_over(*, draft: Draft, seen: str, choices: Mapping[str, Side], by: Person) -> Draft:
    """Bring what the latest version changed into the draft, which follows that version from now on.

    `choices` says which text stands where both sides changed one. Raises `DraftNotWritable`, `NothingToTakeOver`,
    `MergeOutdated` where a text was saved since the comparison, and `MergeUndecided`.
    """
    held = hold(draft)
    plan = compare(held)
    if plan.seen != seen:
        raise MergeOutdated()
    if any(name not in choices for name, _piece in plan.open):
        raise MergeUndecided()
    base_origins = written_origins(held.based_on) if held.based_on else {}
    their_origins = written_origins(plan.latest)
    was_proposed = held.number == proposed_number(held, held.change_class)
    now, who = clock.now(), by.code
    for language, merged in plan.texts.items():
        text = held.text_in(language)
        if text is None:
            text = DraftText(language=language, revision=0, made_from={}, saved_at=now, saved_by=who, source="")
            held.texts.append(text)
        for name, piece in merged.lines.items():
            choice = piece.side or choices[f"{language}-{name}"]
            setattr(text, name, (piece.theirs if choice is Side.THEIRS else piece.mine) or "")
        origins = _Origins(base_origins.get(language, {}), dict(text.made_from), their_origins[language])
        source, made_from = _joined(merged, choices, origins)
        text.source = with_ids(source, before=source)
        text.made_from = made_from
        text.revision += 1
        text.saved_at, text.saved_by = now, who
    before = held.based_on.number if held.based_on else None
    held.based_on = plan.latest
    if was_proposed or number_key(held.number) <= number_key(plan.latest.number):
        held.number = proposed_number(held, held.change_class)
    held.revision += 1
    session.flush()
    note_author(held, by)
    record(
        "library.draft_took_over",
        by=by,
        subject=("draft", held.code),
        before={"based_on": before},
        after={"based_on": plan.latest.number, "number": held.number},
    )
    return held


@dataclass(frozen=True, slots=True)
class _Origins:
    """Clause id → hash of the deciding clause that a translation says, in the three texts."""

    base: Mapping[str, str]
    mine: Mapping[str, str]
    theirs: Mapping[str, str]

    def of(self, piece: Piece, side: Side | None) -> str | None:
        """Return what the merged clause says: as the text that was taken does, or whoever marked it anew."""
        key = piece.key
        if side is Side.THEIRS and piece.mine != piece.theirs:
            return self.theirs.get(key)
        if piece.mine == piece.theirs and self.mine.get(key) == self.base.get(key):
            return self.theirs.get(key)
        return self.mine.get(key)


def _joined(merged: MergedText, choices: Mapping[str, Side], origins: _Origins) -> tuple[str, dict[str, str]]:
    parts: list[str] = []
    made_from: dict[str, str] = {}
    for piece in merged.pieces:
        side = piece.side or choices[f"{merged.language}-clause-{piece.key}"]
        texts = piece.chosen(side)
        if side is Side.BOTH and len(texts) > 1:
            # The second of the two is a clause of its own until somebody brings them together.
            texts = [texts[0], _without_braces(texts[1], piece.key)]
        parts += texts
        origin = origins.of(piece, side)
        if texts and origin is not None:
            made_from[piece.key] = origin
    source = "\n\n".join(part for part in parts if part)
    return (f"{source}\n" if source else ""), made_from


def _without_braces(text: str, anchor: str) -> str:
    first, *rest = text.split("\n")
    opening = first.rfind(f"{{#{anchor}")
    return "\n".join([first[:opening].rstrip() if opening > 0 else first, *rest])
