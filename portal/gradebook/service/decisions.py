"""Scores set by hand and exemptions: one person asks, another confirms, and the learner is told why."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.core.mail import send_later
from portal.gradebook import errors, queries, rules
from portal.gradebook.events import ResultDecided
from portal.gradebook.models import GradeDecision, ScoreEntry
from portal.gradebook.rules import EntryKind, Wish
from portal.journal.service import record
from portal.quizzes import queries as quizzes
from portal.quizzes.models import QuizVersion

MIN_REASON, MAX_REASON = 10, 2_000
DECIDED = "gradebook.decided"


def ask_override(*, person: Person, version: QuizVersion, score: Fraction, reason: str, by: Person) -> GradeDecision:
    """Ask that a score be set by hand; nothing changes until a second person confirms it.

    `score` is a share of 1; `version` is the newest of the quiz. Raises `OwnResult`, `NeedsReason`, `BadScore`,
    `AlreadyAsked`.
    """
    if not 0 <= score <= 1:
        raise errors.BadScore()
    return _ask(person, version, Wish.OVERRIDE, reason, by, score=score)


def ask_exemption(*, person: Person, version: QuizVersion, reason: str, by: Person) -> GradeDecision:
    """Ask that a person be exempt from a quiz, see `ask_override`."""
    return _ask(person, version, Wish.EXEMPTION, reason, by)


def ask_withdrawal(*, person: Person, version: QuizVersion, number: int, reason: str, by: Person) -> GradeDecision:
    """Ask that the decision of this number be taken back: what was there before counts again.

    Raises what `ask_override` does, and `NothingToWithdraw`.
    """
    _check_stands(person, version.quiz_id, number)
    return _ask(person, version, Wish.WITHDRAWAL, reason, by, withdraws_no=number)


def _ask(
    person: Person,
    version: QuizVersion,
    wish: Wish,
    reason: str,
    by: Person,
    *,
    score: Fraction | None = None,
    withdraws_no: int | None = None,
) -> GradeDecision:
    reason = reason.strip()
    if by.id == person.id:
        raise errors.OwnResult()
    if not MIN_REASON <= len(reason) <= MAX_REASON:
        raise errors.NeedsReason()
    quizzes.lock_quiz(version.quiz.slug)
    if queries.find_open_decision(person.id, version.quiz_id) is not None:
        raise errors.AlreadyAsked()
    decision = GradeDecision(
        code=new_code(),
        person_id=person.id,
        quiz_id=version.quiz_id,
        quiz_version_id=version.id,
        wish=wish,
        score=score,
        withdraws_no=withdraws_no,
        reason=reason,
        asked_at=clock.now(),
        asked_by_id=by.id,
    )
    session.add(decision)
    session.flush()
    record(
        "gradebook.decision_asked",
        by=by,
        subject=("grade_decision", decision.code),
        after=_facts(decision, person, version),
        reason=reason,
    )
    return decision


def confirm(*, decision: GradeDecision, by: Person) -> ScoreEntry:
    """Agree as the second person: from this moment on it counts, and the learner is told.

    Raises `AlreadyClosed`, `NeedsSecondPerson`, and `NothingToWithdraw` where what is to be taken back does not
    stand any more.
    """
    decision = queries.lock_decision(decision.id)
    if decision.closed_at is not None:
        raise errors.AlreadyClosed()
    if by.id in (decision.asked_by_id, decision.person_id):
        raise errors.NeedsSecondPerson()
    person, version = decision.person, decision.quiz_version
    if decision.withdraws_no is not None:
        _check_stands(person, decision.quiz_id, decision.withdraws_no)
    now = clock.now()
    decision.closed_at, decision.closed_by_id, decision.is_confirmed = now, by.id, True
    entry = ScoreEntry(
        person_id=decision.person_id,
        quiz_id=decision.quiz_id,
        attempt_id=None,
        entry_no=queries.next_by_hand(decision.person_id, decision.quiz_id),
        kind=EntryKind(decision.wish.value),
        score=decision.score,
        passed=rules.has_reached(decision.score, version.pass_mark) if decision.score is not None else None,
        at=now,
        reason=decision.reason,
        decision=decision,
        withdraws_no=decision.withdraws_no,
    )
    session.add(entry)
    session.flush()
    publish(ResultDecided(decision.person_id, decision.quiz_id, version.quiz.slug, now))
    send_later(DECIDED, {"code": decision.code}, effect_key=f"{DECIDED}:{decision.code}")
    record(
        "gradebook.decision_confirmed",
        by=by,
        subject=("grade_decision", decision.code),
        after=_facts(decision, person, version) | {"asked_by": decision.asked_by.code},
        reason=decision.reason,
    )
    return entry


def decline(*, decision: GradeDecision, note: str, by: Person) -> GradeDecision:
    """Close a request without its taking effect; who asked may take it back so. Raises `AlreadyClosed`."""
    decision = queries.lock_decision(decision.id)
    if decision.closed_at is not None:
        raise errors.AlreadyClosed()
    if by.id == decision.person_id:
        raise errors.OwnResult()
    decision.closed_at, decision.closed_by_id, decision.is_confirmed = clock.now(), by.id, False
    decision.note = note.strip()[:MAX_REASON] or None
    session.flush()
    record(
        "gradebook.decision_declined",
        by=by,
        subject=("grade_decision", decision.code),
        after=_facts(decision, decision.person, decision.quiz_version),
        reason=decision.note,
    )
    return decision


def _check_stands(person: Person, quiz_id: int, number: int) -> None:
    lines = queries.list_by_hand(person.id, quiz_id)
    gone = {each.withdraws_no for each in lines}
    if not any(
        each.entry_no == number and each.kind is not EntryKind.WITHDRAWAL and number not in gone for each in lines
    ):
        raise errors.NothingToWithdraw()


def _facts(decision: GradeDecision, person: Person, version: QuizVersion) -> dict[str, Any]:
    facts: dict[str, Any] = {"person": person.code, "quiz": version.quiz.slug, "wish": decision.wish.value}
    if decision.score is not None:
        facts["score"] = str(decision.score)
    if decision.withdraws_no is not None:
        facts["withdraws_no"] = decision.withdraws_no
    return facts
