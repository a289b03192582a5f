"""Who answers for what: everything that needs an owner, within somebody's reach, and naming others in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person
from portal.accounts.service import ownership
from portal.accounts.service.owner_needs import refuse_lacking
from portal.accounts.service.ownership import set_owner
from portal.core.i18n import gettext as _
from portal.core.mail import send_later
from portal.duties.errors import (
    DeputyAudits,
    DeputyIsOwner,
    DeputyMissing,
    NoSuchThing,
    NothingChanged,
    OnlyTheDeputy,
    OwnerChangedMeanwhile,
    OwnerMissing,
)
from portal.duties.permissions import Answered, lies_within, may_read_card, only_audits, reach_over_things
from portal.duties.queries.cards import CARD_KIND
from portal.organisation.models import Team

# What falls due within so many days is near.
NEAR = timedelta(days=30)


def list_all() -> list[Answered]:
    """Return everything of every kind that needs an owner, with who answers for it: some statements for each kind."""
    named: dict[str, dict[str, Ownership]] = defaultdict(dict)
    for row in accounts.list_current_owners():
        named[row.kind][row.thing_code] = row
    found = []
    for kind, things in ownership.kinds().items():
        codes = set(things.list_live_codes())
        shown = things.find_things(codes) if codes else {}
        found += [
            Answered(kind, things.name, code, shown[code], named[kind].get(code))
            for code in sorted(codes)
            if code in shown and shown[code].is_live
        ]
    return found


def as_seen(person: Person, each: Answered) -> Answered:
    """Return the thing as the person may know it: what a card is about is told to those alone who may read it."""
    if each.kind != CARD_KIND or may_read_card(person, each):
        return each
    return replace(each, thing=replace(each.thing, title=_("A card that this account may not read"), href=None))


def list_within(person: Person) -> list[Answered]:
    """Return everything that needs an owner and lies within the person's reach, or that she answers for herself."""
    reach = reach_over_things(person)
    return [as_seen(person, each) for each in list_all() if lies_within(reach, each) or answers(person, each)]


def list_of_people(people: Collection[Person]) -> list[Answered]:
    """Return everything that needs an owner and of which one of these people is owner or deputy."""
    ids = {each.id for each in people}
    named: dict[str, dict[str, Ownership]] = defaultdict(dict)
    for row in accounts.list_current_owners():
        if {row.owner_id, row.deputy_id} & ids:
            named[row.kind][row.thing_code] = row
    found = []
    for kind, things in ownership.kinds().items():
        rows = named.get(kind)
        shown = things.find_things(rows.keys()) if rows else {}
        found += [
            Answered(kind, things.name, code, shown[code], row)
            for code, row in sorted((rows or {}).items())
            if code in shown and shown[code].is_live
        ]
    return found


def answers(person: Person, each: Answered) -> bool:
    """Say whether the person is owner or deputy of the thing."""
    found = each.ownership
    return found is not None and person.id in (found.owner_id, found.deputy_id)


def get_thing(kind: str, code: str) -> Answered:
    """Return a thing that needs an owner. Raises `NoSuchThing`."""
    things = ownership.kinds().get(kind)
    shown = things.find_things([code]).get(code) if things is not None else None
    if things is None or shown is None or not shown.is_live:
        raise NoSuchThing()
    return Answered(kind, things.name, code, shown, accounts.find_owner(kind, code))


def lacks_owner(each: Answered) -> bool:
    """Say whether nobody with an active account answers for the thing."""
    return each.owner is None


def orphans_accepted(found: Sequence[Answered]) -> Mapping[tuple[str, str], Sequence[Person]]:
    """Return kind and code of those of the things that have no owner by agreement → who accepted that by name."""
    left = {each.ownership.owner_id for each in found if each.ownership is not None and lacks_owner(each)}
    return ownership.accepting(left)


def lacks_deputy(each: Answered) -> bool:
    """Say whether fewer than two people with active accounts are named for the thing, on paper."""
    return each.owner is None or each.deputy is None


def is_near(each: Answered, today: date) -> bool:
    """Say whether something of the thing falls due within 30 days, or is overdue."""
    return each.thing.due_on is not None and each.thing.due_on <= today + NEAR


def by_need(found: Sequence[Answered]) -> list[Answered]:
    """Return the things in the order in which they need somebody: without an owner, then by what falls due first."""
    far = date.max
    return sorted(
        found,
        key=lambda each: (not lacks_owner(each), each.thing.due_on or far, str(each.kind_name), each.thing.title),
    )


def name_owners(
    *,
    thing: Answered,
    owner: Person | None,
    deputy: Person | None,
    team: Team | None,
    seen: int,
    by: Person,
    deputy_only: bool,
) -> Ownership:
    """Name who answers for a thing from now on, who stands in, and to which team it falls when neither is there.

    `seen` is the row that the person read, 0 for none. With `deputy_only` another owner or team is refused. Raises
    `OwnerMissing`, `DeputyMissing`, `DeputyIsOwner`, `OnlyTheDeputy`, `OwnerChangedMeanwhile`, `NothingChanged`,
    `OwnerUnfit`, `DeputyAudits`.
    """
    present = accounts.find_owner(thing.kind, thing.code)
    if (present.id if present else 0) != seen:
        raise OwnerChangedMeanwhile()
    if owner is None or not owner.is_active:
        raise OwnerMissing()
    if deputy is not None and not deputy.is_active:
        raise DeputyMissing()
    if deputy is not None and deputy.id == owner.id:
        raise DeputyIsOwner()
    team_id = team.id if team else None
    if deputy_only and (present is None or (present.owner_id, present.team_id) != (owner.id, team_id)):
        raise OnlyTheDeputy()
    names = (owner.id, deputy.id if deputy else None, team_id)
    if present is not None and (present.owner_id, present.deputy_id, present.team_id) == names:
        raise NothingChanged()
    if present is None or present.owner_id != owner.id:
        refuse_lacking(owner, [(thing.kind, thing.code)])
    if deputy is not None and only_audits(deputy) and (present is None or present.deputy_id != deputy.id):
        raise DeputyAudits(name=deputy.names)
    row = set_owner(kind=thing.kind, code=thing.code, owner=owner, deputy=deputy, team=team, by=by)
    tell_of(row, present, by)
    return row


def tell_of(row: Ownership, before: Ownership | None, by: Person) -> None:
    """Owe a mail to whoever answers for a thing now, stands in now, or did answer for it; not to who has said so."""
    told: dict[str, str] = {}
    if before is None or before.owner_id != row.owner_id:
        told[row.owner.code] = "owner"
        if before is not None and before.owner.is_active and before.owner_id != row.deputy_id:
            told[before.owner.code] = "former"
    if row.deputy is not None and (before is None or before.deputy_id != row.deputy_id):
        told[row.deputy.code] = "deputy"
    for code, part in told.items():
        if code != by.code:
            send_later(
                "duties.owner_changed",
                {"ownership_id": row.id, "to": code, "part": part},
                effect_key=f"duties.owner_changed:{row.id}:{code}",
            )
