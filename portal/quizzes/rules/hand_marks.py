"""Pure decisions about marks that people give: whose turn it is, what two of them agree on, and how far they do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from math import sqrt
from typing import TypeVar

FIRST, SECOND, MODERATION = "first", "second", "moderation"
NONE, BORDERLINE, ALL = "none", "borderline", "all"
# Of an attempt whose score with the first marks is at most so far from the pass mark, on either side, a second
# person marks the answers where the quiz asks for that at the border; where the quiz states no other share.
BORDER = Fraction(5, 100)
# Two persons whose marks differ by more than this share of the points need a third, where the quiz states none.
MODERATION_ABOVE = Fraction(20, 100)
# For so long an answer is kept for whoever has it before her.
LEASE = timedelta(minutes=30)
# For so long after its release a result can be questioned, where the quiz states none.
APPEAL_DAYS = 14
# Fewer answers that two persons marked say nothing about how far they agree.
MINIMUM_PAIRS = 10

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Given:
    """What was given for one answer so far; every mark is between 0 and `most`."""

    most: Fraction
    first: Fraction | None = None
    second: Fraction | None = None
    moderation: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a quiz says about second markers: of whose answers, how near a mark, how far apart two may be."""

    second: str
    above: Fraction
    within: Fraction = BORDER


def differs(given: Given, above: Fraction) -> bool:
    """Say whether the two marks are further apart than this share of the points."""
    return given.first is not None and given.second is not None and abs(given.first - given.second) > above * given.most


def agreed(given: Given, above: Fraction) -> Fraction | None:
    """Return the points that count: those of the third person, else of the only one, else the exact mean of two.

    None where nothing was given, or where two differ too much and nobody has decided.
    """
    if given.moderation is not None:
        return given.moderation
    if given.first is None or differs(given, above):
        return None
    return given.first if given.second is None else (given.first + given.second) / 2


def is_at_border(score: Fraction, pass_mark: Fraction, most: Fraction, within: Fraction) -> bool:
    """Say whether a score is so close to a mark (at most `within`) that another marker may decide about reaching it."""
    return most > 0 and abs(score - pass_mark) <= within


def rounds_due(answers: Mapping[Key, Given], *, policy: Policy, at_border: Collection[Key]) -> dict[Key, str | None]:
    """Say for each answer of one attempt which mark it waits for; None: for none, or for the other answers first.

    `at_border` are the answers that decide about a mark to which the attempt is close by the first marks.
    """
    return {
        key: _due(given, policy, policy.second == BORDERLINE and key in at_border) for key, given in answers.items()
    }


def _due(given: Given, policy: Policy, is_border: bool) -> str | None:
    if given.moderation is not None:
        return None
    if given.first is None:
        return FIRST
    if given.second is None:
        return SECOND if policy.second == ALL or is_border else None
    return MODERATION if differs(given, policy.above) else None


# --- how far two persons agree -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far first and second marks agree, as shares of the points that the answers are worth."""

    n: int
    # How many of them a third person had to decide, or has to.
    apart: int
    # None below the minimum number of answers, or where it is not defined.
    kappa: float | None = None
    mean_difference: float | None = None
    # Between which the mean difference lies with 95 %.
    low: float | None = None
    high: float | None = None
    mean_distance: float | None = None


def agreement(pairs: Sequence[Given], above: Fraction) -> Agreement:
    """Return how far two persons agree over answers that both have marked, each answer's points taken as 1.

    Kappa is Cohen's weighted kappa with squared weights: 1 − Σ(x−y)² ÷ n over ΣΣ(xᵢ−yⱼ)² ÷ n² (J. Cohen, *Weighted
    kappa*, Psychological Bulletin 70, 1968). With squared weights no classes are needed, and it equals an intraclass
    correlation (J. L. Fleiss and J. Cohen, Educational and Psychological Measurement 33, 1973); 1 is full agreement, 0
    what chance would give; not defined where neither person told one answer from another. The mean difference
    (second − first) and its interval, mean ± t · s ÷ √n, follow J. M. Bland and D. G. Altman, The Lancet 327, 1986.
    """
    both = [
        (given.first / given.most, given.second / given.most)
        for given in pairs
        if given.first is not None and given.second is not None and given.most
    ]
    n = len(both)
    apart = sum(differs(given, above) for given in pairs)
    if n < MINIMUM_PAIRS:
        return Agreement(n, apart)
    observed = sum(((x - y) ** 2 for x, y in both), Fraction(0)) / n
    mean_x, mean_y = sum((x for x, _y in both), Fraction(0)) / n, sum((y for _x, y in both), Fraction(0)) / n
    # ΣΣ(xᵢ−yⱼ)² ÷ n² = mean of x² + mean of y² − 2 · mean x · mean y.
    expected = (
        sum((x * x for x, _y in both), Fraction(0)) / n
        + sum((y * y for _x, y in both), Fraction(0)) / n
        - 2 * mean_x * mean_y
    )
    mean = mean_y - mean_x
    variance = sum(((y - x - mean) ** 2 for x, y in both), Fraction(0)) / (n - 1)
    half = _t(n - 1) * sqrt(float(variance) / n)
    return Agreement(
        n=n,
        apart=apart,
        kappa=float(1 - observed / expected) if expected else None,
        mean_difference=float(mean),
        low=float(mean) - half,
        high=float(mean) + half,
        mean_distance=float(sum((abs(x - y) for x, y in both), Fraction(0)) / n),
    )


def _t(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher around the normal one.

    (M. Abramowitz and I. A. Stegun, *Handbook of Mathematical Functions*, 26.7.5; exact to 0.002 from 9 degrees on.)
    """
    z = 1.959963984540054
    terms: tuple[float, ...] = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(sum(term / freedom**power for power, term in enumerate(terms)))
