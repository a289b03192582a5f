"""What a certificate says and for how long: numbers, placeholders, dates, states, and how large a name is set."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

from portal.calendars.rules import months_later as months_later

# What a statement may name.
PLACEHOLDERS = ("plan", "version", "organisation")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"number(?::0([1-9]))?")
_NUMBER_LITERAL = re.compile(r"[A-Za-z0-9._-]*")
MAX_NUMBER_LENGTH = 40
_PARTS = re.compile(r"([0-9]+)|([^0-9]+)")

# First day of each era and its name (Cabinet Order 143 of 2019 for the newest). A later era is a new line here;
# until then its dates are written in the last known era, as offices do after a late announcement.
_ERAS = ((date(2019, 5, 1), "令和"), (date(1989, 1, 8), "平成"), (date(1926, 12, 25), "昭和"))


class State(StrEnum):
    """What a certificate is worth on a day; ordered from the gravest to none."""

    REVOKED = "revoked"
    SUSPENDED = "suspended"
    # Issued anew for the same completion: with another name, say.
    SUPERSEDED = "superseded"
    # An issue of a later cycle has taken its place; what it says was true.
    RENEWED = "renewed"
    # The rules on which it rests have changed since; it was not taken away, and what it says was true.
    POLICY_SUPERSEDED = "policy_superseded"
    EXPIRED = "expired"
    # It has expired, and its holder may still renew it as if it had not.
    IN_GRACE = "in_grace"
    # It is valid, and may be renewed already.
    EXPIRING = "expiring"
    VALID = "valid"


# In these somebody is certified.
HOLDS = frozenset({State.EXPIRING, State.VALID})
# A certificate in these has lost nothing but its time: it can be renewed.
CAN_BE_RENEWED = frozenset({State.POLICY_SUPERSEDED, State.IN_GRACE, State.EXPIRING, State.VALID})
# Somebody has decided that it is worth nothing, or nothing for now.
TAKEN_AWAY = frozenset({State.REVOKED, State.SUSPENDED})


class FactKind(StrEnum):
    """What can happen to a certificate after it was issued."""

    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"


def state_on(
    day: date,
    expires_on: date | None,
    facts: Iterable[FactKind],
    *,
    is_older_policy: bool = False,
    is_renewal: bool = False,
    window_days: int | None = None,
    grace_days: int | None = None,
) -> State:
    """Return the gravest state that holds on a day, from the facts in the order in which they came.

    `is_older_policy`: a version that changes its basis is in force. `is_renewal`: what took its place is an issue of a
    later cycle. `window_days` before its last day it may be renewed, and for `grace_days` after it still.
    """
    revoked = suspended = superseded = False
    for fact in facts:
        match fact:
            case FactKind.REVOKED:
                revoked = True
            case FactKind.SUPERSEDED:
                superseded = True
            case FactKind.SUSPENDED:
                suspended = True
            case FactKind.REINSTATED:
                suspended = False
    if revoked:
        return State.REVOKED
    if suspended:
        return State.SUSPENDED
    if superseded:
        return State.RENEWED if is_renewal else State.SUPERSEDED
    if is_older_policy:
        return State.POLICY_SUPERSEDED
    if expires_on is None:
        return State.VALID
    if day > expires_on:
        return State.IN_GRACE if (day - expires_on).days <= (grace_days or 0) else State.EXPIRED
    if window_days is not None and (expires_on - day).days <= window_days:
        return State.EXPIRING
    return State.VALID


def expiry(issued_on: date, validity_months: int | None) -> date | None:
    """Return the last day on which a certificate is valid; None: it does not expire."""
    return None if validity_months is None else months_later(issued_on, validity_months)


def unknown_placeholders(text: str) -> list[str]:
    """Return what stands in braces and is no placeholder of a statement; a lone brace counts too."""
    unknown = [each for each in _PLACEHOLDER.findall(text) if each not in PLACEHOLDERS]
    rest = _PLACEHOLDER.sub("", text)
    return unknown + [brace for brace in "{}" if brace in rest]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in place of their placeholders; nothing else in the text has a meaning."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text)


class NumberFormatFault(StrEnum):
    """Why a number format cannot be used."""

    UNKNOWN = "unknown"
    NO_NUMBER = "no_number"
    LITERAL = "literal"
    LONG = "long"


_CODE_POINTS = re.compile(r"\((U\+[0-9A-F]{4,6}(?: U\+[0-9A-F]{4,6})*)\)")


def characters_named(failure: str) -> tuple[str, ...]:
    """Return the characters that a failure names by their code points, such as those that no font has.

    A form of a character is several code points: the character, and what chooses the form.
    """
    return tuple("".join(chr(int(point[2:], 16)) for point in named.split()) for named in _CODE_POINTS.findall(failure))


def spelled(character: str) -> str:
    """Write a character so that it is known even where no font shows it: 😀 (U+1F600)."""
    return f"{character} ({' '.join(f'U+{ord(each):04X}' for each in character)})"


def number_format_fault(text: str) -> tuple[NumberFormatFault, str] | None:
    """Say what is wrong with a number format such as `IR-{year}-{number:04}`, and where; None: nothing."""
    counters = 0
    for name in _PLACEHOLDER.findall(text):
        if _NUMBER.fullmatch(name):
            counters += 1
        elif name != "year":
            return NumberFormatFault.UNKNOWN, name
    if counters != 1:
        return NumberFormatFault.NO_NUMBER, text
    literal = _PLACEHOLDER.sub("", text)
    if not _NUMBER_LITERAL.fullmatch(literal):
        return NumberFormatFault.LITERAL, literal
    if len(write_number(text, 9999, 999_999)) > MAX_NUMBER_LENGTH:
        return NumberFormatFault.LONG, text
    return None


def write_number(number_format: str, year: int, number: int) -> str:
    """Write the printed number of a certificate."""

    def put(found: re.Match[str]) -> str:
        counter = _NUMBER.fullmatch(found.group(1))
        if counter is None:
            return str(year)
        return f"{number:0{counter.group(1) or 1}d}"

    return _PLACEHOLDER.sub(put, number_format)


def series_of(number_format: str, year: int) -> str:
    """Return the name of the series within which numbers follow one another without a gap.

    It is the printed number with a `#` for the counter: formats that could print the same number share it.
    """
    return _PLACEHOLDER.sub(lambda found: str(year) if found.group(1) == "year" else "#", number_format)


def number_order(number: str) -> list[tuple[int, str]]:
    """Return what certificate numbers are sorted by: ODD-2 before ODD-10."""
    return [(int(digits), "") if digits else (-1, rest) for digits, rest in _PARTS.findall(number)]


def next_number(number: str) -> str:
    """Return the number of the version of a credential after this one: 1.0 → 1.1."""
    major, minor = number.split(".")
    return f"{major}.{int(minor) + 1}"


def era_date(day: date) -> str:
    """Write a date in the era's years: 「令和8年5月11日」, the first as 「元年」; before Shōwa in Western years."""
    for begins, name in _ERAS:
        if day >= begins:
            year = day.year - begins.year + 1
            return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    return f"{day.year}年{day.month}月{day.day}日"


