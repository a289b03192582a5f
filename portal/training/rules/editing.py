"""Changes to a plan that is being written: each takes a plan and returns another; unfinished plans are taken too.

Slugs are what steps, phases and events are found by; a change of one is followed wherever it is named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from portal.core.i18n import Words
from portal.training.rules import (
    ABOUT_DOCUMENTS,
    BY_OTHERS,
    Doer,
    EventSpec,
    EvidenceKind,
    PhaseSpec,
    PlanSpec,
    StepKind,
    StepSpec,
)

_NO_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 60
# Not to be mistaken for the start of a plan, from which steps are counted.
_NOT_A_SLUG = "start"
# With this begin the names of what has none of its own yet.
GIVEN = "new-"


class Gone(Exception):
    """What is to be changed is not in the plan any more."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list: a step, or the head of a run of steps of one phase (`phase` None: of none)."""

    phase: str | None
    step: str | None = None


def get_step(spec: PlanSpec, slug: str) -> StepSpec:
    """Return the step of the slug, the first of several. Raises `Gone`."""
    found = next((step for step in spec.steps if step.slug == slug), None)
    if found is None:
        raise Gone(slug)
    return found


def get_phase(spec: PlanSpec, slug: str) -> PhaseSpec:
    """Return the phase of the slug. Raises `Gone`."""
    found = next((phase for phase in spec.phases if phase.slug == slug), None)
    if found is None:
        raise Gone(slug)
    return found


def get_event(spec: PlanSpec, slug: str) -> EventSpec:
    """Return the event of the slug. Raises `Gone`."""
    found = next((event for event in spec.events if event.slug == slug), None)
    if found is None:
        raise Gone(slug)
    return found


def rows(spec: PlanSpec) -> list[Row]:
    """Return the plan as a list: the steps in their order, each run of one phase below its head.

    A phase without steps stands before the first later one that has some, else at the end. Steps of no phase have a
    head only where there are phases.
    """
    used = {step.phase for step in spec.steps}
    waiting = [phase.slug for phase in spec.phases]
    found: list[Row] = []
    before: str | None = None
    for number, step in enumerate(spec.steps):
        if (number == 0 or step.phase != before) and (step.phase is not None or spec.phases):
            if step.phase in waiting:
                place = waiting.index(step.phase)
                found += [Row(slug) for slug in waiting[:place] if slug not in used]
                waiting = [slug for slug in waiting[:place] if slug in used] + waiting[place + 1 :]
            found.append(Row(step.phase))
        found.append(Row(step.phase, step.slug))
        before = step.phase
    return found + [Row(slug) for slug in waiting if slug not in used]


# --- Steps ---------------------------------------------------------------------------------------


def shift(spec: PlanSpec, slug: str, days: int) -> PlanSpec:
    """Let a step be due so many working days later; what is counted from it moves along. Raises `Gone`."""
    step = get_step(spec, slug)
    return _with(spec, step, replace(step, due_days=step.due_days + days))


def follow(spec: PlanSpec, slug: str) -> int:
    """Return how many steps are counted from this one, at however many removes."""
    found = {slug}
    for step in spec.steps:
        if step.anchor in found:
            found.add(step.slug)
    return len(found) - 1


def put(spec: PlanSpec, slug: str, step: StepSpec) -> PlanSpec:
    """Put a step in the place of the one of the slug; a new slug is followed by all that name it. Raises `Gone`."""
    changed = _with(spec, get_step(spec, slug), step)
    if step.slug == slug:
        return changed
    return replace(
        changed,
        steps=tuple(
            replace(
                each,
                anchor=step.slug if each.anchor == slug else each.anchor,
                prerequisites=tuple(step.slug if name == slug else name for name in each.prerequisites),
            )
            for each in changed.steps
        ),
    )


def move(spec: PlanSpec, slug: str, by: int) -> PlanSpec:
    """Move a step one row up (-1) or down (1) in the list; over the head of a phase it changes the phase.

    At an end it stays. Raises `Gone`.
    """
    step, listed = get_step(spec, slug), rows(spec)
    place = listed.index(Row(step.phase, slug))
    if by < 0:
        above = listed[place - 1] if place else None
        if above is None or (above.step is None and place == 1):
            return spec
        if above.step is not None:
            return _swapped(spec, above.step, slug)
        return _with(spec, step, replace(step, phase=listed[place - 2].phase))
    below = listed[place + 1] if place + 1 < len(listed) else None
    if below is None:
        return spec
    if below.step is not None:
        return _swapped(spec, slug, below.step)
    return _with(spec, step, replace(step, phase=below.phase))


