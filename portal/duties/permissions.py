"""Who sees and changes recurring tasks, and who answers for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Ownership, Person, Role, Scope
from portal.accounts.permissions import (
    holds,
    holds_everywhere,
    holds_for,
    is_self,
    leads,
    leads_people,
    open_grants,
)
from portal.accounts.service.ownership import OwnedThing
from portal.cohorts.permissions import Reach, reach_of
from portal.core.access import AnyOf, Permission
from portal.core.i18n import LazyText
from portal.duties import queries
from portal.duties.models import RecurringTask
from portal.duties.queries.cards import CARD_KIND
from portal.duties.service.successors import is_successor
from portal.organisation.models import Market, Team

SEE_RESPONSIBILITIES = Permission(
    "duties.see_responsibilities", "see who answers for what, of the things within one's reach"
)
SEE_RESPONSIBILITIES_OF = Permission("duties.see_responsibilities_of", "see what a person answers for")
SEE_RESPONSIBILITIES_OF_TEAM = Permission("duties.see_responsibilities_of_team", "see what a team's people answer for")
SEE_RESPONSIBILITY = Permission("duties.see_responsibility", "see who answers for a thing")
NAME_DEPUTY = Permission("duties.name_deputy", "name who stands in for the owner of a thing")
NAME_OWNER = Permission("duties.name_owner", "name another owner of a thing, and the team to which it falls")
SEE_TASKS = Permission("duties.see_tasks", "see the list of the recurring tasks within one's reach")
SEE_TASK = Permission("duties.see_task", "see a recurring task, its days and its history")
CREATE_TASKS = Permission("duties.create_tasks", "make a recurring task for a market or team within one's reach")
CHANGE_TASK = Permission("duties.change_task", "change the terms of a recurring task, or end it")
SEE_CARDS = Permission("duties.see_cards", "find the cards in the navigation; one's own are open to everybody")
SEE_CARD = Permission("duties.see_card", "read the card of a thing, and how much the thing matters")
WRITE_CARD = Permission("duties.write_card", "write the card of a thing, and say that it is still true")
JUDGE_CRITICALITY = Permission(
    "duties.judge_criticality", "judge how much it matters that a thing goes on; never of what one answers for oneself"
)
WEIGH_CRITICALITY = Permission(
    "duties.weigh_criticality",
    "judge how much it matters that a thing goes on, or propose it where one answers for it",
)
SEE_REMOVAL = Permission("duties.see_removal", "see that a text of a card waits to be taken out")
ASK_REMOVAL = Permission(
    "duties.ask_removal", "ask that a text of a card is taken out for good; another person confirms it"
)
ANSWER_REMOVAL = Permission(
    "duties.answer_removal", "open a request that a text of a card be taken out: withdraw one's own, decide another's"
)
DECIDE_REMOVAL = Permission(
    "duties.decide_removal", "confirm, or decline, that a text of a card is taken out; who asked does not confirm"
)
CREATE_CARDS = Permission("duties.create_cards", "write a card about what belongs to no other thing")
RECORD_RUN = Permission("duties.record_run", "record what became of a day of a recurring task, and take that back")

# Those who make recurring tasks; who leads a cohort alone does not.
MAKERS = (Role.LEAD, Role.POLICY_OWNER, Role.AUTHOR)
# Those who can answer for a recurring task or a card: everybody who does more than learn, or than look through.
KNOWING = tuple(role for role in Role if role not in (Role.LEARNER, Role.AUDITOR))


def only_audits(person: Person) -> bool:
    """Say whether the person looks through things and changes none: she could do nothing with what she answers for."""
    return bool(open_grants(person, Role.AUDITOR)) and not open_grants(person, *KNOWING)


@dataclass(frozen=True, slots=True)
class Answered:
    """One thing that somebody answers for, or should: `ownership` None where nobody is named."""

    kind: str
    kind_name: LazyText
    code: str
    thing: OwnedThing
    ownership: Ownership | None

    @property
    def owner(self) -> Person | None:
        """Who answers for it and has an active account."""
        found = self.ownership.owner if self.ownership else None
        return found if found is not None and found.is_active else None

    @property
    def deputy(self) -> Person | None:
        """Who stands in and has an active account."""
        found = self.ownership.deputy if self.ownership else None
        return found if found is not None and found.is_active else None


def reach_over_things(person: Person) -> Reach:
    """Return of which markets and teams the person sees who answers for what."""
    return reach_of(person, *MAKERS, Role.APPROVER, everywhere=(Role.ADMIN, Role.AUDITOR))


def reach_over_tasks(person: Person) -> Reach:
    """Return of which markets and teams the person sees the recurring tasks."""
    return reach_of(person, *MAKERS, everywhere=(Role.ADMIN, Role.AUDITOR))


def lies_within(reach: Reach, each: Answered) -> bool:
    """Say whether a thing is of a market or team within reach, or somebody there answers for it."""
    if reach.everywhere or each.thing.market_codes & reach.markets or each.thing.team_code in reach.teams:
        return True
    named = (each.ownership.owner, each.ownership.deputy) if each.ownership else ()
    return any(
        person is not None
        and (person.home_market.code in reach.markets or (person.team is not None and person.team.code in reach.teams))
        for person in named
    )


def _answered(thing: Any) -> Answered:
    assert isinstance(thing, Answered)
    return thing


def is_within_reach(person: Person, thing: Any) -> bool:
    """Say whether the thing, or somebody who answers for it, is within the person's reach."""
    return lies_within(reach_over_things(person), _answered(thing))


