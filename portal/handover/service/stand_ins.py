"""Stand-ins for up to ten working days: they begin on their first day and give back after the last, by themselves."""

from __future__ import annotations

from datetime import date, timedelta

from portal.accounts.models import Person
from portal.accounts.service.owner_needs import Lacking, list_lacking, roles_of
from portal.accounts.service.ownership import set_owner
from portal.calendars.errors import unknown_years_refused
from portal.calendars.queries import working_calendar
from portal.calendars.rules import ONE_DAY, working_days_between
from portal.calendars.service.absences import list_absences
from portal.calendars.service.kept import Wanted
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import format_date
from portal.core.mail import send_later
from portal.handover import rules
from portal.handover.errors import (
    DaysInverted,
    DeclinedAlready,
    FirstDayPast,
    HandoverUnderWay,
    NoWorkingDay,
    PersonGone,
    StandInAway,
    StandInOver,
    StandInOverlaps,
    StandInTooLong,
    StandInUnfit,
    SuccessorLeaves,
    SuccessorUnfit,
    TooFarAhead,
)
from portal.handover.models import StandIn, StandInThing
from portal.handover.queries import handovers
from portal.handover.queries import stand_ins as queries
from portal.handover.queries.lending import to_give_back
from portal.handover.service import leave
from portal.handover.service.inventory import Thing, held_things
from portal.handover.service.leading import leads_of_person
from portal.handover.service.wording import checked_field, checked_reason
from portal.journal.service import record
from portal.organisation.models import Market

# Whoever ends what has run its days.
_SYSTEM = "system"


def today_in(market: Market) -> date:
    """Return the day in the market."""
    return clock.today(clock.zone_or_utc(market.time_zone))


def plan_stand_in(
    *,
    person: Person,
    stand_in: Person,
    first_on: date,
    last_on: date,
    ongoing: str,
    places: str,
    trouble: str,
    by: Person,
) -> StandIn:
    """Let somebody answer for a person's things from one day to another; what begins today goes over at once.

    It takes the place of those on these days whose stand-in has said that she cannot.

    Raises `FieldMissing`, `TextTooLong`, `LooksSecret`, `PersonGone`, `SuccessorUnfit`, `FirstDayPast`, `DaysInverted`,
    `NoWorkingDay`, `TooFarAhead`, `StandInTooLong`, `StandInOverlaps`, `StandInAway`, `SuccessorLeaves`,
    `HandoverUnderWay`, `StandInUnfit`, `HolidayYearUnknown`.
    """
    fields = {"ongoing": ongoing, "places": places, "trouble": trouble}
    said = [checked_field(text, name) for name, text in fields.items()]
    person = handovers.lock_person(person.id)
    if not person.is_active:
        raise PersonGone()
    if not stand_in.is_active or stand_in.id == person.id:
        raise SuccessorUnfit()
    check_days(person.home_market, first_on, last_on)
    present = handovers.find_open(person.id, is_real=True)
    if present is not None and not rules.stand_in_fits(present.reason, present.last_on, present.back_on, first_on):
        raise HandoverUnderWay()
    beside = list_beside(person, first_on, last_on)
    if any(each.declined_at is None for each in beside):
        raise StandInOverlaps()
    away = min(list_absences(first_on, last_on, of=[stand_in.id], for_good=True), default=None)
    if away is not None:
        if away.for_good:
            raise SuccessorLeaves(name=stand_in.names, day=format_date(away.first_on - ONE_DAY))
        raise StandInAway(name=stand_in.names, first=format_date(away.first_on), last=format_date(away.last_on))
    lacking = stays_behind(person, stand_in)
    if lacking and len(lacking) == len(held_things(person)):
        raise StandInUnfit(name=stand_in.names, roles=roles_of(lacking))
    for each in beside:
        replaced = queries.lock_stand_in(each.id)
        if replaced.ended_at is None:
            _end(replaced, by)
            leave.enter(replaced, by)
    row = StandIn(
        code=new_code(),
        person=person,
        stand_in=stand_in,
        first_on=first_on,
        last_on=last_on,
        ongoing=said[0],
        places=said[1],
        trouble=said[2],
        created_at=clock.now(),
        created_by=by.code,
    )
    session.add(row)
    session.flush()
    record(
        "handover.stand_in_planned",
        by=by,
        subject=("stand_in", row.code),
        after={
            "person": person.code,
            "stand_in": stand_in.code,
            "first_on": first_on.isoformat(),
            "last_on": last_on.isoformat(),
        },
    )
    send_later("handover.stand_in", {"code": row.code}, effect_key=f"handover.stand_in:{row.code}")
    if person.id != by.id:
        send_later(
            "handover.stand_in_planned",
            {"code": row.code, "to": person.code},
            effect_key=f"handover.stand_in_planned:{row.code}",
        )
    leave.enter(row, by)
    if first_on <= today_in(person.home_market):
        _begin(row)
    return row


