"""What leads see of a cohort, in a number of statements that does not grow with its people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Date, Select, String, cast, exists, extract, func, null, select, union_all
from sqlalchemy.orm import aliased, joinedload, lazyload, load_only

from portal.accounts.models import Person
from portal.calendars import queries as calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable
from portal.cohorts.models import Cohort, CohortMember
from portal.core import clock
from portal.core.db import ExactFraction, UtcDateTime, session
from portal.core.i18n import Words
from portal.gradebook import queries as gradebook
from portal.library import queries as library
from portal.library.models import DocumentVersion
from portal.organisation.models import Market
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, Marking, QuizVersion
from portal.reports import rules
from portal.reports.rules import Standing, Summary
from portal.training import queries as training
from portal.training import rules as steps_rules
from portal.training.models import Enrollment, PlanVersion, SignOff, StepCompletion
from portal.training.queries import catalogue, step_results
from portal.training.queries.step_results import Seat
from portal.training.rules import Basis, Progress, Schedule, SignOffAct, StepKind, StepShape, StepStatus


@dataclass(frozen=True, slots=True)
class Column:
    """One step of the plan over all its versions in the cohort."""

    slug: str
    title: Words
    kind: StepKind
    required: bool
    # The working day of the plan on which it is due when nothing intervenes: -1 is the last one before day 1.
    # None: it is counted from an event.
    day: int | None
    phase: str | None = None
    quiz: str | None = None
    # By the number of each version, the latest first, where they say different days; else empty.
    days: Sequence[tuple[str, int | None]] = ()


class Cell(NamedTuple):
    """One step of one person; the score is the one that passed, else the result so far by the quiz's rule."""

    status: StepStatus
    due_on: date
    completed_at: datetime | None
    score: Fraction | None
    # The attempt that gave the score, by its code.
    attempt: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the cohort in the plan; cells are by the step's slug."""

    code: str
    person: Person
    starts_on: date
    standing: Standing
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """A plan that people of the cohort follow."""

    slug: str
    title: Words
    people: int


@dataclass(frozen=True, slots=True)
class CohortReport:
    """A cohort as of a moment: its columns, its numbers, and the rows asked for."""

    plans: Sequence[PlanChoice]
    plan: PlanChoice | None
    columns: Sequence[Column]
    summary: Summary
    rows: Sequence[Row]
    without_plan: Sequence[Person]
    as_of: datetime
    # Who follows the plan too and is in no number and no row, by name.
    left_out: Sequence[LeftOut] = ()


@dataclass(slots=True)
class Follower:
    """One enrollment and how it stands, before its row is made."""

    id: int
    code: str
    person_id: int
    market_id: int
    version_id: int
    starts_on: date
    enrolled_at: datetime
    completed_at: datetime | None
    cohort_id: int | None
    done: frozenset[str] = frozenset()
    path: Path | None = None
    standing: Standing | None = None
    # When the last step was done, and by the step's slug when each was, in seconds since 1970.
    last_done_at: datetime | None = None
    moments: Mapping[str, float] = field(default_factory=dict)
    # By the step's slug: at which sessions she is expected, or was and nobody has said yet whether she came; the first.
    seats: Mapping[str, Seat] = field(default_factory=dict)
    # By the step's slug: the day of the session that puts off by when it is asked for, see `training.rules.asked_by`.
    booked: Mapping[str, date] = field(default_factory=dict)

    @property
    def late(self) -> list[tuple[date, str]]:
        """The required steps that are overdue, each with the day after which it is; that of the oldest first."""
        assert self.path is not None
        return [each for each in self.path.asked_by_now(self.done, self.booked) if each[1] not in self.done]

    def asked_by(self, slug: str) -> date:
        """Return after which day the step is overdue; see `training.rules.asked_by`."""
        assert self.path is not None
        return steps_rules.asked_by(self.path.due_on[slug], self.booked.get(slug))


