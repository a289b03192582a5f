"""What the results of a quiz say of its questions and of itself, for those who write and answer for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core.access import requires
from portal.core.i18n import gettext as _
from portal.core.i18n import language, ngettext
from portal.core.tables import download_csv
from portal.quizzes import queries
from portal.quizzes.models import QuestionVersion, QuizVersion
from portal.quizzes.permissions import SEE_STATISTICS
from portal.quizzes.queries.statistics import Asked, Sittings, list_versions, sittings_of
from portal.quizzes.rules import statistics as rules
from portal.quizzes.rules.statistics import (
    MINIMUM_PEOPLE,
    Difference,
    Interval,
    ItemFigures,
    QuizFigures,
    Third,
    Warned,
)
from portal.quizzes.service import paper
from portal.quizzes.service.statistics import guess_score_of, share_of_choices
from portal.quizzes.types.base import ANSWER, Content, read
from portal.quizzes.views import blueprint

# A difference of the languages above this asks for a look at the translation.
LARGE_GAP = 0.15
_BINS = 10


@blueprint.get("/quizzes/<slug>/statistics")
@requires(SEE_STATISTICS, on=queries.get_quiz)
def statistics(version: QuizVersion) -> str:
    """Show the figures of a quiz and of each version of a question that was drawn."""
    every = request.args.get("attempts") == "all"
    sittings = sittings_of(version.quiz_id, first_only=not every)
    figures = rules.figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima)
    address = url_for("quizzes.statistics", slug=version.quiz.slug)
    people = len(sittings.rows)
    is_shown = people >= MINIMUM_PEOPLE
    versions = list_versions([each.version_id for each in sittings.asked]) if is_shown else {}
    return render_template(
        "quizzes/statistics.html",
        title=str(version.title),
        quiz_href=url_for("quizzes.show", slug=version.quiz.slug),
        people=people,
        minimum=MINIMUM_PEOPLE,
        is_shown=is_shown,
        every=every,
        first_href=address,
        every_href=f"{address}?attempts=all",
        export_href=url_for("quizzes.export_statistics", slug=version.quiz.slug, attempts="all" if every else None),
        figures=_quiz_facts(figures.quiz, len(sittings.asked), sittings) if is_shown else [],
        bars=_bars(sittings, float(version.pass_mark)) if is_shown else [],
        items=[
            _item(asked, item, versions[asked.version_id], sittings)
            for asked, item in zip(sittings.asked, figures.items, strict=True)
        ]
        if is_shown
        else [],
    )


@blueprint.get("/quizzes/<slug>/statistics.csv")
@requires(SEE_STATISTICS, on=queries.get_quiz)
def export_statistics(version: QuizVersion) -> Response:
    """Return the figures of the questions as a table, unrounded."""
    sittings = sittings_of(version.quiz_id, first_only=request.args.get("attempts") != "all")
    figures = rules.figures_of([each.name for each in sittings.asked], sittings.marks(), sittings.maxima)
    header = [_("Question"), "n", *(label for label, _value in _columns(None))]
    rows = [
        [item.name, item.n, *(value for _label, value in _columns(item))]
        for item in (figures.items if len(sittings.rows) >= MINIMUM_PEOPLE else ())
    ]
    name = _("statistics")
    return download_csv(f"{version.quiz.slug}-{name}", header, rows)


def _columns(item: ItemFigures | None) -> list[tuple[str, Any]]:
    """Return label and value of each figure; what rests on too few people is left empty."""
    shown = item if item is not None and item.n >= MINIMUM_PEOPLE else None
    names = (
        (_("Facility"), "facility"),
        (_("Standard deviation"), "sd"),
        (_("Discrimination"), "discrimination"),
        (_("Correlation with the total"), "point_biserial"),
        (_("Discriminative efficiency"), "discriminative_efficiency"),
        (_("Effective weight"), "effective_weight"),
        (_("Consistency without it"), "alpha_if_deleted"),
    )
    return [(label, getattr(shown, name) if shown is not None else None) for label, name in names]


# --- figures in words ---------------------------------------------------------------------------


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _percent(value: float | None) -> str:
    if value is None:
        return "–"
    text = f"{value * 100:.0f}".replace("-", "−")
    return f"{text} %" if language() == "en" else f"{text}%"


def _between(interval: Interval | None, of_share: bool = False) -> str:
    if interval is None:
        return ""
    told = _percent if of_share else _number
    return _("%(low)s to %(high)s", low=told(interval.low), high=told(interval.high))


def _quiz_facts(quiz: QuizFigures, items: int, sittings: Sittings) -> list[tuple[str, str, str]]:
    """Return name, value and what it means of the figures of the whole quiz."""
    scores = [row.score for row in sittings.rows]
    interval = rules.interval_of_alpha(quiz.internal_consistency, items, quiz.n)
    return [
        (_("Mean score"), _percent(rules.mean(scores)), ""),
        (_("Median score"), _percent(rules.quantile(sorted(scores), 0.5)), ""),
        (_("Standard deviation"), _number(quiz.sd), _("in points")),
        (_("Skewness"), _number(quiz.skewness), _("negative: a few low scores; positive: a few high ones")),
        (_("Kurtosis"), _number(quiz.kurtosis), _("0 for a normal distribution")),
        (
            _("Internal consistency (Cronbach's alpha)"),
            _number(quiz.internal_consistency),
            _between(interval) or _("not defined for these results"),
        ),
        (_("Error ratio"), _percent(quiz.error_ratio), _("how much of the spread is chance")),
        (_("Standard error"), _number(quiz.standard_error), _("in points: how far a score may lie from the true one")),
    ]


def _bars(sittings: Sittings, pass_mark: float) -> list[dict[str, Any]]:
    counts = rules.histogram([row.score for row in sittings.rows], _BINS)
    most = max(counts) or 1
    return [
        {
            "label": _("%(low)s to %(high)s", low=_percent(place / _BINS), high=_percent((place + 1) / _BINS)),
            "count": count,
            "words": ngettext("%(num)d person", "%(num)d people", count),
            "share": count / most,
            "passes": place / _BINS >= pass_mark - 1e-9,
        }
        for place, count in enumerate(counts)
    ]


def _item(asked: Asked, item: ItemFigures, version: QuestionVersion, sittings: Sittings) -> dict[str, Any]:
    content = read(version.content)
    is_shown = item.n >= MINIMUM_PEOPLE
    shown: dict[str, Any] = {
        "title": content.title.in_(language()),
        "version": asked.number,
        "href": url_for("quizzes.bank", slug=asked.bank, _anchor=asked.slug),
        "key": f"q{asked.version_id}",
        "n": item.n,
        "is_shown": is_shown,
        "alerts": [],
    }
    if not is_shown:
        return shown
    difference = _difference(asked, sittings)
    return shown | {
        "facility": _percent(item.facility),
        "facility_between": _between(rules.interval_of_facility(item), of_share=True),
        "discrimination": _number(item.discrimination),
        "discrimination_between": _between(rules.interval_of_correlation(item.discrimination, item.n)),
        "efficiency": _percent(item.discriminative_efficiency),
        "guess": _percent(guess_score_of(content)),
        "weights": _(
            "%(effective)s of %(intended)s",
            effective=_percent(item.effective_weight),
            intended=_percent(_intended(asked, item.n, sittings)),
        ),
        "alerts": _alerts(item, difference),
        "remarks": [*_remarks(item), *_of_languages(difference)],
        "parts": _parts(asked, content, sittings),
    }


def _intended(asked: Asked, n: int, sittings: Sittings) -> float:
    """Return which share of all points that could be earned was to be earned on a question."""
    of_all = math.fsum(
        each.max * sum(each.version_id in row.points for row in sittings.rows) for each in sittings.asked
    )
    return asked.max * n / of_all


def _remarks(item: ItemFigures) -> list[str]:
    words = {
        Warned.NO_VARIANCE: _("Everybody has the same marks: it tells nobody apart."),
        Warned.NEGATIVE_DISCRIMINATION: _(
            "Those who do well elsewhere do worse here: look at the key, and at choices that mislead."
        ),
        Warned.FEW_PEOPLE: _("Fewer than %(most)s people: much of this may be chance.", most=rules.FEW_PEOPLE),
    }
    return [words[warned] for warned in item.warnings if warned in words]


def _alerts(item: ItemFigures, difference: Difference | None) -> list[str]:
    """Return in a few words what somebody should look at."""
    said = []
    if Warned.NEGATIVE_DISCRIMINATION in item.warnings:
        said.append(_("Negative discrimination"))
    if Warned.NO_VARIANCE in item.warnings:
        said.append(_("No differences"))
    if difference is not None and abs(difference.gap) > LARGE_GAP:
        said.append(_("Languages differ"))
    return said


def _difference(asked: Asked, sittings: Sittings) -> Difference | None:
    """Return how a question differs between those who sat it in Japanese and in English, where both are enough."""
    rows = [row for row in sittings.rows if asked.version_id in row.points]
    right = [row.points[asked.version_id] >= asked.max for row in rows]
    found = rules.difference_between(right, [row.score for row in rows], [row.language == "ja" for row in rows])
    return found if found is not None and min(found.sizes) >= MINIMUM_PEOPLE else None


def _of_languages(found: Difference | None) -> list[str]:
    if found is None:
        return []
    said = _(
        "Japanese %(ja)s, English %(en)s right",
        ja=_percent(found.facilities[0]),
        en=_percent(found.facilities[1]),
    )
    if found.p is not None:
        said = _("%(said)s (p = %(p)s among people of the same ability)", said=said, p=_number(found.p, 3))
    if abs(found.gap) > LARGE_GAP:
        return [said, _("The difference is large: have the translation looked at.")]
    return [said]


def _parts(asked: Asked, content: Content, sittings: Sittings) -> list[dict[str, Any]]:
    """Return which choice was taken how often, in all and by thirds of ability."""
    rows = [row for row in sittings.rows if asked.version_id in row.points]
    thirds = rules.thirds_of([row.score for row in rows])
    answers: Sequence[Mapping[str, Any]] = [row.answers.get(asked.version_id, {}) for row in rows]
    sizes = {third: sum(each is third for each in thirds) for third in Third}
    return [
        {
            "heading": part.heading.in_(language()) if part.heading and part.id != ANSWER else "",
            "sizes": [sizes[third] for third in Third],
            "choices": [
                {
                    "text": paper.label(choice.text.in_(language()), language(), content.document, ())
                    if choice is not None
                    else _("No answer"),
                    "right": choice is not None and choice.right,
                    "rate": _percent(rate),
                    "rates": [_percent(each) for each in of_thirds],
                }
                for choice, rate, of_thirds in share_of_choices(part, answers, thirds)
            ],
        }
        for part in content.parts
    ]
