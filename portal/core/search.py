"""Search over what the domains contribute: one index, brought up to date in the transaction that changes a text.

A domain registers a `Searchable`: its kinds of entries, what is found of each of its things, who may see them. The
index keeps words and pairs of characters (FTS5 on SQLite, `tsvector` with GIN on PostgreSQL). What must be in a row is
proven by FTS5's places of tokens on SQLite; PostgreSQL keeps too few of them, so the told text itself is looked at in
the candidates. Both find exactly the same.

An entry holds from an instant on and until one: what takes effect tomorrow is found tomorrow, whoever is at work then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Protocol

from flask import Flask, current_app
from sqlalchemy import (
    DDL,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    column,
    delete,
    event,
    false,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import False_

from portal.core import clock
from portal.core.db import Base, BigKey, session
from portal.core.folding import (
    BETWEEN,
    FOLDING,
    Query,
    Term,
    address_token,
    in_heads,
    marks_of,
    pairs_of,
    shortened,
    stems_of,
    tokens_of,
    tokens_of_shortened,
    tokens_of_shortened_head,
    told,
)
from portal.core.i18n import LANGUAGES, LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import periodic
from portal.core.transaction import after_rollback, before_commit

# "search" as a number: the advisory lock that orders the index's writers on PostgreSQL.
_LOCK = 0x73656172
# Things are brought into the index in parts of this size.
_AT_ONCE = 100
_MAX_CANDIDATE_TOKENS = 12
_MAX_ADDRESS = 200
# Of what is found more often only so many are counted and listed, those that stand first in the order of the index.
MOST_LISTED = 500


class SearchEntry(Base):
    """One thing that can be found, with all that is needed to say who may see it and where it stands in the list."""

    __tablename__ = "search_entries"
    __table_args__ = (Index("ix_search_entries_kind_thing_id", "kind", "thing_id"),)

    # Given by whoever writes the index, under its lock: the words refer to it. What is smaller stands before what is
    # larger among hits that are as good as each other: `_number` has rank, size and a number of its own in it.
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(30))
    # The row number of the document, bank or term that it is of.
    thing_id: Mapped[int] = mapped_column(BigInteger)
    # What the domain makes a link of; unique among what holds at one time.
    address: Mapped[str] = mapped_column(String(_MAX_ADDRESS))
    # A word of the domain about it, as "issued", and the version that it is of where its address shows another one.
    state: Mapped[str] = mapped_column(String(20))
    version: Mapped[str] = mapped_column(String(20))
    # How hard it is on its reader, who is told so before it is shown.
    sensitivity: Mapped[str] = mapped_column(String(2))
    # Of hits that are as good as each other the lower comes first, then the shorter.
    rank: Mapped[int]
    size: Mapped[int]
    position: Mapped[int]
    # None: always, and for ever.
    since: Mapped[datetime | None]
    until: Mapped[datetime | None] = mapped_column(index=True)
    # The headings as told texts.
    head_en: Mapped[str] = mapped_column(Text)
    head_ja: Mapped[str] = mapped_column(Text)
    # And their words in other forms: shortened where that is another text, then stems, as the index keeps them.
    forms_en: Mapped[str] = mapped_column(Text)
    forms_ja: Mapped[str] = mapped_column(Text)


class SearchText(Base):
    """What an entry says in one language."""

    __tablename__ = "search_texts"

    entry_id: Mapped[int] = mapped_column(BigKey, ForeignKey("search_entries.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    # Where it stands: the title of its document.
    context: Mapped[str] = mapped_column(Text)
    head: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)


class SearchFolding(Base):
    """How the texts of the index were told when it was made, as `folding.FOLDING` counts it; one row."""

    __tablename__ = "search_foldings"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    # The last number of its own that an entry was given.
    numbered: Mapped[int] = mapped_column(BigInteger, server_default="0")


# The words themselves stand outside the models, because they are another kind of table on each database.
WORDS = "search_entries_fts"
MAKE_WORDS = {
    "sqlite": (f"CREATE VIRTUAL TABLE {WORDS} USING fts5(en, ja, content='', contentless_delete=1, tokenize='ascii')",),
    "postgresql": (
        # The tokens stand where all is that is asked of a hit. They are read by their index alone; out of the way they
        # leave the rows short.
        f"ALTER TABLE search_entries ADD {WORDS}_en tsvector NOT NULL, ADD {WORDS}_ja tsvector NOT NULL",
        f"ALTER TABLE search_entries ALTER {WORDS}_en SET STORAGE EXTERNAL, ALTER {WORDS}_ja SET STORAGE EXTERNAL,"
        " SET (toast_tuple_target = 128)",
        f"CREATE INDEX {WORDS}_ix_en ON search_entries USING gin ({WORDS}_en)",
        f"CREATE INDEX {WORDS}_ix_ja ON search_entries USING gin ({WORDS}_ja)",
        # The told texts are looked at only where tokens prove too little.
        f"CREATE TABLE {WORDS} (rowid bigint PRIMARY KEY REFERENCES search_entries (id) ON DELETE CASCADE,"
        " told_en text NOT NULL, told_ja text NOT NULL, short_en text NOT NULL, short_ja text NOT NULL)",
        f"ALTER TABLE {WORDS} ALTER told_en SET STORAGE MAIN, ALTER told_ja SET STORAGE MAIN,"
        " ALTER short_en SET STORAGE MAIN, ALTER short_ja SET STORAGE MAIN",
    ),
}
DROP_WORDS = f"DROP TABLE {WORDS}"

for _dialect, _statements in MAKE_WORDS.items():
    for _statement in _statements:
        event.listen(
            SearchEntry.__table__,
            "after_create",
            DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]
        )
event.listen(SearchEntry.__table__, "before_drop", DDL(DROP_WORDS))  # type: ignore[no-untyped-call]

_words = table(WORDS, *map(column, ("rowid", "told_en", "told_ja", "short_en", "short_ja")))
_entry = SearchEntry.__table__.c
# On PostgreSQL alone.
_tokens: dict[str, ColumnElement[Any]] = {tag: literal_column(f"search_entries.{WORDS}_{tag}") for tag in LANGUAGES}


# --- what domains contribute --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntryText:
    """What is found in one language: where it stands, its heading, its words without marks."""

    context: str
    head: str
    body: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be found, in the languages in which there is a text."""

    kind: str
    thing_id: int
    address: str
    texts: Mapping[str, EntryText]
    state: str = ""
    version: str = ""
    sensitivity: str = "S0"
    # Among those of its kind, from 0 to 9.
    rank: int = 0
    position: int = 0
    since: datetime | None = None
    until: datetime | None = None


