"""Signs of life of the pages of an attempt: which of them writes, and what they notice of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.quizzes import queries, rules
from portal.quizzes.models import Attempt, AttemptState, EventKind
from portal.quizzes.rules import taking
from portal.quizzes.service.attempts.handing_in import close_if_over
from portal.quizzes.service.attempts.timing import LEARNER
from portal.quizzes.service.history import find_last, note_event

MAX_KEY_LENGTH = 64
# What a page may tell of itself, per post; and how long the history of an attempt grows by that.
MAX_EVENTS_PER_POST = 50
MAX_TOLD = 2000
_TELLABLE = {EventKind.FOCUS_LOST, EventKind.FOCUS_REGAINED, EventKind.OFFLINE, EventKind.ONLINE}


@dataclass(frozen=True, slots=True)
class Told:
    """Something a page noticed of itself: `age` ago, under a key of its own."""

    kind: EventKind
    key: str
    age: timedelta


@dataclass(frozen=True, slots=True)
class Pulse:
    """The reply to a page's sign of life."""

    is_writer: bool
    state: AttemptState
    remaining: timedelta
    now: datetime
    # The clock stands still: this is not the page to be on.
    is_on_break: bool = False


def note_page(
    *, attempt: Attempt, page: str, told: Sequence[Told], take_over: bool = False, leaves: bool = False
) -> Pulse:
    """Take a page's sign of life and what it noticed; say whether it is the one that writes.

    A page that leaves makes room for the next at once. One that comes back after the end still tells what it noticed
    before: that the connection was lost is what somebody looks for who decides about late answers.
    """
    now = clock.now()
    attempt = queries.lock_attempt(queries.key_of(attempt))
    is_writer = False
    if attempt.state is not AttemptState.IN_PROGRESS or now > attempt.deadline_at:
        attempt = close_if_over(attempt, now)
        if taking.hears_after_the_end(attempt.state, attempt.submitted_by, attempt.deadline_at, now):
            _note_told_late(attempt, told[:MAX_EVENTS_PER_POST], now)
    elif leaves:
        if attempt.writer == page:
            attempt.writer = attempt.writer_seen_at = None
    else:
        is_writer = claim_writer(attempt, page, now, take_over=take_over)
        _note_told(attempt, told[:MAX_EVENTS_PER_POST], now)
    return Pulse(is_writer, attempt.state, rules.remaining(attempt.deadline_at, now), now, attempt.is_on_break(now))


def _note_told(attempt: Attempt, told: Sequence[Told], now: datetime) -> int:
    """Add a line for what is not known yet; return how many there were."""
    told = [each for each in told if each.kind in _TELLABLE and 0 < len(each.key) <= MAX_KEY_LENGTH]
    if not told or queries.count_events(attempt) + len(told) > MAX_TOLD:
        return 0
    known = queries.known_keys(attempt, [each.key for each in told])
    number = 0
    for each in told:
        if each.key not in known:
            known.add(each.key)
            number += 1
            note_event(attempt, each.kind, by=LEARNER, at=_when(attempt, each, now), idem_key=each.key)
    return number


def _when(attempt: Attempt, told: Told, now: datetime) -> datetime:
    return max(now - max(told.age, timedelta(0)), attempt.started_at)


def _note_told_late(attempt: Attempt, told: Sequence[Told], now: datetime) -> None:
    """Add what was before the end, and that the connection was back after it."""
    told = [each for each in told if each.kind is EventKind.ONLINE or _when(attempt, each, now) <= attempt.deadline_at]
    number = _note_told(attempt, told, now)
    if number and attempt.state is not AttemptState.IN_PROGRESS:
        # Until it is handed in, that is the entry which seals the history.
        record("quizzes.page_told_late", by=attempt.person, subject=("attempt", attempt.code), after={"lines": number})
        session.flush()


def claim_writer(attempt: Attempt, page: str, now: datetime, *, take_over: bool) -> bool:
    """Make the page the one that writes where it may be; note when two are open."""
    free = rules.may_write(writer=attempt.writer, seen_at=attempt.writer_seen_at, page=page, now=now)
    if not free and not take_over:
        key = f"tab:{page}"[: MAX_KEY_LENGTH + 4]
        if not queries.known_keys(attempt, [key]) and _has_room(attempt):
            note_event(attempt, EventKind.SECOND_TAB, by=LEARNER, at=now, idem_key=key)
        return False
    if not free and _has_room(attempt):
        note_event(attempt, EventKind.SECOND_TAB, by=LEARNER, at=now, details={"took_over": True})
    seen = attempt.writer_seen_at
    if attempt.writer != page or seen is None or now - seen > rules.WRITER_LEASE / 4:
        attempt.writer, attempt.writer_seen_at = page, now
    return True


def _has_room(attempt: Attempt) -> bool:
    """Say whether the history takes another line about pages."""
    last = find_last(attempt.id)
    return last is None or last.number < MAX_TOLD
