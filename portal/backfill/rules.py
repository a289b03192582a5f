"""Levels of people from evidence, who could stand in, and what would be missing.

How far somebody is with a row of the matrix follows from what is known of her, never from what somebody thinks of her:
each reason has a day, and where it does not count for ever, a last one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Protocol

from portal.core.i18n import Words
from portal.duties.rules import RunHow
from portal.handover.rules import Stage


class Level(IntEnum):
    """How far somebody is with a task, a policy or a credential."""

    NONE = 0
    AWARE = 1
    WITH_HELP = 2
    ALONE = 3
    CAN_TEACH = 4


class Part(StrEnum):
    """What somebody has to do with a row of the matrix; who is accountable follows from its owner."""

    RESPONSIBLE = "responsible"
    CONSULTED = "consulted"
    INFORMED = "informed"
    # Nothing any more.
    NONE = "none"


class RowKind(StrEnum):
    """What a row of the matrix is; the same words as of owned things."""

    TASK = "recurring_task"
    POLICY = "document"
    CREDENTIAL = "credential"


class Why(StrEnum):
    """What a level rests on."""

    CERTIFIED = "certified"
    WAS_CERTIFIED = "was_certified"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGED_OLDER = "acknowledged_older"
    QUIZ_PASSED = "quiz_passed"
    SIGNED_OFF = "signed_off"
    SHADOWED = "shadowed"
    REVERSE_SHADOWED = "reverse_shadowed"
    RAN_WITH_HELP = "ran_with_help"
    RAN_ALONE = "ran_alone"
    # Alone in a handover: not taken over (yet), or taken over.
    SHOWN_ALONE = "shown_alone"
    TOOK_OVER = "took_over"
    HELPED = "helped"
    HELPED_SEVERAL = "helped_several"
    HANDED_OVER = "handed_over"
    STATED = "stated"


# From this level on somebody can stand in; fewer people than two at it are red.
ABLE = Level.ALONE
ENOUGH_PEOPLE = 2
# What was seen of somebody counts in full for so many days, as a card does; then as done with help.
SEEN_HOLDS_DAYS = 180
# Whoever has helped with so many runs can teach.
RUNS_TO_TEACH = 2
_ORDER_OF = {why: place for place, why in enumerate(Why)}


class SourceKind(StrEnum):
    """Where it is written down what a level rests on."""

    RUN = "run"
    HANDOVER_ITEM = "handover_item"
    VERSION = "version"
    ATTEMPT = "attempt"
    SIGN_OFF = "sign_off"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Source:
    """One record: its kind, what addresses name it by, what it is called in both languages, or of which day it is."""

    kind: SourceKind
    key: tuple[str, ...]
    name: Words | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is known: the level that it gives, since when, until when, and what is left of it after that.

    `number` counts clauses that are missing, or runs; `said` is a version, or what a lead saw; `sources` is where it is
    written down, the latest first.
    """

    level: Level
    why: Why
    on: date | None
    until: date | None = None
    after: Level = Level.NONE
    number: int = 0
    said: str = ""
    sources: tuple[Source, ...] = ()

    def level_on(self, day: date) -> Level:
        """Return the level that it gives on a day."""
        return self.level if self.until is None or day <= self.until else self.after


