"""Tables out and in: CSV and XLSX that open well in Excel, and reading what people send back.

A text that a spreadsheet program could take for a formula is written with an apostrophe in front;
the reader takes it off again, so what goes out comes back unchanged.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from flask import Response

from portal.core import clock
from portal.core.archives import ArchiveRefused, Why, open_archive
from portal.core.errors import Invalid
from portal.core.i18n import lazy_gettext as _l

Encoding = Literal["utf-8-sig", "cp932"]

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 10_000
# Of a workbook so many sheets are read; more are named only.
MOST_SHEETS = 20
MAX_COLUMNS = 200
# An XLSX file is an archive: these keep a small file from becoming a huge one.
MAX_ARCHIVE_ENTRIES = 1_000
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_RATIO = 100
# Excel's own limit for one cell.
MAX_CELL = 32_767

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# What spreadsheet programs take for the beginning of a formula, full-width forms included.
_FORMULA_STARTS = "=+\\-@\t\r\n\x00＝＋－＠"
_NEEDS_GUARD = re.compile(f"'*[{_FORMULA_STARTS}]")
_GUARDED = re.compile(f"'+[{_FORMULA_STARTS}]")
_ROW = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?row[\s/>]")
# What XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Characters that Windows' Shift_JIS knows under another number than the rest of the world.
_CP932_TWINS = {"〜": "～", "−": "－", "‖": "∥", "—": "―", "¢": "￠", "£": "￡", "¬": "￢", "¦": "￤"}
# A file to save, should a browser show it in spite of all.
DOWNLOAD_POLICY = "sandbox; default-src 'none'"
# What Excel writes, and asks for, above the heading of a file whose cells something else than a comma separates.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<sign>[,;\t|])"?[,;\t|]*(?:\r\n|\r|\n)', re.IGNORECASE)
# How pictures, PDFs, sounds, films, archives and programs begin.
_NO_TABLE = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|II\*\x00|MM\x00\*|RIFF.{4}(?:WEBP|WAVE|AVI )|%PDF-|\x00\x00\x00"
    rb"|\x1f\x8b|7z\xbc\xaf|Rar!\x1a|\x7fELF",
    re.DOTALL,
)
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")
# So much of a text is looked at for its encoding.
_SAMPLE = 256 * 1024
_HALF_WIDTH_KATAKANA = re.compile("[\uff61-\uff9f]")
_KATAKANA_IN_LATIN = re.compile("[A-Za-z][\uff61-\uff9f]|[\uff61-\uff9f][A-Za-z]")
_USUAL_JAPANESE = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]")
_FULL_WIDTH_KANA = re.compile("[\u3041-\u30fe]")
_NOT_SHIFT_JIS = re.compile("[\x80\uf8f0-\uf8f3\ufffd]")
# The printers' mark for a missing type.
_MISSING = "〓"


# --- Out ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lost:
    """A character that an encoding does not have: where it stands, and what is written in its place."""

    line: int
    column: str
    character: str
    written_as: str
    # What the row is called, such as a person's name; empty for the heading, and where nobody asked.
    row: str = ""

    @property
    def code_point(self) -> str:
        """The character's number as Unicode writes it, such as U+9AD9."""
        return f"U+{ord(self.character):04X}"


