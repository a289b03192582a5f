"""What must always be true of acknowledgements and of what asks for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, joinedload, lazyload

from portal.accounts.models import Person
from portal.acknowledgements import rules
from portal.acknowledgements.models import (
    Acknowledgement,
    AcknowledgementRequest,
    Campaign,
    DeltaAnswer,
    RequestEnd,
)
from portal.core import clock
from portal.core.db import session
from portal.library.models import AudienceKind, Document, DocumentVersion
from portal.quizzes.service.single import is_right

_Base = aliased(DocumentVersion)


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
    if row.version.document.is_by_name:
        return any(
            each.kind is AudienceKind.PERSON
            and each.code == row.person.code
            and _held(each.since, each.ended_at, row.at)
            for each in row.version.document.audiences
        )
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


def requests_are_what_was_asked() -> list[str]:
    """What was asked is of the campaign's document and counted; confirmed is what an acknowledgement stands for."""
    broken = []
    overlays = session.execute(select(Document.id, Document.base_id).where(Document.base_id.is_not(None)))
    kin = {row.id: row.base_id for row in overlays}
    confirmed = exists().where(
        Acknowledgement.person_id == AcknowledgementRequest.person_id, Acknowledgement.version_id == Campaign.version_id
    )
    for row, version, base, is_confirmed in session.execute(
        select(AcknowledgementRequest, DocumentVersion, _Base, confirmed)
        .join(Campaign, Campaign.id == AcknowledgementRequest.campaign_id)
        .join(DocumentVersion, DocumentVersion.id == Campaign.version_id)
        .outerjoin(_Base, _Base.id == AcknowledgementRequest.from_version_id)
        .order_by(AcknowledgementRequest.id)
        .options(lazyload("*"))
        .execution_options(yield_per=500)
    ):
        name = f"request {row.id} for version {version.number}"
        if row.document_id != version.document_id:
            broken.append(f"{name} is about another document than its campaign")
        if base is not None and not (
            base.sequence < version.sequence
            if base.document_id == version.document_id
            # A market's text begins from its base, and whoever comes back to the base from a market's text.
            else kin.get(base.document_id) == version.document_id or kin.get(version.document_id) == base.document_id
        ):
            broken.append(f"{name} begins from a version that is none before it")
        if row.closed_as is RequestEnd.CONFIRMED and not is_confirmed:
            broken.append(f"{name} is closed as confirmed, but the person has not confirmed it")
        if row.closed_at is None and is_confirmed:
            broken.append(f"{name} is open, but the person has confirmed it")
        if row.due_at <= row.started_at or row.started_at < row.asked_at:
            broken.append(f"{name} is due before it was asked")
        # A note of the page itself, which no entry seals: what lies between the two nobody can tell from a true one.
        if row.delta_opened_at is not None and not (
            row.asked_at <= row.delta_opened_at <= (row.closed_at or clock.now())
        ):
            broken.append(f"{name}: what changed was opened before it was asked or after it was over")
    return broken


def one_open_request_each() -> list[str]:
    """A person has at most one open request for a document."""
    twice = session.execute(
        select(AcknowledgementRequest.person_id, AcknowledgementRequest.document_id)
        .where(AcknowledgementRequest.closed_at.is_(None))
        .group_by(AcknowledgementRequest.person_id, AcknowledgementRequest.document_id)
        .having(func.count() > 1)
    )
    return [f"person {person} has several open requests about document {document}" for person, document in twice]


def campaigns_ask_for_what_was_published() -> list[str]:
    """A campaign asks for a version that asks, after it was published; one that another replaced names it."""
    broken = []
    codes = set(session.scalars(select(Campaign.code)))
    for row in session.scalars(select(Campaign).options(joinedload(Campaign.version)).order_by(Campaign.id)):
        name = f"campaign {row.code} for version {row.version.number}"
        if row.asked_at < row.version.issued_at:
            broken.append(f"{name} is older than the version")
        if row.change_class != row.version.change_class or row.change_class.value not in rules.ASKING:
            broken.append(f"{name} asks for a change that asks nobody")
        if row.superseded_by is not None and row.superseded_by not in codes:
            broken.append(f"{name} was replaced by a campaign that does not exist")
    return broken


def answers_are_marked_as_their_question_says() -> list[str]:
    """Whether an answer about what changed was right comes out of the question again."""
    return [
        f"answer {row.id} about what changed is not marked as its question says"
        for row in session.scalars(
            select(DeltaAnswer)
            .options(joinedload(DeltaAnswer.question_version))
            .order_by(DeltaAnswer.id)
            .execution_options(yield_per=500)
        )
        if is_right(row.question_version, row.answer) is not row.right
    ]


INVARIANTS = {
    "I8 acknowledgements name what was shown": acknowledgements_name_what_was_shown,
    "requests to confirm are what was asked": requests_are_what_was_asked,
    "one open request for a person and a document": one_open_request_each,
    "campaigns ask for what was published": campaigns_ask_for_what_was_published,
    "answers about changes are marked rightly": answers_are_marked_as_their_question_says,
}
