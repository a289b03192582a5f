"""A person changes her own names: shown at once, vouched for only once somebody else stands for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal.accounts import queries
from portal.accounts.errors import NameDecided, NotOwnNames, RefusalNeedsReason
from portal.accounts.models import NAME_FIELDS, NameChange, NameOutcome, NamesKept, Person
from portal.core import clock, mail
from portal.core.codes import new_code
from portal.core.db import session
from portal.journal.service import record

MIN_REASON = 10


def stood_for(person: Person) -> NamesKept:
    """Return the names that somebody else than the person stands for: what the organisation certifies.

    Those of the account, unless she has changed them herself and that is still open. Read in one statement, so that a
    decision that is made meanwhile shows wholly or not at all.
    """
    return NamesKept(queries.read_names_stood_for(person.id))


def lock_names(person: Person) -> None:
    """Let nobody else change or decide the person's names until the transaction ends; read them anew."""
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update(key_share=True))
    session.refresh(person, NAME_FIELDS)


def note_own_change(person: Person, before: Mapping[str, Any]) -> None:
    """Keep that the person has set her own names, under `lock_names`; the names alike, nothing is kept.

    A change that is open is replaced: what was stood for stays what it was. Back to that, nothing stays open.
    """
    after = {name: getattr(person, name) for name in NAME_FIELDS}
    known = {name: before[name] for name in NAME_FIELDS}
    if after == known:
        return
    present = queries.find_open_name_change(person.id)
    if present is not None:
        known = dict(present.before)
        _close(present, NameOutcome.REPLACED, person)
    if after != known:
        session.add(NameChange(code=new_code(), person_id=person.id, changed_at=clock.now(), before=known, after=after))
    session.flush()


def note_set(person: Person, by: Person) -> None:
    """Close what is open: somebody else has set the names, under `lock_names`."""
    present = queries.find_open_name_change(person.id)
    if present is not None:
        _close(present, NameOutcome.SET, by)


def confirm(*, change: NameChange, by: Person) -> None:
    """Stand for the names that a person has set herself. Raises `NotOwnNames`, `NameDecided`."""
    person = _open(change, by)
    _close(change, NameOutcome.CONFIRMED, by)
    told = _told(change)
    record(
        "accounts.name_confirmed",
        by=by,
        subject=("person", person.code),
        before=told["before"],
        after=told["after"],
    )
    mail.send_later("accounts.name_decided", {"code": change.code}, effect_key=f"name_decided:{change.code}")


def refuse(*, change: NameChange, reason: str, by: Person) -> None:
    """Restore the names of before; the person reads the reason.

    Raises `RefusalNeedsReason`, `NotOwnNames`, `NameDecided`.
    """
    said = reason.strip()
    if len(said) < MIN_REASON:
        raise RefusalNeedsReason(least=MIN_REASON)
    person = _open(change, by)
    for name in NAME_FIELDS:
        setattr(person, name, change.before[name])
    _close(change, NameOutcome.REFUSED, by, said)
    told = _told(change)
    record(
        "accounts.name_refused",
        by=by,
        subject=("person", person.code),
        before=told["after"],
        after=told["before"],
        reason=said,
    )
    mail.send_later("accounts.name_decided", {"code": change.code}, effect_key=f"name_decided:{change.code}")


def _open(change: NameChange, by: Person) -> Person:
    """Return whose names they are, locked, with the change as it is now."""
    person = change.person
    if person.id == by.id:
        raise NotOwnNames()
    lock_names(person)
    session.refresh(change)
    if change.decided_at is not None:
        raise NameDecided()
    return person


def _close(change: NameChange, outcome: NameOutcome, by: Person, reason: str | None = None) -> None:
    change.outcome, change.reason = outcome, reason
    change.decided_at, change.decided_by = clock.now(), by.code
    session.flush()


def _told(change: NameChange) -> dict[str, dict[str, str]]:
    """Return what differs, for the journal."""
    changed = [name for name in NAME_FIELDS if change.before[name] != change.after[name]]
    return {
        "before": {name: change.before[name] for name in changed},
        "after": {name: change.after[name] for name in changed},
    }
