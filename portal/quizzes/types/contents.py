"""What a question holds, in both languages, and how versions store it as plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from portal.core.i18n import Words

# The only part of a question that has no parts of its own.
ANSWER = "answer"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Part → ids of choices; `[text]` where something is written; ids in the learner's order where things are put in order,
# "" where nothing has been put yet.
Answer = dict[str, list[str]]

# What can be done with a part.
CHOICES, TEXT, NUMBER, ORDER, ESSAY = "choices", "text", "number", "order", "essay"
# As a key of a number: whatever number is written.
ANY_NUMBER = "*"

# How a picture is named.
SHA256 = re.compile(r"[0-9a-f]{64}")

# So many characters of an answer are taken.
MAX_TEXT_ANSWER = 1_000
MAX_ESSAY = 20_000
# No question has more to decide, nor more to choose from.
MAX_PARTS = len(LETTERS)


class Answered(StrEnum):
    """How much of a question has an answer."""

    OPEN = "open"
    # Some of what is asked, not all.
    PARTLY = "partly"
    # Something was written that cannot be read as what is asked, such as a number.
    UNREAD = "unread"
    # A text was written that is shorter or longer than it has to be.
    LENGTH = "length"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose or to put in order, known within its part by its letter."""

    id: str
    text: Words
    right: bool
    rationale: Words | None = None


@dataclass(frozen=True, slots=True)
class TextKey:
    """What may be written, which share of the points it earns, and what is said to who wrote it.

    `*` in the text stands for anything, `\\*` for a star and `\\\\` for a backslash.
    """

    text: Words
    share: Fraction = Fraction(1)
    feedback: Words | None = None


@dataclass(frozen=True, slots=True)
class NumberKey:
    """A number that may be written and how far from it, both as decimals in writing; `*` is every number.

    An empty tolerance is none. Both are in the first unit of the part.
    """

    value: str
    tolerance: str = ""
    share: Fraction = Fraction(1)
    feedback: Words | None = None


# Kana and kanji.
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that may be written behind (or before) a number; so many of the first unit make one of it."""

    symbol: str
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a person looks for in a text, and the most points that it earns."""

    id: str
    text: Words
    points: int


@dataclass(frozen=True, slots=True)
class Part:
    """Something to decide, worth whole points; which of the other fields say something depends on its kind.

    * choices: `choices` in the author's order.
    * text: `keys` are `TextKey`; `is_exact` tells upper from lower case, and katakana from hiragana.
    * number: `keys` are `NumberKey`; `units` may be written, the first one is meant where none is.
    * order: `choices` in the right order, all of them right.
    * essay: `criteria`, whose points make up those of the part; `least` and `most` characters are asked for.
    """

    id: str
    heading: Words | None
    points: int
    choices: tuple[Choice, ...] = ()
    rationale: Words | None = None
    kind: str = CHOICES
    keys: tuple[TextKey | NumberKey, ...] = ()
    is_exact: bool = False
    units: tuple[Unit, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    least: int | None = None
    most: int | None = None

    @property
    def key(self) -> frozenset[str]:
        """The ids of the right choices."""
        return frozenset(choice.id for choice in self.choices if choice.right)

    def symbols(self, language: str) -> tuple[str, ...]:
        """Return the symbols of the units as a page lists them: of what means the same, the language's own first."""
        same = [unit.symbol for unit in self.units if unit.factor == 1]
        same.sort(key=lambda symbol: bool(_JAPANESE.search(symbol)) != (language == "ja"))
        return (*same, *(unit.symbol for unit in self.units if unit.factor != 1))

    @property
    def text_keys(self) -> tuple[TextKey, ...]:
        """What may be written into a text."""
        return tuple(key for key in self.keys if isinstance(key, TextKey))

    @property
    def number_keys(self) -> tuple[NumberKey, ...]:
        """The numbers that may be written."""
        return tuple(key for key in self.keys if isinstance(key, NumberKey))

    def fits(self, stored: Sequence[str]) -> bool:
        """Say whether a text that is stored is as long as it has to be; what has no such length always is."""
        return not self.misfit(stored)

    def misfit(self, stored: Sequence[str]) -> int:
        """Return by how many characters a text that is stored is too long, below 0 too short; 0 where it fits."""
        count = len(stored[0]) if stored else 0
        over = count - self.most if self.most is not None and count > self.most else 0
        return over or min(count - (self.least or 0), 0)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture beside the text of a question: which one by the SHA-256 of its bytes, in hexadecimal.

    `alt` says in a line, without markup, what it shows; `severity` is how hard it is to look at, S0 to S4.
    """

    sha256: str
    alt: Words
    severity: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything about a question in both languages; the text is Markdown source."""

    type: str
    title: Words
    stem: Words
    parts: tuple[Part, ...]
    # `slug#id` each.
    clauses: tuple[str, ...]
    rationale: Words | None = None
    difficulty: int | None = None
    severity: str | None = None
    tags: tuple[str, ...] = ()
    marking: str = "all_or_nothing"
    shuffle: bool = True
    # The document that a link without a slug belongs to.
    document: str = ""
    picture: Picture | None = None

    @property
    def max_points(self) -> int:
        """The points of all parts."""
        return sum(part.points for part in self.parts)

    def texts(self) -> Iterator[Words]:
        """Yield every text, in the order of the page."""
        yield self.stem
        for part in self.parts:
            for choice in part.choices:
                yield choice.text
                if choice.rationale:
                    yield choice.rationale
            for key in part.keys:
                if key.feedback:
                    yield key.feedback
            for criterion in part.criteria:
                yield criterion.text
            if part.rationale:
                yield part.rationale
        if self.rationale:
            yield self.rationale


# --- plain data --------------------------------------------------------------------------------


def export(content: Content) -> dict[str, Any]:
    """Return the question as plain data, as versions store it.

    What a version says is hashed: whatever came after the first versions stands in it only where it says something.
    """
    data: dict[str, Any] = {
        "type": content.type,
        "title": _words(content.title),
        "stem": _words(content.stem),
        "parts": [_part(part) for part in content.parts],
        "clauses": list(content.clauses),
        "rationale": _words(content.rationale),
        "difficulty": content.difficulty,
        "severity": content.severity,
        "tags": list(content.tags),
        "marking": content.marking,
        "shuffle": content.shuffle,
        "document": content.document,
    }
    if content.picture is not None:
        picture = content.picture
        data["picture"] = {"sha256": picture.sha256, "alt": _words(picture.alt), "severity": picture.severity}
    return data


def _part(part: Part) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": part.id,
        "heading": _words(part.heading),
        "points": part.points,
        "rationale": _words(part.rationale),
        "choices": [
            {
                "id": choice.id,
                "text": _words(choice.text),
                "right": choice.right,
                "rationale": _words(choice.rationale),
            }
            for choice in part.choices
        ],
    }
    if part.kind != CHOICES:
        data["kind"] = part.kind
    if part.keys:
        data["keys"] = [_key(key) for key in part.keys]
    if part.is_exact:
        data["exact"] = True
    if part.units:
        data["units"] = [{"symbol": unit.symbol, "factor": str(unit.factor)} for unit in part.units]
    if part.criteria:
        data["criteria"] = [{"id": each.id, "text": _words(each.text), "points": each.points} for each in part.criteria]
    if part.least is not None:
        data["least"] = part.least
    if part.most is not None:
        data["most"] = part.most
    return data


