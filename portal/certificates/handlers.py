"""What certificates do when something happens in the domains below, and the job that makes their files."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from portal.certificates import queries, service
from portal.certificates.formats.sheet import Sheet, make_sheet
from portal.core import jobs, mail, pdf
from portal.core.events import subscribe
from portal.core.i18n import LANGUAGES
from portal.training import queries as training
from portal.training.events import PlanCompleted


def on_plan_completed(event: PlanCompleted) -> None:
    """Issue what completing the plan earns."""
    service.issue_for_completion(training.get_enrollment(event.enrollment_code))


@jobs.job("certificates.render")
def render(certificate_id: int) -> Generator[Any, Any, None]:
    """Make the certificate's PDF in both languages, then owe the mail that tells the holder."""
    for language in LANGUAGES:
        certificate = queries.get_certificate_by_id(certificate_id)
        if queries.has_file(certificate_id, language):
            continue
        rendered = yield jobs.Outside(_printing(make_sheet(certificate.snapshot, language)))
        # Another transaction has begun: read again what may have changed.
        service.store_file(
            certificate=queries.get_certificate_by_id(certificate_id), language=language, rendered=rendered
        )
    mail.send_later(
        "certificates.ready", {"certificate_id": certificate_id}, effect_key=f"certificates.ready:{certificate_id}"
    )


@jobs.periodic("certificates.tidy", minutes=30)
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
