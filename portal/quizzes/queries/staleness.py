"""Which questions rest on a clause, which of them wait for a re-check, and what else a quiz could draw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal.core.db import session
from portal.library.models import Clause, ClauseText, Document, DocumentVersion, Draft
from portal.library.rules import number_key
from portal.quizzes import rules
from portal.quizzes.models import (
    Question,
    QuestionBank,
    QuestionCitation,
    QuestionLook,
    QuestionStaleness,
    QuestionState,
    QuestionVersion,
    SettledHow,
)
from portal.quizzes.queries import clause_names, find_bank

# What a bank's file calls live.
WRITTEN_TO_BE_DRAWN = (QuestionState.LIVE, QuestionState.STALE)


@dataclass(frozen=True, slots=True)
class Tested:
    """A clause that the newest wording of a question tests, as it was cited."""

    question_id: int
    version_id: int
    bank: str
    slug: str
    state: QuestionState
    anchor: str
    number: str
    clause_hash: str

    @property
    def address(self) -> str:
        """The question's address, `bank/id`."""
        return f"{self.bank}/{self.slug}"


def _newest() -> ColumnElement[bool]:
    return and_(QuestionVersion.question_id == Question.id, QuestionVersion.number == Question.latest)


def is_tested(document_slug: str) -> bool:
    """Say whether any question has ever tested a clause of the document."""
    statement = select(QuestionCitation.id).where(
        QuestionCitation.document_slug == document_slug, QuestionCitation.tested.is_(True)
    )
    return session.scalar(statement.limit(1)) is not None


def list_tested(document_slug: str, anchors: Collection[str]) -> list[Tested]:
    """Return what the questions that are written to be drawn test of some clauses, by their addresses."""
    return _list_tested(document_slug, anchors, WRITTEN_TO_BE_DRAWN)


def _list_tested(document_slug: str, anchors: Collection[str], states: Collection[QuestionState]) -> list[Tested]:
    rows = session.execute(
        select(
            Question.id,
            QuestionVersion.id,
            QuestionBank.slug,
            Question.slug,
            Question.state,
            QuestionCitation.anchor,
            QuestionCitation.version_number,
            QuestionCitation.clause_hash,
        )
        .join(QuestionVersion, QuestionVersion.id == QuestionCitation.question_version_id)
        .join(Question, _newest())
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(
            QuestionCitation.document_slug == document_slug,
            QuestionCitation.anchor.in_(anchors),
            QuestionCitation.tested.is_(True),
            Question.state.in_(states),
        )
        .order_by(QuestionBank.slug, Question.slug, QuestionCitation.position)
    )
    return [Tested(*row) for row in rows]


def list_tested_by_pilots(document_slug: str, anchors: Collection[str]) -> list[Tested]:
    """Return what pilots test of some clauses, by their addresses."""
    return _list_tested(document_slug, anchors, (QuestionState.PILOT,))


def list_wordings_of_pilots(question_ids: Collection[int]) -> list[tuple[Question, QuestionVersion]]:
    """Return those of the questions that are pilots, locked, with the versions that count."""
    rows = session.execute(
        select(Question, QuestionVersion)
        .join(QuestionVersion, _newest())
        .where(Question.id.in_(question_ids), Question.state == QuestionState.PILOT)
        .order_by(Question.id)
        .with_for_update(of=Question)
    )
    return [(question, version) for question, version in rows]


def list_waiting_for(document_slug: str) -> dict[int, str]:
    """Return the questions (their row numbers) that wait for a re-check already → version of the document."""
    rows = session.execute(
        select(QuestionStaleness.question_id, QuestionStaleness.version_number).where(
            QuestionStaleness.document_slug == document_slug, QuestionStaleness.settled_at.is_(None)
        )
    )
    return {row.question_id: row.version_number for row in rows}


def list_looks(draft_code: str) -> dict[tuple[int, str], QuestionLook]:
    """Return (row number of the wording, clause as it cites it) → how a draft was looked at beside it last."""
    if not draft_code:
        return {}
    return {
        (look.question_version_id, look.anchor): look
        for look in session.scalars(
            select(QuestionLook)
            .join(Draft, Draft.id == QuestionLook.draft_id)
            .where(Draft.code == draft_code)
            .order_by(QuestionLook.id)
        )
    }


