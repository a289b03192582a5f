"""A report as a file: how far it is, what its encoding does not have, its hash, and the file itself."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, url_for

from portal.core import jobs, tables
from portal.core.access import actor, requires
from portal.core.errors import NotFound
from portal.core.i18n import format_instant
from portal.core.i18n import gettext as _
from portal.core.jobs import JobState
from portal.core.tables import Lost
from portal.reports.formats.evidence_sheet import LANGUAGE_WORDS
from portal.reports.models import ReportFile
from portal.reports.permissions import OPEN_FILE
from portal.reports.queries import files as queries
from portal.reports.rules import KEPT, FileFormat, ReportKind
from portal.reports.service import files as service
from portal.reports.views import blueprint
from portal.reports.views.encoded import SHOWN, told

_TYPES = {
    FileFormat.PDF: "application/pdf",
    FileFormat.XLSX: tables.XLSX_TYPE,
    FileFormat.CSV: "application/zip",
}
_LOOKS = {
    JobState.CREATED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed_job",
    JobState.CANCELLED: "failed_job",
}


@blueprint.get("/report-files/<code>")
@requires(OPEN_FILE, on=queries.get_file)
def file(found: ReportFile) -> str:
    """Show how far a file is, and once it is made what is known of it."""
    zone = actor().time_zone
    until = found.asked_at + KEPT
    is_kept = found.made_at is not None and queries.read_content(found) is not None
    return render_template(
        "reports/file.html",
        code=found.code,
        filename=service.filename_of(found),
        trail=_trail(found),
        is_made=found.made_at is not None,
        is_kept=is_kept,
        work=_work(found),
        lost=[
            told(Lost(line, column, character, written_as, row)) | {"file": name}
            for name, line, row, column, character, written_as in found.losses[:SHOWN]
        ],
        total=len(found.losses),
        again_href=_again(found),
        save_href=url_for("reports.save_file", code=found.code),
        facts=[
            (_("Language"), str(LANGUAGE_WORDS[found.language])),
            (_("Asked for on"), format_instant(found.asked_at, zone)),
            (_("Made on"), format_instant(found.made_at, zone) if found.made_at else None),
            (_("Size"), _("%(number)s KB", number=-(-found.size // 1024)) if found.size else None),
            (_("Kept until"), format_instant(until, zone) if is_kept else None),
        ],
        sha256=found.sha256,
        is_evidence=found.kind is ReportKind.EVIDENCE,
    )


@blueprint.get("/report-files/<code>/progress")
@requires(OPEN_FILE, on=queries.get_file)
def file_progress(found: ReportFile) -> dict[str, Any]:
    """Say how far a file is."""
    return _work(found)


@blueprint.get("/report-files/<code>/file")
@requires(OPEN_FILE, on=queries.get_file)
def save_file(found: ReportFile) -> Response:
    """Give the file."""
    content = queries.read_content(found)
    if content is None:
        raise NotFound()
    return tables.download(content, service.filename_of(found), _TYPES[found.format])


def _work(found: ReportFile) -> dict[str, Any]:
    if found.made_at is not None:
        return {"state": "done", "done": 1, "total": 1}
    work = jobs.find_job(service.making_key(found))
    if work is None:
        return {"state": "failed_job", "done": 0, "total": 1}
    return {"state": _LOOKS[work.state], "done": work.done, "total": work.total}


def _again(found: ReportFile) -> str:
    """Return where the same can be asked for otherwise."""
    if found.cohort is not None:
        return url_for("reports.cohort_report", code=found.cohort.code, plan=found.asked.get("plan") or None)
    return url_for("reports.evidence", **{name: value for name, value in found.asked.items() if value})


def _trail(found: ReportFile) -> list[dict[str, Any]]:
    if found.cohort is None:
        return [{"label": _("Training evidence"), "href": url_for("reports.evidence")}]
    return [
        {"label": _("Cohorts"), "href": url_for("reports.list_cohorts")},
        {"label": str(found.cohort.name), "href": url_for("reports.cohort", code=found.cohort.code)},
        {"label": _("Weekly report"), "href": _again(found)},
    ]
