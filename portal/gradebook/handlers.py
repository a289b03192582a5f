"""What the gradebook does when a result is released or corrected, and the job that prints a transcript."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.accounts.models import NamesKept
from portal.accounts.service.name_changes import stood_for
from portal.core import clock, jobs, pdf
from portal.core.access import can
from portal.core.i18n import LazyText, force_locale, format_date, format_instant, format_percent, language, other
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.gradebook import service
from portal.gradebook.formats import sheet
from portal.gradebook.formats.sheet import PrintedCertificate, PrintedLine, PrintedTranscript
from portal.gradebook.formats.words import deciders_of, kept_words, kind_words, result_words, score_words, summary_of
from portal.gradebook.models import TranscriptFile
from portal.gradebook.permissions import SEE_TRANSCRIPT
from portal.gradebook.queries import transcripts as files
from portal.gradebook.rules import EntryKind
from portal.gradebook.service import transcripts
from portal.gradebook.service.transcripts import Line
from portal.organisation import queries as organisation
from portal.quizzes.events import AttemptReleased, ResultCorrected


def enter_result(event: AttemptReleased | ResultCorrected) -> None:
    """Enter the result as a line of its own."""
    service.add_result(
        person_id=event.person_id,
        quiz_id=event.quiz_id,
        attempt_id=event.attempt_id,
        score=event.score,
        passed=event.passed,
        at=event.at,
    )


# --- printing ----------------------------------------------------------------------------------


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    found = {each.code: each for each in files.list_files_of([each["code"] for each in arguments])}
    return [
        jobs.Description(
            _l("Transcript as a PDF"),
            file.person.name_in(language()),
            url_for("gradebook.transcript_of", code=file.person.code),
        )
        if (file := found.get(each["code"])) is not None and can(SEE_TRANSCRIPT, file.person)
        else jobs.Description(_l("Transcript as a PDF"))
        for each in arguments
    ]


def _explain(failure: str) -> LazyText | None:
    if failure == "PdfFailed":
        return _l("The file could not be drawn. Check that the fonts and WeasyPrint's libraries are installed.")
    if failure == "CharacterWithoutGlyph":
        return _l("A name or a reason has a character that no font of the portal has.")
    return None


@jobs.job(transcripts.JOB, describe=_describe, explain=_explain)
def print_transcript(code: str) -> Generator[Any, Any, None]:
    """Make the PDF that was asked for; one that was removed meanwhile is not made any more."""
    file = files.find_file(code)
    if file is None or file.made_at is not None:
        return
    rendered = yield jobs.Outside(_printing(printed_of(file)))
    kept = files.find_file(code)
    if kept is not None:
        transcripts.keep_file(kept, rendered.content)


@jobs.periodic("gradebook.tidy", minutes=60, what=_l("Remove old PDF files of transcripts"))
def tidy() -> None:
    """Remove transcripts that were printed some days ago."""
    transcripts.tidy_files()


def printed_of(file: TranscriptFile) -> PrintedTranscript:
    """Return what is printed, in the language that was asked for.

    The name is the one that certificates carry: one that she has set herself counts once it is confirmed.
    """
    person, tag = file.person, file.language
    names = stood_for(person)
    with force_locale(tag):
        found = transcripts.transcript_of(person)
        zone = person.time_zone
        return PrintedTranscript(
            language=tag,
            identifier=f"transcript:{file.code}",
            name=names.name_in(tag),
            kana=names.full_kana if tag == "ja" else "",
            other_name=_other_name(names, tag),
            organisation=organisation.name().in_(tag),
            as_of=format_instant(file.asked_at, zone),
            summary=summary_of(found),
            lines=[_line(line, zone) for line in found.lines],
            certificates=[
                PrintedCertificate(
                    title=rest.title.in_(tag),
                    number=rest.number,
                    issued_on=format_date(rest.on, "short"),
                    expires_on=format_date(rest.expires_on, "short") if rest.expires_on else "–",
                    state=str(rest.word or ""),
                )
                for rest in found.certificates
            ],
        )


def _other_name(names: NamesKept, tag: str) -> str:
    found = names.name_in(other(tag))
    return found if found != names.name_in(tag) else ""


def _line(line: Line, zone: str) -> PrintedLine:
    notes = [line.reason] if line.reason else []
    if line.is_kept:
        notes.append(kept_words())
    if line.counts:
        notes.insert(0, _("Counts now"))
    if deciders := deciders_of(line):
        notes.append(_("Decided by %(people)s.", people=deciders))
    if line.is_superseded:
        notes.append(_("Superseded by a later line."))
    if line.certificates:
        notes.append(_("Certificates that rest on it: %(numbers)s", numbers=", ".join(line.certificates)))
    return PrintedLine(
        quiz=str(line.title),
        version=line.version,
        kind="" if line.kind is EntryKind.RESULT else kind_words(line),
        attempt=str(line.attempt_no or ""),
        score=score_words(line) or "–",
        pass_mark=format_percent(line.pass_mark) if line.pass_mark is not None else "–",
        result=result_words(line),
        on=format_date(clock.local_date(line.at, zone), "short"),
        notes=notes,
        is_superseded=line.is_superseded,
    )


def _printing(printed: PrintedTranscript) -> Callable[[], pdf.Rendered]:
    return lambda: pdf.render(
        sheet.html_of(printed),
        stylesheets=sheet.stylesheets(),
        assets={},
        fonts=("sans",),
        identifier=printed.identifier,
        title=sheet.title_of(printed),
        language=printed.language,
    )
