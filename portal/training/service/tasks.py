"""Handing in what a task asks for: a text, a link, a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from defusedxml import ElementTree as DefusedElementTree
from defusedxml.common import DefusedXmlException

from portal.accounts.models import Person
from portal.core import clock
from portal.core.archives import ArchiveRefused, Why, open_archive
from portal.core.db import session
from portal.core.i18n import LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.texts import forbidden
from portal.journal.service import record
from portal.training import queries
from portal.training.errors import (
    EvidenceMissing,
    EvidenceNotAsked,
    EvidenceTooLong,
    FileEmpty,
    FileHasMacros,
    FileKindRefused,
    FileTooLarge,
    FileUnpacksTooLarge,
    LinkRefused,
    NotToBeHandedIn,
)
from portal.training.models import Enrollment, PlanStep, TaskEvidence
from portal.training.queries import step_results
from portal.training.rules import EVIDENCE_LIMIT, LINK_LIMIT, Doer, EvidenceKind, StepState
from portal.training.service.enrollments import Evidence, complete_step, lock, tell_who_signs_off
from portal.training.service.sign_offs import note_asked_again

MAX_FILE_MB = 5
MAX_FILE_BYTES = MAX_FILE_MB * 1024 * 1024
# Ending -> type under which it is sent, and how its bytes begin. Office files are archives: see `_check_office_file`.
_ARCHIVE = (b"PK\x03\x04",)
_KINDS: Mapping[str, tuple[str, tuple[bytes, ...]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _ARCHIVE),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _ARCHIVE),
}
# Ending of an office file -> of which type its main part is; what carries macros is of another one.
_MAIN_PARTS: Mapping[str, str] = {ending: f"{_KINDS[ending][0]}.main+xml" for ending in (".docx", ".xlsx")}
_LIST_OF_PARTS = "[Content_Types].xml"
_MAX_LIST_BYTES = 1024 * 1024
_OVERRIDE = "{http://schemas.openxmlformats.org/package/2006/content-types}Override"
# How the types and the names of parts that carry macros are written, in small letters.
_MACROS = ("macroenabled", "macrosheet", "vbaproject")
_TEXTS = {".txt": "text/plain", ".csv": "text/csv"}
# How texts are written where our people write them.
_ENCODINGS = ("utf-8-sig", "cp932", "utf-16")
ENDINGS = (*_KINDS, *_TEXTS)
EVIDENCE_NAMES: Mapping[EvidenceKind, LazyText] = {
    EvidenceKind.TEXT: _l("a text"),
    EvidenceKind.LINK: _l("a link"),
    EvidenceKind.FILE: _l("a file"),
}
_NAME_LIMIT = 120
# Signs that mean something to a file system or to a header.
_NOT_IN_NAMES = frozenset('\\/:*?"<>|%')


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent: what it is called, and its bytes."""

    name: str
    data: bytes


def kinds_in_words(step: PlanStep) -> str:
    """Return what can be handed in for the task, in the reader's language."""
    return ("、" if language() == "ja" else ", ").join(str(EVIDENCE_NAMES[kind]) for kind in step.evidence)


def hand_in(
    *, enrollment: Enrollment, step: PlanStep, by: Person, said: str = "", link: str = "", file: SentFile | None = None
) -> TaskEvidence:
    """Hand in evidence for a task; what was handed in before stays beside it.

    Where the learner completes the task herself, it is done with this; otherwise it waits for who accepts it. Raises
    `EvidenceMissing`, `EvidenceNotAsked`, `EvidenceTooLong`, `LinkRefused`, `NotToBeHandedIn`, and what
    `checked_file` raises.
    """
    text, address = said.strip(), link.strip()
    given = {
        kind
        for kind, value in ((EvidenceKind.TEXT, text), (EvidenceKind.LINK, address), (EvidenceKind.FILE, file))
        if value
    }
    if given - set(step.evidence):
        raise EvidenceNotAsked(kinds=kinds_in_words(step))
    if not given:
        raise EvidenceMissing(kinds=kinds_in_words(step))
    if len(text) > EVIDENCE_LIMIT:
        raise EvidenceTooLong(length=len(text), limit=EVIDENCE_LIMIT)
    if address:
        checked_link(address)
    name, media_type = checked_file(file) if file is not None else (None, None)
    lock(enrollment)
    if not enrollment.is_open or queries.state_of(enrollment, step, own=True) not in (
        StepState.OPEN,
        StepState.WAITING,
    ):
        raise NotToBeHandedIn()
    now = clock.now()
    row = TaskEvidence(
        enrollment_id=enrollment.id,
        step_id=step.id,
        number=len(step_results.list_evidence(enrollment, step)) + 1,
        at=now,
        said=text,
        link=address,
        file_name=name,
        media_type=media_type,
        size=len(file.data) if file is not None else None,
        sha256=sha256(file.data).hexdigest() if file is not None else None,
        data=file.data if file is not None else None,
    )
    session.add(row)
    session.flush()
    record(
        "training.evidence_handed_in",
        by=by,
        subject=("enrollment", enrollment.code),
        after={"step": step.slug, "person": enrollment.person.code, "number": row.number},
    )
    if step.by is Doer.LEARNER:
        complete_step(enrollment=enrollment, step=step, at=now, evidence=Evidence())
    else:
        note_asked_again(enrollment=enrollment, step=step, by=by)
        tell_who_signs_off(enrollment, step)
    return row


