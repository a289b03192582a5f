"""Enrolling people, and noting what they have completed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import select

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.errors import HolidayYearUnknown, unknown_years_refused
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.core.mail import send_later
from portal.gradebook import queries as gradebook
from portal.gradebook.models import ScoreEntry
from portal.journal.service import record
from portal.library.rules.overlays import base_slug
from portal.organisation.models import Market
from portal.quizzes import queries as quizzes
from portal.training import queries, rules
from portal.training.errors import (
    AlreadyEnrolled,
    PersonInactive,
    PlanIsOver,
    ReasonMissing,
    StatementTooLong,
    ZoneUnknown,
)
from portal.training.events import PlanCompleted
from portal.training.models import Enrollment, PlanStep, PlanVersion, StepCompletion
from portal.training.rules import STATEMENT_LIMIT, Doer, StepKind, StepState


@dataclass(frozen=True, slots=True)
class Evidence:
    """What completed a step: the version read or acknowledged, the attempt and its score, or a decision by hand."""

    document_slug: str | None = None
    document_version: str | None = None
    acknowledgement_id: int | None = None
    attempt_code: str | None = None
    score: Fraction | None = None
    score_entry_id: int | None = None


def enroll(
    *,
    person: Person,
    version: PlanVersion,
    starts_on: date,
    by: Person,
    market: Market | None = None,
    cohort: Cohort | None = None,
) -> Enrollment:
    """Let the person follow this version of a plan from a day on, in a market's calendar.

    The market is by default the cohort's, else the person's own. What she acknowledged before
    counts where that version is still in force; an exemption from a quiz counts, quizzes passed before do not. Raises
    `AlreadyEnrolled`, `PersonInactive`, `ZoneUnknown`, and `HolidayYearUnknown` where a step would
    fall into a year without a holiday table.
    """
    market = market or (cohort.market if cohort else person.home_market)
    if not person.is_active:
        raise PersonInactive(name=person.full_name)
    if not clock.is_zone(market.time_zone):
        raise ZoneUnknown(zone=market.time_zone, market=market.code)
    if queries.find_open_enrollment(person.id, version.plan_id) is not None:
        raise AlreadyEnrolled(name=person.full_name)
    with unknown_years_refused():
        calendar = calendars.working_calendar(market, person.id)
        rules.schedule([step.shape for step in version.steps], rules.Basis(starts_on), calendar)
    enrollment = Enrollment(
        code=new_code(),
        person=person,
        plan_id=version.plan_id,
        version=version,
        market=market,
        cohort=cohort,
        starts_on=starts_on,
        enrolled_at=clock.now(),
        enrolled_by=by.code,
    )
    session.add(enrollment)
    session.flush()
    record(
        "training.enrolled",
        by=by,
        subject=("enrollment", enrollment.code),
        after={
            "person": person.code,
            "plan": version.plan.slug,
            "version": version.number,
            "market": market.code,
            "cohort": cohort.code if cohort else None,
            "starts_on": starts_on.isoformat(),
        },
    )
    send_later("training.plan_started", {"code": enrollment.code}, effect_key=f"plan_started:{enrollment.code}")
    _recognise(enrollment)
    _tell_who_signs_off(enrollment)
    return enrollment


def end_plan(*, enrollment: Enrollment, reason: str, by: Person) -> None:
    """End a learner's plan before it is completed; what was done stays, and she may be enrolled again.

    She is told, with the reason. Raises `PlanIsOver`, `ReasonMissing`, `StatementTooLong`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    if not enrollment.is_open:
        raise PlanIsOver()
    enrollment.ended_at, enrollment.ended_by, enrollment.ended_reason = clock.now(), by.code, said
    session.flush()
    # The reason stays with the training: it is about a person, the journal about acts.
    record("training.ended", by=by, subject=("enrollment", enrollment.code), after={"person": enrollment.person.code})
    send_later("training.plan_ended", {"code": enrollment.code}, effect_key=f"plan_ended:{enrollment.code}")


