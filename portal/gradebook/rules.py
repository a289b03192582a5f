"""Pure decisions about results: what counts for a person in a quiz, and what a decision by hand does to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Generic, TypeVar

from portal.quizzes.rules.passing import Counts, Tried, counted

T = TypeVar("T")


class EntryKind(StrEnum):
    """Where a line of the gradebook comes from."""

    RESULT = "result"
    CORRECTION = "correction"
    OVERRIDE = "override"
    EXEMPTION = "exemption"
    WITHDRAWAL = "withdrawal"


class Wish(StrEnum):
    """What somebody asks to be decided by hand."""

    OVERRIDE = "override"
    EXEMPTION = "exemption"
    WITHDRAWAL = "withdrawal"


class State(StrEnum):
    """Where a person stands in a quiz."""

    PASSED = "passed"
    FAILED = "failed"
    EXEMPT = "exempt"
    # Handed in; nobody has been told a result that counts.
    NOT_RELEASED = "not_released"
    IN_PROGRESS = "in_progress"
    NOT_BEGUN = "not_started"


@dataclass(frozen=True, slots=True)
class ByHand(Generic[T]):
    """A line that two people decided; `number` is that of the line, `withdraws` that of the one it takes back."""

    line: T
    number: int
    kind: EntryKind
    at: datetime
    score: Fraction | None = None
    passed: bool | None = None
    withdraws: int | None = None


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What counts for a person in a quiz: the state, the score (None: there is none), and the line it comes from."""

    state: State
    score: Fraction | None = None
    line: T | None = None
    is_by_hand: bool = False

    @property
    def is_done(self) -> bool:
        """Whether whoever asks for the quiz has nothing more to ask: it was passed, or the person is exempt."""
        return self.state in (State.PASSED, State.EXEMPT)


def deciding(by_hand: Iterable[ByHand[T]]) -> ByHand[T] | None:
    """Return the decision by hand that stands: the last one that was not withdrawn, or None.

    Withdrawing one brings back what was there before, an earlier decision too.
    """
    lines = sorted(by_hand, key=lambda each: each.number)
    gone = {each.withdraws for each in lines if each.withdraws is not None}
    standing = [each for each in lines if each.kind is not EntryKind.WITHDRAWAL and each.number not in gone]
    return standing[-1] if standing else None


def result_of(
    counts: Counts,
    tried: Sequence[Tried[T]],
    by_hand: Iterable[ByHand[T]] = (),
    *,
    is_running: bool = False,
    since: datetime | None = None,
) -> Result[T]:
    """Return what counts: the decision by hand that stands, else the attempt that the quiz's rule names.

    With `since`, what had its result before that instant does not count; an exemption is of no sitting and counts
    whenever it was given.
    """
    decided = deciding(by_hand)
    if decided is not None and decided.kind is EntryKind.EXEMPTION:
        return Result(State.EXEMPT, None, decided.line, is_by_hand=True)
    if decided is not None and (since is None or decided.at >= since):
        state = State.PASSED if decided.passed else State.FAILED
        return Result(state, decided.score, decided.line, is_by_hand=True)
    line = counted(counts, tried, since=since)
    if line is not None:
        found = next(each for each in tried if each.attempt == line)
        return Result(State.PASSED if found.passed else State.FAILED, found.score, line)
    if any(each.released_at is None for each in tried):
        return Result(State.NOT_RELEASED)
    return Result(State.IN_PROGRESS if is_running else State.NOT_BEGUN)


def has_reached(score: Fraction, pass_mark: Fraction) -> bool:
    """Say whether a score that is set by hand passes: it reaches the mark of the whole quiz."""
    return score >= pass_mark
