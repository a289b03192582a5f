"""How the journal's page reads confirmations, campaigns and questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.acknowledgements.queries import campaigns
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.library import queries as library


def _find_campaigns(codes: Collection[str]) -> Mapping[str, Thing]:
    found = campaigns.find_campaigns(codes)
    titles = library.list_titles({each.version_id for each in found.values()}, language())
    return {
        code: Thing(
            _("%(title)s (version %(number)s)", title=titles[each.version_id], number=each.version.number),
            url_for("acknowledgements.campaign", code=code),
        )
        for code, each in found.items()
    }


VOCABULARY = Vocabulary(
    actions={
        "acknowledgements.acknowledged": _l("Document confirmed"),
        "acknowledgements.reading_confirmed": _l("Reading confirmed"),
        "acknowledgements.check_answered": _l("Questions about changes answered"),
        "acknowledgements.campaign_begun": _l("Campaign begun"),
        "acknowledgements.people_asked": _l("People asked to confirm"),
        "acknowledgements.requests_ended": _l("Requests to confirm ended"),
        "acknowledgements.campaign_closed": _l("Campaign ended"),
        "acknowledgements.campaign_reopened": _l("Campaign begun again"),
        "acknowledgements.person_exempted": _l("Person let off a confirmation"),
        "acknowledgements.exemption_ended": _l("Exemption from a confirmation taken back"),
        "acknowledgements.question_asked": _l("Question about a clause asked"),
        "acknowledgements.question_answered": _l("Question about a clause answered"),
    },
    kinds={"campaign": Kind(_l("Campaign"), _find_campaigns)},
    facts={
        "people": Fact(_l("Number of people")),
        "questions": Fact(_l("Number of questions")),
        "acknowledgements.check_answered:right": Fact(_l("Answered rightly")),
        "acknowledgements.campaign_begun:document": Fact(_l("Document"), refers_to="document"),
        "acknowledgements.person_exempted:person": Fact(_l("Person"), refers_to="person"),
        "acknowledgements.exemption_ended:person": Fact(_l("Person"), refers_to="person"),
        "exempt_by": Fact(_l("Let off by"), refers_to="person"),
        "exempt_reason": Fact(_l("Reason of the exemption")),
        "ended_as": Fact(
            _l("Ended as"),
            words={
                "superseded": _l("a newer version is asked for"),
                "withdrawn": _l("the version was withdrawn"),
                "stopped": _l("ended by hand"),
                "left": _l("left the audience"),
            },
        ),
        "closed_because": Fact(
            _l("Reason of the end"),
            words={
                "superseded": _l("a newer version is asked for"),
                "withdrawn": _l("the version was withdrawn"),
                "by_hand": _l("ended by hand"),
            },
        ),
        "clause": Fact(_l("Clause")),
    },
)
