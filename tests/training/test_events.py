"""Days before the start and days of events: asked for, explained, moved with a reason, and whether there is time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Role
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.journal.models import JournalEntry
from portal.reports.queries import cohort_report
from portal.training import queries
from portal.training.errors import (
    DateIsPast,
    EventDatesMissing,
    EventOutOfBounds,
    EventUnchanged,
    NoSuchEvent,
    ReasonMissing,
)
from portal.training.invariants import INVARIANTS
from portal.training.models import Enrollment, EventDate
from portal.training.rules import StepKind, StepSpec
from portal.training.service import dates
from portal.training.service.enrollments import end_plan, enroll
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person
from tests.shown import as_shown
from tests.training.builders import EXAM as EXAM_EVENT
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_plan_with_exam,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
START = date(2026, 5, 18)
EXAM = date(2026, 6, 12)


@pytest.fixture
@beginning
def _documents(cast: Cast) -> None:
    with clock.frozen(MORNING):
        load_holidays()
        make_documents()


@pytest.fixture(autouse=True)
def _three_weeks_before_the_start(_documents: None) -> Iterator[None]:
    with clock.frozen(MORNING):
        yield


@pytest.fixture
@beginning
def enrollment(cast: Cast) -> Enrollment:
    cohort, version = make_cohort(cast.admin, starts_on=START), make_plan_with_exam(cast.author)
    with own_transaction():
        dates.set_event_of_cohort(cohort=cohort, event=version.events[0], on=EXAM, reason="", by=cast.lead)
    return make_enrollment(cast.learner, version, cast.admin, cohort=cohort, starts_on=START)


def all_due(enrollment: Enrollment) -> dict[str, date]:
    session.expire_all()
    return {slug: each.on for slug, each in queries.standing_of(enrollment).dues.items()}


def actions() -> list[str]:
    return list(session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))


def move_of_cohort(enrollment: Enrollment, on: date, by: Any) -> None:
    assert enrollment.cohort is not None
    with own_transaction():
        dates.set_event_of_cohort(
            cohort=enrollment.cohort, event=enrollment.version.events[0], on=on, reason="hall", by=by
        )


# --- before the start --------------------------------------------------------------------------


def test_dates_lie_before_the_start_and_around_the_exam(enrollment: Enrollment) -> None:
    assert all_due(enrollment) == {
        "invite": date(2026, 5, 11),
        "read": date(2026, 5, 19),
        "revise": date(2026, 6, 9),
        "talk": date(2026, 6, 15),
    }
    standing = queries.standing_of(enrollment)
    # The start is day 1 whatever lies before it: 18 May to 15 June.
    assert (standing.day, standing.length) == (0, 21)
    with clock.frozen(datetime(2026, 5, 12, 1, tzinfo=UTC)):
        standing = queries.standing_of(enrollment)
        assert standing.day == 0
        assert standing.statuses["invite"].is_late
        assert (standing.progress.expected, standing.progress.total) == (1, 4)
    with clock.frozen(datetime(2026, 5, 18, 1, tzinfo=UTC)):
        assert queries.standing_of(enrollment).day == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_date_before_the_start_and_one_before_the_exam_explain_themselves(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    with clock.frozen(datetime(2026, 5, 11, 1, tzinfo=UTC)):
        learner = as_(cast.learner, language=language)
        path = learner.get("training.path", code=enrollment.code).text
        for said in {
            "en": (
                "5 working days before the plan begins, Mon 18 May 2026.",
                "3 working days before “Certification exam”, Fri 12 Jun 2026.",
                "1 working day after “Certification exam”, Fri 12 Jun 2026.",
                "Day 1 is Mon 18 May",
            ),
            "ja": (
                "開始日（2026年5月18日（月））の5営業日前です。",
                "「認定試験」（2026年6月12日（金））の3営業日前です。",
                "「認定試験」（2026年6月12日（金））の1営業日後です。",
            ),
        }[language]:
            assert said in path
        # On its day it is what is to be done, although day 1 has not come.
        assert 'data-state="today"' in learner.get("training.today").body


def test_a_step_counted_back_from_another_one_says_so(cast: Cast, as_: Any) -> None:
    from portal.training.rules import StepKind, StepSpec
    from tests.training.builders import make_plan

    steps = (
        StepSpec("read", StepKind.READ, 5, document="impersonation"),
        StepSpec("before", StepKind.READ, -2, document="background", anchor="read"),
    )
    version = make_plan("back", cast.author, *steps, phases=())
    enrollment = make_enrollment(cast.learner, version, cast.admin, starts_on=START)
    assert all_due(enrollment) == {"read": date(2026, 5, 25), "before": date(2026, 5, 21)}
    path = as_(cast.learner, language="en").get("training.path", code=enrollment.code).text
    assert "2 working days before “Read ‘Impersonation’” is due, Mon 25 May 2026." in path


def test_days_before_a_start_stand_in_the_cohorts_table(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    assert enrollment.cohort is not None
    report = cohort_report(enrollment.cohort)
    assert [column.day for column in report.columns] == [-5, 2, None, None]
    (row,) = report.rows
    assert {slug: cell.due_on for slug, cell in row.cells.items()} == all_due(enrollment)
    page = as_(cast.lead, language="en").get("reports.cohort", code=enrollment.cohort.code)
    assert "5 working days before day 1" in page.text


# --- the day of an event -----------------------------------------------------------------------


def test_nobody_is_enrolled_without_the_days_that_a_plan_counts_from(cast: Cast) -> None:
    version = make_plan_with_exam(cast.author)
    for given, refusal, said in (
        ({}, EventDatesMissing, "“Certification exam”"),
        ({"exam": date(2028, 6, 12)}, EventOutOfBounds, "more than a year"),
        ({"exam": EXAM, "exan": EXAM}, NoSuchEvent, "no such event"),
    ):
        with own_transaction(), pytest.raises(refusal, match=said):
            enroll(person=cast.learner, version=version, starts_on=START, by=cast.admin, events=given)
    assert session.scalars(select(Enrollment)).all() == []
    with own_transaction():
        found = enroll(person=cast.learner, version=version, starts_on=START, by=cast.admin, events={"exam": EXAM})
    assert all_due(found)["revise"] == date(2026, 6, 9)


def test_a_learners_own_day_counts_before_her_cohorts_and_the_latest_counts(cast: Cast, enrollment: Enrollment) -> None:
    colleague = make_enrollment(
        cast.colleague, enrollment.version, cast.admin, cohort=enrollment.cohort, starts_on=START
    )
    # Her cohort's day is no day of her own.
    assert session.scalars(select(EventDate.enrollment_id)).all() == [None]
    move_of_cohort(enrollment, date(2026, 6, 19), cast.lead)
    assert all_due(enrollment)["revise"] == all_due(colleague)["revise"] == date(2026, 6, 16)
    event = enrollment.version.events[0]
    with own_transaction():
        dates.move_event(enrollment=enrollment, event=event, on=date(2026, 6, 26), reason="ill", by=cast.lead)
    move_of_cohort(enrollment, date(2026, 6, 12), cast.lead)
    assert all_due(enrollment)["revise"] == date(2026, 6, 23)
    assert all_due(colleague)["revise"] == date(2026, 6, 9)
    assert all_due(enrollment)["read"] == date(2026, 5, 19)
    assert actions()[-3:] == ["training.event_of_cohort_set", "training.event_moved", "training.event_of_cohort_set"]
    assert [each() for each in INVARIANTS.values()] == [[]] * len(INVARIANTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_sees_what_another_day_moves_before_it_moves_and_the_learner_reads_why(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead, where = as_(cast.lead, language=language), {"code": enrollment.code, "slug": "exam"}
    before = all_due(enrollment)
    assert any(
        link.endswith("/dates/events/exam") for link in lead.get("training.change_dates", code=enrollment.code).links()
    )
    page = lead.get("training.event_date", **where)
    assert {"en": "as for the whole cohort", "ja": "受講グループ全体と同じです"}[language] in page.text
    asked = {"takes_place_on": "2026-06-19", "reason": "会場の都合"}
    shown = lead.post("training.event_date", {**asked, "act": "preview"}, **where, expect=200)
    (table,) = shown.all("table")
    listed = [" ".join("".join(row.itertext()).split()) for row in table.iter("tr")][1:]
    assert len(listed) == 2
    assert all_due(enrollment) == before
    lead.post("training.event_date", as_shown(lead, "training.event_date", asked, **where), **where, expect=303)
    assert all_due(enrollment) == before | {"revise": date(2026, 6, 16), "talk": date(2026, 6, 22)}
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert {
        "en": "“Certification exam” moved to Fri 19 Jun 2026 by Hanako 3 Tanaka (会場の都合)",
        "ja": "佐藤 健さんが「認定試験」を2026年6月19日（金）に変更（会場の都合）",
    }[language] in path.text
    told = lead.get("training.change_dates", code=enrollment.code)
    assert {
        "en": "“Certification exam” on Fri 19 Jun 2026",
        "ja": "「認定試験」を2026年6月19日（金）に変更",
    }[language] in told.text
    assert actions()[-1] == "training.event_moved"


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_day_for_a_cohort_shows_whose_dates_it_moves(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    assert enrollment.cohort is not None
    colleague = make_enrollment(
        cast.colleague, enrollment.version, cast.admin, cohort=enrollment.cohort, starts_on=START
    )
    with own_transaction():
        event = colleague.version.events[0]
        dates.move_event(enrollment=colleague, event=event, on=date(2026, 7, 3), reason="ill", by=cast.lead)
    before = all_due(colleague)
    lead, where = as_(cast.lead, language=language), {"code": "jp-2026-04", "plan": "with-exam", "slug": "exam"}
    asked = {"takes_place_on": "2026-06-19", "reason": "会場の都合"}
    shown = lead.post("training.event_of_cohort", {**asked, "act": "preview"}, **where, expect=200)
    assert cast.learner.name_in(language) in shown.text
    assert cast.colleague.name_in(language) not in "".join(shown.all("table")[0].itertext())
    assert {"en": "1 learner has a day of her own", "ja": "個別の日が設定されている受講者が1人"}[language] in shown.text
    lead.post(
        "training.event_of_cohort", as_shown(lead, "training.event_of_cohort", asked, **where), **where, expect=303
    )
    assert all_due(enrollment)["revise"] == date(2026, 6, 16)
    assert all_due(colleague) == before
    path = as_(cast.learner, language=language).get("training.path", code=enrollment.code)
    assert {
        "en": "moved to Fri 19 Jun 2026 for the whole cohort by Hanako 3 Tanaka (会場の都合)",
        "ja": "佐藤 健さんが受講グループ全体の「認定試験」を2026年6月19日（金）に変更（会場の都合）",
    }[language] in path.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_on_which_nobody_works_is_warned_of_before_anything_moves(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    lead, code = as_(cast.lead, language=language), enrollment.code
    said = {"en": "Nobody works on", "ja": "休みの日です"}[language]
    for endpoint, where, name in (
        ("training.event_date", {"code": code, "slug": "exam"}, "takes_place_on"),
        ("training.event_of_cohort", {"code": "jp-2026-04", "plan": "with-exam", "slug": "exam"}, "takes_place_on"),
        ("training.first_day", {"code": code}, "starts_on"),
    ):
        for on, is_off in (("2026-06-20", True), ("2026-06-19", False)):
            asked = {name: on, "reason": "会場の都合", "act": "preview"}
            page = lead.post(endpoint, asked, **where, expect=200)
            assert (said in page.text) == is_off, (endpoint, on)
            assert page.all("button", value="confirm")


def test_what_is_done_keeps_its_date_when_the_exam_moves(cast: Cast, enrollment: Enrollment) -> None:
    acknowledge(cast.learner, document("background"))
    session.expire_all()
    standing = queries.standing_of(enrollment)
    moved = dates.moved_by_event(standing=standing, event=enrollment.version.events[0], on=date(2026, 6, 19))
    assert [each.step.slug for each in moved] == ["talk"]
    move_of_cohort(enrollment, date(2026, 6, 19), cast.lead)
    session.expire_all()
    assert queries.standing_of(enrollment).completions["revise"].due_on == date(2026, 6, 9)


def test_a_day_is_another_one_near_with_a_reason_and_of_a_plan_that_goes_on(cast: Cast, enrollment: Enrollment) -> None:
    event = enrollment.version.events[0]

    def move(on: date, reason: str) -> None:
        with own_transaction():
            dates.move_event(enrollment=enrollment, event=event, on=on, reason=reason, by=cast.lead)

    for on, reason, refusal in (
        (EXAM, "x", EventUnchanged),
        (date(2028, 1, 7), "x", EventOutOfBounds),
        (date(2026, 6, 19), "  ", ReasonMissing),
    ):
        with pytest.raises(refusal):
            move(on, reason)
        assert enrollment.cohort is not None
        with own_transaction(), pytest.raises(refusal):
            dates.set_event_of_cohort(cohort=enrollment.cohort, event=event, on=on, reason=reason, by=cast.lead)
    with own_transaction():
        end_plan(enrollment=enrollment, reason="left", by=cast.lead)
    with pytest.raises(DateIsPast):
        move(date(2026, 6, 19), "x")


def test_bad_days_are_answered_with_what_is_wrong(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    lead, own = as_(cast.lead, language="en"), {"code": enrollment.code, "slug": "exam"}
    whole = {"code": "jp-2026-04", "plan": "with-exam", "slug": "exam"}
    for day, status, said in (
        ("", 400, "Choose the day of the event."),
        ("tomorrow", 400, "Enter a date like"),
        ("2026-06-12", EventUnchanged.status, "is on this day already"),
        ("2036-06-12", EventOutOfBounds.status, "more than a year away"),
    ):
        for endpoint, where in (("training.event_date", own), ("training.event_of_cohort", whole)):
            asked = {"takes_place_on": day, "reason": "x", "act": "preview"}
            assert said in lead.post(endpoint, asked, **where, expect=status).text
    asked = {"takes_place_on": "2026-06-19", "reason": "", "act": "confirm", "seen": "2026-06-19#"}
    page = lead.post("training.event_of_cohort", asked, **whole, expect=ReasonMissing.status)
    assert "Write a reason" in page.text
    for endpoint, where in (
        ("training.event_date", own | {"slug": "party"}),
        ("training.event_of_cohort", whole | {"slug": "party"}),
        ("training.event_of_cohort", whole | {"plan": "nothing"}),
        ("training.event_of_cohort", whole | {"code": "nobody"}),
    ):
        lead.get(endpoint, **where, expect=404)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pause_says_that_what_is_due_before_an_event_keeps_its_date(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    page = as_(cast.lead, language=language).get("training.pause", code=enrollment.code)
    said = {
        "en": "What is due before an event keeps its date",
        "ja": "予定の日より前が期限の項目は、期限が変わりません",
    }
    assert said[language] in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_day_that_moves_no_date_can_be_set(cast: Cast, as_: Any, language: str) -> None:
    revise = StepSpec("revise", StepKind.READ, -3, document="background", event="exam")
    version = make_plan("last", cast.author, revise, phases=(), credential=None, events=(EXAM_EVENT,))
    enrollment = make_enrollment(
        cast.learner, version, cast.admin, cohort=make_cohort(cast.admin), starts_on=START, events={"exam": EXAM}
    )
    lead, where = as_(cast.lead, language=language), {"code": enrollment.code}
    asked = as_shown(lead, "training.first_day", {"starts_on": "2026-05-19", "reason": "x"}, **where)
    lead.post("training.first_day", asked, **where, expect=303)
    session.expire_all()
    assert queries.standing_of(enrollment).starts_on == date(2026, 5, 19)
    with clock.frozen(datetime(2026, 5, 20, 1, tzinfo=UTC)):
        lead = as_(cast.lead, language=language)
        asked = {"first_on": "2026-05-20", "reason": "x", "act": "preview"}
        page = lead.post("training.pause", asked, **where, expect=200)
        said = {"en": "All that is left is due before an event", "ja": "残りの項目はすべて予定の日より前が期限です"}
        assert said[language] in page.text


def test_nobody_moves_the_exam_of_her_own_training(cast: Cast, enrollment: Enrollment, as_: Any) -> None:
    make_grant(cast.learner, Role.LEAD)
    client = as_(cast.learner, language="en")
    client.get("training.event_date", code=enrollment.code, slug="exam", expect=404)
    client.get("training.event_of_cohort", code="jp-2026-04", plan="with-exam", slug="exam", expect=404)


def test_a_first_day_for_a_cohort_needs_no_reason_and_is_said_on_its_page(cast: Cast, as_: Any) -> None:
    version, cohort = make_plan_with_exam(cast.author), make_cohort(cast.admin, starts_on=START)
    lead, where = as_(cast.lead, language="en"), {"code": cohort.code, "plan": "with-exam", "slug": "exam"}
    page = lead.get("training.event_of_cohort", **where)
    assert "It is not set yet" in page.text
    assert 'name="reason"' not in page.body
    asked = as_shown(lead, "training.event_of_cohort", {"takes_place_on": "2026-06-12"}, **where)
    lead.post("training.event_of_cohort", asked, **where, expect=303)
    assert queries.list_event_days(cohort, version.plan_id)["exam"].on == EXAM


def test_the_doctor_finds_a_training_whose_exam_has_no_day(cast: Cast, enrollment: Enrollment) -> None:
    with own_transaction():
        session.execute(EventDate.__table__.delete())  # type: ignore[attr-defined]
    assert INVARIANTS["events of plans have dates"]() == [f"enrollment {enrollment.code}: the event exam has no date"]


# --- whether there is time ---------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_little_time_is_said_on_the_path_where_dates_are_changed_and_before_they_are(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    learner = as_(cast.learner, language=language)
    enough = {
        "en": "What comes before “Certification exam” needs 3 working days; 22 left until Tue 9 Jun 2026.",
        "ja": "「認定試験」までの項目に必要な営業日は3日、2026年6月9日（火）までの残りは22営業日です。",
    }[language]
    assert enough in learner.get("training.path", code=enrollment.code).text
    # The exam on the fourth day: two working days are left up to the revision that comes before it.
    where = {"code": enrollment.code, "slug": "exam"}
    short = {
        "en": "What comes before “Certification exam” needs 3 working days; 1 left until Mon 18 May 2026.",
        "ja": "「認定試験」までの項目に必要な営業日は3日、2026年5月18日（月）までの残りは1営業日です。",
    }[language]
    asked = {"takes_place_on": "2026-05-21", "reason": "x"}
    with clock.frozen(datetime(2026, 5, 18, 1, tzinfo=UTC)):
        lead, learner = as_(cast.lead, language=language), as_(cast.learner, language=language)
        shown = lead.post("training.event_date", {**asked, "act": "preview"}, **where, expect=200)
        assert short in shown.text
        lead.post("training.event_date", as_shown(lead, "training.event_date", asked, **where), **where, expect=303)
        warning = {"en": "There is not enough time", "ja": "日数が足りません"}[language]
        for page in (
            lead.get("training.change_dates", code=enrollment.code),
            learner.get("training.path", code=enrollment.code),
        ):
            assert short in page.text
            assert warning in page.text


def test_whoever_enrolls_a_late_joiner_is_told_what_she_has_no_time_for(
    cast: Cast, enrollment: Enrollment, app: Flask
) -> None:
    late = make_person("late.joiner@portal.example", market=enrollment.market)
    with clock.frozen(datetime(2026, 6, 8, 1, tzinfo=UTC)):
        run = app.test_cli_runner().invoke
        arguments = ["with-exam", late.sign_in_name, "--starts-on", "2026-06-08"]
        refused = run(args=["training", "enroll", *arguments])
        assert refused.exit_code == 1
        assert "days that are not set yet" in refused.output
        done = run(args=["training", "enroll", *arguments, "--event", "exam", "2026-06-12"])
        assert "needs 3 working days before exam, 2 left until 2026-06-09" in done.output


def test_the_day_of_an_event_is_set_for_a_cohort_at_the_terminal(
    cast: Cast, enrollment: Enrollment, app: Flask
) -> None:
    run = app.test_cli_runner().invoke
    command = ["training", "event", "jp-2026-04", "with-exam", "exam", "2026-06-19"]
    assert "Write a reason" in run(args=command).output
    assert run(args=[*command, "--reason", "hall"]).exit_code == 0
    assert all_due(enrollment)["revise"] == date(2026, 6, 16)


# --- the order of the steps ----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_that_puts_a_step_before_what_comes_first_is_warned_of(
    cast: Cast, enrollment: Enrollment, as_: Any, language: str
) -> None:
    word = {"en": "which has to be done first", "ja": "先に終える必要のある"}[language]
    lead = as_(cast.lead, language=language)
    where = {"code": enrollment.code, "slug": "exam"}
    # Three working days before 20 May lie before the first reading on 19 May.
    early, late = {"takes_place_on": "2026-05-20", "reason": "x"}, {"takes_place_on": "2026-06-19", "reason": "x"}
    assert word in lead.post("training.event_date", early, **where, expect=200).text
    assert word not in lead.post("training.event_date", late, **where, expect=200).text
    assert enrollment.cohort is not None
    cohort = {"code": enrollment.cohort.code, "plan": "with-exam", "slug": "exam"}
    page = lead.post("training.event_of_cohort", early, **cohort, expect=200)
    assert word in page.text
    assert {"en": "(1 learner)", "ja": "（1人）"}[language] in page.text
    assert word not in lead.post("training.event_of_cohort", late, **cohort, expect=200).text
