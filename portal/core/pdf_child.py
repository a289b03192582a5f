"""What runs inside the PDF child process; started by `portal.core.pdf`, imports nothing of the product.

Reads one JSON job a line on its standard input and answers each with one JSON line, followed by
the bytes of the PDF where it says so. Ends when its input ends, when nothing was asked of it for a
while, after many jobs, and after any fault that may have left it in a bad state.
"""

from __future__ import annotations

import base64
import html as html_entities
import io
import json
import logging
import os
import re
import resource
import select
import sys
import tempfile
import time
import unicodedata
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, BinaryIO

IDLE_SECONDS = 60
# Pango keeps about 0.2 MB of each certificate: so it stays below 150 MB, and a new start costs each of them 2 ms.
JOBS_BEFORE_RENEWAL = 200
# Sets of characters whose subset fonts and font configuration are kept ready.
KEPT_FONT_SETS = 4
# Stylesheets that are kept as read; each design of a certificate has two, of up to 8 KB.
KEPT_SHEETS = 32
# Outlines that are kept as they are written, of up to 100 KB; a certificate draws up to seven.
KEPT_PATHS = 32
# So many marks may be set onto one character; no writing of ours has more.
MOST_MARKS = 3

FAMILIES = {"serif": "Shirube Serif", "sans": "Shirube Sans"}
# Where a page has a letter that the fonts above lack, all of its Latin, Greek and Cyrillic is set in these instead, so
# that no word is set in two: "Łukasz" as a whole. Any other page is as it would be without them.
LETTERS = {"serif": "Shirube Serif Letters", "sans": "Shirube Sans Letters"}
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fonts")
_FILES = {"serif": "NotoSerif-letters.ttf", "sans": "NotoSans-letters.ttf"}
_CONTENT_TYPES = {"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg"}
# Rules by which a stylesheet brings fonts, counters, colours or other sheets into the job that it is read for. The
# address of a picture is only noted, and asked of the fetcher of each job.
_OF_ITS_JOB = re.compile(r"@(?!page\b)")
_PDF_UA = (
    b'<rdf:Description xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    b' xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about="" pdfuaid:part="1" />'
    # PDF/A takes a foreign namespace only together with its description.
    b'<rdf:Description xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    b' xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Indicates the part of ISO 14289</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)


class Refusal(Exception):
    """The job cannot be done; `kind` and `details` go back to who asked."""

    def __init__(self, kind: str, **details: Any) -> None:
        super().__init__(kind)
        self.kind, self.details = kind, details


