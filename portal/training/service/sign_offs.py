"""Signing off what a learner has shown, sending it back, and asking again."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.core.mail import send_later
from portal.journal.service import record
from portal.training import queries
from portal.training.errors import (
    GateNotReached,
    NewerEvidence,
    NothingToSendBack,
    NotSentBack,
    NotWaitingForSignOff,
    StatementMissing,
    StatementTooLong,
)
from portal.training.models import Enrollment, PlanStep, SignOff
from portal.training.queries import step_results
from portal.training.rules import STATEMENT_LIMIT, GateFigures, SignOffAct, StepKind
from portal.training.service.enrollments import Evidence, complete_step, lock, tell_who_signs_off


def sign_off(*, enrollment: Enrollment, step: PlanStep, statement: str, by: Person, seen: int | None = None) -> SignOff:
    """State that the learner has shown the skill; the step is done with it.

    Where the plan asks for no statement, none is kept whatever was written: only that it took place is recorded. What
    was handed in for a task is accepted with or without words, and `seen` is the number of what was looked at. A gate
    keeps the figures on which it was signed off. Raises `StatementMissing`, `StatementTooLong`, `NotWaitingForSignOff`,
    `NewerEvidence`, `GateNotReached`.
    """
    is_task = step.kind is StepKind.TASK
    kept = "" if not step.asks_statement else _checked(statement, may_be_empty=is_task)
    figures = None
    if step.kind is StepKind.GATE:
        lock(enrollment)
        reached = step_results.gate_figures(enrollment, step)
        if enrollment.is_open and not reached.is_reached:
            raise GateNotReached()
        figures = snapshot(reached)
    said = _say(enrollment, step, SignOffAct.SIGNED, kept, by, seen=seen, figures=figures)
    complete_step(enrollment=enrollment, step=step, at=said.at, evidence=Evidence())
    return said


def snapshot(figures: GateFigures) -> dict[str, Any]:
    """Return the figures of a gate as they are kept: whole numbers, and exact shares as texts."""
    interval = figures.interval
    return {
        "right": figures.right,
        "questions": figures.n,
        "low": str(interval.low) if interval else None,
        "high": str(interval.high) if interval else None,
        "bound": str(figures.terms.bound),
        "needed": figures.terms.needed,
        "quizzes": [
            {
                "quiz": each.quiz,
                "passed": each.is_passed,
                "right": each.right,
                "questions": each.scored,
                "attempt": each.attempt,
            }
            for each in figures.quizzes
        ],
    }


def send_back(
    *, enrollment: Enrollment, step: PlanStep, statement: str, by: Person, seen: int | None = None
) -> SignOff:
    """Say what is still missing; it is the learner's turn again. Of a task or a gate she is told by mail.

    Raises `StatementMissing`, `StatementTooLong`, `NotWaitingForSignOff`, `NothingToSendBack`, `NewerEvidence`.
    """
    if not step.asks_statement:
        raise NothingToSendBack()
    said = _say(enrollment, step, SignOffAct.SENT_BACK, _checked(statement), by, seen=seen)
    if step.kind is not StepKind.SIGN_OFF:
        send_later(
            "training.sent_back",
            {"code": enrollment.code, "step": step.slug, "said": said.id},
            effect_key=f"sent_back:{enrollment.code}:{step.slug}:{said.id}",
        )
    return said


def ask_again(*, enrollment: Enrollment, step: PlanStep, by: Person) -> SignOff:
    """Say that what was missing can be shown now; the step waits for its sign-off again.

    For a task something is handed in instead. Raises `NotSentBack`.
    """
    if step.kind is StepKind.TASK:
        raise NotSentBack()
    said = note_asked_again(enrollment=enrollment, step=step, by=by)
    if said is None:
        raise NotSentBack()
    tell_who_signs_off(enrollment, step)
    return said


def note_asked_again(*, enrollment: Enrollment, step: PlanStep, by: Person) -> SignOff | None:
    """Note that it is the others' turn again, where the last word was that something is missing."""
    lock(enrollment)
    rows = queries.list_sign_offs(enrollment, step)
    if not enrollment.is_open or not rows or rows[-1].act is not SignOffAct.SENT_BACK:
        return None
    return _add(enrollment, step, SignOffAct.ASKED_AGAIN, "", by)


def _say(
    enrollment: Enrollment,
    step: PlanStep,
    act: SignOffAct,
    statement: str,
    by: Person,
    *,
    seen: int | None = None,
    figures: dict[str, Any] | None = None,
) -> SignOff:
    lock(enrollment)
    if not enrollment.is_open or not queries.can_be_judged(enrollment, step):
        raise NotWaitingForSignOff()
    number = None
    if step.kind is StepKind.TASK:
        number = step_results.list_evidence(enrollment, step)[-1].number
        if seen is not None and seen != number:
            raise NewerEvidence()
    return _add(enrollment, step, act, statement, by, evidence_no=number, figures=figures)


def _add(
    enrollment: Enrollment,
    step: PlanStep,
    act: SignOffAct,
    statement: str,
    by: Person,
    *,
    evidence_no: int | None = None,
    figures: dict[str, Any] | None = None,
) -> SignOff:
    said = SignOff(
        enrollment_id=enrollment.id,
        step_id=step.id,
        act=act,
        statement=statement,
        by=by,
        at=clock.now(),
        evidence_no=evidence_no,
        figures=figures,
    )
    session.add(said)
    session.flush()
    # The statement itself stays with the training: it is about a person, the journal about acts.
    record(
        f"training.step_{act.value}",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"step": step.slug, "person": enrollment.person.code}
        | ({"right": figures["right"], "questions": figures["questions"]} if figures else {}),
    )
    return said


def _checked(statement: str, *, may_be_empty: bool = False) -> str:
    text = statement.strip()
    if not text and not may_be_empty:
        raise StatementMissing()
    if len(text) > STATEMENT_LIMIT:
        raise StatementTooLong(length=len(text), limit=STATEMENT_LIMIT)
    return text
