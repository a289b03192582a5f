"""The weekly report of a cohort: on the screen, as tables, and as a PDF that a job makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT
from portal.core import clock
from portal.core.access import actor, can, requires
from portal.core.errors import NotFound
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.tables import XLSX_TYPE, download
from portal.reports import limits
from portal.reports.formats import cohort_sheet
from portal.reports.formats.cohort_sheet import CohortSheet
from portal.reports.permissions import SEND_REPORT
from portal.reports.queries import files as kept
from portal.reports.queries import follow
from portal.reports.rules import ReportKind
from portal.reports.service import cohort_reports, files
from portal.reports.views import blueprint, lead
from portal.reports.views.asked import is_plan_shown, refuse_another_plan
from portal.reports.views.encoded import csv_or_what_is_lost, exports

FILES_LISTED = 5


@blueprint.get("/cohorts/<code>/report")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_report(found: Cohort) -> str:
    """Show the report as it is now, and where it can be had on paper and as tables."""
    report, plan = _report(found)
    return render_template(
        "reports/report.html",
        cohort={"name": str(found.name), "href": url_for("reports.cohort", code=found.code, plan=plan)},
        report=report,
        plan=plan,
        left_out=[
            {"name": each.name, "href": url_for("training.path", code=each.code), "plan": "", "why": each.why}
            for each in report.left_out
        ]
        if report
        else [],
        **_ways_behind(found, plan),
        is_plan_there=is_plan_shown(plan),
        exports=exports("reports.cohort_report_csv", "reports.cohort_report_xlsx", code=found.code, plan=plan)
        if report
        else [],
        print_href=url_for("reports.print_cohort_report", code=found.code, plan=plan),
        schedule_href=url_for("reports.new_schedule", code=found.code)
        if report and can(SEND_REPORT, found) and found.withdrawn_at is None
        else None,
        schedules_href=url_for("reports.list_schedules"),
        files=[
            {
                "label": files.filename_of(each),
                "href": url_for("reports.file", code=each.code),
                "at": format_instant(each.asked_at, actor().time_zone),
            }
            for each in kept.list_own(actor(), ReportKind.COHORT, found, FILES_LISTED)
        ],
    )


def _ways_behind(found: Cohort, plan: str | None) -> dict[str, Any]:
    """Return how the page writes where the people of its numbers stand."""

    def numbers_href(name: str, **of: Any) -> str:
        return url_for("reports.cohort_number", code=found.code, name=name, plan=plan, **of)

    def people_href(group: str | None, list_of: str | None = None) -> str | None:
        return lead.href_of(found, plan, group, list_of)

    def number_parts(parts: Sequence[tuple[str, int, str | None]]) -> list[tuple[str, int, str | None]]:
        return [(label, number, people_href(group)) for label, number, group in parts]

    return {"numbers_href": numbers_href, "people_href": people_href, "number_parts": number_parts}


@blueprint.get("/cohorts/<code>/report.csv")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_report_csv(found: Cohort) -> AnyResponse | str:
    """Give the report as one table."""
    report, plan = _report(found)
    if report is None:
        raise NotFound()
    refuse_another_plan(plan)
    header, rows = cohort_sheet.table_of(report)
    trail = [
        {"label": _("Cohorts"), "href": url_for("reports.list_cohorts")},
        {"label": str(found.name), "href": url_for("reports.cohort", code=found.code, plan=plan)},
        {"label": _("Weekly report"), "href": url_for("reports.cohort_report", code=found.code, plan=plan)},
    ]
    return csv_or_what_is_lost(_filename(found, plan), header, rows, named_by=1, trail=trail)


@blueprint.get("/cohorts/<code>/report.xlsx")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_report_xlsx(found: Cohort) -> Response:
    """Give the report as a workbook, a sheet for each section."""
    report, plan = _report(found)
    if report is None:
        raise NotFound()
    refuse_another_plan(plan)
    return download(cohort_sheet.workbook_of(report), f"{_filename(found, plan)}.xlsx", XLSX_TYPE)


@blueprint.post("/cohorts/<code>/report")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def print_cohort_report(found: Cohort) -> Any:
    """Ask for the report as a PDF in the language of the page; a job makes it."""
    limits.files.take(actor().code)
    plan = request.args.get("plan", "")
    if plan:
        refuse_another_plan(following.plan.slug if (following := follow(found, plan)).plan else None)

    def work() -> Done:
        made = files.ask_cohort_report(cohort=found, plan_slug=plan, language=language(), by=actor())
        return Done(_("The file is being made."), url_for("reports.file", code=made.code))

    return carry_out(work)


def _report(found: Cohort) -> tuple[CohortSheet | None, str | None]:
    """Return the report in the language of the page, and the plan that it is about; None: nobody follows one."""
    read = cohort_reports.read(found, request.args.get("plan"), viewer_id=actor().id)
    if read is None or read.following.plan is None:
        return None, None
    return cohort_reports.told(read), read.following.plan.slug


def _filename(found: Cohort, plan: str | None) -> str:
    day = clock.today(found.market.time_zone).isoformat()
    return "-".join([found.code, *([plan] if plan else []), _("weekly-report"), day])
