"""What happened to attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class AttemptReleased:
    """A result was shown to whom it belongs; from now on it counts."""

    attempt_id: int
    attempt_code: str
    person_id: int
    quiz_id: int
    quiz_slug: str
    score: Fraction
    passed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ResultCorrected:
    """A result that was released has been marked again; what it says now counts."""

    attempt_id: int
    attempt_code: str
    person_id: int
    quiz_id: int
    quiz_slug: str
    score: Fraction
    passed: bool
    at: datetime
