"""The gradebook: learners × quizzes for those who look after them, and everybody of one quiz."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from flask import Response, render_template, request, url_for

from portal.accounts.models import Role
from portal.cohorts.permissions import reach_of
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.i18n import LazyText, format_date, format_percent, language
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext as pgettext
from portal.core.tables import download_csv, download_xlsx
from portal.gradebook import queries
from portal.gradebook.formats.words import kept_words
from portal.gradebook.models import GradeDecision
from portal.gradebook.permissions import SEE_GRADEBOOK, SEE_QUIZ_RESULTS
from portal.gradebook.queries import Standing
from portal.gradebook.queries.table import (
    Asked,
    Row,
    Sight,
    Table,
    gradebook,
    list_choices,
    only_quiz,
    sight_of,
)
from portal.gradebook.recorded import WISHES
from portal.gradebook.rules import EntryKind, State
from portal.gradebook.service.transcripts import reasons_of
from portal.gradebook.views import blueprint
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Quiz, QuizVersion
from portal.quizzes.rules.passing import Counts

ROWS_AT_ONCE = 40
STATES: dict[State, LazyText] = {
    State.PASSED: pgettext("state", "Passed"),
    State.FAILED: pgettext("state", "Not passed"),
    State.EXEMPT: pgettext("state", "Exempt"),
    State.NOT_RELEASED: pgettext("state", "Result not released yet"),
    State.IN_PROGRESS: pgettext("state", "In progress"),
    State.NOT_BEGUN: pgettext("state", "Not started"),
}
COUNTS: dict[Counts, LazyText] = {
    Counts.HIGHEST: _l("the highest counts"),
    Counts.LATEST: _l("the latest counts"),
    Counts.FIRST: _l("the first counts"),
}
_LEFT: dict[str, LazyText] = {"left": _l("Who have left"), "all": _l("Everybody")}
_NAMES: dict[str, LazyText] = {
    "market": _l("Market"),
    "team": _l("Team"),
    "cohort": _l("Cohort"),
    "quiz": _l("Quiz"),
    "state": _l("State"),
    "people": pgettext("filter", "People"),
}


def counts_words(version: QuizVersion) -> str:
    """Say which attempt is a person's result."""
    return str(COUNTS[version.counts or Counts.HIGHEST])


