"""When the next cycle of an obligation comes to a person, whether it really will, and why not where it will not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from portal.calendars.rules import WorkingCalendar, YearNotInTable, add_working_days
from portal.certificates.rules import State as CertificateState
from portal.certificates.rules import months_later
from portal.training.rules import Basis, StepShape, nominal_offsets, schedule

MOST_MONTHS = 60
MOST_DAYS = 120
# Older than this an earlier completion is no replacement for a cycle of the year.
MOST_RECOGNISED_DAYS = 365
# The longest month each; 29 February is the 28th where there is none.
DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# What stands for the whole cycle where its date is counted.
_CYCLE = "cycle"


class Rhythm(StrEnum):
    """From what the days of cycles are counted."""

    AFTER_COMPLETION = "after_completion"
    BEFORE_EXPIRY = "before_expiry"
    YEARLY = "yearly"


class State(StrEnum):
    """Where an obligation stands."""

    IN_FORCE = "in_force"
    PAUSED = "paused"
    ENDED = "ended"


class CountsFrom(StrEnum):
    """What a cycle was counted from."""

    # Nothing was done before: it comes at once.
    BEGINNING = "beginning"
    COMPLETION = "completion"
    EXPIRY = "expiry"
    FIXED_DAY = "fixed_day"
    # Somebody opened it before its time, or after cycles had been interrupted.
    BY_HAND = "by_hand"


class Closing(StrEnum):
    """How a cycle came to its end."""

    COMPLETED = "completed"
    # An earlier completion that is recent enough counted for it.
    RECOGNISED = "recognised"
    # The next one came before it was done.
    LAPSED = "lapsed"
    # She is not among those any more whom the obligation addresses.
    LEFT = "left"
    # Her training was ended before it was completed.
    STOPPED = "stopped"
    # The obligation ended.
    ENDED = "ended"


# A cycle that closed like this was done.
DONE = frozenset({Closing.COMPLETED, Closing.RECOGNISED})


class Health(StrEnum):
    """Whether the next cycle of a person will really come."""

    INTERRUPTED = "interrupted"
    OPEN = "open"
    INTACT = "intact"
    # Never held what would be renewed: nothing of hers has begun that could be interrupted.
    WITHOUT = "without"


class Break(StrEnum):
    """Why the next cycle will not come; in the order in which they are looked for."""

    PAUSED = "paused"
    ENDED = "ended"
    NO_OWNER = "no_owner"
    STOPPED = "stopped"
    NO_CERTIFICATE = "no_certificate"
    CERTIFICATE_NOT_VALID = "certificate_not_valid"
    NO_EXPIRY = "no_expiry"
    NOT_RENEWED = "not_renewed"
    ZONE_UNKNOWN = "zone_unknown"
    YEAR_UNKNOWN = "year_unknown"
    GRACE_OVER = "grace_over"
    NO_PLAN = "no_plan"
    PLAN_HAS_EVENTS = "plan_has_events"


# What holds for everybody alike, and is mended once.
OF_OBLIGATION = frozenset({Break.PAUSED, Break.ENDED, Break.NO_OWNER, Break.NO_PLAN, Break.PLAN_HAS_EVENTS})


@dataclass(frozen=True, slots=True)
class Terms:
    """What an obligation says about days; the parts that its rhythm does not have are None."""

    rhythm: Rhythm
    begins_on: date
    # Working days from the opening of a cycle to its date.
    days: int
    months: int | None = None
    lead_days: int | None = None
    month: int | None = None
    day: int | None = None
    # How many days before the fixed day a completion may lie that counts for the cycle; None: it does not count.
    recognise_days: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for everybody of an obligation: its state, whether somebody answers for it, and its plan.

    `steps` None: the plan has no version that could be followed. `only_renews`: completing the plan renews a
    certificate that can still be renewed, and earns none.
    """

    state: State
    has_owner: bool
    steps: tuple[StepShape, ...] | None
    has_events: bool = False
    only_renews: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """That the plan was completed: on which day of the person's market, by which enrollment."""

    on: date
    code: str


@dataclass(frozen=True, slots=True)
class Held:
    """The certificate of the credential that stands: until when, what it is worth, and what it rests on."""

    expires_on: date | None
    state: CertificateState
    completion: Completion
    # The last day on which it can be renewed; None: it does not expire.
    renewable_until: date | None = None


