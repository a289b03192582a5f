"""The attempt protocol: start, save, hand in, close; the server alone owns the clock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cache
from hashlib import sha256
from typing import Any, Protocol, cast

from sqlalchemy import BigInteger, Integer, String, Table, bindparam, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.models import Person
from portal.core import clock
from portal.core.access import allows
from portal.core.codes import new_code
from portal.core.db import Json, UtcDateTime, canonical_json, session
from portal.core.errors import Invalid
from portal.core.i18n import format_instant
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import record, seal
from portal.library.permissions import FIND_DOCUMENT
from portal.quizzes import errors, queries, rules
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    EventKind,
    Item,
    QuestionVersion,
    QuizVersion,
    Response,
    SubmittedBy,
)
from portal.quizzes.rules import Draw, Hindrance, Past, Standing, Terms
from portal.quizzes.service.history import BEGINNING, CLOCK_WENT_BACK, find_last, moment_of, note_event
from portal.quizzes.service.marking import mark_attempt, release_attempt, releases_at_once
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Answered, BadValue, read

MAX_SEQ = 2**31 - 1
MAX_KEY_LENGTH = 64
# So that the key of one answer of a form, which is made of it, is no longer than any.
MAX_FORM_KEY = 16
# What a page may tell of itself, per post; and how long the history of an attempt grows by that, by saves of single
# answers, and by whole pages, which come last so that a page without a script can still be sent.
MAX_EVENTS_PER_POST = 50
MAX_TOLD = 2000
MAX_SAVED = 5000
MAX_SENT = 5500
# A page that tries again by itself then does so seldom.
SAVED_TOO_OFTEN_SECONDS = 300
# From this level on (a threat, sustained harassment) people are told before they start.
LEAST_SENSITIVE = "S2"
LEARNER = "learner"
SYSTEM = "system"
_TELLABLE = {EventKind.FOCUS_LOST, EventKind.FOCUS_REGAINED, EventKind.OFFLINE, EventKind.ONLINE}


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


@dataclass(frozen=True, slots=True)
class PageSave:
    """What became of a posted page: questions that somebody else had answered since, and those that came too late."""

    stale: list[int]
    late: list[int]
    state: AttemptState
    now: datetime
    # Handed in, closed or void before the page arrived.
    was_over: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether what is stored now is what the page showed."""
        return not self.stale


@dataclass(frozen=True, slots=True)
class Left:
    """The questions of an attempt that are not, or not wholly, answered by what is stored."""

    partly: list[int]
    open: list[int]

    @property
    def numbers(self) -> set[int]:
        """Their numbers."""
        return {*self.partly, *self.open}


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


class GrantTooSmall(Invalid):
    """A grant gives at least one minute."""

    message = _l("Give at least one minute and at most %(most)s.")


# --- starting ----------------------------------------------------------------------------------


def terms_of(version: QuizVersion) -> Terms:
    """Return what the version says about starting."""
    return Terms(
        attempts_allowed=version.attempts_allowed,
        wait_hours=version.wait_hours,
        wait_after_fails=version.wait_after_fails,
        limit_seconds=version.time_limit_minutes * 60,
        opens_at=version.opens_at,
        closes_at=version.closes_at,
    )


def past_of(attempts: Sequence[Attempt], now: datetime) -> list[Past]:
    """Return the earlier attempts as the rules see them; one whose time is over counts as handed in."""
    return [
        Past(
            finished_at=attempt.finished_at or min(attempt.deadline_at, now),
            known_passed=attempt.state is AttemptState.RELEASED and attempt.markings[-1].passed,
        )
        for attempt in attempts
        if attempt.state is not AttemptState.VOIDED
    ]


def standing_of(version: QuizVersion, person: Person, attempts: Sequence[Attempt], now: datetime) -> Standing:
    """Say where the person stands before a further attempt, with the time that she really has."""
    return rules.standing(
        terms=terms_of(version),
        past=past_of(attempts, now),
        multiplier=queries.multiplier_of(queries.find_accommodation(person, now)),
        now=now,
    )


