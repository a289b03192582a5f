"""What chance alone would earn on a question, and who took which of its choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from portal.quizzes.rules.statistics import Third
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Choice, Content, Part


def guess_score_of(content: Content) -> float | None:
    """Return the share of the points that guessing earns on average; None where any number of choices may be right."""
    kind = type_of(content.type)
    if any(kind.kind_of(part) == "multiple" for part in content.parts):
        return None
    earned = sum(Fraction(part.points, len(part.choices)) for part in content.parts)
    return float(earned / content.max_points)


def share_of_choices(
    part: Part, answers: Sequence[Mapping[str, Any]], thirds: Sequence[Third]
) -> Iterator[tuple[Choice | None, float | None, list[float | None]]]:
    """Yield each choice with the share of people who took it, in all and in the lower, middle and upper third.

    The last one is None: those who answered nothing. Of several right choices one may take more than one.
    """
    taken = [frozenset(answer.get(part.id, ())) for answer in answers]
    for choice in (*part.choices, None):
        is_taken = [choice.id in each if choice is not None else not each for each in taken]
        yield (
            choice,
            _share(is_taken),
            [_share([one for one, of in zip(is_taken, thirds, strict=True) if of is third]) for third in Third],
        )


def _share(taken: Sequence[bool]) -> float | None:
    return sum(taken) / len(taken) if taken else None
