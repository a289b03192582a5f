"""The figures of a quiz from its sittings, what chance alone would earn, and who took which choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import factorial
from typing import Any

from portal.quizzes.queries.statistics import Asked, Sittings
from portal.quizzes.rules import statistics as rules
from portal.quizzes.rules.statistics import Difference, Figures, Share, Third
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ORDER, Choice, Content, Part

# Offered so that exactly one of a known number of answers is right.
_GUESSED = frozenset({"single", "true_false", "select", ORDER})


def figures_of_sittings(sittings: Sittings) -> Figures:
    """Return the figures of a quiz, in the order of what was asked; a gap is a question that somebody did not draw."""
    names = [each.name for each in sittings.asked]
    return rules.figures_of(names, sittings.marks(), sittings.maxima, drawn=True)


def difference_of_languages(asked: Asked, sittings: Sittings) -> Difference | None:
    """Return how a question differs between those who sat it in Japanese (first) and in English; None without one."""
    rows = [row for row in sittings.rows if asked.version_id in row.points]
    right = [row.points[asked.version_id] >= asked.max for row in rows]
    return rules.difference_between(right, [row.score for row in rows], [row.language == "ja" for row in rows])


def marks_on_trial(asked: Asked, sittings: Sittings) -> tuple[list[float], list[float]]:
    """Return the marks of a question on trial, and the scores of the same attempts, in which it does not count."""
    rows = [row for row in sittings.rows if asked.version_id in row.on_trial]
    return [row.on_trial[asked.version_id] for row in rows], [row.score for row in rows]


def guess_score_of(content: Content) -> float | None:
    """Return the share of the points that guessing earns on average.

    None where any number of choices may be right, and where something is written: nobody hits that by chance alone.
    """
    kind = type_of(content.type)
    if content.marking != "all_or_nothing" or any(kind.kind_of(part) not in _GUESSED for part in content.parts):
        return None
    earned = sum(
        Fraction(part.points, factorial(len(part.choices)) if part.kind == ORDER else len(part.choices))
        for part in content.parts
    )
    return float(earned / content.max_points)


def share_of_choices(
    part: Part, answers: Sequence[Mapping[str, Any]], thirds: Sequence[Third]
) -> Iterator[tuple[Choice | None, Share]]:
    """Yield each choice with the share of people who took it, in all and in the lower, middle and upper third.

    The last one is None: those who answered nothing. Of several right choices one may take more than one.
    """
    sizes = Counter(thirds)
    # People by what they took: those are few different things.
    alike = Counter((tuple(answer.get(part.id, ())), third) for answer, third in zip(answers, thirds, strict=True))
    for choice in (*part.choices, None):
        counts: Counter[Third] = Counter()
        for (taken, third), people in alike.items():
            if choice.id in taken if choice is not None else not taken:
                counts[third] += people
        yield choice, rules.share_of(counts, sizes)
