"""A revocation for which both people stand at once, without one waiting for the other."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.certificates import queries, service
from portal.certificates.errors import HolderRevokes
from portal.certificates.models import Certificate
from portal.core import clock


def revoke_by_two(*, certificate: Certificate, by: Person, confirmed_by: Person, reason: str) -> None:
    """Revoke a certificate for good, and close what was asked about it.

    Raises `HolderRevokes` where one of the two is its holder, and what `service.revoke` raises.
    """
    if certificate.person_id in (by.id, confirmed_by.id):
        raise HolderRevokes()
    service.revoke(certificate=certificate, requested_by=by, confirmed_by=confirmed_by, reason=reason)
    asked = queries.find_open_request(certificate.id)
    if asked is not None:
        asked.closed_at, asked.closed_by = clock.now(), confirmed_by.code
