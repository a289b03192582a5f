"""How the journal's page reads what was done with certificates."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.certificates import queries
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.journal.service import Fact, Kind, Thing, Vocabulary


def _find_certificates(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        each.number: Thing(
            _("%(number)s, %(person)s", number=each.number, person=each.person.name_in(here)),
            url_for("certificates.show", number=each.number),
        )
        for each in queries.list_certificates_by_number(codes)
    }


def _find_credentials(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        each.credential.slug: Thing(str(each.title))
        for each in queries.list_latest_versions()
        if each.credential.slug in codes
    }


VOCABULARY = Vocabulary(
    actions={
        "certificates.credential_published": _l("Credential published"),
        "certificates.issued": _l("Certificate issued"),
        "certificates.file_stored": _l("Certificate PDF stored"),
        "certificates.reissued": _l("Certificate replaced by a new one"),
        "certificates.not_issued": _l("Certificate not issued"),
        "certificates.revocation_requested": _l("Revocation requested"),
        "certificates.revocation_declined": _l("Revocation declined"),
        "certificates.revoked": _l("Certificate revoked"),
        "certificates.suspended": _l("Certificate suspended"),
        "certificates.reinstated": _l("Certificate reinstated"),
        "certificates.policy_superseded": _l("Certificates superseded by policy"),
        "certificates.policy_supersession_taken_back": _l("Certificates no longer superseded by policy"),
    },
    kinds={
        "certificate": Kind(_l("Certificate"), _find_certificates, queries.list_numbers_meant),
        "credential": Kind(_l("Credential"), _find_credentials),
    },
    facts={
        "certificates.issued:version": Fact(_l("Version of the credential")),
        "certificates.reissued:by": Fact(_l("Replaced by"), refers_to="certificate"),
        "credential": Fact(_l("Credential"), refers_to="credential"),
        "enrollment": Fact(_l("Training"), refers_to="enrollment"),
        "certificates": Fact(_l("Certificates"), refers_to="certificate"),
        "requested_by": Fact(_l("Requested by"), refers_to="person"),
        "certificates.file_stored:language": Fact(_l("Language"), words={"en": _l("English"), "ja": _l("Japanese")}),
        "certificates.file_stored:sha256": Fact(_l("Hash"), technical=True),
        "snapshot_sha256": Fact(_l("Hash"), technical=True),
    },
)
