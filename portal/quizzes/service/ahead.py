"""Looking at questions beside a draft, so that those which stay right are drawn on when it is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import canonical_json, session
from portal.journal.service import record
from portal.library.errors import DraftEnded
from portal.library.models import Draft
from portal.library.service.dependants import Change, change_of_draft
from portal.quizzes.errors import ClauseGone, NotTouched, TextMovedOn
from portal.quizzes.models import Question, QuestionLook, QuestionVersion, Verdict
from portal.quizzes.queries import staleness
from portal.quizzes.service.staleness import AffectedQuestion, ClauseThen, touched_questions


@dataclass(frozen=True, slots=True)
class Looked:
    """How many questions a draft touches, how many of them were looked at as it reads now, and found right."""

    total: int
    looked_at: int
    still_right: int


def looked(touched: Sequence[AffectedQuestion]) -> Looked:
    """Count what was said of questions."""
    verdicts = [each.verdict for each in touched]
    said = [verdict for verdict in verdicts if verdict is not None]
    return Looked(len(verdicts), len(said), sum(verdict is Verdict.STILL_RIGHT for verdict in said))


def clauses_beside(change: Change, version: QuestionVersion) -> list[ClauseThen]:
    """Return the clauses of the changed document that a question tests: as cited, and as they will read."""
    found = []
    for each in version.citations:
        if not each.tested or each.document_slug != change.document_slug:
            continue
        touched = change.touches(number=each.version_number, anchor=each.anchor, clause_hash=each.clause_hash)
        found.append(
            ClauseThen(
                each.document_slug,
                each.version_number,
                each.anchor,
                each.clause_hash,
                change.number,
                touched.anchor if touched else each.anchor,
                touched.after if touched else each.clause_hash,
            )
        )
    return found


def seen(version: QuestionVersion, clauses: Sequence[ClauseThen]) -> str:
    """Return what stands for a wording and the texts beside which it is shown: a page names it when it is sent."""
    facts = [version.question_id, version.number, [[each.anchor, each.today_hash] for each in clauses]]
    return sha256(canonical_json(facts).encode()).hexdigest()[:32]


def look(*, draft: Draft, question: Question, verdict: Verdict, looked_at: str, by: Person) -> None:
    """Keep what is said of a question beside the clauses of a draft; what is said later of it counts instead.

    It holds for exactly the texts that were shown, for which `looked_at` stands. Raises `DraftEnded`, `NotTouched`,
    `TextMovedOn`, or `ClauseGone` where a question cannot be right because a clause is taken out or has another id.
    """
    if draft.ended_at is not None:
        raise DraftEnded()
    # Two who look at the same question come one after the other.
    staleness.lock_question(question)
    change = change_of_draft(draft)
    touched = next((each for each in touched_questions(change) if each.question_id == question.id), None)
    if touched is None:
        raise NotTouched()
    ((_question, version),) = staleness.list_wordings([touched.version_id])
    clauses = clauses_beside(change, version)
    if seen(version, clauses) != looked_at:
        raise TextMovedOn()
    if verdict is Verdict.STILL_RIGHT:
        for clause in clauses:
            if not clause.can_be_cited:
                raise ClauseGone(clause=f"{clause.slug}#{clause.anchor}")
    if touched.verdict is verdict:
        return
    now = clock.now()
    session.add_all(
        QuestionLook(
            draft_id=draft.id,
            question_version_id=version.id,
            anchor=anchor,
            clause_hash=digest or "",
            verdict=verdict,
            at=now,
            by=by.code,
        )
        for anchor, digest in zip(touched.anchors, touched.hashes, strict=True)
    )
    session.flush()
    record(
        "quizzes.question_looked_at",
        by=by,
        subject=("question_bank", question.bank.slug),
        after={
            "question": question.slug,
            "document": draft.document.slug,
            "draft": draft.code,
            "verdict": verdict.value,
            "clauses": list(touched.anchors),
        },
    )