class StartGuard(Protocol):
    """An upper domain's say before a quiz is started; registered in `wiring.py`."""

    def __call__(self, person: Person, quiz_slug: str) -> str | None:
        """Return in words what the person has to do first, or None."""


_start_guards: list[StartGuard] = []


def register_start_guard(guard: StartGuard) -> None:
    """Ask this guard before an attempt is started; registering twice changes nothing."""
    if guard not in _start_guards:
        _start_guards.append(guard)


def what_comes_first(person: Person, quiz_slug: str) -> str | None:
    """Return in words what the person has to do before this quiz, or None where nothing is in the way."""
    return next((first for guard in _start_guards if (first := guard(person, quiz_slug))), None)


def start_attempt(*, version: QuizVersion, person: Person, language: str, accepts_cut: bool = False) -> Attempt:
    """Start an attempt, or return the one in progress: pressing twice starts one.

    Raises `CannotStart` (closed, waiting, another step comes first, about what does not apply to the
    person, no attempts left, too few questions) and `CutMustBeConfirmed` where the window ends before the promised
    time and the person has not said that she knows.
    """
    now = clock.now()
    running = queries.find_in_progress(person, version.quiz_id)
    if running is not None:
        running = close_if_over(queries.lock_attempt(running.id), now)
        if running.state is AttemptState.IN_PROGRESS:
            return running
    first = what_comes_first(person, version.quiz.slug)
    if first is not None:
        raise errors.SomethingComesFirst(first=first)
    if version.quiz_id not in applying_to(person, [version]):
        raise errors.NotForThisPerson()
    accommodation = queries.find_accommodation(person, now)
    multiplier = queries.multiplier_of(accommodation)
    attempts = queries.list_attempts(person, version.quiz_id)
    standing = rules.standing(terms=terms_of(version), past=past_of(attempts, now), multiplier=multiplier, now=now)
    _refuse(standing, person)
    if standing.is_cut and not accepts_cut:
        raise errors.CutMustBeConfirmed()
    seed = secrets.token_hex(16)
    drawn = _draw(version, seed, avoid=queries.addresses_of(attempts[-1]) if attempts else frozenset())
    limit_seconds = version.time_limit_minutes * 60
    attempt_id = _insert(
        code=new_code(),
        quiz_id=version.quiz_id,
        quiz_version_id=version.id,
        person_id=person.id,
        attempt_no=attempts[-1].attempt_no + 1 if attempts else 1,
        state=AttemptState.IN_PROGRESS,
        seed=seed,
        language=language,
        limit_seconds=limit_seconds,
        multiplier=multiplier,
        granted_seconds=0,
        hide_countdown=bool(accommodation and accommodation.hide_countdown),
        tolerance_seconds=int(queries.tolerance().total_seconds()),
        started_at=now,
        deadline_at=rules.deadline(
            started_at=now, limit_seconds=limit_seconds, multiplier=multiplier, closes_at=version.closes_at
        ),
    )
    if attempt_id is None:
        # Somebody was faster: the same person in another tab.
        running = queries.find_in_progress(person, version.quiz_id)
        if running is None:
            raise errors.CannotStart()
        return running
    attempt = queries.lock_attempt(attempt_id)
    session.add_all(_items(attempt, version, drawn))
    note_event(attempt, EventKind.STARTED, by=LEARNER, at=now, after=BEGINNING)
    record(
        "quizzes.attempt_started",
        by=person,
        subject=("attempt", attempt.code),
        after={"quiz": version.quiz.slug, "version": version.number, "attempt_no": attempt.attempt_no},
    )
    session.flush()
    seal(attempt)
    return attempt


def _refuse(standing: Standing, person: Person) -> None:
    when = format_instant(standing.possible_at, person.time_zone) if standing.possible_at else ""
    match standing.hindrance:
        case Hindrance.NOT_OPEN_YET:
            raise errors.NotOpenYet(when=when)
        case Hindrance.CLOSED:
            raise errors.Closed()
        case Hindrance.NO_ATTEMPTS_LEFT:
            raise errors.NoAttemptsLeft()
        case Hindrance.WAITING:
            raise errors.MustWait(when=when)


