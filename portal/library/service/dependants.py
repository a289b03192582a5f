"""What rests on the clauses that a version changes: the library asks, upper domains answer (see `wiring.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol, TypeVar, cast

from portal.accounts.models import Person
from portal.core import clock
from portal.core.i18n import LazyText
from portal.library import queries
from portal.library.errors import NotEarlier
from portal.library.models import GROUPS, AudienceKind, ChangeClass, Document, DocumentVersion, Draft
from portal.library.queries.drafts import clauses_in
from portal.library.rules import Changes, changes_between
from portal.library.rules.changes import (
    ASKS_AGAIN,
    Touched,
    gravest,
    last_that_counts,
    names_today,
    touched_by,
    was_called_off,
)
from portal.library.rules.overlays import Mode
from portal.library.service import market_texts, overlays
from portal.library.service.changed import Changed, changed_in_draft, changed_in_version

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a version, or a draft, does to the clauses of a document, as plain data.

    Everything is said of the clauses of the version that it changes (`base_number`; None: there is none before it)
    in the language that decides. `number` is the version's own, or the one that a draft proposes.
    """

    document_id: int
    document_slug: str
    base_number: str | None
    number: str
    # None: its author has not said yet; it is shown as if it were material.
    change_class: ChangeClass | None
    # None: when it is published.
    effective_at: datetime | None
    zone: str
    audience: Mapping[AudienceKind, Sequence[str]]
    # Markets that have a text of their own: what changes here is not addressed to them.
    markets_apart: Sequence[str]
    # What a reader finds different, and what of it asks for something to be done again, by clause id.
    clauses: Changes
    touched: Mapping[str, Touched]
    # Number → sequence of the versions that there are; the change's own sequence, None for a draft.
    sequences: Mapping[str, int]
    sequence: int | None
    # Of a market's text: the document and the sequence of the version of its base under it. Confirming that counts.
    laid_over: tuple[int, int] | None = None
    base_slug: str = ""
    # Address and number of the version with which the clauses are compared: of a market's first text that of its base.
    compared: tuple[str, str] | None = None
    # The draft that it is, or of which the version was made; empty: it came another way, or it does not matter.
    draft_code: str = ""
    # What was asked already: several look at the same things.
    _known: dict[str, Any] = field(default_factory=dict)
    _names: Callable[[], Mapping[int, Mapping[str, str]]] = dict
    _changed: Callable[[], Changed] | None = None
    _overlaid: Callable[[], Mapping[str, Mode]] = dict
    _source: Callable[[], str] = str

    @property
    def asks_again(self) -> bool:
        """Whether anything is to be done again because of it; editorial and minor changes ask for nothing."""
        return self.change_class is None or self.change_class.value in ASKS_AGAIN

    @property
    def effective_on(self) -> date | None:
        """The date from which it holds, in its own zone; None: when it is published."""
        return clock.local_date(self.effective_at, self.zone) if self.effective_at else None

    @property
    def takes_effect_at(self) -> datetime:
        """The instant from which it holds, now where it is not known yet."""
        return self.effective_at or clock.now()

    def once(self, key: str, find: Callable[[], T]) -> T:
        """Return what `find` does, found the first time that it is asked for under the key."""
        if key not in self._known:
            self._known[key] = find()
        return cast("T", self._known[key])

    @property
    def changed(self) -> Changed:
        """What became of the clauses, in every language and of their places as well, as pages list it."""
        found = self._changed
        return self.once("changed", found) if found is not None else Changed(self.clauses)

    @property
    def overlaid(self) -> Mapping[str, Mode]:
        """Of a market's text what it does to which clause; empty for every other text."""
        return self.once("overlaid", self._overlaid)

    @property
    def source(self) -> str:
        """Of a market's text what results, in the language that decides; empty for every other text."""
        return self.once("source", self._source)

    def cited_as(self) -> set[str]:
        """Return every clause id under which one of the touched clauses may have been cited."""
        if not self.touched:
            return set()
        earlier = self.once("names", self._names)
        return set(self.touched) | {
            anchor for names in earlier.values() for anchor, today in names.items() if today in self.touched
        }

    def touches(self, *, number: str, anchor: str, clause_hash: str) -> Touched | None:
        """Return what happens to a clause that was cited in a version, or None where it stays what was cited.

        A clause keeps its identity under another id. What was cited in this version or a later one, or reads
        afterwards as it was cited, stays.
        """
        if not self.touched:
            return None
        sequence = self.sequences.get(number)
        if sequence is not None and self.sequence is not None and sequence >= self.sequence:
            return None
        names = self.once("names", self._names).get(sequence) if sequence is not None else None
        today = anchor if names is None else names.get(anchor)
        found = self.touched.get(today) if today is not None else None
        return None if found is None or found.after == clause_hash else found


