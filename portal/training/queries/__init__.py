"""Reading enrollments and how people stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import Any

from sqlalchemy import (
    Date,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased, contains_eager, joinedload, lazyload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement
from portal.calendars import queries as calendars
from portal.calendars.errors import unknown_years_refused
from portal.calendars.rules import WorkingCalendar, working_day_number
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.gradebook import queries as gradebook
from portal.gradebook.models import ScoreEntry
from portal.gradebook.rules import Result
from portal.library.models import Document, DocumentVersion
from portal.library.rules.overlays import base_slug
from portal.organisation.models import Market
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, Quiz, QuizVersion
from portal.training import rules
from portal.training.errors import NoSuchEnrollment, NoSuchEvent, NoSuchStep, NotPaused
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    NewStart,
    Plan,
    PlanEvent,
    PlanExtension,
    PlanStep,
    PlanVersion,
    SignOff,
    StepCompletion,
    StepExemption,
    StepExtension,
)
from portal.training.permissions import EventOfCohort, EventOfEnrollment, StepOfEnrollment
from portal.training.queries.catalogue import LONG_AGO, covering_versions
from portal.training.queries.step_results import Follower, HandedIn, Seat, doings_of
from portal.training.rules import (
    Basis,
    Doer,
    EventDay,
    Exemption,
    ExemptionAct,
    Extension,
    Feasibility,
    GateFigures,
    Pause,
    Progress,
    Schedule,
    SignOffAct,
    StepKind,
    StepShape,
    StepState,
    StepStatus,
)


def find_enrollment(code: str) -> Enrollment | None:
    """Return the enrollment of the code."""
    return session.scalar(
        select(Enrollment)
        .where(Enrollment.code == code)
        .options(*WITH_STEPS, joinedload(Enrollment.version, innerjoin=True).selectinload(PlanVersion.phases))
    )


def list_enrollments_by_code(codes: Collection[str]) -> list[Enrollment]:
    """Return the enrollments that have one of these codes, each with its person and the steps of its plan."""
    return list(
        session.scalars(
            select(Enrollment).where(Enrollment.code.in_(codes)).options(*WITH_STEPS).order_by(Enrollment.id)
        )
    )


def list_enrollment_codes_meant(text: str) -> list[str]:
    """Return the codes of the newest enrollments of those whom a name may mean."""
    people = accounts.select_people(accounts.PeopleFilter(text=text)).order_by(None).with_only_columns(Person.id)
    statement = select(Enrollment.code).where(Enrollment.person_id.in_(people)).order_by(Enrollment.id.desc())
    return list(session.scalars(statement.limit(500)))


def get_enrollment(code: str) -> Enrollment:
    """Return the enrollment of the code. Raises `NoSuchEnrollment`."""
    found = find_enrollment(code)
    if found is None:
        raise NoSuchEnrollment()
    return found


def get_step(enrollment: Enrollment, slug: str) -> PlanStep:
    """Return the step of the enrollment's plan version. Raises `NoSuchStep`."""
    for step in enrollment.version.steps:
        if step.slug == slug:
            return step
    raise NoSuchStep()


def get_sign_off_step(code: str, slug: str) -> StepOfEnrollment:
    """Return a step of an enrollment that somebody else ends with her word. Raises `NoSuchEnrollment`, `NoSuchStep`."""
    thing = get_step_of_enrollment(code, slug)
    if thing.step.kind not in rules.WITH_A_WORD or thing.step.by is Doer.LEARNER:
        raise NoSuchStep()
    return thing


def get_task(code: str, slug: str) -> StepOfEnrollment:
    """Return a step of an enrollment for which something is handed in. Raises `NoSuchEnrollment`, `NoSuchStep`."""
    thing = get_step_of_enrollment(code, slug)
    if thing.step.kind is not StepKind.TASK:
        raise NoSuchStep()
    return thing


def get_step_of_enrollment(code: str, slug: str) -> StepOfEnrollment:
    """Return a step of an enrollment, whatever it asks for. Raises `NoSuchEnrollment`, `NoSuchStep`."""
    enrollment = get_enrollment(code)
    return StepOfEnrollment(enrollment, get_step(enrollment, slug))


def get_event_of_enrollment(code: str, slug: str) -> EventOfEnrollment:
    """Return an event of an enrollment's plan version. Raises `NoSuchEnrollment`, `NoSuchEvent`."""
    enrollment = get_enrollment(code)
    for event in enrollment.version.events:
        if event.slug == slug:
            return EventOfEnrollment(enrollment, event)
    raise NoSuchEvent()


def get_event_of_cohort(code: str, plan: str, slug: str) -> EventOfCohort:
    """Return an event of a plan for a cohort, as the latest version that has it says.

    Raises `NoSuchCohort`, `NoSuchEvent`.
    """
    cohort = cohorts.get_cohort(code)
    event = session.scalar(
        select(PlanEvent)
        .join(PlanVersion, PlanVersion.id == PlanEvent.version_id)
        .join(Plan, Plan.id == PlanVersion.plan_id)
        .where(Plan.slug == plan, PlanEvent.slug == slug)
        .order_by(PlanVersion.id.desc())
        .limit(1)
    )
    if event is None:
        raise NoSuchEvent()
    return EventOfCohort(cohort, event, frozenset(each.person_id for each in list_moved_with(cohort, event)))


