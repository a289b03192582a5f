"""What the cohort's page says before its table: who needs the lead, every number with its people, and the curve."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core.access import can
from portal.core.i18n import format_date, format_instant, format_percent, language, ngettext
from portal.core.i18n import gettext as _
from portal.quizzes.models import AttemptState
from portal.reports.permissions import ACT_FOR_COHORT, TALK_WITH_LEARNERS
from portal.reports.queries import Column, Follower, Following
from portal.reports.queries.lead import EXPIRY_DAYS, AtRisk, Check, Morning, list_phases, people_named
from portal.reports.rules import LEAST_FOR_FORECAST, Forecast, Point, Reason, Risk, RiskRule
from portal.training import rules as steps_rules
from portal.training.queries.catalogue import task_of
from portal.training.rules import StepKind, StepState

# The page begins with so many; the rest is one press away.
AT_RISK_AT_ONCE, SITTINGS_AT_ONCE = 10, 10


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a filter leaves of a cohort: the people, the steps, and the form that says so."""

    following: Following
    people: Sequence[Follower]
    filters: dict[str, Any]
    # What an address of this page has to say besides the page's number.
    kept: dict[str, str]


def narrowed(found: Cohort, following: Following, seen: Morning, args: MultiDict[str, str]) -> Narrowed:
    """Return what the address asks for; what it cannot mean leaves everything."""
    groups = _groups(following, seen)
    wanted, phase, text = args.get("people", ""), args.get("phase", ""), args.get("q", "").strip()
    people = list(following.people)
    if wanted in groups:
        among = groups[wanted].people
        people = [each for each in people if each.person_id in among]
    else:
        wanted = ""
    if text:
        named = people_named(text, [following.persons[each.person_id] for each in people])
        people = [each for each in people if each.person_id in named]
    newest = max(following.versions, default=None)
    phases = list_phases(following.versions[newest]) if newest is not None else ()
    if phase in {slug for slug, _title in phases}:
        following = replace(following, columns=[each for each in following.columns if each.phase == phase])
    else:
        phase = ""
    kept = {"plan": following.plan.slug if following.plan else "", "people": wanted, "phase": phase, "q": text}
    return Narrowed(
        following,
        people,
        {
            "q": text,
            "plan": kept["plan"],
            "people": [
                {"value": key, "label": group.label, "selected": key == wanted}
                for key, group in groups.items()
                if group.is_offered or key == wanted
            ],
            "phases": [{"value": slug, "label": str(title), "selected": slug == phase} for slug, title in phases],
            "is_narrowed": bool(wanted or phase or text),
            "said": groups[wanted].label if wanted else "",
            "count": len(people),
            "all_href": url_for("reports.cohort", code=found.code, plan=kept["plan"] or None, _anchor="people"),
        },
        {key: value for key, value in kept.items() if value},
    )


@dataclass(frozen=True, slots=True)
class _Group:
    label: str
    people: Collection[int]
    # Whether it stands in the filter by itself, or only where a number leads to it.
    is_offered: bool = True


def _groups(following: Following, seen: Morning) -> dict[str, _Group]:
    """Return the people behind each number, by the word under which an address names them."""

    def those(keep: Callable[[Follower], bool]) -> frozenset[int]:
        return frozenset(each.person_id for each in following.people if keep(each))

    late = those(lambda each: bool(each.standing and each.standing.progress.overdue))
    complete = those(lambda each: each.completed_at is not None)
    titles = _quiz_titles(following)
    groups = {
        "at-risk": _Group(_("At risk"), {each.follower.person_id for each in seen.at_risk}),
        "overdue": _Group(_("With overdue steps"), late),
        "on-track": _Group(_("Nothing overdue, not completed"), those(lambda each: True) - late - complete),
        "completed": _Group(_("Completed"), complete),
        "away": _Group(_("Away today"), seen.away),
        "tried-today": _Group(_("With an attempt today"), {each.person_id for each in seen.sittings}),
        "unconfirmed": _Group(_("Asked to confirm something"), seen.coverage.missing),
    }
    for days in EXPIRY_DAYS:
        label = ngettext("Certificate expires within %(num)d day", "Certificate expires within %(num)d days", days)
        groups[f"expiring-{days}"] = _Group(label, seen.expiring[days], is_offered=days == EXPIRY_DAYS[-1])
    for check in seen.checks:
        label = _("Did not pass “%(quiz)s” at the first try", quiz=titles.get(check.slug, check.slug))
        groups[f"first-{check.slug}"] = _Group(label, check.tried - check.passed, is_offered=False)
    return groups


def _quiz_titles(following: Following) -> dict[str, str]:
    return {each.quiz: str(each.title) for each in following.columns if each.quiz is not None}


# --- The red list ------------------------------------------------------------------------------


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


