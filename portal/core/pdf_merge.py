"""The one door to pikepdf: many PDFs that we have printed, as one file for the printer.

What comes of it is for printing, not for proving: each page looks as it did and its fonts lie in the file, but what
made a source a document of its own stays behind: its signature, the signed data, its form, its description, its
structure tree. So the file claims to be neither PDF/A nor PDF/UA. The numbers by which contents name their place in the
structure stay in them and mean nothing; readers pass them over.

Sources are read one at a time and written at once, so memory does not grow with their number but by some hundred bytes
for each object. What is the same in several of them, a font, a picture, the profile of the colours, is written once.
The same sources give the same bytes.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from portal.core.errors import DomainError
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l

if TYPE_CHECKING:
    import pikepdf

__all__ = ["Merged", "NothingToMerge", "Source", "Unmergeable", "merge"]

# What of a page is taken over; the first four may stand above it in the tree of pages.
_INHERITED = ("/MediaBox", "/CropBox", "/Rotate", "/Resources")
_OF_A_PAGE = (*_INHERITED, "/BleedBox", "/TrimBox", "/ArtBox", "/UserUnit", "/Group", "/Contents")
# What, anywhere below a page, leads back into the document that stays behind.
_LEFT_BEHIND = frozenset({"/StructParent", "/StructParents", "/Metadata", "/AF", "/PieceInfo", "/LastModified", "/OPI"})
_OF_THE_DOCUMENT = frozenset({"/Catalog", "/Pages", "/Page", "/StructElem", "/Sig", "/Filespec"})
# A font of which only some characters are there. Different ones in one file must have different tags (9.6.4).
_SUBSET = re.compile(r"/[A-Z]{6}\+(?P<name>.+)")
_FONT_FILES = ("/FontFile", "/FontFile2", "/FontFile3")
# Small objects share a compressed stream.
_OBJECTS_TOGETHER = 100
# Bytes below which a stream is not worth compressing.
_WORTH_COMPRESSING = 100


class NothingToMerge(DomainError):
    """There is no source, and a file without pages is none."""

    status: ClassVar[int] = 409
    message: ClassVar[LazyText] = _l("There is nothing to print.")


class Unmergeable(DomainError):
    """A source cannot be read, or is no PDF with pages."""

    status: ClassVar[int] = 409
    message: ClassVar[LazyText] = _l("“%(title)s” cannot be put into the print file: %(reason)s.")


@dataclass(frozen=True, slots=True)
class Source:
    """A PDF, and how the outline names it."""

    title: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Merged:
    """What was written: how many pages and bytes, and their SHA-256 in hexadecimal."""

    pages: int
    size: int
    sha256: str


def merge(sources: Iterable[Source], target: BinaryIO, *, title: str, language: str, identifier: str) -> Merged:
    """Write the pages of all sources, in their order, into one PDF for printing.

    `sources` is asked for the next one when the one before is written; `target` is only written to, never read or
    moved in. `identifier` becomes the file's own. Raises `NothingToMerge`; `Unmergeable` with the title of the source
    at which it stopped, after which what was written is of no use.
    """
    import pikepdf

    file = _File(target)
    catalog, pages, outlines, information = (file.number() for _ in range(4))
    kids: array[int] = array("L")
    entries = _Outline(file, outlines)
    for source in sources:
        first = len(kids)
        try:
            # A damaged file is refused, not mended as well as may be: what was stored was whole.
            with pikepdf.open(BytesIO(source.content), attempt_recovery=False, suppress_warnings=True) as document:
                kids.extend(_Copy(file, parent=pages).pages_of(document))
        except (pikepdf.PdfError, RecursionError) as failure:
            reason = str(failure).removesuffix(".") or type(failure).__name__
            raise Unmergeable(title=source.title, reason=reason) from failure
        if len(kids) == first:
            raise Unmergeable(title=source.title, reason="it has no pages")
        entries.add(source.title, kids[first])
    if not kids:
        raise NothingToMerge()
    entries.end()
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    file.put(pages, b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), listed))
    file.put(information, b"<</Title %b/Producer(Shirube)>>" % _string(title))
    file.put(
        catalog,
        b"<</Type/Catalog/Pages %d 0 R/Outlines %d 0 R/PageMode/UseOutlines/Lang %b"
        b"/ViewerPreferences<</DisplayDocTitle true>>>>" % (pages, outlines, _string(language)),
    )
    file.end(catalog=catalog, information=information, identifier=identifier)
    return Merged(len(kids), file.size, file.hash.hexdigest())


class _File:
    """A PDF 1.7 that is written from front to back; of what is written only the places are kept."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.size = 0
        self.hash = sha256()
        # For each object what its row in the list of places says (ISO 32000-1, table 18); object 0 is none.
        self._kinds, self._firsts, self._seconds = array("B", [0]), array("Q", [0]), array("H", [65535])
        self._waiting: list[tuple[int, bytes]] = []
        self._numbers: dict[bytes, int] = {}
        self._write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def number(self) -> int:
        """Return the number of an object that is still to be put."""
        self._kinds.append(0)
        self._firsts.append(0)
        self._seconds.append(0)
        return len(self._kinds) - 1

    def put(self, number: int, body: bytes, content: bytes | None = None) -> None:
        """Write the object of a number; with content it is a stream, and the body its dictionary."""
        if content is not None:
            self._kinds[number], self._firsts[number] = 1, self.size
            self._write(b"%d 0 obj\n%b\nstream\n" % (number, body))
            self._write(content)
            self._write(b"\nendstream\nendobj\n")
            return
        self._waiting.append((number, body))
        if len(self._waiting) >= _OBJECTS_TOGETHER:
            self._write_waiting()

    def shared(self, body: bytes, content: bytes | None = None) -> int:
        """Return the number of an object that is just so; write it where there is none yet."""
        known = sha256(body)
        if content is not None:
            known.update(b"\nstream\n")
            known.update(content)
        digest = known.digest()
        if digest not in self._numbers:
            self._numbers[digest] = self.number()
            self.put(self._numbers[digest], body, content)
        return self._numbers[digest]

    def end(self, *, catalog: int, information: int, identifier: str) -> None:
        """Write what waits, the list of places and the end."""
        self._write_waiting()
        named, began = sha256(identifier.encode()).hexdigest()[:32].encode(), self.size
        content = self.hash.hexdigest()[:32].encode()
        own = self.number()
        self._kinds[own], self._firsts[own] = 1, began
        rows = b"".join(
            kind.to_bytes() + first.to_bytes(5) + second.to_bytes(2)
            for kind, first, second in zip(self._kinds, self._firsts, self._seconds, strict=True)
        )
        packed = zlib.compress(rows)
        self._write(
            b"%d 0 obj\n<</Type/XRef/Size %d/W[1 5 2]/Root %d 0 R/Info %d 0 R/ID[<%b><%b>]/Filter/FlateDecode"
            b"/Length %d>>\nstream\n" % (own, own + 1, catalog, information, named, content, len(packed))
        )
        self._write(packed)
        self._write(b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % began)

    def _write_waiting(self) -> None:
        """Write the objects that wait, as one compressed stream (ISO 32000-1, 7.5.7)."""
        if not self._waiting:
            return
        own = self.number()
        heads, bodies, at = [], [], 0
        for index, (number, body) in enumerate(self._waiting):
            self._kinds[number], self._firsts[number], self._seconds[number] = 2, own, index
            heads.append(b"%d %d" % (number, at))
            bodies.append(body)
            at += len(body) + 1
        self._waiting.clear()
        head = b" ".join(heads) + b"\n"
        packed = zlib.compress(head + b"\n".join(bodies))
        self.put(
            own,
            b"<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>" % (len(heads), len(head), len(packed)),
            packed,
        )

    def _write(self, content: bytes) -> None:
        self._target.write(content)
        self.hash.update(content)
        self.size += len(content)


