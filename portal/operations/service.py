"""Check, take in and write out a content folder over all domains at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from portal.core import clock
from portal.core.content import (
    ContentFile,
    ContentFolder,
    ContentPart,
    Finding,
    HasPictures,
    Level,
    Prepares,
    Reports,
    Section,
    printable,
)
from portal.core.db import session
from portal.core.errors import DomainError
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import record
from portal.operations.folder import read_folder
from portal.operations.models import ImportedFile


class ContentRefused(DomainError):
    """The folder has errors; nothing was taken in."""

    message = _l("The content was not imported (errors: %(count)s). Nothing has been changed.")

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__(count=len(findings))
        for finding in findings[:5]:
            self.add_note(str(finding))


def check_content(root: Path, parts: Sequence[ContentPart]) -> ContentFolder:
    """Read and check a folder without touching the database; the findings tell what is wrong."""
    pictures = {part.pictures for part in parts if isinstance(part, HasPictures)}
    folder = read_folder(root, {part.folder for part in parts}, pictures)
    for part in parts:
        part.check(folder)
    folder.findings.sort(key=_by_cause(parts))
    return folder


def report_content(folder: ContentFolder, parts: Sequence[ContentPart]) -> Iterator[Section]:
    """Yield what the parts tell of a checked folder without errors; a part of which there is nothing is left out."""
    for part in parts:
        if isinstance(part, Reports):
            yield from (section for section in part.report(folder) if section.rows)


def _by_cause(parts: Sequence[ContentPart]) -> Callable[[Finding], tuple[int, int, str, int]]:
    """Return the order of findings: errors first, and among them those of the files on which others rest."""
    levels = list(Level)
    folders = [part.folder for part in parts]

    def key(finding: Finding) -> tuple[int, int, str, int]:
        top = finding.path.partition("/")[0]
        rank = folders.index(top) if top in folders else -1
        return levels.index(finding.level), rank, finding.path, finding.line

    return key


def prepare_content(*, root: Path, parts: Sequence[ContentPart]) -> ContentFolder:
    """Read, check and prepare a folder ahead of the transaction in which it is taken in.

    What takes time happens here, where nobody waits for the database; within `markdown.remembering`,
    `import_content` then only looks it up. Raises `ContentRefused` with the findings.
    """
    folder = check_content(root, parts)
    if folder.errors:
        raise ContentRefused(folder.errors)
    for part in parts:
        if isinstance(part, Prepares):
            part.prepare(folder)
    return folder


def import_content(
    *, root: Path, parts: Sequence[ContentPart], by: Any, prepared: ContentFolder | None = None
) -> tuple[ContentFolder, list[str]]:
    """Take a folder in: everything or nothing; a second time changes nothing.

    `prepared` is what `prepare_content` made of the folder; whether it still fits is looked at again here. Returns the
    folder with its warnings and one line for each thing that changed. Raises `ContentRefused` with the findings.
    """
    folder = check_content(root, parts) if prepared is None else prepared
    if folder.errors:
        raise ContentRefused(folder.errors)
    changes: list[str] = []
    for part in parts:
        changes += part.load(folder, by)
        if folder.errors:
            raise ContentRefused(folder.errors)
    now = clock.now()
    kept = {row.path: row for row in session.scalars(select(ImportedFile))}
    for file in folder.files.values():
        row = kept.get(file.path)
        if row is None:
            session.add(ImportedFile(path=file.path, text=file.text, imported_at=now))
        elif row.text != file.text:
            row.text, row.imported_at = file.text, now
    if changes:
        record("content.imported", by=by, subject=("content", root.name[:200]), after={"changes": changes[:200]})
    return folder, changes


def note_history(*, root: Path, documents: int, versions: int, refused: int, by: Any) -> None:
    """Record that the history of a folder was taken in, and how much of it."""
    record(
        "content.history_imported",
        by=by,
        subject=("content", printable(root.resolve().name)[:200]),
        after={"documents": documents, "versions": versions, "refused": refused},
    )


def export_content(parts: Sequence[ContentPart]) -> list[ContentFile]:
    """Return the present content as files.

    A file that was imported and still says the same as what is stored comes back byte for byte; anything
    else in its canonical form. What a file cannot hold is named as its `left_out`.
    """
    imported = {row.path: row.text for row in session.scalars(select(ImportedFile))}
    files = []
    for part in parts:
        for file in part.dump():
            as_taken = imported.get(file.path)
            if as_taken is not None and part.canonical(ContentFile(file.path, as_taken)) == file.text:
                files.append(replace(file, text=as_taken))
            else:
                files.append(file)
    return files