@dataclass(frozen=True, slots=True)
class Bound:
    """That nothing gives more than a level, from the day after `after` on, or (None) at all."""

    level: Level
    after: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far somebody is with a row, and why: the reasons that give most come first."""

    reasons: tuple[Reason, ...] = ()
    bound: Bound | None = None

    def level_on(self, day: date) -> Level:
        """Return the highest level that any reason gives on a day, within the bound."""
        return min(max((each.level_on(day) for each in self.reasons), default=Level.NONE), self.most_on(day))

    def most_on(self, day: date) -> Level:
        """Return what anything counts for at most on a day."""
        bound = self.bound
        return bound.level if bound is not None and (bound.after is None or day > bound.after) else Level.CAN_TEACH

    def is_able_on(self, day: date) -> bool:
        """Say whether she can stand in on a day."""
        return self.level_on(day) >= ABLE

    @property
    def is_ever_able(self) -> bool:
        """Whether any reason gives enough on some day; a bound may still keep that down."""
        return any(each.level >= ABLE or each.after >= ABLE for each in self.reasons)

    def able_until(self, first: date, last: date) -> date | None:
        """Return the last day on which she can stand in, where that ends between these days; else None."""
        if not self.is_ever_able or not self.is_able_on(first):
            return None
        ends = {each.until for each in self.reasons} | {self.bound.after if self.bound else None}
        for end in sorted(each for each in ends if each is not None and first <= each < last):
            if not self.is_able_on(end + timedelta(days=1)):
                return end
        return None


NOTHING = Standing()


def standing_of(reasons: Iterable[Reason], bound: Bound | None = None) -> Standing:
    """Return how far somebody is by these reasons, in their order: level, how long it counts, day, kind."""
    return Standing(
        tuple(
            sorted(
                reasons,
                key=lambda each: (
                    -each.level,
                    -(each.until or date.max).toordinal(),
                    -(each.on or date.min).toordinal(),
                    _ORDER_OF[each.why],
                ),
            )
        ),
        bound,
    )


# --- What is known -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """A level that a lead has stated, with the day and what was seen."""

    level: Level
    seen_on: date
    words: str


@dataclass(frozen=True, slots=True)
class RunSeen:
    """That somebody did a task on a day, or helped with it."""

    on: date
    how: RunHow
    is_helper: bool
    # She recorded it herself.
    own_word: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class StageSeen:
    """That a successor has shown a stage of a handover; `accepted`: she has taken the thing over."""

    stage: Stage
    on: date
    accepted: bool
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """That somebody handed a thing over on a day, and it was accepted."""

    on: date
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """That somebody passed a quiz, or was signed off in a step, on a day."""

    on: date
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The latest certificate that somebody has had: valid until a day, None without end, or not any more."""

    issued_on: date
    is_valid: bool
    until: date | None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of a policy as it was published: `sequence` counts them; `asks_again`: an older confirmation ends."""

    sequence: int
    number: str
    effective_on: date
    asks_again: bool


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That somebody has confirmed a version of a policy; `missing` clauses differ from the version in force."""

    sequence: int
    number: str
    on: date
    missing: int
    source: Source | None = None


def _held_since(
    on: date, why: Why, level: Level, *, number: int = 0, said: str = "", sources: tuple[Source, ...] = ()
) -> Reason:
    """Return what was seen on a day: in full for a while, then as done with help."""
    if level < ABLE:
        return Reason(level, why, on, number=number, said=said, sources=sources)
    return Reason(level, why, on, on + timedelta(days=SEEN_HOLDS_DAYS), Level.WITH_HELP, number, said, sources)


class _Dated(Protocol):
    @property
    def on(self) -> date: ...
    @property
    def source(self) -> Source | None: ...


def _sources(*seen: _Dated) -> tuple[Source, ...]:
    """Return where these are written down, the latest first."""
    return tuple(
        each.source for each in sorted(seen, key=lambda each: each.on, reverse=True) if each.source is not None
    )


def _stated(statement: Statement | None) -> list[Reason]:
    if statement is None or statement.level is Level.NONE:
        return []
    return [_held_since(statement.seen_on, Why.STATED, statement.level, said=statement.words)]


# --- Tasks -------------------------------------------------------------------------------------


