"""Taking in banks and quizzes: what changed becomes a new version, what did not stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from portal.accounts.models import Person
from portal.core import clock, search
from portal.core.db import canonical_json, session
from portal.core.markdown import clause_links
from portal.journal.service import record
from portal.library.rules import number_key
from portal.quizzes import queries
from portal.quizzes.formats.markdown import Bank, BankQuestion
from portal.quizzes.formats.quiz_toml import QuizTerms
from portal.quizzes.models import (
    Question,
    QuestionBank,
    QuestionCitation,
    QuestionStaleness,
    QuestionState,
    QuestionVersion,
    Quiz,
    QuizVersion,
    SettledHow,
)
from portal.quizzes.queries import ClauseFact, staleness
from portal.quizzes.service.findable import QUESTIONS
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Content

ORIGIN_IMPORT = "import"


# (document slug, version number or "" for the newest) → clause id → fact; None where there is no such version.
ClauseFacts = Callable[[str, str], Mapping[str, ClauseFact] | None]


class UnknownClause(LookupError):
    """A question cites a clause that is in no document here."""

    def __init__(self, question: str, clause: str, version: str) -> None:
        super().__init__(clause)
        self.question, self.clause, self.version = question, clause, version


class NumberTaken(LookupError):
    """A version of this number says something else already."""


def _hash(data: Any) -> str:
    return sha256(canonical_json(data).encode()).hexdigest()


# --- banks -------------------------------------------------------------------------------------


def take_bank(*, slug: str, bank: Bank, facts: ClauseFacts, by: Person, origin: str = ORIGIN_IMPORT) -> list[str]:
    """Take a bank in and return one line of code per change: `bank`, or a question's id.

    A question whose content or cited clauses changed gets a new version; one that is no longer in the
    bank is retired. The bank's own version of its document is cited, or the newest where it names none or
    one that is not known here. The same bank again changes nothing. A stale question is drawn again when the bank
    states the version that made it stale or a later one, or when the question was rewritten and cites the new text.
    Raises `UnknownClause`.
    """
    row = queries.find_bank(slug)
    changes: list[str] = []
    if row is None:
        row = QuestionBank(
            slug=slug,
            title=bank.title,
            document_slug=bank.document,
            document_version=bank.version,
            created_at=clock.now(),
            created_by=by.code,
        )
        session.add(row)
        session.flush()
        changes.append("bank")
    else:
        head = (row.title, row.document_slug, row.document_version)
        if head != (bank.title, bank.document, bank.version):
            row.title, row.document_slug, row.document_version = bank.title, bank.document, bank.version
            changes.append("bank")
    known = {question.slug: question for question in queries.list_questions(row)}
    latest = {question.id: version for question, version in queries.list_latest(row)} | {
        question.id: question.versions[-1] for question in known.values() if question.position is None
    }
    waits = staleness.list_of_bank(row)
    for position, given in enumerate(bank.questions, start=1):
        found = known.pop(given.id, None)
        version = latest[found.id] if found else None
        changed = _take_question(
            bank=row,
            stated=bank,
            position=position,
            given=given,
            found=found,
            latest=version,
            waits=waits.get(found.id, []) if found else [],
            citations=_citations(given, bank, facts),
            by=by,
            origin=origin,
        )
        if changed:
            changes.append(given.id)
    for question in known.values():
        if question.position is not None:
            question.position, question.state = None, QuestionState.RETIRED
            changes.append(question.slug)
    if changes:
        search.changed(QUESTIONS, [row.id])
        record(
            "quizzes.bank_taken_in",
            by=by,
            subject=("question_bank", slug),
            after={"changed": changes, "origin": origin},
        )
    session.flush()
    return changes


def _take_question(
    *,
    bank: QuestionBank,
    stated: Bank,
    position: int,
    given: BankQuestion,
    found: Question | None,
    latest: QuestionVersion | None,
    waits: Sequence[QuestionStaleness],
    citations: list[QuestionCitation],
    by: Person,
    origin: str,
) -> bool:
    data = type_of(given.content.type).export(given.content)
    if latest is not None:
        citations = _kept(latest.citations, citations, waits)
    digest = hash_of_version(data, citations)
    written = QuestionState(given.state)
    now = clock.now()
    if found is None:
        found = Question(bank=bank, slug=given.id, state=written, position=position, latest=0, created_at=now)
        session.add(found)
        session.flush()
    # A clause that reads the same in a later version of its document is the clause that was cited.
    is_new = latest is None or _said(latest.content, latest.citations) != _said(data, citations)
    is_rewritten = latest is not None and canonical_json(latest.content) != canonical_json(data)
    waiting = [wait for wait in waits if wait.settled_at is None]
    answered = [wait for wait in waiting if _is_answered(wait, stated, citations, is_rewritten=is_rewritten)]
    state = QuestionState.STALE if written is QuestionState.LIVE and len(answered) < len(waiting) else written
    changed = is_new or bool(answered) or found.state is not state or found.position is None
    found.state, found.position = state, position
    drawn = latest
    if is_new:
        found.latest += 1
        drawn = QuestionVersion(
            question_id=found.id,
            number=found.latest,
            type=given.content.type,
            content=data,
            hash=digest,
            origin=origin,
            created_at=now,
            created_by=by.code,
            citations=citations,
        )
        session.add(drawn)
        session.flush()
    for wait in answered:
        wait.settled_at, wait.settled_by = now, by.code
        wait.settled_how = SettledHow.NEW_VERSION if is_rewritten else SettledHow.STILL_RIGHT
        wait.settled_version_id = drawn.id if drawn else None
    return changed


def _kept(
    known: Sequence[QuestionCitation], given: Sequence[QuestionCitation], waits: Sequence[QuestionStaleness]
) -> list[QuestionCitation]:
    """Return what a question of a file cites: a later text where somebody has looked at the question beside it here."""
    by_clause = {(each.tested, each.document_slug, each.anchor): each for each in known}
    kept = []
    for each in given:
        looked_at = staleness.looked_at_against(waits, each.document_slug)
        later = by_clause.get((each.tested, each.document_slug, each.anchor))
        if later is None or not looked_at or not _is_before(each.version_number, later.version_number):
            kept.append(each)
            continue
        kept.append(
            QuestionCitation(
                position=each.position,
                tested=each.tested,
                document_slug=each.document_slug,
                version_number=later.version_number,
                anchor=each.anchor,
                clause_hash=later.clause_hash,
                title=later.title,
            )
        )
    return kept


def _is_answered(
    wait: QuestionStaleness, stated: Bank, citations: Sequence[QuestionCitation], *, is_rewritten: bool
) -> bool:
    """Say whether a file answers what a question waits for: it states the version, or it was rewritten for its text."""
    if stated.document == wait.document_slug and stated.version and not _is_before(stated.version, wait.version_number):
        return True
    old = [
        each
        for each in citations
        if each.tested
        and each.document_slug == wait.document_slug
        and each.anchor in wait.anchors
        and _is_before(each.version_number, wait.version_number)
    ]
    return is_rewritten and not old


def _is_before(number: str, other: str) -> bool:
    return number_key(number) < number_key(other)


def _said(content: Mapping[str, Any], citations: Sequence[QuestionCitation]) -> str:
    """Return what a question says and rests on, without the number of the version in which the clauses were found."""
    cited = [[each.tested, each.document_slug, each.anchor, each.clause_hash] for each in citations]
    return canonical_json({"content": content, "citations": cited})


def hash_of_version(content: Mapping[str, Any], citations: Sequence[QuestionCitation]) -> str:
    """Return the SHA-256 over a question's content and the clauses that it cites or names, with their hashes."""
    cited = [
        [citation.tested, citation.document_slug, citation.version_number, citation.anchor, citation.clause_hash]
        for citation in citations
    ]
    return _hash({"content": content, "citations": cited})


