"""Which format a file of questions is in: by what it holds, and in doubt by its name."""

from __future__ import annotations

import re

# What is looked at of a file.
_SAMPLE = 64 * 1024
_AIKEN = re.compile(r"^[ \t]*ANSWER[ \t]*[:：][ \t]*[A-ZＡ-Ｚ]", re.IGNORECASE | re.MULTILINE)
_GIFT = re.compile(r"(?<!\\)\{[^{}]{0,20000}(?<!\\)\}|^::|^\$CATEGORY:", re.MULTILINE)
_QTI = re.compile(r"<(?:[A-Za-z]+:)?(?:assessmentItem|assessmentTest|assessmentSection|questestinterop|manifest)[\s>]")
_MOODLE = re.compile(r"<quiz[\s>]|<question\s+type=")
_MARKDOWN = re.compile(r"\A---\s*\n|^## .*\{#[^}\s]+\}[ \t]*$", re.MULTILINE)
_BY_ENDING = {
    ".gift": "gift",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".zip": "qti",
    ".imscc": "qti",
}


def format_of(data: bytes, filename: str) -> str | None:
    """Return the name of the format that a file seems to be in, or None where nothing speaks for one."""
    ending = "." + filename.rpartition(".")[2].casefold() if "." in filename else ""
    if data.startswith(b"PK\x03\x04"):
        # The names of an archive stand in it as they are.
        return "xlsx" if b"xl/workbook.xml" in data or ending in (".xlsx", ".xlsm") else "qti"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return "xlsx"
    is_utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data[:_SAMPLE].decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")
    if is_utf_16 and ending in ("", ".txt") and not any(sign.search(text) for sign in (_MARKDOWN, _AIKEN, _GIFT)):
        # What Excel calls Unicode text.
        return "csv"
    begins = text.lstrip()[:1] == "<"
    if begins and _QTI.search(text):
        return "qti"
    if begins and _MOODLE.search(text):
        return "moodle-xml"
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if ending == ".xml":
        return "moodle-xml"
    if _MARKDOWN.search(text):
        return "markdown"
    if _AIKEN.search(text):
        return "aiken"
    if _GIFT.search(text):
        return "gift"
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.count("\t") or first.count(",") > 1:
        return "csv"
    return None
