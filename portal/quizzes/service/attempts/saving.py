"""Saving answers: one at a time, or a whole page; what arrives in time and is newer than what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import BigInteger, Integer, String, Table, bindparam, exists, select

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import Json, UtcDateTime, canonical_json, insert, session
from portal.core.errors import Invalid
from portal.quizzes import errors, queries, rules
from portal.quizzes.models import Attempt, AttemptEvent, AttemptState, Confidence, EventKind, Item, Response
from portal.quizzes.rules import taking
from portal.quizzes.service.attempts.handing_in import close_if_over
from portal.quizzes.service.attempts.late import keep_refused
from portal.quizzes.service.attempts.pages import MAX_KEY_LENGTH, claim_writer
from portal.quizzes.service.attempts.timing import LEARNER, accepts
from portal.quizzes.service.history import CLOCK_WENT_BACK, find_last, note_event
from portal.quizzes.service.taking import state_of
from portal.quizzes.service.written import notes_of
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Answered, BadValue, TooLong

MAX_SEQ = 2**31 - 1
# So that the key of one answer of a form, which is made of it, is no longer than any.
MAX_FORM_KEY = 16
# How long the history of an attempt grows by saves of single answers, and by whole pages, which come last so that a
# page without a script can still be sent.
MAX_SAVED = 5000
MAX_SENT = 5500
# A page that tries again by itself then does so seldom.
SAVED_TOO_OFTEN_SECONDS = 300
# What a rating adds to the key of an answer of a form.
_KEYS = {None: "", Confidence.SURE: "s", Confidence.FAIRLY: "f", Confidence.GUESS: "g"}


class Outcome(StrEnum):
    """What became of an answer that was sent."""

    SAVED = "saved"
    # Something newer is stored, or the same number with another answer.
    STALE = "stale"
    # Another page is the one that writes.
    ELSEWHERE = "elsewhere"
    # The time is over.
    LATE = "late"
    # The attempt was handed in before.
    CLOSED = "closed"
    # The question was left for good, where one goes forward only.
    LEFT = "left"
    # It comes later; nobody has seen it yet.
    AHEAD = "ahead"
    # The clock stands still.
    ON_BREAK = "on_break"


@dataclass(frozen=True, slots=True)
class Save:
    """The reply to a save: what is stored now, and how the attempt stands."""

    outcome: Outcome
    saved_seq: int
    # Part → places on the page, of what is stored.
    answer: Mapping[str, Sequence[str]]
    state: AttemptState
    remaining: timedelta
    now: datetime
    # Part → how the number that is stored there is read.
    notes: Mapping[str, Any]
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class PageSave:
    """What became of a posted page: questions that somebody else had answered since, and those that came too late."""

    stale: list[int]
    late: list[int]
    state: AttemptState
    now: datetime
    # Handed in, closed or void before the page arrived.
    was_over: bool = False
    # Changed although they were left for good.
    left: Sequence[int] = ()
    # The items of the attempt as they are stored now.
    items: Sequence[Item] = ()

    @property
    def is_whole(self) -> bool:
        """Whether what is stored now is what the page showed."""
        return not self.stale


@dataclass(frozen=True, slots=True)
class Left:
    """The questions of an attempt that are not, or not wholly, answered by what is stored, or not to be read."""

    partly: list[int]
    open: list[int]
    unread: list[int]
    # Texts that are too long or too short.
    length: list[int]

    @property
    def numbers(self) -> set[int]:
        """Their numbers."""
        return {*self.partly, *self.open, *self.unread, *self.length}


def save_response(
    *,
    attempt: Attempt,
    person: Person,
    position: int,
    seq: int,
    idem_key: str,
    given: Mapping[str, Sequence[str]],
    page: str | None = None,
    take_over: bool = False,
    most: int = MAX_SAVED,
    confidence: Confidence | None = None,
) -> Save:
    """Store an answer if it arrives in time, is newer than what is stored, and comes from the page that writes.

    The same key with the same answer again gives the same reply and changes nothing. An attempt whose
    time is over is closed on this occasion. Raises `BadAnswer`, `BadRequest`, `KeyReused`, and `SavedTooOften` where
    the attempt's history has `most` lines.
    """
    if not (1 <= seq <= MAX_SEQ and 0 < len(idem_key) <= MAX_KEY_LENGTH and 0 < position <= MAX_SEQ):
        raise errors.BadRequest()
    now = clock.now()
    attempt = queries.lock_attempt(queries.key_of(attempt))
    found = queries.find_item(attempt, position, idem_key)
    if found is None or attempt.person_id != queries.key_of(person):
        raise errors.BadAnswer(number=position)
    item, done, last = found
    went_back = last is not None and last.at is not None and now < last.at
    if last is not None and last.at is not None:
        # An answer is never older than what came before it, even where the clock was set back.
        now = max(now, last.at)
    content = item.question_version.read()
    try:
        answer = type_of(content.type).normalise(content, item.choice_order, given)
    except BadValue as bad:
        raise _refusal(bad, position) from bad
    digest = hash_of(answer)
    details = details_of(confidence)
    if done is not None:
        if (done.position, done.seq, done.hash, details_of_event(done)) != (position, seq, digest, details):
            raise errors.KeyReused()
        return _reply(Outcome.SAVED, attempt, item, now)
    was_over = attempt.state is not AttemptState.IN_PROGRESS
    ends_at = attempt.deadline_at
    if was_over or not accepts(attempt, now):
        is_kept = keep_refused(
            attempt=attempt, item=item, seq=seq, answer=answer, digest=digest, confidence=confidence, at=now
        )
        attempt = close_if_over(attempt, now)
        return _reply(Outcome.LATE if is_kept or not was_over else Outcome.CLOSED, attempt, item, now)
    if attempt.deadline_at != ends_at:
        # Time that was agreed meanwhile has added a line of its own.
        last = find_last(attempt.id)
    not_here = _not_here(attempt, position, now)
    if not_here is not None:
        return _reply(not_here, attempt, item, now)
    if last is not None and last.number >= most:
        raise errors.SavedTooOften(seconds=SAVED_TOO_OFTEN_SECONDS)
    if page is not None and not claim_writer(attempt, page, now, take_over=take_over):
        return _reply(Outcome.ELSEWHERE, attempt, item, now)
    if not _upsert(attempt=attempt, item=item, seq=seq, answer=answer, digest=digest, confidence=confidence, now=now):
        stored = queries.find_response(item.id)
        same = stored is not None and (stored.seq, stored.hash, stored.confidence) == (seq, digest, confidence)
        return _reply(Outcome.SAVED if same else Outcome.STALE, attempt, item, now, stored)
    note_event(
        attempt, EventKind.SAVED, by=LEARNER, at=now, position=position, seq=seq, hash=digest, idem_key=idem_key,
        details=({CLOCK_WENT_BACK: True} if went_back else {}) | details or None,
        # Taking over has added a line of its own since.
        after=None if take_over else last,
    )  # fmt: skip
    return Save(
        outcome=Outcome.SAVED,
        saved_seq=seq,
        answer=type_of(content.type).places(content, item.choice_order, answer),
        state=attempt.state,
        remaining=rules.remaining(attempt.deadline_at, now),
        now=now,
        notes=notes_of(content, answer),
        confidence=confidence,
    )


def save_page(
    *,
    attempt: Attempt,
    person: Person,
    answers: Mapping[int, tuple[int, Mapping[str, Sequence[str]]]],
    form_key: str,
    ratings: Mapping[int, Confidence] | None = None,
) -> PageSave:
    """Save what changed on a posted page: position → (seq that the page had seen, part → values), and her ratings.

    An answer that somebody else saved since the page was made is not replaced; of an attempt that is over the
    changes are named and not taken. Raises `BadAnswer`, `BadRequest` and `SavedTooOften`.
    """
    now = clock.now()
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if not 0 < len(form_key) <= MAX_FORM_KEY:
        raise errors.BadRequest()
    stale: list[int] = []
    late: list[int] = []
    left: list[int] = []
    state = attempt.state
    is_over = state is not AttemptState.IN_PROGRESS
    items = queries.list_items(attempt)
    stored = {item.position: item for item in items}
    is_changed = False
    for position, (seen, given) in sorted(answers.items()):
        item = stored.get(position)
        if item is None:
            raise errors.BadAnswer(number=position)
        content = item.question_version.read()
        try:
            answer = type_of(content.type).normalise(content, item.choice_order, given)
        except BadValue as bad:
            raise _refusal(bad, position) from bad
        rating = (ratings or {}).get(position)
        if answer == (item.response.answer if item.response else {}) and (
            rating == (item.response.confidence if item.response else None)
        ):
            continue
        if is_over:
            late.append(position)
            keep_refused(
                attempt=attempt,
                item=item,
                seq=seen + 1,
                answer=answer,
                digest=hash_of(answer),
                confidence=rating,
                at=now,
            )
            continue
        if taking.place_of(position, attempt.reached) is not taking.Place.HERE:
            # What was left for good stays as it was left; an old page changes nothing.
            left.append(position)
            continue
        is_changed = True
        try:
            saved = save_response(
                attempt=attempt,
                person=person,
                position=position,
                seq=seen + 1,
                idem_key=f"{form_key}:{position}:{hash_of(answer)[:16]}{_KEYS[rating]}",
                given=given,
                most=MAX_SENT,
                confidence=rating,
            )
        except errors.KeyReused:
            # This very answer was sent with this form before; other ones have been saved since.
            stale.append(position)
            continue
        state = saved.state
        if saved.outcome is Outcome.STALE:
            stale.append(position)
        elif saved.outcome is not Outcome.SAVED:
            late.append(position)
        elif saved.saved_seq != seen + 1:
            # The same form was sent before, and something newer has been saved since.
            stale.append(position)
    return PageSave(stale, late, state, now, is_over, left, queries.list_items(attempt) if is_changed else items)


def _refusal(bad: BadValue, position: int) -> Invalid:
    """Return in words why what was sent is not taken."""
    if isinstance(bad, TooLong):
        return errors.AnswerTooLong(number=position, most=bad.most)
    return errors.BadAnswer(number=position)


def _not_here(attempt: Attempt, position: int, now: datetime) -> Outcome | None:
    """Return why this question cannot be answered now although there is time, or None."""
    if attempt.is_on_break(now):
        return Outcome.ON_BREAK
    place = taking.place_of(position, attempt.reached)
    return {taking.Place.LEFT: Outcome.LEFT, taking.Place.AHEAD: Outcome.AHEAD}.get(place)


def details_of(confidence: Confidence | None) -> dict[str, Any]:
    """Return what the line of a save says of how sure she was."""
    return {"confidence": confidence.value} if confidence is not None else {}


def details_of_event(event: AttemptEvent) -> dict[str, Any]:
    """Return what `details_of` put into a line."""
    rating = (event.details or {}).get("confidence")
    return {"confidence": rating} if rating is not None else {}


def what_is_left(items: Iterable[Item]) -> Left:
    """Return which of these items are not wholly answered by what is stored."""
    found: dict[Answered, list[int]] = {state: [] for state in Answered}
    for item in items:
        found[state_of(item)].append(item.position)
    return Left(found[Answered.PARTLY], found[Answered.OPEN], found[Answered.UNREAD], found[Answered.LENGTH])


def hash_of(answer: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an answer's canonical JSON."""
    return sha256(canonical_json(answer).encode()).hexdigest()


