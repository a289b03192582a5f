"""Who is a newcomer: known from the day on which she began, which upper domains know best."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Protocol

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.calendars.queries import Calendars
from portal.core import clock


class FirstDays(Protocol):
    """An upper domain's answer to when people began; registered in `wiring.py`."""

    def __call__(self, people: Collection[int]) -> Mapping[int, date]:
        """Return person's row number → her first day, as far as this domain knows it."""


_answers: list[FirstDays] = []


def register_first_days(answer: FirstDays) -> None:
    """Ask this domain first when people began; registering twice changes nothing."""
    if answer not in _answers:
        _answers.append(answer)


def list_newcomers(people: Collection[Person], working: Calendars) -> set[int]:
    """Return the row numbers of those who are newcomers today.

    A newcomer's first day is at most ten working days ago, or still to come. It is the start of her training plan;
    of whoever follows none, the day on which she accepted her invitation.
    """
    ids = [person.id for person in people]
    known = [answer(ids) for answer in _answers]
    accepted = accounts.list_accepted_at(ids)
    found = set()
    for person in people:
        zone = person.home_market.time_zone
        first_on = next((days[person.id] for days in known if person.id in days), None)
        if first_on is None and person.id in accepted:
            first_on = clock.local_date(accepted[person.id], zone)
        if first_on is not None and rules.is_newcomer(
            first_on=first_on, asked_on=clock.today(zone), calendar=working.of(person.home_market_id, person.id)
        ):
            found.add(person.id)
    return found
