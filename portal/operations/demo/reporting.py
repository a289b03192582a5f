"""Reports in the demo: two that are sent each week and have been before, and the evidence of a period."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from portal.accounts.models import Person
from portal.accounts.permissions import open_grants
from portal.cohorts import queries as cohorts
from portal.core.jobs import Outside
from portal.operations.demo import intake, other_cohorts, practice
from portal.operations.demo.agenda import Agenda, Days, moment_of
from portal.operations.demo.people import TEAM
from portal.reports import rules
from portal.reports.models import ReportSchedule
from portal.reports.rules import FileFormat
from portal.reports.service import files, schedules
from portal.reports.service.schedules import Wanted

_HOUR = 9
_MONDAY, _THURSDAY = 0, 3
# So many days the evidence tells of, up to the day before it was asked for.
_PERIOD = timedelta(days=28)


@dataclass(slots=True)
class _Reports:
    """The reports that are sent, by the code of their cohort."""

    days: Days
    sent: dict[str, ReportSchedule] = field(default_factory=dict)

    def set_up(self, cohort: str, plan: str, weekday: int, owner: Person, recipients: tuple[Person, ...]) -> None:
        """Have the report of a cohort sent."""
        self.sent[cohort] = schedules.set_up(
            wanted=Wanted(
                cohort=cohorts.get_cohort(cohort), plan_slug=plan, weekday=weekday, hour=_HOUR, with_pdf=True,
                with_xlsx=weekday == _MONDAY, recipients=recipients,
            ),
            by=owner,
        )  # fmt: skip

    def add_recipient(self, cohort: str, *recipients: Person) -> None:
        """Let somebody else get it, too."""
        found = self.sent[cohort]
        wanted = Wanted(
            cohort=found.cohort, plan_slug=found.plan_slug, weekday=found.weekday, hour=found.hour,
            with_pdf=found.with_pdf, with_xlsx=found.with_xlsx, recipients=recipients,
        )  # fmt: skip
        schedules.change(schedule=found, wanted=wanted, seen=found.revision, by=recipients[0])

    def send(self, cohort: str) -> None:
        """Owe the report whose day it is; its files and mails are the worker's."""
        schedules.owe(self.sent[cohort])


def note_reports(agenda: Agenda, days: Days, staff: Mapping[str, Person]) -> None:
    """Note down who had which report sent when, and what was sent since."""
    lead, admin, trainer = staff["sato.ken"], staff["grace.muller"], staff["yamada.hiroko"]
    reports = _Reports(days)
    begun = days.before(intake.BEGAN)
    newcomers, transfers = f"safety-{begun:%Y-%m}a", f"practice-{days.before(practice.BEGAN):%Y-%m}"
    agenda.note(
        moment_of(begun, 17, 40),
        partial(reports.set_up, newcomers, intake.PLAN, _MONDAY, lead, (lead,)),
    )
    agenda.note(
        moment_of(begun, 17, 50),
        partial(reports.set_up, transfers, practice.PLAN, _THURSDAY, trainer, (lead, admin)),
    )
    agenda.note(moment_of(days.step(begun, 6), 17, 45), partial(reports.add_recipient, newcomers, lead, admin))
    # Set up too late for one to have been sent.
    for course, weekday in ((other_cohorts.ONBOARDING, _MONDAY), (other_cohorts.COLLEAGUES, _THURSDAY)):
        cohort, owner = other_cohorts.code_of(course, days.today), staff[course.lead]
        agenda.note(
            moment_of(days.before(1), 9, 30 + weekday),
            partial(reports.set_up, cohort, course.plan, weekday, owner, (owner,)),
        )
    for cohort, weekday in ((newcomers, _MONDAY), (transfers, _THURSDAY)):
        for on in _sending_days(days, begun, weekday):
            agenda.note(moment_of(on, _HOUR, 7), partial(reports.send, cohort))
    agenda.note(moment_of(days.before(1), 17, 55), partial(_export_evidence, days.before(1), staff))


def _sending_days(days: Days, begun: date, weekday: int) -> list[date]:
    """Return the days up to today on which a report is sent: its weekday, or the next working day."""
    found, nominal = [], rules.next_weekday(begun + timedelta(days=1), weekday)
    while nominal < days.today:
        found.append(nominal if days.calendar.is_working_day(nominal) else days.step(nominal, 1))
        nominal += timedelta(days=7)
    return sorted(set(found))


def _export_evidence(today: date, staff: Mapping[str, Person]) -> None:
    """Let the auditor have the evidence of the last weeks, as the worker would make it."""
    auditor = staff["samuel.lindqvist"]
    # A worker has a session of its own; in this one, roles that the evidence need not know could not be read later.
    for each in staff.values():
        open_grants(each)
    last = today - timedelta(days=1)
    asked = files.ask_evidence(
        first=last - _PERIOD + timedelta(days=1), last=last, market="", team=TEAM, kind=FileFormat.XLSX,
        encoding="utf-8-sig", language="en", by=auditor,
    )  # fmt: skip
    _carry_out(files.make(asked.code))


def _carry_out(steps: Generator[Any, Any, None]) -> None:
    """Carry out the steps of a job at once, in the transaction of the demo."""
    answer = None
    try:
        while True:
            step = steps.send(answer)
            answer = step.work() if isinstance(step, Outside) else None
    except StopIteration:
        return
