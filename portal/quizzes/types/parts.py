"""What is done with each kind of part: taken from the page, shown again, marked."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from portal.core.texts import forbidden
from portal.quizzes.types import comparing, numbers
from portal.quizzes.types.contents import (
    ANY_NUMBER,
    CHOICES,
    ESSAY,
    MAX_ESSAY,
    MAX_TEXT_ANSWER,
    NUMBER,
    ORDER,
    TEXT,
    NumberKey,
    Part,
    TextKey,
)


class BadValue(ValueError):
    """A value that is none of those offered."""


class TooLong(BadValue):
    """More was written than is taken."""

    def __init__(self, part_id: str, most: int) -> None:
        super().__init__(part_id)
        self.most = most


def place_of(value: object, most: int) -> int:
    """Return a place on the page from 0; raises `BadValue` for anything that is none of `most` places."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 3:
        raise BadValue(str(value)[:60])
    if not 1 <= int(value) <= most:
        raise BadValue(value)
    return int(value) - 1


class PartKind:
    """One kind of part; `shown` are the ids of its choices in the order of the page."""

    name: ClassVar[str]

    def normalise(self, part: Part, shown: Sequence[str], values: Sequence[str], *, several: bool) -> list[str]:
        """Turn what the page sends into what is stored; [] where there is no answer. Raises `BadValue`."""
        raise NotImplementedError

    def places(self, part: Part, shown: Sequence[str], stored: Sequence[str]) -> list[str]:
        """Turn what is stored into what the page shows: the inverse of `normalise`."""
        raise NotImplementedError

    def can_read(self, part: Part, stored: Sequence[str]) -> bool:
        """Say whether what is stored can be read as what is asked; what is left empty can."""
        return True

    def share(self, part: Part, stored: Sequence[str]) -> Fraction | None:
        """Return which share of the points an answer earns; None where a person has to say so."""
        raise NotImplementedError

    def solution(self, part: Part) -> list[str] | None:
        """Return an answer that earns all points, or None where there is none to be told."""
        raise NotImplementedError


class ChoicesKind(PartKind):
    """Something to choose: all points for exactly the right ones."""

    name = CHOICES

    def normalise(self, part: Part, shown: Sequence[str], values: Sequence[str], *, several: bool) -> list[str]:
        chosen = {shown[place_of(value, len(shown))] for value in values if value != ""}
        if len(chosen) > 1 and not several:
            raise BadValue(part.id)
        return sorted(chosen)

    def places(self, part: Part, shown: Sequence[str], stored: Sequence[str]) -> list[str]:
        return [str(shown.index(choice) + 1) for choice in stored]

    def share(self, part: Part, stored: Sequence[str]) -> Fraction | None:
        return Fraction(bool(stored) and frozenset(stored) == part.key)

    def solution(self, part: Part) -> list[str] | None:
        return sorted(part.key)


class OrderKind(PartKind):
    """Things to put in order: the page sends `3:1` where the third thing that it shows has the first position.

    Stored is what stands at each position; "" where nothing has been put yet. Of two things at one position the one
    that is shown first has it.
    """

    name = ORDER

    def normalise(self, part: Part, shown: Sequence[str], values: Sequence[str], *, several: bool) -> list[str]:
        positions: dict[int, int] = {}
        for value in values:
            if value == "":
                continue
            place, colon, position = value.partition(":") if isinstance(value, str) else ("", "", "")
            if not colon or place_of(place, len(shown)) in positions:
                raise BadValue(part.id)
            positions[place_of(place, len(shown))] = place_of(position, len(shown))
        order = [""] * len(shown)
        for at in sorted(positions):
            order[positions[at]] = order[positions[at]] or shown[at]
        return order if any(order) else []

    def places(self, part: Part, shown: Sequence[str], stored: Sequence[str]) -> list[str]:
        return [f"{shown.index(choice) + 1}:{place}" for place, choice in enumerate(stored, start=1) if choice]

    def share(self, part: Part, stored: Sequence[str]) -> Fraction | None:
        return Fraction(list(stored) == [choice.id for choice in part.choices])

    def solution(self, part: Part) -> list[str] | None:
        return [choice.id for choice in part.choices]


