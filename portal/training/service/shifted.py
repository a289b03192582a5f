"""Dates of plans as what other working days would move, and booked sessions as what they would not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date

from portal.calendars.queries import read_calendars
from portal.calendars.rules import WorkingCalendar, YearNotInTable
from portal.calendars.service.moves import CalendarChange, Held, MovedDate, MovedTraining, StaysPut, Touched
from portal.calendars.service.told import period_told, why_off
from portal.core import clock
from portal.core.i18n import format_date, language
from portal.core.i18n import gettext as _
from portal.training.permissions import expected_at
from portal.training.queries import catalogue, live_sessions
from portal.training.service.dates import Stays, moved_by_calendar, moved_by_company_days


def dates_of_plans(change: CalendarChange) -> Touched:
    """Return the dates of running plans that would move, and the booked sessions that would not.

    By the learners' names and in the order of each plan.
    """
    found = moved_by_calendar(change=change)
    steps = {each.step.id: each.step for _standing, moves in found for each in (*moves, *moves.sessions)}
    tasks, here = catalogue.tasks_of(steps.values()), language()
    dates = [
        MovedDate(
            str(tasks[each.step.id]),
            standing.enrollment.person.name_in(here),
            each.before,
            each.after,
            each.after < standing.today,
            each.after.year in moves.unannounced,
            standing.enrollment.code,
        )
        for standing, moves in found
        for each in moves
    ]
    stays = [
        StaysPut(
            _("%(step)s, %(when)s", step=tasks[each.step.id], when=_when(each)),
            stays_told(each, str(tasks[each.step.id])),
            standing.enrollment.person.name_in(here),
            each.seat.code,
            each.seat.on,
            each.before,
            each.after,
            each.off is not None,
            standing.enrollment.code,
        )
        for standing, moves in found
        for each in moves.sessions
    ]
    return Touched(dates, stays)


def stays_told(each: Stays, what: str) -> str:
    """Say of a booked session that it stays where it is, and what that means."""
    values = {"step": what, "when": _when(each)}
    if each.off is not None:
        return str(
            _(
                "The session for “%(step)s” on %(when)s stays where it is, and nobody works on that day then "
                "(%(why)s).",
                why=why_off(each.off),
                **values,
            )
        )
    return str(
        _(
            "The session for “%(step)s” on %(when)s stays where it is. Without it the step would be due on %(after)s "
            "instead of %(before)s.",
            before=format_date(each.before),
            after=format_date(each.after),
            **values,
        )
    )


def _when(each: Stays) -> str:
    return period_told(each.seat.starts_at, each.seat.ends_at, each.seat.zone)


def trainings_of_markets(calendars: Mapping[int, WorkingCalendar]) -> list[MovedTraining]:
    """Return the running plans of which dates would move, by the learners' names."""
    here = language()
    return [
        MovedTraining(
            standing.enrollment.person.name_in(here),
            str(standing.enrollment.version.title),
            len(moves),
            sum(each.after < standing.today for each in moves),
            max(due.on for due in standing.dues.values()),
            ends,
            moves.unannounced,
            standing.enrollment.code,
        )
        for standing, moves, ends in moved_by_company_days(markets=calendars)
    ]


def sessions_on_days_off(calendars: Mapping[int, WorkingCalendar]) -> list[Held]:
    """Return the sessions ahead that would lie on a day off for learners of these markets who would have worked."""
    planned = live_sessions.list_sessions_ahead(clock.now())
    expected = {each.code: [one.enrollment for one in expected_at(each)] for each in planned}
    enrollments = [one for each in expected.values() for one in each]
    if not enrollments:
        return []
    read = read_calendars([each.market for each in enrollments], [each.person_id for each in enrollments])
    titles = catalogue.tasks_of({each.step_id: each.step for each in planned}.values())
    found = []
    for each in planned:
        on = clock.local_date(each.time.starts_at, each.market.time_zone)
        people = 0
        for enrollment in expected[each.code]:
            if enrollment.market_id in calendars:
                now = read.of(enrollment.market_id, enrollment.person_id)
                days = calendars[enrollment.market_id]
                people += _is_freed(on, now, replace(now, company_days=days.company_days, worked=days.worked))
        if people:
            when = period_told(each.time.starts_at, each.time.ends_at, each.market.time_zone)
            found.append(Held(_("%(step)s, %(when)s", step=titles[each.step_id], when=when), people))
    return found


def _is_freed(on: date, now: WorkingCalendar, then: WorkingCalendar) -> bool:
    """Say whether somebody works on a day now and would not then."""
    with suppress(YearNotInTable):
        return now.day_off(on) is None and then.day_off(on) is not None
    return False
