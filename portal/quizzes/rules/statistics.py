"""What the marks of a quiz say about its items and about itself: classical test theory, in plain floats.

A matrix of marks has one row a person and one column an item; None is an item that the person was not shown. With x
the mark of an item, T a person's total and o = T − x the rest, variances and covariances divide by n − 1. Formulas
follow Moodle's "Quiz statistics calculations" (docs.moodle.org/dev) unless a docstring names another source. What is
not defined (no variance, too few people) is None, and nothing is clamped: a negative alpha is a finding.

Coefficients, ratios and facility are fractions; mean, median, sd and standard error are marks.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from operator import mul
from statistics import NormalDist, median

Mark = float | None
# Below this many people a figure may be chance alone; the item carries a warning.
FEW_PEOPLE = 30
# What is smaller than this beside the rest of a sum is the rounding of floats.
_NOTHING = 1e-12
# Values that differ by less than this part of the greatest one are equal: what remains of sums of 0.1 and 0.3.
_EQUAL = 1e-9


class Warned(StrEnum):
    """What a reader of an item's figures ought to know."""

    FEW_PEOPLE = "few_people"
    # Everybody has the same mark: nothing can be told apart by it.
    NO_VARIANCE = "no_variance"
    NEGATIVE_DISCRIMINATION = "negative_discrimination"
    # It pulls the total in the other direction, so it has no weight of its own.
    NEGATIVE_COVARIANCE = "negative_covariance"
    # The greatest mark that occurs was taken for the greatest possible one.
    MAX_ASSUMED = "max_assumed"
    NOT_SHOWN_TO_ALL = "not_shown_to_all"


class Third(StrEnum):
    """A group of people by their total: the lowest, the middle and the highest third."""

    LOWER = "lower"
    MIDDLE = "middle"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice of an item, by how many it was taken, and at which rate in all and in each third of ability."""

    choice: str
    right: bool
    count: int
    rate: float | None
    counts: Mapping[Third, int]
    rates: Mapping[Third, float | None]


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """The figures of one item; `n` is how many people were shown it."""

    name: str
    n: int
    max: float | None
    facility: float | None
    sd: float | None
    # Item–rest: the correlation of x and o.
    discrimination: float | None
    # Item–total: the correlation of x and T.
    point_biserial: float | None
    discriminative_efficiency: float | None
    effective_weight: float | None
    alpha_if_deleted: float | None
    warnings: tuple[Warned, ...] = ()
    choices: tuple[Chosen, ...] = ()


@dataclass(frozen=True, slots=True)
class QuizFigures:
    """The figures of the totals; `n` is how many people."""

    n: int
    mean: float | None
    median: float | None
    sd: float | None
    skewness: float | None
    kurtosis: float | None
    # Cronbach's alpha; for marks of 0 and 1 that is KR-20.
    internal_consistency: float | None
    error_ratio: float | None
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is computed from one matrix."""

    items: tuple[ItemFigures, ...]
    quiz: QuizFigures


