"""The matrix of a team or market: who can stand in on which day, what if, and who could be made ready soonest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug import Response

from portal.accounts.models import Person
from portal.backfill import rules
from portal.backfill.permissions import SEE_MATRIX, SEE_PLACES, reach_over_places
from portal.backfill.queries.matrix import LONGEST_WINDOW_DAYS, Matrix, MatrixRow, Place, read_matrix
from portal.backfill.queries.places import get_place, list_places
from portal.backfill.rules import ENOUGH_PEOPLE, NOBODY_OUT, Missing, Out, RowKind, Shortage
from portal.backfill.service.telling import KINDS, LEVELS, standing_words
from portal.backfill.views import blueprint, shown
from portal.core import clock
from portal.core.access import actor, requires
from portal.core.i18n import format_date, format_instant, format_percent, language, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.core.paging import paging
from portal.core.tables import XLSX_TYPE, Sheet, download, download_csv, write_workbook
from portal.duties.queries.tasks import list_possible_owners

# People beside one another; more are on further pages.
PEOPLE_AT_ONCE = 20
# Rows below one another: a page of as many rows as an organisation has documents is no page for a telephone.
ROWS_AT_ONCE = 25
# Of who could be made ready soonest in a row; and in so many rows unless all are asked for.
SOONEST_SHOWN = 3
SOONEST_ROWS = 10
# What of an address stays when something else of it is changed.
_KEPT = ("first", "last", "kind", "show", "out", "on", "lang")
FARTHEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for: days, where they can be used, else what is wrong with them."""

    first: date | None
    last: date | None
    refused: str


def _asked(place: Place) -> _Asked:
    """Read which days the address names; what cannot be used is told and the usual window shown."""
    given = [request.args.get(name, "").strip()[:20] for name in ("first", "last")]
    try:
        first, last = (date.fromisoformat(each) if each else None for each in given)
    except ValueError:
        return _Asked(None, None, _("Enter both days as a date, like 2026-04-01."))
    today = clock.today(place.market.time_zone)
    if (first or today) < today or (last or today) < today:
        return _Asked(None, None, _("Nobody stands in for the past. Enter days from today on."))
    if max(each or today for each in (first, last)) - today > timedelta(days=FARTHEST_DAYS):
        return _Asked(None, None, _("The days lie more than a year ahead. Check the year."))
    if last is not None and last < (first or today):
        return _Asked(None, None, _("The last day lies before the first one."))
    if last is not None and last - (first or today) >= timedelta(days=LONGEST_WINDOW_DAYS):
        return _Asked(None, None, _("At most %(days)s days can be looked at at once.", days=LONGEST_WINDOW_DAYS))
    return _Asked(first, last, "")


@blueprint.get("/backfill")
@requires(SEE_PLACES)
def places() -> str | Response:
    """List the teams and markets within reach, or go on where there is one alone."""
    found = list_places(reach_over_places(actor()))
    if len(found) == 1:
        return redirect(url_for("backfill.matrix", **shown.place_values(found[0]), lang=request.args.get("lang")))
    return render_template(
        "backfill/places.html",
        rows=[
            {
                "name": str(each.name),
                "market": str(each.market.name),
                "is_market": each.team is None,
                "href": url_for("backfill.matrix", **shown.place_values(each)),
            }
            for each in found
        ],
    )


@blueprint.get("/backfill/<scope>/<code>")
@requires(SEE_MATRIX, on=get_place)
def matrix(place: Place) -> tuple[str, int]:
    """Show who of a team or market can stand in for whom, on which days, and what if."""
    return _page(place, _asked(place))


