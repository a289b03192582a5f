"""What differs between two plans: which steps, phases and events came, went, moved or say something else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from portal.training.rules import EventSpec, PhaseSpec, PlanSpec, StepSpec


class What(StrEnum):
    """Of what a change is."""

    PLAN = "plan"
    PHASE = "phase"
    EVENT = "event"
    STEP = "step"


class Became(StrEnum):
    """What became of it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    # Nothing but its place in the order.
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that says something else; `name` is that of `StepSpec`, `PhaseSpec`, `EventSpec` or `PlanSpec`."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of a plan that differs."""

    what: What
    slug: str
    became: Became
    differences: tuple[Difference, ...] = ()
    has_moved: bool = False


def changes(before: PlanSpec, after: PlanSpec) -> list[Change]:
    """Return what differs, the plan itself first, then phases, events and steps in the order of `after`.

    What went stands behind what there is. Of things that changed places as few as possible are said to have moved.
    """
    of_plan = _differences(before, after, ("title", "summary", "credential"))
    found = [Change(What.PLAN, "", Became.CHANGED, of_plan)] if of_plan else []
    found += _of(What.PHASE, before.phases, after.phases)
    found += _of(What.EVENT, before.events, after.events)
    return found + _of(What.STEP, before.steps, after.steps)


def _of(
    what: What,
    before: Sequence[StepSpec] | Sequence[PhaseSpec] | Sequence[EventSpec],
    after: Sequence[StepSpec] | Sequence[PhaseSpec] | Sequence[EventSpec],
) -> list[Change]:
    old = {each.slug: each for each in before}
    new = {each.slug: each for each in after}
    places = {slug: number for number, slug in enumerate(old)}
    stayed = _longest_rising([places[slug] for slug in new if slug in places])
    found = []
    for slug, each in new.items():
        if slug not in old:
            found.append(Change(what, slug, Became.ADDED))
            continue
        names = tuple(field.name for field in fields(each) if field.name != "slug")
        differences, has_moved = _differences(old[slug], each, names), places[slug] not in stayed
        if differences or has_moved:
            became = Became.CHANGED if differences else Became.MOVED
            found.append(Change(what, slug, became, differences, has_moved))
    return found + [Change(what, slug, Became.REMOVED) for slug in old if slug not in new]


def _differences(before: Any, after: Any, names: Sequence[str]) -> tuple[Difference, ...]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in names)
    return tuple(Difference(name, old, new) for name, old, new in pairs if old != new)


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Return the numbers of a longest rising subsequence, by the patience method."""
    tails: list[int] = []
    comes_from: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(tails, number)
        comes_from[number] = tails[at - 1] if at else None
        tails[at:] = [number] if at == len(tails) else [number, *tails[at + 1 :]]
    found: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        found.add(last)
        last = comes_from[last]
    return found
