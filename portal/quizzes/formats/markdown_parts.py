"""How the Markdown bank format writes what is not chosen: shares, numbers, units, pairs, orders and criteria.

A list item of the English file says in its brackets what it is worth: `[x]` all, `[ ]` nothing, `[50%]` or `[1/3]`
a share; `[1]`, `[2]` … the place in an order, or the points of a criterion. A pair has its right side below it, behind
`=`. The Japanese file has the same items without brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from portal.core.i18n import Words
from portal.quizzes.types.base import (
    CHOICES,
    ESSAY,
    LETTERS,
    NUMBER,
    ORDER,
    TEXT,
    Choice,
    Criterion,
    NumberKey,
    Part,
    TextKey,
    Unit,
)
from portal.quizzes.types.keys import SYMBOL
from portal.quizzes.types.matching import parts_of

# What each type has in its list, where it has but one.
KINDS: Mapping[str, str] = {"short_answer": TEXT, "numeric": NUMBER, "ordering": ORDER, "free_text": ESSAY}
MATCHING, GAP, CASE = "matching", "gap", "case"
# Types whose points stand on their parts, or on their criteria.
WITHOUT_POINTS = (CASE, GAP, "free_text")
GAP_HEADINGS = Words("Gap {number}", "空欄{number}")
# Below it stands what is told of the whole of a question that has parts.
WHY, WHY_HEADINGS = "why", Words("Why", "解説")
# What a gap is called behind its heading; the part has the number alone, as the text has it.
GAP_ID = re.compile(r"gap-([1-9][0-9]?)")
UNIT = re.compile(rf"(?P<symbol>{SYMBOL.pattern})(?:=(?P<factor>[0-9]{{1,9}}(?:[./][0-9]{{1,9}})?))?")
_RIGHT_SIDE = "= "
_TOLERANCE = re.compile(r"\s*(?:±|\+-|\+/-)\s*")


class Marks(StrEnum):
    """What stands in the brackets of a list."""

    RIGHT = "right"
    SHARE = "share"
    NUMBER = "number"


_IN_BRACKETS = {
    Marks.RIGHT: r"[ xX]",
    Marks.SHARE: r"[ xX]|[0-9]{1,3}%|[0-9]{1,9}/[0-9]{1,9}",
    Marks.NUMBER: r"[0-9]{1,3}",
}
TASKS = {
    marks: re.compile(rf"[-*+] +\[(?P<mark>{inside})\](?: +(?P<text>.*))?") for marks, inside in _IN_BRACKETS.items()
}


def marks_of(kind: str) -> Marks:
    """Return what stands in the brackets of the list of a part of this kind."""
    if kind in (TEXT, NUMBER):
        return Marks.SHARE
    return Marks.NUMBER if kind in (ORDER, ESSAY) else Marks.RIGHT


# --- what stands in brackets -------------------------------------------------------------------


def share_of(mark: str) -> Fraction | None:
    """Return which share of the points a mark says; None where it is no share."""
    if mark in "xX":
        return Fraction(1)
    if mark == " ":
        return Fraction(0)
    if mark.endswith("%"):
        share = Fraction(int(mark[:-1]), 100)
    else:
        over, _slash, under = mark.partition("/")
        if not int(under):
            return None
        share = Fraction(int(over), int(under))
    return share if share <= 1 else None


def mark_of(share: Fraction) -> str:
    """Write a share as it stands in brackets."""
    if share in (0, 1):
        return "x" if share else " "
    percent = share * 100
    return f"{percent}%" if percent.denominator == 1 else str(share)


def units_of(text: str) -> tuple[Unit, ...] | None:
    """Return the units of an attribute, `min,h=60`; None where they cannot be read."""
    found = [UNIT.fullmatch(each) for each in text.split(",")]
    units = [Unit(each["symbol"], _factor(each["factor"] or "1")) for each in found if each]
    return tuple(units) if len(units) == len(found) and all(unit.factor for unit in units) else None


def _factor(text: str) -> Fraction:
    _over, slash, under = text.partition("/")
    if slash and not int(under):
        return Fraction(0)
    return Fraction(text)


def units_words(units: Sequence[Unit]) -> str:
    """Write units as an attribute."""
    return ",".join(unit.symbol if unit.factor == 1 else f"{unit.symbol}={unit.factor}" for unit in units)


# --- items into parts --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """An item of a list in both languages: its text, its mark and its rationale."""

    text: Words
    mark: str
    right: bool
    rationale: Words | None = None


def part_of(
    part_id: str,
    kind: str,
    items: Sequence[Given],
    *,
    points: int,
    is_exact: bool = False,
    units: tuple[Unit, ...] = (),
    limits: tuple[int | None, int | None] = (None, None),
    heading: Words | None = None,
    rationale: Words | None = None,
) -> Part:
    """Return the part that a list says."""
    least, most = limits
    criteria = tuple(
        Criterion(LETTERS[place], item.text, int(item.mark or 0)) for place, item in enumerate(items) if kind == ESSAY
    )
    return Part(
        id=part_id,
        heading=heading,
        points=sum(each.points for each in criteria) if kind == ESSAY else points,
        choices=tuple(
            Choice(LETTERS[place], item.text, item.right or kind == ORDER, item.rationale)
            for place, item in enumerate(items)
            if kind in (CHOICES, ORDER)
        ),
        rationale=rationale,
        kind=kind,
        keys=tuple(_key(kind, item) for item in items if kind in (TEXT, NUMBER)),
        is_exact=is_exact,
        units=units,
        criteria=criteria,
        least=least,
        most=most,
    )


def _key(kind: str, item: Given) -> TextKey | NumberKey:
    share = share_of(item.mark) if item.mark else Fraction(0)
    if kind == TEXT:
        return TextKey(item.text, share or Fraction(0), item.rationale)
    value, tolerance = number_of(item.text.en)
    return NumberKey(value, tolerance, share or Fraction(0), item.rationale)


def number_of(text: str) -> tuple[str, str]:
    """Return a number and its tolerance as they are written: `90 ± 10`."""
    value, *tolerance = _TOLERANCE.split(text.strip(), maxsplit=1)
    return value, tolerance[0] if tolerance else ""


def pairs_of(items: Sequence[Given], *, points: int) -> tuple[Part, ...]:
    """Return the parts of a matching: an item that is right is a pair, another one a choice that fits nothing."""
    pairs, extras = [], []
    for item in items:
        sides = {language: sides_of(item.text.in_(language)) for language in ("en", "ja")}
        left, right = (Words(sides["en"][place] or "", sides["ja"][place] or "") for place in (0, 1))
        if item.right:
            pairs.append((left, right, item.rationale))
        else:
            extras.append(item.text)
    return parts_of(pairs, extras, points=points)


def sides_of(text: str) -> tuple[str, str | None]:
    """Return the left and the right side of a pair as it is written; None where it has no right one."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if line.startswith(_RIGHT_SIDE):
            right = "\n".join([line.removeprefix(_RIGHT_SIDE).strip(), *lines[place + 1 :]])
            return "\n".join(lines[:place]).strip("\n"), right
    return text, None


