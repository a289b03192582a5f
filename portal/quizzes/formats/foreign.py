"""Which formats of question files are read and written, by the names of the command line and of the pages."""

from __future__ import annotations

from importlib import import_module

from portal.core.i18n import gettext as _
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


def format_named(name: str) -> Format:
    """Return a format; raises `KeyError`."""
    module = import_module(f"portal.quizzes.formats.{_MODULES[name]}")
    found: Format = module.FORMAT
    return found


def read_file(name: str, data: bytes) -> Reading:
    """Return what a file of a format holds; one that is too large is refused as a whole."""
    if len(data) > MAX_BYTES:
        reason = _("The file is larger than %(megabytes)s MB. Split it.", megabytes=MAX_BYTES // 1024 // 1024)
        return Reading((), (Refused(0, reason),))
    return format_named(name).read(data)
