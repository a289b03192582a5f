"""The lead's page of a cohort: who needs help first, every number with its formula, the same rows in files."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from portal.accounts.models import Person, Role, Scope
from portal.calendars import service as calendars
from portal.core import clock
from portal.core.codes import new_code
from portal.core.db import session
from portal.core.i18n import force_locale, format_date
from portal.core.transaction import own_transaction
from portal.quizzes import queries as quizzes
from portal.quizzes.models import Attempt, AttemptState, Marking, QuizVersion
from portal.quizzes.rules.passing import Counts
from portal.quizzes.service.banks import terms_of_version
from portal.quizzes.service.revising import revise_quiz
from portal.reports import rules
from portal.reports.queries import cohort_report
from portal.reports.rules import Standing
from portal.training import queries as training
from portal.training.models import Enrollment, StepCompletion, StepExtension
from portal.training.rules import Progress
from portal.training.service import sign_offs
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team, save
from tests.gradebook.builders import decide
from tests.queries import counted_queries
from tests.training.builders import (
    START,
    STEPS,
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
from tests.volume import examples

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 8, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


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
    """A cohort of two: the learner has done the first step, the colleague nothing."""
    cohort = make_cohort(cast.admin)
    version = make_plan()
    for person in (cast.learner, cast.colleague):
        make_enrollment(person, version, cast.admin, cohort=cohort)
    acknowledge(cast.learner, document("exposure"))
    return cohort


def test_who_has_most_overdue_stands_first_and_for_longest_before_the_rest(cast: Cast, cohort: Any) -> None:
    with clock.frozen(LATER):
        report = cohort_report(cohort)
    found = [(row.person.id, row.standing.progress.overdue, row.standing.late_since) for row in report.rows]
    assert found == [
        (cast.colleague.id, 4, date(2026, 4, 28)),
        (cast.learner.id, 3, date(2026, 4, 30)),
    ]


def test_each_number_says_how_it_was_counted(cast: Cast, cohort: Any, as_: Any) -> None:
    with clock.frozen(LATER):
        summary = cohort_report(cohort).summary
        page = as_(cast.lead, language="en").get("reports.cohort", code=cohort.code)
    assert (summary.people, summary.overdue_people, summary.overdue_steps) == (2, 2, 7)
    assert summary.on_track == Fraction(1, 8)
    assert "13 %" in page.text
    assert "1 ÷ 8" in page.text
    # Each number, the red list, the list of first tries, the forecast and the table.
    assert page.text.count("Fri 8 May 2026 10:00 JST") == 8 + 4


def test_nothing_due_yet_is_no_percentage(cast: Cast, cohort: Any) -> None:
    assert cohort_report(cohort).summary.on_track is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_every_step_of_everybody(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    release(cast.learner, score="9/10")
    with clock.frozen(LATER):
        page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    table = page.one("table", class_="matrix")
    lines = [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in table.iter("tr")]
    assert len(lines) == 3
    assert len(lines[0]) == 2 + len(STEPS)
    learner = lines[2]
    words = {"en": ("Done", "Overdue", "Ahead"), "ja": ("完了", "期限超過", "これから")}[language]
    assert learner[2].startswith(words[0])
    assert learner[3].startswith(words[1])
    assert "90" in learner[4]
    assert cast.learner.name_in(language) in learner[0]
    # What is done stands under the day on which it was done; when it was due is told beside it.
    done = [day for day in table.iter("time") if day.get("title")]
    assert done
    assert {day.get("datetime") for day in done} == {clock.today("Asia/Tokyo").isoformat()}
    assert all(str(day.get("title")).startswith({"en": "Due on ", "ja": "期限："}[language]) for day in done)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_heading_says_in_full_what_its_step_asks_for(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    headings = page.one("table", class_="matrix").findall(".//thead//th")[2:]
    read = {"en": "Read “Impersonation”", "ja": "「文書IMPERSONATION」を読む"}[language]
    assert read in {heading.get("title") for heading in headings}
    # The narrow page writes it beside every cell.
    cells = page.one("table", class_="matrix").findall(".//tbody//td[@data-step]")
    assert {cell.get("data-step") for cell in cells} == {heading.get("title") for heading in headings}
    assert read in page.text


def test_a_day_of_another_year_is_written_with_it(cast: Cast, cohort: Any, as_: Any) -> None:
    lead = as_(cast.lead, language="en")

    def days() -> set[str | None]:
        return {
            day.text for day in lead.get("reports.cohort", code=cohort.code).one("table", class_="matrix").iter("time")
        }

    assert "28 Apr" in days()
    with clock.frozen(LATER + timedelta(days=300)):
        lead = as_(cast.lead, language="en")
        assert "28 Apr 2026" in days()


def test_the_best_score_since_the_enrollment_is_shown_until_the_quiz_is_passed(cast: Cast, cohort: Any) -> None:
    release(cast.learner, score="1/2", passed=False)
    release(cast.learner, score="3/5", passed=False)
    release(cast.learner, score="2/5", passed=False)
    with clock.frozen(MORNING - timedelta(days=9)):
        release(cast.colleague, score="7/10", passed=False)
    scores = {row.person.id: row.cells["quiz"].score for row in cohort_report(cohort).rows}
    assert scores == {cast.learner.id: Fraction(3, 5), cast.colleague.id: None}
    assert all(row.cells["quiz"].completed_at is None for row in cohort_report(cohort).rows)


@pytest.mark.parametrize(("counts", "shown"), [(Counts.HIGHEST, "3/5"), (Counts.LATEST, "2/5"), (Counts.FIRST, "1/2")])
def test_the_attempt_that_the_quiz_says_counts_is_the_one_that_the_cohort_shows(
    cast: Cast, cohort: Any, counts: Counts, shown: str
) -> None:
    for score in ("1/2", "3/5", "2/5"):
        release(cast.learner, score=score, passed=False)
    _count(counts, by=cast.author)
    cells = {row.person.id: row.cells["quiz"] for row in cohort_report(cohort).rows}
    assert cells[cast.learner.id].score == Fraction(shown)
    assert cells[cast.colleague.id].score is None


def test_while_the_latest_attempt_waits_for_its_result_none_stands_in_its_place(cast: Cast, cohort: Any) -> None:
    release(cast.learner, score="3/5", passed=False)
    newest = quizzes.get_quiz("impersonation")
    save(
        Attempt(
            code=new_code(), quiz_id=newest.quiz_id, quiz_version_id=newest.id, person_id=cast.learner.id,
            attempt_no=2, state=AttemptState.SUBMITTED, seed="0" * 64, language="en", limit_seconds=900,
            multiplier=Fraction(1), started_at=MORNING, deadline_at=MORNING, finished_at=MORNING,
        )
    )  # fmt: skip
    _count(Counts.LATEST, by=cast.author)
    cells = {row.person.id: row.cells["quiz"] for row in cohort_report(cohort).rows}
    assert (cells[cast.learner.id].score, cells[cast.learner.id].attempt) == (None, None)


def test_an_attempt_that_was_made_void_is_no_result_of_the_cohort(cast: Cast, cohort: Any) -> None:
    kept = release(cast.learner, score="1/2", passed=False)
    gone = release(cast.learner, score="3/5", passed=False)
    with own_transaction():
        quizzes.lock_attempt(gone.id).state = AttemptState.VOIDED
    cells = {row.person.id: row.cells["quiz"] for row in cohort_report(cohort).rows}
    assert (cells[cast.learner.id].score, cells[cast.learner.id].attempt) == (Fraction(1, 2), kept.code)


def _count(counts: Counts, *, by: Person) -> None:
    """Let the quiz say in its next version which attempt counts."""
    newest = quizzes.get_quiz("impersonation")
    with own_transaction():
        revise_quiz(
            slug="impersonation",
            terms=replace(terms_of_version(newest), counts=counts),
            based_on=newest.number,
            by=by,
        )


def test_a_step_sent_back_is_open_again_on_the_page(cast: Cast, cohort: Any) -> None:
    row = next(row for row in cohort_report(cohort).rows if row.person.id == cast.learner.id)
    assert row.cells["talk"].status.state.value == "waiting"
    enrollment = training.get_enrollment(row.code)
    with own_transaction():
        sign_offs.send_back(
            enrollment=enrollment, step=training.get_step(enrollment, "talk"), statement="Not yet.", by=cast.lead
        )
    row = next(row for row in cohort_report(cohort).rows if row.person.id == cast.learner.id)
    assert row.cells["talk"].status.state.value == "open"


def test_members_without_a_plan_are_named(cast: Cast, cohort: Any, as_: Any) -> None:
    from portal.cohorts.service import add_member

    with own_transaction():
        add_member(cohort=cohort, person=cast.author, by=cast.admin)
    page = as_(cast.lead, language="en").get("reports.cohort", code=cohort.code)
    assert "1 person of the cohort follows no plan yet" in page.text
    assert cast.author.name_in("en") in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_follows_no_plan_because_it_ended_is_told_apart(cast: Cast, as_: Any, language: str) -> None:
    from portal.cohorts.service import add_member
    from portal.training.service.enrollments import end_plan

    cohort = make_cohort(cast.admin)
    enrollment = make_enrollment(cast.learner, make_plan(), cast.admin, cohort=cohort)
    with own_transaction():
        add_member(cohort=cohort, person=cast.learner, by=cast.admin)
        end_plan(enrollment=enrollment, reason="Moved away.", by=cast.lead)
    page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    with force_locale(language):
        on = format_date(clock.local_date(clock.now(), cohort.market.time_zone))
    assert {"en": f"plan ended on {on}", "ja": f"計画は{on}に終了"}[language] in page.text
    assert {"en": "follows no plan yet", "ja": "研修計画に登録されていない人"}[language] not in page.text
    assert {"en": "Nobody follows a plan yet", "ja": "受講者はまだいません"}[language] not in page.text
    assert any(link.endswith(f"/training/{enrollment.code}") for link in page.links())


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_cohort_says_what_to_do_first(cast: Cast, as_: Any, language: str) -> None:
    cohort = make_cohort(cast.admin)
    page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    assert ("Nobody follows a plan yet" if language == "en" else "受講者はまだいません") in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_plans_have_a_table_each(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    other = make_plan("second", cast.author, STEPS[0])
    make_enrollment(cast.learner, other, cast.admin, cohort=cohort)
    lead = as_(cast.lead, language=language)
    assert len(lead.get("reports.cohort", code=cohort.code).one("table", class_="matrix").findall(".//tbody/tr")) == 2
    assert (
        len(
            lead.get("reports.cohort", code=cohort.code, plan="second")
            .one("table", class_="matrix")
            .findall(".//tbody/tr")
        )
        == 1
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_address_names_in_vain_is_said_and_no_file_is_of_another_plan(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    make_plan("second", cast.author, STEPS[0])
    lead = as_(cast.lead, language=language)
    for endpoint in ("reports.cohort", "reports.cohort_csv", "reports.cohort_report", "reports.cohort_report_csv"):
        lead.get(endpoint, expect=404, code=cohort.code, plan="nope")
    for endpoint in (
        "reports.cohort_csv",
        "reports.cohort_xlsx",
        "reports.cohort_report_csv",
        "reports.cohort_clauses",
    ):
        lead.get(endpoint, expect=404, code=cohort.code, plan="second")
    for endpoint in ("reports.cohort", "reports.cohort_report"):
        page = lead.get(endpoint, code=cohort.code, plan="second")
        said = {"en": "Nobody of this cohort follows the plan", "ja": "この受講グループにいません"}[language]
        assert said in page.text
        assert said not in lead.get(endpoint, code=cohort.code).text
    said = {"en": "The address names a filter that is not there", "ja": "絞り込み条件は存在しない"}[language]
    for named in ({"people": "zzz"}, {"phase": "zzz"}):
        page = lead.get("reports.cohort", code=cohort.code, **named)
        assert said in page.text
        assert len(page.one("table", class_="matrix").findall(".//tbody/tr")) == 2
    assert said not in lead.get("reports.cohort", code=cohort.code, people="overdue").text
    lead.get("reports.cohort_csv", expect=404, code=cohort.code, encoding="zzz")


def test_two_versions_of_a_plan_share_one_table(cast: Cast, cohort: Any) -> None:
    steps = (replace(STEPS[1], prerequisites=()), STEPS[2])
    newer = make_plan("first-days", cast.author, *steps, number="2.0")
    person = make_person(team=make_team())
    make_enrollment(person, newer, cast.admin, cohort=cohort)
    report = cohort_report(cohort)
    assert [column.slug for column in report.columns][:2] == ["read", "quiz"]
    assert {column.slug for column in report.columns} == {step.slug for step in STEPS}
    row = next(row for row in report.rows if row.person.id == person.id)
    assert set(row.cells) == {"read", "quiz"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_step_that_versions_let_be_due_on_other_days_says_both(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    later = replace(STEPS[1], prerequisites=(), due_days=STEPS[1].due_days + 2)
    newer = make_plan("first-days", cast.author, later, STEPS[2], number="2.0")
    make_enrollment(make_person(team=make_team()), newer, cast.admin, cohort=cohort)
    page = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    first = next(each for each in cohort_report(cohort).columns if each.slug == "read")
    (new, last), (old, before) = first.days
    assert (new, old) == ("2.0", "1.0")
    assert last is not None
    assert before is not None
    said = {
        "en": (f"Day {last} / Day {before}", f"Day {last} in version 2.0, Day {before} in version 1.0"),
        "ja": (f"{last}日目 / {before}日目", f"第2.0版では{last}日目・第1.0版では{before}日目"),
    }[language]
    assert [each for each in said if each not in page.text] == []


# --- Who sees it -----------------------------------------------------------------------------


def test_a_lead_sees_only_the_cohorts_of_her_teams(cast: Cast, cohort: Any, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    for name, person in cast.everyone().items():
        browser = as_(person, language="en")
        may_list, may_see = name in ("lead", "admin", "outsider"), name in ("lead", "admin")
        page = browser.get("reports.list_cohorts", expect=200 if may_list else 403)
        assert (f"/cohorts/{cohort.code}" in page.links()) == may_see
        for endpoint in ("reports.cohort", "reports.cohort_csv", "reports.cohort_xlsx"):
            answer = browser.fetch(endpoint, code=cohort.code)
            assert answer.status_code == (200 if may_see else 404), (name, endpoint)
            if not may_see:
                assert cast.learner.code not in answer.get_data(as_text=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_without_cohorts_reads_why(cast: Cast, as_: Any, language: str) -> None:
    page = as_(cast.lead, language=language).get("reports.list_cohorts")
    assert ("No cohort yet" if language == "en" else "受講グループはまだありません") in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_counts_people(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    row = as_(cast.lead, language=language).get("reports.list_cohorts").one("table").find(".//tbody/tr")
    assert row is not None
    assert ("".join(row[4].itertext()).strip(), "".join(row[-1].itertext()).strip()) == ("2", "0 / 2")


# --- Files -----------------------------------------------------------------------------------


def csv_lines(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_csv_holds_the_same_rows_as_the_page(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    attempt = release(cast.learner, score="5/7", most=14)
    with clock.frozen(LATER):
        answer = as_(cast.lead, language=language).fetch("reports.cohort_csv", code=cohort.code)
    assert "jp-2026-04-first-days-2026-05-08.csv" in answer.headers["Content-Disposition"]
    header, *lines = csv_lines(answer.data)
    assert [line[0] for line in lines] == [cast.colleague.code, cast.learner.code]
    learner = dict(zip(header, lines[1], strict=True))
    quiz = {"en": "Check of impersonation", "ja": "なりすまし 確認テスト"}[language]
    names = {
        "en": ("state", "points", "points possible", "score in %, rounded to 0.1", "attempt", "done on (Asia/Tokyo)"),
        "ja": ("状態", "得点", "満点", "得点率（%、小数第1位に四捨五入）", "受験コード", "完了日（Asia/Tokyo）"),
    }[language]
    mark = {"en": ": ", "ja": "："}[language]
    done = {"en": "Done", "ja": "完了"}[language]
    told = [learner[f"{quiz}{mark}{name}"] for name in names]
    assert told == [done, "10", "14", "71.4", attempt.code, "2026-04-28"]


def test_a_corrected_score_has_a_percentage_and_no_points(cast: Cast, cohort: Any, as_: Any) -> None:
    attempt = release(cast.learner, score="1")
    with own_transaction():
        session.add(
            Marking(
                attempt_id=attempt.id, marking_no=2, points=Fraction(10), max_points=Fraction(14), score=Fraction(5, 7),
                passed=True, marked_at=MORNING, marked_by="system",
            )
        )  # fmt: skip
    header, *lines = csv_lines(as_(cast.lead, language="en").fetch("reports.cohort_csv", code=cohort.code).data)
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    row = next(row for row in rows if row["Person code"] == cast.learner.code)
    quiz = "Check of impersonation: "
    assert [row[quiz + name] for name in ("points", "points possible", "score in %, rounded to 0.1")] == ["", "", "100"]


@pytest.mark.parametrize("how", ["passed", "not passed", "by hand"])
@pytest.mark.parametrize("shows", [False, True])
def test_a_lead_in_her_own_cohort_reads_of_her_own_score_what_the_quiz_shows_her(
    cast: Cast, cohort: Any, as_: Any, how: str, shows: bool
) -> None:
    version = make_quiz()
    with own_transaction():
        session.execute(update(QuizVersion).values(show=["score"] if shows else []))
    make_enrollment(cast.lead, make_plan(), cast.admin, cohort=cohort)
    for person in (cast.lead, cast.colleague):
        release(person, score="5/7", passed=how == "passed", most=14)
        if how == "by hand":
            decide(person, version, (cast.approver, cast.admin), Fraction(5, 7))
    browser = as_(cast.lead, language="en")
    page = browser.get("reports.cohort", code=cohort.code)
    rows = {row.findtext(".//th//a"): "".join(row.itertext()) for row in page.all("tr")}
    assert ("71 %" in rows[cast.lead.name_in("en")]) is shows
    assert "71 %" in rows[cast.colleague.name_in("en")]
    data = browser.fetch("reports.cohort_csv", code=cohort.code).data
    lines = {line[0]: " ".join(line[1:]) for line in csv_lines(data)}
    assert ("71.4" in lines[cast.lead.code]) is shows
    assert "71.4" in lines[cast.colleague.code]
    book = openpyxl.load_workbook(io.BytesIO(browser.fetch("reports.cohort_xlsx", code=cohort.code).data))
    cells = {str(line[0]): " ".join(map(str, line[1:])) for line in next(iter(book)).iter_rows(values_only=True)}
    assert ("71.4" in cells[cast.lead.code]) is shows
    assert "71.4" in cells[cast.colleague.code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_can_be_sorted_filtered_and_understood_later(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(LATER):
        answer = as_(cast.lead, language=language).fetch("reports.cohort_xlsx", code=cohort.code)
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet, about = book.worksheets
    assert sheet.max_row == 3
    first = [cell.value for cell in sheet[2]]
    assert first[0] == cast.colleague.code
    assert first[2] == datetime(2026, 4, 28)
    assert sheet["C2"].is_date
    assert first[3:6] == [5, 0, 4]
    # The heading and the names stay in sight; every column can be filtered; nothing is wider than a screen.
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(3, sheet.max_column).coordinate}"
    widths = [sheet.column_dimensions[letter].width for letter in ("A", "B", "C")]
    assert all(8 < width < 45 for width in widths)
    told = {row[0].value: row[1].value for row in about.iter_rows()}
    assert told[{"en": "As of", "ja": "時点"}[language]] == "2026-05-08T10:00:00+09:00"
    assert "Asia/Tokyo" in told.values()


def test_a_name_cannot_become_a_formula(cast: Cast, cohort: Any, as_: Any) -> None:
    cast.colleague.shown_as = "=HYPERLINK(1)"
    save(cast.colleague)
    answer = as_(cast.lead, language="en").fetch("reports.cohort_csv", code=cohort.code)
    assert "'=HYPERLINK(1)" in {line[1] for line in csv_lines(answer.data)}


# --- Many people -----------------------------------------------------------------------------


def fill(cast: Cast, cohort: Any, version: Any, number: int) -> None:
    """Put people into the cohort, each with a random share of the steps done."""
    chance = random.Random(number)
    steps = list(version.steps)
    people = [make_person(team=make_team()) for _each in range(number)]
    rows: list[Any] = []
    for person in people:
        enrollment = Enrollment(
            code=f"E{person.id:08d}",
            person=person,
            plan_id=version.plan_id,
            version=version,
            market=cohort.market,
            cohort=cohort,
            starts_on=START + timedelta(days=chance.choice([0, 0, 0, 2, 9])),
            enrolled_at=MORNING - timedelta(days=1),
            enrolled_by="test",
        )
        rows.append(enrollment)
        rows += [
            StepCompletion(
                enrollment=enrollment,
                step=step,
                completed_at=MORNING,
                recorded_at=MORNING,
                due_on=START,
            )
            for step in steps
            if chance.random() < 0.5
        ]
    session.add_all(rows)
    session.commit()


def test_only_fifty_rows_come_at_once_and_the_rest_on_demand(cast: Cast, as_: Any) -> None:
    cohort = make_cohort(cast.admin)
    fill(cast, cohort, make_plan(), 120)
    lead = as_(cast.lead, language="en")
    seen: list[str] = []
    for page_number in (1, 2, 3):
        page = lead.get("reports.cohort", code=cohort.code, page=page_number)
        rows = page.one("table", class_="matrix").findall(".//tbody/tr")
        assert len(rows) == (50, 50, 20)[page_number - 1]
        seen += [link for link in page.links() if link.startswith("/training/E")]
        assert f"{(1, 51, 101)[page_number - 1]}–{(50, 100, 120)[page_number - 1]} of 120" in page.text
    assert len(set(seen)) == 120
    assert len(csv_lines(lead.fetch("reports.cohort_csv", code=cohort.code).data)) == 121
    assert lead.get("reports.cohort", code=cohort.code, page=99).one("nav", class_="pager") is not None
    lead.get("reports.cohort", code=cohort.code, page="x")


def test_the_page_asks_the_same_of_the_database_for_any_number_of_people(cast: Cast, as_: Any) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    lead = as_(cast.lead)

    def count(endpoint: str) -> int:
        lead.fetch(endpoint, code=cohort.code)
        session.expire_all()
        with counted_queries() as statements:
            lead.fetch(endpoint, code=cohort.code)
        return len(statements)

    fill(cast, cohort, version, 10)
    few = [count(endpoint) for endpoint in ("reports.cohort", "reports.cohort_csv", "reports.list_cohorts")]
    fill(cast, cohort, version, 20)
    assert [count(endpoint) for endpoint in ("reports.cohort", "reports.cohort_csv", "reports.list_cohorts")] == few
    assert few[0] <= 15


@pytest.mark.parametrize("seed", range(3))
def test_the_table_equals_a_recount_person_by_person(cast: Cast, seed: int) -> None:
    chance = random.Random(seed)
    cohort, version = make_cohort(cast.admin), make_plan()
    fill(cast, cohort, version, 12)
    enrollments = [training.get_enrollment(row.code) for row in cohort_report(cohort, limit=None).rows]
    for enrollment in chance.sample(enrollments, 4):
        save(
            StepExtension(
                enrollment_id=enrollment.id,
                step_id=chance.choice(version.steps).id,
                working_days=chance.randint(1, 5),
                reason="x",
                by=cast.lead,
                at=MORNING,
            )
        )
    with own_transaction():
        for enrollment in chance.sample(enrollments, 4):
            first = START + timedelta(days=chance.randint(0, 9))
            calendars.record_leave(
                person=enrollment.person, first_on=first, last_on=first + timedelta(days=2), by=cast.lead
            )
    with clock.frozen(MORNING + timedelta(days=chance.randint(0, 20))):
        report = cohort_report(cohort, limit=None)
        for row in report.rows:
            standing = training.standing_of(training.get_enrollment(row.code))
            assert row.standing.progress == standing.progress
            late = [
                due.on
                for step in standing.steps
                if step.required
                for due in [standing.dues[step.slug]]
                if standing.statuses[step.slug].is_late
            ]
            assert row.standing.late_since == (min(late) if late else None)
            for slug, cell in row.cells.items():
                assert cell.status == standing.statuses[slug]
                if cell.completed_at is None:
                    assert cell.due_on == standing.due_on(slug)
        keys = [rules.reading_order(row.standing) for row in report.rows]
        assert keys == sorted(keys)


standings = st.builds(
    lambda total, expected, done, days: Standing(
        Progress(min(done, total), min(expected, total), min(done, expected, total), total),
        date(2026, 4, 1) + timedelta(days=days) if min(expected, total) > min(done, expected, total) else None,
        min(done, total) == total,
    ),
    st.integers(1, 30),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 60),
)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(standings, max_size=20))
def test_a_summary_is_the_sum_of_its_rows(rows: list[Standing]) -> None:
    summary = rules.summarise(rows)
    assert summary.people == len(rows)
    assert summary.overdue_steps == summary.expected - summary.done_of_expected
    assert summary.overdue_people == len([row for row in rows if row.late_since is not None])
    assert (summary.on_track is None) == (summary.expected == 0)
    if summary.on_track is not None:
        assert 0 <= summary.on_track <= 1
