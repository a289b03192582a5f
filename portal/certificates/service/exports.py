"""Certificates as a folder that can be checked anywhere: files, data, public keys, and a list of hashes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from portal.certificates.errors import FolderRefused
from portal.certificates.models import Certificate
from portal.certificates.queries.records import list_files_with_content
from portal.certificates.service import is_issued_anew
from portal.certificates.service.keys import published_keys
from portal.core.db import canonical_json, session
from portal.core.i18n import LANGUAGES

KEYS_NAME = "jwks.json"
# As `sha256sum --check` reads it.
LIST_NAME = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Written:
    """How many certificates were written, and the numbers of those of which a PDF is missing.

    `given_up` are those in whose place another was issued before they were printed: they will never have one.
    """

    count: int
    without_pdf: list[str]
    given_up: list[str]


def write_certificates(certificates: Iterable[Certificate], folder: Path) -> Written:
    """Write certificates into a folder; what is there with the same bytes stays.

    Of each the PDFs that there are and its snapshot as canonical JSON, whose hash is the one on record. Files of the
    folder that belong to certificates that are not named stay listed. Raises `FolderRefused`.
    """
    count, without_pdf, given_up = 0, list[str](), list[str]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        listed = _listed(folder)
        for certificate in certificates:
            base = f"certificate-{certificate.number}"
            _write(folder, f"{base}.json", canonical_json(certificate.snapshot).encode(), listed)
            files = list_files_with_content(certificate.id)
            for file in files:
                _write(folder, f"{base}-{file.language}.pdf", file.content, listed)
            if len(files) < len(LANGUAGES):
                (given_up if is_issued_anew(certificate) else without_pdf).append(certificate.number)
            for file in files:
                session.expunge(file)
            count += 1
        _write(folder, KEYS_NAME, published_keys().encode(), listed)
        _write(folder, LIST_NAME, list_of_hashes(listed).encode(), {})
    except OSError as failure:
        raise FolderRefused(folder=str(folder), reason=failure.strerror or str(failure)) from failure
    return Written(count, without_pdf, given_up)


def list_of_hashes(listed: Mapping[str, str]) -> str:
    """Write the hashes of files, by name, as `sha256sum --check` reads them."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items()))


def _listed(folder: Path) -> dict[str, str]:
    """Return the hashes that an earlier run has listed, by file, of those that are still there."""
    try:
        lines = (folder / LIST_NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("  ") for line in lines)
    return {name: digest for digest, found, name in pairs if found and (folder / name).is_file()}


def _write(folder: Path, name: str, content: bytes, listed: dict[str, str]) -> None:
    """Write a file whole or not at all, unless it is there as it should be, and note its hash."""
    listed[name] = sha256(content).hexdigest()
    path = folder / name
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    beside = folder / f".{name}.{secrets.token_hex(8)}"
    beside.write_bytes(content)
    os.replace(beside, path)
