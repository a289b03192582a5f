"""Today: what a learner does now and next, the days ahead, what waits for others, and how far she is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import render_template, url_for

from portal.acknowledgements.queries.campaigns import ToDo, list_to_do
from portal.acknowledgements.service.due import why_due
from portal.calendars.rules import OffReason, WorkingCalendar, days_ahead, working_days_between
from portal.calendars.service.told import day_told, why_off
from portal.core import clock
from portal.core.access import actor, signed_in
from portal.core.clock import local_date
from portal.core.i18n import format_date, format_instant, format_minutes, language, ngettext
from portal.core.i18n import gettext as _
from portal.library.rules.overlays import base_slug
from portal.training import queries, rules
from portal.training.models import PlanStep
from portal.training.queries import Standing
from portal.training.rules import NOT_ASKED, StepKind, StepState, Turn
from portal.training.service.beside import news_for
from portal.training.service.concerns import concerns_of, given_to
from portal.training.views import blueprint
from portal.training.views.explaining import Explanation
from portal.training.views.learner import (
    StepView,
    Telling,
    contacts_of,
    counts_of,
    day_of,
    ended_row,
    href_of,
    kind_of,
    plan_facts,
    side_of,
    uncountable_rows,
)

# The day's list stays short enough to be begun.
AT_MOST = 5
# So many working days lie ahead on the page, today's among them.
DAYS_AHEAD = 5
# An underscore cannot occur in the slug of a step.
_ASKED = "asked_"


@blueprint.get("/today")
@signed_in
def today() -> str:
    """Show what to do now, in order: at most five things, what waits for others, and how far one is."""
    person = actor()
    enrollments = queries.list_enrollments_of(person.id)
    running = [enrollment for enrollment in enrollments if enrollment.is_open]
    standings, unknown = queries.countable(running, own=True)
    telling = Telling(standings, person)
    mine, asked = _mine(standings, list_to_do(person, language()))
    waiting = sorted(
        (
            (standing.asked_by(step.slug), step.position, standing.enrollment.id, standing, step)
            for standing in standings
            for step in standing.steps
            if standing.statuses[step.slug].state is StepState.WAITING
        ),
        key=lambda each: each[:3],
    )
    plans = [_plan(standing) for standing in standings]
    completed = next((enrollment for enrollment in enrollments if enrollment.completed_at is not None), None)
    concerns = [*given_to(person), *concerns_of(person)]
    ended = queries.list_ended_of(person.id) if not running and completed is None else []
    return render_template(
        "training/today.html",
        plans=plans,
        uncountable=uncountable_rows(unknown, by_plan=True),
        steps=_told(telling, mine, names_plans=len(standings) > 1),
        is_welcome=bool(plans)
        and all(each["is_first_day"] for each in plans)
        and not any(each.on < each.today for each in mine),
        to_do=len(mine),
        due_now=_due_now(mine),
        all_steps=sum(len(standing.steps) for standing in standings),
        waiting=[
            _of_plan(telling.of(standing, step), standing, names_plans=len(standings) > 1)
            for *_order, standing, step in waiting
        ],
        days=_days_ahead(standings, telling, asked),
        news=news_for(person, running),
        # What others wait for stands above one's own steps, the rest below.
        queue=sorted((each for each in concerns if each.comes_first and each.rows), key=lambda each: not each.is_late),
        concerns=[each for each in concerns if not (each.comes_first and each.rows)],
        # Somebody who follows no plan and has a role asks whom she knows; she is not told that nobody leads her.
        contacts=contacts_of(running[0] if running else None, person) if running or not concerns else None,
        completed={
            "title": str(completed.version.title),
            "href": url_for("training.path", code=completed.code),
            "has_certificate": completed.version.credential_slug is not None
            and not (running or queries.has_result_missing(completed)),
        }
        if completed
        else None,
        ended=ended_row(*ended[0]) if ended else None,
    )


@dataclass(frozen=True, slots=True)
class _Mine:
    """One thing of the day's list: a step, a version to be confirmed, or both where both ask for one document."""

    on: date
    minutes: int
    today: date
    standing: Standing | None = None
    step: PlanStep | None = None
    asked: ToDo | None = None