def is_led(person: Person, thing: Any) -> bool:
    """Say whether the thing is of a market or team that the person leads, or its owner is somebody there."""
    return lies_within(reach_of(person, Role.LEAD), _answered(thing))


def is_of_place_led(person: Person, thing: Any) -> bool:
    """Say whether the thing itself is of a market or team that the person leads."""
    reach, each = reach_of(person, Role.LEAD), _answered(thing)
    return reach.everywhere or bool(each.thing.market_codes & reach.markets) or each.thing.team_code in reach.teams


def is_card_led(person: Person, thing: Any) -> bool:
    """Say whether the thing is a card about nothing else, of somebody whom the person leads."""
    return _answered(thing).kind == CARD_KIND and is_led(person, thing)


def is_under_policy_owner(person: Person, thing: Any) -> bool:
    """Say whether the thing, or its owner, is within the reach of the person as policy owner."""
    return lies_within(reach_of(person, Role.POLICY_OWNER), _answered(thing))


def is_of_another_owner(person: Person, thing: Any) -> bool:
    """Say whether somebody else answers for the thing."""
    return not owns_it(person, thing)


def is_no_auditor(person: Person, _thing: Any) -> bool:
    """Say whether the person does not audit: who audits reads, whatever she answers for."""
    return not open_grants(person, Role.AUDITOR)


def owns_it(person: Person, thing: Any) -> bool:
    """Say whether the person is the owner of the thing."""
    found = _answered(thing).ownership
    return found is not None and found.owner_id == person.id


def stands_in(person: Person, thing: Any) -> bool:
    """Say whether the person is the deputy of the thing."""
    found = _answered(thing).ownership
    return found is not None and found.deputy_id == person.id


def takes_it_over(person: Person, thing: Any) -> bool:
    """Say whether the person is to take the thing over in a handover that is open."""
    found = _answered(thing)
    return is_successor(person, found.kind, found.code)


def may_read_card(person: Person, each: Answered) -> bool:
    """Say whether somebody reads a card in lists, without asking for each who is to take it over."""
    return owns_it(person, each) or stands_in(person, each) or is_led(person, each) or audits(person, each)


# --- Recurring tasks ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task of which is known who answers for it, as lists have it."""

    task: RecurringTask
    ownership: Ownership | None


def scopes_of_task(thing: RecurringTask | KnownTask) -> dict[Scope, set[str]]:
    """Return the market and the team of which the task is."""
    terms = (thing.task if isinstance(thing, KnownTask) else thing).latest
    return {Scope.MARKET: {terms.market.code}, Scope.TEAM: {terms.team.code} if terms.team else set()}


def answers_for_it(person: Person, thing: Any) -> bool:
    """Say whether the person is owner or deputy of the task."""
    owned = thing.ownership if isinstance(thing, KnownTask) else accounts.find_owner(queries.OWNED_KIND, thing.code)
    return owned is not None and person.id in (owned.owner_id, owned.deputy_id)


