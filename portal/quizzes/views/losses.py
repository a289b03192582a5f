"""What pages say of the quizzes that lose by a change of questions, and what somebody has accepted of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request, url_for

from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.quizzes.service.depth import Loss, stopped_words

# So many names of quizzes are taken from a form.
_MOST = 500


def losses_shown(found: Sequence[Loss]) -> list[dict[str, Any]]:
    """Return the quizzes that lose by a change, those that cannot be started any more first."""
    return [
        {
            "slug": each.slug,
            "title": each.after.version.title.in_(language()),
            "href": url_for("quizzes.coverage", slug=each.slug),
            "stops": each.stops,
            "words": stopped_words(each.after) if each.stops else _("questions would come again in the next attempt"),
        }
        for each in sorted(found, key=lambda each: not each.stops)
    ]


def accepted() -> list[str]:
    """Return the slugs of the quizzes of which a form says that they may stop."""
    return request.form.getlist("accepting")[:_MOST] if request.form.get("accepted") == "yes" else []