class Searchable(Protocol):
    """What a domain lets people find."""

    name: str
    # kind → what the page calls its entries, in the order of the page.
    kinds: Mapping[str, LazyText]
    # kind → what it calls one of them.
    names: Mapping[str, LazyText]
    # kind → where its entries stand among those of other kinds that are found as well; no two are the same.
    ranks: Mapping[str, int]

    def list_things(self) -> Sequence[int]:
        """Return the row numbers of all its things."""

    def entries_of(self, things: Collection[int], at: datetime) -> Iterable[Entry]:
        """Return what is found of these things from an instant on, as far as that is known."""

    def reach(self, person: Any) -> ColumnElement[bool]:
        """Return the condition on `SearchEntry` that holds for what the person may see."""

    def href(self, hit: Hit) -> str:
        """Return where a hit leads."""


_searchables: dict[str, Searchable] = {}


def register(searchable: Searchable) -> None:
    """Let a domain's things be found."""
    _searchables[searchable.name] = searchable


def searchables() -> list[Searchable]:
    """Return what can be found, in the order of registration."""
    return list(_searchables.values())


def searchable_of(kind: str) -> Searchable:
    """Return whose entries are of a kind."""
    return next(each for each in _searchables.values() if kind in each.kinds)


# --- keeping the index --------------------------------------------------------------------------


def changed(name: str, things: Iterable[int]) -> None:
    """Note that what is found of these things may be different now; the transaction's end brings it in."""
    session.info.setdefault("search_changed", {}).setdefault(name, set()).update(things)


def bring_in() -> None:
    """Bring what this transaction has changed into the index."""
    noted: dict[str, set[int]] = session.info.pop("search_changed", {})
    for name, things in noted.items():
        searchable = _searchables.get(name)
        if searchable is not None and things:
            for part in _parts(sorted(things)):
                _renew(searchable, part)


def _forget() -> None:
    session.info.pop("search_changed", None)


