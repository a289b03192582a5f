"""Mails about certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app

from portal.accounts.service.recipients import describe_mail
from portal.certificates import queries, service
from portal.certificates.formats.report import STATES
from portal.certificates.rules import HOLDS
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Description
from portal.core.mail import Email, email


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.id: each for each in queries.list_certificates_by_id([each["certificate_id"] for each in arguments])}
    return [
        describe_mail(_l("Mail: a certificate is ready"), certificate.person, certificate.number)
        if (certificate := found.get(each["certificate_id"])) is not None
        else Description(_l("Mail: a certificate is ready"))
        for each in arguments
    ]


@email("certificates.ready", describe=_describe)
def ready(certificate_id: int) -> Email | None:
    """Tell the holder that her certificate can be downloaded; nothing to somebody whose account is deactivated."""
    certificate = queries.get_certificate_by_id(certificate_id)
    person = certificate.person
    if not person.is_active:
        return None
    base = current_app.config["PUBLIC_URL"]
    is_anew = certificate.issue_no > 1
    state = service.state_of(certificate)
    return Email(
        template="certificates/emails/reissued" if is_anew else "certificates/emails/ready",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "credential": certificate.title.in_(person.language),
            "number": certificate.number,
            "expires_on": certificate.expires_on,
            "page": f"{base}/certificates/{certificate.number}",
            "verify": certificate.snapshot["verify_url"],
            "issuer": certificate.words("issuer").in_(person.language),
        }
        | (
            {
                "printed": certificate.snapshot["holder"][person.language],
                "is_valid": state in HOLDS,
                "state": STATES[state],
            }
            if is_anew
            else {}
        ),
    )


def _describe_standing(arguments: Sequence[Mapping[str, Any]]) -> list[Description]:
    found = {each.id: each for each in queries.list_facts_by_id([each["fact_id"] for each in arguments])}
    return [
        describe_mail(
            _l("Mail: what a certificate is worth has changed"), fact.certificate.person, fact.certificate.number
        )
        if (fact := found.get(each["fact_id"])) is not None
        else Description(_l("Mail: what a certificate is worth has changed"))
        for each in arguments
    ]


@email("certificates.standing", describe=_describe_standing)
def standing(fact_id: int) -> Email | None:
    """Tell the holder that her certificate was suspended, reinstated or revoked, why, and whom she can ask.

    Nothing to somebody whose account is deactivated.
    """
    found = queries.list_facts_by_id([fact_id])
    if not found or not found[0].certificate.person.is_active:
        return None
    (fact,) = found
    certificate = fact.certificate
    person = certificate.person
    return Email(
        template="certificates/emails/standing",
        to_address=person.sign_in_name,
        to_name=person.name_in(person.language),
        salutation=person.addressed_in(person.language),
        language=person.language,
        values={
            "kind": fact.kind.value,
            "credential": certificate.title.in_(person.language),
            "number": certificate.number,
            "at": fact.at,
            "zone": certificate.zone,
            "reason": fact.reason,
            "contacts": [
                (each.name_in(person.language), each.sign_in_name) for each in service.others_who_decide(certificate)
            ],
            "page": f"{current_app.config['PUBLIC_URL']}/certificates/{certificate.number}",
        },
    )
