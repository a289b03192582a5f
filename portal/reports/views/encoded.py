"""Tables as CSV in either encoding: what Shift_JIS does not have is told before the file is handed out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from portal.core.errors import NotFound
from portal.core.tables import Lost, download_csv, list_lost

# A list of thousands of lines helps nobody; how many there are is said.
SHOWN = 200


def csv_or_what_is_lost(
    filename: str,
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    named_by: int | None,
    trail: Sequence[dict[str, Any]],
) -> Response | str:
    """Give the table as CSV in the encoding that the address asks for; where that loses characters, say which first.

    `named_by` is the position of the column that says what a row is called; `trail` leads back. Raises `NotFound` for
    an encoding that is not offered.
    """
    if request.args.get("encoding", "") not in ("", "utf-8-sig", "cp932"):
        raise NotFound()
    if request.args.get("encoding") != "cp932":
        return download_csv(filename, header, rows)
    kept = list(rows)
    lost = list_lost(header, kept, named_by=named_by)
    if not lost or "anyway" in request.args:
        return download_csv(filename, header, kept, encoding="cp932")
    return render_template(
        "reports/lost.html",
        trail=trail,
        lost=[told(each) for each in lost[:SHOWN]],
        total=len(lost),
        utf_8_href=_here(),
        anyway_href=_here(encoding="cp932", anyway=1),
    )


def told(each: Lost) -> dict[str, Any]:
    """Return a lost character as the table shows it."""
    return {
        "line": each.line,
        "row": each.row,
        "column": each.column,
        "character": each.character,
        "code_point": each.code_point,
        "written_as": each.written_as,
        "file": "",
    }


def exports(endpoint: str, xlsx_endpoint: str, **values: Any) -> list[dict[str, str]]:
    """Return the files in which a table can be had."""
    return [
        {"label": "CSV", "href": url_for(endpoint, **values)},
        {"label": "CSV (Shift_JIS)", "href": url_for(endpoint, encoding="cp932", **values)},
        {"label": "XLSX", "href": url_for(xlsx_endpoint, **values)},
    ]


def _here(**besides: Any) -> str:
    asked = {name: value for name, value in request.args.items() if name not in ("encoding", "anyway")}
    values: dict[str, Any] = {**(request.view_args or {}), **asked, **besides}
    assert request.endpoint is not None
    return url_for(request.endpoint, **values)
