"""Quizzes that are open only to those to whom they are assigned: an exam, and what describes upsetting content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from portal.accounts.models import Person
from portal.quizzes.models import QuizVersion


class Assigner(Protocol):
    """An upper domain's say which quizzes are assigned to a person; registered in `wiring.py`."""

    def __call__(self, person: Person, quiz_slugs: Collection[str]) -> Collection[str]:
        """Return those of these quizzes that are assigned to the person."""


_assigners: list[Assigner] = []


def register_assigner(assigner: Assigner) -> None:
    """Ask this one, too, which quizzes are assigned; registering twice changes nothing."""
    if assigner not in _assigners:
        _assigners.append(assigner)


def closed_to_others(person: Person, versions: Sequence[QuizVersion]) -> set[int]:
    """Return the quizzes (their row numbers) that are open only to those to whom they are assigned, and so not to her.

    An attempt that she has begun is hers to finish whatever happens to her plan.
    """
    only = {version.quiz.slug: version.quiz_id for version in versions if version.only_assigned}
    if not only:
        return set()
    assigned = {slug for assigner in _assigners for slug in assigner(person, only.keys())}
    return {quiz_id for slug, quiz_id in only.items() if slug not in assigned}
