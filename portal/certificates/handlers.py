"""What certificates do when something happens in the domains below, and the job that makes their files."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.certificates import queries, service
from portal.certificates.formats.sheet import Sheet, make_sheet
from portal.certificates.permissions import SEE_CERTIFICATE
from portal.certificates.service import policies
from portal.core import jobs, mail, pdf
from portal.core.access import can
from portal.core.events import subscribe
from portal.core.i18n import LANGUAGES, LazyText, language
from portal.core.i18n import lazy_gettext as _l
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


def _explain(failure: str) -> LazyText | None:
    if failure == "PdfFailed":
        return _l("The file could not be drawn. Check that the fonts and WeasyPrint's libraries are installed.")
    return None


@jobs.job("certificates.render", describe=_describe, explain=_explain)
def render(certificate_id: int) -> Generator[Any, Any, None]:
    """Make the certificate's PDF in both languages, then owe the mail that tells the holder."""
    for tag in LANGUAGES:
        certificate = queries.get_certificate_by_id(certificate_id)
        if queries.has_file(certificate_id, tag):
            continue
        rendered = yield jobs.Outside(_printing(make_sheet(certificate.snapshot, tag)))
        # Another transaction has begun: read again what may have changed.
        service.store_file(certificate=queries.get_certificate_by_id(certificate_id), language=tag, rendered=rendered)
    mail.send_later(
        "certificates.ready", {"certificate_id": certificate_id}, effect_key=f"certificates.ready:{certificate_id}"
    )


@jobs.periodic("certificates.tidy", minutes=30, what=_l("Remove old counts of look-ups"))
def tidy() -> None:
    """Remove counts of look-ups that are of no use any more."""
    service.tidy_levels()


def _printing(sheet: Sheet) -> Callable[[], pdf.Rendered]:
    return lambda: pdf.render(
        sheet.html,
        stylesheets=sheet.stylesheets,
        assets=sheet.assets,
        fonts=sheet.fonts,
        identifier=sheet.identifier,
        title=sheet.title,
        language=sheet.language,
    )


def init() -> None:
    """Listen to what happens below."""
    subscribe(PlanCompleted, on_plan_completed)
    subscribe(ExemptStepDone, on_exempt_step_done)
    subscribe(VersionPublished, on_version_published)
    subscribe(VersionWithdrawn, on_version_withdrawn)
