"""Changing the rule by which learners are at risk."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.reports.errors import RuleChangedMeanwhile, RuleWithoutReason
from portal.reports.models import AtRiskRule
from portal.reports.queries import lead as queries
from portal.reports.rules import RiskRule


def set_at_risk_rule(*, rule: RiskRule, seen: int, by: Person) -> AtRiskRule | None:
    """Let another rule hold from now on; None where it says what holds already.

    `seen` is the row number of the rule that the person had before her, 0: the product's own. Raises
    `RuleWithoutReason`, `RuleChangedMeanwhile`.
    """
    if rule == RiskRule(None, None, None):
        raise RuleWithoutReason()
    newest = queries.find_at_risk_rule()
    if seen != (newest.id if newest is not None else 0):
        raise RuleChangedMeanwhile()
    before = newest.rule if newest is not None else RiskRule()
    if rule == before:
        return None
    row = AtRiskRule(
        overdue_steps=rule.overdue_steps,
        failed_tries=rule.failed_tries,
        idle_days=rule.idle_days,
        by=by,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    record(
        "reports.at_risk_rule_changed",
        by=by,
        subject=("at_risk_rule", ""),
        before=_facts(before),
        after=_facts(rule),
    )
    return row


def _facts(rule: RiskRule) -> dict[str, int | None]:
    return {
        "overdue_steps": rule.overdue_steps,
        "failed_tries": rule.failed_tries,
        "idle_days": rule.idle_days,
    }
