"""What happened in training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PlanCompleted:
    """A learner has done every required step of her plan; said once for an enrollment."""

    enrollment_id: int
    enrollment_code: str
    person_id: int
    plan_id: int
    plan_slug: str
    plan_version_id: int
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class ExemptStepDone:
    """A learner whose plan is complete has done a step from which she was exempt; a credential may have waited."""

    enrollment_code: str


@dataclass(frozen=True, slots=True)
class VersionSwapped:
    """A learner goes on in another version of her plan: one enrollment took the place of another."""

    was_enrollment_id: int
    enrollment_id: int
