"""What becomes of items whose successor goes, or loses a role that she needs: it is said before, and told to leads."""

from __future__ import annotations

from collections import defaultdict

from portal.accounts.models import Person
from portal.accounts.service.owner_needs import find_lacking
from portal.accounts.service.people import Obstacle
from portal.core.i18n import ngettext
from portal.core.mail import send_later
from portal.handover.models import Handover, HandoverItem
from portal.handover.queries import handovers as queries
from portal.handover.queries.successors import list_items_with
from portal.handover.rules import Decision
from portal.handover.service.leading import leads_of_person


def _taken(person: Person) -> dict[Handover, list[HandoverItem]]:
    """Return what the person is to take over and has not refused, by handover."""
    found: dict[Handover, list[HandoverItem]] = defaultdict(list)
    for item in list_items_with(person):
        decision = queries.get_course(item).decision
        if decision is None or decision.decision is not Decision.REFUSED:
            found[item.handover].append(item)
    return dict(found)


def successors_stay(person: Person) -> list[Obstacle]:
    """Return in which handovers another successor is needed without the person (a `DeactivationGuard`).

    It can be put up with.
    """
    return [
        Obstacle(
            ngettext(
                "%(num)d thing that %(name)s hands over would need another successor",
                "%(num)d things that %(name)s hands over would need another successor",
                len(items),
                name=handover.person.names,
            ),
            f"/handovers/{handover.code}",
            may_stay=True,
        )
        for handover, items in _taken(person).items()
    ]


def tell_that_she_leaves(person: Person, by: Person) -> None:
    """Tell the leads of those from whom the person was to take something over that somebody else is needed."""
    for handover, items in _taken(person).items():
        _tell(handover, items, person, by, "left")


def tell_of_role(person: Person, by: Person) -> None:
    """Tell them that she has accepted something for which she has not the role any more."""
    for handover, items in _taken(person).items():
        accepted = [
            each
            for each in items
            if (said := queries.get_course(each).decision) is not None and said.decision is Decision.ACCEPTED
        ]
        lacking = {each.thing for each in find_lacking(person, [(each.kind, each.thing_code) for each in accepted])}
        lost = [each for each in accepted if (each.kind, each.thing_code) in lacking]
        if lost:
            _tell(handover, lost, person, by, "role")


def _tell(handover: Handover, items: list[HandoverItem], person: Person, by: Person, why: str) -> None:
    numbers = [assignment.id for each in items if (assignment := queries.get_course(each).assignment) is not None]
    for lead in leads_of_person(handover.person):
        if lead.id not in (by.id, person.id):
            send_later(
                "handover.successor_gone",
                {"assignments": numbers, "why": why, "to": lead.code},
                effect_key=f"handover.successor_gone:{why}:{numbers[0]}:{lead.code}",
            )
