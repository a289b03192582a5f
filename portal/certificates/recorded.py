"""How the journal's page reads what was done with certificates."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import url_for

from portal.certificates import queries
from portal.certificates.queries import batches, keys, templates
from portal.certificates.rules.batches import BatchKind
from portal.core.i18n import gettext as _
from portal.core.i18n import language
from portal.core.i18n import lazy_gettext as _l
from portal.core.i18n import lazy_pgettext as pgettext
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


def _find_batches(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        each.code: Thing(f"{KINDS[each.kind]}: {each.cohort.name}", url_for("certificates.batch", code=each.code))
        for each in batches.list_batches_of(codes)
    }


def _find_credentials(codes: Collection[str]) -> Mapping[str, Thing]:
    return {
        each.credential.slug: Thing(str(each.title), url_for("certificates.credential", slug=each.credential.slug))
        for each in queries.list_latest_versions()
        if each.credential.slug in codes
    }


def _find_templates(codes: Collection[str]) -> Mapping[str, Thing]:
    here = language()
    return {
        each.slug: Thing(
            templates.spec_of(each.draft.spec).name.in_(here), url_for("certificates.template", slug=each.slug)
        )
        for each in templates.list_templates()
        if each.slug in codes
    }


def _find_keys(codes: Collection[str]) -> Mapping[str, Thing]:
    return {each.kid: Thing(each.kid) for each in keys.list_keys() if each.kid in codes}


# What is done with many certificates at once.
KINDS = {
    BatchKind.ISSUE: _l("Issue what was earned"),
    BatchKind.RENEW: _l("Renew what was completed again"),
    BatchKind.REVOKE: _l("Revoke"),
    BatchKind.ZIP: _l("Files as an archive (ZIP)"),
    BatchKind.PRINT: _l("Print file (PDF)"),
}

VOCABULARY = Vocabulary(
    actions={
        "certificates.credential_published": _l("Credential published"),
        "certificates.terms_changed": _l("Terms of a credential changed"),
        "certificates.shared": _l("Link to a certificate made"),
        "certificates.share_withdrawn": _l("Link to a certificate withdrawn"),
        "certificates.reissue_requested": _l("New certificate requested"),
        "certificates.reissue_declined": _l("Request for a new certificate closed"),
        "certificates.issued": _l("Certificate issued"),
        "certificates.file_stored": _l("Certificate PDF stored"),
        "certificates.reissued": _l("Certificate replaced by a new one"),
        "certificates.not_issued": _l("Certificate not issued"),
        "certificates.revocation_requested": _l("Revocation requested"),
        "certificates.revocation_declined": _l("Revocation declined"),
        "certificates.revoked": _l("Certificate revoked"),
        "certificates.batch_asked": _l("Batch of certificates asked for"),
        "certificates.batch_confirmed": _l("Batch of revocations confirmed"),
        "certificates.batch_declined": _l("Batch of revocations declined"),
        "certificates.batch_taken_back": _l("Batch of revocations taken back"),
        "certificates.batch_cancelled": _l("Batch of certificates cancelled"),
        "certificates.batch_resumed": _l("Batch of certificates taken up again"),
        "certificates.batch_finished": _l("Batch of certificates finished"),
        "certificates.batch_taken": _l("File of a batch of certificates downloaded"),
        "certificates.suspended": _l("Certificate suspended"),
        "certificates.reinstated": _l("Certificate reinstated"),
        "certificates.template_begun": _l("Certificate template begun"),
        "certificates.template_published": _l("Certificate template published"),
        "certificates.template_used": _l("Certificate template used for a credential"),
        "certificates.image_added": _l("Picture for certificates added"),
        "certificates.key_taken": _l("Signing key taken into use"),
        "certificates.key_retired": _l("Signing key retired"),
        "certificates.policy_superseded": _l("Certificates superseded by policy"),
        "certificates.policy_supersession_taken_back": _l("Certificates no longer superseded by policy"),
    },
    kinds={
        "signing_key": Kind(_l("Signing key"), _find_keys),
        "certificate": Kind(_l("Certificate"), _find_certificates, queries.list_numbers_meant),
        "certificate_batch": Kind(_l("Batch of certificates"), _find_batches),
        "credential": Kind(_l("Credential"), _find_credentials),
        "certificate_template": Kind(_l("Certificate template"), _find_templates),
        "certificate_image": Kind(_l("Picture for certificates")),
    },
    facts={
        "certificates.issued:version": Fact(_l("Version of the credential")),
        "certificates.issued:cycle": Fact(pgettext("certificate", "Cycle")),
        "certificates.issued:renews": Fact(_l("Renews"), refers_to="certificate"),
        "certificates.shared:link": Fact(_l("Link"), technical=True),
        "certificates.share_withdrawn:link": Fact(_l("Link"), technical=True),
        "certificates.terms_changed:validity_months": Fact(_l("Validity in months")),
        "certificates.terms_changed:renewal_window_days": Fact(_l("Renewal window in days")),
        "certificates.terms_changed:grace_days": Fact(_l("Grace in days")),
        "certificates.terms_changed:renewal_plan": Fact(_l("Refresher"), refers_to="plan"),
        "certificates.terms_changed:superseded_by": Fact(_l("Superseded by"), refers_to="credential"),
        "certificates.reissued:by": Fact(_l("Replaced by"), refers_to="certificate"),
        "credential": Fact(_l("Credential"), refers_to="credential"),
        "enrollment": Fact(_l("Training"), refers_to="enrollment"),
        "certificates": Fact(_l("Certificates"), refers_to="certificate"),
        "certificates.key_taken:purpose": Fact(
            _l("What it signs"), words={"issue": _l("Data of certificates"), "document": _l("PDF files")}
        ),
        "certificates.batch_asked:kind": Fact(_l("Kind"), words={each.value: said for each, said in KINDS.items()}),
        "certificates.batch_asked:cohort": Fact(_l("Cohort"), refers_to="cohort"),
        "certificates.batch_asked:certificates": Fact(_l("Number of certificates")),
        "certificates.batch_asked:left_out": Fact(pgettext("batch", "Left out")),
        "certificates.batch_taken:certificates": Fact(_l("Number of certificates")),
        "certificates.batch_cancelled:done": Fact(_l("Carried out")),
        "certificates.batch_cancelled:waiting": Fact(_l("Not carried out yet")),
        "certificates.batch_finished:done": Fact(_l("Carried out")),
        "certificates.batch_finished:not_earned": Fact(_l("Nothing owed")),
        "certificates.batch_finished:refused": Fact(pgettext("batch", "Refused")),
        "requested_by": Fact(_l("Requested by"), refers_to="person"),
        "certificates.file_stored:language": Fact(_l("Language"), words={"en": _l("English"), "ja": _l("Japanese")}),
        "certificates.file_stored:sha256": Fact(_l("Hash"), technical=True),
        "certificates.template_published:version": Fact(_l("Version")),
        "certificates.template_used:version": Fact(_l("Version")),
        "certificates.template_published:hash": Fact(_l("Hash"), technical=True),
        "certificates.image_added:kind": Fact(
            _l("Kind"), words={"logo": _l("Logo"), "signature": _l("Signature"), "seal": _l("Seal")}
        ),
        "certificates.image_added:name": Fact(_l("File name")),
        "snapshot_sha256": Fact(_l("Hash"), technical=True),
    },
)
