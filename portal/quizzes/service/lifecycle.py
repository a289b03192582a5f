"""The life of a question: its steps from draft to live and back, and the wordings that wait beside what counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from portal.accounts.models import Person
from portal.core import clock, search
from portal.core.db import session
from portal.journal.service import record
from portal.quizzes import queries
from portal.quizzes.errors import (
    BadStep,
    ClauseGone,
    CountsForNobody,
    NotReadyForReview,
    OwnWording,
    ReasonMissing,
    TextMovedOn,
    WordingMovedOn,
)
from portal.quizzes.models import Question, QuestionState, QuestionVersion, SettledHow
from portal.quizzes.queries import regrades
from portal.quizzes.queries import staleness as looked_up
from portal.quizzes.rules import lifecycle
from portal.quizzes.rules.lifecycle import APPROVING, NEEDS_REASON, STEPS, STEPS_OF_PROPOSAL
from portal.quizzes.service import depth, flags, review, staleness
from portal.quizzes.service.banks import note_step, touch
from portal.quizzes.service.findable import QUESTIONS
from portal.quizzes.types.base import Content, read
from portal.quizzes.types.words import words_of

MOST_REASON = 500


def steps_from(question: Question, *, of_proposal: bool) -> tuple[str, ...]:
    """Return which states may follow by somebody's word, for the question or for the wording proposed beside it."""
    if not of_proposal:
        return STEPS[question.state.value]
    if question.proposed is None:
        return ()
    return STEPS_OF_PROPOSAL["in_review" if question.submitted_at else "draft"]


def authors_of(question: Question, versions: Sequence[QuestionVersion], *, of_proposal: bool) -> frozenset[str]:
    """Return the codes of those who wrote what would be approved and therefore cannot approve it."""
    numbers = {version.id: version.number for version in versions}
    approved = [
        numbers[step.question_version_id] for step in queries.list_steps(question) if step.after.value in APPROVING
    ]
    wordings = [lifecycle.Wording(version.number, version.created_by, version.origin) for version in versions]
    looked_at = question.in_work if of_proposal else question.latest
    return lifecycle.authors(wordings, looked_at=looked_at, approved=max(approved, default=0))


def lacks(content: Content) -> list[str]:
    """Return what a question lacks to be more than a draft: codes of languages, and `clause`."""
    found = lifecycle.missing(list(words_of(content)))
    for tag in ("en", "ja"):
        if tag not in found and not all(lifecycle.each_text(words, tag) for words in (content.title, content.stem)):
            found.append(tag)
    return sorted(found) + ([] if content.clauses else ["clause"])


def untranslated(content: Content, tag: str) -> list[str]:
    """Return the texts of a question that are not written in a language, as the other one says them."""
    return [
        text
        for words in words_of(content)
        if not lifecycle.each_text(words, tag).strip()
        for text in [lifecycle.each_text(words, "en" if tag == "ja" else "ja")]
        if text.strip()
    ]


def take_step(
    *,
    question: Question,
    to: str,
    by: Person,
    of_proposal: bool = False,
    number: int | None = None,
    looked_at: str | None = None,
    reason: str = "",
    accepting: Collection[str] = (),
) -> None:
    """Bring a question, or the wording proposed beside what counts, a step on.

    `number` is the version that was looked at, `looked_at` what `staleness.seen` gave for the clauses beside which it
    was; where that is not given no clause may have changed. Approving is for somebody who had no hand in the wording:
    it says that the question asks what is right by today's text, which is cited from then on. `accepting` names the
    quizzes (slugs) of which the person knows that they cannot be started afterwards. Raises `BadStep`, `OwnWording`,
    `ReasonMissing`, `NotReadyForReview`, `CountsForNobody`, `WordingMovedOn`, `TextMovedOn`, `ClauseGone`,
    `QuizzesGoShort`.
    """
    question = locked(question)
    lost = depth.losses_without(question) if to in depth.TAKES_OUT and not of_proposal else []
    was_in_review = question.state is QuestionState.IN_REVIEW
    step(question, to, by=by, of_proposal=of_proposal, number=number, looked_at=looked_at, reason=reason)
    depth.check_accepted(lost, accepting)
    touch(question)
    session.flush()
    if of_proposal or was_in_review or to == "in_review":
        review.tell(bank=question.bank, to=to, questions=[question], by=by)
    depth.tell(lost, bank=question.bank, questions=[question.slug], reason=reason.strip(), by=by)
    search.changed(QUESTIONS, [question.bank_id])
    session.flush()
    record(
        "quizzes.question_moved",
        by=by,
        subject=("question_bank", question.bank.slug),
        after={"question": question.slug, "state": f"proposal_{to}" if of_proposal else to},
        reason=reason.strip() or None,
    )