def _page(place: Place, asked: _Asked) -> tuple[str, int]:
    found = read_matrix(place, asked.first, asked.last)
    out, refused = _out(found)
    least = {each.key: _least(found, each) for each in found.rows}
    kind, show = request.args.get("kind", ""), request.args.get("show", "")
    kind = kind if kind in set(RowKind) else ""
    red = [each for each in found.rows if _is_red(least[each.key])]
    rows = [each for each in (red if show == "red" else found.rows) if kind in ("", each.row.kind.value)]
    page = paging(len(found.people), PEOPLE_AT_ONCE)
    people = _first_those_with_levels(found, rows)[page.offset : page.offset + PEOPLE_AT_ONCE]
    row_page = paging(len(rows), ROWS_AT_ONCE, "rows")
    rows = rows[row_page.offset : row_page.offset + ROWS_AT_ONCE]
    short = [*red, *_only_short(found, out, red)]
    is_whole = request.args.get("soonest") == "all" or len(short) <= SOONEST_ROWS
    told = render_template(
        "backfill/matrix.html",
        name=shown.place_name(place),
        places_href=url_for("backfill.places"),
        has_places=len(list_places(reach_over_places(actor()))) > 1,
        action=url_for("backfill.matrix", **shown.place_values(place)),
        refused=[each for each in (asked.refused, refused) if each],
        first=request.args.get("first", "") if asked.refused else found.window.first.isoformat(),
        last=request.args.get("last", "") if asked.refused else found.window.last.isoformat(),
        today=found.today.isoformat(),
        window=_window_words(found),
        has_days=bool(found.window.days),
        numbers=_numbers(found, red),
        uncountable=[shown.name_of(each) for each in found.uncountable],
        people=[_column(each) for each in people],
        rows=[
            _row(found, each, people, least[each.key])
            for each in rows[row_page.offset : row_page.offset + ROWS_AT_ONCE]
        ],
        has_rows=bool(found.rows),
        has_people=bool(found.people),
        filters=_filters(found, red, show, kind),
        kept=[
            (name, value)
            for name, value in request.args.items(multi=True)
            if name in ("show", "kind", "lang") and value
        ],
        exports=[
            {"label": "CSV", "href": _here(place, "backfill.matrix_csv", page=None, rows=None)},
            {"label": "XLSX", "href": _here(place, "backfill.matrix_xlsx", page=None, rows=None)},
        ],
        pager=page.links(lambda number: _here(place, page=number)) if page.last > 1 else None,
        row_pager=row_page.links(lambda number: _here(place, rows=number)) if row_page.last > 1 else None,
        out=_what_if(found, out),
        expiring=_expiring(found),
        soonest=_soonest(found, short if is_whole else short[:SOONEST_ROWS]),
        soonest_rows=len(short),
        soonest_href=None if is_whole else _here(place, soonest="all", _anchor="soonest"),
    )
    return told, 400 if asked.refused or refused else 200


def _here(place: Place, endpoint: str = "backfill.matrix", **changed: Any) -> str:
    kept: dict[str, Any] = {name: request.args.getlist(name) for name in _KEPT}
    kept |= {name: request.args.get(name) for name in ("page", "rows")} | changed
    return url_for(endpoint, **shown.place_values(place), **{name: value for name, value in kept.items() if value})


def _window_words(found: Matrix) -> str:
    return _("%(first)s to %(last)s", first=format_date(found.window.first), last=format_date(found.window.last))


# The fewest people who can stand in on a day of the window, and on which days; None where nobody works on any.
_Least = tuple[int | None, list[date]]


def _least(found: Matrix, row: MatrixRow) -> _Least:
    counts = rules.coverage_of(row.row, found.window.days, found.there)
    least = min(counts.values(), default=None)
    return least, [day for day, number in counts.items() if number == least]


def _is_red(least: _Least) -> bool:
    return least[0] is not None and least[0] < ENOUGH_PEOPLE


# From more people on than this, who is out can be found by name.
_FILTERED_FROM = 12


# --- Numbers -----------------------------------------------------------------------------------


