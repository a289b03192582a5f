"""How the lines of the gradebook are told, on pages, in tables and on paper."""

from __future__ import annotations

from portal.core.i18n import LazyText, format_percent, language, pgettext
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.gradebook.rules import EntryKind
from portal.gradebook.service.transcripts import Line, Transcript

KINDS: dict[EntryKind, LazyText] = {
    EntryKind.RESULT: _l("Result"),
    EntryKind.CORRECTION: _l("Correction"),
    EntryKind.OVERRIDE: _l("Score set by hand"),
    EntryKind.EXEMPTION: _l("Exemption"),
    EntryKind.WITHDRAWAL: _l("Withdrawal of a decision"),
}


def kind_words(line: Line) -> str:
    """Say what kind of line it is."""
    return str(KINDS[line.kind])


def summary_of(found: Transcript) -> str:
    """Say how many quizzes were passed, and from how many the person is exempt."""
    if not found.taken:
        return ""
    said = _("%(passed)s of %(taken)s quizzes passed", passed=found.passed, taken=found.taken)
    if not found.exempt:
        return said
    return _("%(passed)s, %(exempt)s exempt", passed=said, exempt=found.exempt)


def result_words(line: Line) -> str:
    """Say whether a line passed, or that the person is exempt; nothing for a withdrawal."""
    if line.kind is EntryKind.EXEMPTION:
        return _("Exempt")
    if line.passed is None:
        return ""
    return _("Passed") if line.passed else _("Not passed")


def score_words(line: Line, decimals: int = 1) -> str:
    """Say the score in percent, that it is not shown, or nothing where there is none."""
    if line.is_score_hidden:
        return pgettext("score", "Not shown")
    return format_percent(line.score, decimals) if line.score is not None else ""


def kept_words() -> str:
    """Say why a result below the pass mark is passed."""
    return _("Passed before the correction; a pass that was reached is kept.")


def reason_words(line: Line) -> str:
    """Say why a line was set or corrected, and why it is passed where its score is not enough."""
    return "\n".join(each for each in (line.reason, kept_words() if line.is_kept else "") if each)


def deciders_of(line: Line) -> str:
    """Name the two people who decided a line."""
    here = language()
    people = [each.name_in(here) for each in (line.asked_by, line.confirmed_by) if each is not None]
    return ("、" if here == "ja" else ", ").join(people)
