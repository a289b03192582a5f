"""How templates write dates, times, numbers and headings; the formats themselves are `portal.core.i18n`'s."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import Any

import budoux
import pyphen

from portal.core import i18n


def long_date(day: date) -> str:
    """Write a calendar date with its weekday: "Mon 11 May 2026", 「2026年5月11日（月）」."""
    return i18n.format_date(day)


def short_date(day: date) -> str:
    """Write a calendar date for lists: "11 May 2026", 「2026/05/11」."""
    return i18n.format_date(day, "short")


def day_and_month(day: date) -> str:
    """Write a date whose year is clear from what stands around it: "Mon 11 May", 「5月11日（月）」."""
    text = i18n.format_date(day)
    return text.removeprefix(f"{day.year}年") if i18n.language() == "ja" else text.removesuffix(f" {day.year}")


def instant(moment: datetime, zone: str, seconds: bool = False, show_zone: bool = True) -> str:
    """Write an instant as a date and a time of day in the zone."""
    return i18n.format_instant(moment, zone, seconds=seconds, show_zone=show_zone)


def minutes(count: int) -> str:
    """Write a duration given in whole minutes."""
    return i18n.format_minutes(count)


def duration(length: timedelta) -> str:
    """Write a duration to the whole second."""
    return i18n.format_duration(length)


def clock_time(seconds: int) -> str:
    """Write the time left, given in whole seconds: "9:05", "1:02:05"; nothing below zero."""
    rest = max(0, seconds)
    hours, rest = divmod(rest, 3600)
    mins, secs = divmod(rest, 60)
    return f"{hours}:{mins:02d}:{secs:02d}" if hours else f"{mins}:{secs:02d}"


def percent(share: Fraction | int, digits: int = 1) -> str:
    """Write an exact share (0 to 1) as a percentage."""
    return i18n.format_percent(share, digits)


def points(value: Fraction | int) -> str:
    """Write exact points with at most two decimals."""
    return i18n.format_points(Fraction(value))


def number(value: int) -> str:
    """Write a whole number with separators: "12,840"."""
    return f"{value:,}"


# Letters of scripts that write words apart, signs within such a word, and digits.
_WITHIN_A_WORD = re.compile(r"[0-9A-Za-z\u00aa-\u02af\u0370-\u058f\u1e00-\u1fff'’._-]{2}")


@lru_cache(maxsize=1)
def _parser() -> Any:
    return budoux.load_default_japanese_parser()


def _whole_words(found: list[str]) -> list[str]:
    """Join what the parser, which knows Japanese alone, has cut within a word of another script."""
    joined: list[str] = []
    for phrase in found:
        if joined and _WITHIN_A_WORD.search(joined[-1][-1] + phrase[0]):
            joined[-1] += phrase
        else:
            joined.append(phrase)
    return joined


@lru_cache(maxsize=2048)
def _phrases(text: str) -> tuple[str, ...]:
    first, *rest = _whole_words(_parser().parse(text)) or [text]
    # No heading begins with a line of one character: of a name that is a word as well.
    return (first + rest[0], *rest[1:]) if rest and len(first) == 1 else (first, *rest)


def phrases(text: str) -> tuple[str, ...]:
    """Cut a Japanese heading where a line may break; any other text stays in one piece."""
    plain = str(text)
    if i18n.language() != "ja" or plain.isascii():
        return (plain,)
    return _phrases(plain)


_AFTER_A_PART = re.compile("(?<=[@.])(?=[^@.])")


def address_parts(text: str) -> list[str]:
    """Cut a mail address where a line may break: after its "@" and its dots."""
    return _AFTER_A_PART.split(str(text))


# Shorter words fit every column.
SHORTEST_WORD_TO_BREAK = 8
_LETTERS = re.compile(r"[A-Za-z]+")


@lru_cache(maxsize=1)
def _syllables() -> Any:
    return pyphen.Pyphen(lang="en_US", left=3, right=3)


@lru_cache(maxsize=2048)
def _breakable(text: str) -> str:
    def mark(word: re.Match[str]) -> str:
        letters = word.group()
        if len(letters) < SHORTEST_WORD_TO_BREAK:
            return letters
        return str(_syllables().inserted(letters, hyphen="\u00ad"))

    return _LETTERS.sub(mark, text)


def breakable(text: str) -> str:
    """Mark where the long words of an English heading may break: few browsers know it by themselves."""
    plain = str(text)
    return _breakable(plain) if i18n.language() == "en" else plain


def redline_groups(clauses: Iterable[Any]) -> list[tuple[bool, list[Any]]]:
    """Part the clauses of a redline into runs of those that fold away, unchanged as they are, and of the others."""

    def folds(clause: Any) -> bool:
        return clause.kind == "same" and not clause.deciding_changed and not clause.elsewhere

    return [(folded, list(run)) for folded, run in groupby(clauses, key=folds)]


def placed(places: Iterable[int], drawn: Sequence[Any]) -> list[Any]:
    """Return pieces that were drawn before, by their places: thousands of them are few different ones."""
    return [drawn[place] for place in places]


FILTERS: dict[str, Callable[..., Any]] = {
    "long_date": long_date,
    "short_date": short_date,
    "day_and_month": day_and_month,
    "instant": instant,
    "minutes": minutes,
    "duration": duration,
    "clock_time": clock_time,
    "percent": percent,
    "points": points,
    "number": number,
    "phrases": phrases,
    "address_parts": address_parts,
    "breakable": breakable,
    "redline_groups": redline_groups,
    "placed": placed,
}
