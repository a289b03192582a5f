"""Tables of what people answered, one row a person and one column an item, and the key that belongs to them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from portal.core.i18n import gettext as _
from portal.core.tables import Row, Table, read_table
from portal.quizzes.rules.statistics import Mark

# What stands in a cell of somebody who was not shown the item, as R, SPSS and Excel write it.
_NOT_SHOWN = frozenset({"NA", "N/A", "#N/A", "NAN", "NULL", "."})
# And where she was, but did not answer.
_NO_ANSWER = frozenset({"", "-", "–"})
_BETWEEN_KEYS = "|"


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
    table = read_table(data, filename)
    return Marks(table.header, tuple(tuple(_mark(row, name) for name in table.header) for row in table.rows))


def read_choices(data: bytes, key: bytes, filename: str = "") -> Choices:
    """Read choices, and the key: the same heading over one row, or a row for each item with its name and its key.

    Several right choices stand beside each other as `A|C`. Raises as `read_marks` does.
    """
    table = read_table(data, filename)
    keys = _keys(read_table(key), table.header)
    missing = [name for name in table.header if not keys.get(name)]
    if missing:
        raise ResponsesUnreadable(_("The key says nothing about these items: %(names)s.", names=", ".join(missing)))
    rows = tuple(tuple(_choice(row.get(name)) for name in table.header) for row in table.rows)
    return Choices(table.header, rows, tuple(keys[name] for name in table.header))


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


def _keys(table: Table, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if len(table.rows) == 1 and set(names) <= set(table.header):
        return {name: _right(table.rows[0].get(name)) for name in table.header}
    if len(table.header) == 2:
        item, key = table.header
        # The first line is the heading of the two columns, or an item already.
        return {item: _right(key)} | {row.get(item): _right(row.get(key)) for row in table.rows}
    if len(table.rows) == 1:
        return {name: _right(table.rows[0].get(name)) for name in table.header}
    raise ResponsesUnreadable(
        _(
            "The key has %(rows)s rows of %(columns)s columns. Write the items' names over one row with their keys, or "
            "two columns: item and key.",
            rows=len(table.rows),
            columns=len(table.header),
        )
    )


def _right(written: str) -> tuple[str, ...]:
    cells: Sequence[str] = unicodedata.normalize("NFKC", written).split(_BETWEEN_KEYS)
    return tuple(cell.strip() for cell in cells if cell.strip())
