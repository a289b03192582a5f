"""What certificates do when something happens in the domains below, and the job that makes their files."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.certificates import queries, service
from portal.certificates.formats.signed_file import SignedFile, print_signed
from portal.certificates.permissions import SEE_BATCH, SEE_CERTIFICATE
from portal.certificates.queries import batches as batch_queries
from portal.certificates.queries import templates
from portal.certificates.rules.batches import BatchKind
from portal.certificates.service import batches, keys, policies, status
from portal.core import jobs, mail
from portal.core.access import can
from portal.core.events import subscribe
from portal.core.i18n import LANGUAGES, LazyText, language
from portal.core.i18n import lazy_gettext as _l
from portal.core.pdf import CharacterWithoutGlyph, ForbiddenAddress
from portal.library import queries as library
from portal.library.events import VersionPublished, VersionWithdrawn
from portal.training import queries as training
from portal.training.events import ExemptStepDone, PlanCompleted


def on_plan_completed(event: PlanCompleted) -> None:
    """Issue what completing the plan earns."""
    service.issue_for_completion(training.get_enrollment(event.enrollment_code))


def on_exempt_step_done(event: ExemptStepDone) -> None:
    """Issue what waited for a quiz from which the holder was exempt."""
    enrollment = training.get_enrollment(event.enrollment_code)
    if not training.has_result_missing(enrollment):
        service.issue_for_completion(enrollment)


def on_version_published(event: VersionPublished) -> None:
    """Note the certificates that are of an older policy when the version takes effect."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        policies.supersede_by_policy(version)


def on_version_withdrawn(event: VersionWithdrawn) -> None:
    """Take that back where the version never took effect."""
    version = library.find_version_by_id(event.version_id)
    if version is not None:
        policies.take_back(version)


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    found = {each.id: each for each in queries.list_certificates_by_id([each["certificate_id"] for each in arguments])}
    said = []
    for each in arguments:
        certificate = found.get(each["certificate_id"])
        if certificate is None or not can(SEE_CERTIFICATE, certificate):
            said.append(jobs.Description(_l("Certificate as a PDF, in both languages")))
            continue
        said.append(
            jobs.Description(
                _l("Certificate as a PDF, in both languages"),
                certificate.number,
                url_for("certificates.show", number=certificate.number),
                certificate.person.name_in(language()),
            )
        )
    return said


def _describe_batches(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    found = {each.code: each for each in batch_queries.list_batches_of([each["code"] for each in arguments])}
    said = []
    for each in arguments:
        batch = found.get(each["code"])
        if batch is None or not can(SEE_BATCH, batch):
            said.append(jobs.Description(_l("Certificates of a cohort, many at once")))
            continue
        href = url_for("certificates.batch", code=batch.code)
        said.append(jobs.Description(BATCHES[batch.kind], str(batch.cohort.name), href, batch.code))
    return said


BATCHES = {
    BatchKind.ISSUE: _l("Issue the certificates of a cohort"),
    BatchKind.RENEW: _l("Renew the certificates of a cohort"),
    BatchKind.REVOKE: _l("Revoke certificates of a cohort"),
    BatchKind.ZIP: _l("Certificates of a cohort as an archive"),
    BatchKind.PRINT: _l("Certificates of a cohort as a print file"),
}


def _explain(failure: str) -> LazyText | None:
    if failure == "PdfFailed":
        return _l("The file could not be drawn. Check that the fonts and WeasyPrint's libraries are installed.")
    if failure == "CharacterWithoutGlyph":
        return _l(
            "No font has a character of this certificate, in most cases of the holder's name. It is named on the "
            "certificate's page, where the certificate can be issued with the romanised name."
        )
    if failure == "Unmergeable":
        return _l("A stored file is damaged and cannot be printed. Run: flask doctor")
    if failure == "KeyMissing":
        return _l("The key that signs certificates is missing. Put it back from the backup of the keys folder.")
    return None


# The same data would be refused the same way, however often it is tried.
HOPELESS = (CharacterWithoutGlyph, ForbiddenAddress)


@jobs.job("certificates.render", hopeless=HOPELESS, describe=_describe, explain=_explain)
def render(certificate_id: int) -> Generator[Any, Any, None]:
    """Make the certificate's PDF in both languages, then owe the mail that tells the holder.

    Nothing is drawn, and nobody told, of one in whose place another was issued for the same completion meanwhile.
    """
    for tag in LANGUAGES:
        certificate = queries.get_certificate_by_id(certificate_id)
        if queries.has_file(certificate_id, tag):
            continue
        if service.is_issued_anew(certificate):
            return
        keys.make_missing_keys()
        signers = keys.load_signers()
        images = templates.images_of_snapshot(certificate.snapshot)
        signed = yield jobs.Outside(_printing(certificate.snapshot, tag, images, signers))
        # Another transaction has begun: read again what may have changed.
        service.store_file(certificate=queries.get_certificate_by_id(certificate_id), language=tag, signed=signed)
    mail.send_later(
        "certificates.ready", {"certificate_id": certificate_id}, effect_key=f"certificates.ready:{certificate_id}"
    )


@jobs.job(batches.JOB, describe=_describe_batches, explain=_explain)
def carry_out_batch(code: str) -> Generator[Any, Any, None]:
    """Do what was asked for many certificates, one after the other."""
    yield from batches.run(code, render)


@jobs.periodic("certificates.tidy_prints", minutes=59, what=_l("Remove print files that were made long ago"))
def tidy_prints() -> None:
    """Remove the bytes of print files that were made long ago."""
    batches.tidy()


@jobs.periodic("certificates.tidy", minutes=30, what=_l("Remove old counts of look-ups"))
def tidy() -> None:
    """Remove counts of look-ups that are of no use any more."""
    service.tidy_levels()


@jobs.periodic("certificates.status_places", minutes=10, what=_l("Give earlier certificates a place in status lists"))
def give_places() -> None:
    """Give certificates that were issued before there were badges a place in a status list."""
    status.allot_missing()


def _printing(
    snapshot: Mapping[str, Any], language: str, images: Mapping[str, bytes], signers: keys.Signers
) -> Callable[[], SignedFile]:
    return lambda: print_signed(
        snapshot, language, issue_key=signers.issue, document_key=signers.document, at=signers.at, images=images
    )


def init() -> None:
    """Listen to what happens below."""
    subscribe(PlanCompleted, on_plan_completed)
    subscribe(ExemptStepDone, on_exempt_step_done)
    subscribe(VersionPublished, on_version_published)
    subscribe(VersionWithdrawn, on_version_withdrawn)
