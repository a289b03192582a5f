"""The dossier of a handover: what is in it, issuing it into the library, who has confirmed it, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug import Response

from portal.core import jobs
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError, NotFound
from portal.core.i18n import LANGUAGE_NAMES, LANGUAGES, format_date, format_instant, language, ngettext
from portal.core.i18n import gettext as _
from portal.core.jobs import JobState
from portal.core.markdown import split_clauses
from portal.core.once import Done, carry_out
from portal.core.tables import download
from portal.handover.errors import NoSuchHandover
from portal.handover.formats.dossier import markdown_of, markdown_of_version, named_characters, unprintable_in
from portal.handover.models import DossierFile, Handover
from portal.handover.permissions import ISSUE_DOSSIER, READ_DOSSIER, SEE_HANDOVER, reads_all_of
from portal.handover.queries import dossiers as stored
from portal.handover.queries import handovers as queries
from portal.handover.service import issuing
from portal.handover.service.dossier import Dossier, dossier_of
from portal.handover.service.issuing import Issued, Prepared
from portal.handover.service.standing import is_real
from portal.handover.views import blueprint
from portal.handover.views.shown import name_of
from portal.library import queries as library
from portal.library.models import ChangeClass, Document, DocumentVersion
from portal.library.permissions import READ_DOCUMENT
from portal.library.queries.redlines import redline_of_sources

_LOOKS = {
    JobState.CREATED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed_job",
    JobState.CANCELLED: "failed_job",
}


def _dossier(found: Handover, tag: str) -> Dossier:
    if tag not in LANGUAGES:
        raise NoSuchHandover()
    viewer = actor()
    return dossier_of(found, tag=tag, successor=None if reads_all_of(viewer, found) else viewer)


# --- What is issued ----------------------------------------------------------------------------


@blueprint.get("/handovers/<code>/dossier")
@requires(READ_DOSSIER, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def dossier(found: Handover) -> str:
    """Show which versions were issued, who has confirmed them, and what the cards say now."""
    made, here = _dossier(found, language()), language()
    issued = issued_to(found)
    works = _works([version for each in issued for version in each.dossier.document.versions])
    return render_template(
        "handover/dossier.html",
        code=found.code,
        name=found.person.name_in(here),
        is_real=is_real(found),
        is_open=found.is_open,
        is_part=made.is_part,
        issued=[_issued_row(each, works) for each in issued],
        may_issue=can(ISSUE_DOSSIER, found) and found.is_open,
        rows=[
            {
                "title": each.title,
                "has_card": each.has_card,
                "missing": _(", ").join(each.missing),
                "other": sum(text.language != here for text in each.texts),
                "facts": each.facts,
            }
            for each in made.entries
        ],
        without=len(made.without_card),
        files=_files(found),
    )


def _files(found: Handover) -> list[dict[str, str]]:
    """Return where what the cards say now is given as Markdown, the reader's language first."""
    here = language()
    return [
        {
            "tag": tag,
            "language": LANGUAGE_NAMES[tag],
            "href": url_for("handover.dossier_markdown", code=found.code, language=tag),
        }
        for tag in (here, *(each for each in LANGUAGES if each != here))
    ]


def issued_to(found: Handover) -> list[Issued]:
    """Return the dossiers of a handover that the reader may read: all of them, or the one that is hers."""
    viewer = actor()
    whole = reads_all_of(viewer, found)
    return [
        each
        for each in issuing.dossiers_of(found)
        if whole or (each.dossier.successor_id == viewer.id and can(READ_DOCUMENT, each.dossier.document))
    ]


def confirmation_of(each: Issued) -> dict[str, str] | None:
    """Return how far the successor of a dossier is with confirming it, or None where nobody is asked."""
    successor = each.dossier.successor
    if successor is None:
        return None
    said = ""
    if each.confirmed is not None:
        said = _(
            "Version %(number)s on %(date)s",
            number=each.confirmed.number,
            date=format_instant(each.confirmed.at, actor().time_zone),
        )
    if each.is_missing:
        return {"look": "waiting", "word": _("Not confirmed yet"), "said": said}
    if each.confirmed is not None:
        return {"look": "done", "word": _("Confirmed"), "said": said}
    return {"look": "ended", "word": _("Not asked any more"), "said": ""}


def name_of_dossier(each: Issued) -> str:
    """Say what of the handover a dossier holds."""
    successor = each.dossier.successor
    return _("Everything") if successor is None else _("For %(name)s", name=name_of(successor))


def _issued_row(each: Issued, works: _Works) -> dict[str, Any]:
    document = each.dossier.document
    versions = [_version_row(document, version, works) for version in reversed(document.versions)]
    return {
        "name": name_of_dossier(each),
        "confirmation": confirmation_of(each),
        "latest": versions[0],
        "earlier": versions[1:],
        "read_href": url_for("library.read", slug=document.slug),
        "history_href": url_for("library.history", slug=document.slug) if len(versions) > 1 else None,
    }


class _Works:
    """Files of versions, and the work that makes those which are not made yet; read together."""

    def __init__(self, versions: Sequence[DocumentVersion]) -> None:
        self._files: Mapping[tuple[int, str], DossierFile] = stored.list_files([each.id for each in versions])
        keys = [
            issuing.file_key(each, tag) for each in versions for tag in LANGUAGES if (each.id, tag) not in self._files
        ]
        self._jobs = jobs.find_jobs(keys) if keys else {}

    def of(self, version: DocumentVersion, tag: str) -> tuple[DossierFile | None, str]:
        """Return the file, or None with how far its making is."""
        found = self._files.get((version.id, tag))
        if found is not None:
            # Without bytes it is being printed again, since a text was taken out.
            return (found, "done") if found.size else (None, "queued")
        work = self._jobs.get(issuing.file_key(version, tag))
        return None, _LOOKS[work.state] if work is not None else "failed_job"


