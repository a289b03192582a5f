"""Every question about files of questions that were sent or asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import load_only, undefer

from portal.core.codes import normalise
from portal.core.db import session
from portal.core.errors import NotFound
from portal.quizzes.models import QuestionBank, QuestionExport, QuestionImport, QuestionImportRow, RowVerdict

_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions of a file come in wholly, with a loss, or not; of those that can: which are here already."""

    taken: int = 0
    with_loss: int = 0
    refused: int = 0
    twins: int = 0
    left_out: int = 0
    completes: int = 0
    # What comes in where neither twins nor what was left out does; of those, what gives a question of the bank its
    # other language.
    coming: int = 0
    completing: int = 0
    # Those whose id another question has: they come in under another one.
    clashes: int = 0

    @property
    def all(self) -> int:
        """All that the file holds."""
        return self.read + self.refused

    @property
    def read(self) -> int:
        """Those that are questions a bank can have."""
        return self.taken + self.with_loss


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a preview are asked for; empty: all."""

    show: str = ""
    text: str = ""


# What can be shown of a preview, each with its condition.
SHOWN: dict[str, ColumnElement[bool]] = {
    "taken": QuestionImportRow.verdict == RowVerdict.TAKEN,
    "with_loss": QuestionImportRow.verdict == RowVerdict.WITH_LOSS,
    "refused": QuestionImportRow.verdict == RowVerdict.REFUSED,
    "twins": QuestionImportRow.twin != "",
    "left_out": QuestionImportRow.is_left_out.is_(True),
    "completes": QuestionImportRow.completes != "",
    "clashes": or_(QuestionImportRow.clash.is_not(None), QuestionImportRow.clash_line.is_not(None)),
}


def get_import(code: str) -> QuestionImport:
    """Return the file under the code. Raises `NotFound`."""
    found = find_import(code)
    if found is None:
        raise NotFound()
    return found


def find_import(code: str) -> QuestionImport | None:
    """Return the file under the code, or None."""
    wanted = normalise(code)
    if len(wanted) != _LENGTH or not wanted.isascii():
        return None
    return session.scalar(select(QuestionImport).where(QuestionImport.code == wanted))


def list_imports(bank: QuestionBank, limit: int) -> list[QuestionImport]:
    """Return the files that were sent for a bank and are still kept, the newest first."""
    return list(
        session.scalars(
            select(QuestionImport)
            .where(QuestionImport.bank_id == bank.id)
            .order_by(QuestionImport.id.desc())
            .limit(limit)
        )
    )


def count_open_imports(bank: QuestionBank) -> int:
    """Count the files that were sent for a bank and that nobody has taken in yet."""
    return (
        session.scalar(
            select(func.count(QuestionImport.id)).where(
                QuestionImport.bank_id == bank.id, QuestionImport.taken_at.is_(None)
            )
        )
        or 0
    )


def list_exports(bank: QuestionBank, limit: int) -> list[QuestionExport]:
    """Return the files of a bank that were asked for and are still kept, the newest first."""
    return list(
        session.scalars(
            select(QuestionExport)
            .where(QuestionExport.bank_id == bank.id)
            .order_by(QuestionExport.id.desc())
            .limit(limit)
        )
    )


def read_data(kept: QuestionImport) -> bytes:
    """Return what was sent; empty once it is not needed any more."""
    return session.scalar(select(QuestionImport.data).where(QuestionImport.id == kept.id)) or b""


def get_export(code: str) -> QuestionExport:
    """Return the file that was asked for under the code. Raises `NotFound`."""
    found = find_export(code)
    if found is None:
        raise NotFound()
    return found


def find_export(code: str) -> QuestionExport | None:
    """Return the file that was asked for under the code, or None."""
    wanted = normalise(code)
    if len(wanted) != _LENGTH or not wanted.isascii():
        return None
    return session.scalar(select(QuestionExport).where(QuestionExport.code == wanted))


def read_export_data(made: QuestionExport) -> bytes:
    """Return the file that was made."""
    return session.scalar(select(QuestionExport.data).where(QuestionExport.id == made.id)) or b""


def list_filenames(codes: Collection[str]) -> dict[str, str]:
    """Return the names of files that were sent, by their codes."""
    rows = session.execute(select(QuestionImport.code, QuestionImport.filename).where(QuestionImport.code.in_(codes)))
    return {row[0]: row[1] for row in rows}


def list_banks_of_exports(codes: Collection[str]) -> dict[str, str]:
    """Return the titles of the banks of files that were asked for, by their codes."""
    rows = session.execute(
        select(QuestionExport.code, QuestionBank.title)
        .join(QuestionBank, QuestionBank.id == QuestionExport.bank_id)
        .where(QuestionExport.code.in_(codes))
    )
    return {row[0]: str(row[1]) for row in rows}


def count_rows(kept: QuestionImport) -> Counts:
    """Count the questions of a file by what becomes of them, in one statement."""

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    row = session.execute(
        select(
            *(number(condition) for condition in SHOWN.values()),
            number(and_(_can_come(), QuestionImportRow.twin == "")),
            number(and_(_can_come(), QuestionImportRow.completes != "")),
        ).where(QuestionImportRow.import_id == kept.id)
    ).one()
    *shown, coming, completing = (int(each) for each in row)
    return Counts(**dict(zip(SHOWN, shown, strict=True)), coming=coming, completing=completing)


def _can_come() -> ColumnElement[bool]:
    return and_(QuestionImportRow.verdict != RowVerdict.REFUSED, QuestionImportRow.is_left_out.is_(False))


def count_shown(kept: QuestionImport, wanted: Wanted) -> int:
    """Count the rows that are asked for."""
    return session.scalar(select(func.count()).select_from(_select_rows(kept, wanted).subquery())) or 0


def list_shown(kept: QuestionImport, wanted: Wanted, *, offset: int, limit: int) -> list[QuestionImportRow]:
    """Return the rows that are asked for, in the order of the file, without the questions themselves."""
    statement = _select_rows(kept, wanted).order_by(QuestionImportRow.place).offset(offset).limit(limit)
    light = [
        QuestionImportRow.place,
        QuestionImportRow.line,
        QuestionImportRow.verdict,
        QuestionImportRow.type,
        QuestionImportRow.title,
        QuestionImportRow.reasons,
        QuestionImportRow.twin,
        QuestionImportRow.completes,
        QuestionImportRow.clash,
        QuestionImportRow.clash_line,
        QuestionImportRow.is_left_out,
    ]
    return list(session.scalars(statement.options(load_only(*light))))


def _select_rows(kept: QuestionImport, wanted: Wanted) -> Select[QuestionImportRow]:
    statement = select(QuestionImportRow).where(QuestionImportRow.import_id == kept.id)
    if wanted.show in SHOWN:
        statement = statement.where(SHOWN[wanted.show])
    if wanted.text:
        statement = statement.where(
            or_(
                QuestionImportRow.title.icontains(wanted.text, autoescape=True),
                QuestionImportRow.slug.icontains(wanted.text, autoescape=True),
            )
        )
    return statement


def find_row(kept: QuestionImport, place: int) -> QuestionImportRow | None:
    """Return a question of a file by its place, or None."""
    return session.scalar(
        select(QuestionImportRow).where(QuestionImportRow.import_id == kept.id, QuestionImportRow.place == place)
    )


def list_places(kept: QuestionImport, places: Collection[int]) -> list[QuestionImportRow]:
    """Return the questions of a file at some places."""
    return list(
        session.scalars(
            select(QuestionImportRow)
            .where(QuestionImportRow.import_id == kept.id, QuestionImportRow.place.in_(places))
            .order_by(QuestionImportRow.place)
        )
    )


def neighbours_of(row: QuestionImportRow) -> tuple[int | None, int | None]:
    """Return the places of the question before and of that behind."""
    before, after = session.execute(
        select(
            func.max(case((QuestionImportRow.place < row.place, QuestionImportRow.place))),
            func.min(case((QuestionImportRow.place > row.place, QuestionImportRow.place))),
        ).where(QuestionImportRow.import_id == row.import_id)
    ).one()
    return before, after


def list_coming(kept: QuestionImport) -> Sequence[QuestionImportRow]:
    """Return every question of a file that can come into the bank and was not left out, in its order."""
    return session.scalars(
        select(QuestionImportRow)
        .where(QuestionImportRow.import_id == kept.id, _can_come())
        .order_by(QuestionImportRow.place)
        .options(undefer("*"))
    ).all()
