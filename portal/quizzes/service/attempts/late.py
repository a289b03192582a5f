"""Answers that came too late: kept as they came; a lead accepts or declines each for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.accounts.models import Person
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.mail import send_later
from portal.journal.service import record
from portal.quizzes import errors, queries
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Confidence,
    EventKind,
    Item,
    RefusedAnswer,
    Response,
)
from portal.quizzes.queries import supervision
from portal.quizzes.rules import taking
from portal.quizzes.service.attempts.timing import LEARNER
from portal.quizzes.service.history import moment_of, note_event
from portal.quizzes.service.marking import mark_attempt
from portal.quizzes.service.supervision import whom_to_tell

# A browser that tries again sends the same; more than these of one question are no accident of a connection.
MOST_OF_A_QUESTION = 3


def keep_refused(
    *,
    attempt: Attempt,
    item: Item,
    seq: int,
    answer: Mapping[str, Any],
    digest: str,
    confidence: Confidence | None,
    at: datetime,
) -> bool:
    """Keep an answer that came after the deadline, with a line in the history; say whether it was kept.

    Only where the time ran out on the learner (not where she had handed in), only what is newer than what is stored,
    within a day, and no more than three of a question. The caller holds the attempt's lock.
    """
    if not taking.hears_after_the_end(attempt.state, attempt.submitted_by, attempt.deadline_at, at):
        return False
    if item.response is not None and item.response.seq >= seq:
        return False
    kept = supervision.list_refused_of(item.id)
    if len(kept) >= MOST_OF_A_QUESTION or any(each.seq == seq or each.hash == digest for each in kept):
        return False
    late = taking.late_seconds(attempt.deadline_at, at)
    session.add(
        RefusedAnswer(
            code=new_code(),
            attempt_id=attempt.id,
            item_id=item.id,
            seq=seq,
            answer=dict(answer),
            hash=digest,
            confidence=confidence,
            received_at=at,
            late_seconds=late,
        )
    )
    note_event(
        attempt,
        EventKind.REFUSED,
        by=LEARNER,
        at=at,
        position=item.position,
        seq=seq,
        hash=digest,
        details={"late_seconds": late},
    )
    session.flush()
    for person in whom_to_tell(attempt.person):
        # Once for an attempt, however many of its answers come late.
        send_later(
            "quizzes.answers_late",
            {"code": attempt.code, "to": person.code},
            effect_key=f"quizzes.answers_late:{attempt.code}:{person.code}",
        )
    if attempt.state is not AttemptState.IN_PROGRESS:
        # While it is in progress, handing it in is the entry that seals what is kept.
        record(
            "quizzes.answer_refused",
            by=attempt.person,
            subject=("attempt", attempt.code),
            after={"position": item.position, "late_seconds": late},
        )
    return True


def accept_refused(*, attempt: Attempt, refused: RefusedAnswer, reason: str, by: Person) -> Attempt:
    """Let a late answer count: it takes the place of what is stored, and the attempt is marked anew.

    Raises `ResultIsOut` where the result is released (it can be regraded, or the attempt made void), `NewerAnswer`
    where something newer is stored, `NotRefused` where the attempt is void, `AlreadyAccepted`, `AlreadyDeclined`.
    """
    attempt, refused = _undecided(attempt, refused)
    stored = queries.find_response(refused.item_id)
    if stored is not None and stored.seq >= refused.seq:
        raise errors.NewerAnswer()
    now = moment_of(attempt)
    if stored is None:
        stored = Response(item_id=refused.item_id)
        session.add(stored)
    stored.seq, stored.answer, stored.hash = refused.seq, refused.answer, refused.hash
    stored.received_at, stored.confidence = refused.received_at, refused.confidence
    refused.accepted_at, refused.accepted_by, refused.reason = now, by.code, reason
    session.flush()
    note_event(
        attempt,
        EventKind.ACCEPTED,
        by=by.code,
        at=now,
        position=refused.item.position,
        seq=refused.seq,
        hash=refused.hash,
        reason=reason,
    )
    if attempt.state is AttemptState.MARKED:
        mark_attempt(attempt=attempt, by=by)
    record(
        "quizzes.answer_accepted",
        by=by,
        subject=("attempt", attempt.code),
        after={"position": refused.item.position, "late_seconds": refused.late_seconds},
        reason=reason,
    )
    session.flush()
    return attempt


def decline_refused(*, attempt: Attempt, refused: RefusedAnswer, reason: str, by: Person) -> Attempt:
    """Decide that a late answer does not count; what was saved in time stays. Raises what `accept_refused` does."""
    attempt, refused = _undecided(attempt, refused)
    now = moment_of(attempt)
    refused.declined_at, refused.declined_by, refused.reason = now, by.code, reason
    session.flush()
    note_event(
        attempt,
        EventKind.DECLINED,
        by=by.code,
        at=now,
        position=refused.item.position,
        seq=refused.seq,
        hash=refused.hash,
        reason=reason,
    )
    record(
        "quizzes.answer_declined",
        by=by,
        subject=("attempt", attempt.code),
        after={"position": refused.item.position, "late_seconds": refused.late_seconds},
        reason=reason,
    )
    session.flush()
    return attempt


def _undecided(attempt: Attempt, refused: RefusedAnswer) -> tuple[Attempt, RefusedAnswer]:
    """Return both under the attempt's lock, where something can still be decided. Raises as `accept_refused` does."""
    attempt = queries.lock_attempt(queries.key_of(attempt))
    refused = supervision.get_refused(attempt, refused.code)
    if refused.accepted_at is not None:
        raise errors.AlreadyAccepted()
    if refused.declined_at is not None:
        raise errors.AlreadyDeclined()
    if attempt.state is AttemptState.RELEASED:
        raise errors.ResultIsOut()
    if attempt.state not in (AttemptState.SUBMITTED, AttemptState.MARKED):
        raise errors.NotRefused()
    return attempt, refused