def _mine(standings: Sequence[Standing], to_do: Sequence[ToDo]) -> tuple[list[_Mine], list[ToDo]]:
    """Return everything that is the learner's own to do, in the order in which she does it; and what no step asks for.

    A document is listed once where both a step and a campaign ask for it, under the earlier date. An emergency takes
    the place of the step: it waits for nothing that comes first in the plan.
    """
    # A step names the text of all markets; what is asked may be that of hers.
    asked = {base_slug(each.slug): each for each in to_do}
    own = [(standing, step) for standing in standings for step in standing.steps if side_of(standing, step) == "own"]
    by_step = {step.document_slug for _standing, step in own if step.kind is StepKind.ACKNOWLEDGE}
    besides = {slug: each for slug, each in asked.items() if each.is_emergency or slug not in by_step}
    things: dict[str, _Mine] = {}
    turns: list[Turn] = []
    # Steps in whose place something else stands: its name by theirs.
    instead: dict[str, str] = {}
    for standing, step in own:
        ask = asked.get(step.document_slug or "") if step.kind is StepKind.ACKNOWLEDGE else None
        key = _key(standing, step.slug)
        if ask is not None and ask.is_emergency:
            instead[key] = f"{_ASKED}{step.document_slug}"
            continue
        on = standing.day_for(step.slug)
        if ask is not None and ask.due_on >= on:
            ask = None
        things[key] = _Mine(on if ask is None else ask.due_on, step.minutes, standing.today, standing, step, ask)
    for key, each in things.items():
        if each.standing is not None and each.step is not None:
            missing = (_key(each.standing, slug) for slug in each.standing.statuses[each.step.slug].missing)
            before = tuple(instead.get(one, one) for one in missing)
            turns.append(Turn(key, each.on, each.step.required, each.step.position, before))
    for slug, ask in besides.items():
        things[f"{_ASKED}{slug}"] = _Mine(ask.due_on, ask.minutes, clock.today(ask.zone), asked=ask)
        turns.append(Turn(f"{_ASKED}{slug}", ask.due_on, position=-1))
    return [things[turn.key] for turn in rules.in_turn(turns)], list(besides.values())


def _key(standing: Standing, slug: str) -> str:
    return f"{standing.enrollment.code}/{slug}"


def _of_plan(view: StepView, standing: Standing, *, names_plans: bool) -> StepView:
    """Return a step with the plan it is of, where there is more than one."""
    return replace(view, plan=str(standing.enrollment.version.title)) if names_plans else view


def _told(telling: Telling, mine: Sequence[_Mine], *, names_plans: bool) -> list[StepView]:
    """Return the first of the day's list in words; the first that can be done is the one for now."""
    views: list[StepView] = []
    has_now = False
    for each in mine[:AT_MOST]:
        if each.standing is None or each.step is None:
            assert each.asked is not None
            view = _asked_view(each.asked, is_next=not has_now)
        else:
            view = telling.of(each.standing, each.step, is_next=not has_now)
            view = _of_plan(view, each.standing, names_plans=names_plans)
            if each.asked is not None:
                shown = _asked_view(each.asked)
                view = replace(view, due=shown.due, state=_sooner(view.state, shown.state))
        has_now = has_now or view.is_next
        views.append(replace(view, why=_why(each, view)))
    return views


def _why(each: _Mine, view: StepView) -> str:
    """Say why a thing stands where it stands: how its day lies to today; of the one for now also what comes after."""
    said = []
    calendar = each.standing.calendar if each.standing is not None else None
    if each.on == each.today:
        said.append(_("Due today"))
    elif calendar is not None and each.on < each.today:
        late = working_days_between(each.on, each.today, calendar)
        # On the days off after its date it is late, and no working day has passed.
        if late:
            said.append(ngettext("%(num)d working day overdue", "%(num)d working days overdue", late))
    elif calendar is not None and view.is_open:
        left = working_days_between(each.today, each.on, calendar)
        said.append(ngettext("Due in %(num)d working day", "Due in %(num)d working days", left))
    if view.is_next and each.standing is not None and each.step is not None:
        plan = {step.slug: step.shape for step in each.standing.steps}
        after = rules.opened_by(each.step.slug, plan, each.standing.settled)
        if after:
            said.append(ngettext("%(num)d further step opens after it", "%(num)d further steps open after it", after))
    return " · ".join(said)


def _sooner(state: str, asked: str) -> str:
    """Return the state of a step that is asked for sooner than its plan says; one that is locked stays so."""
    return state if state in ("locked", "today") and asked != "overdue" else asked


def _due_now(mine: Sequence[_Mine]) -> str:
    """Say how much is due by the end of today; nothing where nothing is."""
    due = [each for each in mine if each.on <= each.today]
    minutes = sum(each.minutes for each in due)
    if not due or not minutes:
        return ""
    return ngettext(
        "Due by the end of today: %(num)d thing, %(time)s",
        "Due by the end of today: %(num)d things, %(time)s",
        len(due),
        time=format_minutes(minutes),
    )


def _asked_view(each: ToDo, *, is_next: bool = False) -> StepView:
    """Return a version to be confirmed as its post on the day's list shows it."""
    today = clock.today(each.zone)
    why = why_due(
        days=each.days,
        is_emergency=each.is_emergency,
        is_due_at_effect=each.is_due_at_effect,
        is_newcomer=each.is_newcomer,
        asked=format_date(local_date(each.asked_at, each.zone)),
    )
    if each.is_due_at_effect or each.is_emergency:
        date = format_instant(each.due_at, each.zone)
    else:
        date = day_told(each.due_on) if each.due_on.year == today.year else format_date(each.due_on)
    state = "overdue" if each.due_at <= clock.now() else "soon" if each.due_on <= today else "ahead"
    return StepView(
        slug=f"{_ASKED}{each.slug}",
        title=_("%(title)s: what changed in version %(number)s", title=each.title, number=each.number)
        if each.has_base
        else _("%(title)s: version %(number)s", title=each.title, number=each.number),
        kind=_("Emergency change") if each.is_emergency else _("To be confirmed"),
        state="today" if is_next and state != "overdue" else state,
        due=Explanation(
            date=date,
            iso=each.due_on.isoformat(),
            why=why,
        ),
        done_on="",
        done_iso="",
        minutes=format_minutes(each.minutes),
        href=url_for("acknowledgements.delta", slug=each.slug),
        verb=_("Read what changed") if each.has_base else _("Read and confirm"),
        locked_by=[],
        optional=False,
        instructions="",
        exempt=None,
        done="",
        said=[],
        ask_again=None,
        more_time=None,
        exempting=None,
        waits_for="",
        tried="",
        is_open=True,
        is_next=is_next,
    )