def standing_in_task(
    runs: Collection[RunSeen],
    stages: Collection[StageSeen],
    handed_over: Collection[HandedOver],
    statement: Statement | None,
) -> Standing:
    """Return how far somebody is with a task.

    1: she has watched it. 2: did it with help, or was watched; helped; or anything further that is older than
    `SEEN_HOLDS_DAYS`. 3: did it alone, or showed so in a handover and took it over. 4: helped others in
    `RUNS_TO_TEACH` runs that somebody else recorded, having done it alone herself; or handed it over to somebody who
    accepted it.
    """
    reasons = _stated(statement)
    for stage, why, level in (
        (Stage.SHADOW, Why.SHADOWED, Level.AWARE),
        (Stage.REVERSE_SHADOW, Why.REVERSE_SHADOWED, Level.WITH_HELP),
    ):
        if shown := [each for each in stages if each.stage is stage]:
            reasons.append(Reason(level, why, max(each.on for each in shown), sources=_sources(*shown)))
    alone = [each for each in stages if each.stage is Stage.ALONE]
    if taken := [each for each in alone if each.accepted]:
        latest = max(each.on for each in taken)
        reasons.append(_held_since(latest, Why.TOOK_OVER, Level.ALONE, sources=_sources(*taken)))
    elif alone:
        latest = max(each.on for each in alone)
        reasons.append(Reason(Level.WITH_HELP, Why.SHOWN_ALONE, latest, sources=_sources(*alone)))
    done = [each for each in runs if not each.is_helper]
    if by_herself := [each for each in done if each.how is RunHow.ALONE]:
        latest, number = max(each.on for each in by_herself), len(by_herself)
        reasons.append(_held_since(latest, Why.RAN_ALONE, Level.ALONE, number=number, sources=_sources(*by_herself)))
    if helped_with := [each for each in done if each.how is RunHow.WITH_HELP]:
        latest, number = max(each.on for each in helped_with), len(helped_with)
        reasons.append(
            Reason(Level.WITH_HELP, Why.RAN_WITH_HELP, latest, number=number, sources=_sources(*helped_with))
        )
    helped = [each for each in runs if each.is_helper]
    # Nobody teaches on her own word, and nobody what she has never done alone.
    told = sorted((each.on for each in helped if not each.own_word), reverse=True)
    if len(told) >= RUNS_TO_TEACH and (by_herself or alone):
        # As long as so many of them are not older than what counts.
        ends = told[RUNS_TO_TEACH - 1] + timedelta(days=SEEN_HOLDS_DAYS)
        sources = _sources(*(each for each in helped if not each.own_word))
        reasons.append(
            Reason(Level.CAN_TEACH, Why.HELPED_SEVERAL, told[0], ends, Level.WITH_HELP, len(told), sources=sources)
        )
    elif helped:
        latest = max(each.on for each in helped)
        reasons.append(Reason(Level.WITH_HELP, Why.HELPED, latest, number=len(helped), sources=_sources(*helped)))
    if handed_over:
        latest = max(each.on for each in handed_over)
        reasons.append(_held_since(latest, Why.HANDED_OVER, Level.CAN_TEACH, sources=_sources(*handed_over)))
    return standing_of(reasons)


# --- Policies ----------------------------------------------------------------------------------


def counts_for(confirmed: Confirmed, editions: Sequence[Edition], day: date) -> bool:
    """Say whether a confirmation is of the version in force on a day, or of one that asked nobody again since."""
    begun = [each for each in editions if each.effective_on <= day]
    newest = max((each.sequence for each in begun), default=0)
    return not any(confirmed.sequence < each.sequence <= newest and each.asks_again for each in begun)


