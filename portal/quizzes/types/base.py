"""The one interface that every type of question implements, and the test that it must pass to be used."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

from portal.core.i18n import LANGUAGES, Words
from portal.quizzes.types import comparing, contents, numbers
from portal.quizzes.types.contents import (
    ANSWER,
    CHOICES,
    ESSAY,
    LETTERS,
    MAX_ESSAY,
    MAX_PARTS,
    MAX_TEXT_ANSWER,
    NUMBER,
    ORDER,
    TEXT,
    Answer,
    Answered,
    Choice,
    Content,
    Criterion,
    NumberKey,
    Part,
    Picture,
    TextKey,
    Unit,
    read,
)
from portal.quizzes.types.faults import Fault
from portal.quizzes.types.parts import BadValue, NumberKind, TextKind, TooLong, kind_of_part

__all__ = [
    "ANSWER",
    "CHOICES",
    "ESSAY",
    "LETTERS",
    "MAX_ESSAY",
    "MAX_PARTS",
    "MAX_TEXT_ANSWER",
    "NUMBER",
    "ORDER",
    "TEXT",
    "Answer",
    "Answered",
    "BadValue",
    "Choice",
    "ChoiceForm",
    "ChoiceReview",
    "Content",
    "Criterion",
    "CriterionReview",
    "Fault",
    "ItemForm",
    "ItemReview",
    "LeakError",
    "Lot",
    "NumberKey",
    "Part",
    "PartForm",
    "PartReview",
    "Picture",
    "PictureForm",
    "QuestionType",
    "TextKey",
    "TooLong",
    "Unit",
    "read",
    "register",
    "type_names",
    "type_of",
]

# The ids of choices and the part that they belong to → the ids in another order.
Lot = Callable[[Sequence[str], str], list[str]]


class LeakError(Exception):
    """A type of question shows a learner what she must not see; it cannot be used."""


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """A choice as the learner receives it: its place on the page and its text."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class PartForm:
    """A part as the learner receives it.

    `kind` says how it is offered: single, multiple, true_false, select, text, number, order or essay.
    """

    id: str
    heading: str | None
    kind: str
    points: int
    choices: tuple[ChoiceForm, ...]
    # Symbols of the units that a number may have, the first one where none is written.
    units: tuple[str, ...] = ()
    # Whether upper and lower case count in what is written.
    is_exact: bool = False
    # So many characters are asked for, and so many are taken at all.
    least: int | None = None
    most: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class PictureForm:
    """A picture as the learner is told of it before she opens it.

    `severity` is None where the question asks for a level, which the picture's would suggest; `is_hard` says that it
    may be hard to look at.
    """

    alt: str
    severity: str | None
    is_hard: bool


@dataclass(frozen=True, slots=True)
class ItemForm:
    """All that a learner receives of a question before release: an allow-list, built field by field."""

    type: str
    stem: str
    points: int
    parts: tuple[PartForm, ...]
    # Wrong answers cost points.
    costs: bool = False
    picture: PictureForm | None = None


@dataclass(frozen=True, slots=True)
class ChoiceReview:
    """A choice after release; `right` and `rationale` are None where they are not shown.

    Of things put in order, `chosen` says that it was given a place and `right` that this is its place.
    """

    text: str
    chosen: bool
    right: bool | None
    rationale: str | None


@dataclass(frozen=True, slots=True)
class CriterionReview:
    """What a person looked for in a text, after release."""

    id: str
    text: str
    points: int