# --- moments -----------------------------------------------------------------------------------


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def covariance(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Return the sample covariance of pairs (n − 1); None of fewer than two."""
    if len(left) < 2:
        return None
    if len(left) != len(right):
        raise ValueError("values without a partner")
    from_left = _deviations(left)
    return math.fsum(map(mul, from_left, from_left if right is left else _deviations(right))) / (len(left) - 1)


def _deviations(values: Sequence[float]) -> list[float]:
    about = math.fsum(values) / len(values)
    return [value - about for value in values]


def variance(values: Sequence[float]) -> float | None:
    """Return the sample variance (n − 1), exactly 0 where all are equal but for rounding; None of fewer than two."""
    if len(values) > 1 and _is_constant(values):
        return 0.0
    return covariance(values, values)


def _is_constant(values: Sequence[float]) -> bool:
    """Say whether all values are the same, up to `_EQUAL` of the greatest: floats are not exact."""
    least, most = min(values), max(values)
    return most - least <= _EQUAL * max(abs(least), abs(most))


def correlation(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Return Pearson's coefficient of pairs; None where either side has no variance."""
    return _scaled(covariance(left, right), variance(left), variance(right))


def _scaled(shared: float | None, of_left: float | None, of_right: float | None) -> float | None:
    """Return a covariance as Pearson's coefficient; None where either side has no variance."""
    return shared / math.sqrt(of_left * of_right) if shared is not None and of_left and of_right else None


def skewness(values: Sequence[float]) -> float | None:
    """Return k₃ / k₂^1.5 of Fisher's k-statistics; None of fewer than three or without variance."""
    n, spread = len(values), variance(values)
    if n < 3 or not spread:
        return None
    k3 = n * _power_sum(values, 3) / ((n - 1) * (n - 2))
    return float(k3 / spread**1.5)


def kurtosis(values: Sequence[float]) -> float | None:
    """Return k₄ / k₂² of Fisher's k-statistics, 0 for a normal distribution; None of fewer than four."""
    n, spread = len(values), variance(values)
    if n < 4 or not spread:
        return None
    second, fourth = _power_sum(values, 2), _power_sum(values, 4)
    k4 = (n * (n + 1) * fourth - 3 * (n - 1) * second**2) / ((n - 1) * (n - 2) * (n - 3))
    return k4 / spread**2


def _power_sum(values: Sequence[float], power: int) -> float:
    about = math.fsum(values) / len(values)
    return math.fsum((value - about) ** power for value in values)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the sorted values lies, between two of them by straight line.

    Definition 7 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996).
    """
    place = (len(values) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


# --- a quiz and its items ----------------------------------------------------------------------


def figures_of(
    names: Sequence[str],
    marks: Sequence[Sequence[Mark]],
    maxima: Sequence[float | None] | None = None,
    *,
    drawn: bool = False,
) -> Figures:
    """Return the figures of a matrix of marks, one row a person, in the order of `names`.

    An item without a maximum has 1 where no mark of it is greater, else the greatest mark of it, with a warning.
    `drawn` says that a gap is an item that was not drawn for somebody: where there are any, the internal consistency is
    that of the papers that people had (`consistency_of_papers`), and none is told of them without one of the items.
    """
    totals = [math.fsum(mark for mark in row if mark is not None) for row in marks]
    columns = [[row[place] for row in marks] for place in range(len(names))]
    papers = [[mark for mark in row if mark is not None] for row in marks]
    is_nested = drawn and any(len(paper) < len(names) for paper in papers)
    alphas = None if is_nested else _Alphas(columns, totals)
    shared = [_covariance_with_total(column, totals) for column in columns]
    weights = _effective_weights(shared)
    items = []
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        given = maxima[place] if maxima is not None else None
        figures = figures_of_item(name, column, totals, given)
        discriminates, weight = figures.discrimination, weights[place]
        warnings = list(figures.warnings)
        if discriminates is not None and discriminates < 0:
            warnings.append(Warned.NEGATIVE_DISCRIMINATION)
        if (shared[place] or 0) < 0:
            warnings.append(Warned.NEGATIVE_COVARIANCE)
        without = alphas.without(place) if alphas is not None else None
        items.append(replace(figures, effective_weight=weight, alpha_if_deleted=without, warnings=tuple(warnings)))
    consistency = alphas.of_all() if alphas is not None else consistency_of_papers(papers)
    return Figures(tuple(items), _figures_of_quiz(totals, consistency))


def is_drawn(marks: Sequence[Sequence[Mark]]) -> bool:
    """Say whether somebody was not shown an item that another person was."""
    return any(mark is None for row in marks for mark in row)


def consistency_of_papers(papers: Sequence[Sequence[float]]) -> float | None:
    """Return how far totals of papers tell people apart whose items were drawn for each of them; None if undefined.

    Items are nested in persons (design i:p): R. L. Brennan, Generalizability Theory (Springer, 2001), with the
    estimators of the one-way analysis of variance for papers of unequal length. With MSp between and MSi within persons
    and k items a paper it is 1 − MSi / MSp, the same form as C. Hoyt's of alpha (Psychometrika 6, 1941), but that some
    drew harder items than others counts as error, as it does for a fixed pass mark. Where a paper holds the same items
    for all, it is therefore lower than alpha.
    """
    papers = [paper for paper in papers if paper]
    people, marks = len(papers), sum(map(len, papers))
    if people < 2 or marks == people:
        return None
    about = math.fsum(map(math.fsum, papers)) / marks
    means = [math.fsum(paper) / len(paper) for paper in papers]
    between = math.fsum(len(paper) * (each - about) ** 2 for paper, each in zip(papers, means, strict=True))
    within = math.fsum((mark - each) ** 2 for paper, each in zip(papers, means, strict=True) for mark in paper)
    between, within = between / (people - 1), within / (marks - people)
    length = (marks - math.fsum(len(paper) ** 2 for paper in papers) / marks) / (people - 1)
    harmonic = people / math.fsum(1 / len(paper) for paper in papers)
    of_people, of_error = (between - within) / length, within / harmonic
    whole = of_people + of_error
    return of_people / whole if whole > _NOTHING * (abs(of_people) + of_error) and whole > _NOTHING else None


def figures_of_item(name: str, column: Sequence[Mark], totals: Sequence[float], given: float | None) -> ItemFigures:
    """Return the figures of one item beside the totals of all, without those that rest on the other items.

    `given` is its greatest possible mark.
    """
    shown = [(mark, total) for mark, total in zip(column, totals, strict=True) if mark is not None]
    x, total = [mark for mark, _total in shown], [total for _mark, total in shown]
    rest = [of_all - mark for mark, of_all in shown]
    spread, about = variance(x), mean(x)
    greatest = given if given is not None else max([1.0, *x]) if x else None
    warnings = []
    if given is None and greatest is not None and greatest > 1:
        warnings.append(Warned.MAX_ASSUMED)
    if len(x) < len(column):
        warnings.append(Warned.NOT_SHOWN_TO_ALL)
    if len(x) < FEW_PEOPLE:
        warnings.append(Warned.FEW_PEOPLE)
    if spread == 0:
        warnings.append(Warned.NO_VARIANCE)
    shared, most = covariance(x, rest), covariance(sorted(x), sorted(rest))
    of_rest, of_total = variance(rest), variance(total)
    return ItemFigures(
        name=name,
        n=len(x),
        max=greatest,
        facility=about / greatest if about is not None and greatest else None,
        sd=math.sqrt(spread) if spread is not None else None,
        discrimination=_scaled(shared, spread, of_rest),
        point_biserial=_scaled(covariance(x, total), spread, of_total),
        discriminative_efficiency=shared / most if spread and shared is not None and most and of_rest else None,
        effective_weight=None,
        alpha_if_deleted=None,
        warnings=tuple(warnings),
    )


def _covariance_with_total(column: Sequence[Mark], totals: Sequence[float]) -> float | None:
    """Return cov(x, T), exactly 0 where only rounding is left, as of an item without variance; None of fewer than two.

    Rounding is what is less than `_NOTHING` of the greatest |x| times the greatest |T|.
    """
    shown = [(mark, total) for mark, total in zip(column, totals, strict=True) if mark is not None]
    x, total = [mark for mark, _total in shown], [total for _mark, total in shown]
    shared = covariance(x, total)
    if shared is None:
        return None
    return 0.0 if _is_constant(x) or abs(shared) <= _NOTHING * max(map(abs, x)) * max(map(abs, total)) else shared


def _effective_weights(covariances: Sequence[float | None]) -> list[float | None]:
    """Return √cov(x, T) / Σ √cov(xᵢ, T) of each item, of those whose covariance is defined and not negative."""
    roots = [math.sqrt(shared) if shared is not None and shared >= 0 else None for shared in covariances]
    of_all = math.fsum(root for root in roots if root is not None)
    return [root / of_all if root is not None and of_all else None for root in roots]


class _Alphas:
    """Cronbach's alpha, k / (k − 1) · (1 − Σ var(xᵢ) / var(T)), of all items and of all but one.

    L. J. Cronbach, "Coefficient alpha and the internal structure of tests", Psychometrika 16 (1951). Where somebody was
    not shown everything, var(T) is the sum of all variances and covariances, each over those who were shown both.
    """

    def __init__(self, columns: Sequence[Sequence[Mark]], totals: Sequence[float]) -> None:
        self._columns = columns
        self._totals = totals
        self._is_complete = all(mark is not None for column in columns for mark in column)
        self._variances = [variance([mark for mark in column if mark is not None]) for column in columns]
        self._shared = [] if self._is_complete else self._covariances()

    def _covariances(self) -> list[list[float | None]]:
        size = len(self._columns)
        shared: list[list[float | None]] = [[None] * size for _place in range(size)]
        for left in range(size):
            shared[left][left] = self._variances[left]
            for right in range(left):
                both = [
                    (one, other)
                    for one, other in zip(self._columns[left], self._columns[right], strict=True)
                    if one is not None and other is not None
                ]
                value = covariance([one for one, _other in both], [other for _one, other in both])
                shared[left][right] = shared[right][left] = value
        return shared

    def of_all(self) -> float | None:
        """Return alpha of all items."""
        return self._alpha(None)

    def without(self, place: int) -> float | None:
        """Return alpha of all items but one."""
        return self._alpha(place)

    def _alpha(self, left_out: int | None) -> float | None:
        kept = [place for place in range(len(self._columns)) if place != left_out]
        of_items = [self._variances[place] for place in kept]
        if len(kept) < 2 or any(each is None for each in of_items):
            return None
        of_total = self._variance_of_total(kept, left_out)
        parts = math.fsum(each for each in of_items if each is not None)
        # A sum of covariances is nothing up to the last digit; where people saw different items it may be negative.
        if of_total is None or of_total <= parts * _NOTHING:
            return None
        return len(kept) / (len(kept) - 1) * (1 - parts / of_total)

    def _variance_of_total(self, kept: Sequence[int], left_out: int | None) -> float | None:
        if self._is_complete:
            if left_out is None:
                return variance(self._totals)
            column = self._columns[left_out]
            return variance([total - (mark or 0.0) for total, mark in zip(self._totals, column, strict=True)])
        shared = [self._shared[left][right] for left in kept for right in kept]
        return None if any(each is None for each in shared) else math.fsum(each for each in shared if each is not None)


def _figures_of_quiz(totals: Sequence[float], alpha: float | None) -> QuizFigures:
    spread = variance(totals)
    sd = math.sqrt(spread) if spread is not None else None
    # Above 1 where alpha is negative; the whole spread of the totals is then error and more.
    # Above 1 it can only be where people saw different items, and then has no error that could be told.
    error = None if alpha is None or alpha > 1 + _NOTHING else math.sqrt(max(0.0, 1 - alpha))
    return QuizFigures(
        n=len(totals),
        mean=mean(totals),
        median=median(totals) if totals else None,
        sd=sd,
        skewness=skewness(totals),
        kurtosis=kurtosis(totals),
        internal_consistency=alpha,
        error_ratio=error,
        standard_error=error * sd if error is not None and sd is not None else None,
    )


# --- choices -----------------------------------------------------------------------------------


def thirds_of(totals: Sequence[float]) -> list[Third]:
    """Return in which third of ability each person is, by where the middle of all with her total lies in the ranking.

    People of the same total are in the same third, so that the thirds may differ in size. Those of the ranks a to b
    have the mid-rank r = (a + b) / 2 (M. G. Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945),
    and (r − ½) / n says how far up that is: up to 1/3 is lower, up to 2/3 middle, above it upper. However many they
    are, those of the lowest total are lower and those of the highest upper; where all totals are the same, nobody is
    above anybody, and all are in the middle. Totals are compared to nine decimals.
    """
    kept = [round(each, 9) for each in totals]
    of_total: dict[float, Third] = {}
    before, numbers = 0, Counter(kept)
    for total in sorted(numbers):
        # (a + b − 1) / 2n in whole numbers, with a = before + 1 and b = before + number.
        twice = 2 * before + numbers[total]
        of_total[total] = (
            Third.LOWER if 3 * twice <= 2 * len(kept) else Third.MIDDLE if 3 * twice <= 4 * len(kept) else Third.UPPER
        )
        before += numbers[total]
    if len(numbers) > 1:
        of_total[min(numbers)], of_total[max(numbers)] = Third.LOWER, Third.UPPER
    return [of_total[each] for each in kept]


def figures_of_choices(
    names: Sequence[str], taken: Sequence[Sequence[str | None]], right: Sequence[Sequence[str]]
) -> Figures:
    """Return the figures of choices, each right one worth 1, with how often each choice was taken."""
    marks = [
        [None if choice is None else float(choice in of_item) for choice, of_item in zip(row, right, strict=True)]
        for row in taken
    ]
    figures = figures_of(names, marks, [1.0] * len(names))
    thirds = thirds_of([math.fsum(mark for mark in row if mark is not None) for row in marks])
    items = tuple(
        replace(item, choices=choices_of([row[place] for row in taken], right[place], thirds))
        for place, item in enumerate(figures.items)
    )
    return Figures(items, figures.quiz)


def choices_of(taken: Sequence[str | None], right: Sequence[str], thirds: Sequence[Third]) -> tuple[Chosen, ...]:
    """Return how often each choice of an item was taken, the right ones too where nobody took them.

    `taken` is the choice of each person; None was not shown the item, an empty one is no answer.
    """
    shown = [(choice, third) for choice, third in zip(taken, thirds, strict=True) if choice is not None]
    of_shown = [third for _choice, third in shown]
    found = []
    for name in sorted({choice for choice, _third in shown} | set(right)):
        share = share_by_thirds([choice == name for choice, _third in shown], of_shown)
        found.append(Chosen(name, name in right, share.count, share.rate, share.counts, share.rates))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Share:
    """How many people something is true of, and which share of them: of all, and of each third of ability."""

    count: int
    rate: float | None
    counts: Mapping[Third, int]
    rates: Mapping[Third, float | None]


def share_by_thirds(is_true: Sequence[bool], thirds: Sequence[Third]) -> Share:
    """Count of how many people something is true, in all and by the third that each is in; None of nobody."""
    return share_of(Counter(third for one, third in zip(is_true, thirds, strict=True) if one), Counter(thirds))


def share_of(counts: Mapping[Third, int], sizes: Mapping[Third, int]) -> Share:
    """Return the share of a count in each third of those who are in it, and of all."""
    counts, sizes = ({third: each.get(third, 0) for third in Third} for each in (counts, sizes))
    count, people = sum(counts.values()), sum(sizes.values())
    return Share(
        count=count,
        rate=count / people if people else None,
        counts=counts,
        rates={third: counts[third] / sizes[third] if sizes[third] else None for third in Third},
    )


# --- how sure a figure is ----------------------------------------------------------------------

# Nothing is shown about fewer people: it would say more of them than of the question.
MINIMUM_PEOPLE = 10
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Between what a figure lies, at a level of confidence of `CONFIDENCE`."""

    low: float
    high: float


