"""How the journal's page reads what was done in mentoring; what was noted is not in it."""

from __future__ import annotations

from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Vocabulary
from portal.mentoring.service.notes import READERS

VOCABULARY = Vocabulary(
    actions={
        "mentoring.note_written": _l("Note on a learner written"),
        "mentoring.note_corrected": _l("Note on a learner corrected"),
        "mentoring.note_shown": _l("Note shown to its learner"),
        "mentoring.note_taken_back": _l("Note on a learner taken back"),
        "mentoring.one_to_one_held": _l("One-to-one held"),
        "mentoring.one_to_one_taken_back": _l("One-to-one taken back"),
    },
    facts={
        "mentoring.note_written:readers": Fact(_l("Who can read it"), words=READERS),
        "mentoring.note_corrected:readers": Fact(_l("Who can read it"), words=READERS),
        "held_on": Fact(_l("Held on")),
    },
)
