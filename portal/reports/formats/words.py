"""How the numbers, reasons and curve of a cohort are told, on its page, in its weekly report and on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from portal.core.clock import local_date
from portal.core.i18n import force_locale, format_date, format_percent, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.tables import Share
from portal.reports.queries import Column, Follower, Following
from portal.reports.queries.lead import EXPIRY_DAYS, Morning, RuleFrom, RuleInForce
from portal.reports.rules import LEAST_FOR_FORECAST, Forecast, Point, Reason, Risk, RiskRule, Summary
from portal.training.queries.catalogue import task_of
from portal.training.rules import Doer, StepKind

_KINDS: Mapping[StepKind, Callable[[], str]] = {
    StepKind.READ: lambda: _("Reading"),
    StepKind.ACKNOWLEDGE: lambda: _("Confirmation"),
    StepKind.QUIZ: lambda: _("Knowledge check"),
    StepKind.SIGN_OFF: lambda: _("Sign-off"),
    StepKind.TASK: lambda: _("Task"),
    StepKind.SESSION: lambda: _("Session"),
    StepKind.GATE: lambda: _("Gate"),
}


def listed(*parts: str) -> str:
    """Put short parts side by side, with a sign between them that Shift_JIS has as well."""
    return ("・" if language() == "ja" else ", ").join(parts)


def period_words(first: str, last: str) -> str:
    """Write from when to when; in words, for Shift_JIS lacks the dashes and waves of the pages."""
    return pgettext("period", "%(first)s to %(last)s", first=first, last=last)


def kind_words(kind: StepKind) -> str:
    """Name the kind of a step."""
    return _KINDS[kind]()


def quiz_titles(following: Following) -> dict[str, str]:
    """Return slug → title of the quizzes of the plan."""
    return {each.quiz: str(each.title) for each in following.columns if each.quiz is not None}


@lru_cache(maxsize=4096)
def day_words(day: date, language_code: str, this_year: int) -> str:
    """Write a day for a narrow column: its year only where it is another one."""
    if language_code == "ja":
        return f"{day.month}月{day.day}日" if day.year == this_year else f"{day.year}年{day.month}月{day.day}日"
    with force_locale(language_code):
        return format_date(day, "short").removesuffix(f" {this_year}")


# --- Reasons -----------------------------------------------------------------------------------


def rule_in_words(rule: RiskRule) -> list[str]:
    """Return the reasons of the rule, each with its number; any one is enough."""
    said = []
    if (number := rule.overdue_steps) is not None:
        said.append(
            ngettext("at least %(num)d overdue required step", "at least %(num)d overdue required steps", number)
        )
    if (number := rule.failed_tries) is not None:
        said.append(
            ngettext(
                "at least %(num)d failed try at one check that is not passed yet",
                "at least %(num)d failed tries at one check that is not passed yet",
                number,
            )
        )
    if (number := rule.idle_days) is not None:
        said.append(
            ngettext(
                "no activity for at least %(num)d working day without leave or a pause",
                "no activity for at least %(num)d working days without leave or a pause",
                number,
            )
        )
    return said


def in_force_words(found: RuleInForce, zone: str) -> str:
    """Say whose rule holds for a cohort, and since when."""
    if found.since is None:
        return _("The product's own rule, from the beginning.")
    on = format_date(local_date(found.since, zone))
    if found.of is RuleFrom.COHORT:
        return _("The rule of this cohort, since %(date)s.", date=on)
    return _("The rule of the organisation, since %(date)s.", date=on)


def activity_words() -> str:
    """Say what counts as activity, and that each plan is looked at by itself."""
    return _(
        "Activity is what the learner does herself, for whichever plan: reading, confirming, an attempt, handing in a "
        "task. A sign-off or an attendance that others record is none. Days are counted plan by plan: from the "
        "first day of this plan on, in her own calendar, leave and the pauses of this plan left out. "
        "Whoever only waits for others is not without activity: a sign-off that has waited as long is told instead."
    )


def invited_words() -> str:
    """Say how the rule takes whoever has not accepted her invitation; see `rules.at_risk`."""
    return _(
        "Whoever has not accepted the invitation cannot sign in, so has been able to do nothing yet. The same reasons "
        "put her on the list, but it says only that she has not accepted the invitation and when it was sent, and "
        "offers to send it again. In the table of the cohort she is marked as invited."
    )


def reason_words(reason: Reason, each: Follower, titles: Mapping[str, str]) -> str:
    """Say what the reason is, with its number."""
    match reason.risk:
        case Risk.OVERDUE:
            return ngettext("%(num)d required step overdue", "%(num)d required steps overdue", reason.number)
        case Risk.FAILED_TRIES:
            return ngettext(
                "%(num)d failed try at “%(quiz)s”",
                "%(num)d failed tries at “%(quiz)s”",
                reason.number,
                quiz=titles.get(reason.quiz or "", reason.quiz or ""),
            )
        case Risk.IDLE:
            return ngettext(
                "%(num)d working day without activity", "%(num)d working days without activity", reason.number
            )
        case Risk.SIGN_OFF:
            assert each.path is not None
            by = next(shape.by for shape in each.path.shapes if shape.slug == reason.step)
            return _("waits for the mentor's sign-off") if by is Doer.MENTOR else _("waits for the lead's sign-off")
        case Risk.INVITED:
            return _("has not accepted the invitation")


def since_words(reason: Reason, day: Callable[[date], str]) -> str:
    """Say since when it is so."""
    if reason.risk is Risk.INVITED:
        return _("sent on %(date)s", date=day(reason.since)) if reason.since is not None else _("none is open")
    if reason.since is None:
        return _("since the first day")
    match reason.risk:
        case Risk.OVERDUE:
            return _("since %(date)s", date=day(reason.since))
        case Risk.FAILED_TRIES:
            return _("last on %(date)s", date=day(reason.since))
        case Risk.IDLE:
            return _("last active on %(date)s", date=day(reason.since))
        case _:
            return _("since %(date)s", date=day(reason.since))


def first_late_slug(follower: Follower) -> str | None:
    """Return the required step that has been overdue longest; None: none is."""
    return next((slug for _on, slug in follower.late), None) if follower.path is not None else None


def first_late_words(follower: Follower, columns: Mapping[str, Column], session_on: str = "") -> str:
    """Name the required step that has been overdue longest; nothing where none is.

    `session_on` is the day, in words, for which its session is booked.
    """
    column = columns.get(first_late_slug(follower) or "")
    if column is None:
        return ""
    said = _("first: %(step)s", step=str(task_of(column.kind, column.title)))
    return _("%(name)s (%(what)s)", name=said, what=_("session on %(date)s", date=session_on)) if session_on else said


def waiting_words(reason: Reason, columns: Mapping[str, Column]) -> str:
    """Name the step that waits for a sign-off; nothing where the reason is another one."""
    column = columns.get(reason.step or "")
    return str(task_of(column.kind, column.title)) if column is not None else ""


# --- Numbers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a cohort with its formula.

    `group` names its people in an address of the cohort's page, `list_of` the list of what was counted where that is
    no list of people; None: there is nothing behind it. A figure of several numbers has `parts`, each with its label
    and its people.
    """

    label: str
    number: str
    unit: str | None
    formula: str
    group: str | None
    is_alarming: bool = False
    list_of: str | None = None
    parts: Sequence[tuple[str, int, str | None]] = ()
    # What a workbook counts with, where the number is one: itself, and of how many.
    counts: tuple[int | Share, int | None] | None = None


