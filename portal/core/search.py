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
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import Any, Protocol

from flask import Flask, current_app
from sqlalchemy import (
    DDL,
    BigInteger,
    ColumnElement,
    CompoundSelect,
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
    exists,
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
_entry, _text = SearchEntry.__table__.c, SearchText.__table__.c
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
    sight = _sight_of(person, at or clock.now(), things)
    if not sight.reach:
        return NOTHING_FOUND
    asked = _Asked(query, language, sight, [kind for kind in sight.reach if kinds is None or kind in kinds])
    page = slice(offset, offset + limit)
    return _found_on_postgresql(asked, page) if _on_postgresql() else _found_on_sqlite(asked, page)


def list_first_of(things: Select[int], person: Any, kind: str, limit: int) -> list[Hit]:
    """Return the first entries of a kind that the person may see of these things, in their order."""
    first = select(_entry.id).where(*_sight_of(person, clock.now(), things).of([kind]))
    order = (_entry.thing_id, _entry.position, _entry.id)
    return _hits_of(list(session.scalars(first.order_by(*order).limit(limit))))


@dataclass(frozen=True)
class _Asked:
    """What is looked for, in texts of which language, by whom, and which kinds of it are listed.

    Conditions are made once: to make them takes about as long as to have them answered.
    """

    query: Query
    language: str | None
    sight: _Sight
    among: list[str]

    @cached_property
    def tags(self) -> list[str]:
        """The languages of the texts in which it is looked for."""
        return [tag for tag in LANGUAGES if self.language in (None, tag)]

    @cached_property
    def might_be(self) -> list[ColumnElement[bool]]:
        """What PostgreSQL looks up by tokens."""
        return [_might_be_anywhere(term, self.tags) for term in self.query.terms]

    @cached_property
    def must_be(self) -> list[ColumnElement[bool]]:
        """What must hold besides, because tokens prove too little."""
        return [_is_there(term, self.tags) for term in self.query.terms if not _is_proven(term)]

    @cached_property
    def in_sight(self) -> list[ColumnElement[bool]]:
        """That an entry is one of those that are listed, and may be seen."""
        return self.sight.of(self.among)

    @cached_property
    def steps_of_heads(self) -> _Steps:
        """How close it is in a heading."""
        return _steps_of_heads(self.query)

    @cached_property
    def steps_beyond(self) -> _Steps:
        """And how close elsewhere."""
        return _steps_beyond(self.query)


# --- finding on SQLite --------------------------------------------------------------------------


def _found_on_sqlite(asked: _Asked, page: slice) -> Found:
    rows = session.execute(_ranked(asked)).all()
    counts = Counter(kind for kind, *_place in rows)
    if len(rows) > MOST_LISTED:
        return _first_found(asked, counts, page)
    listed = sorted((closeness, number) for kind, closeness, number in rows if kind in asked.among)
    return Found(_hits_of([number for _closeness, number in listed[page]]), counts, len(listed))


def _ranked(asked: _Asked) -> Select[Any]:
    """Return the statement for the kind, closeness and number of what is found, of no kind more than is listed and one.

    How close it is to what was typed is told only where not more is found than is listed.
    """
    words, source = _words_are(asked.query, asked.language), _joined_with(asked.query)
    of_kinds = [
        select(_entry.id, literal(kind).label("kind"))
        .select_from(source)
        .where(*words, _is_of(kind), *asked.sight.holds, reach)
        .limit(MOST_LISTED + 1)
        .subquery()
        for kind, reach in asked.sight.reach.items()
    ]
    numbers = union_all(*map(select, of_kinds)).cte("found").prefix_with("MATERIALIZED")
    many = select(func.count()).select_from(numbers).scalar_subquery()
    joined = numbers.join(SearchEntry.__table__, _entry.id == numbers.c.id)
    closeness = case((many > MOST_LISTED, literal(-1)), else_=_closeness(asked.query))
    return select(numbers.c.kind, closeness, numbers.c.id).select_from(joined)


def _is_of(kind: str) -> ColumnElement[bool]:
    """Return the condition that an entry is of a kind; by its number, which FTS5 finds by, once all are numbered so."""
    if not _is_numbered():
        return _entry.kind == kind
    return _words.c.rowid.between(*_numbers_of(kind))


def _is_numbered() -> bool:
    """Say whether the index is as it is made now; asked until it is so."""
    known = current_app.extensions.setdefault("search", {})
    if not known.get("is_numbered"):
        known["is_numbered"] = folded_otherwise() is None
    return bool(known["is_numbered"])


def _first_found(asked: _Asked, counts: Mapping[str, int], page: slice) -> Found:
    """Return a page of what is found very often: what is best is looked up first, and no more than is shown."""
    in_all = sum(counts[kind] for kind in asked.among)
    total = min(in_all, MOST_LISTED)
    wanted = min(page.stop, total)
    sight = asked.sight
    reach = or_(false(), *(and_(_is_of(kind), sight.reach[kind]) for kind in asked.among if kind in counts))
    ranked: dict[int, None] = {}
    for stage in _stages_on_sqlite(asked.query, asked.language):
        if len(ranked) >= wanted:
            break
        found = select(_words.c.rowid).select_from(_joined_with(asked.query))
        found = found.where(*stage.by_tokens, *stage.exactly, *sight.holds, reach)
        # FTS5 finds in this order. What was found by an earlier stage is found again.
        ranked.update(dict.fromkeys(session.scalars(found.order_by(_words.c.rowid).limit(wanted))))
    return Found(_hits_of(list(ranked)[page.start : wanted]), counts, total, has_more=in_all > total)


# --- finding on PostgreSQL ----------------------------------------------------------------------

# What stands nearly everywhere is looked for in so many entries before the index is asked for all of them.
_LOOKED_AT_FIRST = 200
# Of what the index finds so many times as many as are wanted are looked at more closely, the first in the order of
# numbers; and where texts prove it, so many times as many of a kind as are listed.
_LOOKED_AT, _TEXTS_LOOKED_INTO = 5, 1.25


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one look into the index brought."""

    counts: dict[str, int]
    # Closeness and number: of all that is found, where it is not more than is listed.
    all: list[tuple[int, int]]
    # Else of the first in the order of numbers.
    first: list[tuple[int, int]]
    # Whether these are all.
    is_whole: bool
    # Whether less was found of a kind than is listed, and some of it was not looked at.
    is_short: bool = False

    def many(self) -> int:
        """Return how many were found, of no kind more than is listed and one."""
        return sum(self.counts.values())


@contextmanager
def _planned_for_words() -> Iterator[None]:
    """Have PostgreSQL use its indexes, and plan for what is sought.

    It does not know how much dearer the tokens of an entry are than the entry, and a plan for anything does not know
    how often something stands in the texts.
    """
    session.execute(_PLAN_FOR_WORDS)
    yield
    session.execute(_PLAN_AS_EVER)


_PLAN_FOR_WORDS, _PLAN_AS_EVER = (
    text(f"SELECT set_config('enable_seqscan', '{scans}', true), set_config('plan_cache_mode', '{plans}', true)")
    for scans, plans in (("off", "force_custom_plan"), ("on", "auto"))
)


def _found_on_postgresql(asked: _Asked, page: slice) -> Found:
    """Return a page of what is found; of what is found very often the best is looked up, and no more than is shown."""
    wanted = min(page.stop, MOST_LISTED)
    with _planned_for_words():
        looked = _look(asked, wanted)
        in_all = sum(looked.counts.get(kind, 0) for kind in asked.among)
        total = min(in_all, MOST_LISTED)
        if looked.many() > MOST_LISTED:
            numbers = _first_in_order(asked, looked, min(wanted, total))
        else:
            numbers = [number for _closeness, number in sorted(looked.all)]
    return Found(_hits_of(numbers[page]), looked.counts, total, has_more=in_all > total)


def _look(asked: _Asked, wanted: int) -> _Looked:
    """Return what is found, looking as far as is necessary."""
    # A single character stands nearly everywhere.
    if len(asked.query.text) == 1:
        looked = _looked(asked, wanted, _some_collected(asked))
        if looked.many() <= MOST_LISTED:
            return looked
        there = [kind for kind in asked.among if kind in looked.counts]
        first = [(closeness, number) for closeness, number in session.execute(_among_the_first(asked, there))]
        if len(first) >= min(wanted, sum(looked.counts[kind] for kind in there)):
            return replace(looked, first=first, is_whole=False)
    collected = select(_entry.id, _entry.kind).where(*asked.might_be, *asked.sight.of(asked.sight.reach))
    looked = _looked(asked, wanted, collected)
    return _looked(asked, wanted, collected, of_all=True) if looked.is_short else looked


def _some_collected(asked: _Asked) -> Select[Any]:
    """Return the statement for what the index finds, of no kind more than is listed and one, whichever they are."""
    of_kinds = [
        select(_entry.id, _entry.kind).where(*asked.might_be, *asked.sight.of([kind])).limit(MOST_LISTED + 1).subquery()
        for kind in asked.sight.reach
    ]
    some = union_all(*map(select, of_kinds)).subquery()
    return select(some.c.id, some.c.kind)


def _looked(asked: _Asked, wanted: int, collected: Select[Any], *, of_all: bool = False) -> _Looked:
    # So many are known in their order.
    at_first = min(wanted * _LOOKED_AT, MOST_LISTED + 1)
    found: dict[str, list[Any]] = {"all": [], "first": []}
    counts: dict[str, int] = {}
    candidates: dict[str, int] = {}
    for what, kind, closeness, number in session.execute(_look_up(asked, at_first, collected, of_all=of_all)):
        if what == "count":
            counts[kind] = min(number, MOST_LISTED + 1)
        elif what == "candidates":
            candidates[kind] = number
        else:
            found[what].append((closeness, number))
    is_short = not of_all and any(
        many > _texts_looked_into() and counts.get(kind, 0) <= MOST_LISTED for kind, many in candidates.items()
    )
    return _Looked(counts, **found, is_whole=len(found["first"]) < at_first, is_short=is_short)


def _texts_looked_into() -> int:
    return int(_TEXTS_LOOKED_INTO * (MOST_LISTED + 1))


def _look_up(asked: _Asked, at_first: int, collected: Select[Any], *, of_all: bool) -> CompoundSelect[Any]:
    """Return the statement for what is found: how many of each kind, and how close the first are.

    Its rows say what they tell, a kind, a closeness and a number: `count` how many there are of a kind; `candidates`
    how many there might be where texts have to be looked at; `all` and `first` as `_Looked` has them.
    """
    might_be = collected.cte("collected").prefix_with("MATERIALIZED")
    must = asked.must_be
    found = _looked_into(might_be, must, asked.sight.reach, of_all=of_all) if must else might_be
    counts = select(found.c.kind, func.count().label("number")).group_by(found.c.kind).cte("counts")
    counts = counts.prefix_with("MATERIALIZED")
    many = select(func.coalesce(func.sum(counts.c.number), 0)).scalar_subquery()
    tells: list[Select[Any]] = [select(literal("count"), counts.c.kind, literal(0), counts.c.number)]
    if must:
        candidates = select(literal("candidates"), might_be.c.kind, literal(0), func.count())
        tells.append(candidates.group_by(might_be.c.kind))
    first = (
        select(found.c.id)
        .where(many > MOST_LISTED, found.c.kind.in_(asked.among))
        .order_by(found.c.id)
        .limit(at_first)
        .cte("first")
        .prefix_with("MATERIALIZED")
    )
    beyond = asked.steps_beyond
    for what, numbers, steps, which in (
        ("all", found, [*asked.steps_of_heads, *beyond], [many <= MOST_LISTED, found.c.kind.in_(asked.among)]),
        ("first", first, beyond, []),
    ):
        closeness = case(*steps, else_=_LAST) if steps else literal(_LAST)
        source = _with_words(numbers) if beyond else numbers
        if steps and not beyond:
            source = numbers.join(SearchEntry.__table__, _entry.id == numbers.c.id)
        tells.append(select(literal(what), literal(""), closeness, numbers.c.id).select_from(source).where(*which))
    return union_all(*tells)


def _with_words(numbers: Any) -> Any:
    """Return numbers of entries with the entries and what they say."""
    words = numbers.join(_words, _words.c.rowid == numbers.c.id)
    return words.join(SearchEntry.__table__, _entry.id == numbers.c.id)


def _among_the_first(asked: _Asked, kinds: Collection[str]) -> Select[Any]:
    """Return the statement for what is found among the first entries of these kinds, and how close beyond heads."""
    there = select(_entry.id).where(*asked.sight.of(kinds)).order_by(_entry.id).limit(_LOOKED_AT_FIRST)
    first = there.cte("first").prefix_with("MATERIALIZED")
    closeness = case(*steps, else_=_LAST) if (steps := asked.steps_beyond) else literal(_LAST)
    exactly = [_is_there(term, asked.tags) for term in asked.query.terms]
    return select(closeness, first.c.id).select_from(_with_words(first)).where(*exactly)


def _looked_into(collected: Any, there: Sequence[ColumnElement[bool]], kinds: Iterable[str], *, of_all: bool) -> Any:
    """Return those of what an index collected that have in their texts what must be there, the first of each kind."""
    firsts = collected
    if not of_all:
        in_order = select(collected.c.id, collected.c.kind).order_by(collected.c.id).limit(_texts_looked_into())
        of_kinds = [in_order.where(collected.c.kind == kind).subquery() for kind in kinds]
        firsts = union_all(*map(select, of_kinds)).cte("firsts").prefix_with("MATERIALIZED")
    found = select(firsts.c.id, firsts.c.kind).select_from(_with_words(firsts)).where(*there)
    return found.cte("found").prefix_with("MATERIALIZED")


def _headed(asked: _Asked, wanted: int) -> Select[Any]:
    """Return the statement for the first that have in a heading what is looked for, the closest first."""
    query = asked.query
    in_one = " & ".join(f"({_alternatives(term.in_head)})" for term in query.terms)
    address = address_token(query.text) if query.text.isascii() and len(query.text) <= _MAX_ADDRESS else ""
    might = f"{in_one} | {_quoted(address)}" if address else in_one
    might_be = [or_(*(_has_tokens(tag, might) for tag in LANGUAGES)), *asked.in_sight]
    steps = asked.steps_of_heads
    of_one = exists().where(_words.c.rowid == _entry.id)
    if asked.language:
        # Who finds a heading in the other language has not found the words yet.
        might_be += [*asked.might_be, *([of_one.where(*asked.must_be)] if asked.must_be else [])]
    else:
        # Nor who finds an address.
        (exactly, closest), *less = steps
        is_there = of_one.where(*(_is_there(term, asked.tags) for term in query.terms))
        steps = [(and_(exactly, is_there), closest), *less]
    headed = select(_entry.id, case(*steps, else_=_LAST).label("closeness")).where(*might_be).subquery()
    return select(headed.c.id).where(headed.c.closeness < _LAST).order_by(headed.c.closeness, headed.c.id).limit(wanted)


def _first_in_order(asked: _Asked, looked: _Looked, wanted: int) -> list[int]:
    """Return the first of what is found, the closest first: more is looked up only where what is known does not do."""
    ranked = dict.fromkeys(session.scalars(_headed(asked, wanted)))
    for closeness, stage in _stages_beyond(asked):
        if len(ranked) >= wanted:
            break
        known = ranked | dict.fromkeys(sorted(number for how, number in looked.first if how == closeness))
        if stage is None or looked.is_whole or len(known) >= wanted:
            ranked = known
        else:
            # What was found by an earlier stage is found again.
            ranked.update(dict.fromkeys(_first_of(asked, stage, wanted)))
    return list(ranked)[:wanted]


def _stages_beyond(asked: _Asked) -> Iterator[tuple[int, _Stage | None]]:
    """Yield what is found beyond headings, the closest first, as `_steps_beyond` says it; None for all the rest."""
    query = asked.query
    might, must = asked.might_be, asked.must_be
    if len(query.terms) > 1:
        row = query.row
        yield _IN_A_ROW, _Stage([_might_be_anywhere(row, LANGUAGES), *might], [_is_there(row, LANGUAGES), *must])
    if _has_forms(query):
        typed = _as_typed(query).terms
        there_as_typed = [_is_there(term, LANGUAGES) for term in typed if not _is_proven(term)]
        might_as_typed = [_might_be_anywhere(term, LANGUAGES) for term in typed]
        yield _AS_TYPED, _Stage([*might_as_typed, *might], [*there_as_typed, *must])
    yield _LAST, None


def _first_of(asked: _Asked, stage: _Stage, wanted: int) -> list[int]:
    """Return the first that a stage finds, in the order of numbers.

    The index is asked for all; into the texts of the first of them one looks, into all only where these do not do.
    """
    collected = select(_entry.id).where(*stage.by_tokens, *asked.in_sight)
    collected_once = collected.cte("collected").prefix_with("MATERIALIZED")
    in_order = select(collected_once.c.id).order_by(collected_once.c.id)
    if not stage.exactly:
        return list(session.scalars(in_order.limit(wanted)))
    for looked_at in (wanted * _LOOKED_AT, None):
        first = in_order.limit(looked_at).cte("first").prefix_with("MATERIALIZED")
        exact = select(first.c.id).select_from(_with_words(first)).where(*stage.exactly)
        many = select(-func.count()).select_from(collected_once)
        count, *found_ids = sorted(session.scalars(union_all(many, exact)))
        if looked_at is None or -count <= looked_at or len(found_ids) >= wanted:
            break
    return found_ids[:wanted]


_FACTS_OF_HITS = ("kind", "thing_id", "address", "state", "version", "sensitivity", "until")
_TEXTS_OF_HITS = ("language", "context", "head", "body")


def _hits_of(ids: Sequence[int]) -> list[Hit]:
    """Return the entries of these numbers in their order, with their texts."""
    if not ids:
        return []
    hits: dict[int, Hit] = {}
    for number, *facts, language, context, head, body in session.execute(
        select(*(_entry[name] for name in ("id", *_FACTS_OF_HITS)), *(_text[name] for name in _TEXTS_OF_HITS))
        .join_from(SearchEntry.__table__, SearchText.__table__, _text.entry_id == _entry.id)
        .where(_entry.id.in_(ids))
        .order_by(_text.language)
    ):
        if number not in hits:
            hits[number] = Hit(**dict(zip(_FACTS_OF_HITS, facts, strict=True)), texts={})
        hits[number].texts[language] = EntryText(context, head, body)
    return [hits[number] for number in ids]


def select_things(query: Query, person: Any, kinds: Collection[str], at: datetime | None = None) -> Select[int]:
    """Return the statement for the row numbers of the things of these kinds in which the query finds something."""
    sight = _sight_of(person, at or clock.now())
    return select(_entry.thing_id).select_from(_joined_with(query)).where(*_words_are(query, None), *sight.of(kinds))


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


def _joined_with(query: Query) -> Any:
    """Return the entries with what is asked of their words.

    On PostgreSQL the told texts are read only where tokens prove too little.
    """
    if not query or (_on_postgresql() and not _looks_into_texts(query)):
        return SearchEntry.__table__
    return SearchEntry.__table__.join(_words, _words.c.rowid == _entry.id)


def _looks_into_texts(query: Query) -> bool:
    """Say whether tokens prove too little of a query on PostgreSQL."""
    return not all(map(_is_proven, query.terms))


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a person may see of what holds at an instant."""

    holds: list[ColumnElement[bool]]
    # By kind; those of which she may see nothing are left out, those of one domain have the same condition.
    reach: dict[str, ColumnElement[bool]]

    def of(self, kinds: Iterable[str]) -> list[ColumnElement[bool]]:
        """Return the conditions on entries of these kinds, each domain's reach told once."""
        together: dict[int, list[str]] = {}
        for kind in kinds:
            if kind in self.reach:
                together.setdefault(id(self.reach[kind]), []).append(kind)
        seen = (and_(_entry.kind.in_(same), self.reach[same[0]]) for same in together.values())
        return [*self.holds, or_(false(), *seen)]


def _sight_of(person: Any, at: datetime, things: Select[int] | None = None) -> _Sight:
    """Return what the person may see at an instant, of all things or of these."""
    reach: dict[str, ColumnElement[bool]] = {}
    for searchable in searchables():
        reached = searchable.reach(person)
        if not isinstance(reached, False_):
            reach.update(dict.fromkeys(searchable.kinds, reached))
    return _Sight([*_holds(at), *([_entry.thing_id.in_(things)] if things is not None else [])], reach)


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


def _ways(term: Term) -> list[tuple[Term, str]]:
    """Return how a term may be written, each with the texts in which it is written so."""
    if term.short is None:
        return [(term, "told")]
    ways = [(term, "told"), (term.short, "told"), (term.short.as_form, "short")]
    return ways if term.short.needle != term.needle else ways[1:]


def _is_proven(term: Term) -> bool:
    return all(way.is_proven for way, _where in _ways(term))


def _is_anywhere(term: Term, tags: Sequence[str]) -> ColumnElement[bool]:
    """Return what PostgreSQL is asked of a term, in whatever form, in texts of these languages."""
    if _is_proven(term):
        return _might_be_anywhere(term, tags)
    by_tokens = list(map(_quoted, term.stem_tokens))
    if term.address:
        by_tokens.append(f"{_quoted(address_token(term.address))}:*")
    looked_at = []
    for way, where in _ways(term):
        if way.is_proven:
            by_tokens.append(f"({_candidates(way)})")
        else:
            looked_at.append(_is_in_told(way, where, tags))
    if by_tokens:
        looked_at += [_has_tokens(tag, " | ".join(by_tokens)) for tag in tags]
    return or_(*looked_at)


def _is_there(term: Term, tags: Sequence[str]) -> ColumnElement[bool]:
    """Return the same, asked of the texts where that can be: of few entries, tokens are dearer to read than texts."""
    if term.address or term.stem:
        return _is_anywhere(term, tags)
    return or_(*(func.strpos(_words.c[f"{where}_{tag}"], way.needle) > 0 for way, where in _ways(term) for tag in tags))


def _is_in_told(term: Term, where: str, tags: Sequence[str]) -> ColumnElement[bool]:
    return and_(
        or_(*(_has_tokens(tag, _candidates(term)) for tag in tags)),
        or_(*(func.strpos(_words.c[f"{where}_{tag}"], term.needle) > 0 for tag in tags)),
    )


def _candidates(term: Term) -> str:
    """Return what a text must have in which the term is."""
    # So many are enough to find the candidates by.
    tokens = term.needed[:_MAX_CANDIDATE_TOKENS]
    beginnings = [each for each in (term.prefix_pair or term.prefix,) if each]
    return " & ".join([*map(_quoted, tokens), *(f"{_quoted(each)}:*" for each in beginnings)])


def _quoted(token: str) -> str:
    return f"'{token}'"


def _has_tokens(tag: str, wanted: str) -> ColumnElement[bool]:
    return _tokens[tag].op("@@", is_comparison=True)(cast(wanted, TSQUERY))


# How close what is found is to what was typed, the closest first; 0 is a heading that says exactly this.
_IN_HEAD, _FORM_IN_HEAD, _IN_A_ROW, _AS_TYPED, _LAST = range(1, 6)
_Steps = list[tuple[ColumnElement[bool], int]]


def _closeness(query: Query) -> ColumnElement[int]:
    """Return how close an entry is to what was typed; where there is much, stages look up one after the other."""
    return case(*_steps_of_heads(query), *_steps_beyond(query), else_=_LAST)


def _steps_of_heads(query: Query) -> _Steps:
    heads = (_entry.head_en, _entry.head_ja)
    steps = [
        (_is_headed(query), 0),
        (or_(*(and_(*(_position(head, needle) > 0 for needle in query.needles)) for head in heads)), _IN_HEAD),
    ]
    if _has_forms(query):
        in_one = (and_(*(_is_in_head(term, tag) for term in query.terms)) for tag in LANGUAGES)
        steps.append((or_(*in_one), _FORM_IN_HEAD))
    return steps


def _steps_beyond(query: Query) -> _Steps:
    steps: _Steps = []
    if len(query.terms) > 1:
        steps.append((_is_in_a_row(query.row), _IN_A_ROW))
    if _has_forms(query):
        steps.append((_is_as_typed(query), _AS_TYPED))
    return steps


@dataclass(frozen=True, slots=True)
class _Stage:
    """A part of what is found: by tokens, which an index looks up, and what must hold of it besides."""

    by_tokens: list[ColumnElement[bool]]
    exactly: list[ColumnElement[bool]] = field(default_factory=list)


def _stages_on_sqlite(query: Query, language: str | None) -> Iterator[_Stage]:
    """Yield the parts of what is found, the closest first, as `_closeness` says it.

    What a stage before has found, one after it finds as well.
    """
    address = address_token(query.text) if query.text.isascii() and len(query.text) <= _MAX_ADDRESS else ""

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


def _alternatives(term: Term) -> str:
    """Return what a text must have in which the term is in any of its forms; where it is proven, no other has it."""
    by_tokens = [*(f"({_candidates(way)})" for way, _where in _ways(term)), *map(_quoted, term.stem_tokens)]
    if term.address:
        by_tokens.append(f"{_quoted(address_token(term.address))}:*")
    return " | ".join(dict.fromkeys(by_tokens))


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
        return and_(*(_is_there(term, LANGUAGES) for term in typed.terms))
    return _entry.id.in_(select(literal_column("rowid")).select_from(_words).where(_fts5(_all_of(typed))))


def _is_in_a_row(row: Term) -> ColumnElement[bool]:
    if _on_postgresql():
        return or_(*(func.strpos(_words.c[f"told_{tag}"], row.needle) > 0 for tag in LANGUAGES))
    return _entry.id.in_(select(literal_column("rowid")).select_from(_words).where(_fts5(_phrase(row))))


def init_app(app: Flask) -> None:
    """Bring changes into the index at the end of every transaction; before the journal, which is written last."""
    before_commit(bring_in)
    after_rollback(_forget)
