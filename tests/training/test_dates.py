"""More time and leave: what they move is shown first, moved for one person, journalled, and explained afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.calendars import service as calendars
from portal.calendars.errors import PeriodBackwards, PeriodTooLong
from portal.calendars.queries import list_leave
from portal.core import clock
from portal.core.db import session
from portal.core.errors import Invalid
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.training import queries
from portal.training.errors import DateIsPast, ExtensionOutOfBounds, ReasonMissing, StatementTooLong
from portal.training.models import Enrollment
from portal.training.service import dates
from tests.builders import Cast, make_grant
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


@pytest.fixture(autouse=True)
def _start_of_the_plan(cast: Cast) -> Iterator[None]:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()
        yield


@pytest.fixture
def enrollment(cast: Cast) -> Enrollment:
    return make_enrollment(cast.learner, make_plan(), cast.admin, cohort=make_cohort(cast.admin))


def due(enrollment: Enrollment, slug: str) -> date:
    session.expire_all()
    return queries.standing_of(enrollment).due_on(slug)


def actions() -> list[str]:
    return list(session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_sees_what_more_time_moves_before_it_moves(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    where = {"code": enrollment.code, "slug": "read"}
    assert any(
        link.endswith("/steps/read/extension") for link in lead.get("training.path", code=enrollment.code).links()
    )
    before = due(enrollment, "read")
    asked = {"working_days": "2", "reason": "回線が不通でした。"}
    shown = lead.post("training.extension", {**asked, "act": "preview"}, **where, expect=200)
    assert {"en": "Dates that move", "ja": "変わる期限"}[language] in shown.text
    assert due(enrollment, "read") == before
    lead.post("training.extension", {**asked, "act": "confirm", "seen": "2"}, **where, expect=303)
    # 29 April and 3 to 6 May are holidays.
    assert (before, due(enrollment, "read")) == (date(2026, 4, 30), date(2026, 5, 7))
    assert actions()[-1] == "training.step_extended"
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert "回線が不通でした。" in path.text
    assert cast.lead.full_name in path.text


def test_a_value_that_was_changed_since_is_shown_first(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    before = due(enrollment, "read")
    asked = {"working_days": "5", "reason": "x", "act": "confirm", "seen": "2"}
    page = as_(cast.lead, language="en").post(
        "training.extension", asked, code=enrollment.code, slug="read", expect=200
    )
    assert "Dates that move" in page.text
    assert due(enrollment, "read") == before


def test_what_is_done_does_not_move(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("exposure"))
    standing = queries.standing_of(enrollment)
    done = queries.get_step(enrollment, "statement")
    with pytest.raises(DateIsPast):
        dates.moved_by_extension(standing=standing, step=done, working_days=1)
    moved = dates.moved_by_leave(standing=standing, first_on=date(2026, 4, 28), last_on=date(2026, 4, 30))
    assert moved
    assert "statement" not in {each.step.slug for each in moved}


def test_more_time_needs_a_reason_and_a_bound(cast: Cast, enrollment: Enrollment) -> None:
    step = queries.get_step(enrollment, "read")

    def extend(days: int, reason: str) -> None:
        with own_transaction():
            dates.extend_step(enrollment=enrollment, step=step, working_days=days, reason=reason, by=cast.lead)

    for days, reason, refusal in (
        (0, "x", ExtensionOutOfBounds),
        (61, "x", ExtensionOutOfBounds),
        (1, "  ", ReasonMissing),
        (1, "x" * 2001, StatementTooLong),
    ):
        with pytest.raises(refusal):
            extend(days, reason)
    assert "training.step_extended" not in actions()


@pytest.mark.parametrize("language", LANGUAGES)
def test_leave_moves_dates_after_they_were_shown_and_is_told_to_the_learner(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead = as_(cast.lead, language=language)
    days = {"first_on": "2026-04-30", "last_on": "2026-04-30"}
    before = due(enrollment, "read")
    shown = lead.post("training.leave", {**days, "act": "preview"}, code=enrollment.code, expect=200)
    assert {"en": "Record this leave", "ja": "この休暇を記録する"}[language] in shown.text
    assert list_leave(cast.learner.id) == []
    confirmed = {**days, "act": "confirm", "seen": "2026-04-30/2026-04-30"}
    lead.post("training.leave", confirmed, code=enrollment.code, expect=303)
    assert (before, due(enrollment, "read")) == (date(2026, 4, 30), date(2026, 5, 1))
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert {"en": "Leave", "ja": "休暇"}[language] in path.text
    lead.post("training.withdraw_leave", days, code=enrollment.code, expect=303)
    assert due(enrollment, "read") == before
    assert actions()[-2:] == ["calendars.leave_recorded", "calendars.leave_withdrawn"]


def test_a_leave_must_be_a_period_of_at_most_a_year(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    lead = as_(cast.lead, language="en")
    for first, last, status, said in (
        ("2026-05-08", "2026-05-07", Invalid.status, "ends before it begins"),
        ("2026-05-08", "2028-05-07", Invalid.status, "at most 366 days"),
        ("", "2026-05-07", 400, "Choose the first day"),
        ("yesterday", "2026-05-07", 400, "date"),
    ):
        asked = {"first_on": first, "last_on": last, "act": "preview"}
        page = lead.post("training.leave", asked, code=enrollment.code, expect=status)
        assert said in page.text
    with own_transaction(), pytest.raises(PeriodBackwards):
        calendars.record_leave(person=cast.learner, first_on=date(2026, 5, 8), last_on=date(2026, 5, 7), by=cast.lead)
    with own_transaction(), pytest.raises(PeriodTooLong):
        calendars.record_leave(person=cast.learner, first_on=date(2026, 1, 1), last_on=date(2028, 5, 7), by=cast.lead)


def test_nobody_moves_her_own_dates(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.learner, Role.LEAD)
    client = as_(cast.learner, language="en")
    client.get("training.extension", code=enrollment.code, slug="read", expect=403)
    client.get("training.leave", code=enrollment.code, expect=403)
    assert not [link for link in client.get("training.path", code=enrollment.code).links() if "extension" in link]
    as_(cast.outsider).get("training.leave", code=enrollment.code, expect=404)
