"""Beginning a handover, moving its last day, calling it off, closing it, and handing back after leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal.accounts import queries as accounts
from portal.accounts.models import Person
from portal.accounts.service.owner_needs import Lacking, find_lacking, roles_of, titles_of
from portal.accounts.service.ownership import set_owner
from portal.calendars.errors import unknown_years_refused
from portal.calendars.queries import working_calendar
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import gettext as _
from portal.core.i18n import pgettext
from portal.duties.rules import Fulfilment
from portal.duties.service.tasks import fulfil
from portal.handover import rules
from portal.handover.errors import (
    AlreadyHandingOver,
    BackDayMissing,
    DaysMoved,
    DaysTheSame,
    HandoverOver,
    LastDayPast,
    LightIsEnough,
    MilestoneMetAlready,
    MilestoneNotSaid,
    NotAllAccepted,
    NothingToHandBack,
    NoticeAfterLastDay,
    NoticeLongAgo,
    OnlyLeaveEnds,
    PersonGone,
    RolesMissing,
    StandInUnderWay,
    TooFarAhead,
)
from portal.handover.models import Handover, HandoverDays, MilestoneMet, StandIn
from portal.handover.queries import handovers as queries
from portal.handover.queries import stand_ins
from portal.handover.queries.handovers import Course
from portal.handover.queries.lending import find_lenders
from portal.handover.rules import ItemState, Milestone, Plan, Reason
from portal.handover.service import issuing, leave
from portal.handover.service.inventory import Thing, live_things, synchronise
from portal.handover.service.leading import leads_of_person
from portal.handover.service.standing import Item, Standing, is_real, standing_of, today_of
from portal.handover.service.telling import Event, tell
from portal.handover.service.wording import checked_reason
from portal.journal.service import record
from portal.organisation.models import Market

_A_YEAR = timedelta(days=366)
# A refusal names so many things and says that there are more.
_MOST_NAMED = 5


def start(
    *, person: Person, reason: Reason, notice_on: date, last_on: date, back_on: date | None = None, by: Person
) -> Handover:
    """Begin to hand over everything live that the person answers for; an open rehearsal of hers is called off.

    Raises `AlreadyHandingOver`, `PersonGone`, `StandInUnderWay`, and what is wrong with the days (see `checked_days`).
    """
    person = queries.lock_person(person.id)
    if not person.is_active:
        raise PersonGone()
    checked_days(person.home_market, reason, notice_on, last_on, back_on)
    present = refuse_second(person, reason, last_on, back_on)
    if present is not None:
        call_off(handover=present, reason=_("A handover that is no rehearsal has begun."), by=by)
    now = clock.now()
    handover = Handover(
        code=new_code(),
        person=person,
        reason=reason,
        market=person.home_market,
        notice_on=notice_on,
        begun_at=now,
        begun_by=by,
    )
    handover.days.append(HandoverDays(last_on=last_on, back_on=back_on, set_at=now, set_by=by.code, reason=""))
    session.add(handover)
    session.flush()
    record(
        "handover.started",
        by=by,
        subject=("handover", handover.code),
        # Why she goes is nobody's business any more once it is closed; the journal would keep it.
        after={"person": person.code, "last_on": last_on.isoformat()},
    )
    synchronise(handover)
    leave.enter(handover, by)
    leads = leads_of_person(person)
    # Whoever leads and begins it knows; her colleagues hear of it by their lists.
    told = leads if is_real(handover) and by.id not in {each.id for each in leads} else []
    tell(handover, Event.BEGUN, [person, *told], by=by)
    return handover


def refuse_second(person: Person, reason: Reason, last_on: date, back_on: date | None) -> Handover | None:
    """Return the rehearsal that a handover for this reason until this day would call off, if there is one.

    Raises `AlreadyHandingOver` and `StandInUnderWay` where it cannot begin.
    """
    present = queries.find_open(person.id)
    if present is not None and (is_real(present) or reason is Reason.REHEARSAL):
        raise AlreadyHandingOver(f"/handovers/{present.code}")
    _refuse_stand_ins(person, reason, last_on, back_on)
    return present


def _refuse_stand_ins(person: Person, reason: Reason, last_on: date, back_on: date | None) -> None:
    if reason is Reason.REHEARSAL:
        return
    until = rules.busy_until(reason, last_on, back_on)
    for each in stand_ins.list_not_over(person.id):
        if each.begun_at is not None or each.first_on <= until:
            raise StandInUnderWay(f"/stand-ins/{each.code}")


def later_stand_ins(person: Person) -> list[StandIn]:
    """Return the stand-ins that go on beside a handover which can begin: they are planned for the days after it."""
    return [each for each in stand_ins.list_not_over(person.id) if each.begun_at is None]


def checked_days(market: Market, reason: Reason, notice_on: date, last_on: date, back_on: date | None) -> Plan:
    """Return what would be due when with these days.

    Raises `LastDayPast`, `NoticeAfterLastDay`, `NoticeLongAgo`, `TooFarAhead`, `BackDayMissing`, `OnlyLeaveEnds`,
    `LightIsEnough`, `HolidayYearUnknown`.
    """
    if back_on is not None and reason is not Reason.LEAVE:
        raise OnlyLeaveEnds()
    today = clock.today(clock.zone_or_utc(market.time_zone))
    farthest = max(today, notice_on) + timedelta(days=rules.LONGEST_NOTICE_DAYS)
    if notice_on < today - _A_YEAR:
        raise NoticeLongAgo()
    if notice_on > today + timedelta(days=rules.LONGEST_NOTICE_DAYS):
        raise TooFarAhead()
    if last_on < today:
        raise LastDayPast()
    if notice_on > last_on:
        raise NoticeAfterLastDay()
    if last_on > farthest or (last_on - notice_on).days > rules.LONGEST_NOTICE_DAYS:
        raise TooFarAhead()
    calendar = working_calendar(market)
    with unknown_years_refused():
        if reason is Reason.LEAVE:
            if back_on is None or back_on <= last_on:
                raise BackDayMissing()
            if back_on > last_on + timedelta(days=rules.LONGEST_NOTICE_DAYS):
                raise TooFarAhead()
            # Where leave goes on into years that no table knows it is long all the same.
            known = calendar.known_years
            until = back_on if known is None else min(back_on, date(known[-1], 12, 31))
            days = rules.days_of_leave(last_on, until, calendar)
            if days <= rules.LIGHT_UP_TO_DAYS:
                raise LightIsEnough(days=days, most=rules.LIGHT_UP_TO_DAYS)
        return rules.plan(notice_on, last_on, calendar)


def _lock(handover: Handover) -> Handover:
    locked = queries.lock_handover(handover.id)
    if not locked.is_open:
        raise HandoverOver()
    return locked


def move_last_day(
    *, handover: Handover, last_on: date, back_on: date | None, reason: str, seen: int, by: Person
) -> None:
    """Set another last day, and first day back; `seen` is how often it had been set when the form was read.

    Raises `HandoverOver`, `DaysMoved`, `DaysTheSame`, `ReasonMissing`, `StandInUnderWay` where they would reach a
    stand-in that is planned, and what is wrong with the days.
    """
    said = checked_reason(reason)
    locked = _lock(handover)
    if len(locked.days) != seen:
        raise DaysMoved()
    back_on = back_on if locked.reason is Reason.LEAVE else None
    before = locked.days[-1]
    if (before.last_on, before.back_on) == (last_on, back_on):
        raise DaysTheSame()
    check_moved(locked, last_on, back_on)
    locked.days.append(HandoverDays(last_on=last_on, back_on=back_on, set_at=clock.now(), set_by=by.code, reason=said))
    session.flush()
    leave.enter(locked, by)
    courses = synchronise(locked)
    tell(locked, Event.DAY_MOVED, [locked.person, *_successors(courses)], by=by, number=locked.days[-1].id)
    record(
        "handover.last_day_moved",
        by=by,
        subject=("handover", locked.code),
        before={"last_on": before.last_on.isoformat()},
        # Why is forgotten when it is closed; the journal would keep it.
        after={"last_on": last_on.isoformat()},
    )


def check_moved(handover: Handover, last_on: date, back_on: date | None) -> Plan:
    """Return what would be due when with other days; raises as `move_last_day` what is wrong with them."""
    plan = checked_days(handover.market, handover.reason, handover.notice_on, last_on, back_on)
    # A later day only: what is planned beside it already goes on.
    before = rules.busy_until(handover.reason, handover.last_on, handover.back_on)
    if rules.busy_until(handover.reason, last_on, back_on) > before:
        _refuse_stand_ins(handover.person, handover.reason, last_on, back_on)
    return plan


def meet(*, handover: Handover, milestone: Milestone, by: Person) -> None:
    """Say that the plan is agreed, or that the items are looked through: nobody is reminded of it any more.

    Raises `MilestoneNotSaid`, `HandoverOver`, `MilestoneMetAlready`.
    """
    if milestone not in rules.SAID:
        raise MilestoneNotSaid()
    locked = _lock(handover)
    synchronise(locked)
    if milestone in {each.milestone for each in queries.list_met([locked.id])}:
        raise MilestoneMetAlready()
    session.add(MilestoneMet(handover_id=locked.id, milestone=milestone, met_at=clock.now(), met_by=by))
    session.flush()
    record(
        "handover.milestone_met",
        by=by,
        subject=("handover", locked.code),
        after={"milestone": milestone.value},
    )


def call_off(*, handover: Handover, reason: str, by: Person) -> None:
    """End it without anything having moved. Raises `HandoverOver`, `ReasonMissing`."""
    said = checked_reason(reason)
    locked = _lock(handover)
    courses = synchronise(locked)
    locked.called_off_at, locked.called_off_by, locked.call_off_reason = clock.now(), by, said
    session.flush()
    leave.enter(locked, by)
    issuing.withdraw(locked, by)
    record("handover.called_off", by=by, subject=("handover", locked.code), reason=said)
    tell(locked, Event.CALLED_OFF, [locked.person, *_successors(courses)], by=by)


def _successors(courses: Sequence[Course]) -> list[Person]:
    """Return who is to take over something that is still to be handed over."""
    return [each.successor for each in courses if each.successor is not None and each.item.gone_at is None]


@dataclass(frozen=True, slots=True)
class Closed:
    """What came of closing: how many things moved, and of a rehearsal what would have stood in the way."""

    moved: int
    failed: list[Item]
    # Versions of dossiers that were issued with it.
    issued: int = 0


def close(*, handover: Handover, by: Person) -> Closed:
    """Close it: what was accepted moves to those who accepted it, all of it or nothing.

    The inventory is taken once more before, the dossiers are issued as they stand then, and why days were moved is
    forgotten. A rehearsal moves nothing, tells what is missing, and fulfils the task whose rhythm it is in; one of
    nothing at all fulfils nothing. Raises `HandoverOver`, `NotAllAccepted` where something live has nobody who
    accepted it, and `RolesMissing` where whoever accepted it could do nothing with it.
    """
    locked = _lock(handover)
    # Read once: what is withdrawn meanwhile by somebody else would be gone for one and still there for another.
    live = live_things(locked.person)
    courses = synchronise(locked, live)
    # None of them is deactivated while things move to her.
    queries.hold_people({each.successor.id for each in courses if each.successor is not None})
    standing = standing_of(locked, live)
    left = standing.left
    if left and is_real(locked):
        named = pgettext("list", ", ").join(each.title for each in left[:_MOST_NAMED])
        raise NotAllAccepted(titles=f"{named} …" if len(left) > _MOST_NAMED else named)
    lacking = list_lacking(standing)
    if lacking and is_real(locked):
        raise RolesMissing(titles=titles_of(lacking), roles=roles_of(lacking))
    issued = issuing.issue_last(locked, by, standing)
    forgotten = forget(locked)
    # Closed before anything moves: what moves by closing is not missed in what is open.
    locked.closed_at, locked.closed_by = clock.now(), by
    session.flush()
    accepted = standing.of(ItemState.ACCEPTED)
    record(
        "handover.closed",
        by=by,
        subject=("handover", locked.code),
        after={
            "moved": len(accepted) if is_real(locked) else 0,
            "left": len(left),
            **({"forgotten": forgotten} if forgotten else {}),
        },
    )
    tell(locked, Event.CLOSED, [locked.person, *_successors(courses)], by=by)
    if not is_real(locked):
        if any(each.state is not ItemState.GONE for each in standing.items):
            fulfil(kind=Fulfilment.REHEARSAL, person=locked.person, with_code=locked.code, by=by)
        return Closed(0, left)
    for each in accepted:
        successor = each.successor
        assert successor is not None
        _move(each, successor, locked, by)
    return Closed(len(accepted), [], len(issued))


def forget(handover: Handover) -> int:
    """Forget what of whoever hands over nobody needs any more: why days were moved. Return how many reasons."""
    told = [each for each in handover.days if each.reason]
    for each in told:
        each.reason = ""
    session.flush()
    return len(told)


def list_lacking(standing: Standing) -> list[Lacking]:
    """Return what was accepted by somebody who lacks the role for it by now, by title."""
    by_successor: dict[Person, list[Thing]] = defaultdict(list)
    for each in standing.of(ItemState.ACCEPTED):
        if each.successor is not None:
            by_successor[each.successor].append(each.thing)
    found = [lacking for person, things in by_successor.items() for lacking in find_lacking(person, things)]
    return sorted(found, key=lambda each: (each.title, each.thing))


def _move(item: Item, to: Person, handover: Handover, by: Person) -> None:
    kind, code = item.thing
    present = accounts.find_owner(kind, code)
    deputy = present.deputy if present is not None else None
    keep = deputy if deputy is not None and deputy.is_active and deputy.id not in (to.id, handover.person_id) else None
    set_owner(kind=kind, code=code, owner=to, deputy=keep, by=by, within=("handover", handover.code))


def to_hand_back(handover: Handover) -> list[Item]:
    """Return what moved by closing a leave and is still with those who took it over, so that it can come back."""
    if handover.reason is not Reason.LEAVE or handover.closed_at is None or handover.handed_back_at is not None:
        return []
    if not handover.person.is_active:
        return []
    found = []
    for each in standing_of(handover).of(ItemState.ACCEPTED):
        present = accounts.find_owner(*each.thing)
        if present is not None and each.successor is not None and present.owner_id == each.successor.id:
            found.append(each)
    return found


def stays_elsewhere(handover: Handover) -> list[tuple[Item, Person]]:
    """Return what moved by closing a leave and is a third person's by now, with her: it does not come back."""
    if handover.reason is not Reason.LEAVE or handover.closed_at is None or handover.handed_back_at is not None:
        return []
    found = []
    for each in standing_of(handover).of(ItemState.ACCEPTED):
        present = accounts.find_owner(*each.thing)
        takers = {handover.person_id, each.successor.id if each.successor is not None else None}
        if present is not None and present.owner_id not in takers:
            found.append((each, present.owner))
    # What is only with a stand-in goes back to whoever took it over, or to her, by itself.
    lenders = find_lenders(each.thing for each, _owner in found)
    return [
        (each, owner)
        for each, owner in found
        if (lender := lenders.get(each.thing)) is None
        or lender.id not in (handover.person_id, each.successor.id if each.successor is not None else None)
    ]