def _z() -> float:
    return NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def interval_of_facility(item: ItemFigures) -> Interval | None:
    """Return the interval of an item's facility: Wilson's for marks of nothing or all, else by the normal law.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if item.facility is None or item.sd is None or not item.max or item.n < 2:
        return None
    n, share = item.n, item.facility
    # Of marks that are nothing or all, the spread follows from their mean.
    is_dichotomous = math.isclose(
        item.sd**2, item.max**2 * share * (1 - share) * n / (n - 1), rel_tol=1e-9, abs_tol=1e-12
    )
    if is_dichotomous:
        return interval_of_share(share, n)
    half = _z() * item.sd / item.max / math.sqrt(n)
    return Interval(max(0.0, share - half), min(1.0, share + half))


def interval_of_share(share: float | None, n: int) -> Interval | None:
    """Return Wilson's interval of the share of `n` people of whom something is true; None of nobody."""
    if share is None or n < 1:
        return None
    z = _z()
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Of nobody and of everybody the end is exact; what is left there is rounding.
    return Interval(0.0 if share == 0 else max(0.0, middle - half), 1.0 if share == 1 else min(1.0, middle + half))


def interval_of_mean(values: Sequence[float]) -> Interval | None:
    """Return the interval of a mean by the normal law; None of fewer than two."""
    about, spread = mean(values), variance(values)
    if about is None or spread is None:
        return None
    half = _z() * math.sqrt(spread / len(values))
    return Interval(about - half, about + half)


