"""How the journal's page reads what was done to people: verbs, their names, the labels of their facts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask import url_for

from portal.accounts import queries
from portal.accounts.permissions import ROLE_NAMES
from portal.core.i18n import language, lazy_pgettext
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary

# So many people are meant by a text at most.
MEANT = 200


def _find_people(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        person.code: Thing(person.name_in(here), url_for("accounts.show_person", code=person.code))
        for person in queries.list_people_of(codes)
    }


def _people_meant(text: str) -> list[str]:
    return queries.list_codes_meant(text, MEANT)


def _kind_of_scope(facts: Mapping[str, Any]) -> str | None:
    scope = facts.get("scope")
    return scope if scope in ("market", "team", "cohort") else None


VOCABULARY = Vocabulary(
    actions={
        "accounts.invited": _l("Account opened"),
        "accounts.invitation_sent": _l("Invitation sent"),
        "accounts.password_reset_sent": _l("Link for a new password sent"),
        "accounts.imported": _l("People imported"),
        "accounts.changed": _l("Person changed"),
        "accounts.name_confirmed": _l("Own change of name confirmed"),
        "accounts.name_refused": _l("Own change of name refused"),
        "accounts.password_set": _l("Password set"),
        "accounts.deactivated": _l("Account deactivated"),
        "accounts.reactivated": _l("Account reactivated"),
        "accounts.role_granted": _l("Role granted"),
        "accounts.role_ended": _l("Role ended"),
        "accounts.accommodation_approved": _l("Accommodation approved"),
        "accounts.accommodation_confirmed": _l("Accommodation confirmed by a second person"),
        "accounts.accommodation_ended": _l("Accommodation ended"),
        "accounts.owner_set": _l("Owner named"),
    },
    kinds={
        "person": Kind(lazy_pgettext("journal", "Person"), _find_people, _people_meant),
        "people_import": Kind(_l("Import of people")),
    },
    facts={
        "person": Fact(lazy_pgettext("journal", "Person"), refers_to="person"),
        "owner": Fact(_l("Owner"), refers_to="person"),
        "deputy": Fact(_l("Deputy"), refers_to="person"),
        "accounts.owner_set:team": Fact(_l("Team"), refers_to="team"),
        "family_name": Fact(_l("Family name")),
        "given_name": Fact(_l("Given name")),
        "middle_name": Fact(_l("Middle name")),
        "family_kana": Fact(_l("Family name, reading")),
        "given_kana": Fact(_l("Given name, reading")),
        "family_romaji": Fact(_l("Family name, romanised")),
        "given_romaji": Fact(_l("Given name, romanised")),
        "shown_as": Fact(_l("Shown as")),
        "sign_in_name": Fact(_l("Email address")),
        "employee_number": Fact(_l("Employee number")),
        "accounts.invited:market": Fact(_l("Home market"), refers_to="market"),
        "accounts.changed:market": Fact(_l("Home market"), refers_to="market"),
        "further_markets": Fact(_l("Additional markets"), refers_to="market"),
        "role": Fact(_l("Role"), words={role.value: name for role, name in ROLE_NAMES.items()}),
        "scope": Fact(
            _l("For"),
            words={
                "organisation": _l("The whole organisation"),
                "market": _l("Market"),
                "team": _l("Team"),
                "cohort": _l("Cohort"),
            },
        ),
        "scope_code": Fact(_l("Which one"), refers_to=_kind_of_scope),
        "valid_from": Fact(_l("From")),
        "valid_until": Fact(_l("Until")),
        "file": Fact(_l("File")),
        "accounts.imported:people": Fact(lazy_pgettext("place", "People"), refers_to="person"),
    },
)