@dataclass(frozen=True, slots=True)
class PartReview:
    """A part after release."""

    id: str
    heading: str | None
    # None where it is not shown, or where a person has to say so.
    points: Fraction | None
    max_points: int
    # In the order of the page; of things put in order, in that of the learner.
    choices: tuple[ChoiceReview, ...]
    rationale: str | None
    kind: str = CHOICES
    is_answered: bool = False
    # What was written, and as which number it was read.
    written: str | None = None
    read_as: str | None = None
    # What would have been right, where that is shown: the texts and numbers that are taken, or the right order.
    accepted: tuple[str, ...] = ()
    # What the key that decided says to who wrote it.
    feedback: str | None = None
    criteria: tuple[CriterionReview, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemReview:
    """A question after release, as far as the quiz shows it."""

    title: str
    stem: str
    points: Fraction | None
    max_points: int
    parts: tuple[PartReview, ...]
    rationale: str | None
    picture: PictureForm | None = None


# From this level on a picture may be hard to look at.
HARD = "S2"


class QuestionType:
    """One type of question. A subclass states its name and how its parts are marked.

    Everything a learner receives before release comes from `form`; `register` refuses a type
    whose form depends on the key, a rationale or anything else that is secret.
    """

    name: ClassVar[str]
    # How a browser offers choices: single, multiple, true_false or select.
    kind: ClassVar[str] = "single"
    # What `marking` may say, the default first.
    markings: ClassVar[tuple[str, ...]] = ("all_or_nothing",)
    # Whether a picture may stand beside the text.
    has_picture: ClassVar[bool] = False

    def samples(self) -> Sequence[Content]:
        """Return at least one question of this type on which the leak test is run."""
        raise NotImplementedError

    def check(self, content: Content) -> list[Fault]:
        """Return what is wrong with a question of this type."""
        raise NotImplementedError

    def kind_of(self, part: Part) -> str:
        """Return how a part is offered; never depends on the key."""
        return self.kind if part.kind == CHOICES else part.kind

    # --- the order of choices ---

    def keeps_order(self, content: Content, part: Part) -> bool:
        """Say whether the choices of a part stay in the author's order where choices are shuffled."""
        return not content.shuffle

    def orders(self, content: Content, *, shuffle: bool, lot: Lot) -> dict[str, list[str]]:
        """Return part → ids of its choices in the order in which a learner sees them.

        Things to put in order are shuffled whatever the quiz says: the author's order is the key.
        """
        orders = {}
        for part in content.parts:
            ids = [choice.id for choice in part.choices]
            if part.kind == ORDER or (shuffle and not self.keeps_order(content, part)):
                ids = lot(ids, part.id)
            orders[part.id] = ids
        return orders

    def shown(self, content: Content, part: Part, order: Mapping[str, Sequence[str]]) -> list[Choice]:
        """Return the choices of a part as the page has them; without an order, in one that tells nothing."""
        by_id = {choice.id: choice for choice in part.choices}
        ids = order.get(part.id)
        if ids:
            return [by_id[choice_id] for choice_id in ids]
        return by_text(part.choices) if part.kind == ORDER else list(part.choices)

    def _ids(self, content: Content, part: Part, order: Mapping[str, Sequence[str]]) -> list[str]:
        return [choice.id for choice in self.shown(content, part, order)]

    # --- form and normalise ---

    def form(self, content: Content, order: Mapping[str, Sequence[str]], language: str) -> ItemForm:
        """Return what the learner receives: texts and places, nothing else."""
        return ItemForm(
            type=content.type,
            stem=content.stem.in_(language),
            points=content.max_points,
            parts=tuple(
                PartForm(
                    id=part.id,
                    heading=part.heading.in_(language) if part.heading else None,
                    kind=self.kind_of(part),
                    points=part.points,
                    choices=tuple(
                        ChoiceForm(value=str(place), text=choice.text.in_(language))
                        for place, choice in enumerate(self.shown(content, part, order), start=1)
                    ),
                    units=part.symbols(language),
                    is_exact=part.is_exact,
                    least=part.least,
                    most=part.most,
                    limit=MAX_ESSAY if part.kind == ESSAY else MAX_TEXT_ANSWER if part.kind in (TEXT, NUMBER) else None,
                )
                for part in content.parts
            ),
            costs=content.marking == "penalty",
            picture=self.picture(content, language, tells_level=not self.asks_level(content)),
        )

    def asks_level(self, content: Content) -> bool:
        """Say whether the question asks for a sensitivity level."""
        return False

    def picture(self, content: Content, language: str, *, tells_level: bool) -> PictureForm | None:
        """Return what is told of the picture before it is opened; never depends on the key."""
        found = content.picture
        if found is None:
            return None
        return PictureForm(
            alt=found.alt.in_(language),
            severity=found.severity if tells_level else None,
            is_hard=found.severity >= HARD,
        )

    def normalise(
        self, content: Content, order: Mapping[str, Sequence[str]], given: Mapping[str, Sequence[str]]
    ) -> Answer:
        """Turn what the page sends (part → values) into what is stored.

        Choices come as their places on the page, texts as they were typed, an order as the position of each thing.
        Parts without an answer are left out: an empty answer is {}. Raises `BadValue`.
        """
        known = {part.id: part for part in content.parts}
        answer: Answer = {}
        for part_id, values in given.items():
            part = known.get(part_id)
            if part is None or not isinstance(values, list | tuple):
                raise BadValue(part_id)
            stored = kind_of_part(part).normalise(
                part, self._ids(content, part, order), values, several=self.kind_of(part) == "multiple"
            )
            if stored:
                answer[part_id] = stored
        return answer

    def places(self, content: Content, order: Mapping[str, Sequence[str]], answer: Mapping[str, Any]) -> Answer:
        """Turn a stored answer back into what the page sends: the inverse of `normalise`."""
        known = {part.id: part for part in content.parts}
        return {
            part_id: kind_of_part(known[part_id]).places(
                known[part_id], self._ids(content, known[part_id], order), stored
            )
            for part_id, stored in answer.items()
            if part_id in known
        }

    # --- how far ---

    def how_far(self, content: Content, answer: Mapping[str, Any]) -> Answered:
        """Say how much of a question a stored answer answers: all its parts, or some; the key has no say in it.

        What cannot be read comes first, then a text that is shorter or longer than it has to be: whoever wrote it
        thinks that it is done.
        """
        given = [(part, answer.get(part.id) or ()) for part in content.parts]
        if not any(any(stored) for _part, stored in given):
            return Answered.OPEN
        if not all(kind_of_part(part).can_read(part, stored) for part, stored in given):
            return Answered.UNREAD
        if not all(part.fits(stored) for part, stored in given if any(stored)):
            return Answered.LENGTH
        # What is put in order has a blank for what has no place yet.
        is_whole = all(stored and all(stored) for _part, stored in given)
        return Answered.ANSWERED if is_whole else Answered.PARTLY

    # --- mark and review ---

    def mark_part(self, content: Content, part: Part, stored: Sequence[str]) -> Fraction | None:
        """Return the points of one part; None where a person has to mark it."""
        share = kind_of_part(part).share(part, stored)
        return None if share is None else part.points * share

    def mark(self, content: Content, answer: Mapping[str, Any]) -> dict[str, Fraction | None]:
        """Return the points of each part; what was not answered has none, None is what a person has to mark."""
        return {part.id: self.mark_part(content, part, answer.get(part.id) or ()) for part in content.parts}

    def solution(self, content: Content) -> Answer:
        """Return an answer that earns all points, without the parts for which there is none to be told."""
        found = {part.id: kind_of_part(part).solution(part) for part in content.parts}
        return {part_id: stored for part_id, stored in found.items() if stored}

    def review(
        self,
        content: Content,
        order: Mapping[str, Sequence[str]],
        answer: Mapping[str, Any],
        *,
        language: str,
        show: frozenset[str],
    ) -> ItemReview:
        """Return the question after release with what `show` names: correctness, key, rationale."""
        marks = self.mark(content, answer)
        return ItemReview(
            title=content.title.in_(language),
            stem=content.stem.in_(language),
            points=_sum(marks.values()) if "correctness" in show else None,
            max_points=content.max_points,
            parts=tuple(
                self.review_part(content, part, order, answer, points=marks[part.id], language=language, show=show)
                for part in content.parts
            ),
            rationale=_told(content.rationale, language, show),
            picture=self.picture(content, language, tells_level="key" in show or not self.asks_level(content)),
        )

    def review_part(
        self,
        content: Content,
        part: Part,
        order: Mapping[str, Sequence[str]],
        answer: Mapping[str, Any],
        *,
        points: Fraction | None,
        language: str,
        show: frozenset[str],
    ) -> PartReview:
        """Return one part after release."""
        stored: Sequence[str] = answer.get(part.id) or ()
        written = stored[0] if stored and part.kind in (TEXT, NUMBER, ESSAY) else None
        key = _key_of(part, stored)
        number = numbers.read_number(written, part.units) if written and part.kind == NUMBER else None
        return PartReview(
            id=part.id,
            heading=part.heading.in_(language) if part.heading else None,
            points=points if "correctness" in show else None,
            max_points=part.points,
            choices=tuple(
                ChoiceReview(
                    text=choice.text.in_(language),
                    chosen=choice.id in stored,
                    right=(self._is_right(part, stored, choice) if "key" in show else None),
                    rationale=_told(choice.rationale, language, show),
                )
                for choice in self._reviewed(content, part, order, stored)
            ),
            rationale=_told(part.rationale, language, show),
            kind=self.kind_of(part),
            is_answered=any(stored),
            written=written,
            read_as=_read_as(part, written, number, language) if isinstance(number, numbers.Read) else None,
            accepted=_accepted(part, language) if "key" in show else (),
            feedback=_told(key.feedback, language, show) if key else None,
            criteria=tuple(CriterionReview(each.id, each.text.in_(language), each.points) for each in part.criteria)
            if "key" in show
            else (),
        )

    def _reviewed(
        self, content: Content, part: Part, order: Mapping[str, Sequence[str]], stored: Sequence[str]
    ) -> list[Choice]:
        shown = self.shown(content, part, order)
        if part.kind != ORDER or not stored:
            return shown
        place = {choice: number for number, choice in enumerate(stored) if choice}
        return sorted(shown, key=lambda choice: place.get(choice.id, len(shown)))

    @staticmethod
    def _is_right(part: Part, stored: Sequence[str], choice: Choice) -> bool:
        if part.kind != ORDER:
            return choice.right
        place = [each.id for each in part.choices].index(choice.id)
        return place < len(stored) and stored[place] == choice.id

    # --- export ---

    def export(self, content: Content) -> dict[str, Any]:
        """Return the question as plain data, as versions store it."""
        return contents.export(content)


def by_text(choices: Sequence[Choice]) -> list[Choice]:
    """Return choices in an order that says nothing of the author's."""
    return sorted(choices, key=lambda choice: (choice.text.en, choice.text.ja))


def _sum(marks: Any) -> Fraction | None:
    found = list(marks)
    return None if any(mark is None for mark in found) else sum(found, Fraction(0))


def _told(words: Words | None, language: str, show: frozenset[str]) -> str | None:
    return words.in_(language) if words and "rationale" in show else None


def _key_of(part: Part, stored: Sequence[str]) -> TextKey | NumberKey | None:
    if part.kind == TEXT:
        return TextKind.key_of(part, stored)
    return NumberKind.key_of(part, stored) if part.kind == NUMBER else None


def _read_as(part: Part, written: str | None, number: numbers.Read, language: str) -> str | None:
    """Return as which number something was read, in the first unit; None where it is just that."""
    digits = numbers.written(number.value)
    if unicodedata.normalize("NFKC", written or "").strip() == digits:
        return None
    return f"{digits} {part.symbols(language)[0]}" if part.units else digits


def _accepted(part: Part, language: str) -> tuple[str, ...]:
    """Return what earns all points, as people read it: texts, numbers with their tolerance, or the right order."""
    if part.kind == ORDER:
        return tuple(choice.text.in_(language) for choice in part.choices)
    found = []
    for key in part.keys:
        if key.share != 1:
            continue
        if isinstance(key, TextKey):
            found.append(comparing.shown(key.text.in_(language)))
        elif numbers.decimal(key.value) is not None:
            tolerance = f" ± {key.tolerance}" if Fraction(key.tolerance or 0) else ""
            unit = f" {part.symbols(language)[0]}" if part.units else ""
            found.append(f"{key.value}{tolerance}{unit}")
    return tuple(dict.fromkeys(found))


# --- the register ------------------------------------------------------------------------------

_CANARY = "hidden-canary"
# As a number it is in no sample.
_CANARY_NUMBER = "8675309.25"
_types: dict[str, QuestionType] = {}


def register(question_type: QuestionType) -> None:
    """Take up a type after its leak test.

    Raises `LeakError` where the type has no sample, or where its form tells a secret: for every
    sample the form must be the same whatever the right choices, the texts and numbers that are taken with their
    tolerances, the right order, the criteria, feedback, rationales, the title, the citations, tags and difficulty are,
    and hold no word of them. The same goes for the order of choices where nothing is shuffled.
    """
    samples = question_type.samples()
    if not samples:
        raise LeakError(f"{question_type.name} has no sample for its leak test")
    for sample in samples:
        twin = _with_other_secrets(sample)
        if question_type.export(twin) == question_type.export(sample):
            raise LeakError(f"{question_type.name}: the sample holds no secret; the leak test would be empty")
        if any(part.kind != CHOICES and not (part.keys or part.choices or part.criteria) for part in sample.parts):
            raise LeakError(f"{question_type.name}: a part of the sample holds no key; the leak test would be empty")
        for order in _orders(question_type, sample, twin):
            for language in LANGUAGES:
                shown, other = (question_type.form(content, order, language) for content in (sample, twin))
                if shown != other or _CANARY in repr(other) or _CANARY_NUMBER in repr(other):
                    raise LeakError(f"{question_type.name} shows a learner what depends on the key")
        if any(
            question_type.kind_of(part) != question_type.kind_of(other)
            for part, other in zip(sample.parts, twin.parts, strict=True)
        ):
            raise LeakError(f"{question_type.name} offers its choices in a way that betrays the key")
    _types[question_type.name] = question_type


def _orders(question_type: QuestionType, sample: Content, twin: Content) -> list[dict[str, list[str]]]:
    """Return orders in which the form is compared: the author's, none, and that of a quiz without shuffling."""
    plain = {part.id: [choice.id for choice in part.choices] for part in sample.parts}
    ours, theirs = (
        question_type.orders(content, shuffle=False, lot=lambda ids, _part: sorted(ids)) for content in (sample, twin)
    )
    if ours != theirs:
        raise LeakError(f"{question_type.name}: the order of the choices depends on the key")
    return [plain, {}, ours]


def type_of(name: str) -> QuestionType:
    """Return the type of this name; raises `KeyError`."""
    return _types[name]


def type_names() -> tuple[str, ...]:
    """Return the names of all types."""
    return tuple(_types)


def _with_other_secrets(content: Content) -> Content:
    return replace(
        content,
        title=_secret("title"),
        rationale=_secret("rationale"),
        clauses=(f"{_CANARY}#clause",),
        tags=(_CANARY,),
        difficulty=5 if content.difficulty != 5 else 1,
        severity="S4" if content.severity != "S4" else "S0",
        parts=tuple(_part_with_other_secrets(part) for part in content.parts),
    )


def _secret(place: str) -> Words:
    return Words(f"{_CANARY} {place}", f"{_CANARY} {place} 日本語")


def _part_with_other_secrets(part: Part) -> Part:
    choices = [
        replace(choice, right=choice.right if part.kind == ORDER else not choice.right, rationale=_secret(choice.id))
        for choice in part.choices
    ]
    return replace(
        part,
        rationale=_secret(part.id),
        choices=tuple(reversed(choices) if part.kind == ORDER else choices),
        keys=tuple(_key_with_other_secrets(key) for key in part.keys),
        criteria=tuple(
            replace(each, text=_secret(each.id), points=each.points + place)
            for place, each in enumerate(part.criteria, start=1)
        ),
    )


def _key_with_other_secrets(key: TextKey | NumberKey) -> TextKey | NumberKey:
    share = Fraction(1, 7) if key.share == 1 else Fraction(1)
    if isinstance(key, TextKey):
        return TextKey(_secret("text"), share, _secret("feedback"))
    return NumberKey(_CANARY_NUMBER, _CANARY_NUMBER, share, _secret("feedback"))
