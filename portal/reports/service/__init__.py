"""Changing the rules by which learners are at risk: that of the organisation, and that of one cohort."""

from __future__ import annotations

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.journal.service import record
from portal.reports.errors import RuleChangedMeanwhile, RuleWithoutReason
from portal.reports.models import AtRiskRule, CohortRiskRule
from portal.reports.queries import lead as queries
from portal.reports.rules import RiskRule


def set_at_risk_rule(*, rule: RiskRule, reason: str, seen: int, by: Person) -> AtRiskRule | None:
    """Let another rule hold from now on wherever a cohort has none of its own; None where nothing is new.

    The same numbers for another reason are a rule of their own. `seen` is the row number of the rule that the person
    had before her, 0: the product's own. Raises `RuleWithoutReason`, `RuleChangedMeanwhile`.
    """
    if not rule.has_reason:
        raise RuleWithoutReason()
    newest = queries.find_at_risk_rule()
    if seen != (newest.id if newest is not None else 0):
        raise RuleChangedMeanwhile()
    before = newest.rule if newest is not None else RiskRule()
    if rule == before and (newest is None or newest.reason == reason):
        return None
    row = AtRiskRule(**_facts(rule), reason=reason, by=by, at=clock.now())
    session.add(row)
    session.flush()
    record(
        "reports.at_risk_rule_changed",
        by=by,
        subject=("at_risk_rule", ""),
        before=_facts(before),
        after=_facts(rule),
        reason=reason,
    )
    return row


def back_to_product_rule(*, reason: str, seen: int, by: Person) -> AtRiskRule | None:
    """Let the product's own rule hold for the organisation again; None where its numbers hold already.

    `seen` is the row number of the rule that the person had before her. Raises `RuleChangedMeanwhile`.
    """
    newest = queries.find_at_risk_rule()
    if newest is not None and newest.id == seen and newest.rule == RiskRule():
        return None
    return set_at_risk_rule(rule=RiskRule(), reason=reason, seen=seen, by=by)


def set_cohort_rule(*, cohort: Cohort, rule: RiskRule, reason: str, seen: int, by: Person) -> CohortRiskRule | None:
    """Let a rule of its own hold for a cohort from now on; None where its own says so already, for the same reason.

    A rule that says the same as the organisation's is set all the same: it stays when that one changes. `seen` is the
    row number of the cohort's rule that the person had before her, 0: there was none. Raises `RuleWithoutReason`,
    `RuleChangedMeanwhile`.
    """
    if not rule.has_reason:
        raise RuleWithoutReason()
    newest = _newest_of(cohort, seen)
    if newest is not None and newest.rule == rule and newest.reason == reason:
        return None
    before = queries.rule_of(newest).rule
    row = _add(cohort, rule, reason, by)
    record(
        "reports.cohort_rule_set",
        by=by,
        subject=("cohort", cohort.code),
        before=_facts(before),
        after=_facts(rule),
        reason=reason,
    )
    return row


def end_cohort_rule(*, cohort: Cohort, seen: int, by: Person) -> CohortRiskRule | None:
    """Let the organisation's rule hold for a cohort again; None where it does already.

    Raises `RuleChangedMeanwhile`.
    """
    newest = _newest_of(cohort, seen)
    if newest is None or newest.rule is None:
        return None
    before = newest.rule
    row = _add(cohort, RiskRule(None, None, None), None, by)
    record(
        "reports.cohort_rule_ended",
        by=by,
        subject=("cohort", cohort.code),
        before=_facts(before),
        after=_facts(queries.rule_of(row).rule),
    )
    return row


def _newest_of(cohort: Cohort, seen: int) -> CohortRiskRule | None:
    newest = queries.find_cohort_rule(cohort)
    if seen != (newest.id if newest is not None else 0):
        raise RuleChangedMeanwhile()
    return newest


def _add(cohort: Cohort, rule: RiskRule, reason: str | None, by: Person) -> CohortRiskRule:
    row = CohortRiskRule(cohort_id=cohort.id, **_facts(rule), reason=reason, by=by, at=clock.now())
    session.add(row)
    session.flush()
    return row


def _facts(rule: RiskRule) -> dict[str, int | None]:
    return {
        "overdue_steps": rule.overdue_steps,
        "failed_tries": rule.failed_tries,
        "idle_days": rule.idle_days,
    }
