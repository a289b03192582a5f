"""Who sees a learner's training, and who may sign off what she has shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, open_grants
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import scopes_of_cohort
from portal.core.access import AnyOf, Permission, allows
from portal.library.permissions import WRITERS
from portal.training import rules
from portal.training.models import (
    Enrollment,
    LiveSession,
    Plan,
    PlanEvent,
    PlanExtension,
    PlanStep,
    StepExtension,
)
from portal.training.rules import Doer

SEE_ENROLLMENT = Permission("training.see_enrollment", "see how far a learner is in a plan")
SEE_LEARNERS = Permission("training.see_learners", "see the list of the learners whom one leads or mentors")
SEE_SIGN_OFFS = Permission("training.see_sign_offs", "see which steps wait for one's sign-off")
SIGN_OFF = Permission("training.sign_off", "sign a step off, or send it back")
CHANGE_DATES = Permission("training.change_dates", "move a learner's dates, pause or end her plan, or record her leave")
CHANGE_COHORT_DATES = Permission("training.change_cohort_dates", "move the day of an event for a whole cohort")
CREATE_COHORTS = Permission("training.create_cohorts", "put together a cohort for a team or market that one leads")
CONTINUE_DRAFT = Permission("training.continue_draft", "go on with a cohort that one has begun to put together")
ADD_LEARNERS = Permission("training.add_learners", "add learners to a cohort that is running, or withdraw it")
SWAP_COHORT = Permission("training.swap_cohort", "let a cohort's learners go on in another version of their plan")
ASK_AGAIN = Permission("training.ask_again", "ask again for the sign-off of a step that was sent back")
HAND_IN = Permission("training.hand_in", "hand in evidence for a task")
SEE_EVIDENCE = Permission("training.see_evidence", "see what a learner handed in for a task")
SEE_PLANS = Permission("training.see_plans", "see all plans, their versions and what changed between them")
WRITE_PLANS = Permission("training.write_plans", "write plans: begin drafts, change and submit them")
SEE_PLAN_DRAFTS = Permission("training.see_plan_drafts", "see drafts of plans and how their approval stands")
REVIEW_PLANS = Permission("training.review_plans", "approve a draft of a plan or send it back; never one's own")
RUN_SESSION = Permission("training.run_session", "move or cancel a session, record who attended, add learners")


@dataclass(frozen=True, slots=True)
class StepOfEnrollment:
    """One step of one learner."""

    enrollment: Enrollment
    step: PlanStep


@dataclass(frozen=True, slots=True)
class ExtensionOfEnrollment:
    """More time that one learner was given: the extension `number` (from 1) of a step, or of her whole plan."""

    enrollment: Enrollment
    step: PlanStep | None
    number: int
    row: StepExtension | PlanExtension


@dataclass(frozen=True, slots=True)
class EventOfEnrollment:
    """One event of one learner's plan."""

    enrollment: Enrollment
    event: PlanEvent


@dataclass(frozen=True, slots=True)
class EventOfCohort:
    """One event of a plan for a cohort; `learners` are the rows of the people whose day it is."""

    cohort: Cohort
    event: PlanEvent
    learners: frozenset[int]


@dataclass(frozen=True, slots=True)
class PlanOfCohort:
    """A plan that people follow with a cohort."""

    cohort: Cohort
    plan: Plan


def scopes_of_enrollment(
    thing: Enrollment | StepOfEnrollment | ExtensionOfEnrollment | EventOfEnrollment,
) -> dict[Scope, set[str]]:
    """Return the markets, teams and cohort through which a learner's training can be seen."""
    enrollment = _enrollment_of(thing)
    cohort, team = enrollment.cohort, enrollment.person.team
    return {
        Scope.MARKET: {enrollment.market.code} | ({cohort.market.code} if cohort else set()),
        Scope.TEAM: {each.code for each in (team, cohort.team if cohort else None) if each},
        Scope.COHORT: {cohort.code} if cohort else set(),
    }


def is_own_training(person: Person, thing: Any) -> bool:
    """Say whether it is the person's own training."""
    return bool(_enrollment_of(thing).person_id == person.id)


def _enrollment_of(thing: Enrollment | StepOfEnrollment | ExtensionOfEnrollment | EventOfEnrollment) -> Enrollment:
    return thing if isinstance(thing, Enrollment) else thing.enrollment


def scopes_of_event(thing: EventOfCohort) -> dict[Scope, set[str]]:
    """Return the scopes of the cohort whose event it is."""
    return scopes_of_cohort(thing.cohort)


def scopes_of_plan(thing: PlanOfCohort) -> dict[Scope, set[str]]:
    """Return the scopes of the cohort that follows a plan."""
    return scopes_of_cohort(thing.cohort)


