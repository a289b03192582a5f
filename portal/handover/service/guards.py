"""What a handover, and the acceptance of orphans, say where owners change and people go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from portal.accounts.errors import OwnerHeld
from portal.accounts.models import Ownership, Person
from portal.accounts.service.ownership import find_things, kinds
from portal.core.i18n import lazy_gettext as _l
from portal.handover.queries import handovers as queries
from portal.handover.queries import orphans

# So many different people accept that a thing will have no owner.
ACCEPTING = 2


def no_bypass(present: Ownership, owner: Person) -> None:
    """Refuse another owner for what is live and in an open handover that moves things (an `OwnershipGuard`)."""
    handover = queries.find_open(present.owner_id, is_real=True)
    if handover is None:
        return
    thing = find_things([(present.kind, present.thing_code)]).get((present.kind, present.thing_code))
    if present.kind in kinds() and (thing is None or not thing.is_live):
        return
    raise OwnerHeld(
        _l(
            "“%(title)s” is being handed over by %(name)s. Its owner changes when that handover is closed.",
            title=thing.title if thing is not None else present.thing_code,
            name=handover.person.names,
        ),
        f"/handovers/{handover.code}",
    )


class AcceptedByTwo:
    """What two different people have accepted to have no owner."""

    def things(self, person: Person) -> Collection[tuple[str, str]]:
        """Return kind and code of what two people accepted for this person."""
        by: dict[tuple[str, str], set[int]] = defaultdict(set)
        for each in orphans.list_standing(person.id):
            if each.accepted_by_id != person.id:
                by[each.kind, each.thing_code].add(each.accepted_by_id)
        return {thing for thing, people in by.items() if len(people) >= ACCEPTING}

    def href(self, person: Person) -> str:
        """Return the page on which it is accepted."""
        return f"/people/{person.code}/orphans"

    def accepting(self, owner_ids: Collection[int]) -> Mapping[tuple[str, str], Sequence[Person]]:
        """Return who accepted, of each of their things."""
        by: dict[tuple[str, str], list[Person]] = defaultdict(list)
        for each in orphans.list_of_people(owner_ids):
            by[each.kind, each.thing_code].append(each.accepted_by)
        return by