def place(spec: PlanSpec, slug: str, before: str | None, phase: str | None) -> PlanSpec:
    """Take a step out and put it before another one (None: at the end), into the phase. Raises `Gone`."""
    if before == slug:
        return _with(spec, get_step(spec, slug), replace(get_step(spec, slug), phase=phase))
    step = replace(get_step(spec, slug), phase=phase)
    others = [each for each in spec.steps if each.slug != slug]
    if before is None:
        return replace(spec, steps=(*others, step))
    at = others.index(get_step(replace(spec, steps=tuple(others)), before))
    return replace(spec, steps=(*others[:at], step, *others[at:]))


def add_step(spec: PlanSpec, kind: StepKind, *, after: str | None = None, phase: str | None = None) -> PlanSpec:
    """Add an empty step of a kind behind another one, in its phase and on its day; else at the end of a phase.

    Raises `Gone` where there is no step to add it behind.
    """
    wanted = f"{GIVEN}{kind.value.replace('_', '-')}"
    step = blank(kind, free_slug(wanted, [each.slug for each in spec.steps]))
    if after is not None:
        other = get_step(spec, after)
        step = replace(step, phase=other.phase, due_days=other.due_days, anchor=other.anchor, event=other.event)
        at = spec.steps.index(other) + 1
    else:
        same = [number for number, each in enumerate(spec.steps) if each.phase == phase]
        at = same[-1] + 1 if same else len(spec.steps)
        step = replace(step, phase=phase, due_days=spec.steps[at - 1].due_days if same else 0)
        if same:
            step = replace(step, anchor=spec.steps[at - 1].anchor, event=spec.steps[at - 1].event)
    return replace(spec, steps=(*spec.steps[:at], step, *spec.steps[at:]))


def blank(kind: StepKind, slug: str) -> StepSpec:
    """Return a step of a kind about which nothing is said yet but what cannot be left open."""
    return as_kind(StepSpec(slug=slug, kind=kind, due_days=0), kind)


def as_kind(step: StepSpec, kind: StepKind) -> StepSpec:
    """Return the step as one of another kind: what only the old kind says is left out."""
    is_reading = kind in (StepKind.READ, StepKind.ACKNOWLEDGE)
    by = step.by
    if kind is StepKind.GATE or (kind in BY_OTHERS and by is Doer.LEARNER):
        by = Doer.LEAD
    elif kind not in BY_OTHERS | {StepKind.TASK}:
        by = Doer.LEARNER
    is_task, is_gate = kind is StepKind.TASK, kind is StepKind.GATE
    return replace(
        step,
        kind=kind,
        by=by,
        document=step.document if is_reading else None,
        quiz=step.quiz if kind is StepKind.QUIZ else None,
        asks_statement=step.asks_statement or kind is not StepKind.SIGN_OFF,
        evidence=(step.evidence or (EvidenceKind.TEXT,)) if is_task else (),
        gate_quizzes=step.gate_quizzes if is_gate else (),
        gate_bound=step.gate_bound if is_gate else None,
        gate_minimum=step.gate_minimum if is_gate else None,
        about=step.about if kind in ABOUT_DOCUMENTS else (),
    )


def remove_step(spec: PlanSpec, slug: str) -> PlanSpec:
    """Take a step out; who counted from it counts from where it was counted, and who waited for it no longer waits.

    So the days of the others stay. Raises `Gone`.
    """
    gone = get_step(spec, slug)
    return replace(spec, steps=tuple(_without(each, gone) for each in spec.steps if each is not gone))


def _without(step: StepSpec, gone: StepSpec) -> StepSpec:
    left = replace(step, prerequisites=tuple(name for name in step.prerequisites if name != gone.slug))
    if step.anchor != gone.slug:
        return left
    # Of two that count from one another none is left to count from.
    anchor = gone.anchor if gone.anchor != step.slug else None
    return replace(left, anchor=anchor, event=gone.event, due_days=step.due_days + gone.due_days)


def _with(spec: PlanSpec, old: StepSpec, new: StepSpec) -> PlanSpec:
    return replace(spec, steps=tuple(new if each is old else each for each in spec.steps))


