"""The pages of the library, by audience, and the words that they share."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import Blueprint

from portal.accounts.models import Role
from portal.accounts.permissions import ROLE_NAMES
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.library.models import GROUPS, AudienceKind, ChangeClass, Document, DocumentKind
from portal.library.service.changed import LANGUAGE_WORDS as LANGUAGE_WORDS
from portal.library.service.warnings import WARNINGS as WARNINGS
from portal.organisation import queries as organisation

blueprint = Blueprint("library", __name__, template_folder="../templates")

KINDS = {
    DocumentKind.POLICY: _l("Policies"),
    DocumentKind.SOP: _l("Procedures"),
    DocumentKind.LESSON: _l("Lessons"),
    DocumentKind.HANDOVER: _l("Handover documents"),
}
CHANGE_CLASSES = {
    ChangeClass.EDITORIAL: _l("Editorial"),
    ChangeClass.MINOR: _l("Minor"),
    ChangeClass.MATERIAL: _l("Material"),
    ChangeClass.EMERGENCY: _l("Emergency"),
}


def market_name(code: str | None) -> str:
    """Return what a market is called, or its code where it is not known here."""
    found = organisation.find_market(code or "")
    return found.name.in_(language()) if found is not None else code or ""


def audience_words(document: Document) -> str:
    """Return to whom a document is addressed, in words."""
    return words_of_audience({kind: document.audience(kind) for kind in GROUPS})


def audience_choices(chosen: Mapping[AudienceKind, Collection[str]]) -> dict[AudienceKind, list[tuple[str, str]]]:
    """Return the markets, teams and roles to which a document can be addressed, with those that it is addressed to."""
    here = language()
    choices = {
        AudienceKind.MARKET: [(each.code, each.name.in_(here)) for each in organisation.list_markets()],
        AudienceKind.TEAM: [(each.code, each.name.in_(here)) for each in organisation.list_teams()],
        AudienceKind.ROLE: [(role.value, str(name)) for role, name in ROLE_NAMES.items()],
    }
    # A code that is not known here (yet) came with a file, and stays unless it is taken out.
    return {
        kind: [*known, *((code, code) for code in chosen.get(kind, ()) if code not in {each for each, _label in known})]
        for kind, known in choices.items()
    }


def words_of_audience(audience: Mapping[AudienceKind, Collection[str]]) -> str:
    """Return to whom something is addressed, in words."""
    here = language()
    parts = []
    for kind in GROUPS:
        names = []
        for code in audience.get(kind, ()):
            if kind is AudienceKind.ROLE:
                names.append(str(ROLE_NAMES[Role(code)]) if code in set(Role) else code)
            else:
                found = organisation.find_market(code) if kind is AudienceKind.MARKET else organisation.find_team(code)
                names.append(found.name.in_(here) if found else code)
        if names:
            parts.append(", ".join(names) if here == "en" else "、".join(names))
    return " · ".join(parts) or _("Everybody")
