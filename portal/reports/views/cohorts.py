"""The lead's list of cohorts, and one cohort on one page: every person, every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flask import Response, render_template, request, url_for

from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS, reach_over_cohorts
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.clock import local_date
from portal.core.i18n import force_locale, format_date, format_instant, format_percent, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.tables import download_csv, download_xlsx
from portal.reports.queries import Cell, CohortReport, Column, HeadCount, Row, cohort_report, count_heads, points_of
from portal.reports.views import blueprint
from portal.training.queries import task_of
from portal.training.rules import StepKind, StepState
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
            "complete": heads.get(cohort.id, nobody).complete,
        }
        for cohort in found
    ]
    return render_template("reports/cohorts.html", rows=rows)


@blueprint.get("/cohorts/<code>")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort(found: Cohort) -> str:
    """Show how far everybody in the cohort is, those who need it first."""
    page = max(1, request.args.get("page", 1, type=int))
    offset = min((page - 1) * ROWS_AT_ONCE, 10**6)
    report = cohort_report(found, request.args.get("plan"), offset=offset, limit=ROWS_AT_ONCE)
    rows, cells = _table_rows(report, found.market.time_zone)
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
        as_of=format_instant(report.as_of, found.market.time_zone),
        columns=[_column(column) for column in report.columns],
        rows=rows,
        cells=cells,
        numbers=_numbers(report),
        pager=_pager(found, report, offset),
        without_plan=[person.name_in(language()) for person in report.without_plan],
        exports=[
            {"label": label, "href": url_for(endpoint, code=found.code, plan=report.plan.slug)}
            for label, endpoint in (("CSV", "reports.cohort_csv"), ("XLSX", "reports.cohort_xlsx"))
        ]
        if report.plan
        else [],
    )


@blueprint.get("/cohorts/<code>/table.csv")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_csv(found: Cohort) -> Response:
    """Give the table of the cohort as a CSV file, everybody in it."""
    report = cohort_report(found, request.args.get("plan"), limit=None)
    return download_csv(_filename(found, report), _header(found, report.columns), _lines(found, report))


@blueprint.get("/cohorts/<code>/table.xlsx")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_xlsx(found: Cohort) -> Response:
    """Give the table of the cohort as a workbook, everybody in it."""
    report = cohort_report(found, request.args.get("plan"), limit=None)
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


_KINDS: Mapping[StepKind, Callable[[], str]] = {
    StepKind.READ: lambda: _("Reading"),
    StepKind.ACKNOWLEDGE: lambda: _("Confirmation"),
    StepKind.QUIZ: lambda: _("Knowledge check"),
    StepKind.SIGN_OFF: lambda: _("Sign-off"),
    StepKind.TASK: lambda: _("Task"),
    StepKind.SESSION: lambda: _("Session"),
    StepKind.GATE: lambda: _("Gate"),
}


def _column(column: Column) -> dict[str, str]:
    return {
        "title": str(column.title),
        "task": str(task_of(column.kind, column.title)),
        "kind": _KINDS[column.kind](),
        "day": _("Day %(day)s", day=column.day),
        "need": "" if column.required else _("optional"),
    }


def state_word(cell: Cell) -> str:
    """Return the name of a cell's state: late comes before locked or open, done before everything."""
    if cell.status.state is StepState.DONE:
        return "done"
    if cell.status.is_late:
        return "overdue"
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
        key = (slug, state_word(cell), cell.due_on, done_on, cell.score) if cell else (slug,)
        if key not in drawn:
            drawn[key] = len(cells)
            cells.append(
                CellView(
                    step,
                    state_word(cell),
                    _day(done_on or cell.due_on, here, this_year),
                    (done_on or cell.due_on).isoformat(),
                    _("Due on %(date)s", date=_day(cell.due_on, here, this_year)) if done_on else "",
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
                "overdue": progress.overdue,
                "since": _day(late_since, here, this_year) if late_since else "",
                "done": progress.done,
                "total": progress.total,
                "cells": [place(slug, step, row.cells.get(slug)) for slug, step in columns],
            }
        )
    return rows, cells


@lru_cache(maxsize=4096)
def _day(day: date, language_code: str, this_year: int) -> str:
    """Write a day for a narrow column: its year only where it is another one."""
    if language_code == "ja":
        return f"{day.month}月{day.day}日" if day.year == this_year else f"{day.year}年{day.month}月{day.day}日"
    with force_locale(language_code):
        return format_date(day, "short").removesuffix(f" {this_year}")


def _row_state(row: Row) -> str | None:
    if row.standing.progress.overdue:
        return "overdue"
    return "done" if row.standing.is_complete else None


def _numbers(report: CohortReport) -> list[dict[str, Any]]:
    summary = report.summary
    everybody = _("Everybody of the cohort who follows this plan, ended enrollments left out")
    return [
        {
            "label": _("On track"),
            "number": format_percent(summary.on_track, 0) if summary.on_track is not None else "–",
            "unit": None,
            "formula": _(
                "Required steps due before today that are done ÷ required steps due before today: "
                "%(done)s ÷ %(expected)s. Days are counted in each person's own calendar.",
                done=summary.done_of_expected,
                expected=summary.expected,
            ),
            "population": everybody,
            "tone": None,
        },
        {
            "label": _("People with overdue steps"),
            "number": str(summary.overdue_people),
            "unit": f"/ {summary.people}",
            "formula": _(
                "People with at least one required step whose due date has passed without its being done; "
                "%(steps)s steps in all.",
                steps=summary.overdue_steps,
            ),
            "population": everybody,
            "tone": "danger" if summary.overdue_people else None,
        },
        {
            "label": _("Completed"),
            "number": str(summary.complete),
            "unit": f"/ {summary.people}",
            "formula": _("People who have done every required step, of all people in the plan."),
            "population": everybody,
            "tone": None,
        },
    ]


def _pager(found: Cohort, report: CohortReport, offset: int) -> dict[str, Any] | None:
    total = report.summary.people
    if total <= ROWS_AT_ONCE and offset == 0:
        return None
    slug = report.plan.slug if report.plan else None

    def address(page: int) -> str:
        return url_for("reports.cohort", code=found.code, plan=slug, page=page)

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
        (_("Overdue"), _("Required steps whose due date has passed without their being done.")),
    ]


def _header(found: Cohort, columns: Sequence[Column]) -> list[str]:
    header = [
        _("Person code"),
        _("Name"),
        _("Begins"),
        _("Required steps"),
        _("Done"),
        _("Overdue"),
        _("Overdue since"),
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
        ]
        for column in report.columns:
            cell = row.cells.get(column.slug)
            if cell is None:
                line += [pgettext("state", "Not in this version"), None, None]
            else:
                line += [
                    look_of(state_word(cell)).word,
                    cell.due_on,
                    local_date(cell.completed_at, zone) if cell.completed_at else None,
                ]
            if column.kind is StepKind.QUIZ:
                line += _score(cell, points)
        yield line


def _score(cell: Cell | None, points: Mapping[str, tuple[Fraction, Fraction]]) -> list[object]:
    """Return points, points possible, the percentage and the attempt, None where there is no such thing."""
    if cell is None or cell.score is None:
        return [None, None, None, None]
    reached, possible = points.get(cell.attempt or "", (None, None))
    # Half up, as the pages round.
    tenths = (cell.score * 1000 * 2 + 1) // 2
    return [reached, possible, Fraction(tenths, 10), cell.attempt]
