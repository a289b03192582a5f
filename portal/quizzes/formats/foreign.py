"""Which formats of question files are read and written, by the names of the command line and of the pages."""

from __future__ import annotations

from importlib import import_module

from portal.core import tables
from portal.core.i18n import gettext as _
from portal.quizzes.formats import interchange
from portal.quizzes.formats.interchange import MAX_BYTES, Format, Reading, Refused

# Each is a module of this package with one `FORMAT`; loaded when it is needed.
_MODULES = {
    "gift": "gift",
    "moodle-xml": "moodle_xml",
    "qti": "qti",
    "aiken": "aiken",
    "csv": "table",
    "xlsx": "workbook",
    "markdown": "own_markdown",
}
NAMES = tuple(_MODULES)
# Files of text say nothing of their encoding, which is seen from their bytes; where that goes wrong, it can be said.
OF_TEXT = ("gift", "aiken", "csv", "markdown")
ENCODINGS = {
    "UTF-8": "utf-8-sig",
    "Shift_JIS": "cp932",
    "EUC-JP": "euc_jp",
    "ISO-2022-JP": "iso2022_jp_ext",
    "UTF-16": "utf-16",
    "Windows-1252": "cp1252",
}


def format_named(name: str) -> Format:
    """Return a format; raises `KeyError`."""
    module = import_module(f"portal.quizzes.formats.{_MODULES[name]}")
    found: Format = module.FORMAT
    return found


def read_file(name: str, data: bytes, encoding: str = "") -> Reading:
    """Return what a file of a format holds; one that is too large is refused as a whole.

    `encoding`, one of `ENCODINGS`, counts for files of text instead of what their bytes look like.
    """
    if len(data) > MAX_BYTES:
        reason = _("The file is larger than %(megabytes)s MB. Split it.", megabytes=MAX_BYTES // 1024 // 1024)
        return Reading((), (Refused(0, reason),))
    if encoding and _is_text(name, data):
        try:
            data = data.decode(ENCODINGS[encoding]).encode()
        except UnicodeDecodeError as broken:
            # Lines end alike in all of them but UTF-16.
            line = 1 if encoding == "UTF-16" else data.count(b"\n", 0, broken.start) + 1
            reason = _("The file is not %(encoding)s text from this line on.", encoding=encoding)
            return Reading((), (Refused(line, reason),))
    return format_named(name).read(data)


def _is_text(name: str, data: bytes) -> bool:
    return name in OF_TEXT and not data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def unusual_encoding(name: str, data: bytes, encoding: str = "") -> str:
    """Return in which encoding a file of text is read where that is not UTF-8 and the file does not say so itself."""
    if len(data) > MAX_BYTES or not _is_text(name, data):
        return ""
    if encoding:
        return "" if encoding == "UTF-8" else encoding
    found = "UTF-8"
    if name in ("gift", "aiken", "markdown"):
        found = interchange.encoding_of(data)
    elif name == "csv":
        try:
            found = tables.encoding_of(data)
        except tables.TableUnreadable:
            return ""
    return "" if found == "UTF-8" else found
