"""A cohort in a plan that counts from events: their days are asked for, judged, shown, and become the cohort's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Role, Scope
from portal.cohorts.models import Cohort
from portal.core import clock
from portal.core.db import session
from portal.core.transaction import own_transaction
from portal.quizzes.queries import get_quiz
from portal.training import queries
from portal.training.models import CohortDraft
from portal.training.queries import catalogue, cohort_drafts
from portal.training.rules import EventDay, StepKind, StepSpec
from portal.training.service import dates, founding
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team
from tests.gradebook.builders import decide
from tests.page_client import Page
from tests.queries import counted_queries
from tests.training.builders import EXAM as EXAM_EVENT
from tests.training.builders import (
    STEPS_AROUND_AN_EXAM,
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
    make_plan_with_exam,
    make_quiz,
    make_version,
)
from tests.training.test_founding import confirm, draft_of, enrolled, keys, listed
from tests.training.test_training import document

BEFORE = datetime(2026, 4, 14, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")
START = date(2026, 5, 18)
# A Friday.
EXAM = date(2026, 6, 12)
FIELD = "event.with-exam.exam"


@pytest.fixture
@beginning
def _plan(cast: Cast) -> None:
    load_holidays()
    make_documents()
    make_quiz()
    make_plan_with_exam(cast.author)
    make_plan(by=cast.author)


@pytest.fixture(autouse=True)
def _before(_plan: None) -> Iterator[None]:
    with clock.frozen(BEFORE):
        yield


def wished(text: str = "", **values: Any) -> dict[str, Any]:
    return {
        "plan": "with-exam@1.0",
        "place": "JP/account-safety",
        "starts_on": START.isoformat(),
        "text": text,
        FIELD: EXAM.isoformat(),
    } | values


def put_together(browser: Any, text: str = "", **values: Any) -> CohortDraft:
    return draft_of(browser.post("training.new_cohort", wished(text, **values)))


def found_of(browser: Any, cast: Cast, text: str, **values: Any) -> Cohort:
    draft = put_together(browser, text, **values)
    confirm(browser, draft, cast.lead)
    session.expire_all()
    cohort = cohort_drafts.get_draft(draft.code).cohort
    assert cohort is not None
    return cohort


def day_shown(page: Page, on: date) -> str:
    (found,) = [
        " ".join("".join(day.itertext()).replace("\xad", "").split())
        for day in page.all("td", class_="planner__day")
        for moment in day.iter("time")
        if moment.get("datetime") == on.isoformat()
    ]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_preview_shows_the_event_by_its_name_and_what_is_counted_from_it(
    cast: Cast, as_: Any, language: str
) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(2))))
    assert ("Certification exam" if language == "en" else "認定試験") in day_shown(page, EXAM)
    # Three working days before the exam, and five before the first day.
    dues = founding.judge(session.scalars(select(CohortDraft)).one(), cast.lead).schedule
    assert dues is not None
    assert (dues["revise"].on, dues["invite"].on) == (date(2026, 6, 9), date(2026, 5, 11))
    for due in dues.values():
        assert len(day_shown(page, due.on)) > len("Mon 11 May")


def test_an_event_after_the_last_date_stands_in_the_calendar_too(cast: Cast, as_: Any) -> None:
    revise = StepSpec("revise", StepKind.READ, -3, document="background", event="exam")
    make_plan("last", cast.author, revise, phases=(), credential=None, events=(EXAM_EVENT,))
    browser = as_(cast.lead)
    values = wished(listed(1), plan="last@1.0") | {"event.last.exam": "2026-07-20"}
    page = browser.follow(browser.post("training.new_cohort", values))
    assert "Certification exam" in day_shown(page, date(2026, 7, 20))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_days_become_those_of_the_cohort_and_everybody_follows_them(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    cohort = found_of(browser, cast, listed(2), chosen=[cast.learner.code])
    version = catalogue.get_latest_version("with-exam")
    assert queries.list_event_days(cohort, version.plan_id)["exam"].on == EXAM
    standings = queries.standings(enrolled(cohort))
    assert [each.basis.event("exam").on for each in standings] == [EXAM] * 3
    # Moved for the cohort it moves for everybody: nobody was given a day of her own.
    with own_transaction():
        dates.set_event_of_cohort(
            cohort=cohort, event=version.events[0], on=EXAM + timedelta(days=7), reason="Room.", by=cast.lead
        )
    session.expire_all()
    standings = queries.standings(enrolled(cohort))
    assert {each.basis.event("exam").on for each in standings} == {EXAM + timedelta(days=7)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("", ("Choose the day of the event.", "イベントの日を選んでください。")),
        ("31.2.2026", ("Enter a date like 2026-05-11.", "2026-05-11")),
        ("9999-12-31", ("Choose a date in the years", "年")),
    ],
)
def test_a_day_that_is_missing_or_cannot_be_read_is_asked_for_beside_its_field(
    cast: Cast, as_: Any, language: str, sent: str, told: tuple[str, str]
) -> None:
    page = as_(cast.lead, language=language).post("training.new_cohort", wished(listed(1), **{FIELD: sent}), expect=400)
    assert isinstance(page, Page)
    assert told[LANGUAGES.index(language)] in page.text
    assert page.one("input", name=FIELD).get("aria-invalid") == "true"
    assert session.scalars(select(CohortDraft)).all() == []


@pytest.mark.parametrize("sent", ["", "nonsense"])
def test_days_of_another_plan_are_not_asked_for(cast: Cast, as_: Any, sent: str) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(1), plan="first-days@1.0", **{FIELD: sent})
    assert founding.wishes_of(draft).events == {}
    assert founding.judge(draft, cast.lead).obstacles == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_without_the_day_says_so_and_is_not_created(cast: Cast, as_: Any, language: str) -> None:
    with own_transaction():
        wishes = founding.Wishes("with-exam", "1.0", "JP", "account-safety", START.isoformat(), text=listed(1))
        code = founding.keep_draft(wishes=wishes, by=cast.lead).code
    browser = as_(cast.lead, language=language)
    page = browser.get("training.cohort_draft", code=code)
    assert ("“Certification exam”" if language == "en" else "「認定試験」") in page.text
    assert not page.all("button", value="create")
    browser.post("training.cohort_draft", {"act": "create"}, code=code, expect=409)
    assert session.scalars(select(Cohort)).all() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("starts_on", [START, date(2027, 4, 1)])
def test_a_day_in_the_wrong_year_keeps_the_cohort_from_being_created(
    cast: Cast, as_: Any, language: str, starts_on: date
) -> None:
    browser = as_(cast.lead, language=language)
    values = wished(listed(1), starts_on=starts_on.isoformat(), **{FIELD: "2027-06-11"})
    page = browser.follow(browser.post("training.new_cohort", values))
    assert ("Check the year." if language == "en" else "年を確認") in page.text
    assert not page.all("button", value="create")
    draft = session.scalars(select(CohortDraft)).one()
    browser.post("training.cohort_draft", {"act": "create"}, code=draft.code, expect=409)
    assert session.scalars(select(Cohort)).all() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("on", "told"),
    [
        ("2026-06-14", ("Nobody works on Sun 14 Jun 2026, the day of “Certification exam”.", "休みの日です")),
        ("2026-04-10", ("The day of “Certification exam”, Fri 10 Apr 2026, has passed.", "すでに過ぎています")),
    ],
)
def test_a_day_on_which_nobody_works_or_that_has_passed_is_warned_of(
    cast: Cast, as_: Any, language: str, on: str, told: tuple[str, str]
) -> None:
    browser = as_(cast.lead, language=language)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), **{FIELD: on})))
    assert told[LANGUAGES.index(language)] in page.text
    assert page.all("button", value="create")


def test_the_day_stays_in_the_draft_and_can_be_changed(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    draft = put_together(browser, listed(1))
    page = browser.get("training.change_draft", code=draft.code)
    assert page.one("input", name=FIELD).get("value") == EXAM.isoformat()
    # Neither is it lost when people are chosen in the preview.
    every = keys(draft, cast.lead)
    browser.post("training.cohort_draft", {"act": "update", "shown": every, "take": []}, code=draft.code)
    session.expire_all()
    assert founding.wishes_of(cohort_drafts.get_draft(draft.code)).events == {"exam": EXAM.isoformat()}
    browser.post("training.change_draft", wished(listed(1), **{FIELD: "2026-06-19"}), code=draft.code)
    session.expire_all()
    found = founding.judge(cohort_drafts.get_draft(draft.code), cast.lead)
    assert found.events["exam"].on == date(2026, 6, 19)


def test_steps_before_the_first_day_that_are_overdue_already_are_warned_of(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), starts_on="2026-04-15")))
    assert "1 step is due before today and would be overdue from the beginning." in page.text
    page = browser.follow(browser.post("training.new_cohort", wished(listed(1), starts_on="2026-05-17")))
    # The first working day after a Sunday, though something is due before it.
    assert "Nobody works on Sun 17 May 2026; the first working day is Mon 18 May 2026." in page.text


# --- Those who join later ---------------------------------------------------------------------------


def join(browser: Any, cohort: Cohort, by: Any, text: str, day: str) -> Page:
    response = browser.post(
        "training.add_learners",
        {"plan": "with-exam@1.0", "starts_on": START.isoformat(), "text": text, FIELD: day},
        code=cohort.code,
    )
    draft = draft_of(response)
    shown = browser.get("training.cohort_draft", code=draft.code)
    confirm(browser, draft, by)
    session.expire_all()
    assert isinstance(shown, Page)
    return shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_joins_later_takes_the_day_of_the_cohort_or_has_one_of_her_own(cast: Cast, as_: Any, language: str) -> None:
    browser = as_(cast.lead, language=language)
    cohort = found_of(browser, cast, listed(1))
    page = browser.get("training.add_learners", code=cohort.code)
    said = "The day of the cohort is Fri 12 Jun 2026" if language == "en" else "受講グループでは2026年6月12日"
    assert said in page.text
    shown = join(browser, cohort, cast.lead, "後藤 空\tsame@portal.example", "")
    assert ("the day of the cohort" if language == "en" else "受講グループの日程") in shown.text
    shown = join(browser, cohort, cast.lead, "後藤 海\tother@portal.example", "2026-06-19")
    assert ("a day of their own" if language == "en" else "個別の日程") in shown.text
    days = {
        each.enrollment.person.sign_in_name: each.basis.event("exam") for each in queries.standings(enrolled(cohort))
    }
    assert days["same@portal.example"] == EventDay(EXAM, cast.lead.names, is_of_cohort=True)
    assert (days["other@portal.example"].on, days["other@portal.example"].is_of_cohort) == (date(2026, 6, 19), False)
    assert days["new0@portal.example"].on == EXAM
    plan_id = catalogue.get_plan("with-exam").id
    assert queries.list_event_days(cohort, plan_id)["exam"].on == EXAM


def test_who_joins_a_cohort_without_the_day_is_asked_for_it(cast: Cast, as_: Any) -> None:
    cohort = make_cohort(cast.admin)
    values = {"plan": "with-exam@1.0", "starts_on": START.isoformat(), "text": listed(1)}
    page = as_(cast.lead).post("training.add_learners", values, code=cohort.code, expect=400)
    assert isinstance(page, Page)
    assert "Choose the day of the event." in page.text


# --- Whether there is time, and what counts from before -------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_preview_names_for_whom_there_is_not_enough_time_and_what_counts_from_before(
    cast: Cast, as_: Any, language: str
) -> None:
    with clock.frozen(BEFORE - timedelta(days=3)):
        for slug in ("exposure", "impersonation", "background"):
            acknowledge(cast.colleague, document(slug))
    browser = as_(cast.lead, language=language)
    # Up to three days before the exam there are two days; reading and revising take three.
    values = wished(chosen=[cast.learner.code, cast.colleague.code], **{FIELD: "2026-05-15"})
    page = browser.follow(browser.post("training.new_cohort", values))
    found = founding.judge(session.scalars(select(CohortDraft)).one(), cast.lead)
    short = {each.sign_in_name: [one.event for one in each.short] for each in found.taken}
    assert short == {"learner@portal.example": ["exam"], "colleague@portal.example": []}
    rows = {
        name: next(
            "".join(row.itertext()) for row in page.all("tr") if person.name_in(language) in "".join(row.itertext())
        )
        for name, person in (("learner", cast.learner), ("colleague", cast.colleague))
    }
    lacking = "What comes before “Certification exam” needs" if language == "en" else "「認定試験」"
    assert lacking in rows["learner"]
    counted = "3 steps were done before and count: " if language == "en" else "この計画で認められる項目が3件あります"
    assert counted in rows["colleague"]
    assert counted not in rows["learner"]


def test_what_the_preview_says_is_what_enrolling_does(cast: Cast, as_: Any) -> None:
    with clock.frozen(BEFORE - timedelta(days=3)):
        acknowledge(cast.learner, document("exposure"))
        acknowledge(cast.learner, document("impersonation"))
        make_version("impersonation", "2.0", effective_at=BEFORE - timedelta(days=1))
    browser = as_(cast.lead)
    draft = put_together(browser, chosen=[cast.learner.code])
    (candidate,) = founding.judge(draft, cast.lead).taken
    # The second one is of a version that is not in force any more.
    assert [step.slug for step in candidate.recognised] == ["invite"]
    confirm(browser, draft, cast.lead)
    session.expire_all()
    (standing,) = queries.standings(enrolled(cohort_drafts.get_draft(draft.code).cohort or make_cohort(cast.admin)))
    assert set(standing.completions) == {"invite"}
    assert [each for each in standing.feasibility() if not each.is_enough] == list(candidate.short)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_preview_knows_of_exemptions_from_quizzes_and_of_days_in_the_wrong_order(
    cast: Cast, as_: Any, language: str
) -> None:
    make_quiz()
    with_quiz = (
        *STEPS_AROUND_AN_EXAM,
        StepSpec("quiz", StepKind.QUIZ, 5, quiz="impersonation", minutes=15, prerequisites=("revise",)),
    )
    make_plan("with-exam", cast.author, *with_quiz, phases=(), credential=None, events=(EXAM_EVENT,), number="1.1")
    decide(cast.colleague, get_quiz("impersonation"), (cast.lead, cast.admin))
    browser = as_(cast.lead, language=language)
    values = wished(chosen=[cast.learner.code, cast.colleague.code], plan="with-exam@1.1", **{FIELD: "2026-06-26"})
    page = browser.follow(browser.post("training.new_cohort", values))
    found = founding.judge(session.scalars(select(CohortDraft)).one(), cast.lead)
    assert {each.sign_in_name: [step.slug for step in each.exempt] for each in found.taken} == {
        "learner@portal.example": [],
        "colleague@portal.example": ["quiz"],
    }
    said = {"en": "1 step counts because of an exemption: ", "ja": "免除により1項目が算入されます："}[language]
    assert page.text.count(said) == 1
    # The quiz is due on the fifth day, and revising for the exam, which comes first, weeks later.
    assert {"en": "which has to be done first. Check the days", "ja": "先に終える必要のある"}[language] in page.text


def test_what_counts_from_before_takes_no_statement_for_each_person(cast: Cast, as_: Any) -> None:
    browser = as_(cast.lead)
    counts = []
    for count in (4, 8):
        people = [make_person(f"known{count}-{number}@portal.example", team=make_team()) for number in range(count)]
        for person in people:
            with clock.frozen(BEFORE - timedelta(days=3)):
                acknowledge(person, document("exposure"))
        draft = put_together(browser, "\n".join(person.sign_in_name for person in people))
        session.expire_all()
        with counted_queries() as statements:
            browser.get("training.cohort_draft", code=draft.code)
        counts.append(len(statements))
        assert all(each.recognised for each in founding.judge(draft, cast.lead).taken)
    assert counts[0] == counts[1]


# --- The page of the cohort ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_cohort_leads_to_each_event_with_its_day(cast: Cast, as_: Any, language: str) -> None:
    cohort = make_cohort(cast.admin)
    browser = as_(cast.lead, language=language)
    way = browser.url("training.event_of_cohort", code=cohort.code, plan="with-exam", slug="exam")
    page = browser.get("reports.cohort", code=cohort.code)
    # Also before anybody is enrolled: nobody can be without the day.
    assert any(link.endswith(way) for link in page.links())
    assert ("not set yet" if language == "en" else "未定") in page.text
    version = catalogue.get_latest_version("with-exam")
    with own_transaction():
        dates.set_event_of_cohort(cohort=cohort, event=version.events[0], on=EXAM, reason="", by=cast.lead)
    make_enrollment(cast.learner, version, cast.admin, cohort=cohort, starts_on=START)
    page = browser.get("reports.cohort", code=cohort.code)
    assert any(link.endswith(way) for link in page.links())
    assert ("Fri 12 Jun 2026" if language == "en" else "2026年6月12日") in page.text


def test_events_of_plans_that_nobody_of_the_cohort_follows_are_left_out(cast: Cast, as_: Any) -> None:
    cohort = make_cohort(cast.admin)
    make_enrollment(cast.learner, catalogue.get_latest_version("first-days"), cast.admin, cohort=cohort)
    page = as_(cast.lead).get("reports.cohort", code=cohort.code)
    assert "Certification exam" not in page.text


def test_who_may_not_set_the_day_reads_it_without_a_way_to_change_it(cast: Cast, as_: Any) -> None:
    cohort = make_cohort(cast.admin)
    auditor = make_person()
    make_grant(auditor, Role.AUDITOR, Scope.ORGANISATION)
    page = as_(auditor, language="en").get("reports.cohort", code=cohort.code)
    assert "Certification exam" in page.text
    assert not any("/events/" in link for link in page.links())
