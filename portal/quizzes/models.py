"""Tables of banks, questions and their versions, quizzes, attempts with what was answered, and markings."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.core.db import Base, BigKey, Json, enum_type
from portal.core.i18n import Words
from portal.core.seals import Sealed
from portal.library.models import DocumentVersion
from portal.quizzes.rules import DEFAULT_TOLERANCE_SECONDS
from portal.quizzes.rules.passing import Counts
from portal.quizzes.types import contents
from portal.quizzes.types.contents import Content


class QuestionState(StrEnum):
    """Whether a question may be drawn; `rules.lifecycle` says which state people may let follow which."""

    # Being written: a language may be missing, and it may cite nothing yet.
    DRAFT = "draft"
    # Written and waiting for somebody else's look.
    IN_REVIEW = "in_review"
    # Shown in attempts so that it is known how people answer it, but not scored.
    PILOT = "pilot"
    LIVE = "live"
    # Written to be drawn, but a clause that it tests has changed: not drawn until somebody has looked at it.
    STALE = "stale"
    # Taken out because something is wrong with it, as a person or its results say.
    QUARANTINED = "quarantined"
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


class Navigation(StrEnum):
    """Whether a question that was left can be gone back to."""

    FREE = "free"
    # An answered or skipped question stays as it was left.
    FORWARD_ONLY = "forward_only"


class Layout(StrEnum):
    """How many questions a page of an attempt shows."""

    ALL = "all"
    ONE_PER_PAGE = "one_per_page"


class Confidence(StrEnum):
    """How sure somebody says she is of an answer; never part of any mark."""

    SURE = "sure"
    FAIRLY = "fairly"
    GUESS = "guess"


class SecondMarker(StrEnum):
    """Whose answers a second person marks, of those that people mark."""

    NONE = "none"
    # Of attempts whose score with the first marks lies near the pass mark.
    BORDERLINE = "borderline"
    ALL = "all"


class MarkRound(StrEnum):
    """Which of the persons who mark an answer is meant."""

    FIRST = "first"
    # Marks without seeing the first.
    SECOND = "second"
    # Decides with both in view, where they differ too much or an appeal was upheld.
    MODERATION = "moderation"


class Remedy(StrEnum):
    """What follows from an appeal that was upheld."""

    # The question is marked by another rule for everybody who had it.
    REGRADE = "regrade"
    # This one answer is marked again by another person.
    REMARK = "remark"


class RegradeKind(StrEnum):
    """By which rule a wording of a question is marked instead of its own key."""

    # It counts for nobody: neither its points nor what could have been earned.
    VOID = "void"
    # Other answers are right as well.
    ACCEPT = "accept"
    # Everybody has all of its points.
    FULL = "full"
    # As its key says: takes an earlier rule back.
    AS_WRITTEN = "as_written"


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
    # An accommodation began to hold while the attempt ran.
    ACCOMMODATED = "accommodated"
    BREAK_BEGUN = "break_begun"
    BREAK_ENDED = "break_ended"
    # The question before this one was left for good.
    MOVED_ON = "moved_on"
    # An answer that had come too late is taken after all.
    ACCEPTED = "accepted"
    # An answer that had come too late does not count, as somebody decided.
    DECLINED = "declined"
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
    # How often its questions were changed in the product: a file states the revision that it was written from.
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    questions: Mapped[list[Question]] = relationship(
        back_populates="bank", order_by="(Question.position.is_(None), Question.position, Question.id)"
    )


class Question(Base):
    """A question's stable identity; its texts live in versions."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("bank_id", "slug", name="uq_questions_bank_id_slug"),
        CheckConstraint("submitted_at is null or proposed is not null", name="submitted"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bank_id: Mapped[int] = mapped_column(ForeignKey("question_banks.id", ondelete="RESTRICT"))
    slug: Mapped[str] = mapped_column(String(60))
    state: Mapped[QuestionState] = mapped_column(enum_type(QuestionState))
    # The order within the bank; None once the question was taken out of it.
    position: Mapped[int | None]
    # The number of the version that counts: the one that is drawn.
    latest: Mapped[int]
    # The number of a newer wording that takes its place once somebody else has approved it; and since when it waits
    # for that, None while it is being written.
    proposed: Mapped[int | None]
    submitted_at: Mapped[datetime | None]
    # The bank's revision when the question was last changed in the product; 0: only files have changed it.
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    bank: Mapped[QuestionBank] = relationship(back_populates="questions")
    versions: Mapped[list[QuestionVersion]] = relationship(back_populates="question", order_by="QuestionVersion.number")

    @property
    def written_state(self) -> QuestionState:
        """The state as its author writes it: a stale question is one that is live when nobody has changed a rule."""
        return QuestionState.LIVE if self.state is QuestionState.STALE else self.state

    @property
    def in_work(self) -> int:
        """The number of the version on which people work: the proposed wording, else the one that counts."""
        return self.latest if self.proposed is None else self.proposed


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
    # The language whose text has not followed the last change of the other one; None: both say the same.
    behind: Mapped[str | None] = mapped_column(String(2))
    origin: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    question: Mapped[Question] = relationship(back_populates="versions")
    citations: Mapped[list[QuestionCitation]] = relationship(
        back_populates="question_version", order_by="QuestionCitation.position"
    )

    def read(self) -> Content:
        """Return the question that the content is; it is read once, however often it is asked for."""
        kept: tuple[Any, Content] | None = self.__dict__.get("_kept")
        # What was read from the database anew is another object.
        if kept is None or kept[0] is not self.content:
            kept = (self.content, contents.read(self.content))
            self.__dict__["_kept"] = kept
        return kept[1]


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


class QuestionPicture(Base):
    """A picture that wordings of questions show, as it was made anew from what was uploaded; each is kept once."""

    __tablename__ = "question_pictures"
    # The bytes are those of the hash; the invariants compute it again.
    __sealed__ = Sealed(besides=("data",))

    id: Mapped[int] = mapped_column(primary_key=True)
    # SHA-256 of the bytes, in hexadecimal; by it the content of a version names the picture.
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    width: Mapped[int]
    height: Mapped[int]
    # Of the bytes.
    size: Mapped[int]
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str] = mapped_column(String(40))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class QuestionStep(Base):
    """One step of a question, or of its proposed wording, from a state to another: who did it when, and why."""

    __tablename__ = "question_steps"
    __sealed__ = Sealed()
    __table_args__ = (Index("ix_question_steps_question_id", "question_id", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="RESTRICT"))
    # The wording that was looked at.
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id", ondelete="RESTRICT"))
    # True: not the question as a whole, but the wording that was proposed beside the one that counts.
    of_proposal: Mapped[bool]
    before: Mapped[str] = mapped_column(String(30))
    after: Mapped[QuestionState] = mapped_column(enum_type(QuestionState))
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    # None: the product itself.
    by: Mapped[str | None] = mapped_column(String(40))


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


