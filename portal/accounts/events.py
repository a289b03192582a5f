"""What happened to people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccommodationChanged:
    """An accommodation was approved or ended; running attempts may want to know."""

    person_id: int


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """Somebody else answers for a thing."""

    kind: str
    code: str
    owner_id: int
    deputy_id: int | None


@dataclass(frozen=True, slots=True)
class RoleEnded:
    """Somebody has one role less."""

    person_id: int
    by_id: int


@dataclass(frozen=True, slots=True)
class PersonReactivated:
    """An account that was closed is open again."""

    person_id: int


@dataclass(frozen=True, slots=True)
class PersonLeaves:
    """An account is about to be closed: nothing stands in the way any more, and it is open still."""

    person_id: int
    by_id: int