def write_csv(header: Sequence[object], rows: Iterable[Sequence[object]], *, encoding: Encoding = "utf-8-sig") -> bytes:
    """Return the table as CSV: UTF-8 with its mark, which every Excel opens, or Windows' Shift_JIS.

    What CP932 does not have is replaced as `list_lost` tells.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in _with_header(header, rows):
        writer.writerow([_csv_cell(value, encoding) for value in row])
    return out.getvalue().encode(encoding)


def list_lost(
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    encoding: Encoding = "cp932",
    named_by: int | None = None,
) -> list[Lost]:
    """Return every character of the table that the encoding cannot represent, in reading order.

    `named_by` is the position of the column, from 0, that says what a row is called.
    """
    if encoding != "cp932":
        return []
    names = [str(name) for name in header]
    found = []
    for line, row in enumerate(_with_header(header, rows), start=1):
        called = _plain(row[named_by]) if named_by is not None and line > 1 and named_by < len(row) else ""
        for index, value in enumerate(row):
            column = names[index] if index < len(names) else str(index + 1)
            for character in _plain(value):
                written = _in_cp932(character)
                if written != character:
                    found.append(Lost(line, column, character, written, called))
    return found


def write_xlsx(
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    sheet: str,
    frozen_columns: int = 0,
    notes: Sequence[tuple[str, str]] = (),
    notes_sheet: str = "",
) -> bytes:
    """Return the table as a workbook; numbers and dates stay such, texts never become formulas.

    The heading and so many first columns stay in sight, every column can be filtered and is as wide
    as what stands in it. What must be known of the table stands on a second sheet.
    """
    return write_workbook([Sheet(sheet, header, rows, frozen_columns)], notes=notes, notes_sheet=notes_sheet)


@dataclass(frozen=True, slots=True)
class Share:
    """A share between 0 and 1, which a workbook shows in percent and counts as a number."""

    of_one: Fraction


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of a workbook or of an archive, with its name; so many first columns stay in sight."""

    name: str
    header: Sequence[object]
    rows: Iterable[Sequence[object]]
    frozen_columns: int = 0


def write_workbook(
    sheets: Sequence[Sheet],
    *,
    notes: Sequence[tuple[str, str]] = (),
    notes_sheet: str = "",
    created: datetime | None = None,
) -> bytes:
    """Return several tables as one workbook, each as `write_xlsx` writes it, in their order.

    `created` is what the workbook says of its making (default: now); the same of everything gives the same bytes.
    """
    from xlsxwriter import Workbook

    out = io.BytesIO()
    workbook = Workbook(
        out,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    workbook.set_properties({"created": (created or clock.now()).replace(tzinfo=None)})
    bold = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "quote_prefix": True})
    formats = _Formats(
        workbook.add_format({"num_format": "yyyy-mm-dd"}),
        workbook.add_format({"num_format": "0%"}),
        workbook.add_format({"quote_prefix": True}),
    )
    term_format = workbook.add_format({"bold": True, "quote_prefix": True})
    taken: set[str] = set()
    for sheet in sheets:
        _write_sheet(workbook.add_worksheet(_free_name(sheet.name, taken)), sheet, bold, formats)
    if notes:
        about = workbook.add_worksheet(_free_name(notes_sheet, taken))
        about.set_column(0, 0, 28)
        about.set_column(1, 1, 80)
        for line, (term, words) in enumerate(notes):
            about.write_string(line, 0, _xlsx_text(term), term_format)
            about.write_string(line, 1, _xlsx_text(words), formats.text)
    workbook.close()
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Formats:
    """How cells look: days, shares, and texts, which stay texts also when somebody edits them."""

    day: Any
    share: Any
    text: Any


def _write_sheet(page: Any, sheet: Sheet, bold: Any, formats: _Formats) -> None:
    page.freeze_panes(1, sheet.frozen_columns)
    widths = [min(display_width(str(name)), _WIDEST_HEADING) for name in sheet.header]
    for column, name in enumerate(sheet.header):
        page.write_string(0, column, _xlsx_text(str(name)), bold)
    number = 0
    for number, row in enumerate(sheet.rows, start=1):
        for column, value in enumerate(row):
            _write_xlsx_cell(page, number, column, value, formats)
            if column < len(widths):
                widths[column] = max(widths[column], display_width(_plain(value)))
    for column, width in enumerate(widths):
        # Room for the filter's button.
        page.set_column(column, column, min(width, _WIDEST_CELL) + 3)
    if sheet.header:
        page.autofilter(0, 0, number, len(sheet.header) - 1)


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that Excel takes and that no other sheet of the workbook has, whatever its case."""
    wanted = _sheet_name(name)
    found, number = wanted, 1
    while found.casefold() in taken:
        number += 1
        found = f"{wanted[: 30 - len(str(number))]} {number}"
    taken.add(found.casefold())
    return found


# The first moment that an archive can name: what does not tell when it was made is the same whenever it is.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_archive(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Return named files as one ZIP archive that says of none when it was made; the same files give the same bytes.

    Names may be Japanese: the archive says that they are UTF-8.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Readable by its owner and others; the default is readable by nobody.
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


# In characters of a column: a longer heading wraps, a longer text is cut off by the next cell.
_WIDEST_HEADING, _WIDEST_CELL = 16, 40


def display_width(text: str) -> int:
    """Return how many half-width characters a text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def guarded(text: str) -> str:
    """Return the text with an apostrophe in front where it could be taken for a formula."""
    return f"'{text}" if _NEEDS_GUARD.match(text) else text


