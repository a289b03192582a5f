"""The form in which a question is written: fields that all have, and a set of fields for each type.

A type brings its own set (`FieldSet`): groups of rows that can be added, taken away and moved by buttons, and how they
become the parts of a question and come from them. `FIELD_SETS` is the register.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from wtforms import BooleanField, FileField, HiddenField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the stubs do not know it yet
from wtforms.widgets import CheckboxInput

from portal.core.forms import Form, LongTextField, TextField
from portal.core.i18n import LANGUAGES, LazyText, Words, half_width_digits
from portal.core.i18n import lazy_gettext as _l
from portal.library.service.warnings import WARNINGS
from portal.quizzes.types import numbers
from portal.quizzes.types.base import (
    ANSWER,
    CHOICES,
    ESSAY,
    LETTERS,
    NUMBER,
    ORDER,
    TEXT,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    Picture,
    TextKey,
    Unit,
)
from portal.quizzes.types.case import HEADINGS, as_clause

SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
LEVEL_WORDS: Mapping[str, LazyText] = {"S0": _l("Nothing that is hard to look at."), **WARNINGS}
CLAUSE_HELP = _l("A word of its heading looks for it; or its address, such as impersonation#fan-accounts.")
DEFAULT_POINTS = "1"
# How many rows a group can have at most; letters name the choices.
MOST_ROWS = len(LETTERS)
Values = dict[str, Any]
Counts = dict[str, int]
# (part's id, place within it) → name of a field, or of a group behind `OF_GROUP`; place None: the part as a whole.
OF_GROUP = "group:"
Places = dict[tuple[str, int | None], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A field of every row; `words` is a text in both languages, side by side, `one` says which row is the one."""

    name: str
    label: LazyText
    kind: str = "words"
    # Of what is short.
    is_line: bool = False
    choices: tuple[tuple[str, LazyText], ...] = ()
    # Of a gap: which kind of it alone has this field.
    only: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of the same fields, each a choice, an answer, a pair; and fields that stand above the rows, once."""

    key: str
    title: LazyText
    row: LazyText
    columns: tuple[Column, ...]
    head: tuple[Column, ...] = ()
    # Rows that a new question begins with, and whether there are just these.
    start: int = 3
    fixed: tuple[Words, ...] = ()
    adds: LazyText = ""
    help: LazyText = ""
    # Whether the author's order says something, so that rows can be moved.
    moves: bool = True
    # Groups that can be taken away as a whole, such as a gap.
    part: str = ""


RIGHT = Column("right", _l("Right answer"), "check")
RIGHT_ONE = Column("right", _l("Right answer"), "one")
CHOICE_TEXT = Column("text", _l("Text"))
WHY = Column("why", _l("Why (shown after the result)"))
POINTS = Column("points", _l("Points"), "whole")
PART_WHY = Column("because", _l("Why, of this part (shown after the result)"))
SHARE = Column("share", _l("Share of the points in %"), "line")
FEEDBACK = Column("why", _l("Said to who answers so"))
MARKINGS: dict[str, LazyText] = {
    "all_or_nothing": _l("All or nothing"),
    "partial": _l("Partial: each right part earns its share"),
    "penalty": _l("Penalty: each wrong choice costs points"),
}
# What is chosen in the parts of a case that are the same in both languages.
SHARED_COLUMNS = {
    "clause": Column("text", _l("Clause"), "clause"),
    "severity": Column(
        "text",
        _l("Sensitivity level"),
        "select",
        choices=(
            ("", _l("not set")),
            *((each, _l("%(level)s: %(words)s", level=each, words=LEVEL_WORDS[each])) for each in SEVERITIES),
        ),
    ),
}
TRUE_FALSE = (Words("True", "正しい"), Words("False", "誤り"))


_WITH_COMMAS = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)*", re.ASCII)


def _name(*parts: object) -> str:
    return "__".join(str(part) for part in parts)


def as_kept(text: str) -> str:
    """Return a text as it is kept: without blanks at the ends of lines, and empty lines around it."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip("\n")


# --- sets of fields ----------------------------------------------------------------------------


@dataclass(slots=True)
class Read:
    """The parts that a form says, and where in the form each of their places stands."""

    parts: tuple[Part, ...]
    marking: str = "all_or_nothing"
    places: Places = field(default_factory=dict)


