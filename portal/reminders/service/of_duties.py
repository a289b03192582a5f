"""What recurring tasks have to tell: what waits, what is overdue with others, and what only one person knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from portal.accounts.models import Ownership, Role, Scope
from portal.accounts.permissions import open_grants
from portal.backfill.queries.few import Few, FewKnown
from portal.calendars import queries as calendars
from portal.calendars.rules import YearNotInTable, working_days_between
from portal.calendars.service.absences import list_absences
from portal.core import clock
from portal.core.i18n import LazyText, Words, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.duties.models import RecurringTask
from portal.duties.queries import tasks as queries
from portal.duties.rules.recurring import Standing
from portal.organisation import queries as organisation
from portal.reminders.queries import LookingAfter, Place
from portal.reminders.service.sources import Concern, Item, Recipient


class TasksDue:
    """Recurring tasks: told to their owner, to the deputy where she is away, and to who leads once they are late."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return what of recurring tasks concerns these people."""
        found: dict[int, list[Item]] = defaultdict(list)
        running = queries.list_running_tasks()
        if not running:
            return found
        by_id = {each.person.id: each for each in recipients}
        owners, standings = queries.owners_of(running), queries.standings_of(running)
        away = _away([owned for owned in owners.values() if owned.deputy_id in by_id])
        looking_after, days = LookingAfter(), organisation.escalated_after()
        books = queries.books_of(running)
        for task in running:
            owned, standing = owners.get(task.code), standings[task.id]
            if owned is None:
                continue
            told = by_id.get(owned.owner_id) if owned.owner_id not in away else None
            if told is None and owned.owner_id in away and owned.deputy_id is not None:
                told = by_id.get(owned.deputy_id)
            if told is not None and standing.due_on is not None and standing.due_on <= told.until:
                found[told.person.id].append(_own(task, standing))
            if standing.overdue and _is_late(standing.overdue[0].on, task, books, days):
                for person_id in looking_after.told(_place_of(task, owned)) & by_id.keys() - {owned.owner_id}:
                    found[person_id].append(_late(task, standing, owned))
        return found


def _own(task: RecurringTask, standing: Standing) -> Item:
    assert standing.due_on is not None
    return Item(
        concern=Concern.OWN,
        what=task.title,
        due_on=standing.due_on,
        endpoint="duties.task",
        values={"code": task.code},
        way=(_l("Today"), _l("Recurring tasks"), task.title),
        note=_l("%(count)s days wait", count=len(standing.open)) if len(standing.open) > 1 else "",
        minutes=task.latest.minutes or 0,
    )


def _late(task: RecurringTask, standing: Standing, owned: Ownership) -> Item:
    first = standing.overdue[0].on
    return Item(
        concern=Concern.ESCALATED,
        what=task.title,
        due_on=first,
        endpoint="duties.task",
        values={"code": task.code},
        way=(_l("Recurring tasks"), task.title),
        who=owned.owner.names,
        key=f"task:{task.code}:{first}",
    )


def _away(owned: Sequence[Ownership]) -> set[int]:
    """Return which of these owners are not active, or away today in their zone."""
    people = {each.owner_id: each.owner for each in owned}
    today = {person_id: clock.today(person.time_zone) for person_id, person in people.items()}
    if not today:
        return set()
    away = {person_id for person_id, person in people.items() if not person.is_active}
    for each in list_absences(min(today.values()), max(today.values()), of=people, for_good=True):
        if each.first_on <= today[each.person_id] <= each.last_on:
            away.add(each.person_id)
    return away


def _is_late(due_on: date, task: RecurringTask, books: calendars.Calendars, days: int) -> bool:
    try:
        calendar = books.of(task.latest.market_id)
        return working_days_between(due_on, queries.today_of(task), calendar) >= days
    except YearNotInTable:
        return True


def _place_of(task: RecurringTask, owned: Ownership) -> Place:
    terms = task.latest
    codes = {Scope.MARKET: frozenset([terms.market.code])}
    if terms.team is not None:
        codes[Scope.TEAM] = frozenset([terms.team.code])
    return Place(0, owned.owner_id, codes)


class KnownToOne:
    """Critical things with fewer than two people: told to who leads when it begins, and again each week."""

    def items_for(self, recipients: Sequence[Recipient]) -> Mapping[int, Sequence[Item]]:
        """Return what of them is told to these people: what Today tells them, of administrators what nobody leads."""
        found: dict[int, list[Item]] = defaultdict(list)
        asked = [each for each in recipients if open_grants(each.person, Role.LEAD, Role.ADMIN)]
        if not asked:
            return found
        known, looking_after = FewKnown(), LookingAfter()
        for each in asked:
            person = each.person
            found[person.id] = [
                _few(few, each) for few in known.of(person) if person.id in looking_after.told(_place_of_thing(few))
            ]
        return found


def _few(few: Few, recipient: Recipient) -> Item:
    if few.place is None:
        endpoint, values = "duties.name_owners", {"kind": few.kind, "code": few.code}
        way: tuple[LazyText, ...] = (_l("Responsibilities"), few.title)
        note = _l("on paper: fewer than two people are named")
    else:
        endpoint = "backfill.matrix"
        values = {"scope": "team" if few.place.team else "market", "code": few.place.code, "kind": few.kind}
        way = (lazy_pgettext("place", "Backfill"), few.place.name, few.title)
        note = _l("%(number)s at level 3 or more", number=few.able)
    return Item(
        concern=Concern.ALONE,
        what=few.title,
        due_on=clock.local_date(few.since, recipient.person.time_zone),
        endpoint=endpoint,
        values=values,
        way=way,
        who=_owner_names(few.ownership),
        note=note,
        key=few.key,
    )


def _owner_names(owned: Ownership | None) -> LazyText:
    return owned.owner.names if owned is not None and owned.owner.is_active else Words("nobody", "責任者なし")


def _place_of_thing(each: Few) -> Place:
    if each.place is not None:
        codes = {Scope.MARKET: frozenset([each.place.market.code])}
        if each.place.team is not None:
            codes[Scope.TEAM] = frozenset([each.place.team.code])
        return Place(0, 0, codes)
    owner = each.ownership.owner if each.ownership is not None else None
    codes = {Scope.MARKET: each.thing.market_codes, Scope.TEAM: frozenset([each.thing.team_code or ""]) - {""}}
    if owner is not None and not codes[Scope.MARKET] and not codes[Scope.TEAM]:
        # What is the whole organisation's is looked after where its owner is.
        codes = {Scope.MARKET: frozenset([owner.home_market.code])}
        if owner.team is not None:
            codes[Scope.TEAM] = frozenset([owner.team.code])
    return Place(0, owner.id if owner is not None else 0, codes)
