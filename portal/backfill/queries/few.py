"""What is critical and has fewer than two people: by the levels of the matrix, and on paper where there are none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person, Role
from portal.accounts.permissions import open_grants
from portal.accounts.service import ownership
from portal.accounts.service.ownership import OwnedThing
from portal.backfill import rules
from portal.backfill.queries.matrix import MatrixRow, Place, read_matrix
from portal.backfill.queries.places import list_places
from portal.backfill.rules import ENOUGH_PEOPLE, RowKind
from portal.cohorts.permissions import Reach, reach_of
from portal.core.i18n import LazyText, Words
from portal.duties.permissions import Answered, is_led
from portal.duties.queries import critical


@dataclass(frozen=True, slots=True)
class Few:
    """A critical thing with fewer than two people.

    With a place, `able` people there are at level 3 or more today, as its matrix says. Without one the thing has no
    levels: fewer than two people with active accounts are named as owner or deputy.
    """

    kind: str
    kind_name: LazyText
    code: str
    title: Words
    thing: OwnedThing
    ownership: Ownership | None
    since: datetime
    able: int = 0
    place: Place | None = None

    @property
    def key(self) -> str:
        """What stands for it among what was told; of other owners, and of another place, it is told anew."""
        where = f"{self.place.code}:" if self.place is not None else ""
        return f"alone:{self.kind}:{self.code}:{where}{self.ownership.id if self.ownership else 0}"


class FewKnown:
    """Reads what has too few people, each place once however many people ask about it."""

    def __init__(self) -> None:
        self._critical = critical.list_critical()
        self._alone: list[critical.Alone] | None = None
        self._rows: dict[tuple[bool, str], list[tuple[MatrixRow, int]]] = {}

    def of(self, person: Person) -> list[Few]:
        """Return what somebody who leads, or an administrator, should know of; by place, then on paper."""
        if not self._critical:
            return []
        found, seen = [], set()
        for place in _places(person):
            for row, able in self._of_place(place):
                seen.add(row.key)
                if able < ENOUGH_PEOPLE:
                    found.append((place, row, able))
        titled = ownership.find_titled([row.key for _place, row, _able in found])
        names = {kind: things.name for kind, things in ownership.kinds().items()}
        told = []
        for place, row, able in found:
            thing, title = titled.get(row.key, (None, Words("", "")))
            if thing is not None:
                told.append(
                    Few(
                        row.key[0],
                        names[row.key[0]],
                        row.key[1],
                        title,
                        thing,
                        row.ownership,
                        self._critical[row.key],
                        able,
                        place,
                    )
                )
        return told + [
            Few(each.kind, each.kind_name, each.code, each.title, each.thing, each.ownership, each.since)
            for each in self._on_paper()
            if (each.kind, each.code) not in seen and _concerns(person, each)
        ]

    def _of_place(self, place: Place) -> list[tuple[MatrixRow, int]]:
        key = (place.team is None, place.code)
        if key not in self._rows:
            wanted = {thing for thing in self._critical if thing[0] in set(RowKind)}
            matrix = read_matrix(place, only_rows=wanted) if wanted else None
            self._rows[key] = (
                [(each, rules.able_people(each.row, matrix.today)) for each in matrix.rows] if matrix else []
            )
        return self._rows[key]

    def _on_paper(self) -> Iterable[critical.Alone]:
        if self._alone is None:
            self._alone = critical.list_alone()
        return self._alone


def _places(person: Person) -> list[Place]:
    """Return the largest places that somebody leads, or every market for an administrator of everything."""
    everywhere = any(grant.scope_code == "" for grant in open_grants(person, Role.ADMIN))
    reach = Reach(True, frozenset(), frozenset(), frozenset()) if everywhere else reach_of(person, Role.LEAD)
    if not reach:
        return []
    whole = {each.market.code for each in list_places(reach) if each.team is None}
    return [each for each in list_places(reach) if each.team is None or each.market.code not in whole]


def _concerns(person: Person, each: critical.Alone) -> bool:
    if open_grants(person, Role.ADMIN):
        return True
    return is_led(person, Answered(each.kind, each.kind_name, each.code, each.thing, each.ownership))


def owner_of(each: Few) -> Person | None:
    """Return who answers for it with an active account."""
    owned = each.ownership or accounts.find_owner(each.kind, each.code)
    return owned.owner if owned is not None and owned.owner.is_active else None