@dataclass(frozen=True, slots=True)
class Path:
    """What everybody with the same version, calendar and basis shares."""

    shapes: Sequence[StepShape]
    basis: Basis
    dues: Schedule
    # The person's calendar less her pauses.
    calendar: WorkingCalendar
    due_on: Mapping[str, date]
    today: date
    zone: str
    # Required steps due before today, earliest first.
    expected: Sequence[tuple[date, str]]
    required: frozenset[str]
    # Steps of which nothing is asked; who has done one all the same has done it.
    exempt: frozenset[str]
    # Steps of which nothing is asked for the time being.
    aside: frozenset[str] = frozenset()

    def asked(self, done: frozenset[str]) -> frozenset[str]:
        """Return the required steps that are asked of somebody who has done these."""
        return self.required - (self.exempt - done)

    def asked_now(self, done: frozenset[str]) -> frozenset[str]:
        """Return those of them of which something is asked now, or that are done."""
        return self.asked(done) - (self.aside - done)

    def asked_by_now(self, done: frozenset[str], booked: Mapping[str, date]) -> Sequence[tuple[date, str]]:
        """Return the required steps that should be done by now, each with its day; the earliest first.

        `booked` are the days of sessions as `training.rules.asked_by` takes them.
        """
        waived = (self.exempt | self.aside) - done if self.exempt or self.aside else None
        found = [each for each in self.expected if each[1] not in waived] if waived else self.expected
        if booked:
            days = [(steps_rules.asked_by(on, booked.get(slug)), slug) for on, slug in found]
            found = sorted(each for each in days if each[0] < self.today)
        return found

    def standing(
        self, done: frozenset[str], booked: Mapping[str, date] = MappingProxyType({}), *, is_complete: bool
    ) -> Standing:
        """Return how far somebody is who has done these steps; equals `training.rules.progress`."""
        left_out = self.exempt - done
        expected = self.asked_by_now(done, booked)
        late = [on for on, slug in expected if slug not in done]
        progress = Progress(
            done=len(self.required & done),
            expected=len(expected),
            done_of_expected=len(expected) - len(late),
            total=len(self.required - left_out),
        )
        return Standing(progress, late[0] if late else None, is_complete)


