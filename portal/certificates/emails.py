"""Mails about certificates."""

from __future__ import annotations

from flask import current_app

from portal.certificates import queries
from portal.core.mail import Email, email


@email("certificates.ready")
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
