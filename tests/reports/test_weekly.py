"""The weekly report of a cohort: it says what the page says, what changed, and nothing is lost on the way to a file."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pypdfium2
import pytest
from sqlalchemy import text, update

from portal.accounts.models import Role, Scope
from portal.cohorts.models import Cohort, CohortMember
from portal.core import clock, jobs, tables
from portal.core.db import session
from portal.core.i18n import force_locale
from portal.core.transaction import own_transaction
from portal.reports import rules
from portal.reports.formats import cohort_sheet
from portal.reports.formats.cohort_sheet import CohortSheet
from portal.reports.formats.words import figures
from portal.reports.models import ReportFile
from portal.reports.queries import follow, report_of
from portal.reports.queries.files import get_file, read_content
from portal.reports.queries.lead import morning
from portal.reports.rules import Week
from portal.reports.service import cohort_reports, files
from portal.training.models import Enrollment, StepCompletion
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, save
from tests.queries import counted_queries
from tests.reports.test_cohort import LANGUAGES, LATER, MORNING
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_quiz,
    release,
)
from tests.training.test_training import document

WEEK = Week(date(2026, 5, 1), date(2026, 5, 7))


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def cohort(cast: Cast) -> Any:
    """A cohort of three of whom one has done the first step, one has passed the quiz, and one has done nothing."""
    found, version = make_cohort(cast.admin), make_plan()
    third = make_person("third@portal.example", family_name="𠮷田", given_name="葵", family_kana="ヨシダ")
    people = [cast.learner, cast.colleague, third]
    with clock.frozen(MORNING):
        for person in people:
            make_enrollment(person, version, cast.admin, cohort=found)
        acknowledge(cast.learner, document("exposure"))
    return found


def told(cohort: Cohort, language: str = "en", week: Week | None = None, viewer_id: int = 0) -> CohortSheet:
    """Return the report as it is told in a language."""
    with force_locale(language):
        read = cohort_reports.read(cohort, None, week, viewer_id=viewer_id)
        assert read is not None
        return cohort_reports.told(read)


def change_of(sheet: CohortSheet, label: str) -> tuple[int, list[str]]:
    """Return how often something changed, and whom it concerns."""
    found = next(each for each in sheet.changes if each.label == label)
    return found.number, list(found.names)


# --- What it says ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_says_the_numbers_of_the_page(cast: Cast, cohort: Cohort, as_: Any, language: str) -> None:
    with clock.frozen(LATER):
        sheet = told(cohort, language)
        following = follow(cohort)
        with force_locale(language):
            same = figures(report_of(following).summary, following, morning(following, viewer_id=0))
        page = as_(cast.admin, language=language).get("reports.cohort", code=cohort.code)
        report = as_(cast.admin, language=language).get("reports.cohort_report", code=cohort.code)
    for figure, row in zip(same, sheet.numbers, strict=True):
        assert (row.label, row.formula) == (figure.label, figure.formula)
        assert row.number.startswith(figure.number)
        assert figure.formula in page.text
        assert figure.formula in report.text
    assert sheet.curve is not None
    # The same curve, point by point.
    for line in sheet.curve["lines"]:
        assert line["points"] in page.body
        assert line["points"] in report.body
        assert line["points"] in cohort_sheet.curve_svg(sheet.curve)


@pytest.mark.parametrize("seed", range(4))
def test_what_changed_equals_a_plain_recount(cast: Cast, seed: int) -> None:
    chance = random.Random(seed)
    found, version = make_cohort(cast.admin), make_plan()
    people = [make_person(f"p{number}@portal.example") for number in range(12)]
    for person in people:
        enrollment = make_enrollment(person, version, cast.admin, cohort=found)
        joined = MORNING + timedelta(days=chance.randrange(20))
        left = joined + timedelta(days=chance.randrange(1, 9)) if chance.random() < 0.3 else None
        session.execute(
            update(CohortMember)
            .where(CohortMember.person_id == person.id)
            .values(joined_at=joined, left_at=left, left_by="test" if left else None)
        )
        session.commit()
        for step in version.steps:
            if chance.random() < 0.5:
                at = MORNING + timedelta(hours=chance.randrange(24 * 12))
                save(StepCompletion(enrollment=enrollment, step=step, completed_at=at, recorded_at=at))
        if chance.random() < 0.3:
            at = MORNING + timedelta(hours=chance.randrange(24 * 12))
            session.execute(update(Enrollment).where(Enrollment.id == enrollment.id).values(completed_at=at))
            session.commit()
    with clock.frozen(datetime(2026, 5, 8, 3, 0, tzinfo=UTC)):
        sheet = told(found, week=WEEK)

    def count(statement: str) -> int:
        # Tokyo's days begin at 15:00 UTC of the day before.
        values = {"a": datetime(2026, 4, 30, 15, tzinfo=UTC), "b": datetime(2026, 5, 7, 15, tzinfo=UTC), "c": found.id}
        if session.get_bind().dialect.name == "sqlite":
            values |= {key: f"{values[key]:%Y-%m-%d %H:%M:%S.%f}" for key in "ab"}  # type: ignore[dict-item]
        return int(session.execute(text(statement), values).scalar_one())

    assert change_of(sheet, "Joined the cohort")[0] == count(
        "select count(*) from cohort_members where cohort_id = :c and joined_at >= :a and joined_at < :b"
    )
    assert change_of(sheet, "Left the cohort")[0] == count(
        "select count(*) from cohort_members where cohort_id = :c and left_at >= :a and left_at < :b"
    )
    assert change_of(sheet, "Completed the plan")[0] == count(
        "select count(*) from enrollments where cohort_id = :c and completed_at >= :a and completed_at < :b"
    )
    assert change_of(sheet, "Required steps done")[0] == count(
        "select count(*) from step_completions s join enrollments e on e.id = s.enrollment_id join plan_steps p on"
        " p.id = s.step_id where e.cohort_id = :c and p.required and s.completed_at >= :a and s.completed_at < :b"
    )


def test_who_became_overdue_in_the_week_and_still_is_stands_with_the_steps(cast: Cast, cohort: Cohort) -> None:
    with clock.frozen(LATER):
        number, names = change_of(told(cohort, week=WEEK), "Became overdue and still are")
        following = follow(cohort)
    late = [
        each
        for each in following.people
        if each.path and any(on + timedelta(1) in WEEK and slug not in each.done for on, slug in each.path.expected)
    ]
    assert number == len(late) > 0
    assert all("(" in name for name in names)


def test_a_check_that_was_passed_in_the_week_is_told_once_it_is_released(cast: Cast, cohort: Cohort) -> None:
    make_quiz()
    with clock.frozen(datetime(2026, 5, 1, 3, 0, tzinfo=UTC)):
        release(cast.learner)
    with clock.frozen(LATER):
        assert change_of(told(cohort, week=WEEK), "Passed a check")[0] == 1
        before = Week(date(2026, 4, 20), date(2026, 4, 30))
        assert change_of(told(cohort, week=before), "Passed a check")[0] == 0


def test_people_at_risk_stand_by_name_and_not_by_how_late_they_are(cast: Cast, cohort: Cohort) -> None:
    with clock.frozen(LATER + timedelta(days=30)):
        sheet = told(cohort, "ja")
        following = follow(cohort)
        risky = {each.follower.person_id for each in morning(following, viewer_id=0).at_risk}
    in_order = sorted(
        (member.person for member in session.query(CohortMember).filter_by(cohort_id=cohort.id)),
        key=lambda person: (person.sort_key, person.id),
    )
    assert [row.name for row in sheet.at_risk] == [each.name_in("ja") for each in in_order if each.id in risky]
    assert len(sheet.at_risk) > 1


def test_a_report_goes_back_to_the_one_before_it() -> None:
    on = date(2026, 5, 11)
    assert rules.week_before(on) == Week(date(2026, 5, 4), date(2026, 5, 10))
    assert rules.week_before(on, date(2026, 4, 27)) == Week(date(2026, 4, 27), date(2026, 5, 10))
    # Not for ever: after months without a worker it tells of a week.
    assert rules.week_before(on, date(2026, 1, 5)) == Week(date(2026, 5, 4), date(2026, 5, 10))


def test_the_statements_of_the_report_do_not_grow_with_the_people(cast: Cast, cohort: Cohort) -> None:
    version = next(iter(follow(cohort).versions.values()))

    def statements() -> int:
        session.expire_all()
        with counted_queries() as counted, clock.frozen(LATER):
            told(session.get_one(Cohort, cohort.id))
        return len(counted)

    few = statements()
    for number in range(6):
        make_enrollment(make_person(f"more{number}@portal.example"), version, cast.admin, cohort=cohort)
    assert statements() == few


# --- As files ----------------------------------------------------------------------------------


def make(file: ReportFile) -> bytes:
    """Let the job make a file; return its bytes."""
    owed = jobs.find_job(files.making_key(file))
    assert owed is not None
    code = file.code
    assert jobs.run_job(owed.id)
    content = read_content(get_file(code))
    assert content is not None
    return content


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_made_by_a_job_and_says_what_the_page_says_on_one_sheet(
    cast: Cast, cohort: Cohort, as_: Any, language: str
) -> None:
    with clock.frozen(LATER):
        client = as_(cast.admin, language=language)
        page = client.follow(client.post("reports.print_cohort_report", code=cohort.code))
        file = session.query(ReportFile).one()
        assert file.made_at is None
        assert page.heading == files.filename_of(file)
        assert client.fetch("reports.file_progress", code=file.code).json == {"state": "queued", "done": 0, "total": 0}
        content = make(file)
        sheet = told(cohort, language)
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1
    words = "".join(document[0].get_textpage().get_text_range().split())
    for said in (sheet.cohort, sheet.plan, sheet.as_of, *(row.name for row in sheet.at_risk)):
        assert "".join(said.split()) in words
    with clock.frozen(LATER):
        shown = client.get("reports.file", code=file.code)
        saved = client.fetch("reports.save_file", code=file.code)
    assert saved.data == content
    assert str(get_file(file.code).sha256) in shown.text


def test_asking_twice_makes_one_file(cast: Cast, cohort: Cohort) -> None:
    with own_transaction():
        first = files.ask_cohort_report(cohort=cohort, plan_slug="", language="en", by=cast.admin)
        again = files.ask_cohort_report(cohort=cohort, plan_slug="", language="en", by=cast.admin)
        other = files.ask_cohort_report(cohort=cohort, plan_slug="", language="ja", by=cast.admin)
    assert first is again
    assert other is not first


def test_a_file_is_opened_only_by_who_asked_for_it_and_only_while_she_may_see_the_cohort(
    cast: Cast, cohort: Cohort, as_: Any
) -> None:
    lead = make_person("their.lead@portal.example")
    grant = make_grant(lead, Role.LEAD, Scope.COHORT, cohort.code)
    with own_transaction():
        file = files.ask_cohort_report(cohort=cohort, plan_slug="", language="en", by=lead)
    make(file)
    client = as_(lead)
    assert client.fetch("reports.save_file", code=file.code).status_code == 200
    for person in (cast.admin, cast.lead, cast.learner):
        assert as_(person).fetch("reports.save_file", code=file.code).status_code == 404
    with own_transaction():
        grant.ended_at = clock.now()
    assert client.fetch("reports.save_file", code=file.code).status_code == 404


def test_old_files_are_forgotten_and_their_hash_stays(cast: Cast, cohort: Cohort, as_: Any) -> None:
    with own_transaction():
        file = files.ask_cohort_report(cohort=cohort, plan_slug="", language="en", by=cast.admin)
    make(file)
    with clock.frozen(MORNING + timedelta(days=31)):
        with own_transaction():
            files.tidy()
        page = as_(cast.admin).get("reports.file", code=file.code)
        assert as_(cast.admin).fetch("reports.save_file", code=file.code).status_code == 404
    assert str(get_file(file.code).sha256) in page.text


def test_the_workbook_has_a_sheet_for_each_section_and_everybody_in_it(cast: Cast, cohort: Cohort, as_: Any) -> None:
    with clock.frozen(LATER + timedelta(days=30)):
        sheet = told(cohort)
        response = as_(cast.admin).fetch("reports.cohort_report_xlsx", code=cohort.code)
    book = openpyxl.load_workbook(io.BytesIO(response.data))
    assert len(book.worksheets) == 8
    names = [row[0] for row in book["At risk"].iter_rows(min_row=2, values_only=True)]
    assert names == [row.name for row in sheet.at_risk]


def test_what_the_workbook_counts_are_numbers_shares_and_dates(cast: Cast, cohort: Cohort, as_: Any) -> None:
    with clock.frozen(LATER):
        sheet = told(cohort)
        response = as_(cast.admin, language="en").fetch("reports.cohort_report_xlsx", code=cohort.code)
    book = openpyxl.load_workbook(io.BytesIO(response.data))
    numbers = {row[0].value: row[1:3] for row in book["Numbers"].iter_rows(min_row=2)}
    completed, of = numbers["Completed"]
    assert f"{completed.value} / {of.value}" == next(row.number for row in sheet.numbers if row.label == "Completed")
    share = numbers["On track"][0]
    assert share.number_format == "0%"
    assert f"{share.value:.0%}".rstrip("%") in next(row.number for row in sheet.numbers if row.label == "On track")
    for day, due, done, total in book["Progress"].iter_rows(min_row=2, values_only=True):
        assert isinstance(day, datetime)
        assert 0 <= due <= total
        assert done is None or 0 <= done <= total
    assert book["Progress"].max_row > 2
    for _step, first, last, people in book["Due next"].iter_rows(min_row=2, values_only=True):
        assert first <= last
        assert people >= 1
    for name in ("First tries", "Clauses"):
        for row in book[name].iter_rows(min_row=2, values_only=True):
            assert all(isinstance(each, int | float) for each in row[1:] if each is not None and name == "First tries")


@pytest.mark.parametrize("language", LANGUAGES)
def test_shift_jis_loses_nothing_of_the_products_own_words(cast: Cast, cohort: Cohort, language: str) -> None:
    with clock.frozen(LATER), force_locale(language):
        lost = tables.list_lost(*cohort_sheet.table_of(told(cohort, language)))
    assert {each.character for each in lost} <= {"𠮷"}


@pytest.mark.parametrize("endpoint", ["reports.cohort_report_csv", "reports.cohort_csv"])
def test_shift_jis_says_what_it_loses_before_it_loses_it(cast: Cast, cohort: Cohort, as_: Any, endpoint: str) -> None:
    with clock.frozen(LATER + timedelta(days=30)):
        client = as_(cast.admin, language="ja")
        plain = client.fetch(endpoint, code=cohort.code)
        told_first = client.get(endpoint, code=cohort.code, encoding="cp932")
        anyway = client.fetch(endpoint, code=cohort.code, encoding="cp932", anyway=1)
    assert plain.data.startswith("\ufeff".encode())
    assert "𠮷" in plain.data.decode("utf-8-sig")
    for said in ("𠮷", "U+20BB7", "〓", "𠮷田 葵"):
        assert said in told_first.text
    rows = list(csv.reader(io.StringIO(anyway.data.decode("cp932"), newline="")))
    assert any("〓田 葵" in cell for row in rows for cell in row)


def test_a_name_that_no_font_has_is_printed_with_a_mark_and_the_page_says_so(cast: Cast, cohort: Cohort) -> None:
    cast.learner.shown_as = "Rare \u1d00\U0001f9ff"
    session.commit()
    with clock.frozen(LATER + timedelta(days=30)):
        content = files.print_cohort(told(cohort))
    words = " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))
    assert "〓" in words
    assert "fonts of the portal" in " ".join(words.split())


def test_a_cohort_without_a_plan_has_an_empty_report_and_no_files(cast: Cast, as_: Any) -> None:
    empty = make_cohort(cast.admin, code="jp-empty")
    client = as_(cast.admin)
    assert "Nobody follows a plan yet" in client.get("reports.cohort_report", code=empty.code).text
    assert client.fetch("reports.cohort_report_xlsx", code=empty.code).status_code == 404
