"""Two plans that were changed from the same one become one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from portal.training.rules import EventSpec, PhaseSpec, PlanSpec, StepSpec
from portal.training.rules.changes import What

T = TypeVar("T", StepSpec, PhaseSpec, EventSpec)


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of two plans; `both` names what both had changed differently: there `mine` stands."""

    spec: PlanSpec
    both: tuple[tuple[What, str], ...]


def merge(base: PlanSpec, mine: PlanSpec, theirs: PlanSpec) -> Merged:
    """Bring what `theirs` changed of `base` into `mine`: things that only one side changed are that side's.

    The order is that of `mine`; what `theirs` added stands behind what it stood behind there. The number is `mine`'s.
    """
    joiner = _Joiner()
    told = {
        name: joiner.chosen(What.PLAN, name, getattr(base, name), getattr(mine, name), getattr(theirs, name))
        for name in ("title", "summary", "credential")
    }
    spec = replace(
        mine,
        **told,
        phases=joiner.joined(What.PHASE, base.phases, mine.phases, theirs.phases),
        events=joiner.joined(What.EVENT, base.events, mine.events, theirs.events),
        steps=joiner.joined(What.STEP, base.steps, mine.steps, theirs.steps),
    )
    return Merged(spec, tuple(joiner.both))


class _Joiner:
    """Joins the parts of two plans, and keeps what both had changed."""

    def __init__(self) -> None:
        self.both: list[tuple[What, str]] = []

    def joined(self, what: What, base: Sequence[T], mine: Sequence[T], theirs: Sequence[T]) -> tuple[T, ...]:
        """Return the parts of one kind, in the order of `mine`."""
        was, own, other = _by_slug(base), _by_slug(mine), _by_slug(theirs)
        found: list[T] = []
        for slug, each in own.items():
            chosen = self.chosen(what, slug, was.get(slug), each, other.get(slug))
            if chosen is not None:
                found.append(chosen)
        before: str | None = None
        for slug, each in other.items():
            if slug not in own and slug not in was:
                at = next((number for number, kept in enumerate(found, start=1) if kept.slug == before), len(found))
                found.insert(at, each)
            elif slug not in own and was[slug] != each:
                # Taken out here and changed there: it stays out, and that is told.
                self.both.append((what, slug))
            before = slug
        return tuple(found)

    def chosen(self, what: What, slug: str, was: Any, mine: Any, theirs: Any) -> Any:
        """Return the value of the side that changed it; where both did, `mine`, and note that."""
        if theirs in (mine, was):
            return mine
        if mine == was:
            return theirs
        self.both.append((what, slug))
        return mine


def _by_slug(things: Sequence[T]) -> Mapping[str, T]:
    return {each.slug: each for each in things}
