"""Reading a content folder from the disk, and writing one, without trusting it."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path

from portal.core.content import MAX_FILE_BYTES, ContentFile, ContentFolder, printable
from portal.core.i18n import gettext as _

MAX_FILES = 20_000
# Our deepest path has three names; a little more lets a misplaced file be named as such.
MAX_DEPTH = 8
MAX_PATH = 300
# As large as one that is uploaded in the product; and all pictures of a folder together.
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_PICTURES_BYTES = 256 * 1024 * 1024
# What may lie in a content folder without being content.
_IGNORED = {"readme.md", "licence", "license", "license.md", "licence.md"}


def read_folder(root: Path, known_folders: Collection[str], pictures: Collection[str] = ()) -> ContentFolder:
    """Read every text file below `root`; what cannot be content is a finding with the way to mend it.

    `known_folders` are the names that something reads; one that ends with `.toml` is a file. What lies directly in one
    of the folders `pictures` is read as bytes. Only regular files are opened, and no link is followed below `root`.
    """
    folder = ContentFolder(files={})
    if not root.is_dir():
        folder.error(
            printable(str(root)),
            0,
            _("There is no such folder."),
            _("Name the folder that holds documents/, banks/ and so on."),
        )
        return folder
    count = size = 0
    for path, relative in _walk(root, root, folder):
        count += 1
        if count > MAX_FILES:
            folder.error(relative, 0, _("The folder holds more than %(limit)s files.", limit=MAX_FILES), _("Split it."))
            break
        if not _is_read(relative, known_folders):
            folder.warn(
                relative,
                0,
                _("This file is not used."),
                _("Content belongs in %(folders)s.", folders=", ".join(_shown(known_folders))),
            )
            continue
        if relative.rpartition("/")[0] in pictures:
            data = _read(path, relative, folder, MAX_PICTURE_BYTES, _("Make the picture smaller."))
            size += len(data or b"")
            if size > MAX_PICTURES_BYTES:
                megabytes = MAX_PICTURES_BYTES // 1024 // 1024
                folder.error(
                    relative,
                    0,
                    _("The pictures of the folder have more than %(limit)s MB together.", limit=megabytes),
                    _("Make the pictures smaller, or take some away."),
                )
                break
            if data is not None:
                folder.pictures[relative] = data
            continue
        data = _read(path, relative, folder, MAX_FILE_BYTES, _("Split it into several documents or banks."))
        text = None if data is None else _decoded(data, relative, folder)
        if text is not None:
            folder.files[relative] = ContentFile(relative, text)
    return folder


def _shown(known_folders: Collection[str]) -> list[str]:
    return [name if name.endswith(".toml") else f"{name}/" for name in sorted(known_folders)]


def _is_read(relative: str, known_folders: Collection[str]) -> bool:
    top, _slash, rest = relative.partition("/")
    return top in known_folders and bool(rest) != top.endswith(".toml")


def _walk(root: Path, below: Path, folder: ContentFolder) -> Iterator[tuple[Path, str]]:
    """Yield the regular files below a folder with their names relative to the root, in the order of their names."""
    try:
        with os.scandir(below) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as refused:
        _cannot_be_read(folder, _relative(root, below), refused)
        return
    alike: dict[str, str] = {}
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = below / entry.name
        relative = _relative(root, path)
        twin = alike.setdefault(unicodedata.normalize("NFC", entry.name).casefold(), entry.name)
        if entry.name.lower() in _IGNORED and not entry.is_dir(follow_symlinks=False):
            continue
        if not entry.name.isprintable() or not unicodedata.is_normalized("NFC", entry.name):
            folder.error(
                relative,
                0,
                _("The name has characters that other computers write in another way or do not show."),
                _("Use lower-case letters a to z, digits and hyphens, at most 60, starting with a letter."),
            )
        elif twin != entry.name:
            folder.error(
                relative,
                0,
                _("The name differs from “%(name)s” only in capital letters or accents.", name=printable(twin)),
                _("Many computers take the two for the same: rename one of them."),
            )
        elif entry.is_symlink():
            folder.error(relative, 0, _("Links to other places are not followed."), _("Copy the file here."))
        elif len(relative) > MAX_PATH or relative.count("/") >= MAX_DEPTH:
            folder.error(
                relative[:MAX_PATH],
                0,
                _("The path is too long or too deep."),
                _("Content can be at most three levels deep; move the file up."),
            )
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path, folder)
        elif entry.is_file(follow_symlinks=False):
            yield path, relative
        else:
            folder.error(
                relative,
                0,
                _("This is not a text file but a pipe, a socket or a device."),
                _("Remove it; only ordinary files are read."),
            )


def _relative(root: Path, path: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def _cannot_be_read(folder: ContentFolder, relative: str, refused: OSError) -> None:
    folder.error(
        relative,
        0,
        _("It cannot be read: %(reason)s.", reason=(refused.strerror or type(refused).__name__).lower()),
        _("Give the account that runs this command the right to read it."),
    )


def _read(path: Path, relative: str, folder: ContentFolder, most: int, mend: str) -> bytes | None:
    try:
        # Whatever took the file's place since it was listed: no link is followed, and no pipe waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(most + 1) if stat.S_ISREG(found.st_mode) else None
    except OSError as refused:
        _cannot_be_read(folder, relative, refused)
        return None
    if data is None:
        folder.error(relative, 0, _("It changed while it was read."), _("Check the folder again."))
        return None
    if len(data) > most:
        size = max(found.st_size, len(data))
        folder.error(
            relative,
            0,
            _("The file has %(size)s KB; the limit is %(limit)s KB.", size=size // 1024, limit=most // 1024),
            mend,
        )
        return None
    return data


def _decoded(data: bytes, relative: str, folder: ContentFolder) -> str | None:
    if data.startswith(b"\xef\xbb\xbf"):
        folder.error(relative, 1, _("The file begins with a byte order mark."), _("Save it as UTF-8 without BOM."))
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as broken:
        line = data[: broken.start].count(b"\n") + 1
        folder.error(relative, line, _("The file is not UTF-8."), _("Save it as UTF-8; nothing is guessed."))
        return None
    if "\0" in text:
        folder.error(
            relative,
            text.count("\n", 0, text.index("\0")) + 1,
            _("There is a control character (U+%(code)s).", code="0000"),
            _("Delete it; only line breaks and tabs are allowed."),
        )
        return None
    return text


def write_folder(root: Path, files: list[ContentFile]) -> None:
    """Write the files below `root`, byte for byte; folders are made as needed."""
    for file in files:
        target = root / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.text.encode("utf-8") if file.data is None else file.data)