def unguarded(text: str) -> str:
    """Take off the apostrophe that `guarded` put in front."""
    return text[1:] if _GUARDED.match(text) else text


def download(data: bytes, filename: str, content_type: str) -> Response:
    """Return a response that saves the file under its name (Japanese too) and never shows it in the page."""
    response = Response(data, content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition(filename)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


def download_csv(
    filename: str, header: Sequence[object], rows: Iterable[Sequence[object]], *, encoding: Encoding = "utf-8-sig"
) -> Response:
    """Return the table as a CSV file to save; the name comes without its ending."""
    charset = "utf-8" if encoding == "utf-8-sig" else "Windows-31J"
    data = write_csv(header, rows, encoding=encoding)
    return download(data, f"{filename}.csv", f"{CSV_TYPE}; charset={charset}")


def download_xlsx(
    filename: str,
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    sheet: str,
    frozen_columns: int = 0,
    notes: Sequence[tuple[str, str]] = (),
    notes_sheet: str = "",
) -> Response:
    """Return the table as a workbook to save, see `write_xlsx`; the name comes without its ending."""
    data = write_xlsx(header, rows, sheet=sheet, frozen_columns=frozen_columns, notes=notes, notes_sheet=notes_sheet)
    return download(data, f"{filename}.xlsx", XLSX_TYPE)


def content_disposition(filename: str) -> str:
    """Return the attachment header of RFC 6266: a name in ASCII and the real one as RFC 5987 writes it."""
    name = "".join("_" if each in '/\\:*?"<>|' else each for each in filename if _printable(each)).strip(". ")
    name = name or "download"
    stem, dot, ending = name.rpartition(".")
    ascii_stem = unicodedata.normalize("NFKD", stem or name).encode("ascii", "ignore").decode()
    # Where a Japanese word was, its two hyphens would stand side by side.
    ascii_stem = re.sub("--+", "-", ascii_stem).strip(" ._-")
    plain = f"{ascii_stem or 'download'}{dot}{ending}" if stem and ending.isascii() else ascii_stem or "download"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _with_header(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    yield header
    yield from rows


def _plain(value: object) -> str:
    """Write one value as text, numbers without grouping, dates as ISO 8601, an aware instant in UTC."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Share):
        return _decimal(value.of_one)
    if isinstance(value, Fraction):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _decimal(value: Fraction) -> str:
    """Write a fraction as a decimal: exactly where that ends, else to ten digits."""
    if value.denominator == 1:
        return str(value.numerator)
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):.10f}".rstrip("0")
    return text.rstrip(".")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Fraction | Decimal) and not isinstance(value, bool)


def _csv_cell(value: object, encoding: Encoding) -> str:
    text = _plain(value)
    if encoding == "cp932":
        text = "".join(map(_in_cp932, text))
    return text if _is_number(value) else guarded(text)


def _in_cp932(character: str) -> str:
    """Return the character as CP932 can write it; a variation selector leaves its base character alone."""
    try:
        # Some characters come back as their twin, a full-width minus among them.
        return character.encode("cp932").decode("cp932")
    except UnicodeEncodeError:
        if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
            return ""
        return _CP932_TWINS.get(character, _MISSING)


def _write_xlsx_cell(page: Any, row: int, column: int, value: object, formats: _Formats) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, int) and abs(value) >= 10**15:
        # Excel keeps 15 digits; longer numbers are numbers in name only.
        page.write_string(row, column, str(value))
    elif isinstance(value, int | float | Fraction | Decimal):
        page.write_number(row, column, float(value))
    elif isinstance(value, Share):
        page.write_number(row, column, float(value.of_one), formats.share)
    elif isinstance(value, date) and not isinstance(value, datetime) and value.year >= 1900:
        page.write_datetime(row, column, value, formats.day)
    else:
        text = _plain(value)
        page.write_string(row, column, _xlsx_text(text), formats.text if _NEEDS_GUARD.match(text) else None)


def _xlsx_text(text: str) -> str:
    # In a workbook a text is a text, and the format says so to whoever edits it. One that begins as if it had been
    # guarded is, so that it is read again as it was.
    safe = _NOT_IN_XML.sub("\ufffd", guarded(text) if _GUARDED.match(text) else text)
    return safe if len(safe) <= MAX_CELL else safe[: MAX_CELL - 1] + "…"


def _sheet_name(name: str) -> str:
    kept = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip("' ")[:31].strip("' ")
    return kept if kept and kept.casefold() != "history" else "Sheet1"


def _printable(character: str) -> bool:
    # Control and format characters (direction overrides among them) make a name look like another.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


# --- In ----------------------------------------------------------------------------------------


class TableUnreadable(Invalid):
    """What was sent is no table that can be taken."""

    message = _l("This cannot be read as a table. Send CSV, tab-separated text or XLSX.")


class TableTooLarge(TableUnreadable):
    """The table is beyond the limits."""

    message = _l("The table is too large: at most %(rows)s rows, %(columns)s columns and %(megabytes)s MB. Split it.")

    def __init__(self) -> None:
        super().__init__(rows=f"{MAX_ROWS:,}", columns=MAX_COLUMNS, megabytes=MAX_BYTES // 1024 // 1024)


class TableEmpty(TableUnreadable):
    """There is no row in it."""

    message = _l("The table is empty. The first line names the columns, each further line is one row.")


class UnknownEncoding(TableUnreadable):
    """The bytes are text in no encoding that we know."""

    message = _l(
        "Line %(line)s holds characters in an unknown encoding. Save the file as “CSV UTF-8” or as an XLSX workbook."
    )


class OtherEncoding(TableUnreadable):
    """A row is text in another encoding than the rest, read as if it were in that of the rest."""

    message = _l("Line %(line)s is written in another encoding than the rest. Save the file as “CSV UTF-8” again.")


class BrokenQuotes(TableUnreadable):
    """The CSV's quotation marks do not match."""

    message = _l(
        "Line %(line)s cannot be split into cells. Look for a quotation mark that is not closed, "
        "and double those inside a cell."
    )


class HeadingMissing(TableUnreadable):
    """A column with values has no name."""

    message = _l("Column %(column)s has no heading. Name it in the first line or remove it.")


class HeadingTwice(TableUnreadable):
    """Two columns have the same name."""

    message = _l("The heading “%(name)s” appears twice in the first line. Keep only one of the columns.")


class TooManyCells(TableUnreadable):
    """A row is longer than the heading."""

    message = _l(
        "Line %(line)s has more cells (%(cells)s) than the first line (%(columns)s). "
        "Put a text that holds a comma between quotation marks."
    )


class OldWorkbook(TableUnreadable):
    """An .xls of the nineties, or a workbook with a password."""

    message = _l("This kind of workbook is not supported. Save it as an XLSX workbook without a password, or as CSV.")


class WorkbookDamaged(TableUnreadable):
    """The archive or the XML inside it is broken or hostile."""

    message = _l("The workbook is damaged. Open it, save it again as XLSX, or save it as CSV.")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line number in what was sent (the heading is line 1) and its cells by column name.

    `written` is how many cells stand in its line; None in a workbook, where empty ones at the end are not written.
    """

    line: int
    cells: dict[str, str]
    written: int | None = None

    def get(self, column: str) -> str:
        """Return the cell with blanks at its ends taken off; empty where there is no such column."""
        return self.cells.get(column, "").strip()


@dataclass(frozen=True, slots=True)
class Table:
    """What was read: column names in their order, the rows that are not blank, and what was left out by its line."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    # The line of the heading.
    line: int = 1
    left_out: tuple[tuple[int, TableUnreadable], ...] = ()


def read_typed(text: str) -> Table:
    """Read a table that was pasted, as `read_table` reads CSV: it is text already, in no encoding. Raises the same."""
    if len(text.encode()) > MAX_BYTES:
        raise TableTooLarge()
    if not text.strip():
        raise TableEmpty()
    return _table(_csv_lines(text.removeprefix("\ufeff")), leave_out=False, is_typed=True)


def read_table(data: bytes, filename: str = "", *, leave_out: bool = False) -> Table:
    """Read CSV or the first sheet of an XLSX workbook.

    CSV is separated by comma, semicolon or tab, or as Excel's first line `sep=;` says, in UTF-8, UTF-16, CP932, EUC-JP
    or ISO-2022-JP. What it is,
    is seen from the bytes; the file name only decides in doubt. Raises
    `TableUnreadable` in words that name the line; with `leave_out` a row below the heading that cannot be taken is
    noted in the table instead, the others are taken, and an empty column needs no heading.
    """
    if len(data) > MAX_BYTES:
        raise TableTooLarge()
    if not data.strip():
        raise TableEmpty()
    if data.startswith(b"PK\x03\x04"):
        return _table(_xlsx_lines(data), leave_out=leave_out, is_counted=False)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise OldWorkbook()
    if _NO_TABLE.match(data):
        raise TableUnreadable()
    if filename.casefold().endswith((".xlsx", ".xlsm")):
        raise WorkbookDamaged()
    return _table(_csv_lines(_decoded(data)), leave_out=leave_out)


def as_text(data: bytes, filename: str = "") -> str:
    """Return CSV or the first sheet of a workbook as lines of cells with tabs between them; see `read_table`.

    Nothing is taken for a heading, and every row stands in the line that it had. Raises `TableUnreadable`.
    """
    if len(data) > MAX_BYTES:
        raise TableTooLarge()
    if data.startswith(b"PK\x03\x04"):
        lines: Iterable[tuple[int, list[str]]] = _xlsx_lines(data)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise OldWorkbook()
    elif _NO_TABLE.match(data):
        raise TableUnreadable()
    elif filename.casefold().endswith((".xlsx", ".xlsm")):
        raise WorkbookDamaged()
    else:
        lines = lines_of(_decoded(data))
    return _text_of(lines)


def _text_of(lines: Iterable[tuple[int, list[str]]]) -> str:
    written: list[str] = []
    for line, cells in lines:
        written += [""] * (line - 1 - len(written))
        written.append("\t".join(" ".join(cell.replace('"', "″").split()) for cell in cells).rstrip())
    return "\n".join(written).rstrip()


Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class ReadSheet(Generic[Content]):
    """A sheet of a workbook under its name, and what was read of it; None where it was not, and `fault` says why."""

    name: str
    content: Content | None
    fault: TableUnreadable | None = None


def read_sheets(data: bytes, filename: str = "") -> list[ReadSheet[Table]]:
    """Read every sheet of a workbook as `read_table` does the one it opens with; else there is one without a name.

    There is at least one. Raises `TableUnreadable` for what is no workbook that can be opened, or no table.
    """
    if not data.startswith(b"PK\x03\x04"):
        return [ReadSheet("", read_table(data, filename))]
    return _each_sheet(data, lambda lines: _table(lines, leave_out=False, is_counted=False))


def sheets_as_text(data: bytes, filename: str = "") -> list[ReadSheet[str]]:
    """Return every sheet of a workbook as `as_text` does the first; anything else is one sheet without a name.

    There is at least one. Raises `TableUnreadable` for what is no workbook that can be opened, or no text.
    """
    if not data.startswith(b"PK\x03\x04"):
        return [ReadSheet("", as_text(data, filename))]
    return _each_sheet(data, _text_of)


def first_filled(sheets: Sequence[ReadSheet[Content]]) -> ReadSheet[Content]:
    """Return the sheet that is meant where nobody said which: the first in which there is anything."""
    return next((each for each in sheets if each.content or not isinstance(each.fault, TableEmpty | None)), sheets[0])


def _each_sheet(data: bytes, read: Callable[[Any], Content]) -> list[ReadSheet[Content]]:
    if len(data) > MAX_BYTES:
        raise TableTooLarge()
    found: list[ReadSheet[Content]] = []
    for name, lines in _xlsx_sheets(data):
        fault: TableUnreadable | None = TableTooLarge()
        content = None
        if len(found) < MOST_SHEETS:
            try:
                content, fault = read(lines), None
            except TableUnreadable as refused:
                fault = refused
        found.append(ReadSheet(name, content, fault))
    return found


def lines_of(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a text that came from a spreadsheet, each with its number from 1, as cells.

    Cells are separated by what the first line has most of: tab, comma or semicolon. Raises `BrokenQuotes`,
    `TableTooLarge`.
    """
    for count, (line, cells) in enumerate(_csv_lines(text.removeprefix("\ufeff")), start=1):
        if count > 2 * MAX_ROWS:
            raise TableTooLarge()
        if isinstance(cells, BrokenQuotes):
            raise cells
        yield line, cells


def _table(
    lines: Iterator[tuple[int, list[str] | BrokenQuotes]],
    *,
    leave_out: bool,
    is_counted: bool = True,
    is_typed: bool = False,
) -> Table:
    header: list[str] | None = None
    first = 1
    rows: list[Row] = []
    left_out: list[tuple[int, TableUnreadable]] = []
    # Columns without a heading, from 1: nothing may stand in them.
    nameless: list[int] = []
    for count, (line, cells) in enumerate(lines, start=1):
        # Empty ones take time too.
        if count > 2 * MAX_ROWS:
            raise TableTooLarge()
        fault: TableUnreadable | None = None
        written = None
        if isinstance(cells, BrokenQuotes):
            fault = cells
        else:
            written = len(cells) if is_counted else None
            while cells and not cells[-1].strip():
                cells.pop()
            if not cells:
                continue
            if header is not None and len(cells) > len(header):
                fault = TooManyCells(line=line, cells=len(cells), columns=len(header))
            elif is_counted and not is_typed and any(map(is_garbled, cells)):
                fault = OtherEncoding(line=line)
        if header is not None and len(rows) + len(left_out) >= MAX_ROWS:
            fault = TableTooLarge()
        if fault is not None:
            if not leave_out or header is None:
                raise fault
            left_out.append((line, fault))
            if isinstance(fault, TableTooLarge):
                break
            continue
        assert isinstance(cells, list)
        if header is None:
            header, first = [name.strip() for name in cells], line
            nameless = [number for number, name in enumerate(header, start=1) if not name] if leave_out else []
            _check_header(header, line, may_lack=bool(nameless))
            continue
        used = next((number for number in nameless if number <= len(cells) and cells[number - 1].strip()), None)
        if used is not None:
            raise HeadingMissing(column=used, line=first)
        rows.append(Row(line, dict(zip(header, cells, strict=False)), written))
    if header is None:
        raise TableEmpty()
    return Table(tuple(filter(None, header)), tuple(rows), first, tuple(left_out))


def is_garbled(text: str) -> bool:
    """Say whether a text is UTF-8 that was read as CP932, such as 「菴占陸」 for 「佐藤」."""
    if text.isascii():
        return False
    try:
        meant = text.encode("cp932").decode("utf-8")
    except UnicodeError:
        return False
    # Half-width katakana alone can be Latin letters by chance; between Latin letters it is none. And two kanji can be
    # one and a letter by chance: 「邊子」.
    usual = len(_USUAL_JAPANESE.findall(meant))
    is_chance = usual == 1 and not _HALF_WIDTH_KATAKANA.search(text)
    return (usual > 0 and not is_chance) or bool(_KATAKANA_IN_LATIN.search(text))


def _check_header(header: list[str], line: int, *, may_lack: bool = False) -> None:
    if len(header) > MAX_COLUMNS:
        raise TableTooLarge()
    for number, name in enumerate(header, start=1):
        if not name and may_lack:
            continue
        if not name:
            raise HeadingMissing(column=number, line=line)
        if name in header[: number - 1]:
            raise HeadingTwice(name=name, line=line)


def encoding_of(data: bytes) -> str:
    """Return as what `read_table` reads text: "UTF-8", "UTF-16", "Shift_JIS", "EUC-JP" or "ISO-2022-JP".

    Raises `UnknownEncoding`.
    """
    return _in_encoding(data)[0]


def _decoded(data: bytes) -> str:
    return _in_encoding(data)[1]


def _in_encoding(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16", _without_odd_signs(_strictly(data, "utf-16"))
    if data.startswith(b"\xef\xbb\xbf"):
        return "UTF-8", _strictly(data[3:], "utf-8")
    sample = data[:4000]
    # Latin text in UTF-16 without its mark: every other byte is zero.
    for encoding, offset in (("utf-16-le", 1), ("utf-16-be", 0)):
        half = sample[offset::2]
        if len(half) > 4 and half.count(0) > len(half) * 0.6:
            return "UTF-16", _without_odd_signs(_strictly(data, encoding))
    if _ISO_2022_JP.search(data):
        return "ISO-2022-JP", _strictly(data, "iso2022_jp_ext")
    try:
        return "UTF-8", data.decode("utf-8")
    except UnicodeDecodeError as failure:
        if is_nearly_utf_8(data, is_list=True):
            raise UnknownEncoding(line=data.count(b"\n", 0, failure.start) + 1) from None
        text = data.decode("cp932", "replace")
        other = data.decode("euc_jp", "replace")
        if _looks_more_like(other, text):
            if "\ufffd" in other:
                line = other.count("\n", 0, other.index("\ufffd")) + 1
                raise UnknownEncoding(line=line) from None
            return "EUC-JP", other
        # Stray bytes that the codec lets through as private characters are no Japanese text.
        if odd := _NOT_SHIFT_JIS.search(text):
            raise UnknownEncoding(line=text.count("\n", 0, odd.start()) + 1) from None
        return "Shift_JIS", text


def is_nearly_utf_8(data: bytes, *, is_list: bool = False) -> bool:
    """Say whether more of the bytes beyond ASCII are UTF-8 than not: a file of it with a fault, and nothing else.

    A list of names may be so short that chance decides: whatever is clean as Shift_JIS is taken for that.
    """
    text = data[:_SAMPLE].decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    # No other encoding has three bytes that happen to be kana or kanji but for once in a while.
    japanese = len(_USUAL_JAPANESE.findall(text))
    if is_list and japanese <= wrong and _is_clean_cp932(data[:_SAMPLE]):
        # A short list in which two kanji happen to be one of UTF-8 and a letter.
        return False
    return 0 < wrong <= 3 * japanese or sum(not each.isascii() for each in text) > 2 * wrong


def _is_clean_cp932(data: bytes) -> bool:
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return False
    return all(each.isascii() or _USUAL_JAPANESE.match(each) for each in text)


def _looks_more_like(euc: str, cp932: str) -> bool:
    """Say whether the bytes are EUC-JP: read as CP932 it is mostly half-width katakana, in itself usual Japanese.

    Real half-width katakana has runs of odd length, which EUC-JP cannot be.
    """
    half = len(_HALF_WIDTH_KATAKANA.findall(cp932))
    full = sum(not each.isascii() for each in cp932) - half
    foreign = sum(not each.isascii() for each in euc)
    if not full and not _FULL_WIDTH_KANA.search(euc):
        return False
    return half > full and len(_USUAL_JAPANESE.findall(euc)) >= foreign * 0.9


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as failure:
        before = data[: failure.start].decode(encoding, "ignore")
        raise UnknownEncoding(line=before.count("\n") + 1) from None


def _without_odd_signs(text: str) -> str:
    """Return the text as it is; refuse signs that no text has, as almost any bytes are UTF-16 of some kind."""
    odd = [each for each in set(text) if unicodedata.category(each) in ("Cc", "Cn") and each not in "\t\r\n"]
    if odd:
        raise UnknownEncoding(line=text.count("\n", 0, min(map(text.index, odd))) + 1)
    return text


def _csv_lines(text: str) -> Iterator[tuple[int, list[str] | BrokenQuotes]]:
    """Yield the rows with their lines, and what cannot be split as its refusal."""
    delimiter = _delimiter(text)
    # A line of a million cells is refused before it is split into them.
    if any(line.count(delimiter) > 100 * MAX_COLUMNS for line in text.split("\n")):
        raise TableTooLarge()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    if _SEPARATOR_LINE.match(text):
        next(reader)
        line = 2
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, BrokenQuotes(line=line)
        else:
            yield line, [unguarded(cell) for cell in cells]
        line = reader.line_num + 1


def _delimiter(text: str) -> str:
    """Return what separates the cells: what the file itself says, or the most frequent candidate in its first line."""
    if told := _SEPARATOR_LINE.match(text):
        return told["sign"]
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    return max(("\t", ",", ";"), key=lambda each: (outside.count(each), each == ","))


def _xlsx_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of the first sheet."""
    yield from next(_xlsx_sheets(data))[1]


def _xlsx_sheets(data: bytes) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]]]]:
    """Yield each sheet's name with its lines, of which there is at least one.

    First the one that a spreadsheet program opens with, then those that it shows, hidden ones last.
    """
    _check_archive(data)
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workbook = openpyxl.load_workbook(
                io.BytesIO(data), read_only=True, data_only=True, keep_links=False, rich_text=False
            )
        active = workbook.active
        pages = sorted(
            workbook.worksheets, key=lambda page: (page.sheet_state != "visible", active is None or page is not active)
        )
    except MemoryError:
        raise
    except Exception as failure:
        raise WorkbookDamaged() from failure
    if not pages:
        raise TableEmpty()
    for page in pages:
        yield str(page.title), _lines_of_sheet(data, page)


