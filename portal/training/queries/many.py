"""Reading how thousands of learners stand as plain rows: a page that counts all of them reads only whom it names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, String, cast, extract, func, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable
from portal.core import clock
from portal.core.access import allows
from portal.core.db import session
from portal.organisation.models import Market
from portal.training import rules
from portal.training.models import Enrollment, PlanStep, PlanVersion, SignOff, StepCompletion
from portal.training.permissions import SIGN_OFF, StepOfEnrollment
from portal.training.queries import WITH_STEPS, Standing, Uncountable, bases_of, countable
from portal.training.queries.step_results import Doings, Follower, doings_of, session_days
from portal.training.rules import Basis, Doer, Schedule, SignOffAct, StepKind, StepState

RowT = TypeVar("RowT")

# Of these the learner does something first that is read besides.
_WITH_DOINGS = frozenset({StepKind.TASK, StepKind.SESSION, StepKind.GATE})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that waits for somebody's sign-off."""

    standing: Standing
    step: PlanStep
    since: datetime


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A step of a learner that waits for somebody else: by which day, and since when in seconds since 1970."""

    asked_by: date
    since: float
    step: PlanStep


@dataclass(slots=True)
class _Member:
    """One open enrollment as a plain row."""

    id: int
    person_id: int
    market_id: int
    version_id: int
    starts_on: date
    enrolled_at: datetime
    cohort_id: int | None
    team_id: int | None
    mentor_id: int | None
    overdue: int = 0
    awaited: Sequence[_Awaited] = ()


@dataclass(frozen=True, slots=True)
class Part(Generic[RowT]):
    """Some of many rows, how many there are in all, and whose dates cannot be computed, of whom no row tells."""

    rows: Sequence[RowT]
    total: int
    unknown: Sequence[Uncountable]


@dataclass(frozen=True, slots=True)
class Queue:
    """The steps that wait for somebody's sign-off, each with the learner's enrollment by its row."""

    found: Sequence[tuple[_Awaited, int]]
    unknown: Sequence[Uncountable]

    @property
    def total(self) -> int:
        """How many they are."""
        return len(self.found)

    def read(self, *, offset: int = 0, limit: int | None = None) -> Part[Waiting]:
        """Return some of them in full."""
        shown = _cut(self.found, offset, limit)
        standings = _standings({number for _awaited, number in shown})
        rows = [
            Waiting(standings[number], awaited.step, standings[number].waiting_since(awaited.step))
            for awaited, number in shown
            if number in standings
        ]
        return Part(rows, self.total, self.unknown)


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """Everybody who follows a plan under some condition: as many statements for thousands as for one."""

    members: Sequence[_Member]
    unknown: Mapping[int, YearNotInTable] = field(default_factory=dict)

    @property
    def countable(self) -> int:
        """How many enrollments there are whose dates can be computed."""
        return len(self.members) - len(self.unknown)

    def count_people(self) -> int:
        """Return how many people they are; some follow several plans."""
        return len({each.person_id for each in self.members})

    def mentored_by(self, person: Person) -> LookedAfter:
        """Return those of them who were given this mentor, or none."""
        members = [each for each in self.members if each.mentor_id in (None, person.id)]
        kept = {each.id for each in members}
        return LookedAfter(members, {key: missing for key, missing in self.unknown.items() if key in kept})

    def learners(self, *, offset: int = 0, limit: int | None = None) -> Part[Standing]:
        """Return how those stand whose dates can be computed, most overdue first, else by name."""
        counted = [each for each in self.members if each.id not in self.unknown]
        counted.sort(key=lambda each: -each.overdue)
        shown = _standings([each.id for each in _cut(counted, offset, limit)])
        return Part(list(shown.values()), len(counted), self._uncountable())

    def queue_of(self, person: Person) -> Queue:
        """Return what waits for this person's sign-off, what is due first first, before it is read."""
        may = _signing(person, self.members)
        found = [
            (awaited, member.id)
            for member in self.members
            for awaited in member.awaited
            if (member.market_id, member.cohort_id, member.team_id, awaited.step.by) in may
        ]
        found.sort(key=lambda each: (each[0].asked_by, each[0].since, each[0].step.id, each[1]))
        return Queue(found, self._uncountable())

    def waiting_for(self, person: Person, *, limit: int | None = None) -> Part[Waiting]:
        """Return the first of what waits for this person's sign-off."""
        return self.queue_of(person).read(limit=limit)

    def _uncountable(self) -> list[Uncountable]:
        enrollments = _enrollments(list(self.unknown))
        return [Uncountable(enrollments[each], missing.country, missing.year) for each, missing in self.unknown.items()]


