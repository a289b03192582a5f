"""What of handovers and stand-ins concerns somebody today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, false, literal, or_, select, true, union_all

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import open_grants
from portal.calendars.models import Leave
from portal.cohorts.permissions import Reach, reach_of
from portal.cohorts.queries import people_within
from portal.core.db import session
from portal.handover.models import Handover, HandoverDossier, HandoverItem, ItemSuccessor, StandIn
from portal.handover.queries import dossiers, handovers, stand_ins
from portal.handover.queries.dossiers import ToConfirm
from portal.handover.rules import Reason

# Where any of the days is leave, somebody has looked at it.
_IS_LEAVE = exists().where(
    Leave.person_id == StandIn.person_id,
    Leave.withdrawn_at.is_(None),
    Leave.first_on <= StandIn.last_on,
    Leave.last_on >= StandIn.first_on,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open handovers that somebody gives, takes over from or leads, stand-ins that concern her, dossiers to confirm."""

    handovers: Sequence[Handover]
    stand_ins: Sequence[StandIn]
    dossiers: Sequence[ToConfirm]
    # For an administrator: open handovers that she leads where nobody nearer does.
    others: Sequence[Handover] = ()
    # Closed ones for leave that is over, from which things can come back.
    back: Sequence[Handover] = ()
    # Stand-ins of people whom she leads of whose days none is entered as leave.
    without_leave: Sequence[StandIn] = ()


def list_waiting(person: Person) -> Waiting:
    """Return what concerns somebody today: one statement where nothing does, as for most."""
    reach = reach_of(person, Role.LEAD)
    found = _ids(person, reach)
    return Waiting(
        handovers.list_of_ids(found["handover"]) if found["handover"] else [],
        stand_ins.list_of_ids(found["stand_in"]) if found["stand_in"] else [],
        dossiers.list_to_confirm([person.id]) if found["dossier"] else [],
        handovers.list_of_ids(set(found["other"]) - set(found["handover"])) if found["other"] else [],
        [each for each in handovers.list_of_ids(found["back"]) if each.back_on is not None] if found["back"] else [],
        stand_ins.list_of_ids(found["leave"]) if found["leave"] else [],
    )


def _ids(person: Person, reach: Reach) -> dict[str, list[int]]:
    takes = (
        select(HandoverItem.handover_id)
        .join(ItemSuccessor, ItemSuccessor.item_id == HandoverItem.id)
        .where(ItemSuccessor.successor_id == person.id)
    )
    concerned = [Handover.person_id == person.id, Handover.id.in_(takes)]
    stands = [StandIn.person_id == person.id, StandIn.stand_in_id == person.id]
    if reach:
        led = select(Person.id).where(people_within(reach))
        concerned.append(Handover.person_id.in_(led))
        # Who said that she cannot: whoever leads finds somebody else.
        stands.append(StandIn.declined_at.is_not(None) & StandIn.person_id.in_(led))
    administers = any(each.scope is Scope.ORGANISATION for each in open_grants(person, Role.ADMIN))
    is_led = Handover.person_id.in_(select(Person.id).where(people_within(reach))) if reach else false()
    is_led_away = StandIn.person_id.in_(select(Person.id).where(people_within(reach))) if reach else false()
    rows = session.execute(
        union_all(
            select(literal("other").label("what"), Handover.id.label("id")).where(
                Handover.closed_at.is_(None),
                Handover.called_off_at.is_(None),
                true() if administers else false(),
            ),
            select(literal("back").label("what"), Handover.id.label("id")).where(
                Handover.reason == Reason.LEAVE,
                Handover.closed_at.is_not(None),
                Handover.handed_back_at.is_(None),
                or_(Handover.person_id == person.id, is_led),
            ),
            select(literal("handover").label("what"), Handover.id.label("id")).where(
                Handover.closed_at.is_(None), Handover.called_off_at.is_(None), or_(*concerned)
            ),
            select(literal("stand_in").label("what"), StandIn.id.label("id")).where(
                StandIn.ended_at.is_(None), or_(*stands)
            ),
            select(literal("leave").label("what"), StandIn.id.label("id")).where(
                StandIn.ended_at.is_(None), StandIn.person_id != person.id, is_led_away, ~_IS_LEAVE
            ),
            select(literal("dossier").label("what"), HandoverDossier.id.label("id")).where(
                HandoverDossier.successor_id == person.id, dossiers.is_unconfirmed()
            ),
        )
    )
    found: dict[str, list[int]] = {"handover": [], "stand_in": [], "dossier": [], "other": [], "back": [], "leave": []}
    for row in rows:
        found[row.what].append(row.id)
    return found
