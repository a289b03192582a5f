"""Two texts of a draft that were written at the same time become one: clause by clause, nothing of either is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from portal.library.rules.merging import (
    Digests,
    Piece,
    Side,
    digest,
    digests_of,
    merge_since,
    merged_line,
)
from portal.library.service.texts import pieces_of, raw_pieces_of


@dataclass(frozen=True, slots=True)
class TextValues:
    """A text of a draft as somebody writes it."""

    title: str = ""
    summary: str = ""
    what_to_do_differently: str = ""
    attestation: str = ""
    source: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing has been written."""
        return not any(value.strip() for value in asdict(self).values())

    @property
    def lines(self) -> dict[str, str]:
        """What stands beside the text, by name."""
        return {name: value for name, value in asdict(self).items() if name != "source"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What somebody else had changed: the names of lines, and the keys of clauses."""

    lines: tuple[str, ...]
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """What becomes of two texts: lines and clauses with the side that each comes from, and what the other changed."""

    lines: tuple[Piece, ...]
    pieces: tuple[Piece, ...]
    taken: Taken
    # The two texts; where somebody is just writing, blank lines are not taken from under her hands.
    mine: str
    theirs: str

    @property
    def open(self) -> list[tuple[str, Piece]]:
        """What somebody has to choose, as (name of the choice, both texts)."""
        lines = [(f"line-{each.key}", each) for each in self.lines if each.side is None]
        return lines + [(f"clause-{each.key}", each) for each in self.pieces if each.side is None]

    def values(self, choices: Mapping[str, Side], edits: Mapping[str, str]) -> TextValues:
        """Return the text that results from the choices; what was written anew stands in `edits`, by the same names."""
        lines = {}
        for each in self.lines:
            name = f"line-{each.key}"
            choice = each.side or choices.get(name, Side.THEIRS)
            own = edits.get(name) if each.side is None else None
            lines[each.key] = own if own is not None else (each.theirs if choice is Side.THEIRS else each.mine) or ""
        mine, theirs = raw_pieces_of(self.mine), raw_pieces_of(self.theirs)
        parts: list[str] = []
        for piece in self.pieces:
            name = f"clause-{piece.key}"
            side = piece.side or choices.get(name, Side.THEIRS)
            if piece.side is None and name in edits:
                parts.append(edits[name])
            else:
                raw = mine if side is Side.MINE or piece.mine == piece.theirs else theirs
                parts.append(raw.get(piece.key, ""))
        parts = [part for part in parts if part.strip()]
        # A blank line stands before each clause.
        spaced = [part if part.endswith("\n") else f"{part}\n" for part in parts[:-1]]
        source = "\n".join(spaced + parts[-1:])
        return TextValues(**lines, source=source if not source or source.endswith("\n") else f"{source}\n")


def digests_of_values(values: TextValues) -> Digests:
    """Return what a text says in short, for the page that is to write on it."""
    return digests_of(values.lines, pieces_of(values.source))


def join(base: Digests | None, mine: TextValues, theirs: TextValues) -> Joined:
    """Join two texts that were begun from the one of which `base` holds the digests; None where that is not known."""
    lines = tuple(
        merged_line(base.lines if base is not None else None, name, value, theirs.lines[name])
        for name, value in mine.lines.items()
    )
    own, their = pieces_of(mine.source), pieces_of(theirs.source)
    pieces = tuple(merge_since(base.pieces if base is not None else None, own, their))
    was = base.pieces if base is not None else {}
    changed = [
        key
        for key in {**their, **was}
        if their.get(key) != own.get(key) and (digest(their[key]) if key in their else None) != was.get(key)
    ]
    said = [each.key for each in lines if each.side is Side.THEIRS and each.mine != each.theirs]
    return Joined(lines, pieces, Taken(tuple(said), tuple(changed)), mine.source, theirs.source)
