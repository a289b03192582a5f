"""Trends across cohorts: figures equal a recount in plain SQL, each opens its people, and chance is named as such."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from portal.accounts.models import Role, Scope
from portal.calendars.queries import working_calendar
from portal.cohorts.models import Cohort
from portal.cohorts.permissions import Reach
from portal.core import clock
from portal.core.db import session
from portal.core.i18n import Words
from portal.core.transaction import own_transaction
from portal.quizzes.models import QuizVersion
from portal.reports.queries import follow, report_of
from portal.reports.queries.lead import morning
from portal.reports.queries.trends import CohortTrend, Fate, passages_of, trends
from portal.reports.rules.survival import LEAST_FOR_MEDIAN
from portal.training import queries as training
from portal.training.models import Enrollment, PlanVersion, StepCompletion
from portal.training.rules import Doer, Presence, StepKind
from portal.training.service.plans import StepSpec
from portal.training.service.swaps import swap_version
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team
from tests.queries import counted_queries
from tests.reports.test_cohort import LANGUAGES, MORNING
from tests.reports.test_lead import FIRST, NEWEST, asked, fill
from tests.training.builders import (
    START,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    release,
)
from tests.training.test_sessions import AT, attend
from tests.training.test_sessions import plan as plan_session

EVERYTHING = Reach(True, frozenset(), frozenset(), frozenset())
# Everybody's last due date has passed.
AFTERWARDS = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    load_holidays()
    make_documents()


@pytest.fixture(autouse=True)
def _start_of_the_plan(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


def complete(enrollment: Enrollment, at: datetime, *, due_on: date = date(2026, 5, 13)) -> None:
    """Let all required steps have been done at an instant."""
    for step in enrollment.version.steps:
        if step.required:
            session.add(
                StepCompletion(enrollment=enrollment, step=step, completed_at=at, recorded_at=at, due_on=due_on)
            )
    enrollment.completed_at = at
    session.commit()


def end(enrollment: Enrollment, at: datetime) -> None:
    """End the plan of somebody who leaves."""
    enrollment.ended_at, enrollment.ended_by, enrollment.ended_reason = at, "test", "x"
    session.commit()


def make_people(cohort: Cohort, version: PlanVersion, by: Any, days: list[int | None]) -> list[Enrollment]:
    """Put people into the cohort who were through so many calendar days after its start; None: not yet."""
    found = []
    for number in days:
        enrollment = make_enrollment(make_person(team=make_team()), version, by, cohort=cohort)
        if number is not None:
            complete(enrollment, MORNING + timedelta(days=number))
        found.append(enrollment)
    return found


@pytest.fixture
@beginning
def cohort(cast: Cast) -> Any:
    """Six people: four through, one of them late, one left, one under way."""
    cohort = make_cohort(cast.admin)
    version = make_plan()
    found = make_people(cohort, version, cast.admin, [8, 8, 14, 20, None, None])
    end(found[4], MORNING + timedelta(days=9))
    release(found[0].person)
    release(found[1].person, score="1/2", passed=False)
    return cohort


def only(found: Any) -> CohortTrend:
    (trend,) = found.cohorts
    return trend  # type: ignore[no-any-return]


# --- what is counted ---------------------------------------------------------------------------


def test_working_days_leave_holidays_out_and_whoever_is_not_through_is_followed_up_to_a_day(
    cast: Cast, cohort: Any
) -> None:
    with clock.frozen(AFTERWARDS):
        trend = only(trends(EVERYTHING, viewer_id=0))
    # 28 April is day 1, 30 April the second, 7 May the fourth: Showa Day and Golden Week lie between.
    told = sorted((each.fate, each.days) for each in trend.passages)
    assert told == [
        (Fate.COMPLETED, 3),
        (Fate.COMPLETED, 3),
        (Fate.COMPLETED, 7),
        (Fate.COMPLETED, 11),
        (Fate.LEFT, 4),
        (Fate.UNDER_WAY, 21),
    ]
    assert (trend.survival.people, trend.survival.completed) == (6, 4)


def test_through_in_time_counts_whose_last_date_has_passed_and_who_did_not_leave_before_it(
    cast: Cast, cohort: Any
) -> None:
    with clock.frozen(AFTERWARDS):
        trend = only(trends(EVERYTHING, viewer_id=0))
    # Three were through by 13 May, one on 18 May, one is not yet. Who left before her last date is not counted.
    assert (trend.on_time.right, trend.on_time.of) == (3, 5)
    with clock.frozen(MORNING + timedelta(days=10)):
        early = only(trends(EVERYTHING, viewer_id=0))
    assert early.on_time.of == 0
    assert early.on_time.interval is None


@pytest.mark.parametrize(("session_on", "last_on"), [(date(2026, 5, 22), date(2026, 5, 22)), (date(2026, 4, 30), None)])
def test_who_is_booked_for_a_session_after_its_due_date_is_in_time_if_she_was_there(
    cast: Cast, session_on: date, last_on: date | None
) -> None:
    cohort = make_cohort(cast.admin)
    circle = StepSpec("circle", StepKind.SESSION, 3, title=Words("Circle", "勉強会"), by=Doer.LEAD)
    version = make_plan("circles", None, circle, phases=(), credential=None)
    enrollment = make_enrollment(cast.learner, version, cast.admin, cohort=cohort)
    due = training.standing_of(enrollment).due_on("circle")
    assert date(2026, 4, 30) < due < date(2026, 5, 22)
    last = last_on or due

    def told() -> tuple[Any, ...]:
        passage = only(trends(EVERYTHING, viewer_id=0)).passages[0]
        return passage.fate, passage.last_due_on, passage.is_on_time

    # Until that day nobody can say whether she is in time.
    planned = plan_session(cast, enrollment, when=replace(AT, on=session_on))
    with clock.frozen(datetime.combine(last, time(1), UTC)):
        assert told() == (Fate.UNDER_WAY, last, None)
    with clock.frozen(AFTERWARDS):
        assert told() == (Fate.UNDER_WAY, last, False)
        attend(cast, planned, learner=Presence.PRESENT)
        assert told() == (Fate.COMPLETED, last, True)
        (done,) = training.list_completions(enrollment)
        assert done.due_on == last
        # What had been due by each day is told the same before and after it is done.
        following = follow(cohort)
        (follower,) = following.people
        assert follower.asked_by("circle") == last
        (row,) = report_of(following).rows
        assert row.cells["circle"].due_on == last
        curve = {each.on: each.expected for each in morning(following, viewer_id=0).points}
        assert (curve.get(last - timedelta(days=1), 0), curve[last]) == (0, 1)


def test_who_goes_on_in_another_version_is_counted_once_and_has_not_left(cast: Cast, cohort: Any) -> None:
    revised = make_plan(number="2.0")
    with clock.frozen(MORNING):
        before = only(trends(EVERYTHING, viewer_id=0))
        under_way = next(each for each in before.passages if each.fate is Fate.UNDER_WAY)
        with own_transaction():
            swap_version(
                enrollment=training.get_enrollment(under_way.enrollment), version=revised, reason="x", by=cast.lead
            )
        after = only(trends(EVERYTHING, viewer_id=0))
    assert sorted((each.fate, each.days) for each in after.passages) == sorted(
        (each.fate, each.days) for each in before.passages
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_equal_a_recount_in_plain_sql(cast: Cast, seed: int) -> None:
    chance = random.Random(seed)
    cohort, version = make_cohort(cast.admin), make_plan()
    fill(cohort, version, 14, seed)
    rows = session.query(Enrollment).filter_by(cohort_id=cohort.id).order_by(Enrollment.id).all()
    for enrollment in rows:
        if enrollment.completed_at is None and chance.random() < 0.4:
            end(enrollment, MORNING + timedelta(days=chance.randint(0, 16), minutes=1))
    with clock.frozen(MORNING + timedelta(days=chance.randint(2, 25), hours=1)):
        trend, today = only(trends(EVERYTHING, viewer_id=0)), clock.today("Asia/Tokyo")
        passages = {each.enrollment: each for each in trend.passages}
        in_cohort = asked(
            """SELECT e.id, e.code, e.person_id, e.starts_on, e.completed_at, e.ended_at, (SELECT max(d.completed_at)
            FROM step_completions d JOIN plan_steps s ON s.id = d.step_id WHERE d.enrollment_id = e.id AND s.required)
            AS last_at FROM enrollments e WHERE e.cohort_id = :cohort""",
            cohort=cohort.id,
        )
        begun = [row for row in in_cohort if row.completed_at is not None or _day(row.starts_on) <= today]
        assert passages.keys() == {row.code for row in begun}
        for row in begun:
            passage = passages[row.code]
            if row.completed_at is not None:
                fate, until = Fate.COMPLETED, _tokyo(row.last_at)
            elif row.ended_at is not None:
                fate, until = Fate.LEFT, _tokyo(row.ended_at)
            else:
                fate, until = Fate.UNDER_WAY, today
            assert (passage.fate, passage.days) == (fate, _counted(cohort, row, until)), row.code
            standing = training.standing_of(training.get_enrollment(row.code))
            required = [step for step in standing.steps if step.required]
            last_due = max(
                standing.completions[step.slug].due_on or standing.due_on(step.slug)
                if step.slug in standing.completions
                else standing.due_on(step.slug)
                for step in required
            )
            assert passage.last_due_on == last_due
            is_told = last_due < today and (fate is not Fate.LEFT or last_due < until)
            assert passage.is_on_time == ((fate is Fate.COMPLETED and until <= last_due) if is_told else None)
        tried = asked(
            f"""SELECT e.code, m.passed FROM enrollments e JOIN attempts a ON a.person_id = e.person_id
            JOIN markings m ON m.attempt_id = a.id AND {NEWEST} WHERE e.cohort_id = :cohort AND {FIRST}
            AND a.state = 'released' AND (e.ended_at IS NULL OR a.started_at < e.ended_at)""",
            cohort=cohort.id,
        )
        mine = [row.passed for row in tried if row.code in passages]
        assert (trend.first_tries.right, trend.first_tries.of) == (sum(map(bool, mine)), len(mine))


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _tokyo(value: Any) -> date:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
    return clock.local_date(at, "Asia/Tokyo")


def _counted(cohort: Cohort, row: Any, until: date) -> int:
    """Count the days one by one."""
    calendar, day, days = working_calendar(cohort.market, row.person_id), _day(row.starts_on), 0
    while day <= until:
        days += calendar.is_working_day(day)
        day += timedelta(days=1)
    return days


def test_the_page_asks_the_same_of_the_database_for_any_number_of_cohorts_and_people(
    cast: Cast, cohort: Any, as_: Any
) -> None:
    lead, version = as_(cast.lead), session.query(PlanVersion).one()

    def count(endpoint: str, **values: Any) -> int:
        lead.fetch(endpoint, **values)
        session.expire_all()
        with counted_queries() as statements:
            lead.fetch(endpoint, **values)
        return len(statements)

    before = count("reports.cohort_trends"), count("reports.cohort_trend", code=cohort.code)
    make_people(cohort, version, cast.admin, [5, None])
    for number in range(3):
        other = make_cohort(cast.admin, f"jp-2026-0{number + 5}")
        make_people(other, version, cast.admin, [3, None])
    assert (count("reports.cohort_trends"), count("reports.cohort_trend", code=cohort.code)) == before
    assert before[0] <= 14


# --- what the page says ------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_number_opens_its_people_and_says_how_it_was_counted(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(AFTERWARDS):
        lead = as_(cast.lead, language=language)
        page = lead.get("reports.cohort_trends")
        links = {link for link in page.links() if link.startswith(f"/cohorts/{cohort.code}/trend")}
        counts = {}
        for link in links:
            who = link.partition("who=")[2] or "all"
            shown = lead.get("reports.cohort_trend", code=cohort.code, **({"who": who} if who != "all" else {}))
            counts[who] = len(shown.one("table").findall(".//tbody/tr"))
    # Nothing leads to where nobody is.
    assert counts == {"all": 6, "completed": 4, "under-way": 1, "left": 1, "late": 2, "failed-first": 1}
    said = {
        "en": ("Kaplan–Meier", "Wilson", "Mon 1 Jun 2026 10:00 JST", "50 %", "60 %"),
        "ja": ("カプラン・マイヤー", "ウィルソン", "50%", "60%"),
    }[language]
    assert [each for each in said if each not in page.text] == []
    figure = page.one("figure")
    assert figure.find(".//table") is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_median_that_is_not_reached_or_rests_on_too_few_is_said_in_words(cast: Cast, as_: Any, language: str) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    make_people(cohort, version, cast.admin, [None] * (LEAST_FOR_MEDIAN - 1))
    lead = as_(cast.lead, language=language)
    few = lead.get("reports.cohort_trends")
    assert {"en": "too few for an estimate", "ja": "人数不足"}[language] in few.text
    assert not few.all("figure")
    make_people(cohort, version, cast.admin, [None])
    enough = lead.get("reports.cohort_trends")
    assert {"en": "not reached yet", "ja": "未到達"}[language] in enough.text
    assert len(enough.all("figure")) == 1


def test_cohorts_stand_by_their_start_and_only_what_chance_does_not_explain_is_named(
    cast: Cast, cohort: Any, as_: Any
) -> None:
    version = session.query(PlanVersion).one()
    earlier = make_cohort(
        cast.admin, "jp-2026-03", starts_on=START - timedelta(days=28), name=Words("Cohort of March", "3月")
    )
    make_people(earlier, version, cast.admin, [9, 13])
    with clock.frozen(AFTERWARDS):
        page = as_(cast.lead, language="en").get("reports.cohort_trends")
        assert "may be chance" in page.text
        assert "do not overlap" not in page.text
        names = [
            "".join(row[0].itertext())
            for row in page.one("table", **{"aria-labelledby": "trends"}).findall(".//tbody/tr")
        ]
        assert ["March" in name for name in names] == [True, False]
        make_people(earlier, version, cast.admin, [30] * 12)
        make_people(cohort, version, cast.admin, [8] * 12)
        page = as_(cast.lead, language="en").get("reports.cohort_trends")
    assert "Time to proficiency: the intervals of “Cohort of March” and “Cohort of April” do not overlap." in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nobody_has_begun_the_page_says_what_comes(cast: Cast, as_: Any, language: str) -> None:
    make_cohort(cast.admin)
    page = as_(cast.lead, language=language).get("reports.cohort_trends")
    assert {"en": "Nothing to compare yet", "ja": "比較できるものはまだありません"}[language] in page.text
    make_people(session.query(Cohort).one(), make_plan(), cast.admin, [None])
    with clock.frozen(MORNING - timedelta(days=5)):
        ahead = only(trends(EVERYTHING, viewer_id=0))
        assert (len(ahead.passages), ahead.not_begun) == (0, 1)
        as_(cast.lead, language=language).get("reports.cohort_trends")


def test_the_file_has_the_figures_of_the_page(cast: Cast, cohort: Any, as_: Any) -> None:
    with clock.frozen(AFTERWARDS):
        answer = as_(cast.lead, language="en").fetch("reports.cohort_trends_csv")
    assert "trends-first-days-2026-06-01.csv" in answer.headers["Content-Disposition"]
    header, line = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    told = dict(zip(header, line, strict=True))
    assert told["Cohort code"] == cohort.code
    assert [told[name] for name in ("People", "Completed", "Under way", "Left before completing")] == [
        "6",
        "4",
        "1",
        "1",
    ]
    assert [told[name] for name in ("First tries", "First tries passed", "Through in time")] == ["2", "1", "3"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_shift_jis_does_not_have_is_told_before_the_file_is_given(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    client = as_(cast.lead, language=language)
    plain = client.fetch("reports.cohort_trends_csv", encoding="cp932")
    assert cohort.code in plain.data.decode("cp932")
    cohort.name = Words("Cohort of 𠮷野", "𠮷野のグループ")
    session.commit()
    asked = client.get("reports.cohort_trends_csv", encoding="cp932")
    assert "U+20BB7" in asked.text
    assert "𠮷野" in asked.text
    anyway = client.fetch("reports.cohort_trends_csv", encoding="cp932", anyway=1)
    assert "〓野" in anyway.data.decode("cp932")
    client.get("reports.cohort_trends_csv", encoding="latin-1", expect=404)


def test_the_workbook_has_the_rows_of_the_file(cast: Cast, cohort: Any, as_: Any) -> None:
    with clock.frozen(AFTERWARDS):
        client = as_(cast.lead, language="en")
        rows = list(csv.reader(io.StringIO(client.fetch("reports.cohort_trends_csv").data.decode("utf-8-sig"))))
        book = openpyxl.load_workbook(io.BytesIO(client.fetch("reports.cohort_trends_xlsx").data))
    (sheet,) = book.worksheets
    values = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert values[0] == rows[0]
    assert values[1][1:3] == [cohort.code, rows[1][2]]
    assert values[1][4:8] == [int(each) for each in rows[1][4:8]]


def test_the_file_of_trends_counts_those_who_have_not_begun(cast: Cast, cohort: Any, as_: Any) -> None:
    with clock.frozen(AFTERWARDS):
        ahead = make_cohort(cast.admin, code="jp-ahead")
        on = clock.now().date() + timedelta(days=30)
        for person in (cast.colleague, cast.outsider):
            make_enrollment(person, make_plan(), cast.admin, cohort=ahead, starts_on=on)
        client = as_(cast.admin, language="en")
        rows = list(csv.DictReader(io.StringIO(client.fetch("reports.cohort_trends_csv").data.decode("utf-8-sig"))))
    (row,) = [each for each in rows if each["Cohort code"] == "jp-ahead"]
    assert (row["People"], row["Not begun yet"], row["Under way"]) == ("2", "2", "0")


# --- who sees what -----------------------------------------------------------------------------


def test_a_lead_sees_only_cohorts_of_her_teams_and_none_that_was_withdrawn(cast: Cast, cohort: Any, as_: Any) -> None:
    make_grant(cast.outsider, Role.LEAD, Scope.TEAM, "payments-safety")
    other = as_(cast.outsider, language="en")
    assert str(cohort.name) not in other.get("reports.cohort_trends").text
    assert cohort.code not in other.fetch("reports.cohort_trends_csv").get_data(as_text=True)
    other.get("reports.cohort_trend", code=cohort.code, expect=404)
    cohort.withdrawn_at, cohort.withdrawn_by = clock.now(), "test"
    session.commit()
    assert trends(EVERYTHING, viewer_id=0).cohorts == []


def test_a_lead_among_the_learners_learns_nothing_that_her_quiz_keeps_from_her(cast: Cast) -> None:
    cohort = make_cohort(cast.admin)
    make_enrollment(cast.lead, make_plan(), cast.admin, cohort=cohort)
    release(cast.lead, score="1/2", passed=False)
    session.query(QuizVersion).update({"show": []})
    session.commit()
    told = passages_of(cohort, viewer_id=cast.lead.id).trend
    assert told is not None
    assert told.first_tries.of == 0
    told = passages_of(cohort, viewer_id=cast.admin.id).trend
    assert told is not None
    assert told.first_tries.of == 1


def test_an_unknown_group_leaves_everybody_and_an_unknown_plan_is_not_found(cast: Cast, cohort: Any, as_: Any) -> None:
    lead = as_(cast.lead, language="en")
    page = lead.get("reports.cohort_trend", code=cohort.code, who="nobody-knows")
    assert len(page.one("table").findall(".//tbody/tr")) == 6
    assert "The address names a filter that is not there" in page.text
    lead.get("reports.cohort_trend", expect=404, code=cohort.code, plan="nope")
    for endpoint in ("reports.cohort_trends", "reports.cohort_trends_csv", "reports.cohort_trends_xlsx"):
        lead.get(endpoint, expect=404, plan="nope")
