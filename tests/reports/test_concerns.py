"""Today for those who have a role: what concerns them, with counts that equal those of the pages behind them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from portal.accounts.models import Person, Role, Scope
from portal.accounts.service.ownership import set_owner
from portal.core import clock
from portal.core.db import session
from portal.core.jobs import Job, JobState
from portal.core.transaction import own_transaction
from portal.reports.queries import count_heads
from portal.training.service import concerns
from portal.training.service.concerns import Cell, Concern, concerns_of
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team, save
from tests.queries import counted_queries
from tests.reports.test_cohort import fill
from tests.training.builders import (
    acknowledge,
    load_holidays,
    make_cohort,
    make_documents,
    make_enrollment,
    make_plan,
)
from tests.training.test_training import document

MORNING = datetime(2026, 4, 28, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 5, 8, 1, 0, tzinfo=UTC)
LANGUAGES = ("en", "ja")


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
def cohort(cast: Cast) -> Any:
    cohort, version = make_cohort(cast.admin), make_plan()
    for person in (cast.learner, cast.colleague):
        make_enrollment(person, version, cast.admin, cohort=cohort)
    acknowledge(cast.learner, document("exposure"))
    return cohort


def told(person: Any) -> dict[str, Any]:
    return {concern.title: concern for concern in concerns_of(person)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lead_reads_which_cohorts_need_her_and_what_waits_for_her_word(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(LATER):
        page = as_(cast.lead, language=language).get("training.today")
        table = as_(cast.lead, language=language).get("reports.cohort", code=cohort.code)
    assert f"/cohorts/{cohort.code}" in [link.split("?")[0] for link in page.links()]
    assert {"en": "2 people overdue", "ja": "期限超過 2人"}[language] in page.text
    # The same number as on the cohort's own page.
    assert "2/ 2" in table.text
    assert any(link.startswith("/sign-offs/") for link in page.links())
    assert {"en": "All 1 sign-off", "ja": "実技確認すべて（1件）"}[language] in page.text
    assert {"en": "No lead is named", "ja": "リードが登録されていません"}[language] not in page.text
    assert {"en": "No training plan yet", "ja": "研修計画はまだありません"}[language] not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mentor_finds_her_learners(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    mentor = make_person("mentor@portal.example", team=cast.learner.team)
    make_grant(mentor, Role.MENTOR, Scope.TEAM, "account-safety")
    with clock.frozen(LATER):
        client = as_(mentor, language=language)
        page, whole = client.get("training.today"), client.get("training.list_learners")
    for person in (cast.learner, cast.colleague):
        assert person.name_in(language) in page.text
        assert person.name_in(language) in whole.text
    assert {"en": "All 2 learners", "ja": "受講者すべて（2人）"}[language] in page.text
    assert len([link for link in whole.links() if link.startswith("/training/")]) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_administrator_reads_what_failed_and_who_has_not_come(cast: Cast, as_: Any, language: str) -> None:
    for person in session.scalars(select(Person)):
        person.password_hash = "set"
    session.commit()
    quiet = as_(cast.admin, language=language).get("training.today")
    assert {"en": "No job has failed", "ja": "失敗したジョブ、未承諾の招待"}[language] in quiet.text
    save(make_person("invited@portal.example", password_hash=None))
    save(
        Job(
            name="mail.send", arguments={}, effect_key="mail:1", state=JobState.FAILED, attempts=6,
            created_at=MORNING, run_after=MORNING, last_error="refused",
        )
    )  # fmt: skip
    page = as_(cast.admin, language=language).get("training.today")
    assert {"en": "Jobs that failed", "ja": "失敗したジョブ"}[language] in page.text
    links = [link for link in page.links() if "state=failed" in link or "standing=invited" in link]
    assert len(links) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_authors_and_approvers_read_that_nothing_is_left_to_do(cast: Cast, as_: Any, language: str) -> None:
    page = as_(cast.approver, language=language).get("training.today")
    assert {"en": "No question is in draft", "ja": "下書きの設問も"}[language] in page.text
    assert {"en": "everything published is in force", "ja": "公示済みの版はすべて適用"}[language] in page.text


def test_a_wellbeing_contact_and_an_auditor_find_their_pages(cast: Cast, as_: Any) -> None:
    make_grant(cast.outsider, Role.WELLBEING_CONTACT)
    make_grant(cast.outsider, Role.AUDITOR)
    links = as_(cast.outsider, language="en").get("training.today").links()
    assert {"/wellbeing", "/journal", "/cohorts"} <= {link.split("?")[0] for link in links}


def test_somebody_without_a_role_costs_no_statement_more(cast: Cast, cohort: Any) -> None:
    assert [grant.role for grant in cast.learner.grants] == [Role.LEARNER]
    with counted_queries() as statements:
        assert told(cast.learner) == {}
    assert statements == []


def test_today_of_a_lead_asks_the_same_of_the_database_for_any_number_of_people(cast: Cast, as_: Any) -> None:
    version = make_plan()
    lead = as_(cast.lead)

    def count(code: str) -> int:
        fill(cast, make_cohort(cast.admin, code), version, 4)
        lead.fetch("training.today")
        session.expire_all()
        with counted_queries() as statements:
            lead.fetch("training.today")
        return len(statements)

    assert count("first") == count("second")


def test_people_with_two_plans_are_counted_once(cast: Cast, cohort: Any) -> None:
    make_enrollment(cast.learner, make_plan("another"), cast.admin, cohort=cohort)
    with clock.frozen(LATER):
        heads = count_heads([cohort.id])[cohort.id]
    assert (heads.following, heads.overdue, heads.complete) == (2, 2, 0)


def test_a_team_without_learners_says_so(cast: Cast, as_: Any) -> None:
    mentor = make_person("mentor@portal.example", team=make_team())
    make_grant(mentor, Role.MENTOR, Scope.TEAM, "account-safety")
    assert "Nobody within reach follows a plan" in as_(mentor, language="en").get("training.list_learners").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_cohorts_says_who_is_overdue(cast: Cast, cohort: Any, as_: Any, language: str) -> None:
    make_cohort(cast.admin, "nobody-yet")
    with clock.frozen(LATER):
        page = as_(cast.lead, language=language).get("reports.list_cohorts")
    rows = [" ".join("".join(row.itertext()).split()) for row in page.one("table").findall(".//tbody/tr")]
    assert sorted({"en": "2 people", "ja": "2人"}[language] in row for row in rows) == [False, True]


def test_long_names_are_shown_whole(cast: Cast, cohort: Any, as_: Any) -> None:
    cast.learner.shown_as = "寿限無" * 10
    cast.colleague.shown_as = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"
    save(cast.learner)
    page = as_(cast.lead, language="ja").get("reports.cohort", code=cohort.code)
    assert cast.learner.shown_as in page.text
    assert cast.colleague.shown_as in page.text


def test_what_there_is_to_do_stands_above_what_there_is_not(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        Concern("Nothing here", ("Name",), (), nothing="There is none."),
        Concern("Left out", ("Name",), ()),
        Concern("First to do", ("Name",), ((Cell("a"),),)),
        Concern("Second to do", ("Name",), ((Cell("b"),),)),
    ]
    monkeypatch.setattr(concerns, "_asked", [lambda _person: parts])
    assert [part.title for part in concerns_of(cast.lead)] == ["First to do", "Second to do", "Nothing here"]


def test_where_somebody_is_late_stands_above_what_only_waits(
    cast: Cast, cohort: Any, as_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Concern("Waits", ("What",), [(Cell("Something", state="waiting"),)], comes_first=True)
    monkeypatch.setattr(concerns, "_giving", [lambda person: [waiting]])

    def heads() -> list[str]:
        page = as_(cast.lead, language="en").get("training.today")
        return ["".join(each.itertext()) for each in page.all("h2")]

    on_time = heads()
    assert on_time.index("Waits") < on_time.index("Cohorts")
    with clock.frozen(LATER):
        late = heads()
    assert late.index("Cohorts") < late.index("Waits")


def test_of_many_things_to_answer_for_only_the_counts_stand_in_sight(cast: Cast, as_: Any) -> None:
    plans = [make_plan(f"plan-{number:02d}") for number in range(11)]
    browser = as_(cast.author, language="en")
    for plan in plans:
        assert not browser.get("training.today").all("details", class_="details")
        with own_transaction():
            set_owner(kind="plan", code=plan.plan.slug, owner=cast.author, by=cast.admin)
    fold = browser.get("training.today").one("details", class_="details")
    assert fold.get("open") is None
    assert "11 in all: Training plan 11" in "".join(fold.itertext())