def _plan(standing: Standing) -> dict[str, Any]:
    """Return how far somebody is in a plan, and what is particular about the day."""
    is_paused = standing.enrollment.is_open and standing.pause is not None
    ahead = 0
    if standing.day == 0 and not is_paused:
        ahead = working_days_between(standing.today, standing.starts_on, standing.calendar)
    return {
        **plan_facts(standing),
        "counts": counts_of(standing),
        "is_paused": is_paused,
        # Day 1, and nothing is done yet: somebody arrives.
        "is_first_day": standing.day == 1 and not standing.completions,
        "begins_in": ngettext("Begins in %(num)d working day", "Begins in %(num)d working days", ahead)
        if ahead
        else "",
    }


# --- The days ahead ----------------------------------------------------------------------------


def _days_ahead(standings: Sequence[Standing], telling: Telling, asked: Sequence[ToDo]) -> list[dict[str, Any]]:
    """Return the next working days with what is due on each, and between them the days off that have a name.

    Nothing while every plan is paused: no day counts then.
    """
    going, names_plans = [each for each in standings if each.pause is None], len(standings) > 1
    if not going:
        return []
    held = _held(going)
    days = _days(going[0].calendar, going[0].today, held)
    due: Mapping[date, list[dict[str, Any]]] = defaultdict(list)
    for each in asked:
        due[each.due_on].append(
            {
                "what": _("Confirm “%(title)s”", title=each.title),
                "when": "",
                "note": "",
                "href": url_for("acknowledgements.delta", slug=each.slug),
                "minutes": each.minutes,
            }
        )
    worked = {day for day, off in days if not off}
    for standing in going:
        for step in standing.steps:
            on = standing.day_for(step.slug)
            # On a day off only a session is held.
            wanted = worked | held if _is_held(standing, step) else worked
            if on in wanted and standing.statuses[step.slug].state not in NOT_ASKED:
                due[on].append(_due(standing, step, telling, names_plans=names_plans))
    told: list[dict[str, Any]] = []
    for day, off in days:
        things = [] if off and day not in held else due[day]
        if off and told and told[-1]["off"] == off and not (things or told[-1]["things"]):
            told[-1]["until"] = day_told(day)
            continue
        minutes = sum(item["minutes"] for item in things)
        told.append(
            {
                "date": day_of(day, going[0]),
                "until": "",
                "iso": day.isoformat(),
                "is_today": day == going[0].today,
                "off": off,
                "things": things,
                "minutes": format_minutes(minutes) if minutes else "",
            }
        )
    return told


def _is_held(standing: Standing, step: PlanStep) -> bool:
    """Say whether she is expected at a session of a step, whether or not anybody works on its day."""
    seat = standing.seat(step.slug)
    return seat is not None and seat.is_awaited and step.slug not in standing.settled


def _held(standings: Sequence[Standing]) -> set[date]:
    """Return the days of the sessions at which she is expected."""
    return {each.day_for(step.slug) for each in standings for step in each.steps if _is_held(each, step)}


def _days(calendar: WorkingCalendar, today: date, held: Collection[date]) -> list[tuple[date, str]]:
    """Return the next working days, and the days off among them with why they are off.

    Usual ones, such as those of a weekend, only where a session is `held` on them.
    """
    return [
        (day, why_off(off) if off is not None else "")
        for day, off in days_ahead(today, calendar, DAYS_AHEAD)
        if off is None or day in held or off.reason not in (OffReason.WEEKEND, OffReason.REST)
    ]


def _due(standing: Standing, step: PlanStep, telling: Telling, *, names_plans: bool) -> dict[str, Any]:
    """Return a step as its day names it: a session with its time, what others do as theirs; its plan if asked for."""
    seat = standing.seat(step.slug)
    is_own = side_of(standing, step) == "own"
    when = str(seat.hours) if seat is not None and seat.is_awaited else ""
    notes = [kind_of(step)] if when or not is_own else []
    if names_plans:
        notes.append(str(standing.enrollment.version.title))
    return {
        "what": telling.task(step),
        "when": when,
        "note": " · ".join(notes),
        "href": href_of(standing, step) if standing.statuses[step.slug].state is StepState.OPEN else None,
        # She is there when somebody talks with her or looks at what she does.
        "minutes": step.minutes,
    }