def list_wordings(version_ids: Collection[int]) -> list[tuple[Question, QuestionVersion]]:
    """Return the wordings of these rows with question, bank and citations, in the author's order."""
    rows = session.execute(
        select(Question, QuestionVersion)
        .join(QuestionVersion, QuestionVersion.question_id == Question.id)
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(QuestionVersion.id.in_(version_ids))
        .order_by(QuestionBank.slug, Question.position, Question.id)
        .options(joinedload(Question.bank), selectinload(QuestionVersion.citations))
    )
    return [(question, version) for question, version in rows]


def list_contents(version_ids: Collection[int]) -> dict[int, QuestionVersion]:
    """Return the wordings of these rows by row number."""
    return {
        version.id: version
        for version in session.scalars(select(QuestionVersion).where(QuestionVersion.id.in_(version_ids)))
    }


def iterate_candidates(
    bank_slugs: Collection[str], *, whole: bool, besides: Collection[str] = ()
) -> Iterator[rules.Candidate]:
    """Yield what may be drawn from these banks, without the texts, and of stale questions those of some addresses.

    `whole`: with tags, clauses and difficulty, for draws that ask for them; without, what they are costs nothing.
    """
    columns = (QuestionBank.slug, QuestionBank.document_slug, Question.slug, QuestionVersion.type, Question.state)
    statement: Select[Any] = select(*columns, *([QuestionVersion.content] if whole else []))
    rows = session.execute(
        statement.join(Question, Question.bank_id == QuestionBank.id)
        .join(QuestionVersion, _newest())
        .where(QuestionBank.slug.in_(bank_slugs), Question.state.in_(WRITTEN_TO_BE_DRAWN))
        .order_by(Question.id)
        .execution_options(yield_per=500)
    )
    for row in rows:
        bank, document, slug, type_, state, *more = row
        if state is not QuestionState.LIVE and f"{bank}/{slug}" not in besides:
            continue
        content = more[0] if more else {}
        yield rules.Candidate(
            address=f"{bank}/{slug}",
            bank=str(bank),
            type=str(type_),
            tags=frozenset(content.get("tags", ())),
            clauses=clause_names(content.get("clauses", ()), str(document)),
            difficulty=content.get("difficulty"),
        )


# --- what waits for a re-check ------------------------------------------------------------------


def lock_question(question: Question) -> Question:
    """Read the question again and let nobody else change it until this transaction ends."""
    return session.scalars(
        select(Question).where(Question.id == question.id).with_for_update().execution_options(populate_existing=True)
    ).one()


def list_open_of(question_ids: Collection[int]) -> dict[int, list[QuestionStaleness]]:
    """Return question's row number → what it waits for, the longest wait first."""
    found: dict[int, list[QuestionStaleness]] = {}
    for row in session.scalars(
        select(QuestionStaleness)
        .where(QuestionStaleness.question_id.in_(question_ids), QuestionStaleness.settled_at.is_(None))
        .order_by(QuestionStaleness.id)
    ):
        found.setdefault(row.question_id, []).append(row)
    return found


def list_all_of(question: Question) -> list[QuestionStaleness]:
    """Return what a question waits for and has waited for, in order."""
    return list(
        session.scalars(
            select(QuestionStaleness).where(QuestionStaleness.question_id == question.id).order_by(QuestionStaleness.id)
        )
    )


def list_of_bank(bank: QuestionBank) -> dict[int, list[QuestionStaleness]]:
    """Return question's row number → what the questions of a bank wait for and have waited for, in order."""
    found: dict[int, list[QuestionStaleness]] = {}
    for row in session.scalars(
        select(QuestionStaleness)
        .join(Question, Question.id == QuestionStaleness.question_id)
        .where(Question.bank_id == bank.id)
        .order_by(QuestionStaleness.id)
        .options(contains_eager(QuestionStaleness.question))
    ):
        found.setdefault(row.question_id, []).append(row)
    return found


def list_looked_at(bank_slug: str) -> dict[tuple[str, str], str]:
    """Return (question's id, document) → newest version against which the question was looked at here."""
    bank = find_bank(bank_slug)
    found = {}
    for rows in (list_of_bank(bank) if bank else {}).values():
        for document in {row.document_slug for row in rows}:
            number = looked_at_against(rows, document)
            if number:
                found[rows[0].question.slug, document] = number
    return found


def looked_at_against(rows: Iterable[QuestionStaleness], document_slug: str) -> str:
    """Return the newest version of a document against which a question was looked at here; empty: none."""
    numbers = [
        row.version_number
        for row in rows
        if row.document_slug == document_slug and row.settled_how in (SettledHow.STILL_RIGHT, SettledHow.NEW_VERSION)
    ]
    return max(numbers, key=number_key, default="")


