"""What happened to results by people's decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ResultDecided:
    """Two people have set a score, exempted somebody from a quiz, or taken that back."""

    person_id: int
    quiz_id: int
    quiz_slug: str
    at: datetime
