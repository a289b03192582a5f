"""Reading what lies between two versions, the answers about it, and the questions that people have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import aliased, joinedload, load_only, selectinload

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.models import AcknowledgementRequest, ClauseQuestion, DeltaAnswer
from portal.acknowledgements.queries.campaigns import list_last_confirmed
from portal.core.codes import is_well_formed, normalise
from portal.core.db import session
from portal.core.errors import NotFound
from portal.library.models import (
    AudienceKind,
    Clause,
    ClauseText,
    Document,
    DocumentAudience,
    DocumentVersion,
    VersionText,
)
from portal.quizzes.models import QuestionVersion


def find_last_confirmed(person: Person, version: DocumentVersion) -> DocumentVersion | None:
    """Return what the person confirmed last before this version, as `list_last_confirmed` says it, or None."""
    found = list_last_confirmed(version, [person.id]).get(person.id)
    return session.get(DocumentVersion, found) if found is not None else None


def list_news(document: Document, *, after: int, until: int) -> list[tuple[DocumentVersion, dict[str, VersionText]]]:
    """Return the versions later than a sequence up to another with the heads of their texts, newest first."""
    rows = session.execute(
        select(DocumentVersion, VersionText)
        .join(VersionText, VersionText.version_id == DocumentVersion.id)
        .where(
            DocumentVersion.document_id == document.id,
            DocumentVersion.sequence > after,
            DocumentVersion.sequence <= until,
            DocumentVersion.withdrawn_at.is_(None),
        )
        .order_by(DocumentVersion.sequence.desc(), VersionText.language)
        .options(
            load_only(
                VersionText.version_id,
                VersionText.language,
                VersionText.title,
                VersionText.summary,
                VersionText.what_to_do_differently,
                VersionText.attestation,
                VersionText.hash,
                VersionText.says_number,
                VersionText.behind,
                VersionText.reading_minutes,
            )
        )
    )
    found: dict[int, tuple[DocumentVersion, dict[str, VersionText]]] = {}
    for version, text in rows:
        found.setdefault(version.id, (version, {}))[1][text.language] = text
    return list(found.values())


def list_clause_sources(version_id: int, anchors: Collection[str], language: str) -> list[str]:
    """Return the sources of these clauses of a version in a language, in their order."""
    return list(
        session.scalars(
            select(ClauseText.source)
            .join(Clause, Clause.id == ClauseText.clause_id)
            .where(Clause.version_id == version_id, Clause.anchor.in_(anchors), ClauseText.language == language)
            .order_by(Clause.position)
        )
    )


def list_answers(request_id: int) -> list[DeltaAnswer]:
    """Return what was answered about the changes, in its order."""
    return list(
        session.scalars(
            select(DeltaAnswer)
            .where(DeltaAnswer.request_id == request_id)
            .order_by(DeltaAnswer.at, DeltaAnswer.id)
            .options(joinedload(DeltaAnswer.question_version).load_only(QuestionVersion.question_id))
        )
    )


def list_answers_of(request_ids: Collection[int]) -> dict[int, list[DeltaAnswer]]:
    """Return request → what was answered, with question and bank; for the evidence of a whole campaign."""
    found: dict[int, list[DeltaAnswer]] = {}
    for row in session.scalars(
        select(DeltaAnswer)
        .where(DeltaAnswer.request_id.in_(request_ids))
        .order_by(DeltaAnswer.at, DeltaAnswer.id)
        .options(joinedload(DeltaAnswer.question_version).joinedload(QuestionVersion.question))
    ):
        found.setdefault(row.request_id, []).append(row)
    return found


def list_tries(campaign_id: int) -> list[tuple[int, int, bool]]:
    """Return person, question and whether it was right, of every answer in a campaign, in their order."""
    rows = session.execute(
        select(AcknowledgementRequest.person_id, QuestionVersion.question_id, DeltaAnswer.right)
        .join(AcknowledgementRequest, AcknowledgementRequest.id == DeltaAnswer.request_id)
        .join(QuestionVersion, QuestionVersion.id == DeltaAnswer.question_version_id)
        .where(AcknowledgementRequest.campaign_id == campaign_id)
        .order_by(DeltaAnswer.at, DeltaAnswer.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def list_asked_questions(question_ids: Collection[int]) -> dict[int, QuestionVersion]:
    """Return question's row number → its newest version that was answered somewhere, with question and bank."""
    rows = session.scalars(
        select(QuestionVersion)
        .where(
            QuestionVersion.question_id.in_(question_ids),
            QuestionVersion.id.in_(select(DeltaAnswer.question_version_id)),
        )
        .order_by(QuestionVersion.number)
        .options(joinedload(QuestionVersion.question))
    )
    return {row.question_id: row for row in rows}


# --- questions that people have -----------------------------------------------------------------

_QUESTION = select(ClauseQuestion).options(
    joinedload(ClauseQuestion.person, innerjoin=True),
    joinedload(ClauseQuestion.version, innerjoin=True)
    .joinedload(DocumentVersion.document, innerjoin=True)
    .selectinload(Document.audiences),
)


