"""Badges, made and signed at the moment they are asked for, and status lists, signed whenever something has changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app

from portal.certificates.errors import BadgeNotReady, NoKeyYet, NoSuchList
from portal.certificates.formats import badge
from portal.certificates.models import Certificate, KeyPurpose
from portal.certificates.queries import status as queries
from portal.certificates.queries.keys import find_active_key, list_public_keys
from portal.certificates.rules.status import StatusPurpose, set_bits
from portal.certificates.service.keys import load_key
from portal.core import clock
from portal.core.db import canonical_json
from portal.organisation import queries as organisation

# A list is signed anew after so long though nothing has changed: it says since when it holds, and for a day.
KEPT_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A signed list, what was so when it was made, and when that was."""

    token: str
    known: tuple[object, ...]
    at: datetime


_lock = threading.Lock()
# By address of the portal, number and purpose: no more than there are lists, of up to 22 KB each.
_lists: dict[tuple[str, int, StatusPurpose], _Kept] = {}


def badge_of(certificate: Certificate, language: str) -> str:
    """Return a certificate as a signed badge. Raises `BadgeNotReady`, `NoKeyYet`, `KeyMissing`."""
    entry = queries.find_entry(certificate.id)
    if entry is None:
        raise BadgeNotReady()
    payload = badge.badge(
        certificate.snapshot,
        language,
        public_url=current_app.config["PUBLIC_URL"],
        list_no=entry.list_no,
        position=entry.position,
    )
    return badge.sign_credential(payload, load_key(KeyPurpose.ISSUE))


def did_document() -> str:
    """Return by which keys the issuer of badges is known."""
    return canonical_json(badge.did_document(current_app.config["PUBLIC_URL"], list_public_keys()))


def profile(language: str) -> str:
    """Return who the issuer is, as badges name it."""
    said = badge.profile(current_app.config["PUBLIC_URL"], organisation.name().in_(language))
    return canonical_json({"@context": list(badge.CONTEXTS), **said})


def status_list(list_no: int, purpose: str) -> str:
    """Return a signed list of what was revoked or suspended. Raises `NoSuchList`, `NoKeyYet`, `KeyMissing`.

    Whatever is committed is in it at the next look, in every process: a list that is kept is handed out only while the
    newest fact, the places and the key are those with which it was made.
    """
    newest, filled = queries.newest_list()
    if not 1 <= list_no <= newest or purpose not in list(StatusPurpose):
        raise NoSuchList()
    active = find_active_key(KeyPurpose.ISSUE)
    if active is None:
        raise NoKeyYet()
    wanted, now = StatusPurpose(purpose), clock.now()
    public_url = current_app.config["PUBLIC_URL"]
    # Read before the facts: what comes in between is in the list, and it is made once more than needed.
    known = (newest, filled, *queries.newest_fact(), active.kid)
    address = (public_url, list_no, wanted)
    # One at a time makes it; whoever asks at the same moment waits for that one.
    with _lock:
        kept = _lists.get(address)
        if kept is None or kept.known != known or not timedelta(0) <= now - kept.at < KEPT_FOR:
            payload = badge.status_list(
                set_bits(queries.facts_of_list(list_no), wanted),
                public_url=public_url,
                list_no=list_no,
                purpose=wanted,
                now=now,
            )
            kept = _lists[address] = _Kept(badge.sign_credential(payload, load_key(KeyPurpose.ISSUE)), known, now)
        return kept.token


def forget_lists() -> None:
    """Forget the lists that are kept, as in a process that has just begun."""
    with _lock:
        _lists.clear()
