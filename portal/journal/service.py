"""Writing the journal: noted by services as they go, written as the transaction's last statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from sqlalchemy import Table, bindparam, event, insert, inspect, select, text, update
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import SessionTransaction

from portal.core import clock
from portal.core.db import session, writing
from portal.core.i18n import LazyText
from portal.core.seals import SealedTable, digest_of, may_change, sealed_table
from portal.core.transaction import after_rollback, before_commit
from portal.journal.models import JournalEntry, JournalHead, Seal, digest_of_seals
from portal.journal.queries import find_end

# "journal" as a number: the advisory lock that orders the chain's writers on PostgreSQL.
_CHAIN_LOCK = 0x6A6F7572


@dataclass(frozen=True, slots=True)
class Thing:
    """What an entry is about or names, as its readers know it."""

    title: str
    href: str | None = None


def _finds_nothing(codes: Collection[str]) -> Mapping[str, Thing]:
    return {}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that entries are about or name.

    `find` gives those of the codes that exist, in the reader's language and with a fixed number of
    statements; `search` gives the codes of what is meant by a text that somebody typed.
    """

    name: LazyText
    find: Callable[[Collection[str]], Mapping[str, Thing]] = _finds_nothing
    search: Callable[[str], Collection[str]] | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """How a fact of an entry is read: what it is called, and what its value stands for.

    `refers_to` names the kind whose code (or codes) the value is, or tells it from the other facts beside
    it; `within` says that this code only means something within the entry's subject; `words` are the
    values that are words of ours; a technical fact (a hash) is of use to machines and stands with the
    raw data only.
    """

    label: LazyText
    refers_to: str | Callable[[Mapping[str, Any]], str | None] | None = None
    within: bool = False
    words: Mapping[str, LazyText] | None = None
    technical: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How a domain's entries are read: its actions, its kinds of things, its facts.

    A fact is known by its name, or as `action:name` where the same name means something else there.
    """

    actions: Mapping[str, LazyText] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)


_actions: dict[str, LazyText] = {}
_kinds: dict[str, Kind] = {}
_facts: dict[str, Fact] = {}
_vocabulary = Vocabulary(_actions, _kinds, _facts)


class Actor(Protocol):
    """Whoever acts: a person with a public code and a name."""

    code: str

    @property
    def full_name(self) -> str:
        """The name under which the journal knows her."""


def record(
    action: str,
    *,
    by: Actor | None,
    subject: tuple[str, str],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Note what was done to `subject` (kind, code); `by` None is the system itself.

    Values are plain data and hold no secrets, answers or health facts.
    """
    session.info.setdefault("journal", []).append(
        JournalEntry(
            at=clock.now(),
            actor_code=by.code if by else "system",
            actor_name=by.full_name[:300] if by else "system",
            action=action,
            subject_kind=subject[0],
            subject_code=subject[1],
            before=before,
            after=after,
            reason=reason,
        )
    )


def learn(words: Vocabulary) -> None:
    """Take in how a domain's entries are read; the journal's page shows them so."""
    _actions.update(words.actions)
    _kinds.update(words.kinds)
    _facts.update(words.facts)


def vocabulary() -> Vocabulary:
    """Return how entries are read, as far as the domains have said it."""
    return _vocabulary


def seal(row: Any) -> None:
    """Seal a row that a statement of its own has written; rows that the session writes are sealed by themselves."""
    spec = _spec(type(row))
    if not writing.get():
        raise RuntimeError("what is sealed is written inside a transaction")
    if spec is None:
        raise LookupError(f"{type(row).__name__} is not sealed")
    _note(spec, row)


