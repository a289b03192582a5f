"""Certificates as what was given because of quiz results that are about to be corrected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from flask import url_for

from portal.certificates import queries
from portal.certificates.permissions import SEE_CERTIFICATE
from portal.core.access import actor, allows
from portal.core.i18n import gettext as _
from portal.quizzes.service.regrades import Rest


def rests_on_results(attempt_codes: Collection[str]) -> Mapping[str, Sequence[Rest]]:
    """Return attempt → the certificates that rest on its result; each leads to its page for those who may see it."""
    viewer = actor()
    found: dict[str, list[Rest]] = {}
    for code, certificate in queries.list_resting_on_attempts(attempt_codes):
        said = _("Certificate %(number)s", number=certificate.number)
        may_see = allows(viewer, SEE_CERTIFICATE, certificate)
        href = url_for("certificates.show", number=certificate.number) if may_see else None
        found.setdefault(code, []).append(Rest(said, href))
    return found
