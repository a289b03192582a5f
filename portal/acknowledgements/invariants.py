"""What must always be true of acknowledgements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement
from portal.core.db import session
from portal.library.models import AudienceKind, Document, DocumentVersion


def acknowledgements_name_what_was_shown() -> list[str]:
    """I8: each names a version that was published and not withdrawn, its text, and somebody who was addressed."""
    broken = []
    for row in session.scalars(
        select(Acknowledgement)
        .options(
            joinedload(Acknowledgement.version).selectinload(DocumentVersion.texts),
            joinedload(Acknowledgement.version).joinedload(DocumentVersion.document).selectinload(Document.audiences),
            joinedload(Acknowledgement.person).selectinload(Person.grants),
        )
        .order_by(Acknowledgement.id)
        .execution_options(yield_per=500)
    ):
        version = row.version
        name = f"acknowledgement {row.id} of {version.document.slug} {version.number} by {row.person.code}"
        if version.issued_at > row.at:
            broken.append(f"{name} is older than the version")
        if version.withdrawn_at is not None and version.withdrawn_at <= row.at:
            broken.append(f"{name} was made after the version had been withdrawn")
        if not any(text.language == row.language and text.hash == row.text_hash for text in version.texts):
            broken.append(f"{name} names a text that the version does not have")
        if not row.attestation.strip():
            broken.append(f"{name} has no attestation")
        if not _was_addressed(row):
            broken.append(f"{name} was made by somebody to whom the document was not addressed")
    return broken


def _was_addressed(row: Acknowledgement) -> bool:
    codes = {
        AudienceKind.MARKET: {row.market},
        AudienceKind.TEAM: {row.team},
        AudienceKind.ROLE: {
            grant.role.value for grant in row.person.grants if _held(grant.granted_at, grant.ended_at, row.at)
        },
    }
    for kind, own in codes.items():
        wanted = {
            each.code
            for each in row.version.document.audiences
            if each.kind is kind and _held(each.since, each.ended_at, row.at)
        }
        if wanted and not wanted & own:
            return False
    return True


def _held(since: datetime, until: datetime | None, at: datetime) -> bool:
    return since <= at and (until is None or until > at)


INVARIANTS = {"I8 acknowledgements name what was shown": acknowledgements_name_what_was_shown}
