"""What a lead decides on in the morning: who needs her, how far the cohort is, and when it will be through."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    Date,
    Float,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.rules import fold_for_search
from portal.acknowledgements.models import (
    Acknowledgement,
    AcknowledgementRequest,
    Campaign,
    ReadingConfirmation,
    RequestEnd,
)
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import ONE_DAY, Count, WorkingCalendar, YearNotInTable, working_days_between
from portal.certificates.models import Certificate, CertificateFact
from portal.certificates.rules import FactKind
from portal.cohorts.models import Cohort
from portal.core.clock import local_date, zone_info
from portal.core.db import UtcDateTime, session
from portal.core.i18n import Words
from portal.library.models import Reading
from portal.quizzes.models import (
    Attempt,
    AttemptState,
    Item,
    ItemMark,
    Marking,
    QuestionCitation,
    Quiz,
    QuizVersion,
)
from portal.reports import rules
from portal.reports.models import AtRiskRule, CohortRiskRule
from portal.reports.queries import Follower, Following, Path
from portal.reports.rules import Conduct, Forecast, Missed, Point, Reason, RiskRule, Tries, Waits
from portal.training import queries as training
from portal.training import rules as steps_rules
from portal.training.models import Enrollment, PlanPhase, PlanVersion, TaskEvidence
from portal.training.rules import WITH_A_WORD, StepShape, StepState, StepStatus

# Certificates are told of that expire within so many days.
EXPIRY_DAYS = (30, 60, 90)


# --- The rule ----------------------------------------------------------------------------------


def find_at_risk_rule() -> AtRiskRule | None:
    """Return the at-risk rule that was set last; None: the product's own holds."""
    return session.scalar(select(AtRiskRule).order_by(AtRiskRule.id.desc()).limit(1))


def list_at_risk_rules() -> list[AtRiskRule]:
    """Return every at-risk rule of the organisation that was ever set, the latest first."""
    return list(session.scalars(select(AtRiskRule).order_by(AtRiskRule.id.desc())))


def find_cohort_rule(cohort: Cohort) -> CohortRiskRule | None:
    """Return what was said last about a rule of the cohort's own; None: nothing ever was."""
    return session.scalar(_of_cohort(cohort).limit(1))


def list_cohort_rules(cohort: Cohort) -> list[CohortRiskRule]:
    """Return everything that was ever said about a rule of the cohort's own, the latest first."""
    return list(session.scalars(_of_cohort(cohort)))


def _of_cohort(cohort: Cohort) -> Select[CohortRiskRule]:
    return select(CohortRiskRule).where(CohortRiskRule.cohort_id == cohort.id).order_by(CohortRiskRule.id.desc())


class RuleFrom(StrEnum):
    """Whose rule holds for a cohort."""

    COHORT = "cohort"
    ORGANISATION = "organisation"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """The rule that holds for a cohort, whose it is, and since when; the product's own holds from the beginning."""

    rule: RiskRule = field(default_factory=RiskRule)
    of: RuleFrom = RuleFrom.PRODUCT
    since: datetime | None = None


def rule_of(newest: CohortRiskRule | None) -> RuleInForce:
    """Return the rule that holds for a cohort of whose own this was said last."""
    if newest is not None and newest.rule is not None:
        return RuleInForce(newest.rule, RuleFrom.COHORT, newest.at)
    found = find_at_risk_rule()
    if found is None:
        return RuleInForce()
    # Who goes back to the organisation's rule has it from then on.
    since = max(found.at, newest.at) if newest is not None else found.at
    return RuleInForce(found.rule, RuleFrom.ORGANISATION, since)


# --- The morning -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Somebody at risk, and every reason."""

    follower: Follower
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class Check:
    """How the first tries at a quiz went: how many people have a result of theirs, who of them passed."""

    slug: str
    tried: frozenset[int]
    passed: frozenset[int]

    @property
    def share(self) -> Fraction | None:
        """Passed at the first try ÷ have a result of it; None where nobody has."""
        return Fraction(len(self.passed), len(self.tried)) if self.tried else None


