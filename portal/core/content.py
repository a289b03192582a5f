"""The content folder as data: files, findings with file, line and the way to mend them.

`operations` reads the folder and asks every domain's part in turn; a part checks its files,
takes them in through its services, and writes them out again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from portal.core.i18n import LANGUAGES, Words
from portal.core.i18n import gettext as _
from portal.core.i18n import lazy_gettext as _l
from portal.core.markdown import HIDDEN

SLUG = re.compile(r"[a-z][a-z0-9-]{0,59}")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
MAX_FILE_BYTES = 256 * 1024
MAX_SIGN_IN_NAME = 254
# Far above what any of our files needs; deeper or longer ones take the parser's stack and memory.
MAX_TOML_DEPTH = 20
MAX_KEY_PARTS = 20
_KEY = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_LONG_KEY = re.compile(rf"(?:^|[{{,])[ \t]*\[{{0,2}}[ \t]*(?:{_KEY}[ \t]*\.[ \t]*){{{MAX_KEY_PARTS}}}", re.MULTILINE)
_QUOTED = re.compile(r"\"\"\".*?\"\"\"|\'\'\'.*?\'\'\'|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|#[^\n]*", re.DOTALL)


class Level(StrEnum):
    """An error stops the import; unchecked is what cannot be looked at because of one; a warning is only said."""

    ERROR = "error"
    UNCHECKED = "unchecked"
    WARNING = "warning"


_LEVELS = {Level.ERROR: _l("error"), Level.UNCHECKED: _l("not checked"), Level.WARNING: _l("warning")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file, where, and how to mend it; line 0 is the file as a whole."""

    path: str
    line: int
    message: str
    mend: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        path = self.path.replace("\n", "\\n")
        place = f"{path}:{self.line}" if self.line else path
        return printable(f"{place}: {_LEVELS[self.level]}: {self.message} {self.mend}".rstrip())


def printable(text: str) -> str:
    """Return a text with everything that a terminal would obey, or cannot show, written out."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True)
class ContentFile:
    """One file of the folder: its path relative to the folder, with `/`, and its text; of a picture its bytes.

    `left_out`: what of the present state a file that is written out does not hold, and what to do about it.
    """

    path: str
    text: str
    data: bytes | None = None
    left_out: tuple[Finding, ...] = field(default=(), compare=False)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names along the path."""
        return tuple(self.path.split("/"))


