"""Which clauses a change touches, and under which id a clause that was cited earlier stands today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from portal.library.rules import Dated, changes_between

# What asks for something to be done again; what is editorial or minor asks for nothing.
ASKS_AGAIN = frozenset({"material", "emergency"})
# From the lightest to the gravest.
CLASSES = ("editorial", "minor", "material", "emergency")

V = TypeVar("V", bound=Dated)


@dataclass(frozen=True, slots=True)
class Touched:
    """A clause that a change touches: its id and hash before it, and its hash afterwards; None: it is gone."""

    anchor: str
    before: str
    after: str | None


def was_called_off(version: Dated) -> bool:
    """Say whether a version was withdrawn before it took effect: nobody ever had to follow it."""
    return version.withdrawn_at is not None and version.withdrawn_at <= version.effective_at


def last_that_counts(earlier: Sequence[V]) -> V | None:
    """Return the version that the next one changes: the latest of them but those that were called off."""
    return next((version for version in reversed(earlier) if not was_called_off(version)), None)


def takes_effect_last(versions: Iterable[V]) -> V | None:
    """Return the version before which no newer one may take effect; those that were called off hold nobody up.

    Else the older one would take effect after the newer one, and the older text would come back into force.
    """
    counted = [version for version in versions if not was_called_off(version)]
    return max(counted, key=lambda version: (version.effective_at, version.sequence), default=None)


def last_that_stands(earlier: Sequence[V]) -> V | None:
    """Return the version that people go by: the latest that was not withdrawn.

    Where all of them were, the latest that took effect, which people knew; None where none ever did.
    """
    standing = next((version for version in reversed(earlier) if version.withdrawn_at is None), None)
    return standing or last_that_counts(earlier)


def carried_over(
    stands: Mapping[str, str], withdrawn: Sequence[tuple[Mapping[str, str], bool]], proposed: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the clauses in which a proposed text keeps what versions that were withdrawn had changed.

    Each version is given as clause id → hash, those withdrawn with whether they asked people to confirm them. Nobody
    is asked about a withdrawn version any more: what it changed for those who go by the one that `stands` is as new to
    them as before. What only editorial and minor ones changed asks for nothing here either.
    """
    kept = set(touched_by(stands, [*withdrawn, (proposed, False)]))
    before = stands
    for version, asked in withdrawn:
        brought = changes_between(before, version).added if asked else ()
        kept |= {anchor for anchor in brought if anchor in proposed and anchor not in stands}
        before = version
    return tuple(dict.fromkeys(anchor for anchor in (*proposed, *stands) if anchor in kept))


def gravest(classes: Sequence[str]) -> str:
    """Return the gravest of one or more change classes."""
    return max(classes, key=CLASSES.index)


def touched_by(first: Mapping[str, str], steps: Sequence[tuple[Mapping[str, str], bool]]) -> dict[str, Touched]:
    """Return the clauses of a version, by id, that the steps after it changed or took out.

    Each step is a version as clause id → hash, and whether it asks for something to be done again: what only other
    steps changed says the same as before. A clause that got another id is followed; one that reads in the end as it
    did in the beginning is not among them.
    """
    names: dict[str, str | None] = {anchor: anchor for anchor in first}
    by_any: set[str] = set()
    before: Mapping[str, str] = first
    for after, asks_again in steps:
        changes = changes_between(before, after)
        moved = dict(changes.moved)
        changed, removed = set(changes.changed), set(changes.removed)
        for anchor, name in names.items():
            if name is None:
                continue
            if name in removed:
                names[anchor] = None
            elif name in moved:
                names[anchor] = moved[name]
            if asks_again and (name in removed or name in changed):
                by_any.add(anchor)
        before = after
    found = {}
    for anchor, name in names.items():
        now = before.get(name) if name is not None else None
        if anchor in by_any and now != first[anchor]:
            found[anchor] = Touched(anchor, first[anchor], now)
    return found


def names_today(versions: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return for each version, given as clause id → hash, under which id its clauses stand in the last one.

    A clause that was taken out on the way is left out.
    """
    names: list[dict[str, str]] = []
    later: dict[str, str] = {anchor: anchor for anchor in versions[-1]} if versions else {}
    for place in range(len(versions) - 1, -1, -1):
        if place < len(versions) - 1:
            moved = dict(changes_between(versions[place], versions[place + 1]).moved)
            later = {
                anchor: later[moved.get(anchor, anchor)]
                for anchor in versions[place]
                if moved.get(anchor, anchor) in later
            }
        names.append(later)
    return names[::-1]
