"""The PDF of a certificate as it is handed out: printed, with the signed data within it, signed as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from portal.certificates.formats.sheet import make_sheet
from portal.certificates.formats.statement import FILE_NAME, write_statement
from portal.core import pdf, pdf_signatures
from portal.core.i18n import force_locale
from portal.core.i18n import gettext as _
from portal.core.pdf import Attached, Rendered
from portal.core.signatures import PrivateKey


@dataclass(frozen=True, slots=True)
class SignedFile:
    """The bytes, what they were before the signature, and what made them."""

    content: bytes
    unsigned_sha256: str
    kid: str
    document_kid: str
    signed_at: datetime
    renderer: str
    fonts: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the file as it is handed out."""
        return sha256(self.content).hexdigest()


def print_unsigned(
    snapshot: Mapping[str, Any], language: str, *, issue_key: PrivateKey, images: Mapping[str, bytes] | None = None
) -> Rendered:
    """Return the PDF of a snapshot with its signed data, not yet signed as a whole; equal input gives equal bytes.

    `images` has the pictures of its template by their SHA-256. Raises the refusals of `portal.core.pdf`.
    """
    sheet = make_sheet(snapshot, language, images)
    with force_locale(language):
        description = _("The data of this certificate, signed by its issuer")
    return pdf.render(
        sheet.html,
        stylesheets=sheet.stylesheets,
        assets=sheet.assets,
        fonts=sheet.fonts,
        identifier=sheet.identifier,
        title=sheet.title,
        language=sheet.language,
        keywords=(snapshot["number"], snapshot["code"]),
        attached=[
            Attached(
                FILE_NAME,
                write_statement(snapshot, issue_key),
                description,
                datetime.fromisoformat(snapshot["issued_at"]),
            )
        ],
    )


def print_signed(
    snapshot: Mapping[str, Any],
    language: str,
    *,
    issue_key: PrivateKey,
    document_key: PrivateKey,
    at: datetime,
    images: Mapping[str, bytes] | None = None,
) -> SignedFile:
    """Return the PDF of a snapshot, signed at an instant. Raises the refusals of `portal.core.pdf`."""
    rendered = print_unsigned(snapshot, language, issue_key=issue_key, images=images)
    # A PDF tells no fractions of a second.
    signed_at = at.replace(microsecond=0)
    return SignedFile(
        content=pdf_signatures.sign(rendered.content, document_key, at=signed_at),
        unsigned_sha256=sha256(rendered.content).hexdigest(),
        kid=issue_key.public.kid,
        document_kid=document_key.public.kid,
        signed_at=signed_at,
        renderer=rendered.renderer,
        fonts=rendered.fonts,
    )
