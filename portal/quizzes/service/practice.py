"""Practice: questions that are open for it, one by one, untimed, with feedback after each; it counts for nothing.

What is practised is no exam: only questions with the tag `practice` are shown, which no draw takes unless its blueprint
asks for them by name or tag, and never one of an attempt that the person is sitting. Like saves of an attempt, practice
is not in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from portal.accounts.models import Person
from portal.core import clock
from portal.core.codes import new_code, new_seed
from portal.core.db import session
from portal.core.i18n import LANGUAGES
from portal.quizzes import errors, rules
from portal.quizzes.models import PracticeAnswer, QuizVersion
from portal.quizzes.queries import pool, practice
from portal.quizzes.rules import taking
from portal.quizzes.service.assigned import closed_to_others
from portal.quizzes.service.drawing import applying_to, banks_of, blueprint_of_terms, closed_to
from portal.quizzes.types import type_of
from portal.quizzes.types.base import BadValue


def offers_practice(version: QuizVersion, person: Person | None = None) -> bool:
    """Say whether a quiz has questions for practice, for a person or at all."""
    return bool(version.practice) and bool(_open(version, person))


def _open(version: QuizVersion, person: Person | None) -> dict[str, int]:
    """Return what a person may practise: address → row number of the question's version.

    Questions about documents that she may not read are left out: a bank of which the quiz only names some questions
    may hold others for other people.
    """
    blueprint = blueprint_of_terms(version.blueprint)
    there = {each.candidate.address: each for each in pool.list_drawable(banks_of(blueprint), languages=LANGUAGES)}
    addresses = taking.open_for_practice(blueprint, (each.candidate for each in there.values()))
    closed = closed_to(person, banks_of(blueprint)) if person is not None and addresses else frozenset()
    return {address: there[address].version_id for address in addresses if address not in closed}


def show_next(*, version: QuizVersion, person: Person) -> PracticeAnswer:
    """Show the person the next question for practice: one not yet answered stays, else what she saw least often.

    Raises `NoPractice`, `NotForThisPerson`, `OnlyAssigned`, `NothingToPractise`.
    """
    if not version.practice:
        raise errors.NoPractice()
    if version.quiz_id not in applying_to(person, [version]):
        raise errors.NotForThisPerson()
    if closed_to_others(person, [version]):
        raise errors.OnlyAssigned()
    sitting = practice.addresses_in_attempts(person)
    waiting = practice.find_unanswered(person, version.quiz_id)
    open_ones = _open(version, person)
    if waiting is not None:
        address = practice.address_of(waiting)
        if address in open_ones and address not in sitting:
            return waiting
    last = practice.find_last(person, version.quiz_id)
    address_or_none = taking.next_for_practice(
        open_ones,
        shown=practice.count_shown(person, version.quiz_id),
        besides=sitting,
        seed=new_seed(),
        last=practice.address_of(last) if last is not None else None,
    )
    if address_or_none is None:
        raise errors.NothingToPractise() if open_ones else errors.NoPractice()
    version_id = open_ones[address_or_none]
    question = pool.get_versions([version_id])[version_id]
    content = question.read()
    code = new_code()
    row = PracticeAnswer(
        code=code,
        person_id=person.id,
        quiz_id=version.quiz_id,
        question_version_id=question.id,
        choice_order=type_of(content.type).orders(
            content, shuffle=True, lot=lambda ids, part: rules.shuffled(ids, seed=code, purpose=part)
        ),
        shown_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def answer_practice(*, row: PracticeAnswer, person: Person, given: Mapping[str, Sequence[str]]) -> PracticeAnswer:
    """Keep an answer and what it would have earned; a second one changes nothing.

    Raises `BadAnswer`, and `InAnAttempt` where the question has come up in an attempt that is running.
    """
    if row.answered_at is not None:
        return row
    if practice.address_of(row) in practice.addresses_in_attempts(person):
        raise errors.InAnAttempt()
    content = row.question_version.read()
    kind = type_of(content.type)
    try:
        answer = kind.normalise(content, row.choice_order, given)
    except BadValue as bad:
        raise errors.BadAnswer(number=1) from bad
    row.answer, row.answered_at = answer, clock.now()
    # What a person would have to mark earns nothing by itself.
    row.points = sum((points or Fraction(0) for points in kind.mark(content, answer).values()), Fraction(0))
    session.flush()
    return row


def may_show_key(row: PracticeAnswer, person: Person) -> bool:
    """Say whether the feedback to a question may be shown: it is answered, and in no attempt that is running."""
    return row.answered_at is not None and practice.address_of(row) not in practice.addresses_in_attempts(person)
