"""The weekly report of a cohort: from plain data to a page on paper, a workbook and a table, in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from xml.sax.saxutils import escape

from portal.core.i18n import force_locale, ngettext
from portal.core.i18n import gettext as _
from portal.core.printing import PrintFolder
from portal.core.tables import Share, Sheet, write_workbook

TEMPLATES = PrintFolder("reports")
# The paper is one page: it names so many of each, the workbook names all.
AT_RISK_NAMED, CHECKS_NAMED, CLAUSES_NAMED, DUE_NAMED, NAMES_NAMED = 8, 5, 5, 6, 8
# Of those whose dates cannot be computed it names these.
LEFT_OUT_NAMED = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change in the week: what it is, how often, and whom it concerns; on paper more briefly.

    `list_of` names the list of what was counted in an address of the screen.
    """

    list_of: str
    label: str
    number: int
    names: Sequence[str]
    brief: Sequence[str]


@dataclass(frozen=True, slots=True)
class RiskRow:
    """Somebody at risk: name, reading, reasons in words."""

    name: str
    kana: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """Somebody who is in no number, since her dates cannot be computed, her enrollment by its code, and why."""

    name: str
    kana: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A number with its formula; what stands behind it on the screen as `words.Figure` says."""

    label: str
    number: str
    formula: str
    group: str | None
    list_of: str | None
    parts: Sequence[tuple[str, int, str | None]]
    # What a workbook counts with, where the number is one: itself, and of how many.
    counts: tuple[int | Share, int | None] | None = None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """How the first tries at a quiz went."""

    quiz: str
    title: str
    passed: int
    tried: int
    share: str
    share_of_one: Fraction | None = None


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """How often a clause was missed at first tries."""

    slug: str
    anchor: str
    title: str
    document: str
    missed: int
    asked: int
    share: str
    points_at_policy: bool
    share_of_one: Fraction | None = None


@dataclass(frozen=True, slots=True)
class DueRow:
    """A step that falls due next: when, and for how many."""

    slug: str
    step: str
    when: str
    people: int
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class CohortSheet:
    """Everything that the report says, in words of one language."""

    language: str
    organisation: str
    cohort: str
    place: str
    plan: str
    as_of: str
    # When it was so; the workbook says so of its making.
    at: datetime
    zone: str
    week: str
    first: date
    last: date
    people: int
    changes: Sequence[Change]
    at_risk: Sequence[RiskRow]
    rule: str
    numbers: Sequence[NumberRow]
    everybody: str
    # As `words.curve` gives it; None: there is nothing to draw.
    curve: dict[str, Any] | None
    forecast: dict[str, str]
    checks: Sequence[CheckRow]
    clauses: Sequence[ClauseRow]
    due: Sequence[DueRow]
    left_out: Sequence[LeftOutRow] = ()


def title_of(sheet: CohortSheet) -> str:
    """Return the title of the file."""
    with force_locale(sheet.language):
        return _("Weekly report: %(cohort)s", cohort=sheet.cohort)


# --- On paper ----------------------------------------------------------------------------------


def html_of(sheet: CohortSheet) -> str:
    """Return the page."""
    with force_locale(sheet.language):
        labels = {
            "heading": _("Weekly report"),
            "as_of": _("As of"),
            "week": _("The week"),
            "changed": _("What changed in the week"),
            "at_risk": _("At risk"),
            "no_risk": _("Nobody fits the rule."),
            "numbers": _("The cohort in numbers"),
            "progress": _("Progress and forecast"),
            "checks": _("First tries"),
            "check": _("Knowledge check"),
            "passed": _("Passed at the first try"),
            "share": _("Share"),
            "clauses": _("Clauses that were missed"),
            "clause": _("Clause"),
            "missed": _("Missed"),
            "policy": _("Points at the policy"),
            "due": _("Due in the next seven days"),
            "nothing_due": _("Nothing falls due."),
            "no_checks": _("No result yet"),
            "page": _("Page"),
            "order": _("By name; this is no ranking."),
            "zone": _("Time zone: %(zone)s", zone=sheet.zone),
            "left_out": left_out_words(len(sheet.left_out)),
            "confidential": _("For those who lead these people; not for distribution."),
        }
        more = {
            "at_risk": _more_people(len(sheet.at_risk), AT_RISK_NAMED),
            "checks": _more(len(sheet.checks), CHECKS_NAMED),
            "clauses": _more(len(sheet.clauses), CLAUSES_NAMED),
            "due": _more(len(sheet.due), DUE_NAMED),
            "left_out": _more_people(len(sheet.left_out), LEFT_OUT_NAMED),
        }
        changes = [
            (each.label, each.number, each.brief[:NAMES_NAMED], _more_people(len(each.brief), NAMES_NAMED))
            for each in sheet.changes
        ]
    return TEMPLATES.html(
        "cohort",
        sheet=sheet,
        labels=labels,
        title=title_of(sheet),
        changes=changes,
        at_risk=sheet.at_risk[:AT_RISK_NAMED],
        checks=sheet.checks[:CHECKS_NAMED],
        clauses=sheet.clauses[:CLAUSES_NAMED],
        due=sheet.due[:DUE_NAMED],
        more=more,
        left_out=[each.name for each in sheet.left_out[:LEFT_OUT_NAMED]],
        # Most are missing for one and the same year.
        why_left_out=list(dict.fromkeys(each.why for each in sheet.left_out)),
        list_comma="、" if sheet.language == "ja" else ", ",
    )


def left_out_words(number: int) -> str:
    """Say of so many people that they are in no number of a report."""
    return ngettext(
        "%(num)d person is in no number of this report: the dates cannot be computed",
        "%(num)d people are in no number of this report: their dates cannot be computed",
        number,
    )


def _more(number: int, named: int) -> str:
    return ngettext("and %(num)d more", "and %(num)d more", number - named) if number > named else ""


def _more_people(number: int, named: int) -> str:
    return ngettext("and %(num)d other", "and %(num)d others", number - named) if number > named else ""


def stylesheets() -> tuple[str, ...]:
    """Return the styles."""
    return (TEMPLATES.style("cohort"),)


def assets(sheet: CohortSheet) -> dict[str, bytes]:
    """Return the pictures of the page by name."""
    return {"curve.svg": curve_svg(sheet.curve).encode()} if sheet.curve is not None else {}


_WIDE, _HIGH = 480, 160
_INK, _FAINT, _QUIET = "#1e1c19", "#c9c4ba", "#5b5750"


def curve_svg(curve: dict[str, Any]) -> str:
    """Return the curve of the cohort's page as a picture for paper: told apart by their strokes, without colour."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-40 -24 {_WIDE + 52} {_HIGH + 52}" '
        'font-family="Shirube Sans" font-size="11">',
        f"<title>{escape(curve['title'])}</title>",
    ]
    for share in (0, 50, 100):
        y = _HIGH - _HIGH * share / 100
        colour = _FAINT if share else _QUIET
        parts.append(f'<line x1="0" y1="{y}" x2="{_WIDE}" y2="{y}" stroke="{colour}" stroke-width="0.8"/>')
        parts.append(f'<text x="-6" y="{y + 4}" text-anchor="end" fill="{_QUIET}">{share}</text>')
    for tick in curve["ticks"]:
        parts.append(
            f'<text x="{tick["x"]}" y="{_HIGH + 20}" text-anchor="{tick["anchor"]}" fill="{_QUIET}">'
            f"{escape(tick['label'])}</text>"
        )
    if today := curve["today"]:
        parts.append(
            f'<line x1="{today["x"]}" y1="0" x2="{today["x"]}" y2="{_HIGH}" stroke="{_QUIET}" '
            'stroke-width="0.8" stroke-dasharray="1 3"/>'
        )
        parts.append(
            f'<text x="{today["x"]}" y="-8" text-anchor="{today["anchor"]}" fill="{_QUIET}">'
            f"{escape(today['label'])}</text>"
        )
    strokes = {"expected": f'stroke="{_QUIET}" stroke-width="1.2" stroke-dasharray="5 4"'}
    for line in curve["lines"]:
        stroke = strokes.get(line["kind"], f'stroke="{_INK}" stroke-width="2.2"')
        parts.append(f'<polyline fill="none" points="{line["points"]}" {stroke}/>')
    return "".join([*parts, "</svg>"])