class _Warnings(logging.Handler):
    """Collects what WeasyPrint complains about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def confine(memory_megabytes: int) -> None:
    """Limit this process: memory, files, no core dumps; no sockets, no programs."""
    limit = memory_megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024 * 1024, 256 * 1024 * 1024))

    # The second lock behind the fetcher: whatever asks for a socket or a program is stopped.
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess.", "os.exec", "os.fork", "os.system")):
            raise PermissionError(f"{event} is not for the PDF process")

    sys.addaudithook(refuse)


def without_system_fonts(folder: str) -> None:
    """Let fontconfig find no font but ours, so that the same input looks the same on every machine."""
    path = os.path.join(folder, "fonts.conf")
    with open(path, "w", encoding="utf-8") as target:
        target.write(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">'
            f"<fontconfig><cachedir>{folder}/cache</cachedir></fontconfig>"
        )
    os.environ["FONTCONFIG_FILE"] = path


class Fonts:
    """The fonts on disk: what they cover, and subsets of them."""

    def __init__(self) -> None:
        import pylopdf_fonts_jp as package
        import uharfbuzz

        self.hb = uharfbuzz
        self.versions = f"pylopdf-fonts-jp {package.__version__}, Noto 2.004"
        self._faces: dict[str, Any] = {}
        self._paths = {"serif": str(package.serif_path()), "sans": str(package.sans_path())}
        self._paths |= {f"{name}-letters": os.path.join(_FOLDER, file) for name, file in _FILES.items()}
        self._covered: dict[str, frozenset[int]] = {}
        self._sequences: dict[str, dict[int, frozenset[int]]] = {}

    def face(self, name: str) -> Any:
        if name not in self._faces:
            if name not in self._paths:
                raise Refusal("failed", reason=f"there is no font {name}")
            self._faces[name] = self.hb.Face(self.hb.Blob.from_file_path(self._paths[name]))
            self._covered[name] = frozenset(self._faces[name].unicodes)
            self._sequences[name] = {}
        return self._faces[name]

    def _has_sequence(self, name: str, base: int, selector: int) -> bool:
        known = self._sequences[name]
        if selector not in known:
            face = self.face(name)
            known[selector] = (
                frozenset(face.variation_unicodes(selector)) if selector in face.variation_selectors else frozenset()
            )
        return base in known[selector]

    def missing(self, names: Iterable[str], text: str) -> list[str]:
        """Return the characters (with their variation selector) that none of the fonts has.

        A mark that is set onto another character must be in one font with it, or it would stand beside.
        """
        wanted = list(names)
        for name in wanted:
            self.face(name)
        characters = set(text)
        if not any(is_variation_selector(ord(each)) or is_mark(each) for each in characters) and all(
            any(ord(each) in self._covered[name] for name in wanted)
            or ord(each) < 0x7F
            or unicodedata.category(each) in ("Cc", "Cf")
            for each in characters
        ):
            return []
        absent: list[str] = []
        previous = marks = ""
        for character in text:
            point = ord(character)
            if is_variation_selector(point):
                found = bool(previous) and any(self._has_sequence(name, ord(previous), point) for name in wanted)
                shown = previous + character
            elif point < 0x7F or unicodedata.category(character) in ("Cc", "Cf"):
                previous, marks = character, ""
                continue
            else:
                having = [name for name in wanted if point in self._covered[name]]
                found, shown = bool(having), character
                if having and is_mark(character):
                    found = not previous.strip() or any(ord(previous) in self._covered[name] for name in having)
                    shown, marks = previous + character, marks + character
                    if found and len(marks) > MOST_MARKS:
                        # Piled up they would stand in the lines above and below.
                        found, shown = len(marks) > MOST_MARKS + 1, previous + marks
                else:
                    previous, marks = character, ""
            if not found and shown not in absent:
                absent.append(shown)
        return absent

    def lacking(self, names: Sequence[str], text: str) -> list[str]:
        """Return the characters that a page with these fonts cannot have, their letters included."""
        absent = self.missing(names, text)
        return self.missing([*names, *(f"{name}-letters" for name in names)], text) if absent else []

    def letters(self, names: Sequence[str], points: frozenset[int]) -> dict[str, frozenset[int]]:
        """Return which of the characters each font of letters sets, for a page that needs them; none for any other."""
        for name in names:
            self.face(name), self.face(f"{name}-letters")
        lacking = {
            point
            for point in points
            if not any(point in self._covered[name] for name in names)
            and any(point in self._covered[f"{name}-letters"] for name in names)
        }
        if not lacking:
            return {}
        return {
            name: frozenset(
                point
                for point in points & self._covered[f"{name}-letters"]
                if point in lacking or point < 0x7F or unicodedata.category(chr(point))[0] in "LM"
            )
            for name in names
        }

    def subset(self, name: str, points: frozenset[int], written: frozenset[str] = frozenset()) -> bytes:
        """Return the font with these characters only.

        `written` are the characters of the page as they are spelled, with their variation selectors. Where two of them
        have one glyph, the second gets a copy of it: text is read back from a page by its glyphs.
        """
        face = self.face(name)
        wanted = self.hb.SubsetInput()
        wanted.sets(self.hb.SubsetInputSets.UNICODE).set(points)
        wanted.flags = self.hb.SubsetFlags.NOTDEF_OUTLINE
        subset = wanted.subset(face)
        content = bytes(subset.blob.data)
        doubles = self._doubles(subset, points, written)
        return with_copies(content, doubles) if doubles else content

    def _doubles(self, face: Any, points: frozenset[int], written: frozenset[str]) -> list[tuple[int, int | None]]:
        """Return the characters, each with its selector or None, whose glyph stands for another one on the page."""
        font = self.hb.Font(face)
        found: list[tuple[int, int | None]] = []
        taken: set[int] = set()
        for spelled in sorted(written, key=lambda each: (len(each), each)):
            point, *selectors = map(ord, spelled)
            selector = selectors[0] if selectors else None
            glyph = font.get_nominal_glyph(point) if selector is None else font.get_variation_glyph(point, selector)
            if not glyph or point not in points:
                continue
            if glyph in taken:
                found.append((point, selector))
            taken.add(glyph)
        return found


# A character and what chooses its form.
_SPELLED = re.compile("[^\\s\ufe00-\ufe0f\U000e0100-\U000e01ef][\ufe00-\ufe0f\U000e0100-\U000e01ef]?")


def spelled_in(text: str) -> frozenset[str]:
    """Return the characters of a text, each with its variation selector; none that cannot be seen."""
    return frozenset(each for each in _SPELLED.findall(text) if unicodedata.category(each[0]) not in ("Cc", "Cf"))


def with_copies(content: bytes, doubles: list[tuple[int, int | None]]) -> bytes:
    """Return a font in which each of these characters (with their selectors) has a copy of its glyph for its own."""
    # What WeasyPrint has its own fonts written by.
    from fontTools.misc.psCharStrings import T2CharString
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(content), recalcTimestamp=False)
    order = list(font.getGlyphOrder())
    tables = font["cmap"].tables
    for point, selector in doubles:
        if selector is None:
            glyph = font.getBestCmap()[point]
        else:
            forms = [pair for table in tables if table.format == 14 for pair in table.uvsDict.get(selector, ())]
            glyph = dict(forms)[point] or font.getBestCmap()[point]
        if "CFF " in font:
            # Glyphs of such a font are called by their numbers.
            copy = f"cid{max(int(name[3:]) for name in order if name.startswith('cid')) + 1:05}"
            top = font["CFF "].cff.topDictIndex[0]
            strings = top.CharStrings
            drawn = strings[glyph]
            strings.charStringsIndex.append(
                T2CharString(bytecode=drawn.bytecode, private=drawn.private, globalSubrs=drawn.globalSubrs)
            )
            strings.charStrings[copy] = len(strings.charStringsIndex) - 1
            top.FDSelect.gidArray.append(top.FDSelect[order.index(glyph)])
            top.charset.append(copy)
            top.CIDCount = max(top.CIDCount, int(copy[3:]) + 1)
            if glyph in font["VORG"].VOriginRecords:
                font["VORG"].VOriginRecords[copy] = font["VORG"].VOriginRecords[glyph]
        else:
            copy = f"{glyph}.{len(order)}"
            font["glyf"].glyphs[copy] = font["glyf"][glyph]
            font["glyf"].glyphOrder = [*order, copy]
        for kind in ("hmtx", "vmtx"):
            if kind in font:
                font[kind].metrics[copy] = font[kind].metrics[glyph]
        order = [*order, copy]
        font.setGlyphOrder(order)
        for table in tables:
            if table.format == 14 and selector in table.uvsDict:
                table.uvsDict[selector] = [
                    (base, copy if base == point else form) for base, form in table.uvsDict[selector]
                ]
            elif table.format != 14 and selector is None and point in table.cmap:
                table.cmap[point] = copy
    target = io.BytesIO()
    font.save(target)
    return target.getvalue()


def is_mark(character: str) -> bool:
    """Say whether the character is set onto the one before it."""
    return character > "\u02ff" and unicodedata.category(character) in ("Mn", "Me")


def is_variation_selector(point: int) -> bool:
    """Say whether the code point chooses a form of the character before it."""
    return 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF


def with_letters(style: str) -> str:
    """Return a stylesheet whose families begin with their fonts of letters."""
    for name, family in FAMILIES.items():
        style = style.replace(f'"{family}"', f'"{LETTERS[name]}", "{family}"')
    return style


class Widths:
    """How wide texts are, remembered while one page is made.

    To find how wide a box may be, WeasyPrint measures each text within it anew for each box around it; of what it then
    finds about a line, only numbers are asked for.
    """

    def __init__(self) -> None:
        from weasyprint.layout import preferred

        self._measure = preferred.split_first_line
        self._known: dict[Any, Any] = {}
        preferred.split_first_line = self._measured

    def forget(self) -> None:
        """Remember nothing: another page is made, with other fonts."""
        self._known.clear()

    def _measured(
        self, text: str, style: Any, context: Any, max_width: Any, justification_spacing: Any, **how: bool
    ) -> Any:
        key = (text, id(style), max_width, justification_spacing, *how.items())
        if key not in self._known:
            _, *numbers = self._measure(text, style, context, max_width, justification_spacing, **how)
            # With its style, so that no other one can come to lie in its place.
            self._known[key] = style, (None, *numbers)
        return self._known[key][1]


class Paths:
    """Outlines of drawings as they are written into a PDF: frames and seals come again, page after page."""

    def __init__(self) -> None:
        from weasyprint import svg

        self._draw = svg.TAGS["path"]
        self._known: OrderedDict[Any, tuple[list[bytes], list[Any]]] = OrderedDict()
        svg.TAGS["path"] = self._drawn

    def _drawn(self, drawing: Any, node: Any, font_size: Any) -> None:
        # What an outline depends on: itself, and what its percentages and units refer to.
        key = (
            node.get("d", ""), font_size, drawing.inner_width, drawing.inner_height, drawing.inner_diagonal
        )  # fmt: skip
        written, corners = drawing.stream.stream, node.vertices
        if key in self._known:
            self._known.move_to_end(key)
            more_written, more_corners = self._known[key]
            written += more_written
            corners += more_corners
            return
        begun = len(written), len(corners)
        self._draw(drawing, node, font_size)
        self._known[key] = written[begun[0] :], list(corners)[begun[1] :]
        if len(self._known) > KEPT_PATHS:
            self._known.popitem(last=False)


def mark_languages() -> None:
    """Let structure elements say in which language they are, where the page does: WeasyPrint 70 says only its own."""
    from weasyprint.pdf import pydyf, tags

    build = tags._build_box_tree

    def marked(box: Any, *arguments: Any) -> Any:
        for element in build(box, *arguments):
            told = getattr(getattr(box, "_box", box), "element", None)
            language = None if told is None or told.tag in ("html", "body") else told.get("lang")
            if language and "Lang" not in element:
                element["Lang"] = pydyf.String(language)
            yield element

    tags._build_box_tree = marked


def mark_spaced_texts() -> None:
    """Let what is set wide, and what stands in a drawing, be read back as it is written.

    Readers of a PDF find words by the gaps between characters, so that a name set wide would be as many words as it has
    characters: such a line says its text along. What a drawing shows is said by its alternative text.
    """
    from weasyprint.draw import text as drawn
    from weasyprint.pdf import pydyf
    from weasyprint.svg.text import TextBox

    draw = drawn.draw_first_line

    def marked(stream: Any, textbox: Any, *arguments: Any) -> Any:
        is_drawing = isinstance(textbox, TextBox)
        text = "" if is_drawing else textbox.text
        is_wide = textbox.style["letter_spacing"] not in ("normal", 0) and text.strip()
        # Some readers leave out what lies beyond the first plane: who writes such a line sets it less wide.
        if not is_drawing and (not is_wide or any(each > "\uffff" for each in text)):
            return draw(stream, textbox, *arguments)
        stream.begin_marked_content("Span", pydyf.Dictionary({"ActualText": pydyf.String(text)}))
        try:
            return draw(stream, textbox, *arguments)
        finally:
            stream.end_marked_content()

    drawn.draw_first_line = marked


class Renderer:
    """WeasyPrint behind a fetcher that knows only what the job brought along."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It is on purpose that there are no system fonts.
            warnings.simplefilter("ignore")
            import weasyprint
            from weasyprint.text.fonts import FontConfiguration
            from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse
        self.weasyprint = weasyprint
        self.new_configuration = FontConfiguration
        self.fatal = FatalURLFetchingError
        self.fonts = Fonts()
        self.heard = _Warnings()
        for name in ("weasyprint", "fontTools"):
            logger = logging.getLogger(name)
            logger.handlers[:] = [self.heard]
            logger.propagate = False
            logger.setLevel(logging.WARNING)
        self._sets: OrderedDict[Any, tuple[Any, dict[str, bytes]]] = OrderedDict()
        self._sheets: OrderedDict[str, Any] = OrderedDict()
        self._widths, self._paths = Widths(), Paths()
        mark_languages()
        mark_spaced_texts()

        class OnlyAssets(URLFetcher):  # type: ignore[misc]
            """Hands out the job's assets by their names and stops the job at anything else."""

            def __init__(self, assets: dict[str, bytes]) -> None:
                super().__init__(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
                self.assets = assets
                self.refused: list[str] = []

            def fetch(self, url: str, headers: Any = None) -> Any:
                if url not in self.assets:
                    # Noted as well: some of WeasyPrint's readers swallow whatever is raised.
                    self.refused.append(url)
                    raise FatalURLFetchingError(url)
                kind = _CONTENT_TYPES.get(url.rpartition(".")[2], "application/octet-stream")
                return URLFetcherResponse(url, self.assets[url], {"Content-Type": kind})

        self.fetcher = OnlyAssets

    def font_set(
        self, names: tuple[str, ...], points: frozenset[int], written: frozenset[str]
    ) -> tuple[Any, dict[str, bytes]]:
        """Return a font configuration and the subset fonts for these characters, made once."""
        key = (names, points, written)
        if key in self._sets:
            self._sets.move_to_end(key)
            return self._sets[key]
        fonts = {f"asset:font-{name}": self.fonts.subset(name, points, written) for name in names}
        for name, own in self.fonts.letters(names, points).items():
            fonts[f"asset:font-{name}-letters"] = self.fonts.subset(f"{name}-letters", own, written)
        self._sets[key] = (self.new_configuration(), fonts)
        while len(self._sets) > KEPT_FONT_SETS:
            self._sets.popitem(last=False)
        return self._sets[key]

    def sheet(self, text: str, fetcher: Any, configuration: Any) -> Any:
        """Return a stylesheet as WeasyPrint reads it, once where it asks for nothing and nothing is wrong with it."""
        if text in self._sheets:
            self._sheets.move_to_end(text)
            return self._sheets[text]
        heard = len(self.heard.records)
        read = self.weasyprint.CSS(string=text, url_fetcher=fetcher, font_config=configuration, base_url=None)
        if not _OF_ITS_JOB.search(text) and len(self.heard.records) == heard:
            self._sheets[text] = read
            if len(self._sheets) > KEPT_SHEETS:
                self._sheets.popitem(last=False)
        return read

    def render(self, job: dict[str, Any]) -> bytes:
        """Return the PDF of the job. Raises `Refusal`."""
        assets = {f"asset:{name}": base64.b64decode(data) for name, data in job["assets"].items()}
        names = tuple(job["fonts"])
        text = html_entities.unescape(job["html"]) + "".join(job["stylesheets"])
        text += "".join(data.decode("utf-8", "replace") for name, data in assets.items() if name.endswith(".svg"))
        absent = self.fonts.lacking(names, text)
        if absent:
            raise Refusal("missing_glyph", characters=absent)
        points = frozenset(map(ord, text)) | frozenset(range(0x20, 0x7F))
        configuration, fonts = self.font_set(names, points, spelled_in(text))
        assets |= fonts
        faces = "".join(
            f'@font-face {{ font-family: "{FAMILIES[name]}"; src: url(asset:font-{name}) }}\n' for name in names
        )
        styles = job["stylesheets"]
        if f"asset:font-{names[0]}-letters" in fonts:
            for name in names:
                faces += f'@font-face {{ font-family: "{LETTERS[name]}"; src: url(asset:font-{name}-letters) }}\n'
            styles = [with_letters(each) for each in styles]
        fetcher = self.fetcher(assets)
        self.heard.records.clear()
        self._widths.forget()
        try:
            sheets = [self.sheet(sheet, fetcher, configuration) for sheet in (faces, *styles)]
            document = self.weasyprint.HTML(string=job["html"], url_fetcher=fetcher, base_url=None).render(
                font_config=configuration, stylesheets=sheets, pdf_variant="pdf/a-3a", presentational_hints=False
            )
            for page in document.pages:
                # Within a link, each box would be one more at the same place.
                page.links[:] = [each for each in page.links if each[3].element_tag == "a"]
            document.metadata.title, document.metadata.lang = job["title"], job["language"]
            document.metadata.keywords = job["keywords"]
            document.metadata.attachments += [self._attachment(each, fetcher) for each in job["attached"]]
            pdf = document.write_pdf(
                pdf_variant="pdf/a-3a", pdf_identifier=job["identifier"].encode(), finisher=self._finish
            )
        except self.fatal as forbidden:
            raise Refusal("forbidden_address", address=str(forbidden)) from None
        if fetcher.refused:
            raise Refusal("forbidden_address", address=fetcher.refused[0])
        errors = [record.getMessage() for record in self.heard.records if record.levelno >= logging.ERROR]
        if errors:
            raise Refusal("failed", reason="; ".join(errors)[:2000])
        return bytes(pdf)

    def _attachment(self, attached: dict[str, Any], fetcher: Any) -> Any:
        created = datetime.fromisoformat(attached["created_at"])
        return self.weasyprint.Attachment(
            # The bytes themselves: what names an address would be fetched.
            file_obj=io.BytesIO(base64.b64decode(attached["content"])),
            url_fetcher=fetcher,
            name=attached["name"],
            description=attached["description"],
            created=created,
            modified=created,
            # What the page is made from (ISO 32000-2, 7.11.3).
            relationship="Data",
        )

    def _finish(self, document: Any, pdf: Any) -> None:
        for font in document.fonts.values():
            if font.missing:
                raise Refusal("missing_glyph", characters=[chr(point) for point in sorted(font.missing)])
        if "AF" in pdf.catalog:
            # WeasyPrint 70 names each twice: as a member of the name tree and as an object.
            pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])
        number = int(pdf.catalog["Metadata"].split()[0])
        stream = pdf.objects[number].stream
        stream[0] = stream[0].replace(b"</rdf:RDF>", _PDF_UA + b"</rdf:RDF>", 1)


