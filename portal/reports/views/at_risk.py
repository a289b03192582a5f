"""The rules by which learners are at risk, of the organisation and of a cohort: what holds, who set it when and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import render_template, url_for

from portal.cohorts import queries as cohorts
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import SEE_COHORT, SEE_COHORTS
from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.reports import service
from portal.reports.formats.words import activity_words, in_force_words, invited_words, rule_in_words
from portal.reports.forms import REASON_LIMIT, AtRiskRuleForm, BackToDefaultForm, BackToProductForm
from portal.reports.models import AtRiskRule, CohortRiskRule
from portal.reports.permissions import CHANGE_AT_RISK_RULE, SEE_AT_RISK_RULE, SET_COHORT_RULE
from portal.reports.queries import lead as queries
from portal.reports.queries.lead import RuleFrom, rule_of
from portal.reports.rules import RiskRule
from portal.reports.views import blueprint

# --- Of the organisation -----------------------------------------------------------------------


@blueprint.get("/at-risk-rule")
@requires(SEE_AT_RISK_RULE)
def at_risk_rule() -> tuple[str, int]:
    """Show the rule that holds and every one before it."""
    rows = queries.list_at_risk_rules()
    return _shown(_filled(rows[0].rule if rows else RiskRule(), rows[0].id if rows else 0))


@blueprint.post("/at-risk-rule")
@requires(CHANGE_AT_RISK_RULE)
def change_at_risk_rule() -> Any:
    """Let another rule hold for the whole organisation."""

    def change(form: AtRiskRuleForm) -> bool:
        changed = service.set_at_risk_rule(
            rule=_rule(form), reason=form.reason.data or "", seen=form.seen.data or 0, by=actor()
        )
        return changed is not None

    return _changed(change, _shown, url_for("reports.at_risk_rule"))


@blueprint.post("/at-risk-rule/default")
@requires(CHANGE_AT_RISK_RULE)
def back_to_product_rule() -> Any:
    """Let the product's own rule hold for the whole organisation again."""
    form = BackToProductForm()

    def work() -> Done:
        changed = service.back_to_product_rule(reason=form.back_reason.data or "", seen=form.seen.data or 0, by=actor())
        said = _("The product's own rule holds again.") if changed else _("The product's own rule holds already.")
        return Done(said, url_for("reports.at_risk_rule"))

    status = 400
    if form.validate():
        try:
            return carry_out(work)
        except DomainError as refused:
            form.form_errors.append(str(refused))
            status = refused.status
    rows = queries.list_at_risk_rules()
    return _shown(_filled(rows[0].rule if rows else RiskRule(), rows[0].id if rows else 0), status, back=form)


def _shown(form: AtRiskRuleForm, status: int = 200, back: BackToProductForm | None = None) -> tuple[str, int]:
    rows = queries.list_at_risk_rules()
    holds = rows[0].rule if rows else RiskRule()
    if back is None and holds != RiskRule():
        back = BackToProductForm(formdata=None)
    page = render_template(
        "reports/at_risk_rule.html",
        form=form,
        seen=form.seen.data or 0,
        limit=REASON_LIMIT,
        may_change=can(CHANGE_AT_RISK_RULE),
        sees_cohorts=can(SEE_COHORTS),
        back=back,
        newest=rows[0].id if rows else 0,
        rule=rule_in_words(holds),
        activity=activity_words(),
        invited=invited_words(),
        history=_history(rows),
        first=rule_in_words(RiskRule()),
    )
    return page, status


# --- Of a cohort -------------------------------------------------------------------------------


@blueprint.get("/cohorts/<code>/at-risk-rule")
@requires(SEE_COHORT, on=cohorts.get_cohort)
def cohort_rule(found: Cohort) -> tuple[str, int]:
    """Show the rule that holds for a cohort, whose it is, and what held for it before."""
    newest = queries.find_cohort_rule(found)
    return _of_cohort(found, _filled(rule_of(newest).rule, newest.id if newest else 0))


