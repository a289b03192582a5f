"""Exempting one learner from one step, taking that back, and what each would change before it is done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.training import queries, rules
from portal.training.errors import (
    AlreadyExempt,
    DoneNotExempted,
    ExemptionChanged,
    GateCannotBeExempted,
    NotExempt,
    NothingWouldRemain,
    PlanIsOver,
)
from portal.training.models import Enrollment, PlanStep, StepExemption
from portal.training.queries import Standing
from portal.training.rules import SETTLED, ExemptionAct, StepKind, StepState, StepStatus
from portal.training.service.enrollments import checked_reason, complete_plan, lock, tell_of_waiting


@dataclass(frozen=True, slots=True)
class Effect:
    """What an exemption, or taking it back, would change besides the step itself; no date moves.

    `opens` are the steps that wait for nothing any more, `closes` those that would wait again. `completes`: every
    required step of the plan would be settled. `costs_credential`: a quiz that the plan's credential says was passed
    would not have been passed. `due_on` is the date that the step would have again, None where it is exempted.
    """

    opens: Sequence[PlanStep]
    closes: Sequence[PlanStep]
    completes: bool = False
    costs_credential: bool = False
    due_on: date | None = None

    @property
    def key(self) -> str:
        """What a page that has shown it says of it, so that another effect is shown first."""
        steps = (",".join(step.slug for step in each) for each in (self.opens, self.closes))
        return "/".join((*steps, str(self.completes), str(self.costs_credential), str(self.due_on or "")))


def effect_of_exempting(*, standing: Standing, step: PlanStep) -> Effect:
    """Return what would change if the learner were exempt from a step.

    Raises `PlanIsOver`, `GateCannotBeExempted`, `DoneNotExempted`, `AlreadyExempt`, `NothingWouldRemain`.
    """
    state = standing.statuses[step.slug].state
    if not standing.enrollment.is_open:
        raise PlanIsOver()
    if step.kind is StepKind.GATE:
        raise GateCannotBeExempted()
    if state is StepState.DONE:
        raise DoneNotExempted()
    if state is StepState.EXEMPT:
        raise AlreadyExempt()
    exempt = standing.basis.exempt | {step.slug}
    shapes = [each.shape for each in standing.steps]
    if step.required and rules.would_be_empty(shapes, standing.completions, exempt):
        raise NothingWouldRemain()
    opens, closes = _compared(standing, exempt)
    return Effect(
        opens,
        closes,
        completes=rules.is_complete(shapes, standing.completions, exempt),
        costs_credential=costs_credential(standing.enrollment, step),
    )


def costs_credential(enrollment: Enrollment, step: PlanStep) -> bool:
    """Say whether somebody who is exempt from this step earns no credential with the plan.

    A credential says that its quizzes were passed: that one of them need not be is decided by two people, in the
    gradebook.
    """
    return enrollment.version.credential_slug is not None and step.kind is StepKind.QUIZ and step.required


def effect_of_taking_back(*, standing: Standing, step: PlanStep) -> Effect:
    """Return what would change if the learner were not exempt from a step any more.

    Raises `PlanIsOver`, `NotExempt`.
    """
    if not standing.enrollment.is_open:
        raise PlanIsOver()
    if standing.statuses[step.slug].state is not StepState.EXEMPT:
        raise NotExempt()
    opens, closes = _compared(standing, standing.basis.exempt - {step.slug})
    return Effect(opens, closes, due_on=standing.asked_by(step.slug))


def _compared(standing: Standing, exempt: Collection[str]) -> tuple[list[PlanStep], list[PlanStep]]:
    """Return which steps would wait for nothing any more with these exemptions, and which would wait again."""
    now = standing.statuses
    then = rules.statuses(
        [each.shape for each in standing.steps], standing.dues, standing.completions, standing.today, exempt=exempt
    )

    def is_locked(statuses: dict[str, StepStatus], step: PlanStep) -> bool:
        return statuses[step.slug].state is StepState.LOCKED

    both = [step for step in standing.steps if not {now[step.slug].state, then[step.slug].state} & SETTLED]
    opens = [step for step in both if is_locked(dict(now), step) and not is_locked(then, step)]
    return opens, [step for step in both if is_locked(then, step) and not is_locked(dict(now), step)]


def exempt_step(
    *, enrollment: Enrollment, step: PlanStep, reason: str, by: Person, seen: str | None = None
) -> StepExemption:
    """Exempt the learner from a step: it is asked of her no more, and satisfies what waits for it.

    Its date stays, for what is counted from it. With the last required step the plan is complete. `seen` is the `key`
    of the effect that was shown. Raises what `effect_of_exempting` raises, `ReasonMissing`, `StatementTooLong`,
    `ExemptionChanged`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    effect = effect_of_exempting(standing=queries.standing_of(enrollment), step=step)
    if seen is not None and seen != effect.key:
        raise ExemptionChanged()
    row = _add(enrollment, step, ExemptionAct.EXEMPTED, said, by)
    if effect.completes:
        complete_plan(enrollment, row.at)
    else:
        tell_of_waiting(enrollment)
    return row


def take_back_exemption(
    *, enrollment: Enrollment, step: PlanStep, reason: str, by: Person, seen: str | None = None
) -> StepExemption:
    """Ask a step of the learner again, under the date that it has had all along.

    `seen` is the `key` of the effect that was shown. Raises what `effect_of_taking_back` raises, `ReasonMissing`,
    `StatementTooLong`, `ExemptionChanged`, `HolidayYearUnknown`.
    """
    lock(enrollment)
    said = checked_reason(reason)
    effect = effect_of_taking_back(standing=queries.standing_of(enrollment), step=step)
    if seen is not None and seen != effect.key:
        raise ExemptionChanged()
    row = _add(enrollment, step, ExemptionAct.TAKEN_BACK, said, by)
    tell_of_waiting(enrollment)
    return row


def _add(enrollment: Enrollment, step: PlanStep, act: ExemptionAct, reason: str, by: Person) -> StepExemption:
    row = StepExemption(
        enrollment_id=enrollment.id,
        step_id=step.id,
        number=len(queries.list_exemptions(enrollment, step)) + 1,
        act=act,
        reason=reason,
        by=by,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    # The reason stays with the training: it is about a person, the journal about acts.
    about = {"person": enrollment.person.code, "step": step.slug}
    if act is ExemptionAct.EXEMPTED:
        record("training.step_exempted", by=by, subject=("enrollment", enrollment.code), after=about)
    else:
        record("training.exemption_taken_back", by=by, subject=("enrollment", enrollment.code), after=about)
    return row