def list_opened_by(version_id: int) -> list[QuestionStaleness]:
    """Return what a version of a document made stale and is not settled, with questions and their banks."""
    return list(
        session.scalars(
            select(QuestionStaleness)
            .where(QuestionStaleness.version_id == version_id, QuestionStaleness.settled_at.is_(None))
            .order_by(QuestionStaleness.id)
            .options(joinedload(QuestionStaleness.question).joinedload(Question.bank))
        )
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many stale questions wait for a look, and how many were looked at and wait for their rewriting."""

    to_look_at: int = 0
    kept_out: int = 0


def _is_kept_out() -> ColumnElement[bool]:
    """Say of a stale question that all it waits for was looked at."""
    return ~(
        select(QuestionStaleness.id)
        .where(
            QuestionStaleness.question_id == Question.id,
            QuestionStaleness.settled_at.is_(None),
            QuestionStaleness.kept_out_at.is_(None),
        )
        .exists()
    )


def count_stale() -> dict[str, Waiting]:
    """Return bank's slug → how many of its questions are stale, for banks with such questions."""
    kept_out = _is_kept_out().label("kept_out")
    rows = session.execute(
        select(QuestionBank.slug, kept_out, func.count())
        .join(Question, Question.bank_id == QuestionBank.id)
        .where(Question.state == QuestionState.STALE)
        .group_by(QuestionBank.slug, kept_out)
        .order_by(QuestionBank.slug)
    )
    found: dict[str, Waiting] = {}
    for slug, is_kept_out, number in rows:
        known = found.get(slug, Waiting())
        found[slug] = Waiting(known.to_look_at, number) if is_kept_out else Waiting(number, known.kept_out)
    return found


def count_to_look_at() -> int:
    """Return how many stale questions nobody has looked at yet."""
    return (
        session.scalar(
            select(func.count()).select_from(Question).where(Question.state == QuestionState.STALE, ~_is_kept_out())
        )
        or 0
    )


def list_stale(
    bank: QuestionBank | None, *, kept_out: bool, offset: int = 0, limit: int | None = None
) -> list[tuple[Question, QuestionVersion]]:
    """Return stale questions (of one bank, or of all) with bank, newest wording and citations, in the author's order.

    Those that wait for a look, or those that were looked at and wait for their rewriting.
    """
    statement = (
        select(Question, QuestionVersion)
        .join(QuestionVersion, _newest())
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .where(Question.state == QuestionState.STALE, _is_kept_out() if kept_out else ~_is_kept_out())
        .order_by(QuestionBank.slug, Question.position, Question.id)
        .offset(offset)
        .limit(limit)
        .options(joinedload(Question.bank), selectinload(QuestionVersion.citations))
    )
    if bank is not None:
        statement = statement.where(Question.bank_id == bank.id)
    return [(question, version) for question, version in session.execute(statement)]


# --- the clauses beside each other --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClauseAt:
    """A clause in one version of a document and one language."""

    slug: str
    number: str
    sequence: int
    anchor: str
    language: str
    heading: str
    source: str
    hash: str
    is_deciding: bool


def list_deciding_clauses(wanted: Collection[tuple[str, str, str]]) -> dict[tuple[str, str, str], ClauseAt]:
    """Return (document, version number, clause id) → the clause in the language that decides."""
    return list_clauses(wanted, "")


def list_clauses(wanted: Collection[tuple[str, str, str]], language: str) -> dict[tuple[str, str, str], ClauseAt]:
    """Return (document, version number, clause id) → the clause in a language, else in the deciding one."""
    found: dict[tuple[str, str, str], ClauseAt] = {}
    rows: Sequence[Any] = session.execute(
        select(
            Document.slug,
            DocumentVersion.number,
            DocumentVersion.sequence,
            Clause.anchor,
            ClauseText.language,
            ClauseText.heading,
            ClauseText.source,
            ClauseText.hash,
            (ClauseText.language == Document.authoritative).label("is_deciding"),
        )
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .join(Clause, Clause.version_id == DocumentVersion.id)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .where(
            Document.slug.in_({slug for slug, _number, _anchor in wanted}),
            DocumentVersion.number.in_({number for _slug, number, _anchor in wanted}),
            Clause.anchor.in_({anchor for _slug, _number, anchor in wanted}),
        )
        .order_by(ClauseText.id)
    ).all()
    for row in rows:
        clause = ClauseAt(*row)
        key = (clause.slug, clause.number, clause.anchor)
        if key in wanted and (clause.language == language or (clause.is_deciding and key not in found)):
            found[key] = clause
    return found