def _numbers(found: Matrix, red: Sequence[MatrixRow]) -> list[dict[str, Any]]:
    rows = [each.row for each in found.rows]
    factor, share = rules.bus_factor(rows, found.today), rules.share_doubled(rows, found.today)
    critical = sum(each.is_critical for each in rows)
    as_of = format_instant(clock.now(), found.place.market.time_zone)
    facts = [
        (_("Counted"), ngettext("%(num)d critical row", "%(num)d critical rows", critical)),
        (pgettext("backfill", "People"), str(len(found.people))),
        (_("As of"), as_of),
    ]
    return [
        {
            "label": _("Bus factor"),
            "number": "–" if factor is None else factor,
            "tone": "danger" if factor is not None and factor < ENOUGH_PEOPLE else None,
            "formula": _(
                "The number of people at level 3 or more today, in the critical row that has fewest; whether they are "
                "there on a day does not matter. A row is critical where its criticality was judged so."
            ),
            "facts": facts,
        },
        {
            "label": _("Critical rows with two people"),
            "number": format_percent(share, 0) if share is not None else "–",
            "tone": "danger" if share is not None and share < Fraction(1) else None,
            "formula": _("Critical rows with two people or more at level 3 or more today ÷ critical rows."),
            "facts": facts,
        },
        {
            "label": _("Red rows"),
            "number": len(red) if found.window.days else "–",
            "tone": "danger" if red else None,
            "formula": _(
                "Rows in which on some day of the window fewer than two people at level 3 or more are there. There is "
                "who works on that day by calendar and shifts and has no leave. Days count on which the market works "
                "or somebody has a shift."
            ),
            "facts": [
                (_("Counted"), ngettext("%(num)d row", "%(num)d rows", len(rows))),
                (_("Window"), _window_words(found)),
                (_("As of"), as_of),
            ],
        },
    ]


# --- The table ---------------------------------------------------------------------------------


def _column(person: Person) -> dict[str, str]:
    return {
        "name": shown.name_of(person),
        "kana": person.full_kana if language() == "ja" else "",
        "href": url_for("backfill.of_person", code=person.code),
    }


def _first_those_with_levels(found: Matrix, rows: Sequence[MatrixRow]) -> list[Person]:
    """Return the people by name, those first who have a level of 1 or more in one of the rows that are shown."""

    def has_none(person: Person) -> bool:
        return not any(shown.standing_of(row, person).level_on(found.today) > 0 for row in rows)

    return sorted(found.people, key=has_none)


def _row(found: Matrix, row: MatrixRow, people: Sequence[Person], least: _Least) -> dict[str, Any]:
    number, days = least
    return {
        "title": row.title,
        "href": shown.thing_href(row),
        "kind": str(KINDS[row.row.kind]),
        "criticality": str(shown.CRITICALITIES[row.criticality]) if row.row.is_critical else "",
        "able": rules.able_people(row.row, found.today),
        "least": "–" if number is None else number,
        "fewest": number or 0,
        "days": shown.day_words(days, found.window.days),
        "is_red": _is_red(least),
        "cells": [_cell(found, row, each) for each in people],
    }


def _cell(found: Matrix, row: MatrixRow, person: Person) -> dict[str, Any]:
    standing = shown.standing_of(row, person)
    level = standing.level_on(found.today)
    ends = standing.able_until(found.window.first, found.window.last)
    return {
        "level": int(level),
        "part": shown.part_of(row, person),
        "until": format_date(ends, "short") if ends else "",
        "iso": ends.isoformat() if ends else "",
        "href": shown.cell_href(person, row, found.place),
        "name": shown.name_of(person),
    }


def _filters(found: Matrix, red: Sequence[MatrixRow], show: str, kind: str) -> list[dict[str, Any]]:
    place = found.place
    return [
        {
            "label": pgettext("backfill", "All"),
            "href": _here(place, show=None, kind=None, rows=None),
            "current": show != "red" and not kind,
            "count": len(found.rows),
        },
        {
            "label": pgettext("backfill", "Red"),
            "href": _here(place, show="red", kind=None, rows=None),
            "current": show == "red",
            "count": len(red),
        },
        *(
            {
                "label": str(words),
                "href": _here(place, show=None, kind=each.value, rows=None),
                "current": show != "red" and kind == each.value,
                "count": sum(row.row.kind is each for row in found.rows),
            }
            for each, words in KINDS.items()
        ),
    ]


