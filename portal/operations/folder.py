"""Reading a content folder from the disk, and writing one, without trusting it."""

from __future__ import annotations

from pathlib import Path

from portal.core.content import MAX_FILE_BYTES, ContentFile, ContentFolder
from portal.core.i18n import gettext as _

MAX_FILES = 20_000
# What may lie in a content folder without being content.
_IGNORED = {"readme.md", "licence", "license", "license.md", "licence.md"}


def read_folder(root: Path, known_folders: set[str]) -> ContentFolder:
    """Read every text file below `root`; what cannot be content is a finding with the way to mend it."""
    folder = ContentFolder(files={})
    if not root.is_dir():
        folder.error(
            str(root), 0, _("There is no such folder."), _("Name the folder that holds documents/, banks/ and so on.")
        )
        return folder
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        if path.is_symlink():
            folder.error(relative, 0, _("Links to other places are not followed."), _("Copy the file here."))
            continue
        if path.is_dir():
            continue
        if path.name.lower() in _IGNORED:
            continue
        top = relative.split("/")[0]
        if top not in known_folders:
            folder.warn(
                relative,
                0,
                _("Nothing reads this file."),
                _("Content lies in %(folders)s.", folders=", ".join(sorted(known_folders))),
            )
            continue
        if len(folder.files) >= MAX_FILES:
            folder.error(relative, 0, _("The folder holds more than %(limit)s files.", limit=MAX_FILES), _("Split it."))
            break
        text = _read(path, relative, folder)
        if text is not None:
            folder.files[relative] = ContentFile(relative, text)
    return folder


def _read(path: Path, relative: str, folder: ContentFolder) -> str | None:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        folder.error(
            relative,
            0,
            _("The file has %(size)s KB; the limit is %(limit)s KB.", size=size // 1024, limit=MAX_FILE_BYTES // 1024),
            _("Split it into several documents or banks."),
        )
        return None
    data = path.read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):
        folder.error(relative, 1, _("The file begins with a byte order mark."), _("Save it as UTF-8 without BOM."))
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as broken:
        line = data[: broken.start].count(b"\n") + 1
        folder.error(relative, line, _("The file is not UTF-8."), _("Save it as UTF-8; nothing is guessed."))
        return None


def write_folder(root: Path, files: list[ContentFile]) -> None:
    """Write the files below `root`, byte for byte; folders are made as needed."""
    for file in files:
        target = root / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.text.encode("utf-8"))
