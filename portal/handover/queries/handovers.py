"""Handovers and their items with everything that was done with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import Person
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core.db import session
from portal.handover.errors import NoSuchHandover
from portal.handover.models import (
    Handover,
    HandoverItem,
    ItemDecision,
    ItemEvidence,
    ItemSuccessor,
    MilestoneMet,
)
from portal.handover.rules import Reason

_Row = TypeVar("_Row", ItemSuccessor, ItemEvidence, ItemDecision)
_OPEN = Handover.closed_at.is_(None) & Handover.called_off_at.is_(None)
WITH_DAYS = (selectinload(Handover.days),)


def get_handover(code: str) -> Handover:
    """Return the handover. Raises `NoSuchHandover`."""
    found = session.scalar(select(Handover).where(Handover.code == code).options(*WITH_DAYS))
    if found is None:
        raise NoSuchHandover()
    return found


def get_item(item: str) -> HandoverItem:
    """Return the item with its handover. Raises `NoSuchHandover`."""
    found = session.scalar(
        select(HandoverItem)
        .where(HandoverItem.code == item)
        .options(joinedload(HandoverItem.handover).options(*WITH_DAYS))
    )
    if found is None:
        raise NoSuchHandover()
    return found


def lock_handover(handover_id: int) -> Handover:
    """Return the handover as it is now, and let others who change it wait until this transaction ends."""
    session.execute(select(Handover.id).where(Handover.id == handover_id).with_for_update())
    found = session.get_one(Handover, handover_id)
    # What can change later, and nothing of the people who are read with it.
    session.refresh(found, ["closed_at", "called_off_at", "handed_back_at", "days"])
    return found


def lock_person(person_id: int) -> Person:
    """Return the person as she is now, and let others who begin or end something of hers wait."""
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    return _as_now(session.get_one(Person, person_id))


def hold_people(ids: Collection[int]) -> list[Person]:
    """Return people as they are now, none of whom is deactivated before this transaction ends."""
    session.execute(select(Person.id).where(Person.id.in_(ids)).order_by(Person.id).with_for_update(read=True))
    return [
        _as_now(each) for each in session.scalars(select(Person).where(Person.id.in_(ids)).order_by(Person.id)).all()
    ]


def _as_now(person: Person) -> Person:
    session.refresh(person, ["deactivated_at"])
    return person


def find_open(person_id: int, *, is_real: bool | None = None) -> Handover | None:
    """Return the open handover of a person, or only one that moves things, or only a rehearsal."""
    statement = select(Handover).where(Handover.person_id == person_id, _OPEN).options(*WITH_DAYS)
    if is_real is not None:
        is_rehearsal = Handover.reason == Reason.REHEARSAL
        statement = statement.where(~is_rehearsal if is_real else is_rehearsal)
    return session.scalar(statement)


def list_open_ids() -> list[int]:
    """Return the row numbers of all open handovers."""
    return list(session.scalars(select(Handover.id).where(_OPEN).order_by(Handover.id)))


def list_open_about(kind: str, code: str, owner_id: int) -> list[int]:
    """Return the row numbers of open handovers of a thing's owner, and of those that have it among their items."""
    noted = select(HandoverItem.handover_id).where(
        HandoverItem.kind == kind, HandoverItem.thing_code == code, HandoverItem.gone_at.is_(None)
    )
    return list(
        session.scalars(
            select(Handover.id)
            .where(_OPEN, or_(Handover.person_id == owner_id, Handover.id.in_(noted)))
            .order_by(Handover.id)
        )
    )


def list_open_of(people: Collection[int]) -> list[Handover]:
    """Return the open handovers of these people."""
    return list(
        session.scalars(
            select(Handover).where(_OPEN, Handover.person_id.in_(people)).order_by(Handover.id).options(*WITH_DAYS)
        )
    )


def list_of_ids(ids: Collection[int]) -> list[Handover]:
    """Return the handovers of these row numbers, the first to end first."""
    rows = session.scalars(select(Handover).where(Handover.id.in_(ids)).options(*WITH_DAYS))
    return sorted(rows, key=lambda each: (each.last_on, each.id))