def picture_of(pdf: bytes, width: int) -> bytes:
    """Return the first page as a PNG, so many pixels wide."""
    import pypdfium2

    page = pypdfium2.PdfDocument(pdf)[0]
    out = io.BytesIO()
    page.render(scale=width / page.get_width()).to_pil().save(out, "PNG")
    return out.getvalue()


def answer(out: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    """Write one answer."""
    out.write(json.dumps({**header, "size": len(content)}).encode() + b"\n" + content)
    out.flush()


def serve(source: BinaryIO, out: BinaryIO) -> None:
    """Answer jobs until there are no more."""
    renderer = Renderer()
    versions = {"renderer": f"WeasyPrint {renderer.weasyprint.__version__}", "fonts": renderer.fonts.versions}
    for _ in range(JOBS_BEFORE_RENEWAL):
        if not select.select([source], [], [], IDLE_SECONDS)[0]:
            return
        line = source.readline()
        if not line:
            return
        started = time.process_time()
        try:
            job = json.loads(line)
            if "text" in job:
                answer(out, {"absent": renderer.fonts.lacking(job["fonts"], job["text"])})
                continue
            content = renderer.render(job)
            if job.get("picture_width"):
                content = picture_of(content, job["picture_width"])
        except Refusal as refusal:
            answer(out, {"error": refusal.kind, **refusal.details})
            continue
        except MemoryError:
            answer(out, {"error": "memory"})
            return
        except Exception as failure:
            answer(out, {"error": "failed", "reason": f"{type(failure).__name__}: {failure}"[:2000]})
            return
        answer(
            out,
            {
                "cpu_ms": round((time.process_time() - started) * 1000),
                "warnings": [record.getMessage() for record in renderer.heard.records],
                **versions,
            },
            content,
        )


def main() -> None:
    """Run the child."""
    # Whatever a library prints must not end up between the answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="shirube-pdf-") as folder:
        tempfile.tempdir = folder
        without_system_fonts(folder)
        confine(int(sys.argv[1]))
        serve(sys.stdin.buffer, out)


if __name__ == "__main__":
    main()
