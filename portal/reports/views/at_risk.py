"""The rule by which learners are at risk: what holds, who set it when, and another one."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for

from portal.core.access import actor, can, requires
from portal.core.errors import DomainError
from portal.core.i18n import format_instant, language
from portal.core.i18n import gettext as _
from portal.core.once import Done, carry_out
from portal.reports import service
from portal.reports.formats.words import rule_in_words
from portal.reports.forms import AtRiskRuleForm
from portal.reports.permissions import CHANGE_AT_RISK_RULE, SEE_AT_RISK_RULE
from portal.reports.queries.lead import list_at_risk_rules
from portal.reports.rules import RiskRule
from portal.reports.views import blueprint


@blueprint.get("/at-risk-rule")
@requires(SEE_AT_RISK_RULE)
def at_risk_rule() -> tuple[str, int]:
    """Show the rule that holds and every one before it."""
    rows = list_at_risk_rules()
    rule = rows[0].rule if rows else RiskRule()
    form = AtRiskRuleForm(
        formdata=None,
        overdue_steps=rule.overdue_steps,
        failed_tries=rule.failed_tries,
        idle_days=rule.idle_days,
        seen=rows[0].id if rows else 0,
    )
    return _shown(form)


@blueprint.post("/at-risk-rule")
@requires(CHANGE_AT_RISK_RULE)
def change_at_risk_rule() -> Any:
    """Let another rule hold for the whole organisation."""
    form = AtRiskRuleForm()
    if not form.validate():
        return _shown(form, 400)

    def work() -> Done:
        rule = RiskRule(form.overdue_steps.data, form.failed_tries.data, form.idle_days.data)
        changed = service.set_at_risk_rule(rule=rule, seen=form.seen.data or 0, by=actor())
        said = _("The rule has been changed.") if changed is not None else _("The rule says this already.")
        return Done(said, url_for("reports.at_risk_rule"))

    try:
        return carry_out(work)
    except DomainError as refused:
        form.form_errors.append(str(refused))
        return _shown(form, refused.status)


def _shown(form: AtRiskRuleForm, status: int = 200) -> tuple[str, int]:
    rows, viewer = list_at_risk_rules(), actor()
    page = render_template(
        "reports/at_risk_rule.html",
        form=form,
        seen=form.seen.data or 0,
        may_change=can(CHANGE_AT_RISK_RULE),
        rule=rule_in_words(rows[0].rule if rows else RiskRule()),
        history=[
            {
                "rule": rule_in_words(row.rule),
                "by": row.by.name_in(language()),
                "at": format_instant(row.at, viewer.time_zone),
            }
            for row in rows
        ],
        first=rule_in_words(RiskRule()),
    )
    return page, status
