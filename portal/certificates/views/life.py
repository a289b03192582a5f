"""What the page of a certificate says of its life: every issue, what comes next, who is shown it, what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import session, url_for

from portal.accounts import queries as accounts
from portal.accounts.permissions import DECIDE_NAMES
from portal.certificates import queries, service
from portal.certificates.models import Certificate, CredentialVersion
from portal.certificates.permissions import CHANGE_STANDING, KEEP_OWN, SEE_CREDENTIALS
from portal.certificates.queries import reissues, renewals, shares, terms
from portal.certificates.rules import CAN_BE_RENEWED, HOLDS, State
from portal.certificates.rules.renewals import last_day_of_grace, opens_on
from portal.certificates.service.assigning import assigning
from portal.certificates.service.reissues import can_be_asked
from portal.core import clock
from portal.core.access import can
from portal.core.clock import local_date
from portal.core.i18n import format_date, format_instant, language
from portal.core.i18n import gettext as _
from portal.core.web import public_url
from portal.training import queries as training

# Under this key the session keeps a new address until the page that shows it once.
NEW_SHARE = "certificate_share"


def life_of(certificate: Certificate) -> dict[str, Any]:
    """Return what the page shows besides the certificate itself."""
    chain = renewals.list_chain(certificate)
    is_own = can(KEEP_OWN, certificate)
    asked = reissues.find_open(certificate.id)
    state = service.state_of(certificate)
    return {
        "chain": _told_chain(chain, certificate),
        "cycle": renewals.number_cycles(chain)[certificate.id],
        "next": _next(certificate, state, is_own=is_own),
        "later": _later(certificate, chain),
        "credential_href": url_for("certificates.credential", slug=certificate.credential_version.credential.slug)
        if can(SEE_CREDENTIALS)
        else None,
        "has_date": certificate.expires_on is not None and state in HOLDS | {State.SUSPENDED},
        "is_own": is_own,
        "shares": _told_shares(certificate) if is_own else [],
        "may_share": is_own and state in HOLDS | {State.IN_GRACE, State.EXPIRED, State.POLICY_SUPERSEDED},
        "new_share": _new_share(certificate) if is_own else None,
        "may_change": can(CHANGE_STANDING, certificate),
        "may_ask": is_own and asked is None and can_be_asked(certificate),
        "asked": {"reason": asked.reason, "at": format_instant(asked.requested_at, certificate.zone)}
        if asked is not None
        else None,
        "name_now": service.holder_of(certificate.person)[language()]
        if is_own or can(CHANGE_STANDING, certificate)
        else "",
        "name_open": _name_open(certificate) if is_own or can(CHANGE_STANDING, certificate) else None,
        "can_suspend": state not in (State.REVOKED, State.SUSPENDED),
        "can_reinstate": state is State.SUSPENDED,
        "can_reissue": certificate.replaced_at is None and state in HOLDS | {State.POLICY_SUPERSEDED},
    }


def _name_open(certificate: Certificate) -> dict[str, Any] | None:
    """Return since when the holder's account carries a name that nobody has confirmed, or None."""
    changed = accounts.find_open_name_change(certificate.person_id)
    if changed is None:
        return None
    person = certificate.person
    return {
        "at": format_date(local_date(changed.changed_at, certificate.zone)),
        "name": person.name_in(language()),
        "href": url_for("accounts.name_change", code=person.code) if can(DECIDE_NAMES, person) else None,
    }


def _told_chain(chain: Sequence[Certificate], shown: Certificate) -> list[dict[str, Any]]:
    cycles = renewals.number_cycles(chain)
    return [
        {
            "number": each.number,
            "cycle": cycles[each.id],
            "state": service.state_of(each),
            "issued_on": each.issued_on,
            "expires_on": each.expires_on,
            "is_shown": each.id == shown.id,
            "version": each.credential_version.number,
        }
        for each in chain
    ]


def _later(certificate: Certificate, chain: Sequence[Certificate]) -> dict[str, str] | None:
    """Return the issue that stands in place of one that was replaced, or None."""
    if certificate.replaced_at is None:
        return None
    last = chain[0]
    return {"number": last.number, "href": url_for("certificates.show", number=last.number)}


def _told_shares(certificate: Certificate) -> list[dict[str, Any]]:
    return [
        {
            "code": each.code,
            "label": each.label,
            "at": format_instant(each.created_at, certificate.zone),
        }
        for each in shares.list_open(certificate.id)
    ]


def _new_share(certificate: Certificate) -> str | None:
    """Return the address that was just made, once."""
    found = session.get(NEW_SHARE)
    if not isinstance(found, dict) or found.get("number") != certificate.number:
        return None
    session.pop(NEW_SHARE)
    return public_url("certificates.shared", token=found["token"])


