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
    FlagKind,
    Layout,
    Navigation,
    Question,
    QuestionBank,
    QuestionCitation,
    QuestionStaleness,
    QuestionState,
    QuestionStep,
    QuestionVersion,
    Quiz,
    QuizVersion,
    SecondMarker,
    SettledHow,
)
from portal.quizzes.queries import ClauseFact, flags, staleness
from portal.quizzes.rules.passing import Counts
from portal.quizzes.service.drawing import sections_of
from portal.quizzes.service.findable import QUESTIONS
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Content
from portal.quizzes.types.wording import digest_of_wording

ORIGIN_IMPORT = "import"
# Quizzes are at /quizzes/<slug>, and so are these.
PAGES = frozenset({"marking", "new"})


# (document slug, version number or "" for the newest) → clause id → fact; None where there is no such version.
ClauseFacts = Callable[[str, str], Mapping[str, ClauseFact] | None]


class UnknownClause(LookupError):
    """A question cites a clause that is in no document here."""

    def __init__(self, question: str, clause: str, version: str) -> None:
        super().__init__(clause)
        self.question, self.clause, self.version = question, clause, version


class ChangedHere(LookupError):
    """A file changes a question that people have changed in the product since the file was written."""

    def __init__(self, question: str, *, is_proposed: bool) -> None:
        super().__init__(question)
        self.question, self.is_proposed = question, is_proposed


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

    What people have changed in the product since the file was written stays as it is (`kept_here` tells which), and so
    do questions that were added there. Raises `UnknownClause`, and `ChangedHere` where the file has changed it as well.
    """
    row = queries.find_bank(slug)
    kept = set(kept_here(row, bank)) if row else set()
    changes: list[str] = []
    if row is None:
        row = QuestionBank(
            slug=slug,
            title=bank.title,
            document_slug=bank.document,
            document_version=bank.version,
            revision=bank.revision,
            created_at=clock.now(),
            created_by=by.code,
        )
        session.add(row)
        session.flush()
        changes.append("bank")
    else:
        # From another installation, where it was changed more often.
        row.revision = max(row.revision, bank.revision)
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
        if found is not None and given.id in kept:
            if found.position is not None:
                found.position = position
            continue
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
    for place, question in enumerate(known.values(), start=len(bank.questions) + 1):
        if question.position is not None and question.slug in kept:
            question.position = place
        elif question.position is not None:
            note_step(question, latest[question.id], QuestionState.RETIRED, by=by.code)
            question.position, question.proposed, question.submitted_at = None, None, None
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


def kept_here(row: QuestionBank, bank: Bank) -> list[str]:
    """Return the questions (their ids) that stay as people left them in the product, whatever an older file says.

    A file states the revision of the bank that it was written from. What was changed here since stays where the file
    says what the question said before, and where the file does not know it yet. Raises `ChangedHere` where the file
    says something new of a question that was changed here as well, or for which a new wording waits.
    """
    stated = {question.id: question for question in bank.questions}
    kept = []
    for question in queries.list_changed_since(row, min(bank.revision, row.revision)):
        given = stated.get(question.slug)
        if given is None:
            kept.append(question.slug)
            continue
        data = canonical_json(type_of(given.content.type).export(given.content))
        said = {version.number: canonical_json(version.content) for version in question.versions}
        if said[question.latest] == data and question.written_state == given.state:
            continue
        if data not in said.values():
            raise ChangedHere(question.slug, is_proposed=False)
        kept.append(question.slug)
    for question in queries.list_proposed(row):
        given = stated.get(question.slug)
        if given is None or question.slug in kept:
            continue
        (latest,) = (version for version in question.versions if version.number == question.latest)
        if canonical_json(latest.content) != canonical_json(type_of(given.content.type).export(given.content)):
            raise ChangedHere(question.slug, is_proposed=True)
    return kept


def note_step(
    question: Question,
    version: QuestionVersion,
    after: QuestionState,
    *,
    by: str | None,
    reason: str = "",
    of_proposal: bool = False,
    before: str = "",
) -> None:
    """Bring a question into a state and note the step; of a proposed wording only the step is noted."""
    session.add(
        QuestionStep(
            question_id=question.id,
            question_version_id=version.id,
            of_proposal=of_proposal,
            before=before or question.state.value,
            after=after,
            reason=reason,
            at=clock.now(),
            by=by,
        )
    )
    if not of_proposal:
        question.state = after


def touch(question: Question) -> None:
    """Note that the question was changed in the product, so that no older file throws it back."""
    bank = queries.lock_bank(question.bank_id)
    bank.revision += 1
    question.revision = bank.revision


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
    if latest is not None and _is_out_by_results(found, written, latest, data):
        # What results have taken out is put back by a person, with a reason, and not by a file.
        state = QuestionState.QUARANTINED
    changed = is_new or bool(answered) or found.state is not state or found.position is None
    before, found.state, found.position = found.state, state, position
    drawn = latest
    if is_new:
        found.latest = queries.next_number(found)
        drawn = QuestionVersion(
            question_id=found.id,
            number=found.latest,
            type=given.content.type,
            content=data,
            hash=digest,
            behind=given.behind or None,
            origin=origin,
            created_at=now,
            created_by=by.code,
            citations=citations,
        )
        session.add(drawn)
        session.flush()
    if before is not state and drawn is not None:
        note_step(found, drawn, state, by=by.code, before=before.value)
    for wait in answered:
        wait.settled_at, wait.settled_by = now, by.code
        wait.settled_how = SettledHow.NEW_VERSION if is_rewritten else SettledHow.STILL_RIGHT
        wait.settled_version_id = drawn.id if drawn else None
    return changed


def _is_out_by_results(
    question: Question, written: QuestionState, latest: QuestionVersion, data: Mapping[str, Any]
) -> bool:
    """Say whether a file would let a wording be drawn that results have taken out; another wording begins anew."""
    return (
        question.state is QuestionState.QUARANTINED
        and written in (QuestionState.LIVE, QuestionState.PILOT)
        and digest_of_wording(latest.content) == digest_of_wording(data)
        and flags.has_open(question, FlagKind.NEGATIVE_DISCRIMINATION)
    )


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
    return cite(given.id, given.content, facts, pinned={bank.document: bank.version})


def cite(
    question: str, content: Content, facts: ClauseFacts, *, pinned: Mapping[str, str] | None = None
) -> list[QuestionCitation]:
    """Return the clauses that a question tests or names, as they stand in the versions pinned, else in the newest.

    Raises `UnknownClause`.
    """
    tested = list(content.clauses)
    linked = [name for name in links_of(content) if name not in tested]
    citations = []
    for position, name in enumerate([*tested, *linked], start=1):
        slug, _sign, anchor = name.partition("#")
        version = (pinned or {}).get(slug, "")
        clauses = facts(slug, version)
        if clauses is None:
            # A folder may come here without the history of its documents.
            clauses = facts(slug, "")
        fact = clauses.get(anchor) if clauses is not None else None
        if fact is None:
            raise UnknownClause(question, name, version)
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


def hash_of_terms(terms: QuizTerms) -> str:
    """Return the SHA-256 over all that terms say but their number."""
    return _hash(terms.data())


def take_quiz(*, slug: str, terms: QuizTerms, by: Person, origin: str = ORIGIN_IMPORT) -> QuizVersion | None:
    """Take a quiz in; return its new version, or None where nothing changed.

    What says the same as an earlier version of its number is an old file: the newer version stays. Raises
    `NumberTaken` where a version of this number says something else.
    """
    newest = queries.find_quiz(slug)
    digest = hash_of_terms(terms)
    known = newest.quiz.versions if newest is not None else ()
    if any((each.number, each.hash) == (terms.number, digest) for each in known):
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
        second_marker=terms.second_marker if terms.second_marker is not SecondMarker.NONE else None,
        moderation_above=terms.moderation_above,
        borderline_within=terms.borderline_within,
        appeal_days=terms.appeal_days,
        tolerance_seconds=terms.tolerance_seconds,
        only_assigned=terms.only_assigned or None,
        purpose=terms.purpose,
        sections=[section.data() for section in terms.sections] or None,
        pilots=terms.pilots or None,
        counts=terms.counts if terms.counts is not Counts.HIGHEST else None,
        **terms.taking(),
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
        second_marker=version.second_marker or SecondMarker.NONE,
        moderation_above=version.moderation_above,
        borderline_within=version.borderline_within,
        appeal_days=version.appeal_days,
        tolerance_seconds=version.tolerance_seconds,
        only_assigned=bool(version.only_assigned),
        purpose=version.purpose,
        sections=sections_of(version),
        pilots=version.pilots or 0,
        counts=version.counts or Counts.HIGHEST,
        navigation=version.navigation or Navigation.FREE,
        layout=version.layout or Layout.ALL,
        confidence=bool(version.confidence),
        practice=bool(version.practice),
    )
