"""Whom to turn to; in both languages, for everybody."""

from __future__ import annotations

from typing import Any

from flask import render_template

from portal.core.access import public
from portal.core.i18n import LANGUAGE_NAMES, Words, language, other
from portal.organisation import queries, rules
from portal.organisation.views import blueprint


@blueprint.get("/wellbeing")
@public
def wellbeing() -> Any:
    """Show the wellbeing contact in both languages, the reader's first."""
    found = queries.settings({rules.WELLBEING_CONTACT: Words("", ""), rules.WELLBEING_TEXT: Words("", "")})
    here = language()
    texts = [
        (tag, getattr(found[rules.WELLBEING_CONTACT], tag), getattr(found[rules.WELLBEING_TEXT], tag))
        for tag in (here, other(here))
    ]
    return render_template(
        "organisation/wellbeing.html",
        texts=[each for each in texts if each[1] or each[2]],
        names=LANGUAGE_NAMES,
    )
