"""What of a PDF can be proved with published keys alone: nothing is looked up, nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from portal.certificates.formats.statement import FILE_NAME, read_statement
from portal.core import pdf_signatures
from portal.core.pdf_signatures import Fault
from portal.core.signatures import NotSigned, PublicKey

MAX_FILE_BYTES = 64 * 1024 * 1024


class Finding(StrEnum):
    """The first reason for which a file does not count; the order is that of the checks."""

    TOO_LARGE = "too_large"
    NOT_A_PDF = "not_a_pdf"
    NOT_SIGNED = "not_signed"
    SEVERAL_SIGNATURES = "several_signatures"
    NOT_ALL_SIGNED = "not_all_signed"
    SPELLING = "spelling"
    UNKNOWN_KEY = "unknown_key"
    CHANGED = "changed"
    RETIRED_KEY = "retired_key"
    NOT_CONFIRMED = "not_confirmed"
    NO_STATEMENT = "no_statement"
    UNKNOWN_ISSUE_KEY = "unknown_issue_key"
    FORGED_STATEMENT = "forged_statement"


_OF_FAULT = {
    Fault.NONE: Finding.NOT_SIGNED,
    Fault.SEVERAL: Finding.SEVERAL_SIGNATURES,
    Fault.OUTSIDE: Finding.NOT_ALL_SIGNED,
    Fault.SPELLING: Finding.SPELLING,
    Fault.UNKNOWN_KEY: Finding.UNKNOWN_KEY,
    Fault.CHANGED: Finding.CHANGED,
}
_OF_STATEMENT = {
    "form": Finding.FORGED_STATEMENT,
    "key": Finding.UNKNOWN_ISSUE_KEY,
    "signature": Finding.FORGED_STATEMENT,
}


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found: the first fault, or by which keys and when the file was signed, and what it certifies."""

    finding: Finding | None
    snapshot: dict[str, Any] | None = None
    document_key: PublicKey | None = None
    issue_key: PublicKey | None = None
    signed_at: datetime | None = None


def verify_file(content: bytes, keys: Sequence[PublicKey]) -> Verified:
    """Say whether every byte of the file is what the keys have signed, and whether its data is signed as well."""
    if len(content) > MAX_FILE_BYTES:
        return Verified(Finding.TOO_LARGE)
    if not content.startswith(b"%PDF-"):
        return Verified(Finding.NOT_A_PDF)
    examined = pdf_signatures.examine(content, keys)
    if examined.fault is not None:
        return Verified(_OF_FAULT[examined.fault])
    document_key, signed_at = examined.key, examined.signed_at
    assert document_key is not None
    if signed_at is None:
        return Verified(Finding.NOT_SIGNED)
    if _is_after_retirement(document_key, signed_at):
        return Verified(Finding.RETIRED_KEY)
    if not pdf_signatures.is_confirmed(content, document_key, signed_at):
        return Verified(Finding.NOT_CONFIRMED)
    attached = pdf_signatures.attachment_of(content, FILE_NAME)
    if attached is None:
        return Verified(Finding.NO_STATEMENT)
    try:
        snapshot, issue_key = read_statement(attached, keys)
    except NotSigned as failure:
        return Verified(_OF_STATEMENT[failure.why])
    if _is_after_retirement(issue_key, signed_at):
        return Verified(Finding.RETIRED_KEY)
    return Verified(None, snapshot, document_key, issue_key, signed_at)


def _is_after_retirement(key: PublicKey, at: datetime) -> bool:
    return key.retired_at is not None and at > key.retired_at
