"""Pure decisions about a marked paper: its score, its sections, whether it passes, and which attempt counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Generic, TypeVar

T = TypeVar("T")


def score(points: Fraction, max_points: Fraction) -> Fraction:
    """Return points ÷ max points exactly; an attempt without points to be had counts 0."""
    return points / max_points if max_points else Fraction(0)


def has_passed(achieved: Fraction, pass_mark: Fraction) -> bool:
    """Say whether a score reaches the pass mark; reaching it exactly is enough."""
    return achieved >= pass_mark


@dataclass(frozen=True, slots=True)
class Earned:
    """What one question of a paper earned."""

    points: Fraction
    max_points: Fraction
    section: str = ""
    # False: it is on trial, and counts for nothing.
    is_scored: bool = True


@dataclass(frozen=True, slots=True)
class SectionReckoned:
    """The points of one section, and whether they reach its own mark; one without a mark is always passed."""

    points: Fraction
    max_points: Fraction
    passed: bool

    @property
    def score(self) -> Fraction:
        """Points ÷ max points, exactly."""
        return score(self.points, self.max_points)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A paper reckoned up."""

    points: Fraction
    max_points: Fraction
    score: Fraction
    passed: bool
    sections: Mapping[str, SectionReckoned] = field(default_factory=dict)


def reckon(earned: Iterable[Earned], *, pass_mark: Fraction, sections: Mapping[str, Fraction | None]) -> Reckoned:
    """Reckon up a paper: passing needs the mark of the whole and of every section that has one of its own.

    `sections`: id → its pass mark or None, in their order. What is on trial counts nowhere. An attempt without points
    to be had counts 0; a section without any cannot be failed.
    """
    scored = [each for each in earned if each.is_scored]
    points, max_points = _sums(scored)
    achieved = score(points, max_points)
    reckoned = {}
    for name, mark in sections.items():
        got, most = _sums([each for each in scored if each.section == name])
        reckoned[name] = SectionReckoned(got, most, mark is None or not most or has_passed(score(got, most), mark))
    passed = has_passed(achieved, pass_mark) and all(each.passed for each in reckoned.values())
    return Reckoned(points, max_points, achieved, passed, reckoned)


def _sums(earned: Sequence[Earned]) -> tuple[Fraction, Fraction]:
    # Single questions may cost points; the whole never falls below nothing.
    return (
        max(sum((each.points for each in earned), Fraction(0)), Fraction(0)),
        sum((each.max_points for each in earned), Fraction(0)),
    )


class Counts(StrEnum):
    """Which of a person's attempts is her result."""

    HIGHEST = "highest"
    LATEST = "latest"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Tried(Generic[T]):
    """An attempt that was handed in and not made void; score and passed once its result is out."""

    attempt: T
    number: int
    # When its result came out; None while it has not.
    released_at: datetime | None
    passed: bool = False
    score: Fraction = Fraction(0)


def counted(counts: Counts, tried: Iterable[Tried[T]], *, since: datetime | None = None) -> T | None:
    """Return the attempt that counts, or None while none does; with `since` of those without a result before then.

    Of equal results the earlier one is the highest: that is when it was reached. While the latest, or the first, has
    no result yet, nothing counts in its place.
    """
    among = sorted(
        (each for each in tried if since is None or each.released_at is None or each.released_at >= since),
        key=lambda each: each.number,
    )
    if counts is Counts.HIGHEST:
        among = [each for each in among if each.released_at is not None]
    if not among:
        return None
    match counts:
        case Counts.HIGHEST:
            found = max(among, key=lambda each: (each.passed, each.score, -each.number))
        case Counts.LATEST:
            found = among[-1]
        case Counts.FIRST:
            found = among[0]
    return found.attempt if found.released_at is not None else None
