"""Looks at the addresses under which certificates are shown."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select

from portal.certificates.errors import NoSuchShare
from portal.certificates.models import Certificate, CertificateShare
from portal.certificates.queries import WITH_LAST_ISSUE
from portal.core.db import session


def list_open(certificate_id: int) -> list[CertificateShare]:
    """Return the addresses of a certificate that still work, the newest first."""
    return list(
        session.scalars(
            select(CertificateShare)
            .where(CertificateShare.certificate_id == certificate_id, CertificateShare.withdrawn_at.is_(None))
            .order_by(CertificateShare.id.desc())
        )
    )


def get_share(certificate: Certificate, code: str) -> CertificateShare:
    """Return an address of the certificate by its code, withdrawn or not. Raises `NoSuchShare`."""
    found = session.scalar(
        select(CertificateShare).where(
            CertificateShare.certificate_id == certificate.id, CertificateShare.code == code[:20]
        )
    )
    if found is None:
        raise NoSuchShare()
    return found


_BY_TOKEN = WITH_LAST_ISSUE.where(
    exists().where(
        CertificateShare.certificate_id == Certificate.id,
        CertificateShare.token_hash == bindparam("token_hash"),
        CertificateShare.withdrawn_at.is_(None),
    )
)


def find_open(token_hash: str) -> tuple[Certificate, Certificate | None] | None:
    """Return the certificate that an address shows which still works, as its public page does, or None.

    With it comes, of one that was issued anew, the last issue for the same completion; all of it in one statement.
    """
    row = session.execute(_BY_TOKEN, {"token_hash": token_hash}).unique().one_or_none()
    return (row[0], row[1]) if row is not None else None
