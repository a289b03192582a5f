"""Which rows are history, and the digest by which the journal seals them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy import inspect as inspected
from sqlalchemy.types import LargeBinary

from portal.core.db import Base, ExactFraction, Json, WordsType, canonical_json


@dataclass(frozen=True, slots=True)
class Sealed:
    """Stands as `__sealed__` at a model whose rows are added to, never edited.

    Every column is a fact that the journal seals when the row is written. The product may change those of `later`
    afterwards, which seals the row anew; those of `besides` are no facts. Rows with the same value in the column `per`
    are written together, once, and sealed as one.
    """

    later: tuple[str, ...] = ()
    # What two people may take out for good: changed only while `taking_out`, which seals the row anew.
    taken_out: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    per: str | None = None


_is_taking_out: ContextVar[bool] = ContextVar("is_taking_out", default=False)


@contextmanager
def taking_out() -> Iterator[None]:
    """Let columns that `taken_out` names be changed until the block ends; what is changed is flushed within it."""
    token = _is_taking_out.set(True)
    try:
        yield
    finally:
        _is_taking_out.reset(token)


def may_change(declared: Sealed) -> frozenset[str]:
    """Return which columns of a row the product may change now, after it was written."""
    return frozenset((*declared.later, *(declared.taken_out if _is_taking_out.get() else ())))


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table whose rows are sealed: where their number stands, and what of them is a fact."""

    table: Table
    declared: Sealed
    # Column by its name; models name their attributes as their columns.
    facts: Mapping[str, Column[Any]]

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.table.name

    @property
    def key(self) -> Column[Any]:
        """The column with the number under which a row, or rows together, are sealed."""
        if self.declared.per is not None:
            return self.table.c[self.declared.per]
        (only,) = self.table.primary_key.columns
        return only

    def facts_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts of a row as plain data; what is not known is left out, so that columns can be added."""
        return {
            name: _plain(column, values[name]) for name, column in self.facts.items() if values.get(name) is not None
        }

    def order_of(self, facts: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return by what rows that are sealed together are ordered: their primary key."""
        return tuple(facts[column.name] for column in self.table.primary_key.columns)

    def __str__(self) -> str:
        return f"{self.name} of {self.declared.per}" if self.declared.per else f"{self.name} row"


def sealed_table(model: type[Any]) -> SealedTable | None:
    """Return what of the model's rows is sealed, or None."""
    declared = getattr(model, "__sealed__", None)
    if declared is None:
        return None
    table = inspected(model).local_table
    return SealedTable(
        table, declared, {column.name: column for column in table.columns if column.name not in declared.besides}
    )


def sealed_tables() -> list[SealedTable]:
    """Return every sealed table in the order of their names."""
    found = [sealed_table(mapper.class_) for mapper in Base.registry.mappers]
    return sorted((each for each in found if each is not None), key=lambda each: each.name)


def digest_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 over the facts of the rows that are sealed as one, in their order."""
    return sha256(canonical_json(list(rows)).encode()).hexdigest()


def _plain(column: Column[Any], value: Any) -> Any:
    """Write a value as the database keeps it: what is read there again has the same digest."""
    kind = column.type
    if isinstance(kind, ExactFraction):
        exact = Fraction(value)
        return f"{exact.numerator}/{exact.denominator}"
    if isinstance(kind, WordsType):
        return canonical_json({"en": value.en, "ja": value.ja})
    if isinstance(kind, Json):
        return canonical_json(value)
    if isinstance(kind, LargeBinary):
        return sha256(value).hexdigest()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool | int) else str(value)
