"""The transcript: one's own, and that of a person one is responsible for; as a page, a table and a PDF."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, url_for

from portal.accounts.models import Person
from portal.accounts.queries import get_person
from portal.accounts.service.name_changes import stood_for
from portal.core import clock
from portal.core.access import actor, can, requires, signed_in
from portal.core.i18n import format_date, format_instant, format_percent, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.core.tables import download, download_csv
from portal.gradebook.formats.words import (
    deciders_of,
    kept_words,
    kind_words,
    reason_words,
    result_words,
    score_words,
    summary_of,
)
from portal.gradebook.permissions import SEE_TRANSCRIPT
from portal.gradebook.queries import transcripts as files
from portal.gradebook.rules import EntryKind
from portal.gradebook.service import transcripts
from portal.gradebook.service.rests import Rest
from portal.gradebook.service.transcripts import Line
from portal.gradebook.views import blueprint
from portal.quizzes.models import AttemptState
from portal.quizzes.permissions import SUPERVISE_ATTEMPT
from portal.quizzes.queries import list_attempts


@blueprint.get("/transcript")
@signed_in
def transcript() -> str:
    """Show one's own results."""
    return _page(actor(), is_own=True)


@blueprint.get("/people/<code>/transcript")
@requires(SEE_TRANSCRIPT, on=get_person)
def transcript_of(person: Person) -> str:
    """Show the results of a person one is responsible for."""
    return _page(person, is_own=person.id == actor().id)


@blueprint.get("/people/<code>/transcript.csv")
@requires(SEE_TRANSCRIPT, on=get_person)
def transcript_csv(person: Person) -> Response:
    """Give the transcript as a CSV file."""
    found = transcripts.transcript_of(person, as_learner=person.id == actor().id)
    zone = actor().time_zone
    header = [
        _("Quiz"), _("Version of the quiz"), _("Gradebook line"), _("Attempt"),
        _("Score in percent"), _("Pass mark in percent"),
        _("Result"), _("Date"), _("Reason"), _("Decided by"), _("Counts now"), _("Superseded"), _("Certificates"),
    ]  # fmt: skip
    rows = [
        [
            str(line.title),
            line.version,
            kind_words(line),
            line.attempt_no,
            line.score * 100 if line.score is not None else score_words(line) or None,
            line.pass_mark * 100 if line.pass_mark is not None else None,
            result_words(line),
            clock.local_date(line.at, zone),
            reason_words(line),
            deciders_of(line),
            _("yes") if line.counts else "",
            _("yes") if line.is_superseded else "",
            " ".join(line.certificates),
        ]
        for line in found.lines
    ]
    rows += [
        [str(rest.title), "", _("Certificate"), None, None, None, str(rest.word or ""), rest.on, "", "", "", "",
         rest.number]
        for rest in found.certificates
    ]  # fmt: skip
    return download_csv(f"transcript-{person.code}-{clock.today(zone).isoformat()}", header, rows)


@blueprint.post("/people/<code>/transcript/pdf")
@requires(SEE_TRANSCRIPT, on=get_person)
def print_transcript(person: Person) -> Any:
    """Ask for the transcript as a PDF in the language of the page; a job makes it."""

    def work() -> Done:
        made = transcripts.order_file(person=person, language=language(), by=actor())
        said = (
            _("The PDF is being created. Reload this page in a moment; it is then listed under “PDF files”.")
            if made is not None
            else _("This PDF is being created already. Reload this page in a moment.")
        )
        return Done(said, _address(person))

    return carry_out(work)


@blueprint.get("/people/<code>/transcript/<file>.pdf")
@requires(SEE_TRANSCRIPT, on=get_person)
def transcript_pdf(person: Person, file: str) -> Any:
    """Give a transcript that was printed."""
    found = files.get_file(person, file)
    assert found.content is not None
    day = clock.local_date(found.asked_at, actor().time_zone)
    return download(found.content, f"transcript-{person.code}-{day.isoformat()}.pdf", "application/pdf")


def _address(person: Person) -> str:
    if person.id == actor().id:
        return url_for("gradebook.transcript")
    return url_for("gradebook.transcript_of", code=person.code)


def _page(person: Person, *, is_own: bool) -> str:
    found, zone = transcripts.transcript_of(person, as_learner=is_own), actor().time_zone
    kept = transcripts.list_files(person)
    return render_template(
        "gradebook/transcript.html",
        rows=[_row(line, zone, is_own=is_own) for line in found.lines],
        certificates=[_certificate(rest) for rest in found.certificates],
        open_attempts=[] if is_own else _open_attempts(person, zone),
        is_own=is_own,
        has_left=not person.is_active,
        name=person.name_in(language()),
        printed_name=_printed_name(person),
        summary=summary_of(found),
        csv_href=url_for("gradebook.transcript_csv", code=person.code),
        print_href=url_for("gradebook.print_transcript", code=person.code),
        here=_address(person),
        is_being_made=transcripts.is_being_made(kept, language()),
        files=[
            {
                "asked": format_instant(each.asked_at, zone),
                "language": {"en": _("English"), "ja": _("Japanese")}[each.language],
                "href": url_for("gradebook.transcript_pdf", code=person.code, file=each.code)
                if each.made_at is not None
                else None,
            }
            for each in kept
        ],
    )


def _printed_name(person: Person) -> str:
    """Return the name that a PDF carries where the account carries one that nobody has confirmed yet; else nothing."""
    name = stood_for(person).name_in(language())
    return name if name != person.name_in(language()) else ""


def _row(line: Line, zone: str, *, is_own: bool) -> dict[str, Any]:
    attempt = line.entry.attempt
    return {
        "title": str(line.title),
        "href": url_for("quizzes.show", slug=line.slug),
        "version": line.version,
        "kind": kind_words(line),
        "is_plain": line.kind is EntryKind.RESULT,
        "attempt_no": line.attempt_no,
        "result_href": url_for("quizzes.result", code=attempt.code) if is_own and attempt is not None else None,
        "score": score_words(line),
        "pass_mark": format_percent(line.pass_mark) if line.pass_mark is not None else "",
        "state": {True: "passed", False: "failed", None: ""}[line.passed]
        or ("exempt" if line.kind is EntryKind.EXEMPTION else ""),
        "on": format_date(clock.local_date(line.at, zone), "short"),
        "reason": line.reason,
        "kept": kept_words() if line.is_kept else "",
        "decided_by": deciders_of(line),
        "counts": line.counts,
        "is_superseded": line.is_superseded,
        "certificates": list(line.certificates),
    }


def _certificate(rest: Rest) -> dict[str, Any]:
    return {
        "title": str(rest.title),
        "number": rest.number,
        "href": rest.href,
        "look": rest.look,
        "word": str(rest.word or ""),
        "on": format_date(rest.on, "short"),
        "expires_on": format_date(rest.expires_on, "short") if rest.expires_on else "",
    }


def _open_attempts(person: Person, zone: str) -> list[dict[str, Any]]:
    """Return the attempts without a released result whose history the viewer may see."""
    return [
        {
            "title": str(attempt.quiz_version.title),
            "href": url_for("quizzes.supervision", code=attempt.code),
            "number": attempt.attempt_no,
            "started": format_instant(attempt.started_at, zone),
            "state": "in_progress" if attempt.state is AttemptState.IN_PROGRESS else "not_released",
        }
        for attempt in list_attempts(person)
        if attempt.state not in (AttemptState.RELEASED, AttemptState.VOIDED) and can(SUPERVISE_ATTEMPT, attempt)
    ]