@blueprint.post("/cohorts/<code>/at-risk-rule")
@requires(SET_COHORT_RULE, on=cohorts.get_cohort)
def set_cohort_rule(found: Cohort) -> Any:
    """Let a rule of its own hold for a cohort."""

    def change(form: AtRiskRuleForm) -> bool:
        changed = service.set_cohort_rule(
            cohort=found, rule=_rule(form), reason=form.reason.data or "", seen=form.seen.data or 0, by=actor()
        )
        return changed is not None

    return _changed(
        change, lambda form, status: _of_cohort(found, form, status), url_for("reports.cohort_rule", code=found.code)
    )


@blueprint.post("/cohorts/<code>/at-risk-rule/default")
@requires(SET_COHORT_RULE, on=cohorts.get_cohort)
def end_cohort_rule(found: Cohort) -> Any:
    """Let the organisation's rule hold for a cohort again."""
    form = BackToDefaultForm()

    def work() -> Done:
        service.end_cohort_rule(cohort=found, seen=form.seen.data or 0, by=actor())
        return Done(
            _("The rule of the organisation holds for this cohort again."),
            url_for("reports.cohort_rule", code=found.code),
        )

    try:
        return carry_out(work)
    except DomainError as refused:
        newest = queries.find_cohort_rule(found)
        again = _filled(rule_of(newest).rule, newest.id if newest else 0)
        again.form_errors.append(str(refused))
        return _of_cohort(found, again, refused.status)


def _of_cohort(found: Cohort, form: AtRiskRuleForm, status: int = 200) -> tuple[str, int]:
    rows = queries.list_cohort_rules(found)
    holds = rule_of(rows[0] if rows else None)
    page = render_template(
        "reports/cohort_rule.html",
        cohort={
            "name": str(found.name),
            "code": found.code,
            "href": url_for("reports.cohort", code=found.code),
        },
        form=form,
        seen=form.seen.data or 0,
        newest=rows[0].id if rows else 0,
        limit=REASON_LIMIT,
        may_set=can(SET_COHORT_RULE, found),
        has_own=holds.of is RuleFrom.COHORT,
        rule=rule_in_words(holds.rule),
        holds=in_force_words(holds, found.market.time_zone),
        reason=rows[0].reason if rows and holds.of is RuleFrom.COHORT else None,
        default=rule_in_words(rule_of(None).rule),
        default_href=url_for("reports.at_risk_rule") if can(SEE_AT_RISK_RULE) else None,
        activity=activity_words(),
        invited=invited_words(),
        history=_history(rows),
    )
    return page, status


# --- Of both -----------------------------------------------------------------------------------


def _filled(rule: RiskRule, seen: int) -> AtRiskRuleForm:
    """Return the form with the rule that holds; why another one should is for whoever sets it to say."""
    return AtRiskRuleForm(
        formdata=None,
        overdue_steps=rule.overdue_steps,
        failed_tries=rule.failed_tries,
        idle_days=rule.idle_days,
        seen=seen,
    )


def _rule(form: AtRiskRuleForm) -> RiskRule:
    return RiskRule(form.overdue_steps.data, form.failed_tries.data, form.idle_days.data)


def _changed(
    change: Callable[[AtRiskRuleForm], bool], shown: Callable[[AtRiskRuleForm, int], tuple[str, int]], back: str
) -> Any:
    """Carry out what the form asks for, or show it again with what is wrong."""
    form = AtRiskRuleForm()
    if not form.validate():
        return shown(form, 400)

    def work() -> Done:
        said = _("The rule has been changed.") if change(form) else _("The rule says this already.")
        return Done(said, back)

    try:
        return carry_out(work)
    except DomainError as refused:
        form.form_errors.append(str(refused))
        return shown(form, refused.status)


def _history(rows: Sequence[AtRiskRule | CohortRiskRule]) -> list[dict[str, Any]]:
    """Return what was set, the latest first; without any reason that counts: the organisation's holds again."""
    zone = actor().time_zone
    return [
        {
            "rule": rule_in_words(row.rule) if row.rule is not None else [],
            "by": row.by.name_in(language()),
            "at": format_instant(row.at, zone),
            "reason": row.reason or "",
            "is_own_of_product": isinstance(row, AtRiskRule) and row.rule == RiskRule(),
        }
        for row in rows
    ]
