"""A plan as the table that `plans/<slug>.toml` holds, and back; drafts are kept as the same table, finished or not."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from portal.core.content import to_toml
from portal.core.i18n import Words
from portal.training.rules import Doer, EventSpec, EvidenceKind, PhaseSpec, PlanSpec, StepKind, StepSpec

# What stands before the slug of an event, where steps say from what they are counted.
EVENT = "event:"
START = "start"
NO_STATEMENT = "none"


def table_of(spec: PlanSpec, *, owner: str = "", deputy: str = "") -> dict[str, Any]:
    """Return the plan as its file writes it: texts, whole numbers, lists and tables; what is left out is None."""
    return {
        "version": spec.number,
        "owner": owner or None,
        "deputy": deputy or None,
        "credential": spec.credential,
        "title": _words_out(spec.title),
        "summary": _words_out(spec.summary),
        "phase": [{"slug": phase.slug, "title": _words_out(phase.title)} for phase in spec.phases] or None,
        "event": [{"slug": event.slug, "title": _words_out(event.title)} for event in spec.events] or None,
        "step": [_table_of_step(step) for step in spec.steps] or None,
    }


def written(spec: PlanSpec, *, owner: str = "", deputy: str = "") -> str:
    """Return the plan as the text of its file."""
    return to_toml(table_of(spec, owner=owner, deputy=deputy))


def _table_of_step(step: StepSpec) -> dict[str, Any]:
    return {
        "slug": step.slug,
        "kind": step.kind.value,
        "phase": step.phase,
        "document": step.document,
        "quiz": step.quiz,
        "due": step.due_days,
        "anchor": f"{EVENT}{step.event}" if step.event is not None else step.anchor or START,
        "minutes": step.minutes,
        "required": step.required,
        "prerequisites": list(step.prerequisites),
        "by": step.by.value,
        "recognise": step.recognise_days,
        "statement": None if step.asks_statement else NO_STATEMENT,
        "evidence": [each.value for each in step.evidence] or None,
        "quizzes": list(step.gate_quizzes) or None,
        "bound": None if step.gate_bound is None else percent(step.gate_bound),
        "minimum": step.gate_minimum,
        "about": list(step.about) or None,
        "title": _words_out(step.title),
        "instructions": _words_out(step.instructions),
    }


def percent(share: Fraction) -> str:
    """Write a share as a percentage with at most one decimal."""
    whole, tenth = divmod(int(share * 1000), 10)
    return f"{whole}.{tenth}%" if tenth else f"{whole}%"


def _words_out(words: Words | None) -> dict[str, str] | None:
    return None if words is None else {"en": words.en, "ja": words.ja}


def spec_of_table(table: Mapping[str, Any]) -> PlanSpec:
    """Return the plan of a table that `table_of` wrote; texts may be empty, and names may lead nowhere."""
    return PlanSpec(
        number=table["version"],
        title=_words_in(table["title"]) or Words("", ""),
        summary=_words_in(table["summary"]) or Words("", ""),
        credential=table.get("credential"),
        phases=tuple(
            PhaseSpec(each["slug"], _words_in(each["title"]) or Words("", "")) for each in table.get("phase") or ()
        ),
        events=tuple(
            EventSpec(each["slug"], _words_in(each["title"]) or Words("", "")) for each in table.get("event") or ()
        ),
        steps=tuple(_step_of_table(each) for each in table.get("step") or ()),
    )


def _step_of_table(table: Mapping[str, Any]) -> StepSpec:
    anchor, bound = table["anchor"], table.get("bound")
    event = anchor.removeprefix(EVENT) if anchor.startswith(EVENT) else None
    return StepSpec(
        slug=table["slug"],
        kind=StepKind(table["kind"]),
        due_days=table["due"],
        phase=table.get("phase"),
        document=table.get("document"),
        quiz=table.get("quiz"),
        title=_words_in(table.get("title")),
        instructions=_words_in(table.get("instructions")),
        anchor=None if event is not None or anchor == START else anchor,
        minutes=table["minutes"],
        required=table["required"],
        by=Doer(table["by"]),
        prerequisites=tuple(table["prerequisites"]),
        asks_statement=table.get("statement") != NO_STATEMENT,
        event=event,
        recognise_days=table.get("recognise"),
        evidence=tuple(EvidenceKind(each) for each in table.get("evidence") or ()),
        gate_quizzes=tuple(table.get("quizzes") or ()),
        gate_bound=None if bound is None else Fraction(bound.rstrip("%")) / 100,
        gate_minimum=table.get("minimum"),
        about=tuple(table.get("about") or ()),
    )


def _words_in(value: Mapping[str, str] | None) -> Words | None:
    return None if value is None else Words(value["en"], value["ja"])
