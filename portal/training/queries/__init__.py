"""Reading enrollments and how people stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased, contains_eager, joinedload, lazyload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement, ExposureDecline, MaterialAside
from portal.acknowledgements.queries.exposure import is_address_of_statement, is_aside_now
from portal.acknowledgements.rules import SET_ASIDE_FROM
from portal.calendars import queries as calendars
from portal.calendars.errors import HolidayYearUnknown, unknown_years_refused
from portal.calendars.rules import WorkingCalendar, YearNotInTable, working_day_number
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
from portal.organisation import queries as organisation
from portal.organisation.models import Market
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, Quiz, QuizVersion
from portal.training import rules
from portal.training.errors import NoSuchEnrollment, NoSuchEvent, NoSuchExtension, NoSuchStep, NotPaused
from portal.training.models import (
    Enrollment,
    EnrollmentPause,
    EventDate,
    ExtensionTakenBack,
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
from portal.training.permissions import EventOfCohort, EventOfEnrollment, ExtensionOfEnrollment, StepOfEnrollment
from portal.training.queries.catalogue import LONG_AGO, covering_versions
from portal.training.queries.step_results import Follower, HandedIn, Seat, doings_of, session_days
from portal.training.rules import (
    Aside,
    Basis,
    Doer,
    EventDay,
    Exemption,
    ExemptionAct,
    Extension,
    Feasibility,
    GateFigures,
    Pause,
    Presence,
    Progress,
    Schedule,
    SignOffAct,
    StepKind,
    StepShape,
    StepState,
    StepStatus,
    TakenBack,
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


def list_open_in(plan_id: int, person_ids: Collection[int]) -> list[Enrollment]:
    """Return the enrollments in which these people follow the plan now."""
    return list(
        session.scalars(
            select(Enrollment)
            .where(
                Enrollment.person_id.in_(person_ids),
                Enrollment.plan_id == plan_id,
                Enrollment.completed_at.is_(None),
                Enrollment.ended_at.is_(None),
            )
            .order_by(Enrollment.id)
        )
    )


def list_running_of(person_ids: Collection[int] | None, *, market_id: int | None = None) -> list[Enrollment]:
    """Return the open enrollments of these people (None: of everybody) with the steps of their plans, by name.

    With `market_id` only those in that market's calendar.
    """
    return list(
        session.scalars(
            select(Enrollment)
            .join(Person, Person.id == Enrollment.person_id)
            .where(
                Enrollment.person_id.in_(person_ids) if person_ids is not None else true(),
                Enrollment.market_id == market_id if market_id is not None else true(),
                Enrollment.completed_at.is_(None),
                Enrollment.ended_at.is_(None),
            )
            .options(*WITH_STEPS)
            .order_by(Person.sort_key, Person.id, Enrollment.id)
        )
    )


def lock_running_of(person_ids: Collection[int]) -> None:
    """Let what moves the dates of these people's open plans come one after the other; in the order of their names.

    The enrollments are as they are then.
    """
    session.scalars(
        select(Enrollment)
        .join(Person, Person.id == Enrollment.person_id)
        .where(Enrollment.person_id.in_(person_ids), Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None))
        .order_by(Person.sort_key, Person.id, Enrollment.id)
        .with_for_update(of=Enrollment)
        .execution_options(populate_existing=True)
    ).all()


def list_running_in(market_ids: Collection[int]) -> list[Enrollment]:
    """Return the open enrollments of these markets with the steps of their plans, by name."""
    return list(
        session.scalars(
            select(Enrollment)
            .join(Person, Person.id == Enrollment.person_id)
            .where(
                Enrollment.market_id.in_(market_ids), Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None)
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


def list_ended_of(person_id: int) -> list[tuple[Enrollment, Enrollment | None]]:
    """Return the person's trainings that have ended, the latest first, each with the other plan in which it goes on.

    One that goes on in another version of its plan has not ended.
    """
    replaced, other = aliased(Enrollment), aliased(Enrollment)
    own = lazyload(Enrollment.person), lazyload(Enrollment.market), lazyload(Enrollment.cohort)
    rows = session.execute(
        select(Enrollment, other)
        .outerjoin(replaced, replaced.replaces_id == Enrollment.id)
        .outerjoin(other, other.moved_from_id == Enrollment.id)
        .where(Enrollment.person_id == person_id, Enrollment.ended_at.is_not(None), replaced.id.is_(None))
        .options(
            *own,
            joinedload(Enrollment.version, innerjoin=True).lazyload(PlanVersion.plan),
            lazyload(other.person),
            lazyload(other.market),
            lazyload(other.cohort),
            joinedload(other.version).lazyload(PlanVersion.plan),
        )
        .order_by(Enrollment.ended_at.desc(), Enrollment.id.desc())
    ).unique()
    return [(row[0], row[1]) for row in rows]


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


def list_quiz_steps(person_id: int, slugs: Collection[str]) -> list[tuple[Enrollment, PlanStep]]:
    """Return the steps about these quizzes in the person's enrollments that were not ended, completed ones too."""
    rows = session.execute(
        select(Enrollment, PlanStep)
        .join(PlanStep, PlanStep.version_id == Enrollment.plan_version_id)
        .where(Enrollment.person_id == person_id, Enrollment.ended_at.is_(None), PlanStep.quiz_slug.in_(slugs))
        .order_by(Enrollment.id, PlanStep.position)
        .options(joinedload(Enrollment.version, innerjoin=True).lazyload(PlanVersion.plan))
    )
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