@dataclass(frozen=True, slots=True)
class Uncountable:
    """Somebody whose dates cannot be computed: one lies in a year that the holiday table of a country does not know."""

    follower: Follower
    country: str
    year: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody who is in no number, since her dates cannot be computed: for want of which year of which country."""

    person: Person
    # Her enrollment, by its code.
    code: str
    starts_on: date
    country: str
    year: int


@dataclass(frozen=True, slots=True)
class Following:
    """Everybody who follows a plan with a cohort, in reading order, as of a moment: what its numbers are made of."""

    plans: Sequence[PlanChoice]
    plan: PlanChoice | None
    # Of the plan, by row number, the latest last.
    versions: Mapping[int, PlanVersion]
    # The newest versions of the quizzes that the plan asks for.
    quizzes: Sequence[QuizVersion]
    people: Sequence[Follower]
    columns: Sequence[Column]
    # Everybody of the cohort by row number.
    persons: Mapping[int, Person]
    without_plan: Sequence[Person]
    as_of: datetime
    # Whether the plan has a version besides each that is followed.
    has_other_versions: bool = False
    # Of the cohort.
    cohort_id: int | None = None
    # Who follows the plan too, and is in no number, since her dates cannot be computed.
    uncountable: Sequence[Uncountable] = ()
    # Whether a plan of somebody ended with the cohort; not looked at where nobody belongs to it.
    has_ended: bool = False

    @property
    def everybody(self) -> list[Follower]:
        """Those of whom the numbers tell, and those whose dates cannot be computed."""
        return [*self.people, *(each.follower for each in self.uncountable)]

    @property
    def left_out(self) -> list[LeftOut]:
        """Whose dates cannot be computed, by name."""
        return left_out_of(self.uncountable, self.persons)


def left_out_of(uncountable: Sequence[Uncountable], persons: Mapping[int, Person]) -> list[LeftOut]:
    """Return these people by name, from the persons by their row numbers."""
    found = [
        LeftOut(persons[each.follower.person_id], each.follower.code, each.follower.starts_on, each.country, each.year)
        for each in uncountable
    ]
    return sorted(found, key=lambda each: (each.person.sort_key, each.person.id, each.code))


def follow(cohort: Cohort, plan_slug: str | None = None) -> Following:
    """Return who follows a plan with the cohort (default: the one most of them follow), and how each stands."""
    as_of = clock.now()
    persons, entries, has_ended = _people_of(cohort)
    versions, with_others = _versions_and_whether_others({entry.version_id for entry in entries})
    plans = _choices(versions, entries)
    plan = next((choice for choice in plans if choice.slug == plan_slug), plans[0] if plans else None)
    mine = [entry for entry in entries if plan and versions[entry.version_id].plan.slug == plan.slug]
    followed = {entry.version_id for entry in mine}
    shown = {version_id: version for version_id, version in versions.items() if version_id in followed}
    mine, uncountable = follow_paths(mine, versions)
    asked = _quizzes_of(shown.values())
    with_plan = {entry.person_id for entry in entries}
    # Sorting is stable and the entries come by name.
    mine.sort(key=lambda entry: rules.reading_order(entry.standing) if entry.standing else (0, date.max))
    return Following(
        plans=plans,
        plan=plan,
        versions=shown,
        quizzes=asked,
        people=mine,
        columns=_columns(list(shown.values()), asked),
        persons=persons,
        without_plan=[person for row, person in persons.items() if row not in with_plan],
        as_of=as_of,
        has_other_versions=plan is not None and plan.slug in with_others,
        cohort_id=cohort.id,
        uncountable=uncountable,
        has_ended=has_ended,
    )


def report_of(
    following: Following,
    people: Sequence[Follower] | None = None,
    *,
    offset: int = 0,
    limit: int | None = 50,
    viewer: Person | None = None,
) -> CohortReport:
    """Return the report with the rows of these people (default: of all) from `offset` on, at most `limit`.

    The numbers count everybody. What a quiz does not show of a score is left out of the row of `viewer`, who reads it.
    """
    chosen = following.people if people is None else people
    last = None if limit is None else offset + limit
    return CohortReport(
        plans=following.plans,
        plan=following.plan,
        columns=following.columns,
        summary=rules.summarise(each.standing for each in following.people if each.standing),
        rows=_rows(chosen[offset:last], following, viewer),
        without_plan=following.without_plan,
        as_of=following.as_of,
        left_out=following.left_out,
    )


def cohort_report(
    cohort: Cohort,
    plan_slug: str | None = None,
    *,
    offset: int = 0,
    limit: int | None = 50,
    viewer: Person | None = None,
) -> CohortReport:
    """Return how the cohort's people stand in a plan (default: the one most of them follow).

    Rows are those from `offset` on, at most `limit`; the numbers count everybody. What a quiz does not show of a score
    is left out of the row of `viewer`, who reads it.
    """
    return report_of(follow(cohort, plan_slug), offset=offset, limit=limit, viewer=viewer)


@dataclass(frozen=True, slots=True)
class HeadCount:
    """The people of a cohort who follow a plan: all, those with an overdue required step, those who are through."""

    following: int
    overdue: int
    complete: int
    # Who follows one too, and is not counted, since her dates cannot be computed.
    uncountable: int = 0


def count_heads(cohort_ids: Collection[int]) -> dict[int, HeadCount]:
    """Return how the people of each cohort stand, each person counted once whatever her plans.

    In a number of statements that does not grow with the cohorts.
    """
    entries = [Follower(*row) for row in session.execute(_entries(cohort_ids).order_by(Enrollment.id))]
    counted, uncountable = follow_paths(entries, versions_of({entry.version_id for entry in entries}))
    left_out: dict[int | None, set[int]] = defaultdict(set)
    for each in uncountable:
        left_out[each.follower.cohort_id].add(each.follower.person_id)
    by_cohort: dict[int, dict[int, list[Standing]]] = defaultdict(lambda: defaultdict(list))
    for cohort_id in left_out:
        if cohort_id is not None:
            by_cohort[cohort_id]
    for entry in counted:
        if entry.person_id in left_out[entry.cohort_id]:
            continue
        if entry.standing is not None and entry.cohort_id is not None:
            by_cohort[entry.cohort_id][entry.person_id].append(entry.standing)
    return {
        cohort_id: HeadCount(
            following=len(people),
            overdue=sum(any(each.progress.overdue for each in standings) for standings in people.values()),
            complete=sum(all(each.is_complete for each in standings) for standings in people.values()),
            uncountable=len(left_out[cohort_id]),
        )
        for cohort_id, people in by_cohort.items()
    }


ENTRY = (
    Enrollment.id,
    Enrollment.code,
    Enrollment.person_id,
    Enrollment.market_id,
    Enrollment.plan_version_id,
    Enrollment.starts_on,
    Enrollment.enrolled_at,
    Enrollment.completed_at,
    Enrollment.cohort_id,
)


def _entries(cohort_ids: Collection[int]) -> Select[*tuple[Any, ...]]:
    return select(*ENTRY).where(Enrollment.cohort_id.in_(cohort_ids), Enrollment.ended_at.is_(None))


_OF_PERSON = (
    Person.code,
    Person.family_name,
    Person.given_name,
    Person.middle_name,
    Person.family_kana,
    Person.given_kana,
    Person.family_romaji,
    Person.given_romaji,
    Person.shown_as,
    Person.sort_key,
    Person.created_at,
    Person.password_hash,
)


def _people_of(cohort: Cohort) -> tuple[dict[int, Person], list[Follower], bool]:
    """Return the members of a cohort and whoever follows a plan with it, by name, and what they follow.

    Besides, whether a plan of somebody ended with the cohort.
    """
    following = _entries([cohort.id])
    others = select(
        *(CohortMember.person_id if column is Enrollment.person_id else cast(null(), column.type) for column in ENTRY)
    ).where(
        CohortMember.cohort_id == cohort.id,
        CohortMember.left_at.is_(None),
        CohortMember.person_id.not_in(following.with_only_columns(Enrollment.person_id)),
    )
    found = union_all(following, others).subquery()
    rows = session.execute(
        select(Person, exists().where(Enrollment.cohort_id == cohort.id, Enrollment.ended_at.is_not(None)), found)
        .join(found, found.c.person_id == Person.id)
        # For their names, and whether they have come: hundreds of people, of whom no more is told.
        .options(load_only(*_OF_PERSON), lazyload(Person.home_market), lazyload(Person.team))
        .order_by(Person.family_kana, Person.given_kana, Person.family_name, Person.given_name, Person.id, found.c.id)
    )
    persons, entries, has_ended = {}, [], False
    for person, has_ended, *entry in rows:  # noqa: B007 - the same in each row
        persons[person.id] = person
        if entry[0] is not None:
            entries.append(Follower(*entry))
    return persons, entries, has_ended


def versions_of(ids: Collection[int]) -> dict[int, PlanVersion]:
    """Return row number → version of a plan with its steps, the latest last."""
    return _versions_and_whether_others(ids)[0]


def _versions_and_whether_others(ids: Collection[int]) -> tuple[dict[int, PlanVersion], set[str]]:
    """Return these versions by row number, the latest last, and the slugs of the plans that have others, too."""
    other = aliased(PlanVersion)
    has_others = exists().where(other.plan_id == PlanVersion.plan_id, other.id != PlanVersion.id)
    rows = (
        session.execute(
            select(PlanVersion, has_others)
            .where(PlanVersion.id.in_(ids))
            .options(joinedload(PlanVersion.steps))
            .order_by(PlanVersion.id)
        )
        .unique()
        .all()
    )
    return {version.id: version for version, _others in rows}, {version.plan.slug for version, others in rows if others}


def _quizzes_of(versions: Iterable[PlanVersion]) -> list[QuizVersion]:
    """Return the newest versions of the quizzes for which these versions of plans ask, by step or by gate."""
    slugs = set()
    for version in versions:
        for step in version.steps:
            slugs |= {step.quiz_slug} if step.quiz_slug is not None else set()
            slugs |= set(step.gate.quizzes) if step.gate is not None else set()
    return quizzes.list_quizzes_of(slugs) if slugs else []


def _choices(versions: Mapping[int, PlanVersion], entries: Sequence[Follower]) -> list[PlanChoice]:
    people = Counter(versions[entry.version_id].plan.slug for entry in entries)
    # The title of the latest version: versions come in the order in which they were written.
    titles = {version.plan.slug: version.title for version in versions.values()}
    return [
        PlanChoice(slug, titles[slug], count)
        for slug, count in sorted(people.items(), key=lambda each: (-each[1], each[0]))
    ]


def _columns(versions: Sequence[PlanVersion], asked: Sequence[QuizVersion]) -> list[Column]:
    """Return the steps of the latest version in their order, then those that only earlier ones had."""
    steps = [step for version in versions for step in version.steps]
    titles = catalogue.titles_of(steps, {version.quiz.slug: version.title for version in asked})
    columns: dict[str, Column] = {}
    days_of: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for version in reversed(versions):
        days = _nominal_days([step.shape for step in version.steps])
        for step in version.steps:
            days_of[step.slug].append((version.number, days[step.slug]))
            if step.slug not in columns:
                columns[step.slug] = Column(
                    step.slug,
                    titles[step.id],
                    step.kind,
                    step.required,
                    days[step.slug],
                    step.phase_slug,
                    step.quiz_slug,
                )
    return [
        replace(each, days=days_of[each.slug]) if len({day for _number, day in days_of[each.slug]}) > 1 else each
        for each in columns.values()
    ]


def _nominal_days(shapes: Sequence[StepShape]) -> dict[str, int | None]:
    origins = steps_rules.origins_of(shapes)
    return {
        slug: None if origins[slug] is not None else days + 1 if days >= 0 else days
        for slug, days in steps_rules.nominal_offsets(shapes).items()
    }


def follow_paths(
    entries: Sequence[Follower], versions: Mapping[int, PlanVersion]
) -> tuple[list[Follower], list[Uncountable]]:
    """Compute each schedule once for all who share it, then how far everybody is; return whose path that gave.

    Besides, those whose dates cannot be computed; they keep nobody else's back.
    """
    markets = _markets({entry.market_id for entry in entries})
    read = calendars.read_calendars(markets.values(), [entry.person_id for entry in entries])
    today = {market.id: clock.today(market.time_zone) for market in markets.values()}
    slugs = {step.id: step.slug for version in versions.values() for step in version.steps}
    ids = [entry.id for entry in entries]
    done = _done(ids)
    shapes = {version.id: [step.shape for step in version.steps] for version in versions.values()}
    bases = training.bases_of({entry.id: entry.starts_on for entry in entries}, named=False)
    with_sessions = {version.id for version in versions.values() if _has_sessions(version)}
    sitting = [each.id for each in entries if each.version_id in with_sessions]
    all_seats = step_results.seats_of(sitting) if sitting else {}
    seats, days = step_results.open_seats(all_seats), step_results.session_days(all_seats)
    paths: dict[object, Path] = {}
    counted: list[Follower] = []
    uncountable: list[Uncountable] = []
    for entry in entries:
        calendar, basis = read.of(entry.market_id, entry.person_id), bases[entry.id].as_others_see()
        entry.starts_on = basis.starts_on
        made = done.get(entry.id, _NOTHING_DONE)
        entry.moments = {slugs[step_id]: moment for step_id, moment in made.moments.items()}
        entry.done, entry.last_done_at = frozenset(entry.moments), made.last_at
        # One object for all with the same leave; it lives as long as `read`.
        key = (entry.version_id, entry.market_id, basis, id(calendar))
        if key not in paths:
            day = today[entry.market_id]
            own = basis.calendar(calendar, day)
            try:
                dues = steps_rules.schedule(shapes[entry.version_id], basis, own)
                # Days are counted from the first one to today, too.
                for known in (min(basis.starts_on, day), day):
                    own.day_off(known)
            except YearNotInTable as missing:
                uncountable.append(Uncountable(entry, missing.country, missing.year))
                continue
            zone = markets[entry.market_id].time_zone
            paths[key] = _path(shapes[entry.version_id], basis, dues, own, today=day, zone=zone)
        entry.path = paths[key]
        entry.seats = seats.get(entry.id, {})
        if entry.id in days:
            due_on = entry.path.due_on
            entry.booked = {slug: on for slug, on in days[entry.id].items() if slug in due_on and on > due_on[slug]}
        entry.standing = entry.path.standing(entry.done, entry.booked, is_complete=entry.completed_at is not None)
        counted.append(entry)
    return counted, uncountable


def _has_sessions(version: PlanVersion) -> bool:
    return any(step.kind is StepKind.SESSION for step in version.steps)


def _markets(ids: Collection[int]) -> dict[int, Market]:
    """Return these markets by row number; those that came with the cohort are not asked for again."""
    known = {row.id: row for row in session.identity_map.values() if isinstance(row, Market) and row.id in ids}
    if missing := set(ids) - known.keys():
        known |= {market.id: market for market in session.scalars(select(Market).where(Market.id.in_(missing)))}
    return known


def _path(
    shapes: Sequence[StepShape], basis: Basis, dues: Schedule, calendar: WorkingCalendar, *, today: date, zone: str
) -> Path:
    required = frozenset(shape.slug for shape in shapes if shape.required)
    due_on = {slug: due.on for slug, due in dues.items()}
    expected = sorted((due_on[slug], slug) for slug in required if due_on[slug] < today)
    aside = basis.aside.all_of({each.slug: each for each in shapes}) if basis.aside is not None else frozenset()
    return Path(shapes, basis, dues, calendar, due_on, today, zone, expected, required, basis.exempt, aside)


@dataclass(frozen=True, slots=True)
class _Done:
    """The completed steps of an enrollment by row number, when each was done in seconds since 1970, and the last."""

    moments: Mapping[int, float] = field(default_factory=dict)
    last_at: datetime | None = None


_NOTHING_DONE = _Done()


def _done(enrollment_ids: Sequence[int]) -> dict[int, _Done]:
    """Return what is completed in each enrollment: one row a person instead of one a step."""
    step, moment = cast(StepCompletion.step_id, String), cast(extract("epoch", StepCompletion.completed_at), String)
    rows = session.execute(
        select(
            StepCompletion.enrollment_id,
            func.aggregate_strings(step + "@" + moment, ","),
            func.max(StepCompletion.completed_at),
        )
        .where(StepCompletion.enrollment_id.in_(enrollment_ids))
        .group_by(StepCompletion.enrollment_id)
    )
    found = {}
    for enrollment_id, made, last_at in rows:
        told = made.replace("@", ",").split(",")
        found[enrollment_id] = _Done(dict(zip(map(int, told[::2]), map(float, told[1::2]), strict=True)), last_at)
    return found


def _rows(
    entries: Sequence[Follower],
    following: Following,
    viewer: Person | None,
) -> list[Row]:
    """Return the rows of these people with every cell; none of the viewer's own has a score that she is not told."""
    versions = following.versions
    completed, sent_back = _said_of_steps([entry.id for entry in entries])
    known = _results(entries, following.quizzes)
    turns = step_results.turns_of(
        [
            step_results.Follower(entry.id, entry.person_id, entry.enrolled_at, versions[entry.version_id].steps)
            for entry in entries
        ],
        known,
    )
    results = _scores(entries, known)
    if viewer is not None:
        _leave_out_untold([entry.id for entry in entries if entry.person_id == viewer.id], completed, results)
    steps: dict[int, list[_Step]] = {
        version.id: [(step.id, step.slug, step.quiz_slug) for step in version.steps] for version in versions.values()
    }
    # What was sent back, and what has to be handed in, attended or reached first.
    back = {
        entry.id: turns.get(entry.id, set())
        | {slug for step_id, slug, _quiz in steps[entry.version_id] if step_id in sent_back[entry.id]}
        for entry in entries
    }
    return [
        Row(
            code=entry.code,
            person=following.persons[entry.person_id],
            starts_on=entry.starts_on,
            standing=entry.standing,
            cells=_cells(entry, steps[entry.version_id], completed[entry.id], back[entry.id], results),
        )
        for entry in entries
        if entry.path is not None and entry.standing is not None
    ]


