"""Cohorts one after the other: how long people took, how first tries went, who was through in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flask import Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.calendars.service.told import uncountable_told
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS, reach_over_cohorts
from portal.core.access import actor, requires
from portal.core.clock import local_date, zone_info
from portal.core.i18n import format_date, format_instant, format_percent, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.tables import download_xlsx
from portal.reports.queries.trends import CohortTrend, Fate, Passage, Rate, Trends, passages_of, trends
from portal.reports.rules.survival import LEAST_FOR_MEDIAN, Survival, medians_apart, shares_apart
from portal.reports.views import blueprint
from portal.reports.views.asked import refuse_another_plan
from portal.reports.views.encoded import csv_or_what_is_lost, exports


@blueprint.get("/cohorts/trends")
@requires(SEE_COHORTS)
def cohort_trends() -> str:
    """Show how the cohorts that one sees fared in a plan, in the order of their start."""
    found = trends(reach_over_cohorts(actor()), request.args.get("plan"), viewer_id=actor().id)
    refuse_another_plan(found.plan.slug if found.plan else None)
    slug = found.plan.slug if found.plan else None
    return render_template(
        "reports/trends.html",
        plans=[
            {
                "label": str(plan.title),
                "href": url_for("reports.cohort_trends", plan=plan.slug),
                "current": plan == found.plan,
                "count": plan.cohorts,
            }
            for plan in found.plans
        ],
        plan=str(found.plan.title) if found.plan else None,
        as_of=format_instant(found.as_of, actor().time_zone),
        least=LEAST_FOR_MEDIAN,
        charts=_charts(found),
        rows=[_row(each, slug) for each in found.cohorts],
        apart=_apart(found.cohorts),
        is_compared=len(found.cohorts) > 1,
        exports=exports("reports.cohort_trends_csv", "reports.cohort_trends_xlsx", plan=slug),
        not_begun=sum(each.not_begun for each in found.cohorts),
    )


@blueprint.get("/cohorts/trends.csv")
@requires(SEE_COHORTS)
def cohort_trends_csv() -> AnyResponse | str:
    """Give the table of the trends as a CSV file."""
    found = _asked_for()
    trail = [
        {"label": _("Cohorts"), "href": url_for("reports.list_cohorts")},
        {
            "label": _("Trends across cohorts"),
            "href": url_for("reports.cohort_trends", plan=found.plan.slug if found.plan else None),
        },
    ]
    # By the third column: the cohort's name.
    return csv_or_what_is_lost(_filename(found), _header(), _lines(found), named_by=2, trail=trail)


@blueprint.get("/cohorts/trends.xlsx")
@requires(SEE_COHORTS)
def cohort_trends_xlsx() -> Response:
    """Give the table of the trends as a workbook."""
    found = _asked_for()
    # Plan, code and name of the cohort stay in sight.
    return download_xlsx(_filename(found), _header(), _lines(found), sheet=_("Trends across cohorts"), frozen_columns=3)


def _asked_for() -> Trends:
    found = trends(reach_over_cohorts(actor()), request.args.get("plan"), viewer_id=actor().id)
    refuse_another_plan(found.plan.slug if found.plan else None)
    return found


def _filename(found: Trends) -> str:
    day = local_date(found.as_of, actor().time_zone).isoformat()
    return "-".join(["trends", *([found.plan.slug] if found.plan else []), day])


@blueprint.get("/cohorts/<code>/trend")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_trend(found: Cohort) -> str:
    """Show the people behind the figures of one cohort, by name."""
    told = passages_of(found, request.args.get("plan"), viewer_id=actor().id)
    refuse_another_plan(told.plan.slug if told.plan else None)
    passages = told.trend.passages if told.trend else []
    groups = _groups()
    wanted = request.args.get("who", "")
    who = wanted if wanted in groups else ""
    shown = [each for each in passages if groups[who][1](each)] if who else list(passages)
    slug = told.plan.slug if told.plan else None

    def address(group: str | None) -> str:
        return url_for("reports.cohort_trend", code=found.code, plan=slug, who=group)

    return render_template(
        "reports/trend.html",
        cohort=str(found.name),
        back=url_for("reports.cohort_trends", plan=slug),
        page=url_for("reports.cohort", code=found.code, plan=slug),
        plan=str(told.plan.title) if told.plan else None,
        is_group_known=wanted == who,
        left_out=[
            {
                "name": each.person.name_in(language()),
                "href": url_for("training.path", code=each.code),
                "plan": "",
                "why": uncountable_told(each.country, each.year),
            }
            for each in (told.trend.left_out if told.trend else [])
        ],
        as_of=format_instant(told.as_of, found.market.time_zone),
        groups=[
            {"label": _("Everybody"), "href": address(None), "current": not who, "count": len(passages)},
            *(
                {
                    "label": label,
                    "href": address(group),
                    "current": group == who,
                    "count": sum(keep(each) for each in passages),
                }
                for group, (label, keep) in groups.items()
            ),
        ],
        rows=[
            {
                "name": told.people[each.person_id].name_in(language()),
                "kana": told.people[each.person_id].full_kana if language() == "ja" else "",
                "href": url_for("training.path", code=each.enrollment),
                "starts_on": format_date(each.starts_on, "short"),
                "state": _STATES[each.fate],
                "word": _words()[each.fate],
                "moved_to": _("Goes on in “%(plan)s”", plan=str(each.moved_to)) if each.moved_to else "",
                "ended_on": format_date(each.ended_on, "short") if each.ended_on else "",
                "days": each.days,
                "due_on": format_date(each.last_due_on, "short") if each.last_due_on else "–",
                "on_time": each.is_on_time,
                "tried": each.tried,
                "passed": each.passed,
            }
            for each in shown
        ],
    )


_STATES = {Fate.COMPLETED: "done", Fate.UNDER_WAY: "in_progress", Fate.LEFT: "withdrawn"}


def _words() -> dict[Fate, str]:
    return {
        Fate.COMPLETED: _("Completed"),
        Fate.UNDER_WAY: _("Under way"),
        Fate.LEFT: _("Left before completing"),
    }


def _groups() -> dict[str, tuple[str, Callable[[Passage], bool]]]:
    """Return the people behind each number, by the word under which an address names them."""
    words = _words()
    return {
        "completed": (words[Fate.COMPLETED], lambda each: each.fate is Fate.COMPLETED),
        "under-way": (words[Fate.UNDER_WAY], lambda each: each.fate is Fate.UNDER_WAY),
        "left": (words[Fate.LEFT], lambda each: each.fate is Fate.LEFT),
        "late": (_("Not in time"), lambda each: each.is_on_time is False),
        "failed-first": (_("A first try failed"), lambda each: each.passed < each.tried),
    }


# --- The table ---------------------------------------------------------------------------------


def _row(each: CohortTrend, plan: str | None) -> dict[str, Any]:
    def people(who: str | None = None) -> str:
        return url_for("reports.cohort_trend", code=each.cohort.code, plan=plan, who=who)

    fates = {fate: sum(passage.fate is fate for passage in each.passages) for fate in Fate}
    return {
        "name": str(each.cohort.name),
        "href": people(),
        "sub": " · ".join([format_date(each.cohort.starts_on, "short"), str(each.cohort.market.name)]),
        "people": len(each.passages),
        "left_out": len(each.left_out),
        "completed": {"number": fates[Fate.COMPLETED], "href": people("completed")},
        "under_way": {"number": fates[Fate.UNDER_WAY], "href": people("under-way")},
        "left": {"number": fates[Fate.LEFT], "href": people("left")},
        "median": _median(each.survival),
        "interval": _interval_of_days(each.survival),
        "median_href": people("completed"),
        "first": _rate(each.first_tries, people("failed-first")),
        "on_time": _rate(each.on_time, people("late")),
    }


def _median(told: Survival) -> str:
    if not told.is_told:
        return _("too few for an estimate")
    if told.median is None:
        return _("not reached yet")
    return ngettext("%(num)d working day", "%(num)d working days", told.median)


def _interval_of_days(told: Survival) -> str:
    """Return the interval of a median in words; nothing where no median is told."""
    if not told.is_told or told.low is None:
        return ""
    if told.high is None:
        return _("95 %%: from %(low)s on, upper end not reached", low=told.low)
    return _("95 %%: %(low)s to %(high)s", low=told.low, high=told.high)


def _rate(rate: Rate, href: str) -> dict[str, str | None]:
    interval = rate.interval
    if interval is None:
        return {"share": "–", "of": "", "interval": "", "href": None}
    return {
        "share": format_percent(Fraction(rate.right, rate.of), 0),
        "of": f"{rate.right} / {rate.of}",
        "interval": _(
            "95 %%: %(low)s to %(high)s", low=format_percent(interval.low, 0), high=format_percent(interval.high, 0)
        ),
        "href": href,
    }


def _apart(rows: Sequence[CohortTrend]) -> list[str]:
    """Return in words what differs between a cohort and the one before it by more than their intervals allow."""
    said = []
    for before, after in pairwise(rows):
        names = {"before": str(before.cohort.name), "after": str(after.cohort.name)}
        if medians_apart(before.survival, after.survival):
            said.append(
                _("Time to proficiency: the intervals of “%(before)s” and “%(after)s” do not overlap.", **names)
            )
        if shares_apart(before.first_tries.interval, after.first_tries.interval):
            said.append(_("First tries: the intervals of “%(before)s” and “%(after)s” do not overlap.", **names))
        if shares_apart(before.on_time.interval, after.on_time.interval):
            said.append(_("Through in time: the intervals of “%(before)s” and “%(after)s” do not overlap.", **names))
    return said


# --- The curves --------------------------------------------------------------------------------

_WIDE, _HIGH = 280, 120


def _charts(found: Trends) -> list[dict[str, Any]]:
    """Return a curve for each cohort of people enough, all on the same scale."""
    told = [each for each in found.cohorts if each.survival.is_told]
    last = max((fall.day for each in told for fall in each.survival.falls), default=0)
    return [_chart(each, max(last, 2)) for each in told]


def _chart(each: CohortTrend, last: int) -> dict[str, Any]:
    curve = each.survival

    def x(day: int) -> float:
        return round(_WIDE * day / last, 1)

    def y(share: Fraction) -> float:
        return round(float(_HIGH - _HIGH * share), 1)

    points, ticks, before = [(0.0, 0.0)], [], Fraction(1)
    for fall in curve.falls:
        points += [(x(fall.day), y(before)), (x(fall.day), y(fall.remaining))]
        before = fall.remaining
        if fall.censored:
            ticks.append({"x": x(fall.day), "y": y(fall.remaining)})
    said = _("Median: %(median)s", median=_median(curve))
    return {
        "title": str(each.cohort.name),
        "note": " · ".join(part for part in (said, _interval_of_days(curve)) if part),
        "description": _(
            "%(completed)s of %(people)s people have completed, %(censored)s are under way or left.",
            completed=curve.completed,
            people=curve.people,
            censored=curve.censored,
        ),
        "points": " ".join(f"{across},{down}" for across, down in points),
        "ticks": ticks,
        "median": x(curve.median) if curve.median is not None else None,
        "span": {"low": x(curve.low), "high": x(curve.high) if curve.high is not None else _WIDE}
        if curve.low is not None
        else None,
        "days": [
            {"x": 0, "label": "0"},
            {"x": x(last // 2), "label": str(last // 2)},
            {"x": _WIDE, "label": _("Day %(day)s", day=last)},
        ],
        "rows": [
            [
                str(fall.day),
                str(fall.under_way),
                str(fall.completed),
                str(fall.censored),
                format_percent(fall.remaining, 0),
            ]
            for fall in curve.falls
        ],
    }


# --- The file ----------------------------------------------------------------------------------


def _header() -> list[str]:
    return [
        _("Plan"),
        _("Cohort code"),
        _("Cohort"),
        _("Begins"),
        _("People"),
        _("Not begun yet"),
        _("Completed"),
        _("Under way"),
        _("Left before completing"),
        _("Median working days"),
        _("Median: lower end of the interval"),
        _("Median: upper end of the interval"),
        _("First tries"),
        _("First tries passed"),
        _("First tries: lower end of the interval, percent"),
        _("First tries: upper end of the interval, percent"),
        _("People whose last due date has passed"),
        _("Through in time"),
        _("Through in time: lower end of the interval, percent"),
        _("Through in time: upper end of the interval, percent"),
        _("As of"),
        _("Not counted, since their dates cannot be computed"),
        _("Their names"),
    ]


def _lines(found: Trends) -> Iterator[list[object]]:
    for each in found.cohorts:
        curve = each.survival
        yield [
            found.plan.slug if found.plan else "",
            each.cohort.code,
            str(each.cohort.name),
            each.cohort.starts_on,
            curve.people + each.not_begun,
            each.not_begun,
            *(sum(passage.fate is fate for passage in each.passages) for fate in Fate),
            *((curve.median, curve.low, curve.high) if curve.is_told else (None, None, None)),
            *_ends(each.first_tries),
            *_ends(each.on_time),
            found.as_of.astimezone(zone_info(actor().time_zone)),
            len(each.left_out),
            _(", ").join(left_out.person.name_in(language()) for left_out in each.left_out),
        ]


def _ends(rate: Rate) -> list[object]:
    """Return of how many, how many, and the ends of the interval in percent, rounded half up to a tenth."""
    interval = rate.interval
    if interval is None:
        return [rate.of, rate.right, None, None]
    return [rate.of, rate.right, *(Fraction((end * 1000 * 2 + 1) // 2, 10) for end in (interval.low, interval.high))]
