"""Tables of plans, their versions and steps, enrollments, what was completed, sign-offs and extensions."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core.db import Base, BigKey, Json, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.gradebook.models import ScoreEntry
from portal.organisation.models import Market
from portal.training.rules import (
    GATE_MINIMUM,
    Doer,
    EvidenceKind,
    ExemptionAct,
    GateTerms,
    Presence,
    SignOffAct,
    StepKind,
    StepShape,
    Terms,
)
from portal.training.rules.drafting import DraftAct, DraftState


class Plan(Base):
    """A training plan over all its versions."""

    __tablename__ = "plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    created_at: Mapped[datetime]
    # Owner and deputy as the imported file names them, and who became owner for that: the file is
    # written out again as it came until somebody else is put in charge.
    stated_owner: Mapped[str] = mapped_column(String(254), default="")
    stated_deputy: Mapped[str] = mapped_column(String(254), default="")
    stated_owner_became: Mapped[str] = mapped_column(String(40), default="")

    versions: Mapped[list[PlanVersion]] = relationship(back_populates="plan", order_by="PlanVersion.id")


class PlanVersion(Base):
    """An immutable version of a plan; enrollments pin one. The latest is offered to new learners."""

    __tablename__ = "plan_versions"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("plan_id", "number"), UniqueConstraint("plan_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="RESTRICT"))
    # "major.minor", as the author numbers it.
    number: Mapped[str] = mapped_column(String(20))
    title: Mapped[Words]
    summary: Mapped[Words]
    # The credential that completing the plan earns, by its slug.
    credential_slug: Mapped[str | None] = mapped_column(String(60))
    # SHA-256 of all that the version says.
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    plan: Mapped[Plan] = relationship(back_populates="versions", lazy="joined", innerjoin=True)
    phases: Mapped[list[PlanPhase]] = relationship(back_populates="version", order_by="PlanPhase.position")
    events: Mapped[list[PlanEvent]] = relationship(back_populates="version", order_by="PlanEvent.position")
    steps: Mapped[list[PlanStep]] = relationship(back_populates="version", order_by="PlanStep.position")


class PlanPhase(Base):
    """A part of a plan under a title of its own."""

    __tablename__ = "plan_phases"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("version_id", "slug"), UniqueConstraint("version_id", "position"))

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("plan_versions.id", ondelete="CASCADE"))
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    title: Mapped[Words]

    version: Mapped[PlanVersion] = relationship(back_populates="phases")


class PlanEvent(Base):
    """Something that takes place on a day of its own, from which steps are counted, such as an exam."""

    __tablename__ = "plan_events"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("version_id", "slug"), UniqueConstraint("version_id", "position"))

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("plan_versions.id", ondelete="CASCADE"))
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    title: Mapped[Words]

    version: Mapped[PlanVersion] = relationship(back_populates="events")


class PlanStep(Base):
    """One thing to do, until a working day counted from the start, an event or another step's date."""

    __tablename__ = "plan_steps"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("version_id", "slug"),
        UniqueConstraint("version_id", "position"),
        UniqueConstraint("version_id", "id"),
        CheckConstraint("due_days >= -250", name="due_days"),
        CheckConstraint("anchor_slug is null or event_slug is null", name="anchor"),
        CheckConstraint("minutes >= 0", name="minutes"),
        CheckConstraint("recognise_days is null or recognise_days > 0", name="recognise_days"),
        CheckConstraint("(kind in ('read', 'acknowledge')) = (document_slug is not null)", name="document"),
        CheckConstraint("(kind = 'quiz') = (quiz_slug is not null)", name="quiz"),
        CheckConstraint("kind not in ('sign_off', 'session', 'gate') or by <> 'learner'", name="by_others"),
        CheckConstraint("kind in ('sign_off', 'session', 'gate', 'task') or by = 'learner'", name="by_learner"),
        CheckConstraint("(kind = 'task') = (evidence_kinds is not null)", name="task"),
        CheckConstraint("(kind = 'gate') = (gate_bound is not null)", name="gate"),
        CheckConstraint("(gate_quizzes is null) = (gate_bound is null)", name="gate_quizzes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("plan_versions.id", ondelete="CASCADE"))
    slug: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    phase_slug: Mapped[str | None] = mapped_column(String(60))
    kind: Mapped[StepKind] = mapped_column(enum_type(StepKind))
    document_slug: Mapped[str | None] = mapped_column(String(90), index=True)
    quiz_slug: Mapped[str | None] = mapped_column(String(60), index=True)
    # None: the title of the document or quiz.
    title: Mapped[Words | None]
    instructions: Mapped[Words | None]
    # Working days after the anchor, before it where negative; 0 is the anchor's own day.
    due_days: Mapped[int]
    # The step from whose date is counted, or the event; both None: the plan's start.
    anchor_slug: Mapped[str | None] = mapped_column(String(60))
    event_slug: Mapped[str | None] = mapped_column(String(60))
    minutes: Mapped[int]
    required: Mapped[bool]
    by: Mapped[Doer] = mapped_column(enum_type(Doer))
    # Slugs of steps of this version that come first.
    prerequisites: Mapped[list[str]]
    # False: its sign-off records only that it took place. None: a statement is asked, as in every version written
    # before there was a choice; so the seals of those hold.
    statement_asked: Mapped[bool | None]
    # How many days old an earlier completion may be that counts at enrollment; see `rules.why_not_counted`.
    recognise_days: Mapped[int | None]
    # Of a task: what can be handed in.
    evidence_kinds: Mapped[list[str] | None] = mapped_column(Json())
    # Of a gate: the quizzes, the share that the lower bound over their questions reaches, and on how many at least
    # where the plan says so.
    gate_quizzes: Mapped[list[str] | None] = mapped_column(Json())
    gate_bound: Mapped[Fraction | None]
    gate_minimum: Mapped[int | None]
    # Of a sign-off or a gate: the documents, or clauses of them, that it is evidence for.
    about_documents: Mapped[list[str] | None] = mapped_column(Json())

    version: Mapped[PlanVersion] = relationship(back_populates="steps")

    @property
    def evidence(self) -> tuple[EvidenceKind, ...]:
        """What can be handed in for it; nothing where it is no task."""
        return tuple(EvidenceKind(each) for each in self.evidence_kinds or ())

    @property
    def about(self) -> tuple[str, ...]:
        """What its sign-off is evidence for: documents, or clauses of them."""
        return tuple(self.about_documents or ())

    @property
    def gate(self) -> GateTerms | None:
        """What it asks where it is a gate."""
        if self.gate_bound is None:
            return None
        return GateTerms(tuple(self.gate_quizzes or ()), self.gate_bound, self.gate_minimum or GATE_MINIMUM)

    @property
    def asks_statement(self) -> bool:
        """Whether its sign-off says in a sentence what was shown."""
        return self.statement_asked is not False

    @property
    def terms(self) -> Terms:
        """What has to be done for it, whatever it is called and whenever it is due."""
        return Terms(self.kind, self.document_slug, self.quiz_slug, self.by, self.gate, frozenset(self.evidence))

    @property
    def shape(self) -> StepShape:
        """The step as the rules see it."""
        return StepShape(
            slug=self.slug,
            due_days=self.due_days,
            anchor=self.anchor_slug,
            prerequisites=tuple(self.prerequisites),
            required=self.required,
            by=self.by,
            event=self.event_slug,
            minutes=self.minutes,
        )


class Enrollment(Base):
    """One learner in one version of a plan, from a day on, in a market's calendar."""

    __tablename__ = "enrollments"
    __sealed__ = Sealed(later=("completed_at", "ended_at", "ended_by", "ended_reason"))
    __table_args__ = (
        ForeignKeyConstraint(
            ["plan_id", "plan_version_id"], ["plan_versions.plan_id", "plan_versions.id"], ondelete="RESTRICT"
        ),
        Index(
            "uq_enrollments_open",
            "person_id",
            "plan_id",
            unique=True,
            sqlite_where=Column("completed_at").is_(None) & Column("ended_at").is_(None),
            postgresql_where=Column("completed_at").is_(None) & Column("ended_at").is_(None),
        ),
        CheckConstraint("completed_at is null or ended_at is null", name="one_end"),
        CheckConstraint("(replaces_id is null) = (first_code is null)", name="replaced"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="RESTRICT"))
    plan_version_id: Mapped[int] = mapped_column(index=True)
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"))
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    # Whom she was given as her mentor; None: whoever mentors her cohort, team or market.
    mentor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    starts_on: Mapped[date]
    enrolled_at: Mapped[datetime]
    enrolled_by: Mapped[str] = mapped_column(String(40))
    completed_at: Mapped[datetime | None]
    # Ended before it was completed.
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(40))
    ended_reason: Mapped[str | None] = mapped_column(Text)
    # The enrollment in another version of the plan whose place it took, and the code of the first one of that row.
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), unique=True)
    first_code: Mapped[str | None] = mapped_column(String(20), index=True)
    # The training in another plan that ended when she went on in this one.
    moved_from_id: Mapped[int | None] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), unique=True)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    version: Mapped[PlanVersion] = relationship()
    market: Mapped[Market] = relationship(lazy="joined", innerjoin=True)
    cohort: Mapped[Cohort | None] = relationship()
    completions: Mapped[list[StepCompletion]] = relationship(back_populates="enrollment", order_by="StepCompletion.id")

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do in it."""
        return self.completed_at is None and self.ended_at is None

    @property
    def lasting_code(self) -> str:
        """What stays the same when the learner goes on in another version of the plan."""
        return self.first_code or self.code


class StepCompletion(Base):
    """That a learner completed a step: when, by what, and how it stood with its date then. Never changed."""

    __tablename__ = "step_completions"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("enrollment_id", "step_id"),
        CheckConstraint("(document_slug is null) = (document_version is null)", name="document"),
        CheckConstraint("attempt_code is null or score is not null", name="score"),
        CheckConstraint("score is null or attempt_code is not null or score_entry_id is not null", name="score_of"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"))
    step_id: Mapped[int] = mapped_column(ForeignKey("plan_steps.id", ondelete="RESTRICT"), index=True)
    # When the learner did it, and when it was noted here: at enrollment an earlier acknowledgement counts.
    completed_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    # The effective due date at that moment: later changes of a calendar do not make it late.
    # None: it lay in a year without a holiday table.
    due_on: Mapped[date | None]
    # What completed it: the version read or acknowledged, the attempt and its score, or a decision by hand.
    document_slug: Mapped[str | None] = mapped_column(String(90))
    document_version: Mapped[str | None] = mapped_column(String(20))
    acknowledgement_id: Mapped[int | None] = mapped_column(BigKey)
    attempt_code: Mapped[str | None] = mapped_column(String(40))
    score: Mapped[Fraction | None]
    # What two people decided by hand: a score that passes, or an exemption, which has none.
    score_entry_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("score_entries.id", ondelete="RESTRICT"))
    # The completion of the same step in an earlier enrollment in the plan, which counts here.
    recognised_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("step_completions.id", ondelete="RESTRICT"))

    enrollment: Mapped[Enrollment] = relationship(back_populates="completions")
    score_entry: Mapped[ScoreEntry | None] = relationship()
    step: Mapped[PlanStep] = relationship(lazy="joined", innerjoin=True)


class CalendarFeed(Base):
    """A secret address under which a person's dates can be subscribed: hashed at rest, and revoked at her wish."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        Index(
            "uq_calendar_feeds_open",
            "person_id",
            unique=True,
            sqlite_where=Column("revoked_at").is_(None),
            postgresql_where=Column("revoked_at").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    # When a calendar last fetched it; a note of the page itself.
    fetched_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class ToldDate(Base):
    """What calendars that subscribe a person's dates were told of one of them last, so that changes can be counted."""

    __tablename__ = "told_dates"
    __table_args__ = (UniqueConstraint("person_id", "uid"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(160))
    summary: Mapped[str] = mapped_column(String(400))
    due_on: Mapped[date]
    is_cancelled: Mapped[bool]
    # Counts up with each change of the date, and when it is cancelled or comes back.
    sequence: Mapped[int]
    changed_at: Mapped[datetime]


class SignOff(Base):
    """A lead's or mentor's dated statement about a skill, or what was said on the way there. Never changed."""

    __tablename__ = "sign_offs"
    __sealed__ = Sealed()
    __table_args__ = (
        Index("ix_sign_offs_step", "enrollment_id", "step_id", "id"),
        # A skill is signed off once.
        Index(
            "uq_sign_offs_signed",
            "enrollment_id",
            "step_id",
            unique=True,
            sqlite_where=Column("act") == "signed",
            postgresql_where=Column("act") == "signed",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"))
    step_id: Mapped[int] = mapped_column(ForeignKey("plan_steps.id", ondelete="RESTRICT"))
    act: Mapped[SignOffAct] = mapped_column(enum_type(SignOffAct))
    statement: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]
    # Of a task: the number of what was handed in and is spoken of. Of a gate that was signed off: its figures then.
    evidence_no: Mapped[int | None]
    figures: Mapped[dict[str, Any] | None] = mapped_column(Json())

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class StepExtension(Base):
    """More time for a step of one enrollment; lengthens its effective due date and is never changed."""

    __tablename__ = "step_extensions"
    __sealed__ = Sealed()
    __table_args__ = (CheckConstraint("working_days > 0", name="working_days"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("plan_steps.id", ondelete="RESTRICT"))
    working_days: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class StepExemption(Base):
    """That one learner need not do a step, or that she has to after all; the highest number of a step counts.

    Rows come in turn: she is exempt, it is taken back, she is exempt again. None is changed.
    """

    __tablename__ = "step_exemptions"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("enrollment_id", "step_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(number % 2 = 1) = (act = 'exempted')", name="turn"),
        CheckConstraint("reason <> ''", name="reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"))
    step_id: Mapped[int] = mapped_column(ForeignKey("plan_steps.id", ondelete="RESTRICT"), index=True)
    number: Mapped[int]
    act: Mapped[ExemptionAct] = mapped_column(enum_type(ExemptionAct))
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class PlanExtension(Base):
    """More time for a whole plan of one learner: moves what is counted from its start, and is never changed."""

    __tablename__ = "plan_extensions"
    __sealed__ = Sealed()
    __table_args__ = (CheckConstraint("working_days > 0", name="working_days"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    working_days: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class ExtensionTakenBack(Base):
    """That an extension of one enrollment lengthens no date any more, and why; said once, and never changed."""

    __tablename__ = "extensions_taken_back"
    __sealed__ = Sealed()
    __table_args__ = (
        CheckConstraint("(step_extension_id is null) <> (plan_extension_id is null)", name="which"),
        CheckConstraint("reason <> ''", name="reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    step_extension_id: Mapped[int | None] = mapped_column(
        ForeignKey("step_extensions.id", ondelete="RESTRICT"), unique=True
    )
    plan_extension_id: Mapped[int | None] = mapped_column(
        ForeignKey("plan_extensions.id", ondelete="RESTRICT"), unique=True
    )
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    step_extension: Mapped[StepExtension | None] = relationship(lazy="joined")
    plan_extension: Mapped[PlanExtension | None] = relationship(lazy="joined")


class NewStart(Base):
    """Another first day of one enrollment than the one it was made with; the latest counts, none is changed."""

    __tablename__ = "new_starts"
    __sealed__ = Sealed()

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    starts_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class EventDate(Base):
    """The day of an event for one enrollment, or for all of a cohort in any version of a plan.

    The latest counts, and an enrollment's own before that of its cohort; none is changed.
    """

    __tablename__ = "event_dates"
    __sealed__ = Sealed()
    __table_args__ = (
        CheckConstraint("(enrollment_id is null) <> (cohort_id is null)", name="whose"),
        Index("ix_event_dates_cohort", "cohort_id", "plan_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="RESTRICT"))
    event_slug: Mapped[str] = mapped_column(String(60))
    enrollment_id: Mapped[int | None] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"))
    takes_place_on: Mapped[date]
    # None: the first date, which changes nothing.
    reason: Mapped[str | None] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class EnrollmentPause(Base):
    """Days that do not count in one enrollment, from the first until the learner resumes."""

    __tablename__ = "enrollment_pauses"
    __sealed__ = Sealed(later=("resumes_on", "resumed_at", "resumed_by_id"))
    __table_args__ = (
        CheckConstraint("resumes_on is null or resumes_on >= first_on", name="period"),
        CheckConstraint("(resumes_on is null) = (resumed_at is null)", name="resumed"),
        Index(
            "uq_enrollment_pauses_open",
            "enrollment_id",
            unique=True,
            sqlite_where=Column("resumes_on").is_(None),
            postgresql_where=Column("resumes_on").is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    first_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]
    # The first day that counts again; the first day of the pause itself takes it back.
    resumes_on: Mapped[date | None]
    resumed_at: Mapped[datetime | None]
    resumed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    resumed_by: Mapped[Person | None] = relationship(foreign_keys=[resumed_by_id], lazy="joined")

    @property
    def is_taken_back(self) -> bool:
        """Whether it was ended on its first day, so that it never was."""
        return self.resumes_on == self.first_on


class CohortDraft(Base):
    """A cohort that somebody is putting together, or people who join one later; kept until it is done."""

    __tablename__ = "cohort_drafts"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    # What is wished for (`service.founding.Wishes`), unjudged.
    wishes: Mapped[dict[str, Any]]
    # Whether people are added to a cohort that is there.
    joins: Mapped[bool]
    # The cohort that is added to, or that came of it.
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    done_at: Mapped[datetime | None]
    # Whose accounts were opened by it, by their codes.
    invited: Mapped[list[str]]
    # Of a long list, which is carried out by the worker: since when; whom it is about (`founding.Candidate.key`); and
    # who could not be taken in, with the reason in both languages.
    begun_at: Mapped[datetime | None]
    awaited: Mapped[list[str] | None] = mapped_column(Json())
    refused: Mapped[list[dict[str, Any]] | None] = mapped_column(Json())

    created_by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    cohort: Mapped[Cohort | None] = relationship(lazy="joined")

    @property
    def is_settled(self) -> bool:
        """Whether it was carried out or is being so: nothing of it can be changed any more."""
        return self.done_at is not None or self.begun_at is not None


class PlanDraft(Base):
    """A version of a plan to be, of a plan that is there or of a new one; unfinished states are kept as they are."""

    __tablename__ = "plan_drafts"
    __table_args__ = (
        # Two who change one plan work on one draft.
        Index(
            "uq_plan_drafts_open",
            "plan_slug",
            unique=True,
            sqlite_where=Column("ended_at").is_(None),
            postgresql_where=Column("ended_at").is_(None),
        ),
        CheckConstraint("(ended_at is null) = (state in ('writing', 'in_review'))", name="ended"),
        CheckConstraint("(published_version_id is null) = (state <> 'published')", name="published"),
        CheckConstraint("revision >= 1", name="revision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    plan_slug: Mapped[str] = mapped_column(String(60))
    # The version that it was begun from, or that it took over since; None before there is one.
    based_on_id: Mapped[int | None] = mapped_column(ForeignKey("plan_versions.id", ondelete="RESTRICT"))
    state: Mapped[DraftState] = mapped_column(enum_type(DraftState))
    begun_at: Mapped[datetime]
    begun_by: Mapped[str] = mapped_column(String(40))
    # Counts the saves.
    revision: Mapped[int] = mapped_column(default=1)
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(String(40))
    # The plan as its file writes it (`formats.plan_file`).
    spec: Mapped[dict[str, Any]]
    ended_at: Mapped[datetime | None]
    published_version_id: Mapped[int | None] = mapped_column(ForeignKey("plan_versions.id", ondelete="RESTRICT"))

    based_on: Mapped[PlanVersion | None] = relationship(foreign_keys=[based_on_id])
    published_version: Mapped[PlanVersion | None] = relationship(foreign_keys=[published_version_id])
    acts: Mapped[list[PlanDraftAct]] = relationship(back_populates="draft", order_by="PlanDraftAct.number")


class PlanDraftSave(Base):
    """A draft as it was saved once, so that it can be taken back; the latest ones are kept."""

    __tablename__ = "plan_draft_saves"

    draft_id: Mapped[int] = mapped_column(ForeignKey("plan_drafts.id", ondelete="CASCADE"), primary_key=True)
    # The draft's revision with this save.
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    spec: Mapped[dict[str, Any]]
    # The saves that say what taking this one back, or doing again what was taken back, leads to.
    undo_to: Mapped[int | None]
    redo_to: Mapped[int | None]


class PlanDraftAuthor(Base):
    """Who has written in a draft: she cannot approve it."""

    __tablename__ = "plan_draft_authors"

    draft_id: Mapped[int] = mapped_column(ForeignKey("plan_drafts.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), primary_key=True)
    since: Mapped[datetime]
    # When her page was last heard of, so that others are told that she is at it.
    seen_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)


class PlanDraftAct(Base):
    """One act about a draft: who did what, when, about which plan, with which words; only added to."""

    __tablename__ = "plan_draft_acts"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("draft_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("plan_drafts.id", ondelete="RESTRICT"))
    number: Mapped[int]
    act: Mapped[DraftAct] = mapped_column(enum_type(DraftAct))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    said: Mapped[str] = mapped_column(Text, default="")
    # SHA-256 of the plan that it is about: of an approval that of the version.
    digest: Mapped[str] = mapped_column(String(64))

    draft: Mapped[PlanDraft] = relationship(back_populates="acts")


class TaskEvidence(Base):
    """What a learner handed in for a task; what she hands in anew is a new row. Never changed."""

    __tablename__ = "task_evidence"
    # The bytes are those of the hash; the invariants compute it again.
    __sealed__ = Sealed(besides=("data",))
    __table_args__ = (
        UniqueConstraint("enrollment_id", "step_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("said <> '' or link <> '' or file_name is not null", name="something"),
        CheckConstraint(
            "(file_name is null) = (media_type is null) and (file_name is null) = (size is null)"
            " and (file_name is null) = (sha256 is null) and (file_name is null) = (data is null)",
            name="file",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"))
    step_id: Mapped[int] = mapped_column(ForeignKey("plan_steps.id", ondelete="RESTRICT"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    said: Mapped[str] = mapped_column(Text)
    # https; nobody fetches it.
    link: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str | None] = mapped_column(String(200))
    media_type: Mapped[str | None] = mapped_column(String(100))
    size: Mapped[int | None]
    # SHA-256 of the bytes, in hexadecimal.
    sha256: Mapped[str | None] = mapped_column(String(64))
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class LiveSession(Base):
    """A meeting for a step of a plan: for a cohort, or for some learners. When and where it is, is added in rows."""

    __tablename__ = "live_sessions"
    __sealed__ = Sealed(later=("cancelled_at", "cancelled_by_id", "cancelled_reason"))
    __table_args__ = (
        CheckConstraint("(cancelled_at is null) = (cancelled_by_id is null)", name="cancelled"),
        CheckConstraint("(cancelled_at is null) = (cancelled_reason is null)", name="cancelled_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    # Stands for the step of its slug in every version of the plan.
    step_id: Mapped[int] = mapped_column(ForeignKey("plan_steps.id", ondelete="RESTRICT"), index=True)
    # In whose zone its times are told.
    market_id: Mapped[int] = mapped_column(ForeignKey("markets.id", ondelete="RESTRICT"))
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id", ondelete="RESTRICT"), index=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    cancelled_at: Mapped[datetime | None]
    cancelled_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    cancelled_reason: Mapped[str | None] = mapped_column(Text)

    step: Mapped[PlanStep] = relationship(lazy="joined", innerjoin=True)
    market: Mapped[Market] = relationship(lazy="joined", innerjoin=True)
    cohort: Mapped[Cohort | None] = relationship(lazy="joined")
    created_by: Mapped[Person] = relationship(foreign_keys=[created_by_id])
    times: Mapped[list[SessionTime]] = relationship(back_populates="session", order_by="SessionTime.number")
    seats: Mapped[list[SessionSeat]] = relationship(back_populates="session", order_by="SessionSeat.id")

    @property
    def time(self) -> SessionTime:
        """When and where it is, as it was said last."""
        return self.times[-1]

    @property
    def plan_id(self) -> int:
        """The plan of its step."""
        return self.step.version.plan_id


class SessionTime(Base):
    """When and where a session is; moving it adds a row. The highest number counts."""

    __tablename__ = "session_times"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("session_id", "number"),
        CheckConstraint("ends_at > starts_at", name="period"),
        CheckConstraint("place <> '' or link <> ''", name="somewhere"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("live_sessions.id", ondelete="RESTRICT"))
    number: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(Text)
    # Why it was moved; empty in the first row.
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    session: Mapped[LiveSession] = relationship(back_populates="times")


class SessionSeat(Base):
    """That a learner is expected at a session. Who was not there is given a seat in another one."""

    __tablename__ = "session_seats"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("session_id", "enrollment_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("live_sessions.id", ondelete="RESTRICT"))
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    session: Mapped[LiveSession] = relationship(back_populates="seats")
    enrollment: Mapped[Enrollment] = relationship()


class Attendance(Base):
    """Whether a learner was at a session; a correction is a new row with its reason. The highest number counts."""

    __tablename__ = "attendances"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("session_id", "enrollment_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("number = 1 or reason <> ''", name="reason"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("live_sessions.id", ondelete="RESTRICT"))
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id", ondelete="RESTRICT"), index=True)
    number: Mapped[int]
    presence: Mapped[Presence] = mapped_column(enum_type(Presence))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))

    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