def interval_of_median(values: Sequence[float]) -> Interval | None:
    """Return the interval of a median: the values at the ranks n / 2 ± z·√n / 2, rounded up; None of too few.

    W. J. Conover, Practical Nonparametric Statistics (Wiley, 3rd ed. 1999), confidence interval for a quantile.
    """
    n = len(values)
    half = _z() * math.sqrt(n) / 2
    low, high = math.ceil(n / 2 - half), math.ceil(n / 2 + half)
    if low < 1 or high > n:
        return None
    ranked = sorted(values)
    return Interval(ranked[low - 1], ranked[high - 1])


def interval_of_gap(found: Difference) -> Interval:
    """Return the interval of the difference of two shares: Newcombe's, from Wilson's of each.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), method 10.
    """
    first, second = found.facilities
    one, other = (interval_of_share(share, n) for share, n in zip(found.facilities, found.sizes, strict=True))
    assert one is not None
    assert other is not None
    return Interval(
        found.gap - math.hypot(first - one.low, other.high - second),
        found.gap + math.hypot(one.high - first, second - other.low),
    )


def interval_of_correlation(value: float | None, n: int) -> Interval | None:
    """Return the interval of a coefficient of correlation by Fisher's transformation; None of fewer than four."""
    if value is None or n < 4 or abs(value) >= 1:
        return None
    half = _z() / math.sqrt(n - 3)
    return Interval(math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half))


