"""XML files of others as plain elements with their lines: no document type, no entity, nothing fetched.

Lines are those of expat, which defusedxml's SAX driver reports. What is wrong in one question costs that question: the
rest of the file is then read from one beginning of a question to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from portal.core.i18n import gettext as _
from portal.quizzes.formats.interchange import NotUtf8, Refused, text_of

MAX_DEPTH = 32
# Of one child of the outermost element; 200 choices with all that belongs to them are about 1,500.
MAX_ELEMENTS = 10_000
_CHUNK = 64 * 1024
_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s{0,10}=\s{0,10}["']([A-Za-z0-9._-]{1,20})["']""")
# What files declare that are older than UTF-8; each reads one text in one way.
_CODECS = {
    "iso-8859-1": "cp1252",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc-jp",
}


@dataclass(slots=True)
class Element:
    """An element: its own text, joined, and the elements in it."""

    name: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def first(self, name: str) -> Element | None:
        """Return the first element of a name in this one."""
        return next((each for each in self.children if each.name == name), None)

    def all(self, name: str) -> list[Element]:
        """Return the elements of a name in this one."""
        return [each for each in self.children if each.name == name]


class WrongRoot(ValueError):
    """The outermost element is another one."""

    def __init__(self, line: int, name: str) -> None:
        self.line, self.name = line, name
        super().__init__(name)


class _Excess(ValueError):
    """An element holds more, or is deeper, than any question."""


class _Nested(ValueError):
    """A question begins within another."""


