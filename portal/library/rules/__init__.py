"""What is in force when, what changed between two versions, and which language is behind by which clauses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

# Changes after which people act otherwise: they are published in both languages, or provisionally.
MATERIAL = ("material", "emergency")
_MADE_WITHIN = timedelta(seconds=1)
NUMBER = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


class Standing(StrEnum):
    """Where a version is in its life."""

    ISSUED = "issued"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Dated(Protocol):
    """What the life of a version depends on."""

    @property
    def sequence(self) -> int:
        """1 for the first version."""

    @property
    def issued_at(self) -> datetime:
        """When it was published."""

    @property
    def effective_at(self) -> datetime:
        """From when on it is to be followed."""

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was taken back."""


V = TypeVar("V", bound=Dated)


def _came_into_force(version: Dated, at: datetime) -> bool:
    """Say whether the version had taken effect by `at`; one withdrawn before its day never does."""
    begun = version.issued_at <= at and version.effective_at <= at
    return begun and (version.withdrawn_at is None or version.withdrawn_at > version.effective_at)


def in_force(versions: Iterable[V], at: datetime) -> V | None:
    """Return the version that is to be followed at an instant, or None.

    It is the one that took effect last; of two with one instant the later issued. When that one has
    been withdrawn, nothing is in force: an earlier version does not come back by itself.
    """
    begun = [version for version in versions if _came_into_force(version, at)]
    if not begun:
        return None
    last = max(begun, key=lambda version: (version.effective_at, version.sequence))
    return None if last.withdrawn_at is not None and last.withdrawn_at <= at else last


def begins(version: Dated) -> datetime:
    """Return when a version came into force; one that was issued late did when it was issued."""
    return max(version.issued_at, version.effective_at)


def ends(version: V, versions: Iterable[V]) -> datetime | None:
    """Return when a version stops being in force as far as that is known, or None.

    When it is withdrawn, or when another one that is to be followed instead comes into force.
    """
    later = (
        begins(other)
        for other in versions
        if (other.effective_at, other.sequence) > (version.effective_at, version.sequence)
        and (other.withdrawn_at is None or other.withdrawn_at > other.effective_at)
    )
    known = [*later, *([version.withdrawn_at] if version.withdrawn_at is not None else [])]
    return min(known, default=None)


def standing(version: V, versions: Iterable[V], at: datetime) -> Standing:
    """Return where a version of a document is in its life at an instant."""
    if version.withdrawn_at is not None and version.withdrawn_at <= at:
        return Standing.WITHDRAWN
    begun = [other for other in versions if _came_into_force(other, at)]
    last = max(begun, key=lambda other: (other.effective_at, other.sequence), default=None)
    if last is not None and last.sequence == version.sequence:
        return Standing.IN_FORCE
    if version.effective_at > at and (last is None or version.sequence > last.sequence):
        return Standing.ISSUED
    return Standing.SUPERSEDED


def to_read(versions: Sequence[V], at: datetime) -> V | None:
    """Return the version that the document's address shows.

    The one in force; before there is one, the next to take effect; after a withdrawal the one withdrawn. Of an
    instant that is past it is what was shown then: what was issued or withdrawn later changes nothing about it.
    """
    current = in_force(versions, at)
    if current is not None:
        return current
    known = [version for version in versions if version.issued_at <= at] or versions
    coming = [
        version
        for version in known
        if version.effective_at > at and (version.withdrawn_at is None or version.withdrawn_at > at)
    ]
    if coming:
        return min(coming, key=lambda version: (version.effective_at, version.sequence))
    return max(known, key=lambda version: (version.effective_at, version.sequence), default=None)


def was_addressed(since: datetime, ended_at: datetime | None, created_at: datetime, at: datetime) -> bool:
    """Say whether one line of an audience applied at an instant.

    What a document's audience was before it came here nobody knows: for older versions it is the one that it was made
    with. (Documents made before this was one instant got their audience a moment after themselves.)
    """
    moment = max(at, created_at + _MADE_WITHIN)
    return since <= moment and (ended_at is None or ended_at > moment)


def waits_for_translation(change_class: str) -> bool:
    """Say whether a change of this class is published only when the second language says it too."""
    return change_class in MATERIAL


def number_key(number: str) -> tuple[int, int]:
    """Return a version number ("1.10") in a form that sorts. Raises `ValueError` for anything else."""
    if not NUMBER.fullmatch(number):
        raise ValueError(f"no version number: {number!r}")
    major, minor = number.split(".")
    return int(major), int(minor)


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to the clauses between two versions, by id, in the order of the newer one.

    A clause whose text turns up unchanged under another id is *moved* from the old id to the new one.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Whether no clause changed at all."""
        return not (self.added or self.removed or self.changed or self.moved)


def changes_between(old: Mapping[str, str], new: Mapping[str, str]) -> Changes:
    """Compare two versions given as clause id → hash, in order."""
    gone = {hash_: anchor for anchor, hash_ in old.items() if anchor not in new}
    added, moved = [], []
    for anchor, hash_ in new.items():
        if anchor in old:
            continue
        origin = gone.pop(hash_, None)
        if origin is None:
            added.append(anchor)
        else:
            moved.append((origin, anchor))
    left = {origin for origin, _anchor in moved}
    return Changes(
        added=tuple(added),
        removed=tuple(anchor for anchor in old if anchor not in new and anchor not in left),
        changed=tuple(anchor for anchor, hash_ in new.items() if anchor in old and old[anchor] != hash_),
        moved=tuple(moved),
    )


def clauses_behind(authoritative: Mapping[str, str], made_from: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the clauses in which a translation is behind, in their order.

    `authoritative` is clause id → hash of the deciding text; `made_from` clause id → hash of the text
    that the translation was made from. A clause is behind when it is missing, when its origin is not
    known, or when the text has changed since.
    """
    return tuple(anchor for anchor, hash_ in authoritative.items() if made_from.get(anchor) != hash_)
