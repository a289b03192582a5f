"""What a question holds, and the one interface that every type of question implements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, ClassVar

from portal.core.i18n import LANGUAGES, Words

# The only part of a question that has no parts of its own.
ANSWER = "answer"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
Answer = dict[str, list[str]]


class Answered(StrEnum):
    """How much of a question has an answer."""

    OPEN = "open"
    # Some parts of a case, not all.
    PARTLY = "partly"
    ANSWERED = "answered"


class BadValue(ValueError):
    """A value that is none of those offered."""


class LeakError(Exception):
    """A type of question shows a learner what she must not see; it cannot be used."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose, known within its part by its letter."""

    id: str
    text: Words
    right: bool
    rationale: Words | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Something to decide, worth whole points, with its choices in the author's order."""

    id: str
    heading: Words | None
    points: int
    choices: tuple[Choice, ...]
    rationale: Words | None = None

    @property
    def key(self) -> frozenset[str]:
        """The ids of the right choices."""
        return frozenset(choice.id for choice in self.choices if choice.right)


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

    @property
    def max_points(self) -> int:
        """The points of all parts."""
        return sum(part.points for part in self.parts)

    def how_far(self, answer: Mapping[str, Any]) -> Answered:
        """Say how much of the question an answer (part → chosen ids) answers: a case all its parts, or some."""
        given = sum(bool(answer.get(part.id)) for part in self.parts)
        if not given:
            return Answered.OPEN
        return Answered.ANSWERED if given == len(self.parts) else Answered.PARTLY

    def texts(self) -> Iterator[Words]:
        """Yield every text, in the order of the page."""
        yield self.stem
        for part in self.parts:
            for choice in part.choices:
                yield choice.text
                if choice.rationale:
                    yield choice.rationale
            if part.rationale:
                yield part.rationale
        if self.rationale:
            yield self.rationale


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """A choice as the learner receives it: its place on the page and its text."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class PartForm:
    """A part as the learner receives it."""

    id: str
    heading: str | None
    kind: str
    points: int
    choices: tuple[ChoiceForm, ...]


@dataclass(frozen=True, slots=True)
class ItemForm:
    """All that a learner receives of a question before release: an allow-list, built field by field."""

    type: str
    stem: str
    points: int
    parts: tuple[PartForm, ...]


@dataclass(frozen=True, slots=True)
class ChoiceReview:
    """A choice after release; `right` and `rationale` are None where they are not shown."""

    text: str
    chosen: bool
    right: bool | None
    rationale: str | None


@dataclass(frozen=True, slots=True)
class PartReview:
    """A part after release."""

    id: str
    heading: str | None
    points: Fraction | None
    max_points: int
    choices: tuple[ChoiceReview, ...]
    rationale: str | None


@dataclass(frozen=True, slots=True)
class ItemReview:
    """A question after release, as far as the quiz shows it."""

    title: str
    stem: str
    points: Fraction | None
    max_points: int
    parts: tuple[PartReview, ...]
    rationale: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """What a type finds wrong with a question: where (part and place of the choice from 0), what, how to mend it."""

    message: str
    mend: str
    part: str | None = None
    choice: int | None = None


class QuestionType:
    """One type of question. A subclass states its name and how its parts are marked.

    Everything a learner receives before release comes from `form`; `register` refuses a type
    whose form depends on the key, a rationale or anything else that is secret.
    """

    name: ClassVar[str]
    # How a browser offers the choices: single, multiple or true_false.
    kind: ClassVar[str] = "single"

    def samples(self) -> Sequence[Content]:
        """Return at least one question of this type on which the leak test is run."""
        raise NotImplementedError

    def check(self, content: Content) -> list[Fault]:
        """Return what is wrong with a question of this type."""
        raise NotImplementedError

    def kind_of(self, part: Part) -> str:
        """Return how a part is offered; never depends on the key."""
        return self.kind

    def keeps_order(self, content: Content, part: Part) -> bool:
        """Say whether the choices of a part stay in the author's order."""
        return not content.shuffle

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
                        for place, choice in enumerate(_ordered(part, order), start=1)
                    ),
                )
                for part in content.parts
            ),
        )

    def normalise(
        self, content: Content, order: Mapping[str, Sequence[str]], given: Mapping[str, Sequence[str]]
    ) -> Answer:
        """Turn places on the page (part → values) into the ids of the chosen choices.

        Parts without a choice are left out: an empty answer is {}. Raises `BadValue`.
        """
        known = {part.id: part for part in content.parts}
        answer: Answer = {}
        for part_id, values in given.items():
            part = known.get(part_id)
            if part is None or not isinstance(values, list | tuple):
                raise BadValue(part_id)
            shown = [choice.id for choice in _ordered(part, order)]
            chosen = {self._choice_at(shown, value) for value in values if value != ""}
            if len(chosen) > 1 and self.kind_of(part) != "multiple":
                raise BadValue(part_id)
            if chosen:
                answer[part_id] = sorted(chosen)
        return answer

    @staticmethod
    def _choice_at(shown: Sequence[str], value: object) -> str:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 3:
            raise BadValue(str(value))
        place = int(value)
        if not 1 <= place <= len(shown):
            raise BadValue(value)
        return shown[place - 1]

    def places(self, content: Content, order: Mapping[str, Sequence[str]], answer: Mapping[str, Any]) -> Answer:
        """Turn a stored answer back into places on the page: the inverse of `normalise`."""
        shown = {part.id: [choice.id for choice in _ordered(part, order)] for part in content.parts}
        return {
            part_id: [str(shown[part_id].index(choice) + 1) for choice in chosen]
            for part_id, chosen in answer.items()
            if part_id in shown
        }

    # --- mark and review ---

    def mark_part(self, content: Content, part: Part, chosen: frozenset[str]) -> Fraction:
        """Return the points of one part: all for exactly the key, else none."""
        return Fraction(part.points) if chosen and chosen == part.key else Fraction(0)

    def mark(self, content: Content, answer: Mapping[str, Any]) -> dict[str, Fraction]:
        """Return the points of each part; what was not answered has none."""
        return {part.id: self.mark_part(content, part, frozenset(answer.get(part.id, ()))) for part in content.parts}

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

        def told(words: Words | None) -> str | None:
            return words.in_(language) if words and "rationale" in show else None

        marks = self.mark(content, answer)
        parts = tuple(
            PartReview(
                id=part.id,
                heading=part.heading.in_(language) if part.heading else None,
                points=marks[part.id] if "correctness" in show else None,
                max_points=part.points,
                choices=tuple(
                    ChoiceReview(
                        text=choice.text.in_(language),
                        chosen=choice.id in answer.get(part.id, ()),
                        right=choice.right if "key" in show else None,
                        rationale=told(choice.rationale),
                    )
                    for choice in _ordered(part, order)
                ),
                rationale=told(part.rationale),
            )
            for part in content.parts
        )
        return ItemReview(
            title=content.title.in_(language),
            stem=content.stem.in_(language),
            points=sum(marks.values(), Fraction(0)) if "correctness" in show else None,
            max_points=content.max_points,
            parts=parts,
            rationale=told(content.rationale),
        )

    # --- export ---

    def export(self, content: Content) -> dict[str, Any]:
        """Return the question as plain data, as versions store it."""
        data: dict[str, Any] = {
            "type": content.type,
            "title": _words(content.title),
            "stem": _words(content.stem),
            "parts": [
                {
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
                for part in content.parts
            ],
            "clauses": list(content.clauses),
            "rationale": _words(content.rationale),
            "difficulty": content.difficulty,
            "severity": content.severity,
            "tags": list(content.tags),
            "marking": content.marking,
            "shuffle": content.shuffle,
            "document": content.document,
        }
        return data


def read(data: Mapping[str, Any]) -> Content:
    """Return the question from plain data: the inverse of `export`."""
    return Content(
        type=data["type"],
        title=Words(**data["title"]),
        stem=Words(**data["stem"]),
        parts=tuple(
            Part(
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
            )
            for part in data["parts"]
        ),
        clauses=tuple(data["clauses"]),
        rationale=_read_words(data["rationale"]),
        difficulty=data["difficulty"],
        severity=data["severity"],
        tags=tuple(data["tags"]),
        marking=data["marking"],
        shuffle=data["shuffle"],
        document=data["document"],
    )


def _words(words: Words | None) -> dict[str, str] | None:
    return None if words is None else {"en": words.en, "ja": words.ja}


def _read_words(data: Mapping[str, str] | None) -> Words | None:
    return None if data is None else Words(en=data["en"], ja=data["ja"])


def _ordered(part: Part, order: Mapping[str, Sequence[str]]) -> list[Choice]:
    by_id = {choice.id: choice for choice in part.choices}
    shown = order.get(part.id) or list(by_id)
    return [by_id[choice_id] for choice_id in shown]


# --- the register ------------------------------------------------------------------------------

_CANARY = "hidden-canary"
_types: dict[str, QuestionType] = {}


def register(question_type: QuestionType) -> None:
    """Take up a type after its leak test.

    Raises `LeakError` where the type has no sample, or where its form tells a secret: for every
    sample the form must be the same whatever the key, the rationales, the title, the citations, tags
    and difficulty are, and hold no word of them.
    """
    samples = question_type.samples()
    if not samples:
        raise LeakError(f"{question_type.name} has no sample for its leak test")
    for sample in samples:
        twin = _with_other_secrets(sample)
        if question_type.export(twin) == question_type.export(sample):
            raise LeakError(f"{question_type.name}: the sample holds no secret; the leak test would be empty")
        order = {part.id: [choice.id for choice in part.choices] for part in sample.parts}
        for language in LANGUAGES:
            shown, other = (question_type.form(content, order, language) for content in (sample, twin))
            if shown != other or _CANARY in repr(other):
                raise LeakError(f"{question_type.name} shows a learner what depends on the key")
        if any(
            question_type.kind_of(part) != question_type.kind_of(other)
            for part, other in zip(sample.parts, twin.parts, strict=True)
        ):
            raise LeakError(f"{question_type.name} offers its choices in a way that betrays the key")
    _types[question_type.name] = question_type


def type_of(name: str) -> QuestionType:
    """Return the type of this name; raises `KeyError`."""
    return _types[name]


def type_names() -> tuple[str, ...]:
    """Return the names of all types."""
    return tuple(_types)


def _with_other_secrets(content: Content) -> Content:
    def secret(place: str) -> Words:
        return Words(f"{_CANARY} {place}", f"{_CANARY} {place} 日本語")

    return replace(
        content,
        title=secret("title"),
        rationale=secret("rationale"),
        clauses=(f"{_CANARY}#clause",),
        tags=(_CANARY,),
        difficulty=5 if content.difficulty != 5 else 1,
        severity="S4" if content.severity != "S4" else "S0",
        parts=tuple(
            replace(
                part,
                rationale=secret(part.id),
                choices=tuple(
                    replace(choice, right=not choice.right, rationale=secret(choice.id)) for choice in part.choices
                ),
            )
            for part in content.parts
        ),
    )