@dataclass(frozen=True, slots=True)
class Sitting:
    """An attempt that was begun or handed in today."""

    person_id: int
    quiz: str
    code: str
    state: AttemptState
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is asked to be confirmed in campaigns that still ask: how often asked, how often confirmed, by whom not."""

    asked: int
    confirmed: int
    missing: frozenset[int]

    @property
    def share(self) -> Fraction | None:
        """Confirmed ÷ asked; None where nothing is asked."""
        return Fraction(self.confirmed, self.asked) if self.asked else None


@dataclass(frozen=True, slots=True)
class Morning:
    """All numbers of a cohort in a plan but those of `rules.Summary`, with the people behind each.

    People are row numbers of persons.
    """

    in_force: RuleInForce
    at_risk: Sequence[AtRisk]
    away: frozenset[int]
    checks: Sequence[Check]
    sittings: Sequence[Sitting]
    coverage: Coverage
    # Days → who holds a certificate that expires within them; the longer hold the shorter.
    expiring: Mapping[int, frozenset[int]]
    points: Sequence[Point]
    # Every required step of everybody.
    total: int
    forecast: Forecast | None
    # For whom the forecast names a day.
    foreseen: Mapping[int, date]

    @property
    def rule(self) -> RiskRule:
        """The at-risk rule that holds for the cohort."""
        return self.in_force.rule


def morning(following: Following, *, viewer_id: int) -> Morning:
    """Return what the cohort's page says of everybody in the plan.

    What the viewer's own quizzes keep from her is left out of what is said of herself. In a number of statements that
    does not depend on the people. Raises `HolidayYearUnknown`.
    """
    people = following.people
    tried = attempts_of([each.id for each in people], viewer_id)
    known = _facts({each.person_id for each in people}, following)
    checks, tries = _tries(following, tried)
    days = _DaysWithout()
    at_risk = []
    least = known.in_force.rule.idle_days
    last_on = {
        each.id: _last_active_on(each, tried.get(each.id, ()), known.active_at.get(each.person_id))
        for each in people
        if each.path is not None
    }
    idle = {each.id: days.of(each, last_on[each.id]) for each in people if each.path is not None}
    invited = _invited(following)
    waiting = _waiting([each for each in people if least is not None and idle.get(each.id, -1) >= least], days)
    for each in people:
        if each.path is None or each.standing is None:
            continue
        conduct = Conduct(
            overdue_steps=each.standing.progress.overdue,
            late_since=each.standing.late_since,
            tries=tries.get(each.id, ()),
            idle_days=idle[each.id],
            last_active_on=last_on[each.id],
            is_complete=each.completed_at is not None,
            waits_for_others=each.id in waiting,
            sign_off=waiting.get(each.id),
            is_invited=each.person_id in invited,
            invited_on=local_date(at, each.path.zone) if (at := invited.get(each.person_id)) is not None else None,
        )
        if reasons := rules.at_risk(conduct, known.in_force.rule):
            at_risk.append(AtRisk(each, reasons))
    points, total = _points(people)
    ends = _ends(people)
    return Morning(
        in_force=known.in_force,
        at_risk=at_risk,
        away=frozenset(each.person_id for each in people if _is_away(each)),
        checks=checks,
        sittings=_sittings(people, tried),
        coverage=known.coverage,
        expiring=_expiring(people, known.expiries),
        points=points,
        total=total,
        forecast=rules.forecast(list(ends.values())),
        foreseen={person_id: end for person_id, end in ends.items() if end is not None},
    )


def _invited(following: Following) -> dict[int, datetime | None]:
    """Return by row who has not accepted her invitation, with when it was sent last, where that is known."""
    ids = [
        each.person_id
        for each in following.people
        if (person := following.persons.get(each.person_id)) is not None and person.is_invited
    ]
    sent = accounts.find_invited_at(ids) if ids else {}
    return {each: sent.get(each) for each in ids}


def _is_away(each: Follower) -> bool:
    path = each.path
    if path is None or each.completed_at is not None:
        return False
    return path.today in path.calendar.leave or path.today in path.calendar.paused


def _last_active_on(each: Follower, tried: Iterable[Attempted], at: datetime | None) -> date | None:
    """Return the day of the last thing that she did herself since her first day; None: there was none yet.

    That is an attempt, or what `at` is of: a reading, a confirmation, what she handed in. That a step was done is not
    asked: what she does for it is one of these, and what others do for it is no activity of hers.
    """
    assert each.path is not None
    instants = [at] if at is not None else []
    if last_tried := max((attempt.ended for attempt in tried), default=None):
        instants.append(instant_of(last_tried))
    if not instants:
        return None
    last = local_date(max(instants), each.path.zone)
    return last if last >= each.starts_on else None


class _DaysWithout:
    """Working days without activity; what was counted for one serves all with the same calendar."""

    def __init__(self) -> None:
        self._counted: dict[tuple[int, date], int] = {}

    def of(self, each: Follower, last_on: date | None) -> int:
        """Return the working days later than the last active day, or from the first day on, up to yesterday."""
        path = each.path
        assert path is not None
        after = last_on if last_on is not None else each.starts_on - ONE_DAY
        # The path keeps its calendar, so that the number stays its own.
        key = (id(path.calendar), after)
        if key not in self._counted:
            with unknown_years_refused():
                self._counted[key] = working_days_between(after, path.today - ONE_DAY, path.calendar)
        return self._counted[key]


def _waiting(people: Iterable[Follower], days: _DaysWithout) -> dict[int, Waits | None]:
    """Return by enrollment those of whom everything that is left waits for others, with the longest wait.

    The wait is one for somebody's word; None where nothing waits for one. Whose turn each step is, is asked only of
    those whose completed steps do not say it already.
    """
    plans: dict[int, Mapping[str, StepShape]] = {}
    chosen = {}
    for each in people:
        if each.completed_at is None and each.path is not None:
            if each.version_id not in plans:
                plans[each.version_id] = {shape.slug: shape for shape in each.path.shapes}
            plan = plans[each.version_id]
            if _may_wait(each, plan):
                chosen[each.id] = each
    if not chosen:
        return {}
    enrollments = session.scalars(select(Enrollment).where(Enrollment.id.in_(chosen)).options(*training.WITH_STEPS))
    found: dict[int, Waits | None] = {}
    for standing in training.countable(enrollments.all())[0]:
        follower = chosen[standing.enrollment.id]
        if not _waits(follower, standing.statuses):
            continue
        assert follower.path is not None
        told = []
        for step in standing.steps:
            if step.required and step.kind in WITH_A_WORD and standing.statuses[step.slug].state is StepState.WAITING:
                since = local_date(standing.waiting_since(step), follower.path.zone)
                told.append(Waits(step.slug, since, days.of(follower, since)))
        found[follower.id] = min(told, key=lambda each: each.since, default=None)
    return found


def _may_wait(each: Follower, plan: Mapping[str, StepShape]) -> bool:
    """Say what `_waits` says as far as completed steps tell it; most have a step of their own early in the plan."""
    path, waits = each.path, False
    assert path is not None

    def state_of(slug: str) -> tuple[StepState, tuple[str, ...]]:
        return steps_rules.state_of(plan[slug], plan, each.done, exempt=path.exempt, aside=path.basis.aside)

    left = path.asked(each.done) - each.done
    for slug in plan:
        if slug in left:
            state, missing = state_of(slug)
            if state is StepState.OPEN or any(state_of(before)[0] is StepState.OPEN for before in missing):
                return False
            waits = waits or state is StepState.WAITING
    return waits


def _waits(each: Follower, found: Mapping[str, StepStatus]) -> bool:
    """Say whether a required step waits for somebody else, and none is hers to do, nor any before one."""
    assert each.path is not None
    asked = [found[slug] for slug in each.path.asked(each.done)]
    before = [found[slug] for status in asked for slug in status.missing]
    states = {status.state for status in asked}
    return StepState.WAITING in states and all(status.state is not StepState.OPEN for status in (*asked, *before))


# --- What was tried ----------------------------------------------------------------------------


class Attempted(NamedTuple):
    """One attempt; `passed` is what its newest marking says, which counts from the release on.

    `began` and `ended` (while it runs the same) are seconds since 1970. `shows` is what of its result whoever sat it
    learns, as it is stored: read of the viewer's own, None of the others'.
    """

    enrollment: int
    quiz: str
    code: str
    state: str
    began: float
    ended: float
    # Whether it was begun since the enrollment.
    counts: bool
    shows: str | None
    passed: bool | None

    @property
    def told(self) -> bool | None:
        """Whether it was passed, where that may be told; None: not yet, or not to the viewer."""
        if self.state != _RELEASED or self.is_kept:
            return None
        return self.passed

    @property
    def is_kept(self) -> bool:
        """Whether the viewer may learn nothing of it, since it is her own."""
        return self.shows is not None and "score" not in json.loads(self.shows)


_RELEASED = AttemptState.RELEASED.value


def instant_of(moment: float) -> datetime:
    """Return the instant so many seconds after 1970 began."""
    return datetime.fromtimestamp(moment, UTC)


def attempts_of(enrollment_ids: Collection[int], viewer_id: int) -> dict[int, list[Attempted]]:
    """Return by enrollment her attempts that were not made void, quiz by quiz in the order in which she made them."""
    own = QuizVersion.__table__
    # Thousands of rows: instants come as numbers, and what is compared with the enrollment is compared by the database.
    rows = session.connection().execute(
        select(
            Enrollment.id,
            Quiz.slug,
            Attempt.code,
            type_coerce(Attempt.state, String),
            _seconds(Attempt.started_at),
            _seconds(func.coalesce(Attempt.finished_at, Attempt.started_at)),
            Attempt.started_at >= Enrollment.enrolled_at,
            # Of thousands nobody's own: a list is read only where there is one.
            type_coerce(own.c.show, String),
            Marking.passed,
        )
        .select_from(Enrollment)
        .join(Attempt, Attempt.person_id == Enrollment.person_id)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .outerjoin(own, and_(own.c.id == Attempt.quiz_version_id, Attempt.person_id == viewer_id))
        .outerjoin(Marking, Marking.attempt_id == Attempt.id)
        .where(Enrollment.id.in_(enrollment_ids), Attempt.state != AttemptState.VOIDED)
        .order_by(Enrollment.id, Attempt.quiz_id, Attempt.attempt_no, Marking.marking_no)
    )
    found: dict[int, list[Attempted]] = defaultdict(list)
    for attempt in map(Attempted._make, rows.all()):
        mine = found[attempt.enrollment]
        # Of an attempt that was marked again the newest marking comes last, and counts.
        if mine and mine[-1].code == attempt.code:
            mine[-1] = attempt
        else:
            mine.append(attempt)
    return found


def _seconds(instant: ColumnExpressionArgument[datetime]) -> ColumnElement[float]:
    return cast(extract("epoch", instant), Float)


def _tries(
    following: Following, tried: Mapping[int, Sequence[Attempted]]
) -> tuple[list[Check], dict[int, list[Tries]]]:
    """Return how the first tries at each quiz of the plan went, and by enrollment what was failed and not passed."""
    steps = {
        version_id: {step.quiz_slug: step.slug for step in version.steps if step.quiz_slug is not None}
        for version_id, version in following.versions.items()
    }
    first: dict[str, dict[int, bool]] = {quiz: {} for version_id in reversed(list(steps)) for quiz in steps[version_id]}
    failed: dict[int, list[Tries]] = defaultdict(list)
    for each in following.people:
        assert each.path is not None
        of_plan, seen = steps[each.version_id], set()
        lost: dict[str, list[Attempted]] = defaultdict(list)
        for attempt in tried.get(each.id, ()):
            if not attempt.counts or attempt.quiz not in of_plan or attempt.is_kept:
                continue
            told = attempt.told
            if attempt.quiz not in seen:
                seen.add(attempt.quiz)
                if told is not None:
                    first[attempt.quiz][each.person_id] = told
            if told is False:
                lost[attempt.quiz].append(attempt)
        failed[each.id] = [
            Tries(quiz, len(attempts), local_date(instant_of(attempts[-1].ended), each.path.zone))
            for quiz, attempts in lost.items()
            if of_plan[quiz] not in each.done and of_plan[quiz] not in each.path.exempt | each.path.aside
        ]
    checks = [
        Check(quiz, frozenset(found), frozenset(person_id for person_id, passed in found.items() if passed))
        for quiz, found in first.items()
    ]
    return checks, failed


def _sittings(people: Sequence[Follower], tried: Mapping[int, Sequence[Attempted]]) -> list[Sitting]:
    """Return the attempts that were begun or handed in today, the latest first."""
    found = []
    days: dict[tuple[date, str], tuple[float, float]] = {}
    for each in people:
        assert each.path is not None
        key = each.path.today, each.path.zone
        if key not in days:
            days[key] = _midnight(*key), _midnight(each.path.today + ONE_DAY, each.path.zone)
        begins, ends = days[key]
        for attempt in tried.get(each.id, ()):
            if begins <= attempt.began < ends or begins <= attempt.ended < ends:
                state = AttemptState(attempt.state)
                sitting = Sitting(each.person_id, attempt.quiz, attempt.code, state, instant_of(attempt.began))
                found.append((attempt.ended, sitting))
    found.sort(key=lambda each: (each[0], each[1].code), reverse=True)
    return [sitting for _ended, sitting in found]


def _midnight(day: date, zone: str) -> float:
    """Return when a day begins, in seconds since 1970."""
    return datetime.combine(day, time(), zone_info(zone)).timestamp()


# --- What else is known ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """When each person last read, confirmed or handed in, what is asked of her, what expires of hers; the rule."""

    in_force: RuleInForce
    active_at: Mapping[int, datetime]
    coverage: Coverage
    expiries: Mapping[int, Sequence[date]]


_ACTIVE, _ASKED, _EXPIRES, _RULE = "active", "asked", "expires", "rule"


def _facts(person_ids: Collection[int], following: Following) -> _Known:
    """Read what is known of people, and the rule, in one statement; its parts have little in common."""
    as_of = following.as_of
    # Named once: each of the parts would carry the numbers of hundreds of people anew.
    named = select(Person.id).where(Person.id.in_(person_ids)).cte("named")
    ids = select(named.c.id)
    nothing_at, nothing_on, nothing = cast(null(), UtcDateTime()), cast(null(), Date), cast(null(), String)
    no_numbers = [cast(null(), Integer).label(name) for name in ("overdue", "failed", "idle")]
    parts: list[Any] = [
        select(literal(_ACTIVE), person, func.max(at), nothing_on, nothing, *no_numbers)
        .where(person.in_(ids), at <= as_of)
        .group_by(person)
        for person, at in (
            (Reading.person_id, Reading.last_opened_at),
            (Acknowledgement.person_id, Acknowledgement.at),
            (ReadingConfirmation.person_id, ReadingConfirmation.at),
        )
    ]
    # What she handed in; whether somebody has accepted it is that person's doing.
    parts.append(
        select(literal(_ACTIVE), Enrollment.person_id, func.max(TaskEvidence.at), nothing_on, nothing, *no_numbers)
        .join(Enrollment, Enrollment.id == TaskEvidence.enrollment_id)
        .where(Enrollment.person_id.in_(ids), TaskEvidence.at <= as_of)
        .group_by(Enrollment.person_id)
    )
    request = AcknowledgementRequest
    parts.append(
        select(literal(_ASKED), request.person_id, nothing_at, nothing_on, cast(request.closed_as, String), *no_numbers)
        .join(Campaign, Campaign.id == request.campaign_id)
        .where(
            request.person_id.in_(ids),
            Campaign.closed_at.is_(None),
            or_(request.closed_as.is_(None), request.closed_as == RequestEnd.CONFIRMED),
        )
    )
    revoked = exists().where(CertificateFact.certificate_id == Certificate.id, CertificateFact.kind == FactKind.REVOKED)
    parts.append(
        select(
            literal(_EXPIRES), Certificate.person_id, nothing_at, Certificate.expires_on, nothing, *no_numbers
        ).where(
            Certificate.person_id.in_(ids),
            Certificate.replaced_at.is_(None),
            Certificate.expires_on >= as_of.date() - ONE_DAY,
            Certificate.expires_on <= as_of.date() + timedelta(days=EXPIRY_DAYS[-1] + 1),
            ~revoked,
        )
    )
    for table, of, newest in (
        (AtRiskRule, RuleFrom.ORGANISATION, select(func.max(AtRiskRule.id))),
        (
            CohortRiskRule,
            RuleFrom.COHORT,
            select(func.max(CohortRiskRule.id)).where(CohortRiskRule.cohort_id == following.cohort_id),
        ),
    ):
        numbers = table.overdue_steps, table.failed_tries, table.idle_days
        parts.append(
            select(literal(_RULE), table.id, table.at, nothing_on, literal(of.value), *numbers).where(
                table.id == newest.scalar_subquery()
            )
        )
    said: dict[RuleFrom, tuple[datetime, RiskRule]] = {}
    active_at: dict[int, datetime] = {}
    expiries: dict[int, list[date]] = defaultdict(list)
    asked = confirmed = 0
    missing = set()
    for of, person_id, at, on, how, *limits in session.execute(union_all(*parts)):
        if of == _RULE:
            said[RuleFrom(how)] = at, RiskRule(*limits)
        elif of == _ACTIVE:
            active_at[person_id] = max(at, active_at.get(person_id, at))
        elif of == _EXPIRES:
            expiries[person_id].append(on)
        else:
            asked += 1
            if how is None:
                missing.add(person_id)
            else:
                confirmed += 1
    return _Known(_in_force(said), active_at, Coverage(asked, confirmed, frozenset(missing)), expiries)


def _in_force(said: Mapping[RuleFrom, tuple[datetime, RiskRule]]) -> RuleInForce:
    """Return the rule that holds by what was said last of each; equals `rule_of`."""
    own_at, own = said.get(RuleFrom.COHORT, (None, None))
    if own is not None and own.has_reason:
        return RuleInForce(own, RuleFrom.COHORT, own_at)
    if RuleFrom.ORGANISATION not in said:
        return RuleInForce()
    at, rule = said[RuleFrom.ORGANISATION]
    return RuleInForce(rule, RuleFrom.ORGANISATION, max(at, own_at) if own_at is not None else at)


def _expiring(people: Sequence[Follower], expiries: Mapping[int, Sequence[date]]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {days: set() for days in EXPIRY_DAYS}
    for each in people:
        assert each.path is not None
        for on in expiries.get(each.person_id, ()):
            for days in EXPIRY_DAYS:
                if each.path.today <= on <= each.path.today + timedelta(days=days):
                    found[days].add(each.person_id)
    return {days: frozenset(ids) for days, ids in found.items()}


# --- Expected, done, and the end ---------------------------------------------------------------


def _points(people: Sequence[Follower]) -> tuple[list[Point], int]:
    """Return how many required steps of everybody were due and done by each day, and how many there are."""
    if not people:
        return [], 0
    paths = {id(each.path): each.path for each in people if each.path is not None}
    # Most follow one path and are asked the same; who is exempt is asked less, unless she has done it.
    asked = Counter((id(each.path), paths[id(each.path)].asked_now(each.done)) for each in people)
    expected: Counter[date] = Counter()
    for (key, slugs), number in asked.items():
        for slug in slugs:
            expected[paths[key].due_on[slug]] += number
    # Whose session is, or was, after the date of its step is asked for it by that day.
    for each in (each for each in people if each.booked):
        for slug in each.booked.keys() & paths[id(each.path)].asked_now(each.done):
            expected[paths[id(each.path)].due_on[slug]] -= 1
            expected[each.asked_by(slug)] += 1
    moments: dict[str, list[float]] = defaultdict(list)
    for each in people:
        path = paths[id(each.path)]
        moments[path.zone] += [moment for slug, moment in each.moments.items() if slug in path.required]
    done: Counter[date] = Counter()
    for zone, made in moments.items():
        done.update(_by_day(made, zone))
    total = sum(len(slugs) * number for (_key, slugs), number in asked.items())
    today = max(each.path.today for each in people if each.path)
    first = min(each.starts_on for each in people)
    last = max(max(expected, default=first), first)
    if today > last:
        last = min(today, max(last, max(done, default=last)))
    return rules.curve(expected, done, first, last, today), total


def _by_day(moments: Iterable[float], zone: str) -> dict[date, int]:
    """Return how many of these moments fall on each day of a zone; looked for from midnight to midnight."""
    made = sorted(moments)
    found: dict[date, int] = {}
    place = 0
    while place < len(made):
        day = local_date(instant_of(made[place]), zone)
        until = bisect_left(made, _midnight(day + ONE_DAY, zone), place)
        found[day], place = until - place, until
    return found


class _Ahead:
    """Days so many working days ahead; one count for all with the same calendar."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, date], Count] = {}

    def after(self, calendar: WorkingCalendar, today: date, days: int) -> date | None:
        """Return the last of so many working days from today on; None: it lies in a year without holidays known."""
        key = (id(calendar), today)
        if key not in self._counts:
            self._counts[key] = Count(today, calendar)
        try:
            return self._counts[key].after(max(days - 1, 0)).on
        except YearNotInTable:
            return None


