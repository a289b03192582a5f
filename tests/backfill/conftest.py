"""What tests of the matrix stand on: a Thursday, and a critical task that two people of a team can do alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from portal.core import clock
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask
from portal.duties.rules import Criticality
from portal.duties.service.criticality import set_criticality
from tests.backfill.builders import TODAY
from tests.beginnings import beginning
from tests.builders import Cast
from tests.duties.builders import BEGINS, at, make_task, record
from tests.training.builders import load_holidays


@pytest.fixture
def today(app: Any) -> Iterator[None]:
    with clock.frozen(at(TODAY)):
        yield


@pytest.fixture
@beginning
def calibration(cast: Cast) -> RecurringTask:
    """A critical task of the learner's team: learner and colleague have done it alone, the learner with help before."""
    with clock.frozen(at(BEGINS - timedelta(days=1))):
        load_holidays()
        task = make_task(cast.lead)
    record(task, date(2026, 4, 1), cast.learner, helper=cast.colleague, by=cast.lead)
    record(task, date(2026, 4, 8), cast.learner, by=cast.lead)
    record(task, date(2026, 4, 15), cast.colleague, by=cast.lead)
    with own_transaction():
        set_criticality(
            kind="recurring_task", code=task.code, criticality=Criticality.CRITICAL, reason="quality", by=cast.lead
        )
    return task