def get_question(code: str) -> ClauseQuestion:
    """Return the question of the code as typed, with version, document and who asks. Raises `NotFound`."""
    wanted = normalise(code)
    found = None
    if is_well_formed(wanted, 12):
        found = session.scalar(_QUESTION.where(ClauseQuestion.code == wanted))
    if found is None:
        raise NotFound()
    return found


def find_questions(codes: Collection[str]) -> dict[str, ClauseQuestion]:
    """Return code → question, for many codes."""
    return {each.code: each for each in session.scalars(_QUESTION.where(ClauseQuestion.code.in_(codes)))}


def list_questions_of(person: Person, document: Document) -> list[ClauseQuestion]:
    """Return what the person has asked about a document, the newest first."""
    return list(
        session.scalars(
            select(ClauseQuestion)
            .join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
            .where(ClauseQuestion.person_id == person.id, DocumentVersion.document_id == document.id)
            .order_by(ClauseQuestion.at.desc(), ClauseQuestion.id.desc())
            .options(selectinload(ClauseQuestion.version))
        )
    )


def list_questions_about(version: DocumentVersion, people: Collection[int]) -> dict[int, ClauseQuestion]:
    """Return person → her question about a version or a later one: one that waits, else the last that was answered."""
    rows = session.scalars(
        _QUESTION.join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
        .where(
            ClauseQuestion.person_id.in_(people),
            DocumentVersion.document_id == version.document_id,
            DocumentVersion.sequence >= version.sequence,
        )
        .order_by(ClauseQuestion.answered_at.is_(None), ClauseQuestion.id)
    )
    return {row.person_id: row for row in rows}


def list_asked_by(person: Person) -> list[ClauseQuestion]:
    """Return what the person has asked about any document, the newest first."""
    return list(
        session.scalars(
            _QUESTION.where(ClauseQuestion.person_id == person.id).order_by(
                ClauseQuestion.at.desc(), ClauseQuestion.id.desc()
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A question that is kept with a clause: its code, who asks, and whether it waits for its answer."""

    code: str
    anchor: str
    person_id: int
    is_open: bool


def list_kept_with(version: DocumentVersion, deciding: str) -> list[Kept]:
    """Return the questions kept with the clauses of a version, the oldest first.

    Those about clauses that read as they did when they were asked about (`deciding`: in this language), and of those
    that have changed since, as long as the question waits for its answer.
    """
    then, now, text_then, text_now = aliased(Clause), aliased(Clause), aliased(ClauseText), aliased(ClauseText)
    rows = session.execute(
        select(
            ClauseQuestion.code,
            ClauseQuestion.anchor,
            ClauseQuestion.person_id,
            ClauseQuestion.answered_at.is_(None),
        )
        .join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
        .join(then, and_(then.version_id == ClauseQuestion.version_id, then.anchor == ClauseQuestion.anchor))
        .join(text_then, and_(text_then.clause_id == then.id, text_then.language == deciding))
        .join(now, and_(now.version_id == version.id, now.anchor == ClauseQuestion.anchor))
        .join(text_now, and_(text_now.clause_id == now.id, text_now.language == deciding))
        .where(
            DocumentVersion.document_id == version.document_id,
            or_(text_then.hash == text_now.hash, ClauseQuestion.answered_at.is_(None)),
        )
        .order_by(ClauseQuestion.id)
    )
    return [Kept(*row) for row in rows]


def list_open_about(document_id: int) -> list[Kept]:
    """Return the questions about clauses of a document that wait for their answers, the oldest first."""
    rows = session.execute(
        select(ClauseQuestion.code, ClauseQuestion.anchor, ClauseQuestion.person_id, literal(True))
        .join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
        .where(
            DocumentVersion.document_id == document_id,
            ClauseQuestion.answered_at.is_(None),
            ClauseQuestion.anchor != "",
        )
        .order_by(ClauseQuestion.id)
    )
    return [Kept(*row) for row in rows]


def count_about(version_id: int) -> tuple[int, int]:
    """Return how many questions were asked about a version, and how many of them wait for their answers."""
    row = session.execute(
        select(func.count(), func.count().filter(ClauseQuestion.answered_at.is_(None))).where(
            ClauseQuestion.version_id == version_id
        )
    ).one()
    return row[0], row[1]


def list_questions(person: Person, markets: Collection[str] | None) -> list[ClauseQuestion]:
    """Return the questions that the person answers, those that wait first, the oldest first.

    `markets` None: about every document; else about those addressed to some of these markets and no other, and about
    those that she owns or deputises for.
    """
    statement = (
        _QUESTION.join(DocumentVersion, DocumentVersion.id == ClauseQuestion.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .order_by(ClauseQuestion.answered_at.is_not(None), ClauseQuestion.at, ClauseQuestion.id)
    )
    if markets is not None:
        owned = sorted(accounts.list_codes_owned(person, "document"))
        statement = statement.where(or_(Document.slug.in_(owned), _only_for(markets)))
    return list(session.scalars(statement))


def _only_for(markets: Collection[str]) -> ColumnElement[bool]:
    addressed = select(DocumentAudience.document_id).where(
        DocumentAudience.kind == AudienceKind.MARKET, DocumentAudience.ended_at.is_(None)
    )
    return and_(
        Document.id.in_(addressed.where(DocumentAudience.code.in_(markets))),
        Document.id.not_in(addressed.where(DocumentAudience.code.not_in(markets))),
    )
