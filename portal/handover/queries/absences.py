"""Who is away by stand-ins and handovers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, func, literal, null, or_, select, union_all
from sqlalchemy.orm import aliased

from portal.accounts.models import Person
from portal.calendars.service.absences import Absence
from portal.core import clock
from portal.core.db import session
from portal.handover.models import Handover, HandoverDays, StandIn
from portal.handover.rules import Reason
from portal.organisation.models import Market

_ONE_DAY = timedelta(days=1)


def list_absences(first_on: date, last_on: date) -> Iterator[Absence]:
    """Return who has a stand-in, is on the leave of a handover, or has had her last day, on any of these days.

    A stand-in that was called off counts up to the day before. What was called off, and rehearsals, count for nothing.
    """
    latest = _latest_days()
    rows: Sequence[Any] = session.execute(
        union_all(
            select(
                StandIn.person_id,
                StandIn.first_on,
                StandIn.last_on,
                StandIn.ended_at,
                Market.time_zone,
                literal(True).label("is_stand_in"),
            )
            .join(Person, Person.id == StandIn.person_id)
            .join(Market, Market.id == Person.home_market_id)
            .where(StandIn.first_on <= last_on, StandIn.last_on >= first_on),
            select(Handover.person_id, HandoverDays.last_on, HandoverDays.back_on, null(), null(), literal(False))
            .join(HandoverDays, HandoverDays.id == latest)
            .where(*_TAKES_AWAY),
        )
    ).all()
    for person_id, begun_on, end_on, ended_at, zone, is_stand_in in rows:
        if is_stand_in:
            last = end_on
            if ended_at is not None:
                last = min(last, clock.local_date(ended_at, clock.zone_or_utc(zone)) - _ONE_DAY)
            if begun_on <= last and first_on <= last:
                yield Absence(person_id, begun_on, last)
            continue
        begins, ends = begun_on + _ONE_DAY, end_on - _ONE_DAY if end_on is not None else date.max
        if begins <= last_on and ends >= first_on and begins <= ends:
            yield Absence(person_id, begins, ends, end_on is None)


# Which handovers mean that their people are away after the last day.
_TAKES_AWAY = (
    Handover.called_off_at.is_(None),
    Handover.handed_back_at.is_(None),
    or_(
        Handover.reason.in_((Reason.LEAVE, Reason.RESIGNATION)),
        # Whoever has moved works elsewhere.
        (Handover.reason == Reason.TRANSFER) & Handover.closed_at.is_(None),
    ),
)


def _latest_days() -> ScalarSelect[int]:
    """Return the row of the days of a handover that were set last, within a statement about it."""
    each_day = aliased(HandoverDays)
    return select(func.max(each_day.id)).where(each_day.handover_id == Handover.id).scalar_subquery()