class _Outline:
    """The list of titles beside the pages; an entry is written when the one after it is known."""

    def __init__(self, file: _File, root: int) -> None:
        self._file, self._root = file, root
        self._first = self._count = self._before = self._last = 0
        self._said = b""

    def add(self, title: str, page: int) -> None:
        """Add an entry that leads to a page."""
        number = self._file.number()
        self._write(after=number)
        self._first = self._first or number
        self._before, self._last = self._last, number
        self._said = b"/Title %b/Dest[%d 0 R/Fit]" % (_string(title), page)
        self._count += 1

    def end(self) -> None:
        """Write what is left and what holds it."""
        self._write(after=0)
        self._file.put(
            self._root,
            b"<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>" % (self._first, self._last, self._count),
        )

    def _write(self, after: int) -> None:
        if not self._last:
            return
        said = b"<<%b/Parent %d 0 R" % (self._said, self._root)
        for name, number in ((b"Prev", self._before), (b"Next", after)):
            if number:
                said += b"/%b %d 0 R" % (name, number)
        self._file.put(self._last, said + b">>")


class _Copy:
    """The pages of one document, written into a file with all that they are drawn with."""

    def __init__(self, file: _File, *, parent: int) -> None:
        self._file, self._parent = file, parent
        # The numbers in the file of what was met by its number in the document.
        self._done: dict[tuple[int, int], int] = {}
        # What is being written: none, or its number where something within it refers back to it.
        self._open: dict[tuple[int, int], int | None] = {}
        # The tags of fonts, by the numbers of their programs.
        self._tags: dict[tuple[int, int], str] = {}

    def pages_of(self, document: pikepdf.Pdf) -> Iterator[int]:
        """Write each page and give its number."""
        for page in document.pages:
            number = self._file.number()
            self._file.put(number, self._page(page.obj))
            yield number

    def _page(self, page: pikepdf.Object) -> bytes:
        said = [b"<</Type/Page/Parent %d 0 R" % self._parent]
        for name in _OF_A_PAGE:
            value = _inherited(page, name) if name in _INHERITED else page.get(name)
            if value is not None:
                said.append(_name(name) + b" " + self._said(value))
        links = [self._link(each) for each in page.get("/Annots", ()) if _is_link(each)]
        if links:
            said.append(b"/Annots[%b]" % b"".join(links))
        return b"".join(said) + b">>"

    def _link(self, link: pikepdf.Object) -> bytes:
        """Return a link within its page: two pages must not share one."""
        return self._dictionary({name: value for name, value in link.items() if name != "/P"})

    def _said(self, value: Any) -> bytes:
        """Return how a value is written within another."""
        import pikepdf

        match value:
            case None:
                return b"null"
            case bool():
                return b"true" if value else b"false"
            case int():
                return b"%d" % value
            case Decimal():
                return format(value, "f").encode()
        if value.is_indirect:
            number = self._number(value)
            return b"%d 0 R" % number if number else b"null"
        if isinstance(value, pikepdf.Dictionary):
            return self._dictionary(dict(value.items()))
        if isinstance(value, pikepdf.Array):
            return self._array(value)
        return bytes(value.unparse())

    def _array(self, values: Iterable[Any]) -> bytes:
        return b"[" + b" ".join(map(self._said, values)) + b"]"

    def _dictionary(self, values: dict[str, Any]) -> bytes:
        if values.get("/Type") in ("/Font", "/FontDescriptor"):
            self._tag(values)
        said = (_name(name) + b" " + self._said(value) for name, value in values.items() if name not in _LEFT_BEHIND)
        return b"<<" + b"".join(said) + b">>"

    def _tag(self, font: dict[str, Any]) -> None:
        """Name a font by the characters that it has: the sources name theirs alike, whichever those are."""
        import pikepdf

        for key in ("/BaseFont", "/FontName"):
            subset = _SUBSET.fullmatch(str(font.get(key, "")))
            program = _program_of(font) if subset else None
            if subset and program is not None:
                known = program.objgen
                if known not in self._tags:
                    number = int.from_bytes(sha256(program.read_raw_bytes()).digest())
                    self._tags[known] = "".join(chr(ord("A") + number // 26**place % 26) for place in range(6))
                font[key] = pikepdf.Name(f"/{self._tags[known]}+{subset['name']}")

    def _number(self, value: pikepdf.Object) -> int:
        """Return the number of an object in the file, written before where it is new; 0 for what stays behind."""
        import pikepdf

        key = value.objgen
        if key in self._done:
            return self._done[key]
        if key in self._open:
            # Refers to itself: it gets its number before it can be compared with anything.
            back = self._open[key] = self._open[key] or self._file.number()
            return back
        if isinstance(value, pikepdf.Dictionary) and value.get("/Type") in _OF_THE_DOCUMENT:
            return 0
        self._open[key] = None
        content: bytes | None = None
        if isinstance(value, pikepdf.Stream):
            body, content = self._stream(value)
        elif isinstance(value, pikepdf.Dictionary):
            body = self._dictionary(dict(value.items()))
        elif isinstance(value, pikepdf.Array):
            body = self._array(value)
        else:
            body = bytes(value.unparse(resolved=True))
        own = self._open.pop(key)
        if own is None:
            own = self._file.shared(body, content)
        else:
            self._file.put(own, body, content)
        self._done[key] = own
        return own

    def _stream(self, value: pikepdf.Stream) -> tuple[bytes, bytes]:
        content = value.read_raw_bytes()
        said = {name: each for name, each in value.stream_dict.items() if name != "/Length"}
        body = self._dictionary(said)[:-2]
        if len(content) >= _WORTH_COMPRESSING and "/Filter" not in value.stream_dict:
            content = zlib.compress(content)
            body += b"/Filter/FlateDecode"
        return body + b"/Length %d>>" % len(content), content


def _inherited(page: pikepdf.Object, name: str) -> Any:
    """Return what a page, or the nearest above it, says of itself, or None."""
    above: Any = page
    # As deep as no tree of pages is; one that leads in a circle has no answer.
    for _ in range(100):
        if name in above:
            return above[name]
        if "/Parent" not in above:
            return None
        above = above["/Parent"]
    return None


def _program_of(font: dict[str, Any]) -> Any:
    """Return the file that draws a font, of the font, the one within it or its description, or None."""
    within: Any = font
    if "/DescendantFonts" in within:
        within = within["/DescendantFonts"][0]
    if "/FontDescriptor" in within:
        within = within["/FontDescriptor"]
    return next((within[name] for name in _FONT_FILES if name in within), None)


def _is_link(annotation: pikepdf.Object) -> bool:
    """Say whether it leads to an address; one that leads within its document leads nowhere afterwards."""
    return annotation.get("/Subtype") == "/Link" and "/A" in annotation and annotation["/A"].get("/S") == "/URI"


@lru_cache(maxsize=1000)
def _name(name: str) -> bytes:
    import pikepdf

    return pikepdf.Name(name).unparse()


def _string(text: str) -> bytes:
    import pikepdf

    return pikepdf.String(text).unparse()
