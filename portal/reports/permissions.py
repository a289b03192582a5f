"""Who acts from the page of a cohort, changes the at-risk rule, has reports sent, and exports evidence."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for
from portal.cohorts.permissions import SEE_COHORT, scopes_of_cohort
from portal.core.access import AnyOf, Permission, allows
from portal.reports.models import ReportFile, ReportSchedule
from portal.reports.rules import ReportKind

ACT_FOR_COHORT = Permission("reports.act_for_cohort", "be offered what to do for the people of a cohort")
TALK_WITH_LEARNERS = Permission("reports.talk_with_learners", "be led to the one-to-ones with the people of a cohort")
SEE_AT_RISK_RULE = Permission("reports.see_at_risk_rule", "see the rule by which learners are at risk, and its history")
CHANGE_AT_RISK_RULE = Permission("reports.change_at_risk_rule", "change the rule by which learners are at risk")
SEND_REPORT = Permission("reports.send_report", "have the weekly report of a cohort sent to people who may see it")
SEE_SCHEDULE = Permission("reports.see_schedule", "see to whom the weekly report of a cohort is sent, and when")
END_SCHEDULE = Permission("reports.end_schedule", "end the sending of a weekly report")
EXPORT_EVIDENCE = Permission("reports.export_evidence", "export the training evidence of a period, of one's own people")
OPEN_FILE = Permission("reports.open_file", "open a report that one asked for oneself")


def _scopes_of_schedule(schedule: ReportSchedule) -> dict[Scope, set[str]]:
    return scopes_of_cohort(schedule.cohort)


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
    # Those who supervise them: an administrator acts, and reads no notes.
    TALK_WITH_LEARNERS: [[holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_cohort)]],
    SEE_AT_RISK_RULE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    CHANGE_AT_RISK_RULE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN)]],
    SEND_REPORT: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    SEE_SCHEDULE: [
        [holds_for(Role.LEAD, scopes=_scopes_of_schedule)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    END_SCHEDULE: [[holds_for(Role.LEAD, scopes=_scopes_of_schedule)], [holds_everywhere(Role.ADMIN)]],
    EXPORT_EVIDENCE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    OPEN_FILE: [[asked_for_it, may_still_read_it]],
}
