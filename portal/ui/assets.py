"""What pages load: files under `/static`, addressed by the hash of their content, and a stylesheet of several files."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from werkzeug.security import safe_join

STATIC = Path(__file__).resolve().parent / "static"
STYLESHEET = "css/shirube.css"
# Sent as one file, in this order; the cascade layers, not the order, decide what wins.
STYLES = (
    "reset",
    "tokens",
    "base",
    "layout",
    "components",
    "shapes",
    "forms",
    "tables",
    "matrix",
    "path",
    "today",
    "mentoring",
    "calendar",
    "planner",
    "plan-editor",
    "quiz",
    "authoring",
    "review",
    "document",
    "editor",
    "templates",
    "search",
    "utilities",
)
HASH_LENGTH = 12
MIMETYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".md": "text/plain",
    "": "text/plain",
}
# Below this, compressing costs more than it saves.
COMPRESS_FROM_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Asset:
    """The bytes of one address, and their hash."""

    body: bytes
    compressed: bytes | None
    version: str
    mimetype: str


def _parts(path: str) -> list[Path]:
    """Return the files whose content decides what stands at the address."""
    if path == STYLESHEET:
        return [STATIC / "css" / f"{name}.css" for name in STYLES]
    if path == "js/loader.js":
        # The loader hands its own version on to the modules that it loads, so it must change with any of them.
        return [STATIC / path, *sorted((STATIC / "js" / "modules").glob("*.js"))]
    return [STATIC / path]


def _stamp(path: str) -> tuple[int, ...]:
    return tuple(part.stat().st_mtime_ns for part in _parts(path))


@cache
def _read(path: str, _stamp: tuple[int, ...]) -> Asset:
    contents = [part.read_bytes() for part in _parts(path)]
    body = b"\n".join(contents) if path == STYLESHEET else contents[0]
    digest = hashlib.sha256(b"\n".join(contents)).hexdigest()
    mimetype = MIMETYPES[Path(path).suffix]
    worthwhile = len(body) >= COMPRESS_FROM_BYTES and not mimetype.startswith("image/p")
    compressed = gzip.compress(body, mtime=0) if worthwhile else None
    return Asset(body, compressed, digest[:HASH_LENGTH], mimetype)


@cache
def load_once(path: str) -> Asset:
    """Return an asset as it was when first asked for; in production files do not change under a running process.

    Raises FileNotFoundError for a path that is not a file of ours.
    """
    return load(path)


def load(path: str) -> Asset:
    """Return an asset as it is on disk now.

    Raises FileNotFoundError for a path that is not a file of ours.
    """
    inside = safe_join(str(STATIC), path)
    if inside is None or Path(path).suffix not in MIMETYPES or "\0" in path:
        raise FileNotFoundError(path)
    if path != STYLESHEET and not Path(inside).is_file():
        raise FileNotFoundError(path)
    return _read(path, _stamp(path))
