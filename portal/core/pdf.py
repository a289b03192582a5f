"""The one door to WeasyPrint: HTML and named assets in, the bytes of a PDF out.

The work is done in a child process with its own limits of time and memory, without the product's
environment, without system fonts, and without a way to fetch anything: a page that asks for an
address outside of its assets, or for a character that no font has, fails with a refusal that names it.

The same input gives the same bytes. A certificate costs three fifths of a plain call of WeasyPrint with the same page
and fonts, once the child is warm (docs/performance.md); its start costs about a second more, and it keeps 85 to 200 MB
until it has been idle for a minute. `cpu_ms` of the result tells the cost of each page. The time is won by subsetting
the fonts before WeasyPrint sees them, by a fontconfig without system fonts, and by remembering what pages have in
common: font configurations for sets of characters that come again, stylesheets as read, outlines of drawings as
written, and, within a page, how wide its texts are.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from portal.core.errors import DomainError
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l

__all__ = [
    "FONTS",
    "Attached",
    "CharacterWithoutGlyph",
    "ForbiddenAddress",
    "PdfFailed",
    "Rendered",
    "Renderer",
    "TooMuchMemory",
    "TookTooLong",
    "lacking",
    "picture",
    "render",
]

SECONDS = 60
# Address space of the child; a certificate needs about 250 MB of it.
MEMORY_MEGABYTES = 512
MAX_INPUT_BYTES = 8 * 1024 * 1024
# The fonts by name, with the family under which stylesheets know them.
FONTS = {"serif": "Shirube Serif", "sans": "Shirube Sans"}

_CHILD = Path(__file__).with_name("pdf_child.py")
logger = logging.getLogger(__name__)


class PdfFailed(DomainError):
    """The PDF could not be made."""

    status: ClassVar[int] = 500
    message: ClassVar[LazyText] = _l("The PDF could not be made: %(reason)s.")


class ForbiddenAddress(PdfFailed):
    """The page asks for something that was not given along."""

    message = _l("The PDF could not be made: the page asks for %(address)s, and nothing is ever fetched.")


class CharacterWithoutGlyph(PdfFailed):
    """No font has a form for a character; it would have been printed as an empty box."""

    message = _l("The PDF could not be made: no font has the character %(characters)s. Use the romanised name.")

    def __init__(self, *, characters: Sequence[str]) -> None:
        self.characters = tuple(characters)
        told = (f"“{each}” ({' '.join(f'U+{ord(one):04X}' for one in each)})" for each in characters)
        super().__init__(characters=", ".join(told))


class TookTooLong(PdfFailed):
    """The page took longer than the limit and was stopped."""

    message = _l("The PDF could not be made within %(seconds)s seconds.")


class TooMuchMemory(PdfFailed):
    """The page needed more memory than the limit and was stopped."""

    message = _l("The PDF could not be made within %(megabytes)s MB of memory.")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A PDF with what made it: the versions of renderer and fonts, and CPU milliseconds."""

    content: bytes
    renderer: str
    fonts: str
    cpu_ms: int


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that lies within the PDF, as the data on which the page rests; `created_at` is what it says of itself."""

    name: str
    content: bytes
    description: str
    created_at: datetime


class Renderer:
    """A child process that renders one page after the other, started when first needed."""

    def __init__(self, *, seconds: float = SECONDS, memory_megabytes: int = MEMORY_MEGABYTES) -> None:
        self.seconds = seconds
        self.memory_megabytes = memory_megabytes
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def render(
        self,
        html: str,
        *,
        stylesheets: Sequence[str],
        assets: Mapping[str, bytes],
        fonts: Sequence[str] = ("serif", "sans"),
        identifier: str,
        title: str,
        language: str,
        keywords: Sequence[str] = (),
        attached: Sequence[Attached] = (),
    ) -> Rendered:
        """Return the PDF (PDF/A-3a, tagged for PDF/UA) of a page.

        `assets` are reachable as `asset:<name>` and by no other address; `fonts` are names of `FONTS`.
        `identifier` becomes the file's own, so that equal input gives equal bytes. `keywords` stand in its
        description, `attached` lie in it. Raises the refusals of this module.
        """
        return self._carry_out(
            html=html,
            stylesheets=stylesheets,
            assets=assets,
            fonts=fonts,
            identifier=identifier,
            title=title,
            language=language,
            keywords=keywords,
            attached=attached,
        )

    def picture(
        self,
        html: str,
        *,
        stylesheets: Sequence[str],
        assets: Mapping[str, bytes],
        fonts: Sequence[str] = ("serif", "sans"),
        title: str,
        language: str,
        width: int,
    ) -> Rendered:
        """Return the first page of the PDF that `render` would make as a PNG, `width` pixels wide."""
        return self._carry_out(
            html=html,
            stylesheets=stylesheets,
            assets=assets,
            fonts=fonts,
            identifier="picture",
            title=title,
            language=language,
            picture_width=width,
        )

    def lacking(self, text: str, *, fonts: Sequence[str] = ("serif", "sans")) -> tuple[str, ...]:
        """Return the characters of a text for which no page in these fonts could be made. It may start the child."""
        if text.isascii():
            return ()
        with self._lock:
            header, _ = self._ask(json.dumps({"text": text, "fonts": list(fonts)}).encode() + b"\n")
        if "absent" not in header:
            raise PdfFailed(reason=header.get("reason", "unknown"))
        return tuple(header["absent"])

    def _carry_out(
        self,
        *,
        html: str,
        stylesheets: Sequence[str],
        assets: Mapping[str, bytes],
        fonts: Sequence[str],
        identifier: str,
        title: str,
        language: str,
        picture_width: int = 0,
        keywords: Sequence[str] = (),
        attached: Sequence[Attached] = (),
    ) -> Rendered:
        unknown = [name for name in fonts if name not in FONTS]
        if unknown or not fonts:
            raise LookupError(f"unknown fonts: {unknown}")
        job = {
            "html": html,
            "stylesheets": list(stylesheets),
            "assets": {name: base64.b64encode(data).decode() for name, data in assets.items()},
            "fonts": list(fonts),
            "identifier": identifier,
            "title": title,
            "language": language,
            "picture_width": picture_width,
            "keywords": list(keywords),
            "attached": [
                {
                    "name": each.name,
                    "content": base64.b64encode(each.content).decode(),
                    "description": each.description,
                    "created_at": each.created_at.astimezone(UTC).isoformat(),
                }
                for each in attached
            ],
        }
        line = json.dumps(job).encode() + b"\n"
        if len(line) > MAX_INPUT_BYTES:
            raise PdfFailed(reason=f"the page and its assets have more than {MAX_INPUT_BYTES // 1024 // 1024} MB")
        with self._lock:
            header, content = self._ask(line)
        return self._read(header, content)

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _ask(self, line: bytes) -> tuple[dict[str, Any], bytes]:
        for _ in range(2):
            child = self._running()
            late = threading.Event()

            def stop(process: subprocess.Popen[bytes] = child, late: threading.Event = late) -> None:
                late.set()
                process.kill()

            timer = threading.Timer(self.seconds, stop)
            timer.daemon = True
            timer.start()
            try:
                found = _exchange(child, line)
            finally:
                timer.cancel()
            if found is not None:
                return found
            self._end()
            if late.is_set():
                raise TookTooLong(seconds=self.seconds)
            if child.returncode != 0:
                raise PdfFailed(reason=f"the PDF process ended with status {child.returncode}")
            # It had ended by itself, having been idle; a new one takes the job.
        raise PdfFailed(reason="the PDF process does not stay")

    def _read(self, header: dict[str, Any], content: bytes) -> Rendered:
        match header.get("error"):
            case None:
                pass
            case "missing_glyph":
                raise CharacterWithoutGlyph(characters=header["characters"])
            case "forbidden_address":
                raise ForbiddenAddress(address=header["address"])
            case "memory":
                raise TooMuchMemory(megabytes=self.memory_megabytes)
            case _:
                raise PdfFailed(reason=header.get("reason", "unknown"))
        for warning in header["warnings"]:
            logger.warning("PDF: %s", warning)
        return Rendered(content, header["renderer"], header["fonts"], header["cpu_ms"])

    def _running(self) -> subprocess.Popen[bytes]:
        # A forked process must not share its parent's child.
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return self._child
        self._end()
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD), str(self.memory_megabytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Nothing of ours: no secrets, no database address, no proxies.
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        self._owner = os.getpid()
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _exchange(child: subprocess.Popen[bytes], line: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Send a job and return its answer, or None where the child ended without one."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(line)
        child.stdin.flush()
        first = child.stdout.readline()
        if not first.endswith(b"\n"):
            return None
        header = json.loads(first)
        content = child.stdout.read(header["size"])
    except (BrokenPipeError, OSError):
        return None
    return (header, content) if len(content) == header["size"] else None


_renderer = Renderer()
atexit.register(_renderer.close)
render = _renderer.render
picture = _renderer.picture
lacking = _renderer.lacking