def blueprint_of_terms(lines: Sequence[Mapping[str, Any]]) -> list[Draw]:
    """Return the draws of a blueprint as it is stored."""
    return [
        Draw(
            bank=line.get("bank", ""),
            count=line.get("count", 0),
            types=tuple(line.get("types", ())),
            tags=tuple(line.get("tags", ())),
            clauses=tuple(line.get("clauses", ())),
            difficulty=tuple(line.get("difficulty", ())),
            questions=tuple(line.get("questions", ())),
        )
        for line in lines
    ]


def banks_of(blueprint: Sequence[Draw]) -> set[str]:
    """Return the slugs of the banks that a blueprint draws from."""
    return {line.bank for line in blueprint if line.bank} | {
        address.partition("/")[0] for line in blueprint for address in line.questions
    }


def is_drawn(blueprint: Sequence[Draw], bank: str, question: str) -> bool:
    """Say whether a blueprint may draw this question: from its bank, or by its address."""
    return any(line.bank == bank or f"{bank}/{question}" in line.questions for line in blueprint)


def sensitivity_of(version: QuizVersion) -> str | None:
    """Return the highest sensitivity level of what a quiz may draw, where it is one to be told of before the start."""
    lines = blueprint_of_terms(version.blueprint)
    levels = {
        read(question.content).severity
        for address, (_candidate, question) in queries.list_pool(banks_of(lines)).items()
        if is_drawn(lines, *address.split("/", 1))
    }
    return max((level for level in levels if level and level >= LEAST_SENSITIVE), default=None)


def applying_to(person: Person, versions: Sequence[QuizVersion]) -> set[int]:
    """Return the quizzes (their row numbers) whose questions are about documents that the person may read, all of them.

    What is asked is what holds for her: a quiz about the rule of another market would teach the wrong one.
    """
    blueprints = {version.quiz_id: blueprint_of_terms(version.blueprint) for version in versions}
    cited = queries.list_cited_documents({slug for lines in blueprints.values() for slug in banks_of(lines)})
    closed = [each for each in cited if not allows(person, FIND_DOCUMENT, each.document)]
    return {
        quiz_id
        for quiz_id, lines in blueprints.items()
        if not any(is_drawn(lines, each.bank, each.question) for each in closed)
    }


def _draw(version: QuizVersion, seed: str, avoid: frozenset[str]) -> list[QuestionVersion]:
    blueprint = blueprint_of_terms(version.blueprint)
    pool = queries.list_pool(banks_of(blueprint))
    addresses = rules.draw(blueprint, (candidate for candidate, _version in pool.values()), seed=seed, avoid=avoid)
    if addresses is None:
        raise errors.TooFewQuestions()
    if version.shuffle_questions:
        addresses = rules.shuffled(addresses, seed=seed, purpose="items")
    return [pool[address][1] for address in addresses]


def _items(attempt: Attempt, version: QuizVersion, drawn: Sequence[QuestionVersion]) -> list[Item]:
    items = []
    for position, question_version in enumerate(drawn, start=1):
        content = read(question_version.content)
        kind = type_of(content.type)
        order = {}
        for part in content.parts:
            ids = [choice.id for choice in part.choices]
            if version.shuffle_choices and not kind.keeps_order(content, part):
                ids = rules.shuffled(ids, seed=attempt.seed, purpose=f"choices {position} {part.id}")
            order[part.id] = ids
        items.append(
            Item(
                attempt_id=attempt.id,
                position=position,
                question_version_id=question_version.id,
                choice_order=order,
                max_points=Fraction(content.max_points),
            )
        )
    return items


def _insert(**values: Any) -> int | None:
    """Insert the attempt unless one is in progress or has this number; return its id, or None."""
    return session.execute(_inserts(session.get_bind().dialect.name), values).scalar_one_or_none()


