"""Looks at the cycles of a person's credential: what was issued when, what it renews, what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.certificates.models import Certificate
from portal.certificates.rules import TAKEN_AWAY
from portal.certificates.rules.renewals import Former
from portal.core import clock
from portal.core.db import session


def former_at(certificate: Certificate, at: datetime) -> Former:
    """Return a certificate as what could be renewed at an instant, unless it was taken away since."""
    now = clock.now()
    present = certificate.state(clock.local_date(now, certificate.zone), now)
    return Former(
        certificate.expires_on,
        present if present in TAKEN_AWAY else certificate.state(clock.local_date(at, certificate.zone), at),
        certificate.credential_version.renewal_window_days,
    )


def could_renew(person_id: int, credential_id: int, at: datetime) -> bool:
    """Say whether the person held something at an instant that could be renewed, whatever was issued to her since."""
    held = session.scalar(
        select(Certificate)
        .where(
            Certificate.person_id == person_id,
            Certificate.credential_id == credential_id,
            Certificate.issued_at <= at,
            or_(Certificate.replaced_at.is_(None), Certificate.replaced_at > at),
        )
        .order_by(Certificate.id.desc())
        .limit(1)
    )
    return held is not None and former_at(held, at).can_be_renewed


def count_cycles(person_id: int, credential_id: int) -> int:
    """Return how many completions of the person the credential was issued for."""
    return (
        session.scalar(
            select(func.count(func.distinct(Certificate.enrollment_code))).where(
                Certificate.person_id == person_id, Certificate.credential_id == credential_id
            )
        )
        or 0
    )


def list_chain(certificate: Certificate) -> list[Certificate]:
    """Return every issue of the credential to the holder, the newest first, with what became of each."""
    return list(
        session.scalars(
            select(Certificate)
            .where(
                Certificate.person_id == certificate.person_id,
                Certificate.credential_id == certificate.credential_id,
            )
            .order_by(Certificate.id.desc())
            .options(
                joinedload(Certificate.credential_version, innerjoin=True),
                selectinload(Certificate.facts),
                selectinload(Certificate.policy_supersessions),
            )
        )
    )


def number_cycles(chain: Sequence[Certificate]) -> dict[int, int]:
    """Return certificate's row → the number of its cycle, of the whole chain of one person and credential.

    Issues from before cycles were kept are counted in the order of their completions.
    """
    found: dict[int, int] = {}
    by_completion: dict[str, int] = {}
    for each in sorted(chain, key=lambda each: each.id):
        number = by_completion.setdefault(each.enrollment_code, len(by_completion) + 1)
        found[each.id] = each.cycle_no or number
    return found