@dataclass(slots=True)
class ContentFolder:
    """A content folder read into memory, with what its parts tell one another.

    `pictures` are the files below the folders of pictures that parts name (`HasPictures`): path → bytes, unread.
    `shared` holds what a lower part found for the upper ones, under agreed names:
    `clauses`: {document slug: {version number: set of clause ids}}, `documents`: set of slugs,
    `questions`: {bank slug: {question id: type}}, `quizzes`, `plans`: sets of slugs.
    """

    files: dict[str, ContentFile]
    pictures: dict[str, bytes] = field(default_factory=dict)
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

    def unchecked(self, path: str, line: int, cause: str) -> None:
        """Note, once, what cannot be looked at because of errors elsewhere."""
        message = _("This was not checked in full, because %(cause)s has errors.", cause=cause)
        finding = Finding(path, line, message, _("Fix those first."), Level.UNCHECKED)
        if finding not in self.findings:
            self.findings.append(finding)

    def has_errors(self, *beginnings: str) -> bool:
        """Say whether a file whose path begins like one of these has errors already."""
        return any(error.path.startswith(beginnings) for error in self.errors)

    def unread(self, folder: str) -> set[str]:
        """Return the names directly below a folder at which something could not be read: they are not missing."""
        prefix = folder.rstrip("/") + "/"
        return {
            error.path.split("/")[1]
            for error in self.errors
            if error.path.startswith(prefix) and error.path not in self.files
        }

    def sign_in_name(
        self, file: ContentFile, table: Mapping[str, Any], key: str, *, needed: bool = False
    ) -> str | None:
        """Read whom a file names as `key`: empty where nobody, None with a finding where it is no sign-in name."""
        value = table.get(key, "")
        if isinstance(value, str) and len(value.strip()) <= MAX_SIGN_IN_NAME and (value.strip() or not needed):
            return value.strip()
        self.error(
            file.path,
            line_of(file.text, key),
            _("“%(key)s” is not a sign-in name.", key=key),
            _("Write the mail address with which the person signs in, in quotation marks."),
        )
        return None

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop the import."""
        return [finding for finding in self.findings if finding.level is Level.ERROR]

    def read_toml(self, file: ContentFile) -> dict[str, Any] | None:
        """Return the file's table, or None with a finding that names the line."""
        line = _line_beyond_limits(file.text)
        if line:
            self.error(
                file.path,
                line,
                _("The brackets or keys are nested more than %(limit)s levels deep.", limit=MAX_TOML_DEPTH),
                _("Close them: no file of a content folder needs more than four levels."),
            )
            return None
        try:
            table = tomllib.loads(file.text)
        except (ValueError, RecursionError) as broken:
            found = re.search(r"line (\d+)", str(broken))
            self.error(
                file.path,
                int(found.group(1)) if found else _line_of_long_number(file.text),
                _("The file is not valid TOML: %(reason)s.", reason=_reason(broken)),
                _("Correct the line; texts stand in quotation marks."),
            )
            return None
        return table if self._is_plain(file, table) else None

    def _is_plain(self, file: ContentFile, table: dict[str, Any]) -> bool:
        """Note the first text with a character that nobody sees and no database keeps."""
        waiting: list[tuple[str, Any]] = list(table.items())
        while waiting:
            key, value = waiting.pop(0)
            if isinstance(value, dict):
                waiting.extend(value.items())
            elif isinstance(value, list):
                waiting.extend((key, each) for each in value)
            for text in (key, value) if isinstance(value, str) else (key,):
                hidden = HIDDEN.search(text)
                if hidden:
                    self.error(
                        file.path,
                        line_of(file.text, key),
                        _("There is a control character (U+%(code)s).", code=f"{ord(hidden.group()):04X}"),
                        _("Delete it; only line breaks and tabs are allowed."),
                    )
                    return False
        return True

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
            message = _("“%(key)s” is required in both languages.", key=key)
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


@runtime_checkable
class HasPictures(Protocol):
    """A part whose texts show pictures that lie in a folder of their own."""

    # Below the part's own folder, as `banks/pictures`.
    pictures: str


@dataclass(frozen=True, slots=True)
class Section:
    """What a part tells of a folder: a table with what its columns are called, and sentences about what is missing."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[object, ...]]
    remarks: list[str] = field(default_factory=list)


@runtime_checkable
class Reports(Protocol):
    """A part that says how much there is of it, and what it covers."""

    def report(self, folder: ContentFolder) -> Iterator[Section]:
        """Yield what is told of the checked files, without a database."""


@runtime_checkable
class Prepares(Protocol):
    """A part that can do beforehand, without holding the database, what takes time in `load`."""

    def prepare(self, folder: ContentFolder) -> None:
        """Do it for the checked files, into what `markdown.remembering` keeps; change nothing."""


def _line_beyond_limits(text: str) -> int:
    """Return the line (from 1) where brackets or dotted keys go deeper than the limits, or 0; in linear time."""
    found = _LONG_KEY.search(text)
    if found:
        return text.count("\n", 0, found.end()) + 1
    depth = 0
    # What is quoted or a comment keeps its line ends only.
    bare = _QUOTED.sub(lambda quoted: "\n" * quoted.group().count("\n"), text)
    for number, line in enumerate(bare.split("\n"), start=1):
        for sign in line:
            if sign in "[{":
                depth += 1
                if depth > MAX_TOML_DEPTH:
                    return number
            elif sign in "]}":
                depth = max(0, depth - 1)
    return 0


def _line_of_long_number(text: str) -> int:
    found = re.search(r"\d{1000}", text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _reason(broken: Exception) -> str:
    """Say in the reader's language what the parser found, where we know its words; else in its own."""
    if isinstance(broken, tomllib.TOMLDecodeError):
        reason = str(broken).split(" (at")[0].strip().rstrip(".")
        return {
            "Invalid value": str(_("the value is missing or not in quotation marks")),
            "Invalid statement": str(_("the line is not “key = value”")),
            "Cannot overwrite a value": str(_("a key appears twice")),
            "Unterminated string": str(_("quotation marks are not closed")),
            "Expected '=' after a key in a key/value pair": str(_("there is no = after the key")),
            "Expected newline or end of document after a statement": str(_("there is extra text after the value")),
            "Unclosed array": str(_("a list is not closed with ]")),
            "Unclosed inline table": str(_("a table is not closed with }")),
        }.get(reason, reason)
    if isinstance(broken, RecursionError):
        return str(_("it is nested too deeply"))
    return str(_("a number is too long"))


