"""Every question that quizzes ask the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, cast

from sqlalchemy import ColumnElement, String, and_, bindparam, func, inspect, select
from sqlalchemy.orm import InstanceState, aliased, contains_eager, joinedload, lazyload, selectinload

from portal.accounts import queries as people
from portal.accounts.models import Accommodation, Person
from portal.core import clock
from portal.core.codes import normalise
from portal.core.db import session
from portal.core.i18n import Words
from portal.library.models import Clause, ClauseText, Document, DocumentVersion, VersionText
from portal.organisation import queries as organisation
from portal.organisation import rules as organisation_rules
from portal.quizzes import rules
from portal.quizzes.errors import NoSuchAttempt, NoSuchBank, NoSuchQuestion, NoSuchQuiz
from portal.quizzes.models import (
    Attempt,
    AttemptEvent,
    AttemptState,
    EventKind,
    Item,
    Marking,
    Question,
    QuestionBank,
    QuestionCitation,
    QuestionState,
    QuestionStep,
    QuestionVersion,
    Quiz,
    QuizVersion,
    Regrade,
    RegradeKind,
    Release,
    Response,
)
from portal.quizzes.rules import passing


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The last line of an attempt's history: its number, its hash and its time, where that was asked for."""

    number: int
    chain: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CitedDocument:
    """A document that a question tests."""

    bank: str
    question: str
    document: Document


@dataclass(frozen=True, slots=True)
class ClauseFact:
    """A clause as it stands in one version of a document."""

    version_number: str
    hash: str
    title: Words


# --- banks and questions -----------------------------------------------------------------------


def find_bank(slug: str) -> QuestionBank | None:
    """Return the bank of this slug, or None."""
    return session.scalar(select(QuestionBank).where(QuestionBank.slug == slug))


def get_bank(slug: str) -> QuestionBank:
    """Return the bank of this slug. Raises `NoSuchBank`."""
    bank = find_bank(slug)
    if bank is None:
        raise NoSuchBank()
    return bank


def list_banks() -> list[QuestionBank]:
    """Return all banks in the order of their slugs."""
    return list(session.scalars(select(QuestionBank).order_by(QuestionBank.slug)))


def count_questions() -> dict[int, dict[QuestionState, int]]:
    """Return bank id → state → number of questions, for questions that are still in their bank."""
    rows = session.execute(
        select(Question.bank_id, Question.state, func.count())
        .where(Question.position.is_not(None))
        .group_by(Question.bank_id, Question.state)
    )
    counts: dict[int, dict[QuestionState, int]] = {}
    for bank_id, state, number in rows:
        counts.setdefault(bank_id, {})[state] = number
    return counts


def list_questions(bank: QuestionBank) -> list[Question]:
    """Return every question of the bank, those taken out of it last."""
    return list(
        session.scalars(
            select(Question)
            .where(Question.bank_id == bank.id)
            .order_by(Question.position.is_(None), Question.position, Question.id)
        )
    )


