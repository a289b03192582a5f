"""Pure decisions: the clock of an attempt, who may start one, what is drawn, what a score is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from portal.quizzes.rules.drawing import (
    PRACTICE_TAG,
    Candidate,
    Draw,
    Placed,
    Strata,
    arrange,
    count_available,
    count_drawable,
    count_papers,
    draw,
    draw_pilots,
    lot,
    shuffled,
)
from portal.quizzes.rules.passing import has_passed, score

# Drawing and passing stand in modules of their own; who decides about quizzes finds them here as well.
__all__ = [
    "PRACTICE_TAG",
    "Candidate",
    "Draw",
    "Placed",
    "Strata",
    "arrange",
    "count_available",
    "count_drawable",
    "count_papers",
    "draw",
    "draw_pilots",
    "has_passed",
    "lot",
    "score",
    "shuffled",
]

# Seconds after the deadline in which an answer that was on its way is still taken; a setting.
DEFAULT_TOLERANCE_SECONDS = 5
# A page that was silent for this long has lost its right to be the one that writes.
WRITER_LEASE = timedelta(seconds=45)
# Which state may follow which; the first of a history is in_progress.
LEGAL_STEPS: Mapping[str, frozenset[str]] = {
    "in_progress": frozenset({"submitted", "voided"}),
    "submitted": frozenset({"marked", "voided"}),
    "marked": frozenset({"released", "marked", "voided"}),
    "released": frozenset({"marked", "voided"}),
    "voided": frozenset(),
}


# --- the clock ---------------------------------------------------------------------------------


def promised_seconds(limit_seconds: int, multiplier: Fraction, granted_seconds: int = 0) -> int:
    """Return the seconds that a person is promised: limit × multiplier + grant, rounded up."""
    exact = limit_seconds * multiplier
    return -(-exact.numerator // exact.denominator) + granted_seconds


def effective_close(
    closes_at: datetime | None, limit_seconds: int, multiplier: Fraction, granted_seconds: int = 0
) -> datetime | None:
    """Return when the window closes for a person: later by the time that she gets on top of the limit."""
    if closes_at is None:
        return None
    return closes_at + timedelta(seconds=promised_seconds(limit_seconds, multiplier, granted_seconds) - limit_seconds)


def deadline(
    *,
    started_at: datetime,
    limit_seconds: int,
    multiplier: Fraction,
    granted_seconds: int = 0,
    closes_at: datetime | None = None,
) -> datetime:
    """Return the instant at which an attempt ends: the promised time, cut by the person's end of the window."""
    promised = started_at + timedelta(seconds=promised_seconds(limit_seconds, multiplier, granted_seconds))
    close = effective_close(closes_at, limit_seconds, multiplier, granted_seconds)
    return promised if close is None else min(promised, close)


def after(instant: datetime, seconds: int) -> datetime:
    """Return the instant so many seconds later."""
    return instant + timedelta(seconds=seconds)


def accepts(*, state: str, deadline_at: datetime, received_at: datetime, tolerance: timedelta) -> bool:
    """Say whether an answer or a submission that arrived at this instant is taken."""
    return state == "in_progress" and received_at <= deadline_at + tolerance


def effective_state(*, state: str, deadline_at: datetime, now: datetime, tolerance: timedelta) -> str:
    """Return the state that holds now, also where nobody has written it down yet."""
    if state == "in_progress" and now > deadline_at + tolerance:
        return "submitted"
    return state


def remaining(deadline_at: datetime, now: datetime) -> timedelta:
    """Return the time left, never negative."""
    return max(deadline_at - now, timedelta(0))


def may_write(*, writer: str | None, seen_at: datetime | None, page: str, now: datetime) -> bool:
    """Say whether this page may write: it is the writer, there is none, or the writer has gone silent."""
    return writer in (None, page) or seen_at is None or now - seen_at > WRITER_LEASE


# --- starting ----------------------------------------------------------------------------------


class Hindrance(StrEnum):
    """Why an attempt cannot be started now."""

    NOT_OPEN_YET = "not_open_yet"
    CLOSED = "closed"
    NO_ATTEMPTS_LEFT = "no_attempts_left"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier attempt, as far as it decides about the next; voided ones are left out."""

    finished_at: datetime
    # False also while the result is not released: the wait must not betray it.
    known_passed: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What a quiz version says about starting."""

    attempts_allowed: int
    wait_hours: int
    wait_after_fails: int
    limit_seconds: int
    opens_at: datetime | None
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands before a further attempt."""

    attempts_left: int
    hindrance: Hindrance | None
    # When the hindrance ends by itself; None where it does not or there is none.
    possible_at: datetime | None
    # What she would really have now, and whether the window cuts what she is promised.
    available: timedelta
    is_cut: bool


def standing(*, terms: Terms, past: Sequence[Past], multiplier: Fraction, now: datetime) -> Standing:
    """Say whether and when a person may start, how many attempts are left, and how long she would have."""
    left = max(terms.attempts_allowed - len(past), 0)
    promised = timedelta(seconds=promised_seconds(terms.limit_seconds, multiplier))
    close = effective_close(terms.closes_at, terms.limit_seconds, multiplier)
    begin = max(now, terms.opens_at) if terms.opens_at else now
    hindrance: Hindrance | None = None
    possible_at: datetime | None = None
    failed = [attempt for attempt in past if not attempt.known_passed]
    if terms.wait_hours and len(failed) >= terms.wait_after_fails and past:
        rested_at = max(attempt.finished_at for attempt in past) + timedelta(hours=terms.wait_hours)
        if now < rested_at:
            hindrance, possible_at = Hindrance.WAITING, rested_at
            begin = max(begin, rested_at)
    if terms.opens_at and now < terms.opens_at:
        hindrance, possible_at = Hindrance.NOT_OPEN_YET, begin
    if left == 0:
        hindrance, possible_at = Hindrance.NO_ATTEMPTS_LEFT, None
    if close is not None and begin >= close:
        hindrance, possible_at = Hindrance.CLOSED, None
    available = promised if close is None else min(promised, max(close - begin, timedelta(0)))
    return Standing(left, hindrance, possible_at, available, available < promised)


# --- histories ---------------------------------------------------------------------------------


def is_legal_history(states: Sequence[str]) -> bool:
    """Say whether a row of states, beginning with the start, follows the steps that exist."""
    return (
        bool(states)
        and states[0] == "in_progress"
        and all(after in LEGAL_STEPS[before] for before, after in pairwise(states))
    )
