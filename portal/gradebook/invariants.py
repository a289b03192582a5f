"""What must always be true of the gradebook."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from portal.core.db import session
from portal.gradebook import rules
from portal.gradebook.models import GradeDecision, ScoreEntry
from portal.quizzes.models import Attempt, AttemptState, Marking, QuizVersion


def entries_are_those_of_their_markings() -> list[str]:
    """I5: the last entry of a released attempt has the score of the marking that counts, and names its person."""
    entry, marking = aliased(ScoreEntry), aliased(Marking)
    last_entry = (
        select(func.max(ScoreEntry.entry_no)).where(ScoreEntry.attempt_id == Attempt.id).correlate(Attempt)
    ).scalar_subquery()
    last_marking = (
        select(func.max(Marking.marking_no)).where(Marking.attempt_id == Attempt.id).correlate(Attempt)
    ).scalar_subquery()
    rows = session.execute(
        select(
            Attempt.code,
            Attempt.state,
            Attempt.released_at,
            Attempt.person_id,
            Attempt.quiz_id,
            entry,
            marking.score,
            marking.passed,
        )
        .select_from(Attempt)
        .outerjoin(entry, (entry.attempt_id == Attempt.id) & (entry.entry_no == last_entry))
        .outerjoin(marking, (marking.attempt_id == Attempt.id) & (marking.marking_no == last_marking))
        .where((Attempt.state == AttemptState.RELEASED) | entry.id.is_not(None))
        .order_by(Attempt.id)
        .execution_options(yield_per=500)
    )
    broken = []
    for code, state, released_at, person_id, quiz_id, found, score, passed in rows:
        name = f"score entry {found.id} of attempt {code}" if found else f"attempt {code}"
        if not found:
            broken.append(f"{name} is released, but has no entry in the gradebook")
        elif (found.person_id, found.quiz_id) != (person_id, quiz_id):
            broken.append(f"{name} names another person or quiz than the attempt")
        elif state is AttemptState.RELEASED and (found.score, found.passed) != (score, passed):
            broken.append(f"{name} is not what its marking says")
        # Marked: a correction that is not released yet. Void: the line stays, and counts no more.
        elif state is AttemptState.VOIDED and released_at is not None:
            continue
        elif state not in (AttemptState.RELEASED, AttemptState.MARKED):
            broken.append(f"{name} stands for a result that is not released")
    return broken


def entries_are_numbered() -> list[str]:
    """I6: the entries of an attempt are numbered 1, 2, 3 …, so none was taken out."""
    gaps = session.execute(
        select(Attempt.code)
        .join(ScoreEntry, ScoreEntry.attempt_id == Attempt.id)
        .group_by(Attempt.id, Attempt.code)
        .having(func.count() != func.max(ScoreEntry.entry_no))
        .order_by(Attempt.id)
    ).scalars()
    return [f"the score entries of attempt {code} are not numbered 1, 2, 3 …" for code in gaps]


def decisions_are_of_two_people() -> list[str]:
    """I6: a line by hand says what two people decided, and every such decision has one.

    That they are two, and neither is the learner, the database itself sees to.
    """
    broken = []
    entries = aliased(ScoreEntry)
    rows = session.execute(
        select(GradeDecision, entries, QuizVersion.pass_mark)
        .outerjoin(entries, entries.decision_id == GradeDecision.id)
        .join(QuizVersion, QuizVersion.id == GradeDecision.quiz_version_id)
        .order_by(GradeDecision.id)
        .execution_options(yield_per=500)
    )
    for row in rows:
        decision, pass_mark = row[0], row[2]
        entry: ScoreEntry | None = row[1]
        name = f"decision {decision.code}"
        if entry is None:
            if decision.is_confirmed:
                broken.append(f"{name} was confirmed, but has no entry in the gradebook")
            continue
        if not decision.is_confirmed:
            broken.append(f"score entry {entry.id} stands for {name}, which nobody confirmed")
        told = (entry.person_id, entry.quiz_id, entry.kind.value, entry.score, entry.withdraws_no, entry.at)
        meant = (
            decision.person_id,
            decision.quiz_id,
            decision.wish.value,
            decision.score,
            decision.withdraws_no,
            decision.closed_at,
        )
        if told != meant:
            broken.append(f"score entry {entry.id} is not what {name} says")
        if entry.score is not None and entry.passed != rules.has_reached(entry.score, pass_mark):
            broken.append(f"score entry {entry.id} passes otherwise than its score against the pass mark")
    return broken


def decisions_are_numbered_and_withdrawn_once() -> list[str]:
    """I6: lines by hand are numbered for each person and quiz, and a withdrawal names an earlier one that stood."""
    broken: list[str] = []
    lines: dict[tuple[int, int], list[ScoreEntry]] = {}
    for entry in session.scalars(
        select(ScoreEntry)
        .where(ScoreEntry.attempt_id.is_(None))
        .order_by(ScoreEntry.person_id, ScoreEntry.quiz_id, ScoreEntry.entry_no)
    ):
        lines.setdefault((entry.person_id, entry.quiz_id), []).append(entry)
    for (person_id, quiz_id), found in lines.items():
        if [each.entry_no for each in found] != list(range(1, len(found) + 1)):
            broken.append(f"the decisions about person {person_id} in quiz {quiz_id} are not numbered 1, 2, 3 …")
        standing: set[int] = set()
        for each in found:
            if each.withdraws_no is None:
                standing.add(each.entry_no)
            elif each.withdraws_no in standing:
                standing.remove(each.withdraws_no)
            else:
                broken.append(f"score entry {each.id} withdraws a decision that does not stand")
    return broken


INVARIANTS = {
    "I5 score entries are those of their markings": entries_are_those_of_their_markings,
    "I6 score entries are numbered": entries_are_numbered,
    "I6 results are decided by two people": decisions_are_of_two_people,
    "I6 decisions are numbered": decisions_are_numbered_and_withdrawn_once,
}
