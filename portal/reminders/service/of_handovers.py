"""What of handovers is due on the way: for whoever hands over, for successors, and for the lead once it has passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from portal.accounts.models import Person
from portal.accounts.permissions import scopes_of_person
from portal.accounts.service.ownership import find_titled
from portal.calendars.rules import YearNotInTable
from portal.core.i18n import LazyText, Words, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.handover.models import Handover
from portal.handover.queries import handovers as queries
from portal.handover.rules import WITH_THE_SUCCESSOR, Milestone
from portal.handover.service.handovers import to_hand_back
from portal.handover.service.standing import Standing, is_real, plan_of, standings_of, today_of
from portal.reminders.queries import LookingAfter, Place
from portal.reminders.service.sources import Concern, Item, Recipient

_LAST_DAY = "last_day"


class HandoversDue:
    """Items of open handovers, by the day on which everything should be accepted."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return what of handovers these people do next; statements grow with the open handovers, not with them."""
        by_id = {each.person.id: each for each in recipients}
        found: dict[int, list[Item]] = defaultdict(list)
        looking_after = LookingAfter()
        _add_back(found, by_id, looking_after)
        handovers = queries.list_of_ids(queries.list_open_ids())
        if not handovers:
            return found
        standings = standings_of(handovers)
        things = {each.thing for standing in standings for each in standing.of(*WITH_THE_SUCCESSOR)}
        titles = {thing: title for thing, (_found, title) in find_titled(things).items()}
        for standing in standings:
            handover = standing.handover
            dates = _dates(handover)
            if dates is None:
                continue
            _add_own(found, by_id, standing, dates[Milestone.SIGN_OFF], titles)
            leads = looking_after.told(_place(handover.person)) & by_id.keys()
            if standing.with_lead:
                due_on = _lead_by(standing, dates)
                for person_id in leads:
                    found[person_id].append(_for_lead(handover, len(standing.with_lead), due_on))
            for step in _steps(standing, dates):
                _add_step(found, by_id, standing, step, leads)
        return found


@dataclass(frozen=True, slots=True)
class _Step:
    """A step on the way that is not done: of what name, due when, and who besides the lead is told of it before."""

    name: str
    what: LazyText
    due_on: date
    is_givers: bool = False
    # Whether a lead does it, or is told only once its day has passed.
    is_leads: bool = False


def _lead_by(standing: Standing, dates: Mapping[Milestone, date]) -> date:
    """Return by when a lead finds successors: at once of what came back, else when the items are looked through."""
    if any(each.successor is not None for each in standing.with_lead):
        return min(standing.today, dates[Milestone.INVENTORY])
    return dates[Milestone.INVENTORY]


def _add_back(found: dict[int, list[Item]], by_id: Mapping[int, Recipient], looking_after: LookingAfter) -> None:
    """Tell whoever is back from leave, and who leads her, what can be handed back."""
    for handover in queries.list_back(max(each.today for each in by_id.values())):
        count, back_on = len(to_hand_back(handover)), handover.back_on
        if not count or back_on is None or back_on > today_of(handover):
            continue
        what = _l("Hand back what moved for leave: %(count)s", count=count)
        for person_id in by_id.keys() & {handover.person_id, *looking_after.told(_place(handover.person))}:
            is_own = person_id == handover.person_id
            item = _item(handover, what, back_on, Concern.OWN)
            found[person_id].append(replace(item, who="") if is_own else item)


def _dates(handover: Handover) -> dict[Milestone, date] | None:
    try:
        return {each: due.on for each, due in plan_of(handover).dates.items()}
    except YearNotInTable:
        return None


