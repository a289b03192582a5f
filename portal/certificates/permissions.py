"""Who sees a certificate, and who may take its worth away."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import Person, Role, Scope
from portal.accounts.permissions import holds, holds_everywhere, holds_for, scopes_of_person
from portal.certificates.models import Certificate, CertificateBatch
from portal.certificates.rules.batches import FILES, BatchKind
from portal.cohorts.permissions import Reach, reach_of, scopes_of_cohort
from portal.core.access import AnyOf, Permission, allows
from portal.training.models import Enrollment
from portal.training.permissions import scopes_of_enrollment

SEE_CERTIFICATE = Permission("certificates.see_certificate", "see a certificate and download its files")
SEE_CREDENTIALS = Permission(
    "certificates.see_credentials", "see what credentials certify, on which terms, and who within reach holds them"
)
SEE_COVERAGE = Permission(
    "certificates.see_coverage", "see how many of those within reach are certified, and who is not"
)
CHANGE_TERMS = Permission("certificates.change_terms", "publish a version of a credential with other terms")
KEEP_OWN = Permission("certificates.keep_own", "show one's own certificate to others, and ask for a new name on it")
CHANGE_STANDING = Permission(
    "certificates.change_standing", "suspend and reinstate a certificate, and issue it anew with another name"
)
REVOKE = Permission("certificates.revoke", "ask for the revocation of a certificate, or confirm it")

SEE_BATCHES = Permission("certificates.see_batches", "see the list of batches of certificates")
SEE_EVERY_BATCH = Permission("certificates.see_every_batch", "see the batches of certificates of others, too")
SEE_BATCH = Permission("certificates.see_batch", "see a batch of certificates, and take its file")
RUN_BATCH = Permission("certificates.run_batch", "cancel a batch of certificates, and let it go on")
ISSUE_FOR_COHORT = Permission(
    "certificates.issue_for_cohort", "issue and renew in one go what the people of a cohort have earned"
)
ISSUE_EARNED = Permission("certificates.issue_earned", "issue in one go what somebody has earned")
TAKE_FILES = Permission("certificates.take_files", "take the certificates of a cohort as one archive or print file")

SEE_TEMPLATES = Permission("certificates.see_templates", "see how certificates look: their templates and versions")
WRITE_TEMPLATES = Permission("certificates.write_templates", "write and publish templates of certificates")
USE_TEMPLATE = Permission(
    "certificates.use_template", "choose from which template a credential's certificates are drawn"
)
# Trainers write; whoever answers for what is certified decides what is used.
_WRITERS = (Role.AUTHOR, Role.POLICY_OWNER, Role.ADMIN)


def is_holder(person: Person, thing: Any) -> bool:
    """Say whether the certificate is the person's own."""
    return isinstance(thing, Certificate) and thing.person_id == person.id


def scopes_of_certificate(certificate: Certificate) -> dict[Scope, set[str]]:
    """Return the markets, teams and cohort through which a certificate can be seen: of the plan, and the holder's."""
    return scopes_of_earned(certificate.enrollment)


def scopes_of_earned(enrollment: Enrollment) -> dict[Scope, set[str]]:
    """Return the same of a training that earns a certificate."""
    present, then = scopes_of_person(enrollment.person), scopes_of_enrollment(enrollment)
    return {scope: present.get(scope, set()) | then.get(scope, set()) for scope in Scope}


def reach_over_holders(person: Person) -> Reach:
    """Return of whom the person sees what they hold: as in `SEE_CERTIFICATE`."""
    return reach_of(person, Role.LEAD, everywhere=(Role.ADMIN, Role.AUDITOR))


def permission_for(kind: BatchKind) -> Permission:
    """Return what asking for a batch of the kind needs, on its cohort."""
    if kind is BatchKind.REVOKE:
        return REVOKE
    return TAKE_FILES if kind in FILES else ISSUE_FOR_COHORT


def is_asker(person: Person, thing: Any) -> bool:
    """Say whether she asked for the batch."""
    return isinstance(thing, CertificateBatch) and thing.requested_by_id == person.id


def could_ask_again(person: Person, thing: Any) -> bool:
    """Say whether she has the role still that asking for it needs."""
    return isinstance(thing, CertificateBatch) and allows(person, permission_for(thing.kind), thing.cohort)


TABLE: dict[Permission, AnyOf] = {
    SEE_CERTIFICATE: [
        [is_holder],
        [holds_for(Role.LEAD, scopes=scopes_of_certificate)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    SEE_BATCHES: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_EVERY_BATCH: [[holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    SEE_BATCH: [[is_asker, could_ask_again], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    RUN_BATCH: [[is_asker, could_ask_again], [holds_everywhere(Role.ADMIN)]],
    ISSUE_FOR_COHORT: [[holds_for(Role.LEAD, scopes=scopes_of_cohort)], [holds_everywhere(Role.ADMIN)]],
    ISSUE_EARNED: [[holds_for(Role.LEAD, scopes=scopes_of_earned)], [holds_everywhere(Role.ADMIN)]],
    TAKE_FILES: [
        [holds_for(Role.LEAD, scopes=scopes_of_cohort)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    SEE_TEMPLATES: [[holds_everywhere(*_WRITERS, Role.APPROVER, Role.AUDITOR)]],
    WRITE_TEMPLATES: [[holds_everywhere(*_WRITERS)]],
    USE_TEMPLATE: [[holds_everywhere(Role.POLICY_OWNER, Role.ADMIN)]],
    SEE_CREDENTIALS: [
        [holds(Role.LEAD, Role.AUTHOR, Role.POLICY_OWNER)],
        [holds_everywhere(Role.ADMIN, Role.AUDITOR)],
    ],
    SEE_COVERAGE: [[holds(Role.LEAD)], [holds_everywhere(Role.ADMIN, Role.AUDITOR)]],
    CHANGE_TERMS: [[holds_everywhere(Role.POLICY_OWNER, Role.ADMIN)]],
    KEEP_OWN: [[is_holder]],
    CHANGE_STANDING: [[holds_everywhere(Role.ADMIN)]],
    REVOKE: [[holds_everywhere(Role.ADMIN)]],
}
