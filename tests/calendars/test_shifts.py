"""Shifts: recorded by those who lead, seen by oneself, and what dates are counted by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from portal.calendars import service
from portal.calendars.errors import CycleUnreadable, ShiftsUnchanged
from portal.calendars.models import ShiftPattern
from portal.calendars.queries import list_shifts, working_calendar
from portal.calendars.rules import OffReason, add_working_days, days_of_cycle, read_cycle
from portal.core import clock
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from tests.builders import Cast
from tests.shown import as_shown

MONDAY = datetime(2026, 6, 1, 1, tzinfo=UTC)
FOUR_TWO = {"works": "shifts", "first_on": "2026-06-01", "cycle": "4-2", "works_holidays": "y"}


@pytest.fixture(autouse=True)
def _monday(cast: Cast) -> Any:
    with clock.frozen(MONDAY):
        with own_transaction():
            service.load_national_holidays(country="JP", years=range(2026, 2028))
        yield


def record(cast: Cast, first_on: date, cycle: str | None, *, works_holidays: bool = True) -> ShiftPattern:
    with own_transaction():
        return service.record_shifts(
            person=cast.learner, first_on=first_on, cycle=cycle, works_holidays=works_holidays, by=cast.lead
        )


def off(cast: Cast, first: date, last: date) -> dict[int, OffReason]:
    """Return the days off of one month by their number."""
    calendar = working_calendar(cast.learner.home_market, cast.learner.id)
    found = {day: calendar.day_off(first.replace(day=day)) for day in range(first.day, last.day + 1)}
    return {day: each.reason for day, each in found.items() if each is not None}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("4-2", (4, 2)),
        ("2-1-3-1", (2, 1, 3, 1)),
        ("４－２", (4, 2)),
        ("4ー2", (4, 2)),
        ("４ｰ２", (4, 2)),
        ("4−2", (4, 2)),
        (" 5 - 2 ", (5, 2)),
    ],
)
def test_a_cycle_is_read_as_people_write_it(text: str, numbers: tuple[int, ...]) -> None:
    assert read_cycle(text) == numbers
    assert sum(days_of_cycle(numbers)) == sum(numbers[::2])
    assert len(days_of_cycle(numbers)) == sum(numbers)


@pytest.mark.parametrize(
    "text", ["", "4", "4-", "4-2-1", "0-2", "4-0", "a-b", "80-5", "4--2", "1.5-2", "-4-2", "999-1"]
)
def test_what_is_no_cycle_is_refused(text: str, cast: Cast) -> None:
    with pytest.raises(CycleUnreadable, match="4-2"):
        record(cast, date(2026, 6, 1), text)
    assert list_shifts(cast.learner.id) == []


def test_by_shifts_weekends_and_holidays_are_worked_and_rest_days_are_not(cast: Cast) -> None:
    record(cast, date(2026, 7, 17), "4-2")
    # 20 July is Marine Day; before the shifts begin the week counts.
    rest, weekend = OffReason.REST, OffReason.WEEKEND
    assert off(cast, date(2026, 7, 11), date(2026, 7, 28)) == {
        11: weekend,
        12: weekend,
        21: rest,
        22: rest,
        27: rest,
        28: rest,
    }
    calendar = working_calendar(cast.learner.home_market, cast.learner.id)
    due = add_working_days(date(2026, 7, 17), 4, calendar)
    assert due.on == date(2026, 7, 23)
    assert due.derivation.recount() == due.on


def test_who_keeps_holidays_does_not_work_on_them(cast: Cast) -> None:
    record(cast, date(2026, 7, 17), "4-2", works_holidays=False)
    assert off(cast, date(2026, 7, 17), date(2026, 7, 22)) == {
        20: OffReason.HOLIDAY, 21: OffReason.REST, 22: OffReason.REST,
    }  # fmt: skip


def test_what_is_recorded_later_counts_from_its_day_on_and_the_week_comes_back(cast: Cast) -> None:
    record(cast, date(2026, 6, 1), "4-2")
    record(cast, date(2026, 6, 9), "2-1")
    record(cast, date(2026, 6, 15), None)
    rest, weekend = OffReason.REST, OffReason.WEEKEND
    assert off(cast, date(2026, 6, 1), date(2026, 6, 21)) == {
        5: rest,
        6: rest,
        11: rest,
        14: rest,
        20: weekend,
        21: weekend,
    }
    mistake = list_shifts(cast.learner.id)[1]
    with own_transaction():
        service.withdraw_shifts(pattern=mistake, by=cast.lead)
    assert off(cast, date(2026, 6, 1), date(2026, 6, 14)) == {5: rest, 6: rest, 11: rest, 12: rest}
    # Of two from the same day the one recorded last counts.
    record(cast, date(2026, 6, 1), "1-1")
    assert off(cast, date(2026, 6, 1), date(2026, 6, 6)) == {2: rest, 4: rest, 6: rest}


def test_who_works_by_the_week_cannot_return_to_it(cast: Cast) -> None:
    with pytest.raises(ShiftsUnchanged):
        record(cast, date(2026, 6, 1), None)
    record(cast, date(2026, 6, 1), "4-2")
    with pytest.raises(ShiftsUnchanged):
        record(cast, date(2026, 5, 1), None)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_lead_records_and_withdraws_shifts_and_sees_the_weeks_that_come_of_them(
    cast: Cast, as_: Any, language: str
) -> None:
    lead, code = as_(cast.lead, language=language), cast.learner.code
    assert f"/people/{code}/shifts" in " ".join(lead.get("calendars.leave", code=code).links())
    page = lead.get("calendars.shifts", code=code)
    assert {"en": "No shifts are recorded", "ja": "シフトの記録はありません"}[language] in page.text
    page = lead.post("calendars.record_shifts", FOUR_TWO | {"cycle": "four"}, expect=400, code=code)
    assert {"en": "like 4-2 or 2-1-3-1", "ja": "「4-2」「2-1-3-1」のように"}[language] in page.text
    page = lead.post("calendars.record_shifts", FOUR_TWO, expect=200, code=code)
    assert {"en": "No date of a training plan moves.", "ja": "変わる研修計画の期限はありません。"}[
        language
    ] in page.text
    assert list_shifts(cast.learner.id) == []
    lead.post("calendars.record_shifts", as_shown(lead, "calendars.record_shifts", FOUR_TWO, code=code), code=code)
    page = lead.get("calendars.shifts", code=code)
    assert {"en": "4 on, 2 off", "ja": "4勤2休"}[language] in page.text
    assert {"en": "Fri 5 Jun Rest day by shift", "ja": "6月5日（金） シフトの休み"}[language] in page.text
    (number,) = [each.id for each in list_shifts(cast.learner.id)]
    page = lead.post("calendars.withdraw_shifts", {"number": "x"}, expect=409, code=code)
    assert {"en": "not recorded any more", "ja": "もう記録されていません"}[language] in page.text
    lead.post("calendars.withdraw_shifts", {"number": str(number)}, expect=200, code=code)
    assert len(list_shifts(cast.learner.id)) == 1
    confirmed = as_shown(lead, "calendars.withdraw_shifts", {"number": str(number)}, code=code)
    lead.post("calendars.withdraw_shifts", confirmed, code=code)
    assert list_shifts(cast.learner.id) == []
    actions = [each.action for each in list_entries_about("person", code)]
    assert sorted(actions) == ["calendars.shifts_recorded", "calendars.shifts_withdrawn"]


def test_the_weeks_to_come_reach_a_week_beyond_the_last_shifts_but_not_farther_than_eight(cast: Cast, as_: Any) -> None:
    lead, code = as_(cast.lead, language="en"), cast.learner.code

    def weeks() -> list[Any]:
        page = lead.get("calendars.shifts", code=code)
        return [cell for cell in page.all("td") if cell.get("data-label") == "Days off"]

    assert len(weeks()) == 4
    for days_ahead, cycle, number in ((36, "4-2", 7), (200, "5-2", 8)):
        record(cast, MONDAY.date() + timedelta(days=days_ahead), cycle)
        assert len(weeks()) == number


def test_she_sees_her_own_shifts_and_cannot_record_them(cast: Cast, as_: Any) -> None:
    own, code, admin = as_(cast.learner, language="en"), cast.learner.code, as_(cast.admin)
    admin.post("calendars.record_shifts", as_shown(admin, "calendars.record_shifts", FOUR_TWO, code=code), code=code)
    page = own.get("calendars.shifts", code=code)
    assert "4 on, 2 off" in page.text
    assert "Record these shifts" not in page.text
    own.post("calendars.record_shifts", FOUR_TWO, expect=403, code=code)
    as_(cast.colleague).get("calendars.shifts", expect=404, code=code)
