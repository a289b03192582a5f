"""What people decided by hand about a result: an upper domain knows it, the pages of a quiz tell of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from portal.quizzes.models import QuizVersion


@dataclass(frozen=True, slots=True)
class Decided:
    """What counts in place of a person's attempts, as a state of the status chip.

    No score where she is exempt, or where the quiz does not show her one.
    """

    state: str
    score: Fraction | None
    # Where the person reads how it came about.
    href: str


class DecidesByHand(Protocol):
    """An upper domain's say what counts by hand; registered in `wiring.py`."""

    def __call__(self, person_id: int, versions: Collection[QuizVersion]) -> Mapping[int, Decided]:
        """Return quiz id → what was decided, of the quizzes of these newest versions, in few statements."""


_deciders: list[DecidesByHand] = []


def register_decider(decider: DecidesByHand) -> None:
    """Ask this domain what was decided; registering twice changes nothing."""
    if decider not in _deciders:
        _deciders.append(decider)


def decided_for(person_id: int, versions: Collection[QuizVersion]) -> dict[int, Decided]:
    """Return quiz id → what people decided in place of the person's attempts."""
    found: dict[int, Decided] = {}
    for decider in _deciders:
        found |= decider(person_id, versions)
    return found
