"""Pure decisions about when the results of a question make something happen by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from portal.quizzes.rules.statistics import FEW_PEOPLE, MINIMUM_PEOPLE, Difference

# From so many first attempts on a negative discrimination takes a question out.
LEAST_FOR_QUARANTINE = FEW_PEOPLE
# A difference of the languages above this asks for a look at the translation, where it is not likely to be chance.
LARGE_GAP = 0.15
SIGNIFICANT = 0.05
# A question that was shown more often than this is known by now: others in its place.
MOST_SHOWN = 200
# What somebody has put back comes up again after so many more first attempts …
MORE_PEOPLE = 30
# … and a translation that somebody has looked at, when the difference has grown by more than this, or turned round.
MOVED = 0.05
# What is nearer to 0 than this is the rounding of floats.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Before:
    """What was pointed out last about the same wording: from how many people, and the figure."""

    n: int
    figure: float


def discriminates_negatively(discrimination: float | None, n: int, before: Before | None) -> bool:
    """Say whether a question is to be quarantined: its item–rest correlation in `n` first attempts is below 0."""
    is_new = before is None or n >= before.n + MORE_PEOPLE
    return discrimination is not None and discrimination < -_NOTHING and n >= LEAST_FOR_QUARANTINE and is_new


def is_large(found: Difference | None) -> bool:
    """Say whether the languages differ by so much, among enough people of each, that chance hardly explains it."""
    return (
        found is not None
        and min(found.sizes) >= MINIMUM_PEOPLE
        and abs(found.gap) > LARGE_GAP + _NOTHING
        and found.p is not None
        and found.p < SIGNIFICANT
    )


def needs_translation_review(found: Difference | None, before: Before | None) -> bool:
    """Say whether a translation is to be reviewed: the difference is large, and not the one already looked at."""
    if found is None or not is_large(found):
        return False
    return before is None or before.figure * found.gap < 0 or abs(found.gap) > abs(before.figure) + MOVED


def is_overexposed(shown: int) -> bool:
    """Say whether a wording that was in so many attempts is to be spared."""
    return shown > MOST_SHOWN
