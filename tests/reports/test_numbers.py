"""Every number of the lead's pages leads to the list of what it counts, and the list is as long as the number says."""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from portal.accounts.models import Role, Scope
from portal.cohorts.models import CohortMember
from portal.core import clock
from portal.core.db import session
from portal.quizzes.models import QuizVersion
from portal.reports.formats import words
from portal.reports.queries.lead import clause_figures
from portal.reports.queries.weekly import changes_of
from portal.reports.rules import Week
from portal.training.models import StepCompletion
from tests.beginnings import beginning
from tests.builders import Cast, make_grant, make_person, make_team
from tests.queries import counted_queries
from tests.reports.test_cohort import LANGUAGES, LATER, MORNING
from tests.reports.test_lead import _documents, _start_of_the_plan, fill, seen_of  # noqa: F401
from tests.training.builders import make_cohort, make_enrollment, make_plan, release

PAGES = ("reports.cohort", "reports.cohort_clauses", "reports.cohort_report")
# Half-way through, and early enough for steps that fall due next.
DAY = MORNING + timedelta(days=9, hours=1)


@pytest.fixture
@beginning
def cohort(cast: Cast) -> Any:
    """Some people who did by chance what people do; one has just come, one has just left."""
    made = make_cohort(cast.admin)
    fill(made, make_plan(), 24, 1)
    for left_at in (None, DAY - timedelta(days=1, hours=12)):
        session.add(
            CohortMember(
                cohort_id=made.id, person_id=make_person(team=make_team()).id, joined_at=DAY - timedelta(days=2),
                added_by="test", left_at=left_at, left_by="test" if left_at else None,
            )
        )  # fmt: skip
    session.commit()
    return made


def numbers_of(page: Any) -> dict[str, int]:
    """Return address → the number that leads there, of every list behind a number."""
    found = {}
    for link in page.tree.iter("a"):
        address, said = link.get("href") or "", "".join(link.itertext()).strip()
        if "/numbers/" in address or "people=" in address:
            said_numbers = [int(each) for each in re.findall(r"\d+", said)]
            if said_numbers and "%" not in said:
                # "Foreseen for 12 of 14 people"
                found[address] = min(said_numbers)
    return found


