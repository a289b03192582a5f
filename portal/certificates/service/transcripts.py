"""Certificates as what rests on a person's results: her transcript lists every one, superseded ones too."""

from __future__ import annotations

from flask import url_for

from portal.accounts.models import Person
from portal.certificates import queries
from portal.certificates.models import Certificate
from portal.certificates.permissions import SEE_CERTIFICATE
from portal.certificates.queries import Results
from portal.certificates.rules import State
from portal.core import clock
from portal.core.access import actor, allows
from portal.core.i18n import LazyText
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext as pgettext
from portal.gradebook.service.rests import Rest

# The name of the look (`portal/ui/states.py`) of each state, and its word.
_SHOWN: dict[State, tuple[str, LazyText]] = {
    State.VALID: ("valid", pgettext("state", "Valid")),
    State.EXPIRING: ("expiring", pgettext("state", "Expires soon")),
    State.IN_GRACE: ("expired", pgettext("certificate", "In grace")),
    State.RENEWED: ("superseded", pgettext("certificate", "Renewed")),
    State.EXPIRED: ("expired", pgettext("state", "Expired")),
    State.REVOKED: ("revoked", pgettext("state", "Revoked")),
    State.SUSPENDED: ("warning", pgettext("certificate", "Suspended")),
    State.SUPERSEDED: ("superseded", pgettext("certificate", "Superseded")),
    State.POLICY_SUPERSEDED: ("superseded", pgettext("certificate", "Superseded by policy")),
}


def certificates_of(person: Person) -> list[Rest]:
    """Return the person's certificates, the newest first, each with the attempts and decisions of its basis."""
    viewer = actor()
    found = queries.list_certificates_of(person.id)
    newest: dict[int, int] = {}
    for each in found:
        newest[each.credential_id] = max(newest.get(each.credential_id, 0), each.id)
    results = queries.results_under({each.enrollment_code for each in found})
    return [
        _rest(each, results[each.enrollment_code], viewer, is_newest=each.id == newest[each.credential_id])
        for each in found
    ]


def _rest(certificate: Certificate, results: Results, viewer: Person | None, *, is_newest: bool) -> Rest:
    state = certificate.state(clock.today(certificate.zone), clock.now())
    if state not in (State.REVOKED, State.SUSPENDED, State.RENEWED) and not is_newest:
        # It may hold still; a later one for the same credential has taken its place.
        state = State.SUPERSEDED
    look, word = _SHOWN[state]
    # What was issued before format 3 names them itself.
    basis = certificate.snapshot["basis"]
    if "attempts" in basis:
        results = Results(
            frozenset(attempt["code"] for attempt in basis["attempts"]),
            frozenset(each["decision"] for each in basis.get("by_hand", ())),
        )
    may_see = viewer is not None and allows(viewer, SEE_CERTIFICATE, certificate)
    return Rest(
        what=_l("Certificate"),
        title=certificate.title,
        on=certificate.issued_on,
        attempts=results.attempts,
        decisions=results.decisions,
        number=certificate.number,
        look=look,
        word=word,
        expires_on=certificate.expires_on,
        href=url_for("certificates.show", number=certificate.number) if may_see else None,
        is_certificate=True,
        given_at=certificate.issued_at,
    )
