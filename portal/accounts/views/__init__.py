"""The pages of accounts, by audience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, g, url_for

from portal.core.i18n import language

blueprint = Blueprint("accounts", __name__, template_folder="../templates")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks at the page, as its frame shows her."""

    name: str
    code: str
    language: str
    href: str


@blueprint.app_context_processor
def viewer() -> dict[str, Any]:
    """Give every template its viewer, None where nobody is signed in."""
    person = g.get("viewer")
    if person is None:
        return {"viewer": None}
    return {
        "viewer": Viewer(
            name=person.name_in(language()),
            code=person.code,
            language=person.language,
            href=url_for("accounts.own_account"),
        )
    }
