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
from portal.journal.service import record
from portal.library.rules.overlays import base_slug
from portal.organisation.models import Market
from portal.training import queries, rules
from portal.training.errors import AlreadyEnrolled, PersonInactive, ZoneUnknown
from portal.training.events import PlanCompleted
from portal.training.models import Enrollment, PlanStep, PlanVersion, StepCompletion
from portal.training.rules import Doer, StepKind, StepState


@dataclass(frozen=True, slots=True)
class Evidence:
    """What completed a step: the version read or acknowledged, or the attempt and its score."""

    document_slug: str | None = None
    document_version: str | None = None
    acknowledgement_id: int | None = None
    attempt_code: str | None = None
    score: Fraction | None = None


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
    counts where that version is still in force; quizzes passed before do not. Raises
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
        rules.schedule([step.shape for step in version.steps], starts_on, calendars.working_calendar(market, person.id))
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


def note_result(
    *, person_id: int, quiz_slug: str, attempt_code: str, score: Fraction, passed: bool, at: datetime
) -> None:
    """Complete the steps that ask for this quiz, if it was passed."""
    if not passed:
        return
    evidence = Evidence(attempt_code=attempt_code, score=score)
    for enrollment, step in queries.list_unfinished_steps(person_id, [StepKind.QUIZ], quiz_slug):
        complete_step(enrollment=enrollment, step=step, at=at, evidence=evidence)


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
    """Complete what the learner had acknowledged before, in the versions that are in force today."""
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


def _tell_who_signs_off(enrollment: Enrollment) -> None:
    """Owe a mail to each who can sign off a step that has begun to wait; each is told once a turn."""
    for step in enrollment.version.steps:
        if step.by is not Doer.LEARNER and queries.state_of(enrollment, step) is StepState.WAITING:
            tell_who_signs_off(enrollment, step)


def tell_who_signs_off(enrollment: Enrollment, step: PlanStep) -> None:
    """Owe a mail to those who can sign off this step, once a turn."""
    turn = len(queries.list_sign_offs(enrollment, step))
    for signer in queries.list_signers(enrollment, step):
        send_later(
            "training.sign_off_waiting",
            {"code": enrollment.code, "step": step.slug, "to": signer.code},
            effect_key=f"sign_off_waiting:{enrollment.code}:{step.slug}:{turn}:{signer.code}",
        )
