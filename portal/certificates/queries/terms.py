"""Looks at what credentials say: their versions, the plans that lead to them, and what follows from both."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from portal.certificates.models import Credential, CredentialVersion
from portal.core.db import session
from portal.training.models import PlanVersion
from portal.training.queries import catalogue


def list_versions(credential: Credential) -> list[CredentialVersion]:
    """Return every version of a credential, the newest first."""
    return list(
        session.scalars(
            select(CredentialVersion)
            .where(CredentialVersion.credential_id == credential.id)
            .order_by(CredentialVersion.id.desc())
        )
    )


def list_plans_to(slug: str) -> list[PlanVersion]:
    """Return the latest versions of the plans that lead to a credential, in the order of the catalogue."""
    return [each for each in catalogue.list_latest_versions() if each.credential_slug == slug]


def titles_of(slugs: Collection[str]) -> dict[str, str]:
    """Return credential's slug → what it is called, in the language of now."""
    rows = session.scalars(
        select(CredentialVersion)
        .join(CredentialVersion.credential)
        .where(Credential.slug.in_(slugs))
        .order_by(CredentialVersion.id)
    )
    return {each.credential.slug: str(each.title) for each in rows}