def links_of(content: Content) -> list[str]:
    """Return the clauses that the texts of a question link to, as `slug#id`, each once, in order."""
    found: dict[str, None] = {}
    for words in content.texts():
        for text in (words.en, words.ja):
            for slug, anchor, _line in clause_links(text):
                found.setdefault(f"{slug or content.document}#{anchor}")
    return list(found)


def _citations(given: BankQuestion, bank: Bank, facts: ClauseFacts) -> list[QuestionCitation]:
    tested = list(given.content.clauses)
    linked = [name for name in links_of(given.content) if name not in tested]
    citations = []
    for position, name in enumerate([*tested, *linked], start=1):
        slug, _sign, anchor = name.partition("#")
        version = bank.version if slug == bank.document else ""
        clauses = facts(slug, version)
        if clauses is None:
            # A folder may come here without the history of its documents.
            clauses = facts(slug, "")
        fact = clauses.get(anchor) if clauses is not None else None
        if fact is None:
            raise UnknownClause(given.id, name, version)
        citations.append(
            QuestionCitation(
                position=position,
                tested=position <= len(tested),
                document_slug=slug,
                version_number=fact.version_number,
                anchor=anchor,
                clause_hash=fact.hash,
                title=fact.title,
            )
        )
    return citations


# --- quizzes -----------------------------------------------------------------------------------


