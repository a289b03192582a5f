"""Pure decisions about sitting a quiz: which question may be answered, how long a break is, what practice shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from portal.quizzes.rules import PRACTICE_TAG, Candidate, Draw, lot
from portal.quizzes.rules.drawing import banks_of


class Place(StrEnum):
    """Where a question stands for somebody who goes forward only."""

    LEFT = "left"
    HERE = "here"
    AHEAD = "ahead"


def place_of(position: int, reached: int | None) -> Place:
    """Say whether a question was left, is the one to be answered, or comes later; where all are free it is here."""
    if reached is None or position == reached:
        return Place.HERE
    return Place.LEFT if position < reached else Place.AHEAD


def seconds_left(allowance: int | None, taken: int | None) -> int:
    """Return for how many seconds the clock may still be stopped."""
    return max((allowance or 0) - (taken or 0), 0)


def unused_seconds(until: datetime, now: datetime) -> int:
    """Return how many whole seconds of a break that ends now were not used."""
    return max((until - now) // timedelta(seconds=1), 0)


def late_seconds(deadline_at: datetime, received_at: datetime) -> int:
    """Return by how many seconds something came after the deadline, rounded up."""
    return -((deadline_at - received_at) // timedelta(seconds=1))


# What comes later than this after the deadline was not on its way any more.
KEPT_FOR = timedelta(hours=24)


def ran_out(state: str, submitted_by: str | None) -> bool:
    """Say whether the time ran out on the learner, or does now: she had not handed in, and nobody made it void."""
    return state == "in_progress" or (state != "voided" and submitted_by == "sweep")


def hears_after_the_end(state: str, submitted_by: str | None, deadline_at: datetime, at: datetime) -> bool:
    """Say whether what arrives after the end is still kept: within a day, where the time ran out on the learner."""
    return ran_out(state, submitted_by) and deadline_at < at <= deadline_at + KEPT_FOR


# --- practice ----------------------------------------------------------------------------------


def open_for_practice(blueprint: Sequence[Draw], pool: Iterable[Candidate]) -> list[str]:
    """Return the addresses of what may be practised: tagged for it, in a bank of the quiz, and in none of its draws.

    What a draw asks for otherwise (types, tags, clauses, difficulty) narrows the exam, not what prepares for it.
    """
    banks = banks_of(blueprint)
    return [
        each.address
        for each in pool
        if PRACTICE_TAG in each.tags and each.bank in banks and not any(line.takes(each) for line in blueprint)
    ]


def next_for_practice(
    addresses: Iterable[str], *, shown: dict[str, int], besides: frozenset[str], seed: str, last: str | None = None
) -> str | None:
    """Return the question that was shown least often, by lot among equals; None where nothing may be shown.

    The last one that was shown comes again only where it is the only one.
    """
    open_ones = [each for each in addresses if each not in besides]
    open_ones = [each for each in open_ones if each != last] or open_ones
    return min(open_ones, key=lambda each: (shown.get(each, 0), lot(seed, "practice", each)), default=None)


# --- confidence --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of the answers with one rating: how many there were, and which share of their points was earned."""

    rating: str
    n: int
    earned: Fraction


def calibration(answers: Iterable[tuple[str | None, Fraction, Fraction]], ratings: Sequence[str]) -> list[Calibration]:
    """Return for each rating what became of its answers: (rating, points, most points) each; unrated ones are left out.

    Somebody who is well calibrated earns more where she is surer.
    """
    rows = list(answers)
    found = []
    for rating in ratings:
        of_rating = [(points, most) for given, points, most in rows if given == rating and most]
        most = sum((most for _points, most in of_rating), Fraction(0))
        points = sum((points for points, _most in of_rating), Fraction(0))
        found.append(Calibration(rating, len(of_rating), points / most if most else Fraction(0)))
    return found
