"""Whoever is away counts as away in the matrix, on whichever page that was entered."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from portal.backfill.queries.matrix import Place, read_matrix
from portal.calendars.service.absences import list_absences
from portal.core.transaction import own_transaction
from portal.duties.models import RecurringTask
from portal.handover.rules import Reason
from portal.handover.service import handovers, stand_ins
from tests.backfill.builders import TEAM, TODAY
from tests.builders import Cast
from tests.handover.builders import begin, plan
from tests.page_client import PageClient

pytestmark = pytest.mark.usefixtures("today")
FIRST_ON, LAST_ON = date(2026, 4, 21), date(2026, 4, 22)


def there(cast: Cast, first: date = TODAY, last: date = date(2026, 4, 30)) -> list[int]:
    """Return on which days of April the learner is there."""
    matrix = read_matrix(Place(cast.learner.home_market, cast.learner.team), first, last)
    return [day.day for day in matrix.window.days if cast.learner.id in matrix.there[day]]


def test_days_of_a_stand_in_are_an_absence(app: Flask, cast: Cast, calibration: RecurringTask) -> None:
    plan(cast.learner, cast.lead, FIRST_ON, LAST_ON)
    assert there(cast) == [16, 17, 20, 23, 24, 27, 28, 30]
    page = PageClient(app, cast.lead, "en").get("backfill.matrix", **TEAM, show="red")
    assert "Weekly calibration" in page.text
    assert "Tue 21 Apr 2026" in page.text
    asked = PageClient(app, cast.lead, "en").get("backfill.matrix", **TEAM, out=cast.colleague.code, on="2026-04-21")
    assert "“Weekly calibration” has 0" in asked.text


def test_a_stand_in_that_was_called_off_is_no_absence_any_more(cast: Cast, calibration: RecurringTask) -> None:
    row = plan(cast.learner, cast.lead, FIRST_ON, LAST_ON)
    with own_transaction():
        stand_ins.call_off(stand_in=row, by=cast.lead)
    assert 21 in there(cast)


def test_leave_of_a_handover_is_an_absence_from_its_last_day_to_the_day_back(
    cast: Cast, calibration: RecurringTask
) -> None:
    row = begin(
        cast.learner,
        cast.lead,
        reason=Reason.LEAVE,
        notice_on=TODAY,
        last_on=date(2026, 4, 20),
        back_on=date(2026, 5, 20),
    )
    assert there(cast) == [16, 17, 20]
    assert there(cast, date(2026, 5, 18), date(2026, 5, 22)) == [20, 21, 22]
    with own_transaction():
        handovers.call_off(handover=row, reason="mistake", by=cast.lead)
    assert 21 in there(cast)


@pytest.mark.parametrize(("reason", "days"), [(Reason.RESIGNATION, 3), (Reason.TRANSFER, 3), (Reason.REHEARSAL, 9)])
def test_after_a_last_day_nobody_is_there_but_in_a_rehearsal(
    cast: Cast, calibration: RecurringTask, reason: Reason, days: int
) -> None:
    begin(cast.learner, cast.lead, reason=reason, notice_on=TODAY, last_on=date(2026, 4, 20))
    assert len(there(cast)) == days + (reason is Reason.REHEARSAL)
    # Everybody else asks who comes back.
    assert list_absences(TODAY, date(2026, 4, 30)) == []


def test_absences_can_be_asked_of_some_people_alone(cast: Cast, calibration: RecurringTask) -> None:
    plan(cast.learner, cast.lead, FIRST_ON, LAST_ON)
    plan(cast.colleague, cast.lead, FIRST_ON, LAST_ON)
    found = list_absences(TODAY, LAST_ON)
    assert {each.person_id for each in found} == {cast.learner.id, cast.colleague.id}
    assert list_absences(TODAY, LAST_ON, of=(cast.learner.id,)) == [found[0]]