def _key(key: TextKey | NumberKey) -> dict[str, Any]:
    data: dict[str, Any] = {"share": str(key.share), "feedback": _words(key.feedback)}
    if isinstance(key, TextKey):
        return data | {"text": _words(key.text)}
    return data | {"value": key.value, "tolerance": key.tolerance}


def read(data: Mapping[str, Any]) -> Content:
    """Return the question from plain data: the inverse of `export`."""
    return Content(
        type=data["type"],
        title=Words(**data["title"]),
        stem=Words(**data["stem"]),
        parts=tuple(_read_part(part) for part in data["parts"]),
        clauses=tuple(data["clauses"]),
        rationale=_read_words(data["rationale"]),
        difficulty=data["difficulty"],
        severity=data["severity"],
        tags=tuple(data["tags"]),
        marking=data["marking"],
        shuffle=data["shuffle"],
        document=data["document"],
        picture=_read_picture(data.get("picture")),
    )


def _read_picture(data: Mapping[str, Any] | None) -> Picture | None:
    return None if data is None else Picture(data["sha256"], Words(**data["alt"]), data["severity"])


def _read_part(part: Mapping[str, Any]) -> Part:
    return Part(
        id=part["id"],
        heading=_read_words(part["heading"]),
        points=part["points"],
        rationale=_read_words(part["rationale"]),
        choices=tuple(
            Choice(
                id=choice["id"],
                text=Words(**choice["text"]),
                right=choice["right"],
                rationale=_read_words(choice["rationale"]),
            )
            for choice in part["choices"]
        ),
        kind=part.get("kind", CHOICES),
        keys=tuple(_read_key(key) for key in part.get("keys", ())),
        is_exact=part.get("exact", False),
        units=tuple(Unit(unit["symbol"], Fraction(unit["factor"])) for unit in part.get("units", ())),
        criteria=tuple(
            Criterion(each["id"], Words(**each["text"]), each["points"]) for each in part.get("criteria", ())
        ),
        least=part.get("least"),
        most=part.get("most"),
    )


def _read_key(key: Mapping[str, Any]) -> TextKey | NumberKey:
    share, feedback = Fraction(key["share"]), _read_words(key["feedback"])
    if "text" in key:
        return TextKey(Words(**key["text"]), share, feedback)
    return NumberKey(key["value"], key["tolerance"], share, feedback)


def _words(words: Words | None) -> dict[str, str] | None:
    return None if words is None else {"en": words.en, "ja": words.ja}


def _read_words(data: Mapping[str, str] | None) -> Words | None:
    return None if data is None else Words(en=data["en"], ja=data["ja"])
