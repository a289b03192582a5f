"""How the journal's page reads what was changed in reports."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Vocabulary

VOCABULARY = Vocabulary(
    actions={"reports.at_risk_rule_changed": _l("At-risk rule changed")},
    kinds={"at_risk_rule": Kind(_l("At-risk rule"))},
    facts={
        "overdue_steps": Fact(_l("Overdue required steps")),
        "failed_tries": Fact(_l("Failed tries at one check")),
        "idle_days": Fact(_l("Working days without activity")),
    },
)
