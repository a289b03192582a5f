"""The terms of a quiz in words, one by one, and which of them two versions say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from portal.core.i18n import format_instant, format_percent, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.quizzes.formats.quiz_toml import SHOWN, QuizTerms
from portal.quizzes.models import Layout, Navigation, Release, SecondMarker
from portal.quizzes.rules.hand_marks import APPEAL_DAYS, BORDER, MODERATION_ABOVE
from portal.quizzes.service.drawing import blueprint_of_terms
from portal.quizzes.views import told
from portal.quizzes.views.coverage import draw_words

# How questions come, as one choice: what goes forward only has a page for each question.
COURSES: dict[str, tuple[Layout, Navigation]] = {
    "all": (Layout.ALL, Navigation.FREE),
    "one_per_page": (Layout.ONE_PER_PAGE, Navigation.FREE),
    "forward_only": (Layout.ONE_PER_PAGE, Navigation.FORWARD_ONLY),
}
NOTHING = "–"
# Decimals of a percentage: two that differ are not written alike.
_EXACT = 6


@dataclass(frozen=True, slots=True)
class Term:
    """A term with its name and what it says."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """A term that says something else than before."""

    name: str
    before: str
    after: str


def course_of(terms: QuizTerms) -> str:
    """Return how the questions come, as one of `COURSES`."""
    return next(name for name, course in COURSES.items() if course == (terms.layout, terms.navigation))


def course_words() -> dict[str, str]:
    """Return each way in which questions can come, with its words."""
    return {
        "all": _("All on one page"),
        "one_per_page": _("One by one, back and forth"),
        "forward_only": _("One by one, forward only"),
    }


def release_words() -> dict[Release, str]:
    """Return each moment at which results can be shown, with its words."""
    return {
        Release.AT_ONCE: _("as soon as it is handed in"),
        Release.AFTER_WINDOW: _("when the quiz has closed"),
        Release.BY_HAND: _("when somebody releases them"),
    }


def shown_words() -> dict[str, str]:
    """Return each thing that a result can show, with its words."""
    return {
        "score": _("Score"),
        "correctness": _("Which answers were right"),
        "key": _("Right answers"),
        "rationale": _("Why"),
    }


def second_marker_words() -> dict[SecondMarker, str]:
    """Return whose answers a second person can mark, with its words."""
    return {
        SecondMarker.NONE: _("nobody's answers"),
        SecondMarker.BORDERLINE: _("the answers of attempts near the pass mark"),
        SecondMarker.ALL: _("everybody's answers"),
    }


def terms_in_words(terms: QuizTerms, *, zone: str, tolerance: int) -> list[Term]:
    """Return every term in the order of the form; `tolerance` is that of the organisation in seconds."""
    return [
        Term(_("Title in English"), terms.title.en),
        Term(_("Title in Japanese"), terms.title.ja),
        Term(_("Purpose in English"), terms.purpose.en if terms.purpose else NOTHING),
        Term(_("Purpose in Japanese"), terms.purpose.ja if terms.purpose else NOTHING),
        Term(_("Opens"), _instant(terms.opens_at, zone)),
        Term(_("Closes"), _instant(terms.closes_at, zone)),
        Term(_("Only for those to whom it is assigned"), _yes_or_no(terms.only_assigned)),
        Term(_("Time (minutes)"), str(terms.time_limit_minutes)),
        Term(
            _("Tolerance (seconds)"),
            str(terms.tolerance_seconds) if terms.tolerance_seconds is not None else _as_everywhere(str(tolerance)),
        ),
        Term(_("Attempts allowed"), str(terms.attempts_allowed)),
        Term(_("What counts"), told.counts_words(terms.counts)),
        Term(_("Wait before another attempt (hours)"), str(terms.wait_hours)),
        Term(_("Wait only after so many failed attempts"), str(terms.wait_after_fails)),
        Term(_("Pass mark in percent"), format_percent(terms.pass_mark, _EXACT)),
        Term(_("Results are shown"), release_words()[terms.release]),
        Term(_("What of the result is shown"), _listed([shown_words()[each] for each in SHOWN if each in terms.show])),
        Term(
            _("Days for an appeal"),
            str(terms.appeal_days) if terms.appeal_days is not None else _as_everywhere(str(APPEAL_DAYS)),
        ),
        Term(_("How the questions come"), course_words()[course_of(terms)]),
        Term(_("Questions in another order for each attempt"), _yes_or_no(terms.shuffle_questions)),
        Term(_("Choices in another order for each attempt"), _yes_or_no(terms.shuffle_choices)),
        Term(_("Ask how sure one is"), _yes_or_no(terms.confidence)),
        Term(_("Offer practice"), _yes_or_no(terms.practice)),
        Term(_("A second person marks"), second_marker_words()[terms.second_marker]),
        Term(_("Border around the pass mark (percentage points)"), _share(terms.borderline_within, BORDER)),
        Term(
            _("A third person decides above this difference (percent)"),
            _share(terms.moderation_above, MODERATION_ABOVE),
        ),
        *(
            Term(
                _("Section %(number)s", number=number),
                _listed(
                    [
                        f"{section.title.en} / {section.title.ja} ({section.id})",
                        *(
                            [_("pass mark %(mark)s", mark=format_percent(section.pass_mark, _EXACT))]
                            if section.pass_mark is not None
                            else []
                        ),
                    ]
                ),
            )
            for number, section in enumerate(terms.sections, start=1)
        ),
        *(
            Term(
                _("Draw %(number)s", number=number),
                _listed(
                    [
                        *([_("section %(id)s", id=line.section)] if line.section else []),
                        ngettext("%(num)d question", "%(num)d questions", line.size),
                        draw_words(line),
                    ]
                ),
            )
            for number, line in enumerate(blueprint_of_terms(terms.blueprint), start=1)
        ),
        Term(_("Questions on trial that are added"), str(terms.pilots)),
    ]


def changes(before: QuizTerms, after: QuizTerms, *, zone: str, tolerance: int) -> list[Change]:
    """Return what the terms say otherwise, old → new; a section or draw that only one of them has is nothing there."""
    old = {each.name: each.words for each in terms_in_words(before, zone=zone, tolerance=tolerance)}
    new = {each.name: each.words for each in terms_in_words(after, zone=zone, tolerance=tolerance)}
    names = [*new, *(name for name in old if name not in new)]
    return [
        Change(name, old.get(name, NOTHING), new.get(name, NOTHING))
        for name in names
        if old.get(name, NOTHING) != new.get(name, NOTHING)
    ]


def _instant(instant: datetime | None, zone: str) -> str:
    return format_instant(instant, zone, seconds=bool(instant.second)) if instant is not None else NOTHING


def _listed(parts: Sequence[str]) -> str:
    return str(pgettext("list", ", ")).join(parts) or NOTHING


def _yes_or_no(is_so: bool) -> str:
    return pgettext("term", "yes") if is_so else pgettext("term", "no")


def _share(stated: Fraction | None, otherwise: Fraction) -> str:
    return format_percent(stated, _EXACT) if stated is not None else _as_everywhere(format_percent(otherwise))


def _as_everywhere(words: str) -> str:
    return _("%(value)s (not stated)", value=words)
