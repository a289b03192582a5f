"""Making a quiz and revising its terms in the product: each time a new version, attempts keep theirs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.accounts.service.ownership import set_owner
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.quizzes import queries, rules
from portal.quizzes.errors import QuizAddressTaken, QuizMovedOn
from portal.quizzes.formats import quiz_toml
from portal.quizzes.formats.quiz_toml import QuizFile, QuizTerms
from portal.quizzes.models import QuizVersion
from portal.quizzes.queries import pool
from portal.quizzes.service.banks import PAGES, hash_of_terms, take_quiz
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms

ORIGIN_BROWSER = "browser"
FIRST_NUMBER = "1.0"
_MOST_MINOR = 9999
# Under this kind owners of quizzes are kept.
KIND = "quiz"
# Stands for an owner where a file is written to be read back only.
_SOMEBODY = "somebody@example.org"


def raised(number: str, taken: Collection[str]) -> str:
    """Return the next number of a version that is not taken: 1.0 → 1.1."""
    major, minor = (int(part) for part in number.split("."))
    while True:
        major, minor = (major, minor + 1) if minor < _MOST_MINOR else (major + 1, 0)
        if (found := f"{major}.{minor}") not in taken:
            return found


def faults_of(terms: QuizTerms) -> list[str]:
    """Return what a file of these terms would be refused for, in words: what is kept can be written and read."""
    path = "quizzes/quiz.toml"
    file = ContentFile(path, quiz_toml.render(QuizFile(terms, _SOMEBODY)))
    folder = ContentFolder({path: file})
    quiz_toml.parse(folder, file)
    return [f"{finding.message} {finding.mend}" for finding in folder.errors]


def is_drawable(terms: QuizTerms) -> bool:
    """Say whether the banks can give a paper by these terms now."""
    lines = blueprint_of_terms(terms.blueprint)
    candidates = [each.candidate for each in pool.list_drawable(banks_of(lines))]
    return rules.count_drawable(lines, candidates) == sum(line.size for line in lines)


def is_taken(slug: str) -> bool:
    """Say whether a quiz or a page is at this address."""
    return slug in PAGES or queries.find_quiz(slug) is not None


def add_quiz(*, slug: str, terms: QuizTerms, owner: Person, deputy: Person | None, by: Person) -> QuizVersion:
    """Make a quiz with its first version, which is in force at once, and say who answers for it.

    The number of `terms` does not matter. Raises `QuizAddressTaken`, also where somebody else takes the address at the
    same moment, and `OwnershipUnchanged` where owner or deputy cannot be that.
    """
    if is_taken(slug):
        raise QuizAddressTaken()
    try:
        with session.begin_nested():
            version = take_quiz(slug=slug, terms=replace(terms, number=FIRST_NUMBER), by=by, origin=ORIGIN_BROWSER)
    except IntegrityError as taken:
        raise QuizAddressTaken() from taken
    assert version is not None
    set_owner(kind=KIND, code=slug, owner=owner, deputy=deputy, by=by)
    return version


def revise_quiz(*, slug: str, terms: QuizTerms, based_on: str, by: Person) -> QuizVersion | None:
    """Keep changed terms as the quiz's next version; None where they say what the newest one says.

    The number of `terms` does not matter. Raises `NoSuchQuiz`, and `QuizMovedOn` where the newest version is not the
    one on which they are based.
    """
    queries.lock_quiz(slug)
    newest = queries.get_quiz(slug)
    if newest.number != based_on:
        raise QuizMovedOn(number=newest.number)
    if hash_of_terms(terms) == newest.hash:
        return None
    number = raised(newest.number, {version.number for version in newest.quiz.versions})
    return take_quiz(slug=slug, terms=replace(terms, number=number), by=by, origin=ORIGIN_BROWSER)
