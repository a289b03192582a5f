"""What a market's overlay does to the clauses of its base, their order then, and what an upstream edit clashes with."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SLUG = re.compile(r"(?P<base>[a-z][a-z0-9-]{0,59})@(?P<market>[A-Za-z][A-Za-z0-9-]{0,19})")

# Behind what stands before the first heading: the first place that a clause with a heading can have.
BEGINNING = "top"


class Mode(StrEnum):
    """What an overlay does with a clause; the words are those that its author writes in the braces."""

    REPLACED = "replace"
    APPENDED = "append"
    NOT_APPLICABLE = "none"
    # A clause that only the market has.
    ADDED = "add"


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A clause of an overlay; `after` is the id behind which an added one stands, empty for the end."""

    anchor: str
    mode: Mode
    after: str = ""


class Clash(StrEnum):
    """How an edit of the base meets what an overlay does."""

    CHANGED = "changed"
    GONE = "gone"
    # The base has got a clause of the id that the overlay adds.
    TAKEN = "taken"
    # The clause behind which an added one stood is gone.
    PLACE_GONE = "place_gone"


def base_slug(slug: str) -> str:
    """Return the address of the base of an overlay; of any other document its own."""
    return slug.partition("@")[0]


def overlay_slug(base: str, market: str) -> str:
    """Return the address of a market's overlay."""
    return f"{base}@{market}"


def title_in_market(title: str, market: str, language: str) -> str:
    """Return what a market's text without a title of its own is called: as its base, with the name of the market."""
    return f"{title}（{market}）" if language == "ja" else f"{title} ({market})"


def clashes(overlaid: Iterable[Overlaid], before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Clash]:
    """Return clause id → what the base did under an overlay between two of its versions, as clause id → hash.

    What the overlay leaves alone never clashes: there the market follows.
    """
    found: dict[str, Clash] = {}
    for each in overlaid:
        if each.mode is Mode.ADDED:
            if each.anchor in after and each.anchor not in before:
                found[each.anchor] = Clash.TAKEN
            elif each.after != BEGINNING and each.after in before and each.after not in after:
                found[each.anchor] = Clash.PLACE_GONE
        elif before.get(each.anchor) != after.get(each.anchor):
            found[each.anchor] = Clash.CHANGED if each.anchor in after else Clash.GONE
    return found


def arranged(base: Sequence[str], overlaid: Sequence[Overlaid]) -> list[str]:
    """Return the clause ids of the text that results: those of the base, added ones where they belong.

    Several that stand behind the same clause keep the order in which they were written, and one may be written before
    the one behind which it stands; one whose place is not there stands at the end.
    """
    order = list(base)
    behind: dict[str, str] = {}
    waiting = [each for each in overlaid if each.anchor not in set(base)]
    waiting = list({each.anchor: each for each in reversed(waiting)}.values())[::-1]
    there = set(order)
    while waiting:
        each = next((each for each in waiting if each.after in there or each.after == BEGINNING), None)
        if each is None:
            each = waiting[0]
            order.append(each.anchor)
        else:
            place = behind.get(each.after, each.after)
            order.insert(order.index(place) + 1 if place in there else 0, each.anchor)
            behind[each.after] = each.anchor
        there.add(each.anchor)
        waiting.remove(each)
    return order


def circles(overlaid: Iterable[Overlaid]) -> list[tuple[str, ...]]:
    """Return the circles in which added clauses stand behind one another, each from its first written on."""
    after = {each.anchor: each.after for each in overlaid if each.mode is Mode.ADDED}
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for first in list(after):
        path: list[str] = []
        here = first
        while here in after and here not in seen:
            seen.add(here)
            path.append(here)
            here = after[here]
        if here in path:
            found.append(tuple(path[path.index(here) :]))
    return found


def place_of(anchor: str, order: Sequence[str], stays: Container[str]) -> str:
    """Return behind which clause one keeps its place among others of which only some stay."""
    before = order[: order.index(anchor)] if anchor in order else order
    return next((each for each in reversed(before) if each in stays), BEGINNING)