def interval_of_alpha(alpha: float | None, items: int, n: int) -> Interval | None:
    """Return the interval of Cronbach's alpha of so many items; of papers, of so many as each of them has.

    D. G. Bonett, "Sample size requirements for testing and estimating coefficient alpha", Journal of Educational and
    Behavioral Statistics 27 (2002).
    """
    if alpha is None or alpha >= 1 or items < 2 or n < 3:
        return None
    half = _z() * math.sqrt(2 * items / ((items - 1) * (n - 2)))
    about = math.log(1 - alpha)
    return Interval(1 - math.exp(about + half), 1 - math.exp(about - half))


# --- two languages -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """How an item differs between two groups of the same ability, the first and the second."""

    sizes: tuple[int, int]
    facilities: tuple[float, float]
    # How likely such a difference is by chance; None where no level of ability has people of both groups.
    p: float | None

    @property
    def gap(self) -> float:
        """The facility of the first group less that of the second."""
        return self.facilities[0] - self.facilities[1]


def difference_between(
    right: Sequence[bool], abilities: Sequence[float], is_first: Sequence[bool]
) -> Difference | None:
    """Compare two groups on one item, among people of the same ability; None where one of them is empty.

    The test is Mantel and Haenszel's with the correction for continuity, as P. W. Holland and D. T. Thayer use it for
    differential item functioning (in: Test Validity, 1988); abilities are cut into fifths, so that strata are filled.
    """
    first = [each for each, belongs in zip(right, is_first, strict=True) if belongs]
    second = [each for each, belongs in zip(right, is_first, strict=True) if not belongs]
    if not first or not second:
        return None
    ranked = sorted(abilities)
    cuts = [quantile(ranked, step / 5) for step in range(1, 5)]
    strata: dict[int, list[tuple[bool, bool]]] = {}
    for is_right, ability, belongs in zip(right, abilities, is_first, strict=True):
        strata.setdefault(bisect_left(cuts, ability), []).append((is_right, belongs))
    p = probability_of_chance(strata.values())
    return Difference((len(first), len(second)), (sum(first) / len(first), sum(second) / len(second)), p)


