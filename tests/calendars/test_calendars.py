"""The tables behind the dates: versioned, honest about what they know, the same for all."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from portal.calendars import queries, service
from portal.calendars.content import CalendarsPart
from portal.calendars.errors import (
    HolidayYearUnknown,
    LeaveRecorded,
    NoHolidaysFor,
    PeriodBackwards,
    unknown_years_refused,
)
from portal.calendars.invariants import holiday_tables_say_what_they_said
from portal.calendars.models import CompanyDay, Holiday, HolidayTable
from portal.calendars.rules import OffReason, add_working_days
from portal.calendars.service import CompanyPeriod
from portal.core import clock
from portal.core.content import ContentFile, ContentFolder
from portal.core.db import session
from portal.core.i18n import Words, force_locale
from portal.core.transaction import transaction
from tests.beginnings import beginning
from tests.builders import Cast, make_market
from tests.queries import counted_queries

NEW_YEAR = """[[company_day]]
from = 2026-12-29
to = 2027-01-03
name = { en = "Year-end closure", ja = "年末年始休業" }
"""


@pytest.fixture
@beginning
def japan(app: Flask) -> None:
    make_market()
    with transaction():
        service.load_national_holidays(country="JP", years=range(2024, 2032))


@pytest.mark.parametrize(
    ("start", "working_days", "due"),
    [
        (date(2026, 4, 28), 5, date(2026, 5, 11)),  # Golden Week with the substitute of 6 May
        (date(2026, 9, 18), 3, date(2026, 9, 28)),  # 22 September is a citizens' holiday
    ],
)
@pytest.mark.usefixtures("japan")
def test_the_dates_that_break_other_products(start: date, working_days: int, due: date) -> None:
    assert add_working_days(start, working_days, queries.working_calendar(make_market())).on == due


@pytest.mark.usefixtures("japan")
def test_golden_week_is_explained_day_by_day_in_both_languages() -> None:
    derivation = add_working_days(date(2026, 4, 28), 5, queries.working_calendar(make_market())).derivation
    named = [(off.on, off.name.in_("en"), off.name.in_("ja")) for off in derivation.skipped if off.name]
    assert named == [
        (date(2026, 4, 29), "Showa Day", "昭和の日"),
        (date(2026, 5, 3), "Constitution Day", "憲法記念日"),
        (date(2026, 5, 4), "Greenery Day", "みどりの日"),
        (date(2026, 5, 5), "Children's Day", "こどもの日"),
        (date(2026, 5, 6), "Substitute Holiday", "振替休日"),
    ]
    weekend = [off.on for off in derivation.skipped if off.reason is OffReason.WEEKEND]
    assert weekend == [date(2026, 5, 2), date(2026, 5, 9), date(2026, 5, 10)]


def test_a_table_that_says_the_same_is_not_made_again(app: Flask) -> None:
    with transaction():
        first, is_new = service.load_national_holidays(country="JP", years=[2026])
        again, is_new_again = service.load_national_holidays(country="JP", years=[2026])
    assert (is_new, is_new_again) == (True, False)
    assert first.version == again.version == 1


def test_more_years_make_a_new_version_and_leave_the_old_one_as_it_was(app: Flask) -> None:
    with transaction():
        service.load_national_holidays(country="JP", years=[2026])
    with transaction():
        newer, _ = service.load_national_holidays(country="JP", years=[2028])
    assert (newer.version, newer.first_year, newer.last_year) == (2, 2026, 2028)
    old = session.scalars(select(HolidayTable).where(HolidayTable.version == 1)).one()
    assert (old.first_year, old.last_year) == (2026, 2026)
    assert queries.find_table("JP") is newer


def test_years_beyond_the_next_are_provisional_in_japan(app: Flask) -> None:
    with clock.frozen(datetime(2026, 11, 22, tzinfo=UTC)), transaction():
        table, _ = service.load_national_holidays(country="JP")
    assert table.provisional_from == 2028
    assert table.known_years == range(2023, 2032)


@pytest.mark.parametrize(("country", "years"), [("XX", [2026]), ("JP", [2150]), ("JP", [1890]), ("JP", [])])
def test_holidays_that_nobody_knows_are_refused(app: Flask, country: str, years: list[int]) -> None:
    with transaction(), pytest.raises(NoHolidaysFor):
        service.load_national_holidays(country=country, years=years)


@pytest.mark.usefixtures("japan")
def test_a_date_in_an_unknown_year_is_refused_in_words_that_name_it() -> None:
    calendar = queries.working_calendar(make_market())
    with pytest.raises(HolidayYearUnknown) as refused, unknown_years_refused():
        add_working_days(date(2031, 12, 30), 5, calendar)
    assert "2032" in str(refused.value)
    with force_locale("ja"):
        assert "2032年" in str(refused.value)


def test_a_market_whose_table_is_missing_refuses_every_year(app: Flask) -> None:
    calendar = queries.working_calendar(make_market())
    with pytest.raises(HolidayYearUnknown), unknown_years_refused():
        add_working_days(date(2026, 4, 1), 1, calendar)


def test_a_market_without_a_country_counts_week_ends_and_company_days(cast: Cast) -> None:
    market = make_market("APAC")
    with transaction():
        service.declare_company_days(
            market=market,
            periods=[CompanyPeriod(date(2026, 4, 2), date(2026, 4, 2), Words("Move", "移転"))],
            by=cast.admin,
        )
    assert add_working_days(date(2026, 4, 1), 1, queries.working_calendar(market)).on == date(2026, 4, 3)


def test_american_holidays_have_japanese_names(app: Flask) -> None:
    with transaction():
        table, _ = service.load_national_holidays(country="US", years=range(2024, 2032))
    missing = {row.name.en for row in table.holidays if row.name.ja.isascii()}
    assert missing == set()


@pytest.mark.usefixtures("japan")
def test_leave_moves_only_the_dates_of_the_person_who_is_away(cast: Cast) -> None:
    market = make_market()
    with transaction():
        service.record_leave(person=cast.learner, first_on=date(2026, 5, 7), last_on=date(2026, 5, 8), by=cast.lead)
    read = queries.read_calendars([market], [cast.learner.id, cast.colleague.id])
    assert add_working_days(date(2026, 4, 28), 5, read.of(market.id, cast.learner.id)).on == date(2026, 5, 13)
    assert add_working_days(date(2026, 4, 28), 5, read.of(market.id, cast.colleague.id)).on == date(2026, 5, 11)
    assert read.of(market.id, cast.colleague.id) is read.of(market.id)


def test_days_that_are_recorded_as_leave_already_are_not_recorded_again(cast: Cast) -> None:
    known = {"person": cast.learner, "by": cast.lead}
    with transaction():
        first = service.record_leave(first_on=date(2026, 5, 7), last_on=date(2026, 5, 9), **known)
    for first_on, last_on in ((7, 9), (8, 8)):
        with transaction(), pytest.raises(LeaveRecorded):
            service.record_leave(first_on=date(2026, 5, first_on), last_on=date(2026, 5, last_on), **known)
    with transaction():
        # Longer ones, those of others, and days that were withdrawn are recorded.
        service.record_leave(first_on=date(2026, 5, 9), last_on=date(2026, 5, 10), **known)
        service.withdraw_leave(leave=first, by=cast.lead)
        service.record_leave(first_on=date(2026, 5, 7), last_on=date(2026, 5, 8), **known)


def test_leave_that_ends_before_it_begins_is_refused(cast: Cast) -> None:
    with transaction(), pytest.raises(PeriodBackwards):
        service.record_leave(person=cast.learner, first_on=date(2026, 5, 8), last_on=date(2026, 5, 7), by=cast.lead)


@pytest.mark.usefixtures("japan")
def test_calendars_are_read_in_the_same_number_of_statements_for_any_number_of_people(cast: Cast) -> None:
    market = make_market()
    people = [person.id for person in cast.everyone().values()]
    queries.read_calendars([market], people)
    with counted_queries() as few:
        queries.read_calendars([market], people[:1])
    with counted_queries() as many:
        queries.read_calendars([market], people)
    assert len(few) == len(many) <= 3


@pytest.mark.usefixtures("japan")
def test_a_changed_holiday_table_is_found_out() -> None:
    assert holiday_tables_say_what_they_said() == []
    holiday = session.scalars(select(Holiday).where(Holiday.on == date(2026, 4, 29))).one()
    holiday.on = date(2026, 4, 30)
    session.commit()
    assert holiday_tables_say_what_they_said() == ["holiday table JP/1 has been changed since it was loaded"]


# --- The content folder ----------------------------------------------------------------------


def folder_of(text: str, path: str = "calendars/JP.toml") -> ContentFolder:
    return ContentFolder({path: ContentFile(path, text)})


def test_company_days_come_in_once_and_go_out_as_they_came(cast: Cast) -> None:
    part = CalendarsPart()
    folder = folder_of(NEW_YEAR)
    part.check(folder)
    with transaction():
        changes = part.load(folder, cast.admin)
    assert folder.findings == []
    assert any("calendars/JP.toml" in line for line in changes)
    with transaction():
        assert part.load(folder, cast.admin) == []
    (dumped,) = part.dump()
    assert dumped.path == "calendars/JP.toml"
    assert part.canonical(folder.files["calendars/JP.toml"]) == dumped.text
    assert part.canonical(dumped) == dumped.text


def test_importing_loads_the_holidays_of_every_market(cast: Cast) -> None:
    with clock.frozen(datetime(2026, 11, 22, tzinfo=UTC)), transaction():
        CalendarsPart().load(ContentFolder({}), cast.admin)
    assert {table.country for table in queries.list_tables()} == {"JP", "US"}


def test_company_days_no_longer_named_are_withdrawn_and_kept(cast: Cast) -> None:
    market = make_market()
    with transaction():
        CalendarsPart().load(folder_of(NEW_YEAR), cast.admin)
    with transaction():
        CalendarsPart().load(folder_of(""), cast.admin)
    assert queries.list_company_days(market) == []
    assert session.scalars(select(CompanyDay)).one().withdrawn_by == cast.admin.code


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[[company_day]]\nfrom = 2026-12-29\n", 1, "must be dates"),
        ('[[company_day]]\nfrom = "2026-12-29"\nto = 2026-12-30\nname = { en = "a", ja = "b" }\n', 1, "must be dates"),
        ('\n[[company_day]]\nfrom = 2026-12-30\nto = 2026-12-29\nname = { en = "a", ja = "b" }\n', 2, "ends before"),
        ('[[company_day]]\nfrom = 2026-12-30\nto = 2028-12-29\nname = { en = "a", ja = "b" }\n', 1, "longer than"),
        ('[[company_day]]\nfrom = 2026-12-30\nto = 2026-12-30\nname = { en = "a", jp = "b" }\n', 4, "jp"),
        ('[[company_day]]\nfrom = 2026-12-30\nto = 2026-12-30\nname = "a"\n', 4, "both languages"),
        ("holidays = []\n", 1, "not known"),
        ("company_day = 3\n", 1, "list of entries"),
        ("[[company_day]\n", 1, "TOML"),
    ],
)
def test_a_faulty_calendar_file_is_named_with_line_and_mend(app: Flask, text: str, line: int, said: str) -> None:
    folder = folder_of(text)
    CalendarsPart().check(folder)
    findings = [finding for finding in folder.errors if said in finding.message]
    assert [finding.line for finding in findings] == [line], folder.findings
    assert findings[0].mend


def test_a_calendar_of_an_unknown_market_is_refused(cast: Cast) -> None:
    folder = folder_of(NEW_YEAR, "calendars/FR.toml")
    with transaction():
        CalendarsPart().load(folder, cast.admin)
    assert ["FR" in str(finding) for finding in folder.errors] == [True]


# --- The command -----------------------------------------------------------------------------


def test_the_command_loads_a_table_and_says_which_years_it_knows(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    loaded = run(args=["calendars", "load", "JP", "--years", "2026-2029"])
    assert loaded.exit_code == 0, loaded.output
    assert "2026–2029, loaded" in loaded.output
    assert "unchanged" in run(args=["calendars", "load", "jp", "--years", "2026"]).output
    assert "JP version 1: 2026–2029" in run(args=["calendars", "show"]).output


@pytest.mark.parametrize("arguments", [["XX"], ["JP", "--years", "soon"], ["JP", "--years", "2150"], []])
def test_the_command_refuses_in_words(app: Flask, arguments: list[str]) -> None:
    refused = app.test_cli_runner().invoke(args=["calendars", "load", *arguments])
    assert refused.exit_code != 0
    assert "Error" in refused.output
    assert "Traceback" not in refused.output
