"""The page of a person's leave: who sees it, who records, ends and withdraws it, and what follows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.accounts.models import Role, Scope
from portal.calendars.queries import list_leave
from portal.core import clock
from portal.journal.queries import list_entries_about
from tests.builders import Cast, make_grant
from tests.shown import as_shown

pytestmark = pytest.mark.any_database

MONDAY = datetime(2026, 6, 1, 1, tzinfo=UTC)
WEEK = {"first_on": "2026-06-01", "last_on": "2026-06-12"}


@pytest.fixture(autouse=True)
def _monday(app: Any) -> Any:
    with clock.frozen(MONDAY):
        yield


def days(cast: Cast) -> list[tuple[date, date]]:
    return [(each.first_on, each.last_on) for each in list_leave(cast.learner.id)]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_records_ends_and_withdraws_leave_of_anybody_in_her_team(cast: Cast, as_: Any, language: str) -> None:
    lead, code = as_(cast.lead, language=language), cast.learner.code
    person = lead.get("accounts.show_person", code=code)
    assert f"/people/{code}/leave" in " ".join(person.links())
    lead.get("calendars.leave", code=code)
    lead.post("calendars.record_leave", as_shown(lead, "calendars.record_leave", WEEK, code=code), code=code)
    assert days(cast) == [(date(2026, 6, 1), date(2026, 6, 12))]
    page = lead.post("calendars.end_leave_early", WEEK | {"ends_on": "2026-06-12"}, expect=400, code=code)
    assert {"en": "within the leave", "ja": "休暇の期間内"}[language] in page.text
    shorter = as_shown(lead, "calendars.end_leave_early", WEEK | {"ends_on": "2026-06-03"}, code=code)
    lead.post("calendars.end_leave_early", shorter, code=code)
    assert days(cast) == [(date(2026, 6, 1), date(2026, 6, 3))]
    page = lead.post("calendars.withdraw_leave", WEEK, expect=409, code=code)
    assert {"en": "not recorded any more", "ja": "もう記録されていません"}[language] in page.text
    left = as_shown(lead, "calendars.withdraw_leave", {"first_on": "2026-06-01", "last_on": "2026-06-03"}, code=code)
    lead.post("calendars.withdraw_leave", left, code=code)
    assert days(cast) == []
    actions = [each.action for each in list_entries_about("person", code)]
    assert sorted(actions) == ["calendars.leave_recorded"] * 2 + ["calendars.leave_withdrawn"] * 2


def test_she_sees_her_own_leave_and_cannot_record_it(cast: Cast, as_: Any) -> None:
    own, code, admin = as_(cast.learner, language="en"), cast.learner.code, as_(cast.admin)
    admin.post("calendars.record_leave", as_shown(admin, "calendars.record_leave", WEEK, code=code), code=code)
    assert f"/people/{code}/leave" in " ".join(own.get("accounts.own_account").links())
    page = own.get("calendars.leave", code=code)
    assert "Fri 12 Jun 2026" in page.text
    assert "Record this leave" not in page.text
    own.post("calendars.record_leave", WEEK, expect=403, code=code)
    as_(cast.colleague).get("calendars.leave", expect=404, code=code)
    as_(cast.lead).post("calendars.record_leave", WEEK, expect=403, code=cast.lead.code)


def test_a_lead_of_another_team_neither_sees_nor_records_it(cast: Cast, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    as_(cast.outsider).get("calendars.leave", expect=404, code=cast.learner.code)
    as_(cast.outsider).post("calendars.record_leave", WEEK, expect=404, code=cast.learner.code)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first_on": "2026-06-12", "last_on": "2026-06-01"}, "ends before it begins"),
        ({"first_on": "", "last_on": "2026-06-01"}, "Choose the first day"),
        ({"first_on": "soon", "last_on": "2026-06-01"}, ""),
        ({"first_on": "2026-06-01", "last_on": "2029-06-01"}, "at most 366 days"),
    ],
)
def test_what_is_no_leave_is_refused_in_words(cast: Cast, as_: Any, given: dict[str, str], said: str) -> None:
    page = as_(cast.lead, language="en").post("calendars.record_leave", given, expect=400, code=cast.learner.code)
    assert said in page.text
    assert days(cast) == []
