"""How the journal's page reads obligations and their cycles."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.obligations import queries
from portal.obligations.rules import Rhythm


def _find_obligations(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        code: Thing(str(each.title), url_for("obligations.obligation", code=code))
        for code, each in queries.find_obligations(codes).items()
    }


def _find_cycles(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        each.code: Thing(
            _(
                "%(title)s, cycle %(number)s (%(name)s)",
                title=each.obligation.title,
                number=each.number,
                name=each.person.name_in(language()),
            ),
            url_for("obligations.obligation", code=each.obligation.code),
        )
        for each in queries.list_cycles_by_code(codes)
    }


_RHYTHM = Fact(
    _l("Rhythm"),
    words={
        Rhythm.AFTER_COMPLETION.value: _l("Months after the last completion"),
        Rhythm.BEFORE_EXPIRY.value: _l("Before a certificate expires"),
        Rhythm.YEARLY.value: _l("Every year on a fixed day"),
    },
)

VOCABULARY = Vocabulary(
    actions={
        "obligations.created": _l("Obligation created"),
        "obligations.terms_changed": _l("Terms of an obligation changed"),
        "obligations.paused": _l("Obligation paused"),
        "obligations.resumed": _l("Obligation resumed"),
        "obligations.ended": _l("Obligation ended"),
        "obligations.people_entered": _l("People came under an obligation"),
        "obligations.people_left": _l("People are under an obligation no longer"),
        "obligations.cycle_opened": _l("Cycle opened"),
        "obligations.cycle_closed": _l("Cycle closed"),
    },
    kinds={
        "obligation": Kind(_l("Recurring obligation"), _find_obligations),
        "obligation_cycle": Kind(_l("Cycle"), _find_cycles),
    },
    facts={
        "obligations.people_entered:people": Fact(_l("Number of people")),
        "obligations.people_left:people": Fact(_l("Number of people")),
        "obligations.created:plan": Fact(_l("Training plan"), refers_to="plan"),
        "obligations.terms_changed:plan": Fact(_l("Training plan"), refers_to="plan"),
        "obligations.terms_changed:number": Fact(_l("Number of the terms")),
        "obligations.created:begins_on": Fact(_l("In force from")),
        "obligations.created:rhythm": _RHYTHM,
        "obligations.terms_changed:rhythm": _RHYTHM,
        "obligations.cycle_opened:obligation": Fact(_l("Recurring obligation"), refers_to="obligation"),
        "obligations.cycle_opened:person": Fact(_l("Person"), refers_to="person"),
        "obligations.cycle_opened:number": Fact(_l("Number of the cycle")),
        "obligations.cycle_opened:opens_on": Fact(_l("Day by the rhythm")),
        "obligations.cycle_opened:enrollment": Fact(_l("Training"), refers_to="enrollment"),
        "obligations.cycle_closed:closed_as": Fact(
            _l("Closed as"),
            words={
                "completed": _l("Completed"),
                "recognised": _l("Counted from an earlier completion"),
                "lapsed": _l("Lapsed"),
                "left": _l("Not addressed any more"),
                "stopped": _l("Training ended"),
                "ended": _l("Obligation ended"),
            },
        ),
    },
)