def red_list(
    found: Cohort,
    following: Following,
    seen: Morning,
    day: Callable[[date], str],
    *,
    viewer_id: int,
) -> list[dict[str, Any]]:
    """Return who is at risk as the page tells it: name, reasons, since when, and what to do now."""
    may_act, may_talk = can(ACT_FOR_COHORT, found), can(TALK_WITH_LEARNERS, found)
    titles = _quiz_titles(following)
    columns = {each.slug: each for each in following.columns}
    rows = []
    for each in seen.at_risk:
        person = following.persons[each.follower.person_id]
        is_other = person.id != viewer_id
        actions = _actions(each, person, titles, columns) if may_act and is_other else []
        if may_talk and is_other:
            talk = url_for("mentoring.agenda", code=each.follower.code)
            actions.append({"label": _("Next one-to-one"), "href": talk})
        rows.append(
            {
                "name": person.name_in(language()),
                "kana": person.full_kana if language() == "ja" else "",
                "href": url_for("training.path", code=each.follower.code),
                "reasons": [
                    {
                        "what": _what(reason, titles),
                        "more": _first_late(each.follower, columns) if reason.risk is Risk.OVERDUE else "",
                        "since": _since(reason, day),
                    }
                    for reason in each.reasons
                ],
                "actions": actions,
            }
        )
    return rows


def _what(reason: Reason, titles: dict[str, str]) -> str:
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


def _since(reason: Reason, day: Callable[[date], str]) -> str:
    if reason.since is None:
        return _("since the first day")
    match reason.risk:
        case Risk.OVERDUE:
            return _("since %(date)s", date=day(reason.since))
        case Risk.FAILED_TRIES:
            return _("last on %(date)s", date=day(reason.since))
        case Risk.IDLE:
            return _("last active on %(date)s", date=day(reason.since))


def _first_late_slug(follower: Follower) -> str | None:
    if follower.path is None:
        return None
    settled = follower.done | follower.path.exempt
    return next((slug for _on, slug in follower.path.expected if slug not in settled), None)


def _first_late(follower: Follower, columns: dict[str, Any]) -> str:
    column = columns.get(_first_late_slug(follower) or "")
    return _("first: %(step)s", step=str(task_of(column.kind, column.title))) if column is not None else ""


def _actions(each: AtRisk, person: Person, titles: dict[str, str], columns: dict[str, Column]) -> list[dict[str, str]]:
    """Return what can be done about the reasons, each leading to the page that does it; the first is the nearest."""
    follower, found = each.follower, []
    assert follower.path is not None
    for reason in each.reasons:
        match reason.risk:
            case Risk.OVERDUE:
                slug = _first_late_slug(follower)
                shapes = {shape.slug: shape for shape in follower.path.shapes}
                if slug is None:
                    continue
                state, _missing = steps_rules.state_of(shapes[slug], shapes, follower.done, exempt=follower.path.exempt)
                if state is StepState.WAITING and slug in columns:
                    found.append(_word_of(columns[slug], follower))
                href = url_for("training.extension", code=follower.code, slug=slug)
                found.append({"label": _("Give more time"), "href": href})
            case Risk.FAILED_TRIES:
                href = url_for("gradebook.result", slug=reason.quiz, code=person.code)
                found.append({"label": _("See the tries"), "href": href, "note": titles.get(reason.quiz or "", "")})
            case Risk.IDLE:
                found.append({"label": _("Record leave"), "href": url_for("training.leave", code=follower.code)})
                found.append({"label": _("Pause the plan"), "href": url_for("training.pause", code=follower.code)})
    return found


def _word_of(column: Column, follower: Follower) -> dict[str, str]:
    """Return where a step is ended that waits for somebody else."""
    match column.kind:
        case StepKind.SESSION:
            return {"label": _("Sessions"), "href": url_for("training.list_sessions")}
        case StepKind.SIGN_OFF:
            label = _("Sign off")
        case _:
            label = _("Open the step")
    return {"label": label, "href": url_for("training.sign_off", code=follower.code, slug=column.slug)}


# --- Numbers -----------------------------------------------------------------------------------