def checked_reason(reason: str) -> str:
    """Return a reason without the blanks around it. Raises `ReasonMissing`, `StatementTooLong`."""
    said = reason.strip()
    if not said:
        raise ReasonMissing()
    if len(said) > STATEMENT_LIMIT:
        raise StatementTooLong(length=len(said), limit=STATEMENT_LIMIT)
    return said


def note_document(
    *,
    person_id: int,
    document_slug: str,
    version_id: int,
    acknowledgement_id: int | None = None,
) -> None:
    """Complete the steps that ask to read (and, with an acknowledgement, to acknowledge) this version.

    `document_slug` is that of the version; what a market does otherwise counts for the step of its base, in an
    enrollment in that market. Only the version in force for the enrollment's market counts. A step whose prerequisites
    are not done yet is completed all the same: they order what is offered, and nobody repeats a statement that she has
    made.
    """
    kinds = [StepKind.READ] if acknowledgement_id is None else [StepKind.READ, StepKind.ACKNOWLEDGE]
    asked_for = base_slug(document_slug)
    for enrollment, step in queries.list_unfinished_steps(person_id, kinds, asked_for):
        in_force = queries.find_version_in_force(asked_for, enrollment.market)
        if in_force is not None and in_force.id == version_id:
            evidence = Evidence(
                document_slug=in_force.document.slug,
                document_version=in_force.number,
                acknowledgement_id=acknowledgement_id,
            )
            complete_step(enrollment=enrollment, step=step, at=clock.now(), evidence=evidence)


def note_result(*, person_id: int, quiz_slug: str, at: datetime) -> None:
    """Complete the steps that ask for this quiz, if what counts since the enrollment passes or exempts.

    What is completed stays so: whatever counts later takes nothing back.
    """
    for enrollment, step in queries.list_unfinished_steps(person_id, [StepKind.QUIZ], quiz_slug):
        result = gradebook.result_since(person_id, quizzes.get_quiz(quiz_slug), enrollment.enrolled_at)
        if result.is_done and result.line is not None:
            complete_step(enrollment=enrollment, step=step, at=at, evidence=_evidence_of(result.line))
    tell_of_gates(person_id=person_id, quiz_slug=quiz_slug)


def _evidence_of(line: ScoreEntry) -> Evidence:
    if line.attempt is not None:
        return Evidence(attempt_code=line.attempt.code, score=line.score)
    return Evidence(score=line.score, score_entry_id=line.id)


def complete_step(*, enrollment: Enrollment, step: PlanStep, at: datetime, evidence: Evidence) -> StepCompletion | None:
    """Note that the learner completed the step; None where that is known already.

    With the last required step the plan is complete, which is said once.
    """
    lock(enrollment)
    done = {row.step_id for row in queries.list_completions(enrollment)}
    if step.id in done:
        return None
    now = clock.now()
    completion = StepCompletion(
        enrollment_id=enrollment.id,
        step_id=step.id,
        completed_at=at,
        recorded_at=now,
        due_on=_due_on(enrollment, step),
        document_slug=evidence.document_slug,
        document_version=evidence.document_version,
        acknowledgement_id=evidence.acknowledgement_id,
        attempt_code=evidence.attempt_code,
        score=evidence.score,
        score_entry_id=evidence.score_entry_id,
    )
    session.add(completion)
    session.flush()
    record(
        "training.step_completed",
        by=None,
        subject=("enrollment", enrollment.code),
        after={"step": step.slug, "person": enrollment.person.code},
    )
    done.add(step.id)
    slugs = {each.slug for each in enrollment.version.steps if each.id in done}
    if enrollment.is_open and rules.is_complete([each.shape for each in enrollment.version.steps], slugs):
        _complete_plan(enrollment, now)
    else:
        _tell_who_signs_off(enrollment)
    return completion