class Rows:
    """The filled rows of a group as they were sent: what is empty is no row."""

    def __init__(self, values: Mapping[str, Any], counts: Mapping[str, int], group: Group) -> None:
        self.values, self.group = values, group
        self.numbers = [number for number in range(counts.get(group.key, 0)) if group.fixed or self._is_filled(number)]

    def _is_filled(self, number: int) -> bool:
        return any(
            self._text(_name(self.group.key, number, column.name, *end)).strip() not in ("", self._untouched(column))
            for column in self.group.columns
            if column.kind not in ("check", "one")
            for end in ([(tag,) for tag in LANGUAGES] if column.kind == "words" else [()])
        )

    @staticmethod
    def _untouched(column: Column) -> str:
        """Return what a field of an empty row says."""
        return DEFAULT_POINTS if column.name == "points" else ""

    def _text(self, name: str) -> str:
        return str(self.values.get(name) or "")

    def words(self, number: int, column: str) -> Words:
        """Return a text of a row in both languages."""
        return Words(*(as_kept(self._text(_name(self.group.key, number, column, tag))) for tag in LANGUAGES))

    def item(self, number: int, column: str) -> Words:
        """Return the text of a choice: blanks before it are none of it."""
        words = self.words(number, column)
        return Words(words.en.lstrip(" \t"), words.ja.lstrip(" \t"))

    def told(self, number: int, column: str) -> Words | None:
        """Return a text that may be missing."""
        words = self.words(number, column)
        return words if words.en.strip() or words.ja.strip() else None

    def line(self, number: int, column: str) -> str:
        """Return a line of a row."""
        return self._text(_name(self.group.key, number, column)).strip()

    def is_ticked(self, number: int, column: str) -> bool:
        """Say whether a box of a row is ticked."""
        return bool(self.values.get(_name(self.group.key, number, column)))

    def head(self, column: str) -> Any:
        """Return a field that stands above the rows."""
        return self.values.get(_name(self.group.key, column))

    def because(self) -> Words | None:
        """Return why the part as a whole is answered so, or None."""
        words = Words(*(as_kept(self._text(_name(self.group.key, "because", tag))) for tag in LANGUAGES))
        return words if words.en.strip() or words.ja.strip() else None

    def place(self, number: int) -> str:
        """Return the field of a row to which a fault leads."""
        first = self.group.columns[0]
        column = first if first.kind not in ("check", "one") or self.group.fixed else self.group.columns[1]
        return _name(self.group.key, number, column.name, *(["en"] if column.kind == "words" else []))


class FieldSet:
    """How a type of question is written in a form."""

    # Values of the marking that can be chosen; none: there is nothing to choose.
    markings: tuple[str, ...] = ()
    shuffles = True
    # Whether a picture may stand beside the text.
    has_picture = False

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        """Return the groups of rows; `counts` says how many there are where that varies."""
        raise NotImplementedError

    def fill(self, content: Content) -> tuple[Values, Counts]:
        """Return what the fields hold for a question, and how many rows there are."""
        raise NotImplementedError

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        """Return the parts that the fields say."""
        raise NotImplementedError

    def start(self) -> Counts:
        """Return how many rows a new question begins with."""
        return {group.key: len(group.fixed) or group.start for group in self.groups({})}


def _put(values: Values, key: str, number: int | None, column: str, words: Words | None) -> None:
    for tag in LANGUAGES:
        text = "" if words is None else (words.ja if tag == "ja" else words.en)
        values[_name(key, *([] if number is None else [number]), column, tag)] = text