def _lines_of_sheet(data: bytes, page: Any) -> Iterator[tuple[int, list[str]]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _count_rows(data, str(vars(page)["_worksheet_path"]))
            # What the file says about its size may be wrong.
            page.reset_dimensions()
            for line, values in enumerate(page.iter_rows(values_only=True, max_col=MAX_COLUMNS + 1), start=1):
                if line > 2 * MAX_ROWS:
                    raise TableTooLarge()
                yield line, [unguarded(_cell_text(value)) for value in values]
    except (TableUnreadable, MemoryError):
        raise
    except Exception as failure:
        raise WorkbookDamaged() from failure


def _count_rows(data: bytes, name: str) -> None:
    """Refuse a sheet with too many rows, empty ones and ones that say they are the same included.

    The library steps over the latter without telling, which takes seconds for a small file.
    """
    count, rest = 0, b""
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name.lstrip("/")) as part:
        while chunk := part.read(1024 * 1024):
            # UTF-16 has a zero byte at each letter.
            seen = rest + chunk.replace(b"\x00", b"")
            end = max(seen.rfind(b"<"), 0)
            count += len(_ROW.findall(seen[:end]))
            if count > 2 * MAX_ROWS:
                raise TableTooLarge()
            rest = seen[end:][-4096:]


def _cell_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date().isoformat()
    return _plain(value)


def _check_archive(data: bytes) -> None:
    """Refuse archives that unpack to far more than they are, and XML that declares entities."""
    try:
        archive = open_archive(
            data, most_entries=MAX_ARCHIVE_ENTRIES, most_bytes=MAX_UNPACKED_BYTES, most_ratio=MAX_RATIO
        )
        for name in archive.entries:
            if name.endswith((".xml", ".rels")) and _declares_entities(archive.chunks(name)):
                raise WorkbookDamaged()
    except ArchiveRefused as refused:
        if refused.why in (Why.TOO_MANY, Why.TOO_LARGE):
            raise TableTooLarge() from refused
        raise (OldWorkbook if refused.why is Why.ENCRYPTED else WorkbookDamaged)() from refused
    if "[Content_Types].xml" not in archive.entries:
        raise WorkbookDamaged()


def _declares_entities(chunks: Iterable[bytes]) -> bool:
    rest = b""
    for chunk in chunks:
        seen = rest + chunk.replace(b"\x00", b"")
        if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
            return True
        rest = seen[-10:]
    return False
