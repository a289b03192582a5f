"""What terms of a quiz cannot be together, and what of them deserves a second thought, in words."""

from __future__ import annotations

from datetime import datetime

from portal.core.i18n import gettext as _
from portal.quizzes.formats.quiz_toml import QuizTerms
from portal.quizzes.models import Release, SecondMarker


def impossible(terms: QuizTerms) -> list[tuple[str, str]]:
    """Return what cannot be together: the name of the term to change, and what is wrong with it."""
    found = []
    opens, closes = terms.opens_at, terms.closes_at
    if opens and closes and opens >= closes:
        found.append(
            (
                "closes_at",
                " ".join((_("The quiz closes before it opens."), _("Choose a later time, or leave it empty."))),
            )
        )
    elif opens and closes and (closes - opens).total_seconds() < terms.time_limit_minutes * 60:
        found.append(
            (
                "time_limit_minutes",
                _(
                    "The quiz is open for %(minutes)s minutes only: nobody would get the full time. Shorten the time, "
                    "or let the quiz close later.",
                    minutes=int((closes - opens).total_seconds() // 60),
                ),
            )
        )
    if terms.release is Release.AFTER_WINDOW and closes is None:
        found.append(
            (
                "release",
                " ".join(
                    (
                        _("Results come after the window, but the window never closes."),
                        _("Say when the quiz closes, or show results at another time."),
                    )
                ),
            )
        )
    return found


def doubtful(terms: QuizTerms, now: datetime) -> list[str]:
    """Return what is possible and seldom meant, a sentence each."""
    said = []
    if terms.closes_at is not None and terms.closes_at <= now:
        said.append(_("The quiz has closed already: nobody can start it any more."))
    if terms.release is Release.AT_ONCE and "key" in terms.show:
        if terms.attempts_allowed > 1:
            said.append(
                _(
                    "The right answers are shown at once, and there are further attempts: whoever gets a question "
                    "again knows its answer, and can tell others. Show the right answers only when the quiz has "
                    "closed, or leave them out."
                )
            )
        elif terms.closes_at is not None:
            said.append(
                _(
                    "The right answers are shown at once, while others can still take the quiz. Show results only when "
                    "the quiz has closed, or leave the right answers out."
                )
            )
    said += _idle(terms)
    if not terms.pass_mark:
        said.append(_("The pass mark is zero: everybody passes."))
    return said


def _idle(terms: QuizTerms) -> list[str]:
    """Return the terms that others leave without effect."""
    said = []
    opens, closes = terms.opens_at, terms.closes_at
    if terms.wait_hours and terms.wait_after_fails >= terms.attempts_allowed:
        said.append(_("Nobody ever waits: no attempt is left after the failed ones that come before the waiting time."))
    elif terms.wait_hours and opens and closes and (closes - opens).total_seconds() <= terms.wait_hours * 3600:
        said.append(_("The waiting time is longer than the quiz is open: nobody gets another attempt after waiting."))
    if terms.second_marker is SecondMarker.NONE and terms.moderation_above is not None:
        said.append(_("The difference that calls a third person has no effect where no second person marks."))
    if terms.second_marker is not SecondMarker.BORDERLINE and terms.borderline_within is not None:
        said.append(_("The width of the border has no effect where a second person does not mark by it."))
    if terms.appeal_days and not frozenset(terms.show) - {"score"}:
        said.append(_("Nobody can appeal: the result shows no questions."))
    return said
