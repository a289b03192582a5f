"""Reports as files: asked for, made by a job, kept for days; what is kept for good is the hash of what was made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import update

from portal.accounts.models import Person, Role
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach, reach_of
from portal.core import clock, i18n, jobs, pdf
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.i18n import gettext as _
from portal.core.jobs import Outside, Progress
from portal.core.tables import Encoding
from portal.journal.service import record
from portal.library import queries as library
from portal.organisation import queries as organisation
from portal.reports.errors import PeriodRefused, PeriodTooLong, TotalsDiffer
from portal.reports.formats import cohort_sheet, evidence_sheet
from portal.reports.formats.cohort_sheet import CohortSheet
from portal.reports.formats.evidence_sheet import EvidenceSheet
from portal.reports.formats.words import listed
from portal.reports.models import ReportFile
from portal.reports.queries import evidence as evidences
from portal.reports.queries import files
from portal.reports.queries.evidence import Period, Scope
from portal.reports.rules import KEPT, LONGEST_YEARS, FileFormat, ReportKind, Week, is_too_long
from portal.reports.service import cohort_reports

JOB = "reports.make_file"
# A job that has not come so far by then has failed; the same may be asked for again.
MADE_WITHIN = timedelta(minutes=5)
# The printers' mark for a missing type.
_MISSING = "〓"


# --- Asking ------------------------------------------------------------------------------------


def ask_cohort_report(*, cohort: Cohort, plan_slug: str, language: str, by: Person) -> ReportFile:
    """Ask for the weekly report of a cohort as a PDF; the same that is being made already is not made twice."""
    wanted = ReportFile(format=FileFormat.PDF, encoding="utf-8-sig", language=language, asked={"plan": plan_slug})
    return _ask(ReportKind.COHORT, wanted, cohort, by)


def ask_evidence(
    *,
    first: date,
    last: date,
    market: str,
    team: str,
    kind: FileFormat,
    encoding: Encoding,
    language: str,
    by: Person,
) -> ReportFile:
    """Ask for the evidence of a period as a file. Raises `PeriodRefused`."""
    period_of(first, last, market)
    asked = {"first": first.isoformat(), "last": last.isoformat(), "market": market, "team": team}
    wanted = ReportFile(
        format=kind, encoding=encoding if kind is FileFormat.CSV else "utf-8-sig", language=language, asked=asked
    )
    return _ask(ReportKind.EVIDENCE, wanted, None, by)


def period_of(first: date, last: date, market: str) -> Period:
    """Return the period in the zone of the market, or of the organisation where none was chosen.

    Raises `PeriodRefused`, `PeriodTooLong`, `NotFound` for an unknown market.
    """
    zone = organisation.get_market(market).time_zone if market else organisation.default_time_zone()
    if not first <= last <= clock.today(zone):
        raise PeriodRefused()
    if is_too_long(first, last):
        raise PeriodTooLong(years=LONGEST_YEARS)
    return Period(first, last, zone)


def reach_over_evidence(person: Person) -> Reach:
    """Return of whom somebody may export evidence."""
    return reach_of(person, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))


def _ask(kind: ReportKind, wanted: ReportFile, cohort: Cohort | None, by: Person) -> ReportFile:
    """Owe a file as it is wanted, or return the same that is being made already."""

    def wish(file: ReportFile) -> tuple[object, ...]:
        return file.format, file.encoding, file.language, file.asked

    since = clock.now() - MADE_WITHIN
    for each in files.list_own(by, kind, cohort):
        if wish(each) == wish(wanted) and each.made_at is None and each.asked_at > since:
            return each
    wanted.code, wanted.kind, wanted.cohort = new_code(), kind, cohort
    wanted.asked_by, wanted.asked_at, wanted.losses = by, clock.now(), []
    session.add(wanted)
    session.flush()
    jobs.enqueue(JOB, {"code": wanted.code}, effect_key=making_key(wanted), requested_by=by.code)
    return wanted


def making_key(file: ReportFile) -> str:
    """Return the effect key of the work that makes the file."""
    return f"{JOB}:{file.code}"


# --- Making ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    """The bytes of a file, and the characters that its encoding does not have."""

    content: bytes
    losses: list[list[Any]] = field(default_factory=list)


def make(code: str) -> Generator[Any, Any, None]:
    """Make a file that was asked for; the steps of a job: read, write outside of any transaction, keep."""
    file = files.find_file(code)
    if file is None or file.made_at is not None:
        return
    yield Progress(0, 3)
    file = files.get_file(code)
    writing = _writing(file)
    yield Progress(1, 3)
    made: Made = yield Outside(writing)
    found = files.find_file(code)
    if found is not None and found.made_at is None:
        keep(found, made)
        yield Progress(3, 3)


def _writing(file: ReportFile) -> Callable[[], Made]:
    """Read what the file says; return what writes it from plain data."""
    with force_locale(file.language):
        if file.kind is ReportKind.COHORT:
            assert file.cohort is not None
            found = cohort_reports.read(file.cohort, file.asked["plan"], viewer_id=file.asked_by_id)
            if found is None:
                raise LookupError("nobody of the cohort follows a plan any more")
            report = cohort_reports.told(found)
            return lambda: Made(print_cohort(report))
        evidence = evidence_of(file.asked, file.asked_by)
    kind, encoding = file.format, file.encoding
    return lambda: _written(evidence, kind, encoding)


def evidence_of(asked: Mapping[str, str], by: Person) -> EvidenceSheet:
    """Tell the evidence that somebody asked for, in the present language.

    Raises `PeriodRefused`, and `TotalsDiffer` where the rows do not sum up to what the database counts.
    """
    market, team = asked["market"], asked["team"]
    period = period_of(date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"]), market)
    found = evidences.evidence(period, Scope(reach_over_evidence(by), market, team), viewer_id=by.id)
    if not found.reconciles:
        raise TotalsDiffer()
    return evidence_sheet.told(
        found,
        organisation=str(organisation.name()),
        scope=scope_words(market, team, by),
        markets={each.code: str(each.name) for each in organisation.list_markets()},
        documents=library.list_document_names({each.document for each in found.confirmed}, i18n.language()),
    )


def scope_words(market: str, team: str, by: Person) -> str:
    """Say whose evidence it is: a market's, a team's, everybody's, or that of those whom somebody leads."""
    said = [
        str(organisation.get_market(market).name) if market else "",
        str(organisation.get_team(team).name) if team else "",
    ]
    chosen = listed(*(each for each in said if each))
    if reach_over_evidence(by).everywhere:
        return chosen or _("Everybody")
    led = _("the people whom %(name)s leads", name=by.name_in(i18n.language()))
    return _("%(chosen)s: %(led)s", chosen=chosen, led=led) if chosen else led


