"""What a plan's dates, states and progress are, from plain facts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil, isqrt
from types import MappingProxyType

from portal.calendars.rules import (
    ABSENCES,
    ONE_DAY,
    Count,
    DayOff,
    DueDate,
    WorkingCalendar,
    YearNotInTable,
    working_days_between,
)
from portal.core.i18n import Words


class StepKind(StrEnum):
    """What a step asks for."""

    READ = "read"
    ACKNOWLEDGE = "acknowledge"
    QUIZ = "quiz"
    SIGN_OFF = "sign_off"
    # What the learner hands in.
    TASK = "task"
    # A live session that she attends.
    SESSION = "session"
    # Quizzes passed with a lower bound of at least a share, and a lead's sign-off.
    GATE = "gate"


# What is always completed by somebody else; a task is where the plan says so.
BY_OTHERS = frozenset({StepKind.SIGN_OFF, StepKind.SESSION, StepKind.GATE})
# What ends with a dated word about the learner.
WITH_A_WORD = frozenset({StepKind.SIGN_OFF, StepKind.TASK, StepKind.GATE})
# What can be evidence about documents, and how those and their clauses are written.
ABOUT_DOCUMENTS = frozenset({StepKind.SIGN_OFF, StepKind.GATE})
ADDRESS = re.compile(r"[a-z][a-z0-9-]{0,59}(?:@[A-Z]{2,10})?(?:#[a-z0-9][a-z0-9-]{0,79})?")


class EvidenceKind(StrEnum):
    """What can be handed in for a task."""

    TEXT = "text"
    LINK = "link"
    FILE = "file"


class Presence(StrEnum):
    """Whether somebody was at a session; excused is absent for a reason that was accepted."""

    PRESENT = "present"
    ABSENT = "absent"
    EXCUSED = "excused"


class Doer(StrEnum):
    """Who completes a step."""

    LEARNER = "learner"
    MENTOR = "mentor"
    LEAD = "lead"


class SignOffAct(StrEnum):
    """What was said about a skill."""

    SIGNED = "signed"
    SENT_BACK = "sent_back"
    ASKED_AGAIN = "asked_again"


class ExemptionAct(StrEnum):
    """Whether somebody is exempt from a step from a moment on, or not any more."""

    EXEMPTED = "exempted"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class StepShape:
    """A step as far as dates and order are concerned.

    It is counted from the date of the step `anchor` or of the event `event`; where both are None, from the plan's
    start. `due_days` are working days after that, or before it where negative; `minutes` is the time that it takes.
    """

    slug: str
    due_days: int
    anchor: str | None = None
    prerequisites: tuple[str, ...] = ()
    required: bool = True
    by: Doer = Doer.LEARNER
    event: str | None = None
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """A phase as its author writes it."""

    slug: str
    title: Words


@dataclass(frozen=True, slots=True)
class EventSpec:
    """Something that takes place on a day that each cohort or learner is given, such as an exam."""

    slug: str
    title: Words


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step as its author writes it; `minutes` is the time that it takes."""

    slug: str
    kind: StepKind
    due_days: int
    phase: str | None = None
    document: str | None = None
    quiz: str | None = None
    title: Words | None = None
    instructions: Words | None = None
    anchor: str | None = None
    minutes: int = 0
    required: bool = True
    by: Doer = Doer.LEARNER
    prerequisites: tuple[str, ...] = ()
    # Whether its sign-off says in a sentence what was shown; otherwise only that it took place is recorded.
    asks_statement: bool = True
    # The event from whose date is counted, instead of a step's.
    event: str | None = None
    # How many days old an earlier completion may be that counts when somebody is enrolled. None: acknowledgements
    # count whatever their age, quizzes and sign-offs of before do not.
    recognise_days: int | None = None
    # Of a task: what can be handed in.
    evidence: tuple[EvidenceKind, ...] = ()
    # Of a gate: the quizzes that it rests on, the share that their lower bound reaches, and on how many questions
    # at least (None: `GATE_MINIMUM`).
    gate_quizzes: tuple[str, ...] = ()
    gate_bound: Fraction | None = None
    gate_minimum: int | None = None
    # Of a sign-off or a gate: the documents, or clauses of them ("slug#clause"), that it is evidence for.
    about: tuple[str, ...] = ()

    @property
    def shape(self) -> StepShape:
        """The step as far as dates and order are concerned."""
        return StepShape(
            slug=self.slug,
            due_days=self.due_days,
            anchor=self.anchor,
            prerequisites=self.prerequisites,
            required=self.required,
            by=self.by,
            event=self.event,
            minutes=self.minutes,
        )


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """A version of a plan as its author writes it."""

    number: str
    title: Words
    summary: Words
    credential: str | None
    phases: tuple[PhaseSpec, ...]
    steps: tuple[StepSpec, ...]
    events: tuple[EventSpec, ...] = ()

    @property
    def shapes(self) -> list[StepShape]:
        """Its steps as far as dates and order are concerned."""
        return [step.shape for step in self.steps]