def _leave_out_untold(
    own: Sequence[int], completed: Mapping[int, dict[int, _Completed]], results: dict[tuple[int, str], _Score]
) -> None:
    """Leave the scores out that the person of these enrollments is not told."""
    if any(row.score is not None for enrollment_id in own for row in completed[enrollment_id].values()):
        for enrollment_id, step_id in training.list_untold(own):
            row = completed[enrollment_id][step_id]
            completed[enrollment_id][step_id] = row._replace(score=None, attempt=None)
    mine = {place: result for place, result in results.items() if place[0] in own and result.line_id is not None}
    untold = gradebook.list_untold([result.line_id for result in mine.values() if result.line_id is not None])
    for place, result in mine.items():
        if result.line_id in untold:
            results[place] = _NO_SCORE


@dataclass(frozen=True, slots=True)
class _Score:
    """A score with the line of the gradebook and the code of the attempt that gave it."""

    score: Fraction | None = None
    attempt: str | None = None
    line_id: int | None = None


_NO_SCORE = _Score()
# A step as the cells need it: its row, slug and quiz. Read once a version, not once a cell.
_Step = tuple[int, str, str | None]


def _cells(
    entry: Follower,
    steps: Sequence[_Step],
    completed: Mapping[int, _Completed],
    back: set[str],
    results: Mapping[tuple[int, str], _Score],
) -> dict[str, Cell]:
    path = entry.path
    assert path is not None
    aside, booked = path.basis.aside, entry.booked
    statuses = steps_rules.statuses(
        path.shapes,
        path.dues,
        entry.done,
        path.today,
        back,
        exempt=path.exempt,
        aside=aside,
        booked=booked,
    )
    cells = {}
    for step_id, slug, quiz in steps:
        status, due_on, row = statuses[slug], path.due_on[slug], completed.get(step_id)
        on = steps_rules.asked_by(due_on, booked.get(slug)) if booked else due_on
        if row is not None:
            cells[slug] = Cell(status, row.due_on or on, row.completed_at, row.score, row.attempt)
        else:
            result = results.get((entry.id, quiz), _NO_SCORE) if quiz is not None else _NO_SCORE
            cells[slug] = Cell(status, on, None, result.score, result.attempt)
    return cells