def locked(question: Question) -> Question:
    """Read a question again and let nobody else change it, nor its bank, until this transaction ends.

    Everybody takes the bank first and then questions, so that no two wait for each other.
    """
    queries.lock_bank(question.bank_id)
    return looked_up.lock_question(question)


def step(
    question: Question,
    to: str,
    *,
    by: Person,
    of_proposal: bool,
    number: int | None,
    looked_at: str | None,
    reason: str,
) -> None:
    """Do what `take_step` does, without noting it in the journal."""
    if to not in steps_from(question, of_proposal=of_proposal):
        raise BadStep()
    reason, before = reason.strip(), question.state
    versions = queries.list_versions(question)
    if not reason and needs_reason(question, to, by=by, versions=versions, of_proposal=of_proposal):
        raise ReasonMissing()
    if len(reason) > MOST_REASON:
        raise ReasonMissing()
    version = next(each for each in versions if each.number == (question.in_work if of_proposal else question.latest))
    if number is not None and number != version.number:
        raise WordingMovedOn()
    after = QuestionState(to)
    if to == "in_review":
        _check_complete(version)
    if to in APPROVING:
        if by.code in authors_of(question, versions, of_proposal=of_proposal):
            raise OwnWording()
        version = _approve(question, version, looked_at, by, of_proposal=of_proposal)
    if of_proposal:
        _move_proposal(question, version, after, by, reason)
        return
    if after is QuestionState.RETIRED and question.proposed is not None:
        proposed = next(each for each in versions if each.number == question.proposed)
        _move_proposal(question, proposed, QuestionState.RETIRED, by, "")
    note_step(question, version, after, by=by.code, reason=reason)
    if before is QuestionState.QUARANTINED or after is QuestionState.RETIRED:
        flags.close_with_step(question, after, reason=reason, by=by)
    if to in APPROVING:
        _settle(question, version, by)


def _check_complete(version: QuestionVersion) -> None:
    missing = lacks(read(version.content))
    if missing:
        raise NotReadyForReview(lacks=missing)


def needs_reason(
    question: Question, to: str, *, by: Person, versions: Sequence[QuestionVersion], of_proposal: bool
) -> bool:
    """Say whether a step is taken only with a reason.

    That is so where it takes out what counts, where it puts back what results have taken out, and where somebody sends
    back what others have written: they read why.
    """
    if to in NEEDS_REASON or (to == "live" and not of_proposal and flags.is_out_by_results(question)):
        return True
    is_reviewed = question.submitted_at is not None if of_proposal else question.state is QuestionState.IN_REVIEW
    if to != "draft" or not is_reviewed:
        return False
    return by.code not in authors_of(question, versions, of_proposal=of_proposal)


def _move_proposal(question: Question, version: QuestionVersion, after: QuestionState, by: Person, reason: str) -> None:
    before = "in_review" if question.submitted_at else "draft"
    note_step(question, version, after, by=by.code, reason=reason, of_proposal=True, before=before)
    if after is QuestionState.IN_REVIEW:
        question.submitted_at = clock.now()
        return
    question.submitted_at = None
    if after is QuestionState.DRAFT:
        return
    question.proposed = None
    if after is QuestionState.LIVE:
        question.latest = version.number
        if question.state is QuestionState.STALE:
            note_step(question, version, QuestionState.LIVE, by=by.code)
        if question.state is QuestionState.LIVE:
            _settle(question, version, by)


def _approve(
    question: Question, version: QuestionVersion, looked_at: str | None, by: Person, *, of_proposal: bool
) -> QuestionVersion:
    """Return the wording that counts from now on: it cites the clauses as they read today."""
    _check_complete(version)
    if regrades.find_void(version) is not None:
        raise CountsForNobody()
    (clauses,) = staleness.clauses_of([version]).values()
    if looked_at is None and any(clause.is_changed for clause in clauses):
        raise TextMovedOn()
    if looked_at is not None and staleness.seen(clauses) != looked_at:
        raise TextMovedOn()
    for clause in clauses:
        if not clause.can_be_cited:
            raise ClauseGone(clause=f"{clause.slug}#{clause.anchor}")
    cited = staleness.cite_today(question, version, by.code)
    if of_proposal:
        question.proposed = cited.number
    else:
        question.latest = cited.number
    session.flush()
    return cited


def _settle(question: Question, version: QuestionVersion, by: Person) -> None:
    """Let nothing be waited for any more: the question was approved beside the text as it is now."""
    for row in looked_up.list_open_of([question.id]).get(question.id, []):
        row.settled_at, row.settled_by = clock.now(), by.code
        is_rewritten = row.question_version.content != version.content
        row.settled_how = SettledHow.NEW_VERSION if is_rewritten else SettledHow.STILL_RIGHT
        row.settled_version_id = version.id