def text_of_xml(data: bytes) -> str:
    """Return the text of an XML file: UTF-8 or UTF-16, else what it declares. Raises `NotUtf8`.

    A file that is UTF-8 is taken for it whatever it declares: no text in another encoding is UTF-8 by chance.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            raise NotUtf8(1) from None
    try:
        return text_of(data, is_strict=True)
    except NotUtf8 as broken:
        declared = _ENCODING.match(data[:200].lstrip())
        codec = _CODECS.get(declared[1].decode("ascii").lower()) if declared else None
        if codec is None:
            raise
        try:
            return data.decode(codec).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            raise broken from None


def elements_of(text: str, *, root: str, item: str, dropped: frozenset[str]) -> Iterator[Element | Refused]:
    """Yield what stands directly in the outermost element, and what could not be read.

    Elements named `item` hold no others of their name. Of the text of those in `dropped` only the beginning is kept.
    Raises `WrongRoot`.
    """
    start = len(text) - len(text.lstrip())
    first_line = text.count("\n", 0, start) + 1
    parser = _Parser(root, item, dropped, first_line)
    broken: Refused | None = None
    for place in range(start, len(text), _CHUNK):
        broken = parser.feed(text[place : place + _CHUNK])
        yield from parser.taken()
        if broken:
            break
    if broken is None:
        broken = parser.close()
        yield from parser.taken()
    if broken is None:
        return
    if parser.is_forbidden or not parser.was_in_root:
        yield broken
        return
    line, column = parser.began
    place = _place(text, start, line - first_line, column)
    found = _beginning(item).search(text, place + 1)
    if parser.is_within or not found or found.start() > _place(text, start, *parser.fault):
        yield broken
    # Else the tag itself is wrong with which an item begins, and is met again.
    yield from _one_by_one(text[place + 1 :], line, item, dropped)


def _one_by_one(text: str, line: int, item: str, dropped: frozenset[str]) -> Iterator[Element | Refused]:
    """Yield the items of a text that begins on some line, each read for itself."""
    begin, end = _beginning(item), re.compile(rf"</{item}\s*>")
    place = 0
    found = begin.search(text)
    while found:
        line += text.count("\n", place, found.start())
        place = found.start()
        found = begin.search(text, place + 1)
        until = found.start() if found else len(text)
        closed = end.search(text, place, until)
        segment = text[place : closed.end() if closed else until]
        parser = _Parser(None, item, dropped, line)
        broken = parser.feed(segment) or parser.close()
        if broken:
            yield broken
        else:
            yield from parser.taken()


def _beginning(item: str) -> re.Pattern[str]:
    return re.compile(rf"<{item}(?=[\s/>])")


def _place(text: str, start: int, lines: int, column: int) -> int:
    """Return the place that is so many lines after another one, in that column."""
    for _line in range(lines):
        start = text.index("\n", start) + 1
    return start + column


class _Parser(ContentHandler):
    """One reading of a text; `root` None is one item by itself."""

    def __init__(self, root: str | None, item: str, dropped: frozenset[str], first_line: int) -> None:
        super().__init__()
        self.root, self.item, self.dropped, self.first_line = root, item, dropped, first_line
        self.is_forbidden = self.was_in_root = False
        # Where the child of the root began that is being read, or where the last one ended.
        self.began = (first_line, 0)
        # Where the reading ended before its time: lines after the first one, and the column.
        self.fault = (0, 0)
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._depth = self._count = 0
        self._done: list[Element] = []
        self._sax = DefusedExpatParser(forbid_dtd=True)
        self._sax.setContentHandler(self)

    def feed(self, text: str) -> Refused | None:
        """Read on; return why no further."""
        return self._guarded(lambda: self._sax.feed(text))

    def close(self) -> Refused | None:
        """End the reading; return why it does not end here."""
        return self._guarded(self._sax.close)

    @property
    def is_within(self) -> bool:
        """Whether an element is open in the root."""
        return bool(self._open)

    def taken(self) -> list[Element]:
        """Return what was read since it was asked last."""
        done, self._done = self._done, []
        return done

    def _guarded(self, act: Callable[[], None]) -> Refused | None:
        try:
            act()
        except SAXParseException as broken:
            self.fault = ((broken.getLineNumber() or 1) - 1, broken.getColumnNumber() or 0)
            message = broken.getMessage()
            ends_early = message.startswith("unclosed") or message == "no element found"
            line = self.began[0] if ends_early and self._open else self.first_line + self.fault[0]
            return Refused(line, _words(message))
        except DefusedXmlException:
            self.is_forbidden = True
            return Refused(self._line(), _("The file declares a document type or entities. Remove the declaration."))
        except _Nested:
            return Refused(self.began[0], _("The question is not closed: another one begins in it."))
        except _Excess:
            return Refused(self.began[0], _("The question holds too many elements, or too deep ones."))
        return None

    def _line(self) -> int:
        return self.first_line - 1 + (self._sax.getLineNumber() or 1)

    # --- what the driver tells ---

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        """Take up an element."""
        self._depth += 1
        if self.root is not None and self._depth == 1:
            if name != self.root:
                raise WrongRoot(self._line(), name)
            self.was_in_root = True
            self.began = (self._line(), self._sax.getColumnNumber() or 0)
            return
        if not self._open:
            self._count = 0
            self.began = (self._line(), self._sax.getColumnNumber() or 0)
        elif name == self.item:
            raise _Nested()
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise _Excess()
        element = Element(name, dict(attrs.items()), self._line())
        if self._open:
            self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])

    def characters(self, content: str) -> None:
        """Take up text."""
        if not self._open:
            return
        texts = self._texts[-1]
        if self._open[-1].name not in self.dropped:
            texts.append(content)
        elif not texts and content.strip():
            texts.append(content.strip()[:16])

    def endElement(self, name: str) -> None:  # noqa: N802
        """Close an element."""
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        element.text = "".join(self._texts.pop())
        if not self._open:
            self._done.append(element)
            self.began = (self._line(), self._sax.getColumnNumber() or 0)


def _words(message: str) -> str:
    """Return what is wrong with XML, by the message of expat."""
    if message == "undefined entity":
        return _("There is a sign like “&nbsp;” that XML does not know. Write “&amp;nbsp;”, or wrap the text in CDATA.")
    if message == "mismatched tag":
        return _("An element is closed here that is not the one that is open.")
    if message.startswith("unclosed") or message == "no element found":
        return _("The file ends, or the question does, before everything is closed.")
    if message == "duplicate attribute":
        return _("An element says the same thing twice.")
    return _("The XML is not well formed here.")
