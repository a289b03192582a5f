"""How a handover stands: each item as of now, what is left, and the dates ahead. Nothing is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from portal.accounts.models import Person
from portal.accounts.service.ownership import OwnedRow, OwnedThing, find_things, kinds
from portal.calendars.queries import working_calendar
from portal.calendars.rules import WorkingCalendar
from portal.calendars.service.absences import Absence
from portal.core import clock
from portal.core.access import Permission
from portal.core.clock import local_date
from portal.core.i18n import LazyText
from portal.duties.models import Card
from portal.duties.queries import find_cards, find_criticalities
from portal.duties.rules import DEFAULT_CRITICALITY, Criticality
from portal.duties.rules.cards import missing_parts
from portal.handover import rules
from portal.handover.models import Handover, HandoverItem, MilestoneMet
from portal.handover.queries import absences
from portal.handover.queries import handovers as queries
from portal.handover.queries.handovers import Course
from portal.handover.rules import DayLeft, Decision, GoneAs, ItemState, Milestone, Reason, Trace
from portal.handover.service.inventory import Thing, compare, is_single_point, live_things


@dataclass(frozen=True, slots=True)
class Item:
    """One item as of now, or as of the end of its handover; `row` is None for what was gained and not noted yet."""

    thing: Thing
    title: str
    kind_name: LazyText
    href: str | None
    needs: Permission | None
    needs_on: Any
    row: HandoverItem | None
    course: Course | None
    state: ItemState
    gone_as: GoneAs | None
    criticality: Criticality
    is_single_point: bool
    card: Card | None
    # The thing itself, where it can be found.
    owned: OwnedThing | None = None
    # That its successor has had her last day, or is on long leave until this handover is over.
    away: Absence | None = None
    # Who stands behind whoever hands over, as long as it is hers.
    deputy: Person | None = None

    @property
    def key(self) -> str:
        """By what forms name it, whether it is noted already or not."""
        return f"{self.thing[0]}:{self.thing[1]}"

    @property
    def score(self) -> int:
        """How urgent it is."""
        return rules.score(self.criticality, is_single_point=self.is_single_point)

    @property
    def successor(self) -> Person | None:
        """Who is to take it over."""
        return self.course.successor if self.course is not None else None

    @property
    def is_written(self) -> bool:
        """Whether its card says something under each of the six headings."""
        card = self.card
        return card is not None and bool(card.versions) and not missing_parts(card.latest.parts)

    @property
    def taker(self) -> Person | None:
        """Who takes it over as it stands: whoever refused it, or has left, does not."""
        return None if self.is_with_lead else self.successor

    @property
    def is_left(self) -> bool:
        """Whether it keeps its handover open."""
        return self.state not in rules.SETTLED

    @property
    def is_with_lead(self) -> bool:
        """Whether it waits for the lead."""
        return self.state in rules.WITH_THE_LEAD or (self.away is not None and self.state in rules.WITH_THE_SUCCESSOR)


@dataclass(frozen=True, slots=True)
class Standing:
    """A handover with its items: what is left first, by how urgent it is."""

    handover: Handover
    items: Sequence[Item]
    today: date
    # What somebody said is done on the way.
    said: Sequence[MilestoneMet] = ()
    # From today on, of all people, by stand-ins and handovers; None where nobody takes anything over.
    absences: Sequence[Absence] | None = None

    @property
    def without_first_cards(self) -> list[Item]:
        """What is critical, still to be handed over, and whose card is not written, or not under all headings."""
        return [each for each in self.left if each.criticality is Criticality.CRITICAL and not each.is_written]

    @property
    def has_critical(self) -> bool:
        """Whether anything that is critical is, or was, to be handed over."""
        return any(each.criticality is Criticality.CRITICAL for each in self.items if each.state is not ItemState.GONE)

    def is_met(self, milestone: Milestone) -> bool:
        """Say whether a step on the way is done: somebody said so, or it follows; of nothing left all of them are."""
        if not self.left:
            return True
        if milestone in rules.SAID:
            return milestone in {each.milestone for each in self.said}
        return milestone is Milestone.CARDS and not self.without_first_cards

    def of(self, *states: ItemState) -> list[Item]:
        """Return the items in these states."""
        return [each for each in self.items if each.state in states]

    @property
    def left(self) -> list[Item]:
        """What keeps it open."""
        return [each for each in self.items if each.is_left]

    @property
    def with_lead(self) -> list[Item]:
        """What waits for the lead."""
        return [each for each in self.items if each.is_with_lead]


def is_real(handover: Handover) -> bool:
    """Say whether things move when it is closed."""
    return handover.reason is not Reason.REHEARSAL


def end_of(handover: Handover) -> datetime | None:
    """Return when it was closed or called off; what came later does not change it."""
    return handover.closed_at or handover.called_off_at


def today_of(handover: Handover) -> date:
    """Return the day in the market whose working days count."""
    zone = handover.market.time_zone
    return clock.today(clock.zone_or_utc(zone))


def day_in(handover: Handover, at: datetime) -> date:
    """Return on which day of the market something was."""
    zone = handover.market.time_zone
    return local_date(at, clock.zone_or_utc(zone))


def calendar_of(handover: Handover) -> WorkingCalendar:
    """Return the working days of the market; nobody's own leave counts."""
    return working_calendar(handover.market)


