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


def _words(said: Words | str) -> str:
    return said.in_(language()) if isinstance(said, Words) else said


@blueprint.app_context_processor
def organisation() -> dict[str, Any]:
    """Give every template the organisation's name and whom to turn to."""
    found = queries.of_every_page()
    try:
        href = url_for("organisation.wellbeing")
    except RuntimeError:
        # A mail is no page: it has no address of its own.
        href = ""
    return {
        "organisation": Frame(
            name=_words(found[rules.NAME]),
            wellbeing_contact=_words(found[rules.WELLBEING_CONTACT]),
            wellbeing_href=href,
        )
    }