class FlagKind(StrEnum):
    """What the results of a question point out; `rules.triggers` says from when on."""

    # Those who do well elsewhere do worse here: it is quarantined.
    NEGATIVE_DISCRIMINATION = "negative_discrimination"
    # In one language it is harder than in the other for people of the same ability: its translation is to be reviewed.
    LANGUAGE_GAP = "language_gap"
    # It was shown too often: draws spare it, and a successor is to be written.
    OVEREXPOSED = "overexposed"


class QuestionFlag(Base):
    """That results point out something about a wording of a question, until somebody says what came of it."""

    __tablename__ = "question_flags"
    __sealed__ = Sealed(later=("closed_at", "closed_by", "note"))
    __table_args__ = (
        Index(
            "uq_question_flags_open",
            "question_id",
            "kind",
            unique=True,
            sqlite_where=text("closed_at is null"),
            postgresql_where=text("closed_at is null"),
        ),
        CheckConstraint("n >= 0", name="n"),
        CheckConstraint("(quiz_id is null) = (kind = 'overexposed')", name="quiz"),
        CheckConstraint("(closed_at is null) = (closed_by is null)", name="closed"),
        CheckConstraint("(closed_at is null) = (note is null)", name="note"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="RESTRICT"), index=True)
    question_version_id: Mapped[int] = mapped_column(
        ForeignKey("question_versions.id", ondelete="RESTRICT"), index=True
    )
    kind: Mapped[FlagKind] = mapped_column(enum_type(FlagKind))
    # In whose results it shows; None: in how often all quizzes have shown it.
    quiz_id: Mapped[int | None] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"), index=True)
    # People whose first attempts say so; of what was shown too often, how often.
    n: Mapped[int]
    # The figures behind it by name, as floats; what is not defined is left out.
    figures: Mapped[dict[str, Any]]
    # What stands for what a learner sees of the wording (`types.wording`).
    wording: Mapped[str] = mapped_column(String(64))
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)

    question: Mapped[Question] = relationship()
    question_version: Mapped[QuestionVersion] = relationship()
    quiz: Mapped[Quiz | None] = relationship()