def probability_of_chance(strata: Iterable[Sequence[tuple[bool, bool]]]) -> float | None:
    """Return how likely a difference of two groups is by chance; None where no stratum has people of both.

    A stratum is people of the same ability, each as (is right, is of the first group). N. Mantel & W. Haenszel,
    "Statistical aspects of the analysis of data from retrospective studies of disease", JNCI 22 (1959).
    """
    observed = expected = spread = 0.0
    for people in strata:
        n = len(people)
        of_first, of_right = sum(belongs for _right, belongs in people), sum(is_right for is_right, _belongs in people)
        if n < 2:
            continue
        observed += sum(is_right and belongs for is_right, belongs in people)
        expected += of_first * of_right / n
        spread += of_first * (n - of_first) * of_right * (n - of_right) / (n * n * (n - 1))
    if not spread:
        return None
    statistic = max(0.0, abs(observed - expected) - 0.5) ** 2 / spread
    # The tail of chi-squared with one degree of freedom.
    return math.erfc(math.sqrt(statistic / 2))


# --- the decision about passing ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """How far a quiz can be trusted to tell who passes."""

    # From 0 to 1; None where it is not defined.
    reliability: float | None
    # In scores from 0 to 1: how far a score may lie from the true one.
    standard_error: float
    # How many scores lie so near to the mark that chance may have decided.
    near: int