def _written(evidence: EvidenceSheet, kind: FileFormat, encoding: str) -> Made:
    match kind:
        case FileFormat.XLSX:
            return Made(evidence_sheet.workbook_of(evidence))
        case FileFormat.CSV:
            chosen: Encoding = "cp932" if encoding == "cp932" else "utf-8-sig"
            content, lost = evidence_sheet.archive_of(evidence, chosen)
            return Made(
                content,
                [[name, one.line, one.row, one.column, one.character, one.written_as] for name, one in lost],
            )
        case FileFormat.PDF:
            return Made(
                _printed(
                    evidence_sheet.html_of(evidence),
                    evidence_sheet.stylesheets(),
                    {},
                    evidence_sheet.title_of(evidence),
                    evidence.language,
                )
            )


def print_cohort(report: CohortSheet) -> bytes:
    """Return the weekly report on paper."""
    return _printed(
        cohort_sheet.html_of(report),
        cohort_sheet.stylesheets(),
        cohort_sheet.assets(report),
        cohort_sheet.title_of(report),
        report.language,
    )


def _printed(html: str, stylesheets: tuple[str, ...], assets: Mapping[str, bytes], title: str, language: str) -> bytes:
    """Print a page; a character that no font has is printed as 〓, and the page says so."""

    def render(page: str) -> bytes:
        return pdf.render(
            page,
            stylesheets=stylesheets,
            assets=assets,
            fonts=("sans",),
            # From the page alone: the same page gives the same bytes.
            identifier=f"report:{sha256(page.encode()).hexdigest()}",
            title=title,
            language=language,
        ).content

    try:
        return render(html)
    except pdf.CharacterWithoutGlyph as missing:
        for each in missing.characters:
            html = html.replace(each, _MISSING)
            title = title.replace(each, _MISSING)
        with force_locale(language):
            note = _("%(mark)s stands for a character that the fonts of the portal do not have.", mark=_MISSING)
        return render(html.replace("</body>", f"<p>{note}</p></body>"))


def keep(file: ReportFile, made: Made) -> None:
    """Keep what was made, with its hash; that of evidence goes into the journal, where nobody can change it."""
    file.content, file.losses, file.made_at = made.content, made.losses, clock.now()
    file.sha256, file.size = sha256(made.content).hexdigest(), len(made.content)
    session.flush()
    if file.kind is ReportKind.EVIDENCE:
        record(
            "reports.evidence_made",
            by=file.asked_by,
            subject=("report_file", file.code),
            after={
                "first_on": file.asked["first"],
                "last_on": file.asked["last"],
                "market": file.asked["market"] or None,
                "team": file.asked["team"] or None,
                "format": file.format.value,
                "encoding": file.encoding,
                "language": file.language,
                "sha256": file.sha256,
            },
        )


def tidy() -> None:
    """Forget the bytes of old files; what they were, and their hashes, stay."""
    session.execute(
        update(ReportFile)
        .where(ReportFile.asked_at < clock.now() - KEPT, ReportFile.content.is_not(None))
        .values(content=None)
        .execution_options(synchronize_session=False)
    )


def filename_of(file: ReportFile) -> str:
    """Return the name under which the file is saved."""
    if file.kind is ReportKind.COHORT:
        assert file.cohort is not None
        day = clock.local_date(file.asked_at, file.cohort.market.time_zone)
        # A report that goes out by itself is named by its mail.
        plan = file.asked.get("plan")
        stem = "-".join([file.cohort.code, *([plan] if plan else []), day.isoformat(), file.language])
        return f"{stem}.{file.format}"
    asked = file.asked
    scope = "-".join(each for each in (asked["market"], asked["team"]) if each)
    stem = "-".join(["evidence", asked["first"], asked["last"], *([scope] if scope else []), file.language])
    if file.format is FileFormat.CSV:
        return f"{stem}-{'cp932' if file.encoding == 'cp932' else 'utf-8'}.zip"
    return f"{stem}.{file.format}"


def keep_for_mail(
    *, cohort: Cohort, schedule: str, week: Week, kind: FileFormat, language: str, content: bytes, by: Person
) -> ReportFile:
    """Keep a file that a schedule sends, until its mails have gone out."""
    found = ReportFile(
        code=new_code(),
        kind=ReportKind.COHORT,
        format=kind,
        encoding="utf-8-sig",
        language=language,
        cohort=cohort,
        asked={"schedule": schedule, "first": week.first.isoformat(), "last": week.last.isoformat()},
        asked_by=by,
        asked_at=clock.now(),
        losses=[],
    )
    session.add(found)
    keep(found, Made(content))
    return found
