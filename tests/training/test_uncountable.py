"""Dates that nobody can compute: refused where they would come about, and no obstacle to anybody else."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pypdfium2
import pytest
from flask import Flask

from portal.accounts.models import Person, Role, Scope
from portal.calendars import service as calendars
from portal.calendars.errors import HolidayYearUnknown
from portal.calendars.models import Leave
from portal.calendars.queries import list_company_days, list_leave, list_shifts
from portal.calendars.service import CompanyPeriod
from portal.core import clock
from portal.core.i18n import Words, force_locale
from portal.core.transaction import own_transaction
from portal.organisation.models import Market
from portal.reports.queries import count_heads
from portal.reports.service import cohort_reports
from portal.reports.service.files import print_cohort
from portal.training import queries
from portal.training.invariants import INVARIANTS
from portal.training.models import Enrollment
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, save
from tests.shown import as_shown
from tests.training.builders import load_holidays, make_cohort, make_documents, make_enrollment, make_plan

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
WHY = {
    "en": "The dates cannot be computed: the holiday table of JP does not know 2032.",
    "ja": "日付を計算できません。JPの祝日表に2032年がありません。",
}


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    """The learner and her colleague begin a plan together."""
    cohort, version = make_cohort(cast.admin), make_plan()
    make_enrollment(cast.colleague, version, cast.admin, cohort=cohort)
    return make_enrollment(cast.learner, version, cast.admin, cohort=cohort)


def keep_away(person: Person, *, until: date = date(2031, 12, 31)) -> None:
    """Record leave, up to the end of the holiday table, as an earlier version of the portal let it be recorded."""
    save(
        Leave(
            person_id=person.id,
            first_on=date(2026, 4, 29),
            last_on=until,
            recorded_at=clock.now(),
            recorded_by="system",
        )
    )


def away_until(person: Person, last_year: int, by: Person) -> None:
    """Record leave of whole years, in parts."""
    for year in range(2026, last_year + 1):
        first = date(2026, 4, 29) if year == 2026 else date(year, 1, 1)
        with own_transaction():
            calendars.record_leave(person=person, first_on=first, last_on=date(year, 12, 31), by=by)


# --- Refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", ["calendars.record_leave", "training.leave"])
def test_leave_that_would_put_a_date_beyond_the_holiday_table_is_refused_naming_the_year(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str, where: str
) -> None:
    away_until(cast.learner, 2030, cast.lead)
    asked = {"first_on": "2031-01-01", "last_on": "2031-12-31"}
    code = enrollment.code if where == "training.leave" else cast.learner.code
    lead = as_(cast.lead, language=language)
    for act in ({"act": "preview"}, {"act": "confirm", "seen": "2031-01-01/2031-12-31#"}):
        page = lead.post(where, asked | act, code=code, expect=HolidayYearUnknown.status)
        assert "2032" in page.text
    assert len(list_leave(cast.learner.id)) == 5
    with own_transaction(), pytest.raises(HolidayYearUnknown):
        calendars.record_leave(person=cast.learner, first_on=date(2031, 1, 1), last_on=date(2031, 12, 31), by=cast.lead)


def test_shifts_that_would_put_a_date_beyond_the_holiday_table_are_refused(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    away_until(cast.learner, 2030, cast.lead)
    with own_transaction():
        calendars.record_leave(person=cast.learner, first_on=date(2031, 1, 1), last_on=date(2031, 3, 31), by=cast.lead)
    # From January 2031 on one day in 84 is worked.
    asked = {"works": "shifts", "first_on": "2031-01-01", "cycle": "1-83", "works_holidays": "y"}
    seen = {"act": "confirm", "seen": "2031-01-01/1-83/True#"}
    page = as_(cast.lead, language="en").post(
        "calendars.record_shifts", asked | seen, code=cast.learner.code, expect=HolidayYearUnknown.status
    )
    assert "2032" in page.text
    assert list_shifts(cast.learner.id) == []


@pytest.mark.parametrize("day", ["2020-04-06", "2150-04-06"])
@pytest.mark.parametrize("act", ["preview", "confirm"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_shifts_from_a_day_that_no_holiday_table_knows_are_refused_naming_its_year(
    cast: Cast, as_: Any, language: str, day: str, act: str
) -> None:
    asked = {"works": "shifts", "first_on": day, "cycle": "4-2", "works_holidays": "y"}
    lead = as_(cast.lead, language=language)
    given = asked | {"act": act, "seen": f"{day}/4-2/True#"}
    assert cast.learner.team is not None
    for endpoint, code in (
        ("calendars.record_shifts", cast.learner.code),
        ("calendars.team_shifts", cast.learner.team.code),
    ):
        page = lead.post(endpoint, given, code=code, expect=HolidayYearUnknown.status)
        assert {"en": f"the year {day[:4]}", "ja": f"{day[:4]}年がない"}[language] in page.text
    assert list_shifts(cast.learner.id) == []


def test_a_market_whose_company_days_leave_no_day_to_work_in_is_refused(cast: Cast, enrollment: Enrollment) -> None:
    away = CompanyPeriod(date(2026, 4, 29), date(2031, 12, 31), Words("Closed", "休業"))
    with own_transaction(), pytest.raises(HolidayYearUnknown):
        calendars.declare_company_days(market=enrollment.market, periods=[away], by=cast.admin)


@pytest.mark.parametrize("language", LANGUAGES)
def test_company_days_can_be_added_and_withdrawn_although_somebodys_dates_cannot_be_computed(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    keep_away(cast.learner)
    admin, market = as_(cast.admin, language=language), enrollment.market
    days = {"kind": "off", "first_on": "2026-05-07", "last_on": "2026-05-08", "name_en": "Move", "name_ja": "移転"}
    page = admin.post("calendars.company_days", days | {"act": "preview"}, code=market.code, expect=200)
    assert cast.colleague.name_in(language) in page.text
    confirmed = as_shown(admin, "calendars.company_days", days, code=market.code)
    admin.post("calendars.company_days", confirmed, code=market.code, expect=303)
    (row,) = list_company_days(market)
    confirmed = as_shown(admin, "calendars.withdraw_company_days", {"number": str(row.id)}, code=market.code)
    admin.post("calendars.withdraw_company_days", confirmed, code=market.code, expect=303)
    assert list_company_days(market) == []


def _market_form(market: Market, country: str) -> dict[str, str]:
    return {
        "name_en": market.name.en,
        "name_ja": market.name.ja,
        "time_zone": market.time_zone,
        "holiday_country": country,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_holidays_of_a_market_show_the_trainings_that_they_move_before_they_are_saved(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    admin, market = as_(cast.admin, language=language), enrollment.market
    before = queries.standing_of(enrollment).dues
    asked = _market_form(market, "US")
    page = admin.post("organisation.change_market", asked, code=market.code, expect=200)
    said = {"en": "the dates of 2 open trainings move", "ja": "進行中の研修2件の期限が変わります"}[language]
    assert said in page.text
    assert cast.learner.name_in(language) in page.text
    assert queries.standing_of(queries.get_enrollment(enrollment.code)).dues == before
    # Another choice than the one that was shown is shown first.
    other = {"act": "confirm", "seen": ""}
    admin.post("organisation.change_market", asked | other, code=market.code, expect=200)
    # So are other dates than those that were shown.
    stale = {"act": "confirm", "seen": "US#"}
    page = admin.post("organisation.change_market", asked | stale, code=market.code, expect=409)
    said = {"en": "Something has changed meanwhile.", "ja": "その間に状況が変わりました。"}[language]
    assert said in page.text
    confirmed = as_shown(admin, "organisation.change_market", asked, code=market.code)
    admin.post("organisation.change_market", confirmed, code=market.code, expect=303)
    assert queries.standing_of(queries.get_enrollment(enrollment.code)).dues != before


# --- Nobody else's obstacle --------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_persons_dates_that_cannot_be_computed_keep_no_page_about_many_people_back(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    keep_away(cast.learner)
    cohort = enrollment.cohort
    assert cohort is not None
    make_grant(cast.outsider, Role.MENTOR, Scope.COHORT, cohort.code)
    name = cast.learner.name_in(language)
    lead = as_(cast.lead, language=language)
    for endpoint, values in (
        ("training.list_learners", {}),
        ("training.list_sign_offs", {}),
        ("reports.cohort", {"code": cohort.code}),
    ):
        page = lead.get(endpoint, **values)
        assert WHY[language] in page.text, endpoint
        assert name in page.text, endpoint
        assert cast.colleague.name_in(language) in page.text or endpoint == "training.list_sign_offs"
    heads = {"en": "1 person not counted", "ja": "日付を計算できない1名"}[language]
    assert heads in lead.get("reports.list_cohorts").text
    assert heads in lead.get("reports.cohort_trends").text
    left_out = {"en": "1 person whose dates cannot be computed", "ja": "日付を計算できない1名"}[language]
    assert left_out in lead.get("reports.cohort", code=cohort.code).text
    for endpoint in ("reports.cohort_trend", "reports.cohort_report"):
        page = lead.get(endpoint, code=cohort.code)
        assert name in page.text, endpoint
        assert WHY[language] in page.text, endpoint
    lead.get("reports.cohort_clauses", code=cohort.code)
    for who in (cast.lead, cast.outsider):
        assert name in as_(who, language=language).get("training.today").text
    own = as_(cast.learner, language=language)
    for endpoint in ("training.today", "training.index", "training.calendar"):
        assert WHY[language] in own.get(endpoint).text, endpoint
    as_(cast.colleague, language=language).get("training.today")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_about_many_people_names_whose_dates_cannot_be_computed(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    cohort = enrollment.cohort
    assert cohort is not None
    keep_away(cast.learner)
    name, lead = cast.learner.name_in(language), as_(cast.lead, language=language)

    def read(endpoint: str, **values: Any) -> list[list[str]]:
        """Return the cells of a CSV file, or of every sheet of a workbook."""
        data = lead.fetch(endpoint, **values).data
        if endpoint.endswith("csv"):
            return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        book = openpyxl.load_workbook(io.BytesIO(data))
        rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        return [["" if cell is None else str(cell) for cell in row] for row in rows]

    for endpoint in ("reports.cohort_csv", "reports.cohort_xlsx"):
        rows = read(endpoint, code=cohort.code)
        (row,) = (each for each in rows if each[0] == cast.learner.code)
        assert (row[1], row[7]) == (name, WHY[language])
        assert len(row) == len(next(each for each in rows if each[0] == cast.colleague.code))
        # A workbook says so beside the table, too.
        assert sum(name in each for each in rows) == (2 if endpoint.endswith("xlsx") else 1)
    for endpoint in ("reports.cohort_report_csv", "reports.cohort_report_xlsx"):
        assert any(name in row and WHY[language] in row for row in read(endpoint, code=cohort.code)), endpoint
    for endpoint in ("reports.cohort_trends_csv", "reports.cohort_trends_xlsx"):
        (row,) = (each for each in read(endpoint) if cohort.code in each)
        assert row[-2:] == ["1", name]
    with force_locale(language):
        report = cohort_reports.read(cohort, None, viewer_id=0)
        assert report is not None
        content = print_cohort(cohort_reports.told(report))
    printed = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))
    assert name in printed
    assert WHY[language].replace(" ", "") in re.sub(r"\s", "", printed)


def test_numbers_leave_out_whose_dates_cannot_be_computed(cast: Cast, enrollment: Enrollment) -> None:
    assert enrollment.cohort_id is not None
    before = count_heads([enrollment.cohort_id])[enrollment.cohort_id]
    keep_away(cast.learner)
    after = count_heads([enrollment.cohort_id])[enrollment.cohort_id]
    assert (before.following, before.uncountable) == (2, 0)
    assert (after.following, after.uncountable) == (1, 1)
    keep_away(cast.colleague)
    nobody = count_heads([enrollment.cohort_id])[enrollment.cohort_id]
    assert (nobody.following, nobody.uncountable) == (0, 2)


def test_a_cohort_of_which_no_date_can_be_computed_still_has_its_page(
    cast: Cast, enrollment: Enrollment, as_: Any
) -> None:
    assert enrollment.cohort is not None
    for who in (cast.learner, cast.colleague):
        keep_away(who)
    lead = as_(cast.lead, language="en")
    page = lead.get("reports.cohort", code=enrollment.cohort.code)
    # The reason is said once for both.
    assert page.text.count(WHY["en"]) == 1
    for who in (cast.learner, cast.colleague):
        assert who.name_in("en") in page.text
    assert "Nobody follows a plan yet" not in page.text
    lead.get("reports.cohort_report", code=enrollment.cohort.code)


def test_the_doctor_names_whose_dates_cannot_be_computed(app: Flask, cast: Cast, enrollment: Enrollment) -> None:
    look = INVARIANTS["dates of open plans can be computed"]
    assert look() == []
    keep_away(cast.learner)
    (said,) = look()
    assert enrollment.code in said
    assert cast.learner.full_name in said
    assert "JP does not know 2032" in said