def list_beside(person: Person, first_on: date, last_on: date) -> list[StandIn]:
    """Return what is planned or at work for a person on any of these days."""
    return [each for each in queries.list_not_over(person.id) if each.first_on <= last_on and first_on <= each.last_on]


def leave_with(person: Person, first_on: date, last_on: date) -> list[Wanted]:
    """Return which leave a stand-in on these days brings, with what becomes of that of those whose place it takes."""
    ended = [leave.ended_now(each) for each in list_beside(person, first_on, last_on) if each.declined_at is not None]
    return [*ended, (leave.NEW, (first_on, last_on))] if first_on <= last_on else ended


def stays_behind(person: Person, stand_in: Person) -> list[Lacking]:
    """Return what would stay with the person, since the stand-in lacks the role for it, by title."""
    return list_lacking(stand_in, {thing: row.thing for thing, row in held_things(person).items()})


def going_over(row: StandIn) -> tuple[list[Thing], list[Lacking]]:
    """Return what goes over on the first day, or went, and what stays for want of a role."""
    stays = stays_behind(row.person, row.stand_in)
    if row.begun_at is not None:
        return [(each.kind, each.thing_code) for each in queries.list_things([row.id])], stays
    behind = {each.thing for each in stays}
    return [thing for thing in held_things(row.person) if thing not in behind], stays


def check_days(market: Market, first_on: date, last_on: date) -> None:
    """Refuse days on which nobody can stand in; raises as `plan_stand_in` what is wrong with them."""
    today = today_in(market)
    if first_on < today:
        raise FirstDayPast()
    if last_on < first_on:
        raise DaysInverted()
    if last_on > today + timedelta(days=rules.LONGEST_NOTICE_DAYS):
        raise TooFarAhead()
    with unknown_years_refused():
        days = working_days_between(first_on - ONE_DAY, last_on, working_calendar(market))
    if days == 0:
        raise NoWorkingDay()
    if days > rules.LIGHT_UP_TO_DAYS:
        raise StandInTooLong(days=days, most=rules.LIGHT_UP_TO_DAYS)


def call_off(*, stand_in: StandIn, by: Person) -> int | None:
    """End it now: what went over comes back at once; return how many things, None where it had not begun.

    Raises `StandInOver`.
    """
    locked = queries.lock_stand_in(stand_in.id)
    if locked.ended_at is not None:
        raise StandInOver()
    back = _end(locked, by)
    leave.enter(locked, by)
    return back if locked.begun_at is not None else None


def decline(*, stand_in: StandIn, reason: str, by: Person) -> None:
    """Say as the stand-in that one cannot, and why; whoever leads, and whoever is away, find somebody else.

    What has not begun does not begin any more: everything stays with its owner. What has gone over stays with the
    stand-in until somebody else is named or it is called off, so that it is nobody's at no time.
    Raises `ReasonMissing`, `TextTooLong`, `LooksSecret`, `StandInOver`, `DeclinedAlready`.
    """
    said = checked_reason(reason)
    locked = queries.lock_stand_in(stand_in.id)
    if locked.ended_at is not None:
        raise StandInOver()
    if locked.declined_at is not None:
        raise DeclinedAlready()
    locked.declined_at, locked.decline_reason = clock.now(), said
    session.flush()
    record("handover.stand_in_declined", by=by, subject=("stand_in", locked.code))
    told = {each.code for each in [locked.person, *leads_of_person(locked.person)] if each.id != by.id}
    for code in sorted(told):
        send_later(
            "handover.stand_in_declined",
            {"code": locked.code, "to": code},
            effect_key=f"handover.stand_in_declined:{locked.code}:{code}",
        )


