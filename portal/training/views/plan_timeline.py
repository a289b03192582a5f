"""The drawing of a plan that is written: its list as rows, working days as columns, steps as bars, events as posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.core.i18n import format_minutes
from portal.core.i18n import gettext as _
from portal.training.rules import PlanSpec, StepSpec
from portal.training.rules.changes import What
from portal.training.rules.editing import Row, rows
from portal.training.rules.timeline import A_WEEK, Placed, Timeline, timeline
from portal.training.service.plan_problems import Problem
from portal.training.views.plan_words import KINDS, PlanTeller, day_number, in_other_language

# The units of the drawing: sixteen to a rem, so that its rows are as high as those of the list beside it
# (`--size-plan-row` and `--size-plan-head` in the style sheets).
UNITS = 16
DAY = 24
ROW = 60
HEAD = 44
_BAR = 20


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row stands in the drawing, and the day of its step."""

    y: int
    placed: Placed


def told_plan(teller: PlanTeller, problems: Sequence[Problem], chosen: str) -> dict[str, Any]:
    """Return the rows of the list and the drawing beside it; `chosen` is what the form shows, as `step.SLUG`."""
    spec = teller.spec
    placed = timeline(spec)
    listed = rows(spec)
    steps = {step.slug: step for step in reversed(spec.steps)}
    faults: dict[tuple[What, str], list[Problem]] = {}
    for each in problems:
        faults.setdefault((each.what, each.slug), []).append(each)
    told = [
        _phase_row(row, teller, faults, chosen)
        if row.step is None
        else _step_row(steps[row.step], teller, placed.placed[row.step], faults, chosen)
        for row in listed
    ]
    told += [_event_row(slug, teller, placed, faults, chosen) for slug in placed.events]
    # A phase stands once for each run of its steps; addresses and keys lead to the first.
    first = {row["at"]: number for number, row in reversed(list(enumerate(told)))}
    told = [{**row, "is_first": first[row["at"]] == number} for number, row in enumerate(told)]
    return {"rows": told, "drawing": _drawing(spec, placed, listed, told, chosen)}


def _marks(faults: Mapping[tuple[What, str], list[Problem]], what: What, slug: str) -> dict[str, Any]:
    found = faults.get((what, slug), [])
    return {
        "said": [each.said for each in found],
        "is_faulty": any(not each.is_warning for each in found),
        "is_warned": bool(found) and all(each.is_warning for each in found),
    }


def _phase_row(
    row: Row, teller: PlanTeller, faults: Mapping[tuple[What, str], list[Problem]], chosen: str
) -> dict[str, Any]:
    phase = next((each for each in teller.spec.phases if each.slug == row.phase), None)
    return {
        "kind": "phase",
        "slug": row.phase or "",
        "at": f"phase.{row.phase}" if phase is not None else "",
        "title": teller.phase(row.phase),
        "language": in_other_language(phase.title) if phase is not None else None,
        "meta": "",
        "is_chosen": bool(phase) and chosen == f"phase.{row.phase}",
        **_marks(faults, What.PHASE, row.phase or ""),
    }


def _step_row(
    step: StepSpec,
    teller: PlanTeller,
    placed: Placed,
    faults: Mapping[tuple[What, str], list[Problem]],
    chosen: str,
) -> dict[str, Any]:
    title = step.title
    meta = [format_minutes(step.minutes)] if step.minutes else []
    meta.append(str(KINDS[step.kind]))
    if not step.required:
        meta.append(_("optional"))
    return {
        "kind": "step",
        "slug": step.slug,
        "at": f"step.{step.slug}",
        "title": teller.title_of(step),
        "language": in_other_language(title) if title is not None else None,
        "phase": step.phase or "",
        "due": teller.due(step),
        "day": _day_of(placed, step),
        "meta": " · ".join(meta),
        "is_chosen": chosen == f"step.{step.slug}",
        **_marks(faults, What.STEP, step.slug),
    }


def _day_of(placed: Placed, step: StepSpec) -> str:
    """Write on which day a step is due in a few signs: of the plan, or before or after an event."""
    if placed.is_lost:
        return "?"
    if placed.origin is None:
        return _("Day %(day)s", day=day_number(placed.day))
    return "" if step.event is None else f"{step.due_days:+d}".replace("-", "\u2212")


