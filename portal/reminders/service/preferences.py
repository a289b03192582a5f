"""What people prefer: at which hour, and how often."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.reminders import queries
from portal.reminders.errors import HourOutOfBounds
from portal.reminders.models import ReminderPreference
from portal.reminders.rules import DAY_BEGINS, DAY_ENDS, DEFAULT_HOUR, Rhythm


def change(*, person: Person, hour: int, rhythm: Rhythm) -> None:
    """Keep at which full hour of her zone, and how often, a person wants to be reminded. Raises `HourOutOfBounds`."""
    if not DAY_BEGINS <= hour < DAY_ENDS:
        raise HourOutOfBounds(first=DAY_BEGINS, last=DAY_ENDS - 1)
    found = queries.find_preference(person.id)
    before = {"hour": found.hour if found else DEFAULT_HOUR, "rhythm": (found.rhythm if found else Rhythm.DAILY).value}
    after = {"hour": hour, "rhythm": rhythm.value}
    if found is None:
        session.add(ReminderPreference(person_id=person.id, hour=hour, rhythm=rhythm, changed_at=clock.now()))
    elif before != after:
        found.hour, found.rhythm, found.changed_at = hour, rhythm, clock.now()
    session.flush()
    if before != after:
        record("reminders.changed", by=person, subject=("person", person.code), before=before, after=after)
