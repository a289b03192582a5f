"""Plans, documents in force and enrollments for tests; everything is committed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.acknowledgements.events import Acknowledged, ReadingConfirmed
from portal.acknowledgements.models import Acknowledgement
from portal.calendars import service as calendars
from portal.cohorts import service as cohorts
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.library import queries as library_queries
from portal.library.models import ChangeClass, DocumentVersion
from portal.quizzes.events import AttemptReleased
from portal.quizzes.models import Attempt, AttemptState, Marking, Quiz, QuizVersion, Release
from portal.training.models import Enrollment, PlanVersion
from portal.training.rules import Doer, EventSpec, PhaseSpec, PlanSpec, StepKind, StepSpec
from portal.training.service.enrollments import enroll
from portal.training.service.plans import create_plan_version
from tests.builders import make_market, make_person, make_team, save
from tests.library import builders as library

# A Tuesday, the first working day before Golden Week.
START = date(2026, 4, 28)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

STEPS = (
    StepSpec("statement", StepKind.ACKNOWLEDGE, 0, phase="first", document="exposure", minutes=20),
    StepSpec(
        "read", StepKind.READ, 1, phase="first", document="impersonation", minutes=40, prerequisites=("statement",)
    ),
    StepSpec(
        "quiz",
        StepKind.QUIZ,
        3,
        phase="second",
        quiz="impersonation",
        minutes=15,
        prerequisites=("read",),
        instructions=Words("The policy may lie open.", "ポリシーを見ながら解答できます。"),
    ),
    StepSpec(
        "talk",
        StepKind.SIGN_OFF,
        2,
        phase="second",
        title=Words("First talk", "最初の面談"),
        minutes=30,
        prerequisites=("statement",),
        by=Doer.MENTOR,
    ),
    StepSpec(
        "audit",
        StepKind.SIGN_OFF,
        2,
        phase="second",
        title=Words("An audit of one's own", "一人での監査"),
        anchor="quiz",
        prerequisites=("quiz",),
        by=Doer.LEAD,
    ),
    StepSpec("more", StepKind.READ, 5, document="background", required=False),
)


def spec(*steps: StepSpec, **values: Any) -> PlanSpec:
    """Return a plan of these steps (default: one of each kind)."""
    defaults: dict[str, Any] = {
        "number": "1.0",
        "title": Words("The first ten days", "最初の10日間"),
        "summary": Words("From the first morning on.", "初日からの研修計画です。"),
        "credential": "reviewer",
        "phases": (
            PhaseSpec("first", Words("Foundations", "基礎")),
            PhaseSpec("second", Words("Practice", "実践")),
        ),
        "steps": steps or STEPS,
    }
    return PlanSpec(**(defaults | values))


EXAM = EventSpec("exam", Words("Certification exam", "認定試験"))
# Something before the first day, something before an exam, and what follows it.
STEPS_AROUND_AN_EXAM = (
    StepSpec("invite", StepKind.ACKNOWLEDGE, -5, document="exposure", minutes=20),
    StepSpec("read", StepKind.READ, 1, document="impersonation", minutes=400, prerequisites=("invite",)),
    StepSpec("revise", StepKind.READ, -3, document="background", minutes=400, event="exam", prerequisites=("read",)),
    StepSpec(
        "talk",
        StepKind.SIGN_OFF,
        1,
        title=Words("Talk about the exam", "試験の振り返り"),
        minutes=30,
        by=Doer.LEAD,
        event="exam",
        prerequisites=("revise",),
    ),
)


def make_plan_with_exam(by: Person | None = None, slug: str = "with-exam", **values: Any) -> PlanVersion:
    """Return a plan that begins before its first day and counts from the day of an exam."""
    return make_plan(
        slug, by, *STEPS_AROUND_AN_EXAM, **({"phases": (), "credential": None, "events": (EXAM,)} | values)
    )


def load_holidays() -> None:
    """Load the holidays of Japan and the United States, 2024 to 2031."""
    with own_transaction():
        for country in ("JP", "US"):
            calendars.load_national_holidays(country=country, years=range(2024, 2032))


def make_version(
    slug: str, number: str = "1.0", *, effective_at: datetime = LONG_AGO, change_class: str = "material"
) -> DocumentVersion:
    """Return a version of the document, which is made with its first one."""
    author = session.scalars(select(Person).order_by(Person.id)).first() or make_person()
    document = library_queries.find_document(slug) or library.make_document(author, slug)
    return library.make_version(
        document,
        author,
        number,
        texts=[
            library.english(f"{library.EN}\n\n{number}", title=slug.capitalize()),
            library.japanese(f"{library.JA}\n\n{number}", title=f"文書{slug.upper()}"),
        ],
        effective_at=effective_at,
        change_class=ChangeClass(change_class),
    )


def make_documents() -> None:
    """Make the documents that the plan of these tests names."""
    for slug in ("exposure", "impersonation", "background"):
        make_version(slug)


def make_plan(slug: str = "first-days", by: Person | None = None, *steps: StepSpec, **values: Any) -> PlanVersion:
    """Return a new version of a plan."""
    with own_transaction():
        version, _ = create_plan_version(slug=slug, spec=spec(*steps, **values), by=by or make_person())
    return version


def make_cohort(by: Person, code: str = "jp-2026-04", **values: Any) -> Cohort:
    """Return a new cohort of the learner's team."""
    defaults: dict[str, Any] = {
        "name": Words("Cohort of April", "4月の受講グループ"),
        "market": make_market(),
        "team": make_team(),
        "starts_on": START,
    }
    with own_transaction():
        return cohorts.create_cohort(code=code, by=by, **(defaults | values))