# --- As tables ---------------------------------------------------------------------------------


def sheets_of(sheet: CohortSheet) -> list[Sheet]:
    """Return every section of the report as a table of its own, with everybody and everything in it."""
    return [
        Sheet(
            _("What changed in the week"),
            [_("What changed in the week"), _("Number"), _("Names")],
            [[each.label, each.number, _names(each.names, sheet)] for each in sheet.changes],
        ),
        Sheet(
            _("At risk"),
            [_("Name"), _("Reading of the name"), _("Why and since when")],
            [[each.name, each.kana, " / ".join(each.reasons)] for each in sheet.at_risk],
            1,
        ),
        Sheet(
            _("Numbers"),
            [_("What is counted"), _("Number"), _("Of"), _("How it is counted")],
            [row for each in sheet.numbers for row in _number_rows(each)],
            1,
        ),
        Sheet(
            _("Progress"),
            [_("Day"), _("Due so far"), _("Done so far"), _("Of")],
            sheet.curve["points"] if sheet.curve else [],
            1,
        ),
        Sheet(
            _("First tries"),
            [_("Knowledge check"), _("Passed at the first try"), _("People with a result"), _("Share")],
            [[each.title, each.passed, each.tried, _share(each.share_of_one)] for each in sheet.checks],
            1,
        ),
        Sheet(
            _("Clauses"),
            [_("Clause"), _("Document"), _("Missed"), _("People asked"), _("Share"), _("Points at the policy")],
            [
                [
                    each.title,
                    each.document,
                    each.missed,
                    each.asked,
                    _share(each.share_of_one),
                    _("yes") if each.points_at_policy else "",
                ]
                for each in sheet.clauses
            ],
            1,
        ),
        Sheet(
            _("Due next"),
            [_("Step"), _("Due first on"), _("Due last on"), _("People")],
            [[each.step, each.first, each.last, each.people] for each in sheet.due],
            1,
        ),
        *(
            [
                Sheet(
                    _("Not counted"),
                    [_("Name"), _("Reading of the name"), _("Why they are in no number")],
                    [[each.name, each.kana, each.why] for each in sheet.left_out],
                    1,
                )
            ]
            if sheet.left_out
            else []
        ),
    ]


