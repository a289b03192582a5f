"""Looking after a quiz while it is sat: who is expected, who is where, what happened in one attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

from portal.accounts import queries as people
from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import scopes_of_person
from portal.cohorts.permissions import reach_of
from portal.quizzes import rules
from portal.quizzes.models import Attempt, AttemptEvent, AttemptState, EventKind, QuizVersion, SubmittedBy, VoidRequest
from portal.quizzes.queries import supervision as queries
from portal.quizzes.queries.supervision import LateAnswers, Seat

# Without a window, what began within this time belongs to the sitting that is watched.
A_SITTING = timedelta(hours=24)
# By these one could tell what was agreed for a person.
ABOUT_ACCOMMODATIONS = frozenset({EventKind.ACCOMMODATED, EventKind.BREAK_BEGUN, EventKind.BREAK_ENDED})
_BACK = {EventKind.FOCUS_LOST: EventKind.FOCUS_REGAINED, EventKind.OFFLINE: EventKind.ONLINE}


# What a page tells so soon after it happened, it has told at once.
AT_ONCE = timedelta(seconds=5)


def list_late(person: Person) -> list[LateAnswers]:
    """Return the attempts with late answers to decide, of those whom this person looks after."""
    reach = reach_of(person, Role.LEAD, everywhere=(Role.ADMIN,))
    return queries.list_late(reach, besides=person) if reach else []


def list_open_voids(person: Person) -> list[VoidRequest]:
    """Return the attempts that somebody else asks to be made void, of those whom this person looks after."""
    reach = reach_of(person, Role.LEAD, everywhere=(Role.ADMIN,))
    return queries.list_open_voids(reach, besides=person) if reach else []


def whom_to_tell(learner: Person, besides: Person | None = None) -> list[Person]:
    """Return the leads nearest to a learner: of her team, else her market, else all; else the administrators.

    `besides`: who need not be told, for she has done it.
    """
    not_told = {learner.id} | ({besides.id} if besides is not None else set())
    scopes = scopes_of_person(learner)
    asked = [(Role.LEAD, scope, code) for scope in (Scope.TEAM, Scope.MARKET) for code in sorted(scopes[scope])]
    asked += [(role, Scope.ORGANISATION, "") for role in (Role.LEAD, Role.ADMIN)]
    for role, scope, code in asked:
        found = [each for each in people.list_holders(role, scope, code) if each.id not in not_told]
        if found:
            return found
    return []


class ExpectedTakers(Protocol):
    """An upper domain's say who has still to sit a quiz; registered in `wiring.py`."""

    def __call__(self, quiz_slug: str) -> set[int]:
        """Return the row numbers of those people, in one statement."""


_expected: list[ExpectedTakers] = []


def register_expected_takers(takers: ExpectedTakers) -> None:
    """Ask this domain who is expected; registering twice changes nothing."""
    if takers not in _expected:
        _expected.append(takers)


@dataclass(frozen=True, slots=True)
class Live:
    """Who has not started, who sits, who has handed in (or whose attempt ended otherwise), each by name."""

    not_started: list[Seat]
    sitting: list[Seat]
    over: list[Seat]


def watch(version: QuizVersion, *, by: Person, now: datetime) -> Live:
    """Return where those are with a quiz whom this person looks after; herself left out."""
    opened = version.opens_at if version.opens_at and version.opens_at <= now else None
    seats = queries.list_seats(
        version.quiz_id,
        reach=reach_of(by, Role.LEAD, everywhere=(Role.ADMIN,)),
        expected=set().union(*(takers(version.quiz.slug) for takers in _expected)),
        since=opened or now - A_SITTING,
        besides=by,
    )
    live = Live([], [], [])
    for seat in seats:
        if seat.attempt is None:
            live.not_started.append(seat)
        elif is_sitting(seat, now):
            live.sitting.append(seat)
        else:
            live.over.append(seat)
    return live


def end_of(attempt: Attempt, version: QuizVersion, *, with_agreed: bool) -> tuple[datetime, int]:
    """Return when an attempt ends, and how many seconds that is later than its time limit alone would say.

    Without what is agreed with its person it is the end that everybody could work out: limit and granted minutes.
    """
    if with_agreed:
        promised = rules.promised_seconds(attempt.limit_seconds, attempt.multiplier, attempt.added_seconds)
        return attempt.deadline_at, promised - attempt.limit_seconds
    ends_at = rules.deadline(
        started_at=attempt.started_at,
        limit_seconds=attempt.limit_seconds,
        multiplier=Fraction(1),
        granted_seconds=attempt.granted_seconds,
        closes_at=version.closes_at,
    )
    return ends_at, attempt.granted_seconds


def is_sitting(seat: Seat, now: datetime) -> bool:
    """Say whether the attempt of a seat goes on, the time that nobody has closed yet taken into account."""
    attempt = seat.attempt
    return (
        attempt is not None
        and rules.effective_state(
            state=attempt.state.value, deadline_at=attempt.deadline_at, now=now, tolerance=attempt.tolerance
        )
        == AttemptState.IN_PROGRESS
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a history with the time at which it happened, and what is to be said of when it was written."""

    event: AttemptEvent
    at: datetime
    # The time after which alone a page told it, where it told it later than it happened.
    told_after: datetime | None = None
    # When the server noticed that the time was over, where that was later.
    noticed_at: datetime | None = None


def in_order(events: Sequence[AttemptEvent], attempt: Attempt) -> list[Line]:
    """Return lines of an attempt's history by when it happened.

    A page tells what it noticed when it can, and the server hands in for somebody when it notices that her time is
    over: such a line stands where it happened, behind others it was written.
    """
    lines: list[Line] = []
    newest: datetime | None = None
    for each in sorted(events, key=lambda each: each.number):
        at = _happened_at(each, attempt)
        is_told_late = newest is not None and each.at < newest - AT_ONCE
        lines.append(
            Line(
                each,
                at,
                told_after=newest if is_told_late else None,
                noticed_at=each.at if each.at > at + AT_ONCE else None,
            )
        )
        newest = each.at if newest is None else max(newest, each.at)
    return sorted(lines, key=lambda line: (line.at, line.event.number))


def _happened_at(event: AttemptEvent, attempt: Attempt) -> datetime:
    """Return when something happened: what was handed in for somebody was when her time was over."""
    if event.kind is EventKind.SUBMITTED and attempt.submitted_by is SubmittedBy.SWEEP and attempt.finished_at:
        return min(event.at, attempt.finished_at)
    return event.at


def lengths_of(events: Sequence[AttemptEvent]) -> dict[int, timedelta]:
    """Return by number of the line for how long the focus or the connection was gone that went with it."""
    found: dict[int, timedelta] = {}
    for lost, back in _BACK.items():
        told = sorted((each for each in events if each.kind in (lost, back)), key=lambda each: (each.at, each.number))
        for first, second in pairwise(told):
            if first.kind is lost and second.kind is back:
                found[first.number] = second.at - first.at
    return found
