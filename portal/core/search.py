"""Search over what the domains contribute: one index, brought up to date in the transaction that changes a text.

A domain registers a `Searchable`: its kinds of entries, what is found of each of its things, who may see them. The
index keeps words and pairs of characters (FTS5 on SQLite, `tsvector` with GIN on PostgreSQL). What must be in a row is
proven by FTS5's places of tokens on SQLite; PostgreSQL keeps too few of them, so the told text itself is looked at in
the candidates. Both find exactly the same.

An entry holds from an instant on and until one: what takes effect tomorrow is found tomorrow, whoever is at work then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from flask import Flask
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

from portal.core import clock
from portal.core.db import Base, BigKey, session
from portal.core.folding import (
    BETWEEN,
    FOLDING,
    NO_QUERY,
    Query,
    Term,
    address_token,
    marks_of,
    shortened,
    stems_of,
    tokens_of,
    tokens_of_shortened,
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


class SearchEntry(Base):
    """One thing that can be found, with all that is needed to say who may see it and where it stands in the list."""

    __tablename__ = "search_entries"
    __table_args__ = (Index("ix_search_entries_kind_thing_id", "kind", "thing_id"),)

    # Given by whoever writes the index, under its lock: the words refer to it.
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(30))
    # The row number of the document, bank or term that it is of.
    thing_id: Mapped[int] = mapped_column(BigInteger)
    # What the domain makes a link of; unique among what holds at one time.
    address: Mapped[str] = mapped_column(String(200))
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
    last, folded = session.execute(
        select(func.max(SearchEntry.id), select(SearchFolding.number).scalar_subquery())
    ).one()
    free = (last or 0) + 1
    if folded is None:
        # Nothing has been brought in before.
        session.add(SearchFolding(id=1, number=FOLDING))
    entries: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for number, entry in enumerate(searchable.entries_of(things, clock.now()), start=free):
        kept = _as_kept(entry)
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
            **{tag: sorted({*kept.tokens[tag], *kept.marks[tag]}) for tag in LANGUAGES},
            **{f"told_{tag}": kept.told[tag] for tag in LANGUAGES},
            **{f"short_{tag}": kept.short[tag] for tag in LANGUAGES},
        }
    return {tag: " ".join([*kept.tokens[tag], *sorted(kept.marks[tag])]) for tag in LANGUAGES}


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
            "rank": entry.rank,
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
        kept.tokens[tag][:] = [*tokens_of(told_head), BETWEEN, *tokens_of(told_body), BETWEEN]
        kept.marks[tag].update(marks_of(kept.told[tag]), stems_of(kept.told[tag]), {address_token(entry.address)})
        short_head, short_body = shortened(told_head), shortened(told_body)
        if (short_head, short_body) != (told_head, told_body):
            kept.short[tag] = f"{short_head}\n{short_body}"
            kept.tokens[tag] += [*tokens_of_shortened(short_head), BETWEEN, *tokens_of_shortened(short_body), BETWEEN]
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
        session.add(SearchFolding(id=1, number=FOLDING))
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
        facts_list.sort(key=lambda each: (each["kind"], each["address"], each["state"], str(each["since"])))
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
    counts: dict[str, int]
    total: int


NOTHING_FOUND = Found([], {}, 0)


def search(
    query: Query | None,
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
    then the rest, that with other forms last; among equals the lower rank, then the shorter text. None finds all of the
    things, in their order.
    """
    if query is None and things is not None:
        query = NO_QUERY
    elif not query:
        return NOTHING_FOUND
    found = _matches(query, person, language, at or clock.now())
    if things is not None:
        found = and_(found, SearchEntry.thing_id.in_(things))
    order: list[Any] = [SearchEntry.thing_id, SearchEntry.position, SearchEntry.id]
    if query:
        # One number in the place of three: what is found may be a great deal, and is written down and sorted by it.
        place = (_closeness(query) * 1_000 + SearchEntry.rank) * _MORE_THAN_ANY_SIZE + SearchEntry.size
        order = [place.label("place"), *order]
    # What is found is looked up once, for the counts and for the page.
    source = _joined_with(query, is_ordered=True)
    hits = select(SearchEntry.kind, *order).select_from(source).where(found).cte("hits").prefix_with("MATERIALIZED")
    places = [column for column in hits.c if column is not hits.c.kind]
    page = select(hits).order_by(*places).limit(limit).offset(offset)
    if kinds is not None:
        page = page.where(hits.c.kind.in_(kinds))
    count = select(hits.c.kind, *(literal(0) for _place in places[:-1]), (-func.count()).label("id")).group_by(
        hits.c.kind
    )
    counts: dict[str, int] = {}
    ranked = []
    for row in _rows_of(union_all(count, select(page.subquery())), query):
        if row.id < 0:
            counts[row.kind] = -row.id
        else:
            ranked.append(tuple(row)[1:])
    total = sum(number for kind, number in counts.items() if kinds is None or kind in kinds)
    return Found(_hits_of([place[-1] for place in sorted(ranked)]), counts, total)