def list_back(day: date) -> list[Handover]:
    """Return the closed handovers for leave whose people are back by the day, and from which nothing came back yet."""
    rows = session.scalars(
        select(Handover)
        .where(Handover.reason == Reason.LEAVE, Handover.closed_at.is_not(None), Handover.handed_back_at.is_(None))
        .options(*WITH_DAYS)
    )
    found = [each for each in rows if each.back_on is not None and each.back_on <= day]
    return sorted(found, key=lambda each: (each.last_on, each.id))


def list_handovers() -> list[Handover]:
    """Return every handover, the oldest first."""
    return list(session.scalars(select(Handover).order_by(Handover.id).options(*WITH_DAYS)))


def list_for(person: Person, reach: Reach) -> list[Handover]:
    """Return the handovers that somebody sees: her own, those of people within reach, those she takes over from."""
    seen: list[ColumnElement[bool]] = [Handover.person_id == person.id, _is_successor(person.id)]
    if reach:
        seen.append(Handover.person_id.in_(select(Person.id).where(people_within(reach))))
    return list(
        session.scalars(
            select(Handover)
            .where(or_(*seen))
            .order_by(Handover.begun_at.desc(), Handover.id.desc())
            .options(*WITH_DAYS)
        )
    )


def is_successor(handover: Handover, person: Person) -> bool:
    """Say whether somebody was ever to take over an item of the handover."""
    statement = (
        select(ItemSuccessor.id)
        .join(HandoverItem, HandoverItem.id == ItemSuccessor.item_id)
        .where(HandoverItem.handover_id == handover.id, ItemSuccessor.successor_id == person.id)
    )
    return bool(session.scalar(select(statement.exists())))


def _is_successor(person_id: int) -> ColumnElement[bool]:
    item, successor = aliased(HandoverItem), aliased(ItemSuccessor)
    return exists().where(
        item.handover_id == Handover.id, successor.item_id == item.id, successor.successor_id == person_id
    )


# --- Items -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Course:
    """An item with everything that was done with it, in its order."""

    item: HandoverItem
    assignments: list[ItemSuccessor] = field(default_factory=list)
    evidence: list[ItemEvidence] = field(default_factory=list)
    decisions: list[ItemDecision] = field(default_factory=list)

    @property
    def assignment(self) -> ItemSuccessor | None:
        """Who is to take it over, as it was set last; None where nobody is."""
        found = self.assignments[-1] if self.assignments else None
        return found if found is not None and found.successor_id is not None else None

    @property
    def successor(self) -> Person | None:
        """Who is to take it over."""
        return self.assignment.successor if self.assignment is not None else None

    @property
    def own_evidence(self) -> list[ItemEvidence]:
        """What the present successor has shown, or was waived for her, and was not taken back."""
        return [
            each
            for each in self.evidence
            if self.assignment is not None
            and each.successor_id == self.assignment.successor_id
            and each.taken_back_at is None
        ]

    @property
    def decision(self) -> ItemDecision | None:
        """What the present successor said last since she was asked."""
        if self.assignment is None:
            return None
        return next((each for each in reversed(self.decisions) if each.assignment_id == self.assignment.id), None)


def list_courses(handovers: Collection[int]) -> list[Course]:
    """Return the items of handovers with everything that was done with them, in the order in which they were found."""
    if not handovers:
        return []
    items = session.scalars(
        select(HandoverItem).where(HandoverItem.handover_id.in_(handovers)).order_by(HandoverItem.id)
    )
    return _courses(list(items))


def get_course(item: HandoverItem) -> Course:
    """Return an item with everything that was done with it."""
    (found,) = _courses([item])
    return found


