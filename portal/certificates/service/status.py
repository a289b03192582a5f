"""The place of each certificate's badge in the published lists of what was revoked or suspended."""

from __future__ import annotations

import secrets

from portal.certificates.models import Certificate, StatusEntry
from portal.certificates.queries import status as queries
from portal.certificates.rules.status import LIST_SIZE, MAX_FILLED
from portal.core.db import session

# How many certificates from before get a place at a time.
AT_ONCE = 500


def allot_entry(certificate: Certificate) -> StatusEntry:
    """Give a certificate a free place in the newest list, or in a new one where that is half full.

    Drawn at random: who knows one place learns nothing of its neighbours.
    """
    list_no, filled = queries.newest_list()
    if filled >= MAX_FILLED:
        list_no += 1
    position = secrets.randbelow(LIST_SIZE)
    while queries.is_taken(list_no, position):
        position = secrets.randbelow(LIST_SIZE)
    entry = StatusEntry(certificate_id=certificate.id, list_no=list_no, position=position)
    session.add(entry)
    session.flush()
    return entry


def allot_missing() -> int:
    """Give places to certificates that were issued before there were any; return to how many."""
    found = queries.list_without_entry(limit=AT_ONCE)
    for certificate in found:
        allot_entry(certificate)
    return len(found)
