"""Server-side sessions: begun at sign-in, ended at sign-out, password change and deactivation."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, update

from portal.accounts import queries, rules
from portal.accounts.models import Person, SignInSession
from portal.core import clock, touch
from portal.core.codes import new_token
from portal.core.db import session

# What is known of a browser and its network is not kept for longer.
KEPT = timedelta(days=30)
# Writing "seen" at every request would make every page a write.
SEEN_EVERY = timedelta(minutes=2)


def hash_of(token: str) -> str:
    """Return what is stored of a secret token: its SHA-256 (tokens are random, so no salt is needed)."""
    return sha256(token.encode()).hexdigest()


def address_class(address: str) -> str:
    """Return the network an address is in (/24 or /48), or an empty text; the address itself is not kept."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


def begin_session(*, person: Person, browser: str, address: str) -> str:
    """Begin a session and return its secret token, which is not stored."""
    token, now = new_token(), clock.now()
    session.add(
        SignInSession(
            token_hash=hash_of(token),
            person_id=person.id,
            created_at=now,
            seen_at=now,
            browser=browser[:200],
            address_class=address_class(address),
        )
    )
    # Whoever leaves again at once was here all the same.
    person.last_seen_at = now
    session.flush()
    return token


def find_person_of(token: str) -> Person | None:
    """Return whose live session this is: not ended, not idle or old beyond the limits, account active."""
    found = queries.find_session(hash_of(token))
    now = clock.now()
    if found is None or found.ended_at is not None or not found.person.is_active or queries.is_shut_out(found.person):
        return None
    if now - found.seen_at > rules.IDLE_LIMIT or now - found.created_at > rules.ABSOLUTE_LIMIT:
        return None
    if now - found.seen_at > SEEN_EVERY:
        found_id, person_id = found.id, found.person.id
        touch.note(lambda: _note_seen(found_id, person_id))
    found.person.has_something_urgent = found.is_urgent
    return found.person


def end_session(*, token: str) -> None:
    """End the session of the token; one that has ended or never was is left as it is."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.token_hash == hash_of(token), SignInSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def end_all_sessions(*, person: Person) -> None:
    """End every session of the person, in every browser."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.person_id == person.id, SignInSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def _note_seen(session_id: int, person_id: int) -> None:
    now = clock.now()
    session.execute(update(SignInSession).where(SignInSession.id == session_id).values(seen_at=now))
    session.execute(update(Person).where(Person.id == person_id).values(last_seen_at=now))


def end_own_session(*, person: Person, handle: str) -> bool:
    """End the one session of the person that the handle names; say whether there was one."""
    for each in queries.list_live_sessions(person):
        if each.handle == handle:
            each.ended_at = clock.now()
            return True
    return False


def end_other_sessions(*, person: Person, token: str) -> int:
    """End every live session of the person but the one of the token; return how many."""
    own, ended = hash_of(token), 0
    for each in queries.list_live_sessions(person):
        if each.token_hash != own:
            each.ended_at = clock.now()
            ended += 1
    return ended


def tidy_sessions() -> int:
    """Remove sessions that ended long ago; return how many."""
    gone = session.execute(delete(SignInSession).where(SignInSession.created_at < clock.now() - KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]
