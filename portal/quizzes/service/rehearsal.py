"""Answers for a rehearsal: what the demo organisation gives when it takes a quiz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portal.quizzes.models import Item, QuestionVersion
from portal.quizzes.service.single import order_of
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Part, read


def rehearsed_answer(item: Item, *, right: bool) -> dict[str, list[str]]:
    """Return what the item's page sends for all its points, or for none of them."""
    return _answer(item.question_version, item.choice_order, right=right)


def rehearsed_single(version: QuestionVersion, seed: str, *, right: bool) -> dict[str, list[str]]:
    """Return what is sent where a question is asked outside of a quiz, for all its points or for none of them."""
    return _answer(version, order_of(version, seed), right=right)


def _answer(version: QuestionVersion, order: Mapping[str, Sequence[str]], *, right: bool) -> dict[str, list[str]]:
    content = read(version.content)
    kind = type_of(content.type)
    chosen = kind.solution(content) if right else {part.id: _wrong(part) for part in content.parts}
    return kind.places(content, order, chosen)


def _wrong(part: Part) -> list[str]:
    match part.kind:
        case "choices":
            return [next(choice.id for choice in part.choices if not choice.right)]
        case "order":
            return [choice.id for choice in reversed(part.choices)]
        case _:
            return ["?"]
