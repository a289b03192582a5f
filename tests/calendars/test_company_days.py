"""Company days that an administrator adds and withdraws: what they do to dates is shown first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.calendars import queries, service
from portal.calendars.errors import CompanyDaysOfFile, CompanyDaysRecorded
from portal.calendars.rules import Roster, WorkingCalendar
from portal.calendars.service import CompanyPeriod
from portal.core import clock
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.journal.queries import list_entries_about
from portal.training import queries as training
from tests.builders import Cast, make_market
from tests.shown import as_shown
from tests.training.builders import make_enrollment, make_plan

# A Monday; the plan of the builders begins today.
MONDAY = datetime(2026, 6, 1, 1, tzinfo=UTC)
CLOSED = {"kind": "off", "first_on": "2026-06-03", "last_on": "", "name_en": "Founding day", "name_ja": "創立記念日"}
SATURDAY = CLOSED | {"kind": "worked", "first_on": "2026-06-06", "name_en": "Working Saturday", "name_ja": "土曜出勤"}


@pytest.fixture(autouse=True)
def _monday(cast: Cast) -> Any:
    with clock.frozen(MONDAY):
        with own_transaction():
            service.load_national_holidays(country="JP", years=range(2026, 2028))
        yield


def url_of(cast: Cast, page: str = "company_days") -> dict[str, str]:
    return {"endpoint": f"calendars.{page}", "code": cast.learner.home_market.code}


def confirmed(cast: Cast, as_: Any, data: dict[str, str], page: str = "company_days") -> dict[str, str]:
    """Look at what days would move, and return what their form says when that is confirmed."""
    where = url_of(cast, page)
    return as_shown(as_(cast.admin), where.pop("endpoint"), data, **where)


def dates_of(enrollment: Any) -> dict[str, date]:
    standing = training.standing_of(enrollment)
    return {slug: due.on for slug, due in standing.dues.items()}


def test_a_day_off_is_shown_with_what_it_moves_before_it_is_added(cast: Cast, as_: Any) -> None:
    enrollment = make_enrollment(cast.learner, make_plan(), cast.admin, starts_on=date(2026, 6, 1))
    before = dates_of(enrollment)
    page = as_(cast.admin).post(**url_of(cast), data=CLOSED, expect=200)
    assert "1 training moves" in page.text
    assert cast.learner.name_in("en") in page.text
    assert dates_of(enrollment) == before
    as_(cast.admin).post(**url_of(cast), data=confirmed(cast, as_, CLOSED))
    after = dates_of(enrollment)
    assert {slug for slug in before if after[slug] != before[slug]} == {
        slug for slug, on in before.items() if on >= date(2026, 6, 3)
    }
    page = as_(cast.admin).get(**url_of(cast), lang="ja")
    assert "創立記念日" in page.text
    entry = list_entries_about("market", cast.learner.home_market.code)[0]
    assert entry.action == "calendars.company_days_added"


def test_a_working_saturday_brings_dates_forward_and_its_withdrawal_takes_them_back(cast: Cast, as_: Any) -> None:
    enrollment = make_enrollment(cast.learner, make_plan(), cast.admin, starts_on=date(2026, 6, 1))
    before = dates_of(enrollment)
    as_(cast.admin).post(**url_of(cast), data=confirmed(cast, as_, SATURDAY))
    after = dates_of(enrollment)
    assert all(after[slug] < on for slug, on in before.items() if on > date(2026, 6, 6))
    (row,) = queries.list_company_days(cast.learner.home_market)
    taken = {"number": str(row.id)}
    assert (
        "training moves" in as_(cast.admin).post(**url_of(cast, "withdraw_company_days"), data=taken, expect=200).text
    )
    assert dates_of(enrollment) == after
    taken = confirmed(cast, as_, taken, "withdraw_company_days")
    as_(cast.admin).post(**url_of(cast, "withdraw_company_days"), data=taken)
    assert dates_of(enrollment) == before
    assert "Working Saturday" in as_(cast.admin).get(**url_of(cast)).text
    gone = as_(cast.admin).post(**url_of(cast, "withdraw_company_days"), data=taken, expect=409)
    assert "not there any more" in gone.text


def test_days_in_the_past_are_added_with_a_warning(cast: Cast, as_: Any) -> None:
    page = as_(cast.admin).post(**url_of(cast), data=CLOSED | {"first_on": "2026-05-13"}, expect=200)
    assert "begin in the past" in page.text
    assert "begin in the past" not in as_(cast.admin).post(**url_of(cast), data=CLOSED, expect=200).text


def test_days_are_added_in_all_markets_at_once_and_not_a_second_time(cast: Cast, as_: Any) -> None:
    other = make_market("US", holiday_country=None)
    everywhere = confirmed(cast, as_, CLOSED | {"everywhere": "y"})
    for _press in range(2):
        as_(cast.admin).post(**url_of(cast), data=everywhere | {"form_key": "a" * 24})
    for market in (cast.learner.home_market, other):
        assert [each.first_on for each in queries.list_company_days(market)] == [date(2026, 6, 3)]
    period = CompanyPeriod(date(2026, 6, 3), date(2026, 6, 3), Words("Again", "再度"))
    with own_transaction(), pytest.raises(CompanyDaysRecorded):
        service.add_company_days(markets=[other], period=period, by=cast.admin)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first_on": "soon"}, "date"),
        ({"first_on": ""}, "Choose the first day."),
        ({"last_on": "soon"}, "date"),
        ({"last_on": "2026-06-01"}, "ends before it begins"),
        ({"last_on": "2029-06-01"}, "at most 366 days"),
        ({"name_ja": ""}, "Name in Japanese"),
        ({"name_en": "x" * 81}, "80"),
    ],
)
def test_wrong_days_are_refused_in_words_and_stay_in_the_form(
    cast: Cast, as_: Any, wrong: dict[str, str], said: str
) -> None:
    page = as_(cast.admin).post(**url_of(cast), data=CLOSED | wrong, expect=400)
    assert said in page.text
    assert "創立記念日" in page.body or "name_ja" in wrong
    assert queries.list_company_days(cast.learner.home_market) == []


def test_what_comes_from_a_file_says_so_and_what_was_added_survives_the_next_import(cast: Cast, as_: Any) -> None:
    market = cast.learner.home_market
    filed = CompanyPeriod(date(2026, 8, 13), date(2026, 8, 14), Words("Summer closure", "夏季休業"))
    added = CompanyPeriod(date(2026, 6, 3), date(2026, 6, 3), Words("Founding day", "創立記念日"))
    with own_transaction():
        service.declare_company_days(market=market, periods=[filed], by=cast.admin)
        service.add_company_days(markets=[market], period=added, by=cast.admin)
    assert "Content file" in as_(cast.admin).get(**url_of(cast)).text
    row = next(each for each in queries.list_company_days(market) if not each.by_hand)
    page = as_(cast.admin).post(**url_of(cast, "withdraw_company_days"), data={"number": str(row.id)}, expect=409)
    assert "content file" in page.text
    with own_transaction(), pytest.raises(CompanyDaysOfFile):
        service.withdraw_company_days(days=row, by=cast.admin)
    with own_transaction():
        assert not service.declare_company_days(market=market, periods=[filed, added], by=cast.admin)
        assert service.declare_company_days(market=market, periods=[], by=cast.admin)
    assert [each.first_on for each in queries.list_company_days(market)] == [date(2026, 6, 3)]


def test_who_works_by_shifts_works_instead_only_where_her_shift_says_so() -> None:
    saturday, holiday = date(2026, 6, 6), date(2026, 6, 8)
    week = WorkingCalendar(holidays={holiday: Words("Day", "日")}, worked=frozenset({saturday, holiday}))
    assert week.is_working_day(saturday)
    assert week.is_working_day(holiday)
    rests = Roster(saturday, (True, False, False), works_holidays=False)
    shifts = WorkingCalendar(holidays=week.holidays, worked=week.worked, rosters=(rests,))
    assert shifts.is_working_day(saturday)
    assert not shifts.is_working_day(holiday)
    away = WorkingCalendar(worked=week.worked, leave=frozenset({saturday}))
    assert not away.is_working_day(saturday)


def test_only_administrators_open_the_page(cast: Cast, as_: Any) -> None:
    as_(cast.lead).get(**url_of(cast), expect=404)
    as_(cast.admin).get(endpoint="calendars.company_days", code="XX", expect=404)
