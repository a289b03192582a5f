"""How the journal's page reads what two people decided of a result."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.gradebook import queries
from portal.journal.service import Fact, Kind, Thing, Vocabulary

WISHES = {
    "override": _l("Score set by hand"),
    "exemption": _l("Exemption"),
    "withdrawal": _l("Withdrawal of a decision"),
}


def _find_decisions(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        each.code: Thing(
            _("%(quiz)s, %(person)s", quiz=each.quiz_version.title, person=each.person.name_in(here)),
            url_for("gradebook.result", slug=each.quiz.slug, code=each.person.code),
        )
        for each in queries.list_decisions_of(codes)
    }


VOCABULARY = Vocabulary(
    actions={
        "gradebook.decision_asked": _l("Decision about a result requested"),
        "gradebook.decision_confirmed": _l("Decision about a result confirmed"),
        "gradebook.decision_declined": _l("Decision about a result declined"),
        "gradebook.transcript_printed": _l("Transcript created as a PDF"),
    },
    kinds={"grade_decision": Kind(_l("Decision about a result"), _find_decisions)},
    facts={
        "wish": Fact(_l("Decision"), words=WISHES),
        "score": Fact(_l("Score")),
        "withdraws_no": Fact(_l("Number of the decision that is withdrawn")),
        "asked_by": Fact(_l("Requested by"), refers_to="person"),
        "gradebook.transcript_printed:language": Fact(
            _l("Language"), words={"en": _l("English"), "ja": _l("Japanese")}
        ),
    },
)