# --- parts into items --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """An item as one language's file has it; `right` is None where brackets say something else."""

    text: str
    right: bool | None
    mark: str = ""
    rationale: str | None = None


def items_of(part: Part, language: str) -> list[Written]:
    """Return the list that says a part in one language."""

    def told(words: Words | None) -> str | None:
        return words.in_(language) if words else None

    match part.kind:
        case "text":
            return [
                Written(key.text.in_(language), None, mark_of(key.share), told(key.feedback)) for key in part.text_keys
            ]
        case "number":
            return [
                Written(
                    f"{key.value} ± {key.tolerance}" if key.tolerance else key.value,
                    None,
                    mark_of(key.share),
                    told(key.feedback),
                )
                for key in part.number_keys
            ]
        case "order":
            return [
                Written(choice.text.in_(language), None, str(place), told(choice.rationale))
                for place, choice in enumerate(part.choices, start=1)
            ]
        case "essay":
            return [Written(each.text.in_(language), None, str(each.points)) for each in part.criteria]
        case _:
            return [
                Written(choice.text.in_(language), choice.right, "", told(choice.rationale)) for choice in part.choices
            ]


def pair_items(parts: Sequence[Part], language: str) -> list[Written]:
    """Return the list that says a matching in one language."""
    items = []
    for part in parts:
        right = next((choice.text.in_(language) for choice in part.choices if choice.right), "")
        left = part.heading.in_(language) if part.heading else ""
        told = part.rationale.in_(language) if part.rationale else None
        items.append(Written(f"{left}\n{_RIGHT_SIDE}{right}", True, "", told))
    used = {choice_id for part in parts for choice_id in part.key}
    extras = [choice for choice in (parts[0].choices if parts else ()) if choice.id not in used]
    return items + [Written(choice.text.in_(language), False) for choice in extras]
