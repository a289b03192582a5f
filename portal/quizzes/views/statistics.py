"""What the results of a quiz say of its questions and of itself, for those who write and answer for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.i18n import format_date, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.tables import download_csv
from portal.quizzes import queries
from portal.quizzes.errors import NoSuchQuiz
from portal.quizzes.models import FlagKind, QuestionFlag, QuestionVersion, QuizVersion
from portal.quizzes.permissions import SEE_FIGURES, SEE_STATISTICS
from portal.quizzes.queries.flags import list_flags_of_versions
from portal.quizzes.queries.statistics import (
    Asked,
    Sitting,
    Sittings,
    count_left_out,
    count_shown,
    list_rated,
    list_versions,
    seconds_by_version,
    sittings_of,
)
from portal.quizzes.rules import statistics as rules
from portal.quizzes.rules import triggers
from portal.quizzes.rules.statistics import MINIMUM_PEOPLE, Difference, ItemFigures, QuizFigures, Third, Warned
from portal.quizzes.rules.triggers import MOST_SHOWN
from portal.quizzes.service import paper, taking
from portal.quizzes.service.drawing import sections_of
from portal.quizzes.service.statistics import (
    difference_of_languages,
    figures_of_sittings,
    guess_score_of,
    marks_on_trial,
    share_of_choices,
)
from portal.quizzes.service.written import legend_of
from portal.quizzes.types.base import ANSWER, CHOICES, Choice, Content, Part
from portal.quizzes.views import blueprint
from portal.quizzes.views.figures import interval_words, number_words, percent_words
from portal.quizzes.views.flags import kind_words, notes_of

_BINS = 10


@blueprint.get("/quizzes/<slug>/statistics")
@requires(SEE_FIGURES, on=queries.get_quiz)
def statistics(version: QuizVersion) -> str:
    """Show the figures of a quiz and of each version of a question that was drawn.

    Who does not read the key learns how hard each question is and how well it tells people apart, by its address: no
    title, which may say what is right, no choices, and nothing that leads to the question.
    """
    with_key = can(SEE_STATISTICS, version)
    every = request.args.get("attempts") == "all"
    sittings = sittings_of(version.quiz_id, first_only=not every)
    figures = figures_of_sittings(sittings)
    address = url_for("quizzes.statistics", slug=version.quiz.slug)
    people = len(sittings.rows)
    # So many questions a paper has; they are as many for all but where one was taken out of the marking.
    size = round(median(len(row.points) for row in sittings.rows)) if sittings.rows else 0
    is_shown = people >= MINIMUM_PEOPLE
    to_earn = _points_to_earn(sittings, figures.items)
    asked_for = [each.version_id for each in sittings.asked] if is_shown else []
    versions, shown = list_versions(asked_for), count_shown(asked_for)
    seconds = seconds_by_version(sittings) if is_shown else {}
    flagged = list_flags_of_versions([*asked_for, *(each.version_id for each in sittings.on_trial)]) if with_key else {}
    return render_template(
        "quizzes/statistics.html",
        title=str(version.title),
        with_key=with_key,
        quiz_href=url_for("quizzes.show", slug=version.quiz.slug),
        people=people,
        minimum=MINIMUM_PEOPLE,
        is_shown=is_shown,
        is_drawn=rules.is_drawn(sittings.marks()),
        limits={"people": triggers.LEAST_FOR_QUARANTINE, "shown": MOST_SHOWN, "gap": round(triggers.LARGE_GAP * 100)},
        every=every,
        left_out=count_left_out(version.quiz_id),
        first_href=address,
        every_href=f"{address}?attempts=all",
        export_href=url_for("quizzes.export_statistics", slug=version.quiz.slug, attempts="all" if every else None),
        choices_href=url_for(
            "quizzes.export_statistics", slug=version.quiz.slug, attempts="all" if every else None, what="choices"
        )
        if with_key
        else None,
        sections=_sections(version, sittings) if is_shown else [],
        on_trial=[
            _on_trial(each, sittings, flagged.get(each.version_id, []), with_key=with_key) for each in sittings.on_trial
        ]
        if is_shown
        else [],
        figures=[
            *_quiz_facts(figures.quiz, size, sittings),
            *_decision_facts(figures.quiz, size, sittings, float(version.pass_mark)),
        ]
        if is_shown
        else [],
        calibration=taking.calibration_rows(list_rated(version.quiz_id, first_only=not every), least=MINIMUM_PEOPLE)
        if is_shown and version.confidence
        else [],
        bars=_bars(sittings, float(version.pass_mark)) if is_shown else [],
        items=[
            _item(
                asked,
                item,
                versions[asked.version_id],
                sittings,
                flagged.get(asked.version_id, []),
                with_key=with_key,
            )
            | _weight(asked, item, to_earn)
            | _use(seconds.get(asked.version_id, []), shown[asked.version_id], flagged.get(asked.version_id, []))
            for asked, item in zip(sittings.asked, figures.items, strict=True)
        ]
        if is_shown
        else [],
    )


@blueprint.get("/quizzes/<slug>/statistics.csv")
@requires(SEE_FIGURES, on=queries.get_quiz)
def export_statistics(version: QuizVersion) -> Response:
    """Return the figures of the questions as a table, unrounded; with `what=choices` how often each was chosen."""
    sittings = sittings_of(version.quiz_id, first_only=request.args.get("attempts") != "all")
    is_shown = len(sittings.rows) >= MINIMUM_PEOPLE
    asked_for = [each.version_id for each in sittings.asked] if is_shown else []
    versions = list_versions(asked_for)
    if request.args.get("what") == "choices":
        if not can(SEE_STATISTICS, version):
            raise NoSuchQuiz()
        name = _("choices")
        rows = [row for each in sittings.asked if is_shown for row in _choice_rows(each, versions, sittings)]
        return download_csv(f"{version.quiz.slug}-{name}", _choice_header(), rows)
    figures = figures_of_sittings(sittings)
    shown, seconds = count_shown(asked_for), seconds_by_version(sittings) if is_shown else {}
    to_earn = _points_to_earn(sittings, figures.items)
    header = [_("Question"), "n", *(label for label, _value in _columns(None))]
    rows = [
        [item.name, item.n]
        + [
            value
            for _label, value in _columns(
                _Known(
                    item,
                    asked.max * item.n / to_earn if to_earn else None,
                    guess_score_of(versions[asked.version_id].read()),
                    seconds.get(asked.version_id, ()),
                    shown[asked.version_id],
                )
            )
        ]
        for asked, item in (zip(sittings.asked, figures.items, strict=True) if is_shown else ())
    ]
    name = _("statistics")
    return download_csv(f"{version.quiz.slug}-{name}", header, rows)


def _points_to_earn(sittings: Sittings, items: Sequence[ItemFigures]) -> float:
    return math.fsum(one.max * item.n for one, item in zip(sittings.asked, items, strict=True))


@dataclass(frozen=True, slots=True)
class _Known:
    """What a table tells of a question: its figures, which share of all points was meant for it, what guessing earns,
    how many seconds people were at it, and how often it was shown.
    """

    item: ItemFigures
    intended: float | None
    guess: float | None
    seconds: Sequence[float]
    shown: int


def _columns(known: _Known | None) -> list[tuple[str, Any]]:
    """Return label and value of each figure; what rests on too few people is left empty."""
    item = known.item if known is not None and known.item.n >= MINIMUM_PEOPLE else None
    seconds = known.seconds if known is not None and item and len(known.seconds) >= MINIMUM_PEOPLE else ()

    def of(name: str) -> float | None:
        return getattr(item, name) if item is not None else None

    discrimination = rules.interval_of_correlation(item.discrimination, item.n) if item else None
    return [
        (_("Facility"), of("facility")),
        *_ends(_("Facility"), rules.interval_of_facility(item) if item else None),
        (_("Standard deviation"), of("sd")),
        (_("Discrimination"), of("discrimination")),
        *_ends(_("Discrimination"), discrimination),
        (_("Correlation with the total"), of("point_biserial")),
        (_("Discriminative efficiency"), of("discriminative_efficiency")),
        (_("Guessing earns"), known.guess if known and item else None),
        (_("Effective weight"), of("effective_weight")),
        (_("Intended weight"), known.intended if known and item else None),
        (_("Consistency without it"), of("alpha_if_deleted")),
        (_("Median time in seconds"), median(seconds) if seconds else None),
        *_ends(_("Median time in seconds"), rules.interval_of_median(seconds) if seconds else None),
        (_("Times shown"), known.shown if known and item else None),
    ]


def _ends(figure: str, interval: rules.Interval | None) -> list[tuple[str, float | None]]:
    """Return the ends of the range in which a figure lies with 95 % certainty."""
    return [
        (_("%(figure)s, at least", figure=figure), interval.low if interval else None),
        (_("%(figure)s, at most", figure=figure), interval.high if interval else None),
    ]


def _choice_header() -> list[str]:
    rate = _("Share of people")
    return [
        _("Question"), _("Part"), _("Choice"), _("Right answer"), "n",
        rate, *(label for label, _value in _ends(rate, None)),
        _("Lowest third"), _("Middle third"), _("Highest third"),
    ]  # fmt: skip


def _choice_rows(asked: Asked, versions: Mapping[int, QuestionVersion], sittings: Sittings) -> Iterator[list[Any]]:
    """Yield how often each choice of a question was taken, where enough people had it."""
    content, rows = versions[asked.version_id].read(), _rows_with(asked, sittings)
    if len(rows) < MINIMUM_PEOPLE:
        return
    for part, found in _shares(asked, content, rows):
        for choice, share in found:
            yield [
                asked.name,
                legend_of(content, part) if part.id != ANSWER else "",
                choice.text.in_(language()) if choice is not None else _("No answer"),
                _("yes") if choice is not None and choice.right else "",
                len(rows),
                share.rate,
                *(end for _label, end in _ends("", rules.interval_of_share(share.rate, len(rows)))),
                *(share.rates[third] for third in Third),
            ]


# --- figures in words ---------------------------------------------------------------------------


def _quiz_facts(quiz: QuizFigures, items: int, sittings: Sittings) -> list[tuple[str, str, str]]:
    """Return name, value and what it means of the figures of the whole quiz; `items` is how many a paper has."""
    scores = [row.score for row in sittings.rows]
    interval = rules.interval_of_alpha(quiz.internal_consistency, items, quiz.n)
    middle = rules.quantile(sorted(scores), 0.5)
    drawn = rules.is_drawn(sittings.marks())
    greatest = {each.version_id: each.max for each in sittings.asked}
    # The points of the paper in the middle: where questions were drawn they may be more or fewer.
    most = median(math.fsum(greatest[each] for each in row.points) for row in sittings.rows)

    def in_points(value: float | None) -> str:
        if value is None or not most:
            return _("in points")
        return _(
            "in points: %(share)s of the %(most)s of a paper", most=f"{most:.7g}", share=percent_words(value / most)
        )

    return [
        (
            _("Mean score"),
            percent_words(rules.mean(scores)),
            interval_words(rules.interval_of_mean(scores), of_share=True),
        ),
        (_("Median score"), percent_words(middle), interval_words(rules.interval_of_median(scores), of_share=True)),
        (_("Standard deviation"), number_words(quiz.sd), in_points(quiz.sd)),
        (_("Skewness"), number_words(quiz.skewness), _("negative: a few low scores; positive: a few high ones")),
        (_("Kurtosis"), number_words(quiz.kurtosis), _("0 for a normal distribution")),
        (
            _("Internal consistency of the papers drawn") if drawn else _("Internal consistency (Cronbach's alpha)"),
            number_words(quiz.internal_consistency),
            interval_words(interval) or _("not defined for these results"),
        ),
        (_("Error ratio"), percent_words(quiz.error_ratio), _("how much of the spread is chance")),
        (
            _("Standard error"),
            number_words(quiz.standard_error),
            _("%(points)s; how far a score may lie from the true one", points=in_points(quiz.standard_error)),
        ),
    ]


def _decision_facts(quiz: QuizFigures, items: int, sittings: Sittings, pass_mark: float) -> list[tuple[str, str, str]]:
    """Return name, value and what it means of how far passing and failing can be trusted."""
    scores = [row.score for row in sittings.rows]
    found = rules.decision_of(scores, pass_mark, quiz.internal_consistency)
    if found is None:
        return [(_("Reliability of passing"), "–", _("not defined for these results"))]
    near = ngettext(
        "%(num)d result lies within one standard error (%(error)s) of the pass mark %(mark)s",
        "%(num)d results lie within one standard error (%(error)s) of the pass mark %(mark)s",
        found.near,
        error=percent_words(found.standard_error),
        mark=percent_words(pass_mark),
    )
    between = interval_words(rules.interval_of_decision(scores, pass_mark, quiz.internal_consistency, items))
    told = _("%(interval)s; %(near)s", interval=between, near=near) if between else near
    return [(_("Reliability of passing"), number_words(found.reliability), told)]


def _use(seconds: Sequence[float], shown: int, flagged: Sequence[QuestionFlag]) -> dict[str, Any]:
    """Return how long people were at a question, and how often it was shown."""
    is_shown = len(seconds) >= MINIMUM_PEOPLE
    interval = rules.interval_of_median(seconds) if is_shown else None
    return {
        "time": _duration(median(seconds)) if is_shown else "–",
        "time_between": _("%(low)s to %(high)s", low=_duration(interval.low), high=_duration(interval.high))
        if interval
        else "",
        "shown": ngettext("shown %(num)d time", "shown %(num)d times", shown),
        "is_worn": shown > MOST_SHOWN and not _is_open(flagged, FlagKind.OVEREXPOSED),
    }


def _duration(seconds: float) -> str:
    return "{}:{:02}".format(*divmod(round(seconds), 60))


def _is_open(flagged: Sequence[QuestionFlag], kind: FlagKind) -> bool:
    return any(flag.kind is kind and flag.closed_at is None for flag in flagged)


def _sections(version: QuizVersion, sittings: Sittings) -> list[dict[str, Any]]:
    """Return how the sections of the newest version went, where enough people sat them."""
    rows = []
    for section in sections_of(version):
        found = [row.sections[section.id] for row in sittings.rows if section.id in row.sections]
        is_shown = len(found) >= MINIMUM_PEOPLE
        shares = [share for share, _passed in found]
        passed = sum(passed for _share, passed in found) / len(found) if found else None
        has_mark = is_shown and section.pass_mark is not None
        rows.append(
            {
                "title": str(section.title),
                "n": len(found),
                "mean": percent_words(rules.mean(shares)) if is_shown else "–",
                "mean_between": interval_words(rules.interval_of_mean(shares), of_share=True) if is_shown else "",
                "passed": percent_words(passed) if has_mark else "–",
                "passed_between": interval_words(rules.interval_of_share(passed, len(found)), of_share=True)
                if has_mark
                else "",
            }
        )
    return rows


def _on_trial(asked: Asked, sittings: Sittings, flagged: Sequence[QuestionFlag], *, with_key: bool) -> dict[str, Any]:
    """Return what is known of a question on trial: it counts in no total, so that each total is one without it."""
    marks, scores = marks_on_trial(asked, sittings)
    is_shown = len(marks) >= MINIMUM_PEOPLE
    found = rules.correlation(marks, scores) if is_shown else None
    # The figures of one item alone: its facility with what the interval of that needs.
    (item,) = rules.figures_of([asked.name], [[mark] for mark in marks], [asked.max]).items
    return {
        "name": f"{asked.bank}/{asked.slug}",
        "version": asked.number,
        "href": url_for("quizzes.question", slug=asked.bank, question=asked.slug) if with_key else None,
        "n": len(marks),
        "facility": percent_words(item.facility) if is_shown else "–",
        "facility_between": interval_words(rules.interval_of_facility(item), of_share=True) if is_shown else "",
        "discrimination": number_words(found) if is_shown else "–",
        "between": interval_words(rules.interval_of_correlation(found, len(marks))) if is_shown else "",
        "flags": notes_of(flagged),
    }


def _bars(sittings: Sittings, pass_mark: float) -> list[dict[str, Any]]:
    counts = rules.histogram([row.score for row in sittings.rows], _BINS)
    most = max(counts) or 1
    return [
        {
            "label": _bin_words(place),
            "count": count,
            "words": ngettext("%(num)d person", "%(num)d people", count),
            "share": count / most,
            "passes": place / _BINS >= pass_mark - 1e-9,
        }
        for place, count in enumerate(counts)
    ]


def _bin_words(place: int) -> str:
    """Say which scores lie in a part of the scale: each in one, 100 % in the last."""
    low, high = percent_words(place / _BINS), percent_words((place + 1) / _BINS)
    if place == _BINS - 1:
        return _("%(low)s to %(high)s", low=low, high=high)
    return _("%(low)s to below %(high)s", low=low, high=high)


def _weight(asked: Asked, item: ItemFigures, to_earn: float) -> dict[str, Any]:
    """Return how much a question tells people apart, and which share was meant for it of all points to earn."""
    return {
        "weights": _(
            "%(effective)s of %(intended)s",
            effective=percent_words(item.effective_weight),
            intended=percent_words(asked.max * item.n / to_earn),
        )
    }


def _item(
    asked: Asked,
    item: ItemFigures,
    version: QuestionVersion,
    sittings: Sittings,
    flagged: Sequence[QuestionFlag],
    *,
    with_key: bool,
) -> dict[str, Any]:
    content = version.read()
    is_shown = item.n >= MINIMUM_PEOPLE
    shown: dict[str, Any] = {
        "title": content.title.in_(language()) if with_key else f"{asked.bank}/{asked.slug}",
        "version": asked.number,
        "href": url_for("quizzes.question", slug=asked.bank, question=asked.slug) if with_key else None,
        "key": f"q{asked.version_id}",
        "n": item.n,
        "is_shown": is_shown,
        "alerts": [],
        "flags": notes_of(flagged),
        "flagged": [_told(flag) for flag in flagged],
    }
    if not is_shown:
        return shown
    difference = difference_of_languages(asked, sittings)
    if difference is not None and min(difference.sizes) < MINIMUM_PEOPLE:
        difference = None
    return shown | {
        "facility": percent_words(item.facility),
        "facility_between": interval_words(rules.interval_of_facility(item), of_share=True),
        "discrimination": number_words(item.discrimination),
        "discrimination_between": interval_words(rules.interval_of_correlation(item.discrimination, item.n)),
        "efficiency": percent_words(item.discriminative_efficiency),
        "guess": percent_words(guess_score_of(content)),
        "alerts": _alerts(item, difference, flagged),
        "remarks": [*_remarks(item), *_of_languages(difference)],
        "parts": _parts(asked, content, sittings) if with_key else [],
    }


def _remarks(item: ItemFigures) -> list[str]:
    words = {
        Warned.NO_VARIANCE: _("Everybody has the same marks: it tells nobody apart."),
        Warned.NEGATIVE_DISCRIMINATION: _(
            "Those who do well elsewhere do worse here: look at the key, and at choices that mislead."
        ),
        Warned.FEW_PEOPLE: _("Fewer than %(most)s people: much of this may be chance.", most=rules.FEW_PEOPLE),
    }
    return [words[warned] for warned in item.warnings if warned in words]


def _alerts(item: ItemFigures, difference: Difference | None, flagged: Sequence[QuestionFlag]) -> list[str]:
    """Return in a few words what somebody should look at, beside what was pointed out and waits already."""
    said = []
    is_negative = Warned.NEGATIVE_DISCRIMINATION in item.warnings
    if is_negative and not _is_open(flagged, FlagKind.NEGATIVE_DISCRIMINATION):
        said.append(_("Negative discrimination"))
    if Warned.NO_VARIANCE in item.warnings:
        said.append(_("No differences"))
    if triggers.is_large(difference) and not _is_open(flagged, FlagKind.LANGUAGE_GAP):
        said.append(_("The languages differ"))
    return said


def _told(flag: QuestionFlag) -> dict[str, Any]:
    """Return what was pointed out about a question, and what became of it."""
    zone = actor().time_zone
    since = format_date(clock.local_date(flag.raised_at, zone), "short")
    kind = kind_words(flag.kind)
    if flag.closed_at is None:
        said = _("%(what)s: open since %(day)s", what=kind, day=since)
    else:
        until = format_date(clock.local_date(flag.closed_at, zone), "short")
        said = _("%(what)s: closed on %(day)s", what=kind, day=until)
    return {"said": said, "href": url_for("quizzes.flag", code=flag.code), "note": flag.note or ""}


def _of_languages(found: Difference | None) -> list[str]:
    if found is None:
        return []
    gap = rules.interval_of_gap(found)
    said = _(
        "Japanese %(ja)s (n = %(n_ja)s), English %(en)s right (n = %(n_en)s); the difference lies between %(low)s and "
        "%(high)s points",
        ja=percent_words(found.facilities[0]),
        n_ja=found.sizes[0],
        en=percent_words(found.facilities[1]),
        n_en=found.sizes[1],
        low=number_words(gap.low * 100, 0),
        high=number_words(gap.high * 100, 0),
    )
    if found.p is not None:
        said = _("%(said)s (p = %(p)s among people of the same ability)", said=said, p=number_words(found.p, 3))
    if triggers.is_large(found):
        return [said, _("The difference is large: have the translation looked at.")]
    return [said]


def _parts(asked: Asked, content: Content, sittings: Sittings) -> list[dict[str, Any]]:
    """Return which choice was taken how often, in all and by thirds of ability."""
    rows = _rows_with(asked, sittings)
    thirds = rules.thirds_of([row.score for row in rows])
    sizes = Counter(thirds)
    return [
        {
            "heading": legend_of(content, part) if part.id != ANSWER else "",
            "sizes": [sizes[third] for third in Third],
            "choices": [
                {
                    "text": paper.label(choice.text.in_(language()), language(), content.document, ())
                    if choice is not None
                    else _("No answer"),
                    "right": choice is not None and choice.right,
                    "rate": percent_words(share.rate),
                    "between": interval_words(rules.interval_of_share(share.rate, len(rows)), of_share=True),
                    "rates": [percent_words(share.rates[third]) for third in Third],
                }
                for choice, share in found
            ],
        }
        for part, found in _shares(asked, content, rows)
    ]


def _rows_with(asked: Asked, sittings: Sittings) -> list[Sitting]:
    return [row for row in sittings.rows if asked.version_id in row.points]


def _shares(
    asked: Asked, content: Content, rows: Sequence[Sitting]
) -> Iterator[tuple[Part, Iterator[tuple[Choice | None, rules.Share]]]]:
    """Yield the parts of which something is chosen with how often each choice was taken, by thirds of ability."""
    thirds = rules.thirds_of([row.score for row in rows])
    answers: Sequence[Mapping[str, Any]] = [row.answers.get(asked.version_id, {}) for row in rows]
    for part in content.parts:
        # What is written or put in order is not told answer by answer.
        if part.kind == CHOICES:
            yield part, share_of_choices(part, answers, thirds)