def standing_in_policy(
    confirmations: Collection[Confirmed],
    editions: Sequence[Edition],
    *,
    quiz_passed: Passed | None,
    signed_off: Passed | None,
    statement: Statement | None,
    today: date,
) -> Standing:
    """Return how far somebody is with a policy whose versions are these, up to those that are published to come.

    Nothing gives more than 1 without a confirmation of the version in force. With it, 2: passed a quiz about it.
    3: signed off in a step that is about it. What a lead states counts as its level.
    """
    latest = max(confirmations, key=lambda each: each.sequence, default=None)
    reasons = _stated(statement)
    if quiz_passed is not None:
        reasons.append(Reason(Level.WITH_HELP, Why.QUIZ_PASSED, quiz_passed.on, sources=_sources(quiz_passed)))
    if signed_off is not None:
        reasons.append(Reason(Level.ALONE, Why.SIGNED_OFF, signed_off.on, sources=_sources(signed_off)))
    if latest is None:
        return standing_of(reasons, Bound(Level.AWARE))
    if not counts_for(latest, editions, today):
        older = Reason(
            Level.AWARE,
            Why.ACKNOWLEDGED_OLDER,
            latest.on,
            number=latest.missing,
            said=latest.number,
            sources=_sources(latest),
        )
        return standing_of([*reasons, older], Bound(Level.AWARE))
    reasons.append(Reason(Level.AWARE, Why.ACKNOWLEDGED, latest.on, said=latest.number, sources=_sources(latest)))
    # A version that is published already and takes effect later ends what the confirmation is worth.
    coming = [
        each.effective_on
        for each in editions
        if each.sequence > latest.sequence and each.asks_again and each.effective_on > today
    ]
    return standing_of(reasons, Bound(Level.AWARE, min(coming) - timedelta(days=1)) if coming else None)


# --- Credentials -------------------------------------------------------------------------------


def standing_in_credential(held: Held | None, statement: Statement | None) -> Standing:
    """Return how far somebody is with a credential.

    3: her certificate is valid, up to its last day. 1: she had one. Without a valid one a lead's statement counts as
    2 at most, with it as its level.
    """
    reasons = _stated(statement)
    if held is None:
        return standing_of(reasons, Bound(Level.WITH_HELP))
    sources = (held.source,) if held.source is not None else ()
    if not held.is_valid:
        was = Reason(Level.AWARE, Why.WAS_CERTIFIED, held.issued_on, sources=sources)
        return standing_of([*reasons, was], Bound(Level.WITH_HELP))
    reasons.append(Reason(Level.ALONE, Why.CERTIFIED, held.issued_on, held.until, Level.AWARE, sources=sources))
    return standing_of(reasons, Bound(Level.WITH_HELP, held.until) if held.until else None)


# --- Who is there ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix: how far each person (by row number) is with it, and whether it is critical."""

    kind: RowKind
    code: str
    is_critical: bool
    standings: Mapping[int, Standing]


@dataclass(frozen=True, slots=True)
class Out:
    """Who is taken to be out, and on which days."""

    people: frozenset[int] = frozenset()
    days: frozenset[date] = frozenset()

    def has(self, person_id: int, day: date) -> bool:
        """Say whether somebody is taken to be out on a day."""
        return day in self.days and person_id in self.people


NOBODY_OUT = Out()


def coverage_of(
    row: Row, days: Iterable[date], there: Mapping[date, Collection[int]], out: Out = NOBODY_OUT
) -> dict[date, int]:
    """Return for each day how many of those that are there can stand in."""
    # Most people can do most things on no day at all.
    able = [(person_id, standing) for person_id, standing in row.standings.items() if standing.is_ever_able]
    return {
        day: sum(
            person_id in there.get(day, ()) and not out.has(person_id, day) and standing.is_able_on(day)
            for person_id, standing in able
        )
        for day in days
    }


@dataclass(frozen=True, slots=True)
class Shortage:
    """That a row has so few who can stand in on a day, and had so many before anybody was taken to be out."""

    row: Row
    day: date
    number: int
    before: int


def shortages(
    rows: Iterable[Row], days: Sequence[date], there: Mapping[date, Collection[int]], out: Out
) -> list[Shortage]:
    """Return what would be short of people because of those who are out: the fewest and the critical first.

    What is as short without that is not among it.
    """
    found: list[Shortage] = []
    if not (out.people and out.days):
        return found
    for row in rows:
        now, then = coverage_of(row, days, there), coverage_of(row, days, there, out)
        found += [
            Shortage(row, day, then[day], now[day])
            for day in days
            if then[day] < ENOUGH_PEOPLE and then[day] < now[day]
        ]
    return sorted(
        found, key=lambda each: (each.number, not each.row.is_critical, each.day, each.row.kind, each.row.code)
    )


