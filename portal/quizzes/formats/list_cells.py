r"""Several things in one cell of a table: items divided by | or line breaks, each with what belongs to it.

`50% Tokyo # Nearly.` is an item worth 50 percent with a feedback, `kg = 1000` a pair. A backslash before a sign makes
it an ordinary one (`\|`, `\=`, `\#`, `\\`); before a line break it keeps the break within the item. Before a letter it
is an ordinary backslash itself, so that `C:\temp` needs no care. The full-width signs of a Japanese keyboard are the
same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from portal.quizzes.formats.interchange import BadData, exact

_ITEMS = re.compile(r"\\.|([|｜\n])", re.DOTALL)
_WORDS = re.compile(r"\\.|([|｜\n,，、])", re.DOTALL)
_SIDES = re.compile(r"\\.|([=＝→])", re.DOTALL)
# A mark of feedback stands between blanks: C# is a language.
_FEEDBACK = re.compile(r"\\.|(?:(?<=\s)|^)([#＃])(?=\s|$)", re.DOTALL)
_TOLERANCE = re.compile(r"\\.|(±|\+/?-)", re.DOTALL)
_ESCAPE = re.compile(r"\\([^\w])", re.DOTALL)
_BRACKET = re.compile(r"\s*[\[［]([^\[\]［］\n|｜]*)[\]］]")
_WORTH = re.compile(r"([+\-＋－−]?[0-9０-９][0-9０-９.．/／]{0,40})\s?[%％](?:\s+|$)")
_RATIO = re.compile(r"([+-]?[0-9]{1,20})/([0-9]{1,20})", re.ASCII)
_SIGNS = re.compile(r"[\\|｜\n=＝→±]|\+/?-|(?:(?<=\s)|^)[#＃](?=\s|$)|^[\[［]")
_WORD_SIGNS = re.compile(r"[\\|｜\n,，、]")
_MOST_DIGITS = 10


MAX_ITEMS = 200


class TooManyItems(Exception):
    """A cell holds more than anybody writes into one."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is written, signs still marked as ordinary ones; and what it is said to be worth, in percent."""

    raw: str
    worth: Fraction | None
    feedback: str

    @property
    def text(self) -> str:
        """What the item says."""
        return _plain(self.raw)

    @property
    def with_tolerance(self) -> tuple[str, str]:
        """The item as a number and its tolerance, empty where none is said."""
        sides = _parted(self.raw, _TOLERANCE)
        return _plain(sides[0]), _plain("±".join(sides[1:]))


def bracketed(cell: str) -> tuple[list[str], str]:
    """Return the words in the brackets at the beginning of a cell, and the rest of it."""
    found = _BRACKET.match(cell)
    return (found[1].split(), cell[found.end() :]) if found else ([], cell)


def items(cell: str) -> list[Item]:
    """Return the items of a cell; raises `TooManyItems`, and `BadData` for a worth that is no number."""
    return [_item(raw) for raw in _listed(cell, _ITEMS)]


def words(cell: str) -> tuple[str, ...]:
    """Return the words of a cell, which commas divide too, each once; raises `TooManyItems`."""
    return tuple(dict.fromkeys(_plain(raw) for raw in _listed(cell, _WORDS)))


def pairs(cell: str) -> list[tuple[str, str]]:
    """Return the pairs of a cell; raises `TooManyItems`, and `BadData` with the item that is none."""
    found = []
    for raw in _listed(cell, _ITEMS):
        sides = _parted(raw, _SIDES)
        if len(sides) != 2:
            raise BadData(raw)
        found.append((_plain(sides[0]), _plain(sides[1])))
    return found


def written_item(text: str, worth: Fraction | None = None, feedback: str = "", tolerance: str = "") -> str:
    """Return an item as a cell holds it; without `worth` it is worth what is usual there."""
    body = _ordinary(text)
    if worth is None and (_WORTH.match(body) or not body):
        raise ValueError("the item needs to say what it is worth")
    if worth is not None:
        body = f"{number_text(worth)}% {body}".rstrip() if not text else f"{number_text(worth)}% {body}"
    if tolerance:
        body += f" ± {_ordinary(tolerance)}"
    return body + (f" # {_ordinary(feedback)}" if feedback else "")