class ResultsWatch(Base):
    """Up to which marking the results of a quiz were looked at, and when; one row for each quiz."""

    __tablename__ = "results_watches"

    quiz_id: Mapped[int] = mapped_column(
        ForeignKey("quizzes.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    marking_id: Mapped[int] = mapped_column(BigKey, default=0)
    looked_at: Mapped[datetime]


class RowVerdict(StrEnum):
    """What becomes of a question of a file."""

    TAKEN = "taken"
    # It comes in, without something that the file says.
    WITH_LOSS = "with_loss"
    REFUSED = "refused"


class QuestionImport(Base):
    """A file of questions that was sent for a bank, to be read, looked at and taken in; forgotten after days."""

    __tablename__ = "question_imports"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    bank_id: Mapped[int] = mapped_column(ForeignKey("question_banks.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str] = mapped_column(String(200))
    format: Mapped[str] = mapped_column(String(20))
    # The encoding that somebody named, where what the bytes look like was wrong.
    encoding: Mapped[str | None] = mapped_column(String(20))
    # The language that its texts are in.
    language: Mapped[str] = mapped_column(String(2))
    # Tags that every question gets beside its own; whether its category becomes one of them.
    tags: Mapped[list[str]]
    tags_categories: Mapped[bool]
    # What was sent, until its questions are in the bank.
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    # It is read anew where somebody says that it is in another format; which reading this is.
    reading: Mapped[int] = mapped_column(default=1)
    read_at: Mapped[datetime | None]
    # What the questions lose, the most frequent first: [[in English, in Japanese, of how many], …]; of none: what is to
    # be known of the file as a whole.
    losses: Mapped[list[Any]]
    taken_at: Mapped[datetime | None]
    # How many of its questions came into the bank; how many of these only gave one that was there its other language.
    taken: Mapped[int | None]
    completed: Mapped[int | None]

    bank: Mapped[QuestionBank] = relationship(lazy="joined")
    created_by: Mapped[Person] = relationship(lazy="joined")


class QuestionImportRow(Base):
    """A question of a file as it would come into the bank, or why it cannot."""

    __tablename__ = "question_import_rows"
    __table_args__ = (UniqueConstraint("import_id", "place", name="uq_question_import_rows_import_id_place"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("question_imports.id", ondelete="CASCADE"))
    # Its place in the file, from 1, and the line on which it begins; 0 is the file as a whole.
    place: Mapped[int]
    line: Mapped[int]
    verdict: Mapped[RowVerdict] = mapped_column(enum_type(RowVerdict))
    type: Mapped[str] = mapped_column(String(30), default="")
    title: Mapped[str] = mapped_column(Text, default="")
    # The id that it would like to have in the bank.
    slug: Mapped[str] = mapped_column(String(60), default="")
    # `types.base.Content` as plain data; empty where it is refused.
    content: Mapped[dict[str, Any]]
    # What it loses, or why it is refused: [[in English, in Japanese], …].
    reasons: Mapped[list[Any]]
    # SHA-256 over what it asks, by which the same question is known again.
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    # The question of the bank that asks the same, or "line 12" of the file; empty: there is none.
    twin: Mapped[str] = mapped_column(String(80), default="")
    # The question of the bank to which it gives the language of the file; empty: it would be a new one.
    completes: Mapped[str] = mapped_column(String(60), default="", server_default="")
    # Another question has the id that this one would like to have: in what they differ, [[in English, in Japanese], …]
    # of one in the bank, the line of one before it in the file. Nothing: the id is free.
    clash: Mapped[list[Any] | None]
    clash_line: Mapped[int | None]
    # Somebody looked at it and does not want it.
    is_left_out: Mapped[bool] = mapped_column(default=False)


class QuestionExport(Base):
    """A file of the questions of a bank that somebody asked for; forgotten after days."""

    __tablename__ = "question_exports"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    bank_id: Mapped[int] = mapped_column(ForeignKey("question_banks.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    format: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    # Which questions were asked for: state, type, tag; empty: all.
    wanted: Mapped[dict[str, Any]]
    made_at: Mapped[datetime | None]
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    # How many questions are in the file, and how many were asked for.
    written: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)
    # What the file does not hold: [[question, its title, what in English, in Japanese, whether it is left out,
    # of which kind in English, in Japanese], …]. Older rows have no kinds.
    losses: Mapped[list[Any]]

    bank: Mapped[QuestionBank] = relationship(lazy="joined")
    created_by: Mapped[Person] = relationship(lazy="joined")


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
        CheckConstraint("pilots is null or pilots > 0", name="pilots"),
        CheckConstraint(
            "coalesce(navigation, 'free') <> 'forward_only' or coalesce(layout, 'all') = 'one_per_page'",
            name="forward_only",
        ),
        CheckConstraint("tolerance_seconds is null or tolerance_seconds between 0 and 60", name="tolerance_seconds"),
        CheckConstraint("appeal_days is null or appeal_days between 0 and 365", name="appeal_days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"))
    number: Mapped[str] = mapped_column(String(20))
    title: Mapped[Words]
    # What it is for, in a sentence that learners read before they start; None: nobody has said so.
    purpose: Mapped[Words | None]
    # A list of draws, as `rules.Draw` reads them.
    blueprint: Mapped[list[Any]]
    # Id, title and, where it has one, pass mark of each section; None: the quiz has no sections.
    sections: Mapped[list[Any] | None] = mapped_column(Json())
    # How many questions on trial are added; None: none.
    pilots: Mapped[int | None]
    # Which attempt is a person's result; None: the highest.
    counts: Mapped[Counts | None] = mapped_column(enum_type(Counts))
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
    # How it is taken. None stands for what every quiz was before there was a choice, so that sealed versions stay as
    # they are: free, all on one page, no question about confidence, no practice.
    navigation: Mapped[Navigation | None] = mapped_column(enum_type(Navigation))
    layout: Mapped[Layout | None] = mapped_column(enum_type(Layout))
    confidence: Mapped[bool | None]
    practice: Mapped[bool | None]
    # Whose answers a second person marks; not stated: nobody's.
    second_marker: Mapped[SecondMarker | None] = mapped_column(enum_type(SecondMarker))
    # Two persons who differ by more than this share of the points need a third; not stated: the product's share.
    moderation_above: Mapped[Fraction | None]
    # So close to a mark a second person marks where only those at the border have one; not stated: the product's share.
    borderline_within: Mapped[Fraction | None]
    # For so many days after its release a result can be appealed, 0: not at all; not stated: as long as the product
    # says.
    appeal_days: Mapped[int | None]
    # For so long after the deadline what was on its way is still taken; not stated: as long as the organisation says.
    tolerance_seconds: Mapped[int | None]
    # Open only to those to whom it is assigned; not stated: to everybody who may read what it asks about.
    only_assigned: Mapped[bool | None]
    hash: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))

    quiz: Mapped[Quiz] = relationship(back_populates="versions", lazy="joined", innerjoin=True)

    @property
    def is_forward_only(self) -> bool:
        """Whether a question that was left cannot be changed any more."""
        return self.navigation is Navigation.FORWARD_ONLY

    @property
    def shows_score(self) -> bool:
        """Whether whoever sat it learns her score: on every page, in every mail and file that is hers.

        Those who look after her, or answer for the quiz, always see it.
        """
        return "score" in self.show

    @property
    def is_one_per_page(self) -> bool:
        """Whether each question has a page of its own."""
        return self.layout is Layout.ONE_PER_PAGE


class Attempt(Base):
    """One sitting of one person: everything it depends on is fixed at its start."""

    __tablename__ = "attempts"
    __sealed__ = Sealed(
        later=(
            "state",
            "multiplier",
            "hide_countdown",
            "granted_seconds",
            "break_allowance_seconds",
            "break_seconds",
            "break_began_at",
            "break_until",
            "deadline_at",
            "finished_at",
            "submitted_by",
            "released_at",
            "history_length",
            "history_hash",
        ),
        besides=("writer", "writer_seen_at", "reached"),
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
        CheckConstraint(
            "break_seconds is null or break_seconds between 0 and break_allowance_seconds", name="break_seconds"
        ),
        CheckConstraint("(break_began_at is null) = (break_until is null)", name="break_until"),
        CheckConstraint("reached >= 1", name="reached"),
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
    # How long she may stop the clock in all, and for how long she has; None: no break was agreed. While a break is
    # running, all that is left of them counts as taken, until it ends.
    break_allowance_seconds: Mapped[int | None]
    break_seconds: Mapped[int | None]
    break_began_at: Mapped[datetime | None]
    break_until: Mapped[datetime | None]
    # The question that she is at, where one goes forward only; those before it are left for good. The lines of the
    # history say the same.
    reached: Mapped[int | None]
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

    @property
    def added_seconds(self) -> int:
        """By how many seconds grants and breaks move its deadline."""
        return self.granted_seconds + (self.break_seconds or 0)

    def is_on_break(self, now: datetime) -> bool:
        """Say whether its clock stands still at this instant."""
        return self.state is AttemptState.IN_PROGRESS and self.break_until is not None and now < self.break_until


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
    # The section of the quiz in which it was asked; None where the quiz has none.
    section: Mapped[str | None] = mapped_column(String(60))
    # True: it was asked on trial, and its points count nowhere. Never False: what is not on trial says nothing of it.
    on_trial: Mapped[bool | None]

    attempt: Mapped[Attempt] = relationship(back_populates="items")
    question_version: Mapped[QuestionVersion] = relationship()
    response: Mapped[Response | None] = relationship(back_populates="item")

    @property
    def is_scored(self) -> bool:
        """Whether its points count."""
        return not self.on_trial


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
    # How sure she said she was, where the quiz asks.
    confidence: Mapped[Confidence | None] = mapped_column(enum_type(Confidence))

    item: Mapped[Item] = relationship(back_populates="response")


class RefusedAnswer(Base):
    """An answer that came after the time was over: kept as it came, counted only if somebody accepts it for a reason.

    Whoever decides may decline it as well, for a reason; what is decided once stays so.

    Staff see that there is one, when it came and how late, never what it says.
    """

    __tablename__ = "refused_answers"
    __sealed__ = Sealed(later=("accepted_at", "accepted_by", "declined_at", "declined_by", "reason"))
    __table_args__ = (
        UniqueConstraint("item_id", "seq", name="uq_refused_answers_item_id_seq"),
        CheckConstraint("seq >= 1", name="seq"),
        CheckConstraint("late_seconds > 0", name="late_seconds"),
        CheckConstraint("(accepted_at is null) = (accepted_by is null)", name="accepted_by"),
        CheckConstraint("(declined_at is null) = (declined_by is null)", name="declined_by"),
        CheckConstraint("accepted_at is null or declined_at is null", name="decided_once"),
        CheckConstraint("(accepted_at is null and declined_at is null) = (reason is null)", name="reason"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"), index=True)
    item_id: Mapped[int] = mapped_column(BigKey, ForeignKey("items.id", ondelete="RESTRICT"))
    seq: Mapped[int]
    answer: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))
    confidence: Mapped[Confidence | None] = mapped_column(enum_type(Confidence))
    received_at: Mapped[datetime]
    # Whole seconds after the deadline, rounded up.
    late_seconds: Mapped[int]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(String(40))
    declined_at: Mapped[datetime | None]
    declined_by: Mapped[str | None] = mapped_column(String(40))
    # Why it was accepted or declined; the learner reads it.
    reason: Mapped[str | None] = mapped_column(Text)

    item: Mapped[Item] = relationship()

    @property
    def is_decided(self) -> bool:
        """Whether somebody has accepted or declined it."""
        return self.accepted_at is not None or self.declined_at is not None


class VoidRequest(Base):
    """That somebody asks that an attempt be made void whose result is out; it is once a second person confirms it."""

    __tablename__ = "void_requests"
    __sealed__ = Sealed(later=("decided_at", "decided_by", "is_confirmed", "note"))
    __table_args__ = (
        Index(
            "uq_void_requests_open",
            "attempt_id",
            unique=True,
            sqlite_where=text("decided_at is null"),
            postgresql_where=text("decided_at is null"),
        ),
        Index("ix_void_requests_attempt_id", "attempt_id"),
        CheckConstraint("(decided_at is null) = (is_confirmed is null)", name="decided"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", name="decided_by"),
        CheckConstraint("not coalesce(is_confirmed, false) or decided_by <> asked_by", name="two_people"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    # The learner reads it where it is confirmed.
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(40))
    is_confirmed: Mapped[bool | None]
    # Why it was declined, or taken back.
    note: Mapped[str | None] = mapped_column(Text)

    attempt: Mapped[Attempt] = relationship()


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
        CheckConstraint("keeps_pass is null or passed", name="keeps_pass"),
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
    # Which regrade, or which appeal, led to it.
    regrade_id: Mapped[int | None] = mapped_column(ForeignKey("regrades.id", ondelete="RESTRICT"), index=True)
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id", ondelete="RESTRICT"), index=True)
    # The score has fallen below the pass mark, but what was passed stays passed.
    keeps_pass: Mapped[bool | None]
    # Section → points, max points (exact, as texts) and whether its own mark is reached; None without sections.
    sections: Mapped[dict[str, Any] | None] = mapped_column(Json())

    attempt: Mapped[Attempt] = relationship(back_populates="markings")
    regrade: Mapped[Regrade | None] = relationship()
    appeal: Mapped[Appeal | None] = relationship()
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


class AnswerToMark(Base):
    """An answer that people mark: whose turn it is, and who has it before her now.

    Its code is drawn by lot and says nothing of who answered; answers to a question come in the order of their codes.
    """

    __tablename__ = "answers_to_mark"
    __table_args__ = (
        Index("ix_answers_to_mark_round", "round", "since"),
        CheckConstraint("(taken_by is null) = (taken_until is null)", name="taken"),
    )

    item_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("items.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    code: Mapped[str] = mapped_column(String(20), unique=True)
    # The mark that it waits for; None: for nothing, or for other answers of the same attempt first.
    round: Mapped[MarkRound | None] = mapped_column(enum_type(MarkRound))
    # When it was handed in.
    since: Mapped[datetime]
    # The person's code; after that instant anybody else may take it.
    taken_by: Mapped[str | None] = mapped_column(String(40))
    taken_until: Mapped[datetime | None]

    item: Mapped[Item] = relationship()


class MarkDraft(Base):
    """What somebody has written about an answer and not given yet."""

    __tablename__ = "mark_drafts"

    item_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("items.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    # As typed: field → text.
    given: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class HandMark(Base):
    """The points that a person gave for an answer; the highest number of a round counts."""

    __tablename__ = "hand_marks"
    __sealed__ = Sealed()
    __table_args__ = (
        UniqueConstraint("item_id", "round", "number", name="uq_hand_marks_item_id_round_number"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="RESTRICT"))
    round: Mapped[MarkRound] = mapped_column(enum_type(MarkRound))
    number: Mapped[int]
    points: Mapped[Fraction]
    # Part → criterion → points as an exact fraction.
    criteria: Mapped[dict[str, Any]]
    # To the learner.
    comment: Mapped[str] = mapped_column(Text, default="")
    marked_at: Mapped[datetime]
    marked_by: Mapped[str] = mapped_column(String(40), index=True)
    # The appeal that asked for it.
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id", ondelete="RESTRICT"), index=True)

    item: Mapped[Item] = relationship()


class Appeal(Base):
    """That a learner questions how a question of hers was marked, and what was answered.

    It ends without an answer where the attempt is made void before somebody gives one.
    """

    __tablename__ = "appeals"
    __sealed__ = Sealed(later=("answered_at", "answered_by", "is_upheld", "remedy", "answer"))
    __table_args__ = (
        Index(
            "uq_appeals_open",
            "item_id",
            unique=True,
            sqlite_where=text("answered_at is null"),
            postgresql_where=text("answered_at is null"),
        ),
        CheckConstraint("(answered_at is null) = (is_upheld is null)", name="answered"),
        CheckConstraint("remedy is null or is_upheld", name="remedy_upheld"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="RESTRICT"), index=True)
    words: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(String(40))
    is_upheld: Mapped[bool | None]
    remedy: Mapped[Remedy | None] = mapped_column(enum_type(Remedy))
    answer: Mapped[str | None] = mapped_column(Text)

    item: Mapped[Item] = relationship()
    referrals: Mapped[list[AppealReferral]] = relationship(back_populates="appeal", order_by="AppealReferral.id")

    @property
    def is_lapsed(self) -> bool:
        """Whether it ended without an answer, because its attempt was made void."""
        return self.answered_at is not None and self.answer is None


class AppealReferral(Base):
    """That somebody else was asked to answer an appeal."""

    __tablename__ = "appeal_referrals"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("appeal_id", "person_id", name="uq_appeal_referrals_appeal_id_person_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="RESTRICT"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))

    appeal: Mapped[Appeal] = relationship(back_populates="referrals")
    person: Mapped[Person] = relationship()


class Regrade(Base):
    """A rule by which a wording of a question is to be marked, and what a second person decided about it.

    Of a wording the newest approved rule stands, for the attempts that were marked and for those still to be marked.
    """

    __tablename__ = "regrades"
    __sealed__ = Sealed(later=("decided_at", "decided_by", "is_approved", "note", "went_short", "finished_at"))
    __table_args__ = (
        Index(
            "uq_regrades_undecided",
            "question_version_id",
            unique=True,
            sqlite_where=text("decided_at is null"),
            postgresql_where=text("decided_at is null"),
        ),
        Index("ix_regrades_question_version_id", "question_version_id", "decided_at"),
        CheckConstraint("(decided_at is null) = (is_approved is null)", name="decided"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", name="decided_by"),
        CheckConstraint("finished_at is null or is_approved", name="finished"),
        CheckConstraint("not coalesce(is_approved, false) or decided_by <> proposed_by", name="two_persons"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id", ondelete="RESTRICT"))
    kind: Mapped[RegradeKind] = mapped_column(enum_type(RegradeKind))
    # Part → answers (a list of strings each) that have all of its points besides what the key says.
    accepts: Mapped[dict[str, Any] | None]
    # What learners read.
    reason: Mapped[Words]
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id", ondelete="RESTRICT"), index=True)
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(40))
    is_approved: Mapped[bool | None]
    # Why it was declined, or taken back.
    note: Mapped[str | None] = mapped_column(Text)
    # The quizzes that went short because nobody is asked the question any more: [slug, questions there were, drawn].
    went_short: Mapped[list[Any] | None]
    # When every attempt that it concerns was marked by it.
    finished_at: Mapped[datetime | None]

    question_version: Mapped[QuestionVersion] = relationship()
    appeal: Mapped[Appeal | None] = relationship()
    falls: Mapped[list[RegradeFall]] = relationship(back_populates="regrade", order_by="RegradeFall.id")


class RegradeFall(Base):
    """That a result which was passed does not stay passed by a regrade, as somebody decided for a reason."""

    __tablename__ = "regrade_falls"
    __sealed__ = Sealed()
    __table_args__ = (UniqueConstraint("regrade_id", "attempt_id", name="uq_regrade_falls_regrade_id_attempt_id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    regrade_id: Mapped[int] = mapped_column(ForeignKey("regrades.id", ondelete="RESTRICT"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(40))

    regrade: Mapped[Regrade] = relationship(back_populates="falls")
    attempt: Mapped[Attempt] = relationship()


class PracticeAnswer(Base):
    """A question that somebody tried for practice; it counts for nothing and is no attempt."""

    __tablename__ = "practice_answers"
    __table_args__ = (
        Index("ix_practice_answers_person_id_quiz_id", "person_id", "quiz_id"),
        CheckConstraint("(answered_at is null) = (answer is null)", name="answer"),
        CheckConstraint("(answered_at is null) = (points is null)", name="points"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    quiz_id: Mapped[int] = mapped_column(ForeignKey("quizzes.id", ondelete="RESTRICT"), index=True)
    question_version_id: Mapped[int] = mapped_column(
        ForeignKey("question_versions.id", ondelete="RESTRICT"), index=True
    )
    choice_order: Mapped[dict[str, Any]]
    shown_at: Mapped[datetime]
    answer: Mapped[dict[str, Any] | None]
    answered_at: Mapped[datetime | None]
    points: Mapped[Fraction | None]

    quiz: Mapped[Quiz] = relationship()
    question_version: Mapped[QuestionVersion] = relationship()
