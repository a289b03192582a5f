"""Archives that people send: opened in memory, and only where they are what they seem.

An archive is a small file that says how large it is inside. What it says is held against limits before anything is
unpacked, no name may lead out of it, and nothing in it is written to a disk.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_ENTRIES = 1_000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_RATIO = 100
_CHUNK = 1024 * 1024
_SYSTEM_UNIX = 3
_ARCHIVES = (".zip", ".jar", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_FAILURES = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    MemoryError,
)


class Why(StrEnum):
    """Why an archive is not opened."""

    DAMAGED = "damaged"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    ENCRYPTED = "encrypted"
    LEADS_OUT = "leads_out"
    LINK = "link"
    TWICE = "twice"
    NESTED = "nested"


class ArchiveRefused(Exception):
    """The archive is not opened, or not further; `entry` is the name at fault, where it is one."""

    def __init__(self, why: Why, entry: str = "") -> None:
        self.why, self.entry = why, entry
        super().__init__(f"{why}: {entry}" if entry else why)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive within the limits: its files by their names, in its order."""

    _file: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]

    def read(self, name: str, *, most: int) -> bytes:
        """Return what a file holds. Raises `ArchiveRefused` where it is longer, or damaged; `KeyError`."""
        if self.entries[name].file_size > most:
            raise ArchiveRefused(Why.TOO_LARGE, name)
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield what a file holds, no more than it said. Raises `ArchiveRefused` where it is damaged; `KeyError`."""
        try:
            with self._file.open(self.entries[name]) as opened:
                while chunk := opened.read(_CHUNK):
                    yield chunk
        except _FAILURES as failure:
            raise ArchiveRefused(Why.DAMAGED, name) from failure


def open_archive(
    data: bytes,
    *,
    most_entries: int = MAX_ENTRIES,
    most_bytes: int = MAX_UNPACKED_BYTES,
    most_ratio: int = MAX_RATIO,
) -> Archive:
    """Return the archive of the bytes; nothing of it is unpacked yet. Raises `ArchiveRefused`."""
    try:
        file = zipfile.ZipFile(io.BytesIO(data))
        listed = file.infolist()
    except _FAILURES as failure:
        raise ArchiveRefused(Why.DAMAGED) from failure
    if len(listed) > most_entries:
        raise ArchiveRefused(Why.TOO_MANY)
    unpacked = sum(entry.file_size for entry in listed)
    if unpacked > most_bytes or unpacked > most_ratio * len(data):
        raise ArchiveRefused(Why.TOO_LARGE)
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in listed:
        # Some programs write the separator of Windows.
        name = entry.filename.replace("\\", "/")
        _check(entry, name)
        if name.endswith("/"):
            continue
        if name in entries:
            raise ArchiveRefused(Why.TWICE, name)
        entries[name] = entry
    return Archive(file, entries)


def _check(entry: zipfile.ZipInfo, name: str) -> None:
    if entry.flag_bits & 0x1:
        raise ArchiveRefused(Why.ENCRYPTED, name)
    if not name or name.startswith("/") or ":" in name.partition("/")[0] or ".." in name.split("/"):
        raise ArchiveRefused(Why.LEADS_OUT, name)
    mode = entry.external_attr >> 16
    if entry.create_system == _SYSTEM_UNIX and mode and stat.S_ISLNK(mode):
        raise ArchiveRefused(Why.LINK, name)
    if name.casefold().endswith(_ARCHIVES):
        raise ArchiveRefused(Why.NESTED, name)
