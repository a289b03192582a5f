"""What happens in the library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VersionPublished:
    """A version was issued; it takes effect at its own instant."""

    document_id: int
    document_slug: str
    version_id: int
    version_number: str
    change_class: str
    effective_at: datetime
    # The draft that it was made of; empty where it was imported.
    draft_code: str = ""
    # Overlays of the document of which new versions are imported together with this one.
    brought: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VersionWithdrawn:
    """A version was withdrawn; nobody is to follow it any more."""

    document_id: int
    document_slug: str
    version_id: int
    version_number: str