# --- What if -----------------------------------------------------------------------------------


def _out(found: Matrix) -> tuple[Out, str]:
    """Read who is taken to be out and when; somebody who is not of the place, or another day, is told."""
    known = {each.code: each.id for each in found.people}
    codes, on = request.args.getlist("out")[: len(known) + 1], request.args.get("on", "")[:20]
    if not codes:
        return NOBODY_OUT, ""
    if any(code not in known for code in codes):
        return NOBODY_OUT, _("Somebody who is taken to be out does not work here. Choose again.")
    days = found.window.days
    if on:
        days = tuple(day for day in days if day.isoformat() == on)
        if not days:
            return NOBODY_OUT, _("Nobody works on this day, or it lies outside of the window. Choose another day.")
    return Out(frozenset(known[code] for code in codes), frozenset(days)), ""


def _what_if(found: Matrix, out: Out) -> dict[str, Any]:
    people = [each for each in found.people if each.id in out.people]
    on = request.args.get("on", "") if out.people else ""
    answer: dict[str, Any] = {
        "people": [
            {
                "code": each.code,
                "name": shown.name_of(each),
                "found_by": " ".join(filter(None, (each.full_name, each.full_kana, each.full_romaji))),
                "is_out": each.id in out.people,
            }
            for each in sorted(found.people, key=lambda each: each.id not in out.people)
        ],
        "is_long": len(found.people) > _FILTERED_FROM,
        "named": shown.names_of(people),
        "days": [
            {"value": day.isoformat(), "label": format_date(day), "is_on": day.isoformat() == on}
            for day in found.window.days
        ],
        "is_asked": bool(people),
        "sentence": "",
        "rows": [],
    }
    if not people:
        return answer
    short = rules.shortages([each.row for each in found.rows], found.window.days, found.there, out)
    rows = {each.key: each for each in found.rows}
    names, count = _named([shown.name_of(each) for each in people]), len(people)
    when = format_date(date.fromisoformat(on)) if on else _window_words(found)
    if not short:
        answer["sentence"] = ngettext(
            "If %(names)s is out (%(when)s), nothing falls below two people because of it.",
            "If %(names)s are out (%(when)s), nothing falls below two people because of it.",
            count,
            names=names,
            when=when,
        )
        return answer
    answer["sentence"] = _short_words(
        short, rows, names=names, count=count, day=when if on else "", window=_window_words(found)
    )
    answer["rows"] = [_short_row(found, rows[key], group) for key, group in _by_row(short).items()]
    return answer


# Names, and rows, that a sentence says one by one.
_SAID_AT_ONCE = 3


def _named(names: Sequence[str]) -> str:
    """Return a few names one by one, and how many more there are."""
    if len(names) <= _SAID_AT_ONCE:
        return shown.joined(names)
    more = len(names) - _SAID_AT_ONCE
    return ngettext(
        "%(names)s and %(num)d more",
        "%(names)s and %(num)d more",
        more,
        names=pgettext("names", ", ").join(names[:_SAID_AT_ONCE]),
    )