def end_for_leaver(person: Person, by: Person) -> None:
    """End what is planned or at work for, or by, somebody whose account is about to be closed.

    What was lent goes back to its owner first. Where it is she who goes, nobody answers for it afterwards, which two
    people have accepted; where it is the stand-in, the owner has it again.
    """
    for each in [*queries.list_not_over(person.id), *queries.list_not_over_by(person.id)]:
        locked = queries.lock_stand_in(each.id)
        if locked.ended_at is None:
            _end(locked, by, gone="person" if locked.person_id == person.id else "stand_in")


def look(stand_in_id: int) -> None:
    """Do what has come for a stand-in: begin it on its first day, end it after its last. Twice changes nothing."""
    locked = queries.lock_stand_in(stand_in_id)
    if locked.ended_at is not None:
        return
    today = today_in(locked.person.home_market)
    if today > locked.last_on:
        _end(locked, None)
    elif today >= locked.first_on and locked.begun_at is None and locked.declined_at is None:
        _begin(locked)


def _begin(row: StandIn) -> None:
    """Let everything live go to the stand-in for which she has the role.

    Where she has no account any more nothing goes, and it stays planned.
    """
    people = {each.id: each for each in handovers.hold_people([row.person_id, row.stand_in_id])}
    person, stand_in = people[row.person_id], people[row.stand_in_id]
    if not stand_in.is_active or not person.is_active or handovers.find_open(person.id, is_real=True) is not None:
        return
    stays = {each.thing for each in stays_behind(person, stand_in)}
    things = {thing: owned for thing, owned in held_things(person).items() if thing not in stays}
    row.begun_at = clock.now()
    session.flush()
    for (kind, code), owned in things.items():
        deputy = owned.ownership.deputy
        session.add(StandInThing(stand_in=row, kind=kind, thing_code=code, deputy_id=deputy.id if deputy else None))
    session.flush()
    record("handover.stand_in_begun", by=None, subject=("stand_in", row.code), after={"moved": len(things)})
    for (kind, code), owned in things.items():
        deputy = owned.ownership.deputy
        keep = deputy if deputy is not None and deputy.is_active and deputy.id != stand_in.id else None
        set_owner(
            kind=kind, code=code, owner=stand_in, deputy=keep, by=None, past_guards=True, within=("stand_in", row.code)
        )


def _pass(row: StandIn, thing: Thing, owner: Person, deputy: Person | None, by: Person | None) -> None:
    kind, code = thing
    set_owner(kind=kind, code=code, owner=owner, deputy=deputy, by=by, past_guards=True, within=("stand_in", row.code))


def _end(row: StandIn, by: Person | None, gone: str = "") -> int:
    """Give back what is still with the stand-in, or with whoever stands in for her now; return how many things."""
    (person,) = handovers.hold_people([row.person_id])
    back = to_give_back(row) if row.begun_at is not None and person.is_active else []
    row.ended_at, row.ended_by = clock.now(), by.code if by is not None else _SYSTEM
    session.flush()
    record("handover.stand_in_ended", by=by, subject=("stand_in", row.code), after={"moved": len(back)})
    deputies = {each.id: each for each in handovers.hold_people({each.deputy_id for each in back if each.deputy_id})}
    for each in back:
        deputy = deputies.get(each.deputy_id) if each.deputy_id is not None else None
        keep = deputy if deputy is not None and deputy.is_active and deputy.id != person.id else None
        set_owner(
            kind=each.kind,
            code=each.thing_code,
            owner=person,
            deputy=keep,
            by=by,
            past_guards=True,
            within=("stand_in", row.code),
        )
    _tell_end(row, by, len(back), gone)
    return len(back)


def _tell_end(row: StandIn, by: Person | None, back: int, gone: str) -> None:
    """Tell those two whom it concerns, and who leads where the stand-in goes; nobody what she did herself."""
    # Who said that she cannot waits for no news of what never came to her.
    told = {row.stand_in.code: row.stand_in} if row.declined_at is None or row.begun_at is not None else {}
    if by is not None:
        told[row.person.code] = row.person
    if gone:
        told |= {each.code: each for each in leads_of_person(row.person)}
    for code, each in sorted(told.items()):
        if by is None or each.id != by.id:
            send_later(
                "handover.stand_in_ended",
                {"code": row.code, "to": code, "things": back, "gone": gone},
                effect_key=f"handover.stand_in_ended:{row.code}:{code}",
            )