def able_people(row: Row, day: date) -> int:
    """Return how many can stand in on a day, whether they are there or not."""
    return sum(each.is_ever_able and each.is_able_on(day) for each in row.standings.values())


def bus_factor(rows: Iterable[Row], day: date) -> int | None:
    """Return how many people can stand in in the critical row that has fewest; None where no row is critical."""
    return min((able_people(row, day) for row in rows if row.is_critical), default=None)


def share_doubled(rows: Iterable[Row], day: date) -> Fraction | None:
    """Return the share of the critical rows in which two people or more can stand in; None where there is none."""
    critical = [row for row in rows if row.is_critical]
    if not critical:
        return None
    return Fraction(sum(able_people(row, day) >= ENOUGH_PEOPLE for row in critical), len(critical))


# --- Who could be made ready -------------------------------------------------------------------


class Step(StrEnum):
    """What somebody still has to do to stand in."""

    SHADOW = "shadow"
    REVERSE_SHADOW = "reverse_shadow"
    ALONE = "alone"
    CONFIRM = "confirm"
    SIGN_OFF = "sign_off"
    # No training plan leads there: a lead says what was seen.
    STATED = "stated"
    CERTIFY = "certify"
    # Required steps of the plan that earns the credential.
    TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Missing:
    """What somebody lacks to stand in: steps, minutes where they are known, and clauses to read.

    `place` is that among the names of a list. `more` are steps that count as several: those of a plan.
    """

    person_id: int
    place: int
    steps: tuple[Step, ...] = ()
    more: int = 0
    minutes: int | None = None
    clauses: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """How many steps are left."""
        return len(self.steps) + self.more


def soonest_ready(missing: Iterable[Missing]) -> list[Missing]:
    """Return who lacks least first: fewest steps, then minutes (unknown last), then clauses; then by name."""
    return sorted(
        missing,
        key=lambda each: (
            each.number,
            each.minutes is None,
            each.minutes or 0,
            len(each.clauses),
            each.place,
            each.person_id,
        ),
    )


_STEPS_OF_TASK = {
    Level.NONE: (Step.SHADOW, Step.REVERSE_SHADOW, Step.ALONE),
    Level.AWARE: (Step.REVERSE_SHADOW, Step.ALONE),
    Level.WITH_HELP: (Step.ALONE,),
}


def missing_in_task(
    person_id: int, place: int, level: Level, *, minutes: int | None, clauses: Sequence[str], minutes_to_read: int
) -> Missing:
    """Return what somebody below 3 lacks in a task of so many minutes a time, and of its procedure."""
    steps = _STEPS_OF_TASK[level]
    total = None if minutes is None else len(steps) * minutes + minutes_to_read
    return Missing(person_id, place, steps, 0, total, tuple(clauses))


def missing_in_policy(
    person_id: int,
    place: int,
    *,
    is_confirmed: bool,
    is_signed_off: bool,
    has_step: bool,
    clauses: Sequence[str],
    minutes_to_read: int,
) -> Missing:
    """Return what somebody below 3 lacks in a policy; `has_step`: a training plan has a sign-off that is about it."""
    shown = () if is_signed_off else (Step.SIGN_OFF if has_step else Step.STATED,)
    steps = ((Step.CONFIRM,) if not is_confirmed else ()) + shown
    return Missing(person_id, place, steps, 0, minutes_to_read, tuple(clauses))


def missing_in_credential(person_id: int, place: int, steps: int, minutes: int) -> Missing:
    """Return what somebody without a valid certificate lacks: the steps that are left of the plan which earns it."""
    return Missing(person_id, place, (Step.CERTIFY,), steps, minutes)