def _short_words(
    short: Sequence[Shortage],
    rows: Mapping[tuple[str, str], MatrixRow],
    *,
    names: str,
    count: int,
    day: str,
    window: str,
) -> str:
    """Say what has fewest if these people are out: on a day, or on some day of the window."""
    worst = list(dict.fromkeys(_key(each) for each in short if each.number == short[0].number))
    titles = [rows[each].title for each in worst]
    values = {"names": names, "number": short[0].number, "day": day, "window": window}
    if len(titles) > 1:
        named = _named([_("“%(row)s”", row=each) for each in titles])
        if day:
            return ngettext(
                "If %(names)s is out on %(day)s, these have %(number)s: %(rows)s.",
                "If %(names)s are out on %(day)s, these have %(number)s: %(rows)s.",
                count,
                rows=named,
                **values,
            )
        return ngettext(
            "If %(names)s is out (%(window)s), these have %(number)s on some day: %(rows)s.",
            "If %(names)s are out (%(window)s), these have %(number)s on some day: %(rows)s.",
            count,
            rows=named,
            **values,
        )
    if day:
        return ngettext(
            "If %(names)s is out on %(day)s, “%(row)s” has %(number)s.",
            "If %(names)s are out on %(day)s, “%(row)s” has %(number)s.",
            count,
            row=titles[0],
            **values,
        )
    return ngettext(
        "If %(names)s is out (%(window)s), “%(row)s” has %(number)s on some day.",
        "If %(names)s are out (%(window)s), “%(row)s” has %(number)s on some day.",
        count,
        row=titles[0],
        **values,
    )


def _key(shortage: Shortage) -> tuple[str, str]:
    return shortage.row.kind.value, shortage.row.code


def _by_row(short: Sequence[Shortage]) -> dict[tuple[str, str], list[Shortage]]:
    """Group shortages by row, in the order of the worst of each."""
    found: dict[tuple[str, str], list[Shortage]] = {}
    for each in short:
        found.setdefault(_key(each), []).append(each)
    return found


def _short_row(found: Matrix, row: MatrixRow, group: Sequence[Shortage]) -> dict[str, Any]:
    worst = [each for each in group if each.number == group[0].number]
    return {
        "title": row.title,
        "href": shown.thing_href(row),
        "criticality": str(shown.CRITICALITIES[row.criticality]) if row.row.is_critical else "",
        "number": group[0].number,
        "before": min(each.before for each in worst),
        "days": shown.day_words([each.day for each in worst], found.window.days),
    }


# --- What ends, and who could be made ready -----------------------------------------------------


def _expiring(found: Matrix) -> list[dict[str, Any]]:
    """Return whose level falls below 3 within the window, the soonest first."""
    ends = [
        (until, place, number, person, row)
        for place, row in enumerate(found.rows)
        for number, person in enumerate(found.people)
        if (until := shown.standing_of(row, person).able_until(found.window.first, found.window.last)) is not None
    ]
    return [
        {
            "name": shown.name_of(person),
            "href": shown.cell_href(person, row, found.place),
            "title": row.title,
            "kind": str(KINDS[row.row.kind]),
            "until": format_date(until),
            "why": standing_words(shown.standing_of(row, person), found.today),
        }
        for until, _place, _number, person, row in sorted(ends, key=lambda each: each[:3])
    ]


def _only_short(found: Matrix, out: Out, red: Sequence[MatrixRow]) -> list[MatrixRow]:
    """Return the rows that would be short because of those who are out, and are not without that."""
    short = {
        id(each.row) for each in rules.shortages([row.row for row in found.rows], found.window.days, found.there, out)
    }
    known = {each.key for each in red}
    return [each for each in found.rows if id(each.row) in short and each.key not in known]


def _soonest(found: Matrix, rows: Sequence[MatrixRow]) -> list[dict[str, Any]]:
    """Return for each row who below 3 lacks least, with what is missing; for tasks, of those who can own one."""
    people = {each.id: each for each in found.people}
    # Whoever only learns, or looks through things, cannot answer for a recurring task.
    able = {each.id for each in list_possible_owners()} if any(row.task is not None for row in rows) else set()
    lacking: list[tuple[MatrixRow, Sequence[Missing]]] = [
        (row, [each for each in found.missing_of(row) if row.task is None or each.person_id in able]) for row in rows
    ]
    wanted = {
        (row.policy.version.id, anchor)
        for row, missing in lacking
        if row.policy is not None
        for each in missing[:SOONEST_SHOWN]
        for anchor in each.clauses[: shown.CLAUSES_NAMED]
    }
    names = shown.names_of_clauses(wanted)
    return [
        {
            "title": row.title,
            "href": shown.thing_href(row),
            "people": [
                shown.missing_row(each, row, people[each.person_id], found.place, names)
                for each in missing[:SOONEST_SHOWN]
            ],
            "more": max(len(missing) - SOONEST_SHOWN, 0),
        }
        for row, missing in lacking
    ]


