"""What a plan's dates, states and progress are, from plain facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil, isqrt

from portal.calendars.rules import ABSENCES, ONE_DAY, Count, DayOff, DueDate, WorkingCalendar
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


@dataclass(frozen=True, slots=True)
class StepShape:
    """A step as far as dates and order are concerned; `anchor` None is the plan's start."""

    slug: str
    due_days: int
    anchor: str | None = None
    prerequisites: tuple[str, ...] = ()
    required: bool = True
    by: Doer = Doer.LEARNER


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """A phase as its author writes it."""

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
    # Of a task: what can be handed in.
    evidence: tuple[EvidenceKind, ...] = ()
    # Of a gate: the quizzes that it rests on, the share that their lower bound reaches, and on how many questions
    # at least (None: `GATE_MINIMUM`).
    gate_quizzes: tuple[str, ...] = ()
    gate_bound: Fraction | None = None
    gate_minimum: int | None = None

    @property
    def shape(self) -> StepShape:
        """The step as far as dates and order are concerned."""
        return StepShape(self.slug, self.due_days, self.anchor, self.prerequisites, self.required, self.by)


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """A version of a plan as its author writes it."""

    number: str
    title: Words
    summary: Words
    credential: str | None
    phases: tuple[PhaseSpec, ...]
    steps: tuple[StepSpec, ...]

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
# More is given by giving it again: each time with a reason.
MOST_DAYS_AT_ONCE = 60
# Of a statement or a reason; it is a few sentences.
STATEMENT_LIMIT = 2_000
# A step takes at most two full working weeks; what takes longer is several steps.
MAX_MINUTES = 4_800


class FaultKind(StrEnum):
    """Why a plan cannot be followed, or looks wrong."""

    DUPLICATE_STEP = "duplicate_step"
    NEGATIVE_OFFSET = "negative_offset"
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
        if step.due_days < 0:
            found.append(Fault(FaultKind.NEGATIVE_OFFSET, step.slug))
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
    offsets = nominal_offsets(steps)
    # Counted one from the other, steps can get there together.
    late = next((slug for slug, days in offsets.items() if days > MAX_DUE_DAYS), None)
    if late is not None:
        return [Fault(FaultKind.DUE_TOO_LATE, late)]
    for step in steps:
        for name in step.prerequisites:
            if step.required and not known[name].required:
                found.append(Fault(FaultKind.OPTIONAL_PREREQUISITE, step.slug, (name,)))
            if offsets[step.slug] < offsets[name]:
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
    """Return how many working days after the start each step is due when nothing intervenes."""
    offsets: dict[str, int] = {}
    for step in steps:
        offsets[step.slug] = step.due_days + (offsets[step.anchor] if step.anchor is not None else 0)
    return offsets


def length(steps: Iterable[StepShape]) -> int:
    """Return the number of the plan's last working day, its start being day 1."""
    return max(nominal_offsets(steps).values(), default=0) + 1


# --- Dates -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extension:
    """More time for one step of one person, or for her whole plan: so many working days, why and from whom."""

    working_days: int
    reason: str
    by: str
    is_of_plan: bool = False


@dataclass(frozen=True, slots=True)
class Extended:
    """An extension as it lengthened a date."""

    extension: Extension
    due: DueDate


@dataclass(frozen=True, slots=True)
class EffectiveDue:
    """When a step is due for a person, with everything that led there.

    `anchor` names the step from whose date was counted, None the plan's start. `undisturbed` is the date as it
    would be without the person's leave and pauses, `counted` the date with them, `extended` what came of it.
    """

    anchor: str | None
    undisturbed: DueDate
    counted: DueDate
    extended: tuple[Extended, ...] = ()

    @property
    def on(self) -> date:
        """The date that counts."""
        return self.extended[-1].due.on if self.extended else self.counted.on

    @property
    def absences(self) -> tuple[DayOff, ...]:
        """The days of leave and of pauses that moved the date, in their order; others would have been worked."""
        return tuple(off for off in self.counted.derivation.skipped if off.reason in ABSENCES)

    @property
    def provisional(self) -> bool:
        """Whether it rests on holidays that are not announced yet."""
        return any(due.derivation.provisional for due in (self.counted, *(each.due for each in self.extended)))


class Counts:
    """Counting from several starts in one calendar; what was counted from a start is kept."""

    def __init__(self, calendar: WorkingCalendar) -> None:
        self._calendar, self._undisturbed = calendar, calendar.undisturbed
        self._from: dict[date, Count] = {}
        self._undisturbed_from: dict[date, Count] = {}

    def from_(self, start: date) -> Count:
        """Return the count that began on this day."""
        if start not in self._from:
            self._from[start] = Count(start, self._calendar)
        return self._from[start]

    def undisturbed_from(self, start: date) -> Count:
        """Return the count that began on this day as if the person were never away."""
        if self._undisturbed is self._calendar:
            return self.from_(start)
        if start not in self._undisturbed_from:
            self._undisturbed_from[start] = Count(start, self._undisturbed)
        return self._undisturbed_from[start]


