"""Looks at who asks for a new certificate because of a new name."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.certificates.models import Certificate, ReissueRequest
from portal.core.db import session


def find_open(certificate_id: int) -> ReissueRequest | None:
    """Return the request that waits for an administrator, or None."""
    return session.scalar(
        select(ReissueRequest)
        .where(ReissueRequest.certificate_id == certificate_id, ReissueRequest.closed_at.is_(None))
        .options(joinedload(ReissueRequest.requested_by))
    )


def list_open() -> list[tuple[Certificate, Person]]:
    """Return the certificates for which a new one is asked, each with its holder; the longest wait first."""
    rows = session.execute(
        select(Certificate, Person)
        .join(ReissueRequest, ReissueRequest.certificate_id == Certificate.id)
        .join(Person, Person.id == Certificate.person_id)
        .where(ReissueRequest.closed_at.is_(None))
        .order_by(ReissueRequest.id)
    )
    return [(row[0], row[1]) for row in rows]