def _cut(rows: Sequence[RowT], offset: int, limit: int | None) -> Sequence[RowT]:
    return rows[offset:] if limit is None else rows[offset : offset + limit]


def _enrollments(ids: Collection[int]) -> dict[int, Enrollment]:
    """Return these enrollments by row number, in this order."""
    if not ids:
        return {}
    rows = session.scalars(select(Enrollment).where(Enrollment.id.in_(ids)).options(*WITH_STEPS))
    found = {row.id: row for row in rows}
    return {each: found[each] for each in ids}


def _standings(ids: Collection[int]) -> dict[int, Standing]:
    return {each.enrollment.id: each for each in countable(list(_enrollments(ids).values()))[0]}


def _signing(person: Person, members: Iterable[_Member]) -> set[tuple[int, int | None, int | None, Doer]]:
    """Return whose steps the person can sign off: market, cohort and team of the learner, and who does the step.

    That decides it, besides that nobody signs off her own. One of each kind is asked about.
    """
    asked: dict[tuple[int, int | None, int | None, Doer], tuple[int, PlanStep]] = {}
    for member in members:
        for awaited in member.awaited:
            key = (member.market_id, member.cohort_id, member.team_id, awaited.step.by)
            asked.setdefault(key, (member.id, awaited.step))
    enrollments = _enrollments({number for number, _step in asked.values()})
    return {
        key
        for key, (number, step) in asked.items()
        if allows(person, SIGN_OFF, StepOfEnrollment(enrollments[number], step))
    }


def look_after(person: Person, within: ColumnElement[bool]) -> LookedAfter:
    """Return everybody but this person who follows a plan, of the enrollments of the condition, by name."""
    rows = session.execute(
        select(
            Enrollment.id,
            Enrollment.person_id,
            Enrollment.market_id,
            Enrollment.plan_version_id,
            Enrollment.starts_on,
            Enrollment.enrolled_at,
            Enrollment.cohort_id,
            Person.team_id,
            Enrollment.mentor_id,
        )
        .join(Person, Person.id == Enrollment.person_id)
        .where(
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            Enrollment.person_id != person.id,
            within,
        )
        .order_by(Person.sort_key, Person.id, Enrollment.id)
    )
    members = [_Member(*row) for row in rows]
    return LookedAfter(members, _count(members) if members else {})


@dataclass(frozen=True, slots=True)
class _Path:
    """What everybody with the same version, calendar and basis shares."""

    basis: Basis
    dues: Schedule
    today: date
    # The beginning of the first day in the market's zone.
    begins: float


# What one comes to who has done some steps of a path: how many are overdue, and what waits by which day.
_Told = tuple[int, Sequence[tuple[PlanStep, date]]]


