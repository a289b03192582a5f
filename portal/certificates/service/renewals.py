"""What a new issue renews: checked inside the transaction that issues it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.certificates import queries
from portal.certificates.errors import CredentialSuperseded, NoRenewal, NothingToRenew
from portal.certificates.models import Certificate, CredentialVersion
from portal.certificates.queries import renewals
from portal.certificates.rules import State
from portal.certificates.rules.renewals import Former, valid_until
from portal.core import clock
from portal.training.models import Enrollment


@dataclass(frozen=True, slots=True)
class Cycle:
    """The cycle that an issue opens: its number, the issue that it renews, and its last day."""

    number: int
    renews: Certificate | None
    expires_on: date | None


def cycle_of(
    version: CredentialVersion,
    enrollment: Enrollment,
    earlier: Sequence[Certificate],
    issued_at: datetime,
    *,
    only_renews: bool = False,
) -> Cycle:
    """Return the cycle that a completed enrollment opens; `earlier` are the person's issues that nothing replaced.

    Raises `CredentialSuperseded` where the credential is not issued any more, and where there was nothing that could be
    renewed `NothingToRenew` for a plan that only renews, and `NoRenewal` for any other one if `only_renews`.
    """
    if version.superseded_by_slug is not None:
        raise CredentialSuperseded(title=title_of(version.superseded_by_slug))
    assert enrollment.completed_at is not None
    is_refresher = enrollment.version.plan.slug == version.renewal_plan_slug
    if (is_refresher or only_renews) and not renewals.could_renew(
        enrollment.person_id, version.credential_id, enrollment.completed_at
    ):
        raise NothingToRenew() if is_refresher else NoRenewal()
    zone = enrollment.person.home_market.time_zone
    # What was issued for another completion in between counts as there already.
    last = earlier[-1] if earlier else None
    at = max(enrollment.completed_at, last.issued_at) if last is not None else enrollment.completed_at
    former = renewals.former_at(last, at) if last is not None else None
    return Cycle(
        renewals.count_cycles(enrollment.person_id, version.credential_id) + 1,
        last if former is not None and _is_continued(former) else None,
        valid_until(clock.local_date(issued_at, zone), version.validity_months, former, clock.local_date(at, zone)),
    )


def _is_continued(former: Former) -> bool:
    """Say whether the new cycle follows it; after one that was taken away a first one begins."""
    return former.can_be_renewed or former.state is State.EXPIRED


def title_of(slug: str) -> str:
    """Return what a credential is called, or its slug where it has no version."""
    found = queries.find_credential(slug)
    latest = queries.find_latest_version(found) if found is not None else None
    return str(latest.title) if latest is not None else slug