def seal_all(model: type[Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Seal rows that a statement has written at once, given by the names of their columns."""
    spec = _spec(model)
    if not writing.get():
        raise RuntimeError("what is sealed is written inside a transaction")
    if spec is None:
        raise LookupError(f"{model.__name__} is not sealed")
    seals = session.info.setdefault("seals", {})
    for row in rows:
        facts = spec.facts_of(row)
        seals.setdefault((spec.name, facts[spec.key.name]), {})[spec.order_of(facts)] = facts


_specs: dict[type[Any], SealedTable | None] = {}


def _spec(model: type[Any]) -> SealedTable | None:
    if model not in _specs:
        _specs[model] = sealed_table(model)
    return _specs[model]


def _note(spec: SealedTable, row: Any) -> None:
    facts = spec.facts_of({name: getattr(row, name) for name in spec.facts})
    together = session.info.setdefault("seals", {}).setdefault((spec.name, facts[spec.key.name]), {})
    together[spec.order_of(facts)] = facts


def _notice(written: OrmSession, context: object) -> None:
    """Seal what a flush has written; refuse to rewrite history."""
    if not writing.get():
        return
    for row in written.new:
        spec = _spec(type(row))
        if spec is not None:
            _note(spec, row)
            written.info.setdefault("sealed_new", set()).add(row)
    for row in written.dirty:
        spec = _spec(type(row))
        if spec is None:
            continue
        state = inspect(row)
        changed = [
            name for name in spec.facts if name in state.committed_state and state.attrs[name].history.has_changes()
        ]
        if not changed:
            continue
        edited = set(changed) - may_change(spec.declared)
        if edited and row not in written.info.get("sealed_new", ()):
            raise RuntimeError(f"{spec} is history; {', '.join(sorted(edited))} cannot be changed")
        _note(spec, row)
    for row in written.deleted:
        if (spec := _spec(type(row))) is not None:
            raise RuntimeError(f"{spec} is history and cannot be deleted")


# Made once: every transaction that changes something ends with them.
_HEAD = select(JournalHead.entries, JournalHead.hash)
_MOVE_HEAD = update(cast("Table", JournalHead.__table__)).values(entries=bindparam("number"), hash=bindparam("last"))
_ADD_SEALS = insert(cast("Table", Seal.__table__))


def _write() -> None:
    entries: list[JournalEntry] = session.info.pop("journal", [])
    noted: dict[tuple[str, int], dict[tuple[Any, ...], dict[str, Any]]] = session.info.pop("seals", {})
    _forget()
    if not entries and not noted:
        return
    if not entries:
        record("journal.sealed", by=None, subject=("journal", ""))
        entries = session.info.pop("journal")
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
    number, previous, is_known = _end()
    seals = [
        (kind, key, digest_of(facts for _order, facts in sorted(together.items())))
        for (kind, key), together in sorted(noted.items())
    ]
    if seals:
        entries[-1].sealed = digest_of_seals(seals)
    for entry in entries:
        number += 1
        entry.id, entry.previous_hash = number, previous
        entry.hash = previous = entry.computed_hash()
        session.add(entry)
    session.flush()
    if seals:
        session.execute(
            _ADD_SEALS,
            [{"kind": kind, "row_key": key, "entry_id": number, "digest": digest} for kind, key, digest in seals],
        )
    if is_known:
        session.execute(_MOVE_HEAD, {"number": number, "last": previous})
    else:
        session.execute(insert(JournalHead).values(id=1, entries=number, hash=previous))


def _end() -> tuple[int, str, bool]:
    """Return number and hash of the last entry, and whether the head says so (it does, but in a damaged database)."""
    head = session.execute(_HEAD).one_or_none()
    if head is not None:
        return head.entries, head.hash, True
    return *find_end(), False


def _forget() -> None:
    for kept in ("journal", "seals", "sealed_new", "savepoints"):
        session.info.pop(kept, None)


def _enter(owner: OrmSession, transaction: SessionTransaction) -> None:
    """Remember what was noted before a savepoint."""
    if transaction.nested and writing.get():
        seals = {key: dict(together) for key, together in owner.info.get("seals", {}).items()}
        owner.info.setdefault("savepoints", {})[transaction] = (len(owner.info.get("journal", [])), seals)


def _undo(owner: OrmSession, transaction: SessionTransaction) -> None:
    """Forget what was noted after a savepoint that was rolled back."""
    known = owner.info.get("savepoints", {}).pop(transaction, None)
    if known is not None:
        length, seals = known
        del owner.info.get("journal", [])[length:]
        owner.info["seals"] = seals


def init() -> None:
    """Write the entries and seals at the end of every transaction."""
    before_commit(_write)
    after_rollback(_forget)
    for name, listener in (
        ("after_flush", _notice),
        ("after_transaction_create", _enter),
        ("after_soft_rollback", _undo),
    ):
        if not event.contains(session, name, listener):
            event.listen(session, name, listener)
