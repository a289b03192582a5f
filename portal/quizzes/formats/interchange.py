"""Questions as the formats of others hold them: one plain record that every reader fills and every writer takes.

It holds what those formats can say, in their terms and in one language; what a bank of ours says beyond that (clauses,
a second language) is added on the way in. Readers and writers touch neither database nor request.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any, Protocol

from portal.core.i18n import gettext as _
from portal.core.tables import is_nearly_utf_8

# A whole bank; beyond it a file is refused before it is read.
MAX_BYTES = 20 * 1024 * 1024
MAX_QUESTIONS = 5_000
MAX_CHOICES = 200
MAX_TEXT = 64 * 1024
# Moodle's own limit of a question's name.
MAX_TITLE = 255
FULL = Fraction(100)
NO_LENGTH: tuple[int | None, int | None] = (None, None)
_DECIMALS_OF_A_THIRD = 5
_KANA_OR_FULL_WIDTH = re.compile("[\u3001-\u30ff\uff01-\uff5e]")
_NO_SHIFT_JIS = re.compile("[\x80-\x9f\ue000-\uf8ff\ufffd]")
_FULL_WIDTH_LETTER = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_NOT_ASCII = re.compile("[^\x00-\x7f]+")
# The kanji that everybody writes (JIS level 1), and the signs and letters before them, by their bytes in Shift_JIS.
_USUAL_SHIFT_JIS = range(0x8140, 0x9873)
# So much of a text is looked at for its encoding.
_SAMPLE = 256 * 1024
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{0,25})?|[+-]?\.[0-9]{1,25}", re.ASCII)


class Kind(StrEnum):
    """The types of question, by the names that are printed."""

    SINGLE_CHOICE = "single_choice"
    MULTIPLE_CHOICE = "multiple_choice"
    TRUE_FALSE = "true_false"
    SHORT_ANSWER = "short_answer"
    NUMERIC = "numeric"
    MATCHING = "matching"
    ORDERING = "ordering"
    GAP = "gap"
    FREE_TEXT = "free_text"
    CASE = "case"
    # Text between questions: nothing is answered.
    DESCRIPTION = "description"


class TextFormat(StrEnum):
    """What the texts of a question are written in; `moodle` is plain text whose lines and HTML tags Moodle keeps."""

    MOODLE = "moodle"
    HTML = "html"
    PLAIN = "plain"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class ForeignChoice:
    """Something to choose; `fraction` is the percentage of the points that it earns, or costs."""

    text: str
    fraction: Fraction = Fraction(0)
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class ForeignAnswer:
    """What somebody may write: a `text` (with * for anything), or a `value` with a tolerance in the unit of the answer.

    Values are decimal numbers as they were written; "*" is every number.
    """

    text: str = ""
    value: str | None = None
    tolerance: str = ""
    fraction: Fraction = FULL
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class ForeignGap:
    """A gap in the text of a question, filled by one of the choices or by writing."""

    choices: tuple[ForeignChoice, ...] = ()
    answers: tuple[ForeignAnswer, ...] = ()
    points: Fraction = Fraction(1)
    is_numeric: bool = False
    case_sensitive: bool = False
    # More than one of the choices may be taken; those that are right make up the points together.
    several: bool = False
    # As those of a question.
    units: tuple[tuple[str, str], ...] = ()
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class ForeignPart:
    """A part of a case: `decision`, `clause` or `severity`."""

    id: str
    heading: str
    choices: tuple[ForeignChoice, ...]
    points: Fraction = Fraction(1)
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class ForeignQuestion:
    """A question; which fields say something depends on its type.

    `choices` of an ordering stand in the right order. The stem of a gap question holds `[[1]]`, `[[2]]` … where its
    gaps are. `pairs` with an empty left side are wrong choices of a matching; `pair_feedback`, where there is any, says
    something of each pair in turn. `losses` says what the file held beyond this record, in words for whoever reads the
    preview.
    """

    type: Kind
    title: str
    stem: str
    text_format: TextFormat = TextFormat.PLAIN
    choices: tuple[ForeignChoice, ...] = ()
    answers: tuple[ForeignAnswer, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    gaps: tuple[ForeignGap, ...] = ()
    parts: tuple[ForeignPart, ...] = ()
    correct: bool | None = None
    feedback_true: str = ""
    feedback_false: str = ""
    general_feedback: str = ""
    tags: tuple[str, ...] = ()
    id: str = ""
    # A path from the top, as `Policies/Impersonation`.
    category: str = ""
    points: Fraction = Fraction(1)
    shuffle: bool = True
    case_sensitive: bool = False
    # Units that may follow the number, each with what one of it is in the first one: a decimal number, or 1/3.
    units: tuple[tuple[str, str], ...] = ()
    # What is written into a free text for its taker, and what its marker goes by.
    template: str = ""
    marking_notes: str = ""
    # What makes a bank ours: the clauses that decide, `slug#id` each; the document and its version that a bare
    # `[[#id]]` in a text belongs to; the sensitivity level of what is described; how hard it is guessed to be, 1 to 5.
    clauses: tuple[str, ...] = ()
    document: str = ""
    document_version: str = ""
    severity: str = ""
    difficulty: int | None = None
    state: str = "live"
    # Of several choices, gaps or pairs: only all that is right, and nothing else, earns points. An ordering says
    # nothing of it.
    all_or_nothing: bool = False
    # What neither the shares nor `all_or_nothing` say: "penalty" of several choices, of which wrong ones may cost more
    # than the right ones earn; "partial" of an ordering, of which a part of the right order earns points.
    marking: str = ""
    # The fewest and the most characters of a free text; None where nothing is asked.
    length: tuple[int | None, int | None] = NO_LENGTH
    pair_feedback: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)
    losses: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """What could not be taken, on which line it begins (from 1; 0 is the file), and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds: questions in its order, and what was refused."""

    questions: tuple[ForeignQuestion, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """What a format cannot say of a question, by its place from 0; `is_refused` where it cannot hold it at all."""

    place: int
    what: str
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """A file, and what it does not hold of what it was made from."""

    data: bytes
    losses: tuple[Loss, ...] = ()


class Format(Protocol):
    """A format of question files. `read(write(q)) == q` for what the losses do not name."""

    name: str
    suffix: str
    content_type: str

    def read(self, data: bytes) -> Reading:
        """Return what a file holds; what it cannot take is refused by its line, and never an exception."""
        ...

    def write(self, questions: Sequence[ForeignQuestion]) -> Writing:
        """Return a file of the questions and what it leaves out."""
        ...


class NotUtf8(ValueError):
    """The bytes are in no encoding that is taken; guessed at, they would be garbage. `line` is where it shows.

    Of a text without a declaration somebody can say the encoding.
    """

    def __init__(self, line: int, *, can_be_said: bool = False) -> None:
        self.line = line
        super().__init__(
            _("The file is not UTF-8 text from this line on. Save it as UTF-8, or choose its encoding.")
            if can_be_said
            else _("The file is not UTF-8 text from this line on. Save it as UTF-8.")
        )


def decoded(data: bytes, *, is_strict: bool = False) -> str:
    """Return the text of a file without a mark of byte order. Raises `NotUtf8`.

    Unless `is_strict`, UTF-16 with its mark is taken, too, and what is Japanese in Shift_JIS (CP932, as in Windows).
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        other = None if is_strict else _otherwise(data)
        if other is not None:
            return other[1]
        raise NotUtf8(data.count(b"\n", 0, broken.start) + 1, can_be_said=not is_strict) from None


