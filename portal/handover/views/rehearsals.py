"""The rhythm of rehearsals: who is due, what came of the last one, and beginning the next with one click."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from werkzeug import Response

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role
from portal.accounts.permissions import SEE_PERSON
from portal.calendars.service.told import days_told
from portal.cohorts.permissions import reach_of
from portal.core import clock
from portal.core.access import actor, allows, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_date, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.duties.permissions import CREATE_TASKS, SEE_TASK
from portal.duties.queries import tasks as duties
from portal.duties.rules import FULFILS_AHEAD_DAYS
from portal.duties.rules.recurring import DueDay
from portal.duties.service.telling import rhythm_words, why_told
from portal.handover.models import Handover
from portal.handover.permissions import BEGIN_REHEARSAL, SEE_HANDOVER, SEE_REHEARSALS
from portal.handover.service import rehearsals as service
from portal.handover.service.rehearsals import Candidate, Rhythm
from portal.handover.service.standing import is_real, standing_of
from portal.handover.views import blueprint, shown
from portal.organisation import queries as organisation
from portal.organisation.models import Team

# So many people are named for each rhythm; with them a rehearsal tells most.
NAMED = 6


@blueprint.get("/handovers/rehearsals")
@requires(SEE_REHEARSALS)
def rehearsals() -> tuple[str, int]:
    """Show which team rehearses its handovers when."""
    return _page()


@blueprint.post("/handovers/rehearsals/<code>")
@requires(BEGIN_REHEARSAL, on=accounts.get_person, see=SEE_PERSON)
def begin_rehearsal(found: Person) -> Response | tuple[str, int]:
    """Begin to rehearse somebody's handover from today on."""

    def work() -> Done:
        begun = service.begin(person=found, by=actor())
        return Done(
            _("The rehearsal has begun. What is to be handed over was found by itself."),
            url_for("handover.handover", code=begun.code),
        )

    try:
        return carry_out(work)
    except DomainError as refused:
        if can(SEE_REHEARSALS):
            return _page(problem=str(refused), status=refused.status)
        raise


def _page(*, problem: str = "", status: int = 200) -> tuple[str, int]:
    viewer = actor()
    tasks = service.list_tasks_of_rehearsals(viewer)
    rhythms = service.rhythms_of(tasks)
    everybody = [each for each in duties.list_running_tasks() if each.fulfilled_by is not None]
    without = service.teams_without(everybody, _teams(viewer))
    page = render_template(
        "handover/rehearsals.html",
        rhythms=[_rhythm(each, viewer) for each in rhythms],
        without=[
            {
                "name": str(each.name),
                "market": str(each.market.name),
                "href": url_for("duties.new_task", fulfilled_by="rehearsal", place=f"team:{each.code}")
                if can(CREATE_TASKS)
                else None,
            }
            for each in without
        ],
        problem=problem,
    )
    return page, status


def _teams(viewer: Person) -> list[Team]:
    reach = reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))
    return [
        each
        for each in organisation.list_teams(closed=False)
        if reach.everywhere or each.code in reach.teams or each.market.code in reach.markets
    ]


def _rhythm(each: Rhythm, viewer: Person) -> dict[str, Any]:
    task, standing = each.task, each.standing
    day = next(iter(standing.open), None) or standing.next
    look = "overdue" if standing.overdue else "due" if standing.today else "done"
    people = service.by_need(each.candidates)
    # What is under way counts for a day that is near, and for no task whose next day is far ahead.
    is_near = day is not None and (day.on - duties.today_of(task)).days <= FULFILS_AHEAD_DAYS
    under_way = [one.open for one in each.candidates if is_near and one.open is not None and not is_real(one.open)]
    return {
        "title": str(task.title),
        "code": task.code,
        "place": f"{task.latest.market.name} · {task.latest.team.name}"
        if task.latest.team is not None
        else str(task.latest.market.name),
        "href": url_for("duties.task", code=task.code) if allows(viewer, SEE_TASK, task) else None,
        "rhythm": rhythm_words(duties.shape_of(task.latest)),
        "owner": shown.name_of(each.owned.owner) if each.owned is not None else "–",
        "look": look,
        "word": pgettext("tasks", "Up to date") if look == "done" else None,
        "day": _day(each, day) if day is not None else None,
        "under_way": [_under_way(one, viewer) for one in under_way],
        "people": (told := [_candidate(one, viewer) for one in people[:NAMED]]),
        "first": next((one["begin"] for one in told if one["begin"]), None) if not under_way else None,
        "more": max(0, len(people) - NAMED),
        "latest": _latest(each, viewer),
    }


def _day(each: Rhythm, day: DueDay) -> dict[str, Any]:
    """Return a day on which a rehearsal is due, with how it came about."""
    terms = next((one for one in reversed(each.task.terms) if one.starts_on <= day.on), each.task.latest)
    return {
        "iso": day.on.isoformat(),
        "date": format_date(day.on),
        "why": why_told(day, duties.shape_of(terms)),
        "days": days_told(day.derivation),
    }


def _under_way(handover: Handover, viewer: Person) -> dict[str, Any]:
    return {
        "name": handover.person.name_in(language()),
        "href": url_for("handover.handover", code=handover.code) if allows(viewer, SEE_HANDOVER, handover) else None,
        "last_on": format_date(handover.last_on),
    }


def _candidate(each: Candidate, viewer: Person) -> dict[str, Any]:
    last = each.last
    return {
        "name": each.person.name_in(language()),
        "things": each.things,
        "critical": each.critical,
        "alone": each.alone,
        "last": format_date(clock.local_date(last.closed_at, viewer.time_zone), "short")
        if last is not None and last.closed_at is not None
        else "",
        "last_href": url_for("handover.handover", code=last.code)
        if last is not None and allows(viewer, SEE_HANDOVER, last)
        else None,
        "is_open": each.open is not None,
        "is_rehearsed": each.open is not None and not is_real(each.open),
        "begin": url_for("handover.begin_rehearsal", code=each.person.code)
        # Nobody closes what she hands over herself: another lead begins it.
        if each.open is None and each.person.id != viewer.id and allows(viewer, BEGIN_REHEARSAL, each.person)
        else None,
    }


def _latest(each: Rhythm, viewer: Person) -> dict[str, Any] | None:
    """Return what came of the latest rehearsal: how much could have moved."""
    if each.latest is None or each.latest.done_on is None or each.report is None:
        return None
    may_see = allows(viewer, SEE_HANDOVER, each.report)
    told = shown.rehearsed(standing_of(each.report)) if may_see else None
    return {
        "on": format_date(each.latest.done_on),
        "name": each.report.person.name_in(language()),
        "href": url_for("handover.handover", code=each.report.code) if may_see else None,
        "said": told["said"] if told is not None else "",
    }