def _steps(standing: Standing, dates: Mapping[Milestone, date]) -> list[_Step]:
    """Return what on the way of a handover is not done yet."""
    found = []
    if not standing.is_met(Milestone.PLAN):
        what = _l("Agree on the plan of the handover")
        found.append(_Step("plan", what, dates[Milestone.PLAN], is_givers=True, is_leads=True))
    if not standing.is_met(Milestone.INVENTORY):
        what = _l("Look through the items of the handover")
        found.append(_Step("inventory", what, dates[Milestone.INVENTORY], is_givers=True))
    if not standing.is_met(Milestone.CARDS):
        what = _l("Write the cards of what is critical: %(count)s", count=len(standing.without_first_cards))
        found.append(_Step("cards", what, dates[Milestone.CARDS], is_givers=True))
    # Of what waits for the lead she is told by itself.
    if left := len(standing.left) - len(standing.with_lead):
        what = _l("Items that nobody has accepted yet: %(count)s", count=left)
        found.append(_Step("sign_off", what, dates[Milestone.SIGN_OFF]))
    left = len(standing.left)
    if left and standing.handover.last_on < standing.today:
        what = _l("The last day has passed; items left: %(count)s", count=left)
    elif left:
        what = _l("Last day of the handover; items left: %(count)s", count=left)
    else:
        what = _l("Close the handover")
    found.append(_Step(_LAST_DAY, what, standing.handover.last_on, is_givers=bool(standing.left), is_leads=True))
    return found


def _add_step(
    found: dict[int, list[Item]],
    by_id: Mapping[int, Recipient],
    standing: Standing,
    step: _Step,
    leads: Collection[int],
) -> None:
    """Tell whoever hands over and the lead of a step before its day; once that has passed it is with the lead."""
    giver = by_id.get(standing.handover.person_id)
    if giver is not None and step.is_givers and step.due_on <= giver.until:
        found[giver.person.id].append(_step(standing.handover, step, Concern.OWN))
    # Once the last day has passed that says all of it.
    is_said = standing.handover.last_on < standing.today and step.name != _LAST_DAY
    for person_id in leads if not is_said else ():
        if step.due_on < standing.today:
            found[person_id].append(_step(standing.handover, step, Concern.ESCALATED))
        elif step.is_leads and step.due_on <= by_id[person_id].until:
            found[person_id].append(_step(standing.handover, step, Concern.OWN))


def _step(handover: Handover, step: _Step, concern: Concern) -> Item:
    item = _item(handover, step.what, step.due_on, concern)
    if concern is not Concern.ESCALATED:
        return item
    return replace(item, key=f"handover:{handover.code}:{step.name}:{step.due_on}", is_of_handover=True)


def _item(handover: Handover, what: LazyText, due_on: date, concern: Concern) -> Item:
    return Item(
        concern=concern,
        what=what,
        due_on=due_on,
        endpoint="handover.handover",
        values={"code": handover.code},
        way=_way(handover),
        who=handover.person.names,
    )


def _way(handover: Handover, *further: LazyText) -> tuple[LazyText, ...]:
    """Return where it is found; a rehearsal is called one."""
    kind = () if is_real(handover) else (_l("Rehearsal"),)
    return (lazy_pgettext("place", "Handovers"), *kind, handover.person.names, *further)


def _add_own(
    found: dict[int, list[Item]],
    by_id: Mapping[int, Recipient],
    standing: Standing,
    due_on: date,
    titles: Mapping[tuple[str, str], Words],
) -> None:
    for each in standing.of(*WITH_THE_SUCCESSOR):
        recipient = by_id.get(each.successor.id) if each.successor is not None else None
        if recipient is None or each.row is None or due_on > recipient.until:
            continue
        title = titles.get(each.thing, Words(each.title, each.title))
        found[recipient.person.id].append(
            Item(
                concern=Concern.OWN,
                what=_l("Take over “%(title)s”", title=title),
                due_on=due_on,
                endpoint="handover.item",
                values={"item": each.row.code},
                way=_way(standing.handover, title),
            )
        )


def _for_lead(handover: Handover, waiting: int, due_on: date) -> Item:
    what = _l("Find successors in a handover: %(count)s", count=waiting)
    return _item(handover, what, due_on, Concern.OWN)


def _place(person: Person) -> Place:
    """Return where somebody belongs, as those who lead her are found."""
    scopes = scopes_of_person(person)
    return Place(0, person.id, {scope: frozenset(codes) for scope, codes in scopes.items()})