def encoding_of(data: bytes) -> str:
    """Return as what `decoded` reads a text, by the name that people know: "Shift_JIS", "UTF-16", else "UTF-8"."""
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        other = _otherwise(data)
        return other[0] if other is not None else "UTF-8"
    return "UTF-8"


def _otherwise(data: bytes) -> tuple[str, str] | None:
    is_utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if is_utf_16 else "cp932")
    except UnicodeDecodeError:
        return None
    if is_utf_16:
        return "UTF-16", text
    return ("Shift_JIS", text) if _is_japanese(data, text) else None


def _is_japanese(data: bytes, text: str) -> bool:
    """Say whether what was decoded from Shift_JIS reads like Japanese, not like another encoding mistaken for it.

    Latin letters with accents come out as rare kanji or private signs, or with Windows' quotation marks and in the code
    pages of DOS as single kanji and kana between Latin letters; EUC-JP comes out as half-width katakana, and UTF-8 with
    a fault as rare kanji with kana between them.
    """
    if _NO_SHIFT_JIS.search(text) or is_nearly_utf_8(data):
        return False
    runs = _NOT_ASCII.findall(text[:_SAMPLE])
    signs = Counter("".join(runs))
    count = signs.total()
    if 2 * sum(len(run) for run in runs if len(run) > 1) <= count:
        return False
    usual = sum(number for sign, number in signs.items() if _is_usual(sign))
    if any(_KANA_OR_FULL_WIDTH.fullmatch(sign) for sign in signs):
        # Half-width katakana is Japanese, too, where it is not all there is.
        usual += sum(number for sign, number in signs.items() if "\uff61" <= sign <= "\uff9f")
    # An accent of DOS and the letter behind it are a full-width letter.
    letters = sum(number for sign, number in signs.items() if _FULL_WIDTH_LETTER.fullmatch(sign))
    return 3 * usual >= 2 * count and 2 * letters <= count