def list_moved_with(cohort: Cohort, event: PlanEvent) -> list[Enrollment]:
    """Return the open enrollments in a cohort for whom the event takes place on the cohort's day, by name."""
    own = exists().where(EventDate.enrollment_id == Enrollment.id, EventDate.event_slug == event.slug)
    has_event = exists().where(PlanEvent.version_id == Enrollment.plan_version_id, PlanEvent.slug == event.slug)
    return list(
        session.scalars(
            select(Enrollment)
            .join(Person, Person.id == Enrollment.person_id)
            .where(
                Enrollment.cohort_id == cohort.id,
                Enrollment.plan_id == event.version.plan_id,
                Enrollment.completed_at.is_(None),
                Enrollment.ended_at.is_(None),
                has_event,
                ~own,
            )
            .options(*WITH_STEPS)
            .order_by(Person.sort_key, Person.id, Enrollment.id)
        )
    )


def count_apart_from(cohort: Cohort, event: PlanEvent) -> int:
    """Return how many open enrollments in a cohort have a day of their own for the event."""
    own = exists().where(EventDate.enrollment_id == Enrollment.id, EventDate.event_slug == event.slug)
    statement = select(func.count()).where(
        Enrollment.cohort_id == cohort.id,
        Enrollment.plan_id == event.version.plan_id,
        Enrollment.completed_at.is_(None),
        Enrollment.ended_at.is_(None),
        own,
    )
    return session.scalar(statement) or 0


def list_event_days(cohort: Cohort, plan_id: int) -> dict[str, EventDay]:
    """Return the day of each event of a plan for a cohort, as it was set last, by the event's slug."""
    rows = session.scalars(
        select(EventDate).where(EventDate.cohort_id == cohort.id, EventDate.plan_id == plan_id).order_by(EventDate.id)
    )
    return {
        row.event_slug: EventDay(row.takes_place_on, row.by.names, row.reason or "", is_of_cohort=True) for row in rows
    }


def list_events_of(version_ids: Collection[int]) -> list[PlanEvent]:
    """Return the events of these plan versions with their plans, each as the latest of them says, plan by plan."""
    rows = session.scalars(
        select(PlanEvent)
        .join(PlanVersion, PlanVersion.id == PlanEvent.version_id)
        .join(Plan, Plan.id == PlanVersion.plan_id)
        .where(PlanEvent.version_id.in_(version_ids))
        .options(contains_eager(PlanEvent.version).contains_eager(PlanVersion.plan))
        .order_by(Plan.slug, PlanVersion.id.desc(), PlanEvent.position)
    )
    found: dict[tuple[int, str], PlanEvent] = {}
    for row in rows:
        found.setdefault((row.version.plan_id, row.slug), row)
    return list(found.values())


def list_latest_events() -> list[PlanEvent]:
    """Return the events of the latest version of every plan, plan by plan."""
    latest = select(func.max(PlanVersion.id)).group_by(PlanVersion.plan_id)
    return list_events_of(session.scalars(latest).all())


def list_days_of_cohort(cohort: Cohort) -> dict[tuple[int, str], date]:
    """Return the days of a cohort's events as they were set last, by the plan's row and the event's slug."""
    rows = session.execute(
        select(EventDate.plan_id, EventDate.event_slug, EventDate.takes_place_on)
        .where(EventDate.cohort_id == cohort.id)
        .order_by(EventDate.id)
    )
    return {(row.plan_id, row.event_slug): row.takes_place_on for row in rows}


def find_open_enrollment(person_id: int, plan_id: int) -> Enrollment | None:
    """Return the enrollment in which the person follows the plan now."""
    return session.scalar(
        select(Enrollment).where(
            Enrollment.person_id == person_id,
            Enrollment.plan_id == plan_id,
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
        )
    )


def list_running_of(person_ids: Collection[int]) -> list[Enrollment]:
    """Return the open enrollments of these people with the steps of their plans, by name."""
    return list(
        session.scalars(
            select(Enrollment)
            .join(Person, Person.id == Enrollment.person_id)
            .where(
                Enrollment.person_id.in_(person_ids), Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None)
            )
            .options(*WITH_STEPS)
            .order_by(Person.sort_key, Person.id, Enrollment.id)
        )
    )


# Statements of the pages that are asked for most are made once; what they look for is given when they run.
_ENROLLMENTS_OF = (
    select(Enrollment)
    .where(Enrollment.person_id == bindparam("person_id"), Enrollment.ended_at.is_(None))
    .options(
        # The person is the one who asks, and her market and team mostly the cohort's too: they are at hand.
        lazyload(Enrollment.person),
        lazyload(Enrollment.market),
        joinedload(Enrollment.cohort).options(lazyload(Cohort.market), lazyload(Cohort.team)),
        joinedload(Enrollment.version, innerjoin=True).lazyload(PlanVersion.plan),
    )
    .order_by(Enrollment.completed_at.is_not(None), Enrollment.starts_on.desc(), Enrollment.id.desc())
)


_STEPS = select(PlanStep).where(PlanStep.version_id.in_(bindparam("ids", expanding=True))).order_by(PlanStep.position)


def list_enrollments_of(person_id: int) -> list[Enrollment]:
    """Return the person's enrollments that have not been ended, the open ones first, then the latest."""
    found = list(session.scalars(_ENROLLMENTS_OF, {"person_id": person_id}))
    _read_steps({enrollment.version for enrollment in found})
    return found


def _read_steps(versions: Collection[PlanVersion]) -> None:
    """Read the steps of these versions, with one statement."""
    if not versions:
        return
    steps: dict[int, list[PlanStep]] = {version.id: [] for version in versions}
    for step in session.scalars(_STEPS, {"ids": list(steps)}):
        steps[step.version_id].append(step)
    for version in versions:
        set_committed_value(version, "steps", steps[version.id])


