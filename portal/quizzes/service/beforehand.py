"""What a learner is told of a quiz before she starts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal.quizzes.models import QuizVersion
from portal.quizzes.queries import pool
from portal.quizzes.queries.pool import Drawable
from portal.quizzes.rules import Draw
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms
from portal.quizzes.types import type_of
from portal.quizzes.types.base import ESSAY


def costs_points(version: QuizVersion) -> bool:
    """Say whether a quiz may draw questions in which wrong choices cost points."""
    return _may_draw(blueprint_of_terms(version.blueprint), lambda each: each.costs_points)


def waits_for_people(blueprint: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a blueprint, as terms hold it, may draw questions that people mark: their results wait for that."""
    return _may_draw(blueprint_of_terms(blueprint), lambda each: _is_marked_by_people(each.candidate.type))


def _is_marked_by_people(name: str) -> bool:
    return any(part.kind == ESSAY for sample in type_of(name).samples() for part in sample.parts)


def _may_draw(lines: Sequence[Draw], is_so: Callable[[Drawable], bool]) -> bool:
    """Say whether one of the lines takes a live question of which something is so."""
    return any(
        is_so(each) and any(line.takes(each.candidate) for line in lines)
        for each in pool.list_drawable(banks_of(lines))
    )