class _Completed(NamedTuple):
    completed_at: datetime
    due_on: date | None
    score: Fraction | None
    attempt: str | None


def _said_of_steps(
    enrollment_ids: Sequence[int],
) -> tuple[Mapping[int, dict[int, _Completed]], Mapping[int, set[int]]]:
    """Return by enrollment what is completed, and the steps whose last word is that something is missing."""
    last = (
        select(func.max(SignOff.id))
        .where(SignOff.enrollment_id.in_(enrollment_ids))
        .group_by(SignOff.enrollment_id, SignOff.step_id)
    )
    rows: Iterable[Any] = session.execute(
        union_all(
            select(
                StepCompletion.enrollment_id,
                StepCompletion.step_id,
                StepCompletion.completed_at,
                StepCompletion.due_on,
                StepCompletion.score,
                StepCompletion.attempt_code,
            ).where(StepCompletion.enrollment_id.in_(enrollment_ids)),
            select(
                SignOff.enrollment_id,
                SignOff.step_id,
                cast(null(), UtcDateTime()),
                cast(null(), Date),
                cast(null(), ExactFraction()),
                cast(null(), String),
            ).where(SignOff.act == SignOffAct.SENT_BACK, SignOff.id.in_(last)),
        )
    )
    completed: dict[int, dict[int, _Completed]] = defaultdict(dict)
    sent_back: dict[int, set[int]] = defaultdict(set)
    for enrollment_id, step_id, completed_at, due_on, score, attempt in rows:
        if completed_at is None:
            sent_back[enrollment_id].add(step_id)
        else:
            completed[enrollment_id][step_id] = _Completed(completed_at, due_on, score, attempt)
    return completed, sent_back