class WrittenKind(PartKind):
    """Something to write; stored as it was typed (NFC), without what nobody types."""

    most: ClassVar[int] = MAX_TEXT_ANSWER
    # Further characters that may stand in it, beside those that can be seen.
    besides: ClassVar[str] = ""

    def normalise(self, part: Part, shown: Sequence[str], values: Sequence[str], *, several: bool) -> list[str]:
        if len(values) > 1 or not all(isinstance(value, str) for value in values):
            raise BadValue(part.id)
        text = self.cleaned(values[0]) if values else ""
        if len(text) > self.most:
            raise TooLong(part.id, self.most)
        return [text] if text.strip() else []

    def cleaned(self, text: str) -> str:
        """Return what was typed, composed, without control characters, broken halves and changes of direction."""
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
        if "\n" not in self.besides:
            text = text.replace("\n", " ").replace("\t", " ")
        gone = forbidden(text, self.besides)
        if not gone:
            return text
        # What is left may compose with what stood behind what is gone.
        return unicodedata.normalize("NFC", "".join(each for each in text if each not in gone))

    def places(self, part: Part, shown: Sequence[str], stored: Sequence[str]) -> list[str]:
        return list(stored)


class TextKind(WrittenKind):
    """A short text: the best of the keys that it matches, in either language, counts."""

    name = TEXT

    @staticmethod
    def key_of(part: Part, stored: Sequence[str]) -> TextKey | None:
        """Return the key that decides about what was written, or None where none fits."""
        text = stored[0] if stored else ""
        fitting = [
            key
            for key in part.text_keys
            if text
            and any(
                told and comparing.matches(told, text, is_exact=part.is_exact) for told in (key.text.en, key.text.ja)
            )
        ]
        return max(fitting, key=lambda key: key.share, default=None)

    def share(self, part: Part, stored: Sequence[str]) -> Fraction | None:
        key = self.key_of(part, stored)
        return key.share if key else Fraction(0)

    def solution(self, part: Part) -> list[str] | None:
        key = next((key for key in part.text_keys if key.share == 1), None)
        return [comparing.example(key.text.en or key.text.ja)] if key else None


class NumberKind(WrittenKind):
    """A number with a tolerance, in one of the units: the best of the keys that it fits counts."""

    name = NUMBER

    def can_read(self, part: Part, stored: Sequence[str]) -> bool:
        return not stored or isinstance(numbers.read_number(stored[0], part.units), numbers.Read)

    @staticmethod
    def key_of(part: Part, stored: Sequence[str]) -> NumberKey | None:
        """Return the key that decides about what was written, or None where none fits."""
        found = numbers.read_number(stored[0], part.units) if stored else None
        if not isinstance(found, numbers.Read):
            return None
        fitting = [key for key in part.number_keys if numbers.fits(key, found.value)]
        return max(fitting, key=lambda key: key.share, default=None)

    def share(self, part: Part, stored: Sequence[str]) -> Fraction | None:
        key = self.key_of(part, stored)
        return key.share if key else Fraction(0)

    def solution(self, part: Part) -> list[str] | None:
        key = next((key for key in part.number_keys if key.share == 1 and key.value != ANY_NUMBER), None)
        return [key.value] if key else None


class EssayKind(WrittenKind):
    """A text that a person marks; nothing written earns nothing."""

    name = ESSAY
    most = MAX_ESSAY
    besides = "\n\t"

    def share(self, part: Part, stored: Sequence[str]) -> Fraction | None:
        return None if stored else Fraction(0)

    def solution(self, part: Part) -> list[str] | None:
        return None


PART_KINDS: Mapping[str, PartKind] = {
    kind.name: kind for kind in (ChoicesKind(), TextKind(), NumberKind(), OrderKind(), EssayKind())
}


def kind_of_part(part: Part) -> PartKind:
    """Return what is done with a part."""
    return PART_KINDS[part.kind]