def _event_row(
    slug: str,
    teller: PlanTeller,
    placed: Timeline,
    faults: Mapping[tuple[What, str], list[Problem]],
    chosen: str,
) -> dict[str, Any]:
    event = next(each for each in teller.spec.events if each.slug == slug)
    return {
        "kind": "event",
        "slug": slug,
        "at": f"event.{slug}",
        "title": teller.event(slug),
        "language": in_other_language(event.title),
        "meta": _("Event; its day is set for each cohort"),
        "is_chosen": chosen == f"event.{slug}",
        **_marks(faults, What.EVENT, slug),
    }


# --- The drawing ---------------------------------------------------------------------------------


def _drawing(
    spec: PlanSpec, placed: Timeline, listed: Sequence[Row], told: Sequence[dict[str, Any]], chosen: str
) -> dict[str, Any]:
    def x(day: int) -> int:
        return (day - placed.first) * DAY

    width, height = (placed.last - placed.first + 1) * DAY, HEAD + ROW * max(1, len(told))
    places = {
        row.step: _Place(HEAD + ROW * number, placed.placed[row.step])
        for number, row in enumerate(listed)
        if row.step is not None
    }
    steps = {step.slug: step for step in reversed(spec.steps)}
    return {
        "width": width,
        "height": height,
        "rem_width": width / UNITS,
        "rem_height": height / UNITS,
        "day": DAY,
        "row": ROW,
        "head": HEAD,
        "weeks": [
            {"x": x(day), "said": _("Week %(number)s", number=day // A_WEEK + 1) if day >= 0 else ""}
            for day in range(placed.first, placed.last + 1)
            if day % A_WEEK == 0
        ],
        "days": [
            {"x": x(day) + DAY // 2, "said": day_number(day), "is_first": day == 0}
            for day in range(placed.first, placed.last + 1)
        ],
        "before": x(0),
        "bands": _bands(listed, placed, x),
        "events": [
            {"x": x(day) + DAY // 2, "y": HEAD + ROW * (len(listed) + number) + ROW // 2, "slug": slug}
            for number, (slug, day) in enumerate(placed.events.items())
        ],
        "heavy": [
            {"x": x(places[slugs[0]].placed.day)}
            for slugs in (placed.due[key] for key in placed.heavy)
            if slugs[0] in places
        ],
        "ties": [tie for slug, place in places.items() if (tie := _tie(steps[slug], place, places, x)) is not None],
        "bars": [
            {
                "slug": slug,
                "anchor": steps[slug].anchor or "",
                "x": x(place.placed.first) + 2,
                "y": place.y + (ROW - _BAR) // 2,
                "width": (place.placed.day - place.placed.first + 1) * DAY - 4,
                "height": _BAR,
                "kind": steps[slug].kind.value,
                "is_optional": not steps[slug].required,
                "is_lost": place.placed.is_lost,
                "is_chosen": chosen == f"step.{slug}",
            }
            for slug, place in places.items()
        ],
    }


def _bands(listed: Sequence[Row], placed: Timeline, x: Any) -> list[dict[str, int]]:
    """Return the reach of each run of a phase, from its first to its last day, in the row of its head."""
    found: list[dict[str, int]] = []
    for number, row in enumerate(listed):
        if row.step is not None:
            continue
        run: list[Placed] = []
        for below in listed[number + 1 :]:
            if below.step is None:
                break
            run.append(placed.placed[below.step])
        if run:
            first, last = min(each.first for each in run), max(each.day for each in run)
            found.append(
                {
                    "x": x(first),
                    "y": HEAD + ROW * number,
                    "width": x(last) - x(first) + DAY,
                    "height": ROW * (len(run) + 1),
                }
            )
    return found


def _tie(step: StepSpec, place: _Place, places: Mapping[str, _Place], x: Any) -> dict[str, str] | None:
    """Return the line from what a step is counted from to its bar: along its row, or down from the other bar."""
    if place.placed.counted_from is None:
        return None
    start, middle = x(place.placed.counted_from) + DAY // 2, place.y + ROW // 2
    end = x(place.placed.first) + 2 if place.placed.first > place.placed.counted_from else x(place.placed.day) + DAY - 2
    if step.anchor is not None and step.anchor in places:
        other = places[step.anchor]
        top = other.y + ROW // 2 + (_BAR // 2 if other.y < place.y else -_BAR // 2)
        return {"d": f"M{start} {top}V{middle}H{end}", "kind": "step"}
    if step.event is not None:
        return {"d": f"M{start} {middle}H{end}", "kind": "event"}
    if place.placed.day == 0 or place.placed.first <= 0 <= place.placed.day:
        return None
    return {"d": f"M{x(0)} {middle}H{end}", "kind": "start"}
