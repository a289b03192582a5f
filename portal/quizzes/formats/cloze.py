"""Cloze: gaps in a text, as `{1:SHORTANSWER:=Paris#Yes~%50%Lyon}` (docs.moodle.org, "Embedded Answers (Cloze)").

Read as Moodle reads it: what is no gap stays text, signs are taken for themselves after a backslash, and entities of
HTML are signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from html.entities import name2codepoint

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import (
    FULL,
    MAX_CHOICES,
    ForeignAnswer,
    ForeignChoice,
    ForeignGap,
    exact,
)

_CHOICES = {
    f"{name}{mark}": (name, "S" in mark)
    for long, short in (("MULTICHOICE", "MC"), ("MULTIRESPONSE", "MR"))
    for name, marks in ((long, ("", "_V", "_H", "_S", "_VS", "_HS")), (short, ("", "V", "H", "S", "VS", "HS")))
    for mark in marks
    if name in ("MULTICHOICE", "MC") or "V" not in mark
}
_TYPES = {"NUMERICAL", "NM", "SHORTANSWER", "SA", "MW", "SHORTANSWER_C", "SAC", "MWC", *_CHOICES}
_GAP = re.compile(r"\{(?P<points>[0-9]{0,6}):(?P<type>" + "|".join(sorted(_TYPES, key=len, reverse=True)) + "):")
_LIKE_A_GAP = re.compile(r"\{[0-9]{0,6}:[A-Za-z_]{2,20}[:}]")
_ALTERNATIVE = re.compile(r"(?P<right>=)|%(?P<percent>-?[0-9]{1,3}(?:[.,][0-9]{0,20})?)%")
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,9}));")
_WRITTEN = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,30}(?P<rest>[.,][0-9]{0,30})?|[.,][0-9]{1,30}))(?:[eE](?P<exponent>[+-]?[0-9]{1,2}))?"
)
# Thirds and the like that were rounded make up a whole all the same.
_ROUNDED = Fraction(1, 1000)
_PLACE = re.compile(r"\[\[([0-9]{1,4})\]\]")
# What ends an answer, and what ends what is said of it.
_END_OF_ANSWER = re.compile(r"(?<!\\)(?<!&)(?<!&amp;)[~#}]")
_END_OF_FEEDBACK = re.compile(r"(?<!\\)[~}]")
# What would end an answer, or be taken for another sign.
_SPECIAL = re.compile(r"[\\&~#}]")


class BadGap(ValueError):
    """A text whose gaps cannot be taken; `place` is where."""

    def __init__(self, place: int, words: str) -> None:
        self.place = place
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Gaps:
    """A text with `[[1]]`, `[[2]]` … for its gaps; `shuffles` says of each with choices whether they are shuffled."""

    stem: str
    gaps: tuple[ForeignGap, ...]
    shuffles: tuple[bool, ...]
    # What looks like a gap and stayed text.
    strange: tuple[str, ...]


def read_gaps(text: str) -> Gaps:
    """Return a text and its gaps. Raises `BadGap`."""
    pieces: list[str] = []
    gaps: list[ForeignGap] = []
    shuffles: list[bool] = []
    done = 0
    found = _GAP.search(text)
    while found:
        end, alternatives = _alternatives(text, found.end())
        if end is None:
            # Nothing closes this one, and so nothing a later one.
            break
        pieces.append(text[done : found.start()])
        if alternatives:
            try:
                gap = _gap(found["type"], found["points"], alternatives, found.start())
            except BadGap as bad:
                reason = _("Gap %(number)s: %(reason)s", number=len(gaps) + 1, reason=str(bad))
                raise BadGap(bad.place, reason) from None
            if gap.choices:
                shuffles.append(_CHOICES[found["type"]][1])
            gaps.append(gap)
            if len(gaps) > MAX_CHOICES:
                raise BadGap(found.start(), _("The question has more than %(most)s gaps.", most=MAX_CHOICES))
            pieces.append(f"\0{len(gaps)}\0")
        else:
            pieces.append(text[found.start() : end])
        done = end
        found = _GAP.search(text, end)
    pieces.append(text[done:])
    if not gaps:
        raise BadGap(0, _("The text has no gap like “{1:SHORTANSWER:=answer}”."))
    stem = "".join(pieces)
    literal = _PLACE.search(stem)
    if literal:
        raise BadGap(
            text.find(literal[0]), _("The text holds “%(text)s”, which stands for a gap here.", text=literal[0])
        )
    strange = tuple(each[0] for each in _LIKE_A_GAP.finditer(stem))
    return Gaps(re.sub("\0([0-9]+)\0", r"[[\1]]", stem), tuple(gaps), tuple(shuffles), strange)


def write_gaps(stem: str, gaps: Sequence[ForeignGap], *, shuffle: bool, guards: bool) -> str:
    """Return a text with its gaps written into it; `guards` keeps text from being read as a gap, by an entity."""

    def written(place: re.Match[str]) -> str:
        number = int(place[1])
        return _written(gaps[number - 1], shuffle=shuffle) if 1 <= number <= len(gaps) else place[0]

    return _PLACE.sub(written, _GAP.sub(lambda gap: "&#123;" + gap[0][1:], stem) if guards else stem)


def decimal_of(written: str) -> str | None:
    """Return a number as a decimal one with a point, or None where it is none.

    A comma is the point of the decimals unless it could as well part thousands.
    """
    found = _WRITTEN.fullmatch(written.strip())
    if not found:
        return None
    if (found["rest"] or "").startswith(",") and len(found["rest"]) == 4:
        return None
    number = found["number"].replace(",", ".").removeprefix("+")
    if found["exponent"] is None:
        return number
    value = Fraction(number) * Fraction(10) ** int(found["exponent"])
    return decimal(value, 120)


def decimal(value: Fraction, most: int) -> str:
    """Return a number with as many decimals as it has, at most so many."""
    whole, sign = abs(value), "-" if value < 0 else ""
    digits = next((n for n in range(most) if (whole * 10**n).denominator == 1), most)
    shifted = str(round(whole * 10**digits)).rjust(digits + 1, "0")
    return sign + (f"{shifted[:-digits]}.{shifted[-digits:]}" if digits else shifted)


# --- reading -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Alternative:
    text: str
    fraction: Fraction
    is_percent: bool
    feedback: str


def _alternatives(text: str, place: int) -> tuple[int | None, list[_Alternative]]:
    """Return what a gap offers, and where it ends; None where it does not."""
    found: list[_Alternative] = []
    begin = place
    while True:
        fraction, is_percent = Fraction(0), False
        mark = _ALTERNATIVE.match(text, place)
        if mark:
            is_percent = mark["right"] is None
            fraction = FULL if not is_percent else exact(mark["percent"].replace(",", ".").rstrip("."))
            place = mark.end()
        stop = _END_OF_ANSWER.search(text, place)
        if stop is None:
            return None, []
        answer, feedback = text[place : stop.start()], ""
        if stop[0] == "#":
            place = stop.end()
            stop = _END_OF_FEEDBACK.search(text, place)
            if stop is None:
                return None, []
            feedback = text[place : stop.start()]
        if answer.strip():
            found.append(_Alternative(_plain(answer), fraction, is_percent, _plain(feedback)))
            if len(found) > MAX_CHOICES:
                raise BadGap(begin, _("A question takes at most %(most)s answers.", most=MAX_CHOICES))
        place = stop.end()
        if stop[0] == "}":
            return place, found


def _plain(text: str) -> str:
    def sign(entity: re.Match[str]) -> str:
        decimal_number, hexadecimal, name = entity.groups()
        number = int(decimal_number) if decimal_number else int(hexadecimal, 16) if hexadecimal else 0
        number = number or (39 if name == "apos" else name2codepoint.get(name or "", 0))
        is_sign = (
            number in (9, 10, 13) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number < 0x110000
        )
        return chr(number) if is_sign else entity[0]

    unescaped = _ENTITY.sub(sign, text.replace("\\~", "~"))
    return unescaped.replace("\\}", "}").replace("\\#", "#").strip()


def _gap(name: str, points: str, alternatives: Sequence[_Alternative], place: int) -> ForeignGap:
    worth = Fraction(int(points)) if points else Fraction(1)
    if any(abs(each.fraction) > FULL for each in alternatives):
        raise BadGap(place, _("An answer is worth between −100 and 100 percent."))
    if name in _CHOICES:
        several = _CHOICES[name][0] in ("MULTIRESPONSE", "MR")
        choices = tuple(ForeignChoice(each.text, each.fraction, each.feedback) for each in alternatives)
        if several:
            choices = tuple(_shared(choices, is_stated=any(each.is_percent for each in alternatives)))
        if len(choices) < 2:
            raise BadGap(place, _("A gap to choose in needs at least two choices."))
        _check_best([each.fraction for each in choices], place, any_will_do=several)
        return ForeignGap(choices=choices, points=worth, several=several)
    _check_best([each.fraction for each in alternatives], place)
    if name not in ("NUMERICAL", "NM"):
        answers = tuple(
            ForeignAnswer(text=each.text, fraction=each.fraction, feedback=each.feedback) for each in alternatives
        )
        return ForeignGap(answers=answers, points=worth, case_sensitive=name.endswith("C"))
    numbers = []
    for each in alternatives:
        written, _colon, tolerance = each.text.partition(":")
        value = "*" if each.text == "*" else decimal_of(written)
        margin = decimal_of(tolerance) if tolerance else "0"
        if value is None or margin is None:
            raise BadGap(place, _("“%(text)s” is no number.", text=each.text[:40]))
        numbers.append(ForeignAnswer(value=value, tolerance=margin, fraction=each.fraction, feedback=each.feedback))
    return ForeignGap(answers=tuple(numbers), points=worth, is_numeric=True)


def _shared(choices: Sequence[ForeignChoice], *, is_stated: bool) -> Iterator[ForeignChoice]:
    """Yield choices of which several are right as Moodle weighs them: the right ones make up the points together.

    Without percentages a wrong one costs what a right one earns.
    """
    total = sum((each.fraction for each in choices if each.fraction > 0), Fraction(0))
    if abs(total - FULL) < _ROUNDED:
        total = FULL
    for each in choices:
        if total and each.fraction > 0:
            yield replace(each, fraction=each.fraction * FULL / total)
        elif total and not is_stated:
            yield replace(each, fraction=-FULL * FULL / total)
        else:
            yield each


def _check_best(fractions: Sequence[Fraction], place: int, *, any_will_do: bool = False) -> None:
    if not (any(each > 0 for each in fractions) if any_will_do else FULL in fractions):
        raise BadGap(place, _("A gap needs an answer that earns all its points."))


# --- writing -----------------------------------------------------------------------------------


def _written(gap: ForeignGap, *, shuffle: bool) -> str:
    if gap.choices:
        name = ("MULTIRESPONSE" if gap.several else "MULTICHOICE") + ("_S" if shuffle else "")
        given = [(each.fraction, _escaped(each.text), each.feedback) for each in gap.choices]
    else:
        name = "NUMERICAL" if gap.is_numeric else "SHORTANSWER_C" if gap.case_sensitive else "SHORTANSWER"
        given = [(each.fraction, _written_answer(each), each.feedback) for each in gap.answers]
    alternatives = [
        _worth(fraction, always=gap.several) + text + (f"#{_escaped(feedback)}" if feedback else "")
        for fraction, text, feedback in given
    ]
    points = gap.points.numerator if gap.points.denominator == 1 and gap.points >= 0 else 1
    return f"{{{points}:{name}:{'~'.join(alternatives)}}}"


def _written_answer(answer: ForeignAnswer) -> str:
    if answer.value is None:
        return _escaped(answer.text)
    return f"{answer.value}:{answer.tolerance}" if answer.tolerance and answer.value != "*" else answer.value


def _worth(fraction: Fraction, *, always: bool) -> str:
    if not always and fraction in (0, FULL):
        return "=" if fraction else ""
    return f"%{decimal(fraction, 5)}%"


def _escaped(text: str) -> str:
    escaped = _SPECIAL.sub(lambda sign: f"&#{ord(sign[0])};", text)
    return f"&#{ord(escaped[0])};{escaped[1:]}" if escaped[:1] in ("=", "%") else escaped
