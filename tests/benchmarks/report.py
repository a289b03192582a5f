"""Reports of 500 people in a plan of 60 steps as a job makes them: the weekly PDF, and evidence of six weeks.

    python -m tests.benchmarks.report [--database sqlite|postgresql|both] [--people 500] [--steps 60]

Prints Markdown. Time is what passes from the moment at which a worker takes the job until its file is kept, the start
of the PDF process in the first of them included; the aim is 10 s for the weekly PDF. The people are those of
`tests.benchmarks.lead_page`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date

from sqlalchemy import select

from portal.accounts.models import Person
from portal.cohorts.queries import get_cohort
from portal.core import clock, jobs
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.reports.formats import cohort_sheet
from portal.reports.models import ReportFile
from portal.reports.rules import FileFormat
from portal.reports.service import cohort_reports, files
from tests.benchmarks.campaigns import application
from tests.benchmarks.lead_page import TODAY, fill

FIRST, LAST = date(2026, 4, 1), date(2026, 5, 14)


def made(ask: Callable[[], ReportFile]) -> tuple[float, float, int]:
    """Ask for a file and carry out its job; return seconds, seconds of CPU in this process, and bytes."""
    with own_transaction():
        file = ask()
        owed = jobs.find_job(files.making_key(file))
        assert owed is not None
        number, code = owed.id, file.code
    session.remove()
    begun, cpu = time.perf_counter(), time.process_time()
    assert jobs.run_job(number)
    seconds, spent = time.perf_counter() - begun, time.process_time() - cpu
    size = session.scalars(select(ReportFile.size).where(ReportFile.code == code)).one()
    return seconds, spent, size or 0


def run(database: str, people: int, steps: int) -> list[str]:
    """Measure on one kind of database and return the lines of its report."""
    with application(database), clock.frozen(TODAY):
        code, _leads = fill(people, steps, 1)

        def admin() -> Person:
            return session.scalars(select(Person).where(Person.sign_in_name == "admin@portal.example")).one()

        def weekly(language: str) -> ReportFile:
            return files.ask_cohort_report(cohort=get_cohort(code), plan_slug="", language=language, by=admin())

        def evidence(kind: FileFormat) -> ReportFile:
            return files.ask_evidence(
                first=FIRST, last=LAST, market="", team="", kind=kind, encoding="utf-8-sig", language="ja", by=admin()
            )

        lines = ["| file | s | s of CPU, worker | KB |", "|---|---|---|---|"]
        for name, ask in (
            ("weekly report, PDF, Japanese, first", lambda: weekly("ja")),
            ("weekly report, PDF, English", lambda: weekly("en")),
            ("evidence, XLSX", lambda: evidence(FileFormat.XLSX)),
            ("evidence, CSV", lambda: evidence(FileFormat.CSV)),
            ("evidence, PDF", lambda: evidence(FileFormat.PDF)),
        ):
            seconds, cpu, size = made(ask)
            lines.append(f"| {name} | {seconds:.1f} | {cpu:.1f} | {size / 1024:.0f} |")
        begun = time.perf_counter()
        with force_locale("ja"):
            read = cohort_reports.read(get_cohort(code), None, viewer_id=0)
            assert read is not None
            size = len(cohort_sheet.workbook_of(cohort_reports.told(read)))
        lines.append(f"| weekly report, XLSX | {time.perf_counter() - begun:.1f} | | {size / 1024:.0f} |")
        return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="sqlite")
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args()
    for database in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        print(f"### {database}, {asked.people} × {asked.steps}\n")
        print("\n".join(run(database, asked.people, asked.steps)))


if __name__ == "__main__":
    main()