def _results(entries: Sequence[Follower], asked: Sequence[QuizVersion]) -> step_results.Results:
    """Return what counts for each person since her enrollment by the rule of each quiz."""
    since = {entry.person_id: entry.enrolled_at for entry in entries}
    found = gradebook.results_since(since, asked) if asked else {}
    return step_results.Results({version.quiz.slug: version for version in asked}, found)


def _scores(entries: Sequence[Follower], known: step_results.Results) -> dict[tuple[int, str], _Score]:
    """Return the scores that count, by enrollment and quiz."""
    of_person = {entry.person_id: entry for entry in entries}
    slugs = {version.quiz_id: slug for slug, version in known.versions.items()}
    return {
        (of_person[person_id].id, slugs[quiz_id]): _Score(
            result.score,
            result.line.attempt.code if result.line is not None and result.line.attempt is not None else None,
            result.line.id if result.line is not None else None,
        )
        for (person_id, quiz_id), result in known.found.items()
    }


def points_of(rows: Sequence[Row]) -> Mapping[str, tuple[Fraction, Fraction]]:
    """Return the points and the possible points behind the scores of these rows, by the attempt's code.

    A score that was corrected since has no points of its own and is left out.
    """
    scores = {
        cell.attempt: cell.score
        for row in rows
        for cell in row.cells.values()
        if cell.attempt and cell.score is not None
    }
    latest = select(func.max(Marking.id)).group_by(Marking.attempt_id)
    found = session.execute(
        select(Attempt.code, Marking.points, Marking.max_points, Marking.score)
        .join(Attempt, Attempt.id == Marking.attempt_id)
        .where(Attempt.code.in_(scores), Marking.id.in_(latest))
    )
    return {row.code: (row.points, row.max_points) for row in found if row.score == scores[row.code]}


# --- What is announced or unfinished ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Announced:
    """A version of a document that has been issued and does not hold yet."""

    slug: str
    number: str
    title: str
    effective_at: datetime


def list_announced(language: str) -> list[Announced]:
    """Return the versions that come into force later, the next first, with titles in the language."""
    versions = session.scalars(
        select(DocumentVersion)
        .where(DocumentVersion.effective_at > clock.now(), DocumentVersion.withdrawn_at.is_(None))
        .options(joinedload(DocumentVersion.document))
        .order_by(DocumentVersion.effective_at, DocumentVersion.id)
    ).all()
    titles = library.list_titles([version.id for version in versions], language)
    return [
        Announced(version.document.slug, version.number, titles.get(version.id, ""), version.effective_at)
        for version in versions
    ]