def _courses(items: Collection[HandoverItem]) -> list[Course]:
    ids = [item.id for item in items]
    if not ids:
        return []
    assignments = _by_item(
        session.scalars(select(ItemSuccessor).where(ItemSuccessor.item_id.in_(ids)).order_by(ItemSuccessor.id))
    )
    evidence = _by_item(
        session.scalars(select(ItemEvidence).where(ItemEvidence.item_id.in_(ids)).order_by(ItemEvidence.id))
    )
    decisions = _by_item(
        session.scalars(select(ItemDecision).where(ItemDecision.item_id.in_(ids)).order_by(ItemDecision.id))
    )
    return [Course(each, assignments[each.id], evidence[each.id], decisions[each.id]) for each in items]


def _by_item(rows: Iterable[_Row]) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.item_id].append(row)
    return found


def list_met(handovers: Collection[int]) -> list[MilestoneMet]:
    """Return what of the way of these handovers somebody said was done, the first one first."""
    return list(
        session.scalars(select(MilestoneMet).where(MilestoneMet.handover_id.in_(handovers)).order_by(MilestoneMet.id))
    )


def find_evidence(item: HandoverItem, code: str) -> ItemEvidence | None:
    """Return the evidence of the code where it is of this item."""
    return session.scalar(select(ItemEvidence).where(ItemEvidence.item_id == item.id, ItemEvidence.code == code))


def find_evidence_by_code(code: str) -> ItemEvidence | None:
    """Return the evidence of the code with its item and handover."""
    return session.scalar(
        select(ItemEvidence)
        .where(ItemEvidence.code == code)
        .options(joinedload(ItemEvidence.item).joinedload(HandoverItem.handover))
    )


def lock_evidence(evidence_id: int) -> ItemEvidence:
    """Return evidence as it is now, and let others who change it wait until this transaction ends."""
    session.execute(select(ItemEvidence.id).where(ItemEvidence.id == evidence_id).with_for_update())
    found = session.get_one(ItemEvidence, evidence_id)
    session.refresh(found)
    return found


def lock_decision(decision_id: int) -> ItemDecision:
    """Return what was said about an item as it is now, and let others who change it wait."""
    session.execute(select(ItemDecision.id).where(ItemDecision.id == decision_id).with_for_update())
    found = session.get_one(ItemDecision, decision_id)
    session.refresh(found)
    return found


def find_decision(decision_id: int) -> ItemDecision | None:
    """Return a decision with its item and handover."""
    return session.scalar(
        select(ItemDecision)
        .where(ItemDecision.id == decision_id)
        .options(joinedload(ItemDecision.item).joinedload(HandoverItem.handover))
    )


def find_assignment(assignment_id: int) -> ItemSuccessor | None:
    """Return an assignment with its item and handover."""
    return session.scalar(
        select(ItemSuccessor)
        .where(ItemSuccessor.id == assignment_id)
        .options(joinedload(ItemSuccessor.item).joinedload(HandoverItem.handover))
    )


def list_handovers_with(successor_ids: Collection[int]) -> list[Handover]:
    """Return the open handovers in which these people were ever to take over an item."""
    return list(
        session.scalars(
            select(Handover)
            .where(
                _OPEN,
                Handover.id.in_(
                    select(HandoverItem.handover_id)
                    .join(ItemSuccessor, ItemSuccessor.item_id == HandoverItem.id)
                    .where(ItemSuccessor.successor_id.in_(successor_ids))
                ),
            )
            .order_by(Handover.id)
            .options(*WITH_DAYS)
        )
    )


def find_handovers(codes: Collection[str]) -> dict[str, Handover]:
    """Return those of the handovers that exist, by code."""
    return {each.code: each for each in session.scalars(select(Handover).where(Handover.code.in_(codes)))}


def find_items(codes: Collection[str]) -> dict[str, HandoverItem]:
    """Return those of the items that exist, by code."""
    return {each.code: each for each in session.scalars(select(HandoverItem).where(HandoverItem.code.in_(codes)))}


def list_items_of(kind: str, code: str) -> list[HandoverItem]:
    """Return every item that a thing ever was, of any handover, the oldest first."""
    return list(
        session.scalars(
            select(HandoverItem)
            .where(HandoverItem.kind == kind, HandoverItem.thing_code == code)
            .options(joinedload(HandoverItem.handover))
            .order_by(HandoverItem.id)
        )
    )