def take_quiz(*, slug: str, terms: QuizTerms, by: Person, origin: str = ORIGIN_IMPORT) -> QuizVersion | None:
    """Take a quiz in; return its new version, or None where nothing changed.

    Raises `NumberTaken` where a version of this number says something else.
    """
    newest = queries.find_quiz(slug)
    digest = _hash(terms.data())
    if newest is not None and (newest.number, newest.hash) == (terms.number, digest):
        return None
    now = clock.now()
    quiz = newest.quiz if newest else Quiz(slug=slug, created_at=now)
    if newest is None:
        session.add(quiz)
        session.flush()
    elif any(version.number == terms.number for version in quiz.versions):
        raise NumberTaken(terms.number)
    version = QuizVersion(
        quiz=quiz,
        number=terms.number,
        title=terms.title,
        blueprint=[dict(line) for line in terms.blueprint],
        time_limit_minutes=terms.time_limit_minutes,
        attempts_allowed=terms.attempts_allowed,
        wait_hours=terms.wait_hours,
        wait_after_fails=terms.wait_after_fails,
        pass_mark=terms.pass_mark,
        release=terms.release,
        show=list(terms.show),
        shuffle_questions=terms.shuffle_questions,
        shuffle_choices=terms.shuffle_choices,
        opens_at=terms.opens_at,
        closes_at=terms.closes_at,
        hash=digest,
        origin=origin,
        created_at=now,
        created_by=by.code,
    )
    session.add(version)
    session.flush()
    record(
        "quizzes.quiz_published",
        by=by,
        subject=("quiz", slug),
        before={"version": newest.number} if newest else None,
        after={"version": terms.number, "origin": origin},
    )
    return version


def terms_of_version(version: QuizVersion) -> QuizTerms:
    """Return the terms as a file states them: the inverse of `take_quiz`."""
    return QuizTerms(
        number=version.number,
        title=version.title,
        blueprint=version.blueprint,
        time_limit_minutes=version.time_limit_minutes,
        attempts_allowed=version.attempts_allowed,
        wait_hours=version.wait_hours,
        wait_after_fails=version.wait_after_fails,
        pass_mark=version.pass_mark,
        release=version.release,
        show=tuple(version.show),
        shuffle_questions=version.shuffle_questions,
        shuffle_choices=version.shuffle_choices,
        opens_at=version.opens_at,
        closes_at=version.closes_at,
    )