def _complete_plan(enrollment: Enrollment, now: datetime) -> None:
    enrollment.completed_at = now
    session.flush()
    record("training.plan_completed", by=None, subject=("enrollment", enrollment.code))
    publish(
        PlanCompleted(
            enrollment_id=enrollment.id,
            enrollment_code=enrollment.code,
            person_id=enrollment.person_id,
            plan_id=enrollment.plan_id,
            plan_slug=enrollment.version.plan.slug,
            plan_version_id=enrollment.plan_version_id,
            completed_at=now,
        )
    )


def lock(enrollment: Enrollment) -> None:
    """Let two last steps of one plan come one after the other, so that one of them sees both."""
    session.execute(
        select(Enrollment)
        .where(Enrollment.id == enrollment.id)
        .with_for_update(of=Enrollment)
        .execution_options(populate_existing=True)
    )


def _due_on(enrollment: Enrollment, step: PlanStep) -> date | None:
    # A missing holiday table must not keep a learner from completing what she has done.
    try:
        return queries.standing_of(enrollment).due_on(step.slug)
    except HolidayYearUnknown:
        return None


def _recognise(enrollment: Enrollment) -> None:
    """Complete what the learner had acknowledged before, in the versions that are in force today.

    Quizzes from which she is exempt are done, too; what she has passed before is not.
    """
    _recognise_exemptions(enrollment)
    for step in enrollment.version.steps:
        if step.kind not in (StepKind.READ, StepKind.ACKNOWLEDGE) or step.document_slug is None:
            continue
        known = queries.find_acknowledgement_in_force(enrollment.person_id, step.document_slug, enrollment.market)
        if known is not None:
            complete_step(
                enrollment=enrollment,
                step=step,
                at=known.at,
                evidence=Evidence(
                    document_slug=known.version.document.slug,
                    document_version=known.version.number,
                    acknowledgement_id=known.id,
                ),
            )


def _recognise_exemptions(enrollment: Enrollment) -> None:
    steps = [step for step in enrollment.version.steps if step.quiz_slug is not None]
    exempt = gradebook.find_exemptions(enrollment.person_id, {step.quiz_slug or "" for step in steps})
    for step in steps:
        line = exempt.get(step.quiz_slug or "")
        if line is not None:
            complete_step(enrollment=enrollment, step=step, at=line.at, evidence=_evidence_of(line))


def _tell_who_signs_off(enrollment: Enrollment) -> None:
    """Owe a mail to each who can sign off a step that has begun to wait; each is told once a turn."""
    for step in enrollment.version.steps:
        if step.by is not Doer.LEARNER and queries.state_of(enrollment, step) is StepState.WAITING:
            tell_who_signs_off(enrollment, step)


def tell_who_signs_off(enrollment: Enrollment, step: PlanStep) -> None:
    """Owe a mail to those who can sign off this step, once a turn.

    Of sessions that are to be planned it is said once for a step of a cohort, not for everybody in it.
    """
    if step.kind is StepKind.SESSION and enrollment.cohort is not None:
        about = f"{enrollment.cohort.code}:{enrollment.plan_id}:{step.slug}"
    else:
        turn = len(queries.list_sign_offs(enrollment, step))
        if step.kind is StepKind.TASK:
            turn += len(queries.list_evidence(enrollment, step))
        about = f"{enrollment.code}:{step.slug}:{turn}"
    for signer in queries.list_signers(enrollment, step):
        send_later(
            "training.sign_off_waiting",
            {"code": enrollment.code, "step": step.slug, "to": signer.code},
            effect_key=f"sign_off_waiting:{about}:{signer.code}",
        )


def tell_of_gates(*, person_id: int, quiz_slug: str) -> None:
    """Owe a mail to those who can sign off a gate that a new result of its quizzes has let the learner reach."""
    for enrollment in queries.list_enrollments_before_gates(person_id, quiz_slug):
        _tell_who_signs_off(enrollment)
