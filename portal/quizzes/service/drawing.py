"""What a quiz may draw, read from its terms; to whom it applies; the paper that an attempt is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from portal.accounts.models import Person
from portal.core.access import allows
from portal.library.permissions import FIND_DOCUMENT
from portal.quizzes import errors, queries, rules
from portal.quizzes.formats.sections import Section, read_sections
from portal.quizzes.models import Attempt, Item, QuestionState, QuestionVersion, QuizVersion
from portal.quizzes.queries import pool
from portal.quizzes.rules import Draw, Placed, Strata
from portal.quizzes.rules.drawing import banks_of
from portal.quizzes.service.owned import owner_of_quiz
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Content, read

__all__ = [
    "DrawnQuestion",
    "applying_to",
    "banks_of",
    "blueprint_of_terms",
    "draw_questions",
    "is_drawn",
    "items_of",
    "order_of_choices",
    "pilots_for",
    "pilots_shown",
    "sections_of",
    "sensitivity_of",
    "too_short",
]

# From this level on (a threat, sustained harassment) people are told before they start.
LEAST_SENSITIVE = "S2"


@dataclass(frozen=True, slots=True)
class DrawnQuestion:
    """A question of a paper in the version that is asked, with its place."""

    version: QuestionVersion
    placed: Placed


def blueprint_of_terms(lines: Iterable[Mapping[str, Any]]) -> list[Draw]:
    """Return the draws of a blueprint as it is stored."""
    return [
        Draw(
            bank=line.get("bank", ""),
            count=line.get("count", 0),
            types=tuple(line.get("types", ())),
            tags=tuple(line.get("tags", ())),
            clauses=tuple(line.get("clauses", ())),
            difficulty=tuple(line.get("difficulty", ())),
            questions=tuple(line.get("questions", ())),
            strata=Strata(line["strata"]) if "strata" in line else None,
            section=line.get("section", ""),
        )
        for line in lines
    ]


def sections_of(version: QuizVersion) -> tuple[Section, ...]:
    """Return the sections of a quiz in their order; none where it has none."""
    return read_sections(version.sections or ())


def is_drawn(blueprint: Sequence[Draw], bank: str, question: str) -> bool:
    """Say whether a blueprint may draw this question: from its bank, or by its address."""
    return any(line.bank == bank or f"{bank}/{question}" in line.questions for line in blueprint)


def sensitivity_of(version: QuizVersion) -> str | None:
    """Return the highest sensitivity level of what a quiz may ask, where it is one to be told of before the start."""
    lines = blueprint_of_terms(version.blueprint)
    states = (QuestionState.LIVE, QuestionState.PILOT) if version.pilots else (QuestionState.LIVE,)
    levels = {
        each.severity
        for each in pool.list_drawable(banks_of(lines), states)
        if each.state is QuestionState.PILOT or is_drawn(lines, *each.candidate.address.split("/", 1))
    }
    return max((level for level in levels if level and level >= LEAST_SENSITIVE), default=None)


def closed_to(person: Person, banks: Collection[str]) -> frozenset[str]:
    """Return the addresses of the questions of banks that are about a document which the person may not read."""
    return frozenset(
        f"{each.bank}/{each.question}"
        for each in queries.list_cited_documents(banks)
        if not allows(person, FIND_DOCUMENT, each.document)
    )


def applying_to(person: Person, versions: Sequence[QuizVersion]) -> set[int]:
    """Return the quizzes (their row numbers) whose questions are about documents that the person may read, all of them.

    What is asked is what holds for her: a quiz about the rule of another market would teach the wrong one.
    """
    blueprints = {version.quiz_id: blueprint_of_terms(version.blueprint) for version in versions}
    cited = queries.list_cited_documents({slug for lines in blueprints.values() for slug in banks_of(lines)})
    closed = [each for each in cited if not allows(person, FIND_DOCUMENT, each.document)]
    return {
        quiz_id
        for quiz_id, lines in blueprints.items()
        if not any(is_drawn(lines, each.bank, each.question) for each in closed)
    }


def pilots_shown(version: QuizVersion, there: Mapping[str, int]) -> int:
    """Return how many questions on trial a paper has, where `there` says how many each bank holds."""
    banks = banks_of(blueprint_of_terms(version.blueprint)) if version.pilots else ()
    return min(version.pilots or 0, sum(there.get(bank, 0) for bank in banks))


def pilots_for(person: Person | None, banks: Collection[str], language: str) -> list[pool.Drawable]:
    """Return the questions on trial in these banks that are about documents that the person may read.

    Those whose text in the language is behind are left out.
    """
    found = pool.list_drawable(banks, (QuestionState.PILOT,), (language,))
    if not found or person is None:
        return found
    closed = {
        f"{each.bank}/{each.question}"
        for each in queries.list_cited_documents(banks, QuestionState.PILOT)
        if not allows(person, FIND_DOCUMENT, each.document)
    }
    return [each for each in found if each.candidate.address not in closed]


def draw_questions(
    version: QuizVersion, seed: str, avoid: frozenset[str], person: Person | None, language: str
) -> list[DrawnQuestion]:
    """Draw the paper of an attempt in a language, in the order in which it is asked.

    Raises `TooFewQuestions`, with who answers for the quiz.
    """
    try:
        return draw_paper(
            blueprint_of_terms(version.blueprint),
            sections=[section.id for section in sections_of(version)],
            pilots=version.pilots or 0,
            shuffles=version.shuffle_questions,
            seed=seed,
            avoid=avoid,
            person=person,
            language=language,
        )
    except errors.TooFewQuestions as short:
        raise errors.TooFewQuestions(owner=owner_of_quiz(version.quiz.slug)) from short


def too_short(versions: Sequence[QuizVersion], language: str) -> set[int]:
    """Return the quizzes (their row numbers) of which no paper can be drawn now in a language; in one statement."""
    blueprints = {version.quiz_id: blueprint_of_terms(version.blueprint) for version in versions}
    banks = {bank for lines in blueprints.values() for bank in banks_of(lines)}
    there = pool.list_drawable(banks, languages=(language,))
    return {
        quiz_id
        for quiz_id, lines in blueprints.items()
        if rules.count_drawable(lines, [each.candidate for each in there if each.candidate.bank in banks_of(lines)])
        < sum(line.size for line in lines)
    }


def draw_paper(
    blueprint: Sequence[Draw],
    *,
    sections: Sequence[str],
    pilots: int,
    shuffles: bool,
    seed: str,
    language: str,
    avoid: frozenset[str] = frozenset(),
    person: Person | None = None,
) -> list[DrawnQuestion]:
    """Draw a paper by a blueprint that need not be stored. Raises `TooFewQuestions`.

    Nobody is asked in a language in which the question does not say yet what the other one says. What was shown too
    often is spared where the rest of the pool gives the paper as well.
    """
    banks = banks_of(blueprint)
    live = pool.list_drawable(banks, languages=(language,))
    worn = pool.list_worn(live)
    drawn = rules.draw(blueprint, (each.candidate for each in live), seed=seed, avoid=avoid, worn=worn)
    if drawn is None:
        raise errors.TooFewQuestions()
    on_trial = pilots_for(person, banks, language) if pilots else []
    added = rules.draw_pilots(pilots, (each.candidate for each in on_trial), seed=seed, avoid=avoid)
    paper = rules.arrange(blueprint, drawn, added, sections=sections, seed=seed, shuffles=shuffles)
    version_ids = {each.candidate.address: each.version_id for each in (*live, *on_trial)}
    versions = pool.get_versions([version_ids[placed.address] for placed in paper])
    return [DrawnQuestion(versions[version_ids[placed.address]], placed) for placed in paper]


def order_of_choices(content: Content, *, seed: str, position: int, shuffles: bool) -> dict[str, list[str]]:
    """Return part → ids of its choices in the order in which an attempt shows them."""

    def lot(ids: Sequence[str], part: str) -> list[str]:
        return rules.shuffled(ids, seed=seed, purpose=f"choices {position} {part}")

    return type_of(content.type).orders(content, shuffle=shuffles, lot=lot)


def items_of(attempt: Attempt, version: QuizVersion, drawn: Sequence[DrawnQuestion]) -> list[Item]:
    """Return the items of an attempt, the choices of each in the order shown."""
    items = []
    for position, each in enumerate(drawn, start=1):
        content = read(each.version.content)
        items.append(
            Item(
                attempt_id=attempt.id,
                position=position,
                question_version_id=each.version.id,
                choice_order=order_of_choices(
                    content, seed=attempt.seed, position=position, shuffles=version.shuffle_choices
                ),
                max_points=Fraction(content.max_points),
                section=each.placed.section or None,
                on_trial=None if each.placed.is_scored else True,
            )
        )
    return items
