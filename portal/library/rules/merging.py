"""Three texts become one: what only one side changed is taken, what both changed is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

# More headings than a text may have; what a page sends beyond is not of ours.
MOST_PIECES = 5_000


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


@dataclass(frozen=True, slots=True)
class Digests:
    """What a text said when somebody began to write on it: short hashes of its lines and of its pieces, in their order.

    A page carries them along, so that a save that comes late can be told which clauses it has changed.
    """

    lines: Pieces
    pieces: Pieces

    def kept(self) -> dict[str, list[list[str]]]:
        """Return them as a page and a table keep them: in pairs, whose order nobody changes."""
        return {name: [list(pair) for pair in getattr(self, name).items()] for name in ("lines", "pieces")}


def digest(text: str) -> str:
    """Return the short hash of a piece: enough to tell whether it has been changed."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digests_of(lines: Pieces, pieces: Pieces) -> Digests:
    """Return the short hashes of the lines beside a text and of its pieces."""
    return Digests(*({key: digest(value) for key, value in each.items()} for each in (lines, pieces)))


def read_digests(value: object) -> Digests | None:
    """Return what a page sent as digests, or None where it is nothing of the kind."""
    if not isinstance(value, dict) or set(value) != {"lines", "pieces"}:
        return None
    parts = []
    for pairs in (value["lines"], value["pieces"]):
        if not isinstance(pairs, list) or len(pairs) > MOST_PIECES:
            return None
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return None
        if not all(isinstance(each, str) and len(each) <= 80 for pair in pairs for each in pair):
            return None
        parts.append(dict(pairs))
    return Digests(*parts)


def merge_since(base: Pieces | None, mine: Pieces, theirs: Pieces) -> list[Piece]:
    """Merge two texts as `merge` does; of the one that both began from the digests suffice.

    Where they are not known (None), somebody chooses wherever the two differ.
    """
    told = ({key: digest(text) for key, text in side.items()} for side in (mine, theirs))
    found = []
    for each in merge({} if base is None else base, *told):
        own, their = mine.get(each.key), theirs.get(each.key)
        side = each.side if base is not None or own == their else None
        found.append(Piece(each.key, own, their, side))
    return found


def merged_line(base: Pieces | None, name: str, mine: str, theirs: str) -> Piece:
    """Merge a line that stands beside the text, as `merge_since` does a clause."""
    if base is None or name not in base:
        return Piece(name, mine, theirs, Side.THEIRS if mine == theirs else None)
    was = base[name]
    if digest(mine) in (was, digest(theirs)):
        return Piece(name, mine, theirs, Side.THEIRS)
    return Piece(name, mine, theirs, Side.MINE if digest(theirs) == was else None)


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
