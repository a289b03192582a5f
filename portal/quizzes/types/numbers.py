"""Numbers as people write them: full-width digits, a comma or a point, a unit behind it.

A single comma before exactly three digits separates thousands, as both English and Japanese write them; before any
other number of digits it is a decimal comma. The page says how a number is read, so that nobody is surprised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from portal.quizzes.types.contents import ANY_NUMBER, NumberKey, Unit

# Longer ones are no numbers that somebody means.
_MOST_DIGITS = 40
_MOST_EXPONENT = 30
DECIMAL = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<digits>[0-9][0-9.,'\s]*|[.,][0-9]+)"
    r"(?:\s*[e]\s*(?P<e>[+-]?[0-9]{1,2})|\s*[x*×·]\s*10\s*\^\s*(?P<power>[+-]?[0-9]{1,2}))?"
    r"\s*(?P<times>[千万億]?)",
    re.ASCII | re.IGNORECASE,
)
_TIMES = {"": 1, "千": 10**3, "万": 10**4, "億": 10**8}
SIGNS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
# Before a decimal sign one group is enough to be one.
_GROUPED = re.compile(r"[0-9]{1,3}([,.' ])[0-9]{3}(?:\1[0-9]{3})*", re.ASCII)
_GROUPS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:\.[0-9]{3}){2,}|[0-9]{1,3}(?:[' ][0-9]{3})+", re.ASCII)


class Unread(StrEnum):
    """Why what was written is no number here."""

    NO_NUMBER = "no_number"
    UNKNOWN_UNIT = "unknown_unit"


@dataclass(frozen=True, slots=True)
class Read:
    """How a number is read: in the first unit, and as it was written."""

    value: Fraction
    number: Fraction
    unit: str = ""


def decimal(text: str) -> Fraction | None:
    """Return a decimal as keys hold it, or None."""
    return Fraction(text) if DECIMAL.fullmatch(text) else None


def read_number(text: str, units: Sequence[Unit] = ()) -> Read | Unread:
    """Return the number that somebody wrote, in the first unit; or why it is none."""
    told = unicodedata.normalize("NFKC", text).translate(SIGNS).strip()
    before = ""
    found = _NUMBER.match(told)
    if found is None:
        # "$5" and "¥500" have the unit first.
        symbol = re.match(r"[^0-9+\-.,]+", told)
        if symbol is None:
            return Unread.NO_NUMBER
        before = symbol.group().strip()
        found = _NUMBER.match(told, symbol.end())
        if found is None:
            return Unread.NO_NUMBER
    value = _value(found)
    if value is None:
        return Unread.NO_NUMBER
    after = told[found.end() :].strip()
    if before and after:
        return Unread.NO_NUMBER
    if not before and not after:
        return Read(value, value, units[0].symbol if units else "")
    unit = _unit(before or after, units)
    if unit is None:
        return Unread.UNKNOWN_UNIT
    return Read(value * unit.factor, value, unit.symbol)


def _value(found: re.Match[str]) -> Fraction | None:
    # A point or comma at the end belongs to the sentence, or to what is still being typed.
    digits = re.sub(r"\s+", " ", found["digits"].strip()).rstrip(".,' ")
    plain = _plain(digits)
    if plain is None or len(digits) > _MOST_DIGITS:
        return None
    exponent = int(found["e"] or found["power"] or 0)
    if abs(exponent) > _MOST_EXPONENT:
        return None
    size = Fraction(plain) * Fraction(10) ** exponent * _TIMES[found["times"]]
    return -size if found["sign"] == "-" else size


def _plain(digits: str) -> str | None:
    """Return digits with at most one point, or None where groups and points make no sense."""
    last = max(digits.rfind(","), digits.rfind("."))
    separators = {each for each in digits if each in ",.' "}
    if not separators:
        return digits
    if len(separators) == 1 and digits[0] != "0" and _GROUPS.fullmatch(digits):
        return re.sub(r"[,.' ]", "", digits)
    if last == -1:
        return None
    whole, part = digits[:last], digits[last + 1 :]
    if not part.isdigit() or digits[last] in whole:
        return None
    if whole and not whole.isdigit():
        if not _GROUPED.fullmatch(whole):
            return None
        whole = re.sub(r"[,.' ]", "", whole)
    return f"{whole or '0'}.{part}"


def _folded_symbol(symbol: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", symbol))


def _unit(written: str, units: Sequence[Unit]) -> Unit | None:
    """Return the unit that was written: letter for letter, else whatever the case where that is only one."""
    told = _folded_symbol(written)
    exact = [unit for unit in units if _folded_symbol(unit.symbol) == told]
    if exact:
        return exact[0]
    near = [unit for unit in units if _folded_symbol(unit.symbol).casefold() == told.casefold()]
    return near[0] if len({unit.factor for unit in near}) == 1 else None


def fits(key: NumberKey, value: Fraction) -> bool:
    """Say whether a number is as near to that of a key as its tolerance says; being exactly as far is enough."""
    if key.value == ANY_NUMBER:
        return True
    return abs(value - Fraction(key.value)) <= Fraction(key.tolerance or 0)


def written(value: Fraction) -> str:
    """Write a number in plain digits; one that has no end in decimals is cut after ten of them."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    whole, rest = divmod(size, 1)
    if not rest:
        return f"{sign}{whole}"
    digits = f"{rest * 10**10 // 1:010d}".rstrip("0")
    return f"{sign}{whole}.{digits or '0'}"
