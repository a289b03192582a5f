"""Who may take a quiz, read the key, release results and help with an attempt."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role
from portal.accounts.permissions import holds_everywhere, holds_for, scopes_of_person
from portal.core.access import AnyOf, Permission
from portal.quizzes.models import Attempt

SEE_BANKS = Permission("quizzes.see_banks", "read question banks with key and rationales")
RECHECK_QUESTIONS = Permission(
    "quizzes.recheck_questions", "say of a question whose rule has changed that it is still right, or leave it out"
)
TAKE_ATTEMPT = Permission("quizzes.take_attempt", "answer, hand in and look back at one's own attempt")
RELEASE_RESULTS = Permission("quizzes.release_results", "release results that are released by hand")
SEE_STATISTICS = Permission("quizzes.see_statistics", "read what the results of a quiz say of its questions")
SUPERVISE_ATTEMPT = Permission(
    "quizzes.supervise_attempt", "see the history of a person's attempt without answers, grant minutes, make it void"
)


def is_taker(person: Person, attempt: Any) -> bool:
    """Say whether the attempt is the person's own."""
    return isinstance(attempt, Attempt) and attempt.person_id == person.id


def is_not_taker(person: Person, attempt: Any) -> bool:
    """Say whether the attempt is somebody else's: nobody grants herself minutes."""
    return isinstance(attempt, Attempt) and attempt.person_id != person.id


def _scopes_of_taker(attempt: Attempt) -> dict[Any, set[str]]:
    return scopes_of_person(attempt.person)


TABLE: dict[Permission, AnyOf] = {
    SEE_BANKS: [[holds_everywhere(Role.AUTHOR, Role.APPROVER, Role.ADMIN)]],
    SEE_STATISTICS: [[holds_everywhere(Role.AUTHOR, Role.APPROVER, Role.ADMIN)]],
    RECHECK_QUESTIONS: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    TAKE_ATTEMPT: [[is_taker]],
    RELEASE_RESULTS: [[holds_everywhere(Role.AUTHOR, Role.ADMIN)]],
    SUPERVISE_ATTEMPT: [
        [is_not_taker, holds_everywhere(Role.ADMIN)],
        [is_not_taker, holds_for(Role.LEAD, scopes=_scopes_of_taker)],
    ],
}