def find_moved_to(enrollment: Enrollment) -> Enrollment | None:
    """Return the training in another plan in which the learner went on after this one, or None."""
    return session.scalar(select(Enrollment).where(Enrollment.moved_from_id == enrollment.id).options(*WITH_STEPS))


def find_moved_from(enrollment: Enrollment) -> Enrollment | None:
    """Return the training in another plan after which the learner went on in this one, or None."""
    if enrollment.moved_from_id is None:
        return None
    return session.scalar(select(Enrollment).where(Enrollment.id == enrollment.moved_from_id).options(*WITH_STEPS))


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


def find_last_enrolled_at(person_id: int) -> datetime | None:
    """Return when the person was last enrolled in a plan that goes on, or None."""
    return session.scalar(
        select(func.max(Enrollment.enrolled_at)).where(
            Enrollment.person_id == person_id, Enrollment.completed_at.is_(None), Enrollment.ended_at.is_(None)
        )
    )


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
                booked=self.booked,
            )

    def disorder(self, besides: Mapping[str, date] | None = None) -> list[tuple[PlanStep, PlanStep]]:
        """Return each step whose day is before that of one that comes first, with that one.

        As it would be where sessions were booked `besides` for these steps, instead of those that are.
        """
        by_slug = {step.slug: step for step in self.steps}
        shapes = [step.shape for step in self.steps]
        return [
            (by_slug[slug], by_slug[first])
            for slug, first in rules.out_of_order(
                shapes, self.dues, self.settled, booked={**self.booked, **(besides or {})}
            )
        ]

    def waiting_since(self, step: PlanStep) -> datetime:
        """Return since when the step waits: from its last prerequisite on, or from when it was asked for again.

        What is no matter of the time before the plan waits from the first day on.
        """
        moments = [self.enrollment.enrolled_at]
        before = rules.all_before(step.shape, {each.slug: each.shape for each in self.steps})
        moments += [self.completions[slug].recorded_at for slug in before if slug in self.completions]
        moments += [said.at for said in self.sign_offs.get(step.slug, ()) if said.act is SignOffAct.ASKED_AGAIN]
        moments += [each.at for each in self.handed_in.get(step.slug, ())]
        # A session that is over waits for its attendance, one that was missed for another session.
        moments += [each.recorded_at or each.ends_at for each in self.seats.get(step.slug, ()) if not each.is_cancelled]
        if not rules.is_before_plan(step.kind, self.due_on(step.slug), self.starts_on):
            moments.append(clock.day_begins(self.starts_on, self.enrollment.market.time_zone))
        return max(moments)

    def has_done_before(self, step: PlanStep) -> bool:
        """Say whether something comes before the step, and the learner has done all of it."""
        before = rules.all_before(step.shape, {each.slug: each.shape for each in self.steps})
        return bool(before) and all(slug in self.completions for slug in before)

    def waits_from_first_day(self, step: PlanStep) -> bool:
        """Say whether nothing but the plan's first day has let the step wait: of that no mail tells."""
        return self.waiting_since(step) == clock.day_begins(self.starts_on, self.enrollment.market.time_zone)

    def is_waiting(self, step: PlanStep) -> bool:
        """Say whether the step waits for somebody else's word by now; before the first day most do not."""
        return self.statuses[step.slug].state is StepState.WAITING and rules.is_awaited(
            step.kind, self.due_on(step.slug), self.starts_on, self.today
        )

    def seat(self, slug: str) -> Seat | None:
        """Return the session at which she is expected, or was and nobody has said yet whether she came."""
        return next((each for each in self.seats.get(slug, ()) if each.is_open), None)

    def held(self, slug: str) -> Seat | None:
        """Return the session at which she was, if she was at one of the step."""
        seats = self.seats.get(slug, ())
        return next((each for each in reversed(seats) if each.presence is Presence.PRESENT), None)

    def asked_by(self, slug: str) -> date:
        """Return after which day a step is overdue, or would have been: see `rules.asked_by`."""
        seat = self.held(slug) or self.seat(slug)
        return rules.asked_by(self.due_on(slug), seat.on if seat is not None else None)

    @property
    def booked(self) -> Mapping[str, date]:
        """The days of the sessions at which she is expected, by the slugs of the steps; see `rules.days_of`."""
        open_ = {slug: self.seat(slug) for slug in self.seats if slug not in self.settled}
        return {slug: seat.on for slug, seat in open_.items() if seat is not None}

    def day_for(self, slug: str) -> date:
        """Return by which day a step is done: that of its session where one is planned, else the day it is due."""
        seat = self.seat(slug) if slug not in self.settled else None
        return seat.on if seat is not None else self.due_on(slug)