def is_day_of_others(person: Person, thing: Any) -> bool:
    """Say whether the event is nobody's own: nobody moves the dates of her own training."""
    return isinstance(thing, EventOfCohort) and person.id not in thing.learners


def is_somebody_elses(person: Person, thing: Any) -> bool:
    """Say whether it is not the person's own training: nobody signs off herself."""
    return not is_own_training(person, thing)


def is_for_mentors(person: Person, thing: Any) -> bool:
    """Say whether a mentor may complete the step."""
    return isinstance(thing, StepOfEnrollment) and thing.step.by is Doer.MENTOR


def leads_a_team(person: Person, thing: Any) -> bool:
    """Say whether the person leads a team, a market or the organisation: a single cohort is not enough."""
    return any(grant.scope is not Scope.COHORT for grant in open_grants(person, Role.LEAD))


def is_own_draft(person: Person, thing: Any) -> bool:
    """Say whether the person began the draft."""
    return bool(thing.created_by_id == person.id)


def can_sign_off_everybody(person: Person, thing: Any) -> bool:
    """Say whether the person can complete the step of everybody whom a session is for.

    One that nobody is expected at any more is the matter of who planned it.
    """
    assert isinstance(thing, LiveSession)
    people = expected_at(thing)
    if not people:
        return thing.created_by_id == person.id
    return all(allows(person, SIGN_OFF, each) for each in people)


def expected_at(thing: LiveSession) -> list[StepOfEnrollment]:
    """Return the learners whom a session is for, each with the step in her version of the plan.

    Whoever went on in another version has a seat in each; the latest counts. Whose training ended before the session
    began is expected no more: see `gone_from`.
    """
    return [each for each in _seated(thing) if not rules.has_left(each.enrollment.ended_at, thing.time.starts_at)]


def gone_from(thing: LiveSession) -> list[StepOfEnrollment]:
    """Return the learners who were expected at a session until their training ended."""
    return [each for each in _seated(thing) if rules.has_left(each.enrollment.ended_at, thing.time.starts_at)]


def _seated(thing: LiveSession) -> list[StepOfEnrollment]:
    latest = {seat.enrollment.lasting_code: seat for seat in thing.seats}
    return [
        StepOfEnrollment(seat.enrollment, step)
        for seat in thing.seats
        if latest[seat.enrollment.lasting_code] is seat
        for step in seat.enrollment.version.steps
        if step.slug == thing.step.slug
    ]


TABLE: dict[Permission, AnyOf] = {
    CREATE_COHORTS: [[leads_a_team], [holds_everywhere(Role.ADMIN)]],
    CONTINUE_DRAFT: [[is_own_draft, holds(Role.LEAD)], [is_own_draft, holds_everywhere(Role.ADMIN)]],
    ADD_LEARNERS: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    SEE_ENROLLMENT: [
        [is_own_training],
        [holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_enrollment)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    SEE_LEARNERS: [[holds(Role.LEAD, Role.MENTOR)]],
    SEE_SIGN_OFFS: [[holds(Role.LEAD, Role.MENTOR)]],
    SIGN_OFF: [
        [is_somebody_elses, holds_for(Role.LEAD, scopes=scopes_of_enrollment)],
        [is_somebody_elses, is_for_mentors, holds_for(Role.MENTOR, scopes=scopes_of_enrollment)],
    ],
    CHANGE_DATES: [
        [is_somebody_elses, holds_for(Role.LEAD, scopes=scopes_of_enrollment)],
        [is_somebody_elses, holds_everywhere(Role.ADMIN)],
    ],
    CHANGE_COHORT_DATES: [
        [is_day_of_others, holds_for(Role.LEAD, scopes=scopes_of_event)],
        [is_day_of_others, holds_everywhere(Role.ADMIN)],
    ],
    SWAP_COHORT: [[holds_for(Role.LEAD, scopes=scopes_of_plan)], [holds_everywhere(Role.ADMIN)]],
    ASK_AGAIN: [[is_own_training]],
    HAND_IN: [[is_own_training]],
    SEE_EVIDENCE: [
        [is_own_training],
        [holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_enrollment)],
        [holds_everywhere(Role.AUDITOR)],
    ],
    SEE_PLANS: [
        [holds_everywhere(Role.AUTHOR, Role.POLICY_OWNER, Role.APPROVER, Role.AUDITOR, Role.ADMIN)],
        [holds(Role.LEAD, Role.MENTOR)],
    ],
    WRITE_PLANS: [[holds_everywhere(*WRITERS)]],
    SEE_PLAN_DRAFTS: [[holds_everywhere(*WRITERS, Role.APPROVER, Role.AUDITOR, Role.ADMIN)]],
    REVIEW_PLANS: [[holds_everywhere(Role.APPROVER)]],
    RUN_SESSION: [[can_sign_off_everybody]],
}
