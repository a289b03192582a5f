"""Whom a lead is told about: her people whose time to confirm is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.acknowledgements.queries import campaigns as queries
from portal.core import clock


def is_away_today(person: Person, away: Mapping[int, Sequence[tuple[date, date]]]) -> bool:
    """Say whether today in her market is a day of her leave; `away` as `people_on_leave` gives it."""
    today = clock.today(person.home_market.time_zone)
    return any(first <= today <= last for first, last in away.get(person.id, ()))


class LeadsOf:
    """Who leads whom, each team looked up once."""

    def __init__(self) -> None:
        self._found: dict[int | None, list[Person]] = {}

    def of(self, person: Person) -> list[Person]:
        """Return who leads the person's team, herself left out."""
        if person.team_id not in self._found:
            self._found[person.team_id] = accounts.list_leads_for(person.team)
        return [lead for lead in self._found[person.team_id] if lead.id != person.id]


def overdue_of(campaign_id: int, lead: Person) -> list[Person]:
    """Return whom a lead is told about: hers who are overdue now and not away, by name."""
    now = clock.now()
    leads, away = LeadsOf(), queries.people_on_leave(now)
    return [
        request.person
        for request in queries.list_overdue([campaign_id], now)
        if not is_away_today(request.person, away) and any(each.id == lead.id for each in leads.of(request.person))
    ]