@dataclass(frozen=True, slots=True)
class Uncountable:
    """An enrollment whose dates cannot be computed: one lies in a year that its holiday table does not know."""

    enrollment: Enrollment
    country: str
    year: int


def standings(enrollments: Sequence[Enrollment], *, own: bool = False) -> list[Standing]:
    """Return how these enrollments stand today in their markets, in a fixed number of statements.

    They stand as everybody but the learner is shown them (`Aside.as_others_see`), `own` as she is herself. Of those
    that were ended before they were completed nothing is late, and nothing is expected by now.
    Raises `HolidayYearUnknown` where a date lies in a year without a holiday table; what is about many people asks
    `countable`, so that nobody's dates keep the others' back.
    """
    found, unknown = countable(enrollments, own=own)
    for each in unknown:
        raise HolidayYearUnknown(country=each.country, year=each.year)
    return found


def countable(enrollments: Sequence[Enrollment], *, own: bool = False) -> tuple[list[Standing], list[Uncountable]]:
    """Return how these enrollments stand, as `standings` does, and besides those whose dates cannot be computed."""
    if not enrollments:
        return [], []
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
    days_of_sessions = session_days(doings.seats)
    found: list[Standing] = []
    unknown: list[Uncountable] = []
    for enrollment in enrollments:
        steps = enrollment.version.steps
        shapes = [step.shape for step in steps]
        slug_of = {step.id: step.slug for step in steps}
        today = clock.today(enrollment.market.time_zone)
        # Of a plan that was ended nothing is asked any more: no date of it passes.
        asked_by = today if enrollment.ended_at is None else date.min
        true = bases[enrollment.id]
        basis = true if own else true.as_others_see()
        calendar = basis.calendar(read.of(enrollment.market_id, enrollment.person_id), today)
        done = {slug_of[row.step_id]: row for row in completions[enrollment.id]}
        booked = days_of_sessions.get(enrollment.id, {})
        said: dict[str, list[SignOff]] = defaultdict(list)
        for row in sign_offs[enrollment.id]:
            said[slug_of[row.step_id]].append(row)
        try:
            dues = rules.schedule(shapes, basis, calendar)
            last = max((due.on for due in dues.values()), default=basis.starts_on)
            day = working_day_number(basis.starts_on, today, calendar) if enrollment.is_open else 0
            # Day 1 is there even where all is due before it.
            length = max(1, working_day_number(basis.starts_on, last, calendar))
        except YearNotInTable as missing:
            unknown.append(Uncountable(enrollment, missing.country, missing.year))
            continue
        turns = sent_back(said) | doings.turns(enrollment.id, steps)

        def statuses_by(
            basis: Basis,
            *,
            shapes: Sequence[StepShape] = shapes,
            dues: Schedule = dues,
            done: Collection[str] = done,
            asked_by: date = asked_by,
            turns: Collection[str] = turns,
            booked: Mapping[str, date] = booked,
        ) -> Mapping[str, StepStatus]:
            return rules.statuses(
                shapes, dues, done, asked_by, turns, exempt=basis.exempt, aside=basis.aside, booked=booked
            )

        statuses = statuses_by(basis)
        if basis is not true:
            tasks = [step.slug for step in steps if step.kind is StepKind.TASK]
            statuses = rules.with_handed_in(statuses, statuses_by(true), tasks)
        found.append(
            Standing(
                enrollment=enrollment,
                today=today,
                basis=basis,
                dues=dues,
                statuses=statuses,
                completions=done,
                sign_offs=said,
                progress=rules.progress(shapes, dues, done, asked_by, basis.exempt, aside=basis.aside, booked=booked),
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
    return found, unknown


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed what an enrollment asks for when: which row it is, who did it when, and why."""

    row: StepExtension | StepExemption | PlanExtension | ExtensionTakenBack | NewStart | EventDate | EnrollmentPause
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
    rows: list[
        StepExtension | StepExemption | PlanExtension | ExtensionTakenBack | NewStart | EventDate | EnrollmentPause
    ] = [
        *session.scalars(select(StepExtension).where(StepExtension.enrollment_id == enrollment.id)),
        *session.scalars(
            select(StepExemption).where(StepExemption.enrollment_id == enrollment.id).order_by(StepExemption.id)
        ),
        *session.scalars(select(PlanExtension).where(PlanExtension.enrollment_id == enrollment.id)),
        *session.scalars(select(ExtensionTakenBack).where(ExtensionTakenBack.enrollment_id == enrollment.id)),
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


def list_extensions(enrollment: Enrollment, step: PlanStep | None) -> list[StepExtension] | list[PlanExtension]:
    """Return the extensions of a step, or those of the whole plan (None), in their order; those taken back too."""
    if step is None:
        return list(
            session.scalars(
                select(PlanExtension).where(PlanExtension.enrollment_id == enrollment.id).order_by(PlanExtension.id)
            )
        )
    return list(
        session.scalars(
            select(StepExtension)
            .where(StepExtension.enrollment_id == enrollment.id, StepExtension.step_id == step.id)
            .order_by(StepExtension.id)
        )
    )


def find_event_date(number: int) -> EventDate | None:
    """Return that an event is on a day, by its row."""
    return session.get(EventDate, number)


def list_taken_back(enrollment: Enrollment) -> list[ExtensionTakenBack]:
    """Return the extensions of an enrollment that were taken back, in the order in which they were."""
    return list(
        session.scalars(
            select(ExtensionTakenBack)
            .where(ExtensionTakenBack.enrollment_id == enrollment.id)
            .order_by(ExtensionTakenBack.id)
        )
    )


def find_taken_back(number: int) -> ExtensionTakenBack | None:
    """Return that an extension was taken back, by its row."""
    return session.get(ExtensionTakenBack, number)


def extension_taken_back(enrollment: Enrollment, row: ExtensionTakenBack) -> ExtensionOfEnrollment:
    """Return which extension of the enrollment was taken back."""
    given = row.step_extension or row.plan_extension
    assert given is not None
    step = next(
        (each for each in enrollment.version.steps if row.step_extension and each.id == row.step_extension.step_id),
        None,
    )
    number = [each.id for each in list_extensions(enrollment, step)].index(given.id) + 1
    return ExtensionOfEnrollment(enrollment, step, number, given)


def find_extension(
    enrollment: Enrollment, *, step_extension: int | None = None, plan_extension: int | None = None
) -> ExtensionOfEnrollment | None:
    """Return an extension of the enrollment by its row; None where it is not there, or was taken back."""
    row: StepExtension | PlanExtension | None
    if step_extension is not None:
        row = session.get(StepExtension, step_extension)
    else:
        row = session.get(PlanExtension, plan_extension)
    if row is None or row.enrollment_id != enrollment.id:
        return None
    if any(row in (each.step_extension, each.plan_extension) for each in list_taken_back(enrollment)):
        return None
    step = None
    if isinstance(row, StepExtension):
        step = next(each for each in enrollment.version.steps if each.id == row.step_id)
    number = [each.id for each in list_extensions(enrollment, step)].index(row.id) + 1
    return ExtensionOfEnrollment(enrollment, step, number, row)


def get_extension_of_plan(code: str, number: int) -> ExtensionOfEnrollment:
    """Return an extension of a learner's whole plan, the first one being 1.

    Raises `NoSuchEnrollment`, `NoSuchExtension`.
    """
    return _extension_of(get_enrollment(code), None, number)


def get_extension_of_step(code: str, slug: str, number: int) -> ExtensionOfEnrollment:
    """Return an extension of a step of a learner, the first one being 1.

    Raises `NoSuchEnrollment`, `NoSuchStep`, `NoSuchExtension`.
    """
    thing = get_step_of_enrollment(code, slug)
    return _extension_of(thing.enrollment, thing.step, number)


def _extension_of(enrollment: Enrollment, step: PlanStep | None, number: int) -> ExtensionOfEnrollment:
    rows = list_extensions(enrollment, step)
    if not 1 <= number <= len(rows):
        raise NoSuchExtension()
    return ExtensionOfEnrollment(enrollment, step, number, rows[number - 1])


def list_new_starts(enrollment: Enrollment) -> list[NewStart]:
    """Return the other first days that an enrollment was given, in order; the last one counts."""
    return list(session.scalars(select(NewStart).where(NewStart.enrollment_id == enrollment.id).order_by(NewStart.id)))


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


def find_pause(number: int) -> EnrollmentPause | None:
    """Return a pause by its row."""
    return session.get(EnrollmentPause, number)


def standing_of(enrollment: Enrollment, *, own: bool = False) -> Standing:
    """Return how one enrollment stands today; see `standings`."""
    return standings([enrollment], own=own)[0]


def state_of(enrollment: Enrollment, step: PlanStep, *, own: bool = False) -> StepState:
    """Return how one step stands, whatever its date; for whom, `standings` says."""
    way, theirs = way_of(enrollment), _turns_of(enrollment, step)
    state, _missing = rules.state_of(step.shape, way.steps, way.done, theirs, way.exempt, aside=way.aside)
    if own or way.aside is None or (step.kind is StepKind.TASK and state is StepState.WAITING):
        return state
    seen = way.aside.as_others_see()
    return rules.state_of(step.shape, way.steps, way.done, theirs, way.exempt, aside=seen)[0]


def first_day_has_come(enrollment: Enrollment) -> bool:
    """Say whether the first day of the enrollment, as it was set last, has come."""
    starts_on = bases_of({enrollment.id: enrollment.starts_on}, named=False)[enrollment.id].starts_on
    return clock.today(enrollment.market.time_zone) >= starts_on


def can_be_judged(enrollment: Enrollment, step: PlanStep) -> bool:
    """Say whether those for whom a step waits can end it: it waits, or would but for the statement on exposure.

    They are not told whether somebody has not answered that or declines it, and in neither case does it keep them.
    """
    way, statement = way_of(enrollment), organisation.exposure_statement()
    about_it = {slug for slug, document in way.documents.items() if document and base_slug(document) == statement}
    seen = way.aside.as_others_see() if way.aside is not None else None
    theirs = _turns_of(enrollment, step)
    passed = way.exempt | (about_it - {step.slug})
    return rules.state_of(step.shape, way.steps, way.done, theirs, passed, aside=seen)[0] is StepState.WAITING


def _turns_of(enrollment: Enrollment, step: PlanStep) -> set[str]:
    said = {step.slug: list_sign_offs(enrollment, step)}
    doings = doings_of([Follower(enrollment.id, enrollment.person_id, enrollment.enrolled_at, [step])])
    return sent_back(said) | doings.turns(enrollment.id, [step])


def _set_aside(columns: Callable[[ColumnElement[bool]], Sequence[Any]]) -> Select[Any]:
    """Select the steps that are not asked of who declines the statement: it, and what has such material.

    `columns` are told from whether a step asks for the statement itself.
    """
    statement = aliased(Document)
    # What was declined may be a market's text of it.
    is_statement = Document.id == func.coalesce(statement.base_id, statement.id)
    return (
        select(*columns(is_statement))
        .select_from(ExposureDecline)
        .join(Enrollment, Enrollment.person_id == ExposureDecline.person_id)
        .join(PlanStep, PlanStep.version_id == Enrollment.plan_version_id)
        .join(Document, Document.slug == PlanStep.document_slug)
        .join(DocumentVersion, DocumentVersion.id == ExposureDecline.version_id)
        .join(statement, statement.id == DocumentVersion.document_id)
        .where(
            ExposureDecline.taken_back_at.is_(None),
            or_(Document.sensitivity >= SET_ASIDE_FROM, is_statement),
        )
    )


def _material_aside(*columns: Any) -> Select[Any]:
    """Select the steps with material of the level that a wellbeing contact has set aside for somebody.

    The statement on exposure is asked whatever its level: that is looked at where there are such rows, as everybody
    would have to wait for the setting otherwise.
    """
    return (
        select(*columns)
        .select_from(MaterialAside)
        .join(Enrollment, Enrollment.person_id == MaterialAside.person_id)
        .join(PlanStep, PlanStep.version_id == Enrollment.plan_version_id)
        .join(Document, Document.slug == PlanStep.document_slug)
        .where(is_aside_now(), Document.sensitivity >= MaterialAside.level)
    )


@dataclass(frozen=True, slots=True)
class Way:
    """An enrollment's plan as far as order is concerned: its steps and their documents by slug, and what is done.

    `exempt` are the steps that the learner need not do; what is set `aside` is not asked of her for the time being.
    """

    steps: Mapping[str, StepShape]
    documents: Mapping[str, str | None]
    done: frozenset[str]
    exempt: frozenset[str] = frozenset()
    aside: Aside | None = None

    @property
    def settled(self) -> frozenset[str]:
        """The steps of which nothing is asked any more."""
        return self.done | self.exempt

    @property
    def passed(self) -> frozenset[str]:
        """The steps for which nothing waits: settled, or a statement that she declines."""
        return self.settled | (self.aside.declined if self.aside is not None else frozenset())


# A plan version never changes, so what its steps are to one another is kept under its digest.
_KEPT_PLANS = 200


_plans: dict[str, tuple[dict[str, StepShape], dict[str, str | None]]] = {}


_DONE: CompoundSelect[str, str] = union_all(
    select(literal("done").label("of"), PlanStep.slug.label("slug"))
    .join(StepCompletion, StepCompletion.step_id == PlanStep.id)
    .where(StepCompletion.enrollment_id == bindparam("enrollment_id")),
    select(literal("exempt"), PlanStep.slug)
    .join(StepExemption, StepExemption.step_id == PlanStep.id)
    .where(StepExemption.id.in_(exempt_now(StepExemption.enrollment_id == bindparam("enrollment_id")))),
    _set_aside(lambda is_statement: (case((is_statement, "declined"), else_="held"), PlanStep.slug)).where(
        Enrollment.id == bindparam("enrollment_id")
    ),
    _material_aside(literal("material"), PlanStep.slug).where(Enrollment.id == bindparam("enrollment_id")),
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
    found: dict[str, set[str]] = defaultdict(set)
    for of, slug in session.execute(_DONE, {"enrollment_id": enrollment.id}):
        found[of].add(slug)
    found["held"] |= {slug for slug in found["material"] if not is_address_of_statement(kept[1][slug] or "")}
    return Way(
        *kept,
        frozenset(found["done"]),
        frozenset(found["exempt"]),
        Aside(frozenset(found["declined"]), frozenset(found["held"])) if found["declined"] or found["held"] else None,
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
    # What of the first two lengthens no date any more.
    STEP_BACK = "step_back"
    PLAN_BACK = "plan_back"
    EXEMPTION = "exemption"
    DECLINED = "declined"
    HELD = "held"
    # What is of the level set aside; `reason` is the slug of its document.
    MATERIAL = "material"
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
    _basis(_Of.STEP_BACK, ExtensionTakenBack, number=ExtensionTakenBack.step_extension_id).where(
        ExtensionTakenBack.step_extension_id.is_not(None)
    ),
    _basis(_Of.PLAN_BACK, ExtensionTakenBack, number=ExtensionTakenBack.plan_extension_id).where(
        ExtensionTakenBack.plan_extension_id.is_not(None)
    ),
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
    _set_aside(
        lambda is_statement: (
            case((is_statement, _Of.DECLINED.value), else_=_Of.HELD.value),
            Enrollment.id,
            ExposureDecline.id,
            PlanStep.slug,
            _NO_NUMBER,
            _NO_DAY,
            _NO_DAY,
            _NO_TEXT,
            _NO_NUMBER,
            ExposureDecline.declined_at,
        )
    ).where(Enrollment.id.in_(bindparam("ids", expanding=True))),
    _material_aside(
        literal(_Of.MATERIAL.value),
        Enrollment.id,
        MaterialAside.id,
        PlanStep.slug,
        _NO_NUMBER,
        _NO_DAY,
        _NO_DAY,
        PlanStep.document_slug,
        _NO_NUMBER,
        MaterialAside.set_at,
    ).where(Enrollment.id.in_(bindparam("ids", expanding=True))),
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
    if named and (givers := {row.by_id for row in rows} - {None}):
        people = session.scalars(select(Person).where(Person.id.in_(givers)))
        names = {person.id: person.names for person in people}
    first_on = dict(starts)
    extensions: dict[int, list[tuple[str | None, Extension]]] = defaultdict(list)
    pauses: dict[int, list[Pause]] = defaultdict(list)
    events: dict[int, dict[str, EventDay]] = defaultdict(dict)
    exemptions: dict[int, list[tuple[str, Exemption]]] = defaultdict(list)
    aside: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    # `working_days` of these rows is the number of the extension that they are about.
    taken_back = {
        (_Of.STEP if row.of == _Of.STEP_BACK else _Of.PLAN, row.working_days): TakenBack(
            names.get(row.by_id), row.at, row.reason
        )
        for row in rows
        if row.of in (_Of.STEP_BACK, _Of.PLAN_BACK)
    }
    for row in rows:
        if row.of in (_Of.STEP_BACK, _Of.PLAN_BACK):
            continue
        if row.of == _Of.START:
            first_on[row.enrollment_id] = row.first_on
        elif row.of == _Of.PAUSE:
            # One that was taken back never was.
            if row.until == row.first_on:
                continue
            pauses[row.enrollment_id].append(Pause(row.first_on, row.until))
        elif row.of in (_Of.DECLINED, _Of.HELD):
            aside[row.enrollment_id][row.of].add(row.slug)
        elif row.of == _Of.MATERIAL:
            if not is_address_of_statement(row.reason):
                aside[row.enrollment_id][_Of.HELD].add(row.slug)
        elif row.of == _Of.EXEMPTION:
            exemptions[row.enrollment_id].append((row.slug, Exemption(names.get(row.by_id), row.at, row.reason)))
        elif row.of in (_Of.EVENT, _Of.EVENT_OF_COHORT):
            day = EventDay(row.first_on, names.get(row.by_id), row.reason or "", is_of_cohort=row.of != _Of.EVENT)
            events[row.enrollment_id][row.slug] = day
        else:
            given = Extension(
                row.working_days,
                row.reason,
                names.get(row.by_id),
                is_of_plan=row.of == _Of.PLAN,
                taken_back=taken_back.get((row.of, row.id)),
            )
            extensions[row.enrollment_id].append((row.slug, given))
    return {
        id_: Basis(
            day,
            tuple(extensions[id_]),
            tuple(pauses[id_]),
            tuple(events[id_].items()),
            tuple(exemptions[id_]),
            Aside(frozenset(aside[id_][_Of.DECLINED]), frozenset(aside[id_][_Of.HELD])) if id_ in aside else None,
        )
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
