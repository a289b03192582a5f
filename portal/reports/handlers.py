"""What reports do in the background: make files, send those of each week, forget old ones."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.cohorts.permissions import SEE_COHORT
from portal.core import jobs
from portal.core.access import can
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description, Progress
from portal.reports.queries import schedules as queries
from portal.reports.service import files, schedules


def _describe_file(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    return [Description(_l("Report as a file"), about=each["code"]) for each in arguments]


def _describe_sending(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.code: each for each in queries.list_schedules_of([each["schedule"] for each in arguments])}
    return [
        Description(
            _l("Weekly report by mail"),
            str(schedule.cohort.name),
            url_for("reports.cohort", code=schedule.cohort.code),
            each["week_of"],
        )
        if (schedule := found.get(each["schedule"])) is not None and can(SEE_COHORT, schedule.cohort)
        else Description(_l("Weekly report by mail"), about=each["week_of"])
        for each in arguments
    ]


def _explain(failure: str) -> LazyText | None:
    if failure == "PdfFailed":
        return _l("The file could not be drawn. Check that the fonts and WeasyPrint's libraries are installed.")
    if failure == "TotalsDiffer":
        return _l("The totals did not agree with the rows, because something changed meanwhile.")
    if failure == "HolidayYearUnknown":
        return _l("The holidays of a year that the plan reaches into are not known yet.")
    return None


@jobs.job(files.JOB, describe=_describe_file, explain=_explain)
def make_file(code: str) -> Generator[Any, Any, None]:
    """Make a report that somebody asked for."""
    yield from files.make(code)


@jobs.job(schedules.JOB, describe=_describe_sending, explain=_explain)
def send_weekly(schedule: str, week_of: str) -> Generator[Any, Any, None]:
    """Make the report of a week and owe the mails that bring it."""
    yield from schedules.send(schedule, week_of)


@jobs.periodic("reports.schedules", minutes=10, what=_l("Send the weekly reports whose hour has come"))
def send_reports() -> Iterator[Progress]:
    """Owe the weekly reports that are due."""
    yield from schedules.sweep()


@jobs.periodic("reports.tidy", minutes=59, what=_l("Forget old files of reports"))
def tidy() -> None:
    """Forget the bytes of reports that were made long ago."""
    files.tidy()