def _ends(people: Sequence[Follower]) -> dict[int, date | None]:
    """Foresee by person when each will have completed, by her own pace; see `rules.days_to_go`."""
    ahead, worked = _Ahead(), _DaysWithout()
    positions: dict[int, list[int]] = {}
    # Everybody with the same path has the same positions; the people keep their paths, so that the numbers stay theirs.
    ends: dict[int, date | None] = {}
    for each in people:
        path = each.path
        assert path is not None
        if each.completed_at is not None:
            ends[each.person_id] = local_date(each.completed_at, path.zone)
            continue
        if id(path) not in positions:
            with unknown_years_refused():
                positions[id(path)] = _positions(path)
        days = worked.of(each, None)
        needed = rules.days_to_go(positions[id(path)], len((path.required - path.exempt) & each.done), days)
        ends[each.person_id] = None if needed is None else ahead.after(path.calendar, path.today, needed)
    return ends


def _positions(path: Path) -> list[int]:
    """Return the working days of the plan, from 1, by which the required steps are due that are asked, in order.

    What is counted from an event stands on the working day, in the person's calendar, on which that day comes. What is
    due before the first day stands on the first. Raises `YearNotInTable`.
    """
    offsets, origins = steps_rules.nominal_offsets(path.shapes), steps_rules.origins_of(path.shapes)
    counts = steps_rules.Counts(path.calendar)
    found = []
    for slug in path.required - path.exempt:
        origin, days = origins[slug], offsets[slug] + 1
        if origin is not None:
            event_on = path.basis.event(origin).on
            count = counts.from_(event_on) if offsets[slug] >= 0 else counts.unpaused_from(event_on)
            on = count.after(offsets[slug]).on
            days = working_days_between(path.basis.starts_on - ONE_DAY, on, path.calendar)
        found.append(max(days, 1))
    return sorted(found)


