"""Whether two wordings of one language each are the same question, that question in both, or in what they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import Any

from portal.core.i18n import Words
from portal.quizzes.types.contents import Content, Part, TextKey

# What a question is about and how it is asked belongs to the question that is there, whatever a file says of it.
_OF_THE_QUESTION = frozenset({"clauses", "difficulty", "severity", "tags", "shuffle", "document", "picture"})


class Apart(Exception):
    """They are not the same question, or both say something in the language."""


def completed(old: Content, new: Content, tag: str) -> Content | None:
    """Return a question with the texts of a file in a language that it lacks, or None where these are not its own.

    They are where types, parts, choices, what is right, keys and points are the same, one by one, and where the
    question says nothing in the language yet. Nothing that is written is ever written over; what has the same words in
    both (whether a statement is true, which clause decides) is there already.
    """
    if _text(new.stem, tag) == "" or _text(old.stem, tag):
        return None
    try:
        joined: Content = _joined(old, new, tag)
    except Apart:
        return None
    return joined


def _text(words: Words, tag: str) -> str:
    return (words.ja if tag == "ja" else words.en).strip()


def _joined(old: Any, new: Any, tag: str) -> Any:
    if isinstance(old, Words) or isinstance(new, Words):
        return _joined_words(old, new, tag)
    if isinstance(old, tuple) and isinstance(new, tuple):
        if len(old) != len(new):
            raise Apart
        return tuple(_joined(one, other, tag) for one, other in zip(old, new, strict=True))
    if is_dataclass(old) and not isinstance(old, type) and type(old) is type(new):
        kept = _OF_THE_QUESTION if isinstance(old, Content) else {"id"}
        return replace(
            old,
            **{
                field.name: _joined(getattr(old, field.name), getattr(new, field.name), tag)
                for field in fields(old)
                if field.name not in kept
            },
        )
    if old != new:
        raise Apart
    return old


def _joined_words(old: Words | None, new: Words | None, tag: str) -> Words | None:
    if new is None:
        return old
    before = old or Words("", "")
    if _text(before, tag):
        if _text(before, tag) != _text(new, tag):
            raise Apart
        return old
    return Words(before.en, new.ja) if tag == "ja" else Words(new.en, before.ja)


# --- in what they differ -----------------------------------------------------------------------


class Differing(StrEnum):
    """In what two wordings of a question can differ."""

    TYPE = "type"
    TITLE = "title"
    STEM = "stem"
    PARTS = "parts"
    CHOICES = "choices"
    RIGHT = "right"
    KEYS = "keys"
    CRITERIA = "criteria"
    POINTS = "points"
    MARKING = "marking"
    EXPLANATIONS = "explanations"


def differences(old: Content, new: Content, tag: str) -> list[Differing]:
    """Return in what two wordings differ in a language; what one of them does not say in it is compared with nothing.

    Of another type that alone is told. What belongs to the question that is there (`completed`) is no difference.
    """
    if old.type != new.type:
        return [Differing.TYPE]
    found = set()

    def differ(one: Words | None, other: Words | None) -> bool:
        before, after = _text(one or Words("", ""), tag), _text(other or Words("", ""), tag)
        return bool(before and after and before != after)

    if differ(old.title, new.title):
        found.add(Differing.TITLE)
    if differ(old.stem, new.stem):
        found.add(Differing.STEM)
    if differ(old.rationale, new.rationale):
        found.add(Differing.EXPLANATIONS)
    if old.marking != new.marking:
        found.add(Differing.MARKING)
    if [part.id for part in old.parts] != [part.id for part in new.parts]:
        found.add(Differing.PARTS)
    for one, other in zip(old.parts, new.parts, strict=False):
        found |= set(_differences_of_parts(one, other, differ))
    return [each for each in Differing if each in found]


_Differ = Callable[[Words | None, Words | None], bool]


def _differences_of_parts(one: Part, other: Part, differ: _Differ) -> list[Differing]:
    found = []
    texts = [(choice.text, by.text) for choice, by in zip(one.choices, other.choices, strict=False)]
    if len(one.choices) != len(other.choices) or any(differ(*pair) for pair in texts):
        found.append(Differing.CHOICES)
    if [choice.right for choice in one.choices] != [choice.right for choice in other.choices]:
        found.append(Differing.RIGHT)
    taken = [(part.is_exact, part.units, part.least, part.most, len(part.keys)) for part in (one, other)]
    keys = zip(one.keys, other.keys, strict=False)
    if taken[0] != taken[1] or any(_are_other_keys(*pair, differ) for pair in keys):
        found.append(Differing.KEYS)
    if [each.points for each in one.criteria] != [each.points for each in other.criteria] or any(
        differ(each.text, by.text) for each, by in zip(one.criteria, other.criteria, strict=False)
    ):
        found.append(Differing.CRITERIA)
    if one.points != other.points:
        found.append(Differing.POINTS)
    if differ(one.heading, other.heading):
        found.append(Differing.PARTS)
    if differ(one.rationale, other.rationale) or any(differ(*pair) for pair in _explanations(one, other)):
        found.append(Differing.EXPLANATIONS)
    return found


def _are_other_keys(one: Any, other: Any, differ: _Differ) -> bool:
    if isinstance(one, TextKey) or isinstance(other, TextKey):
        return type(one) is not type(other) or one.share != other.share or differ(one.text, other.text)
    return bool((one.value, one.tolerance, one.share) != (other.value, other.tolerance, other.share))


def _explanations(one: Part, other: Part) -> Sequence[tuple[Words | None, Words | None]]:
    choices = [(choice.rationale, by.rationale) for choice, by in zip(one.choices, other.choices, strict=False)]
    return [*choices, *((key.feedback, by.feedback) for key, by in zip(one.keys, other.keys, strict=False))]
