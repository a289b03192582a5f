"""Tables of banks, questions and their versions, quizzes, attempts with what was answered, and markings."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.library.models import DocumentVersion
from portal.quizzes.rules import DEFAULT_TOLERANCE_SECONDS


class QuestionState(StrEnum):
    """Whether a question may be drawn."""

    DRAFT = "draft"
    LIVE = "live"
    # Written to be drawn, but a clause that it tests has changed: not drawn until somebody has looked at it.
    STALE = "stale"
    RETIRED = "retired"


class SettledHow(StrEnum):
    """How it came that a stale question may be drawn again."""

    # Somebody looked at it beside the new text: it asks what is right.
    STILL_RIGHT = "still_right"
    # It was written anew for the new text.
    NEW_VERSION = "new_version"
    # The version that made it stale was withdrawn before it took effect.
    CALLED_OFF = "called_off"


class Release(StrEnum):
    """When a result is shown to whom it belongs."""

    AT_ONCE = "at_once"
    AFTER_WINDOW = "after_window"
    BY_HAND = "by_hand"


class AttemptState(StrEnum):
    """The life of an attempt; `rules.LEGAL_STEPS` says which state follows which."""

    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    MARKED = "marked"
    RELEASED = "released"
    VOIDED = "voided"


class Verdict(StrEnum):
    """What was said of a question before a draft is published."""

    STILL_RIGHT = "still_right"
    REWRITE = "rewrite"


class SubmittedBy(StrEnum):
    """Who handed the attempt in: the learner, or the sweep when the time was over."""

    LEARNER = "learner"
    SWEEP = "sweep"


class EventKind(StrEnum):
    """What can happen to an attempt; each is one row of its history."""

    STARTED = "started"
    SAVED = "saved"
    FOCUS_LOST = "focus_lost"
    FOCUS_REGAINED = "focus_regained"
    OFFLINE = "offline"
    ONLINE = "online"
    SECOND_TAB = "second_tab"
    REFUSED = "refused"
    EXTENDED = "extended"
    SUBMITTED = "submitted"
    MARKED = "marked"
    RELEASED = "released"
    VOIDED = "voided"


class QuestionBank(Base):
    """Questions about one document, under a stable slug."""

    __tablename__ = "question_banks"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[Words]
    # The document and version that a bare clause id belongs to; empty where every citation names its own.
    document_slug: Mapped[str] = mapped_column(String(60), default="")
    document_version: Mapped[str] = mapped_column(String(20), default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    questions: Mapped[list[Question]] = relationship(
        back_populates="bank", order_by="(Question.position.is_(None), Question.position, Question.id)"
    )


class Question(Base):
    """A question's stable identity; its texts live in versions."""

    __tablename__ = "questions"
    __table_args__ = (UniqueConstraint("bank_id", "slug", name="uq_questions_bank_id_slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    bank_id: Mapped[int] = mapped_column(ForeignKey("question_banks.id", ondelete="RESTRICT"))
    slug: Mapped[str] = mapped_column(String(60))
    state: Mapped[QuestionState] = mapped_column(enum_type(QuestionState))
    # The order within the bank; None once the question was taken out of it.
    position: Mapped[int | None]
    # The number of the newest version, the one that is drawn.
    latest: Mapped[int]
    created_at: Mapped[datetime]

    bank: Mapped[QuestionBank] = relationship(back_populates="questions")
    versions: Mapped[list[QuestionVersion]] = relationship(back_populates="question", order_by="QuestionVersion.number")

    @property
    def written_state(self) -> QuestionState:
        """The state as its author writes it: a stale question is one that is live when nobody has changed a rule."""
        return QuestionState.LIVE if self.state is QuestionState.STALE else self.state


class QuestionVersion(Base):
    """One immutable wording of a question in both languages, with its key; attempts keep theirs."""

    __tablename__ = "question_versions"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("question_id", "number", name="uq_question_versions_question_id_number"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="RESTRICT"))
    number: Mapped[int]
    type: Mapped[str] = mapped_column(String(30))
    # Texts of each language, choices, key, points, tags: `types.base.Content` as plain data.
    content: Mapped[dict[str, Any]]
    # SHA-256 over the content and the citations.
    hash: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    question: Mapped[Question] = relationship(back_populates="versions")
    citations: Mapped[list[QuestionCitation]] = relationship(
        back_populates="question_version", order_by="QuestionCitation.position"
    )


class QuestionCitation(Base):
    """A clause that a question version rests on, or names in its texts, as it stood when it was written."""

    __tablename__ = "question_citations"
    __sealed__ = Sealed(per="question_version_id")
    __table_args__ = (
        UniqueConstraint("question_version_id", "position", name="uq_question_citations_version_position"),
        Index("ix_question_citations_clause", "document_slug", "anchor"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id", ondelete="RESTRICT"))
    position: Mapped[int]
    # True: the question tests this clause. False: its texts only link to it.
    tested: Mapped[bool]
    document_slug: Mapped[str] = mapped_column(String(60))
    version_number: Mapped[str] = mapped_column(String(20))
    anchor: Mapped[str] = mapped_column(String(60))
    clause_hash: Mapped[str] = mapped_column(String(64))
    title: Mapped[Words]

    question_version: Mapped[QuestionVersion] = relationship(back_populates="citations")


class QuestionStaleness(Base):
    """That a version of a document changed what a question tests, and how that was settled.

    While one is open the question is not drawn. A question may wait for several documents, for each once: a later
    version of the same document adds nothing to what is to be looked at.
    """

    __tablename__ = "question_staleness"
    __sealed__ = Sealed(
        later=("kept_out_at", "kept_out_by", "settled_at", "settled_by", "settled_how", "settled_version_id", "note")
    )
    __table_args__ = (
        Index(
            "uq_question_staleness_open",
            "question_id",
            "document_slug",
            unique=True,
            sqlite_where=text("settled_at is null"),
            postgresql_where=text("settled_at is null"),
        ),
        UniqueConstraint("question_id", "version_id"),
        CheckConstraint("(settled_at is null) = (settled_how is null)", name="settled"),
        CheckConstraint("(settled_at is null) = (settled_by is null)", name="settled_by"),
        CheckConstraint("(kept_out_at is null) = (kept_out_by is null)", name="kept_out"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="RESTRICT"))
    # The wording that was the newest then.
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id", ondelete="RESTRICT"))
    document_slug: Mapped[str] = mapped_column(String(90))
    # The version of the document that made it stale.
    version_id: Mapped[int] = mapped_column(ForeignKey("document_versions.id", ondelete="RESTRICT"), index=True)
    version_number: Mapped[str] = mapped_column(String(20))
    # The clauses that it tests and that changed, by the ids under which it cites them.
    anchors: Mapped[list[str]]
    since: Mapped[datetime]
    # Somebody looked at it and leaves it out until it is rewritten.
    kept_out_at: Mapped[datetime | None]
    kept_out_by: Mapped[str | None] = mapped_column(String(40))
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(40))
    settled_how: Mapped[SettledHow | None] = mapped_column(enum_type(SettledHow))
    # The wording that is drawn from then on.
    settled_version_id: Mapped[int | None] = mapped_column(ForeignKey("question_versions.id", ondelete="RESTRICT"))
    note: Mapped[str] = mapped_column(Text, default="")

    question: Mapped[Question] = relationship()
    question_version: Mapped[QuestionVersion] = relationship(foreign_keys=[question_version_id])
    version: Mapped[DocumentVersion] = relationship()


class QuestionLook(Base):
    """That somebody looked at a question beside a clause as a draft has it, before it is published.

    The newest one counts for as long as the clause reads like that; what is published otherwise was not looked at.
    """

    __tablename__ = "question_looks"
    __sealed__ = Sealed()
    __table_args__ = (Index("ix_question_looks_draft_id", "draft_id", "question_version_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("drafts.id", ondelete="RESTRICT"))
    question_version_id: Mapped[int] = mapped_column(
        ForeignKey("question_versions.id", ondelete="RESTRICT"), index=True
    )
    # The clause by the id under which the question cites it.
    anchor: Mapped[str] = mapped_column(String(60))
    # Its hash in the draft, in the language that decides; empty: the draft takes it out.
    clause_hash: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[Verdict] = mapped_column(enum_type(Verdict))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))


class Quiz(Base):
    """A quiz's stable identity; what it asks and how long it takes is in its versions."""

    __tablename__ = "quizzes"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    created_at: Mapped[datetime]
    # Owner and deputy as the imported file names them, and who became owner for that; a file whose owner
    # is unknown here is written out again as it came, until the ownership changes.
    stated_owner: Mapped[str] = mapped_column(String(254), default="")
    stated_deputy: Mapped[str] = mapped_column(String(254), default="")
    stated_owner_became: Mapped[str] = mapped_column(String(40), default="")

    versions: Mapped[list[QuizVersion]] = relationship(back_populates="quiz", order_by="QuizVersion.id")


class QuizVersion(Base):
    """The immutable terms of a quiz: what is drawn, the clock, the pass mark, when and what of the result is shown."""

    __tablename__ = "quiz_versions"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("quiz_id", "number", name="uq_quiz_versions_quiz_id_number"),
        CheckConstraint("time_limit_minutes > 0", name="time_limit_minutes"),
        CheckConstraint("attempts_allowed > 0", name="attempts_allowed"),
        CheckConstraint("wait_hours >= 0 and wait_after_fails >= 0", name="wait"),
        CheckConstraint("opens_at is null or closes_at is null or opens_at < closes_at", name="window"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(20))
    title: Mapped[Words]
    # A list of draws, as `rules.Draw` reads them.
    blueprint: Mapped[list[Any]]
    time_limit_minutes: Mapped[int]
    attempts_allowed: Mapped[int]
    # This long before another attempt, once that many were failed; 0 hours: no wait.
    wait_hours: Mapped[int]
    wait_after_fails: Mapped[int]
    pass_mark: Mapped[Fraction]
    release: Mapped[Release] = mapped_column(enum_type(Release))
    # Which of score, correctness, key, rationale the result shows.
    show: Mapped[list[str]]
    shuffle_questions: Mapped[bool]
    shuffle_choices: Mapped[bool]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    hash: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    quiz: Mapped[Quiz] = relationship(back_populates="versions", lazy="joined", innerjoin=True)


class Attempt(Base):
    """One sitting of one person: everything it depends on is fixed at its start."""

    __tablename__ = "attempts"
    __sealed__ = Sealed(
        later=(
            "state",
            "granted_seconds",
            "deadline_at",
            "finished_at",
            "submitted_by",
            "released_at",
            "history_length",
            "history_hash",
        ),
        besides=("writer", "writer_seen_at"),
    )
    __table_args__ = (
        UniqueConstraint("person_id", "quiz_id", "attempt_no", name="uq_attempts_person_id_quiz_id_attempt_no"),
        Index(
            "uq_attempts_in_progress",
            "person_id",
            "quiz_id",
            unique=True,
            sqlite_where=text("state = 'in_progress'"),
            postgresql_where=text("state = 'in_progress'"),
        ),
        Index("ix_attempts_state_deadline_at", "state", "deadline_at"),
        CheckConstraint("attempt_no >= 1", name="attempt_no"),
        CheckConstraint("granted_seconds >= 0", name="granted_seconds"),
        CheckConstraint("(state in ('in_progress', 'voided')) or finished_at is not null", name="finished"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"), index=True)
    quiz_version_id: Mapped[int] = mapped_column(ForeignKey("quiz_versions.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    attempt_no: Mapped[int]
    state: Mapped[AttemptState] = mapped_column(enum_type(AttemptState))
    seed: Mapped[str] = mapped_column(String(64))
    # The language in which it was begun.
    language: Mapped[str] = mapped_column(String(2))
    limit_seconds: Mapped[int]
    multiplier: Mapped[Fraction]
    granted_seconds: Mapped[int] = mapped_column(default=0)
    hide_countdown: Mapped[bool] = mapped_column(default=False)
    # For how long after the deadline what was on its way is still taken: the setting as it was at the start.
    tolerance_seconds: Mapped[int] = mapped_column(
        default=DEFAULT_TOLERANCE_SECONDS, server_default=str(DEFAULT_TOLERANCE_SECONDS)
    )
    started_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    submitted_by: Mapped[SubmittedBy | None] = mapped_column(enum_type(SubmittedBy))
    released_at: Mapped[datetime | None]
    # Where its history ended when it was last handed in, marked, released or voided.
    history_length: Mapped[int | None]
    history_hash: Mapped[str | None] = mapped_column(String(64))
    # Which page of which browser may write, and when it was last heard of.
    writer: Mapped[str | None] = mapped_column(String(40))
    writer_seen_at: Mapped[datetime | None]

    quiz_version: Mapped[QuizVersion] = relationship(lazy="joined", innerjoin=True)
    person: Mapped[Person] = relationship()
    items: Mapped[list[Item]] = relationship(back_populates="attempt", order_by="Item.position")
    events: Mapped[list[AttemptEvent]] = relationship(back_populates="attempt", order_by="AttemptEvent.number")
    markings: Mapped[list[Marking]] = relationship(back_populates="attempt", order_by="Marking.marking_no")

    @property
    def tolerance(self) -> timedelta:
        """How long after its deadline what was on its way is still taken."""
        return timedelta(seconds=self.tolerance_seconds)


class Item(Base):
    """One question version as drawn in one attempt, its choices in the order shown."""

    __tablename__ = "items"
    __sealed__ = Sealed(per="attempt_id")
    __table_args__ = (
        UniqueConstraint("attempt_id", "position", name="uq_items_attempt_id_position"),
        CheckConstraint("position >= 1", name="position"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    position: Mapped[int]
    question_version_id: Mapped[int] = mapped_column(
        ForeignKey("question_versions.id", ondelete="RESTRICT"), index=True
    )
    # Part → ids of its choices in the order shown.
    choice_order: Mapped[dict[str, Any]]
    max_points: Mapped[Fraction]

    attempt: Mapped[Attempt] = relationship(back_populates="items")
    question_version: Mapped[QuestionVersion] = relationship()
    response: Mapped[Response | None] = relationship(back_populates="item")


class Response(Base):
    """The newest answer that was received for an item in time."""

    __tablename__ = "responses"
    __table_args__ = (CheckConstraint("seq >= 1", name="seq"),)

    item_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("items.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int]
    # Part → ids of the chosen choices; empty: taken back.
    answer: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    hash: Mapped[str] = mapped_column(String(64))

    item: Mapped[Item] = relationship(back_populates="response")


class AttemptEvent(Base):
    """One line of an attempt's history, shown to the learner too; added to, never edited."""

    __tablename__ = "attempt_events"
    __table_args__ = (
        # One effect for one idempotency key; events without a key are not bound by it.
        UniqueConstraint("attempt_id", "idem_key", name="uq_attempt_events_attempt_id_idem_key"),
        Index("uq_attempt_events_attempt_id_number", "attempt_id", "number", unique=True),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    # 1, 2, 3 … within the attempt; the hash is over this line and that of the line before.
    number: Mapped[int] = mapped_column(server_default="0")
    chain: Mapped[str] = mapped_column(String(64), server_default="")
    kind: Mapped[EventKind] = mapped_column(enum_type(EventKind))
    at: Mapped[datetime]
    # The person's code, or "system".
    by: Mapped[str] = mapped_column(String(40))
    position: Mapped[int | None]
    seq: Mapped[int | None]
    hash: Mapped[str | None] = mapped_column(String(64))
    idem_key: Mapped[str | None] = mapped_column(String(80))
    reason: Mapped[str | None] = mapped_column(Text)
    # Minutes granted, time of the browser's own clock; never an answer.
    details: Mapped[dict[str, Any] | None]

    attempt: Mapped[Attempt] = relationship(back_populates="events")


class Marking(Base):
    """One marking of an attempt; the highest number counts, earlier ones stay as they were."""

    __tablename__ = "markings"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("attempt_id", "marking_no", name="uq_markings_attempt_id_marking_no"),
        CheckConstraint("marking_no >= 1", name="marking_no"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    marking_no: Mapped[int]
    points: Mapped[Fraction]
    max_points: Mapped[Fraction]
    score: Mapped[Fraction]
    passed: Mapped[bool]
    marked_at: Mapped[datetime]
    marked_by: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(Text)

    attempt: Mapped[Attempt] = relationship(back_populates="markings")
    item_marks: Mapped[list[ItemMark]] = relationship(back_populates="marking", order_by="ItemMark.item_id")


class ItemMark(Base):
    """The points of one item in one marking."""

    __tablename__ = "item_marks"
    __sealed__ = Sealed(per="marking_id")

    marking_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("markings.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    item_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("items.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False, index=True
    )
    points: Mapped[Fraction]
    max_points: Mapped[Fraction]

    marking: Mapped[Marking] = relationship(back_populates="item_marks")
    item: Mapped[Item] = relationship()
