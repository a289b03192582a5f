"""Recurring tasks for tests; everything is committed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from portal.accounts.models import Person
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask, RecurringTaskRun
from portal.duties.rules import Rhythm, RunHow, WhenOff
from portal.duties.service import tasks
from portal.duties.service.tasks import Done, Wanted
from tests.builders import make_market, make_team

# A Wednesday.
BEGINS = date(2026, 4, 1)


def at(day: date, hour: int = 9) -> datetime:
    """Return a time of a day in Tokyo."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=9)


def wanted(**values: Any) -> Wanted:
    """Return terms: every Wednesday, for the learner's team."""
    defaults: dict[str, Any] = {
        "title": Words("Weekly calibration", "週次の判断すり合わせ"),
        "market": make_market(),
        "team": make_team(),
        "rhythm": Rhythm.WEEKLY,
        "every": 1,
        "starts_on": BEGINS,
        "weekday": 2,
        "when_off": WhenOff.AFTER,
    }
    if values.get("rhythm", Rhythm.WEEKLY) is not Rhythm.WEEKLY:
        defaults |= {"weekday": None, "when_off": None}
    return Wanted(**(defaults | values))


def make_task(by: Person, *, owner: Person | None = None, deputy: Person | None = None, **values: Any) -> RecurringTask:
    """Return a new recurring task that somebody answers for."""
    terms = wanted(**values)
    with own_transaction():
        return tasks.create(wanted=terms, owner=owner or by, deputy=deputy, by=by)


def record(
    task: RecurringTask, due_on: date, person: Person, *, helper: Person | None = None, by: Person | None = None
) -> RecurringTaskRun:
    """Return the record that somebody did a task on its day."""
    how = RunHow.WITH_HELP if helper else RunHow.ALONE
    with own_transaction():
        return tasks.record_run(
            task=task, due_on=due_on, done=Done(person, due_on, how, helper), note="", by=by or person
        )