def whole(value: Any) -> int:
    """Return a whole number as it was typed; what is none is 0, which every check refuses."""
    text = half_width_digits(str(value or "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def number(text: str) -> str:
    """Return a number of an author as keys hold it; full-width signs and a decimal comma are read as learners' are.

    What cannot be read so is returned as it was typed; the check of the key tells of it.
    """
    told = half_width_digits(text).translate(numbers.SIGNS)
    if numbers.decimal(told) is not None or not _WITH_COMMAS.fullmatch(told):
        return told
    found = numbers.read_number(told)
    return numbers.written(found.value) if isinstance(found, numbers.Read) else told


def percent(text: str) -> Fraction:
    """Return a share as it was typed in percent; empty means all, what is no number −1, which every check refuses."""
    told = half_width_digits(text).strip().removesuffix("%").strip()
    try:
        return Fraction(told) / 100 if told else Fraction(1)
    except (ValueError, ZeroDivisionError):
        return Fraction(-1)


def as_percent(share: Fraction) -> str:
    """Write a share in percent, exactly."""
    told = share * 100
    return str(told.numerator) if told.denominator == 1 else str(told)


class ChoicesFields(FieldSet):
    """Choices of which one or more are right."""

    def __init__(
        self,
        *parts: str,
        markings: tuple[str, ...] = (),
        fixed: Mapping[str, tuple[Words, ...]] | None = None,
        shared: Sequence[str] = (),
        optional: Sequence[str] = (),
        has_picture: bool = False,
        several: bool = False,
    ) -> None:
        self.several = several
        self.parts, self.markings, self.fixed, self.shared = parts, markings, fixed or {}, shared
        self.optional, self.has_picture = optional, has_picture
        self.shuffles = ANSWER not in self.fixed

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [
            Group(
                part,
                _l("Choices") if part == ANSWER else HEADINGS[part],
                _l("Choice"),
                (RIGHT if self.several else RIGHT_ONE, *self._columns(part), WHY),
                (POINTS,) if part == ANSWER else (POINTS, PART_WHY),
                start=0 if part in self.optional else 3,
                fixed=self.fixed.get(part, ()),
                adds=_l("Add a choice"),
                help=_l("Without a choice a case does not ask this.")
                if part in self.optional
                else _l("Tick each that is right: one at least.")
                if self.several
                else _l("One of them is right."),
            )
            for part in self.parts
        ]

    def _columns(self, part: str) -> tuple[Column, ...]:
        if part in self.fixed:
            return ()
        if part in self.shared:
            return (SHARED_COLUMNS[part],)
        return (CHOICE_TEXT,)

    def fill(self, content: Content) -> tuple[Values, Counts]:
        values, counts = Values(), Counts()
        for name in self.parts:
            part = next((part for part in content.parts if part.id == name), None)
            values[_name(name, "points")] = part.points if part else 1
            _put(values, name, None, "because", part.rationale if part else None)
            choices = part.choices if part else ()
            if name in self.fixed:
                told = {choice.text.en: choice for choice in choices}
                choices = tuple(
                    told.get(text.en) or Choice(LETTERS[place], text, False)
                    for place, text in enumerate(self.fixed[name])
                )
            counts[name] = len(choices)
            for number, choice in enumerate(choices):
                values[_name(name, number, "right")] = choice.right
                _put(values, name, number, "why", choice.rationale)
                if name in self.shared:
                    values[_name(name, number, "text")] = choice.text.en
                else:
                    _put(values, name, number, "text", choice.text)
        return values, counts

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        found = Read(())
        parts = []
        for group in self.groups(counts):
            rows = Rows(values, counts, group)
            if group.key in self.optional and not self._is_asked(group, rows):
                continue
            found.places[group.key, None] = OF_GROUP + group.key
            choices = []
            for place, number in enumerate(rows.numbers):
                found.places[group.key, place] = rows.place(number)
                choices.append(
                    Choice(LETTERS[place % MOST_ROWS], self._text(group, rows, number), rows.is_ticked(number, "right"),
                           rows.told(number, "why"))
                )  # fmt: skip
            parts.append(
                Part(group.key, HEADINGS.get(group.key), whole(rows.head("points")), tuple(choices), rows.because())
            )
        found.parts = tuple(parts)
        return found

    def _is_asked(self, group: Group, rows: Rows) -> bool:
        if group.fixed:
            return any(rows.is_ticked(number, "right") for number in rows.numbers)
        return bool(rows.numbers)

    def _text(self, group: Group, rows: Rows, number: int) -> Words:
        if group.fixed:
            return group.fixed[number]
        if group.key in self.shared:
            text = rows.line(number, "text")
            text = as_clause(text) if group.key == "clause" else text
            return Words(text, text)
        return rows.item(number, "text")


class OrderFields(FieldSet):
    """Things in their right order."""

    markings = ("all_or_nothing", "partial")
    shuffles = False
    _group = Group(
        ANSWER, _l("What is put in order, in the right order"), _l("Place"), (CHOICE_TEXT, WHY), (POINTS,),
        adds=_l("Add a place"),
    )  # fmt: skip

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [self._group]

    def fill(self, content: Content) -> tuple[Values, Counts]:
        (part,) = content.parts
        values: Values = {_name(ANSWER, "points"): part.points}
        for number, choice in enumerate(part.choices):
            _put(values, ANSWER, number, "text", choice.text)
            _put(values, ANSWER, number, "why", choice.rationale)
        return values, {ANSWER: len(part.choices)}

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        rows = Rows(values, counts, self._group)
        choices = tuple(
            Choice(LETTERS[place % MOST_ROWS], rows.item(number, "text"), True, rows.told(number, "why"))
            for place, number in enumerate(rows.numbers)
        )
        places: Places = {(ANSWER, place): rows.place(number) for place, number in enumerate(rows.numbers)}
        return Read(
            (Part(ANSWER, None, whole(rows.head("points")), choices, kind=ORDER),),
            places=places | {(ANSWER, None): OF_GROUP + ANSWER},
        )


class TextFields(FieldSet):
    """What may be written, with a wildcard."""

    shuffles = False
    _group = Group(
        ANSWER, _l("Answers that are taken"), _l("Answer"),
        (Column("text", _l("Answer"), is_line=True), SHARE, FEEDBACK),
        (POINTS, Column("exact", _l("Tell upper from lower case, and katakana from hiragana"), "check")),
        start=2, adds=_l("Add an answer"), moves=False,
        help=_l("“*” stands for anything. Width, case and blanks do not count. Without a share an answer earns all."),
    )  # fmt: skip

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [self._group]

    def fill(self, content: Content) -> tuple[Values, Counts]:
        (part,) = content.parts
        values: Values = {_name(ANSWER, "points"): part.points, _name(ANSWER, "exact"): part.is_exact}
        for number, key in enumerate(part.text_keys):
            _put(values, ANSWER, number, "text", key.text)
            values[_name(ANSWER, number, "share")] = as_percent(key.share)
            _put(values, ANSWER, number, "why", key.feedback)
        return values, {ANSWER: len(part.text_keys)}

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        rows = Rows(values, counts, self._group)
        keys = tuple(
            TextKey(rows.item(number, "text"), percent(rows.line(number, "share")), rows.told(number, "why"))
            for number in rows.numbers
        )
        places: Places = {(ANSWER, place): rows.place(number) for place, number in enumerate(rows.numbers)}
        part = Part(
            ANSWER, None, whole(rows.head("points")), kind=TEXT, keys=keys, is_exact=bool(rows.head("exact"))
        )  # fmt: skip
        return Read((part,), places=places | {(ANSWER, None): OF_GROUP + ANSWER})


class NumberFields(FieldSet):
    """Numbers with tolerances, and units."""

    shuffles = False
    _keys = Group(
        ANSWER, _l("Numbers that are taken"), _l("Number"),
        (Column("value", _l("Number"), "line"), Column("tolerance", _l("Tolerance (±)"), "line"), SHARE, FEEDBACK),
        (POINTS,), start=1, adds=_l("Add a number"), moves=False,
        help=_l("Digits with a point, such as 2.5. Without a tolerance the number is exact."),
    )  # fmt: skip
    _units = Group(
        "units", _l("Units"), _l("Unit"),
        (Column("symbol", _l("Unit"), "line"), Column("factor", _l("Makes so many of the first unit"), "line")),
        start=0, adds=_l("Add a unit"),
        help=_l("The numbers above are in the first unit. Without units only the number is asked."),
    )  # fmt: skip

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [self._keys, self._units]

    def fill(self, content: Content) -> tuple[Values, Counts]:
        (part,) = content.parts
        values: Values = {_name(ANSWER, "points"): part.points}
        for number, key in enumerate(part.number_keys):
            values[_name(ANSWER, number, "value")] = key.value
            values[_name(ANSWER, number, "tolerance")] = key.tolerance
            values[_name(ANSWER, number, "share")] = as_percent(key.share)
            _put(values, ANSWER, number, "why", key.feedback)
        for number, unit in enumerate(part.units):
            values[_name("units", number, "symbol")] = unit.symbol
            values[_name("units", number, "factor")] = str(unit.factor)
        return values, {ANSWER: len(part.number_keys), "units": len(part.units)}

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        rows, units = Rows(values, counts, self._keys), Rows(values, counts, self._units)
        keys = tuple(
            NumberKey(
                number(rows.line(row, "value")),
                number(rows.line(row, "tolerance")),
                percent(rows.line(row, "share")),
                rows.told(row, "why"),
            )
            for row in rows.numbers
        )
        told = tuple(
            Unit(units.line(number, "symbol"), _factor(units.line(number, "factor"))) for number in units.numbers
        )
        places: Places = {(ANSWER, place): rows.place(number) for place, number in enumerate(rows.numbers)}
        part = Part(ANSWER, None, whole(rows.head("points")), kind=NUMBER, keys=keys, units=told)
        return Read((part,), places=places | {(ANSWER, None): OF_GROUP + ANSWER})


def _factor(text: str) -> Fraction:
    try:
        return Fraction(half_width_digits(text) or 1)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def _units_of(text: str) -> tuple[Unit, ...]:
    """Return the units of one line, `min, h=60`."""
    told = [each.partition("=") for each in re.split(r"[,、，]", half_width_digits(text)) if each.strip()]
    return tuple(Unit(symbol.strip(), _factor(factor.strip())) for symbol, _sign, factor in told)


class PairsFields(FieldSet):
    """Pairs, and what belongs to none of them."""

    _pairs = Group(
        "pairs", _l("Pairs"), _l("Pair"),
        (Column("left", _l("Text")), Column("right", _l("What belongs to it")), Column("points", _l("Points"), "whole"),
         WHY),
        start=3, adds=_l("Add a pair"),
    )  # fmt: skip
    _extra = Group(
        "extra", _l("Choices that belong to none"), _l("Choice"), (CHOICE_TEXT,), start=0, adds=_l("Add a choice"),
        moves=False,
    )  # fmt: skip

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [self._pairs, self._extra]

    def fill(self, content: Content) -> tuple[Values, Counts]:
        values: Values = {}
        used: set[str] = set()
        for number, part in enumerate(content.parts):
            right = next((choice for choice in part.choices if choice.right), None)
            _put(values, "pairs", number, "left", part.heading)
            _put(values, "pairs", number, "right", right.text if right else None)
            values[_name("pairs", number, "points")] = part.points
            _put(values, "pairs", number, "why", part.rationale)
            used |= part.key
        extra = [choice for choice in (content.parts[0].choices if content.parts else ()) if choice.id not in used]
        for number, choice in enumerate(extra):
            _put(values, "extra", number, "text", choice.text)
        return values, {"pairs": len(content.parts), "extra": len(extra)}

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        pairs, extra = Rows(values, counts, self._pairs), Rows(values, counts, self._extra)
        texts = list(dict.fromkeys(pairs.item(number, "right") for number in pairs.numbers))
        texts += [extra.item(number, "text") for number in extra.numbers]
        found = Read(())
        # The choices are the same for every pair.
        for number in reversed(pairs.numbers):
            found.places["1", texts.index(pairs.item(number, "right"))] = _name("pairs", number, "right", "en")
        for place, number in enumerate(extra.numbers, start=len(texts) - len(extra.numbers)):
            found.places["1", place] = _name("extra", number, "text", "en")
        parts = []
        for place, number in enumerate(pairs.numbers):
            right = pairs.item(number, "right")
            part_id = str(place + 1)
            found.places[part_id, None] = pairs.place(number)
            choices = tuple(Choice(LETTERS[at % MOST_ROWS], text, text == right) for at, text in enumerate(texts))
            points = pairs.line(number, "points")
            parts.append(
                Part(
                    part_id,
                    pairs.item(number, "left"),
                    whole(points) if points else 1,
                    choices,
                    pairs.told(number, "why"),
                )
            )
        found.parts = tuple(parts)
        return found


class EssayFields(FieldSet):
    """Criteria by which a person marks a text, and how long it may be."""

    shuffles = False
    _group = Group(
        ANSWER, _l("Criteria by which it is marked"), _l("Criterion"),
        (Column("text", _l("What is looked for")), Column("points", _l("Points"), "whole")),
        (Column("least", _l("Least characters"), "whole"), Column("most", _l("Most characters"), "whole")),
        adds=_l("Add a criterion"), help=_l("The question is worth the sum of its criteria."),
    )  # fmt: skip

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [self._group]

    def fill(self, content: Content) -> tuple[Values, Counts]:
        (part,) = content.parts
        values: Values = {_name(ANSWER, "least"): part.least or "", _name(ANSWER, "most"): part.most or ""}
        for number, criterion in enumerate(part.criteria):
            _put(values, ANSWER, number, "text", criterion.text)
            values[_name(ANSWER, number, "points")] = criterion.points
        return values, {ANSWER: len(part.criteria)}

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        rows = Rows(values, counts, self._group)
        criteria = tuple(
            Criterion(LETTERS[place % MOST_ROWS], rows.item(number, "text"), whole(rows.line(number, "points") or 1))
            for place, number in enumerate(rows.numbers)
        )
        least, most = (whole(rows.head(name)) if rows.head(name) else None for name in ("least", "most"))
        places: Places = {(ANSWER, place): rows.place(number) for place, number in enumerate(rows.numbers)}
        points = sum(criterion.points for criterion in criteria)
        part = Part(ANSWER, None, points, kind=ESSAY, criteria=criteria, least=least, most=most)
        return Read((part,), places=places | {(ANSWER, None): OF_GROUP + ANSWER})


class GapFields(FieldSet):
    """Gaps of a running text, each filled by a choice, a few words or a number."""

    KINDS = ((CHOICES, _l("Choice from a list")), (TEXT, _l("A few words")), (NUMBER, _l("A number")))

    def groups(self, counts: Mapping[str, int]) -> list[Group]:
        return [
            Group(
                f"gap-{number}",
                _l("Gap [[%(number)s]]", number=number),
                _l("Answer"),
                (Column("text", _l("Text, or the number"), is_line=True), SHARE,
                 Column("tolerance", _l("Tolerance (±), of a number"), "line", only=NUMBER), FEEDBACK),
                (Column("kind", _l("Filled by"), "select", choices=self.KINDS), POINTS,
                 Column("units", _l("Units of a number, the first as written here: min, h=60"), "line", only=NUMBER),
                 PART_WHY,
                 Column("exact", _l("Tell upper from lower case, and katakana from hiragana"), "check", only=TEXT)),
                adds=_l("Add an answer"),
                help=_l("A right answer has a share of 100, a wrong choice one of 0."),
                part=str(number),
            )
            for number in range(1, counts.get("gaps", 1) + 1)
        ]  # fmt: skip

    def start(self) -> Counts:
        return {"gaps": 1, "gap-1": 3}

    def fill(self, content: Content) -> tuple[Values, Counts]:
        values, counts = Values(), Counts(gaps=len(content.parts))
        for number, part in enumerate(content.parts, start=1):
            key = f"gap-{number}"
            values |= {
                _name(key, "kind"): part.kind,
                _name(key, "points"): part.points,
                _name(key, "exact"): part.is_exact,
                _name(key, "units"): ", ".join(
                    unit.symbol if unit.factor == 1 else f"{unit.symbol}={unit.factor}" for unit in part.units
                ),
            }
            _put(values, key, None, "because", part.rationale)
            rows: list[tuple[Words, Fraction, str, Words | None]] = [
                (choice.text, Fraction(int(choice.right)), "", choice.rationale) for choice in part.choices
            ]
            rows += [(each.text, each.share, "", each.feedback) for each in part.text_keys]
            rows += [(Words(each.value, ""), each.share, each.tolerance, each.feedback) for each in part.number_keys]
            counts[key] = len(rows)
            for place, (text, share, tolerance, told) in enumerate(rows):
                _put(values, key, place, "text", text)
                values[_name(key, place, "share")] = as_percent(share)
                values[_name(key, place, "tolerance")] = tolerance
                _put(values, key, place, "why", told)
        return values, counts

    def read(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> Read:
        found = Read(())
        parts = []
        for group in self.groups(counts):
            rows, kind = Rows(values, counts, group), str(values.get(_name(group.key, "kind")) or CHOICES)
            found.places[group.part, None] = OF_GROUP + group.key
            for place, number in enumerate(rows.numbers):
                found.places[group.part, place] = rows.place(number)
            part = Part(
                group.part,
                None,
                whole(rows.head("points")),
                (),
                rows.because(),
                kind,
                is_exact=bool(rows.head("exact")),
            )
            parts.append(self._filled(part, rows))
        found.parts = tuple(parts)
        return found

    def _filled(self, part: Part, rows: Rows) -> Part:
        shares = [percent(rows.line(number, "share")) for number in rows.numbers]
        told = [rows.told(number, "why") for number in rows.numbers]
        if part.kind == TEXT:
            texts = [rows.item(number, "text") for number in rows.numbers]
            return replace(part, keys=tuple(map(TextKey, texts, shares, told)))
        if part.kind == NUMBER:
            values = [number(str(rows.item(row, "text"))) for row in rows.numbers]
            tolerances = [number(rows.line(row, "tolerance")) for row in rows.numbers]
            keys = map(NumberKey, values, tolerances, shares, told)
            return replace(part, keys=tuple(keys), is_exact=False, units=_units_of(str(rows.head("units") or "")))
        choices = tuple(
            Choice(LETTERS[place % MOST_ROWS], rows.item(number, "text"), shares[place] == 1, told[place])
            for place, number in enumerate(rows.numbers)
        )
        return replace(part, choices=choices, kind=CHOICES, is_exact=False)


FIELD_SETS: dict[str, FieldSet] = {
    "single_choice": ChoicesFields(ANSWER),
    "multiple_choice": ChoicesFields(ANSWER, markings=("all_or_nothing", "partial", "penalty"), several=True),
    "true_false": ChoicesFields(ANSWER, fixed={ANSWER: TRUE_FALSE}),
    "short_answer": TextFields(),
    "numeric": NumberFields(),
    "matching": PairsFields(),
    "ordering": OrderFields(),
    "gap": GapFields(),
    "free_text": EssayFields(),
    "case": ChoicesFields(
        "decision", "clause", "severity",
        shared=("clause", "severity"), optional=("clause", "severity"), has_picture=True,
    ),
}  # fmt: skip


def kept_from(old: Content, parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts with what of them no field says as it was: headings, the words of true and false."""
    known = {part.id: part for part in old.parts}
    return tuple(_kept_from(known[part.id], part, old.type) if part.id in known else part for part in parts)


def _kept_from(was: Part, part: Part, kind: str) -> Part:
    if part.id in HEADINGS:
        return replace(part, heading=was.heading)
    if kind == "true_false" and len(was.choices) == len(part.choices):
        pairs = zip(part.choices, was.choices, strict=True)
        part = replace(part, choices=tuple(replace(choice, text=before.text) for choice, before in pairs))
    return replace(part, rationale=was.rationale) if part.id == ANSWER else part


def picture_of(values: Mapping[str, Any]) -> Picture | None:
    """Return the picture that a form says, or None where it has none."""
    sha256 = str(values.get("picture") or "")
    if not sha256 or values.get("picture_removed"):
        return None
    alt = Words(*(str(values.get(f"picture_alt_{tag}") or "").strip() for tag in LANGUAGES))
    return Picture(sha256, alt, str(values.get("picture_severity") or ""))


def fill_picture(picture: Picture | None) -> Values:
    """Return what the fields of a picture hold."""
    if picture is None:
        return {}
    return {
        "picture": picture.sha256,
        "picture_alt_en": picture.alt.en,
        "picture_alt_ja": picture.alt.ja,
        "picture_severity": picture.severity,
    }


class _RadioOfRow(CheckboxInput):
    input_type = "radio"


class OneOfRowsField(BooleanField):
    """Whether its row is the one that is chosen: the rows share a name, whose value is the number of the row."""

    widget = _RadioOfRow()

    def __init__(self, label: Any = None, *, shared: str, row: int | None, **options: Any) -> None:
        super().__init__(label, **options)
        self.name, self.row = shared, str(row)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take what was sent under the shared name."""
        self.data = self.row in valuelist

    def _value(self) -> str:
        return self.row


# --- the form ----------------------------------------------------------------------------------


class QuestionForm(Form):
    """The fields that every question has."""

    title_en = TextField(_l("Title"))
    title_ja = TextField(_l("Title"))
    stem_en = LongTextField(_l("Question text"))
    stem_ja = LongTextField(_l("Question text"))
    rationale_en = LongTextField(_l("Why (shown after the result)"))
    rationale_ja = LongTextField(_l("Why (shown after the result)"))
    clauses = LongTextField(
        _l("Clauses that decide it"),
        description=_l("One on a line, such as impersonation#fan-accounts; “[[” looks for clauses."),
    )
    tags = TextField(_l("Tags"), description=_l("Words, with commas between them."))
    difficulty = SelectField(_l("Difficulty"), validate_choice=False)
    severity = SelectField(_l("Sensitivity level"), validate_choice=False)
    marking = SelectField(_l("Marking"), validate_choice=False)
    shuffle = BooleanField(_l("The choices may be shuffled"))
    base = HiddenField()


class PictureFields:
    """The fields of a picture beside the text; `picture` is the hash of the one that is kept already."""

    picture = HiddenField()
    picture_file = FileField(_l("Picture"))
    picture_alt_en = TextField(_l("What the picture shows"))
    picture_alt_ja = TextField(_l("What the picture shows"))
    picture_severity = SelectField(_l("Sensitivity level of the picture"), validate_choice=False)
    picture_removed = BooleanField(_l("Take the picture away"))


class NewQuestionForm(QuestionForm):
    """The same for a question that is not there yet."""

    slug = TextField(
        _l("Id"),
        description=_l("Lower-case letters, digits and hyphens; it never changes. Left empty, a number is given."),
    )


def build(
    field_set: FieldSet, counts: Mapping[str, int], *, values: Mapping[str, Any] | None = None, is_new: bool = False
) -> Any:
    """Return the form of a question with its rows: filled with values, or with what was sent."""
    fields: dict[str, Any] = {}
    # Name of a field → its group and row.
    rows: dict[str, tuple[Group, int]] = {}
    for group in field_set.groups(counts):
        for column in group.head:
            fields |= _fields(group.key, None, column)
        for number in range(counts.get(group.key, 0)):
            for column in group.columns:
                fields |= _fields(group.key, number, column)
                rows |= dict.fromkeys(_fields(group.key, number, column), (group, number))
    base = NewQuestionForm if is_new else QuestionForm
    bases = (PictureFields, base) if field_set.has_picture else (base,)
    form = type("RowsForm", bases, fields)(**({"formdata": None, "data": dict(values)} if values is not None else {}))
    for name, each in form._fields.items():
        # Both are beside each other on the page; each says which it is.
        if each.name.endswith("_en"):
            each.label.text = _l("%(field)s, English", field=each.label.text)
        elif each.name.endswith("_ja"):
            each.label.text = _l("%(field)s, Japanese", field=each.label.text)
        if isinstance(each, SelectField) and name in rows and each.data:
            # What was kept before it was chosen from a list is shown, and told to be none of it.
            offered: list[Any] = list(each.choices or ())
            if each.data not in {str(getattr(choice, "value", "")) for choice in offered}:
                each.choices = [*offered, _choice(str(each.data), str(each.data))]
        if name in rows:
            each.said_as = _in_row(*rows[name], each.label.text)
    form.difficulty.choices = [_choice("", _l("not set")), *(_choice(str(each), str(each)) for each in range(1, 6))]
    form.severity.choices = [_choice("", _l("not set")), *(_choice(each, each) for each in SEVERITIES)]
    if field_set.has_picture:
        form.picture_severity.choices = [
            _choice("", _l("not set")),
            *(_choice(each, _l("%(level)s: %(words)s", level=each, words=LEVEL_WORDS[each])) for each in SEVERITIES),
        ]
    form.marking.choices = [_choice(each, MARKINGS[each]) for each in field_set.markings]
    return form


def _in_row(group: Group, number: int, label: Any) -> LazyText:
    """Return what a field is called where its row is not seen."""
    row: Any = group.fixed[number] if group.fixed else _l("%(row)s %(number)s", row=group.row, number=number + 1)
    if group.part:
        row = _l("%(field)s, %(label)s", field=group.title, label=row)
    return _l("%(field)s, %(label)s", field=row, label=label)


def _choice(value: str, label: Any) -> Any:
    return SelectChoice(value, label)


def _fields(key: str, number: int | None, column: Column) -> dict[str, Any]:
    name = _name(key, *([] if number is None else [number]), column.name)
    offered = [_choice(*each) for each in column.choices]
    kinds: dict[str, Callable[[], Any]] = {
        "check": lambda: BooleanField(column.label),
        "one": lambda: OneOfRowsField(column.label, shared=_name(key, column.name), row=number),
        "select": lambda: SelectField(column.label, choices=offered, validate_choice=False),
        "line": lambda: TextField(column.label),
        "clause": lambda: TextField(column.label, description=CLAUSE_HELP),
        "whole": lambda: TextField(column.label, default=DEFAULT_POINTS if column.name == "points" else None),
    }
    if column.kind == "words":
        made = TextField if column.is_line else LongTextField
        return {_name(name, tag): made(column.label) for tag in LANGUAGES}
    return {name: kinds[column.kind]()}
