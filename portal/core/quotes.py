"""Marks of quotation within marks of quotation: what is quoted in a sentence gives its own marks the other kind."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# Opening and closing, of the first kind and of the second, for English and for Japanese.
_FAMILIES = ((("“", "”"), ("‘", "’")), (("「", "」"), ("『", "』")))
_OTHER = {pairs[kind][0]: pairs[1 - kind][0] for pairs in _FAMILIES for kind in (0, 1)}
_CLOSING = {opening: closing for pairs in _FAMILIES for opening, closing in pairs}
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_FAMILY = {opening: pairs for pairs in _FAMILIES for opening, _closing in pairs}
# What is filled in, and the marks around it.
_PART = re.compile(r"%%|%\((\w+)\)s|[" + "".join([*_CLOSING, *_OPENING]) + "]")
# No name that a text could have.
_WITHIN = "{name} in {mark}"


def within(text: str, mark: str) -> str:
    """Return the text as it stands between marks of quotation that open with `mark`.

    Its outer marks of the same family become the other kind, those within them the first again, and so on. Marks
    without a counterpart and apostrophes stay.
    """
    pairs = _pairs(text, {opening for opening, _closing in _FAMILY[mark]})
    if not pairs:
        return text
    written = list(text)
    for opened, closed, depth in pairs:
        opening = _OTHER[mark] if depth % 2 == 0 else mark
        written[opened], written[closed] = opening, _CLOSING[opening]
    return "".join(written)


def filled(text: str, values: dict[str, Any]) -> str:
    """Return a text of the catalogues with its values filled in; what it puts between marks is written as `within`.

    A text that is markup stays it, and its values are escaped.
    """
    form, quoted = _form(text)
    if quoted:
        # Markup stays what it is: only names in it are others.
        form = type(text)(form)
        values = values | {each: _within(values[name], mark) for each, name, mark in quoted if name in values}
        return form % values
    return text % values


@lru_cache(maxsize=4096)
def _form(text: str) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Return a format in which what stands between marks has a name of its own: (new name, its name, the mark)."""
    open_marks: list[str] = []
    found: dict[str, tuple[str, str, str]] = {}

    def renamed(part: re.Match[str]) -> str:
        said, name = part[0], part[1]
        if said in _CLOSING:
            open_marks.append(said)
        elif said in _OPENING and open_marks and open_marks[-1] == _OPENING[said]:
            open_marks.pop()
        elif name and open_marks:
            key = _WITHIN.format(name=name, mark=open_marks[-1])
            found[key] = (key, name, open_marks[-1])
            return f"%({key})s"
        return said

    return _PART.sub(renamed, str(text)), tuple(found.values())


def _within(value: Any, mark: str) -> Any:
    """Return a value as it is filled in between marks; what is no text, or has no marks, stays as it is."""
    if isinstance(value, int | float):
        return value
    said = str(value)
    changed = within(said, mark)
    if changed == said:
        return value
    return type(value)(changed) if isinstance(value, str) else changed


def _pairs(text: str, openings: set[str]) -> list[tuple[int, int, int]]:
    """Return where marks of the family open and close, and how deep each pair lies in others."""
    waiting: list[int] = []
    found: list[tuple[int, int]] = []
    for place, each in enumerate(text):
        if each in openings:
            waiting.append(place)
        elif _OPENING.get(each) in openings and not _is_apostrophe(text, place):
            # The last that this closes; what was opened after it has no counterpart.
            opened = next((one for one in reversed(waiting) if text[one] == _OPENING[each]), None)
            if opened is not None:
                del waiting[waiting.index(opened) :]
                found.append((opened, place))
    return [
        (opened, closed, sum(before < opened and closed < after for before, after in found)) for opened, closed in found
    ]


def _is_apostrophe(text: str, place: int) -> bool:
    return text[place] == "’" and text[place - 1 : place].isalnum() and text[place + 1 : place + 2].isalnum()