def notes_of(sheet: CohortSheet) -> list[tuple[str, str]]:
    """Return what somebody must know who finds the file later."""
    return [
        (_("Cohort"), f"{sheet.cohort} ({sheet.place})"),
        (_("Plan"), sheet.plan),
        (_("As of"), sheet.as_of),
        (_("The week"), sheet.week),
        (_("Time zone of every date"), sheet.zone),
        (_("Counted"), sheet.everybody),
        (_("At risk"), sheet.rule),
        (
            _("Forecast"),
            " ".join(
                each for each in (sheet.forecast["said"], sheet.forecast["range"], sheet.forecast["counted"]) if each
            ),
        ),
        (_("How it is counted"), sheet.forecast["method"]),
    ]


def workbook_of(sheet: CohortSheet) -> bytes:
    """Return the report as a workbook, a sheet for each section."""
    with force_locale(sheet.language):
        return write_workbook(
            sheets_of(sheet), notes=notes_of(sheet), notes_sheet=_("About this report"), created=sheet.at
        )


def table_of(sheet: CohortSheet) -> tuple[list[str], list[list[object]]]:
    """Return the report as one table for CSV: heading and rows, each of a section."""
    header = [_("Section"), _("What"), _("Number"), _("More about it")]
    rows: list[list[object]] = [[_("About this report"), term, "", words] for term, words in notes_of(sheet)]
    rows += [[_("Not counted"), each.name, "", each.why] for each in sheet.left_out]
    rows += [
        [_("What changed in the week"), each.label, each.number, _names(each.names, sheet)] for each in sheet.changes
    ]
    rows += [[_("At risk"), each.name, "", " / ".join(each.reasons)] for each in sheet.at_risk]
    rows += [[_("Numbers"), each.label, _or_empty(each.number), each.formula] for each in sheet.numbers]
    rows += [
        [_("First tries"), each.title, f"{each.passed} / {each.tried}", _or_empty(each.share)] for each in sheet.checks
    ]
    rows += [
        [_("Clauses"), each.title, f"{each.missed} / {each.asked}", f"{each.document} {_or_empty(each.share)}".strip()]
        for each in sheet.clauses
    ]
    rows += [[_("Due next"), each.step, each.people, each.when] for each in sheet.due]
    if sheet.curve:
        rows += [[_("Progress"), day, due, _or_empty(done)] for day, due, done in sheet.curve["rows"]]
    return header, rows


def _number_rows(each: NumberRow) -> list[list[object]]:
    """Return the lines of a number in a workbook: one, or one for each of its parts."""
    if each.parts:
        return [[f"{each.label}: {label}", number, None, each.formula] for label, number, _list_of in each.parts]
    number, of = each.counts or (None, None)
    return [[each.label, number, of, each.formula]]


def _share(share: Fraction | None) -> Share | None:
    return Share(share) if share is not None else None


def _or_empty(number: str) -> str:
    """Return what a table says of a number: the dash by which a page says that there is none is an empty cell."""
    return "" if number == "–" else number


def _names(names: Sequence[str], sheet: CohortSheet) -> str:
    return ("、" if sheet.language == "ja" else ", ").join(names)