def _is_usual(sign: str) -> bool:
    return int.from_bytes(sign.encode("cp932", "replace"), "big") in _USUAL_SHIFT_JIS


def text_of(data: bytes, *, is_strict: bool = False) -> str:
    """Return the text of a file as `decoded` does, its lines ended by one sign. Raises `NotUtf8`."""
    return decoded(data, is_strict=is_strict).replace("\r\n", "\n").replace("\r", "\n")


# --- as plain data -----------------------------------------------------------------------------


def as_data(question: ForeignQuestion) -> dict[str, Any]:
    """Return a question as plain data: the fields that its type has, and the rest where it says something."""
    data: dict[str, Any] = {
        "type": question.type.value,
        "title": question.title,
        "stem": question.stem,
        "text_format": question.text_format.value,
    }
    if question.choices:
        data["choices"] = [_choice_data(each) for each in question.choices]
    if question.answers:
        data["answers"] = [_answer_data(each) for each in question.answers]
    if question.pairs:
        data["pairs"] = [list(pair) for pair in question.pairs]
    if question.gaps:
        data["gaps"] = [
            {
                "choices": [_choice_data(each) for each in gap.choices],
                "answers": [_answer_data(each) for each in gap.answers],
                "points": number(gap.points),
                "is_numeric": gap.is_numeric,
                "case_sensitive": gap.case_sensitive,
            }
            | ({"several": True} if gap.several else {})
            | ({"units": [list(each) for each in gap.units]} if gap.units else {})
            | ({"feedback": gap.feedback} if gap.feedback else {})
            for gap in question.gaps
        ]
    if question.parts:
        data["parts"] = [
            {
                "id": part.id,
                "heading": part.heading,
                "choices": [_choice_data(each) for each in part.choices],
                "points": number(part.points),
                "feedback": part.feedback,
            }
            for part in question.parts
        ]
    if question.type is Kind.TRUE_FALSE:
        data |= {
            "correct": question.correct,
            "feedback_true": question.feedback_true,
            "feedback_false": question.feedback_false,
        }
    data["general_feedback"] = question.general_feedback
    data["tags"] = list(question.tags)
    data["id"] = question.id
    data["category"] = question.category
    data["points"] = number(question.points)
    for name, usual in _USUAL.items():
        value = getattr(question, name)
        if value != usual:
            data[name] = [list(each) for each in value] if name == "units" else _plain(value)
    data["line"] = question.line
    if question.losses:
        data["losses"] = list(question.losses)
    return data


