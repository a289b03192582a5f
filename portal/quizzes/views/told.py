"""What pages tell of a quiz's sections, of its questions on trial, and of the attempt that counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from portal.accounts.models import Person
from portal.core import jobs
from portal.core.i18n import format_percent, ngettext
from portal.core.i18n import gettext as _
from portal.quizzes.models import Marking, QuizVersion
from portal.quizzes.rules.passing import Counts, SectionReckoned
from portal.quizzes.service import paper
from portal.quizzes.service.drawing import banks_of, blueprint_of_terms, pilots_for, sections_of

# How a page shows the work on a file of questions, by its state.
JOB_LOOKS = {
    jobs.JobState.CREATED: "queued",
    jobs.JobState.RUNNING: "running",
    jobs.JobState.DONE: "done",
    jobs.JobState.FAILED: "failed_job",
    jobs.JobState.CANCELLED: "failed_job",
}
_QUOTED = re.compile(r"([“「])([^”」]+)([”」])")


def with_quotes(said: str, text_language: str) -> list[tuple[str, str | None]]:
    """Return what is said of a file in pieces, each with its language where it is quoted from the file's texts."""
    # Opening sign, quoted text and closing sign stand between what is around them.
    pieces = enumerate(_QUOTED.split(said))
    return [(piece, text_language if place % 4 == 2 else None) for place, piece in pieces if piece]


def counts_words(counts: Counts | None) -> str:
    """Say which attempt is a person's result."""
    return str(
        {
            Counts.HIGHEST: _("the best attempt"),
            Counts.LATEST: _("the latest attempt"),
            Counts.FIRST: _("the first attempt"),
        }[counts or Counts.HIGHEST]
    )


def questions_of(version: QuizVersion) -> int:
    """Return how many questions a blueprint asks for, without those on trial."""
    return sum(line.size for line in blueprint_of_terms(version.blueprint))


def pilots_of(version: QuizVersion, person: Person, language: str) -> int:
    """Return how many questions on trial the person's paper would have if she started now, in a language."""
    if not version.pilots:
        return 0
    there = pilots_for(person, banks_of(blueprint_of_terms(version.blueprint)), language)
    return min(version.pilots, len(there))


def pilots_words(pilots: int) -> str | None:
    """Say that some questions do not count; None where all do."""
    if not pilots:
        return None
    return ngettext(
        "%(num)d of the questions is on trial and does not count. It looks like the others.",
        "%(num)d of the questions are on trial and do not count. They look like the others.",
        pilots,
    )


def section_rules(version: QuizVersion) -> list[dict[str, Any]]:
    """Return what is told of each section before the start: its title, how many questions, and its own mark."""
    lines = blueprint_of_terms(version.blueprint)
    return [
        {
            "title": str(section.title),
            "questions": sum(line.size for line in lines if line.section == section.id),
            "pass_mark": format_percent(section.pass_mark) if section.pass_mark is not None else None,
        }
        for section in sections_of(version)
    ]


def section_titles(version: QuizVersion) -> dict[str, str]:
    """Return section's id → its title in the reader's language."""
    return {section.id: str(section.title) for section in sections_of(version)}


def section_results(version: QuizVersion, marking: Marking) -> list[dict[str, Any]]:
    """Return the result of each section as the marking keeps it."""
    kept = marking.sections or {}
    rows = []
    for section in sections_of(version):
        if section.id not in kept:
            continue
        stored = kept[section.id]
        found = SectionReckoned(Fraction(stored["points"]), Fraction(stored["max_points"]), stored["passed"])
        rows.append(
            {
                "title": str(section.title),
                "score": format_percent(found.score) if found.max_points else "–",
                "points": paper.points_words(found.points, found.max_points),
                "pass_mark": format_percent(section.pass_mark) if section.pass_mark is not None else None,
                "passed": found.passed,
            }
        )
    return rows


def failed_sections(rows: Sequence[dict[str, Any]]) -> str | None:
    """Name the sections whose own mark is not reached, in a sentence; None where there are none."""
    failed = [row["title"] for row in rows if not row["passed"]]
    if not failed:
        return None
    return ngettext(
        "The mark of this section was not reached: %(titles)s.",
        "The marks of these sections were not reached: %(titles)s.",
        len(failed),
        titles=_(", ").join(failed),
    )
