"""Stand-ins, and what is with them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import select

from portal.accounts.models import Person
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core.db import session
from portal.handover.errors import NoSuchHandover
from portal.handover.models import StandIn, StandInThing


def get_stand_in(code: str) -> StandIn:
    """Return the stand-in. Raises `NoSuchHandover`."""
    found = session.scalar(select(StandIn).where(StandIn.code == code))
    if found is None:
        raise NoSuchHandover()
    return found


def lock_stand_in(stand_in_id: int) -> StandIn:
    """Return the stand-in as it is now, and let others who begin or end it wait."""
    session.execute(select(StandIn.id).where(StandIn.id == stand_in_id).with_for_update())
    found = session.get_one(StandIn, stand_in_id)
    session.refresh(found, ["begun_at", "ended_at", "ended_by", "declined_at", "decline_reason"])
    return found


def list_not_over(person_id: int) -> list[StandIn]:
    """Return what is planned or at work for a person, the first to begin first."""
    return list(
        session.scalars(
            select(StandIn)
            .where(StandIn.person_id == person_id, StandIn.ended_at.is_(None))
            .order_by(StandIn.first_on, StandIn.id)
        )
    )


def list_to_look_at(latest: date) -> list[int]:
    """Return the row numbers of what has not ended and has begun by the day, or was to."""
    return list(
        session.scalars(
            select(StandIn.id).where(StandIn.ended_at.is_(None), StandIn.first_on <= latest).order_by(StandIn.id)
        )
    )


def list_for(person: Person, reach: Reach) -> list[StandIn]:
    """Return the stand-ins that somebody sees: for her, by her, and for people within reach; the latest first."""
    seen = (StandIn.person_id == person.id) | (StandIn.stand_in_id == person.id)
    if reach:
        seen = seen | StandIn.person_id.in_(select(Person.id).where(people_within(reach)))
    return list(session.scalars(select(StandIn).where(seen).order_by(StandIn.first_on.desc(), StandIn.id.desc())))


def list_of_ids(ids: Collection[int]) -> list[StandIn]:
    """Return the stand-ins of these row numbers, the first to begin first."""
    return list(session.scalars(select(StandIn).where(StandIn.id.in_(ids)).order_by(StandIn.first_on, StandIn.id)))


def list_things(stand_ins: Collection[int]) -> list[StandInThing]:
    """Return what went to these stand-ins, by kind and code."""
    return list(
        session.scalars(
            select(StandInThing)
            .where(StandInThing.stand_in_id.in_(stand_ins))
            .order_by(StandInThing.kind, StandInThing.thing_code, StandInThing.id)
        )
    )


def list_running() -> list[StandIn]:
    """Return every stand-in that is at work."""
    return list(
        session.scalars(
            select(StandIn).where(StandIn.begun_at.is_not(None), StandIn.ended_at.is_(None)).order_by(StandIn.id)
        )
    )


def list_running_about(person_id: int) -> list[StandIn]:
    """Return what is at work for or by a person."""
    return list(
        session.scalars(
            select(StandIn)
            .where(
                (StandIn.person_id == person_id) | (StandIn.stand_in_id == person_id),
                StandIn.begun_at.is_not(None),
                StandIn.ended_at.is_(None),
            )
            .order_by(StandIn.id)
        )
    )


def list_not_over_by(stand_in_id: int) -> list[StandIn]:
    """Return where a person stands in, or is to, the first to begin first."""
    return list(
        session.scalars(
            select(StandIn)
            .where(StandIn.stand_in_id == stand_in_id, StandIn.ended_at.is_(None))
            .order_by(StandIn.first_on, StandIn.id)
        )
    )


def list_all() -> list[StandIn]:
    """Return every stand-in there was."""
    return list(session.scalars(select(StandIn).order_by(StandIn.id)))


def find_stand_ins(codes: Collection[str]) -> dict[str, StandIn]:
    """Return those of the stand-ins that exist, by code."""
    return {each.code: each for each in session.scalars(select(StandIn).where(StandIn.code.in_(codes)))}
