"""Signing in: one answer for every failure, and a wait that grows with them.

How guessing is slowed without locking anybody out. A failure is counted under three keys: the
account from this address, the account from everywhere, and the address. Only the first and the
last stop a try, so a stranger who guesses at an account from elsewhere never stops its owner; once
the account is guessed at from everywhere, each address has one try and then waits half a minute and
longer. An address (perhaps an office) is slowed late and never for more than half a minute.

A try is counted before the password is looked at and taken back when it was right, in a
transaction of its own: fifty tries at the same moment count as fifty, and a refused request cannot
roll its own count back. Tries during a wait are refused without being counted.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, select

from portal.accounts import errors, queries, rules
from portal.accounts.models import Person, SignInBackoff
from portal.accounts.service import passwords, sessions
from portal.core import clock
from portal.core.db import insert, session

# Asking for links from one address: so many in the time after which failures are forgotten.
LINKS_PER_ADDRESS = 20


@dataclass(frozen=True, slots=True)
class Keys:
    """Under what a try is counted; made with the secret key, so that no name or address is kept."""

    here: str
    account: str
    address: str


def keys_of(name: str, address: str) -> Keys:
    """Return the keys of a try; accounts that do not exist are counted like those that do."""
    folded, network = rules.fold_sign_in_name(name), _network(address)
    return Keys(_key("here", folded, network), _key("account", folded), _key("address", network))


def note_try(*, name: str, address: str) -> None:
    """Count a try as failed until `forgive` takes it back; raises `SignInTooOften` where it must wait."""
    keys, now = keys_of(name, address), clock.now()
    rows = _locked([keys.here, keys.account, keys.address], now)
    here, account, whole = rows[keys.here], rows[keys.account], rows[keys.address]
    until = max((row.blocked_until for row in (here, whole) if row.blocked_until), default=now)
    if until > now:
        raise errors.SignInTooOften(seconds=_whole_seconds(until - now))
    for row in (here, account, whole):
        row.failures, row.last_at = row.failures + 1, now
    here.blocked_until = _later(now, rules.delay_of_account(here.failures, account.failures))
    whole.blocked_until = _later(now, rules.delay_of_address(whole.failures))


def note_link_request(*, address: str) -> None:
    """Count that somebody asked for a link from this address; raises `SignInTooOften` beyond the limit."""
    now, key = clock.now(), _key("links", _network(address))
    row = _locked([key], now)[key]
    if row.failures >= LINKS_PER_ADDRESS:
        seconds = rules.FORGOTTEN_AFTER_SECONDS - int((now - row.last_at).total_seconds())
        raise errors.SignInTooOften(seconds=max(1, seconds))
    # The time runs from the first request, so that it ends.
    row.failures, row.last_at = row.failures + 1, row.last_at if row.failures else now


def find_who(*, name: str, password: str) -> Person | None:
    """Return who signs in with this name and password; None for every failure alike, in the same time."""
    person = queries.find_person_by_sign_in_name(name)
    right = passwords.verify(person.password_hash if person else None, password)
    if person is None or not right or not person.is_active or queries.is_shut_out(person):
        return None
    return person


def sign_in(*, person: Person, password: str, browser: str, address: str) -> str | None:
    """Begin a session for somebody whose password was found right, and take back the count of the try.

    Returns the session's token; None where the account was closed or its password changed in between.
    """
    if not person.is_active or person.password_hash is None:
        return None
    if passwords.needs_rehash(person.password_hash):
        person.password_hash = passwords.hashed(password)
    forgive(name=person.sign_in_name, address=address)
    return sessions.begin_session(person=person, browser=browser, address=address)


def forgive(*, name: str, address: str) -> None:
    """Take back what `note_try` counted: the account from here begins anew, the others lose this one try."""
    keys, now = keys_of(name, address), clock.now()
    rows = _locked([keys.account, keys.address], now)
    for row in rows.values():
        row.failures = max(0, row.failures - 1)
    rows[keys.address].blocked_until = None
    session.execute(delete(SignInBackoff).where(SignInBackoff.key == keys.here))


def tidy_backoffs() -> int:
    """Forget the counts that no longer matter; return how many."""
    before = clock.now() - timedelta(seconds=rules.FORGOTTEN_AFTER_SECONDS)
    gone = session.execute(delete(SignInBackoff).where(SignInBackoff.last_at < before))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _locked(keys: list[str], now: datetime) -> dict[str, SignInBackoff]:
    """Return the rows under the keys, made where missing, locked, with what is too old forgotten."""
    for key in sorted(keys):
        fresh = insert(SignInBackoff).values(key=key, failures=0, last_at=now)
        session.execute(fresh.on_conflict_do_nothing(index_elements=["key"]))
    rows = session.scalars(
        select(SignInBackoff)
        .where(SignInBackoff.key.in_(keys))
        .order_by(SignInBackoff.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row.key: row for row in rows}
    for row in found.values():
        if now - row.last_at > timedelta(seconds=rules.FORGOTTEN_AFTER_SECONDS):
            row.failures, row.blocked_until = 0, None
    return found


def _later(now: datetime, seconds: int) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds else None


def _whole_seconds(span: timedelta) -> int:
    return max(1, -(-int(span.total_seconds() * 1000) // 1000))


def _network(address: str) -> str:
    """Return the address, for IPv6 the /64 that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


def _key(*parts: str) -> str:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return f"{parts[0]}:{hmac.new(secret, chr(0).join(parts).encode(), 'sha256').hexdigest()}"
