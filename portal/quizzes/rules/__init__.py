"""Pure decisions: the clock of an attempt, who may start one, what is drawn, what a score is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise

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


# --- drawing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draw:
    """One line of a blueprint: `count` questions of a bank that pass every filter given, or named questions.

    An empty filter lets everything pass; tags and clauses pass with any one of them.
    """

    bank: str = ""
    count: int = 0
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    difficulty: tuple[int, ...] = ()
    # "bank/question" each; then bank and filters are empty.
    questions: tuple[str, ...] = ()

    def takes(self, candidate: Candidate) -> bool:
        """Say whether the candidate passes this line's filters."""
        if self.questions:
            return candidate.address in self.questions
        return (
            candidate.bank == self.bank
            and (not self.types or candidate.type in self.types)
            and (not self.tags or bool(set(self.tags) & candidate.tags))
            and (not self.clauses or bool(set(self.clauses) & candidate.clauses))
            and (not self.difficulty or candidate.difficulty in self.difficulty)
        )

    @property
    def size(self) -> int:
        """How many questions this line asks for."""
        return len(self.questions) or self.count


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that may be drawn; clauses both as `slug#id` and, for the bank's own document, as bare ids."""

    address: str
    bank: str
    type: str
    tags: frozenset[str] = field(default_factory=frozenset)
    clauses: frozenset[str] = field(default_factory=frozenset)
    difficulty: int | None = None


def lot(seed: str, *purpose: object) -> bytes:
    """Return the lot of a thing under a seed: the same for ever, on every machine and Python."""
    return sha256("\x1f".join((seed, *map(str, purpose))).encode()).digest()


def draw(
    blueprint: Sequence[Draw], pool: Iterable[Candidate], *, seed: str, avoid: frozenset[str] = frozenset()
) -> list[str] | None:
    """Draw questions by the blueprint; return their addresses line by line, or None if the pool cannot give them.

    No question comes twice. If any choice of questions satisfies all lines, one is found (augmenting
    paths of bipartite matching, Kuhn 1955): a line never takes what only another could use. Questions of
    `avoid` come only where the rest does not suffice, and then as few as possible.
    """
    candidates = sorted(pool, key=lambda candidate: candidate.address)
    slots: list[tuple[int, tuple[str, ...]]] = []
    for number, line in enumerate(blueprint):
        for place in range(line.size):
            if line.questions:
                fitting: list[str] = [c.address for c in candidates if c.address == line.questions[place]]
            else:
                fitting = [c.address for c in candidates if line.takes(c)]
                fitting.sort(key=lambda address: lot(seed, "draw", number, place, address))
            slots.append((number, tuple(fitting)))
    taken_by: dict[str, int] = {}

    def place_slot(slot: int, allowed: frozenset[str] | None, seen: set[str]) -> bool:
        for address in slots[slot][1]:
            if address in seen or (allowed is not None and address not in allowed):
                continue
            seen.add(address)
            if address not in taken_by or place_slot(taken_by[address], allowed, seen):
                taken_by[address] = slot
                return True
        return False

    fresh = frozenset(c.address for c in candidates) - avoid
    waiting = [slot for slot in range(len(slots)) if not place_slot(slot, fresh, set())]
    if any(not place_slot(slot, None, set()) for slot in waiting):
        return None
    given = {slot: address for address, slot in taken_by.items()}
    return [given[slot] for slot in range(len(slots))]


def count_available(line: Draw, pool: Iterable[Candidate]) -> int:
    """Return how many questions of the pool this line of a blueprint could take."""
    return sum(line.takes(candidate) for candidate in pool)


def count_drawable(blueprint: Sequence[Draw], pool: Sequence[Candidate]) -> int:
    """Return how many of the questions that a blueprint asks for the pool can give, none of them twice.

    A maximum matching as in `draw`. A line with as many fitting questions as the whole blueprint asks for never goes
    short, so that no more than that many are looked at for each line.
    """
    asked = sum(line.size for line in blueprint)
    of_bank: dict[str, list[Candidate]] = {}
    for candidate in pool:
        of_bank.setdefault(candidate.bank, []).append(candidate)
    addresses = {candidate.address for candidate in pool} if any(line.questions for line in blueprint) else set()
    slots: list[list[str]] = []
    for line in blueprint:
        if line.questions:
            slots += [[address] if address in addresses else [] for address in line.questions]
            continue
        fitting: list[str] = []
        for candidate in of_bank.get(line.bank, ()):
            if len(fitting) == asked:
                break
            if line.takes(candidate):
                fitting.append(candidate.address)
        slots += [fitting] * line.count
    taken_by: dict[str, int] = {}

    def place(slot: int, seen: set[str]) -> bool:
        for address in slots[slot]:
            if address not in seen:
                seen.add(address)
                if address not in taken_by or place(taken_by[address], seen):
                    taken_by[address] = slot
                    return True
        return False

    return sum(place(slot, set()) for slot in range(len(slots)))


def shuffled(things: Iterable[str], *, seed: str, purpose: str) -> list[str]:
    """Return the things in the order that the seed gives them for this purpose."""
    return sorted(things, key=lambda thing: lot(seed, purpose, thing))


# --- marking -----------------------------------------------------------------------------------


def score(points: Fraction, max_points: Fraction) -> Fraction:
    """Return points ÷ max points exactly; an attempt without points to be had counts 0."""
    return points / max_points if max_points else Fraction(0)


def has_passed(achieved: Fraction, pass_mark: Fraction) -> bool:
    """Say whether a score reaches the pass mark; reaching it exactly is enough."""
    return achieved >= pass_mark


def is_legal_history(states: Sequence[str]) -> bool:
    """Say whether a row of states, beginning with the start, follows the steps that exist."""
    return (
        bool(states)
        and states[0] == "in_progress"
        and all(after in LEGAL_STEPS[before] for before, after in pairwise(states))
    )
