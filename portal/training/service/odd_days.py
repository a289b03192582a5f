"""What is said of a chosen day before it is set: that nobody works on it, or that it has passed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

from portal.calendars.rules import WorkingCalendar, YearNotInTable, add_working_days
from portal.core.i18n import format_date
from portal.core.i18n import gettext as _
from portal.training.models import PlanEvent


def about_first_day(on: date, calendar: WorkingCalendar) -> list[str]:
    """Say that nobody works on a first day, and which day is day 1 then; nothing where there is nothing to say."""
    if _is_worked(on, calendar):
        return []
    with suppress(YearNotInTable):
        first = add_working_days(on, 0, calendar).on
        return [
            _(
                "Nobody works on %(date)s; the first working day is %(first)s.",
                date=format_date(on),
                first=format_date(first),
            )
        ]
    return []


def about_event(event: PlanEvent, on: date, calendar: WorkingCalendar, today: date) -> list[str]:
    """Say that the day of an event has passed, or that nobody works on it; nothing where there is nothing to say."""
    values = {"event": event.title, "date": format_date(on)}
    if on < today:
        return [_("The day of “%(event)s”, %(date)s, has passed.", **values)]
    if not _is_worked(on, calendar):
        return [_("Nobody works on %(date)s, the day of “%(event)s”.", **values)]
    return []


def _is_worked(on: date, calendar: WorkingCalendar) -> bool:
    """Say whether people work on a day, whoever is on leave; they do in a year of which no holidays are known."""
    try:
        return replace(calendar, leave=frozenset()).day_off(on) is None
    except YearNotInTable:
        return True
