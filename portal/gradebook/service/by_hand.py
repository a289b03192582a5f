"""What quizzes are told of decisions by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.gradebook import queries
from portal.quizzes.models import QuizVersion
from portal.quizzes.service.decided import Decided


def decided_by_hand(person_id: int, versions: Collection[QuizVersion]) -> Mapping[int, Decided]:
    """Return quiz id → the override or exemption that stands for a person."""
    results = {
        quiz_id: standing.result
        for (_person, quiz_id), standing in queries.standings([person_id], versions).items()
        if standing.result.is_by_hand
    }
    untold = queries.list_untold([result.line.id for result in results.values() if result.line is not None])
    return {
        quiz_id: Decided(
            result.state.value,
            None if result.line is not None and result.line.id in untold else result.score,
            url_for("gradebook.transcript"),
        )
        for quiz_id, result in results.items()
    }
