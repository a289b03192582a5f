"""Who sees whose results, and who may decide one by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, is_self, scopes_of_person
from portal.cohorts import queries as cohorts
from portal.core.access import AnyOf, Permission
from portal.quizzes.models import Quiz

FIND_GRADEBOOK = Permission("gradebook.find", "find the gradebook among the places of the portal")
SEE_GRADEBOOK = Permission("gradebook.see", "open the gradebook; it shows only the people and quizzes one may see")
SEE_QUIZ_RESULTS = Permission("gradebook.see_quiz", "open the results of a quiz; it shows only the people one may see")
SEE_RESULT = Permission("gradebook.see_result", "see how a person's result in a quiz came about")
SEE_TRANSCRIPT = Permission("gradebook.see_transcript", "see a person's results in all quizzes")
DECIDE_RESULT = Permission(
    "gradebook.decide", "set a score, exempt from a quiz, withdraw or confirm that; never of oneself"
)


@dataclass(frozen=True, slots=True)
class ResultOf:
    """The result of a person in a quiz."""

    person: Person
    quiz: Quiz


def scopes_of_learner(thing: Any) -> dict[Scope, set[str]]:
    """Return the markets, the team and the cohorts through which a person's results can be seen."""
    person = thing.person if isinstance(thing, ResultOf) else thing
    return scopes_of_person(person) | {Scope.COHORT: cohorts.list_codes_of_person(person)}


def quizzes_owned(person: Person) -> set[str]:
    """Return the slugs of the quizzes that the person answers for, as owner or deputy."""
    return accounts.list_codes_owned(person, "quiz")


def owns_a_quiz(person: Person, thing: Any) -> bool:
    """Say whether the person answers for some quiz, as owner or deputy."""
    return bool(quizzes_owned(person))


def owns_quiz(person: Person, thing: Any) -> bool:
    """Say whether the person answers for the quiz, as owner or deputy."""
    quiz = thing.quiz if isinstance(thing, ResultOf) else thing
    return isinstance(quiz, Quiz) and quiz.slug in quizzes_owned(person)


def is_of_another(person: Person, thing: Any) -> bool:
    """Say whether it is another person's result."""
    return isinstance(thing, ResultOf) and thing.person.id != person.id


TABLE: dict[Permission, AnyOf] = {
    # Every page asks this, so it costs no statement; whoever owns a quiz without being an author comes from its page.
    FIND_GRADEBOOK: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR, Role.AUTHOR)]],
    SEE_GRADEBOOK: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR, Role.AUTHOR)], [owns_a_quiz]],
    SEE_QUIZ_RESULTS: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)], [owns_quiz]],
    SEE_RESULT: [
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
        [holds_for(Role.LEAD, scopes=scopes_of_learner)],
        [owns_quiz],
    ],
    SEE_TRANSCRIPT: [
        [is_self],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
        [holds_for(Role.LEAD, scopes=scopes_of_learner)],
    ],
    DECIDE_RESULT: [
        [is_of_another, holds_everywhere(Role.ADMIN)],
        [is_of_another, holds_for(Role.LEAD, scopes=scopes_of_learner)],
    ],
}
