"""What is known of people's training in a period: row by row, and counted over again in the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import lazyload

from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement
from portal.calendars.rules import ONE_DAY
from portal.certificates.models import Certificate, CertificateFact, CredentialVersion
from portal.certificates.rules import FactKind, number_order
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core.clock import zone_info
from portal.core.db import session
from portal.core.i18n import Words
from portal.library.models import Document, DocumentVersion
from portal.organisation.models import Market, Team
from portal.quizzes.models import Attempt, AttemptState, Marking, Quiz, QuizVersion
from portal.reports.rules import PersonFacts, whole_minutes
from portal.training.models import Enrollment, Plan, PlanStep, PlanVersion, StepCompletion
from portal.training.queries import catalogue
from portal.training.rules import StepKind


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in a time zone, both included."""

    first: date
    last: date
    zone: str

    @property
    def begins(self) -> datetime:
        """The first instant of it."""
        return datetime.combine(self.first, time(), zone_info(self.zone)).astimezone(UTC)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.last + ONE_DAY, time(), zone_info(self.zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """Of whom: those within somebody's reach, in a market and a team by their codes; empty: in any."""

    reach: Reach
    market: str = ""
    team: str = ""

    def people(self) -> Select[int]:
        """Return the statement of their row numbers."""
        statement = select(Person.id).where(people_within(self.reach))
        if self.market:
            statement = statement.where(Person.home_market.has(Market.code == self.market))
        if self.team:
            statement = statement.where(Person.team.has(Team.code == self.team))
        return statement


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a plan that somebody completed, and the minutes that the plan foresees for it."""

    person_id: int
    plan: Words
    plan_slug: str
    kind: StepKind
    step: Words
    completed_at: datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Sitting:
    """An attempt that was handed in; `passed` None: not released yet, or not to be told to whoever exports it."""

    person_id: int
    quiz: Words
    version: str
    language: str
    finished_at: datetime
    minutes: int
    is_first: bool
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A version of a document that somebody acknowledged, in the language in which it was shown to her."""

    person_id: int
    document: str
    version: str
    text_hash: str
    language: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that somebody was given, and when it was revoked, if it was."""

    person_id: int
    title: Words
    number: str
    issued_on: date
    expires_on: date | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What the database counts by itself; each equals the rows."""

    people: int
    steps: int
    planned_minutes: int
    sittings: int
    acknowledged: int
    certificates: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything of a period: people in the order of their names, the rest person by person in time."""

    period: Period
    people: Sequence[Person]
    facts: Mapping[int, PersonFacts]
    steps: Sequence[StepRow]
    sittings: Sequence[Sitting]
    confirmed: Sequence[Confirmed]
    certificates: Sequence[Issued]
    counted: Counts

    @property
    def rows(self) -> Counts:
        """The same counts from the rows."""
        return Counts(
            people=len(self.people),
            steps=len(self.steps),
            planned_minutes=sum(row.minutes for row in self.steps),
            sittings=len(self.sittings),
            acknowledged=len(self.confirmed),
            certificates=len(self.certificates),
        )

    @property
    def reconciles(self) -> bool:
        """Whether rows and database say the same."""
        return self.rows == self.counted


def evidence(period: Period, scope: Scope, *, viewer_id: int) -> Evidence:
    """Return the evidence of a period, in a number of statements that does not depend on the people.

    What the viewer's own quizzes keep from her is left out of her own results.
    """
    people = list(
        session.scalars(
            select(Person)
            .where(Person.id.in_(scope.people()), _belongs(period))
            .options(lazyload(Person.grants), lazyload(Person.further_markets))
            .order_by(Person.sort_key, Person.id)
        )
    )
    place = {person.id: number for number, person in enumerate(people)}
    steps = sorted(_steps(period, scope), key=lambda row: (place[row.person_id], row.completed_at))
    sittings = sorted(_sittings(period, scope, viewer_id), key=lambda row: (place[row.person_id], row.finished_at))
    confirmed = sorted(_confirmed(period, scope), key=lambda row: (place[row.person_id], row.at))
    issued = sorted(_issued(period, scope), key=lambda row: (place[row.person_id], number_order(row.number)))
    return Evidence(
        period=period,
        people=people,
        facts=_facts(people, steps, sittings, confirmed, issued),
        steps=steps,
        sittings=sittings,
        confirmed=confirmed,
        certificates=issued,
        counted=recount(period, scope),
    )


def _belongs(period: Period) -> ColumnElement[bool]:
    """Return the condition that a person had an account in the period, or did something in it all the same."""
    return or_(
        and_(
            Person.created_at < period.ends,
            or_(Person.deactivated_at.is_(None), Person.deactivated_at >= period.begins),
        ),
        Person.id.in_(
            select(Enrollment.person_id)
            .join(StepCompletion, StepCompletion.enrollment_id == Enrollment.id)
            .where(_within(StepCompletion.completed_at, period))
        ),
        Person.id.in_(select(Attempt.person_id).where(_within(Attempt.finished_at, period))),
        Person.id.in_(select(Acknowledgement.person_id).where(_counting_acknowledgements(period))),
        Person.id.in_(select(Certificate.person_id).where(_within(Certificate.issued_at, period))),
    )


def _counting_acknowledgements(period: Period) -> ColumnElement[bool]:
    """Return the condition that a confirmation is of the period, and of training: what is passed on by name is none."""
    by_name = (
        select(DocumentVersion.id).join(Document, Document.id == DocumentVersion.document_id).where(Document.is_by_name)
    )
    return and_(_within(Acknowledgement.at, period), Acknowledgement.version_id.not_in(by_name))


def _within(instant: ColumnElement[datetime] | object, period: Period) -> ColumnElement[bool]:
    column: ColumnElement[datetime] = instant  # type: ignore[assignment]
    return and_(column >= period.begins, column < period.ends)


def _facts(
    people: Sequence[Person],
    steps: Sequence[StepRow],
    sittings: Sequence[Sitting],
    confirmed: Sequence[Confirmed],
    issued: Sequence[Issued],
) -> dict[int, PersonFacts]:
    planned: Counter[int] = Counter()
    done: Counter[int] = Counter()
    measured: Counter[int] = Counter()
    first: dict[bool, Counter[int]] = defaultdict(Counter)
    for step in steps:
        planned[step.person_id] += step.minutes
        done[step.person_id] += 1
    for sitting in sittings:
        measured[sitting.person_id] += sitting.minutes
        if sitting.is_first and sitting.passed is not None:
            first[sitting.passed][sitting.person_id] += 1
    acknowledged = Counter(row.person_id for row in confirmed)
    certificates = Counter(row.person_id for row in issued)
    return {
        person.id: PersonFacts(
            market=person.home_market.code,
            language=person.language,
            planned_minutes=planned[person.id],
            measured_minutes=measured[person.id],
            steps=done[person.id],
            first_passed=first[True][person.id],
            first_failed=first[False][person.id],
            acknowledged=acknowledged[person.id],
            certificates=certificates[person.id],
        )
        for person in people
    }


# --- Row by row --------------------------------------------------------------------------------


def _counting_steps(period: Period, scope: Scope) -> Select[int]:
    """Return the statement of the completions that are training of the period.

    What was taken over from an earlier enrollment or is an exemption is none; one acknowledgement or attempt that
    completed steps of several plans was done once.
    """
    same = func.coalesce(
        literal("a") + cast(StepCompletion.acknowledgement_id, String),
        literal("t") + StepCompletion.attempt_code,
        literal("c") + cast(StepCompletion.id, String),
    )
    return (
        select(StepCompletion.id)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .where(
            _within(StepCompletion.completed_at, period),
            Enrollment.person_id.in_(scope.people()),
            StepCompletion.recognised_id.is_(None),
            or_(StepCompletion.score_entry_id.is_(None), StepCompletion.score.is_not(None)),
            StepCompletion.id.in_(select(func.min(StepCompletion.id)).group_by(same)),
        )
    )


def _steps(period: Period, scope: Scope) -> list[StepRow]:
    rows = session.execute(
        select(Enrollment.person_id, StepCompletion.completed_at, StepCompletion.step_id, Plan.slug, PlanVersion.title)
        .select_from(StepCompletion)
        .join(Enrollment, Enrollment.id == StepCompletion.enrollment_id)
        .join(Plan, Plan.id == Enrollment.plan_id)
        .join(PlanVersion, PlanVersion.id == Enrollment.plan_version_id)
        .where(StepCompletion.id.in_(_counting_steps(period, scope)))
        .order_by(StepCompletion.id)
    ).all()
    steps = {
        step.id: step
        for step in session.scalars(select(PlanStep).where(PlanStep.id.in_({row.step_id for row in rows})))
    }
    titles = catalogue.titles_of(list(steps.values()))
    return [
        StepRow(
            person_id=row.person_id,
            plan=row.title,
            plan_slug=row.slug,
            kind=steps[row.step_id].kind,
            step=titles[row.step_id],
            completed_at=row.completed_at,
            minutes=steps[row.step_id].minutes,
        )
        for row in rows
    ]


def _counting_attempts(period: Period, scope: Scope) -> ColumnElement[bool]:
    return and_(
        _within(Attempt.finished_at, period),
        Attempt.state.not_in((AttemptState.IN_PROGRESS, AttemptState.VOIDED)),
        Attempt.person_id.in_(scope.people()),
    )


def _sittings(period: Period, scope: Scope, viewer_id: int) -> list[Sitting]:
    newest = (
        select(func.max(Marking.marking_no))
        .where(Marking.attempt_id == Attempt.id)
        .correlate(Attempt)
        .scalar_subquery()
    )
    firsts = (
        select(
            Attempt.person_id.label("person_id"),
            Attempt.quiz_id.label("quiz_id"),
            func.min(Attempt.attempt_no).label("first_no"),
        )
        .where(Attempt.state != AttemptState.VOIDED, Attempt.person_id.in_(scope.people()))
        .group_by(Attempt.person_id, Attempt.quiz_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Attempt.person_id,
            QuizVersion.title,
            QuizVersion.number,
            Attempt.language,
            Attempt.started_at,
            Attempt.finished_at,
            func.coalesce(Attempt.break_seconds, 0).label("breaks"),
            case((Attempt.attempt_no == firsts.c.first_no, True), else_=False).label("is_first"),
            Attempt.state,
            QuizVersion.show,
            Marking.passed,
        )
        .join(QuizVersion, QuizVersion.id == Attempt.quiz_version_id)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .join(firsts, and_(firsts.c.person_id == Attempt.person_id, firsts.c.quiz_id == Attempt.quiz_id))
        .outerjoin(Marking, and_(Marking.attempt_id == Attempt.id, Marking.marking_no == newest))
        .where(_counting_attempts(period, scope))
        .order_by(Attempt.id)
    )
    found = []
    for row in rows:
        is_told = row.state is AttemptState.RELEASED and (row.person_id != viewer_id or "score" in row.show)
        seconds = max(0, int((row.finished_at - row.started_at).total_seconds()) - row.breaks)
        found.append(
            Sitting(
                person_id=row.person_id,
                quiz=row.title,
                version=row.number,
                language=row.language,
                finished_at=row.finished_at,
                minutes=whole_minutes(seconds),
                is_first=bool(row.is_first),
                passed=row.passed if is_told else None,
            )
        )
    return found


def _confirmed(period: Period, scope: Scope) -> list[Confirmed]:
    rows = session.execute(
        select(
            Acknowledgement.person_id,
            Document.slug,
            DocumentVersion.number,
            Acknowledgement.text_hash,
            Acknowledgement.language,
            Acknowledgement.at,
        )
        .join(DocumentVersion, DocumentVersion.id == Acknowledgement.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(_counting_acknowledgements(period), Acknowledgement.person_id.in_(scope.people()))
        .order_by(Acknowledgement.id)
    )
    return [Confirmed(*row) for row in rows]


def _issued(period: Period, scope: Scope) -> list[Issued]:
    revoked = (
        select(func.min(CertificateFact.at))
        .where(CertificateFact.certificate_id == Certificate.id, CertificateFact.kind == FactKind.REVOKED)
        .correlate(Certificate)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Certificate.person_id,
            CredentialVersion.title,
            Certificate.number,
            Certificate.issued_on,
            Certificate.expires_on,
            revoked.label("revoked_at"),
        )
        .join(CredentialVersion, CredentialVersion.id == Certificate.credential_version_id)
        .where(_within(Certificate.issued_at, period), Certificate.person_id.in_(scope.people()))
        .order_by(Certificate.id)
    )
    return [Issued(*row) for row in rows]


# --- Counted over again ------------------------------------------------------------------------


def recount(period: Period, scope: Scope) -> Counts:
    """Let the database count what the rows list."""
    steps, minutes = session.execute(
        select(func.count(), func.coalesce(func.sum(PlanStep.minutes), 0))
        .select_from(StepCompletion)
        .join(PlanStep, PlanStep.id == StepCompletion.step_id)
        .where(StepCompletion.id.in_(_counting_steps(period, scope)))
    ).one()
    counts = (
        select(func.count()).select_from(Person).where(Person.id.in_(scope.people()), _belongs(period)),
        select(func.count()).select_from(Attempt).where(_counting_attempts(period, scope)),
        select(func.count())
        .select_from(Acknowledgement)
        .where(_counting_acknowledgements(period), Acknowledgement.person_id.in_(scope.people())),
        select(func.count())
        .select_from(Certificate)
        .where(_within(Certificate.issued_at, period), Certificate.person_id.in_(scope.people())),
    )
    people, sittings, acknowledged, certificates = session.execute(
        select(*(each.scalar_subquery() for each in counts))
    ).one()
    return Counts(people, steps, int(minutes), sittings, acknowledged, certificates)