def make_enrollment(person: Person, version: PlanVersion, by: Person, **values: Any) -> Enrollment:
    """Return the person's new enrollment in the plan version, from `START` on."""
    with own_transaction():
        if values.get("cohort") is not None:
            cohorts.add_member(cohort=values["cohort"], person=person, by=by)
        return enroll(person=person, version=version, by=by, **({"starts_on": START} | values))


def acknowledge(person: Person, version: DocumentVersion) -> Acknowledgement:
    """Let the person acknowledge a version, as the acknowledgements domain says it."""
    with own_transaction():
        row = Acknowledgement(
            person_id=person.id,
            version_id=version.id,
            market="JP",
            language="ja",
            text_hash="0" * 64,
            attestation="I will decide by it.",
            at=clock.now(),
        )
        session.add(row)
        session.flush()
        publish(
            Acknowledged(
                person_id=person.id,
                document_id=version.document_id,
                document_slug=version.document.slug,
                version_id=version.id,
                version_number=version.number,
                acknowledgement_id=row.id,
            )
        )
    return row


def confirm_reading(person: Person, version: DocumentVersion) -> None:
    """Let the person say that she has read a version."""
    with own_transaction():
        publish(ReadingConfirmed(person_id=person.id, document_slug=version.document.slug, version_id=version.id))


def make_quiz(slug: str = "impersonation") -> QuizVersion:
    """Return the quiz of the slug, made if it is not there."""
    found = session.scalar(select(QuizVersion).join(Quiz).where(Quiz.slug == slug))
    if found is not None:
        return found
    version = QuizVersion(
        quiz=Quiz(slug=slug, created_at=LONG_AGO),
        number="1.0",
        title=Words(f"Check of {slug}", "なりすまし 確認テスト"),
        blueprint=[],
        time_limit_minutes=15,
        attempts_allowed=5,
        wait_hours=0,
        wait_after_fails=0,
        pass_mark=Fraction(4, 5),
        release=Release.AT_ONCE,
        show=["score"],
        shuffle_questions=False,
        shuffle_choices=False,
        hash="0" * 64,
        origin="import",
        created_at=LONG_AGO,
        created_by="test",
    )
    save(version)
    return version


def release(
    person: Person, quiz: str = "impersonation", score: str = "9/10", *, passed: bool = True, most: int = 10
) -> Attempt:
    """Let the person be given the result of a new attempt."""
    version = make_quiz(quiz)
    number = 1 + (
        session.scalar(
            select(func.count())
            .select_from(Attempt)
            .where(Attempt.person_id == person.id, Attempt.quiz_id == version.quiz_id)
        )
        or 0
    )
    now = clock.now()
    attempt = Attempt(
        code=new_code(),
        quiz_id=version.quiz_id,
        quiz_version_id=version.id,
        person_id=person.id,
        attempt_no=number,
        state=AttemptState.RELEASED,
        seed="0" * 64,
        language=person.language,
        limit_seconds=900,
        multiplier=Fraction(1),
        started_at=now,
        deadline_at=now,
        finished_at=now,
        released_at=now,
    )
    save(attempt)
    share = Fraction(score)
    save(
        Marking(
            attempt_id=attempt.id,
            marking_no=1,
            points=most * share,
            max_points=Fraction(most),
            score=share,
            passed=passed,
            marked_at=now,
            marked_by="system",
        )
    )
    session.expire(attempt)
    with own_transaction():
        publish(
            AttemptReleased(
                attempt_id=attempt.id,
                attempt_code=attempt.code,
                person_id=person.id,
                quiz_id=version.quiz_id,
                quiz_slug=quiz,
                score=Fraction(score),
                passed=passed,
                at=now,
            )
        )
    return attempt
