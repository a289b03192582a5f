"""What is arranged for single people of the demo, whatever they learn: material set aside, and shifts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from portal.accounts.models import Person
from portal.acknowledgements.service import exposure
from portal.calendars.service import record_shifts
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import somebody, visit

# Who works four days and is off for two, holidays among them, from today on.
BY_SHIFTS, _CYCLE = "park.jisoo", "4-2"
# For whom material of which level is set aside, and for how many days from today.
SPARED, _LEVEL, _FOR = "matsumoto.eri", "S2", timedelta(days=61)


def note_lives(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down what was arranged in the last days; none of them follows a plan, so that no date moves by it."""
    agenda.note(moment_of(days.before(3), 16, 40), partial(_set_aside, days, staff["kimura.nao"]))
    agenda.note(moment_of(days.before(2), 10, 20), partial(_work_by_shifts, days, staff["hayashi.tomoko"]))


def _set_aside(days: Days, contact: Person) -> None:
    """Set material aside, as was agreed in a talk; only the two learn of it."""
    visit(contact)
    exposure.set_aside(person=somebody(SPARED), level=_LEVEL, until_on=days.today + _FOR, by=contact)


def _work_by_shifts(days: Days, lead: Person) -> None:
    """Record the shifts of somebody who watches live streams, as her lead has planned them."""
    visit(lead)
    record_shifts(person=somebody(BY_SHIFTS), first_on=days.today, cycle=_CYCLE, works_holidays=True, by=lead)