def standing_of(handover: Handover, live: Mapping[Thing, OwnedRow] | None = None) -> Standing:
    """Return how one handover stands; `live` is what is its person's, where it was read already."""
    return standings_of([handover], {} if live is None else {handover.id: live})[0]


def standings_of(
    handovers: Sequence[Handover], known_live: Mapping[int, Mapping[Thing, OwnedRow]] = MappingProxyType({})
) -> list[Standing]:
    """Return how handovers stand; statements grow with the open ones, by what their people answer for.

    `known_live` is what is whose, by the row number of the handover, where it was read already.
    """
    courses: dict[int, list[Course]] = {each.id: [] for each in handovers}
    for course in queries.list_courses(list(courses)):
        courses[course.item.handover_id].append(course)
    live = {
        each.id: known_live[each.id] if each.id in known_live else (live_things(each.person) if each.is_open else {})
        for each in handovers
    }
    things = {thing for found in live.values() for thing in found}
    things |= {(each.item.kind, each.item.thing_code) for found in courses.values() for each in found}
    named = _Named(things, {thing: row.thing for found in live.values() for thing, row in found.items()})
    taking = {
        each.successor.id: today_of(handover)
        for handover in handovers
        if handover.is_open
        for each in courses[handover.id]
        if each.successor is not None and each.item.gone_at is None
    }
    known = list(absences.list_absences(min(taking.values()), date.max)) if taking else []
    for absence in known:
        if absence.person_id in taking:
            named.away[absence.person_id].append(absence)
    said: dict[int, list[MilestoneMet]] = {each.id: [] for each in handovers}
    for met in queries.list_met([each.id for each in handovers if each.is_open]):
        said[met.handover_id].append(met)
    return [
        replace(
            named.standing(each, courses[each.id], live[each.id]),
            said=tuple(said[each.id]),
            absences=known if taking else None,
        )
        for each in handovers
    ]


class _Named:
    """What is known of things besides their items, read together."""

    def __init__(self, things: Collection[Thing], live: Mapping[Thing, OwnedThing]) -> None:
        self._kinds = kinds()
        self._cards = find_cards(things)
        self._criticalities = find_criticalities(things)
        # What somebody answers for now was read with that.
        self._found = find_things(thing for thing in things if thing not in live) | dict(live)
        # When successors are away.
        self.away: dict[int, list[Absence]] = defaultdict(list)

    def standing(self, handover: Handover, courses: Sequence[Course], live: Mapping[Thing, OwnedRow]) -> Standing:
        end = end_of(handover)
        items = []
        if end is None:
            found = compare(courses, live, handover.person)
            items = [self._new(thing, live[thing]) for thing in found.gained]
            back = set(found.back)
            for course in courses:
                thing = (course.item.kind, course.item.thing_code)
                gone = found.gone.get(thing) or (course.item.gone_as if thing not in back else None)
                items.append(self._item(course, gone, None, live.get(thing), is_back=thing in back))
        else:
            items = [self._item(course, course.item.gone_as, end, None) for course in courses]
        items.sort(key=lambda each: (each.state is ItemState.GONE, -each.score, each.title, each.thing))
        return Standing(handover, items, today_of(handover))

    def _new(self, thing: Thing, row: OwnedRow) -> Item:
        return Item(
            thing=thing,
            title=row.thing.title,
            kind_name=row.kind_name,
            href=row.thing.href,
            needs=row.thing.needs,
            needs_on=row.thing.needs_on,
            row=None,
            course=None,
            state=ItemState.UNASSIGNED,
            gone_as=None,
            criticality=self._criticalities.get(thing, DEFAULT_CRITICALITY),
            is_single_point=is_single_point(row),
            card=self._cards.get(thing),
            owned=row.thing,
            deputy=row.ownership.deputy,
        )

    def _item(
        self, course: Course, gone: GoneAs | None, end: datetime | None, row: OwnedRow | None, *, is_back: bool = False
    ) -> Item:
        item = course.item
        thing = (item.kind, item.thing_code)
        known = self._found.get(thing)
        card = self._cards.get(thing)
        if card is not None and end is not None and card.created_at > end:
            card = None
        # What is over is shown as it was found; what is open, as it matters now.
        criticality = item.criticality if end is not None else self._criticalities.get(thing, DEFAULT_CRITICALITY)
        away = self._away(course) if end is None and not is_back else None
        return Item(
            thing=thing,
            title=known.title if known is not None else item.title,
            kind_name=self._kinds[item.kind].name if item.kind in self._kinds else item.kind,
            href=known.href if known is not None else None,
            needs=known.needs if known is not None else None,
            needs_on=known.needs_on if known is not None else None,
            row=item,
            course=course,
            state=state_of(
                course,
                is_gone=gone is not None,
                has_card=card is not None,
                end=end,
                is_back=is_back,
                has_left=away is not None and away.for_good,
            ),
            gone_as=gone,
            criticality=criticality,
            is_single_point=is_single_point(row) if row is not None else item.is_single_point,
            card=card,
            owned=known,
            away=away,
            deputy=row.ownership.deputy if row is not None else None,
        )

    def _away(self, course: Course) -> Absence | None:
        """Return that the successor has gone, or is away beyond the last day of the handover."""
        handover, found = course.item.handover, self.away.get(course.successor.id, ()) if course.successor else ()
        if not found:
            return None
        today = today_of(handover)
        return max(
            (
                each
                for each in found
                if each.first_on <= today <= each.last_on and (each.for_good or each.last_on >= handover.last_on)
            ),
            key=lambda each: (each.for_good, each.last_on),
            default=None,
        )