@dataclass(frozen=True, slots=True)
class Last:
    """The last cycle of a person: its number and day, how it ended (None: it runs), until when it runs."""

    number: int
    opens_on: date
    closing: Closing | None
    # The day of its effective date while it runs.
    due_on: date | None = None
    # The enrollment that completed it.
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one person who is addressed.

    `entered_on` is since when she is addressed. `used` are the completions that counted for earlier cycles. `runs` says
    whether she follows the plan now: a cycle then takes that training up.
    """

    entered_on: date
    calendar: WorkingCalendar
    completed: Completion | None = None
    held: Held | None = None
    last: Last | None = None
    used: Collection[str] = ()
    runs: bool = False
    has_zone: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """How somebody stands: what her next cycle comes on, or until when the present one runs, and from what counted.

    `planned_on` is the day that the rhythm gives, `on` the first working day of hers from then on that is still
    possible. `counted_on` is the day of what it is counted from. `year` and `country` name a missing holiday table.
    `lapses` says that the running cycle ends for the next one on `on`. `recognised` is what counts for the next one.
    """

    health: Health
    broken: Break | None = None
    on: date | None = None
    planned_on: date | None = None
    counts_from: CountsFrom | None = None
    counted_on: date | None = None
    counted_code: str = ""
    due_on: date | None = None
    year: int | None = None
    country: str = ""
    lapses: bool = False
    recognised: Completion | None = None

    def opens(self, today: date) -> bool:
        """Say whether a cycle is to be opened today."""
        return self.on is not None and self.on <= today


def fixed_day(year: int, month: int, day: int) -> date:
    """Return the day of the year; 29 February is the 28th in years without one."""
    last = (date(year + (month == 12), month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day, last))


def due_of(days: int, basis: Basis, calendar: WorkingCalendar) -> date:
    """Return the date of a cycle: so many working days from the start of its training, with all that moves it.

    It is counted by the same function as the steps of the plan. Raises `YearNotInTable`.
    """
    return schedule([StepShape(slug=_CYCLE, due_days=days)], basis, calendar)[_CYCLE].on


def days_needed(steps: Iterable[StepShape]) -> int:
    """Return after how many working days from its start the last required step of a plan is due; 0 for one before."""
    shapes = list(steps)
    offsets = nominal_offsets(shapes)
    return max((offsets[step.slug] for step in shapes if step.required), default=0)


def last_due(steps: Sequence[StepShape], basis: Basis, calendar: WorkingCalendar) -> date:
    """Return the date of a cycle that opened its training: that of the last required step, with all that moves it.

    One before the first day counts as due on that. Raises `YearNotInTable`.
    """
    dues = schedule(steps, basis, calendar)
    first = due_of(0, basis, calendar)
    return max([first, *(dues[step.slug].on for step in steps if step.required)])


def begins_on(days: int, steps: Sequence[StepShape], opened_on: date, calendar: WorkingCalendar) -> date:
    """Return the first day of the training of a cycle: so late that its last required step is due when the cycle is.

    A plan that is shorter than the cycle would else ask for its steps before the date of the cycle. It begins after the
    day on which the cycle is opened, of which there may be little left. Raises `YearNotInTable`.
    """
    return add_working_days(opened_on, max(1, days - max(0, days_needed(steps))), calendar).on


# Calendar, whether she follows the plan already, first day → the year that is not known of a training that begins then.
Memo = MutableMapping[tuple[int, bool, date], YearNotInTable | None]


def health(
    terms: Terms, setting: Setting, facts: Facts, today: date, *, memo: Memo | None = None, by_hand: bool = False
) -> Verdict:
    """Say whether the next cycle of a person will come and when, as the day `today` in her market is.

    What runs comes first, then what stands in the way, the gravest first. `by_hand`: as if somebody opened the next
    one today, whatever the rhythm says. `memo` spares doing the same for people of one calendar.
    """
    last = facts.last
    if last is not None and last.closing is None:
        verdict = Verdict(Health.OPEN, on=None, due_on=last.due_on)
        if terms.rhythm is not Rhythm.YEARLY:
            return verdict
        following = _next(terms, setting, facts, today, memo, by_hand=False)
        if following.health is not Health.INTACT:
            return verdict
        return Verdict(
            Health.OPEN,
            on=following.on,
            planned_on=following.planned_on,
            counts_from=following.counts_from,
            counted_on=following.counted_on,
            due_on=last.due_on,
            lapses=True,
            recognised=following.recognised,
        )
    return _next(terms, setting, facts, today, memo, by_hand=by_hand)


def _next(terms: Terms, setting: Setting, facts: Facts, today: date, memo: Memo | None, *, by_hand: bool) -> Verdict:
    broken = _broken(terms, setting, facts, by_hand=by_hand)
    if broken is not None:
        has_begun = broken is not Break.NO_CERTIFICATE or facts.last is not None
        return Verdict(Health.INTERRUPTED if has_begun else Health.WITHOUT, broken)
    planned_on = None
    try:
        planned = _planned(terms, facts, today, by_hand=by_hand)
        planned_on = planned.on
        # Nobody is asked on a day off or while away: it comes on her first working day from then on.
        on = today if by_hand else add_working_days(max(planned_on, today), 0, facts.calendar).on
        recognised = None if by_hand else _recognised(terms, facts, planned_on)
        if recognised is None:
            broken = _broken_renewal(terms, setting, facts, on) or _broken_plan(setting, facts)
            if broken is not None:
                return Verdict(Health.INTERRUPTED, broken)
            _check_years(terms, setting, facts, on, memo)
    except YearNotInTable as unknown:
        return Verdict(
            Health.INTERRUPTED,
            Break.YEAR_UNKNOWN,
            planned_on=planned_on,
            year=unknown.year,
            country=unknown.country,
        )
    return Verdict(
        Health.INTACT,
        on=on,
        planned_on=planned_on,
        counts_from=planned.counts_from,
        counted_on=planned.counted_on,
        counted_code=planned.code,
        recognised=recognised,
    )


def _broken(terms: Terms, setting: Setting, facts: Facts, *, by_hand: bool) -> Break | None:
    if setting.state is State.ENDED:
        return Break.ENDED
    if setting.state is State.PAUSED:
        return Break.PAUSED
    if not setting.has_owner:
        return Break.NO_OWNER
    if not facts.has_zone:
        return Break.ZONE_UNKNOWN
    if by_hand:
        return None
    if facts.last is not None and facts.last.closing is Closing.STOPPED:
        return Break.STOPPED
    if terms.rhythm is Rhythm.BEFORE_EXPIRY:
        return _broken_credential(facts)
    return None


def _broken_credential(facts: Facts) -> Break | None:
    held, last = facts.held, facts.last
    if held is None:
        return Break.NO_CERTIFICATE
    if held.state in (CertificateState.REVOKED, CertificateState.SUSPENDED):
        return Break.CERTIFICATE_NOT_VALID
    if held.expires_on is None:
        return Break.NO_EXPIRY
    # The cycle was done, and the certificate is still the one from before it: it would come again and again.
    if (
        last is not None
        and last.closing in DONE
        and last.completion is not None
        and held.completion.code != last.completion.code
        and held.completion.on <= last.completion.on
    ):
        return Break.NOT_RENEWED
    return None


@dataclass(frozen=True, slots=True)
class _Planned:
    on: date
    counts_from: CountsFrom
    counted_on: date | None = None
    code: str = ""


def _planned(terms: Terms, facts: Facts, today: date, *, by_hand: bool) -> _Planned:
    floor = max(terms.begins_on, facts.entered_on)
    if by_hand:
        return _Planned(today, CountsFrom.BY_HAND, today)
    match terms.rhythm:
        case Rhythm.YEARLY:
            on = _yearly(terms, facts, floor, today)
            return _Planned(on, CountsFrom.FIXED_DAY, on)
        case Rhythm.BEFORE_EXPIRY:
            held = facts.held
            assert held is not None
            assert held.expires_on is not None
            assert terms.lead_days is not None
            on = add_working_days(held.expires_on, -terms.lead_days, facts.calendar).on
            return _Planned(max(on, floor), CountsFrom.EXPIRY, held.expires_on, held.completion.code)
    done = facts.completed
    if done is None:
        return _Planned(floor, CountsFrom.BEGINNING, floor)
    assert terms.months is not None
    return _Planned(max(months_later(done.on, terms.months), floor), CountsFrom.COMPLETION, done.on, done.code)


def _yearly(terms: Terms, facts: Facts, floor: date, today: date) -> date:
    """Return the latest fixed day that has come and has no cycle yet, else the next one.

    Of several that were missed the latest counts: nobody does the same thing twice in a row.
    """
    assert terms.month is not None
    assert terms.day is not None
    last = facts.last.opens_on if facts.last is not None else None
    first = max(floor, last + timedelta(days=1)) if last is not None else floor
    this = fixed_day(today.year, terms.month, terms.day)
    missed = this if this <= today else fixed_day(today.year - 1, terms.month, terms.day)
    if missed >= first:
        return missed
    year = max(first, today).year
    on = fixed_day(year, terms.month, terms.day)
    while on < first or on <= today:
        year += 1
        on = fixed_day(year, terms.month, terms.day)
    return on


def _recognised(terms: Terms, facts: Facts, planned_on: date) -> Completion | None:
    """Return the completion that counts for the cycle of a fixed day: recent enough, and used for no other.

    Whoever follows the plan at that time is not spared it: the cycle takes her training up.
    """
    done = facts.completed
    if terms.rhythm is not Rhythm.YEARLY or terms.recognise_days is None or done is None or facts.runs:
        return None
    if done.code in facts.used:
        return None
    return done if done.on >= planned_on - timedelta(days=terms.recognise_days) else None


def _broken_renewal(terms: Terms, setting: Setting, facts: Facts, on: date) -> Break | None:
    """Say whether a training that begins on a day could not renew any more what the plan is there to renew.

    What is of an older policy can be renewed whenever that is.
    """
    held = facts.held
    if terms.rhythm is not Rhythm.BEFORE_EXPIRY or not setting.only_renews or held is None:
        return None
    if held.renewable_until is None or held.state is CertificateState.POLICY_SUPERSEDED:
        return None
    return Break.GRACE_OVER if on > held.renewable_until else None


def _broken_plan(setting: Setting, facts: Facts) -> Break | None:
    # Who follows the plan already is not enrolled in its latest version.
    if facts.runs:
        return None
    if setting.steps is None:
        return Break.NO_PLAN
    return Break.PLAN_HAS_EVENTS if setting.has_events else None


def _check_years(terms: Terms, setting: Setting, facts: Facts, on: date, memo: Memo | None) -> None:
    """Raise `YearNotInTable` where a training that begins on a day falls into a year without a holiday table."""
    key = (id(facts.calendar), facts.runs, on)
    if memo is not None and key in memo:
        found = memo[key]
    else:
        found = _unknown_year(terms, setting, facts, on)
        if memo is not None:
            memo[key] = found
    if found is not None:
        raise found


def _unknown_year(terms: Terms, setting: Setting, facts: Facts, on: date) -> YearNotInTable | None:
    try:
        due_of(terms.days, Basis(on), facts.calendar)
        if not facts.runs and setting.steps is not None:
            first_on = begins_on(terms.days, setting.steps, on, facts.calendar)
            schedule(setting.steps, Basis(first_on), facts.calendar)
    except YearNotInTable as unknown:
        return unknown
    return None


@dataclass(slots=True)
class Counts:
    """How many people stand how, and when the first of them gets her next cycle."""

    intact: int = 0
    open: int = 0
    overdue: int = 0
    interrupted: int = 0
    without: int = 0
    next_on: date | None = None
    breaks: dict[Break, int] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """Return how many people are addressed."""
        return self.intact + self.open + self.interrupted + self.without


def count(verdicts: Sequence[tuple[Verdict, date]]) -> Counts:
    """Count how people stand, each on the day that it is in her market."""
    found = Counts()
    for verdict, today in verdicts:
        match verdict.health:
            case Health.INTACT:
                found.intact += 1
                assert verdict.on is not None
                found.next_on = min(found.next_on or verdict.on, verdict.on)
            case Health.OPEN:
                found.open += 1
                found.overdue += verdict.due_on is not None and verdict.due_on < today
            case Health.INTERRUPTED:
                found.interrupted += 1
                assert verdict.broken is not None
                found.breaks[verdict.broken] = found.breaks.get(verdict.broken, 0) + 1
            case Health.WITHOUT:
                found.without += 1
    return found