def checked_link(address: str) -> str:
    """Return a link that begins with https and names a host. Nobody fetches it. Raises `LinkRefused`."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        parts.port  # noqa: B018  # raises for what is no port
    except ValueError:
        raise LinkRefused() from None
    is_whole = parts.scheme == "https" and bool(host) and parts.username is None and parts.password is None
    if not is_whole or len(address) > LINK_LIMIT or forbidden(address) or any(each.isspace() for each in address):
        raise LinkRefused()
    return address


def checked_file(file: SentFile) -> tuple[str, str]:
    """Return the name under which a file is kept and the type under which it is sent.

    Both follow from what its bytes are. Raises `FileTooLarge`, `FileEmpty`, `FileKindRefused`, `FileHasMacros`,
    `FileUnpacksTooLarge`.
    """
    name = _safe_name(file.name)
    if len(file.data) > MAX_FILE_BYTES:
        raise FileTooLarge(most=MAX_FILE_MB)
    if not file.data:
        raise FileEmpty()
    ending = PurePosixPath(name).suffix.lower()
    if ending in _KINDS and file.data.startswith(_KINDS[ending][1]):
        if ending in _MAIN_PARTS:
            _check_office_file(name, ending, file.data)
        return name, _KINDS[ending][0]
    if ending in _TEXTS and _is_text(file.data):
        return name, _TEXTS[ending]
    raise FileKindRefused(name=name)


def _check_office_file(name: str, ending: str, data: bytes) -> None:
    """Refuse what only looks like an office file, carries macros, or is far larger inside than it seems.

    Only the list of its parts is read, and one part is looked for: the main part of its kind, whatever it is called.
    Raises `FileKindRefused`, `FileHasMacros`, `FileUnpacksTooLarge`.
    """
    try:
        archive = open_archive(data)
        listed = DefusedElementTree.fromstring(archive.read(_LIST_OF_PARTS, most=_MAX_LIST_BYTES), forbid_dtd=True)
    except ArchiveRefused as refused:
        if refused.why in (Why.TOO_LARGE, Why.TOO_MANY):
            raise FileUnpacksTooLarge(name=name) from refused
        raise FileKindRefused(name=name) from refused
    except (KeyError, ParseError, DefusedXmlException, ValueError, LookupError) as failure:
        raise FileKindRefused(name=name) from failure
    types = [each.get("ContentType", "") for each in listed]
    if any(sign in each.lower() for each in (*archive.entries, *types) for sign in _MACROS):
        raise FileHasMacros(name=name)
    parts = {
        each.get("PartName", "").lstrip("/")
        for each in listed.iter(_OVERRIDE)
        if each.get("ContentType") == _MAIN_PARTS[ending]
    }
    if parts.isdisjoint(archive.entries):
        raise FileKindRefused(name=name)


def _safe_name(name: str) -> str:
    """Return the last part of a file's name without what means something elsewhere, its ending kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    bad = forbidden(last) | _NOT_IN_NAMES
    kept = "".join("_" if each in bad else each for each in last).strip(" .") or "file"
    stem, dot, ending = kept.rpartition(".")
    if not dot:
        return kept[:_NAME_LIMIT]
    return f"{stem[: _NAME_LIMIT - len(ending) - 1] or 'file'}.{ending}" if len(ending) < 10 else kept[:_NAME_LIMIT]


def _is_text(data: bytes) -> bool:
    for encoding in _ENCODINGS:
        if encoding == "utf-16" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return True
    return False