def state_of(
    course: Course,
    *,
    is_gone: bool,
    has_card: bool,
    end: datetime | None = None,
    is_back: bool = False,
    has_left: bool = False,
) -> ItemState:
    """Return where an item stands, or stood when its handover ended; what is back is with the lead.

    `has_left`: the last day of its successor has passed, whether her account is closed or not.
    """
    successor, decision = (course.successor, course.decision) if not is_back else (None, None)
    is_active = (
        successor is not None
        and not has_left
        and (successor.deactivated_at is None or (end is not None and successor.deactivated_at > end))
    )
    return rules.item_state(
        is_gone=is_gone,
        has_successor=successor is not None,
        is_successor_active=is_active,
        decision=decision.decision if decision is not None else None,
        stages=[each.stage for each in course.own_evidence] if successor is not None else [],
        has_card=has_card,
    )


# --- The days left -----------------------------------------------------------------------------


def plan_of(handover: Handover) -> rules.Plan:
    """Return the dates of a handover. Raises `YearNotInTable`."""
    return rules.plan(handover.notice_on, handover.last_on, calendar_of(handover))


def burn_down_of(standing: Standing) -> list[DayLeft]:
    """Return how much was left on each working day. Raises `YearNotInTable`."""
    handover = standing.handover
    end = end_of(handover)
    until = standing.today if end is None else min(standing.today, day_in(handover, end))
    return rules.burn_down(
        [_trace(handover, each) for each in standing.items],
        notice_on=handover.notice_on,
        last_on=handover.last_on,
        today=until,
        calendar=calendar_of(handover),
    )


def _trace(handover: Handover, item: Item) -> Trace:
    begun_on = day_in(handover, handover.begun_at)
    if item.row is None or item.course is None:
        return Trace(today_of(handover))
    turns: list[tuple[datetime, int, bool]] = [
        *((each.set_at, 0, False) for each in item.course.assignments),
        *((each.decided_at, 1, each.decision is Decision.ACCEPTED) for each in item.course.decisions),
    ]
    successor = item.successor
    if successor is not None and successor.deactivated_at is not None and item.state is ItemState.SUCCESSOR_GONE:
        turns.append((successor.deactivated_at, 2, False))
    days = [(day_in(handover, at), settled) for at, _order, settled in sorted(turns)]
    if item.away is not None and item.state is ItemState.SUCCESSOR_GONE:
        days.append((item.away.first_on, False))
    found_on = day_in(handover, item.row.found_at)
    gone_on = None
    if item.state is ItemState.GONE:
        gone_on = day_in(handover, item.row.gone_at) if item.row.gone_at is not None else today_of(handover)
    return Trace(
        # What was there when it began was to be done from the day of the notice on.
        min(found_on, handover.notice_on) if found_on <= begun_on else found_on,
        gone_on,
        tuple(sorted(days, key=lambda each: each[0])),
    )


def title_of(item: HandoverItem) -> str:
    """Return what an item is called in the language of the page, or as it was found where it is no more."""
    thing = find_things([(item.kind, item.thing_code)]).get((item.kind, item.thing_code))
    return thing.title if thing is not None else item.title
