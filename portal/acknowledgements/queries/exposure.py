"""Who declines the statement of what the work can bring: asked for by herself, and by the wellbeing contact alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.accounts.models import Person
from portal.acknowledgements.models import AcknowledgementRequest, Campaign, ExposureDecline, MaterialAside
from portal.acknowledgements.rules import SET_ASIDE_FROM
from portal.core import clock
from portal.core.db import session
from portal.library.models import Document, DocumentVersion
from portal.library.rules.overlays import base_slug
from portal.organisation import queries as organisation


def is_statement(document: Document) -> bool:
    """Say whether the document is the statement that may be declined, or a market's text of it."""
    return is_address_of_statement(document.slug)


def is_address_of_statement(slug: str) -> bool:
    """Say whether the statement that may be declined has this slug, or a market's text of it."""
    return base_slug(slug) == organisation.exposure_statement()


def find_open(person: Person) -> ExposureDecline | None:
    """Return what the person has declined and not taken back, or None."""
    return session.scalar(
        select(ExposureDecline).where(ExposureDecline.person_id == person.id, ExposureDecline.taken_back_at.is_(None))
    )


def _spared(*, as_others_see: bool = False) -> ColumnElement[bool]:
    """Return the condition; `as_others_see` nobody is asked for the statement, whether she declines it or not."""
    statement, version = aliased(Document), aliased(DocumentVersion)
    is_strong = Document.sensitivity >= SET_ASIDE_FROM
    is_declined = func.coalesce(Document.base_id, Document.id) == func.coalesce(statement.base_id, statement.id)
    declined = (
        select(ExposureDecline.id)
        .join(version, version.id == ExposureDecline.version_id)
        .join(statement, statement.id == version.document_id)
        .where(
            ExposureDecline.person_id == AcknowledgementRequest.person_id,
            ExposureDecline.taken_back_at.is_(None),
            or_(is_strong, is_declined),
        )
        .correlate(AcknowledgementRequest, Document)
    )
    material = (
        select(MaterialAside.id)
        .where(
            MaterialAside.person_id == AcknowledgementRequest.person_id,
            is_aside_now(),
            is_of_level_aside(),
        )
        .correlate(AcknowledgementRequest, Document)
    )
    # An emergency binds everybody.
    asked_of_nobody = [is_about_statement()] if as_others_see else []
    return Campaign.hours.is_(None) & or_(declined.exists(), material.exists(), *asked_of_nobody)


def is_of_level_aside() -> ColumnElement[bool]:
    """Return the condition that a document is of the level that is set aside; the statement is asked whatever it is."""
    return and_(Document.sensitivity >= MaterialAside.level, ~is_about_statement())


def is_about_statement() -> ColumnElement[bool]:
    """Return the condition that a document is the statement that may be declined, or a market's text of it."""
    slug: BindParameter[str] = bindparam("statement", callable_=organisation.exposure_statement, unique=True)
    of_market: BindParameter[str] = bindparam(
        "of_market", callable_=lambda: f"{organisation.exposure_statement()}@%", unique=True
    )
    return or_(Document.slug == slug, Document.slug.like(of_market))


def is_aside_now() -> ColumnElement[bool]:
    """Return the condition that what a wellbeing contact set aside is so at the moment of the statement."""
    now: BindParameter[datetime] = bindparam("now", callable_=clock.now, unique=True)
    return MaterialAside.ended_at.is_(None) & or_(MaterialAside.ends_at.is_(None), MaterialAside.ends_at > now)


# That nothing is asked by a request, with its campaign and document: its person declines the statement, and it is about
# that or about material of `SET_ASIDE_FROM` or above, or material of its level is set aside for her.
is_spared = _spared()
# The same for what everybody but the person is told: of a request for the statement nobody is told that it is overdue,
# so that from silence nobody reads that it is declined.
is_spared_for_others = _spared(as_others_see=True)


def list_spared(request_ids: Collection[int], *, as_others_see: bool = False) -> set[int]:
    """Return the row numbers of those requests by which nothing is asked: see `is_spared`, `is_spared_for_others`."""
    return set(
        session.scalars(
            select(AcknowledgementRequest.id)
            .join(Campaign, Campaign.id == AcknowledgementRequest.campaign_id)
            .join(DocumentVersion, DocumentVersion.id == Campaign.version_id)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(AcknowledgementRequest.id.in_(request_ids), is_spared_for_others if as_others_see else is_spared)
        )
    )


def find_by_id(decline_id: int) -> ExposureDecline | None:
    """Return the decline, taken back or not, or None."""
    return session.get(ExposureDecline, decline_id)


def list_open() -> list[ExposureDecline]:
    """Return what people decline, the newest first; of those who have left nothing."""
    return list(
        session.scalars(
            select(ExposureDecline)
            .join(Person, Person.id == ExposureDecline.person_id)
            .where(ExposureDecline.taken_back_at.is_(None), Person.deactivated_at.is_(None))
            .order_by(ExposureDecline.declined_at.desc(), ExposureDecline.id.desc())
            .options(
                joinedload(ExposureDecline.person),
                joinedload(ExposureDecline.version),
                joinedload(ExposureDecline.spoken_by),
            )
        )
    )


def count_not_spoken() -> int:
    """Return of how many people who decline no wellbeing contact has noted that they have spoken."""
    return (
        session.scalar(
            select(func.count())
            .select_from(ExposureDecline)
            .join(Person, Person.id == ExposureDecline.person_id)
            .where(
                ExposureDecline.taken_back_at.is_(None),
                ExposureDecline.spoken_at.is_(None),
                Person.deactivated_at.is_(None),
            )
        )
        or 0
    )


def hold_person(person: Person) -> None:
    """Let nobody else set aside or end anything for the person until this transaction ends."""
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update())


def find_open_aside(person: Person) -> MaterialAside | None:
    """Return what is set aside for the person and nobody has ended, whether its last day has come or not."""
    return session.scalar(
        select(MaterialAside).where(MaterialAside.person_id == person.id, MaterialAside.ended_at.is_(None))
    )


def find_aside(number: int) -> MaterialAside | None:
    """Return what was set aside, by its row."""
    return session.get(MaterialAside, number)


def find_aside_before(row: MaterialAside) -> MaterialAside | None:
    """Return what was set aside for the same person before this."""
    return session.scalar(
        select(MaterialAside)
        .where(MaterialAside.person_id == row.person_id, MaterialAside.id < row.id)
        .order_by(MaterialAside.id.desc())
        .limit(1)
    )


def list_aside() -> list[MaterialAside]:
    """Return what is set aside now, by people's names; of those who have left nothing."""
    return list(
        session.scalars(
            select(MaterialAside)
            .join(Person, Person.id == MaterialAside.person_id)
            .where(is_aside_now(), Person.deactivated_at.is_(None))
            .order_by(Person.sort_key, Person.id)
            .options(joinedload(MaterialAside.person), joinedload(MaterialAside.set_by))
        )
    )