def numbers(found: Cohort, following: Following, seen: Morning, everybody: str) -> list[dict[str, Any]]:
    """Return the numbers beside those of the table, each with its formula and the address of its people."""

    def people(group: str) -> str:
        slug = following.plan.slug if following.plan else None
        return url_for("reports.cohort", code=found.code, plan=slug, people=group, _anchor="people")

    total, coverage, expiring = len(following.people), seen.coverage, seen.expiring
    either = _(" or ").join(rule_in_words(seen.rule))
    return [
        {
            "label": _("At risk"),
            "number": str(len(seen.at_risk)),
            "unit": f"/ {total}",
            "formula": _("People who have not completed the plan and have: %(reasons)s.", reasons=either),
            "population": everybody,
            "tone": "danger" if seen.at_risk else None,
            "href": people("at-risk") if seen.at_risk else None,
        },
        {
            "label": _("Attempts today"),
            "number": str(len(seen.sittings)),
            "unit": None,
            "formula": _(
                "Attempts at quizzes begun or handed in today, in each person's time zone; void ones are left out."
            ),
            "population": everybody,
            "tone": None,
            "href": people("tried-today") if seen.sittings else None,
        },
        {
            "label": _("Confirmed"),
            "number": format_percent(coverage.share, 0) if coverage.share is not None else "–",
            "unit": None,
            "formula": _(
                "Requests to confirm a document that are confirmed ÷ all requests, in campaigns that still ask: "
                "%(confirmed)s ÷ %(asked)s. Exemptions are left out.",
                confirmed=coverage.confirmed,
                asked=coverage.asked,
            ),
            "population": everybody,
            "tone": None,
            "href": people("unconfirmed") if coverage.missing else None,
        },
        {
            "label": _("Certificates expiring"),
            "number": " · ".join(str(len(expiring[days])) for days in EXPIRY_DAYS),
            "unit": None,
            "formula": _(
                "People with a certificate whose last valid day lies within 30, 60 and 90 days from today; "
                "revoked and replaced ones are left out."
            ),
            "population": everybody,
            "tone": None,
            "href": people(f"expiring-{EXPIRY_DAYS[-1]}") if expiring[EXPIRY_DAYS[-1]] else None,
        },
        {
            "label": _("Away today"),
            "number": str(len(seen.away)),
            "unit": f"/ {total}",
            "formula": _("People with recorded leave or a pause of the plan today; who has completed it is left out."),
            "population": everybody,
            "tone": None,
            "href": people("away") if seen.away else None,
        },
    ]


def first_tries(found: Cohort, following: Following, checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Return the quizzes of the plan with how their first tries went, in the order of the plan."""
    titles, slug = _quiz_titles(following), following.plan.slug if following.plan else None
    return [
        {
            "title": titles.get(check.slug, check.slug),
            "passed": len(check.passed),
            "tried": len(check.tried),
            "share": format_percent(check.share, 0) if check.share is not None else "–",
            "others": len(check.tried) - len(check.passed),
            "href": url_for(
                "reports.cohort", code=found.code, plan=slug, people=f"first-{check.slug}", _anchor="people"
            ),
        }
        for check in checks
    ]


_STATES: dict[AttemptState, str] = {
    AttemptState.IN_PROGRESS: "in_progress",
    AttemptState.SUBMITTED: "submitted",
    AttemptState.MARKED: "not_released",
    AttemptState.RELEASED: "done",
}


def sittings(following: Following, seen: Morning) -> list[dict[str, str]]:
    """Return today's attempts, the latest first, at most `SITTINGS_AT_ONCE`."""
    zones = {each.person_id: each.path.zone for each in following.people if each.path is not None}
    titles = _quiz_titles(following)
    return [
        {
            "name": following.persons[each.person_id].name_in(language()),
            "quiz": titles.get(each.quiz, each.quiz),
            "state": _STATES.get(each.state, "info"),
            "began": format_instant(each.started_at, zones[each.person_id]),
        }
        for each in seen.sittings[:SITTINGS_AT_ONCE]
    ]


# --- The curve ---------------------------------------------------------------------------------

_WIDE, _HIGH = 480, 160
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
            {"x": x(first + timedelta(days=span * part // 2)), "label": day(first + timedelta(days=span * part // 2))}
            for part in range(3)
        ],
        "today": {"x": x(today), "label": _("Today")} if first <= today <= points[-1].on else None,
        "columns": [_("Day"), _("Due so far"), _("Done so far")],
        "rows": [
            [
                day(each.on),
                f"{each.expected} / {seen.total}",
                f"{each.done} / {seen.total}" if each.done is not None else "–",
            ]
            for each in _told_in_table(points, today)
        ],
    }


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


def forecast(seen: Morning, people: int) -> dict[str, str]:
    """Return the forecast in words, and how it came about."""
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
        return {"said": said, "range": "", "method": method}
    if told.middle is None:
        said = _("At the present pace it cannot be foreseen when half of the people will have completed.")
    else:
        said = _("Half of the people will have completed by %(date)s.", date=format_date(told.middle))
    counted = _("Foreseen for %(foreseen)s of %(people)s people.", foreseen=told.foreseen, people=told.people)
    return {
        "said": said,
        "range": " ".join([*_range(told), counted]),
        "method": method,
    }


def _range(told: Forecast) -> list[str]:
    if told.early is None:
        return []
    early = format_date(told.early)
    if told.late is None:
        return [_("A tenth by %(early)s; by when nine tenths cannot be foreseen.", early=early)]
    return [_("A tenth by %(early)s, nine tenths by %(late)s.", early=early, late=format_date(told.late))]