def _counting(columns: Sequence[QuizVersion]) -> list[dict[str, Any]]:
    """Return which attempt counts in which quizzes: each quiz once, most quizzes first."""
    quizzes_by: dict[Counts, list[str]] = {}
    for version in columns:
        quizzes_by.setdefault(version.counts or Counts.HIGHEST, []).append(str(version.title))
    return [
        {"words": str(COUNTS[each]), "quizzes": titles}
        for each, titles in sorted(quizzes_by.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ]


def get_quiz_itself(slug: str) -> Quiz:
    """Return the quiz of the slug. Raises `NoSuchQuiz`."""
    return quizzes.get_quiz(slug).quiz


# --- the table ---------------------------------------------------------------------------------


@blueprint.get("/gradebook")
@requires(SEE_GRADEBOOK)
def table() -> str:
    """Show how everybody whom one sees stands in every quiz."""
    sight = sight_of(actor())
    filters = Filters(sight)
    page = _page()
    found = gradebook(sight, filters.asked, offset=(page - 1) * ROWS_AT_ONCE, limit=ROWS_AT_ONCE)
    return render_template(
        "gradebook/table.html",
        columns=[
            {
                "title": str(version.title),
                "href": url_for("gradebook.quiz", slug=version.quiz.slug),
            }
            for version in found.columns
        ],
        counting=_counting(found.columns),
        rows=_rows(found),
        pager=_pager("gradebook.table", found.total, page, filters.given),
        exports=_exports("gradebook.table_csv", "gradebook.table_xlsx", filters.given),
        waiting=_waiting(),
        **filters.shown(),
    )


@blueprint.get("/gradebook.csv")
@requires(SEE_GRADEBOOK)
def table_csv() -> Response:
    """Give the table as a CSV file, everybody in it."""
    found = _whole()
    encoding: Any = "cp932" if request.args.get("encoding") == "cp932" else "utf-8-sig"
    return download_csv(_filename(), _header(found.columns), _lines(found), encoding=encoding)


@blueprint.get("/gradebook.xlsx")
@requires(SEE_GRADEBOOK)
def table_xlsx() -> Response:
    """Give the table as a workbook, everybody in it."""
    found = _whole()
    return download_xlsx(
        _filename(),
        _header(found.columns),
        _lines(found),
        sheet=_("Gradebook"),
        frozen_columns=2,
        notes=_notes(found.columns),
        notes_sheet=_("About this table"),
    )


# --- one quiz ----------------------------------------------------------------------------------


@blueprint.get("/gradebook/<slug>")
@requires(SEE_QUIZ_RESULTS, on=get_quiz_itself)
def quiz(found: Quiz) -> str:
    """Show how everybody whom one sees stands in a quiz."""
    sight = sight_of(actor())
    filters = Filters(sight, quiz=found)
    page = _page()
    shown = gradebook(sight, filters.asked, offset=(page - 1) * ROWS_AT_ONCE, limit=ROWS_AT_ONCE)
    version = quizzes.get_quiz(found.slug)
    given = {**filters.given, "slug": found.slug}
    return render_template(
        "gradebook/quiz.html",
        title=str(version.title),
        counts=counts_words(version),
        pass_mark=format_percent(version.pass_mark),
        rows=_rows(shown),
        pager=_pager("gradebook.quiz", shown.total, page, given),
        exports=_exports("gradebook.quiz_csv", "gradebook.quiz_xlsx", given),
        **filters.shown(),
    )


@blueprint.get("/gradebook/<slug>/table.csv")
@requires(SEE_QUIZ_RESULTS, on=get_quiz_itself)
def quiz_csv(found: Quiz) -> Response:
    """Give the results of a quiz as a CSV file."""
    shown = _whole(found)
    encoding: Any = "cp932" if request.args.get("encoding") == "cp932" else "utf-8-sig"
    return download_csv(f"{_filename()}-{found.slug}", _quiz_header(), _quiz_lines(shown), encoding=encoding)


@blueprint.get("/gradebook/<slug>/table.xlsx")
@requires(SEE_QUIZ_RESULTS, on=get_quiz_itself)
def quiz_xlsx(found: Quiz) -> Response:
    """Give the results of a quiz as a workbook."""
    shown = _whole(found)
    return download_xlsx(
        f"{_filename()}-{found.slug}",
        _quiz_header(),
        _quiz_lines(shown),
        sheet=str(shown.columns[0].title),
        frozen_columns=2,
        notes=_notes(shown.columns),
        notes_sheet=_("About this table"),
    )


# --- what is asked for -------------------------------------------------------------------------


class Filters:
    """What the address narrows the table to, and what can be chosen."""

    def __init__(self, sight: Sight, quiz: Quiz | None = None) -> None:
        self._columns = quizzes.list_quizzes()
        markets, teams, cohorts = list_choices(sight)
        self._options: dict[str, list[tuple[str, str]]] = {
            "market": [(each.code, str(each.name)) for each in markets],
            "team": [(each.code, str(each.name)) for each in teams],
            "cohort": [(each.code, str(each.name)) for each in cohorts],
            "quiz": [(each.quiz.slug, str(each.title)) for each in self._columns if sight.sees(each.quiz.slug)],
            "state": [(each.value, str(word)) for each, word in STATES.items()],
            "people": [(value, str(word)) for value, word in _LEFT.items()],
        }
        if quiz is not None:
            del self._options["quiz"]
        asked = {name: request.args.get(name, "")[:200] for name in ("q", *self._options)}
        self.not_understood = [
            str(_NAMES[name])
            for name, options in self._options.items()
            if asked[name] and asked[name] not in {value for value, _word in options}
        ]
        for name, options in self._options.items():
            if asked[name] not in {value for value, _word in options}:
                asked[name] = ""
        asked["q"] = "".join(each for each in asked["q"] if each.isprintable()).strip()
        self.given = {name: value for name, value in asked.items() if value}
        self.asked = Asked(
            text=asked["q"],
            market=asked["market"],
            team=asked["team"],
            cohort=asked["cohort"],
            quiz=quiz.slug if quiz is not None else asked["quiz"],
            state=State(asked["state"]) if asked["state"] else None,
            has_left={"left": True, "all": False}.get(asked["people"]),
        )

    def shown(self) -> dict[str, Any]:
        """Return what the page shows of the filters."""
        return {
            "asked": self.given,
            "text": self.asked.text,
            "not_understood": self.not_understood,
            "filters": [
                {
                    "name": name,
                    "label": str(_NAMES[name]),
                    "everything": str(_l("Active accounts")) if name == "people" else str(_l("All")),
                    "options": [
                        {"value": value, "label": word, "selected": self.given.get(name) == value}
                        for value, word in options
                    ],
                }
                for name, options in self._options.items()
                if len(options) > 1 or name in self.given
            ],
        }


def _page() -> int:
    return min(max(1, request.args.get("page", 1, type=int)), 10**4)


def _pager(endpoint: str, total: int, page: int, given: dict[str, Any]) -> dict[str, Any] | None:
    last = max(1, -(-total // ROWS_AT_ONCE))
    if last == 1 and page == 1:
        return None

    def address(number: int) -> str:
        return url_for(endpoint, **given, page=number)

    first = (page - 1) * ROWS_AT_ONCE
    return {
        "summary": _(
            "%(first)s–%(last)s of %(total)s",
            first=min(first + 1, total),
            last=min(first + ROWS_AT_ONCE, total),
            total=total,
        ),
        "previous": address(min(page - 1, last)) if page > 1 else None,
        "next": address(page + 1) if page < last else None,
        "pages": [{"label": str(each), "href": address(each), "current": each == page} for each in range(1, last + 1)],
    }


def _exports(csv: str, xlsx: str, given: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"label": "CSV", "href": url_for(csv, **given)},
        {"label": "CSV (Shift_JIS)", "href": url_for(csv, **given, encoding="cp932")},
        {"label": "XLSX", "href": url_for(xlsx, **given)},
    ]


# --- rows --------------------------------------------------------------------------------------


def _untold(rows: Sequence[Row]) -> set[int]:
    """Return the lines of the viewer's own whose score is not shown to her, whatever else she may see."""
    viewer = actor()
    own = [cell.result.line for row in rows if row.person.id == viewer.id for cell in row.cells if cell is not None]
    return queries.list_untold([line.id for line in own if line is not None])


def _kept(rows: Sequence[Row]) -> set[int]:
    """Return the lines that are a pass which was kept, of those that were corrected."""
    lines = [cell.result.line for row in rows for cell in row.cells if cell is not None]
    return queries.list_kept([line.id for line in lines if line is not None and line.entry_no > 1])


def _rows(found: Table) -> list[dict[str, Any]]:
    untold, kept = _untold(found.rows), _kept(found.rows)
    return [_row(row, found.columns, untold, kept) for row in found.rows]


def _row(row: Row, columns: Sequence[QuizVersion], untold: Collection[int], kept: Collection[int]) -> dict[str, Any]:
    here = language()
    return {
        "name": row.person.name_in(here),
        "kana": row.person.full_kana if here == "ja" else "",
        "has_left": not row.person.is_active,
        "href": url_for("gradebook.transcript_of", code=row.person.code) if row.is_in_reach else None,
        "cells": [
            _cell(cell, version, row.person.code, untold, kept)
            for cell, version in zip(row.cells, columns, strict=True)
        ],
    }


def _cell(
    cell: Standing | None, version: QuizVersion, code: str, untold: Collection[int], kept: Collection[int]
) -> dict[str, Any] | None:
    """Return what a cell shows; None where it may not be seen."""
    if cell is None:
        return None
    result = cell.result
    at = result.line.at if result.line is not None else None
    tells = result.line is None or result.line.id not in untold
    return {
        "state": result.state.value,
        "score": format_percent(result.score) if result.score is not None and tells else "",
        "is_override": result.is_by_hand and result.line is not None and result.line.kind is EntryKind.OVERRIDE,
        "kept": kept_words() if result.line is not None and result.line.id in kept else "",
        "attempts": cell.attempts,
        "quiz": str(version.title),
        "on": format_date(clock.local_date(at, actor().time_zone), "short") if at is not None else "",
        "href": url_for("gradebook.result", slug=version.quiz.slug, code=code),
    }


def _waiting() -> list[dict[str, Any]]:
    """Return what waits for a second person: of people whom the viewer leads, her own result left out."""
    viewer = actor()
    leads = people_within(reach_of(viewer, Role.LEAD, everywhere=(Role.ADMIN,)))
    return [
        {
            "person": each.person.name_in(language()),
            "quiz": str(each.quiz_version.title),
            "wish": wish_words(each),
            "asked_by": each.asked_by.name_in(language()),
            "on": format_date(clock.local_date(each.asked_at, viewer.time_zone), "short"),
            "is_own": each.asked_by_id == viewer.id,
            "href": url_for("gradebook.result", slug=each.quiz.slug, code=each.person.code),
        }
        for each in queries.list_open_decisions(leads)
        if each.person_id != viewer.id
    ]


def wish_words(decision: GradeDecision) -> str:
    """Say what is asked to be decided."""
    word = str(WISHES[decision.wish.value])
    if decision.score is not None:
        return _("%(decision)s: %(score)s", decision=word, score=format_percent(decision.score, 2))
    return word


# --- files -------------------------------------------------------------------------------------


def _whole(found: Quiz | None = None) -> Table:
    sight = sight_of(actor())
    asked = Filters(sight, quiz=found).asked
    return gradebook(sight, only_quiz(asked, found) if found is not None else asked)


def _filename() -> str:
    return f"gradebook-{clock.today(actor().time_zone).isoformat()}"


_PERSON: tuple[Callable[[], str], ...] = (
    lambda: _("Person code"),
    lambda: _("Name"),
    lambda: _("Market"),
    lambda: _("Team"),
)


def _person(row: Row) -> list[object]:
    person = row.person
    return [
        person.code,
        person.name_in(language()),
        person.home_market.code,
        str(person.team.name) if person.team else "",
    ]


def _header(columns: Sequence[QuizVersion]) -> list[str]:
    header = [each() for each in _PERSON]
    for version in columns:
        header += [
            _("%(quiz)s: state", quiz=version.title),
            _("%(quiz)s: score (%%)", quiz=version.title),
        ]
    return header


def _lines(found: Table) -> Iterator[list[object]]:
    untold, kept = _untold(found.rows), _kept(found.rows)
    for row in found.rows:
        line = _person(row)
        for cell in row.cells:
            line += [_state(cell, kept), _score(cell, untold)]
        yield line


def _quiz_header() -> list[str]:
    return [
        *(each() for each in _PERSON),
        _("State"),
        _("Score in percent"),
        _("Attempts"),
        _("Counts since"),
        _("Reason"),
    ]


def _quiz_lines(found: Table) -> Iterator[list[object]]:
    zone = actor().time_zone
    cells, untold = [row.cells[0] if row.cells else None for row in found.rows], _untold(found.rows)
    kept = _kept(found.rows)
    reasons = reasons_of([cell.result.line for cell in cells if cell is not None and cell.result.line is not None])
    for row, cell in zip(found.rows, cells, strict=True):
        line = cell.result.line if cell is not None else None
        yield [
            *_person(row),
            _state(cell, kept),
            _score(cell, untold),
            cell.attempts if cell is not None else None,
            clock.local_date(line.at, zone) if line is not None else None,
            reasons.get(line.id) if line is not None else None,
        ]


def state_words(cell: Standing | None) -> str:
    """Say how somebody stands, and that it was set by hand; nothing where it may not be seen."""
    if cell is None:
        return ""
    word = str(STATES[cell.state])
    if cell.result.is_by_hand and cell.result.line is not None and cell.result.line.kind is EntryKind.OVERRIDE:
        return _("%(state)s (set by hand)", state=word)
    return word


def _state(cell: Standing | None, kept: Collection[int]) -> str:
    """Say how somebody stands, and why she passes where her score is not enough."""
    word = state_words(cell)
    if cell is None or cell.result.line is None or cell.result.line.id not in kept:
        return word
    return _("%(state)s (kept after a correction)", state=word)


def _score(cell: Standing | None, untold: Collection[int]) -> object:
    """Return the score in percent, exactly; that it is not shown; or nothing."""
    if cell is None or cell.result.score is None:
        return None
    if cell.result.line is not None and cell.result.line.id in untold:
        return str(pgettext("score", "Not shown"))
    return cell.result.score * 100


def _notes(columns: Sequence[QuizVersion]) -> list[tuple[str, str]]:
    """Return what somebody must know who finds the workbook later."""
    zone = actor().time_zone
    return [
        (_("As of"), clock.now().astimezone(clock.zone_info(zone)).isoformat(timespec="seconds")),
        (_("Time zone of every date"), zone),
        *((str(version.title), counts_words(version)) for version in columns),
    ]
