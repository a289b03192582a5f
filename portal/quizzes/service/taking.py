"""What the page of an attempt shows of its course: which question, which places, what is left of the breaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from portal.accounts.models import Accommodation
from portal.core.i18n import format_duration, format_percent, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.quizzes.models import Attempt, Confidence, Item, QuizVersion
from portal.quizzes.rules import taking as rules
from portal.quizzes.service.written import misfit_words
from portal.quizzes.types import type_of
from portal.quizzes.types.base import Answered


@dataclass(frozen=True, slots=True)
class Course:
    """Which question a page shows (None: all of them), and the places of all questions."""

    here: int | None
    places: list[dict[str, Any]]

    @property
    def is_answered(self) -> bool:
        """Whether the question that is shown is wholly answered by what is saved."""
        return any(each["current"] and each["state"] == Answered.ANSWERED.value for each in self.places)


def course_of(attempt: Attempt, items: Sequence[Item], asked: int | None) -> Course:
    """Return what a page shows: all, the question that one is at, or the one asked for, else the first open one."""
    version = attempt.quiz_version
    states = {item.position: state_of(item) for item in items}
    words = {item.position: length_of(item) for item in items if states[item.position] is Answered.LENGTH}
    here = None
    if version.is_forward_only:
        here = attempt.reached or 1
    elif version.is_one_per_page:
        open_ones = (number for number, state in states.items() if state is not Answered.ANSWERED)
        here = asked if asked in states else next(open_ones, len(items))
    return Course(
        here,
        [
            {
                "number": number,
                "state": state.value,
                "words": words.get(number, ""),
                "href": f"#question-{number}" if here is None else None,
                "go": here is not None and not version.is_forward_only,
                "current": number == here,
            }
            for number, state in states.items()
        ],
    )


def state_of(item: Item) -> Answered:
    """Say how far a question is answered by what is stored."""
    content = item.question_version.read()
    return type_of(content.type).how_far(content, item.response.answer if item.response else {})


def length_of(item: Item) -> str:
    """Say by how much what is stored for a question is too long or too short; empty where it is neither."""
    return misfit_words(item.question_version.read(), item.response.answer if item.response else {})


def goes_to(action: str, go: str, here: int | None, *, stays: bool) -> int | None:
    """Return which question is shown after a page was sent; None: what the attempt shows by itself."""
    if here is None or stays:
        return here
    if go.isascii() and go.isdigit() and len(go) < 6:
        return int(go)
    return here + {"next": 1, "previous": -1}.get(action, 0)


def breaks_words(attempt: Attempt) -> str:
    """Say how long the clock may still be stopped; empty where it may not."""
    seconds = rules.seconds_left(attempt.break_allowance_seconds, attempt.break_seconds)
    return exact_length(seconds) if seconds else ""


def told_before(version: QuizVersion, accommodation: Accommodation | None) -> list[str]:
    """Return what is said of how a quiz is taken before it is started, besides its time and its release."""
    said = []
    if version.is_forward_only:
        said.append(_("The questions come one by one. What you have left, answered or not, cannot be gone back to."))
    elif version.is_one_per_page:
        said.append(_("The questions come one by one; you can go back and forth between them."))
    if version.confidence:
        said.append(
            _("Beside each question you can say how sure you are. It never counts; the result shows how it fits.")
        )
    if accommodation is not None and accommodation.break_minutes:
        said.append(
            ngettext(
                "You can stop the clock for %(num)d minute in all, as agreed with you. The questions are hidden then.",
                "You can stop the clock for %(num)d minutes in all, as agreed with you. The questions are hidden then.",
                accommodation.break_minutes,
            )
        )
    if accommodation is not None and accommodation.alternative_format:
        said.append(_("Agreed with you: %(format)s", format=accommodation.alternative_format))
    said.append(shown_words(version))
    return said


def shown_words(version: QuizVersion) -> str:
    """Say what is shown of a result once it is out."""
    words = {
        "score": _("the score"),
        "correctness": _("the points of each question"),
        "key": _("the right answers"),
        "rationale": _("the explanations"),
    }
    shown = [words[each] for each in words if each in version.show]
    if not shown:
        return _("Of the result you see whether you have passed.")
    listed = str(pgettext("list", ", ")).join(shown)
    return _("Of the result you see whether you have passed, and: %(shown)s.", shown=listed)


def calibration_rows(answers: Iterable[tuple[str | None, Fraction, Fraction]], least: int = 1) -> list[dict[str, Any]]:
    """Return a row for each rating: words, how many answers, which share of their points; below `least` no share."""
    words = dict(confidence_words())
    return [
        {
            "word": words[Confidence(each.rating)],
            "n": each.n,
            "earned": format_percent(each.earned) if each.n >= least else None,
        }
        for each in rules.calibration(answers, list(Confidence))
    ]


def confidence_words() -> list[tuple[Confidence, str]]:
    """Return the ratings, the surest first, with their words."""
    return [
        (Confidence.SURE, _("Sure")),
        (Confidence.FAIRLY, _("Fairly sure")),
        (Confidence.GUESS, _("A guess")),
    ]


def exact_length(seconds: int) -> str:
    """Write a length given in seconds."""
    return format_duration(timedelta(seconds=seconds))
