"""The lead's list of cohorts, and one cohort on one page: every person, every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from flask import Response, render_template, request, url_for

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.calendars.service.told import uncountable_told
from portal.certificates.permissions import TAKE_FILES
from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS, reach_over_cohorts
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.clock import local_date
from portal.core.i18n import format_date, format_instant, format_percent, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.tables import download_xlsx
from portal.reports.formats.words import (
    activity_words,
    curve,
    day_words,
    forecast,
    in_force_words,
    kind_words,
    listed,
    overdue_words,
    rule_in_words,
)
from portal.reports.queries import (
    Cell,
    CohortReport,
    Column,
    Following,
    HeadCount,
    Row,
    cohort_report,
    count_heads,
    follow,
    points_of,
    report_of,
)
from portal.reports.queries.ended import Ended, list_ended, list_left_at_the_end
from portal.reports.queries.lead import Morning, morning
from portal.reports.views import blueprint, lead
from portal.reports.views.asked import is_plan_shown, refuse_another_plan
from portal.reports.views.encoded import csv_or_what_is_lost, exports
from portal.training import queries as training
from portal.training.permissions import (
    ADD_LEARNERS,
    CHANGE_COHORT_DATES,
    CREATE_COHORTS,
    SWAP_COHORT,
    EventOfCohort,
    PlanOfCohort,
)
from portal.training.queries.catalogue import task_of
from portal.training.rules import NOT_ASKED, StepKind, StepState
from portal.ui.states import look_of

ROWS_AT_ONCE = 50


@blueprint.get("/cohorts")
@requires(SEE_COHORTS)
def list_cohorts() -> str:
    """List the cohorts that one leads."""
    found = cohorts.list_cohorts(reach_over_cohorts(actor()))
    people = cohorts.count_members(cohort.id for cohort in found)
    heads = count_heads([cohort.id for cohort in found])
    nobody = HeadCount(0, 0, 0)
    rows = [
        {
            "name": str(cohort.name),
            "href": url_for("reports.cohort", code=cohort.code),
            "market": str(cohort.market.name),
            "team": str(cohort.team.name) if cohort.team else "",
            "starts_on": format_date(cohort.starts_on, "short"),
            "people": people.get(cohort.id, 0),
            "following": heads.get(cohort.id, nobody).following,
            "overdue": heads.get(cohort.id, nobody).overdue,
            "is_withdrawn": cohort.withdrawn_at is not None,
            "complete": heads.get(cohort.id, nobody).complete,
            "uncountable": heads.get(cohort.id, nobody).uncountable,
        }
        for cohort in found
    ]
    return render_template("reports/cohorts.html", rows=rows, can_create=can(CREATE_COHORTS))


@blueprint.get("/cohorts/<code>")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort(found: Cohort) -> str:
    """Show who needs the lead, how far the cohort is, and every step of everybody."""
    page = max(1, request.args.get("page", 1, type=int))
    offset = min((page - 1) * ROWS_AT_ONCE, 10**6)
    following = follow(found, request.args.get("plan"))
    if found.withdrawn_at is not None and following.plan is None:
        return _withdrawn(found, found.withdrawn_at)
    is_plan_there = is_plan_shown(following.plan.slug if following.plan else None)
    seen = morning(following, viewer_id=actor().id)
    left = lead.narrowed(found, following, seen, request.args)
    told = seen.at_risk if request.args.get("at_risk") == "all" else seen.at_risk[: lead.AT_RISK_AT_ONCE]
    report = report_of(left.following, left.people, offset=offset, limit=ROWS_AT_ONCE, viewer=actor())
    rows, cells = _table_rows(report, found.market.time_zone)
    over, slug = list_ended(found) if following.has_ended else [], report.plan.slug if report.plan else None
    # By the person, her latest one.
    ended = {each.person.id: each for each in over}
    return render_template(
        "reports/cohort.html",
        cohort={
            "name": str(found.name),
            "market": str(found.market.name),
            "team": str(found.team.name) if found.team else None,
            "begins": (
                _("Begins on %(date)s", date=format_date(found.starts_on))
                if found.starts_on >= clock.today(found.market.time_zone)
                else _("Began on %(date)s", date=format_date(found.starts_on))
            ),
        },
        plans=[
            {
                "label": str(plan.title),
                "href": url_for("reports.cohort", code=found.code, plan=plan.slug),
                "current": plan == report.plan,
                "count": plan.people,
            }
            for plan in report.plans
        ],
        plan=str(report.plan.title) if report.plan else None,
        **_what_can_be_done(found, following, seen),
        events=_events(found, following),
        as_of=format_instant(report.as_of, found.market.time_zone),
        columns=[_column(column) for column in report.columns],
        rows=rows,
        cells=cells,
        numbers=lead.numbers(found, report, following, seen),
        pager=_pager(found, len(left.people), offset, left.kept),
        filters=left.filters,
        is_plan_there=is_plan_there,
        morning=_morning(found, report, following, replace(seen, at_risk=told), at_risk=len(seen.at_risk)),
        uncountable=[
            {
                "name": each.person.name_in(language()),
                "href": url_for("training.path", code=each.code),
                "plan": "",
                "why": uncountable_told(each.country, each.year),
            }
            for each in report.left_out
        ],
        without_plan=[person.name_in(language()) for person in report.without_plan if person.id not in ended],
        ended=[
            _ended(ended[person.id], found.market.time_zone) for person in report.without_plan if person.id in ended
        ],
        moved=[
            _ended(each, found.market.time_zone)
            for each in over
            if each.moved_to is not None and (slug is None or slug in each.moved_to.slugs)
        ],
        exports=exports("reports.cohort_csv", "reports.cohort_xlsx", code=found.code, plan=report.plan.slug)
        if report.plan
        else [],
        report_href=url_for("reports.cohort_report", code=found.code, plan=report.plan.slug) if report.plan else None,
    )


def _withdrawn(found: Cohort, at: datetime) -> str:
    """Show who was in a cohort that was taken back, as it ended, by whom and why."""
    zone, plans = found.market.time_zone, list_ended(found)
    with_plan = {each.person.id for each in plans}
    people = plans + [each for each in list_left_at_the_end(found) if each.person.id not in with_plan]
    by = accounts.find_person(found.withdrawn_by) if found.withdrawn_by else None
    return render_template(
        "reports/cohort_withdrawn.html",
        cohort={
            "name": str(found.name),
            "market": str(found.market.name),
            "team": str(found.team.name) if found.team else None,
        },
        withdrawn_on=format_date(local_date(at, zone)),
        by=by.name_in(language()) if by else None,
        # The same for everybody whose plan ended with the cohort; what ended before has a reason of its own.
        reason=next((each.reason for each in plans if each.at >= at), None),
        people=[_ended(each, zone) for each in people],
    )


def _ended(each: Ended, zone: str) -> dict[str, str | None]:
    here, to = language(), each.moved_to
    return {
        "name": each.person.name_in(here),
        "kana": each.person.full_kana if here == "ja" else None,
        "href": url_for("training.path", code=each.code) if each.code else None,
        "plan": str(each.plan) if each.plan else None,
        "on": format_date(local_date(each.at, zone)),
        "reason": each.reason,
        "to": str(to.plan) if to is not None else None,
        "to_href": url_for("training.path", code=to.code) if to is not None else None,
        "by": to.by.name_in(here) if to is not None and to.by is not None else None,
    }


def _morning(
    found: Cohort,
    report: CohortReport,
    following: Following,
    seen: Morning,
    *,
    at_risk: int,
) -> dict[str, Any] | None:
    """Return what stands above the table; None where nobody follows a plan."""
    if report.plan is None:
        return None
    here, slug = language(), report.plan.slug
    today = local_date(report.as_of, found.market.time_zone)

    def day(on: date) -> str:
        return day_words(on, here, report.as_of.year)

    return {
        "at_risk": lead.red_list(found, following, seen, day, viewer_id=actor().id),
        "at_risk_count": at_risk,
        "all_at_risk": url_for("reports.cohort", code=found.code, plan=slug, at_risk="all", _anchor="at-risk")
        if at_risk > len(seen.at_risk)
        else None,
        "rule": rule_in_words(seen.rule),
        "rule_href": url_for("reports.cohort_rule", code=found.code),
        "in_force": in_force_words(seen.in_force, found.market.time_zone),
        "activity": activity_words(),
        "curve": curve(seen, today, day),
        "forecast": forecast(seen, len(following.people), today),
        "checks": lead.first_tries(found, following, seen.checks),
        "clauses_href": url_for("reports.cohort_clauses", code=found.code, plan=slug),
        "sittings": lead.sittings(following, seen),
        "sitting_count": len(seen.sittings),
        "sittings_href": lead.href_of(found, slug, None, "attempts-today"),
        "foreseen_href": lead.href_of(found, slug, None, "foreseen") if seen.foreseen else None,
    }


def _events(found: Cohort, following: Following) -> list[dict[str, str | None]]:
    """Return the events of the plan that is followed with their days, and where whoever may sets them.

    Where nobody follows a plan yet those of every plan: without their days nobody can be enrolled in it.
    """
    followed = following.plan is not None
    if followed:
        # Nothing is asked where no step is counted from an event.
        counting = [each.id for each in following.versions.values() if any(step.event_slug for step in each.steps)]
        events = training.list_events_of(counting) if counting else []
    else:
        events = training.list_latest_events()
    if not events:
        return []
    days = training.list_days_of_cohort(found)
    learners = frozenset(each.person_id for each in following.everybody)
    told: list[dict[str, str | None]] = []
    for event in events:
        on = days.get((event.version.plan_id, event.slug))
        may_set = found.withdrawn_at is None and can(CHANGE_COHORT_DATES, EventOfCohort(found, event, learners))
        told.append(
            {
                "title": str(event.title),
                "plan": None if followed else str(event.version.title),
                "on": format_date(on) if on else None,
                "href": url_for(
                    "training.event_of_cohort", code=found.code, plan=event.version.plan.slug, slug=event.slug
                )
                if may_set
                else None,
            }
        )
    return told


def _what_can_be_done(found: Cohort, following: Following, seen: Morning) -> dict[str, Any]:
    """Return where people are added and the cohort is withdrawn, while that is possible, and since when it is not."""
    is_open = found.withdrawn_at is None and can(ADD_LEARNERS, found)
    # What the page shows anyway; the page that withdraws looks closer, and says who has begun.
    is_under_way = any(each.tried for each in seen.checks) or any(
        (each.last_done_at is not None and each.last_done_at > each.enrolled_at)
        or _has_used_invitation(following.persons[each.person_id], each.enrolled_at)
        for each in following.everybody
    )
    return {
        "add_href": url_for("training.add_learners", code=found.code) if is_open else None,
        "withdraw_href": url_for("training.withdraw_cohort", code=found.code) if is_open and not is_under_way else None,
        "version_href": _version_href(found, following),
        "certificates_href": url_for("certificates.new_batch", cohort=found.code)
        if found.withdrawn_at is None and can(TAKE_FILES, found)
        else None,
        "withdrawn_on": format_date(local_date(found.withdrawn_at, found.market.time_zone))
        if found.withdrawn_at
        else None,
    }


def _has_used_invitation(person: Person, enrolled_at: datetime) -> bool:
    """Say whether an account that was made for the enrollment, so just before it, has been signed in to."""
    return not person.is_invited and abs(enrolled_at - person.created_at) < timedelta(minutes=10)


def _version_href(found: Cohort, following: Following) -> str | None:
    """Return where those who are not through go on in another version of the plan, if there is one."""
    if following.plan is None or all(each.completed_at is not None for each in following.everybody):
        return None
    plan = next(iter(following.versions.values())).plan
    if not following.has_other_versions or not can(SWAP_COHORT, PlanOfCohort(found, plan)):
        return None
    return url_for("training.version_of_cohort", code=found.code, plan=plan.slug)


@blueprint.get("/cohorts/<code>/table.csv")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_csv(found: Cohort) -> Any:
    """Give the table of the cohort as CSV, everybody in it; where Shift_JIS loses characters, tell which first."""
    report = cohort_report(found, request.args.get("plan"), limit=None, viewer=actor())
    refuse_another_plan(report.plan.slug if report.plan else None)
    trail = [
        {"label": _("Cohorts"), "href": url_for("reports.list_cohorts")},
        {
            "label": str(found.name),
            "href": url_for("reports.cohort", code=found.code, plan=report.plan.slug if report.plan else None),
        },
    ]
    return csv_or_what_is_lost(
        _filename(found, report),
        _header(found, report.columns),
        _lines(found, report),
        # Her name stands beside her code.
        named_by=1,
        trail=trail,
    )


@blueprint.get("/cohorts/<code>/table.xlsx")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_xlsx(found: Cohort) -> Response:
    """Give the table of the cohort as a workbook, everybody in it."""
    report = cohort_report(found, request.args.get("plan"), limit=None, viewer=actor())
    refuse_another_plan(report.plan.slug if report.plan else None)
    return download_xlsx(
        _filename(found, report),
        _header(found, report.columns),
        _lines(found, report),
        sheet=str(found.name),
        # The person's code and her name stay in sight.
        frozen_columns=2,
        notes=_notes(found, report),
        notes_sheet=_("About this table"),
    )


def _column(column: Column) -> dict[str, str]:
    return {
        "slug": column.slug,
        "title": str(column.title),
        "task": str(task_of(column.kind, column.title)),
        "kind": kind_words(column.kind),
        "day": " / ".join(_days_told(column)) or _nominal_day(column.day),
        "days": listed(
            *(
                _("%(day)s in version %(number)s", day=_nominal_day(day), number=number)
                for number, day in column.days
                if day is not None
            )
        ),
        "need": "" if column.required else _("optional"),
    }


def _days_told(column: Column) -> list[str]:
    """Return the days on which the versions let a step be due, each once, the latest version first."""
    return list(dict.fromkeys(_nominal_day(day) for _number, day in column.days if day is not None))


def _nominal_day(day: int | None) -> str:
    """Say on which working day of the plan a step is due; nothing where it is counted from an event."""
    if day is None:
        return ""
    if day > 0:
        return str(_("Day %(day)s", day=day))
    return ngettext("%(num)d working day before day 1", "%(num)d working days before day 1", -day)


def state_word(cell: Cell) -> str:
    """Return the name of a cell's state: late before locked or open, done, exempt or set aside before everything.

    What is late because somebody else has not ended it says both.
    """
    if cell.status.state in NOT_ASKED:
        return cell.status.state.value
    if cell.status.is_late:
        return "waiting_late" if cell.status.state is StepState.WAITING else "overdue"
    return {StepState.LOCKED: "locked", StepState.WAITING: "waiting", StepState.OPEN: "ahead"}[cell.status.state]


@dataclass(frozen=True, slots=True)
class CellView:
    """One different cell as the page draws it; texts are empty where there is nothing to say.

    The date is that on which the step was done, else that on which it is due; `due` says beside the first what the
    second was.
    """

    step: str
    state: str
    date: str
    iso: str
    due: str
    score: str


def _table_rows(report: CohortReport, zone: str) -> tuple[list[dict[str, Any]], list[CellView]]:
    """Return the rows, and the cells in which they differ: thousands of cells are few different ones.

    A row's cells are positions in the second list, so that the page draws each only once.
    """
    here, this_year = language(), report.as_of.year
    columns = [(column.slug, str(task_of(column.kind, column.title))) for column in report.columns]
    drawn: dict[tuple[object, ...], int] = {}
    cells: list[CellView] = []

    def place(slug: str, step: str, cell: Cell | None) -> int:
        done_on = local_date(cell.completed_at, zone) if cell and cell.completed_at else None
        state = state_word(cell) if cell else ""
        key = (slug, state, cell.due_on, done_on, cell.score) if cell else (slug,)
        if key not in drawn:
            drawn[key] = len(cells)
            cells.append(
                CellView(
                    step,
                    state,
                    # Who is exempt has no date, and what is set aside has none now.
                    "" if state in ("exempt", "set_aside") else day_words(done_on or cell.due_on, here, this_year),
                    (done_on or cell.due_on).isoformat(),
                    _("Due on %(date)s", date=day_words(cell.due_on, here, this_year)) if done_on else "",
                    format_percent(cell.score, 0) if cell.score is not None else "",
                )
                if cell
                else CellView(step, "", "", "", "", "")
            )
        return drawn[key]

    rows = []
    for row in report.rows:
        progress = row.standing.progress
        late_since = row.standing.late_since
        rows.append(
            {
                "name": row.person.name_in(here),
                "kana": row.person.full_kana if here == "ja" else "",
                "href": url_for("training.path", code=row.code),
                "state": _row_state(row),
                "is_invited": row.person.is_invited,
                "overdue": progress.overdue,
                "since": day_words(late_since, here, this_year) if late_since else "",
                "done": progress.done,
                "total": progress.total,
                "cells": [place(slug, step, row.cells.get(slug)) for slug, step in columns],
            }
        )
    return rows, cells


def _row_state(row: Row) -> str | None:
    if row.standing.progress.overdue:
        return "overdue"
    return "done" if row.standing.is_complete else None


def _pager(found: Cohort, total: int, offset: int, kept: dict[str, str]) -> dict[str, Any] | None:
    if total <= ROWS_AT_ONCE and offset == 0:
        return None

    def address(page: int) -> str:
        values: dict[str, Any] = {**kept, "page": page}
        return url_for("reports.cohort", code=found.code, **values, _anchor="people")

    here, last = offset // ROWS_AT_ONCE + 1, max(1, -(-total // ROWS_AT_ONCE))
    return {
        "summary": _(
            "%(first)s–%(last)s of %(total)s",
            first=min(offset + 1, total),
            last=min(offset + ROWS_AT_ONCE, total),
            total=total,
        ),
        "previous": address(min(here - 1, last)) if here > 1 else None,
        "next": address(here + 1) if here < last else None,
        "pages": [{"label": str(page), "href": address(page), "current": page == here} for page in range(1, last + 1)],
    }


# --- Files -------------------------------------------------------------------------------------


def _filename(found: Cohort, report: CohortReport) -> str:
    day = local_date(report.as_of, found.market.time_zone).isoformat()
    return "-".join([found.code, *([report.plan.slug] if report.plan else []), day])


def _notes(found: Cohort, report: CohortReport) -> list[tuple[str, str]]:
    """Return what somebody must know who finds the workbook later."""
    zone = found.market.time_zone
    return [
        (_("Cohort"), f"{found.name} ({found.code})"),
        (_("Plan"), f"{report.plan.title} ({report.plan.slug})" if report.plan else ""),
        (_("As of"), report.as_of.astimezone(clock.zone_info(zone)).isoformat(timespec="seconds")),
        (_("Time zone of every date"), zone),
        (_("Scores"), _("Points ÷ points possible × 100, rounded half up to one decimal; points are exact.")),
        (_("Overdue"), overdue_words()),
        *([(_("In no number, since their dates cannot be computed"), _names(report))] if report.left_out else []),
    ]


def _names(report: CohortReport) -> str:
    """Return who is in no number, each once."""
    names = dict.fromkeys(each.person.name_in(language()) for each in report.left_out)
    return ("、" if language() == "ja" else ", ").join(names)


def _header(found: Cohort, columns: Sequence[Column]) -> list[str]:
    header = [
        _("Person code"),
        _("Name"),
        _("Begins"),
        _("Required steps"),
        _("Done"),
        _("Overdue"),
        _("Overdue since"),
        pgettext("column", "Note"),
    ]
    zone = found.market.time_zone
    for column in columns:
        title = str(task_of(column.kind, column.title))
        header += [
            _("%(step)s: state", step=title),
            _("%(step)s: due (%(zone)s)", step=title, zone=zone),
            _("%(step)s: done on (%(zone)s)", step=title, zone=zone),
        ]
        if column.kind is StepKind.QUIZ:
            header += [
                _("%(step)s: points", step=title),
                _("%(step)s: points possible", step=title),
                _("%(step)s: score in %%, rounded to 0.1", step=title),
                _("%(step)s: attempt", step=title),
            ]
    return header


def _lines(found: Cohort, report: CohortReport) -> Iterator[list[object]]:
    zone, points = found.market.time_zone, points_of(report.rows)
    for row in report.rows:
        progress = row.standing.progress
        line: list[object] = [
            row.person.code,
            row.person.name_in(language()),
            row.starts_on,
            progress.total,
            progress.done,
            progress.overdue,
            row.standing.late_since,
            # As the page marks her.
            look_of("invited").word if row.person.is_invited else None,
        ]
        for column in report.columns:
            cell = row.cells.get(column.slug)
            if cell is None:
                line += [pgettext("state", "Not in this version"), None, None]
            else:
                line += [
                    look_of(state_word(cell)).word,
                    cell.due_on if cell.status.state not in (StepState.EXEMPT, StepState.SET_ASIDE) else None,
                    local_date(cell.completed_at, zone) if cell.completed_at else None,
                ]
            if column.kind is StepKind.QUIZ:
                line += _score(cell, points)
        yield line
    # At the end, and by name: whoever counts the lines finds everybody.
    rest = [None] * (len(_header(found, report.columns)) - 8)
    for each in report.left_out:
        why = uncountable_told(each.country, each.year)
        yield [each.person.code, each.person.name_in(language()), each.starts_on, None, None, None, None, why, *rest]


def _score(cell: Cell | None, points: Mapping[str, tuple[Fraction, Fraction]]) -> list[object]:
    """Return points, points possible, the percentage and the attempt, None where there is no such thing."""
    if cell is None or cell.score is None:
        return [None, None, None, None]
    reached, possible = points.get(cell.attempt or "", (None, None))
    # Half up, as the pages round.
    tenths = (cell.score * 1000 * 2 + 1) // 2
    return [reached, possible, Fraction(tenths, 10), cell.attempt]