def _count(members: Sequence[_Member]) -> dict[int, YearNotInTable]:
    """Note how each of them stands; return those of whom that cannot be computed."""
    versions = _versions({each.version_id for each in members})
    markets = _markets({each.market_id for each in members})
    read = calendars.read_calendars(markets.values(), [each.person_id for each in members])
    bases = bases_of({each.id: each.starts_on for each in members}, named=False)
    ids = [each.id for each in members]
    facts = _Facts(versions, _recorded(ids), _said(ids), _doings(members, versions))
    paths: dict[object, _Path | YearNotInTable] = {}
    told: dict[object, _Told] = {}
    unknown: dict[int, YearNotInTable] = {}
    apart: list[_Member] = []
    for each in members:
        basis = bases[each.id]
        if basis.aside is not None:
            # What others see of it is another thing than what holds: these are few, and read one by one.
            apart.append(each)
            continue
        # One object for all with the same leave; it lives as long as `read`.
        calendar = read.of(each.market_id, each.person_id)
        key = (each.version_id, each.market_id, basis, id(calendar))
        if key not in paths:
            paths[key] = _path(versions[each.version_id], markets[each.market_id], basis, calendar)
        path = paths[key]
        if isinstance(path, YearNotInTable):
            unknown[each.id] = path
            continue
        done, turns, booked = facts.done(each), facts.turns(each), facts.booked.get(each.id, {})
        same = (id(path), done, turns, tuple(sorted(booked.items())))
        if same not in told:
            told[same] = _told(path, versions[each.version_id].steps, done, turns, booked)
        each.overdue, waiting = told[same]
        each.awaited = [_Awaited(by, facts.since(each, step, path), step) for step, by in waiting]
    unknown |= _read_apart(apart)
    return unknown


def _read_apart(members: Sequence[_Member]) -> dict[int, YearNotInTable]:
    """Note how these stand, each with all that there is of her."""
    found, uncountable = countable(list(_enrollments([each.id for each in members]).values()))
    standings = {each.enrollment.id: each for each in found}
    for each in members:
        if (standing := standings.get(each.id)) is not None:
            each.overdue = standing.progress.overdue
            each.awaited = [
                _Awaited(standing.asked_by(step.slug), standing.waiting_since(step).timestamp(), step)
                for step in standing.steps
                if standing.is_waiting(step)
            ]
    return {each.enrollment.id: YearNotInTable(each.year, each.country) for each in uncountable}


def _path(version: PlanVersion, market: Market, basis: Basis, calendar: WorkingCalendar) -> _Path | YearNotInTable:
    today = clock.today(market.time_zone)
    own = basis.calendar(calendar, today)
    try:
        dues = rules.schedule([step.shape for step in version.steps], basis, own)
        # Days are counted from the first one to today, and to the last one.
        last = max((due.on for due in dues.values()), default=basis.starts_on)
        for day in (basis.starts_on, today, last):
            own.day_off(day)
    except YearNotInTable as missing:
        return missing
    return _Path(basis, dues, today, clock.day_begins(basis.starts_on, market.time_zone).timestamp())


def _told(
    path: _Path,
    steps: Sequence[PlanStep],
    done: Collection[str],
    turns: Collection[str],
    booked: Mapping[str, date],
) -> _Told:
    shapes, basis, dues, today = [step.shape for step in steps], path.basis, path.dues, path.today
    statuses = rules.statuses(shapes, dues, done, today, turns, exempt=basis.exempt, booked=booked)
    overdue = rules.progress(shapes, dues, done, today, basis.exempt, booked=booked).overdue
    waiting = []
    for step in steps:
        if statuses[step.slug].state is StepState.WAITING:
            by = rules.asked_by(dues[step.slug].on, booked.get(step.slug))
            if rules.is_awaited(step.kind, dues[step.slug].on, basis.starts_on, today):
                waiting.append((step, by))
    return overdue, waiting