def lock_bank(bank_id: int) -> QuestionBank:
    """Read a bank again and let nobody else change it until this transaction ends."""
    return session.scalars(
        select(QuestionBank)
        .where(QuestionBank.id == bank_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def list_slugs(bank: QuestionBank) -> set[str]:
    """Return the ids of all questions that a bank has or had."""
    return set(session.scalars(select(Question.slug).where(Question.bank_id == bank.id)))


def last_position(bank: QuestionBank) -> int:
    """Return the place of the last question in a bank; 0: it has none."""
    return session.scalar(select(func.max(Question.position)).where(Question.bank_id == bank.id)) or 0


def list_versions(question: Question) -> list[QuestionVersion]:
    """Return all versions of a question with their citations, the oldest first."""
    return list(
        session.scalars(
            select(QuestionVersion)
            .where(QuestionVersion.question_id == question.id)
            .order_by(QuestionVersion.number)
            .options(selectinload(QuestionVersion.citations))
        )
    )


def get_version(question: Question, number: int) -> QuestionVersion:
    """Return a version of a question with its citations. Raises `NoSuchQuestion`."""
    found = session.scalar(
        select(QuestionVersion)
        .where(QuestionVersion.question_id == question.id, QuestionVersion.number == number)
        .options(selectinload(QuestionVersion.citations))
    )
    if found is None:
        raise NoSuchQuestion()
    return found


def list_steps(question: Question) -> list[QuestionStep]:
    """Return the steps of a question in their order."""
    return list(
        session.scalars(select(QuestionStep).where(QuestionStep.question_id == question.id).order_by(QuestionStep.id))
    )


def list_in_work(bank: QuestionBank) -> list[tuple[Question, QuestionVersion]]:
    """Return the questions in the bank with the version on which people work, in the author's order."""
    rows = session.execute(
        select(Question, QuestionVersion)
        .join(
            QuestionVersion,
            and_(
                QuestionVersion.question_id == Question.id,
                QuestionVersion.number == func.coalesce(Question.proposed, Question.latest),
            ),
        )
        .where(Question.bank_id == bank.id, Question.position.is_not(None))
        .order_by(Question.position, Question.id)
    )
    return [(question, version) for question, version in rows]


def get_question(slug: str, question: str) -> Question:
    """Return a question with its bank. Raises `NoSuchBank`, `NoSuchQuestion`."""
    found = session.scalar(
        select(Question)
        .where(Question.bank_id == get_bank(slug).id, Question.slug == question)
        .options(joinedload(Question.bank))
    )
    if found is None:
        raise NoSuchQuestion()
    return found


def next_number(question: Question) -> int:
    """Return the number of a question's next version."""
    highest = session.scalar(select(func.max(QuestionVersion.number)).where(QuestionVersion.question_id == question.id))
    return (highest or 0) + 1


def list_changed_since(bank: QuestionBank, revision: int) -> list[Question]:
    """Return the questions in the bank that were changed in the product after a revision of it, with all versions."""
    return list(
        session.scalars(
            select(Question)
            .where(Question.bank_id == bank.id, Question.revision > revision)
            .order_by(Question.id)
            .options(selectinload(Question.versions))
        )
    )


def list_proposed(bank: QuestionBank) -> list[Question]:
    """Return the questions in the bank for which a new wording is in work, with all versions."""
    return list(
        session.scalars(
            select(Question)
            .where(Question.bank_id == bank.id, Question.proposed.is_not(None))
            .order_by(Question.id)
            .options(selectinload(Question.versions))
        )
    )


def list_latest(bank: QuestionBank) -> list[tuple[Question, QuestionVersion]]:
    """Return the questions in the bank with their newest version and its citations, in the author's order."""
    rows = session.execute(
        select(Question, QuestionVersion)
        .join(QuestionVersion, _is_latest())
        .where(Question.bank_id == bank.id, Question.position.is_not(None))
        .order_by(Question.position, Question.id)
        .options(selectinload(QuestionVersion.citations))
    )
    return [(question, version) for question, version in rows]


def find_latest(bank: QuestionBank, slug: str) -> tuple[Question, QuestionVersion] | None:
    """Return one question of the bank with its newest version, or None."""
    row = session.execute(
        select(Question, QuestionVersion)
        .join(QuestionVersion, _is_latest())
        .where(Question.bank_id == bank.id, Question.slug == slug)
        .options(selectinload(QuestionVersion.citations))
    ).one_or_none()
    return (row[0], row[1]) if row else None


def list_bank_ids() -> list[int]:
    """Return the row numbers of all banks that have questions."""
    return list(session.scalars(select(Question.bank_id).distinct().order_by(Question.bank_id)))


def list_latest_of_banks(bank_ids: Collection[int]) -> list[tuple[QuestionBank, Question, QuestionVersion]]:
    """Return the questions of many banks with their newest version, in the author's order."""
    rows = session.execute(
        select(QuestionBank, Question, QuestionVersion)
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(QuestionVersion, _is_latest())
        .where(QuestionBank.id.in_(bank_ids), Question.position.is_not(None))
        .order_by(QuestionBank.id, Question.position, Question.id)
    )
    return [(bank, question, version) for bank, question, version in rows]


def _is_latest() -> ColumnElement[bool]:
    return and_(QuestionVersion.question_id == Question.id, QuestionVersion.number == Question.latest)


def list_banks_that_test(document_slug: str) -> list[str]:
    """Return the slugs of the banks with a live question that tests a clause of the document."""
    return list(
        session.scalars(
            select(QuestionBank.slug)
            .join(Question, Question.bank_id == QuestionBank.id)
            .join(QuestionVersion, _is_latest())
            .join(QuestionCitation, QuestionCitation.question_version_id == QuestionVersion.id)
            .where(
                QuestionCitation.document_slug == document_slug,
                QuestionCitation.tested.is_(True),
                Question.state == QuestionState.LIVE,
            )
            .distinct()
            .order_by(QuestionBank.slug)
        )
    )


def clause_names(clauses: Iterable[str], document: str) -> frozenset[str]:
    """Return the names under which a blueprint may ask for these clauses: `slug#id`, and bare ids of the document."""
    names = set(clauses)
    if document:
        names |= {name.removeprefix(f"{document}#") for name in names if name.startswith(f"{document}#")}
    return frozenset(names)


_CITATIONS = (
    select(QuestionCitation)
    .where(QuestionCitation.question_version_id.in_(bindparam("ids", expanding=True)))
    .order_by(QuestionCitation.question_version_id, QuestionCitation.position)
)


def list_cited_documents(bank_slugs: Collection[str], state: QuestionState = QuestionState.LIVE) -> list[CitedDocument]:
    """Return which documents the questions of these banks that are live, or in another state, test.

    Each comes with what says to whom it is addressed.
    """
    rows = session.execute(
        select(QuestionBank.slug, Question.slug, Document.id)
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(QuestionVersion, _is_latest())
        .join(QuestionCitation, QuestionCitation.question_version_id == QuestionVersion.id)
        .join(Document, Document.slug == QuestionCitation.document_slug)
        .where(QuestionBank.slug.in_(bank_slugs), Question.state == state, QuestionCitation.tested.is_(True))
        .distinct()
    ).all()
    documents = {
        document.id: document
        for document in session.scalars(
            select(Document)
            .where(Document.id.in_({row[2] for row in rows}))
            .options(selectinload(Document.audiences), lazyload(Document.versions))
        )
    }
    return [CitedDocument(bank, question, documents[document_id]) for bank, question, document_id in rows]


def list_citations(version_ids: Collection[int]) -> dict[int, list[QuestionCitation]]:
    """Return question version id → its citations in order."""
    found: dict[int, list[QuestionCitation]] = {}
    for citation in session.scalars(_CITATIONS, {"ids": list(version_ids)}):
        found.setdefault(citation.question_version_id, []).append(citation)
    return found


def find_clauses(slug: str, number: str) -> dict[str, ClauseFact] | None:
    """Return clause id → hash and heading for a version of a document (the newest where no number is given).

    None where there is no such document or version. The hash is that of the language that decides.
    """
    version = session.execute(
        select(DocumentVersion.id, DocumentVersion.number, Document.authoritative)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.slug == slug, *([DocumentVersion.number == number] if number else []))
        .order_by(DocumentVersion.sequence.desc())
        .limit(1)
    ).one_or_none()
    if version is None:
        return None
    rows = session.execute(
        select(Clause.anchor, ClauseText.language, ClauseText.heading, ClauseText.hash, VersionText.title)
        .join(ClauseText, ClauseText.clause_id == Clause.id)
        .join(VersionText, VersionText.id == ClauseText.version_text_id)
        .where(Clause.version_id == version.id)
        .order_by(Clause.position)
    )
    headings: dict[str, dict[str, str]] = {}
    hashes: dict[str, str] = {}
    for anchor, language, heading, digest, title in rows:
        # The text before the first heading has none of its own.
        headings.setdefault(anchor, {})[language] = heading or title
        if language == version.authoritative:
            hashes[anchor] = digest
    return {
        anchor: ClauseFact(version.number, digest, _both(headings[anchor], version.authoritative))
        for anchor, digest in hashes.items()
    }


def newest_number(slug: str) -> str:
    """Return the number of a document's newest version, or "–"."""
    return (
        session.scalar(
            select(DocumentVersion.number)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(Document.slug == slug)
            .order_by(DocumentVersion.sequence.desc())
            .limit(1)
        )
        or "–"
    )


def list_cited_versions(bank_slug: str) -> dict[tuple[str, str, str], str]:
    """Return (question's id, document, clause) → version that the newest version of the question cites it in."""
    rows = session.execute(
        select(
            Question.slug,
            QuestionCitation.document_slug,
            QuestionCitation.anchor,
            QuestionCitation.version_number,
        )
        .join(QuestionBank, QuestionBank.id == Question.bank_id)
        .join(
            QuestionVersion,
            and_(QuestionVersion.question_id == Question.id, QuestionVersion.number == Question.latest),
        )
        .join(QuestionCitation, QuestionCitation.question_version_id == QuestionVersion.id)
        .where(QuestionBank.slug == bank_slug)
    )
    return {(question, document, anchor): number for question, document, anchor, number in rows}


def _both(texts: dict[str, str], authoritative: str) -> Words:
    deciding = texts[authoritative]
    return Words(en=texts.get("en", deciding), ja=texts.get("ja", deciding))


# --- quizzes -----------------------------------------------------------------------------------


_QUIZ = (
    select(QuizVersion)
    .join(QuizVersion.quiz)
    .where(Quiz.slug == bindparam("slug"))
    .order_by(QuizVersion.id.desc())
    .limit(1)
    .options(contains_eager(QuizVersion.quiz))
)


def find_quiz(slug: str) -> QuizVersion | None:
    """Return the newest version of the quiz of this slug, or None."""
    return session.scalar(_QUIZ, {"slug": slug})


def get_quiz(slug: str) -> QuizVersion:
    """Return the newest version of the quiz of this slug. Raises `NoSuchQuiz`."""
    version = find_quiz(slug)
    if version is None:
        raise NoSuchQuiz()
    return version


def lock_quiz(slug: str) -> None:
    """Let nobody else change a quiz until this transaction ends."""
    session.execute(select(Quiz.id).where(Quiz.slug == slug).with_for_update())


def list_quizzes() -> list[QuizVersion]:
    """Return the newest version of every quiz in the order of their slugs."""
    newest = select(func.max(QuizVersion.id)).group_by(QuizVersion.quiz_id)
    return list(
        session.scalars(
            select(QuizVersion)
            .join(QuizVersion.quiz)
            .where(QuizVersion.id.in_(newest))
            .order_by(Quiz.slug)
            .options(contains_eager(QuizVersion.quiz))
        )
    )


def list_quizzes_of(slugs: Collection[str]) -> list[QuizVersion]:
    """Return the newest version of each quiz that has one of these slugs, in their order."""
    newest = select(func.max(QuizVersion.id)).group_by(QuizVersion.quiz_id)
    return list(
        session.scalars(
            select(QuizVersion)
            .join(QuizVersion.quiz)
            .where(QuizVersion.id.in_(newest), Quiz.slug.in_(slugs))
            .order_by(Quiz.slug)
            .options(contains_eager(QuizVersion.quiz))
        )
    )


def quiz_titles(quiz_ids: Collection[int]) -> dict[int, QuizVersion]:
    """Return quiz id → its newest version, for lists that name quizzes."""
    newest = select(func.max(QuizVersion.id)).where(QuizVersion.quiz_id.in_(quiz_ids)).group_by(QuizVersion.quiz_id)
    return {
        version.quiz_id: version for version in session.scalars(select(QuizVersion).where(QuizVersion.id.in_(newest)))
    }


# --- the clock ---------------------------------------------------------------------------------


def tolerance(version: QuizVersion | None = None) -> timedelta:
    """Return for how long after its deadline an attempt that starts now will take what was on its way.

    The quiz says so, else the organisation; without a version what the organisation says.
    """
    if version is not None and version.tolerance_seconds is not None:
        return timedelta(seconds=version.tolerance_seconds)
    seconds = organisation.setting(organisation_rules.ATTEMPT_TOLERANCE, rules.DEFAULT_TOLERANCE_SECONDS)
    return timedelta(seconds=seconds)


def find_accommodation(person: Person, at: datetime) -> Accommodation | None:
    """Return the accommodation that holds for the person on the day that it is for her at this instant, or None."""
    return people.find_accommodation(person, clock.local_date(at, person.time_zone))


def multiplier_of(accommodation: Accommodation | None) -> Fraction:
    """Return by how much time limits are multiplied; 1 without an accommodation."""
    return accommodation.multiplier if accommodation else Fraction(1)


# --- attempts ----------------------------------------------------------------------------------


# The statements of a page of an attempt and of each save are made once; what they look for is given when they run.
_ATTEMPT = select(Attempt).where(Attempt.code == bindparam("code"))
_BARE_ATTEMPT = _ATTEMPT.options(lazyload(Attempt.quiz_version))
_LOCKED = (
    select(Attempt)
    .where(Attempt.id == bindparam("id"))
    .with_for_update(of=Attempt)
    .options(lazyload(Attempt.quiz_version))
    .execution_options(populate_existing=True)
)
_IN_PROGRESS = (
    select(Attempt)
    .where(
        Attempt.person_id == bindparam("person_id"),
        Attempt.quiz_id == bindparam("quiz_id"),
        Attempt.state == AttemptState.IN_PROGRESS,
    )
    .options(lazyload(Attempt.quiz_version))
)
_ATTEMPTS = (
    select(Attempt)
    .where(Attempt.person_id == bindparam("person_id"))
    .order_by(Attempt.quiz_id, Attempt.attempt_no)
    .options(selectinload(Attempt.markings))
)
_ATTEMPTS_OF_QUIZ = _ATTEMPTS.where(Attempt.quiz_id == bindparam("quiz_id"))
_ITEMS = (
    select(Item)
    .where(Item.attempt_id == bindparam("attempt_id"))
    .order_by(Item.position)
    .options(joinedload(Item.question_version, innerjoin=True), joinedload(Item.response))
    .execution_options(populate_existing=True)
)
# With each of them the kind of the rule that was approved last for its question, where there is one.
_ITEMS_TO_ANSWER = _ITEMS.add_columns(
    select(Regrade.kind)
    .where(Regrade.question_version_id == Item.question_version_id, Regrade.is_approved.is_(True))
    .order_by(Regrade.decided_at.desc(), Regrade.id.desc())
    .limit(1)
    .correlate(Item)
    .scalar_subquery()
)
_last, _line = aliased(AttemptEvent), aliased(AttemptEvent)
_ITEM = (
    select(Item, AttemptEvent, _last.number, _last.chain, _last.at)
    .outerjoin(
        AttemptEvent,
        and_(
            AttemptEvent.attempt_id == Item.attempt_id,
            AttemptEvent.idem_key == bindparam("idem_key", type_=String()),
        ),
    )
    .outerjoin(
        _last,
        and_(
            _last.attempt_id == bindparam("attempt_id"),
            _last.number
            == select(func.max(_line.number)).where(_line.attempt_id == bindparam("attempt_id")).scalar_subquery(),
        ),
    )
    .where(Item.attempt_id == bindparam("attempt_id"), Item.position == bindparam("position"))
    .options(joinedload(Item.question_version, innerjoin=True), joinedload(Item.response))
    .execution_options(populate_existing=True)
)


def get_attempt(code: str) -> Attempt:
    """Return the attempt of this code. Raises `NoSuchAttempt`."""
    return _found(session.scalar(_ATTEMPT, {"code": normalise(code)}))


def get_bare_attempt(code: str) -> Attempt:
    """Return what `get_attempt` does without its quiz, for what a page sends while it is open."""
    return _found(session.scalar(_BARE_ATTEMPT, {"code": normalise(code)}))


def _found(attempt: Attempt | None) -> Attempt:
    if attempt is None:
        raise NoSuchAttempt()
    return attempt


def list_attempts_of(codes: Collection[str]) -> list[Attempt]:
    """Return the attempts that have one of these codes, each with its person and quiz."""
    return list(
        session.scalars(
            select(Attempt)
            .where(Attempt.code.in_(codes))
            .options(joinedload(Attempt.person), joinedload(Attempt.quiz_version))
            .order_by(Attempt.id)
        )
    )


def list_attempt_codes_meant(text: str) -> list[str]:
    """Return the codes of the newest attempts of those whom a name may mean."""
    taker = people.select_people(people.PeopleFilter(text=text)).order_by(None).with_only_columns(Person.id)
    statement = select(Attempt.code).where(Attempt.person_id.in_(taker)).order_by(Attempt.id.desc()).limit(500)
    return list(session.scalars(statement))


def key_of(row: Attempt | Person) -> int:
    """Return the row's number without reading it again: a transaction has just let go of what was loaded."""
    identity = cast("InstanceState[Any]", inspect(row)).identity
    assert identity is not None
    return int(identity[0])


def lock_attempt(attempt_id: int) -> Attempt:
    """Return the attempt as it stands now, nobody else changing it until this transaction ends."""
    return session.scalars(_LOCKED, {"id": attempt_id}).one()


def share_quiz(quiz_id: int) -> None:
    """Let nobody approve a rule for the quiz until this transaction ends; others may share it."""
    session.execute(select(Quiz.id).where(Quiz.id == quiz_id).with_for_update(read=True))


def find_in_progress(person: Person, quiz_id: int) -> Attempt | None:
    """Return the person's attempt of this quiz that has not been handed in, over or not, or None."""
    return session.scalar(_IN_PROGRESS, {"person_id": key_of(person), "quiz_id": quiz_id})


def list_attempts(person: Person, quiz_id: int | None = None) -> list[Attempt]:
    """Return the person's attempts (of one quiz, or of all) with their markings, oldest first."""
    statement = _ATTEMPTS if quiz_id is None else _ATTEMPTS_OF_QUIZ
    return list(session.scalars(statement, {"person_id": person.id, "quiz_id": quiz_id}))


def list_tried(person_id: int, quiz_id: int) -> list[Attempt]:
    """Return a person's attempts at a quiz with their markings as they stand now, oldest first."""
    statement = _ATTEMPTS_OF_QUIZ.execution_options(populate_existing=True)
    return list(session.scalars(statement, {"person_id": person_id, "quiz_id": quiz_id}))


def counted_attempt(
    version: QuizVersion, attempts: Iterable[Attempt], *, since: datetime | None = None
) -> Attempt | None:
    """Return which of a person's attempts at a quiz is her result, or None while none is.

    `version` is the newest one of the quiz, whose rule holds for all attempts; `attempts` come with their markings.
    With `since`, what had its result before that instant does not count. Void attempts never do, nor what is running.
    """
    tried = [
        passing.Tried(attempt, attempt.attempt_no, attempt.released_at, newest.passed, newest.score)
        if attempt.state is AttemptState.RELEASED and (newest := attempt.markings[-1])
        else passing.Tried(attempt, attempt.attempt_no, None)
        for attempt in attempts
        if attempt.quiz_id == version.quiz_id and attempt.state not in (AttemptState.IN_PROGRESS, AttemptState.VOIDED)
    ]
    return passing.counted(version.counts or passing.Counts.HIGHEST, tried, since=since)


def addresses_of(attempt: Attempt) -> frozenset[str]:
    """Return the addresses of the questions that were drawn in an attempt."""
    rows = session.execute(
        select(QuestionBank.slug, Question.slug)
        .join(Question, Question.bank_id == QuestionBank.id)
        .join(QuestionVersion, QuestionVersion.question_id == Question.id)
        .join(Item, Item.question_version_id == QuestionVersion.id)
        .where(Item.attempt_id == attempt.id)
    )
    return frozenset(f"{bank}/{slug}" for bank, slug in rows)


def list_items(attempt: Attempt) -> list[Item]:
    """Return the items of an attempt with question versions and responses, in order."""
    return list(session.scalars(_ITEMS, {"attempt_id": attempt.id}))


def list_items_to_answer(attempt: Attempt) -> tuple[list[Item], set[int]]:
    """Return the items of an attempt as `list_items` does, and the places of those that count for nobody."""
    rows = session.execute(_ITEMS_TO_ANSWER, {"attempt_id": attempt.id}).all()
    return [item for item, _kind in rows], {item.position for item, kind in rows if kind is RegradeKind.VOID}


def find_item(
    attempt: Attempt, position: int, idem_key: str | None
) -> tuple[Item, AttemptEvent | None, LastEvent | None] | None:
    """Return the item at a place of this very attempt, what was done under the key before, and the last line so far."""
    row = session.execute(
        _ITEM, {"attempt_id": attempt.id, "position": position, "idem_key": idem_key or ""}
    ).one_or_none()
    return (row[0], row[1], LastEvent(row[2], row[3], row[4]) if row[2] is not None else None) if row else None


def count_items(attempt: Attempt) -> int:
    """Return how many items the attempt has."""
    return session.scalar(select(func.count()).where(Item.attempt_id == attempt.id)) or 0


def find_current_marking(attempt: Attempt) -> Marking | None:
    """Return the marking that counts, with the marks of its items, or None before the first."""
    return session.scalar(
        select(Marking)
        .where(Marking.attempt_id == attempt.id)
        .order_by(Marking.marking_no.desc())
        .limit(1)
        .options(selectinload(Marking.item_marks))
    )


def list_events(attempt: Attempt, *, without: Collection[EventKind] = ()) -> list[AttemptEvent]:
    """Return the attempt's history, oldest first."""
    statement = select(AttemptEvent).where(AttemptEvent.attempt_id == attempt.id).order_by(AttemptEvent.number)
    if without:
        statement = statement.where(AttemptEvent.kind.not_in(without))
    return list(session.scalars(statement))


def known_keys(attempt: Attempt, keys: Sequence[str]) -> set[str]:
    """Return which of these idempotency keys were used in the attempt."""
    return {
        key
        for key in session.scalars(
            select(AttemptEvent.idem_key).where(AttemptEvent.attempt_id == attempt.id, AttemptEvent.idem_key.in_(keys))
        )
        if key
    }


def count_events(attempt: Attempt) -> int:
    """Return how many lines the attempt's history has."""
    return session.scalar(select(func.count()).where(AttemptEvent.attempt_id == attempt.id)) or 0


def list_overdue_ids(now: datetime, limit: int = 500) -> list[int]:
    """Return attempts whose time is over beyond their tolerance but which nobody has closed, longest over first."""
    rows = session.execute(
        select(Attempt.id, Attempt.deadline_at, Attempt.tolerance_seconds)
        .where(Attempt.state == AttemptState.IN_PROGRESS, Attempt.deadline_at < now)
        .order_by(Attempt.deadline_at, Attempt.id)
        .limit(limit)
    )
    return [row.id for row in rows if row.deadline_at + timedelta(seconds=row.tolerance_seconds) < now]


def list_releasable_ids(now: datetime, limit: int = 500) -> list[int]:
    """Return marked attempts to be released after a window that is over for everybody.

    It is over once it has closed for those who have the most time, whoever they are, and nobody is still sitting an
    attempt of the quiz.
    """
    sitting = select(Attempt.quiz_id).where(Attempt.state == AttemptState.IN_PROGRESS)
    versions = session.execute(
        select(QuizVersion.id, QuizVersion.closes_at, QuizVersion.time_limit_minutes)
        .join(Attempt, Attempt.quiz_version_id == QuizVersion.id)
        .where(
            Attempt.state == AttemptState.MARKED,
            QuizVersion.release == Release.AFTER_WINDOW,
            QuizVersion.closes_at <= now,
            Attempt.quiz_id.not_in(sitting),
        )
        .distinct()
    )
    over = [
        version_id
        for version_id, closes_at, minutes in versions
        if (close := rules.effective_close(closes_at, minutes * 60, _most_time_factor(closes_at, now))) and close <= now
    ]
    if not over:
        return []
    return list(
        session.scalars(
            select(Attempt.id)
            .where(Attempt.state == AttemptState.MARKED, Attempt.quiz_version_id.in_(over))
            .order_by(Attempt.id)
            .limit(limit)
        )
    )


def _most_time_factor(closes_at: datetime | None, now: datetime) -> Fraction:
    if closes_at is None:
        return Fraction(1)
    # A day more on either side: it is another day elsewhere.
    return people.most_time_factor(closes_at.date() - timedelta(days=1), now.date() + timedelta(days=1))


def list_unreleased(quiz_id: int) -> list[Attempt]:
    """Return the marked attempts of a quiz whose results nobody has seen, oldest first."""
    return list(
        session.scalars(
            select(Attempt)
            .where(Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.MARKED)
            .order_by(Attempt.id)
            .options(joinedload(Attempt.person, innerjoin=True))
        )
    )


def count_attempts(quiz_id: int) -> dict[AttemptState, int]:
    """Return state → number of attempts at a quiz, as stored; states without one are not in it."""
    rows = session.execute(
        select(Attempt.state, func.count()).where(Attempt.quiz_id == quiz_id).group_by(Attempt.state)
    )
    return {row[0]: row[1] for row in rows}


def count_passed(quiz_id: int) -> int:
    """Return how many attempts at a quiz whose result is out have passed, by their newest marking."""
    newest = select(func.max(Marking.id)).group_by(Marking.attempt_id)
    return (
        session.scalar(
            select(func.count())
            .select_from(Marking)
            .join(Attempt, Attempt.id == Marking.attempt_id)
            .where(
                Attempt.quiz_id == quiz_id,
                Attempt.state == AttemptState.RELEASED,
                Marking.passed,
                Marking.id.in_(newest.where(Marking.attempt_id == Attempt.id).correlate(Attempt)),
            )
        )
        or 0
    )


def count_unreleased() -> dict[int, int]:
    """Return quiz id → number of attempts that wait for their release by hand."""
    rows = session.execute(
        select(Attempt.quiz_id, func.count())
        .join(QuizVersion, QuizVersion.id == Attempt.quiz_version_id)
        .where(Attempt.state == AttemptState.MARKED, QuizVersion.release == Release.BY_HAND)
        .group_by(Attempt.quiz_id)
    )
    return {row[0]: row[1] for row in rows}


def find_response(item_id: int) -> Response | None:
    """Return the answer that is stored for an item now, or None."""
    return session.scalars(
        select(Response).where(Response.item_id == item_id).execution_options(populate_existing=True)
    ).one_or_none()
