"""Who may take a quiz, read the key, release results and help with an attempt."""

from __future__ import annotations

from typing import Any

from portal.accounts import queries as people
from portal.accounts.models import Person, Role
from portal.accounts.permissions import holds, holds_everywhere, holds_for, scopes_of_person
from portal.cohorts.permissions import reach_of
from portal.core.access import AnyOf, Permission
from portal.quizzes.models import AnswerToMark, Appeal, Attempt, PracticeAnswer, QuizVersion, Regrade
from portal.quizzes.queries import appeals, supervision

SEE_BANKS = Permission("quizzes.see_banks", "read question banks with key and rationales")
RECHECK_QUESTIONS = Permission(
    "quizzes.recheck_questions", "say of a question whose rule has changed that it is still right, or leave it out"
)
WRITE_QUESTIONS = Permission(
    "quizzes.write_questions", "write questions, change many at once, submit them for review, retire them"
)
APPROVE_QUESTIONS = Permission(
    "quizzes.approve_questions",
    "let a question that somebody else has written be drawn, send it back, take one out with a reason",
)
CLOSE_FLAG = Permission("quizzes.close_flag", "say what came of what results point out about a question")
EDIT_QUIZ = Permission(
    "quizzes.edit_quiz", "make a quiz; change what it draws, its time, its pass mark and its other terms"
)
NAME_OWNER = Permission("quizzes.name_owner", "say who answers for a quiz or a question bank from now on")
TAKE_ATTEMPT = Permission("quizzes.take_attempt", "answer, hand in and look back at one's own attempt")
PRACTISE = Permission("quizzes.practise", "answer a question that was shown to oneself for practice")
RELEASE_RESULTS = Permission("quizzes.release_results", "release results that are released by hand")
SEE_STATISTICS = Permission("quizzes.see_statistics", "read what the results of a quiz say of its questions")
SEE_FIGURES = Permission(
    "quizzes.see_figures",
    "read how a quiz goes and how hard its questions are, of all who took it: without names, choices and the key",
)
SUPERVISE_ATTEMPT = Permission(
    "quizzes.supervise_attempt",
    "see what happened in a person's attempt without answers, grant minutes, decide about a late answer, make it void",
)
WATCH_QUIZ = Permission("quizzes.watch_quiz", "see which of one's people sit a quiz now, without answers")

SEE_MARKING = Permission("quizzes.see_marking", "see which answers wait for somebody to mark them")
MARK_ANSWER = Permission("quizzes.mark_answer", "mark an answer without knowing whose it is")
SEE_APPEALS = Permission("quizzes.see_appeals", "open the list of appeals that one may answer")
ANSWER_APPEAL = Permission(
    "quizzes.answer_appeal", "answer a learner's appeal about a question, or ask somebody else to"
)
SEE_REGRADES = Permission("quizzes.see_regrades", "see regrades with the results that they change")
PROPOSE_REGRADE = Permission(
    "quizzes.propose_regrade", "propose that a question is marked by another rule for everybody who had it"
)
DECIDE_REGRADE = Permission("quizzes.decide_regrade", "approve a regrade that somebody else proposed")
DECLINE_REGRADE = Permission("quizzes.decline_regrade", "decline a regrade, or take one's own back")


# Under these kinds it is kept who answers for what.
QUIZ, BANK = "quiz", "question_bank"


def answers_for(person: Person, thing: Any) -> bool:
    """Say whether the person is the owner of the quiz or the question bank."""
    kind, code = (QUIZ, thing.quiz.slug) if isinstance(thing, QuizVersion) else (BANK, getattr(thing, "slug", ""))
    ownership = people.find_owner(kind, code)
    return ownership is not None and ownership.owner_id == person.id


def is_taker(person: Person, attempt: Any) -> bool:
    """Say whether the attempt is the person's own."""
    return isinstance(attempt, Attempt) and attempt.person_id == person.id


def is_practising(person: Person, shown: Any) -> bool:
    """Say whether the question was shown to the person herself."""
    return isinstance(shown, PracticeAnswer) and shown.person_id == person.id


def is_not_taker(person: Person, attempt: Any) -> bool:
    """Say whether the attempt is somebody else's: nobody grants herself minutes."""
    return isinstance(attempt, Attempt) and attempt.person_id != person.id


def is_answer_of_another(person: Person, answer: Any) -> bool:
    """Say whether the answer is somebody else's: nobody marks herself."""
    return isinstance(answer, AnswerToMark) and answer.item.attempt.person_id != person.id


def is_appeal_of_another(person: Person, appeal: Any) -> bool:
    """Say whether the appeal is somebody else's: nobody answers her own."""
    return isinstance(appeal, Appeal) and appeal.item.attempt.person_id != person.id


def may_answer(person: Person, appeal: Any) -> bool:
    """Say whether the person answers for the question bank, wrote the question, or was asked to answer this appeal."""
    return isinstance(appeal, Appeal) and appeals.may_answer(person, appeal)


def is_taken_within_reach(person: Person, version: Any) -> bool:
    """Say whether somebody whom the person leads has begun an attempt at the quiz."""
    return isinstance(version, QuizVersion) and supervision.has_taker_within(
        version.quiz_id, reach_of(person, Role.LEAD)
    )


def is_not_proposer(person: Person, regrade: Any) -> bool:
    """Say whether somebody else proposed the regrade."""
    return isinstance(regrade, Regrade) and regrade.proposed_by != person.code


def _scopes_of_taker(attempt: Attempt) -> dict[Any, set[str]]:
    return scopes_of_person(attempt.person)


_reads_keys = holds_everywhere(Role.AUTHOR, Role.APPROVER, Role.ADMIN)
TABLE: dict[Permission, AnyOf] = {
    SEE_BANKS: [[holds_everywhere(Role.AUTHOR, Role.APPROVER, Role.ADMIN)]],
    SEE_STATISTICS: [[holds_everywhere(Role.AUTHOR, Role.APPROVER, Role.ADMIN)]],
    SEE_FIGURES: [[_reads_keys], [holds(Role.LEAD), is_taken_within_reach]],
    CLOSE_FLAG: [[_reads_keys]],
    WRITE_QUESTIONS: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    APPROVE_QUESTIONS: [[holds_everywhere(Role.AUTHOR, Role.APPROVER, Role.ADMIN)]],
    RECHECK_QUESTIONS: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    SEE_MARKING: [[_reads_keys]],
    MARK_ANSWER: [[is_answer_of_another, _reads_keys]],
    SEE_APPEALS: [[_reads_keys]],
    ANSWER_APPEAL: [
        [is_appeal_of_another, _reads_keys, may_answer],
        [is_appeal_of_another, holds_everywhere(Role.ADMIN)],
    ],
    SEE_REGRADES: [[_reads_keys], [holds_everywhere(Role.AUDITOR)]],
    PROPOSE_REGRADE: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    DECIDE_REGRADE: [[is_not_proposer, _reads_keys]],
    NAME_OWNER: [[answers_for, _reads_keys], [holds_everywhere(Role.ADMIN)]],
    DECLINE_REGRADE: [[_reads_keys]],
    EDIT_QUIZ: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    TAKE_ATTEMPT: [[is_taker]],
    PRACTISE: [[is_practising]],
    RELEASE_RESULTS: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    WATCH_QUIZ: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN)]],
    SUPERVISE_ATTEMPT: [
        [is_not_taker, holds_everywhere(Role.ADMIN)],
        [is_not_taker, holds_for(Role.LEAD, scopes=_scopes_of_taker)],
    ],
}