def _works(versions: Sequence[DocumentVersion]) -> _Works:
    return _Works(versions)


def _version_row(document: Document, version: DocumentVersion, works: _Works) -> dict[str, Any]:
    here = language()
    files = []
    for tag in (here, *(each for each in LANGUAGES if each != here)):
        file, look = works.of(version, tag)
        address: dict[str, Any] = {"slug": document.slug, "number": version.number, "language": tag}
        files.append(
            {
                "language": LANGUAGE_NAMES[tag],
                "tag": tag,
                "look": look,
                "sha256": file.sha256 if file is not None else "",
                "pdf": url_for("handover.issued_pdf", **address) if file is not None else None,
                "markdown": url_for("handover.issued_markdown", **address),
            }
        )
    return {
        "number": version.number,
        "issued": format_date(version.issued_on, "short"),
        "href": url_for("library.read_version", slug=document.slug, number=version.number),
        "is_withdrawn": version.withdrawn_at is not None,
        "files": files,
        "is_being_made": any(each["look"] in ("queued", "running") for each in files),
    }


# --- Issuing -----------------------------------------------------------------------------------


@blueprint.route("/handovers/<code>/dossier/issue", methods=["GET", "POST"])
@requires(ISSUE_DOSSIER, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def issue_dossier(found: Handover) -> Response | tuple[str, int]:
    """Issue what the cards say, after a look at what changed since the last time and at who reads it."""
    problem, status = "", 200
    if request.method == "POST":

        def work() -> Done:
            issued = issuing.issue(handover=found, by=actor())
            said = ngettext("%(num)d version was issued.", "%(num)d versions were issued.", len(issued))
            return Done(said, url_for("handover.dossier", code=found.code))

        try:
            return carry_out(work)
        except DomainError as refused:
            problem, status = str(refused), refused.status
    prepared = issuing.prepare(found) if found.is_open else []
    page = render_template(
        "handover/issue.html",
        name=found.person.name_in(language()),
        handover_href=url_for("handover.handover", code=found.code),
        back=url_for("handover.dossier", code=found.code),
        is_open=found.is_open,
        problem=problem,
        too_long=[{"name": _prepared_name(each), "problem": each.problem} for each in prepared if each.problem],
        files=_files(found),
        changed=[_prepared_row(number, each) for number, each in enumerate(prepared, 1) if each.change is not None],
        same=[_prepared_name(each) for each in prepared if each.change is None and not each.problem],
        unprintable=_unprintable(prepared),
        is_empty=not prepared,
    )
    return page, status


def _unprintable(prepared: Sequence[Prepared]) -> dict[str, str] | None:
    """Return which characters of what would be issued a PDF cannot show, as they are and by their numbers."""
    found = unprintable_in(text.source for each in prepared if each.change is not None for text in each.texts.values())
    return {"shown": " ".join(found[:12]), "named": named_characters(found)} if found else None


def _prepared_name(each: Prepared) -> str:
    return _("Everything") if each.successor is None else _("For %(name)s", name=name_of(each.successor))


def _prepared_row(number: int, each: Prepared) -> dict[str, Any]:
    here = language()
    text = each.texts[here]
    before = each.latest.text_in(here) if each.latest is not None else None
    redline = redline_of_sources(before.source, text.source, here) if before is not None else None
    return {
        "name": _prepared_name(each),
        "is_part": each.successor is not None,
        "is_first": each.latest is None,
        "is_minor": each.change is ChangeClass.MINOR,
        "number": each.latest.number if each.latest is not None else "",
        "prefix": f"d{number}-",
        "clauses": redline.changed if redline is not None else (),
        "headings": [one.heading for one in split_clauses(text.source) if one.level == 2][1:],
    }


# --- Files -------------------------------------------------------------------------------------


@blueprint.get("/handovers/<code>/dossier/<language>.md")
@requires(READ_DOSSIER, on=queries.get_handover, see=SEE_HANDOVER, absent=NoSuchHandover)
def dossier_markdown(found: Handover, language: str) -> Response:
    """Give what the cards say now as Markdown."""
    made = _dossier(found, language)
    return download(
        markdown_of(made).encode(), f"{made.title} handover-{found.code.lower()}.md", "text/markdown; charset=utf-8"
    )


@blueprint.get("/dossiers/<slug>/<number>/<language>.md")
@requires(READ_DOCUMENT, on=library.get_document, absent=NoSuchHandover)
def issued_markdown(document: Document, number: str, language: str) -> Response:
    """Give a version that was issued as Markdown."""
    text = _version(document, number).text_in(language)
    if text is None:
        raise NoSuchHandover()
    return download(
        markdown_of_version(text).encode(), f"{text.title} {document.slug} {number}.md", "text/markdown; charset=utf-8"
    )


@blueprint.get("/dossiers/<slug>/<number>/<language>.pdf")
@requires(READ_DOCUMENT, on=library.get_document, absent=NoSuchHandover)
def issued_pdf(document: Document, number: str, language: str) -> Response:
    """Give a version that was issued as the PDF that was printed of it."""
    version = _version(document, number)
    text, file = version.text_in(language), stored.find_file(version.id, language)
    if text is None or file is None or not file.size:
        raise NoSuchHandover()
    return download(file.content, f"{text.title} {document.slug} {number}.pdf", "application/pdf")


def _version(document: Document, number: str) -> DocumentVersion:
    if stored.find_dossier_of(document.id) is None:
        raise NoSuchHandover()
    try:
        return library.get_version(document, number)
    except NotFound as missing:
        raise NoSuchHandover() from missing
