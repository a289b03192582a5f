"""Figures in words, as the pages of statistics show them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import url_for

from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.quizzes.queries import quiz_titles
from portal.quizzes.queries.statistics import list_in_quizzes
from portal.quizzes.rules import statistics as rules
from portal.quizzes.rules.statistics import MINIMUM_PEOPLE, Interval


def number_words(value: float | None, digits: int = 2) -> str:
    """Write a number with so many decimals; a dash where it is not defined."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}".replace("-", "−")
    # What rounds to nothing has no sign.
    return text.lstrip("−") if not text.strip("−0.") else text


def percent_words(value: float | None) -> str:
    """Write a share as whole per cent; a dash where it is not defined."""
    if value is None:
        return "–"
    text = number_words(value * 100, 0)
    return f"{text} %" if language() == "en" else f"{text}%"


def interval_words(interval: Interval | None, *, of_share: bool = False) -> str:
    """Write between what a figure lies; nothing where that is not defined."""
    if interval is None:
        return ""
    told = percent_words if of_share else number_words
    return _("%(low)s to %(high)s", low=told(interval.low), high=told(interval.high))


def figures_in_quizzes(version_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """Return by the version of a question what the first attempts at each quiz say of it, most people first.

    Where fewer than `MINIMUM_PEOPLE` had it, their number alone is told. As many statements for any number of versions.
    """
    listed = list_in_quizzes(version_ids)
    quizzes = quiz_titles({each.quiz_id for each in listed}) if listed else {}
    found: dict[int, list[dict[str, Any]]] = {}
    for each in listed:
        quiz, n = quizzes[each.quiz_id], len(each.points)
        item = rules.figures_of_item("", each.points, each.totals, each.max) if n >= MINIMUM_PEOPLE else None
        found.setdefault(each.version_id, []).append(
            {
                "quiz": str(quiz.title),
                # Where the question itself stands among the figures of the quiz.
                "href": url_for("quizzes.statistics", slug=quiz.quiz.slug, _anchor=f"q{each.version_id}"),
                "n": n,
                "is_shown": item is not None,
                "facility": percent_words(item.facility) if item else "–",
                "facility_between": interval_words(rules.interval_of_facility(item), of_share=True) if item else "",
                "discrimination": number_words(item.discrimination) if item else "–",
                "discrimination_between": interval_words(rules.interval_of_correlation(item.discrimination, n))
                if item
                else "",
                "is_negative": item is not None and (item.discrimination or 0) < 0,
            }
        )
    return found