def number_key(number: str) -> tuple[int, int]:
    """Return what orders version numbers "major.minor". Raises `ValueError` for anything else."""
    major, dot, minor = number.partition(".")
    if not (dot and major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        raise ValueError(f"{number!r} is no version number")
    return int(major), int(minor)


# --- Whether a plan can be followed ------------------------------------------------------------


# A plan reaches over about a year of working days; what is due later is a plan of its own.
MAX_DUE_DAYS = 250
# What comes before a plan begins is pre-boarding: a few weeks.
MAX_DAYS_BEFORE_START = 60
# More is given by giving it again: each time with a reason.
MOST_DAYS_AT_ONCE = 60
# Of a statement or a reason; it is a few sentences.
STATEMENT_LIMIT = 2_000
# A step takes at most two full working weeks; what takes longer is several steps.
MAX_MINUTES = 4_800


# What was done longer ago is not known any more, whatever a plan says.
MAX_RECOGNISE_DAYS = 3_650


class NotCounted(StrEnum):
    """Why something that was done before a plan does not count in it."""

    TOO_OLD = "too_old"
    NOT_IN_FORCE = "not_in_force"
    NOT_RECOGNISED = "not_recognised"


def why_not_counted(kind: StepKind, recognise_days: int | None, age: timedelta, *, in_force: bool) -> NotCounted | None:
    """Return why an earlier completion of this age does not count for a step, or None where it counts.

    `in_force`: it covers the version of the document that is in force; a quiz or a sign-off has none.
    """
    if kind not in (StepKind.READ, StepKind.ACKNOWLEDGE) and recognise_days is None:
        return NotCounted.NOT_RECOGNISED
    if not in_force:
        return NotCounted.NOT_IN_FORCE
    if recognise_days is not None and age > timedelta(days=recognise_days):
        return NotCounted.TOO_OLD
    return None


class FaultKind(StrEnum):
    """Why a plan cannot be followed, or looks wrong."""

    DUPLICATE_STEP = "duplicate_step"
    DUE_TOO_EARLY = "due_too_early"
    DUE_TOO_LATE = "due_too_late"
    UNKNOWN_ANCHOR = "unknown_anchor"
    LATER_ANCHOR = "later_anchor"
    UNKNOWN_PREREQUISITE = "unknown_prerequisite"
    CYCLE = "cycle"
    OPTIONAL_PREREQUISITE = "optional_prerequisite"
    DUE_BEFORE_PREREQUISITE = "due_before_prerequisite"
    NO_REQUIRED_STEP = "no_required_step"


# These are worth a second look, but the plan can be followed.
WARNINGS = frozenset({FaultKind.OPTIONAL_PREREQUISITE, FaultKind.DUE_BEFORE_PREREQUISITE})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a step; `others` are the steps it is wrong with (a cycle in its order)."""

    kind: FaultKind
    slug: str = ""
    others: tuple[str, ...] = ()


def faults(steps: Sequence[StepShape]) -> list[Fault]:
    """Return everything that keeps a plan from being followed, and what looks wrong in it."""
    found: list[Fault] = []
    known: dict[str, StepShape] = {}
    for step in steps:
        if step.slug in known:
            found.append(Fault(FaultKind.DUPLICATE_STEP, step.slug))
        known.setdefault(step.slug, step)
    earlier: set[str] = set()
    for step in steps:
        if step.due_days < -MAX_DUE_DAYS:
            found.append(Fault(FaultKind.DUE_TOO_EARLY, step.slug))
        if step.due_days > MAX_DUE_DAYS:
            found.append(Fault(FaultKind.DUE_TOO_LATE, step.slug))
        if step.anchor is not None and step.anchor not in earlier:
            kind = FaultKind.LATER_ANCHOR if step.anchor in known else FaultKind.UNKNOWN_ANCHOR
            found.append(Fault(kind, step.slug, (step.anchor,)))
        found += [
            Fault(FaultKind.UNKNOWN_PREREQUISITE, step.slug, (name,))
            for name in step.prerequisites
            if name not in known
        ]
        earlier.add(step.slug)
    cycle = find_cycle({step.slug: [name for name in step.prerequisites if name in known] for step in steps})
    if cycle:
        found.append(Fault(FaultKind.CYCLE, cycle[0], cycle))
    if not any(step.required for step in steps):
        found.append(Fault(FaultKind.NO_REQUIRED_STEP))
    if found:
        return found
    offsets, origins = nominal_offsets(steps), origins_of(steps)
    # Counted one from the other, steps can get there together.
    for slug, days in offsets.items():
        if days > MAX_DUE_DAYS:
            return [Fault(FaultKind.DUE_TOO_LATE, slug)]
        if days < -(MAX_DAYS_BEFORE_START if origins[slug] is None else MAX_DUE_DAYS):
            return [Fault(FaultKind.DUE_TOO_EARLY, slug)]
    for step in steps:
        for name in step.prerequisites:
            if step.required and not known[name].required:
                found.append(Fault(FaultKind.OPTIONAL_PREREQUISITE, step.slug, (name,)))
            # Which of the start and an event comes first is known only once their dates are.
            if origins[step.slug] == origins[name] and offsets[step.slug] < offsets[name]:
                found.append(Fault(FaultKind.DUE_BEFORE_PREREQUISITE, step.slug, (name,)))
    return found


def find_cycle(needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return steps that wait for one another in a ring, beginning with the first in order; () where there is none."""
    finished: set[str] = set()
    for start in needs:
        trail: list[str] = []
        # Each entry is a step and those of its needs that are still to be followed.
        open_steps = [(start, iter(needs[start]))] if start not in finished else []
        if open_steps:
            trail.append(start)
        while open_steps:
            step, rest = open_steps[-1]
            following = next(rest, None)
            if following is None:
                finished.add(step)
                open_steps.pop()
                trail.pop()
            elif following in trail:
                ring = trail[trail.index(following) :]
                first = min(ring, key=list(needs).index)
                turn = ring.index(first)
                return tuple(ring[turn:] + ring[:turn])
            elif following not in finished:
                trail.append(following)
                open_steps.append((following, iter(needs[following])))
    return ()


def nominal_offsets(steps: Iterable[StepShape]) -> dict[str, int]:
    """Return how many working days after the start, or after its event, each step is due when nothing intervenes.

    Negative: so many before it. `origins_of` says of each from what it is counted.
    """
    offsets: dict[str, int] = {}
    for step in steps:
        offsets[step.slug] = step.due_days + (offsets[step.anchor] if step.anchor is not None else 0)
    return offsets


def origins_of(steps: Iterable[StepShape]) -> dict[str, str | None]:
    """Return the event from which each step is counted in the end, or None where that is the plan's start."""
    origins: dict[str, str | None] = {}
    for step in steps:
        origins[step.slug] = step.event if step.anchor is None else origins[step.anchor]
    return origins


def length(steps: Sequence[StepShape]) -> int:
    """Return the number of the last working day of what is counted from the plan's start, which is day 1.

    What is due before the start adds nothing to it.
    """
    origins = origins_of(steps)
    return (
        max((days for slug, days in nominal_offsets(steps).items() if origins[slug] is None and days > 0), default=0)
        + 1
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a plan is: its working days from the start, None where nothing is counted from there.

    `around` has of each event from which steps are counted the first and the last of their working days, negative
    before it.
    """

    days: int | None
    around: tuple[tuple[str, int, int], ...] = ()


def extent(steps: Sequence[StepShape]) -> Extent:
    """Return how long a plan is, whatever its steps are counted from."""
    origins, offsets = origins_of(steps), nominal_offsets(steps)
    events = dict.fromkeys(origin for origin in origins.values() if origin is not None)
    around = []
    for event in events:
        counted = [offsets[slug] for slug, origin in origins.items() if origin == event]
        around.append((event, min(counted), max(counted)))
    return Extent(length(steps) if None in origins.values() or not events else None, tuple(around))


# --- Dates -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakenBack:
    """That more time which had been given is not given any more: who said so when, and why."""

    by: Words | None
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Extension:
    """More time for one step of one person, or for her whole plan: so many working days, why and from whom.

    One that was `taken_back` lengthens no date; it is kept to be told.
    """

    working_days: int
    reason: str = ""
    by: Words | None = None
    is_of_plan: bool = False
    taken_back: TakenBack | None = None


@dataclass(frozen=True, slots=True)
class Extended:
    """An extension as it lengthened a date."""

    extension: Extension
    due: DueDate


@dataclass(frozen=True, slots=True)
class EffectiveDue:
    """When a step is due for a person, with everything that led there.

    `anchor` names the step from whose date was counted and `event` the event; both None is the plan's start.
    `undisturbed` is the date as it would be without the person's leave and pauses, `counted` the date with them,
    `extended` what came of it; `taken_back` are the extensions that lengthen it no more. A date that was counted back
    and lies in a pause is `resumed` after it.
    """

    anchor: str | None
    undisturbed: DueDate
    counted: DueDate
    extended: tuple[Extended, ...] = ()
    event: str | None = None
    resumed: DueDate | None = None
    taken_back: tuple[Extension, ...] = ()

    @property
    def on(self) -> date:
        """The date that counts."""
        return self.extended[-1].due.on if self.extended else self.with_absences.on

    @property
    def with_absences(self) -> DueDate:
        """The date with the person's leave and pauses, before more time was given."""
        return self.resumed or self.counted

    @property
    def absences(self) -> tuple[DayOff, ...]:
        """The days of leave and of pauses that moved the date, in their order; others would have been worked."""
        skipped = self.counted.derivation.skipped + (self.resumed.derivation.skipped if self.resumed else ())
        return tuple(off for off in skipped if off.reason in ABSENCES)

    @property
    def provisional(self) -> bool:
        """Whether it rests on holidays that are not announced yet."""
        dues = (self.counted, self.with_absences, *(each.due for each in self.extended))
        return any(due.derivation.provisional for due in dues)


class Counts:
    """Counting from several starts in one calendar; what was counted from a start is kept."""

    def __init__(self, calendar: WorkingCalendar) -> None:
        self._calendar, self._undisturbed = calendar, calendar.undisturbed
        self._unpaused = calendar.unpaused
        self._kept: dict[tuple[int, date], Count] = {}

    def from_(self, start: date) -> Count:
        """Return the count that began on this day."""
        return self._count(start, self._calendar)

    def unpaused_from(self, start: date) -> Count:
        """Return the count that began on this day as if the plan had not been paused."""
        return self._count(start, self._unpaused)

    def undisturbed_from(self, start: date) -> Count:
        """Return the count that began on this day as if the person were never away."""
        return self._count(start, self._undisturbed)

    def _count(self, start: date, calendar: WorkingCalendar) -> Count:
        key = id(calendar), start
        if key not in self._kept:
            self._kept[key] = Count(start, calendar)
        return self._kept[key]


def effective_due(
    step: StepShape, anchor_on: date, counts: Counts, extensions: Sequence[Extension] = ()
) -> EffectiveDue:
    """Return when a step is due: the one place where this is decided.

    Counted in working days from the anchor's date, then lengthened by each extension that holds, in its order.
    Counting back skips leave, so that as many days of work remain; but not the days of a pause, which would make the
    date an earlier one: a date that lies in a pause moves to the first working day after it. Raises `YearNotInTable`.
    """
    undisturbed = counts.undisturbed_from(anchor_on).after(step.due_days)
    resumed = None
    if step.due_days >= 0:
        counted = counts.from_(anchor_on).after(step.due_days)
    else:
        counted = counts.unpaused_from(anchor_on).after(step.due_days)
        after_pause = counts.from_(counted.on).after(0)
        resumed = after_pause if after_pause.on != counted.on else None
    due, extended = resumed or counted, []
    taken_back = tuple(each for each in extensions if each.taken_back is not None)
    for extension in extensions:
        if extension.taken_back is None:
            due = counts.from_(due.on).after(extension.working_days)
            extended.append(Extended(extension, due))
    return EffectiveDue(step.anchor, undisturbed, counted, tuple(extended), step.event, resumed, taken_back)


Schedule = Mapping[str, EffectiveDue]


@dataclass(frozen=True, slots=True)
class Pause:
    """Days of one person that do not count in a plan: from the first up to the day before she resumes.

    `resumes_on` None: she has not resumed yet.
    """

    first_on: date
    resumes_on: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether the day is one of its days."""
        return self.first_on <= day and (self.resumes_on is None or day < self.resumes_on)

    def days(self, today: date) -> Iterator[date]:
        """Yield its days; of one that is not over those up to today, as if she resumed tomorrow."""
        end = self.resumes_on if self.resumes_on is not None else today + ONE_DAY
        for number in range((end - self.first_on).days):
            yield self.first_on + timedelta(days=number)


@dataclass(frozen=True, slots=True)
class Exemption:
    """That one person need not do a step: who said so when, and why."""

    by: Words | None
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Aside:
    """What is not asked of one person for the time being, by the steps' slugs.

    `declined` asks for a statement that she declines: nothing waits for it. `held` has material that she is therefore
    not assigned: what comes after it is not asked either.
    """

    declined: frozenset[str]
    held: frozenset[str]

    def as_others_see(self) -> Aside | None:
        """Return what everybody but the learner is shown: what a wellbeing contact can set aside, and no declining.

        A statement that she declines looks as before she was asked, and so does what comes after it.
        """
        return Aside(frozenset(), self.held) if self.held else None

    def all_of(self, plan: Mapping[str, StepShape]) -> frozenset[str]:
        """Return every step of the plan of which nothing is asked, whether it is done or not."""
        after = {slug for slug, step in plan.items() if not self.held.isdisjoint(all_before(step, plan))}
        return self.declined | self.held | after


@dataclass(frozen=True, slots=True)
class EventDay:
    """When an event takes place for a person: who said so last, and why where it had been another day before.

    `is_of_cohort`: it is the day of her whole cohort.
    """

    on: date
    by: Words | None = None
    reason: str = ""
    is_of_cohort: bool = False


@dataclass(frozen=True, slots=True)
class Basis:
    """What the dates of one person in a plan rest on besides the plan and her calendar.

    `extensions` are in the order in which they were given, each with its step's slug; None stands for the whole plan.
    `events` has the day of each event of the plan by its slug. `exemptions` has the steps that she need not do, in the
    order in which they were said; they move no date, and nor does what is set `aside`.
    """

    starts_on: date
    extensions: tuple[tuple[str | None, Extension], ...] = ()
    pauses: tuple[Pause, ...] = ()
    events: tuple[tuple[str, EventDay], ...] = ()
    exemptions: tuple[tuple[str, Exemption], ...] = ()
    aside: Aside | None = None

    @property
    def exempt(self) -> frozenset[str]:
        """The steps that she need not do."""
        return frozenset(slug for slug, _exemption in self.exemptions)

    def as_others_see(self) -> Basis:
        """Return the basis as everybody but the learner is shown it; see `Aside.as_others_see`."""
        return self if self.aside is None else replace(self, aside=self.aside.as_others_see())

    def event(self, slug: str) -> EventDay:
        """Return the day of an event. Raises `KeyError` where it has none."""
        return dict(self.events)[slug]

    def with_event(self, slug: str, day: EventDay) -> Basis:
        """Return the basis with another day for an event."""
        return replace(self, events=tuple((dict(self.events) | {slug: day}).items()))

    def of(self, slug: str | None) -> tuple[Extension, ...]:
        """Return the extensions of a step, or those of the whole plan, in their order; those taken back too."""
        return tuple(extension for step, extension in self.extensions if step == slug)

    def with_extension(self, slug: str | None, number: int, extension: Extension) -> Basis:
        """Return the basis with another extension in the place of the one that is `number` (from 1) of a step."""
        places = [place for place, (step, _given) in enumerate(self.extensions) if step == slug]
        place = places[number - 1]
        return replace(self, extensions=(*self.extensions[:place], (slug, extension), *self.extensions[place + 1 :]))

    def calendar(self, calendar: WorkingCalendar, today: date) -> WorkingCalendar:
        """Return the calendar less the days of the pauses."""
        if not self.pauses:
            return calendar
        return replace(calendar, paused=frozenset(day for pause in self.pauses for day in pause.days(today)))

    def pause_on(self, day: date) -> Pause | None:
        """Return the pause in which a day lies."""
        return next((each for each in self.pauses if each.covers(day)), None)


def schedule(steps: Iterable[StepShape], basis: Basis, calendar: WorkingCalendar) -> Schedule:
    """Return when every step is due in the calendar that the basis makes; an anchored step follows its anchor's date.

    More time for the whole plan lengthens what is counted from its start; the rest follows that, but for what is
    counted from an event: that takes place when it does. Takes plans without `faults`, and a basis with a day for
    each event. Raises `YearNotInTable`.
    """
    counts, whole = Counts(calendar), basis.of(None)
    dues: dict[str, EffectiveDue] = {}
    for step in steps:
        given = basis.of(step.slug)
        if step.anchor is not None:
            anchor_on = dues[step.anchor].on
        elif step.event is not None:
            anchor_on = basis.event(step.event).on
        else:
            anchor_on, given = basis.starts_on, (*whole, *given)
        dues[step.slug] = effective_due(step, anchor_on, counts, given)
    return dues


def days_of(dues: Schedule, booked: Mapping[str, date]) -> dict[str, date]:
    """Return on which day each step is to be done: that of the session `booked` for it (its slug), else its due date.

    This is the day that is told and compared everywhere; what is counted from a step is counted from its due date,
    which a session leaves where it is.
    """
    return {slug: booked.get(slug, due.on) for slug, due in dues.items()}


def out_of_order(
    steps: Iterable[StepShape],
    dues: Schedule,
    settled: Collection[str] = (),
    *,
    booked: Mapping[str, date] = MappingProxyType({}),
) -> list[tuple[str, str]]:
    """Return each step whose day is before that of one that comes first, with that one, in the order of the plan.

    Days are those of `days_of`. Steps of which nothing is asked any more are left out. Within what is counted from one
    day a plan says itself in which order its steps are due; this is for days that somebody sets.
    """
    on = days_of(dues, booked)
    return [
        (step.slug, name)
        for step in steps
        for name in step.prerequisites
        if step.slug not in settled and name not in settled and on[step.slug] < on[name]
    ]


# --- States ------------------------------------------------------------------------------------


class StepState(StrEnum):
    """How a step stands for a person. Whether it is late is a second question.

    Exempt is a step that she need not do and has not done: neither assigned nor done. Set aside is what is not asked
    of her for the time being, and why is told to nobody here.
    """

    DONE = "done"
    EXEMPT = "exempt"
    SET_ASIDE = "set_aside"
    LOCKED = "locked"
    OPEN = "open"
    WAITING = "waiting"


# Of these nothing is asked any more.
SETTLED = frozenset({StepState.DONE, StepState.EXEMPT})
# Of these nothing is asked now.
NOT_ASKED = SETTLED | {StepState.SET_ASIDE}


@dataclass(frozen=True, slots=True)
class StepStatus:
    """How a step stands today: its state, whether its date has passed, and what it still waits for."""

    state: StepState
    is_late: bool = False
    missing: tuple[str, ...] = ()


def missing_of(step: StepShape, plan: Mapping[str, StepShape], done: Collection[str]) -> tuple[str, ...]:
    """Return the unfinished steps nearest to this one on every way back from it, in the order of its prerequisites.

    A prerequisite that was done before its own prerequisites (a text that was known already) does not stand in
    for them: the way back goes through it.
    """
    missing: dict[str, None] = {}
    seen: set[str] = set()
    ways = list(reversed(step.prerequisites))
    while ways:
        name = ways.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in done:
            ways += reversed(plan[name].prerequisites)
        else:
            missing[name] = None
    return tuple(missing)


def all_before(step: StepShape, plan: Mapping[str, StepShape]) -> set[str]:
    """Return every step that comes before this one, however far back."""
    found: set[str] = set()
    ways = list(step.prerequisites)
    while ways:
        name = ways.pop()
        if name not in found:
            found.add(name)
            ways += plan[name].prerequisites
    return found


def first_before(step: StepShape, plan: Mapping[str, StepShape], done: Collection[str]) -> tuple[str, ...]:
    """Return the unfinished steps on the way to this one that have nothing before them: where to begin."""
    before = all_before(step, plan)
    return tuple(
        name for name in plan if name in before and name not in done and not missing_of(plan[name], plan, done)
    )


def state_of(
    step: StepShape,
    plan: Mapping[str, StepShape],
    done: Collection[str],
    sent_back: Collection[str] = (),
    exempt: Collection[str] = (),
    *,
    aside: Aside | None = None,
) -> tuple[StepState, tuple[str, ...]]:
    """Return how a step of the plan stands whatever the date, and which steps it still waits for (`missing_of`).

    What is done stays done whatever its prerequisites: they order what is offered, they undo
    nothing. A step that somebody else completes waits for her from the moment its prerequisites
    are done, unless she sent it back: then it is the learner's turn. Nothing waits for a step from which the learner
    is `exempt`; where she has done it all the same, it is done. Nor does anything wait for a statement that she
    declines; what is set `aside` stays to be done, and what comes after it is set aside with it.
    """
    if step.slug in done:
        return StepState.DONE, ()
    if step.slug in exempt:
        return StepState.EXEMPT, ()
    if aside is not None and step.slug in aside.all_of(plan):
        return StepState.SET_ASIDE, ()
    passed = {*exempt, *(aside.declined if aside is not None else ())}
    missing = missing_of(step, plan, {*done, *passed} if passed else done)
    if missing:
        return StepState.LOCKED, missing
    if step.by is not Doer.LEARNER and step.slug not in sent_back:
        return StepState.WAITING, ()
    return StepState.OPEN, ()


def is_before_plan(kind: StepKind, due_on: date, starts_on: date) -> bool:
    """Say whether a step that others complete can be theirs before the plan's first day.

    It is due before that day, or is a task: that waits for nobody before it is handed in.
    """
    return due_on < starts_on or kind is StepKind.TASK


def is_awaited(kind: StepKind, due_on: date, starts_on: date, today: date) -> bool:
    """Say whether a step that others complete waits for them: before the plan's first day only as `is_before_plan`."""
    return today >= starts_on or is_before_plan(kind, due_on, starts_on)


def asked_by(due_on: date, session_on: date | None) -> date:
    """Return after which day a step is overdue: its due date, or the later one for which its session is booked.

    `session_on` is the day of the session at which the learner was; else of the one at which she is expected, or was
    and nobody has said yet whether she came. Until then nobody could do more about the step.
    """
    return due_on if session_on is None else max(due_on, session_on)


def statuses(
    steps: Iterable[StepShape],
    dues: Schedule,
    done: Collection[str],
    today: date,
    sent_back: Collection[str] = (),
    *,
    exempt: Collection[str] = (),
    aside: Aside | None = None,
    booked: Mapping[str, date] = MappingProxyType({}),
) -> dict[str, StepStatus]:
    """Return how every step stands on a day; a step that is to be done is late from the day after its date.

    `booked` has the day of its session, by the step's slug, as `asked_by` takes it.
    """
    plan = {step.slug: step for step in steps}
    found: dict[str, StepStatus] = {}
    for step in plan.values():
        state, missing = state_of(step, plan, done, sent_back, exempt, aside=aside)
        found[step.slug] = StepStatus(
            state,
            state not in NOT_ASKED and asked_by(dues[step.slug].on, booked.get(step.slug)) < today,
            missing,
        )
    return found


def with_handed_in(
    shown: Mapping[str, StepStatus], own: Mapping[str, StepStatus], tasks: Collection[str]
) -> Mapping[str, StepStatus]:
    """Return how others see the steps, where a task that was handed in waits for them although it is locked for them.

    `own` is how the steps stand for the learner: what she has really done is seen.
    """
    waiting = {slug for slug in tasks if own[slug].state is StepState.WAITING}
    return {slug: own[slug] if slug in waiting else each for slug, each in shown.items()}


@dataclass(frozen=True, slots=True)
class Progress:
    """Required steps: how many are done, how many were due before today, how many of those are done, all of them.

    What has a session was due by the day that `asked_by` says.

    A step from which the learner is exempt, and that she has not done, is none of them. Due dates are working days,
    so "due before today" is the same as "due by the end of the previous working day".
    """

    done: int
    expected: int
    done_of_expected: int
    total: int

    @property
    def is_complete(self) -> bool:
        """Whether every required step is done."""
        return self.done == self.total

    @property
    def overdue(self) -> int:
        """How many required steps are late."""
        return self.expected - self.done_of_expected


def progress(
    steps: Iterable[StepShape],
    dues: Schedule,
    done: Collection[str],
    today: date,
    exempt: Collection[str] = (),
    *,
    aside: Aside | None = None,
    booked: Mapping[str, date] = MappingProxyType({}),
) -> Progress:
    """Count the required steps that are done and those that should be by now; what is set aside should not."""
    plan = {step.slug: step for step in steps}
    required = [step.slug for step in plan.values() if step.required and (step.slug not in exempt or step.slug in done)]
    waived = aside.all_of(plan) - set(done) if aside is not None else frozenset()
    expected = [slug for slug in required if slug not in waived and asked_by(dues[slug].on, booked.get(slug)) < today]
    return Progress(
        done=sum(slug in done for slug in required),
        expected=len(expected),
        done_of_expected=sum(slug in done for slug in expected),
        total=len(required),
    )


def is_complete(steps: Iterable[StepShape], done: Collection[str], exempt: Collection[str] = ()) -> bool:
    """Say whether every required step is done, or need not be."""
    return all(step.slug in done or step.slug in exempt for step in steps if step.required)


def would_be_empty(steps: Iterable[StepShape], done: Collection[str], exempt: Collection[str]) -> bool:
    """Say whether no required step would be done or to be done: nothing of the plan would be left."""
    return all(step.slug in exempt and step.slug not in done for step in steps if step.required)


# --- The day -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that a learner does herself and has not done: its own name among all of it, and by which day.

    `waits_for` are the unfinished things that come first, by their names; some may be for others to do.
    """

    key: str
    on: date
    is_required: bool = True
    position: int = 0
    waits_for: tuple[str, ...] = ()


def in_turn(mine: Iterable[Turn]) -> list[Turn]:
    """Put what a learner does herself into the order in which she can do it.

    By its day, so that what is overdue comes first; on one day what is required before what is not, then by position.
    Nothing comes before what it waits for. What waits for somebody else, however far back, comes last: whatever its
    day, she cannot begin it.
    """
    by_key = {each.key: each for each in mine}
    within_reach: dict[str, bool] = {}

    def is_within_reach(key: str) -> bool:
        if key not in within_reach:
            within_reach[key] = key in by_key and all(is_within_reach(each) for each in by_key[key].waits_for)
        return within_reach[key]

    found: dict[str, Turn] = {}

    def take(turn: Turn) -> None:
        for key in turn.waits_for:
            if key in by_key and key not in found:
                take(by_key[key])
        found.setdefault(turn.key, turn)

    for turn in sorted(
        by_key.values(), key=lambda each: (not is_within_reach(each.key), each.on, not each.is_required, each.position)
    ):
        take(turn)
    return list(found.values())


def opened_by(slug: str, plan: Mapping[str, StepShape], done: Collection[str]) -> int:
    """Return how many unfinished steps of a plan come after this one, however far."""
    return sum(slug in all_before(step, plan) for name, step in plan.items() if name not in done)


# --- Feasibility -------------------------------------------------------------------------------


# Of a working day this much is training at most; the rest is breaks, talks and getting settled.
MOST_MINUTES_A_DAY = 360


@dataclass(frozen=True, slots=True)
class Feasibility:
    """How many working days the steps that are left need up to a date, and how many there are.

    `event` is the event that the date belongs to, None the end of the plan.
    """

    event: str | None
    until: date
    needed: int
    left: int

    @property
    def is_enough(self) -> bool:
        """Whether the days that are left suffice."""
        return self.needed <= self.left


def days_needed(
    steps: Sequence[StepShape],
    wanted: Collection[str],
    done: Collection[str],
    held: Mapping[str, int] = MappingProxyType({}),
) -> int:
    """Return in how many working days these steps of a plan can be done at the earliest, with all that comes before.

    What is not done is gone through day by day in the order of the plan, at most `MOST_MINUTES_A_DAY` a day. A step
    is begun when all its prerequisites are done; one that is counted from a step that it has to wait for comes at
    least that many working days after it. A long step goes on the next day; one without minutes takes no time,
    but a day is needed where anything is left. What is `held` in a session is not begun before that working day, the
    first being 1. 0 where nothing is left.
    """
    plan = {step.slug: step for step in steps}
    before = {slug: all_before(step, plan) for slug, step in plan.items()}
    chosen = set(wanted).union(*(before[slug] for slug in wanted))
    left = {slug: step.minutes for slug, step in plan.items() if slug in chosen and slug not in done}
    # The first day on which a step that has to wait for its distance may be begun.
    earliest = {slug: held.get(slug, 1) for slug in left}
    day = 0
    while left:
        day += 1
        room = MOST_MINUTES_A_DAY
        while (slug := _first_to_do(left, before, earliest, day, room)) is not None:
            spent = min(left[slug], room)
            room -= spent
            left[slug] -= spent
            if left[slug] == 0:
                del left[slug]
                for other in left:
                    if plan[other].anchor == slug and slug in before[other]:
                        earliest[other] = max(earliest[other], day + plan[other].due_days)
    return day


def _first_to_do(
    left: Mapping[str, int], before: Mapping[str, set[str]], earliest: Mapping[str, int], day: int, room: int
) -> str | None:
    """Return the first step on which something can be done in the minutes of a day that are left."""
    for slug, minutes in left.items():
        if (room or not minutes) and earliest[slug] <= day and before[slug].isdisjoint(left):
            return slug
    return None


def feasibility(
    steps: Sequence[StepShape],
    dues: Schedule,
    done: Collection[str],
    *,
    basis: Basis,
    calendar: WorkingCalendar,
    today: date,
    booked: Mapping[str, date] = MappingProxyType({}),
) -> list[Feasibility]:
    """Return whether what is left can be done in time: until each event of the plan, then until the plan's end.

    Up to an event count the required steps that are counted from it and due on its day or before; up to the end all
    required steps. `needed` is what `days_needed` says of them: what has a session `booked` is done on its day. `left`
    are the working days of the person's calendar from today up to the last day (`days_of`) of these steps, both
    included; an event is not put off by a session that is after it, nor the end by one for which other steps would
    have to wait beyond their dates. Before the first day of the plan it is counted from there, or from the first date
    that is due earlier. Nothing is said where no step is left. Raises `YearNotInTable`; a session in a year without a
    holiday table is passed over.
    """
    origins = origins_of(steps)
    required = [step.slug for step in steps if step.required and step.slug not in done]
    goals: list[tuple[str | None, list[str]]] = [
        (event, [slug for slug in required if origins[slug] == event and dues[slug].on <= basis.event(event).on])
        for event in dict.fromkeys(origin for origin in origins.values() if origin is not None)
    ]
    goals.append((None, required))
    found = []
    first = max(today, min([basis.starts_on, *(dues[slug].on for slug in required)]))
    held: dict[str, int] = {}
    for slug, on in booked.items():
        with suppress(YearNotInTable):
            held[slug] = max(1, working_days_between(first - ONE_DAY, on, calendar))
    known = {slug: booked[slug] for slug in held}
    on_days = days_of(dues, known)
    awaited = {name for _slug, name in out_of_order(steps, dues, done, booked=known) if name in known}
    for event, slugs in goals:
        if not slugs:
            continue
        until = max(on_days[slug] for slug in [each for each in slugs if each not in awaited] or slugs)
        if event is not None:
            until = min(until, basis.event(event).on)
        left = working_days_between(first - ONE_DAY, until, calendar)
        found.append(Feasibility(event, until, days_needed(steps, slugs, done, held), left))
    return found


# --- How much falls on a day -------------------------------------------------------------------

EARLY_DAYS = 5
# All are enrolled in one transaction, in which nobody else writes: about a second for so many. More are taken in by the
# worker, so many in each of its transactions.
MOST_PEOPLE_AT_ONCE = 100
MOST_PEOPLE = 2_000
# Whoever has no account yet is invited so many working days before the first day, at this hour.
INVITED_DAYS_BEFORE, INVITED_AT_HOUR = 5, 9


@dataclass(frozen=True, slots=True)
class DayLoad:
    """A day on which something is due: which working day of the plan it is, the steps, and their minutes together."""

    on: date
    number: int
    slugs: tuple[str, ...]
    minutes: int

    @property
    def is_heavy(self) -> bool:
        """Whether it is more than a day of training should hold."""
        return self.minutes > MOST_MINUTES_A_DAY


def loads(minutes: Mapping[str, int], dues: Schedule, starts_on: date, calendar: WorkingCalendar) -> list[DayLoad]:
    """Return the days on which steps are due, in their order; `minutes` holds those of each step by its slug.

    A step weighs on the day on which it is due: that is when it must have been sat through. Raises `YearNotInTable`.
    """
    due: dict[date, list[str]] = {}
    for slug in minutes:
        due.setdefault(dues[slug].on, []).append(slug)
    found, number, day = [], 0, starts_on
    for on in sorted(due):
        while day <= on:
            number += calendar.is_working_day(day)
            day += ONE_DAY
        found.append(DayLoad(on, number, tuple(due[on]), sum(minutes[slug] for slug in due[on])))
    return found


def share_early(days: Iterable[DayLoad]) -> Fraction:
    """Return the share of the steps that are due on the first `EARLY_DAYS` working days; 0 of none."""
    counted = [(day.number <= EARLY_DAYS, len(day.slugs)) for day in days]
    total = sum(count for _is_early, count in counted)
    return Fraction(sum(count for is_early, count in counted if is_early), total) if total else Fraction(0)


# --- Gates -------------------------------------------------------------------------------------

# The 97.5 % point of the normal distribution to six decimals, for intervals of 95 %. As a fraction, so that whether a
# gate is reached never hangs on how a computer rounds.
Z = Fraction(1_959_964, 1_000_000)
# So many questions a gate rests on where its plan says nothing else; below it an interval is too wide to say much.
GATE_MINIMUM = 100
MAX_GATE_MINIMUM = 10_000
# Bounds are whole tenths of a percent: what is shown of an interval is as fine.
BOUND_STEP = Fraction(1, 1000)
_FINE = 10**9


@dataclass(frozen=True, slots=True)
class Interval:
    """Wilson's 95 % interval of a share, its ends rounded down and up to a millionth."""

    low: Fraction
    high: Fraction


def wilson(right: int, n: int) -> Interval | None:
    """Return Wilson's interval of the share `right` of `n`; None of nothing.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212:
    the shares x with (right/n - x)² ≤ z² x (1 - x) / n.
    """
    if n < 1:
        return None
    inside = Fraction(right * (n - right), n) + Z * Z / 4
    # The root to a billionth, from below.
    root = Fraction(isqrt(inside.numerator * inside.denominator * _FINE * _FINE), inside.denominator * _FINE)
    middle, whole = right + Z * Z / 2, n + Z * Z
    low, high = (middle - Z * root) / whole, (middle + Z * (root + Fraction(1, _FINE))) / whole
    million = 1_000_000
    return Interval(
        max(Fraction(0), Fraction(int(low * million), million)) if right else Fraction(0),
        min(Fraction(1), Fraction(ceil(high * million), million)) if right < n else Fraction(1),
    )


def reaches(right: int, n: int, bound: Fraction) -> bool:
    """Say whether the lower end of Wilson's interval is at least `bound` (between 0 and 1); decided without rounding.

    The end is the smaller x of the equation in `wilson`, so it is at least the bound exactly where the share lies above
    the bound by z² x (1 - x) / n or more, squared. 47 of 50 do not reach 90 %.
    """
    above = right - n * bound
    return n > 0 and above >= 0 and above * above >= Z * Z * n * bound * (1 - bound)


def least_right(n: int, bound: Fraction) -> int | None:
    """Return how many of `n` questions must be right to reach the bound; None where not even all suffice."""
    return next((right for right in range(ceil(n * bound), n + 1) if reaches(right, n, bound)), None)


def least_questions(bound: Fraction) -> int:
    """Return on how many questions, all right, the bound can be reached at all."""
    return ceil(Z * Z * bound / (1 - bound))


@dataclass(frozen=True, slots=True)
class GateTerms:
    """What a gate asks: these quizzes passed, and over their questions a lower bound, on at least so many."""

    quizzes: tuple[str, ...]
    bound: Fraction
    minimum: int = GATE_MINIMUM

    @property
    def needed(self) -> int:
        """The least number of questions: that of the plan, or that with which the bound can be reached at all."""
        return max(self.minimum, least_questions(self.bound))


@dataclass(frozen=True, slots=True)
class QuizInGate:
    """How a learner stands in one quiz of a gate: passed or not, and how many of its scored questions are right.

    A question is right where it earned all its points. `attempt` is the one that counts; without one (a score set by
    hand, an exemption) there are no questions.
    """

    quiz: str
    is_passed: bool
    right: int = 0
    scored: int = 0
    attempt: str | None = None


@dataclass(frozen=True, slots=True)
class GateFigures:
    """How a learner stands before a gate."""

    terms: GateTerms
    quizzes: tuple[QuizInGate, ...]

    @property
    def right(self) -> int:
        """How many of the questions are right."""
        return sum(each.right for each in self.quizzes)

    @property
    def n(self) -> int:
        """How many questions were scored."""
        return sum(each.scored for each in self.quizzes)

    @property
    def share(self) -> Fraction | None:
        """The share of right ones; None of no questions."""
        return Fraction(self.right, self.n) if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Its interval."""
        return wilson(self.right, self.n)

    @property
    def not_passed(self) -> tuple[str, ...]:
        """The quizzes that are not passed."""
        return tuple(each.quiz for each in self.quizzes if not each.is_passed)

    @property
    def missing_questions(self) -> int:
        """How many questions are missing to the least number."""
        return max(0, self.terms.needed - self.n)

    @property
    def missing_right(self) -> int:
        """How many more of these questions would have to be right; 0 where enough are, or where there are too few."""
        least = least_right(self.n, self.terms.bound)
        return 0 if least is None else max(0, least - self.right)

    @property
    def is_reached(self) -> bool:
        """Whether a lead can sign the gate off."""
        return not self.not_passed and not self.missing_questions and reaches(self.right, self.n, self.terms.bound)

    def shown_low(self) -> Fraction | None:
        """Return the lower end to a tenth of a percent; never as high as the bound where that is not reached."""
        interval = self.interval
        if interval is None:
            return None
        rounded = Fraction(int(interval.low * 1000 + Fraction(1, 2)), 1000)
        if rounded >= self.terms.bound and not reaches(self.right, self.n, self.terms.bound):
            return Fraction(int(interval.low * 1000), 1000)
        return rounded


# --- Another version of a plan -----------------------------------------------------------------


class Difference(StrEnum):
    """In what two steps of one name ask for different things."""

    KIND = "kind"
    DOCUMENT = "document"
    QUIZ = "quiz"
    DOER = "doer"
    GATE = "gate"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Terms:
    """What has to be done for a step. What was done for one counts for another with the same terms.

    Title, instructions, minutes, dates and order are no terms: they say how and when, not what.
    """

    kind: StepKind
    document: str | None
    quiz: str | None
    by: Doer
    gate: GateTerms | None
    evidence: frozenset[EvidenceKind]


def differences(before: Terms, after: Terms) -> tuple[Difference, ...]:
    """Return in what two steps ask for different things; () where what was done for the first counts for the second."""
    if before.kind is not after.kind:
        return (Difference.KIND,)
    pairs = (
        (Difference.DOCUMENT, before.document, after.document),
        (Difference.QUIZ, before.quiz, after.quiz),
        (Difference.DOER, before.by, after.by),
        (Difference.GATE, before.gate, after.gate),
        (Difference.EVIDENCE, before.evidence, after.evidence),
    )
    return tuple(difference for difference, was, will_be in pairs if was != will_be)


class Fate(StrEnum):
    """What becomes of a step when somebody goes on in another version of her plan."""

    # Done or exempt under the same terms: it stays so.
    DONE = "done"
    EXEMPT = "exempt"
    # To be done under the same terms as before.
    KEPT = "kept"
    # There under other terms: what was done for it does not count, or what is asked is another thing.
    CHANGED = "changed"
    NEW = "new"
    # Not in the plan she had, or under other terms, and done already all the same.
    COUNTS = "counts"
    # Not in the plan that she gets.
    DROPPED = "dropped"


# --- Tasks and sessions ------------------------------------------------------------------------

# Of a text that is handed in.
EVIDENCE_LIMIT = 20_000
LINK_LIMIT = 2_000
# A session lasts a working day at most, lies up to a year ahead, and can be entered afterwards for two months.
MAX_SESSION_HOURS = 12
SESSION_AHEAD = timedelta(days=366)
SESSION_BACK = timedelta(days=62)
PLACE_LIMIT = 300


def has_left(ended_at: datetime | None, starts_at: datetime) -> bool:
    """Say whether a training ended before a session of it began: nobody is expected there any more."""
    return ended_at is not None and ended_at <= starts_at


def whose_turn(
    kind: StepKind, by: Doer, *, has_handed_in: bool = False, is_awaited: bool = False, is_reached: bool = False
) -> bool:
    """Say whether a step that others complete is the learner's turn first, whatever was said about it.

    A task until she has handed in, a session while she is expected at one (`is_awaited`), a gate until it is reached.
    """
    match kind:
        case StepKind.TASK:
            return by is not Doer.LEARNER and not has_handed_in
        case StepKind.SESSION:
            return is_awaited
        case StepKind.GATE:
            return not is_reached
        case _:
            return False
