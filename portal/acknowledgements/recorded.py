"""How the journal's page reads confirmations."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Vocabulary

VOCABULARY = Vocabulary(
    actions={
        "acknowledgements.acknowledged": _l("Document confirmed"),
        "acknowledgements.reading_confirmed": _l("Reading confirmed"),
    },
)
