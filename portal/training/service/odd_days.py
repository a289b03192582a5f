"""What is said of a chosen day before it is set: that nobody works on it, or that it has passed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date

from portal.calendars.rules import WorkingCalendar, YearNotInTable, add_working_days
from portal.calendars.service.told import why_off
from portal.core.i18n import format_date, ngettext, pgettext
from portal.core.i18n import gettext as _
from portal.training import rules
from portal.training.models import PlanEvent, PlanVersion
from portal.training.queries import catalogue
from portal.training.rules import Doer

# So many steps are named in a sentence.
_MOST_NAMED = 3


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


def about_due_before(
    version: PlanVersion, starts_on: date, dues: Mapping[str, date], settled: Collection[str] = ()
) -> list[str]:
    """Say which steps the days of events put before the first day for learners who are not there yet.

    What is due so many days before the first day is meant to be, and is not named.
    """
    origins = rules.origins_of([step.shape for step in version.steps])
    early = sorted(
        (
            step
            for step in version.steps
            if origins[step.slug] is not None
            and step.by is Doer.LEARNER
            and step.slug not in settled
            and dues[step.slug] < starts_on
        ),
        key=lambda step: (dues[step.slug], step.position),
    )
    if not early:
        return []
    tasks = catalogue.tasks_of(early)
    named = pgettext("list", ", ").join(str(tasks[step.id]) for step in early[:_MOST_NAMED])
    return [
        ngettext(
            "%(num)d step is due before the first day, %(date)s: %(steps)s. Check the first day and the days of the "
            "events.",
            "%(num)d steps are due before the first day, %(date)s: %(steps)s. Check the first day and the days of the "
            "events.",
            len(early),
            date=format_date(starts_on),
            steps=named + (" …" if len(early) > _MOST_NAMED else ""),
        )
    ]


def last_before(starts_on: date, dues: Mapping[str, date], settled: Collection[str] = ()) -> date | None:
    """Return the last date of a plan that would be over before its first day; None where it would not be."""
    left = [on for slug, on in dues.items() if slug not in settled]
    return max(left) if left and max(left) < starts_on else None


def about_session(on: date, calendar: WorkingCalendar) -> list[str]:
    """Say that the day of a session is a day off in its market, and why; nothing where people work on it."""
    with suppress(YearNotInTable):
        off = replace(calendar, leave=frozenset()).day_off(on)
        if off is not None:
            return [
                _("%(date)s is no working day (%(why)s). Check the day.", date=format_date(on), why=why_off(off)),
            ]
    return []


def _is_worked(on: date, calendar: WorkingCalendar) -> bool:
    """Say whether people work on a day, whoever is on leave; they do in a year of which no holidays are known."""
    try:
        return replace(calendar, leave=frozenset()).day_off(on) is None
    except YearNotInTable:
        return True
