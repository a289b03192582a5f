"""What obligations do when a training is completed, and what they do day by day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import url_for

from portal.core import jobs
from portal.core.access import can
from portal.core.events import subscribe
from portal.core.i18n import lazy_gettext as _l
from portal.core.jobs import Progress
from portal.obligations import queries
from portal.obligations.permissions import SEE_OBLIGATION
from portal.obligations.service import cycles
from portal.training.events import PlanCompleted, VersionSwapped


def on_plan_completed(event: PlanCompleted) -> None:
    """Close the cycles that the training was for."""
    cycles.close_completed(event.enrollment_id)


def on_version_swapped(event: VersionSwapped) -> None:
    """Let the cycles that the training was for go on with it."""
    cycles.follow_training(was_enrollment_id=event.was_enrollment_id, enrollment_id=event.enrollment_id)


def _describe(arguments: Sequence[Mapping[str, Any]]) -> list[jobs.Description]:
    found = {each.id: each for each in queries.list_obligations()}
    said = []
    for each in arguments:
        obligation = found.get(each["obligation_id"])
        if obligation is None or not can(SEE_OBLIGATION, obligation):
            said.append(jobs.Description(_l("Cycles of an obligation")))
            continue
        said.append(
            jobs.Description(
                _l("Cycles of an obligation"),
                str(obligation.title),
                url_for("obligations.obligation", code=obligation.code),
            )
        )
    return said


@jobs.job("obligations.look", describe=_describe)
def look(obligation_id: int) -> Iterator[Progress]:
    """Look at everybody of an obligation that was made or changed."""
    yield from cycles.look(obligation_id)


@jobs.periodic("obligations.cycles", minutes=30, what=_l("Open and close the cycles of recurring obligations"))
def open_cycles() -> Iterator[Progress]:
    """Open the cycles whose day has come, and close those that have ended."""
    yield from cycles.sweep()


def init() -> None:
    """Listen to what happens below."""
    subscribe(PlanCompleted, on_plan_completed)
    subscribe(VersionSwapped, on_version_swapped)
