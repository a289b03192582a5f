"""What our own records know of a file that somebody brings, and what is taken elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload, undefer

from portal.certificates.errors import NoSuchCertificate, NothingOfThisName
from portal.certificates.models import Certificate, CertificateFile
from portal.certificates.queries import find_certificate_by_code, get_certificate
from portal.certificates.rules import TAKEN_AWAY, State
from portal.core import clock
from portal.core.db import session
from portal.core.markdown import visible


@dataclass(frozen=True, slots=True)
class Record:
    """A file on record: of which certificate, what that is worth now, and whether the file is signed.

    `taken_away_on` is the day on which it was revoked or suspended, if it is.
    """

    number: str
    state: State
    is_signed: bool
    taken_away_on: date | None


def find_record_of(content: bytes) -> Record | None:
    """Return what is on record of a file with exactly these bytes, or None."""
    found = session.scalar(
        select(CertificateFile)
        .where(CertificateFile.sha256 == sha256(content).hexdigest())
        .options(
            joinedload(CertificateFile.certificate).options(
                selectinload(Certificate.facts), selectinload(Certificate.policy_supersessions)
            )
        )
    )
    if found is None:
        return None
    certificate = found.certificate
    state = certificate.state(clock.today(certificate.zone), clock.now())
    days = [
        clock.local_date(fact.at, certificate.zone)
        for fact in certificate.facts
        if state in TAKEN_AWAY and fact.kind.value == state.value
    ]
    return Record(certificate.number, state, found.kid is not None, days[-1] if days else None)


def get_by_any_name(name: str) -> Certificate:
    """Return the certificate of a printed number or of a code. Raises `NothingOfThisName`."""
    try:
        return find_certificate_by_code(name) or get_certificate(name)
    except NoSuchCertificate as unknown:
        raise NothingOfThisName(name=visible(name[:80])) from unknown


def iterate_certificates() -> Iterator[Certificate]:
    """Give every certificate, the oldest first."""
    for (number,) in session.execute(select(Certificate.number).order_by(Certificate.id)).all():
        yield get_certificate(number)


def list_files_with_content(certificate_id: int) -> list[CertificateFile]:
    """Return a certificate's files with their bytes, by language."""
    return list(
        session.scalars(
            select(CertificateFile)
            .where(CertificateFile.certificate_id == certificate_id)
            .options(undefer(CertificateFile.content))
            .order_by(CertificateFile.language)
            # What was written is not kept in memory.
            .execution_options(populate_existing=True)
        )
    )
