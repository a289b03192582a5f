"""What keeps a training from earning the certificate to which its plan leads, while it runs and after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from portal.certificates import queries
from portal.certificates.errors import CredentialSuperseded, NoSuchCredential, NothingToRenew, ResultMissing
from portal.certificates.queries import batches as found_in
from portal.certificates.queries import owed
from portal.certificates.queries.renewals import could_renew
from portal.certificates.service import batches, renewals
from portal.cohorts.permissions import Reach
from portal.core import clock
from portal.core.i18n import gettext as _
from portal.training import queries as training
from portal.training.models import Enrollment

# Whoever leads a learner reads for so long that nothing was issued for what she completed.
TOLD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NotIssued:
    """A completed training for which nothing was issued, and why, in words."""

    enrollment: Enrollment
    reason: str


def what_hinders(enrollment: Enrollment) -> str:
    """Say in words why completing a training earns nothing, or has earned nothing; empty: it does, or leads to nothing.

    As things are now for one that runs, as they were at its completion for one that is completed.
    """
    slug = enrollment.version.credential_slug
    if slug is None or enrollment.ended_at is not None:
        return ""
    credential = queries.find_credential(slug)
    version = queries.find_latest_version(credential) if credential is not None else None
    is_completed = enrollment.completed_at is not None
    if credential is None or version is None:
        return str(NoSuchCredential(slug=slug)) if is_completed else ""
    if is_completed and queries.find_last_issue(credential.id, enrollment.code) is not None:
        return ""
    if version.superseded_by_slug is not None:
        return str(CredentialSuperseded(title=renewals.title_of(version.superseded_by_slug)))
    is_refresher = enrollment.version.plan.slug == version.renewal_plan_slug
    at = enrollment.completed_at or clock.now()
    if is_refresher and not could_renew(enrollment.person_id, credential.id, at):
        if is_completed:
            return str(NothingToRenew())
        return _(
            "This plan only renews “%(title)s”, and there is no certificate now that could be renewed. Only the full "
            "training plan earns it.",
            title=str(version.title),
        )
    return str(ResultMissing()) if is_completed and training.has_result_missing(enrollment) else ""


def list_not_issued(reach: Reach) -> list[NotIssued]:
    """Return the trainings of people within reach that were completed lately and earned nothing, with the reason.

    Until something is issued to the person after all. A fixed number of statements.
    """
    found = owed.list_completed_in_vain(reach, since=clock.now() - TOLD_FOR)
    if not found:
        return []
    codes = {each.code for each in found}
    completions = [
        each
        for each in found_in.list_completions([each.person for each in found], None)
        if each.enrollment.code in codes
    ]
    titles = batches.successors(completions)
    return [
        NotIssued(
            each.enrollment,
            str(batches.hindrance(each, titles) or _("It can be issued now, with the others of the cohort.")),
        )
        for each in completions
    ]
