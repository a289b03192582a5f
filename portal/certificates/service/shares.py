"""Addresses under which a certificate can be shown to somebody, and which its holder can withdraw."""

from __future__ import annotations

from hashlib import sha256

from portal.accounts.models import Person
from portal.certificates.errors import NoSuchShare, TooManyShares
from portal.certificates.models import Certificate, CertificateShare
from portal.certificates.queries import shares
from portal.core import clock
from portal.core.codes import new_code, new_token
from portal.core.db import session
from portal.journal.service import record

# So many may be open at once.
MOST = 10
LABEL_LIMIT = 120


def share(*, certificate: Certificate, label: str, by: Person) -> str:
    """Make a secret address under which the certificate is shown, and return its token: it is told once.

    Raises `TooManyShares`.
    """
    if len(shares.list_open(certificate.id)) >= MOST:
        raise TooManyShares(limit=MOST)
    token = new_token()
    made = CertificateShare(
        code=new_code(),
        certificate_id=certificate.id,
        label=label.strip()[:LABEL_LIMIT],
        token_hash=hash_of(token),
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    record("certificates.shared", by=by, subject=("certificate", certificate.number), after={"link": made.code})
    return token


def withdraw(*, found: CertificateShare, by: Person) -> None:
    """Let an address stop working; one that does no more has been withdrawn already."""
    if found.withdrawn_at is not None:
        return
    found.withdrawn_at = clock.now()
    session.flush()
    record(
        "certificates.share_withdrawn",
        by=by,
        subject=("certificate", found.certificate.number),
        after={"link": found.code},
    )


def open_share(token: str) -> tuple[Certificate, Certificate | None]:
    """Return the certificate that a token shows, and of one that was issued anew the last issue for its completion.

    Raises `NoSuchShare` where the token is unknown or was withdrawn.
    """
    found = shares.find_open(hash_of(token))
    if found is None:
        raise NoSuchShare()
    return found


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return sha256(token[:400].encode("utf-8", "surrogatepass")).hexdigest()