def expiry_words(days: int) -> str:
    """Name those whose certificate expires within so many days."""
    return ngettext("Certificate expires within %(num)d day", "Certificate expires within %(num)d days", days)


def overdue_words() -> str:
    """Say what overdue means."""
    return _(
        "Required steps whose due date has passed without their being done; a step whose session is booked for a later "
        "day is overdue after that day."
    )


def everybody_words(uncountable: int = 0) -> str:
    """Say over whom the numbers of a cohort are counted; left out are those whose dates cannot be computed, so many."""
    if uncountable:
        return ngettext(
            "Everybody of the cohort who follows this plan, ended enrollments left out, and %(num)d person whose "
            "dates cannot be computed",
            "Everybody of the cohort who follows this plan, ended enrollments left out, and %(num)d people whose "
            "dates cannot be computed",
            uncountable,
        )
    return _("Everybody of the cohort who follows this plan, ended enrollments left out")


def figures(summary: Summary, following: Following, seen: Morning) -> list[Figure]:
    """Return every number of a cohort, in the order in which they are read."""
    total, coverage, expiring = len(following.people), seen.coverage, seen.expiring
    either = _(" or ").join(rule_in_words(seen.rule))
    return [
        Figure(
            _("On track"),
            format_percent(summary.on_track, 0) if summary.on_track is not None else "–",
            None,
            _(
                "Required steps due before today that are done ÷ required steps due before today: "
                "%(done)s ÷ %(expected)s. Days are counted in each person's own calendar.",
                done=summary.done_of_expected,
                expected=summary.expected,
            ),
            None,
            # It counts steps: its list says of everybody how many of hers, so that the column adds up to it.
            list_of="on-track" if summary.expected else None,
            counts=(Share(summary.on_track), None) if summary.on_track is not None else None,
        ),
        Figure(
            _("People with overdue steps"),
            str(summary.overdue_people),
            f"/ {summary.people}",
            _(
                "People with at least one required step whose due date has passed without its being done; "
                "%(steps)s steps in all. A step whose session is booked for a later day is overdue after that day.",
                steps=summary.overdue_steps,
            ),
            "overdue" if summary.overdue_people else None,
            is_alarming=bool(summary.overdue_people),
            counts=(summary.overdue_people, summary.people),
        ),
        Figure(
            _("Completed"),
            str(summary.complete),
            f"/ {summary.people}",
            _("People who have done every required step, of all people in the plan."),
            "completed" if summary.complete else None,
            counts=(summary.complete, summary.people),
        ),
        Figure(
            _("At risk"),
            str(len(seen.at_risk)),
            f"/ {total}",
            _("People who have not completed the plan and have: %(reasons)s.", reasons=either),
            "at-risk" if seen.at_risk else None,
            is_alarming=bool(seen.at_risk),
            counts=(len(seen.at_risk), total),
        ),
        Figure(
            _("Attempts today"),
            str(len(seen.sittings)),
            None,
            _("Attempts at quizzes begun or handed in today, in each person's time zone; void ones are left out."),
            None,
            list_of="attempts-today" if seen.sittings else None,
            counts=(len(seen.sittings), None),
        ),
        Figure(
            _("Confirmed"),
            format_percent(coverage.share, 0) if coverage.share is not None else "–",
            None,
            _(
                "Requests to confirm a document that are confirmed ÷ all requests, in campaigns that still ask: "
                "%(confirmed)s ÷ %(asked)s. Exemptions are left out.",
                confirmed=coverage.confirmed,
                asked=coverage.asked,
            ),
            "unconfirmed" if coverage.missing else None,
            counts=(Share(coverage.share), None) if coverage.share is not None else None,
        ),
        Figure(
            _("Certificates expiring"),
            listed(*(str(len(expiring[days])) for days in EXPIRY_DAYS)),
            None,
            _(
                "People with a certificate whose last valid day lies within 30, 60 and 90 days from today; "
                "revoked and replaced ones are left out."
            ),
            None,
            parts=[
                (expiry_words(days), len(expiring[days]), f"expiring-{days}" if expiring[days] else None)
                for days in EXPIRY_DAYS
            ],
        ),
        Figure(
            _("Away today"),
            str(len(seen.away)),
            f"/ {total}",
            _("People with recorded leave or a pause of the plan today; who has completed it is left out."),
            "away" if seen.away else None,
            counts=(len(seen.away), total),
        ),
    ]


