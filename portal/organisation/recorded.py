"""How the journal's page reads what was done to the organisation: verbs, names of markets and teams, labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from flask import url_for

from portal.core.access import can
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext
from portal.journal.service import Fact, Kind, Thing, Vocabulary
from portal.organisation import queries, rules
from portal.organisation.models import Market, Team
from portal.organisation.permissions import CHANGE_SETTINGS


def _find_markets(codes: Collection[str]) -> Mapping[str, Thing]:
    linked = can(CHANGE_SETTINGS)
    return {
        each.code: Thing(str(each.name), url_for("organisation.market", code=each.code) if linked else None)
        for each in queries.list_markets()
        if each.code in codes
    }


def _find_teams(codes: Collection[str]) -> Mapping[str, Thing]:
    linked = can(CHANGE_SETTINGS)
    return {
        each.code: Thing(str(each.name), url_for("organisation.team", code=each.code) if linked else None)
        for each in queries.list_teams()
        if each.code in codes
    }


def _meant(text: str, things: Iterable[Market | Team]) -> list[str]:
    wanted = text.casefold()
    return [each.code for each in things if wanted in f"{each.name.en} {each.name.ja}".casefold()]


def _markets_meant(text: str) -> list[str]:
    return _meant(text, queries.list_markets())


def _teams_meant(text: str) -> list[str]:
    return _meant(text, queries.list_teams())


VOCABULARY = Vocabulary(
    actions={
        "organisation.settings_changed": _l("Settings changed"),
        "organisation.market_added": _l("Market added"),
        "organisation.market_changed": _l("Market changed"),
        "organisation.team_added": _l("Team added"),
        "organisation.team_changed": _l("Team changed"),
    },
    kinds={
        "organisation": Kind(_l("Organisation")),
        "market": Kind(_l("Market"), _find_markets, _markets_meant),
        "team": Kind(_l("Team"), _find_teams, _teams_meant),
    },
    facts={
        rules.NAME: Fact(lazy_pgettext("of a thing", "Name")),
        rules.WELLBEING_CONTACT: Fact(_l("Wellbeing contact")),
        rules.WELLBEING_TEXT: Fact(_l("More about the wellbeing contact")),
        rules.TIME_ZONE: Fact(_l("Default time zone")),
        rules.LANGUAGE: Fact(_l("Default language"), words={"ja": "日本語", "en": "English"}),
        rules.ATTEMPT_TOLERANCE: Fact(_l("Tolerance after the end of a quiz, in seconds")),
        rules.ACCOMMODATION_NEEDS_TWO: Fact(_l("An accommodation needs a second person")),
        rules.EXPOSURE_STATEMENT: Fact(_l("Statement on exposure")),
        rules.ESCALATED_AFTER: Fact(_l("Leads are told of what is overdue after, in working days")),
        rules.LEADS_SEE_ACCOMMODATIONS: Fact(_l("Team leads see the accommodations of their people")),
        "name": Fact(lazy_pgettext("of a thing", "Name")),
        "market": Fact(_l("Market"), refers_to="market"),
        "team": Fact(_l("Team"), refers_to="team"),
        "time_zone": Fact(_l("Time zone")),
        "holiday_country": Fact(_l("Country of the national holidays")),
        "closed": Fact(_l("Closed")),
        "language": Fact(_l("Language"), words={"ja": "日本語", "en": "English"}),
        # Which version of a thing an entry is about; shown beside its name where it is the only one.
        "version": Fact(_l("Version")),
    },
)