# Fields that are written only where they say something.
_USUAL: Mapping[str, Any] = {
    "shuffle": True,
    "case_sensitive": False,
    "units": (),
    "template": "",
    "marking_notes": "",
    "clauses": (),
    "document": "",
    "document_version": "",
    "severity": "",
    "difficulty": None,
    "state": "live",
    "all_or_nothing": False,
    "marking": "",
    "length": NO_LENGTH,
    "pair_feedback": (),
}
# Of which types something further is said of the marking.
_FURTHER_MARKING = {"penalty": Kind.MULTIPLE_CHOICE, "partial": Kind.ORDERING}


class BadData(ValueError):
    """Plain data that is no question; the words say which field."""


def from_data(data: Any) -> ForeignQuestion:
    """Return the question of plain data: the inverse of `as_data`. Raises `BadData`."""
    if not isinstance(data, dict):
        raise BadData("a question is an object")
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise BadData(f"unknown fields: {', '.join(map(str, unknown))}")
    try:
        kind, text_format = Kind(str(data.get("type"))), TextFormat(str(data.get("text_format", "plain")))
    except ValueError as unknown_name:
        raise BadData(str(unknown_name)) from None
    correct = data.get("correct")
    if kind is Kind.TRUE_FALSE and not isinstance(correct, bool):
        raise BadData("correct is true or false")
    return ForeignQuestion(
        type=kind,
        title=_text(data, "title"),
        stem=_text(data, "stem"),
        text_format=text_format,
        choices=_choices(data),
        answers=_answers(data),
        pairs=_pairs(data, "pairs"),
        gaps=tuple(
            ForeignGap(
                choices=_choices(gap),
                answers=_answers(gap),
                points=exact(gap.get("points", 1)),
                is_numeric=_flag(gap, "is_numeric", usual=False),
                case_sensitive=_flag(gap, "case_sensitive", usual=False),
                several=_flag(gap, "several", usual=False),
                units=_pairs(gap, "units"),
                feedback=_text(gap, "feedback"),
            )
            for gap in _objects(data, "gaps")
        ),
        parts=tuple(
            ForeignPart(
                id=_text(part, "id"),
                heading=_text(part, "heading"),
                choices=_choices(part),
                points=exact(part.get("points", 1)),
                feedback=_text(part, "feedback"),
            )
            for part in _objects(data, "parts")
        ),
        correct=correct if kind is Kind.TRUE_FALSE else None,
        feedback_true=_text(data, "feedback_true"),
        feedback_false=_text(data, "feedback_false"),
        general_feedback=_text(data, "general_feedback"),
        tags=tuple(_texts(data, "tags")),
        id=_text(data, "id"),
        category=_text(data, "category"),
        points=exact(data.get("points", 1)),
        shuffle=_flag(data, "shuffle", usual=True),
        case_sensitive=_flag(data, "case_sensitive", usual=False),
        units=_pairs(data, "units"),
        template=_text(data, "template"),
        marking_notes=_text(data, "marking_notes"),
        clauses=tuple(_texts(data, "clauses")),
        document=_text(data, "document"),
        document_version=_text(data, "document_version"),
        severity=_text(data, "severity"),
        difficulty=_difficulty(data.get("difficulty")),
        state=_text(data, "state") if "state" in data else "live",
        all_or_nothing=_flag(data, "all_or_nothing", usual=False),
        marking=_marking(_text(data, "marking"), kind),
        length=_length(data.get("length")),
        pair_feedback=tuple(_texts(data, "pair_feedback")),
        line=_line(data.get("line", 0)),
    )