# --- Whom a filter leaves ----------------------------------------------------------------------


def people_named(text: str, among: Iterable[Person]) -> set[int]:
    """Return the row numbers of those of these people in whose name, in whatever script, each word of the text stands.

    Addresses and numbers are not looked at: not everybody who sees a cohort knows them.
    """
    words = fold_for_search(text).split()
    found = set()
    for person in among:
        names = (person.full_name, person.full_kana, person.name_in("en"), person.name_in("ja"))
        key = fold_for_search(" ".join(names))
        if all(word in key for word in words):
            found.add(person.id)
    return found


# --- Clauses -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClauseFigure:
    """How the first tries at everything that tests a clause went, and who was asked (row numbers of persons)."""

    document: str
    anchor: str
    # Person → whether she missed it.
    people: Mapping[int, bool]

    @property
    def missed(self) -> Missed:
        """How many were asked, and how many missed it."""
        return Missed(len(self.people), sum(self.people.values()))


def clause_figures(following: Following, *, viewer_id: int) -> list[ClauseFigure]:
    """Return how the cohort's first tries at the quizzes of the plan went, clause by clause, the most missed first.

    Somebody missed a clause who did not earn all points of some question that tests it. Clauses that fewer than
    `rules.LEAST_FOR_CLAUSE` people were asked about are left out. Only released results; what was on trial or was
    taken out of the marking says nothing. Raises nothing.
    """
    firsts = _first_attempts(following, viewer_id)
    points = select(Marking.attempt_id, func.max(Marking.marking_no).label("newest")).where(
        Marking.attempt_id.in_(list(firsts))
    )
    newest = points.group_by(Marking.attempt_id).subquery()
    # Exact fractions are written in their lowest terms, so that equal ones are equal as texts.
    earned, most = type_coerce(ItemMark.points, String), type_coerce(ItemMark.max_points, String)
    rows = session.connection().execute(
        select(
            QuestionCitation.document_slug,
            QuestionCitation.anchor,
            newest.c.attempt_id,
            func.max(case((earned != most, 1), else_=0)),
        )
        .select_from(newest)
        .join(Marking, and_(Marking.attempt_id == newest.c.attempt_id, Marking.marking_no == newest.c.newest))
        .join(ItemMark, ItemMark.marking_id == Marking.id)
        .join(Item, and_(Item.id == ItemMark.item_id, Item.on_trial.is_not(True)))
        .join(
            QuestionCitation,
            and_(QuestionCitation.question_version_id == Item.question_version_id, QuestionCitation.tested.is_(True)),
        )
        .where(most != "0")
        .group_by(QuestionCitation.document_slug, QuestionCitation.anchor, newest.c.attempt_id)
    )
    by_clause: dict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
    for document, anchor, attempt_id, missed in rows:
        person_id, clause = firsts[attempt_id], by_clause[document, anchor]
        clause[person_id] = clause.get(person_id, False) or bool(missed)
    found = [ClauseFigure(document, anchor, people) for (document, anchor), people in by_clause.items()]
    shown = [each for each in found if each.missed.share is not None]
    return sorted(shown, key=lambda each: (-(each.missed.share or 0), each.document, each.anchor))