# Words that may stand nearly everywhere: `の`, `する`, `the`.
_SHORT_WORD = 3


def _rows_of(statement: Any, query: Query) -> Sequence[Any]:
    """Return the rows of a statement about what a query finds.

    Of a word that stands nearly everywhere PostgreSQL would read the tokens of every entry, because it does not know
    how much dearer they are than their index.
    """
    if not _on_postgresql() or any(len(term.needle.strip()) > _SHORT_WORD for term in query.terms):
        return session.execute(statement).all()
    session.execute(_WITHOUT_SCANS)
    rows = session.execute(statement).all()
    session.execute(_WITH_SCANS)
    return rows


_MORE_THAN_ANY_SIZE = literal(10_000_000, BigInteger)
_WITHOUT_SCANS, _WITH_SCANS = (text(f"SET LOCAL enable_seqscan = {value}") for value in ("off", "on"))


def _hits_of(ids: Sequence[int]) -> list[Hit]:
    """Return the entries of these numbers in their order, with their texts."""
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
    return (
        select(SearchEntry.thing_id)
        .select_from(_joined_with(query))
        .where(_matches(query, person, None, at or clock.now()), SearchEntry.kind.in_(kinds))
    )


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
                .where(_holds(one, None, clock.now()), SearchEntry.kind.in_(kinds), SearchEntry.version == "")
            )
        )
        found = things if found is None else found & things
    return found or set()


def _joined_with(query: Query, *, is_ordered: bool = False) -> Any:
    """Return the entries with what is asked of their words.

    On PostgreSQL the told texts are read only where tokens prove too little.
    """
    if _on_postgresql():
        looked_at = [each for term in query.terms for each in (term, term.short) if each is not None]
        if all(each.is_proven for each in looked_at) and not (is_ordered and len(query.terms) > 1):
            return SearchEntry.__table__
    return SearchEntry.__table__.join(_words, _words.c.rowid == SearchEntry.id)


def _matches(query: Query, person: Any, language: str | None, at: datetime) -> ColumnElement[bool]:
    seen = [and_(SearchEntry.kind.in_(each.kinds), each.reach(person)) for each in searchables()]
    return and_(_holds(query, language, at), or_(false(), *seen))


def _holds(query: Query, language: str | None, at: datetime) -> ColumnElement[bool]:
    """Return the condition that an entry holds at an instant, and that the query finds something in it."""
    return and_(
        *(_on_postgresql_is(query, language) if _on_postgresql() else _on_sqlite_is(query, language)),
        or_(SearchEntry.since.is_(None), SearchEntry.since <= at),
        or_(SearchEntry.until.is_(None), SearchEntry.until > at),
    )


def _on_sqlite_is(query: Query, language: str | None) -> list[ColumnElement[bool]]:
    if not query:
        return []
    return [_fts5(" AND ".join(map(_in_any_form, query.terms)), language)]


def _fts5(expression: str, language: str | None = None) -> ColumnElement[bool]:
    within = expression if language is None else f"{{{language}}} : ({expression})"
    return literal_column(WORDS).op("MATCH", is_comparison=True)(within)


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


def _on_postgresql_is(query: Query, language: str | None) -> list[ColumnElement[bool]]:
    tags = [tag for tag in LANGUAGES if language in (None, tag)]
    conditions = []
    for term in query.terms:
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
        conditions.append(or_(*looked_at))
    return conditions


