"""Mails about certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app

from portal.accounts.service.recipients import describe_mail
from portal.certificates import queries
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
    return Email(
        template="certificates/emails/ready",
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
        },
    )
