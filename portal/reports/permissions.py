"""Who acts from the page of a cohort, changes the at-risk rule, has reports sent, and exports evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.accounts import queries as accounts
from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, Reach, reach_of, scopes_of_cohort
from portal.core.access import AnyOf, Permission, allows
from portal.reports.models import ReportFile, ReportSchedule
from portal.reports.rules import ReportKind

ACT_FOR_COHORT = Permission("reports.act_for_cohort", "be offered what to do for the people of a cohort")
SEE_TO_STEPS = Permission(
    "reports.see_to_steps", "be led to what waits for one's word, or for a session, among the people of a cohort"
)
TALK_WITH_LEARNERS = Permission("reports.talk_with_learners", "be led to the one-to-ones with the people of a cohort")
SEE_AT_RISK_RULE = Permission("reports.see_at_risk_rule", "see the rule by which learners are at risk, and its history")
CHANGE_AT_RISK_RULE = Permission(
    "reports.change_at_risk_rule", "change the organisation's rule by which learners are at risk"
)
SET_COHORT_RULE = Permission("reports.set_cohort_rule", "let another at-risk rule hold for a cohort")
SEND_REPORT = Permission("reports.send_report", "have the weekly report of a cohort sent to people who may see it")
SEE_SCHEDULES = Permission("reports.see_schedules", "see which weekly reports are sent, of the cohorts within reach")
SEE_SCHEDULE = Permission("reports.see_schedule", "see to whom the weekly report of a cohort is sent, and when")
CHANGE_SCHEDULE = Permission(
    "reports.change_schedule", "change when a weekly report is sent, to whom, in which language, and what goes along"
)
END_SCHEDULE = Permission("reports.end_schedule", "end the sending of a weekly report")
EXPORT_EVIDENCE = Permission("reports.export_evidence", "export the training evidence of a period, of one's own people")
OPEN_FILE = Permission("reports.open_file", "open a report that one asked for oneself")


OWNED_KIND = "report_schedule"


@dataclass(frozen=True, slots=True)
class Answered:
    """A weekly report with the row numbers of its owner and deputy, for lists that have read them all at once."""

    schedule: ReportSchedule
    by: frozenset[int | None]


def _scopes_of_schedule(thing: Cohort | ReportSchedule | Answered) -> dict[Scope, set[str]]:
    schedule = thing.schedule if isinstance(thing, Answered) else thing
    return scopes_of_cohort(schedule.cohort if isinstance(schedule, ReportSchedule) else schedule)


def reach_over_schedules(person: Person) -> Reach:
    """Return the weekly reports of which cohorts the person sees in the list."""
    return reach_of(person, Role.LEAD, Role.AUTHOR, everywhere=(Role.ADMIN, Role.AUDITOR))


def reach_for_sending(person: Person) -> Reach:
    """Return of which cohorts the person may have the weekly report sent."""
    return reach_of(person, Role.LEAD, Role.AUTHOR, everywhere=(Role.ADMIN,))


def answers_for_it(person: Person, thing: Any) -> bool:
    """Say whether the person is owner or deputy of the weekly report."""
    if isinstance(thing, Answered):
        return person.id in thing.by
    return isinstance(thing, ReportSchedule) and thing.code in accounts.list_codes_owned(person, OWNED_KIND)


def asked_for_it(person: Person, thing: Any) -> bool:
    """Say whether the person asked for the file herself."""
    return isinstance(thing, ReportFile) and thing.asked_by_id == person.id


def may_still_read_it(person: Person, thing: Any) -> bool:
    """Say whether the person may still see what the file tells of."""
    if not isinstance(thing, ReportFile):
        return False
    if thing.kind is ReportKind.COHORT:
        return allows(person, SEE_COHORT, thing.cohort)
    return allows(person, EXPORT_EVIDENCE)


TABLE: dict[Permission, AnyOf] = {
    ACT_FOR_COHORT: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    # Who signs off, and plans sessions: an administrator does neither.
    SEE_TO_STEPS: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)]],
    # Those who supervise them: an administrator acts, and reads no notes.
    TALK_WITH_LEARNERS: [[holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_cohort)]],
    SEE_AT_RISK_RULE: [[holds(Role.LEAD)], [holds_everywhere(Role.POLICY_OWNER, Role.ADMIN, Role.AUDITOR)]],
    # One rule for everybody is nothing that the lead of one team decides; hers she does.
    CHANGE_AT_RISK_RULE: [[holds_everywhere(Role.POLICY_OWNER, Role.ADMIN)]],
    SET_COHORT_RULE: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    # Authors train: they see to it that the leads of a cohort get its report. They read none of it by that.
    SEND_REPORT: [[holds_for(Role.LEAD, Role.AUTHOR, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    SEE_SCHEDULES: [[holds(Role.LEAD, Role.AUTHOR)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_SCHEDULE: [
        [holds_for(Role.LEAD, Role.AUTHOR, scopes=_scopes_of_schedule)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    CHANGE_SCHEDULE: [
        [answers_for_it, holds_for(Role.LEAD, Role.AUTHOR, scopes=_scopes_of_schedule)],
        [holds_everywhere(Role.ADMIN)],
    ],
    END_SCHEDULE: [
        [holds_for(Role.LEAD, scopes=_scopes_of_schedule)],
        [answers_for_it, holds_for(Role.AUTHOR, scopes=_scopes_of_schedule)],
        [holds_everywhere(Role.ADMIN)],
    ],
    EXPORT_EVIDENCE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    OPEN_FILE: [[asked_for_it, may_still_read_it]],
}