_FIELDS = frozenset(ForeignQuestion.__slots__)


def number(value: Fraction) -> int | float:
    """Return a number as JSON has it: whole where it is whole."""
    return value.numerator if value.denominator == 1 else float(value)


def exact(value: Any) -> Fraction:
    """Return a number as a fraction, as exactly as it is written; thirds and the like are what their decimals mean.

    Raises `BadData`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadData(f"no number: {value!r}")
    # No exponent: 1e999999999 is a short text and a long sum.
    text = f"{value:.20f}" if isinstance(value, float) and "e" in repr(value) else str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise BadData(f"no number: {text[:40]}")
    written = Fraction(text)
    if abs(written) > 10**9:
        raise BadData(f"too large: {text}")
    # 33.33333 means a third, which no format can write out; fewer decimals mean what they say.
    near = written.limit_denominator(60)
    decimals = len(text.partition(".")[2])
    is_cut = decimals >= _DECIMALS_OF_A_THIRD and abs(near - written) < Fraction(5, 10**decimals)
    return near if near and is_cut else written


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _line(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise BadData("line is a whole number from 0")


def _difficulty(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5):
        return value
    raise BadData("difficulty is a whole number from 1 to 5")


def _marking(given: str, kind: Kind) -> str:
    if given and _FURTHER_MARKING.get(given) is not kind:
        raise BadData("marking is penalty of a multiple choice or partial of an ordering")
    return given


def _length(value: Any) -> tuple[int | None, int | None]:
    if value is None:
        return NO_LENGTH
    if (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(each is None or (isinstance(each, int) and not isinstance(each, bool) and each > 0) for each in value)
    ):
        return value[0], value[1]
    raise BadData("length is a list of the fewest and the most characters, null for none")


def _choice_data(each: ForeignChoice) -> dict[str, Any]:
    return {"text": each.text, "fraction": number(each.fraction), "feedback": each.feedback}


def _answer_data(each: ForeignAnswer) -> dict[str, Any]:
    what: dict[str, Any] = (
        {"text": each.text} if each.value is None else {"value": each.value, "tolerance": each.tolerance}
    )
    return what | {"fraction": number(each.fraction), "feedback": each.feedback}


def _choices(data: Mapping[str, Any]) -> tuple[ForeignChoice, ...]:
    return tuple(
        ForeignChoice(_text(each, "text"), exact(each.get("fraction", 0)), _text(each, "feedback"))
        for each in _objects(data, "choices")
    )


def _answers(data: Mapping[str, Any]) -> tuple[ForeignAnswer, ...]:
    return tuple(
        ForeignAnswer(
            text=_text(each, "text"),
            value=_text(each, "value") if "value" in each else None,
            tolerance=_text(each, "tolerance"),
            fraction=exact(each.get("fraction", 100)),
            feedback=_text(each, "feedback"),
        )
        for each in _objects(data, "answers")
    )


def _pairs(data: Mapping[str, Any], name: str) -> tuple[tuple[str, str], ...]:
    found: Iterable[Any] = data.get(name, ())
    if not isinstance(found, list | tuple) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(side, str) for side in pair)
        for pair in found
    ):
        raise BadData(f"{name} is a list of pairs of texts")
    return tuple((left, right) for left, right in found)


def _objects(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = data.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadData(f"{name} is a list of objects")
    return found


def _texts(data: Mapping[str, Any], name: str) -> list[str]:
    found = data.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise BadData(f"{name} is a list of texts")
    return found


def _text(data: Mapping[str, Any], name: str) -> str:
    found = data.get(name, "")
    if not isinstance(found, str):
        raise BadData(f"{name} is a text")
    return found


def _flag(data: Mapping[str, Any], name: str, *, usual: bool) -> bool:
    found = data.get(name, usual)
    if not isinstance(found, bool):
        raise BadData(f"{name} is true or false")
    return found