def list_unfinished_steps(person_id: int, kinds: Iterable[StepKind], slug: str) -> list[tuple[Enrollment, PlanStep]]:
    """Return the person's steps of these kinds about a document or quiz that are not completed, in her enrollments."""
    rows = session.execute(_UNFINISHED_STEPS, {"person_id": person_id, "kinds": list(kinds), "slug": slug})
    return [(row[0], row[1]) for row in rows]


def list_expected_takers(quiz_slug: str) -> set[int]:
    """Return the people (their row numbers) whose running plans have this quiz as a step that is to be completed."""
    rows = session.scalars(
        select(Enrollment.person_id)
        .join(PlanStep, PlanStep.version_id == Enrollment.plan_version_id)
        .where(
            PlanStep.quiz_slug == quiz_slug,
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            ~is_settled,
        )
        .distinct()
    )
    return set(rows)


# The first day of an enrollment, as it was set last.
_first_day = func.coalesce(
    select(NewStart.starts_on)
    .where(NewStart.enrollment_id == Enrollment.id)
    .order_by(NewStart.id.desc())
    .limit(1)
    .correlate(Enrollment)
    .scalar_subquery(),
    Enrollment.starts_on,
)


def list_first_days(people: Collection[int]) -> dict[int, date]:
    """Return person's row number → the first day of her running plans, for those who follow one."""
    rows = session.execute(
        select(Enrollment.person_id, func.min(_first_day))
        .where(Enrollment.person_id.in_(people), Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
        .group_by(Enrollment.person_id)
    )
    return {row[0]: row[1] for row in rows}


def find_successor(enrollment: Enrollment) -> Enrollment | None:
    """Return the enrollment in another version of the plan that took the place of this one, or None."""
    return session.scalar(select(Enrollment).where(Enrollment.replaces_id == enrollment.id).options(*WITH_STEPS))


def whole_training(enrollment_id: int) -> Select[int]:
    """Return what selects the row numbers of an enrollment and of those in other versions before and after it."""
    own = aliased(Enrollment)
    return (
        select(Enrollment.id)
        .join(own, own.id == enrollment_id)
        .where(func.coalesce(Enrollment.first_code, Enrollment.code) == func.coalesce(own.first_code, own.code))
    )


def find_predecessor(enrollment: Enrollment) -> Enrollment | None:
    """Return the enrollment whose place this one took, or None."""
    if enrollment.replaces_id is None:
        return None
    return session.scalar(select(Enrollment).where(Enrollment.id == enrollment.replaces_id).options(*WITH_STEPS))


def list_completions(enrollment: Enrollment) -> list[StepCompletion]:
    """Return what was completed in the enrollment, in order: documents and versions, attempts and scores."""
    return list(
        session.scalars(
            select(StepCompletion).where(StepCompletion.enrollment_id == enrollment.id).order_by(StepCompletion.id)
        )
    )


def list_quiz_completions(person_id: int) -> list[tuple[StepCompletion, Enrollment]]:
    """Return the steps that ask for a quiz and that the person has done, the newest first, with their enrollments."""
    rows = session.execute(
        select(StepCompletion, Enrollment)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .where(Enrollment.person_id == person_id, PlanStep.kind == StepKind.QUIZ)
        .order_by(StepCompletion.id.desc())
        .options(
            joinedload(StepCompletion.score_entry).joinedload(ScoreEntry.decision),
            joinedload(Enrollment.version),
            joinedload(Enrollment.person),
            joinedload(Enrollment.cohort),
        )
    )
    return [(row[0], row[1]) for row in rows]


def has_begun(enrollment: Enrollment) -> bool:
    """Say whether the learner has completed anything since she was enrolled."""
    return (
        session.scalar(
            select(StepCompletion.id)
            .where(StepCompletion.enrollment_id == enrollment.id, StepCompletion.completed_at > enrollment.enrolled_at)
            .limit(1)
        )
        is not None
    )


def list_sign_offs(enrollment: Enrollment, step: PlanStep) -> list[SignOff]:
    """Return what was said about the step, in order."""
    return list(
        session.scalars(
            select(SignOff)
            .where(SignOff.enrollment_id == enrollment.id, SignOff.step_id == step.id)
            .order_by(SignOff.id)
        )
    )


# Named outright, because it also stands inside another EXISTS.
is_completed = (
    exists()
    .where(StepCompletion.enrollment_id == Enrollment.id, StepCompletion.step_id == PlanStep.id)
    .correlate(Enrollment, PlanStep)
)


_Later = aliased(StepExemption)


def exempt_now(*of: Any) -> Any:
    """Return the select of the exemptions that hold, of those that meet the conditions.

    An exemption that was taken back, or given again, has a later row.
    """
    later = exists().where(
        _Later.enrollment_id == StepExemption.enrollment_id,
        _Later.step_id == StepExemption.step_id,
        _Later.number > StepExemption.number,
    )
    return select(StepExemption.id).where(StepExemption.act == ExemptionAct.EXEMPTED, ~later, *of)


is_exempt = (
    exempt_now(StepExemption.enrollment_id == Enrollment.id, StepExemption.step_id == PlanStep.id)
    .correlate(Enrollment, PlanStep)
    .exists()
)
# Nothing is asked of the step any more.
is_settled = or_(is_completed, is_exempt)


_UNFINISHED_STEPS = (
    select(Enrollment, PlanStep)
    .join(PlanStep, PlanStep.version_id == Enrollment.plan_version_id)
    .where(
        Enrollment.person_id == bindparam("person_id"),
        Enrollment.ended_at.is_(None),
        PlanStep.kind.in_(bindparam("kinds", expanding=True)),
        or_(PlanStep.document_slug == bindparam("slug"), PlanStep.quiz_slug == bindparam("slug")),
        ~is_completed,
    )
    .order_by(Enrollment.id, PlanStep.position)
    .options(joinedload(Enrollment.version, innerjoin=True).lazyload(PlanVersion.plan))
)


WITH_STEPS = (
    joinedload(Enrollment.person),
    joinedload(Enrollment.cohort),
    joinedload(Enrollment.version, innerjoin=True).selectinload(PlanVersion.steps),
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last thing that somebody did about a step before an instant, and how it could stand for it here."""

    at: datetime
    in_force: bool = True
    document_slug: str | None = None
    document_version: str | None = None
    acknowledgement_id: int | None = None
    score_entry: ScoreEntry | None = None
    completion: StepCompletion | None = None


def find_earlier(
    person_ids: Collection[int], steps: Sequence[PlanStep], plan_id: int, market: Market, before: datetime
) -> dict[int, dict[str, Earlier]]:
    """Return what these people did about steps of a plan before an instant, by the person's row and the step's slug.

    Of a document the acknowledgement that covers the version in force, else the last one of any version; of a quiz
    the result that counts, if it passes; of a sign-off that of the same step in an earlier enrollment in the plan.
    Whoever did nothing is left out. Three statements where there is nothing, and however many people there are.
    Exemptions from quizzes are told by the gradebook.
    """
    known = _acknowledged_before(person_ids, {step.document_slug for step in steps if step.document_slug}, before)
    passed = _quizzes_passed_before(person_ids, {step.quiz_slug for step in steps if step.quiz_slug}, before)
    signs = any(step.kind is StepKind.SIGN_OFF for step in steps)
    signed = _signed_before(person_ids, plan_id, before) if signs else {}
    covering = {slug: set(covering_versions(slug, market)) for slug in {slug for _person, slug in known}}
    lines = _PassingLines(passed, before)
    found: dict[int, dict[str, Earlier]] = defaultdict(dict)
    for person_id, step in product({each for each, _of in (*known, *passed, *signed)}, steps):
        if step.document_slug is not None and (rows := known.get((person_id, step.document_slug))):
            covers = [row for row in rows if row.version_id in covering[step.document_slug]]
            row = (covers or rows)[-1]
            earlier = Earlier(row.at, bool(covers), row.version.document.slug, row.version.number, row.id)
            found[person_id][step.slug] = earlier
        elif step.quiz_slug is not None and (person_id, step.quiz_slug) in passed:
            line = lines.of(person_id, step.quiz_slug, step.recognise_days)
            if line is not None:
                found[person_id][step.slug] = Earlier(line.at, score_entry=line)
        elif step.kind is StepKind.SIGN_OFF and (done := signed.get((person_id, step.slug))):
            found[person_id][step.slug] = Earlier(done.completed_at, completion=done)
    return dict(found)


def _acknowledged_before(
    person_ids: Collection[int], slugs: Collection[str], before: datetime
) -> dict[tuple[int, str], list[Acknowledgement]]:
    """Return the acknowledgements of each person of each document, by the slug of its base, the last one last."""
    found: dict[tuple[int, str], list[Acknowledgement]] = defaultdict(list)
    if not slugs:
        return found
    for row in session.scalars(
        select(Acknowledgement)
        .join(DocumentVersion, DocumentVersion.id == Acknowledgement.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Acknowledgement.person_id.in_(person_ids),
            or_(Document.slug.in_(slugs), *(Document.slug.like(f"{slug}@%") for slug in slugs)),
            Acknowledgement.at <= before,
        )
        .options(joinedload(Acknowledgement.version).joinedload(DocumentVersion.document))
        .order_by(Acknowledgement.at, Acknowledgement.id)
    ):
        found[row.person_id, base_slug(row.version.document.slug)].append(row)
    return found


def _quizzes_passed_before(
    person_ids: Collection[int], slugs: Collection[str], before: datetime
) -> dict[tuple[int, str], QuizVersion]:
    """Return the newest version of each of these quizzes that a person ever passed before an instant, by its slug."""
    if not slugs:
        return {}
    passed = session.execute(
        select(ScoreEntry.person_id, Quiz.slug)
        .join(Quiz, Quiz.id == ScoreEntry.quiz_id)
        .where(
            ScoreEntry.person_id.in_(person_ids),
            ScoreEntry.passed.is_(True),
            ScoreEntry.at < before,
            Quiz.slug.in_(slugs),
        )
        .distinct()
    ).all()
    newest = {each.quiz.slug: each for each in quizzes.list_quizzes_of({row.slug for row in passed})} if passed else {}
    return {(row.person_id, row.slug): newest[row.slug] for row in passed if row.slug in newest}


class _PassingLines:
    """What counts of what these people passed before an instant; read once for each age that is asked for."""

    def __init__(self, passed: Mapping[tuple[int, str], QuizVersion], before: datetime) -> None:
        self._passed, self._before = passed, before
        self._read: dict[datetime, Mapping[tuple[int, int], Result[ScoreEntry]]] = {}

    def of(self, person_id: int, quiz: str, recognise_days: int | None) -> ScoreEntry | None:
        """Return the line that counts of what is recent enough, else of whatever there is, if it passes."""
        recent = [] if recognise_days is None else [self._before - timedelta(days=recognise_days)]
        for since in (*recent, LONG_AGO):
            if since not in self._read:
                people = dict.fromkeys((each for each, _quiz in self._passed), since)
                self._read[since] = gradebook.results_since(people, list(set(self._passed.values())))
            result = self._read[since].get((person_id, self._passed[person_id, quiz].quiz_id))
            line = result.line if result is not None else None
            if line is not None and line.passed and line.at < self._before:
                return line
        return None


def _signed_before(
    person_ids: Collection[int], plan_id: int, before: datetime
) -> dict[tuple[int, str], StepCompletion]:
    """Return each person's last sign-offs in earlier enrollments in a plan, by the step's slug."""
    rows = session.execute(
        select(Enrollment.person_id, PlanStep.slug, StepCompletion)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .where(
            Enrollment.person_id.in_(person_ids),
            Enrollment.plan_id == plan_id,
            PlanStep.kind == StepKind.SIGN_OFF,
            StepCompletion.completed_at < before,
            # What only counts there is looked for where it was done.
            StepCompletion.recognised_id.is_(None),
        )
        .order_by(StepCompletion.completed_at, StepCompletion.id)
    )
    return {(row[0], row[1]): row[2] for row in rows}


@dataclass(frozen=True, slots=True)
class Completed:
    """What is told of a completed step."""

    step_id: int
    completed_at: datetime
    recorded_at: datetime
    # When it was due at that moment; None where that was not known.
    due_on: date | None
    document_version: str | None
    score: Fraction | None
    # What two people decided by hand completed it.
    score_entry_id: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One enrollment today: when each step is due, how it stands, and how far the learner is."""

    enrollment: Enrollment
    today: date
    basis: Basis
    dues: Schedule
    statuses: Mapping[str, StepStatus]
    completions: Mapping[str, Completed]
    sign_offs: Mapping[str, Sequence[SignOff]]
    progress: Progress
    # Which working day of the plan it is; 0 before the start.
    day: int
    # The number of the last working day on which a step is due.
    length: int
    # The person's working days, less those of her pauses.
    calendar: WorkingCalendar
    # By the step's slug: what was handed in, at which sessions she is or was expected, how she stands before a gate.
    handed_in: Mapping[str, Sequence[HandedIn]] = field(default_factory=dict)
    seats: Mapping[str, Sequence[Seat]] = field(default_factory=dict)
    gates: Mapping[str, GateFigures] = field(default_factory=dict)

    @property
    def starts_on(self) -> date:
        """The first day of the plan, as it was set last."""
        return self.basis.starts_on

    @property
    def pause(self) -> Pause | None:
        """The pause in which today lies."""
        return self.basis.pause_on(self.today)

    @property
    def steps(self) -> Sequence[PlanStep]:
        """The plan's steps in their order."""
        return self.enrollment.version.steps

    def due_on(self, slug: str) -> date:
        """Return when the step is due; of one from which the learner is exempt, when it would be."""
        return self.dues[slug].on

    @property
    def settled(self) -> frozenset[str]:
        """The steps of which nothing is asked any more: done, or exempt from."""
        return frozenset(self.completions) | self.basis.exempt

    def exemption(self, slug: str) -> Exemption | None:
        """Return why the learner need not do a step that she has not done, or None."""
        return dict(self.basis.exemptions).get(slug) if slug not in self.completions else None

    def feasibility(self) -> list[Feasibility]:
        """Return whether what is left can be done in time; see `rules.feasibility`. Raises `HolidayYearUnknown`."""
        with unknown_years_refused():
            return rules.feasibility(
                [step.shape for step in self.steps],
                self.dues,
                self.settled,
                basis=self.basis,
                calendar=self.calendar,
                today=self.today,
            )

    def waiting_since(self, step: PlanStep) -> datetime:
        """Return since when the step could be signed off: its last prerequisite, or when it was asked for again."""
        moments = [self.enrollment.enrolled_at]
        before = rules.all_before(step.shape, {each.slug: each.shape for each in self.steps})
        moments += [self.completions[slug].recorded_at for slug in before if slug in self.completions]
        moments += [said.at for said in self.sign_offs.get(step.slug, ()) if said.act is SignOffAct.ASKED_AGAIN]
        moments += [each.at for each in self.handed_in.get(step.slug, ())]
        # A session that is over waits for its attendance, one that was missed for another session.
        moments += [each.recorded_at or each.ends_at for each in self.seats.get(step.slug, ()) if not each.is_cancelled]
        return max(moments)

    def seat(self, slug: str) -> Seat | None:
        """Return the session at which she is expected, or was and nobody has said yet whether she came."""
        return next((each for each in self.seats.get(slug, ()) if each.is_open), None)

    def day_for(self, slug: str) -> date:
        """Return by which day a step is done: that of its session where one is planned, else the day it is due."""
        seat = self.seat(slug) if slug not in self.settled else None
        return seat.on if seat is not None else self.due_on(slug)


def standings(enrollments: Sequence[Enrollment]) -> list[Standing]:
    """Return how these enrollments stand today in their markets, in a fixed number of statements.

    Of those that were ended before they were completed nothing is late, and nothing is expected by now.
    Raises `HolidayYearUnknown` where a date lies in a year without a holiday table.
    """
    if not enrollments:
        return []
    ids = [enrollment.id for enrollment in enrollments]
    read = calendars.read_calendars(
        [enrollment.market for enrollment in enrollments], [enrollment.person_id for enrollment in enrollments]
    )
    completions = completions_of(ids)
    sign_offs = _sign_offs_of(ids)
    bases = bases_of({enrollment.id: enrollment.starts_on for enrollment in enrollments})
    doings = doings_of(
        [Follower(each.id, each.person_id, each.enrolled_at, each.version.steps) for each in enrollments]
    )
    found = []
    for enrollment in enrollments:
        steps = enrollment.version.steps
        shapes = [step.shape for step in steps]
        slug_of = {step.id: step.slug for step in steps}
        today = clock.today(enrollment.market.time_zone)
        # Of a plan that was ended nothing is asked any more: no date of it passes.
        asked_by = today if enrollment.ended_at is None else date.min
        basis = bases[enrollment.id]
        calendar = basis.calendar(read.of(enrollment.market_id, enrollment.person_id), today)
        done = {slug_of[row.step_id]: row for row in completions[enrollment.id]}
        said: dict[str, list[SignOff]] = defaultdict(list)
        for row in sign_offs[enrollment.id]:
            said[slug_of[row.step_id]].append(row)
        with unknown_years_refused():
            dues = rules.schedule(shapes, basis, calendar)
            last = max((due.on for due in dues.values()), default=basis.starts_on)
            day = working_day_number(basis.starts_on, today, calendar) if enrollment.is_open else 0
            # Day 1 is there even where all is due before it.
            length = max(1, working_day_number(basis.starts_on, last, calendar))
        found.append(
            Standing(
                enrollment=enrollment,
                today=today,
                basis=basis,
                dues=dues,
                statuses=rules.statuses(
                    shapes,
                    dues,
                    done,
                    asked_by,
                    sent_back(said) | doings.turns(enrollment.id, steps),
                    exempt=basis.exempt,
                ),
                completions=done,
                sign_offs=said,
                progress=rules.progress(shapes, dues, done, asked_by, basis.exempt),
                day=day,
                length=length,
                calendar=calendar,
                handed_in={
                    step.slug: doings.handed_in[enrollment.id, step.id]
                    for step in steps
                    if (enrollment.id, step.id) in doings.handed_in
                },
                seats={
                    step.slug: doings.seats[enrollment.id, step.slug]
                    for step in steps
                    if (enrollment.id, step.slug) in doings.seats
                },
                gates={
                    step.slug: doings.gates[enrollment.id, step.id]
                    for step in steps
                    if (enrollment.id, step.id) in doings.gates
                },
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed what an enrollment asks for when: which row it is, who did it when, and why."""

    row: StepExtension | StepExemption | PlanExtension | NewStart | EventDate | EnrollmentPause
    at: datetime
    by: Person
    reason: str


def list_changes(enrollment: Enrollment) -> list[Change]:
    """Return everything that moved the dates of an enrollment besides leave, and exemptions, the latest first."""
    of_cohort = (
        and_(EventDate.cohort_id == enrollment.cohort_id, EventDate.plan_id == enrollment.plan_id)
        if enrollment.cohort_id is not None
        else false()
    )
    rows: list[StepExtension | StepExemption | PlanExtension | NewStart | EventDate | EnrollmentPause] = [
        *session.scalars(select(StepExtension).where(StepExtension.enrollment_id == enrollment.id)),
        *session.scalars(
            select(StepExemption).where(StepExemption.enrollment_id == enrollment.id).order_by(StepExemption.id)
        ),
        *session.scalars(select(PlanExtension).where(PlanExtension.enrollment_id == enrollment.id)),
        *session.scalars(select(NewStart).where(NewStart.enrollment_id == enrollment.id)),
        *session.scalars(select(EnrollmentPause).where(EnrollmentPause.enrollment_id == enrollment.id)),
        *session.scalars(
            select(EventDate).where(
                or_(EventDate.enrollment_id == enrollment.id, of_cohort), EventDate.reason.is_not(None)
            )
        ),
    ]
    changes = [Change(row, row.at, row.by, row.reason or "") for row in rows]
    return sorted(changes, key=lambda each: each.at, reverse=True)


def list_exemptions(enrollment: Enrollment, step: PlanStep) -> list[StepExemption]:
    """Return what was said about an exemption of the learner from a step, in order; the last one counts."""
    return list(
        session.scalars(
            select(StepExemption)
            .where(StepExemption.enrollment_id == enrollment.id, StepExemption.step_id == step.id)
            .order_by(StepExemption.number)
        )
    )


def list_held_exemptions(enrollment: Enrollment) -> list[tuple[StepExemption, PlanStep]]:
    """Return the exemptions that hold from steps that were not done, with their steps in the plan's order."""
    rows = session.execute(
        select(StepExemption, PlanStep)
        .join(PlanStep, PlanStep.id == StepExemption.step_id)
        .join(Enrollment, Enrollment.id == StepExemption.enrollment_id)
        .where(Enrollment.id == enrollment.id, StepExemption.id.in_(exempt_now()), ~is_completed)
        .order_by(PlanStep.position)
    )
    return [(row[0], row[1]) for row in rows]


# What a plan's credential says was passed, and was not: a quiz from which one person alone has exempted the learner.
lacks_a_result = (
    select(PlanStep.id)
    .where(
        PlanStep.version_id == Enrollment.plan_version_id,
        PlanStep.kind == StepKind.QUIZ,
        PlanStep.required.is_(True),
        ~is_completed,
        is_exempt,
    )
    .correlate(Enrollment)
    .exists()
)


def has_result_missing(enrollment: Enrollment) -> bool:
    """Say whether the learner is exempt from a required quiz without two people having decided so.

    Then what she completes earns no credential.
    """
    return session.scalar(select(lacks_a_result).select_from(Enrollment).where(Enrollment.id == enrollment.id)) or False


def get_open_pause(enrollment: Enrollment) -> EnrollmentPause:
    """Return the pause that is not over. Raises `NotPaused`."""
    found = session.scalar(
        select(EnrollmentPause).where(
            EnrollmentPause.enrollment_id == enrollment.id, EnrollmentPause.resumes_on.is_(None)
        )
    )
    if found is None:
        raise NotPaused()
    return found


def standing_of(enrollment: Enrollment) -> Standing:
    """Return how one enrollment stands today; see `standings`."""
    return standings([enrollment])[0]


def state_of(enrollment: Enrollment, step: PlanStep) -> StepState:
    """Return how one step stands, whatever its date."""
    said = {step.slug: list_sign_offs(enrollment, step)}
    way = way_of(enrollment)
    doings = doings_of([Follower(enrollment.id, enrollment.person_id, enrollment.enrolled_at, [step])])
    theirs = sent_back(said) | doings.turns(enrollment.id, [step])
    return rules.state_of(step.shape, way.steps, way.done, theirs, way.exempt)[0]


@dataclass(frozen=True, slots=True)
class Way:
    """An enrollment's plan as far as order is concerned: its steps and their documents by slug, and what is done.

    `exempt` are the steps that the learner need not do.
    """

    steps: Mapping[str, StepShape]
    documents: Mapping[str, str | None]
    done: frozenset[str]
    exempt: frozenset[str] = frozenset()

    @property
    def settled(self) -> frozenset[str]:
        """The steps of which nothing is asked any more."""
        return self.done | self.exempt


# A plan version never changes, so what its steps are to one another is kept under its digest.
_KEPT_PLANS = 200


_plans: dict[str, tuple[dict[str, StepShape], dict[str, str | None]]] = {}


_DONE = union_all(
    select(PlanStep.slug, literal(value=False).label("is_exempt"))
    .join(StepCompletion, StepCompletion.step_id == PlanStep.id)
    .where(StepCompletion.enrollment_id == bindparam("enrollment_id")),
    select(PlanStep.slug, literal(value=True))
    .join(StepExemption, StepExemption.step_id == PlanStep.id)
    .where(StepExemption.id.in_(exempt_now(StepExemption.enrollment_id == bindparam("enrollment_id")))),
)


def way_of(enrollment: Enrollment) -> Way:
    """Return the steps of an enrollment's plan, which of them are done, and from which the learner is exempt."""
    digest = enrollment.version.digest
    kept = _plans.get(digest)
    if kept is None:
        steps = enrollment.version.steps
        kept = {each.slug: each.shape for each in steps}, {each.slug: each.document_slug for each in steps}
        if len(_plans) >= _KEPT_PLANS:
            _plans.clear()
        _plans[digest] = kept
    rows = session.execute(_DONE, {"enrollment_id": enrollment.id}).all()
    return Way(
        *kept,
        frozenset(row.slug for row in rows if not row.is_exempt),
        frozenset(row.slug for row in rows if row.is_exempt),
    )


def steps_named(enrollment: Enrollment, slugs: Iterable[str]) -> list[PlanStep]:
    """Return the steps of an enrollment's plan that have these slugs, in their order."""
    wanted = set(slugs)
    return [step for step in enrollment.version.steps if step.slug in wanted]


def sent_back(said: Mapping[str, Sequence[SignOff]]) -> set[str]:
    """Return the steps whose last word is that something is still missing."""
    return {slug for slug, rows in said.items() if rows and rows[-1].act is SignOffAct.SENT_BACK}


class _Of(StrEnum):
    """What a row of `_BASES` is about."""

    STEP = "step"
    PLAN = "plan"
    START = "start"
    PAUSE = "pause"
    EXEMPTION = "exemption"
    # In this order: an enrollment's own day comes after that of its cohort, and counts.
    EVENT_OF_COHORT = "cohort_event"
    EVENT = "event"


# What a kind of row does not have, as a value of its type: databases want the types of all parts to agree.
_NO_TEXT, _NO_NUMBER, _NO_DAY = cast(null(), String), cast(null(), Integer), cast(null(), Date)


def _basis(
    of: _Of,
    table: Any,
    *,
    slug: Any = _NO_TEXT,
    number: Any = _NO_NUMBER,
    first_on: Any = _NO_DAY,
    until: Any = _NO_DAY,
) -> Select[Any]:
    return select(
        literal(of.value).label("of"),
        table.enrollment_id.label("enrollment_id"),
        table.id.label("id"),
        slug.label("slug"),
        number.label("working_days"),
        first_on.label("first_on"),
        until.label("until"),
        table.reason.label("reason"),
        table.by_id.label("by_id"),
        table.at.label("at"),
    ).where(table.enrollment_id.in_(bindparam("ids", expanding=True)))


# One statement for all that can move somebody's dates: mostly there is none of it.
_bases = union_all(
    _basis(_Of.STEP, StepExtension, slug=PlanStep.slug, number=StepExtension.working_days).join(
        PlanStep, PlanStep.id == StepExtension.step_id
    ),
    _basis(_Of.PLAN, PlanExtension, number=PlanExtension.working_days),
    _basis(_Of.START, NewStart, first_on=NewStart.starts_on),
    _basis(_Of.PAUSE, EnrollmentPause, first_on=EnrollmentPause.first_on, until=EnrollmentPause.resumes_on),
    _basis(_Of.EXEMPTION, StepExemption, slug=PlanStep.slug)
    .join(PlanStep, PlanStep.id == StepExemption.step_id)
    .where(StepExemption.id.in_(exempt_now(StepExemption.enrollment_id.in_(bindparam("ids", expanding=True))))),
    _basis(_Of.EVENT, EventDate, slug=EventDate.event_slug, first_on=EventDate.takes_place_on),
    select(
        literal(_Of.EVENT_OF_COHORT.value),
        Enrollment.id,
        EventDate.id,
        EventDate.event_slug,
        _NO_NUMBER,
        EventDate.takes_place_on,
        _NO_DAY,
        EventDate.reason,
        EventDate.by_id,
        EventDate.at,
    )
    .join(Enrollment, and_(Enrollment.cohort_id == EventDate.cohort_id, Enrollment.plan_id == EventDate.plan_id))
    .where(Enrollment.id.in_(bindparam("ids", expanding=True))),
).subquery()


_BASES = select(_bases).order_by(_bases.c.of, _bases.c.id)


# Columns instead of objects: a lead's queue reads thousands of them.
_COMPLETIONS = select(
    StepCompletion.enrollment_id,
    StepCompletion.step_id,
    StepCompletion.completed_at,
    StepCompletion.recorded_at,
    StepCompletion.due_on,
    StepCompletion.document_version,
    StepCompletion.score,
    StepCompletion.score_entry_id,
).where(StepCompletion.enrollment_id.in_(bindparam("ids", expanding=True)))


_SIGN_OFFS = (
    select(SignOff)
    .where(SignOff.enrollment_id.in_(bindparam("ids", expanding=True)))
    .order_by(SignOff.id)
    .options(selectinload(SignOff.by))
)


def bases_of(starts: Mapping[int, date], *, named: bool = True) -> dict[int, Basis]:
    """Return what the dates of each enrollment rest on, from the first day with which each was made.

    Without `named` nobody is told who gave more time or set a day; one statement less, for whom only dates count.
    """
    rows = session.execute(_BASES, {"ids": list(starts)}).all()
    names: dict[int, Words] = {}
    if named and rows:
        people = session.scalars(select(Person).where(Person.id.in_({row.by_id for row in rows})))
        names = {person.id: person.names for person in people}
    first_on = dict(starts)
    extensions: dict[int, list[tuple[str | None, Extension]]] = defaultdict(list)
    pauses: dict[int, list[Pause]] = defaultdict(list)
    events: dict[int, dict[str, EventDay]] = defaultdict(dict)
    exemptions: dict[int, list[tuple[str, Exemption]]] = defaultdict(list)
    for row in rows:
        if row.of == _Of.START:
            first_on[row.enrollment_id] = row.first_on
        elif row.of == _Of.PAUSE:
            pauses[row.enrollment_id].append(Pause(row.first_on, row.until))
        elif row.of == _Of.EXEMPTION:
            exemptions[row.enrollment_id].append((row.slug, Exemption(names.get(row.by_id), row.at, row.reason)))
        elif row.of in (_Of.EVENT, _Of.EVENT_OF_COHORT):
            day = EventDay(row.first_on, names.get(row.by_id), row.reason or "", is_of_cohort=row.of != _Of.EVENT)
            events[row.enrollment_id][row.slug] = day
        else:
            given = Extension(row.working_days, row.reason, names.get(row.by_id), is_of_plan=row.of == _Of.PLAN)
            extensions[row.enrollment_id].append((row.slug, given))
    return {
        id_: Basis(day, tuple(extensions[id_]), tuple(pauses[id_]), tuple(events[id_].items()), tuple(exemptions[id_]))
        for id_, day in first_on.items()
    }


def completions_of(enrollment_ids: Sequence[int]) -> Mapping[int, list[Completed]]:
    found: dict[int, list[Completed]] = defaultdict(list)
    for row in session.execute(_COMPLETIONS, {"ids": list(enrollment_ids)}):
        found[row[0]].append(Completed(*row[1:]))
    return found


def exempt_of(enrollment_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Return (enrollment, step) of every exemption that holds."""
    held = exempt_now(StepExemption.enrollment_id.in_(enrollment_ids)).with_only_columns(
        StepExemption.enrollment_id, StepExemption.step_id
    )
    return {(row[0], row[1]) for row in session.execute(held)}


def _sign_offs_of(enrollment_ids: Sequence[int]) -> Mapping[int, list[SignOff]]:
    found: dict[int, list[SignOff]] = defaultdict(list)
    for row in session.scalars(_SIGN_OFFS, {"ids": list(enrollment_ids)}):
        found[row.enrollment_id].append(row)
    return found


def list_untold(enrollment_ids: Collection[int]) -> set[tuple[int, int]]:
    """Return (enrollment, step) of what was completed with a score that the quiz does not show the learner."""
    attempts = select(StepCompletion.enrollment_id, StepCompletion.step_id, Attempt).join(
        Attempt, Attempt.code == StepCompletion.attempt_code
    )
    untold = {
        (enrollment_id, step_id)
        for enrollment_id, step_id, attempt in session.execute(
            attempts.where(StepCompletion.enrollment_id.in_(enrollment_ids))
        )
        if not attempt.quiz_version.shows_score
    }
    by_hand = session.execute(
        select(StepCompletion.enrollment_id, StepCompletion.step_id, StepCompletion.score_entry_id).where(
            StepCompletion.enrollment_id.in_(enrollment_ids), StepCompletion.score_entry_id.is_not(None)
        )
    ).all()
    lines = gradebook.list_untold([entry_id for _enrollment, _step, entry_id in by_hand if entry_id is not None])
    return untold | {(row[0], row[1]) for row in by_hand if row[2] in lines}


def list_enrollments_before_gates(person_id: int, quiz_slug: str) -> list[Enrollment]:
    """Return the person's open enrollments with a gate that rests on the quiz and is not done."""
    rows = session.scalars(
        select(Enrollment)
        .where(
            Enrollment.person_id == person_id,
            Enrollment.completed_at.is_(None),
            Enrollment.ended_at.is_(None),
            exists().where(
                PlanStep.version_id == Enrollment.plan_version_id, PlanStep.kind == StepKind.GATE, ~is_settled
            ),
        )
        .options(*WITH_STEPS)
        .order_by(Enrollment.id)
    )
    return [
        each
        for each in rows
        if any(quiz_slug in step.gate.quizzes for step in each.version.steps if step.gate is not None)
    ]