def makes_tasks(person: Person, thing: Any) -> bool:
    """Say whether the person leads or writes for the organisation, a market or a team."""
    return leads_people(person, thing) or bool(open_grants(person, Role.POLICY_OWNER, Role.AUTHOR))


def may_make_for(person: Person, market: Market, team: Team | None) -> bool:
    """Say whether the person may make a recurring task for a market, or for a team of it."""
    reach = reach_of(person, *MAKERS, everywhere=(Role.ADMIN,))
    return reach.everywhere or market.code in reach.markets or (team is not None and team.code in reach.teams)


def scopes_of_team(team: Team) -> dict[Scope, set[str]]:
    """Return the team and its market."""
    return {Scope.MARKET: {team.market.code}, Scope.TEAM: {team.code}}


audits = holds_everywhere(Role.AUDITOR)

TABLE: dict[Permission, AnyOf] = {
    # A mentor finds there what she answers for herself.
    SEE_RESPONSIBILITIES: [[holds(*MAKERS, Role.APPROVER, Role.MENTOR)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_RESPONSIBILITIES_OF: [[is_self], [holds_everywhere(Role.ADMIN, Role.AUDITOR)], [leads]],
    SEE_RESPONSIBILITIES_OF_TEAM: [
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
        [holds_for(Role.LEAD, scopes=scopes_of_team)],
    ],
    SEE_RESPONSIBILITY: [[owns_it], [stands_in], [is_within_reach]],
    NAME_DEPUTY: [[owns_it, is_no_auditor], [is_led], [holds_everywhere(Role.ADMIN)]],
    NAME_OWNER: [[is_of_place_led], [is_card_led], [holds_everywhere(Role.ADMIN)]],
    SEE_CARDS: [[holds(*MAKERS, Role.APPROVER, Role.MENTOR)], [holds_everywhere(Role.AUDITOR)]],
    SEE_CARD: [[owns_it], [stands_in], [is_led], [takes_it_over], [holds_everywhere(Role.AUDITOR)]],
    WRITE_CARD: [[owns_it, is_no_auditor], [stands_in, is_no_auditor], [is_led]],
    SEE_REMOVAL: [
        [owns_it],
        [stands_in],
        [is_led],
        [takes_it_over],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    ASK_REMOVAL: [[owns_it, is_no_auditor], [stands_in, is_no_auditor], [is_led], [takes_it_over]],
    ANSWER_REMOVAL: [
        [owns_it, is_no_auditor],
        [stands_in, is_no_auditor],
        [is_led],
        [takes_it_over],
        [holds_everywhere(Role.ADMIN)],
    ],
    # An administrator does so where nobody else leads, and does not read what it says.
    DECIDE_REMOVAL: [
        [owns_it, is_no_auditor],
        [stands_in, is_no_auditor],
        [is_led],
        [holds_everywhere(Role.ADMIN)],
    ],
    JUDGE_CRITICALITY: [
        [is_led, is_of_another_owner],
        [is_under_policy_owner, is_of_another_owner],
        [holds_everywhere(Role.ADMIN), is_of_another_owner],
    ],
    WEIGH_CRITICALITY: [
        [owns_it, is_no_auditor],
        [stands_in, is_no_auditor],
        [is_led],
        [is_under_policy_owner],
        [holds_everywhere(Role.ADMIN)],
    ],
    CREATE_CARDS: [[holds(*MAKERS, Role.APPROVER, Role.MENTOR)]],
    SEE_TASKS: [[holds(*MAKERS, Role.APPROVER, Role.MENTOR)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_TASK: [
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
        [holds_for(*MAKERS, scopes=scopes_of_task)],
        [answers_for_it],
    ],
    CREATE_TASKS: [[makes_tasks], [holds_everywhere(Role.ADMIN)]],
    CHANGE_TASK: [[holds_everywhere(Role.ADMIN)], [holds_for(*MAKERS, scopes=scopes_of_task)]],
    RECORD_RUN: [[answers_for_it, is_no_auditor], [holds_for(Role.LEAD, scopes=scopes_of_task)]],
}
