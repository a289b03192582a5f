"""Writing the journal: noted by services as they go, written as the transaction's last statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import select, text

from portal.core import clock
from portal.core.db import session
from portal.core.i18n import LazyText
from portal.core.transaction import after_rollback, before_commit
from portal.journal.models import GENESIS, JournalEntry

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


def _write() -> None:
    entries: list[JournalEntry] = session.info.pop("journal", [])
    if not entries:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
    last = session.execute(
        select(JournalEntry.id, JournalEntry.hash).order_by(JournalEntry.id.desc()).limit(1)
    ).one_or_none()
    number, previous = (last.id, last.hash) if last else (0, GENESIS)
    for entry in entries:
        number += 1
        entry.id, entry.previous_hash = number, previous
        entry.hash = previous = entry.computed_hash()
        session.add(entry)
    session.flush()


def _forget() -> None:
    session.info.pop("journal", None)


def init() -> None:
    """Write the entries at the end of every transaction."""
    before_commit(_write)
    after_rollback(_forget)
