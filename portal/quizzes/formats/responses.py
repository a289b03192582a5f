"""Tables of what people answered, one row a person and one column an item, and the key that belongs to them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.core.i18n import gettext as _
from portal.core.tables import Row, Table, read_table
from portal.quizzes.rules.statistics import Mark

# What stands in a cell of somebody who was not shown the item, as R, SPSS and Excel write it.
_NOT_SHOWN = frozenset({"NA", "N/A", "#N/A", "NAN", "NULL", "."})
# And where she was, but did not answer.
_NO_ANSWER = frozenset({"", "-", "–"})
_BETWEEN_KEYS = re.compile(r"[|,;、]")


class ResponsesUnreadable(Exception):
    """The table cannot be taken; the words say where and what to do."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Who got how many marks for what: one row a person, None where the item was not shown."""

    names: tuple[str, ...]
    rows: tuple[tuple[Mark, ...], ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """Who took what: one row a person, "" where nothing was answered; and of each item what is right."""

    names: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    right: tuple[tuple[str, ...], ...]


def read_marks(data: bytes, filename: str = "") -> Marks:
    """Read marks; an empty cell is an item without an answer, which earns nothing.

    Raises `ResponsesUnreadable`, and `TableUnreadable` for what is no table.
    """
    table = _table(data, filename)
    return Marks(table.header, tuple(tuple(_mark(row, name) for name in table.header) for row in table.rows))


def read_choices(data: bytes, key: bytes, filename: str = "") -> Choices:
    """Read choices, and the key: the same heading over one row, or a row for each item with its name and its key.

    Several right choices stand beside each other as `A|C`, or as `A,C` between quotation marks; what somebody chose
    as a whole is one choice. Upper and lower case are the same unless somebody took the one and somebody the other of
    the same item. Raises as `read_marks` does.
    """
    table = _table(data, filename)
    keys = _keys(_table(key), table.header)
    missing = [name for name in table.header if not keys.get(name)]
    if missing:
        raise ResponsesUnreadable(_("The key says nothing about these items: %(names)s.", names=_listed(missing)))
    unknown = [name for name in keys if name not in table.header]
    if unknown:
        raise ResponsesUnreadable(
            _("The key names items that the responses do not have: %(names)s.", names=_listed(unknown))
        )
    columns = [[_choice(row.get(name)) for row in table.rows] for name in table.header]
    right = [_right(keys[name], column) for name, column in zip(table.header, columns, strict=True)]
    if all(_is_one_case(column) for column in columns):
        forms = [_forms(column, of_item) for column, of_item in zip(columns, right, strict=True)]
        columns = [
            [each and form[each.casefold()] for each in column] for column, form in zip(columns, forms, strict=True)
        ]
        right = [
            tuple(dict.fromkeys(form[each.casefold()] for each in of_item))
            for of_item, form in zip(right, forms, strict=True)
        ]
    return Choices(table.header, tuple(zip(*columns, strict=True)), tuple(right))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _table(data: bytes, filename: str = "") -> Table:
    """Return the table, of which no row may be shorter than the heading: nobody knows which cells are missing."""
    table = read_table(data, filename)
    for row in table.rows:
        if row.written is not None and row.written < len(table.header):
            raise ResponsesUnreadable(
                _(
                    "Line %(line)s has fewer cells (%(cells)s) than the first line (%(columns)s). "
                    "Leave a cell empty where nothing was answered, but keep the signs between the cells.",
                    line=row.line,
                    cells=row.written,
                    columns=len(table.header),
                )
            )
    return table


def _is_one_case(column: Sequence[str | None]) -> bool:
    taken = {each for each in column if each}
    return len({each.casefold() for each in taken}) == len(taken)


def _forms(column: Sequence[str | None], right: Sequence[str]) -> Mapping[str, str]:
    """Return how each choice is written: as in the key, else as somebody took it."""
    forms: dict[str, str] = {}
    for each in (*right, *filter(None, column)):
        forms.setdefault(each.casefold(), each)
    return forms


def _mark(row: Row, name: str) -> Mark:
    written = unicodedata.normalize("NFKC", row.get(name))
    if written.upper() in _NOT_SHOWN:
        return None
    if written in _NO_ANSWER:
        return 0.0
    try:
        # Half of Europe writes 0,5 (and separates cells by semicolons).
        mark = float(written.replace(",", ".") if written.count(",") == 1 and "." not in written else written)
    except ValueError:
        mark = math.nan
    if not math.isfinite(mark) or abs(mark) > 1e9 or "_" in written:
        raise ResponsesUnreadable(
            _(
                "Line %(line)s, column “%(name)s”: “%(text)s” is no number of marks. "
                "Write a number, nothing for no answer, or NA for an item that was not shown; for choices, name a key.",
                line=row.line,
                name=name,
                text=written[:40],
            )
        )
    return mark


def _choice(written: str) -> str | None:
    text = unicodedata.normalize("NFKC", written).strip()
    if text.upper() in _NOT_SHOWN:
        return None
    return "" if text in _NO_ANSWER else text


def _keys(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Return what the key says of each item that it names."""
    if len(table.rows) == 1 and set(names) <= set(table.header):
        return {name: table.rows[0].get(name) for name in table.header}
    if len(table.header) == 2 and not set(table.header) <= set(names):
        item, key = table.header
        # The first line is the heading of the two columns, or an item already.
        first = {item: key} if item in names else {}
        return first | {row.get(item): row.get(key) for row in table.rows}
    if len(table.rows) == 1:
        return {name: table.rows[0].get(name) for name in table.header}
    raise ResponsesUnreadable(
        _(
            "The key has %(rows)s rows of %(columns)s columns. Write the items' names over one row with their keys, or "
            "two columns: item and key.",
            rows=len(table.rows),
            columns=len(table.header),
        )
    )


def _right(written: str, column: Sequence[str | None]) -> tuple[str, ...]:
    text = unicodedata.normalize("NFKC", written).strip()
    cells = [text] if text in column else _BETWEEN_KEYS.split(text)
    return tuple(cell.strip() for cell in cells if cell.strip())
