"""One question outside of a quiz: shown without its key, marked at once, explained after it was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from portal.core.markdown import TrustedHtml
from portal.quizzes import rules
from portal.quizzes.models import QuestionCitation, QuestionVersion
from portal.quizzes.service import paper
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Answer, read


def order_of(version: QuestionVersion, seed: str) -> dict[str, list[str]]:
    """Return in which order the choices of each part stand, the same for ever under one seed."""
    content = read(version.content)
    return type_of(content.type).orders(
        content, shuffle=True, lot=lambda ids, part: rules.shuffled(ids, seed=seed, purpose=f"choices {part}")
    )


def part_ids(version: QuestionVersion) -> list[str]:
    """Return the ids of what is to be decided in the question."""
    return [part.id for part in read(version.content).parts]


def mark_single(version: QuestionVersion, seed: str, given: Mapping[str, Sequence[str]]) -> tuple[Answer, bool]:
    """Return the answer (part → chosen ids) that places on the page mean, and whether it earns all points.

    Raises `ValueError` for a place that the page does not have.
    """
    content = read(version.content)
    answer = type_of(content.type).normalise(content, order_of(version, seed), given)
    return answer, is_right(version, answer)


def is_right(version: QuestionVersion, answer: Mapping[str, Any]) -> bool:
    """Say whether an answer (part → chosen ids) earns all points of the question; what a person marks does not."""
    content = read(version.content)
    marks = type_of(content.type).mark(content, answer).values()
    return sum((mark or Fraction(0) for mark in marks), Fraction(0)) >= content.max_points


def single_form(
    version: QuestionVersion,
    citations: Sequence[QuestionCitation],
    *,
    seed: str,
    language: str,
    prefix: str,
    answer: Mapping[str, Any],
    picture_href: str,
) -> dict[str, Any]:
    """Return the question for answering, with what was chosen last, made from the allow-list of its type alone."""
    content = read(version.content)
    return paper.question_form(
        content,
        order_of(version, seed),
        citations,
        language=language,
        prefix=prefix,
        answer=answer,
        picture_href=picture_href,
    )


def explanations(
    version: QuestionVersion,
    citations: Sequence[QuestionCitation],
    *,
    seed: str,
    language: str,
    prefix: str,
    answer: Mapping[str, Any],
) -> list[TrustedHtml]:
    """Return why what was chosen is right or wrong: of the choices only those that were chosen are explained."""
    content = read(version.content)
    review = type_of(content.type).review(
        content, order_of(version, seed), answer, language=language, show=frozenset({"rationale"})
    )
    links = paper.links_of(citations, language)
    texts = [
        (f"{part.id}-{place}", choice.rationale)
        for part in review.parts
        for place, choice in enumerate(part.choices)
        if choice.chosen
    ]
    texts += [(f"{part.id}-why", part.rationale) for part in review.parts]
    texts.append(("why", review.rationale))
    return [paper.block(text, language, content.document, links, f"{prefix}-{place}-") for place, text in texts if text]


def title_of(version: QuestionVersion, language: str) -> str:
    """Return what the question is called in a language."""
    return str(read(version.content).title.in_(language))
