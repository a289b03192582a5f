"""The printed transcript: from plain data to HTML and styles, in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.core.i18n import force_locale, pgettext
from portal.core.i18n import gettext as _
from portal.core.printing import PrintFolder

TEMPLATES = PrintFolder("gradebook")


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line of the table, in words."""

    quiz: str
    version: str
    kind: str
    attempt: str
    score: str
    pass_mark: str
    result: str
    on: str
    # Reason, who decided, what became of it.
    notes: Sequence[str]
    is_superseded: bool


@dataclass(frozen=True, slots=True)
class PrintedCertificate:
    """One certificate, in words."""

    title: str
    number: str
    issued_on: str
    expires_on: str
    state: str


@dataclass(frozen=True, slots=True)
class PrintedTranscript:
    """Everything that stands on the paper, in one language."""

    language: str
    identifier: str
    name: str
    kana: str
    other_name: str
    organisation: str
    as_of: str
    summary: str
    lines: Sequence[PrintedLine]
    certificates: Sequence[PrintedCertificate]


def title_of(printed: PrintedTranscript) -> str:
    """Return the title of the file."""
    with force_locale(printed.language):
        return _("Transcript of %(name)s", name=printed.name)


def html_of(printed: PrintedTranscript) -> str:
    """Return the page."""
    with force_locale(printed.language):
        labels = {
            "heading": _("Transcript"),
            "as_of": _("As of"),
            "results": _("Results"),
            "quiz": _("Quiz"),
            "version": _("Version %(number)s", number="{}"),
            "attempt": _("Attempt"),
            "score": _("Score"),
            "pass_mark": _("Pass mark"),
            "result": _("Result"),
            "date": _("Date"),
            "certificates": _("Certificates"),
            "certificate": _("Certificate"),
            "number": pgettext("certificate", "Number"),
            "issued": _("Issued"),
            "expires": pgettext("certificate", "Valid until"),
            "state": _("State"),
            "none": _("No result yet"),
            "page": pgettext("printed page", "Page"),
            "kept": _("Every released result stays here. A correction is a further line; the line before it is kept."),
        }
    return TEMPLATES.html("transcript", printed=printed, labels=labels, title=title_of(printed))


def stylesheets() -> tuple[str, ...]:
    """Return the styles."""
    return (TEMPLATES.style("transcript"),)