def deputy_after(item: Item, person: Person) -> Person | None:
    """Return who stands behind a thing once it is back with the person: who did before, else whoever took it over."""
    before = accounts.find_ownership_of(*item.thing, person.id)
    return next(
        (
            each
            for each in (before.deputy if before is not None else None, item.successor)
            if each is not None and each.is_active and each.id != person.id
        ),
        None,
    )


def hand_back(*, handover: Handover, by: Person) -> int:
    """Give everything back that moved for leave and did not change hands since; return how many things.

    Its deputy is who was it before; where nobody was, or she has gone, whoever took it over. Raises
    `NothingToHandBack`.
    """
    locked = queries.lock_handover(handover.id)
    found = to_hand_back(locked)
    if not found:
        raise NothingToHandBack()
    locked.handed_back_at, locked.handed_back_by = clock.now(), by.code
    session.flush()
    record("handover.handed_back", by=by, subject=("handover", locked.code), after={"moved": len(found)})
    for each in found:
        deputy = deputy_after(each, locked.person)
        # It comes back even from somebody who is about to go herself.
        set_owner(
            kind=each.thing[0],
            code=each.thing[1],
            owner=locked.person,
            deputy=deputy,
            by=by,
            past_guards=True,
            within=("handover", locked.code),
        )
    tell(locked, Event.HANDED_BACK, [locked.person, *(each.successor for each in found if each.successor)], by=by)
    return len(found)


def is_late(handover: Handover) -> bool:
    """Say whether it is open past its last day."""
    return handover.is_open and today_of(handover) > handover.last_on


def sweep_one(handover_id: int) -> None:
    """Bring the items of an open handover up to date."""
    locked = queries.lock_handover(handover_id)
    if locked.is_open:
        synchronise(locked)
        issuing.address(locked, None)
