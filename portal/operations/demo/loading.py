"""Making the whole demo: everything *as of* its own moment before the day on which it takes place.

Nothing is written behind the services' back, so every page looks lived in and every invariant holds.
"""

from __future__ import annotations

from datetime import date
from functools import partial

from portal.accounts import queries as accounts_queries
from portal.core import clock
from portal.core.codes import repeatable
from portal.library import queries as library
from portal.operations.demo import intake, organisation, practice, recurring
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.doing import visit
from portal.operations.demo.people import NEWCOMERS, STAFF, ZONE

_SEED = "the demo organisation"


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
    organisation.take_content_in(day, staff["mori.akiko"])
    # The content brings the company's own days off.
    days = organisation.days_of(day)
    _refuse_too_early(days)
    agenda = Agenda(until=moment_of(day, 0))
    intake.note_running(agenda, days, staff)
    practice.note_practising(agenda, days, staff)
    newest = intake.note_newest(agenda, days, staff["sato.ken"])
    for minute, (name, person) in enumerate(staff.items()):
        if name not in NEWCOMERS:
            agenda.note(moment_of(days.step(days.first, -1), 18, minute), partial(visit, person))
    agenda.carry_out()
    recurring.make_obligations(staff=staff, at=moment_of(days.step(days.first, -1), 19))
    with clock.frozen(min(moment_of(days.first, 8), clock.now())):
        intake.begin_newest(newest(), staff)


def _refuse_too_early(days: Days) -> None:
    """Raise `TooEarly` where the running cohorts began before the policies were in force."""
    in_force_at = max(document.versions[0].effective_at for document in library.list_documents())
    since = clock.local_date(in_force_at, ZONE)
    if days.before(intake.BEGAN) < since:
        raise TooEarly(days.step(since, intake.BEGAN))
