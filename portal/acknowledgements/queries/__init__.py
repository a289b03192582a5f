"""Reading who stated what about which version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import selectinload

from portal.accounts.models import Person
from portal.acknowledgements.models import Acknowledgement, ReadingConfirmation
from portal.core.db import session
from portal.library.models import AudienceKind, Document, DocumentVersion
from portal.library.queries.audience import select_addressed

# Made once: they are asked for on every reading page.
_READING_CONFIRMATION = select(ReadingConfirmation).where(
    ReadingConfirmation.person_id == bindparam("person_id"), ReadingConfirmation.version_id == bindparam("version_id")
)
_STATED = (
    select(
        DocumentVersion.id,
        DocumentVersion.sequence,
        DocumentVersion.number,
        DocumentVersion.effective_at,
        DocumentVersion.zone,
        Acknowledgement.at,
        ReadingConfirmation.at.label("read_at"),
    )
    .outerjoin(
        Acknowledgement,
        and_(Acknowledgement.version_id == DocumentVersion.id, Acknowledgement.person_id == bindparam("person_id")),
    )
    .outerjoin(
        ReadingConfirmation,
        and_(
            ReadingConfirmation.version_id == DocumentVersion.id,
            ReadingConfirmation.person_id == bindparam("person_id"),
        ),
    )
    .where(
        DocumentVersion.document_id == bindparam("document_id"),
        or_(Acknowledgement.id.is_not(None), ReadingConfirmation.id.is_not(None)),
    )
    .order_by(DocumentVersion.sequence.desc())
)


def find_acknowledgement(person: Person, version: DocumentVersion) -> Acknowledgement | None:
    """Return the person's acknowledgement of the version, or None."""
    return session.scalar(
        select(Acknowledgement).where(Acknowledgement.person_id == person.id, Acknowledgement.version_id == version.id)
    )


def find_reading_confirmation(person: Person, version: DocumentVersion) -> ReadingConfirmation | None:
    """Return the person's statement to have read the version, or None."""
    return session.scalar(_READING_CONFIRMATION, {"person_id": person.id, "version_id": version.id})


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That a version of a document was confirmed, and when."""

    version_id: int
    sequence: int
    number: str
    effective_at: datetime
    zone: str
    at: datetime


def list_confirmed(person: Person, document: Document) -> list[Confirmed]:
    """Return which versions of a document the person has acknowledged, the newest version first."""
    return list_stated(person, document)[0]


def list_stated(person: Person, document: Document) -> tuple[list[Confirmed], dict[int, datetime]]:
    """Return what the person has acknowledged of a document, the newest version first, and version → when read."""
    confirmed: list[Confirmed] = []
    read: dict[int, datetime] = {}
    for row in session.execute(_STATED, {"person_id": person.id, "document_id": document.id}):
        if row.at is not None:
            confirmed.append(Confirmed(row.id, row.sequence, row.number, row.effective_at, row.zone, row.at))
        if row.read_at is not None:
            read[row.id] = row.read_at
    return confirmed, read


def list_acknowledgements(person: Person) -> list[Acknowledgement]:
    """Return all that the person has acknowledged, the newest first, with versions and documents."""
    return list(
        session.scalars(
            select(Acknowledgement)
            .where(Acknowledgement.person_id == person.id)
            .options(
                selectinload(Acknowledgement.version)
                .selectinload(DocumentVersion.document)
                .selectinload(Document.versions)
            )
            .order_by(Acknowledgement.at.desc(), Acknowledgement.id.desc())
        )
    )


def list_reading_confirmations(person: Person) -> list[ReadingConfirmation]:
    """Return all that the person stated to have read, the newest first, with versions and documents."""
    return list(
        session.scalars(
            select(ReadingConfirmation)
            .where(ReadingConfirmation.person_id == person.id)
            .options(
                selectinload(ReadingConfirmation.version)
                .selectinload(DocumentVersion.document)
                .selectinload(Document.versions)
            )
            .order_by(ReadingConfirmation.at.desc(), ReadingConfirmation.id.desc())
        )
    )


def list_acknowledgements_of(version: DocumentVersion, people: Collection[int]) -> dict[int, Acknowledgement]:
    """Return person's row number → acknowledgement of the version, for many people with one query."""
    return {
        row.person_id: row
        for row in session.scalars(
            select(Acknowledgement).where(
                Acknowledgement.version_id == version.id, Acknowledgement.person_id.in_(people)
            )
        )
    }


# --- who is asked when a version changes --------------------------------------------------------


def _confirmed_before(document_id: int, before: int | None, base: tuple[int, int] | None) -> Select[int, int]:
    """Return the statement for person's row number and the version that she confirmed last, below a sequence.

    `base`: document and sequence under a market's text. Who has confirmed no version of that text has confirmed the
    base, up to this version.
    """
    own = DocumentVersion.document_id == document_id
    if before is not None:
        own = and_(own, DocumentVersion.sequence < before)
    where = own
    if base is not None:
        where = or_(own, and_(DocumentVersion.document_id == base[0], DocumentVersion.sequence <= base[1]))
    place = func.row_number().over(
        partition_by=Acknowledgement.person_id,
        order_by=(case((DocumentVersion.document_id == document_id, 0), else_=1), DocumentVersion.sequence.desc()),
    )
    ranked = (
        select(Acknowledgement.person_id, Acknowledgement.version_id, place.label("place"))
        .join(DocumentVersion, DocumentVersion.id == Acknowledgement.version_id)
        .where(where)
        .subquery()
    )
    return select(ranked.c.person_id, ranked.c.version_id).where(ranked.c.place == 1)


def count_addressed(
    document_id: int,
    audience: Mapping[AudienceKind, Collection[str]],
    *,
    besides: Collection[str] = (),
    before: int | None,
    base: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """Return how many active people an audience has, and how many of them confirmed a version below a sequence.

    `besides`: markets that have a text of their own; `base`: what lies under a market's text, and counts as well.
    """
    confirmed = _confirmed_before(document_id, before, base).subquery()
    addressed = select_addressed(audience, besides).subquery()
    row = session.execute(
        select(func.count(), func.count(confirmed.c.person_id))
        .select_from(addressed)
        .outerjoin(confirmed, confirmed.c.person_id == addressed.c.id)
    ).one()
    return row[0], row[1]


def list_addressed(
    document_id: int,
    audience: Mapping[AudienceKind, Collection[str]],
    *,
    besides: Collection[str] = (),
    before: int | None,
    base: tuple[int, int] | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> list[tuple[Person, str | None, bool]]:
    """Return the active people of an audience, in the order of lists, with the version that each confirmed last.

    And whether that is one of the base under a market's text.
    """
    confirmed = _confirmed_before(document_id, before, base).subquery()
    rows = session.execute(
        select(Person, DocumentVersion.number, DocumentVersion.document_id)
        .outerjoin(confirmed, confirmed.c.person_id == Person.id)
        .outerjoin(DocumentVersion, DocumentVersion.id == confirmed.c.version_id)
        .where(Person.id.in_(select_addressed(audience, besides)))
        .order_by(Person.sort_key, Person.id)
        .offset(offset or None)
        .limit(limit)
    )
    return [(person, number, found not in (None, document_id)) for person, number, found in rows]
