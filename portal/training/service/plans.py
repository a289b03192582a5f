"""Writing plans, version by version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256

from portal.accounts.models import Person
from portal.core import clock
from portal.core.content import SLUG
from portal.core.db import canonical_json, session
from portal.core.errors import Invalid
from portal.core.i18n import gettext as _
from portal.journal.service import record
from portal.training import rules
from portal.training.errors import PlanCannotBeFollowed, VersionNotHigher, VersionNumberInvalid
from portal.training.models import Plan, PlanEvent, PlanPhase, PlanStep, PlanVersion
from portal.training.queries import catalogue
from portal.training.rules import Doer, Fault, FaultKind, PlanSpec, StepKind, StepSpec


def create_plan_version(*, slug: str, spec: PlanSpec, by: Person) -> tuple[PlanVersion, bool]:
    """Add a version to the plan of the slug, or found the plan with it.

    Returns the latest version and whether it is new: a version that says what the latest one says
    is not made again. Raises `PlanCannotBeFollowed`, `VersionNumberInvalid`, `VersionNotHigher`.
    """
    if not SLUG.fullmatch(slug):
        raise Invalid()
    broken = [fault for fault in rules.faults(spec.shapes) if fault.kind not in rules.WARNINGS]
    words = [in_words(fault) for fault in broken] + [said for step in spec.steps for said in faults_of_step(step, spec)]
    words += [said for _number, said in faults_of_events(spec)]
    if words:
        raise PlanCannotBeFollowed(faults=" ".join(words))
    plan, latest = catalogue.find_plan(slug), catalogue.find_latest_version(slug)
    digest = digest_of(spec)
    if latest is not None and latest.digest == digest:
        return latest, False
    _check_number(spec.number, latest)
    now = clock.now()
    if plan is None:
        plan = Plan(slug=slug, created_at=now)
    version = PlanVersion(
        plan=plan,
        number=spec.number,
        title=spec.title,
        summary=spec.summary,
        credential_slug=spec.credential,
        digest=digest,
        created_at=now,
        created_by=by.code,
        phases=[
            PlanPhase(slug=phase.slug, position=position, title=phase.title)
            for position, phase in enumerate(spec.phases, start=1)
        ],
        events=[
            PlanEvent(slug=event.slug, position=position, title=event.title)
            for position, event in enumerate(spec.events, start=1)
        ],
        steps=[
            PlanStep(
                slug=step.slug,
                position=position,
                phase_slug=step.phase,
                kind=step.kind,
                document_slug=step.document,
                quiz_slug=step.quiz,
                title=step.title,
                instructions=step.instructions,
                due_days=step.due_days,
                anchor_slug=step.anchor,
                minutes=step.minutes,
                required=step.required,
                by=step.by,
                prerequisites=list(step.prerequisites),
                statement_asked=None if step.asks_statement else False,
                event_slug=step.event,
                recognise_days=step.recognise_days,
                evidence_kinds=[each.value for each in step.evidence] or None,
                gate_quizzes=list(step.gate_quizzes) or None,
                gate_bound=step.gate_bound,
                gate_minimum=step.gate_minimum,
                about_documents=list(step.about) or None,
            )
            for position, step in enumerate(spec.steps, start=1)
        ],
    )
    session.add(version)
    session.flush()
    record(
        "training.plan_version_created",
        by=by,
        subject=("plan", slug),
        before={"version": latest.number} if latest else None,
        after={"version": spec.number, "digest": digest},
    )
    return version, True


def keep_stated_owner(*, plan: Plan, owner: str, deputy: str, became: Person) -> None:
    """Keep whom an imported file names as owner and deputy, and who became owner for that."""
    plan.stated_owner, plan.stated_deputy, plan.stated_owner_became = owner, deputy, became.code


def digest_of(spec: PlanSpec) -> str:
    """Return the SHA-256 of all that a version says."""
    said = asdict(spec)
    # Said only where it differs, so that the digests of versions hold that were written before there was a choice.
    for step in said["steps"]:
        if step["asks_statement"]:
            del step["asks_statement"]
        if step["event"] is None:
            del step["event"]
        if step["recognise_days"] is None:
            del step["recognise_days"]
        for name in ("evidence", "gate_quizzes", "gate_bound", "gate_minimum", "about"):
            if not step[name]:
                del step[name]
    if not said["events"]:
        del said["events"]
    return sha256(canonical_json(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Called:
    """What faults call the steps, events and quizzes of a plan: their slugs, or what a reader knows them by."""

    step: Callable[[str], str] = str
    event: Callable[[str], str] = str
    quiz: Callable[[str], str] = str


BY_SLUG = Called()


def faults_of_events(spec: PlanSpec, called: Called = BY_SLUG) -> list[tuple[int, str]]:
    """Return, in words, what is wrong with the events of a plan, each with the number of the event from 1."""
    said, counted_from = [], {step.event for step in spec.steps}
    slugs = [event.slug for event in spec.events]
    for number, slug in enumerate(slugs, start=1):
        if slug in slugs[: number - 1]:
            said.append((number, str(_("The event “%(name)s” stands twice.", name=slug))))
        elif slug not in counted_from:
            said.append((number, str(_("No step counts from the event “%(name)s”.", name=called.event(slug)))))
    return said


def faults_of_step(step: StepSpec, spec: PlanSpec, called: Called = BY_SLUG) -> list[str]:
    """Return, in words, what a step lacks for its kind or names that does not exist."""
    said, named = [], called.step(step.slug)
    if step.phase is not None and step.phase not in {phase.slug for phase in spec.phases}:
        said.append(
            _("The step “%(step)s” names the phase “%(name)s”, which does not exist.", step=named, name=step.phase)
        )
    if step.event is not None and step.event not in {event.slug for event in spec.events}:
        said.append(
            _(
                "The step “%(step)s” counts from the event “%(name)s”, which does not exist.",
                step=named,
                name=step.event,
            )
        )
    if step.event is not None and step.anchor is not None:
        said.append(_("The step “%(step)s” counts from a step and from an event; only one is possible.", step=named))
    is_reading = step.kind in (StepKind.READ, StepKind.ACKNOWLEDGE)
    if is_reading != (step.document is not None):
        said.append(
            _("The step “%(step)s” needs the document that is to be read.", step=named)
            if is_reading
            else _("The step “%(step)s” names a document, but is not about reading one.", step=named)
        )
    if (step.kind is StepKind.QUIZ) != (step.quiz is not None):
        said.append(
            _("The step “%(step)s” needs the quiz that is to be passed.", step=named)
            if step.kind is StepKind.QUIZ
            else _("The step “%(step)s” names a quiz, but is of another kind.", step=named)
        )
    if step.kind in rules.BY_OTHERS and step.by is Doer.LEARNER:
        said.append(_("The step “%(step)s” is signed off by a mentor or a lead, not by the learner.", step=named))
    elif step.kind is StepKind.GATE and step.by is not Doer.LEAD:
        said.append(_("The gate “%(step)s” is signed off by a lead.", step=named))
    elif step.kind not in rules.BY_OTHERS | {StepKind.TASK} and step.by is not Doer.LEARNER:
        said.append(_("The step “%(step)s” can be done by the learner only.", step=named))
    if step.kind in rules.BY_OTHERS | {StepKind.TASK} and step.title is None:
        said.append(_("The step “%(step)s” needs a title of its own.", step=named))
    if step.kind is not StepKind.SIGN_OFF and not step.asks_statement:
        said.append(_("The step “%(step)s” is not signed off, so it says nothing about a statement.", step=named))
    if step.recognise_days is not None and not 1 <= step.recognise_days <= rules.MAX_RECOGNISE_DAYS:
        said.append(
            _(
                "The step “%(step)s” can recognise what is 1 to %(most)s days old, nothing else.",
                step=named,
                most=rules.MAX_RECOGNISE_DAYS,
            )
        )
    said += _faults_of_task(step, named) + _faults_of_gate(step, spec, called) + _faults_of_about(step, named)
    if not 0 <= step.minutes <= rules.MAX_MINUTES:
        said.append(
            _("The step “%(step)s” takes 0 to %(most)s minutes, nothing else.", step=named, most=rules.MAX_MINUTES)
        )
    return said


def _faults_of_task(step: StepSpec, named: str) -> list[str]:
    if (step.kind is StepKind.TASK) == bool(step.evidence):
        return []
    return [
        _("The task “%(step)s” needs to say what can be handed in.", step=named)
        if step.kind is StepKind.TASK
        else _("The step “%(step)s” says what can be handed in, but is no task.", step=named)
    ]


def _faults_of_about(step: StepSpec, named: str) -> list[str]:
    """Return what is wrong with what a step is evidence for; what records only that it took place is none."""
    if not step.about:
        return []
    if step.kind not in rules.ABOUT_DOCUMENTS:
        return [_("The step “%(step)s” says which documents it is about, but is not signed off.", step=named)]
    if not step.asks_statement:
        return [
            _(
                "The step “%(step)s” records only that it took place, so it is no evidence about a document.",
                step=named,
            )
        ]
    return [
        _(
            "The step “%(step)s” is about “%(name)s”, which is no address of a document or clause.",
            step=named,
            name=name,
        )
        for name in step.about
        if not rules.ADDRESS.fullmatch(name)
    ]


def _faults_of_gate(step: StepSpec, spec: PlanSpec, called: Called) -> list[str]:
    """Return what a gate lacks: its quizzes come before it as steps, so that it waits until they are passed."""
    named = called.step(step.slug)
    if step.kind is not StepKind.GATE:
        if step.gate_quizzes or step.gate_bound is not None or step.gate_minimum is not None:
            return [_("The step “%(step)s” says when a gate is reached, but is no gate.", step=named)]
        return []
    said = []
    if not step.gate_quizzes:
        said.append(_("The gate “%(step)s” needs the quizzes that it rests on.", step=named))
    if step.gate_bound is None or not 0 < step.gate_bound < 1 or step.gate_bound % rules.BOUND_STEP:
        said.append(
            _(
                "The bound of the gate “%(step)s” is above 0 and below 100 percent, with at most one decimal.",
                step=named,
            )
        )
    if step.gate_minimum is not None and not 1 <= step.gate_minimum <= rules.MAX_GATE_MINIMUM:
        said.append(
            _(
                "The gate “%(step)s” rests on 1 to %(most)s questions, nothing else.",
                step=named,
                most=rules.MAX_GATE_MINIMUM,
            )
        )
    plan = {each.slug: each.shape for each in spec.steps}
    # What is wrong with the order itself is said elsewhere.
    known = all(name in plan for each in spec.steps for name in each.prerequisites)
    before = rules.all_before(step.shape, plan) if known else set(plan)
    first = {each.quiz for each in spec.steps if each.quiz and each.slug in before}
    said += [
        _(
            "The quiz “%(quiz)s” of the gate “%(step)s” is no step that comes before it.",
            quiz=called.quiz(name),
            step=named,
        )
        for name in step.gate_quizzes
        if name not in first
    ]
    return said


def in_words(fault: Fault, called: Called = BY_SLUG) -> str:
    """Say a fault of a plan's steps in the reader's language."""
    named, others = called.step(fault.slug), [called.step(each) for each in fault.others]
    values = {"step": named, "name": others[0] if others else ""}
    match fault.kind:
        case FaultKind.DUPLICATE_STEP:
            # It is the slug that stands twice; their titles may differ.
            return str(_("The step “%(step)s” stands twice.", step=fault.slug))
        case FaultKind.DUE_TOO_EARLY:
            return str(
                _(
                    "The step “%(step)s” is due earlier than %(most)s working days before the plan begins, or "
                    "than %(before_event)s before an event.",
                    step=named,
                    most=rules.MAX_DAYS_BEFORE_START,
                    before_event=rules.MAX_DUE_DAYS,
                )
            )
        case FaultKind.DUE_TOO_LATE:
            return str(
                _(
                    "The step “%(step)s” is due later than %(most)s working days after the plan begins, or after "
                    "an event.",
                    step=named,
                    most=rules.MAX_DUE_DAYS,
                )
            )
        case FaultKind.UNKNOWN_ANCHOR:
            return str(_("The step “%(step)s” counts from “%(name)s”, which does not exist.", **values))
        case FaultKind.LATER_ANCHOR:
            return str(_("The step “%(step)s” counts from “%(name)s”, which does not stand before it.", **values))
        case FaultKind.UNKNOWN_PREREQUISITE:
            return str(_("The step “%(step)s” needs “%(name)s”, which does not exist.", **values))
        case FaultKind.CYCLE:
            ring = " → ".join((*others, others[0]))
            return str(_("Steps wait for one another in a ring: %(ring)s.", ring=ring))
        case FaultKind.OPTIONAL_PREREQUISITE:
            return str(_("The required step “%(step)s” needs the optional step “%(name)s”.", **values))
        case FaultKind.DUE_BEFORE_PREREQUISITE:
            return str(_("The step “%(step)s” is due before “%(name)s”, which it needs.", **values))
        case FaultKind.NO_REQUIRED_STEP:
            return str(_("The plan has no required step, so it would be complete from the start."))


def _check_number(number: str, latest: PlanVersion | None) -> None:
    try:
        key = rules.number_key(number)
    except ValueError as unreadable:
        raise VersionNumberInvalid(number=number) from unreadable
    if latest is not None and key <= rules.number_key(latest.number):
        raise VersionNotHigher(number=number, latest=latest.number)
