"""Who answers for what: set anew, never edited; the kinds of things are registered by their domains."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from portal.accounts import errors, queries
from portal.accounts.events import OwnerChanged
from portal.accounts.models import Ownership, Person
from portal.accounts.service.people import Obstacle
from portal.core import clock
from portal.core.access import Permission
from portal.core.db import session
from portal.core.events import publish
from portal.core.i18n import LazyText, ngettext
from portal.journal.service import record


@dataclass(frozen=True, slots=True)
class OwnedThing:
    """A thing as the owner's page shows it; one that is not live any more needs no owner."""

    title: str
    href: str | None
    is_live: bool = True
    # What opening its page needs; who may not is told the title alone.
    needs: Permission | None = None


class OwnedThings(Protocol):
    """A kind of thing that people answer for; registered in `wiring.py` by the domain that has it."""

    kind: str
    name: LazyText

    def find_things(self, codes: Collection[str]) -> Mapping[str, OwnedThing]:
        """Return those of the codes that exist."""

    def list_live_codes(self) -> Collection[str]:
        """Return the codes of everything of the kind that needs an owner."""


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """One line of a person's belongings."""

    ownership: Ownership
    kind_name: LazyText
    thing: OwnedThing


_kinds: dict[str, OwnedThings] = {}


def register_kind(things: OwnedThings) -> None:
    """Make a kind of thing known."""
    _kinds[things.kind] = things


def kinds() -> dict[str, OwnedThings]:
    """Return the registered kinds by name."""
    return dict(_kinds)


def set_owner(*, kind: str, code: str, owner: Person, deputy: Person | None = None, by: Person | None) -> Ownership:
    """Say who answers for a thing from now on, and who stands in; saying the same again changes nothing."""
    if not owner.is_active or (deputy is not None and (deputy.id == owner.id or not deputy.is_active)):
        raise errors.OwnershipUnchanged()
    present = queries.find_owner(kind, code)
    deputy_id = deputy.id if deputy else None
    if present is not None and (present.owner_id, present.deputy_id) == (owner.id, deputy_id):
        return present
    row = Ownership(
        kind=kind,
        thing_code=code,
        owner=owner,
        deputy=deputy,
        since=clock.now(),
        set_by=by.code if by else "system",
    )
    session.add(row)
    session.flush()
    record(
        "accounts.owner_set",
        by=by,
        subject=(kind, code),
        before={"owner": present.owner.code, "deputy": present.deputy.code if present.deputy else None}
        if present
        else None,
        after={"owner": owner.code, "deputy": deputy.code if deputy else None},
    )
    publish(OwnerChanged(kind=kind, code=code, owner_id=owner.id, deputy_id=deputy_id))
    return row


def list_belongings(person: Person, *, as_deputy: bool = False) -> list[OwnedRow]:
    """Return what the person answers for (or stands in for), with titles, one query a kind."""
    rows = queries.list_owned(person, as_deputy=as_deputy)
    found: dict[str, Mapping[str, OwnedThing]] = {}
    for kind in {row.kind for row in rows} & set(_kinds):
        found[kind] = _kinds[kind].find_things([row.thing_code for row in rows if row.kind == kind])
    shown = []
    for row in rows:
        # A kind that nobody has registered is shown by its code rather than not at all.
        thing = found.get(row.kind, {}).get(row.thing_code) if row.kind in _kinds else OwnedThing(row.thing_code, None)
        if thing is not None:
            shown.append(OwnedRow(row, _kinds[row.kind].name if row.kind in _kinds else row.kind, thing))
    return shown


def pass_on(*, person: Person, to: Person, by: Person) -> int:
    """Make somebody else the owner of everything live that the person answers for; return how many things."""
    if to.id == person.id or not to.is_active:
        raise errors.OwnershipUnchanged()
    passed = 0
    for row in list_belongings(person):
        if row.thing.is_live:
            deputy = row.ownership.deputy
            keep = deputy if deputy is not None and deputy.id != to.id and deputy.is_active else None
            set_owner(kind=row.ownership.kind, code=row.ownership.thing_code, owner=to, deputy=keep, by=by)
            passed += 1
    return passed


def owners_stay(person: Person) -> list[Obstacle]:
    """Return the obstacle that the person still answers for something live (a `DeactivationGuard`)."""
    live = [row for row in list_belongings(person) if row.thing.is_live]
    if not live:
        return []
    titles = ", ".join(row.thing.title for row in live[:5])
    more = " …" if len(live) > 5 else ""
    return [
        Obstacle(
            ngettext(
                "%(num)d thing needs another owner first: %(titles)s",
                "%(num)d things need another owner first: %(titles)s",
                len(live),
                titles=f"{titles}{more}",
            )
        )
    ]
