"""How long people take to complete a plan, told from all of them although not all are through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt

from portal.training.rules import Interval

# Of the normal law: 95 % lie within so many standard deviations.
_Z = 1.959963984540054
HALF = Fraction(1, 2)

# Below so many people a curve would tell of persons, and an estimate of nothing; none is made.
LEAST_FOR_MEDIAN = 5


@dataclass(frozen=True, slots=True)
class Course:
    """One person in a plan: on which of its working days she completed it, or up to which she is known not to have."""

    days: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Fall:
    """A working day on which somebody completed, or beyond which somebody is not known of.

    `remaining` is the estimated share of people who have not completed after it, `spread` Greenwood's sum: the variance
    of `remaining` ÷ its square; None where nobody remains.
    """

    day: int
    under_way: int
    completed: int
    censored: int
    remaining: Fraction
    spread: Fraction | None


@dataclass(frozen=True, slots=True)
class Survival:
    """What is estimated of some people: day by day, and the day by which half have completed with its 95 % interval.

    None for the median, or the end of its interval: that far it has not been reached.
    """

    people: int
    completed: int
    falls: Sequence[Fall]
    median: int | None
    low: int | None
    high: int | None

    @property
    def censored(self) -> int:
        """How many are still under way, or left before they completed."""
        return self.people - self.completed

    @property
    def is_told(self) -> bool:
        """Whether there are people enough for an estimate."""
        return self.people >= LEAST_FOR_MEDIAN


def survival(courses: Iterable[Course]) -> Survival:
    """Return the product-limit estimate of who is still under way, with its median.

    E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958), 457-481:
    after each day the share that remains is multiplied with 1 - completed ÷ under way. Whoever is not known of beyond
    a day was under way on it. The variance is Greenwood's (1926): the sum of d / (n (n - d)).

    The median is the first day after which no more than half remain. Its interval is that of R. Brookmeyer and
    J. Crowley, "A confidence interval for the median survival time", Biometrics 38 (1982), 29-41, on the scale
    log(-log): the days on which a half lies within the pointwise 95 % interval of the estimate.
    """
    completed: Counter[int] = Counter()
    censored: Counter[int] = Counter()
    for each in courses:
        (completed if each.is_complete else censored)[each.days] += 1
    people = under_way = completed.total() + censored.total()
    remaining, spread = Fraction(1), Fraction(0)
    falls = []
    for day in sorted(completed.keys() | censored.keys()):
        done, lost = completed[day], censored[day]
        remaining *= Fraction(under_way - done, under_way)
        if done < under_way:
            spread += Fraction(done, under_way * (under_way - done))
        falls.append(Fall(day, under_way, done, lost, remaining, spread if remaining else None))
        under_way -= done + lost
    pointwise = [(fall.day, fall.remaining, _bounds(fall)) for fall in falls]
    return Survival(
        people,
        completed.total(),
        falls,
        median=next((day for day, share, _of in pointwise if share <= HALF), None),
        low=next((day for day, share, of in pointwise if not share or (of is not None and of[0] <= HALF)), None),
        high=next((day for day, _share, of in pointwise if of is not None and of[1] <= HALF), None),
    )


def _bounds(fall: Fall) -> tuple[float, float] | None:
    """Return the 95 % interval of what remains after a day, on the scale log(-log); None where it has none.

    There is none where everybody remains or nobody does.
    """
    if not fall.spread or not 0 < fall.remaining < 1:
        return None
    share = float(fall.remaining)
    reach = _Z * sqrt(fall.spread) / -log(share)
    return share ** exp(reach), share ** exp(-reach)


def shares_apart(one: Interval | None, other: Interval | None) -> bool:
    """Say whether two intervals of shares have nothing in common."""
    return one is not None and other is not None and (one.high < other.low or other.high < one.low)


def medians_apart(one: Survival, other: Survival) -> bool:
    """Say whether the intervals of two medians have nothing in common; of one whose ends are not reached nothing is."""
    if not (one.is_told and other.is_told):
        return False
    return _ends_before(one, other) or _ends_before(other, one)


def _ends_before(one: Survival, other: Survival) -> bool:
    return one.high is not None and other.low is not None and one.high < other.low
