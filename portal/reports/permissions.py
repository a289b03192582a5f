"""Who acts from the page of a cohort, and who changes the rule by which people are at risk."""

from __future__ import annotations

from portal.accounts.models import Role
from portal.accounts.permissions import holds, holds_everywhere, holds_for
from portal.cohorts.permissions import scopes_of_cohort
from portal.core.access import AnyOf, Permission

ACT_FOR_COHORT = Permission("reports.act_for_cohort", "be offered what to do for the people of a cohort")
TALK_WITH_LEARNERS = Permission("reports.talk_with_learners", "be led to the one-to-ones with the people of a cohort")
SEE_AT_RISK_RULE = Permission("reports.see_at_risk_rule", "see the rule by which learners are at risk, and its history")
CHANGE_AT_RISK_RULE = Permission("reports.change_at_risk_rule", "change the rule by which learners are at risk")

TABLE: dict[Permission, AnyOf] = {
    ACT_FOR_COHORT: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    # Those who supervise them: an administrator acts, and reads no notes.
    TALK_WITH_LEARNERS: [[holds_for(Role.LEAD, Role.MENTOR, scopes=scopes_of_cohort)]],
    SEE_AT_RISK_RULE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    CHANGE_AT_RISK_RULE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN)]],
}
