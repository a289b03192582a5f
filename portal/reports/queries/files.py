"""Reports as files, and whose they are."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from portal.accounts.models import Person
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.core.errors import NotFound
from portal.reports.models import ReportFile
from portal.reports.rules import KEPT, ReportKind


def find_file(code: str) -> ReportFile | None:
    """Return the file of the code."""
    return session.scalar(select(ReportFile).where(ReportFile.code == code))


def get_file(code: str) -> ReportFile:
    """Return the file of the code. Raises `NotFound`."""
    found = find_file(code) if 0 < len(code) <= 20 and code.isascii() else None
    if found is None:
        raise NotFound()
    return found


def read_content(file: ReportFile) -> bytes | None:
    """Return the bytes of a file; None: not made yet, or forgotten."""
    return session.scalar(select(ReportFile.content).where(ReportFile.id == file.id))


def list_own(person: Person, kind: ReportKind, cohort: Cohort | None = None, limit: int = 20) -> list[ReportFile]:
    """Return the files of a kind that a person asked for herself, the newest first; of a cohort those still kept."""
    statement = select(ReportFile).where(ReportFile.asked_by_id == person.id, ReportFile.kind == kind)
    if cohort is None:
        return list(session.scalars(statement.order_by(ReportFile.id.desc()).limit(limit)))
    found = session.scalars(
        statement.where(ReportFile.cohort_id == cohort.id, ReportFile.asked_at > clock.now() - KEPT).order_by(
            ReportFile.id.desc()
        )
    )
    # What a schedule makes lies with its owner, but goes out by mail.
    return [each for each in found if "schedule" not in each.asked][:limit]


def find_by_hash(sha256: str) -> list[ReportFile]:
    """Return the files whose bytes had this SHA-256, the oldest first."""
    return list(session.scalars(select(ReportFile).where(ReportFile.sha256 == sha256).order_by(ReportFile.id)))


def list_files_of(codes: Collection[str]) -> list[ReportFile]:
    """Return the files of some codes."""
    return list(session.scalars(select(ReportFile).where(ReportFile.code.in_(codes)).order_by(ReportFile.id)))
