"""Reading subscribed calendars and what they were told."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts.models import Person
from portal.core.db import session
from portal.training.models import CalendarFeed, ToldDate


def find_open_feed(person_id: int) -> CalendarFeed | None:
    """Return the address under which the person's dates can be subscribed now, or None."""
    return session.scalar(
        select(CalendarFeed).where(CalendarFeed.person_id == person_id, CalendarFeed.revoked_at.is_(None))
    )


def find_feed(token_hash: str) -> CalendarFeed | None:
    """Return the address of a token's hash that can still be subscribed, with whose it is, or None."""
    return session.scalar(
        select(CalendarFeed)
        .join(Person, Person.id == CalendarFeed.person_id)
        .where(
            CalendarFeed.token_hash == token_hash,
            CalendarFeed.revoked_at.is_(None),
            Person.deactivated_at.is_(None),
        )
    )


def list_told_dates(person_id: int) -> dict[str, ToldDate]:
    """Return what subscribed calendars were told of the person's dates last, by the dates' lasting names."""
    found = session.scalars(select(ToldDate).where(ToldDate.person_id == person_id).order_by(ToldDate.id))
    return {each.uid: each for each in found}