@dataclass(frozen=True, slots=True)
class AffectedItem:
    """One thing that a change affects: its title, where it is (None: the reader may not open it), more about it."""

    title: str
    href: str | None = None
    note: str = ""
    # Clauses of the document on which it rests.
    clauses: Sequence[str] = ()
    # Whose it is, where the reader may know that.
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Affected:
    """How many things of a kind a change affects, some of them, and what is to be said of all of them."""

    total: int
    items: Sequence[AffectedItem] = ()
    note: str = ""
    # What can be done about them now: its name, and where.
    act: tuple[str, str] | None = None
    # What the person is called whose a thing is; empty where things are nobody's.
    whose: str = ""


class DependantsOfClause(Protocol):
    """A kind of thing that rests on clauses; registered in `wiring.py` by the domain that has it.

    `flips`: its things change their state by the publication itself, so that only a change that asks for something
    to be done again affects them.
    """

    kind: str
    name: LazyText
    flips: bool

    def said(self, total: int, change: Change) -> str:
        """Return the number in words: "11 questions need a re-check"."""

    def affected_by(self, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None) -> Affected:
        """Return what the change affects: all of it counted, and `limit` items from `offset` on, in a fixed order.

        The number of statements grows neither with the items nor with the clauses.
        """


_asked: dict[str, DependantsOfClause] = {}


def register_dependants(dependants: DependantsOfClause) -> None:
    """Ask these too, after those that are asked already."""
    _asked[dependants.kind] = dependants


def all_dependants() -> list[DependantsOfClause]:
    """Return who is asked, in the order in which the answers are shown: first what changes its state."""
    return sorted(_asked.values(), key=lambda each: not each.flips)


def find_dependants(kind: str) -> DependantsOfClause | None:
    """Return who answers for a kind, or None."""
    return _asked.get(kind)


def affected_by(
    dependants: DependantsOfClause, change: Change, *, reader: Person, offset: int = 0, limit: int | None = None
) -> Affected:
    """Ask one of them; a change that asks for nothing flips nothing."""
    if dependants.flips and not change.asks_again:
        return Affected(0)
    return dependants.affected_by(change, reader=reader, offset=offset, limit=limit)


# --- what the change is -------------------------------------------------------------------------


def change_of_draft(draft: Draft) -> Change:
    """Return what publishing a draft as it stands would do, compared with the version that it was begun from."""
    document = draft.document
    until = draft.based_on.sequence if draft.based_on else 0
    base = last_that_counts([version for version in document.versions if version.sequence <= until])
    compared = base or draft.over
    text = overlays.text_of_draft(draft, document.authoritative)
    before = queries.clause_hashes(compared) if compared else {}
    after = clauses_in(text.source) if text else before
    asks_again = draft.change_class is None or draft.change_class.value in ASKS_AGAIN
    return _change(
        document,
        base,
        number=draft.number,
        change_class=draft.change_class,
        effective_at=draft.effective_at,
        zone=draft.zone,
        clauses=changes_between(before, after),
        # Nothing rests on the clauses of a text that is not there yet.
        touched=touched_by(before, [(after, asks_again)]) if base else {},
        sequence=None,
        over=draft.over,
        back=market_texts.markets_back_with(draft),
        _overlaid=lambda: overlays.modes_of_draft(draft),
        _source=lambda: text.source if text is not None and draft.over is not None else "",
        draft_code=draft.code,
        _changed=(lambda: changed_in_draft(compared, draft)) if compared is not None else None,
    )