def length_of(browser: Any, address: str) -> int:
    """Return how long the list at an address of one of these pages is."""
    parts = urlsplit(address)
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    code, _sep, name = parts.path.removeprefix("/cohorts/").partition("/numbers/")
    if name:
        page = browser.get("reports.cohort_number", code=code, name=name, **asked)
        return len(page.tree.findall(".//tbody/tr"))
    return len(browser.get("reports.cohort", code=code, **asked).one("table", class_="matrix").findall(".//tbody/tr"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("endpoint", PAGES)
def test_every_number_leads_to_a_list_of_that_length(
    cast: Cast, cohort: Any, as_: Any, endpoint: str, language: str
) -> None:
    with clock.frozen(DAY):
        browser = as_(cast.lead, language=language)
        numbers = numbers_of(browser.get(endpoint, code=cohort.code))
        assert len(numbers) >= {"reports.cohort": 8, "reports.cohort_clauses": 4, "reports.cohort_report": 14}[endpoint]
        assert {address: length_of(browser, address) for address in numbers} == numbers


def test_the_list_behind_a_change_holds_those_who_are_named_beside_it(cast: Cast, cohort: Any, as_: Any) -> None:
    week = Week(DAY.date() - timedelta(days=7), DAY.date() - timedelta(days=1))
    with clock.frozen(DAY):
        following, _seen = seen_of(cohort)
        changes = changes_of(cohort, following, week, viewer_id=0)
        browser = as_(cast.lead, language="en")
        for name, people in {
            "week-completed": changes.completed, "week-passed": changes.passed, "week-overdue": changes.became_overdue,
            "week-joined": changes.joined, "week-left": changes.left,
        }.items():  # fmt: skip
            page = browser.get("reports.cohort_number", code=cohort.code, name=name)
            assert len(page.tree.findall(".//tbody/tr")) == len(people), name
        # Who has left the cohort is named, and leads nowhere.
        assert len(changes.left) == 1


def test_the_days_of_a_report_stay_those_of_its_address(cast: Cast, cohort: Any, as_: Any) -> None:
    def shown() -> int:
        browser = as_(cast.lead, language="en")
        page = browser.get(
            "reports.cohort_number", code=cohort.code, name="week-steps", first="2026-04-28", last="2026-05-04"
        )
        return len(page.tree.findall(".//tbody/tr"))

    with clock.frozen(DAY):
        first = shown()
    with clock.frozen(DAY + timedelta(days=20)):
        assert shown() == first > 0


def test_an_address_that_means_nothing_is_not_found(cast: Cast, cohort: Any, as_: Any) -> None:
    with clock.frozen(DAY):
        browser = as_(cast.lead, language="en")
    for name, asked in (
        ("everything", {}),
        ("first-tried", {}),
        ("first-tried", {"quiz": "nope"}),
        ("clause-missed", {"document": "impersonation"}),
        ("clause-asked", {"document": "impersonation", "clause": "nope"}),
        ("due", {"step": "nope"}),
        ("week-steps", {"first": "2026-05-04"}),
        ("week-steps", {"first": "2026-05-04", "last": "2026-05-03"}),
        ("week-steps", {"first": "2020-05-04", "last": "2026-05-03"}),
        ("week-steps", {"first": "9999-12-30", "last": "9999-12-31"}),
        ("week-steps", {"first": "0001-01-01", "last": "0001-01-02"}),
        ("week-steps", {"first": "x", "last": "\u0000"}),
        ("week-steps", {"plan": "nope"}),
    ):
        with clock.frozen(DAY):
            browser.get("reports.cohort_number", code=cohort.code, name=name, expect=404, **asked)


def test_a_lead_of_other_people_learns_nothing_of_whom_a_number_counts(cast: Cast, cohort: Any, as_: Any) -> None:
    away = make_person(team=make_team("safety-kr"))
    make_grant(away, Role.LEAD, Scope.TEAM, "safety-kr")
    as_(away, language="en").get("reports.cohort_number", code=cohort.code, name="week-steps", expect=404)


def test_nobody_stands_behind_a_clause_that_fewer_than_ten_were_asked_about(cast: Cast, as_: Any) -> None:
    cohort = make_cohort(cast.admin)
    fill(cohort, make_plan(), 8, 1)
    with clock.frozen(DAY):
        assert clause_figures(seen_of(cohort)[0], viewer_id=0) == []
        as_(cast.lead, language="en").get(
            "reports.cohort_number", code=cohort.code, name="clause-asked", document="impersonation", clause="scope",
            expect=404,
        )  # fmt: skip


def test_a_list_tells_a_lead_who_learns_herself_nothing_that_her_quiz_keeps(cast: Cast, as_: Any) -> None:
    cohort, version = make_cohort(cast.admin), make_plan()
    make_enrollment(cast.lead, version, cast.admin, cohort=cohort)
    release(cast.lead)
    session.execute(update(QuizVersion).values(show=[]))
    session.commit()
    with clock.frozen(LATER):
        for person, number in ((cast.lead, 0), (cast.admin, 1)):
            page = as_(person, language="en").get(
                "reports.cohort_number", code=cohort.code, name="first-tried", quiz="impersonation"
            )
            assert len(page.tree.findall(".//tbody/tr")) == number


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_behind_the_forecast_says_for_which_day_each_is_foreseen(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(DAY):
        _following, seen = seen_of(cohort, cast.lead.id)
        page = as_(cast.lead, language=language).get("reports.cohort_number", code=cohort.code, name="foreseen")
    rows = ["".join(row.itertext()) for row in page.tree.findall(".//tbody/tr")]
    assert len(rows) == len(seen.foreseen) > 0
    days = sorted(words.day_words(on, language, DAY.year) for on in seen.foreseen.values())
    assert all(any(day in row for row in rows) for day in days)


def test_the_statements_behind_a_number_do_not_grow_with_the_people(cast: Cast, cohort: Any, as_: Any) -> None:
    version = make_plan()
    with clock.frozen(DAY):
        browser = as_(cast.lead, language="en")

    def count(name: str) -> int:
        with counted_queries() as statements:
            browser.get("reports.cohort_number", code=cohort.code, name=name)
        return len(statements)

    with clock.frozen(DAY):
        names = ("attempts-today", "week-steps", "week-overdue", "foreseen")
        few = {name: (count(name), count(name))[1] for name in names}
        assert max(few.values()) <= 15
        chance = random.Random(1)
        for _each in range(6):
            enrollment = make_enrollment(make_person(team=make_team()), version, cast.admin, cohort=cohort)
            at = DAY - timedelta(days=chance.randint(1, 5))
            step = version.steps[0]
            session.add(
                StepCompletion(
                    enrollment=enrollment, step=step, completed_at=at, recorded_at=at, due_on=date(2026, 4, 28)
                )
            )
        session.commit()
        assert {name: count(name) for name in names} == few


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_share_on_track_leads_to_a_list_that_adds_up_to_it(
    cast: Cast, cohort: Any, as_: Any, language: str
) -> None:
    with clock.frozen(DAY):
        browser = as_(cast.lead, language=language)
        page = browser.get("reports.cohort", code=cohort.code)
        (address,) = {link for link in page.links() if "/numbers/on-track" in link}
        listed = browser.get("reports.cohort_number", code=cohort.code, name="on-track")
        following, _seen = seen_of(cohort)
    assert address.startswith(f"/cohorts/{cohort.code}/numbers/on-track")
    rows = listed.one("table").findall(".//tbody/tr")
    told = [re.findall(r"\d+", "".join(row[1].itertext())) for row in rows]
    pairs = [(int(each[0]), int(each[1])) if language == "en" else (int(each[1]), int(each[0])) for each in told]
    progress = [
        each.standing.progress for each in following.people if each.standing and each.standing.progress.expected
    ]
    done, due = sum(each.done_of_expected for each in progress), sum(each.expected for each in progress)
    assert (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)) == (done, due)
    assert 0 < done < due
    (link,) = [each for each in page.tree.iter("a") if (each.get("href") or "").startswith(address)]
    assert "".join(link.itertext()).strip().rstrip("%").strip() == str((done * 200 + due) // (due * 2))
