"""How the journal's page reads parts and levels."""

from __future__ import annotations

from portal.backfill.service.telling import LEVELS, PARTS
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.journal.service import Fact, Vocabulary

VOCABULARY = Vocabulary(
    actions={
        "backfill.part_set": _l("Part in a task, policy or credential set"),
        "backfill.level_stated": _l("Level of a person stated"),
    },
    kinds={},
    facts={
        "backfill.part_set:person": Fact(lazy_pgettext("backfill", "Person"), refers_to="person"),
        "backfill.part_set:part": Fact(
            lazy_pgettext("backfill", "Part"), words={each.value: words for each, words in PARTS.items()}
        ),
        "backfill.level_stated:person": Fact(lazy_pgettext("backfill", "Person"), refers_to="person"),
        "backfill.level_stated:level": Fact(
            lazy_pgettext("backfill", "Level"), words={str(int(each)): words for each, words in LEVELS.items()}
        ),
        "backfill.level_stated:seen_on": Fact(_l("Seen on")),
    },
)
