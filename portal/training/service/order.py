"""What a person's plans put before a quiz or a document: answers to the domains that hold these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from portal.accounts.models import Person
from portal.acknowledgements.service import Asked, First, in_words
from portal.training import queries, rules
from portal.training.models import Enrollment, PlanStep
from portal.training.queries import catalogue
from portal.training.rules import StepKind


def what_comes_before_quiz(person: Person, quiz_slug: str) -> str | None:
    """Return in words what a person's plans put before a quiz, or None where it is open to her.

    A quiz that is in none of her open plans, or open in one of them, has nothing before it.
    """
    steps, ways = _unfinished(person, [StepKind.QUIZ], quiz_slug)
    first = _before(steps, ways)
    return in_words(first) if first else None


def assigned_quizzes(person: Person, quiz_slugs: Collection[str]) -> set[str]:
    """Return which of these quizzes a plan of the person asks of her, or has asked: exempt and set aside is neither."""
    ways: dict[int, queries.Way] = {}
    found = set()
    for enrollment, step in queries.list_quiz_steps(person.id, quiz_slugs):
        if enrollment.id not in ways:
            ways[enrollment.id] = queries.way_of(enrollment)
        way = ways[enrollment.id]
        aside = way.aside.all_of(way.steps) if way.aside is not None else ()
        if step.slug in way.done or (step.slug not in way.exempt and step.slug not in aside):
            found.add(step.quiz_slug or "")
    return found


def what_is_asked(person: Person, document_slug: str) -> Asked | None:
    """Return what a person's plans say about reading and confirming a document, or None where they say nothing.

    Confirming a text that is being read is no step too early: it says that the text was read, too.
    """
    found, ways = _unfinished(person, [StepKind.READ, StepKind.ACKNOWLEDGE], document_slug)
    if not found:
        return None
    reading = [each for each in found if each[1].kind is StepKind.READ]
    confirming = [each for each in found if each[1].kind is StepKind.ACKNOWLEDGE]
    before_reading = _before(reading or confirming, ways, about=document_slug)
    return Asked(
        before_reading=before_reading,
        before_confirming=_before(confirming or reading, ways, about=document_slug),
        reading=bool(reading) and not before_reading,
    )


def _unfinished(
    person: Person, kinds: Sequence[StepKind], slug: str
) -> tuple[list[tuple[Enrollment, PlanStep]], dict[int, queries.Way]]:
    """Return the steps that her open plans still ask for, and the way of each enrollment by its row."""
    found = [each for each in queries.list_unfinished_steps(person.id, kinds, slug) if each[0].is_open]
    ways = {each.id: queries.way_of(each) for each in dict.fromkeys(enrollment for enrollment, _step in found)}
    return [each for each in found if each[1].slug not in ways[each[0].id].exempt], ways


def _before(
    steps: Sequence[tuple[Enrollment, PlanStep]],
    ways: Mapping[int, queries.Way],
    about: str | None = None,
) -> tuple[First, ...]:
    """Return where to begin before these steps, or nothing where one of them is open.

    `ways` is by the enrollment's row. Steps about the document `about` itself are not in the way of one another.
    """
    found: dict[PlanStep, None] = {}
    for enrollment, step in steps:
        way = ways[enrollment.id]
        own = {slug for slug, document in way.documents.items() if about and document == about}
        first = rules.first_before(step.shape, way.steps, way.passed | own)
        if not first:
            return ()
        found |= dict.fromkeys(queries.steps_named(enrollment, first))
    tasks = catalogue.tasks_of(found)
    return tuple(First(str(tasks[each.id]), each.document_slug, each.quiz_slug) for each in found)