def decision_of(scores: Sequence[float], pass_mark: float, alpha: float | None) -> Decision | None:
    """Return how reliable passing and failing are, from scores of 0 to 1; None where no standard error is defined.

    The reliability is Livingston's k² = (α·s² + (m − c)²) ÷ (s² + (m − c)²) with the mean m, the variance s² and the
    mark c (S. A. Livingston, "Criterion-referenced applications of classical test theory", Journal of Educational
    Measurement 9, 1972): the further the mean is from the mark, the surer the decision. Near is what is no further from
    the mark than one standard error s·√(1 − α).
    """
    spread, centre = variance(scores), mean(scores)
    if alpha is None or spread is None or centre is None or alpha > 1:
        return None
    distance = (centre - pass_mark) ** 2
    error = math.sqrt(spread * (1 - alpha))
    whole = spread + distance
    return Decision(
        reliability=(alpha * spread + distance) / whole if whole > _NOTHING else None,
        standard_error=error,
        near=sum(abs(score - pass_mark) <= error + _NOTHING for score in scores),
    )


def interval_of_decision(scores: Sequence[float], pass_mark: float, alpha: float | None, items: int) -> Interval | None:
    """Return the interval of the reliability of passing, from that of alpha: it grows and falls with it."""
    interval = interval_of_alpha(alpha, items, len(scores))
    if interval is None:
        return None
    low, high = (decision_of(scores, pass_mark, each) for each in (interval.low, interval.high))
    if low is None or high is None or low.reliability is None or high.reliability is None:
        return None
    return Interval(low.reliability, high.reliability)


# --- time ---------------------------------------------------------------------------------------


def seconds_by_question(started_at: datetime, saves: Sequence[tuple[int, datetime]]) -> dict[int, float]:
    """Return how long somebody was at each question that she answered: question → seconds.

    The time until an answer was saved, since the save before it (or the start), is that question's; all its times
    together. Saves are (question, instant) in their order; a question is known by a number of whatever kind.
    """
    found: dict[int, float] = {}
    for (_question, before), (question, at) in pairwise([(0, started_at), *saves]):
        found[question] = found.get(question, 0.0) + max((at - before).total_seconds(), 0.0)
    return found


# --- scores ------------------------------------------------------------------------------------


def histogram(scores: Sequence[float], bins: int = 10) -> list[int]:
    """Return how many scores from 0 to 1 lie in each of so many equal parts; the last one holds 1, too."""
    found = [0] * bins
    for score in scores:
        found[min(int(score * bins + 1e-9), bins - 1)] += 1
    return found