def _is_in_told(term: Term, where: str, tags: Sequence[str]) -> ColumnElement[bool]:
    return and_(
        or_(*(_has_tokens(tag, _candidates(term)) for tag in tags)),
        or_(*(func.strpos(_words.c[f"{where}_{tag}"], term.needle) > 0 for tag in tags)),
    )


def _candidates(term: Term) -> str:
    """Return what a text must have in which the term is."""
    # So many are enough to find the candidates by.
    tokens = list(dict.fromkeys(term.tokens))[:_MAX_CANDIDATE_TOKENS]
    return " & ".join([*map(_quoted, tokens), *([f"{_quoted(term.prefix)}:*"] if term.prefix else [])])


def _quoted(token: str) -> str:
    return f"'{token}'"


def _has_tokens(tag: str, wanted: str) -> ColumnElement[bool]:
    return _tokens[tag].op("@@", is_comparison=True)(cast(wanted, TSQUERY))


def _closeness(query: Query) -> ColumnElement[int]:
    heads = (SearchEntry.head_en, SearchEntry.head_ja)
    position = func.strpos if _on_postgresql() else func.instr
    exactly = [head == query.told for head in heads]
    if query.text.isascii():
        exactly.append(func.lower(SearchEntry.address) == query.text.lower())
    steps: list[tuple[ColumnElement[bool], int]] = [
        (or_(*exactly), 0),
        (or_(*(and_(*(position(head, needle) > 0 for needle in query.needles)) for head in heads)), 1),
    ]
    with_forms = [term for term in query.terms if term.short is not None or term.stem]
    if with_forms:
        steps.append((or_(*(and_(*(_is_in_head(term, tag) for term in query.terms)) for tag in LANGUAGES)), 2))
    if len(query.terms) > 1:
        steps.append((_is_in_a_row(query.row), 3))
    if with_forms:
        as_typed = replace(query, terms=tuple(replace(term, short=None, stem="") for term in query.terms))
        steps.append((_is_as_typed(as_typed), 4))
        return case(*steps, else_=5)
    return case(*steps, else_=4)


def _is_in_head(term: Term, tag: str) -> ColumnElement[bool]:
    head, forms = getattr(SearchEntry, f"head_{tag}"), getattr(SearchEntry, f"forms_{tag}")
    position = func.strpos if _on_postgresql() else func.instr
    wanted = [position(head, term.needle) > 0]
    if term.short is not None:
        wanted += [position(each, term.short.needle) > 0 for each in (head, forms)]
    wanted += [position(each, f" {token} ") > 0 for each, token in zip((head, forms), term.stem_tokens, strict=False)]
    return or_(*wanted)


def _is_as_typed(query: Query) -> ColumnElement[bool]:
    """Say that the very words are there, where some are found by other forms."""
    if _on_postgresql():
        told = [term for term in query.terms if not term.is_proven]
        by_tokens = replace(query, terms=tuple(term for term in query.terms if term.is_proven))
        # Looked up by the index once more: reading the tokens of each hit is several times as dear.
        again = select(SearchEntry.id).where(*_on_postgresql_is(by_tokens, None)).correlate(None)
        return and_(
            *(or_(*(func.strpos(_words.c[f"told_{tag}"], term.needle) > 0 for tag in LANGUAGES)) for term in told),
            *([SearchEntry.id.in_(again)] if by_tokens else []),
        )
    return SearchEntry.id.in_(
        select(literal_column("rowid")).select_from(_words).where(_fts5(" AND ".join(map(_in_any_form, query.terms))))
    )


def _is_in_a_row(row: Term) -> ColumnElement[bool]:
    if _on_postgresql():
        return or_(*(func.strpos(_words.c[f"told_{tag}"], row.needle) > 0 for tag in LANGUAGES))
    return SearchEntry.id.in_(select(literal_column("rowid")).select_from(_words).where(_fts5(_phrase(row))))


def init_app(app: Flask) -> None:
    """Bring changes into the index at the end of every transaction; before the journal, which is written last."""
    before_commit(bring_in)
    after_rollback(_forget)
