"""How the journal's page reads what spans the domains."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Vocabulary

VOCABULARY = Vocabulary(
    actions={
        "content.imported": _l("Content folder imported"),
        "content.history_imported": _l("History of a folder imported"),
    },
    kinds={"content": Kind(_l("Content folder"))},
    facts={
        "changes": Fact(_l("What changed")),
        "content.history_imported:documents": Fact(_l("Documents taken in")),
        "content.history_imported:versions": Fact(_l("Versions taken in")),
        "content.history_imported:refused": Fact(_l("Refused")),
    },
)
