"""The pages of the organisation, and what every page's frame says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, url_for

from portal.core.i18n import Words, language
from portal.organisation import queries, rules

blueprint = Blueprint("organisation", __name__, template_folder="../templates")


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page's frame shows of the organisation."""

    name: str
    wellbeing_contact: str
    wellbeing_href: str


@blueprint.app_context_processor
def organisation() -> dict[str, Any]:
    """Give every template the organisation's name and whom to turn to."""
    found = queries.settings({rules.NAME: Words(*rules.DEFAULT_NAME), rules.WELLBEING_CONTACT: Words("", "")})
    try:
        href = url_for("organisation.wellbeing")
    except RuntimeError:
        # A mail is no page: it has no address of its own.
        href = ""
    return {
        "organisation": Frame(
            name=found[rules.NAME].in_(language()),
            wellbeing_contact=found[rules.WELLBEING_CONTACT].in_(language()),
            wellbeing_href=href,
        )
    }
