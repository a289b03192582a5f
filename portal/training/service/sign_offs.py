"""Signing off what a learner has shown, sending it back, and asking again."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.training import queries
from portal.training.errors import (
    NothingToSendBack,
    NotSentBack,
    NotWaitingForSignOff,
    StatementMissing,
    StatementTooLong,
)
from portal.training.models import Enrollment, PlanStep, SignOff
from portal.training.rules import STATEMENT_LIMIT, SignOffAct, StepState
from portal.training.service.enrollments import Evidence, complete_step, lock, tell_who_signs_off


def sign_off(*, enrollment: Enrollment, step: PlanStep, statement: str, by: Person) -> SignOff:
    """State that the learner has shown the skill; the step is done with it.

    Where the plan asks for no statement, none is kept whatever was written: only that it took place is
    recorded. Raises `StatementMissing`, `StatementTooLong`, `NotWaitingForSignOff`.
    """
    kept = _checked(statement) if step.asks_statement else ""
    said = _say(enrollment, step, SignOffAct.SIGNED, kept, by)
    complete_step(enrollment=enrollment, step=step, at=said.at, evidence=Evidence())
    return said


def send_back(*, enrollment: Enrollment, step: PlanStep, statement: str, by: Person) -> SignOff:
    """Say what is still missing; it is the learner's turn again.

    Raises `StatementMissing`, `StatementTooLong`, `NotWaitingForSignOff`, `NothingToSendBack`.
    """
    if not step.asks_statement:
        raise NothingToSendBack()
    return _say(enrollment, step, SignOffAct.SENT_BACK, _checked(statement), by)


def ask_again(*, enrollment: Enrollment, step: PlanStep, by: Person) -> SignOff:
    """Say that what was missing can be shown now; the step waits for its sign-off again.

    Raises `NotSentBack`.
    """
    lock(enrollment)
    rows = queries.list_sign_offs(enrollment, step)
    if not enrollment.is_open or not rows or rows[-1].act is not SignOffAct.SENT_BACK:
        raise NotSentBack()
    said = _add(enrollment, step, SignOffAct.ASKED_AGAIN, "", by)
    tell_who_signs_off(enrollment, step)
    return said


def _say(enrollment: Enrollment, step: PlanStep, act: SignOffAct, statement: str, by: Person) -> SignOff:
    lock(enrollment)
    if not enrollment.is_open or queries.state_of(enrollment, step) is not StepState.WAITING:
        raise NotWaitingForSignOff()
    return _add(enrollment, step, act, statement, by)


def _add(enrollment: Enrollment, step: PlanStep, act: SignOffAct, statement: str, by: Person) -> SignOff:
    said = SignOff(enrollment_id=enrollment.id, step_id=step.id, act=act, statement=statement, by=by, at=clock.now())
    session.add(said)
    session.flush()
    # The statement itself stays with the training: it is about a person, the journal about acts.
    record(
        f"training.step_{act.value}",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"step": step.slug, "person": enrollment.person.code},
    )
    return said


def _checked(statement: str) -> str:
    text = statement.strip()
    if not text:
        raise StatementMissing()
    if len(text) > STATEMENT_LIMIT:
        raise StatementTooLong(length=len(text), limit=STATEMENT_LIMIT)
    return text