@cache
def _inserts(dialect_name: str) -> Any:
    table = cast("Table", Attempt.__table__)
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing().returning(table.c.id)


# --- saving ------------------------------------------------------------------------------------


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
    content = read(item.question_version.content)
    try:
        answer = type_of(content.type).normalise(content, item.choice_order, given)
    except BadValue as bad:
        raise errors.BadAnswer(number=position) from bad
    digest = hash_of(answer)
    if done is not None:
        if (done.position, done.seq, done.hash) != (position, seq, digest):
            raise errors.KeyReused()
        return _reply(Outcome.SAVED, attempt, item, now)
    if attempt.state is not AttemptState.IN_PROGRESS:
        return _reply(Outcome.CLOSED, attempt, item, now)
    if not rules.accepts(
        state=attempt.state, deadline_at=attempt.deadline_at, received_at=now, tolerance=attempt.tolerance
    ):
        note_event(attempt, EventKind.REFUSED, by=LEARNER, at=now, position=position, seq=seq, hash=digest)
        attempt = close_if_over(attempt, now)
        return _reply(Outcome.LATE, attempt, item, now)
    if last is not None and last.number >= most:
        raise errors.SavedTooOften(seconds=SAVED_TOO_OFTEN_SECONDS)
    if page is not None and not _claim_writer(attempt, page, now, take_over=take_over):
        return _reply(Outcome.ELSEWHERE, attempt, item, now)
    if not _upsert(attempt=attempt, item=item, seq=seq, answer=answer, digest=digest, now=now):
        stored = queries.find_response(item.id)
        same = stored is not None and (stored.seq, stored.hash) == (seq, digest)
        return _reply(Outcome.SAVED if same else Outcome.STALE, attempt, item, now, stored)
    note_event(
        attempt, EventKind.SAVED, by=LEARNER, at=now, position=position, seq=seq, hash=digest, idem_key=idem_key,
        details={CLOCK_WENT_BACK: True} if went_back else None,
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
    )


