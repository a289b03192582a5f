"""Recurring tasks: the list within reach, and one of them with its days and its history."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import render_template, request, url_for

from portal.accounts import queries as accounts
from portal.calendars.service.told import may_change_told
from portal.core.access import actor, can, may_open, requires
from portal.core.i18n import format_date, pgettext
from portal.core.i18n import gettext as _
from portal.duties.errors import NoSuchTask
from portal.duties.models import RecurringTask
from portal.duties.permissions import (
    CHANGE_TASK,
    CREATE_TASKS,
    NAME_DEPUTY,
    RECORD_RUN,
    SEE_TASK,
    SEE_TASKS,
    Answered,
    reach_over_tasks,
)
from portal.duties.queries import tasks as queries
from portal.duties.rules.recurring import Standing
from portal.duties.service.fulfilling import fulfilling_of
from portal.duties.service.responsibilities import get_thing
from portal.duties.service.tasks import days_to_record
from portal.duties.service.telling import rhythm_words
from portal.duties.views import blueprint, shown

# So many days to come are told.
DAYS_TOLD = 5
# Days that wait, one by one; the rest is counted.
OPEN_SHOWN = 30
RUNS_AT_ONCE = 30
_FILTERS = ("overdue", "mine", "no_deputy", "ended")


@blueprint.get("/recurring-tasks")
@requires(SEE_TASKS)
def list_tasks() -> str:
    """List the recurring tasks within reach: those that are overdue first, then by their next day."""
    viewer = actor()
    own = accounts.list_codes_owned(viewer, queries.OWNED_KIND)
    found = queries.list_tasks(reach_over_tasks(viewer), own)
    standings, owners = queries.standings_of(found), queries.owners_of(found)
    rows = [_row(each, standings.get(each.id), owners.get(each.code), each.code in own) for each in found]
    rows.sort(key=lambda row: (row["is_ended"], not row["is_overdue"], row["due_on"] or date.max))
    chosen = request.args.get("show", "")
    return render_template(
        "duties/tasks.html",
        rows=[row for row in rows if _is_chosen(row, chosen)],
        filters=_filters(rows, chosen),
        can_create=can(CREATE_TASKS),
        has_any=bool(rows),
    )


def _row(task: RecurringTask, standing: Standing | None, owned: Any, is_own: bool) -> dict[str, Any]:
    terms = task.latest
    due_on = standing.due_on if standing is not None else None
    deputy = owned.deputy if owned else None
    return {
        "title": str(task.title),
        "href": url_for("duties.task", code=task.code),
        "rhythm": rhythm_words(queries.shape_of(terms)),
        "place": shown.place_words(terms),
        "look": (look := shown.look_of(task, standing)),
        "word": shown.look_word(look),
        "is_ended": task.ended_at is not None,
        "is_overdue": bool(standing and standing.overdue),
        "overdue": len(standing.overdue) if standing else 0,
        "due_on": due_on,
        "due": format_date(due_on, "short") if due_on else "–",
        "owner": shown.owner_name(owned.owner) if owned else "–",
        "deputy": shown.owner_name(deputy) if deputy else None,
        "lacks_deputy": task.ended_at is None and (deputy is None or not deputy.is_active),
        "is_own": is_own,
    }


def _is_chosen(row: dict[str, Any], chosen: str) -> bool:
    match chosen:
        case "overdue":
            return bool(row["is_overdue"])
        case "mine":
            return bool(row["is_own"]) and not row["is_ended"]
        case "no_deputy":
            return bool(row["lacks_deputy"])
        case "ended":
            return bool(row["is_ended"])
        case _:
            return not row["is_ended"]


def _filters(rows: list[dict[str, Any]], chosen: str) -> list[dict[str, Any]]:
    names = [
        ("", pgettext("tasks", "Running")),
        ("overdue", pgettext("state", "Overdue")),
        ("mine", pgettext("tasks", "My own")),
        ("no_deputy", _("Without a deputy")),
        ("ended", _("Ended")),
    ]
    return [
        {
            "label": label,
            "href": url_for("duties.list_tasks", show=value or None),
            "current": chosen == value or (not value and chosen not in _FILTERS),
            "count": sum(_is_chosen(row, value) for row in rows),
        }
        for value, label in names
    ]


@blueprint.get("/recurring-tasks/<code>")
@requires(SEE_TASK, on=queries.get_task, absent=NoSuchTask)
def task(found: RecurringTask) -> str:
    """Show one recurring task: what waits, the days to come and why they are those, and what was done so far."""
    standing = queries.standings_of([found]).get(found.id)
    runs = queries.list_runs(found, limit=RUNS_AT_ONCE + 1)
    owned = queries.find_owner_of(found)
    names = {each.code: each for each in accounts.list_people_of(shown.codes_in(found, runs))}
    coming, unknown_year, calendar = (
        queries.next_days_of(found, queries.today_of(found), DAYS_TOLD) if standing else ([], "", None)
    )
    may_record = standing is not None and can(RECORD_RUN, found)
    open_days = standing.open if standing else ()
    recordable = {each.on for each in days_to_record(standing)} if standing else set()
    runs_left = len(runs) > RUNS_AT_ONCE
    fulfilling = fulfilling_of(found.fulfilled_by)
    return render_template(
        "duties/task.html",
        title=str(found.title),
        code=found.code,
        look=(look := shown.look_of(found, standing)),
        word=shown.look_word(look),
        rhythm=rhythm_words(queries.shape_of(found.latest)),
        is_ended=found.ended_at is not None,
        overdue=len(standing.overdue) if standing else 0,
        open_days=[
            shown.day_row(each, shown.terms_on(found, each.on))
            | {"is_overdue": each.on < queries.today_of(found), "href": _record_href(found, each.on)}
            for each in open_days
        ],
        open_shown=OPEN_SHOWN,
        coming=[
            shown.day_row(each, shown.terms_on(found, each.on))
            | {"href": _record_href(found, each.on) if each.on in recordable else None}
            for each in coming
        ],
        unknown_year=unknown_year,
        days_may_change=may_change_told(calendar, [each.on for each in coming]) if calendar is not None else [],
        may_record=may_record,
        fulfilled={
            "href": url_for(fulfilling.begun_at) if may_open(url_for(fulfilling.begun_at)) else None,
            "begin": str(fulfilling.begin),
        }
        if fulfilling is not None
        else None,
        may_change=found.ended_at is None and can(CHANGE_TASK, found),
        owners_href=_owners_href(found) if found.ended_at is None else None,
        facts=shown.facts_of(found.latest, owned),
        procedure=shown.procedure_of(found.latest),
        lacks_deputy=found.ended_at is None
        and (owned is None or owned.deputy is None or not owned.deputy.is_active or not owned.owner.is_active),
        runs=[shown.run_row(found, each, names, actor().time_zone) for each in runs[:RUNS_AT_ONCE]],
        runs_left=queries.count_runs(found) - RUNS_AT_ONCE if runs_left else 0,
        history=shown.history_of(found, names, actor().time_zone),
        may_list=can(SEE_TASKS),
    )


def _record_href(found: RecurringTask, on: date) -> str:
    return url_for("duties.record_run", code=found.code, day=on.isoformat())


def _owners_href(found: RecurringTask) -> str | None:
    thing: Answered = get_thing(queries.OWNED_KIND, found.code)
    if not can(NAME_DEPUTY, thing):
        return None
    return url_for("duties.name_owners", kind=queries.OWNED_KIND, code=found.code)