def change_of_version(version: DocumentVersion, *, draft_code: str = "") -> Change:
    """Return what a published version did, compared with the one before it; `draft_code`: what it was made of."""
    return replace(change_between(base_of(version), version), draft_code=draft_code)


def base_of(version: DocumentVersion) -> DocumentVersion | None:
    """Return the version that a published one changed: the one before it that was not called off."""
    return last_that_counts([each for each in version.document.versions if each.sequence < version.sequence])


def change_between(base: DocumentVersion | None, version: DocumentVersion) -> Change:
    """Return what came between two versions of a document, the gravest class of all that lie between them.

    What only editorial and minor versions changed on the way is shown, and touches nothing. Raises `NotEarlier`.
    """
    document = version.document
    if base is None:
        before = queries.clause_hashes(version.over) if version.over is not None else {}
        clauses = changes_between(before, queries.clause_hashes(version))
        change_class: ChangeClass | None = version.change_class
        touched: dict[str, Touched] = {}
    else:
        if base.sequence >= version.sequence:
            raise NotEarlier(number=base.number, later=version.number)
        steps = [
            each
            for each in document.versions
            if base.sequence < each.sequence < version.sequence and not was_called_off(each)
        ] + [version]
        # Publication compares two of perhaps many versions.
        hashes = (
            {each.id: queries.clause_hashes(each) for each in (base, version)}
            if len(steps) == 1
            else queries.list_clause_hashes(document)
        )
        clauses = changes_between(hashes.get(base.id, {}), hashes.get(version.id, {}))
        touched = touched_by(
            hashes.get(base.id, {}),
            [(hashes.get(each.id, {}), each.change_class.value in ASKS_AGAIN) for each in steps],
        )
        change_class = ChangeClass(gravest([each.change_class.value for each in steps]))
    compared = base or version.over
    return _change(
        document,
        base,
        number=version.number,
        change_class=change_class,
        effective_at=version.effective_at,
        zone=version.zone,
        clauses=clauses,
        touched=touched,
        sequence=version.sequence,
        over=version.over,
        _overlaid=lambda: overlays.modes_of(version),
        _source=lambda: _source_of(version) if version.over is not None else "",
        _changed=(lambda: changed_in_version(compared, version)) if compared is not None else None,
    )


def _source_of(version: DocumentVersion) -> str:
    text = version.text_in(version.document.authoritative)
    return text.source if text is not None else ""


def _change(
    document: Document,
    base: DocumentVersion | None,
    *,
    over: DocumentVersion | None,
    back: Sequence[str] = (),
    **values: Any,
) -> Change:
    """Return the change with what every one of them knows of its document."""
    compared = base or over
    earlier = [
        version
        for version in document.versions
        if base is not None
        and version.sequence <= base.sequence
        and (version.id == base.id or not was_called_off(version))
    ]

    def names() -> dict[int, dict[str, str]]:
        if len(earlier) < 2:
            return {}
        hashes = queries.list_clause_hashes(document)
        followed = names_today([hashes.get(version.id, {}) for version in earlier])
        return {version.sequence: found for version, found in zip(earlier, followed, strict=True)}

    return Change(
        document_id=document.id,
        document_slug=document.slug,
        base_number=base.number if base else None,
        laid_over=(over.document_id, over.sequence) if over is not None else None,
        base_slug=over.document.slug if over is not None else "",
        compared=(compared.document.slug, compared.number) if compared is not None else None,
        audience={kind: tuple(document.audience(kind)) for kind in GROUPS},
        markets_apart=(*document.markets_apart, *back),
        sequences={version.number: version.sequence for version in document.versions},
        _names=names,
        **values,
    )