# --- The curve ---------------------------------------------------------------------------------

_WIDE, _HIGH = 480, 160
# So near to the line of today a label below would be read as its day; and one above would leave the picture.
_CLEAR = 60
# More points than this cannot be told apart in the picture.
_MOST_POINTS, _TABLE_ROWS = 120, 12


def curve(seen: Morning, today: date, day: Callable[[date], str]) -> dict[str, Any] | None:
    """Return the curve as its component takes it; None where there is nothing to draw."""
    points = seen.points
    if len(points) < 2 or not seen.total:
        return None
    first, span = points[0].on, (points[-1].on - points[0].on).days

    def x(on: date) -> float:
        return round(_WIDE * (on - first).days / span, 1)

    def y(count: int) -> float:
        return round(_HIGH - _HIGH * count / seen.total, 1)

    drawn = points[:: -(-len(points) // _MOST_POINTS)]
    drawn = [*drawn, points[-1]] if drawn[-1] != points[-1] else drawn
    made = [each for each in points if each.done is not None]
    done_points = [each for each in drawn if each.done is not None]
    if made and done_points[-1:] != made[-1:]:
        done_points.append(made[-1])
    return {
        "title": _("Expected and done"),
        "description": _told(points, seen.total, day),
        "lines": [
            {
                "kind": "expected",
                "label": _("Due by the end of the day, in percent of all required steps"),
                "points": " ".join(f"{x(each.on)},{y(each.expected)}" for each in drawn),
            },
            {
                "kind": "done",
                "label": _("Done, in percent of all required steps"),
                "points": " ".join(f"{x(each.on)},{y(each.done or 0)}" for each in done_points),
            },
        ],
        "ticks": [
            {"x": x(on), "label": day(on), "anchor": anchor}
            for on, anchor in _days_below(first, points[-1].on)
            # Below the line of today no other day is written; its own stands above it.
            if not first <= today <= points[-1].on or abs(x(on) - x(today)) > _CLEAR
        ],
        "today": _today_above(x(today), day(today)) if first <= today <= points[-1].on else None,
        "columns": [_("Day"), _("Due so far"), _("Done so far")],
        "rows": [
            [
                day(each.on),
                f"{each.expected} / {seen.total}",
                f"{each.done} / {seen.total}" if each.done is not None else "–",
            ]
            for each in _told_in_table(points, today)
        ],
        "points": [(each.on, each.expected, each.done, seen.total) for each in _told_in_table(points, today)],
    }


def _days_below(first: date, last: date) -> list[tuple[date, str]]:
    """Return the first, the middle and the last day, and how each is set below its place."""
    return [(first, "start"), (first + (last - first) // 2, "middle"), (last, "end")]


def _today_above(x: float, day: str) -> dict[str, Any]:
    """Return the line of today with its label, which stays within the picture."""
    anchor = "start" if x < _CLEAR else "end" if x > _WIDE - _CLEAR else "middle"
    return {"x": x, "label": _("Today, %(date)s", date=day), "anchor": anchor}


def _told_in_table(points: Sequence[Point], today: date) -> list[Point]:
    """Return some ten days evenly apart, with today and the last one."""
    step = -(-len(points) // _TABLE_ROWS)
    chosen = {each.on: each for each in points[::step]}
    chosen |= {each.on: each for each in points if each.on == today}
    chosen[points[-1].on] = points[-1]
    return [chosen[on] for on in sorted(chosen)]


def _told(points: Sequence[Point], total: int, day: Callable[[date], str]) -> str:
    made = [each for each in points if each.done is not None]
    if not made:
        return _("Nothing is due yet.")
    last = made[-1]
    return _(
        "On %(date)s %(done)s of %(total)s required steps are done; %(expected)s are due by its end.",
        date=day(last.on),
        done=last.done,
        total=total,
        expected=last.expected,
    )


def forecast(seen: Morning, people: int, today: date) -> dict[str, str]:
    """Return the forecast in words, and how it came about; what lies before today has come true."""
    told = seen.forecast
    method = _(
        "Each person's pace so far: the working days of the plan that her required steps done cover ÷ the working days "
        "that she has had since her first day, leave and pauses left out. At this pace, never faster than the plan, "
        "the rest of her days are counted on in her own calendar. The range leaves out the first and the last tenth of "
        "the people. Who has not begun, or would need more than four times the plan's length, counts as last."
    )
    if told is None:
        said = _(
            "A forecast is made from %(least)s people on; here are %(people)s.", least=LEAST_FOR_FORECAST, people=people
        )
        return {"said": said, "range": "", "counted": "", "method": method}
    if told.middle is None:
        said = _("At the present pace it cannot be foreseen when half of the people will have completed.")
    elif told.middle < today:
        said = _("Half of the people had completed by %(date)s.", date=format_date(told.middle))
    else:
        said = _("Half of the people will have completed by %(date)s.", date=format_date(told.middle))
    counted = _("Foreseen for %(foreseen)s of %(people)s people.", foreseen=told.foreseen, people=told.people)
    return {
        "said": said,
        "range": " ".join(_range(told, today)),
        "counted": counted,
        "method": method,
    }


def _range(told: Forecast, today: date) -> list[str]:
    if told.early is None:
        return []
    early, late = format_date(told.early), format_date(told.late) if told.late is not None else ""
    if not late and told.early < today:
        return [_("A tenth had completed by %(early)s; by when nine tenths cannot be foreseen.", early=early)]
    if not late:
        return [_("A tenth by %(early)s; by when nine tenths cannot be foreseen.", early=early)]
    if told.late is not None and told.late < today:
        return [_("A tenth had completed by %(early)s, nine tenths by %(late)s.", early=early, late=late)]
    if told.early < today:
        return [_("A tenth had completed by %(early)s; nine tenths will have by %(late)s.", early=early, late=late)]
    return [_("A tenth by %(early)s, nine tenths by %(late)s.", early=early, late=late)]