def needs_worth(text: str) -> bool:
    """Say whether an item with this text would be read as something else without its worth."""
    return not text or bool(_WORTH.match(_ordinary(text)))


def written_pairs(given: Iterable[tuple[str, str]]) -> str:
    """Return pairs as a cell holds them."""
    return "\n".join(f"{_ordinary(left)} = {_ordinary(right)}" for left, right in given)


def written_words(given: Iterable[str]) -> str:
    """Return words as a cell holds them."""
    return "|".join(_guarded_ends(word, _WORD_SIGNS.sub(r"\\\g<0>", word)) for word in given)


def number_text(value: Fraction) -> str:
    """Write a number so that `number_of` reads the same: as a decimal, or as a ratio where no decimal means it."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 10**_MOST_DIGITS
    if scaled.denominator == 1:
        sign, digits = ("-" if value < 0 else ""), f"{abs(scaled.numerator):0{_MOST_DIGITS + 1}}"
        text = f"{sign}{digits[:-_MOST_DIGITS]}.{digits[-_MOST_DIGITS:].rstrip('0')}"
        # Five decimals and more may mean a third.
        return text if exact(text) == value else f"{value.numerator}/{value.denominator}"
    text = f"{float(value):.5f}"
    return text if exact(text) == value else f"{value.numerator}/{value.denominator}"


def number_of(text: str) -> Fraction:
    """Return the number of a text, full-width digits and a ratio such as 2/3 included. Raises `BadData`."""
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").strip()
    ratio = _RATIO.fullmatch(plain)
    if ratio is None:
        return exact(plain)
    if not int(ratio[2]) or abs(int(ratio[1])) > 10**9 * int(ratio[2]):
        raise BadData(text)
    return Fraction(int(ratio[1]), int(ratio[2]))


def _item(raw: str) -> Item:
    found = _WORTH.match(raw)
    worth = None
    if found:
        try:
            worth = number_of(found[1])
        except BadData:
            raise BadData(found[1]) from None
    sides = _parted(raw[found.end() :] if found else raw, _FEEDBACK, most=1)
    return Item(_trimmed(sides[0]), worth, _plain(sides[1]) if len(sides) > 1 else "")


def _listed(cell: str, sign: re.Pattern[str]) -> list[str]:
    parts = [raw for raw in _parted(cell, sign) if raw and not raw.isspace()]
    if len(parts) > MAX_ITEMS:
        raise TooManyItems
    return [_trimmed(raw) for raw in parts]


def _parted(text: str, sign: re.Pattern[str], *, most: int = 0) -> list[str]:
    """Split at the signs that no backslash makes ordinary; what is left keeps its backslashes."""
    parts, start = [], 0
    for found in sign.finditer(text):
        if found[1] is not None:
            parts.append(text[start : found.start()])
            start = found.end()
            if most and len(parts) == most:
                break
    return [*parts, text[start:]]


def _trimmed(raw: str) -> str:
    """Take off the blanks at the ends, but for one behind a backslash."""
    left = raw.lstrip()
    kept = left.rstrip()
    if len(kept) < len(left) and (len(kept) - len(kept.rstrip("\\"))) % 2:
        kept += left[len(kept)]
    return kept


def _plain(raw: str) -> str:
    return _ESCAPE.sub(r"\1", _trimmed(raw))


def _ordinary(text: str) -> str:
    return _guarded_ends(text, _SIGNS.sub(lambda found: "".join(f"\\{each}" for each in found[0]), text))


def _guarded_ends(text: str, written: str) -> str:
    """Put a backslash before a blank at either end of a text, where it has none."""
    if text and text[-1].isspace() and text[-1] != "\n":
        written = f"{written[:-1]}\\{text[-1]}"
    if text and text[0].isspace() and text[0] != "\n" and len(text) > 1:
        written = f"\\{written}"
    return written