def width_in_ems(text: str) -> float:
    """Return about how wide a line of text is, in units of its font size; rather too wide than too narrow."""
    width = 0.0
    for character in text:
        category = unicodedata.category(character)
        if category in ("Mn", "Me", "Cf"):
            continue
        if character in "ǄǅǱǲ":
            # Two capitals in one.
            width += 1.6
        elif unicodedata.east_asian_width(character) in ("W", "F", "A"):
            width += 1.0
        elif character in "MWmw@%&—":
            width += 0.95
        elif category == "Lu":
            width += 0.72
        elif character in " .,'-’iljtfI":
            width += 0.36
        else:
            width += 0.6
    return width


def size_to_fit(
    text: str,
    *,
    width: float,
    height: float,
    largest: float,
    smallest: float,
    leading: float = 1.3,
    one_line_from: float = 0.0,
    spacing: float = 0.0,
) -> float:
    """Return the size at which a text fits into a box, within the bounds; everything in one unit.

    `leading` is the height of a line and `spacing` what is added between characters, both in ems. The text stays in
    one line as long as its size does not fall below `one_line_from`; else the number of lines that gives the largest
    size is taken. Only at the smallest size may a text be taller than the box.
    """
    ems = (width_in_ems(text) + spacing * len(text)) or 1.0
    best = 0.0
    for lines in range(1, 41):
        # Lines break where words or phrases end, so that a line is not filled to its end.
        room = width if lines == 1 else width * lines * 0.93 - 0.6 * largest
        size = min(largest, room / ems, height / (lines * leading))
        best = max(best, size)
        if one_line_from <= best and lines == 1 and one_line_from > 0:
            break
    return max(smallest, best)


def lines_of(pieces: Sequence[str], width: float) -> list[float]:
    """Return how full each line is (in ems) when the pieces are set one after the other into a width in ems."""
    lines = [0.0]
    for piece in pieces:
        ems = width_in_ems(piece)
        if lines[-1] and lines[-1] + ems > width:
            lines.append(0.0)
        lines[-1] += ems
    return lines


def well_broken_size(pieces: Sequence[str], size: float, width: float) -> float:
    """Return the size, or one up to a sixth smaller at which no line is left nearly empty.

    `pieces` are what may stand alone in a line: phrases, or words with their blanks.
    """
    for step in range(9):
        smaller = size * (1 - 0.02 * step)
        *upper, last = lines_of(pieces, width / smaller * 0.985)
        if not upper or (last * smaller > 0.4 * width and all(line * smaller > 0.8 * width for line in upper)):
            return smaller
    return size


def name_spacing(name: str) -> float:
    """Return the space between the characters of a name in ems: short Japanese names are set wide."""
    plain = "".join(name.split())
    if not plain or any(unicodedata.east_asian_width(character) not in ("W", "F") for character in plain[:1]):
        return 0.0
    return min({1: 0.5, 2: 0.5, 3: 0.36, 4: 0.24, 5: 0.16}.get(len(plain), 0.06), widest_spacing(name))


def widest_spacing(text: str) -> float:
    """Return how wide a text may be set, in ems, so that it is read back from a PDF as it is written.

    A wide line says its text along; some readers leave out what lies beyond the first plane of that, so that such a
    line is set as wide as gaps are not taken for blanks.
    """
    return 0.09 if any(each > "\uffff" for each in text) else 1.0


def seal_columns(characters: str) -> list[str]:
    """Arrange up to nine characters of a seal in columns, to be read down and then to the left."""
    count = len(characters)
    rows = 1 if count == 1 else 2 if count <= 4 else 3
    return [characters[start : start + rows] for start in range(0, count, rows)]


def grouped_code(code: str) -> str:
    """Write a verification code for the eye: groups of five, the last one of six."""
    return "-".join((code[:5], code[5:10], code[10:15], code[15:20], code[20:]))
