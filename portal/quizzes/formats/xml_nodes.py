"""XML files as trees of plain nodes that know their line.

The parser is expat behind `defusedxml`, which refuses entities and everything outside the file; a document type is
taken where it declares nothing itself, as some tools write one. The line of a node is the one at which expat stands
when its tag begins.
"""

from __future__ import annotations

import codecs
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from portal.core.i18n import gettext as _

MAX_DEPTH = 100
# Of one file; of all files of a package together it is `Budget`.
MAX_ELEMENTS = 20_000
MAX_ATTRIBUTES = 1_000
_CHUNK = 64 * 1024
_DECLARED = re.compile(rb"""\A<\?xml[^>]{0,200}?encoding[ \t]*=[ \t]*["']([A-Za-z0-9._-]{1,40})["'][^>]{0,100}\?>""")
# What expat does not know and people in Japan have.
_JAPANESE = {"shift_jis": "cp932", "cp932": "cp932", "euc_jp": "euc_jp", "iso2022_jp": "iso2022_jp"}
_TAG = re.compile(rb"[^>]+")


class XmlRefused(ValueError):
    """The bytes are no XML that is taken; `line` is where it shows, and 0 is the file."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(reason)


@dataclass(slots=True)
class Budget:
    """How many elements may still be read."""

    elements: int = MAX_ELEMENTS


@dataclass(slots=True)
class Node:
    """An element: its name without prefix, what its namespace is, and its texts and elements in their order."""

    tag: str
    space: str
    attributes: dict[str, str]
    line: int
    children: list[Node | str] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute with blanks at its ends taken off."""
        return self.attributes.get(name, default).strip()

    def elements(self, *tags: str) -> Iterator[Node]:
        """Yield the elements directly below, of the names where some are given."""
        for child in self.children:
            if isinstance(child, Node) and (not tags or child.tag in tags):
                yield child

    def first(self, *tags: str) -> Node | None:
        """Return the first element directly below of these names."""
        return next(self.elements(*tags), None)

    def walk(self) -> Iterator[Node]:
        """Yield this element and all below it, as they stand in the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            if node.children:
                waiting.extend(child for child in reversed(node.children) if isinstance(child, Node))

    def text(self) -> str:
        """Return all text below."""
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def words(self) -> str:
        """Return all text below with every run of white space as one space."""
        return " ".join(self.text().split())


class _Tree:
    """What the parser tells: builds the nodes, and stops where they become too many."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.left = MAX_ELEMENTS
        self.expat: Any = None
        self.root: Node | None = None
        self.open: list[Node] = []
        self.texts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._flush()
        self.left -= 1
        self.budget.elements -= 1
        line = self.expat.CurrentLineNumber
        if self.left < 0 or self.budget.elements < 0:
            raise XmlRefused(line, _("The file holds too many elements. Split it."))
        if len(self.open) >= MAX_DEPTH:
            raise XmlRefused(line, _("The elements are nested too deeply."))
        space, _brace, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
        node = Node(name, space, {key.rpartition("}")[2]: value for key, value in attributes.items()}, line)
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node
        self.open.append(node)

    def end(self, _tag: str) -> None:
        self._flush()
        self.open.pop()

    def data(self, text: str) -> None:
        self.texts.append(text)

    def close(self) -> None:
        return None

    def _flush(self) -> None:
        if self.texts and self.open:
            self.open[-1].children.append("".join(self.texts))
        self.texts.clear()


class _Parser(DefusedXMLParser):
    """Takes a document type that declares nothing, and the signs that HTML knows by name where there is one."""

    def __init__(self, target: _Tree, encoding: str | None) -> None:
        super().__init__(target=target, encoding=encoding, forbid_dtd=True)
        # Without a document type expat refuses any name but the five of XML; the file of none is ever fetched.
        self.entity.update(html.entities.entitydefs)

    def defused_start_doctype_decl(
        self, name: str, sysid: str | None, pubid: str | None, has_internal_subset: bool
    ) -> None:
        """Refuse a document type that declares something itself."""
        if has_internal_subset:
            super().defused_start_doctype_decl(name, sysid, pubid, has_internal_subset)


def parse(data: bytes, budget: Budget | None = None) -> Node:
    """Return the root of an XML file. Raises `XmlRefused`."""
    data, encoding = _decodable(data)
    _check_tags(data)
    tree = _Tree(budget or Budget())
    try:
        parser = _Parser(tree, encoding)
        tree.expat = vars(parser)["parser"]
        for start in range(0, len(data), _CHUNK):
            parser.feed(data[start : start + _CHUNK])
        parser.close()
    except XmlRefused:
        raise
    except DefusedXmlException:
        reason = _("The file declares a document type or entities, which are not taken.")
        raise XmlRefused(tree.expat.CurrentLineNumber, reason) from None
    except (SyntaxError, expat.ExpatError, ValueError, LookupError) as broken:
        line = tree.expat.ErrorLineNumber if tree.expat is not None else 0
        reason = _("The file is no well-formed XML: %(what)s.", what=_what(str(broken)))
        raise XmlRefused(max(line, 1), reason) from None
    if tree.root is None:
        raise XmlRefused(0, _("The file is no well-formed XML: %(what)s.", what=_what("no element")))
    return tree.root


def _what(message: str) -> str:
    """Return in words what expat says is wrong."""
    if message.startswith("mismatched tag"):
        return _("an element is closed here that is not the one that is open")
    if message.startswith(("no element", "unclosed")):
        return _("it ends before everything is closed")
    if message.startswith("undefined entity"):
        return _("it names a sign that XML does not know, such as &nbsp;")
    if message.startswith("duplicate attribute"):
        return _("an element says the same thing twice")
    if message.startswith("junk after document element"):
        return _("something stands behind its outermost element")
    if message.startswith("unbound prefix"):
        return _("a name has a prefix that is not declared")
    if "encoding" in message:
        return _("the encoding that it declares is not known, or not the one it has")
    return _("a sign stands here that does not belong here")


def _decodable(data: bytes) -> tuple[bytes, str | None]:
    """Return the bytes as expat can take them, and the encoding that it is to use in spite of what they declare."""
    declared = _DECLARED.match(data)
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else ""
    except LookupError:
        return data, None
    codec = _JAPANESE.get(name)
    if codec is None:
        return data, None
    try:
        return data.decode(codec).encode("utf-8"), "utf-8"
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        reason = _("The file is not in the encoding that it declares (%(name)s) from this line on.", name=name)
        raise XmlRefused(line, reason) from None


def _check_tags(data: bytes) -> None:
    """Refuse an element of thousands of attributes before it becomes a table of them."""
    seen = data.replace(b"\x00", b"") if b"\x00" in data[:200] else data
    for tag in _TAG.finditer(seen):
        if tag.end() - tag.start() > 2 * MAX_ATTRIBUTES and _attributes(tag[0]) > MAX_ATTRIBUTES:
            line = seen.count(b"\n", 0, tag.start()) + 1
            raise XmlRefused(line, _("An element has too many attributes."))


def _attributes(tag: bytes) -> int:
    return len(re.findall(rb"""=[ \t\r\n]{0,20}["']""", tag))
