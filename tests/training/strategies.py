"""Random plans: such as can be followed, and such as are still being written."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st

from portal.core.i18n import Words
from portal.training.rules import (
    BY_OTHERS,
    Doer,
    EventSpec,
    EvidenceKind,
    PhaseSpec,
    PlanSpec,
    StepKind,
    StepSpec,
)

DOCUMENTS = ("exposure", "impersonation", "background")
QUIZZES = ("impersonation", "other")
# What can be read in a file as it was written: no control characters, something to be seen at both ends.
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), min_size=1, max_size=12
)
words = st.builds(Words, texts.filter(str.strip), texts.filter(str.strip))
_slugs = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(lambda slug: slug != "start")


@st.composite
def plans(draw: st.DrawFn, most: int = 8) -> PlanSpec:
    """Build a plan that can be followed: names lead to earlier steps, days stay within bounds."""
    phases = [PhaseSpec(slug, draw(words)) for slug in draw(st.lists(_slugs, max_size=3, unique=True))]
    events = [EventSpec(slug, draw(words)) for slug in draw(st.lists(_slugs, max_size=2, unique=True))]
    steps: list[StepSpec] = []
    for slug in draw(st.lists(_slugs, min_size=1, max_size=most, unique=True)):
        steps.append(draw(_step(slug, steps, [each.slug for each in phases], [each.slug for each in events])))
    used = {step.event for step in steps}
    return PlanSpec(
        number=f"{draw(st.integers(1, 9))}.{draw(st.integers(0, 99))}",
        title=draw(words),
        summary=draw(words),
        credential=draw(st.none() | _slugs),
        phases=tuple(phases),
        steps=tuple(steps),
        events=tuple(event for event in events if event.slug in used),
    )


@st.composite
def _step(draw: st.DrawFn, slug: str, before: list[StepSpec], phases: list[str], events: list[str]) -> StepSpec:
    names = [step.slug for step in before]
    kind = draw(st.sampled_from([kind for kind in StepKind if kind is not StepKind.GATE]))
    quizzes = [step for step in before if step.quiz is not None]
    gate = bool(quizzes) and draw(st.booleans())
    if gate:
        kind = StepKind.GATE
    anchor = draw(st.none() | st.sampled_from(names)) if names else None
    event = draw(st.none() | st.sampled_from(events)) if events and anchor is None else None
    prerequisites = draw(st.lists(st.sampled_from(names), unique=True, max_size=2)) if names else []
    if gate:
        prerequisites = list(dict.fromkeys([*prerequisites, *(step.slug for step in quizzes)]))
    own_title = kind in BY_OTHERS | {StepKind.TASK}
    if kind is StepKind.GATE:
        by = Doer.LEAD
    elif kind in BY_OTHERS:
        by = draw(st.sampled_from([Doer.MENTOR, Doer.LEAD]))
    else:
        by = draw(st.sampled_from(list(Doer))) if kind is StepKind.TASK else Doer.LEARNER
    handed_in = draw(st.sets(st.sampled_from(list(EvidenceKind)), min_size=1))
    asks_statement = kind is not StepKind.SIGN_OFF or draw(st.booleans())
    shown = kind in (StepKind.SIGN_OFF, StepKind.GATE)
    about = st.lists(st.sampled_from(("impersonation", "daily-audit#feedback")), unique=True).map(tuple)
    return StepSpec(
        slug=slug,
        kind=kind,
        due_days=draw(st.integers(0, 9)),
        phase=draw(st.none() | st.sampled_from(phases)) if phases else None,
        document=draw(st.sampled_from(DOCUMENTS)) if kind in (StepKind.READ, StepKind.ACKNOWLEDGE) else None,
        quiz=draw(st.sampled_from(QUIZZES)) if kind is StepKind.QUIZ else None,
        title=draw(words) if own_title else draw(st.none() | words),
        instructions=draw(st.none() | words),
        anchor=anchor,
        minutes=draw(st.integers(0, 300)),
        required=not before or draw(st.booleans()),
        by=by,
        prerequisites=tuple(prerequisites),
        asks_statement=asks_statement,
        event=event,
        recognise_days=draw(st.none() | st.integers(1, 3650)),
        evidence=tuple(each for each in EvidenceKind if each in handed_in) if kind is StepKind.TASK else (),
        gate_quizzes=tuple(dict.fromkeys(step.quiz for step in quizzes if step.quiz)) if gate else (),
        gate_bound=Fraction(draw(st.integers(1, 999)), 1000) if gate else None,
        gate_minimum=draw(st.none() | st.integers(1, 10_000)) if gate else None,
        about=draw(about) if shown and asks_statement else (),
    )


def unfinished(spec: PlanSpec) -> st.SearchStrategy[PlanSpec]:
    """Build the plan with something of it left open, or leading nowhere."""

    def opened(which: int) -> PlanSpec:
        steps = list(spec.steps)
        step = steps[which % len(steps)]
        changed = [
            replace(step, title=Words("Half", "")),
            replace(step, anchor="nowhere", event=None),
            replace(step, prerequisites=(*step.prerequisites, "nowhere")),
            replace(step, due_days=9_999),
            replace(step, event="nowhere", anchor=None),
            replace(step, phase="nowhere"),
        ][which % 6]
        steps[which % len(steps)] = changed
        return replace(spec, steps=tuple(steps), title=Words("", "") if which % 2 else spec.title)

    return st.integers(0, 100).map(opened)
