"""Reviews of questions: what waits for whom, what came back to whom, and the mails that say so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portal.accounts import queries as people
from portal.accounts.models import Person, Role, Scope
from portal.core import clock, mail
from portal.core.access import allows
from portal.quizzes.models import Question, QuestionBank, QuestionState, QuestionStep
from portal.quizzes.permissions import APPROVE_QUESTIONS, SEE_BANKS
from portal.quizzes.queries import pool
from portal.quizzes.queries import review as looked_up
from portal.quizzes.queries.review import CameBack, Hand, InReview, Reviewed
from portal.quizzes.rules import lifecycle
from portal.quizzes.rules.lifecycle import APPROVING
from portal.quizzes.service import staleness
from portal.quizzes.types.base import read

SUBMITTED, REVIEWED = "quizzes.questions_submitted", "quizzes.questions_reviewed"
# What is submitted, or decided, in one bank within such a stretch is told in one mail.
TOGETHER = timedelta(minutes=10)
_ENDS_REVIEW = frozenset({"live", "pilot", "draft", "retired"})


@dataclass(frozen=True, slots=True)
class Submitted:
    """A wording in review: who submitted it when (None: it came so from a file), and who had a hand in it."""

    row: InReview
    by: str | None
    at: datetime | None
    authors: frozenset[str]


def list_submitted(bank: str = "") -> list[Submitted]:
    """Return all wordings that wait for an approval, of one bank or of all, in the order of banks and questions."""
    rows = looked_up.list_in_review(bank)
    if not rows:
        return []
    ids = {row.question_id for row in rows}
    hands, steps = looked_up.list_hands(ids), looked_up.list_steps_of(ids)
    found = []
    for row in rows:
        taken = steps.get(row.question_id, [])
        last = _last_submission(taken, of_proposal=row.is_proposal)
        authors = _authors(hands.get(row.question_id, []), taken, looked_at=row.number)
        found.append(Submitted(row, last.by if last else None, last.at if last else None, authors))
    return found


def list_waiting_for(person: Person, bank: str = "") -> list[Submitted]:
    """Return the wordings that a person may approve: those in which she had no hand; none for who may approve none."""
    if not allows(person, APPROVE_QUESTIONS):
        return []
    return [each for each in list_submitted(bank) if person.code not in each.authors]


def next_of(waiting: Sequence[Submitted], bank: str, question: str) -> Submitted | None:
    """Return what comes after a question in the order of the list, the first one after the last; None: nothing else."""
    others = [each for each in waiting if (each.row.bank, each.row.slug) != (bank, question)]
    places = [(each.row.bank, each.row.slug) for each in waiting]
    if (bank, question) in places:
        behind = waiting[places.index((bank, question)) + 1 :]
        return behind[0] if behind else (others[0] if others else None)
    # It waits no more: those of its own bank come first.
    return next((each for each in others if each.row.bank == bank), others[0] if others else None)


def _last_submission(steps: Sequence[QuestionStep], *, of_proposal: bool) -> QuestionStep | None:
    found = [each for each in steps if each.after is QuestionState.IN_REVIEW and each.of_proposal is of_proposal]
    return found[-1] if found else None


def _authors(hands: Sequence[Hand], steps: Sequence[QuestionStep], *, looked_at: int) -> frozenset[str]:
    numbers = {hand.id: hand.number for hand in hands}
    approved = [numbers[step.question_version_id] for step in steps if step.after.value in APPROVING]
    wordings = [lifecycle.Wording(hand.number, hand.by, hand.origin) for hand in hands]
    return lifecycle.authors(wordings, looked_at=looked_at, approved=max(approved, default=0))


# --- what came back ----------------------------------------------------------------------------


def list_came_back_to(person: Person) -> list[CameBack]:
    """Return what was sent back of what a person wrote or submitted, the newest first."""
    rows = looked_up.list_came_back()
    steps = looked_up.list_steps_of({row.question.id for row in rows}) if rows else {}
    found = []
    for row in rows:
        last = _last_submission(steps.get(row.question.id, []), of_proposal=row.step.of_proposal)
        if person.code in (row.author, last.by if last else None):
            found.append(row)
    return found


def titles_of(rows: Sequence[CameBack], tag: str) -> list[str]:
    """Return what the questions are called in a language, one for each row."""
    versions = pool.get_versions([row.step.question_version_id for row in rows]) if rows else {}
    return [read(versions[row.step.question_version_id].content).title.in_(tag) or row.question.slug for row in rows]


def find_came_back(question: Question) -> CameBack | None:
    """Return the step that sent a question back, where it has not been submitted again since; else None."""
    return next(iter(looked_up.list_came_back(question.id)), None)


# --- mails -------------------------------------------------------------------------------------


def stretch_of(turn: int) -> tuple[datetime, datetime]:
    """Return the beginning of a stretch of time whose mails go together, and its end, which is not part of it."""
    begin = datetime.fromtimestamp(turn * TOGETHER.total_seconds(), UTC)
    return begin, begin + TOGETHER


def tell(*, bank: QuestionBank, to: str, questions: Collection[Question], by: Person) -> None:
    """Owe the mails that follow when somebody submitted questions of a bank, or decided about some that were in review.

    Whatever happens in the bank within ten minutes is told each person in one mail.
    """
    now = clock.now()
    turn = int(now.timestamp() // TOGETHER.total_seconds())
    if to == QuestionState.IN_REVIEW.value:
        name, told = SUBMITTED, _reviewers(bank)
    elif to in _ENDS_REVIEW:
        name, told = REVIEWED, _concerned(questions)
    else:
        return
    _begin, end = stretch_of(turn)
    for person in told:
        if person.id != by.id:
            mail.send_later(
                name,
                {"bank": bank.slug, "turn": turn, "to": person.code},
                effect_key=f"{name}:{bank.slug}:{turn}:{person.code}",
                not_before=end,
            )


def _reviewers(bank: QuestionBank) -> list[Person]:
    """Return the approvers, and whoever answers for the bank if she may approve."""
    found = people.list_holders(Role.APPROVER, Scope.ORGANISATION)
    answering = [told.person for told in staleness.who_answers((bank.slug,), ())]
    found += [each for each in answering if each not in found]
    return [each for each in found if allows(each, APPROVE_QUESTIONS)]


def _concerned(questions: Collection[Question]) -> list[Person]:
    """Return who submitted the questions last, or wrote them."""
    ids = {question.id for question in questions}
    hands, steps = looked_up.list_hands(ids), looked_up.list_steps_of(ids)
    codes = {code for each in ids for code in _told_of(hands.get(each, []), steps.get(each, []))}
    return [each for each in people.list_people_of(codes) if each.is_active and allows(each, SEE_BANKS)]


def _told_of(hands: Sequence[Hand], steps: Sequence[QuestionStep]) -> set[str]:
    """Return the codes of those who submitted or wrote what was decided last, if it was a wording in review."""
    if not steps or steps[-1].before != QuestionState.IN_REVIEW.value:
        return set()
    last = _last_submission(steps, of_proposal=steps[-1].of_proposal)
    wrote = {hand.by for hand in hands if hand.id == steps[-1].question_version_id and hand.origin in lifecycle.BY_HAND}
    return wrote | ({last.by} if last and last.by else set())


def list_submitted_in(bank: str, turn: int, person: Person) -> list[Submitted]:
    """Return what of a bank was submitted in a stretch of time and still waits for a person."""
    begin, end = stretch_of(turn)
    return [each for each in list_waiting_for(person, bank) if each.at is not None and begin <= each.at < end]


def list_reviewed_in(bank: str, turn: int, person: Person) -> list[Reviewed]:
    """Return what others decided in a stretch of time about what a person submitted or wrote in a bank."""
    rows = [each for each in looked_up.list_reviewed(bank, *stretch_of(turn)) if each.step.by != person.code]
    ids = {each.question.id for each in rows}
    hands, steps = looked_up.list_hands(ids), looked_up.list_steps_of(ids)
    found = []
    for each in rows:
        until = [step for step in steps.get(each.question.id, []) if step.id <= each.step.id]
        if person.code in _told_of(hands.get(each.question.id, []), until):
            found.append(each)
    return found