def _parts(things: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(things)
    while part := list(islice(rest, _AT_ONCE)):
        yield part


def _on_postgresql() -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _renew(searchable: Searchable, things: Sequence[int]) -> None:
    session.flush()
    if _on_postgresql():
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    _take_out(and_(SearchEntry.kind.in_(searchable.kinds), SearchEntry.thing_id.in_(things)))
    folding = session.get(SearchFolding, 1, populate_existing=True)
    if folding is None:
        # Nothing has been brought in before.
        folding = SearchFolding(id=1, number=FOLDING, numbered=0)
        session.add(folding)
    entries: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    found = [_as_kept(entry) for entry in searchable.entries_of(things, clock.now())]
    numbers = [
        _number(kept.facts["rank"], kept.facts["size"], own) for own, kept in enumerate(found, folding.numbered + 1)
    ]
    folding.numbered += len(found)
    # FTS5 writes down what it holds whenever a number is smaller than the one before.
    for number, kept in sorted(zip(numbers, found, strict=True), key=itemgetter(0)):
        entries.append({"id": number, **kept.facts})
        texts += [{"entry_id": number, "language": language, **said} for language, said in kept.texts.items()]
        words.append({"rowid": number, **_as_words(kept)})
    if not entries:
        return
    if _on_postgresql():
        session.execute(_ADD_ENTRY_WITH_TOKENS, [entry | said for entry, said in zip(entries, words, strict=True)])
        session.execute(_ADD_TOLD, words)
    else:
        session.execute(insert(SearchEntry), entries)
        session.execute(text(f"INSERT INTO {WORDS} (rowid, en, ja) VALUES (:rowid, :en, :ja)"), words)
    session.execute(insert(SearchText), texts)


_MOST_RANK, _MOST_SIZE, _OWN_BITS = 1 << 10, 1 << 12, 32


def _number(rank: int, size: int, own: int) -> int:
    """Return the number of an entry: by rank, then by size, then by a number of its own."""
    return ((rank % _MOST_RANK) * _MOST_SIZE + min(size // 4, _MOST_SIZE - 1) << _OWN_BITS) + own % (1 << _OWN_BITS)


def _numbers_of(kind: str) -> tuple[int, int]:
    """Return the least and the largest number that an entry of a kind may have."""
    first = searchable_of(kind).ranks[kind] * 10
    return _number(first, 0, 0), _number(first + 10, 0, 0) - 1


_ADD_TOLD = text(
    f"INSERT INTO {WORDS} (rowid, told_en, told_ja, short_en, short_ja)"
    " VALUES (:rowid, :told_en, :told_ja, :short_en, :short_ja)"
)
_FACTS = [each.name for each in SearchEntry.__table__.columns]
_ADD_ENTRY_WITH_TOKENS = text(
    f"INSERT INTO search_entries ({', '.join(_FACTS)}, {WORDS}_en, {WORDS}_ja)"
    f" VALUES ({', '.join(f':{each}' for each in _FACTS)},"
    " array_to_tsvector(CAST(:en AS text[])), array_to_tsvector(CAST(:ja AS text[])))"
)


def _as_words(kept: _Kept) -> dict[str, Any]:
    if _on_postgresql():
        return {
            **{tag: sorted({*kept.tokens[tag], *kept.marks[tag], *_pairs_in(kept.told[tag])}) for tag in LANGUAGES},
            **{f"told_{tag}": kept.told[tag] for tag in LANGUAGES},
            **{f"short_{tag}": kept.short[tag] for tag in LANGUAGES},
        }
    return {tag: " ".join([*kept.tokens[tag], *sorted(kept.marks[tag])]) for tag in LANGUAGES}


def _pairs_in(told_lines: str) -> set[str]:
    return {pair for line in told_lines.split("\n") for pair in pairs_of(line)}


def _take_out(which: ColumnElement[bool]) -> None:
    gone = select(SearchEntry.id).where(which)
    session.execute(delete(_words).where(_words.c.rowid.in_(gone)).execution_options(synchronize_session=False))
    session.execute(
        delete(SearchText).where(SearchText.entry_id.in_(gone)).execution_options(synchronize_session=False)
    )
    session.execute(delete(SearchEntry).where(which).execution_options(synchronize_session=False))


@dataclass(frozen=True, slots=True)
class _Kept:
    """An entry as it is written down: facts, texts, and by language what is looked up."""

    facts: dict[str, Any]
    texts: dict[str, dict[str, str]]
    # Head and body as told texts, a line each.
    told: dict[str, str]
    # The same shortened, where that is another text.
    short: dict[str, str]
    tokens: dict[str, list[str]]
    marks: dict[str, set[str]]


def _as_kept(entry: Entry) -> _Kept:
    kept = _Kept(
        facts={
            "kind": entry.kind,
            "thing_id": entry.thing_id,
            "address": entry.address,
            "state": entry.state,
            "version": entry.version,
            "sensitivity": entry.sensitivity,
            "rank": searchable_of(entry.kind).ranks[entry.kind] * 10 + entry.rank,
            "position": entry.position,
            "since": entry.since,
            "until": entry.until,
            **{f"forms_{tag}": "" for tag in LANGUAGES},
        },
        texts={},
        told=dict.fromkeys(LANGUAGES, ""),
        short=dict.fromkeys(LANGUAGES, ""),
        tokens={tag: [] for tag in LANGUAGES},
        marks={tag: set() for tag in LANGUAGES},
    )
    for tag, given in entry.texts.items():
        # A database keeps no NUL.
        context, head, body = (each.replace("\x00", " ") for each in (given.context, given.head, given.body))
        kept.texts[tag] = {"context": context, "head": head, "body": body}
        told_head, told_body = told(head), told(body)
        kept.told[tag] = f"{told_head}\n{told_body}"
        head_tokens = tokens_of(told_head)
        kept.tokens[tag][:] = [*head_tokens, BETWEEN, *tokens_of(told_body), BETWEEN, *in_heads(head_tokens), BETWEEN]
        kept.marks[tag].update(marks_of(kept.told[tag]), stems_of(kept.told[tag]), {address_token(entry.address)})
        kept.marks[tag].update(in_heads([*marks_of(told_head), *stems_of(told_head)]))
        short_head, short_body = shortened(told_head), shortened(told_body)
        if (short_head, short_body) != (told_head, told_body):
            kept.short[tag] = f"{short_head}\n{short_body}"
            kept.tokens[tag] += [*tokens_of_shortened(short_head), BETWEEN, *tokens_of_shortened(short_body), BETWEEN]
            kept.tokens[tag] += [*tokens_of_shortened_head(short_head), BETWEEN]
        kept.facts[f"forms_{tag}"] = " ".join(
            [short_head if short_head != told_head else "", *sorted(stems_of(told_head)), ""]
        )
    kept.facts.update({f"head_{tag}": kept.told[tag].partition("\n")[0] for tag in LANGUAGES})
    kept.facts["size"] = min((len(said) for said in kept.told.values() if said), default=0)
    return kept


def rebuild() -> Iterator[tuple[int, int]]:
    """Make the index anew, part by part; yields how many of how many things are done.

    Whoever calls it may end its transaction after each part. What no domain has any more goes first.
    """
    of_kinds = [kind for searchable in searchables() for kind in searchable.kinds]
    _take_out(SearchEntry.kind.not_in(of_kinds))
    todo = {searchable.name: list(searchable.list_things()) for searchable in searchables()}
    total, done = sum(map(len, todo.values())), 0
    for searchable in searchables():
        things = todo[searchable.name]
        _take_out(and_(SearchEntry.kind.in_(searchable.kinds), SearchEntry.thing_id.not_in(things)))
        for part in _parts(things):
            _renew(searchable, part)
            done += len(part)
            if done == total:
                _note_folding()
            yield done, total
    if not total:
        _note_folding()


def _note_folding() -> None:
    """Note that all of the index is told as texts are told now."""
    kept = session.get(SearchFolding, 1)
    if kept is None:
        session.add(SearchFolding(id=1, number=FOLDING, numbered=0))
    else:
        kept.number = FOLDING


def folded_otherwise() -> int | None:
    """Return how the index was told, if that is not how texts are told now; None where they agree."""
    number = session.scalar(select(SearchFolding.number))
    return None if number in (None, FOLDING) else number


@periodic("core.tidy_search", minutes=10, what=_l("Bring the search index up to date"))
def tidy() -> Iterator[Any]:
    """Forget what is no longer found, and take in what is missing: after a restored backup or a new release.

    Where texts are told in another way by now, all of the index is made anew; until then most is found all the same.
    """
    if folded_otherwise() is not None:
        yield from rebuild()
    _take_out(SearchEntry.until <= clock.now())
    yield None
    for searchable in searchables():
        known = set(session.scalars(select(SearchEntry.thing_id).where(SearchEntry.kind.in_(searchable.kinds))))
        for part in _parts(thing for thing in searchable.list_things() if thing not in known):
            _renew(searchable, part)
            yield None


def disagreements() -> list[str]:
    """Return one sentence for each thing whose entries are not what its texts say, and for entries without words."""
    now = clock.now()
    if (number := folded_otherwise()) is not None:
        return [
            f"search: the index is told by folding {number}, texts by {FOLDING}; the worker makes it anew by itself,"
            " or: flask --app wsgi search rebuild"
        ]
    broken = []
    for searchable in searchables():
        things = list(searchable.list_things())
        for part in _parts(things):
            wanted = _by_thing(
                _facts_of(kept.facts, kept.texts, now) for kept in map(_as_kept, searchable.entries_of(part, now))
            )
            stored = _by_thing(_stored(searchable, part, now))
            broken += [
                f"search: what is found of {searchable.name} {thing} is not what its texts say"
                for thing in part
                if wanted.get(thing) != stored.get(thing)
            ]
        lost = session.scalars(
            select(SearchEntry.thing_id)
            .where(SearchEntry.kind.in_(searchable.kinds), SearchEntry.thing_id.not_in(things))
            .distinct()
            .order_by(SearchEntry.thing_id)
        )
        broken += [f"search: there are entries of {searchable.name} {thing}, which does not exist" for thing in lost]
    # SQLite keeps no words to look at, but a row for each of their owners.
    owners = f"SELECT {'rowid' if _on_postgresql() else 'id'} FROM {WORDS}{'' if _on_postgresql() else '_docsize'}"
    numbers = set(session.scalars(select(SearchEntry.id)))
    with_words = set(session.execute(text(owners)).scalars())
    if numbers != with_words:
        broken.append(f"search: {len(numbers ^ with_words)} entries have no words, or words no entry")
    return [f"{breach}; mend it with: flask --app wsgi search rebuild" for breach in broken]


def _facts_of(facts: dict[str, Any], texts: dict[str, dict[str, str]], now: datetime) -> dict[str, Any]:
    facts = {**facts, "texts": texts}
    # That it holds already is all that matters of its beginning.
    facts["since"] = None if facts["since"] is None or facts["since"] <= now else facts["since"]
    return facts


def _stored(searchable: Searchable, things: Sequence[int], now: datetime) -> Iterator[dict[str, Any]]:
    rows = session.execute(
        select(SearchEntry.__table__).where(
            SearchEntry.kind.in_(searchable.kinds),
            SearchEntry.thing_id.in_(things),
            or_(SearchEntry.until.is_(None), SearchEntry.until > now),
        )
    ).all()
    texts: dict[int, dict[str, dict[str, str]]] = {}
    for said in session.execute(
        select(SearchText.__table__).where(SearchText.entry_id.in_([row.id for row in rows]))
    ).mappings():
        values = dict(said)
        texts.setdefault(values.pop("entry_id"), {})[values.pop("language")] = values
    for row in rows:
        facts = dict(row._mapping)
        yield _facts_of(facts, texts.get(facts.pop("id"), {}), now)


def _by_thing(found: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    of_thing: dict[int, list[dict[str, Any]]] = {}
    for facts in found:
        of_thing.setdefault(facts["thing_id"], []).append(facts)
    for facts_list in of_thing.values():
        facts_list.sort(
            key=lambda each: (each["kind"], each["address"], each["state"], str(each["since"]), each["version"])
        )
    return of_thing


# --- finding ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found, with its texts by language."""

    kind: str
    thing_id: int
    address: str
    state: str
    version: str
    sensitivity: str
    # Until when it holds, where that is known.
    until: datetime | None
    texts: dict[str, EntryText]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits, best first, and how many there are of each kind in all."""

    hits: list[Hit]
    # Where there are more than are listed, one more than that.
    counts: Mapping[str, int]
    # As many as can be listed.
    total: int
    # Whether there are more.
    has_more: bool = False


NOTHING_FOUND = Found([], {}, 0)


def search(
    query: Query,
    person: Any,
    *,
    kinds: Collection[str] | None = None,
    language: str | None = None,
    things: Select[int] | None = None,
    limit: int = 20,
    offset: int = 0,
    at: datetime | None = None,
) -> Found:
    """Return what the person may see and the query finds, in texts of a language or of any, of these things or of all.

    `total` is that of the kinds asked for, `counts` tells all kinds. Headings that say exactly what was typed come
    first, then headings with all of it, then those with other forms of its words, then texts with all of it in a row,
    then the rest, that with other forms last; among equals the lower rank, then the shorter text. Of what is found more
    than `MOST_LISTED` times the first are listed.
    """
    if not query:
        return NOTHING_FOUND
    whose = _may_see_by_kind(person, at or clock.now())
    if not whose:
        return NOTHING_FOUND
    if things is not None:
        whose = {kind: [*seen, _entry.thing_id.in_(things)] for kind, seen in whose.items()}
    with _without_scans():
        with _planned_anew():
            rows = session.execute(_ranked(query, language, whose)).all()
        counts = Counter(kind for kind, *_place in rows)
        if len(rows) > MOST_LISTED:
            among = {kind: seen for kind, seen in whose.items() if kind in counts and (kinds is None or kind in kinds)}
            return _first_found(query, language, among, counts, slice(offset, offset + limit))
    listed = sorted((closeness, number) for kind, closeness, number in rows if kinds is None or kind in kinds)
    return Found(_hits_of([number for _closeness, number in listed[offset : offset + limit]]), counts, len(listed))


def list_first_of(things: Select[int], person: Any, kind: str, limit: int) -> list[Hit]:
    """Return the first entries of a kind that the person may see of these things, in their order."""
    seen = _may_see_by_kind(person, clock.now()).get(kind, [false()])
    first = select(_entry.id).where(_entry.kind == kind, _entry.thing_id.in_(things), *seen)
    order = (_entry.thing_id, _entry.position, _entry.id)
    return _hits_of(list(session.scalars(first.order_by(*order).limit(limit))))


def _ranked(query: Query, language: str | None, whose: Mapping[str, list[ColumnElement[bool]]]) -> Select[Any]:
    """Return the statement for the kind, closeness and number of what is found, of no kind more than is listed and one.

    How close it is to what was typed is told only where not more is found than is listed.
    """
    words, source = _words_are(query, language), _joined_with(query)
    of_kinds = [
        select(_entry.id, literal(kind).label("kind"))
        .select_from(source)
        .where(*words, _is_of(kind), *seen)
        .limit(MOST_LISTED + 1)
        .subquery()
        for kind, seen in whose.items()
    ]
    numbers = union_all(*map(select, of_kinds)).cte("found").prefix_with("MATERIALIZED")
    many = select(func.count()).select_from(numbers).scalar_subquery()
    joined = numbers.join(SearchEntry.__table__, _entry.id == numbers.c.id)
    if _on_postgresql() and _looks_into_texts(query, is_ranked=True):
        joined = joined.join(_words, _words.c.rowid == numbers.c.id)
    closeness = case((many > MOST_LISTED, literal(-1)), else_=_closeness(query))
    return select(numbers.c.kind, closeness, numbers.c.id).select_from(joined)


def _is_of(kind: str) -> ColumnElement[bool]:
    """Return the condition that an entry is of a kind; by its number, which FTS5 finds by, once all are numbered so."""
    if _on_postgresql() or not _is_numbered():
        return _entry.kind == kind
    return _words.c.rowid.between(*_numbers_of(kind))


def _is_numbered() -> bool:
    """Say whether the index is as it is made now; asked until it is so."""
    known = current_app.extensions.setdefault("search", {})
    if not known.get("is_numbered"):
        known["is_numbered"] = folded_otherwise() is None
    return bool(known["is_numbered"])


def _first_found(
    query: Query,
    language: str | None,
    whose: Mapping[str, list[ColumnElement[bool]]],
    counts: Mapping[str, int],
    page: slice,
) -> Found:
    """Return a page of what is found very often: what is best is looked up first, and no more than is shown."""
    in_all = sum(counts[kind] for kind in whose)
    total = min(in_all, MOST_LISTED)
    wanted = min(page.stop, total)
    reach = or_(false(), *(and_(_is_of(kind), *seen) for kind, seen in whose.items()))
    ranked: dict[int, None] = {}
    for stage in _stages(query, language):
        if len(ranked) >= wanted:
            break
        # What was found by an earlier stage is found again.
        ranked.update(dict.fromkeys(_first_of(stage, reach, query, wanted)))
    return Found(_hits_of(list(ranked)[page.start : wanted]), counts, total, has_more=in_all > total)


@contextmanager
def _set(name: str, value: str, after: str) -> Iterator[None]:
    """Set something of PostgreSQL for what is asked within, and set it back."""
    if not _on_postgresql():
        yield
        return
    session.execute(text(f"SET LOCAL {name} = {value}"))
    yield
    session.execute(text(f"SET LOCAL {name} = {after}"))


def _without_scans() -> AbstractContextManager[None]:
    """Have PostgreSQL use its indexes: it does not know how much dearer the tokens of an entry are than they."""
    return _set("enable_seqscan", "off", "on")


def _planned_anew() -> AbstractContextManager[None]:
    """Have PostgreSQL plan for what is sought: a plan for anything does not know how often it stands in the texts."""
    return _set("plan_cache_mode", "force_custom_plan", "auto")


# On PostgreSQL so many times as many as are wanted are looked at more closely, of what the index finds; and so many
# entries are looked at before the index is asked where a single character is sought, which stands nearly everywhere.
_LOOKED_AT, _LOOKED_AT_FIRST = 8, 200


def _first_of(stage: _Stage, reach: ColumnElement[bool], query: Query, wanted: int) -> list[int]:
    """Return the first that a stage finds, in the order of numbers.

    FTS5 finds in this order. PostgreSQL must not: it would read the tokens of entry after entry. It collects what its
    index finds, and looks at the first of them more closely; at all of them only where these do not suffice.
    """
    if not _on_postgresql():
        found = select(_words.c.rowid).select_from(_joined_with(query)).where(*stage.by_tokens, *stage.exactly, reach)
        return list(session.scalars(found.order_by(_words.c.rowid).limit(wanted)))
    collected = select(_entry.id).where(*stage.by_tokens, reach).cte("collected").prefix_with("MATERIALIZED")
    in_order = select(collected.c.id).order_by(collected.c.id)
    if not stage.exactly:
        found_ids = _among_the_first(stage, reach, wanted) if len(query.text) == 1 else []
        return found_ids if len(found_ids) == wanted else list(session.scalars(in_order.limit(wanted)))
    found_ids = []
    for looked_at in (wanted * _LOOKED_AT, None):
        first = in_order.limit(looked_at).cte("first").prefix_with("MATERIALIZED")
        source = first.join(SearchEntry.__table__, _entry.id == first.c.id)
        if _looks_into_texts(query, is_ranked=True):
            source = source.join(_words, _words.c.rowid == first.c.id)
        exact = select(first.c.id).select_from(source).where(*stage.exactly)
        many = select(-func.count()).select_from(collected)
        count, *found_ids = sorted(session.scalars(union_all(many, exact)))
        if looked_at is None or -count <= looked_at or len(found_ids) >= wanted:
            break
    return found_ids[:wanted]


def _among_the_first(stage: _Stage, reach: ColumnElement[bool], wanted: int) -> list[int]:
    """Return what a stage finds among the first entries that could be found at all."""
    there = select(_entry.id).where(reach).order_by(_entry.id).limit(_LOOKED_AT_FIRST)
    first = there.cte("first").prefix_with("MATERIALIZED")
    source = first.join(SearchEntry.__table__, _entry.id == first.c.id)
    found = select(first.c.id).select_from(source).where(*stage.by_tokens)
    return list(session.scalars(found.order_by(first.c.id).limit(wanted)))


def _hits_of(ids: Sequence[int]) -> list[Hit]:
    """Return the entries of these numbers in their order, with their texts."""
    if not ids:
        return []
    hits: dict[int, Hit] = {}
    for entry, said in session.execute(
        select(SearchEntry, SearchText)
        .join(SearchText, SearchText.entry_id == SearchEntry.id)
        .where(SearchEntry.id.in_(ids))
        .order_by(SearchText.language)
    ):
        hit = hits.setdefault(
            entry.id,
            Hit(
                kind=entry.kind,
                thing_id=entry.thing_id,
                address=entry.address,
                state=entry.state,
                version=entry.version,
                sensitivity=entry.sensitivity,
                until=entry.until,
                texts={},
            ),
        )
        hit.texts[said.language] = EntryText(said.context, said.head, said.body)
    return [hits[number] for number in ids]


def select_things(query: Query, person: Any, kinds: Collection[str], at: datetime | None = None) -> Select[int]:
    """Return the statement for the row numbers of the things of these kinds in which the query finds something."""
    whose = _may_see_by_kind(person, at or clock.now())
    seen = or_(false(), *(and_(_entry.kind == kind, *whose[kind]) for kind in kinds if kind in whose))
    return select(_entry.thing_id).select_from(_joined_with(query)).where(*_words_are(query, None), seen)


def things_saying(query: Query, kinds: Collection[str]) -> set[int]:
    """Return the row numbers of the things of these kinds whose address shows all terms, each anywhere in its texts.

    Whoever asks sees to it that nobody learns of what she may not see.
    """
    found: set[int] | None = None
    for term in query.terms:
        one = replace(query, terms=(term,), needles=(term.needle,))
        things = set(
            session.scalars(
                select(SearchEntry.thing_id)
                .select_from(_joined_with(one))
                .where(
                    *_words_are(one, None),
                    *_holds(clock.now()),
                    SearchEntry.kind.in_(kinds),
                    SearchEntry.version == "",
                )
            )
        )
        found = things if found is None else found & things
    return found or set()


def _joined_with(query: Query, *, is_ranked: bool = False) -> Any:
    """Return the entries with what is asked of their words.

    On PostgreSQL the told texts are read only where tokens prove too little.
    """
    if not query or (_on_postgresql() and not _looks_into_texts(query, is_ranked=is_ranked)):
        return SearchEntry.__table__
    return SearchEntry.__table__.join(_words, _words.c.rowid == _entry.id)


def _looks_into_texts(query: Query, *, is_ranked: bool) -> bool:
    """Say whether tokens prove too little of a query on PostgreSQL."""
    looked_at = [each for term in query.terms for each in (term, term.short) if each is not None]
    return not all(each.is_proven for each in looked_at) or (is_ranked and len(query.terms) > 1)


def _may_see_by_kind(person: Any, at: datetime) -> dict[str, list[ColumnElement[bool]]]:
    """Return by kind the conditions that an entry holds at an instant and that the person may see it.

    Kinds of which she may see nothing are left out.
    """
    holds = _holds(at)
    reach = [(each.kinds, each.reach(person)) for each in searchables()]
    return {kind: [*holds, reached] for kinds, reached in reach if not isinstance(reached, False_) for kind in kinds}


def _holds(at: datetime) -> list[ColumnElement[bool]]:
    return [or_(_entry.since.is_(None), _entry.since <= at), or_(_entry.until.is_(None), _entry.until > at)]


def _words_are(query: Query, language: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions that every term is in an entry, in whatever form."""
    if not query:
        return []
    if _on_postgresql():
        tags = [tag for tag in LANGUAGES if language in (None, tag)]
        return [_is_anywhere(term, tags) for term in query.terms]
    return [_fts5(_all_of(query), language)]


def _fts5(expression: str, language: str | None = None) -> ColumnElement[bool]:
    return literal_column(WORDS).op("MATCH", is_comparison=True)(_within(expression, language))


def _within(expression: str, language: str | None) -> str:
    return expression if language is None else f"{{{language}}} : ({expression})"


def _all_of(query: Query) -> str:
    return " AND ".join(map(_in_any_form, query.terms))


def _in_any_form(term: Term) -> str:
    wanted = [_phrase(term)]
    if term.short is not None:
        wanted += [_phrase(term.short), _phrase(term.short.as_form)]
    wanted += [f'"{each}"' for each in term.stem_tokens]
    if term.address:
        wanted.append(f'"{address_token(term.address)}" *')
    return f"({' OR '.join(wanted)})"


def _phrase(term: Term) -> str:
    # In quotes nothing is a word of FTS5's own language, and no run holds a quote.
    return f'"{" ".join([*term.tokens, *([term.prefix] if term.prefix else [])])}"{" *" if term.prefix else ""}'


def _is_anywhere(term: Term, tags: Sequence[str]) -> ColumnElement[bool]:
    """Return what PostgreSQL is asked of a term, in whatever form, in texts of these languages."""
    by_tokens = list(map(_quoted, term.stem_tokens))
    if term.address:
        by_tokens.append(f"{_quoted(address_token(term.address))}:*")
    ways = [(term, "told")]
    if term.short is not None:
        ways += [(term.short, "told")] if term.short.needle != term.needle else []
        ways += [(term.short.as_form, "short")]
    looked_at = []
    for way, where in ways:
        if way.is_proven:
            by_tokens.append(f"({_candidates(way)})")
        else:
            looked_at.append(_is_in_told(way, where, tags))
    if by_tokens:
        looked_at += [_has_tokens(tag, " | ".join(by_tokens)) for tag in tags]
    return or_(*looked_at)


def _is_in_told(term: Term, where: str, tags: Sequence[str]) -> ColumnElement[bool]:
    return and_(
        or_(*(_has_tokens(tag, _candidates(term)) for tag in tags)),
        or_(*(func.strpos(_words.c[f"{where}_{tag}"], term.needle) > 0 for tag in tags)),
    )


def _candidates(term: Term) -> str:
    """Return what a text must have in which the term is."""
    # So many are enough to find the candidates by.
    tokens = list(dict.fromkeys([*term.pairs, *term.tokens]))[:_MAX_CANDIDATE_TOKENS]
    beginnings = [each for each in (term.prefix_pair or term.prefix,) if each]
    return " & ".join([*map(_quoted, tokens), *(f"{_quoted(each)}:*" for each in beginnings)])


def _quoted(token: str) -> str:
    return f"'{token}'"


def _has_tokens(tag: str, wanted: str) -> ColumnElement[bool]:
    return _tokens[tag].op("@@", is_comparison=True)(cast(wanted, TSQUERY))


def _closeness(query: Query) -> ColumnElement[int]:
    """Return how close an entry is to what was typed, the closest first; `_stages` looks up one after the other."""
    heads = (_entry.head_en, _entry.head_ja)
    steps: list[tuple[ColumnElement[bool], int]] = [
        (_is_headed(query), 0),
        (or_(*(and_(*(_position(head, needle) > 0 for needle in query.needles)) for head in heads)), 1),
    ]
    if _has_forms(query):
        steps.append((or_(*(and_(*(_is_in_head(term, tag) for term in query.terms)) for tag in LANGUAGES)), 2))
    if len(query.terms) > 1:
        steps.append((_is_in_a_row(query.row), 3))
    if _has_forms(query):
        steps.append((_is_as_typed(query), 4))
        return case(*steps, else_=5)
    return case(*steps, else_=4)


@dataclass(frozen=True, slots=True)
class _Stage:
    """A part of what is found: by tokens, which an index looks up, and what must hold of it besides."""

    by_tokens: list[ColumnElement[bool]]
    exactly: list[ColumnElement[bool]] = field(default_factory=list)


def _stages(query: Query, language: str | None) -> Iterator[_Stage]:
    """Yield the parts of what is found, the closest first, as `_closeness` says it.

    What a stage before has found, one after it finds as well.
    """
    address = address_token(query.text) if query.text.isascii() and len(query.text) <= _MAX_ADDRESS else ""
    return (_stages_on_postgresql if _on_postgresql() else _stages_on_sqlite)(query, language, address)


def _stages_on_sqlite(query: Query, language: str | None, address: str) -> Iterator[_Stage]:
    def narrowed(expression: str) -> list[ColumnElement[bool]]:
        return [_fts5(f"({expression}) AND ({_within(_all_of(query), language)})")]

    def in_heads_of(terms: Sequence[Term]) -> str:
        wanted = " AND ".join(_in_any_form(term.in_head) for term in terms)
        return " OR ".join(f"({{{tag}}} : ({wanted}))" for tag in LANGUAGES)

    typed = _as_typed(query)
    exactly = [_phrase(query.row.in_head), *([f'"{address}"'] if address else [])]
    yield _Stage(narrowed(" OR ".join(exactly)), [_is_headed(query)])
    yield _Stage(narrowed(in_heads_of(typed.terms)))
    if _has_forms(query):
        yield _Stage(narrowed(in_heads_of(query.terms)))
    if len(query.terms) > 1:
        yield _Stage(narrowed(_phrase(query.row)))
    if _has_forms(query):
        yield _Stage(narrowed(_all_of(typed)))
    yield _Stage([_fts5(_all_of(query), language)])


def _stages_on_postgresql(query: Query, language: str | None, address: str) -> Iterator[_Stage]:
    tags = [tag for tag in LANGUAGES if language in (None, tag)]
    by_tokens = [_might_be_anywhere(term, tags) for term in query.terms]
    exactly = _words_are(query, language) if _looks_into_texts(query, is_ranked=False) else []

    def in_heads_of(terms: Sequence[Term]) -> _Stage:
        might = [and_(*(_has_tokens(tag, _alternatives(term.in_head)) for term in terms)) for tag in LANGUAGES]
        there = [and_(*(_is_in_head(term, tag) for term in terms)) for tag in LANGUAGES]
        return _Stage([or_(*might), *by_tokens], [or_(*there), *exactly])

    typed = _as_typed(query)
    whole = [*([_quoted(address)] if address else []), _alternatives(query.row.in_head)]
    headed = or_(*(_has_tokens(tag, " | ".join(whole)) for tag in LANGUAGES))
    yield _Stage([headed, *by_tokens], [_is_headed(query), *exactly])
    yield in_heads_of(typed.terms)
    if _has_forms(query):
        yield in_heads_of(query.terms)
    if len(query.terms) > 1:
        row = query.row
        yield _Stage([_might_be_anywhere(row, LANGUAGES), *by_tokens], [_is_in_a_row(row), *exactly])
    if _has_forms(query):
        yield _Stage(
            [*(_might_be_anywhere(term, LANGUAGES) for term in typed.terms), *by_tokens],
            [*_words_are(typed, None), *exactly] if _looks_into_texts(typed, is_ranked=False) else exactly,
        )
    yield _Stage(by_tokens, exactly)


def _alternatives(term: Term) -> str:
    """Return what a text must have in which the term is in any of its forms."""
    ways = [term, *([term.short, term.short.as_form] if term.short else [])]
    by_tokens = [*(f"({_candidates(way)})" for way in ways), *map(_quoted, term.stem_tokens)]
    return " | ".join([*by_tokens, *([f"{_quoted(address_token(term.address))}:*"] if term.address else [])])


def _might_be_anywhere(term: Term, tags: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(_has_tokens(tag, _alternatives(term)) for tag in tags))


def _position(where: Any, needle: str) -> ColumnElement[int]:
    return func.strpos(where, needle) if _on_postgresql() else func.instr(where, needle)


def _has_forms(query: Query) -> bool:
    return any(term.short is not None or term.stem for term in query.terms)


def _is_headed(query: Query) -> ColumnElement[bool]:
    """Say that a heading, or the address, is exactly what was typed."""
    exactly = [_entry.head_en == query.told, _entry.head_ja == query.told]
    if query.text.isascii():
        exactly.append(func.lower(_entry.address) == query.text.lower())
    return or_(*exactly)


def _is_in_head(term: Term, tag: str) -> ColumnElement[bool]:
    head, forms = _entry[f"head_{tag}"], _entry[f"forms_{tag}"]
    wanted = [_position(head, term.needle) > 0]
    if term.short is not None:
        wanted += [_position(each, term.short.needle) > 0 for each in (head, forms)]
    wanted += [_position(each, f" {token} ") > 0 for each, token in zip((head, forms), term.stem_tokens, strict=False)]
    return or_(*wanted)


def _as_typed(query: Query) -> Query:
    return replace(query, terms=tuple(replace(term, short=None, stem="") for term in query.terms))


def _is_as_typed(query: Query) -> ColumnElement[bool]:
    """Say that the very words are there, where some are found by other forms."""
    typed = _as_typed(query)
    if _on_postgresql():
        told = [term for term in typed.terms if not term.is_proven]
        by_tokens = [_is_anywhere(term, LANGUAGES) for term in typed.terms if term.is_proven]
        # Looked up by the index once more: reading the tokens of each hit is several times as dear.
        again = select(_entry.id).where(*by_tokens).correlate(None)
        return and_(
            *(or_(*(func.strpos(_words.c[f"told_{tag}"], term.needle) > 0 for tag in LANGUAGES)) for term in told),
            *([_entry.id.in_(again)] if by_tokens else []),
        )
    return _entry.id.in_(select(literal_column("rowid")).select_from(_words).where(_fts5(_all_of(typed))))


def _is_in_a_row(row: Term) -> ColumnElement[bool]:
    if _on_postgresql():
        return or_(*(func.strpos(_words.c[f"told_{tag}"], row.needle) > 0 for tag in LANGUAGES))
    return _entry.id.in_(select(literal_column("rowid")).select_from(_words).where(_fts5(_phrase(row))))


def init_app(app: Flask) -> None:
    """Bring changes into the index at the end of every transaction; before the journal, which is written last."""
    before_commit(bring_in)
    after_rollback(_forget)