def _swapped(spec: PlanSpec, first: str, second: str) -> PlanSpec:
    one, two = get_step(spec, first), get_step(spec, second)
    return replace(spec, steps=tuple(two if each is one else one if each is two else each for each in spec.steps))


# --- Phases and events ---------------------------------------------------------------------------


def add_phase(spec: PlanSpec, title: Words) -> PlanSpec:
    """Add a phase behind the last one."""
    slug = free_slug(propose_slug(title.en) or f"{GIVEN}phase", [phase.slug for phase in spec.phases])
    return replace(spec, phases=(*spec.phases, PhaseSpec(slug, title)))


def put_phase(spec: PlanSpec, slug: str, phase: PhaseSpec) -> PlanSpec:
    """Put a phase in the place of another one; its steps go along. Raises `Gone`."""
    old = get_phase(spec, slug)
    return replace(
        spec,
        phases=tuple(phase if each is old else each for each in spec.phases),
        steps=tuple(replace(each, phase=phase.slug) if each.phase == slug else each for each in spec.steps),
    )


def move_phase(spec: PlanSpec, slug: str, by: int) -> PlanSpec:
    """Move a phase with its steps before the one above (-1) or behind the one below (1). Raises `Gone`."""
    phases = list(spec.phases)
    at = phases.index(get_phase(spec, slug))
    to = at + by
    if not 0 <= to < len(phases):
        return spec
    phases[at], phases[to] = phases[to], phases[at]
    order = {phase.slug: number for number, phase in enumerate(phases)}
    # Steps of no phase stay in front; sorting is stable, so that nothing else changes its order.
    steps = sorted(spec.steps, key=lambda step: order.get(step.phase or "", -1))
    return replace(spec, phases=tuple(phases), steps=tuple(steps))


def remove_phase(spec: PlanSpec, slug: str) -> PlanSpec:
    """Take a phase out; its steps stay, in the phase before it, else in the one after it. Raises `Gone`."""
    at = spec.phases.index(get_phase(spec, slug))
    left = spec.phases[:at] + spec.phases[at + 1 :]
    heir = left[max(0, at - 1)].slug if left else None
    return replace(
        spec,
        phases=left,
        steps=tuple(replace(each, phase=heir) if each.phase == slug else each for each in spec.steps),
    )


def add_event(spec: PlanSpec, title: Words) -> PlanSpec:
    """Add an event behind the last one."""
    slug = free_slug(propose_slug(title.en) or f"{GIVEN}event", [event.slug for event in spec.events])
    return replace(spec, events=(*spec.events, EventSpec(slug, title)))


def put_event(spec: PlanSpec, slug: str, event: EventSpec) -> PlanSpec:
    """Put an event in the place of another one; who counts from it goes along. Raises `Gone`."""
    old = get_event(spec, slug)
    return replace(
        spec,
        events=tuple(event if each is old else each for each in spec.events),
        steps=tuple(replace(each, event=event.slug) if each.event == slug else each for each in spec.steps),
    )


def remove_event(spec: PlanSpec, slug: str) -> PlanSpec:
    """Take an event out; who counted from it counts from the start. Raises `Gone`."""
    old = get_event(spec, slug)
    return replace(
        spec,
        events=tuple(each for each in spec.events if each is not old),
        steps=tuple(replace(each, event=None) if each.event == slug else each for each in spec.steps),
    )


# --- Names ---------------------------------------------------------------------------------------


def propose_slug(title: str) -> str:
    """Return a slug made from a title; empty where it begins with no Latin letter."""
    slug = _NO_SLUG.sub("-", title.lower()).strip("-")[:_LONGEST_SLUG].rstrip("-")
    return slug if slug and slug[0].isalpha() and slug != _NOT_A_SLUG else ""


def free_slug(wanted: str, taken: Collection[str]) -> str:
    """Return the slug, with a number behind it where it is taken."""
    slug, number = wanted, 2
    while slug in taken:
        slug, number = f"{wanted[: _LONGEST_SLUG - 4]}-{number}", number + 1
    return slug


def next_number(latest: str | None, taken: Sequence[str] = ()) -> str:
    """Return the number that comes after the latest version: the next minor one; "1.0" is the first."""
    if latest is None:
        return "1.0"
    major, _dot, minor = latest.partition(".")
    number = int(minor) + 1
    while f"{int(major)}.{number}" in taken:
        number += 1
    return f"{int(major)}.{number}"