class _Facts:
    """What is done, and what else was said and done about steps."""

    def __init__(
        self,
        versions: Mapping[int, PlanVersion],
        recorded: Mapping[int, Mapping[int, float]],
        said: Mapping[int, Mapping[int, Sequence[tuple[SignOffAct, float]]]],
        doings: Doings,
    ) -> None:
        self._versions, self._recorded, self._said, self._doings = versions, recorded, said, doings
        self._slugs = {step.id: step.slug for version in versions.values() for step in version.steps}
        self._with_doings = {
            version.id: [step for step in version.steps if step.kind in _WITH_DOINGS] for version in versions.values()
        }
        self._before: dict[int, list[int]] = {}
        self.booked = session_days(doings.seats)

    def done(self, member: _Member) -> frozenset[str]:
        """Return the steps that are done."""
        return frozenset(self._slugs[each] for each in self._recorded.get(member.id, ()))

    def turns(self, member: _Member) -> frozenset[str]:
        """Return the steps that others complete and that are the learner's turn first."""
        sent = {
            self._slugs[step_id]
            for step_id, rows in self._said.get(member.id, {}).items()
            if rows[-1][0] is SignOffAct.SENT_BACK
        }
        return frozenset(sent | self._doings.turns(member.id, self._with_doings[member.version_id]))

    def since(self, member: _Member, step: PlanStep, path: _Path) -> float:
        """Return since when a step waits, as `Standing.waiting_since` does."""
        if step.id not in self._before:
            steps = {each.slug: each for each in self._versions[member.version_id].steps}
            before = rules.all_before(step.shape, {slug: each.shape for slug, each in steps.items()})
            self._before[step.id] = [steps[slug].id for slug in before]
        recorded = self._recorded.get(member.id, {})
        moments = [member.enrolled_at.timestamp()]
        moments += [recorded[each] for each in self._before[step.id] if each in recorded]
        said = self._said.get(member.id, {}).get(step.id, ())
        moments += [at for act, at in said if act is SignOffAct.ASKED_AGAIN]
        moments += [each.at.timestamp() for each in self._doings.handed_in.get((member.id, step.id), ())]
        moments += [
            (each.recorded_at or each.ends_at).timestamp()
            for each in self._doings.seats.get((member.id, step.slug), ())
            if not each.is_cancelled
        ]
        if not rules.is_before_plan(step.kind, path.dues[step.slug].on, path.basis.starts_on):
            moments.append(path.begins)
        return max(moments)


def _versions(ids: Collection[int]) -> dict[int, PlanVersion]:
    rows = session.scalars(select(PlanVersion).where(PlanVersion.id.in_(ids)).options(joinedload(PlanVersion.steps)))
    return {row.id: row for row in rows.unique()}


def _markets(ids: Collection[int]) -> dict[int, Market]:
    return {row.id: row for row in session.scalars(select(Market).where(Market.id.in_(ids)))}


def _recorded(ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return by enrollment when each step was recorded as done, in seconds since 1970: one row a person."""
    step = cast(StepCompletion.step_id, String)
    moment = cast(extract("epoch", StepCompletion.recorded_at), String)
    rows = session.execute(
        select(StepCompletion.enrollment_id, func.aggregate_strings(step + "@" + moment, ","))
        .where(StepCompletion.enrollment_id.in_(ids))
        .group_by(StepCompletion.enrollment_id)
    )
    found = {}
    for enrollment_id, made in rows:
        told = made.replace("@", ",").split(",")
        found[enrollment_id] = dict(zip(map(int, told[::2]), map(float, told[1::2]), strict=True))
    return found


def _said(ids: Sequence[int]) -> dict[int, dict[int, list[tuple[SignOffAct, float]]]]:
    """Return by enrollment and step what was said about its sign-off, in order."""
    found: dict[int, dict[int, list[tuple[SignOffAct, float]]]] = defaultdict(lambda: defaultdict(list))
    rows = session.execute(
        select(SignOff.enrollment_id, SignOff.step_id, SignOff.act, SignOff.at)
        .where(SignOff.enrollment_id.in_(ids))
        .order_by(SignOff.id)
    )
    for enrollment_id, step_id, act, at in rows:
        found[enrollment_id][step_id].append((act, at.timestamp()))
    return found


def _doings(members: Sequence[_Member], versions: Mapping[int, PlanVersion]) -> Doings:
    some = {version.id for version in versions.values() if any(step.kind in _WITH_DOINGS for step in version.steps)}
    return doings_of(
        [
            Follower(each.id, each.person_id, each.enrolled_at, versions[each.version_id].steps)
            for each in members
            if each.version_id in some
        ]
    )
