"""What is with a stand-in: whose it is all the same, and what would go back to her now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person
from portal.handover.models import StandIn, StandInThing
from portal.handover.queries import stand_ins as queries

# Kind and code.
Thing = tuple[str, str]


class LentByStandIns:
    """What stand-ins that are at work have lent, and to whom."""

    def about(self, person: Person) -> tuple[Sequence[Ownership], Collection[Thing]]:
        """Return the rows by which others answer for what the person has lent, and what goes back from her.

        The latter also where it has gone on to whoever stands in for her.
        """
        running = queries.list_running_about(person.id)
        lent = [each for row in running if row.person_id == person.id for each in to_give_back(row)]
        borrowed = [each for row in running if row.stand_in_id == person.id for each in to_give_back(row)]
        found = [accounts.find_owner(each.kind, each.thing_code) for each in lent]
        away = [each for each in found if each is not None and each.owner_id != person.id]
        return away, {(each.kind, each.thing_code) for each in borrowed}


def find_lenders(things: Iterable[Thing]) -> dict[Thing, Person]:
    """Return to whom those of the things go back that are with a stand-in; where one is lent on, its first owner."""
    wanted, found = set(things), {}
    # Whoever lent it last comes first: the one before her overwrites.
    for row in sorted(queries.list_running(), key=lambda each: (each.begun_at, each.id), reverse=True):
        for each in to_give_back(row):
            if (each.kind, each.thing_code) in wanted:
                found[each.kind, each.thing_code] = row.person
    return found


def to_give_back(row: StandIn) -> list[StandInThing]:
    """Return what of a stand-in's things is still with her, or with whoever stands in for her."""
    things = queries.list_things([row.id])
    running = queries.list_running()
    further: dict[int, list[StandIn]] = {}
    for each in running:
        further.setdefault(each.person_id, []).append(each)
    with_whom = {(each.stand_in_id, each.kind, each.thing_code) for each in queries.list_things(
        [each.id for each in running]
    )}  # fmt: skip
    found = []
    for thing in things:
        present = accounts.find_owner(thing.kind, thing.thing_code)
        holder, seen = row.stand_in_id, {row.id}
        # Whoever stands in may be away herself: it comes back from whoever it went on to.
        while present is not None and present.owner_id != holder:
            on = next(
                (
                    each
                    for each in further.get(holder, [])
                    if each.id not in seen and (each.id, thing.kind, thing.thing_code) in with_whom
                ),
                None,
            )
            if on is None:
                break
            seen.add(on.id)
            holder = on.stand_in_id
        if present is not None and present.owner_id == holder:
            found.append(thing)
    return found
