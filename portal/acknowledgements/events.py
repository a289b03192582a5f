"""What people state about versions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person agreed to the attestation of a version."""

    person_id: int
    document_id: int
    document_slug: str
    version_id: int
    version_number: str
    acknowledgement_id: int


@dataclass(frozen=True, slots=True)
class ReadingConfirmed:
    """A person stated that she has read a version; also said by every acknowledgement."""

    person_id: int
    document_slug: str
    version_id: int