def effective_due(
    step: StepShape, anchor_on: date, counts: Counts, extensions: Sequence[Extension] = ()
) -> EffectiveDue:
    """Return when a step is due: the one place where this is decided.

    Counted in working days from the anchor's date, then lengthened by each extension in its order.
    Raises `YearNotInTable`.
    """
    undisturbed = counts.undisturbed_from(anchor_on).after(step.due_days)
    counted = counts.from_(anchor_on).after(step.due_days)
    due, extended = counted, []
    for extension in extensions:
        due = counts.from_(due.on).after(extension.working_days)
        extended.append(Extended(extension, due))
    return EffectiveDue(step.anchor, undisturbed, counted, tuple(extended))


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
class Basis:
    """What the dates of one person in a plan rest on besides the plan and her calendar.

    `extensions` are in the order in which they were given, each with its step's slug; None stands for the whole plan.
    """

    starts_on: date
    extensions: tuple[tuple[str | None, Extension], ...] = ()
    pauses: tuple[Pause, ...] = ()

    def of(self, slug: str | None) -> tuple[Extension, ...]:
        """Return the extensions of a step, or those of the whole plan."""
        return tuple(extension for step, extension in self.extensions if step == slug)

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

    More time for the whole plan lengthens what is counted from its start; the rest follows that. Takes plans
    without `faults`. Raises `YearNotInTable`.
    """
    counts, whole = Counts(calendar), basis.of(None)
    dues: dict[str, EffectiveDue] = {}
    for step in steps:
        anchor_on = basis.starts_on if step.anchor is None else dues[step.anchor].on
        given = basis.of(step.slug)
        dues[step.slug] = effective_due(step, anchor_on, counts, (*whole, *given) if step.anchor is None else given)
    return dues


# --- States ------------------------------------------------------------------------------------


class StepState(StrEnum):
    """How a step stands for a person. Whether it is late is a second question."""

    DONE = "done"
    LOCKED = "locked"
    OPEN = "open"
    WAITING = "waiting"


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
    step: StepShape, plan: Mapping[str, StepShape], done: Collection[str], sent_back: Collection[str] = ()
) -> tuple[StepState, tuple[str, ...]]:
    """Return how a step of the plan stands whatever the date, and which steps it still waits for (`missing_of`).

    What is done stays done whatever its prerequisites: they order what is offered, they undo
    nothing. A step that somebody else completes waits for her from the moment its prerequisites
    are done, unless she sent it back: then it is the learner's turn.
    """
    if step.slug in done:
        return StepState.DONE, ()
    missing = missing_of(step, plan, done)
    if missing:
        return StepState.LOCKED, missing
    if step.by is not Doer.LEARNER and step.slug not in sent_back:
        return StepState.WAITING, ()
    return StepState.OPEN, ()


def statuses(
    steps: Iterable[StepShape],
    dues: Schedule,
    done: Collection[str],
    today: date,
    sent_back: Collection[str] = (),
) -> dict[str, StepStatus]:
    """Return how every step stands on a day; a step that is not done is late from the day after its date."""
    plan = {step.slug: step for step in steps}
    found: dict[str, StepStatus] = {}
    for step in plan.values():
        state, missing = state_of(step, plan, done, sent_back)
        found[step.slug] = StepStatus(state, state is not StepState.DONE and dues[step.slug].on < today, missing)
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """Required steps: how many are done, how many were due before today, how many of those are done, all of them.

    Due dates are working days, so "due before today" is the same as "due by the end of the
    previous working day".
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


def progress(steps: Iterable[StepShape], dues: Schedule, done: Collection[str], today: date) -> Progress:
    """Count the required steps that are done and those that should be by now."""
    required = [step.slug for step in steps if step.required]
    expected = [slug for slug in required if dues[slug].on < today]
    return Progress(
        done=sum(slug in done for slug in required),
        expected=len(expected),
        done_of_expected=sum(slug in done for slug in expected),
        total=len(required),
    )


def is_complete(steps: Iterable[StepShape], done: Collection[str]) -> bool:
    """Say whether every required step is done."""
    return all(step.slug in done for step in steps if step.required)


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


# --- Tasks and sessions ------------------------------------------------------------------------

# Of a text that is handed in.
EVIDENCE_LIMIT = 20_000
LINK_LIMIT = 2_000
# A session lasts a working day at most, lies up to a year ahead, and can be entered afterwards for two months.
MAX_SESSION_HOURS = 12
SESSION_AHEAD = timedelta(days=366)
SESSION_BACK = timedelta(days=62)
PLACE_LIMIT = 300


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