# --- Files -------------------------------------------------------------------------------------


@blueprint.get("/backfill/<scope>/<code>/levels.csv")
@requires(SEE_MATRIX, on=get_place)
def matrix_csv(place: Place) -> Response | tuple[str, int]:
    """Give every level with its reasons as a file, a line for each person and row."""
    asked = _asked(place)
    if asked.refused:
        return _page(place, asked)
    found = read_matrix(place, asked.first, asked.last)
    return download_csv(_filename(found), _header(), _lines(found))


@blueprint.get("/backfill/<scope>/<code>/levels.xlsx")
@requires(SEE_MATRIX, on=get_place)
def matrix_xlsx(place: Place) -> Response | tuple[str, int]:
    """Give the matrix, and every level with its reasons, as a workbook."""
    asked = _asked(place)
    if asked.refused:
        return _page(place, asked)
    found = read_matrix(place, asked.first, asked.last)
    sheets = [
        Sheet(str(_("Matrix")), _wide_header(found), _wide_lines(found), 2),
        Sheet(str(_("Reasons")), _header(), _lines(found), 3),
    ]
    notes = [
        (pgettext("backfill", "Place"), shown.place_name(place)),
        (_("Window"), _window_words(found)),
        (_("As of"), format_instant(clock.now(), place.market.time_zone)),
        (_("Levels"), ", ".join(f"{int(level)} {words}" for level, words in LEVELS.items())),
    ]
    data = write_workbook(sheets, notes=notes, notes_sheet=pgettext("workbook", "About this file"))
    return download(data, f"{_filename(found)}.xlsx", XLSX_TYPE)


def _filename(found: Matrix) -> str:
    name = _("backfill")
    return f"{name}-{found.place.code}-{found.window.first.isoformat()}"


def _header() -> list[str]:
    return [
        _("Kind"), pgettext("backfill", "Row"), _("Code"), _("Criticality"), _("Accountable"), _("Person code"),
        _("Name"), pgettext("backfill", "Part"), pgettext("backfill", "Level"), _("At 3 or more until"), _("Reasons"),
    ]  # fmt: skip


def _lines(found: Matrix) -> Iterator[list[object]]:
    for row in found.rows:
        head = [
            str(KINDS[row.row.kind]), row.title, row.row.code, str(shown.CRITICALITIES[row.criticality]),
            shown.owner_name(row),
        ]  # fmt: skip
        for person in found.people:
            standing = shown.standing_of(row, person)
            yield [
                *head, person.code, shown.name_of(person), shown.part_of(row, person),
                int(standing.level_on(found.today)),
                standing.able_until(found.today, date.max) or "",
                standing_words(standing, found.today),
            ]  # fmt: skip


def _wide_header(found: Matrix) -> list[str]:
    return [
        _("Kind"), pgettext("backfill", "Row"), _("Criticality"), _("At 3 or more"), _("Fewest there on a day"),
        *(shown.name_of(each) for each in found.people),
    ]  # fmt: skip


def _wide_lines(found: Matrix) -> Iterator[list[object]]:
    for row in found.rows:
        yield [
            str(KINDS[row.row.kind]), row.title, str(shown.CRITICALITIES[row.criticality]),
            rules.able_people(row.row, found.today), "" if (least := _least(found, row)[0]) is None else least,
            *(int(shown.standing_of(row, each).level_on(found.today)) for each in found.people),
        ]  # fmt: skip
