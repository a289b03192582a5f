"""Who is told that people have not confirmed in time: those who mentor and lead them, or stand above them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.acknowledgements.models import AcknowledgementRequest, Campaign
from portal.acknowledgements.queries import campaigns as queries
from portal.acknowledgements.queries import exposure
from portal.acknowledgements.service.questions import who_answers
from portal.core import clock


class ToldAs(StrEnum):
    """Why somebody is told of people who are overdue."""

    LEAD = "lead"
    # They have no lead who could be told, or lead themselves.
    ABOVE = "above"
    MENTOR = "mentor"


def is_away_today(person: Person, away: Mapping[int, Sequence[tuple[date, date]]]) -> bool:
    """Say whether today in her market is a day of her leave; `away` as `people_on_leave` gives it."""
    today = clock.today(person.home_market.time_zone)
    return any(first <= today <= last for first, last in away.get(person.id, ()))


class LookingAfter:
    """Who is told about whom; each team, cohort and document is looked up once."""

    def __init__(self, people: Collection[int], away: Mapping[int, Sequence[tuple[date, date]]]) -> None:
        self._away, self._cohorts = away, queries.list_cohorts_of(people)
        self._holders: dict[tuple[Role, Scope, str], list[Person]] = {}
        self._owners: dict[str, list[Person]] = {}
        self._administrators: list[Person] | None = None

    def of(self, person: Person, campaign: Campaign) -> dict[Person, ToldAs]:
        """Return who is told that the person is overdue, and as what; nobody falls through while anybody is there.

        Her leads: of her team, else of her market, else of the organisation. A lead is no subordinate of those who
        lead beside her, so that her own delay is told one step further up. Where nobody leads, whoever answers for
        the document is told, and else the administrators. Those who mentor her are told besides.
        """
        leads = self._leads_above(person)
        told = dict.fromkeys(leads, ToldAs.LEAD) or dict.fromkeys(self._last_resort(person, campaign), ToldAs.ABOVE)
        for mentor in self._mentors(person):
            told.setdefault(mentor, ToldAs.MENTOR)
        return told

    def _leads_above(self, person: Person) -> list[Person]:
        places = [(Scope.TEAM, person.team.code), (Scope.MARKET, person.team.market.code)] if person.team else []
        for scope, code in [*places, (Scope.ORGANISATION, "")]:
            holders = self._who_holds(Role.LEAD, scope, code)
            if person in holders:
                continue
            here = self._present(holders)
            if here:
                return here
        return []

    def _last_resort(self, person: Person, campaign: Campaign) -> list[Person]:
        slug = campaign.version.document.slug
        if slug not in self._owners:
            self._owners[slug] = who_answers(slug)
        if self._administrators is None:
            self._administrators = accounts.list_administrators()
        for found in (self._owners[slug], self._administrators):
            others = [each for each in self._present(found) if each.id != person.id]
            if others:
                return others
        return []

    def _mentors(self, person: Person) -> list[Person]:
        cohorts = [(Scope.COHORT, code) for code in self._cohorts.get(person.id, ())]
        team = [(Scope.TEAM, person.team.code)] if person.team else []
        # Those of her cohort are nearer than those of her team.
        for places in (cohorts, team):
            found = [each for scope, code in places for each in self._who_holds(Role.MENTOR, scope, code)]
            others = [each for each in self._present(found) if each.id != person.id]
            if others:
                return others
        return []

    def _who_holds(self, role: Role, scope: Scope, code: str) -> list[Person]:
        key = (role, scope, code)
        if key not in self._holders:
            self._holders[key] = accounts.list_holders(role, scope, code)
        return self._holders[key]

    def _present(self, people: Sequence[Person]) -> list[Person]:
        """Return those who can read a mail now: they have accepted their invitation and are not on leave."""
        return [
            each for each in people if each.is_active and not each.is_invited and not is_away_today(each, self._away)
        ]


def still_overdue(ids: Collection[int]) -> list[AcknowledgementRequest]:
    """Return those of these requests that are still open, over, and of somebody who is there; by name."""
    now = clock.now()
    away, spared = queries.people_on_leave(now), exposure.list_spared(ids, as_others_see=True)
    found = [
        each
        for each in queries.list_requests_by_id(ids).values()
        if each.closed_at is None
        and each.due_at <= now
        and each.person.is_active
        and not is_away_today(each.person, away)
        # Who declines the statement is known to the wellbeing contact alone; whether it is answered is told to nobody.
        and each.id not in spared
    ]
    return sorted(found, key=lambda each: (each.person.sort_key, each.person_id))