def _reply(outcome: Outcome, attempt: Attempt, item: Item, now: datetime, stored: Response | None = None) -> Save:
    stored = stored or item.response
    content = item.question_version.read()
    return Save(
        outcome=outcome,
        saved_seq=stored.seq if stored else 0,
        answer=type_of(content.type).places(content, item.choice_order, stored.answer) if stored else {},
        state=attempt.state,
        remaining=rules.remaining(attempt.deadline_at, now),
        now=now,
        notes=notes_of(content, stored.answer if stored else {}),
        confidence=stored.confidence if stored else None,
    )


def _upsert(
    *,
    attempt: Attempt,
    item: Item,
    seq: int,
    answer: dict[str, list[str]],
    digest: str,
    confidence: Confidence | None,
    now: datetime,
) -> bool:
    """Store the answer under the guards of the protocol in one statement; say whether it was stored."""
    values = {
        "id": item.id,
        "seq": seq,
        "answer": answer,
        "now": now,
        "digest": digest,
        "confidence": confidence,
        "attempt_id": attempt.id,
        "person_id": attempt.person_id,
        "not_before": now - attempt.tolerance,
    }
    return session.execute(_upserts(session.get_bind().dialect.name), values).scalar_one_or_none() is not None


@cache
def _upserts(dialect_name: str) -> Any:
    """Return the statement for the database; made once, for it is the one that runs most."""
    in_time = exists(
        select(Attempt.id).where(
            Attempt.id == bindparam("attempt_id"),
            Attempt.person_id == bindparam("person_id"),
            Attempt.state == AttemptState.IN_PROGRESS,
            Attempt.deadline_at >= bindparam("not_before", type_=UtcDateTime()),
        )
    )
    source = select(
        bindparam("id", type_=BigInteger),
        bindparam("seq", type_=Integer),
        bindparam("answer", type_=Json()),
        bindparam("now", type_=UtcDateTime()),
        bindparam("digest", type_=String),
        bindparam("confidence", type_=Response.confidence.type),
    ).where(in_time)
    table = cast("Table", Response.__table__)
    statement = insert(table, dialect_name).from_select(
        ["item_id", "seq", "answer", "received_at", "hash", "confidence"], source
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[table.c.item_id],
        set_={
            "seq": new.seq,
            "answer": new.answer,
            "received_at": new.received_at,
            "hash": new.hash,
            "confidence": new.confidence,
        },
        where=new.seq > table.c.seq,
    ).returning(table.c.item_id)
