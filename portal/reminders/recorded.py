"""How the journal's page reads what people change about their reminders."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Vocabulary

VOCABULARY = Vocabulary(
    actions={"reminders.changed": _l("Own reminders changed")},
    facts={
        "reminders.changed:hour": Fact(_l("From which hour")),
        "rhythm": Fact(
            _l("How often"),
            words={
                "daily": _l("Every working day"),
                "weekly": _l("Once a week, on its first working day"),
                "never": _l("No reminders"),
            },
        ),
    },
)
