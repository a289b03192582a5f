"""What runs inside the PDF child process; started by `portal.core.pdf`, imports nothing of the product.

Reads one JSON job a line on its standard input and answers each with one JSON line, followed by
the bytes of the PDF where it says so. Ends when its input ends, when nothing was asked of it for a
while, after many jobs, and after any fault that may have left it in a bad state.
"""

from __future__ import annotations

import base64
import html as html_entities
import json
import logging
import os
import resource
import select
import sys
import tempfile
import time
import unicodedata
import warnings
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, BinaryIO

IDLE_SECONDS = 60
JOBS_BEFORE_RENEWAL = 500
# Sets of characters whose subset fonts and font configuration are kept ready.
KEPT_FONT_SETS = 4

FAMILIES = {"serif": "Shirube Serif", "sans": "Shirube Sans"}
_CONTENT_TYPES = {"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg"}
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
        self.versions = f"pylopdf-fonts-jp {package.__version__}"
        self._faces: dict[str, Any] = {}
        self._paths = {"serif": package.serif_path(), "sans": package.sans_path()}
        self._covered: dict[str, frozenset[int]] = {}
        self._sequences: dict[str, dict[int, frozenset[int]]] = {}

    def face(self, name: str) -> Any:
        if name not in self._faces:
            if name not in self._paths:
                raise Refusal("failed", reason=f"there is no font {name}")
            self._faces[name] = self.hb.Face(self.hb.Blob.from_file_path(str(self._paths[name])))
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
        """Return the characters (with their variation selector) that none of the fonts has."""
        wanted = list(names)
        for name in wanted:
            self.face(name)
        absent: list[str] = []
        previous = ""
        for character in text:
            point = ord(character)
            if is_variation_selector(point):
                found = bool(previous) and any(self._has_sequence(name, ord(previous), point) for name in wanted)
                shown = previous + character
            elif point < 0x7F or unicodedata.category(character) in ("Cc", "Cf"):
                previous = character
                continue
            else:
                found, shown = any(point in self._covered[name] for name in wanted), character
                previous = character
            if not found and shown not in absent:
                absent.append(shown)
        return absent

    def subset(self, name: str, points: frozenset[int]) -> bytes:
        """Return the font with these characters only."""
        face = self.face(name)
        wanted = self.hb.SubsetInput()
        wanted.sets(self.hb.SubsetInputSets.UNICODE).set(points)
        wanted.flags = self.hb.SubsetFlags.NOTDEF_OUTLINE
        return bytes(wanted.subset(face).blob.data)


def is_variation_selector(point: int) -> bool:
    """Say whether the code point chooses a form of the character before it."""
    return 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF


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

    def font_set(self, names: tuple[str, ...], points: frozenset[int]) -> tuple[Any, dict[str, bytes]]:
        """Return a font configuration and the subset fonts for these characters, made once."""
        key = (names, points)
        if key in self._sets:
            self._sets.move_to_end(key)
            return self._sets[key]
        fonts = {f"asset:font-{name}": self.fonts.subset(name, points) for name in names}
        self._sets[key] = (self.new_configuration(), fonts)
        while len(self._sets) > KEPT_FONT_SETS:
            self._sets.popitem(last=False)
        return self._sets[key]

    def render(self, job: dict[str, Any]) -> bytes:
        """Return the PDF of the job. Raises `Refusal`."""
        assets = {f"asset:{name}": base64.b64decode(data) for name, data in job["assets"].items()}
        names = tuple(job["fonts"])
        text = html_entities.unescape(job["html"]) + "".join(job["stylesheets"])
        text += "".join(data.decode("utf-8", "replace") for name, data in assets.items() if name.endswith(".svg"))
        absent = self.fonts.missing(names, text)
        if absent:
            raise Refusal("missing_glyph", characters=absent)
        points = frozenset(map(ord, text)) | frozenset(range(0x20, 0x7F))
        configuration, fonts = self.font_set(names, points)
        assets |= fonts
        fetcher = self.fetcher(assets)
        faces = "".join(
            f'@font-face {{ font-family: "{FAMILIES[name]}"; src: url(asset:font-{name}) }}\n' for name in names
        )
        self.heard.records.clear()
        try:
            sheets = [
                self.weasyprint.CSS(string=sheet, url_fetcher=fetcher, font_config=configuration, base_url=None)
                for sheet in (faces, *job["stylesheets"])
            ]
            document = self.weasyprint.HTML(string=job["html"], url_fetcher=fetcher, base_url=None).render(
                font_config=configuration, stylesheets=sheets, pdf_variant="pdf/a-3a", presentational_hints=False
            )
            document.metadata.title, document.metadata.lang = job["title"], job["language"]
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

    def _finish(self, document: Any, pdf: Any) -> None:
        for font in document.fonts.values():
            if font.missing:
                raise Refusal("missing_glyph", characters=[chr(point) for point in sorted(font.missing)])
        number = int(pdf.catalog["Metadata"].split()[0])
        stream = pdf.objects[number].stream
        stream[0] = stream[0].replace(b"</rdf:RDF>", _PDF_UA + b"</rdf:RDF>", 1)


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
            content = renderer.render(json.loads(line))
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
