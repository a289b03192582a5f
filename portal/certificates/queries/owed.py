"""Completions for which nothing was issued yet, and certificates that should be renewed and are not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from portal.accounts.models import Person
from portal.certificates.models import Certificate, Credential
from portal.certificates.rules import State
from portal.cohorts.permissions import Reach
from portal.cohorts.queries import people_within
from portal.core import clock
from portal.core.db import session
from portal.training.models import Enrollment, PlanVersion

# What a certificate is worth when its holder should complete something again.
TO_BE_RENEWED = frozenset({State.EXPIRING, State.IN_GRACE, State.POLICY_SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Unissued:
    """An enrollment that leads to a credential (by slug) which was not issued for it; whose, and as whom she signs in.

    Plain values: they hold however many transactions begin and end meanwhile.
    """

    enrollment_code: str
    credential_slug: str
    person_id: int
    sign_in_name: str


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate that should be renewed: its number, its credential, and whose it is."""

    number: str
    credential_slug: str
    person_id: int
    sign_in_name: str


def list_unissued(
    *, credential: str | None = None, people: Collection[int] | None = None, only_renewals: bool = False
) -> list[Unissued]:
    """Return completed enrollments whose credential was not issued for them, whatever stands in the way; oldest first.

    `credential` (a slug) and `people` (rows) narrow it; of people who are named, what they have not completed yet is
    returned as well, at the end. `only_renewals`: only where the person had been issued the credential before.
    """
    conditions: list[ColumnElement[bool]] = [
        PlanVersion.credential_slug.is_not(None),
        ~select(Certificate.id)
        .where(Certificate.enrollment_code == Enrollment.code, Certificate.credential_id == Credential.id)
        .exists(),
    ]
    if credential is not None:
        conditions.append(PlanVersion.credential_slug == credential)
    if people is None:
        conditions.append(Enrollment.completed_at.is_not(None))
    else:
        conditions += [Enrollment.person_id.in_(people), Enrollment.ended_at.is_(None)]
    if only_renewals:
        earlier = and_(
            Certificate.person_id == Enrollment.person_id,
            Certificate.credential_id == Credential.id,
            Certificate.issued_at <= Enrollment.completed_at,
        )
        conditions.append(select(Certificate.id).where(earlier).exists())
    rows = session.execute(
        select(Enrollment.code, PlanVersion.credential_slug, Person.id, Person.sign_in_name)
        .join(PlanVersion, PlanVersion.id == Enrollment.plan_version_id)
        .join(Enrollment.person)
        # A credential that is not there stands in the way as well.
        .outerjoin(Credential, Credential.slug == PlanVersion.credential_slug)
        .where(*conditions)
        .order_by(Enrollment.completed_at.is_(None), Enrollment.completed_at, Enrollment.id)
    )
    return [Unissued(code, slug, person_id, name) for code, slug, person_id, name in rows if slug is not None]


def list_completed_in_vain(reach: Reach, *, since: datetime) -> list[Enrollment]:
    """Return what active people within reach completed since an instant and no credential was issued for; newest first.

    Not where the credential was issued to the person later, for something else.
    """
    later = and_(
        Certificate.person_id == Enrollment.person_id,
        Certificate.credential_id == Credential.id,
        or_(Certificate.enrollment_code == Enrollment.code, Certificate.issued_at >= Enrollment.completed_at),
    )
    return list(
        session.scalars(
            select(Enrollment)
            .join(Enrollment.version)
            .join(Enrollment.person)
            .outerjoin(Credential, Credential.slug == PlanVersion.credential_slug)
            .where(
                Enrollment.completed_at >= since,
                Enrollment.ended_at.is_(None),
                PlanVersion.credential_slug.is_not(None),
                Person.deactivated_at.is_(None),
                people_within(reach),
                ~select(Certificate.id).where(later).exists(),
            )
            .options(contains_eager(Enrollment.person))
            .order_by(Enrollment.completed_at.desc(), Enrollment.id.desc())
        )
    )


def list_to_be_renewed(*, credential: str | None = None, people: Collection[int] | None = None) -> list[Held]:
    """Return the certificates of active people that expire soon, are in grace or of an older policy; oldest first."""
    conditions: list[ColumnElement[bool]] = [
        Certificate.replaced_at.is_(None),
        Person.deactivated_at.is_(None),
        or_(Certificate.expires_on.is_not(None), Certificate.policy_supersessions.any()),
    ]
    if credential is not None:
        conditions.append(Credential.slug == credential)
    if people is not None:
        conditions.append(Certificate.person_id.in_(people))
    now = clock.now()
    rows = session.execute(
        select(Certificate, Credential.slug, Person.sign_in_name)
        .join(Credential, Credential.id == Certificate.credential_id)
        .join(Certificate.person)
        .where(*conditions)
        .order_by(Certificate.id)
        .options(
            joinedload(Certificate.credential_version, innerjoin=True),
            selectinload(Certificate.facts),
            selectinload(Certificate.policy_supersessions),
        )
    )
    return [
        Held(certificate.number, slug, certificate.person_id, name)
        for certificate, slug, name in rows
        if certificate.state(clock.local_date(now, certificate.zone), now) in TO_BE_RENEWED
    ]
