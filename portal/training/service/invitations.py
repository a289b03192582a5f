"""When newcomers are invited and told of their plan, and what another first day of theirs changes of that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time

from portal.accounts.models import Person
from portal.accounts.service import links
from portal.calendars.queries import working_calendar
from portal.calendars.rules import WorkingCalendar, YearNotInTable, add_working_days
from portal.core import clock, jobs, mail
from portal.core.mail import send_all_later, send_later
from portal.organisation.models import Market
from portal.training import queries
from portal.training.models import Enrollment, NewStart
from portal.training.rules import INVITED_AT_HOUR, INVITED_DAYS_BEFORE


def invited_at(starts_on: date, market: Market, calendar: WorkingCalendar) -> datetime | None:
    """Return when invitations go out for a first day; None where that is now, has passed, or cannot be counted."""
    at = hour_of_invitation(starts_on, market, calendar)
    return at if at is not None and at > clock.now() else None


def hour_of_invitation(starts_on: date, market: Market, calendar: WorkingCalendar) -> datetime | None:
    """Return when invitations for a first day go out, or went out; None where that cannot be counted."""
    with suppress(YearNotInTable):
        on = add_working_days(starts_on, -INVITED_DAYS_BEFORE, calendar).on
        return datetime.combine(on, time(INVITED_AT_HOUR), clock.zone_info(market.time_zone))
    return None


def tell_of_plan(enrollment: Enrollment, at: datetime | None) -> None:
    """Owe the learner the mail about her plan, for an instant or at once."""
    send_later("training.plan_started", {"code": enrollment.code}, effect_key=_key(enrollment), not_before=at)


def tell_all_of_plan(enrollments: Iterable[Enrollment], at: Mapping[int, datetime | None]) -> None:
    """Owe each of these learners the mail about her plan, for the instant that her row stands for, else at once."""
    of_instants: dict[datetime | None, list[Enrollment]] = defaultdict(list)
    for each in enrollments:
        of_instants[at.get(each.person_id)].append(each)
    for instant, told in of_instants.items():
        owed = {_key(each): {"code": each.code} for each in told}
        send_all_later("training.plan_started", owed, not_before=instant)


def follow_first_day(enrollment: Enrollment, start: NewStart) -> None:
    """Let what tells a learner of her plan follow her new first day.

    An invitation that still waits goes out by the new day, the mail about the plan with it. Whoever was invited
    already, or has her account, is told of the new day.
    """
    person = enrollment.person
    waits = links.reschedule_invitation(person=person, at=_first_invitation(person))
    if waits:
        at = _own_invitation(enrollment, start.starts_on)
        jobs.reschedule(name=mail.SEND, key_begins=f"mail:{_key(enrollment)}", run_after=at)
    if not (waits and _is_unaware(person)):
        send_later(
            "training.first_day_moved",
            {"code": enrollment.code, "number": start.id},
            effect_key=f"first_day_moved:{start.id}",
        )


def waits_until(enrollment: Enrollment) -> datetime | None:
    """Return when the learner will be invited, as long as she has neither an account of hers nor an invitation."""
    return links.invitation_waits_until(enrollment.person) if _is_unaware(enrollment.person) else None


def _is_unaware(person: Person) -> bool:
    return person.is_invited and not links.count_open(person)


def _first_invitation(person: Person) -> datetime:
    """Return when somebody is invited who may begin several plans: by the first of their days."""
    running = [each for each in queries.list_enrollments_of(person.id) if each.is_open]
    bases = queries.bases_of({each.id: each.starts_on for each in running})
    return min(_own_invitation(each, bases[each.id].starts_on) for each in running)


def _own_invitation(enrollment: Enrollment, starts_on: date) -> datetime:
    return invited_at(starts_on, enrollment.market, working_calendar(enrollment.market)) or clock.now()


def _key(enrollment: Enrollment) -> str:
    return f"plan_started:{enrollment.code}"