def save_page(
    *, attempt: Attempt, person: Person, answers: Mapping[int, tuple[int, Mapping[str, Sequence[str]]]], form_key: str
) -> PageSave:
    """Save what changed on a posted page: position → (seq that the page had seen, part → values).

    An answer that somebody else saved since the page was made is not replaced; of an attempt that is over the
    changes are named and not taken. Raises `BadAnswer`, `BadRequest` and `SavedTooOften`.
    """
    now = clock.now()
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if not 0 < len(form_key) <= MAX_FORM_KEY:
        raise errors.BadRequest()
    stale: list[int] = []
    late: list[int] = []
    state = attempt.state
    is_over = state is not AttemptState.IN_PROGRESS
    stored = {item.position: item for item in queries.list_items(attempt)}
    for position, (seen, given) in sorted(answers.items()):
        item = stored.get(position)
        if item is None:
            raise errors.BadAnswer(number=position)
        content = read(item.question_version.content)
        try:
            answer = type_of(content.type).normalise(content, item.choice_order, given)
        except BadValue as bad:
            raise errors.BadAnswer(number=position) from bad
        if answer == (item.response.answer if item.response else {}):
            continue
        if is_over:
            late.append(position)
            continue
        try:
            saved = save_response(
                attempt=attempt,
                person=person,
                position=position,
                seq=seen + 1,
                idem_key=f"{form_key}:{position}:{hash_of(answer)[:16]}",
                given=given,
                most=MAX_SENT,
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
    return PageSave(stale, late, state, now, is_over)


def what_is_left(attempt: Attempt) -> Left:
    """Return what is not wholly answered by what is stored."""
    left = Left([], [])
    for item in queries.list_items(attempt):
        match read(item.question_version.content).how_far(item.response.answer if item.response else {}):
            case Answered.PARTLY:
                left.partly.append(item.position)
            case Answered.OPEN:
                left.open.append(item.position)
    return left


def hash_of(answer: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an answer's canonical JSON."""
    return sha256(canonical_json(answer).encode()).hexdigest()


def _reply(outcome: Outcome, attempt: Attempt, item: Item, now: datetime, stored: Response | None = None) -> Save:
    stored = stored or item.response
    content = read(item.question_version.content)
    return Save(
        outcome=outcome,
        saved_seq=stored.seq if stored else 0,
        answer=type_of(content.type).places(content, item.choice_order, stored.answer) if stored else {},
        state=attempt.state,
        remaining=rules.remaining(attempt.deadline_at, now),
        now=now,
    )


def _upsert(
    *,
    attempt: Attempt,
    item: Item,
    seq: int,
    answer: dict[str, list[str]],
    digest: str,
    now: datetime,
) -> bool:
    """Store the answer under the guards of the protocol in one statement; say whether it was stored."""
    values = {
        "id": item.id,
        "seq": seq,
        "answer": answer,
        "now": now,
        "digest": digest,
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
    ).where(in_time)
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    table = cast("Table", Response.__table__)
    statement = dialect.insert(table).from_select(["item_id", "seq", "answer", "received_at", "hash"], source)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[table.c.item_id],
        set_={"seq": new.seq, "answer": new.answer, "received_at": new.received_at, "hash": new.hash},
        where=new.seq > table.c.seq,
    ).returning(table.c.item_id)


def _claim_writer(attempt: Attempt, page: str, now: datetime, *, take_over: bool) -> bool:
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


# --- signs of life -----------------------------------------------------------------------------


def note_page(
    *, attempt: Attempt, page: str, told: Sequence[Told], take_over: bool = False, leaves: bool = False
) -> Pulse:
    """Take a page's sign of life and what it noticed; say whether it is the one that writes.

    A page that leaves makes room for the next at once.
    """
    now = clock.now()
    attempt = queries.lock_attempt(queries.key_of(attempt))
    is_writer = False
    if attempt.state is AttemptState.IN_PROGRESS:
        if now > attempt.deadline_at:
            attempt = close_if_over(attempt, now)
        elif leaves:
            if attempt.writer == page:
                attempt.writer = attempt.writer_seen_at = None
        else:
            is_writer = _claim_writer(attempt, page, now, take_over=take_over)
            _note_told(attempt, told[:MAX_EVENTS_PER_POST], now)
    return Pulse(is_writer, attempt.state, rules.remaining(attempt.deadline_at, now), now)


def _note_told(attempt: Attempt, told: Sequence[Told], now: datetime) -> None:
    told = [each for each in told if each.kind in _TELLABLE and 0 < len(each.key) <= MAX_KEY_LENGTH]
    if not told or queries.count_events(attempt) + len(told) > MAX_TOLD:
        return
    known = queries.known_keys(attempt, [each.key for each in told])
    for each in told:
        if each.key not in known:
            known.add(each.key)
            at = max(now - max(each.age, timedelta(0)), attempt.started_at)
            note_event(attempt, each.kind, by=LEARNER, at=at, idem_key=each.key)


# --- handing in --------------------------------------------------------------------------------


def submit_attempt(*, attempt: Attempt, person: Person) -> Attempt:
    """Hand in, mark from what is stored, and release where the quiz says at once.

    A second submission changes nothing. One that comes after the time is over finds the attempt closed
    at its deadline.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if attempt.state is not AttemptState.IN_PROGRESS:
        return attempt
    now = moment_of(attempt)
    if not rules.accepts(
        state=attempt.state, deadline_at=attempt.deadline_at, received_at=now, tolerance=attempt.tolerance
    ):
        return close_if_over(attempt, now)
    return _hand_in(attempt, SubmittedBy.LEARNER, min(now, attempt.deadline_at), person)


def close_if_over(attempt: Attempt, now: datetime) -> Attempt:
    """Hand in for the learner an attempt whose time is over beyond the tolerance; else leave it as it is."""
    if attempt.state is not AttemptState.IN_PROGRESS or now <= attempt.deadline_at:
        return attempt
    if rules.accepts(
        state=attempt.state, deadline_at=attempt.deadline_at, received_at=now, tolerance=attempt.tolerance
    ):
        return attempt
    return _hand_in(attempt, SubmittedBy.SWEEP, attempt.deadline_at, None)


def close_overdue(attempt_id: int) -> None:
    """Close one attempt whose time is over (the sweep)."""
    close_if_over(queries.lock_attempt(attempt_id), clock.now())


def _hand_in(attempt: Attempt, by: SubmittedBy, finished_at: datetime, person: Person | None) -> Attempt:
    taken = session.execute(
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.state == AttemptState.IN_PROGRESS)
        .values(state=AttemptState.SUBMITTED, finished_at=finished_at, submitted_by=by)
        .execution_options(synchronize_session=False)
    )
    attempt = queries.lock_attempt(queries.key_of(attempt))
    if not taken.rowcount:  # type: ignore[attr-defined]
        return attempt
    actor = LEARNER if by is SubmittedBy.LEARNER else SYSTEM
    note_event(attempt, EventKind.SUBMITTED, by=actor, at=clock.now())
    mark_attempt(attempt=attempt, by=None)
    if releases_at_once(attempt):
        release_attempt(attempt=attempt, by=None)
    record(
        "quizzes.attempt_submitted",
        by=person,
        subject=("attempt", attempt.code),
        after={"by": by.value, "finished_at": finished_at.isoformat()},
    )
    session.flush()
    return attempt


# --- what staff may do -------------------------------------------------------------------------


def extend_attempt(*, attempt: Attempt, minutes: int, reason: str, by: Person) -> Attempt:
    """Grant minutes to a running attempt; the deadline is computed anew from its frozen facts.

    Raises `GrantTooSmall` outside 1 to 240 minutes, `NotRunning` for an attempt that is over.
    """
    most = 240
    if not 1 <= minutes <= most:
        raise GrantTooSmall(most=most)
    now = clock.now()
    attempt = close_if_over(queries.lock_attempt(attempt.id), now)
    if attempt.state is not AttemptState.IN_PROGRESS:
        raise errors.NotRunning()
    before = attempt.deadline_at
    attempt.granted_seconds += minutes * 60
    attempt.deadline_at = rules.deadline(
        started_at=attempt.started_at,
        limit_seconds=attempt.limit_seconds,
        multiplier=attempt.multiplier,
        granted_seconds=attempt.granted_seconds,
        closes_at=attempt.quiz_version.closes_at,
    )
    note_event(attempt, EventKind.EXTENDED, by=by.code, at=now, reason=reason, details={"minutes": minutes})
    record(
        "quizzes.attempt_extended",
        by=by,
        subject=("attempt", attempt.code),
        before={"deadline_at": before.isoformat()},
        after={"deadline_at": attempt.deadline_at.isoformat(), "minutes": minutes},
        reason=reason,
    )
    session.flush()
    return attempt


def void_attempt(*, attempt: Attempt, reason: str, by: Person) -> Attempt:
    """Make an attempt count for nothing: neither as a try nor as a result that is still to be released.

    Raises `AlreadyReleased` where the result is out: that needs a correction of the record, not a void.
    """
    attempt = queries.lock_attempt(queries.key_of(attempt))
    now = moment_of(attempt)
    if attempt.state is AttemptState.VOIDED:
        return attempt
    if attempt.state is AttemptState.RELEASED:
        raise errors.AlreadyReleased()
    before = attempt.state
    attempt.state = AttemptState.VOIDED
    attempt.finished_at = attempt.finished_at or min(now, attempt.deadline_at)
    note_event(attempt, EventKind.VOIDED, by=by.code, at=now, reason=reason)
    record(
        "quizzes.attempt_voided",
        by=by,
        subject=("attempt", attempt.code),
        before={"state": before.value},
        after={"state": attempt.state.value},
        reason=reason,
    )
    session.flush()
    return attempt
