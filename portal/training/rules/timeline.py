"""Where the steps of a plan stand in working days before anybody follows it, as far as that can be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.training.rules import MAX_DUE_DAYS, MOST_MINUTES_A_DAY, PlanSpec, StepShape, StepSpec, days_needed, length

# Beyond this nothing is drawn: whatever an author mistyped stands at the edge.
EDGE = 2 * MAX_DUE_DAYS
# So many working days before the first day are always shown, and after the last one, so that there is room to move.
SHOWN_BEFORE = 5
ROOM_AFTER = 5
LEAST_SHOWN = 10
# Working days of a week, as the drawing counts them.
A_WEEK = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a step stands: `day` is the one on which it is due, in working days after the first (0 is the first).

    `first` is the day on which it has to be begun with at most `MOST_MINUTES_A_DAY` a day; what is due from the first
    day on is not begun before it, however long it takes. `counted_from` is the day of what it is counted from; None
    where that cannot be said (`is_lost`): then it is drawn as counted from the start.
    """

    slug: str
    day: int
    first: int
    counted_from: int | None
    origin: str | None = None

    @property
    def is_lost(self) -> bool:
        """Whether nobody can say when it is due."""
        return self.counted_from is None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A plan in working days; the day of an event is an assumed one: the first on which all that comes before it fits.

    `due` are the steps of each day, by the event from which they are counted (None: the start) and the working days
    after it; `minutes` are theirs together.
    """

    first: int
    last: int
    placed: Mapping[str, Placed]
    events: Mapping[str, int]
    due: Mapping[tuple[str | None, int], tuple[str, ...]]
    minutes: Mapping[tuple[str | None, int], int]

    @property
    def heavy(self) -> dict[tuple[str | None, int], int]:
        """The days on which several steps together ask for more than a day should hold, with their minutes.

        A long step alone takes several days by itself.
        """
        return {
            day: minutes
            for day, minutes in self.minutes.items()
            if minutes > MOST_MINUTES_A_DAY and len(self.due[day]) > 1
        }


def timeline(spec: PlanSpec) -> Timeline:
    """Place every step of a plan, finished or not; of steps of the same slug the first."""
    steps: dict[str, StepSpec] = {}
    for step in spec.steps:
        steps.setdefault(step.slug, step)
    known_events = {event.slug for event in spec.events}
    offsets = {slug: _offset(step, steps, known_events) for slug, step in steps.items()}
    last_of_start = max((days for days, origin, _ok in offsets.values() if origin is None), default=0)
    events: dict[str, int] = {}
    after = last_of_start
    for event in spec.events:
        own = [days for days, origin, _ok in offsets.values() if origin == event.slug]
        events[event.slug] = min(EDGE, max(after, 0) + 1 + max(0, -min(own, default=0)))
        after = events[event.slug] + max(0, max(own, default=0))
    placed: dict[str, Placed] = {}
    minutes: dict[tuple[str | None, int], int] = {}
    due: dict[tuple[str | None, int], tuple[str, ...]] = {}
    for slug, step in steps.items():
        days, origin, is_known = offsets[slug]
        base = events[origin] if origin is not None else 0
        day = max(-EDGE, min(EDGE, base + days))
        span = max(1, -(-step.minutes // MOST_MINUTES_A_DAY))
        placed[slug] = Placed(
            slug,
            day,
            max(0 if origin is None and day >= 0 else -EDGE, day - span + 1),
            max(-EDGE, min(EDGE, day - step.due_days)) if is_known else None,
            origin,
        )
        due[origin, days] = (*due.get((origin, days), ()), slug)
        minutes[origin, days] = minutes.get((origin, days), 0) + step.minutes
    shown = [each.day for each in placed.values()] + list(events.values())
    last = max([LEAST_SHOWN, *shown]) + ROOM_AFTER
    return Timeline(
        min([-SHOWN_BEFORE, *shown, *(each.first for each in placed.values())]),
        # To the end of its week: the first day is 0.
        last + -(last + 1) % A_WEEK,
        placed,
        events,
        due,
        minutes,
    )


def _offset(step: StepSpec, steps: Mapping[str, StepSpec], events: set[str]) -> tuple[int, str | None, bool]:
    """Return how many days after its origin a step is due, the event that this is (None: the start), and whether known.

    What is counted from a step that is not there, in a ring, or from an unknown event, is counted from the start.
    """
    days, seen = step.due_days, {step.slug}
    while step.anchor is not None:
        if step.anchor not in steps or step.anchor in seen:
            return days, None, False
        step = steps[step.anchor]
        seen.add(step.slug)
        days += step.due_days
    if step.event is not None and step.event not in events:
        return days, None, False
    return days, step.event, True


@dataclass(frozen=True, slots=True)
class Tight:
    """A plan whose required steps need more working days than it has."""

    needed: int
    there: int


def tightness(spec: PlanSpec) -> Tight | None:
    """Say whether the required steps fit into the plan's working days; takes plans without `faults`.

    Only what is counted from the start is looked at: how many days there are before an event is known later.
    """
    if any(step.event is not None for step in spec.steps):
        return None
    shapes: Sequence[StepShape] = spec.shapes
    needed = days_needed(shapes, [shape.slug for shape in shapes if shape.required], ())
    before = max((-each.due_days for each in shapes if each.anchor is None), default=0)
    there = length(shapes) + max(0, before)
    return Tight(needed, there) if needed > there else None