# --- What comes next -----------------------------------------------------------------------------------------------


def _next(certificate: Certificate, state: State, *, is_own: bool) -> dict[str, Any] | None:
    """Say what to do about a certificate that can be renewed, or has expired; None where there is nothing to do."""
    slug = certificate.credential_version.credential.slug
    latest = queries.find_latest_version(certificate.credential_version.credential)
    if certificate.replaced_at is not None or latest is None or state in (State.REVOKED, State.SUSPENDED):
        return None
    if latest.superseded_by_slug is not None:
        title = terms.titles_of([latest.superseded_by_slug]).get(latest.superseded_by_slug, latest.superseded_by_slug)
        return {
            "lines": [
                _(
                    "“%(title)s” has taken the place of this credential. It is no longer issued or renewed.",
                    title=title,
                ),
                *([_("This certificate stays valid until its last day.")] if state in HOLDS else []),
            ],
            "plans": [],
            "can_renew": False,
            "running": None,
            "assigned": None,
        }
    if certificate.expires_on is None and state is State.VALID:
        return None
    lines = [] if certificate.expires_on is None else _dates(certificate, state, certificate.expires_on)
    plans = _plans(latest, can_renew=state in CAN_BE_RENEWED)
    running = _running(certificate, [each["slug"] for each in plans]) if is_own else None
    asked = assigning()
    comes = asked.next_for(slug, certificate.person) if asked is not None and running is None else None
    return {"lines": lines, "plans": plans, "can_renew": state in CAN_BE_RENEWED, "running": running, "assigned": comes}


# What its holder should hear about where she only looks through what she has.
_URGENT = {State.EXPIRING, State.IN_GRACE, State.POLICY_SUPERSEDED}


def renewal_words(found: Sequence[Certificate]) -> dict[int, str]:
    """Say of the certificates that should be renewed now until when, by their row; of all the others nothing."""
    urgent = {each.id: (each, state) for each in found if (state := service.state_of(each)) in _URGENT}
    if not urgent:
        return {}
    ended = {each.credential_id for each in queries.list_latest_versions() if each.superseded_by_slug is not None}
    return {
        number: _dates(each, state, each.expires_on)[0]
        for number, (each, state) in urgent.items()
        if each.replaced_at is None and each.expires_on is not None and each.credential_id not in ended
    }


def _dates(certificate: Certificate, state: State, expires_on: date) -> list[str]:
    said = certificate.credential_version
    window, grace = said.renewal_window_days, said.grace_days
    until = last_day_of_grace(expires_on, grace)
    if state is State.POLICY_SUPERSEDED:
        # What its window would say is of no interest any more: it is no longer worth what it was.
        return [_("It can be renewed now: the new one rests on the rules that are in force by then.")]
    if state is State.IN_GRACE:
        return [
            _(
                "It expired on %(day)s and can still be renewed until %(until)s.",
                day=format_date(expires_on),
                until=format_date(until),
            )
        ]
    if state is State.EXPIRED:
        return [_("It expired on %(day)s. The full training plan earns it again.", day=format_date(expires_on))]
    if clock.today(certificate.zone) > expires_on:
        return []
    lines = []
    if window is None:
        lines.append(_("A new certificate counts from the day on which it is issued."))
    elif state is State.EXPIRING:
        lines.append(
            _(
                "It can be renewed now without losing a day: what is completed until %(day)s is counted from that day.",
                day=format_date(expires_on),
            )
        )
    else:
        lines.append(
            _(
                "From %(from)s on it can be renewed without losing a day: the new one is then counted from %(day)s.",
                **{"from": format_date(opens_on(expires_on, window)), "day": format_date(expires_on)},
            )
        )
    if grace is not None:
        lines.append(_("After that day it can still be renewed until %(until)s.", until=format_date(until)))
    return lines


def _plans(latest: CredentialVersion, *, can_renew: bool) -> list[dict[str, str]]:
    """Return the plans that renew the credential, the refresher first; of what is too late the full ones only."""
    found = terms.list_plans_to(latest.credential.slug)
    refresher = [each for each in found if each.plan.slug == latest.renewal_plan_slug]
    named = refresher if refresher and can_renew else [each for each in found if each not in refresher]
    return [{"slug": each.plan.slug, "title": str(each.title)} for each in named]


def _running(certificate: Certificate, slugs: Sequence[str]) -> dict[str, str] | None:
    """Return the holder's running training that leads to a renewal, or None."""
    for each in training.list_enrollments_of(certificate.person_id):
        if each.is_open and each.version.plan.slug in slugs:
            return {"title": str(each.version.title), "href": url_for("training.path", code=each.code)}
    return None
