"""How the journal's page reads what the journal does by itself: sealing history."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Vocabulary

VOCABULARY = Vocabulary(
    actions={
        "journal.sealed": _l("Rows of history sealed"),
        "journal.sealing_began": _l("Sealing of history started"),
    },
    kinds={"journal": Kind(_l("Journal"))},
    facts={"journal.sealing_began:rows": Fact(_l("Rows"))},
)
