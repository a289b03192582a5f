"""The content folder as data: files, findings with file, line and the way to mend them.

`operations` reads the folder and asks every domain's part in turn; a part checks its files,
takes them in through its services, and writes them out again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _

SLUG = re.compile(r"[a-z][a-z0-9-]{0,59}")
MAX_FILE_BYTES = 256 * 1024


class Level(StrEnum):
    """An error stops the import, a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file, where, and how to mend it; line 0 is the file as a whole."""

    path: str
    line: int
    message: str
    mend: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.level}: {self.message} {self.mend}".rstrip()


@dataclass(frozen=True, slots=True)
class ContentFile:
    """One file of the folder: its path relative to the folder, with `/`, and its text."""

    path: str
    text: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The names along the path."""
        return tuple(self.path.split("/"))


@dataclass(slots=True)
class ContentFolder:
    """A content folder read into memory, with what its parts tell one another.

    `shared` holds what a lower part found for the upper ones, under agreed names:
    `clauses`: {document slug: {version number: set of clause ids}}, `documents`: set of slugs,
    `questions`: {bank slug: {question id: type}}, `quizzes`, `plans`: sets of slugs.
    """

    files: dict[str, ContentFile]
    findings: list[Finding] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)

    def below(self, folder: str) -> Iterator[ContentFile]:
        """Yield the files below a folder in the order of their paths."""
        prefix = folder.rstrip("/") + "/"
        for path in sorted(self.files):
            if path.startswith(prefix):
                yield self.files[path]

    def error(self, path: str, line: int, message: str, mend: str = "") -> None:
        """Note what stops the import."""
        self.findings.append(Finding(path, line, message, mend))

    def warn(self, path: str, line: int, message: str, mend: str = "") -> None:
        """Note what should be looked at."""
        self.findings.append(Finding(path, line, message, mend, Level.WARNING))

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop the import."""
        return [finding for finding in self.findings if finding.level is Level.ERROR]

    def read_toml(self, file: ContentFile) -> dict[str, Any] | None:
        """Return the file's table, or None with a finding that names the line."""
        try:
            return tomllib.loads(file.text)
        except tomllib.TOMLDecodeError as broken:
            found = re.search(r"line (\d+)", str(broken))
            self.error(
                file.path,
                int(found.group(1)) if found else 0,
                _("The file is not valid TOML: %(reason)s.", reason=str(broken).split(" (at")[0]),
                _("Correct the line; texts stand in quotation marks."),
            )
            return None

    def slug_of(self, file: ContentFile, text: str) -> str | None:
        """Return the slug, or None with a finding where it is none."""
        if SLUG.fullmatch(text):
            return text
        self.error(
            file.path,
            0,
            _("“%(name)s” cannot be an address.", name=text),
            _("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter."),
        )
        return None

    def words(self, file: ContentFile, table: Any, key: str) -> Words | None:
        """Read a text in both languages from a TOML table, or None with a finding."""
        value = table.get(key) if isinstance(table, dict) else None
        if (
            isinstance(value, dict)
            and set(value) == set(LANGUAGES)
            and all(isinstance(value[tag], str) and value[tag].strip() for tag in LANGUAGES)
        ):
            return Words(en=value["en"], ja=value["ja"])
        unknown = sorted(set(value) - set(LANGUAGES)) if isinstance(value, dict) else []
        if unknown:
            message = _("“%(key)s” has the unknown language %(tag)s.", key=key, tag=", ".join(unknown))
        else:
            message = _("“%(key)s” is needed in both languages.", key=key)
        self.error(file.path, line_of(file.text, key), message, _('Write %(key)s = { en = "…", ja = "…" }.', key=key))
        return None


class ContentPart(Protocol):
    """A domain's share of the folder."""

    folder: str

    def check(self, folder: ContentFolder) -> None:
        """Look at the files of this part without a database; note findings and `shared` facts."""

    def load(self, folder: ContentFolder, by: Any) -> list[str]:
        """Take the checked files in through the services; return one line for each thing that changed.

        Unchanged files change nothing. A finding noted here (a stale version, say) stops and
        undoes the whole import.
        """

    def dump(self) -> Iterator[ContentFile]:
        """Yield the present state as files in their canonical form."""

    def canonical(self, file: ContentFile) -> str | None:
        """Return the canonical form of a file of this part, or None where it cannot be read."""


def line_of(text: str, key: str) -> int:
    """Return the first line (from 1) on which a key or a quoted value stands, or 0."""
    pattern = re.compile(rf"(^|[\s\[.\"'{{#(]){re.escape(key)}($|[\s\].\"'=:,}})])")
    for number, line in enumerate(text.splitlines(), start=1):
        if pattern.search(line):
            return number
    return 0


def to_toml(table: dict[str, Any]) -> str:
    """Write a table as TOML in the order given: plain values, then [tables], then [[arrays of tables]].

    Takes strings, whole numbers, booleans, dates, lists, `Words` and nested tables.
    """
    return "\n".join(_toml_lines(table, ())).strip() + "\n"


def _toml_lines(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    nested: list[tuple[str, Any]] = []
    for key, given in table.items():
        if given is None:
            continue
        value = {"en": given.en, "ja": given.ja} if isinstance(given, Words) else given
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            nested.append((key, value))
        else:
            yield f"{key} = {_toml_value(value)}"
    for key, value in nested:
        name = (*path, key)
        if isinstance(value, dict):
            yield ""
            yield f"[{'.'.join(name)}]"
            yield from _toml_lines(value, name)
        else:
            for entry in value:
                yield ""
                yield f"[[{'.'.join(name)}]]"
                yield from _toml_lines(entry, name)


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(each) for each in value) + "]"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return _toml_string(str(value))


def _toml_string(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    )
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
