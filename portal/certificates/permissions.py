"""Who sees a certificate, and who may take its worth away."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds_everywhere, holds_for, scopes_of_person
from portal.certificates.models import Certificate
from portal.core.access import AnyOf, Permission
from portal.training.permissions import scopes_of_enrollment

SEE_CERTIFICATE = Permission("certificates.see_certificate", "see a certificate and download its files")
REVOKE = Permission("certificates.revoke", "ask for the revocation of a certificate, or confirm it")


def is_holder(person: Person, thing: Any) -> bool:
    """Say whether the certificate is the person's own."""
    return isinstance(thing, Certificate) and thing.person_id == person.id


def scopes_of_certificate(certificate: Certificate) -> dict[Scope, set[str]]:
    """Return the markets, teams and cohort through which a certificate can be seen: of the plan, and the holder's."""
    present, then = scopes_of_person(certificate.person), scopes_of_enrollment(certificate.enrollment)
    return {scope: present.get(scope, set()) | then.get(scope, set()) for scope in Scope}


TABLE: dict[Permission, AnyOf] = {
    SEE_CERTIFICATE: [
        [is_holder],
        [holds_for(Role.LEAD, scopes=scopes_of_certificate)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    REVOKE: [[holds_everywhere(Role.ADMIN)]],
}
