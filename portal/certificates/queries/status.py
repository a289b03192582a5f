"""Every look at the published lists of what was revoked or suspended."""

from __future__ import annotations

from sqlalchemy import func, select

from portal.certificates.models import Certificate, CertificateFact, StatusEntry
from portal.certificates.rules import FactKind
from portal.core.db import session


def newest_list() -> tuple[int, int]:
    """Return the number of the newest list and how many places of it are taken; list 1 is there from the beginning."""
    newest = session.scalar(select(func.max(StatusEntry.list_no))) or 1
    filled = session.scalar(select(func.count()).where(StatusEntry.list_no == newest)) or 0
    return newest, filled


def is_taken(list_no: int, position: int) -> bool:
    """Say whether a place is somebody's."""
    return (
        session.scalar(select(StatusEntry.id).where(StatusEntry.list_no == list_no, StatusEntry.position == position))
        is not None
    )


def find_entry(certificate_id: int) -> StatusEntry | None:
    """Return a certificate's place, or None where it has none yet."""
    return session.scalar(select(StatusEntry).where(StatusEntry.certificate_id == certificate_id))


def list_without_entry(*, limit: int) -> list[Certificate]:
    """Return certificates without a place, the oldest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(~select(StatusEntry.id).where(StatusEntry.certificate_id == Certificate.id).exists())
            .order_by(Certificate.id)
            .limit(limit)
        )
    )


def newest_fact() -> tuple[int, int]:
    """Return the number of the newest fact about any certificate and how many there are, 0 where there are none.

    Both: on PostgreSQL a fact with a lower number may be there later than one with a higher.
    """
    newest, count = session.execute(select(func.max(CertificateFact.id), func.count())).one()
    return newest or 0, count


def facts_of_list(list_no: int) -> dict[int, list[FactKind]]:
    """Return what happened to the certificates of a list, by place and in the order in which it came.

    Of what took another one's place only an issue for the same completion: a renewal takes nothing from the former one.
    """
    rows = session.execute(
        select(StatusEntry.position, CertificateFact.kind)
        .join(CertificateFact, CertificateFact.certificate_id == StatusEntry.certificate_id)
        .where(
            StatusEntry.list_no == list_no,
            (CertificateFact.kind != FactKind.SUPERSEDED) | ~CertificateFact.is_renewal,
        )
        .order_by(CertificateFact.id)
    )
    found: dict[int, list[FactKind]] = {}
    for position, kind in rows:
        found.setdefault(position, []).append(kind)
    return found
