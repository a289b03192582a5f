"""Dossiers of handovers in the library: their documents, versions, files, and who has confirmed what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.accounts.models import Person, Role
from portal.acknowledgements.models import Acknowledgement
from portal.cohorts.permissions import reach_of
from portal.cohorts.queries import people_within
from portal.core.db import session
from portal.handover.models import DossierFile, DossierTextHeld, Handover, HandoverDossier
from portal.library.models import AudienceKind, ChangeClass, Document, DocumentAudience, DocumentVersion


def list_dossiers(handover: Handover) -> list[HandoverDossier]:
    """Return the dossiers of a handover with their documents, versions and texts: the whole one first, then by age."""
    rows = session.scalars(
        select(HandoverDossier)
        .where(HandoverDossier.handover_id == handover.id)
        .options(
            joinedload(HandoverDossier.document).selectinload(Document.versions).selectinload(DocumentVersion.texts),
            joinedload(HandoverDossier.document).selectinload(Document.audiences),
        )
        .order_by(HandoverDossier.id)
    )
    return sorted(rows, key=lambda each: (each.successor_id is not None, each.id))


def find_dossier_of(document_id: int) -> HandoverDossier | None:
    """Return the dossier that a document is, or None."""
    return session.scalar(
        select(HandoverDossier)
        .where(HandoverDossier.document_id == document_id)
        .options(joinedload(HandoverDossier.handover))
    )


def has_dossier(handover: Handover, person: Person) -> bool:
    """Say whether there is a dossier of the handover that is addressed to the person."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    HandoverDossier.handover_id == handover.id,
                    HandoverDossier.successor_id == person.id,
                    _is_addressed(HandoverDossier.document_id, person.code),
                )
            )
        )
    )


def _is_addressed(document_id: Any, code: Any) -> ColumnElement[bool]:
    return exists().where(
        DocumentAudience.document_id == document_id,
        DocumentAudience.kind == AudienceKind.PERSON,
        DocumentAudience.code == code,
        DocumentAudience.ended_at.is_(None),
    )


def select_whole_dossiers(person: Person) -> Select[Any]:
    """Return the statement for the documents that are whole dossiers of whom the person leads, and of herself."""
    reach = reach_of(person, Role.LEAD)
    hers: list[ColumnElement[bool]] = [Handover.person_id == person.id]
    if reach:
        hers.append(Handover.person_id.in_(select(Person.id).where(people_within(reach))))
    return (
        select(HandoverDossier.document_id)
        .join(Handover, Handover.id == HandoverDossier.handover_id)
        .where(HandoverDossier.successor_id.is_(None), or_(*hers))
    )


# --- Who has confirmed what --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A version of her dossier that a successor confirmed."""

    number: str
    sequence: int
    at: datetime


def list_confirmed(dossiers: Sequence[HandoverDossier]) -> dict[int, list[Confirmed]]:
    """Return dossier's row number → what its successor has confirmed of it, the oldest version first."""
    found: dict[int, list[Confirmed]] = {each.id: [] for each in dossiers}
    for row in session.execute(
        select(HandoverDossier.id, DocumentVersion.number, DocumentVersion.sequence, Acknowledgement.at)
        .join(DocumentVersion, DocumentVersion.document_id == HandoverDossier.document_id)
        .join(
            Acknowledgement,
            and_(
                Acknowledgement.version_id == DocumentVersion.id,
                Acknowledgement.person_id == HandoverDossier.successor_id,
            ),
        )
        .where(HandoverDossier.id.in_(found))
        .order_by(DocumentVersion.sequence)
    ):
        found[row.id].append(Confirmed(row.number, row.sequence, row.at))
    return found


def is_unconfirmed() -> ColumnElement[bool]:
    """Return the condition that the successor of a dossier is still to confirm what it says."""
    asking, said, named = aliased(DocumentVersion), aliased(DocumentVersion), aliased(Person)
    confirmed = exists().where(
        said.document_id == asking.document_id,
        said.sequence >= asking.sequence,
        Acknowledgement.version_id == said.id,
        Acknowledgement.person_id == HandoverDossier.successor_id,
    )
    return and_(
        HandoverDossier.successor_id.is_not(None),
        exists()
        .where(
            named.id == HandoverDossier.successor_id,
            DocumentAudience.document_id == HandoverDossier.document_id,
            DocumentAudience.kind == AudienceKind.PERSON,
            DocumentAudience.code == named.code,
            DocumentAudience.ended_at.is_(None),
        )
        .correlate(HandoverDossier),
        exists().where(
            asking.document_id == HandoverDossier.document_id,
            asking.change_class == ChangeClass.MATERIAL,
            asking.withdrawn_at.is_(None),
            ~confirmed,
        ),
    )


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """A dossier that its successor is to confirm: whose handover it is of, and where it is."""

    dossier_id: int
    successor_id: int
    slug: str
    number: str
    issued_at: datetime
    handover: Handover
    # She has confirmed an older version, so that only what changed is to be read.
    has_older: bool


def list_to_confirm(people: Collection[int]) -> list[ToConfirm]:
    """Return what these people are to confirm of dossiers, the first issued first."""
    rows = list(
        session.scalars(
            select(HandoverDossier)
            .where(HandoverDossier.successor_id.in_(people), is_unconfirmed())
            .options(
                joinedload(HandoverDossier.document).selectinload(Document.versions),
                joinedload(HandoverDossier.handover).selectinload(Handover.days),
            )
        )
    )
    confirmed = list_confirmed(rows) if rows else {}
    found = [
        ToConfirm(
            each.id,
            each.successor_id or 0,
            each.document.slug,
            each.document.versions[-1].number,
            each.document.versions[-1].issued_at,
            each.handover,
            bool(confirmed[each.id]),
        )
        for each in rows
    ]
    return sorted(found, key=lambda each: (each.issued_at, each.dossier_id))


# --- Files -------------------------------------------------------------------------------------


def list_files(version_ids: Collection[int]) -> Mapping[tuple[int, str], DossierFile]:
    """Return version's row number and language → its file, without the bytes, for those that are made."""
    rows = session.scalars(select(DossierFile).where(DossierFile.version_id.in_(version_ids)))
    return {(each.version_id, each.language): each for each in rows}


def find_file(version_id: int, language: str) -> DossierFile | None:
    """Return the file of a version in a language, or None while it is not made; empty while it is made again."""
    return session.scalar(
        select(DossierFile).where(DossierFile.version_id == version_id, DossierFile.language == language)
    )


def list_held(removal_id: int) -> list[DossierTextHeld]:
    """Return what clauses of dossiers said that wait for a decision, with their texts and versions."""
    return list(
        session.scalars(
            select(DossierTextHeld).where(DossierTextHeld.removal_id == removal_id).order_by(DossierTextHeld.id)
        )
    )


def list_all_files() -> list[DossierFile]:
    """Return every file with its bytes, for what is computed again."""
    return list(session.scalars(select(DossierFile).order_by(DossierFile.id).execution_options(yield_per=20)))


def list_all_dossiers() -> list[HandoverDossier]:
    """Return every dossier with its document, versions and audience."""
    return list(
        session.scalars(
            select(HandoverDossier)
            .options(
                joinedload(HandoverDossier.handover),
                joinedload(HandoverDossier.document).selectinload(Document.versions),
                joinedload(HandoverDossier.document).selectinload(Document.audiences),
            )
            .order_by(HandoverDossier.id)
        )
    )
