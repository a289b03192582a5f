"""Why results were corrected after they were released, as everybody who sees them reads it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from portal.core.i18n import LazyText, Words, format_percent, gettext
from portal.core.i18n import lazy_gettext as _l
from portal.quizzes.models import Item, Marking
from portal.quizzes.queries import regrades, supervision


def reason_of(marking: Marking) -> Words | LazyText:
    """Return why a marking corrected a result: the reason of the regrade, or that an appeal led to it."""
    if marking.regrade is not None:
        return marking.regrade.reason
    return _l("After an appeal, another person has marked the answer.")


def questions_of(marking: Marking, items: Collection[Item]) -> list[int]:
    """Return the numbers of the questions because of which a marking corrected a result."""
    if marking.regrade is not None:
        return [item.position for item in items if item.question_version_id == marking.regrade.question_version_id]
    return [item.position for item in items if marking.appeal is not None and item.id == marking.appeal.item_id]


def scores_words(before: Marking, after: Marking) -> str:
    """Say how a score has changed, or that it has not."""
    scores = [format_percent(each.score) for each in (before, after)]
    if before.score == after.score:
        return str(gettext("The score has stayed %(score)s.", score=scores[1]))
    return str(gettext("Score before: %(before)s. Score now: %(after)s.", before=scores[0], after=scores[1]))


def reasons_of(attempt_ids: Collection[int]) -> dict[tuple[int, datetime], Words | LazyText]:
    """Return (attempt, instant of its correction) → why it was corrected."""
    return {
        (marking.attempt_id, marking.marked_at): reason_of(marking)
        for marking in regrades.list_corrections(attempt_ids)
    }


def void_reasons_of(attempt_ids: Collection[int]) -> dict[int, str]:
    """Return attempt → why two people made it void after its result was out."""
    return supervision.list_void_reasons(attempt_ids) if attempt_ids else {}