def line_of(text: str, key: str) -> int:
    """Return the first line (from 1) on which a key or a quoted value stands, or 0."""
    pattern = re.compile(rf"(^|[\s\[.\"'{{#(]){re.escape(key)}($|[\s\].\"'=:,}})])")
    for number, line in enumerate(text.split("\n"), start=1):
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


class TermsReader:
    """Reads one file of terms (a table of single values with a version), noting what is wrong on its line.

    A domain's reader has the keys that it knows; `faulty` says whether anything was noted.
    """

    keys: frozenset[str]

    def __init__(self, folder: ContentFolder, file: ContentFile) -> None:
        self.folder = folder
        self.file = file
        self.table: dict[str, Any] = {}
        self.faulty = False

    def open(self) -> str | None:
        """Read the table and return its version; None where the file cannot be read as a table at all."""
        table = self.folder.read_toml(self.file)
        if table is None:
            return None
        self.table = table
        for key in sorted(set(table) - self.keys):
            known = ", ".join(sorted(self.keys))
            self.error(key, _("“%(key)s” is not known here.", key=key), _("Known are %(keys)s.", keys=known))
        version = table.get("version")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            self.error("version", _("The version is missing or not written right."), _('Write version = "1.0".'))
        return str(version)

    def error(self, key: str, message: str, mend: str) -> None:
        """Note a fault on the line of a key."""
        self.faulty = True
        self.folder.error(self.file.path, line_of(self.file.text, key), message, mend)

    def sign_in_name(self, key: str) -> str:
        """Read whom the file names; empty where nobody."""
        found = self.folder.sign_in_name(self.file, self.table, key)
        self.faulty = self.faulty or found is None
        return found or ""

    def title(self, limit: int, too_long: Callable[[int], str]) -> Words | None:
        """Read the title, in both languages; `too_long` says of a length that it is beyond the limit."""
        found = self.folder.words(self.file, self.table, "title")
        if found is None:
            self.faulty = True
            return None
        longest = max(len(found.en.strip()), len(found.ja.strip()))
        if longest > limit:
            self.error("title", too_long(longest), _("Shorten it."))
        return Words(found.en.strip(), found.ja.strip())

    def one_of(self, key: str, kind: type[StrEnum], *, is_needed: bool = True) -> Any:
        """Read one of the values of an enum."""
        value = self.table.get(key)
        if value is None and not is_needed:
            return None
        if isinstance(value, str) and value in {each.value for each in kind}:
            return kind(value)
        said = _("“%(key)s” is missing.", key=key)
        if value is not None:
            said = _("“%(key)s” cannot be “%(value)s”.", key=key, value=value)
        self.error(key, said, _("Write one of %(values)s.", values=", ".join(each.value for each in kind)))
        return None

    def text(self, key: str, *, most: int, mend: str, is_needed: bool = True) -> str | None:
        """Read a short name of at most so many characters; `mend` says how one is written."""
        value = self.table.get(key)
        if value is None and not is_needed:
            return None
        if isinstance(value, str) and 0 < len(value) <= most:
            return value
        missing, wrong = _("“%(key)s” is missing.", key=key), _("“%(key)s” has the wrong form.", key=key)
        self.error(key, missing if value is None else wrong, mend)
        return None

    def number(self, key: str, most: int, *, is_needed: bool = True) -> int | None:
        """Read a whole number from 1 to another."""
        value = self.table.get(key)
        if value is None and not is_needed:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        self.error(
            key,
            _("“%(key)s” is no whole number from 1 to %(most)s.", key=key, most=most),
            _("Write %(key)s = 12, without quotation marks.", key=key),
        )
        return None

    def day(self, key: str) -> date | None:
        """Read a date of this century."""
        value = self.table.get(key)
        if isinstance(value, date) and not isinstance(value, datetime) and value.year >= 2000:
            return value
        self.error(
            key,
            _("“%(key)s” is no date.", key=key),
            _("Write %(key)s = 2026-04-01, without quotation marks.", key=key),
        )
        return None
