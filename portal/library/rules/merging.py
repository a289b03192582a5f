"""Three texts become one: what only one side changed is taken, what both changed is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Whose text a piece of the merged one is."""

    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Piece:
    """One clause of a merged text; `mine` and `theirs` are None where that side has no such clause.

    `side` is None where both sides changed it, and somebody has to choose.
    """

    key: str
    mine: str | None
    theirs: str | None
    side: Side | None

    def chosen(self, choice: Side | None = None) -> list[str]:
        """Return the texts that stand in the merged one: none, one, or both below one another."""
        match self.side or choice:
            case Side.MINE:
                found = [self.mine]
            case Side.THEIRS:
                found = [self.theirs]
            case _:
                found = [self.theirs, self.mine]
        return [each for each in found if each is not None]


Pieces = Mapping[str, str]


def merge(base: Pieces, mine: Pieces, theirs: Pieces) -> list[Piece]:
    """Merge two texts that were made from one, each given as clause id → text in its order.

    A clause that one side left as it was is taken from the other, one that it took out stays out. The order is that
    of the side that moved clauses, mine where both did; what only the other side has comes behind the clause that it
    follows there.
    """
    pieces = {key: _piece(key, base.get(key), mine.get(key), theirs.get(key)) for key in {**mine, **theirs}}
    kept = [key for key in mine if key in base and key in theirs]
    has_moved = kept != [key for key in base if key in mine and key in theirs]
    first, second = (list(mine), list(theirs)) if has_moved else (list(theirs), list(mine))
    order = list(first)
    for place, key in enumerate(second):
        if key not in order:
            before = next((each for each in reversed(second[:place]) if each in order), None)
            order.insert(order.index(before) + 1 if before is not None else 0, key)
    return [pieces[key] for key in order if pieces[key].side is None or pieces[key].chosen()]


def _piece(key: str, base: str | None, mine: str | None, theirs: str | None) -> Piece:
    if mine in (base, theirs):
        return Piece(key, mine, theirs, Side.THEIRS)
    return Piece(key, mine, theirs, Side.MINE if theirs == base else None)


def merged_value(base: str, mine: str, theirs: str) -> str | None:
    """Return what becomes of a line that stands beside the text; None where both sides changed it."""
    if mine in (base, theirs):
        return theirs
    return mine if theirs == base else None


def next_numbers(latest: str | None) -> tuple[str, str]:
    """Return the next version number for a small change, and the one for a change that people must confirm."""
    if latest is None:
        return "1.0", "1.0"
    major, minor = (int(part) for part in latest.split("."))
    return f"{major}.{minor + 1}", f"{major + 1}.0"
