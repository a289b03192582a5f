"""Making the whole demo: everything *as of* its own moment before the day on which it takes place.

Nothing is written behind the services' back, so every page looks lived in and every invariant holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from pathlib import Path

from flask import current_app

from portal.accounts import queries as accounts_queries
from portal.calendars.service import load_national_holidays
from portal.core import clock
from portal.core.codes import repeatable
from portal.operations.demo import (
    backfilling,
    carded,
    certified,
    duties,
    experienced,
    handing_over,
    intake,
    lives,
    organisation,
    other_cohorts,
    practice,
    quizzing,
    recurring,
    rehearsing,
    reporting,
    revising,
    waiting,
)
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import visit
from portal.operations.demo.people import NEWCOMERS, STAFF, ZONE

_SEED = "the demo organisation"
_EFFECTIVE = re.compile(r"^effective_at: (\S+)$", re.MULTILINE)


class TooEarly(Exception):
    """On that day the policies that the demo's people learn were not in force yet, or not for long enough."""

    def __init__(self, earliest: date) -> None:
        super().__init__(f"the demo's policies are in force too late for that day; the earliest is {earliest}")


def is_wanted() -> bool:
    """Say whether this installation has nobody yet, so that the demo may be loaded."""
    return not accounts_queries.has_people()


def accounts() -> list[dict[str, str]]:
    """Return the demo accounts: role, sign-in name, password."""
    return [
        {"role": each.shows, "sign_in_name": each.sign_in_name, "password": each.password, "language": each.language}
        for each in STAFF
    ]


def load(on: date | None) -> bool:
    """Make the demo organisation for a day (default: today in Tokyo), inside the caller's transaction.

    Returns False, having done nothing, where anybody has an account already. The same day gives the
    same people, codes, dates, papers and results; only secrets differ. Raises `TooEarly`.
    """
    if not is_wanted():
        return False
    with repeatable(_SEED):
        _load(on or clock.today(ZONE))
    return True


def _load(day: date) -> None:
    organisation.found_organisation(day)
    staff = organisation.let_staff_in(day)
    organisation.take_calendars_in(day, staff["mori.akiko"])
    days = organisation.days_of(day)
    _refuse_too_early(days)
    # Before there was the content, since it would be what is rehearsed.
    before = Agenda(until=moment_of(day, 0))
    rehearsing.note_rehearsals(before, days, staff)
    before.carry_out()
    organisation.take_content_in(day, staff["mori.akiko"])
    agenda = Agenda(until=moment_of(day, 0))
    intake.note_running(agenda, days, staff)
    practice.note_practising(agenda, days, staff)
    other_cohorts.note_other_cohorts(agenda, days, staff)
    revising.note_revising(agenda, days, staff)
    waiting.note_waiting(agenda, days, staff)
    lives.note_lives(agenda, days, staff)
    sit_today = quizzing.note_quizzing(agenda, days, staff)
    reporting.note_reports(agenda, days, staff)
    certified.note_certified(agenda, days, staff)
    experienced.note_experienced(agenda, days, staff, _in_force_since())
    recurring.note_renewals(agenda, days, staff)
    duties.note_duties(agenda, days, staff)
    duties.note_tasks_of_content(agenda, days, staff)
    handing_over.note_handovers(agenda, days, staff)
    carded.note_cards(agenda, days, staff)
    backfilling.note_backfill(agenda, days, staff)
    newest = intake.note_newest(agenda, days, staff["sato.ken"])
    for minute, (name, person) in enumerate(staff.items()):
        if name not in NEWCOMERS:
            agenda.note(moment_of(days.step(days.first, -1), 18, minute), partial(visit, person))
    agenda.carry_out()
    recurring.make_obligations(staff=staff, at=moment_of(days.step(days.first, -1), 19))
    with clock.frozen(min(moment_of(days.first, 8), clock.now())):
        intake.begin_newest(newest(), staff)
    sit_today()


def _refuse_too_early(days: Days) -> None:
    """Raise `TooEarly` where the running cohorts began before the policies were in force."""
    since = _in_force_since()
    if days.before(intake.BEGAN) < since:
        # The holidays of its own years are known, and those from then on may lie beyond them.
        load_national_holidays(country="JP", years=(since.year, since.year + 1))
        raise TooEarly(organisation.days_of(days.today).step(since, intake.BEGAN))


def _in_force_since() -> date:
    """Return the day from which all of the shipped documents are in force."""
    return clock.local_date(max(_taking_effect()), ZONE)


def _taking_effect() -> Iterator[datetime]:
    """Yield when each of the shipped documents takes effect, as its deciding text says; nothing is taken in for it."""
    for path in Path(current_app.config["CONTENT_DIR"]).glob("documents/*/en.md"):
        for said in _EFFECTIVE.findall(path.read_text(encoding="utf-8")):
            yield datetime.fromisoformat(said)