def _first_attempts(following: Following, viewer_id: int) -> dict[int, int]:
    """Return the attempts that are somebody's first at a quiz of the plan since her enrollment and are released."""
    quizzes = {step.quiz_slug for version in following.versions.values() for step in version.steps if step.quiz_slug}
    enrolled = {each.person_id: each.enrolled_at for each in following.people}
    rows = session.execute(
        select(Attempt.id, Attempt.person_id, Attempt.quiz_id, Attempt.state, Attempt.started_at, QuizVersion.show)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .join(QuizVersion, QuizVersion.id == Attempt.quiz_version_id)
        .where(Attempt.person_id.in_(list(enrolled)), Quiz.slug.in_(quizzes), Attempt.state != AttemptState.VOIDED)
        .order_by(Attempt.person_id, Attempt.quiz_id, Attempt.attempt_no)
    )
    seen: set[tuple[int, int]] = set()
    found = {}
    for attempt_id, person_id, quiz_id, state, started_at, show in rows:
        if started_at < enrolled[person_id] or (person_id, quiz_id) in seen:
            continue
        seen.add((person_id, quiz_id))
        if state is AttemptState.RELEASED and (person_id != viewer_id or "score" in show):
            found[attempt_id] = person_id
    return found


def clause_titles(clauses: Collection[tuple[str, str]]) -> dict[tuple[str, str], Words]:
    """Return (document, clause id) → heading as the newest wording that tests the clause cites it."""
    slugs = {slug for slug, _anchor in clauses}
    rows = session.execute(
        select(QuestionCitation.document_slug, QuestionCitation.anchor, QuestionCitation.title)
        .where(QuestionCitation.document_slug.in_(slugs), QuestionCitation.tested.is_(True))
        .order_by(QuestionCitation.id)
    )
    return {(slug, anchor): title for slug, anchor, title in rows if (slug, anchor) in clauses}


def list_phases(version: PlanVersion) -> Sequence[tuple[str, Words]]:
    """Return slug and title of each phase of a plan's version, in their order."""
    return _phases(version.digest, version.id)


@lru_cache(maxsize=200)
def _phases(digest: str, version_id: int) -> Sequence[tuple[str, Words]]:
    # The digest is the key that counts: a version never changes, and equal ones say the same.
    rows = session.execute(
        select(PlanPhase.slug, PlanPhase.title).where(PlanPhase.version_id == version_id).order_by(PlanPhase.position)
    )
    return tuple((row.slug, row.title) for row in rows)
