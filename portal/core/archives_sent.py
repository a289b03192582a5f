"""Archives that we send: written piece by piece, so that no more than one file of them is in memory.

Nothing is compressed: what goes in are PDFs, which are already. So it is known how long the archive is before anything
is read, and the same files give the same bytes. Names are UTF-8 and say so (APPNOTE.TXT 4.4.4, bit 11).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

# What stands in a field of four or two bytes whose number is in those of Zip64 (APPNOTE.TXT 4.5.3), and from which
# number on it is.
_FOUR_BYTES, _TWO_BYTES = 0xFFFFFFFF, 0xFFFF
_LARGE, _MANY = _FOUR_BYTES, _TWO_BYTES
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_OFFSET_EXTRA = struct.Struct("<2HQ")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")
_UTF_8 = 0x0800
_VERSION, _VERSION_64 = 20, 45
_UNIX = 3 << 8
# A regular file that everybody may read.
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: its name, its size in bytes, and what reads it when its turn comes."""

    name: str
    size: int
    read: Callable[[], bytes]

    @classmethod
    def of(cls, name: str, content: bytes) -> Member:
        """Return a file whose bytes are at hand."""
        return cls(name, len(content), lambda: content)


def size_of_archive(members: Sequence[Member]) -> int:
    """Return how many bytes `write_archive` gives."""
    offset = directory = 0
    for member in members:
        length = len(member.name.encode())
        directory += _CENTRAL.size + length + (_OFFSET_EXTRA.size if offset >= _LARGE else 0)
        offset += _LOCAL.size + length + member.size
    return offset + directory + len(_end(len(members), directory, offset))


def write_archive(members: Sequence[Member], *, at: datetime) -> Iterator[bytes]:
    """Give the archive in pieces; `at` is the time of every file in it.

    Raises `ValueError` where a file is not as long as it said, after which what was given is of no use.
    """
    moment = at.astimezone(UTC)
    day = (max(moment.year - 1980, 0) << 9) | (moment.month << 5) | moment.day
    time = (moment.hour << 11) | (moment.minute << 5) | (moment.second // 2)
    offset, directory = 0, bytearray()
    for member in members:
        name, content = member.name.encode(), member.read()
        if len(content) != member.size or member.size >= _FOUR_BYTES:
            raise ValueError(f"{member.name} has {len(content)} bytes, not {member.size}")
        facts = (_UTF_8, 0, time, day, zlib.crc32(content), member.size, member.size, len(name))
        yield _LOCAL.pack(b"PK\3\4", _VERSION, *facts, 0) + name
        yield content
        # The next one is read only when this one is gone.
        del content
        extra = _OFFSET_EXTRA.pack(1, 8, offset) if offset >= _LARGE else b""
        version = _VERSION_64 if extra else _VERSION
        directory += _CENTRAL.pack(
            b"PK\1\2", _UNIX | version, version, *facts, len(extra), 0, 0, 0, _MODE, _FOUR_BYTES if extra else offset
        )
        directory += name + extra
        offset += _LOCAL.size + len(name) + member.size
    yield bytes(directory)
    yield _end(len(members), len(directory), offset)


def _end(count: int, directory: int, offset: int) -> bytes:
    if count < _MANY and directory < _LARGE and offset < _LARGE:
        return _END.pack(b"PK\5\6", 0, 0, count, count, directory, offset, 0)
    end = _END_64.pack(
        b"PK\6\6", _END_64.size - 12, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, directory, offset
    )
    locator = _LOCATOR.pack(b"PK\6\7", 0, offset + directory, 1)
    return end + locator + _END.pack(b"PK\5\6", 0, 0, _TWO_BYTES, _TWO_BYTES, _FOUR_BYTES, _FOUR_BYTES, 0)
